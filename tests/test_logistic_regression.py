"""The model is a scikit-learn classifier, reaches the optimum where there is one, and its command trains on real data."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from models.logistic_regression import LogisticRegression, main, walk


def overlapping(m: int = 200) -> tuple[Any, Any]:
    """Data that no line separates, so that an optimum exists."""
    random = np.random.default_rng(0)
    X = random.normal(size=(m, 3))
    return X, (X @ [1.0, -1.0, 0.5] + random.logistic(size=m) > 0).astype(int)


def test_reaches_the_optimum_that_scipy_finds() -> None:
    X, y = overlapping()
    model = LogisticRegression(tol=1e-7, max_iter=20_000, random_state=1).fit(X, y)
    sign = 2 * y - 1

    def loss(theta: Any) -> float:
        return float(np.mean(np.logaddexp(0, -sign * (X @ theta[:3] + theta[3]))))

    best = minimize(loss, np.zeros(4), tol=1e-14)
    np.testing.assert_allclose([*model.coef_[0], *model.intercept_], best.x, atol=1e-4)
    assert model.loss_curve_[-1] == pytest.approx(best.fun, abs=1e-10)
    assert "within tol=1e-07" in model.stop_reason_


def test_the_same_seed_gives_the_same_model() -> None:
    X, y = overlapping()
    first, second, other = (LogisticRegression(max_iter=5, random_state=seed).fit(X, y) for seed in (3, 3, 4))
    assert first.coef_.tolist() == second.coef_.tolist() != other.coef_.tolist()


def test_says_why_it_stopped_and_counts_updates() -> None:
    X, y = overlapping()
    model = LogisticRegression(max_iter=7).fit(X, y)
    assert (model.stop_reason_, model.n_iter_, len(model.loss_curve_)) == ("reached max_iter=7", 7, 8)
    assert model.loss_curve_ == sorted(model.loss_curve_, reverse=True)


def test_probabilities_and_labels() -> None:
    X, y = overlapping()
    names = np.array(["benign", "malignant"])[y]
    model = LogisticRegression(max_iter=200).fit(X, names)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (model.predict(X) == model.classes_[p.argmax(axis=1)]).all()
    assert model.score(X, names) > 0.7


def test_float32_data_is_fitted_in_float32() -> None:
    X, y = overlapping()
    assert LogisticRegression(max_iter=2).fit(X.astype(np.float32), y).coef_.dtype == np.float32


@pytest.mark.parametrize(
    ("X", "y", "settings", "message"),
    [
        (np.ones((3, 2)), [0, 1], {}, "inconsistent numbers of samples"),
        (np.ones((3, 2)), [1, 1, 1], {}, "hold 1 class, and logistic regression needs 2"),
        (np.ones((3, 2)), [0, 1, 2], {}, "hold 3 classes"),
        ([[np.nan, 1.0], [1.0, 2.0]], [0, 1], {}, "contains NaN"),
        (np.ones((2, 2)), [0, 1], {"learning_rate": 0}, "learning_rate=0 must be a finite number above 0"),
        (np.ones((2, 2)), [0, 1], {"max_iter": 1.5}, "max_iter=1.5 must be a whole number"),
        (np.ones((2, 2)), [0, 1], {"tol": np.nan}, "tol=nan must be"),
    ],
)
def test_bad_input(X: Any, y: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**settings).fit(X, y)


def test_a_loss_that_overflows_is_told() -> None:
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ValueError, match="lower learning_rate"):
        LogisticRegression(learning_rate=1e300).fit([[1e10], [-1e10], [1e10]], [0, 1, 1])


def test_an_interrupt_keeps_the_weights_of_one_update(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = overlapping()
    model = LogisticRegression(max_iter=50, random_state=0)
    steps = model._descent(X, y.astype(float))

    def interrupted(*_: Any) -> Any:
        for _ in range(6):
            yield next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "_descent", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    whole = LogisticRegression(max_iter=5, random_state=0).fit(X, y)
    assert (model.stop_reason_, model.n_iter_) == ("interrupted", 5)
    np.testing.assert_array_equal(np.append(model.coef_, model.intercept_), np.append(whole.coef_, whole.intercept_))


def test_scikit_learns_own_checks() -> None:
    results = check_estimator(LogisticRegression(), on_fail=None, on_skip=None)
    told = {
        result["status"]: {other["check_name"] for other in results if other["status"] == result["status"]} for result in results
    }
    assert told.pop("passed")
    # Not for this estimator (array API), and only where pandas is installed.
    assert told.pop("skipped", set()) <= {"check_array_api_input", "check_classifier_data_not_an_array"}
    assert not told


def test_mean_accuracy_over_ten_splits_of_breast_cancer() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    scores = [
        make_pipeline(StandardScaler(), LogisticRegression(random_state=0)).fit(X[i], y[i]).score(X[j], y[j])
        for i, j in StratifiedShuffleSplit(10, random_state=0).split(X, y)
    ]
    assert np.mean(scores) >= 0.96


def test_the_walk_shows_the_gradient_of_one_example() -> None:
    X, y = overlapping()
    model = LogisticRegression(max_iter=50).fit(X, y)
    graph, largest = walk(model, X[0], y[0])
    a = model.predict_proba(X[:1])[0, 1]
    np.testing.assert_allclose(graph["dw"].value, (a - y[0]) * X[0], rtol=1e-10)
    np.testing.assert_allclose(graph["db"].value, a - y[0], rtol=1e-10)
    assert largest == np.argmax(np.abs(X[0]))


def test_the_command_trains_reports_and_walks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["--splits", "3", "--out", str(tmp_path / "new")])
    printed = capsys.readouterr()
    assert "gradient descent: 100%" in printed.err
    for line in (
        r"426 training and 143 test examples, 30 features",
        r"stopped after \d+ updates: reached max_iter=1000",
        r"training: loss 0\.\d+, accuracy 0\.9\d+",
        r"test: loss 0\.\d+, accuracy 0\.9\d+",
        r"over 3 stratified splits: mean 0\.9\d+",
        r"z = x @ w \+ b",
        r"dw = dz \* x +=.*\[\d+\], the largest of 30: ",
    ):
        assert re.search(line, printed.out), line
    files = [tmp_path / "new" / name for name in ("model.svg", "example.svg", "example.html", "walk.html")]
    assert all(path.stat().st_size > 5000 for path in files)
    assert printed.out.splitlines()[-1].endswith(", ".join(map(str, files)))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--learning-rate", "0"], "--learning-rate 0.0 must be above 0"),
        (["--learning-rate", "nan"], "--learning-rate nan must be above 0, and finite"),
        (["--splits", "0"], "--splits 0 must be at least 1"),
        (["--max-iter", "0"], "--max-iter 0 must be at least 1"),
        (["--tol", "-1"], "--tol -1.0 must be at least 0"),
        (["--seed", "-1"], "--seed -1 must be at least 0"),
    ],
)
def test_the_command_refuses_numbers_that_make_no_sense(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(typed)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("1e9", "the model is too sure of this example to take logarithms: lower --learning-rate"),
        ("1e308", "lower learning_rate"),
    ],
)
def test_the_command_fails_where_the_numbers_leave_what_floats_hold(rate: str, said: str, tmp_path: Path) -> None:
    with np.errstate(all="ignore"), pytest.raises(SystemExit, match=said):
        main(["--learning-rate", rate, "--splits", "1", "--max-iter", "200", "--out", str(tmp_path)])
