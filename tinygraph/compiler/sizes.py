"""What a graph demands of other sizes: the checks of its source, and those of its ops."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.backprop import sweep
from tinygraph.compiler.alike import are_alike
from tinygraph.compiler.lowering import body_of
from tinygraph.compiler.primitives import function_of
from tinygraph.compiler.request import is_given
from tinygraph.graph import Graph
from tinygraph.leaves import constant, parameter, seed_leaf
from tinygraph.node import Leaf, Node
from tinygraph.ops.declare import scalar
from tinygraph.program.counts import STAYS
from tinygraph.program.statements import program_of


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


def check_sizes(graph: Graph, leaves: Mapping[Node, Any], has_gradients: bool) -> None:
    """Raise SizeError where what was recorded, with gradients or without, does not hold for leaves of these sizes."""
    _check_kept(graph, leaves)
    with np.errstate(all="ignore"):
        values = _computed(graph, leaves)
        for node in values:
            if node.op is not None and not node.op.built_in:
                _check_own(node, _operands(node, values), has_gradients)
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


def _check_own(node: Node, operands: Sequence[Any], has_gradients: bool) -> None:
    """Raise SizeError where rules of the user's, or a body that is replaced by its ops, take anything from sizes."""
    assert node.op is not None
    recorded = [x.operand if isinstance(x, Node) else x for x in node.inputs]
    shapes = [*map(np.shape, operands)]
    if shapes == [*map(np.shape, recorded)]:
        return
    now, then = (_recorded(node, x, has_gradients) for x in (operands, recorded))
    if not are_alike(*now, *then):
        raise SizeError(
            f"{node.op.name} or its gradient takes a number or a shape from the sizes of its operands, which are now "
            f"{', '.join(map(str, shapes))}\n  at {node.place}\n  fix: write tg.ops.count(x, axis=None) in place of x.size, and "
            "tg.ops.reshape_like(y, x) or tg.ops.broadcast_like(y, x) in place of x.shape; or record the graph again"
        )


def _recorded(node: Node, operands: Sequence[Any], has_gradients: bool) -> tuple[list[Node], list[Node]]:
    """What a step reads of a user's op on other operands, its gradients and its body, and the leaves that these depend on."""
    op = node.op
    assert op is not None
    inputs = [_leaf(x) if isinstance(old, Node) else x for x, old in zip(operands, node.inputs, strict=True)]
    out = op(*inputs, **node.params)
    given = [x for x in inputs if isinstance(x, Node)]
    found: list[Node] = []
    if has_gradients:
        given.append(seed_leaf(np.ones(out.shape, out.dtype)))
        found += sweep(out, [x for x in given if x.kind == "parameter"], given[-1], on_nodes=True).values()
    body = body_of(out) if op.elementwise else None
    if body is not None:
        given += [x for x in body.operands if isinstance(x, Node)]
        found.append(body.result)
    return found, given


def _leaf(value: Any) -> Node:
    return parameter(value) if np.asarray(value).dtype.kind == "f" else constant(value)


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
