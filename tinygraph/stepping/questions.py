"""The questions about a walk, each asked before its step is shown: the gradients, which of a few paths carries most of one, and
which way each parameter moves.

A question is declared once, in texts with holes; the kernel's quiz and a page both ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinygraph.express.holes import WAYS, Hole, Text, joined, place_of_largest
from tinygraph.express.python import python
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Program, program_of
from tinygraph.program.value import Expression, Name, Number, atoms, replaced
from tinygraph.stepping.routes import carries_most
from tinygraph.stepping.timeline import Step

CARRYING = (
    Text("multiply the local derivatives along each path"),
    Text("the sizes of the products decide, not their signs"),
)
SMALLER = "Another path has a larger product"


@dataclass(frozen=True, eq=False)
class Question:
    """A question about a step; one with `choices` is answered by one of them, any other by a number or a formula.

    `label` is what is asked for, one entry of an array; `value` shows the right answer, `end` says what it was and why. `about`
    is the value of which the entry is the largest; `mistake` is what is said of a wrong choice.
    """

    step: Step
    text: Text
    label: Text
    about: Node
    value: Text
    hints: tuple[Text, ...]
    end: Text
    choices: tuple[str, ...] = ()
    mistake: str = ""

    @property
    def has_answer(self) -> bool:
        """Whether one of the choices is right: none is where a gradient is NaN, or where paths are equal."""
        return not self.choices or str(self.value) in self.choices

    @property
    def entry(self) -> tuple[int, ...]:
        """The index of the entry that is asked for; () for a scalar."""
        return place_of_largest(self.about.value)


def questions(graph: Graph, steps: Sequence[Step], updates: Sequence[Step]) -> Iterator[Question]:
    """The questions of a walk in the order of its steps, `updates` the last of them."""
    writer = Writer(program_of(graph), steps)
    for step in asked(graph, steps):
        yield writer.gradient(step)
        yield from writer.carrying(step)
    gradients = {s.of: s.node for s in program_of(graph).backward}
    for step in updates:
        if step.node.size:
            yield writer.way(step, gradients[step.node])


def asked(graph: Graph, steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that complete a gradient that is asked for."""
    given = {request.gradients.get(request.output) for request in graph._requests()}
    for step in steps:
        is_gradient = step.statement is not None and step.statement.of is not None and step.node not in given
        if step.phase == "backward" and is_gradient and step.result.size and step.is_complete:
            yield step


class Writer:
    """Writes the questions about one walk."""

    def __init__(self, program: Program, steps: Sequence[Step]) -> None:
        self._program = program
        self._steps = {step.node for step in steps}
        self._gradients = {s.node: s.expression for s in program.backward}

    def gradient(self, step: Step) -> Question:
        """What is the gradient that a step completes?"""
        label = self._label(step.name, step.result)
        value, end = Text(Hole(step.result, "largest")), Text(f"{step.name} = {self.right(step)} = ", Hole(step.result))
        return Question(step, Text("What is ", label, "?"), label, step.result, value, self._hints(step), end)

    def carrying(self, step: Step) -> Iterator[Question]:
        """Which path carries most of the gradient of a parameter, where there are a few?"""
        for routes in self._program.routes if step.of.kind == "parameter" else ():
            asked = carries_most(routes, step.of) if routes.gradients.get(step.of) is step.node else None
            if asked is not None:
                output, name = self._program.name(routes.output), self._program.name(step.of)
                ways = ", ".join(map(": ".join, zip(asked.choices, asked.ways, strict=True)))
                text = Text(f"Which path from {output} to {name} carries most of {step.name}?  {ways}")
                end = Text(
                    f"{step.name}: ", asked.value, ", because the products are ", joined(", ", [*map(Hole, asked.products)])
                )
                yield Question(step, text, Text(step.name), step.node, asked.value, CARRYING, end, asked.choices, SMALLER)

    def way(self, step: Step, gradient: Node) -> Question:
        """Which way will a parameter move in its update?"""
        name = self._program.name(gradient)
        label, entry = self._label(step.name, gradient), self._label(name, gradient)
        update = f"{step.name} := {step.name} - η * {name}"
        value = Text(Hole(gradient, "way"))
        end = Text(label, ": ", value, ", because ", entry, " = ", Hole(gradient, "largest" if gradient.shape else "number"))
        hints = Text(f"the update is {update}"), Text("η is positive, so that the sign of ", entry, " decides")
        text = Text("Which way will ", label, " move?")
        return Question(step, text, label, gradient, value, hints, end, WAYS, f"The update subtracts: {update}")

    def _label(self, name: str, node: Node) -> Text:
        return Text(name, "[", Hole(node, "place"), "]") if node.shape else Text(name)

    def right(self, step: Step) -> str:
        """The right-hand side of the whole gradient, not of one contribution, in the names of the walk."""
        return python(self._whole(step), self._program.name)

    def _whole(self, step: Step) -> Expression:
        """The same as an expression, with what has no step written out."""

        def written_out(x: Number | Name) -> Expression:
            has_none = isinstance(x, Name) and x.node in self._gradients and x.node not in self._steps
            return replaced(self._gradients[x.node], written_out) if isinstance(x, Name) and has_none else x

        assert step.statement is not None
        return replaced(step.statement.expression, written_out)

    # Hints lead to the answer and do not contain it.

    def _hints(self, step: Step) -> tuple[Text, ...]:
        """The readers of the value, the local derivatives, and how they come together."""
        passes = step.passes
        of = self._program.name(step.of)
        readers = [f"{p.reader.name} = {p.reader.right}" for p in passes]
        first = Text(f"{of} is read by ", joined(" and by ", readers))
        if all(p.is_factor for p in passes):
            locals_ = [self._local(p, is_alone=len(passes) == 1) for p in passes]
            terms = [f"{self._program.name(p.upstream)} · {self._partial(p)}" for p in passes]
            return (
                first,
                Text("local derivative: ", joined(", ", locals_)),
                Text(f"chain rule: {step.name} = {' + '.join(terms)}"),
            )
        has = f"has the shape {step.node.shape}, as {of} has" if step.node.shape else f"is a number, as {of} is"
        shape = Text(f"{step.name} {has}")
        names = dict.fromkeys(self._program.name(x.node) for x in atoms(self._whole(step)) if isinstance(x, Name))
        return (first, shape, Text(f"{step.name} is computed of {', '.join(names)}")) if len(names) > 1 else (first, shape)

    def _partial(self, p: Pass) -> str:
        return f"∂{p.reader.name}/∂{self._program.name(p.of)}"

    def _local(self, p: Pass, is_alone: bool) -> str:
        """A local derivative; where it is the whole gradient, because the upstream gradient is 1, its name alone."""
        partial = self._partial(p)
        return partial if is_alone and np.all(p.upstream.value == 1) else f"{partial} = {python(p.local, self._program.name)}"
