"""A function of arrays, recorded when it is called with arrays of other sizes, and run as a compiled step from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from tinygraph.compiler.alike import same, written
from tinygraph.compiler.arguments import fitted
from tinygraph.compiler.sizes import SizeError
from tinygraph.compiler.step import Step, forget
from tinygraph.decisions import DecisionError, check_decisions
from tinygraph.graph import Graph
from tinygraph.jitted import recorded
from tinygraph.leaves import constant
from tinygraph.node import NUMBERING, Leaf, Node
from tinygraph.sparse import is_sparse
from tinygraph.tree import arrays_of, map_arrays, rebuild

NUMBERS = (np.ndarray, np.generic, int, float, bool)
SHAPES = 1000  # of arguments that a recording is known to hold for
KINDS = 100  # of arguments that recordings are kept for
KEPT = 16  # recordings of one kind of arguments, which differ in what Python decided, or in sizes


class Trace:
    """One recording of a function: its result, in which nodes stand for arrays, and the step that computes those.

    `shapes` are those of arguments for which the function is known to record the same.
    """

    def __init__(self, function: Callable[..., Any], arguments: Any) -> None:
        leaves = [constant(x) if _is_array(x) else x for x in arrays_of(arguments)]
        given = {f"x{i}": x for i, x in enumerate(x for x in leaves if isinstance(x, Node))}
        positional, keywords = rebuild(arguments, leaves)
        with recorded(given.values()):
            self.result = function(*positional, **keywords)
        self.flat = arrays_of(self.result)
        self.places = {x: i for i, x in enumerate(dict.fromkeys(x for x in self.flat if isinstance(x, Node)))}
        self.shapes: dict[Any, None] = {}
        self.step: Step | None = None
        self._given, self._until = given, next(NUMBERING)
        self._deciding = [(i, x) for i, x in enumerate(given.values()) if isinstance(x, Leaf) and x.log is not None]

    def compile(self, settings: dict[str, Any]) -> None:
        """Make the step."""
        if self.places:
            graph = Graph(*self.places, names=self._given)
            self.read = [(i, name) for i, (name, x) in enumerate(self._given.items()) if x in graph]
            given = set(self._given.values())
            kept = [x for x in graph.forward if x.op is None and x not in given]
            bind = {name: x._value for x in kept if (name := graph.name(x)) is not None}
            self.step = Step(graph, wrt=[], bind=bind, may_decide=False, **settings)

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """The result for arrays of the same kind; raises DecisionError where Python would decide otherwise on them."""
        if self._deciding:
            check_decisions({x: fitted(x, f"x{i}", arrays[i]) for i, x in self._deciding}, self._until)
        found: Any = ()
        if self.step is not None:
            outputs, _ = self.step(**{name: arrays[i] for i, name in self.read})
            found = (outputs,) if len(self.places) == 1 else outputs
        return rebuild(self.result, [found[self.places[x]] if isinstance(x, Node) else _own(x) for x in self.flat])

    def is_like(self, other: Trace) -> bool:
        """Whether both compute the same: what Python took from the sizes of arrays, such as `len(x) // 2`, is part of it."""
        if _structure(self.result) != _structure(other.result) or not all(map(same, self._returned(), other._returned())):
            return False
        return all(map(same, self._written(), other._written()))

    def _written(self) -> Iterator[Any]:
        return written(list(self.places), self._given.values())

    def _returned(self) -> list[Any]:
        """The parts of the result: places of nodes, and what else there is."""
        return [(self.places[x],) if isinstance(x, Node) else x for x in self.flat]


def _structure(tree: Any) -> str:
    return repr(map_arrays(lambda _: None, tree))


def _own(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


class Jit:
    """A function that is recorded and compiled; see `tg.jit`. `step` is what ran last, with its `source` and `plan`."""

    def __init__(self, function: Callable[..., Any], **settings: Any) -> None:
        self._function, self._settings = function, settings
        self._traces: dict[Any, list[Trace]] = {}
        self.step: Step | None = None
        update_wrapper(self, function, updated=())  # not the attributes of another `Jit` inside

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the function returns, as arrays."""
        leaves = arrays_of((arguments, keywords))
        if any(isinstance(x, Node) for x in leaves):  # somebody else records: so does the function
            return self._function(*arguments, **keywords)
        arrays = [x for x in leaves if _is_array(x)]
        shapes = tuple([np.shape(x) for x in arrays])
        try:
            traces = self._traces.setdefault(_kind((arguments, keywords), leaves), [])
        except TypeError as error:
            raise TypeError(f"tg.jit takes arrays, trees of arrays, and settings that can be keys of a dict: {error}") from None
        forget(self._traces, KINDS)
        new: Trace | None = None
        for trace in sorted(traces, key=lambda trace: shapes not in trace.shapes):
            if shapes not in trace.shapes:
                new = new or Trace(self._function, (arguments, keywords))
                if not trace.is_like(new):
                    continue
            try:
                return self._ran(trace, arrays, shapes)
            except (DecisionError, SizeError):
                continue
        new = new or Trace(self._function, (arguments, keywords))
        new.compile(self._settings)
        traces.insert(0, new)
        del traces[KEPT:]
        return self._ran(new, arrays, shapes)

    def _ran(self, trace: Trace, arrays: Sequence[Any], shapes: Any) -> Any:
        with np.errstate(all=None if shapes in trace.shapes else "ignore"):  # the recording of a moment ago has warned
            result = trace(arrays)
        trace.shapes[shapes] = None
        forget(trace.shapes, SHAPES)
        self.step = trace.step
        return result


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
