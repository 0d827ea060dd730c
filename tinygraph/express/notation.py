"""An expression as mathematics: from ops to a layout.

`a * b / c` becomes a fraction, `X.T @ dz` a product with a transpose. What is multiplied entry by entry shows as ⊙ where both
sides are arrays, a comparison used as a number stands in brackets. An expression that sums over some of the axes of an array is
told entry by entry, so that each index shows: a_j = Σ_i X_ij.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tinygraph import ops
from tinygraph.express.expression import Apply, Expression, Name, Number, Shape
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
    is_stacked,
    lowered,
    symbol,
)
from tinygraph.express.python import constant, literal
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Op

__all__ = [  # the layouts too, for those who print them
    "Cases", "Digits", "Fence", "Fraction", "Layout", "Lowered", "Notation", "Raised", "Root", "Row", "Sigma", "Sign", "Symbol",
    "Times", "Word", "symbol",
]  # fmt: skip

# How tightly mathematics binds. BIG is a Σ, which swallows the product behind it; ENTRYWISE is ⊙, below the matrix product.
CASES, RELATION, SUM, BIG, ENTRYWISE, PRODUCT, ATOM = range(7)

Index: TypeAlias = tuple[str, ...]  # a letter for each axis, "" for one of size 1
Told: TypeAlias = tuple[Layout, int]  # a layout and how tightly it binds

RELATIONS = {
    ops.greater: ">", ops.greater_equal: "≥", ops.less: "<", ops.less_equal: "≤", ops.equal: "=", ops.not_equal: "≠",
}  # fmt: skip
INDICES = "ijklpqrs"
SIZES = "mnkpqrstuvw"


class Notation:
    """How the values of one program are written: `name` gives each node's variable, sizes get letters as they come up."""

    def __init__(self, name: Callable[[Node], Layout], taken: Sequence[str] = ()) -> None:
        self.name = name
        self._size_letters = [letter for letter in SIZES if letter not in taken]
        self._index_letters = [letter for letter in INDICES if letter not in taken]
        self.sizes: dict[int, Layout] = {}

    def layout(self, expression: Expression) -> Layout:
        """The expression as mathematics."""
        return self.entrywise(expression)[1]

    def entrywise(self, expression: Expression) -> tuple[str, Layout]:
        """The expression as mathematics, and the index of the entry that it tells; "" where it tells the whole array."""
        index = self._own_index(expression) if _needs_index(expression) else None
        layout, binds = self.told(expression, index)
        return ",".join(filter(None, index or ())), Fence("[", layout, "]") if binds == RELATION else layout

    def size(self, size: int) -> Layout:
        """The letter that stands for a number of entries."""
        if size <= 1:
            return Digits(str(size))
        if size not in self.sizes:
            self.sizes[size] = Symbol(self._size_letters.pop(0)) if self._size_letters else Digits(str(size))
        return self.sizes[size]

    def fresh(self, used: Sequence[str]) -> Iterator[str]:
        """Letters for indices that nothing else is called."""
        primed = (f"{letter}{'′' * n}" for n in itertools.count(1) for letter in INDICES)
        return (letter for letter in itertools.chain(self._index_letters, primed) if letter not in used)

    def _own_index(self, x: Expression) -> Index:
        """The letters of an expression's axes: i, j, ... from the left in the largest array that it sums over."""
        body, axes = next(_summed(x), (x.shape, []))
        letters = list(itertools.islice(self.fresh(()), max(len(body), len(x.shape))))
        staying = [letter for i, letter in enumerate(letters) if i not in axes]
        own = staying if len(staying) == len(x.shape) else letters[len(letters) - len(x.shape) :]
        return tuple("" if size == 1 else letter for letter, size in zip(own, x.shape, strict=True))

    def told(self, x: Expression, index: Index | None) -> Told:
        """The layout and how tightly it binds: of the whole array, or of the entry at `index`."""
        if isinstance(x, Number):
            return _number(x.value)
        if isinstance(x, Name):
            return _indexed(self.name(x.node), x.shape, index), ATOM
        if x.op in FORMS:
            return FORMS[x.op](self, x, index)
        if x.op in RELATIONS:
            left, right = (self.inside(i, SUM, index) for i in x.inputs)
            return Row((left, Sign(RELATIONS[x.op]), right)), RELATION
        return self.function(x, index)

    def inside(self, x: Expression, least: int, index: Index | None) -> Layout:
        """An operand, in brackets where it binds less tightly than `least`."""
        return _fenced(self.told(x, index), least)

    def function(self, x: Apply, index: Index | None) -> Told:
        """An op by its name, or in the form that its declaration gives; one entry of the whole where it mixes entries."""
        if index is not None and not x.op.elementwise:
            whole, binds = self.function(x, None)
            return (_indexed(Fence("(", whole, ")"), x.shape, index), ATOM) if _several(x.shape) else (whole, binds)
        if x.inputs and x.op.notation.count("{}") == len(x.inputs):
            return self._template(x.op.notation, x, index)
        name = x.op.name if "{}" in x.op.notation else x.op.notation
        arguments = [self.told(i, index)[0] for i in x.inputs]
        arguments += [Row((Word(key), Sign("="), _metadata(value))) for key, value in _given(x)]
        return Row((_word(name), Fence("(", _list(arguments), ")"))), ATOM

    def _template(self, notation: str, x: Apply, index: Index | None) -> Told:
        rest = iter(x.inputs)
        tokens = re.findall(r"\{\}|[^\W\d_]+[₀-₉]*|\d+|⁻¹|\S", notation)

        items, _ = _read(tokens, 0, lambda least: self.inside(next(rest), least, index))
        given = [Row((Word(key), Sign("="), _metadata(value))) for key, value in _given(x)]
        if given and isinstance(last := items[-1], Fence):
            items[-1] = Fence("(", _list([last.body, *given]), ")")
        elif given:
            items.append(Fence("(", _list(given), ")"))
        if len(items) == 1:
            return items[0], PRODUCT if isinstance(items[0], Raised) else ATOM
        return Row(tuple(items)), ATOM if notation[0].isalpha() else SUM


