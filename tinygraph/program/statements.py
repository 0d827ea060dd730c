"""A graph as a program: its statements, their order, and what each is called."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tinygraph.backprop import CollectorPaused
from tinygraph.graph import Graph
from tinygraph.names import temporary
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.program.bodies import Part
from tinygraph.program.counts import Count, counts, counts_kept
from tinygraph.program.drafts import Draft
from tinygraph.program.shapes import Shapes
from tinygraph.program.value import Apply, Expression, Like, Name, Number

if TYPE_CHECKING:
    from tinygraph.program.decided import Check, FixedLeaf
    from tinygraph.program.flow import Flow
    from tinygraph.program.paths import Routes

Level: TypeAlias = Literal["named", "op"]
Phase: TypeAlias = Literal["forward", "backward"]


@dataclass(frozen=True, eq=False)
class Statement:
    """One line of the program: `name = expression`, with the node that holds its value and the user's line.

    `part` is the expression before the nodes that it reads are put into it.

    `phase` is "forward" or "backward"; `of` is the node whose gradient it is, None for any other; `inputs` are the nodes that it
    reads, in reading order, and `module` the scope that it belongs to, as a path of names.
    """

    name: str
    part: Part
    node: Node
    phase: Phase
    of: Node | None
    inputs: tuple[Node, ...]
    module: tuple[str, ...]
    program: Program

    @cached_property
    def expression(self) -> Expression:
        """What is computed."""
        return self.part.expression

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

        return python(self.part.body.expression, lambda node: self.program.name(self.part.at(node)))

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
        self.temporaries = set(graph._temporaries)
        draft = Draft(named, self.temporaries)
        while unnamed := draft.in_want_of_gradients():
            self.temporaries.update(unnamed)
            draft = Draft(draft.graph._with_named(unnamed), self.temporaries)
        self.graph = draft.graph
        self.graph._temporaries = self.temporaries
        self.spelling = draft.spelling
        self._axes = draft.axes
        self.demands = self._axes.demands
        self.counts = tuple(counts(self.graph, self._axes, self.spelling))  # the numbers that may be sizes
        self._gradient_of = draft.gradient_of
        self._shapes = Shapes(draft)
        self.units = draft.units  # seeds that are written as 1
        self.leaves = (*(x for x in self.graph.forward if x.op is None and x not in self.units), *draft.arrays)
        used = (x for node in draft.order for x in draft.statements[node].body.numbers)
        self.numbers = {x.name: x.value for x in used if x.name is not None}  # that the user has names for
        self._name_all(draft, temporary([*self.graph.names, *self.numbers]))
        self._parts = draft.inlined | draft.statements
        self._modules = _modules(draft, self.leaves)
        statements = list(self._statements(draft))
        self.forward = tuple(s for s in statements if s.phase == "forward")
        self.backward = tuple(s for s in statements if s.phase == "backward")
        read = {x for s in statements for x in s.inputs}
        # Gradients that source writes where they are read: seeds, and numbers and names, of values that have no name themselves.
        self.passed_on = self.units | {s.node for s in self.backward if s.of in self.temporaries and s.node not in read}

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of them, forward first."""
        return self.forward + self.backward

    @cached_property
    def checks(self) -> tuple[list[Check], list[FixedLeaf]]:
        """What must hold for Python to decide as it did: the decisions to make again, and the leaves to keep as they are."""
        from tinygraph.program.decided import checks

        return checks(self.graph, [*self.leaves, *(s.node for s in self.forward)])

    @cached_property
    def flow(self) -> Flow:
        """Which statement passes which gradient on to which value."""
        from tinygraph.program.flow import Flow

        return Flow(self)

    @cached_property
    def routes(self) -> list[Routes]:
        """The paths from each output to what it has gradients with respect to."""
        from tinygraph.program.paths import routes_of

        return routes_of(self)

    def name(self, node: Node) -> str:
        """What a leaf or statement is called."""
        return self._names[node]

    def expression(self, node: Node) -> Expression:
        """The expression of a statement; for a leaf, its name."""
        return self._parts[node].expression if node in self._names and node in self._parts else Name(node)

    def is_filled(self, x: Expression) -> bool:
        """Whether a value has entries in any run, by what the ops do and as no leaf loses all of its entries."""
        node = self._gradient_of.get(x.node, x.node) if isinstance(x, Name) else None
        return node is not None and self._axes.are_firm(node)

    def text(self, node: Node) -> str:
        """What the user calls a value or, where it has no name, how it is computed."""
        from tinygraph.express.python import python

        if node.op is None or (self.graph.name(node) is not None and node not in self.temporaries):
            return self._names[node]
        part = self._parts.get(node)
        if part is None or any((x.node if isinstance(x, Like) else x) not in self._names for x in part.reads):
            return f"a result of {node.op.name}"
        return python(part.expression, self.name)

    def free_axes(self) -> tuple[tuple[tuple[Node, int], ...], ...]:
        """The axes of leaves that may be as long as one likes, those of one size together, such as that of the examples."""
        return self._axes.free(count.demand.size for count in self.counts)

    def counts_kept(self, leaves: Collection[Node]) -> Iterator[Count]:
        """The sizes that must be as they were recorded where these leaves keep their values."""
        return counts_kept(self.graph, leaves, self._axes, self.spelling)

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

    def _name_all(self, draft: Draft, letter: str) -> None:
        taken = {*self.graph.names, *self.numbers}
        temporaries = (name for i in itertools.count(1) if (name := f"{letter}_{i}" if i > 1 else letter) not in taken)
        brought = (name for i in itertools.count(1) if (name := f"c_{i}") not in taken)
        for node in (*self.leaves, *draft.order):
            self._names[node] = self.graph.name(node) or next(brought if node.op is None else temporaries)

    def _statements(self, draft: Draft) -> Iterator[Statement]:
        of = draft.gradient_of
        for node in draft.order:
            part = draft.statements[node]
            inputs = tuple(dict.fromkeys(draft.reads(node)))
            phase: Phase = "forward" if node in draft.forward else "backward"
            yield Statement(self._names[node], part, node, phase, of.get(node), inputs, self._modules[node], self)


