"""Expressions with numbers in place of names: `da * a * (1 - a)` as `-1.741 * 0.574 * 0.426`."""

from __future__ import annotations

from operator import attrgetter

from tinygraph.express.holes import Blanks, Text
from tinygraph.express.python import python
from tinygraph.node import Node
from tinygraph.program.value import Apply, Expression, Name, Number, computed, evaluate
from tinygraph.syntax import SUM

OPERAND = attrgetter("operand")


def with_numbers(expression: Expression, rate: Node | None = None) -> Text:
    """An expression as source with numbers in place of names; an array prints as its shape, a rate as it was given."""
    blanks = Blanks(rate)
    printed = python(with_values(expression), blanks.source)
    return blanks.filled(printed.replace("np.nan", "nan").replace("np.inf", "inf"))


def with_values(x: Expression, in_brackets: bool = False) -> Expression:
    """An expression in which functions and parentheses are computed; an array is a number that is called by its shape."""
    if isinstance(x, Name):
        return _value(x)
    if isinstance(x, Number):
        return Number(x.value)
    if not x.op.reads_values:
        return Number(int(evaluate(x, OPERAND)))
    is_sum = x.op.operator is not None and x.op.operator.binds == SUM
    if x.op.operator is None or (in_brackets and is_sum and not any(isinstance(i, Apply) for i in x.inputs)):
        return _value(x)
    # Of the operands of a sum, the left one alone needs no parentheses where it is a sum itself.
    inputs = tuple(with_values(x_i, in_brackets=not (is_sum and i == 0)) for i, x_i in enumerate(x.inputs))
    return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size)


def _value(x: Expression) -> Expression:
    if x.shape:
        return Number(1.0, f"({', '.join(map(str, x.shape))}{',' * (len(x.shape) == 1)})")
    return x if isinstance(x, Name) else Name(computed(x))
