"""Whether a graph consists of scalars that can be computed in groups: every op has to compute arrays entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import float64

from tinygraph.compiler.grouping import kind_of
from tinygraph.decisions import NUMBERS
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.program.value import exact_metadata

TRIED = 8  # nodes of one user's op that are computed together to see whether it computes them entry by entry


def reason_against(nodes: Sequence[Node]) -> str:
    """Why the nodes cannot be computed in groups, as a sentence; empty where they can.

    >>> x = tg.parameter([1.0, 2.0])
    >>> reason_against([x])
    '<parameter (2,) float64: [1. 2.]> has shape (2,), and groups consist of scalars.'
    """
    users: dict[Any, list[Node]] = {}
    for node in nodes:
        op = node.op
        if type(node._value) is not float64 and node.shape:
            return f"{node!r} has shape {node.shape}, and groups consist of scalars."
        if op is None or (op.built_in and op.elementwise):
            continue
        if not op.elementwise:
            return f"{op.name}, recorded at {node.place}, is not elementwise."
        if op.check is not None:
            return f"{op.name}, recorded at {node.place}, checks its inputs one by one."
        kinds = tuple(type(x) if type(x) in NUMBERS else kind_of(x._value) for x in node.inputs)
        numbers = repr([x for x in node.inputs if type(x) in NUMBERS])
        users.setdefault((op, kinds, exact_metadata(node.params), numbers), []).append(node)
    return next(filter(None, map(_reason_against_op, users.values())), "")


def _reason_against_op(nodes: Sequence[Node]) -> str:
    """Why nodes of one user's op cannot be computed together: it, or a rule of it, gives something else on arrays."""
    tried = [*nodes[:TRIED]]
    op = tried[0].op
    assert op is not None
    columns = [[x if type(x) in NUMBERS else x._value for x in column] for column in zip(*(n.inputs for n in tried), strict=True)]
    arguments = [column[0] if type(column[0]) in NUMBERS else np.array(column) for column in columns]
    out = np.array([node._value for node in tried])
    for rule in (None, *op.rules_for(len(arguments))):
        try:
            with np.errstate(all="ignore"):
                same = _same(*_both(op, rule, tried, out, arguments))
        except Exception as error:
            return f"{op.name}, recorded at {tried[0].place}, cannot compute arrays: {type(error).__name__}: {error}."
        if not same:
            what = "its result" if rule is None else "a gradient of it"
            return f"{op.name}, recorded at {tried[0].place}, is not elementwise: {what} is another one on arrays."
    return ""


def _both(op: Op, rule: Any, nodes: Sequence[Node], out: Any, arguments: Sequence[Any]) -> tuple[Any, Any]:
    """What an op, or a rule of it, gives for nodes one by one, and together."""
    params = nodes[0].params
    if rule is None:
        return out, op.compute(*arguments, **params)
    g = np.ones_like(out)
    alone = [rule(g[0], node._value, *[x._value if isinstance(x, Node) else x for x in node.inputs], **params) for node in nodes]
    return np.array(alone), rule(g, out, *arguments, **params)


def _same(alone: Any, together: Any) -> bool:
    """Whether numbers are the same but for rounding, one entry broadcast where there is one."""
    if np.shape(together) not in ((), np.shape(alone)):
        return False
    return bool(np.allclose(alone, together, rtol=1e-6, atol=0, equal_nan=True))
