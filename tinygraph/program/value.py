"""What every reader prints: an expression, which is a number, a name, or an op applied to expressions.

Equal is identical: what is made twice of the same parts is one object, so that expressions are compared by `is`. Python's own
equality does not do for that: it takes 1 for 1.0 and for True, and 0.0 for -0.0.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeGuard, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from tinygraph.leaves import as_node
from tinygraph.node import Node
from tinygraph.ops import Op

Shape: TypeAlias = tuple[int, ...]
KINDS: dict[type, str] = {bool: "b", int: "i", float: "f"}
Made = TypeVar("Made", bound="Number | Name | Apply")
KNOWN: WeakValueDictionary[Any, Any] = WeakValueDictionary()  # every expression in use, by what it is made of


class Itself:
    """An object that is the same as itself alone, whatever its own `==` says."""

    __slots__ = ("object",)

    def __init__(self, of: Any) -> None:
        self.object = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and self.object is other.object

    def __hash__(self) -> int:
        return id(self.object)


def exact(x: Any) -> Any:
    """What numbers and metadata have in common that are the same, to their types and the sign of a zero."""
    if isinstance(x, tuple | list):
        return type(x), *map(exact, x)
    if isinstance(x, slice):
        return slice, exact(x.start), exact(x.stop), exact(x.step)
    if isinstance(x, float | complex | np.generic):
        return type(x), repr(x)
    return (type(x), x) if x is None or isinstance(x, int | str | type | np.dtype) else Itself(x)


def exact_metadata(params: Mapping[str, Any]) -> Any:
    """Metadata as a key, equal where all of it is the same, to its types and the sign of a zero."""
    return tuple([(name, exact(x)) for name, x in params.items()]) if params else ()


def _one(cls: type[Made], key: Any, *parts: Any) -> Made:
    """The expression of a class that has this key, made of these parts if it is the first."""
    found: Made | None = KNOWN.get(key)
    if found is None:
        new = object.__new__(cls)
        for name, part in zip(cls.__match_args__, parts, strict=True):
            object.__setattr__(new, name, part)
        found = KNOWN.setdefault(key, new)
    return found


@dataclass(frozen=True, slots=True, eq=False, init=False, weakref_slot=True)
class Number:
    """A literal, or a number that the user has a name for."""

    value: Any
    name: str | None = None

    def __new__(cls, value: Any, name: str | None = None) -> Self:
        """The one of this value and name."""
        return _one(cls, (cls, exact(value), name), value, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value, self.name)

    @property
    def shape(self) -> Shape:
        """() as of any number."""
        return ()

    @property
    def kind(self) -> str:
        """The kind of its dtype: b, i or f."""
        return KINDS.get(type(self.value)) or np.asarray(self.value).dtype.kind

    @property
    def size(self) -> int:
        """How many ops there are in it: none."""
        return 0


@dataclass(frozen=True, slots=True, eq=False, init=False, weakref_slot=True)
class Name:
    """The value of a leaf or of another statement."""

    node: Node

    def __new__(cls, node: Node) -> Self:
        """The one of this node."""
        return _one(cls, (cls, node), node)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node,)

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


@dataclass(frozen=True, slots=True, eq=False, init=False, weakref_slot=True)
class Apply:
    """An op on expressions, in the order of its arguments; `size` is the number of ops in the whole expression.

    `node` is the recorded value that it computes, where it is as it was recorded.
    """

    op: Op
    inputs: tuple[Expression, ...]
    params: Mapping[str, Any]
    shape: Shape
    kind: str
    size: int
    node: Node | None = None

    def __new__(
        cls,
        op: Op,
        inputs: tuple[Expression, ...],
        params: Mapping[str, Any],
        shape: Shape,
        kind: str,
        size: int,
        node: Node | None = None,
    ) -> Self:
        """The one of this op on these inputs."""
        return _one(cls, (op, inputs, exact_metadata(params), shape, kind, node), op, inputs, params, shape, kind, size, node)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.op, self.inputs, self.params, self.shape, self.kind, self.size, self.node)

    @property
    def notation(self) -> str:
        """How mathematics writes the op with this metadata."""
        return self.op.notation if isinstance(self.op.notation, str) else self.op.notation(**self.params)


Expression: TypeAlias = Number | Name | Apply

_UNBOUND: WeakKeyDictionary[Apply, Apply] = WeakKeyDictionary()


def unbound(x: Expression) -> Expression:
    """An expression without the recorded values that it computes: the same one for all that compute the same."""
    if not isinstance(x, Apply):
        return x
    found = _UNBOUND.get(x)
    if found is None:
        found = Apply(x.op, tuple(map(unbound, x.inputs)), x.params, x.shape, x.kind, x.size)
        if found is not x:  # which would keep itself
            _UNBOUND[x] = found
    return found


def is_operator(x: Expression, syntax: type[ast.AST]) -> TypeGuard[Apply]:
    """Whether an expression is an operator of Python, entry by entry, by the operator's class in a syntax tree."""
    return isinstance(x, Apply) and x.op.elementwise and x.op.operator is not None and x.op.operator.syntax is syntax


def is_literal(x: Expression) -> TypeGuard[Number]:
    """Whether an expression is a number without a name, which may be worked out with others."""
    return isinstance(x, Number) and x.name is None


def without_fraction(x: Number) -> Number:
    """A float that is a whole number as that, `2` for `2.0`; one with many digits, and the zero with a sign, stay as they are."""
    text = repr(x.value) if type(x.value) is float else ""
    return Number(int(x.value)) if text.endswith(".0") and text != "-0.0" else x


def apply(op: Op, *inputs: Expression, shape: Shape | None = None, kind: str = "f", **params: Any) -> Apply:
    """An op on expressions; the shape of an elementwise one follows from theirs."""
    if shape is None:
        shape = broadcast([x.shape for x in inputs])
    return Apply(op, inputs, params, shape, kind, 1 + sum([x.size for x in inputs]))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of the result where operands of these shapes meet; mostly they are the same, or scalars."""
    different = {*shapes} - {()}
    return np.broadcast_shapes(*different) if len(different) > 1 else different.pop() if different else ()


def atoms(expression: Expression) -> Iterator[Number | Name]:
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
    x = expression
    return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size, x.node)


def evaluate(expression: Expression, value: Callable[[Node], Any]) -> Any:
    """The value of an expression; `value(name)` returns the value of each name."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Name):
        return value(expression.node)
    return expression.op(*[evaluate(x, value) for x in expression.inputs], **expression.params)


def computed(expression: Expression) -> Node:
    """The value of an expression, recorded."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the user was warned where the values were recorded
        return as_node(evaluate(expression, lambda node: node))
