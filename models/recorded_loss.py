"""A recorded function of parameters and data as a compiled step, which computes it again without recording it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygraph as tg
from models.tree import Tree, mapped, paths


class Recorded:
    """What `function(parameters, data)` returned, Nodes, as a function of other parameters and data; `step` computes it.

    `data` is a dict of arrays, dense or sparse. Other data may have more or fewer rows, but must be dense or sparse as these and
    have the same axes of size 1. The results differ from those of a new recording in rounding alone.

    >>> loss = lambda p, data: np.sum((data["X"] @ p["w"]) ** 2)
    >>> program = Recorded(lambda p, data: (loss(p, data), tg.grad(loss)(p, data)["w"]), {"w": np.ones(2)}, {"X": np.eye(2)})
    >>> program({"w": np.array([3.0, 4.0])}, {"X": np.eye(2)})
    (np.float64(25.0), array([6., 8.]))
    """

    def __init__(self, function: Callable[[Tree, Tree], Sequence[Any]], parameters: Tree, data: Tree) -> None:
        nodes, constants = mapped(tg.parameter, parameters), mapped(tg.constant, data)
        outputs = function(nodes, constants)
        named = {f"p{i}": node for i, (_, node) in enumerate(paths(nodes))}
        names = named | constants
        leaves = {node for node in tg.Graph(*outputs, names=names).forward if node.op is None}
        own = leaves - set(names.values())  # numbers and arrays of the function itself: without a name, a call would need them
        kept = {f"kept{i}": leaf for i, leaf in enumerate(own)}
        self._graph, self._kept = tg.Graph(*outputs, names=names | kept), {name: leaf.value for name, leaf in kept.items()}
        self.step = self._graph.compile(wrt=[], bind=self._kept)
        self._is_one = len(outputs) == 1
        self._parameters = list(named)
        self._unused = [name for name, node in names.items() if node not in leaves]

    def __call__(self, parameters: Tree, data: Tree) -> tuple[Any, ...]:
        """The values for these parameters and data."""
        return self._values(self.step, parameters, data)

    def over(self, data: Tree) -> Callable[[Tree, Tree], tuple[Any, ...]]:
        """The same for these data, dask arrays, chunk by chunk; raises ValueError for what is no sum or mean over rows."""
        used = {name: array for name, array in data.items() if name not in self._unused}
        step = tg.bridges.dask.step(self._graph, [], self._kept, **used)
        return lambda parameters, data: self._values(step, parameters, {})

    def _values(self, step: Callable[..., Any], parameters: Tree, data: Tree) -> tuple[Any, ...]:
        given = {name: array for name, (_, array) in zip(self._parameters, paths(parameters), strict=True)} | data
        for name in self._unused:
            given.pop(name, None)
        values: Any = step(**given)[0]
        return (values,) if self._is_one else values
