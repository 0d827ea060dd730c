"""Paths: each way from an output to a value, as the product of its local derivatives. Their sum is the derivative.

There may be exponentially many, so that they are counted without being looked at, and the largest are found best first. Where an
array lies on the way there is no product of numbers: a path is then what its statements pass on, one after the other.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Level, Program, program_of
from tinygraph.requested import Request
from tinygraph.wording import counted

MOST = 50  # paths that are shown
LONGEST = 15  # digits of a count that is written out

Leading: TypeAlias = Mapping[Node, Sequence[Pass]]  # from each statement on to one value


class _Open(NamedTuple):
    """The paths that begin alike. What is smallest comes first: of equal sizes the longest beginning, then the earliest."""

    smallness: float
    shortness: int
    turn: int
    node: Node
    passes: tuple[Any, ...] | None  # the last one, and those before it
    size: float
    product: float


class Routes:
    """The passes from one output on to all that it has gradients with respect to."""

    def __init__(self, program: Program, request: Request) -> None:
        self.program = program
        self.output = request.output
        self.gradients = request.gradients
        places = {node: i for i, node in enumerate((*program.leaves, *(s.node for s in program.statements)))}
        self._order = sorted(request.gradients, key=places.__getitem__, reverse=True)  # each statement before what it reads
        self.passes = {
            x: tuple(sorted(program.flow.passed(request.gradients[x]).values(), key=lambda one: places[one.of]))
            for x in self._order
            if x.op is not None
        }
        self._numbers: dict[Pass, Node | None] = {}
        self._along: dict[tuple[Pass, ...], Node] = {}

    @cached_property
    def _before(self) -> Mapping[Node, int]:
        """How many paths there are from the output to each value."""
        found = {self.output: 1}
        for node in self._order:
            for one in self.passes.get(node, ()) if node in found else ():
                found[one.of] = found.get(one.of, 0) + found[node]
        return found

    @cached_property
    def _into(self) -> Mapping[Node, Sequence[Pass]]:
        """The passes that end at each value, on paths from the output."""
        found: dict[Node, list[Pass]] = {}
        for node in self._order:
            for one in self.passes.get(node, ()) if node in self._before else ():
                found.setdefault(one.of, []).append(one)
        return found

    @cached_property
    def _through_arrays(self) -> set[Node]:
        """The values to which a path leads on which a local derivative is no number."""
        found: set[Node] = set()
        for node in self._order:  # each before those that it passes on to
            if any(one.reader.node in found or self.number(one) is None for one in self._into.get(node, ())):
                found.add(node)
        return found

    def is_numeric(self, end: Node) -> bool:
        """Whether all paths to a value are products of numbers."""
        return end not in self._through_arrays

    def every(self, end: Node) -> list[Path]:
        """All paths to a value in their order, without a search for the largest; to be called where there are few."""
        found: list[Path] = []
        unfinished: list[tuple[Node, tuple[Any, ...] | None]] = [(end, None)]  # with what leads from there to the end
        while unfinished:
            node, passes = unfinished.pop()
            if node is self.output:
                found.append(Path(tuple(_linked(passes)), self))
            unfinished += [(one.reader.node, (one, passes)) for one in self._into.get(node, ())]
        return sorted(found, key=lambda path: [self._places[one] for one in path.passes]) if len(found) > 1 else found

    @cached_property
    def _places(self) -> Mapping[Pass, int]:
        return {one: i for i, one in enumerate(itertools.chain(*self.passes.values()))}

    def number(self, one: Pass) -> Node | None:
        """The local derivative where it is a number: one of a number by a number."""
        if one not in self._numbers:
            self._numbers[one] = self._number(one)
        return self._numbers[one]

    def _number(self, one: Pass) -> Node | None:
        reader = one.reader.node
        if reader.shape or one.of.shape:
            return None
        return one.local_node if one.is_factor else self.program.flow.along(one, constant(reader.dtype.type(1)))

    def leading(self, end: Node) -> Leading:
        """The passes on paths that end at a value, from the output on."""
        reaching = {end}
        for node in reversed(self._order):
            if node is not end and any(one.of in reaching for one in self.passes.get(node, ())):
                reaching.add(node)
        found: dict[Node, Sequence[Pass]] = {}
        for node in self._order:
            if node in reaching and node is not end and node in self._before:
                found[node] = [one for one in self.passes[node] if one.of in reaching]
        return found

    def count(self, end: Node) -> int:
        """How many paths end at a value."""
        return self._before.get(end, 0)

    def contribution(self, passes: tuple[Pass, ...]) -> Node:
        """What arrives at the end of a path: of the gradient of its last value, the part that takes this path."""
        *before, last = passes
        if self.count(last.reader.node) == 1:
            return last.node
        if passes not in self._along:
            self._along[passes] = self.program.flow.along(last, self.contribution(tuple(before)))
        return self._along[passes]


@dataclass(frozen=True, eq=False)
class Path:
    """One way from an output to a value.

    `nodes` are the names of the values on it, `passes` what leads from each to the next. `locals` are the local derivatives, and
    `product` is their product: None where one of them is no number. `contribution` is what the path adds to the gradient.
    """

    passes: tuple[Pass, ...]
    routes: Routes

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the values, the output first."""
        name = self.routes.program.name
        return (name(self.routes.output), *(name(one.of) for one in self.passes))

    @cached_property
    def locals(self) -> tuple[float, ...] | None:
        """The local derivatives as numbers."""
        found = [self.routes.number(one) for one in self.passes]
        numbers = tuple(float(x.item()) for x in found if x is not None)
        return numbers if len(numbers) == len(found) else None

    @property
    def product(self) -> float | None:
        """Their product."""
        return None if self.locals is None else math.prod(self.locals)

    @property
    def contribution(self) -> Any:
        """What the path adds to the gradient of its last value."""
        return self.routes.contribution(self.passes).value if self.passes else self.routes.output.dtype.type(1)

    def __str__(self) -> str:
        from tinygraph.express.text import number

        label = " · ".join(f"∂{a}/∂{b}" for a, b in zip(self.nodes, self.nodes[1:], strict=False)) or "1"
        if self.locals is None:
            return f"{label}: {number(self.contribution)}"
        texts = [number(x) for x in self.locals]
        factors = " · ".join(f"({text})" if i and text.startswith("-") else text for i, text in enumerate(texts))
        return f"{label} = {factors}" + (f" = {number(self.product)}" if len(texts) > 1 else "")

    def __repr__(self) -> str:
        return f"<path {self}>"


