"""Local derivatives: how one statement passes its gradient on to each value that it reads.

It is the sweep of backprop, stopped at the values that statements and leaves name. Where every op on the way works entry by entry
on one shape, it starts from 1 and gives ∂z/∂x; elsewhere it starts from the upstream gradient and gives the contribution to dx.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from tinygraph.backprop import Path, between, by_number, sweep
from tinygraph.express.expression import Expression, Like, Name, Number, leaves, replaced
from tinygraph.express.program import Program, Statement
from tinygraph.express.shapes import reads_shape
from tinygraph.express.simplify import simplified
from tinygraph.node import Node, constant


class Local(NamedTuple):
    """What a statement says about one of its inputs: the factor ∂z/∂x, or else the contribution to the gradient of x."""

    expression: Expression
    node: Node
    is_factor: bool


def local_derivative(program: Program, statement: Statement, x: Node, upstream: Node | None) -> Local | None:
    """The local derivative of a forward statement by one of its inputs; None where no gradient passes,
    or where it cannot be written in the names there are.

    `upstream` is the gradient of the statement, which a contribution is written with; without one there are factors alone.
    """
    inside = _inside(program, statement)
    if x.dtype.kind != "f" or statement.node.dtype.kind != "f":
        return None
    path = between(statement.node, [x], sorted({*inside, x}, key=by_number))
    if statement.node not in path or x not in path:
        return None
    is_factor = _is_entrywise(path, x, statement.node)
    if is_factor:
        seed = constant(np.broadcast_to(statement.node.dtype.type(1), statement.shape), copy=False)
    elif upstream is not None:
        seed = upstream
    else:
        return None
    with np.errstate(all="ignore"):  # whatever there is to warn of was told when the values were recorded
        found = sweep(statement.node, [x], seed, on_nodes=True, path=path)
    if x not in found:
        return None
    known: dict[Node, Expression] = {seed: Number(1) if is_factor else upstream_expression(program, seed)}
    expression = _written(found[x], program, known)
    return None if expression is None else Local(expression, found[x], is_factor)


def upstream_expression(program: Program, gradient: Node) -> Expression:
    """An upstream gradient by its name, or 1 where that is all it is."""
    return Number(1) if gradient in program.units else Name(gradient)


def _inside(program: Program, statement: Statement) -> Collection[Node]:
    """The nodes that a statement consists of: its own, and the unnamed ones inlined into it."""
    found = {statement.node}
    stack = [statement.node]
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Node) and x not in found and not program.is_named(x):
                found.add(x)
                stack.append(x)
    return found


def _is_entrywise(path: Path, x: Node, node: Node) -> bool:
    return (
        all(y is x or (y.op is not None and y.op.elementwise and y.shape == node.shape) for y in path) and x.shape == node.shape
    )


def _written(root: Node, program: Program, known: dict[Node, Expression]) -> Expression | None:
    """The expression of a node that a local sweep recorded, in the names of the program; None where a shape has no name."""
    order = []
    stack, seen = [] if root in known else [root], {root}
    while stack:
        node = stack.pop()
        order.append(node)
        for x in node.inputs:
            if isinstance(x, Node) and x not in seen and x not in known and not program.is_named(x):
                seen.add(x)
                stack.append(x)
    for node in sorted(order, key=by_number):
        known[node] = _expression(node, program, known)
    shapes = {x.node: program.witness(x.node, root) for x in leaves(known[root]) if isinstance(x, Like)}

    def plainly(x: Number | Name) -> Expression:
        """A shape by the value that has it, a whole number without its fraction."""
        if isinstance(x, Like):
            found = shapes[x.node]
            return x if found is None else Name(found)
        return Number(int(x.value)) if isinstance(x, Number) and isinstance(x.value, float) and x.value.is_integer() else x

    return None if any(x is None for x in shapes.values()) else replaced(known[root], plainly)


def _expression(node: Node, program: Program, known: dict[Node, Expression]) -> Expression:
    if node.op is None:
        return Name(node) if program.is_named(node) or node.shape else Number(node.item())
    inputs: list[Expression] = []
    for i, x in enumerate(node.inputs):
        if not isinstance(x, Node):
            inputs.append(Number(x))
        elif reads_shape(node.op, i):
            inputs.append(Like(x))
        else:
            inputs.append(known.get(x, Name(x)))
    return simplified(node.op, inputs, node.params, node.shape, node.dtype.kind)
