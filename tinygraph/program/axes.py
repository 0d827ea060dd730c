"""Which sizes a recording took for granted: what a program has to check of the sizes that it is run at.

A gradient was recorded, and simplified, for the axes along which values were repeated then: for axes of size 1, and for axes
that were equally long where they met. What follows from the ops is certain, as it is of leaves, whose axes of size 0 and 1 are
checked; the rest is a demand, such as that `X[1:]` have one row again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import KindError, Op, Opaque
from tinygraph.sizes import LONGEST, Axis, Demand, Formula, Size, Sizes, Sizing, axes_in, is_firm, varies


class Axes(Sizing):
    """The sizes of all values of the forward pass, and what they demand."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.leaves = [node for node in graph.forward if node.op is None and node.shape]
        for node in graph.forward:
            self._known[node] = self._sizes(node)
        self._fit_seeds(graph)
        self._keep()
        self.demands = tuple(self._demands.values())

    def sizes_of(self, node: Node) -> Sizes:
        """The sizes of the axes of a value."""
        return self._known[node]

    def free(self, kept: Iterable[Size] = ()) -> tuple[tuple[tuple[Node, int], ...], ...]:
        """The axes of leaves, those of one size together, that may be as long as one likes, such as that of the examples: which
        no parameter has, of which no op makes something else than less or more of the same, and which no demand is about; nor is
        any of the sizes that are `kept` made of them.
        """
        groups: dict[Any, list[tuple[Node, int]]] = {}
        for leaf in self.leaves:
            for i, identity in enumerate(self._identities(leaf)):
                groups.setdefault(identity, []).append((leaf, i))
        fixed = {identity for leaf in self.leaves if leaf.kind == "parameter" for identity in self._identities(leaf)}
        for node in self._known:
            if node.op is not None and isinstance(node.op.kind, Opaque):
                left = self._identities(node)
                fixed.update(one for x in node.inputs if isinstance(x, Node) for one in self._identities(x) if one not in left)
        demanded = [part for demand in self.demands for part in (demand.size, demand.needed) if isinstance(part, Formula)]
        fixed.update(self.identity(axis) for part in (*demanded, *kept) for axis in axes_in(part))
        return tuple(tuple(axes) for one, axes in groups.items() if isinstance(one, Axis) and one not in fixed)

    def identity_of(self, node: Node, axis: int) -> Hashable:
        """What an axis has in common with all others of its size; None for a value that is not of the forward pass."""
        return self.identity(self._known[node][axis]) if node in self._known else None

    def _identities(self, node: Node) -> list[Any]:
        return [self.identity(size) for size in self._known[node]]

    def are_firm(self, node: Node) -> bool:
        """Whether all sizes of a value are numbers or those of leaves."""
        return node in self._known and all(map(is_firm, self._known[node]))

    def measured(self) -> set[Node]:
        """The values, other than leaves, of which the shape has to be read for a demand."""
        return {node for demand in self.demands for node in demand.read() if node.op is not None}

    def _sizes(self, node: Node) -> Sizes:
        if node.op is None:
            sizes: Sizes = tuple(n if n < 2 else Axis(node, i) for i, n in enumerate(node.shape))
        elif node.op.elementwise:
            return self.met(node.inputs) if node.shape else ()
        else:
            sizes = self._declared(node, node.op)
        return tuple(self._shortened(node, i, size) for i, size in enumerate(sizes))

    def _declared(self, node: Node, op: Op) -> Sizes:
        try:
            sizes = op.kind.sizes(self, node)
        except (KindError, IndexError, KeyError) as error:
            raise TypeError(f"{op.name} declares {op.kind}, which its arguments do not fit: {error}") from error
        if len(sizes) != node.ndim:
            raise TypeError(f"{op.name} declares {op.kind}, which gives {sizes}, but its result has shape {node.shape}")
        return sizes

    def _shortened(self, node: Node, place: int, size: Size) -> Size:
        """A size as a number where it is one, and as what is measured where its formula is long."""
        if isinstance(size, Formula) and size.length > LONGEST:
            return Axis(node, place)
        return size if varies(size) else node.shape[place]

    def _fit_seeds(self, graph: Graph) -> None:
        """Demand that every seed that is given has the shape of the output that it weighs."""
        for request in graph._requests():
            if request.seed.op is None and not request.unit and request.output in self._known:
                own = self._known.setdefault(request.seed, self._sizes(request.seed))
                for i, (size, needed) in enumerate(zip(own, self.of(request.output), strict=True)):
                    self.demand(request.seed, [i], size, needed)

    def _keep(self) -> None:
        for node in self._known if self._kept else self.leaves if self._keeper is not None else ():
            for i, (size, n) in enumerate(zip(self._known[node], node.shape, strict=True)):
                taker = self._kept.get(n, self._keeper if node.op is None else None)
                if taker is not None and varies(size):
                    self._demands.setdefault((size, n), Demand(node, (i,), size, n, taker))
