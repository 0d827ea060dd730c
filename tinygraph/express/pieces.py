"""The parts of notation that need no context: how tightly things bind, brackets, numbers, words and indices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tinygraph.express.layout import (
    Digits,
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sign,
    Symbol,
    Times,
    Word,
    joined,
    signed,
)
from tinygraph.express.text import number
from tinygraph.syntax import constant, literal

# How tightly mathematics binds. BIG is a Σ, which swallows the product behind it; ENTRYWISE is ⊙, below the matrix product.
CASES, LOGIC, RELATION, SUM, BIG, ENTRYWISE, PRODUCT, ATOM = range(8)

NAMED: Mapping[str, Layout] = {"pi": Symbol("π"), "inf": Digits("∞"), "nan": Digits("NaN")}
SHORT = 8  # characters of a number as the user may have typed it

Typeset: TypeAlias = tuple[Layout, int]  # a layout and how tightly it binds


def written_number(value: Any) -> Typeset:
    """A number as source has it."""
    text, _ = literal(value)
    return written_digits(text.replace("np.", ""))


def written_shortly(value: Any) -> Typeset:
    """A number as source has it where that is short, and else with the digits of every other number: `0.1 + 0.2` is 0.300."""
    text, _ = literal(value)
    return written_digits(text.replace("np.", "") if len(text) <= SHORT else number(value))


def written_digits(text: str) -> Typeset:
    """A number, with a power of ten where it has an exponent."""
    if text in ("True", "False"):
        return Word(text), ATOM
    mantissa, _, exponent = text.removeprefix("-").partition("e")
    layout: Layout = NAMED.get(mantissa) or Digits(mantissa.removesuffix(".0"))
    if exponent:
        power = Raised(Digits("10"), Digits(signed(str(int(exponent)))))
        layout = power if mantissa == "1" else Row((layout, Times(dot=True), power))
    if text.startswith("-"):
        return Row((Sign("−", tight=True), layout)), SUM
    return layout, PRODUCT if exponent else ATOM


def written_metadata(value: Any) -> Layout:
    """Metadata such as an axis."""
    text = value if isinstance(value, str) and value else constant(value)
    return Digits(signed(text)) if re.fullmatch(r"-?[\d.]+", text) else Word(text)


SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def written_word(text: str) -> Layout:
    """A name, with the digits below it that its notation has there."""
    name = text.rstrip("₀₁₂₃₄₅₆₇₈₉")
    return Word(text) if name in ("", text) else Lowered(Word(name), Digits(text.removeprefix(name).translate(SUBSCRIPTS)))


def listed(items: Sequence[Layout]) -> Row:
    """Things between commas."""
    return joined(items, Sign(","))


def fenced(typeset: Typeset, least: int) -> Layout:
    """A layout, in parentheses where it binds less tightly than `least`; a condition that counts as a number, in brackets."""
    layout, binds = typeset
    if binds >= least:
        return layout
    return Fence("[", layout, "]") if binds in (LOGIC, RELATION) and least > RELATION else Fence("(", layout, ")")


def negative(typeset: Typeset) -> Typeset:
    """A layout with a minus sign before it."""
    return Row((Sign("−", tight=True), fenced(typeset, BIG))), SUM


def raisable(layout: Layout) -> Layout:
    """What an exponent may stand on: a partial derivative needs parentheses, and so does a root."""
    return Fence("(", layout, ")") if isinstance(layout, Fraction | Root) else layout


def multiplied(sizes: Sequence[Layout]) -> Layout:
    """The product of letters for sizes, equal ones as a power."""
    powers = [size if count == 1 else Raised(size, Digits(str(count))) for size, count in Counter(sizes).items()]
    return joined(powers, Times()) if len(powers) > 1 else (*powers, Digits("1"))[0]