def _read(tokens: Sequence[str], i: int, argument: Callable[[int], Layout], close: str = "") -> tuple[list[Layout], int]:
    """Read the form of an op up to its closing bracket; `argument` gives the next operand."""
    items: list[Layout] = []
    while i < len(tokens) and tokens[i] != close:
        token = tokens[i]
        i += 1
        if token == "{}":
            alone = bool(close) or (i < len(tokens) and tokens[i] == ",")
            items.append(argument(RELATION if alone else ATOM))
        elif token in BRACKETS and BRACKETS[token] in tokens[i:]:
            inner, i = _read(tokens, i, argument, BRACKETS[token])
            i += 1
            items.append(Fence(token, Row(tuple(inner)) if len(inner) != 1 else inner[0], BRACKETS[token]))
        elif token in ROOTS and tokens[i : i + 1] == ["{}"]:
            items.append(Root(argument(RELATION), ROOTS[token]))
            i += 1
        elif token == "^" and items and tokens[i : i + 1] == ["{}"]:
            items.append(Raised(items.pop(), argument(RELATION)))
            i += 1
        elif token in POWERS and items:
            items.append(Raised(_raisable(items.pop()), Digits(POWERS[token])))
        elif token.isdigit():
            items.append(Digits(token))
        else:
            items.append(_word(token) if token[0].isalpha() else Sign(token, tight=True))
    return items, i


BRACKETS = {"(": ")", "|": "|", "⌊": "⌋", "⌈": "⌉"}
ROOTS = {"√": 2, "∛": 3}
POWERS = {"²": "2", "⁻¹": "−1"}


def _number(value: Any) -> Told:
    text, _ = literal(value)
    if text in ("True", "False"):
        return Word(text), ATOM
    if text == repr(math.pi):
        return Symbol("π"), ATOM
    text = {"np.inf": "∞", "-np.inf": "-∞", "np.nan": "NaN"}.get(text, text)
    mantissa, _, exponent = text.lstrip("-").partition("e")
    layout: Layout = Digits(mantissa.removesuffix(".0"))
    if exponent:
        power = Raised(Digits("10"), Digits(str(int(exponent)).replace("-", "−")))
        layout = power if mantissa == "1" else Row((layout, Times(dot=True), power))
    if text.startswith("-"):
        return Row((Sign("−", tight=True), layout)), SUM
    return layout, PRODUCT if exponent else ATOM


