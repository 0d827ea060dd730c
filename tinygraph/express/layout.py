"""Mathematics as a layout of letters, fractions, powers, indices and sums, which LaTeX, MathML and plain text print."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True)
class Symbol:
    """A variable: letters, with parts of its name and the letters of an index below them.

    `name` is what it is called in the user's code.
    """

    text: str
    below: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Word:
    """The name of a function, upright."""

    text: str


@dataclass(frozen=True)
class Digits:
    """A number."""

    text: str


@dataclass(frozen=True)
class Blank(Digits):
    """A place for a number, and which brackets the number may need."""

    brackets: int = 0


@dataclass(frozen=True)
class Sign:
    """An operator or relation; `tight` ones stand without space around them."""

    text: str
    tight: bool = False


@dataclass(frozen=True)
class Times:
    """A product that is not written out, or by a dot where two numbers meet."""

    dot: bool = False


@dataclass(frozen=True)
class Row:
    """One after the other."""

    items: tuple[Layout, ...]


@dataclass(frozen=True)
class Cases(Row):
    """Values, each with the condition under which it holds, None for otherwise; `items` say the same in a line."""

    rows: tuple[tuple[Layout, Layout | None], ...]


@dataclass(frozen=True)
class Fraction:
    """One above the other."""

    top: Layout
    bottom: Layout


@dataclass(frozen=True)
class Raised:
    """An exponent, or a transpose."""

    base: Layout
    above: Layout


@dataclass(frozen=True)
class Lowered:
    """An index; `under` what it belongs to where that is a big operator."""

    base: Layout
    below: Layout
    under: bool = False


@dataclass(frozen=True)
class Root:
    """The root of a degree."""

    body: Layout
    degree: int


@dataclass(frozen=True)
class Fence:
    """Something between brackets."""

    left: str
    body: Layout
    right: str


@dataclass(frozen=True)
class Sigma:
    """A sum over an index, from 1 to `top` where that is given."""

    index: tuple[str, ...]
    top: Layout | None
    body: Layout


Layout: TypeAlias = Symbol | Word | Digits | Sign | Times | Row | Fraction | Raised | Lowered | Root | Fence | Sigma


def _greek(letter: str) -> str:
    """How code spells a Greek letter."""
    name = unicodedata.name(letter).rpartition(" ")[2].replace("LAMDA", "LAMBDA")
    return name.lower() if letter.islower() else name.capitalize()


GREEK = {_greek(letter): letter for letter in "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"}


DEEPEST = 2  # parts of a name that can stand below the first


def symbol(name: str) -> Symbol:
    """A name as a variable: `w1` is w with 1 below, `x_train` x with train, `alpha` α, `dalpha` dα."""
    head, *rest = [part for part in name.split("_") if part] or [name]
    match = re.fullmatch(r"(.*?\D)(\d+)", head)
    if match:
        head, rest = match[1], [match[2], *rest]
    if len(rest) > DEEPEST or not any(c.isalpha() for c in head):  # the latter would read as a number
        return Symbol(name, name=name)
    return Symbol(_letters(head), tuple(map(_letters, rest)), name=name)


def _letters(word: str) -> str:
    """A word, or the Greek letter that it spells; the same behind the d of a gradient."""
    return GREEK.get(word) or ("d" + GREEK[word[1:]] if word[:1] == "d" and word[1:] in GREEK else word)


def signed(text: str) -> str:
    """A number, or an equation, with the minus sign of mathematics."""
    return text.replace("-", "−")


def lowered(layout: Layout, index: tuple[str, ...]) -> Layout:
    """A layout with an index, which a partial derivative passes on to what it is taken by."""
    if not index:
        return layout
    if isinstance(layout, Symbol):
        return replace(layout, index=layout.index + index)
    if isinstance(layout, Fraction) and isinstance(layout.bottom, Row) and isinstance(layout.bottom.items[-1], Symbol):
        *before, last = layout.bottom.items
        return Fraction(layout.top, Row((*before, lowered(last, index))))
    letters = tuple(map(Symbol, index))
    return Lowered(layout, letters[0] if len(letters) == 1 else Row(letters))


def joined(items: Iterable[Layout], between: Layout) -> Row:
    """One after the other, with something between them."""
    return Row(tuple(part for x in items for part in (between, x))[1:])


def below_parts(x: Symbol) -> list[str]:
    """What stands below a variable, with commas between all but the letters of an index."""
    own = [part for text in x.below for part in (",", text)]
    return [*own, *([","] if own and x.index else []), *x.index][1 if own else 0 :]


def is_tall(x: Layout) -> bool:
    """Whether brackets have to grow around it."""
    if isinstance(x, Row):
        return isinstance(x, Cases) or any(map(is_tall, x.items))
    if isinstance(x, Raised | Lowered):
        return is_tall(x.base)
    return isinstance(x, Fraction | Root | Sigma) or (isinstance(x, Fence) and is_tall(x.body))


def is_stacked(x: Layout) -> bool:
    """Whether it is higher than a line, so that a fraction of it would be hard to read."""
    if isinstance(x, Row):
        return isinstance(x, Cases) or any(map(is_stacked, x.items))
    return isinstance(x, Fraction | Sigma) or (isinstance(x, Fence) and is_stacked(x.body))


def is_short(x: Layout) -> bool:
    """Whether a factor is a single letter or a number, with what stands above and below it, so that a product needs no space."""
    if isinstance(x, Raised | Lowered):
        return is_short(x.base)
    return isinstance(x, Digits) or (isinstance(x, Symbol) and len(x.text.rstrip("′")) == 1)


def ends(x: Layout) -> tuple[Layout, Layout]:
    """The first and the last thing in a layout."""
    first = last = x
    while isinstance(first, Row) and not isinstance(first, Cases):
        first = first.items[0]
    while isinstance(last, Row) and not isinstance(last, Cases):
        last = last.items[-1]
    return first, last


def end(x: Layout, which: int) -> Layout:
    """The first or the last thing in a layout, without what stands above and below it."""
    while isinstance(x, Row | Raised | Lowered):
        x = x.items[which] if isinstance(x, Row) else x.base
    return x
