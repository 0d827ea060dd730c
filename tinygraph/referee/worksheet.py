"""A worksheet: the program of a graph with blanks for its values and gradients, in the order of the walk, and the key to it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygraph.express.equations import Equations
from tinygraph.express.layout import Digits, symbol
from tinygraph.express.mathml import equation
from tinygraph.express.table import WIDTH
from tinygraph.express.text import SHOWN, in_full, number
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.statements import Statement, program_of
from tinygraph.program.value import Number
from tinygraph.referee.compare import compare
from tinygraph.referee.redrawn import with_other_numbers
from tinygraph.referee.report import Report
from tinygraph.sparse import is_sparse

BLANK = "_" * 8
LONG = BLANK * 4  # for a formula
AS_WIDE = -11111.5  # a number of as many characters as a blank
BLANK_CLASS = ' class="tg-blank"'
DECIMALS = 3  # to which answers are written
NOTE = "Write each gradient as a formula in the names above it, and numbers to three decimals."
STYLE = """
.tg-worksheet { color-scheme: light dark; VARIABLES color: var(--text); background: var(--page); padding: 12px 16px;
  max-width: 760px; font: 14px/1.5 FONT; text-align: left }
.tg-worksheet h3 { margin: 0 0 8px; font-size: 18px } .tg-worksheet h4 { margin: 16px 0 4px; font-size: 15px;
  break-after: avoid }