def _metadata(value: Any) -> Layout:
    """Metadata such as an axis."""
    text = value if isinstance(value, str) and value else constant(value)
    return Digits(text.replace("-", "−")) if re.fullmatch(r"-?[\d.]+", text) else Word(text)


def _given(x: Apply) -> Iterator[tuple[str, Any]]:
    """The metadata of an op that is not what it is by default."""
    return ((key, value) for key, value in x.params.items() if value is not None and x.op.defaults.get(key) != value)


SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def _word(text: str) -> Layout:
    name = text.rstrip("₀₁₂₃₄₅₆₇₈₉")
    return Word(text) if name in ("", text) else Lowered(Word(name), Digits(text.removeprefix(name).translate(SUBSCRIPTS)))


def _list(items: Sequence[Layout]) -> Layout:
    row: list[Layout] = []
    for item in items:
        row += [Sign(","), item] if row else [item]
    return Row(tuple(row))


def _fenced(told: Told, least: int) -> Layout:
    layout, binds = told
    if binds >= least:
        return layout
    return Fence("[", layout, "]") if binds == RELATION else Fence("(", layout, ")")


def _raisable(layout: Layout) -> Layout:
    """What an exponent may stand on: a partial derivative needs parentheses, and so does a root."""
    return Fence("(", layout, ")") if isinstance(layout, Fraction | Root) else layout


# Entry by entry


def _several(shape: Shape) -> bool:
    return any(size != 1 for size in shape)


def _indexed(layout: Layout, shape: Shape, index: Index | None) -> Layout:
    """A value with the index of each of its axes that has more than one entry."""
    if index is None or not shape:
        return layout
    return lowered(layout, ",".join(letter for letter, size in zip(index[-len(shape) :], shape, strict=True) if size != 1))


def _needs_index(x: Expression) -> bool:
    """Whether an array must be told entry by entry: where axes are summed, added, or matched with some of another array's."""
    if not isinstance(x, Apply) or not _several(x.shape):
        return False
    if x.op in BY_ENTRY and not (x.op is ops.where and any(isinstance(i, Number) and i.value == 0 for i in x.inputs[1:])):
        return "." not in x.params.get("subscripts", "")
    if x.op in MATCHED and len({i.shape for i in x.inputs if _several(i.shape)}) > 1:
        return True
    if x.op is ops.broadcast_like:
        return _several(x.inputs[0].shape)
    return (x.op.elementwise or x.op in TRANSPARENT) and any(map(_needs_index, x.inputs))


def _summed(x: Expression) -> Iterator[tuple[Shape, list[int]]]:
    """The shapes that an expression sums over, with the axes that go."""
    if isinstance(x, Apply) and x.op in REDUCTIONS and _several(x.shape) and not x.params["keepdims"]:
        yield x.inputs[0].shape, _axes(x)
    if isinstance(x, Apply) and x.op.elementwise:
        for i in x.inputs:
            yield from _summed(i)


def _axes(x: Apply) -> list[int]:
    """The axes of its first input that an op works along."""
    rank, axis = len(x.inputs[0].shape), x.params["axis"]
    return [i % rank for i in (range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,))]


# Arithmetic


def _sum(self: Notation, x: Apply, index: Index | None) -> Told:
    left, right = x.inputs
    if isinstance(right, Number) and right.value == 0 and isinstance(left, Apply) and left.op is ops.count:
        return self.told(left, index)  # n - 0, as the variance divides by
    sign = Sign("+" if x.op is ops.add else "−")
    return Row((self.inside(left, SUM, index), sign, self.inside(right, BIG, index))), SUM


def _negative(self: Notation, x: Apply, index: Index | None) -> Told:
    return Row((Sign("−", tight=True), self.inside(x.inputs[0], BIG, index))), SUM


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


class Factor(NamedTuple):
    """One of the factors of a product, how tightly it binds, and whether it is an array."""

    layout: Layout
    binds: int
    array: bool


def _product(self: Notation, x: Apply, index: Index | None) -> Told:
    signed, bare = _unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), self.inside(bare, BIG, index))), SUM
    return _joined(_factors(self, x, index))


