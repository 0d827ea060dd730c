"""A picture as a page to explore: one file for offline use, which shows the value of a chosen card and folds modules."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from tinygraph.backprop import by_number
from tinygraph.draw import files
from tinygraph.draw.cards import Card
from tinygraph.draw.engine import SECONDS, LayoutError
from tinygraph.draw.picture import Picture
from tinygraph.draw.refolding import Folding, Refolded, Ways, all_modules, foldings_of, refoldings
from tinygraph.draw.theme import variables
from tinygraph.express.equations import Equations
from tinygraph.express.mathml import equation
from tinygraph.missing import missing_attribute
from tinygraph.node import Node
from tinygraph.sparse import is_sparse, sparsity, stored

WHOLE = 1000  # entries of an array that is shown in full
CARDS = 1500  # in all layouts of a page together
HEIGHT = "560px"  # of the iframe


class View:
    """What `graph.view()` gives: a page that notebooks show in a frame, and `save` writes."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._failed = False  # the last layout, so that a notebook that displays it again need not wait again

    @property
    def html(self) -> str:
        """The page."""
        return page(self.picture)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, `g.html`; returns the path. Raises ValueError for another ending."""
        return files.save(self, path, dict.fromkeys(files.PAGES, lambda view: view.html))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        self._failed = False
        try:
            return {"text/html": self._frame(), "text/plain": repr(self)}
        except LayoutError as error:
            self._failed = True
            return {"text/plain": f"{error}\n\n{self.picture.graph!r}"}

    def _repr_html_(self) -> str | None:
        try:
            return None if self._failed else self._frame()
        except LayoutError:
            return None

    def _frame(self) -> str:
        return frame(self.html, self.picture.label, HEIGHT)

    def __getattr__(self, name: str) -> NoReturn:
        raise missing_attribute("view", name)

    def __repr__(self) -> str:
        return repr(self.picture).replace("<picture", "<view", 1)


def page(picture: Picture) -> str:
    """The page as text; raises LayoutError if the picture as it was drawn cannot be laid out."""
    end = time.monotonic() + SECONDS
    (start, *more), independent = foldings_of(picture)
    first = Refolded(start, picture, picture.part_of_page("d0-", SECONDS))
    shown = [first, *refoldings(picture, more, CARDS, end, "d{}-")]
    left = 1 + len(more) - len(shown)
    modules = all_modules(picture)
    ways = Ways([one.folding for one in shown], independent and not left)
    cards: dict[str, Any] = {}
    equations: dict[str, str] = {}
    request = picture.graph._latest_request
    known = {} if request is None else request.gradients
    statements = _statements_of_gradients(picture)
    for i, (_, one, _) in enumerate(shown):
        for card in one.drawing.cards:
            key = f"d{i}-{card.key}" if card.stands_for else card.key
            if key not in cards:
                cards[key] = _facts(card, one, modules, known, statements)
            if card.statement is not None and card.key not in equations:
                equations[card.key] = _equation(card)
    data = {
        "cards": cards, "modules": modules if len(shown) > 1 else [],
        "foldings": [_leads(one.folding, ways, modules) for one in shown],
        "independent": independent and not left, "left": left,
    }  # fmt: skip
    drawings = [f'<div class="drawing"{" hidden" if i else ""}>{one.svg}</div>' for i, one in enumerate(shown)]
    templates = "".join(f'<template id="equation-{key}">{text}</template>' for key, text in equations.items())
    home = resources("tinygraph.draw")
    return filled(
        home.joinpath("view.html"),
        {
            "/* style */": filled(home.joinpath("view.css"), {"/* colours */": variables()}),
            "<!-- title -->": escape(picture.label),
            "<!-- theme -->": picture.theme,
            "<!-- templates -->": templates,
            "/* data */": script_json(data),
            "/* script */": filled(home.joinpath("view.js")),
            "<!-- drawings -->": "".join(drawings),
        },
    )


def _leads(folding: Folding, ways: Ways, modules: Sequence[str]) -> dict[str, Any]:
    """A folding with the places of those that it leads to, by the names of modules."""
    places = {"opens": ways.opening, "closes": ways.closing}
    leads = {way: {name: to for name in modules if (to := place(folding, name)) is not None} for way, place in places.items()}
    return {**folding._asdict(), **leads}


def filled(template: Traversable, pieces: Mapping[str, str] = MappingProxyType({})) -> str:
    """A file of the package with its placeholders replaced by pieces; the pieces themselves are not searched for placeholders."""
    text = template.read_text(encoding="utf-8")
    return re.sub("|".join(map(re.escape, pieces)), lambda found: pieces[found[0]], text) if pieces else text


def frame(content: str, label: str, height: str) -> str:
    """A page in a notebook: an iframe that may run scripts and nothing else."""
    return (
        f'<iframe sandbox="allow-scripts allow-downloads" srcdoc="{escape(content, quote=True)}" '
        f'title="{escape(label, quote=True)}" style="width: 100%; height: {height}; border: 0"></iframe>'
    )


UNSAFE = re.compile("<(?=!|script)|[\ud800-\udfff]", re.IGNORECASE)  # opens what a script element reads, or is no text


def script_json(data: Any) -> str:
    """JSON that is safe inside a script element, whatever the texts in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _equation(card: Card) -> str:
    assert card.statement is not None
    return equation(Equations(card.statement.program).equation(card.statement))


