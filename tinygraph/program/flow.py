"""The backward pass as data: which statement passes which gradient on to which value.

A statement that has a gradient passes it on to the values that have one, through all that has none. One sweep a statement, over
all these values at once, ends at them and finds the contributions. Where every op in between goes entry by entry on one shape, a
contribution is the upstream gradient times a local derivative: the same contribution, with 1 upstream.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tinygraph.backprop import Path, by_number, ruled, sweep
from tinygraph.leaves import as_node
from tinygraph.node import Node
from tinygraph.origins import Noted
from tinygraph.program.bodies import Part, read, whole
from tinygraph.program.build import product
from tinygraph.program.drafts import LONGEST, part_of
from tinygraph.program.form import simplified
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import (
    Apply,
    Expression,
    Like,
    Name,
    Number,
    atoms,
    computed,
    is_literal,
    is_operator,
    replaced,
    unbound,
    without_fraction,
)


@dataclass(frozen=True, eq=False)
class Pass:
    """What one statement, the `reader` of a value, adds to the gradient of that value.

    `upstream` is the gradient of the reader, `gradient` that of the value, `node` the recorded contribution. Where `is_factor`,
    the contribution is the upstream gradient times the local derivative ∂reader/∂value; else it is no such product.
    """

    reader: Statement
    of: Node
    gradient: Node
    upstream: Node
    node: Node
    is_factor: bool
    _words: _Words

    @property
    def value(self) -> Any:
        """What the contribution amounts to."""
        return self.node.value

    @cached_property
    def contribution(self) -> Expression:
        """The contribution, written with the name of the upstream gradient."""
        return self._words.contribution(self.node)

    @cached_property
    def local(self) -> Expression:
        """The local derivative ∂reader/∂value, where it is a factor of the contribution."""
        assert self.is_factor
        return self._words.local(self.node)

    @cached_property
    def local_node(self) -> Node:
        """What the local derivative amounts to, in the shape and dtype of the value, as a recorded value."""
        return recorded_like(self.local, self.of)

    @property
    def local_value(self) -> Any:
        """What the local derivative amounts to, in the shape of the value."""
        return self.local_node.value


def recorded_like(expression: Expression, node: Node) -> Node:
    """What an expression amounts to, in the shape and dtype of a value if it can have that shape, as a recorded value."""
    found: Any = computed(replaced(expression, _in_numpy))
    if found.dtype != node.dtype:
        found = found.astype(node.dtype)
    if not found.shape and node.shape:
        found = np.broadcast_to(found, node.shape)
    return as_node(found)


def _in_numpy(x: Number | Name) -> Expression:
    """A literal as a number of NumPy's, which can be divided by 0."""
    return Number(np.float64(x.value)) if is_literal(x) and x.kind in "if" else x


