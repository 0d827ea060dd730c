"""A compiled step: a function of the leaves of a graph that returns its outputs and gradients without recording anything."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from tinygraph.backprop import CollectorPaused
from tinygraph.compiler.arguments import fitted
from tinygraph.compiler.arrays import ArrayProgram, ArrayRun
from tinygraph.compiler.entry import entry
from tinygraph.compiler.grouped import GroupedStep
from tinygraph.compiler.groups import NoGroupsError
from tinygraph.compiler.labels import Labels
from tinygraph.compiler.report import Plan, Profile
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.decisions import check_decisions, decisions_behind, first_lost
from tinygraph.graph import Graph
from tinygraph.node import Leaf, Node

Run: TypeAlias = ArrayRun | GroupedStep
STRATEGIES = ("whole", "rows", "groups")
KNOWN = 16  # combinations of shapes that stay prepared


class Step:
    """A compiled graph: `step(**leaves)` returns its output (a tuple of several), and a dict of gradients by name.

    It is called with an array for each leaf by name, nested as the names are. `source` is the program that ran last, `plan` says
    what it does and why, `profile(**leaves)` measures each statement. Several threads may call it at the same time.
    """

    def __init__(
        self,
        graph: Graph,
        wrt: Wrt = None,
        bind: Mapping[str, Any] | None = None,
        threads: int = 1,
        strategy: str | None = None,
        copy: bool = True,
        may_decide: bool = True,
    ) -> None:
        """Without `may_decide` it is the caller who checks that Python would decide the same."""
        if strategy not in (None, *STRATEGIES):
            raise ValueError(f"strategy={strategy!r}: choose {' or '.join(map(repr, STRATEGIES))}, or None for the faster one")
        if not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads={threads!r}: give a whole number, 1 or more")
        self.graph = graph
        self._wanted = wanted = Wanted(graph, wrt, bind or {})
        self._arguments = wanted.arguments
        with CollectorPaused():
            self._program = _program(wanted, threads, strategy, copy)
        self._labels = Labels(graph, self._arguments.leaves)
        self._decides = may_decide and decides(graph)
        self._runs: dict[Any, Run] = {}  # by the shapes of the arguments
        self._lock = Lock()  # of these
        self._latest: list[Run | None] = [None]
        count = len(graph.outputs)
        places = dict(zip(wanted.wrt, range(count, count + len(wanted.wrt)), strict=True))
        self._is_measured = isinstance(self._program, ArrayProgram) and self._program.is_measured
        known = {} if self._labels or self._decides or self._is_measured else self._runs
        names, leaves = self._arguments.names, self._arguments.leaves
        self._enter = entry(names, leaves, known, self._latest, self._slowly, count, self._arguments.nested(places))

    def __call__(self, /, **leaves: Any) -> Any:
        """The outputs and the gradients; the arrays are the caller's own unless the graph was compiled with `copy=False`."""
        return self._enter(leaves)

    @property
    def _last(self) -> Run:
        """What ran last, or would run for the recorded sizes."""
        (latest,) = self._latest
        return self._program.at_recorded_sizes() if latest is None else latest

    @property
    def source(self) -> str:
        """The program that ran last, or that would run for arguments of the recorded sizes."""
        return self._last.source

    @property
    def plan(self) -> Plan:
        """What the step does for the sizes of the last call, or for the recorded ones, and why."""
        return self._last.plan

    def profile(self, /, *, repeat: int = 10, **leaves: Any) -> Profile:
        """The time of each statement in a call with these arguments, the mean over `repeat` calls, and the size of its result."""
        values = self._values(leaves)
        return self._run_for(values).profile(list(values.values()), repeat)

    def __reduce__(self) -> Any:
        raise TypeError("a step cannot be pickled: pickle its graph, and compile that where it is loaded")

    def __repr__(self) -> str:
        return f"<{self._arguments.call}>"

    def _slowly(self, given: Mapping[str, Any]) -> Any:
        """A call with arguments that are nested, that are to be made to fit, or of shapes that are new."""
        values = self._values(given)
        found = self._run_for(values)
        self._check(values, found)
        outputs = found.run(*values.values())
        count = len(self.graph.outputs)
        gradients = self._arguments.nested(dict(zip(self._wanted.wrt, outputs[count:], strict=True)))
        return outputs[0] if count == 1 else outputs[:count], gradients

    def _values(self, given: Mapping[str, Any]) -> dict[Node, Any]:
        """The value of each argument, as it was recorded."""
        flat = self._arguments.flat(given)
        names = zip(self._arguments.leaves, self._arguments.names, strict=True)
        return {x: fitted(x, name, flat[x]) for x, name in names}

    def _run_for(self, values: Mapping[Node, Any]) -> Run:
        """The program for arguments of these shapes."""
        if self._is_measured:
            self._latest[0] = measured = self._program.at(values)
            return measured
        key = tuple([np.shape(x) for leaf, x in values.items() if leaf.shape])
        found = self._runs.get(key)
        if found is None:
            found = self._program.at(values)
            with self._lock:
                self._runs[key] = found
                forget(self._runs, KNOWN)
        self._latest[0] = found
        return found

    def _check(self, values: Mapping[Node, Any], run: Run) -> None:
        """Raise an error where Python would decide otherwise on these values, and for labels that an op does not take."""
        if self._decides:
            every = self._wanted.bound | dict(values)
            leaves = {x: every.get(x, x._value) for x in self.graph.forward if isinstance(x, Leaf)}
            check_decisions(leaves, self.graph._recorded_until)
        self._labels.check(values, run.shape)


def _program(wanted: Wanted, threads: int, strategy: str | None, copy: bool) -> ArrayProgram | GroupedStep:
    """What a step runs: groups of scalars, or scripts on arrays."""
    if strategy in (None, "groups"):
        try:
            return GroupedStep(wanted, always=strategy == "groups")
        except NoGroupsError as reason:
            if strategy == "groups":
                raise ValueError(f'strategy="groups" does not apply: {reason}') from None
    return ArrayProgram(wanted, threads, strategy, copy)


def forget(entries: dict[Any, Any], most: int) -> None:
    """Drop the oldest entries of a dict that has more than `most`; other threads may add some at the same time."""
    while len(entries) > most:
        oldest, *_ = entries  # one bytecode: no other thread adds a key while it reads them
        entries.pop(oldest, None)


def decides(graph: Graph) -> bool:
    """Whether Python decided by a value of the graph."""
    leaves = [x for x in graph.forward if isinstance(x, Leaf)]
    until = graph._recorded_until
    return bool(decisions_behind(leaves, until)) or any(first_lost(x, until) is not None for x in leaves)
