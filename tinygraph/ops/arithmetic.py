"""Arithmetic: operators, rounding and extremes, elementwise with broadcasting."""

from __future__ import annotations

import math

import numpy as np

from tinygraph.decisions import NUMBERS
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import Dtype, of_ufunc, together
from tinygraph.ops.likes import broadcast_like, cast_like
from tinygraph.ops.selection import where

SIGNBIT = "Less(Where(Equal({0}, 0), Div(1, {0}), {0}), 0)"  # in ONNX


@op(
    lambda g, out, x, y: g,
    lambda g, out, x, y: g,
    elementwise=True,
    numpy=np.add,
    steps=1,
    operator="+",
    notation="{} + {}",
    javascript="{} + {}",
    onnx="Add",
)
def add(x: Array, y: Array) -> Array:
    """x + y, with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 1; ∂/∂y = 1.

    >>> tg.constant(1.0) + 2
    <node add: 3>
    """
    return x + y


@op(
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g,
    elementwise=True,
    numpy=np.subtract,
    steps=1,
    operator="-",
    notation="{} − {}",
    javascript="{} - {}",
    onnx="Sub",
)
def subtract(x: Array, y: Array) -> Array:
    """x - y, with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 1; ∂/∂y = -1.

    >>> tg.constant(1.0) - 2
    <node subtract: -1>
    """
    return x - y


@op(
    lambda g, out, x, y: g * y,
    lambda g, out, x, y: g * x,
    elementwise=True,
    numpy=np.multiply,
    steps=1,
    operator="*",
    notation="{} {}",
    javascript="{} * {}",
    onnx="Mul",
)
def multiply(x: Array, y: Array) -> Array:
    """x * y, elementwise with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = y; ∂/∂y = x.

    >>> tg.constant(2.0) * [3, 4]
    <node multiply (2,) float64: [6. 8.]>
    """
    return x * y


@op(
    lambda g, out, x, y: g / y,
    lambda g, out, x, y: -g * out / y,
    elementwise=True,
    numpy=np.divide,
    steps=1,
    operator="/",
    notation="{}/{}",
    javascript="{} / {}",
    onnx="Div",
)
def divide(x: Array, y: Array) -> Array:
    """x / y, elementwise with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 1 / y; ∂/∂y = -x / y**2. It is computed as -(x / y) / y, because y**2 may overflow.

    >>> tg.constant(1.0) / 4
    <node divide: 0.25>
    """
    return x / y


@op(
    lambda g, out, x: -g, elementwise=True, numpy=np.negative, steps=0, operator="-", notation="−{}", javascript="-{}", onnx="Neg"
)
def negative(x: Array) -> Array:
    """-x.

    Shape: that of x.
    Derivative: ∂/∂x = -1.

    >>> -tg.constant(1.0)
    <node negative: -1>
    """
    return -x


def _base_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    if type(exponent) in NUMBERS:
        return g * (exponent * x ** (exponent - 1)) if exponent != 0 else broadcast_like(0.0, x)
    if exponent.dtype.kind != "f":
        exponent = cast_like(exponent, out)  # an unsigned 0 has no predecessor
    return g * (exponent * power_less_one(x, exponent))


def _exponent_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    if type(x) in NUMBERS and x > 0:
        return g * (out * math.log(x))
    base = x if type(x) not in NUMBERS and x.dtype == out.dtype else cast_like(x, out)
    return g * (out * log_of_base(base, exponent))


@op(
    _base_rule,
    _exponent_rule,
    elementwise=True,
    numpy=np.power,
    steps=1,
    operator="**",
    notation="{}^{}",
    javascript="power({}, {}, {dtype})",
    onnx="Pow",
)
def power(x: Array, exponent: Array) -> Array:
    """x ** exponent, elementwise with broadcasting.

    Shape: that of x and exponent, broadcast together.
    Derivative: ∂/∂x = exponent * x ** (exponent - 1); ∂/∂exponent = x ** exponent * log(x). At x = 0 the latter is taken as 0,
    unless the exponent is negative.

    >>> tg.constant([1.0, 2.0, 3.0]) ** 2
    <node power (3,) float64: [1. 4. 9.]>
    """
    return x**exponent


