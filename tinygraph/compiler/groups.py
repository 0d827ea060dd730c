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
from tinygraph.compiler.applications import Application, Run
from tinygraph.compiler.cells import Cells, Contributions, Entries, Entry, Vectors
from tinygraph.compiler.grouping import Grouping, Kind, Recorded, Sums, count_groups
from tinygraph.compiler.sums import Products, Sum, is_product
from tinygraph.node import Node
from tinygraph.place import user_frame
from tinygraph.warned import warn_at, warnings_reported
from tinygraph.wording import counted

KEPT = 4  # workspaces that wait for the next call


class NoGroupsError(Exception):
    """Why a step is not computed in groups."""


class Groups:
    """Outputs of a graph of scalars, and the gradients of the first output, as a function of the values of some leaves.

    `nodes` are all forward nodes in order, `outputs` those to compute, `wrt` the leaves whose gradients are wanted, `arguments`
    the leaves whose values each call gives; the others keep theirs. `reason_against` says whether it is possible. `count` is the
    number of groups; NoGroupsError is raised where they have fewer nodes than `smallest`, on average. `path` is what
    `between(outputs[0], wrt)` gives, where that is at hand. Calls from several threads do not disturb each other.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> L = np.exp(w) * x
    >>> function = Groups([w, x, *L.inputs, L], [L], [w], [w, x])
    >>> function(0.0, 4.0)
    ((np.float64(4.0),), (np.float64(4.0),))
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        outputs: Sequence[Node],
        wrt: Sequence[Node],
        arguments: Sequence[Node],
        smallest: int = 0,
        path: Path | None = None,
    ) -> None:
        recorded = Recorded([*dict.fromkeys([*wrt, *arguments, *nodes])], outputs)  # some leaves may be read by no node
        sums = Sums(recorded)
        if len(nodes) < smallest * count_groups(sums):
            raise NoGroupsError("there are few nodes in a group")
        if path is None:
            path = between(outputs[0], wrt, recorded.nodes if recorded.has_one_end(outputs[0]) else ()) if wrt else {}
        grouping = Grouping(sums, path)
        cells = Cells(recorded, grouping)
        self._nodes, self._sizes, self._leaves = recorded.nodes, cells.sizes, cells.leaves
        self._groups = _computed(recorded, grouping, cells)
        self.count = len(self._groups)
        self._outputs, self._wrt, self._arguments = (
            Entries([cells.entry(recorded, node) for node in chosen]) for chosen in (outputs, wrt, arguments)
        )
        self._seeded = self._outputs.entries[:1] if outputs[0] in path else []
        contributions = Contributions(self._sizes)
        for entry in self._seeded:
            contributions.start_at_1(*entry)
        for group in reversed(self._groups):
            group.prepare(contributions)
        for kind, cell in self._wrt.entries:
            contributions.start_at_0(kind, np.array([cell]))
        self._zeros = contributions.zeros()
        self._workspaces: deque[_Workspace] = deque(maxlen=KEPT)

    @property
    def source(self) -> str:
        """What is computed, group by group, for a reader."""
        return "\n".join(f"group {i}: {group}" for i, group in enumerate(self._groups, 1))

    def __call__(self, *values: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The outputs and the gradients, in their order, as NumPy scalars; a leaf that the first output does not depend on has 0.

        Raises TypeError for another number of values than of arguments.
        """
        if len(values) != len(self._arguments.entries):
            raise TypeError(f"give {counted(len(self._arguments.entries), 'value')}, one for each argument, not {len(values)}")
        try:
            workspace = self._workspaces.pop()
        except IndexError:
            workspace = _Workspace(self._sizes, self._leaves, self._groups)
        self._arguments.write(workspace.values, values)
        self._run(workspace)
        found = self._outputs.read(workspace.values), self._wrt.read(workspace.gradients)
        self._workspaces.append(workspace)
        return found

    def _run(self, workspace: _Workspace) -> None:
        """Compute forward and backward. Each of NumPy's warnings is issued once, at the user's line."""
        texts: dict[str, None] = {}
        groups, words, at = self._groups, "", 0

        def where() -> str:
            return f"in {words}{groups[at].op.name}, recorded at {self._places(groups[at])}"

        def report(kind: str) -> None:
            texts[f"{kind} encountered {where()}"] = None

        try:
            with warnings_reported(report):
                for at, run in enumerate(workspace.forward):  # noqa: B007  # `where` reads it
                    run()
                for kind, cells in self._zeros:
                    workspace.gradients[kind][cells] = 0
                for kind, cell in self._seeded:
                    workspace.gradients[kind][cell] = 1
                groups, words = workspace.passing, "the gradient of "
                with np.errstate(under="ignore"):  # a gradient that is too small for a float is 0
                    for at, run in enumerate(workspace.backward):  # noqa: B007
                        run()
        except Exception as error:
            error.add_note(where())
            raise
        if texts:
            frame = user_frame(sys._getframe(1))
            for text in texts:
                warn_at(frame, text, RuntimeWarning)

    def _places(self, group: Application | Sum) -> str:
        """Where the nodes of a group were recorded."""
        places = dict.fromkeys(str(self._nodes[i].place) for i in np.sort(group.group.members).tolist())
        first, *others = places
        return f"{first}, and {counted(len(others), 'other line')}" if others else first


class _Workspace:
    """The vectors that one call at a time computes in, and the computations on them."""

    def __init__(self, sizes: Mapping[Kind, int], leaves: Vectors, groups: Sequence[Application | Sum]) -> None:
        self.values: Vectors = {kind: np.empty(size, kind) for kind, size in sizes.items()}
        self.gradients: Vectors = {kind: np.empty(size, kind) for kind, size in sizes.items()}
        for kind, values in leaves.items():
            self.values[kind][: len(values)] = values
        bound = [group.bind(self.values, self.gradients) for group in groups]
        self.forward: list[Run] = [forward for forward, _ in bound]
        back = [(group, backward) for group, (_, backward) in zip(groups, bound, strict=True) if backward is not None]
        self.passing = [group for group, _ in reversed(back)]
        self.backward: list[Run] = [backward for _, backward in reversed(back)]


def _computed(recorded: Recorded, grouping: Grouping, cells: Cells) -> list[Application | Sum]:
    """The groups that are computed: all but products that their sums compute."""
    found: list[Application | Sum] = []
    products: dict[Entry, Application] = {}
    for group, start in zip(grouping.groups, cells.starts, strict=True):
        if group.is_sum:
            found.append(Sum(group, start, cells, grouping, products))
            continue
        application = Application(group, start, recorded, cells)
        found.append(application)
        if is_product(group) and (grouping.uses[group.members] == 1).all():
            products[group.signature.kind, start] = application
    parts = [part for group in found if isinstance(group, Sum) for part in group.parts]
    inside = {id(part.products) for part in parts if isinstance(part, Products)}
    return [group for group in found if id(group) not in inside]
