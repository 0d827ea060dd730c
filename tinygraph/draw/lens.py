"""Lenses: a question about the numbers, answered on the cards of a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygraph import ops
from tinygraph.check import find_nonfinite
from tinygraph.draw.cards import Card, Drawing, Line, Painter, signed
from tinygraph.express.expression import evaluate
from tinygraph.express.program import Program
from tinygraph.express.table import number
from tinygraph.node import Node

STEP = 1e-6  # relative, of central differences
TOLERANCE = 1e-5
FLAT = 0.01  # a derivative below this is as good as none
WIDEST = 4.0  # of a line, against the thinnest


def check(drawing: Drawing, painter: Painter) -> None:
    """Compare each gradient with a central difference in a random direction: ✓ where they agree, ✗ with both where not."""
    if not painter.gradients:
        raise ValueError('lens="check" compares gradients: call graph.backprop() first')
    random = np.random.default_rng(0)
    checked = wrong = 0
    for card in drawing.cards:
        if card.node is None or card.gradient is None or card.node.dtype.kind != "f":
            continue
        direction = random.standard_normal(card.node.shape) if card.node.shape else 1.0
        exact = float(np.sum(card.gradient.value * direction))
        numerical = _difference(painter, card.node, direction)
        scale = max(1.0, abs(exact), float(np.sum(np.abs(card.gradient.value * direction))))
        good = abs(exact - numerical) <= TOLERANCE * scale
        checked, wrong = checked + 1, wrong + (not good)
        _mark_gradient(card, good, "" if good else f"  ≠ {_told(exact, numerical, card.node)} by differences")
    drawing.notes.append(f"{checked - wrong} of {checked} gradients agree with finite differences")


def _told(exact: float, numerical: float, node: Node) -> str:
    """The other number; for an array both, along the direction that was tried."""
    along = f"{number(exact)} in one direction: {number(numerical)}" if node.shape else number(numerical)
    return signed(along)


def _difference(painter: Painter, node: Node, direction: Any) -> float:
    """The derivative of the output by one value, moved along a direction, by a central difference."""
    request = painter.graph.requests()[0]
    step = STEP * max(1.0, float(np.max(np.abs(node.value), initial=0)))
    ends = [
        np.sum(request.seed.value * recomputed(painter.program, {node: node.value + sign * step * direction})(request.output))
        for sign in (1, -1)
    ]
    return float((ends[0] - ends[1]) / (2 * step))


def recomputed(program: Program, changed: dict[Node, Any]) -> Callable[[Node], Any]:
    """The values of the forward program with some of them replaced."""
    values: dict[Node, Any] = dict(changed)

    def value(node: Node) -> Any:
        return values.get(node, node.value)

    for statement in program.forward:
        if statement.node not in changed and any(x in values for x in statement.inputs):
            values[statement.node] = evaluate(statement.expression, value)
    return value


def _mark_gradient(card: Card, good: bool, more: str) -> None:
    for i, line in enumerate(card.results):
        if line.backward:
            card.results[i] = Line(f"{'✓' if good else '✗'} {line.text}{more}", True, "good" if good else "bad")
    if not good:
        card.mark = "bad"


def finite(drawing: Drawing, painter: Painter) -> None:
    """Mark the card of the first op that made a NaN or infinity, with what it read."""
    found = find_nonfinite(painter.graph)
    if found is None:
        drawing.notes.append("every value and gradient is finite")
        return
    drawing.notes.append(f"{found}")
    inside = {node: card for card in drawing.cards for node in _made_in(card)}
    card = inside.get(found.node)
    if card is not None:
        card.mark = "bad"
        maker = found.node.kind if found.node.op is None else found.node.op.name
        card.results.append(Line(f"first NaN or infinity: {maker}", mark="bad"))


def _made_in(card: Card) -> Iterator[Node]:
    """The nodes that a card stands for: its members and what is inlined into them, and its gradient."""
    seen = {node for row in card.rows for node in row.nodes}
    stack = list(card.members)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            yield node
            stack += [x for x in node.inputs if isinstance(x, Node) and x.op is not None]
    if card.gradient is not None:
        yield card.gradient


def saturation(drawing: Drawing, painter: Painter) -> None:
    """Say how many entries of σ and tanh have a derivative near 0, and how many relu units are dead for every example."""
    seen = False
    for card in drawing.cards:
        for node in list(_made_in(card)):
            line = _saturated(node)
            if line is not None:
                seen = True
                card.results.append(line)
                card.mark = card.mark or line.mark
    if not seen:
        drawing.notes.append("there is no sigmoid, tanh or relu in this graph")


def _saturated(node: Node) -> Line | None:
    measure = FLATNESS.get(node.op) if node.op is not None else None
    if measure is None:
        return None
    label, share = measure(node.value)
    return Line(f"{label}: {share:.0%}", mark="bad" if share >= 0.5 else "weak")


def _dead(a: Any) -> tuple[str, float]:
    units = np.reshape(a, (-1, np.shape(a)[-1])) if np.ndim(a) > 1 else np.reshape(a, (1, -1))
    return "dead units", float(np.mean(np.all(units <= 0, axis=0)))


FLATNESS: dict[Any, Callable[[Any], tuple[str, float]]] = {
    ops.sigmoid: lambda a: (f"σ′ < {FLAT}", float(np.mean(a * (1 - a) < FLAT))),
    ops.tanh: lambda a: (f"tanh′ < {FLAT}", float(np.mean(1 - np.square(a) < FLAT))),
    ops.relu: _dead,
}


def gradient_norm(drawing: Drawing, painter: Painter) -> None:
    """Draw each backward edge as wide as its gradient is large, on a scale of powers of ten."""
    if not painter.gradients:
        raise ValueError('lens="norm" shows gradients: call graph.backprop() first')
    nodes = {card.key: card.gradient for card in drawing.cards}
    sizes = {key: float(np.sqrt(np.mean(np.square(g.value)))) for key, g in nodes.items() if g is not None and g.size}
    powers = {key: np.log10(size) for key, size in sizes.items() if size > 0 and np.isfinite(size)}
    low, high = min(powers.values(), default=0.0), max(powers.values(), default=0.0)
    for i, edge in enumerate(drawing.edges):
        if edge.backward:
            level = (powers.get(edge.source, low) - low) / (high - low) if high > low else 0.0
            drawing.edges[i] = edge._replace(weight=1 + (WIDEST - 1) * float(level))
    if powers:
        text = f"width: root mean square of the gradient, {10.0**low:.1e} (thin) to {10.0**high:.1e} (wide)"
        drawing.notes.append(signed(text))


LENSES: dict[str, Callable[[Drawing, Painter], None]] = {
    "check": check,
    "finite": finite,
    "saturation": saturation,
    "norm": gradient_norm,
}
