"""The steps of a walk, first forward, then backward; a gradient with several contributions has one step for each of them.

Every step shows its equation, the numbers in it, and its line in the user's code. The cursor is in `stepper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tinygraph.express.holes import Blanks, Hole, Text, joined
from tinygraph.express.python import python
from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.program.build import added, product
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Program, Statement, program_of
from tinygraph.program.value import Expression, Name, Number, atoms, computed
from tinygraph.stepping.numbers import with_numbers


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one reader of a value adds to the gradient of that value."""

    program: Program
    passed: Pass

    @property
    def reader(self) -> str:
        """The name of the statement that reads the value."""
        return self.passed.reader.name

    @property
    def value(self) -> Any:
        """Its value."""
        return self.passed.value

    @property
    def expression(self) -> Expression:
        """Its expression, in the names of the walk."""
        return self.program.flow.with_shared(self.passed)

    @property
    def equation(self) -> str:
        """Its expression as source."""
        return python(self.expression, self.program.name)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the walk.

    `phase` is forward, backward or update; `name` is the variable that gets a value; `equation` and `numbers` are the right-hand
    side as source and with numbers; `value` is the value, or the sum so far where `part` marks one of several contributions.
    `upstream` (a name) and `local` (an equation) are the two factors of a contribution to a gradient. Where the local derivative
    is not a factor, as that of a matrix product, `local` is None, and `contribution` is the equation of the contribution, with
    the upstream gradient in it. `contributions` are those so far; `place` is the user's line; `of` is the forward value that the
    step computes, or whose gradient it computes.
    """

    phase: Literal["forward", "backward", "update"]
    name: str
    whole: Expression  # the sum of all contributions
    result: Node  # the recorded value
    node: Node
    statement: Statement | None
    place: Place
    of: Node
    program: Program
    passes: tuple[Pass, ...] = ()  # the contributions to its gradient
    position: int = 0  # which of them this step adds
    rate: Node | None = None  # of learning, where it is an update

    @property
    def value(self) -> Any:
        """The value, or the sum so far."""
        return self.result.value

    @property
    def part(self) -> tuple[int, int] | None:
        """Which of several contributions the step adds, counted from 1, and how many there are."""
        return (self.position + 1, len(self.passes)) if len(self.passes) > 1 else None

    @property
    def added(self) -> Any:
        """The contribution that the step adds, or the whole value."""
        return self.added_result.value

    @property
    def added_result(self) -> Node:
        """The same as it was recorded."""
        return self.passes[self.position].node if self.part else self.result

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """The contributions so far, where there are several."""
        return tuple(Contribution(self.program, p) for p in self.passes[: self.position + 1]) if self.part else ()

    @property
    def expression(self) -> Expression:
        """The expression that the step computes, or adds."""
        return self.program.flow.with_shared(self.passes[self.position]) if self.part else self.whole

    @cached_property
    def equation(self) -> Text:
        """The expression as source."""
        blanks, name = Blanks(self.rate), self.program.name
        return blanks.filled(python(self.expression, lambda node: blanks.source(node) if node is self.rate else name(node)))

    @cached_property
    def numbers(self) -> Text:
        """The expression with numbers in place of names."""
        return with_numbers(self.expression, self.rate)

    @property
    def reader(self) -> Node | None:
        """The value of the statement whose gradient is upstream."""
        return self.passes[self.position].reader.node if self.passes else None

    @property
    def upstream(self) -> str | None:
        """The name of the upstream gradient."""
        return self.program.name(self.passes[self.position].upstream) if self.passes else None

    @cached_property
    def local(self) -> Text | None:
        """The equation of the local derivative where it is a factor."""
        if not self.passes or not self.passes[self.position].is_factor:
            return None
        p = self.passes[self.position]
        name, right = f"∂{p.reader.name}/∂{self.program.name(p.of)}", python(p.local, self.program.name)
        return joined(" = ", [name, right, *([] if isinstance(p.local, Number) else [Hole(p.local_node)])])

    @cached_property
    def contribution(self) -> str | None:
        """The equation of the contribution, where the local derivative is not a factor of it."""
        if not self.passes or self.passes[self.position].is_factor:
            return None
        added = self.program.flow.with_shared(self.passes[self.position])
        return f"{self.name} {self.sign} {python(added, self.program.name)}"

    @property
    def is_complete(self) -> bool:
        """Whether all contributions have been added."""
        return self.part is None or self.part[0] == self.part[1]

    @property
    def sign(self) -> str:
        """The sign between the name and the equation."""
        return ":=" if self.phase == "update" else "+=" if self.part else "="

    @property
    def title(self) -> str:
        """The name, and the number of the contribution."""
        return self.name if self.part is None else f"{self.name} ({self.part[0]}/{self.part[1]})"

    @cached_property
    def text(self) -> Text:
        """The step in a line: `dz = da * a * (1 - a) = -1.741 * 0.574 * 0.426 = -0.426`."""
        start = Text(f"{self.title} {self.sign} ", self.equation)
        is_new = not self.numbers.is_number and self.numbers != self.equation
        line = joined(" = ", [start, *([self.numbers] if is_new else []), Hole(self.added_result)])
        return line if self.part is None else Text(line, ", together " if self.is_complete else ", so far ", Hole(self.result))

    def __repr__(self) -> str:
        return f"<step {self.text}>"


def steps_of(program: Program) -> list[Step]:
    """All steps of a program: each forward statement, then each gradient in the order of the backward pass."""
    backward = [step for s in program.backward for step in _backward(program, s)]
    if any(s.of is None for s in program.backward):
        backward = list(_without_unread_parts(reversed(backward)))[::-1]
    return [*map(_forward, program.forward), *backward]


def _without_unread_parts(backward: Iterable[Step]) -> Iterator[Step]:
    """The steps of a backward pass, last to first, without the parts of a long expression that no contribution reads."""
    read: set[Node] = set()
    for step in backward:
        is_part = step.statement is not None and step.statement.of is None
        if not is_part or step.node in read:
            read.update(x.node for x in atoms(step.expression) if isinstance(x, Name))
            yield step


def _forward(statement: Statement) -> Step:
    return Step(
        "forward", statement.name, statement.expression, statement.node, statement.node, statement, statement.place,
        statement.node, statement.program,
    )  # fmt: skip


def _backward(program: Program, statement: Statement) -> Iterator[Step]:
    """The step of a gradient, or one step for each contribution."""
    node, whole = statement.node, statement.expression
    passes, of = tuple(program.flow.passes(node)), program.flow.forward_values[node]
    several = len(passes) > 1
    total = node
    for i in range(len(passes) or 1):
        if several and i < len(passes) - 1:
            total = passes[0].node if i == 0 else computed(added(Name(total), Name(passes[i].node)))
        else:
            total = node
        place = passes[i].reader.place if several else of.place
        yield Step("backward", statement.name, whole, total, node, statement, place, of, program, passes, i)


def update_steps(graph: Graph, learning_rate: float) -> list[Step]:
    """One step of gradient descent for each parameter that has a gradient; the value of a step is the new parameter.

    Raises ValueError where several outputs have gradients with respect to one parameter.
    """
    program = program_of(graph)
    steps: dict[Node, Step] = {}
    rates: dict[Any, Node] = {}
    for statement in program.backward:
        parameter = statement.of
        if parameter is None or parameter.kind != "parameter":
            continue
        name = program.name(parameter)
        if parameter in steps:
            raise ValueError(
                f"two outputs have gradients with respect to {name}: make a graph of the one output that is to be minimised"
            )
        rate = rates.setdefault(parameter.dtype, constant(parameter.dtype.type(learning_rate)))
        expression = added(Name(parameter), product(Name(rate), Name(statement.node)), -1)
        place = parameter.place
        new = computed(expression)
        steps[parameter] = Step("update", name, expression, new, parameter, None, place, parameter, program, rate=rate)
    return list(steps.values())
