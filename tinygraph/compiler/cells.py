"""Where values lie in one vector for each dtype, how a group reads its operands there, and how it adds to their gradients.

What lies together is read and written as a slice. A value that a group reads again and again, in a pattern, is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.compiler.grouping import Grouping, Indices, Kind, Recorded
from tinygraph.node import Node

Vectors: TypeAlias = dict[Kind, ndarray[Any, Any]]
Entry: TypeAlias = tuple[Kind, int]  # the vector of a value, and its cell
Take: TypeAlias = "tuple[ndarray[Any, Any], Indices]"  # a vector and the cells to take from it
Step: TypeAlias = Callable[[Any], Any]


class Cells:
    """The cell of each value in the vector of its kind: leaves and the numbers in sums first, then one group after the other."""

    def __init__(self, recorded: Recorded, grouping: Grouping) -> None:
        self.of = np.full(len(grouping.uses), -1, np.intp)
        self.sizes: dict[Kind, int] = {}
        self.leaves: Vectors = {}  # the values that vectors begin with
        given: dict[Kind, list[int]] = {}
        for leaf in np.flatnonzero(recorded.signature < 0).tolist():
            given.setdefault(recorded.kinds[leaf], []).append(leaf)
        for group in grouping.groups:
            if group.is_sum:
                numbers = group.operands[group.operands >= len(recorded.nodes)]
                given.setdefault(group.signature.kind, []).extend(numbers.tolist())
        for kind, members in given.items():
            ordered = np.array(members, np.intp)[np.argsort(grouping.first_read[members], kind="stable")]
            self._append(kind, ordered)
            self.leaves[kind] = np.array([recorded.value(i) for i in ordered.tolist()], kind)
        self.starts = [self._append(group.signature.kind, group.members) for group in grouping.groups]

    def _append(self, kind: Kind, members: Indices) -> int:
        start = self.sizes.get(kind, 0)
        self.of[members] = np.arange(start, start + len(members))
        self.sizes[kind] = start + len(members)
        return start

    def entry(self, recorded: Recorded, node: Node) -> Entry:
        """The vector and the cell of a node."""
        i = recorded.index[node]
        return recorded.kinds[i], int(self.of[i])


class Entries:
    """Some values in an order, which may lie in several vectors."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        self._kinds = []
        for kind in dict.fromkeys(kind for kind, _ in entries):
            positions = [i for i, entry in enumerate(entries) if entry[0] is kind]
            self._kinds.append((kind, np.array([entries[i][1] for i in positions], np.intp), positions))

    def write(self, vectors: Vectors, values: Sequence[Any]) -> None:
        """Write the values."""
        for kind, cells, positions in self._kinds:
            chosen = values if len(self._kinds) == 1 else [values[i] for i in positions]
            vectors[kind][cells] = np.fromiter(chosen, kind, len(chosen))

    def read(self, vectors: Vectors) -> tuple[Any, ...]:
        """The values, as NumPy scalars."""
        if len(self._kinds) == 1:
            kind, cells, _ = self._kinds[0]
            return tuple(vectors[kind][cells])
        return tuple([vectors[kind][cell] for kind, cell in self.entries])


def slice_of(cells: Indices) -> slice | None:
    """The slice that cells are, if they are one."""
    start = int(cells[0])
    together = int(cells[-1]) - start == len(cells) - 1 and bool((cells[1:] - cells[:-1] == 1).all())
    return slice(start, start + len(cells)) if together else None


class Axes(NamedTuple):
    """The members of a group as an array of one axis or three, and for each operand the axes that it has."""

    shape: tuple[int, ...]
    has: tuple[tuple[bool, ...], ...]

    @classmethod
    def plain(cls, size: int, operands: int) -> Axes:
        """One axis, which all operands have."""
        return cls((size,), ((True,),) * operands)

    def shape_of(self, position: int) -> tuple[int, ...]:
        """The shape of an operand: 1 where it is the same along an axis."""
        return tuple(size if has else 1 for size, has in zip(self.shape, self.has[position], strict=True))

    def distinct(self, row: ndarray[Any, Any], position: int) -> ndarray[Any, Any]:
        """An operand, one entry for each member, without what is the same along an axis."""
        index = tuple(slice(None) if has else slice(0, 1) for has in self.has[position])
        return np.ascontiguousarray(row.reshape(self.shape)[index])


