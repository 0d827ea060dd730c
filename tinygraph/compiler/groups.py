"""A graph of scalars as one call of an op for each group of like nodes, on arrays of their operands.

The backward pass calls the rules of the ops on the same arrays, so that no gradient node is recorded. Loops over plain numbers,
as in a network written neuron by neuron, run at the speed of arrays.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.backprop import Path, between
from tinygraph.compiler.grouping import Grouping, Kind, Recorded
from tinygraph.compiler.slots import Entries, Entry, Gradients, Slots, Vectors
from tinygraph.compiler.steps import Application, Run
from tinygraph.compiler.sums import Products, Sum, is_product
from tinygraph.node import Node
from tinygraph.place import user_frame
from tinygraph.warned import warn_at, warnings_reported
from tinygraph.wording import counted

KEPT = 4  # workspaces that wait for the next call


class Groups:
    """Outputs of a graph of scalars, and the gradients of the first output, as a function of the values of some leaves.

    `nodes` are all forward nodes in order, `outputs` those to compute, `wrt` the leaves whose gradients are wanted, `arguments`
    the leaves whose values each call gives; the others keep theirs. `count` is the number of groups, `source` what is computed,
    group by group.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> L = w * x
    >>> step = Groups([w, x, L], [L], [w], [w, x])
    >>> step(5.0, 4.0)
    ((np.float64(20.0),), (np.float64(4.0),))
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Node], wrt: Sequence[Node], arguments: Sequence[Node]
    ) -> None:
        path: Path = between(outputs[0], wrt, nodes if len(outputs) == 1 else ()) if wrt else {}
        recorded = Recorded(nodes)
        grouping = Grouping(recorded, path, outputs)
        slots = Slots(recorded, grouping)
        self._nodes = nodes
        self._sizes = slots.sizes
        self._steps = _steps(recorded, grouping, slots)
        self.count = len(self._steps)
        self._outputs, self._wrt, self._arguments = (
            Entries([slots.entry(recorded, node) for node in chosen]) for chosen in (outputs, wrt, arguments)
        )
        self._leaves = slots.leaves
        self._start, self._zeros = self._planned(outputs[0] in path)
        self._workspaces: deque[_Workspace] = deque(maxlen=KEPT)

    def _planned(self, has_gradient: bool) -> tuple[list[Entry], list[tuple[Kind, Any]]]:
        """Plan the backward pass; returns what is 1 when it starts, and what is 0."""
        gradients = Gradients(self._sizes)
        start = self._outputs.entries[:1] if has_gradient else []
        for entry in start:
            gradients.set(*entry)
        for step in reversed(self._steps):
            step.plan(gradients)
        for kind, slot in self._wrt.entries:
            gradients.start_at_0(kind, np.array([slot]))
        return start, gradients.zeros()

    @property
    def source(self) -> str:
        """What is computed, group by group, for a reader."""
        lines = [f"{size} slots of {kind.__name__}" for kind, size in self._sizes.items()]
        lines += [f"group {i}: {step}" for i, step in enumerate(self._steps, 1)]
        return "\n".join(lines)

    def __call__(self, *values: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The outputs and the gradients, in their order, as NumPy scalars."""
        if len(values) != len(self._arguments.entries):
            raise TypeError(f"give {counted(len(self._arguments.entries), 'value')}, one for each argument, not {len(values)}")
        try:
            workspace = self._workspaces.pop()
        except IndexError:
            workspace = _Workspace(self._sizes, self._leaves, self._steps)
        self._arguments.write(workspace.values, values)
        self._run(workspace)
        outputs, gradients = self._outputs.read(workspace.values), self._wrt.read(workspace.gradients)
        self._workspaces.append(workspace)
        return outputs, gradients

    def _run(self, workspace: _Workspace) -> None:
        """Compute forward and backward. NumPy's warnings are issued at the user's line, once each."""
        texts: dict[str, None] = {}
        steps, words, at = self._steps, "", 0

        def report(kind: str) -> None:
            step = steps[at]
            texts[f"{kind} encountered in {words}{step.op.name}, recorded at {self._places(step)}"] = None

        with warnings_reported(report):
            for at, run in enumerate(workspace.forward):  # noqa: B007  # `report` reads it
                run()
            for kind, slots in self._zeros:
                workspace.gradients[kind][slots] = 0
            for kind, slot in self._start:
                workspace.gradients[kind][slot] = 1
            steps, words = workspace.passing, "the gradient of "
            with np.errstate(under="ignore"):  # a gradient that is too small for a float is 0
                for at, run in enumerate(workspace.backward):  # noqa: B007
                    run()
        if texts:
            frame = user_frame(sys._getframe(1))
            for text in texts:
                warn_at(frame, text, RuntimeWarning)

    def _places(self, step: Application | Sum) -> str:
        """Where the nodes of a step were recorded."""
        places = {str(self._nodes[i].place) for i in step.group.members.tolist()}
        first = min(places)
        return first if len(places) == 1 else f"{first} and {counted(len(places) - 1, 'other line')}"


class _Workspace:
    """The vectors of one call at a time, and the steps on them."""

    def __init__(self, sizes: Mapping[Kind, int], leaves: Vectors, steps: Sequence[Application | Sum]) -> None:
        self.values: Vectors = {kind: np.empty(size, kind) for kind, size in sizes.items()}
        self.gradients: Vectors = {kind: np.empty(size, kind) for kind, size in sizes.items()}
        for kind, given in leaves.items():
            self.values[kind][: len(given)] = given
        bound = [step.bind(self.values, self.gradients) for step in steps]
        self.forward: list[Run] = [forward for forward, _ in bound]
        back = [(step, backward) for step, (_, backward) in zip(steps, bound, strict=True) if backward is not None]
        self.passing = [step for step, _ in reversed(back)]
        self.backward: list[Run] = [backward for _, backward in reversed(back)]


def _steps(recorded: Recorded, grouping: Grouping, slots: Slots) -> list[Application | Sum]:
    """The steps of the groups. Products that are added up at once are no step of their own."""
    steps: list[Application | Sum] = []
    products: dict[Entry, Application] = {}
    for group, start in zip(grouping.groups, slots.starts, strict=True):
        if group.is_sum:
            steps.append(Sum(group, start, slots, grouping, products))
        else:
            steps.append(Application(group, start, recorded, slots))
            if is_product(group) and (grouping.uses[group.members] == 1).all():
                products[group.signature.kind, start] = steps[-1]
    absorbed = {id(part.products) for step in steps if isinstance(step, Sum) for part in step.parts if isinstance(part, Products)}
    return [step for step in steps if id(step) not in absorbed]
