"""Rearranging: the same entries in another shape or order, and several arrays joined."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygraph.ops.declare import Array, op
from tinygraph.ops.likes import Axis, broadcast_like, index, reshape_like
from tinygraph.ops.syntax import Form


@op(lambda g, out, x, shape: reshape_like(g, x), numpy=np.reshape, source="np.reshape({}, {shape})")
def reshape(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """x in another shape; a size of -1 is computed from the others.

    Shape: `shape`.
    Derivative: dx = g, reshaped to the shape of x.

    >>> tg.constant([1.0, 2.0]).reshape(2, 1)
    <node reshape (2, 1) float64: [[1.] [2.]]>
    """
    return np.reshape(x, shape)


def _transpose_rule(g: Array, out: Array, x: Array, axes: tuple[int, ...] | None) -> Array:
    return np.transpose(g, None if axes is None else tuple(int(i) for i in np.argsort(np.arange(x.ndim)[np.array(axes)].ravel())))


@op(_transpose_rule, numpy=np.transpose, source=Form("{}.T", axes=None))
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """x with its axes permuted, by default reversed; also written `x.T`.

    Shape: the sizes of x in the order `axes`.
    Derivative: dx = g, transposed by the inverse permutation.

    >>> tg.constant([[1.0, 2.0]]).T
    <node transpose (2, 1) float64: [[1.] [2.]]>
    """
    return np.transpose(x, axes)


@op(lambda g, out, x, shape: g, numpy=np.broadcast_to)
def broadcast_to(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """x repeated along new axes and axes of size 1 until it has `shape`.

    Shape: `shape`.
    Derivative: dx = g, summed over the axes that x was repeated along.

    >>> np.broadcast_to(tg.constant(1.0), (2,))
    <node broadcast_to (2,) float64: [1. 1.]>
    """
    return np.broadcast_to(x, shape)


@op(lambda g, out, x, axis: reshape_like(g, x), numpy=np.expand_dims)
def expand_dims(x: Array, *, axis: int | tuple[int, ...]) -> Array:
    """x with new axes of size 1 at the positions `axis` of the result.

    Shape: that of x with 1 inserted at `axis`.
    Derivative: dx = g, reshaped to the shape of x.

    >>> np.expand_dims(tg.constant([1.0, 2.0]), 0)
    <node expand_dims (1, 2) float64: [[1. 2.]]>
    """
    return np.expand_dims(x, axis)


@op(lambda g, out, x, axis: reshape_like(g, x), numpy=np.squeeze)
def squeeze(x: Array, *, axis: Axis = None) -> Array:
    """x without its axes of size 1, or without those in `axis`.

    Shape: that of x without those axes.
    Derivative: dx = g, reshaped to the shape of x.

    >>> tg.constant([[1.0, 2.0]]).squeeze()
    <node squeeze (2,) float64: [1. 2.]>
    """
    return np.squeeze(x, axis)


def _flip_rule(g: Array, out: Array, x: Array, axis: Axis) -> Array:
    return flip(g, axis=axis)


@op(_flip_rule, numpy=np.flip)
def flip(x: Array, *, axis: Axis = None) -> Array:
    """x in reverse order along `axis`, or along all axes.

    Shape: that of x.
    Derivative: dx = flip(g).

    >>> np.flip(tg.constant([1.0, 2.0]))
    <node flip (2,) float64: [2. 1.]>
    """
    return np.flip(x, axis=axis)


def _backwards(shift: int | tuple[int, ...]) -> int | tuple[int, ...]:
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


@op(lambda g, out, x, shift, axis: np.roll(g, _backwards(shift), axis), numpy=np.roll)
def roll(x: Array, *, shift: int | tuple[int, ...], axis: Axis = None) -> Array:
    """x shifted along `axis`; entries that leave at one end enter at the other.

    Shape: that of x.
    Derivative: dx = roll(g, -shift).

    >>> np.roll(tg.constant([1.0, 2.0, 3.0]), 1)
    <node roll (3,) float64: [3. 1. 2.]>
    """
    return np.roll(x, shift, axis=axis)


@op(lambda g, out, x, k: np.tril(g, k), numpy=np.tril)
def tril(x: Array, *, k: int = 0) -> Array:
    """The lower triangle of matrices, with zeros above diagonal k.

    Shape: that of x.
    Derivative: dx = tril(g, k).

    >>> np.tril(tg.constant([[1.0, 2.0], [3.0, 4.0]]))
    <node tril (2, 2) float64: [[1. 0.] [3. 4.]]>
    """
    return np.tril(x, k)


@op(lambda g, out, x, k: np.triu(g, k), numpy=np.triu)
def triu(x: Array, *, k: int = 0) -> Array:
    """The upper triangle of matrices, with zeros below diagonal k.

    Shape: that of x.
    Derivative: dx = triu(g, k).

    >>> np.triu(tg.constant([[1.0, 2.0], [3.0, 4.0]]))
    <node triu (2, 2) float64: [[1. 2.] [0. 4.]]>
    """
    return np.triu(x, k)


def _diagonal_rule(g: Array, out: Array, x: Array, offset: int, axis1: int, axis2: int) -> Array:
    return on_diagonal_like(g, x, offset=offset, axis1=axis1, axis2=axis2)


@op(_diagonal_rule, numpy=np.diagonal)
def diagonal(x: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of the planes that two axes span, as a new last axis.

    Shape: that of x without the two axes, then the length of the diagonal.
    Derivative: dx = zeros in the shape of x, with g on the diagonal.

    >>> np.diagonal(tg.constant([[1.0, 2.0], [3.0, 4.0]]))
    <node diagonal (2,) float64: [1. 4.]>
    """
    return np.diagonal(x, offset, axis1, axis2)


