"""A picture as a page to explore: one file, offline, in which cards tell their values and modules fold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tinygraph.draw.cards import Card
from tinygraph.draw.compose import draw
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.folding import modules_of
from tinygraph.draw.picture import Picture, one_of
from tinygraph.express.derivation import Derivation
from tinygraph.express.mathml import equation
from tinygraph.node import Node

WHOLE = 1000  # entries that are shown in full
STATES = 3  # modules of which every combination of folded and open is laid out; of more, one at a time


class View:
    """What `graph.view()` gives: a page that notebooks show in a frame, and `save` writes."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @property
    def html(self) -> str:
        """The page."""
        return page(self.picture)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, `g.html`; returns the path. Raises ValueError for another ending."""
        path = Path(path)
        one_of("the file's ending", path.suffix.lower(), (".html", ".htm"))
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str | None:
        try:
            content = escape(self.html, quote=True)
        except LayoutError:
            return None
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{content}" style="width: 100%; height: 560px; border: 0" '
            f'title="{escape(self.picture.label, quote=True)}"></iframe>'
        )

    def __repr__(self) -> str:
        return repr(self.picture).replace("<picture", "<view", 1)


def page(picture: Picture) -> str:
    """The page as text."""
    pictures = dict(_states(picture))
    cards: dict[str, Any] = {}
    equations: dict[str, str] = {}
    drawings = []
    for i, (state, one) in enumerate(pictures.items()):
        drawings.append(f'<div class="drawing" data-open="{escape(state, quote=True)}"{" hidden" if i else ""}>{one.svg}</div>')
        for card in one.drawing.cards:
            if card.key not in cards or card.kind != "module":
                cards.setdefault(f"{card.key}:{card.kind == 'module'}", _facts(card, one))
            if card.statement is not None and card.key not in equations:
                equations[card.key] = _equation(card, one)
    home = files("tinygraph.draw")
    data = {"cards": cards, "modules": modules_of(_all(picture).drawing)}
    templates = "".join(f'<template id="equation-{key}">{text}</template>' for key, text in equations.items())
    return (
        home.joinpath("view.html").read_text(encoding="utf-8")
        .replace("/* style */", home.joinpath("view.css").read_text(encoding="utf-8"))
        .replace("<!-- title -->", escape(picture.label))
        .replace("<!-- theme -->", picture.theme)
        .replace("<!-- templates -->", templates)
        .replace("/* data */", script_json(data))
        .replace("/* script */", home.joinpath("view.js").read_text(encoding="utf-8"))
        .replace("<!-- drawings -->", "".join(drawings))
    )  # fmt: skip


def script_json(data: Any) -> str:
    """JSON that is safe inside a script element."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _all(picture: Picture) -> Picture:
    return picture if not picture.drawing.folded else draw(picture.graph, fold=False, **picture.settings)


def _states(picture: Picture) -> Iterator[tuple[str, Picture]]:
    """Each combination of open modules that can be shown, the one that was drawn first; keys list the open modules."""
    whole = _all(picture)
    modules = [name for name in modules_of(whole.drawing) if "/" not in name]
    folded = {name for name in picture.drawing.folded if name in modules}
    if not modules or (picture.drawing.folded and not folded):
        yield "", picture
        return
    start = tuple(name for name in modules if name not in folded)
    if len(modules) <= STATES:
        states = [tuple(c) for n in range(len(modules) + 1) for c in itertools.combinations(modules, n)]
    else:
        states = [(), tuple(modules), *((name,) for name in modules)]
    for opened in dict.fromkeys([start, *states]):
        shut = [name for name in modules if name not in opened]
        one = picture if opened == start else draw(picture.graph, fold=shut or False, **picture.settings)
        yield json.dumps(opened, ensure_ascii=False, separators=(",", ":")), one  # as JavaScript spells it


def _equation(card: Card, picture: Picture) -> str:
    assert card.statement is not None
    written = Derivation(card.statement.program)
    return equation(written.line(card.statement).sides)


def _facts(card: Card, picture: Picture) -> dict[str, Any]:
    """What the panel says about a card."""
    facts: dict[str, Any] = {"title": card.title, "kind": card.kind, "name": "", "lines": []}
    if card.kind == "module":
        facts["lines"] = [line.text for row in card.rows for line in row.lines] + [line.text for line in card.results]
        facts["module"] = next((m for m in picture.drawing.folded if card.title == f"▸ {m}"), "")
        return facts
    if card.node is not None:
        name = picture.graph.name(card.node) if card.statement is None else card.statement.name
        facts |= {"name": name or "", "value": _value(card.node)}
        facts["place"] = str(card.node.place)
    if card.statement is not None:
        facts["source"] = f"{card.statement.name} = {card.statement.right}"
    if card.gradient is not None:
        facts["gradient"] = _value(card.gradient)
    return facts


def _value(node: Node) -> dict[str, str]:
    """A value for reading: all of it up to `WHOLE` entries, else an excerpt and what it amounts to."""
    value = np.asarray(node.value)
    text = np.array2string(value, threshold=WHOLE, precision=5, max_line_width=46)
    facts = {"shape": " × ".join(map(str, node.shape)) or "scalar", "dtype": str(node.dtype), "text": text}
    if value.size > WHOLE:
        finite = value[np.isfinite(value)]
        spread = (
            f"min {finite.min():.6g}, max {finite.max():.6g}, mean {finite.mean():.6g}, standard deviation {finite.std():.6g}"
        )
        lost = value.size - finite.size
        facts["statistics"] = (spread if finite.size else "") + (f", {lost} not finite" if lost else "")
    return facts
