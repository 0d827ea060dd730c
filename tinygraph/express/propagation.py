"""What each op makes of the sizes of its operands: an op that stands in no rule here has a result that is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygraph import ops
from tinygraph.express.axes import Axes, Axis, Rule, Size, Sizes, firmest, is_firm
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Op


def axes_of(graph: Graph) -> Axes:
    """The sizes of all values of a graph."""
    return Axes(graph, _rule_of)


def _rule_of(op: Op) -> Rule:
    """The rule of an op, or what is usual for its arguments: a reduction that may keep axes, the shape of another value."""
    if op in RULES:
        return RULES[op]
    if op.built_in and "keepdims" in op.defaults:
        return _reduced
    return _of_like if op.built_in and "like" in op.arguments else _unknown


def _unknown(axes: Axes, node: Node) -> Sizes:
    """Of an op of which nothing is known the result is measured; operands that may have been broadcast stay equally long."""
    if _broadcast([x.shape for x in node.inputs if isinstance(x, Node)]) == node.shape:
        axes.met(node.inputs)
    return tuple(Axis(node, i) for i in range(node.ndim))


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def _same(axes: Axes, node: Node) -> Sizes:
    return axes.of(node.inputs[0])


def _of_like(axes: Axes, node: Node) -> Sizes:
    assert node.op is not None
    return axes.of(node.inputs[node.op.arguments.index("like")])


def _met(axes: Axes, node: Node) -> Sizes:
    return axes.met(node.inputs)


def _none(axes: Axes, node: Node) -> Sizes:
    return ()


def _loss(axes: Axes, node: Node) -> Sizes:
    sizes = axes.met(node.inputs)
    return sizes if node.shape else ()


def _loss_of_classes(axes: Axes, node: Node) -> Sizes:
    logits, labels = node.inputs
    met = tuple(axes.meeting([(logits, i), (labels, i)]) for i in range(labels.ndim))
    return met[: node.ndim]


def _reduced(axes: Axes, node: Node) -> Sizes:
    x, axis = node.inputs[0], node.params["axis"]
    if not node.shape:  # a number is repeated along any axis as it is
        return ()
    gone = range(x.ndim) if axis is None or not x.ndim else normalize_axis_tuple(axis, x.ndim)
    if node.params["keepdims"]:
        return tuple(1 if i in gone else size for i, size in enumerate(axes.of(x)))
    return tuple(size for i, size in enumerate(axes.of(x)) if i not in gone)


def _transposed(axes: Axes, node: Node) -> Sizes:
    sizes, order = axes.of(node.inputs[0]), node.params["axes"]
    return sizes[::-1] if order is None else tuple(sizes[i] for i in order)


def _expanded(axes: Axes, node: Node) -> Sizes:
    new, rest = normalize_axis_tuple(node.params["axis"], node.ndim), iter(axes.of(node.inputs[0]))
    return tuple(1 if i in new else next(rest) for i in range(node.ndim))


def _squeezed(axes: Axes, node: Node) -> Sizes:
    x, axis = node.inputs[0], node.params["axis"]
    if axis is None:  # which of them have size 1 decides how many are left
        left = [i for i, n in enumerate(x.shape) if n != 1]
        for i in left:
            if not is_firm(axes.of(x)[i]):
                axes.demand(x, [i], axes.of(x)[i], x.shape[i])
    else:
        left = [i for i in range(x.ndim) if i not in normalize_axis_tuple(axis, x.ndim)]
    return tuple(axes.of(x)[i] for i in left)


def _broadcast_to(axes: Axes, node: Node) -> Sizes:
    """A shape in numbers, which may be the sizes of other values; those of which an entry was repeated may follow from any."""
    x = node.inputs[0]
    new = node.ndim - x.ndim
    for i, n in enumerate(node.shape):
        axes.keep(n, ops.broadcast_to)
        if i >= new and x.shape[i - new] == n:
            axes.demand(x, [i - new], axes.of(x)[i - new], n, node.op)
        elif n != 1:
            axes.keep_all(ops.broadcast_to)
    return node.shape


def _reshaped(axes: Axes, node: Node) -> Sizes:
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
            result[i] = entries if rest == 1 else axes.formula(f"({{}} // {rest})", entries) if rest else Axis(node, i)
        for number in given:
            axes.keep(number, ops.reshape)
    return tuple(result)


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


def _times(axes: Axes, size: Size, count: int, taker: Op) -> Size:
    """An axis some times as long; a number of copies of one entry is a size of something else."""
    if size == 1 and count != 1:
        axes.keep_all(taker)
        return count
    axes.keep(count, taker)
    return size if count == 1 else axes.formula(f"({{}} * {count})", size)


def _tiled(axes: Axes, node: Node) -> Sizes:
    reps, sizes = node.params["reps"], axes.of(node.inputs[0])
    reps = reps if isinstance(reps, tuple) else (reps,)
    reps, sizes = (1,) * (node.ndim - len(reps)) + reps, (1,) * (node.ndim - len(sizes)) + sizes
    return tuple(_times(axes, size, count, ops.tile) for size, count in zip(sizes, reps, strict=True))


def _repeated(axes: Axes, node: Node) -> Sizes:
    x, repeats = node.inputs[0], node.params["repeats"]
    axis = normalize_axis_index(node.params["axis"], x.ndim)
    sizes = list(axes.of(x))
    if isinstance(repeats, tuple) and len(repeats) > 1:
        axes.demand(x, [axis], sizes[axis], len(repeats), node.op)
        sizes[axis] = sum(repeats)
    else:
        sizes[axis] = _times(axes, sizes[axis], repeats[0] if isinstance(repeats, tuple) else repeats, ops.repeat)
    return tuple(sizes)


def _padded(axes: Axes, node: Node) -> Sizes:
    x = node.inputs[0]
    margins = [n - before for n, before in zip(node.shape, x.shape, strict=True)]
    return tuple(axes.formula(f"({{}} + {m})", size) if m else size for size, m in zip(axes.of(x), margins, strict=True))


def _joined(axes: Axes, node: Node) -> Sizes:
    axis = normalize_axis_index(node.params["axis"], node.ndim)
    result = [firmest([axes.of(x)[i] for x in node.inputs]) for i in range(node.ndim)]
    result[axis] = axes.total([axes.of(x)[axis] for x in node.inputs])
    return tuple(result)


def _stacked(axes: Axes, node: Node) -> Sizes:
    sizes = [firmest([axes.of(x)[i] for x in node.inputs]) for i in range(node.ndim - 1)]
    sizes.insert(normalize_axis_index(node.params["axis"], node.ndim), len(node.inputs))
    return tuple(sizes)


def _section(axes: Axes, node: Node) -> Sizes:
    sizes, sections = list(axes.of(node.inputs[0])), node.params["sections"]
    axis, position = normalize_axis_index(node.params["axis"], node.ndim), range(sections)[node.params["position"]]
    sizes[axis] = axes.formula(f"({{0}} // {sections} + ({position} < {{0}} % {sections}))", sizes[axis])
    return tuple(sizes)


def _part(axes: Axes, node: Node) -> Sizes:
    x, *arrays = node.inputs
    sizes, axis = list(axes.of(x)), normalize_axis_index(node.params["axis"], node.ndim)
    sizes[axis] = axes.of(arrays[node.params["position"]])[axis]
    return tuple(sizes)


def _diagonal(axes: Axes, node: Node) -> Sizes:
    x, offset = node.inputs[0], node.params["offset"]
    sizes, places = axes.of(x), normalize_axis_tuple((node.params["axis1"], node.params["axis2"]), x.ndim)
    rows, columns = (sizes[i] for i in places)
    form = f"max(min({{}} - {max(-offset, 0)}, {{}} - {max(offset, 0)}), 0)" if offset else "min({}, {})"
    length = rows if rows is columns and not offset else axes.formula(form, rows, columns)
    return (*(size for i, size in enumerate(sizes) if i not in places), length)


def _diagonal_matrix(axes: Axes, node: Node) -> Sizes:
    size, k = axes.of(node.inputs[0])[0], abs(node.params["k"])
    return (axes.formula(f"({{}} + {k})", size) if k else size,) * 2


def _merged(axes: Axes, node: Node) -> Sizes:
    sizes = axes.of(node.inputs[0])
    return tuple(axes.product(sizes[i : i + 2]) for i in range(0, len(sizes), 2))


def _matmul(axes: Axes, node: Node) -> Sizes:
    x, y = node.inputs
    left, right = axes.of(x), axes.of(y)
    batch = _batch(axes, [(x, x.ndim - 2), (y, y.ndim - 2)])
    return (*batch, *left[-2:-1], *(right[-1:] if y.ndim > 1 else ()))


def _batch(axes: Axes, operands: Sequence[tuple[Node, int]]) -> Sizes:
    """The sizes of the leading axes, so many of each operand, which are broadcast together."""
    count = max(0, *(n for _, n in operands))
    return tuple(axes.meeting([(x, n - count + i) for x, n in operands if n - count + i >= 0]) for i in range(count))


def _solved(axes: Axes, node: Node) -> Sizes:
    A, b = node.inputs
    if b.ndim == 1:
        return axes.of(A)[:-1]
    return (*_batch(axes, [(A, A.ndim - 2), (b, b.ndim - 2)]), axes.of(A)[-1], axes.of(b)[-1])


def _determinants(axes: Axes, node: Node) -> Sizes:
    return axes.of(node.inputs[0])[:-2]


def _singular_values(axes: Axes, node: Node) -> Sizes:
    """As many as there are rows or columns, whichever are fewer."""
    *batch, rows, columns = axes.of(node.inputs[0])
    return (*batch, rows if rows is columns else axes.formula("min({}, {})", rows, columns))


def _left_vectors(axes: Axes, node: Node) -> Sizes:
    return (*axes.of(node.inputs[0])[:-1], *_singular_values(axes, node)[-1:])


def _right_vectors(axes: Axes, node: Node) -> Sizes:
    return (*_singular_values(axes, node), axes.of(node.inputs[0])[-1])


def _argsorted(axes: Axes, node: Node) -> Sizes:
    sizes = axes.of(node.inputs[0])
    return (axes.product(sizes),) if node.params["axis"] is None else sizes


def _searched(axes: Axes, node: Node) -> Sizes:
    return axes.of(node.inputs[1])


def _spaced(axes: Axes, node: Node) -> Sizes:
    """The number of places may be a size that was given."""
    sizes = list(axes.met(node.inputs))
    sizes.insert(normalize_axis_index(node.params["axis"], node.ndim), node.params["num"])
    axes.keep(node.params["num"], ops.linspace)
    return tuple(sizes)


def _einsum(axes: Axes, node: Node) -> Sizes:
    terms, result = node.params["subscripts"].split("->")
    places: dict[str, list[tuple[Node, int]]] = {}
    for term, x in zip(terms.split(","), node.inputs, strict=True):
        for i, letter in enumerate(term):
            places.setdefault(letter, []).append((x, i))
    met = {letter: axes.meeting(own) for letter, own in places.items()}
    return tuple(met[letter] for letter in result)


def _one_hot(axes: Axes, node: Node) -> Sizes:
    labels, like = node.inputs
    return (*axes.of(labels), axes.of(like)[-1])


def _taken(axes: Axes, node: Node) -> Sizes:
    x, indices = node.inputs
    axis = normalize_axis_index(node.params["axis"], x.ndim)
    met = [axes.meeting([(x, i), (indices, i)]) if i != axis else axes.of(indices)[i] for i in range(x.ndim)]
    return tuple(met)


def _indexed(axes: Axes, node: Node) -> Sizes:
    x, *arrays = node.inputs
    masks = [array for array in arrays if array.dtype.kind == "b"]
    if masks and (len(arrays) > 1 or not masks[0].ndim):
        return tuple(Axis(node, i) for i in range(node.ndim))
    template = _spread(node.params["template"], x.ndim, masks)
    advanced = [i for i, part in enumerate(template) if part is ARRAY or (arrays and isinstance(part, int))]
    together = not arrays or advanced == list(range(advanced[0], advanced[0] + len(advanced)))
    place = sum(not isinstance(part, int) for part in template[: advanced[0]]) if arrays and together else 0
    taken = (axes.masked.setdefault(masks[0], Axis(node, place)),) if masks else axes.met(arrays)
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


def _spread(template: Sequence[Any], ndim: int, masks: Sequence[Node]) -> list[Any]:
    """An index with a part for every axis that no mask takes."""
    read = sum(part is not None and part is not Ellipsis for part in template) + sum(mask.ndim - 1 for mask in masks)
    whole = [slice(None)] * (ndim - read)
    place = next((i for i, part in enumerate(template) if part is Ellipsis), len(template))
    return [*template[:place], *whole, *template[place + 1 :]]


RULES: dict[Op, Rule] = {
    **dict.fromkeys(
        (
            ops.cast, ops.cast_like, ops.flip, ops.roll, ops.tril, ops.triu, ops.cumsum, ops.cumprod, ops.softmax,
            ops.log_softmax, ops.sort, ops.median_weights, ops.inv, ops.cholesky, ops.cofactors, ops.direction,
            ops.deviations, ops.logsumexp_weights,
        ), _same,
    ),
    **dict.fromkeys((ops.det, ops.log_abs_det, ops.sign_of_det), _determinants),
    **dict.fromkeys((ops.binary_cross_entropy, ops.binary_cross_entropy_with_logits, ops.mean_squared_error), _loss),
    ops.softmax_cross_entropy: _loss_of_classes,
    ops.recurrence: _met,
    ops.cofactors_along: _met,
    ops.cross: _met,
    ops.singular_values: _singular_values,
    ops.left_singular_vectors: _left_vectors,
    ops.right_singular_vectors: _right_vectors,
    ops.argsort: _argsorted,
    ops.searchsorted: _searched,
    ops.linspace: _spaced,
    ops.broadcast_like: _met,
    ops.broadcast_with: _met,
    ops.count: _none,
    ops.one_hot_like: _one_hot,
    ops.part_like: _part,
    ops.index: _indexed,
    ops.take_along_axis: _taken,
    ops.transpose: _transposed,
    ops.expand_dims: _expanded,
    ops.squeeze: _squeezed,
    ops.broadcast_to: _broadcast_to,
    ops.reshape: _reshaped,
    ops.merge_pairs: _merged,
    ops.tile: _tiled,
    ops.repeat: _repeated,
    ops.pad: _padded,
    ops.concatenate: _joined,
    ops.stack: _stacked,
    ops.section: _section,
    ops.diagonal: _diagonal,
    ops.diagonal_matrix: _diagonal_matrix,
    ops.matmul: _matmul,
    ops.solve: _solved,
    ops.einsum: _einsum,
}  # fmt: skip
