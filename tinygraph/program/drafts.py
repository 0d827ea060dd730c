"""Which nodes of a graph are statements, and the expression of each.

A named node is a statement and an unnamed one is inlined into its reader. Three kinds of unnamed nodes become statements all the
same, named `t`: one that several statements share, unless it is a single step that may as well be repeated, one whose gradient
was requested, and one whose expression would grow past `LONGEST` ops, or `WIDEST` if it is a sum.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from tinygraph.backprop import between, by_number, reached
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import Op, Reduction, Repetition, add, broadcast_like, cast, cast_like, count, subtract, visited_axes
from tinygraph.program.axes import Axes
from tinygraph.program.bodies import Part, Write, like, made, read, whole
from tinygraph.program.form import as_it_is, simplified, structural
from tinygraph.program.shapes import Shapes
from tinygraph.program.spelling import Spelling
from tinygraph.program.terms import is_scale
from tinygraph.program.value import (
    Apply,
    Expression,
    Like,
    Name,
    Number,
    exact,
    is_literal,
    is_operator,
    without_fraction,
)

LONGEST = 20  # ops of an expression
WIDEST = 100  # ops of a sum, which is read term by term
SUMS = add, subtract


class Draft:
    """The statements of a graph, settled: every `t` is read more than once, and every shape can be read from a name.

    `statements` has the part that each is, in order of creation; `inlined` the parts of which a size is demanded.
    """

    def __init__(self, graph: Graph, temporaries: Collection[Node] = ()) -> None:
        self.graph = graph
        self.temporaries = temporaries
        self.spelling = Spelling(graph)
        self.axes = Axes(graph)
        self.forward = set(graph.forward)
        self.units = graph._units()
        self.gradient_of: dict[Node, Node] = {}
        for request in graph._requests():
            for node, gradient in request.gradients.items():
                self.gradient_of.setdefault(gradient, node)
        self.statements: dict[Node, Part] = {}
        self.inlined: dict[Node, Part] = {}
        self.arrays: dict[Node, None] = {}  # leaves of the backward pass alone: seeds, and arrays that a rule brought along
        self._cut: set[Node] = set()
        self._named = {node for node in graph.forward if node.op is not None and graph.name(node) is not None}
        self._demanded = {demand.node for demand in self.axes.demands}
        swept = {(node.code, node.instruction) for node in self.units}
        # What an earlier backward pass made is simplified too.
        self._recorded = {node for node in graph.forward if (node.code, node.instruction) not in swept}
        self._values: dict[Node, list[Node]] = {}  # what each node reads the value of
        # The same parts whenever something is written again, so that it is seen where nothing changed.
        self._leaves: dict[Node, Part] = {}
        self._names: dict[Node, Part] = {}
        self._known: dict[Node, tuple[list[Part], Part]] = {}  # of which parts each one was written
        self._settle()

    def _settle(self) -> None:
        kept, repeated = self.axes.measured(), set[Node]()
        uses = self._uses(kept)
        while True:
            self._write(uses, kept, repeated)
            missing = self._resolve_shapes()
            alone = self._read_once() - kept - repeated
            if not missing and not alone:
                return
            repeated |= alone - missing
            if missing:
                kept |= missing
                uses = self._uses(kept)

    def _uses(self, kept: Iterable[Node]) -> dict[Node, int]:
        """How often each node is read for its value, by what the statements are made of, in order of creation."""
        roots = {*self._named, *self.gradient_of, *kept}
        met, found = set(roots), list(roots)
        for node in found:  # grows as it is walked
            if node not in self._values:
                self._values[node] = _values_read(node)
            for x in self._values[node]:
                if x not in met:
                    met.add(x)
                    found.append(x)
        uses = dict.fromkeys(sorted(found, key=by_number), 0)
        for node in reversed(uses):
            # What only gets other places is read by each of the readers itself.
            count = max(uses[node], 1) if _only_places(node.op) and node not in roots else 1
            for x in self._values[node]:
                uses[x] += count
        return uses

    @cached_property
    def _twins(self) -> dict[Node, Node]:
        """Nodes that a later backward pass recorded again, each with the first; a user's op may give another value."""
        twins: dict[Node, Node] = {}
        if len(self.graph._requests()) < 2:
            return twins
        first: dict[Any, Node] = {}
        roots = {*self.gradient_of, *self.forward}
        for node in reached(self.gradient_of):
            if node.op is not None and node.op.built_in and node not in roots:
                inputs = tuple([twins.get(x, x) if isinstance(x, Node) else exact(x) for x in node.inputs])
                twin = first.setdefault((node.op, inputs, exact(tuple(node.params.items()))), node)
                if twin is not node:
                    twins[node] = twin
        return twins

    def _write(self, uses: Mapping[Node, int], kept: Iterable[Node], repeated: Collection[Node]) -> None:
        """The part that every node is, inputs before their readers."""
        self.statements, self.inlined, self._cut = {}, {}, set()
        partial: dict[Node, Part] = {}
        looped = [node.inputs[0] for node in uses if visited_axes(node.op, node.params)]
        always = {*self._named, *self.gradient_of, *kept, *looped}
        for node, reads in uses.items():
            if node.op is None:
                partial[node] = part = self._leaves.get(node) or self._leaves.setdefault(node, self._leaf(node))
                if node in self.gradient_of and not part.fills:
                    self.statements[node] = part
                continue
            if self._twins.get(node) in self.statements and node not in always:
                partial[node] = self._name(self._twins[node])
                continue
            part = self._part(node, partial)
            shared = reads > 1 and node not in repeated and not part.body.is_step
            long = part.body.size >= (WIDEST if node.op in SUMS else LONGEST)
            if shared or long or node in always:
                if long and not shared and node not in always:
                    self._cut.add(node)
                self.statements[node] = self._typed(node, part)
                if not self._is_passed_on(node, part):
                    part = self._name(node)
            partial[node] = part
            if node in self._demanded:
                self.inlined[node] = part

    def _leaf(self, node: Node) -> Part:
        """A leaf by its name; the seed 1, and a number that a rule brought along, as a literal."""
        if node in self.units:
            return whole(Number(1))
        if node not in self.forward:
            if not node.shape and node not in self.gradient_of:
                return whole(Number(node.item()))
            self.arrays[node] = None
        return read(node)

    def _name(self, node: Node) -> Part:
        return self._names.get(node) or self._names.setdefault(node, read(node))

    def _part(self, node: Node, partial: Mapping[Node, Part]) -> Part:
        """What a node computes, of the parts that it reads; what was written of the same ones is known."""
        parts = [partial[x] for x in self._values[node]]
        known = self._known.get(node)
        if known is not None and all(map(operator.is_, known[0], parts)):
            return known[1]
        write = structural if node in self._recorded else simplified
        part = part_of(node, partial, self.graph.name, write, self.spelling.of)
        number = part.body.expression
        if isinstance(number, Number) and node in self.gradient_of:
            part = whole(without_fraction(Number(float(number.value))))  # as the seed 1 is written
        self._known[node] = parts, part
        return part

    def _is_passed_on(self, node: Node, part: Part) -> bool:
        """Whether the gradient of a value without a name is a name, be it with a sign, or a number, be it repeated: its readers
        write that."""
        if self.gradient_of.get(node) not in self.temporaries:
            return False
        x = part.body.expression
        is_repeated = isinstance(x, Apply) and isinstance(x.op.kind, Repetition)
        bare = x.inputs[0] if isinstance(x, Apply) and (is_repeated or is_operator(x, ast.USub)) else x
        return is_scale(bare) or (isinstance(bare, Name) and not is_repeated and part.body.dtype == node.dtype)

    def _typed(self, node: Node, part: Part) -> Part:
        """The part in the dtype of its value, which that of literals and masks alone may not be."""
        if node.dtype.kind != "f":
            return part
        dtype = part.body.dtype
        is_number = dtype is float or isinstance(part.body.expression, Number)
        if dtype == node.dtype or (is_number and node.dtype == float):
            return part
        of = self.gradient_of.get(node)
        if of is None:  # views keep the byte order of their operand, which is no other number
            same = isinstance(dtype, type) or dtype == node.dtype.newbyteorder("=")
            return part if same else made(as_it_is, cast, [part], {"dtype": node.dtype}, node.shape, "f")
        op = broadcast_like if isinstance(dtype, type) else cast_like
        return made(as_it_is, op, [part, like(of)], {}, node.shape, "f")

    def _resolve_shapes(self) -> set[Node]:
        """Read every shape from a name that has it; give the values back that have to be named for that."""
        shapes = Shapes(self)
        missing: set[Node] = set()
        for reader, (body, fills) in self.statements.items():
            if not any(isinstance(x, Like) for x in fills):
                continue
            found = [shapes.witness(x.node, reader) if isinstance(x, Like) else x for x in fills]
            missing.update(x.node for x, witness in zip(fills, found, strict=True) if isinstance(x, Like) and witness is None)
            resolved = [x if witness is None else witness for x, witness in zip(fills, found, strict=True)]
            self.statements[reader] = Part(body, tuple(resolved))
        return missing

    def _read_once(self) -> set[Node]:
        """The statements `t` that only one place reads, once simplified, and that were not cut off for their length."""
        own = {*self._named, *self.gradient_of, *self._cut}
        others = dict.fromkeys((node for node in self.statements if node not in own), 0)
        if others:
            for x, count in Counter(x for part in self.statements.values() for x in part.reads).items():
                node = x.node if isinstance(x, Like) else x
                if node in others:
                    others[node] += count
        return {node for node, count in others.items() if count <= 1}

    def reads(self, node: Node) -> Iterator[Node]:
        """The values that a statement reads, in reading order."""
        return (x for x in self.statements[node].reads if not isinstance(x, Like))

    @cached_property
    def order(self) -> list[Node]:
        """The statements: forward by creation, then gradients in the order of the walk, each behind what it reads."""
        forward = sorted((node for node in self.statements if node in self.forward), key=by_number)
        done = set(forward)
        backward: list[Node] = []
        for root in self.gradient_of:
            stack = [root] if root in self.statements else []
            while stack:
                node = stack[-1]
                unread = [x for x in self.reads(node) if x in self.statements and x not in done and x is not node]
                if unread:
                    stack.extend(reversed(unread))
                    continue
                stack.pop()
                if node not in done:
                    done.add(node)
                    backward.append(node)
        return forward + backward

    def in_want_of_gradients(self) -> list[Node]:
        """The values of the forward pass without names that have gradients, and its statements without names if a gradient goes
        through any: by a name each gets a gradient that is a statement too."""
        name, requests = self.graph.name, self.graph._requests()
        unnamed = {node for node in self.statements if node in self.forward and node.op is not None and name(node) is None}
        if all(between(request.output, list(request.gradients)).keys().isdisjoint(unnamed) for request in requests if unnamed):
            unnamed = set()
        unnamed |= {node for request in requests for node in request.gradients if node in self.forward and name(node) is None}
        return sorted(unnamed, key=by_number)


