"""A notation as an op declares it, such as `|{}|`, `{} ⊕ {}`, `√{}`, `1/n Σ {}` or `{1} if {0}, {2} otherwise`, as a layout.

`{}` and `{1}` are operands, `{template}` is what stands in the brackets of an index. In the notation of a reduction a big
operator stands before what it runs through: Σ, ∏ or a word such as max; n is the number of entries. ∏≠ runs through all other
entries along an axis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tinygraph.express.layout import (
    Cases,
    Digits,
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sigma,
    Sign,
    Symbol,
    Times,
    Word,
)
from tinygraph.express.pieces import (
    ATOM,
    BIG,
    CASES,
    LOGIC,
    PRODUCT,
    RELATION,
    SUM,
    Typeset,
    fenced,
    listed,
    multiplied,
    raisable,
    written_word,
)
from tinygraph.express.roles import BIG_SIGNS, RELATIONS

BRACKETS = {"(": ")", "[": "]", "|": "|", "⌊": "⌋", "⌈": "⌉"}
ROOTS = {"√": 2, "∛": 3}
POWERS = {"²": "2", "³": "3", "⁻¹": "−1"}
TOKENS = re.compile(r"\{\w*\}|[^\W\d_]+[₀-₉]*|\d+|⁻¹|\S")
PLACE = re.compile(r"\{\d*\}")
TEMPLATE = "{template}"  # the place of what stands in the brackets of an index
# How tightly the operands of a sign must bind, and what it makes does.
SIGNS = {
    **dict.fromkeys("∧∨", (RELATION, RELATION, LOGIC)),
    **dict.fromkeys(RELATIONS, (SUM, SUM, RELATION)),
    **dict.fromkeys("+−", (SUM, BIG, SUM)),
}
NO_SIGNS = {",", "^", "_", "/", *BRACKETS, *BRACKETS.values(), *ROOTS, *POWERS, *BIG_SIGNS}
NO_FACTORS = {"", ",", *BRACKETS.values()}


class Running(NamedTuple):
    """What a reduction runs through: the letters of its index, and the number of entries along each."""

    letters: Sequence[str]
    sizes: Callable[[], list[Layout]]


@lru_cache(maxsize=1024)
def is_form(notation: str, operands: int) -> bool:
    """Whether a notation has places, each for one of the operands, and can be read."""
    places = {token for token in tokens_of(notation) if PLACE.fullmatch(token)}
    if not places or not places <= {f"{{{i}}}" for i in range(operands)}:
        return False
    try:
        filled(notation, [(Row(()), ATOM)] * operands, brackets=Row(()))
    except (ValueError, IndexError):
        return False
    return True


@lru_cache(maxsize=1024)
def tokens_of(notation: str) -> tuple[str, ...]:
    """The parts of a notation, its operands numbered, and what there is behind the last: nothing."""
    parts = TOKENS.findall(notation)
    count = iter(range(len(parts)))
    return (*(f"{{{next(count)}}}" if part == "{}" else part for part in parts), "", "")


def filled(
    notation: str,
    operands: Sequence[Typeset],
    running: Running | None = None,
    brackets: Layout | None = None,
    matrices: Collection[int] = (),
) -> Typeset:
    """A notation with its operands, of which some are matrices as wholes, whose powers are elementwise."""
    infix = re.fullmatch(r"\{\} (\S+) \{\}", notation)
    if infix is not None:
        return between(infix[1], operands[0], operands[1])
    places = {f"{{{i}}}": operand for i, operand in enumerate(operands)}
    if brackets is not None:
        places[TEMPLATE] = brackets, ATOM

    def read(text: str) -> Typeset:
        return _Reader(tokens_of(text), places, running, [f"{{{i}}}" for i in matrices]).all()

    choice = re.fullmatch(r"(.+) if (.+), (.+) otherwise", notation)
    if choice is None:
        return read(notation)
    yes, condition, no = (read(part)[0] for part in choice.groups())
    line = (Word("where"), Fence("(", listed([condition, yes, no]), ")"))
    return Cases(line, ((yes, condition), (no, None))), CASES


def between(sign: str, left: Typeset, right: Typeset) -> Typeset:
    """Two operands with a sign between them."""
    least, most, binds = SIGNS.get(sign, (PRODUCT, PRODUCT, SUM))
    return Row((fenced(left, least), Sign(sign), fenced(right, most))), binds


class _Reader:
    """Reads the tokens of a notation from the left, by how tightly they bind."""

    def __init__(
        self, tokens: Sequence[str], operands: Mapping[str, Typeset], running: Running | None, matrices: Collection[str]
    ) -> None:
        self.tokens = tokens
        self.operands = operands
        self.running = running
        self.matrices = matrices
        self.words_are_big = running is not None and not any(sign in tokens for sign in BIG_SIGNS)
        self.i = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.i + ahead]

    def next(self) -> str:
        self.i += 1
        return self.tokens[self.i - 1]

    def all(self) -> Typeset:
        """The whole notation."""
        typeset = self.whole()
        if self.peek():
            raise ValueError(f"notation {' '.join(self.tokens)!r}: nothing can be made of {self.peek()}")
        return typeset

    def whole(self) -> Typeset:
        """Operands with a sign between them, or one behind a sign."""
        if self._is_sign(self.peek()):
            sign = self.next()
            return Row((Sign(sign, tight=True), fenced(self.product(), BIG if sign == "−" else ATOM))), SUM
        left = self.product()
        return between(self.next(), left, self.product()) if self._is_sign(self.peek()) else left

    def product(self) -> Typeset:
        """Factors side by side, of which a big operator takes all that follow it."""
        first = self.fraction()
        if not self._is_factor(self.peek()):
            return first
        items, binds = [fenced(first, PRODUCT)], PRODUCT
        while self._is_factor(self.peek()):
            is_big = self._is_big(self.peek())
            layout = fenced(self.fraction(), BIG if is_big else PRODUCT)
            binds = BIG if is_big else PRODUCT
            items += [Times(), layout]
        return Row(tuple(items)), binds

    def _is_factor(self, token: str) -> bool:
        return token not in NO_FACTORS and not self._is_sign(token)

    def _is_big(self, token: str) -> bool:
        return token in BIG_SIGNS or (self.words_are_big and token[:1].isalpha() and self.peek(1) != "(")

    def fraction(self) -> Typeset:
        top = self.power()
        if self.peek() != "/":
            return top
        self.next()
        return Fraction(fenced(top, SUM), fenced(self.power(), SUM)), PRODUCT

    def power(self) -> Typeset:
        """Something with what stands above it; the powers of a matrix show that they are elementwise."""
        token = self.peek()
        typeset = self.atom()
        while self.peek() == "^" or self.peek() in POWERS:
            sign = self.next()
            above: Layout = self._exponent() if sign == "^" else Digits(POWERS[sign])
            if token in self.matrices:
                above = Row((Sign("⊙", tight=True), above))
            typeset = Raised(raisable(fenced(typeset, ATOM)), above), PRODUCT
        return typeset

    def _exponent(self) -> Layout:
        """What stands above something, where the parentheses of the notation are not shown."""
        if self.peek() != "(":
            return fenced(self.atom(), SUM)
        self.next()
        return self._inner(")")

    def atom(self) -> Typeset:
        is_big = self._is_big(self.peek())
        token = self.next()
        if not token:
            raise ValueError(f"notation {' '.join(self.tokens)!r}: something is missing at its end")
        if token in self.operands:
            return self._indexed(self.operands[token])
        if token in BRACKETS:
            return Fence(token, self._inner(BRACKETS[token]), BRACKETS[token]), ATOM
        if token in ROOTS:
            return Root(fenced(self.product(), RELATION), ROOTS[token]), ATOM
        if is_big:
            return self._big(token)
        if token == "n" and self.running is not None:
            return multiplied(self.running.sizes()), ATOM
        if token.isdigit():
            return Digits(token), ATOM
        return self._call(token)

    def _indexed(self, typeset: Typeset) -> Typeset:
        """An operand, with the brackets of an index behind it where they stand there."""
        if self.tokens[self.i : self.i + 2] != ("[", TEMPLATE):
            return typeset
        return Row((raisable(fenced(typeset, ATOM)), self.atom()[0])), ATOM

    def _call(self, token: str) -> Typeset:
        """A function's name, with what stands below it, and its arguments."""
        word = written_word(token)
        if self.peek() == "_":
            self.next()
            word = Lowered(word, self.atom()[0])
        if self.peek() != "(":
            return word, ATOM
        self.next()
        return Row((word, Fence("(", self._inner(")"), ")"))), ATOM

    def _inner(self, close: str) -> Layout:
        """What stands between brackets."""
        items = [self.whole()[0]]
        while self.peek() == ",":
            self.next()
            items.append(self.whole()[0])
        if self.next() != close:
            raise ValueError(f"notation {' '.join(self.tokens)!r}: {close} is missing")
        return items[0] if len(items) == 1 else listed(items)

    def _big(self, sign: str) -> Typeset:
        """A big operator over its index; nothing where there is none."""
        body = self.product()
        if self.running is None or not self.running.letters:
            return body
        letters = tuple(self.running.letters)
        if sign == "Σ":
            sizes = self.running.sizes() if "n" in self.tokens else []
            return Sigma(letters, sizes[0] if len(sizes) == 1 else None, fenced(body, BIG)), BIG
        below = tuple(map(Symbol, letters))
        operator: Layout = Sign(sign, tight=True) if sign in BIG_SIGNS else written_word(sign)
        operator = Lowered(operator, below[0] if len(below) == 1 else Row(below), under=True)
        return Row((operator, Times(), fenced(body, PRODUCT))), BIG

    def _is_sign(self, token: str) -> bool:
        return bool(token) and not token[0].isalnum() and token not in NO_SIGNS and token[0] != "{"