class Paths:
    """The paths from an output to a value: of numbers the largest, else the first; at most as many as were asked for.

    `count` is how many there are, `rest` the sum of those that are not listed, `gradient` the sum of all.
    """

    def __init__(self, routes: Routes, end: Node, most: int = MOST) -> None:
        self.routes = routes
        self.end = end
        self.count = routes.count(end)
        self._leading = routes.leading(end)
        every = [one for passes in self._leading.values() for one in passes]
        self.is_numeric = routes.is_numeric(end)
        self._sizes = {one: _size(self._value(one)) if self.is_numeric else 0.0 for one in every}
        self._found: list[Path] = []
        self.rest: float | None = self._search(most)

    def _value(self, one: Pass) -> float:
        number = self.routes.number(one)
        return 1.0 if number is None or not self.is_numeric else float(number.item())

    @cached_property
    def gradient(self) -> float | None:
        """The sum of all paths, where they are products of numbers."""
        return self._total[self.routes.output] if self.is_numeric else None

    @cached_property
    def _total(self) -> Mapping[Node, float]:
        """The sum of all paths from each statement to the end."""
        found = {self.end: 1.0}
        for node, passes in reversed([*self._leading.items()]):
            found[node] = _sum(self._value(one) * found[one.of] for one in passes)
        return found

    @cached_property
    def _largest(self) -> Mapping[Node, float]:
        """The logarithm of the largest path from each statement to the end."""
        found = {self.end: 0.0}
        for node, passes in reversed([*self._leading.items()]):
            found[node] = max(_together(self._sizes[one], found[one.of]) for one in passes)
        return found

    def _search(self, most: int) -> float | None:
        """Find the largest paths, and the sum of all others. What is left open never contains a larger one than what is taken.

        The largest continuation keeps the size of what it continues, so that rounding never makes one of equal paths wait for all
        others.
        """
        start = self.routes.output
        heap = [_Open(-self._largest[start], 0, 0, start, None, 0.0, 1.0)] if start in self._largest else []
        turn = 0
        while heap and len(self._found) < most:
            known = heapq.heappop(heap)
            if known.node is self.end:
                self._found.append(Path(tuple(_linked(known.passes))[::-1], self.routes))
                continue
            passes = self._leading[known.node]
            best = max(passes, key=lambda one: _together(self._sizes[one], self._largest[one.of]))
            for one in passes:
                turn += 1
                size = _together(known.size, self._sizes[one])
                smallness = max(known.smallness, -_together(size, self._largest[one.of])) if one is not best else known.smallness
                way, product = (one, known.passes), known.product * self._value(one)
                heapq.heappush(heap, _Open(smallness, known.shortness - 1, turn, one.of, way, size, product))
        return _sum(x.product * self._total[x.node] for x in heap) if self.is_numeric else None

    def __getitem__(self, i: int) -> Path:
        return self._found[i]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        from tinygraph.express.text import number

        others = self.count - len(self)
        lines = [*map(str, self._found)]
        if others:
            is_one = others == 1
            what = f"the other {'one' if is_one else f'{many(others)} paths'}"
            lines.append(what if self.rest is None else f"{what} = {number(self.rest)}")
        name = self.routes.program.name
        label = f"∂{name(self.routes.output)}/∂{name(self.end)}"
        if self.gradient is not None and self.count > 1:
            lines.append(f"{label} = {number(self.gradient)}, the sum of {many(self.count)} paths")
        elif self.gradient is None:
            lines.append(
                f"{label} is the sum of {counted(self.count, 'path')}; no product of numbers, since arrays lie on the way"
            )
        return "\n".join(lines)


