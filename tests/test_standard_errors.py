"""Standard errors are those of the statisticians' programs, and are refused where they would be of other examples."""

import pickle
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.exceptions import ConvergenceWarning

from models import LinearRegression, LogisticRegression

TIGHT: dict[str, Any] = {"solver": "newton-cg", "tol": 1e-10}


@pytest.fixture(scope="module")
def spector() -> tuple[Any, Any]:
    data = sm.datasets.spector.load_pandas()
    return data.exog, data.endog.astype(int)


def together(tree: dict[str, Any]) -> Any:
    return np.append(tree["w"], tree.get("b", []))


def linear(m: int = 80) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    X = random.normal(size=(m, 3))
    return X, X @ [1.0, -2.0, 0.5] + 3 + random.normal(size=m)


def test_logistic_regression_is_statsmodels_logit(spector: Any) -> None:
    X, y = spector
    model = LogisticRegression(**TIGHT).fit(X, y)
    other = sm.Logit(y, sm.add_constant(X, prepend=False)).fit(disp=False, tol=1e-12)
    np.testing.assert_allclose(together(model.parameters_), other.params, rtol=1e-6)
    np.testing.assert_allclose(together(model.standard_errors_), other.bse, rtol=1e-6)
    summary = model.summary()
    assert summary.index.tolist() == ["GPA", "TUCE", "PSI", "intercept"]
    np.testing.assert_allclose(summary["z"], other.tvalues, rtol=1e-6)
    np.testing.assert_allclose(summary["odds ratio"], np.exp(other.params), rtol=1e-6)


def test_linear_regression_is_ordinary_least_squares() -> None:
    X, y = linear()
    for intercept, columns in ((True, sm.add_constant(X, prepend=False)), (False, X)):
        model = LinearRegression(fit_intercept=intercept, **TIGHT).fit(X, y)
        other = sm.OLS(y, columns).fit()
        np.testing.assert_allclose(
            np.append(model.standard_errors_["w"], model.standard_errors_.get("b", [])), other.bse, rtol=1e-8
        )
        assert model.summary().columns.tolist() == ["coefficient", "standard error", "z"]


def test_weights_count_as_repetitions() -> None:
    X, y = linear()
    y = (y > 3).astype(int)
    counts = np.random.default_rng(1).integers(1, 4, size=80)
    weighted = LogisticRegression(**TIGHT).fit(X, y, sample_weight=counts)
    repeated = LogisticRegression(**TIGHT).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(together(weighted.standard_errors_), together(repeated.standard_errors_), rtol=1e-6)


def test_a_penalty_narrows_them_as_a_prior_does() -> None:
    X, y = linear()
    y = (y > 3).astype(int)
    l2, m = 0.1, len(y)
    model = LogisticRegression(l2=l2, **TIGHT).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    columns = np.column_stack([X, np.ones(m)])
    information = columns.T @ (columns * (p * (1 - p))[:, np.newaxis]) + m * l2 * np.diag([1, 1, 1, 0])
    np.testing.assert_allclose(together(model.standard_errors_), np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-8)


def test_noise_is_estimated_from_the_errors_without_the_penalty() -> None:
    X, y = linear()
    l2, m = 1.0, len(y)
    model = LinearRegression(l2=l2, **TIGHT).fit(X, y)
    columns = np.column_stack([X, np.ones(m)])
    variance = np.sum((model.predict(X) - y) ** 2) / (m - 4)
    posterior = variance * np.linalg.inv(columns.T @ columns + m * l2 / 2 * np.diag([1, 1, 1, 0]))
    np.testing.assert_allclose(together(model.standard_errors_), np.sqrt(np.diag(posterior)), rtol=1e-6)


def test_columns_of_other_units_are_not_dependent() -> None:
    X, y = linear()
    y = (y > 3).astype(int)
    units = np.array([1e3, 1.0, 1e-3])
    model = LogisticRegression(solver="newton-cg", tol=1e-12, max_iter=5000).fit(X * units, y)
    other = LogisticRegression(**TIGHT).fit(X, y)
    np.testing.assert_allclose(model.standard_errors_["w"] * units, other.standard_errors_["w"], rtol=1e-3)


def test_a_setting_changed_after_the_fit_does_not_matter() -> None:
    X, y = linear()
    model = LinearRegression(**TIGHT).fit(X, y)
    before = together(model.standard_errors_)
    np.testing.assert_array_equal(together(model.set_params(l2=0.2).standard_errors_), before)


def test_the_examples_are_not_pickled_with_the_model() -> None:
    X, y = linear()
    model = LinearRegression(**TIGHT).fit(X, y)
    assert np.isfinite(model.standard_errors_["w"]).all()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(AttributeError, match="neither saved nor pickled: fit again"):
        again.standard_errors_  # noqa: B018  # reading it is what is tested
    assert not hasattr(again, "standard_errors_")


def test_examples_that_were_changed_have_no_standard_errors() -> None:
    X, y = linear()
    model = LinearRegression(**TIGHT).fit(X, y)
    X[0, 0] += 1
    with pytest.raises(ValueError, match="the examples were changed after the fit"):
        model.summary()


def test_without_an_optimum_there_are_none() -> None:
    with pytest.warns(ConvergenceWarning, match="no finite optimum"):
        model = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="there is no optimum"):
        model.summary()


def test_before_an_optimum_a_warning_says_so() -> None:
    X, y = linear()
    model = LinearRegression(solver="gd", max_iter=3).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="the parameters are not at an optimum"):
        assert np.isfinite(model.standard_errors_["w"]).all()


def test_more_parameters_than_examples() -> None:
    X, y = linear(4)
    with pytest.raises(ValueError, match="standard errors of 4 parameters need more than 4 examples, and there are 4"):
        LinearRegression(l2=0.1).fit(X, y).summary()


def test_columns_that_depend_on_each_other() -> None:
    X, y = linear()
    model = LinearRegression(**TIGHT).fit(np.column_stack([X, X[:, 0]]), y)
    with pytest.raises(ValueError, match="columns of X depend on each other: leave some out, or set l2 above 0"):
        model.summary()
