"""Every op at the edges of the floats: 0, tiny, huge and infinite operands of either sign, and what mpmath says of them.

mpmath has numbers of any size and as many digits as asked, so a plain difference is an exact derivative.
"""

import itertools
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

import tinygraph as tg
from tinygraph.ops import Op

Exact = Callable[..., Any]

DIGITS = 900
STEP = mpf(10) ** -360  # so small that floor(1e170 / 1e-170) stays as it is on the way
TINY_AND_HUGE = {np.float64: (1e-170, 1e170), np.float32: (1e-25, 1e20)}


def points(dtype: Any) -> list[Any]:
    """Operands of either sign."""
    tiny, huge = TINY_AND_HUGE[dtype]
    positive = [0.0, tiny, 0.3, 1.0, 2.5, 40.0, 1000.0, huge, np.inf]
    return [dtype(sign * x) for sign in (-1, 1) for x in positive]


def operands(op: Op, dtype: Any) -> list[tuple[Any, ...]]:
    """Combinations of them, of fewer where there are more operands."""
    if op.name == "where":
        return [(np.bool_(c), x, y) for c, x, y in itertools.product([True, False], points(dtype)[::3], points(dtype)[::3])]
    if len(op.arguments) == 3:
        return list(itertools.permutations(points(dtype)[::5], 3))
    return list(itertools.product(points(dtype)[:: len(op.arguments)], repeat=len(op.arguments)))


def _truncated(x: Any) -> Any:
    return mp.sign(x) * mp.floor(abs(x))


# What each elementwise op computes.
EXACT: dict[str, Exact] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y, "divide": lambda x, y: x / y,
    "negative": lambda x: -x, "power": lambda x, y: x**y, "ratio": lambda x, y: x / y,
    "power_less_one": lambda x, y: x ** (y - 1), "log_of_base": lambda x, y: mp.log(x),
    "abs": abs, "maximum": max, "minimum": min,
    "remainder": lambda x, y: x - y * mp.floor(x / y), "fmod": lambda x, y: x - y * _truncated(x / y),
    "clip": lambda x, low, high: min(max(x, low), high), "where": lambda c, x, y: x if c else y, "alias": lambda x: x,
    "exp": mp.exp, "exp2": lambda x: mpf(2) ** x, "expm1": lambda x: mp.exp(x) - 1, "log": mp.log,
    "log1p": lambda x: mp.log(1 + x), "log2": lambda x: mp.log(x, 2), "log10": mp.log10, "reciprocal": lambda x: 1 / x,
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), "logaddexp2": lambda x, y: mp.log(mpf(2) ** x + mpf(2) ** y, 2),
    "logaddexp_weight": lambda x, y: 1 / (1 + mp.exp(y - x)), "sqrt": mp.sqrt, "cbrt": lambda x: x / mp.cbrt(x * x),
    "square": lambda x: x * x, "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "arcsin": mp.asin, "arccos": mp.acos,
    "arctan": mp.atan, "arctan2": mp.atan2, "cosine": lambda x, y: x / mp.hypot(x, y), "hypot": mp.hypot, "sinc": mp.sincpi,
    "deg2rad": mp.radians, "rad2deg": mp.degrees, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "arcsinh": mp.asinh,
    "arccosh": mp.acosh, "arctanh": mp.atanh, "sigmoid": lambda z: 1 / (1 + mp.exp(-z)), "relu": lambda z: max(z, 0),
    "softplus": lambda z: mp.log(1 + mp.exp(z)), "heaviside": lambda x, at_0: mpf(x > 0) if x else at_0,
    "copysign": lambda x, y: abs(x) * (y / abs(y)),
}  # fmt: skip
ELSEWHERE = {"sinc_derivative"}  # tests/test_elementary.py has its power series
# Whose derivative from the result is right to an ulp of 1, not of itself.
RIGHT_TO_AN_ULP_OF_1 = {"sigmoid", "tanh", "softmax"}


# What PyTorch calls those of another name; nothing where it has none that takes numbers alone.
IN_TORCH = {
    "power": "pow",
    "alias": "clone",
    **dict.fromkeys(
        ("cbrt", "cosine", "ratio", "power_less_one", "log_of_base", "logaddexp_weight", "where", "clip", "heaviside"), ""
    ),
}


def _sum_of_powers(x: Any) -> Any:
    return mp.log(sum(map(mp.exp, x)))


