"""A drawing in the DOT language: cards as HTML tables, synthetic ids, every text of the user's escaped.

Widths are measured here, because a layout engine without a font guesses the width of letters outside ASCII.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from graphviz import Digraph

from tinygraph.draw.cards import Card, Drawing, Edge, Line, Row
from tinygraph.draw.theme import Theme

SIZE = 13  # points
# Widths of Helvetica's letters in thousandths of the font size, after Adobe's metrics; 556 where none is given.
WIDTHS = {
    **dict.fromkeys(" !,./:;I[]\\|tf", 278), **dict.fromkeys("ijl'", 222), **dict.fromkeys("()-r`{}", 333),
    **dict.fromkeys("cksvxyzJ", 500), **dict.fromkeys("+<=>~", 584), **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("CDHNRUw", 722), **dict.fromkeys("GOQ", 778), **dict.fromkeys("FTZ", 611), **dict.fromkeys("mM", 833),
    "W": 944, "@": 1015, "%": 889, "*": 389, "^": 469, "\"": 355, "·": 278, "−": 584, "∂": 500, "Σ": 620, "⊙": 780, "‖": 420,
    "×": 584, "…": 1000, "≥": 550, "≤": 550, "≠": 550, "▸": 600, "√": 550,
}  # fmt: skip
SMALL = "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿⁱ"


def width(text: str, bold: bool = False) -> float:
    """The width of a line of text in points."""
    total = sum(_letter(c) for c in text)
    return total * SIZE / 1000 * (1.08 if bold else 1.0)


def _letter(c: str) -> int:
    if c in SMALL:
        return 370
    if unicodedata.combining(c):
        return 0
    return WIDTHS.get(c, 1000 if unicodedata.east_asian_width(c) in "WF" else 556 if c.isascii() else 600)


def dot(drawing: Drawing, theme: Theme, direction: str, legend: bool = True) -> str:
    """The whole graph as DOT."""
    graph = Digraph("tinygraph")
    graph.attr(
        "graph", rankdir=direction, bgcolor="transparent", fontname="Helvetica", pad="0.25", nodesep="0.16", ranksep="0.75",
        fontsize="11", fontcolor=theme.text, labelloc="b", label=_legend(drawing, theme) if legend else "",
    )  # fmt: skip
    graph.attr("node", shape="plain", fontname="Helvetica", fontsize=str(SIZE), fontcolor=theme.text)
    graph.attr("edge", fontname="Helvetica", color=theme.text, arrowsize="0.8", penwidth="1.3")
    _clusters(graph, drawing.cards, (), theme)
    modules = {card.key: card.module for card in drawing.cards}
    rows = {card.key: len(card.rows) for card in drawing.cards}
    for edge in drawing.edges:
        _edge(graph, edge, theme, inside=modules[edge.source] == modules[edge.target], last=rows[edge.target] - 1)
    return str(graph.source)


def _clusters(graph: Digraph, cards: Iterable[Card], path: tuple[str, ...], theme: Theme) -> None:
    """The cards of one module, each module inside it in a frame of its own."""
    depth = len(path)
    inner = []
    for card in cards:
        if len(card.module) == depth:
            graph.node(card.key, label=_label(card, theme), id=card.key, **{"class": _classes("card", card.kind, card.mark)})
        else:
            inner.append(card)
    inner.sort(key=lambda card: card.module[: depth + 1])
    for module, members in groupby(inner, key=lambda card: card.module[: depth + 1]):
        name = "_".join(str(ord(c)) for c in "/".join(module))
        with graph.subgraph(name=f"cluster_{name}") as frame:
            frame.attr(
                label=f"<{clean(module[-1])}>", labeljust="l", labelloc="t", style="rounded,filled", fontsize="12", margin="10",
                color=theme.cluster.line, fillcolor=theme.cluster.fill, fontcolor=theme.text, **{"class": "module"},
            )  # fmt: skip
            _clusters(frame, members, module, theme)


def _edge(graph: Digraph, edge: Edge, theme: Theme, inside: bool, last: int) -> None:
    direction = "g" if edge.backward else "i"
    ends = f"{edge.source}:{'g' if edge.backward else 'f'}:e", f"{edge.target}:{direction}{min(edge.row, last)}:w"
    name = f"{edge.source}-{edge.target}-{edge.row}"
    length = {} if inside else {"minlen": "2"}
    if edge.backward:
        graph.edge(
            *ends, id=f"backward-{name}", dir="back", arrowtail="vee", style="dashed", color=theme.red, weight="3",
            penwidth=f"{1.4 * edge.weight:.3g}", **{"class": "backward"}, **length,
        )  # fmt: skip
    else:
        graph.edge(*ends, id=f"forward-{name}", weight="3", **{"class": "forward"}, **length)


def _classes(*names: str) -> str:
    return " ".join(name for name in names if name)


def clean(text: str) -> str:
    """Text for an HTML label: no control or direction characters, markup escaped, backslashes doubled."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return escape(kept).replace("\\", "\\\\") or " "


