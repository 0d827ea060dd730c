"""L-BFGS in the coordinates of a sample reaches the same minimum, in few steps whatever the columns of X are."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import models.solvers
import models.whitening
from models import LinearRegression, LogisticRegression, SoftmaxRegression
from models.objective import Examples
from models.whitening import axes, is_worth_it, sample

TIGHT: dict[str, Any] = {"l2": 1e-5, "tol": 1e-7, "random_state": 0}


@pytest.fixture(autouse=True)
def _small_data_count_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (models.solvers, models.whitening):
        monkeypatch.setattr(module, "AUTO", 40_000)


def correlated(m: int = 6000) -> tuple[Any, Any]:
    """Columns of very different spread, and almost in one plane; labels 0, 1 and 2."""
    random = np.random.default_rng(0)
    X = random.normal(size=(m, 3)) @ np.array([[1.0, 0.0, 20.0], [0.0, 0.05, 20.0], [0.0, 0.0, 0.3]])
    return X, np.digitize(X[:, 0] + 20 * X[:, 1] + random.logistic(size=m), [0, 1])


@pytest.mark.parametrize("model", [LogisticRegression, LinearRegression, SoftmaxRegression])
def test_the_minimum_is_the_same_and_near(model: Any) -> None:
    X, y = correlated()
    y = np.minimum(y, 1) if model is LogisticRegression else y
    exact, slow, quick = (model(solver=solver, **TIGHT).fit(X, y) for solver in ("newton", "lbfgs", "auto"))
    assert quick.stop_reason_.startswith("gradient")
    assert quick.n_iter_ < slow.n_iter_ / 2
    np.testing.assert_allclose(quick.coef_, exact.coef_, rtol=1e-4, atol=1e-6)


def test_the_history_begins_at_the_start() -> None:
    X, y = correlated()
    first = [LogisticRegression(solver=solver, max_iter=2, **TIGHT).fit(X, np.minimum(y, 1)) for solver in ("lbfgs", "auto")]
    assert first[0].history_["loss"][0] == first[1].history_["loss"][0]
    assert [len(model.history_["loss"]) for model in first] == [3, 3]


def test_columns_that_depend_on_each_other() -> None:
    X, y = correlated()
    rows = np.column_stack([X, X[:, 0], np.zeros(len(X))])
    quick = LogisticRegression(solver="auto", tol=1e-7).fit(rows, np.minimum(y, 1))
    alone = LogisticRegression(solver="newton", tol=1e-7).fit(X, np.minimum(y, 1))
    assert quick.stop_reason_.startswith("gradient")
    np.testing.assert_allclose(quick.predict_proba(rows), alone.predict_proba(X), atol=1e-4)


def test_a_sample_that_can_be_separated_does_not_lead_astray() -> None:
    X, y = correlated()
    apart = np.minimum(y, 1)
    picked = np.unique(np.random.default_rng(0).integers(len(y), size=40_000 // 16))
    X[picked] = np.where(apart[picked, np.newaxis] == 1, 1.0, -1.0) * np.abs(X[picked])  # these alone have no finite minimum
    quick, slow = (LogisticRegression(solver=solver, max_iter=5000, **TIGHT).fit(X, apart) for solver in ("auto", "newton"))
    np.testing.assert_allclose(quick.history_["loss"][-1], slow.history_["loss"][-1], rtol=1e-9)


def test_axes_have_the_second_derivative_1() -> None:
    root = np.random.default_rng(0).normal(size=(4, 4))
    hessian = root @ root.T
    np.testing.assert_allclose(axes(hessian).T @ hessian @ axes(hessian), np.eye(4), atol=1e-10)
    assert np.isfinite(axes(np.ones((3, 3)))).all()  # flat in two directions


@pytest.mark.parametrize(
    ("hessian", "expected"),
    [(np.eye(3), False), (np.diag([1.0, 31.0]), True), (np.ones((2, 2)), True), (np.full((2, 2), np.nan), False)],
)
def test_other_coordinates_are_for_ill_conditioned_losses(hessian: Any, expected: bool) -> None:
    assert is_worth_it(hessian) is expected


def test_a_sample_is_as_large_as_newtons_method_is_quick_for() -> None:
    X, y = correlated()
    data = Examples(X, y, np.linspace(0, 2, len(y)))
    few = sample(data, 4)
    assert few is not None
    assert few.X.shape == (2500, 3)
    assert np.mean(few.weights) == pytest.approx(1)
    assert sample(data, 20) is None  # 100 examples are too few for 20 parameters
    assert sample(data.rows(slice(2000)), 4) is None  # Newton's method is quick for all
    assert sample(data._replace(X=sparse.csr_array(X)), 4) is None
