"""How a group is computed: one call of its op on arrays of operands and, in the backward pass, one of each rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.compiler.cells import Addition, Axes, Cells, Contributions, Literal, Reading, Vectors, axes_of, named
from tinygraph.compiler.grouping import Group, Indices, Kind, Recorded
from tinygraph.decisions import NUMBERS
from tinygraph.ops import Op
from tinygraph.ops.declare import result_of

Run: TypeAlias = Callable[[], Any]
Bound: TypeAlias = "tuple[Run, Run | None]"  # what runs forward and, where a gradient passes, backward


class Application:
    """A group that is no sum."""

    def __init__(self, group: Group, start: int, recorded: Recorded, cells: Cells) -> None:
        self.group, self.op, self.kind = group, group.signature.op, group.signature.kind
        self.where = slice(start, start + len(group.members))
        kinds = group.signature.operands
        rows = [_Row(row, kind, kinds, recorded, cells) for row, kind in zip(group.operands, kinds, strict=True)]
        if self.op.built_in and len(rows) == 2 and not any(row.is_one_number for row in rows):
            self.axes = axes_of(rows[0].keys, rows[1].keys)
        else:
            self.axes = Axes.plain(len(group.members), len(rows))
        self.readings = [row.reading(self.axes, position) for position, row in enumerate(rows)]
        self._additions: list[tuple[Any, Addition]] = []

    def prepare(self, contributions: Contributions) -> None:
        """Prepare the backward pass."""
        rules = self.op.rules_for(len(self.readings))
        for rule, passes, reading in zip(rules, self.group.passes, self.readings, strict=True):
            if passes and isinstance(reading, Reading):
                self._additions.append((rule, contributions.addition(reading.kind, reading.cells, self.axes.shape)))

    def bind(self, values: Vectors, gradients: Vectors) -> Bound:
        """The computation on some vectors."""
        arguments, load = self.load(values)
        out = values[self.kind][self.where].reshape(self.axes.shape)
        return self._forward(arguments, load, out), self._backward(arguments, out, gradients)

    def load(self, values: Vectors) -> tuple[list[Any], Run | None]:
        """The operands, and what takes those anew that are no views."""
        arguments, takes = [], []
        for position, reading in enumerate(self.readings):
            view, take = reading.bind(values)
            arguments.append(view if self.op.built_in else _read_only(view))
            if take is not None:
                takes.append((position, *take))

        def load() -> None:
            for position, vector, cells in takes:
                taken = vector.take(cells)
                arguments[position] = taken if self.op.built_in else _read_only(taken)

        return arguments, load if takes else None

    def _forward(self, arguments: list[Any], load: Run | None, out: Any) -> Run:
        op, params = self.op, self.group.signature.params
        if _is_ufunc(op):
            if load is None:
                return partial(op.numpy, *arguments, out=out)
            compute: Callable[..., Any] = partial(op.numpy, out=out)
        elif op.built_in:
            compute = lambda *arguments: np.copyto(out, op.compute(*arguments, **params))
        else:
            compute = lambda *arguments: np.copyto(out, result_of(op, op.compute(*arguments, **params)))

        def run() -> None:
            if load is not None:
                load()
            compute(*arguments)

        return run

    def _backward(self, arguments: list[Any], out: Any, gradients: Vectors) -> Run | None:
        params = self.group.signature.params
        g = gradients[self.kind][self.where].reshape(self.axes.shape)
        passing = [(rule, addition.bind(gradients)) for rule, addition in self._additions]
        if not self.op.built_in:
            g, out = _read_only(g), _read_only(out)

        def run() -> None:
            for rule, add in passing:
                add(rule(g, out, *arguments, **params))

        return run if passing else None

    def __str__(self) -> str:
        operands = ", ".join(map(str, self.readings))
        return f"{named(self.kind, self.where)} = {len(self.group.members)} × {self.op.name} of {operands}"


class _Row:
    """The operands at one position: cells of a vector, or Python numbers. `keys` are equal where operands are."""

    def __init__(self, row: Indices, kind: Kind, kinds: Sequence[Kind], recorded: Recorded, cells: Cells) -> None:
        self.kind, self.is_one_number = kind, False
        self.keys: Indices = cells.of[row]
        self.numbers: Any = None
        if kind in NUMBERS:
            found = [recorded.value(i) for i in row.tolist()]
            dtype = np.result_type(*[kind(1) if kind in NUMBERS else np.dtype(kind) for kind in kinds])
            self.is_one_number = len(set(map(repr, found))) == 1
            with np.errstate(over="ignore"):
                self.numbers = found[0] if self.is_one_number else np.array(found, dtype)
            if not self.is_one_number:
                self.keys = np.array(found, np.float64).view(np.int64)

    def reading(self, axes: Axes, position: int) -> Reading | Literal:
        """How the group reads them, along the axes that they have."""
        if self.is_one_number:
            return Literal(self.numbers)
        if self.numbers is not None:
            return Literal(axes.distinct(self.numbers, position))
        return Reading(self.kind, axes.distinct(self.keys, position))


def _is_ufunc(op: Op) -> bool:
    """Whether an op is a ufunc of NumPy, which writes its result where it is wanted."""
    return isinstance(op.numpy, np.ufunc) and op.built_in and (op.of_numbers or op.compute is op.numpy)


def _read_only(x: Any) -> Any:
    """A view that a user's op cannot write to."""
    if not isinstance(x, ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view
