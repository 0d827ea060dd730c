"""A graph as a sum over rows: what is computed of some rows alone, what is added up over all of them, and what follows from that.

Which axis is that of the rows, and whether the graph splits there, is read from the axes of its values, as for blocks of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.compiler.lowered import Lowered
from tinygraph.compiler.planning import NoRowsError
from tinygraph.compiler.primitives import function_of, needed
from tinygraph.compiler.request import Wanted
from tinygraph.express.helpers import Helpers
from tinygraph.express.python import is_called, python
from tinygraph.node import Node
from tinygraph.program.value import Apply, Expression, Name, Number

Shape = tuple[int, ...]


class Rows:
    """What a step computes of some rows; `of_rows` and `whole` are the leaves with an axis of the rows, and without.

    `axis` is that axis, of each node that has one; `source` is the program, a function of both, of the `rows` that count and of a
    function `added` that gives the sums over all parts. Raises ValueError, with the reason, for a graph that does not split.
    """

    def __init__(self, wanted: Wanted) -> None:
        arguments, bound = wanted.arguments.leaves, [x for x in wanted.bound if x.shape]
        self._lowered = lowered = Lowered(wanted, [*wanted.graph.outputs, *wanted.gradients()], bound)
        self.nodes, self.targets = lowered.nodes, lowered.targets
        try:
            self.phases = lowered.phases(lowered.data)
        except NoRowsError as reason:
            raise ValueError(f"the graph does not split over rows: {reason}") from None
        self.axis = self.phases.axis
        leaves = [*arguments, *(x for x in bound if x in set(self.nodes))]
        self.of_rows = [x for x in leaves if x in self.axis]
        self.whole = [x for x in leaves if x not in self.axis]
        self.likes: dict[Node, str] = {}  # of which the shape alone is read
        self.constants: dict[Node, str] = {}  # which have one value for a number of rows
        self.source = self._written()

    def names(self, leaves: Sequence[Node]) -> list[str]:
        """What the program calls leaves."""
        return [self._lowered.variables.of(x) for x in leaves]

    def stands_for(self, node: Node) -> Node | None:
        """The node that computes here what a recorded one does."""
        return self._lowered.lowering.stands_for(node)

    def sized(self, node: Node, rows: int) -> Shape:
        """The shape of a value of that many rows."""
        return tuple(rows if i == self.axis.get(node) else n for i, n in enumerate(node.shape))

    def function(self, module: Any, rows: int, total: int, own: Callable[..., Any]) -> Callable[..., Any]:
        """The program with the functions of a module, for that many `rows` of a `total`; `own(x, rows, axis)` is x with 0 where a
        row does not count, as leaves have it.
        """
        likes = {name: np.broadcast_to(np.zeros((), x.dtype), self.sized(x, rows)) for x, name in self.likes.items()}
        constants = {self.constants[x]: value for x, value in self._values(total).items()}
        scope: dict[str, Any] = {"__name__": "tinygraph_rows"}
        exec(compile(self.source, "<tinygraph rows>", "exec"), scope)
        scope |= {"np": module, "own": own} | likes | constants
        made: Callable[..., Any] = scope["step"]
        return made

    def _values(self, total: int) -> dict[Node, Any]:
        """The constants, for a number of rows."""
        values: dict[Node, Any] = {}
        for node in needed(self.nodes, list(self.constants)):
            if node.op is None:
                values[node] = node.operand
                continue
            operands = [self._operand(x, values, total) if isinstance(x, Node) else x for x in node.inputs]
            values[node] = function_of(node.op)(*operands, **node.params)
        return {x: values[x] for x in self.constants}

    def _operand(self, x: Node, values: Mapping[Node, Any], total: int) -> Any:
        return values[x] if x in values else np.broadcast_to(np.zeros((), x.dtype), self.sized(x, total))

    # The program

    def _written(self) -> str:
        found = self.phases
        sums = set(found.sums)
        inside = set(needed(self.nodes, found.sums))
        block = [x for x in self.nodes if x.op is not None and x in inside and (x in self.axis or x in set(found.block))]
        self._known = {*self.of_rows, *self.whole, *found.before, *block, *found.after}
        leaves = self.names([*self.of_rows, *self.whole])
        lines = [f"def step({', '.join([*leaves, 'rows', 'added'])}):"]
        lines += [self._line(x) for x in found.before]
        lines += ["    # of each row"] + [self._line(x, x in sums) for x in block]
        summed = self.names(found.sums)
        lines += ["    # of all rows", f"    {', '.join(summed)}, = added({', '.join(summed)})"]
        lines += [self._line(x) for x in found.after]
        lines += [f"    return {', '.join(self._name(x) for x in self.targets)},"]
        called = [x.op for x in map(_expression, [*found.before, *block, *found.after]) if is_called(x)]
        helpers = Helpers(list(dict.fromkeys(called)))
        return "\n\n".join(["\n".join(["import numpy as np", *helpers.imports]), *helpers.definitions, "\n".join(lines)]) + "\n"

    def _line(self, node: Node, is_sum: bool = False) -> str:
        def name(x: Node) -> str:  # leaves are 0 there
            is_masked = is_sum and x in self.axis and x.op is not None
            return f"own({self._name(x)}, rows, {self.axis[x]})" if is_masked else self._name(x)

        shapes = [x for i, x in enumerate(node.inputs) if node.op is not None and node.op.reads_shape_at(i)]
        for x in shapes:
            if x not in self._known and isinstance(x, Node) and x not in self.constants:
                self.likes.setdefault(x, self._lowered.variables.of(x))
        return f"    {self._lowered.variables.of(node)} = {python(_expression(node), name)}"

    def _name(self, x: Node) -> str:
        """What the program calls a value that it computes or is given."""
        name = self._lowered.variables.of(x)
        if x not in self._known and x not in self.likes:
            self.constants.setdefault(x, name)
        return name


def _expression(node: Node) -> Apply:
    """A primitive node as an expression of its inputs."""
    assert node.op is not None
    inputs: list[Expression] = [Name(x) if isinstance(x, Node) else Number(x) for x in node.inputs]
    made = Apply(node.op, tuple(inputs), node.params, node.shape, node.dtype.kind, 1)
    reason = node.op.untraceable(made.inputs, node.params)
    if reason:
        raise TypeError(f"JAX cannot trace {node.op.name}, recorded at {node.place}: {reason}")
    return made
