"""The elementary functions: powers of e, logarithms, roots, trigonometric and hyperbolic functions, elementwise.

Derivatives after the NIST Digital Library of Mathematical Functions, chapters 4.2 to 4.37.
"""

from __future__ import annotations

import math

import numpy as np

from tinygraph.ops import work
from tinygraph.ops.activations import sigmoid
from tinygraph.ops.arithmetic import SIGNBIT
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating, of_ufunc

LN_2, LN_10 = math.log(2), math.log(10)  # Python numbers, which leave float32 alone
COSH = "Add(Mul(Div(Exp(Div(Abs({0}), 2)), 2), Exp(Div(Abs({0}), 2))), Div(Exp(Neg(Abs({0}))), 2))"  # in ONNX, without overflow


@op(lambda g, out, x: g * out, elementwise=True, numpy=np.exp, javascript="Math.exp({})", onnx="Exp")
def exp(x: Array) -> Array:
    """e ** x, the exponential function.

    Shape: that of x.
    Derivative: ∂/∂x = exp(x).

    >>> np.exp(tg.constant(0.0))
    <node exp: 1>
    """
    return np.exp(x)


@op(lambda g, out, x: g * (out * LN_2), elementwise=True, numpy=np.exp2, notation="2^{}", javascript="2 ** {}", onnx="Pow(2, {})")
def exp2(x: Array) -> Array:
    """2 ** x.

    Shape: that of x.
    Derivative: ∂/∂x = 2**x * log(2).

    >>> np.exp2(tg.constant(3.0))
    <node exp2: 8>
    """
    return np.exp2(x)


@op(
    lambda g, out, x: g * np.exp(x),
    elementwise=True,
    numpy=np.expm1,
    javascript="Math.expm1({})",
    onnx=(
        "Where(Equal(Exp({0}), 1), {0}, Where(Less(Abs({0}), 0.5), Div(Mul(Sub(Exp({0}), 1), {0}), Log(Exp({0}))), "
        "Sub(Exp({0}), 1)))"
    ),
)
def expm1(x: Array) -> Array:
    """`exp(x) - 1`, accurate for small x.

    Shape: that of x.
    Derivative: ∂/∂x = exp(x).

    >>> np.expm1(tg.constant(1e-20))
    <node expm1: 1e-20>
    """
    return np.expm1(x)


@op(lambda g, out, x: g / x, elementwise=True, numpy=np.log, notation="ln", javascript="Math.log({})", onnx="Log")
def log(x: Array) -> Array:
    """The natural logarithm of x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / x.

    >>> np.log(tg.constant(1.0))
    <node log: 0>
    """
    return np.log(x)


@op(
    lambda g, out, x: g / (1 + x),
    elementwise=True,
    numpy=np.log1p,
    javascript="Math.log1p({})",
    onnx=(
        "Where(Equal(Add(1, {0}), 1), {0}, Where(Less(Abs({0}), 0.5), Div(Mul(Log(Add(1, {0})), {0}), Sub(Add(1, {0}), "
        "1)), Log(Add(1, {0}))))"
    ),
)
def log1p(x: Array) -> Array:
    """`log(1 + x)`, accurate for small x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (1 + x).

    >>> np.log1p(tg.constant(1e-20))
    <node log1p: 1e-20>
    """
    return np.log1p(x)


@op(
    lambda g, out, x: g / (x * LN_2),
    elementwise=True,
    numpy=np.log2,
    notation="log₂",
    javascript="Math.log2({})",
    onnx="Div(Log({}), Log(2))",
)
def log2(x: Array) -> Array:
    """The logarithm of x to base 2.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (x * log(2)).

    >>> np.log2(tg.constant(8.0))
    <node log2: 3>
    """
    return np.log2(x)


@op(
    lambda g, out, x: g / (x * LN_10),
    elementwise=True,
    numpy=np.log10,
    notation="log₁₀",
    javascript="Math.log10({})",
    onnx="Div(Log({}), Log(10))",
)
def log10(x: Array) -> Array:
    """The logarithm of x to base 10.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (x * log(10)).

    >>> np.log10(tg.constant(1000.0))
    <node log10: 3>
    """
    return np.log10(x)


