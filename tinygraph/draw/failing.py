"""What is wrong, on red cards: the op that failed, behind what it would have read, and what a judge found of a value."""

from __future__ import annotations

from tinygraph.draw.cards import LONGEST, Card, CardLine, CardRow, Drawing, Edge, NamedGraph, shape_of, wrapped
from tinygraph.express.text import cut

KEY = "failed"


def add_failure(drawing: Drawing, named: NamedGraph) -> None:
    """Add the card of the op at which the graph ends, if it failed, and the edges from its operands."""
    failure, outputs = named.graph._failure, named.graph.outputs
    if failure is None:
        return
    keys = {node: card.key for card in drawing.cards for node in card.members}
    rows = []
    for name, described, place in zip(failure.names, failure.described, failure.reads, strict=True):
        node = None if place is None else outputs[place]
        text = f"{name}: {described}" if node is None else f"{named.name(node)}{shape_of(node)}"
        rows.append(CardRow([CardLine(cut(text, LONGEST))], () if node is None else (node,)))
        if node is not None:
            drawing.edges.append(Edge(keys[node], KEY, len(rows) - 1, backward=False))
    results = [
        *(CardLine(line, mark="bad") for line in wrapped(failure.reason)),
        CardLine(cut(f"at {failure.place}", LONGEST)),
        *(CardLine(line) for line in wrapped(f"fix: {failure.fix}" if failure.fix else "")),
    ]
    title = f"✗ {failure.call}"
    drawing.cards.append(Card(KEY, "failed", cut(title, LONGEST), rows, results, mark="bad", whole_title=title))
