"""What gradient rules are made of: the shape of a result is taken from another node, never written as a number.

That is why an emitted program runs at any batch size. `like` arguments give their shape and dtype alone and have no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import work
from tinygraph.ops.declaration import Array, whole
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import Dtype, summed
from tinygraph.ops.kinds import Contraction, EntryByEntry, Opaque, Params, Place, Rearrangement, Repetition, Same, Shape
from tinygraph.sizes import Axis as AxisOf
from tinygraph.sizes import Sizes, Sizing
from tinygraph.syntax import ATOM, PRODUCT, Operand, SourceForm, Written, subscript

Axis = int | tuple[int, ...] | None


def keep_axes(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Give a reduced array back the axes, of size 1, that the reduction of x took away."""
    if keepdims or axis is None or not g.ndim:  # a number meets any shape as it is
        return g
    return np.expand_dims(g, np.lib.array_utils.normalize_axis_tuple(axis, x.ndim))


@op(lambda g, out, x: g, elementwise=True, view=True, source="{}", notation="{}", javascript="{}")
def alias(x: Array) -> Array:
    """The same value under another name, as in `db = dz`.

    Shape: that of x.
    Derivative: ∂/∂x = 1.

    >>> tg.ops.alias(tg.constant(2.0))
    <node alias: 2>
    """
    return x


@op(None, elementwise=True, view=True, javascript="{}")
def stop_gradient(x: Array) -> Array:
    """The same value, through which no gradient flows.

    >>> x = tg.parameter(3.0)
    >>> tg.gradients(tg.stop_gradient(x) * x, x)
    (np.float64(3.0),)
    """
    return x


def _in_the_dtype_of(x: Dtype, like: Dtype) -> Dtype:
    return like if isinstance(x, type) else x


@op(
    lambda g, out, x, like: g,
    None,
    kind=Repetition(1),
    shape_only=("like",),
    dtype=_in_the_dtype_of,
    view=True,
    steps=0,
    source=(
        SourceForm("np.ones_like({1})", x=1),
        SourceForm("np.zeros_like({1})", x=0),
        SourceForm("np.full_like({1}, {0})", when=lambda x, like: not x.shape),
        "np.broadcast_to({}, {}.shape)",
    ),
    notation="{} 1_{}",
)
def broadcast_like(x: Array, like: Array) -> Array:
    """x broadcast to the shape of `like`; a Python number takes the dtype of `like`.

    Shape: that of `like`.
    Derivative: dx = g, summed over the axes that x was repeated along.

    >>> tg.ops.broadcast_like(1.0, np.zeros(3))
    array([1., 1., 1.])
    """
    x = np.asarray(x, like.dtype) if type(x) in (int, float) else x
    return np.broadcast_to(x, like.shape)


def _met(ranks: Sequence[int], params: Params) -> str:
    return f"{','.join(['...'] * len(ranks))}->..."


