"""What a picture shows: one card for each statement, leaf or folded module, and the edges between them.

The rows of a card are the values that it reads, each with its local derivative, or else with the contribution to its gradient;
its results are the value that it computes, and the gradient of that value. A forward edge leads from a value to its reader; a
backward edge passes the gradient from the reader to the value.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tinygraph.draw import flags
from tinygraph.express.equations import variables
from tinygraph.express.holes import Hole, Text, joined
from tinygraph.express.indices import Index
from tinygraph.express.layout import Symbol, lowered, symbol
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import written_shortly
from tinygraph.express.plain import plain
from tinygraph.express.text import cut, cut_inside, width
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression, Number
from tinygraph.requested import Request

Kind = Literal["input", "parameter", "op", "loss", "module", "failed"]

LONGEST = 60  # characters of a line
ROWS = 12  # inputs that a card lists
FLAGGED = "with ⚠"
LISTED = 3  # values that a folded card names
NAME = 26  # characters of a name
PROSE, MOST = 46, 6  # characters of a line, and lines, of a sentence
WHOLE = 400  # characters of a title where there is room for it


class CardLine(NamedTuple):
    """A line of text on a card; `backward` lines are about gradients. `of` lists the nodes whose values or gradients it shows.

    `flag` is the warning at its end, of what shows no more of a value than its number.
    """

    text: str
    backward: bool = False
    mark: str = ""  # "bad" (needs attention), "weak" or "good", which decide its colour
    of: tuple[Node, ...] = ()
    flag: Hole | None = None


class Finding(NamedTuple):
    """What a lens found about one value: `text` is for the card of the value, `many` follows the count on a folded card."""

    kind: str
    many: str
    mark: str
    name: str
    text: str
    backward: bool = False


@dataclass
class CardRow:
    """One input of a card, or the rest of many: its name, and its local derivative or the contribution to its gradient."""

    lines: list[CardLine]
    nodes: tuple[Node, ...] = ()
    gradients_of: frozenset[Node] = frozenset()  # the inputs to whose gradients the card contributes
    source: str = ""  # of a folded card: the key of the card that the row reads
    inactive: Text | None = None  # "inactive" where the local derivative is 0


@dataclass
class Card:
    """One box of the picture."""

    key: str
    kind: Kind
    title: str
    rows: list[CardRow] = field(default_factory=list)
    results: list[CardLine] = field(default_factory=list)
    module: tuple[str, ...] = ()
    node: Node | None = None
    gradient: Node | None = None
    statement: Statement | None = None
    members: frozenset[Node] = frozenset()
    mark: str = ""
    findings: list[Finding] = field(default_factory=list)
    stands_for: str = ""  # of a folded card: the modules, or the lines of code, that it stands for
    whole_title: str = ""  # where the title is shortened

    @property
    def is_titled(self) -> bool:
        """Whether the card shows its title; the title of a leaf is its name, which the line with its value shows already."""
        return bool(self.stands_for) or self.kind not in ("input", "parameter")


class Edge(NamedTuple):
    """An edge from the card that computes a value to a row of a card that reads it, or its gradient's edge backward."""

    source: str
    target: str
    row: int
    backward: bool
    weight: float = 1.0


@dataclass
class Drawing:
    """The cards, edges and notes of a picture."""

    cards: list[Card]
    edges: list[Edge]
    notes: list[str] = field(default_factory=list)
    folded: tuple[str, ...] = ()


class NamedGraph(Protocol):
    """A graph, its gradients, and the names of both on the cards."""

    graph: Graph
    request: Request | None
    gradients: dict[Node, Node]

    def name(self, node: Node) -> str:
        """The name of a value."""

    def gradient_name(self, node: Node) -> str:
        """The name of the gradient of a value."""


