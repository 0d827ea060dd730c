"""The estimators: what is specific to each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

import tinygraph as tg
from models import linear_regression, logistic_regression, mlp_classifier, mlp_regressor, softmax_regression
from models.chunked import by_chunks, is_chunked, refuse_frames
from models.estimator import Estimator, moves_by_batches
from models.objective import Examples
from models.separation import separable
from models.standard_errors import Statistics
from models.trainer import Training
from models.tree import Tree, last
from models.validation import check_labels, classes_of
from models.words import counted

NO_OPTIMUM = "no finite optimum: the classes can be separated, so the loss falls for ever as the weights grow. Set l2 above 0"


@dataclass(kw_only=True, eq=False, repr=False)
class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A model that predicts numbers."""

    def _check(self) -> None:
        super()._check()
        if self.early_stopping == "accuracy":
            raise ValueError('early_stopping="accuracy" needs a classifier: set early_stopping=True')

    @by_chunks
    def predict(self, X: Any) -> Any:
        """The predictions for X of shape (m, n), of shape (m,)."""
        return self._outputs(X)


@dataclass(kw_only=True, eq=False, repr=False)
class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]  # likewise
    """A model that predicts probabilities of classes."""

    class_weight: Any = None
    """"balanced", or a dict of classes and their weights, by which the examples are weighed."""

    @by_chunks
    def decision_function(self, X: Any) -> Any:
        """The logits: of shape (m,) for two classes, of class 1 against class 0, else (m, K)."""
        Z = self._logits(self._outputs(X))
        return Z[:, 1] - Z[:, 0] if Z.shape[1] == 2 else Z

    @by_chunks
    def predict_proba(self, X: Any) -> Any:
        """The probabilities of the classes, of shape (m, K)."""
        return self._proportions(self._logits(self._outputs(X)))

    @by_chunks
    def predict(self, X: Any) -> Any:
        """The most probable class of each example, of shape (m,)."""
        chosen = self._chosen(self._outputs(X))
        return self.classes_[chosen]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of right answers for labels, or one-hot rows, y."""
        return float(super().score(X, _from_one_hot(y)[0], sample_weight))

    if TYPE_CHECKING:  # it is there for some solvers alone

        def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
            """Continue from the current parameters with one pass over these examples."""
    else:

        @available_if(moves_by_batches)
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            """Continue from the current parameters with one pass over the examples, for "gd", "momentum" and "adam".

            Pass `classes`, all that can occur in later calls, to the first call; by default they are those of its examples.
            """
            return self._partial_fit(X, y, classes, sample_weight)

    def _logits(self, outputs: Any) -> Any:
        """The outputs as one logit a class, of shape (m, K)."""
        return outputs

    def _proportions(self, Z: Any) -> Any:
        """The probabilities of the classes from their logits."""
        return tg.softmax(Z)

    def _checked(self, X: Any, y: Any, reset: bool = True) -> tuple[Any, Any]:
        numbers, columns = _from_one_hot(y)
        X, y = super()._checked(X, numbers, reset)
        if columns and not hasattr(self, "classes_"):
            self.classes_ = np.arange(columns)
            self._check_classes()
        check_labels(y)
        return X, y

    def _data(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Examples:
        is_new = not hasattr(self, "classes_")
        if is_new:
            self.classes_ = classes_of(y if classes is None else classes)
            self._check_classes()
        unknown: Any = np.empty(0) if is_new and classes is None else np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"the labels {unknown[:5].tolist()} are not among the classes {self.classes_.tolist()}: pass all classes="
            )
        data = super()._data(X, y, sample_weight)
        if self.class_weight is None:
            return data
        weights = self._class_weights(data)[np.searchsorted(self.classes_, y)].astype(X.dtype)
        return data._replace(weights=weights if data.weights is None else weights * data.weights)

    def _class_weights(self, data: Examples) -> Any:
        """The weight of each class: as given, or m / (K m_k) where class k has m_k of the m examples, counted by weight."""
        if self.class_weight == "balanced":
            counts = np.bincount(self._numbers(data.y), weights=data.weights, minlength=len(self.classes_))
            return np.sum(counts) / (len(counts) * np.maximum(counts, np.finfo(float).tiny))
        weights = np.array([self.class_weight.get(label, 1.0) for label in self.classes_.tolist()], float)
        if not np.all(np.isfinite(weights) & (weights >= 0)) or not np.any(weights):
            raise ValueError(f"class_weight={self.class_weight!r} must hold finite numbers of at least 0, not all of them 0")
        return weights

    def _check_stream(self, method: str) -> None:
        super()._check_stream(method)
        if self.class_weight == "balanced":
            raise ValueError(f"{method} does not know how often each class will come: give class_weight as a dict")

    def _check_classes(self) -> None:
        if len(self.classes_) < 2:
            raise ValueError(f"the labels hold 1 class, {self.classes_.tolist()}, and a classifier needs at least 2")

    def _targets(self, y: Any, dtype: Any) -> Any:
        """One-hot rows."""
        return (np.asarray(y)[:, np.newaxis] == self.classes_).astype(dtype)

    def _right(self, outputs: Any, y: Any) -> Any:
        return self._chosen(outputs) == y @ np.arange(1.0 * y.shape[1])  # the number of the class, as y has a single 1

    def _chosen(self, outputs: Any) -> Any:
        """The number of the most probable class of each example."""
        return np.argmax(outputs, axis=1)

    def _numbers(self, targets: Any) -> Any:
        """The number of the class of each example."""
        return np.argmax(targets, axis=1)

    def _probabilities(self, outputs: Any) -> dict[str, Any]:
        named: dict[str, Any] = self.model.probabilities(outputs)
        return named

    def _textbook_loss(self, values: dict[str, Any], y: Any) -> Any:
        """The loss from probabilities, which are added to the named values."""
        values.update(self._probabilities(last(values)))
        return self.model.textbook_loss(last(values), y)


@dataclass(kw_only=True, eq=False, repr=False)
class Linear(Estimator):
    """A model whose outputs are linear in the features and in the parameters, and whose loss is convex."""

    linear: ClassVar[bool] = True

    fit_intercept: bool = True
    """Whether the model has a bias b."""

    def _start(self, features: int, random: np.random.RandomState) -> Tree:
        parameters = self._parameters(features, random)
        return parameters if self.fit_intercept else {name: leaf for name, leaf in parameters.items() if name != "b"}

    def _parameters(self, features: int, random: np.random.RandomState) -> Tree:
        parameters: Tree = self.model.parameters(features, random)
        return parameters


@dataclass(kw_only=True, eq=False, repr=False)
class LinearRegression(Statistics, Linear, Regressor):
    """Linear regression by least squares. Parameters and attributes: see `Estimator`; `coef_` of shape (n,), `intercept_`.

    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> LinearRegression(tol=1e-10).fit(X, y).predict([[3.0]]).round(6)
    array([7.])
    """

    model: ClassVar[ModuleType] = linear_regression

    def _shown(self, parameters: Tree) -> dict[str, Any]:
        return {"coef_": parameters["w"], "intercept_": parameters.get("b", np.float64(0))[()]}

    def _dispersion(self, data: Examples, size: float, count: int) -> float:
        """-log of the likelihood is the mean squared error times m / (2 s²), where the noise s² is estimated."""
        if size <= count:
            needed = f"standard errors of {counted(count, 'parameter')} need more than {counted(count, 'example')}"
            raise ValueError(f"{needed}, and there are {size:g}")
        squared_errors = (self._outputs_of(data.X) - data.y) ** 2
        return float(2 * np.average(squared_errors, weights=data.weights) * size / (size - count))


@dataclass(kw_only=True, eq=False, repr=False)
class LinearClassifier(Linear, Classifier):
    """A linear classifier. Its loss has no finite minimum if a plane separates the classes and there is no penalty."""

    def _verdict(self, training: Training, data: Examples) -> str:
        ended = training.reason.startswith(("gradient", "plateau", "epochs", "rounding"))
        is_asked = ended and not self.l2 and not is_chunked(data.X)
        return NO_OPTIMUM if is_asked and self._separable(training, data) else training.reason

    def _separable(self, training: Training, data: Examples) -> bool:
        state = training.state()
        assert state is not None
        weighted = data if data.weights is None else data.rows(np.flatnonzero(data.weights))
        Z = self._logits(last(self._forward(weighted.X, state.parameters)))
        return any(separable(weighted.X, labels, scores, self.fit_intercept) for labels, scores in self._contests(weighted.y, Z))

    def _contests(self, targets: Any, Z: Any) -> list[tuple[Any, Any]]:
        """Labels and logits of each choice that the model makes."""
        return [(self._numbers(targets), Z)]


@dataclass(kw_only=True, eq=False, repr=False)
class LogisticRegression(Statistics, LinearClassifier):
    """Logistic regression for two classes. Parameters and attributes: see `Estimator`; `coef_` (1, n), `intercept_` (1,).

    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array(["no", "no", "yes", "yes"])
    >>> model = LogisticRegression(l2=0.1).fit(X, y)
    >>> [str(label) for label in model.predict([[-3.0], [3.0]])]
    ['no', 'yes']
    """

    model: ClassVar[ModuleType] = logistic_regression

    def _check_classes(self) -> None:
        super()._check_classes()
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. The labels hold {len(self.classes_)} classes: use SoftmaxRegression"
            )

    def _targets(self, y: Any, dtype: Any) -> Any:
        """0 and 1."""
        return (np.asarray(y) == self.classes_[1]).astype(dtype)

    def _numbers(self, targets: Any) -> Any:
        return targets.astype(int)

    def _chosen(self, outputs: Any) -> Any:
        return (outputs > 0).astype(int)

    def _right(self, outputs: Any, y: Any) -> Any:
        return (outputs > 0) == (y > 0)

    def _logits(self, outputs: Any) -> Any:
        return np.stack([np.zeros_like(outputs), outputs], axis=1)

    def _shown(self, parameters: Tree) -> dict[str, Any]:
        return {"coef_": parameters["w"][np.newaxis], "intercept_": np.reshape(parameters.get("b", 0.0), 1)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


@dataclass(kw_only=True, eq=False, repr=False)
class SoftmaxRegression(LinearClassifier):
    """Softmax regression for K classes. Parameters and attributes: see `Estimator`; `coef_` of shape (K, n), `intercept_` (K,).

    Labels y of shape (m,), or one-hot rows of shape (m, K), whose classes are the numbers of the columns.

    >>> X, y = np.array([[-2.0], [0.1], [2.0]]), np.array(["low", "middle", "high"])
    >>> SoftmaxRegression(l2=0.01).fit(X, y).predict([[-3.0], [3.0]]).tolist()
    ['low', 'high']
    """

    multi: str = "softmax"
    """"softmax", or "ovr" for K logistic regressions, each of one class against the rest."""

    model: ClassVar[ModuleType] = softmax_regression
    target: ClassVar[str] = "Y"

    def _parameters(self, features: int, random: np.random.RandomState) -> Tree:
        return self.model.parameters(features, len(self.classes_), random)

    def _loss(self, outputs: Any, y: Any, reduction: Any = "mean") -> Any:
        loss = softmax_regression.loss if self.multi == "softmax" else softmax_regression.loss_of_sigmoids
        return loss(outputs, y, reduction)

    def _probabilities(self, outputs: Any) -> dict[str, Any]:
        return (softmax_regression.probabilities if self.multi == "softmax" else softmax_regression.sigmoids)(outputs)

    def _textbook_loss(self, values: dict[str, Any], y: Any) -> Any:
        if self.multi == "softmax":
            return super()._textbook_loss(values, y)
        values.update(self._probabilities(last(values)))
        return softmax_regression.textbook_loss_of_sigmoids(last(values), y)

    def _proportions(self, Z: Any) -> Any:
        # σ(z) over the sum of all σ(z), by logarithms, so that it holds where every σ(z) is 0.
        return tg.softmax(Z if self.multi == "softmax" else -tg.softplus(-Z))

    def _contests(self, targets: Any, Z: Any) -> list[tuple[Any, Any]]:
        if self.multi == "softmax":
            return super()._contests(targets, Z)
        return [(y.astype(int), np.stack([np.zeros_like(z), z], axis=1)) for y, z in zip(targets.T, Z.T, strict=True)]

    def _shown(self, parameters: Tree) -> dict[str, Any]:
        return {"coef_": parameters["W"].T, "intercept_": parameters.get("b", np.zeros(len(self.classes_)))}


@dataclass(kw_only=True, eq=False, repr=False)
class Network(Estimator):
    """A multilayer perceptron."""

    hidden_layer_sizes: Sequence[int] = (16,)
    """The number of units of each hidden layer."""
    activation: str = "tanh"
    """That of the hidden layers: "sigmoid", "tanh" or "relu"."""
    init_scale: float = 1.0
    """Multiplies the initial weights. With 0 the units of a layer stay alike, and the network does not learn."""

    def _check(self) -> None:
        super()._check()
        if self.solver == "newton":
            raise ValueError('solver="newton" needs a convex loss, and that of a network is not: choose "newton-cg" or "lbfgs"')

    def _start(self, features: int, random: np.random.RandomState) -> Tree:
        outputs = len(self.classes_) if hasattr(self, "classes_") else 1
        parameters: Tree = self.model.parameters([features, *self.hidden_layer_sizes, outputs], self.init_scale, random)
        return parameters

    def _forward(self, X: Any, parameters: Tree) -> dict[str, Any]:
        # That of the fit, whatever is set after it.
        values: dict[str, Any] = self.model.forward(X, getattr(self, "activation_", self.activation), **parameters)
        return values

    def _shown(self, parameters: Tree) -> dict[str, Any]:
        return {"activation_": self.activation}


@dataclass(kw_only=True, eq=False, repr=False)
class MLPClassifier(Network, Classifier):
    """A multilayer perceptron with softmax outputs. Parameters and attributes: see `Estimator`.

    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> MLPClassifier(hidden_layer_sizes=(8,), random_state=0).fit(X, y).predict(X).tolist()
    [0, 1, 1, 0]
    """

    model: ClassVar[ModuleType] = mlp_classifier
    target: ClassVar[str] = "Y"


@dataclass(kw_only=True, eq=False, repr=False)
class MLPRegressor(Network, Regressor):
    """A multilayer perceptron with one linear output. Parameters and attributes: see `Estimator`.

    >>> X = np.linspace(-1, 1, 9)[:, np.newaxis]
    >>> bool(MLPRegressor(random_state=0).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    model: ClassVar[ModuleType] = mlp_regressor
    target: ClassVar[str] = "Y"

    def _targets(self, y: Any, dtype: Any) -> Any:
        return super()._targets(y, dtype)[:, np.newaxis]

    @by_chunks
    def predict(self, X: Any) -> Any:
        """The predictions for X of shape (m, n), of shape (m,)."""
        return self._outputs(X)[:, 0]


def _from_one_hot(y: Any) -> tuple[Any, int]:
    """The numbers of the columns with a 1, and how many columns there are, where y is one-hot rows; else y and 0."""
    refuse_frames(y)
    if is_chunked(y):
        return y, 0
    rows = np.asarray(y)
    if rows.ndim != 2 or rows.shape[1] < 2:
        return y, 0
    one_hot = rows.dtype.kind in "biuf" and np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()
    return (np.argmax(rows, axis=1), rows.shape[1]) if one_hot else (y, 0)
