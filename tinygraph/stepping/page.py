"""The walk as a page: its steps, picture and source as plain data, and the HTML file that holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from tinygraph.draw.theme import variables
from tinygraph.draw.view import filled, script_json
from tinygraph.express.equations import Equations
from tinygraph.express.indices import Index
from tinygraph.express.layout import Digits, Layout, Row, Sign, lowered
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.express.text import number
from tinygraph.program.statements import program_of
from tinygraph.program.value import Name, Number, atoms
from tinygraph.sparse import sparsity
from tinygraph.stepping.examples import example_of
from tinygraph.stepping.highlights import Highlights
from tinygraph.stepping.judging import allowed, tolerance
from tinygraph.stepping.listing import Function, function_of, listing
from tinygraph.stepping.numbers import printed, substituted
from tinygraph.stepping.pictures import drawing, laid_out, line_texts
from tinygraph.stepping.quiz import Quiz
from tinygraph.stepping.stepper import Chapter, Stepper
from tinygraph.stepping.timeline import Step

HOME = files("tinygraph.stepping")
ENTRIES = 200  # of an array that are shown
HEIGHT = "clamp(780px, 1700px - 100vw, 1040px)"  # of the iframe: the whole page, which has one column in a narrow window
LONGEST = 4000  # characters of a value
TERMS = 8  # of a sum of contributions that are shown


def page(stepper: Stepper, quiz: bool = False) -> str:
    """The walk as one file, which needs neither a kernel nor a network; `quiz` opens it with the first question."""
    state = {
        "data": walk_data(stepper),
        "position": stepper.position,
        "breakpoints": sorted(stepper.breakpoints),
        "style": style(),
        "quiz": quiz,
    }
    outputs = ", ".join(stepper.graph.name(output) or "" for output in stepper.graph.outputs)
    pieces = {"<!-- title -->": escape(f"Walk through {outputs}"), "/* script */": script(), "/* data */": script_json(state)}
    return filled(HOME.joinpath("page.html"), pieces | {"/* colours */": variables()})


def script() -> str:
    """The module that shows a walk, the same for page and widget."""
    return filled(HOME.joinpath("stepper.js"))


def style() -> str:
    """The style sheet, the same for page and widget."""
    return filled(HOME.joinpath("stepper.css"), {"/* colours */": variables()})


def walk_data(stepper: Stepper) -> dict[str, Any]:
    """The walk as JSON: its steps, the picture with the text of its lines in each chapter, and the user's source."""
    source = listing(stepper.chapters[0].graph, stepper.steps)
    equations: dict[str, int] = {}  # those of arrays are the same in each chapter
    steps = [
        {**step, "chapter": i, "mathml": equations.setdefault(step["mathml"], len(equations))}
        for i, chapter in enumerate(stepper.chapters)
        for step in _data_of_steps(chapter, stepper.example, tuple(source))
    ]
    return {
        **laid_out(stepper)._asdict(),
        "lines": [line_texts(drawing(chapter)) for chapter in stepper.chapters],
        "steps": steps,
        "equations": list(equations),
        "source": list(source.values()),
        "leaves": [],
    }


_known_data: WeakKeyDictionary[Step, dict[Any, dict[str, Any]]] = WeakKeyDictionary()


def _data_of_steps(chapter: Chapter, example: int | None, functions: tuple[Function, ...]) -> Iterator[dict[str, Any]]:
    """The data of the steps of one chapter; the data of a step is made once."""
    steps = None
    for step in chapter.steps:
        known = _known_data.setdefault(step, {})  # by example and functions
        if (example, functions) not in known:
            steps = steps or _StepData(chapter, example, functions)
            known[example, functions] = steps.data(step)
        yield known[example, functions]


