"""Expressions with numbers in place of names: `da * a * (1 - a)` as `-1.741 * 0.574 * 0.426`."""

from __future__ import annotations

from collections.abc import Iterator
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
    if is_computed(x, in_brackets):
        return _value(x)
    return Apply(x.op, tuple(with_values(i, b) for i, b in with_brackets(x)), x.params, x.shape, x.kind, x.size)


def is_computed(x: Apply, in_brackets: bool) -> bool:
    """Whether the value alone is shown: of a function, and of a sum of names in parentheses."""
    return x.op.operator is None or (in_brackets and is_sum(x) and not any(isinstance(i, Apply) for i in x.inputs))


def with_brackets(x: Apply) -> Iterator[tuple[Expression, bool]]:
    """The operands, and whether a sum in their place needs parentheses: of those of a sum, the left one does not."""
    return ((i, not (is_sum(x) and place == 0)) for place, i in enumerate(x.inputs))


def is_sum(x: Apply) -> bool:
    """Whether it is a sum or a difference."""
    return x.op.operator is not None and x.op.operator.binds == SUM


def _value(x: Expression) -> Expression:
    if x.shape:
        return Number(1.0, f"({', '.join(map(str, x.shape))}{',' * (len(x.shape) == 1)})")
    return x if isinstance(x, Name) else Name(computed(x))
