"""The equations of a program in LaTeX: the forward pass, then each gradient with the chain rule that it follows from.

What is printed is understood by KaTeX and by MathJax. Names and text are escaped in math mode, where both read the same escapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from tinygraph.express.equations import equations_of
from tinygraph.express.layout import (
    GREEK,
    Cases,
    Digits,
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sigma,
    Sign,
    Symbol,
    Times,
    Word,
    below_parts,
    ends,
    is_short,
    is_tall,
)
from tinygraph.express.mathml import aligned as aligned_in_mathml
from tinygraph.express.text import printable
from tinygraph.program.statements import Program

BREAK = " \\\\\n"
FUNCTIONS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "ln", "log", "max", "min", "arcsin", "arccos", "arctan", "det"}
LETTERS = {letter: name for name, letter in GREEK.items()}
SIGNS = {
    "−": "-", "⊙": r"\odot", "⊕": r"\oplus", "⊖": r"\ominus", "⊗": r"\otimes", "∘": r"\circ", "·": r"\cdot", "×": r"\times",
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "∧": r"\land", "∨": r"\lor", "¬": r"\lnot ", "∂": r"\partial ",
    ">": ">", "<": "<", "=": "=", "+": "+", "/": "/", "∏": r"\prod",
}  # fmt: skip
FENCES = {"|": r"\lvert", "⌊": r"\lfloor", "⌈": r"\lceil", "(": "(", "[": "["}
CLOSING = {"|": r"\rvert", "⌋": r"\rfloor", "⌉": r"\rceil", ")": ")", "]": "]"}
ESCAPES = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"{\wedge}", "~": r"{\sim}",
}  # fmt: skip


class Latex(str):
    """LaTeX that a notebook typesets: offline as the same in MathML, and where there is no HTML, as in a PDF, as LaTeX."""

    mathml: str

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto">{self.mathml}</div>'

    def _repr_latex_(self) -> str:
        return str(self)


def latex(program: Program) -> Latex:
    """The equations as an `align` environment."""
    lines = list(equations_of(program))
    found = Latex(aligned((print_layout(left), " = ".join(map(print_layout, rights))) for left, *rights in lines))
    found.mathml = aligned_in_mathml(lines)
    return found


def aligned(rows: Iterable[tuple[str, ...]]) -> str:
    """An `align` environment of rows: what stands left of the equals sign, right of it, and remarks."""
    lines = (f"  {left} &= {' && '.join(filter(None, rights))}" for left, *rights in rows)
    return f"\\begin{{align}}\n{BREAK.join(lines)}\n\\end{{align}}"


def print_layout(layout: Layout) -> str:
    """A layout as LaTeX, for math mode."""
    text = re.sub(" +", " ", "".join(_pieces(layout))).strip()
    return re.sub(r"(\\(?!odot|oplus|ominus|otimes|circ|times|ge|le|ne|land|lor|cdot)[a-zA-Z]+) (?=[(){}_^,])", r"\1", text)


def _pieces(x: Layout) -> Iterator[str]:
    p = print_layout
    if isinstance(x, Symbol):
        yield _letters(x.text) + (f"_{{{''.join(map(_part, below_parts(x)))}}}" if x.below or x.index else "")
    elif isinstance(x, Word):
        yield _function(x.text)
    elif isinstance(x, Digits):
        yield {"∞": r"\infty ", "NaN": r"\mathrm{NaN}"}.get(x.text, x.text.replace("−", "-"))
    elif isinstance(x, Sign) and x.text == ",":
        yield ", "
    elif isinstance(x, Sign):
        sign = SIGNS.get(x.text) or (_function(x.text) if x.text.isalpha() else escaped(x.text))
        yield f" {sign} " if not x.tight else f"{sign} " if sign.startswith("\\") else sign
    elif isinstance(x, Times):
        yield r" \cdot "
    elif isinstance(x, Cases):
        rows = r" \\ ".join(
            f"{p(value)} & " + (r"\text{if } " + p(when) if when else r"\text{otherwise}") for value, when in x.rows
        )
        yield rf"\begin{{cases}} {rows} \end{{cases}}"
    elif isinstance(x, Row):
        for i, item in enumerate(x.items):
            if isinstance(item, Times) and not item.dot:
                yield _between(x.items[i - 1], x.items[i + 1])
            else:
                yield from _pieces(item)
    elif isinstance(x, Fraction):
        yield rf"\frac{{{p(x.top)}}}{{{p(x.bottom)}}}"
    elif isinstance(x, Raised):
        above = r"\top" if x.above == Word("T") else p(x.above)
        yield f"{_base(x.base)}^{{{above}}}"
    elif isinstance(x, Lowered):
        base = _base(x.base)
        yield f"{base.replace('operatorname', 'operatorname*') if x.under else base}_{{{p(x.below)}}}"
    elif isinstance(x, Root):
        yield rf"\sqrt{'' if x.degree == 2 else f'[{x.degree}]'}{{{p(x.body)}}}"
    elif isinstance(x, Fence):
        big = ("\\left", "\\right") if is_tall(x.body) else ("", "")
        left, right = big[0] + FENCES[x.left], big[1] + CLOSING[x.right]
        yield f"{left} {p(x.body)} {right}" if len(left) > 1 else f"{left}{p(x.body)}{right}"
    else:
        top = "" if x.top is None else f"^{{{p(x.top)}}}"
        yield rf"\sum_{{{', '.join(map(_part, x.index))}{'=1' if x.top is not None else ''}}}{top} {p(x.body)}"


def _between(left: Layout, right: Layout) -> str:
    """The space of a product: none between letters, and none beside an operator, which brings its own."""
    before, after = ends(left)[1], ends(right)[0]
    if isinstance(before, Word) or (isinstance(before, Lowered) and isinstance(before.base, Word | Sign)) or _is_operator(after):
        return " "
    tight = is_short(before) and (is_short(after) or (isinstance(before, Digits) and isinstance(after, Fence)))
    return " " if tight or (isinstance(before, Fence) and (is_short(after) or isinstance(after, Fence))) else r" \, "


def _is_operator(x: Layout) -> bool:
    return isinstance(x, Sigma | Word) or (isinstance(x, Lowered) and isinstance(x.base, Word | Sign))


def _base(x: Layout) -> str:
    """What an exponent or index stands on, which is the last letter only unless in braces."""
    bare = isinstance(x, Fence | Word | Sign) or (isinstance(x, Symbol | Digits) and len(x.text) == 1)
    return print_layout(x) if bare else f"{{{print_layout(x)}}}"


def _letters(text: str) -> str:
    letters, primes = text.rstrip("′"), "'" * (len(text) - len(text.rstrip("′")))
    if letters in LETTERS:
        return _greek(letters) + primes
    if letters[:1] == "d" and letters[1:] in LETTERS:
        return f"d{_greek(letters[1:])}{primes}"
    if len(letters) == 1 and letters.isascii() and letters.isalnum():
        return letters + primes
    return (rf"\mathit{{{escaped(letters)}}}" if letters.isascii() else escaped(letters)) + primes


def _greek(letter: str) -> str:
    return rf"\{LETTERS[letter]} " if letter != "ο" else "o"


def _part(text: str) -> str:
    """What stands below a variable: a number, a comma, a letter of an index, or a word, which is upright."""
    if text == "," or (text.isascii() and text.isdigit()):
        return text
    return _letters(text) if len(text.rstrip("′")) == 1 else rf"\mathrm{{{escaped(text)}}}" if text.isascii() else escaped(text)


def _function(text: str) -> str:
    if text in FUNCTIONS:
        return rf"\{text} "
    if text in LETTERS:
        return rf"\{LETTERS[text]} "
    if text in ("0", "1"):
        return rf"\mathbf{{{text}}}"
    if text == "…":
        return r"\dots "
    identifier = re.fullmatch(r"[A-Za-z0-9_]+", text) is not None
    return rf"\operatorname{{{escaped(text)}}}" if identifier else upright(text)


SPECIAL = r"\\{}$&#%_^~"


def escaped(text: str) -> str:
    """Text for math mode: letters and digits as they are, escapes where there are some, anything else by \\text."""
    pieces = re.findall(f"[A-Za-z0-9]+|[{SPECIAL}]|[^A-Za-z0-9{SPECIAL}]+", _readable(text))
    return "".join(ESCAPES.get(x) or (x if x.isascii() and x.isalnum() else rf"\text{{{x}}}") for x in pieces)


def upright(text: str) -> str:
    """Text for math mode that is no product of letters."""
    return "".join(ESCAPES.get(x) or rf"\text{{{x}}}" for x in re.findall(f"[{SPECIAL}]|[^{SPECIAL}]+", _readable(text)))


def _readable(text: str) -> str:
    """Without what cannot be seen, and without accents that no letter takes, which would be an error."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFC", printable(text)))
