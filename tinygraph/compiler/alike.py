"""Whether two recordings compute the same: what Python took from the sizes of arrays, such as `len(x) // 2`, is part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.node import Node
from tinygraph.program.value import exact


def are_alike(nodes: Sequence[Node], given: Iterable[Node], others: Sequence[Node], given_there: Iterable[Node]) -> bool:
    """Whether nodes are computed from what is given, of any sizes, as others are from what is given there."""
    return all(map(same, _written(nodes, given), _written(others, given_there)))


def same(x: Any, y: Any) -> bool:
    """Whether two arrays, or other values, are the same."""
    if isinstance(x, np.ndarray | np.generic) and isinstance(y, np.ndarray | np.generic):
        return x is y or (x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))
    return bool(exact(x) == exact(y))


def _written(nodes: Sequence[Node], given: Iterable[Node]) -> Iterator[Any]:
    """What is computed, by the places of operands, up to how long it is."""
    behind = reached(nodes)
    place = {x: i for i, x in enumerate(behind)}
    names = {x: f"x{i}" for i, x in enumerate(given)}
    yield len(behind), [place[x] for x in nodes]
    for node in behind:
        if node.op is None:
            yield names.get(node, node._value)
        else:
            yield node.op, [(place[x],) if isinstance(x, Node) else x for x in node.inputs]
            yield from (x for item in node.params.items() for x in item)
