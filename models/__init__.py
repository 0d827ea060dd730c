"""Models that use only the public interface of tinygraph: each file defines a forward pass, each class an estimator."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.estimators import (
        LinearRegression,
        LogisticRegression,
        MLPClassifier,
        MLPRegressor,
        SoftmaxRegression,
    )

__all__ = ["LinearRegression", "LogisticRegression", "MLPClassifier", "MLPRegressor", "SoftmaxRegression"]


def __getattr__(name: str) -> Any:
    """Import the estimators on first use, so that `python -m models.logistic_regression` runs a module that is not loaded yet."""
    if name in __all__:
        from models.extras import advice

        if missing := advice():
            raise ImportError(f"models.{name}: {missing}")
        return getattr(import_module("models.estimators"), name)
    raise AttributeError(f"module 'models' has no attribute {name!r}: its estimators are {', '.join(__all__)}")
