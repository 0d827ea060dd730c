"""What a picture shows: one card for each statement, leaf or folded module, and the edges between them; no layout, no colours.

A card's rows are the values that it reads, each with its local derivative, or else with the contribution to its gradient; its
right-hand side is the value that it makes, and the gradient of that. A forward edge leads from a value to its reader, a backward
edge passes the gradient from the reader to the value.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygraph.express.derivation import variables
from tinygraph.express.indices import Index
from tinygraph.express.layout import Symbol, lowered, signed, symbol
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.express.text import cut, number
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression

Kind = Literal["input", "parameter", "op", "loss", "module"]

LONGEST = 60  # characters of a line
ROWS = 12  # inputs that a card lists
LISTED = 3  # values that a folded card names


class Line(NamedTuple):
    """A line of text on a card; `backward` lines are about gradients. `of` lists the nodes whose values or gradients it shows."""

    text: str
    backward: bool = False
    mark: str = ""  # "bad" needs attention, "weak" needs none, "good" is as it should be
    of: tuple[Node, ...] = ()


class Finding(NamedTuple):
    """What a lens found for one value: its text on the value's card; on a folded card, `many` is the text after their count."""

    kind: str
    many: str
    mark: str
    name: str
    text: str
    backward: bool = False


@dataclass
class Row:
    """One input of a card (or the rest of many): its name, and its local derivative or the contribution to its gradient."""

    lines: list[Line]
    nodes: tuple[Node, ...] = ()
    backward: frozenset[Node] = frozenset()  # those that a gradient goes back to
    source: str = ""  # of a folded card: what the row stands for


@dataclass
class Card:
    """One box of the picture."""

    key: str
    kind: Kind
    title: str
    rows: list[Row] = field(default_factory=list)
    results: list[Line] = field(default_factory=list)
    module: tuple[str, ...] = ()
    node: Node | None = None
    gradient: Node | None = None
    statement: Statement | None = None
    members: frozenset[Node] = frozenset()
    mark: str = ""
    found: list[Finding] = field(default_factory=list)
    folds: str = ""  # of a folded card: the modules, or the lines of code, that it stands for

    @property
    def is_titled(self) -> bool:
        """Whether the card shows its title; a leaf's title is only its name, which the line with its value shows too."""
        return bool(self.folds) or self.kind not in ("input", "parameter")


class Edge(NamedTuple):
    """An edge from the card that computes a value to a row of a card that reads it, or its gradient's edge backward."""

    source: str
    target: str
    row: int
    backward: bool
    weight: float = 1.0


@dataclass
class Drawing:
    """All that a picture shows."""

    cards: list[Card]
    edges: list[Edge]
    notes: list[str] = field(default_factory=list)
    folded: tuple[str, ...] = ()