def _of_number(dtype: Dtype) -> Dtype:
    """The dtype of a value that met a whole number, which a bool does not keep."""
    return dtype if isinstance(dtype, type) and dtype is not bool else together(dtype, int)


def _of_power(x: Dtype, exponent: Dtype) -> Dtype:
    return of_ufunc(np.power)(_of_number(x), _of_number(exponent))


def _of_quotient(part: Dtype, whole: Dtype) -> Dtype:
    return of_ufunc(np.divide)(part, _of_number(whole))


def _is_constant(x: Array, exponent: Array) -> Array:
    """Where x ** exponent is 1 whatever x is near by."""
    return (x == 0) & (exponent == 0)


def _less_one_base_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    less = exponent - 1
    return g * where(_is_constant(x, exponent), 0, less * power_less_one(where(_is_constant(x, exponent), 1, x), less))


def _less_one_exponent_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    return g * (out * log_of_base(where(_is_constant(x, exponent), 1, x), exponent - 1))


@op(_less_one_base_rule, _less_one_exponent_rule, elementwise=True, dtype=_of_power, notation="{0}^({1} − 1)")
def power_less_one(x: Array, exponent: Array) -> Array:
    """x ** (exponent - 1), and 1 where x and the exponent are 0, so that exponent * x ** (exponent - 1) is 0 there.

    Shape: that of x and exponent, broadcast together.
    Derivative: ∂/∂x = (exponent - 1) * x ** (exponent - 2); ∂/∂exponent = x ** (exponent - 1) * log(x).

    >>> tg.ops.power_less_one(np.array([3.0, 0.0]), np.array([2.0, 0.0]))
    array([3., 1.])
    """
    return np.where(_is_constant(x, exponent), 1, x) ** (exponent - 1)


def _log_rule(g: Array, out: Array, x: Array, exponent: Array) -> Array:
    taken_as_0 = (x == 0) & (exponent >= 0)
    return where(taken_as_0, 0, g / where(taken_as_0, 1, x))


@op(_log_rule, None, elementwise=True, dtype=lambda x, exponent: of_ufunc(np.log)(_of_number(x)), notation="ln({0})")
def log_of_base(x: Array, exponent: Array) -> Array:
    """log(x), and 0 where x is 0 and the exponent is not negative, so that x ** exponent * log(x) is 0 there.

    Shape: that of x and exponent, broadcast together.
    Derivative: ∂/∂x = 1 / x. Where the logarithm is taken as 0, so is its derivative.

    >>> tg.ops.log_of_base(np.array([1.0, 0.0]), np.array([2.0, 2.0]))
    array([0., 0.])
    """
    return np.log(np.where((x == 0) & (exponent >= 0), 1, x))


def _whole_rule(g: Array, out: Array, part: Array, whole: Array) -> Array:
    return -g * ratio(out, whole)


@op(lambda g, out, part, whole: g / whole, _whole_rule, elementwise=True, dtype=_of_quotient, notation="{}/{}")
def ratio(part: Array, whole: Array) -> Array:
    """part / whole, and 0 where part is 0, even if whole is 0.

    Shape: that of part and whole, broadcast together.
    Derivative: ∂/∂part = 1 / whole; ∂/∂whole = -part / whole**2. Where part is 0, the latter is 0.

    >>> tg.ops.ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25, 0.  ])
    """
    return np.where(part == 0, 0, part / np.where(part == 0, 1, whole))


@op(None, elementwise=True, numpy=np.sign, notation="sgn", javascript="Math.sign({}) + 0", onnx="Sign")
def sign(x: Array) -> Array:
    """-1, 0 or 1 with the sign of x; no gradient.

    >>> np.sign(tg.constant([-2.0, 0.0, 5.0]))
    <node sign (3,) float64: [-1. 0. 1.]>
    """
    return np.sign(x)


