"""The walk as a page: its steps, picture and source as data, and the HTML file that holds them.

What changes with the leaves are the numbers in texts. The data has each text once, as a template; a page that computes has the
program that gives the numbers, and one that does not has the numbers of each chapter as they were recorded.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection
from html import escape
from importlib.resources import files
from typing import Any

from tinygraph.draw.theme import variables
from tinygraph.draw.view import filled, script_json
from tinygraph.express import interpreter
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.program.statements import program_of
from tinygraph.stepping.explained import explained
from tinygraph.stepping.judging import TOLERANCE
from tinygraph.stepping.listing import listing
from tinygraph.stepping.live import Live, live
from tinygraph.stepping.pictures import laid_out
from tinygraph.stepping.shown import shown
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.templates import Templates, shortened

HOME = files("tinygraph.stepping")
TEXTS = interpreter.HOME.joinpath("texts.js")
FILES = (
    "elements",
    "walk",
    "kernel",
    "picture",
    "files",
    "stage",
    "scrubber",
    "chain",
    "lists",
    "leaves",
    "routes",
    "paths",
    "explain",
    "quiz",
    "sheet",
    "address",
    "app",
)  # each before those that it is read by
KINDS = {"f": "float", "i": "integer", "u": "integer", "b": "bool"}
LARGE = 300_000  # characters of data, beyond which they are compressed
HEIGHT = "900px"  # of the iframe: the picture, the step and the lists; in a narrow one, what is below scrolls


def page(stepper: Stepper, quiz: bool = False) -> str:
    """The walk as one file, which needs neither a kernel nor a network; `quiz` opens it with the first question."""
    walked, ops = walk(stepper)
    state = walked | {"style": style(), "quiz": quiz}
    pieces = {
        "<!-- title -->": escape(f"Walk through {state['data']['title']}"),
        "/* script */": script(ops),
        "/* data */": packed(script_json(state)),
    }
    return filled(HOME.joinpath("page.html"), pieces | {"/* colours */": variables()})


def packed(data: str) -> str:
    """Data as the script has it: JSON as it is, or compressed where it is large."""
    if len(data) <= LARGE:
        return data
    return f'await unpacked("{base64.b64encode(zlib.compress(data.encode(), 9)).decode()}")'


def walk(stepper: Stepper) -> tuple[dict[str, Any], Collection[Op]]:
    """All that a page holds of a walk, and the ops that it computes with: none where it shows what was recorded."""
    data, templates = walk_data(stepper)
    state = {"data": data, "position": stepper.position, "breakpoints": sorted(stepper.breakpoints)}
    alive = live(stepper, templates.holes, templates.slots)
    if isinstance(alive, Live):
        return state | alive.data, alive.ops
    return state | {"texts": texts(stepper), "notice": alive}, ()


def script(ops: Collection[Op] = ()) -> str:
    """The module that shows a walk, the same for page and widget; a page that computes has the interpreter before it."""
    first = interpreter.script(ops) if ops else ""
    modules = [TEXTS, *(HOME.joinpath(f"javascript/{name}.js") for name in FILES)]
    return first + "".join(interpreter.bare(module.read_text(encoding="utf-8")) for module in modules)


def style() -> str:
    """The style sheet, the same for page and widget."""
    return filled(HOME.joinpath("stepper.css"), {"/* colours */": variables()})


def walk_data(stepper: Stepper) -> tuple[dict[str, Any], Templates]:
    """The walk as JSON, and the numbers in its texts: the picture, the user's source, and the steps of one chapter."""
    source = listing(stepper.chapters[0].graph, stepper.steps)
    templates = Templates()
    walk = templates.of(shown(stepper.chapters[0], stepper.example, tuple(source)))
    equations: dict[str, Any] = {}
    for step in walk["steps"]:
        key = repr(step["mathml"])
        equations.setdefault(key, (len(equations), step["mathml"]))
        step["mathml"] = equations[key][0]
    ops = explained(stepper)
    markup, tags = shortened([*(mathml for _, mathml in equations.values()), *ops.values()])
    picture = laid_out(stepper)._asdict()
    return {
        "title": ", ".join(stepper.graph.name(output) or "" for output in stepper.graph.outputs),
        **picture,
        **walk,
        "equations": markup[: len(equations)],
        "tags": tags,
        "ops": dict(zip(ops, markup[len(equations) :], strict=True)),
        "source": list(source.values()),
        "leaves": [
            {"name": name, "shape": leaf.shape, "kind": KINDS[leaf.dtype.kind], "role": leaf.kind}
            for name, leaf in leaves_of(stepper)
        ],
        "tolerance": TOLERANCE,
    }, templates


def leaves_of(stepper: Stepper) -> list[tuple[str, Node]]:
    """The leaves of the current chapter by their names."""
    program = program_of(stepper.graph)
    return [(program.name(leaf), leaf) for leaf in program.leaves]


def texts(stepper: Stepper) -> list[list[str]]:
    """The numbers of each chapter as text."""
    functions = tuple(listing(stepper.chapters[0].graph, stepper.steps))
    found = []
    for chapter in stepper.chapters:
        templates = Templates()
        templates.of(shown(chapter, stepper.example, functions))
        found.append([str(hole) for hole in templates.holes])
    return found
