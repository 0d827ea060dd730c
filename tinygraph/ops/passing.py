"""How the gradient `g` of a node passes to its inputs: the chain rule at one node, in a function for each number of inputs.

An op chooses its function when it is declared. Long graphs consist of ops of one and two operands, whose calls take half the time
when they are written out. A contribution is added to what `pending` has of its input; `fit` gives it the shape and dtype of
that input. The last input gets its contribution first, so that contributions add up in reading order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from numpy import float64

from tinygraph.decisions import NUMBERS
from tinygraph.node import Node

Pending: TypeAlias = dict[Any, Any]  # the gradients so far of the nodes that a sweep has yet to come to
Fit: TypeAlias = Callable[[Any, Node], Any]


def pass_to_one(op: Any, node: Node, g: Any, pending: Pending, path: Collection[Node], fit: Fit, on_nodes: bool) -> None:
    """To the input of an op with one rule and no metadata."""
    x = node.inputs[0]
    if x in path:
        part = op.rules[0](g, node, x) if on_nodes else op.rules[0](g, node._value, x._value)
        part = part if op.keeps_shape else fit(part, x)
        pending[x] = part + pending[x] if x in pending else part


def pass_to_two(op: Any, node: Node, g: Any, pending: Pending, path: Collection[Node], fit: Fit, on_nodes: bool) -> None:
    """To the two inputs of an op without metadata, one of which may be a Python number."""
    x, y = node.inputs
    if type(y) in NUMBERS:
        if x in path:
            part = op.rules[0](g, node, x, y) if on_nodes else op.rules[0](g, node._value, x._value, y)
            part = part if op.keeps_shape else fit(part, x)
            pending[x] = part + pending[x] if x in pending else part
        return
    left, right = x if type(x) in NUMBERS else x._value, y._value
    fits = op.keeps_shape and (type(left) is type(right) is float64 or left is x or _alike(left, right))
    out, left, right = (node, x, y) if on_nodes else (node._value, left, right)
    if y in path:
        part = op.rules[1](g, out, left, right)
        part = part if fits else fit(part, y)
        pending[y] = part + pending[y] if y in pending else part
    if x in path:
        part = op.rules[0](g, out, left, right)
        part = part if fits else fit(part, x)
        pending[x] = part + pending[x] if x in pending else part


def pass_to_any(op: Any, node: Node, g: Any, pending: Pending, path: Collection[Node], fit: Fit, on_nodes: bool) -> None:
    """To any number of inputs of any op."""
    inputs = node.inputs
    out, arguments = (node, inputs) if on_nodes else (node._value, [x._value if isinstance(x, Node) else x for x in inputs])
    rules = op.rules_for(len(inputs)) if op.variadic else op.rules
    for rule, x in zip(reversed(rules), reversed(inputs), strict=True):
        if rule is not None and x in path:
            part = fit(rule(g, out, *arguments, **node.params), x)
            pending[x] = part + pending[x] if x in pending else part


def _alike(left: Any, right: Any) -> bool:
    """Whether the operands of an elementwise op have its shape and dtype, so that contributions fit as they are."""
    return left.dtype is right.dtype and left.shape == right.shape