class Painter:
    """Writes the lines of cards in the words of one program, with or without values and gradients."""

    def __init__(self, program: Program, values: bool = True, backward: bool = True) -> None:
        self.program = program
        self.graph: Graph = program.graph
        self.values = values
        self.request = program.graph._latest_request if backward else None
        self.gradients = self.request.gradients if self.request is not None else {}
        self._unreached = frozenset(program.graph.without_gradient() if backward else ())
        self.differentiated = self._differentiated()
        self._variables = variables(program)
        taken = [symbol(name).text for name in (*program.graph.names, *program.numbers)]
        self._notation = Notation(self._variable, taken, program.size_of)
        self.ways = self.ways_through(program.statements)

    def _differentiated(self) -> list[Statement]:
        """The gradients of an earlier backward pass that the latest one went through."""
        if self.request is None or self.request.output in set(self.graph.forward):
            return []
        return self.program.flow.behind(self.request.output)

    def name(self, node: Node, index: Index = ()) -> str:
        """A value's variable as text, or that of its entry at an index."""
        return plain(lowered(self._variable(node), index))

    def gradient_name(self, node: Node, index: Index = ()) -> str:
        """What the gradient of a value is called."""
        return self.name(self.gradients[node], index)

    def ways_through(self, statements: Iterable[Statement]) -> Counter[Node]:
        """For each value, the number of statements that contribute to its gradient."""
        return Counter(x for statement in statements for x in self.passed(statement))

    def passed(self, statement: Statement) -> Mapping[Node, Pass]:
        """What a statement passes on of its gradient, by the values that it goes to."""
        return self.program.flow.passed(self.gradients[statement.node]) if statement.node in self.gradients else {}

    def written(self, expression: Expression) -> tuple[Index, str]:
        """The expression as text, after the index of the entry that it is written for (() for the whole array)."""
        index, layout = self._notation.entrywise(expression)
        return index, plain(layout)

    def _variable(self, node: Node) -> Symbol:
        return self._variables.get(node) or symbol("?")

    def notes(self) -> list[str]:
        """The notes below the picture: the sizes that letters stand for, and the gradients that are not shown."""
        notes = []
        if self._notation.sizes:
            notes.append(", ".join(f"{plain(letter)} = {size}" for letter, size in self._notation.sizes))
        if self.request is not None:
            shown = self.request.output
            name = self.name(shown) if self.program.is_named(shown) else "an unnamed value"
            others = dict.fromkeys(request.output for request in self.graph._requests() if request.output is not shown)
            if others:
                known = ", ".join(self.name(node) if self.program.is_named(node) else "an unnamed value" for node in others)
                notes.append(f"gradients of {name}; also computed, not shown: those of {known}")
            elif shown is not self.graph.outputs[0]:
                notes.append(f"gradients of {name}")
        return notes

    def result(self, node: Node) -> list[Line]:
        """The value of a card, and its gradient."""
        lines = [self._value(node)]
        if node in self.gradients:
            lines.append(self.gradient(node))
        elif node in self._unreached:
            lines.append(Line("no gradient", backward=True, of=(node,)))
        return lines

    def _value(self, node: Node) -> Line:
        name = f"{self.name(node)}{shape_of(node)}"
        if not self.values:
            return Line(name, of=(node,))
        return Line(f"{name} = {told(node.value)}" if not node.shape else f"{name}  {told(node.value)}", of=(node,))

    def gradient(self, node: Node) -> Line:
        """The gradient of a value: its number, or the norm of an array."""
        name, value = self.gradient_name(node), self.gradients[node].value
        if not self.values:
            return Line(f"{name}{shape_of(node)}", backward=True, of=(node,))
        if not node.shape:
            return Line(f"{name} = {told(value)}", backward=True, of=(node,))
        return Line(f"{name}{shape_of(node)}  {norm(value)}", backward=True, of=(node,))

    def row(self, statement: Statement, x: Node) -> Row:
        """One input of a statement, where a gradient passes with its local derivative or the contribution to its gradient."""
        lines = [Line(f"{self.name(x)}{shape_of(x)}")]
        found = self.passed(statement).get(x)
        if found is None:
            return Row(lines, (x,))
        index, right = self.written(found.local if found.is_factor else found.contribution)
        if found.is_factor:
            left = f"∂{self.name(statement.node, index)}/∂{self.name(x, index)}"
            value = told(found.local_value) if self.values and not x.shape else ""
            text = f"{left} = {cut(right, LONGEST)}" + (f" = {value}" if value and not _is_number(right) else "")
        else:
            text = f"{self.gradient_name(x, index)} {'+=' if self.ways[x] > 1 else '='} {cut(right, LONGEST)}"
        return Row([*lines, Line(text, backward=True)], (x,), frozenset([x]))

    def title(self, statement: Statement) -> str:
        """The equation of a statement."""
        index, right = self.written(statement.expression)
        return cut(f"{self.name(statement.node, index)} = {right}", LONGEST)


