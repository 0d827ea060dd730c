"""What a referee says of values and gradients that were computed by hand, on their cards: ✓, ✗ with the reason, (✓) for what
follows from an earlier wrong one. Only the card of the first wrong one is red."""

from __future__ import annotations

from collections.abc import Mapping

from tinygraph.draw.cards import LONGEST, Card, CardLine, Drawing, Finding, NamedGraph, wrapped
from tinygraph.express.text import cut
from tinygraph.node import Node
from tinygraph.program.statements import program_of
from tinygraph.referee.report import Report, Verdict

SIGNS = {"right": "✓", "wrong": "✗", "follows": "(✓)"}
MARKS = {"right": "good", "wrong": "bad", "follows": "weak"}


def mark(report: Report, drawing: Drawing, named: NamedGraph) -> None:
    """Put each verdict on the card of its value; the note counts them, and has those without a card."""
    places = _places(report, drawing, named)
    for verdict in report.verdicts:
        if verdict.name in places and verdict.status in SIGNS:
            card, backward = places[verdict.name]
            _mark_line(card, verdict, backward)
            if verdict is report.first:
                card.mark = "bad"
    first = "" if report.first is None else f"; the first wrong one is {report.first.name}"
    drawing.notes.append(f"{report.summary}{first}")
    unseen = [v for v in report.verdicts if v.name not in places or v.status not in SIGNS]
    drawing.notes += [cut(" ".join(f"{v}".split()), LONGEST) for v in unseen]


def _places(report: Report, drawing: Drawing, named: NamedGraph) -> Mapping[str, tuple[Card, bool]]:
    """The card of each name, and whether the name is that of its gradient."""
    program = program_of(report.graph)
    places: dict[str, tuple[Card, bool]] = {}

    def stand(node: Node, card: Card, backward: bool) -> None:
        if program.is_named(node):
            places[program.name(node)] = card, backward

    for card in drawing.cards:
        for node in card.members:
            stand(node, card, False)
            if node in named.gradients:
                stand(named.gradients[node], card, True)
    return places


def _mark_line(card: Card, verdict: Verdict, backward: bool) -> None:
    """A check mark before what is right; the reason below what is not, whose number is the right one."""
    sign, mark = SIGNS[verdict.status], MARKS[verdict.status]
    text = f"{sign} {verdict.name}" + (f": {verdict.text.splitlines()[0]}" if verdict.text else "")
    card.findings.append(Finding("verdicts", verdict.status, mark, verdict.name, text, backward))
    if len(card.members) > 1:
        return
    last = max(i for i, line in enumerate(card.results) if line.backward is backward)
    line = card.results[last]
    if verdict.status == "right":
        card.results[last] = CardLine(f"{sign} {line.text}", backward, mark)
    else:
        lines = [part for sentence in verdict.text.splitlines() for part in wrapped(f"{sign} {sentence}")]
        card.results[last + 1 : last + 1] = [CardLine(part, backward, mark) for part in lines]
