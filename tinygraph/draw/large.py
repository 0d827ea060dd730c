"""A graph too large for statements, drawn by the lines of code that made its nodes: one card a line, with how many it made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

from tinygraph.backprop import between
from tinygraph.draw.cards import Card, Drawing, Edge, Kind, Line, Row, norm, shape_of, value_text
from tinygraph.draw.size import is_small
from tinygraph.errors import counted
from tinygraph.express.layout import symbol
from tinygraph.express.plain import plain
from tinygraph.express.table import cut
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.requests import Request

LINES = 150  # cards; further lines share the last one
WIDTH = 48


class Words:
    """What values are called that have no statements: by their names, else by the lines that made them."""

    def __init__(self, graph: Graph, backward: bool = True) -> None:
        self.graph = graph
        self.request = graph._latest_request if backward else None
        self.gradients = dict(self.request.gradients) if self.request is not None else {}
        self._lines: dict[Hashable, str] = {}

    def name(self, node: Node) -> str:
        """A value's variable, or the line that made it."""
        name = self.graph.name(node)
        return cut(self.line(node), 24) if name is None else plain(symbol(name))

    def line(self, node: Node) -> str:
        """The line of code that made a node."""
        spot = _spot(node)
        if spot not in self._lines:
            place = node.place
            text = place.text or f"{place.function} line {place.line}"
            self._lines[spot] = f"{cut(text, WIDTH)}{f'  ({node.kind}s)' if node.op is None else ''}"
        return self._lines[spot]

    def gradient_name(self, node: Node) -> str:
        """What the gradient of a value is called."""
        name = self.graph.name(self.gradients[node])
        return f"d{self.name(node)}" if name is None else plain(symbol(name))


def by_lines_of_code(words: Words, values: bool = True) -> Drawing:
    """One card for each line of code, or for each scope where there are scopes; for fewer lines where that would not fit."""
    lines = LINES
    while not is_small(drawing := _drawn(words, values, lines)) and lines > 1:
        lines //= 2
    return drawing


def _drawn(words: Words, values: bool, lines: int) -> Drawing:
    graph = words.graph
    groups = _groups(words, lines)
    home = {node: f"n{i}" for i, nodes in enumerate(groups.values()) for node in nodes}
    on_path = _on_path(graph, words.request) if words.request is not None else set()
    cards: list[Card] = []
    edges: list[Edge] = []
    outputs = set(graph.outputs)
    for i, (label, nodes) in enumerate(groups.items()):
        key = f"n{i}"
        rows = list(_rows(words, nodes, home, on_path))
        cards.append(_card(words, key, label, nodes, rows, values, not outputs.isdisjoint(nodes), on_path))
        for j, row in enumerate(rows):
            source = home[row.nodes[0]]
            edges += [Edge(source, key, j, backward) for backward in ((False, True) if row.backward else (False,))]
    note = f"{len(graph):,} nodes, drawn by line of code in {counted(len(cards), 'card')}"
    return Drawing(cards, edges, [note])


def _rows(words: Words, nodes: list[Node], home: Mapping[Node, str], on_path: set[Node]) -> Iterator[Row]:
    """One row for each card that this one reads from, with the first value that it reads."""
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
        lines = [Line(f"{words.name(x)}{shape_of(x)}")]
        if source in passed:
            lines.append(Line(f"{words.gradient_name(x)} += …" if x in words.gradients else "gradient", backward=True))
        yield Row(lines, (x,), frozenset(passed[source]))


def _groups(words: Words, lines: int) -> dict[str, list[Node]]:
    """The forward nodes by scope, else by line of code; leaves apart from what is computed, and literals left out."""
    scopes, literals = words.graph._scopes(), words.graph._units()
    groups: dict[str, list[Node]] = {}
    for node in (node for node in words.graph.forward if node not in literals):
        scope = scopes.get(node, ())
        label = scope[0] if scope else words.line(node)
        if label not in groups and len(groups) >= lines:
            label = "further lines"
        groups.setdefault(label, []).append(node)
    return groups


def _spot(node: Node) -> Hashable:
    return node.code, node.instruction, node.op is None


def _on_path(graph: Graph, request: Request) -> set[Node]:
    all_lead_there = len(graph.outputs) == 1 and request.output is graph.outputs[0]
    return set(between(request.output, list(request.gradients), graph.forward if all_lead_there else ()))


def _card(
    words: Words, key: str, label: str, nodes: list[Node], rows: list[Row], values: bool, final: bool, on_path: set[Node]
) -> Card:  # fmt: skip
    last = nodes[-1]
    leaves = last.op is None
    title = f"{label} × {len(nodes):,}" if len(nodes) > 1 else label
    value = f" = {value_text(last.value)}" if values and not last.shape else ""
    name = "last" if words.graph.name(last) is None else words.name(last)
    results = [Line(f"{name}{shape_of(last)}{value}", of=(last,))]
    gradient = words.gradients.get(last)
    if gradient is not None:
        size = f" = {value_text(gradient.value)}" if not last.shape else f"{shape_of(last)}  {norm(gradient.value)}"
        results.append(Line(f"{words.gradient_name(last)}{size if values else ''}", backward=True, of=(last,)))
    elif last in on_path:
        results.append(Line("gradient: name it to see it", backward=True))
    kind: Kind = "loss" if final else "parameter" if leaves and last.kind == "parameter" else "input" if leaves else "module"
    folds = "" if leaves and len(nodes) == 1 else label
    return Card(key, kind, title, rows, results, node=last, gradient=gradient, members=frozenset(nodes), folds=folds)
