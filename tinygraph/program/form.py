"""The one normal form of gradients: turns what the chain rule recorded into what a textbook prints.

Each op of a gradient is applied to expressions that are in normal form already, by `simplified`: its inputs are opened as sums of
terms, its rule makes a sum of terms of them, and `tinygraph.program.plan` writes that. The rewrites:

- numbers are folded, like terms are added up, and a coefficient cancels where the division is exact;
- signs, numbers, divisors that are numbers, and factors without the axes that are summed stand outside of sums and products;
- a repetition is left out where the result has its shape without, and the sum over it is a count;
- an axis of size 1 that no factor has comes and goes without a trace, and transposes only renumber positions;
- what all terms are divided by is taken out of a sum.

0·x is never folded, because NaN and infinity must survive. No pair of parentheses is opened but for a sum in a sum.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from tinygraph.ops import (
    Kind,
    Op,
    Rearrangement,
    Reduction,
    Repetition,
    Sum,
    SumOfProducts,
    cast_like,
    count,
    reshape_like,
    sum_like,
)
from tinygraph.program.build import repeated, size_along, total
from tinygraph.program.plan import contracted, loose, spelled, summed
from tinygraph.program.terms import ONE, Factor, Form, Term, divided, factor, had, is_scale, last, merged, times
from tinygraph.program.value import Apply, Expression, Name, Number, Shape, broadcast, is_literal

Opened: TypeAlias = Callable[[Expression], Form]
Rule: TypeAlias = Callable[[Apply, Opened], "Form | None"]


def simplified(op: Op, inputs: Sequence[Expression], params: Mapping[str, Any], shape: Shape, kind: str) -> Expression:
    """An op on simple expressions, in simple form; shape and kind of dtype are those of the recorded value."""
    raw = as_it_is(op, inputs, params, shape, kind)
    rule = _rule_of(op)
    if rule is not None:
        form = _opened_by(rule, raw)
        if form is not None and form.is_lost:
            form = rule(raw, closed)
        if form is not None and not form.is_lost:
            return spelled(form)
    return structural(op, _unstretched(inputs, shape) if op.elementwise else inputs, params, shape, kind)


def structural(op: Op, inputs: Sequence[Expression], params: Mapping[str, Any], shape: Shape, kind: str) -> Expression:
    """An op as it was recorded, except that a shape taken from another value is spelled as NumPy does."""
    x = inputs[0]
    if op.is_operand or (op is cast_like and _same_dtype(x, inputs[1])):
        return x
    if op is sum_like:
        return _sum_to(x, inputs[1].shape)
    if op is count:
        return size_along(x, params["axis"])
    if isinstance(op.kind, Repetition):
        return repeated(x, inputs[1], shape, kind, op)
    return as_it_is(op, inputs, params, shape, kind)


def as_it_is(op: Op, inputs: Sequence[Expression], params: Mapping[str, Any], shape: Shape, kind: str) -> Apply:
    """An op on expressions, whatever they are."""
    return Apply(op, tuple(inputs), params, shape, kind, 1 + sum([x.size for x in inputs]))


def _same_dtype(x: Expression, like: Expression) -> bool:
    return isinstance(like, Name) and isinstance(x, Name) and x.node.dtype == like.node.dtype


def _sum_to(x: Expression, shape: Shape) -> Expression:
    """The sum over the axes that a value of `shape` was stretched along."""
    extra = len(x.shape) - len(shape)
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and x.shape[extra + i] != 1)
    if extra and stretched:
        return _sum_to(_sum_to(x, x.shape[extra:]), shape)
    if not extra and not stretched:
        return x
    axes = tuple(range(extra)) or stretched
    axis = None if len(axes) == len(x.shape) else axes[0] if len(axes) == 1 else axes
    whole = total(x, axis, bool(stretched), shape)
    return simplified(whole.op, [x], whole.params, shape, x.kind)


def _unstretched(inputs: Sequence[Expression], shape: Shape) -> Sequence[Expression]:
    """The operands of an elementwise op, each without its broadcast where the result has the same shape without."""
    plain = list(inputs)
    for i, x in enumerate(inputs):
        if isinstance(x, Apply) and isinstance(x.op.kind, Repetition) and x.inputs[0].kind == x.kind:
            others = [*plain[:i], x.inputs[0], *plain[i + 1 :]]
            if broadcast([other.shape for other in others]) == shape:
                plain = others
    return plain


# Opening an expression


_FORMS: WeakKeyDictionary[Apply, Form] = WeakKeyDictionary()


def opened(x: Expression) -> Form:
    """The form of an expression; it may lack axes that the expression is only repeated along."""
    if is_literal(x) and not isinstance(x.value, bool):
        return Form((Term(-1 if math.copysign(1, x.value) < 0 else 1, abs(x.value)),), (), x.kind)
    rule = _rule_of(x.op) if isinstance(x, Apply) else None
    if rule is None or rule in TOTALS or not isinstance(x, Apply) or not (x.kind == "f" or is_scale(x)):
        return alone(x)  # integers of arrays wrap around, and bools are no numbers
    return _opened_by(rule, x) or alone(x)


def _opened_by(rule: Rule, x: Apply) -> Form | None:
    """What a rule makes of an expression; that of a sum, which is a factor of it, is not kept."""
    known = _FORMS.get(x)
    if known is None:
        known = rule(x, opened)
        if known is not None and rule not in TOTALS:
            _FORMS[x] = known
    return known


def closed(x: Expression) -> Form:
    """The form of an expression with all of its axes longer than 1: what is repeated is a factor."""
    form = opened(x)
    rule = _rule_of(x.op) if form.bare and isinstance(x, Apply) else None
    if isinstance(x, Apply) and rule in PRODUCTS:
        form = rule(x, closed) or form
    return alone(x) if form.bare else form


def alone(x: Expression) -> Form:
    """An expression as one factor."""
    return Form((Term(factors=(factor(x),)),), x.shape, x.kind)


def one_term(x: Expression, form: Form) -> Term:
    """An expression as one term: a sum of several is a factor."""
    if len(form.terms) == 1:
        return form.terms[0]
    return Term(factors=(factor(x if form.like is None else loose(form)),))


def _whole(raw: Apply, terms: Sequence[Term], *forms: Form) -> Form:
    """Terms as the form of an op's result, repeated like one of the operands where that is needed."""
    form = Form(tuple(terms), raw.shape, raw.kind)
    like = next((x.like for x in forms if x.like is not None and x.like.shape == raw.shape), None)
    return form if like is None or not form.is_short else form._replace(like=like)


