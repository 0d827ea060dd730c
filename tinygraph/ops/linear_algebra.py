"""Linear algebra: products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygraph.ops.declare import Array, op
from tinygraph.ops.likes import broadcast_like


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


def _einsum_rule(g: Array, out: Array, *operands: Array, position: int, subscripts: str, optimize: bool) -> Array:
    terms, result = subscripts.split("->")
    mine = terms.split(",")[position]
    others = [(term, x) for i, (term, x) in enumerate(zip(terms.split(","), operands, strict=True)) if i != position]
    known = set("".join([result, *(term for term, _ in others)]))
    kept = "".join(letter for letter in mine if letter in known)
    if result:
        contribution = _product_of([(result, g), *others], kept, optimize)
    else:  # a number is a factor of the whole
        contribution = g * _product_of(others, kept, optimize) if others else g
    lost = tuple(i for i, letter in enumerate(mine) if letter not in known)  # summed by this operand alone
    if not lost:
        return contribution
    return broadcast_like(np.expand_dims(contribution, lost) if kept else contribution, operands[position])


def _product_of(factors: Sequence[tuple[str, Array]], result: str, optimize: bool) -> Array:
    terms = ",".join(term for term, _ in factors)
    if terms == result:
        return factors[0][1]
    return einsum(*(x for _, x in factors), subscripts=f"{terms}->{result}", optimize=optimize)


@op(_einsum_rule, hint="a letter must stand for axes of one size, in every operand that has it", numpy=np.einsum)
def einsum(*operands: Array, subscripts: str, optimize: bool = False) -> Array:
    """Sums of products after Einstein: letters name axes, and letters that the result lacks are summed over.

    Subscripts are explicit (`ij,jk->ik`), with no letter twice in a term; `np.einsum` accepts every spelling. With `optimize` the
    operands are multiplied two by two, in an order of NumPy's choice, in the gradient too.

    >>> np.einsum("ij,jk->ik", tg.constant([[1.0, 2.0]]), [[3.0], [4.0]])
    <node einsum (1, 1) float64: [[11.]]>
    """
    return np.einsum(subscripts, *operands, optimize=optimize)


def _solve_back(g: Array, A: Array, b: Array) -> Array:
    """The gradient of a solution with respect to b."""
    if b.ndim == 1 and g.ndim > 1:
        return solve(flip_last(A), np.expand_dims(g, -1))[..., 0]
    return solve(flip_last(A), g)


def _matrix_rule(g: Array, out: Array, b: Array) -> Array:
    """The gradient of a solution with respect to the matrix, from that with respect to b."""
    return -(np.expand_dims(g, -1) * np.expand_dims(out, -2)) if b.ndim == 1 else -(g @ flip_last(out))


@op(
    lambda g, out, A, b: _matrix_rule(_solve_back(g, A, b), out, b),
    lambda g, out, A, b: _solve_back(g, A, b),
    numpy=np.linalg.solve,
    hint="A must be square and regular, and b as long as A",
)
def solve(A: Array, b: Array) -> Array:
    """The x with A @ x = b, for a square matrix (or a stack of them) and a vector or matrix b.

    >>> np.linalg.solve(tg.constant([[2.0, 0.0], [0.0, 4.0]]), [2.0, 2.0])
    <node solve (2,) float64: [1. 0.5]>
    """
    return np.linalg.solve(A, b)


@op(
    lambda g, out, A: -(flip_last(out) @ g @ flip_last(out)),
    numpy=np.linalg.inv,
    hint="A must be square and regular",
    notation="{}⁻¹",
)
def inv(A: Array) -> Array:
    """The inverse of a square matrix, or of each of a stack.

    >>> np.linalg.inv(tg.constant([[2.0, 0.0], [0.0, 4.0]]))
    <node inv (2, 2) float64: [[0.5 0. ] [0. 0.25]]>
    """
    return np.linalg.inv(A)


def _scaled(g: Array, A: Array) -> Array:
    return np.expand_dims(g, (-2, -1)) * flip_last(inv(A))


@op(lambda g, out, A: _scaled(g * out, A), numpy=np.linalg.det, hint="A must be square")
def det(A: Array) -> Array:
    """The determinant of a square matrix, or of each of a stack; its gradient needs a regular one.

    >>> np.linalg.det(tg.constant([[2.0, 0.0], [0.0, 4.0]]))
    <node det: 8>
    """
    return np.linalg.det(A)


@op(lambda g, out, A: _scaled(g, A), hint="A must be square")
def log_abs_det(A: Array) -> Array:
    """The logarithm of |det(A)|, without overflow.

    >>> np.linalg.slogdet(tg.constant([[2.0, 0.0], [0.0, 4.0]])).logabsdet
    <node log_abs_det: 2.079>
    """
    return np.linalg.slogdet(A)[1]


@op(None, hint="A must be square")
def sign_of_det(A: Array) -> Array:
    """The sign of det(A); no gradient.

    >>> np.linalg.slogdet(tg.constant([[-2.0, 0.0], [0.0, 4.0]])).sign
    <node sign_of_det: -1>
    """
    return np.linalg.slogdet(A)[0]


def _cholesky_rule(g: Array, out: Array, A: Array) -> Array:
    """Iain Murray, Differentiation of the Cholesky decomposition (2016), equation 10."""
    upper = flip_last(out)
    product = upper @ g
    half = (np.tril(product) + np.tril(product, -1)) / 2
    symmetric = solve(upper, flip_last(solve(upper, (half + flip_last(half)) / 2)))
    return np.tril(symmetric) + np.tril(symmetric, -1)  # only the lower triangle of A is read


@op(_cholesky_rule, numpy=np.linalg.cholesky, hint="A must be symmetric and positive definite")
def cholesky(A: Array) -> Array:
    """The lower triangular matrix L with L @ L.T = A, for a symmetric positive definite A or a stack of them.

    >>> np.linalg.cholesky(tg.constant([[4.0, 0.0], [0.0, 9.0]]))
    <node cholesky (2, 2) float64: [[2. 0.] [0. 3.]]>
    """
    return np.linalg.cholesky(A)