def _weight_rule(g: Array, out: Array, x: Array, y: Array, rate: float) -> Array:
    return g * (rate * out * logaddexp_weight(y, x, rate=rate))


def _other_weight_rule(g: Array, out: Array, x: Array, y: Array, rate: float) -> Array:
    return -_weight_rule(g, out, x, y, rate)


@op(_weight_rule, _other_weight_rule, elementwise=True, quiet=True, dtype=floating)
def logaddexp_weight(x: Array, y: Array, *, rate: float = 1.0) -> Array:
    """`exp(rate * x) / (exp(rate * x) + exp(rate * y))`, without overflow; 1/2 for two equal infinities.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = rate * w * (1 - w); ∂/∂y = -rate * w * (1 - w). Here w is the result.

    >>> tg.ops.logaddexp_weight(np.array([0.0, -np.inf]), np.array([1000.0, -np.inf]))
    array([0. , 0.5])
    """
    largest = np.finfo(np.result_type(x, y)).max
    x, y = (np.minimum(np.maximum(z, -largest), largest) for z in (x, y))
    return sigmoid(rate * (x - y))


@op(
    lambda g, out, x, y: g * logaddexp_weight(x, y),
    lambda g, out, x, y: g * logaddexp_weight(y, x),
    elementwise=True,
    numpy=np.logaddexp,
    javascript="logAddExp({}, {})",
)
def logaddexp(x: Array, y: Array) -> Array:
    """`log(exp(x) + exp(y))`, without overflow.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = exp(x) / (exp(x) + exp(y)); ∂/∂y = exp(y) / (exp(x) + exp(y)).

    >>> np.logaddexp(tg.constant(1000.0), 1000.0)
    <node logaddexp: 1001>
    """
    return np.logaddexp(x, y)


@op(
    lambda g, out, x, y: g * logaddexp_weight(x, y, rate=LN_2),
    lambda g, out, x, y: g * logaddexp_weight(y, x, rate=LN_2),
    elementwise=True,
    numpy=np.logaddexp2,
    javascript="logAddExp2({}, {})",
)
def logaddexp2(x: Array, y: Array) -> Array:
    """`log2(2**x + 2**y)`, without overflow.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = 2**x / (2**x + 2**y); ∂/∂y = 2**y / (2**x + 2**y).

    >>> np.logaddexp2(tg.constant(3.0), 3.0)
    <node logaddexp2: 4>
    """
    return np.logaddexp2(x, y)


@op(lambda g, out, x: g / (2 * out), elementwise=True, numpy=np.sqrt, notation="√{}", javascript="Math.sqrt({})", onnx="Sqrt")
def sqrt(x: Array) -> Array:
    """The square root of x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (2 * sqrt(x)). At 0 it is inf.

    >>> np.sqrt(tg.constant(9.0))
    <node sqrt: 3>
    """
    return np.sqrt(x)


@op(
    lambda g, out, x: g / (3 * out**2),
    elementwise=True,
    numpy=np.cbrt,
    notation="∛{}",
    javascript="Math.cbrt({})",
    onnx="Mul(Sign({0}), Pow(Abs({0}), Div(1, 3)))",
)
def cbrt(x: Array) -> Array:
    """The cube root of x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (3 * cbrt(x)**2). At 0 it is inf.

    >>> np.cbrt(tg.constant(27.0))
    <node cbrt: 3>
    """
    return np.cbrt(x)


@op(
    lambda g, out, x: g * (2 * x), elementwise=True, numpy=np.square, notation="{}²", javascript="{0} * {0}", onnx="Mul({0}, {0})"
)
def square(x: Array) -> Array:
    """x * x.

    Shape: that of x.
    Derivative: ∂/∂x = 2 * x.

    >>> np.square(tg.constant(3.0))
    <node square: 9>
    """
    return np.square(x)


