"""What ops are in ONNX that no expression in their declaration says: one writer for each, by the name of the op.

A writer is given the node, for its metadata and dtype, and the values of its inputs. It reads no size from the node that may be
another one in a run of the model: such sizes are computed there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph.bridges.onnx_nodes import NoCounterpart, Value, Writer
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Reduction

Written = Callable[..., Value]
WRITERS: dict[str, Written] = {}
ENDS = np.iinfo(np.int64).min, np.iinfo(np.int64).max  # beyond the ends of any axis


def writer(*ops: str) -> Callable[[Written], Written]:
    """Add a function to the table."""

    def add(function: Written) -> Written:
        WRITERS.update(dict.fromkeys(ops, function))
        return function

    return add


def _operand(node: Node, i: int = 0) -> Node:
    x = node.inputs[i]
    if not isinstance(x, Node):
        raise NoCounterpart("its operand is a number")
    return x


# Elementwise with dtypes of their own


@writer("where")
def _where(write: Writer, node: Node, condition: Value, x: Value, y: Value) -> Value:
    if node.dtype == np.bool_:  # for which onnxruntime has no kernel
        return write("Or", write("And", condition, x), write("And", write("Not", condition), y))
    return write("Where", write.cast(condition, np.bool_), write.cast(x, node.dtype), write.cast(y, node.dtype))


@writer("remainder")
def _remainder(write: Writer, node: Node, x: Value, y: Value) -> Value:
    x, y = write.cast(x, node.dtype), write.cast(y, node.dtype)
    if node.dtype.kind != "f":
        return write("Mod", x, y)
    rest = write("Mod", x, y, fmod=1)
    return write("Where", _is_opposite(write, rest, y), write("Add", rest, y), rest)


def _is_opposite(write: Writer, rest: Value, y: Value) -> Value:
    """Whether what is left of a division, with the sign of the dividend, has not that of the divisor."""
    return write("Less", write("Mul", write("Sign", rest), write("Sign", y)), write.array(0, rest.dtype))


@writer("floor_divide")
def _floor_divide(write: Writer, node: Node, x: Value, y: Value) -> Value:
    x, y = write.cast(x, node.dtype), write.cast(y, node.dtype)
    if node.dtype.kind != "f":
        return write("Div", write("Sub", x, write("Mod", x, y)), y)
    rest = write("Mod", x, y, fmod=1)
    quotient = write("Div", write("Sub", x, rest), y)
    lower = write("Sub", quotient, write.cast(_is_opposite(write, rest, y), node.dtype))
    return write("Where", write("Equal", y, write.array(0, node.dtype)), write("Div", x, y), write("Round", lower))


# Dtypes and shapes


@writer("cast", "cast_like")
def _cast(write: Writer, node: Node, x: Value, *like: Value) -> Value:
    return write.cast(x, node.dtype)


@writer("broadcast_like", "broadcast_with")
def _broadcast(write: Writer, node: Node, x: Value, *like: Value) -> Value:
    for other in like:
        x = write("Expand", x, write("Shape", other))
    return x


@writer("broadcast_to")
def _broadcast_to(write: Writer, node: Node, x: Value) -> Value:
    return write("Expand", x, write.integers(*node.shape))


@writer("reshape_like")
def _reshape_like(write: Writer, node: Node, x: Value, like: Value) -> Value:
    return write("Reshape", x, write("Shape", like), allowzero=1)


@writer("reshape")
def _reshape(write: Writer, node: Node, x: Value) -> Value:
    shape = node.params["shape"]
    shape = shape if isinstance(shape, tuple) else (shape,)
    if -1 in shape and 0 in shape:
        shape = node.shape
    return write("Reshape", x, write.integers(*shape), allowzero=int(0 in shape))


@writer("transpose")
def _transpose(write: Writer, node: Node, x: Value) -> Value:
    axes = node.params["axes"]
    return _transposed(write, x, *(range(node.ndim)[::-1] if axes is None else normalize_axis_tuple(axes, node.ndim)))


def _transposed(write: Writer, x: Value, *order: int) -> Value:
    return x if order == tuple(range(len(order))) else write("Transpose", x, perm=order)


@writer("expand_dims")
def _expand_dims(write: Writer, node: Node, x: Value) -> Value:
    return write("Unsqueeze", x, write.integers(*normalize_axis_tuple(node.params["axis"], node.ndim)))


@writer("squeeze")
def _squeeze(write: Writer, node: Node, x: Value) -> Value:
    own, axis = _operand(node), node.params["axis"]
    gone = [i for i, n in enumerate(own.shape) if n == 1] if axis is None else normalize_axis_tuple(axis, own.ndim)
    return write("Squeeze", x, write.integers(*gone)) if gone else x


@writer("concatenate")
def _concatenate(write: Writer, node: Node, *arrays: Value) -> Value:
    return write("Concat", *(write.cast(x, node.dtype) for x in arrays), axis=node.params["axis"])


@writer("stack")
def _stack(write: Writer, node: Node, *arrays: Value) -> Value:
    axis = normalize_axis_index(node.params["axis"], node.ndim)
    parts = [write("Unsqueeze", write.cast(x, node.dtype), write.integers(axis)) for x in arrays]
    return write("Concat", *parts, axis=axis)


@writer("count")
def _count(write: Writer, node: Node, like: Value) -> Value:
    axes = Reduction.gone(_operand(node).ndim, node.params)
    sizes = write("Gather", write("Shape", like), write.integers(*axes), axis=0)
    return write.cast(write("ReduceProd", sizes, keepdims=0), node.dtype)


@writer("one_hot_like")
def _one_hot_like(write: Writer, node: Node, labels: Value, like: Value) -> Value:
    classes = write.counting(write.size(like, node.ndim - 1))
    labels = write("Unsqueeze", write.cast(labels, np.int64), write.integers(-1))
    return write("Equal", labels, classes)


# Order


@writer("flip")
def _flip(write: Writer, node: Node, x: Value) -> Value:
    axes = Reduction.gone(node.ndim, node.params)
    return _sliced(write, x, {axis: slice(None, None, -1) for axis in axes if node.ndim})


@writer("roll")
def _roll(write: Writer, node: Node, x: Value) -> Value:
    shift, axis = node.params["shift"], node.params["axis"]
    if axis is None:
        flat = _rolled(write, _flat(write, x), shift if isinstance(shift, int) else sum(shift), 0)
        return write("Reshape", flat, write("Shape", x), allowzero=1)
    axes = normalize_axis_tuple(axis, node.ndim, allow_duplicate=True)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes)
    for one, place in zip(shifts, axes * (len(shifts) if len(axes) == 1 else 1), strict=True):
        x = _rolled(write, x, one, place)
    return x


def _rolled(write: Writer, x: Value, shift: int, axis: int) -> Value:
    size = write.size(x, axis)
    places = write("Sub", write.counting(size), write.array(np.int64(shift)))
    return write("Gather", x, write("Mod", places, size), axis=axis)


def _flat(write: Writer, x: Value) -> Value:
    return write("Reshape", x, write.integers(-1))


@writer("diagonal")
def _diagonal(write: Writer, node: Node, x: Value) -> Value:
    own, offset = _operand(node), node.params["offset"]
    planes = normalize_axis_tuple((node.params["axis1"], node.params["axis2"]), own.ndim)
    x = _transposed(write, x, *planes, *(i for i in range(own.ndim) if i not in planes))
    down, right = (write.array(np.int64(max(n, 0))) for n in (-offset, offset))
    rows, columns = (write("Sub", write.size(x, i), before) for i, before in enumerate((down, right)))
    places = write.counting(write("Max", write("Min", rows, columns), write.array(np.int64(0))))
    x = write("GatherND", x, _together(write, [write("Add", places, down), write("Add", places, right)], 1))
    return _transposed(write, x, *range(1, node.ndim), 0)


@writer("diagonal_matrix")
def _diagonal_matrix(write: Writer, node: Node, x: Value) -> Value:
    k = node.params["k"]
    x = write("Pad", x, write.integers(0, abs(k)))
    places = write.counting(write.size(x, 0))
    rows = write("Unsqueeze", places, write.integers(1))
    is_diagonal = write("Equal", write("Sub", places, rows), write.array(np.int64(k)))
    entries = write("Gather", x, write("Min", places, rows), axis=0)
    return write("Where", is_diagonal, entries, write.array(0, node.dtype))


@writer("linspace")
def _linspace(write: Writer, node: Node, *ends: Value) -> Value:
    num, after = node.params["num"], node.ndim - 1 - normalize_axis_index(node.params["axis"], node.ndim)
    spread = []
    for end, operand in zip(ends, node.inputs, strict=True):
        ndim = operand.ndim if isinstance(operand, Node) else 0
        end = write.cast(end, node.dtype)
        spread.append(write("Unsqueeze", end, write.integers(ndim - after)) if ndim >= after else end)
    start, stop = spread
    shares = np.arange(num) / max(num - node.params["endpoint"], 1)
    shares = write.array(shares.reshape(num, *(1,) * after), node.dtype)
    return write("Add", start, write("Mul", write("Sub", stop, start), shares))


@writer("tile")
def _tile(write: Writer, node: Node, x: Value) -> Value:
    reps, own = node.params["reps"], _operand(node).ndim
    reps = reps if isinstance(reps, tuple) else (reps,)
    if own < node.ndim:
        x = write("Unsqueeze", x, write.integers(*range(node.ndim - own)))
    return write("Tile", x, write.integers(*(1,) * (node.ndim - len(reps)), *reps))


@writer("repeat")
def _repeat(write: Writer, node: Node, x: Value) -> Value:
    repeats, axis = node.params["repeats"], normalize_axis_index(node.params["axis"], node.ndim)
    if isinstance(repeats, tuple) and len(repeats) > 1:  # for an axis of this size alone
        places = write.array(np.repeat(np.arange(len(repeats)), repeats))
    elif not sum(np.atleast_1d(repeats)):
        return _sliced(write, x, {axis: slice(0, 0)})
    else:
        times = write.array(np.int64(repeats[0] if isinstance(repeats, tuple) else repeats))
        places = write("Div", write.counting(write("Mul", write.size(x, axis), times)), times)
    return write("Gather", x, places, axis=axis)


@writer("pad")
def _pad(write: Writer, node: Node, x: Value) -> Value:
    own, mode = _operand(node), node.params["mode"]
    if mode not in ("constant", "edge", "reflect"):
        raise NoCounterpart(f"Pad of ONNX has no mode {mode!r}")
    widths = np.broadcast_to(np.array(node.params["pad_width"], np.int64), (own.ndim, 2))
    return write("Pad", x, write.integers(*widths.T.ravel()), mode=mode) if own.ndim else x


@writer("sort", "argsort")
def _sorted(write: Writer, node: Node, x: Value) -> Value:
    assert node.op is not None
    axis = node.params["axis"]
    if axis is None:
        x, axis = _flat(write, x), 0
    size = write("Unsqueeze", write.size(x, axis), write.integers(0))
    values, places = write.all_of("TopK", x, size, outputs=2, axis=axis, largest=0, sorted=1)
    return values if node.op.name == "sort" else places


# Entries


@writer("index")
def _index(write: Writer, node: Node, x: Value, *arrays: Value) -> Value:
    """Slices are taken first, then the entries to which numbers, arrays and masks point; new axes come last."""
    template = node.params["template"]
    if template == (ARRAY,) and _operand(node, 1).dtype.kind == "b" and _operand(node, 1).ndim == _operand(node).ndim:
        return write("Compress", _flat(write, x), _flat(write, arrays[0]))
    items, points, ndim = _items(write, node, arrays)
    axes = [item for item in items if item is not None]
    x = _sliced(write, x, {i: item for i, item in enumerate(axes) if isinstance(item, slice) and item != slice(None)})
    chosen, others = ([i for i, item in enumerate(axes) if (item is ARRAY) == is_array] for is_array in (True, False))
    places = [i for i, item in enumerate(template) if item is ARRAY or isinstance(item, int)]
    at = items.index(ARRAY) if places and places[-1] - places[0] < len(places) else 0  # the axes of arrays apart come first
    left = [item for item in items if item is not ARRAY]
    if len(chosen) == 1 or not arrays:
        for axis, point in reversed([*zip(chosen, points, strict=True)]):
            x = write("Gather", x, point, axis=axis)
    else:
        x = write("GatherND", _transposed(write, x, *chosen, *others), _together(write, points, ndim))
        before = sum(item is not None for item in left[:at])
        kept = [i + ndim for i in range(len(others))]
        x = _transposed(write, x, *kept[:before], *range(ndim), *kept[before:])
    new = [i for i, item in enumerate([*left[:at], *[ARRAY] * ndim, *left[at:]]) if item is None]
    return write("Unsqueeze", x, write.integers(*new)) if new else x


def _items(write: Writer, node: Node, arrays: tuple[Value, ...]) -> tuple[list[Any], list[Value], int]:
    """A slice or ARRAY for every axis and None for every new one; the places for each ARRAY, and how many axes these have."""
    items: list[Any] = []
    points: list[Value] = []
    ndim, rest = 0, zip(arrays, node.inputs[1:], strict=True)
    for item in node.params["template"]:
        found = [write.array(np.int64(item))] if isinstance(item, int) else []
        if item is ARRAY:
            array, own = next(rest)
            is_mask = own.dtype.kind == "b"
            if is_mask and not own.ndim:
                raise NoCounterpart("its mask has no axes")
            ndim = max(ndim, 1 if is_mask else own.ndim)
            found = _trues(write, array, own.ndim) if is_mask else [write.cast(array, np.int64)]
        points += found
        items += [ARRAY] * len(found) or [item]
    whole = [slice(None)] * (_operand(node).ndim - sum(item is not None and item is not Ellipsis for item in items))
    at = items.index(Ellipsis) if Ellipsis in items else len(items)
    return [*items[:at], *whole, *items[at + 1 :]], points, ndim


def _trues(write: Writer, mask: Value, ndim: int) -> list[Value]:
    """Where a mask is true, along each of its axes."""
    found = write("NonZero", mask)
    return [write("Gather", found, write.array(np.int64(i)), axis=0) for i in range(ndim)]


def _together(write: Writer, points: list[Value], ndim: int) -> Value:
    """Places along several axes, broadcast together, in one array."""
    shape = write("Shape", functools.reduce(lambda x, y: write("Add", x, y), points))
    return write("Concat", *(write("Unsqueeze", write("Expand", x, shape), write.integers(ndim)) for x in points), axis=ndim)


def _sliced(write: Writer, x: Value, parts: dict[int, slice]) -> Value:
    if not parts:
        return x
    starts, stops, steps = [], [], []
    for axis, part in parts.items():
        start, stop, step = part.start, part.stop, 1 if part.step is None else part.step
        if step < 0 and start is not None and start < -1:  # which ONNX takes for the first entry where there are fewer
            x = _sliced(write, x, {axis: slice(None, start + 1)})
            start, stop = None, stop if stop is None or stop >= 0 else min(stop - start - 1, -1)
        first, last = (ENDS[1], ENDS[0]) if step < 0 else (0, ENDS[1])
        starts.append(first if start is None else start)
        stops.append(last if stop is None else stop)
        steps.append(step)
    return write("Slice", x, *(write.integers(*numbers) for numbers in (starts, stops, parts, steps)))


@writer("take_along_axis")
def _take_along_axis(write: Writer, node: Node, x: Value, indices: Value) -> Value:
    own, other, axis = _operand(node), _operand(node, 1), normalize_axis_index(node.params["axis"], node.ndim)
    if any(n != m for i, (n, m) in enumerate(zip(own.shape, other.shape, strict=True)) if i != axis):
        raise NoCounterpart("its indices are broadcast, which GatherElements of ONNX does not do")
    return write("GatherElements", x, write.cast(indices, np.int64), axis=axis)


@writer("searchsorted")
def _searchsorted(write: Writer, node: Node, a: Value, v: Value) -> Value:
    dtype = np.result_type(a.dtype, v.dtype)
    v = write("Unsqueeze", write.cast(v, dtype), write.integers(-1))
    after = write("GreaterOrEqual" if node.params["side"] == "left" else "Greater", write.cast(a, dtype), v)
    return write("ReduceSum", write.cast(write("Not", after), np.int64), write.integers(-1), keepdims=0)  # NaN comes last


# Sums of products


@writer("einsum")
def _einsum(write: Writer, node: Node, *operands: Value) -> Value:
    return write("Einsum", *(write.cast(x, node.dtype) for x in operands), equation=node.params["subscripts"])


# Reductions

REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}
EXTREMES = {np.inf: "ReduceMax", -np.inf: "ReduceMin"}  # which are norms too


def _reduced(write: Writer, operator: str, node: Node, x: Value) -> Value:
    own = _operand(node)
    axes = Reduction.gone(own.ndim, node.params)
    if not own.ndim or not axes:
        return x
    found = write(operator, x, write.integers(*axes), keepdims=int(bool(node.params.get("keepdims"))))
    if operator not in EXTREMES.values() or x.dtype.kind != "f":
        return found
    return write("Where", _has_nan(write, node, _is_nan(write, x)), write.array(np.nan, x.dtype), found)


def _is_nan(write: Writer, x: Value) -> Value:
    """Where x is NaN, which onnxruntime may pass over in search of an extreme."""
    return write.cast(write("IsNaN", x), np.int32)


def _has_nan(write: Writer, node: Node, is_nan: Value) -> Value:
    return write.cast(_reduced(write, "ReduceMax", node, is_nan), np.bool_)


@writer(*REDUCTIONS)
def _reduction(write: Writer, node: Node, x: Value) -> Value:
    assert node.op is not None
    return _reduced(write, REDUCTIONS[node.op.name], node, write.cast(x, node.dtype))


@writer("all", "any")
def _truth(write: Writer, node: Node, x: Value) -> Value:
    assert node.op is not None
    numbers = write.cast(write.cast(x, np.bool_), np.int32)
    return _reduced(write, "ReduceMin" if node.op.name == "all" else "ReduceSum", node, numbers)


@writer("count_nonzero")
def _count_nonzero(write: Writer, node: Node, x: Value) -> Value:
    return _reduced(write, "ReduceSum", node, write.cast(write.cast(x, np.bool_), np.int64))


@writer("argmax", "argmin")
def _extreme(write: Writer, node: Node, x: Value) -> Value:
    assert node.op is not None
    found = _place(write, "ArgMax" if node.op.name == "argmax" else "ArgMin", node, x)
    if x.dtype.kind != "f":
        return found
    is_nan = _is_nan(write, x)
    return write("Where", _has_nan(write, node, is_nan), _place(write, "ArgMax", node, is_nan), found)


def _place(write: Writer, operator: str, node: Node, x: Value) -> Value:
    axis, keepdims = node.params["axis"], int(bool(node.params["keepdims"]))
    if axis is not None:
        return write(operator, x, axis=axis, keepdims=keepdims)
    found = write(operator, _flat(write, x), axis=0, keepdims=0)
    return write("Reshape", found, write.integers(*node.shape)) if node.shape else found


NORMS = {None: "ReduceL2", 2: "ReduceL2", 1: "ReduceL1"}


@writer("norm")
def _norm(write: Writer, node: Node, x: Value) -> Value:
    order, x = node.params["ord"], write.cast(x, node.dtype)
    if order is not None and len(Reduction.gone(_operand(node).ndim, node.params)) > 1:
        raise NoCounterpart(f"it is a norm of matrices, of order {order!r}")
    if not _operand(node).ndim:
        return write("Abs", x)
    if order in NORMS:
        return _reduced(write, NORMS[order], node, x)
    if order in EXTREMES:
        return _reduced(write, EXTREMES[order], node, write("Abs", x))
    if not order or isinstance(order, str):
        raise NoCounterpart(f"it is a norm of order {order!r}")
    powers = write("Pow", write("Abs", x), write.array(order, node.dtype))
    return write("Pow", _reduced(write, "ReduceSum", node, powers), write.array(1 / order, node.dtype))
