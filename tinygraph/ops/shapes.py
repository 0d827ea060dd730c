"""Rearranging: the same entries in another shape or order, and several arrays joined."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph.node import Node
from tinygraph.ops import work
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import Op, op
from tinygraph.ops.dtypes import summed
from tinygraph.ops.kinds import Opaque, Params, Place, Rearrangement, Same, Shape
from tinygraph.ops.likes import Axis, broadcast_like, index, reshape_like
from tinygraph.sizes import Axis as AxisOf
from tinygraph.sizes import Size, Sizes, Sizing
from tinygraph.syntax import SourceForm


def _reshaped(axes: Sizing, node: Node) -> Sizes:
    """Runs of axes that hold the same entries before and after: a run without -1 must have as many as it had."""
    x, shape = node.inputs[0], node.params["shape"]
    shape = shape if isinstance(shape, tuple) else (shape,)
    result: list[Size] = list(node.shape)
    for before, after in _runs(x.shape, node.shape):
        entries = axes.product(axes.of(x)[i] for i in before)
        given = [shape[i] for i in after if shape[i] != -1]
        if len(given) == len(after):
            axes.demand(x, before, entries, math.prod(given), node.op)
        else:
            i = next(i for i in after if shape[i] == -1)
            rest = math.prod(given)
            result[i] = entries if rest == 1 else axes.formula(f"({{}} // {rest})", entries) if rest else AxisOf(node, i)
        for number in given:
            axes.keep(number, node.op)
    return tuple(result)


def _reshaped_rowwise(node: Node) -> list[int]:
    """The axis of the size -1 where it is one of x."""
    shape = node.params["shape"]
    shape = shape if isinstance(shape, tuple) else (shape,)
    runs = _runs(node.inputs[0].shape, node.shape)
    return [after[0] for before, after in runs if len(before) == len(after) == 1 and shape[after[0]] == -1]


def _runs(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The shortest runs of axes, from the first on, that have as many entries in one shape as in the other."""
    if 0 in before:
        yield list(range(len(before))), list(range(len(after)))
        return
    left, right = list(range(len(before))), list(range(len(after)))
    while left or right:
        run: tuple[list[int], list[int]] = ([left.pop(0)] if left else [], [right.pop(0)] if right else [])
        sizes = math.prod(before[i] for i in run[0]), math.prod(after[i] for i in run[1])
        while sizes[0] != sizes[1]:
            if sizes[0] < sizes[1]:
                run[0].append(left.pop(0))
            else:
                run[1].append(right.pop(0))
            sizes = math.prod(before[i] for i in run[0]), math.prod(after[i] for i in run[1])
        yield run


@op(
    lambda g, out, x, shape: reshape_like(g, x),
    numpy=np.reshape,
    kind=Opaque(_reshaped, _reshaped_rowwise),
    view=True,
    source="np.reshape({}, {shape})",
)
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


def _transposed(shapes: Sequence[Shape], params: Params) -> list[Place | None]:
    ndim = len(shapes[0])
    order = range(ndim)[::-1] if params["axes"] is None else normalize_axis_tuple(params["axes"], ndim)
    return [(0, i) for i in order]


@op(
    _transpose_rule,
    numpy=np.transpose,
    kind=Rearrangement(_transposed),
    view=True,
    steps=1,
    source=SourceForm("{}.T", axes=None),
    notation="{}⊤",
)
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """x with its axes permuted, by default reversed; also written `x.T`.

    Shape: the sizes of x in the order `axes`.
    Derivative: dx = g, transposed by the inverse permutation.

    >>> tg.constant([[1.0, 2.0]]).T
    <node transpose (2, 1) float64: [[1.] [2.]]>
    """
    return np.transpose(x, axes)


def _repeated_to(axes: Sizing, node: Node) -> Sizes:
    """A shape in numbers, which may be the sizes of other values; those of which an entry was repeated may follow from any."""
    x = node.inputs[0]
    new = node.ndim - x.ndim
    for i, n in enumerate(node.shape):
        axes.keep(n, node.op)
        if i >= new and x.shape[i - new] == n:
            axes.demand(x, [i - new], axes.of(x)[i - new], n, node.op)
        elif n != 1:
            axes.keep_all(node.op)
    return node.shape


