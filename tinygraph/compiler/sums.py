"""The step of sums: their terms are added up row by row, and where terms are products, as a product of matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from tinygraph.compiler.grouping import Group, Grouping, Kind, Places
from tinygraph.compiler.slots import Addition, Gradients, Literal, Reading, Slots, Vectors
from tinygraph.compiler.steps import Application, Bound, Run
from tinygraph.decisions import NUMBERS

Back: TypeAlias = Callable[[Any], Any]  # of the gradient of sums
Part: TypeAlias = "Terms | Products"

SEVERAL = 4  # runs of terms from which on all terms are taken one by one


class Sum:
    """Sums that are computed together. A part of their terms that `products` has is computed here, and no step of its own."""

    def __init__(
        self, group: Group, start: int, slots: Slots, grouping: Grouping, products: Mapping[tuple[Kind, int], Application]
    ) -> None:
        self.group, self.op, self.kind = group, group.signature.op, group.signature.kind
        self.where = slice(start, start + len(group.members))
        self.parts = [*self._parts(slots.of[group.operands], grouping.on_path[group.operands], products)]

    def _parts(self, slots: Places, on_path: Any, products: Mapping[tuple[Kind, int], Application]) -> Iterator[Part]:
        signs = self.group.signs
        if self.group.starts is not None:
            yield Terms(self.kind, slots, signs, on_path.any(), self.group.starts)
            return
        for rows in _runs(slots, signs):
            part = Terms(self.kind, slots[rows], signs[rows], on_path[rows].any())
            found = products.get((self.kind, int(slots[rows][0, 0])))
            if found is not None and part.signs is None and part.reading.slice == found.where:
                shape = matrices(found)
                if shape is not None and shape[0] == len(slots[rows]):
                    yield Products(found, shape, part.sign)
                    continue
            yield part

    def plan(self, gradients: Gradients) -> None:
        """Plan how contributions to the gradients of the terms are added."""
        if self.group.passes[0]:
            for part in reversed(self.parts):
                part.plan(gradients)

    def bind(self, values: Vectors, gradients: Vectors) -> Bound:
        """The step on some vectors."""
        out = values[self.kind][self.where]
        bound = [part.bind(values, gradients) for part in self.parts]
        first, *rest = [forward for forward, _ in bound]
        steps = [(np.add if part.sign > 0 else np.subtract, run) for part, run in zip(self.parts[1:], rest, strict=True)]

        def forward() -> None:
            total = first()
            if not steps:
                np.copyto(out, total)
            for combine, run in steps:
                total = combine(total, run(), out)

        backs = [back for _, back in reversed(bound) if back is not None]
        g = gradients[self.kind][self.where]

        def backward() -> None:
            for back in backs:
                back(g)

        return forward, backward if backs else None

    def __str__(self) -> str:
        terms = " + ".join(f"({part})" if len(self.parts) > 1 else str(part) for part in self.parts)
        return f"{self.kind.__name__}[{self.where.start}:{self.where.stop}] = {len(self.group.members)} × sum of {terms}"


def _runs(slots: Places, signs: Any) -> list[slice]:
    """The rows of terms in parts that are read at once: as one slice, or else entry by entry."""
    sign = np.where((signs == signs[:, :1]).all(axis=1), signs[:, 0], 0)
    together = (slots[:, 1:] - slots[:, :-1] == 1).all(axis=1)
    follows = together[1:] & (slots[1:, 0] == slots[:-1, -1] + 1) | ~together[1:]
    joined = follows & (together[1:] == together[:-1]) & (sign[1:] == sign[:-1])
    bounds = [0, *(np.flatnonzero(~joined) + 1).tolist(), len(slots)]
    if len(bounds) > SEVERAL + 1:
        return [slice(0, len(slots))]
    return [slice(start, stop) for start, stop in zip(bounds[:-1], bounds[1:], strict=True)]


class Terms:
    """Some of the terms of sums: a row of one term of each sum after the other, or all terms of one sum after the other."""

    def __init__(self, kind: Kind, slots: Places, signs: Any, on_path: bool, starts: Places | None = None) -> None:
        self.reading = Reading(kind, slots.ravel(), slots.shape)
        self.sign = int(signs.flat[0])
        self.signs = None
        if not (signs == self.sign).all():
            self.sign, self.signs = 1, signs
        self.on_path, self.starts = on_path, starts
        self._addition: Addition | None = None

    def plan(self, gradients: Gradients) -> None:
        """Plan how contributions to the gradients of the terms are added."""
        if self.on_path:
            self._addition = gradients.addition(self.reading.kind, self.reading.slots, self.reading.shape)

    def bind(self, values: Vectors, gradients: Vectors) -> tuple[Run, Back | None]:
        """What adds up these terms of each sum, and what passes the gradients of the sums on."""
        view, take = self.reading.bind(values)
        signs, starts = self.signs, self.starts

        def run() -> Any:
            terms = view if take is None else take[0].take(take[1])
            if signs is not None:
                terms = terms * signs
            if starts is not None:
                return np.add.reduceat(terms, starts)
            return terms[0] if len(terms) == 1 else np.add.reduce(terms, 0)

        return run, self._back(gradients)

    def _back(self, gradients: Vectors) -> Back | None:
        if self._addition is None:
            return None
        add, signs, sign = self._addition.bind(gradients), self.signs, self.sign
        if self.starts is not None:
            counts = np.diff(self.starts, append=self.reading.slots.size)
            each = 1 if signs is None else signs
            return lambda g: add(g.repeat(counts) * each)
        if signs is not None:
            return lambda g: add(g * signs)
        return add if sign > 0 else lambda g: add(-g)

    def __str__(self) -> str:
        return f"{len(self.reading.slots)} terms {self.reading}"


class Products:
    """Terms that are products: each sum over them is an entry of a product of two matrices."""

    def __init__(self, products: Application, shape: tuple[int, int, int], sign: int) -> None:
        self.products, self.shape, self.sign = products, shape, sign
        self._left = 0 if len(products.axes.shape) == 1 or products.axes.has[0][1] else 1
        self._additions: list[tuple[int, Addition]] = []

    def plan(self, gradients: Gradients) -> None:
        """Plan how contributions to the gradients of the factors are added."""
        for position, reading in enumerate(self.products.readings):
            if self.products.group.passes[position]:
                assert isinstance(reading, Reading)
                self._additions.append((position, gradients.addition(reading.kind, reading.slots, reading.shape)))

    def bind(self, values: Vectors, gradients: Vectors) -> tuple[Run, Back | None]:
        """What multiplies the matrices, and what passes the gradient of the product on."""
        arguments, load = self.products.load(values)
        terms, rows, columns = self.shape
        left, right = self._left, 1 - self._left

        def run() -> Any:
            if load is not None:
                load()
            return np.matmul(arguments[left].reshape(terms, rows).T, arguments[right].reshape(terms, columns)).reshape(-1)

        adds = [(position, addition.bind(gradients)) for position, addition in self._additions]

        def back(g: Any) -> None:
            g = (g if self.sign > 0 else -g).reshape(rows, columns)
            for position, add in adds:
                shape = self.products.readings[position].shape
                if position == left:
                    part = np.matmul(arguments[right].reshape(terms, columns), g.T)
                else:
                    part = np.matmul(arguments[left].reshape(terms, rows), g)
                add(part.reshape(shape))

        return run, back if adds else None

    def __str__(self) -> str:
        terms, rows, columns = self.shape
        left, right = self.products.readings[self._left], self.products.readings[1 - self._left]
        return f"entries of the product of {rows}×{terms} and {terms}×{columns} matrices, {left} and {right}"


def is_product(group: Group) -> bool:
    """Whether the members of a group are products in one dtype of floats."""
    op, kind, kinds = group.signature.op, group.signature.kind, group.signature.operands
    return op.built_in and op.numpy is np.multiply and issubclass(kind, np.floating) and set(kinds) <= {kind, *NUMBERS}


def matrices(products: Application) -> tuple[int, int, int] | None:
    """How many terms each entry has of a product of matrices, its rows and its columns."""
    shape = products.axes.shape
    if any(isinstance(reading, Literal) and not isinstance(reading.value, np.ndarray) for reading in products.readings):
        return None
    if len(shape) == 1:
        return shape[0], 1, 1  # one sum
    terms, rows, columns = shape
    return terms, rows, columns