def _factors(self: Notation, x: Expression, index: Index | None) -> list[Factor]:
    """A product as its factors, of which some are fractions."""
    if isinstance(x, Apply) and x.op is ops.multiply:
        return _with_number_on_top([factor for i in x.inputs for factor in _factors(self, i, index)])
    if isinstance(x, Apply) and x.op is ops.divide and not _unsigned(x)[0]:
        return _divided(self, x, index)
    if isinstance(x, Apply) and x.op is ops.expand_dims and index is not None:
        return _factors(self, x.inputs[0], _without_new_axes(x, index))
    layout, binds = self.told(x, index)
    if isinstance(x, Apply) and x.op is ops.matmul and not x.shape:
        binds = BIG  # what follows would be read as a part of it
    return [Factor(layout, binds, index is None and _several(x.shape))]


def _with_number_on_top(factors: list[Factor]) -> list[Factor]:
    """2 · 1/n is 2/n, and a leading 1 says nothing."""
    if len(factors) > 1 and isinstance(number := factors[0].layout, Digits):
        if number.text == "1":
            return factors[1:]
        fraction = factors[1].layout
        if isinstance(fraction, Fraction) and fraction.top == Digits("1"):
            return [factors[1]._replace(layout=Fraction(number, fraction.bottom)), *factors[2:]]
    return factors


def _divided(self: Notation, x: Expression, index: Index | None) -> list[Factor]:
    """The factors of a quotient: what is a fraction or a sum of them itself stands in front of it, or behind 1/b."""
    below: list[Factor] = []
    array = index is None and _several(x.shape)
    while isinstance(x, Apply) and x.op is ops.divide:
        below = _factors(self, x.inputs[1], index) + below
        x = x.inputs[0]
    factors = _factors(self, x, index)
    bottom = _joined(sorted(below, key=lambda f: not isinstance(f.layout, Digits)))[0]
    tall = [f for f in factors if is_stacked(f.layout)]
    flat = [f for f in factors if not is_stacked(f.layout)]
    fraction = Factor(Fraction(_joined(flat)[0] if flat else Digits("1"), bottom), PRODUCT, array and len(tall) < len(factors))
    if all(isinstance(f.layout, Digits) for f in flat):
        return [Factor(fraction.layout, PRODUCT, any(f.array for f in below)), *tall]
    return [*tall, fraction]


def _joined(factors: Sequence[Factor]) -> Told:
    """Factors as a product."""
    if len(factors) == 1:
        return factors[0].layout, factors[0].binds
    items: list[Layout] = []
    binds = PRODUCT
    for i, factor in enumerate(factors):
        last = i == len(factors) - 1
        layout = _fenced((factor.layout, factor.binds), BIG if last else ENTRYWISE)
        if i:
            entrywise = factor.array and any(before.array for before in factors[:i])
            items.append(Sign("⊙") if entrywise else Times(dot=_starts_with_digit(layout)))
            binds = ENTRYWISE if entrywise else binds
        items.append(layout)
    return Row(tuple(items)), min(binds, BIG if factors[-1].binds == BIG and isinstance(items[-1], Sigma | Row) else binds)


def _starts_with_digit(layout: Layout) -> bool:
    while isinstance(layout, Row | Raised | Lowered):
        layout = layout.items[0] if isinstance(layout, Row) else layout.base
    return isinstance(layout, Digits)


def _matrix_product(self: Notation, x: Apply, index: Index | None) -> Told:
    signed, bare = _unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), self.inside(bare, BIG, index))), SUM
    if index is not None and _several(x.shape):
        return _indexed(Fence("(", self.inside(x, RELATION, None), ")"), x.shape, index), ATOM
    left, right = x.inputs
    rows = len(left.shape) == 1 and not _is_row(left)
    first = Raised(_raisable(self.inside(left, ATOM, None)), Word("T")) if rows else self.inside(left, PRODUCT, None)
    second = self.inside(right, PRODUCT, None)
    if _is_row(right):
        second = Raised(Fence("(", second, ")"), Word("T"))
    return Row((first, Times(), second)), PRODUCT


def _is_row(x: Expression) -> bool:
    """Whether a vector comes out lying, as x⊤A does."""
    return isinstance(x, Apply) and x.op is ops.matmul and len(x.shape) == len(x.inputs[0].shape) == 1


def _power(self: Notation, x: Apply, index: Index | None) -> Told:
    base, exponent = x.inputs
    return _raised(self, base, self.inside(exponent, SUM, index), index), PRODUCT


