"""What a graph demands of other sizes: the checks of its source, and those of its ops."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygraph.backprop import Path, between, sweep
from tinygraph.compiler.alike import same, written
from tinygraph.compiler.lowering import body_of
from tinygraph.compiler.primitives import function_of
from tinygraph.compiler.request import is_given
from tinygraph.graph import Graph
from tinygraph.leaves import constant, seed_leaf
from tinygraph.node import Leaf, Node
from tinygraph.ops.declare import scalar
from tinygraph.program.counts import STAYS
from tinygraph.program.statements import program_of

SHAPES = 1000  # of operands that an op of the user's is known to hold for


class SizeError(ValueError):
    """Leaves of sizes that what was recorded does not hold for."""


def of_shape(value: Any, expected: tuple[tuple[int, ...], Node]) -> Any:
    """What a user's op returned; raises SizeError where its shape depends on more than the shapes of arguments."""
    shape, node = expected
    if np.shape(value) == shape:
        return value
    assert node.op is not None
    raise SizeError(
        f"{node.op.name} returned an array of shape {np.shape(value)}, and one of {shape} for other values: "
        f"record the graph again\n  at {node.place}"
    )


class Sizes:
    """What a graph demands of other sizes, where a step takes its gradients with respect to `wrt`."""

    def __init__(self, graph: Graph, wrt: Collection[Node]) -> None:
        self._graph, self._wrt = graph, wrt
        self._recorded: dict[Node, list[Any]] = {}  # what a step reads of ops of the user's
        self._known: set[tuple[Node, Any]] = set()  # those, with the shapes of operands for which it reads the same

    def check(self, leaves: Mapping[Node, Any]) -> None:
        """Raise SizeError where what was recorded does not hold for leaves of these sizes."""
        graph = self._graph
        _check_kept(graph, leaves)
        with np.errstate(all="ignore"):
            values = _computed(graph, leaves)
            for node in values:
                if node.op is not None and not node.op.built_in:
                    self._check_own(node, _operands(node, values))
            try:
                function = graph.function()
            except ValueError as error:
                raise SizeError(f"it is not known whether what was recorded holds for other sizes, as {error}") from error
            given = {name: value for x, value in leaves.items() if (name := graph.name(x)) is not None}
            try:
                function(**given)
            except ValueError as error:
                shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in given.items())
                raise SizeError(f"{error}\n  in a step with the shapes {shapes}") from error

    @cached_property
    def _path(self) -> Path:
        """The nodes that a gradient flows through."""
        return between(self._graph.outputs[0], self._wrt) if self._wrt else {}

    def _check_own(self, node: Node, operands: Sequence[Any]) -> None:
        """Raise SizeError where rules of the user's, or a body that is replaced by its ops, take anything from sizes."""
        assert node.op is not None
        recorded = [x.operand if isinstance(x, Node) else x for x in node.inputs]
        shapes = tuple(map(np.shape, operands))
        is_read = node.op.elementwise or node in self._path
        if not is_read or shapes == tuple(map(np.shape, recorded)) or (node, shapes) in self._known:
            return
        text = ", ".join(map(str, shapes))
        try:
            now = self._read(node, operands)
        except Exception as error:  # a user's rule may raise anything
            raise SizeError(
                f"{node.op.name} or its gradient raised {type(error).__name__}: {error}\n  for operands of shapes {text}, at "
                f"{node.place}"
            ) from error
        if not self._is_recorded(node, now):
            self._recorded[node] = self._read(node, recorded)  # for the first time, or a variable of the rule's has changed
        if not self._is_recorded(node, now):
            raise SizeError(
                f"{node.op.name} or its gradient takes a number, a shape or an array from the sizes of its operands, which are "
                f"now {text}\n  at {node.place}\n  fix: write tg.ops.count(x, axis=0) in place of len(x), "
                "tg.ops.count(x, axis=None) in place of x.size, tg.ops.reshape_like(y, x) or tg.ops.broadcast_like(y, x) in "
                "place of x.shape, tg.ops.broadcast_like(c, x) in place of np.full_like(x, c), np.zeros_like(x) or "
                "np.ones_like(x); or record the graph again"
            )
        if len(self._known) >= SHAPES:
            self._known.clear()
        self._known.add((node, shapes))

    def _is_recorded(self, node: Node, now: Sequence[Any]) -> bool:
        return node in self._recorded and all(map(same, now, self._recorded[node]))

    def _read(self, node: Node, operands: Sequence[Any]) -> list[Any]:
        """What a step reads of a user's op on other operands: the gradients that flow through it, and its body."""
        op = node.op
        assert op is not None
        inputs = [
            constant(scalar(x), copy=False) if isinstance(old, Node) else x for x, old in zip(operands, node.inputs, strict=True)
        ]
        out = op(*inputs, **node.params)
        given = [x for x in inputs if isinstance(x, Node)]
        found: list[Node] = []
        if node in self._path:
            given.append(seed_leaf(np.ones(out.shape, out.dtype)))
            wrt = [x for x, old in zip(inputs, node.inputs, strict=True) if isinstance(old, Node) and old in self._path]
            found += sweep(out, wrt, given[-1], on_nodes=True).values()
        body = body_of(out) if op.elementwise else None
        if body is not None:
            given += [x for x in body.operands if isinstance(x, Node)]
            found.append(body.result)
        return list(written(found, given))


