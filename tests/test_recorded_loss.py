"""A compiled objective gives what recording it anew gives: loss, gradient, accuracy and Hessian, for every model."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

import tinygraph as tg
from models import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, SoftmaxRegression
from models.objective import Examples, Objective, _shelf
from models.recorded_loss import Recorded
from models.tree import Layout, Tree, mapped, paths

LINEAR = [
    LinearRegression(),
    LogisticRegression(),
    LogisticRegression(fit_intercept=False),
    SoftmaxRegression(),
    SoftmaxRegression(multi="ovr", fit_intercept=False),
]
MODELS = [*LINEAR, MLPClassifier(hidden_layer_sizes=(4, 3), activation="relu"), MLPRegressor(activation="sigmoid")]


def by_engine(objective: Objective, parameters: Tree, data: Examples) -> tuple[Any, Any, Any]:
    """Loss, gradient and Hessian as the engine gives them, without a compiled program; the last two over all parameters."""
    layout = Layout(parameters, np.float64)
    X = tg.constant(data.X)
    loss = lambda vector: objective.loss(layout.tree(vector), data._replace(X=X))
    vector = layout.vector(parameters)
    return *tg.value_and_grad(loss)(vector), tg.hessian(loss)(vector)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_at_other_parameters_and_other_examples(model: Any, weighted: bool, form: Any, l2: float) -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(20, 3)), np.arange(20) % (3 if isinstance(model, SoftmaxRegression) else 2)
    fitted = clone(model).set_params(max_iter=1, l2=l2).fit(X, y)
    objective, layout = fitted._objective(), Layout(fitted.parameters_, np.float64)
    for rows in (20, 7, 2, 1):
        weights = random.uniform(size=rows) if weighted else None
        examples = Examples(form(random.normal(size=(rows, 3))), fitted._targets(y[:rows], X.dtype), weights)
        parameters = mapped(lambda array: array + random.normal(size=np.shape(array)), fitted.parameters_)
        loss, gradient, hessian = by_engine(objective, parameters, examples)
        accuracy = objective.measure(parameters, examples)[1]
        found, matrix = objective.evaluate_with_hessian(parameters, examples)
        np.testing.assert_allclose(matrix, hessian, rtol=1e-11, atol=1e-13)
        for one in (found, objective.evaluate(parameters, examples)):
            np.testing.assert_allclose(one.loss, loss, rtol=1e-13)
            np.testing.assert_allclose(one.accuracy, accuracy, rtol=1e-15)
            np.testing.assert_allclose(layout.vector(one.gradient), gradient, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("model", LINEAR, ids=str)
def test_large_data_are_read_block_by_block(model: Any) -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60_000, 20)), np.arange(60_000) % (3 if isinstance(model, SoftmaxRegression) else 2)
    fitted = clone(model).set_params(max_iter=1, l2=0.1).fit(X[:100], y[:100])
    objective, examples = fitted._objective(), Examples(X, fitted._targets(y, X.dtype))
    steps = []
    for function in (objective._first_order, objective._second_order):
        program = Recorded(function, fitted.parameters_, examples.rows(slice(2)).arrays())
        program(fitted.parameters_, examples.arrays())
        steps.append(program)
    assert ["blocks of rows" in str(program.step.plan) for program in steps] == [True, True]
    whole = objective._any_hessian(fitted.parameters_, examples)
    np.testing.assert_allclose(objective.hessian(fitted.parameters_, examples), whole, rtol=1e-9, atol=1e-12)


def test_equal_models_share_a_program() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    _shelf.cache_clear()
    for fits, model in enumerate((LogisticRegression(), LogisticRegression(tol=1e-3), LogisticRegression(l2=0.5))):
        model.set_params(max_iter=3).fit(X + fits, y)
    assert _shelf.cache_info().currsize == 2  # for each penalty


def test_a_model_of_others_shares_none() -> None:
    class Shifted(LogisticRegression):
        shift = 0.0

        def _loss(self, outputs: Any, y: Any, reduction: Any = "mean") -> Any:
            return super()._loss(outputs + self.shift, y, reduction)

    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    losses = set()
    for shift in (0.0, 1.0):
        Shifted.shift = shift
        losses.add(Shifted(max_iter=1, l2=0.1, random_state=0).fit(X, y).history_["loss"][0])
    assert len(losses) == 2


def test_what_is_kept_for_later_fits_does_not_hold_their_data() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 3)), (np.arange(20) % 2).astype(float)
    program = Recorded(lambda p, data: [np.sum(data["X"] @ p["w"] * data["y"])], {"w": np.ones(3)}, {"X": X[:2], "y": y[:2]})
    X[:], y[:] = np.nan, np.nan
    assert program({"w": np.ones(3)}, {"X": np.ones((2, 3)), "y": np.ones(2)}) == (6.0,)


def test_float32_stays_float32() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32), np.arange(20) % 2
    for model in MODELS:
        fitted = clone(model).set_params(l2=0.1, max_iter=1).fit(X, y)
        found = fitted._objective().evaluate(fitted.parameters_, Examples(X, fitted._targets(y, X.dtype)))
        assert {array.dtype for _, array in paths(found.gradient)} == {np.dtype(np.float32)}
