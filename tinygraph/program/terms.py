"""What the normal form of gradients is made of: a sum of terms, each a sign, a coefficient, factors with positions, and divisors.

A factor has a *position* for each of its axes: where in the term its entries stand, counted from the last axis (-1), as NumPy
aligns them. So broadcasting needs no rule: factors are listed side by side. A transpose renumbers positions, and a new axis is a
position that no factor has. An axis of size 1 is an axis; it is absent only where it meets a longer one. A sum over axes, such as
a matrix product, is one factor of the term that it stands in.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from tinygraph.node import Node
from tinygraph.program.value import Apply, Expression, Number, Shape, is_literal, unbound

Positions: TypeAlias = tuple[int, ...]


class Factor(NamedTuple):
    """A value that multiplies or divides, and the position of each of its axes."""

    value: Expression
    positions: Positions
    divides: bool = False

    def at(self, place: Mapping[int, int]) -> Factor:
        """The same factor at other positions."""
        return Factor(self.value, tuple([place[p] for p in self.positions]), self.divides)


def factor(value: Expression, divides: bool = False) -> Factor:
    """A value whose axes are the last ones of the term that it stands in."""
    return Factor(value, last(len(value.shape)), divides)


@cache
def last(ndim: int) -> Positions:
    """The positions of the last axes, in order."""
    return tuple(range(-ndim, 0))


def had(factors: Iterable[Factor], long: bool = False) -> set[int]:
    """The positions at which factors have an axis; with `long` one that is longer than 1."""
    if not long:
        return {p for x in factors for p in x.positions}
    return {p for x in factors for p, n in zip(x.positions, x.value.shape, strict=True) if n != 1}


class Term(NamedTuple):
    """sign · coefficient · factors / divisors; the divisors are numbers: literals and counts."""

    sign: int = 1
    coefficient: Any = 1
    factors: tuple[Factor, ...] = ()
    divisors: tuple[Expression, ...] = ()

    @property
    def key(self) -> Any:
        """What terms have in common that differ in sign and coefficient alone."""
        factors = sorted([(id(unbound(x.value)), x.positions, x.divides) for x in self.factors])
        return tuple(factors), tuple(sorted(map(id, self.divisors)))


ONE = Term()


class Form(NamedTuple):
    """A sum of terms, with shape and kind of dtype; `like` is a value of that shape, where a term is repeated to it."""

    terms: tuple[Term, ...]
    shape: Shape
    kind: str
    like: Expression | None = None

    @property
    def factors(self) -> Iterable[Factor]:
        """Those of all terms."""
        return (x for term in self.terms for x in term.factors)

    @property
    def bare(self) -> list[int]:
        """The positions of the axes, longer than 1, that no factor has."""
        for x in self.factors:
            if len(x.positions) == len(self.shape) and 1 not in x.value.shape:
                return []
        known = had(self.factors, long=True)
        return [p for p in last(len(self.shape)) if self.shape[p] != 1 and p not in known]

    @property
    def is_short(self) -> bool:
        """Whether there is an axis, be its size 1, that no factor has."""
        return len(had(self.factors)) < len(self.shape) or bool(self.bare)

    @property
    def is_lost(self) -> bool:
        """Whether a repetition was taken off that nothing makes up for."""
        return self.like is None and bool(self.bare)


def times(*terms: Term) -> Term:
    """The product of terms."""
    product = terms[0]
    for term in terms[1:]:
        sign, coefficient = product.sign * term.sign, product.coefficient * term.coefficient
        product = Term(sign, coefficient, product.factors + term.factors, product.divisors + term.divisors)
    return product


def divided(term: Term, number: Any) -> Term:
    """A term over a number: the literals cancel where the division is exact."""
    rest = tuple(x for x in term.divisors if not is_literal(x))
    literal = math.prod([x.value for x in term.divisors if is_literal(x)]) * number
    if literal == 0 and not term.factors:  # dividing two literals by 0 raises in Python
        return Term(term.sign, math.inf if term.coefficient else math.nan, (), rest)
    if literal == 1:
        return term._replace(divisors=rest)
    if literal and term.coefficient and term.coefficient % literal == 0:
        return term._replace(coefficient=term.coefficient // literal, divisors=rest)
    return term._replace(divisors=(*rest, Number(literal)))


def merged(terms: Sequence[Term]) -> tuple[Term, ...]:
    """The terms, with those that differ in their coefficient alone as one (so do numbers), unless that would be 0."""
    found: dict[Any, Term] = {}
    for term in terms:
        if not term.coefficient or not math.isfinite(term.coefficient):  # 0·x is NaN where x is, so it stays
            found[len(found)] = term
            continue
        twin = found.get(term.key)
        total = term.sign * term.coefficient + (twin.sign * twin.coefficient if twin is not None else 0)
        if twin is None or not total:
            found[term.key if twin is None else len(found)] = term
        else:
            found[term.key] = twin._replace(sign=-1 if total < 0 else 1, coefficient=abs(total))
    return tuple(found.values())


def is_scale(x: Expression, scales: Collection[Node] = ()) -> bool:
    """Whether an expression depends on no value: it consists of numbers and counts alone, and of the names in `scales`."""
    if isinstance(x, Apply):
        return not x.op.reads_values or (x.op.of_numbers and all(is_scale(i, scales) for i in x.inputs))
    return isinstance(x, Number) or x.node in scales
