"""Lenses: a question about the numbers, answered on the cards of a picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from tinygraph import ops
from tinygraph.backprop import by_number
from tinygraph.check import find_nonfinite
from tinygraph.draw.cards import LONGEST, Card, Drawing, Edge, Finding, Line, euclidean, value_text
from tinygraph.draw.differences import Differences, OutOfTimeError, Verdict
from tinygraph.errors import counted
from tinygraph.express.layout import signed
from tinygraph.express.table import cut
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.requests import Request

SECONDS = 5.0  # for all differences of one picture
FLAT = 0.01  # a derivative below this is as good as none
WIDEST = 4.0  # of a line, against the thinnest
SIGNS = {True: "✓", False: "✗", None: "?"}
MARKS = {True: "good", False: "bad", None: "weak"}
COUNTED = {True: "gradients right", False: "gradients wrong", None: "gradients that differences cannot check"}


class Words(Protocol):
    """The graph that is looked at, and what its values and gradients are called on the cards."""

    graph: Graph
    request: Request | None
    gradients: dict[Node, Node]

    def name(self, node: Node) -> str:
        """What a value is called."""

    def gradient_name(self, node: Node) -> str:
        """What the gradient of a value is called."""


def _request(words: Words, what: str) -> Request:
    """The gradients that a lens looks at, which have to be there."""
    if words.request is None:
        raise ValueError(f"{what}: {'leave backward=False out' if words.graph._requests() else 'call graph.backprop() first'}")
    return words.request


def check(drawing: Drawing, words: Words) -> None:
    """Compare each gradient with finite differences: ✓ where they agree, ✗ with both where not, ? where they cannot decide."""
    request = _request(words, 'lens="check" compares gradients')
    cards = [card for card in drawing.cards if card.gradient is not None and card.node is not None]
    verdicts: list[bool | None] = []
    with np.errstate(all="ignore"), suppress(OutOfTimeError):
        differences = Differences(request, words.gradients, end=time.monotonic() + SECONDS)
        for card in cards:
            assert card.node is not None
            verdict = differences.verdict(card.node)
            verdicts.append(verdict.right)
            _mark_gradient(card, verdict, words.gradient_name(card.node))
    right, open_ = sum(v is True for v in verdicts), sum(v is None for v in verdicts)
    checked = counted(len(verdicts), "gradient")
    note = f"{right} of {checked} {'agrees' if len(verdicts) == 1 else 'agree'} with finite differences"
    if verdicts:
        drawing.notes.append(f"{note}; {open_} could not be checked" if open_ else note)
    if len(verdicts) < len(cards):
        left = f"{len(cards) - len(verdicts)} of {counted(len(cards), 'gradient')}"
        drawing.notes.append(f"{left} not checked: {SECONDS:g} s were over")


def _mark_gradient(card: Card, verdict: Verdict, name: str) -> None:
    more = {True: "", False: f"  ≠ {_both(card, verdict)} by differences", None: "  not checkable by differences"}[verdict.right]
    mark = MARKS[verdict.right]
    for i, line in enumerate(card.results):
        if line.backward:
            text = f"{SIGNS[verdict.right]} {line.text}{more}"
            card.results[i] = Line(text, True, mark)
            card.found.append(Finding("gradients", COUNTED[verdict.right], mark, name, text, backward=True))
    if verdict.right is False:
        card.mark = "bad"


def _both(card: Card, verdict: Verdict) -> str:
    """The other number; for an array both, at one entry or along the direction that was tried."""
    exact, numerical = value_text(np.float64(verdict.exact)), value_text(np.float64(verdict.numerical))
    assert card.node is not None
    return f"{exact} {verdict.where or 'in one direction'}: {numerical}" if card.node.shape else numerical


def find(card: Card, finding: Finding) -> None:
    """Put a finding on a card; a folded card shows its findings together."""
    card.found.append(finding)
    if len(card.members) == 1:
        card.results.append(Line(finding.text, finding.backward, finding.mark))
    if finding.mark == "bad":
        card.mark = "bad"


def finite(drawing: Drawing, words: Words) -> None:
    """Mark the card of the first op that made a NaN or infinity, with what it read."""
    found = find_nonfinite(words.graph)
    if found is None:
        drawing.notes.append("every value and gradient is finite")
        return
    drawing.notes += [cut(line.strip(), LONGEST) for line in f"{found}".splitlines()]
    elsewhere = {*words.graph.forward, *words.gradients.values()}
    inside = {node: card for card, made in _made(drawing) for node in (*made, *_behind(card.gradient, elsewhere))}
    card = inside.get(found.node)
    if card is not None:
        maker = found.node.kind if found.node.op is None else found.node.op.name
        first = "first NaN or infinity"
        find(card, Finding(first, first, "bad", _name(card, words), f"{first}: {maker}"))


def _name(card: Card, words: Words) -> str:
    return words.name(card.node) if card.node is not None else card.title


def _made(drawing: Drawing) -> Iterator[tuple[Card, list[Node]]]:
    """Each card with the nodes that it stands for: its members and what is inlined into them."""
    shown = {node for card in drawing.cards for node in card.members}
    for card in drawing.cards:
        made = sorted(card.members, key=by_number)
        seen = set(made)
        for node in made:
            inlined = [x for x in node.inputs if isinstance(x, Node) and x.op is not None and x not in shown and x not in seen]
            seen.update(inlined)
            made += inlined
        yield card, made


def _behind(gradient: Node | None, elsewhere: set[Node]) -> Iterator[Node]:
    """The gradient of a card and the nodes that it alone is made of."""
    stack = [] if gradient is None else [gradient]
    seen = set(stack)
    while stack:
        node = stack.pop()
        yield node
        inputs = [x for x in node.inputs if isinstance(x, Node) and x not in elsewhere and x not in seen]
        seen.update(inputs)
        stack += inputs


def saturation(drawing: Drawing, words: Words) -> None:
    """Count the entries of σ, tanh and the like whose derivative is near 0, and the relu units that are 0 for every example."""
    seen = False
    for card, made in _made(drawing):
        for node in made:
            measure = _measure(node)
            if measure is None or not node.size:
                continue
            seen = True
            with np.errstate(all="ignore"):
                label, share = measure(node)
            mark = "bad" if share >= 0.5 else "weak"
            many = f"with {label} for half or more" if mark == "bad" else f"with {label} for less than half"
            name = _name(card, words) if len(card.members) == 1 else words.graph.name(node) or ""
            find(card, Finding(label, many, mark, name, f"{label}: {share:.0%}"))
    if not seen:
        drawing.notes.append("there is no sigmoid, tanh or relu in this graph")


def _measure(node: Node) -> Callable[[Node], tuple[str, float]] | None:
    if node.op is None:
        return None
    return _dead if _is_relu(node) else _flat if node.op.squashes else None


def _is_relu(node: Node) -> bool:
    """Whether a node is relu, by its name or as people spell it: np.maximum(z, 0), np.where(z > 0, z, 0)."""
    if node.op is ops.relu:
        return True
    if node.op is ops.maximum:
        return any(_is_zero(x) for x in node.inputs)
    if node.op is ops.where:
        condition, z, other = node.inputs
        sign = condition.op.operator if isinstance(condition, Node) and condition.op is not None else None
        if sign is not None and sign.text in (">", ">=") and _is_zero(other):
            return condition.inputs[0] is z and _is_zero(condition.inputs[1])
    return False


def _is_zero(x: Any) -> bool:
    value = x.value if isinstance(x, Node) else x
    return (not isinstance(x, Node) or x.kind == "constant") and not np.any(value)


def _flat(node: Node) -> tuple[str, float]:
    assert node.op is not None
    slope = node.op.rules[0](1.0, node.value, *(x.operand if isinstance(x, Node) else x for x in node.inputs))
    return f"{node.op.notation}′ < {FLAT}", float(np.mean(slope < FLAT))


def _dead(node: Node) -> tuple[str, float]:
    a = node.value
    units = np.reshape(a, (-1, np.shape(a)[-1])) if np.ndim(a) > 1 else np.reshape(a, (1, -1))
    return "dead units", float(np.mean(np.all(units <= 0, axis=0)))


def gradient_norm(drawing: Drawing, words: Words) -> None:
    """Draw each backward edge as wide as the gradient that it carries is large, on a scale of powers of ten."""
    _request(words, 'lens="norm" shows gradients')
    cards = {card.key: card for card in drawing.cards}
    sizes = {i: _size(edge, cards, words) for i, edge in enumerate(drawing.edges) if edge.backward}
    powers = {i: np.log10(size) for i, size in sizes.items() if size and np.isfinite(size)}
    low, high = min(powers.values(), default=0.0), max(powers.values(), default=0.0)
    for i, size in sizes.items():
        level = 0.0 if not size else 1.0 if i not in powers else (powers[i] - low) / ((high - low) or 1.0)
        drawing.edges[i] = drawing.edges[i]._replace(weight=1 + (WIDEST - 1) * float(level))
    if powers:
        text = f"width: root mean square of the gradient, {10.0**low:.1e} (thin) to {10.0**high:.1e} (wide)"
        drawing.notes.append(signed(text))
    lost = sum(not np.isfinite(size) for size in sizes.values())
    if lost:
        drawing.notes.append(f"NaN or infinity, as wide as the largest: {lost} of {counted(len(sizes), 'gradient')}")


def _size(edge: Edge, cards: Mapping[str, Card], words: Words) -> float:
    """The root mean square of the gradients that a backward edge carries; where none is known, of that on the card at its end."""
    source, row = cards[edge.source], cards[edge.target].rows[edge.row]
    carried = [words.gradients[x] for x in row.backward & source.members if x in words.gradients]
    if not carried and source.gradient is not None:
        carried = [source.gradient]
    count = sum(gradient.size for gradient in carried)
    if not count:
        return 0.0
    return float(euclidean(np.concatenate([np.ravel(gradient.value) for gradient in carried])) / np.sqrt(count))


LENSES: dict[str, Callable[[Drawing, Words], None]] = {
    "check": check,
    "finite": finite,
    "saturation": saturation,
    "norm": gradient_norm,
}
