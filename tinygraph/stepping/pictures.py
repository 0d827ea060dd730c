"""The picture of a walk: it is laid out once, and each chapter has its own texts for the lines of the cards."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from tinygraph.draw.cards import Drawing
from tinygraph.draw.compose import draw
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.keys import lines_of
from tinygraph.draw.picture import TALL, Picture
from tinygraph.stepping.stepper import Chapter, Stepper

MOST = 60  # cards of a tall picture: of more, a narrow window shows a part of the wide one


class LaidOut(NamedTuple):
    """The picture as SVG, and the one for narrow windows, or why there is none."""

    svg: str = ""
    tall: str = ""
    trouble: str = ""


_laid_out: WeakKeyDictionary[Stepper, LaidOut] = WeakKeyDictionary()
_pictures: WeakKeyDictionary[Chapter, Picture] = WeakKeyDictionary()


def laid_out(stepper: Stepper) -> LaidOut:
    """The picture of a walk, laid out for the first chapter; a layout that failed is not tried again."""
    if stepper not in _laid_out:
        wide = picture(stepper.chapters[0])
        is_small = len(wide.drawing.cards) <= MOST
        try:
            _laid_out[stepper] = LaidOut(wide.part_of_page(), wide.turned(TALL).part_of_page() if is_small else "")
        except LayoutError as error:
            _laid_out[stepper] = LaidOut(trouble=f"There is no picture: {error}")
    return _laid_out[stepper]


def drawing(chapter: Chapter) -> Drawing:
    """What the picture shows in one chapter; all chapters have the same cards and edges."""
    return picture(chapter).drawing


def picture(chapter: Chapter) -> Picture:
    """The picture of one chapter with its own numbers."""
    if chapter not in _pictures:
        _pictures[chapter] = draw(chapter.graph, marked=False)
    return _pictures[chapter]


def line_texts(of: Drawing) -> dict[str, str]:
    """The text of each line by its key."""
    return {line.key: line.shown.text for card in of.cards for line in lines_of(card)}
