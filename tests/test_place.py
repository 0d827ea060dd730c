"""Where in the user's code something is, and what the bytecode there tells."""

import sys
from types import CodeType
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.place import bindings_of, place_of, variables


def recorded(text: str, **names: Any) -> dict[str, Any]:
    """The names after a piece of code ran, and the code itself as `CODE`."""
    code = compile(text, "<text>", "exec")
    names = {"np": np, "x": tg.parameter(1.0), **names}
    exec(code, names)
    return names | {"CODE": code}


def test_a_node_knows_its_line() -> None:
    names = recorded("a = x * 2\n\n\nb = np.exp(\n    a\n)\n")
    assert names["a"].place.line == 1
    assert names["b"].place.line in (4, 5, 6)  # of a call over several lines
    assert str(names["a"].place) == "<text>:1"


def test_every_instruction_has_the_line_that_python_says() -> None:
    code = recorded("a = x * 2\nfor i in range(3):\n    a = (a +\n         x)\nif i:\n    b = a\nelse:\n    b = x")["CODE"]
    lines = {start: line for start, _, line in code.co_lines() if line is not None}
    assert {start: place_of(code, start).line for start in lines} == lines


LOOP = """
J = 0.0
for i in range(3):
    t = x * i
    J = J + t
J = J / 3
u, v = x * 1, x * 2
"""


@pytest.mark.parametrize(
    ("name", "variable", "repeats"), [("t", "t", True), ("J", "J", False), ("u", None, False)], ids=["loop", "behind", "unpacked"]
)
def test_which_variable_is_bound_and_whether_a_loop_does_it_again(name: str, variable: str | None, repeats: bool) -> None:
    names = recorded(LOOP)
    code: CodeType = names["CODE"]
    bindings = bindings_of(code)
    node = names[name]
    assert node.code is code
    assert bindings.variable(node.instruction) == variable
    assert bindings.repeats(node.instruction) is repeats


def test_a_while_loop_repeats_too() -> None:
    names = recorded("i = 0\nwhile i < 2:\n    a = x * i\n    i += 1\nb = a * 2\n")
    bindings = bindings_of(names["CODE"])
    assert bindings.repeats(names["a"].instruction)
    assert not bindings.repeats(names["b"].instruction)


outside = "of the module"


class TestVariables:
    """What a frame knows by some names."""

    def test_its_own_come_before_those_of_its_module_and_pythons(self) -> None:
        len = "its own"
        found = variables(sys._getframe(), ["len", "outside", "abs", "nowhere"])
        assert found == {"len": len, "outside": outside, "abs": abs}

    def test_what_a_function_enclosed_is_known(self) -> None:
        enclosed = 3

        def inner() -> dict[str, Any]:
            return variables(sys._getframe(), ["enclosed"]) if enclosed else {}

        assert inner() == {"enclosed": 3}

    def test_nothing_is_kept_alive(self) -> None:
        array = np.ones(3)
        before = sys.getrefcount(array)
        found = variables(sys._getframe(), ["array"])
        assert found["array"] is array
        del found
        assert sys.getrefcount(array) == before

    def test_what_locals_gave_to_somebody_stays_as_it_is(self) -> None:
        names = locals()
        assert variables(sys._getframe(), ["self"]) == {"self": self}
        assert names["self"] is self
