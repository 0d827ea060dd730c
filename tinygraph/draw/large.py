"""A graph that is too large for statements: one card for each line of code, with the number of nodes that it recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

import numpy as np

from tinygraph.backprop import between
from tinygraph.draw.cards import NAME, Card, CardLine, CardRow, Drawing, Edge, Kind, shape_of, size
from tinygraph.draw.size import is_quick
from tinygraph.express.holes import Hole, Text
from tinygraph.express.layout import symbol
from tinygraph.express.plain import plain
from tinygraph.express.text import cut, cut_inside
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.requested import Request
from tinygraph.sparse import stored
from tinygraph.wording import counted

LINES = 150  # of code that have a card; further lines share the last one
WIDTH = 48


class NamedByLine:
    """A graph whose values are called by their names, or else by the lines of code that recorded them."""

    def __init__(self, graph: Graph, backward: bool = True) -> None:
        self.graph = graph
        self.request = graph._latest_request if backward else None
        self.gradients = dict(self.request.gradients) if self.request is not None else {}
        self._lines: dict[Hashable, str] = {}

    def name(self, node: Node) -> str:
        """The variable of a value, or the line that recorded it."""
        name = self.graph.name(node)
        return cut(self.line(node), NAME) if name is None else cut_inside(plain(symbol(name)), NAME)

    def line(self, node: Node) -> str:
        """The line of code that recorded a node."""
        key = _line_key(node)
        if key not in self._lines:
            place = node.place
            text = place.text or f"{place.function} line {place.line}"
            self._lines[key] = f"{cut(text, WIDTH)}{f'  ({node.kind}s)' if node.op is None else ''}"
        return self._lines[key]

    def gradient_name(self, node: Node) -> str:
        """The name of the gradient of a value."""
        name = self.graph.name(self.gradients[node])
        return f"d{self.name(node)}" if name is None else cut_inside(plain(symbol(name)), NAME)


def by_lines_of_code(named: NamedByLine, values: bool = True) -> Drawing:
    """One card for each line of code, or for each scope if there are scopes; for fewer lines if the drawing gets too large."""
    lines = LINES
    while not is_quick(drawing := _drawn(named, values, lines)) and lines > 1:
        lines //= 2
    return drawing


def mark_nonfinite(drawing: Drawing) -> None:
    """Mark the cards of the lines that made a NaN or an infinity, with the number of these values."""
    for card in drawing.cards:
        lost = sum(node.dtype.kind == "f" and not np.isfinite(stored(node.value)).all() for node in card.members)
        if lost:
            card.results.append(CardLine(f"⚠ NaN or infinity: {counted(lost, 'value')}", mark="bad"))
            card.mark = "bad"


def _drawn(named: NamedByLine, values: bool, lines: int) -> Drawing:
    graph = named.graph
    groups = _groups(named, lines)
    home = {node: f"n{i}" for i, nodes in enumerate(groups.values()) for node in nodes}
    on_path = _on_path(graph, named.request) if named.request is not None else set()
    cards: list[Card] = []
    edges: list[Edge] = []
    outputs = set(() if graph._is_partial else graph.outputs)
    for i, (label, nodes) in enumerate(groups.items()):
        key = f"n{i}"
        rows = list(_rows(named, nodes, home, on_path))
        cards.append(_card(named, key, label, nodes, rows, values, not outputs.isdisjoint(nodes), on_path))
        for j, row in enumerate(rows):
            source = home[row.nodes[0]]
            edges += [Edge(source, key, j, backward) for backward in ((False, True) if row.gradients_of else (False,))]
    note = f"{len(graph):,} nodes, drawn by line of code in {counted(len(cards), 'card')}"
    return Drawing(cards, edges, [note])


def _rows(named: NamedByLine, nodes: list[Node], home: Mapping[Node, str], on_path: set[Node]) -> Iterator[CardRow]:
    """One row for each card that this card reads, with the first value that it reads there."""
    own = home[nodes[0]]
    first: dict[str, Node] = {}
    passed: dict[str, set[Node]] = defaultdict(set)
    for node in nodes:
        for x in node.inputs:
            if isinstance(x, Node) and home.get(x, own) != own:
                first.setdefault(home[x], x)
                if x in on_path and node in on_path:
                    passed[home[x]].add(x)
    for source, x in first.items():
        lines = [CardLine(f"{named.name(x)}{shape_of(x)}")]
        if source in passed:
            lines.append(CardLine(f"{named.gradient_name(x)} += …" if x in named.gradients else "gradient", backward=True))
        yield CardRow(lines, (x,), frozenset(passed[source]))


def _groups(named: NamedByLine, lines: int) -> dict[str, list[Node]]:
    """The forward nodes by scope, or else by line of code; leaves and computed values are separate, and seeds are left out."""
    scopes, literals = named.graph._names.scopes, named.graph._units()
    groups: dict[str, list[Node]] = {}
    for node in (node for node in named.graph.forward if node not in literals):
        scope = scopes.get(node, ())
        label = scope[0] if scope else named.line(node)
        if label not in groups and len(groups) >= lines:
            label = "further lines"
        groups.setdefault(label, []).append(node)
    return groups


def _line_key(node: Node) -> Hashable:
    return node.code, node.instruction, node.op is None


def _on_path(graph: Graph, request: Request) -> set[Node]:
    all_lead_there = len(graph.outputs) == 1 and request.output is graph.outputs[0]
    return set(between(request.output, list(request.gradients), graph.forward if all_lead_there else ()))


def _card(
    named: NamedByLine,
    key: str,
    label: str,
    nodes: list[Node],
    rows: list[CardRow],
    values: bool,
    is_loss: bool,
    on_path: set[Node],
) -> Card:
    last = nodes[-1]
    is_leaf = last.op is None
    title = f"{label} × {len(nodes):,}" if len(nodes) > 1 else label
    name = "last" if named.graph.name(last) is None else named.name(last)
    value: list[str | Hole] = [" = ", Hole(last, "signed")] if values and not last.shape else []
    results = [CardLine(Text(f"{name}{shape_of(last)}", *value), of=(last,))]
    gradient = named.gradients.get(last)
    if gradient is not None:
        shown = [shape_of(last), size(gradient)] if values else []
        results.append(CardLine(Text(named.gradient_name(last), *shown), backward=True, of=(last,)))
    elif last in on_path:
        results.append(CardLine("gradient: name it to see it", backward=True))
    leaf_kind: Kind = "parameter" if last.kind == "parameter" else "input"
    kind: Kind = "loss" if is_loss else leaf_kind if is_leaf else "module"
    stands_for = "" if is_leaf and len(nodes) == 1 else label
    return Card(key, kind, title, rows, results, node=last, gradient=gradient, members=frozenset(nodes), stands_for=stands_for)
