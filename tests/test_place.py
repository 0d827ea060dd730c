"""Where in the user's code something is."""

from typing import Any

import numpy as np

import tinygraph as tg
from tinygraph.place import place_of


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
