"""An expression as mathematics: from ops to a layout.

`a * b / c` becomes a fraction, `X.T @ dz` a product with a transpose. An elementwise product shows as ⊙ where both
sides are arrays, a comparison used as a number stands in brackets. An expression that sums over some of the axes of an array is
written component-wise, so that each index shows: a_j = Σ_i X_ij.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from tinygraph.express.forms import cast, chosen, element, product_of_others, rearranged, reduced, repeated
from tinygraph.express.indices import Index, axes_of, is_transparent, needs_index, several, summed_shapes, with_index
from tinygraph.express.layout import Digits, Fence, Layout, Row, Sign, Symbol, Word, symbol
from tinygraph.express.pieces import (
    ATOM,
    LOGIC,
    PRODUCT,
    RELATION,
    SUM,
    Typeset,
    fenced,
    listed,
    multiplied,
    negative,
    written_metadata,
    written_number,
    written_word,
)
from tinygraph.express.products import contraction, product, unsigned
from tinygraph.express.python import given
from tinygraph.express.roles import BIG_SIGNS, Role, role_of
from tinygraph.express.template import PLACE, filled, is_form
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
    `number` writes a number that has no name.
    """

    def __init__(
        self,
        name: Callable[[Node], Layout],
        taken: Sequence[str] = (),
        size_of: SizeOf = entries,
        number: Callable[[Any], Typeset] = written_number,
    ) -> None:
        self.name = name
        self._number = number
        self._size_of = size_of
        self._size_letters = [letter for letter in SIZES if letter not in taken]
        self._index_letters = [letter for letter in INDICES if letter not in taken]
        self._sizes: dict[Hashable, tuple[Layout, int]] = {}
        self._scope: list[str] = []  # the letters that stand for an axis in what is being written

    def layout(self, expression: Expression) -> Layout:
        """The expression as mathematics."""
        return self.entrywise(expression)[1]

    def entrywise(self, expression: Expression) -> tuple[Index, Layout]:
        """The expression as mathematics, and the index of the entry that it is written for; () for the whole array."""
        index = self._own_index(expression) if needs_index(expression) else None
        with self.scope(index or ()):
            layout, binds = self.typeset(expression, index)
        return tuple(filter(None, index or ())), Fence("[", layout, "]") if binds in (LOGIC, RELATION) else layout

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

    def typeset(self, x: Expression, index: Index | None) -> Typeset:
        """The layout and how tightly it binds: of the whole array, or of the entry at `index`."""
        if isinstance(x, Number):
            return self._number(x.value) if x.name is None else (symbol(x.name), ATOM)
        if isinstance(x, Name):
            return with_index(self.name(x.node), x.shape, index), ATOM
        is_negative, bare = unsigned(x)
        if is_negative:
            return negative(self.typeset(bare, index))
        if not x.op.reads_values:
            return self._count(x)
        return FORMS.get(role_of(x), Notation.function)(self, x, index)

    def _count(self, x: Apply) -> Typeset:
        """The number of entries along axes, by the letters for sizes."""
        sizes = [self.size(x.inputs[0], i) for i in axes_of(x) if x.inputs[0].shape[i] != 1]
        return multiplied(sizes), ATOM if len(sizes) < 2 else PRODUCT

    def inside(self, x: Expression, least: int, index: Index | None) -> Layout:
        """An operand, in brackets where it binds less tightly than `least`."""
        return fenced(self.typeset(x, index), least)

    def function(self, x: Apply, index: Index | None) -> Typeset:
        """An op in its notation; one entry of the whole where it mixes entries."""
        if index is not None and not x.op.elementwise and not is_transparent(x):
            whole, binds = self.typeset(x, None)
            return (with_index(Fence("(", whole, ")"), x.shape, index), ATOM) if several(x.shape) else (whole, binds)
        if not is_form(x.notation, len(x.inputs)):
            return self.call(x, index)
        matrices = [i for i, y in enumerate(x.inputs) if index is None and x.op.elementwise and len(y.shape) > 1]
        layout, binds = filled(x.notation, [self.typeset(i, index) for i in x.inputs], matrices=matrices)
        if not (rest := _given(x)) or x.notation == "{}":
            return layout, binds
        *before, last = layout.items if isinstance(layout, Row) else (layout,)
        if isinstance(last, Fence):
            return Row((*before, Fence("(", listed([last.body, *rest]), ")"))), ATOM
        return Row((*before, last, Fence("(", listed(rest), ")"))), SUM

    def call(self, x: Apply, index: Index | None) -> Typeset:
        """An op as a function by its name."""
        arguments = [self.typeset(i, index)[0] for i in x.inputs]
        is_name = not PLACE.search(x.notation) and x.notation not in BIG_SIGNS
        name = x.notation if is_name else x.op.name
        return Row((written_word(name), Fence("(", listed([*arguments, *_given(x)]), ")"))), ATOM


def _given(x: Apply) -> list[Layout]:
    """The metadata of an op that is not what it is by default."""
    return [Row((Word(key), Sign("="), written_metadata(value))) for key, value in given(x).items()]


FORMS: Mapping[Role | None, Callable[[Notation, Apply, Index | None], Typeset]] = {
    Role.PRODUCT: product,
    Role.QUOTIENT: product,
    Role.MATRIX_PRODUCT: contraction,
    Role.OUTER_PRODUCT: contraction,
    Role.SUM_OF_PRODUCTS: contraction,
    Role.CHOICE: chosen,
    Role.REPETITION: repeated,
    Role.VIEW: rearranged,
    Role.CAST: cast,
    Role.REDUCTION: reduced,
    Role.PRODUCT_OF_OTHERS: product_of_others,
    Role.ELEMENT: element,
}
