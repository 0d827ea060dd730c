"""A function of arrays, recorded when it is called with arrays of a new kind, and run as a compiled step from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from tinygraph.compiler.sizes import SizeError
from tinygraph.compiler.step import Step
from tinygraph.decisions import DecisionError
from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.sparse import is_sparse
from tinygraph.tree import arrays_of, rebuild

NUMBERS = (np.ndarray, np.generic, int, float, bool)
KEPT = 16  # recordings of one kind of arguments, which differ in what Python decided, or in sizes


class Trace:
    """One recording of a function: its result, in which nodes stand for arrays, and the step that computes those."""

    def __init__(self, function: Callable[..., Any], arguments: Any, settings: dict[str, Any]) -> None:
        leaves = [constant(x) if _is_array(x) else x for x in arrays_of(arguments)]
        given = {f"x{i}": x for i, x in enumerate(x for x in leaves if isinstance(x, Node))}
        positional, keywords = rebuild(arguments, leaves)
        self.result = function(*positional, **keywords)
        outputs = list(dict.fromkeys(x for x in arrays_of(self.result) if isinstance(x, Node)))
        self.places = {x: i for i, x in enumerate(outputs)}
        self.step: Step | None = None
        if outputs:
            graph = Graph(*outputs, names=given)
            self.read = [(i, name) for i, (name, x) in enumerate(given.items()) if x in graph]
            own = {graph.name(x) or "": x._value for x in graph.forward if x.op is None and x not in set(given.values())}
            self.step = Step(graph, wrt=[], bind=own, **settings)

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """The result for arrays of the same kind."""
        if self.step is None:
            return self.result
        outputs, _ = self.step(**{name: arrays[i] for i, name in self.read})
        found = (outputs,) if len(self.places) == 1 else outputs
        return rebuild(self.result, [found[self.places[x]] if isinstance(x, Node) else x for x in arrays_of(self.result)])


class Jit:
    """A function that is recorded and compiled; see `tg.jit`. `step` is what ran last, with its `source` and `plan`."""

    def __init__(self, function: Callable[..., Any], **settings: Any) -> None:
        self._function, self._settings = function, settings
        self._traces: dict[Any, list[Trace]] = {}
        self.step: Step | None = None
        update_wrapper(self, function)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the function returns, as arrays."""
        leaves = arrays_of((arguments, keywords))
        if any(isinstance(x, Node) for x in leaves):  # somebody else records: so does the function
            return self._function(*arguments, **keywords)
        arrays = [x for x in leaves if _is_array(x)]
        traces = self._traces.setdefault(_kind((arguments, keywords), leaves), [])
        for trace in tuple(traces):
            try:
                result = trace(arrays)
            except (DecisionError, SizeError):
                continue
            self.step = trace.step
            return result
        trace = Trace(self._function, (arguments, keywords), self._settings)
        traces.insert(0, trace)
        del traces[KEPT:]
        self.step = trace.step
        return trace(arrays)


def _is_array(x: Any) -> bool:
    return isinstance(x, NUMBERS) or is_sparse(x)


def _kind(arguments: Any, leaves: Sequence[Any]) -> Any:
    """What arguments have in common for which one recording may do: structure, ranks, dtypes, and where sizes are 0 or 1."""
    structure = rebuild(arguments, [None] * len(leaves))
    return repr(structure), tuple(_kind_of(x) for x in leaves)


def _kind_of(x: Any) -> Any:
    if is_sparse(x):
        return "sparse", x.dtype, x.ndim
    if not _is_array(x):
        return type(x), x
    array = np.asarray(x)
    return array.dtype, tuple(min(n, 2) for n in array.shape)
