"""Graphs for the tests of the printers: one of every op with its gradients, and those of the texts."""

from collections.abc import Iterator

import numpy as np

import tinygraph as tg
from tests.op_cases import Case, cases
from tests.programs import any_ranks

AGREEING = 3  # cases of one op that are printed: shapes matter, numbers do not


def graph_of(case: Case) -> tg.Graph:
    """A graph of one op on named leaves, with the gradients of all inputs that have one."""
    leaves = [tg.parameter(x) if np.asarray(x).dtype.kind == "f" else tg.constant(x) for x in case.arguments]
    with np.errstate(all="ignore"):
        out = case.op(*leaves, **case.params)
        graph = tg.Graph(out, names={**dict(zip("ABCDEFGH", leaves, strict=False)), "out": out})
        rules = case.op.rules_for(len(leaves))
        wrt = [leaf for leaf, rule in zip(leaves, rules, strict=True) if leaf.kind == "parameter" and rule is not None]
        if wrt and out.dtype.kind == "f":
            graph.backprop(wrt=wrt, seed=np.ones(out.shape))
    return graph


def graphs_of_every_op() -> Iterator[tuple[str, tg.Graph]]:
    """A few graphs of every op in the registry, with what to call them."""
    seen: dict[str, int] = {}
    for case in cases():
        if getattr(tg.ops, case.op.name, None) is not case.op:  # an op that a docstring declared
            continue
        seen[case.op.name] = seen.get(case.op.name, 0) + 1
        if seen[case.op.name] <= AGREEING or case.op.name in ("power", "index", "sum", "mean", "einsum", "matmul"):
            with any_ranks():
                graph = graph_of(case)
            yield str(case), graph


def logistic() -> tg.Graph:
    """Logistic regression on arrays, mean loss."""
    X, y = np.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -0.2]]), tg.constant([1.0, 0.0, 1.0])
    w, b = tg.parameter([0.1, -0.2]), tg.parameter(0.3)
    z = X @ w + b
    a = tg.sigmoid(z)
    L = np.mean(-(y * np.log(a) + (1 - y) * np.log(1 - a)))
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph
