"""Which slips explain a wrong answer: one in the value itself, two at once, or one in an earlier value that was not given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.program.flow import Flow
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression
from tinygraph.referee.rounding import Rounding, value_of, values_of
from tinygraph.referee.suspects import Suspect, Suspects, numbers_of, sizes_of
from tinygraph.slips import Right, Slip, joined, nearly, not_finite, of_numbers

MOST = 3  # explanations of one answer
REPLAYS = 200  # of the program for each value that was not given, to find a slip in it

Values = Mapping[Node, Any]


class Diagnosis:
    """Finds the slips that explain answers about one program."""

    def __init__(self, program: Program, rounding: Rounding) -> None:
        self._program = program
        self._rounding = rounding
        self._suspects = Suspects(program, Flow(program, through=program.temporaries))
        self._sizes = sizes_of(program)
        self._numbers = numbers_of(program, self._sizes)
        self._statements = {s.node: s for s in program.statements}

    def of(self, answer: Any, node: Node, values: Values, given: Collection[Node]) -> list[Slip]:
        """The slips that lead to an answer for a node from such values of the others, of which some were given.

        All that fit are returned, up to three; none if no slip fits.
        """
        right = self.right(node, values)
        statement = self._statements.get(node)
        found = not_finite(answer, right)
        if found or statement is None:
            return found or of_numbers(answer, right) or nearly(answer, right)
        ways = (
            [*of_numbers(answer, right), *self._fitting(answer, right, self._suspects.usual(statement), values)],
            self._fitting(answer, right, self._suspects.elsewhere(statement), values),
            self._fitting(answer, right, self._suspects.written(statement), values),
            self._both(answer, right, statement, values),
            self._earlier(answer, right, node, values, given),
            nearly(answer, right),
        )
        shapes: list[Slip] = []
        for way in ways:
            found = list(islice(dict.fromkeys(way), MOST))
            if certain := [one for one in found if one.kind != "shape" or " right" in one.text]:
                return certain
            shapes += found
        return shapes

    def right(self, node: Node, values: Values) -> Right:
        """What an answer for a node is compared with."""
        value = values.get(node, node._value)
        return Right(self._program.name(node), value, self._rounding.close(node), self._sizes, self._numbers)

    def _fitting(self, answer: Any, right: Right, suspects: Iterable[Suspect], values: Values) -> Iterator[Slip]:
        """The slips that lead to the answer."""
        found = self._valued(suspects, values, np.shape(right.value))
        yield from _outermost(one for one, value in found if right.close(answer, value))

    def _both(self, answer: Any, right: Right, statement: Statement, values: Values) -> Iterator[Slip]:
        """A slip in the formula, and the sign, a factor, a shape besides."""
        for suspects in (self._suspects.usual(statement), self._suspects.written(statement)):
            for one, value in self._valued(suspects, values, np.shape(right.value)):
                if np.any(value) and np.shape(value):
                    besides = [slip for slip in of_numbers(answer, right._replace(value=value)) if slip.kind != "shape"]
                    yield from (joined(one.slip, other) for other in besides)

    def _valued(self, suspects: Iterable[Suspect], values: Values, shape: tuple[int, ...]) -> Iterator[tuple[Suspect, Any]]:
        for one in suspects:
            value = _or_none(one.expression, values)
            if value is not None:
                yield one, np.broadcast_to(value, shape)[()] if not np.shape(value) else value

    def _earlier(self, answer: Any, right: Right, node: Node, values: Values, given: Collection[Node]) -> Iterator[Slip]:
        """A slip in a value that was not given, the nearest first."""
        known = {x: values[x] for x in given if x in values and x is not node}
        for statement in self._behind(node, given):
            for suspects in (self._suspects.usual(statement), self._suspects.written(statement)):
                found = self._valued(suspects, values, statement.shape)
                whole = ((one, value) for one, value in found if np.shape(value) == statement.shape)
                replayed = ((one, self._replayed({**known, statement.node: value}, node)) for one, value in islice(whole, REPLAYS))
                yield from _outermost(one for one, value in replayed if value is not None and right.close(answer, value))

    def _replayed(self, given: Values, node: Node) -> Any:
        try:
            return values_of(self._program, given)[node]
        except Exception:  # ops on other numbers may raise anything
            return None

    def _behind(self, node: Node, given: Collection[Node]) -> Iterator[Statement]:
        """The statements that a value is computed from, without those that were given and what is behind them alone."""
        wanted = {node}
        for statement in reversed(self._program.statements):
            if statement.node in wanted:
                wanted.update(x for x in statement.inputs if x not in given)
                if statement.node is not node and not self._suspects.is_hidden(statement.node):
                    yield statement


def _outermost(suspects: Iterable[Suspect]) -> Iterator[Slip]:
    """The slips that are least deep in the formula: those inside them only come to the same."""
    found = list(suspects)
    least = min((one.depth for one in found), default=0)
    yield from (one.slip for one in found if one.depth == least)


def _or_none(expression: Expression, values: Values) -> Any:
    """The value of a suspect, None where there is none."""
    try:
        return value_of(expression, values)
    except Exception:  # ops on other operands than they were recorded with may raise anything
        return None
