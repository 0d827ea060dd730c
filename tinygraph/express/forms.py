"""What mathematics writes otherwise than by filling in the notation of an op: sums, conditions, other shapes, parts of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygraph.express.indices import Index, axes_of, inner_index, places_of, several, with_index
from tinygraph.express.layout import Digits, Fence, Layout, Lowered, Row, Sign, Symbol, Times, Word, lowered, signed
from tinygraph.express.pieces import ATOM, BIG, PRODUCT, RELATION, SUM, Typeset, fenced, listed
from tinygraph.express.products import TypesetFactor, as_product, factors_of, transposed
from tinygraph.express.roles import OF_ONE, RELATIONS
from tinygraph.express.template import Running, filled
from tinygraph.ops import ARRAY
from tinygraph.program.value import Apply, Name, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation


def reduced(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """A reduction over axes, in the form of its op, with the index of what it runs through."""
    body, axes = x.inputs[0], axes_of(x)
    letters = _letters(notation, x, axes, index)
    gone = [i for i in axes if letters[i]]
    running = Running([letters[i] for i in gone], lambda: [notation.size(body, i) for i in gone])
    with notation.scope(letters):
        typeset = notation.typeset(body, letters)
        layout, binds = filled(x.notation, [typeset], running) if gone or not OF_ONE.fullmatch(x.notation) else typeset
    if index is None and several(x.shape):  # inside something that takes the whole array
        rest = tuple(letter for i, letter in enumerate(letters) if letter and i not in axes)
        return lowered(Fence("(", layout, ")"), rest), ATOM
    return layout, binds


def _letters(notation: Notation, x: Apply, axes: Sequence[int], index: Index | None) -> Index:
    """The index inside of a reduction: that of the outside on the axes that stay, new letters on those that go."""
    shape = x.inputs[0].shape
    letters = [""] * len(shape)
    if index is not None and x.shape:
        keepdims = x.params.get("keepdims")
        staying = range(len(shape)) if keepdims else [i for i in range(len(shape)) if i not in axes]
        for i, letter in zip(staying, index[-len(x.shape) :], strict=True):
            letters[i] = "" if i in axes else letter
    fresh = notation.fresh()
    return tuple(letter or ("" if size == 1 else next(fresh)) for letter, size in zip(letters, shape, strict=True))


def product_of_others(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """The product over all other entries along an axis: ∏ with j ≠ i below it."""
    if index is None:
        return notation.call(x, index)
    axis = x.params["axis"] % len(x.shape)
    letters = list(index[len(index) - len(x.shape) :])
    own = letters[axis]
    if not own:  # it has no other entries
        return Digits("1"), ATOM
    letters[axis] = other = next(notation.fresh())
    with notation.scope([other]):
        body = notation.typeset(x.inputs[0], tuple(letters))
    below = Row((Symbol(other), Sign("≠", tight=True), Symbol(own)))
    return Row((Lowered(Sign("∏", tight=True), below, under=True), Times(), fenced(body, PRODUCT))), BIG


def chosen(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """One of two values by a condition; where one of the two is 0, the other one times the condition."""
    typeset = [notation.typeset(i, index) for i in x.inputs]
    mask, zero = typeset[0][0], Digits("0")
    for value, other, factor in ((1, 2, (Fence("[", mask, "]"), ATOM)), (2, 1, _opposite(mask))):
        if typeset[other][0] == zero:
            is_array = index is None and several(x.shape)
            return as_product([*factors_of(notation, x.inputs[value], index), TypesetFactor(*factor, is_array)])
    return filled(x.notation, typeset)


def _opposite(condition: Layout) -> Typeset:
    """A condition in brackets, which is 1 where it does not hold and 0 elsewhere."""
    match condition:
        case Row(items=(left, Sign(text=sign), right)) if sign in RELATIONS:
            return Fence("[", Row((left, Sign(RELATIONS[sign]), right)), "]"), ATOM
    return Row((Digits("1"), Sign("−"), Fence("[", condition, "]"))), SUM


def repeated(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """A value in the shape of another one: a number, times an array of ones where no index shows that."""
    value, like = x.inputs
    if index is not None or several(value.shape) or not several(x.shape):
        return notation.typeset(value, index)
    zero = is_literal(value) and value.value == 0
    ones: Layout = Word("0" if zero else "1")
    if isinstance(like, Name):
        ones = Lowered(ones, notation.name(like.node))
    return as_product([*([] if zero else factors_of(notation, value, None)), TypesetFactor(ones, ATOM, True)])


def rearranged(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """The entries of a value at other places, with an index there; a transpose, or as if nothing moved, where nothing does."""
    body, places = x.inputs[0], places_of(x)
    if places is None:
        return notation.function(x, index)
    if index is not None:
        return notation.typeset(body, inner_index(x, index))
    kept = [place for place in places if place is not None]
    rank = len(body.shape)
    if kept == sorted(kept) and (places == [*range(rank)] or not several(x.shape)):
        return notation.typeset(body, None)
    if rank > 1 and places == [*range(rank - 2), rank - 1, rank - 2]:
        return transposed(notation, body)
    return notation.call(x, None)


def cast(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """Another dtype is the same number, but for what loses its fraction, and for a condition."""
    (value,) = x.inputs
    if x.kind == "b" != value.kind:
        return Row((notation.inside(value, SUM, index), Sign("≠"), Digits("0"))), RELATION
    if x.kind in "iu" and value.kind == "f":
        return Row((Word("trunc"), Fence("(", notation.typeset(value, index)[0], ")"))), ATOM
    return notation.typeset(value, index)


def element(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """An element or a part in the brackets of code, which count from 0; an index of mathematics counts from 1."""
    template = x.params["template"]
    if index is not None and all(part in (None, slice(None)) for part in template):  # new axes alone, which entries need not say
        letters = enumerate(index[-len(x.shape) :])
        kept = tuple(letter for i, letter in letters if i >= len(template) or template[i] is not None)
        return notation.typeset(x.inputs[0], kept)
    typeset = [notation.typeset(i, None) for i in x.inputs]
    arrays = iter(typeset[len(x.op.arguments) - 1 :])
    parts = [next(arrays)[0] if part is ARRAY else _subscript(part) for part in template]
    whole, _ = filled(x.notation, typeset, brackets=listed(parts))
    return with_index(whole, x.shape, index), ATOM


def _subscript(part: Any) -> Layout:
    if isinstance(part, slice):
        given = ["" if end is None else signed(str(end)) for end in (part.start, part.stop, part.step)]
        return Digits(":".join(given if given[2] else given[:2]))
    return Word("…") if part is Ellipsis else Word("new") if part is None else Digits(signed(str(part)))