@op(
    lambda g, out, x: -g * out * out,
    elementwise=True,
    numpy=np.reciprocal,
    notation="1/{}",
    javascript="reciprocal({}, {dtype})",
    onnx="Reciprocal",
)
def reciprocal(x: Array) -> Array:
    """1 / x.

    Shape: that of x.
    Derivative: ∂/∂x = -1 / x**2.

    >>> np.reciprocal(tg.constant(4.0))
    <node reciprocal: 0.25>
    """
    return np.reciprocal(x)


@op(lambda g, out, x: g * np.cos(x), elementwise=True, numpy=np.sin, javascript="Math.sin({})", onnx="Sin")
def sin(x: Array) -> Array:
    """The sine of x, in radians.

    Shape: that of x.
    Derivative: ∂/∂x = cos(x).

    >>> np.sin(tg.constant(0.0))
    <node sin: 0>
    """
    return np.sin(x)


@op(lambda g, out, x: -g * np.sin(x), elementwise=True, numpy=np.cos, javascript="Math.cos({})", onnx="Cos")
def cos(x: Array) -> Array:
    """The cosine of x, in radians.

    Shape: that of x.
    Derivative: ∂/∂x = -sin(x).

    >>> np.cos(tg.constant(0.0))
    <node cos: 1>
    """
    return np.cos(x)


@op(lambda g, out, x: g * (1 + out**2), elementwise=True, numpy=np.tan, javascript="Math.tan({})", onnx="Div(Sin({0}), Cos({0}))")
def tan(x: Array) -> Array:
    """The tangent of x, in radians.

    Shape: that of x.
    Derivative: ∂/∂x = 1 + tan(x)**2.

    >>> np.tan(tg.constant(0.0))
    <node tan: 0>
    """
    return np.tan(x)


@op(lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)), elementwise=True, numpy=np.arcsin, javascript="Math.asin({})", onnx="Asin")
def arcsin(x: Array) -> Array:
    """The angle in radians whose sine is x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / sqrt(1 - x**2).

    >>> np.arcsin(tg.constant(1.0))
    <node arcsin: 1.571>
    """
    return np.arcsin(x)


@op(lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)), elementwise=True, numpy=np.arccos, javascript="Math.acos({})", onnx="Acos")
def arccos(x: Array) -> Array:
    """The angle in radians whose cosine is x.

    Shape: that of x.
    Derivative: ∂/∂x = -1 / sqrt(1 - x**2).

    >>> np.arccos(tg.constant(1.0))
    <node arccos: 0>
    """
    return np.arccos(x)


def _over_square(x: Array, y: Array, z: Array) -> Array:
    """x / (y**2 + z**2), whose squares would over- or underflow long before it."""
    length = np.hypot(y, z)
    return x / length / length


@op(lambda g, out, x: _over_square(g, x, 1), elementwise=True, numpy=np.arctan, javascript="Math.atan({})", onnx="Atan")
def arctan(x: Array) -> Array:
    """The angle in radians whose tangent is x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (1 + x**2).

    >>> np.arctan(tg.constant(1.0))
    <node arctan: 0.7854>
    """
    return np.arctan(x)


@op(
    lambda g, out, y, x: g * _over_square(x, x, y),
    lambda g, out, y, x: -g * _over_square(y, x, y),
    elementwise=True,
    numpy=np.arctan2,
    javascript="Math.atan2({}, {})",
    onnx=(
        f"Mul(Where({SIGNBIT}, -1, 1), Abs(Sub(Where({SIGNBIT.replace('0}', '1}')}, 3.141592653589793, 0), "
        "Where(Equal(Abs({0}), Abs({1})), Mul(Sign(Abs({0})), 0.7853981633974483), Atan(Div(Abs({0}), Abs({1})))))))"
    ),
)
def arctan2(y: Array, x: Array) -> Array:
    """The angle in radians of the point (x, y).

    Shape: that of y and x, broadcast together.
    Derivative: ∂/∂y = x / (x**2 + y**2); ∂/∂x = -y / (x**2 + y**2). At the origin, where the angle jumps, both are NaN.

    >>> np.arctan2(tg.constant(1.0), tg.constant(-1.0))
    <node arctan2: 2.356>
    """
    return np.arctan2(y, x)


