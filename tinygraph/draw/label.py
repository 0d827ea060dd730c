"""One card as an HTML label of Graphviz: its cells, their ports and their widths.

Widths are computed here, because a layout engine without a font guesses the width of letters outside ASCII. All text is cleaned
and escaped. The inputs of a card are on the side where its edges enter: in a graph that runs upwards, at the bottom.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from html import escape

from tinygraph.draw.cards import Card, CardLine, CardRow
from tinygraph.draw.theme import Theme
from tinygraph.express.text import printable

SIZE = 13  # points
# Widths of Helvetica's letters in thousandths of the font size, after Adobe's metrics; 556 for all others.
WIDTHS = {
    **dict.fromkeys(" \xa0!,./:;I[]\\|tf", 278), **dict.fromkeys("ijl'", 222), **dict.fromkeys("()-r`{}", 333),
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


def clean(text: str) -> str:
    """Text for an HTML label: what can be printed, markup escaped, backslashes doubled."""
    return escape(printable(text)).replace("\\", "\\\\") or " "


def _text(line: CardLine, theme: Theme, bold: bool = False) -> str:
    text = clean(line.text)
    colour = {"bad": theme.red, "good": theme.good, "weak": theme.weak}.get(line.mark, theme.red if line.backward else "")
    text = f'<FONT COLOR="{colour}">{text}</FONT>' if colour else text
    return f"<B>{text}</B>" if bold else text


def _cell(line: CardLine, theme: Theme, port: str = "", align: str = "LEFT", bold: bool = False, extra: str = "") -> str:
    port = f' PORT="{port}"' if port else ""
    room = math.ceil(width(line.text, bold)) + 8
    return f'<TD{port} ALIGN="{align}" WIDTH="{room}"{extra}>{_text(line, theme, bold)}</TD>'


def _table(rows: Sequence[str]) -> str:
    body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">{body}</TABLE>'


def label(card: Card, theme: Theme, direction: str) -> str:
    """The HTML of one card of a graph that runs in that direction: LR, TB, RL or BT."""
    paint = theme.kinds[card.kind]
    border = 2 if card.kind == "loss" or card.mark == "bad" else 1
    rounded = "" if card.kind in ("input", "loss") else ' STYLE="ROUNDED"'
    colour = theme.red if card.mark == "bad" else paint.line
    look = f'COLOR="{colour}" BGCOLOR="{paint.fill}"{rounded}'
    if direction in ("LR", "RL"):
        rows = _across(card, theme, leftwards=direction == "RL")
    else:
        rows = _down(card, theme)[:: -1 if direction == "BT" else 1]
    body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in rows)
    return f'<<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" {look}>{body}</TABLE>>'


def _title(card: Card, theme: Theme, columns: int = 1) -> list[str]:
    """The row of the title: the equation, or the name of a folded card."""
    if not card.is_titled:
        return []
    return [_cell(CardLine(card.title), theme, align="CENTER", bold=True, extra=f' COLSPAN="{columns}"'), "<HR/>"]


def _across(card: Card, theme: Theme, leftwards: bool) -> list[str]:
    """Inputs on the left and results on the right, or the reverse."""
    results = [row for port, lines in _results(card) for row in (*_lines(lines, port, theme), "<HR/>")][:-1]
    if not card.rows:
        return [*_title(card, theme), *results]
    inputs: list[str] = []
    for i, row in enumerate(card.rows):
        inputs += ["<HR/>"] if i else []
        inputs += _input(row, i, theme)
    sides = [f'<TD CELLPADDING="1">{_table(rows)}</TD>' for rows in (inputs, [row for row in results if row != "<HR/>"])]
    return [*_title(card, theme, columns=2), "<VR/>".join(reversed(sides) if leftwards else sides)]


def _down(card: Card, theme: Theme) -> list[str]:
    """Inputs at the top, then the equation, then results."""
    results = [_beside([_column(lines, port, theme) for port, lines in _results(card)])]
    if not card.rows:
        return [*_title(card, theme), *results]
    inputs = _beside([cell for i, row in enumerate(card.rows) for cell in _input(row, i, theme)])
    return [inputs, "<HR/>", *_title(card, theme), *results]


def _beside(cells: Sequence[str]) -> str:
    row = "<VR/>".join(cells)
    return f'<TD CELLPADDING="1"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR>{row}</TR></TABLE></TD>'


def _column(lines: Sequence[CardLine], port: str, theme: Theme) -> str:
    """Lines as one cell with one port, which is on the border of the card."""
    if len(lines) == 1:
        return _cell(lines[0], theme, port)
    return f'<TD PORT="{port}">{_table(_lines(lines, "", theme))}</TD>'


def _lines(lines: Sequence[CardLine], port: str, theme: Theme) -> list[str]:
    """A cell for each line; the first one has the port."""
    return [_cell(line, theme, port if i == 0 else "") for i, line in enumerate(lines)]


def _results(card: Card) -> list[tuple[str, list[CardLine]]]:
    """The value of the card at port f, where forward edges start, and its gradient at port g, where backward ones end."""
    forward = [line for line in card.results if not line.backward]
    backward = [line for line in card.results if line.backward]
    return [("f", forward), ("g", backward)] if backward else [("f", forward)]


def _input(row: CardRow, i: int, theme: Theme) -> list[str]:
    """One input: a forward edge ends at its first line, a backward edge starts at its first line about gradients."""
    first = next((j for j, line in enumerate(row.lines) if line.backward), None)
    return [_cell(line, theme, port=f"i{i}" if j == 0 else f"g{i}" if j == first else "") for j, line in enumerate(row.lines)]