@op(lambda g, out, x, shape: g, numpy=np.broadcast_to, kind=Opaque(_repeated_to), view=True, work=work.from_shape)
def broadcast_to(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """x repeated along new axes and axes of size 1 until it has `shape`.

    Shape: `shape`.
    Derivative: dx = g, summed over the axes that x was repeated along.

    >>> np.broadcast_to(tg.constant(1.0), (2,))
    <node broadcast_to (2,) float64: [1. 1.]>
    """
    return np.broadcast_to(x, shape)


def _expanded(shapes: Sequence[Shape], params: Params) -> list[Place | None]:
    ndim = len(shapes[0]) + np.size(params["axis"])
    new, rest = normalize_axis_tuple(params["axis"], ndim), itertools.count()
    return [None if i in new else (0, next(rest)) for i in range(ndim)]


@op(
    lambda g, out, x, axis: reshape_like(g, x),
    numpy=np.expand_dims,
    kind=Rearrangement(_expanded),
    view=True,
    steps=0,
    notation="{}",
)
def expand_dims(x: Array, *, axis: int | tuple[int, ...]) -> Array:
    """x with new axes of size 1 at the positions `axis` of the result.

    Shape: that of x with 1 inserted at `axis`.
    Derivative: dx = g, reshaped to the shape of x.

    >>> np.expand_dims(tg.constant([1.0, 2.0]), 0)
    <node expand_dims (1, 2) float64: [[1. 2.]]>
    """
    return np.expand_dims(x, axis)


def _squeezed(shapes: Sequence[Shape], params: Params) -> list[Place | None]:
    (shape,), axis = shapes, params["axis"]
    gone = [i for i, n in enumerate(shape) if n == 1] if axis is None else normalize_axis_tuple(axis, len(shape))
    return [(0, i) for i in range(len(shape)) if i not in gone]


@op(lambda g, out, x, axis: reshape_like(g, x), numpy=np.squeeze, kind=Rearrangement(_squeezed), view=True)
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


@op(_flip_rule, numpy=np.flip, kind=Same(), view=True)
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


@op(lambda g, out, x, shift, axis: np.roll(g, _backwards(shift), axis), numpy=np.roll, kind=Same())
def roll(x: Array, *, shift: int | tuple[int, ...], axis: Axis = None) -> Array:
    """x shifted along `axis`; entries that leave at one end enter at the other.

    Shape: that of x.
    Derivative: dx = roll(g, -shift).

    >>> np.roll(tg.constant([1.0, 2.0, 3.0]), 1)
    <node roll (3,) float64: [3. 1. 2.]>
    """
    return np.roll(x, shift, axis=axis)


@op(lambda g, out, x, k: np.tril(g, k), numpy=np.tril, kind=Same(), onnx="Trilu({}, int64({k}), upper=0)")
def tril(x: Array, *, k: int = 0) -> Array:
    """The lower triangle of matrices, with zeros above diagonal k.

    Shape: that of x.
    Derivative: dx = tril(g, k).

    >>> np.tril(tg.constant([[1.0, 2.0], [3.0, 4.0]]))
    <node tril (2, 2) float64: [[1. 0.] [3. 4.]]>
    """
    return np.tril(x, k)


@op(lambda g, out, x, k: np.triu(g, k), numpy=np.triu, kind=Same(), onnx="Trilu({}, int64({k}))")
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


def _diagonal(axes: Sizing, node: Node) -> Sizes:
    x, offset = node.inputs[0], node.params["offset"]
    sizes, places = axes.of(x), normalize_axis_tuple((node.params["axis1"], node.params["axis2"]), x.ndim)
    rows, columns = (sizes[i] for i in places)
    form = f"max(min({{}} - {max(-offset, 0)}, {{}} - {max(offset, 0)}), 0)" if offset else "min({}, {})"
    length = rows if rows is columns and not offset else axes.formula(form, rows, columns)
    return (*(size for i, size in enumerate(sizes) if i not in places), length)


@op(_diagonal_rule, numpy=np.diagonal, kind=Opaque(_diagonal), view=True)
def diagonal(x: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of the planes that two axes span, as a new last axis.

    Shape: that of x without the two axes, then the length of the diagonal.
    Derivative: dx = zeros in the shape of x, with g on the diagonal.

    >>> np.diagonal(tg.constant([[1.0, 2.0], [3.0, 4.0]]))
    <node diagonal (2,) float64: [1. 4.]>
    """
    return np.diagonal(x, offset, axis1, axis2)


@op(
    lambda g, out, x, like, offset, axis1, axis2: diagonal(g, offset=offset, axis1=axis1, axis2=axis2),
    None,
    kind=Same(1),
    shape_only=("like",),
    untraceable="it writes in place",
)
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


def _diagonal_matrix(axes: Sizing, node: Node) -> Sizes:
    size, k = axes.of(node.inputs[0])[0], abs(node.params["k"])
    return (axes.formula(f"({{}} + {k})", size) if k else size,) * 2


@op(lambda g, out, x, k: np.diagonal(g, k), numpy=np.diag, kind=Opaque(_diagonal_matrix), work=work.square_of_vector)
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


def _times(axes: Sizing, size: Size, count: int, taker: Op | None) -> Size:
    """An axis some times as long; a number of copies of one entry is a size of something else."""
    if size == 1 and count != 1:
        axes.keep_all(taker)
        return count
    axes.keep(count, taker)
    return size if count == 1 else axes.formula(f"({{}} * {count})", size)


def _tiled(axes: Sizing, node: Node) -> Sizes:
    reps, sizes = node.params["reps"], axes.of(node.inputs[0])
    reps = reps if isinstance(reps, tuple) else (reps,)
    reps, sizes = (1,) * (node.ndim - len(reps)) + reps, (1,) * (node.ndim - len(sizes)) + sizes
    return tuple(_times(axes, size, count, node.op) for size, count in zip(sizes, reps, strict=True))


@op(_tile_rule, numpy=np.tile, kind=Opaque(_tiled), work=work.tiled)
def tile(x: Array, *, reps: int | tuple[int, ...]) -> Array:
    """The whole of x repeated `reps` times along each axis.

    Shape: that of x times `reps`.
    Derivative: dx = the sum of g over the copies.

    >>> np.tile(tg.constant([1.0, 2.0]), 2)
    <node tile (4,) float64: [1. 2. 1. 2.]>
    """
    return np.tile(x, reps)


@op(lambda g, out, x, like, reps: tile(g, reps=reps), None, kind=Same(1), shape_only=("like",), dtype=lambda x, like: summed(x))
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


def _repeated(axes: Sizing, node: Node) -> Sizes:
    x, repeats = node.inputs[0], node.params["repeats"]
    axis = normalize_axis_index(node.params["axis"], x.ndim)
    sizes = list(axes.of(x))
    if isinstance(repeats, tuple) and len(repeats) > 1:
        axes.demand(x, [axis], sizes[axis], len(repeats), node.op)
        sizes[axis] = sum(repeats)
    else:
        sizes[axis] = _times(axes, sizes[axis], repeats[0] if isinstance(repeats, tuple) else repeats, node.op)
    return tuple(sizes)


def _of_several_numbers(inputs: Sequence[Any], params: Params) -> str:
    return "it takes one number of repeats" if isinstance(params["repeats"], tuple) else ""


@op(_repeat_rule, numpy=np.repeat, kind=Opaque(_repeated), untraceable=_of_several_numbers, work=work.repeated)
def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """Every entry along `axis` repeated, all the same number of times or each its own number.

    Shape: that of x, with the sum of the repeats along `axis`.
    Derivative: dx = the sum of g over the copies of each entry.

    >>> np.repeat(tg.constant([1.0, 2.0]), 2)
    <node repeat (4,) float64: [1. 1. 2. 2.]>
    """
    return np.repeat(x, repeats, axis=axis)


@op(
    lambda g, out, x, like, repeats, axis: repeat(g, repeats=repeats, axis=axis),
    None,
    kind=Same(1),
    shape_only=("like",),
    untraceable="it adds in place",
    work=work.repeated,
)
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


def _padded(axes: Sizing, node: Node) -> Sizes:
    x = node.inputs[0]
    margins = [n - before for n, before in zip(node.shape, x.shape, strict=True)]
    return tuple(axes.formula(f"({{}} + {m})", size) if m else size for size, m in zip(axes.of(x), margins, strict=True))


@op(_pad_rule, numpy=np.pad, kind=Opaque(_padded), work=work.padded)
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


@op(
    lambda g, out, x, like, pad_width, mode: pad(g, pad_width=pad_width, mode=mode),
    None,
    kind=Same(1),
    shape_only=("like",),
    untraceable="it adds in place",
    work=work.padded,
)
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


def _merged(axes: Sizing, node: Node) -> Sizes:
    sizes = axes.of(node.inputs[0])
    return tuple(axes.product(sizes[i : i + 2]) for i in range(0, len(sizes), 2))


@op(lambda g, out, x: reshape_like(g, x), kind=Opaque(_merged), view=True)
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


def _cut(axes: Sizing, node: Node) -> Sizes:
    sizes, sections = list(axes.of(node.inputs[0])), node.params["sections"]
    axis, position = normalize_axis_index(node.params["axis"], node.ndim), range(sections)[node.params["position"]]
    sizes[axis] = axes.formula(f"({{0}} // {sections} + ({position} < {{0}} % {sections}))", sizes[axis])
    return tuple(sizes)


@op(
    _section_rule,
    kind=Opaque(_cut),
    view=True,
    source=(
        SourceForm("np.split({}, {sections}{axis=})[{position}]", equal=True),
        SourceForm("np.array_split({}, {sections}{axis=})[{position}]", equal=False),
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


@op(
    lambda g, out, x, like, sections, position, axis: section(g, sections=sections, position=position, axis=axis),
    None,
    kind=Same(1),
    shape_only=("like",),
)
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


def _part(axes: Sizing, node: Node) -> Sizes:
    x, *arrays = node.inputs
    sizes, axis = list(axes.of(x)), normalize_axis_index(node.params["axis"], node.ndim)
    sizes[axis] = axes.of(arrays[node.params["position"]])[axis]
    return tuple(sizes)


@op(_part_rule, None, kind=Opaque(_part), shape_only=("arrays",), view=True)
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


def _joined_rowwise(node: Node) -> list[int]:
    """The axes along which no arrays are put together."""
    return [i for i in range(node.ndim) if i != normalize_axis_index(node.params["axis"], node.ndim)]


def _joined(axes: Sizing, node: Node) -> Sizes:
    axis = normalize_axis_index(node.params["axis"], node.ndim)
    together = [[axes.of(x)[i] for x in node.inputs] for i in range(node.ndim)]
    return tuple(axes.total(sizes) if i == axis else axes.agreeing(sizes) for i, sizes in enumerate(together))


@op(
    lambda g, out, *arrays, position, axis: part_like(g, *arrays, position=position, axis=axis),
    hint="all arrays need the same number of axes and the same sizes, except along the axis they are joined on",
    numpy=np.concatenate,
    kind=Opaque(_joined, _joined_rowwise),
    work=work.together,
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


def _stacked(axes: Sizing, node: Node) -> Sizes:
    sizes = [axes.agreeing([axes.of(x)[i] for x in node.inputs]) for i in range(node.ndim - 1)]
    sizes.insert(normalize_axis_index(node.params["axis"], node.ndim), len(node.inputs))
    return tuple(sizes)


@op(
    _stack_rule, hint="all arrays need the same shape", numpy=np.stack, kind=Opaque(_stacked, _joined_rowwise), work=work.together
)
def stack(*arrays: Array, axis: int = 0) -> Array:
    """Arrays of the same shape joined along a new axis.

    Shape: that of the arrays, with their number inserted at `axis`.
    Derivative: for each array, its slice of g along `axis`.

    >>> np.stack([tg.constant(1.0), tg.constant(2.0)])
    <node stack (2,) float64: [1. 2.]>
    """
    return np.stack(arrays, axis=axis)
