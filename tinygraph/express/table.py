"""A graph as a table, for terminals and notebooks: phase, statement, shape, value; long phases are folded with a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from tinygraph.express.text import cut, number, padded, width
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.place import Place, place_of
from tinygraph.program.decided import decisions_of, place_and_text
from tinygraph.program.statements import program_of
from tinygraph.wording import counted

WIDTH = 80
WIDEST = {"shape": 18, "value": 44}  # columns
SHOWN = 30  # rows of one phase
LONGEST = 1000  # characters of a statement in a notebook, where it wraps
LEFT = "text-align: left; font-family: monospace"
LARGE = 5000  # nodes above which the rows are lines of the user's code


class TableRow(NamedTuple):
    """One line of the table."""

    text: str
    shape: str
    value: str


Entry = TableRow | str  # a remark takes a whole line


class Table(str):
    """The table as text, at most 80 columns wide; a notebook shows the same rows as HTML, where long statements wrap."""

    heading: str
    phases: Mapping[str, Sequence[Entry]]

    def _repr_html_(self) -> str:
        rows = [f'<tr><td colspan="3" style="{LEFT}">{escape(cut(self.heading, LONGEST))}</td></tr>']
        for phase, entries in self.phases.items():
            rows.append(f'<tr><th colspan="3" style="{LEFT}">{escape(phase)}</th></tr>')
            rows.extend(map(_html, entries))
        return f'<div style="overflow-x: auto"><table style="margin-left: 0">{"".join(rows)}</table></div>'

    def __repr__(self) -> str:
        return str(self)


def _html(entry: Entry) -> str:
    if isinstance(entry, str):
        return f'<tr><td colspan="3" style="{LEFT}">{escape(cut(entry, LONGEST))}</td></tr>'
    styles = (f"{LEFT}; overflow-wrap: anywhere", f"{LEFT}; white-space: nowrap", LEFT)
    texts = (cut(entry.text, LONGEST), entry.shape, entry.value)
    return "".join(
        ["<tr>", *(f'<td style="{style}">{escape(text)}</td>' for style, text in zip(styles, texts, strict=True)), "</tr>"]
    )


def table(graph: Graph) -> Table:
    """The whole table."""
    outputs = ", ".join(graph.name(output) or "" for output in graph.outputs)
    large = len(graph.forward) > LARGE
    counts, phases = _lines_of_code(graph) if large else _statements(graph)
    if not graph._requests():
        phases["backward"] = ["not computed: call graph.backprop()"]
    heading = f"Graph of {outputs}: {counts}"
    found = Table(_text(heading, phases))
    found.heading, found.phases = heading, phases
    return found


def _text(heading: str, phases: Mapping[str, Sequence[Entry]]) -> str:
    rows = [row for phase in phases.values() for row in phase if isinstance(row, TableRow)]
    shapes = max((len(row.shape) for row in rows), default=0)
    values = max((len(row.value) for row in rows), default=0)
    texts = max((width(row.text) for row in rows), default=0)
    left = max(20, min(WIDTH - values - shapes - 6, texts))
    lines = [heading]
    for phase, entries in phases.items():
        lines.append(phase)
        for row in entries:
            if isinstance(row, str):
                lines.append(f"  {row}")
            else:
                lines.append(f"  {padded(cut(row.text, left), left)}  {row.shape:<{shapes}}  {row.value}".rstrip())
    return "\n".join(cut(line, WIDTH) for line in lines)


def _statements(graph: Graph) -> tuple[str, dict[str, list[Entry]]]:
    """A row for every leaf and every statement."""
    typeset = program_of(graph)
    leaves = [_row(f"{typeset.name(leaf)} {leaf.kind}", leaf) for leaf in _ends(typeset.leaves)]
    phases = {"leaves": _with_count(leaves, len(typeset.leaves))}
    for phase, statements in (("forward", typeset.forward), ("backward", typeset.backward)):
        if statements:
            phases[phase] = _with_count([_row(f"{s.name} = {s.right}", s.node) for s in _ends(statements)], len(statements))
    if decided := _decided(graph):
        phases["forward"] = [*phases.get("forward", []), *decided]
    if unreached := graph.without_gradient():
        names = ", ".join(graph.name(node) or "" for node in unreached)
        phases["backward"] = [*phases.get("backward", []), f"# no gradient reaches {names}"]
    forward = counted(len(typeset.forward), "statement")
    return f"{counted(len(typeset.leaves), 'leaf', 'leaves')}, {forward} forward, {len(typeset.backward):,} backward", phases


def _lines_of_code(graph: Graph) -> tuple[str, dict[str, list[Entry]]]:
    """A row for every line of the user's code, with the number of nodes that it made, and one for every gradient."""
    made: dict[Place, int] = {}
    for (code, instruction), count in Counter((node.code, node.instruction) for node in graph.forward).items():
        place = place_of(code, instruction)
        made[place] = made.get(place, 0) + count
    rows = [TableRow(f"{place}", "", counted(count, "node")) for place, count in _ends(list(made.items()))]
    phases = {"forward, by line of code": [*_with_count(rows, len(made)), *_decided(graph)]}
    gradients = [g for request in graph._requests() for g in request.gradients.values()]
    if gradients:
        phases["backward"] = _with_count([_row(str(graph.name(g)), g) for g in _ends(gradients)], len(gradients))
    return f"{len(graph.forward):,} nodes forward, {counted(len(gradients), 'gradient')}", phases


def _decided(graph: Graph) -> list[Entry]:
    """A row for every place in the code where Python decided by a value of the graph."""
    places: dict[str, list[Any]] = {}
    for decision in decisions_of(graph):
        places.setdefault(f"# decided at {place_and_text(decision)}", []).append(decision.answer)
    rows = [TableRow(text, "", str(a[0]) if len(a) == 1 else f"{len(a):,} times") for text, a in places.items()]
    return _with_count(list(_ends(rows)), len(rows))


def _row(text: str, node: Node) -> TableRow:
    shape = str(node.shape) if node.shape else ""
    return TableRow(text, cut(shape, WIDEST["shape"]), cut(number(node.value), WIDEST["value"]))


def _ends(items: Sequence[Any]) -> Sequence[Any]:
    """The first and the last of many items; what lies between is never written."""
    return items if len(items) <= SHOWN else [*items[: SHOWN // 2], *items[-SHOWN // 2 :]]


def _with_count(rows: list[TableRow], count: int) -> list[Entry]:
    """The rows, with the number of those that were left out between them."""
    return [*rows] if count == len(rows) else [*rows[: SHOWN // 2], f"... {count - SHOWN:,} more ...", *rows[SHOWN // 2 :]]
