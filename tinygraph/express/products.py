"""Products and quotients as mathematics: a flat list of factors, of which some are fractions; matrix products apart from ⊙."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygraph.express.layout import Digits, Fence, Fraction, Layout, Lowered, Raised, Row, Sigma, Sign, Times, Word, is_stacked
from tinygraph.express.pieces import (
    ATOM,
    BIG,
    ENTRYWISE,
    PRODUCT,
    RELATION,
    SUM,
    Index,
    Told,
    fenced,
    raisable,
    several,
    with_index,
)
from tinygraph.express.roles import (
    Role,
    adds_axes,
    inner_index,
    is_matrix_product,
    is_negative,
    is_product,
    is_quotient,
    is_transparent,
    is_view_of_entries,
    places_of,
    role_of,
)
from tinygraph.program.value import Apply, Expression, Number, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation


class Factor(NamedTuple):
    """One of the factors of a product, how tightly it binds, and whether it is an array."""

    layout: Layout
    binds: int
    array: bool


def unsigned(x: Expression) -> tuple[bool, Expression]:
    """Whether the leading factor has a sign, and the expression without it."""
    if is_literal(x) and not isinstance(x.value, bool) and x.value < 0:
        return True, Number(-x.value)
    if is_negative(x):
        return True, x.inputs[0]
    if isinstance(x, Apply) and role_of(x) in (Role.PRODUCT, Role.QUOTIENT, Role.MATRIX_PRODUCT):
        signed, first = unsigned(x.inputs[0])
        return signed, Apply(x.op, (first, *x.inputs[1:]), x.params, x.shape, x.kind, x.size) if signed else x
    return False, x


def product(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A product or quotient, with its sign in front."""
    signed, bare = unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), notation.inside(bare, BIG, index))), SUM
    return as_product(factors_of(notation, x, index))


def factors_of(notation: Notation, x: Expression, index: Index | None) -> list[Factor]:
    """A product as its factors, of which some are fractions."""
    if index is None and (vectors := outer(x)):
        return [Factor(*_column_by_row(notation, *vectors), True)]
    if is_product(x):
        return _with_number_on_top([factor for i in x.inputs for factor in factors_of(notation, i, index)])
    if is_quotient(x) and not unsigned(x)[0]:
        return _divided(notation, x, index)
    if adds_axes(x) and index is not None:
        return factors_of(notation, x.inputs[0], inner_index(x, index))
    layout, binds = notation.told(x, index)
    if is_matrix_product(x) and not x.shape:
        binds = BIG  # what follows would be read as a part of it
    return [Factor(layout, binds, index is None and several(x.shape))]


def _with_number_on_top(factors: list[Factor]) -> list[Factor]:
    """Write 2 · 1/n as 2/n, and leave out a factor of 1."""
    factors = [factor for factor in factors if factor.layout != Digits("1")] or factors[:1]
    if len(factors) > 1 and isinstance(number := factors[0].layout, Digits):
        fraction = factors[1].layout
        if isinstance(fraction, Fraction) and fraction.top == Digits("1"):
            return [factors[1]._replace(layout=Fraction(number, fraction.bottom)), *factors[2:]]
    return factors


def _divided(notation: Notation, x: Expression, index: Index | None) -> list[Factor]:
    """The factors of a quotient: what is a fraction or a sum of them itself stands in front of it, or behind 1/b."""
    below: list[Factor] = []
    array = index is None and several(x.shape)
    while is_quotient(x):
        below = [*(f for f in factors_of(notation, x.inputs[1], index) if f.layout != Digits("1")), *below]
        x = x.inputs[0]
    factors = factors_of(notation, x, index)
    if not below:
        return factors
    bottom = as_product(sorted(below, key=lambda f: not isinstance(f.layout, Digits)))[0]
    tall = [f for f in factors if is_stacked(f.layout)]
    flat = [f for f in factors if not is_stacked(f.layout)]
    fraction = Factor(Fraction(as_product(flat)[0] if flat else Digits("1"), bottom), PRODUCT, array and len(tall) < len(factors))
    if all(isinstance(f.layout, Digits) for f in flat):
        return [Factor(fraction.layout, PRODUCT, any(f.array for f in below)), *tall]
    return [*tall, fraction]


def as_product(factors: list[Factor]) -> Told:
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
            items.append(Sign("⊙") if entrywise else Times(dot=_starts_with_digit(layout)))
            binds = ENTRYWISE if entrywise else binds
        items.append(layout)
    return Row(tuple(items)), min(binds, BIG if factors[-1].binds == BIG and isinstance(items[-1], Sigma | Row) else binds)


