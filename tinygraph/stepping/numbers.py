"""A statement with its numbers: `da * a * (1 - a)` as `-1.741 * 0.574 * 0.426`."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from tinygraph import ops
from tinygraph.express.python import python
from tinygraph.express.text import number
from tinygraph.ops.syntax import SUM
from tinygraph.program.value import Apply, Expression, Name, Number, evaluate

OPERAND = attrgetter("operand")


class Shown(float):
    """A number that prints as a table shows it."""

    def __repr__(self) -> str:
        return number(np.float64(self))

    def __neg__(self) -> Shown:
        return Shown(-float(self))


class Shape(float):
    """An array that prints as its shape."""

    def __new__(cls, shape: tuple[int, ...]) -> Shape:
        """A number that is never read."""
        made = super().__new__(cls, 1.0)
        made.text = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        return made

    text: str

    def __repr__(self) -> str:
        return self.text


def with_numbers(expression: Expression) -> str:
    """An expression as source with numbers for names; arrays stand as their shapes."""
    return python(shown(expression), str).replace("np.nan", "nan").replace("np.inf", "inf")


def shown(expression: Expression) -> Expression:
    """An expression over the numbers that its names stand for, with functions and what is in brackets worked out."""
    with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
        return _shown(expression, in_brackets=False)


def _shown(x: Expression, in_brackets: bool) -> Expression:
    if isinstance(x, Name):
        return short(x.node.operand)
    if isinstance(x, Number):
        return Number(x.value)
    if x.op is ops.count:
        return Number(int(evaluate(x, OPERAND)))
    is_sum = x.op.operator is not None and x.op.operator.binds == SUM
    if x.op.operator is None or (in_brackets and is_sum and not any(isinstance(i, Apply) for i in x.inputs)):
        return short(evaluate(x, OPERAND))
    # Only the left operand of a sum stands without brackets when it is a sum itself.
    inputs = tuple(_shown(x_i, in_brackets=not (is_sum and i == 0)) for i, x_i in enumerate(x.inputs))
    return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size)


def short(value: Any) -> Number:
    """A value as a literal that prints as a table shows it, an array as its shape."""
    if np.shape(value):
        return Number(Shape(np.shape(value)))
    return Number(Shown(value) if np.asarray(value).dtype.kind == "f" else value)
