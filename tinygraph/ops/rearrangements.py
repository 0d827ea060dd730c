"""NumPy functions that rearrange, join, split and take, written in other ops. Signatures are NumPy's."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph.leaves import as_node
from tinygraph.node import Node
from tinygraph.operators import implements
from tinygraph.ops import likes, linear_algebra, order, shapes
from tinygraph.ops.declaration import Array
from tinygraph.ops.likes import Visited

# Shapes


@implements(np.ravel)
def ravel(a: Array, order: str = "C") -> Array:
    """Record x as one row of entries."""
    if order != "C":
        raise TypeError(f"the order is 'C', not {order!r}: write np.ravel(x.T) for 'F'")
    return shapes.reshape(a, shape=(-1,))


@implements(np.swapaxes)
def _swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    axes = list(range(a.ndim))
    axis1, axis2 = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return shapes.transpose(a, axes=tuple(axes))


@implements(np.moveaxis)
def moveaxis(a: Array, source: Any, destination: Any) -> Array:
    """Record x with some axes in other places."""
    sources, destinations = normalize_axis_tuple(source, a.ndim), normalize_axis_tuple(destination, a.ndim)
    axes = [axis for axis in range(a.ndim) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(place, axis)
    if axes == sorted(axes):
        return a
    if axes == sorted(axes, reverse=True):
        return shapes.transpose(a)
    return shapes.transpose(a, axes=tuple(axes))


@implements(np.rollaxis)
def _rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Array, /) -> Array:
    return linear_algebra.flip_last(x)


@implements(np.fliplr)
def _fliplr(m: Array) -> Array:
    return shapes.flip(m, axis=1)


@implements(np.flipud)
def _flipud(m: Array) -> Array:
    return shapes.flip(m, axis=0)


@implements(np.rot90)
def _rot90(m: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    for _ in range(k % 4):
        m = shapes.flip(np.swapaxes(m, *axes), axis=axes[0])
    return m


@implements(np.atleast_1d)
def _atleast_1d(*arys: Array) -> Any:
    return _each(arys, lambda x: x if x.ndim else x[None])


@implements(np.atleast_2d)
def _atleast_2d(*arys: Array) -> Any:
    return _each(arys, lambda x: x if x.ndim > 1 else x[None] if x.ndim else x[None, None])


@implements(np.atleast_3d)
def _atleast_3d(*arys: Array) -> Any:
    return _each(arys, lambda x: x if x.ndim > 2 else x[..., None] if x.ndim == 2 else _atleast_2d(x)[..., None])


def _each(arrays: tuple[Array, ...], change: Callable[[Node], Node]) -> Any:
    changed = tuple(change(as_node(x)) for x in arrays)
    return changed[0] if len(changed) == 1 else changed


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Array) -> tuple[Array, ...]:
    arrays = [as_node(x) for x in args]
    return tuple(likes.broadcast_with(x, *arrays[:i], *arrays[i + 1 :]) for i, x in enumerate(arrays))


@implements(np.meshgrid)
def _meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    count = len(xi)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = 1, 0
    flat = [ravel(as_node(x)) for x in xi]
    thin = [x[(None,) * place + (slice(None),) + (None,) * (count - place - 1)] for x, place in zip(flat, places, strict=True)]
    return tuple(thin) if sparse else _broadcast_arrays(*thin)


@implements(np.tile)
def _tile(A: Array, reps: Any) -> Array:
    return shapes.tile(A, reps=tuple(reps) if np.ndim(reps) else int(reps))


@implements(np.repeat)
def _repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    counts = tuple(int(count) for count in np.asarray(repeats)) if np.ndim(repeats) else int(repeats)
    return shapes.repeat(ravel(a) if axis is None else a, repeats=counts, axis=0 if axis is None else axis)


@implements(np.pad)
def _pad(array: Array, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    if np.any(np.asarray(constant_values) != 0):
        raise TypeError("a node is padded by constant_values=0 alone: join other margins by np.concatenate")
    width = np.asarray(pad_width).tolist() if not isinstance(pad_width, dict) else pad_width
    return shapes.pad(array, pad_width=width, mode=mode)


# Joining and splitting


@implements(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Array:
    if axis is None:
        return shapes.concatenate(*(ravel(as_node(x)) for x in arrays))
    return shapes.concatenate(*arrays, axis=axis)


@implements(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0) -> Array:
    return shapes.stack(*arrays, axis=axis)


@implements(np.vstack)
def _vstack(tup: Sequence[Any]) -> Array:
    return shapes.concatenate(*map(_atleast_2d, tup))


@implements(np.hstack)
def _hstack(tup: Sequence[Any]) -> Array:
    rows = [_atleast_1d(x) for x in tup]
    return shapes.concatenate(*rows, axis=0 if rows[0].ndim == 1 else 1)


@implements(np.dstack)
def _dstack(tup: Sequence[Any]) -> Array:
    return shapes.concatenate(*map(_atleast_3d, tup), axis=2)


@implements(np.column_stack)
def _column_stack(tup: Sequence[Any]) -> Array:
    columns = [x[:, None] if x.ndim == 1 else _atleast_2d(x) for x in map(as_node, tup)]
    return shapes.concatenate(*columns, axis=1)


@implements(np.block)
def _block(arrays: Any) -> Array:
    depth = _depth(arrays)
    ndim = max(depth, *(np.ndim(x) for x in _entries(arrays)))
    return _blocks(arrays, depth, ndim)


def _depth(arrays: Any) -> int:
    """How deep lists are nested, which must be the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError("np.block takes lists of lists, no tuples: np.concatenate takes those")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(x) for x in arrays}
    if len(depths) != 1:
        raise ValueError("the lists must be nested to the same depth, and none be empty")
    return depths.pop() + 1


