"""Sums and their kin as mathematics: a big operator over an index that runs through everything it reduces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygraph.express.indices import Index, axes_of, several
from tinygraph.express.layout import Digits, Fence, Lowered, Row, Sign, Symbol, Times, lowered
from tinygraph.express.pieces import ATOM, BIG, PRODUCT, Told, fenced
from tinygraph.express.roles import OF_ONE
from tinygraph.express.template import Running
from tinygraph.program.value import Apply

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation


def reduced(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A reduction over axes, in the form of its op, with the index of what it runs through."""
    body, axes = x.inputs[0], axes_of(x)
    letters = _letters(notation, x, axes, index)
    gone = [i for i in axes if letters[i]]
    running = Running([letters[i] for i in gone], lambda: [notation.size(body, i) for i in gone])
    with notation.scope(letters):
        told = notation.told(body, letters)
        layout, binds = notation.filled(x, [told], running) if gone or not OF_ONE.fullmatch(x.notation) else told
    if index is None and several(x.shape):  # inside something that takes the whole array
        rest = ",".join(letter for i, letter in enumerate(letters) if letter and i not in axes)
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
