"""One card as an HTML label of Graphviz: its cells, their ports and their widths.

Widths are computed here, because a layout engine without a font guesses the width of letters outside ASCII. All text is cleaned
and escaped. The inputs of a card are on the side where its edges enter: in a graph that runs upwards, at the bottom.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from html import escape

from tinygraph.draw.cards import Card, CardLine
from tinygraph.draw.keys import Line, Lines, lines_of
from tinygraph.draw.theme import Theme
from tinygraph.express.holes import Hole, Text
from tinygraph.express.text import printable

SIZE = 13  # points
BOLD = 1.18  # how much wider bold letters are at most
PADDING = 4  # points, from a line to the border of its cell
WIDEST = "−1.234"  # the room of a number at least: longer ones, such as −12.345, are set closer
# Widths of letters in thousandths of the font size, in Helvetica or, if it is wider, in DejaVu Sans Condensed; 572 for others.
WIDTHS = {
    **dict.fromkeys(" \xa0,.·", 286), **dict.fromkeys("/\\:;|", 303), **dict.fromkeys("()[]", 351), **dict.fromkeys("ijl'", 250),
    **dict.fromkeys("cszJ∂", 500), **dict.fromkeys("vxy", 532), **dict.fromkeys("#+<=>^~−×≈≠≤≥∞", 754),
    **dict.fromkeys("CDHNRU", 722), **dict.fromkeys("ABEKPSVXY", 667), **dict.fromkeys("GOQ", 778), **dict.fromkeys("FTZ", 616),
    **dict.fromkeys("`*‖", 450), "I": 278, "-": 333, "!": 360, "r": 370, "f": 316, "t": 353, "k": 521, "w": 736, "m": 876,
    "M": 833, "W": 944, "@": 1015, "%": 889, "&": 702, "\"": 414, "Σ": 620, "Π": 677, "⊙": 780, "…": 1000, "▸": 600, "√": 573,
    "⚠": 807,
}  # fmt: skip
SMALL = "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿⁱ"


def width(text: str, bold: bool = False) -> float:
    """The width of a line of text in points."""
    total = sum(_letter(c) for c in text)
    return total * SIZE / 1000 * (BOLD if bold else 1.0)


def _letter(c: str) -> int:
    if c in SMALL:
        return 370
    if unicodedata.combining(c):
        return 0
    return WIDTHS.get(c, 1000 if unicodedata.east_asian_width(c) in "WF" else 572 if c.isascii() else 600)


def clean(text: str) -> str:
    """Text for an HTML label: what can be printed, markup escaped, backslashes doubled."""
    return escape(printable(text)).replace("\\", "\\\\") or " "


def room(line: Line) -> int:
    """The width of the cell of a line, whatever its numbers are: a moved leaf may bring longer ones than those of now."""
    text = line.shown.text
    pieces = text.pieces if isinstance(text, Text) else [text]
    total = sum(_room(x) if isinstance(x, Hole) else width(x, line.is_title) for x in pieces)
    return 2 * (math.ceil(total / 2) + PADDING)  # even, so that engines that round have nothing to round


def _room(hole: Hole) -> float:
    """The room for a number that may be another one; of what is mostly not said, that which it takes now."""
    return max(width(str(hole)), width(WIDEST)) if hole.is_number else width(str(hole))


def colour(line: CardLine, theme: Theme) -> str:
    """The colour of a line that has another one than most."""
    return {"bad": theme.red, "good": theme.good, "weak": theme.weak}.get(line.mark, theme.red if line.backward else "")


def _text(line: Line, theme: Theme) -> str:
    text, paint = clean(line.shown.text), colour(line.shown, theme)
    text = f'<FONT COLOR="{paint}">{text}</FONT>' if paint else text
    return f"<B>{text}</B>" if line.is_title else text


def _cell(line: Line, theme: Theme, port: str = "", extra: str = "") -> str:
    """A cell that is found in the SVG: there a link, even an empty one, has an id, and any background a place."""
    port = f' PORT="{port}"' if port else ""
    known = f'ID="{line.key}" TITLE=" " TARGET="_self" BGCOLOR="transparent"'
    align = "CENTER" if line.is_title else "LEFT"
    return f'<TD{port} {known} ALIGN="{align}" WIDTH="{room(line)}"{extra}>{_text(line, theme)}</TD>'


def _table(rows: Sequence[str]) -> str:
    body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">{body}</TABLE>'


def label(card: Card, theme: Theme, direction: str) -> str:
    """The HTML of one card of a graph that runs in that direction: LR, TB, RL or BT."""
    rounded = ' STYLE="ROUNDED"' if is_rounded(card) else ""
    look = f'COLOR="{border(card, theme)}" BGCOLOR="{theme.kinds[card.kind].fill}"{rounded}'
    lines = lines_of(card)
    if direction in ("LR", "RL"):
        rows = _across(lines, theme, leftwards=direction == "RL")
    else:
        rows = _down(lines, theme)[:: -1 if direction == "BT" else 1]
    body = "".join(row if row == "<HR/>" else f"<TR>{row}</TR>" for row in rows)
    return f'<<TABLE BORDER="{thickness(card)}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{PADDING}" {look}>{body}</TABLE>>'


def border(card: Card, theme: Theme) -> str:
    """The colour of the border of a card."""
    return theme.red if card.mark == "bad" else theme.kinds[card.kind].line


def thickness(card: Card) -> int:
    """The width of the border of a card: of a loss, and of a card that needs attention, a thicker one."""
    return 2 if card.kind == "loss" or card.mark == "bad" else 1


def is_rounded(card: Card) -> bool:
    """Whether a card has round corners."""
    return card.kind not in ("input", "loss")


def _title(lines: Lines, theme: Theme, columns: int = 1) -> list[str]:
    """The row of the title: the equation, or the name of a folded card."""
    return [x for line in lines.title for x in (_cell(line, theme, extra=f' COLSPAN="{columns}"'), "<HR/>")]


def _across(lines: Lines, theme: Theme, leftwards: bool) -> list[str]:
    """Inputs on the left and results on the right, or the reverse."""
    results = [row for port, group in _results(lines) for row in (*_cells(group, port, theme), "<HR/>")][:-1]
    if not lines.rows:
        return [*_title(lines, theme), *results]
    inputs: list[str] = []
    for i, row in enumerate(lines.rows):
        inputs += ["<HR/>"] if i else []
        inputs += _input(row, i, theme)
    sides = [f'<TD CELLPADDING="1">{_table(rows)}</TD>' for rows in (inputs, [row for row in results if row != "<HR/>"])]
    return [*_title(lines, theme, columns=2), "<VR/>".join(reversed(sides) if leftwards else sides)]


def _down(lines: Lines, theme: Theme) -> list[str]:
    """Inputs at the top, then the equation, then results."""
    results = [_beside([_column(group, port, theme) for port, group in _results(lines)])]
    if not lines.rows:
        return [*_title(lines, theme), *results]
    inputs = _beside([cell for i, row in enumerate(lines.rows) for cell in _input(row, i, theme)])
    return [inputs, "<HR/>", *_title(lines, theme), *results]


def _beside(cells: Sequence[str]) -> str:
    row = "<VR/>".join(cells)
    return f'<TD CELLPADDING="1"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR>{row}</TR></TABLE></TD>'


def _column(lines: Sequence[Line], port: str, theme: Theme) -> str:
    """Lines as one cell with one port, which is on the border of the card."""
    if len(lines) == 1:
        return _cell(lines[0], theme, port)
    return f'<TD PORT="{port}">{_table(_cells(lines, "", theme))}</TD>'


def _cells(lines: Sequence[Line], port: str, theme: Theme) -> list[str]:
    """A cell for each line; the first one has the port."""
    return [_cell(line, theme, port if i == 0 else "") for i, line in enumerate(lines)]


def _results(lines: Lines) -> list[tuple[str, list[Line]]]:
    """The value of the card at port f, where forward edges start, and its gradient at port g, where backward ones end."""
    return [("f", lines.value), ("g", lines.gradient)] if lines.gradient else [("f", lines.value)]


def _input(row: Sequence[Line], i: int, theme: Theme) -> list[str]:
    """One input: a forward edge ends at its first line, a backward edge starts at its first line about gradients."""
    first = next((j for j, line in enumerate(row) if line.shown.backward), None)
    return [_cell(line, theme, port=f"i{i}" if j == 0 else f"g{i}" if j == first else "") for j, line in enumerate(row)]
