"""The function that training minimises: the weighted mean of the losses of all examples, plus the L2 penalty of a Gaussian prior.

This is the one place where the models ask the engine for a loss, a gradient or a product with the Hessian.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from models.recorded_loss import recorded_loss
from models.tree import Layout, Tree, paths

RECORDED = 3  # evaluations that record the graph, before a program that replays it is worth its compilation


class Examples(NamedTuple):
    """Examples X of shape (m, n), dense or sparse, their targets y, and their weights, of mean 1 over all (None: all are 1)."""

    X: Any
    y: Any
    weights: Any = None

    def rows(self, chosen: Any) -> Examples:
        """The examples that `chosen`, an array of whole numbers or a slice, names."""
        return Examples(self.X[chosen], self.y[chosen], None if self.weights is None else self.weights[chosen])

    def normalised(self) -> Examples:
        """The examples with weights of mean 1."""
        return self if self.weights is None else self._replace(weights=self.weights / np.mean(self.weights))

    def arrays(self) -> dict[str, Any]:
        """The arrays that are not None, by name."""
        return {name: array for name, array in self._asdict().items() if array is not None}

    @property
    def size(self) -> float:
        """The sum of the weights: the number of examples where all weigh the same."""
        return float(self.y.shape[0] if self.weights is None else np.sum(self.weights))


class Evaluation(NamedTuple):
    """The loss at some parameters, its gradient (a tree like theirs, or a vector), and the share of right answers."""

    loss: float
    gradient: Any
    accuracy: float


class Objective:
    """The loss of a parameter tree on data: the weighted mean over the examples, plus l2 / 2 times the sum of squared weights.

    The weights of all examples have the mean 1, so a batch of heavy examples makes a larger step than one of light ones.

    `outputs(parameters, X)` gives the logits or predictions of the examples, `loss_of(outputs, y, reduction)` their mean loss or,
    where reduction is "none", the loss of each, and `accuracy(outputs, data)` the share of right answers. Biases, the leaves
    called "b", are not penalised. Where the loss of an example is minus a log-likelihood, m l2 / 2 times the sum of squares is
    minus the logarithm of a Gaussian prior with variance 1 / (m l2), and the minimum is the most probable parameter after seeing
    m examples.
    """

    def __init__(
        self,
        outputs: Callable[[Tree, Any], Any],
        loss_of: Callable[[Any, Any, Any], Any],
        accuracy: Callable[[Any, Examples], float],
        l2: float = 0.0,
    ) -> None:
        self.outputs = outputs
        self.loss_of = loss_of
        self.accuracy = accuracy
        self.l2 = float(l2)
        self._seen: Counter[Any] = Counter()
        self._programs: dict[Any, Callable[[Tree, Tree], tuple[float, Tree]]] = {}

    def loss(self, parameters: Tree, data: Examples) -> Any:
        """The penalised mean loss: a number for arrays, a Node for Nodes."""
        return self._loss_and_outputs(parameters, data)[0]

    def _loss_and_outputs(self, parameters: Tree, data: Examples) -> tuple[Any, Any]:
        outputs = self.outputs(parameters, data.X)
        if data.weights is None:
            mean = self.loss_of(outputs, data.y, "mean")
        else:
            mean = np.mean(data.weights * self.loss_of(outputs, data.y, "none"))
        if self.l2:
            mean = mean + self.l2 / 2 * sum(np.sum(leaf**2) for path, leaf in paths(parameters) if path[-1] != "b")
        return mean, outputs

    def measure(self, parameters: Tree, data: Examples) -> tuple[float, float]:
        """The penalised mean loss, and the share of right answers (NaN for regression)."""
        with np.errstate(over="ignore", invalid="ignore"):  # the loss says so
            loss, outputs = self._loss_and_outputs(parameters, data)
        return float(loss), self.accuracy(outputs, data)

    def evaluate(self, parameters: Tree, data: Examples) -> Evaluation:
        """The penalised mean loss, its gradient, and the share of right answers (NaN for regression).

        The first calls record the graph; then a program that replays it takes over, which differs in rounding alone.
        """
        arrays = data.arrays()
        form = tuple((name, type(array), *(min(size, 2) for size in array.shape)) for name, array in arrays.items())
        self._seen[form] += 1
        if self._seen[form] <= RECORDED:
            both = tg.value_and_grad(self._loss_and_outputs, has_aux=True)
            (loss, outputs), gradient = both(parameters, _recordable(data))
            return Evaluation(float(loss), gradient, self.accuracy(outputs, data))
        if form not in self._programs:
            few = data.rows(slice(2)).arrays()  # what is recorded stays in memory
            self._programs[form] = recorded_loss(lambda tree, data: self.loss(tree, Examples(**data)), parameters, few)
        loss, gradient = self._programs[form](parameters, arrays)
        return Evaluation(loss, gradient, self.accuracy(self.outputs(parameters, data.X), data))

    def product(self, parameters: Tree, data: Examples, direction: Tree) -> Tree:
        """The product of the Hessian at the parameters with a direction, a tree like that of the parameters."""
        product: Tree = tg.hvp(self.loss)(parameters, _recordable(data), direction)
        return product

    def hessian(self, parameters: Tree, data: Examples) -> Any:
        """The Hessian as a matrix over all parameters, in the order of `Layout`."""
        layout, recordable = Layout(parameters, np.float64), _recordable(data)
        return tg.hessian(lambda vector: self.loss(layout.tree(vector), recordable))(layout.vector(parameters))


def _recordable(data: Examples) -> Examples:
    """The data with a sparse X as a constant of the graph, which NumPy's operators need on their left."""
    return data._replace(X=tg.constant(data.X, copy=False)) if hasattr(data.X, "tocsr") else data
