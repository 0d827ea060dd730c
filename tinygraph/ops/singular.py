"""The singular value decomposition A = U diag(s) Vᵀ, one op a factor, and the norms of matrices.

The vectors are there for the gradients of the values, to any order. Those of the vectors need singular values that differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating
from tinygraph.ops.kinds import Opaque
from tinygraph.ops.likes import broadcast_like
from tinygraph.ops.linear_algebra import flip_last
from tinygraph.ops.shapes import on_diagonal_like
from tinygraph.sizes import Sizes, Sizing


def _values_rule(g: Array, out: Array, A: Array) -> Array:
    return left_singular_vectors(A) @ (np.expand_dims(g, -1) * right_singular_vectors(A))


def _values(axes: Sizing, node: Node) -> Sizes:
    """As many as there are rows or columns, whichever are fewer."""
    *batch, rows, columns = axes.of(node.inputs[0])
    return (*batch, rows if rows is columns else axes.formula("min({}, {})", rows, columns))


@op(_values_rule, kind=Opaque(_values), dtype=floating)
def singular_values(A: Array) -> Array:
    """The singular values s of a matrix, the largest first, or of each matrix of a stack.

    Shape: (..., m, n) -> (..., k) with k = min(m, n).
    Derivative: dA = U @ diag(g) @ Vᵀ.

    >>> tg.ops.singular_values(tg.constant([[3.0, 0.0], [0.0, -4.0]]))
    <node singular_values (2,) float64: [4. 3.]>
    """
    return np.linalg.svd(A, compute_uv=False)


def _turned(product: Array, s: Array) -> Array:
    """How far the vectors turn: the antisymmetric part of a product, over the differences of the squared singular values."""
    squares = np.square(s)
    differences = np.expand_dims(squares, -2) - np.expand_dims(squares, -1)
    ones = on_diagonal_like(broadcast_like(1.0, s), differences, axis1=-2, axis2=-1)
    return (product - flip_last(product)) / (differences + ones)


def _left_rule(g: Array, out: Array, A: Array) -> Array:
    """James Townsend, Differentiating the Singular Value Decomposition (2016)."""
    s = singular_values(A)
    along = flip_last(out) @ g
    inside = out @ (_turned(along, s) * np.expand_dims(s, -2))
    return (inside + (g - out @ along) / np.expand_dims(s, -2)) @ right_singular_vectors(A)


def _left(axes: Sizing, node: Node) -> Sizes:
    return (*axes.of(node.inputs[0])[:-1], *_values(axes, node)[-1:])


@op(_left_rule, kind=Opaque(_left), dtype=floating)
def left_singular_vectors(A: Array) -> Array:
    """U of A = U diag(s) Vᵀ: one column for each singular value.

    Shape: (..., m, n) -> (..., m, k) with k = min(m, n).
    Derivative: dA = (U T diag(s) + (g - U Uᵀ g) diag(1 / s)) Vᵀ, where T[i, j] = (Uᵀ g - gᵀ U)[i, j] / (s[j]² - s[i]²) and T[i,
    i] = 0.

    >>> np.abs(tg.ops.left_singular_vectors(np.array([[3.0, 0.0], [0.0, -4.0]])))
    array([[0., 1.],
           [1., 0.]])
    """
    return np.linalg.svd(A, full_matrices=False)[0]


def _right_rule(g: Array, out: Array, A: Array) -> Array:
    s = singular_values(A)
    along = out @ flip_last(g)
    inside = (np.expand_dims(s, -1) * _turned(along, s)) @ out
    return left_singular_vectors(A) @ (inside + (g - flip_last(along) @ out) / np.expand_dims(s, -1))


def _right(axes: Sizing, node: Node) -> Sizes:
    return (*_values(axes, node), axes.of(node.inputs[0])[-1])


@op(_right_rule, kind=Opaque(_right), dtype=floating)
def right_singular_vectors(A: Array) -> Array:
    """Vᵀ of A = U diag(s) Vᵀ: one row for each singular value.

    Shape: (..., m, n) -> (..., k, n) with k = min(m, n).
    Derivative: dA = U (diag(s) T Vᵀ + diag(1 / s) (g - g V Vᵀ)), where T[i, j] = (Vᵀ gᵀ - g V)[i, j] / (s[j]² - s[i]²) and T[i,
    i] = 0.

    >>> np.abs(tg.ops.right_singular_vectors(np.array([[3.0, 0.0], [0.0, -4.0]])))
    array([[0., 1.],
           [1., 0.]])
    """
    return np.linalg.svd(A, full_matrices=False)[2]


def matrix_norm(x: Array, ord: Any, axes: tuple[int, int], keepdims: bool) -> Array:
    """The norm of the matrices that two axes span: largest or smallest sum of a column or row, or of singular values."""
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=axes[0] if abs(ord) == 1 else axes[1], keepdims=True)
        return (np.max if ord > 0 else np.min)(sums, axis=axes, keepdims=keepdims)
    if ord not in (2, -2, "nuc"):
        raise TypeError(f"the norm of a matrix takes ord=None, 'fro', 'nuc', 1, -1, 2, -2, np.inf or -np.inf, not {ord!r}")
    s = singular_values(np.moveaxis(x, axes, (-2, -1)))
    norm = np.sum(s, axis=-1) if ord == "nuc" else (np.max if ord > 0 else np.min)(s, axis=-1)
    return np.expand_dims(norm, sorted(axes)) if keepdims else norm
