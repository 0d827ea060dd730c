"""The steps of a walk, forward and backward in one line of time; a gradient with several sources has one step for each.

Every step shows its equation, the numbers in it, and its line in the user's code. Nothing here moves: the cursor is in `stepper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tinygraph import ops
from tinygraph.express.python import python
from tinygraph.express.text import number
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Program, Statement, program
from tinygraph.program.value import Expression, Name, Number, apply, leaves
from tinygraph.stepping.numbers import with_numbers


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one reader of a value adds to its gradient."""

    program: Program
    came: Pass

    @property
    def reader(self) -> str:
        """The name of the statement that reads the value."""
        return self.came.reader.name

    @property
    def value(self) -> Any:
        """What it amounts to."""
        return self.came.value

    @property
    def expression(self) -> Expression:
        """What it is, in the names of the walk."""
        return self.program.flow.with_shared(self.came)

    @property
    def equation(self) -> str:
        """The same as source."""
        return python(self.expression, self.program.name)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the walk.

    `phase` is forward, backward or update; `name` is what gets a value; `equation` and `numbers` are its right-hand side as
    source and with numbers; `value` is what it amounts to, the sum so far where `part` marks one of several contributions.
    `upstream` (a name) and `local` (an equation) are the two factors of a gradient. Where the local derivative is no factor, as
    that of a matrix product, `local` is None, and `contribution` is the equation of what the reader adds to the gradient, with
    the upstream gradient in it. `contributions` are those so far; `place` is the user's line; `of` is the value of the forward
    pass that the step computes or goes back to.
    """

    phase: Literal["forward", "backward", "update"]
    name: str
    whole: Expression  # of all contributions together
    value: Any
    node: Node
    statement: Statement | None
    place: Place
    of: Node
    program: Program
    passes: tuple[Pass, ...] = ()  # that its gradient is the sum of
    position: int = 0  # of the one that it takes

    @property
    def part(self) -> tuple[int, int] | None:
        """Which of several contributions it adds, counted from 1, and how many there are."""
        return (self.position + 1, len(self.passes)) if len(self.passes) > 1 else None

    @property
    def added(self) -> Any:
        """What it adds, or the whole value."""
        return self.passes[self.position].value if self.part else self.value

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """The contributions so far, where there are several."""
        return tuple(Contribution(self.program, p) for p in self.passes[: self.position + 1]) if self.part else ()

    @property
    def expression(self) -> Expression:
        """What it computes, or adds."""
        return self.program.flow.with_shared(self.passes[self.position]) if self.part else self.whole

    @cached_property
    def equation(self) -> str:
        """The same as source."""
        return python(self.expression, self.program.name)

    @cached_property
    def numbers(self) -> str:
        """The same with numbers."""
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            return with_numbers(self.expression)

    @property
    def reader(self) -> Node | None:
        """The value that the gradient comes from."""
        return self.passes[self.position].reader.node if self.passes else None

    @property
    def upstream(self) -> str | None:
        """The name of the gradient that it comes from."""
        return self.program.name(self.passes[self.position].upstream) if self.passes else None

    @cached_property
    def local(self) -> str | None:
        """The equation of the local derivative where it is a factor."""
        if not self.passes or not self.passes[self.position].is_factor:
            return None
        p = self.passes[self.position]
        name, right = f"∂{p.reader.name}/∂{self.program.name(p.of)}", python(p.local, self.program.name)
        shown = right if isinstance(p.local, Number) else number(p.local_value)
        return f"{name} = {right}" + (f" = {shown}" if shown != right else "")

    @cached_property
    def contribution(self) -> str | None:
        """The equation of what a reader adds to a gradient, where its local derivative is no factor."""
        if not self.passes or self.passes[self.position].is_factor:
            return None
        added = self.program.flow.with_shared(self.passes[self.position])
        return f"{self.name} {self.sign} {python(added, self.program.name)}"

    @property
    def is_complete(self) -> bool:
        """Whether its value is whole, not one of several contributions with others to come."""
        return self.part is None or self.part[0] == self.part[1]

    @property
    def sign(self) -> str:
        """What stands between the name and the equation."""
        return ":=" if self.phase == "update" else "+=" if self.part else "="

    @property
    def title(self) -> str:
        """The name, and which contribution this is."""
        return self.name if self.part is None else f"{self.name} ({self.part[0]}/{self.part[1]})"

    @property
    def text(self) -> str:
        """The step in a line: `dz = da * a * (1 - a) = -1.741 * 0.574 * 0.426 = -0.426`."""
        if self.part is None:
            sides = [self.equation, self.numbers, number(self.value)]
            different = " = ".join(side for i, side in enumerate(sides) if not i or side != sides[i - 1])
            return f"{self.name} {self.sign} {different}"
        added = number(self.added)
        numbers = f" = {self.numbers}" if self.numbers not in (self.equation, added) else ""
        total = f", so far {number(self.value)}" if self.part[0] < self.part[1] else f", together {number(self.value)}"
        return f"{self.title} {self.sign} {self.equation}{numbers} = {added}{total}"

    def __repr__(self) -> str:
        return f"<step {self.text}>"


def steps_of(told: Program) -> list[Step]:
    """Every step of a program: each forward statement, then each gradient in the order of the backward pass."""
    backward = [step for s in told.backward for step in _backward(told, s)]
    if any(s.of is None for s in told.backward):
        backward = list(_read(reversed(backward)))[::-1]
    return [*map(_forward, told.forward), *backward]


def _read(backward: Iterable[Step]) -> Iterator[Step]:
    """The steps of a backward pass, last to first, without the parts of a long sum that its contributions do not read."""
    read: set[Node] = set()
    for step in backward:
        is_part = step.statement is not None and step.statement.of is None
        if not is_part or step.node in read:
            read.update(x.node for x in leaves(step.expression) if isinstance(x, Name))
            yield step


def _forward(statement: Statement) -> Step:
    return Step(
        "forward", statement.name, statement.expression, statement.value, statement.node, statement, statement.place,
        statement.node, statement.program,
    )  # fmt: skip


def _backward(told: Program, statement: Statement) -> Iterator[Step]:
    """The step of a gradient, or one for each of the statements that its value goes into."""
    passes, of = tuple(told.flow.passes(statement.node)), told.flow.origins[statement.node]
    several = len(passes) > 1
    total: Any = 0
    for i in range(len(passes) or 1):
        total = statement.value if not several or i == len(passes) - 1 else total + passes[i].value
        place = passes[i].reader.place if several else of.place
        yield Step("backward", statement.name, statement.expression, total, statement.node, statement, place, of, told, passes, i)


def update_steps(graph: Graph, learning_rate: float) -> list[Step]:
    """One step of gradient descent for each parameter that has a gradient; values are those after it.

    Raises ValueError where several outputs have gradients with respect to one parameter.
    """
    told = program(graph)
    steps: dict[Node, Step] = {}
    for statement in told.backward:
        parameter = statement.of
        if parameter is None or parameter.kind != "parameter":
            continue
        name = told.name(parameter)
        if parameter in steps:
            raise ValueError(
                f"two outputs have gradients with respect to {name}: make a graph of the one output that is to be minimised"
            )
        value = parameter.value - parameter.dtype.type(learning_rate) * statement.value
        downhill = apply(ops.multiply, Number(float(f"{learning_rate:g}")), Name(statement.node))
        expression = apply(ops.subtract, Name(parameter), downhill)
        steps[parameter] = Step("update", name, expression, value[()], parameter, None, parameter.place, parameter, told)
    return list(steps.values())