# Products


def _product(raw: Apply, of: Opened) -> Form:
    forms = [of(x) for x in raw.inputs]
    term = times(*map(one_term, raw.inputs, forms))
    if any(map(is_literal, term.divisors)):
        term = divided(term, 1)
    return _whole(raw, [_reduced(term)], *forms)


def _outer(raw: Apply, of: Opened) -> Form:
    """A product of two vectors, each along an axis of its own."""
    down, across = (one_term(x, closed(x)) for x in raw.inputs)
    down = down._replace(factors=tuple(x.at({-1: -2}) for x in down.factors))
    return _whole(raw, [times(down, across)])


def _quotient(raw: Apply, of: Opened) -> Form:
    above, below = map(of, raw.inputs)
    term = _over(one_term(raw.inputs[0], above), raw.inputs[1], below)
    return _whole(raw, [_reduced(term)], above, below)


def _over(above: Term, x: Expression, form: Form) -> Term:
    """A term divided by an expression: its sign goes, a number is a divisor, anything else a factor that divides."""
    below = one_term(x, form)
    above = above._replace(sign=above.sign * below.sign)
    if not below.factors and not below.divisors:
        return divided(above, below.coefficient)
    if len(below.factors) == 1 and below.coefficient == 1 and not below.divisors and not below.factors[0].divides:
        only = below.factors[0]
        if not is_scale(only.value):
            return above._replace(factors=(*above.factors, only._replace(divides=True)))
        return above._replace(divisors=(*above.divisors, only.value))
    if below.sign < 0 or form.like is not None:
        x = loose(form._replace(terms=(below._replace(sign=1),)))
    if is_scale(x):
        return above._replace(divisors=(*above.divisors, x))
    return above._replace(factors=(*above.factors, factor(x, divides=True)))


def _reduced(term: Term) -> Term:
    """The coefficient cancelled against those of what is below the line, where the division is exact: 2·x / (2·y) is x / y."""
    coefficient = term.coefficient

    def less(x: Expression) -> Expression:
        nonlocal coefficient
        number, rest = _parted(x)
        if number == 1 or not coefficient or coefficient % number:
            return x
        coefficient //= number
        return rest

    if coefficient == 1 or not (term.divisors or any(x.divides for x in term.factors)):
        return term
    factors = tuple(x._replace(value=less(x.value)) if x.divides else x for x in term.factors)
    return Term(term.sign, divisors=tuple(map(less, term.divisors)), factors=factors, coefficient=coefficient)


