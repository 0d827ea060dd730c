"""A recorded loss as a function: the program that its graph prints computes loss and gradient without recording them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygraph as tg
from models.tree import Tree, from_paths, mapped, paths


def recorded_loss(loss: Callable[[Tree, Tree], Any], parameters: Tree, data: Tree) -> Callable[[Tree, Tree], tuple[float, Tree]]:
    """Record `loss(parameters, data)` once; the function returned gives its value and gradient for other parameters and data.

    `data` is a dict of arrays, dense or sparse. Other data may have more or fewer rows, but must be dense or sparse as these and
    have the same axes of size 1. The results differ from those of a new recording in rounding alone.

    >>> step = recorded_loss(lambda p, data: np.sum((data["X"] @ p["w"]) ** 2), {"w": np.ones(2)}, {"X": np.eye(2)})
    >>> step({"w": np.array([3.0, 4.0])}, {"X": np.eye(2)})
    (25.0, {'w': array([6., 8.])})
    """
    nodes, constants = mapped(tg.parameter, parameters), mapped(lambda array: tg.constant(array, copy=False), data)
    found = [path for path, _ in paths(nodes)]
    names = {f"p{i}": node for i, (_, node) in enumerate(paths(nodes))}
    L = loss(nodes, constants)
    graph = tg.Graph(L, names=names | constants | {"L": L})
    graph.backprop(wrt=list(names.values()))
    program = graph.function()

    def step(parameters: Tree, data: Tree) -> tuple[float, Tree]:
        arrays = {f"p{i}": array for i, (_, array) in enumerate(paths(parameters))}
        value, gradients = program(**arrays, **data)
        return float(value), from_paths((path, gradients[f"dp{i}"]) for i, path in enumerate(found))

    return step
