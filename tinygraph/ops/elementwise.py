"""Arithmetic and the elementary functions: each entry of the result comes from the same entry of the inputs."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declare import Array, op
from tinygraph.ops.likes import broadcast_like


@op(lambda g, out, x, y: g, lambda g, out, x, y: g, elementwise=True, numpy=np.add)
def add(x: Array, y: Array) -> Array:
    """x + y, with broadcasting.

    >>> tg.constant(1.0) + 2
    <node add: 3>
    """
    return x + y


@op(lambda g, out, x, y: g, lambda g, out, x, y: -g, elementwise=True, numpy=np.subtract)
def subtract(x: Array, y: Array) -> Array:
    """x - y, with broadcasting.

    >>> tg.constant(1.0) - 2
    <node subtract: -1>
    """
    return x - y


@op(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x, elementwise=True, numpy=np.multiply)
def multiply(x: Array, y: Array) -> Array:
    """x * y, with broadcasting.

    >>> tg.constant(2.0) * [3, 4]
    <node multiply (2,) float64: [6. 8.]>
    """
    return x * y


@op(lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y, elementwise=True, numpy=np.divide)
def divide(x: Array, y: Array) -> Array:
    """x / y, with broadcasting; the rule for y divides twice, because y**2 would overflow first.

    >>> tg.constant(1.0) / 4
    <node divide: 0.25>
    """
    return x / y


@op(lambda g, out, x: -g, elementwise=True, numpy=np.negative)
def negative(x: Array) -> Array:
    """-x.

    >>> -tg.constant(1.0)
    <node negative: -1>
    """
    return -x


def _base_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    if type(exponent) in (int, float):
        return g * (exponent * x ** (exponent - 1)) if exponent != 0 else broadcast_like(0.0, x)
    safe = np.where((x == 0) & (exponent == 0), 1, x)
    return g * (exponent * safe ** (exponent - 1))


def _exponent_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    return g * (out * np.log(np.where((x == 0) & (exponent >= 0), 1, x)))


@op(_base_rule, _exponent_rule, elementwise=True, numpy=np.power)
def power(x: Array, exponent: Array) -> Array:
    """x ** exponent, with broadcasting; at base 0 the exponent's gradient is 0 (unless the exponent is negative).

    >>> tg.constant([1.0, 2.0, 3.0]) ** 2
    <node power (3,) float64: [1. 4. 9.]>
    """
    return x**exponent


@op(None, elementwise=True, numpy=np.sign)
def sign(x: Array) -> Array:
    """-1, 0 or 1 with the sign of x; no gradient.

    >>> np.sign(tg.constant([-2.0, 0.0, 5.0]))
    <node sign (3,) float64: [-1. 0. 1.]>
    """
    return np.sign(x)


@op(None, elementwise=True, numpy=np.round)
def round(x: Array, *, decimals: int = 0) -> Array:
    """x rounded half to even; no gradient.

    >>> round(tg.constant(2.345), 1)
    <node round: 2.3>
    """
    return np.round(x, decimals)


@op(lambda g, out, x: g * np.sign(x), elementwise=True, numpy=np.abs)
def abs(x: Array) -> Array:
    """|x|; its derivative at 0 is taken as 0.

    >>> abs(tg.constant(-3.0))
    <node abs: 3>
    """
    return np.abs(x)


@op(lambda g, out, x: g * out, elementwise=True, numpy=np.exp)
def exp(x: Array) -> Array:
    """e ** x.

    >>> np.exp(tg.constant(0.0))
    <node exp: 1>
    """
    return np.exp(x)


@op(lambda g, out, x: g / x, elementwise=True, numpy=np.log)
def log(x: Array) -> Array:
    """The natural logarithm.

    >>> np.log(tg.constant(1.0))
    <node log: 0>
    """
    return np.log(x)


@op(lambda g, out, x: g / (1 + x), elementwise=True, numpy=np.log1p)
def log1p(x: Array) -> Array:
    """log(1 + x), right for small x.

    >>> np.log1p(tg.constant(1e-20))
    <node log1p: 1e-20>
    """
    return np.log1p(x)


@op(lambda g, out, x: g / (2 * out), elementwise=True, numpy=np.sqrt)
def sqrt(x: Array) -> Array:
    """The square root; its derivative at 0 is inf.

    >>> np.sqrt(tg.constant(9.0))
    <node sqrt: 3>
    """
    return np.sqrt(x)


@op(lambda g, out, x: g * (2 * x), elementwise=True, numpy=np.square)
def square(x: Array) -> Array:
    """x * x.

    >>> np.square(tg.constant(3.0))
    <node square: 9>
    """
    return np.square(x)


@op(lambda g, out, x: g * (1 - out**2), elementwise=True, numpy=np.tanh)
def tanh(x: Array) -> Array:
    """The hyperbolic tangent.

    >>> np.tanh(tg.constant(0.0))
    <node tanh: 0>
    """
    return np.tanh(x)


def _share(g: Array, wins: Array, ties: Array) -> Array:
    """The gradient goes to the winner; at a tie each gets half."""
    return np.where(wins, g, np.where(ties, g / 2, 0))


@op(
    lambda g, out, x, y: _share(g, x > y, x == y),
    lambda g, out, x, y: _share(g, y > x, x == y),
    elementwise=True,
    numpy=np.maximum,
)
def maximum(x: Array, y: Array) -> Array:
    """The larger of x and y, with broadcasting; at a tie each gets half of the gradient.

    >>> np.maximum(tg.constant([1.0, 5.0]), 3)
    <node maximum (2,) float64: [3. 5.]>
    """
    return np.maximum(x, y)


@op(
    lambda g, out, x, y: _share(g, x < y, x == y),
    lambda g, out, x, y: _share(g, y < x, x == y),
    elementwise=True,
    numpy=np.minimum,
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller of x and y, with broadcasting; at a tie each gets half of the gradient.

    >>> np.minimum(tg.constant([1.0, 5.0]), 3)
    <node minimum (2,) float64: [1. 3.]>
    """
    return np.minimum(x, y)
