"""Which sizes a recording took for granted: what a program has to check of the sizes that it is run at.

A gradient was recorded, and simplified, for the axes along which values were repeated then: for axes of size 1, and for axes
that were equally long where they met. What follows from the ops is certain, as it is of leaves, whose axes of size 0 and 1 are
checked; the rest is a demand, such as that `X[1:]` have one row again.
"""

from __future__ import annotations

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops.sizes import LONGEST, Axis, Formula, Size, Sizes, Sizing, is_firm, varies


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
            sizes = node.op.kind.sizes(self, node)
        return tuple(self._shortened(node, i, size) for i, size in enumerate(sizes))

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
                if taker is not None:
                    self.demand(node, [i], size, n, taker)
