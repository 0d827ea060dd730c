"""A recorded function of parameters and data as a compiled step, which computes it again without recording it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygraph as tg
from models.tree import Tree, mapped, paths


def recorded(
    function: Callable[[Tree, Tree], Sequence[Any]], parameters: Tree, data: Tree
) -> Callable[[Tree, Tree], tuple[Any, ...]]:
    """Record `function(parameters, data)`, which returns Nodes, once; the function returned gives their values for others.

    `data` is a dict of arrays, dense or sparse. Other data may have more or fewer rows, but must be dense or sparse as these and
    have the same axes of size 1. The results differ from those of a new recording in rounding alone.

    >>> loss = lambda p, data: np.sum((data["X"] @ p["w"]) ** 2)
    >>> step = recorded(lambda p, data: (loss(p, data), tg.grad(loss)(p, data)["w"]), {"w": np.ones(2)}, {"X": np.eye(2)})
    >>> step({"w": np.array([3.0, 4.0])}, {"X": np.eye(2)})
    (np.float64(25.0), array([6., 8.]))
    """
    nodes, constants = mapped(tg.parameter, parameters), mapped(tg.constant, data)
    outputs = function(nodes, constants)
    names = {f"p{i}": node for i, (_, node) in enumerate(paths(nodes))} | constants
    leaves = [node for node in tg.Graph(*outputs, names=names).forward if node.op is None]
    given = set(names.values())
    kept = {f"kept{i}": leaf for i, leaf in enumerate(leaves) if leaf not in given}  # numbers and arrays of the function's own
    graph = tg.Graph(*outputs, names=names | kept)
    step = graph.compile(wrt=[], bind={name: leaf.value for name, leaf in kept.items()})
    unused = [name for name, node in names.items() if node not in set(leaves)]

    def again(parameters: Tree, data: Tree) -> tuple[Any, ...]:
        given = {f"p{i}": array for i, (_, array) in enumerate(paths(parameters))} | data
        for name in unused:
            del given[name]
        values: tuple[Any, ...] = step(**given)[0]
        return values if len(outputs) > 1 else (values,)

    return again
