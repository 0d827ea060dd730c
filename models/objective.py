"""What training makes small: the weighted mean of the losses of all examples, plus the L2 penalty of a Gaussian prior.

This is the one place where the models ask the engine for a loss, a gradient or a product with the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg

Vector = np.ndarray[Any, np.dtype[np.floating[Any]]]
Tree = dict[str, Any]


class Data(NamedTuple):
    """Examples X of shape (m, n), dense or a sparse `csr_array`, their targets y, and their weights (None: all the same)."""

    X: Any
    y: Any
    weights: Any = None

    def rows(self, chosen: Any) -> Data:
        """The examples that `chosen`, an array of whole numbers or a slice, names."""
        return Data(self.X[chosen], self.y[chosen], None if self.weights is None else self.weights[chosen])

    @property
    def size(self) -> float:
        """The sum of the weights: the number of examples where all weigh the same."""
        return float(self.y.shape[0] if self.weights is None else np.sum(self.weights))


def paths(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each array of nested dicts with the keys that lead to it, in order."""
    for key, branch in tree.items():
        if isinstance(branch, dict):
            yield from paths(branch, (*above, key))
        else:
            yield (*above, key), branch


def mapped(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """Nested dicts with `function` of each array."""
    return {key: mapped(function, branch) if isinstance(branch, dict) else function(branch) for key, branch in tree.items()}


def outputs_of(values: Any) -> Any:
    """The last value of a forward pass, which may be nested by layers."""
    while isinstance(values, dict):
        values = list(values.values())[-1]
    return values


class Layout:
    """Where each array of a parameter tree stands in one flat vector."""

    def __init__(self, tree: Tree, dtype: Any) -> None:
        self.leaves = [(path, np.shape(leaf)) for path, leaf in paths(tree)]
        self.ends = np.cumsum([int(np.prod(shape)) for _, shape in self.leaves]).tolist()
        self.dtype = np.dtype(dtype)

    def vector(self, tree: Tree) -> Vector:
        """All numbers of the tree, one array after the other."""
        return np.concatenate([np.reshape(leaf, -1) for _, leaf in paths(tree)]).astype(self.dtype, copy=False)

    def tree(self, vector: Any) -> Tree:
        """The arrays of the tree, cut out of the vector without a copy; a Node is cut into Nodes."""
        tree: Tree = {}
        start = 0
        for (path, shape), end in zip(self.leaves, self.ends, strict=True):
            branch = tree
            for key in path[:-1]:
                branch = branch.setdefault(key, {})
            branch[path[-1]] = vector[start:end].reshape(shape) if shape else vector[start]
            start = end
        return tree


class Evaluation(NamedTuple):
    """The loss at some parameters, its gradient (a tree like theirs, or a vector), and the share of right answers."""

    loss: float
    gradient: Any
    accuracy: float


class Objective:
    """The loss of a parameter tree on data: the weighted mean over the examples, plus l2 / 2 times the sum of squared weights.

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
        accuracy: Callable[[Any, Data], float],
        l2: float = 0.0,
    ) -> None:
        self.outputs = outputs
        self.loss_of = loss_of
        self.accuracy = accuracy
        self.l2 = l2

    def loss(self, parameters: Tree, data: Data) -> Any:
        """The penalised mean loss: a number for arrays, a Node for Nodes."""
        return self._loss_and_outputs(parameters, data)[0]

    def _loss_and_outputs(self, parameters: Tree, data: Data) -> tuple[Any, Any]:
        outputs = self.outputs(parameters, data.X)
        if data.weights is None:
            mean = self.loss_of(outputs, data.y, "mean")
        else:
            mean = np.sum(data.weights * self.loss_of(outputs, data.y, "none")) / data.size
        if self.l2:
            mean = mean + self.l2 / 2 * sum(np.sum(leaf**2) for path, leaf in paths(parameters) if path[-1] != "b")
        return mean, outputs

    def measure(self, parameters: Tree, data: Data) -> tuple[float, float]:
        """The penalised mean loss, and the share of right answers (NaN for regression)."""
        loss, outputs = self._loss_and_outputs(parameters, data)
        return float(loss), self.accuracy(outputs, data)

    def evaluate(self, parameters: Tree, data: Data) -> Evaluation:
        """The penalised mean loss, its gradient, and the share of right answers (NaN for regression)."""
        both = tg.value_and_grad(self._loss_and_outputs, has_aux=True)
        (loss, outputs), gradient = both(parameters, _recordable(data))
        return Evaluation(float(loss), gradient, self.accuracy(outputs, data))

    def product(self, parameters: Tree, data: Data, direction: Tree) -> Tree:
        """The product of the Hessian at the parameters with a direction, a tree like that of the parameters."""
        product: Tree = tg.hvp(self.loss)(parameters, _recordable(data), direction)
        return product

    def hessian(self, parameters: Tree, data: Data) -> Any:
        """The Hessian as a matrix over all parameters, in the order of `Layout`."""
        layout, recordable = Layout(parameters, np.float64), _recordable(data)
        return tg.hessian(lambda vector: self.loss(layout.tree(vector), recordable))(layout.vector(parameters))


def _recordable(data: Data) -> Data:
    """The data with a sparse X as a constant of the graph, which NumPy's operators need on their left."""
    return data._replace(X=tg.constant(data.X, copy=False)) if hasattr(data.X, "tocsr") else data
