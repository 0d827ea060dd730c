"""Sorting, and taking entries by the index of each along one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygraph.ops import work
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating
from tinygraph.ops.kinds import Contraction, Params, Same
from tinygraph.ops.likes import Axis, keep_axes


def _grid(shape: tuple[int, ...], indices: Array, axis: int) -> tuple[Any, ...]:
    """The index that reads `indices` along `axis` and every other axis of `shape` as it is."""
    places: list[Any] = list(np.ogrid[tuple(slice(size) for size in shape)])
    places[axis] = indices
    return tuple(places)


def _take_along_axis_rule(g: Array, out: Array, x: Array, indices: Array, axis: int) -> Array:
    return sum_taken_like(g, x, indices, axis=axis)


def _taken(ranks: Sequence[int], params: Params) -> str:
    before = "abcdefgh"[: normalize_axis_index(params["axis"], ranks[0])]
    return f"{before}x...,{before}y...->{before}y..."


@op(_take_along_axis_rule, None, numpy=np.take_along_axis, kind=Contraction(_taken), dtype="x", work=work.largest)
def take_along_axis(x: Array, indices: Array, *, axis: int = -1) -> Array:
    """The entries of x at the given indices along `axis`.

    Shape: that of indices.
    Derivative: dx = zeros in the shape of x, with g added at the indices; repeated indices accumulate.

    >>> np.take_along_axis(tg.constant([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    <node take_along_axis (2, 1) float64: [[2.] [3.]]>
    """
    return np.take_along_axis(x, indices, axis)


@op(
    lambda g, out, x, like, indices, axis: take_along_axis(g, indices, axis=axis),
    None,
    None,
    kind=Same(1),
    shape_only=("like",),
    dtype="x",
    untraceable="it adds in place",
    work=work.largest,
)
def sum_taken_like(x: Array, like: Array, indices: Array, *, axis: int) -> Array:
    """Zeros in the shape of `like`, with x added at the indices along `axis`.

    Shape: that of `like`.
    Derivative: dx = take_along_axis(g, indices).

    >>> tg.ops.sum_taken_like(np.array([1.0, 2.0]), np.zeros(3), np.array([2, 2]), axis=0)
    array([0., 0., 3.])
    """
    result = np.zeros(like.shape, x.dtype)
    np.add.at(result, _grid(like.shape, indices, axis), x)
    return result


@op(lambda g, out, x, axis: sum_taken_like(g, x, np.argsort(x, axis=axis, stable=True), axis=axis), kind=Same())
def sort(x: Array, *, axis: int = -1) -> Array:
    """x in ascending order along `axis`.

    Shape: that of x.
    Derivative: dx[argsort(x)] = g: each entry of g goes to the entry of x that was sorted there.

    >>> np.sort(tg.constant([3.0, 1.0, 2.0]))
    <node sort (3,) float64: [1. 2. 3.]>
    """
    return np.sort(x, axis=axis, stable=True)


@op(None, kind=Same())
def median_weights(x: Array, *, axis: Axis = None) -> Array:
    """What each entry counts in the median over `axis`: 1 in the middle or half beside it, else 0; after NaN, all on one NaN.

    >>> tg.ops.median_weights(np.array([3.0, 1.0, 2.0, 0.0]))
    array([0. , 0.5, 0.5, 0. ])
    """
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ends = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, ends)
    kept = moved.shape[: x.ndim - len(axes)]
    rows = np.reshape(moved, (*kept, math.prod(moved.shape[len(kept) :])))  # -1 would be ambiguous where there are no columns
    places = np.arange(rows.shape[-1])
    middle = (places >= (len(places) - 1) // 2) & (places <= len(places) // 2)
    lost = np.any(np.isnan(rows), axis=-1, keepdims=True)  # NaN is sorted to the end
    weights = np.where(lost, places == len(places) - 1, middle / np.sum(middle))
    rank = np.argsort(np.argsort(rows, stable=True), stable=True)
    return np.moveaxis(np.reshape(np.take_along_axis(weights, rank, -1), moved.shape), ends, axes).astype(x.dtype)


@op(
    lambda g, out, x, axis, keepdims: keep_axes(g, x, axis, keepdims) * median_weights(x, axis=axis),
    numpy=np.median,
    dtype=floating,
)
def median(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The median over `axis`; for an even number of entries, the mean of the middle two.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g at the middle entry, or g / 2 at each of the middle two, and 0 elsewhere.

    >>> x = tg.parameter([3.0, 1.0, 2.0, 0.0])
    >>> np.median(x), tg.gradients(np.median(x), x)
    (<node median: 1.5>, (array([0. , 0.5, 0.5, 0. ]),))
    """
    return np.median(x, axis=axis, keepdims=keepdims)