def _entries(arrays: Any) -> Iterator[Any]:
    if isinstance(arrays, list):
        for x in arrays:
            yield from _entries(x)
    else:
        yield arrays


def _blocks(arrays: Any, depth: int, ndim: int) -> Array:
    """The entries of the innermost lists joined along the last axis, those of the lists around them along the one before."""
    if depth:
        return _concatenate([_blocks(x, depth - 1, ndim) for x in arrays], axis=-depth)
    x = as_node(arrays)
    return x[(None,) * (ndim - x.ndim)] if x.ndim < ndim else x


@implements(np.append)
def _append(arr: Array, values: Array, axis: int | None = None) -> Array:
    return _concatenate([arr, values], axis)


@implements(np.split)
def _split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    return _parts(ary, indices_or_sections, normalize_axis_index(axis, ary.ndim), equal=True)


@implements(np.array_split)
def _array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    return _parts(ary, indices_or_sections, normalize_axis_index(axis, ary.ndim), equal=False)


def _parts(x: Array, cut: Any, axis: int, equal: bool) -> list[Array]:
    """The parts of x between some indices, or a number of parts whatever the size."""
    if not np.ndim(cut):
        if cut < 1:
            raise ValueError("the number of parts must be at least 1")
        return [shapes.section(x, sections=int(cut), position=i, axis=axis, equal=equal) for i in range(int(cut))]
    before = (slice(None),) * axis
    return [x[(*before, slice(start, stop))] for start, stop in itertools.pairwise([0, *map(operator.index, cut), None])]


@implements(np.hsplit)
def _hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    return _split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@implements(np.vsplit)
def _vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    if ary.ndim == 1:
        raise ValueError("a vector has no rows to split: write np.split")
    return _split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    return _split(ary, indices_or_sections, 2)


@implements(np.unstack)
def _unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    before = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return tuple(x[(*before, Visited(i))] for i in range(x.shape[axis]))


# Taking and ordering


@implements(np.take)
def _take(a: Array, indices: Any, axis: int | None = None) -> Array:
    indices = indices if isinstance(indices, np.ndarray | Node) else np.asarray(indices)
    if indices.dtype.kind == "b":  # which an index would take for a mask
        indices = np.astype(indices, np.intp)
    if axis is None:
        return ravel(a)[indices]
    return a[(slice(None),) * normalize_axis_index(axis, a.ndim) + (indices,)]


@implements(np.compress)
def _compress(condition: Any, a: Array, axis: int | None = None) -> Array:
    return _take(a, np.flatnonzero(condition), axis)


@implements(np.delete)
def _delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    if isinstance(obj, Node):
        np.asarray(obj)  # raises, and says what to write
    flat = ravel(arr) if axis is None else arr
    return _take(flat, np.delete(np.arange(flat.shape[axis or 0]), obj), axis or 0)


@implements(np.take_along_axis)
def _take_along_axis(arr: Array, indices: Array, axis: int | None = -1) -> Array:
    if axis is None:
        return order.take_along_axis(ravel(as_node(arr)), indices, axis=0)
    return order.take_along_axis(arr, indices, axis=axis)


@implements(np.sort)
def _sort(a: Array, axis: int | None = -1) -> Array:
    return order.sort(ravel(a), axis=0) if axis is None else order.sort(a, axis=axis)
