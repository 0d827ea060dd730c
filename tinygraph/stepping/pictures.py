"""The pictures of a walk, one for each folding: they are laid out once, and each chapter has its own texts for their lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tinygraph.draw.cards import Drawing
from tinygraph.draw.compose import draw
from tinygraph.draw.engine import SECONDS, LayoutError
from tinygraph.draw.keys import frame_ids, lines_of
from tinygraph.draw.picture import TALL, Picture
from tinygraph.draw.refolding import ALL_FOLDED, ALL_OPEN, Folding, Ways, foldings_of, refolded, refoldings
from tinygraph.stepping.stepper import Chapter, Stepper

MOST = 60  # cards of a tall picture: of more, a narrow window shows a part of the wide one
CARDS = 300  # in all pictures of a walk together


class LaidOut(NamedTuple):
    """The picture as SVG, and the one for narrow windows, or why there is none."""

    svg: str = ""
    tall: str = ""
    trouble: str = ""


class Folded(NamedTuple):
    """A folding of the picture, how it is laid out, and its handles.

    A handle is the id of a folded card or of the frame of an open module, its name, and the place of the folding it leads to.
    """

    folding: Folding
    layout: LaidOut
    handles: Sequence[tuple[str, str, int]]


_laid_out: WeakKeyDictionary[Stepper, LaidOut] = WeakKeyDictionary()
_foldings: WeakKeyDictionary[Stepper, list[Folded]] = WeakKeyDictionary()
_pictures: WeakKeyDictionary[Chapter, Picture] = WeakKeyDictionary()
_refolded: WeakKeyDictionary[Picture, dict[Folding, Picture]] = WeakKeyDictionary()


def laid_out(stepper: Stepper) -> LaidOut:
    """The picture of a walk, laid out for the first chapter; a layout that failed is not tried again."""
    if stepper not in _laid_out:
        wide = picture(stepper.chapters[0])
        try:
            _laid_out[stepper] = LaidOut(wide.part_of_page(), _tall(wide))
        except LayoutError as error:
            _laid_out[stepper] = LaidOut(trouble=f"There is no picture: {error}")
    return _laid_out[stepper]


def foldings(stepper: Stepper) -> list[Folded]:
    """The foldings of a walk, first that of its picture; that one alone where it cannot be laid out."""
    if stepper not in _foldings:
        _foldings[stepper] = list(_laid_out_foldings(stepper))
    return _foldings[stepper]


def _laid_out_foldings(stepper: Stepper) -> Iterator[Folded]:
    first, layout = picture(stepper.chapters[0]), laid_out(stepper)
    (start, *more), independent = foldings_of(first)
    shown = [(start, first, layout)]
    if not layout.trouble:
        for folding, one, svg in refoldings(first, more, CARDS, time.monotonic() + SECONDS):
            shown.append((folding, one, LaidOut(svg, _tall(one))))
            _refolded.setdefault(first, {})[folding] = one
    ways = Ways([folding for folding, *_ in shown], independent and len(shown) == 1 + len(more))
    for folding, one, made in shown:
        yield Folded(folding, made, list(_handles(folding, one.drawing, ways)))


def _tall(wide: Picture) -> str:
    return wide.turned(TALL).part_of_page() if len(wide.drawing.cards) <= MOST else ""


def _handles(folding: Folding, shown: Drawing, ways: Ways) -> Iterator[tuple[str, str, int]]:
    """A folded card leads to where it is open, the frame of a module to where it is folded; else to where all is so."""
    leads = [(x.key, x.stands_for, ways.opening(folding, x.stands_for), ALL_OPEN) for x in shown.cards if x.stands_for]
    for path, frame in frame_ids(shown.cards).items():
        leads.append((frame, "/".join(path), ways.closing(folding, "/".join(path)), ALL_FOLDED))
    for key, name, to, otherwise in leads:
        to = ways.labelled(otherwise) if to is None else to
        if to is not None:
            yield key, name, to


def drawing(chapter: Chapter) -> Drawing:
    """What the picture shows in one chapter; all chapters have the same cards and edges."""
    return picture(chapter).drawing


def picture(chapter: Chapter) -> Picture:
    """The picture of one chapter with its own numbers."""
    if chapter not in _pictures:
        _pictures[chapter] = draw(chapter.graph, marked=False)
    return _pictures[chapter]


def drawings(chapter: Chapter, of: Iterable[Folded]) -> list[Drawing]:
    """What the pictures show in one chapter, one for each folding, of which the first is that of the picture."""
    first = picture(chapter)
    known = _refolded.setdefault(first, {})
    _, *more = (one.folding for one in of)
    for folding in more:
        if folding not in known:
            known[folding] = refolded(first, folding)
    return [first.drawing, *(known[folding].drawing for folding in more)]


def line_texts(of: Drawing) -> dict[str, str]:
    """The text of each line by its key."""
    return {line.key: line.shown.text for card in of.cards for line in lines_of(card)}
