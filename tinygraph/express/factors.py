"""An expression as a product, sign · coefficient · factors / divisors, and back: the form in which the simplifier multiplies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygraph import ops
from tinygraph.express.expression import Apply, Expression, Name, Number, Shape, apply, is_literal

SCALE_OPS = {ops.add, ops.subtract, ops.multiply, ops.divide}


@dataclass
class Product:
    """sign · coefficient · factors / divisors; each factor multiplies, or divides where its flag is set."""

    sign: int = 1
    coefficient: Any = 1
    factors: list[tuple[Expression, bool]] = field(default_factory=list)
    divisors: list[Expression] = field(default_factory=list)
    like: Expression | None = None  # what a broadcast that was taken off had the shape of


def opened(x: Expression, keep: bool = False) -> Product:
    """An expression as a product; a broadcast is taken off, unless it is to be kept."""
    if is_literal(x) and not isinstance(x.value, bool):
        return Product(-1 if math.copysign(1, x.value) < 0 else 1, abs(x.value))
    if isinstance(x, Apply) and (x.kind == "f" or is_scale(x)):  # integers of arrays wrap around, and bools are no numbers
        if x.op is ops.negative:
            inner = opened(x.inputs[0], keep)
            inner.sign = -inner.sign
            return inner
        if x.op is ops.multiply:
            return times(opened(x.inputs[0], keep), opened(x.inputs[1], keep))
        if x.op is ops.divide:
            return over(opened(x.inputs[0], keep), x.inputs[1], keep)
        if keep:
            return Product(factors=[(x, False)])
        if x.op is ops.broadcast_like:
            inner = opened(x.inputs[0])
            inner.like = x.inputs[1]
            return inner
        if x.op is ops.power and is_literal(x.inputs[1]) and x.inputs[1].value == 0:  # 1 even of NaN
            return Product(like=x.inputs[0])
        if x.op in (ops.expand_dims, ops.reshape_like):
            inner = opened(x.inputs[0])
            if not any(factor.shape for factor, _ in inner.factors):  # a scalar, repeated
                inner.like = x
                return inner
    return Product(factors=[(x, False)])


def times(left: Product, right: Product) -> Product:
    """The product of two products."""
    return Product(
        left.sign * right.sign,
        left.coefficient * right.coefficient,
        left.factors + right.factors,
        left.divisors + right.divisors,
        left.like or right.like,
    )


def over(left: Product, right: Expression, keep: bool) -> Product:
    """A product divided by an expression."""
    below = opened(right, keep)
    left = Product(left.sign * below.sign, left.coefficient, left.factors, left.divisors, left.like or below.like)
    if not below.factors and not below.divisors:
        return cancelled(left, below.coefficient)
    if below.like is not None:
        right = joined(Product(1, below.coefficient, below.factors, below.divisors), right.kind)
    elif below.sign < 0:
        right = closed(Product(1, below.coefficient, below.factors, below.divisors), right.shape, right.kind)
    if is_scale(right):
        left.divisors = [*left.divisors, right]
    else:
        left.factors = [*left.factors, (right, True)]
    return left


def cancelled(product: Product, number: Any) -> Product:
    """A product over a number: the two literals cancel where the division is exact."""
    rest: list[Expression] = [x for x in product.divisors if not is_literal(x)]
    literal = math.prod([x.value for x in product.divisors if is_literal(x)]) * number
    if literal == 0 and not product.factors:  # dividing two literals by 0 raises in Python
        return Product(product.sign, math.inf if product.coefficient else math.nan, [], rest, product.like)
    if literal == 1:
        return Product(product.sign, product.coefficient, product.factors, rest, product.like)
    if literal and product.coefficient and product.coefficient % literal == 0:
        return Product(product.sign, product.coefficient // literal, product.factors, rest, product.like)
    return Product(product.sign, product.coefficient, product.factors, [*rest, Number(literal)], product.like)


def is_scale(x: Expression) -> bool:
    """Whether an expression depends on no value: numbers and counts alone."""
    if isinstance(x, Apply):
        return x.op is ops.count or (x.op in SCALE_OPS and all(map(is_scale, x.inputs)))
    return isinstance(x, Number)


def closed(product: Product, shape: Shape, kind: str = "f") -> Expression:
    """A product as applications again, repeated to `shape` where it lost a broadcast that it needs."""
    whole = joined(product, kind)
    if whole.shape != shape and isinstance(product.like, Name) and product.like.shape == shape:
        return repeated(whole, product.like, shape, kind)
    return whole


def repeated(x: Expression, like: Expression, shape: Shape, kind: str) -> Expression:
    """A value repeated to the shape of another one."""
    if is_literal(x) and kind == "f":
        x = Number(float(x.value))
    return x if x.shape == shape else apply(ops.broadcast_like, x, like, shape=shape, kind=kind)


def joined(product: Product, kind: str) -> Expression:
    """A product as applications again, in the shape that its factors give."""
    factors = list(product.factors)
    coefficient = product.coefficient
    if kind == "f" and not factors and not product.divisors:
        return Number(product.sign * float(coefficient))
    if isinstance(coefficient, float) and coefficient and coefficient.is_integer() and coefficient < 2**53:
        coefficient = int(coefficient)
    if kind == "f":
        factors = _float_first(factors)
    first = next((i for i, (_, divides) in enumerate(factors) if not divides), None)
    if first is not None and coefficient == 1 and not _needs_number(product, factors, first, kind):
        lead, _ = factors.pop(first)
        whole = negated(lead) if product.sign < 0 else lead
    else:
        exact = kind == "f" and bool(factors) and factors[0][0].kind != "f"
        whole = Number(product.sign * (float(coefficient) if exact else coefficient))
    for x, divides in factors:
        whole = apply(ops.divide if divides else ops.multiply, whole, x, kind=kind)
    for x in product.divisors:
        whole = apply(ops.divide, whole, x, kind=kind)
    return whole


def _needs_number(product: Product, factors: Sequence[tuple[Expression, bool]], first: int, kind: str) -> bool:
    """Whether a product needs its coefficient 1: masks and integers alone are no floating-point number, nor have all a sign."""
    lead = factors[first][0].kind
    if product.sign < 0 and lead in "bu":
        return True
    if kind != "f" or lead == "f":
        return False
    following = next(((x.kind, divides) for i, (x, divides) in enumerate(factors) if i != first), None)
    if following is None:
        return not product.divisors
    kind, divides = following
    return kind != "f" and not divides


def _float_first(factors: list[tuple[Expression, bool]]) -> list[tuple[Expression, bool]]:
    """The factors, a floating-point one leading where two integers would: their product might not fit their dtype."""
    leading = [x.kind for x, divides in factors[:2] if not divides]
    first = next((i for i, (x, divides) in enumerate(factors) if x.kind == "f" and not divides), 0)
    if len(leading) < 2 or "f" in leading or not first:
        return factors
    return [factors[first], *factors[:first], *factors[first + 1 :]]


def negated(x: Expression) -> Expression:
    """-x, with the sign on the leading number where there is one."""
    if isinstance(x, Apply) and x.op is ops.negative:
        return x.inputs[0]
    return Number(-x.value) if is_literal(x) else apply(ops.negative, x, kind=x.kind)


def parted(x: Expression) -> tuple[Any, Expression]:
    """The coefficient of a product, where there is one, and what it is without."""
    product = opened(x)
    if product.coefficient in (0, 1) or not product.factors:
        return 1, x
    rest = closed(Product(product.sign, 1, product.factors, product.divisors, product.like), x.shape, x.kind)
    return (product.coefficient, rest) if rest.shape == x.shape else (1, x)
