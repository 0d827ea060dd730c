"""What each step must give, computed from what the engine gave before: so that every step is judged by itself.

A value is right where it is what the op makes of the engine's own values. A gradient is right where it is the sum of the
contributions of its readers, which the rules of their ops make of the engine's own gradients and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tinygraph.ops import sum_like
from tinygraph.referee.playing import Step

RELATIVE = {2: 1e-2, 4: 1e-4}  # of one op, by the bytes of the dtype; of larger ones:
EXACT = 1e-9
ROUNDING = 1e-12  # where numbers cancel, relative to the largest of them


class Edge(NamedTuple):
    """The place of an input of a step: the reader of a value, and the position of the value among its inputs."""

    reader: Step
    position: int

    @property
    def value(self) -> Any:
        """The input at that place."""
        return self.reader.inputs[self.position]


def close(value: Any, right: Any, largest: float = 0.0) -> bool:
    """Whether two arrays are equal up to the rounding of one op, shape included; `largest` is the size of what was added.

    None is equal to nothing.
    """
    if right is None or np.shape(value) != np.shape(right):
        return False
    floats = [x.dtype.itemsize for x in map(np.asarray, (value, right)) if x.dtype.kind == "f"]
    relative = RELATIVE.get(min(floats), EXACT) if floats else 0.0
    value, right = np.asarray(value, np.float64), np.asarray(right, np.float64)
    size = np.max(np.abs(right), initial=0.0, where=np.isfinite(right))
    same = (value == right) | (np.isnan(value) & np.isnan(right))
    near = np.abs(value - right) <= relative * size + max(ROUNDING, relative * 1e-3) * max(largest, 1e-300)
    return bool(np.all(same | near))


def size_of(*values: Any) -> float:
    """The largest finite entry of some arrays, without its sign."""
    arrays = [np.abs(np.asarray(x, np.float64)) for x in values if x is not None]
    return float(max((np.max(x, initial=0.0, where=np.isfinite(x)) for x in arrays), default=0.0))


def fitted(part: Any, value: Any) -> Any:
    """A contribution in the shape and dtype of the value that it belongs to; None where it does not fit, or is None."""
    like = np.asarray(value)
    if np.shape(part) != like.shape:
        try:
            if np.broadcast_shapes(np.shape(part), like.shape) != np.shape(part):
                return None
        except ValueError:
            return None
        part = sum_like(np.asarray(part), like)
    return None if part is None else np.asarray(part).astype(like.dtype)[()]


class Local:
    """The steps of a graph with values and gradients, be they the engine's or the right ones."""

    def __init__(self, steps: Sequence[Step], path: Sequence[Step], values: Mapping[Step, Any]) -> None:
        self.steps, self.path, self._values = steps, path, values

    def value(self, x: Any) -> Any:
        """The engine's value of an input, the recorded one where it gave none, or a Python number as it is."""
        if not isinstance(x, Step):
            return x
        value = self._values.get(x)
        if value is None:
            return x.node.operand
        return value if value.dtype.kind == "f" or x.node.dtype.kind != "f" else value.astype(x.node.dtype)

    def computed(self, step: Step, **params: Any) -> Any:
        """What the op of a step makes of the engine's values; None where it makes nothing of them."""
        assert step.node.op is not None
        return self.applied(step.node.op.function, [self.value(x) for x in step.inputs], step.node.params | params)

    @staticmethod
    def applied(function: Any, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """A function of arrays; None where it raises an error."""
        try:
            return np.asarray(function(*inputs, **params))[()]
        except Exception:  # an op may raise anything on arrays of another shape
            return None

    @cached_property
    def edges(self) -> dict[Step, list[Edge]]:
        """The readers that contribute to the gradient of each step, in the order of the program."""
        found: dict[Step, list[Edge]] = {step: [] for step in self.path}
        for reader in reversed(self.path):
            for edge in (Edge(reader, position) for position in range(len(reader.inputs))):
                if edge.value in found and self._rule(edge) is not None:
                    found[edge.value].append(edge)
        return found

    @staticmethod
    def _rule(edge: Edge) -> Any:
        op = edge.reader.node.op
        assert op is not None
        return op.rules_for(len(edge.reader.inputs))[edge.position]

    def raw(self, edge: Edge, g: Any, *, rule: Any = None, out: Any = None, inputs: Sequence[Any] = (), **params: Any) -> Any:
        """What a rule makes of an upstream gradient, before broadcasting is undone; None where it makes nothing of it."""
        reader = edge.reader
        inputs = inputs or [self.value(x) for x in reader.inputs]
        out = self.value(reader) if out is None else out
        return self.applied(rule or self._rule(edge), [g, out, *inputs], reader.node.params | params)

    def part(self, edge: Edge, g: Any, **changes: Any) -> Any:
        """The contribution of a reader to the gradient of its input, for an upstream gradient; None where there is none."""
        return fitted(self.raw(edge, g, **changes), self.value(edge.value))

    def gradients(self) -> dict[Step, Any]:
        """The right gradients for these values."""
        found: dict[Step, Any] = {}
        for step in self.path:
            parts = [self.part(edge, found[edge.reader]) for edge in self.edges[step] if edge.reader in found]
            seed = np.full_like(self.value(step), step is self.path[0])
            found[step] = sum((part for part in parts if part is not None), seed)[()]
        return found
