"""The walk as a page: its steps, picture and source as data, and the HTML file that holds them.

What changes with the leaves are the numbers in texts. The data has each text once, as a template; a page that computes has the
program that gives the numbers, and one that does not has the numbers of each chapter as they were recorded.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from tinygraph.backprop import CollectorPaused
from tinygraph.draw.cards import LONGEST
from tinygraph.draw.failing import KEY
from tinygraph.draw.theme import variables
from tinygraph.draw.view import filled, script_json
from tinygraph.express import interpreter
from tinygraph.express.text import cut
from tinygraph.node import Node
from tinygraph.ops import REGISTRY, Op
from tinygraph.program.statements import program_of
from tinygraph.stepping.drawn import lit
from tinygraph.stepping.examples import batch_size
from tinygraph.stepping.explained import explained
from tinygraph.stepping.judging import TOLERANCE
from tinygraph.stepping.listing import Function, function_of, listing
from tinygraph.stepping.live import Live, live
from tinygraph.stepping.messages import OF_ANSWERS
from tinygraph.stepping.pictures import drawings, foldings
from tinygraph.stepping.plots import plots
from tinygraph.stepping.shown import shown
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.templates import Templates, shortened

HOME = files("tinygraph.stepping")
TEXTS = interpreter.HOME.joinpath("texts.js")
FILES = (  # each before those that it is read by
    "parsing", "reading", "formula", "proving", "elements", "walk", "judging", "kernel", "picture", "flags", "files", "stage",
    "scrubber", "entries", "heat", "entry", "examples", "chain", "lists", "leaves", "routes", "paths", "explain", "quiz",
    "sheet", "address", "plots", "slopes", "boundary", "surface", "loss", "app",
)  # fmt: skip
KINDS = {"f": "float", "i": "integer", "u": "integer", "b": "bool"}
HEIGHT = "900px"  # of the iframe: the picture, the step and the lists; in a narrow one, what is below scrolls


def page(stepper: Stepper, quiz: bool = False) -> str:
    """The walk as one file, which needs neither a kernel nor a network; `quiz` opens it with the first question."""
    state, ops = walk(stepper)
    pieces = {
        "<!-- title -->": escape(f"Walk through {state['data']['title']}"),
        "/* script */": packed_script(frozenset(op for op in ops if not op.built_in)),
        "/* data */": packed(script_json(state | {"style": style(), "quiz": quiz})),
    }
    return filled(HOME.joinpath("page.html"), pieces | {"/* colours */": variables()})


def packed(text: str) -> str:
    """A text, compressed, as text."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


@cache
def packed_script(more: frozenset[Op]) -> str:
    """The script of a page for programs with users' ops too."""
    return packed(script(more))


def walk(stepper: Stepper) -> tuple[dict[str, Any], Collection[Op]]:
    """All that a page holds of a walk, and the ops that it computes with: none where it shows what was recorded."""
    with CollectorPaused():  # of many small objects, nearly all of which stay
        data, templates = walk_data(stepper)
        state = {"data": data, "position": stepper.position, "breakpoints": sorted(stepper.breakpoints)}
        alive = live(stepper, templates.holes, templates.slots)
    if isinstance(alive, Live):
        return state | alive.data, alive.ops
    return state | {"texts": texts(stepper), "notice": alive}, ()


def script(more: Collection[Op] = ()) -> str:
    """The script that shows a walk, the same for page and widget, with the interpreter of all ops, and of more, before it."""
    ops = [op for op in REGISTRY.values() if op.built_in and interpreter.is_spelled(op)]
    modules = [TEXTS, *(HOME.joinpath(f"javascript/{name}.js") for name in FILES)]
    return interpreter.script([*ops, *more]) + "".join(interpreter.bare(x.read_text(encoding="utf-8")) for x in modules)


def style() -> str:
    """The style sheet, the same for page and widget."""
    return filled(HOME.joinpath("stepper.css"), {"/* colours */": variables()}) + filled(HOME.joinpath("flags.css"))


def walk_data(stepper: Stepper) -> tuple[dict[str, Any], Templates]:
    """The walk as JSON, and the numbers in its texts: the picture, the user's source, and the steps of one chapter."""
    chapter, folded = stepper.chapters[0], foldings(stepper)
    source = listing(chapter.graph, stepper.steps)
    templates = Templates()
    pictured = drawings(chapter, folded)
    walk = {"steps": []} | templates.of(shown(chapter, stepper.example, tuple(source), pictured))
    equations: dict[str, Any] = {}
    lines = [step["entry"] for step in walk["steps"] if "line" in step.get("entry", {})]
    holders = [*((step, "mathml") for step in walk["steps"]), *((line, "line") for line in lines)]
    for holder, key in holders:
        holder[key], _ = equations.setdefault(repr(holder[key]), (len(equations), holder[key]))
    ops = explained(stepper)
    markup, tags = shortened([*(mathml for _, mathml in equations.values()), *ops.values()])
    steps = [*chapter.graph_steps, *(chapter.updates or chapter.next_updates)]
    for data, drawing, (folding, layout, handles) in zip(walk["foldings"], pictured, folded, strict=True):
        data |= {"label": cut(folding.label, LONGEST), "svg": layout.svg, "tall": layout.tall, "handles": handles}
        data |= lit(chapter, drawing, steps)
    return {
        "title": ", ".join(stepper.graph.name(output) or "" for output in stepper.graph.outputs),
        "trouble": folded[0].layout.trouble,
        **walk,
        "equations": markup[: len(equations)],
        "tags": tags,
        "ops": dict(zip(ops, markup[len(equations) :], strict=True)),
        "source": list(source.values()),
        "plots": templates.of(plots(chapter.graph)),
        "leaves": [
            {"name": name, "shape": leaf.shape, "kind": KINDS[leaf.dtype.kind], "role": leaf.kind}
            for name, leaf in leaves_of(stepper)
        ],
        "batch": batch_size(chapter.graph),
        "example": stepper.example,
        "tolerance": TOLERANCE,
        "failure": _failure(stepper, tuple(source)),
        "messages": OF_ANSWERS,
    }, templates


def _failure(stepper: Stepper, functions: Sequence[Function]) -> dict[str, Any] | None:
    """The op that failed where the walk ends: its card, its line in the listing, and the words of the error."""
    failure = stepper.graph._failure
    if failure is None:
        return None
    function = function_of(failure.place)
    line = {"file": functions.index(function), "number": failure.place.line} if function in functions else None
    return {"card": KEY, "line": line, "text": str(failure)}


def leaves_of(stepper: Stepper) -> list[tuple[str, Node]]:
    """The leaves of the current chapter by their names."""
    program = program_of(stepper.graph)
    return [(program.name(leaf), leaf) for leaf in program.leaves]


def texts(stepper: Stepper) -> list[list[str]]:
    """The numbers of each chapter as text."""
    functions = tuple(listing(stepper.chapters[0].graph, stepper.steps))
    folded = foldings(stepper)
    found = []
    for chapter in stepper.chapters:
        templates = Templates()
        templates.of(shown(chapter, stepper.example, functions, drawings(chapter, folded)))
        found.append([str(hole) for hole in templates.holes])
    return found
