"""What the sizes of axes are written in: numbers, axes of leaves, formulas of those, and the demands that two of them be equal.

The size of every axis of a value is 1 in any run, another number, that of an axis of a leaf, or a formula of those. The kind of
an op says which it is, by the methods of `Sizing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tinygraph.node import Node

if TYPE_CHECKING:
    from tinygraph.ops import Op


class Axis:
    """The size of an axis of a leaf, or of a value whose size no formula gives."""

    __slots__ = "node", "place"

    def __init__(self, node: Node, place: int) -> None:
        self.node = node
        self.place = place


class Formula:
    """A size that follows from others: Python source with a place for each of those.

    `length` is how many sizes are written in it, `number` how many formulas there were before it, of which it may be made.
    """

    __slots__ = "form", "length", "number", "parts"

    def __init__(self, form: str, parts: tuple[Size, ...], length: int, number: int) -> None:
        self.form = form
        self.parts = parts
        self.length = length
        self.number = number


Size: TypeAlias = int | Axis | Formula
Sizes: TypeAlias = tuple[Size, ...]


class Demand(NamedTuple):
    """The axes of a value must have as many entries, `size`, as are `needed`: both were equal when it was recorded.

    `taker` is the op that was given a number, where that is the cause.
    """

    node: Node
    places: tuple[int, ...]
    size: Size
    needed: Size
    taker: Op | None = None

    @property
    def along(self) -> str:
        """The axes in words."""
        return f"axis {self.places[0]}" if len(self.places) == 1 else f"axes {', '.join(map(str, self.places))}"

    def read(self) -> list[Node]:
        """The nodes of which the shape is read to check it."""
        return [axis.node for axis in (*axes_in(self.size), *axes_in(self.needed))]


def spelled(size: Size, name: Callable[[Node], str]) -> str:
    """A size as Python source; `name(node)` returns the name of a node."""
    if isinstance(size, int):
        return str(size)
    if isinstance(size, Axis):
        return f"{name(size.node)}.shape[{size.place}]"
    return size.form.format(*(spelled(part, name) for part in size.parts))


def axes_in(size: Size) -> Iterator[Axis]:
    """The axes of which the size is read where a size is written."""
    if isinstance(size, Axis):
        yield size
    elif isinstance(size, Formula):
        for part in size.parts:
            yield from axes_in(part)


class Sizing:
    """The sizes of values as they become known, and what those demand that follow."""

    def __init__(self) -> None:
        self.masked: dict[Node, Axis] = {}  # how many entries a mask selects
        self._known: dict[Node, Sizes] = {}
        self._formulas: dict[Any, Formula] = {}
        self._demands: dict[Any, Demand] = {}
        self._united: dict[Size, Size] = {}  # a size, and one that it must be equal to
        self._kept: dict[int, Op | None] = {}  # the numbers that may be sizes of values, and the ops that were given them
        self._keeper: Op | None = None  # an op by which all leaves keep their sizes

    def of(self, x: Any) -> Sizes:
        """The sizes of the axes of an operand, where what was empty or had one entry by chance must be so again."""
        return tuple(self._again(x, i) for i in range(x.ndim)) if isinstance(x, Node) else ()

    def _again(self, x: Node, place: int) -> Size:
        size, recorded = self._known[x][place], x.shape[place]
        if recorded > 1 or isinstance(size, int):
            return size
        self.demand(x, [place], size, recorded)
        return recorded

    def demand(self, node: Node, places: Iterable[int], size: Size, needed: Size, taker: Op | None = None) -> None:
        """Have it checked that two sizes are equal, unless they always are."""
        if size is not needed and (varies(size) or varies(needed)):
            self._demands.setdefault((size, needed), Demand(node, tuple(places), size, needed, taker))
            self.unite(size, needed)

    def unite(self, size: Size, other: Size) -> None:
        """Take two sizes for one from here on: what computes with the one computes with the other."""
        size, other = self._one_of(size), self._one_of(other)
        kept, joined = (size, other) if _rank(size) <= _rank(other) else (other, size)
        if kept != joined and not isinstance(joined, int):
            self._united[joined] = kept

    def _one_of(self, size: Size) -> Size:
        """The one of united sizes that stands for all."""
        while size in self._united:
            size = self._united[size]
        return size

    def identity(self, size: Size) -> Any:
        """What a size has in common with all that it always is equal to: a number, an axis of a leaf, or a formula of those."""
        one = self._one_of(size)
        return (one.form, *map(self.identity, one.parts)) if isinstance(one, Formula) else one

    def keep_all(self, taker: Op | None) -> None:
        """Demand the sizes that leaves had: a number that an op was given may follow from any of them."""
        self._keeper = taker

    def keep(self, number: int, taker: Op | None) -> None:
        """Demand all sizes that are equal to a number that an op was given, as it may be one of them."""
        self._kept[number] = taker

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
            self.unite(size, other)
        return size

    def agreeing(self, sizes: Sequence[Size]) -> Size:
        """The one size of axes of which NumPy makes sure that they are equally long."""
        size = firmest(sizes)
        for other in sizes:
            self.unite(size, other)
        return size

    # Formulas

    def formula(self, form: str, *parts: Size) -> Size:
        """The size that a formula gives, the same object for the same parts."""
        longest = max(part.length if isinstance(part, Formula) else 1 for part in parts)
        new = Formula(form, parts, form.count("{") * longest, len(self._formulas))
        return self._formulas.setdefault((form, *parts), new)

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


def _rank(size: Size) -> tuple[int, int]:
    """Which of equal sizes stands for all: a number, an axis of a leaf, what is measured, a formula, the oldest of several."""
    if isinstance(size, Formula):
        return 3, size.number
    return (0, 0) if isinstance(size, int) else (1 if size.node.op is None else 2, 0)


def varies(size: Size) -> bool:
    """Whether a size depends on that of a leaf or a value."""
    return next(axes_in(size), None) is not None


def is_firm(size: Size) -> bool:
    """Whether a size that was neither 0 nor 1 never is: a number, or an axis of a leaf, which is checked."""
    return isinstance(size, int) or (isinstance(size, Axis) and size.node.op is None)


def firmest(sizes: Sequence[Size]) -> Size:
    """One of equal sizes, where NumPy makes sure that they are, or 1 in want of any."""
    return next(filter(is_firm, sizes), sizes[0] if sizes else 1)