@op(
    lambda g, out, x, *like: g,
    None,
    kind=Contraction(_met),
    shape_only=("like",),
    view=True,
    source="np.broadcast_arrays({*})[0]",
)
def broadcast_with(x: Array, *like: Array) -> Array:
    """x broadcast against all of `like`, as one of the results of `np.broadcast_arrays`.

    Shape: that of x and all of `like`, broadcast together.
    Derivative: dx = g, summed over the axes that x was repeated along.

    >>> tg.ops.broadcast_with(np.array([1.0, 2.0]), np.zeros((3, 1)))
    array([[1., 2.],
           [1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, np.broadcast_shapes(np.shape(x), *(other.shape for other in like)))


@op(lambda g, out, x, like: broadcast_like(g, x), None, kind=Same(1), shape_only=("like",), dtype=lambda x, like: summed(x))
def sum_like(x: Array, like: Array) -> Array:
    """x summed over the axes that `like` lacks or has with size 1, which undoes broadcasting.

    Shape: that of `like`.
    Derivative: dx = g, broadcast to the shape of x.

    >>> tg.ops.sum_like(np.ones((3, 2)), np.zeros((1, 2)))
    array([[3., 3.]])
    """
    if not like.shape:
        return x.sum()  # in less time than `np.sum` takes
    extra = x.ndim - like.ndim
    stretched = tuple(extra + i for i, size in enumerate(like.shape) if size == 1 and x.shape[extra + i] != 1)
    summed = x.sum(axis=tuple(range(extra)) + stretched, keepdims=True)
    return np.reshape(summed, like.shape)[()]


def _reshape_rule(g: Array, out: Array, x: Array, like: Array) -> Array:
    return reshape_like(g, x)


@op(
    _reshape_rule,
    None,
    kind=Same(1),
    shape_only=("like",),
    view=True,
    source=(SourceForm("np.reshape({}, ())", when=lambda x, like: not like.shape), "np.reshape({}, {}.shape)"),
)
def reshape_like(x: Array, like: Array) -> Array:
    """x reshaped to the shape of `like`, which has as many entries.

    Shape: that of `like`.
    Derivative: dx = g, reshaped to the shape of x.

    >>> tg.ops.reshape_like(np.arange(4), np.zeros((2, 2)))
    array([[0, 1],
           [2, 3]])
    """
    return np.reshape(x, like.shape)


def _cast_rule(g: Array, out: Array, x: Array, like: Array) -> Array:
    return cast_like(g, x)


@op(_cast_rule, None, kind=EntryByEntry(), shape_only=("like",), dtype="like", source="{}.astype({}.dtype)", notation="{}")
def cast_like(x: Array, like: Array) -> Array:
    """x cast to the dtype of `like`.

    Shape: that of x.
    Derivative: dx = g, cast to the dtype of x.

    >>> tg.ops.cast_like(np.float64(1), np.float32(0))
    np.float32(1.0)
    """
    return np.asarray(x).astype(like.dtype)


@op(lambda g, out, x, dtype: cast_like(g, x), kind=EntryByEntry(), dtype="dtype", source="{}.astype({dtype})", notation="{}")
def cast(x: Array, *, dtype: Any) -> Array:
    """x cast to another dtype.

    Shape: that of x.
    Derivative: dx = g, cast to the dtype of x; a dtype other than a float's has no gradient.

    >>> tg.constant(1.5).astype(np.float32).dtype
    dtype('float32')
    """
    return x.astype(dtype)


def _of_python(like: Dtype) -> Dtype:
    """A count is printed as `len(y)`."""
    return int


def _counted(like: Operand, *, axis: Axis) -> Written:
    """The sizes of the axes, of which the first has a name of its own, and so have all together."""
    rank, text = len(like.shape), like.inside(ATOM)
    axes = tuple(range(rank)) if axis is None else tuple(i % rank for i in (axis if isinstance(axis, tuple) else (axis,)))
    if axes == (0,):
        return f"len({text})", ATOM
    if len(axes) == rank:
        return f"{text}.size", ATOM
    sizes = " * ".join(f"{text}.shape[{i}]" for i in axes) or "1"
    return sizes, ATOM if len(axes) < 2 else PRODUCT


@op(
    None,
    kind=Contraction("...->"),
    shape_only=("like",),
    dtype=_of_python,
    steps=0,
    source=(_counted, SourceForm("{}.size", axis=None), "{}.shape[{axis}]"),
)
def count(like: Array, *, axis: Axis = None) -> Array:
    """How many entries of `like` one entry of a mean over `axis` stands for, in the dtype of `like` where that can hold it.

    >>> tg.ops.count(np.zeros((3, 2))), tg.ops.count(np.zeros((3, 2)), axis=0)
    (np.float64(6.0), np.float64(3.0))
    """
    if axis is None or not like.ndim:
        size = like.size
    else:
        size = math.prod(like.shape[i] for i in np.lib.array_utils.normalize_axis_tuple(axis, like.ndim))
    if like.dtype.kind != "f":
        return np.float64(size)
    return np.float32(size) if like.dtype == np.float16 else like.dtype.type(size)


def _rows(shapes: Sequence[Shape], params: Params) -> list[Place | None]:
    labels, like = shapes
    return [*((0, i) for i in range(len(labels))), (1, len(like) - 1)]


@op(None, None, kind=Rearrangement(_rows), shape_only=("like",), dtype="like", work=work.row_each)
def one_hot_like(labels: Array, like: Array) -> Array:
    """A row of `like`'s last axis for every integer label, 1 at the label and 0 elsewhere, in the dtype of `like`.

    >>> tg.ops.one_hot_like(np.array([2, 0]), np.zeros((2, 3)))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    classes = np.arange(like.shape[-1])
    return (np.expand_dims(labels, -1) == classes).astype(like.dtype)


