"""Which sizes a recording took for granted: what a program has to check of the sizes that it is run at.

The size of every axis of a value is 1 in any run, another number, that of an axis of a leaf, or a formula of those. A gradient
was recorded, and simplified, for the axes along which values were repeated then: for axes of size 1, and for axes that were
equally long where they met. What follows from the ops is certain, as it is of leaves, whose axes of size 0 and 1 are checked; the
rest is a demand, such as that `X[1:]` have one row again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import Op


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The size of an axis of a leaf, or of a value whose size no formula gives."""

    node: Node
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """A size that follows from others: Python source with a place for each of those."""

    form: str
    parts: tuple[Size, ...]
    length: int  # how many sizes are written in it


Size: TypeAlias = int | Axis | Formula
Sizes: TypeAlias = tuple[Size, ...]
Rule: TypeAlias = "Callable[[Axes, Node], Sizes]"  # what an op makes of the sizes of its operands


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """The axes of a value must have as many entries, `size`, as are `needed`: both were equal when it was recorded.

    `taker` is the op that was given a number, where that is the cause.
    """

    node: Node
    places: tuple[int, ...]
    size: Size
    needed: Size
    taker: Op | None = None

    def read(self) -> list[Node]:
        """The nodes of which the shape is read to check it."""
        return [*read_by(self.size), *read_by(self.needed)]


def spelled(size: Size, name: Callable[[Node], str]) -> str:
    """A size as Python source; `name(node)` returns the name of a node."""
    if isinstance(size, int):
        return str(size)
    if isinstance(size, Axis):
        return f"{name(size.node)}.shape[{size.place}]"
    return size.form.format(*(spelled(part, name) for part in size.parts))


def read_by(size: Size) -> Iterator[Node]:
    """The nodes of which the shape is read where a size is written."""
    if isinstance(size, Axis):
        yield size.node
    elif isinstance(size, Formula):
        for part in size.parts:
            yield from read_by(part)


