"""The batch lens: what one example alone contributes to a value or to a gradient summed over all of them."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from tinygraph.express.expression import Name, evaluate, leaves
from tinygraph.express.program import program
from tinygraph.express.python import python
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.stepping.timeline import Step


class Example(NamedTuple):
    """One example's row of a value, or its contribution to a gradient that all examples sum up to."""

    example: int
    equation: str
    value: Any
    is_contribution: bool


def batch_size(graph: Graph) -> int | None:
    """How many examples there are: the first size of most of the constants that have axes."""
    sizes = Counter(leaf.shape[0] for leaf in program(graph).leaves if leaf.kind == "constant" and leaf.shape)
    return sizes.most_common(1)[0][0] if sizes else None


def check_example(graph: Graph, index: int | None) -> None:
    """Refuse an example that is not there."""
    size = batch_size(graph)
    if index is None:
        return
    if size is None:
        raise ValueError("this graph has no batch: no constant has a first axis of examples")
    try:
        there = not isinstance(index, bool) and 0 <= operator.index(index) < size
    except TypeError:
        there = False
    if not there:
        raise IndexError(f"example={index!r}: there are {size} examples, numbered from 0")


def batched(graph: Graph, size: int) -> set[Node]:
    """The values with a row for each example, and their gradients: what is made from constants that have one."""
    told = program(graph)
    found = {leaf for leaf in told.leaves if leaf.kind == "constant" and leaf.shape[:1] == (size,)}
    for statement in told.forward:
        if statement.shape[:1] == (size,) and not found.isdisjoint(statement.inputs):
            found.add(statement.node)
    for statement in told.backward:
        inside = statement.of in found if statement.of is not None else not found.isdisjoint(statement.inputs)
        if inside and statement.shape[:1] == (size,):
            found.add(statement.node)
    return found


def example_of(graph: Graph, step: Step, index: int) -> Example | None:
    """What a step amounts to for one example; None where examples do not come into it."""
    size = batch_size(graph)
    if size is None or step.expression is None:
        return None
    rows = batched(graph, size)
    if step.node in rows and step.part is None:
        return Example(index, f"{step.name}[{index}]", step.value[index], False)
    told = program(graph)
    gradients = {s.node for s in told.backward}
    read = [x.node for x in leaves(step.expression) if isinstance(x, Name)]
    if not any(x in gradients and x in rows for x in read):
        return None

    def alone(node: Node) -> Any:
        """The gradients of the other examples are left out, in which every contribution is linear."""
        if node not in gradients or node not in rows:
            return node.value
        one = np.zeros_like(node.value)
        one[index] = node.value[index]
        return one

    def name(node: Node) -> str:
        return f"{told.name(node)}[{index}:{index + 1}]" if node in rows else told.name(node)

    return Example(index, python(step.expression, name), evaluate(step.expression, alone), True)
