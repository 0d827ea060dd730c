"""Folding: which cards a picture draws as one: modules, repeated modules, lines of code, and stretches of the graph.

A folded card lists its inputs, the parameters that only it reads, its outputs, and the norms of their gradients.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tinygraph.draw.cards import (
    LISTED,
    LONGEST,
    ROWS,
    Card,
    CardLine,
    CardRow,
    CardWriter,
    Drawing,
    Edge,
    Kind,
    finding_lines,
    shape_of,
    size,
)
from tinygraph.draw.size import TOO_LONG, is_quick, is_small, length
from tinygraph.express.holes import Text, joined
from tinygraph.express.text import cut
from tinygraph.node import Node
from tinygraph.program.bodies import Body
from tinygraph.program.statements import shared_scope
from tinygraph.program.value import applied
from tinygraph.wording import counted

Fold: TypeAlias = str | Iterable[str] | bool | None

STRETCHES = (40, 20, 10, 5)  # cards of a graph that is too large when modules and repeated lines are folded
TITLE = 40  # characters of a title, before the number of cards
FEW = 4  # leaves of one line that are not folded: each has a name of its own
OTHERS = "others"
LEAVES = {"input", "parameter"}


class Group(NamedTuple):
    """Cards to draw as one card, its title, and the module that contains it."""

    title: str
    cards: Sequence[Card]
    module: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key of the folded card."""
        return self.cards[0].key


def folded(drawing: Drawing, writer: CardWriter, fold: Fold) -> Drawing:
    """The drawing with modules folded: those named, none (False), all and repeated lines too (True), or as few as needed (None).

    Raises ValueError for a name that is not a module's.
    """
    if fold is None or fold is True:
        return drawing if fold is None and is_small(drawing) else _by_itself(drawing, writer, everything=fold is True)
    modules = modules_of(drawing)
    there = ", ".join(modules) if modules else "none: name them by nested dicts, names={**locals(), 'layer1': {...}}"
    wanted = [fold] if isinstance(fold, str) else list(fold) if isinstance(fold, Iterable) else []
    if not (isinstance(fold, Iterable) or fold is False) or not all(isinstance(name, str) for name in wanted):
        raise TypeError(f"fold takes names of modules, True, False or None, not {fold!r}; there are {there}")
    unknown = [name for name in wanted if name not in modules]
    if unknown:
        raise ValueError(f"no module is called {unknown[0]!r}; there are {there}")
    return merged(drawing, writer, _outermost(drawing, set(wanted)))


def modules_of(drawing: Drawing) -> list[str]:
    """The names of all modules, outer modules first: `encoder`, `encoder/layer1`."""
    paths = {card.module[:depth]: None for card in drawing.cards for depth in range(1, len(card.module) + 1)}
    return list(dict.fromkeys("/".join(path) for path in paths))


def _outermost(drawing: Drawing, names: set[str]) -> list[Group]:
    """The cards of each module to fold; of modules inside each other the outermost is folded."""
    found: dict[tuple[str, ...], list[Card]] = defaultdict(list)
    for card in drawing.cards:
        paths = (card.module[:depth] for depth in range(1, len(card.module) + 1))
        path = next((path for path in paths if "/".join(path) in names), None)
        if path is not None:
            found[path].append(card)
    return [Group("/".join(path), cards, path[:-1]) for path, cards in found.items()]


def _by_itself(whole: Drawing, writer: CardWriter, everything: bool) -> Drawing:
    """Fold modules, then lines of code that made several cards, then stretches, until the drawing is small.

    If `everything`, modules and lines of code are folded in any case; else the whole is not small.
    """
    modules = drawing = merged(whole, writer, list(_repeats(_outermost(whole, set(modules_of(whole))))))
    if everything or drawing is whole or not is_small(drawing):
        drawing = merged(drawing, writer, _lines_of_code(drawing))
    for apart, count in itertools.product((modules, whole), STRETCHES):
        if not is_quick(drawing):
            drawing = merged(apart, writer, _stretches(apart, count))
    if not (everything and is_small(whole)):
        shown = "; draw(fold=False) shows them all" if length(whole) <= TOO_LONG else ""
        drawing.notes.append(f"{counted(len(whole.cards), 'card')} folded into {len(drawing.cards)}{shown}")
    return drawing


def _repeats(groups: Iterable[Group]) -> Iterator[Group]:
    """Consecutive modules of the same structure as one."""
    for _, run in itertools.groupby(groups, key=_structure):
        first, *more = run
        if not more:
            yield first
            continue
        title = f"{first.title} … {more[-1].title} × {len(more) + 1}"
        yield Group(title, [card for group in (first, *more) for card in group.cards], first.module)