def _parted(x: Expression) -> tuple[Any, Expression]:
    """The coefficient of a product, where there is one, and what it is without."""
    form = opened(x)
    term = form.terms[0]
    if len(form.terms) > 1 or term.coefficient in (0, 1) or not term.factors:
        return 1, x
    return term.coefficient, spelled(form._replace(terms=(term._replace(coefficient=1),)))


def _negative(raw: Apply, of: Opened) -> Form | None:
    if raw.kind == "u":  # wraps around, and no unsigned integer is -1
        return None
    form = of(raw.inputs[0])
    return _whole(raw, [_negated(one_term(raw.inputs[0], form))], form)


def _power(raw: Apply, of: Opened) -> Form | None:
    base, exponent = raw.inputs
    if is_literal(exponent) and exponent.value == 1 and base.kind == raw.kind:
        return of(base)
    if is_literal(exponent) and exponent.value == 0 and raw.kind == "f":  # 1 even of NaN
        return Form((ONE,), raw.shape, raw.kind, base if raw.shape else None)
    return None


def _sum(raw: Apply, of: Opened) -> Form | None:
    return _added(raw, of, lambda term: term)


def _difference(raw: Apply, of: Opened) -> Form | None:
    return _added(raw, of, _negated)


def _added(raw: Apply, of: Opened, signed: Callable[[Term], Term]) -> Form | None:
    if raw.kind == "b":  # True + True is True, not 2
        return None
    if all(map(is_literal, raw.inputs)):
        return opened(Number(raw.op(*[x.value for x in raw.inputs if is_literal(x)])))
    first, second = raw.inputs
    if is_scale(first) and is_literal(second) and second.value == 0:  # counts are finite
        return of(first)
    left, right = map(of, raw.inputs)
    return _whole(raw, merged([*left.terms, *map(signed, right.terms)]), left, right)


def _negated(term: Term) -> Term:
    return Term(-term.sign, term.coefficient, term.factors, term.divisors)


# Positions


def _repeated(raw: Apply, of: Opened) -> Form:
    """A value that is repeated to a shape is repeated there once, and not at all if it has the shape."""
    form = of(raw.inputs[0])._replace(shape=raw.shape, kind=raw.kind, like=None)
    return form._replace(like=raw.inputs[1]) if form.is_short else form


def _rearranged(raw: Apply, of: Opened) -> Form | None:
    """Axes in other places, which are those of the factors; None where one goes that a factor has."""
    assert isinstance(raw.op.kind, Rearrangement)
    x, new = raw.inputs[0], last(len(raw.shape))
    places = raw.op.kind.places([x.shape], raw.params)
    place = {old[1] - len(x.shape): p for old, p in zip(places, new, strict=True) if old is not None}
    form = of(x)
    term = one_term(x, form)
    if not had(term.factors) <= place.keys():
        return None
    return _whole(raw, [term._replace(factors=tuple(y.at(place) for y in term.factors))], form)


def _reshape(raw: Apply, of: Opened) -> Form | None:
    """A shape that differs in axes of size 1 alone is another place for each axis; a number takes any shape."""
    x, like = raw.inputs
    form = of(x)
    if x.shape == raw.shape:
        return form
    if not had(form.factors):
        return form._replace(shape=raw.shape, like=like)
    term = one_term(x, form)
    place = _widened(x.shape, raw.shape) if len(raw.shape) > len(x.shape) else _narrowed(term, x.shape, raw.shape)
    if place is None:
        return _linear(raw)
    return _whole(raw, [term._replace(factors=tuple(_squeezed(y, place) for y in term.factors))], form)


def _widened(before: Shape, after: Shape) -> dict[int, int] | None:
    """The new position of each axis where a shape gets axes of size 1; None where it changes otherwise."""
    place: dict[int, int] = {}
    for i, n in enumerate(after):
        old = len(place)
        if old < len(before) and before[old] == n:
            place[old - len(before)] = i - len(after)
        elif n != 1:
            return None
    return place if len(place) == len(before) else None