def _raised(self: Notation, base: Expression, above: Layout, index: Index | None) -> Layout:
    """A power; of a matrix it is entry by entry, which a plain exponent would not say."""
    if index is None and len(base.shape) > 1:
        above = Row((Sign("⊙", tight=True), above))
    return Raised(_raisable(self.inside(base, ATOM, index)), above)


def _squared(self: Notation, x: Apply, index: Index | None) -> Told:
    return _raised(self, x.inputs[0], Digits("2"), index), PRODUCT


def _reciprocal(self: Notation, x: Apply, index: Index | None) -> Told:
    return Fraction(Digits("1"), self.inside(x.inputs[0], SUM, index)), PRODUCT


def _floored(self: Notation, x: Apply, index: Index | None) -> Told:
    return Fence("⌊", Fraction(*(self.inside(i, SUM, index) for i in x.inputs)), "⌋"), ATOM


def _transposed(self: Notation, x: Apply, index: Index | None) -> Told:
    body, axes = x.inputs[0], x.params["axes"]
    rank = len(body.shape)
    order = [i % rank for i in axes] if axes is not None else list(range(rank))[::-1]
    if index is not None and rank:
        letters = [""] * rank
        for place, letter in zip(order, index[-rank:], strict=True):
            letters[place] = letter
        return self.told(body, tuple(letters))
    if rank < 2:
        return self.told(body, index)
    if order != [*range(rank - 2), rank - 1, rank - 2]:
        return self.function(x, index)
    if isinstance(body, Apply) and body.op is ops.transpose and axes is None and body.params["axes"] is None:
        return self.told(body.inputs[0], index)
    return Raised(_raisable(self.inside(body, ATOM, None)), Word("T")), PRODUCT


def _logical(self: Notation, x: Apply, index: Index | None) -> Told:
    sign = Sign("∧" if x.op is ops.logical_and else "∨")
    left, right = (self.told(i, index) for i in x.inputs)
    operands = [
        layout if _is_plain(i) else Fence("(", layout, ")") for i, (layout, _) in zip(x.inputs, (left, right), strict=True)
    ]
    return Row((operands[0], sign, operands[1])), RELATION


def _is_plain(x: Expression) -> bool:
    return not isinstance(x, Apply) or x.op in RELATIONS or x.op is ops.logical_not


def _chosen(self: Notation, x: Apply, index: Index | None) -> Told:
    condition, yes, no = (self.told(i, index)[0] for i in x.inputs)
    for value, other, negated in ((x.inputs[1], no, False), (x.inputs[2], yes, True)):
        if other == Digits("0"):
            mask = Factor(_mask(self, x.inputs[0], index, negated), ATOM, index is None and _several(x.shape))
            return _joined([*_factors(self, value, index), mask])
    line = (Word("where"), Fence("(", _list([condition, yes, no]), ")"))
    return Cases(line, ((yes, Row((Word("if"), condition))), (no, Word("otherwise")))), CASES


NEGATED = {">": "≤", "≥": "<", "<": "≥", "≤": ">", "=": "≠", "≠": "="}


def _mask(self: Notation, condition: Expression, index: Index | None, negated: bool) -> Layout:
    """A condition in brackets, which is 1 where it holds and 0 elsewhere, or the other way round."""
    layout, _ = self.told(condition, index)
    if negated and isinstance(condition, Apply) and condition.op in RELATIONS and isinstance(layout, Row):
        left, _, right = layout.items
        layout, negated = Row((left, Sign(NEGATED[RELATIONS[condition.op]]), right)), False
    mask = Fence("[", layout, "]")
    return Fence("(", Row((Digits("1"), Sign("−"), mask)), ")") if negated else mask


# Sums over axes


def _reduced(self: Notation, x: Apply, index: Index | None) -> Told:
    """A sum, mean, product, greatest or smallest entry over axes, with the index of what it runs through."""
    signed, body = _unsigned(x.inputs[0]) if x.op in (ops.sum, ops.mean) else (False, x.inputs[0])
    axes = _axes(x)
    letters = _letters(self, x, axes, index)
    running = [letters[i] for i in axes if letters[i]]
    if not running:
        whole = self.told(x.inputs[0], letters)
    else:
        told = self.told(body, letters)
        whole = REDUCTIONS[x.op](self, running, [body.shape[i] for i in axes if letters[i]], told)
        whole = (Row((Sign("−", tight=True), whole[0])), SUM) if signed else whole
    if index is None and _several(x.shape):  # inside something that takes the whole array
        rest = ",".join(letter for i, letter in enumerate(letters) if letter and i not in axes)
        return lowered(Fence("(", whole[0], ")"), rest), ATOM
    return whole


