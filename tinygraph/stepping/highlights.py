"""What each step highlights in a drawing of a walk: a card, the edges it follows, and the lines it reveals.

A line stays hidden until every step that reveals it is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tinygraph.draw.cards import Card, Drawing, Edge
from tinygraph.draw.keys import edge_id, lines_of
from tinygraph.node import Node
from tinygraph.stepping.pictures import drawing
from tinygraph.stepping.stepper import Chapter
from tinygraph.stepping.timeline import Step


class Highlights:
    """What each step of one chapter highlights in a drawing, which is that of its picture if it is not given."""

    def __init__(self, chapter: Chapter, shown: Drawing | None = None) -> None:
        shown = drawing(chapter) if shown is None else shown
        self._cards = {node: card for card in shown.cards for node in card.members}
        self._forward: dict[str, list[Edge]] = defaultdict(list)  # the edges to a card
        self._backward: dict[str, list[Edge]] = defaultdict(list)  # those from a card
        for edge in shown.edges:
            (self._backward[edge.source] if edge.backward else self._forward[edge.target]).append(edge)
        request = chapter.graph._latest_request
        self._gradients = set() if request is None else set(request.gradients.values())  # that the picture shows
        self._output = None if request is None else request.output
        self._unreached = chapter.graph.without_gradient()
        self._values: dict[Node, list[str]] = defaultdict(list)
        self._gradients_of: dict[Node, list[str]] = defaultdict(list)
        self._passed: dict[Node, list[tuple[Card, str]]] = defaultdict(list)
        for card in shown.cards:
            for key, line, row, _ in lines_of(card):
                for node in line.of:
                    (self._gradients_of if line.backward else self._values)[node].append(key)
                for node in row.gradients_of if row is not None and line.backward and not line.of else ():
                    self._passed[node].append((card, key))

    def card(self, step: Step) -> Card | None:
        """The card of the value that a step computes, or whose gradient it computes; None where the picture has none."""
        return self.card_of(step.node) or self.card_of(step.of)

    def card_of(self, node: Node) -> Card | None:
        """The card of a value."""
        return self._cards.get(node)

    def highlighted(self, step: Step) -> list[str]:
        """The card of a step and the edges along which its value or gradient passes."""
        card = self.card(step)
        return [] if card is None else [card.key, *self._edges(step, card.key)]

    def _edges(self, step: Step, key: str) -> Iterator[str]:
        if step.phase != "update" and step.node in self._values:
            yield from map(edge_id, self._forward[key])
        if step.node in self._gradients:
            reader = None if step.reader is None or step.part is None else self._cards.get(step.reader)
            yield from (edge_id(edge) for edge in self._backward[key] if reader is None or reader.key == edge.target)

    def revealed(self, step: Step) -> list[str]:
        """The lines that a step reveals: a value's, or a gradient's and those of its contributions."""
        if step.node in self._values:
            return self._values[step.node]
        if step.node not in self._gradients:
            return []
        passed = [key for card, key in self._passed[step.of] if step.part is None or step.reader in card.members]
        none = [key for node in self._unreached for key in self._gradients_of[node]] if step.of is self._output else []
        return none + self._gradients_of[step.of] + passed
