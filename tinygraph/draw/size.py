"""How large a drawing is for a layout engine: it puts cards in ranks, and its time grows with how many ranks the edges cross."""

from __future__ import annotations

from collections import defaultdict

from tinygraph.draw.cards import Drawing

MOST = 200  # cards that a picture shows before it folds by itself
LONG = 4_000  # ranks that its edges cross together before it does: Graphviz lays out as many in one to two seconds
TOO_LONG = 12_000  # ranks that are not even tried: Graphviz takes ten seconds or more


def is_small(drawing: Drawing) -> bool:
    """Whether a drawing can be read, and is laid out while one waits."""
    return len(drawing.cards) <= MOST and length(drawing) <= LONG


def length(drawing: Drawing) -> int:
    """How many ranks the edges cross together. A card is as early as what it reads allows, or late where that is shorter.

    Edges from module to module leave the ranks as they are: Graphviz puts the frames beside each other.
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