def check_level(level: str) -> None:
    """Raise a ValueError for an unknown level."""
    if level not in ("named", "op"):
        raise ValueError(f'level={level!r}: choose "named" (a statement for every named value) or "op" (one for every op)')


def program_of(graph: Graph, level: Level = "named") -> Program:
    """The program of a graph, the same object until more gradients are asked for."""
    with graph._lock, CollectorPaused():  # so that no gradients are added meanwhile
        asked = graph._gradient_count
        kept = graph._programs
        if (level, asked) not in kept:
            for key in [key for key in kept if key[1] != asked]:
                del kept[key]
            kept[level, asked] = made = Program(graph, level)
            made.graph._programs["named", made.graph._gradient_count] = made  # which has names for all statements
        return kept[level, asked]


def _modules(draft: Draft, leaves: Sequence[Node]) -> dict[Node, tuple[str, ...]]:
    """Which scope each leaf and statement belongs to: that of its name; where the user named none, what its readers share."""
    scopes = draft.graph._names.scopes
    active = {scope for node, scope in scopes.items() if node.op is not None}
    if not active:
        return dict.fromkeys((*draft.order, *leaves), ())
    found: dict[Node, tuple[str, ...]] = {}
    readers: dict[Node, list[tuple[str, ...]]] = {}
    for node in (*reversed(draft.order), *leaves):
        named = draft.gradient_of.get(node, node)
        scope = scopes[named] if named in scopes else shared_scope(readers.get(node, []))
        found[node] = scope if scope in active else ()
        for x in draft.reads(node) if node in draft.statements else ():
            if x not in draft.forward or node in draft.forward:
                readers.setdefault(x, []).append(found[node])
    return found


def shared_scope(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The outer scopes that all paths begin with."""
    return tuple(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False)))
