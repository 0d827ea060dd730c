"""A graph as a program: which of its nodes are statements, their order, and the expression of each.

A named node is a statement and an unnamed one is inlined into its reader. Three kinds of unnamed nodes become statements all the
same, named `t`: one that several statements share, unless it is a single step that may as well be repeated, one whose gradient
was requested, and one whose expression would grow past `LONGEST` ops.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tinygraph import ops
from tinygraph.backprop import between, by_number
from tinygraph.graph import Graph
from tinygraph.names import temporary
from tinygraph.node import Node
from tinygraph.ops import Op, Reduction, Visited
from tinygraph.place import Place
from tinygraph.program.axes import Axes
from tinygraph.program.counts import counts
from tinygraph.program.decided import Check, Held, checks
from tinygraph.program.dtypes import dtype_of
from tinygraph.program.form import Simplifier, structural
from tinygraph.program.shapes import Shapes
from tinygraph.program.spelling import Spelling
from tinygraph.program.terms import is_scale
from tinygraph.program.value import (
    Apply,
    Expression,
    Like,
    Name,
    Number,
    Shape,
    apply,
    is_literal,
    leaves,
    replaced,
    without_fraction,
)

if TYPE_CHECKING:
    from tinygraph.program.flow import Flow

Level: TypeAlias = Literal["named", "op"]
Phase: TypeAlias = Literal["forward", "backward"]
Write: TypeAlias = Callable[[Op, Sequence[Expression], Mapping[str, Any], Shape, str], Expression]

LONGEST = 20


@dataclass(frozen=True, eq=False)
class Statement:
    """One line of the program: `name = expression`, with the node that holds its value and the user's line.

    `phase` is "forward" or "backward"; `of` is the node whose gradient it is, None for any other; `inputs` are the nodes that it
    reads, in reading order, and `module` the scope that it belongs to, as a path of names.
    """

    name: str
    expression: Expression
    node: Node
    phase: Phase
    of: Node | None
    inputs: tuple[Node, ...]
    module: tuple[str, ...]
    program: Program

    @property
    def value(self) -> Any:
        """The value: a read-only array, or a NumPy scalar."""
        return self.node.value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.node.shape

    @property
    def place(self) -> Place:
        """The user's line that made the value; for a gradient, the line that made what it is the gradient of."""
        return (self.node if self.of is None else self.of).place

    @property
    def right(self) -> str:
        """The right-hand side as NumPy source, as in `da * a * (1 - a)`."""
        from tinygraph.express.python import python

        return python(self.expression, self.program.name)

    def __repr__(self) -> str:
        return f"<statement {self.name} = {self.right}>"


