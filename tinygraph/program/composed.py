"""What an op is made of: its body, run on fresh leaves in the place of its operands."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from tinygraph.leaves import constant
from tinygraph.node import Leaf, Node
from tinygraph.ops import Op


class Composition(NamedTuple):
    """The ops that an op is made of: the leaves that stand for its operands, and the result."""

    operands: tuple[Any, ...]
    result: Node


def composition_of(node: Node) -> Composition | None:
    """What the op of a node is made of on such operands; None where its body does not run on nodes, decides by a value, or is the
    op itself.
    """
    op = node.op
    assert op is not None
    operands = tuple(constant(x.value) if isinstance(x, Node) else x for x in node.inputs)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = op.function(*operands, **node.params)
        except Exception:  # a user's function may raise anything where it is given what it does not expect
            return None
    if not isinstance(result, Node) or any(isinstance(x, Leaf) and x.log and x.log.decisions for x in operands):
        return None
    if op in _ops_of(result) or result.dtype != node.dtype:
        return None
    same = np.array_equal(result.value, node.value, equal_nan=node.dtype.kind == "f")
    return Composition(operands, result) if same else None


def _ops_of(node: Node) -> set[Op | None]:
    seen, stack = {node}, [node]
    while stack:
        fresh = {x for x in stack.pop().inputs if isinstance(x, Node)} - seen
        seen |= fresh
        stack += fresh
    return {x.op for x in seen}
