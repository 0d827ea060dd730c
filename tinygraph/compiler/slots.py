"""Where values lie in one vector for each dtype, how a group reads its operands there, and how it adds to their gradients.

What lies together is read and written as a slice; a value that many nodes read is read once, where the pattern allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.compiler.grouping import Grouping, Kind, Places, Recorded
from tinygraph.node import Node

Vectors: TypeAlias = dict[Kind, ndarray[Any, Any]]
Entry: TypeAlias = tuple[Kind, int]  # a kind and a slot
Take: TypeAlias = "tuple[ndarray[Any, Any], Places]"


class Slots:
    """The slot of each value in the vector of its kind: leaves and the numbers in sums first, then one group after the other."""

    def __init__(self, recorded: Recorded, grouping: Grouping) -> None:
        self.of = np.full(len(grouping.uses), -1, np.intp)
        self.sizes: dict[Kind, int] = {}
        leaves = np.flatnonzero(recorded.signature < 0)
        first: dict[Kind, list[Places]] = {}
        for place in leaves.tolist():
            first.setdefault(recorded.kinds[place], []).append(np.array([place]))
        for group in grouping.groups:
            if group.is_sum:
                numbers = np.unique(group.operands[group.operands >= len(recorded.nodes)])
                first.setdefault(group.signature.kind, []).append(numbers)
        self.leaves: Vectors = {}
        for kind, parts in first.items():
            places = np.concatenate(parts)
            places = places[np.argsort(grouping.first_read[places], kind="stable")]
            self._append(kind, places)
            self.leaves[kind] = np.array([recorded.value(place) for place in places.tolist()], kind)
        self.starts = [self._append(group.signature.kind, group.members) for group in grouping.groups]

    def _append(self, kind: Kind, places: Places) -> int:
        start = self.sizes.get(kind, 0)
        self.of[places] = np.arange(start, start + len(places))
        self.sizes[kind] = start + len(places)
        return start


    def entry(self, recorded: Recorded, node: Node) -> Entry:
        """The kind and the slot of a node."""
        place = recorded.place[node]
        return recorded.kinds[place], int(self.of[place])


class Entries:
    """Values at some slots, which may be of several kinds, in an order."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._kinds = []
        for kind in dict.fromkeys(kind for kind, _ in entries):
            positions = [i for i, entry in enumerate(entries) if entry[0] is kind]
            self._kinds.append((kind, np.array([entries[i][1] for i in positions], np.intp), positions))

    def write(self, vectors: Vectors, values: Sequence[Any]) -> None:
        """Write a value at each slot."""
        for kind, slots, positions in self._kinds:
            chosen = values if len(self._kinds) == 1 else [values[i] for i in positions]
            vectors[kind][slots] = np.fromiter(chosen, kind, len(chosen))

    def read(self, vectors: Vectors) -> tuple[Any, ...]:
        """The values at the slots, as NumPy scalars."""
        if len(self._kinds) == 1:
            kind, slots, _ = self._kinds[0]
            return tuple(vectors[kind][slots])
        return tuple([vectors[kind][slot] for kind, slot in self.entries])


def slice_of(slots: Places) -> slice | None:
    """The slice that slots are, if they are one."""
    start = int(slots[0])
    together = int(slots[-1]) - start == len(slots) - 1 and bool((slots[1:] - slots[:-1] == 1).all())
    return slice(start, start + len(slots)) if together else None


class Axes(NamedTuple):
    """The entries of a group as an array of three axes, and for each operand the axes that it has."""

    shape: tuple[int, ...]
    has: tuple[tuple[bool, ...], ...]

    @classmethod
    def plain(cls, size: int, operands: int) -> Axes:
        """One axis, which all operands have."""
        return cls((size,), ((True,),) * operands)

    def shape_of(self, position: int) -> tuple[int, ...]:
        """The shape of an operand, 1 where it is the same along an axis."""
        return tuple(size if has else 1 for size, has in zip(self.shape, self.has[position], strict=True))

    def entries(self, row: Places, position: int) -> Places:
        """The entries of an operand without the repeated ones."""
        index = tuple(slice(None) if has else slice(0, 1) for has in self.has[position])
        return np.ascontiguousarray(row.reshape(self.shape)[index]).ravel()