def _narrowed(term: Term, before: Shape, after: Shape) -> dict[int, int] | None:
    """The new position of each axis that stays, where a shape loses those of size 1 that no factor has but as a reduction kept
    them; None where it changes otherwise."""
    known = {p for x in term.factors for p in x.positions if p not in _kept(x)}
    stay = [p for p in last(len(before)) if before[p] != 1 or p in known]
    return dict(zip(stay, last(len(stay)), strict=True)) if tuple(before[p] for p in stay) == after else None


def _kept(x: Factor) -> list[int]:
    """The positions of the axes of size 1 that a reduction kept."""
    value = x.value
    if not isinstance(value, Apply) or not isinstance(value.op.kind, Reduction) or not value.params.get("keepdims"):
        return []
    return [x.positions[i] for i in value.op.kind.gone(len(value.shape), value.params)]


def _squeezed(x: Factor, place: Mapping[int, int]) -> Factor:
    """A factor at other positions, without the axes that go, which a reduction kept."""
    stay = [i for i, p in enumerate(x.positions) if p in place]
    if len(stay) == len(x.positions) or not isinstance(x.value, Apply):
        return x.at(place)
    params, shape = {**x.value.params, "keepdims": False}, tuple(x.value.shape[i] for i in stay)
    bare = as_it_is(x.value.op, x.value.inputs, params, shape, x.value.kind)
    return Factor(bare, tuple(place[x.positions[i]] for i in stay), x.divides)


# Sums over axes: what scales the operand, and what has none of the axes, stands outside


def _scaled(x: Expression, form: Form) -> tuple[Term, Term]:
    """An expression as its scale, sign · coefficient / divisors, and the rest."""
    term = one_term(x, form)
    if not any(y.divides for y in term.factors):
        return Term(term.sign, term.coefficient, (), term.divisors), Term(factors=term.factors)
    below: list[Expression] = []
    factors = []
    for y in term.factors:
        number, rest = _parted(y.value) if y.divides else (1, y.value)
        below += [Number(number)] if number != 1 else []
        factors.append(y if number == 1 else y._replace(value=rest))
    return Term(term.sign, term.coefficient, (), (*term.divisors, *below)), Term(factors=tuple(factors))


def _is_one(scale: Term) -> bool:
    return scale.sign > 0 and scale.coefficient == 1 and not scale.divisors


def _linear(raw: Apply) -> Form | None:
    """A linear op of its first input, with the scale of that in front."""
    x, *others = raw.inputs
    form = closed(x)
    scale, rest = _scaled(x, form)
    if not rest.factors or _is_one(scale):
        return None
    bare = spelled(form._replace(terms=(rest,)))
    if bare.shape != x.shape or bare.kind != "f":
        return None
    whole = alone(structural(raw.op, [bare, *others], raw.params, raw.shape, raw.kind))
    return _whole(raw, [divided(times(scale, whole.terms[0]), 1)])


def _total(raw: Apply, of: Opened) -> Form | None:
    """A sum over axes: over those that a value is only repeated along it is a count, and the rest is one factor."""
    x = raw.inputs[0]
    form, ndim = of(x), len(x.shape)
    if _is_lone(x, form):
        return None
    gone = {i - ndim for i in Reduction.gone(ndim, raw.params)}
    bare = [p for p in form.bare if p in gone]
    if not ndim or x.kind != "f" or (bare and not isinstance(form.like, Name)):
        return form if not ndim else None
    scale, rest = _scaled(x, form)
    kept = [p for p in last(ndim) if p not in gone]
    place = {p: p if raw.params.get("keepdims") else q for p, q in zip(kept, last(len(kept)), strict=True)}
    before, inside, after = _apart(rest.factors, gone)
    sums = [summed(inside, gone, raw, place)] if inside else []
    counts = [factor(_count(form.like, bare))] if bare and form.like is not None else []
    term = Term(factors=(*(y.at(place) for y in before), *sums, *(y.at(place) for y in after), *counts))
    return _whole(raw, [_reduced(divided(times(scale, term), 1))], form)


def _is_lone(x: Expression, form: Form) -> bool:
    """Whether an expression is one factor, and no product."""
    if len(form.terms) > 1:
        return form.like is None
    term = form.terms[0]
    return len(term.factors) == 1 and term.factors[0].value is x


def _count(like: Expression, positions: Sequence[int]) -> Expression:
    ndim = len(like.shape)
    return size_along(like, None if len(positions) == ndim else tuple(p + ndim for p in positions))


