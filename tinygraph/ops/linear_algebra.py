"""Linear algebra: products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declare import Array, op


def flip_last(x: Array) -> Array:
    """The transposed matrix, or each matrix of a stack transposed."""
    return x.T if x.ndim == 2 else np.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _left_rule(g: Array, out: Array, x: Array, y: Array) -> Array:
    if y.ndim == 1:
        return g * y if x.ndim == 1 else np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return y @ g if y.ndim == 2 else (y @ np.expand_dims(g, -1))[..., 0]
    return g @ flip_last(y)


def _right_rule(g: Array, out: Array, x: Array, y: Array) -> Array:
    if x.ndim == 1:
        return g * x if y.ndim == 1 else np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if y.ndim == 1:
        return x.T @ g if x.ndim == 2 else (flip_last(x) @ np.expand_dims(g, -1))[..., 0]
    return flip_last(x) @ g


@op(
    _left_rule,
    _right_rule,
    numpy=np.matmul,
    hint="the last axis of the left operand must be as long as the second-last axis of the right one (its only axis if it "
    "is a vector): is an operand missing a `.T`, or are the two the wrong way round?",
)
def matmul(x: Array, y: Array) -> Array:
    """The matrix product x @ y: vectors, matrices, and stacks of matrices with broadcasting.

    >>> tg.constant([[1.0, 2.0], [3.0, 4.0]]) @ [1.0, 1.0]
    <node matmul (2,) float64: [3. 7.]>
    """
    return np.matmul(x, y)
