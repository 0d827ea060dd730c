"""What a page shows on one drawing of a walk: its lines, their flags, the widths of its edges, and what each step highlights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinygraph.backprop import by_number
from tinygraph.draw.cards import Drawing
from tinygraph.draw.keys import edge_id, lines_of
from tinygraph.express.holes import Hole, Text
from tinygraph.program.statements import program_of
from tinygraph.stepping.highlights import Highlights
from tinygraph.stepping.pictures import line_texts
from tinygraph.stepping.routes import nodes_of
from tinygraph.stepping.stepper import Chapter
from tinygraph.stepping.timeline import Step


def drawn(chapter: Chapter, drawing: Drawing) -> dict[str, Any]:
    """All texts of a drawing in one chapter."""
    return {
        "lines": line_texts(drawing),
        "widths": _widths(chapter, drawing),
        "flags": {x.key: Text(x.shown.flag) for card in drawing.cards for x in lines_of(card) if x.shown.flag is not None},
        "inactive": dict(_inactive(drawing)),
    }


def lit(chapter: Chapter, drawing: Drawing, steps: Sequence[Step]) -> dict[str, Any]:
    """What each step highlights and reveals, and the cards of the values of each route; all chapters have the same."""
    highlights = Highlights(chapter, drawing)
    cards = [map(highlights.card_of, nodes_of(routes)) for routes in program_of(chapter.graph).routes]
    return {
        "highlighted": [highlights.highlighted(step) for step in steps],
        "reveals": [highlights.revealed(step) for step in steps],
        "cards": [[card and card.key for card in several] for several in cards],
    }


def _inactive(drawing: Drawing) -> Iterator[tuple[str, Text]]:
    """Whether the local derivative is 0, for each line and edge of an input of a card."""
    cards = {card.key: card for card in drawing.cards}
    for card in drawing.cards:
        yield from ((x.key, x.row.inactive) for x in lines_of(card) if x.row is not None and x.row.inactive is not None)
    for edge in drawing.edges:
        found = cards[edge.target].rows[edge.row].inactive
        if found is not None:
            yield edge_id(edge), found


def _widths(chapter: Chapter, drawing: Drawing) -> dict[str, list[list[Hole]]]:
    """By backward edge the sizes of the gradients along it: contributions, or where the cards are folded whole gradients."""
    request = chapter.graph._latest_request
    if request is None:
        return {}
    flow = program_of(chapter.graph).flow
    cards = {card.key: card for card in drawing.cards}
    known = request.gradients.keys()
    found: dict[str, list[list[Hole]]] = {}
    for edge in drawing.edges:
        source, target = cards[edge.source], cards[edge.target]
        upstream = None if target.statement is None else request.gradients.get(target.statement.node)
        passed = {} if upstream is None or not edge.backward else flow.passed(upstream)
        nodes = target.rows[edge.row].gradients_of & source.members & known if edge.backward else ()
        carried = [passed[x].node if x in passed else request.gradients[x] for x in sorted(nodes, key=by_number)]
        if sizes := [[Hole(node, "mean")] for node in carried if node.size]:
            found[edge_id(edge)] = sizes
    return found