def check_ops(graph: Graph, leaves: Mapping[Node, Any]) -> dict[Node, tuple[int, ...]]:
    """Raise the errors of ops that check their operands; returns the shapes of all nodes.

    Ends where an op cannot be computed, which the source has words for.
    """
    return {node: np.shape(value) for node, value in _computed(graph, leaves).items()}


def _computed(graph: Graph, leaves: Mapping[Node, Any]) -> dict[Node, Any]:
    """The values of all nodes, up to one that cannot be computed."""
    values: dict[Node, Any] = {}
    for node in graph.forward:
        if node.op is None:
            values[node] = leaves.get(node, node.operand)
            continue
        operands = _operands(node, values)
        try:
            if node.op.check is not None:
                node.op.check(*operands, **node.params)
        except ValueError as error:
            raise SizeError(f"{error}\n  in {node.op.name}, recorded at {node.place}") from error
        try:
            values[node] = scalar(function_of(node.op)(*operands, **node.params))
        except ValueError:
            break
    return values


def _operands(node: Node, values: Mapping[Node, Any]) -> list[Any]:
    return [values[x] if isinstance(x, Node) else x for x in node.inputs]


def _check_numbers(graph: Graph, leaves: Mapping[Node, Any], kept: Collection[Node]) -> None:
    """Raise an error for a number of NumPy's that was computed of a size, such as `np.sqrt(len(y))`, and has no name."""
    for demand, text, place, certain in program_of(graph).counts_kept(kept):
        now = math.prod(np.shape(leaves.get(demand.node, demand.node.operand))[i] for i in demand.places)
        if certain and now != demand.needed:
            what, along, needed = graph.name(demand.node), demand.along, demand.needed
            raise SizeError("".join(STAYS).format(what=what, size=now, axes=along, needed=needed, text=text, place=place))


def _check_kept(graph: Graph, leaves: Mapping[Node, Any]) -> None:
    """Raise an error for a constant without a name that may be as long as an argument was, which has another size now."""
    own = (x for x, value in leaves.items() if value is x._value)
    kept = dict.fromkeys(x for x in own if isinstance(x, Leaf) and not is_given(graph, x))
    changed: dict[int, tuple[Node, int, int]] = {}
    for leaf, value in leaves.items():
        for i, (now, then) in enumerate(zip(np.shape(value), leaf.shape, strict=True)):
            if now != then:
                changed.setdefault(then, (leaf, i, now))
    for leaf in kept:
        for n in leaf.shape:
            if n in changed:
                other, axis, now = changed[n]
                raise SizeError(
                    f"{graph.name(other)} has size {now} along axis {axis}, where it had {n}, as {leaf!r} has, which has no name "
                    f"and keeps its value\n  at {leaf.place}\n  fix: give it a name, so that each call gives its value, or "
                    "record the graph again"
                )
    if any(not x.shape and x.dtype.kind in "iuf" for x in kept):
        _check_numbers(graph, leaves, kept)
