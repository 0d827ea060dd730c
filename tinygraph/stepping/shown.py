"""What a page shows of one chapter: its steps, its paths and what stands on each drawing, as texts with numbers.

A text that nobody else reads is a list of pieces, in which the page alone writes the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from tinygraph.draw.cards import Drawing
from tinygraph.express.equations import Equations
from tinygraph.express.holes import Blanks, Hole, Text, bracketed, joined
from tinygraph.express.indices import Index
from tinygraph.express.layout import Layout, Row, Sign, lowered
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import written_shortly
from tinygraph.express.plain import plain
from tinygraph.program.statements import Statement, program_of
from tinygraph.program.value import Apply, Name, Number, atoms, computed
from tinygraph.stepping.drawn import drawn
from tinygraph.stepping.entries import entry_data
from tinygraph.stepping.examples import example_of, linear_in
from tinygraph.stepping.explained import ops_of
from tinygraph.stepping.listing import Function, function_of
from tinygraph.stepping.numbers import with_values
from tinygraph.stepping.plots import Slopes
from tinygraph.stepping.questions import questions
from tinygraph.stepping.routes import routes_data
from tinygraph.stepping.stepper import Chapter
from tinygraph.stepping.templates import Slot, template
from tinygraph.stepping.timeline import Step

ASKED = ("text", "label", "value", "hints", "end", "choices", "mistake")  # what a page has of a question
CALL = re.compile(r"(\w+)\([^()]*\)$")
TERMS = 8  # of a sum of contributions that are shown

_known: WeakKeyDictionary[Step, dict[Any, dict[str, Any]]] = WeakKeyDictionary()


def shown(chapter: Chapter, example: int | None, functions: tuple[Function, ...], drawings: Iterable[Drawing]) -> dict[str, Any]:
    """All texts of a chapter; the last `updates` steps are those of an update, which need not have been made."""
    updates = chapter.updates or chapter.next_updates
    return {
        "steps": list(_steps(chapter, [*chapter.graph_steps, *updates], example, functions)),
        "updates": len(updates),
        "routes": routes_data(chapter),
        "foldings": [drawn(chapter, drawing) for drawing in drawings],
    }


def _steps(
    chapter: Chapter, steps: Sequence[Step], example: int | None, functions: tuple[Function, ...]
) -> Iterator[dict[str, Any]]:
    """The data of the steps; that of a step is made once."""
    writer = None
    for step in steps:
        known = _known.setdefault(step, {})  # by example and functions
        if (example, functions) not in known:
            writer = writer or StepWriter(chapter, example, functions)
            known[example, functions] = writer.data(step)
        yield dict(known[example, functions])


class StepWriter:
    """Writes the steps of one chapter as data."""

    def __init__(self, chapter: Chapter, example: int | None, functions: Sequence[Function]) -> None:
        self.graph = chapter.graph
        self.program = program_of(self.graph)
        self.example = example
        self.functions = functions
        self.equations = Equations(self.program, written_shortly)
        self.questions = _questions(chapter)
        self.slopes = Slopes(self.equations, chapter.graph_steps)

    def data(self, step: Step) -> dict[str, Any]:
        """All that is shown of a step."""
        example = None if self.example is None else example_of(self.graph, step, self.example)
        blanks = Blanks(step.rate)
        return {
            "phase": step.phase,
            "name": step.name,
            "title": None if step.title == step.name else step.title,
            "sign": step.sign,
            "partial": not step.is_complete,
            "part": step.part,
            "sum": _sum(step),
            "text": step.text,
            "equation": step.equation,
            "shown": [Hole(step.result)],
            "mathml": template(blanks.pieces(equation(*self.sides(step, blanks)))),
            "value": [Hole(step.result, "full")],
            "shape": "×".join(map(str, step.result.shape)),
            "upstream": step.upstream,
            "local": step.local,
            "contribution": step.contribution,
            "chain": self._chain(step),
            "slopes": self.slopes.of(step),
            "entry": entry_data(step.expression, step.added_result, self._added(step), step.rate, self.equations),
            "line": self._line(step),
            "example": None if example is None else Text(f"{example.equation} = ", Hole(example.result)),
            "of_example": self._of_example(step),
            "ops": [op.name for op in ops_of(step)],
            "ask": self.questions.get(step.name) if step.part is None or step.part[0] == 1 else None,
        }

    def _chain(self, step: Step) -> dict[str, Any]:
        """What the page says of the step as a product: how its value is called, where it goes on to, and through what."""
        result = step.added_result
        found: dict[str, Any] = {"label": plain(self.equations.name(step.node))}
        found |= {"slot": Slot(result)} if result.shape else {"added": [Hole(result)]} if step.part is not None else {}
        if result.shape and step.result is not result:
            found["sum"] = Slot(step.result)
        if step.phase == "backward":
            found["to"] = plain(self.equations.symbol(step.of))
        if step.phase == "backward" and not step.passes and not isinstance(step.expression, Number):
            found["said"] = "a shared value"
        if step.passes and (passed := step.passes[step.position]).is_factor:
            local = passed.local_node
            factor = {"slot": Slot(local)} if local.shape else {"number": [Hole(local)]}
            found["factor"] = factor | {"through": self._function(passed.reader)}
        return found

    def _of_example(self, step: Step) -> list[Any] | None:
        """What is known of one example: a value with rows for all, or what is linear in gradients with such rows."""
        gradients = linear_in(self.graph, step)
        if gradients is None:
            return None
        return [Slot(computed(step.expression) if gradients else step.result), *map(Slot, gradients)]

    def _added(self, step: Step) -> Layout:
        """What the step computes, or the term that it adds."""
        return self.equations.name(step.node) if step.part is None else self._chain_rule_term(step, ())

    def _function(self, reader: Statement) -> str | None:
        """The function that a statement applies to one value, such as σ."""
        expression = reader.expression
        if not isinstance(expression, Apply) or expression.op.operator is not None:
            return None  # x(a + b) is a product
        found = CALL.match(plain(self.equations.notation.layout(expression)))
        return found and found[1]

    def _line(self, step: Step) -> dict[str, int] | None:
        """The line of code to highlight: that of the step, or, where that is not shown, of the statement that reads its value."""
        for place in [step.place, *([] if step.reader is None else [step.reader.place])]:
            function = function_of(place)
            if function in self.functions:
                return {"file": self.functions.index(function), "number": place.line}
        return None

    def sides(self, step: Step, blanks: Blanks) -> tuple[list[Layout], list[Layout]]:
        """The sides of the equation in names, and in numbers: the right-hand side where all are scalars, and the value."""
        expression, sides = step.expression, self._symbolic(step, blanks)
        texts = list(map(plain, sides))
        sides = [side for i, side in enumerate(sides) if not i or texts[i] != texts[i - 1]]
        names = [x for x in atoms(expression) if isinstance(x, Name)]
        numbers = []
        if names and all(not x.node.shape for x in names):
            numbers.append(Notation(blanks.layout, number=written_shortly).layout(with_values(expression)))
        if not step.added_result.shape and not isinstance(expression, Number):
            numbers.append(blanks.layout(step.added_result))
        is_value = len(numbers) == 2 and plain(numbers[0]).removeprefix("−").isdigit()  # a blank
        return sides, list(map(bracketed, numbers[is_value:]))

    def _symbolic(self, step: Step, blanks: Blanks) -> list[Layout]:
        equations, expression = self.equations, step.expression
        if step.rate is not None:
            notation = Notation(lambda node: blanks.layout(node) if node is step.rate else equations.name(node))
            return [Row((equations.name(step.node), Sign(":="), notation.layout(expression)))]
        if step.part is not None and step.reader is not None:
            index, right = equations.notation.entrywise(expression)
            return [self._chain_rule_term(step, index), right]
        assert step.statement is not None
        return list(equations.equation(step.statement))

    def _chain_rule_term(self, step: Step, index: Index) -> Layout:
        """One contribution as a term of the chain rule."""
        partials = self.equations.partials
        assert step.statement is not None
        assert step.reader is not None
        if step.node not in partials or step.statement.of is None:
            return lowered(self.equations.name(step.node), index)
        output, node = partials[step.node]
        return self.equations.chain_rule_term(output, step.reader, node, index)


def _sum(step: Step) -> Text | None:
    """The contributions so far as a sum."""
    if step.part is None:
        return None
    count = step.part[0]
    terms = [Hole(p.node) for p in step.passes[max(0, count - TERMS) : count]]
    total = joined(" + ", terms if count <= TERMS else ["…", *terms])
    return total if count == 1 else Text(total, " = ", Hole(step.result))


def _questions(chapter: Chapter) -> dict[str, list[dict[str, Any]]]:
    """The quiz's questions about the steps that have any, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for x in questions(chapter.graph, chapter.graph_steps, chapter.updates or chapter.next_updates):
        found.setdefault(x.step.name, []).append({name: getattr(x, name) for name in ASKED})
    return found
