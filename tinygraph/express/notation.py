"""An expression as mathematics: a layout of fractions, powers, indices and sums, which LaTeX, MathML and plain text then print.

`a * b / c` becomes a fraction, `X.T @ dz` a product with a transpose, a sum over axes a Σ whose index runs through everything it
sums. What is multiplied entry by entry shows as ⊙ where both sides are arrays, a comparison used as a number stands in brackets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tinygraph import ops
from tinygraph.express.expression import Apply, Expression, Name, Number
from tinygraph.express.python import constant, literal
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Op


@dataclass(frozen=True)
class Symbol:
    """A variable: letters, and what stands below them."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Word:
    """The name of a function, upright."""

    text: str


@dataclass(frozen=True)
class Digits:
    """A number."""

    text: str


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
    """An index."""

    base: Layout
    below: Layout


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

    index: str
    top: Layout | None
    body: Layout


Layout: TypeAlias = Symbol | Word | Digits | Sign | Times | Row | Fraction | Raised | Lowered | Root | Fence | Sigma

# How tightly mathematics binds. BIG is a Σ, which swallows the product behind it.
RELATION, SUM, BIG, PRODUCT, ATOM = range(5)


def _greek(letter: str) -> str:
    """How code spells a Greek letter."""
    name = unicodedata.name(letter).rpartition(" ")[2].replace("LAMDA", "LAMBDA")
    return name.lower() if letter.islower() else name.capitalize()


GREEK = {_greek(letter): letter for letter in "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"}
RELATIONS = {
    ops.greater: ">", ops.greater_equal: "≥", ops.less: "<", ops.less_equal: "≤", ops.equal: "=", ops.not_equal: "≠",
}  # fmt: skip
INDICES = "ijklpqrs"
SIZES = "mnkpqrstuvw"


def symbol(name: str) -> Symbol:
    """A name as a variable: `w1` is w with 1 below, `x_train` x with train, `alpha` α."""
    head, *rest = [part for part in name.split("_") if part] or [name]
    match = re.fullmatch(r"(.*?\D)(\d+)", head)
    if match:
        head, rest = match[1], [match[2], *rest]
    return Symbol(GREEK.get(head, head), ",".join(GREEK.get(part, part) for part in rest))


class Notation:
    """How the values of one program are written: `name` gives each node's variable, sizes get letters as they come up."""

    def __init__(self, name: Callable[[Node], Layout], taken: Sequence[str] = ()) -> None:
        self.name = name
        self._letters = [letter for letter in SIZES if letter not in taken]
        self.sizes: dict[int, Layout] = {}

    def layout(self, expression: Expression) -> Layout:
        """The expression as mathematics."""
        return self._layout(expression, None)[0]

    def size(self, size: int) -> Layout:
        """The letter that stands for a number of entries."""
        if size <= 1:
            return Digits(str(size))
        if size not in self.sizes:
            self.sizes[size] = Symbol(self._letters.pop(0)) if self._letters else Digits(str(size))
        return self.sizes[size]

    def _layout(self, x: Expression, index: tuple[str, ...] | None) -> tuple[Layout, int]:
        """The layout and how tightly it binds; inside a Σ, `index` has one letter an axis."""
        if isinstance(x, Number):
            return _number(x.value)
        if isinstance(x, Name):
            return _indexed(self.name(x.node), x.shape, index), ATOM
        if x.op in FORMS:
            return FORMS[x.op](self, x, index)
        if x.op in RELATIONS:
            left, right = (self._inside(i, SUM, index) for i in x.inputs)
            return Row((left, Sign(RELATIONS[x.op]), right)), RELATION
        if index is not None and not x.op.elementwise and x.shape:
            inner, _ = self._layout(x, None)
            return _indexed(Fence("(", inner, ")"), x.shape, index), ATOM
        return self._function(x, index)

    def _inside(self, x: Expression, least: int, index: tuple[str, ...] | None) -> Layout:
        layout, binds = self._layout(x, index)
        if binds >= least:
            return layout
        return Fence("[", layout, "]") if binds == RELATION else Fence("(", layout, ")")

    def _function(self, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
        notation = x.op.notation
        if "{}" in notation:
            return self._template(notation, x, index)
        arguments = [self._layout(i, index)[0] for i in x.inputs]
        arguments += [
            Row((Word(key), Sign("="), Word(constant(value))))
            for key, value in x.params.items()
            if value is not None and x.op.defaults.get(key) != value
        ]
        return Row((_word(notation), Fence("(", _list(arguments), ")"))), ATOM

    def _template(self, notation: str, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
        rest = iter(x.inputs)
        tokens = re.findall(r"\{\}|[^\W\d_]+[₀-₉]*|\d+|⁻¹|\S", notation)
        items, _ = self._tokens(tokens, 0, lambda least: self._inside(next(rest), least, index))
        fenced = len(items) == 1 and not isinstance(items[0], Row)
        return (items[0], ATOM) if fenced else (Row(tuple(items)), ATOM if notation[0].isalpha() else SUM)

    def _tokens(
        self, tokens: Sequence[str], i: int, argument: Callable[[int], Layout], close: str = ""
    ) -> tuple[list[Layout], int]:
        """Read a notation up to its closing bracket."""
        items: list[Layout] = []
        while i < len(tokens) and tokens[i] != close:
            token = tokens[i]
            i += 1
            if token == "{}":
                alone = bool(close) or (i < len(tokens) and tokens[i] == ",")
                items.append(argument(RELATION if alone else ATOM))
            elif token in BRACKETS:
                inner, i = self._tokens(tokens, i, argument, BRACKETS[token])
                i += 1
                items.append(Fence(token, Row(tuple(inner)) if len(inner) > 1 else inner[0], BRACKETS[token]))
            elif token in ROOTS:
                items.append(Root(argument(RELATION), ROOTS[token]))
                i += 1
            elif token == "^":
                items.append(Raised(items.pop(), argument(RELATION)))
                i += 1
            elif token in POWERS:
                items.append(Raised(items.pop(), Digits(POWERS[token])))
            elif token.isdigit():
                items.append(Digits(token))
            else:
                items.append(_word(token) if token[0].isalpha() else Sign(token, tight=token == "¬"))
        return items, i


BRACKETS = {"(": ")", "|": "|", "⌊": "⌋", "⌈": "⌉"}
ROOTS = {"√": 2, "∛": 3}
POWERS = {"²": "2", "⁻¹": "−1"}


def _number(value: Any) -> tuple[Layout, int]:
    text, _ = literal(value)
    text = {"np.inf": "∞", "-np.inf": "-∞", "np.nan": "NaN"}.get(text, text)
    mantissa, _, exponent = text.lstrip("-").partition("e")
    layout: Layout = Digits(mantissa)
    if exponent:
        layout = Row((Digits(mantissa), Times(dot=True), Raised(Digits("10"), Digits(str(int(exponent)).replace("-", "−")))))
    if text.startswith("-"):
        return Row((Sign("−", tight=True), layout)), SUM
    return layout, PRODUCT if exponent else ATOM


def _word(text: str) -> Layout:
    below = text.lstrip("".join(c for c in text if c not in "₀₁₂₃₄₅₆₇₈₉"))
    if not below:
        return Word(text)
    return Lowered(Word(text.removesuffix(below)), Digits(below.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))))


