"""The Hessian of a loss of outputs that are linear in the parameters, X @ W + b, as sums over the rows of X.

The engine gives the second derivatives of the loss by the outputs, of which those of one example depend on this example alone. The
chain rule does the rest: the derivative of an output by a weight is an entry of X, and by its bias 1.
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
    slope = tg.grad(loss)
    outputs = Z.shape[1] if Z.ndim == 2 else 1
    units = np.eye(outputs, dtype=Z.dtype)
    found = []
    for k in range(outputs):
        one = (lambda dZ: dZ) if Z.ndim == 1 else (lambda dZ, k=k: dZ @ units[k])
        second = tg.grad(lambda Z, one=one: np.sum(one(slope(Z))))(Z)  # of each example: the derivatives of its dZ[k]
        for j in range(k + 1):
            d = second if Z.ndim == 1 else second @ units[j]
            found.append(X.T @ (np.expand_dims(d, 1) * X))
            if has_bias:
                found += [X.T @ d, np.sum(d)]
    return found


def hessian(parts: Iterator[Any], features: int, outputs: int, has_bias: bool) -> Any:
    """The Hessian over the weights, row by row, and then the biases, from the values of what `curvature` returns."""
    size = features + has_bias
    full = np.empty((size, outputs, size, outputs))
    for k in range(outputs):
        for j in range(k + 1):
            block = np.empty((size, size))
            block[:features, :features] = next(parts)
            if has_bias:
                block[-1, :-1] = block[:-1, -1] = next(parts)
                block[-1, -1] = next(parts)
            full[:, k, :, j] = full[:, j, :, k] = block
    return full.reshape(size * outputs, size * outputs)