def index_of(template: tuple[Any, ...], arrays: tuple[Array, ...]) -> Any:
    """The index that a template spells, with its arrays put back where `ARRAY` holds their places."""
    rest = iter(arrays)
    return tuple(next(rest) if part is ARRAY else part for part in template)


class _Array:
    """The place of an index array in a template."""

    def __repr__(self) -> str:
        return "ARRAY"

    def __reduce__(self) -> str:
        return "ARRAY"


ARRAY = _Array()


def _scatter_rule(g: Array, out: Array, x: Array, like: Array, *arrays: Array, template: tuple[Any, ...]) -> Array:
    return index(g, *arrays, template=template)


def _picked(operands: Sequence[Any], params: Params) -> int:
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
    """The array of zeros, and what goes into it."""
    return np.size(operands[1]) + _picked(operands[1:], params)


@op(
    _scatter_rule,
    None,
    None,
    kind=Same(1),
    shape_only=("like",),
    dtype=("x", "like"),
    untraceable="it adds in place",
    notation="scatter_{1}[{template}]({0})",
    work=_scattered,
)
def scatter_like(x: Array, like: Array, *arrays: Array, template: tuple[Any, ...]) -> Array:
    """Zeros in the shape of `like`, with x added at the indexed entries; repeated indices accumulate.

    Shape: that of `like`.
    Derivative: dx = g[template].

    >>> tg.ops.scatter_like(np.ones(3), np.zeros(2), np.array([0, 0, 1]), template=(tg.ops.ARRAY,))
    array([2., 1.])
    """
    result = np.zeros(like.shape, np.result_type(x, like))
    where = index_of(template, arrays)
    if any(array.dtype.kind != "b" for array in arrays):
        np.add.at(result, where, x)
    else:
        result[where] = x
    return result


def _index_rule(g: Array, out: Array, x: Array, *arrays: Array, template: tuple[Any, ...]) -> Array:
    if all(part in (None, Ellipsis, slice(None)) for part in template):  # new axes alone
        return reshape_like(g, x)
    return scatter_like(g, x, *arrays, template=template)


def _indexed(axes: Sizing, node: Node) -> Sizes:
    x, *arrays = node.inputs
    masks = [array for array in arrays if array.dtype.kind == "b"]
    if masks and (len(arrays) > 1 or not masks[0].ndim):
        return tuple(AxisOf(node, i) for i in range(node.ndim))
    template = _parts(node.params["template"], x.ndim, masks)
    written, advanced = (
        [i for i, part in enumerate(parts) if part is ARRAY or (arrays and isinstance(part, int))]
        for parts in (node.params["template"], template)
    )
    together = not arrays or written[-1] - written[0] < len(written)  # an Ellipsis parts arrays even where it is no axis
    place = sum(not isinstance(part, int) for part in template[: advanced[0]]) if arrays and together else 0
    taken = (axes.masked.setdefault(masks[0], AxisOf(node, place)),) if masks else axes.met(arrays)
    sizes, result = iter(axes.of(x)), [] if together else list(taken)
    for i, part in enumerate(template):
        if part is None:
            result.append(1)
            continue
        passed = [next(sizes) for _ in range(masks[0].ndim if masks and part is ARRAY else 1)]
        if isinstance(part, slice):
            result.append(axes.slice(passed[0], part))
        elif together and advanced and i == advanced[0]:
            result += taken
    return tuple(result)


