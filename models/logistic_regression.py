"""Binary logistic regression: z = X w + b, a = σ(z), and the mean cross-entropy made small by gradient descent.

`python -m models.logistic_regression` trains it on scikit-learn's breast-cancer data and walks one example through the graph.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data
from tqdm import tqdm

import tinygraph as tg

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]


class Step(NamedTuple):
    """The state of the descent before one update: weights, bias, loss and the largest entry of the gradient."""

    w: FloatArray
    b: Any
    loss: float
    slope: float


class LogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Logistic regression for two classes, vectorised over m examples, fitted by gradient descent on the loss from logits.

    Parameters: `learning_rate` (> 0), `max_iter` updates at most, `tol`, the largest entry of the gradient at which it stops,
    `random_state` for the initial weights (normal, standard deviation 0.01), `verbose` for a progress bar.

    After `fit`: `coef_` of shape (1, n), `intercept_` of shape (1,), `classes_`, `n_iter_`, `loss_curve_` (mean training loss
    before each update and after the last) and `stop_reason_`.

    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array(["no", "no", "yes", "yes"])
    >>> model = LogisticRegression(max_iter=100, random_state=0).fit(X, y)
    >>> [str(label) for label in model.predict([[-3.0], [3.0]])]
    ['no', 'yes']
    """

    def __init__(
        self,
        learning_rate: float = 0.5,
        max_iter: int = 1000,
        tol: float = 1e-4,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to X of shape (m, n) and labels y of shape (m,) with two classes.

        Raises ValueError for lengths that differ, for one class or more than two, for NaN or infinity in X, for a setting out
        of range, and when the loss stops being finite.
        """
        self._check_settings()
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                f"Only binary classification is supported. The labels hold {len(self.classes_)} class"
                f"{'' if len(self.classes_) == 1 else 'es'}, and logistic regression needs 2."
            )
        self.loss_curve_: list[float] = []
        self.stop_reason_ = "interrupted"
        step: Step | None = None
        bar = tqdm(total=self.max_iter, desc="gradient descent", unit="step", disable=not self.verbose)
        try:
            for step in self._descent(X, labels.astype(X.dtype)):
                self.loss_curve_.append(step.loss)
                bar.update(len(self.loss_curve_) - 1 - bar.n)
                bar.set_postfix(loss=f"{step.loss:.4f}", refresh=False)
                if not np.isfinite(step.loss):
                    raise ValueError(f"the loss became {step.loss} after {bar.n} updates: lower learning_rate")
                if step.slope <= self.tol:
                    self.stop_reason_ = f"the largest gradient entry, {step.slope:.2e}, is within tol={self.tol}"
                    break
            else:
                self.stop_reason_ = f"reached max_iter={self.max_iter}"
        finally:
            bar.close()
            # `step` is replaced as a whole, so that an interrupt leaves w and b of the same update.
            if step is not None:
                self.coef_, self.intercept_ = step.w[np.newaxis], np.array([step.b])
                self.n_iter_ = len(self.loss_curve_) - 1
        return self

    def _check_settings(self) -> None:
        if not (isinstance(self.learning_rate, Real) and 0 < self.learning_rate < np.inf):
            raise ValueError(f"learning_rate={self.learning_rate!r} must be a finite number above 0")
        if not (isinstance(self.max_iter, Integral) and self.max_iter > 0):
            raise ValueError(f"max_iter={self.max_iter!r} must be a whole number above 0")
        if not (isinstance(self.tol, Real) and 0 <= self.tol < np.inf):
            raise ValueError(f"tol={self.tol!r} must be a finite number of at least 0")

    def _descent(self, X: FloatArray, y: FloatArray) -> Iterator[Step]:
        """Each state of gradient descent, from the random start to the last update."""
        random = check_random_state(self.random_state)
        w, b = random.normal(scale=0.01, size=X.shape[1]).astype(X.dtype), X.dtype.type(0)
        for update in range(self.max_iter + 1):
            w_node, b_node = tg.parameter(w, copy=False), tg.parameter(b)
            L = tg.binary_cross_entropy_with_logits(X @ w_node + b_node, y)
            dw, db = tg.gradients(L, w_node, b_node)
            yield Step(w, b, L.item(), float(max(np.max(np.abs(dw)), abs(db))))
            if update < self.max_iter:
                rate = X.dtype.type(self.learning_rate)
                w, b = w - rate * dw, b - rate * db

    def decision_function(self, X: Any) -> FloatArray:
        """The logits z = X w + b, of shape (m,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        logits: FloatArray = X @ self.coef_[0] + self.intercept_[0]
        return logits

    def predict_proba(self, X: Any) -> FloatArray:
        """The probabilities of the two classes, of shape (m, 2)."""
        z = self.decision_function(X)
        return np.stack([tg.sigmoid(-z), tg.sigmoid(z)], axis=1)

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The more probable class of each example, of shape (m,)."""
        above = (self.decision_function(X) > 0).astype(int)
        labels: np.ndarray[Any, Any] = self.classes_[above]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class Walk(NamedTuple):
    """One example through the graph, with the parameter whose gradient is largest."""

    graph: tg.Graph
    largest: int


def walk(model: LogisticRegression, x: FloatArray, y: float) -> Walk:
    """Record the textbook graph of one example x of shape (n,) with label y, 0 or 1, forward and backward."""
    x_node, y_node = tg.constant(x), tg.constant(float(y))
    w, b = tg.parameter(model.coef_[0]), tg.parameter(model.intercept_[0])
    z = x_node @ w + b
    a = tg.sigmoid(z)
    L = -(y_node * np.log(a) + (1 - y_node) * np.log(1 - a))
    graph = tg.Graph(L, names={"x": x_node, "y": y_node, "w": w, "b": b, "z": z, "a": a, "L": L})
    dw = graph.backprop()["dw"].value
    return Walk(graph, int(np.argmax(np.abs(dw))))


def describe_walk(one: Walk, features: list[str]) -> str:
    """The walk as text: every statement with its value, and of dw the largest entry with its feature."""
    graph, k = one
    x, y = graph["x"].value, graph["y"].value
    notes = {
        "z": "the logit",
        "a": f"the probability of class 1; the label is y = {y:.0f}",
        "L": "the loss",
        "dz": "∂L/∂z, which is a - y",
        "dw": f"[{k}], the largest of {len(x)}: {features[k]}, x[{k}] = {x[k]:.4f}",
    }
    rows = []
    for statement in graph.statements():
        value = statement.value[k] if statement.shape else statement.value
        rows.append((f"{statement.name} = {statement.right}", value, notes.get(statement.name, "")))
    width = max(len(left) for left, _, _ in rows)
    return "\n".join(f"  {left:<{width}} = {value:>11.6f}   {note}".rstrip() for left, value, note in rows)


def training_graph(model: LogisticRegression, X: FloatArray, y: FloatArray) -> tg.Graph:
    """One step of the training, recorded on all examples: X of shape (m, n), labels y of shape (m,)."""
    w, b = tg.parameter(model.coef_[0]), tg.parameter(model.intercept_[0])
    z = X @ w + b
    L = tg.binary_cross_entropy_with_logits(z, y)
    graph = tg.Graph(L, names={"X": X, "y": y, "w": w, "b": b, "z": z, "L": L})
    graph.backprop()
    return graph


def fitted(X: FloatArray, y: np.ndarray[Any, Any], options: argparse.Namespace, verbose: bool = False) -> Pipeline:
    """Standardise and fit."""
    model = LogisticRegression(options.learning_rate, options.max_iter, options.tol, options.seed, verbose)
    return make_pipeline(StandardScaler(), model).fit(X, y)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.logistic_regression", description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=0.5, help="size of a step (default: %(default)s)")
    parser.add_argument("--max-iter", type=int, default=1000, help="updates at most (default: %(default)s)")
    parser.add_argument("--tol", type=float, default=1e-3, help="gradient at which to stop (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of splits and initial weights (default: %(default)s)")
    parser.add_argument("--splits", type=int, default=10, help="stratified splits to average over (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: %(default)s)")
    options = parser.parse_args(argv)
    for name, least, above in (("learning_rate", 0, True), ("max_iter", 1, False), ("tol", 0, False), ("splits", 1, False)):
        value = getattr(options, name)
        if not (least < value < np.inf or (value == least and not above)):
            parser.error(f"--{name.replace('_', '-')} {value} must be {'above' if above else 'at least'} {least}, and finite")
    if not 0 <= options.seed < 2**32:
        parser.error(f"--seed {options.seed} must be at least 0 and below 2**32")
    return options


def main(argv: list[str] | None = None) -> None:
    """Train, report, and walk one held-out example."""
    options = arguments(argv)
    data = load_breast_cancer()
    X, X_test, y, y_test = train_test_split(data.data, data.target, stratify=data.target, random_state=options.seed)
    try:
        pipeline = fitted(X, y, options, verbose=True)
    except ValueError as error:  # the descent leaves what floats can hold
        raise SystemExit(f"{error}") from None
    model = pipeline[-1]
    print(f"breast cancer: {len(X)} training and {len(X_test)} test examples, {X.shape[1]} features, standardised")
    print(f"stopped after {model.n_iter_} updates: {model.stop_reason_}")
    for name, inputs, labels in (("training", X, y), ("test", X_test, y_test)):
        loss = log_loss(labels, pipeline.predict_proba(inputs))
        print(f"{name:>8}: loss {loss:.4f}, accuracy {pipeline.score(inputs, labels):.4f}")

    splits = StratifiedShuffleSplit(options.splits, random_state=options.seed).split(data.data, data.target)
    scores = [fitted(data.data[i], data.target[i], options).score(data.data[j], data.target[j]) for i, j in splits]
    print(f"test accuracy over {len(scores)} stratified splits: mean {np.mean(scores):.4f}, lowest {np.min(scores):.4f}")

    k = int(np.argmin(np.abs(pipeline.decision_function(X_test))))
    print("\nthe least certain test example, forward and backward through the graph:")
    with np.errstate(all="ignore"):
        one = walk(model, pipeline[0].transform(X_test)[k], y_test[k])
    broken = tg.find_nonfinite(one.graph)
    if broken is not None:
        raise SystemExit(f"{broken}\nthe model is too sure of this example to take logarithms: lower --learning-rate")
    print(describe_walk(one, list(data.feature_names)))

    options.out.mkdir(parents=True, exist_ok=True)
    whole = training_graph(model, pipeline[0].transform(X), y.astype(float))
    files = [
        whole.draw().save(options.out / "model.svg"),
        one.graph.draw().save(options.out / "example.svg"),
        one.graph.view().save(options.out / "example.html"),
        one.graph.stepper().save(options.out / "walk.html"),
    ]
    print(f"\nthe model, the example, and its walk step by step: {', '.join(map(str, files))}")


if __name__ == "__main__":
    main()
