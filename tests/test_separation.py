"""Separable data are recognised as such exactly: no sample of rows, no order and no scale changes the answer."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from models import SoftmaxRegression, separation
from models.separation import separable


def scores(z: Any) -> Any:
    return np.stack([np.zeros(len(z)), z], axis=1)


def separable_in_the_plane(points: list[tuple[int, int]], labels: list[int]) -> bool:
    """Whether an exact direction (a, b, c) leaves every signed margin at 0 or above and one above 0, by trying all edges."""
    rows = [(s * x, s * y, s) for (x, y), label in zip(points, labels, strict=True) for s in (2 * label - 1,)]
    candidates = [cross(p, q) for p, q in combinations({*rows, (1, 0, 0), (0, 1, 0), (0, 0, 1)}, 2)]
    for direction in candidates:
        for sign in (1, -1):
            margins = [Fraction(sign) * sum(d * r for d, r in zip(direction, row, strict=True)) for row in rows]
            if min(margins) >= 0 and max(margins) > 0:
                return True
    return False


def cross(p: tuple[int, int, int], q: tuple[int, int, int]) -> tuple[int, int, int]:
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 1)), min_size=2, max_size=10),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_agrees_with_exact_arithmetic_on_points_of_a_grid(examples: list[tuple[int, int, int]], at_once: int, seed: int) -> None:
    points, labels = [(x, y) for x, y, _ in examples], [label for _, _, label in examples]
    X, z = np.array(points, dtype=float), np.random.default_rng(seed).normal(size=len(points))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separation, "AT_ONCE", at_once)  # so that few rows are in the first program
        assert separable(X, np.array(labels), scores(z), True) == separable_in_the_plane(points, labels)


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 1)), min_size=2, max_size=10), st.floats(0.01, 30)
)
def test_a_proof_of_overlap_is_never_wrong(examples: list[tuple[int, int, int]], size: float) -> None:
    points, labels = [(x, y) for x, y, _ in examples], [label for _, _, label in examples]
    X, z = np.array(points, dtype=float), size * np.random.default_rng(len(examples)).normal(size=len(points))
    if separation._proves_overlap(X, np.array(labels), scores(z), True):
        assert not separable_in_the_plane(points, labels)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("classes", [2, 3])
def test_an_optimum_proves_overlap_without_the_linear_program(classes: int, form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 4))
    labels = np.argmax(X @ random.normal(size=(4, classes)) + random.gumbel(size=(300, classes)), axis=1)
    monkeypatch.setattr(separation, "linprog", None)
    model = SoftmaxRegression().fit(form(X), labels)
    assert model.stop_reason_.startswith("gradient")


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_a_column_does_not_matter(scale: float) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3))
    apart = (X @ [1.0, -1.0, 0.5] > 0.2).astype(int)
    mixed = np.where(random.uniform(size=200) < 0.1, 1 - apart, apart)
    scaled = X * [scale, 1.0, 1.0]
    z = X @ [1.0, -1.0, 0.5]
    assert separable(scaled, apart, scores(z), True)
    assert not separable(scaled, mixed, scores(z), True)


def test_an_intercept_can_make_the_difference() -> None:
    X, labels = np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1])
    z = X[:, 0] - 1.5
    assert separable(X, labels, scores(z), True)
    assert not separable(X, labels, scores(z), False)


def test_three_classes_of_which_one_can_be_separated() -> None:
    X, labels = np.array([[-2.0], [-1.0], [1.0], [2.0], [2.0], [1.0]]), np.array([0, 0, 1, 2, 1, 2])
    Z = np.hstack([-X, X, X])
    assert separable(X, labels, Z, True)
    mixed = np.array([0, 1, 1, 2, 0, 2])
    assert not separable(np.array([[-2.0], [-1.0], [1.0], [-2.0], [2.0], [2.0]]), mixed, Z, True)


def test_a_few_rows_decide_on_many() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(50_000, 5))
    w = random.normal(size=5)
    apart = (X @ w > 0).astype(int)
    assert separable(X, apart, scores(X @ w + random.normal(size=50_000) / 10), True)
    apart[np.argmax(X @ w)] = 0  # one example that no plane can put right
    assert not separable(X, apart, scores(X @ w), True)


def test_an_example_far_away_does_not_hide_the_others() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-0.5, 0.5, 40)
    labels = (x + random.normal(size=40) / 2 > 0).astype(int)
    X = np.append(x, 1e9)[:, np.newaxis]
    assert not separable(X, np.append(labels, 1), scores(X[:, 0]), True)


@pytest.mark.parametrize("far", [0.0, 1e7, -1e9])
def test_columns_far_from_0(far: float) -> None:
    X = far + np.arange(20.0)[:, np.newaxis]
    assert separable(X, (np.arange(20) > 9).astype(int), scores(np.arange(20) - 9.5), True)
    assert not separable(X, np.arange(20) % 2, scores(np.arange(20) - 9.5), True)
