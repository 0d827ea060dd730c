"""The size of a drawing: the room that its picture takes, and the work of the layout engine, which puts cards in ranks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tinygraph.draw.cards import Card, CardLine, Drawing
from tinygraph.express.text import width

MOST = 5.0  # screens; a picture that takes more is folded automatically
SCREEN = (1400, 900)  # pixels
COLUMN, LINE, PADDING = 6.3, 21, 12  # pixels of a letter, a line of text, and around a line
APART, ABOVE, PASSING = 54, 12, 20  # pixels between two ranks, between two cards of one rank, and for an edge that passes a rank

MANY = 200  # cards, and the ranks that all edges together cross: Graphviz lays this out in one to two seconds
LONG = 4_000
TOO_LONG = 12_000  # ranks for which no layout is tried: Graphviz takes ten seconds or more


def is_small(drawing: Drawing) -> bool:
    """Whether a picture opens as it is, since it takes a few screens at most."""
    return screens(drawing) <= MOST


def is_quick(drawing: Drawing) -> bool:
    """Whether a drawing can be laid out in a few seconds."""
    return len(drawing.cards) <= MANY and length(drawing) <= LONG


def screens(drawing: Drawing) -> float:
    """How many screens a picture fills, side by side and one below the other: a long chain some, a recurrence very many.

    A leaf with many readers has long edges, and each of them takes room in every rank that it passes.
    """
    ranks = _ranks(drawing, one_frame=True)
    wide: dict[int, float] = defaultdict(float)
    high: dict[int, float] = defaultdict(float)
    for card in drawing.cards:
        across, down = _room(card)
        wide[ranks[card.key]] = max(wide[ranks[card.key]], across)
        high[ranks[card.key]] += down + ABOVE
    for edge in drawing.edges:
        early, late = sorted((ranks[edge.source], ranks[edge.target]))
        for rank in range(early + 1, late):
            high[rank] += PASSING
    extent = sum(wide.values()) + APART * max(len(wide) - 1, 0), max(high.values(), default=0.0)
    return max(extent[0] / SCREEN[0], 1.0) * max(extent[1] / SCREEN[1], 1.0)


def _room(card: Card) -> tuple[float, float]:
    """About how wide and how high a card is."""
    inputs = [line for row in card.rows for line in row.lines]
    titles = [CardLine(card.title)] if card.is_titled else []
    across = max(_across(titles), _across(inputs) + _across(card.results))
    return across, LINE * (len(titles) + max(len(inputs), len(card.results)))


def _across(lines: Iterable[CardLine]) -> float:
    return max((COLUMN * width(line.text) + PADDING for line in lines), default=0.0)


def length(drawing: Drawing) -> int:
    """The number of ranks that all edges together cross.

    Edges between modules do not change the ranks: Graphviz puts the frames of modules beside each other.
    """
    rank = _ranks(drawing)
    return sum(abs(rank[edge.target] - rank[edge.source]) for edge in drawing.edges)


def _ranks(drawing: Drawing, one_frame: bool = False) -> Mapping[str, int]:
    """The rank of each card: the first one after its inputs, or the last one before its readers where that makes edges shorter.

    The cards of each module have ranks of their own, unless all have `one_frame`.
    """
    place = {card.key: (i, () if one_frame else card.module) for i, card in enumerate(drawing.cards)}
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
    return rank
