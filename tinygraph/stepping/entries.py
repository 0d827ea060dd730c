"""How one entry of a result is made of entries of its operands: a formula in numbers, in which sums of products are written out.

Axes have letters, as in `express/indices.py`: here numbers, those of the result first, then those that sums run through. What
an entry reads of a value is one entry of it for each index, at the place that the strides of its axes add up to.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tinygraph.express.equations import Equations
from tinygraph.express.holes import Blanks, Hole, bracketed
from tinygraph.express.indices import Index, axes_of, inner_index, letters_of, places_of
from tinygraph.express.layout import Fence, Fraction, Layout, Row, Sign
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import SUM, Typeset
from tinygraph.express.plain import plain
from tinygraph.express.roles import Role, is_a
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.ops import Reduction, Repetition, Same, Sum, SumOfProducts
from tinygraph.program.build import product as times
from tinygraph.program.build import quotient
from tinygraph.program.value import Apply, Expression, Name, Number, Shape, atoms, computed, evaluate
from tinygraph.stepping.numbers import OPERAND, is_computed, is_sum, with_brackets
from tinygraph.stepping.templates import Slot

MEAN = "1/n Σ {}"  # the notation of what divides a sum by the number of its entries
MOST = 4  # operands that are shown
NONE = -1  # in place of the letter of an axis of size 1


class Read(NamedTuple):
    """The entries of a value that an entry reads: for each axis, how far apart two neighbours are, and its letter."""

    node: Node
    strides: tuple[int, ...]
    letters: Index

    @property
    def data(self) -> list[Any]:
        """What a page looks up."""
        moving = [(stride, int(letter)) for stride, letter in zip(self.strides, self.letters, strict=True) if letter]
        return [Slot(self.node), [*itertools.chain(*moving)]]


class Total(NamedTuple):
    """Products of entries, added up over letters of its own, each with how far it runs."""

    runs: dict[str, int]
    factors: tuple[Read, ...]

    @property
    def data(self) -> list[Any]:
        """What a page adds up."""
        return [[[int(letter), size] for letter, size in self.runs.items()], [factor.data for factor in self.factors]]


class Operand(NamedTuple):
    """A value as it is read, such as X⊤: the size and the stride of each axis, and the letters of all that is read of it."""

    label: str
    node: Node
    shape: Shape
    strides: tuple[int, ...]
    indices: list[Index]

    @property
    def data(self) -> list[Any]:
        """What a page draws."""
        indices = [[int(letter or NONE) for letter in index] for index in self.indices]
        return [self.label, Slot(self.node), self.shape, self.strides, indices]


def strides_of(shape: Shape) -> tuple[int, ...]:
    """How many entries lie between two neighbours along each axis."""
    return tuple(itertools.accumulate(shape[:0:-1], int.__mul__, initial=1))[::-1][: len(shape)]


class Entry:
    """The formula of one entry of an expression.

    `formula` is an expression of numbers; the numbers that `parts` has are entries of arrays, or sums of products of them.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.parts: dict[Node, Read | Total] = {}
        self.own: Index = tuple(map(str, range(len(expression.shape))))
        self._more = map(str, itertools.count(len(self.own)))
        self.formula = self._written(expression, self.own, is_whole=True)

    @property
    def says_something(self) -> bool:
        """Whether the formula is more than a number."""
        return isinstance(self.formula, Apply) or any(isinstance(part, Total) for part in self.parts.values())

    def _written(
        self, x: Expression, index: Index, is_whole: bool = False, in_brackets: bool = False, adds: bool = True
    ) -> Expression:
        """An entry as an expression of numbers; functions and parentheses are computed, but for a function that is all of it.

        A sum over axes is written out where it `adds`: outside of the parentheses of another one.
        """
        if isinstance(x, Number):
            return Number(x.value)
        if isinstance(x, Name):
            return self._entry(x, index)
        if not x.op.reads_values:
            return Number(int(evaluate(x, OPERAND)))
        if (inside := index_inside(x, index)) is not None:
            return self._written(x.inputs[0], inside, is_whole, in_brackets, adds)
        if adds and (total := self._total(x, index)) is not None:
            return total
        if not x.op.elementwise or (is_computed(x, in_brackets) and not is_whole):
            return self._entry(x, index)
        adds, has_own = adds and not (in_brackets and is_sum(x)), x.op.operator is None  # brackets, as a function has
        operands = [self._written(i, broadcast_index(i, index), False, b and not has_own, adds) for i, b in with_brackets(x)]
        return Apply(x.op, tuple(operands), x.params, (), x.kind, x.size)

    def _entry(self, x: Expression, index: Index) -> Expression:
        """An entry of a value that is not worked out further."""
        return self._part(read(x, index)) if x.shape else x if isinstance(x, Name) else Name(computed(x))

    def _product(self, factors: Sequence[Read]) -> Expression:
        names = [self._part(factor) if factor.strides else Name(factor.node) for factor in factors]
        result: Expression = names[0]
        for name in names[1:]:
            result = times(result, name)
        return result

    def _part(self, part: Read | Total) -> Name:
        stands_for = constant(1.0)
        self.parts[stands_for] = part
        return Name(stands_for)

    def _total(self, x: Apply, index: Index) -> Expression | None:
        """A sum over axes, of entries or of products of them, written out; None where it is no such sum."""
        if isinstance(x.op.kind, SumOfProducts):
            indices = self._contracted(x, index)
            factors = [factor for i, own in zip(x.inputs, indices, strict=True) for factor in factors_of(i, own)]
        elif isinstance(x.op.kind, Sum) or x.notation == MEAN:
            indices = [self._reduced(x, index)]
            factors = factors_of(x.inputs[0], indices[0])
        else:
            return None
        runs = {
            letter: size
            for i, own in zip(x.inputs, indices, strict=True)
            for letter, size in zip(own, i.shape, strict=True)
            if letter and letter not in index
        }
        if not runs:
            return self._product(factors)
        total = self._part(Total(runs, tuple(factors)))
        return quotient(total, Number(math.prod(runs.values()))) if x.notation == MEAN else total

    def _contracted(self, x: Apply, index: Index) -> list[Index]:
        """The index of each operand of a contraction."""
        terms, result = letters_of(x)
        letters = dict(zip(result, index, strict=True))
        found = []
        for term, i in zip(terms, x.inputs, strict=True):
            own = [
                "" if size == 1 else letters.get(letter) or next(self._more) for letter, size in zip(term, i.shape, strict=True)
            ]
            letters |= {letter: new for letter, new in zip(term, own, strict=True) if new}
            found.append(tuple(own))
        return found

    def _reduced(self, x: Apply, index: Index) -> Index:
        """The index inside of a reduction."""
        shape, gone = x.inputs[0].shape, axes_of(x)
        staying = iter(index)
        own = []
        for axis, size in enumerate(shape):
            outside = next(staying) if axis not in gone or x.params.get("keepdims") else ""
            own.append("" if size == 1 else next(self._more) if axis in gone else outside)
        return tuple(own)

    # What is read, in the order of the equation

    def reads(self) -> Iterator[tuple[Expression, Index | None]]:
        """The arrays in the expression, as they are read, and the index of what is read of each; None where that is not known."""
        return self._reads(self.expression, self.own)

    def _reads(self, x: Expression, index: Index | None) -> Iterator[tuple[Expression, Index | None]]:
        base, _ = viewed(x)
        if isinstance(base, Name):
            yield from [(x, index)] if x.shape else []
        elif isinstance(x, Apply) and x.op.reads_values:
            for i, own, is_like in zip(x.inputs, self._inside(x, index), reads_shape(x), strict=True):
                if not is_like:
                    yield from self._reads(i, own)

    def _inside(self, x: Apply, index: Index | None) -> Sequence[Index | None]:
        """The index of each operand."""
        kind = x.op.kind
        if index is None:
            return [None] * len(x.inputs)
        if x.op.elementwise or isinstance(kind, Repetition):
            return [broadcast_index(i, index) for i in x.inputs]
        if isinstance(kind, SumOfProducts):
            return self._contracted(x, index)
        if isinstance(kind, Reduction) and len(x.inputs) == 1:
            return [self._reduced(x, index)]
        if isinstance(kind, Same) and len(x.inputs) == 1 and "axis" in x.op.defaults and not kind.fits:
            along = Reduction.gone(len(x.shape), x.op.defaults | dict(x.params))
            return [tuple(next(self._more) if axis in along else letter for axis, letter in enumerate(index))]
        inside = index_inside(x, index)
        return [inside] + [None] * (len(x.inputs) - 1)


