"""The same code in ten layers is one body: an expression over numbered holes, which is worked out once for all of them.

A part of a program is a body and what fills its holes. An op is applied to parts by their bodies alone, and what became of the
same bodies before is known; then the holes of the result are filled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, cast
from weakref import WeakValueDictionary

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import Dtype, Op
from tinygraph.program.dtypes import dtype_of
from tinygraph.program.value import Apply, Expression, Like, Name, Number, Shape, applied, atoms, exact

Write: TypeAlias = Callable[[Op, Sequence[Expression], Mapping[str, Any], Shape, str], Expression]
Fill: TypeAlias = Node | Like  # a value that is read, or one of which the shape alone is

MOST = 2**14  # results that are kept


class Hole(NamedTuple):
    """The place of a node in a body, with all that an expression reads of one; `inputs` are those of a recorded value."""

    number: int
    shape: Shape
    dtype: np.dtype[Any]
    inputs: tuple[Any, ...] = ()

    @property
    def node(self) -> Node:
        """The hole in the place of the node."""
        return cast("Node", self)


class Body:
    """An expression over holes, which are numbered in the order in which they are read first, and what is known of it."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.size = expression.size

    @cached_property
    def reads(self) -> tuple[int, ...]:
        """The holes in reading order, each as often as it is read."""
        nodes = (x.node for x in atoms(self.expression) if isinstance(x, Name))
        return tuple(node.number for node in nodes if isinstance(node, Hole))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers that the user has names for."""
        return tuple(x for x in atoms(self.expression) if isinstance(x, Number) and x.name is not None)

    @cached_property
    def is_built_in(self) -> bool:
        """Whether it has no op of the user's, whose metadata may be large and which a program may define again and again."""
        return all(x.op.built_in for x in applied(self.expression))

    @cached_property
    def dtype(self) -> Dtype | None:
        """The dtype of what source computes, as `dtype_of` finds it."""
        return dtype_of(self.expression)

    @cached_property
    def is_step(self) -> bool:
        """Whether it is at most one arithmetic step on names and numbers; a sign and a count are no steps."""
        return _is_step(self.expression)


class Part(NamedTuple):
    """A body, and what fills its holes."""

    body: Body
    fills: tuple[Fill, ...]

    @property
    def expression(self) -> Expression:
        """The expression of nodes."""
        return _at(self.body.expression, lambda hole: self.fills[hole.number]) if self.fills else self.body.expression

    def at(self, node: Node) -> Node:
        """The node that a name in the body stands for."""
        found = self.fills[node.number] if isinstance(node, Hole) else node
        return found.node if isinstance(found, Like) else found

    @property
    def reads(self) -> list[Fill]:
        """What is read, in reading order, each as often as it is."""
        fills = self.fills
        return [fills[i] for i in self.body.reads]


def whole(expression: Expression) -> Part:
    """An expression without holes as a part."""
    return Part(_body(expression), ())


def read(node: Node) -> Part:
    """A value by its name."""
    return Part(_hole(node.shape, node.dtype), (node,))


def like(node: Node) -> Part:
    """A value of which the shape and dtype are read alone."""
    return Part(_hole(node.shape, node.dtype), (Like(node),))


def made(
    write: Write, op: Op, parts: Sequence[Part], params: Mapping[str, Any], shape: Shape, kind: str, node: Node | None = None
) -> Part:
    """What `write` makes of an op on parts; `node` is the recorded value that the op computes, where it is to be known."""
    known: dict[Fill, int] = {}
    numbering = tuple([tuple([known.setdefault(x, len(known)) for x in part.fills]) for part in parts])
    fills = tuple(known)
    recorded = None
    if node is not None:
        recorded = _recorded(node, len(fills))
        fills = (*fills, node)
    metadata = tuple([(name, exact(x)) for name, x in params.items()]) if params else ()
    key = write, op, tuple([part.body for part in parts]), numbering, metadata, shape, kind, recorded
    found = _MADE.get(key)
    if found is None:
        inputs = [_numbered(part.body.expression, numbers) for part, numbers in zip(parts, numbering, strict=True)]
        found = _in_order(_with_node(write(op, inputs, params, shape, kind), op, recorded))
        if op.built_in and all(part.body.is_built_in for part in parts):
            if len(_MADE) >= MOST:
                _MADE.clear()
            _MADE[key] = found
    body, kept = found
    return Part(body, tuple([fills[i] for i in kept]))


_MADE: dict[Any, tuple[Body, tuple[int, ...]]] = {}  # what became of an op on bodies, and which of their holes are left
_BODIES: WeakValueDictionary[Expression, Body] = WeakValueDictionary()
_HOLES: dict[tuple[Shape, np.dtype[Any]], Body] = {}


def _body(expression: Expression) -> Body:
    found = _BODIES.get(expression)
    return _BODIES.setdefault(expression, Body(expression)) if found is None else found


def _hole(shape: Shape, dtype: np.dtype[Any]) -> Body:
    found = _HOLES.get((shape, dtype))
    if found is None:
        if len(_HOLES) >= MOST:
            _HOLES.clear()
        found = _HOLES[shape, dtype] = _body(Name(Hole(0, shape, dtype).node))
    return found


def _recorded(node: Node, number: int) -> Hole:
    """The hole of a recorded value; where its op does not say what dtype it gives, with those of its inputs."""
    if node.op is None or node.op.dtype is not None:
        return Hole(number, node.shape, node.dtype)
    inputs = tuple(Hole(0, (), x.dtype) if isinstance(x, Node) else None for x in node.inputs)
    return Hole(number, node.shape, node.dtype, inputs)


def _with_node(x: Expression, op: Op, recorded: Hole | None) -> Expression:
    if recorded is None or not isinstance(x, Apply) or x.op is not op:
        return x
    return Apply(op, x.inputs, x.params, x.shape, x.kind, x.size, recorded.node)


def _numbered(x: Expression, numbers: Sequence[int]) -> Expression:
    """The same expression with other numbers for its holes."""
    if all(i == number for i, number in enumerate(numbers)):
        return x
    return _at(x, lambda hole: hole._replace(number=numbers[hole.number]).node)


def _in_order(x: Expression) -> tuple[Body, tuple[int, ...]]:
    """The body of an expression, its holes numbered as they are met, and the numbers that they had."""
    met: dict[int, int] = {}
    ordered = _at(x, lambda hole: hole._replace(number=met.setdefault(hole.number, len(met))).node)
    return _body(ordered), tuple(met)


def _at(x: Expression, fill: Callable[[Hole], Fill]) -> Expression:
    """The same expression with something else in the place of its holes."""
    if isinstance(x, Apply):
        inputs = tuple([_at(i, fill) for i in x.inputs])
        node = cast("Node", fill(x.node)) if isinstance(x.node, Hole) else x.node
        return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size, node)
    if isinstance(x, Name) and isinstance(x.node, Hole):
        found = fill(x.node)
        return found if isinstance(found, Like) else Name(found)
    return x


def _is_step(x: Expression) -> bool:
    if not isinstance(x, Apply) or _is_of_numbers(x):
        return True
    if not x.op.steps:
        return x.op.steps == 0 and _is_step(x.inputs[0])
    return all(map(_is_plain, x.inputs))


def _is_of_numbers(x: Expression) -> bool:
    return all(isinstance(leaf, Number) for leaf in atoms(x))


def _is_plain(x: Expression) -> bool:
    if isinstance(x, Apply) and not _is_of_numbers(x):
        return x.op.steps == 0 and not x.op.view and all(map(_is_plain, x.inputs))
    return True
