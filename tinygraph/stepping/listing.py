"""The user's code beside a walk: the lines that recorded the graph, by function.

The lines that made leaves in the same functions are shown too, and the loops and conditions around a line. Nothing else is.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinygraph.excerpt import excerpt
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.stepping.timeline import Step

LINES = 400  # of one function at most
LONGEST = 200  # characters of a line

Function = tuple[str, str]  # its file and its name


def function_of(place: Place) -> Function:
    """The function that contains a line of code."""
    return place.filename, place.function


def listing(graph: Graph, steps: Sequence[Step]) -> dict[Function, dict[str, Any]]:
    """The title and the numbered lines of each function, in the order of the walk; last, the line of an op that failed."""
    made: dict[Function, set[int]] = {}
    statements = [step.node for step in steps if step.phase == "forward"]
    for function, line in _lines(statements):
        made.setdefault(function, set()).add(line)
    for function, line in _lines([node for node in graph.forward if node.op is None]):
        if function in made:
            made[function].add(line)
    if graph._failure is not None:
        place = graph._failure.place
        made.setdefault(function_of(place), set()).add(place.line)
    found = {function: _numbered(function[0], numbers) for function, numbers in made.items()}
    return {function: {"name": _title(*function), "lines": lines} for function, lines in found.items() if lines}


def _lines(nodes: Sequence[Node]) -> Iterator[tuple[Function, int]]:
    """The lines of code that recorded some nodes, each with its function."""
    by_origin: Mapping[Any, Node] = {(id(node.code), node.instruction): node for node in nodes}
    for node in by_origin.values():
        for line in _lines_of(node):
            yield function_of(node.place), line


def _lines_of(node: Node) -> range:
    """The lines of code that recorded a node; of a loop or a condition only the first ones."""
    found = excerpt(node.code, node.instruction)
    if found is None:
        return range(node.place.line, node.place.line + 1)
    first, last = found.statement.lineno, found.statement.end_lineno or 0
    body = getattr(found.statement, "body", None)
    return range(first, max(first, body[0].lineno - 1 if body else last) + 1)


def _numbered(filename: str, numbers: set[int]) -> list[list[Any]]:
    """These lines and the lines that open the blocks around them, without their common indentation."""
    text = linecache.getlines(filename)
    shown = sorted({n for line in numbers if line <= len(text) for n in (line, *_around(text, line))})[:LINES]
    indentation = min((_indentation(text[n - 1]) for n in shown), default=0)
    return [[n, text[n - 1].rstrip()[indentation:][:LONGEST]] for n in shown]


def _around(text: Sequence[str], line: int) -> Iterator[int]:
    """The lines that open the blocks around a line, up to its function."""
    depth = _indentation(text[line - 1])
    for n in range(line - 1, 0, -1):
        opening = text[n - 1].strip()
        if not opening.endswith(":") or opening.startswith("#") or _indentation(text[n - 1]) >= depth:
            continue
        if opening.startswith(("def ", "async def ", "class ")):
            return
        depth = _indentation(text[n - 1])
        yield n


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _title(filename: str, function: str) -> str:
    """The title above the lines of a function; the file names of notebook cells are not shown."""
    is_cell = filename.startswith("<ipython-input") or os.path.basename(os.path.dirname(filename)).startswith("ipykernel_")
    title = "cell of the notebook" if is_cell else os.path.basename(filename)
    return title if function == "<module>" or (is_cell and function.startswith("<")) else f"{title}, in {function}"
