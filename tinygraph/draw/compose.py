"""From a graph to its picture: first the cards, then folding, then a lens; a large graph is drawn by lines of code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygraph.draw.cards import CardWriter, Drawing, finding_lines, mark_remarks, unfolded
from tinygraph.draw.choice import one_of
from tinygraph.draw.failing import add_failure
from tinygraph.draw.folding import Fold, folded
from tinygraph.draw.large import NamedByLine, by_lines_of_code, mark_nonfinite
from tinygraph.draw.lens import LENSES, Lens
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
    lens: str | Lens | None = None,
    marked: bool = True,
) -> Picture:
    """The picture of a graph; `Graph.draw` documents the settings.

    A lens may be a function of the drawing, too. Flags make cards red unless a lens marks cards, or a page does it by itself.
    """
    look = None if lens is None else lens if callable(lens) else LENSES[one_of("lens", lens, tuple(LENSES))]
    one_of("values", values, (True, False))
    one_of("backward", backward, (True, False))
    settings = {"level": level, "values": values, "direction": direction, "theme": theme, "backward": backward, "lens": lens}
    if len(graph.forward) > LARGE and (fold is None or fold is True):
        return Picture(graph, _large(NamedByLine(graph, backward), values, look, values and marked and lens is None), settings)
    _refuse_too_many(graph, level)
    writer = CardWriter(program_of(graph, level), values, backward)
    whole: Drawing = unfolded(writer)
    add_failure(whole, writer)
    if look is not None and lens != "norm":
        look(whole, writer)
    if marked and lens is None:
        mark_remarks(whole)
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


def _large(named: NamedByLine, values: bool, look: Lens | None, marked: bool) -> Drawing:
    drawing = by_lines_of_code(named, values)
    add_failure(drawing, named)
    if marked:
        mark_nonfinite(drawing)
    if look is not None:
        look(drawing, named)
        for card in drawing.cards:
            if len(card.members) > 1:
                card.results += finding_lines([finding for finding in card.findings if not finding.backward])
    return drawing
