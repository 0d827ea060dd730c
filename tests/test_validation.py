"""What passes without scikit-learn's check is what that check returns as it is; all else gets its conversions and errors."""

import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from models import LinearRegression, LogisticRegression
from models.validation import check_labels, classes_of, examples, features, has_few

X = np.arange(6.0).reshape(3, 2)
Y = np.array([0, 1, 0])
LARGE = np.full((3, 2), np.finfo(float).max)  # finite, though its sum is not
PAIRS = {
    "floats": (X, Y),
    "float32": (X.astype(np.float32), Y),
    "columns": (np.asfortranarray(X), Y),
    "another byte order": (X.astype(">f8"), Y.astype(">i8")),
    "finite with an infinite sum": (LARGE, Y),
    "whole numbers": (X.astype(int), Y),
    "lists": (X.tolist(), Y.tolist()),
    "targets of float": (X, Y + 0.5),
    "targets of bool": (X, Y > 0),
    "targets of objects": (X, Y.astype(object)),
    "targets in a column": (X, Y[:, np.newaxis]),
    "a matrix of NumPy's": (np.asmatrix(X), Y),
    "NaN": (np.where(X > 4, np.nan, X), Y),
    "infinite both ways": (np.where(X > 4, np.inf, np.where(X < 1, -np.inf, X)), Y),
    "NaN in the targets": (X, np.array([0, np.nan, 1])),
    "more targets": (X, np.array([0, 1, 0, 1])),
    "no targets": (X, None),
    "no example": (np.empty((0, 2)), np.empty(0)),
    "no feature": (np.empty((3, 0)), Y),
    "a vector": (X[:, 0], Y),
    "complex": (X + 1j, Y),
    "text": (X.astype(str), Y),
}


def outcome(check: Any) -> Any:
    """What a check returns, with its dtypes, and what it raises and warns of."""
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        try:
            returned = check()
            found: Any = [(np.asarray(x).dtype, type(x), np.asarray(x).tolist()) for x in returned or ()]
        except (TypeError, ValueError) as error:
            found = f"{type(error)}: {error}"
    return found, [f"{warning.message}" for warning in issued]


@pytest.mark.parametrize("estimator", [LogisticRegression, LinearRegression])
@pytest.mark.parametrize(("X", "y"), PAIRS.values(), ids=PAIRS)
def test_examples(estimator: Any, X: Any, y: Any) -> None:
    own, other = estimator(), estimator()
    settings: Any = {"accept_sparse": "csr", "dtype": (np.float64, np.float32), "y_numeric": is_regressor(other)}
    assert outcome(lambda: examples(own, X, y, True)) == outcome(lambda: validate_data(other, X, y, reset=True, **settings))
    assert getattr(own, "n_features_in_", None) == getattr(other, "n_features_in_", None)
    own.n_features_in_ = other.n_features_in_ = 3
    assert outcome(lambda: examples(own, X, y, False)) == outcome(lambda: validate_data(other, X, y, reset=False, **settings))
    del settings["y_numeric"]
    assert outcome(lambda: [features(own, X)]) == outcome(lambda: [validate_data(other, X, reset=False, **settings)])


def test_what_passes_is_not_copied() -> None:
    found, targets = examples(LogisticRegression(), X, Y, True)
    assert found is X
    assert targets is Y


def test_the_names_of_an_earlier_fit_are_forgotten() -> None:
    model = LogisticRegression()
    model.feature_names_in_ = np.array(["a", "b"], object)
    examples(model, X, Y, True)
    assert not hasattr(model, "feature_names_in_")


LABELS = {
    "two": np.tile([0, 1], 20),
    "negative": np.tile([-3, 2, 5], 10),
    "far apart": np.tile([0, 10**9], 20),
    "each its own": np.arange(40),
    "half their count": np.tile(np.arange(20), 2),
    "the whole range of int8": np.tile(np.arange(-128, 128), 3).astype(np.int8),
    "the largest": np.tile(np.array([2**64 - 2, 2**64 - 1], np.uint64), 20),
    "the smallest": np.tile([-(2**63), -(2**63) + 1], 20),
    "both ends": np.tile([-(2**63), 2**63 - 1], 20),
    "floats": np.tile([0.0, 1.0], 20),
    "fractions": np.tile([0.5, 1.0], 20),
    "text": np.tile(["no", "yes"], 20),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels(y: Any) -> None:
    found, expected = classes_of(y), np.unique(y)
    assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist())
    assert outcome(partial(check_labels, y)) == outcome(partial(check_classification_targets, y))


@pytest.mark.parametrize("given", [[2, 1], np.array([], int), np.zeros((9, 2), int)])
def test_classes_are_given_in_any_form(given: Any) -> None:
    assert classes_of(given).tolist() == np.unique(given).tolist()


def test_few_labels_need_no_sorting() -> None:
    assert [name for name, y in LABELS.items() if has_few(y)] == [
        "two",
        "negative",
        "half their count",
        "the whole range of int8",
        "the largest",
        "the smallest",
    ]
