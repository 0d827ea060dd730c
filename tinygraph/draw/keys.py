"""The keys by which lines of cards, edges and the frames of modules are found in every picture, wherever they stand there."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tinygraph.draw.cards import Card, CardLine, CardRow, Edge


class Line(NamedTuple):
    """A line with its key, and the row that it is in."""

    key: str
    shown: CardLine
    row: CardRow | None = None
    is_title: bool = False


@dataclass
class Lines:
    """The lines of a card by their places: its title, those of each row, and those of its value and of its gradient."""

    title: list[Line]
    rows: list[list[Line]]
    value: list[Line]
    gradient: list[Line]

    def __iter__(self) -> Iterator[Line]:
        return itertools.chain(self.title, *self.rows, self.value, self.gradient)


def lines_of(card: Card) -> Lines:
    """The lines of a card with their keys."""
    keys = (f"{card.key}-{i}" for i in itertools.count())
    return Lines(
        [Line(next(keys), CardLine(card.title), is_title=True)] if card.is_titled else [],
        [[Line(next(keys), line, row) for line in row.lines] for row in card.rows],
        [Line(next(keys), line) for line in card.results if not line.backward],
        [Line(next(keys), line) for line in card.results if line.backward],
    )


def edge_id(edge: Edge) -> str:
    """The id of an edge."""
    return f"{'backward' if edge.backward else 'forward'}-{edge.source}-{edge.target}-{edge.row}"


def frame_ids(cards: Iterable[Card]) -> dict[tuple[str, ...], str]:
    """The id of the frame of each module, by its path."""
    found: dict[tuple[str, ...], str] = {}
    for card in cards:
        for depth in range(1, len(card.module) + 1):
            found.setdefault(card.module[:depth], f"frame-{card.key}-{depth}")
    return found