def _list(items: Sequence[Layout]) -> Layout:
    row: list[Layout] = []
    for item in items:
        row += [Sign(","), item] if row else [item]
    return Row(tuple(row))


def _indexed(layout: Layout, shape: tuple[int, ...], index: tuple[str, ...] | None) -> Layout:
    """A value with the index of each of its axes that has more than one entry."""
    if index is None or not shape:
        return layout
    own = [letter for letter, size in zip(index[-len(shape) :], shape, strict=True) if size != 1]
    return _lowered(layout, ",".join(own)) if own else layout


def _lowered(layout: Layout, index: str) -> Layout:
    """A layout with an index, which a partial derivative passes on to what it is taken by."""
    if isinstance(layout, Symbol):
        return Symbol(layout.text, f"{layout.below},{index}" if layout.below else index)
    if isinstance(layout, Fraction) and isinstance(layout.bottom, Row) and isinstance(layout.bottom.items[-1], Symbol):
        *before, last = layout.bottom.items
        return Fraction(layout.top, Row((*before, _lowered(last, index))))
    return Lowered(layout, Symbol(index))


# Arithmetic


def _sum(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    left = self._inside(x.inputs[0], SUM, index)
    right = self._inside(x.inputs[1], BIG, index)
    return Row((left, Sign("+" if x.op is ops.add else "−"), right)), SUM


def _negative(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    return Row((Sign("−", tight=True), self._inside(x.inputs[0], BIG, index))), SUM


def _unsigned(x: Expression) -> tuple[bool, Expression]:
    """Whether the leading factor has a sign, and the expression without it."""
    if isinstance(x, Number) and not isinstance(x.value, bool) and x.value < 0:
        return True, Number(-x.value)
    if isinstance(x, Apply) and x.op is ops.negative:
        return True, x.inputs[0]
    if isinstance(x, Apply) and x.op in (ops.multiply, ops.divide, ops.matmul):
        signed, first = _unsigned(x.inputs[0])
        return signed, Apply(x.op, (first, *x.inputs[1:]), x.params, x.shape, x.kind, x.size) if signed else x
    return False, x


def _product(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    signed, bare = _unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), self._inside(bare, BIG, index))), SUM
    if index is not None and x.op is ops.matmul and x.shape:
        inner = Fence("(", self._inside(x, RELATION, None), ")")
        return _indexed(inner, x.shape, index), ATOM
    inner_index = None if x.op is ops.matmul else index
    left, right = x.inputs
    factors = [self._inside(left, PRODUCT, inner_index), self._inside(right, BIG, inner_index)]
    arrays = bool(left.shape and right.shape) and index is None and x.op is ops.multiply
    between: Layout = Sign("⊙") if arrays else Times(dot=isinstance(right, Number) or _starts_with_digit(factors[1]))
    return Row((factors[0], between, factors[1])), PRODUCT


