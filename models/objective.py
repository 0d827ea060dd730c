"""The function that training minimises: the weighted mean of the losses of all examples, plus the L2 penalty of a Gaussian prior.

This is the one place where the models ask the engine for a loss, a gradient or a product with the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from models.chunked import is_chunked
from models.curvature import curvature, hessian
from models.recorded_loss import Recorded
from models.tree import Layout, Tree, from_paths, paths

Recordable = Callable[[Tree, Tree], list[Any]]


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
    where reduction is "none", the loss of each, and `right(outputs, y)` which answers are right, or None for regression. Biases,
    the leaves called "b", are not penalised. Where the loss of an example is minus a log-likelihood, m l2 / 2 times the sum of
    squares is minus the logarithm of a Gaussian prior with variance 1 / (m l2), and the minimum is the most probable parameter
    after seeing m examples.

    `linear` says that the outputs are X @ W + b for the parameters W and b, or W alone. Objectives of equal `key` have equal
    functions, and share what was compiled for them.
    """

    def __init__(
        self,
        outputs: Callable[[Tree, Any], Any],
        loss_of: Callable[[Any, Any, Any], Any],
        right: Callable[[Any, Any], Any],
        l2: float = 0.0,
        linear: bool = False,
        key: Hashable = None,
    ) -> None:
        self.outputs = outputs
        self.loss_of = loss_of
        self.right = right
        self.l2 = float(l2)
        self.linear = linear
        self._key = None if key is None else (key, self.l2)
        self._latest: tuple[Any, ...] = ()  # function, examples and program of the last run
        self._own: dict[Hashable, list[Recorded]] = {}  # programs that are not shared

    def loss(self, parameters: Tree, data: Examples) -> Any:
        """The penalised mean loss: a number for arrays, a Node for Nodes."""
        return self._loss_and_accuracy(parameters, data)[0]

    def _loss_and_accuracy(self, parameters: Tree, data: Examples) -> tuple[Any, Any]:
        outputs = self.outputs(parameters, data.X)
        mean = self._mean(outputs, data)
        return (mean + self._penalty(parameters) if self.l2 else mean), self._accuracy(outputs, data)

    def _mean(self, outputs: Any, data: Examples) -> Any:
        if data.weights is None:
            return self.loss_of(outputs, data.y, "mean")
        return np.mean(data.weights * self.loss_of(outputs, data.y, "none"))

    def _penalty(self, parameters: Tree) -> Any:
        return self.l2 / 2 * sum(np.sum(np.square(leaf)) for path, leaf in paths(parameters) if path[-1] != "b")

    def _accuracy(self, outputs: Any, data: Examples) -> Any:
        """The share of right answers; None for regression."""
        right = self.right(outputs, data.y)
        if right is None:
            return None
        return np.mean(right) if data.weights is None else np.sum(data.weights * right) / np.sum(data.weights)

    def measure(self, parameters: Tree, data: Examples) -> tuple[float, float]:
        """The penalised mean loss, and the share of right answers (NaN for regression)."""
        with np.errstate(over="ignore", invalid="ignore"):  # the loss says so
            loss, accuracy = self._loss_and_accuracy(parameters, data)
        return float(loss), np.nan if accuracy is None else float(accuracy)

    def evaluate(self, parameters: Tree, data: Examples) -> Evaluation:
        """The penalised mean loss, its gradient, and the share of right answers (NaN for regression)."""
        return self._evaluation(iter(self._run(self._first_order, parameters, data)), parameters)

    def evaluate_with_hessian(self, parameters: Tree, data: Examples) -> tuple[Evaluation, Any]:
        """The same, and the Hessian as a matrix over all parameters, in the order of `Layout`.

        Where the outputs are linear in the parameters and X is dense, all of it comes from one pass over X.
        """
        if not self.linear or hasattr(data.X, "tocsr"):
            return self.evaluate(parameters, data), self._any_hessian(parameters, data)
        values = iter(self._run(self._second_order, parameters, data))
        found = self._evaluation(values, parameters)
        shape = np.shape(next(leaf for _, leaf in paths(parameters)))
        matrix = hessian(values, shape[0], (*shape, 1)[1], len(parameters) == 2)
        if self.l2:
            diagonal = matrix.reshape(-1)[:: len(matrix) + 1]
            diagonal += np.concatenate(list(values), axis=None)
        return found, matrix

    def hessian(self, parameters: Tree, data: Examples) -> Any:
        """The Hessian as a matrix over all parameters, in the order of `Layout`."""
        return self.evaluate_with_hessian(parameters, data)[1]

    def _any_hessian(self, parameters: Tree, data: Examples) -> Any:
        layout, recordable = Layout(parameters, np.float64), _recordable(data)
        return tg.hessian(lambda vector: self.loss(layout.tree(vector), recordable))(layout.vector(parameters))

    def _evaluation(self, values: Iterator[Any], parameters: Tree) -> Evaluation:
        """From the values of `_first_order`."""
        loss, accuracy = float(next(values)), float(next(values))
        return Evaluation(loss, from_paths((path, next(values)) for path, _ in paths(parameters)), accuracy)

    # What is recorded

    def _first_order(self, parameters: Tree, data: Tree) -> list[Any]:
        """Nodes of the loss, the accuracy and the gradient."""
        both = tg.value_and_grad(self._loss_and_accuracy, has_aux=True)
        (loss, accuracy), gradient = both(parameters, Examples(**data))
        return [loss, loss * np.nan if accuracy is None else accuracy, *(leaf for _, leaf in paths(gradient))]

    def _second_order(self, parameters: Tree, data: Tree) -> list[Any]:
        """The same, and what the Hessian is made of: that of the mean loss, and the diagonal of the penalty's."""
        found, examples = self._first_order(parameters, data), Examples(**data)
        outputs = self.outputs(parameters, examples.X)
        found += curvature(lambda Z: self._mean(Z, examples), examples.X, outputs, len(parameters) == 2)
        if self.l2:
            slope = tg.grad(self._penalty)
            diagonal = tg.grad(lambda tree: sum(np.sum(leaf) for _, leaf in paths(slope(tree))))(parameters)
            found += [leaf for _, leaf in paths(diagonal)]
        return found

    def _run(self, function: Recordable, parameters: Tree, data: Examples) -> tuple[Any, ...]:
        """The values of what `function` records, by a compiled program."""
        if not (self._latest and self._latest[0] == function and self._latest[1] is data):
            program: Any = self._program(function, parameters, data)
            self._latest = function, data, program.over(data.arrays()) if is_chunked(data.X) else program
        program = self._latest[2]
        return program(parameters, data.arrays())

    def _program(self, function: Recordable, parameters: Tree, data: Examples) -> Recorded:
        forms = [(name, type(x), x.dtype, *(min(size, 2) for size in x.shape)) for name, x in data.arrays().items()]
        shapes = [(path, np.shape(leaf), np.asarray(leaf).dtype) for path, leaf in paths(parameters)]
        form = function.__name__, tuple(forms), tuple(shapes)
        # A program of sparse data is not read block by block: it keeps arrays as long as the data.
        is_shared = self._key is not None and not hasattr(data.X, "tocsr")
        shelf = _shelf(self._key, form) if is_shared else self._own.setdefault(form, [])
        if not shelf:  # it is recorded on few examples, which stay in memory with it
            few = data.rows(slice(2)).arrays()
            arrays = {name: np.asarray(x) for name, x in few.items()} if is_chunked(data.X) else few
            shelf.append(Recorded(function, parameters, arrays))
        return shelf[0]

    def product(self, parameters: Tree, data: Examples, direction: Tree) -> Tree:
        """The product of the Hessian at the parameters with a direction, a tree like that of the parameters."""
        product: Tree = tg.hvp(self.loss)(parameters, _recordable(data), direction)
        return product


@lru_cache(maxsize=16)
def _shelf(*key: Hashable) -> list[Recorded]:
    """Where the program of an objective for data of some form is kept, so that a grid search compiles it once."""
    return []


def _recordable(data: Examples) -> Examples:
    """The data with a sparse X as a constant of the graph, which NumPy's operators need on their left."""
    return data._replace(X=tg.constant(data.X, copy=False)) if hasattr(data.X, "tocsr") else data
