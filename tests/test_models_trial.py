"""A trial against scikit-learn's Pipeline: nothing of the test part is seen, and the model of raw columns predicts the same."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import models
from models.data import Data, DataError, load
from models.trial import Trial, fitted_trial, parts

DATA = {
    "LinearRegression": "diabetes",
    "LogisticRegression": "breast_cancer",
    "MLPClassifier": "iris",
    "MLPRegressor": "diabetes",
    "SoftmaxRegression": "iris",
}


def trial(name: str, data: Data) -> Trial:
    return fitted_trial(getattr(models, name)(l2=0.1, max_iter=20, random_state=0), data, *next(parts(data, 1, seed=0)))


@pytest.mark.parametrize("name", DATA)
def test_predicts_what_a_pipeline_predicts(name: str) -> None:
    data = load(DATA[name])
    one = trial(name, data)
    pipeline: Any = make_pipeline(StandardScaler(), getattr(models, name)(l2=0.1, max_iter=20, random_state=0))
    if data.kind == "regression":
        pipeline = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    X, y = data.X.to_numpy(), data.y
    pipeline.fit(X[one.train], y[one.train])
    if data.kind == "regression":
        expected = pipeline.predict(X)
        np.testing.assert_allclose(one.raw.predict(data.X), expected, rtol=1e-9)
        assert one.loss(one.test) == pytest.approx(mean_squared_error(y[one.test], expected[one.test]))
        assert one.hardest() == one.test[np.argmax(np.abs(expected - y)[one.test])]
    else:
        expected = pipeline.predict_proba(X)
        np.testing.assert_allclose(one.raw.predict_proba(data.X), expected, rtol=1e-8, atol=1e-12)
        assert one.loss(one.test) == pytest.approx(log_loss(y[one.test], expected[one.test]))
        best = np.sort(expected[one.test], axis=1)
        assert one.hardest() == one.test[np.argmin(best[:, -1] - best[:, -2])]
    assert one.score(one.test) == pytest.approx(pipeline.score(X[one.test], y[one.test]))


def test_the_test_part_has_no_say_in_the_scaling() -> None:
    data = load("moons")
    one = trial("LogisticRegression", data)
    X = data.X.copy()
    X.iloc[one.test] = 1e6
    other = trial("LogisticRegression", replace(data, X=X))
    assert other.scaling.mean.tolist() == one.scaling.mean.tolist()
    assert other.raw.parameters_["w"].tolist() == one.raw.parameters_["w"].tolist()


def test_parts_are_stratified_and_seeded() -> None:
    data = load("iris")
    splits = list(parts(data, 3, seed=1))
    for train, test in splits:
        assert sorted([*train, *test]) == list(range(150))
        assert set(np.unique(data.y[test], return_counts=True)[1]) <= {12, 13}
    again = list(parts(data, 3, seed=1))
    assert [test.tolist() for _, test in splits] == [test.tolist() for _, test in again]
    assert len({tuple(test) for _, test in splits}) == 3


def test_whole_data_train_and_test() -> None:
    assert [(train.tolist(), test.tolist()) for train, test in parts(load("xor"), 2, seed=0)] == [
        ([0, 1, 2, 3], [0, 1, 2, 3])
    ] * 2


@pytest.mark.parametrize(
    ("kind", "said"), [("classification", "2 classes need at least 8"), ("regression", "a regression needs at least 8")]
)
def test_too_few_examples(kind: Any, said: str) -> None:
    data = Data("few", pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}), np.array([0, 0, 1, 1]), kind)
    with pytest.raises(DataError, match=f"few has 4 examples, and {said}"):
        next(parts(data, 1, seed=0))


def test_a_fit_that_has_no_optimum_warns_of_nothing() -> None:
    X = pd.DataFrame({"x": np.arange(20.0)})
    data = Data("separable", X, (X["x"] > 9).to_numpy().astype(int), "classification")
    with warnings.catch_warnings(action="error"):
        one = fitted_trial(models.LogisticRegression(), data, *next(parts(data, 1, seed=0)))
    assert one.model.stop_reason_.startswith("no finite optimum")
