"""The batch lens: what one example alone contributes to a value or to a gradient summed over all of them."""

from __future__ import annotations

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
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < size:
        raise IndexError(f"example={index!r}: there are {size} examples, numbered from 0")


def example_of(graph: Graph, step: Step, index: int) -> Example | None:
    """What a step amounts to for one example; None where examples do not come into it."""
    size = batch_size(graph)
    if size is None or step.expression is None:
        return None
    if np.shape(step.value)[:1] == (size,):
        return Example(index, f"{step.name}[{index}]", step.value[index], False)
    told = program(graph)
    gradients = {s.node for s in told.backward}
    read = [x.node for x in leaves(step.expression) if isinstance(x, Name)]
    summed = [x for x in read if x in gradients and x.shape[:1] == (size,)]
    if not summed:
        return None

    def alone(node: Node) -> Any:
        """The gradients of the other examples are left out, in which every contribution is linear."""
        if node not in gradients or node.shape[:1] != (size,):
            return node.value
        rows = np.zeros_like(node.value)
        rows[index] = node.value[index]
        return rows

    def name(node: Node) -> str:
        return f"{told.name(node)}[{index}:{index + 1}]" if node.shape[:1] == (size,) else told.name(node)

    return Example(index, python(step.expression, name), evaluate(step.expression, alone), True)
