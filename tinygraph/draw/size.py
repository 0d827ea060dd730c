"""The size of a drawing for a layout engine: it puts cards in ranks, and its time grows with the ranks that the edges cross."""

from __future__ import annotations

from collections import defaultdict

from tinygraph.draw.cards import Drawing

MOST = 200  # cards; a picture of more is folded automatically
LONG = 4_000  # ranks that all edges together cross; Graphviz lays this out in one to two seconds, and more is folded
TOO_LONG = 12_000  # ranks for which no layout is tried: Graphviz takes ten seconds or more


def is_small(drawing: Drawing) -> bool:
    """Whether a drawing can be read, and laid out in a few seconds."""
    return len(drawing.cards) <= MOST and length(drawing) <= LONG


def length(drawing: Drawing) -> int:
    """The number of ranks that all edges together cross. Each card has the first rank after its inputs, or the last rank before
    its readers where that makes the edges shorter.

    Edges between modules do not change the ranks: Graphviz puts the frames of modules beside each other.
    """
    place = {card.key: (i, card.module) for i, card in enumerate(drawing.cards)}
    sources: dict[str, list[str]] = defaultdict(list)
    readers: dict[str, list[str]] = defaultdict(list)
    for edge in drawing.edges:
        (early, one), (late, other) = place[edge.source], place[edge.target]
        if early < late and one == other:  # folded cards may read each other
            sources[edge.target].append(edge.source)
            readers[edge.source].append(edge.target)
    rank: dict[str, int] = {}
    for key in place:
        rank[key] = max((rank[x] + 1 for x in sources[key]), default=0)
    for key in reversed(place):
        if len(readers[key]) >= max(1, len(sources[key])):
            rank[key] = min(rank[x] for x in readers[key]) - 1
    return sum(abs(rank[edge.target] - rank[edge.source]) for edge in drawing.edges)
