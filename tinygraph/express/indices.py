"""The index of an entry, a letter for each axis: what is written entry by entry, and which entries of its operands that reads.

Letters belong to axes as positions do in a term: counted from the last axis, so that broadcasting needs no rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeGuard

from tinygraph.express.layout import Layout, lowered
from tinygraph.express.roles import SAME_ENTRIES, Role, is_a, role_of
from tinygraph.ops import Contraction, Letter, Rearrangement, Reduction
from tinygraph.program.value import Apply, Expression, Shape, is_literal

Index: TypeAlias = tuple[str, ...]  # a letter for each axis, "" for one of size 1
MATCHED = (Role.PRODUCT, Role.QUOTIENT, Role.POWER)


def several(shape: Shape) -> bool:
    """Whether an array has more than one entry, or none."""
    return any(size != 1 for size in shape)


def with_index(layout: Layout, shape: Shape, index: Index | None) -> Layout:
    """A value with the index of each of its axes that has more than one entry."""
    if index is None or not shape:
        return layout
    return lowered(layout, tuple(letter for letter, size in zip(index[-len(shape) :], shape, strict=True) if size != 1))


def needs_index(x: Expression) -> bool:
    """Whether an array must be written component-wise: where axes are summed, added, or matched with another array's."""
    if not isinstance(x, Apply) or not several(x.shape):
        return False
    role = role_of(x)
    if role in (Role.REDUCTION, Role.PRODUCT_OF_OTHERS) or adds_axes(x):
        return True
    if role is Role.SUM_OF_PRODUCTS:
        return is_spelled(x)
    if role is Role.CHOICE and not any(is_literal(i) and i.value == 0 for i in x.inputs[1:]):
        return True
    if role is Role.REPETITION:
        return several(x.inputs[0].shape)
    return _stretches(x) or (_is_by_entry(x) and any(map(needs_index, x.inputs)))


def _stretches(x: Apply) -> bool:
    """Whether arrays of different shapes are combined, which their names do not show: all but the bias of a sum."""
    shapes = {i.shape for i in x.inputs if several(i.shape)}
    return x.op.elementwise and len(shapes) > 1 and (is_a(x, *MATCHED) or x.shape not in shapes)


def _is_by_entry(x: Apply) -> bool:
    """Whether entries are made of entries, or are sums of products of them."""
    if is_a(x, Role.MATRIX_PRODUCT):
        return max(len(i.shape) for i in x.inputs) == 2
    return x.op.elementwise or is_transparent(x) or is_a(x, Role.OUTER_PRODUCT)


def summed_shapes(x: Expression) -> Iterator[tuple[Shape, Sequence[int]]]:
    """The shapes that an expression sums over, with the axes that go."""
    if is_a(x, Role.REDUCTION) and several(x.shape) and not x.params.get("keepdims"):
        yield x.inputs[0].shape, axes_of(x)
    if isinstance(x, Apply) and x.op.elementwise:
        for i in x.inputs:
            yield from summed_shapes(i)


def axes_of(x: Apply) -> tuple[int, ...]:
    """The axes of its first input that an op works along."""
    return Reduction.gone(len(x.inputs[0].shape), x.params)


def letters_of(x: Apply) -> tuple[list[list[Letter]], list[Letter]]:
    """The letters of a contraction: those of its operands, and those of its result."""
    assert isinstance(x.op.kind, Contraction)
    return x.op.kind.letters(tuple(len(i.shape) for i in x.inputs), x.params)


def is_spelled(x: Apply) -> bool:
    """Whether every axis of a contraction has a letter."""
    return all(isinstance(letter, str) for term in letters_of(x)[0] for letter in term)


def is_transparent(x: Apply) -> bool:
    """Whether each of its entries is an entry of its operand, with the same axes."""
    return x.notation in SAME_ENTRIES


def places_of(x: Apply) -> list[int | None] | None:
    """Which axis of its operand each axis is, None for a new one; None where not all of the operand's entries are there."""
    kind, shape = x.op.kind, x.inputs[0].shape
    if not isinstance(kind, Rearrangement) or len(x.inputs) != 1:
        return None
    places = [None if place is None else place[1] for place in kind.places([shape], x.params)]
    kept = [axis for axis in places if axis is not None]
    is_whole = all(i in kept for i, size in enumerate(shape) if size != 1) and len(set(kept)) == len(kept)
    return places if is_whole else None


def adds_axes(x: Expression) -> TypeGuard[Apply]:
    """Whether it has the entries of its operand, with new axes of size 1."""
    return is_a(x, Role.VIEW) and None in (places_of(x) or ())


def inner_index(x: Apply, index: Index) -> Index:
    """The index of the entry of its operand that an entry of a view is."""
    letters = [""] * len(x.inputs[0].shape)
    for place, letter in zip(places_of(x) or (), index[len(index) - len(x.shape) :], strict=True):
        if place is not None:
            letters[place] = letter
    return tuple(letters)
