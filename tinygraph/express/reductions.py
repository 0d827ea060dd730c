"""Sums and their kin as mathematics: a big operator over an index that runs through everything it reduces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tinygraph.express.layout import Digits, Fence, Layout, Lowered, Row, Sigma, Sign, Symbol, Times, lowered
from tinygraph.express.pieces import ATOM, BIG, PRODUCT, SUM, Index, Told, axes_of, fenced, multiplied, several
from tinygraph.express.products import Factor, as_product, stretches, unsigned
from tinygraph.express.roles import Role, adds_axes, is_reduction, is_transparent, role_of
from tinygraph.express.template import Running
from tinygraph.ops import Contraction
from tinygraph.program.value import Apply, Expression, Shape, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation


def reduced(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A reduction over axes, in the form of its op, with the index of what it runs through; a sum without the sign in it."""
    is_linear = x.notation.endswith("Σ {}")
    signed, body = unsigned(x.inputs[0]) if is_linear else (False, x.inputs[0])
    axes = axes_of(x)
    letters = _letters(notation, x, axes, index)
    running = [letters[i] for i in axes if letters[i]]
    signed = signed and bool(running)
    body = body if running else x.inputs[0]

    def sizes() -> list[Layout]:
        return [notation.size(x.inputs[0], i) for i in axes if letters[i]]

    with notation.scope(letters):
        told = notation.told(body, letters)
        is_one = not running and x.notation.endswith(" {}")  # what is reduced is a single entry
        whole = told if is_one else notation.filled(x, [told], Running(running, sizes))
    whole = (Row((Sign("−", tight=True), whole[0])), SUM) if signed else whole
    if index is None and several(x.shape):  # inside something that takes the whole array
        rest = ",".join(letter for i, letter in enumerate(letters) if letter and i not in axes)
        return lowered(Fence("(", whole[0], ")"), rest), ATOM
    return whole


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


def einstein_sum(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A product of entries, summed over the letters that the result does not have."""
    assert isinstance(x.op.kind, Contraction)
    terms, result = x.op.kind.letters(tuple(len(i.shape) for i in x.inputs), x.params)
    if not _is_spelled(x) or (index is None and several(x.shape)):
        return notation.function(x, index)
    sizes = {letter: size for term, i in zip(terms, x.inputs, strict=True) for letter, size in zip(term, i.shape, strict=True)}
    letters = dict(zip(result, index[-len(result) :], strict=True)) if index is not None and result else {}
    fresh = notation.fresh()
    letters |= {letter: "" if size == 1 else next(fresh) for letter, size in sizes.items() if letter not in letters}
    with notation.scope([*letters.values()]):
        told = [notation.told(i, tuple(letters[letter] for letter in term)) for term, i in zip(terms, x.inputs, strict=True)]
    body = as_product([Factor(layout, binds, False) for layout, binds in told])
    running = [letters[letter] for letter in sizes if letter not in result and letters[letter]]
    return (Sigma(",".join(running), None, fenced(body, BIG)), BIG) if running else body


def _is_spelled(x: Apply) -> bool:
    """Whether every axis of a contraction has a letter."""
    assert isinstance(x.op.kind, Contraction)
    terms, _ = x.op.kind.letters(tuple(len(i.shape) for i in x.inputs), x.params)
    return all(isinstance(letter, str) for term in terms for letter in term)


def product_of_others(notation: Notation, x: Apply, index: Index | None) -> Told:
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
        body = notation.told(x.inputs[0], tuple(letters))
    below = Row((Symbol(other), Sign("≠", tight=True), Symbol(own)))
    return Row((Lowered(Sign("∏", tight=True), below, under=True), Times(), fenced(body, PRODUCT))), BIG


def counted(notation: Notation, x: Apply, index: Index | None) -> Told:
    """The number of entries along axes, by the letters for sizes."""
    sizes = [notation.size(x.inputs[0], i) for i in axes_of(x) if x.inputs[0].shape[i] != 1]
    return multiplied(sizes), ATOM if len(sizes) < 2 else PRODUCT


def needs_index(x: Expression) -> bool:
    """Whether an array must be written component-wise: where axes are summed, added, or matched with another array's."""
    if not isinstance(x, Apply) or not several(x.shape):
        return False
    role = role_of(x)
    if role in (Role.REDUCTION, Role.PRODUCT_OF_OTHERS) or (role is Role.VIEW and adds_axes(x)):
        return True
    if role is Role.SUM_OF_PRODUCTS:
        return _is_spelled(x)
    if role is Role.CHOICE and not any(is_literal(i) and i.value == 0 for i in x.inputs[1:]):
        return True
    if stretches(x):
        return True
    if role is Role.REPETITION:
        return several(x.inputs[0].shape)
    by_entry = x.op.elementwise or is_transparent(x) or role is Role.OUTER_PRODUCT
    return by_entry and any(map(needs_index, x.inputs))


def summed_shapes(x: Expression) -> Iterator[tuple[Shape, Sequence[int]]]:
    """The shapes that an expression sums over, with the axes that go."""
    if is_reduction(x) and several(x.shape) and not x.params.get("keepdims"):
        yield x.inputs[0].shape, axes_of(x)
    if isinstance(x, Apply) and x.op.elementwise:
        for i in x.inputs:
            yield from summed_shapes(i)