def part_of(
    node: Node,
    known: Mapping[Node, Part],
    name: Callable[[Node], str | None],
    write: Write,
    number: Callable[[Node, int], Expression],
) -> Part:
    """The part of an op, from the known parts of its inputs; `name` returns the name of a value or None, and `number` how
    an operand that is a number is written.
    """
    op = node.op
    assert op is not None
    if op is count and isinstance(node.inputs[0], Node):
        return _count(node.inputs[0], node, name)
    parts = [
        whole(number(node, i)) if not isinstance(x, Node) else like(x) if op.reads_shape_at(i) else _fit(known[x], x, op)
        for i, x in enumerate(node.inputs)
    ]
    recorded = node if write is structural or op.dtype is None else None
    return made(write, op, parts, node.params, node.shape, node.dtype.kind, recorded)


def _fit(part: Part, node: Node, op: Op) -> Part:
    """A number that stands for a float as one, except where arithmetic makes one of it."""
    x = part.body.expression
    return whole(Number(float(x.value))) if is_literal(x) and node.dtype.kind == "f" and not op.of_numbers else part


def _count(of: Node, node: Node, name: Callable[[Node], str | None]) -> Part:
    """The count of a node; that of an unnamed sum over some axes by the axes of what it sums that are left."""
    axes = Reduction.gone(of.ndim, node.params)
    while of.ndim and name(of) is None and of.op is not None and isinstance(of.op.kind, Reduction):
        summed = of.inputs[0]
        places = [of.op.kind.place(i, summed.ndim, of.params) for i in axes]
        if None in places:
            break
        of, axes = summed, tuple(i for i in places if i is not None)
    return made(structural, count, [like(of)], {"axis": axes}, (), node.dtype.kind)


def _values_read(node: Node) -> list[Node]:
    op = node.op
    return [x for i, x in enumerate(node.inputs) if isinstance(x, Node) and not (op is not None and op.reads_shape_at(i))]


def _only_places(op: Op | None) -> bool:
    """Whether all that an op does is to give entries other places, at no cost."""
    return op is not None and op.steps == 0 and bool(op.view)
