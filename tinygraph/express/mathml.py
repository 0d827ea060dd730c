"""Mathematics as MathML, which browsers typeset by themselves, offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from tinygraph.express.equations import equations_of
from tinygraph.express.layout import (
    Blank,
    Cases,
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
    below_parts,
    ends,
    is_short,
    is_tall,
)
from tinygraph.express.text import printable
from tinygraph.program.statements import Program

HEAD = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'

# Firefox aligns text; Chromium and Safari have their own words for what is not text.
LEFT = "text-align: left; text-align: -webkit-left"
RIGHT = "text-align: right; text-align: -webkit-right"


def mathml(program: Program) -> str:
    """The equations as one table, aligned at the equals signs."""
    return aligned(equations_of(program))


def aligned(lines: Iterable[Sequence[Layout]]) -> str:
    """A table of equations, each by its sides."""
    rows = ([print_layout(x) for x in sides] for sides in lines)
    return table((left, "<mo>=</mo>".join(rights)) for left, *rights in rows)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """A table of rows: what stands left of the equals sign, right of it, and remarks."""
    return f'{HEAD}<mtable displaystyle="true">{"".join(_row(*row) for row in rows)}</mtable></math>'


def _row(left: str, right: str, *remarks: str) -> str:
    cells = "".join(f'<mtd style="{LEFT}; padding-left: 2em">{remark}</mtd>' for remark in remarks)
    return (
        f'<mtr><mtd style="{RIGHT}; padding-right: 0">{left}</mtd>'
        f'<mtd style="{LEFT}; padding-left: 0"><mrow><mo>=</mo>{right}</mrow></mtd>{cells}</mtr>'
    )


def equation(sides: Iterable[Layout], numbers: Sequence[Layout] = ()) -> str:
    """One line, its sides joined by equals signs; those in numbers are of the class `numbers`, the last one is the value."""
    names = "<mo>=</mo>".join(map(print_layout, sides))
    printed = [f"<mrow>{print_layout(x)}</mrow>" for x in numbers]
    more = f'<mrow class="numbers"><mo>=</mo>{"<mo>=</mo>".join(printed)}</mrow>' if printed else ""
    return f"{HEAD}<mrow>{names}{more}</mrow></math>"


THIN = '<mspace width="0.17em"/>'


def print_layout(x: Layout) -> str:
    """A layout as MathML."""
    p = print_layout
    if isinstance(x, Symbol):
        return f"<msub>{_variable(x.text)}{_below(x)}</msub>" if x.below or x.index else _variable(x.text)
    if isinstance(x, Word):
        bold = ' style="font-weight: bold"' if x.text in ("0", "1") else ""
        return f'<mi mathvariant="normal"{bold}>{_text(x.text)}</mi>'
    if isinstance(x, Blank):
        return f"\ue000{x.text},{x.brackets}\ue001"  # in the place of which `express/holes.py` puts a number
    if isinstance(x, Digits):
        return f"<mn>{_text(x.text)}</mn>"
    if isinstance(x, Sign):
        space = ' lspace="0" rspace="0"' if x.tight else ""
        return f"<mo{space}>{_text(x.text)}</mo>"
    if isinstance(x, Times):
        return "<mo>·</mo>" if x.dot else "<mo>&#x2062;</mo>"
    if isinstance(x, Cases):
        rows = "".join(f"<mtr>{_cell(print_layout(value))}{_cell(_condition(when))}</mtr>" for value, when in x.rows)
        return f'<mrow><mo fence="true">{{</mo><mtable>{rows}</mtable></mrow>'
    if isinstance(x, Row):
        return f"<mrow>{''.join(_items(x))}</mrow>"
    if isinstance(x, Fraction):
        return f"<mfrac>{p(x.top)}{p(x.bottom)}</mfrac>"
    if isinstance(x, Raised):
        return _raised(x)
    if isinstance(x, Lowered):
        tag = "munder" if x.under else "msub"
        return f"<{tag}>{p(x.base)}{p(x.below)}</{tag}>"
    if isinstance(x, Root):
        return f"<msqrt>{p(x.body)}</msqrt>" if x.degree == 2 else f"<mroot>{p(x.body)}<mn>{x.degree}</mn></mroot>"
    if isinstance(x, Fence):
        attributes = f'fence="true" stretchy="{str(is_tall(x.body)).lower()}"'  # or fences around fences grow, one by one
        return f"<mrow><mo {attributes}>{x.left}</mo>{p(x.body)}<mo {attributes}>{x.right}</mo></mrow>"
    index = "<mo>,</mo>".join(map(_variable, x.index))
    if x.top is None:
        return f"<mrow><munder><mo>∑</mo><mrow>{index}</mrow></munder>{p(x.body)}</mrow>"
    start = f"<mrow>{index}<mo>=</mo><mn>1</mn></mrow>"
    return f"<mrow><munderover><mo>∑</mo>{start}{p(x.top)}</munderover>{p(x.body)}</mrow>"


def _items(x: Row) -> Iterator[str]:
    for i, item in enumerate(x.items):
        yield print_layout(item)
        if isinstance(item, Times) and not item.dot and not _are_letters(x.items[i - 1], x.items[i + 1]):
            yield THIN


def _are_letters(left: Layout, right: Layout) -> bool:
    return is_short(ends(left)[1]) and is_short(ends(right)[0])


def _raised(x: Raised) -> str:
    above = "<mo>⊤</mo>" if x.above == Word("T") else print_layout(x.above)
    if isinstance(x.base, Symbol) and (x.base.below or x.base.index):
        return f"<msubsup>{_variable(x.base.text)}{_below(x.base)}{above}</msubsup>"
    return f"<msup>{print_layout(x.base)}{above}</msup>"


def _cell(content: str) -> str:
    return f'<mtd style="{LEFT}">{content}</mtd>'


def _condition(when: Layout | None) -> str:
    """A condition behind `if`, or `otherwise` where there is none."""
    if when is None:
        return print_layout(Word("otherwise"))
    return f'<mrow>{print_layout(Word("if"))}<mspace width="0.4em"/>{print_layout(when)}</mrow>'


def _variable(text: str) -> str:
    """Letters of a variable, which slant; MathML does that for single ones by itself."""
    slanted = ' style="font-style: italic"' if len(text) > 1 else ""
    return f"<mi{slanted}>{_text(text)}</mi>"


def _below(x: Symbol) -> str:
    parts = [
        "<mo>,</mo>" if part == "," else f"<mn>{_text(part)}</mn>" if part.isdigit() else f"<mi>{_text(part)}</mi>"
        for part in below_parts(x)
    ]
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _text(text: str) -> str:
    return escape(printable(text))
