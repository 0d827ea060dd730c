"""How much a call computes, which follows from shapes alone, before anything is made: what bounds a formula's time and memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np

from tinygraph import ops
from tinygraph.ops import ARRAY

Params: TypeAlias = Mapping[str, Any]
Cost: TypeAlias = Callable[[Sequence[Any], Params], int]  # of the operands and the metadata of a call

AXES = 32  # as many as NumPy broadcasts


def work(function: Callable[..., Any], operands: Sequence[Any], params: Params) -> int:
    """The number of entries that a call computes, or more; of a sum of products each counts for a part of one."""
    return COSTS.get(function, _entry_by_entry)(operands, params)


def _entry_by_entry(operands: Sequence[Any], params: Params) -> int:
    try:
        return math.prod(np.broadcast_shapes(*map(np.shape, operands)))
    except ValueError:
        return _together(operands, params)


def _together(operands: Sequence[Any], params: Params) -> int:
    return sum(map(np.size, operands))


def _each_with_each(operands: Sequence[Any], params: Params) -> int:
    return math.prod(map(np.size, operands))


def _largest(operands: Sequence[Any], params: Params) -> int:
    """Of arrays that meet along all axes but one, which they need not share."""
    return math.prod(map(max, zip_longest(*(np.shape(x)[::-1] for x in operands), fillvalue=1)))


def _product(operands: Sequence[Any], params: Params) -> int:
    """Of two matrices, each entry of which is a sum over the axis that both have."""
    first, second = map(np.shape, operands)
    inner = first[-1] if first and second else 1
    return _each_with_each(operands, params) // max(inner, 1) * (100 + inner) // 100


def _of_a_matrix(operands: Sequence[Any], params: Params) -> int:
    shape = np.shape(operands[0])
    return math.prod(shape) * (100 + max(shape, default=0)) // 100


def _einsum(operands: Sequence[Any], params: Params) -> int:
    terms, _, result = str(params.get("subscripts", "...")).replace(" ", "").partition("->")
    if "." in terms:
        return _each_with_each(operands, params)
    sizes: dict[str, int] = {}
    for term, x in zip(terms.split(","), operands, strict=False):
        for letter, size in zip(term, np.shape(x), strict=False):
            sizes[letter] = max(size, sizes.get(letter, 0))
    return math.prod(sizes.get(letter, 1) for letter in result) + math.prod(sizes.values()) // 10


def _indexed(operands: Sequence[Any], params: Params) -> int:
    """What the slices leave, for every place that the arrays name; a mask names no more of them than it has entries."""
    x, *arrays = operands
    rest = iter(arrays)
    slices: list[Any] = []
    places: list[tuple[int, ...]] = []
    for part in params["template"]:
        array = next(rest, 0) if part is ARRAY else 0
        is_mask = part is ARRAY and np.asarray(getattr(array, "value", array)).dtype.kind == "b"
        slices += [part] if part is not ARRAY else [slice(0, 1)] * (np.ndim(array) if is_mask else 1)
        places += [(np.size(array),) if is_mask else np.shape(array)]
    try:
        left = np.broadcast_to(0.0, np.shape(x))[tuple(slices)].size
    except IndexError:  # which NumPy raises as soon
        return 0
    try:
        return left * math.prod(np.broadcast_shapes(*places))
    except ValueError:
        return left * math.prod(map(math.prod, places))


def _scattered(operands: Sequence[Any], params: Params) -> int:
    return np.size(operands[1]) + _indexed(operands[1:], params)


def _numbers(value: Any) -> list[int]:
    """The numbers in metadata, without their signs."""
    if isinstance(value, tuple):
        return [number for part in value for number in _numbers(part)]
    return [abs(value)] if isinstance(value, int) else []


def _tiled(operands: Sequence[Any], params: Params) -> int:
    return np.size(operands[0]) * math.prod(_numbers(params.get("reps")))


def _repeated(operands: Sequence[Any], params: Params) -> int:
    return np.size(operands[-1]) * max(_numbers(params.get("repeats")), default=1)


def _padded(operands: Sequence[Any], params: Params) -> int:
    margins = 2 * max(_numbers(params.get("pad_width")), default=0)
    return math.prod(size + margins for size in np.shape(operands[-1]))


COSTS: dict[Callable[..., Any], Cost] = {
    **dict.fromkeys((ops.matmul, ops.solve, np.dot), _product),
    **dict.fromkeys((ops.inv, ops.det, ops.log_abs_det, ops.sign_of_det, ops.cholesky), _of_a_matrix),
    **dict.fromkeys((ops.concatenate, ops.stack), _together),
    **dict.fromkeys((ops.take_along_axis, ops.sum_taken_like), _largest),
    **dict.fromkeys((ops.pad, ops.sum_padding_like), _padded),
    **dict.fromkeys((ops.repeat, ops.sum_repeats_like), _repeated),
    np.outer: _each_with_each,
    ops.einsum: _einsum,
    ops.index: _indexed,
    ops.scatter_like: _scattered,
    ops.tile: _tiled,
    ops.broadcast_to: lambda operands, params: math.prod(_numbers(params.get("shape"))),
    ops.diagonal_matrix: lambda operands, params: (np.size(operands[0]) + sum(_numbers(params.get("k", 0)))) ** 2,
    ops.one_hot_like: lambda operands, params: np.size(operands[0]) * (np.shape(operands[1]) or (1,))[-1],
    ops.sinc_derivative: lambda operands, params: np.size(operands[0]) * (12 + sum(_numbers(params.get("order")))),
}
