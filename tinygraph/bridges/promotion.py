"""NumPy's dtypes, in JAX: a mean of booleans, or float32 times int64, is float64 there and float32 here without a cast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.compiler.request import Wrt
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import cast, cast_like
from tinygraph.ops.declare import rerun


def promoted(graph: Graph, wrt: Wrt) -> tuple[Graph, Wrt]:
    """The graph with operands cast to the dtype of the result where none of them has it, and `wrt` in it."""
    new: dict[Node, Node] = {}
    for node in graph.forward:
        inputs = [new.get(x, x) if isinstance(x, Node) else x for x in node.inputs]
        if _is_wider(node):
            assert node.op is not None
            inputs = [
                _cast(x, node) if isinstance(x, Node) and node.op.rules[node.op.argument(i)] else x for i, x in enumerate(inputs)
            ]
        is_same = all(x is y for x, y in zip(inputs, node.inputs, strict=True))
        new[node] = node if is_same else rerun(node, inputs)
    if all(x is node for node, x in new.items()):
        return graph, wrt
    if wrt is not None:
        wrt = [new.get(x, x) if isinstance(x, Node) else x for x in ([wrt] if isinstance(wrt, Node | str) else wrt)]
    return graph._twin(new, forward=reached([new[x] for x in graph.outputs])), wrt


def _is_wider(node: Node) -> bool:
    """Whether a number is of another dtype than all that it is computed of, without a cast of the user's."""
    if node.op in (None, cast, cast_like) or node.dtype.kind not in "iuf":
        return False
    assert node.op is not None
    values = [x for i, x in enumerate(node.inputs) if isinstance(x, Node) and not node.op.reads_shape_at(i)]
    return bool(values) and node.dtype not in {x.dtype for x in values}


def _cast(x: Node, like: Node) -> Any:
    return Node(x.value.astype(like.dtype), cast, (x,), {"dtype": like.dtype}, like.code, like.instruction)


def check_dtypes(graph: Graph, outputs: Iterable[Any], gradients: Mapping[Node, Any]) -> None:
    """Raise TypeError where JAX gives a narrower dtype than a value or a gradient has in NumPy, by its rules for literals."""
    found = [("", *pair) for pair in zip(graph.outputs, outputs, strict=True)] + [("d", *pair) for pair in gradients.items()]
    for of, node, x in found:
        if np.result_type(node.dtype, x.dtype) != x.dtype:
            raise TypeError(
                f"{of}{graph.name(node)} is of dtype {x.dtype} in JAX, and of {node.dtype} in NumPy, which has other rules for "
                "operands of different dtypes: record the graph with data and parameters of one dtype"
            )
