"""Read a fitted model: its last step, its layers, its hyperplane and its columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Layer(NamedTuple):
    """Weights of shape (inputs, units) and biases of shape (units,)."""

    W: Array
    b: Array


def last_step(model: Any) -> Any:
    """The model itself, or the last step of a Pipeline."""
    return model.steps[-1][1] if hasattr(model, "steps") else model


def inputs_of_last_step(model: Any, X: Any) -> Any:
    """The examples as the last step of a Pipeline is given them, scaled for instance."""
    return model[:-1].transform(X) if hasattr(model, "steps") and len(model.steps) > 1 else X


def attribute(model: Any, name: str, plot: str) -> Any:
    """An attribute that `fit` sets. Raises ValueError where it is missing, and says which plot needs it."""
    fitted = last_step(model)
    if not hasattr(fitted, name):
        raise ValueError(f"{plot} needs {name}, which {type(fitted).__name__} does not have: give a fitted model that has it")
    return getattr(fitted, name)


def layers(model: Any, plot: str) -> list[Layer]:
    """The layers of a linear model (one) or of a multilayer perceptron, first to last.

    Raises ValueError for a model that is not fitted or has neither.
    """
    fitted = last_step(model)
    parameters = getattr(fitted, "parameters_", {})
    if "layer1" in parameters:
        names = [f"layer{k}" for k in range(1, len(parameters) + 1)]
        return [Layer(np.asarray(parameters[name]["W"]), np.asarray(parameters[name]["b"])) for name in names]
    W = np.atleast_2d(attribute(model, "coef_", plot)).T
    return [Layer(W, np.broadcast_to(attribute(model, "intercept_", plot), W.shape[1]))]


def matrix(X: Any) -> Array:
    """Examples of shape (m, n) as numbers: of an array, a data frame or a sparse matrix.

    Raises ValueError for another number of dimensions, and for NaN or infinity.
    """
    numbers = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
    if numbers.ndim != 2:
        raise ValueError(f"X must have shape (examples, features); it has shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError("X contains NaN or infinity, which cannot be drawn")
    return numbers


def labels(model: Any, y: Any, examples: int, plot: str) -> Array:
    """The position in `classes_` of each label of y.

    Raises ValueError for a number of labels that is not `examples`, and for a label that the model does not know.
    """
    classes = list(attribute(model, "classes_", plot))
    y = np.asarray(y)
    if y.shape != (examples,):
        raise ValueError(f"y must hold one label for each of the {examples} examples; it has shape {y.shape}")
    unknown = [label for label in dict.fromkeys(y.tolist()) if label not in classes]
    if unknown:
        raise ValueError(f"y holds {unknown[0]!r}, which is not among the classes of the model: {classes}")
    return np.array([classes.index(label) for label in y.tolist()], dtype=int)


def shortened(name: Any) -> str:
    """A name as a picture has room for: 40 letters of it.

    >>> shortened("a" * 100) == "a" * 39 + "…"
    True
    """
    text = str(name)
    return text if len(text) <= 40 else f"{text[:39]}…"


def class_names(model: Any) -> list[str]:
    """The labels of the classes, as pictures show them; none for a regression."""
    return [shortened(_whole(label)) for label in getattr(last_step(model), "classes_", ())]


def _whole(label: Any) -> Any:
    """A label that is a whole number, such as 1.0, as people write it: 1."""
    return int(label) if isinstance(label, float | np.floating) and label.is_integer() else label


def feature_names(model: Any, X: Any) -> list[str] | None:
    """The names of the columns that the model was fitted on, else those of X; None where they are missing or just x1, x2, ..."""
    names = [shortened(name) for name in getattr(model, "feature_names_in_", getattr(X, "columns", ()))]
    return None if names == [f"x{k}" for k in range(1, len(names) + 1)] else names


def as_fitted(model: Any, X: Array) -> Any:
    """X as a data frame for a model that was fitted on one, so that it knows its columns again."""
    if not hasattr(model, "feature_names_in_"):
        return X
    import pandas as pd

    return pd.DataFrame(X, columns=model.feature_names_in_)


def hyperplane(model: Any, points: Array) -> tuple[Array, float] | None:
    """w of shape (n,) and b such that the logit of every point is w·x + b; None where no plane gives the logits.

    The model may be a Pipeline whose earlier steps are affine, a scaler for instance: w and b are of the features before them.
    """
    if not hasattr(model, "decision_function"):
        return None
    centre, spread = points.mean(axis=0), points.std(axis=0)
    spread[spread == 0] = 1
    logits = model.decision_function(as_fitted(model, np.vstack([centre, centre + np.diag(spread)])))
    if np.ndim(logits) != 1:
        return None
    w = (logits[1:] - logits[0]) / spread  # one point a feature, each a spread away from the first
    b = logits[0] - w @ centre
    expected = model.decision_function(as_fitted(model, points))
    within = 1e-4 * np.max(np.abs(expected))  # float32 models are exact to about 1e-6 of it
    flat = np.max(np.abs(points @ w + b - expected)) <= within
    return (w, float(b)) if flat and w.any() else None
