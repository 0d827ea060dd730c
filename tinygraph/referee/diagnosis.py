"""Which slips explain a wrong answer: one in the value itself, two at once, or one in an earlier value that was not given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np

from tinygraph.node import Node
from tinygraph.program.build import product
from tinygraph.program.flow import Flow
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression, Name, Number
from tinygraph.referee.rounding import Rounding, value_of, values_of
from tinygraph.referee.suspects import Suspects, numbers_of, sizes_of
from tinygraph.referee.variants import Suspect
from tinygraph.slips import FACTORS, Right, Slip, factors, joined, not_finite, of_numbers, slip, times, unexplained

MOST = 3  # explanations of one answer
WORK = 100_000  # statements that are computed again to find a slip in a value that was not given

Values = Mapping[Node, Any]  # of those that do not have their recorded value
RIGHT: Values = {}


class Cause(NamedTuple):
    """A slip in a value that was not given, and the values that all others have then."""

    slip: Slip
    node: Node
    is_backward: bool
    values: Values


class Diagnosis:
    """Finds the slips that explain answers about one program."""

    def __init__(self, program: Program, rounding: Rounding) -> None:
        self._program = program
        self._rounding = rounding
        self._suspects = Suspects(program, Flow(program, through=program.temporaries))
        self._sizes = sizes_of(program)
        self._numbers = numbers_of(program, self._sizes)
        self._statements = {s.node: s for s in program.statements}

    def follows(self, answer: Any, node: Node, values: Values) -> bool:
        """Whether an answer is right for such values of the others, in one of the ways in which it is computed."""
        close = self._rounding.close(node)
        if close(answer, values.get(node, node._value)):
            return True
        statement = self._statements.get(node)
        forms = () if statement is None else self._suspects.forms(statement)
        return any(value is not None and close(answer, value) for value in (_or_none(form, values) for form in forms))

    def own(self, answer: Any, node: Node, values: Values = RIGHT) -> list[Slip]:
        """The single slips that lead to an answer from such values of the others, up to three: all of the likeliest way."""
        right, statement = self._right(node, values), self._statements.get(node)
        numbers = of_numbers(answer, right)
        evident = not_finite(answer, right) or [one for one in numbers if one.kind == "zero"]
        if statement is None:
            return evident or self._gradients(answer, node) or numbers
        ways = (
            evident,
            chain(numbers, self._fitting(answer, right, self._suspects.usual(statement), values)),
            self._fitting(answer, right, self._suspects.elsewhere(statement), values),
            self._fitting(answer, right, self._suspects.written(statement), values),
        )
        return next(filter(None, map(one_of_each, ways)), [])

    def both(self, answer: Any, node: Node, values: Values = RIGHT) -> list[Slip]:
        """A slip in the formula, and the sign or a factor besides."""
        statement = self._statements.get(node)
        return [] if statement is None else one_of_each(self._both(answer, self._right(node, values), statement, values))

    def unexplained(self, answer: Any, node: Node, values: Values = RIGHT) -> list[Slip]:
        """What is said of an answer that no slip explains."""
        return unexplained(answer, self._right(node, values))

    def _gradients(self, answer: Any, leaf: Node) -> list[Slip]:
        """The gradient of a leaf that is given as the leaf."""
        found = [s for s in self._program.backward if s.of is leaf and self._rounding.is_right(s.node, answer)]
        return [slip("other gradient", self._program.name(leaf), other=s.name) for s in found[:1]]

    def behind(self, answer: Any, node: Node, given: Collection[Node]) -> Iterator[Cause]:
        """The slips in values that were not given that lead to an answer, those in the nearest value first."""
        close = self._rounding.close(node)
        replays = WORK // len(self._program.statements)
        for statement in self._before(node, given):
            is_backward = statement.phase == "backward"
            for way in (self._suspects.usual, *([self._multiples] if is_backward else []), self._suspects.written):
                valued = self._valued(way(statement), RIGHT, statement.shape)
                tried = [*islice(((one, value) for one, value in valued if np.shape(value) == statement.shape), replays)]
                replays -= len(tried)
                replayed = ((one, values_of(self._program, {statement.node: value})) for one, value in tried)
                fitting = _outermost((one, values) for one, values in replayed if close(answer, values.get(node, node._value)))
                yield from (Cause(one.slip, statement.node, is_backward, values) for one, values in fitting)
                if fitting:
                    break

    def _right(self, node: Node, values: Values) -> Right:
        value = values.get(node, node._value)
        return Right(self._program.name(node), value, self._rounding.close(node), self._sizes, self._numbers)

    def _fitting(self, answer: Any, right: Right, suspects: Iterable[Suspect], values: Values) -> Iterator[Slip]:
        """The slips that lead to the answer."""
        valued = self._valued(suspects, values, np.shape(right.value))
        yield from (one.slip for one, _ in _outermost((one, value) for one, value in valued if right.close(answer, value)))

    def _both(self, answer: Any, right: Right, statement: Statement, values: Values) -> Iterator[Slip]:
        for suspects in (self._suspects.usual(statement), self._suspects.written(statement)):
            for one, value in self._valued(suspects, values, np.shape(right.value)):
                if np.size(value) > 1 and np.ptp(np.abs(value)) > 0 and np.isfinite(value).all():
                    besides = factors(answer, right._replace(value=value))
                    yield from (joined(one.slip, other) for other in besides)

    def _multiples(self, statement: Statement) -> Iterator[Suspect]:
        """The sign and the usual factors."""
        right = self._right(statement.node, RIGHT)
        known = [x for n in (*self._sizes.values(), *FACTORS) for x in (n, 1 / n)]
        for factor in dict.fromkeys((-1, *known)):
            for one in times(factor, right):
                yield Suspect(partial(Slip, *one), product(Number(factor), Name(statement.node)))

    def _valued(self, suspects: Iterable[Suspect], values: Values, shape: tuple[int, ...]) -> Iterator[tuple[Suspect, Any]]:
        for one in suspects:
            value = _or_none(one.expression, values)
            if value is not None:
                yield one, value if np.shape(value) else np.broadcast_to(value, shape)[()]

    def _before(self, node: Node, given: Collection[Node]) -> Iterator[Statement]:
        """The statements that a value is computed from, without those that were given and what is behind them alone."""
        wanted = {node}
        for statement in reversed(self._program.statements):
            if statement.node in wanted:
                wanted.update(x for x in statement.inputs if x not in given)
                if statement.node is not node and not self._suspects.is_hidden(statement.node):
                    yield statement


def one_of_each(slips: Iterable[Slip]) -> list[Slip]:
    """The first slip of each kind, up to three: others of its kind say the same in other words."""
    found: dict[str, Slip] = {}
    for one in slips:
        found.setdefault(one.kind, one)
        if len(found) == MOST:
            break
    return [*found.values()]


def _outermost(found: Iterable[tuple[Suspect, Any]]) -> list[tuple[Suspect, Any]]:
    """The outermost suspects, with what was found of them: those inside them only come to the same."""
    every = [*found]
    least = min((one.depth for one, _ in every), default=0)
    return [(one, value) for one, value in every if one.depth == least]


def _or_none(expression: Expression, values: Values) -> Any:
    """The value of a suspect as floats, None where there is none."""
    try:
        return np.asarray(value_of(expression, values), np.float64)[()]
    except Exception:  # ops on other operands than they were recorded with may raise anything
        return None
