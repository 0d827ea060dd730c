"""How expressions of nodes are written: Python's operators, NumPy's functions and methods record ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygraph.node import Node

ops: Any = None  # `tinygraph.ops`, which sets it: it is made of nodes, so it is imported later


def _method(function: Callable[..., Any]) -> Callable[..., Node]:
    """The method of the same name and calling convention as a NumPy function."""

    def method(self: Node, *args: Any, **kwargs: Any) -> Node:
        result: Node = function(self, *args, **kwargs)
        return result

    method.__name__ = function.__name__
    method.__doc__ = f"Record `np.{function.__name__}(node, ...)`."
    return method


def _spread(sizes: tuple[Any, ...]) -> Any:
    return sizes[0] if len(sizes) == 1 and (sizes[0] is None or np.ndim(sizes[0])) else sizes


class Operators:
    """The part of Node that records ops."""

    __slots__ = ()

    def __iter__(self: Any) -> Iterator[Node]:
        if not self.shape:
            raise TypeError("a node of shape () cannot be iterated over")
        return (self[ops.Visited(i)] for i in range(len(self)))

    def __reversed__(self: Any) -> Iterator[Node]:
        return (self[ops.Visited(i)] for i in reversed(range(len(self))))

    def __getitem__(self, index: Any) -> Node:
        return ops.getitem(self, index)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        record = ops.UFUNCS.get(ufunc)
        if record is not None and not kwargs and method == "__call__":
            return record(*inputs)
        return ops.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return ops.call_function(function, args, kwargs)

    def __add__(self, other: Any) -> Node:
        return ops.add.record_two(self, other)

    def __radd__(self, other: Any) -> Node:
        return ops.add.record_two(other, self)

    def __sub__(self, other: Any) -> Node:
        return ops.subtract.record_two(self, other)

    def __rsub__(self, other: Any) -> Node:
        return ops.subtract.record_two(other, self)

    def __mul__(self, other: Any) -> Node:
        return ops.multiply.record_two(self, other)

    def __rmul__(self, other: Any) -> Node:
        return ops.multiply.record_two(other, self)

    def __truediv__(self, other: Any) -> Node:
        return ops.divide.record_two(self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return ops.divide.record_two(other, self)

    def __floordiv__(self, other: Any) -> Node:
        return ops.floor_divide.record_two(self, other)

    def __rfloordiv__(self, other: Any) -> Node:
        return ops.floor_divide.record_two(other, self)

    def __mod__(self, other: Any) -> Node:
        return ops.remainder.record_two(self, other)

    def __rmod__(self, other: Any) -> Node:
        return ops.remainder.record_two(other, self)

    def __divmod__(self, other: Any) -> tuple[Node, Node]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Node, Node]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Node:
        return ops.power.record_two(self, other)

    def __rpow__(self, other: Any) -> Node:
        return ops.power.record_two(other, self)

    def __matmul__(self, other: Any) -> Node:
        return ops.matmul.record_two(self, other)

    def __rmatmul__(self, other: Any) -> Node:
        return ops.matmul.record_two(other, self)

    def __neg__(self) -> Node:
        return ops.negative.record_one(self)

    def __pos__(self: Any) -> Node:
        return self

    def __abs__(self) -> Node:
        return ops.abs.record_one(self)

    def __round__(self, digits: int = 0) -> Node:
        return ops.round(self, decimals=digits)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Node:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.equal.record_two(self, other)

    def __ne__(self, other: object) -> Node:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.not_equal.record_two(self, other)

    def __lt__(self, other: Any) -> Node:
        return ops.less.record_two(self, other)

    def __le__(self, other: Any) -> Node:
        return ops.less_equal.record_two(self, other)

    def __gt__(self, other: Any) -> Node:
        return ops.greater.record_two(self, other)

    def __ge__(self, other: Any) -> Node:
        return ops.greater_equal.record_two(self, other)

    def __and__(self, other: Any) -> Node:
        return ops.bitwise_and(self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Node:
        return ops.bitwise_or(self, other)

    __ror__ = __or__

    def __invert__(self) -> Node:
        return ops.invert(self)

    # NumPy's methods

    sum = _method(np.sum)
    mean = _method(np.mean)
    max = _method(np.max)
    min = _method(np.min)
    prod = _method(np.prod)
    var = _method(np.var)
    std = _method(np.std)
    ptp = _method(np.ptp)
    cumsum = _method(np.cumsum)
    cumprod = _method(np.cumprod)
    clip = _method(np.clip)
    copy = _method(np.copy)
    round = _method(np.round)
    dot = _method(np.dot)
    trace = _method(np.trace)
    diagonal = _method(np.diagonal)
    squeeze = _method(np.squeeze)
    ravel = flatten = _method(np.ravel)
    swapaxes = _method(np.swapaxes)
    repeat = _method(np.repeat)
    take = _method(np.take)
    astype = _method(np.astype)
    argmax = _method(np.argmax)
    argmin = _method(np.argmin)
    argsort = _method(np.argsort)
    all = _method(np.all)
    any = _method(np.any)

    @property
    def T(self) -> Node:
        """Record `np.transpose(node)`."""
        return ops.transpose(self)

    @property
    def mT(self) -> Node:
        """Record the transposed matrix, or each of a stack transposed."""
        return ops.flip_last(self)

    def transpose(self, *axes: Any) -> Node:
        """Record `np.transpose(node, axes)`; axes as one tuple or one by one."""
        return ops.transpose(self, axes=_spread(axes) if axes else None)

    def reshape(self: Any, *shape: Any, **kwargs: Any) -> Node:
        """Record `np.reshape(node, shape)`; the shape as one tuple or one by one."""
        result: Any = np.reshape(self, _spread(shape), **kwargs) if kwargs else ops.reshape(self, shape=_spread(shape))
        return result
