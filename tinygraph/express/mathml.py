"""Mathematics as MathML, which browsers typeset by themselves, offline."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tinygraph.express.derivation import derivation
from tinygraph.express.notation import (
    Digits,
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sign,
    Symbol,
    Times,
    Word,
)
from tinygraph.express.program import Program

HEAD = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'


def mathml(program: Program) -> str:
    """The derivation as one table, aligned at the equals signs."""
    rows = []
    for line in derivation(program):
        left, *rights = (print_layout(x) for x in line.sides)
        right = "<mo>=</mo>".join(rights)
        rows.append(
            f'<mtr><mtd style="text-align: right">{left}</mtd><mtd><mo>=</mo></mtd>'
            f'<mtd style="text-align: left"><mrow>{right}</mrow></mtd></mtr>'
        )
    return f'{HEAD}<mtable displaystyle="true">{"".join(rows)}</mtable></math>'


def equation(sides: Iterable[Layout]) -> str:
    """One line, its sides joined by equals signs."""
    return f"{HEAD}<mrow>{'<mo>=</mo>'.join(map(print_layout, sides))}</mrow></math>"


def print_layout(x: Layout) -> str:
    """A layout as MathML."""
    p = print_layout
    if isinstance(x, Symbol):
        name = f"<mi>{_text(x.text)}</mi>"
        return f"<msub>{name}<mi>{_text(x.below)}</mi></msub>" if x.below else name
    if isinstance(x, Word):
        return f'<mi mathvariant="normal">{_text(x.text)}</mi>'
    if isinstance(x, Digits):
        return f"<mn>{_text(x.text)}</mn>"
    if isinstance(x, Sign):
        space = ' lspace="0" rspace="0"' if x.tight else ""
        return f"<mo{space}>{_text(x.text)}</mo>"
    if isinstance(x, Times):
        return "<mo>·</mo>" if x.dot else "<mo>&#x2062;</mo>"
    if isinstance(x, Row):
        return f"<mrow>{''.join(map(p, x.items))}</mrow>"
    if isinstance(x, Fraction):
        return f"<mfrac>{p(x.top)}{p(x.bottom)}</mfrac>"
    if isinstance(x, Raised):
        above = "<mo>⊤</mo>" if x.above == Word("T") else p(x.above)
        return f"<msup>{p(x.base)}{above}</msup>"
    if isinstance(x, Lowered):
        return f"<msub>{p(x.base)}{p(x.below)}</msub>"
    if isinstance(x, Root):
        return f"<msqrt>{p(x.body)}</msqrt>" if x.degree == 2 else f"<mroot>{p(x.body)}<mn>{x.degree}</mn></mroot>"
    if isinstance(x, Fence):
        return f'<mrow><mo fence="true">{x.left}</mo>{p(x.body)}<mo fence="true">{x.right}</mo></mrow>'
    if x.top is None:
        return f"<mrow><munder><mo>∑</mo><mi>{_text(x.index)}</mi></munder>{p(x.body)}</mrow>"
    start = f"<mrow><mi>{_text(x.index)}</mi><mo>=</mo><mn>1</mn></mrow>"
    return f"<mrow><munderover><mo>∑</mo>{start}{p(x.top)}</munderover>{p(x.body)}</mrow>"


def _text(text: str) -> str:
    return escape("".join(c for c in text if c.isprintable()))