@op(
    None,
    elementwise=True,
    numpy=np.round,
    javascript="roundTo({}, {decimals})",
    onnx="Div(Round(Mul({}, 1e{decimals})), 1e{decimals})",
)
def round(x: Array, *, decimals: int = 0) -> Array:
    """x rounded half to even; no gradient.

    >>> round(tg.constant(2.345), 1)
    <node round: 2.3>
    """
    return np.round(x, decimals)


@op(
    None,
    lambda g, out, x, at_0: g * (x == 0),
    elementwise=True,
    numpy=np.heaviside,
    javascript="heaviside({}, {})",
    onnx="Where(Equal({0}, 0), {1}, Where(Less({0}, 0), 0, Where(Greater({0}, 0), 1, {0})))",
)
def heaviside(x: Array, at_0: Array) -> Array:
    """The step function: 0 where x < 0, 1 where x > 0, and `at_0` where x is 0.

    Shape: that of x and at_0, broadcast together.
    Derivative: ∂/∂at_0 = where(x == 0, 1, 0). No gradient flows into x.

    >>> np.heaviside(tg.constant([-2.0, 0.0, 5.0]), 0.5)
    <node heaviside (3,) float64: [0. 0.5 1. ]>
    """
    return np.heaviside(x, at_0)


@op(
    lambda g, out, x, y: g * (np.sign(x) * np.copysign(1.0, y)),
    None,
    elementwise=True,
    numpy=np.copysign,
    javascript="copysign({}, {})",
    onnx=f"Mul(Where({SIGNBIT.replace('0}', '1}')}, -1, 1), Abs({{0}}))",
)
def copysign(x: Array, y: Array) -> Array:
    """|x| with the sign of y, including the sign of -0.0.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = sign(x) * copysign(1, y). No gradient flows into y.

    >>> np.copysign(tg.constant([2.0, -3.0]), [-1.0, -0.0])
    <node copysign (2,) float64: [-2. -3.]>
    """
    return np.copysign(x, y)


@op(lambda g, out, x: g * np.sign(x), elementwise=True, numpy=np.abs, notation="|{}|", javascript="Math.abs({})", onnx="Abs")
def abs(x: Array) -> Array:
    """|x|, the absolute value.

    Shape: that of x.
    Derivative: ∂/∂x = sign(x). At 0 it is taken as 0.

    >>> abs(tg.constant(-3.0))
    <node abs: 3>
    """
    return np.abs(x)


def _share(g: Array, wins: Array, ties: Array) -> Array:
    """The gradient goes to the winner; at a tie each gets half."""
    return where(wins, g, where(ties, g / 2, 0))


@op(
    lambda g, out, x, y: _share(g, x > y, x == y),
    lambda g, out, x, y: _share(g, y > x, x == y),
    elementwise=True,
    numpy=np.maximum,
    notation="max",
    javascript="Math.max({}, {})",
    onnx="Max",
)
def maximum(x: Array, y: Array) -> Array:
    """The larger of x and y, elementwise with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = where(x > y, 1, 0); ∂/∂y = where(y > x, 1, 0). Where x equals y, both are taken as 1/2.

    >>> np.maximum(tg.constant([1.0, 5.0]), 3)
    <node maximum (2,) float64: [3. 5.]>
    """
    return np.maximum(x, y)