def _cosine_rule(g: Array, out: Array, x: Array, y: Array) -> Array:
    return g * (cosine(y, x) ** 2 / np.hypot(x, y))


def _other_cosine_rule(g: Array, out: Array, x: Array, y: Array) -> Array:
    return -g * (out * cosine(y, x) / np.hypot(x, y))


@op(_cosine_rule, _other_cosine_rule, elementwise=True, dtype=of_ufunc(np.hypot))
def cosine(x: Array, y: Array) -> Array:
    """`x / hypot(x, y)`, the cosine of the angle of the point (x, y); 0 at the origin.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = y**2 / hypot(x, y)**3; ∂/∂y = -x * y / hypot(x, y)**3.

    >>> tg.ops.cosine(np.array([3e200, 0.0]), np.array([4e200, 0.0]))
    array([0.6, 0. ])
    """
    length = np.hypot(x, y)
    return x / np.where(length == 0, 1, length)


@op(
    lambda g, out, x, y: g * cosine(x, y),
    lambda g, out, x, y: g * cosine(y, x),
    elementwise=True,
    numpy=np.hypot,
    javascript="Math.hypot({}, {})",
    onnx=(
        "Where(Or(IsInf({0}), IsInf({1})), 1e999, Where(Equal(Max(Abs({0}), Abs({1})), 0), 0, "
        "Mul(Max(Abs({0}), Abs({1})), Sqrt(Add(1, Pow(Div(Min(Abs({0}), Abs({1})), Max(Abs({0}), Abs({1}))), 2))))))"
    ),
)
def hypot(x: Array, y: Array) -> Array:
    """`sqrt(x**2 + y**2)`, the length of the vector (x, y), without overflow.

    Shape: that of x and y, broadcast together.
    Derivative: ∂/∂x = x / hypot(x, y); ∂/∂y = y / hypot(x, y). At (0, 0) both are taken as 0.

    >>> np.hypot(tg.constant(3.0), 4.0)
    <node hypot: 5>
    """
    return np.hypot(x, y)


def _sinc_rule(g: Array, out: Array, x: Array, order: int = 0) -> Array:
    return g * sinc_derivative(x, order=order + 1)