def _statements_of_gradients(picture: Picture) -> dict[Node, str]:
    """The statement of each gradient with a name; none where the cards are lines of code."""
    program = next((card.statement.program for card in picture.drawing.cards if card.statement is not None), None)
    return {} if program is None else {s.node: f"{s.name} = {s.right}" for s in program.backward}


def _facts(
    card: Card, picture: Picture, modules: Sequence[str], known: Mapping[Node, Node], statements: Mapping[Node, str]
) -> dict[str, Any]:
    """The data of a card for the panel, and the words by which the search finds it."""
    facts: dict[str, Any] = {"title": card.whole_title or card.title, "folded": bool(card.stands_for), "name": "", "lines": []}
    facts["words"] = ["/".join(card.module), *_names(card, picture, known)]
    if card.stands_for:
        facts["lines"] = [line.text for row in card.rows for line in row.lines] + [line.text for line in card.results]
        facts["module"] = card.stands_for if card.stands_for in modules else ""
        facts["words"].append(card.stands_for)
        return facts
    facts["lines"] = [finding.text for finding in card.findings]
    if card.node is not None:
        name = picture.graph.name(card.node) if card.statement is None else card.statement.name
        facts |= {"name": name or "", "value": _value(card.node)}
        facts["place"] = str(card.node.place)
    failure = picture.graph._failure
    if card.kind == "failed" and failure is not None:
        facts["lines"] = f"{failure}".splitlines()
    if card.statement is not None:
        facts["source"] = f"{card.statement.name} = {card.statement.right}"
    if card.gradient is not None:
        facts["gradient"] = _value(card.gradient)
        facts["gradient_source"] = statements.get(card.gradient, "")
    return facts


def _names(card: Card, picture: Picture, known: Mapping[Node, Node]) -> Iterator[str]:
    """The names of the values of a card, and of their gradients."""
    for node in sorted(card.members, key=by_number)[:WHOLE]:
        for named in (node, known.get(node)):
            name = picture.graph.name(named) if named is not None else None
            if name is not None:
                yield name


def _value(node: Node) -> dict[str, str]:
    """A value as text: all of it up to `WHOLE` entries, else an excerpt and statistics."""
    value = np.asarray(stored(node.value))
    text = sparsity(node.value) or np.array2string(value, threshold=WHOLE, precision=5, max_line_width=46)
    facts = {"shape": " × ".join(map(str, node.shape)) or "scalar", "dtype": str(node.dtype), "text": text}
    if value.size > WHOLE:
        finite = value[np.isfinite(value)]
        spread = (
            f"min {finite.min():.6g}, max {finite.max():.6g}, mean {finite.mean():.6g}, standard deviation {finite.std():.6g}"
        )
        lost = value.size - finite.size
        facts["statistics"] = (spread if finite.size else "") + (f", {lost} not finite" if lost else "")
        if is_sparse(node.value):
            facts["statistics"] = f"of the stored entries: {facts['statistics']}"
    return facts
