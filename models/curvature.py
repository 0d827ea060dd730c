"""The Hessian of a loss of outputs that are linear in the parameters, X @ W + b, as sums over the rows of X.

The engine gives the second derivatives of the loss by the outputs, where what an example adds depends on its own outputs alone.
The chain rule does the rest: the derivative of an output by a weight is an entry of X, and by its bias 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygraph as tg


def curvature(loss: Callable[[Any], Any], X: Any, Z: Any, has_bias: bool) -> list[Any]:
    """What `hessian` puts together, as Nodes: for each pair of outputs, sums over the examples.

    `loss` is a function of the outputs Z, Nodes of shape (m,) or (m, K), that adds up what each example adds.
    """
    found = []
    for d in second_derivatives(loss, Z):
        found.append(X.T @ (np.expand_dims(d, 1) * X))
        if has_bias:
            found += [X.T @ d, np.sum(d)]
    return found


def second_derivatives(loss: Callable[[Any], Any], Z: Any) -> Iterator[Any]:
    """For each pair of outputs k and j <= k, the second derivative of what each example adds, of shape (m,)."""
    slope = tg.grad(loss)
    if Z.ndim == 1:
        yield tg.grad(lambda Z: np.sum(slope(Z)))(Z)
        return
    units = np.eye(Z.shape[1], dtype=Z.dtype)  # a product with one of them is a column, for whichever rows
    for k, unit in enumerate(units):
        of_one = tg.grad(lambda Z, unit: np.sum(slope(Z) @ unit))(Z, unit)
        yield from (of_one @ other for other in units[: k + 1])


def hessian(parts: Iterator[Any], features: int, outputs: int, has_bias: bool) -> Any:
    """The Hessian over the weights, row by row, and then the biases, from the values of what `curvature` returns."""
    size = features + has_bias
    full = np.empty((size, outputs, size, outputs))
    for k in range(outputs):
        for j in range(k + 1):
            block = full[:, k, :, j]
            block[:features, :features] = next(parts)
            if has_bias:
                block[-1, :-1] = block[:-1, -1] = next(parts)
                block[-1, -1] = next(parts)
            if j < k:
                full[:, j, :, k] = block
    return full.reshape(size * outputs, size * outputs)
