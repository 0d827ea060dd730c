"""Texts as data for a page: a text with numbers is a list of strings and of places in the list of holes."""

from __future__ import annotations

from typing import Any

from tinygraph.express.holes import Hole, Text


class Templates:
    """Writes texts as data; `holes` are the numbers in them, each once."""

    def __init__(self) -> None:
        self.holes: list[Hole] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def of(self, x: Any) -> Any:
        """Data with its texts as templates; what says nothing is left out of dicts."""
        if isinstance(x, Text):
            return self._text(x)
        if isinstance(x, dict):
            return {key: self.of(value) for key, value in x.items() if value or value == 0}
        return [self.of(value) for value in x] if isinstance(x, list | tuple) else x

    def _text(self, text: Text) -> str | list[str | int]:
        if not any(isinstance(piece, Hole) for piece in text.pieces):
            return str(text)
        return [self._place(piece) if isinstance(piece, Hole) else piece for piece in text.pieces]

    def _place(self, hole: Hole) -> int:
        key = hole.node, hole.shown, hole.brackets, hole.is_math
        if key not in self._places:
            self._places[key] = len(self.holes)
            self.holes.append(hole)
        return self._places[key]