def axes_of(*rows: Places) -> Axes:
    """The axes of two operands: one of them repeats along the last axis, the other along the one before it, or neither does.

    Python numbers are given as their bits.
    """
    size = len(rows[0])
    lengths = [run_length(row[1:] != row[:-1], size) for row in rows]
    length, repeated = max(lengths), int(lengths[1] > lengths[0])
    if length == 1:
        return Axes.plain(size, 2)
    other = rows[1 - repeated].reshape(-1, length)
    tiles = run_length((other[1:] != other[:-1]).any(axis=1), len(other))
    has = (True, True, False), (True, False, True)
    return Axes((size // (length * tiles), tiles, length), has if repeated == 0 else has[::-1])


def run_length(changes: ndarray[Any, Any], size: int) -> int:
    """The greatest length of equal runs such that changes are between them alone."""
    return int(np.gcd.reduce(np.flatnonzero(changes) + 1, initial=size))


class Reading:
    """How an operand is read: as a view of a vector, or entry by entry."""

    def __init__(self, kind: Kind, slots: Places, shape: tuple[int, ...]) -> None:
        self.kind, self.slots, self.shape = kind, slots, shape
        self.slice = slice_of(slots)

    def bind(self, values: Vectors) -> tuple[Any, Take | None]:
        """The operand as a view, or else None and what to take it from."""
        if self.slice is not None:
            return values[self.kind][self.slice].reshape(self.shape), None
        return None, (values[self.kind], self.slots.reshape(self.shape))

    def __str__(self) -> str:
        where = _spelled(self.slots) if self.slice is None else f"{self.slice.start}:{self.slice.stop}"
        return f"{self.kind.__name__}[{where}]"


class Literal:
    """An operand that is Python numbers: one number, or an array of different ones."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def bind(self, values: Vectors) -> tuple[Any, Take | None]:
        """The numbers."""
        return self.value, None

    def __str__(self) -> str:
        return f"{self.value!r}" if not isinstance(self.value, ndarray) else f"{self.value.size} numbers"


def _spelled(slots: Places) -> str:
    return ", ".join(map(str, slots[:3].tolist())) + ", ..." * (len(slots) > 3)


class Gradients:
    """Which gradients have got a contribution, while the backward pass is planned: the first one needs nothing to add to."""

    def __init__(self, sizes: dict[Kind, int]) -> None:
        self._touched = {kind: np.zeros(size, bool) for kind, size in sizes.items()}
        self._zeros: dict[Kind, list[Places]] = {kind: [] for kind in sizes}

    def addition(self, kind: Kind, slots: Places, shape: tuple[int, ...], full: tuple[int, ...] | None = None) -> Addition:
        """How contributions of shape `full` go to the gradients at some slots, which are an operand of some shape."""
        touched = self._touched[kind]
        first = not touched[slots].any()
        if not first:
            self.start_at_0(kind, slots)
        touched[slots] = True
        return Addition(kind, slots, shape, full or shape, first)

    def start_at_0(self, kind: Kind, slots: Places) -> None:
        """Let those of some slots that have got nothing start at 0."""
        new = slots[~self._touched[kind][slots]]
        if len(new):
            self._zeros[kind].append(np.unique(new))
            self._touched[kind][new] = True

    def set(self, kind: Kind, slot: int) -> None:
        """Note that a gradient is given from the start."""
        self._touched[kind][slot] = True

    def zeros(self) -> list[tuple[Kind, Any]]:
        """What is 0 when the pass starts."""
        found = [(kind, np.unique(np.concatenate(parts))) for kind, parts in self._zeros.items() if parts]
        return [(kind, slice_of(slots) or slots) for kind, slots in found]


class Addition:
    """Contributions to the gradients of an operand, added up where it is repeated.

    Slots that appear once are written as a slice, or by their index. Of others, equal ones in a row are added up first; then,
    where all appear as often as each other, they are brought into as many rows, and else added up one by one.
    """

    def __init__(self, kind: Kind, slots: Places, shape: tuple[int, ...], full: tuple[int, ...], first: bool) -> None:
        self.kind, self.shape, self.full, self.first = kind, shape, full, first
        self._repeated = tuple(i for i, (own, size) in enumerate(zip(shape, full, strict=True)) if own != size)
        self._unique, inverse, counts = np.unique(slots, return_inverse=True, return_counts=True)
        self._collect: list[Callable[[Any], Any]] = []
        if len(self._unique) == len(slots):
            self._unique = slots.reshape(shape)
            return
        length = run_length(slots[1:] != slots[:-1], len(slots))
        if length > 1:
            ones = np.ones(length, kind)
            self._collect.append(lambda part: np.matmul(part.reshape(-1, length), ones))
        if length < counts.max():
            self._collect.append(_collected(kind, inverse[::length], counts // length))

    def bind(self, gradients: Vectors) -> Callable[[Any], None]:
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

    def _store(self, vector: ndarray[Any, Any]) -> Callable[[Any], None]:
        """The function that writes or adds one contribution a slot."""
        slots = self._unique
        found = slice_of(slots.ravel())
        if found is not None:
            target = vector[found].reshape(slots.shape)
            if self.first:
                return lambda part: np.copyto(target, part, "unsafe")
            return lambda part: np.add(target, part, target, casting="unsafe")
        if self.first:
            return lambda part: vector.__setitem__(slots, part)
        return lambda part: vector.__setitem__(slots, vector.take(slots) + part)


def _collected(kind: Kind, inverse: Places, counts: Places) -> Callable[[Any], Any]:
    """The function that adds up what has the same number in `inverse`, each of which is there some number of times."""
    if (counts == counts[0]).all():
        rows = np.argsort(inverse, kind="stable").reshape(len(counts), -1).T.copy()
        return lambda part: np.add.reduce(part.take(rows), 0)
    if kind is np.float64:
        return lambda part: np.bincount(inverse, part, len(counts))
    order, starts = np.argsort(inverse, kind="stable"), np.cumsum(counts) - counts
    return lambda part: np.add.reduceat(part.take(order), starts)