def many(count: int) -> str:
    """A count, or its power of ten where it is long.

    >>> many(12345), many(2**100)
    ('12,345', 'about 10^30')
    """
    if count < 10**LONGEST:
        return f"{count:,}"
    power = round(math.log10(count))
    return f"about 10^{power - (10**power > count)}"


def _linked(passes: tuple[Any, ...] | None) -> Iterator[Pass]:
    """The passes of which each is linked to the next."""
    while passes is not None:
        one, passes = passes
        yield one


def _size(x: float) -> float:
    """The logarithm of a magnitude; NaN is as large as infinity."""
    if math.isnan(x):
        return math.inf
    return math.log2(abs(x)) if x else -math.inf


def _together(a: float, b: float) -> float:
    """The size of a product; that of 0 and infinity is NaN."""
    return math.inf if math.isnan(a + b) else a + b


def _sum(numbers: Iterator[float]) -> float:
    """The sum, rounded once where all of it is finite."""
    found = list(numbers)
    return math.fsum(found) if all(map(math.isfinite, found)) else sum(found)


def routes_of(program: Program) -> list[Routes]:
    """The routes from each output that has derivatives."""
    return [Routes(program, request) for request in program.graph._requests() if request.unit]


def paths(graph: Graph, of: Node | str, wrt: Node | str, most: int, level: Level) -> Paths:
    """The paths between two values of a graph."""
    if most < 0:
        raise ValueError(f"most={most} must not be negative")
    output, end = graph._own(of), graph._own(wrt)
    if not graph._requests():
        graph.backprop(of=output)
    program = program_of(graph, level)
    output, end = (_in_program(x, graph, program) for x in (output, end))
    for routes in program.routes:
        if routes.output is output and (routes.count(end) or end is output):
            return Paths(routes, end, most)
    names = [program.name(x) for x in (output, end)]
    raise ValueError(
        f"no derivative of {names[0]} with respect to {names[1]} was computed: "
        f"call graph.backprop(of={names[0]!r}, wrt=[{names[1]!r}]) first"
    )


def _in_program(node: Node, graph: Graph, program: Program) -> Node:
    """A node of a graph in its program, which has gradients of its own where it has more names."""
    name = graph.name(node)
    return node if node in program.graph or name is None else program.graph[name]
