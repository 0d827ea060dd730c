"""Labels, such as the numbers of classes: each call of a step checks them, as only their values show whether they fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.node import Node


class Labels:
    """The checks of ops that read whole numbers which a call gives as `arguments`; there may be none."""

    def __init__(self, graph: Graph, arguments: Collection[Node]) -> None:
        self._checked = list(_checked(graph, set(arguments)))

    def __bool__(self) -> bool:
        return bool(self._checked)

    def check(self, values: Mapping[Node, Any], shape: Callable[[Node], tuple[int, ...]]) -> None:
        """Raise ValueError for labels that an op does not take; of what is no argument, `shape` gives the shape."""

        def operand(x: Any) -> Any:
            if not isinstance(x, Node) or x in values:
                return values[x] if isinstance(x, Node) else x
            return np.broadcast_to(np.zeros((), x.dtype), shape(x))

        for node in self._checked:
            assert node.op is not None
            assert node.op.check is not None
            node.op.check(*map(operand, node.inputs), **node.params)


def _checked(graph: Graph, arguments: set[Node]) -> Iterator[Node]:
    for node in graph.forward:
        if node.op is None or node.op.check is None:
            continue
        if any(isinstance(x, Node) and x in arguments and x.dtype.kind in "iu" for x in node.inputs):
            yield node