def _structure(group: Group) -> tuple[Body, ...]:
    """The statements of a module, whatever their names."""
    return tuple(card.statement.part.body for card in group.cards if card.statement is not None)


def _ops(card: Card) -> tuple[Any, ...]:
    """The ops of a card, whatever it reads; for a leaf its shape."""
    if card.statement is None:
        return () if card.node is None else card.node.shape
    return tuple(x.op for x in applied(card.statement.expression))


def _lines_of_code(drawing: Drawing) -> list[Group]:
    """Cards of the same ops that one place in the code made, as an unrolled loop does."""
    made: dict[object, list[Card]] = defaultdict(list)
    for card in drawing.cards:
        if card.node is not None and not card.stands_for:
            place = card.node.code, card.node.instruction
            made[place, card.kind in LEAVES and card.kind, _ops(card)].append(card)
    groups = (cards for cards in made.values() if len(cards) > (FEW if cards[0].kind in LEAVES else 1))
    return [Group(f"{cut(cards[-1].title, TITLE)} × {len(cards):,}", cards, _module(cards)) for cards in groups]


def _stretches(drawing: Drawing, count: int) -> list[Group]:
    """The cards in the order of the graph, in stretches of equal length."""
    cards = [card for card in drawing.cards if not card.stands_for and card.kind != "failed"]
    size = -(-len(cards) // count)
    stretches = (cards[i : i + size] for i in range(0, len(cards), size))
    return [
        Group(f"{cut(some[0].title, TITLE)} … ({len(some):,} cards)", some, _module(some)) for some in stretches if len(some) > 1
    ]


def _module(cards: Iterable[Card]) -> tuple[str, ...]:
    """The innermost module that contains all cards."""
    return shared_scope([card.module for card in cards])


class _Borders(NamedTuple):
    """The borders of groups: the group of each card, the edges that enter each group, the cards that others read."""

    home: Mapping[str, str]
    entering: Mapping[str, list[Edge]]
    read: set[str]
    cards: Mapping[str, Card]


def _borders(drawing: Drawing, home: Mapping[str, str]) -> _Borders:
    entering: dict[str, list[Edge]] = defaultdict(list)
    read = set()
    for edge in _across(drawing.edges, home):
        read.add(edge.source)
        if edge.target in home:
            entering[home[edge.target]].append(edge)
    return _Borders(home, entering, read, {card.key: card for card in drawing.cards})


def _across(edges: Iterable[Edge], home: Mapping[str, str]) -> Iterator[Edge]:
    """The edges that leave or enter a group."""
    return (edge for edge in edges if edge.source not in home or home[edge.source] != home.get(edge.target))


def merged(drawing: Drawing, writer: CardWriter, groups: Sequence[Group]) -> Drawing:
    """Each group of cards as one card."""
    if not groups:
        return drawing
    home = {card.key: group.key for group in groups for card in group.cards}
    _adopt_parameters(drawing, home)
    members: dict[str, list[Card]] = {group.key: [] for group in groups}
    for card in drawing.cards:
        if card.key in home:
            members[home[card.key]].append(card)
    borders = _borders(drawing, home)
    new = {group.key: _folded_card(group, members[group.key], borders, writer) for group in groups}
    keys = [home.get(card.key, card.key) for card in drawing.cards]
    cards = {key: new.get(key, card) for key, card in zip(keys, drawing.cards, strict=True)}
    edges = _rerouted(drawing.edges, new, borders)
    return Drawing(list(cards.values()), edges, drawing.notes, (*drawing.folded, *(group.title for group in groups)))


def _adopt_parameters(drawing: Drawing, home: dict[str, str]) -> None:
    """Add each parameter that only one group reads to that group."""
    readers: dict[str, set[str]] = defaultdict(set)
    for edge in drawing.edges:
        readers[edge.source].add(home.get(edge.target, edge.target))
    groups = set(home.values())
    for card in drawing.cards:
        inside = readers[card.key]
        if card.kind == "parameter" and not card.stands_for and card.key not in home and len(inside) == 1 and inside <= groups:
            home[card.key] = next(iter(inside))


def _folded_card(group: Group, cards: Sequence[Card], borders: _Borders, writer: CardWriter) -> Card:
    """The card of a group; `cards` are those of the group and the parameters that only it reads."""
    inside = {node for card in cards for node in card.members}
    leaves = [card for card in cards if card.kind == "parameter"]
    outputs = [card for card in cards if card.key in borders.read or card.kind == "loss"]
    rows = _incoming(group, cards, borders, writer)
    if leaves and len(leaves) < len(cards):
        rows.append(_parameters(leaves, writer))
    made = [card.node for card in outputs if card.node is not None]
    results = [line for node in made[-LISTED:] for line in writer.result(node)] or [CardLine(counted(len(cards), "card"))]
    if len(made) > LISTED:
        results.insert(0, CardLine(f"… {len(made) - LISTED} more"))
    findings = [finding for card in cards for finding in card.findings]
    results += finding_lines(findings)
    mark = "bad" if any(card.mark == "bad" for card in cards) else ""
    last = made[-1] if made else None
    return Card(
        group.key, _kind(cards), f"▸ {cut(group.title, LONGEST)}", rows, results, group.module, node=last, mark=mark,
        findings=findings, gradient=writer.gradients.get(last) if last is not None else None, members=frozenset(inside),
        stands_for=group.title, whole_title=f"▸ {group.title}",
    )  # fmt: skip


def _kind(cards: Sequence[Card]) -> Kind:
    """The kind of a folded card: "loss" if it has an output, the kind of leaves if it has nothing else, or "module"."""
    kinds = {card.kind for card in cards}
    if "loss" in kinds:
        return "loss"
    return "parameter" if kinds == {"parameter"} else "input" if kinds <= LEAVES else "module"


def _incoming(group: Group, cards: Sequence[Card], borders: _Borders, writer: CardWriter) -> list[CardRow]:
    """One row for each card outside that the group reads; after `ROWS` rows, one for all others."""
    rows: dict[str, CardRow] = {}
    read: dict[str, dict[Node, None]] = defaultdict(dict)
    passed: dict[str, set[Node]] = defaultdict(set)
    counts = writer.count_contributions(card.statement for card in cards if card.statement is not None)
    for edge in borders.entering.get(group.key, ()):
        source = borders.home.get(edge.source, edge.source)
        if source not in rows and len(rows) >= ROWS:
            source = OTHERS
        node = borders.cards[edge.source].node
        if node is None:
            continue
        rows.setdefault(source, CardRow([], (node,), source=source))
        read[source][node] = None
        if edge.backward:
            passed[source].add(node)
    for source, row in rows.items():
        row.gradients_of = frozenset(passed[source])
        row.lines += _read_from(list(read[source]), source, row.gradients_of, counts, writer)
    return list(rows.values())


def _read_from(
    nodes: Sequence[Node], source: str, backward: frozenset[Node], counts: Mapping[Node, int], writer: CardWriter
) -> Iterator[CardLine]:
    """The values that a folded card reads from one source: the only one, or the first, the last and their number.

    The gradient of a single value is shown if all contributions come from this card; else the line says that it adds to it.
    """
    first, last = nodes[0], nodes[-1]
    if source == OTHERS:
        yield CardLine(f"… {counted(len(nodes), 'other')}")
    elif len(nodes) == 1:
        yield CardLine(f"{writer.name(first)}{shape_of(first)}")
    else:
        yield CardLine(f"{writer.name(first)} … {writer.name(last)} ({len(nodes):,})")
    if backward:
        known = [node for node in nodes if node in writer.gradients]
        if len(nodes) > 1 or not known:
            yield CardLine(counted(len(known), "gradient"), backward=True)
        elif counts[first] == writer.contribution_counts[first]:
            yield writer.gradient(first)
        else:
            yield CardLine(f"{writer.gradient_name(first)}{shape_of(first)} += …", backward=True)


def _parameters(leaves: Sequence[Card], writer: CardWriter) -> CardRow:
    """The parameters of a folded card, and their gradients, for arrays the norm."""
    nodes = [card.node for card in leaves if card.node is not None]
    names = ", ".join(f"{writer.name(node)}{shape_of(node)}" for node in nodes[:4])
    lines = [CardLine(names if len(nodes) <= 4 else f"{names}, … {len(nodes) - 4} more")]
    known = [node for node in nodes if node in writer.gradients]
    if known and writer.values:
        parts = [Text(writer.gradient_name(node), size(writer.gradients[node])) for node in known[:2]]
        lines.append(CardLine(joined(", ", [*parts, *["…"] * (len(known) > 2)]), backward=True, of=tuple(known[:2])))
    return CardRow(lines)


def _rerouted(edges: Sequence[Edge], new: Mapping[str, Card], borders: _Borders) -> list[Edge]:
    """The edges between groups, each once; edges inside a group are dropped."""
    home, old = borders.home, borders.cards
    result: dict[Edge, None] = {}
    for edge in _across(edges, home):
        source = new[home[edge.source]] if edge.source in home else old[edge.source]
        target, row = old[edge.target], edge.row
        if edge.target in home:
            target = new[home[edge.target]]
            sources = [x.source for x in target.rows]
            wanted = home.get(edge.source, edge.source)
            row = sources.index(wanted if wanted in sources else OTHERS)
        result[Edge(source.key, target.key, row, edge.backward)] = None
    return list(result)
