"""Judging an answer of the quiz: tolerances, and the common mistakes that a page tries too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygraph.express.text import SMALLEST
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.flow import recorded_like
from tinygraph.program.statements import Program, program_of
from tinygraph.referee.suspects import Suspects, sizes_of
from tinygraph.slips import Right, slip, times

RELATIVE, ABSOLUTE = 1e-2, 5e-4  # the tolerance of a number; the latter is half of the last decimal
ROUNDING = 1e-12  # the rounding error where numbers cancel
EQUAL = {True: 1e-6, False: 1e-3}  # the tolerance of a formula, by whether the gradient is in double precision
TOLERANCE = {"relative": RELATIVE, "absolute": ABSOLUTE, "smallest": SMALLEST, "rounding": ROUNDING}  # for a page


def gradient_of(graph: Graph, name: str) -> Node:
    """The gradient of that name."""
    return next(s.node for s in program_of(graph).backward if s.name == name)


class Mistake(NamedTuple):
    """A common mistake: what is said of it, and the value that it leads to, a recorded one times a factor."""

    said: str
    node: Node
    factor: float

    @property
    def value(self) -> Any:
        """The value that it leads to."""
        return self.node.value * self.factor


def mistakes(program: Program, gradient: Node, size: int | None) -> Iterator[Mistake]:
    """The common mistakes about a gradient in a batch of that size, if there is one."""
    statement = next(s for s in program.backward if s.node is gradient)
    suspects = Suspects(program, program.flow)
    yield Mistake(slip("sign", statement.name).text, gradient, -1)
    for one in (*suspects.usual(statement), *suspects.siblings(statement), *suspects.terms(statement)):
        yield Mistake(one.slip.text, recorded_like(one.expression, gradient), 1)
    sizes = {name: n for name, n in sizes_of(program).items() if n == size}
    right = Right(statement.name, gradient.value, np.array_equal, sizes)
    for factor in dict.fromkeys((*sizes.values(), *(1 / n for n in sizes.values()), 2, 0.5)):
        yield Mistake(times(factor, right)[0].text, gradient, factor)


def fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a value of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def allowed(value: Any) -> Any:
    """The tolerance of each entry; for entries that print with an exponent it is relative alone."""
    size = np.abs(value)
    return np.maximum(RELATIVE * size, np.where((size > ROUNDING) & (size < SMALLEST), 0, ABSOLUTE))


def tolerance(value: Any) -> str:
    """The tolerance of one number in words."""
    return f"within {RELATIVE:.0%}" if allowed(value) < ABSOLUTE else f"within {RELATIVE:.0%} or {ABSOLUTE:g}"


def is_close(value: Any, right: Any) -> bool:
    """Whether two values are equal up to rounding."""
    if right is None or not fits(np.shape(value), np.shape(right)):
        return False
    relative = EQUAL[np.asarray(right).dtype.itemsize >= 8]
    size = np.max(np.abs(right), initial=0)
    return bool((np.abs(np.asarray(value, dtype=np.float64) - right) <= relative * size + ROUNDING).all())
