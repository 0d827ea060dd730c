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
from tinygraph.express.derivation import Derivation
from tinygraph.express.indices import Index
from tinygraph.express.layout import Digits, Layout, Row, Sign, lowered
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.express.text import number
from tinygraph.program.statements import program
from tinygraph.program.value import Name, Number, leaves
from tinygraph.sparse import sparsity
from tinygraph.stepping.judging import allowed, tolerance
from tinygraph.stepping.lens import example_of
from tinygraph.stepping.lighting import Lighting
from tinygraph.stepping.listing import Function, function_of, listing
from tinygraph.stepping.numbers import short, shown
from tinygraph.stepping.pictures import drawing, laid_out, lines
from tinygraph.stepping.quiz import Quiz
from tinygraph.stepping.stepper import Chapter, Stepper
from tinygraph.stepping.timeline import Step

HOME = files("tinygraph.stepping")
ENTRIES = 200  # of an array that are shown
HEIGHT = "clamp(780px, 1700px - 100vw, 1040px)"  # of a frame: all of a page, which has one column in a narrow window
LISTED = 8  # contributions that are shown beside each other
LONGEST = 4000  # characters of a value
TERMS = 8  # of a sum of contributions


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
    """The style sheet of the same."""
    return filled(HOME.joinpath("stepper.css"), {"/* colours */": variables()})


def frame(content: str, label: str) -> str:
    """A page as a notebook shows it: in a frame that may run scripts and nothing else."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(content, quote=True)}" title="{escape(label, quote=True)}" '
        f'style="width: 100%; height: {HEIGHT}; border: 0"></iframe>'
    )


def walk_data(stepper: Stepper) -> dict[str, Any]:
    """The walk as JSON can hold it: the steps, the picture with its lines in each iteration, and the source."""
    source = listing(stepper.chapters[0].graph, stepper.steps)
    equations: dict[str, int] = {}  # those of arrays are the same in each iteration
    steps = [
        {**entry, "chapter": i, "mathml": equations.setdefault(entry["mathml"], len(equations))}
        for i, chapter in enumerate(stepper.chapters)
        for entry in _entries(chapter, stepper.example, tuple(source))
    ]
    return {
        **laid_out(stepper)._asdict(),
        "lines": [lines(drawing(chapter)) for chapter in stepper.chapters],
        "steps": steps,
        "equations": list(equations),
        "source": list(source.values()),
        "leaves": [],
    }


_written: WeakKeyDictionary[Step, dict[Any, dict[str, Any]]] = WeakKeyDictionary()


def _entries(chapter: Chapter, example: int | None, functions: tuple[Function, ...]) -> Iterator[dict[str, Any]]:
    """What is shown of the steps of one iteration, each written once."""
    writer = None
    for step in chapter.steps:
        known = _written.setdefault(step, {})
        if (example, functions) not in known:
            writer = writer or _Writer(chapter, example, functions)
            known[example, functions] = writer.entry(step)
        yield known[example, functions]


class _Writer:
    """Writes the steps of one iteration as plain data."""

    def __init__(self, chapter: Chapter, example: int | None, functions: Sequence[Function]) -> None:
        self.graph = chapter.graph
        self.told = program(self.graph)
        self.lighting = Lighting(chapter)
        self.example = example
        self.functions = functions
        self.written = Derivation(self.told)
        self.numerals = Notation(lambda node: Digits("?"))  # writes what has no names
        self.questions = dict(_questions(chapter))

    def entry(self, step: Step) -> dict[str, Any]:
        """All that is shown of a step."""
        card = self.lighting.card(step)
        lens = None if self.example is None else example_of(self.graph, step, self.example)
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
            "lit": self.lighting.lit(step),
            "tells": self.lighting.lines(step),
            "example": None if lens is None else f"{lens.equation} = {number(lens.value)}",
            "ask": self.questions.get(step.name) if step.part is None or step.part[0] == 1 else None,
        }

    def _line(self, step: Step) -> dict[str, int]:
        """The line of code that is lit: that of the step, or, where that is not shown, of the statement which reads its value."""
        for place in [step.place, *([] if step.reader is None else [step.reader.place])]:
            function = function_of(place)
            if function in self.functions:
                return {"file": self.functions.index(function), "number": place.line}
        return {"file": -1, "number": 0}

    def sides(self, step: Step) -> list[Layout]:
        """What is equal: the equation, with numbers where there are only scalars, and what it amounts to."""
        written, expression = self.written, step.expression
        if step.statement is None:  # of an update
            name = written.name(step.node)
            sides: list[Layout] = [Row((name, Sign(":="), written.notation.layout(expression)))]
        elif step.part is not None and step.reader is not None:
            index, right = written.notation.entrywise(expression)
            sides = [self._way(step, index), right]
        else:
            sides = list(written.line(step.statement))
        names = [x for x in leaves(expression) if isinstance(x, Name)]
        if names and all(not x.node.shape for x in names):
            sides.append(self.numerals.layout(shown(expression)))
        if not np.shape(step.added) and not isinstance(expression, Number):
            sides.append(self.numerals.layout(short(step.added)))
        return [side for i, side in enumerate(sides) if not i or plain(side) != plain(sides[i - 1])]

    def _way(self, step: Step, index: Index) -> Layout:
        """The step of the chain rule that one contribution is."""
        partials = self.written.partials
        assert step.statement is not None
        assert step.reader is not None
        if step.node not in partials or step.statement.of is None:
            return lowered(self.written.name(step.node), index)
        output, node = partials[step.node]
        return self.written.way(output, step.reader, node, index)


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
