"""Texts with numbers in them: strings that remember where their numbers are, so that a page can fill in others.

A hole is a recorded value and how it is shown. A text has its holes filled; its `pieces` are the template. While an expression is
printed, blanks stand for numbers: source and mathematics print all of them as negative, so that brackets around one blank are
those that its number needs where it is negative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from tinygraph.express.layout import Blank, Fence, Fraction, Layout, Raised, Row, Sign, signed
from tinygraph.express.mathml import print_layout
from tinygraph.express.pieces import ATOM, PRODUCT, fenced, written_digits
from tinygraph.express.roles import RELATIONS
from tinygraph.express.text import euclidean, in_full, number
from tinygraph.node import Node

TIE = 1e-9  # how near to the largest an entry is as large, relative to it
BARE, IF_NEGATIVE, IF_LONG = range(3)  # whether a number has brackets: if it has a sign, if it also has a power of ten


def _mean(value: Any) -> str:
    """The root mean square of the entries."""
    return number(euclidean(value) / np.sqrt(max(np.size(value), 1)))


def _rate(value: Any) -> str:
    return repr(float(f"{float(value):g}"))


def place_of_largest(value: Any) -> tuple[int, ...]:
    """The index of the largest entry, the first of those that are equal up to rounding."""
    if not np.shape(value):
        return ()
    size = np.abs(np.nan_to_num(np.asarray(value, dtype=np.float64)))
    place = np.argmax(size >= np.max(size) * (1 - TIE))
    return tuple(int(i) for i in np.unravel_index(place, np.shape(size)))


WAYS = ("up", "down", "stays")


def _way(value: Any) -> str:
    """Which way gradient descent moves the entry that has the largest gradient."""
    x = np.asarray(value)[place_of_largest(value)]
    return "nan" if np.isnan(x) else "down" if x > 0 else "up" if x < 0 else "stays"


WARNING = " ⚠"


def _flag(value: Any, *products: Any) -> str:
    """A warning behind a value with a NaN or an infinity, which its number says, or after an underflow.

    `products` has, one after the other, the products that the value was computed by: each with its two factors.
    """
    if np.asarray(value).dtype.kind == "f" and not np.isfinite(value).all():
        return WARNING
    triples = zip(products[::3], products[1::3], products[2::3], strict=True)
    return f"{WARNING} underflow" if any(_has_underflow(*triple) for triple in triples) else ""


def _has_underflow(product: Any, left: Any, right: Any) -> bool:
    """Whether an entry of a product is 0 though no factor is."""
    zero = np.equal(product, 0)
    return bool(np.any(zero) and np.any(zero & (left != 0) & (right != 0) & np.isfinite(left) & np.isfinite(right)))


def _inactive(value: Any, upstream: Any) -> str:
    """Whether nothing of an upstream gradient is passed on."""
    return "inactive" if not np.any(value) and np.any(upstream) else ""


# How a value is shown; `javascript/texts.js` has the same table.
SHOWN: Mapping[str, Callable[..., str]] = {
    "number": number,
    "signed": lambda value: signed(number(value)),
    "norm": lambda value: signed(number(euclidean(value))),
    "full": in_full,
    "rate": _rate,
    "mean": _mean,
    "place": lambda value: ", ".join(map(str, place_of_largest(value))),
    "largest": lambda value: in_full(np.asarray(value)[place_of_largest(value)]),  # entry
    "flag": _flag,
    "inactive": _inactive,
    "way": _way,
}
REMARKS = ("flag", "inactive")  # of these, that say something where there is something to say


@dataclass(frozen=True, eq=False)
class Hole:
    """A place in a text, or in MathML, for a value, or for what is to be said of it and the values `beside` it."""

    node: Node
    shown: str = "number"
    brackets: int = BARE
    is_math: bool = False
    beside: tuple[Node, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether a number stands there in any case; else, most of the time, nothing does."""
        return self.shown not in REMARKS

    def __str__(self) -> str:
        text = SHOWN[self.shown](self.node.value, *[x.value for x in self.beside])
        if self.is_math:
            return print_layout(fenced(written_digits(text), (0, PRODUCT, ATOM)[self.brackets]))
        return f"({text})" if self.brackets and text.startswith("-") else text