def _rowwise(node: Node) -> list[int]:
    """The axes that are taken as they are."""
    x, *arrays = node.inputs
    parts = [] if arrays else [part for part in _parts(node.params["template"], x.ndim, ()) if not isinstance(part, int)]
    return [i for i, part in enumerate(parts) if part == slice(None)]


def _parts(template: Sequence[Any], ndim: int, masks: Sequence[Node]) -> list[Any]:
    """An index with a part for every axis that no mask takes."""
    read = sum(part is not None and part is not Ellipsis for part in template) + sum(mask.ndim - 1 for mask in masks)
    whole = [slice(None)] * (ndim - read)
    place = next((i for i, part in enumerate(template) if part is Ellipsis), len(template))
    return [*template[:place], *whole, *template[place + 1 :]]


def _of_a_mask(inputs: Sequence[Any], params: Params) -> str:
    return "the size of what a boolean mask selects is not static" if any(array.kind == "b" for array in inputs[1:]) else ""


def _in_brackets(x: Operand, *arrays: Operand, template: tuple[Any, ...]) -> str:
    rest = iter(arrays)
    parts = [next(rest).text if part is ARRAY else subscript(part) for part in template]
    text = ", ".join(parts) + "," * (len(parts) == 1 and isinstance(template[0], tuple))
    return f"{x.array}[{text or '()'}]"


@op(
    _index_rule,
    None,
    kind=Opaque(_indexed, _rowwise),
    dtype="x",
    view=True,
    untraceable=_of_a_mask,
    source=_in_brackets,
    notation="{}[{template}]",
    work=_picked,
)
def index(x: Array, *arrays: Array, template: tuple[Any, ...]) -> Array:
    """x[template] for any kind of NumPy index; integer and boolean index arrays are inputs, the rest is metadata.

    Shape: that of x[template].
    Derivative: dx = zeros in the shape of x, with g added at the indexed entries; repeated indices accumulate.

    >>> x = tg.constant([1.0, 2.0, 3.0])
    >>> x[::-1], x[[0, 0]], x[x.value > 1]
    (<node index (3,) float64: [3. 2. 1.]>, <node index (2,) float64: [1. 1.]>, <node index (2,) float64: [2. 3.]>)
    """
    return x[index_of(template, arrays)]


class Visited(int):
    """A position that a loop over all entries came to: what was recorded holds for as many entries as there were."""


def visited_axes(op: Any, params: Params) -> tuple[int, ...]:
    """The axes of which a loop visited every position that there was, by the index that an op read one of them by."""
    return tuple(i for i, part in enumerate(params["template"]) if isinstance(part, Visited)) if op is index else ()


def getitem(x: Array, key: Any) -> Array:
    """Split an index into arrays and template, and record it."""
    arrays: list[Any] = []
    template: list[Any] = []
    for part in key if isinstance(key, tuple) else (key,):
        if part is None or part is Ellipsis or (isinstance(part, int) and not isinstance(part, bool)):
            template.append(part)
        elif isinstance(part, slice):
            ends = (part.start, part.stop, part.step)
            template.append(slice(*(None if end is None else whole(end) for end in ends)))
        elif isinstance(part, np.integer):
            template.append(whole(part))
        else:
            part = np.asarray(part, dtype=np.intp) if isinstance(part, list | range) and not part else part
            arrays.append(np.asarray(part) if isinstance(part, bool | list | range) else part)
            template.append(ARRAY)
    return index(x, *arrays, template=tuple(template))
