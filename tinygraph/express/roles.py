"""What an application is to mathematics, by the notation and the kind that its op declares."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import TypeGuard

from tinygraph.ops import Contraction, Op, Place, Rearrangement, Reduction, Same
from tinygraph.program.value import Apply, Expression

# What negates a relation; two values that are related stand in brackets where they count as a number.
RELATIONS = {">": "≤", "≥": "<", "<": "≥", "≤": ">", "=": "≠", "≠": "="}
BIG_SIGNS = ("Σ", "∏")
BIG_OPERATOR = re.compile(r"[Σ∏].*\{|\w \S*\{")  # a big operator, or a word, before what it runs through


class Role(Enum):
    """The parts that mathematics writes otherwise than by filling in a notation."""

    PRODUCT, QUOTIENT, NEGATIVE, POWER, MATRIX_PRODUCT, SUM_OF_PRODUCTS, REPETITION, REDUCTION, CHOICE, VIEW, ELEMENT = range(11)
    PRODUCT_OF_OTHERS, CAST, OUTER_PRODUCT = 11, 12, 13


ENTRYWISE = {"{} {}": Role.PRODUCT, "{}/{}": Role.QUOTIENT, "−{}": Role.NEGATIVE, "{}^{}": Role.POWER}
SAME_ENTRIES = ("{}", "{}⊤")  # at other places where the op rearranges them
CONTRACTIONS = {"{} {}": Role.MATRIX_PRODUCT, "⊗": Role.OUTER_PRODUCT, "Σ": Role.SUM_OF_PRODUCTS}


@lru_cache(maxsize=1024)
def _role(op: Op, notation: str) -> Role | None:
    kind = op.kind
    if notation.endswith(" otherwise"):
        return Role.CHOICE
    if "{template}" in notation:
        return Role.ELEMENT
    if notation == "{}" and "dtype" in op.defaults:
        return Role.CAST
    if notation == "∏≠ {}":
        return Role.PRODUCT_OF_OTHERS
    if op.elementwise:
        return ENTRYWISE.get(notation)
    if isinstance(kind, Contraction):
        return CONTRACTIONS.get(notation)
    if isinstance(kind, Reduction):
        return Role.REDUCTION if BIG_OPERATOR.search(notation) else None
    if isinstance(kind, Same):
        return Role.REPETITION if notation == "{} 1_{}" else None
    return Role.VIEW if isinstance(kind, Rearrangement) and notation in SAME_ENTRIES else None


def role_of(x: Expression) -> Role | None:
    """The role of an application; None of a number or name, and where the notation says all."""
    if not isinstance(x, Apply):
        return None
    notation = x.op.notation
    return _role(x.op, notation if isinstance(notation, str) else x.notation)


def is_product(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a product, entry by entry."""
    return role_of(x) is Role.PRODUCT


def is_quotient(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a quotient, entry by entry."""
    return role_of(x) is Role.QUOTIENT


def is_matrix_product(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a product of matrices and vectors."""
    return role_of(x) is Role.MATRIX_PRODUCT


def is_negative(x: Expression) -> TypeGuard[Apply]:
    """Whether it is a value with a minus sign before it."""
    return role_of(x) is Role.NEGATIVE


def is_reduction(x: Expression) -> TypeGuard[Apply]:
    """Whether it is written with an index that runs through what it reduces."""
    return role_of(x) is Role.REDUCTION


def is_view_of_entries(x: Expression) -> TypeGuard[Apply]:
    """Whether it has the entries of its operand, in another order or with new axes."""
    return isinstance(x, Apply) and role_of(x) is Role.VIEW and places_of(x) is not None


def is_transparent(x: Apply) -> bool:
    """Whether each of its entries is an entry of its operand, with the same axes."""
    return x.notation in SAME_ENTRIES


def infix(x: Expression) -> str | None:
    """The sign between the operands of an op that is written so."""
    return infix_of(x.notation) if isinstance(x, Apply) else None


@lru_cache(maxsize=1024)
def infix_of(notation: str) -> str | None:
    """The sign of a notation that is two operands with a sign between them."""
    found = re.fullmatch(r"\{\} (\S+) \{\}", notation)
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
