"""What mathematics writes otherwise than by filling in the notation of an op: conditions, other shapes, parts of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygraph.express.layout import Digits, Fence, Layout, Lowered, Row, Sign, Word, signed
from tinygraph.express.pieces import ATOM, BIG, RELATION, SUM, Index, Told, fenced, listed, several, with_index
from tinygraph.express.products import Factor, as_product, factors_of, transposed, unsigned
from tinygraph.express.roles import RELATIONS, infix, inner_index, is_relation, places_of
from tinygraph.ops import ARRAY
from tinygraph.program.value import Apply, Expression, Name, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation


def chosen(notation: Notation, x: Apply, index: Index | None) -> Told:
    """One of two values by a condition; where one of the two is 0, the other one times the condition."""
    told = [notation.told(i, index) for i in x.inputs]
    for value, other, negated in ((1, 2, False), (2, 1, True)):
        if told[other][0] == Digits("0"):
            mask = Factor(*_mask(notation, x.inputs[0], index, negated), index is None and several(x.shape))
            return as_product([*factors_of(notation, x.inputs[value], index), mask])
    return notation.filled(x, told)


def _mask(notation: Notation, condition: Expression, index: Index | None, negated: bool) -> Told:
    """A condition in brackets, which is 1 where it holds and 0 elsewhere, or the other way round."""
    layout, _ = notation.told(condition, index)
    if negated and is_relation(condition) and isinstance(layout, Row):
        left, _, right = layout.items
        layout, negated = Row((left, Sign(RELATIONS[infix(condition) or ""]), right)), False
    mask = Fence("[", layout, "]")
    return (Row((Digits("1"), Sign("−"), mask)), SUM) if negated else (mask, ATOM)


def repeated(notation: Notation, x: Apply, index: Index | None) -> Told:
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


def rearranged(notation: Notation, x: Apply, index: Index | None) -> Told:
    """The entries of a value at other places, with an index there; a transpose, or as if nothing moved, where nothing does."""
    body, places = x.inputs[0], places_of(x) or []
    if index is not None:
        return notation.told(body, inner_index(x, index))
    kept = [place for place in places if place is not None]
    rank = len(body.shape)
    if kept == sorted(kept) and (places == [*range(rank)] or not several(x.shape)):
        return notation.told(body, None)
    if rank > 1 and places == [*range(rank - 2), rank - 1, rank - 2]:
        return transposed(notation, body)
    return notation.call(x, None)


def cast(notation: Notation, x: Apply, index: Index | None) -> Told:
    """Another dtype is the same number, but for what loses its fraction, and for a condition."""
    (value,) = x.inputs
    if x.kind == "b" != value.kind:
        return Row((notation.inside(value, SUM, index), Sign("≠"), Digits("0"))), RELATION
    if x.kind in "iu" and value.kind == "f":
        return Row((Word("trunc"), Fence("(", notation.told(value, index)[0], ")"))), ATOM
    return notation.told(value, index)


def element(notation: Notation, x: Apply, index: Index | None) -> Told:
    """An element or a part in the brackets of code, which count from 0; an index of mathematics counts from 1."""
    template = x.params["template"]
    if index is not None and all(part in (None, slice(None)) for part in template):  # new axes alone, which entries need not say
        letters = enumerate(index[-len(x.shape) :])
        kept = tuple(letter for i, letter in letters if i >= len(template) or template[i] is not None)
        return notation.told(x.inputs[0], kept)
    whole, _ = notation.filled(x, [notation.told(i, None) for i in x.inputs])
    return with_index(whole, x.shape, index), ATOM


def brackets(notation: Notation, x: Apply) -> Layout:
    """The part of an array that an index picks, in brackets."""
    template: Sequence[Any] = x.params["template"]
    rest = iter(x.inputs[len(x.op.arguments) - 1 :])
    return Fence(
        "[", listed([notation.told(next(rest), None)[0] if part is ARRAY else _subscript(part) for part in template]), "]"
    )


def _subscript(part: Any) -> Layout:
    if isinstance(part, slice):
        given = ["" if end is None else signed(str(end)) for end in (part.start, part.stop, part.step)]
        return Digits(":".join(given if given[2] else given[:2]))
    return Word("…") if part is Ellipsis else Word("new") if part is None else Digits(signed(str(part)))
