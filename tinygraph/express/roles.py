"""What an application is to mathematics, by the notation and the kind that its op declares."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import TypeGuard

from tinygraph.ops import Contraction, Op, Rearrangement, Reduction, Same
from tinygraph.program.value import Apply, Expression

# What negates a relation; two values that are related stand in brackets where they count as a number.
RELATIONS = {">": "≤", "≥": "<", "<": "≥", "≤": ">", "=": "≠", "≠": "="}
BIG_SIGNS = ("Σ", "∏")
BIG_OPERATOR = re.compile(r"[Σ∏].*\{|\w \S*\{")  # a big operator, or a word, before what it runs through
OF_ONE = re.compile(r".* \{\}|ln Σ exp\(\{\}\)")  # what reduces a single entry to that entry


class Role(Enum):
    """The parts that mathematics writes otherwise than by filling in a notation."""

    PRODUCT, QUOTIENT, NEGATIVE, POWER, MATRIX_PRODUCT, OUTER_PRODUCT, SUM_OF_PRODUCTS = range(7)
    REDUCTION, PRODUCT_OF_OTHERS, REPETITION, CHOICE, VIEW, ELEMENT, CAST = range(7, 14)


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
    return _role(x.op, x.notation) if isinstance(x, Apply) else None


def is_a(x: Expression, *roles: Role) -> TypeGuard[Apply]:
    """Whether it is an application of one of these roles."""
    return role_of(x) in roles
