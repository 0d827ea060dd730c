"""Sizes that became numbers: `1 / m` with `m = len(y)` is recorded as a number, which stays what it is at another size.

A number that is equal to a size, or to its reciprocal, and that the source takes from a shape holds for that size alone. Where
the source does not show where the number comes from, or is not at hand, it may.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tinygraph.express.expression import Number, leaves
from tinygraph.express.provenance import Origin, origin
from tinygraph.express.spelling import Spelling
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops.sizes import Demand, Size
from tinygraph.program.axes import Axes

Sizes = Mapping[float, list[tuple[Node, tuple[int, ...], Size]]]


class Count(NamedTuple):
    """A size that must be as it was recorded, since `text` at a place in the code is a number that was taken from it; where it is
    not `certain`, that may have been.
    """

    demand: Demand
    text: str
    place: str
    certain: bool


def counts(graph: Graph, axes: Axes, spelling: Spelling) -> Iterator[Count]:
    """The sizes that must be as they were recorded for the numbers of a graph, each once."""
    numbers = [(node, i, x) for node in graph.forward for i, x in enumerate(node.inputs) if not isinstance(x, Node)]
    parts = [(node, i, part) for node, i, x in numbers for part in _parts(spelling, node, i, x)]
    sizes = _sizes(axes, {_entries(part.value) for _, _, part in parts})
    found: dict[tuple[bool, Any], Count] = {}
    for node, i, part in parts:
        entries = _entries(part.value)
        text, source = _read(spelling, node, i, part) if entries in sizes else ("", Origin.LITERAL)
        certain = source is Origin.SHAPE
        for leaf, places, size in sizes[entries] if source is not Origin.LITERAL else ():
            if certain or len(places) == 1:
                count = Count(Demand(leaf, places, size, round(entries)), text, str(node.place).partition(": ")[0], certain)
                found.setdefault((certain, axes.identity(size)), count)
    return (count for (certain, size), count in found.items() if certain or (True, size) not in found)


def _parts(spelling: Spelling, node: Node, i: int, x: Any) -> Iterator[Number]:
    """The names in a number that is written with names, and what is written otherwise as it is."""
    written = spelling.named(node, i)
    if written is not None:
        yield from (part for part in leaves(written) if isinstance(part, Number) and part.name is not None)
    elif not isinstance(x, bool):
        yield Number(x)


def _entries(value: float) -> float:
    """The whole number that a number is, or is the reciprocal of."""
    value = abs(value)
    return round(1 / value) if 1e-9 < value < 1 and 1 / round(1 / value) == value else value


def _sizes(axes: Axes, wanted: set[float]) -> Sizes:
    """The leaves that have a wanted number of entries along an axis, or in all, one of each size."""
    found: dict[float, dict[Any, tuple[Node, tuple[int, ...], Size]]] = {}
    for leaf in axes.leaves if wanted else ():
        for places in dict.fromkeys([*((i,) for i in range(leaf.ndim)), tuple(range(leaf.ndim))]):
            entries = math.prod(leaf.shape[i] for i in places)
            if entries > 1 and entries in wanted:
                size = axes.product(axes.sizes_of(leaf)[i] for i in places)
                found.setdefault(entries, {}).setdefault(axes.identity(size), (leaf, places, size))
    return {entries: [*known.values()] for entries, known in found.items()}


def _read(spelling: Spelling, node: Node, i: int, part: Number) -> tuple[str, Origin]:
    """How the source has a number, and where it comes from; what it does not show as an operand is no number of the user's."""
    operands = spelling.operands(node, i)
    if operands is None:
        return repr(part.value), Origin.UNKNOWN
    if part.name is not None:
        operands = [ast.Name(part.name)]
    from_where = [origin(x, node.place.filename) for x in operands]
    if Origin.LITERAL in from_where or not operands:
        return "", Origin.LITERAL
    return ast.unparse(operands[min(i, len(operands) - 1)]), min(from_where)
