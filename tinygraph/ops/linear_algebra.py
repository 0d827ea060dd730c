"""Linear algebra: products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygraph.ops import work
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating, together
from tinygraph.ops.kinds import Contraction, Params, Same, SumOfProducts
from tinygraph.ops.likes import Axis, broadcast_like, keep_axes
from tinygraph.ops.selection import where


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


def _matmul(ranks: Sequence[int], params: Params) -> str:
    left, right = ranks
    return f"{'j' if left == 1 else '...ij'},{'j' if right == 1 else '...jk'}->...{'i' * (left > 1)}{'k' * (right > 1)}"


@op(
    _left_rule,
    _right_rule,
    numpy=np.matmul,
    hint="the last axis of the left operand must be as long as the second-last axis of the right one (its only axis if it "
    "is a vector): is an operand missing a `.T`, or are the two the wrong way round?",
    kind=SumOfProducts(_matmul),
    operator="@",
    notation="{} {}",
    work=work.product,
    onnx="MatMul",
)
def matmul(x: Array, y: Array) -> Array:
    """The matrix product x @ y of matrices, vectors or stacks of matrices.

    Shape: (n, k) @ (k, m) -> (n, m); a vector (k,) on either side loses its axis; stacks (..., n, k) broadcast.
    Derivative: dx = g @ y.T; dy = x.T @ g, for matrices.

    >>> tg.constant([[1.0, 2.0], [3.0, 4.0]]) @ [1.0, 1.0]
    <node matmul (2,) float64: [3. 7.]>
    """
    return np.matmul(x, y)


def _check_vectors(a: Array, b: Array) -> None:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError(f"the outer product is that of two vectors, not of shapes {np.shape(a)} and {np.shape(b)}")


@op(
    lambda g, out, a, b: g @ b,
    lambda g, out, a, b: a @ g,
    numpy=np.outer,
    check=_check_vectors,
    kind=SumOfProducts("i,j->ij"),
    dtype=("a", "b"),
    view=False,
    notation="⊗",
    work=work.each_with_each,
    onnx="Mul(Reshape({}, int64([-1, 1])), Reshape({}, int64([1, -1])))",
)
def outer(a: Array, b: Array) -> Array:
    """Every entry of one vector times every entry of another one.

    Shape: (n,), (m,) -> (n, m).
    Derivative: da = g @ b; db = a @ g.

    >>> np.outer(tg.constant([1.0, 2.0]), [3.0, 4.0])
    <node outer (2, 2) float64: [[3. 4.] [6. 8.]]>
    """
    return np.outer(a, b)


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


def _first_rule(g: Array, out: Array, a: Array, b: Array) -> Array:
    return cross(b, g)


def _second_rule(g: Array, out: Array, a: Array, b: Array) -> Array:
    return cross(g, a)


@op(
    _first_rule,
    _second_rule,
    numpy=np.cross,
    kind=Contraction("...i,...i->...i"),
    onnx=(
        "Sub(Mul(Gather({0}, int64([1, 2, 0]), axis=-1), Gather({1}, int64([2, 0, 1]), axis=-1)), "
        "Mul(Gather({0}, int64([2, 0, 1]), axis=-1), Gather({1}, int64([1, 2, 0]), axis=-1)))"
    ),
)
def cross(a: Array, b: Array) -> Array:
    """The vector product a × b along the last axis.

    Shape: (..., 3) × (..., 3) -> (..., 3), with broadcasting.
    Derivative: da = cross(b, g); db = cross(g, a).

    >>> np.cross(tg.constant([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    <node cross (3,) float64: [0. 0. 1.]>
    """
    return np.cross(a, b)


@op(
    _einsum_rule,
    hint="a letter must stand for axes of one size, in every operand that has it",
    numpy=np.einsum,
    kind=SumOfProducts(lambda ranks, params: str(params["subscripts"])),
    view=True,
    source="np.einsum({subscripts}, {*}{optimize=})",
    notation="Σ",
    work=work.summed_product,
)
def einsum(*operands: Array, subscripts: str, optimize: bool = False) -> Array:
    """Einstein summation: letters name axes, and the products are summed over the letters missing from the result.

    Subscripts are explicit (`ij,jk->ik`), with no letter twice in a term; `np.einsum` accepts every spelling. With `optimize` the
    operands are multiplied two by two, in an order of NumPy's choice, in the gradient too.

    Shape: the sizes of the letters after `->`.
    Derivative: an einsum of g and the other operands: for C = einsum('ij,jk->ik', A, B), dA = einsum('ik,jk->ij', g, B).

    >>> np.einsum("ij,jk->ik", tg.constant([[1.0, 2.0]]), [[3.0], [4.0]])
    <node einsum (1, 1) float64: [[11.]]>
    """
    return np.einsum(subscripts, *operands, optimize=optimize)


def _direction_rule(g: Array, out: Array, x: Array, axis: Axis) -> Array:
    across = g - out * np.sum(g * out, axis=axis, keepdims=True)
    return across / np.sum(x * out, axis=axis, keepdims=True)


@op(_direction_rule, kind=Same(), dtype=floating)
def direction(x: Array, *, axis: Axis = None) -> Array:
    """`x / norm(x)` over `axis`, without overflow or underflow; 0 where x is 0.

    Shape: that of x.
    Derivative: dx = (g - out * sum(g * out)) / norm(x) for the result out; NaN where x is 0.

    >>> tg.ops.direction(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    >>> tg.ops.direction(np.array([3e200, 4e200]))
    array([0.6, 0.8])
    """
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    x = x / np.where(largest == 0, 1, largest)
    return x / np.where(largest == 0, 1, np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True)))


def _norm_rule(g: Array, out: Array, x: Array, ord: Any, axis: Axis, keepdims: bool) -> Array:
    g = keep_axes(g, x, axis, keepdims)
    if ord in (None, 2, "fro"):
        return g * direction(x, axis=axis)
    x = direction(x, axis=axis)  # the gradient does not depend on the length
    length = norm(x, ord=ord, axis=axis, keepdims=True)
    return g * (np.sign(x) * (np.abs(x) / where(length == 0, 1, length)) ** (ord - 1))


@op(_norm_rule, numpy=np.linalg.norm, dtype=floating, notation=lambda ord, **_: "√Σ {}²" if ord in (None, 2, "fro") else "norm")
def norm(x: Array, *, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The p-norm (p = `ord`) of vectors, (sum |x|^p)^(1/p), or the root of the sum of all squares.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g * x / norm(x), for any p g * sign(x) * (|x| / norm(x))^(p - 1); taken as 0 where the norm is 0.

    >>> np.linalg.norm(tg.constant([3.0, 4.0]))
    <node norm: 5>
    """
    return np.linalg.norm(x, ord, axis, keepdims)


def _solve_back(g: Array, A: Array, b: Array) -> Array:
    """The gradient of a solution with respect to b."""
    if b.ndim == 1 and g.ndim > 1:
        return solve(flip_last(A), np.expand_dims(g, -1))[..., 0]
    return solve(flip_last(A), g)


def _matrix_rule(g: Array, out: Array, b: Array) -> Array:
    """The gradient of a solution with respect to the matrix, from that with respect to b."""
    return -(np.expand_dims(g, -1) * np.expand_dims(out, -2)) if b.ndim == 1 else -(g @ flip_last(out))


def _solved(ranks: Sequence[int], params: Params) -> str:
    return "...ii,i->...i" if ranks[1] == 1 else "...ii,...ik->...ik"


@op(
    lambda g, out, A, b: _matrix_rule(_solve_back(g, A, b), out, b),
    lambda g, out, A, b: _solve_back(g, A, b),
    numpy=np.linalg.solve,
    hint="A must be square and regular, and b as long as A",
    kind=Contraction(_solved),
    dtype=lambda A, b: together(floating(A), floating(b)),
    notation="{}⁻¹ {}",
    work=work.product,
)
def solve(A: Array, b: Array) -> Array:
    """The x with A @ x = b.

    Shape: A (..., n, n), b (n,) or (..., n, m); x is as b.
    Derivative: db = solve(A.T, g); dA = -db @ x.T.

    >>> np.linalg.solve(tg.constant([[2.0, 0.0], [0.0, 4.0]]), [2.0, 2.0])
    <node solve (2,) float64: [1. 0.5]>
    """
    return np.linalg.solve(A, b)


@op(
    lambda g, out, A: -(flip_last(out) @ g @ flip_last(out)),
    numpy=np.linalg.inv,
    hint="A must be square and regular",
    notation="{}⁻¹",
    kind=Contraction("...ii->...ii"),
    dtype=floating,
    work=work.of_a_matrix,
)
def inv(A: Array) -> Array:
    """The inverse of a square matrix, or of each matrix of a stack.

    Shape: (..., n, n) -> (..., n, n).
    Derivative: dA = -inv(A).T @ g @ inv(A).T.

    >>> np.linalg.inv(tg.constant([[2.0, 0.0], [0.0, 4.0]]))
    <node inv (2, 2) float64: [[0.5 0. ] [0. 0.25]]>
    """
    return np.linalg.inv(A)


def _inner(X: Array, Y: Array) -> Array:
    """The sum of the products of the entries of two matrices, as a matrix of one entry."""
    return np.sum(X * Y, axis=(-2, -1), keepdims=True)


def _cofactors_rule(g: Array, out: Array, *inputs: Array) -> Array:
    """The second derivative of a determinant is symmetric, whichever of its two directions is taken."""
    return cofactors_along(g, inputs[-1])


def _third_order_rule(g: Array, out: Array, direction: Array, A: Array) -> Array:
    """From d(det) = det X·dA and dX = -X dAᵀ X for X = A⁻ᵀ, which needs a regular A."""
    X = flip_last(inv(A))
    first, second = X @ flip_last(direction) @ X, X @ flip_last(g) @ X
    along, across = _inner(direction, X), _inner(g, X)
    twice = (along * across - _inner(g, first)) * X - across * first - along * second
    both = X @ flip_last(g) @ first + X @ flip_last(direction) @ second
    return np.expand_dims(det(A), (-2, -1)) * (twice + both)


@op(
    _cofactors_rule,
    _third_order_rule,
    hint="A must be square",
    kind=Contraction("...ii,...ii->...ii"),
    dtype=lambda direction, A: together(direction, floating(A)),
)
def cofactors_along(direction: Array, A: Array) -> Array:
    """The derivative of cofactors(A) along a direction, for A of any rank.

    With A = U diag(s) Vᵀ only two singular values at a time are left out of the products of the others.

    Shape: both (..., n, n) -> (..., n, n).
    Derivative: d direction = cofactors_along(g, A); dA follows from the third derivative of det(A) and needs an invertible A.

    >>> tg.ops.cofactors_along(np.eye(2), np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    U, s, V = np.linalg.svd(A)
    n = s.shape[-1]
    P = np.swapaxes(U, -1, -2) @ direction @ np.swapaxes(V, -1, -2)
    left = np.arange(n)
    out_of = (left[:, None, None] == left) | (left[None, :, None] == left)
    others = np.prod(np.where(out_of, 1, s[..., None, None, :]), -1) * (1 - np.eye(n, dtype=s.dtype))
    diagonal = np.sum(others * np.diagonal(P, 0, -2, -1)[..., None, :], -1)
    inside = np.eye(n, dtype=s.dtype) * diagonal[..., None] - others * np.swapaxes(P, -1, -2)
    turn = np.linalg.slogdet(U)[0] * np.linalg.slogdet(V)[0]
    return turn[..., None, None] * (U @ inside @ V)


@op(_cofactors_rule, hint="A must be square", kind=Contraction("...ii->...ii"), dtype=floating)
def cofactors(A: Array) -> Array:
    """The cofactors of a square matrix of any rank: det(A) inv(A).T where A is invertible.

    With A = U diag(s) Vᵀ each singular value is left out of the product of the others.

    Shape: (..., n, n) -> (..., n, n).
    Derivative: dA = cofactors_along(g, A).

    >>> tg.ops.cofactors(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    U, s, V = np.linalg.svd(A)
    others = np.prod(np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]), -1)
    turn = np.linalg.slogdet(U)[0] * np.linalg.slogdet(V)[0]
    return turn[..., None, None] * (U * others[..., None, :] @ V)


@op(
    lambda g, out, A: np.expand_dims(g, (-2, -1)) * cofactors(A),
    numpy=np.linalg.det,
    hint="A must be square",
    kind=Contraction("...ii->..."),
    dtype=floating,
    work=work.of_a_matrix,
    onnx="Det",
)
def det(A: Array) -> Array:
    """The determinant of a square matrix of any rank, or of each matrix of a stack.

    Shape: (..., n, n) -> (...).
    Derivative: dA = g * cofactors(A), which is g * det(A) * inv(A).T where A is invertible; derivatives beyond the second need
    that.

    >>> np.linalg.det(tg.constant([[2.0, 0.0], [0.0, 4.0]]))
    <node det: 8>
    """
    return np.linalg.det(A)


@op(
    lambda g, out, A: np.expand_dims(g, (-2, -1)) * flip_last(inv(A)),
    hint="A must be square",
    kind=Contraction("...ii->..."),
    dtype=floating,
    work=work.of_a_matrix,
)
def log_abs_det(A: Array) -> Array:
    """log(|det(A)|), without overflow.

    Shape: (..., n, n) -> (...).
    Derivative: dA = g * inv(A).T.

    >>> np.linalg.slogdet(tg.constant([[2.0, 0.0], [0.0, 4.0]])).logabsdet
    <node log_abs_det: 2.079>
    """
    return np.linalg.slogdet(A)[1]


@op(None, hint="A must be square", kind=Contraction("...ii->..."), dtype=floating, work=work.of_a_matrix)
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


@op(
    _cholesky_rule,
    numpy=np.linalg.cholesky,
    hint="A must be symmetric and positive definite",
    kind=Contraction("...ii->...ii"),
    dtype=floating,
    work=work.of_a_matrix,
)
def cholesky(A: Array) -> Array:
    """The lower triangular L with L @ L.T = A, for a symmetric positive definite A or each of a stack.

    Shape: (..., n, n) -> (..., n, n).
    Derivative: dA = tril(S) + tril(S, -1) with S = L⁻ᵀ (P + Pᵀ) L⁻¹ / 2, where P is tril(L.T @ g) with its diagonal halved.

    >>> np.linalg.cholesky(tg.constant([[4.0, 0.0], [0.0, 9.0]]))
    <node cholesky (2, 2) float64: [[2. 0.] [0. 3.]]>
    """
    return np.linalg.cholesky(A)
