"""The steps of a walk, forward and backward in one line of time; a gradient with several sources has one step for each.

Every step shows its equation, the numbers in it, and its line in the user's code. Nothing here moves: the cursor is in `stepper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from tinygraph import ops
from tinygraph.express.program import Level, Program, Statement, check_level, program
from tinygraph.express.python import python
from tinygraph.express.table import number
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.place import Place
from tinygraph.program.value import Expression, Name, Number, apply, leaves
from tinygraph.stepping.numbers import with_numbers
from tinygraph.stepping.ways import Walk, Way


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
    `upstream` (a name) and `local` (an equation) are the two factors of a gradient. Where the local derivative is no factor, as
    that of a matrix product, `local` is None, and `contribution` is the equation of what the reader adds to the gradient, with
    the upstream gradient in it. `contributions` are those so far; `place` is the user's line; `of` is the value of the forward
    pass that the step computes or goes back to.
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
    contribution: str | None = None
    contributions: tuple[Contribution, ...] = ()
    reader: Node | None = None

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


def steppable(graph: Graph, level: Level) -> Graph:
    """The graph in which every forward statement has a name, so that its gradient is a statement too."""
    check_level(level)
    if level == "op":
        return graph._with_named(node for node in graph.forward if node.op is not None)
    while unnamed := [s.node for s in program(graph).forward if graph.name(s.node) is None]:
        graph = graph._with_named(unnamed)  # beside which others may be worth a name
    return graph


def steps_of(graph: Graph) -> list[Step]:
    """Every step of a graph that is `steppable`: each forward statement, then each gradient in the order of the backward pass."""
    walk = Walk(program(graph))
    backward = [step for s in walk.told.backward for step in _backward(walk, s)]
    return [*map(_forward, walk.told.forward), *reversed(list(_read(reversed(backward))))]


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


def _backward(walk: Walk, statement: Statement) -> Iterator[Step]:
    """The step of a gradient, or one for each of the statements that its value goes into."""
    told, ways, of = walk.told, walk.ways(statement), walk.origin(statement)
    whole = Step(
        "backward", statement.name, statement.right, with_numbers(statement.expression), statement.value, statement.node,
        statement, of.place, of, statement.expression,
    )  # fmt: skip
    if not ways:
        yield whole
        return
    parts = [Contribution(way.reader.name, python(way.expression, told.name), way.value, way.expression) for way in ways]
    total: Any = 0
    for i, way in enumerate(ways, 1):
        total = statement.value if i == len(ways) else total + way.value
        factors = replace(
            whole, upstream=told.name(way.upstream), local=_local(told, statement, way),
            contribution=_contribution(told, statement, way, len(ways)), reader=way.reader.node,
        )  # fmt: skip
        yield factors if len(ways) == 1 else replace(
            factors, equation=parts[i - 1].equation, numbers=with_numbers(way.expression), value=total, place=way.reader.place,
            part=(i, len(ways)), contributions=tuple(parts[:i]), expression=way.expression,
        )  # fmt: skip


def _local(told: Program, statement: Statement, way: Way) -> str | None:
    """The equation of the local derivative where it is a factor."""
    assert statement.of is not None
    local = way.local
    if not local.is_factor:
        return None
    right = python(local.expression, told.name)
    name = f"∂{way.reader.name}/∂{told.name(statement.of)}"
    if isinstance(local.expression, Number):
        return f"{name} = {right}"
    shown = number(local.node.value)
    return f"{name} = {right}" + (f" = {shown}" if shown != right else "")


def _contribution(told: Program, statement: Statement, way: Way, count: int) -> str | None:
    """The equation of what a reader adds to a gradient, where its local derivative is no factor."""
    if way.local.is_factor:
        return None
    return f"{statement.name} {'+=' if count > 1 else '='} {python(way.local.expression, told.name)}"


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
        steps[parameter] = Step(
            "update", name, python(expression, told.name), with_numbers(expression), value[()], parameter, None, parameter.place,
            parameter, expression,
        )  # fmt: skip
    return list(steps.values())
