"""The step of a group: one call of its op on arrays of operands, and one call of each rule in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.compiler.grouping import Group, Kind, Places, Recorded
from tinygraph.compiler.slots import Addition, Axes, Gradients, Literal, Reading, Slots, Vectors, axes_of
from tinygraph.decisions import NUMBERS
from tinygraph.ops.declare import result_of

Run: TypeAlias = Callable[[], Any]
Bound: TypeAlias = "tuple[Run, Run | None]"  # the step forward and, where a gradient passes, backward


class Application:
    """One call of an op on arrays of its operands."""

    def __init__(self, group: Group, start: int, recorded: Recorded, slots: Slots) -> None:
        self.group, self.op, self.kind = group, group.signature.op, group.signature.kind
        self.where = slice(start, start + len(group.members))
        kinds = group.signature.operands
        rows = [_Row(row, kind, kinds, recorded, slots) for row, kind in zip(group.operands, kinds, strict=True)]
        is_plain = not self.op.built_in or len(rows) != 2 or any(row.is_one for row in rows)
        self.axes = Axes.plain(rows[0].keys.size, len(rows)) if is_plain else axes_of(*[row.keys for row in rows])
        self.readings = [row.reading(self.axes, position) for position, row in enumerate(rows)]
        self.additions: list[tuple[int, Any, Addition]] = []

    def plan(self, gradients: Gradients) -> None:
        """Plan how contributions to the gradients of the operands are added."""
        rules = self.op.rules_for(len(self.readings))
        for position in reversed(range(len(rules))):
            if self.group.passes[position]:
                reading = self.readings[position]
                assert isinstance(reading, Reading)
                addition = gradients.addition(reading.kind, reading.slots, reading.shape, self.axes.shape)
                self.additions.append((position, rules[position], addition))

    def load(self, values: Vectors) -> tuple[list[Any], Run | None]:
        """The operands, and what takes anew those that are no views."""
        arguments, takes = [], []
        for position, reading in enumerate(self.readings):
            view, take = reading.bind(values)
            arguments.append(view if self.op.built_in else _read_only(view))
            if take is not None:
                takes.append((position, *take))

        def load() -> None:
            for position, vector, slots in takes:
                arguments[position] = vector.take(slots)

        return arguments, load if takes else None

    def bind(self, values: Vectors, gradients: Vectors) -> Bound:
        """The step on some vectors."""
        arguments, load = self.load(values)
        out = values[self.kind][self.where].reshape(self.axes.shape)
        return self._forward(arguments, load, out), self._backward(arguments, out, gradients)

    def _forward(self, arguments: list[Any], load: Run | None, out: Any) -> Run:
        op, params = self.op, self.group.signature.params
        if is_ufunc(op) and load is None:
            return partial(op.numpy, *arguments, out=out)

        def run() -> None:
            if load is not None:
                load()
            if is_ufunc(op):
                op.numpy(*arguments, out=out)
            else:
                result = op.compute(*arguments, **params)
                np.copyto(out, result if op.built_in else result_of(op, result))

        return run

    def _backward(self, arguments: list[Any], out: Any, gradients: Vectors) -> Run | None:
        if not self.additions:
            return None
        params = self.group.signature.params
        g = gradients[self.kind][self.where].reshape(self.axes.shape)
        passing = [(rule, addition.bind(gradients)) for _, rule, addition in self.additions]
        if not self.op.built_in:
            g, out = _read_only(g), _read_only(out)

        def run() -> None:
            for rule, add in passing:
                add(rule(g, out, *arguments, **params))

        return run

    def __str__(self) -> str:
        count = len(self.group.members)
        return f"{self.kind.__name__}[{self.where.start}:{self.where.stop}] = {count} × {self.op.name} of " + ", ".join(
            map(str, self.readings)
        )


class _Row:
    """The operands of a group at one position: slots of a vector, or Python numbers."""

    def __init__(self, places: Places, kind: Kind, kinds: Sequence[Kind], recorded: Recorded, slots: Slots) -> None:
        self.kind, self.numbers = kind, None
        self.is_one = False
        if kind not in NUMBERS:
            self.keys = slots.of[places]
            return
        found = [recorded.numbers[place - len(recorded.nodes)] for place in places.tolist()]
        self.is_one = found.count(found[0]) == len(found) and len(set(map(repr, found))) == 1
        if self.is_one:
            self.numbers, self.keys = found[0], places
        else:
            dtype = np.result_type(*[kind(1) if kind in NUMBERS else np.dtype(kind) for kind in kinds])
            with np.errstate(over="ignore"):
                self.numbers = np.array(found, dtype)
            self.keys = np.array(found, np.float64).view(np.int64)

    def reading(self, axes: Axes, position: int) -> Reading | Literal:
        """How the group reads them, along the axes that they have."""
        if self.is_one:
            return Literal(self.numbers)
        shape = axes.shape_of(position)
        if self.numbers is None:
            return Reading(self.kind, axes.entries(self.keys, position), shape)
        return Literal(axes.entries(self.numbers, position).reshape(shape))


def is_ufunc(op: Any) -> bool:
    """Whether an op is a ufunc of NumPy, which writes its result where it is told to."""
    return isinstance(op.numpy, np.ufunc) and op.built_in and (op.of_numbers or op.compute is op.numpy)


def _read_only(x: Any) -> Any:
    """A view that a user's op cannot write to."""
    if not isinstance(x, ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view
