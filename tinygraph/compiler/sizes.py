"""What a graph demands of other sizes: the checks of its source, and those of its ops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops.declare import scalar


class SizeError(ValueError):
    """Leaves of sizes that what was recorded does not hold for."""


def check_sizes(graph: Graph, leaves: Mapping[Node, Any]) -> None:
    """Raise SizeError where what was recorded does not hold for leaves of these sizes."""
    _check_kept(graph, leaves)
    with np.errstate(all="ignore"):
        _check_ops(graph, leaves)
        try:
            graph.function()(**{graph.name(x) or "": value for x, value in leaves.items()})
        except ValueError as error:
            raise SizeError(f"{error}") from error


def _check_ops(graph: Graph, leaves: Mapping[Node, Any]) -> None:
    """Raise the errors of ops that check their operands; ends where one cannot be computed, which the source has words for."""
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
            values[node] = scalar(node.op.compute(*operands, **node.params))
        except ValueError:
            return


def _check_kept(graph: Graph, leaves: Mapping[Node, Any]) -> None:
    """Raise an error for a constant without a name that may be as long as an argument was, which has another size now."""
    changed: dict[int, tuple[Node, int, int]] = {}
    for leaf, value in leaves.items():
        for i, (now, then) in enumerate(zip(np.shape(value), leaf.shape, strict=True)):
            if now != then:
                changed.setdefault(then, (leaf, i, now))
    for leaf, value in leaves.items():
        for n in np.shape(value) if value is leaf._value else ():
            if n in changed:
                other, axis, now = changed[n]
                raise SizeError(
                    f"{graph.name(other)} has size {now} along axis {axis}, where it had {n}, as {leaf!r} has, which has no name "
                    f"and keeps its value\n  at {leaf.place}\n  fix: give it a name, so that each call gives its value, or "
                    "record the graph again"
                )
