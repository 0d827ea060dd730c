"""Local derivatives: how one statement passes its gradient on to each value that it reads.

It is the sweep of backprop, stopped at the values that statements and leaves name. Where all ops on the path are elementwise
on one shape, it starts from 1 and gives ∂z/∂x; elsewhere it starts from the upstream gradient and gives the contribution to dx.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from tinygraph.backprop import Path, between, by_number, sweep
from tinygraph.express.program import Program, Statement, written
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.origins import Noted
from tinygraph.program.form import simplified
from tinygraph.program.value import Apply, Expression, Like, Name, Number, is_literal, leaves, replaced, without_fraction


class Local(NamedTuple):
    """The derivative of a statement by one of its inputs: the factor ∂z/∂x, or else the contribution to the gradient of x."""

    expression: Expression
    node: Node
    is_factor: bool


def local_derivative(program: Program, statement: Statement, x: Node, upstream: Node | None) -> Local | None:
    """The local derivative of a forward statement by one of its inputs; None where no gradient passes.

    `upstream` is the gradient of the statement, which a contribution is written with; without one there are factors alone.
    """
    if x.dtype.kind != "f" or statement.node.dtype.kind != "f":
        return None
    way = way_back(program, statement, x)
    if way is None:
        return None
    noted = Noted(way)
    is_factor = _is_entrywise(way, x, statement.node)
    if is_factor:
        seed = constant(np.broadcast_to(statement.node.dtype.type(1), statement.shape), copy=False)
    elif upstream is not None:
        seed = upstream
    else:
        return None
    with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
        found = sweep(statement.node, [x], seed, on_nodes=True, path=way, noted=noted)
    if x not in found:
        return None
    above = Number(1) if is_factor else upstream_expression(program, seed)
    return Local(_Words(program, statement, seed, above, noted).told(found[x]), found[x], is_factor)


def way_back(program: Program, statement: Statement, x: Node) -> Path | None:
    """The nodes through which a statement passes its gradient on to a value that it reads; None where it passes none,
    as where it reads the shape alone, or compares."""
    path = between(statement.node, [x], sorted({*_inside(program, statement), x}, key=by_number))
    return path if statement.node in path else None


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


class _Words:
    """The expressions of what a local sweep recorded, in the names of the program; `known` are those of the seed."""

    def __init__(self, program: Program, statement: Statement, seed: Node, upstream: Expression, noted: Noted) -> None:
        self.program = program
        self.statement = statement
        self.seed = seed
        self.noted = noted
        self.known: dict[Node, Expression] = {seed: upstream}

    def told(self, root: Node) -> Expression:
        """The expression of a node, whole numbers without their fraction."""
        return _plainly(self.shaped(root))

    def shaped(self, root: Node) -> Expression:
        """The expression of a node, with every shape read from a value that has a name."""
        shapes = {x.node: self._shape(x.node, root) for x in leaves(self._of(root)) if isinstance(x, Like)}
        return replaced(self._of(root), lambda x: shapes[x.node] if isinstance(x, Like) else x)

    def _shape(self, node: Node, reader: Node) -> Expression:
        """A value of the shape of a node: one with a name, or else the node itself, written out."""
        if node is self.seed:
            return Name(self.statement.node)
        found = self.program.witness(node, reader)
        return self.shaped(node) if found is None else Name(found)

    def _of(self, root: Node) -> Expression:
        order, stack = [], [root]
        while stack:
            node = stack.pop()
            if node not in self.known:
                self.known[node] = Name(node)
                if node.op is not None and not self.program.is_named(node):
                    order.append(node)
                    stack.extend(x for x in node.inputs if isinstance(x, Node))
                elif node.op is None and not self.program.is_named(node) and not node.shape:
                    self.known[node] = Number(node.item())
        for node in sorted(order, key=by_number):
            self.known[node] = written(node, self.known, self._name, simplified, self._number)
        return self.known[root]

    def _number(self, node: Node, i: int) -> Expression:
        return self.program.spelling.of(node, i, lambda node: self.noted.origin(node.number))

    def _name(self, node: Node) -> str | None:
        return self.program.name(node) if self.program.is_named(node) else None


def _plainly(x: Expression) -> Expression:
    """Whole numbers without their fraction, except beside integers, which a number with a fraction makes floats."""
    if is_literal(x):
        return without_fraction(x)
    if not isinstance(x, Apply):
        return x
    beside_integers = any(i.kind in "iu" and not isinstance(i, Number) for i in x.inputs)
    inputs = tuple(i if beside_integers and isinstance(i, Number) else _plainly(i) for i in x.inputs)
    return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size)
