"""The check of the gradients of a recorded graph by finite differences, in float64 whatever its dtype.

One value is moved in a direction, each entry in proportion to its size, and only the nodes that depend on it are computed again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygraph.backprop import by_number, reached
from tinygraph.node import Node
from tinygraph.requested import Request
from tinygraph.slope import ROUNDING, TRUSTED, Slope, slope_along
from tinygraph.sparse import in_dtype

TOLERANCE = 1e-6  # relative
EACH = 4  # up to so many entries, each is moved alone


class Verdict(NamedTuple):
    """The verdict of differences on a gradient: right (True), wrong (False) or undecided (None), with both slopes."""

    right: bool | None
    exact: float
    numerical: float
    where: str = ""


class OutOfTimeError(Exception):
    """There was no time to compute another difference."""


class Differences:
    """The recorded values in float64, and the slopes of the output; no difference is started after the time `end`."""

    def __init__(self, request: Request, gradients: dict[Node, Node], end: float = math.inf) -> None:
        self._end = end  # of the monotonic clock
        self.output = request.output
        self.gradients = gradients
        everything = reached([self.output, request.seed, *gradients.values()])
        self._single = any(node.dtype.kind == "f" and node.dtype != np.float64 for node in everything)
        self._values = self._in_float64(everything) if self._single else {node: node.operand for node in everything}
        self._seed = self._values[request.seed]
        self._readers: dict[Node, list[Node]] = {}
        for node in reached([self.output]):
            for x in () if _stops(node) else node.inputs:
                if isinstance(x, Node):
                    self._readers.setdefault(x, []).append(node)

    def verdict(self, node: Node) -> Verdict:
        """Compare the gradient of a value with slopes of the output; the first wrong entry or direction decides.

        Raises OutOfTimeError after the end of the time.
        """
        x, claimed = np.asarray(self._values[node], np.float64), self._claimed(node)
        phi = self._along(node)
        found = [self._compared(phi, x, claimed, pattern, where) for pattern, where in _patterns(x.shape)]
        return min(found, key=lambda v: 0 if v.right is False else 1 if v.right is None else 2, default=Verdict(True, 0.0, 0.0))

    def _claimed(self, node: Node) -> Any:
        recorded = self.gradients[node].value
        claimed = self._values[self.gradients[node]]
        return np.asarray(claimed if np.isfinite(recorded).all() else recorded, np.float64)

    def _in_float64(self, nodes: list[Node]) -> dict[Node, Any]:
        values: dict[Node, Any] = {}
        for node in nodes:
            if node.op is None:
                values[node] = in_dtype(node.operand, np.float64) if node.dtype.kind == "f" else node.operand
            else:
                values[node] = _computed(node, values, values)
        return values

    def _along(self, node: Node) -> Callable[[Any], Any]:
        """The output as a function of one value; it computes only the nodes that depend on it."""
        affected: set[Node] = set()
        stack = [node]
        while stack:
            for reader in self._readers.get(stack.pop(), ()):
                if reader not in affected:
                    affected.add(reader)
                    stack.append(reader)
        order = sorted(affected, key=by_number)

        def output(value: Any) -> Any:
            if time.monotonic() > self._end:
                raise OutOfTimeError
            moved: dict[Node, Any] = {node: value}
            for y in order:
                moved[y] = _computed(y, moved, self._values)
            result = moved[self.output] if self.output in moved else self._values[self.output]
            return np.sum(self._seed * result, dtype=np.float64)

        return output

    def _compared(self, phi: Callable[[Any], Any], x: Any, claimed: Any, pattern: Any, where: str) -> Verdict:
        slope = slope_along(phi, x, pattern)
        if slope is None:
            return Verdict(None, np.nan, np.nan)
        direction = slope.direction
        moving = direction != 0
        terms = (claimed * direction)[moving] if moving.shape else claimed * direction
        unit = float(np.sum(direction)) if where or not x.shape else 1.0
        exact, total = float(np.sum(terms)), float(np.sum(np.abs(terms)))
        return Verdict(_right(exact, total, slope), exact / unit, slope.value / unit, where)


def _computed(node: Node, first: dict[Node, Any], second: dict[Node, Any]) -> Any:
    assert node.op is not None
    inputs = [(first[x] if x in first else second[x]) if isinstance(x, Node) else x for x in node.inputs]
    return node.op(*inputs, **node.params)


def _stops(node: Node) -> bool:
    """Whether a node is another value itself, without its gradient."""
    op = node.op
    return op is not None and op.elementwise and op.view is True and op.partial


def _patterns(shape: tuple[int, ...]) -> Iterator[tuple[Any, str]]:
    """The directions to try: each entry of a small array, one random direction of a large one."""
    if not shape:
        yield np.float64(1), ""
    elif np.prod(shape) <= EACH:
        for index in np.ndindex(shape):
            pattern = np.zeros(shape)
            pattern[index] = 1
            yield pattern, f"at {', '.join(map(str, index))}"
    else:
        random = np.random.default_rng(0)
        yield random.uniform(0.5, 1.5, shape) * random.choice([-1.0, 1.0], shape), ""


def _right(exact: float, total: float, slope: Slope) -> bool | None:
    size = max(abs(exact), abs(slope.value))
    if not np.isfinite(exact):
        return False if slope.error <= TRUSTED * abs(slope.value) else None
    if not size:
        return True
    if slope.error > TRUSTED * size:
        return None
    difference = abs(exact - slope.value)
    if difference <= TOLERANCE * size + 4 * slope.error + ROUNDING * total:
        return True
    return None if slope.kink and difference <= slope.gap * (0.5 + TRUSTED) else False
