"""How mathematics writes each op that has a form of its own; any other is a function by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tinygraph import ops
from tinygraph.express.layout import Cases, Digits, Fence, Fraction, Layout, Lowered, Raised, Row, Sign, Times, Word, signed
from tinygraph.express.pieces import (
    ATOM,
    BIG,
    CASES,
    PRODUCT,
    RELATION,
    SUM,
    Index,
    Told,
    fenced,
    listed,
    raisable,
    several,
    with_index,
)
from tinygraph.express.products import (
    Factor,
    as_product,
    factors_of,
    matrix_product,
    outer_product,
    product,
    transposed,
    unsigned,
    without_new_axes,
)
from tinygraph.express.reductions import REDUCTIONS, counted, einstein_sum, reduced
from tinygraph.ops import ARRAY, Op
from tinygraph.program.value import Apply, Expression, Name, apply, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation

RELATIONS = {
    ops.greater: ">", ops.greater_equal: "≥", ops.less: "<", ops.less_equal: "≤", ops.equal: "=", ops.not_equal: "≠",
}  # fmt: skip


NEGATED = {">": "≤", "≥": "<", "<": "≥", "≤": ">", "=": "≠", "≠": "="}


def _sum(notation: Notation, x: Apply, index: Index | None) -> Told:
    left, right = x.inputs
    if is_literal(right) and right.value == 0 and isinstance(left, Apply) and left.op is ops.count:
        return notation.told(left, index)  # n - 0, as the variance divides by
    sign = Sign("+" if x.op is ops.add else "−")
    return Row((notation.inside(left, SUM, index), sign, notation.inside(right, BIG, index))), SUM


def _negative(notation: Notation, x: Apply, index: Index | None) -> Told:
    return Row((Sign("−", tight=True), notation.inside(x.inputs[0], BIG, index))), SUM


def _power(notation: Notation, x: Apply, index: Index | None) -> Told:
    base, exponent = x.inputs
    return _raised(notation, base, notation.inside(exponent, SUM, index), index), PRODUCT


def _raised(notation: Notation, base: Expression, above: Layout, index: Index | None) -> Layout:
    """A power; the notation shows that a matrix's is elementwise, which a plain exponent would not."""
    if index is None and len(base.shape) > 1:
        above = Row((Sign("⊙", tight=True), above))
    return Raised(raisable(notation.inside(base, ATOM, index)), above)


def _squared(notation: Notation, x: Apply, index: Index | None) -> Told:
    return _raised(notation, x.inputs[0], Digits("2"), index), PRODUCT


def _reciprocal(notation: Notation, x: Apply, index: Index | None) -> Told:
    return Fraction(Digits("1"), notation.inside(x.inputs[0], SUM, index)), PRODUCT


def _norm(notation: Notation, x: Apply, index: Index | None) -> Told:
    """The root of a sum of squares, where the norm is that."""
    params = dict(x.params)
    if params.pop("ord") not in (None, 2, "fro"):
        return notation.function(x, index)
    squares = apply(ops.sum, apply(ops.square, *x.inputs), shape=x.shape, **params)
    return notation.told(apply(ops.sqrt, squares), index)


def _floored(notation: Notation, x: Apply, index: Index | None) -> Told:
    return Fence("⌊", Fraction(*(notation.inside(i, SUM, index) for i in x.inputs)), "⌋"), ATOM


def _transposed(notation: Notation, x: Apply, index: Index | None) -> Told:
    body, axes = x.inputs[0], x.params["axes"]
    rank = len(body.shape)
    order = [i % rank for i in axes] if axes is not None else list(range(rank))[::-1]
    if index is not None and rank:
        letters = [""] * rank
        for place, letter in zip(order, index[-rank:], strict=True):
            letters[place] = letter
        return notation.told(body, tuple(letters))
    if rank < 2:
        return notation.told(body, index)
    if order != [*range(rank - 2), rank - 1, rank - 2]:
        return notation.function(x, index)
    return transposed(notation, body)


def _logical(notation: Notation, x: Apply, index: Index | None) -> Told:
    sign = Sign("∧" if x.op is ops.logical_and else "∨")
    left, right = (notation.told(i, index) for i in x.inputs)
    operands = [
        layout if _is_plain(i) else Fence("(", layout, ")") for i, (layout, _) in zip(x.inputs, (left, right), strict=True)
    ]
    return Row((operands[0], sign, operands[1])), RELATION


def _is_plain(x: Expression) -> bool:
    return not isinstance(x, Apply) or x.op in RELATIONS or x.op is ops.logical_not


def _chosen(notation: Notation, x: Apply, index: Index | None) -> Told:
    condition, yes, no = (notation.told(i, index)[0] for i in x.inputs)
    for value, other, negated in ((x.inputs[1], no, False), (x.inputs[2], yes, True)):
        if other == Digits("0"):
            mask = Factor(*_mask(notation, x.inputs[0], index, negated), index is None and several(x.shape))
            return as_product([*factors_of(notation, value, index), mask])
    line = (Word("where"), Fence("(", listed([condition, yes, no]), ")"))
    return Cases(line, ((yes, Row((Word("if"), condition))), (no, Word("otherwise")))), CASES


