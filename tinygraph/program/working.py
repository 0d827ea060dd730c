"""A gradient worked out further, line by line, each with its reason: `da * a * (1 - a)` goes on to `a - y`.

In each round a name is put in, and then the rules are tried in order: products of sums are multiplied out, what stands above and
below the line is cancelled, like terms are collected. A round ends at its shortest line. The last round is one that ends shorter
than it began, and about as short as the first line. All lines are in the normal form of gradients, but unlike that, these rules
change values: a divisor that cancels must not be 0, and terms that add up to 0 must be finite.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tinygraph.node import Node
from tinygraph.ops import Repetition, ratio
from tinygraph.program.build import added, quotient
from tinygraph.program.form import opened, simplified
from tinygraph.program.plan import spelled
from tinygraph.program.statements import Program, Statement
from tinygraph.program.terms import ONE, Factor, Form, Term, factor, is_scale, last, times
from tinygraph.program.value import Apply, Expression, Name, Number, broadcast, is_literal, is_operator, unbound

LONGEST = 60  # ops of an expression that is worked on
MOST = 40  # terms that a product is multiplied out to
ALLOWED = 1  # ops that the last line may be longer than the first, where a gradient is a name: -dt * t, da * a * (1 - a)

Terms: TypeAlias = tuple[Term, ...]


class DerivationStep(NamedTuple):
    """A line, and why it equals the one before: words, what they are about (sides of an equation), and what must not be 0."""

    expression: Expression
    words: str
    about: tuple[Expression, ...] = ()
    nonzero: tuple[Expression, ...] = ()


class Change(NamedTuple):
    """What a rule makes of a sum of terms, and the reason, as in a step."""

    terms: Terms
    words: str
    about: tuple[Expression, ...] = ()
    nonzero: tuple[Expression, ...] = ()


Rule: TypeAlias = Callable[[Terms, Program], Change | None]


def worked(statement: Statement) -> list[DerivationStep]:
    """The steps from the statement of a gradient to the shortest line that it leads to."""
    first = statement.expression
    lines = _round(DerivationStep(first, "start of the backward pass" if isinstance(first, Number) else "chain rule"), statement)
    kept = len(lines)
    known = {x.node: x for x in statement.program.statements}
    while (name := _next(lines[-1].expression, known)) is not None:
        by = known[name.node]
        if by.phase == "forward":  # which a rule may bring back
            del known[name.node]
        found = _round(DerivationStep(_put(lines[-1].expression, {name: unbound(by.expression)}), "put in", (name,)), statement)
        if found[-1].expression.size > LONGEST:
            break
        lines += found
        if len(found) > 1 and found[-1].expression.size <= first.size + ALLOWED:
            kept = len(lines)
    return lines[:kept]


def _round(start: DerivationStep, statement: Statement) -> list[DerivationStep]:
    """A line, and the steps that lead from it to the shortest one."""
    terms = opened(start.expression).terms
    reduced = _spelled(terms, statement)
    steps = [start, *([DerivationStep(reduced, "simplify")] if reduced.size < start.expression.size else [])]
    for rule in RULES:
        change = rule(terms, statement.program) if steps[-1].expression.size <= LONGEST else None
        if change is not None:
            terms = change.terms
            expression = _spelled(terms, statement)
            if expression is not steps[-1].expression:
                steps.append(DerivationStep(expression, *change[1:]))
    shortest = min(range(len(steps)), key=lambda i: steps[i].expression.size)
    return steps[: shortest + 1]


def _spelled(terms: Terms, statement: Statement) -> Expression:
    """A sum of terms in the shape of a gradient."""
    assert statement.of is not None
    form = Form(terms, statement.shape, "f")
    return spelled(form._replace(like=Name(statement.of)) if form.is_short else form)


# Putting in


def _next(x: Expression, known: Mapping[Node, Statement]) -> Name | None:
    """The name to put in: of a value whose expression is a factor too, else of the first gradient that goes entry by entry."""
    names = [name for name in _names(x) if name.node in known]
    factors = {unbound(y.value) for y in opened(x).factors}
    for name in names:
        if unbound(known[name.node].expression) in factors:
            return name
    return next((y for y in names if known[y.node].phase == "backward" and _is_entrywise(known[y.node].expression)), None)


def _is_entrywise(x: Expression) -> bool:
    """Whether each entry is computed from the entries in its place, and from numbers."""
    return not isinstance(x, Apply) or is_scale(x) or (_keeps_places(x) and all(map(_is_entrywise, _operands(x))))


def _keeps_places(x: Apply) -> bool:
    return x.op.elementwise or isinstance(x.op.kind, Repetition)


def _operands(x: Apply) -> list[Expression]:
    """The operands of which values are read."""
    return [y for i, y in enumerate(x.inputs) if not x.op.reads_shape_at(i)]


def _names(x: Expression) -> Iterator[Name]:
    """The names in an expression that each entry is computed from in its place."""
    if isinstance(x, Name):
        yield x
    elif isinstance(x, Apply) and _keeps_places(x):
        for y in _operands(x):
            yield from _names(y)


def _put(x: Expression, new: Mapping[Expression, Expression]) -> Expression:
    """An expression with others in place of its parts, in normal form."""
    if x in new:
        return new[x]
    if not isinstance(x, Apply) or not _keeps_places(x):
        return x
    inputs = [y if x.op.reads_shape_at(i) else _put(y, new) for i, y in enumerate(x.inputs)]
    same = all(a is b for a, b in zip(inputs, x.inputs, strict=True))
    return x if same else simplified(x.op, inputs, x.params, x.shape, x.kind)


# Rules


def _as_quotients(terms: Terms, program: Program) -> Change | None:
    """A ratio, which is 0 where what stands above the line is, as a quotient."""
    found: dict[Expression, Expression] = {
        y: unbound(quotient(y.inputs[0], y.inputs[1])) for term in terms for x in term.factors for y in _ratios(x.value)
    }
    if not found:
        return None
    new = tuple(times(term._replace(factors=()), *(_opened(x, found) for x in term.factors)) for term in terms)
    divisors = [unbound(y.inputs[1]) for y in found if isinstance(y, Apply)]
    return Change(new, "write ratios as quotients", (), tuple(dict.fromkeys(divisors)))


def _ratios(x: Expression) -> Iterator[Apply]:
    if isinstance(x, Apply) and _keeps_places(x):
        if x.op is ratio:
            yield x
        for y in _operands(x):
            yield from _ratios(y)


def _opened(x: Factor, new: Mapping[Expression, Expression]) -> Term:
    """A factor with others in place of its parts, as a term."""
    value = _put(x.value, new)
    form = opened(value)
    if x.divides or len(form.terms) > 1 or form.bare:
        return Term(factors=(x._replace(value=value),))
    return _placed(form.terms[0], x)


def _recalled(terms: Terms, program: Program) -> Change | None:
    """Where the forward pass computed a = 1 / (1 + t), what divides by 1 + t times a, and t as (1 - a) / a."""
    for statement in program.forward:
        found = _reciprocal(statement.expression)
        if found is None:
            continue
        below, summand = found
        result = Name(statement.node)
        rest = factor(unbound(added(Number(1), result, -1)))
        new = {(below, True): [factor(result)], (summand, False): [rest, factor(result, divides=True)]}
        changed = tuple(_exchanged(term, new) for term in terms)
        if changed != terms:
            divides = any((unbound(x.value), x.divides) == (summand, False) for term in terms for x in term.factors)
            return Change(changed, "as", (result, statement.expression), (result,) if divides else ())
    return None


def _reciprocal(x: Expression) -> tuple[Expression, Expression] | None:
    """1 + t and t of 1 / (1 + t)."""
    if not is_operator(x, ast.Div) or not _is_one(x.inputs[0]):
        return None
    below = x.inputs[1]
    if not is_operator(below, ast.Add) or below.shape != x.shape:
        return None
    others = [y for y in below.inputs if not _is_one(y)]
    return (unbound(below), unbound(others[0])) if len(others) == 1 else None


def _is_one(x: Expression) -> bool:
    return is_literal(x) and x.value == 1


def _exchanged(term: Term, new: Mapping[tuple[Expression, bool], Sequence[Factor]]) -> Term:
    """A term with other factors in place of some."""
    found: list[Factor] = []
    for x in term.factors:
        parts = new.get((unbound(x.value), x.divides))
        found += [x] if parts is None else [y._replace(positions=x.positions) for y in parts]
    return term._replace(factors=tuple(found))


def _cancelled(terms: Terms, program: Program) -> Change | None:
    """Without the factors that stand above and below the line."""
    nonzero: dict[Expression, None] = {}
    new = []
    for term in terms:
        factors = [y for x in term.factors for y in _split(x)]
        above, below = (Counter(_key(x) for x in factors if x.divides is side) for side in (False, True))
        both = above & below
        nonzero |= dict.fromkeys(value for value, _ in both)
        new.append(term._replace(factors=tuple(_without(factors, both))) if both else term)
    return Change(tuple(new), "cancel", (), tuple(nonzero)) if nonzero else None


def _key(x: Factor) -> tuple[Expression, tuple[int, ...]]:
    return unbound(x.value), x.positions


def _split(x: Factor) -> list[Factor]:
    """A product below the line as its factors."""
    form = opened(x.value) if x.divides else None
    if form is None or len(form.terms) > 1 or form.bare or form.terms[0] != ONE._replace(factors=form.terms[0].factors):
        return [x]
    return [y._replace(divides=not y.divides) for y in _placed(form.terms[0], x).factors]


def _placed(term: Term, x: Factor) -> Term:
    """A term of what a factor opens to, in the place of the factor."""
    place = dict(zip(last(len(x.positions)), x.positions, strict=True))
    return term._replace(factors=tuple(y.at(place) for y in term.factors))


def _without(factors: Sequence[Factor], gone: Counter[Any]) -> Iterator[Factor]:
    """The factors but for some of each side."""
    left = {side: Counter(gone) for side in (False, True)}
    for x in factors:
        if left[x.divides][_key(x)] > 0:
            left[x.divides][_key(x)] -= 1
        else:
            yield x


def _fractions_multiplied_out(terms: Terms, program: Program) -> Change | None:
    """Products of sums that have fractions as sums of products."""
    return _multiplied_out(terms, lambda form: any(x.divides for x in form.factors))


def _all_multiplied_out(terms: Terms, program: Program) -> Change | None:
    return _multiplied_out(terms)


def _multiplied_out(terms: Terms, *chosen: Callable[[Form], bool]) -> Change | None:
    new = tuple(product for term in terms for product in products(term, *chosen))
    return Change(new, "multiply out") if len(terms) < len(new) <= MOST else None


def products(term: Term, chosen: Callable[[Form], bool] = lambda form: True) -> list[Term]:
    """A term as a sum of products, with the sums that are chosen multiplied out."""
    found = [term._replace(factors=())]
    for x in term.factors:
        form = opened(x.value)
        if x.divides or len(form.terms) == 1 or form.bare or not chosen(form) or len(found) > MOST:
            found = [times(y, Term(factors=(x,))) for y in found]
        else:
            parts = [part for y in form.terms for part in products(_placed(y, x), chosen)]
            found = [times(y, part) for y in found for part in parts]
    return found


def _collected(terms: Terms, program: Program) -> Change | None:
    """Like terms as one, without those that add up to 0; what is subtracted stands behind."""
    found: dict[Any, Term] = {}
    for i, term in enumerate(terms):
        key = term.key if math.isfinite(term.coefficient) else i
        twin = found.get(key)
        total = term.sign * term.coefficient + (0 if twin is None else twin.sign * twin.coefficient)
        found[key] = term._replace(sign=-1 if total < 0 else 1, coefficient=abs(total))
    if len(found) == len(terms):
        return None
    left = sorted([x for x in found.values() if x.coefficient], key=lambda x: x.sign < 0)
    return Change(tuple(left) or (Term(coefficient=0),), "collect")


def _taken_out(terms: Terms, program: Program) -> Change | None:
    """What all terms are multiplied by, in front of which their sum stands."""
    first, *others = terms
    shared = next((x for x in first.factors if not x.divides and all(x in y.factors for y in others)), None)
    if not others or shared is None or any(y.divisors != first.divisors for y in others):
        return None
    rest = tuple(y._replace(factors=_less(y.factors, shared), divisors=()) for y in terms)
    form = Form(rest, broadcast([x.value.shape for term in rest for x in term.factors]), "f")
    if form.bare or any(x.positions != last(len(x.positions)) for x in form.factors):
        return None
    return Change((Term(factors=(factor(spelled(form)), shared), divisors=first.divisors),), "take out", (shared.value,))


def _less(factors: tuple[Factor, ...], x: Factor) -> tuple[Factor, ...]:
    i = factors.index(x)
    return (*factors[:i], *factors[i + 1 :])


RULES: Sequence[Rule] = (
    _as_quotients,
    _recalled,
    _cancelled,
    _fractions_multiplied_out,
    _cancelled,
    _all_multiplied_out,
    _collected,
    _taken_out,
)
