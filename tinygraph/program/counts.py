"""Sizes that became numbers: `1 / m` with `m = len(y)` is recorded as a number, which stays what it is at another size.

A number that the source takes from a shape holds for that size alone. Where the source does not show where a number comes from,
or is not at hand, it may if it is equal to a size or to its reciprocal.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from types import CodeType
from typing import Any, NamedTuple

from tinygraph.binding import called, read
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.axes import Axes
from tinygraph.program.provenance import Provenance, provenance_of, shapes_of, values_at
from tinygraph.program.spelling import Spelling
from tinygraph.program.value import Number, atoms
from tinygraph.sizes import Demand, Size, axes_in

LONGEST = 100  # parts of a number that is quoted
CLOSE = 1e-6  # relative difference of a number that was computed with single precision
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
    return _Counting(graph, axes, spelling).counts(_parts(graph, spelling), all_unless_known=True)


def counts_kept(graph: Graph, leaves: Collection[Node], axes: Axes, spelling: Spelling) -> Iterator[Count]:
    """Those for leaves that keep their values and are numbers of NumPy's, such as `np.sqrt(m)`."""
    operands = ((node, i, x) for node in graph.forward for i, x in enumerate(node.inputs))
    parts = ((node, i, Number(x.item())) for node, i, x in operands if isinstance(x, Node) and not x.shape and x in leaves)
    return _Counting(graph, axes, spelling).counts(parts, all_unless_known=False)


class _Counting:
    """What is known of a graph where the numbers in it are looked up."""

    def __init__(self, graph: Graph, axes: Axes, spelling: Spelling) -> None:
        self.graph = graph
        self.axes = axes
        self.spelling = spelling

    def counts(self, parts: Iterable[tuple[Node, int, Number]], *, all_unless_known: bool) -> Iterator[Count]:
        """The sizes for these numbers, each once; for one of a shape that nothing is known of, all of them or none."""
        found: dict[tuple[bool, Any], Count] = {}
        seen: set[Any] = set()
        for node, i, part in parts:
            key = id(node.code), node.instruction, node.op, i, part.name, part.value
            if key in seen:
                continue
            seen.add(key)
            x, source = _read(self.spelling, node, i, part)
            if source is Provenance.LITERAL:
                continue
            certain, demands = self._demands(part.value, x, source, node, all_unless_known)
            place, text = str(node.place).partition(": ")[0], _text(x, part.value)
            for demand in demands:
                found.setdefault((certain, self.axes.identity(demand.size)), Count(demand, text, place, certain))
        return (count for (certain, size), count in found.items() if certain or (True, size) not in found)

    def _demands(
        self, value: float, x: ast.expr | None, source: Provenance, node: Node, all_unless_known: bool
    ) -> tuple[bool, list[Demand]]:
        """Whether a number is one of a shape, and the sizes that it may be taken from."""
        equal = [n for n in self._sizes if abs(value) in (n, 1 / n)]
        if x is None or source is not Provenance.SHAPE:
            return False, [demand for demand in self._of_entries(equal) if len(demand.places) == 1]
        entries, is_literal = _explained(value, x, node.place.filename, self._sizes)
        if is_literal or not (entries or value):  # 0 is no size
            return self._demands(value, x, Provenance.UNKNOWN, node, all_unless_known)
        # A size of a value that no leaf has follows from those of leaves in a way that is not known here.
        everything = self._of_entries(self._sizes)
        demands = self._of_entries(entries or equal) or (everything if all_unless_known else [])
        sizes = self._sizes_read(x, node)
        read = ([demand for demand in some if self.axes.identity(demand.size) in sizes] for some in (demands, everything))
        return True, next(filter(None, read), demands)

    def _of_entries(self, entries: Iterable[int]) -> list[Demand]:
        return [Demand(leaf, places, size, n) for n in entries for leaf, places, size in self._sizes[n]]

    def _sizes_read(self, x: ast.expr, node: Node) -> set[Any]:
        """The sizes that an expression reads, as it is written beside ops on the same variables; none where one is not known."""
        found: set[Any] = set()
        lines = [line for *_, line in node.code.co_lines() if line] if isinstance(node.code, CodeType) else []
        for array, axis in shapes_of(x, node.place.filename):
            values = self._operands.get((id(node.code), called(array)), ())
            if not values or not min(lines) <= array.lineno <= max(lines):
                return set()
            for value in values:
                sizes = self.axes.sizes_of(value)
                some = [*sizes, self.axes.product(sizes)] if axis is None else sizes[axis:][:1]
                found.update(self.axes.identity(part) for size in some for part in (size, *axes_in(size)))
        return found

    @cached_property
    def _operands(self) -> dict[Any, set[Node]]:
        """What each piece of code reads under a name as an operand of an op."""
        found: dict[Any, set[Node]] = {}
        for node in self.graph.forward:
            for i, x in enumerate(node.inputs):
                if isinstance(x, Node) and node.op is not None:
                    name = read(node.code, node.instruction, i, len(node.inputs), node.op.name)
                    if name is not None:
                        found.setdefault((id(node.code), name), set()).add(x)
        return found

    @cached_property
    def _sizes(self) -> Sizes:
        """The leaves that have a number of entries along an axis, or in all, one of each size."""
        found: dict[int, dict[Any, tuple[Node, tuple[int, ...], Size]]] = {}
        for leaf in self.axes.leaves:
            for places in dict.fromkeys([*((i,) for i in range(leaf.ndim)), tuple(range(leaf.ndim))]):
                entries = math.prod(leaf.shape[i] for i in places)
                if entries > 1:
                    size = self.axes.product(self.axes.sizes_of(leaf)[i] for i in places)
                    found.setdefault(entries, {}).setdefault(self.axes.identity(size), (leaf, places, size))
        return {entries: [*known.values()] for entries, known in found.items()}


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


def _explained(value: float, x: ast.expr, filename: str, sizes: Sizes) -> tuple[list[int], bool]:
    """The sizes that an expression gives a number for, and whether it gives it without any."""
    equal = {
        n: {y.of_shape for y in values_at(x, filename, n) if math.isclose(abs(y.number), abs(value), rel_tol=CLOSE)}
        for n in sizes
    }
    entries = [n for n, of_shape in equal.items() if True in of_shape]
    return entries, not entries and any(equal.values())


def _read(spelling: Spelling, node: Node, i: int, part: Number) -> tuple[ast.expr | None, Provenance]:
    """How the source has a number, and where it comes from; what it does not show as an operand is no number of the user's."""
    operands = spelling.operands(node, i)
    if operands is None:
        return None, Provenance.UNKNOWN
    if part.name is not None:
        operands = [ast.copy_location(ast.Name(part.name), x) for x in operands]
    from_where = [provenance_of(x, node.place.filename) for x in operands]
    if Provenance.LITERAL in from_where or not operands:
        return None, Provenance.LITERAL
    return operands[min(i, len(operands) - 1)], min(from_where)