.tg-worksheet p { margin: 4px 0; color: var(--weak) }
.tg-worksheet .tg-line, .tg-worksheet .tg-number { display: flex; align-items: center; gap: 4px 8px }
.tg-worksheet .tg-line { flex-wrap: wrap; margin: 10px 0; break-inside: avoid }
.tg-worksheet math { display: inline math; math-style: normal; font-size: 17px; color: inherit }
.tg-worksheet pre { margin: 0; padding: 0; font: 13px/1.6 ui-monospace, monospace; color: inherit; background: none }
.tg-worksheet .tg-blank { line-height: 2.2 }
@media print { .tg-worksheet { color-scheme: light; max-width: none; padding: 0 } }
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>TITLE</title>
<style>@page { size: A4; margin: 18mm } html { color-scheme: light dark; COLOURS background: var(--page) } body { margin: 0 }
@media print { html { color-scheme: light } }</style></head><body>
SHEET
</body></html>
"""


class Line(NamedTuple):
    """A line of a sheet: a name, the source behind it, both as MathML, and its number; a blank where one is to be found."""

    name: str
    right: str | None
    math: str
    value: str | None


class Worksheet:
    """What `graph.worksheet()` gives: `print` shows it as text, a notebook as HTML, `save("sheet.html")` writes a page for A4.

    `key` is the same sheet with the gradients as formulas and all numbers. `graph` has the numbers of the seed. Raises ValueError
    for a graph that ends where an op failed, for arrays too large to be filled in by hand, and for an unusable seed.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> z = w * x
    >>> L = z**2
    >>> sheet = tg.Graph(L, names={"w": w, "x": x, "z": z, "L": L}).worksheet(seed=7)
    >>> print(sheet.key)
    Key to the worksheet of L, seed 7
    <BLANKLINE>
    Given
      w = 2.6
      x = 1.6
    Forward
      z = w * x = 4.160
      L = z ** 2 = 17.306
    Backward
      dL = 1
      dz = 2 * z = 8.320
      dw = dz * x = 13.312
    """

    def __init__(self, graph: Graph, seed: int | None = None) -> None:
        if graph._is_partial:
            raise ValueError("this graph ends where an op failed, so that it has no gradients")
        if not graph._requests():
            graph.backprop()
        self.graph = graph if seed is None else with_other_numbers(graph, seed)
        self.seed = seed
        self._has_answers = False
        program = program_of(self.graph)
        for node in (*program.leaves, *(s.node for s in program.statements)):
            if node.size > SHOWN:
                fix = "record the graph of fewer examples, since a worksheet is filled in by hand"
                raise ValueError(f"{program.name(node)} has {node.size} entries: {fix}")

    @property
    def key(self) -> Worksheet:
        """The same sheet filled in."""
        filled = copy(self)
        filled._has_answers = True
        return filled

    def compare(self, **given: Any) -> Report:
        """Judge what was written on the sheet, as `graph.compare` does, where every number may be rounded to three decimals.

        >>> w, x = tg.parameter(3.0), tg.constant(2.0)
        >>> z = w * x
        >>> L = np.tanh(z / 7)
        >>> sheet = tg.Graph(L, names={"w": w, "x": x, "z": z, "L": L}).worksheet()
        >>> print(sheet.compare(L=0.695, dz=0.074, dw=0.148))
        L   right
        dz  right
        dw  right
        """
        return compare(self.graph, given, DECIMALS)

    @property
    def title(self) -> str:
        """The heading."""
        outputs = ", ".join(self.graph.name(output) or "" for output in self.graph.outputs)
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{'Key to the worksheet' if self._has_answers else 'Worksheet'} of {outputs}{seed}"

    def save(self, path: str | Path) -> Path:
        """Write `page()` to a file, `sheet.html` or `key.html`; returns the path. Raises ValueError for another ending."""
        from tinygraph.draw import files

        return files.save(self, path, dict.fromkeys(files.PAGES, Worksheet.page))

    def page(self) -> str:
        """The sheet as an HTML file that needs no network and prints on A4."""
        from tinygraph.draw.theme import variables

        return PAGE.replace("COLOURS", variables()).replace("TITLE", escape(self.title)).replace("SHEET", self._html())

    def __str__(self) -> str:
        lines = [self.title, *([] if self._has_answers else ["", f"Name {LONG}"]), ""]
        for heading, section in self._sections().items():
            lines += [heading, *(text for line in section if line.name for text in _in_text(line))]
        return "\n".join(lines if self._has_answers else [*lines, "", NOTE])

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        from tinygraph.draw.theme import FONT, variables

        style = STYLE.replace("VARIABLES", variables()).replace("FONT", FONT)
        parts = [f"<h3>{escape(self.title)}</h3>", *([] if self._has_answers else [f"<p>Name {LONG}</p>"])]
        for heading, section in self._sections().items():
            parts += [f"<h4>{heading}</h4>", *map(_in_html, section)]
        note = "" if self._has_answers else f"<p>{NOTE}</p>"
        return f'<div class="tg-worksheet"><style>{style}</style>{"".join(parts)}{note}</div>'

    def _sections(self) -> dict[str, list[Line]]:
        """The lines under each heading."""
        program = program_of(self.graph)
        equations = Equations(program)
        leaves = [(program.name(x), equations.symbol(x), x.value) for x in program.leaves]
        leaves += [(name, symbol(name), value) for name, value in program.numbers.items()]
        forward = [self._line(s, equations) for s in program.forward]
        backward = [
            self._line(s, equations, self._is_asked(s))
            for s in program.backward
            if s.node not in program.passed_on or s.node in program.units
        ]
        given = [Line(name, None, equation([variable]), _written(value)) for name, variable, value in leaves]
        given += [Line("", None, equation([letter, Digits(str(size))]), None) for letter, size in equations.notation.sizes]
        return {"Given": given, "Forward": forward, "Backward": backward}

    def _is_asked(self, statement: Statement) -> bool:
        """Whether the formula of a gradient is to be found; the name of a part that several share would not say what it is."""
        return not self._has_answers and statement.of is not None and statement.node not in statement.program.units

    def _line(self, statement: Statement, equations: Equations, is_asked: bool = False) -> Line:
        """A statement with its expression, or a blank for it, and its number, unless the expression is one."""
        value = self._number(statement.node)
        if is_asked:
            return Line(statement.name, LONG, equation([equations.name(statement.node)]), value)
        is_number = isinstance(statement.expression, Number)
        return Line(statement.name, statement.right, equation(equations.equation(statement)), None if is_number else value)

    def _number(self, node: Node) -> str:
        """The value of a statement, or as many blanks as it has entries."""
        if self._has_answers:
            return _written(node.value) if node.shape else number(node.value)
        return in_full(np.full(node.shape, AS_WIDE)).replace(str(AS_WIDE), BLANK) if node.shape else BLANK


def _written(value: Any) -> str:
    """What is given, or the entries of an array."""
    if is_sparse(value):
        value = value.toarray()
    return in_full(value) if np.shape(value) else min(str(value), in_full(value), key=len)  # 0.1 in float32 is 0.1000000015


def _in_text(line: Line) -> Iterator[str]:
    """A line as text: the number stands below the expression where it takes more room."""
    start = f"  {line.name} = "
    *before, last = [part for part in (line.right, line.value) if part is not None]
    whole = start + " = ".join([*before, last])
    if before and ("\n" in last or len(whole) > WIDTH):
        yield start + before[0]
        start = f"{'= ':>{len(start)}}"
        whole = start + last
    yield whole.replace("\n", "\n" + " " * len(start))


def _in_html(line: Line) -> str:
    numbers = [x for x in (line.right if line.right == LONG else None, line.value) if x is not None]
    shown = "".join(f'<div class="tg-number">= <pre{BLANK_CLASS if BLANK in x else ""}>{escape(x)}</pre></div>' for x in numbers)
    return f'<div class="tg-line">{line.math}{shown}</div>'
