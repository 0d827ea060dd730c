"""A script with constants and buffers for arrays of some sizes."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from tinygraph.compiler.script import Beside, Expected, Like, Literal, Number, Ones, Script
from tinygraph.node import Node

Shape: TypeAlias = tuple[int, ...]
ShapeOf: TypeAlias = Callable[[Node], Shape]
SPARE = 4  # sets of buffers that are kept for calls at the same time


class Ready:
    """Runs a script: `run(*inputs)` gives its outputs. Several threads may, each with buffers of its own."""

    def __init__(self, script: Script, shape: ShapeOf, values: Mapping[Node, Any]) -> None:
        """`shape` gives the shapes of nodes, `values` has the values of those that are constants."""
        self.script = script
        self._function = script.function
        self.constants = tuple(constant_of(what, shape, values) for what in script.constants)
        self._buffers = [(shape(node), node.dtype) for node in script.buffers]
        self.spare: deque[tuple[Any, ...]] = deque(maxlen=SPARE)

    @property
    def bytes(self) -> int:
        """The size of one set of buffers."""
        return sum(math.prod(shape) * dtype.itemsize for shape, dtype in self._buffers)

    def timed(self, spent: list[float]) -> Ready:
        """The same with a script that adds the seconds that each of its lines takes to `spent`."""
        timed = copy.copy(self)
        timed._function, timed.spare = self.script.timed(spent), deque(maxlen=SPARE)
        return timed

    def buffers(self) -> tuple[Any, ...]:
        """Buffers that no other call uses."""
        try:
            return self.spare.pop()
        except IndexError:
            return tuple([np.empty(shape, dtype) for shape, dtype in self._buffers])

    def run(self, *inputs: Any) -> tuple[Any, ...]:
        """The outputs of the script."""
        try:  # as in `buffers`, whose call would take longer than this
            buffers = self.spare.pop()
        except IndexError:
            buffers = self.buffers()
        outputs: tuple[Any, ...] = self._function(*inputs, self.constants, buffers)
        self.spare.append(buffers)
        return outputs

    def run_with(self, buffers: tuple[Any, ...], *inputs: Any) -> tuple[Any, ...]:
        """The same with buffers that the caller has taken."""
        outputs: tuple[Any, ...] = self._function(*inputs, self.constants, buffers)
        return outputs


def constant_of(what: Any, shape: ShapeOf, values: Mapping[Node, Any]) -> Any:
    """The value of a constant of a script, for arrays of some shapes."""
    if isinstance(what, Number):
        return what.value
    if isinstance(what, Literal):
        return np.array(what.value, what.dtype)
    if isinstance(what, Expected):
        return shape(what.node), what.node
    if isinstance(what, Like):
        return np.broadcast_to(np.zeros((), what.node.dtype), shape(what.node))
    if isinstance(what, Ones):
        entries = shape(what.node)
        count = math.prod(entries) if what.axis is None else entries[what.axis]
        ones = np.ones(count, what.node.dtype)
        return ones if not what.keepdims else ones[None, :] if what.axis == 0 else ones[:, None]
    return np.asarray(values[what.node]) if isinstance(what, Beside) else values[what]