class Program:
    """The statements of a graph: `leaves` (nodes), `forward`, `backward`, and a `name` for each node that has one.

    `temporaries` are the values that have a name here, and a gradient by it, and none in the user's graph.
    """

    def __init__(self, graph: Graph, level: Level = "named") -> None:
        check_level(level)
        self.outputs = graph.outputs
        self._names: dict[Node, str] = {}
        named = graph if level == "named" else graph._with_named(node for node in graph.forward if node.op is not None)
        draft = _settled(named)
        self.temporaries: set[Node] = set()
        while unnamed := _in_want_of_gradients(draft):
            self.temporaries.update(unnamed)
            draft = _settled(draft.graph._with_named(unnamed), self.temporaries)
        self.graph = draft.graph
        self.spelling = draft.spelling
        self._axes = draft.axes
        self.demands = self._axes.demands
        self.counts = tuple(counts(self.graph, self._axes, self.spelling))  # the numbers that may be sizes
        self._gradient_of = draft.gradient_of
        self._shapes = Shapes(draft)
        self.units = draft.units  # seeds that are written as 1
        self.leaves = (*(x for x in self.graph.forward if x.op is None and x not in self.units), *draft.arrays)
        used = (x for node in draft.order for x in leaves(draft.expressions[node]) if isinstance(x, Number))
        self.numbers = {x.name: x.value for x in used if x.name is not None}  # that the user has names for
        self._name_all(draft, temporary([*self.graph.names, *self.numbers]))
        self._expressions = draft.expressions
        self._parts = draft.parts
        self._modules = _modules(draft, self.leaves)
        statements = list(self._statements(draft))
        self.forward = tuple(s for s in statements if s.phase == "forward")
        self.backward = tuple(s for s in statements if s.phase == "backward")
        read = {x for s in statements for x in s.inputs}
        # Gradients that source writes as literals where they are read: seeds, and numbers that belong to values without a name.
        self.literals = self.units | {s.node for s in self.backward if s.of in self.temporaries and s.node not in read}

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of them, forward first."""
        return self.forward + self.backward

    @cached_property
    def checks(self) -> tuple[list[Check], list[Held]]:
        """What must hold for Python to decide as it did: the decisions to make again, and the leaves to keep as they are."""
        return checks(self.graph, [*self.leaves, *(s.node for s in self.forward)])

    @cached_property
    def flow(self) -> Flow:
        """Which statement passes which gradient on to which value."""
        from tinygraph.program.flow import Flow

        return Flow(self)

    def name(self, node: Node) -> str:
        """What a leaf or statement is called."""
        return self._names[node]

    def expression(self, node: Node) -> Expression:
        """The expression of a statement; for a leaf, its name."""
        return self._expressions.get(node, Name(node))

    def is_filled(self, x: Expression) -> bool:
        """Whether a value has entries in any run, by what the ops do and as no leaf loses all of its entries."""
        node = self._gradient_of.get(x.node, x.node) if isinstance(x, Name) else None
        return node is not None and self._axes.are_firm(node)

    def text(self, node: Node) -> str:
        """What the user calls a value or, where it has no name, how it is computed."""
        from tinygraph.express.python import python

        if node.op is None or (self.graph.name(node) is not None and node not in self.temporaries):
            return self._names[node]
        part = self._expressions.get(node, self._parts.get(node))
        if part is None or any(x.node not in self._names for x in leaves(part) if isinstance(x, Name)):
            return f"a result of {node.op.name}"
        return python(part, self.name)

    def free_axes(self) -> tuple[tuple[tuple[Node, int], ...], ...]:
        """The axes of leaves that may be as long as one likes, those of one size together, such as that of the examples."""
        return self._axes.free(count.demand.size for count in self.counts)

    def size_of(self, x: Expression, axis: int) -> Hashable:
        """The same for all axes that are of one size by what the ops do; how many entries there are where that is not known."""
        if not isinstance(x, Number) and x.node is not None:
            known = self._axes.identity_of(self._gradient_of.get(x.node, x.node), axis)
            return x.shape[axis] if known is None else known
        for y in x.inputs if isinstance(x, Apply) and x.op.elementwise else ():
            place = axis - len(x.shape) + len(y.shape)
            if place >= 0 and y.shape[place] == x.shape[axis]:
                return self.size_of(y, place)
        return x.shape[axis]

    def module(self, node: Node) -> tuple[str, ...]:
        """The scope that a leaf or statement belongs to, as a path of names."""
        return self._modules[node]

    def is_named(self, node: Node) -> bool:
        """Whether a node is a leaf or a statement."""
        return node in self._names

    def witness(self, node: Node, reader: Node) -> Node | None:
        """A leaf or statement of provably the shape and dtype of `node` that is known when `reader` is computed, or None."""
        return self._shapes.witness(node, reader)

    def _name_all(self, draft: _Draft, letter: str) -> None:
        taken = {*self.graph.names, *self.numbers}
        temporaries = (name for i in itertools.count(1) if (name := f"{letter}_{i}" if i > 1 else letter) not in taken)
        brought = (name for i in itertools.count(1) if (name := f"c_{i}") not in taken)
        for node in (*self.leaves, *draft.order):
            self._names[node] = self.graph.name(node) or next(brought if node.op is None else temporaries)

    def _statements(self, draft: _Draft) -> Iterator[Statement]:
        of = draft.gradient_of
        for node in draft.order:
            expression = draft.expressions[node]
            inputs = tuple(dict.fromkeys(x.node for x in leaves(expression) if isinstance(x, Name)))
            phase: Phase = "forward" if node in draft.forward else "backward"
            yield Statement(self._names[node], expression, node, phase, of.get(node), inputs, self._modules[node], self)


def check_level(level: str) -> None:
    """Raise a ValueError for an unknown level."""
    if level not in ("named", "op"):
        raise ValueError(f'level={level!r}: choose "named" (a statement for every named value) or "op" (one for every op)')


def program_of(graph: Graph, level: Level = "named") -> Program:
    """The program of a graph, the same object until more gradients are asked for."""
    with graph._lock:  # so that no gradients are added meanwhile
        asked = graph._gradient_count
        kept = graph._programs
        if (level, asked) not in kept:
            for key in [key for key in kept if key[1] != asked]:
                del kept[key]
            kept[level, asked] = made = Program(graph, level)
            made.graph._programs["named", made.graph._gradient_count] = made  # which has names for all statements
        return kept[level, asked]


class _Draft:
    """One attempt at the statements: the expressions of all nodes, given which unnamed ones must or must not be statements."""

    def __init__(
        self,
        graph: Graph,
        spelling: Spelling,
        simplified: Simplifier,
        kept: set[Node],
        inlined: set[Node],
        axes: Axes,
        temporaries: Collection[Node],
    ) -> None:
        self.graph = graph
        self.spelling = spelling
        self.axes = axes
        self.temporaries = temporaries
        self.demanded = {demand.node for demand in axes.demands}
        self.parts: dict[Node, Expression] = {}  # what is written into its reader, and of which a size is demanded
        self.forward = set(graph.forward)
        self.gradient_of: dict[Node, Node] = {}
        self.arrays: dict[Node, None] = {}  # leaves of the backward pass alone: seeds, and arrays that a rule brought along
        self.cut: set[Node] = set()
        self.expressions: dict[Node, Expression] = {}
        self.forward_roots = [node for node in graph.forward if node.op is not None and graph.name(node) is not None]
        self.roots: list[Node] = []
        self.units = graph._units()
        self.derived = self._derived()
        for request in graph._requests():
            for node, gradient in request.gradients.items():
                self.gradient_of.setdefault(gradient, node)
                self.roots.append(gradient)
        self._write(simplified, kept, inlined)

    def _write(self, simplified: Simplifier, kept: set[Node], inlined: set[Node]) -> None:
        """The expression of every node in order of creation: inputs come before their readers."""
        uses = self._uses(kept)
        partial: dict[Node, Expression] = {}
        looped = [node.inputs[0] for node in uses if node.op is ops.index and looped_axes(node.params["template"])]
        always = {*self.forward_roots, *self.roots, *kept, *looped}
        for node in sorted(uses, key=by_number):
            if node.op is None:
                partial[node] = leaf = self._leaf(node)
                if node in self.gradient_of and isinstance(leaf, Number):
                    self.expressions[node] = leaf
                continue
            expression = self._expression(node, partial, simplified)
            shared = uses[node] > 1 and node not in inlined and not _is_step(expression)
            long = expression.size >= LONGEST
            if node in always or shared or long:
                if long and node not in always and not shared:
                    self.cut.add(node)
                self.expressions[node] = self._typed(node, expression)
                if not self._is_literal(node, expression):
                    expression = Name(node)
            partial[node] = expression
            if node in self.demanded:
                self.parts[node] = expression

    def _is_literal(self, node: Node, expression: Expression) -> bool:
        """Whether a gradient is a number, be it repeated, and belongs to a value without a name: its readers write the number."""
        repeated = isinstance(expression, Apply) and expression.op is ops.broadcast_like
        number = expression.inputs[0] if isinstance(expression, Apply) and repeated else expression
        return self.gradient_of.get(node) in self.temporaries and is_scale(number)

    def _derived(self) -> set[Node]:
        """The values of the forward pass that an earlier backward pass made."""
        swept = {(node.code, node.instruction) for node in self.units}
        return {node for node in self.graph.forward if (node.code, node.instruction) in swept}

    def _leaf(self, node: Node) -> Expression:
        """A leaf by its name; the seed 1, and a number that a rule brought along, as a literal."""
        if node in self.units:
            return Number(1)
        if node in self.forward:
            return Name(node)
        if not node.shape and node not in self.gradient_of:
            return Number(node.item())
        self.arrays[node] = None
        return Name(node)

    def _expression(self, node: Node, partial: Mapping[Node, Expression], simplified: Simplifier) -> Expression:
        write = structural if node in self.forward and node not in self.derived else simplified
        expression = written(node, partial, self.graph.name, write, self.spelling.of)
        if isinstance(expression, Number) and node in self.gradient_of:
            return without_fraction(Number(float(expression.value)))  # as the seed 1 is written
        return expression

    def _typed(self, node: Node, expression: Expression) -> Expression:
        """The expression in the dtype of its value, which that of literals and masks alone may not be."""
        if node.dtype.kind != "f":
            return expression
        dtype = dtype_of(expression)
        is_number = dtype is float or isinstance(expression, Number)
        if dtype == node.dtype or (is_number and node.dtype == float):
            return expression
        of = self.gradient_of.get(node)
        if of is None:  # views keep the byte order of their operand, which is no other number
            same = isinstance(dtype, type) or dtype == node.dtype.newbyteorder("=")
            return expression if same else apply(ops.cast, expression, shape=node.shape, dtype=node.dtype)
        op = ops.broadcast_like if isinstance(dtype, type) else ops.cast_like
        return apply(op, expression, Like(of), shape=node.shape)

    def _uses(self, kept: set[Node]) -> Counter[Node]:
        """How often each node is read for its value, by what the statements are made of."""
        roots = {*self.forward_roots, *self.roots, *kept}
        uses: Counter[Node] = Counter(dict.fromkeys(roots, 0))
        found = list(roots)
        for node in found:  # grows as it is walked
            for x in _values_read(node):
                if x not in uses:
                    uses[x] = 0
                    found.append(x)
        for node in sorted(uses, key=by_number, reverse=True):
            for x in _values_read(node):
                # What only gets other places is read by each of the readers itself.
                uses[x] += max(uses[node], 1) if _only_places(node.op) and node not in roots else 1
        return uses

    @cached_property
    def order(self) -> list[Node]:
        """The statements: forward by creation, then gradients in the order of the walk, each behind what it reads."""
        forward = sorted((node for node in self.expressions if node in self.forward), key=by_number)
        done = set(forward)
        backward: list[Node] = []
        for root in self.roots:
            stack = [root] if root in self.expressions else []
            while stack:
                node = stack[-1]
                unread = [x for x in self.reads(node) if x in self.expressions and x not in done and x is not node]
                if unread:
                    stack.extend(reversed(unread))
                    continue
                stack.pop()
                if node not in done:
                    done.add(node)
                    backward.append(node)
        return forward + backward

    def reads(self, node: Node) -> Iterator[Node]:
        return (x.node for x in leaves(self.expressions[node]) if isinstance(x, Name) and not isinstance(x, Like))


def written(
    node: Node,
    known: Mapping[Node, Expression],
    name: Callable[[Node], str | None],
    write: Write,
    number: Callable[[Node, int], Expression],
) -> Expression:
    """What an op makes of the expressions that are known of its inputs; `name` is what a value is called, if it is, and `number`
    how an operand that is a number is written.
    """
    op = node.op
    assert op is not None
    if op is ops.count and isinstance(node.inputs[0], Node):
        return _count(node.inputs[0], node, name)
    inputs = [
        number(node, i) if not isinstance(x, Node) else Like(x) if op.reads_shape_at(i) else _fit(known[x], x, op)
        for i, x in enumerate(node.inputs)
    ]
    expression = write(op, inputs, node.params, node.shape, node.dtype.kind)
    if (write is structural or op.dtype is None) and isinstance(expression, Apply) and expression.op is op:
        return Apply(op, expression.inputs, expression.params, expression.shape, expression.kind, expression.size, node)
    return expression


def _fit(x: Expression, node: Node, op: Op) -> Expression:
    """A number that stands for a float as one, except where arithmetic makes one of it."""
    whole = is_literal(x) and node.dtype.kind == "f" and not op.of_numbers
    return Number(float(x.value)) if whole and is_literal(x) else x


def _count(like: Node, node: Node, name: Callable[[Node], str | None]) -> Expression:
    """The count of a node; that of an unnamed sum over some axes by the axes of what it sums that are left."""
    axes = Reduction.gone(like.ndim, node.params)
    while like.ndim and name(like) is None and like.op is not None and isinstance(like.op.kind, Reduction):
        summed = like.inputs[0]
        places = [like.op.kind.place(i, summed.ndim, like.params) for i in axes]
        if None in places:
            break
        like, axes = summed, tuple(i for i in places if i is not None)
    return structural(ops.count, [Like(like)], {"axis": axes}, (), node.dtype.kind)


def _values_read(node: Node) -> Iterator[Node]:
    for i, x in enumerate(node.inputs):
        if isinstance(x, Node) and not (node.op is not None and node.op.reads_shape_at(i)):
            yield x


def looped_axes(template: tuple[Any, ...]) -> tuple[int, ...]:
    """The axes of which a loop visited every position that there was, by the index of one of them."""
    return tuple(i for i, part in enumerate(template) if isinstance(part, Visited))


def _is_step(expression: Expression) -> bool:
    """Whether an expression is at most one arithmetic step on names and numbers; a sign and a count are no steps."""
    if not isinstance(expression, Apply) or _is_of_numbers(expression):
        return True
    if not expression.op.steps:
        return expression.op.steps == 0 and _is_step(expression.inputs[0])
    return all(map(_is_plain, expression.inputs))


def _is_of_numbers(expression: Expression) -> bool:
    return all(isinstance(x, Number) for x in leaves(expression))


def _is_plain(expression: Expression) -> bool:
    if isinstance(expression, Apply) and not _is_of_numbers(expression):
        return expression.op.steps == 0 and not expression.op.view and all(map(_is_plain, expression.inputs))
    return True


def _only_places(op: Op | None) -> bool:
    """Whether all that an op does is to give entries other places, at no cost."""
    return op is not None and op.steps == 0 and bool(op.view)


def _in_want_of_gradients(draft: _Draft) -> list[Node]:
    """The values of the forward pass without names that have gradients, and its statements without names if a gradient goes
    through any: by a name each gets a gradient that is a statement too."""
    forward, name, requests = draft.forward, draft.graph.name, draft.graph._requests()
    computed = (node for node in draft.expressions if node in forward and node.op is not None)
    unnamed = {node for node in computed if name(node) is None}
    if all(between(request.output, list(request.gradients)).keys().isdisjoint(unnamed) for request in requests if unnamed):
        unnamed = set()
    unnamed |= {node for request in requests for node in request.gradients if node in forward and name(node) is None}
    return sorted(unnamed, key=by_number)


def _settled(graph: Graph, temporaries: Collection[Node] = ()) -> _Draft:
    """The draft in which every statement `t` is read more than once and every shape can be read from a name."""
    spelling, axes, simplified = Spelling(graph), Axes(graph), Simplifier()
    kept = axes.measured()
    inlined: set[Node] = set()
    while True:
        draft = _Draft(graph, spelling, simplified, kept, inlined, axes, temporaries)
        missing = _resolve_shapes(draft)
        alone = _read_once(draft) - kept - inlined
        if not missing and not alone:
            return draft
        kept |= missing
        inlined |= alone - missing


def _read_once(draft: _Draft) -> set[Node]:
    """The statements `t` that only one place reads, once simplified, and that were not cut off for their length."""
    reads: Counter[Node] = Counter()
    for expression in draft.expressions.values():
        reads.update(x.node for x in leaves(expression) if isinstance(x, Name))
    own = {*draft.forward_roots, *draft.roots, *draft.cut}
    return {node for node in draft.expressions if node not in own and reads[node] <= 1}


def _resolve_shapes(draft: _Draft) -> set[Node]:
    """Read every shape from a name that has it; give the values back that have to be named for that."""
    shapes = Shapes(draft)
    missing: set[Node] = set()
    for node, expression in draft.expressions.items():
        if not any(isinstance(x, Like) for x in leaves(expression)):
            continue

        def witness(x: Number | Name, reader: Node = node) -> Expression:
            if not isinstance(x, Like):
                return x
            found = shapes.witness(x.node, reader)
            if found is None:
                missing.add(x.node)
                return x
            return Name(found)

        draft.expressions[node] = replaced(expression, witness)
    return missing


def _modules(draft: _Draft, leaves: Sequence[Node]) -> dict[Node, tuple[str, ...]]:
    """Which scope each leaf and statement belongs to: that of its name; where the user named none, what its readers share."""
    scopes = draft.graph._scopes()
    active = {scope for node, scope in scopes.items() if node.op is not None}
    found: dict[Node, tuple[str, ...]] = {}
    readers: dict[Node, list[tuple[str, ...]]] = {}
    for node in (*reversed(draft.order), *leaves):
        named = draft.gradient_of.get(node, node)
        scope = scopes[named] if named in scopes else shared_scope(readers.get(node, []))
        found[node] = scope if scope in active else ()
        for x in draft.reads(node) if node in draft.expressions else ():
            if x not in draft.forward or node in draft.forward:
                readers.setdefault(x, []).append(found[node])
    return found


def shared_scope(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The outer scopes that all paths begin with."""
    return tuple(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False)))
