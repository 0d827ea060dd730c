"""From a graph to its picture: first the cards, then folding, then a lens; a large graph is drawn by lines of code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygraph.draw.cards import CardWriter, Drawing, finding_lines, mark_remarks, unfolded
from tinygraph.draw.choice import one_of
from tinygraph.draw.failing import NOTHING, Found, add_failure, mark_found
from tinygraph.draw.folding import Fold, folded
from tinygraph.draw.large import NamedByLine, by_lines_of_code, mark_nonfinite
from tinygraph.draw.lens import LENSES
from tinygraph.draw.picture import Picture
from tinygraph.express.table import LARGE
from tinygraph.program.statements import Level, program_of

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
    marked: bool = True,
    found: Found = NOTHING,
) -> Picture:
    """The picture of a graph; `Graph.draw` documents the settings.

    Flags make cards red unless a lens marks cards, or a page does it by itself. `found` is what a judge says of some values.
    """
    if lens is not None:
        one_of("lens", lens, tuple(LENSES))
    one_of("values", values, (True, False))
    one_of("backward", backward, (True, False))
    settings = {"level": level, "values": values, "direction": direction, "theme": theme, "backward": backward, "lens": lens}
    if len(graph.forward) > LARGE and (fold is None or fold is True):
        large = _large(NamedByLine(graph, backward), values, lens, values and marked and lens is None)
        mark_found(large, found)
        return Picture(graph, large, settings)
    _refuse_too_many(graph, level)
    writer = CardWriter(program_of(graph, level), values, backward)
    whole: Drawing = unfolded(writer)
    add_failure(whole, writer)
    if lens is not None and lens != "norm":
        LENSES[lens](whole, writer)
    if marked and lens is None:
        mark_remarks(whole)
    mark_found(whole, found)
    return _picture(graph, settings, whole, writer, fold)


def _picture(graph: Graph, settings: Mapping[str, Any], whole: Drawing, writer: CardWriter, fold: Fold) -> Picture:
    """The picture of an unfolded drawing with one folding; the picture can be folded in other ways later."""
    drawing = folded(Drawing(whole.cards, list(whole.edges), list(whole.notes)), writer, fold)
    if settings["lens"] == "norm":
        LENSES["norm"](drawing, writer)
    drawing.notes += writer.notes()
    refold = partial(_picture, graph, settings, whole, writer)  # a partial can be pickled, a local function cannot
    return Picture(graph, drawing, settings, refold)


def _refuse_too_many(graph: Graph, level: Level) -> None:
    cards = (
        len(graph.forward) if level == "op" else sum(node.op is None or graph.name(node) is not None for node in graph.forward)
    )
    if cards > LARGE:
        more = f"{cards:,} cards are more than the {LARGE:,} that are drawn, or folded by name"
        raise ValueError(f"{more}: leave `fold` out, and they are drawn by lines of code")


def _large(named: NamedByLine, values: bool, lens: str | None, marked: bool) -> Drawing:
    drawing = by_lines_of_code(named, values)
    add_failure(drawing, named)
    if marked:
        mark_nonfinite(drawing)
    if lens is not None:
        LENSES[lens](drawing, named)
        for card in drawing.cards:
            if len(card.members) > 1:
                card.results += finding_lines([finding for finding in card.findings if not finding.backward])
    return drawing
