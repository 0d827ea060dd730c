"""Rearranging: the same entries in another shape or order, and several arrays joined."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declare import Array, op
from tinygraph.ops.likes import Axis, broadcast_like, index, reshape_like


@op(lambda g, out, x, shape: reshape_like(g, x), numpy=np.reshape)
def reshape(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """x in another shape; -1 stands for what is left.

    >>> tg.constant([1.0, 2.0]).reshape(2, 1)
    <node reshape (2, 1) float64: [[1.] [2.]]>
    """
    return np.reshape(x, shape)


def _transpose_rule(g: Array, out: Array, x: Array, axes: tuple[int, ...] | None) -> Array:
    return np.transpose(g, None if axes is None else tuple(int(i) for i in np.argsort(np.arange(x.ndim)[list(axes)])))


@op(_transpose_rule, numpy=np.transpose)
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """x with its axes in another order, by default reversed; also written `x.T`.

    >>> tg.constant([[1.0, 2.0]]).T
    <node transpose (2, 1) float64: [[1.] [2.]]>
    """
    return np.transpose(x, axes)


@op(lambda g, out, x, shape: g, numpy=np.broadcast_to)
def broadcast_to(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """x repeated along new axes and axes of size 1 until it has `shape`.

    >>> np.broadcast_to(tg.constant(1.0), (2,))
    <node broadcast_to (2,) float64: [1. 1.]>
    """
    return np.broadcast_to(x, shape)


@op(lambda g, out, x, axis: reshape_like(g, x), numpy=np.expand_dims)
def expand_dims(x: Array, *, axis: int | tuple[int, ...]) -> Array:
    """x with new axes of size 1 at the places `axis` of the result.

    >>> np.expand_dims(tg.constant([1.0, 2.0]), 0)
    <node expand_dims (1, 2) float64: [[1. 2.]]>
    """
    return np.expand_dims(x, axis)


@op(lambda g, out, x, axis: reshape_like(g, x), numpy=np.squeeze)
def squeeze(x: Array, *, axis: Axis = None) -> Array:
    """x without its axes of size 1, or without those in `axis`.

    >>> tg.constant([[1.0, 2.0]]).squeeze()
    <node squeeze (2,) float64: [1. 2.]>
    """
    return np.squeeze(x, axis)


def _part_rule(g: Array, out: Array, x: Array, *arrays: Array, position: int, axis: int) -> Array:
    parts = [g if i == position else broadcast_like(0.0, array) for i, array in enumerate(arrays)]
    return concatenate(*parts, axis=axis)


@op(_part_rule, None)
def part_like(x: Array, *arrays: Array, position: int, axis: int) -> Array:
    """The part of x that comes from the array at `position` when x is all arrays joined along `axis`.

    >>> tg.ops.part_like(np.arange(5), np.zeros(2), np.zeros(3), position=1, axis=0)
    array([2, 3, 4])
    """
    start = 0
    for array in arrays[:position]:
        start += array.shape[axis]
    part = [slice(None)] * x.ndim
    part[axis] = slice(start, start + arrays[position].shape[axis])
    return x[tuple(part)]


@op(
    lambda g, out, *arrays, position, axis: part_like(g, *arrays, position=position, axis=axis),
    hint="all arrays need the same number of axes and the same sizes, except along the axis they are joined on",
)
def concatenate(*arrays: Array, axis: int = 0) -> Array:
    """Arrays joined along an axis that they have.

    >>> np.concatenate([tg.constant([1.0]), [2.0, 3.0]])
    <node concatenate (3,) float64: [1. 2. 3.]>
    """
    return np.concatenate(arrays, axis=axis)


def _stack_rule(g: Array, out: Array, *arrays: Array, position: int, axis: int) -> Array:
    before = (slice(None),) * (axis if axis >= 0 else axis + g.ndim)
    return index(g, template=(*before, position))


@op(_stack_rule, hint="all arrays need the same shape")
def stack(*arrays: Array, axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis.

    >>> np.stack([tg.constant(1.0), tg.constant(2.0)])
    <node stack (2,) float64: [1. 2.]>
    """
    return np.stack(arrays, axis=axis)