class Text(str):
    """A text with numbers in it; `pieces` are the strings and holes that it is made of.

    >>> import tinygraph as tg
    >>> Text("w = ", Hole(tg.parameter(0.5)))
    'w = 0.500'
    """

    pieces: tuple[str | Hole, ...]

    def __new__(cls, *parts: str | Hole) -> Self:
        """The text of these parts, one after the other."""
        pieces: list[str | Hole] = []
        for part in parts:
            pieces += part.pieces if isinstance(part, Text) else [part] if part else []
        made = super().__new__(cls, "".join([part if isinstance(part, str) else str(part) for part in parts]))
        made.pieces = tuple(pieces)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.pieces

    @property
    def is_number(self) -> bool:
        """Whether it is a number, or one with a minus before it, and nothing else."""
        *before, last = self.pieces or [""]
        return isinstance(last, Hole) and before in ([], ["-"])


def joined(separator: str, texts: Sequence[str | Hole]) -> Text:
    """Texts with a separator between them."""
    return Text(*[part for text in texts for part in (separator, text)][1:])


MARK = re.compile("\\(-\ue000(\\d+)\ue001\\)|-?\ue000(\\d+)(?:,(\\d))?\ue001")


class Blanks:
    """The values whose numbers come into one text; one of them may be a rate of learning, which is shown as it was given."""

    def __init__(self, rate: Node | None = None) -> None:
        self._nodes: list[Node] = []
        self._rate = rate

    def _mark(self, node: Node) -> str:
        self._nodes.append(node)
        return str(len(self._nodes) - 1)

    def source(self, node: Node) -> str:
        """What stands for a number in source, with the sign that it may have."""
        return f"-\ue000{self._mark(node)}\ue001"

    def layout(self, node: Node) -> Layout:
        """What stands for a number in a layout."""
        return Blank(self._mark(node))

    def filled(self, printed: str) -> Text:
        """What was printed, with numbers in place of what stood for them."""
        return Text(*self.pieces(printed))

    def pieces(self, printed: str) -> list[str | Hole]:
        """The same in pieces, with no number written out."""
        if not self._nodes:
            return [printed]
        parts: list[str | Hole] = []
        end = 0
        for found in MARK.finditer(printed):
            around, alone, brackets = found.groups()
            node = self._nodes[int(around or alone)]
            shown = "rate" if node is self._rate else "number"
            parts.append(printed[end : found.start()])
            parts.append(Hole(node, shown, IF_NEGATIVE if around else int(brackets or BARE), is_math=brackets is not None))
            end = found.end()
        return [part for part in (*parts, printed[end:]) if part]


def bracketed(x: Layout, is_first: bool = True) -> Layout:
    """A layout in which each blank has the brackets that its number may need: a sign may stand first, else it needs them."""
    if isinstance(x, Blank):
        return replace(x, brackets=BARE if is_first else IF_NEGATIVE)
    if isinstance(x, Row):
        return replace(x, items=tuple(_items(x, is_first)))
    if isinstance(x, Fraction):
        return Fraction(bracketed(x.top), bracketed(x.bottom))
    if isinstance(x, Raised):
        base = replace(x.base, brackets=IF_LONG) if isinstance(x.base, Blank) else bracketed(x.base, is_first)
        return Raised(base, bracketed(x.above))
    return replace(x, body=bracketed(x.body)) if isinstance(x, Fence) else x


def _items(x: Row, is_first: bool) -> Iterator[Layout]:
    for item in x.items:
        yield bracketed(item, is_first)
        is_first = isinstance(item, Sign) and (item.text in RELATIONS or item.text == ",")