@op(lambda g, out, x, like, offset, axis1, axis2: diagonal(g, offset=offset, axis1=axis1, axis2=axis2), None)
def on_diagonal_like(x: Array, like: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Zeros in the shape of `like`, with x on the diagonal.

    Shape: that of `like`.
    Derivative: dx = diagonal(g).

    >>> tg.ops.on_diagonal_like(np.array([1.0, 2.0]), np.zeros((2, 2)))
    array([[1., 0.],
           [0., 2.]])
    """
    result = np.zeros(like.shape, x.dtype)
    planes = np.moveaxis(result, (axis1, axis2), (-2, -1))
    rows = np.arange(x.shape[-1])
    planes[..., rows + max(-offset, 0), rows + max(offset, 0)] = x
    return result


@op(lambda g, out, x, k: np.diagonal(g, k), numpy=np.diag)
def diagonal_matrix(x: Array, *, k: int = 0) -> Array:
    """The square matrix with the vector x on diagonal k.

    Shape: (n,) -> (n + |k|, n + |k|).
    Derivative: dx = diagonal(g, k).

    >>> np.diag(tg.constant([1.0, 2.0]))
    <node diagonal_matrix (2, 2) float64: [[1. 0.] [0. 2.]]>
    """
    return np.diag(x, k)


def _tile_rule(g: Array, out: Array, x: Array, reps: Any) -> Array:
    return sum_tiles_like(g, x, reps=reps)


@op(_tile_rule, numpy=np.tile)
def tile(x: Array, *, reps: int | tuple[int, ...]) -> Array:
    """The whole of x repeated `reps` times along each axis.

    Shape: that of x times `reps`.
    Derivative: dx = the sum of g over the copies.

    >>> np.tile(tg.constant([1.0, 2.0]), 2)
    <node tile (4,) float64: [1. 2. 1. 2.]>
    """
    return np.tile(x, reps)


@op(lambda g, out, x, like, reps: tile(g, reps=reps), None)
def sum_tiles_like(x: Array, like: Array, *, reps: int | tuple[int, ...]) -> Array:
    """The sum of the copies that `tile` made, in the shape of `like`.

    Shape: that of `like`.
    Derivative: dx = tile(g, reps).

    >>> tg.ops.sum_tiles_like(np.arange(4.0), np.zeros(2), reps=2)
    array([2., 4.])
    """
    times = reps if isinstance(reps, tuple) else (reps,)
    times = (1,) * (like.ndim - len(times)) + times
    sizes = (1,) * (len(times) - like.ndim) + like.shape
    blocks = x.reshape([size for pair in zip(times, sizes, strict=True) for size in pair])
    return np.sum(blocks, axis=tuple(range(0, 2 * len(times), 2))).reshape(like.shape)[()]


def _repeat_rule(g: Array, out: Array, x: Array, repeats: Any, axis: int) -> Array:
    return sum_repeats_like(g, x, repeats=repeats, axis=axis)


@op(_repeat_rule, numpy=np.repeat)
def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """Every entry along `axis` repeated, all the same number of times or each its own number.

    Shape: that of x, with the sum of the repeats along `axis`.
    Derivative: dx = the sum of g over the copies of each entry.

    >>> np.repeat(tg.constant([1.0, 2.0]), 2)
    <node repeat (4,) float64: [1. 1. 2. 2.]>
    """
    return np.repeat(x, repeats, axis=axis)


@op(lambda g, out, x, like, repeats, axis: repeat(g, repeats=repeats, axis=axis), None)
def sum_repeats_like(x: Array, like: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """The sum of the copies that `repeat` made of each entry, in the shape of `like`.

    Shape: that of `like`.
    Derivative: dx = repeat(g, repeats).

    >>> tg.ops.sum_repeats_like(np.arange(4.0), np.zeros(2), repeats=2, axis=0)
    array([1., 5.])
    """
    result = np.zeros(like.shape, x.dtype)
    source = np.repeat(np.arange(like.shape[axis]), repeats)
    np.add.at(np.moveaxis(result, axis, 0), source, np.moveaxis(x, axis, 0))
    return result


def _pad_rule(g: Array, out: Array, x: Array, pad_width: Any, mode: str) -> Array:
    return sum_padding_like(g, x, pad_width=pad_width, mode=mode)


@op(_pad_rule, numpy=np.pad)
def pad(x: Array, *, pad_width: Any, mode: str = "constant") -> Array:
    """x with a margin of zeros, or of its own entries (`mode` edge, reflect, symmetric or wrap).

    Shape: that of x plus the margins.
    Derivative: dx = the sum of g over the copies of each entry; for a margin of zeros, g without the margin.

    >>> np.pad(tg.constant([1.0, 2.0]), 1)
    <node pad (4,) float64: [0. 1. 2. 0.]>
    """
    if mode not in PADDINGS:
        raise ValueError(f"mode={mode!r}: choose one of {', '.join(sorted(PADDINGS))}")
    return np.pad(x, pad_width, mode=mode)  # type: ignore[call-overload]  # its stubs want each mode spelled out


PADDINGS = {"constant", "edge", "reflect", "symmetric", "wrap"}


@op(lambda g, out, x, like, pad_width, mode: pad(g, pad_width=pad_width, mode=mode), None)
def sum_padding_like(x: Array, like: Array, *, pad_width: Any, mode: str) -> Array:
    """The sum of the copies that `pad` made of each entry, in the shape of `like`.

    Shape: that of `like`.
    Derivative: dx = pad(g, pad_width, mode).

    >>> tg.ops.sum_padding_like(np.arange(4.0), np.zeros(2), pad_width=1, mode="edge")
    array([1., 5.])
    """
    x = np.asarray(x, like.dtype) if type(x) in (int, float) else x
    places = np.arange(1, like.size + 1).reshape(like.shape)
    source = np.pad(places, pad_width, mode=mode)  # type: ignore[call-overload]  # its stubs want each mode spelled out
    sums = np.zeros(like.size + 1, np.result_type(x, np.float64))
    np.add.at(sums, source.ravel(), x.ravel())
    return sums[1:].reshape(like.shape).astype(x.dtype)[()]


@op(lambda g, out, x: reshape_like(g, x))
def merge_pairs(x: Array) -> Array:
    """x with its axes merged two by two.

    Shape: (a, b, c, d, ...) -> (ab, cd, ...).
    Derivative: dx = g, reshaped to the shape of x.

    >>> tg.ops.merge_pairs(np.zeros((2, 3, 4, 5))).shape
    (6, 20)
    """
    return np.reshape(x, [x.shape[i] * x.shape[i + 1] for i in range(0, x.ndim, 2)])


def _ends_of_section(size: int, sections: int, position: int) -> tuple[int, int]:
    """Where a part begins and ends; the first ones take one entry more where the size does not divide."""
    position = range(sections)[position]
    each, extra = divmod(size, sections)
    first = position * each + min(position, extra)
    return first, first + each + (position < extra)


def _section_rule(g: Array, out: Array, x: Array, sections: int, position: int, axis: int, equal: bool) -> Array:
    return on_section_like(g, x, sections=sections, position=position, axis=axis)


@op(
    _section_rule,
    source=(
        Form("np.split({}, {sections}{axis=})[{position}]", equal=True),
        Form("np.array_split({}, {sections}{axis=})[{position}]", equal=False),
    ),
)
def section(x: Array, *, sections: int, position: int, axis: int = 0, equal: bool = False) -> Array:
    """One of the parts into which `np.array_split` divides x along `axis`; with `equal` as `np.split` does.

    Shape: that of x, with the length of the part along `axis`.
    Derivative: dx = zeros in the shape of x, with g in place of the part.

    >>> tg.ops.section(np.arange(5), sections=2, position=0)
    array([0, 1, 2])
    """
    first, end = _ends_of_section(x.shape[axis], sections, position)
    if equal and x.shape[axis] % sections:
        raise ValueError(f"{x.shape[axis]} entries do not divide into {sections} equal parts; np.array_split takes any number")
    return x[(slice(None),) * (axis % x.ndim) + (slice(first, end),)]


@op(lambda g, out, x, like, sections, position, axis: section(g, sections=sections, position=position, axis=axis), None)
def on_section_like(x: Array, like: Array, *, sections: int, position: int, axis: int = 0) -> Array:
    """Zeros in the shape of `like`, with x in place of one of the parts of `np.array_split` along `axis`.

    Shape: that of `like`.
    Derivative: dx = the same part of g.

    >>> tg.ops.on_section_like(np.array([1.0, 2.0]), np.zeros(5), sections=2, position=1)
    array([0., 0., 0., 1., 2.])
    """
    first, end = _ends_of_section(like.shape[axis], sections, position)
    margins = [list(like.shape), list(like.shape)]
    margins[0][axis], margins[1][axis] = first, like.shape[axis] - end
    before, after = (np.zeros(shape, x.dtype) for shape in margins)
    return np.concatenate([before, x, after], axis)


def _part_rule(g: Array, out: Array, x: Array, *arrays: Array, position: int, axis: int) -> Array:
    parts = [g if i == position else broadcast_like(0.0, array) for i, array in enumerate(arrays)]
    return concatenate(*parts, axis=axis)


@op(_part_rule, None)
def part_like(x: Array, *arrays: Array, position: int, axis: int) -> Array:
    """The part of x that comes from the array at `position` when x is all arrays joined along `axis`.

    Shape: that of arrays[position].
    Derivative: dx = zeros in the shape of x, with g in place of the part.

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
    numpy=np.concatenate,
)
def concatenate(*arrays: Array, axis: int = 0) -> Array:
    """Arrays joined along an existing axis.

    Shape: that of the arrays, with the sum of their sizes along `axis`.
    Derivative: for each array, its part of g.

    >>> np.concatenate([tg.constant([1.0]), [2.0, 3.0]])
    <node concatenate (3,) float64: [1. 2. 3.]>
    """
    return np.concatenate(arrays, axis=axis)


def _stack_rule(g: Array, out: Array, *arrays: Array, position: int, axis: int) -> Array:
    before = (slice(None),) * (axis if axis >= 0 else axis + g.ndim)
    return index(g, template=(*before, position))


@op(_stack_rule, hint="all arrays need the same shape", numpy=np.stack)
def stack(*arrays: Array, axis: int = 0) -> Array:
    """Arrays of the same shape joined along a new axis.

    Shape: that of the arrays, with their number inserted at `axis`.
    Derivative: for each array, its slice of g along `axis`.

    >>> np.stack([tg.constant(1.0), tg.constant(2.0)])
    <node stack (2,) float64: [1. 2.]>
    """
    return np.stack(arrays, axis=axis)
