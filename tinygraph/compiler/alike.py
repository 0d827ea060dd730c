"""Whether two recordings compute the same: what Python took from the sizes of arrays, such as `len(x) // 2`, is part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.node import Node
from tinygraph.program.value import exact


def same(x: Any, y: Any) -> bool:
    """Whether two arrays, or other values, are the same."""
    if isinstance(x, np.ndarray | np.generic) and isinstance(y, np.ndarray | np.generic):
        return x is y or (x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))
    return bool(exact(x) == exact(y))


def written(nodes: Sequence[Node], given: Iterable[Node]) -> Iterator[Any]:
    """How nodes are computed from those that are given, which may have any values and sizes.

    Two recordings compute the same where each part of one is the `same` as that of the other: how many nodes there are and which
    of them are results, then for each node its op, its operands by their places, and its metadata; for a leaf its value.
    """
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