class CardWriter:
    """Writes the lines of cards with the names of one program, with or without values and gradients."""

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
        self._notation = Notation(self._variable, taken, program.size_of, written_shortly)
        self._in_full = Notation(self._variable_in_full, taken, program.size_of)
        self._short_names = ShortNames()
        self._statements = {statement.node for statement in program.statements}
        self._known = self._statements.union(self.graph.forward)
        self.contribution_counts = self.count_contributions(program.statements)

    def _differentiated(self) -> list[Statement]:
        """The statements of an earlier backward pass that the latest one differentiated."""
        if self.request is None or self.request.output in set(self.graph.forward):
            return []
        return self.program.flow.behind(self.request.output)

    def name(self, node: Node, index: Index = ()) -> str:
        """A value's variable as text, or that of its entry at an index."""
        return plain(lowered(self._variable(node), index))

    def gradient_name(self, node: Node, index: Index = ()) -> str:
        """What the gradient of a value is called."""
        return self.name(self.gradients[node], index)

    def count_contributions(self, statements: Iterable[Statement]) -> Counter[Node]:
        """For each value, the number of statements that contribute to its gradient."""
        return Counter(x for statement in statements for x in self.passed(statement))

    def passed(self, statement: Statement) -> Mapping[Node, Pass]:
        """The contributions of a statement, by the values that get them."""
        return self.program.flow.passed(self.gradients[statement.node]) if statement.node in self.gradients else {}

    def entrywise_text(self, expression: Expression) -> tuple[Index, str]:
        """The index of the entry that the text of an expression is about (() for the whole array), and the text."""
        index, layout = self._notation.entrywise(expression)
        return index, plain(layout)

    def _variable(self, node: Node) -> Symbol:
        return self._short_names.of(self._variable_in_full(node))

    def _variable_in_full(self, node: Node) -> Symbol:
        return self._variables.get(node) or symbol("?")

    def notes(self) -> list[str]:
        """The notes below the picture: the letters for sizes, and the gradients that are not shown."""
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

    def result(self, node: Node) -> list[CardLine]:
        """The value of a card, and its gradient."""
        lines = [self._value(node)]
        if node in self.gradients:
            lines.append(self.gradient(node))
        elif node in self._unreached:
            lines.append(CardLine("no gradient", backward=True, of=(node,)))
        return lines

    def _value(self, node: Node) -> CardLine:
        name = f"{self.name(node)}{shape_of(node)}"
        if not self.values:
            return CardLine(name, of=(node,))
        separator, flag = "  " if node.shape else " = ", flags.flag(node, self._statements)
        return CardLine(Text(f"{name}{separator}", Hole(node, "signed"), flag), of=(node,), flag=flag)

    def gradient(self, node: Node) -> CardLine:
        """The gradient of a value: its number, or the norm of an array."""
        text, gradient = f"{self.gradient_name(node)}{shape_of(node)}", self.gradients[node]
        if not self.values:
            return CardLine(text, backward=True, of=(node,))
        flag = flags.flag(gradient, self._known)
        return CardLine(Text(text, size(gradient), flag), backward=True, of=(node,), flag=flag)

    def row(self, statement: Statement, x: Node) -> CardRow:
        """One input of a statement, with its local derivative or the contribution to its gradient if it gets one."""
        lines = [CardLine(f"{self.name(x)}{shape_of(x)}")]
        found = self.passed(statement).get(x)
        if found is None:
            return CardRow(lines, (x,))
        index, right = self.entrywise_text(found.local if found.is_factor else found.contribution)
        room = max(LONGEST - 2 * NAME, LONGEST - width(f"{self.name(statement.node)}{self.name(x)}"))
        if found.is_factor:
            left = f"∂{self.name(statement.node, index)}/∂{self.name(x, index)}"
            is_shown = self.values and not x.shape and not isinstance(found.local, Number)
            text: str = joined(" = ", [left, cut(right, room), *([Hole(found.local_node, "signed")] if is_shown else [])])
        else:
            text = f"{self.gradient_name(x, index)} {'+=' if self.contribution_counts[x] > 1 else '='} {cut(right, room)}"
        return CardRow([*lines, CardLine(text, backward=True)], (x,), frozenset([x]), inactive=flags.inactive(found))

    def title(self, statement: Statement) -> str:
        """The equation of a statement."""
        index, right = self.entrywise_text(statement.expression)
        return cut(f"{self.name(statement.node, index)} = {right}", LONGEST)

    def whole_title(self, node: Node, statement: Statement | None = None) -> str:
        """The name of a leaf, or the equation of a statement, with nothing shortened."""
        if statement is None:
            return plain(self._variable_in_full(node))
        index, right = self._in_full.entrywise(statement.expression)
        return cut(f"{plain(lowered(self._variable_in_full(node), index))} = {plain(right)}", WHOLE)


class ShortNames:
    """Names that fit a card: the first and last letters of a long one, more of them where two would look the same."""

    def __init__(self) -> None:
        self._short: dict[Symbol, Symbol] = {}
        self._taken: dict[str, Symbol] = {}

    def of(self, variable: Symbol) -> Symbol:
        """The variable as it stands on a card."""
        if variable not in self._short:
            text = plain(variable)
            shortened = (cut_inside(text, columns) for columns in range(NAME, width(text) + 1))
            own = next((x for x in shortened if self._taken.setdefault(x, variable) == variable), text)
            self._short[variable] = variable if own == text else Symbol(own, name=own)
        return self._short[variable]


