"""How sums are computed: their terms are added up row by row, and terms that are products as a product of matrices."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.compiler.applications import Application, Bound, Run
from tinygraph.compiler.cells import Addition, Cells, Contributions, Entry, Literal, Reading, Vectors, named
from tinygraph.compiler.grouping import Group, Grouping, Indices, Kind
from tinygraph.decisions import NUMBERS

Back: TypeAlias = Callable[[Any], Any]  # of the gradients of sums
Part: TypeAlias = "Terms | Products"

SEVERAL = 4  # from more parts on, all terms are read at once


class Sum:
    """A group of sums. What `products` has of their terms is computed here, and by no group of its own."""

    def __init__(self, group: Group, start: int, cells: Cells, grouping: Grouping, products: Mapping[Entry, Application]) -> None:
        self.group, self.op, self.kind = group, group.signature.op, group.signature.kind
        self.where = slice(start, start + len(group.members))
        self.parts = [*self._parts(cells.of[group.operands], grouping.on_path[group.operands], products)]

    def _parts(self, cells: Indices, on_path: Any, products: Mapping[Entry, Application]) -> Iterator[Part]:
        signs, starts = self.group.signs, self.group.starts
        for rows in [slice(None)] if starts is not None else _parts_of(cells, signs):
            terms = Terms(self.kind, cells[rows], signs[rows], bool(on_path[rows].any()), starts)
            found = products.get((self.kind, int(terms.reading.cells.flat[0])))
            shape = None if found is None else terms.matrices(found)
            yield terms if found is None or shape is None else Products(found, shape, terms.sign)

    def prepare(self, contributions: Contributions) -> None:
        """Prepare the backward pass."""
        for part in self.parts if self.group.passes[0] else ():
            part.prepare(contributions)

    def bind(self, values: Vectors, gradients: Vectors) -> Bound:
        """The computation on some vectors."""
        out, g = values[self.kind][self.where], gradients[self.kind][self.where]
        bound = [part.bind(values, gradients) for part in self.parts]
        (first, _), *others = bound
        rest = [(np.add if part.sign > 0 else np.subtract, run) for part, (run, _) in zip(self.parts[1:], others, strict=True)]
        backs = [back for _, back in bound if back is not None]

        def forward() -> None:
            total = first()
            for combine, run in rest:
                total = combine(total, run(), out)
            if not rest:
                np.copyto(out, total)

        def backward() -> None:
            for back in backs:
                back(g)

        return forward, backward if backs else None

    def __str__(self) -> str:
        signed = [f"{'−' if part.sign < 0 else '+'} {part}" for part in self.parts]
        return f"{named(self.kind, self.where)} = {len(self.group.members)} × the sum {' '.join(signed).removeprefix('+ ')}"


def _parts_of(cells: Indices, signs: Any) -> list[slice]:
    """The rows of terms in parts that are read at once: as one slice, or else cell by cell."""
    sign = np.where((signs == signs[:, :1]).all(axis=1), signs[:, 0], 0)
    together = (cells[:, 1:] - cells[:, :-1] == 1).all(axis=1)
    follows = ~together[1:] | (cells[1:, 0] == cells[:-1, -1] + 1)
    joined = follows & (together[1:] == together[:-1]) & (sign[1:] == sign[:-1])
    bounds = [0, *(np.flatnonzero(~joined) + 1).tolist(), len(cells)]
    if len(bounds) > SEVERAL + 1:
        return [slice(None)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


class Terms:
    """Some of the terms of sums: rows with one term of each, or all terms of one sum after the other, which have `starts`."""

    def __init__(self, kind: Kind, cells: Indices, signs: Any, on_path: bool, starts: Indices | None) -> None:
        self.reading, self._on_path, self._starts = Reading(kind, cells), on_path, starts
        is_signed = bool((signs != signs.flat[0]).any())
        self.sign = 1 if is_signed else int(signs.flat[0])
        self._signs: Any = signs if is_signed else None
        self._addition: Addition | None = None

    def matrices(self, products: Application) -> tuple[int, int, int] | None:
        """How many terms, rows and columns a product of matrices has that adds up these terms, if they are such products."""
        terms, *sizes = products.axes.shape if len(products.axes.shape) == 3 else (*products.axes.shape, 1, 1)
        is_all = self._starts is None and self._signs is None and self.reading.slice == products.where
        is_one_number = any(isinstance(x, Literal) and not isinstance(x.value, ndarray) for x in products.readings)
        return (terms, sizes[0], sizes[1]) if is_all and not is_one_number and terms == len(self.reading.cells) else None

    def prepare(self, contributions: Contributions) -> None:
        """Prepare the backward pass."""
        if self._on_path:
            self._addition = contributions.addition(self.reading.kind, self.reading.cells)

    def bind(self, values: Vectors, gradients: Vectors) -> tuple[Run, Back | None]:
        """What adds up these terms of each sum, and what passes the gradients of the sums on."""
        view, take = self.reading.bind(values)
        signs, starts = self._signs, self._starts

        def run() -> Any:
            terms = view if take is None else take[0].take(take[1])
            if signs is not None:
                terms = terms * signs
            if starts is not None:
                return np.add.reduceat(terms, starts)
            return terms[0] if len(terms) == 1 else np.add.reduce(terms, 0)

        return run, None if self._addition is None else self._back(self._addition.bind(gradients))

    def _back(self, add: Back) -> Back:
        signs = self.sign if self._signs is None else self._signs
        if self._starts is not None:
            counts = np.diff(self._starts, append=self.reading.cells.size)
            return lambda g: add(g.repeat(counts) * signs)
        if self._signs is None and self.sign > 0:
            return add
        return lambda g: add(g * signs)

    def __str__(self) -> str:
        return f"the sum of {len(self.reading.cells)} in {self.reading}" if len(self.reading.cells) > 1 else str(self.reading)


class Products:
    """Terms that are products: each sum over them is an entry of a product of two matrices."""

    def __init__(self, products: Application, shape: tuple[int, int, int], sign: int) -> None:
        self.products, self.sign = products, sign
        self._terms, self._rows, self._columns = shape
        self._left = 0 if len(products.axes.shape) == 1 or products.axes.has[0][1] else 1
        self._additions: list[tuple[int, Addition]] = []

    def prepare(self, contributions: Contributions) -> None:
        """Prepare the backward pass."""
        for position, (passes, reading) in enumerate(zip(self.products.group.passes, self.products.readings, strict=True)):
            if passes and isinstance(reading, Reading):
                self._additions.append((position, contributions.addition(reading.kind, reading.cells)))

    def bind(self, values: Vectors, gradients: Vectors) -> tuple[Run, Back | None]:
        """What multiplies the matrices, and what passes the gradients of the products on."""
        arguments, load = self.products.load(values)
        left, right = self._left, 1 - self._left
        terms, rows, columns = self._terms, self._rows, self._columns

        def run() -> Any:
            if load is not None:
                load()
            return np.matmul(arguments[left].reshape(terms, rows).T, arguments[right].reshape(terms, columns)).reshape(-1)

        adds = [(position, addition.shape, addition.bind(gradients)) for position, addition in self._additions]

        def back(g: Any) -> None:
            g = (g if self.sign > 0 else -g).reshape(rows, columns)
            for position, shape, add in adds:
                if position == left:
                    part = np.matmul(arguments[right].reshape(terms, columns), g.T)
                else:
                    part = np.matmul(arguments[left].reshape(terms, rows), g)
                add(part.reshape(shape))

        return run, back if adds else None

    def __str__(self) -> str:
        left, right = self.products.readings[self._left], self.products.readings[1 - self._left]
        return f"the product of matrices {self._rows}×{self._terms} of {left} and {self._terms}×{self._columns} of {right}"


def is_product(group: Group) -> bool:
    """Whether the members of a group are products in one dtype of floats."""
    op, kind, kinds = group.signature.op, group.signature.kind, group.signature.operands
    return op.built_in and op.numpy is np.multiply and issubclass(kind, np.floating) and set(kinds) <= {kind, *NUMBERS}
