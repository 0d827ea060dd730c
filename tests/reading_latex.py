"""A reader of the LaTeX that tinygraph prints: its rows as items, see `mathematics`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from tests.mathematics import Cases, Group, Item, Items, Letter, Lowered, Number, Quotient, Raised, Root, Sign, Word, split

TOKEN = re.compile(
    r"(?P<space>\\,|\s+)|(?P<end>\\\\|&)|(?P<command>\\[A-Za-z]+|\\[^A-Za-z])|(?P<number>\d+(?:\.\d+)?)|(?P<other>.)", re.DOTALL
)
SIGNS = {
    r"\odot": "⊙", r"\ge": "≥", r"\le": "≤", r"\ne": "≠", r"\land": "∧", r"\lor": "∨", r"\lnot": "¬", r"\partial": "∂",
    r"\cdot": "·", r"\top": "⊤", r"\sum": "∑", r"\prod": "∏", "-": "−",
}  # fmt: skip
BRACKETS = {"(": ")", "[": "]", r"\lvert": r"\rvert", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
OPENED = {r"\lvert": "|", r"\lfloor": "⌊", r"\lceil": "⌈"}
WORDS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "ln", "log", "max", "min", "arcsin", "arccos", "arctan", "det"}
NAMED = {r"\mathit", r"\mathrm", r"\operatorname", r"\text", r"\mathbf"}


def rows(text: str) -> list[list[Items]]:
    """The sides of every row of an `align` environment."""
    body = text.removeprefix("\\begin{align}\n").removesuffix("\n\\end{align}")
    found = []
    for line in body.split(" \\\\\n"):
        left, _, right = line.partition(" &= ")
        found.append([read(left), *split(read(right), "=")])
    return found


def read(text: str) -> Items:
    """A formula as items."""
    reader = _Reader(text)
    items = reader.items()
    assert reader.at == len(reader.tokens), f"{reader.tokens[reader.at :]} is left of {text}"
    return items


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(str(match.lastgroup), match[0], match.start()) for match in TOKEN.finditer(text)]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expect(self, token: str) -> None:
        assert self.next() == token, f"no {token} at {self.at} of {self.text}"

    def spaces(self) -> bool:
        """Whether there was space here."""
        before = self.at
        while self.at < len(self.tokens) and self.tokens[self.at][0] == "space":
            self.at += 1
        return self.at > before

    def raw(self) -> str:
        """The text between braces, with its escapes undone."""
        self.expect("{")
        start = self.tokens[self.at][2]
        depth = 1
        while depth:
            token = self.next()
            depth += {"{": 1, "}": -1}.get(token, 0)
        text = self.text[start : self.tokens[self.at - 1][2]]
        text = re.sub(r"\\text\{([^}]*)\}", r"\1", text)
        return re.sub(r"\\([_{}$&#%])", r"\1", text)

    def braces(self) -> Items:
        self.expect("{")
        items = self.items()
        self.expect("}")
        return items

    def items(self) -> Items:
        """Items up to a closing brace or bracket, a cell's or a row's end."""
        found: list[Item] = []
        while True:
            apart = self.spaces() or not found
            token = self.peek()
            if not token or token in ("}", "&", r"\\", r"\right", r"\end", *BRACKETS.values()):
                return tuple(found)
            if token in ("_", "^"):
                self.next()
                found[-1] = self.script(found[-1], token)
            else:
                found += self.item(apart)

    def script(self, base: Item, token: str) -> Item:
        items = self.braces()
        if isinstance(base, Group) and not base.bracket and len(base.body) == 1:
            (base,) = base.body
        if token == "^":
            if isinstance(base, Lowered) and base.base == Sign("∑"):
                return Lowered(base.base, base.below, items)
            return Raised(base, items)
        if isinstance(base, Letter):
            return Letter(base.text, tuple(_texts(items)))
        return Lowered(base, items)

    def item(self, apart: bool) -> Iterator[Item]:
        kind, token, _ = self.tokens[self.at]
        if token == "{":
            yield Group("", self.braces())
            return
        self.at += 1
        if token == r"\left":
            self.spaces()
            token = self.next()
            yield self.group(token, apart)
            self.expect(BRACKETS[token])
        elif token in BRACKETS:
            yield self.group(token, apart)
            self.expect(BRACKETS[token])
        elif token == r"\frac":
            yield Quotient(self.braces(), self.braces())
        elif token == r"\sqrt":
            degree = 2
            if self.peek() == "[":
                self.next()
                degree = int(self.next())
                self.expect("]")
            yield Root(self.braces(), degree)
        elif token == r"\begin":
            yield self.cases()
        elif token in NAMED:
            text = self.raw()
            if token == r"\mathit":
                yield self.primed(text)
            elif token == r"\mathrm" and text != "NaN":
                yield Letter(text)
            else:
                yield Number(text) if text == "NaN" else Word(text)
        elif token == r"\infty":
            yield Number("∞")
        elif token == r"\dots":
            yield Word("…")
        elif kind == "number":
            yield Number(token)
        elif token in SIGNS or (kind == "other" and not token.isalpha()):
            yield Sign(SIGNS.get(token, token))
        elif kind == "command" and token[1:] in WORDS:
            yield Word(token[1:])
        else:
            yield self.primed(_greek(token[1:]) if kind == "command" else token)

    def primed(self, text: str) -> Letter:
        while self.peek() == "'":
            self.next()
            text += "′"
        return Letter(text)

    def group(self, bracket: str, apart: bool) -> Group:
        body = self.items()
        if self.peek() == r"\right":
            self.next()
        return Group(OPENED.get(bracket, bracket), body, apart)

    def cases(self) -> Cases:
        assert self.raw() == "cases"
        found = []
        while self.peek() != r"\end":
            value = self.items()
            self.expect("&")
            self.spaces()
            word, *condition = self.items()
            assert word in (Word("if "), Word("otherwise"))
            found.append((value, tuple(condition)))
            if self.peek() == r"\\":
                self.next()
        self.next()
        assert self.raw() == "cases"
        return Cases(tuple(found))


def _texts(items: Items) -> Iterator[str]:
    """The parts below a variable."""
    for item in items:
        if isinstance(item, Letter | Number | Word):
            yield item.text
        else:
            assert item == Sign(","), f"{item} below a variable"


def _greek(name: str) -> str:
    small = unicodedata.lookup(f"GREEK SMALL LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    return small if name.islower() else small.upper()
