"""What a graph demands of other sizes: the checks of its source, and those of its ops."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tinygraph.compiler.primitives import function_of
from tinygraph.compiler.request import is_given
from tinygraph.graph import Graph
from tinygraph.node import Leaf, Node
from tinygraph.ops.declare import scalar
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


def check_sizes(graph: Graph, leaves: Mapping[Node, Any]) -> None:
    """Raise SizeError where what was recorded does not hold for leaves of these sizes."""
    _check_kept(graph, leaves)
    with np.errstate(all="ignore"):
        check_ops(graph, leaves)
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
    values: dict[Node, Any] = {}
    for node in graph.forward:
        if node.op is None:
            values[node] = leaves.get(node, node.operand)
            continue
        operands = [values[x] if isinstance(x, Node) else x for x in node.inputs]
        try:
            if node.op.check is not None:
                node.op.check(*operands, **node.params)
        except ValueError as error:
            raise SizeError(f"{error}\n  in {node.op.name}, recorded at {node.place}") from error
        try:
            values[node] = scalar(function_of(node.op)(*operands, **node.params))
        except ValueError:
            break
    return {node: np.shape(value) for node, value in values.items()}


def _check_numbers(graph: Graph, leaves: Mapping[Node, Any], kept: Collection[Node]) -> None:
    """Raise an error for a number of NumPy's that was computed of a size, such as `np.sqrt(len(y))`, and has no name."""
    for (node, places, _, needed, _), text, place, certain in program_of(graph).counts_kept(kept):
        now = math.prod(np.shape(leaves.get(node, node.operand))[i] for i in places)
        if certain and now != needed:
            axes = f"axis {places[0]}" if len(places) == 1 else f"axes {', '.join(map(str, places))}"
            raise SizeError(
                f"{graph.name(node)} has size {now} along {axes}, where it had {needed}, and {text} at {place} stays the "
                "number that was recorded then: give it a name, so that each call gives its value, or record the graph again"
            )


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
