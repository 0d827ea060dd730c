"""Products and quotients as mathematics: a flat list of factors, of which some are fractions; matrix products apart from ⊙."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygraph.express.indices import Index, adds_axes, inner_index, is_spelled, letters_of, needs_index, places_of, several
from tinygraph.express.layout import Digits, Fraction, Layout, Raised, Row, Sigma, Sign, Times, Word, end, is_stacked
from tinygraph.express.pieces import ATOM, BIG, ENTRYWISE, PRODUCT, Typeset, fenced, raisable
from tinygraph.express.roles import Role, is_a
from tinygraph.program.value import Apply, Expression, Number, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation

LINEAR = (Role.PRODUCT, Role.QUOTIENT, Role.MATRIX_PRODUCT, Role.OUTER_PRODUCT, Role.REPETITION)


class TypesetFactor(NamedTuple):
    """One of the factors of a product, how tightly it binds, and whether it is an array."""

    layout: Layout
    binds: int
    array: bool


def unsigned(x: Expression) -> tuple[bool, Expression]:
    """Whether the leading factor has a sign, and the expression without it."""
    if is_literal(x) and not isinstance(x.value, bool) and x.value < 0:
        return True, Number(-x.value)
    if is_a(x, Role.NEGATIVE):
        return True, x.inputs[0]
    if is_a(x, *LINEAR) or (is_a(x, Role.REDUCTION) and x.notation.endswith("Σ {}")):
        signed, first = unsigned(x.inputs[0])
        return signed, Apply(x.op, (first, *x.inputs[1:]), x.params, x.shape, x.kind, x.size) if signed else x
    return False, x


def product(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """A product or quotient."""
    return as_product(factors_of(notation, x, index))


def factors_of(notation: Notation, x: Expression, index: Index | None) -> list[TypesetFactor]:
    """A product as its factors, of which some are fractions."""
    if is_a(x, Role.PRODUCT):
        return [factor for i in x.inputs for factor in factors_of(notation, i, index)]
    if is_a(x, Role.QUOTIENT) and not unsigned(x)[0]:
        return _divided(notation, x, index)
    if adds_axes(x) and index is not None:
        return factors_of(notation, x.inputs[0], inner_index(x, index))
    layout, binds = notation.typeset(x, index)
    if is_a(x, Role.MATRIX_PRODUCT) and not x.shape:
        binds = BIG  # what follows would be read as a part of it
    return [TypesetFactor(layout, binds, index is None and several(x.shape))]


def _with_number_on_top(factors: list[TypesetFactor]) -> list[TypesetFactor]:
    """Write 2 · 1/n as 2/n, and leave out a factor of 1."""
    factors = [factor for factor in factors if factor.layout != Digits("1")] or factors[:1]
    if len(factors) > 1 and isinstance(number := factors[0].layout, Digits):
        fraction = factors[1].layout
        if isinstance(fraction, Fraction) and fraction.top == Digits("1"):
            return [factors[1]._replace(layout=Fraction(number, fraction.bottom)), *factors[2:]]
    return factors


def _divided(notation: Notation, x: Expression, index: Index | None) -> list[TypesetFactor]:
    """The factors of a quotient: what is a fraction or a sum of them itself stands in front of it, or behind 1/b."""
    below: list[TypesetFactor] = []
    array = index is None and several(x.shape)
    while is_a(x, Role.QUOTIENT):
        below = [*(f for f in factors_of(notation, x.inputs[1], index) if f.layout != Digits("1")), *below]
        x = x.inputs[0]
    factors = factors_of(notation, x, index)
    if not below:
        return factors
    bottom = as_product(sorted(below, key=lambda f: not isinstance(f.layout, Digits)))[0]
    tall = [f for f in factors if is_stacked(f.layout)]
    flat = [f for f in factors if not is_stacked(f.layout)]
    top = as_product(flat)[0] if flat else Digits("1")
    fraction = TypesetFactor(Fraction(top, bottom), PRODUCT, array and len(tall) < len(factors))
    if all(isinstance(f.layout, Digits) for f in flat):
        return [TypesetFactor(fraction.layout, PRODUCT, any(f.array for f in below)), *tall]
    return [*tall, fraction]


def as_product(factors: list[TypesetFactor]) -> Typeset:
    """Factors as a product."""
    factors = _with_number_on_top(factors)
    if len(factors) == 1:
        return factors[0].layout, factors[0].binds
    items: list[Layout] = []
    binds = PRODUCT
    for i, factor in enumerate(factors):
        last = i == len(factors) - 1
        layout = fenced((factor.layout, factor.binds), BIG if last else ENTRYWISE)
        if i:
            entrywise = factor.array and any(before.array for before in factors[:i])
            items.append(Sign("⊙") if entrywise else Times(dot=isinstance(end(layout, 0), Digits)))
            binds = ENTRYWISE if entrywise else binds
        items.append(layout)
    return Row(tuple(items)), min(binds, BIG if factors[-1].binds == BIG and isinstance(items[-1], Sigma | Row) else binds)


def contraction(notation: Notation, x: Apply, index: Index | None) -> Typeset:
    """A product of matrices and vectors as a whole, where it can be written so; else the products of entries, summed."""
    by_letters, is_array = is_a(x, Role.SUM_OF_PRODUCTS), several(x.shape)
    if by_letters and is_spelled(x) and (index is not None or not is_array):
        return _over_entries(notation, x, index or ())
    if is_array and index is not None and (is_a(x, Role.OUTER_PRODUCT) or needs_index(x)):
        return _over_entries(notation, x, index)
    return notation.function(x, index) if by_letters or index is not None else _whole(notation, x)


def _over_entries(notation: Notation, x: Apply, index: Index) -> Typeset:
    """The products of entries, summed over the letters that the result does not have: Σ_k A_ik B_kj."""
    terms, result = letters_of(x)
    letters = dict(zip(result, index[len(index) - len(result) :], strict=True))
    sizes = {letter: size for term, i in zip(terms, x.inputs, strict=True) for letter, size in zip(term, i.shape, strict=True)}
    fresh = notation.fresh()
    letters |= {letter: "" if size == 1 else next(fresh) for letter, size in sizes.items() if letter not in letters}
    running = [letters[letter] for letter in sizes if letter not in result and letters[letter]]
    with notation.scope(running):
        parts = zip(terms, x.inputs, strict=True)
        body = as_product([f for term, i in parts for f in factors_of(notation, i, tuple(letters[letter] for letter in term))])
    return (Sigma(tuple(running), None, fenced(body, BIG)), BIG) if running else body


def _whole(notation: Notation, x: Apply) -> Typeset:
    """A product as a whole; a vector is a column, so that `x @ W` reads W⊤x, and a row only where it meets another one: x⊤y."""
    left, right = x.inputs
    if is_a(x, Role.OUTER_PRODUCT):
        return _side_by_side(notation.inside(left, PRODUCT, None), _as_row(notation, right))
    if len(left.shape) > 1:
        return _side_by_side(notation.inside(left, PRODUCT, None), notation.inside(right, PRODUCT, None))
    if len(right.shape) > 1:
        return _side_by_side(fenced(transposed(notation, right), PRODUCT), notation.inside(left, PRODUCT, None))
    return _side_by_side(_as_row(notation, left), notation.inside(right, PRODUCT, None))


def _side_by_side(first: Layout, second: Layout) -> Typeset:
    return Row((first, Times(dot=isinstance(end(second, 0), Digits)), second)), PRODUCT


def _as_row(notation: Notation, x: Expression) -> Layout:
    """A vector lying: what `x @ W` is read as lies as x⊤W."""
    if is_a(x, Role.MATRIX_PRODUCT) and len(x.inputs[0].shape) == 1 and not unsigned(x)[0]:
        return _side_by_side(_as_row(notation, x.inputs[0]), notation.inside(x.inputs[1], PRODUCT, None))[0]
    return transposed(notation, x)[0]


def transposed(notation: Notation, x: Expression) -> Typeset:
    """The transpose of a vector or a matrix; that of a transposed matrix is the matrix."""
    if is_a(x, Role.VIEW) and len(x.shape) > 1 and places_of(x) == [*range(len(x.shape))][::-1]:
        return notation.typeset(x.inputs[0], None)
    if is_a(x, Role.OUTER_PRODUCT):
        return _side_by_side(notation.inside(x.inputs[1], PRODUCT, None), _as_row(notation, x.inputs[0]))
    return Raised(raisable(notation.inside(x, ATOM, None)), Word("T")), PRODUCT
