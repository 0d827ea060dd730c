"""Training stops for the reason it gives, goes where the gradient says, and leaves one state whatever happens."""

import contextvars
import itertools
import re
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

import models.estimator
import models.estimators
import models.trainer
from models import LinearRegression, LogisticRegression, MLPClassifier, SoftmaxRegression
from models.stopping import Diverged, EpochsUsedUp, HeldOut, Plateau, SmallGradient


def overlapping(m: int = 200, n: int = 3, noise: float = 1.0) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    X = random.normal(size=(m, n))
    return X, (X[:, 0] - X[:, 1] + noise * random.logistic(size=m) > 0).astype(int)


def memorised() -> tuple[Any, Any]:
    """Few examples of many features without meaning: the loss of others rises while that of these falls."""
    random = np.random.default_rng(0)
    return random.normal(size=(60, 40)), random.integers(0, 2, size=60)


DATA = overlapping()
# For each rule, a model and data made for it, and how its reason begins.
STOPS: list[tuple[type, Any, Any, str]] = [
    (SmallGradient, LogisticRegression(), DATA, "gradient: its largest entry, "),
    (
        Plateau,
        LogisticRegression(solver="gd", loss_tol=1e-4, tol=0),
        DATA,
        r"plateau: the training loss, 0\.\d+, fell by no more than loss_tol=0.0001 in 10 epochs",
    ),
    (
        HeldOut,
        LogisticRegression(solver="gd", early_stopping=True, random_state=0, max_iter=300),
        memorised(),
        r"held-out loss: its best value, \d\.\d+, was 10 epochs ago; the parameters of that epoch are restored",
    ),
    (
        HeldOut,
        LogisticRegression(solver="gd", early_stopping="accuracy", random_state=0, max_iter=300),
        DATA,
        r"held-out accuracy: its best value, 0\.\d+, was 10 epochs ago; the parameters of that epoch are restored",
    ),
    (EpochsUsedUp, LogisticRegression(solver="gd", max_iter=7), DATA, "epochs: all max_iter=7 are used up"),
    (
        Diverged,
        LogisticRegression(solver="gd", learning_rate=1e9, max_iter=200, random_state=0),
        DATA,
        r"diverged: the loss rose from 0\.\d+ to \S+ in 10 epochs. Try learning_rate=\d",
    ),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of the ones that diverge
class TestStoppingRules:
    @pytest.mark.parametrize(("rule", "model", "data", "reason"), STOPS)
    def test_each_fires_on_data_made_for_it(
        self, rule: type, model: Any, data: Any, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        X, y = data
        with_it = clone(model).fit(X, y)
        assert re.match(reason, with_it.stop_reason_), with_it.stop_reason_
        # Without the rule, the same training goes on.
        rules = models.trainer.rules
        others = [EpochsUsedUp(1000)] if rule is EpochsUsedUp else []
        monkeypatch.setattr(models.trainer, "rules", lambda *given: [r for r in rules(*given) if type(r) is not rule] + others)
        epochs = with_it.n_iter_
        without_it = clone(model).fit(X, y)
        assert not re.match(reason, without_it.stop_reason_)
        assert without_it.n_iter_ > epochs

    def test_the_best_parameters_come_back(self) -> None:
        X, y = memorised()
        for stopping, column, best in ((True, "held_out_loss", np.argmin), ("accuracy", "held_out_accuracy", np.argmax)):
            settings: dict[str, Any] = {"solver": "gd", "random_state": 0}
            stopped = LogisticRegression(early_stopping=stopping, max_iter=300, **settings).fit(X, y)
            epoch = int(best(stopped.history_[column]))
            assert 0 < epoch < stopped.n_iter_ or stopping == "accuracy"
            again = LogisticRegression(early_stopping=stopping, max_iter=max(epoch, 1), n_iter_no_change=1000, **settings).fit(
                X, y
            )
            np.testing.assert_array_equal(stopped.coef_, again.coef_)

    @pytest.mark.parametrize("solver", ["gd", "momentum", "adam"])
    @pytest.mark.parametrize("batch_size", [None, 50])
    def test_the_learning_rate_that_a_diverged_fit_advises_works(self, solver: str, batch_size: int | None) -> None:
        random = np.random.default_rng(0)
        X = random.normal(size=(200, 3)) * [1, 10, 30]
        y = X @ [3.0, 2.0, 1.0] + random.normal(size=200)
        settings: dict[str, Any] = {"solver": solver, "batch_size": batch_size, "random_state": 0, "max_iter": 300}
        astray = LinearRegression(learning_rate=1e9, **settings).fit(X, y)
        assert astray.stop_reason_.startswith("diverged: the loss rose")
        advised = float(astray.stop_reason_.rpartition("learning_rate=")[2])
        for _ in range(4):  # without curvature the advice comes in steps
            model = LinearRegression(learning_rate=advised, **settings).fit(X, y)
            if not model.stop_reason_.startswith("diverged"):
                break
            advised = float(model.stop_reason_.rpartition("learning_rate=")[2])
        assert model.history_["loss"][-1] < model.history_["loss"][0] / 2
        assert np.isfinite(astray.coef_).all()

    def test_a_schedule_that_gives_no_rate(self) -> None:
        X, y = DATA
        for factor in (np.nan, np.inf, -1.0):
            with pytest.raises(ValueError, match=f"schedule gives the factor {factor} for epoch 0"):
                LogisticRegression(solver="gd", schedule=lambda epoch, factor=factor: factor).fit(X, y)

    def test_separable_data_without_the_linear_program(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, y = [[-1.0], [1.0]], [0, 1]
        assert LogisticRegression().fit(X, y).stop_reason_.startswith("no finite optimum")
        monkeypatch.setattr(models.estimators, "separable", lambda *_: False)
        assert LogisticRegression().fit(X, y).stop_reason_.startswith("gradient")

    def test_infinite_data_say_so_before_any_update(self) -> None:
        with pytest.warns(ConvergenceWarning, match="the loss is inf before the first update; scale X and y$"):
            LinearRegression().fit([[1.0], [-1.0]], [1e200, -1e200])


class TestHistory:
    def test_it_has_a_row_an_epoch(self) -> None:
        X, y = DATA
        model = LogisticRegression(solver="gd", max_iter=5, early_stopping=True, random_state=0).fit(X, y)
        assert {name: len(column) for name, column in model.history_.items()} == dict.fromkeys(
            ("loss", "held_out_loss", "accuracy", "held_out_accuracy", "gradient_norm", "time"), 6
        )
        assert model.n_iter_ == 5
        assert model.history_["loss"] == sorted(model.history_["loss"], reverse=True)
        assert model.history_["time"] == sorted(model.history_["time"])

    def test_accuracy_is_that_of_the_parameters(self) -> None:
        X, y = DATA
        for model in (LogisticRegression(), SoftmaxRegression(), MLPClassifier(max_iter=20)):
            assert model.fit(X, y).history_["accuracy"][-1] == model.score(X, y)

    def test_the_same_seed_gives_the_same_model(self) -> None:
        X, y = DATA
        settings: dict[str, Any] = {"solver": "adam", "batch_size": 32, "max_iter": 3}
        first, second, other = (MLPClassifier(random_state=seed, **settings).fit(X, y) for seed in (3, 3, 4))
        assert first.history_["loss"] == second.history_["loss"] != other.history_["loss"]


class TestSolvers:
    def test_gradient_descent_takes_the_textbooks_steps(self) -> None:
        X, y = DATA
        w, b = LogisticRegression(solver="gd", max_iter=1, random_state=0).model.parameters(3, np.random.RandomState(0)).values()
        for epochs in range(1, 4):
            a = 1 / (1 + np.exp(-(X @ w + b)))
            w, b = w - 0.7 * (X.T @ (a - y)) / len(y), b - 0.7 * np.mean(a - y)
            model = LogisticRegression(solver="gd", learning_rate=0.7, max_iter=epochs, random_state=0).fit(X, y)
            np.testing.assert_allclose([*model.coef_[0], *model.intercept_], [*w, b], rtol=1e-12)

    @pytest.mark.parametrize("solver", ["gd", "momentum", "adam", "lbfgs", "cg", "newton-cg", "newton", "auto"])
    def test_all_reach_one_optimum(self, solver: str) -> None:
        X, y = DATA
        model = LogisticRegression(solver=solver, tol=1e-6, max_iter=5000, l2=0.01, n_iter_no_change=200).fit(X, y)
        best = LogisticRegression(solver="newton-cg", tol=1e-12, l2=0.01).fit(X, y)
        assert model.stop_reason_.startswith("gradient")
        np.testing.assert_allclose(model.coef_, best.coef_, atol=1e-4)

    @pytest.mark.parametrize("solver", ["momentum", "adam"])
    def test_updates_are_those_of_pytorch(self, solver: str) -> None:
        torch = pytest.importorskip("torch")
        X, y = DATA
        model = LogisticRegression(solver=solver, learning_rate=0.03, max_iter=7, random_state=0).fit(X, y)
        start = model.model.parameters(3, np.random.RandomState(0))
        w, b = (torch.tensor(start[name], requires_grad=True) for name in ("w", "b"))
        optimiser = torch.optim.SGD([w, b], lr=0.03, momentum=0.9) if solver == "momentum" else torch.optim.Adam([w, b], lr=0.03)
        for _ in range(7):
            optimiser.zero_grad()
            z = torch.tensor(X) @ w + b
            torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(y, dtype=torch.float64)).backward()
            optimiser.step()
        np.testing.assert_allclose([*model.coef_[0], *model.intercept_], [*w.tolist(), b.item()], rtol=1e-6)

    @pytest.mark.parametrize(
        ("schedule", "factors"),
        [
            ("constant", [1, 1, 1, 1]),
            ("inverse", [1, 1 / 2, 1 / 3, 1 / 4]),
            ("cosine", [1, 0.853553, 0.5, 0.146447]),
            (lambda k: 2.0**-k, [1, 0.5, 0.25, 0.125]),
        ],
    )
    def test_schedules_scale_the_steps(self, schedule: Any, factors: list[float]) -> None:
        # The loss (w - 1)**2 has the gradient 2 (w - 1), so a step with rate r multiplies w - 1 by 1 - 2 r.
        model = LinearRegression(
            solver="gd", learning_rate=0.1, schedule=schedule, max_iter=4, fit_intercept=False, random_state=0
        )
        left = model.fit([[1.0]], [1.0]).coef_[0] - 1
        start = model.model.parameters(1, np.random.RandomState(0))["w"][0] - 1
        np.testing.assert_allclose(left / start, np.prod([1 - 0.2 * factor for factor in factors]), rtol=1e-5)

    def test_batches_cover_every_example_once_an_epoch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, y = np.arange(10.0)[:, np.newaxis], np.arange(10.0)
        seen: list[Any] = []
        evaluate = models.estimator.Objective.evaluate
        monkeypatch.setattr(
            models.estimator.Objective, "evaluate", lambda self, p, data: (seen.append(data.y), evaluate(self, p, data))[1]
        )
        LinearRegression(solver="gd", learning_rate=1e-3, batch_size=4, max_iter=3, random_state=0).fit(X, y)
        assert [len(batch) for batch in seen] == [4, 4, 2] * 3
        epochs = [np.concatenate(seen[k : k + 3]) for k in (0, 3, 6)]
        assert all(sorted(epoch) == y.tolist() for epoch in epochs)
        assert epochs[0].tolist() != epochs[1].tolist()


class TestNewton:
    def test_a_step_is_that_of_the_textbook(self) -> None:
        X, y = DATA
        rows = np.column_stack([X, np.ones(len(X))])
        start = LogisticRegression.model.parameters(3, np.random.RandomState(0))
        v = np.append(start["w"], start["b"])
        for epochs in range(1, 4):
            a = 1 / (1 + np.exp(-(rows @ v)))
            penalty = 0.1 * np.array([1, 1, 1, 0])
            H = rows.T @ ((a * (1 - a))[:, np.newaxis] * rows) / len(y) + np.diag(penalty)
            v = v - np.linalg.solve(H, rows.T @ (a - y) / len(y) + penalty * v)
            model = LogisticRegression(solver="newton", l2=0.1, max_iter=epochs, tol=0, random_state=0).fit(X, y)
            np.testing.assert_allclose([*model.coef_[0], *model.intercept_], v, rtol=1e-10)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("multi", ["softmax", "ovr"])
    def test_it_takes_several_classes_weights_and_sparse_data(self, multi: str, form: Any) -> None:
        X, y = DATA
        y, weights = y + (X[:, 2] > 0.5), np.linspace(0, 2, 200)
        settings: dict[str, Any] = {"multi": multi, "l2": 0.1, "tol": 1e-9, "random_state": 0}
        quick = SoftmaxRegression(solver="newton", **settings).fit(form(X), y, weights)
        other = SoftmaxRegression(solver="newton-cg", **settings).fit(X, y, weights)
        assert quick.n_iter_ < 10
        np.testing.assert_allclose(quick.coef_, other.coef_, atol=1e-7)

    def test_least_squares_take_one_step(self) -> None:
        X = np.random.default_rng(0).normal(size=(50, 3)) * [1e-6, 1, 1e6]
        y = X @ [1e6, 1.0, 1e-6] + 5
        model = LinearRegression(solver="newton").fit(X, y)
        np.testing.assert_allclose(model.coef_, [1e6, 1.0, 1e-6], rtol=1e-9)
        assert model.n_iter_ == 1

    def test_no_step_makes_the_loss_larger(self) -> None:
        X, y = DATA
        start = {"w": np.full(3, 50.0), "b": np.array(20.0)}  # where a whole step of Newton goes astray
        model = LogisticRegression(solver="newton", warm_start=True, tol=1e-8).fit(X, y)
        best, model.parameters_ = model.coef_, start
        losses = model.fit(X, y).history_["loss"]
        assert losses == sorted(losses, reverse=True)
        np.testing.assert_allclose(model.coef_, best, atol=1e-6)

    def test_columns_that_depend_on_each_other(self) -> None:
        X, y = DATA
        rows = np.column_stack([X, X[:, 0], 2 * X[:, 1], np.zeros(200), np.ones(200)])
        model = LogisticRegression(solver="newton", tol=1e-9).fit(rows, y)
        alone = LogisticRegression(solver="newton", tol=1e-9).fit(X, y)
        assert model.stop_reason_.startswith("gradient")
        assert np.max(np.abs(model.coef_)) < 10
        np.testing.assert_allclose(model.predict_proba(rows), alone.predict_proba(X), atol=1e-7)

    def test_float32_goes_as_far_as_its_digits(self) -> None:
        X, y = DATA
        model = LogisticRegression(solver="newton", l2=0.01, tol=0).fit(X.astype(np.float32), y)
        exact = LogisticRegression(solver="newton", l2=0.01, tol=1e-12).fit(X, y)
        assert model.stop_reason_.startswith(("rounding", "plateau"))
        np.testing.assert_allclose(model.coef_, exact.coef_, atol=1e-5)

    def test_second_derivatives_that_overflow(self) -> None:
        with pytest.warns(ConvergenceWarning, match="its second derivatives are not finite; scale X"):
            LinearRegression(solver="newton").fit([[1e160], [-1e160], [0.0]], [1.0, -1.0, 0.0])

    def test_a_network_has_no_convex_loss(self) -> None:
        with pytest.raises(ValueError, match='solver="newton" needs a convex loss'):
            MLPClassifier(solver="newton").fit(*DATA)


@pytest.mark.parametrize(
    ("model", "rows", "features", "form", "expected"),
    [
        (LogisticRegression(), 500, 30, np.asarray, "newton"),
        (LinearRegression(), 10_000, 20, np.asarray, "newton"),
        (SoftmaxRegression(), 500, 5, np.asarray, "newton"),
        (LogisticRegression(), 500, 30, sparse.csr_array, "lbfgs"),
        (LogisticRegression(), 10_000, 40, np.asarray, "lbfgs"),
        (SoftmaxRegression(), 500, 100, np.asarray, "lbfgs"),
        (MLPClassifier(hidden_layer_sizes=(2,)), 50, 2, np.asarray, "lbfgs"),
    ],
)
def test_auto_chooses_by_the_size(
    model: Any, rows: int, features: int, form: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    run = models.trainer.Training.run
    monkeypatch.setattr(models.trainer.Training, "run", lambda self, *rest: (used.append(self.solver), run(self, *rest))[1])
    X = np.random.default_rng(0).normal(size=(rows, features))
    clone(model).set_params(solver="auto", max_iter=1, l2=0.1).fit(form(X), (X[:, 0] > 0).astype(int))
    assert used == [expected]


class TestGoingOn:
    def test_warm_start_goes_on(self) -> None:
        X, y = DATA
        settings: dict[str, Any] = {"solver": "gd", "random_state": 0}
        twice = LogisticRegression(max_iter=5, warm_start=True, **settings).fit(X, y).fit(X, y)
        once = LogisticRegression(max_iter=10, **settings).fit(X, y)
        np.testing.assert_allclose(twice.coef_, once.coef_, rtol=1e-12)
        with pytest.raises(ValueError, match="warm_start=True needs the features and classes of the last fit"):
            twice.fit(X[:, :2], y)

    def test_restarts_keep_the_best(self) -> None:
        X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
        random = np.random.RandomState(0)
        alone = [MLPClassifier(hidden_layer_sizes=(2,), random_state=random).fit(X, y).history_["loss"][-1] for _ in range(5)]
        best = MLPClassifier(hidden_layer_sizes=(2,), restarts=5, random_state=0).fit(X, y)
        assert best.history_["loss"][-1] == min(alone)

    @pytest.mark.parametrize("solver", ["gd", "momentum", "adam"])
    def test_partial_fit_goes_on_where_it_was(self, solver: str) -> None:
        X, y = DATA
        parts = [(X[:90], y[:90]), (X[90:], y[90:])]
        stepwise = LogisticRegression(solver=solver, random_state=0)
        for _ in range(3):
            for X_part, y_part in parts:
                stepwise.partial_fit(X_part, y_part, classes=[0, 1])
        whole = LogisticRegression(solver=solver, random_state=0, max_iter=3).fit_batches(parts)
        np.testing.assert_allclose(stepwise.coef_, whole.coef_, rtol=1e-12)
        assert stepwise.n_iter_ == 6
        assert len(stepwise.history_["loss"]) == 7

    def test_partial_fit_goes_on_after_a_fit_and_with_another_solver(self, tmp_path: Any) -> None:
        X, y = DATA
        model = LogisticRegression(solver="gd", max_iter=3, random_state=0).fit(X, y)
        loaded = LogisticRegression.load(model.save(tmp_path / "model.safetensors"))
        four = LogisticRegression(solver="gd", max_iter=4, random_state=0).fit(X, y)
        for started in (model, loaded):
            np.testing.assert_allclose(started.partial_fit(X, y).coef_, four.coef_, rtol=1e-12)
        before = model.coef_
        model.set_params(solver="adam", learning_rate=0.01).partial_fit(X, y)
        np.testing.assert_allclose(np.abs(model.coef_ - before), 0.01, rtol=1e-6)  # the first step of Adam

    def test_partial_fit_of_a_class_that_was_not_announced(self) -> None:
        model = SoftmaxRegression(solver="gd").partial_fit([[0.0], [1.0]], [0, 1])
        with pytest.raises(ValueError, match=r"the labels \[2\] are not among the classes \[0, 1\]: pass all classes="):
            model.partial_fit([[2.0]], [2])

    def test_partial_fit_needs_a_solver_that_moves_by_batches(self) -> None:
        assert not hasattr(LogisticRegression(), "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit"):
            LogisticRegression().partial_fit([[0.0], [1.0]], [0, 1])

    def test_batches_of_a_generator_are_seen_once(self) -> None:
        X, y = DATA
        drawn: list[int] = []

        def batches() -> Any:
            for start in range(0, 200, 50):
                drawn.append(start)
                yield X[start : start + 50], y[start : start + 50]

        model = LogisticRegression(solver="adam").fit_batches(batches())
        assert drawn == [0, 50, 100, 150]
        assert (model.n_iter_, model.stop_reason_) == (1, "data: the batches ended")

    def test_batches_may_be_sparse_and_weighted(self) -> None:
        X, y = DATA
        weights = np.linspace(0, 2, 200)  # of mean 1
        settings: dict[str, Any] = {"solver": "momentum", "max_iter": 20, "random_state": 0}
        thin = LogisticRegression(**settings).fit_batches([(sparse.csr_array(X), y, weights)])
        whole = LogisticRegression(**settings).fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(thin.coef_, whole.coef_, rtol=1e-10)

    @pytest.mark.parametrize(
        ("model", "batches", "message"),
        [
            (LogisticRegression(), [DATA], "solver='lbfgs' needs all examples at once: choose one of gd, momentum, adam"),
            (LogisticRegression(solver="gd", early_stopping=True), [DATA], "fit_batches holds no examples out"),
            (LogisticRegression(solver="gd", class_weight="balanced"), [DATA], "give class_weight as a dict"),
            (LogisticRegression(solver="gd"), [], "there is no batch: pass an iterable of \\(X, y\\) with at least one"),
            (LogisticRegression(solver="gd"), [DATA, (DATA[0][:, :2], DATA[1])], "X has 2 features, but LogisticRegression is"),
        ],
    )
    def test_batches_that_do_not_fit(self, model: Any, batches: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            model.fit_batches(batches)


class TestWeightsInBatches:
    def test_a_batch_of_heavy_examples_makes_a_larger_step(self) -> None:
        X, y = DATA
        settings: dict[str, Any] = {"solver": "gd", "batch_size": 1, "max_iter": 1, "random_state": 0, "learning_rate": 0.01}
        weights = np.random.default_rng(0).uniform(size=200)
        weighted = LogisticRegression(**settings).fit(X, y, sample_weight=weights)
        start = LogisticRegression.model.parameters(3, random := np.random.RandomState(0))
        w, b = start["w"], start["b"]
        for i in random.permutation(200):
            dz = weights[i] / weights.mean() * (1 / (1 + np.exp(-(X[i] @ w + b))) - y[i])
            w, b = w - 0.01 * dz * X[i], b - 0.01 * dz
        np.testing.assert_allclose([*weighted.coef_[0], *weighted.intercept_], [*w, b], rtol=1e-10)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_examples_of_weight_0_are_as_if_they_were_not_there(self, early_stopping: bool) -> None:
        X, y = DATA
        weights = np.arange(200) % 2
        model = LogisticRegression(solver="gd", batch_size=1, max_iter=3, random_state=0, early_stopping=early_stopping)
        assert np.isfinite(model.fit(X, y, sample_weight=weights).history_["loss"]).all()
        assert np.isfinite(model.fit(X, y, sample_weight=np.where(np.arange(200) < 20, 1, 0)).coef_).all()

    @pytest.mark.parametrize("class_weight", [{0: -1, 1: 1}, {0: np.nan}, {0: 0, 1: 0}])
    def test_class_weights_that_make_no_sense(self, class_weight: Any) -> None:
        with pytest.raises(ValueError, match="must hold finite numbers of at least 0"):
            LogisticRegression(class_weight=class_weight).fit(*DATA)

    def test_balanced_classes_count_by_weight(self) -> None:
        X, y = DATA
        counts = np.random.default_rng(0).integers(0, 4, size=200)
        settings: dict[str, Any] = {"class_weight": "balanced", "l2": 0.1, "solver": "newton-cg", "tol": 1e-10}
        weighted = LogisticRegression(**settings).fit(X, y, sample_weight=counts)
        repeated = LogisticRegression(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)


class TestRulesHold:
    def test_small_units_do_not_end_the_training_at_its_start(self) -> None:
        random = np.random.default_rng(0)
        X = random.normal(size=(60, 3))
        y = X @ [1.0, 2.0, 3.0] + 1 + random.normal(size=60) / 10
        for target, inputs in ((y * 1e-6, X), (y, X * 1e-4), (y * 1e6, X), (y + 1e7, X)):
            for solver in ("lbfgs", "newton-cg"):
                assert LinearRegression(solver=solver).fit(inputs, target).score(inputs, target) > 0.95

    def test_an_overshoot_of_momentum_is_no_plateau(self) -> None:
        X, y = make_moons(300, noise=0.2, random_state=0)
        for seed in range(4):
            assert MLPClassifier(solver="momentum", random_state=seed, max_iter=2000).fit(X, y).history_["loss"][-1] < 0.15

    def test_a_lucky_first_batch_is_no_divergence(self) -> None:
        random = np.random.default_rng(0)
        X = random.normal(size=(60, 3))
        y = X @ [1.0, 2.0, 3.0] + 1 + random.normal(size=60)
        for seed in range(8):
            settings: dict[str, Any] = {"solver": "gd", "learning_rate": 0.01, "max_iter": 15}
            model = LinearRegression(batch_size=1, random_state=seed, **settings).fit(X, y)
            assert (model.stop_reason_[:6], model.score(X, y) > 0.8) == ("epochs", True)
        batches = [(X[i : i + 6] * (0.01 if i == 0 else 1), y[i : i + 6] * (0.01 if i == 0 else 1)) for i in range(0, 60, 6)]
        assert LinearRegression(**settings).fit_batches(batches).score(X, y) > 0.8

    def test_a_failing_fit_leaves_the_model_before_it(self) -> None:
        X, y = DATA
        model = LogisticRegression(solver="gd", random_state=0).fit(X, y)
        before = model.coef_
        with pytest.raises(ValueError, match="X has 2 features"):
            model.fit_batches([(X, y), (X[:, :2], y)])
        with pytest.raises(ValueError, match="diverged: the parameters are no longer finite"):
            model.set_params(learning_rate=1e308).partial_fit(X * 1e200, y)
        assert model.coef_ is before
        assert model.stop_reason_.startswith("gradient")

    def test_an_optimum_out_of_reach_warns(self) -> None:
        with pytest.warns(ConvergenceWarning, match="rounding: lbfgs cannot make the loss any smaller"):
            LogisticRegression(l2=1e300).fit(*DATA)


class TestInterrupts:
    @pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs", "newton-cg", "newton"])
    def test_the_last_finished_epoch_stays(self, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        X, y = DATA
        name = "evaluate_with_hessian" if solver == "newton" else "evaluate"
        evaluate = getattr(models.estimator.Objective, name)
        calls = itertools.count()

        def interrupted(self: Any, parameters: Any, data: Any) -> Any:
            if next(calls) == 2:
                raise KeyboardInterrupt
            return evaluate(self, parameters, data)

        model = LogisticRegression(solver=solver, l2=0.01, random_state=0)
        with monkeypatch.context() as patch:
            patch.setattr(models.estimator.Objective, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, y)
        assert model.stop_reason_ == "interrupted"
        whole = LogisticRegression(solver=solver, l2=0.01, random_state=0, max_iter=model.n_iter_).fit(X, y)
        np.testing.assert_array_equal([*model.coef_[0], *model.intercept_], [*whole.coef_[0], *whole.intercept_])
        assert model.history_["loss"] == whole.history_["loss"]

    def test_numpy_warns_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> Any:
            np.seterr(all="ignore")  # as where the interrupt keeps `np.errstate` from being left
            raise KeyboardInterrupt

        before = np.geterr()
        monkeypatch.setattr(models.estimator.Objective, "evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            LogisticRegression().fit(*DATA)
        assert np.geterr() == before

    # An interrupt inside a callback of the garbage collector is lost: Python reports it and goes on.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_thousand_at_any_moment_leave_weights_and_bias_of_one_epoch(self) -> None:
        X, y = DATA
        states = states_of_all_epochs(X, y)
        # An interrupt may keep `np.errstate` from being left, which would silence NumPy's warnings in the tests that follow.
        left = contextvars.copy_context().run(interrupted_fits, X, y, 1000)
        assert left <= states
        assert len(left) > 5  # at many different epochs


def settings_of_interrupts() -> dict[str, Any]:
    return {"solver": "gd", "max_iter": 100, "tol": 0, "random_state": 0}


def states_of_all_epochs(X: Any, y: Any) -> set[Any]:
    """Every state of one training: epoch, weights and bias."""
    states: set[Any] = {None}
    for epoch in range(101):
        model = LogisticRegression(**settings_of_interrupts() | {"max_iter": max(epoch, 1)}).fit(X, y)
        states.add((model.n_iter_, model.coef_.tobytes(), model.intercept_.tobytes()))
    start = LogisticRegression.model.parameters(X.shape[1], np.random.RandomState(0))
    return states | {(0, start["w"].tobytes(), start["b"].tobytes())}


def interrupted_fits(X: Any, y: Any, count: int) -> set[Any]:
    """The states that fits leave when a timer interrupts them, each a little later than the one before."""
    found: set[Any] = set()
    start = time.perf_counter()
    LogisticRegression(**settings_of_interrupts()).fit(X, y)
    longest = 1.2 * (time.perf_counter() - start)  # on a busy machine too, interrupts come at all epochs

    here = sys._getframe()

    def interrupt(_: int, frame: Any) -> None:
        if frame is not here:  # a timer that ends just after the training would interrupt this loop
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for k in range(count):
            model = LogisticRegression(**settings_of_interrupts())
            try:
                signal.setitimer(signal.ITIMER_REAL, longest * (k + 1) / count)
                model.fit(X, y)
            except (KeyboardInterrupt, SystemError):  # Python 3.11 makes the second of an interrupt inside ast.parse
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            fitted = hasattr(model, "coef_")
            found.add((model.n_iter_, model.coef_.tobytes(), model.intercept_.tobytes()) if fitted else None)
    finally:
        signal.signal(signal.SIGALRM, before)
    return found


class TestWatching:
    def test_a_progress_bar(self, capsys: pytest.CaptureFixture[str]) -> None:
        LogisticRegression(solver="gd", max_iter=5, verbose=True).fit(*DATA)
        printed = capsys.readouterr().err
        assert "gd" in printed
        assert "5/5" in printed
        LogisticRegression(solver="gd", max_iter=5).fit(*DATA)
        assert capsys.readouterr().err == ""

    def test_callbacks_of_scikit_learn_see_every_epoch(self) -> None:
        callback = pytest.importorskip("sklearn.callback")
        X, y = DATA
        monitor = callback.ScoringMonitor(scoring="accuracy")
        model = LogisticRegression(solver="gd", max_iter=5, random_state=0).set_callbacks(monitor).fit(X, y)
        scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
        assert scores == model.history_["accuracy"]

    def test_a_callback_can_stop_the_training(self) -> None:
        pytest.importorskip("sklearn.callback")

        class StopAfterThree:
            def setup(self, estimator: Any, context: Any) -> None:
                self.losses: list[float] = []

            def teardown(self, estimator: Any, context: Any) -> None:
                pass

            def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
                pass

            def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> bool:
                if fitted_estimator is not None:
                    self.losses.append(fitted_estimator.history_["loss"][-1])
                return len(self.losses) == 3

        stop = StopAfterThree()
        model = LogisticRegression(solver="gd", max_iter=50).set_callbacks(stop).fit(*DATA)
        assert model.stop_reason_ == "callback: one of them stopped the training"
        assert model.history_["loss"] == stop.losses


def test_no_warning_leaves_a_training_that_goes_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for solver in ("gd", "lbfgs", "cg", "newton-cg", "newton"):
            LogisticRegression(solver=solver, tol=0, max_iter=50, l2=0.1).fit(*DATA)
