"""Examples as scikit-learn checks them; arrays that its check would return as they are pass without it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from models import chunked
from models.chunked import FLOATS, refuse_frames


def examples(estimator: Any, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
    """X and y as arrays, both of dask or of neither, or X as a sparse `csr_array`; `reset` learns the number and the names of
    the features.

    Raises ValueError or TypeError for what scikit-learn takes for no examples.
    """
    refuse_frames(X, y)
    if chunked.is_chunked(X) or chunked.is_chunked(y):
        if not reset:
            raise TypeError("`fit` and the predictions take dask arrays, and nothing else: pass X.compute() and y.compute()")
        X, y = chunked.examples(X, y, is_regressor(estimator))
        estimator.n_features_in_ = X.shape[1]
        return X, y
    passes = _passes(X) and _are_targets(y, len(X))
    if passes and reset and not hasattr(estimator, "feature_names_in_"):
        estimator.n_features_in_ = X.shape[1]
        return X, y
    numbers = not passes and is_regressor(estimator)
    checked: tuple[Any, Any] = validate_data(
        estimator, X, y, reset=reset, skip_check_array=passes, accept_sparse="csr", dtype=FLOATS, y_numeric=numbers
    )
    return checked


def features(estimator: Any, X: Any) -> Any:
    """The same for X alone, with the features of the fit."""
    refuse_frames(X)
    return validate_data(estimator, X, reset=False, skip_check_array=_passes(X), accept_sparse="csr", dtype=FLOATS)


def check_labels(y: Any) -> None:
    """Raise ValueError for checked targets that are no labels, and warn where nearly each example has a label of its own."""
    if not chunked.is_chunked(y) and not has_few(y):
        check_classification_targets(y)


def classes_of(y: Any) -> Any:
    """The labels that occur, sorted."""
    if chunked.is_chunked(y):
        return chunked.classes_of(y)
    if not has_few(y):
        return np.unique(y)
    least = y.min()
    return np.flatnonzero(np.bincount(y.astype(np.int64) - least.astype(np.int64))).astype(y.dtype) + least


def has_few(y: Any) -> bool:
    """Whether targets are whole numbers that lie closer together than half their count: labels, and not one for each example."""
    if type(y) is not np.ndarray or y.dtype.kind not in "iu" or y.ndim != 1 or not y.size:
        return False
    return 2 * (int(y.max()) - int(y.min()) + 1) <= len(y)


def _passes(X: Any) -> bool:
    """Whether X is a matrix of finite floats."""
    return type(X) is np.ndarray and X.dtype in FLOATS and X.ndim == 2 and X.size > 0 and _is_finite(X)


def _are_targets(y: Any, count: int) -> bool:
    """Whether y holds a finite number for each example."""
    return type(y) is np.ndarray and y.dtype.kind in "iuf" and y.shape == (count,) and _is_finite(y)


def _is_finite(x: Any) -> bool:
    """Whether the entries are finite; where their sum is not, they may be, and the check has a closer look."""
    with np.errstate(over="ignore", invalid="ignore"):
        return x.dtype.kind in "iu" or bool(np.isfinite(np.sum(x)))
