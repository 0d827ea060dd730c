"""What an application is to mathematics, by the notation and the kind that its op declares."""

from __future__ import annotations

import re
from typing import TypeGuard

from tinygraph.express.expression import Apply, Expression
from tinygraph.ops.kinds import Contraction, Place, Rearrangement, Reduction, Same

# What negates a relation; two values that are related stand in brackets where they count as a number.
RELATIONS = {">": "≤", "≥": "<", "<": "≥", "≤": ">", "=": "≠", "≠": "="}
BIG_SIGNS = ("Σ", "∏")
BIG = re.compile(r"[Σ∏].*\{|\w \S*\{")  # a big operator, or a word, before what it runs through


def _reads(x: Expression, notation: str, entrywise: bool) -> TypeGuard[Apply]:
    return isinstance(x, Apply) and x.notation == notation and x.op.elementwise is entrywise


def is_product(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a product, entry by entry."""
    return _reads(x, "{} {}", True)


def is_quotient(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a quotient, entry by entry."""
    return _reads(x, "{}/{}", True)


def is_matrix_product(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a product of matrices and vectors."""
    return _reads(x, "{} {}", False) and isinstance(x.op.kind, Contraction)


def is_negative(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a value with a minus sign before it."""
    return _reads(x, "−{}", True)


def is_power(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a power."""
    return _reads(x, "{}^{}", True)


def is_sum_of_products(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a product of entries, summed over letters that the result does not have."""
    return _reads(x, "Σ", False) and isinstance(x.op.kind, Contraction)


def is_repetition(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a value in the shape of another one, which is read for that alone."""
    return isinstance(x, Apply) and isinstance(x.op.kind, Same) and x.op.kind.fits and x.op.reads_shape[x.op.kind.argument]


def is_reduction(x: Expression) -> TypeGuard[Apply]:
    """Whether it is written with an index that runs through what it reduces."""
    return isinstance(x, Apply) and isinstance(x.op.kind, Reduction) and re.search(BIG, x.notation) is not None


def is_product_of_others(x: Expression) -> TypeGuard[Apply]:
    """Whether each of its entries is the product of all others along an axis."""
    return _reads(x, "∏≠ {}", False)


def is_choice(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a value under a condition, and another one otherwise."""
    return isinstance(x, Apply) and x.notation.endswith(" otherwise")


def is_view_of_entries(x: Expression) -> TypeGuard[Apply]:
    """Whether it has the entries of its operand, in another order or with new axes."""
    return isinstance(x, Apply) and isinstance(x.op.kind, Rearrangement) and x.op.view is True and places_of(x) is not None


def is_transparent(x: Apply) -> bool:
    """Whether each of its entries is an entry of its operand, with the same axes."""
    return x.notation in ("{}", "{}⊤")


def infix(x: Expression) -> str | None:
    """The sign between the operands of an op that is written so."""
    found = re.fullmatch(r"\{\} (\S+) \{\}", x.notation) if isinstance(x, Apply) else None
    return None if found is None else found[1]


def is_negation(x: Expression) -> bool:
    """Whether it is the negation of a condition."""
    return isinstance(x, Apply) and x.notation == "¬{}"


def is_relation(x: Expression) -> TypeGuard[Apply]:
    """Whether it relates two values, as in x > 0."""
    return infix(x) in RELATIONS


def places_of(x: Apply) -> list[int | None] | None:
    """Which axis of its operand each axis is, None for a new one; None where not all of the operand's entries are there."""
    kind, shape = x.op.kind, x.inputs[0].shape
    if not isinstance(kind, Rearrangement):
        return None
    places: list[Place | None] = list(kind.places([i.shape for i in x.inputs], x.params))
    own = [place[1] for place in places if place is not None and place[0] == 0]
    is_whole = all(i in own for i, size in enumerate(shape) if size != 1) and len(set(own)) == len(own)
    return [None if place is None else place[1] for place in places] if is_whole and len(x.inputs) == 1 else None


def adds_axes(x: Expression) -> TypeGuard[Apply]:
    """Whether it has the entries of its operand, with new axes of size 1."""
    return is_view_of_entries(x) and None in (places_of(x) or ())


def inner_index(x: Apply, index: tuple[str, ...]) -> tuple[str, ...]:
    """The index of the entry of its operand that an entry of a view is."""
    letters = [""] * len(x.inputs[0].shape)
    for place, letter in zip(places_of(x) or (), index[len(index) - len(x.shape) :], strict=True):
        if place is not None:
            letters[place] = letter
    return tuple(letters)
