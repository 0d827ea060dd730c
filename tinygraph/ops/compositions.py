"""NumPy functions written in other ops, and those that call an op in a way of their own. Signatures are NumPy's."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph.node import Node, leaf_of
from tinygraph.ops import arithmetic, likes, linear_algebra, order, scans, selection, shapes
from tinygraph.ops.declare import NUMPY, Array

Axis = likes.Axis


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Answer NumPy functions that are given a Node."""

    def declare(own: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            NUMPY[function] = own
        return own

    return declare


def _node(x: Any) -> Array:
    return x if isinstance(x, Node) else leaf_of(np.asarray(x))


# Elementwise


@implements(np.positive, np.real, np.real_if_close, np.conj)
def _positive(x: Array, /) -> Array:
    return x


@implements(np.fabs)
def _fabs(x: Array, /) -> Array:
    return arithmetic.abs(x)


@implements(np.degrees)
def _degrees(x: Array, /) -> Array:
    return np.rad2deg(x)


@implements(np.radians)
def _radians(x: Array, /) -> Array:
    return np.deg2rad(x)


@implements(np.float_power)
def _float_power(x: Array, y: Array, /) -> Array:
    return arithmetic.power(x, y)


def _masks(ufunc: np.ufunc, *operands: Array) -> None:
    kinds = {np.asarray(x).dtype.kind for x in operands}
    if kinds != {"b"}:
        raise TypeError(f"np.{ufunc.__name__} (&, |, ~) of a node takes masks alone, such as (z > 0) & (z < 1)")


@implements(np.bitwise_and)
def bitwise_and(x: Array, y: Array, /) -> Array:
    """Answer `x & y` for masks."""
    _masks(np.bitwise_and, x, y)
    return selection.logical_and(x, y)


@implements(np.bitwise_or)
def bitwise_or(x: Array, y: Array, /) -> Array:
    """Answer `x | y` for masks."""
    _masks(np.bitwise_or, x, y)
    return selection.logical_or(x, y)


@implements(np.invert)
def invert(x: Array, /) -> Array:
    """Answer `~x` for masks."""
    _masks(np.invert, x)
    return selection.logical_not(x)


@implements(np.logical_xor)
def _logical_xor(x: Array, y: Array, /) -> Array:
    return selection.not_equal(selection.logical_not(x), selection.logical_not(y))


@implements(np.around)
def _around(a: Array, decimals: int = 0) -> Array:
    return arithmetic.round(a, decimals=decimals)


@implements(np.clip)
def _clip(a: Array, a_min: Array = None, a_max: Array = None, *, min: Array = None, max: Array = None) -> Array:
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    if low is not None and high is not None:
        return arithmetic.clip(a, low, high)
    if low is None and high is None:
        return a
    return arithmetic.clip(a, -np.inf if low is None else low, np.inf if high is None else high)


@implements(np.where)
def _where(condition: Array, x: Array = None, y: Array = None, /) -> Any:
    if x is None or y is None:
        return np.nonzero(np.asarray(condition))
    return selection.where(condition, x, y)


@implements(np.select)
def _select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array = 0) -> Array:
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = selection.where(condition, choice, default)
    return default


@implements(np.fmax)
def _fmax(x: Array, y: Array, /) -> Array:
    x, y = _node(x), _node(y)
    return selection.where(x != x, y, selection.where(y != y, x, arithmetic.maximum(x, y)))


@implements(np.fmin)
def _fmin(x: Array, y: Array, /) -> Array:
    x, y = _node(x), _node(y)
    return selection.where(x != x, y, selection.where(y != y, x, arithmetic.minimum(x, y)))