def _letters(self: Notation, x: Apply, axes: Sequence[int], index: Index | None) -> Index:
    """The index inside of a reduction: that of the outside on the axes that stay, new letters on those that go."""
    shape = x.inputs[0].shape
    letters = [""] * len(shape)
    if index is not None and x.shape:
        staying = range(len(shape)) if x.params["keepdims"] else [i for i in range(len(shape)) if i not in axes]
        for i, letter in zip(staying, index[-len(x.shape) :], strict=True):
            letters[i] = "" if i in axes else letter
    fresh = self.fresh(index or ())
    return tuple(letter or ("" if size == 1 else next(fresh)) for letter, size in zip(letters, shape, strict=True))


Reduction: TypeAlias = Callable[[Notation, list[str], list[int], Told], Told]


def _summation(self: Notation, running: list[str], sizes: list[int], body: Told) -> Told:
    return Sigma(",".join(running), None, _fenced(body, BIG)), BIG


def _mean(self: Notation, running: list[str], sizes: list[int], body: Told) -> Told:
    counts = [self.size(size) for size in sizes]
    top = counts[0] if len(counts) == 1 else None
    return Row((Fraction(Digits("1"), _multiplied(counts)), Times(), Sigma(",".join(running), top, _fenced(body, BIG)))), BIG


def _big(sign: Layout) -> Reduction:
    """An operator with its index below it."""

    def reduce(self: Notation, running: list[str], sizes: list[int], body: Told) -> Told:
        return Row((lowered(sign, ",".join(running)), Times(), _fenced(body, PRODUCT))), BIG

    return reduce


def _log_sum_exp(self: Notation, running: list[str], sizes: list[int], body: Told) -> Told:
    terms = Row((Word("exp"), Fence("(", body[0], ")")))
    return Row((Word("ln"), Times(), Sigma(",".join(running), None, terms))), BIG


def _einsum(self: Notation, x: Apply, index: Index | None) -> Told:
    """A product of entries, summed over the letters that the result does not have."""
    operands, result = x.params["subscripts"].split("->")
    if "." in operands or (index is None and _several(x.shape)):
        return self.function(x, index)
    terms = operands.split(",")
    sizes = {letter: size for term, i in zip(terms, x.inputs, strict=True) for letter, size in zip(term, i.shape, strict=True)}
    letters = dict(zip(result, index[-len(result) :], strict=True)) if index is not None and result else {}
    fresh = self.fresh(index or ())
    letters |= {letter: "" if size == 1 else next(fresh) for letter, size in sizes.items() if letter not in letters}
    told = [self.told(i, tuple(letters[letter] for letter in term)) for term, i in zip(terms, x.inputs, strict=True)]
    body = _joined([Factor(layout, binds, False) for layout, binds in told])
    running = [letters[letter] for letter in sizes if letter not in result and letters[letter]]
    return _summation(self, running, [], body) if running else body


def _counted(self: Notation, x: Apply, index: Index | None) -> Told:
    sizes = [size for i in _axes(x) if (size := x.inputs[0].shape[i]) != 1]
    return _multiplied([self.size(size) for size in sizes]), ATOM if len(sizes) < 2 else PRODUCT


def _multiplied(sizes: Sequence[Layout]) -> Layout:
    if len(sizes) == 1:
        return sizes[0]
    return Row(tuple(item for size in sizes for item in (Times(), size))[1:] or (Digits("1"),))


# Arrays


def _repeated(self: Notation, x: Apply, index: Index | None) -> Told:
    """A value in the shape of another one: a number, times an array of ones where no index tells that."""
    value, like = x.inputs
    if index is not None or _several(value.shape) or not _several(x.shape):
        return self.told(value, index)
    zero = isinstance(value, Number) and value.value == 0
    ones: Layout = Word("0" if zero else "1")
    if isinstance(like, Name):
        ones = Lowered(ones, self.name(like.node))
    if isinstance(value, Number) and value.value in (0, 1):
        return ones, ATOM
    return Row((self.inside(value, PRODUCT, None), Times(), ones)), PRODUCT


