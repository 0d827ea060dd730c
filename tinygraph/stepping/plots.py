"""What of a graph is plotted: the curves of a step with their slopes, the loss by entries of parameters, and the boundary."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from tinygraph.draw.theme import CLASSES, RAMP
from tinygraph.express.equations import Equations
from tinygraph.express.plain import plain
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.statements import program_of
from tinygraph.program.value import exact
from tinygraph.stepping.boundary import boundary_of
from tinygraph.stepping.templates import Slot
from tinygraph.stepping.timeline import Step


def plots(graph: Graph) -> dict[str, Any]:
    """The plots of a graph as a whole, where an output is one number, and the labels of all values that have gradients."""
    program = program_of(graph)
    label = Equations(program).symbol
    labels = [(Slot(x), plain(label(x))) for x in dict.fromkeys(x for request in graph._requests() for x in request.gradients)]
    loss = next((x for x in graph.outputs if not x.shape and x.dtype.kind == "f"), None)
    if loss is None:
        return {"labels": labels}
    gradients = next((x.gradients for x in graph._requests() if x.output is loss and x.unit), {})
    parameters = [x for x in program.leaves if x.kind == "parameter" and x in gradients and x.size]
    found = boundary_of(graph, loss)
    axes = [[program.name(x), plain(label(x)), Slot(gradients[x])] for x in parameters]
    return {
        "labels": labels,
        "loss": [plain(label(loss)), Slot(loss)],
        "surface": {"axes": axes, "colours": RAMP} if sum(x.size for x in parameters) > 1 else None,
        "boundary": found and {
            "points": program.name(found.points),
            "labels": program.name(found.labels),
            "target": Slot(found.target),
            "name": plain(label(found.target)) if graph.name(found.target) else "",
            "level": found.level,
            "colours": CLASSES,
        },
    }  # fmt: skip


class Slopes:
    """The curves of steps: the reader by the value, and the output by it, each with the slope where the value is.

    Those of a step are a list: the value; the reader and the local derivative; the output and the gradient; and the values that
    the curve of the reader holds.
    """

    def __init__(self, equations: Equations, steps: Iterable[Step]) -> None:
        self.equations = equations
        self.flow = equations.program.flow
        self.repeated = _repeated(equations.program.graph.forward)
        self.upstream: dict[Node, Node] = {}  # by reader
        self.gradients: dict[Node, Node] = {}
        for step in steps:
            for one in step.passes:
                self.upstream.setdefault(one.reader.node, one.upstream)
                self.gradients.setdefault(one.of, one.gradient)

    def of(self, step: Step) -> list[Slot | None] | None:
        """The curves of a step; None for one that has none."""
        if step.phase == "update":
            return self._curves(step.node, None, self.gradients.get(step.node))
        if step.phase == "backward":
            one = step.passes[step.position] if step.passes else None
            return None if one is None else self._curves(one.of, one, one.gradient)
        passes = self.flow.passed(self.upstream[step.node]) if step.node in self.upstream else {}
        is_of_one = len(passes) == 1 and step.statement is not None and len(step.statement.inputs) == 1
        return self._curves(*next(iter(passes.items())), None) if is_of_one else None

    def _curves(self, value: Node, one: Pass | None, gradient: Node | None) -> list[Slot | None] | None:
        output = self.equations.partials[gradient][0] if gradient in self.equations.partials else None
        local: list[Slot | None] = [None, None]
        whole: list[Slot | None] = [None, None]
        held: list[Slot] = []
        if one is not None and one.is_factor and not self._is_whole(one, output):
            local, held = [Slot(one.reader.node), Slot(one.local_node)], list(map(Slot, self._beside(one)))
        if gradient is not None and output is not None and not output.shape:
            whole = [Slot(output), Slot(gradient)]
        return [Slot(value), *local, *whole, *held] if self._is_own(value) and (local[0] or whole[0]) else None

    def _is_own(self, value: Node) -> bool:
        """Whether a page can move an entry of a value, and no other value with it."""
        return value.size > 0 and value not in self.repeated

    def _is_whole(self, one: Pass, output: Node | None) -> bool:
        """Whether the reader is the output, and there is no other way to it: then both curves are the same."""
        return one.reader.node is output and len(self.flow.readers(one.gradient)) == 1

    def _beside(self, one: Pass) -> Iterator[Node]:
        """The other values that the reader reads, which may depend on this one: its curve holds them."""
        for x in self.flow.passed(one.upstream):
            if x is not one.of and x.op is not None and x.number > one.of.number:
                yield x


def _repeated(nodes: Iterable[Node]) -> set[Node]:
    """The values that were computed more than once: a page has one slot for all of the same op on the same operands."""
    first: dict[Hashable, Node] = {}
    same: dict[Node, Node] = {}
    for node in nodes:
        if node.op is not None:
            operands = tuple(id(same.get(x, x)) if isinstance(x, Node) else exact(x) for x in node.inputs)
            same[node] = first.setdefault((node.op, operands, tuple((name, exact(x)) for name, x in node.params.items())), node)
    return {x for node, other in same.items() if node is not other for x in (node, other)}
