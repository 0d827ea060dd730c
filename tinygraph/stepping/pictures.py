"""The picture of a walk: it is laid out once, and each chapter has its own texts for the lines of the cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tinygraph.draw.cards import Card, CardLine, CardRow, Drawing
from tinygraph.draw.compose import draw
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.picture import Picture
from tinygraph.stepping.stepper import Chapter, Stepper


class LaidOut(NamedTuple):
    """The picture as SVG, or why there is none."""

    svg: str
    trouble: str


_laid_out: WeakKeyDictionary[Stepper, LaidOut] = WeakKeyDictionary()
_pictures: WeakKeyDictionary[Chapter, Picture] = WeakKeyDictionary()


def laid_out(stepper: Stepper) -> LaidOut:
    """The picture of a walk, laid out for the first chapter; a layout that failed is not tried again."""
    if stepper not in _laid_out:
        try:
            _laid_out[stepper] = LaidOut(picture(stepper.chapters[0]).svg, "")
        except LayoutError as error:
            _laid_out[stepper] = LaidOut("", f"There is no picture: {error}")
    return _laid_out[stepper]


def drawing(chapter: Chapter) -> Drawing:
    """What the picture shows in one chapter; all chapters have the same cards and edges."""
    return picture(chapter).drawing


def picture(chapter: Chapter) -> Picture:
    """The picture of one chapter with its own numbers."""
    if chapter not in _pictures:
        _pictures[chapter] = draw(chapter.graph, marked=False)
    return _pictures[chapter]


def keyed_lines(card: Card) -> Iterator[tuple[str, CardLine, CardRow | None]]:
    """The lines of a card, from top to bottom and from left to right: each with its key, and the row that it is in."""
    title = [(CardLine(card.title), None)] if card.is_titled else []
    inputs = [(line, row) for row in card.rows for line in row.lines]
    results = [(line, None) for line in sorted(card.results, key=lambda line: line.backward)]
    for i, (line, row) in enumerate([*title, *inputs, *results]):
        yield f"{card.key}-{i}", line, row


def line_texts(of: Drawing) -> dict[str, str]:
    """The text of each line by its key."""
    return {key: line.text for card in of.cards for key, line, _ in keyed_lines(card)}
