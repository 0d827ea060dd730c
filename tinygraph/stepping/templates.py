"""Texts as data for a page: a text with numbers is a list of strings and of places in the list of holes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygraph.express.holes import Hole, Text
from tinygraph.node import Node

TAG = re.compile("(<[^>]*>)")
FIRST = 0xE000  # of the characters that have no meaning of their own, and no place in MathML
MOST = 1000  # of them


def shortened(markup: Sequence[str | list[Any]]) -> tuple[list[Any], list[str]]:
    """Templates of MathML with a character in place of each tag, and the tags."""
    texts = Counter(piece for x in markup for piece in ([x] if isinstance(x, str) else x) if isinstance(piece, str))
    split = {text: TAG.split(text) for text in texts}
    found: Counter[str] = Counter()
    for text, times in texts.items():
        for tag in split[text][1::2]:
            found[tag] += times
    characters = {tag: chr(FIRST + i) for i, (tag, _) in enumerate(found.most_common(MOST))}
    short = {text: "".join([characters.get(piece, piece) for piece in pieces]) for text, pieces in split.items()}

    def of(piece: Any) -> Any:
        return short[piece] if isinstance(piece, str) else piece

    return [of(x) if isinstance(x, str) else list(map(of, x)) for x in markup], list(characters)


def template(pieces: Sequence[str | Hole]) -> str | Sequence[str | Hole]:
    """A text by its pieces as data holds it: without numbers, it is one string."""
    return pieces if any(isinstance(piece, Hole) for piece in pieces) else "".join(map(str, pieces))


@dataclass(frozen=True, eq=False)
class Slot:
    """A recorded value that a page which computes looks up, in place of its text."""

    node: Node


def _may_say(x: Any) -> bool:
    """Whether it is a text that says nothing of the numbers of now, and may of others."""
    return isinstance(x, Text) and bool(x.pieces)


class Templates:
    """Writes texts as data; `holes` are the numbers in them, each once, and `slots` the values that are looked up."""

    def __init__(self) -> None:
        self.holes: list[Hole] = []
        self.slots: dict[Node, int] = {}
        self._places: dict[tuple[Any, ...], int] = {}

    def of(self, x: Any) -> Any:
        """Data with its texts as templates; what says nothing is left out of dicts."""
        if isinstance(x, Text):
            return self._text(x)
        if isinstance(x, Hole):
            return self._place(x)
        if isinstance(x, Slot):
            return self.slots.setdefault(x.node, len(self.slots))
        if isinstance(x, dict):
            return {key: self.of(value) for key, value in x.items() if value or value == 0 or _may_say(value)}
        return [self.of(value) for value in x] if isinstance(x, list | tuple) else x

    def _text(self, text: Text) -> str | list[str | int]:
        pieces = template(text.pieces)
        if isinstance(pieces, str):
            return pieces
        return [self._place(piece) if isinstance(piece, Hole) else piece for piece in pieces]

    def _place(self, hole: Hole) -> int:
        key = hole.node, hole.shown, hole.brackets, hole.is_math, hole.beside
        if key not in self._places:
            self._places[key] = len(self.holes)
            self.holes.append(hole)
        return self._places[key]
