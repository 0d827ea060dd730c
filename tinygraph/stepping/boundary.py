"""The decision boundary of a graph: points of two columns, their labels, and the value that separates the classes.

All three are found by dependence, and by what the value does where the leaves are others; names have no part in it.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.backprop import by_number, reached
from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.ops import rerun
from tinygraph.sparse import is_sparse

MOST = 10  # classes
FAR = 100.0  # by which leaves are multiplied to see whether a value stays between 0 and 1


class Boundary(NamedTuple):
    """Where `target` is `level`, one class ends; where there is no level, the class is the column of the largest entry."""

    points: Node
    labels: Node
    target: Node
    level: float | None


def boundary_of(graph: Graph, loss: Node) -> Boundary | None:
    """The boundary that a loss is about; None where it is about no points of two columns with labels."""
    nodes = reached([loss])
    leaves = [x for x in nodes if x.kind == "constant" and not is_sparse(x.value)]
    for points in leaves:
        if points.ndim != 2 or points.shape[1] != 2 or len(points.value) < 2 or points.dtype.kind != "f":
            continue
        for labels in leaves:
            classes = 0 if labels is points else _classes(labels, len(points.value))
            found = [x for x in _between(nodes, points, labels) if _fits(x, points, classes)] if classes else []
            named = [x for x in found if _is_named(graph, x) and _parameters(x) == _parameters(found[-1])]
            for target in [*named[-1:], *found[-1:]][:1]:
                values = _elsewhere(target, points)
                if values is not None:
                    level = None if _is_wide(target) else 0.5 if bool(np.all((values >= 0) & (values <= 1))) else 0.0
                    return Boundary(points, labels, target, level)
    return None


def _is_named(graph: Graph, node: Node) -> bool:
    return graph.name(node) is not None and node not in graph._temporaries


def _parameters(node: Node) -> set[Node]:
    return {x for x in reached([node]) if x.kind == "parameter"}


def _classes(labels: Node, count: int) -> int:
    """How many classes so many labels are of; 0 where a leaf has no such labels."""
    value = np.asarray(labels.value)
    if value.shape[:1] != (count,) or value.ndim > 2 or not np.all(np.isfinite(value)):
        return 0
    if _is_wide(labels):
        is_one_hot = bool(np.all((value == 0) | (value == 1)) and np.all(value.sum(axis=1) == 1))
        return value.shape[1] if is_one_hot and value.shape[1] <= MOST else 0
    kinds = np.unique(value)
    is_numbered = bool(np.all(kinds == np.round(kinds)) and np.all(kinds >= 0))
    return max(len(kinds), int(kinds[-1]) + 1 if is_numbered else 0) if 2 <= len(kinds) <= MOST else 0


def _is_wide(node: Node) -> bool:
    """Whether each row has several entries."""
    return node.ndim == 2 and node.shape[1] > 1


def _fits(node: Node, points: Node, classes: int) -> bool:
    """Whether a value has one number for each point, or one for each class."""
    return node.dtype.kind == "f" and node.shape in [points.shape[:1], (*points.shape[:1], 1), (*points.shape[:1], classes)]


def _between(nodes: Sequence[Node], points: Node, labels: Node) -> Iterator[Node]:
    """The values that the loss reads the points through, all of them, and which read a parameter and not the labels."""
    learnt = _dependent(nodes, [x for x in nodes if x.kind == "parameter"])
    moved, known = _dependent(nodes, [points]), _dependent(nodes, [labels])
    places = {node: i for i, node in enumerate(nodes)}
    last = {x: places[node] for node in nodes for x in node.inputs if isinstance(x, Node)}  # reader of each
    furthest = -1
    for node in nodes:
        if node in moved:
            if node in known:
                return
            if node in learnt and furthest <= places[node]:
                yield node
            furthest = max(furthest, last.get(node, -1))


def _dependent(nodes: Sequence[Node], leaves: Collection[Node]) -> set[Node]:
    found = set(leaves)
    for node in nodes:
        if not found.isdisjoint(x for x in node.inputs if isinstance(x, Node)):
            found.add(node)
    return found


def _elsewhere(target: Node, points: Node) -> Any:
    """A value where all leaves are large; None where it is no function of each point alone, which a map cannot show."""
    rng = np.random.default_rng(0)
    parameters = {x: rng.normal(size=x.shape) for x in sorted(_parameters(target), key=by_number)}
    alike = np.broadcast_to(points.value[0], points.shape)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        here = _computed(target, {points: points.value} | parameters)
        same = _computed(target, {points: alike} | parameters)
        if not np.allclose(same, here[:1], equal_nan=True):
            return None
        return _computed(target, {points: points.value * FAR} | {x: value * FAR for x, value in parameters.items()})


def _computed(target: Node, values: Mapping[Node, Any]) -> Any:
    """A value where some leaves have others."""
    new = {leaf: constant(np.asarray(value, leaf.dtype)) for leaf, value in values.items()}
    for node in reached([target]):
        if node.op is not None:
            new[node] = rerun(node, [new.get(x, x) if isinstance(x, Node) else x for x in node.inputs])
    return new[target].value