def _text(line: Line, theme: Theme, bold: bool = False) -> str:
    text = clean(line.text)
    colour = {"bad": theme.red, "good": theme.good, "weak": theme.weak}.get(line.mark, theme.red if line.backward else "")
    text = f'<FONT COLOR="{colour}">{text}</FONT>' if colour else text
    return f"<B>{text}</B>" if bold else text


def _cell(line: Line, theme: Theme, port: str = "", align: str = "LEFT", bold: bool = False, extra: str = "") -> str:
    port = f' PORT="{port}"' if port else ""
    room = math.ceil(width(line.text, bold)) + 8
    return f'<TD{port} ALIGN="{align}" WIDTH="{room}"{extra}>{_text(line, theme, bold)}</TD>'


def _table(rows: Sequence[str]) -> str:
    body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">{body}</TABLE>'


def _label(card: Card, theme: Theme) -> str:
    """The HTML of one card."""
    paint = theme.kinds[card.kind]
    border = 2 if card.kind == "loss" or card.mark == "bad" else 1
    rounded = "" if card.kind in ("input", "loss") else ' STYLE="ROUNDED"'
    colour = theme.red if card.mark == "bad" else paint.line
    look = f'COLOR="{colour}" BGCOLOR="{paint.fill}"{rounded}'
    head = f'<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" {look}>'
    results = _results(card, theme)
    if not card.rows:
        title = [_cell(Line(card.title), theme, align="CENTER", bold=True), "<HR/>"]
        title = [] if card.kind in ("input", "parameter") else title
        body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in [*title, *results])
        return f"<{head}{body}</TABLE>>"
    title_cell = _cell(Line(card.title), theme, align="CENTER", bold=True, extra=' COLSPAN="2"')
    inputs = _table(list(_inputs(card.rows, theme)))
    right = _table([row for row in results if row != "<HR/>"])
    body = f'<TR>{title_cell}</TR><HR/><TR><TD CELLPADDING="1">{inputs}</TD><VR/><TD CELLPADDING="1">{right}</TD></TR>'
    return f"<{head}{body}</TABLE>>"


def _results(card: Card, theme: Theme) -> list[str]:
    """The value of the card, the port of its forward edges, and below a rule its gradient, the port of the backward ones."""
    forward = [line for line in card.results if not line.backward]
    backward = [line for line in card.results if line.backward]
    rows = [_cell(line, theme, port="f" if i == 0 else "") for i, line in enumerate(forward)]
    if backward:
        rows += ["<HR/>", *(_cell(line, theme, port="g" if i == 0 else "") for i, line in enumerate(backward))]
    return rows


def _inputs(rows: Sequence[Row], theme: Theme) -> Iterable[str]:
    for i, row in enumerate(rows):
        if i:
            yield "<HR/>"
        yield from (_cell(line, theme, port=_port(row, i, j)) for j, line in enumerate(row.lines))


def _port(row: Row, i: int, j: int) -> str:
    """Forward edges end at a row's first line, backward ones start at its first line about gradients."""
    if j == 0:
        return f"i{i}"
    first = next((k for k, line in enumerate(row.lines) if line.backward), None)
    return f"g{i}" if j == first else ""


def _legend(drawing: Drawing, theme: Theme) -> str:
    backward = any(edge.backward for edge in drawing.edges)
    cells = ["<TD>value forward ━━▶</TD>"]
    if backward:
        cells.append(f'<TD><FONT COLOR="{theme.red}">◁╌╌ gradient backward</FONT></TD>')
    notes = "".join(f'<TR><TD COLSPAN="{len(cells)}">{clean(note)}</TD></TR>' for note in drawing.notes)
    return f'<<TABLE BORDER="0" CELLSPACING="4" CELLPADDING="0"><TR>{"".join(cells)}</TR>{notes}</TABLE>>'
