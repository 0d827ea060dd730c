"""An explanation as HTML for a notebook: formulas in MathML, two panels side by side, or tables of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.draw.theme import DARK, FONT, LIGHT, variables
from tinygraph.explaining.deciding import written
from tinygraph.explaining.jacobians import Numbers, entries
from tinygraph.explaining.plots import panel
from tinygraph.express.plain import plain

if TYPE_CHECKING:
    from tinygraph.explaining.explanation import Explanation

KINDS = ("parameter", "loss", "op")  # whose colours the curves have
STYLE = """
.tg-explained { color-scheme: light dark; VARIABLES COLOURS color: var(--text); background: var(--page); padding: 12px 16px;
  border: 1px solid var(--line); border-radius: 8px; max-width: 720px; font: 14px/1.5 FONT; text-align: left }
.tg-explained h4 { margin: 0 0 4px; font-size: 15px; overflow-wrap: anywhere } .tg-explained p { margin: 4px 0 }
.tg-explained code, .tg-explained h4, .tg-explained td, .tg-explained th { font-family: ui-monospace, monospace }
.tg-explained code { font-size: 13px; background: none; color: inherit; padding: 0 }
.tg-explained .tg-formulas { overflow-x: auto; padding: 4px 0; font-size: 17px }
.tg-explained math { display: block; text-align: left; margin: 6px 0; width: max-content; color: inherit }
.tg-explained .tg-row { overflow-x: auto; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: flex-start }
.tg-explained svg { overflow: hidden; flex: none }
.tg-explained svg text { font: 11.5px FONT; fill: var(--weak) }
.tg-explained svg .tg-title { font-size: 13px; fill: var(--text) }
.tg-explained ul { margin: 6px 0 0; padding-left: 20px } .tg-explained li { margin: 2px 0 }
.tg-explained .tg-frame { fill: var(--panel); stroke: var(--line) }
.tg-explained .tg-grid { stroke: var(--line); stroke-width: .6 } .tg-explained .tg-axis { stroke: var(--weak) }
.tg-explained .tg-curve { fill: none; stroke-width: 2; stroke-linecap: round }
.tg-explained .tg-curve1 { stroke-dasharray: 7 4 } .tg-explained .tg-curve2 { stroke-dasharray: 2 4 }
.tg-explained .tg-empty { fill: var(--page); stroke-width: 1.5 }
.tg-explained table { border-collapse: collapse; margin: 2px 0 8px; font-size: 13px; color: inherit; background: none }
.tg-explained figure { margin: 0; max-width: 100%; overflow-x: auto }
.tg-explained figcaption { color: var(--weak); font: 12px FONT; padding: 2px 0 }
.tg-explained td, .tg-explained th { padding: 2px 8px; text-align: right; border: 1px solid var(--line); background: none }
.tg-explained th { color: var(--weak); font-weight: normal; font-size: 12px } .tg-explained .tg-zero { color: var(--weak) }
"""


def style() -> str:
    """The style sheet, in the colours of the theme."""
    colours = "".join(f" --c{i}: light-dark({LIGHT.kinds[kind].line}, {DARK.kinds[kind].line});" for i, kind in enumerate(KINDS))
    each = "".join(
        f".tg-explained .tg-curve{i} {{ stroke: var(--c{i}) }} .tg-explained svg .tg-word{i} {{ fill: var(--c{i}) }} "
        f".tg-explained .tg-dot{i} {{ stroke: var(--c{i}) }} .tg-explained .tg-full.tg-dot{i} {{ fill: var(--c{i}) }}\n"
        for i in range(len(KINDS))
    )
    return STYLE.replace("VARIABLES", variables()).replace("COLOURS", colours).replace("FONT", FONT) + each


def html(x: Explanation) -> str:
    """The whole sheet, with its style."""
    return f'<div class="tg-explained"><style>{style()}</style>{_parts(x)}</div>'


def body(x: Explanation) -> str:
    """The whole sheet, for a page that has the style already."""
    return f'<div class="tg-explained">{_parts(x)}</div>'


def _parts(x: Explanation) -> str:
    """What a sheet shows; all text of a user's op is escaped."""
    head = escape(x.signature) + (f" <small>as {escape(x.numpy)}</small>" if x.numpy else "")
    formulas = "".join(formula.mathml for formula in (x.formula, *x.derivatives.values()) if formula is not None)
    notes = "".join(f"<li>{_prose(note)}</li>" for note in (*x.notes, *([f"Shape: {x.shape}"] if x.shape else [])))
    parts = [
        f"<h4>{head}</h4><p>{_prose(x.sentence)}</p>",
        f'<div class="tg-formulas">{formulas}</div>',
        *_panels(x),
        *([] if x.numbers is None else _tables(x.numbers)),
        f"<ul>{notes}</ul>" if notes else "",
    ]
    return "".join(parts)


def _prose(text: str) -> str:
    """Text, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _panels(x: Explanation) -> Iterator[str]:
    title = plain(x.formula.sides[0])
    for plot in x.plots:
        panels = [panel(plot, "values", title), *([panel(plot, "slopes", f"∂/∂{plot.argument}")] if plot.slopes else [])]
        yield f'<div class="tg-row">{"".join(panels)}</div>'


def _tables(x: Numbers) -> Iterator[str]:
    arrays = {**x.operands, "result": x.result}
    tables = "".join(_table(name, np.atleast_2d(array)) for name, array in arrays.items())
    yield f'<div class="tg-row">{tables}</div>'
    for name, matrix in x.derivatives:
        rows = [f"result{index}" for index in entries(np.shape(x.result))]
        columns = [f"{name}{index}" for index in entries(np.shape(x.operands[name]))]
        caption = f"derivative of each entry of the result by each entry of {name}"
        yield _table(caption, matrix, rows, columns)


def _table(caption: str, array: Any, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> str:
    head = f"<tr><th></th>{''.join(f'<th scope={chr(34)}col{chr(34)}>{escape(c)}</th>' for c in columns)}</tr>" if columns else ""
    body = ""
    for i, row in enumerate(np.reshape(array, (-1, np.shape(array)[-1]))):
        first = f'<th scope="row">{escape(rows[i])}</th>' if rows else ""
        cells = "".join(f"<td{'' if value else ' class=' + chr(34) + 'tg-zero' + chr(34)}>{_cell(value)}</td>" for value in row)
        body += f"<tr>{first}{cells}</tr>"
    return f"<figure><figcaption>{escape(caption)}</figcaption><table>{head}{body}</table></figure>"


def _cell(value: Any) -> str:
    return str(bool(value)) if value.dtype.kind == "b" else written(float(value))
