"""Train and test a model: fit it to one part of the data, with columns standardised by that part, and test it on the other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from models.data import Array, Data, DataError
from models.scaling import Scaling, of_raw_columns
from models.words import counted

HELD_OUT = 0.25


class Trial(NamedTuple):
    """A model fitted to standardised columns, the same model of the columns as they are, and which examples train and test it."""

    data: Data
    scaling: Scaling
    model: Any
    raw: Any
    train: Array
    test: Array

    def standardised(self, rows: Array) -> tuple[Any, Array]:
        """Columns and target of these examples as the model was fitted to them."""
        return _standardised(self.data, self.scaling, rows)

    def loss(self, rows: Array) -> float:
        """The mean loss of these examples, without a penalty: cross-entropy of a classifier, squared error of a regression."""
        X, y = self.data.X.iloc[rows], self.data.y[rows]
        if self.data.kind == "regression":
            return float(mean_squared_error(y, self.raw.predict(X)))
        return float(log_loss(y, self.raw.predict_proba(X), labels=self.raw.classes_))

    def score(self, rows: Array) -> float:
        """The accuracy of a classifier on these examples, or R² of a regression."""
        return float(self.raw.score(self.data.X.iloc[rows], self.data.y[rows]))

    def hardest(self) -> int:
        """The test example about which a classifier is least certain, or for which a regression is most wrong."""
        X, y = self.data.X.iloc[self.test], self.data.y[self.test]
        if self.data.kind == "regression":
            return int(self.test[np.argmax(np.abs(self.raw.predict(X) - y))])
        first, second = np.sort(self.raw.predict_proba(X), axis=1)[:, :-3:-1].T
        return int(self.test[np.argmin(first - second)])


def fitted_trial(model: Any, data: Data, train: Array, test: Array) -> Trial:
    """Fit a copy of the model, in one thread: threads that wait for one another cost small models more than they save."""
    scaler = StandardScaler().fit(data.X.iloc[train])
    scaling = Scaling(scaler.mean_, scaler.scale_)
    if data.kind == "regression":
        target = StandardScaler().fit(data.y[train][:, np.newaxis])
        scaling = scaling._replace(target_mean=target.mean_[0], target_scale=target.scale_[0])
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # the report says it
        fitted = clone(model).fit(*_standardised(data, scaling, train))
    return Trial(data, scaling, fitted, _of_raw_columns(fitted, scaling), train, test)


def _of_raw_columns(model: Any, scaling: Scaling) -> Any:
    """A copy of the fitted model for the columns as they are, without what it remembers of training."""
    raw = clone(model)
    learned = ("n_features_in_", "feature_names_in_", "classes_", "n_iter_", "stop_reason_")
    vars(raw).update({name: getattr(model, name) for name in learned if hasattr(model, name)})
    raw.parameters_ = of_raw_columns(model.parameters_, scaling)
    vars(raw).update(raw._shown(raw.parameters_))
    return raw


def _standardised(data: Data, scaling: Scaling, rows: Array) -> tuple[Any, Array]:
    X, y = (data.X.iloc[rows] - scaling.mean) / scaling.scale, data.y[rows]
    return X, (y - scaling.target_mean) / scaling.target_scale if data.kind == "regression" else y


def parts(data: Data, splits: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Training and test examples of so many random splits, stratified by class; all examples both times where data are whole.

    Raises DataError if the test part is too small to contain each class.
    """
    if data.whole:
        yield from splits * [(np.arange(len(data.y)), np.arange(len(data.y)))]
        return
    kinds = 2 if data.kind == "regression" else len(np.unique(data.y))
    if len(data.y) * HELD_OUT < kinds:
        what = "a regression needs" if data.kind == "regression" else f"{kinds} classes need"
        examples = counted(len(data.y), "example")
        raise DataError(f"{data.title} has {examples}, and {what} at least {int(kinds / HELD_OUT)}, to learn and to test")
    divide = ShuffleSplit if data.kind == "regression" else StratifiedShuffleSplit
    yield from divide(splits, test_size=HELD_OUT, random_state=seed).split(data.X, data.y)
