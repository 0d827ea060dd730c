"""How a form is written by ops: each term as an outer product, a matrix product, a sum over axes, or entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tinygraph.program.build import (
    added,
    matrix_product,
    negated,
    outer_product,
    product,
    quotient,
    repeated,
    total,
    transposed,
    with_new_axes,
)
from tinygraph.program.terms import Factor, Form, Positions, Term, had, last
from tinygraph.program.value import Apply, Expression, Number, Shape

PlacedFactor: TypeAlias = tuple[Expression, bool]  # a factor as it stands in a product, and whether it divides


# Sums of terms


def spelled(form: Form) -> Expression:
    """A form as applications of ops, in its own shape."""
    whole = loose(form)
    if whole.shape == form.shape:
        return whole
    leads = whole.shape and (1,) * (len(form.shape) - len(whole.shape)) + whole.shape == form.shape
    if form.like is not None and not leads:
        return repeated(whole, form.like, form.shape, form.kind)
    return _with_leading_axes(whole, len(form.shape))


def loose(form: Form) -> Expression:
    """A form in the shape that its factors give, which may have to be repeated to its own; shared divisors are taken out."""
    if len(form.terms) == 1:
        return joined(form.terms[0], form.shape, form.kind, exact=form.like is None)
    shared = _shared_divisors(form.terms)
    terms = [_less(term, shared) for term in form.terms] if shared else form.terms
    numbers = any(_is_float(term) for term in terms[:2])
    whole: Expression | None = None
    for term in terms:
        # Beside a float, neither a mask nor a number has to be one.
        kind = _own_kind(term) if numbers else form.kind
        if whole is None:
            whole = joined(term, form.shape, kind)
        else:
            plus = Term(1, term.coefficient, term.factors, term.divisors)
            whole = added(whole, joined(plus, form.shape, kind), term.sign, form.kind)
    assert whole is not None
    return _over(whole, shared, form.kind)


def _with_leading_axes(x: Expression, ndim: int) -> Expression:
    return with_new_axes(x, range(ndim - len(x.shape)), ndim)


def _over(x: Expression, divisors: Sequence[Expression], kind: str) -> Expression:
    for y in divisors:
        x = quotient(x, y, kind)
    return x


def _own_kind(term: Term) -> str:
    if not term.factors:
        return "i"
    lead = term.factors[0].value.kind
    alone = len(term.factors) == 1 and term.coefficient == 1 and not term.divisors
    return lead if alone and (term.sign > 0 or lead != "u") else "f"  # -1 is none of the unsigned integers


def _is_float(term: Term) -> bool:
    return bool(term.divisors) or any(x.value.kind == "f" for x in term.factors)


def _shared_divisors(terms: Sequence[Term]) -> list[Expression]:
    """What all terms are divided by, in the order of the first."""
    if not all(term.divisors for term in terms):
        return []
    common = Counter(terms[0].divisors)
    for term in terms[1:]:
        common &= Counter(term.divisors)
    return [x for i, x in enumerate(terms[0].divisors) if terms[0].divisors[:i].count(x) < common[x]]


def _less(term: Term, shared: Sequence[Expression]) -> Term:
    rest = list(term.divisors)
    for x in shared:
        rest.remove(x)
    return term._replace(divisors=tuple(rest))


# One term


def joined(term: Term, shape: Shape, kind: str, exact: bool = False) -> Expression:
    """A term as applications of ops; with `exact` it has axes of size 1 in front, where no factor has them."""
    factors = _written(term.factors, shape)
    coefficient = term.coefficient
    if kind == "f" and not factors and not term.divisors:
        return Number(term.sign * float(coefficient))
    if isinstance(coefficient, float) and coefficient and coefficient.is_integer() and coefficient < 2**53:
        coefficient = int(coefficient)
    if exact and factors and max(len(x.shape) for x, _ in factors) < len(shape):
        factors = [(_with_leading_axes(joined(Term(factors=term.factors), shape, kind), len(shape)), False)]
    if kind == "f" and len(factors) > 1:
        factors = _float_first(factors)
    first = next((i for i, (_, divides) in enumerate(factors) if not divides), None)
    if first is not None and coefficient == 1 and not _needs_number(term, factors, first, kind):
        lead, _ = factors.pop(first)
        whole = negated(lead) if term.sign < 0 else lead
    else:
        is_float = kind == "f" and bool(factors) and factors[0][0].kind != "f"
        whole = Number(term.sign * (float(coefficient) if is_float else coefficient))
    for x, divides in factors:
        whole = (quotient if divides else product)(whole, x, kind)
    return _over(whole, term.divisors, kind)


def _needs_number(term: Term, factors: Sequence[PlacedFactor], first: int, kind: str) -> bool:
    """Whether a product needs its coefficient 1: masks and integers alone are no floating-point number, nor have all a sign."""
    lead = factors[first][0].kind
    if term.sign < 0 and lead in "bu":
        return True
    if kind != "f" or lead == "f":
        return False
    following = next(((x.kind, divides) for i, (x, divides) in enumerate(factors) if i != first), None)
    if following is None:
        return not term.divisors
    kind, divides = following
    return kind != "f" and not divides


def _float_first(factors: list[PlacedFactor]) -> list[PlacedFactor]:
    """The factors, a floating-point one leading where two integers would: their product might not fit their dtype."""
    leading = [x.kind for x, divides in factors[:2] if not divides]
    first = next((i for i, (x, divides) in enumerate(factors) if x.kind == "f" and not divides), 0)
    if len(leading) < 2 or "f" in leading or not first:
        return factors
    return [factors[first], *factors[:first], *factors[first + 1 :]]


# Factors in their places


def _written(factors: Sequence[Factor], shape: Shape) -> list[PlacedFactor]:
    """The factors of a term as they stand in a product: as an outer product, as one that is turned, or each in its place."""
    if all(x.positions == last(len(x.positions)) for x in factors):
        return [(x.value, x.divides) for x in factors]
    outer = _outer(factors, shape) if len(factors) > 1 else None
    if outer is not None:
        return outer
    order = _order(factors, len(shape))
    if order is None:
        return [(_in_place(run, shape), run[0].divides) for run in _runs(factors)]
    inner = joined(Term(factors=_among(factors, order)), tuple(shape[p] for p in order), "f", exact=True)
    return [(transposed(inner, [order.index(p) for p in last(len(order))]), False)]


def _among(factors: Sequence[Factor], positions: Sequence[int]) -> tuple[Factor, ...]:
    """The factors of a product that has only these positions, in this order."""
    place = dict(zip(positions, last(len(positions)), strict=True))
    return tuple(x.at(place) for x in factors)


def _runs(factors: Sequence[Factor]) -> list[list[Factor]]:
    """Factors one by one, but those together that follow one another and need the same new axes."""
    runs: list[list[Factor]] = []
    for x in factors:
        same = runs and sorted(runs[-1][0].positions) == sorted(x.positions) and len(x.positions) < -min(x.positions, default=0)
        if same and not runs[-1][0].divides and runs[-1][0].value.kind == "f":
            runs[-1].append(x)
        else:
            runs.append([x])
    return runs


def _in_place(run: Sequence[Factor], shape: Shape) -> Expression:
    """Factors with axes at the same positions as one value with its axes in order, and new ones, so that NumPy aligns them."""
    live = sorted(run[0].positions)
    if len(run) == 1:
        value = transposed(run[0].value, [run[0].positions.index(p) for p in live])
    else:
        value = joined(Term(factors=_among(run, live)), tuple(shape[p] for p in live), "f")
    first = live[0] if live else 0
    return with_new_axes(value, [p - first for p in range(first, 0) if p not in live], -first)


def _order(factors: Sequence[Factor], ndim: int) -> Positions | None:
    """The order of axes in which a product needs the fewest turns, where that is not the one of the positions."""
    if len(factors) < 2 or any(len(x.positions) not in (0, ndim) for x in factors):
        return None
    turns = Counter(x.positions for x in factors if x.positions)
    best = max(turns, key=lambda index: turns[index], default=last(ndim))
    return best if turns[best] > turns[last(ndim)] + 1 else None


def _outer(factors: Sequence[Factor], shape: Shape) -> list[PlacedFactor] | None:
    """A product of vectors along the two axes of a matrix, among its other factors, which are numbers."""
    if len(shape) != 2 or any(len(x.positions) > 1 for x in factors):
        return None
    sides = [[x for x in factors if x.positions == (p,)] for p in (-2, -1)]
    for side, size in zip(sides, shape, strict=True):
        if _is_number_or_mask(side) or any(x.value.shape != (size,) for x in side):
            return None
    vectors = [joined(Term(factors=_among(side, side[0].positions)), side[0].value.shape, "f") for side in sides]
    first = next(i for i, x in enumerate(factors) if x.positions)
    numbers = [(i, (x.value, x.divides)) for i, x in enumerate(factors) if not x.positions]
    outer = outer_product(*vectors)
    return [*(x for i, x in numbers if i < first), (outer, False), *(x for i, x in numbers if i > first)]


def _is_number_or_mask(factors: Sequence[Factor]) -> bool:
    """Whether a product is no array of floats by itself: it has only divisors, or only integers and masks."""
    return all(x.divides for x in factors) or all(x.value.kind != "f" for x in factors)


# Sums over positions


def summed(factors: Sequence[Factor], gone: set[int], raw: Apply, place: Mapping[int, int]) -> Factor:
    """The sum of a product over the positions that go, as `raw` sums it, as one factor; `place` is where the others are.

    It is a matrix product where a factor would have to be turned, or given an axis, for the sum.
    """
    live = sorted(had(factors))
    found = {p: n for x in factors for p, n in zip(x.positions, x.value.shape, strict=True) if n != 1}
    shape = tuple(found.get(p, 1) for p in live)
    keepdims = bool(raw.params.get("keepdims"))
    rest = tuple(place[p] for p in live if p not in gone)
    parts = _among(factors, live)
    bound = [i for i, p in enumerate(live) if p in gone]
    if not keepdims and len(bound) == 1 and any(x.positions != last(len(x.positions)) for x in parts):
        matrix = contracted(parts, bound[0] - len(live), shape)
        if matrix is not None:
            return Factor(matrix, rest)
    body = spelled(Form((Term(factors=parts),), shape, "f"))
    axis = None if len(bound) == len(live) else bound[0] if len(bound) == 1 else tuple(bound)
    axis = raw.params.get("axis") if len(live) == len(raw.inputs[0].shape) else axis
    sizes = [1 if i in bound else n for i, n in enumerate(shape) if keepdims or i not in bound]
    return Factor(total(body, axis, keepdims, tuple(sizes)), tuple([place.get(p, p) for p in live]) if keepdims else rest)


def contracted(factors: Sequence[Factor], bound: int, shape: Shape) -> Expression | None:
    """A product summed over one position as a matrix product; None where it is none."""
    free = [p for p in last(len(shape)) if p != bound]
    if not 0 < len(free) < 3:
        return None
    left = [x for x in factors if free[0] in x.positions]
    right = [x for x in factors if free[0] not in x.positions]
    if len(free) == 1 and left and left[0].positions[-1] != bound:  # a vector stands where the matrix need not be turned
        left, right = right, left
    orders = [[p for p in free if p in had(left)] + [bound], [bound] + [p for p in free if p in had(right)]]
    if had(left) & had(right) != {bound} or not all(_is_operand(x, shape) for x in (left, right)):
        return None
    first, second = (_operand(x, order, shape) for x, order in zip((left, right), orders, strict=True))
    return matrix_product(first, second, tuple(shape[p] for p in free))


def _is_operand(factors: Sequence[Factor], shape: Shape) -> bool:
    """Whether a product is an array of floats with all of its axes in full."""
    full = {p for x in factors for p, n in zip(x.positions, x.value.shape, strict=True) if n == shape[p]}
    return full == had(factors) and not _is_number_or_mask(factors)


def _operand(factors: Sequence[Factor], order: Sequence[int], shape: Shape) -> Expression:
    return spelled(Form((Term(factors=_among(factors, order)),), tuple(shape[p] for p in order), "f"))
