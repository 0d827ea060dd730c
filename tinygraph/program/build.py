"""The few ops that a gradient in normal form is written with: each is applied here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from tinygraph.ops import (
    Op,
    add,
    broadcast_like,
    count,
    divide,
    expand_dims,
    index,
    matmul,
    multiply,
    negative,
    outer,
    subtract,
    sum,
    transpose,
)
from tinygraph.program.value import Apply, Expression, Number, Shape, apply, is_literal

Axis = int | tuple[int, ...] | None


def added(left: Expression, right: Expression, sign: int = 1, kind: str = "f") -> Expression:
    """left + right, or left - right for the sign -1."""
    if is_literal(left) and is_literal(right):
        return Number(left.value + sign * right.value)
    return apply(add if sign > 0 else subtract, left, right, kind=kind)


def product(left: Expression, right: Expression, kind: str = "f") -> Apply:
    """left * right."""
    return apply(multiply, left, right, kind=kind)


def quotient(above: Expression, below: Expression, kind: str = "f") -> Apply:
    """above / below."""
    return apply(divide, above, below, kind=kind)


def negated(x: Expression) -> Expression:
    """-x, with the sign on the leading number where there is one."""
    if isinstance(x, Apply) and x.op is negative:
        return x.inputs[0]
    return Number(-x.value) if is_literal(x) else apply(negative, x, kind=x.kind)


def outer_product(down: Expression, across: Expression) -> Apply:
    """Every entry of one vector times every entry of another one."""
    return apply(outer, down, across, shape=(*down.shape, *across.shape))


def matrix_product(left: Expression, right: Expression, shape: Shape, kind: str = "f") -> Apply:
    """left @ right."""
    return apply(matmul, left, right, shape=shape, kind=kind)


def total(x: Expression, axis: Axis, keepdims: bool, shape: Shape) -> Apply:
    """The sum over some axes."""
    return apply(sum, x, shape=shape, axis=axis, keepdims=keepdims)


def part(x: Expression, start: int, stop: int) -> Apply:
    """x[start:stop]."""
    return apply(index, x, shape=(stop - start, *x.shape[1:]), template=(slice(start, stop),))


def size_along(like: Expression, axis: Axis) -> Expression:
    """How many entries a value has along some axes, which `len` gives as an int."""
    return apply(count, like, shape=(), kind="i", axis=axis) if like.shape else Number(1)


def repeated(x: Expression, like: Expression, shape: Shape, kind: str = "f", op: Op = broadcast_like) -> Expression:
    """A value repeated to the shape of another one by an op that repeats."""
    if is_literal(x) and kind == "f":
        x = Number(float(x.value))
    return x if x.shape == shape else apply(op, x, like, shape=shape, kind=kind)


def with_new_axes(x: Expression, axes: Sequence[int], ndim: int) -> Expression:
    """A value with axes of size 1 at these places of the result."""
    if not axes:
        return x
    sizes = iter(x.shape)
    shape = tuple(1 if i in axes else next(sizes) for i in range(ndim))
    return apply(expand_dims, x, shape=shape, kind=x.kind, axis=axes[0] if len(axes) == 1 else tuple(axes))


def transposed(x: Expression, order: Sequence[int]) -> Expression:
    """A value with its axes in another order; a matrix product by its factors, where one of them is transposed already."""
    order = tuple(order)
    if order == tuple(range(len(order))):
        return x
    shape = tuple(x.shape[i] for i in order)
    if isinstance(x, Apply) and x.op is matmul and order == _swapped(len(order)) and _has_transposed_matrix(x):
        left, right = (_flipped(y) for y in reversed(x.inputs))
        return matrix_product(left, right, shape, x.kind)
    axes = None if order == tuple(reversed(range(len(order)))) else order
    return apply(transpose, x, shape=shape, kind=x.kind, axes=axes)


def _flipped(x: Expression) -> Expression:
    """A matrix, or each of a stack, transposed."""
    return x.inputs[0] if isinstance(x, Apply) and _is_flip(x) else transposed(x, _swapped(len(x.shape)))


def _has_transposed_matrix(x: Apply) -> bool:
    matrices = all(len(y.shape) >= 2 for y in x.inputs)
    return matrices and any(isinstance(y, Apply) and _is_flip(y) for y in x.inputs)


def _is_flip(x: Apply) -> bool:
    """Whether the last two axes are swapped."""
    if x.op is not transpose:
        return False
    axes, ndim = x.params["axes"], len(x.shape)
    return ndim == 2 if axes is None else tuple(axis % ndim for axis in axes) == _swapped(ndim)


def _swapped(ndim: int) -> tuple[int, ...]:
    return (*range(ndim - 2), ndim - 1, ndim - 2)
