"""A gradient worked out further, in numbered lines with reasons: as text, in LaTeX and in MathML. Each line is checked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tinygraph.express import latex, mathml
from tinygraph.express.equations import Equations
from tinygraph.express.latex import Latex, upright
from tinygraph.express.layout import Digits, Layout, Row, Sign, joined
from tinygraph.express.notation import Notation
from tinygraph.express.python import python
from tinygraph.graph import Graph
from tinygraph.program.form import opened
from tinygraph.program.plan import spelled
from tinygraph.program.statements import Statement, program_of
from tinygraph.program.terms import Form
from tinygraph.program.value import Expression, evaluate
from tinygraph.program.working import DerivationStep, products, worked

Array: TypeAlias = npt.NDArray[Any]
Part: TypeAlias = str | Layout
Parts: TypeAlias = Sequence[Part]  # words and mathematics in a line

NO_BREAK = "\u00a0"
NO_SHORTER = "it gets no shorter by putting in, multiplying out, cancelling and collecting"


@dataclass(frozen=True, eq=False)
class DerivationLine:
    """One line: an expression that a gradient equals, and the reason, both as text too.

    `conditions` is what must hold for it, besides those of the lines before. `checked` is True for each entry at which its value
    was compared with the gradient: where both are finite and all conditions so far hold. `difference` is the largest one found,
    relative to the largest number that a line so far adds up. `note` says where it was not checked, and whether it differs.
    """

    text: str
    expression: Expression
    reason: str
    conditions: tuple[str, ...]
    checked: Array
    difference: float
    note: str


class Derivation:
    """The derivation of one gradient in lines; a notebook typesets them."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._program = statement.program
        self._steps = worked(statement)
        self.lines = tuple(self._lines())

    def __repr__(self) -> str:
        name = self._statement.name
        width = max(len(line.text) for line in self.lines)
        rows = [
            f"{i:>{len(str(len(self.lines)))}}  {name if i == 1 else ' ' * len(name)} = {line.text:<{width}}  {_reason(line)}"
            for i, line in enumerate(self.lines, 1)
        ]
        return "\n".join([*rows, f"({NO_SHORTER})"] if len(rows) == 1 else rows)

    def latex(self) -> Latex:
        """The lines as an `align` environment, which a notebook typesets."""
        rows = list(self._typeset())
        found = Latex(latex.aligned(tuple(map(_in_latex, row)) for row in rows))
        found.mathml = mathml.table(tuple(map(_in_mathml, row)) for row in rows)
        return found

    def _repr_latex_(self) -> str:
        return self.latex()

    def _repr_html_(self) -> str:
        return self.latex()._repr_html_()

    def _lines(self) -> Iterator[DerivationLine]:
        value = np.asarray(self._statement.value)
        fits = np.isfinite(value)
        size = np.zeros(value.shape)
        notes = [] if fits.all() else [f"not finite{_where(~fits)}: not checked there"]
        for step in self._steps:
            zero = np.any([_value(x, value) == 0 for x in step.nonzero], axis=0)
            if zero.any():
                notes.append(f"not so{_where(zero)}: not checked there")
                fits = fits & ~zero
            found = _value(step.expression, value)
            checked = fits & np.isfinite(found)
            if (fits & ~checked).any():
                notes.append(f"not finite{_where(fits & ~checked)}: not checked there")
            size = np.fmax(size, _largest_term(step.expression, value))
            difference = _difference(found, value, size, checked)
            if difference > np.finfo(self._statement.node.dtype).eps ** 0.5:
                notes.append(f"differs by {difference:.0e} of the largest term")
            yield self._line(step, checked, difference, "; ".join(notes))
            notes = []

    def _line(self, step: DerivationStep, checked: Array, difference: float, note: str) -> DerivationLine:
        reason = " ".join(filter(None, [step.words, " = ".join(map(self._text, step.about))]))
        conditions = tuple(f"{self._text(x)} ≠ 0" for x in step.nonzero)
        return DerivationLine(self._text(step.expression), step.expression, reason, conditions, checked, difference, note)

    def _text(self, x: Expression) -> str:
        return python(x, self._program.name)

    def _typeset(self) -> Iterator[tuple[Parts, Parts, Parts]]:
        """For each line what stands left of the equals sign, right of it, and the reason."""
        equations = Equations(self._program)
        left, *sides = equations.equation(self._statement)
        for i, (step, line) in enumerate(zip(self._steps, self.lines, strict=True)):
            right = equations.notation.layout(step.expression) if i else joined(sides, Sign("="))
            reason = [f"{i + 1}. ", *self._reason(step, equations.notation)]
            yield [] if i else [left], [right], _joined([*reason, f" ({line.note})"] if line.note else reason)
        for letter, size in equations.notation.sizes:
            yield [letter], [Digits(str(size))], []

    def _reason(self, step: DerivationStep, notation: Notation) -> Parts:
        about: list[Part] = [joined(map(notation.layout, step.about), Sign("="))] if step.about else []
        nonzero = [Row((notation.layout(x), Sign("≠"), Digits("0"))) for x in step.nonzero]
        conditions: Parts = [part for x in nonzero for part in (" and ", x)][1:]
        return [step.words, *([" ", *about] if about else []), *([", where ", *conditions] if nonzero else [])]


