"""What every face prints: an expression, which is a number, a name, or an op applied to expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import Op

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A literal, or a number that the user has a name for."""

    value: Any
    name: str | None = None

    @property
    def shape(self) -> Shape:
        """() as of any number."""
        return ()

    @property
    def kind(self) -> str:
        """The kind of its dtype: b, i or f."""
        return np.asarray(self.value).dtype.kind

    @property
    def size(self) -> int:
        """How many ops there are in it: none."""
        return 0


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """The value of a leaf or of another statement."""

    node: Node

    @property
    def shape(self) -> Shape:
        """The shape of the value."""
        return self.node.shape

    @property
    def kind(self) -> str:
        """The kind of the value's dtype: b, i, u or f."""
        return self.node.dtype.kind

    @property
    def size(self) -> int:
        """How many ops there are in it: none."""
        return 0


class Like(Name):
    """A value of which the shape and dtype alone are read; any other value of the same shape does as well."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An op on expressions, in the order of its arguments; `size` is the number of ops in the whole expression.

    `recorded` is the dtype of the value where the op does not say which it is.
    """

    op: Op
    inputs: tuple[Expression, ...]
    params: Mapping[str, Any]
    shape: Shape
    kind: str
    size: int
    recorded: Any = None


Expression: TypeAlias = Number | Name | Apply


def is_literal(x: Expression) -> TypeGuard[Number]:
    """Whether an expression is a number without a name, which may be worked out with others."""
    return isinstance(x, Number) and x.name is None


def apply(op: Op, *inputs: Expression, shape: Shape | None = None, kind: str = "f", **params: Any) -> Apply:
    """An op on expressions; the shape of an elementwise one follows from theirs."""
    if shape is None:
        shape = broadcast([x.shape for x in inputs])
    return Apply(op, inputs, params, shape, kind, 1 + sum(x.size for x in inputs))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of the result where operands of these shapes meet; mostly they are the same, or scalars."""
    different = set(shapes) - {()}
    return np.broadcast_shapes(*different) if len(different) > 1 else different.pop() if different else ()


def leaves(expression: Expression) -> Iterator[Number | Name]:
    """The numbers and names in an expression, in reading order."""
    stack = [expression]
    while stack:
        x = stack.pop()
        if isinstance(x, Apply):
            stack += x.inputs[::-1]
        else:
            yield x


def applied(expression: Expression) -> Iterator[Apply]:
    """Every application in an expression, outermost first."""
    stack = [expression]
    while stack:
        x = stack.pop()
        if isinstance(x, Apply):
            yield x
            stack += x.inputs[::-1]


def replaced(expression: Expression, exchange: Callable[[Number | Name], Expression]) -> Expression:
    """The same expression over other numbers and names."""
    if not isinstance(expression, Apply):
        return exchange(expression)
    inputs = tuple(replaced(x, exchange) for x in expression.inputs)
    return replace(expression, inputs=inputs)


def evaluate(expression: Expression, value: Callable[[Node], Any]) -> Any:
    """The value of an expression; `value(name)` returns the value of each name."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Name):
        return value(expression.node)
    return expression.op(*[evaluate(x, value) for x in expression.inputs], **expression.params)