@implements(np.nan_to_num)
def _nan_to_num(x: Array, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    limits = np.finfo(x.dtype)
    finite = selection.where(x != x, nan, x)
    finite = selection.where(x == np.inf, limits.max if posinf is None else posinf, finite)
    return selection.where(x == -np.inf, limits.min if neginf is None else neginf, finite)


@implements(np.astype)
def _astype(x: Array, dtype: Any, *, copy: bool = True) -> Array:
    if np.dtype(dtype).kind not in "biuf":
        raise TypeError(f"a node holds real numbers, not {np.dtype(dtype)}: write node.value.astype(...)")
    cast = likes.cast(x, dtype=np.dtype(dtype))
    return cast if np.dtype(dtype).kind == "f" else likes.stop_gradient(cast)


# Reductions and scans


@implements(np.amax)
def _amax(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.max(a, axis=axis, keepdims=keepdims)


@implements(np.amin)
def _amin(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.min(a, axis=axis, keepdims=keepdims)


@implements(np.ptp)
def _ptp(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@implements(np.prod)
def _prod(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim)
    for one in sorted(axes, reverse=True):
        a = scans.prod(a, axis=one, keepdims=keepdims)
    return a


@implements(np.cumsum)
def _cumsum(a: Array, axis: int | None = None) -> Array:
    return scans.cumsum(_ravel(a), axis=0) if axis is None else scans.cumsum(a, axis=axis)


@implements(np.cumprod)
def _cumprod(a: Array, axis: int | None = None) -> Array:
    return scans.cumprod(_ravel(a), axis=0) if axis is None else scans.cumprod(a, axis=axis)


@implements(np.average)
def _average(a: Array, axis: Axis = None, weights: Array = None, *, keepdims: bool = False) -> Array:
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    if np.shape(weights) != np.shape(a):
        raise ValueError(f"np.average of a node takes weights of its shape {np.shape(a)}, not {np.shape(weights)}")
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    return np.sum(a * weights, axis=axis, keepdims=keepdims) / total


@implements(np.diff)
def _diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    if n < 0:
        raise ValueError(f"np.diff takes an order of at least 0, not {n}")
    axis = normalize_axis_index(axis, a.ndim)
    before = (slice(None),) * axis
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


@implements(np.trapezoid)
def _trapezoid(y: Array, x: Array = None, dx: float = 1.0, axis: int = -1) -> Array:
    y = _node(y)
    axis = normalize_axis_index(axis, y.ndim)
    before = (slice(None),) * axis
    width: Array = dx
    if x is not None:
        flat = np.ndim(x) == 1
        width = np.diff(x)[(slice(None),) + (None,) * (y.ndim - axis - 1)] if flat else np.diff(x, axis=axis)
    pairs = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return np.sum(width * pairs / 2, axis=axis)


@implements(np.linalg.norm)
def _norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return np.sqrt(np.sum(np.square(x), axis=axes, keepdims=keepdims))
    if len(axes) != 1:
        raise TypeError(f"np.linalg.norm of a node takes ord None or 'fro' over {len(axes)} axes, not {ord!r}")
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(abs(x), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(abs(x), axis=axes, keepdims=keepdims)
    if isinstance(ord, str) or ord == 0:
        raise TypeError(f"np.linalg.norm of a node takes no ord={ord!r}")
    return np.sum(abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1.0 / ord)


# Shapes


@implements(np.ravel)
def _ravel(a: Array, order: str = "C") -> Array:
    if order not in "CA":
        raise TypeError(f"np.ravel of a node takes order 'C', not {order!r}: transpose it first")
    return shapes.reshape(a, shape=(-1,))


@implements(np.swapaxes)
def _swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    axes = list(range(a.ndim))
    axis1, axis2 = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return shapes.transpose(a, axes=tuple(axes))


@implements(np.moveaxis)
def _moveaxis(a: Array, source: Any, destination: Any) -> Array:
    sources, destinations = normalize_axis_tuple(source, a.ndim), normalize_axis_tuple(destination, a.ndim)
    axes = [axis for axis in range(a.ndim) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(place, axis)
    return shapes.transpose(a, axes=tuple(axes))


@implements(np.rollaxis)
def _rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return _moveaxis(a, axis, start - 1 if axis < start else start)


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
    changed = tuple(change(_node(x)) for x in arrays)
    return changed[0] if len(changed) == 1 else changed


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Array) -> tuple[Array, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(shapes.broadcast_to(x, shape=shape) for x in map(_node, args))


@implements(np.meshgrid)
def _meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    count = len(xi)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = 1, 0
    flat = [_ravel(_node(x)) for x in xi]
    thin = [x[(None,) * place + (slice(None),) + (None,) * (count - place - 1)] for x, place in zip(flat, places, strict=True)]
    return tuple(thin) if sparse else _broadcast_arrays(*thin)


@implements(np.tile)
def _tile(A: Array, reps: Any) -> Array:
    return shapes.tile(A, reps=tuple(reps) if np.ndim(reps) else int(reps))


@implements(np.repeat)
def _repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    counts = tuple(int(count) for count in np.asarray(repeats)) if np.ndim(repeats) else int(repeats)
    return shapes.repeat(_ravel(a) if axis is None else a, repeats=counts, axis=0 if axis is None else axis)


@implements(np.pad)
def _pad(array: Array, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    if np.any(np.asarray(constant_values) != 0):
        raise TypeError("np.pad of a node takes constant_values=0 alone: join the margins by np.concatenate")
    width = np.asarray(pad_width).tolist() if not isinstance(pad_width, dict) else pad_width
    return shapes.pad(array, pad_width=width, mode=mode)


# Joining and splitting


@implements(np.concatenate)
def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Array:
    if axis is None:
        return shapes.concatenate(*(_ravel(_node(x)) for x in arrays))
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
    columns = [x[:, None] if x.ndim == 1 else _atleast_2d(x) for x in map(_node, tup)]
    return shapes.concatenate(*columns, axis=1)


@implements(np.append)
def _append(arr: Array, values: Array, axis: int | None = None) -> Array:
    return _concatenate([arr, values], axis)


@implements(np.split)
def _split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    if not np.ndim(indices_or_sections) and indices_or_sections > 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(f"np.split: {ary.shape[axis]} entries do not divide into {indices_or_sections} equal parts")
    return _array_split(ary, indices_or_sections, axis)


@implements(np.array_split)
def _array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    size = ary.shape[axis]
    if not np.ndim(indices_or_sections) and indices_or_sections < 1:
        raise ValueError("the number of parts must be at least 1")
    if np.ndim(indices_or_sections):
        ends = [0, *(int(i) for i in indices_or_sections), size]
    else:
        each, extra = divmod(size, int(indices_or_sections))
        ends = list(itertools.accumulate([each + 1] * extra + [each] * (int(indices_or_sections) - extra), initial=0))
    before = (slice(None),) * normalize_axis_index(axis, ary.ndim)
    return [ary[(*before, slice(start, stop))] for start, stop in itertools.pairwise(ends)]


@implements(np.hsplit)
def _hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    return _split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@implements(np.vsplit)
def _vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    return _split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    return _split(ary, indices_or_sections, 2)


@implements(np.unstack)
def _unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    before = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return tuple(x[(*before, i)] for i in range(x.shape[axis]))


# Taking and ordering


@implements(np.take)
def _take(a: Array, indices: Any, axis: int | None = None) -> Array:
    indices = indices if isinstance(indices, np.ndarray | Node) else np.asarray(indices)
    if axis is None:
        return _ravel(a)[indices]
    return a[(slice(None),) * normalize_axis_index(axis, a.ndim) + (indices,)]


@implements(np.compress)
def _compress(condition: Any, a: Array, axis: int | None = None) -> Array:
    return _take(a, np.flatnonzero(condition), axis)


@implements(np.delete)
def _delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    flat = _ravel(arr) if axis is None else arr
    return _take(flat, np.delete(np.arange(flat.shape[axis or 0]), obj), axis or 0)


@implements(np.take_along_axis)
def _take_along_axis(arr: Array, indices: Array, axis: int | None = -1) -> Array:
    if axis is None:
        return order.take_along_axis(_ravel(_node(arr)), indices, axis=0)
    return order.take_along_axis(arr, indices, axis=axis)


@implements(np.sort)
def _sort(a: Array, axis: int | None = -1) -> Array:
    return order.sort(_ravel(a), axis=0) if axis is None else order.sort(a, axis=axis)


@implements(np.median)
def _median(a: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    line, place = (_ravel(a), 0) if axis is None else (a, normalize_axis_index(axis, a.ndim))
    middle = slice((line.shape[place] - 1) // 2, line.shape[place] // 2 + 1)
    before = (slice(None),) * place
    ordered = _sort(line, place)
    last = ordered[(*before, slice(-1, None))]
    spread = selection.where(last != last, last, ordered[(*before, middle)])  # NaN is sorted to the end
    result = np.mean(spread, axis=place, keepdims=keepdims and axis is not None)
    return np.reshape(result, (1,) * a.ndim) if keepdims and axis is None else result


# Products


@implements(np.dot)
def _dot(a: Array, b: Array) -> Array:
    if not np.ndim(a) or not np.ndim(b):
        return arithmetic.multiply(a, b)
    if np.ndim(b) <= 2:
        return linear_algebra.matmul(a, b)
    return _tensordot(a, b, ((-1,), (-2,)))


@implements(np.inner)
def _inner(a: Array, b: Array, /) -> Array:
    if not np.ndim(a) or not np.ndim(b):
        return arithmetic.multiply(a, b)
    return _tensordot(a, b, ((-1,), (-1,)))


@implements(np.vdot)
def _vdot(a: Array, b: Array, /) -> Array:
    return linear_algebra.matmul(_ravel(_node(a)), _ravel(_node(b)))


@implements(np.outer)
def _outer(a: Array, b: Array) -> Array:
    return arithmetic.multiply(_ravel(_node(a))[:, None], _ravel(_node(b))[None, :])


@implements(np.cross)
def _cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _moveaxis(_node(a), axisa, -1), _moveaxis(_node(b), axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"np.cross of a node takes vectors of length 3, not {x.shape[-1]} and {y.shape[-1]}")
    return _moveaxis(np.roll(x * np.roll(y, -1, -1) - np.roll(x, -1, -1) * y, -1, -1), -1, axisc)


@implements(np.kron)
def _kron(a: Array, b: Array) -> Array:
    x, y = _node(a), _node(b)
    ndim = max(x.ndim, y.ndim)
    x, y = x[(None,) * (ndim - x.ndim) + (...,)], y[(None,) * (ndim - y.ndim) + (...,)]
    return shapes.merge_pairs(x[(slice(None), None) * ndim] * y[(None, slice(None)) * ndim])


@implements(np.tensordot)
def _tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    ndims = np.ndim(a), np.ndim(b)
    if not np.iterable(axes):
        axes = range(ndims[0] - axes, ndims[0]), range(axes)
    axes = [[own] if np.ndim(own) == 0 else list(own) for own in axes]
    sizes = [[np.shape(x)[i] for i in own] for x, own in zip((a, b), axes, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"summed axes of sizes {sizes[0]} and {sizes[1]} do not match")
    summed = [normalize_axis_tuple(own, ndim) for own, ndim in zip(axes, ndims, strict=True)]
    letters = iter(string.ascii_letters)
    left = [next(letters) for _ in range(ndims[0])]
    right = [next(letters) for _ in range(ndims[1])]
    for i, j in zip(*summed, strict=True):
        right[j] = left[i]
    kept = [x for i, x in enumerate(left) if i not in summed[0]] + [x for i, x in enumerate(right) if i not in summed[1]]
    return linear_algebra.einsum(a, b, subscripts=f"{''.join(left)},{''.join(right)}->{''.join(kept)}")


@implements(np.einsum)
def _einsum(*operands: Any, optimize: Any = False) -> Array:
    """Spell the subscripts out: explicit result, letters for an ellipsis, diagonals taken first."""
    if not isinstance(operands[0], str):
        operands = _lettered(operands)
    text, arrays = operands[0].replace(" ", ""), list(operands[1:])
    terms, arrow, result = text.partition("->")
    split = terms.split(",")
    if len(split) != len(arrays):
        raise ValueError(f"np.einsum: {operands[0]!r} names {len(split)} operands, but {len(arrays)} were given")
    hidden = [np.ndim(x) - len(term) + 3 if "..." in term else 0 for term, x in zip(split, arrays, strict=True)]
    spare = [letter for letter in string.ascii_letters if letter not in text][: max(hidden)]
    split = [term.replace("...", "".join(spare[len(spare) - n :])) for term, n in zip(split, hidden, strict=True)]
    counted = "".join(split)
    arrays = [x if isinstance(x, Node) else np.asarray(x) for x in arrays]
    for term, x in zip(split, arrays, strict=True):
        if len(term) != x.ndim:
            raise ValueError(f"the term {term!r} names {len(term)} axes of an operand that has {x.ndim}")
    sizes: dict[str, int] = {}
    for term, x in zip(split, arrays, strict=True):
        for letter, size in zip(term, x.shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    if not arrow:
        result = "..." + "".join(sorted(x for x in set(counted) if counted.count(x) == 1 and x not in spare))
    result = result.replace("...", "".join(spare))
    for k, term in enumerate(split):
        for letter in sorted(set(term)):
            while term.count(letter) > 1:
                first = term.index(letter)
                second = term.index(letter, first + 1)
                arrays[k] = shapes.diagonal(arrays[k], axis1=first, axis2=second)
                term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
        for i in reversed(range(len(term))):  # an axis of size 1 under a letter of another size is left out
            if arrays[k].shape[i] == 1 and sizes[term[i]] != 1:
                arrays[k] = shapes.squeeze(arrays[k], axis=i)
                term = term[:i] + term[i + 1 :]
        split[k] = term
    return linear_algebra.einsum(*arrays, subscripts=f"{','.join(split)}->{result}")


def _lettered(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The spelling `einsum(x, [0, 1], y, [1, 2], [0, 2])` in letters."""

    def spell(numbers: Iterable[Any]) -> str:
        return "".join("..." if i is Ellipsis else string.ascii_letters[i] for i in numbers)

    count = len(operands) // 2
    text = ",".join(spell(operands[2 * i + 1]) for i in range(count))
    if len(operands) % 2:
        text += "->" + spell(operands[-1])
    return (text, *(operands[2 * i] for i in range(count)))


@implements(np.trace)
def _trace(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    return np.sum(shapes.diagonal(a, offset=offset, axis1=axis1, axis2=axis2), axis=-1)


@implements(np.diag)
def _diag(v: Array, k: int = 0) -> Array:
    return shapes.diagonal_matrix(v, k=k) if v.ndim == 1 else shapes.diagonal(v, offset=k)


class SignAndLog(NamedTuple):
    """What `np.linalg.slogdet` gives."""

    sign: Node
    logabsdet: Node


@implements(np.linalg.slogdet)
def _slogdet(a: Array) -> SignAndLog:
    return SignAndLog(linear_algebra.sign_of_det(a), linear_algebra.log_abs_det(a))
