"""Sizes that became numbers: `1 / m` with `m = len(y)` is recorded as a number, which stays what it is at another size.

A number that the source takes from a shape holds for that size alone. Where the source does not show where a number comes from,
or is not at hand, it may if it is equal to a size or to its reciprocal.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.axes import Axes
from tinygraph.program.provenance import Provenance, provenance_of, values_at
from tinygraph.program.spelling import Spelling
from tinygraph.program.value import Number, atoms
from tinygraph.sizes import Demand, Size

LONGEST = 100  # parts of a number that is quoted
# The error for such a number, in two lines, since emitted source has it too.
STAYS = (
    "{what} has size {size} along {axes}, where it had {needed}, and {text} at {place} stays the number ",
    "that was recorded then: write np.mean or tg.ops.count, which follow the size, or record it again",
)
Sizes = Mapping[int, list[tuple[Node, tuple[int, ...], Size]]]


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
    return _counts(_parts(graph, spelling), axes, spelling)


def counts_kept(graph: Graph, leaves: Collection[Node], axes: Axes, spelling: Spelling) -> Iterator[Count]:
    """Those for leaves that keep their values and are numbers of NumPy's, such as `np.sqrt(m)`."""
    operands = ((node, i, x) for node in graph.forward for i, x in enumerate(node.inputs))
    parts = ((node, i, Number(x.item())) for node, i, x in operands if isinstance(x, Node) and not x.shape and x in leaves)
    return _counts(parts, axes, spelling)


def _counts(parts: Iterable[tuple[Node, int, Number]], axes: Axes, spelling: Spelling) -> Iterator[Count]:
    sizes: Sizes | None = None
    found: dict[tuple[bool, Any], Count] = {}
    seen: set[Any] = set()
    for node, i, part in parts:
        key = id(node.code), node.instruction, node.op, i, part.name, part.value
        if key in seen:
            continue
        seen.add(key)
        x, source = _read(spelling, node, i, part)
        if source is Provenance.LITERAL:
            continue
        sizes = _sizes(axes) if sizes is None else sizes
        certain = source is Provenance.SHAPE
        place, text = str(node.place).partition(": ")[0], _text(x, part.value)
        equal = _entries(part.value, x if certain else None, node.place.filename, sizes)
        # A size of a value that no leaf has follows from those of leaves in a way that is not known here.
        for entries in equal or (sizes if certain else ()):
            for leaf, places, size in sizes[entries]:
                if certain or len(places) == 1:
                    demand = Demand(leaf, places, size, entries)
                    found.setdefault((certain, axes.identity(size)), Count(demand, text, place, certain))
    return (count for (certain, size), count in found.items() if certain or (True, size) not in found)


def _text(x: ast.expr | None, value: Any) -> str:
    """How the source has a number, where it is at hand and of bearable length."""
    short = x is not None and next(itertools.islice(ast.walk(x), LONGEST, None), None) is None
    return ast.unparse(x) if x is not None and short else repr(value)


def _parts(graph: Graph, spelling: Spelling) -> Iterator[tuple[Node, int, Number]]:
    """The numbers that are operands, and the names in one that is written with names."""
    for node in (*graph.forward, *_of_own_rules(graph)):
        for i, x in enumerate(node.inputs):
            if isinstance(x, Node | bool):
                continue
            written = spelling.named(node, i)
            named = () if written is None else atoms(written)
            yield from ((node, i, part) for part in named if isinstance(part, Number) and part.name is not None)
            if written is None:
                yield node, i, Number(x)


def _of_own_rules(graph: Graph) -> Iterator[Node]:
    """What rules of the user's recorded; those of built-in ops bring no sizes along."""
    own = {x for x in graph.forward if x.op is not None and not x.op.built_in}
    return (x for x in graph._backward if graph._origin(x) in own) if own else iter(())


def _entries(value: float, x: ast.expr | None, filename: str, sizes: Sizes) -> list[int]:
    """The sizes that a number is equal to, is the reciprocal of, or that an expression gives it for."""
    value = abs(value)
    return [n for n in sizes if value in (n, 1 / n) or (x is not None and values_at(x, filename, n) & {value, -value})]


def _sizes(axes: Axes) -> Sizes:
    """The leaves that have a number of entries along an axis, or in all, one of each size."""
    found: dict[int, dict[Any, tuple[Node, tuple[int, ...], Size]]] = {}
    for leaf in axes.leaves:
        for places in dict.fromkeys([*((i,) for i in range(leaf.ndim)), tuple(range(leaf.ndim))]):
            entries = math.prod(leaf.shape[i] for i in places)
            if entries > 1:
                size = axes.product(axes.sizes_of(leaf)[i] for i in places)
                found.setdefault(entries, {}).setdefault(axes.identity(size), (leaf, places, size))
    return {entries: [*known.values()] for entries, known in found.items()}


def _read(spelling: Spelling, node: Node, i: int, part: Number) -> tuple[ast.expr | None, Provenance]:
    """How the source has a number, and where it comes from; what it does not show as an operand is no number of the user's."""
    operands = spelling.operands(node, i)
    if operands is None:
        return None, Provenance.UNKNOWN
    if part.name is not None:
        operands = [ast.Name(part.name)]
    from_where = [provenance_of(x, node.place.filename) for x in operands]
    if Provenance.LITERAL in from_where or not operands:
        return None, Provenance.LITERAL
    return operands[min(i, len(operands) - 1)], min(from_where)