def _mask(notation: Notation, condition: Expression, index: Index | None, negated: bool) -> Told:
    """A condition in brackets, which is 1 where it holds and 0 elsewhere, or the other way round."""
    layout, _ = notation.told(condition, index)
    if negated and isinstance(condition, Apply) and condition.op in RELATIONS and isinstance(layout, Row):
        left, _, right = layout.items
        layout, negated = Row((left, Sign(NEGATED[RELATIONS[condition.op]]), right)), False
    mask = Fence("[", layout, "]")
    return (Row((Digits("1"), Sign("−"), mask)), SUM) if negated else (mask, ATOM)


def _repeated(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A value in the shape of another one: a number, times an array of ones where no index shows that."""
    value, like = x.inputs
    if index is not None or several(value.shape) or not several(x.shape):
        return notation.told(value, index)
    zero = is_literal(value) and value.value == 0
    ones: Layout = Word("0" if zero else "1")
    if isinstance(like, Name):
        ones = Lowered(ones, notation.name(like.node))
    if zero:
        return ones, ATOM
    signed, size = unsigned(value)
    whole = as_product([*factors_of(notation, size, None), Factor(ones, ATOM, True)])
    return (Row((Sign("−", tight=True), fenced(whole, BIG))), SUM) if signed else whole


def _with_axes(notation: Notation, x: Apply, index: Index | None) -> Told:
    """New axes of size 1 have no index."""
    if index is None:
        return notation.function(x, index) if several(x.shape) else notation.told(x.inputs[0], None)
    return notation.told(x.inputs[0], without_new_axes(x, index))


def _first(notation: Notation, x: Apply, index: Index | None) -> Told:
    return notation.told(x.inputs[0], index)


def _solved(notation: Notation, x: Apply, index: Index | None) -> Told:
    if index is not None and several(x.shape):
        return with_index(Fence("(", notation.inside(x, RELATION, None), ")"), x.shape, index), ATOM
    inverse = Raised(raisable(notation.inside(x.inputs[0], ATOM, None)), Digits("−1"))
    return Row((inverse, Times(), notation.inside(x.inputs[1], PRODUCT, None))), PRODUCT


def _element(notation: Notation, x: Apply, index: Index | None) -> Told:
    """An element or a part in the brackets of code, which count from 0; an index of mathematics counts from 1."""
    template = x.params["template"]
    if index is not None and all(part in (None, slice(None)) for part in template):  # new axes alone, which entries need not say
        letters = enumerate(index[-len(x.shape) :])
        kept = tuple(letter for i, letter in letters if i >= len(template) or template[i] is not None)
        return notation.told(x.inputs[0], kept)
    part = _part(notation, template, x.inputs[1:])
    return with_index(Row((raisable(notation.inside(x.inputs[0], ATOM, None)), part)), x.shape, index), ATOM


def _scattered(notation: Notation, x: Apply, index: Index | None) -> Told:
    """An array of zeros with a value put in: `scatter` with the part of the array that it goes to below."""
    value, like, *arrays = x.inputs
    place = Row((notation.inside(like, ATOM, None), _part(notation, x.params["template"], arrays)))
    whole = Row((Lowered(Word("scatter"), place), Fence("(", notation.told(value, None)[0], ")")))
    return with_index(whole, x.shape, index), ATOM


def _part(notation: Notation, template: Sequence[Any], arrays: Sequence[Expression]) -> Layout:
    rest = iter(arrays)
    return Fence(
        "[", listed([notation.told(next(rest), None)[0] if part is ARRAY else _subscript(part) for part in template]), "]"
    )


def _subscript(part: Any) -> Layout:
    if isinstance(part, slice):
        given = ["" if end is None else signed(str(end)) for end in (part.start, part.stop, part.step)]
        return Digits(":".join(given if given[2] else given[:2]))
    return Word("…") if part is Ellipsis else Word("new") if part is None else Digits(signed(str(part)))


Form: TypeAlias = "Callable[[Notation, Apply, Index | None], Told]"
FORMS: Mapping[Op, Form] = {
    **dict.fromkeys(REDUCTIONS, reduced),
    ops.add: _sum,
    ops.subtract: _sum,
    ops.negative: _negative,
    ops.multiply: product,
    ops.divide: product,
    ops.matmul: matrix_product,
    ops.outer: outer_product,
    ops.power: _power,
    ops.square: _squared,
    ops.reciprocal: _reciprocal,
    ops.floor_divide: _floored,
    ops.transpose: _transposed,
    ops.logical_and: _logical,
    ops.logical_or: _logical,
    ops.where: _chosen,
    ops.einsum: einstein_sum,
    ops.solve: _solved,
    ops.norm: _norm,
    ops.count: counted,
    ops.broadcast_like: _repeated,
    ops.expand_dims: _with_axes,
    ops.cast_like: _first,
    ops.cast: _first,
    ops.index: _element,
    ops.scatter_like: _scattered,
}
