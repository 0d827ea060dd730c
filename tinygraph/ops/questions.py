"""Comparisons, searches and counts: the result is recorded, so that a replay recomputes it, and has no gradient."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygraph.node import Node
from tinygraph.operators import implements
from tinygraph.ops.arithmetic import SIGNBIT
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.kinds import Opaque, Same
from tinygraph.ops.likes import Axis
from tinygraph.sizes import Sizes, Sizing


@op(None, elementwise=True, numpy=np.isnan, javascript="Number.isNaN({})", onnx="IsNaN")
def isnan(x: Array) -> Array:
    """Whether each entry is NaN.

    >>> np.isnan(tg.constant([1.0, np.nan]))
    <node isnan (2,) bool: [False True]>
    """
    return np.isnan(x)


@op(None, elementwise=True, numpy=np.isinf, javascript="Math.abs({}) === Infinity", onnx="IsInf")
def isinf(x: Array) -> Array:
    """Whether each entry is infinite.

    >>> np.isinf(tg.constant([1.0, -np.inf]))
    <node isinf (2,) bool: [False True]>
    """
    return np.isinf(x)


@op(None, elementwise=True, numpy=np.isfinite, javascript="Number.isFinite({})", onnx="Not(Or(IsNaN({0}), IsInf({0})))")
def isfinite(x: Array) -> Array:
    """Whether each entry is neither NaN nor infinite.

    >>> np.isfinite(tg.constant([1.0, np.inf]))
    <node isfinite (2,) bool: [ True False]>
    """
    return np.isfinite(x)


@op(None, elementwise=True, numpy=np.signbit, javascript="isNegative({})", onnx=SIGNBIT)
def signbit(x: Array) -> Array:
    """Whether each entry has a minus sign, which −0.0 has too.

    >>> np.signbit(tg.constant([1.0, -0.0]))
    <node signbit (2,) bool: [False True]>
    """
    return np.signbit(x)


@op(
    None,
    None,
    elementwise=True,
    numpy=np.isclose,
    dtype=bool,
    javascript="isClose({}, {}, {rtol}, {atol}, {equal_nan})",
    onnx=(
        "Or(Or(Equal({0}, {1}), And({equal_nan}, And(IsNaN({0}), IsNaN({1})))), And(Not(IsInf({1})), "
        "LessOrEqual(Abs(Sub({0}, {1})), Add({atol}, Mul({rtol}, Abs({1}))))))"
    ),
)
def isclose(x: Array, y: Array, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether each entry of x differs from that of y by at most `atol + rtol * abs(y)`.

    >>> np.isclose(tg.constant([1.0, 2.0]), [1.0, 2.1])
    <node isclose (2,) bool: [ True False]>
    """
    return np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


@op(None, numpy=np.all, dtype=bool)
def all(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether every entry along `axis` is other than 0.

    >>> np.all(tg.constant([[1.0, 0.0], [2.0, 3.0]]), axis=1)
    <node all (2,) bool: [False True]>
    """
    return np.all(x, axis=axis, keepdims=keepdims)


@op(None, numpy=np.any, dtype=bool)
def any(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether some entry along `axis` is other than 0.

    >>> (tg.constant([1.0, -2.0]) > 0).any()
    <node any: True>
    """
    return np.any(x, axis=axis, keepdims=keepdims)


@op(None, numpy=np.count_nonzero, dtype=np.intp)
def count_nonzero(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many entries along `axis` are other than 0.

    >>> np.count_nonzero(tg.constant([1.0, 0.0, 2.0]))
    <node count_nonzero: 2>
    """
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


@op(None, numpy=np.argmax, dtype=np.intp)
def argmax(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the largest entry along `axis`, the first one at a tie; of all entries in a row where no axis is named.

    >>> np.argmax(tg.constant([1.0, 3.0, 3.0]))
    <node argmax: 1>
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op(None, numpy=np.argmin, dtype=np.intp)
def argmin(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The index of the smallest entry along `axis`, the first one at a tie; of all entries in a row where no axis is named.

    >>> np.argmin(tg.constant([[1.0, 0.0], [2.0, 3.0]]), axis=1)
    <node argmin (2,) int64: [1 0]>
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


Sorting = Literal["quicksort", "mergesort", "heapsort", "stable"]


def _argsorted(axes: Sizing, node: Node) -> Sizes:
    sizes = axes.of(node.inputs[0])
    return (axes.product(sizes),) if node.params["axis"] is None else sizes


@op(None, numpy=np.argsort, kind=Opaque(_argsorted), dtype=np.intp)
def argsort(x: Array, *, axis: int | None = -1, kind: Sorting | None = None, stable: bool | None = None) -> Array:
    """The indices that sort x along `axis`.

    >>> x = tg.parameter([3.0, 1.0, 2.0])
    >>> x[np.argsort(x)]
    <node index (3,) float64: [1. 2. 3.]>
    """
    return np.argsort(x, axis=axis, kind=kind, stable=stable)


@op(None, None, numpy=np.searchsorted, kind=Same(1), dtype=np.intp)
def searchsorted(a: Array, v: Array, *, side: Literal["left", "right"] = "left") -> Array:
    """The places in the ascending vector `a` at which the entries of `v` would be inserted to keep the order.

    >>> np.searchsorted(np.array([0.0, 1.0, 2.0]), tg.constant([0.5, 1.0]))
    <node searchsorted (2,) int64: [1 1]>
    """
    return np.searchsorted(a, v, side=side)


# Answers for Python, which are decisions


@implements(np.allclose)
def _allclose(a: Array, b: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(all(isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)))


@implements(np.array_equal)
def _array_equal(a1: Array, a2: Array, equal_nan: bool = False) -> bool:
    if np.shape(a1) != np.shape(a2):
        return False
    same: Any = np.equal(a1, a2)
    return bool(all((same | (isnan(a1) & isnan(a2))) if equal_nan else same))