@op(
    lambda g, out, x, y: _share(g, x < y, x == y),
    lambda g, out, x, y: _share(g, y < x, x == y),
    elementwise=True,
    numpy=np.minimum,
    notation="min",
    javascript="Math.min({}, {})",
    onnx="Min",
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller of x and y, elementwise with broadcasting.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = where(x < y, 1, 0); ∂/∂y = where(y < x, 1, 0). Where x equals y, both are taken as 1/2.

    >>> np.minimum(tg.constant([1.0, 5.0]), 3)
    <node minimum (2,) float64: [1. 3.]>
    """
    return np.minimum(x, y)


@op(None, elementwise=True, numpy=np.floor, notation="⌊{}⌋", javascript="Math.floor({})", onnx="Floor")
def floor(x: Array) -> Array:
    """The largest whole number up to x; no gradient.

    >>> np.floor(tg.constant([-1.5, 1.5]))
    <node floor (2,) float64: [-2. 1.]>
    """
    return np.floor(x)


@op(None, elementwise=True, numpy=np.ceil, notation="⌈{}⌉", javascript="Math.ceil({})", onnx="Ceil")
def ceil(x: Array) -> Array:
    """The smallest whole number from x on; no gradient.

    >>> np.ceil(tg.constant([-1.5, 1.5]))
    <node ceil (2,) float64: [-1. 2.]>
    """
    return np.ceil(x)


@op(None, elementwise=True, numpy=np.trunc, javascript="Math.trunc({})", onnx="Mul(Sign({0}), Floor(Abs({0})))")
def trunc(x: Array) -> Array:
    """x without its fraction; no gradient.

    >>> np.trunc(tg.constant([-1.5, 1.5]))
    <node trunc (2,) float64: [-1. 1.]>
    """
    return np.trunc(x)


@op(None, elementwise=True, numpy=np.rint, javascript="roundHalfEven({})", onnx="Round")
def rint(x: Array) -> Array:
    """The nearest whole number, half to even; no gradient.

    >>> np.rint(tg.constant([-1.5, 1.5]))
    <node rint (2,) float64: [-2. 2.]>
    """
    return np.rint(x)


@op(
    None,
    None,
    elementwise=True,
    numpy=np.floor_divide,
    operator="//",
    notation="⌊{}/{}⌋",
    javascript="floorDivide({}, {}, {dtype})",
)
def floor_divide(x: Array, y: Array) -> Array:
    """x // y, rounded down; no gradient.

    >>> tg.constant(7.0) // 2
    <node floor_divide: 3>
    """
    return x // y


@op(
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g * (x // y),
    elementwise=True,
    numpy=np.remainder,
    notation="mod",
    operator="%",
    javascript="remainder({}, {})",
)
def remainder(x: Array, y: Array) -> Array:
    """x % y = `x - y * floor(x / y)`, which has the sign of y.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 1; ∂/∂y = -(x // y).

    >>> tg.constant(7.5) % 2
    <node remainder: 1.5>
    """
    return x % y


@op(
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g * np.trunc(x / y),
    elementwise=True,
    numpy=np.fmod,
    javascript="{} % {}",
    onnx="Mod({}, {}, fmod=1)",
)
def fmod(x: Array, y: Array) -> Array:
    """The remainder `x - y * trunc(x / y)`, which has the sign of x.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 1; ∂/∂y = -trunc(x / y).

    >>> np.fmod(tg.constant(-7.5), 2)
    <node fmod: -1.5>
    """
    return np.fmod(x, y)


@op(
    lambda g, out, x, low, high: g * ((x >= low) & (x <= high)),
    lambda g, out, x, low, high: g * ((x < low) & (low <= high)),
    lambda g, out, x, low, high: g * ((x > high) | (low > high)),
    elementwise=True,
    numpy=np.clip,
    javascript="Math.min(Math.max({}, {}), {})",
    onnx="Min(Max({}, {}), {})",
)
def clip(x: Array, low: Array, high: Array) -> Array:
    """x limited to the interval from low to high: `minimum(maximum(x, low), high)`.

    Shape: that of x, low and high, broadcast together.
    Derivative: ∂/∂x = (low <= x) & (x <= high); ∂/∂low = (x < low) & (low <= high); ∂/∂high = (x > high) | (low > high). True
    counts as 1 and False as 0.

    >>> np.clip(tg.constant([-2.0, 0.5, 3.0]), 0, 1)
    <node clip (3,) float64: [0. 0.5 1. ]>
    """
    return np.clip(x, low, high)
