"""Replaying a recorded loss gives what recording it anew gives."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

import models.objective
from models import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor, SoftmaxRegression
from models.objective import Examples
from models.tree import mapped, paths

MODELS = [
    LinearRegression(),
    LogisticRegression(fit_intercept=False),
    SoftmaxRegression(),
    SoftmaxRegression(multi="ovr"),
    MLPClassifier(hidden_layer_sizes=(4, 3), activation="relu"),
    MLPRegressor(activation="sigmoid"),
]


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_at_other_parameters_and_other_examples(
    model: Any, weighted: bool, form: Any, l2: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(20, 3)), np.arange(20) % 2
    fitted = clone(model).set_params(max_iter=1, l2=l2).fit(X, y)
    start = fitted.parameters_
    objective = fitted._objective()
    monkeypatch.setattr(models.objective, "RECORDED", 0)
    for rows in (20, 7, 2, 1):
        weights = random.uniform(size=rows) if weighted else None
        examples = Examples(form(random.normal(size=(rows, 3))), fitted._targets(y[:rows], X.dtype), weights)
        parameters = mapped(lambda array: array + random.normal(size=np.shape(array)), start)
        replayed = objective.evaluate(parameters, examples)
        monkeypatch.setattr(models.objective, "RECORDED", 10**9)
        recorded = objective.evaluate(parameters, examples)
        monkeypatch.setattr(models.objective, "RECORDED", 0)
        np.testing.assert_allclose(replayed.loss, recorded.loss, rtol=1e-13)
        assert replayed.accuracy == recorded.accuracy or np.isnan(replayed.accuracy)
        for (path, ours), (other_path, theirs) in zip(paths(replayed.gradient), paths(recorded.gradient), strict=True):
            assert path == other_path
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


def test_float32_stays_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.objective, "RECORDED", 0)
    X, y = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32), np.arange(20) % 2
    for model in MODELS:
        fitted = clone(model).set_params(l2=0.1, max_iter=1).fit(X, y)
        found = fitted._objective().evaluate(fitted.parameters_, Examples(X, fitted._targets(y, X.dtype)))
        assert {array.dtype for _, array in paths(found.gradient)} == {np.dtype(np.float32)}
