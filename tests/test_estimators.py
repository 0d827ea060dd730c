"""The models are estimators of scikit-learn that reach its optima, take any table, and show their graph."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.linear_model
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import tinygraph as tg
from models import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, SoftmaxRegression

TIGHT: dict[str, Any] = {"solver": "newton-cg", "tol": 1e-11}
ESTIMATORS = [
    LinearRegression(),
    LogisticRegression(),
    SoftmaxRegression(),
    SoftmaxRegression(multi="ovr"),
    MLPClassifier(max_iter=60),  # which is enough for the scores that the checks expect
    MLPRegressor(max_iter=60),
]
# scikit-learn skips this one for its own LogisticRegression too: it needs SCIPY_ARRAY_API.
SKIPPED_BY_ITS_OWN = {"check_array_api_input"}
XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


CHECKS = [
    pytest.param(estimator, check, id=f"{estimator}-{check.func.__name__}")
    for model in ESTIMATORS
    for estimator, check in estimator_checks_generator(model)
    if check.func.__name__ not in SKIPPED_BY_ITS_OWN
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # its tiny data are separable
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def standardised(load: Any) -> tuple[Any, Any]:
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def overlapping(m: int = 300, classes: int = 2) -> tuple[Any, Any]:
    """Data whose classes no plane separates."""
    random = np.random.default_rng(0)
    X = random.normal(size=(m, 3))
    return X, np.argmax(X @ random.normal(size=(3, classes)) + random.gumbel(size=(m, classes)), axis=1)


def centred(values: Any) -> Any:
    """What softmax leaves open taken out: the mean over the classes."""
    return values - np.mean(values, axis=0)


class TestOptimum:
    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
    def test_logistic_with_a_penalty_is_scikit_learns(self, form: Any) -> None:
        X, y = standardised(load_breast_cancer)
        l2 = 1e-2
        own = LogisticRegression(l2=l2, **TIGHT).fit(form(X), y)
        other = sklearn.linear_model.LogisticRegression(C=1 / (l2 * len(y)), solver="newton-cholesky", tol=1e-12).fit(X, y)
        np.testing.assert_allclose(own.coef_, other.coef_, atol=1e-5)
        np.testing.assert_allclose(own.intercept_, other.intercept_, atol=1e-5)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("load", [load_iris, load_digits])
    def test_softmax_with_a_penalty_is_scikit_learns(self, load: Any, form: Any) -> None:
        X, y = standardised(load)
        l2 = 1e-2
        own = SoftmaxRegression(l2=l2, **TIGHT).fit(form(X), y)
        other = sklearn.linear_model.LogisticRegression(C=1 / (l2 * len(y)), solver="newton-cg", tol=1e-10, max_iter=1000).fit(
            X, y
        )
        np.testing.assert_allclose(own.coef_, other.coef_, atol=1e-5)
        np.testing.assert_allclose(centred(own.intercept_), centred(other.intercept_), atol=1e-5)

    def test_without_a_penalty(self) -> None:
        X, y = overlapping()
        own = LogisticRegression(solver="newton-cg", tol=1e-7).fit(X, y)
        other = sklearn.linear_model.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(X, y)
        np.testing.assert_allclose(own.coef_, other.coef_, atol=1e-5)
        np.testing.assert_allclose(own.intercept_, other.intercept_, atol=1e-5)
        assert own.stop_reason_.startswith("gradient")

    def test_k_sigmoids_are_k_logistic_regressions(self) -> None:
        X, y = overlapping(classes=3)
        own = SoftmaxRegression(multi="ovr", l2=1e-2, **TIGHT).fit(X, y)
        for k in range(3):
            one = LogisticRegression(l2=1e-2, **TIGHT).fit(X, y == k)
            np.testing.assert_allclose(own.coef_[k], one.coef_[0], atol=1e-8)

    def test_softmax_of_two_classes_is_logistic_regression(self) -> None:
        X, y = overlapping()
        two = SoftmaxRegression(**TIGHT).fit(X, y)
        one = LogisticRegression(**TIGHT).fit(X, y)
        np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-8)
        np.testing.assert_allclose(two.coef_[1] - two.coef_[0], one.coef_[0], atol=1e-6)

    # The others compare losses, whose last digit hides what a step changes before the parameters have theirs.
    @pytest.mark.parametrize(("solver", "rtol"), [("newton-cg", 1e-8), ("newton", 1e-9), ("lbfgs", 1e-5), ("cg", 1e-5)])
    def test_linear_regression_is_least_squares(self, solver: str, rtol: float) -> None:
        X, y = standardised(load_diabetes)
        own = LinearRegression(solver=solver, tol=1e-9, max_iter=5000).fit(X, y)
        best = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
        np.testing.assert_allclose([*own.coef_, own.intercept_], best, rtol=rtol)

    def test_l2_is_that_of_ridge_regression(self) -> None:
        X, y = standardised(load_diabetes)
        own = LinearRegression(l2=0.1, **TIGHT).fit(X, y)
        np.testing.assert_allclose(own.coef_, sklearn.linear_model.Ridge(alpha=0.05 * len(y)).fit(X, y).coef_, rtol=1e-8)

    def test_weights_count_as_repetitions(self) -> None:
        X, y = overlapping(60)
        counts = np.random.default_rng(1).integers(0, 4, size=60)
        weighted = LogisticRegression(l2=0.1, **TIGHT).fit(X, y, sample_weight=counts)
        repeated = LogisticRegression(l2=0.1, **TIGHT).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)

    def test_class_weights_multiply_those_of_the_examples(self) -> None:
        X, y = overlapping(60)
        own = LogisticRegression(l2=0.1, class_weight={0: 1, 1: 3}, **TIGHT).fit(X, y)
        same = LogisticRegression(l2=0.1, **TIGHT).fit(X, y, sample_weight=np.where(y == 1, 3, 1))
        np.testing.assert_allclose(own.coef_, same.coef_, atol=1e-9)

    def test_without_an_intercept(self) -> None:
        X, y = overlapping()
        own = LogisticRegression(fit_intercept=False, l2=0.01, **TIGHT).fit(X, y)
        other = sklearn.linear_model.LogisticRegression(fit_intercept=False, C=1 / (0.01 * len(y)), tol=1e-10).fit(X, y)
        np.testing.assert_allclose(own.coef_, other.coef_, atol=1e-5)
        assert own.intercept_.tolist() == [0]
        assert list(own.parameters_) == ["w"]

    def test_float32_stays_float32(self) -> None:
        X, y = overlapping()
        for solver in ("lbfgs", "gd", "adam"):
            model = LogisticRegression(l2=0.01, solver=solver, max_iter=20).fit(X.astype(np.float32), y)
            assert model.coef_.dtype == model.predict_proba(X.astype(np.float32)).dtype == np.float32


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # the classes can be separated
class TestSeparableData:
    @pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton", "gd"])
    def test_there_is_no_finite_optimum(self, solver: str) -> None:
        X, y = load_iris(return_X_y=True)
        model = LogisticRegression(solver=solver, max_iter=200).fit(X[:100], y[:100])
        assert model.stop_reason_.startswith("no finite optimum")

    @pytest.mark.parametrize("multi", ["softmax", "ovr"])
    def test_one_class_apart_from_two_that_overlap_is_enough(self, multi: str) -> None:
        X, y = load_iris(return_X_y=True)
        assert SoftmaxRegression(multi=multi, max_iter=100).fit(X, y).stop_reason_.startswith("no finite optimum")

    def test_a_penalty_makes_it_finite(self) -> None:
        X, y = load_iris(return_X_y=True)
        assert LogisticRegression(l2=1e-3).fit(X[:100], y[:100]).stop_reason_.startswith("gradient")

    def test_examples_of_weight_0_do_not_overlap(self) -> None:
        X, y, weights = np.array([[-1.0], [1.0], [-2.0]]), np.array([0, 1, 1]), np.array([1.0, 1.0, 0.0])
        assert LogisticRegression().fit(X, y, weights).stop_reason_.startswith("no finite optimum")

    def test_a_warning_says_so_at_the_line_of_the_user(self) -> None:
        with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="no finite optimum.*Set l2 above 0") as caught:
            LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
        assert caught[0].filename == __file__


class TestXor:
    def test_a_line_gets_three_points_at_most(self) -> None:
        assert LogisticRegression(l2=1e-3).fit(*XOR).score(*XOR) <= 0.75

    def test_eight_units_learn_it_from_every_start(self) -> None:
        scores = [MLPClassifier(hidden_layer_sizes=(8,), random_state=seed).fit(*XOR).score(*XOR) for seed in range(20)]
        assert scores == [1.0] * 20

    def test_two_units_fail_from_some_starts_and_restarts_cure_it(self) -> None:
        def learns(seed: int, restarts: int) -> bool:
            model = MLPClassifier(hidden_layer_sizes=(2,), restarts=restarts, random_state=seed)
            return bool(model.fit(*XOR).score(*XOR) == 1)

        failed = [seed for seed in range(20) if not learns(seed, 1)]
        assert 3 <= len(failed) < 20
        assert all(learns(seed, 10) for seed in failed[:3])

    def test_zero_weights_do_not_learn(self) -> None:
        X, y = overlapping()
        for solver in ("lbfgs", "adam"):
            zeros = MLPClassifier(init_scale=0, solver=solver, max_iter=200, random_state=0).fit(X, y)
            assert not np.any(zeros.parameters_["layer1"]["W"])
            assert np.ptp(zeros.predict_proba(X), axis=0).max() == 0  # the same answer to everything
            assert MLPClassifier(solver=solver, max_iter=200, random_state=0).fit(X, y).score(X, y) > zeros.score(X, y) + 0.1


class TestData:
    def test_data_frames_keep_their_names(self) -> None:
        X, y = overlapping()
        names = ["height", "weight", "age"]
        for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
            model = LogisticRegression(l2=0.01).fit(frame, y)
            assert model.feature_names_in_.tolist() == names
            plain = LogisticRegression(l2=0.01).fit(X, y)
            np.testing.assert_array_equal(model.predict(frame), plain.predict(X))
            with pytest.raises(ValueError, match="feature names should match"):
                model.predict(frame[["weight", "height", "age"]])

    @pytest.mark.parametrize("series", [pd.Series, pl.Series])
    def test_labels_may_be_a_series(self, series: Any) -> None:
        X, y = overlapping()
        words = np.array(["no", "yes"])[y]
        assert LogisticRegression(l2=0.01).fit(X, series(words.tolist())).classes_.tolist() == ["no", "yes"]

    def test_one_hot_labels(self) -> None:
        X, y = overlapping(classes=3)
        for model in (SoftmaxRegression(l2=0.01, random_state=0), MLPClassifier(max_iter=5, random_state=0)):
            fitted = clone(model).fit(X, np.eye(3)[y])
            np.testing.assert_array_equal(fitted.predict(X), clone(model).fit(X, y).predict(X))
            assert fitted.score(X, np.eye(3)[y]) == fitted.score(X, y)
            assert clone(model).fit(X, np.eye(5)[y]).classes_.tolist() == [0, 1, 2, 3, 4]  # two of which have no example

    @pytest.mark.parametrize("model", ESTIMATORS, ids=str)
    def test_sparse_data_give_the_model_of_dense_data(self, model: Any) -> None:
        X, y = overlapping()
        X = np.where(np.abs(X) < 0.7, 0, X)
        model = clone(model).set_params(l2=0.01, max_iter=20, random_state=0)
        dense = clone(model).fit(X, y)
        for form in (sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
            thin = clone(model).fit(form(X), y)
            np.testing.assert_allclose(thin.predict(form(X)), dense.predict(X), atol=1e-6)

    def test_memory_maps(self, tmp_path: Any) -> None:
        X, y = overlapping()
        np.save(tmp_path / "X.npy", X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        settings: dict[str, Any] = {"l2": 0.01, "random_state": 0}
        np.testing.assert_array_equal(
            LogisticRegression(**settings).fit(mapped, y).coef_, LogisticRegression(**settings).fit(X, y).coef_
        )

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (np.ones((3, 2)), [0, 1], "inconsistent numbers of samples"),
            (np.ones((3, 2)), [1, 1, 1], r"the labels hold 1 class, \[1\]"),
            (np.ones((3, 2)), [0, 1, 2], "hold 3 classes: use SoftmaxRegression"),
            (np.ones((3, 2)), [0.1, 0.2, 0.3], "Unknown label type: continuous"),
            ([[np.nan, 1.0], [1.0, 2.0]], [0, 1], "contains NaN"),
            ([["a", "b"], ["c", "d"]], [0, 1], "could not convert string to float"),
        ],
    )
    def test_bad_data(self, X: Any, y: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            LogisticRegression().fit(X, y)

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (LogisticRegression(learning_rate=0), "learning_rate=0 must be a finite number above 0, or None"),
            (LogisticRegression(learning_rate=float("nan")), "learning_rate=nan must be"),
            (
                LogisticRegression(solver="sgd"),
                "solver='sgd' must be one of lbfgs, cg, newton-cg, newton, gd, momentum, adam, auto",
            ),
            (LogisticRegression(max_iter=1.5), "max_iter=1.5 must be a whole number above 0"),  # type: ignore[arg-type]  # as tested
            (LogisticRegression(tol=-1), "tol=-1 must be"),
            (LogisticRegression(l2=np.inf), "l2=inf must be"),
            (LogisticRegression(class_weight="equal"), "class_weight='equal' must be None, \"balanced\" or a dict"),
            (LinearRegression(early_stopping="accuracy"), 'early_stopping="accuracy" needs a classifier'),
            (
                LogisticRegression(early_stopping=True, validation_fraction=0.001),
                "early_stopping holds out validation_fraction=0.001",
            ),
            (LogisticRegression(early_stopping="loss"), "early_stopping='loss' must be True, False or \"accuracy\""),
            (LogisticRegression(schedule="step"), "schedule='step' must be one of constant, inverse, cosine"),
            (LogisticRegression(batch_size=0), "batch_size=0 must be"),
            (LogisticRegression(restarts=True), "restarts=True must be"),
            (SoftmaxRegression(multi="ovo"), "multi='ovo' must be one of softmax, ovr"),
            (MLPClassifier(hidden_layer_sizes=(8, 0)), r"hidden_layer_sizes=\(8, 0\) must be a tuple of whole numbers"),
            (MLPClassifier(activation="step"), "activation='step' must be one of sigmoid, tanh, relu"),
        ],
    )
    def test_settings_that_make_no_sense(self, model: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            model.fit(*overlapping())

    def test_a_failed_fit_loses_nothing(self) -> None:
        X, y = overlapping()
        model = LogisticRegression(l2=0.01).fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)
        before = model.predict_proba(pd.DataFrame(X, columns=["a", "b", "c"]))
        with pytest.raises(ValueError, match="contains NaN"):
            model.fit(pd.DataFrame(X * np.nan, columns=["d", "e", "f"]), y)
        np.testing.assert_array_equal(model.predict_proba(pd.DataFrame(X, columns=["a", "b", "c"])), before)

    def test_other_features_than_at_the_fit(self) -> None:
        X, y = overlapping()
        with pytest.raises(ValueError, match="X has 4 features, but LogisticRegression is expecting 3"):
            LogisticRegression(l2=0.01).fit(X, y).predict(np.ones((2, 4)))


class TestGraph:
    def test_of_one_example_is_the_textbooks(self) -> None:
        X, y = overlapping()
        model = LogisticRegression(l2=0.01).fit(X, y)
        graph = model.graph(X[0], y[0], from_logits=False)
        a = model.predict_proba(X[:1])[0, 1]
        np.testing.assert_allclose(graph["dz"].value, a - y[0], rtol=1e-10)
        np.testing.assert_allclose(graph["dw"].value, (a - y[0]) * X[0], rtol=1e-10)
        assert [f"{s.name} = {s.right}" for s in graph.statements()] == [
            "z = x @ w + b",
            "a = sigmoid(z)",
            "L = -(y * np.log(a) + (1 - y) * np.log(1 - a))",
            "dL = 1",
            "da = -y / a + (1 - y) / (1 - a)",
            "dz = da * a * (1 - a)",
            "dw = dz * x",
            "db = dz",
        ]

    def test_of_many_examples_is_the_training_step(self) -> None:
        X, y = overlapping(classes=3)
        model = MLPClassifier(hidden_layer_sizes=(4,), max_iter=50, random_state=0).fit(X, y)
        graph = model.graph(X, y)
        assert [f"{s.name} = {s.right}" for s in graph.statements() if s.name.startswith("d")][1:] == [
            "dZ2 = (softmax(Z2) - Y) / len(Y)",
            "dW2 = A1.T @ dZ2",
            "db2 = np.sum(dZ2, axis=0)",
            "dA1 = dZ2 @ W2.T",
            "dZ1 = dA1 * (1 - A1 ** 2)",
            "dW1 = X.T @ dZ1",
            "db1 = np.sum(dZ1, axis=0)",
        ]
        np.testing.assert_allclose(graph["L"].value, model.history_["loss"][-1], rtol=1e-12)
        largest = max(np.max(np.abs(graph[f"d{name}"].value)) for name in ("W1", "b1", "W2", "b2"))
        np.testing.assert_allclose(largest, model.history_["gradient_norm"][-1], rtol=1e-12)

    def test_of_a_row_of_a_data_frame_knows_its_columns(self) -> None:
        X, y = overlapping()
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        model = LogisticRegression(l2=0.01).fit(frame, y)
        np.testing.assert_array_equal(model.graph(frame.iloc[0], y[0])["z"].value, model.graph(X[0], y[0])["z"].value)
        with pytest.raises(ValueError, match="feature names should match"):
            model.graph(frame[["c", "b", "a"]].iloc[0], y[0])

    def test_of_one_example_takes_labels_as_a_fit_does(self) -> None:
        X, y = overlapping(classes=3)
        model = SoftmaxRegression(l2=0.01).fit(X, y)
        np.testing.assert_array_equal(model.graph(X[0], np.eye(3)[2])["y"].value, model.graph(X[0], 2)["y"].value)
        with pytest.raises(ValueError, match=r"the labels \[5\] are not among the classes"):
            model.graph(X[0], 5)

    @pytest.mark.parametrize("model", ESTIMATORS, ids=str)
    def test_of_every_model_has_the_loss_of_its_training(self, model: Any) -> None:
        X, y = overlapping()
        fitted = clone(model).set_params(max_iter=10, random_state=0).fit(X, y)
        np.testing.assert_allclose(fitted.graph(X, y)["L"].value, fitted.history_["loss"][-1], rtol=1e-10)
        if hasattr(fitted, "predict_proba"):
            np.testing.assert_allclose(fitted.graph(X, y, from_logits=False)["L"].value, fitted.history_["loss"][-1], rtol=1e-10)
        else:
            with pytest.raises(ValueError, match="has no logits"):
                fitted.graph(X, y, from_logits=False)

    def test_layers_are_modules_of_the_picture(self) -> None:
        X, y = overlapping()
        graph = MLPClassifier(max_iter=5).fit(X, y).graph(X, y)
        assert "layer1" in graph.draw().svg
        assert "layer2" in graph.draw().svg

    def test_of_sparse_examples(self) -> None:
        X, y = overlapping()
        model = LogisticRegression(l2=0.01).fit(sparse.csr_array(X), y)
        np.testing.assert_allclose(model.graph(sparse.csr_array(X), y)["dw"].value, model.graph(X, y)["dw"].value, atol=1e-15)


def test_cross_validation_of_hyperparameters() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__l2": [1e-4, 1e-2, 1.0]}, cv=5
    ).fit(X, y)
    assert search.best_params_ == {"logisticregression__l2": 1e-2}
    assert cross_val_score(search.best_estimator_, X, y, cv=5).mean() > 0.97


@pytest.mark.parametrize(("zero", "one"), [("yes", "no"), (2.0, -1.0), (True, False)])
def test_classes_are_in_the_order_of_their_labels(zero: Any, one: Any) -> None:
    X, y = overlapping()
    model = LogisticRegression(l2=0.01).fit(X, np.where(y == 1, one, zero))
    assert model.classes_.tolist() == [one, zero]
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (model.predict(X) == model.classes_[p.argmax(axis=1)]).all()


def test_probabilities_hold_where_every_sigmoid_is_0() -> None:
    X, y = overlapping(classes=3)
    model = SoftmaxRegression(multi="ovr", l2=0.01).fit(X, y)
    model.parameters_ = {"W": model.parameters_["W"] * 0, "b": np.array([-1000.0, -1001.0, -1002.0])}
    np.testing.assert_allclose(model.predict_proba(X[:1])[0], tg.softmax(np.array([0.0, -1.0, -2.0])))