def axes_of(left: Indices, right: Indices) -> Axes:
    """The axes of two operands: one of them repeats along the last axis, the other along the one before it, or neither does."""
    size = len(left)
    lengths = [run_length(row[1:] != row[:-1], size) for row in (left, right)]
    length = max(lengths)
    if length == 1:
        return Axes.plain(size, 2)
    repeats_first = lengths[0] == length
    other = (right if repeats_first else left).reshape(-1, length)
    tiles = run_length((other[1:] != other[:-1]).any(axis=1), len(other))
    has = (True, True, False), (True, False, True)
    return Axes((size // (length * tiles), tiles, length), has if repeats_first else has[::-1])


def run_length(changes: ndarray[Any, Any], size: int) -> int:
    """The greatest length of equal runs that have changes between them alone."""
    return int(np.gcd.reduce(np.flatnonzero(changes) + 1, initial=size))


class Reading:
    """How an operand is read: as a view of a vector, or taken cell by cell."""

    def __init__(self, kind: Kind, cells: Indices) -> None:
        self.kind, self.cells = kind, cells
        self.slice = slice_of(cells.ravel())

    def bind(self, values: Vectors) -> tuple[Any, Take | None]:
        """The operand as a view, or else None and what to take it from."""
        if self.slice is not None:
            return values[self.kind][self.slice].reshape(self.cells.shape), None
        return None, (values[self.kind], self.cells)

    def __str__(self) -> str:
        if self.slice is not None:
            return named(self.kind, self.slice)
        return f"{self.kind.__name__}[{', '.join(map(str, self.cells.ravel()[:3].tolist()))}{', ...' * (self.cells.size > 3)}]"


class Literal:
    """An operand that is Python numbers: one number, or an array of different ones."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def bind(self, values: Vectors) -> tuple[Any, Take | None]:
        """The numbers."""
        return self.value, None

    def __str__(self) -> str:
        return f"{self.value.size} numbers" if isinstance(self.value, ndarray) else repr(self.value)


def named(kind: Kind, cells: slice) -> str:
    """Some cells, for a reader."""
    return f"{kind.__name__}[{cells.start}:{cells.stop}]"


class Contributions:
    """Which gradients have got a contribution, while a backward pass is prepared: the first one has nothing to be added to."""

    def __init__(self, sizes: dict[Kind, int]) -> None:
        self._reached = {kind: np.zeros(size, bool) for kind, size in sizes.items()}
        self._zeros: dict[Kind, list[Indices]] = {kind: [] for kind in sizes}

    def addition(self, kind: Kind, cells: Indices, full: tuple[int, ...] | None = None) -> Addition:
        """How contributions to the gradients at some cells are added; they come in the shape of these, broadcast to `full`."""
        reached = self._reached[kind]
        first = not reached[cells].any()
        if not first:
            self.start_at_0(kind, cells)
        reached[cells] = True
        return Addition(kind, cells, full or cells.shape, first)

    def start_at_0(self, kind: Kind, cells: Indices) -> None:
        """Let those of some gradients that have got nothing so far be 0 at first."""
        new = cells[~self._reached[kind][cells]]
        self._zeros[kind].append(new)
        self._reached[kind][new] = True

    def start_at_1(self, kind: Kind, cell: int) -> None:
        """Note that a gradient is given."""
        self._reached[kind][cell] = True

    def zeros(self) -> list[tuple[Kind, slice | Indices]]:
        """What is 0 when the pass starts."""
        found = [(kind, np.unique(np.concatenate(parts))) for kind, parts in self._zeros.items() if parts]
        return [(kind, slice_of(cells) or cells) for kind, cells in found if len(cells)]


class Addition:
    """Contributions to the gradients of an operand, added up where it is repeated.

    Cells that appear once are written as a slice, or by their index. Of others, equal ones in a row are added up first; then,
    where all appear as often as each other, they are brought into as many rows, and else added up one by one.
    """

    def __init__(self, kind: Kind, cells: Indices, full: tuple[int, ...], first: bool) -> None:
        self.kind, self.shape, self.full, self.first = kind, cells.shape, full, first
        self._repeated = tuple(i for i, (own, size) in enumerate(zip(cells.shape, full, strict=True)) if own != size)
        self._target, self._collect = cells, list[Step]()
        flat = cells.ravel()
        length = run_length(flat[1:] != flat[:-1], len(flat))
        if length > 1:
            ones = np.ones(length, kind)
            self._collect.append(lambda part: np.matmul(part.reshape(-1, length), ones))
            self._target = flat = flat[::length]
        unique, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
        if len(unique) < len(flat):
            self._collect.append(_collected(kind, inverse, counts))
            self._target = unique

    def bind(self, gradients: Vectors) -> Step:
        """The function that adds a contribution, which can be broadcast to the shape `full`."""
        store = self._store(gradients[self.kind])
        if not self._collect and not self._repeated:
            return store
        shape, full, repeated, kind, collect = self.shape, self.full, self._repeated, self.kind, self._collect

        def add(part: Any) -> None:
            if repeated:
                part = np.add.reduce(np.broadcast_to(part, full), repeated, keepdims=True)
            if collect:
                part = np.broadcast_to(part, shape).astype(kind, copy=False).reshape(-1)
            for step in collect:
                part = step(part)
            store(part)

        return add

    def _store(self, vector: ndarray[Any, Any]) -> Step:
        """The function that writes or adds one contribution a cell."""
        cells = self._target
        found = slice_of(cells.ravel())
        if found is not None:
            target = vector[found].reshape(cells.shape)
            if self.first:
                return lambda part: np.copyto(target, part, "unsafe")
            return lambda part: np.add(target, part, target, casting="unsafe")
        if self.first:
            return lambda part: vector.__setitem__(cells, part)
        return lambda part: vector.__setitem__(cells, vector.take(cells) + part)


def _collected(kind: Kind, inverse: Indices, counts: Indices) -> Step:
    """The function that adds up what has the same number in `inverse`, which has each of them some number of times."""
    if (counts == counts[0]).all():
        rows = np.argsort(inverse, kind="stable").reshape(len(counts), -1).T.copy()
        return lambda part: np.add.reduce(part.take(rows), 0)
    if kind is np.float64:
        return lambda part: np.bincount(inverse, part, len(counts))
    order, starts = np.argsort(inverse, kind="stable"), np.cumsum(counts) - counts
    return lambda part: np.add.reduceat(part.take(order), starts)
