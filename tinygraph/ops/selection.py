"""Comparisons, logic and `where`: they record, so that a replay decides anew, but only `where` passes a gradient."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op


@op(
    None,
    None,
    elementwise=True,
    numpy=np.greater,
    steps=1,
    operator=">",
    notation="{} > {}",
    javascript="{} > {}",
    onnx="Greater",
)
def greater(x: Array, y: Array) -> Array:
    """x > y.

    >>> tg.constant([1.0, 3.0]) > 2
    <node greater (2,) bool: [False True]>
    """
    return x > y


@op(
    None,
    None,
    elementwise=True,
    numpy=np.greater_equal,
    steps=1,
    operator=">=",
    notation="{} ≥ {}",
    javascript="{} >= {}",
    onnx="GreaterOrEqual",
)
def greater_equal(x: Array, y: Array) -> Array:
    """x >= y.

    >>> tg.constant([1.0, 3.0]) >= 3
    <node greater_equal (2,) bool: [False True]>
    """
    return x >= y


@op(None, None, elementwise=True, numpy=np.less, steps=1, operator="<", notation="{} < {}", javascript="{} < {}", onnx="Less")
def less(x: Array, y: Array) -> Array:
    """x < y.

    >>> tg.constant([1.0, 3.0]) < 2
    <node less (2,) bool: [ True False]>
    """
    return x < y


@op(
    None,
    None,
    elementwise=True,
    numpy=np.less_equal,
    steps=1,
    operator="<=",
    notation="{} ≤ {}",
    javascript="{} <= {}",
    onnx="LessOrEqual",
)
def less_equal(x: Array, y: Array) -> Array:
    """x <= y.

    >>> tg.constant([1.0, 3.0]) <= 1
    <node less_equal (2,) bool: [ True False]>
    """
    return x <= y


@op(
    None, None, elementwise=True, numpy=np.equal, steps=1, operator="==", notation="{} = {}", javascript="{} === {}", onnx="Equal"
)
def equal(x: Array, y: Array) -> Array:
    """x == y, elementwise.

    >>> tg.constant([1.0, 3.0]) == 1
    <node equal (2,) bool: [ True False]>
    """
    return np.equal(x, y)


@op(
    None,
    None,
    elementwise=True,
    numpy=np.not_equal,
    steps=1,
    operator="!=",
    notation="{} ≠ {}",
    javascript="{} !== {}",
    onnx="Not(Equal({}, {}))",
)
def not_equal(x: Array, y: Array) -> Array:
    """x != y, elementwise.

    >>> tg.constant([1.0, 3.0]) != 1
    <node not_equal (2,) bool: [False True]>
    """
    return np.not_equal(x, y)


@op(None, None, elementwise=True, numpy=np.logical_and, notation="{} ∧ {}", javascript="{} !== 0 && {} !== 0", onnx="And")
def logical_and(x: Array, y: Array) -> Array:
    """x and y, elementwise; also written `x & y`.

    >>> z = tg.constant([1.0, 3.0])
    >>> (z > 0) & (z < 2)
    <node logical_and (2,) bool: [ True False]>
    """
    return np.logical_and(x, y)


@op(None, None, elementwise=True, numpy=np.logical_or, notation="{} ∨ {}", javascript="{} !== 0 || {} !== 0", onnx="Or")
def logical_or(x: Array, y: Array) -> Array:
    """x or y, elementwise; also written `x | y`.

    >>> z = tg.constant([1.0, 3.0])
    >>> (z > 5) | (z < 2)
    <node logical_or (2,) bool: [ True False]>
    """
    return np.logical_or(x, y)


@op(None, elementwise=True, numpy=np.logical_not, notation="¬{}", javascript="{} === 0", onnx="Not")
def logical_not(x: Array) -> Array:
    """not x, elementwise; also written `~x`.

    >>> ~(tg.constant([1.0, 3.0]) > 2)
    <node logical_not (2,) bool: [ True False]>
    """
    return np.logical_not(x)


def _taken_rule(g: Array, out: Array, condition: Array, x: Array, y: Array) -> Array:
    return where(condition, g, 0)


def _other_rule(g: Array, out: Array, condition: Array, x: Array, y: Array) -> Array:
    return where(condition, 0, g)


@op(
    None,
    _taken_rule,
    _other_rule,
    elementwise=True,
    numpy=np.where,
    dtype=("x", "y"),
    notation="{1} if {0}, {2} otherwise",
    javascript="{} !== 0 ? {} : {}",
)
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition is true, else y.

    Shape: that of condition, x and y, broadcast together.
    Derivative: ∂/∂x = where(condition, 1, 0); ∂/∂y = where(condition, 0, 1). The branch not taken gets 0, never NaN.

    >>> z = tg.constant([-1.0, 2.0])
    >>> np.where(z > 0, z, 0)
    <node where (2,) float64: [0. 2.]>
    """
    return np.where(condition, x, y)
