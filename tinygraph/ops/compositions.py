"""NumPy functions that compute, written in other ops. Signatures are NumPy's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph.decisions import NUMBERS
from tinygraph.leaves import as_array, as_node
from tinygraph.node import Node
from tinygraph.operators import implements
from tinygraph.ops import arithmetic, likes, linear_algebra, scans, selection, shapes, singular, work
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import Op
from tinygraph.ops.likes import Axis
from tinygraph.ops.rearrangements import moveaxis, ravel
from tinygraph.wording import counted

# Elementwise


@implements(np.positive, np.real, np.real_if_close, np.conj)
def _positive(x: Array, /) -> Array:
    return x


@implements(np.copy)
def _copy(a: Array, order: str = "K", subok: bool = False) -> Array:
    return a  # a node never changes


def _in_floats(x: Array, least: Any = np.float16) -> Array:
    """x in the floating-point dtype that a NumPy function computes integers, or numbers of too few digits, in."""
    if type(x) in NUMBERS:
        return x
    x = as_node(x)
    dtype = np.result_type(x.dtype if x.dtype.kind == "f" else np.float64, least)
    return x if x.dtype == dtype else likes.cast(x, dtype=dtype)


@implements(np.fabs)
def _fabs(x: Array, /) -> Array:
    return arithmetic.abs(_in_floats(x))


@implements(np.degrees)
def _degrees(x: Array, /) -> Array:
    return np.rad2deg(x)


@implements(np.radians)
def _radians(x: Array, /) -> Array:
    return np.deg2rad(x)


@implements(np.float_power)
def _float_power(x: Array, y: Array, /) -> Array:
    return arithmetic.power(_in_floats(x, np.float64), _in_floats(y, np.float64))


def _masks(ufunc: np.ufunc, *operands: Array) -> None:
    kinds = {as_node(x).dtype.kind for x in operands}
    if kinds != {"b"}:
        raise TypeError(f"{ufunc.__name__} (&, |, ~) of a node takes masks alone, such as (z > 0) & (z < 1)")


@implements(np.bitwise_and, operator="&")
def bitwise_and(x: Array, y: Array, /) -> Array:
    """Answer `x & y` for masks."""
    _masks(np.bitwise_and, x, y)
    return selection.logical_and(x, y)


@implements(np.bitwise_or, operator="|")
def bitwise_or(x: Array, y: Array, /) -> Array:
    """Answer `x | y` for masks."""
    _masks(np.bitwise_or, x, y)
    return selection.logical_or(x, y)


@implements(np.invert, operator="~")
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
    bound = high if low is None else low
    if np.result_type(a.dtype, as_node(bound).dtype).kind != "f":  # without a gradient, and infinity is no integer
        return arithmetic.minimum(a, bound) if low is None else arithmetic.maximum(a, bound)
    return arithmetic.clip(a, -np.inf if low is None else low, np.inf if high is None else high)


@implements(np.where)
def _where(condition: Array, /, *branches: Array) -> Any:
    if not branches:
        return np.nonzero(condition)
    if len(branches) != 2:
        raise ValueError("give both branches, np.where(condition, x, y)")
    return selection.where(condition, *branches)


@implements(np.select)
def _select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array = 0) -> Array:
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = selection.where(condition, choice, default)
    return default


def _unless_nan(extreme: Op, x: Array, y: Array) -> Array:
    x, y = (value if type(value) in NUMBERS else as_node(value) for value in (x, y))
    result = extreme(x, y)
    for value, other in ((y, x), (x, y)):
        if isinstance(value, Node):
            result = selection.where(value != value, other, result)
        elif value != value:
            result = other
    return result


@implements(np.fmax)
def _fmax(x: Array, y: Array, /) -> Array:
    return _unless_nan(arithmetic.maximum, x, y)


@implements(np.fmin)
def _fmin(x: Array, y: Array, /) -> Array:
    return _unless_nan(arithmetic.minimum, x, y)


@implements(np.nan_to_num)
def _nan_to_num(x: Array, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    if x.dtype.kind != "f":
        return x
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


def _without_nan(a: Array) -> Array:
    return selection.where(a == a, a, 0)


@implements(np.nansum)
def _nansum(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.sum(_without_nan(a), axis=axis, keepdims=keepdims)


@implements(np.nanmean)
def _nanmean(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    a = _in_floats(a)
    there = likes.cast_like(a == a, a)
    return np.sum(_without_nan(a), axis=axis, keepdims=keepdims) / np.sum(there, axis=axis, keepdims=keepdims)


def _line(a: Array, axis: int | None) -> tuple[Array, int]:
    """What a scan runs along: every entry in a row where no axis is named, or there is none."""
    return (ravel(a), axis or 0) if axis is None or not a.ndim else (a, axis)


@implements(np.cumsum)
def _cumsum(a: Array, axis: int | None = None) -> Array:
    line, along = _line(a, axis)
    return scans.cumsum(line, axis=along)


@implements(np.cumprod)
def _cumprod(a: Array, axis: int | None = None) -> Array:
    line, along = _line(a, axis)
    return scans.cumprod(line, axis=along)


@implements(np.average)
def _average(a: Array, axis: Axis = None, weights: Array = None, *, keepdims: bool = False) -> Array:
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    a = _in_floats(a)
    weights = as_node(weights)
    if weights.dtype.kind != "f":
        weights = likes.cast(weights, dtype=np.result_type(a.dtype, weights.dtype))
    if weights.shape != a.shape:
        weights = _along_axes(weights, a.shape, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if not np.all(total.value if isinstance(total, Node) else total):  # a check of the weights, and no decision of the user's
        raise ValueError("the weights sum to 0, so that there is no average")
    return np.sum(a * weights, axis=axis, keepdims=keepdims) / total


def _along_axes(weights: Node, shape: tuple[int, ...], axis: Axis) -> Array:
    """The weights of the entries along some axes, with the other axes at size 1."""
    axes = tuple(range(len(shape))) if axis is None else normalize_axis_tuple(axis, len(shape))
    if weights.shape != tuple(shape[i] for i in axes):
        raise ValueError(f"weights have the shape {shape}, or that of the axes averaged over, not {weights.shape}")
    others = tuple(i for i in range(len(shape)) if i not in axes)
    return np.expand_dims(np.transpose(weights, np.argsort(axes)), others)


@implements(np.diff)
def _diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    if n < 0:
        raise ValueError(f"the order n must be at least 0, not {n}")
    axis = normalize_axis_index(axis, a.ndim)
    before = (slice(None),) * axis
    difference = arithmetic.subtract if a.dtype.kind != "b" else selection.not_equal
    for _ in range(n):
        a = difference(a[(*before, slice(1, None))], a[(*before, slice(None, -1))])
    return a


@implements(np.trapezoid)
def _trapezoid(y: Array, x: Array = None, dx: float = 1.0, axis: int = -1) -> Array:
    y = as_node(y)
    place = normalize_axis_index(axis, y.ndim)
    before = (slice(None),) * place
    width: Array = dx
    if x is not None:
        x = as_node(x)  # its differences are part of the record too
        flat = x.ndim == 1
        width = np.diff(x)[(slice(None),) + (None,) * (y.ndim - place - 1)] if flat else np.diff(x, axis=axis)
    pairs = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return np.sum(width * pairs / 2, axis=axis)


@implements(np.linalg.norm)
def _norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    x = _in_floats(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if axis is not None and not axes:
        raise ValueError("a norm is taken over at least one axis: axis=None is all of them")
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return linear_algebra.norm(x, axis=axis, keepdims=keepdims)
    if len(axes) == 2:
        return singular.matrix_norm(x, ord, (axes[0], axes[1]), keepdims)
    if len(axes) != 1:
        raise TypeError(f"over {len(axes)} axes there is no norm of ord={ord!r}: name one axis, or two")
    if ord == np.inf and not x.shape[axes[0]]:
        ord = 1  # of no entries, which has no largest one
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(abs(x), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(abs(x), axis=axes, keepdims=keepdims)
    if isinstance(ord, str) or ord == 0:
        raise TypeError(f"the norm of a node does not support ord={ord!r}: use np.inf, -np.inf or a number other than 0")
    return linear_algebra.norm(x, ord=ord, axis=axis, keepdims=keepdims)


# Products


def _operand(x: Array) -> Array:
    """Return a node or a number as it is, anything else as an array; raise a TypeError for a list of nodes."""
    return x if isinstance(x, Node) or type(x) in NUMBERS else as_array(x)


def _scaled(a: Array, b: Array) -> Array:
    """A product with a scalar; beside integers a number has the dtype of an array, as NumPy sees it here."""
    if type(a) in NUMBERS:
        return _scaled(b, a)
    return arithmetic.multiply(a, np.asarray(b) if type(b) in NUMBERS and a.dtype.kind in "biu" else b)


@implements(np.dot, work=work.product)
def _dot(a: Array, b: Array) -> Array:
    a, b = _operand(a), _operand(b)
    if not np.ndim(a) or not np.ndim(b):
        return _scaled(a, b)
    if np.ndim(b) <= 2:
        return linear_algebra.matmul(a, b)
    return _tensordot(a, b, (-1, -2))


@implements(np.inner)
def _inner(a: Array, b: Array, /) -> Array:
    a, b = _operand(a), _operand(b)
    if not np.ndim(a) or not np.ndim(b):
        return _scaled(a, b)
    return _tensordot(a, b, (-1, -1))


@implements(np.vdot)
def _vdot(a: Array, b: Array, /) -> Array:
    with np.errstate(all="ignore"):  # NumPy's own finds no floating-point errors, as its matmul does
        return linear_algebra.matmul(ravel(as_node(a)), ravel(as_node(b)))


@implements(np.outer, work=work.each_with_each)
def _outer(a: Array, b: Array) -> Array:
    vectors = (x if x.ndim == 1 else ravel(x) for x in map(as_node, (a, b)))
    return linear_algebra.outer(*vectors)


@implements(np.cross)
def _cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = moveaxis(as_node(a), axisa, -1), moveaxis(as_node(b), axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"the vectors must be of length 3, not {x.shape[-1]} and {y.shape[-1]}")
    return moveaxis(linear_algebra.cross(x, y), -1, axisc)


@implements(np.kron)
def _kron(a: Array, b: Array) -> Array:
    x, y = as_node(a), as_node(b)
    ndim = max(x.ndim, y.ndim)
    x, y = x[(None,) * (ndim - x.ndim) + (...,)], y[(None,) * (ndim - y.ndim) + (...,)]
    return shapes.merge_pairs(x[(slice(None), None) * ndim] * y[(None, slice(None)) * ndim])


def _letters() -> str:
    import string  # which takes a while to load, and few programs need it

    return string.ascii_letters


@implements(np.tensordot)
def _tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    a, b = _operand(a), _operand(b)
    ndims = np.ndim(a), np.ndim(b)
    if not np.iterable(axes):
        axes = range(-axes, 0), range(axes)
    summed = [normalize_axis_tuple(own, ndim) for own, ndim in zip(axes, ndims, strict=True)]
    sizes = [[np.shape(x)[i] for i in own] for x, own in zip((a, b), summed, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"summed axes of sizes {sizes[0]} and {sizes[1]} do not match")
    if len(summed[0]) == 1 and ndims[1] <= 2:
        return linear_algebra.matmul(moveaxis(as_node(a), summed[0], -1), moveaxis(as_node(b), summed[1], 0))
    letters = iter(_letters())
    left = [next(letters) for _ in range(ndims[0])]
    right = [next(letters) for _ in range(ndims[1])]
    for i, j in zip(*summed, strict=True):
        right[j] = left[i]
    kept = [x for i, x in enumerate(left) if i not in summed[0]] + [x for i, x in enumerate(right) if i not in summed[1]]
    subscripts = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    return linear_algebra.einsum(a, b, subscripts=subscripts, optimize=True)


@implements(np.einsum)
def _einsum(*operands: Any, optimize: Any = False) -> Array:
    """Spell the subscripts out: explicit result, letters for an ellipsis, diagonals taken first."""
    if not isinstance(operands[0], str):
        operands = _lettered(operands)
    text, arrays = operands[0].replace(" ", ""), [as_node(x) for x in operands[1:]]
    terms, arrow, result = text.partition("->")
    split = terms.split(",")
    if len(split) != len(arrays):
        named, given = counted(len(split), "operand"), counted(len(arrays), "operand")
        raise ValueError(f"{operands[0]!r} names {named}, and np.einsum was given {given}")
    _no_axis_lost(split, arrays, result if arrow else "...")
    hidden = [np.ndim(x) - len(term) + 3 if "..." in term else 0 for term, x in zip(split, arrays, strict=True)]
    spare = [letter for letter in _letters() if letter not in text][: max(hidden)]
    split = [term.replace("...", "".join(spare[len(spare) - n :])) for term, n in zip(split, hidden, strict=True)]
    letters = "".join(split)
    for term, x in zip(split, arrays, strict=True):
        if len(term) != x.ndim:
            raise ValueError(f"the term {term!r} names {counted(len(term), 'axis', 'axes')} of an operand that has {x.ndim}")
    sizes: dict[str, int] = {}
    for term, x in zip(split, arrays, strict=True):
        for letter, size in zip(term, x.shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    if not arrow:
        result = "..." + "".join(sorted(x for x in set(letters) if letters.count(x) == 1 and x not in spare))
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
    return linear_algebra.einsum(*arrays, subscripts=f"{','.join(split)}->{result}", optimize=bool(optimize))


def _no_axis_lost(terms: Sequence[str], arrays: Sequence[Array], result: str) -> None:
    """Raise an error for arguments with which NumPy would silently sum or skip entries."""
    for term, x in zip(terms, arrays, strict=True):
        if "..." in term and "..." not in result and np.ndim(x) > len(term) - 3:
            raise ValueError(f"the result {result!r} has no '...' for the axes that {term!r} leaves unnamed")
        first, _, last = term.partition("...")
        sizes: dict[str, int] = {}
        for letter, size in [*zip(first, np.shape(x), strict=False), *zip(last[::-1], np.shape(x)[::-1], strict=False)]:
            if sizes.setdefault(letter, size) != size:
                raise ValueError(f"the term {term!r} takes a diagonal of axes of sizes {sizes[letter]} and {size}")


def _lettered(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The spelling `einsum(x, [0, 1], y, [1, 2], [0, 2])` in letters."""

    def spell(numbers: Iterable[Any]) -> str:
        return "".join("..." if i is Ellipsis else _letters()[i] for i in numbers)

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
