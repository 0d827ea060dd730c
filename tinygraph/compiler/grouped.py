"""A step on scalars, computed in groups of like nodes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.compiler.groups import Groups, NoGroupsError
from tinygraph.compiler.report import Cost, Plan, Profile
from tinygraph.compiler.request import Wanted
from tinygraph.compiler.scalars import reason_against
from tinygraph.node import Node

FEWEST, SMALLEST = 200, 20  # nodes of a graph, and nodes a group, from which groups take less time than statements


class GroupedStep:
    """A graph of scalars as groups: `run(*arguments)` gives its outputs and gradients. Raises NoGroupsError where there are none.

    Without `always` there are none either where other ways take less time.
    """

    def __init__(self, wanted: Wanted, always: bool) -> None:
        graph = wanted.graph
        nodes = graph.forward
        if not always and len(nodes) < FEWEST:
            raise NoGroupsError("the graph is small")
        other = next((x for x in wanted.wrt if x.op is not None), None)
        reason = reason_against(nodes) if other is None else f"a gradient with respect to {graph.name(other)}, which is no leaf"
        if reason:
            raise NoGroupsError(reason.removesuffix("."))
        arguments = [*wanted.bound, *wanted.arguments.leaves]
        self._wanted = wanted
        self._groups = Groups(nodes, graph.outputs, wanted.wrt, arguments, 0 if always else SMALLEST, wanted.path)
        self._kept = tuple(wanted.bound.values())

    def at_recorded_sizes(self) -> GroupedStep:
        """Itself, as scalars have no other sizes."""
        return self

    def at(self, values: Mapping[Node, Any]) -> GroupedStep:
        """Itself."""
        return self

    def run(self, *arguments: Any) -> tuple[Any, ...]:
        """The outputs and the gradients."""
        outputs, gradients = self._groups(*self._kept, *arguments)
        return *outputs, *gradients

    def shape(self, node: Node) -> tuple[int, ...]:
        """The shape of a recorded node."""
        return node.shape

    @property
    def source(self) -> str:
        """What is computed, group by group."""
        return self._groups.source

    @property
    def plan(self) -> Plan:
        """What is done, and why."""
        wanted, count = self._wanted, self._groups.count
        names = zip(wanted.arguments.names, wanted.arguments.leaves, strict=True)
        ops = len([x for x in wanted.graph.forward if x.op is not None])
        return Plan(
            "groups",
            "scalars of one depth and op are computed together, forward and backward",
            {name: ((), f"{x.dtype}") for name, x in names},
            [wanted.graph.name(x) or "" for x in wanted.bound],
            (),
            ops,
            count,
            (),
            2,
            2 * len(wanted.graph.forward) * np.dtype(float).itemsize,
        )

    def profile(self, arguments: Sequence[Any], repeat: int) -> Profile:
        """What all groups cost together."""
        self.run(*arguments)
        start = time.perf_counter()
        for _ in range(repeat):
            self.run(*arguments)
        seconds = (time.perf_counter() - start) / repeat
        return Profile([Cost(f"{self._groups.count} groups", seconds, 0)], seconds)
