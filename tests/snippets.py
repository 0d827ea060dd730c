"""Pieces of a user's code that are run as a cell of a notebook is: with their source at hand, or without it."""

import itertools
import linecache
import textwrap
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

LAYER = """
class Layer:
    def __init__(self):
        self.W = tg.parameter(np.eye(2))
    def __call__(self, x):
        z = x @ self.W
        return np.tanh(z)
"""

NUMBERING = itertools.count(1)


def run(text: str, *, with_source: bool = True) -> dict[str, Any]:
    """The variables after a piece of code ran."""
    number = next(NUMBERING)
    text = "\n" * number + LAYER + textwrap.dedent(text)  # no two are the same code
    filename = f"<snippet {number}>"
    if with_source:
        linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    variables: dict[str, Any] = {"np": np, "tg": tg}
    exec(compile(text, filename, "exec"), variables)
    return variables


def called(text: str, *, with_source: bool = True) -> str:
    """The names, in order of creation, of what a piece of code records and calls `graph`."""
    graph = run(text, with_source=with_source)["graph"]
    return " ".join(name for node in graph.forward if (name := graph.name(node)) is not None)


def cases(text: str) -> list[Any]:
    """Pieces of code, one a paragraph: a title in the first line, and what is expected in a comment behind the last one."""
    return list(map(_case, text.strip().split("\n\n")))


def _case(paragraph: str) -> Any:
    title, _, rest = paragraph.partition("\n")
    code, _, expected = rest.rpartition("  # ")
    return pytest.param(code, expected, id=title.removeprefix("# "))