class _StepData:
    """The steps of one chapter as plain data."""

    def __init__(self, chapter: Chapter, example: int | None, functions: Sequence[Function]) -> None:
        self.graph = chapter.graph
        self.program = program_of(self.graph)
        self.highlights = Highlights(chapter)
        self.example = example
        self.functions = functions
        self.equations = Equations(self.program)
        self.numerals = Notation(lambda node: Digits("?"))  # for expressions without names
        self.questions = dict(_questions(chapter))

    def data(self, step: Step) -> dict[str, Any]:
        """All that is shown of a step."""
        card = self.highlights.card(step)
        example = None if self.example is None else example_of(self.graph, step, self.example)
        shape = np.shape(step.value)
        return {
            "phase": step.phase,
            "name": step.name,
            "title": step.title,
            "sign": step.sign,
            "complete": step.is_complete,
            "part": step.part,
            "sum": _sum(step),
            "text": step.text,
            "equation": step.equation,
            "shown": number(step.value),
            "mathml": equation(self.sides(step)),
            "value": _value(step.value),
            "shape": "×".join(map(str, shape)),
            "upstream": step.upstream,
            "local": step.local,
            "contribution": step.contribution,
            "line": self._line(step),
            "card": card.key if card is not None else "",
            "highlighted": self.highlights.highlighted(step),
            "reveals": self.highlights.revealed(step),
            "example": None if example is None else f"{example.equation} = {number(example.value)}",
            "ask": self.questions.get(step.name) if step.part is None or step.part[0] == 1 else None,
        }

    def _line(self, step: Step) -> dict[str, int]:
        """The line of code to highlight: that of the step, or, where that is not shown, of the statement that reads its value."""
        for place in [step.place, *([] if step.reader is None else [step.reader.place])]:
            function = function_of(place)
            if function in self.functions:
                return {"file": self.functions.index(function), "number": place.line}
        return {"file": -1, "number": 0}

    def sides(self, step: Step) -> list[Layout]:
        """The sides of the equation: name, right-hand side, the same with numbers where all are scalars, and the value."""
        equations, expression = self.equations, step.expression
        if step.statement is None:  # of an update
            name = equations.name(step.node)
            sides: list[Layout] = [Row((name, Sign(":="), equations.notation.layout(expression)))]
        elif step.part is not None and step.reader is not None:
            index, right = equations.notation.entrywise(expression)
            sides = [self._chain_rule_term(step, index), right]
        else:
            sides = list(equations.equation(step.statement))
        names = [x for x in atoms(expression) if isinstance(x, Name)]
        if names and all(not x.node.shape for x in names):
            sides.append(self.numerals.layout(substituted(expression)))
        if not np.shape(step.added) and not isinstance(expression, Number):
            sides.append(self.numerals.layout(printed(step.added)))
        return [side for i, side in enumerate(sides) if not i or plain(side) != plain(sides[i - 1])]

    def _chain_rule_term(self, step: Step, index: Index) -> Layout:
        """One contribution as a term of the chain rule."""
        partials = self.equations.partials
        assert step.statement is not None
        assert step.reader is not None
        if step.node not in partials or step.statement.of is None:
            return lowered(self.equations.name(step.node), index)
        output, node = partials[step.node]
        return self.equations.chain_rule_term(output, step.reader, node, index)


def _sum(step: Step) -> str | None:
    """The contributions so far as a sum."""
    if step.part is None:
        return None
    count = step.part[0]
    shown_terms = [number(p.value) for p in step.passes[max(0, count - TERMS) : count]]
    terms = " + ".join(shown_terms if count <= TERMS else ["…", *shown_terms])
    return terms if count == 1 else f"{terms} = {number(step.value)}"


def _value(value: Any) -> str:
    """A value for reading, of a large array an excerpt; zero has no sign."""
    if text := sparsity(value):
        return text
    value = value + 0.0 if np.asarray(value).dtype.kind == "f" else value
    if not np.shape(value):
        return repr(np.asarray(value).item())
    text = np.array2string(np.asarray(value), precision=4, threshold=ENTRIES, max_line_width=60)
    return text if len(text) < LONGEST else text[:LONGEST] + " …"


def _questions(chapter: Chapter) -> Iterator[tuple[str, dict[str, Any]]]:
    """The quiz's question for each gradient, by name: its value, or for an array its largest entry."""
    if not chapter.graph._requests():
        return
    values = {step.name: step.value for step in chapter.steps}
    quiz = Quiz(chapter.graph)
    while quiz.name is not None:
        name = quiz.name
        entry = quiz.entry if np.size(values[name]) else None
        value = np.nan if entry is None else float(np.asarray(values[name])[entry])
        if np.isfinite(value):
            yield (
                name,
                {
                    "label": f"{name}[{', '.join(map(str, entry))}]" if entry else name,
                    "value": value,
                    "shown": number(np.float64(value)),
                    "near": float(allowed(value)),
                    "tolerance": tolerance(value),
                    "hints": [quiz.hint() for _ in range(3)],
                },
            )
        quiz.reveal()