@op(_sinc_rule, elementwise=True, dtype=floating, work=work.term_each)
def sinc_derivative(x: Array, *, order: int) -> Array:
    """The derivative of sinc(x) of the given order, at least 1; a power series near 0, where the quotient is inaccurate.

    With t = πx, the derivatives s of sin(t) / t follow from t * s[n] + n * s[n - 1] = sin⁽ⁿ⁾(t).

    Shape: that of x.
    Derivative: ∂/∂x = sinc_derivative(x, order=order + 1).

    >>> tg.ops.sinc_derivative(np.array([0.0, 1.0]), order=1)
    array([ 0., -1.])
    """
    t = np.pi * x
    near = np.abs(t) < 1 + order / 2
    small, large = np.where(near, t, 0), np.where(near, 1, t)
    square, series = small**2, np.zeros_like(small)
    for n in reversed(range(order % 2, 24 + 4 * order, 2)):
        series = series * square + (-1) ** ((n + order) // 2) / (math.factorial(n) * (n + order + 1))
    series = series * small ** (order % 2) + 0.0  # which makes 0 of -0
    waves = (np.sin(large), np.cos(large), -np.sin(large), -np.cos(large))
    quotient = waves[0] / large
    for n in range(1, order + 1):
        quotient = (waves[n % 4] - n * quotient) / large
    return np.pi**order * np.where(near, series, quotient)


@op(
    _sinc_rule,
    elementwise=True,
    numpy=np.sinc,
    dtype=floating,
    javascript="sinc({})",
    onnx="Where(Equal({0}, 0), 1, Div(Sin(Mul({0}, 3.141592653589793)), Mul({0}, 3.141592653589793)))",
)
def sinc(x: Array) -> Array:
    """`sin(pi * x) / (pi * x)`, and 1 at 0.

    Shape: that of x.
    Derivative: ∂/∂x = sinc_derivative(x, order=1). That is (cos(πx) - sinc(x)) / x, and 0 at 0.

    >>> np.sinc(tg.constant([0.0, 0.5]))
    <node sinc (2,) float64: [1. 0.6366]>
    """
    return np.sinc(x)


@op(
    lambda g, out, x: g * (np.pi / 180),
    elementwise=True,
    numpy=np.deg2rad,
    javascript="{} * (Math.PI / 180)",
    onnx="Mul({}, 0.017453292519943295)",
)
def deg2rad(x: Array) -> Array:
    """`x * pi / 180`: degrees converted to radians.

    Shape: that of x.
    Derivative: ∂/∂x = pi / 180.

    >>> np.deg2rad(tg.constant(180.0))
    <node deg2rad: 3.142>
    """
    return np.deg2rad(x)


@op(
    lambda g, out, x: g * (180 / np.pi),
    elementwise=True,
    numpy=np.rad2deg,
    javascript="{} * (180 / Math.PI)",
    onnx="Mul({}, 57.29577951308232)",
)
def rad2deg(x: Array) -> Array:
    """`x * 180 / pi`: radians converted to degrees.

    Shape: that of x.
    Derivative: ∂/∂x = 180 / pi.

    >>> np.rad2deg(tg.constant(np.pi))
    <node rad2deg: 180>
    """
    return np.rad2deg(x)


@op(
    lambda g, out, x: g * np.cosh(x),
    elementwise=True,
    numpy=np.sinh,
    javascript="Math.sinh({})",
    onnx="Mul(Tanh({0}), " + COSH + ")",
)
def sinh(x: Array) -> Array:
    """The hyperbolic sine of x.

    Shape: that of x.
    Derivative: ∂/∂x = cosh(x).

    >>> np.sinh(tg.constant(0.0))
    <node sinh: 0>
    """
    return np.sinh(x)


@op(
    lambda g, out, x: g * np.sinh(x),
    elementwise=True,
    numpy=np.cosh,
    javascript="Math.cosh({})",
    onnx=COSH,
)
def cosh(x: Array) -> Array:
    """The hyperbolic cosine of x.

    Shape: that of x.
    Derivative: ∂/∂x = sinh(x).

    >>> np.cosh(tg.constant(0.0))
    <node cosh: 1>
    """
    return np.cosh(x)


@op(lambda g, out, x: g * (1 - out**2), elementwise=True, numpy=np.tanh, squashes=True, javascript="Math.tanh({})", onnx="Tanh")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent of x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 - tanh(x)**2.

    >>> np.tanh(tg.constant(0.0))
    <node tanh: 0>
    """
    return np.tanh(x)


@op(lambda g, out, x: g / np.hypot(x, 1), elementwise=True, numpy=np.arcsinh, javascript="Math.asinh({})", onnx="Asinh")
def arcsinh(x: Array) -> Array:
    """The inverse hyperbolic sine of x.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / sqrt(x**2 + 1).

    >>> np.arcsinh(tg.constant(0.0))
    <node arcsinh: 0>
    """
    return np.arcsinh(x)


@op(
    lambda g, out, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    elementwise=True,
    numpy=np.arccosh,
    javascript="Math.acosh({})",
    onnx="Acosh",
)
def arccosh(x: Array) -> Array:
    """The inverse hyperbolic cosine of x, for x >= 1.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / sqrt(x**2 - 1).

    >>> np.arccosh(tg.constant(1.0))
    <node arccosh: 0>
    """
    return np.arccosh(x)


@op(lambda g, out, x: g / ((1 - x) * (1 + x)), elementwise=True, numpy=np.arctanh, javascript="Math.atanh({})", onnx="Atanh")
def arctanh(x: Array) -> Array:
    """The inverse hyperbolic tangent of x, for -1 < x < 1.

    Shape: that of x.
    Derivative: ∂/∂x = 1 / (1 - x**2).

    >>> np.arctanh(tg.constant(0.0))
    <node arctanh: 0>
    """
    return np.arctanh(x)
