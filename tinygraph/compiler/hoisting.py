"""Scalar factors that are applied after the products and sums that make fewer entries of an array, where that is needed and safe.

A factor that depends on the data, as the gradient of a root of a mean of squares has one, is known when all rows are: if it is
applied after the sum over them, one pass over the rows does. A sign costs less there. Any other factor stays where it is, as a
sum of what was not divided yet may be too large for a float, and one of what was not multiplied yet too small.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tinygraph.backprop import reached
from tinygraph.compiler.lowering import Lowering
from tinygraph.compiler.primitives import FLOATS, reads
from tinygraph.node import Node

NAME = "a scalar factor after a sum or a product of matrices"
BEFORE, AFTER = "sum(c * x), y @ (c * x)", "c * sum(x), c * (y @ x)"


def hoisted(make: Lowering, targets: Sequence[Node]) -> list[Node]:
    """Nodes that compute the same, with signs and factors that depend on the data after sums and products of matrices."""
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
    factors = {x: factor for x, factor in _factors(nodes) if x not in kept and _pays(x, readers[x])}
    new: dict[Node, Node] = {}
    for node in nodes:
        new[node] = node if node.op is None else _moved(make, node, factors, new)
    return [new[x] for x in targets]


def _factors(nodes: Sequence[Node]) -> Iterator[tuple[Node, tuple[str, Any, Node]]]:
    """The products with a sign or with a factor that depends on the data, and those of such products with any factor."""
    of_data: set[Node] = set()  # the nodes whose values depend on the data
    late: set[Node] = set()  # the products with such a factor
    for x in nodes:
        is_data = x.op is None and x.shape and x.kind == "constant"
        if is_data or not of_data.isdisjoint(reads(x)):
            of_data.add(x)
        factor = _factor(x)
        if factor is not None:
            name, scalar, array = factor
            if array in late or (isinstance(scalar, Node) and scalar in of_data):
                late.add(x)
            if name == "negative" or x in late:
                yield x, factor


def _factor(x: Node) -> tuple[str, Any, Node] | None:
    """The array that was multiplied with a scalar, divided by one or given a sign, with the op and the scalar.

    It is none of half precision, where a sum of what was not divided yet is soon too large.
    """
    if x.op is None or not x.shape or x.dtype not in FLOATS or x.op.name not in ("multiply", "divide", "negative"):
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
