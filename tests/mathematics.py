"""Printed mathematics read back: the items of a formula, as a typesetter places them, and what they amount to.

`reading_latex` and `reading_mathml` make the same items of the two languages. An array is taken as a whole (a vector is a
column), or entry by entry once its axes have letters; what stands side by side is a product, of matrices where both are arrays.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tinygraph.ops import ARRAY, REGISTRY, index, scatter_like


@dataclass(frozen=True)
class Letter:
    """A variable, with the words, numbers and letters below it."""

    text: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """An upright word: the name of a function, or metadata."""

    text: str


@dataclass(frozen=True)
class Number:
    """A number in digits."""

    text: str


@dataclass(frozen=True)
class Sign:
    """An operator, a relation, or a comma; `·` where a product is written."""

    text: str


@dataclass(frozen=True)
class Quotient:
    """One formula above another."""

    top: Items
    bottom: Items


@dataclass(frozen=True)
class Raised:
    """An exponent."""

    base: Item
    above: Items


@dataclass(frozen=True)
class Lowered:
    """What stands below anything but a variable, and above a sum."""

    base: Item
    below: Items
    above: Items = ()


@dataclass(frozen=True)
class Root:
    """The root of a degree."""

    body: Items
    degree: int


@dataclass(frozen=True)
class Group:
    """Something in brackets; without any where scripts belong to several items. `apart`: a product with what is before it."""

    bracket: str
    body: Items
    apart: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Cases:
    """Values with the condition of each, which is empty for the last."""

    rows: tuple[tuple[Items, Items], ...]


Item: TypeAlias = Letter | Word | Number | Sign | Quotient | Raised | Lowered | Root | Group | Cases
Items: TypeAlias = tuple[Item, ...]

RELATIONS: dict[str, Callable[..., Any]] = {
    "=": np.equal, "≠": np.not_equal, "<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal,
}  # fmt: skip
REDUCTIONS = {"max": np.max, "min": np.min, "∏": np.prod}
TRANSPOSE = (Sign("⊤"),)
PARTIAL = Sign("∂")


class UnknownError(Exception):
    """A name that has no value here, such as ∂a/∂z."""


class RangelessError(Exception):
    """A sum over what no letter inside it says the size of."""


@dataclass(frozen=True)
class Value:
    """An array as a whole, or with a letter for each axis; `lying` is a vector that is a row, and a `loose` array lost its axes
    of size 1, which letters do not show."""

    array: Any
    letters: tuple[str, ...] | None = None
    lying: bool = False
    loose: bool = False

    @property
    def is_single(self) -> bool:
        """Whether it is one number, in whatever shape."""
        return np.size(self.array) == 1 and not self.letters


def split(items: Items, sign: str) -> list[Items]:
    """The parts between the signs at the top level."""
    parts: list[list[Item]] = [[]]
    for item in items:
        if item == Sign(sign):
            parts.append([])
        else:
            parts[-1].append(item)
    return [tuple(part) for part in parts]


def is_partial(item: Item) -> bool:
    """Whether an item is a partial derivative, in the notation of a quotient."""
    if not isinstance(item, Quotient):
        return False
    first = item.top[0]
    return PARTIAL in (first, first.base if isinstance(first, Raised) else None)


class Reader:
    """Evaluates formulas over the values of variables and of partial derivatives, under the items that they print as."""

    def __init__(self, values: Mapping[Item, Any], sizes: Mapping[Item, int]) -> None:
        self.values = values
        self.sizes = sizes
        self.scope: list[str] = []  # the letters that stand for an axis

    def variable(self, items: Items) -> tuple[Item, tuple[str, ...]]:
        """What the left-hand side of an equation is called, and the letters of the entry that it is written for."""
        (item,) = items
        for name, letters in _names(item):
            if name in self.values and len(letters) in (0, len(_long(self.values[name]))):
                return name, letters
        raise UnknownError(item)

    def amount(self, items: Items, letters: Sequence[str] = ()) -> Any:
        """What a formula amounts to: a whole array, or its entries along axes in the order of the letters."""
        self.scope = list(letters)
        value = _Formula(self, items).whole()
        if not letters:
            assert not value.letters, f"{value.letters} are bound by nothing"
            return value.array
        assert value.letters or value.is_single, "a whole array is no entry"
        return _aligned(value, letters)


def _long(array: Any) -> tuple[int, ...]:
    """The sizes other than 1, which have a letter each."""
    return tuple(size for size in np.shape(array) if size != 1)


def _names(item: Item) -> Iterator[tuple[Item, tuple[str, ...]]]:
    """The names that an item may be, each with the letters of an entry that are left: the longest name first."""
    if isinstance(item, Letter):
        for i in range(len(item.below), -1, -1):
            yield Letter(item.text, item.below[:i]), item.below[i:]
    elif isinstance(item, Lowered):
        yield item.base, tuple(x.text for x in item.below if isinstance(x, Letter))
    elif isinstance(item, Quotient):
        yield item, ()
        *before, last = item.bottom
        if isinstance(last, Letter):
            for name, letters in _names(last):
                yield Quotient(item.top, (*before, name)), letters
    elif isinstance(item, Group) and not item.bracket and len(item.body) == 1:
        yield from _names(item.body[0])


def _aligned(value: Value, letters: Sequence[str]) -> Any:
    """The array with an axis for each of the letters, of size 1 where it has none."""
    if not value.letters:
        return np.reshape(value.array, ()) if value.is_single else value.array
    own = [letter for letter in letters if letter in value.letters]
    assert set(own) == set(value.letters), f"{value.letters} among {letters}"
    array = np.transpose(value.array, [value.letters.index(letter) for letter in own])
    return np.expand_dims(array, tuple(i for i, letter in enumerate(letters) if letter not in own))


def by_entry(function: Callable[..., Any], *values: Value) -> Value:
    """A function of numbers, entry by entry."""
    letters = tuple(dict.fromkeys(letter for value in values for letter in value.letters or ()))
    if not letters:
        firm = max((np.shape(value.array) for value in values if not value.loose), key=len, default=())
        arrays = [_in_shape(value.array, firm) if value.loose else value.array for value in values]
        return Value(function(*arrays), loose=all(value.loose or not np.ndim(value.array) for value in values))
    assert all(value.letters or value.is_single for value in values), "a whole array beside an entry"
    return Value(function(*(_aligned(value, letters) for value in values)), letters)


def _in_shape(array: Any, shape: tuple[int, ...]) -> Any:
    """The array with the axes of size 1 that a shape has, which mathematics does not see."""
    return np.reshape(array, shape) if np.ndim(array) and _long(array) == tuple(n for n in shape if n != 1) else array


def beside(left: Value, right: Value) -> Value:
    """What two factors side by side amount to."""
    vectors = not left.letters and not right.letters and np.ndim(left.array) == np.ndim(right.array) == 1
    if vectors and right.lying:
        return Value(np.outer(left.array, right.array))
    if left.letters or right.letters or left.is_single or right.is_single:
        product = by_entry(_times, left, right)
        return Value(product.array, product.letters, left.lying or right.lying, product.loose)
    if vectors:
        assert left.lying, "two columns side by side"
        return Value(np.dot(left.array, right.array))
    return Value(np.matmul(left.array, right.array), None, left.lying)


def _times(x: Any, y: Any) -> Any:
    return _number(x) * _number(y)


def _number(x: Any) -> Any:
    """A condition as 1 where it holds and 0 elsewhere."""
    return np.asarray(x, np.int64)[()] if np.asarray(x).dtype == bool else x


def _called(name: str, arguments: list[Value], metadata: dict[str, Any]) -> Value:
    """A function by its name, in which an op that is written so computes."""
    if name == "CE":  # behind a softmax
        probabilities, labels = (value.array for value in arguments)
        return Value(_cross_entropy(probabilities, labels, **metadata))
    known = [op for op in REGISTRY.values() if op.built_in and name in (op.notation, op.name)]
    if not known and name == "BCE":
        known = [REGISTRY["binary_cross_entropy"]]
    assert known, f"no function is called {name}"
    op = known[0]
    if op.elementwise:
        return by_entry(lambda *arrays: op(*map(_number, arrays), **metadata), *arguments)
    assert not any(value.letters for value in arguments), f"{name} of an entry"
    least = int(name in ("concatenate", "on_diagonal_like") or "axis" in metadata)  # a number is an array of one entry
    return Value(op(*(np.array(value.array, ndmin=least)[()] for value in arguments), **metadata))


def _cross_entropy(probabilities: Any, labels: Any, reduction: str = "mean") -> Any:
    if np.asarray(labels).dtype.kind != "f" or np.ndim(labels) < np.ndim(probabilities):
        labels = np.eye(probabilities.shape[-1])[np.asarray(labels, int)]
    losses = -np.sum(labels * np.log(probabilities), axis=-1)
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](losses)


class _Formula:
    """A formula on its way from left to right: relations, sums, entrywise products, products, factors."""

    def __init__(self, reader: Reader, items: Items) -> None:
        self.reader = reader
        self.items = items
        self.at = 0

    def inner(self, items: Items) -> Value:
        return _Formula(self.reader, items).whole()

    def whole(self) -> Value:
        value = self.logical()
        assert self.at == len(self.items), f"what is {self.items[self.at :]}?"
        return value

    def peek(self) -> Item | None:
        return self.items[self.at] if self.at < len(self.items) else None

    def take(self, *signs: str) -> str | None:
        item = self.peek()
        if isinstance(item, Sign) and item.text in signs:
            self.at += 1
            return item.text
        return None

    def logical(self) -> Value:
        value = self.relation()
        while sign := self.take("∧", "∨"):
            value = by_entry(np.logical_and if sign == "∧" else np.logical_or, value, self.relation())
        return value

    def relation(self) -> Value:
        value = self.sum()
        while sign := self.take(*RELATIONS):
            value = by_entry(RELATIONS[sign], value, self.sum())
        return value

    def sum(self) -> Value:
        sign = self.take("−", "+")
        value = self.entrywise()
        if sign == "−":
            value = by_entry(lambda x: -_number(x), value)
        while sign := self.take("+", "−"):
            add: Callable[..., Any] = np.add if sign == "+" else np.subtract
            value = by_entry(lambda x, y, add=add: add(_number(x), _number(y)), value, self.entrywise())
        return value

    def entrywise(self) -> Value:
        value = self.product()
        while self.take("⊙"):
            value = by_entry(_times, value, self.product())
        return value

    def product(self) -> Value:
        value = self.factor()
        while True:
            self.take("·")
            item = self.peek()
            if item is None or (isinstance(item, Sign) and item.text not in "∑∏∂¬"):
                return value
            value = beside(value, self.factor())

    def factor(self) -> Value:
        item = self.peek()
        assert item is not None, "a formula ends too early"
        if isinstance(item, Sign) and item.text == "¬":
            self.at += 1
            return by_entry(np.logical_not, self.factor())
        if isinstance(item, Lowered) and item.base in (Sign("∑"), Sign("∏"), Word("max"), Word("min")):
            return self.reduction(item)
        self.at += 1
        following = self.peek()
        if isinstance(following, Group) and following.bracket == "(" and self.is_function(item):
            self.at += 1
            value = self.call(item, following)
        elif item == Word("ln"):
            self.take("·")
            value = by_entry(np.log, self.factor())
        else:
            value = self.atom(item)
        while isinstance(following := self.peek(), Group) and following.bracket == "[" and not following.apart:
            self.at += 1
            value = self.part(value, following)
        return value

    def is_function(self, item: Item) -> bool:
        if isinstance(item, Raised | Lowered):
            return isinstance(item.base, Word) and item.base.text not in ("0", "1")
        return isinstance(item, Word) or (isinstance(item, Letter) and item not in self.reader.values and item.text == "σ")

    def product_of_others(self, letter: str, own: str) -> Value:
        """The product over all entries along an axis but one's own."""
        assert own in self.reader.scope
        assert letter not in self.reader.scope
        self.reader.scope.append(letter)
        self.take("·")
        body = self.product()
        self.reader.scope.pop()
        assert body.letters is not None
        axis = body.letters.index(letter)
        entries = range(body.array.shape[axis])
        products = [np.prod(np.delete(_number(body.array), i, axis), axis) for i in entries]
        return Value(np.stack(products, axis), tuple(own if x == letter else x for x in body.letters))

    def reduction(self, item: Lowered) -> Value:
        """A sum and its kin, whose body is all that stands behind it up to the next + or −."""
        self.at += 1
        running, *others = split(item.below, "≠")
        if others:
            return self.product_of_others(*(x.text for x in (*running, *others[0]) if isinstance(x, Letter)))
        letters = [x.text for x in split(item.below, "=")[0] if isinstance(x, Letter)]
        assert not set(letters) & set(self.reader.scope), f"{letters} stand for an axis already"
        self.reader.scope += letters
        self.take("·")
        body = self.entrywise() if item.base == Sign("∑") else self.product()
        del self.reader.scope[-len(letters) :]
        if body.letters is None or not set(letters) <= set(body.letters):
            raise RangelessError(f"{letters} are in none of {body.letters}")
        axes = tuple(body.letters.index(letter) for letter in letters)
        reduce = np.sum if item.base == Sign("∑") else REDUCTIONS[item.base.text]
        if item.above:
            assert [body.array.shape[axis] for axis in axes] == [self.inner(item.above).array], "a sum to another size"
        rest = tuple(letter for letter in body.letters if letter not in letters)
        return Value(reduce(_number(body.array), axis=axes), rest or None)

    def call(self, function: Item, group: Group) -> Value:
        if isinstance(function, Lowered) and function.base == Word("scatter"):
            return self.scattered(function, group)
        if isinstance(function, Lowered) and isinstance(function.base, Word):
            (number,) = function.below
            assert isinstance(number, Number)
            name = function.base.text + number.text.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        else:
            assert isinstance(function, Word | Letter)
            name = function.text
        arguments, metadata = [], {}
        for part in split(group.body, ","):
            if len(part) > 2 and isinstance(part[0], Word) and part[1] == Sign("="):
                metadata[part[0].text] = _metadata(part[2:])
            else:
                arguments.append(self.inner(part))
        return _called(name, arguments, metadata)

    def part(self, value: Value, group: Group) -> Value:
        template, arrays = self.places(group)
        assert not value.letters, "a part of an entry"
        return Value(index(value.array, *arrays, template=template))

    def places(self, group: Group) -> tuple[tuple[Any, ...], list[Any]]:
        """The places between brackets as an index of NumPy's: numbers, slices, …, new axes and arrays."""
        template: list[Any] = []
        arrays = []
        for part in split(group.body, ","):
            text = "".join(x.text for x in part if isinstance(x, Number | Sign)).replace("−", "-")
            if not part:
                continue
            if part in ((Word("…"),), (Word("new"),)):
                template.append(Ellipsis if part == (Word("…"),) else None)
            elif all(isinstance(x, Number | Sign) for x in part) and set(text) <= set("-0123456789:"):
                ends = [int(end) if end else None for end in text.split(":")]
                template.append(slice(*ends) if len(ends) > 1 else ends[0])
            else:
                template.append(ARRAY)
                arrays.append(self.inner(part).array)
        return tuple(template), arrays

    def scattered(self, function: Lowered, group: Group) -> Value:
        *whole, places = function.below
        assert isinstance(places, Group)
        template, arrays = self.places(places)
        like = self.inner(tuple(whole)).array
        slot = index(np.asarray(like), *arrays, template=template)
        return Value(scatter_like(_in_shape(self.inner(group.body).array, np.shape(slot)), like, *arrays, template=template))

    def atom(self, item: Item) -> Value:
        if isinstance(item, Letter) or (isinstance(item, Quotient) and is_partial(item)):
            return self.named(item)
        if isinstance(item, Word):
            return Value({"True": True, "False": False, "1": 1.0, "0": 0.0}[item.text])
        if isinstance(item, Number):
            return Value({"∞": np.inf, "NaN": np.nan}.get(item.text) or _digits(item.text))
        if isinstance(item, Quotient):
            return by_entry(lambda x, y: _number(x) / _number(y), self.inner(item.top), self.inner(item.bottom))
        if isinstance(item, Root):
            root = np.sqrt if item.degree == 2 else np.cbrt
            return by_entry(root, self.inner(item.body))
        if isinstance(item, Cases):
            return self.cases(item)
        if isinstance(item, Raised):
            return self.raised(item)
        if isinstance(item, Lowered):
            return self.lowered(item)
        if isinstance(item, Group):
            return self.group(item)
        raise AssertionError(f"what is {item}?")

    def named(self, item: Item) -> Value:
        """A variable, or its entry at the letters in scope."""
        for name, letters in _names(item):
            if name in self.reader.sizes and not letters:
                return Value(self.reader.sizes[name])
            if name in self.reader.values:
                array = self.reader.values[name]
                if not letters:
                    return Value(array)
                if len(letters) == len(_long(array)):
                    return self.entry(array, letters)
        if item == Letter("π"):
            return Value(np.pi)
        raise UnknownError(item)

    def entry(self, array: Any, letters: tuple[str, ...]) -> Value:
        assert set(letters) <= set(self.reader.scope), f"{letters} stand for no axis here"
        array = np.reshape(array, _long(array))
        different = tuple(dict.fromkeys(letters))
        if len(different) < len(letters):
            places = [different.index(letter) for letter in letters]
            array = np.einsum(np.asarray(array), places, list(range(len(different))))
        return Value(array, different)

    def raised(self, item: Raised) -> Value:
        if item.above == TRANSPOSE:
            value = self.atom(item.base)
            if np.ndim(value.array) == 1:
                return Value(value.array, None, not value.lying)
            return Value(np.swapaxes(value.array, -1, -2))
        if isinstance(item.base, Number) or not isinstance(item.base, Word | Lowered):
            base = self.atom(item.base)
        elif isinstance(item.base, Lowered):
            base = self.lowered(item.base)
        else:
            raise AssertionError(f"a power of {item.base}")
        if item.above[0] != Sign("⊙") and item.above == (Sign("−"), Number("1")) and not base.letters and np.ndim(base.array) > 1:
            return Value(np.linalg.inv(base.array))
        above = self.inner(item.above[1:] if item.above[0] == Sign("⊙") else item.above)
        return by_entry(lambda x, y: np.power(np.asarray(_number(x), float), y), base, above)

    def lowered(self, item: Lowered) -> Value:
        if isinstance(item.base, Word) and item.base.text in ("0", "1"):
            like = self.inner(item.below)
            return Value(np.full(np.shape(like.array), float(item.base.text)))
        letters = tuple(x.text for x in item.below if isinstance(x, Letter))
        assert len(letters) == len([x for x in item.below if x != Sign(",")]), f"what is below {item.base}?"
        if item.base in self.reader.values:
            return self.entry(self.reader.values[item.base], letters)
        return self.with_letters(item.base, letters)

    def with_letters(self, base: Item, letters: tuple[str, ...]) -> Value:
        """The entry of a formula, or the array of all entries that a formula gives for these letters."""
        before = list(self.reader.scope)
        self.reader.scope += [letter for letter in letters if letter not in before]
        value = self.atom(base)
        self.reader.scope = before
        if value.letters:
            return Value(_aligned(value, letters), loose=True)
        return self.entry(value.array, letters)

    def group(self, item: Group) -> Value:
        if item.bracket == "[":
            return by_entry(_number, self.inner(item.body))
        value = self.inner(item.body)
        if item.bracket in ("(", ""):
            return value
        return by_entry({"|": np.abs, "⌊": np.floor, "⌈": np.ceil}[item.bracket], value)

    def cases(self, item: Cases) -> Value:
        (yes, condition), (no, rest) = item.rows
        assert not rest
        return by_entry(np.where, self.inner(condition), self.inner(yes), self.inner(no))


def _digits(text: str) -> Any:
    return int(text) if text.isdigit() else float(text)


def _metadata(items: Items) -> Any:
    text = "".join(x.text for x in items if isinstance(x, Number | Sign | Word | Letter)).replace("−", "-")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
