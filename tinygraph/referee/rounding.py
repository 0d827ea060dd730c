"""How far two right answers may be apart: what rounding in single precision, or to decimals, changes, by computing with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.program.statements import Program
from tinygraph.program.value import Expression, Name, Number
from tinygraph.sparse import is_sparse

DRAWS = 4  # of rounding errors
ROUNDING = 2.0**-22  # the relative error of each: some units in the last place of single precision
FACTOR = 8  # how many times the largest difference of the draws is allowed
LEAST = 1e-6  # of the largest entry, which is allowed in any case
DRAWS_BY_HAND, FACTOR_BY_HAND = 16, 2  # the same for decimals, where each error is as large as it may be


def values_of(program: Program, given: Mapping[Node, Any] | None = None) -> dict[Node, Any]:
    """The value of every leaf and statement where some have given values: what is computed from these is computed again."""
    found: dict[Node, Any] = {leaf: leaf._value for leaf in program.leaves}
    given = {} if given is None else given
    changed: set[Node] = set()
    for statement in program.statements:
        node = statement.node
        if node in given:
            found[node] = given[node]
            changed.add(node)
        elif changed.isdisjoint(statement.inputs):
            found[node] = node._value
        else:
            try:
                found[node] = value_of(statement.expression, found)
            except Exception:  # ops on values of another shape may raise anything
                found[node] = node._value
            else:
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


class Rounding:
    """How far each value of a program may be from the recorded one by rounding in single precision.

    With `decimals`, by rounding every statement to so many, as people do who go on with what they have written down.
    """

    def __init__(self, program: Program, decimals: int | None = None) -> None:
        self._away: dict[Node, Any] = {}
        draws, self._factor = (DRAWS, FACTOR) if decimals is None else (DRAWS_BY_HAND, FACTOR_BY_HAND)
        unit = 0.0 if decimals is None else 10.0**-decimals
        for draw in range(draws):
            values = {leaf: _rounded(leaf._value, draw) for leaf in program.leaves}
            for statement in program.statements:
                node = statement.node
                values[node] = value_of(statement.expression, values, partial(_rounded, draw=draw))
                if unit and node.dtype.kind == "f":
                    values[node] = values[node] + unit / 2 * np.sign(_error(values[node], draw))
                away = np.abs(np.asarray(values[node], np.float64) - node._value) if node.dtype.kind == "f" else 0.0
                self._away[node] = np.maximum(self._away.get(node, 0.0), np.nan_to_num(away))

    def of(self, node: Node) -> float:
        """The distance that is allowed to an entry of a value."""
        size = np.max(np.abs(node._value), initial=0, where=np.isfinite(node._value))
        return float(self._factor * np.max(self._away.get(node, 0.0), initial=0) + LEAST * size)

    def close(self, node: Node) -> Callable[[Any, Any], bool]:
        """Whether two values in the place of a node are equal up to rounding, the scale of the second one considered."""
        allowed, own = self.of(node), float(np.max(np.abs(node._value), initial=0))

        def close(x: Any, y: Any) -> bool:
            scale = max(1.0, float(np.max(np.abs(y), initial=0)) / own) if own else 1.0
            if np.shape(x) != np.shape(y):
                return False
            x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
            with np.errstate(invalid="ignore"):
                return bool(((np.abs(x - y) <= allowed * scale) | (x == y) | (np.isnan(x) & np.isnan(y))).all())

        return close


def _rounded(x: Any, draw: int) -> Any:
    """Numbers with a relative error that is the same for equal numbers, so that what is equal stays so."""
    if is_sparse(x) or np.asarray(x).dtype.kind != "f":
        return x
    return np.asarray(x * (1 + ROUNDING * _error(x, draw)), np.asarray(x).dtype)[()]


def _error(x: Any, draw: int) -> Any:
    """A number between -1 and 1 for each entry, from its bits."""
    bits = np.atleast_1d(np.abs(np.asarray(x, np.float64))).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15 + 2 * draw)  # as a hash does
    return np.reshape((mixed >> np.uint64(11)) * 2.0**-52 - 1, np.shape(x))
