"""What a referee says of values and gradients that were computed by hand, on their cards: ✓, ✗ with the reason, (✓) for what
follows from an earlier wrong one. Only the card of the first wrong one is red."""

from __future__ import annotations

from tinygraph.draw.cards import LONGEST, Card, CardLine, Drawing, Finding, NamedGraph, wrapped
from tinygraph.express.text import cut
from tinygraph.node import Node
from tinygraph.referee.report import Report, Verdict

SIGNS = {"right": "✓", "wrong": "✗", "follows": "(✓)"}
MARKS = {"right": "good", "wrong": "bad", "follows": "weak"}


def mark(report: Report, drawing: Drawing, named: NamedGraph) -> None:
    """Put each verdict on the card of its value; the note counts them, and has those without a card."""
    cards: dict[Node | None, Card] = {node: card for card in drawing.cards for node in card.members}
    may_stand = (v for v in report.verdicts if v.node in cards and (named.request is not None or not v.is_gradient))
    shown = [(v, cards[v.node]) for v in may_stand if v.status in SIGNS]
    for verdict, card in shown:
        _mark_line(card, verdict, verdict.is_gradient)
        if verdict is report.first:
            card.mark = "bad"
    first = "" if report.first is None else f"; the first wrong one is {report.first.name}"
    drawing.notes.append(f"{report.summary}{first}")
    seen = {id(verdict) for verdict, _ in shown}
    unseen = [v for v in report.verdicts if id(v) not in seen and v.status in ("wrong", "not judged")]
    drawing.notes += [cut(" ".join(f"{v}".split()), LONGEST) for v in unseen]


def _mark_line(card: Card, verdict: Verdict, backward: bool) -> None:
    """A check mark before what is right; the reason below what is not, whose number is the right one."""
    sign, mark = SIGNS[verdict.status], MARKS[verdict.status]
    text = f"{sign} {verdict.name}" + (f": {verdict.text.splitlines()[0]}" if verdict.text else "")
    card.findings.append(Finding("verdicts", verdict.status, mark, verdict.name, text, backward))
    if len(card.members) > 1:
        return
    last = max((i for i, line in enumerate(card.results) if line.backward is backward), default=len(card.results) - 1)
    if verdict.status == "right":
        if card.results and card.results[last].backward is backward:
            card.results[last] = CardLine(f"{sign} {card.results[last].text}", backward, mark)
    else:
        lines = [part for sentence in verdict.text.splitlines() for part in wrapped(f"{sign} {sentence}")]
        card.results[last + 1 : last + 1] = [CardLine(part, backward, mark) for part in lines]
