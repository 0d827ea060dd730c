"""From a graph to its picture: cards, folding and a lens in this order, and large graphs apart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygraph.draw.cards import Drawing, Painter, draft, told_together
from tinygraph.draw.folding import Fold, folded
from tinygraph.draw.large import Words, by_lines_of_code
from tinygraph.draw.lens import LENSES
from tinygraph.draw.picture import Picture, one_of
from tinygraph.express.table import LARGE
from tinygraph.program.statements import Level, program

if TYPE_CHECKING:
    from tinygraph.graph import Graph


def draw(
    graph: Graph,
    level: Level = "named",
    values: bool = True,
    direction: str = "LR",
    theme: str = "auto",
    fold: Fold = None,
    backward: bool = True,
    lens: str | None = None,
) -> Picture:
    """The picture of a graph; `Graph.draw` documents the settings."""
    if lens is not None:
        one_of("lens", lens, tuple(LENSES))
    one_of("values", values, (True, False))
    one_of("backward", backward, (True, False))
    settings = {"level": level, "values": values, "direction": direction, "theme": theme, "backward": backward, "lens": lens}
    if len(graph.forward) > LARGE and (fold is None or fold is True):
        return Picture(graph, _large(Words(graph, backward), values, lens), settings)
    _refuse_too_many(graph, level)
    painter = Painter(program(graph, level), values, backward)
    whole: Drawing = draft(painter)
    if lens is not None and lens != "norm":
        LENSES[lens](whole, painter)

    return _picture(graph, settings, whole, painter, fold)


def _picture(graph: Graph, settings: Mapping[str, Any], whole: Drawing, painter: Painter, fold: Fold) -> Picture:
    """The picture of a whole drawing, folded in one way; it can be folded in others."""
    drawing = folded(Drawing(whole.cards, list(whole.edges), list(whole.notes)), painter, fold)
    if settings["lens"] == "norm":
        LENSES["norm"](drawing, painter)
    drawing.notes += painter.notes()
    refold = partial(_picture, graph, settings, whole, painter)  # which pickles, as a function made here would not
    return Picture(graph, drawing, settings, refold)


def _refuse_too_many(graph: Graph, level: Level) -> None:
    cards = (
        len(graph.forward) if level == "op" else sum(node.op is None or graph.name(node) is not None for node in graph.forward)
    )
    if cards > LARGE:
        more = f"{cards:,} cards are more than the {LARGE:,} that are drawn, or folded by name"
        raise ValueError(f"{more}: leave `fold` out, and they are drawn by lines of code")


def _large(words: Words, values: bool, lens: str | None) -> Drawing:
    drawing = by_lines_of_code(words, values)
    if lens is not None:
        LENSES[lens](drawing, words)
        for card in drawing.cards:
            if len(card.members) > 1:
                card.results += told_together([finding for finding in card.found if not finding.backward])
    return drawing