def reasoned(graph: Graph, name: str) -> Derivation:
    """The gradient of this name, worked out further."""
    found = program_of(graph, "named")
    statement = next((x for x in found.statements if x.name == name), None)
    if statement is None:
        node = graph[name]  # raises an error for an unknown name
        statement = next((x for x in found.statements if x.node is node), None)
    if statement is None or statement.of is None:
        gradients = ", ".join(x.name for x in found.backward if x.of is not None)
        fix = f"choose one of {gradients}" if gradients else "call graph.backprop() first"
        raise ValueError(f"{name!r} is no gradient: {fix}")
    return Derivation(statement)


def _reason(line: DerivationLine) -> str:
    where = f", where {' and '.join(line.conditions)}" if line.conditions else ""
    return f"{line.reason}{where}{f' ({line.note})' if line.note else ''}"


def _where(entries: Array) -> str:
    return f" at {np.count_nonzero(entries)} of {entries.size} entries" if entries.ndim else ""


def _joined(parts: Parts) -> Parts:
    """The same with the words that follow one another as one text."""
    texts = itertools.groupby(parts, key=lambda x: isinstance(x, str))
    return [x for is_text, run in texts for x in (["".join(map(str, run))] if is_text else run)]


def _in_latex(parts: Parts) -> str:
    """Words and mathematics in a line, in LaTeX."""
    return "".join(upright(x) if isinstance(x, str) else latex.print_layout(x) for x in parts)


def _in_mathml(parts: Parts) -> str:
    """Words and mathematics in a line, in MathML, which drops plain spaces where words begin and end."""
    return "".join(
        f"<mtext>{escape(x).replace(' ', NO_BREAK)}</mtext>" if isinstance(x, str) else mathml.print_layout(x) for x in parts
    )


def _value(x: Expression, like: Array) -> Array:
    with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
        return np.broadcast_to(np.asarray(evaluate(x, lambda node: node.value)), like.shape)


def _largest_term(x: Expression, like: Array) -> Array:
    """The largest number that an expression adds up, at each entry."""
    terms = [product for term in opened(x).terms for product in products(term)]
    return np.max([np.abs(_value(spelled(Form((term,), x.shape, "f", x)), like)) for term in terms], axis=0)


def _difference(found: Array, value: Array, size: Array, checked: Array) -> float:
    """The largest difference of the entries that are checked, relative to a size."""
    differences = np.abs(found[checked] - value[checked])
    return float(differences.max(initial=0) / (size[checked].max(initial=0) or 1))
