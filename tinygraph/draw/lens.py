"""Lenses, which check the numbers of a graph and mark the cards of its picture: gradients, NaN, saturation, norms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from tinygraph.backprop import by_number
from tinygraph.check import find_nonfinite
from tinygraph.draw.cards import LONGEST, Card, CardLine, Drawing, Edge, Finding, NamedGraph
from tinygraph.draw.differences import Differences, OutOfTimeError, Verdict
from tinygraph.express.layout import signed
from tinygraph.express.text import cut, euclidean, number
from tinygraph.node import Node
from tinygraph.ops import maximum, relu, where
from tinygraph.requested import Request
from tinygraph.wording import counted

SECONDS = 5.0  # for all finite differences of one picture
FLAT = 0.01  # a derivative below this counts as 0
WIDEST = 4.0  # the width of the widest edge, relative to the thinnest
SIGNS = {True: "✓", False: "✗", None: "?"}
MARKS = {True: "good", False: "bad", None: "weak"}
Lens = Callable[[Drawing, NamedGraph], None]
COUNTED = {True: "gradients right", False: "gradients wrong", None: "gradients that differences cannot check"}


def _request(named: NamedGraph, what: str) -> Request:
    """The gradients for a lens; raises ValueError if there are none."""
    if named.request is None:
        raise ValueError(f"{what}: {'leave backward=False out' if named.graph._requests() else 'call graph.backprop() first'}")
    return named.request


def check(drawing: Drawing, named: NamedGraph) -> None:
    """Compare each gradient with finite differences: ✓ if they agree, ✗ with both if not, ? if the differences cannot decide."""
    request = _request(named, 'lens="check" compares gradients')
    cards = [card for card in drawing.cards if card.gradient is not None and card.node is not None]
    verdicts: list[bool | None] = []
    with np.errstate(all="ignore"), suppress(OutOfTimeError):
        differences = Differences(request, named.gradients, end=time.monotonic() + SECONDS)
        for card in cards:
            assert card.node is not None
            verdict = differences.verdict(card.node)
            verdicts.append(verdict.right)
            _mark_gradient(card, verdict, named.gradient_name(card.node))
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
            card.results[i] = CardLine(text, True, mark)
            card.findings.append(Finding("gradients", COUNTED[verdict.right], mark, name, text, backward=True))
    if verdict.right is False:
        card.mark = "bad"


def _both(card: Card, verdict: Verdict) -> str:
    """The slope by differences; for an array both slopes, at one entry or in the direction that was tried."""
    exact, numerical = (signed(number(np.float64(x))) for x in (verdict.exact, verdict.numerical))
    assert card.node is not None
    return f"{exact} {verdict.where or 'in one direction'}: {numerical}" if card.node.shape else numerical


def add_finding(card: Card, finding: Finding) -> None:
    """Put a finding on a card; a folded card gets lines about all its findings later."""
    card.findings.append(finding)
    if len(card.members) == 1:
        card.results.append(CardLine(finding.text, finding.backward, finding.mark))
    if finding.mark == "bad":
        card.mark = "bad"


def finite(drawing: Drawing, named: NamedGraph) -> None:
    """Mark the card of the first op that computed a NaN or infinity, and note its inputs."""
    found = find_nonfinite(named.graph)
    if found is None:
        drawing.notes.append("every value and gradient is finite")
        return
    drawing.notes += [cut(line.strip(), LONGEST) for line in f"{found}".splitlines()]
    elsewhere = {*named.graph.forward, *named.gradients.values()}
    inside = {node: card for card, made in _made(drawing) for node in (*made, *_behind(card.gradient, elsewhere))}
    card = inside.get(found.node)
    if card is not None:
        maker = found.node.kind if found.node.op is None else found.node.op.name
        first = "first NaN or infinity"
        add_finding(card, Finding(first, first, "bad", _name(card, named), f"{first}: {maker}"))


def _name(card: Card, named: NamedGraph) -> str:
    return named.name(card.node) if card.node is not None else card.title


def _made(drawing: Drawing) -> Iterator[tuple[Card, list[Node]]]:
    """Each card with its nodes: its members and the nodes that are inlined into them."""
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
    """The gradient of a card and the nodes that only this gradient reads."""
    stack = [] if gradient is None else [gradient]
    seen = set(stack)
    while stack:
        node = stack.pop()
        yield node
        inputs = [x for x in node.inputs if isinstance(x, Node) and x not in elsewhere and x not in seen]
        seen.update(inputs)
        stack += inputs


def saturation(drawing: Drawing, named: NamedGraph) -> None:
    """Count the entries of σ, tanh and similar ops whose derivative is near 0, and the relu units that are 0 for all examples."""
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
            name = _name(card, named) if len(card.members) == 1 else named.graph.name(node) or ""
            add_finding(card, Finding(label, many, mark, name, f"{label}: {share:.0%}"))
    if not seen:
        drawing.notes.append("there is no sigmoid, tanh or relu in this graph")


def _measure(node: Node) -> Callable[[Node], tuple[str, float]] | None:
    if node.op is None:
        return None
    return _dead if _is_relu(node) else _flat if node.op.squashes else None


def _is_relu(node: Node) -> bool:
    """Whether a node computes relu: by `relu` itself, np.maximum(z, 0) or np.where(z > 0, z, 0)."""
    if node.op is relu:
        return True
    if node.op is maximum:
        return any(_is_zero(x) for x in node.inputs)
    if node.op is where:
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


def gradient_norm(drawing: Drawing, named: NamedGraph) -> None:
    """Make each backward edge wider the larger its gradient is, on a logarithmic scale."""
    _request(named, 'lens="norm" shows gradients')
    cards = {card.key: card for card in drawing.cards}
    sizes = {i: _size(edge, cards, named) for i, edge in enumerate(drawing.edges) if edge.backward}
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


def _size(edge: Edge, cards: Mapping[str, Card], named: NamedGraph) -> float:
    """The root mean square of the gradients of a backward edge; if none is known, of the gradient on the card at its end."""
    source, row = cards[edge.source], cards[edge.target].rows[edge.row]
    carried = [named.gradients[x] for x in row.gradients_of & source.members if x in named.gradients]
    if not carried and source.gradient is not None:
        carried = [source.gradient]
    count = sum(gradient.size for gradient in carried)
    if not count:
        return 0.0
    return float(euclidean(np.concatenate([np.ravel(gradient.value) for gradient in carried])) / np.sqrt(count))


LENSES: dict[str, Lens] = {
    "check": check,
    "finite": finite,
    "saturation": saturation,
    "norm": gradient_norm,
}