class Axes:
    """The sizes of all values of the forward pass, and what they demand."""

    def __init__(self, graph: Graph, rule_of: Callable[[Op], Rule]) -> None:
        self._rule_of = rule_of
        self.leaves = [node for node in graph.forward if node.op is None and node.shape]
        self.masked: dict[Node, Axis] = {}  # how many entries a mask selects
        self._known: dict[Node, Sizes] = {}
        self._formulas: dict[Any, Formula] = {}
        self._demands: dict[Any, Demand] = {}
        self._kept: dict[int, Op] = {}  # the numbers that may be sizes of values, and the ops that were given them
        self._keeper: Op | None = None  # an op by which all leaves keep their sizes
        for node in graph.forward:
            self._known[node] = self._sizes(node)
        self._fit_seeds(graph)
        self._keep()
        self.demands = tuple(self._demands.values())

    def of(self, x: Any) -> Sizes:
        """The sizes of the axes of an operand, where what was empty or had one entry by chance must be so again."""
        return tuple(self._again(x, i) for i in range(x.ndim)) if isinstance(x, Node) else ()

    def _again(self, x: Node, place: int) -> Size:
        size, recorded = self._known[x][place], x.shape[place]
        if recorded > 1 or isinstance(size, int):
            return size
        self.demand(x, [place], size, recorded)
        return recorded

    def are_firm(self, node: Node) -> bool:
        """Whether all sizes of a value are numbers or those of leaves."""
        return node in self._known and all(map(is_firm, self._known[node]))

    def measured(self) -> set[Node]:
        """The values, other than leaves, of which the shape has to be read for a demand."""
        return {node for demand in self.demands for node in demand.read() if node.op is not None}

    def _sizes(self, node: Node) -> Sizes:
        if node.op is None:
            sizes: Sizes = tuple(n if n < 2 else Axis(node, i) for i, n in enumerate(node.shape))
        elif node.op.elementwise:
            return self.met(node.inputs) if node.shape else ()
        else:
            sizes = self._rule_of(node.op)(self, node)
        return tuple(self._shortened(node, i, size) for i, size in enumerate(sizes))

    def _shortened(self, node: Node, place: int, size: Size) -> Size:
        """A size as a number where it is one, and as what is measured where its formula is long."""
        if isinstance(size, Formula) and size.length > LONGEST:
            return Axis(node, place)
        return size if varies(size) else node.shape[place]

    def demand(self, node: Node, places: Iterable[int], size: Size, needed: Size, taker: Op | None = None) -> None:
        """Have it checked that two sizes are equal, unless they always are."""
        if size is not needed and (varies(size) or varies(needed)):
            self._demands.setdefault((size, needed), Demand(node, tuple(places), size, needed, taker))

    def keep_all(self, taker: Op) -> None:
        """Demand the sizes that leaves had: a number that an op was given may follow from any of them."""
        self._keeper = taker

    def keep(self, number: int, taker: Op) -> None:
        """Demand all sizes that are equal to a number that an op was given, as it may be one of them."""
        self._kept[number] = taker

    def _fit_seeds(self, graph: Graph) -> None:
        """Demand that every seed that is given has the shape of the output that it weighs."""
        for request in graph._requests():
            if request.seed.op is None and not request.unit and request.output in self._known:
                own = self._known.setdefault(request.seed, self._sizes(request.seed))
                for i, (size, needed) in enumerate(zip(own, self.of(request.output), strict=True)):
                    self.demand(request.seed, [i], size, needed)

    def _keep(self) -> None:
        for node in self._known if self._kept else self.leaves if self._keeper is not None else ():
            for i, (size, n) in enumerate(zip(self._known[node], node.shape, strict=True)):
                taker = self._kept.get(n, self._keeper if node.op is None else None)
                if taker is not None:
                    self.demand(node, [i], size, n, taker)

    def met(self, operands: Sequence[Any]) -> Sizes:
        """The sizes of a result in which operands were broadcast together."""
        arrays = [x for x in operands if isinstance(x, Node) and x.shape]
        if not arrays:
            return ()
        first = self._known[arrays[0]]
        if all(self._known[x] is first for x in arrays):
            return first
        ndim = max(x.ndim for x in arrays)
        return tuple(self.meeting([(x, x.ndim - ndim + i) for x in arrays if x.ndim - ndim + i >= 0]) for i in range(ndim))

    def meeting(self, axes: Sequence[tuple[Node, int]]) -> Size:
        """The one size of axes that meet: those that were stretched have size 1, and the others must stay equally long."""
        same = self._known[axes[0][0]][axes[0][1]]
        if all(self._known[x][i] is same for x, i in axes):
            return same
        sizes = [(x, i, self._again(x, i)) for x, i in axes]
        long = [(x, i, size) for x, i, size in sizes if size != 1]
        size = firmest([size for _, _, size in long])
        for x, i, other in long:
            if not (is_firm(size) and is_firm(other)):  # else NumPy raises for different ones, as neither is 1
                self.demand(x, [i], other, size)
        return size

    # Formulas

    def formula(self, form: str, *parts: Size) -> Size:
        """The size that a formula gives, the same object for the same parts."""
        longest = max(part.length if isinstance(part, Formula) else 1 for part in parts)
        return self._formulas.setdefault((form, *parts), Formula(form, parts, form.count("{") * longest))

    def product(self, sizes: Iterable[Size]) -> Size:
        """The number of entries along several axes."""
        parts = [size for size in sizes if size != 1]
        if len(parts) < 2:
            return parts[0] if parts else 1
        return self.formula(f"({' * '.join(['{}'] * len(parts))})", *parts)

    def total(self, sizes: Sequence[Size]) -> Size:
        """The size of an axis along which several are joined."""
        return sizes[0] if len(sizes) == 1 else self.formula(f"({' + '.join(['{}'] * len(sizes))})", *sizes)

    def slice(self, size: Size, part: slice) -> Size:
        """How many entries a slice takes of an axis; `x[1:]` and `x[:-1]` take equally many."""
        start, stop, step = part.start or 0, part.stop, 1 if part.step is None else part.step
        if step == 1 and start >= 0 and (stop is None or stop < 0):
            without = start - (stop or 0)
            if isinstance(size, Formula) and size.form == LESS:
                size, before = size.parts
                assert isinstance(before, int)
                without += before
            return self.formula(LESS, size, without) if without else size
        if (start, stop, step) in ((0, 1, 1), (-1, None, 1)) and isinstance(size, Axis) and is_firm(size):
            return 1
        if step == -1 and part.start is None and stop is None:
            return size
        ends = ":".join("" if end is None else str(end) for end in (part.start, part.stop, part.step))
        return self.formula(f"len(range({{}})[{ends}])", size)


LESS = "max({} - {}, 0)"
LONGEST = 16


def varies(size: Size) -> bool:
    """Whether a size depends on that of a leaf or a value."""
    return next(read_by(size), None) is not None


def is_firm(size: Size) -> bool:
    """Whether a size that was neither 0 nor 1 never is: a number, or an axis of a leaf, which is checked."""
    return isinstance(size, int) or (isinstance(size, Axis) and size.node.op is None)


def firmest(sizes: Sequence[Size]) -> Size:
    """One of equal sizes, where NumPy makes sure that they are, or 1 in want of any."""
    return next(filter(is_firm, sizes), sizes[0] if sizes else 1)
