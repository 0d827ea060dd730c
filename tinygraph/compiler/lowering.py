"""A graph as primitive nodes: ops by their bodies, each value once, and simpler ops where they give the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygraph.array_expressions import Entry
from tinygraph.backprop import reached
from tinygraph.compiler.primitives import function_of
from tinygraph.node import Node
from tinygraph.ops import REGISTRY, Op
from tinygraph.ops.declare import NO_PARAMS, scalar
from tinygraph.program.composed import Composition, composition_of
from tinygraph.program.value import exact, exact_metadata

Rewrite: TypeAlias = "Callable[[Lowering, Op, tuple[Any, ...], Mapping[str, Any]], Any]"
STRUCTURAL = {"shape", "repeats", "sections"}  # metadata that may be sizes, which a body that was run has as numbers


class Lowering:
    """Makes nodes of primitive ops: `of(nodes)` gives those that compute what the nodes do.

    `rewrites` are by name of an op functions that make something else of the op on its inputs, or None; `applied` counts them by
    their names. An op that `is_primitive` is never replaced by its body.
    """

    def __init__(
        self,
        rewrites: Mapping[str, Sequence[Rewrite]],
        entries: Mapping[Node, Node],
        is_primitive: Callable[[Op], bool] = lambda op: isinstance(op.numpy, np.ufunc),
    ) -> None:
        self.rewrites = rewrites
        self._is_primitive = is_primitive
        self._entries = entries  # leaves that are entries of the arrays of other leaves
        self.applied: dict[str, int] = {}
        self._new: dict[Node, Node] = {}
        self._is_recorded = False
        self._made: dict[Hashable, Node] = {}
        self._compositions: dict[Hashable, Composition | None] = {}
        self._at: Node | None = None  # the node that is lowered: what is made has its place

    def of(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes of primitive ops that compute what these do."""
        for node in reached(nodes):
            if node not in self._new:
                self._new[node] = self._leaf(node) if node.op is None else self._lowered(node, self._new)
        return [self._new[node] for node in nodes]

    def as_recorded(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes as they are, which takes less time than to lower them."""
        self._is_recorded = True
        return list(nodes)

    def stands_for(self, node: Node) -> Node | None:
        """The node that computes what a node does; None for one that was not needed."""
        return node if self._is_recorded else self._new.get(node)

    def _leaf(self, leaf: Node) -> Node:
        if leaf not in self._entries:
            return leaf
        assert isinstance(leaf, Entry)
        self._at = leaf
        entry: Node = self.made("index", self._entries[leaf], template=leaf.index)
        return entry

    def _lowered(self, node: Node, new: Mapping[Node, Node]) -> Node:
        assert node.op is not None
        self._at = node
        made: Node = self.made(node.op, *(new[x] if isinstance(x, Node) else x for x in node.inputs), **node.params)
        return made

    def again(self, node: Node, inputs: Sequence[Any]) -> Node:
        """A node that is primitive already, of other inputs."""
        if all(x is y for x, y in zip(node.inputs, inputs, strict=True)):
            return node
        assert node.op is not None
        self._at = node
        made: Node = self.made(node.op, *inputs, **node.params)
        return made

    def made(self, op: Op | str, *inputs: Any, **params: Any) -> Any:
        """The result of an op on such inputs, by its body or by a simpler op where there is one."""
        op = REGISTRY[op] if isinstance(op, str) else op
        key = op, tuple([x if isinstance(x, Node) else exact(x) for x in inputs]), exact_metadata(params)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._simpler(op, inputs, params)
        return found

    def _simpler(self, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        for rewrite in self.rewrites.get(op.name, ()):
            found = rewrite(self, op, inputs, params)
            if found is not None:
                return found
        node = self._node(op, inputs, params)
        composition = self._composition(node)
        if composition is None:
            return node
        new = {leaf: x for leaf, x in zip(composition.operands, inputs, strict=True) if isinstance(leaf, Node)}
        for x in reached([composition.result]):
            if x not in new:
                new[x] = x if x.op is None else self._lowered_inside(x, new)
        return new[composition.result]

    def _lowered_inside(self, x: Node, new: Mapping[Node, Node]) -> Node:
        assert x.op is not None
        made: Node = self.made(x.op, *(new[i] if isinstance(i, Node) else i for i in x.inputs), **x.params)
        return made

    def _node(self, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Node:
        at = self._at
        assert at is not None
        if at.op is op and len(at.inputs) == len(inputs) and all(map(_same, at.inputs, inputs)) and at.params == params:
            return at
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            value = scalar(function_of(op)(*(x.operand if isinstance(x, Node) else x for x in inputs), **params))
        return Node(value, op, inputs, dict(params) or NO_PARAMS, at.code, at.instruction)

    def _composition(self, node: Node) -> Composition | None:
        """What an op is made of, where that holds for operands of other sizes too."""
        op = node.op
        assert op is not None
        if self._is_primitive(op) or any(op.reads_shape) or not (op.built_in or op.elementwise):
            return None
        types = tuple((x.dtype, x.shape) if isinstance(x, Node) else exact(x) for x in node.inputs)
        key = op, types, exact_metadata(node.params)
        if key not in self._compositions:
            self._compositions[key] = body_of(node)
        return self._compositions[key]


def _same(x: Any, y: Any) -> bool:
    return x is y or (not isinstance(x, Node) and not isinstance(y, Node) and exact(x) == exact(y))


def body_of(node: Node) -> Composition | None:
    """What an op is made of, where the numbers in it do not show that this holds for operands of these sizes alone."""
    found = composition_of(node)
    return found if found is not None and _is_of_any_size(found) else None


def _is_of_any_size(composition: Composition) -> bool:
    """Whether what a body made has no number in it that may be a size: no array of its own, and no metadata that is a shape."""
    own = {x for x in composition.operands if isinstance(x, Node)}
    for x in reached([composition.result]):
        if x.op is None and x not in own and x.shape:
            return False
        if not STRUCTURAL.isdisjoint(x.params):
            return False
    return True
