"""A script with constants and buffers for arrays of some sizes."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

from tinygraph.compiler.script import Beside, Expected, Like, Literal, Number, Ones, Script, loaded
from tinygraph.node import Node

Shape: TypeAlias = tuple[int, ...]
ShapeOf: TypeAlias = Callable[[Node], Shape]
Run: TypeAlias = Callable[..., tuple[Any, ...]]
LINE = 64  # bytes of a line of the cache
SPARE = 4  # sets of buffers that are kept for calls at the same time


class Ready:
    """Runs a script: `run` gives its outputs for its inputs. Several threads may, each with buffers of its own."""

    def __init__(self, script: Script, shape: ShapeOf, values: Mapping[Node, Any]) -> None:
        """`shape` gives the shapes of nodes, `values` has the values of those that are constants."""
        self.script = script
        self._function = script.function
        self.constants = tuple(constant_of(what, shape, values) for what in script.constants)
        self._buffers = [(shape(node), node.dtype) for node in script.buffers]
        self._start()

    def _start(self) -> None:
        """Keep no buffers, and make `run` of the function."""
        self.spare: deque[tuple[Any, ...]] = deque(maxlen=SPARE)
        new = partial(_arrays, self._buffers)  # and not a method: a circle would keep large buffers until Python looks for it
        self.run: Run = _maker(len(self.script.inputs))(self._function, self.constants, self.spare, new)

    @property
    def bytes(self) -> int:
        """The size of one set of buffers."""
        return sum(math.prod(shape) * dtype.itemsize for shape, dtype in self._buffers)

    def timed(self, spent: list[float]) -> Ready:
        """The same with a script that adds the seconds that each of its lines takes to `spent`."""
        timed = copy.copy(self)
        timed._function = self.script.timed(spent)
        timed._start()
        return timed

    def buffers(self) -> tuple[Any, ...]:
        """Buffers that no other call uses."""
        try:
            return self.spare.pop()
        except IndexError:
            return _arrays(self._buffers)

    def run_with(self, buffers: tuple[Any, ...], *inputs: Any) -> tuple[Any, ...]:
        """The same with buffers that the caller has taken."""
        outputs: tuple[Any, ...] = self._function(*inputs, self.constants, buffers)
        return outputs


@cache
def _maker(count: int) -> Callable[..., Run]:
    """Makes the `run` of a script with `count` inputs, each by name, as Python passes `*inputs` in more time."""
    inputs = "".join(f"a{i}, " for i in range(count))
    text = f"""def make(function, constants, spare, new):
    pop, keep = spare.pop, spare.append
    def run({inputs}):
        try:
            buffers = pop()
        except IndexError:
            buffers = new()
        outputs = function({inputs}constants, buffers)
        keep(buffers)
        return outputs
    return run"""
    return loaded("make", text, {})


def _arrays(kinds: Sequence[tuple[Shape, np.dtype[Any]]]) -> tuple[Any, ...]:
    return tuple([_aligned(shape, dtype) for shape, dtype in kinds])


def _aligned(shape: Shape, dtype: np.dtype[Any]) -> Any:
    """An array without values that begins where a line of the processor's cache does, which NumPy takes in less time."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


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