class Flow:
    """All passes of a program, each found when it is first looked at; those `through` some values go on to what these read."""

    def __init__(self, program: Program, through: Collection[Node] = ()) -> None:
        self.program = program
        self._through = through
        self._gradients: dict[Node, Mapping[Node, Node]] = {}  # each gradient with all those of the same output
        self._of: dict[Node, Node] = {}
        for request in program.graph._requests():
            if not all(map(program.is_named, request.gradients)):
                continue  # a part of another gradient has no statement to pass anything on
            gradients = {node: gradient for node, gradient in request.gradients.items() if node not in through}
            for node, gradient in gradients.items():
                self._gradients[gradient] = gradients
                self._of[gradient] = node
        self._statements = {statement.node: statement for statement in program.statements}
        self._found: dict[Node, dict[Node, Pass]] = {}
        self._shortened: dict[Pass, Expression] = {}

    def readers(self, gradient: Node) -> list[Statement]:
        """The statements that contribute to a gradient, in their order in the program."""
        return self._readers.get(gradient, [])

    def passes(self, gradient: Node) -> list[Pass]:
        """All contributions to a gradient, in the order of their statements; none to the gradient that a pass starts from."""
        known = self._gradients.get(gradient)
        if known is None:
            return []
        return [self.passed(known[reader.node])[self._of[gradient]] for reader in self.readers(gradient)]

    def passed(self, upstream: Node) -> dict[Node, Pass]:
        """What a statement passes on of its gradient, by the values that it goes to."""
        if upstream not in self._found:
            self._found[upstream] = self._swept(upstream) if upstream in self._paths else {}
        return self._found[upstream]

    def _swept(self, upstream: Node) -> dict[Node, Pass]:
        node, gradients, way = self._of[upstream], self._gradients[upstream], self._paths[upstream]
        reader = self._statements[node]
        ends = [x for x in way if x in gradients and x is not node]
        noted = Noted(way)
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            found = sweep(node, ends, upstream, on_nodes=True, path=way, ends=True, noted=noted)
        words = _Words(self, reader, upstream, noted)
        by_entry = _entrywise(way, node, set(ends))
        return {x: Pass(reader, x, gradients[x], upstream, found[x], x in by_entry, words) for x in ends if x in found}

    def along(self, one: Pass, upstream: Node) -> Node:
        """What a pass adds to the gradient of its value where another gradient than the recorded one arrives at its reader."""
        gradients, way = self._gradients[one.upstream], self._paths[one.upstream]
        ends = [x for x in way if x in gradients and x is not one.reader.node]
        with np.errstate(all="ignore"):
            found: Node = sweep(one.reader.node, ends, upstream, on_nodes=True, path=way, ends=True)[one.of]
        return found

    @cached_property
    def _paths(self) -> dict[Node, Path]:
        """For each gradient that its statement passes on, the nodes that it goes through and the values that it ends at."""
        ways = {upstream: self._path(node, self._gradients[upstream]) for upstream, node in self._of.items()}
        return {upstream: way for upstream, way in ways.items() if len(way) > 1}

    def _path(self, node: Node, gradients: Mapping[Node, Node]) -> Path:
        """The nodes between a statement and the values that have gradients; all other names end it."""
        if node not in self._statements or node.op is None:
            return {}
        inside, seen, ends = [node], {node}, []
        for y in inside:  # grows as it is walked
            for x in ruled(y):
                if x not in seen:
                    seen.add(x)
                    if x in gradients:
                        ends.append(x)
                    elif x in self._parts or x in self._through or not self.program.is_named(x):
                        inside.append(x)
        way: Path = {}
        for y in sorted([*inside, *ends], key=by_number):
            if (y in gradients and y is not node) or not way.keys().isdisjoint(ruled(y)):
                way[y] = None
        return way

    @cached_property
    def _parts(self) -> dict[Node, Statement]:
        """What several gradients share, or a long one was cut into: statements that are no gradients."""
        return {statement.node: statement for statement in self.program.backward if statement.of is None}

    def behind(self, gradient: Node) -> list[Statement]:
        """The statements that a gradient is computed by, its own included, with what several share written out in each."""
        wanted = {gradient}
        found = []
        for statement in reversed(self.program.backward):
            if statement.node in wanted and not self.is_inlined(statement.node):
                expression = replaced(statement.expression, self._written_out)
                inputs = tuple(dict.fromkeys(x.node for x in atoms(expression) if isinstance(x, Name)))
                wanted.update(inputs)
                found.append(replace(statement, part=whole(expression), inputs=inputs))
        return found[::-1]

    def is_inlined(self, node: Node) -> bool:
        """Whether a value is a part that can be written out where it is read."""
        return node in self._parts and self._parts[node].part.body.size < LONGEST

    def _written_out(self, x: Number | Name) -> Expression:
        if not isinstance(x, Name) or not self.is_inlined(x.node):
            return x
        return replaced(self._parts[x.node].expression, self._written_out)

    @cached_property
    def _readers(self) -> dict[Node, list[Statement]]:
        found: dict[Node, list[Statement]] = {}
        order = {statement.node: i for i, statement in enumerate(self.program.statements)}
        for upstream in sorted(self._paths, key=lambda upstream: order[self._of[upstream]]):
            node, gradients = self._of[upstream], self._gradients[upstream]
            for x in self._paths[upstream]:
                if x is not node and x in gradients:
                    found.setdefault(gradients[x], []).append(self._statements[node])
        return found

    @cached_property
    def forward_values(self) -> dict[Node, Node]:
        """The value that each statement of the backward pass goes back to: what it is the gradient of, or else, of the first
        gradient that goes into it, the value."""
        found: dict[Node, Node] = {}
        for statement in self.program.backward:  # each behind what it reads
            part = next((x for x in statement.inputs if x in self._parts), None)
            upstream = next((x for x in statement.inputs if x in self._of), None)
            if statement.of is not None:
                found[statement.node] = statement.of
            elif part is not None:
                found[statement.node] = found[part]
            else:
                found[statement.node] = next(iter(statement.inputs), statement.node) if upstream is None else self._of[upstream]
        return found

    def with_shared(self, one: Pass) -> Expression:
        """A contribution with a name for each run of factors that is a statement before that of its gradient."""
        if one not in self._shortened:
            self._shortened[one] = self._with_shared(one.contribution, one.gradient) if self._shared else one.contribution
        return self._shortened[one]

    def _with_shared(self, x: Expression, gradient: Node) -> Expression:
        if not isinstance(x, Apply):
            return x
        found = self._named_runs(factors(x), gradient)
        if len(found) > 1:
            return reduce(product, (self._with_shared(f, gradient) for f in found))
        if found[0] is not x:
            return found[0]
        inputs = tuple(self._with_shared(i, gradient) for i in x.inputs)
        return Apply(x.op, inputs, x.params, x.shape, x.kind, 1 + sum(i.size for i in inputs))

    def _named_runs(self, found: list[Expression], gradient: Node) -> list[Expression]:
        """The factors with a name in place of each run that has one, of the longest first."""
        keys = list(map(unbound, found))
        for size in range(len(found), 0, -1):
            for i in range(len(found) - size, -1, -1):
                node = self._shared.get(tuple(keys[i : i + size]))
                if node is not None and self._places[node] < self._places[gradient]:
                    found[i : i + size], keys[i : i + size] = [Name(node)], [Name(node)]
        return found

    @cached_property
    def _shared(self) -> dict[tuple[Expression, ...], Node]:
        parts = reversed([statement for statement in self.program.backward if statement.of is None])
        return {tuple(map(unbound, factors(statement.expression))): statement.node for statement in parts}

    @cached_property
    def _places(self) -> dict[Node, int]:
        return {statement.node: i for i, statement in enumerate(self.program.backward)}


