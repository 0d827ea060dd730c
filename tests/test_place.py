"""Where in the user's code something is."""

import sys
from typing import Any

import numpy as np

import tinygraph as tg
from tinygraph.place import place_of, variables


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