def reads_shape(x: Apply) -> Iterator[bool]:
    """Of which operands the shape alone is read; what is not said of further ones holds for the last."""
    return itertools.islice(itertools.chain(x.op.reads_shape, itertools.repeat(False)), len(x.inputs))


def broadcast_index(x: Expression, index: Index) -> Index:
    """The index of an operand that is broadcast to a result."""
    own = index[len(index) - len(x.shape) :]
    return tuple("" if size == 1 else letter for letter, size in zip(own, x.shape, strict=True))


def index_inside(x: Apply, index: Index) -> Index | None:
    """The index in what a view shows, or a repetition repeats."""
    if isinstance(x.op.kind, Repetition):
        return broadcast_index(x.inputs[0], index)
    return None if places_of(x) is None else inner_index(x, index)


def factors_of(x: Expression, index: Index) -> list[Read]:
    """A product as the entries that are its factors."""
    if is_a(x, Role.PRODUCT) and not any(isinstance(i, Number) for i in x.inputs):
        return [factor for i in x.inputs for factor in factors_of(i, broadcast_index(i, index))]
    inside = index_inside(x, index) if isinstance(x, Apply) else None
    if isinstance(x, Apply) and inside is not None:
        return factors_of(x.inputs[0], inside)
    return [read(x, index)]


