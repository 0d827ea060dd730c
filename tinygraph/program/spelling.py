"""Numbers as the user wrote them: `1 / m` rather than `0.3333333333333333`, where what is written amounts to the very number.

A number of the forward pass is looked up in the source, at the instruction that read it. One of the backward pass is that of the
node whose rule recorded it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Any, TypeAlias

import numpy as np

from tinygraph.excerpt import excerpt
from tinygraph.given_names import names_in
from tinygraph.graph import Graph
from tinygraph.names import identifier
from tinygraph.node import Node
from tinygraph.ops import OPERATORS, Op
from tinygraph.program.value import Apply, Expression, Number, apply, evaluate, is_literal

CONSTANTS = {"pi": math.pi, "e": math.e}  # of any module: what is written must amount to the number
LONGEST = 8  # ops of a number that is written out
FUNCTIONS = {"forward", "forward_backward"}  # what source calls its own

Origin: TypeAlias = Callable[[Node], Node | None]


def numbers_read(graph: Graph) -> dict[str, Any]:
    """The plain numbers that the code which made the nodes may have written by name, as the graph was made."""
    codes = {id(node.code): node.code for node in graph.forward}.values()
    read = {name for code in codes if isinstance(code, CodeType) for name in names_in(code)}
    return {name: value for name, value in graph._numbers.items() if name in read}


class Spelling:
    """How the numbers of a graph are written."""

    def __init__(self, graph: Graph) -> None:
        taken = set(graph.names) | FUNCTIONS
        self._numbers = {
            name: value for name, value in numbers_read(graph).items() if identifier(name) == name and name not in taken
        }
        self._forward = set(graph.forward)
        self._origin = graph._origin
        self._written = dict(self._all_written(graph.forward))
        self._values = {_exactly(node.inputs[i]) for node, i in self._written}  # of what is written otherwise

    def of(self, node: Node, i: int, origin: Origin | None = None) -> Expression:
        """The number that is an operand of a node; `origin` is the node whose rule recorded it, if any."""
        if node in self._forward:
            found = self._written.get((node, i))
        else:
            found = self._passed_on(node, node.inputs[i], origin or self._origin)
        return Number(node.inputs[i]) if found is None else found

    def named(self, node: Node, i: int) -> Expression | None:
        """A number of the forward pass that is written with names, or other than as a literal; None for any other."""
        return self._written.get((node, i))

    def operands(self, node: Node, i: int) -> list[ast.expr] | None:
        """What the source may have for an operand of a node; None where the source is not at hand."""
        found = excerpt(node.code, node.instruction)
        return None if found is None else list(_operand(found.expression, node, i))

    def _all_written(self, nodes: Iterable[Node]) -> Iterator[tuple[tuple[Node, int], Expression]]:
        """The numbers that are written otherwise than as literals, unless a loop read another number at the same place."""
        places: dict[Any, list[tuple[Node, int]]] = {}
        for node in nodes:
            for i, _ in _numbers_of(node):
                places.setdefault((id(node.code), node.instruction, node.op, i), []).append((node, i))
        for reads in places.values():
            first, i = reads[0]
            written = self._looked_up(first, i)
            if written is not None and all(_is_same(node.inputs[i], first.inputs[i]) for node, i in reads):
                yield from ((read, written) for read in reads)

    def _looked_up(self, node: Node, i: int) -> Expression | None:
        for x in self.operands(node, i) or ():
            try:
                written = self._read(x)
                if not is_literal(written) and written.size <= LONGEST and _is_same(evaluate(written, _no_node), node.inputs[i]):
                    return written
            except (LookupError, ArithmeticError, RecursionError):
                pass  # it is no such number, and so is written as a literal
        return None

    def _passed_on(self, node: Node, value: Any, origin: Origin) -> Expression | None:
        """What a rule passes on is written as where it came from; what a rule brings along is a literal."""
        if _exactly(value) not in self._values:
            return None
        source = origin(node)
        if source is None or source.op is None or not source.op.of_numbers:
            return None
        return next((self._written.get((source, i)) for i, x in _numbers_of(source) if _is_same(x, value)), None)

    def _read(self, x: ast.expr) -> Expression:
        """A number as it is written; LookupError where anything but numbers, their names and arithmetic is in it."""
        if isinstance(x, ast.Constant) and type(x.value) in (int, float):
            return Number(x.value)
        if isinstance(x, ast.Name):
            return Number(self._numbers[x.id], x.id)
        if isinstance(x, ast.Attribute) and isinstance(x.value, ast.Name) and x.attr in CONSTANTS:
            return Number(CONSTANTS[x.attr])
        if isinstance(x, ast.UnaryOp):
            op, operand = OPERATORS[type(x.op)], self._read(x.operand)
            return Number(op(operand.value)) if is_literal(operand) else _applied(op, operand)
        if isinstance(x, ast.BinOp):
            return _applied(OPERATORS[type(x.op)], self._read(x.left), self._read(x.right))
        raise LookupError(type(x).__name__)


def _numbers_of(node: Node) -> Iterator[tuple[int, Any]]:
    return ((i, x) for i, x in enumerate(node.inputs) if not isinstance(x, Node))


def _operand(x: ast.expr, node: Node, i: int) -> Iterator[ast.expr]:
    """What may be written for an operand of a node: of a comparison, either side, since Python turns some round."""
    if isinstance(x, ast.BinOp) and OPERATORS.get(type(x.op)) is node.op:
        yield x.right if i else x.left
    elif isinstance(x, ast.Compare) and len(x.ops) == 1:
        yield from (x.left, x.comparators[0])
    elif isinstance(x, ast.Call) and len(x.args) == len(node.inputs) and _called(x) in _names(node.op):
        yield x.args[i]


def _called(x: ast.Call) -> str:
    return x.func.attr if isinstance(x.func, ast.Attribute) else x.func.id if isinstance(x.func, ast.Name) else ""


def _names(op: Op | None) -> tuple[str, ...]:
    return () if op is None else (op.name, getattr(op.numpy, "__name__", ""))


def _applied(op: Op, *inputs: Expression) -> Apply:
    kind = np.asarray(op(*(evaluate(x, _no_node) for x in inputs))).dtype.kind
    return apply(op, *inputs, kind=kind)


def _no_node(node: Node) -> Any:
    raise LookupError("a number is made of numbers alone")


def _is_same(x: Any, y: Any) -> bool:
    """Whether two Python numbers are the same, bit for bit."""
    return _exactly(x) == _exactly(y)


def _exactly(x: Any) -> tuple[type, str]:
    return type(x), repr(x)
