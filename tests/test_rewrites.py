"""Each rewrite of a compiled step keeps the value, to rounding, and is applied where its table says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygraph as tg
from tests.compiled import assert_same
from tinygraph.compiler import hoisting
from tinygraph.compiler.rewrites import ALL

Build = Callable[[Any, Any, Any], Any]

# Of a matrix X of shape (4, 3), a vector y of 4 and a vector w of 3, an expression that a rewrite applies to, by its name.
APPLIES: dict[str, Build] = {
    "the value itself": lambda X, y, w: tg.stop_gradient(w) * w,
    "no cast to its own dtype": lambda X, y, w: w.astype(float) * 2,
    "a mean is a sum over a count": lambda X, y, w: np.mean(X * w, axis=1),
    "a number of entries is a sum": lambda X, y, w: w * np.count_nonzero(X > 0) + np.count_nonzero(X, axis=0, keepdims=True),
    "a variance is a mean of squares": lambda X, y, w: np.var(X * w, axis=0, ddof=1),
    "labels are rows with a 1": lambda X, y, w: tg.softmax_cross_entropy(X * w, (y > 0).astype(int)),
    "broadcasting is undone by a sum": lambda X, y, w: np.sum(tg.ops.sum_like(X, w)) * tg.ops.sum_like(X, y[:, None]),
    "new axes of size 1": lambda X, y, w: tg.ops.reshape_like(y[:, None], y) * 3,
    "a factor of 1": lambda X, y, w: 1 * (w * 1.0),
    "a divisor of 1": lambda X, y, w: w / 1,
    "a power of 1": lambda X, y, w: w**1 * 2,
    "a square": lambda X, y, w: w**2,
    "a sign in a sum": lambda X, y, w: -w + w * w,
    "a sign in a difference": lambda X, y, w: w * w - -w,
    "no transpose before a vector": lambda X, y, w: X.T @ y,
    "minus an absolute value": lambda X, y, w: -np.abs(w),
    "the numerator of a sigmoid": lambda X, y, w: tg.sigmoid(X @ w),
    "a maximum beside what is NaN too": lambda X, y, w: np.maximum(y, 0) - (X @ w) * y,
    "no broadcast before an op that broadcasts": lambda X, y, w: tg.ops.broadcast_like(w, X) * X - tg.ops.broadcast_like(w[0], X),
    hoisting.NAME: lambda X, y, w: (-(2.0 * y) / (np.sum(X * X) + 1)) @ X,
}  # fmt: skip


def test_the_table_has_all() -> None:
    assert APPLIES.keys() == {*ALL, hoisting.NAME}


ENTRIES = st.floats(-1e3, 1e3) | st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf])


@pytest.mark.parametrize("name", APPLIES)
@given(arrays(float, 4 * 3 + 4 + 3, elements=ENTRIES))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_keeps_the_value(name: str, numbers: Any) -> None:
    X, y, w = np.ones((4, 3)), np.ones(4), np.ones(3)
    leaves = {"X": tg.constant(X), "y": tg.constant(y), "w": tg.parameter(w)}
    step = tg.Graph(APPLIES[name](**leaves), names=leaves).compile(wrt=[])
    assert name in [x.name for x in step.plan.rewrites]
    values = {"X": numbers[:12].reshape(4, 3), "y": numbers[12:16], "w": numbers[16:]}
    with np.errstate(all="ignore"):
        found, _ = step(**{name: x for name, x in values.items() if name in step.plan.arguments})
        expected = APPLIES[name](**{name: tg.constant(x) for name, x in values.items()}).value
    finite = all(np.isfinite(x).all() for x in values.values())
    if finite:
        assert_same(found, expected)
    else:  # where a sum of infinities is written otherwise, NaN stays NaN
        assert_same(np.isnan(found) | np.isinf(found), np.isnan(expected) | np.isinf(expected))


def test_a_sign_of_an_unsigned_number_wraps_around() -> None:
    y = tg.constant(np.array([1, 2, 3], np.uint8))
    for expression in (np.sum(1.5 + -y), np.sum(1.5 - -y)):
        step = tg.Graph(expression, names={"y": y}).compile(wrt=[])
        assert step(y=y.value)[0] == expression.value


# Losses whose gradient is near the limits of floats, with the entries of X and y that bring it there.
LIMITS: dict[str, tuple[Build, Callable[[Any], float]]] = {
    "too large before the division": (lambda X, y, w: np.mean(X @ w * np.sign(y)), lambda info: info.max / 10),
    "too small before the product": (lambda X, y, w: np.sum(X @ w * y * (1 / y.value[0])), lambda info: info.tiny**0.6),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", LIMITS)
def test_a_factor_is_applied_where_it_was_recorded(case: str, dtype: Any) -> None:
    """Elsewhere a finite gradient could be infinite, and a normal one 0."""
    loss, entry = LIMITS[case]
    values = {"X": np.full((1000, 2), entry(np.finfo(dtype)), dtype), "y": np.full(1000, entry(np.finfo(dtype)), dtype)}
    leaves = {"w": tg.parameter(np.full(2, 1e-4, dtype))} | {name: tg.constant(x) for name, x in values.items()}
    graph = tg.Graph(loss(**leaves), names=leaves)
    step = graph.compile()
    _, gradients = step(**{name: leaves[name].value for name in step.plan.arguments})
    np.testing.assert_allclose(gradients["w"], graph.backprop()["w"].value, rtol=1e-3)


def test_a_factor_that_depends_on_all_rows_is_behind_their_sum() -> None:
    """So one pass over the rows is enough."""
    rng = np.random.default_rng(0)
    leaves = {"X": tg.constant(rng.normal(size=(50, 3))), "y": tg.constant(rng.normal(size=50)), "w": tg.parameter(np.ones(3))}
    X, y, w = leaves.values()
    graph = tg.Graph(np.sqrt(np.mean((X @ w - y) ** 2)), names=leaves)
    step = graph.compile(strategy="rows")
    _, gradients = step(**{name: x.value for name, x in leaves.items()})
    assert_same(gradients["w"], graph.backprop()["w"].value)
