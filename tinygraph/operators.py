"""How expressions of nodes are written: Python's operators, NumPy's functions and methods record ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygraph.syntax import BINARY, COMPARISON, Operator, operator_of

if TYPE_CHECKING:
    from tinygraph.node import Node

Method: TypeAlias = "Callable[..., Node]"

ops: Any = None  # `tinygraph.ops`, which sets it: it is made of nodes, so it is imported later


NUMPY: dict[Any, Callable[..., Any]] = {}  # what answers a NumPy function that is given a Node
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}  # the quick way of recording the ufuncs among those


def implements(*functions: Any, operator: str = "", work: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function that NumPy functions call when they are given a Node; `operator` and `work` are as of an op."""

    def declare(own: Callable[..., Any]) -> Callable[..., Any]:
        vars(own).update({"work": work} if work else {})
        if operator:
            vars(own)["operator"] = operator_of(operator, functions[0].nin)
            answer(vars(own)["operator"], own)
        NUMPY.update(dict.fromkeys(functions, own))
        return own

    return declare


def answer(operator: Operator, record: Callable[..., Any]) -> None:
    """Let `record` do what an operator does that has a node on either side."""
    name = operator.function.__name__.strip("_")

    def unary(self: Node) -> Any:
        return record(self)

    def left(self: Node, other: Any) -> Any:
        return record(self, other)

    def right(self: Node, other: Any) -> Any:
        return record(other, self)

    methods = {f"__{name}__": left if operator in BINARY.values() else unary}
    if operator in BINARY.values() and operator.binds != COMPARISON:
        methods[f"__r{name}__"] = right
    for known, method in methods.items():
        method.__name__, method.__qualname__ = known, f"Node.{known}"
        setattr(Operators, known, method)


def _method(function: Callable[..., Any]) -> Method:
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
        record = UFUNCS.get(ufunc)
        if record is not None and not kwargs and method == "__call__":
            return record(*inputs)
        return ops.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return ops.call_function(function, args, kwargs)

    # Python's operators; what they record follows from the ops that declare to be one, so these are for type checkers

    __add__: Method
    __radd__: Method
    __sub__: Method
    __rsub__: Method
    __mul__: Method
    __rmul__: Method
    __truediv__: Method
    __rtruediv__: Method
    __floordiv__: Method
    __rfloordiv__: Method
    __mod__: Method
    __rmod__: Method
    __pow__: Method
    __rpow__: Method
    __matmul__: Method
    __rmatmul__: Method
    __and__: Method
    __rand__: Method
    __or__: Method
    __ror__: Method
    __lt__: Method
    __le__: Method
    __gt__: Method
    __ge__: Method
    __neg__: Method
    __invert__: Method
    __eq__: Method  # type: ignore[assignment]  # elementwise, as NumPy's
    __ne__: Method  # type: ignore[assignment]  # elementwise, as NumPy's
    __hash__ = object.__hash__

    def __pos__(self: Any) -> Node:
        return self

    def __divmod__(self, other: Any) -> tuple[Node, Node]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Node, Node]:
        return other // self, other % self

    def __abs__(self) -> Node:
        return UFUNCS[np.abs](self)

    def __round__(self, digits: int = 0) -> Node:
        return NUMPY[np.round](self, decimals=digits)

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
        return NUMPY[np.transpose](self)

    @property
    def mT(self) -> Node:
        """Record the transposed matrix, or each of a stack transposed."""
        return NUMPY[np.matrix_transpose](self)

    def transpose(self, *axes: Any) -> Node:
        """Record `np.transpose(node, axes)`; axes as one tuple or one by one."""
        return NUMPY[np.transpose](self, axes=_spread(axes) if axes else None)

    def reshape(self: Any, *shape: Any, **kwargs: Any) -> Node:
        """Record `np.reshape(node, shape)`; the shape as one tuple or one by one."""
        result: Any = np.reshape(self, _spread(shape), **kwargs) if kwargs else NUMPY[np.reshape](self, shape=_spread(shape))
        return result