def factors(x: Expression) -> list[Expression]:
    """The factors of a product, else the expression alone."""
    if is_operator(x, ast.Mult):
        return [*factors(x.inputs[0]), x.inputs[1]]
    return [x]


def _entrywise(way: Path, node: Node, ends: Collection[Node]) -> set[Node]:
    """The ends that all ops on the way lead to entry by entry, on one shape."""
    mixing = [y for y in way if y not in ends and not (y.op is not None and y.op.elementwise and y.shape == node.shape)]
    mixed = set(mixing)
    for y in mixing:  # grows as it is walked
        below = [x for x in ruled(y) if x in way and x not in mixed] if y not in ends else []
        mixing += below
        mixed.update(below)
    return {x for x in ends if x not in mixed and x.shape == node.shape}


class _Words:
    """The expressions of what the sweep of one statement recorded, in the names of the program."""

    def __init__(self, flow: Flow, reader: Statement, upstream: Node, noted: Noted) -> None:
        self._flow = flow
        self._program = flow.program
        self._reader = reader
        self._upstream = upstream
        self._noted = noted
        self._contributions: dict[Node, Part] = {upstream: self._name_or_one(upstream)}
        self._locals: dict[Node, Part] = {upstream: whole(Number(1))}

    def contribution(self, node: Node) -> Expression:
        """A contribution with the name of the upstream gradient."""
        return _plainly(self._shaped(node, self._contributions))

    def local(self, node: Node) -> Expression:
        """The same with 1 upstream."""
        return _plainly(self._shaped(node, self._locals))

    def _shaped(self, root: Node, known: dict[Node, Part]) -> Expression:
        """The expression of a node, with every shape read from a value that has a name."""
        expression = self._of(root, known).expression
        shapes = {x.node: self._shape(x.node, root, known) for x in atoms(expression) if isinstance(x, Like)}
        return replaced(expression, lambda x: shapes[x.node] if isinstance(x, Like) else x)

    def _shape(self, node: Node, reader: Node, known: dict[Node, Part]) -> Expression:
        """A value of the shape of a node: one with a name, or else the node itself, written out."""
        if node is self._upstream:
            return Name(self._reader.node)
        found = self._program.witness(node, reader)
        return self._shaped(node, known) if found is None else Name(found)

    def _of(self, root: Node, known: dict[Node, Part]) -> Part:
        order, stack = [], [root]
        while stack:
            node = stack.pop()
            if node not in known:
                known[node] = self._name_or_one(node)
                if node.op is not None and (not self._program.is_named(node) or self._flow.is_inlined(node)):
                    order.append(node)
                    stack.extend(x for x in node.inputs if isinstance(x, Node))
                elif node.op is None and not self._program.is_named(node) and not node.shape:
                    known[node] = whole(Number(node.item()))
        for node in sorted(order, key=by_number):
            known[node] = part_of(node, known, self._name, simplified, self._number)
        return known[root]

    def _name_or_one(self, node: Node) -> Part:
        return whole(Number(1)) if node in self._program.units else read(node)

    def _number(self, node: Node, i: int) -> Expression:
        return self._program.spelling.of(node, i, self._origin)

    def _origin(self, node: Node) -> Node | None:
        """The node whose rule recorded one of this sweep, or one that an earlier sweep recorded and this one reads."""
        found = self._noted.origin(node.number)
        return self._program.graph._origin(node) if found is None else found

    def _name(self, node: Node) -> str | None:
        return self._program.name(node) if self._program.is_named(node) else None


def _plainly(x: Expression) -> Expression:
    """Whole numbers without their fraction, except beside integers, which a number with a fraction makes floats."""
    if is_literal(x):
        return without_fraction(x)
    if not isinstance(x, Apply):
        return x
    beside_integers = any(i.kind in "iu" and not isinstance(i, Number) for i in x.inputs)
    inputs = tuple(i if beside_integers and isinstance(i, Number) else _plainly(i) for i in x.inputs)
    return Apply(x.op, inputs, x.params, x.shape, x.kind, x.size)
