"""What a browser shows of a walk: its steps, picture and source as plain data, and the page that holds them in one file."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from tinygraph.draw.cards import Card
from tinygraph.draw.compose import draw
from tinygraph.draw.picture import Picture
from tinygraph.draw.view import script_json
from tinygraph.express.derivation import Derivation
from tinygraph.express.expression import Name, Number, leaves
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Digits, Layout, Notation, symbol
from tinygraph.express.program import program
from tinygraph.express.table import number
from tinygraph.stepping.lens import example_of
from tinygraph.stepping.numbers import shown
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.timeline import Step

ENTRIES = 200  # of an array that are shown
LISTED = 8  # contributions that are shown beside each other
CONTEXT = 3  # lines of code around those of the graph
LINES = 400  # lines of code at most


def page(stepper: Stepper) -> str:
    """The walk as one file, which needs neither a kernel nor a network."""
    home = files("tinygraph.stepping")
    state = {
        "data": walk_data(stepper),
        "position": stepper.position,
        "breakpoints": sorted(stepper.breakpoints),
        "style": style(),
    }
    outputs = ", ".join(stepper.graph.name(output) or "" for output in stepper.graph.outputs)
    return (
        home.joinpath("page.html").read_text(encoding="utf-8")
        .replace("<!-- title -->", escape(f"Walk through {outputs}"))
        .replace("/* data */", script_json(state))
        .replace("/* script */", script())
    )  # fmt: skip


def script() -> str:
    """The module that shows a walk, the same for page and widget."""
    return files("tinygraph.stepping").joinpath("stepper.js").read_text(encoding="utf-8")


def style() -> str:
    """The style sheet of the same."""
    return files("tinygraph.stepping").joinpath("stepper.css").read_text(encoding="utf-8")


def frame(content: str, label: str, height: int = 640) -> str:
    """A page as a notebook shows it: in a frame that may run scripts and nothing else."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(content, quote=True)}" title="{escape(label, quote=True)}" '
        f'style="width: 100%; height: {height}px; border: 0"></iframe>'
    )


def walk_data(stepper: Stepper) -> dict[str, Any]:
    """The walk as JSON can hold it: steps, picture and source."""
    graph = stepper.graph
    picture = draw(graph, level="named", fold=None)
    steps = [entry for chapter in stepper.chapters for entry in _chapter(chapter.graph, chapter.steps, picture, stepper.example)]
    return {"svg": picture.svg, "steps": steps, "source": _source(stepper.steps), "leaves": []}


def _chapter(graph: Any, steps: Sequence[Step], picture: Picture, example: int | None) -> list[dict[str, Any]]:
    written = Derivation(program(graph))
    home = _homes(graph, picture)
    return [_entry(step, graph, picture, written, home, example) for step in steps]


def _homes(graph: Any, picture: Picture) -> dict[str, Card]:
    """The card of every leaf and statement, by name: those of a later iteration have the same cards."""
    known = picture.graph
    return {known.name(node) or "": card for card in picture.drawing.cards for node in card.members}


def _entry(
    step: Step, graph: Any, picture: Picture, written: Derivation, home: dict[str, Card], example: int | None
) -> dict[str, Any]:
    told = program(graph)
    value_of = step.statement.of if step.statement is not None and step.statement.of is not None else step.node
    card = home.get(told.name(value_of)) if told.is_named(value_of) else None
    reader = home.get(told.name(step.reader)) if step.reader is not None else None
    lens = None if example is None else example_of(graph, step, example)
    return {
        "phase": step.phase,
        "name": step.name,
        "title": step.title,
        "complete": step.part is None or step.part[0] == step.part[1],
        "text": step.text,
        "shown": number(step.value),
        "mathml": equation(_sides(step, written)),
        "value": _value(step.value),
        "upstream": step.upstream,
        "local": step.local,
        "contributions": [{"reader": c.reader, "equation": c.equation, "value": number(c.value)} for c in step.contributions[-LISTED:]],
        "line": {"file": os.path.basename(step.place.filename), "number": step.place.line, "text": step.place.text},
        "card": card.key if card is not None else "",
        "lit": _lit(step, card, reader, picture),
        "example": None if lens is None else f"{lens.equation} = {number(lens.value)}",
        "ask": _question(step),
    }


def _lit(step: Step, card: Card | None, reader: Card | None, picture: Picture) -> list[str]:
    """The card of a step and the edges that it goes over."""
    if card is None:
        return []
    edges = []
    alone = step.part is not None and reader is not None
    readers = {reader.key} if alone and reader is not None else {edge.target for edge in picture.drawing.edges}
    for edge in picture.drawing.edges:
        if step.phase == "forward" and not edge.backward and edge.target == card.key:
            edges.append(f"forward-{edge.source}-{edge.target}-{edge.row}")
        elif step.phase == "backward" and edge.backward and edge.source == card.key and edge.target in readers:
            edges.append(f"backward-{edge.source}-{edge.target}-{edge.row}")
    return [card.key, *edges]


def _sides(step: Step, written: Derivation) -> list[Layout]:
    """The equation, with numbers where there are only scalars, and what it amounts to."""
    if step.statement is None:
        sides: list[Layout] = [symbol(step.name)]
    elif step.part is None:
        sides = list(written.line(step.statement).sides)
    else:
        assert step.expression is not None
        sides = [written.name(step.node), written.notation.layout(step.expression)]
    scalars = step.expression is not None and all(not x.node.shape for x in leaves(step.expression) if isinstance(x, Name))
    if scalars and step.expression is not None:
        with_numbers = Notation(lambda node: Digits("?")).layout(shown(step.expression))
        if any(isinstance(x, Name) for x in leaves(step.expression)):
            sides.append(with_numbers)
    total = step.contributions[-1].value if step.part is not None else step.value
    if not np.shape(total) and not isinstance(step.expression, Number):
        sides.append(Digits(number(total).replace("-", "−")))
    return sides


def _value(value: Any) -> str:
    """A value for reading, of a large array an excerpt."""
    if not np.shape(value):
        return repr(np.asarray(value).item())
    text = np.array2string(np.asarray(value), precision=4, threshold=ENTRIES, max_line_width=88)
    return f"{'×'.join(map(str, np.shape(value)))} {text if len(text) < 4000 else text[:4000] + ' …'}"


def _question(step: Step) -> dict[str, Any] | None:
    """What the quiz asks of a gradient: its number, or the first entry of an array."""
    if step.phase != "backward" or (step.part is not None and step.part[0] < step.part[1]) or step.upstream is None:
        return None
    value, label = step.value, step.name
    if np.shape(value):
        if not np.size(value):
            return None
        label = f"{step.name}[{', '.join('0' for _ in np.shape(value))}]"
        value = np.ravel(value)[0]
    if not np.isfinite(value):
        return None
    hints = [f"upstream: {step.upstream}", f"local: {step.local}", f"{step.name} = {step.equation} = {step.numbers}"]
    return {"label": label, "value": float(value), "shown": number(value), "hints": hints}


def _source(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The lines of code that made the graph, with a few around them, file by file."""
    wanted: dict[str, set[int]] = {}
    for step in steps:
        wanted.setdefault(step.place.filename, set()).add(step.place.line)
    found = []
    for filename, numbers in wanted.items():
        lines = linecache.getlines(filename)
        shown_lines = sorted({n for m in numbers for n in range(m - CONTEXT, m + CONTEXT + 1) if 0 < n <= len(lines)})[:LINES]
        if shown_lines:
            entries = [[n, lines[n - 1].rstrip("\n")[:200]] for n in shown_lines]
            found.append({"name": os.path.basename(filename), "lines": entries})
    return found