def _apart(factors: Sequence[Factor], gone: set[int]) -> tuple[list[Factor], list[Factor], list[Factor]]:
    """The factors in front of a sum over positions, inside it and behind it; masks and integers are not summed alone."""
    within = [x for x in factors if gone.intersection(x.positions)]
    if not within:
        return list(factors), [], []
    if all(x.value.kind != "f" for x in within):
        return [], list(factors), []
    first = factors.index(within[0])
    return list(factors[:first]), within, [x for x in factors[first:] if x not in within]


def _matmul(raw: Apply, of: Opened) -> Form | None:
    if raw.kind != "f":
        return None
    before, operands, after = _without_numbers(raw)
    if all(map(operator.is_, operands, raw.inputs)):
        return None
    whole = alone(structural(raw.op, operands, raw.params, raw.shape, raw.kind))
    return _whole(raw, [divided(times(before, *whole.terms, after), 1)])


def _sum_of_products(raw: Apply, of: Opened) -> Form | None:
    """Subscripts that are those of an outer product or a matrix product."""
    assert isinstance(raw.op.kind, SumOfProducts)
    terms, result = raw.op.kind.letters(tuple(len(x.shape) for x in raw.inputs), raw.params)
    bound = {letter for term in terms for letter in term} - {*result}
    if raw.kind != "f" or len(terms) != 2 or len(bound) != 1 or not all(bound <= {*term} for term in terms):
        return None
    (letter,) = bound
    before, operands, after = _without_numbers(raw)
    place = dict(zip([*result, letter], last(len(result) + 1), strict=True))
    factors: list[Factor] = []
    for x, term in zip(operands, terms, strict=True):
        at = {p: place[name] for p, name in zip(last(len(term)), term, strict=True)}
        factors += [y.at(at) for y in one_term(x, closed(x)).factors]
    product = contracted(factors, -1, (*raw.shape, operands[0].shape[terms[0].index(letter)]))
    return None if product is None else _whole(raw, [divided(times(before, *alone(product).terms, after), 1)])


def _without_numbers(raw: Apply) -> tuple[Term, list[Expression], Term]:
    """The operands of a sum of products without what is a number in them, which stands in front of it or behind it."""
    before, operands, after = ONE, list[Expression](), ONE
    for x in raw.inputs:
        form = closed(x)
        scale, rest = _scaled(x, form)
        if _is_one(scale) and all(y.positions for y in rest.factors):
            operands.append(x)
            continue
        first = next((i for i, y in enumerate(rest.factors) if y.positions and not y.divides), None)
        ahead = 0 if operands else first
        bare = rest._replace(factors=tuple(y for y in rest.factors if y.positions))
        within = spelled(form._replace(terms=(bare,))) if first is not None else x
        if first is None or within.shape != x.shape or within.kind != "f":
            operands.append(x)
            continue
        before = times(before, scale, Term(factors=tuple(y for y in rest.factors[:ahead] if not y.positions)))
        after = times(after, Term(factors=tuple(y for y in rest.factors[ahead:] if not y.positions)))
        operands.append(within)
    return before, operands, after


@lru_cache(maxsize=1024)
def _rule_of(op: Op) -> Rule | None:
    """The rule that an op declares to follow: as an operator of Python, or by its kind."""
    kind = op.kind
    if op.operator is not None and (op.elementwise or isinstance(kind, SumOfProducts)):
        return OPERATORS.get(op.operator.syntax)
    if op is reshape_like:
        return _reshape
    if kind == SumOfProducts("i,j->ij"):
        return _outer
    if op.view and isinstance(kind, Rearrangement) and len(op.arguments) == 1:
        return _rearranged
    return next((rule for known, rule in KINDS.items() if isinstance(kind, known)), None)


OPERATORS: Mapping[type[ast.AST], Rule] = {
    ast.Mult: _product,
    ast.Div: _quotient,
    ast.USub: _negative,
    ast.Pow: _power,
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.MatMult: _matmul,
}
KINDS: Mapping[type[Kind], Rule] = {Repetition: _repeated, Sum: _total, SumOfProducts: _sum_of_products}
PRODUCTS: set[Rule] = {_product, _quotient, _negative}
TOTALS: set[Rule] = {_total, _matmul, _sum_of_products}  # of what stays one factor