def _starts_with_digit(layout: Layout) -> bool:
    while isinstance(layout, Row | Raised | Lowered):
        layout = layout.items[0] if isinstance(layout, Row) else layout.base
    return isinstance(layout, Digits)


def matrix_product(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A matrix product; a vector is a column, so that `x @ W` reads W⊤x, and a row only where it meets another one: x⊤y."""
    signed, bare = unsigned(x)
    if signed:
        return Row((Sign("−", tight=True), notation.inside(bare, BIG, index))), SUM
    if index is not None and several(x.shape) and stretches(x):
        return _summed_over_entries(notation, x, index)
    if index is not None and several(x.shape):
        return with_index(Fence("(", notation.inside(x, RELATION, None), ")"), x.shape, index), ATOM
    left, right = x.inputs
    if len(left.shape) > 1:
        return _side_by_side(notation.inside(left, PRODUCT, None), notation.inside(right, PRODUCT, None))
    if len(right.shape) > 1:
        return _side_by_side(fenced(transposed(notation, right), PRODUCT), notation.inside(left, PRODUCT, None))
    return _side_by_side(_as_row(notation, left), notation.inside(right, PRODUCT, None))


def outer(x: Expression) -> tuple[Expression, Expression] | None:
    """The column and the row of which a product of vectors makes a matrix."""
    if isinstance(x, Apply) and role_of(x) is Role.OUTER_PRODUCT:
        return x.inputs[0], x.inputs[1]
    if not is_product(x):
        return None
    for column, row in (x.inputs, x.inputs[::-1]):
        if adds_axes(column) and places_of(column) == [0, None] and len(row.shape) == 1:
            return column.inputs[0], row
    return None


def outer_product(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A column by a row, or the entry of one by the entry of the other."""
    column, row = x.inputs
    if index is None:
        return _column_by_row(notation, column, row)
    i, j = index[-2:]
    return as_product([*factors_of(notation, column, (i,)), *factors_of(notation, row, (j,))])


def _column_by_row(notation: Notation, column: Expression, row: Expression) -> Told:
    return _side_by_side(notation.inside(column, PRODUCT, None), _as_row(notation, row))


def stretches(x: Expression) -> bool:
    """Whether arrays of different shapes are combined, which their names do not show: all but the bias of a sum."""
    if not isinstance(x, Apply):
        return False
    role = role_of(x)
    if role is Role.PRODUCT and outer(x):
        return False
    if role is Role.MATRIX_PRODUCT:
        return max(len(i.shape) for i in x.inputs) == 2 and any(map(stretches, x.inputs))
    if role is Role.REPETITION or (role is Role.VIEW and adds_axes(x)):
        return several(x.inputs[0].shape)
    shapes = {i.shape for i in x.inputs if several(i.shape)}
    is_matched = role in (Role.PRODUCT, Role.QUOTIENT, Role.POWER)
    if x.op.elementwise and len(shapes) > 1 and (is_matched or x.shape not in shapes):
        return True
    return (x.op.elementwise or is_transparent(x)) and any(map(stretches, x.inputs))


def _summed_over_entries(notation: Notation, x: Apply, index: Index) -> Told:
    """A matrix product written component-wise: Σ_k A_ik B_kj."""
    left, right = x.inputs
    k = next(notation.fresh()) if right.shape[0] != 1 else ""
    own = index[-len(x.shape) :]
    rows, columns = own[: len(left.shape) - 1], own[len(left.shape) - 1 :]
    with notation.scope([k]):
        body = as_product([*factors_of(notation, left, (*rows, k)), *factors_of(notation, right, (k, *columns))])
    return (Sigma(k, None, fenced(body, BIG)), BIG) if k else body


def _side_by_side(first: Layout, second: Layout) -> Told:
    return Row((first, Times(dot=_starts_with_digit(second)), second)), PRODUCT


def _as_row(notation: Notation, x: Expression) -> Layout:
    """A vector lying: what `x @ W` is read as lies as x⊤W."""
    if is_matrix_product(x) and len(x.inputs[0].shape) == 1 and not unsigned(x)[0]:
        return _side_by_side(_as_row(notation, x.inputs[0]), notation.inside(x.inputs[1], PRODUCT, None))[0]
    return transposed(notation, x)[0]


def transposed(notation: Notation, x: Expression) -> Told:
    """The transpose of a vector or a matrix; that of a transposed matrix is the matrix."""
    if is_view_of_entries(x) and len(x.shape) > 1 and places_of(x) == [*range(len(x.shape))][::-1]:
        return notation.told(x.inputs[0], None)
    if vectors := outer(x):
        return _column_by_row(notation, *vectors[::-1])
    return Raised(raisable(notation.inside(x, ATOM, None)), Word("T")), PRODUCT
