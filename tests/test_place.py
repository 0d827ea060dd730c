"""Where in the user's code something is, and what the bytecode there tells."""

from types import CodeType
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.place import bindings_of, place_of


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
