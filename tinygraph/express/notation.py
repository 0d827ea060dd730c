"""An expression as mathematics: from ops to a layout.

`a * b / c` becomes a fraction, `X.T @ dz` a product with a transpose. An elementwise product shows as ⊙ where both
sides are arrays, a comparison used as a number stands in brackets. An expression that sums over some of the axes of an array is
written component-wise, so that each index shows: a_j = Σ_i X_ij.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from tinygraph.express.forms import FORMS, RELATIONS
from tinygraph.express.layout import (
    Digits,
    Fence,
    Layout,
    Raised,
    Root,
    Row,
    Sign,
    Symbol,
    Word,
    symbol,
)
from tinygraph.express.pieces import (
    ATOM,
    PRODUCT,
    RELATION,
    SUM,
    Index,
    Told,
    fenced,
    given_metadata,
    listed,
    raisable,
    several,
    with_index,
    written_metadata,
    written_number,
    written_word,
)
from tinygraph.express.reductions import needs_index, summed_shapes
from tinygraph.node import Node
from tinygraph.program.value import Apply, Expression, Name, Number

INDICES = "ijklpqrs"
SIZES = "mnuvwhgc"  # none of which is an index


SizeOf: TypeAlias = Callable[[Expression, int], Hashable]


def entries(x: Expression, axis: int) -> int:
    """How many entries an axis has."""
    return x.shape[axis]


class Notation:
    """How the values of one program are written: `name` gives each node's variable, sizes get letters as they come up.

    `size_of(expression, axis)` is the same for axes of one size; without it those are of one size that have as many entries.
    """

    def __init__(self, name: Callable[[Node], Layout], taken: Sequence[str] = (), size_of: SizeOf = entries) -> None:
        self.name = name
        self._size_of = size_of
        self._size_letters = [letter for letter in SIZES if letter not in taken]
        self._index_letters = [letter for letter in INDICES if letter not in taken]
        self._sizes: dict[Hashable, tuple[Layout, int]] = {}
        self._scope: list[str] = []  # the letters that stand for an axis in what is being written

    def layout(self, expression: Expression) -> Layout:
        """The expression as mathematics."""
        return self.entrywise(expression)[1]

    def entrywise(self, expression: Expression) -> tuple[str, Layout]:
        """The expression as mathematics, and the index of the entry that it is written for; "" for the whole array."""
        index = self._own_index(expression) if needs_index(expression) else None
        with self.scope(index or ()):
            layout, binds = self.told(expression, index)
        return ",".join(filter(None, index or ())), Fence("[", layout, "]") if binds == RELATION else layout

    def size(self, x: Expression, axis: int) -> Layout:
        """The letter that stands for the number of entries along an axis."""
        size, identity = x.shape[axis], self._size_of(x, axis)
        if identity not in self._sizes:
            if size <= 1 or not self._size_letters:
                return Digits(str(size))
            self._sizes[identity] = Symbol(self._size_letters.pop(0)), size
        return self._sizes[identity][0]

    @property
    def sizes(self) -> Collection[tuple[Layout, int]]:
        """The letters for sizes, and what they stand for."""
        return self._sizes.values()

    @contextmanager
    def scope(self, letters: Sequence[str]) -> Iterator[None]:
        """Reserve letters for their axes while an expression is written, even in the parts that they do not index."""
        before = len(self._scope)
        self._scope += letters
        yield
        del self._scope[before:]

    def fresh(self) -> Iterator[str]:
        """Letters for indices that nothing else is called here."""
        primed = (f"{letter}{'′' * n}" for n in itertools.count(1) for letter in INDICES)
        return (letter for letter in itertools.chain(self._index_letters, primed) if letter not in self._scope)

    def _own_index(self, x: Expression) -> Index:
        """The letters of an expression's axes: i, j, ... from the left in the largest array that it sums over."""
        body, axes = next(summed_shapes(x), (x.shape, []))
        letters = list(itertools.islice(self.fresh(), max(len(body), len(x.shape))))
        staying = [letter for i, letter in enumerate(letters) if i not in axes]
        own = staying if len(staying) == len(x.shape) else letters[len(letters) - len(x.shape) :]
        return tuple("" if size == 1 else letter for letter, size in zip(own, x.shape, strict=True))

    def told(self, x: Expression, index: Index | None) -> Told:
        """The layout and how tightly it binds: of the whole array, or of the entry at `index`."""
        if isinstance(x, Number):
            return written_number(x.value) if x.name is None else (symbol(x.name), ATOM)
        if isinstance(x, Name):
            return with_index(self.name(x.node), x.shape, index), ATOM
        if x.op in FORMS:
            return FORMS[x.op](self, x, index)
        if x.op in RELATIONS:
            left, right = (self.inside(i, SUM, index) for i in x.inputs)
            return Row((left, Sign(RELATIONS[x.op]), right)), RELATION
        return self.function(x, index)

    def inside(self, x: Expression, least: int, index: Index | None) -> Layout:
        """An operand, in brackets where it binds less tightly than `least`."""
        return fenced(self.told(x, index), least)

    def function(self, x: Apply, index: Index | None) -> Told:
        """An op by its name, or in the form that its declaration gives; one entry of the whole where it mixes entries."""
        if index is not None and not x.op.elementwise:
            whole, binds = self.function(x, None)
            return (with_index(Fence("(", whole, ")"), x.shape, index), ATOM) if several(x.shape) else (whole, binds)
        if x.inputs and x.op.notation.count("{}") == len(x.inputs):
            return self._template(x.op.notation, x, index)
        name = x.op.name if "{}" in x.op.notation else x.op.notation
        arguments = [self.told(i, index)[0] for i in x.inputs]
        arguments += [Row((Word(key), Sign("="), written_metadata(value))) for key, value in given_metadata(x)]
        return Row((written_word(name), Fence("(", listed(arguments), ")"))), ATOM

    def _template(self, notation: str, x: Apply, index: Index | None) -> Told:
        rest = iter(x.inputs)
        tokens = re.findall(r"\{\}|[^\W\d_]+[₀-₉]*|\d+|⁻¹|\S", notation)

        items, _ = _read(tokens, 0, lambda least: self.inside(next(rest), least, index))
        given = [Row((Word(key), Sign("="), written_metadata(value))) for key, value in given_metadata(x)]
        if given and isinstance(last := items[-1], Fence):
            items[-1] = Fence("(", listed([last.body, *given]), ")")
        elif given:
            items.append(Fence("(", listed(given), ")"))
        if len(items) == 1:
            return items[0], PRODUCT if isinstance(items[0], Raised) else ATOM
        return Row(tuple(items)), ATOM if notation[0].isalpha() else SUM


BRACKETS = {"(": ")", "|": "|", "⌊": "⌋", "⌈": "⌉"}
ROOTS = {"√": 2, "∛": 3}
POWERS = {"²": "2", "⁻¹": "−1"}


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
            items.append(Raised(raisable(items.pop()), Digits(POWERS[token])))
        elif token.isdigit():
            items.append(Digits(token))
        else:
            items.append(written_word(token) if token[0].isalpha() else Sign(token, tight=True))
    return items, i
