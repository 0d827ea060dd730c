"""How far two right answers may be apart: what rounding in single precision, or to decimals, changes, by computing with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.program.statements import Program
from tinygraph.program.value import Apply, Expression, Name, Number, is_operator
from tinygraph.sparse import Sparse, holds_sparse, is_sparse

DRAWS_BY_HAND, FACTOR_BY_HAND = 16, 2  # the same for decimals, where each error is as large as it may be
DRAWS = 4  # of rounding errors
ROUNDING = 2.0**-22  # the relative error of each: some units in the last place of single precision
FACTOR = 8  # how many times the largest difference of the draws is allowed
LEAST, MOST = 1e-6, 1e-3  # of the scale of an entry: what is allowed in any case, and at most
TINY = 1e-9  # of the largest entry: from a kink to one side of it
NOTHING = 1e-12  # of the scale of a value, in which terms may have cancelled
FLOOR = 2e-7  # of the largest entry, which is allowed for any other


def values_of(program: Program, given: Mapping[Node, Any]) -> dict[Node, Any]:
    """The value of every leaf and statement where some have given values: what is computed from these is computed again."""
    found: dict[Node, Any] = {leaf: given.get(leaf, leaf._value) for leaf in program.leaves}
    changed = set(given)
    for statement in program.statements:
        node = statement.node
        found[node] = given.get(node, node._value)
        if node not in given and not changed.isdisjoint(statement.inputs):
            with suppress(Exception):  # ops on values of another shape may raise anything
                found[node] = value_of(statement.expression, found)
                changed.add(node)
    return found


def value_of(expression: Expression, values: Mapping[Node, Any], rounded: Callable[[Any], Any] = lambda x: x) -> Any:
    """The value of an expression over the values of its names, with every result `rounded`.

    Raises whatever the ops raise on such values.
    """
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Name):
        return values.get(expression.node, expression.node._value)
    inputs = [value_of(x, values, rounded) for x in expression.inputs]
    return rounded(expression.op(*inputs, **expression.params))


def on_one_side(program: Program, sign: int) -> dict[Node, Any]:
    """The values of a program where the entries of the forward pass are a little larger, or smaller, and no two are equal.

    A gradient differs from the recorded one only where a value lies on a kink, as at 0 of relu, or at equal entries of a maximum.
    """
    given = {}
    for node in (*program.leaves, *(s.node for s in program.forward if s.node not in program.temporaries)):
        if node.dtype.kind == "f" and not holds_sparse(node):
            value = node._value
            order = np.reshape(np.arange(np.size(value), 0, -1) / max(np.size(value), 1), np.shape(value))
            given[node] = value + TINY * (sign + 0.5 * order) * (np.max(np.abs(value), initial=0) or 1.0)
    return values_of(program, given)


class Rounding:
    """How far each value of a program may be from the recorded one by rounding in single precision.

    With `decimals`, by rounding every statement to so many, as people do who go on with what they have written down.
    """

    def __init__(self, program: Program, decimals: int | None = None) -> None:
        self._program = program
        self._away: dict[Node, Any] = {}
        self._unit = 0.0 if decimals is None else 10.0**-decimals
        for draw in range(DRAWS if decimals is None else DRAWS_BY_HAND):
            self._compute(draw)
        self._expressions = {s.node: s.expression for s in program.statements}

    def _compute(self, draw: int) -> None:
        rounded = partial(_rounded, draw=draw)
        values = {leaf: rounded(leaf._value) for leaf in self._program.leaves}
        for statement in self._program.statements:
            node = statement.node
            try:
                values[node] = value_of(statement.expression, values, rounded)
            except Exception:  # a user's op may refuse rounded values
                values[node] = node._value
            if node.dtype.kind == "f" and not holds_sparse(node):
                if self._unit:
                    values[node] = values[node] + self._unit / 2 * np.sign(_error(values[node], draw))
                away = np.nan_to_num(np.abs(np.asarray(values[node], np.float64) - node._value))
                self._away[node] = np.maximum(self._away.get(node, 0.0), away)

    def is_right(self, node: Node, answer: Any, value: Any = None) -> bool:
        """Whether an answer is the value of a node, or another one, but for rounding, entry by entry, each in its own scale."""
        value, scale = np.asarray(node._value if value is None else value, np.float64), self._scale(node)
        if np.shape(answer) != value.shape:
            return False
        allowed = self._relative(node, scale) * scale + FLOOR * np.max(np.abs(value), initial=0, where=np.isfinite(value))
        allowed = np.maximum(allowed, self._by_hand(node))
        near = (np.abs(answer - value) <= allowed) | (answer == value) | (np.isnan(answer) & np.isnan(value))
        return bool(near.all())

    def close(self, node: Node) -> Callable[[Any, Any], bool]:
        """Whether two values that may stand in the place of a node are equal up to rounding, in the scale of the smaller one."""
        scale = self._scale(node)
        relative, least = self._relative(node, scale), NOTHING * np.max(scale, initial=0) + self._by_hand(node)

        def close(x: Any, y: Any) -> bool:
            if np.shape(x) != np.shape(y):
                return False
            x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
            finite = np.isfinite(y)
            if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
                return False
            largest = min(np.max(np.abs(z), initial=0, where=finite) for z in (x, y))
            return bool((np.abs(x - y) <= relative * largest + least).all(where=finite))

        return close

    def _by_hand(self, node: Node) -> float:
        """The distance that is allowed where every statement is rounded to decimals."""
        return float(FACTOR_BY_HAND * np.max(self._away.get(node, 0.0), initial=0)) if self._unit else 0.0

    def _relative(self, node: Node, scale: Any) -> float:
        """The allowed distance in relation to the scale of an entry."""
        away = np.divide(self._away.get(node, 0.0), scale, out=np.zeros(np.shape(scale)), where=np.asarray(scale) > 0)
        return float(min(FACTOR * np.max(away, initial=0), MOST) + LEAST)

    def _scale(self, node: Node) -> Any:
        """The size of each entry of a value, or of the terms that it is the sum of, which may cancel."""
        if node not in self._expressions:
            return np.abs(np.asarray(node._value, np.float64))
        try:
            found = np.asarray(_scaled(self._expressions[node])[1], np.float64)
        except Exception:  # an op may refuse operands of other signs
            found = np.asarray(0.0)
        return np.maximum(np.nan_to_num(found), np.nan_to_num(np.abs(np.asarray(node._value, np.float64))))


def _scaled(x: Expression) -> tuple[Any, Any]:
    """The value of an expression, and the same with all signs taken as plus."""
    if not isinstance(x, Apply):
        value = x.value if isinstance(x, Number) else x.node._value
        return value, np.abs(value)
    parts = [_scaled(y) for y in x.inputs]
    values, scales = [value for value, _ in parts], [scale for _, scale in parts]
    value = x.op(*values, **x.params)
    if is_operator(x, ast.Add) or is_operator(x, ast.Sub):
        return value, scales[0] + scales[1]
    if is_operator(x, ast.Mult):
        return value, scales[0] * scales[1]
    if is_operator(x, ast.Div):
        return value, scales[0] / np.abs(values[1])
    if is_operator(x, ast.USub):
        return value, scales[0]
    is_linear = not x.op.elementwise and np.array_equal(x.op(-values[0], *values[1:], **x.params), -value)
    return value, x.op(*scales, **x.params) if is_linear else np.abs(value)


def _rounded(x: Any, draw: int) -> Any:
    """Numbers with a relative error that is the same for equal numbers, so that what is equal stays so."""
    if isinstance(x, Sparse) or is_sparse(x) or np.asarray(x).dtype.kind != "f":
        return x
    return np.asarray(x * (1 + ROUNDING * _error(x, draw)), np.asarray(x).dtype)[()]


def _error(x: Any, draw: int) -> Any:
    """A number between -1 and 1 for each entry, from its bits."""
    bits = np.atleast_1d(np.abs(np.asarray(x, np.float64))).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15 + 2 * draw)  # as a hash does
    return np.reshape((mixed >> np.uint64(11)) * 2.0**-52 - 1, np.shape(x))
