"""Scalar factors where they cost least: behind the products and sums that make fewer entries of an array."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tinygraph.backprop import reached
from tinygraph.compiler.lowering import Lowering
from tinygraph.compiler.primitives import reads
from tinygraph.node import Node

NAME = "a scalar factor behind a sum or a product of matrices"
BEFORE, AFTER = "sum(c * x), y @ (c * x)", "c * sum(x), c * (y @ x)"


def hoisted(make: Lowering, targets: Sequence[Node]) -> list[Node]:
    """Nodes that compute the same, with scalar factors multiplied where arrays are smallest."""
    while True:
        moved = _once(make, targets)
        if all(x is y for x, y in zip(moved, targets, strict=True)):
            return moved
        targets = moved


def _once(make: Lowering, targets: Sequence[Node]) -> list[Node]:
    nodes = reached(targets)
    readers: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        for x in reads(node):
            readers[x].append(node)
    kept = set(targets)
    factors = {x: _factor(x) for x in nodes if x not in kept and _factor(x) and _pays(x, readers[x])}
    new: dict[Node, Node] = {}
    for node in nodes:
        new[node] = node if node.op is None else _moved(make, node, factors, new)
    return [new[x] for x in targets]


def _factor(x: Node) -> tuple[str, Any, Node] | None:
    """The array that was multiplied with a scalar, divided by one or given a sign, with the op and the scalar."""
    if x.op is None or not x.shape or x.dtype.kind != "f" or x.op.name not in ("multiply", "divide", "negative"):
        return None
    if x.op.name == "negative":
        return "negative", None, x.inputs[0]
    array, scalar = x.inputs
    if x.op.name == "multiply" and _is_scalar(array):
        array, scalar = scalar, array
    alike = isinstance(array, Node) and array.dtype == x.dtype and array.shape == x.shape
    return (x.op.name, scalar, array) if alike and _is_scalar(scalar) else None


def _is_scalar(x: Any) -> bool:
    return not isinstance(x, Node) or not x.shape


def _pays(x: Node, readers: Sequence[Node]) -> bool:
    """Whether all that read a product are sums and products of matrices with fewer entries."""
    linear = all(r.op is not None and r.op.name in ("sum", "matmul") and r.dtype == x.dtype for r in readers)
    return linear and sum(r.size for r in readers) < x.size


def _moved(make: Lowering, node: Node, factors: dict[Node, Any], new: dict[Node, Node]) -> Node:
    assert node.op is not None
    inputs = [new[x] if isinstance(x, Node) else x for x in node.inputs]
    taken = []
    for i, x in enumerate(node.inputs):
        if isinstance(x, Node) and x in factors and not node.op.reads_shape_at(i):
            name, factor, base = factors[x]
            inputs[i] = new[base]
            taken.append((name, new[factor] if isinstance(factor, Node) else factor))
            make.applied[NAME] = make.applied.get(NAME, 0) + 1
    found = make.again(node, inputs)
    for name, factor in taken:
        found = make.made(name, found) if factor is None else make.made(name, found, factor)
    return found
