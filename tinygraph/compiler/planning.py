"""What of a step depends on the rows of its arguments, so that it can be computed block by block of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from tinygraph.compiler.primitives import read, reads
from tinygraph.node import Node
from tinygraph.ops import (
    Elementwise,
    EntryByEntry,
    KindError,
    Op,
    Opaque,
    Rearrangement,
    Reduction,
    Repetition,
    Sum,
    SumOfProducts,
)
from tinygraph.sizes import Axis, Sizes, Sizing, varies

# The kinds of ops that compute each row of a result from the same rows of the operands, along any axis that the result has.
ROW_BY_ROW = (Elementwise, EntryByEntry, Rearrangement, Reduction, Repetition, SumOfProducts)


class Dimensions(Sizing):
    """The sizes of the axes of primitive nodes, forward and backward."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        super().__init__()
        for node in nodes:
            self._known[node] = self._sizes(node)

    def _sizes(self, node: Node) -> Sizes:
        if node.op is None:
            return tuple(n if n < 2 else Axis(node, i) for i, n in enumerate(node.shape))
        if node.op.elementwise:
            return self.met(node.inputs) if node.shape else ()
        try:
            sizes = node.op.kind.sizes(self, node)
        except (KindError, IndexError, KeyError):  # of a user's op, which declares a kind that it is not of
            sizes = ()
        if len(sizes) != node.ndim:
            return tuple(Axis(node, i) for i in range(node.ndim))
        return tuple(size if varies(size) else node.shape[i] for i, size in enumerate(sizes))

    def of_all(self, node: Node) -> tuple[Hashable, ...]:
        """Of each axis what it has in common with all axes that are as long at any size of the leaves."""
        return tuple(self.identity(size) for size in self._known[node])


class Phases(NamedTuple):
    """The nodes that are computed before the first block, for each block, and behind the last.

    `axis` is the axis of the rows, of each node that has one; `sums` are the nodes of a block that are added up over all blocks.
    """

    axis: Mapping[Node, int]
    before: list[Node]
    block: list[Node]
    after: list[Node]
    sums: list[Node]


class NoRowsError(Exception):
    """Why a step is not computed block by block."""


def fixed(nodes: Sequence[Node], arguments: Collection[Node]) -> dict[Node, None]:
    """The nodes that have one value in all calls whose arguments have the same shapes, in order."""
    varying = set(arguments)
    found: dict[Node, None] = {}
    for node in nodes:
        if node in varying:
            continue
        if varying.isdisjoint(read(node)):
            found[node] = None
        else:
            varying.add(node)
    return found


def phases(computed: Sequence[Node], nodes: Sequence[Node], targets: Sequence[Node], data: Collection[Node]) -> Phases:
    """How to compute block by block along the longest axis of the `data` that may be as long as one likes; raises NoRowsError.

    `computed` are the nodes whose values a call computes, `nodes` these and all of which they read the shape.
    """
    sizes = Dimensions(nodes)
    rows = _longest([*(x for x in nodes if x.op is None), *computed], sizes, data)
    axis: dict[Node, int] = {}
    for node in nodes:
        places = [i for i, size in enumerate(sizes.of_all(node)) if size == rows]
        if len(places) > 1:
            raise NoRowsError(f"a value has {len(places)} axes of the rows")
        if places:
            axis[node] = places[0]
    if any(x in axis for x in targets):
        raise NoRowsError("a value with an entry for each row is returned")
    return _phases(computed, axis)


def _longest(nodes: Sequence[Node], sizes: Dimensions, data: Collection[Node]) -> Hashable:
    """Of the axes of the data that no other leaf has, and no op treats as a whole, the one along which the data have most."""
    entries: dict[Hashable, int] = {}
    fixed: set[Hashable] = set()
    whole: dict[Hashable, Op] = {}
    for node in nodes:
        own = sizes.of_all(node)
        if node.op is None and node not in data:
            fixed.update(own)
        elif node.op is None:
            for size in own:
                entries[size] = entries.get(size, 0) + node.size
        elif not isinstance(node.op.kind, ROW_BY_ROW):
            met = [*own, *(size for x in node.inputs if isinstance(x, Node) for size in sizes.of_all(x))]
            rowwise = {own[i] for i in node.op.kind.rowwise(node)} if isinstance(node.op.kind, Opaque) else set()
            whole = dict.fromkeys((size for size in met if size not in rowwise), node.op) | whole
    free = {size: count for size, count in entries.items() if isinstance(size, Axis) and size not in fixed}
    if not free:
        raise NoRowsError(
            "each axis of the arguments has the size of a parameter's axis, or a size that is 1 or a constant of the program"
        )
    rows = max(free, key=lambda size: free[size])
    if rows in whole:
        op = whole[rows]
        fix = "" if op.built_in else ": if it does so entry by entry, declare it by tg.op(..., elementwise=True)"
        raise NoRowsError(f"{op.name} is not known to compute each row from the same row{fix}")
    return rows


def _phases(nodes: Sequence[Node], axis: Mapping[Node, int]) -> Phases:
    before: list[Node] = []
    block: list[Node] = []
    after: list[Node] = []
    sums: list[Node] = []
    late: set[Node] = set()  # what depends on a sum over all rows
    for node in nodes:
        assert node.op is not None
        values = reads(node)
        is_of_rows = node in axis or any(x in axis for x in values)
        is_late = any(x in late for x in values)
        if is_of_rows and is_late:
            raise NoRowsError(f"{node.op.name} of each row needs a sum over all of them")
        if is_of_rows:
            block.append(node)
        else:
            (after if is_late else before).append(node)
        if is_of_rows and node not in axis:
            if not isinstance(node.op.kind, Sum | SumOfProducts):
                raise NoRowsError(f"{node.op.name} of all rows is no sum of what it gives of some of them")
            sums.append(node)
        if is_late or (sums and sums[-1] is node):
            late.add(node)
    own = set(block)
    if not any(x in axis and x not in own for node in block for x in reads(node)):
        raise NoRowsError("no value of a row is read, but only how many there are")
    return Phases(axis, before, block, after, sums)
