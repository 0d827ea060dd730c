"""What becomes of an expression by one slip in writing it down: each variant differs from it in one place."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial, reduce
from itertools import islice
from typing import Any, NamedTuple

from tinygraph.node import Node
from tinygraph.ops import matmul, not_equal, transpose, where
from tinygraph.program.build import added, matrix_product, negated, product, quotient, repeated, transposed
from tinygraph.program.value import Apply, Expression, Name, Number, apply, is_operator
from tinygraph.slips import Slip

MOST = 500  # variants of one expression, the outermost first
MOST_AXES = 4


class Suspect(NamedTuple):
    """A slip, the value that it leads to as an expression, and how deep in the formula it was made."""

    said: Callable[[], Slip]  # the words take time, and few are read
    expression: Expression
    depth: int = 0

    @property
    def slip(self) -> Slip:
        """The slip."""
        return self.said()


class Variants:
    """The variants of expressions where each of `others(node)` may be taken for a value, and `said(key, **words)` is the slip."""

    def __init__(self, others: Callable[[Node], Sequence[Node]], said: Callable[..., Slip]) -> None:
        self._others = others
        self._said = said

    def of(self, x: Expression) -> Iterator[Suspect]:
        """The variants of an expression, those of the whole before those of its parts."""
        return islice(self._outermost_first(x), MOST)

    def _outermost_first(self, x: Expression) -> Iterator[Suspect]:
        places: deque[tuple[Expression, int, Callable[[Expression], Expression]]] = deque([(x, 0, lambda part: part)])
        while places:
            part, depth, rebuilt = places.popleft()
            for variant in self._here(part):
                yield variant._replace(expression=rebuilt(variant.expression), depth=depth)
            if isinstance(part, Apply):
                places.extend((y, depth + 1, partial(_put_in, rebuilt, part, i)) for i, y in enumerate(part.inputs))

    def _here(self, x: Expression) -> Iterator[Suspect]:
        if isinstance(x, Name):
            yield from (self._instead("wrong value", x, Name(other)) for other in self._others(x.node))
        elif is_operator(x, ast.Mult) or is_operator(x, ast.Div):
            yield from self._of_product(x)
        elif is_operator(x, ast.Add) or is_operator(x, ast.Sub):
            yield from self._of_sum(x)
        elif is_operator(x, ast.USub):
            yield self._suspect("sign: of a term", x.inputs[0], term=x.inputs[0])
        elif isinstance(x, Apply):
            yield from self._of_application(x)

    def _of_application(self, x: Apply) -> Iterator[Suspect]:
        if x.op is matmul:
            yield from self._of_matmul(x)
        elif len(x.inputs) == 1 and not x.op.elementwise and "axis" in x.params and x.kind == "f":
            yield from self._of_reduction(x)
        elif len(x.inputs) == 1 and x.op.elementwise:
            yield self._suspect("missing factor: of an op", x.inputs[0], op=x.op.name)
        if "template" in x.params:
            yield from self._of_slices(x)

    def _suspect(self, key: str, expression: Expression, **words: str | Expression) -> Suspect:
        return Suspect(partial(self._said, key, **words), expression)

    def _instead(self, key: str, wanted: Expression, used: Expression) -> Suspect:
        return self._suspect(key, used, used=used, wanted=wanted)

    def _factor(self, factor: Expression, what: str, expression: Expression) -> Suspect:
        return self._suspect("missing factor", expression, factor=factor, what=what)

    def _of_product(self, x: Apply) -> Iterator[Suspect]:
        """A factor that is missing or taken twice, a divisor that is missing or multiplied by."""
        above, below = quotient_of(x)
        if len(above) > 1:
            for i, factor in enumerate(above):
                yield self._factor(factor, "is missing", _product(_without(above, i), below))
        for factor in above:
            if not isinstance(factor, Number):
                yield self._factor(factor, "is taken twice", product(x, factor))
        for i, divisor in enumerate(below):
            inverse, rest = quotient(Number(1), divisor), _without(below, i)
            yield self._factor(inverse, "is missing", _product(above, rest))
            yield self._factor(inverse, "is inverted", _product([*above, divisor], rest))

    def _of_sum(self, x: Apply) -> Iterator[Suspect]:
        """A term that is missing or has the wrong sign."""
        found = terms(x)
        for i, (sign, term) in enumerate(found):
            changed = [*found[:i], (-sign, term), *found[i + 1 :]]
            yield self._suspect("term", _sum(_without(found, i)), term=_sum([(sign, term)]), what="is missing")
            yield self._suspect("term", _sum(changed), term=term, what="has the wrong sign")
        if len({x.shape, *(term.shape for _, term in found)}) == 1 and x.shape:
            yield self._suspect("overwritten: by slices", reduce(_assigned, (_sum([one]) for one in found)))

    def _of_matmul(self, x: Apply) -> Iterator[Suspect]:
        """Operands that are swapped or transposed, and the product entry by entry."""
        left, right = x.inputs
        ways = [(a, b) for a in _ways(left) for b in _ways(right)]
        for a, b in [*ways, *((b, a) for a, b in ways)]:
            if (a, b) != (left, right):
                yield self._instead("operands", x, matrix_product(a, b, x.shape, x.kind))
        with suppress(ValueError):  # operands that do not broadcast
            yield self._instead("operands", x, product(left, right, x.kind))

    def _of_reduction(self, x: Apply) -> Iterator[Suspect]:
        """Another axis, or none."""
        given, axes = x.params["axis"], range(len(x.inputs[0].shape))
        changes = ({}, {"keepdims": not x.params["keepdims"]}) if "keepdims" in x.params else ({},)
        for axis in [None, *axes][: MOST_AXES + 1]:
            if axis != given and (given is not None or len(axes) > 1):
                for change in changes:
                    other = _with_params(x, axis=axis, **change)
                    yield self._suspect("axis", other, used=other)
        yield self._suspect("missing factor: of an op", x.inputs[0], op=f"{x.op.name} over axis {given}")

    def _of_slices(self, x: Apply) -> Iterator[Suspect]:
        """Slices that start and end one place away."""
        template = x.params["template"]
        for i, part in enumerate(template):
            for step in (1, -1) if isinstance(part, slice | int) and not isinstance(part, bool) else ():
                other = _with_params(x, template=(*template[:i], _moved(part, step), *template[i + 1 :]))
                yield self._suspect("index", other, used=other)


def _without(many: Sequence[Any], i: int) -> list[Any]:
    return [*many[:i], *many[i + 1 :]]


def _with_params(x: Apply, **changes: Any) -> Apply:
    return Apply(x.op, x.inputs, {**x.params, **changes}, x.shape, x.kind, x.size)


def _put_in(rebuilt: Callable[[Expression], Expression], whole: Apply, i: int, part: Expression) -> Expression:
    return rebuilt(_with_input(whole, i, part))


def _with_input(x: Apply, i: int, part: Expression) -> Apply:
    inputs = (*x.inputs[:i], part, *x.inputs[i + 1 :])
    return Apply(x.op, inputs, x.params, x.shape, x.kind, 1 + sum(y.size for y in inputs))


def _moved(part: Any, step: int) -> Any:
    if isinstance(part, int):
        return part + step
    start, stop = (None if end is None else end + step for end in (part.start, part.stop))
    return slice(start, stop, part.step)


def _ways(x: Expression) -> list[Expression]:
    """An operand as it is, and transposed if it is a matrix."""
    if len(x.shape) != 2:
        return [x]
    return [x, x.inputs[0] if isinstance(x, Apply) and x.op is transpose else transposed(x, (1, 0))]


def quotient_of(x: Expression) -> tuple[list[Expression], list[Expression]]:
    """The factors and the divisors of a product."""
    if is_operator(x, ast.Mult):
        (a, b), (c, d) = map(quotient_of, x.inputs)
        return a + c, b + d
    if is_operator(x, ast.Div):
        (a, b), (c, d) = map(quotient_of, x.inputs)
        return a + d, b + c
    if is_operator(x, ast.USub):
        above, below = quotient_of(x.inputs[0])
        return [Number(-1), *above], below
    return [x], []


def terms(x: Expression, sign: int = 1) -> list[tuple[int, Expression]]:
    """The terms of a sum with their signs."""
    if is_operator(x, ast.Add):
        return terms(x.inputs[0], sign) + terms(x.inputs[1], sign)
    if is_operator(x, ast.Sub):
        return terms(x.inputs[0], sign) + terms(x.inputs[1], -sign)
    if is_operator(x, ast.USub):
        return terms(x.inputs[0], -sign)
    return [(sign, x)]


def _product(above: Sequence[Expression], below: Sequence[Expression]) -> Expression:
    whole = reduce(product, above) if above else Number(1)
    return quotient(whole, reduce(product, below)) if below else whole


def _assigned(before: Expression, term: Expression) -> Expression:
    """What is left where a term is assigned to the entries that it reaches: those of its slice, or else those that are not 0."""
    reached = term
    if isinstance(term, Apply) and "template" in term.params:
        part = term.inputs[0]
        reached = _with_input(term, 0, repeated(Number(1.0), part, part.shape))
    return apply(where, apply(not_equal, reached, Number(0), kind="b"), term, before)


def _sum(found: Sequence[tuple[int, Expression]]) -> Expression:
    (sign, first), *others = found
    return reduce(lambda whole, term: added(whole, term[1], term[0]), others, first if sign > 0 else negated(first))
