"""The steps of a walk, forward and backward in one line of time; a gradient with several sources has one step for each.

Every step shows its equation, the numbers in it, and its line in the user's code. Nothing here moves: the cursor is in `stepper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from tinygraph import ops
from tinygraph.express.expression import Expression, Name, Number, apply, leaves
from tinygraph.express.program import Program, Statement, program
from tinygraph.express.python import python
from tinygraph.express.table import number
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.program.flow import Pass
from tinygraph.stepping.numbers import with_numbers


class Contribution(NamedTuple):
    """What one reader of a value adds to its gradient."""

    reader: str
    equation: str
    value: Any
    expression: Expression


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the walk.

    `phase` is forward, backward or update; `name` is what gets a value; `equation` and `numbers` are its right-hand side as
    source and with numbers; `value` is what it amounts to, the sum so far where `part` marks one of several contributions.
    `upstream` (a name) and `local` (an equation) are the two factors of a gradient; `contributions` those so far; `place` the
    user's line; `of` the value of the forward pass that it computes or goes back to.
    """

    phase: Literal["forward", "backward", "update"]
    name: str
    equation: str
    numbers: str
    value: Any
    node: Node
    statement: Statement | None
    place: Place
    of: Node
    expression: Expression
    part: tuple[int, int] | None = None
    upstream: str | None = None
    local: str | None = None
    parts: tuple[Contribution, ...] = ()  # all contributions, those to come too
    reader: Node | None = None

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """The contributions so far."""
        return self.parts[: self.part[0]] if self.part else ()

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
        added = self.contributions[-1].value
        numbers = f" = {self.numbers}" if self.numbers not in (self.equation, number(added)) else ""
        total = f", so far {number(self.value)}" if self.part[0] < self.part[1] else f", together {number(self.value)}"
        return f"{self.title} {self.sign} {self.equation}{numbers} = {number(added)}{total}"

    def __repr__(self) -> str:
        return f"<step {self.text}>"


def steps_of(told: Program) -> list[Step]:
    """Every step of a program: each forward statement, then each gradient in the order of the backward pass."""
    backward = [step for s in told.backward for step in _backward(told, s)]
    return [*map(_forward, told.forward), *reversed(list(_read(reversed(backward))))]


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
        "forward", statement.name, statement.right, with_numbers(statement.expression), statement.value, statement.node,
        statement, statement.place, statement.node, statement.expression,
    )  # fmt: skip


def _backward(told: Program, statement: Statement) -> Iterator[Step]:
    """The step of a gradient, or one for each of the statements that its value goes into."""
    passes, of = told.flow.passes(statement.node), told.flow.origins[statement.node]
    whole = Step(
        "backward", statement.name, statement.right, with_numbers(statement.expression), statement.value, statement.node,
        statement, of.place, of, statement.expression,
    )  # fmt: skip
    if not passes:
        yield whole
        return
    parts = tuple(_contribution(told, p) for p in passes)
    total: Any = 0
    for i, (part, p) in enumerate(zip(parts, passes, strict=True), 1):
        total = statement.value if i == len(parts) else total + p.value
        local = _factor(told, p) or f"{statement.name} {'+=' if len(parts) > 1 else '='} {part.equation}"
        factors = replace(whole, upstream=told.name(p.upstream), local=local, reader=p.reader.node)
        yield factors if len(parts) == 1 else replace(
            factors, equation=part.equation, numbers=with_numbers(part.expression), value=total, place=p.reader.place,
            part=(i, len(parts)), parts=parts, expression=part.expression,
        )  # fmt: skip


def _contribution(told: Program, p: Pass) -> Contribution:
    expression = told.flow.with_shared(p)
    return Contribution(p.reader.name, python(expression, told.name), p.value, expression)


def _factor(told: Program, p: Pass) -> str | None:
    """The local derivative, where it is a factor."""
    if not p.is_factor:
        return None
    name, right = f"∂{p.reader.name}/∂{told.name(p.of)}", python(p.local, told.name)
    if isinstance(p.local, Number):
        return f"{name} = {right}"
    shown = number(p.local_value)
    return f"{name} = {right}" + (f" = {shown}" if shown != right else "")


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
            raise ValueError(f"two outputs have gradients for {name}: make a graph of the one to be made small")
        value = parameter.value - parameter.dtype.type(learning_rate) * statement.value
        downhill = apply(ops.multiply, Number(float(f"{learning_rate:g}")), Name(statement.node))
        expression = apply(ops.subtract, Name(parameter), downhill)
        steps[parameter] = Step(
            "update", name, python(expression, told.name), with_numbers(expression), value[()], parameter, None, parameter.place,
            parameter, expression,
        )  # fmt: skip
    return list(steps.values())