def _is_number(text: str) -> bool:
    return text.replace("−", "").replace(".", "").isdigit()


def shape_of(node: Node) -> str:
    """A shape as it stands behind a name."""
    return f" {node.shape}" if node.shape else ""


def told(value: Any) -> str:
    """A value in a few characters: no zero has a sign."""
    return signed(number(value + 0.0 if np.asarray(value).dtype.kind == "f" else value))


def norm(value: Any) -> str:
    """The Euclidean norm of a gradient."""
    return f"norm {told(euclidean(value))}"


def euclidean(value: Any) -> np.float64:
    """The Euclidean norm of an array of any magnitude; NaN and infinity stay what they are."""
    array = np.abs(np.asarray(value, dtype=np.float64))
    largest = np.max(array, initial=0.0)
    if largest == 0 or not np.isfinite(largest):
        return np.float64(largest)
    return np.float64(largest * np.sqrt(np.sum(np.square(array / largest))))


def told_together(findings: Sequence[Finding]) -> Iterator[Line]:
    """What a lens found inside a folded card: one thing in its own words, more by their number and the first names."""
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.kind].append(finding)
    for kind in kinds.values():
        for mark in ("bad", "weak", "good"):
            found = [finding for finding in kind if finding.mark == mark]
            if not found:
                continue
            first = found[0]
            if len(kind) == 1:
                text = first.text if first.backward else f"{first.name}: {first.text}"
            else:
                names = [finding.name for finding in found if finding.name]
                some = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
                text = f"{len(found):,} of {len(kind):,} {first.many}" + (f": {some}" if some and mark != "good" else "")
            yield Line(cut(text, LONGEST), first.backward, mark)


def draft(painter: Painter) -> Drawing:
    """Every leaf and every statement as a card of its own, and every gradient that was differentiated."""
    program = painter.program
    statements = [*program.forward, *painter.differentiated]
    read = {x for statement in painter.differentiated for x in statement.inputs}
    keys: dict[Node, str] = {}
    cards: list[Card] = []
    forward = set(program.graph.forward)
    for leaf in (node for node in program.leaves if node in forward or node in read):
        kind: Kind = "parameter" if leaf.kind == "parameter" else "input"
        keys[leaf] = f"n{len(cards)}"
        cards.append(
            Card(
                keys[leaf], kind, painter.name(leaf), results=painter.result(leaf), node=leaf,
                gradient=painter.gradients.get(leaf), module=program.module(leaf), members=frozenset([leaf]),
            )
        )  # fmt: skip
    outputs = set(program.outputs)
    for statement in statements:
        keys[statement.node] = f"n{len(cards)}"
        cards.append(
            Card(
                keys[statement.node], "loss" if statement.node in outputs else "op", painter.title(statement),
                rows=list(_rows(painter, statement)), results=painter.result(statement.node), module=statement.module,
                node=statement.node, gradient=painter.gradients.get(statement.node), statement=statement,
                members=frozenset([statement.node]),
            )
        )  # fmt: skip
    return Drawing(cards, list(_edges(cards, keys)))


def _rows(painter: Painter, statement: Statement) -> Iterator[Row]:
    shown = statement.inputs if len(statement.inputs) <= ROWS else statement.inputs[: ROWS - 1]
    for x in shown:
        yield painter.row(statement, x)
    rest = statement.inputs[len(shown) :]
    if rest:
        known = painter.passed(statement).keys() & set(rest)
        lines = [Line(f"… {len(rest)} more"), *([Line("their gradients", backward=True)] if known else [])]
        yield Row(lines, rest, frozenset(known))


def _edges(cards: Sequence[Card], keys: dict[Node, str]) -> Iterator[Edge]:
    for card in cards:
        for i, row in enumerate(card.rows):
            for node in row.nodes:
                yield Edge(keys[node], card.key, i, backward=False)
                if node in row.backward:
                    yield Edge(keys[node], card.key, i, backward=True)
