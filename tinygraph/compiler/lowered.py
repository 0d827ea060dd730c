"""What a step computes, as primitive nodes: which of them each call computes, and what the source calls them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from tinygraph.backprop import reached
from tinygraph.compiler.hoisting import hoisted
from tinygraph.compiler.lowering import Lowering
from tinygraph.compiler.planning import Phases, fixed, phases
from tinygraph.compiler.primitives import needed
from tinygraph.compiler.request import Wanted
from tinygraph.compiler.rewrites import REWRITES
from tinygraph.compiler.variables import Variables
from tinygraph.node import Node

LONG = 2000  # nodes of a graph of scalars, whose statements are those that were recorded


class Lowered:
    """The primitive nodes that compute what was `recorded`: `targets`, and all `nodes` behind them, in order.

    Each call computes the `computed` nodes; `constants` have one value for all arguments of some shapes. `varying` are bound
    leaves whose values change between calls, and `data` are the leaves that are no parameters.
    """

    def __init__(self, wanted: Wanted, recorded: Sequence[Node], varying: Iterable[Node] = ()) -> None:
        self._wanted, self.recorded = wanted, recorded
        self.lowering = Lowering(REWRITES, wanted.entries)
        behind = reached(recorded)
        leaves = wanted.arguments.leaves
        self.has_arrays = any(x.shape for x in behind)
        self.is_long = len(behind) > LONG and not self.has_arrays and not wanted.entries
        lowered = self.lowering.as_recorded(recorded) if self.is_long else self.lowering.of(recorded)
        self.targets = hoisted(self.lowering, lowered) if self.has_arrays else lowered
        self.nodes = behind if self.is_long else reached([*self.targets, *leaves])
        self.constants = fixed(self.nodes, [*leaves, *varying])
        self.computed = [x for x in needed(self.nodes, self.targets) if x.op is not None and x not in self.constants]
        self.data = {x for x in self.nodes if x.op is None and x.kind == "constant"}

    def phases(self, data: Collection[Node]) -> Phases:
        """How to compute block by block of the rows of the data; raises NoRowsError where that does not apply."""
        return phases(self.computed, self.nodes, self.targets, data)

    @cached_property
    def variables(self) -> Variables:
        """What the source calls the values of outputs, and of their gradients behind them."""
        graph, arguments = self._wanted.graph, self._wanted.arguments
        variables = Variables()
        variables.give(zip(arguments.leaves, arguments.names, strict=True))
        called = [*(graph.name(x) or "" for x in graph.outputs), *(f"d{graph.name(x)}" for x in self._wanted.wrt)]
        variables.give((x, name) for x, name in zip(self.targets, called, strict=True) if x.op is not None)
        names = [(self.lowering.stands_for(x), graph.name(x)) for x in graph.forward]
        variables.give((x, name) for x, name in names if x is not None and name is not None)
        return variables