def _starts_with_digit(layout: Layout) -> bool:
    while isinstance(layout, Row | Raised | Lowered | Fraction):
        if isinstance(layout, Fraction):
            return False
        layout = layout.items[0] if isinstance(layout, Row) else layout.base
    return isinstance(layout, Digits)


def _quotient(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    signed, bare = _unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), self._inside(bare, BIG, index))), SUM
    top, bottom = (self._inside(i, SUM, index) for i in x.inputs)
    return Fraction(top, bottom), PRODUCT


def _power(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    base, exponent = x.inputs
    return Raised(self._inside(base, ATOM, index), self._inside(exponent, SUM, index)), PRODUCT


def _transposed(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    if x.params["axes"] is not None:
        return self._function(x, index)
    layout = Raised(self._inside(x.inputs[0], ATOM, None), Word("T"))
    return _indexed(layout, x.shape, index), PRODUCT


# Sums over axes


def _sum_over_axes(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    body = x.inputs[0]
    rank = len(body.shape)
    axis = x.params["axis"]
    axes = range(rank) if axis is None else [i % rank for i in (axis if isinstance(axis, tuple) else (axis,))]
    free = iter(letter for letter in INDICES if index is None or letter not in index)
    letters = [next(free) for _ in range(rank)]
    if index is not None:  # the axes that stay keep the index they have outside
        outer = list(index[-len(x.shape) :]) if x.shape else []
        staying = range(rank) if x.params["keepdims"] else [i for i in range(rank) if i not in axes]
        for place, letter in zip(staying, outer, strict=False):
            if place not in axes:
                letters[place] = letter
    summed = [letters[i] for i in axes]
    inner = self._inside(body, PRODUCT, tuple(letters)) if rank else self._inside(body, PRODUCT, None)
    if x.op is ops.sum:
        return Sigma(",".join(summed), None, inner), BIG
    sizes = [self.size(body.shape[i]) for i in axes]
    bottom = sizes[0] if len(sizes) == 1 else Row(tuple(item for size in sizes for item in (Times(), size))[1:])
    top = sizes[0] if len(sizes) == 1 else None
    whole = Row((Fraction(Digits("1"), bottom), Times(), Sigma(",".join(summed), top, inner)))
    return (whole, BIG) if sizes else (inner, PRODUCT)


def _counted(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    shape, axis = x.inputs[0].shape, x.params["axis"]
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    letters = [self.size(shape[i]) for i in axes]
    if len(letters) == 1:
        return letters[0], ATOM
    return Row(tuple(item for letter in letters for item in (Times(), letter))[1:] or (Digits("1"),)), PRODUCT


# Arrays


def _repeated(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    value = x.inputs[0]
    if not isinstance(value, Number):
        return self._layout(value, index)
    like = x.inputs[1]
    ones: Layout = Word("0" if value.value == 0 else "1")
    if isinstance(like, Name):
        ones = Lowered(ones, self.name(like.node))
    if value.value in (0, 1):
        return ones, ATOM
    return Row((_number(value.value)[0], Times(), ones)), PRODUCT if value.value > 0 else SUM


def _first(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    return self._layout(x.inputs[0], index)


def _element(self: Notation, x: Apply, index: tuple[str, ...] | None) -> tuple[Layout, int]:
    array, *arrays = x.inputs
    rest = iter(arrays)
    parts = [self._layout(next(rest), None)[0] if part is ARRAY else _subscript(part) for part in x.params["template"]]
    layout = Lowered(self._inside(array, ATOM, None), _list(parts))
    return _indexed(layout, x.shape, index), ATOM


def _subscript(part: Any) -> Layout:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end).replace("-", "−") for end in (part.start, part.stop, part.step)]
        return Word(":".join(ends if ends[2] else ends[:2]))
    return Word("…" if part is Ellipsis else str(part).replace("-", "−"))


Form: TypeAlias = Callable[[Notation, Apply, tuple[str, ...] | None], tuple[Layout, int]]
FORMS: Mapping[Op, Form] = {
    ops.add: _sum,
    ops.subtract: _sum,
    ops.negative: _negative,
    ops.multiply: _product,
    ops.matmul: _product,
    ops.divide: _quotient,
    ops.power: _power,
    ops.transpose: _transposed,
    ops.sum: _sum_over_axes,
    ops.mean: _sum_over_axes,
    ops.count: _counted,
    ops.broadcast_like: _repeated,
    ops.cast_like: _first,
    ops.cast: _first,
    ops.index: _element,
}