def _with_axes(self: Notation, x: Apply, index: Index | None) -> Told:
    """New axes of size 1 have no index."""
    if index is None:
        return self.function(x, index) if _several(x.shape) else self.told(x.inputs[0], None)
    return self.told(x.inputs[0], _without_new_axes(x, index))


def _without_new_axes(x: Apply, index: Index) -> Index:
    rank, axis = len(x.shape), x.params["axis"]
    new = {i % rank for i in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(letter for i, letter in enumerate(index[-rank:]) if i not in new)


def _first(self: Notation, x: Apply, index: Index | None) -> Told:
    return self.told(x.inputs[0], index)


def _solved(self: Notation, x: Apply, index: Index | None) -> Told:
    if index is not None and _several(x.shape):
        return _indexed(Fence("(", self.inside(x, RELATION, None), ")"), x.shape, index), ATOM
    inverse = Raised(_raisable(self.inside(x.inputs[0], ATOM, None)), Digits("−1"))
    return Row((inverse, Times(), self.inside(x.inputs[1], PRODUCT, None))), PRODUCT


def _element(self: Notation, x: Apply, index: Index | None) -> Told:
    """An element or a part in the brackets of code, which count from 0; an index of mathematics counts from 1."""
    part = _part(self, x.params["template"], x.inputs[1:])
    return _indexed(Row((_raisable(self.inside(x.inputs[0], ATOM, None)), part)), x.shape, index), ATOM


def _scattered(self: Notation, x: Apply, index: Index | None) -> Told:
    """An array of zeros with a value put in: `scatter` with the part of the array that it goes to below."""
    value, like, *arrays = x.inputs
    place = Row((self.inside(like, ATOM, None), _part(self, x.params["template"], arrays)))
    whole = Row((Lowered(Word("scatter"), place), Fence("(", self.told(value, None)[0], ")")))
    return _indexed(whole, x.shape, index), ATOM


def _part(self: Notation, template: Sequence[Any], arrays: Sequence[Expression]) -> Layout:
    rest = iter(arrays)
    return Fence("[", _list([self.told(next(rest), None)[0] if part is ARRAY else _subscript(part) for part in template]), "]")


def _subscript(part: Any) -> Layout:
    if isinstance(part, slice):
        given = ["" if end is None else str(end).replace("-", "−") for end in (part.start, part.stop, part.step)]
        return Digits(":".join(given if given[2] else given[:2]))
    return Word("…") if part is Ellipsis else Word("new") if part is None else Digits(str(part).replace("-", "−"))


Form: TypeAlias = Callable[[Notation, Apply, Index | None], Told]
REDUCTIONS: Mapping[Op, Reduction] = {
    ops.sum: _summation,
    ops.mean: _mean,
    ops.logsumexp: _log_sum_exp,
    ops.max: _big(Word("max")),
    ops.min: _big(Word("min")),
    ops.prod: _big(Sign("∏", tight=True)),
}
TRANSPARENT = {ops.transpose, ops.cast, ops.cast_like}
BY_ENTRY = {*REDUCTIONS, ops.expand_dims, ops.einsum, ops.where}
MATCHED = {ops.multiply, ops.divide, ops.power}
FORMS: Mapping[Op, Form] = {
    **dict.fromkeys(REDUCTIONS, _reduced),
    ops.add: _sum,
    ops.subtract: _sum,
    ops.negative: _negative,
    ops.multiply: _product,
    ops.divide: _product,
    ops.matmul: _matrix_product,
    ops.power: _power,
    ops.square: _squared,
    ops.reciprocal: _reciprocal,
    ops.floor_divide: _floored,
    ops.transpose: _transposed,
    ops.logical_and: _logical,
    ops.logical_or: _logical,
    ops.where: _chosen,
    ops.einsum: _einsum,
    ops.solve: _solved,
    ops.count: _counted,
    ops.broadcast_like: _repeated,
    ops.expand_dims: _with_axes,
    ops.cast_like: _first,
    ops.cast: _first,
    ops.index: _element,
    ops.scatter_like: _scattered,
}