def shape_of(node: Node) -> str:
    """A shape to print after a name."""
    return f" {node.shape}" if node.shape else ""


def size(gradient: Node) -> Text:
    """The size of a gradient behind its name: the number, or the Euclidean norm of an array."""
    return Text("  norm ", Hole(gradient, "norm")) if gradient.shape else Text(" = ", Hole(gradient, "signed"))


def wrapped(text: str) -> list[str]:
    """A sentence in lines that fit a card."""
    return textwrap.wrap(text, PROSE, max_lines=MOST, placeholder=" …")


def mark_remarks(drawing: Drawing) -> None:
    """Make cards with a flag red, and inputs with a local derivative of 0 weak, as a picture shows them whose numbers stay."""
    for card in drawing.cards:
        flagged = [line for line in card.results if line.flag is not None and str(line.flag)]
        card.results = [line._replace(mark="bad") if line in flagged else line for line in card.results]
        for line in flagged:
            card.mark = "bad"
            card.findings.append(Finding(FLAGGED, FLAGGED, "bad", line.text.partition(" ")[0], f"{line.text}", line.backward))
        for row in card.rows:
            if row.inactive:
                row.lines = [line._replace(mark="weak") for line in row.lines]


def finding_lines(findings: Sequence[Finding]) -> Iterator[CardLine]:
    """The lines about the findings inside a folded card: the text of a single one, else their count and the first names."""
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
                text = first.text if first.backward or first.kind == FLAGGED else f"{first.name}: {first.text}"
            else:
                names = [finding.name for finding in found if finding.name]
                some = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
                count = f"{len(found):,}" if first.kind == FLAGGED else f"{len(found):,} of {len(kind):,}"
                text = f"{count} {first.many}" + (f": {some}" if some and mark != "good" else "")
            yield CardLine(cut(text, LONGEST), first.backward, mark)


def unfolded(writer: CardWriter) -> Drawing:
    """A card for each leaf, for each statement, and for each gradient that was differentiated."""
    program = writer.program
    statements = [*program.forward, *writer.differentiated]
    read = {x for statement in writer.differentiated for x in statement.inputs}
    keys: dict[Node, str] = {}
    cards: list[Card] = []
    forward = set(program.graph.forward)
    for leaf in (node for node in program.leaves if node in forward or node in read):
        kind: Kind = "parameter" if leaf.kind == "parameter" else "input"
        keys[leaf] = f"n{len(cards)}"
        cards.append(
            Card(
                keys[leaf], kind, writer.name(leaf), results=writer.result(leaf), node=leaf,
                gradient=writer.gradients.get(leaf), module=program.module(leaf), members=frozenset([leaf]),
                whole_title=writer.whole_title(leaf),
            )
        )  # fmt: skip
    outputs = set(() if program.graph._is_partial else program.outputs)
    for statement in statements:
        keys[statement.node] = f"n{len(cards)}"
        cards.append(
            Card(
                keys[statement.node], "loss" if statement.node in outputs else "op", writer.title(statement),
                rows=list(_rows(writer, statement)), results=writer.result(statement.node), module=statement.module,
                node=statement.node, gradient=writer.gradients.get(statement.node), statement=statement,
                members=frozenset([statement.node]), whole_title=writer.whole_title(statement.node, statement),
            )
        )  # fmt: skip
    return Drawing(cards, list(_edges(cards, keys)))


def _rows(writer: CardWriter, statement: Statement) -> Iterator[CardRow]:
    shown = statement.inputs if len(statement.inputs) <= ROWS else statement.inputs[: ROWS - 1]
    for x in shown:
        yield writer.row(statement, x)
    rest = statement.inputs[len(shown) :]
    if rest:
        known = writer.passed(statement).keys() & set(rest)
        lines = [CardLine(f"… {len(rest)} more"), *([CardLine("their gradients", backward=True)] if known else [])]
        yield CardRow(lines, rest, frozenset(known))


def _edges(cards: Sequence[Card], keys: dict[Node, str]) -> Iterator[Edge]:
    for card in cards:
        for i, row in enumerate(card.rows):
            for node in row.nodes:
                yield Edge(keys[node], card.key, i, backward=False)
                if node in row.gradients_of:
                    yield Edge(keys[node], card.key, i, backward=True)