def read(x: Expression, index: Index) -> Read:
    """The entry of a value at an index."""
    node = x.node if isinstance(x, Name | Apply) and x.node is not None else computed(x)
    return Read(node, strides_of(node.shape), index)


def viewed(x: Expression) -> tuple[Expression, tuple[int, ...]]:
    """What a view shows, and how far apart two neighbours along each axis of the view are in it."""
    axes: list[int | None] = [*range(len(x.shape))]
    while isinstance(x, Apply) and (places := places_of(x)) is not None:
        axes = [None if axis is None else places[axis] for axis in axes]
        x = x.inputs[0]
    strides = strides_of(x.shape)
    return x, tuple(0 if axis is None else strides[axis] for axis in axes)


def operands_of(entry: Entry, notation: Notation) -> list[Operand]:
    """The arrays that an entry is made of, each once."""
    found: dict[Any, Operand] = {}
    for x, index in entry.reads():
        base, strides = viewed(x)
        assert isinstance(base, Name)
        new = Operand(plain(notation.layout(x)), base.node, x.shape, strides, [])
        operand = found.setdefault((base.node, x.shape, strides), new)
        if index is not None and index not in operand.indices:
            operand.indices.append(index)
    return [*found.values()][:MOST]


class Numbers(Notation):
    """The notation of a formula in which sums are written out where a number stands for them."""

    def __init__(self, blanks: Blanks, entry: Entry) -> None:
        super().__init__(blanks.layout)
        self._entry = entry

    def typeset(self, x: Expression, index: Index | None) -> Typeset:
        """A number binds as tightly as a name; a sum does not."""
        layout, binds = super().typeset(x, index)
        is_total = isinstance(x, Name) and isinstance(self._entry.parts.get(x.node), Total)
        return layout, SUM if is_total else binds


def in_a_line(x: Layout) -> Layout:
    """A product of derivatives with a slash in place of each fraction."""
    if isinstance(x, Fraction):
        return Row((x.top, Sign("/", tight=True), x.bottom))
    return replace(x, items=tuple(map(in_a_line, x.items))) if isinstance(x, Row) else x


def entry_data(
    expression: Expression, result: Node, left: Layout, rate: Node | None, equations: Equations
) -> dict[str, Any] | None:
    """What a page shows of the entries of a result: the operands, and the line that works one entry out; None without arrays."""
    if not result.shape and not any(x.shape for x in atoms(expression)):
        return None
    entry = Entry(expression)
    operands = operands_of(entry, equations.notation)
    own = read(Name(result), entry.own)
    data: dict[str, Any] = {
        "operands": [operand.data for operand in operands],
        "result": Operand(plain(left), result, result.shape, strides_of(result.shape), [entry.own]).data,
    }
    return data | (_line(entry, own, left, rate) if entry.says_something else {})


def _line(entry: Entry, own: Read, left: Layout, rate: Node | None) -> dict[str, Any]:
    """The equation of one entry: a template with numbers, and with parts, behind which the index comes."""
    blanks, index, value = Blanks(rate), constant(1.0), constant(1.0)
    parts = [*entry.parts.values(), own]
    places = {node: i for i, node in enumerate([*entry.parts, value, index])}
    formula = Numbers(blanks, entry).layout(entry.formula)
    name = Row((in_a_line(left), Fence("[", blanks.layout(index), "]"))) if own.strides else in_a_line(left)
    right = list(map(bracketed, [formula, blanks.layout(value) if own.strides else blanks.layout(own.node)]))
    sides = [name] if rate is None else [Row((name, Sign(":="), right.pop(0)))]
    line = [
        [places[piece.node], piece.brackets] if isinstance(piece, Hole) and piece.node in places else piece
        for piece in blanks.pieces(equation(sides, right))
    ]
    return {"line": line, "parts": [part.data for part in parts]}