def _away(x: Any) -> list[Any]:
    return [one - sum(x) / len(x) for one in x]


def _length(x: Any) -> Any:
    return mp.sqrt(sum(one * one for one in x))


def _products(x: Any) -> list[Any]:
    return list(itertools.accumulate(x, lambda a, b: a * b))


def _middle(x: Any) -> Any:
    x = sorted(x)
    return (x[(len(x) - 1) // 2] + x[len(x) // 2]) / 2


# What ops do to a vector, on nodes and exactly.
VECTORS: dict[str, tuple[Callable[[Any], Any], Exact]] = {
    "sum": (np.sum, lambda x: [sum(x)]),
    "mean": (np.mean, lambda x: [sum(x) / len(x)]),
    "max": (np.max, lambda x: [max(x)]),
    "min": (np.min, lambda x: [min(x)]),
    "median": (np.median, lambda x: [_middle(x)]),
    "sort": (np.sort, sorted),
    "prod": (np.prod, lambda x: [_products(x)[-1]]),
    "cumprod": (np.cumprod, _products),
    "cumsum": (np.cumsum, lambda x: list(itertools.accumulate(x))),
    "var": (np.var, lambda x: [sum(one * one for one in _away(x)) / len(x)]),
    "std": (np.std, lambda x: [_length(_away(x)) / mp.sqrt(len(x))]),
    "norm": (np.linalg.norm, lambda x: [_length(x)]),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3), lambda x: [mp.cbrt(sum(abs(one) ** 3 for one in x))]),
    "direction": (tg.ops.direction, lambda x: [one / _length(x) for one in x]),
    "logsumexp": (tg.logsumexp, lambda x: [_sum_of_powers(x)]),
    "softmax": (tg.softmax, lambda x: [mp.exp(one - _sum_of_powers(x)) for one in x]),
    "log_softmax": (tg.log_softmax, lambda x: [one - _sum_of_powers(x) for one in x]),
    "softmax_cross_entropy": (lambda x: tg.softmax_cross_entropy(x, np.array(0)), lambda x: [_sum_of_powers(x) - x[0]]),
    "binary_cross_entropy_with_logits": (
        lambda x: tg.binary_cross_entropy_with_logits(x, np.arange(x.size) % 2, reduction="sum"),
        lambda x: [sum(mp.log(1 + mp.exp(z)) - i % 2 * z for i, z in enumerate(x))],
    ),
}
ROWS = [
    [1000.0, -1000.0, 3.0], [1e17, 1e17], [3e170, -4e170, 1e-170], [3e-170, -4e-170, 0.0], [-40.0, 0.5, 40.0], [0.0, 2.0, 0.0],
    [5.0], [-1e300, 1e300],
]  # fmt: skip

# Finite, whatever finite operands they are given, and silent about it.
PROMISED = {
    "sigmoid", "relu", "softplus", "tanh", "softmax", "log_softmax", "logsumexp", "softmax_cross_entropy",
    "binary_cross_entropy_with_logits",
}  # fmt: skip


def values(exact: Exact, at: Any) -> Any:
    """The exact result, or None where there is none that is real and finite."""
    try:
        found = exact(at)
    except (ZeroDivisionError, ValueError):
        return None
    return found if all(isinstance(x, mpf | int) and mp.isfinite(x) for x in found) else None


def derivative(exact: Exact, at: list[Any], k: int, weights: Any) -> float | None:
    """The exact derivative of the weighed results by entry k, or None where there is none."""
    step = STEP * (abs(at[k]) or 1)
    found = [values(exact, [*at[:k], at[k] + move, *at[k + 1 :]]) for move in (-step, 0, step)]
    if any(result is None for result in found):
        return None
    before, here, after = (sum(w * x for w, x in zip(weights, result, strict=True)) for result in found)
    if abs(after - before) > mpf(10) ** -40 * max(1, abs(here)):  # a jump
        return None
    left, right = (here - before) / step, (after - here) / step
    return None if abs(right - left) > 1e-6 * max(abs(left), abs(right)) else float((left + right) / 2)


def exact_gradient(exact: Exact, at: Any, weights: Any) -> list[float | None]:
    """The exact derivative by each entry."""
    with mpmath.workdps(DIGITS):
        return [derivative(exact, [mpf(float(x)) for x in at], k, weights) for k in range(len(at))]
