"""A program as a derivation in LaTeX: the forward pass, then every gradient with its step of the chain rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tinygraph.express.derivation import Line, derivation
from tinygraph.express.notation import (
    GREEK,
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
)  # fmt: skip
from tinygraph.express.program import Program

FUNCTIONS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "ln", "log", "max", "min", "arcsin", "arccos", "arctan", "det"}
LETTERS = {letter: name for name, letter in GREEK.items()}
SIGNS = {
    "−": "-", "⊙": r"\odot",
    "≥": r"\ge", "≤": r"\le", "≠": r"\ne", "∧": r"\land", "∨": r"\lor", "¬": r"\lnot ", "∂": r"\partial ",
    ">": ">", "<": "<", "=": "=", "+": "+", "/": "/",
}  # fmt: skip
FENCES = {"|": r"\lvert", "⌊": r"\lfloor", "⌈": r"\lceil", "(": "(", "[": "["}
CLOSING = {"|": r"\rvert", "⌋": r"\rfloor", "⌉": r"\rceil", ")": ")", "]": "]"}
ESCAPES = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\char94 ", "~": r"\char126 ",
}  # fmt: skip


class Latex(str):
    """LaTeX that a notebook typesets."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return str(self)


def latex(program: Program) -> Latex:
    """The derivation as an `align` environment."""
    rows = " \\\\\n".join(map(_row, derivation(program)))
    return Latex(f"\\begin{{align}}\n{rows}\n\\end{{align}}")


def _row(line: Line) -> str:
    left, *rights = (print_layout(x) for x in line.sides)
    return f"  {left} &= {' = '.join(rights)}"


def print_layout(layout: Layout) -> str:
    """A layout as LaTeX, for math mode."""
    return re.sub(" +", " ", "".join(_pieces(layout))).strip()


def _pieces(x: Layout) -> Iterator[str]:
    p = print_layout
    if isinstance(x, Symbol):
        yield _letters(x.text) + (f"_{{{_below(x.below)}}}" if x.below else "")
    elif isinstance(x, Word):
        yield _function(x.text)
    elif isinstance(x, Digits):
        yield {"∞": r"\infty", "NaN": r"\mathrm{NaN}"}.get(x.text, x.text.replace("−", "-"))
    elif isinstance(x, Sign) and x.text == ",":
        yield ", "
    elif isinstance(x, Sign):
        yield SIGNS.get(x.text, escaped(x.text)) if x.tight else f" {SIGNS.get(x.text, escaped(x.text))} "
    elif isinstance(x, Times):
        yield r" \cdot " if x.dot else r" \, "
    elif isinstance(x, Row):
        for item in x.items:
            yield from _pieces(item)
    elif isinstance(x, Fraction):
        yield rf"\frac{{{p(x.top)}}}{{{p(x.bottom)}}}"
    elif isinstance(x, Raised):
        above = r"\top" if x.above == Word("T") else p(x.above)
        yield f"{{{p(x.base)}}}^{{{above}}}"
    elif isinstance(x, Lowered):
        yield f"{{{p(x.base)}}}_{{{p(x.below)}}}"
    elif isinstance(x, Root):
        yield rf"\sqrt{'' if x.degree == 2 else f'[{x.degree}]'}{{{p(x.body)}}}"
    elif isinstance(x, Fence):
        big = ("\\left", "\\right") if _is_tall(x.body) else ("", "")
        left, right = big[0] + FENCES[x.left], big[1] + CLOSING[x.right]
        yield f"{left} {p(x.body)} {right}" if len(left) > 1 else f"{left}{p(x.body)}{right}"
    else:
        top = "" if x.top is None else f"^{{{p(x.top)}}}"
        yield rf"\sum_{{{x.index}{'=1' if x.top is not None else ''}}}{top} {p(x.body)}"


def _is_tall(x: Layout) -> bool:
    """Whether brackets have to grow around it."""
    if isinstance(x, Row):
        return any(map(_is_tall, x.items))
    if isinstance(x, Raised | Lowered):
        return _is_tall(x.base)
    return isinstance(x, Fraction | Root | Sigma) or (isinstance(x, Fence) and _is_tall(x.body))


def _letters(text: str) -> str:
    if text in LETTERS:
        return rf"\{LETTERS[text]} " if text != "ο" else "o"
    if len(text) == 1 and text.isascii():
        return text
    return rf"\mathit{{{escaped(text)}}}" if text.isascii() else rf"\text{{{escaped(text)}}}"


def _below(text: str) -> str:
    return ",".join(_letters(part) if not part.isdigit() else part for part in text.split(","))


def _function(text: str) -> str:
    if text in FUNCTIONS:
        return rf"\{text}"
    if text in LETTERS:
        return rf"\{LETTERS[text]} "
    if text in ("0", "1"):
        return rf"\mathbf{{{text}}}"
    plain = re.fullmatch(r"[A-Za-z]+", text) is not None
    return rf"\operatorname{{{text}}}" if plain else rf"\text{{{escaped(text)}}}"


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(ESCAPES.get(c, c) for c in text if c.isprintable())
