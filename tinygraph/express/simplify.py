"""The one simplifier: turns what the chain rule recorded into what a textbook prints.

Each op of a gradient is applied to inputs that are simple already, by `simplified`. A product is kept as `factors.Product`, its
factors in the order of the rule; a sum as a flat list of signed terms. The rewrites:

- numbers are folded: 2·(3·x) is 6·x, 1·x and x/1 are x, x**1 is x, x**0 is 1, -(-x) is x, x + (-y) is x - y, x + x is 2·x;
- a sign and a number come out of a product, a quotient, a matrix product, a sum over axes, a transpose and a new axis;
- a scalar divisor (a count or a number) comes out of products and sums over axes, and out of a sum that shares it;
- a value that is only repeated to another shape is used as it is where the result has that shape anyway, and a scalar that
  is repeated once more is repeated once;
- a number below the line cancels against the coefficient where the division is exact: 2·x / (2·y) is x / y;
- x.T.T is x, and (x.T @ y).T is y.T @ x;
- the sum over all entries of a repeated scalar is the scalar times their number;
- undoing a broadcast is a sum over the axes that were recorded as stretched; a cast to the same dtype is dropped.

0·x is never folded, because NaN and infinity must survive.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.lib.array_utils import normalize_axis_tuple

from tinygraph import ops
from tinygraph.express.expression import Apply, Expression, Name, Number, Shape, apply, broadcast, is_literal, key
from tinygraph.express.factors import Product, cancelled, closed, is_scale, joined, opened, over, parted, repeated, times
from tinygraph.ops import Op


def simplified(op: Op, inputs: Sequence[Expression], params: Mapping[str, Any], shape: Shape, kind: str) -> Expression:
    """An op on simple expressions, in simple form; shape and kind of dtype are those of the recorded value."""
    rewrite = REWRITES.get(op)
    if rewrite is not None:
        raw = apply(op, *inputs, shape=shape, kind=kind, **params)
        simple = rewrite(raw, False)
        # A broadcast that was taken off cannot always be made up for.
        return simple if simple.shape == shape else rewrite(raw, True)
    return structural(op, _unstretched(inputs, shape) if op.elementwise else inputs, params, shape, kind)


def structural(op: Op, inputs: Sequence[Expression], params: Mapping[str, Any], shape: Shape, kind: str) -> Expression:
    """An op as it was recorded, except that a shape taken from another value is spelled as NumPy does."""
    x = inputs[0]
    if op is ops.alias:
        return x
    if op is ops.sum_like:
        return _sum_to(x, inputs[1].shape)
    if op is ops.cast_like and _same_dtype(x, inputs[1]):
        return x
    if op is ops.count and not inputs[0].shape:
        return Number(1)
    if op is ops.count:
        kind = "i"  # as `len` gives it
    if op is ops.broadcast_like:
        return repeated(x, inputs[1], shape, kind)
    return Apply(op, tuple(inputs), params, shape, kind, 1 + sum(i.size for i in inputs))


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
    everything = len(axes) == len(x.shape)
    params = {"axis": None if everything else axes[0] if len(axes) == 1 else axes, "keepdims": bool(stretched)}
    return simplified(ops.sum, [x], params, shape, x.kind)


def _unstretched(inputs: Sequence[Expression], shape: Shape) -> Sequence[Expression]:
    """The operands of an elementwise op, each without its broadcast where the result has the same shape without."""
    plain = list(inputs)
    for i, x in enumerate(inputs):
        if isinstance(x, Apply) and x.op is ops.broadcast_like and x.inputs[0].kind == x.kind:
            others = [*plain[:i], x.inputs[0], *plain[i + 1 :]]
            if broadcast([other.shape for other in others]) == shape:
                plain = others
    return plain


# Products


def _product_rule(raw: Apply, keep: bool) -> Expression:
    product = times(opened(raw.inputs[0], keep), opened(raw.inputs[1], keep))
    if any(map(is_literal, product.divisors)):
        product = cancelled(product, 1)
    return closed(_reduced(product), raw.shape, raw.kind)


def _reduced(product: Product) -> Product:
    """The coefficient cancelled against those of what is below the line, where the division is exact: 2·x / (2·y) is x / y."""
    factors = [(_less_coefficient(x, product) if divides else x, divides) for x, divides in product.factors]
    divisors = [_less_coefficient(x, product) for x in product.divisors]
    return Product(product.sign, product.coefficient, factors, divisors, product.like)


def _less_coefficient(x: Expression, product: Product) -> Expression:
    """What is below the line without its coefficient, which is taken from that of the product where the division is exact."""
    number, rest = parted(x)
    if number == 1 or not product.coefficient or product.coefficient % number:
        return x
    product.coefficient //= number
    return rest


def _quotient_rule(raw: Apply, keep: bool) -> Expression:
    return closed(_reduced(over(opened(raw.inputs[0], keep), raw.inputs[1], keep)), raw.shape, raw.kind)


def _negative_rule(raw: Apply, keep: bool) -> Expression:
    if raw.kind == "u":  # wraps around, and no unsigned integer is -1
        return structural(raw.op, raw.inputs, raw.params, raw.shape, raw.kind)
    product = opened(raw.inputs[0], keep)
    product.sign = -product.sign
    return closed(product, raw.shape, raw.kind)


def _power_rule(raw: Apply, keep: bool) -> Expression:
    base, exponent = raw.inputs
    if is_literal(exponent) and exponent.value == 1 and base.kind == raw.kind:
        return base
    return structural(raw.op, _unstretched(raw.inputs, raw.shape), raw.params, raw.shape, raw.kind)


def _repeat_rule(raw: Apply, keep: bool) -> Expression:
    """A value that was repeated to some shape and is repeated to another one is repeated to that."""
    x, like = raw.inputs
    scalar = joined(opened(x), raw.kind) if x.shape else x
    if not scalar.shape:
        x = scalar
    elif isinstance(x, Apply) and x.op is ops.broadcast_like:
        x = x.inputs[0]
    return structural(raw.op, [x, like], raw.params, raw.shape, raw.kind)


def _reshape_rule(raw: Apply, keep: bool) -> Expression:
    """A shape that loses the axes which a sum kept is the shape of the sum without them; a scalar takes any by repetition."""
    x, like = raw.inputs
    if x.shape == raw.shape:
        return x
    if not joined(opened(x), raw.kind).shape:
        return _repeat_rule(apply(ops.broadcast_like, x, like, shape=raw.shape, kind=raw.kind), keep)
    if isinstance(x, Apply) and x.op is ops.sum and x.params["keepdims"]:
        axis, ndim = x.params["axis"], len(x.shape)
        axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
        if tuple(size for i, size in enumerate(x.shape) if i not in axes) == raw.shape:
            return simplified(ops.sum, x.inputs, {**x.params, "keepdims": False}, raw.shape, raw.kind)
    return _linear_rule(raw, keep)


# Linear maps: what scales the operand scales the result


def _linear_rule(raw: Apply, keep: bool) -> Expression:
    scale, operands = Product(), []
    for x in raw.inputs:
        product = opened(x)
        bare = [(*parted(factor), divides) if divides else (1, factor, divides) for factor, divides in product.factors]
        rest = closed(Product(factors=[(factor, divides) for _, factor, divides in bare]), x.shape, x.kind)
        if not product.factors or rest.shape != x.shape or rest.kind != "f":
            operands.append(x)
            continue
        below: list[Expression] = [Number(number) for number, _, _ in bare if number != 1]
        scale = times(scale, Product(product.sign, product.coefficient, [], product.divisors + below))
        operands.append(rest)
    if scale.sign > 0 and scale.coefficient == 1 and not scale.divisors:
        return structural(raw.op, raw.inputs, raw.params, raw.shape, raw.kind)
    whole = simplified(raw.op, operands, raw.params, raw.shape, raw.kind)
    return closed(cancelled(times(scale, Product(factors=[(whole, False)])), 1), raw.shape, raw.kind)


def _total_rule(raw: Apply, keep: bool) -> Expression:
    """A sum over all axes of a repeated scalar is that scalar times their number."""
    product = opened(raw.inputs[0])
    is_repeated = raw.inputs[0].shape and not any(factor.shape for factor, _ in product.factors)
    if raw.shape or not is_repeated or not isinstance(product.like, Name) or product.like.shape != raw.inputs[0].shape:
        return _linear_rule(raw, keep)
    product.factors = [*product.factors, (structural(ops.count, [product.like], {"axis": None}, (), "i"), False)]
    return closed(product, raw.shape, raw.kind)


def _transpose_rule(raw: Apply, keep: bool) -> Expression:
    """Axes that come back to their places, and matrix products whose factors are transposed already."""
    x = raw.inputs[0]
    order = _order(raw)
    if order == tuple(range(len(order))):
        return x
    if isinstance(x, Apply) and x.op is ops.transpose:
        inner = _order(x)
        return _transposed(x.inputs[0], tuple(inner[i] for i in order))
    if isinstance(x, Apply) and x.op is ops.matmul and _swaps_last(order) and _has_transposed_matrix(x):
        left, right = (_transposed(y, _swapped(len(y.shape))) for y in reversed(x.inputs))
        return simplified(ops.matmul, [left, right], x.params, raw.shape, raw.kind)
    if order == (1, 0) and raw.params["axes"] is not None:
        return _transposed(x, order)
    return _linear_rule(raw, keep)


def _has_transposed_matrix(product: Apply) -> bool:
    matrices = all(len(x.shape) >= 2 for x in product.inputs)
    return matrices and any(isinstance(x, Apply) and x.op is ops.transpose and _swaps_last(_order(x)) for x in product.inputs)


def _swaps_last(order: tuple[int, ...]) -> bool:
    return order == _swapped(len(order))


def _swapped(ndim: int) -> tuple[int, ...]:
    return (*range(ndim - 2), ndim - 1, ndim - 2)


def _transposed(x: Expression, order: tuple[int, ...]) -> Expression:
    axes = None if order == tuple(reversed(range(len(order)))) else order
    return simplified(ops.transpose, [x], {"axes": axes}, tuple(x.shape[i] for i in order), x.kind)


def _order(x: Apply) -> tuple[int, ...]:
    """Which axis of its operand each axis of a transpose is."""
    axes = x.params["axes"]
    return tuple(reversed(range(len(x.shape)))) if axes is None else tuple(axis % len(x.shape) for axis in axes)


# Sums


def _terms(x: Expression, keep: bool) -> list[Product]:
    """A sum as its terms."""
    if isinstance(x, Apply) and x.op is ops.broadcast_like and x.kind == "f" and not keep:
        terms = _terms(x.inputs[0], keep)
        for term in terms:
            term.like = x.inputs[1]
        return terms
    if isinstance(x, Apply) and x.op in (ops.add, ops.subtract) and x.kind == "f":
        left, right = _terms(x.inputs[0], keep), _terms(x.inputs[1], keep)
        if x.op is ops.subtract:
            for term in right:
                term.sign = -term.sign
        return left + right
    return [opened(x, keep)]


def _sum_rule(raw: Apply, keep: bool) -> Expression:
    """A sum in flat form; what all of its terms are divided by is taken out."""
    if all(map(is_literal, raw.inputs)):
        return Number(raw.op(*[x.value for x in raw.inputs if is_literal(x)]))
    first, second = raw.inputs
    if is_scale(first) and is_literal(second) and second.value == 0:  # counts are finite
        return first
    left, right = _terms(first, keep), _terms(second, keep)
    if raw.op is ops.subtract:
        for term in right:
            term.sign = -term.sign
    terms = _merged(left + right)
    like = next((term.like for term in terms if term.like is not None), None)
    shared = _shared_divisors(terms)
    if shared:
        terms = [_less(term, shared) for term in terms]
    numbers = any(_is_float(term) for term in terms[:2])
    whole: Expression | None = None
    for term in terms:
        sign = term.sign
        own = _own_kind(term) if numbers else raw.kind  # beside a float, neither a mask nor a number has to be one
        if whole is None:
            whole = joined(term, own)
        else:
            term = Product(1, term.coefficient, term.factors, term.divisors)
            whole = _added(whole, joined(term, own), sign, raw.kind)
    assert whole is not None
    return closed(Product(1, 1, [(whole, False)], shared, like), raw.shape, raw.kind)


def _merged(terms: Sequence[Product]) -> list[Product]:
    """The terms, with those that differ in their coefficient alone as one (so do numbers), unless that would be 0."""
    found: dict[Any, Product] = {}
    for term in terms:
        same = sorted((repr(key(x)), divides) for x, divides in term.factors), sorted(repr(key(x)) for x in term.divisors)
        if not term.coefficient or not math.isfinite(term.coefficient):  # 0·x is NaN where x is, so it stays
            found[id(term)] = term
            continue
        twin = found.get(repr(same))
        total = term.sign * term.coefficient + (twin.sign * twin.coefficient if twin is not None else 0)
        if twin is None or not total:
            found[repr(same) if twin is None else id(term)] = term
        else:
            like = twin.like or term.like
            found[repr(same)] = Product(-1 if total < 0 else 1, abs(total), twin.factors, twin.divisors, like)
    return list(found.values())


def _added(left: Expression, right: Expression, sign: int, kind: str) -> Expression:
    if is_literal(left) and is_literal(right):
        return Number(left.value + sign * right.value)
    return apply(ops.add if sign > 0 else ops.subtract, left, right, kind=kind)


def _own_kind(term: Product) -> str:
    if not term.factors:
        return "i"
    lead = term.factors[0][0].kind
    alone = len(term.factors) == 1 and term.coefficient == 1 and not term.divisors
    return lead if alone and (term.sign > 0 or lead != "u") else "f"  # -1 is none of the unsigned integers


def _is_float(term: Product) -> bool:
    return bool(term.divisors) or any(x.kind == "f" for x, _ in term.factors)


def _shared_divisors(terms: Sequence[Product]) -> list[Expression]:
    common = Counter(map(key, terms[0].divisors))
    for term in terms[1:]:
        common &= Counter(map(key, term.divisors))
    shared = []
    for x in terms[0].divisors:
        if common[key(x)]:
            common[key(x)] -= 1
            shared.append(x)
    return shared


def _less(term: Product, shared: Sequence[Expression]) -> Product:
    rest = list(term.divisors)
    for x in shared:
        rest.pop(next(i for i, y in enumerate(rest) if key(y) == key(x)))
    return Product(term.sign, term.coefficient, term.factors, rest, term.like)


REWRITES = {
    ops.multiply: _product_rule,
    ops.divide: _quotient_rule,
    ops.negative: _negative_rule,
    ops.power: _power_rule,
    ops.broadcast_like: _repeat_rule,
    ops.reshape_like: _reshape_rule,
    ops.add: _sum_rule,
    ops.subtract: _sum_rule,
    ops.expand_dims: _linear_rule,
    ops.matmul: _linear_rule,
    ops.sum: _total_rule,
    ops.transpose: _transpose_rule,
}
