"""What a step is asked to compute: the leaves that a call gives, those that keep their values, and the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

from tinygraph.array_expressions import Entry
from tinygraph.backprop import Path, between, sweep
from tinygraph.compiler.arguments import Arguments, fitted
from tinygraph.graph import Graph
from tinygraph.leaves import seed_leaf
from tinygraph.node import Leaf, Node
from tinygraph.requested import is_unit
from tinygraph.requests import check_wrt, independent, seed_for

Wrt: TypeAlias = "Sequence[Node | str] | Node | str | None"


class Wanted:
    """The `wrt` nodes of a step, its `arguments`, and the values of the `bound` leaves.

    `path` is what `between` gives for the output and these nodes, where that is at hand, until gradients are recorded. `entries`
    has the leaves that are entries of other leaves' arrays, each with the leaf of the array.
    """

    def __init__(self, graph: Graph, wrt: Wrt, bind: Mapping[str, Any], copy: bool = True) -> None:
        """Without `copy` the bound values are the caller's own arrays."""
        self.graph = graph
        self.path: Path | None = None
        if wrt is None:
            self.wrt, self.path = _parameters(graph)
        else:
            self.wrt = _asked(graph, wrt)
        leaves = [x for x in graph.forward if isinstance(x, Leaf)]
        arrays = {id(x._value): x for x in leaves}
        self.entries: dict[Node, Node] = {
            x: arrays[id(x.array)] for x in leaves if isinstance(x, Entry) and id(x.array) in arrays
        }
        own = [x for x in leaves if x not in self.entries]
        given = Arguments(graph, own)
        self.bound: dict[Node, Any] = {x: x._value for x in own if not is_given(graph, x)}
        kept = _kept if copy else fitted
        self.bound |= {x: kept(x, graph.name(x) or "", value) for x, value in given.flat(bind, required=False).items()}
        self.arguments = Arguments(graph, [x for x in own if x not in self.bound])

    def gradients(self) -> list[Node]:
        """The gradients of the first output, recorded for the step alone."""
        output = self.graph.outputs[0]
        if not self.wrt:
            return []
        found = sweep(output, self.wrt, seed_leaf(seed_for(output, None)), on_nodes=True, path=self.path)
        self.path = None
        missing = [x for x in self.wrt if x not in found]
        if missing:
            raise independent(output, missing)
        return [found[x] for x in self.wrt]


def is_given(graph: Graph, leaf: Leaf) -> bool:
    """Whether a call gives the value of a leaf: a parameter, one with a name, one computed of others beside the graph."""
    return leaf.kind == "parameter" or not (is_unit(leaf) or _is_numbered(graph, leaf)) or bool(leaf.beside)


def _is_numbered(graph: Graph, leaf: Leaf) -> bool:
    """Whether a leaf has no name but `c_1`, `c_2`, ..., which a graph gives to constants, or none, as the seed of gradients."""
    name = graph.name(leaf)
    return name is None or (leaf in graph._names.invented and name.startswith("c_") and name[2:].isdigit())


def _kept(leaf: Node, name: str, value: Any) -> Any:
    """A bound value as an array of the step's own, as the caller may change theirs."""
    return value if value is leaf._value else deepcopy(fitted(leaf, name, value))


def _asked(graph: Graph, wrt: Sequence[Node | str] | Node | str) -> list[Node]:
    """The nodes that gradients are to be taken with respect to."""
    found = [graph._own(x) for x in ([wrt] if isinstance(wrt, Node | str) else wrt)]
    check_wrt(found)
    return found


def _parameters(graph: Graph) -> tuple[list[Node], Path]:
    """The parameters that the output depends on, and the path from them to it."""
    parameters = [x for x in graph.forward if x.kind == "parameter"]
    path = between(graph.outputs[0], parameters)
    if not any(x in path for x in parameters):
        raise ValueError(
            "the graph has no gradient, as its output depends on no tg.parameter: make one, name nodes by compile(wrt=[...]), or "
            "compile its values alone by compile(wrt=[])"
        )
    return [x for x in parameters if x in path], path
