"""A picture of a graph, which is laid out when it is shown or saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tinygraph.draw import files
from tinygraph.draw.cards import Drawing
from tinygraph.draw.choice import one_of
from tinygraph.draw.dot import dot
from tinygraph.draw.engine import SECONDS, LayoutError, draws_pdf, lay_out
from tinygraph.draw.folding import Fold
from tinygraph.draw.keys import edge_id
from tinygraph.draw.shapes import tall
from tinygraph.draw.size import TOO_LONG, is_small, length
from tinygraph.draw.svg import finished, shrinking
from tinygraph.draw.theme import THEMES
from tinygraph.missing import missing_attribute
from tinygraph.wording import counted

if TYPE_CHECKING:
    from tinygraph.graph import Graph

TALL = "tall"
DIRECTIONS = ("LR", "TB", "RL", "BT", TALL)


class Picture:
    """What `graph.draw()` gives: shown by notebooks, `save` writes it, `svg` and `dot` are its text."""

    def __init__(
        self, graph: Graph, drawing: Drawing, settings: Mapping[str, Any], refold: Callable[[Fold], Picture] | None = None
    ) -> None:
        self.graph = graph
        self.drawing = drawing
        self.settings = settings  # those of `draw` except `fold`
        self.refold = refold  # makes the same picture with another folding; None if there are no modules
        self._failed = False  # the last layout, so that a notebook that displays it again need not wait again
        self.theme = one_of("theme", settings["theme"], tuple(THEMES))
        self.direction = one_of("direction", settings["direction"], DIRECTIONS)

    @cached_property
    def dot(self) -> str:
        """The picture in the DOT language; raises ValueError for a tall one, whose layout is no engine's."""
        if self.direction == TALL:
            raise ValueError(f"a tall picture has no DOT: draw it in one of the directions {', '.join(DIRECTIONS[:-1])}")
        return dot(self.drawing, THEMES[self.theme], self.direction)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, with classes and ids on every card and edge; raises LayoutError without a layout engine."""
        return finished(self._laid_out(), self.theme, self.label, self._titles())

    def part_of_page(self, prefix: str = "", seconds: float = SECONDS) -> str:
        """The picture as SVG for a page: its ids start with `prefix`. Raises LayoutError after `seconds`."""
        return finished(self._laid_out(seconds=seconds), self.theme, self.label, self._titles(), prefix)

    def turned(self, direction: str) -> Picture:
        """What this picture shows, in another direction."""
        return Picture(self.graph, self.drawing, {**self.settings, "direction": direction})

    def _laid_out(self, kind: str = "svg", seconds: float = SECONDS) -> bytes:
        cards = f" over {counted(len(self.drawing.cards), 'card')}{self._advice()}"
        if length(self.drawing) > TOO_LONG:
            raise LayoutError(f"a layout engine may take longer than {SECONDS:g} s{cards}")
        if self.direction == TALL:
            return tall(self.drawing, THEMES[self.theme])
        return lay_out(self.dot, kind, seconds, cards)

    def _advice(self) -> str:
        if any(card.module for card in self.drawing.cards):
            return ": fold modules by fold=[...]"
        return "" if is_small(self.drawing) else ": leave `fold` out, and the picture folds by itself"

    @property
    def label(self) -> str:
        """A description of the picture for screen readers."""
        outputs = ", ".join(self.graph.name(output) or "" for output in self.graph.outputs)
        backward = sum(edge.backward for edge in self.drawing.edges)
        return f"Computation graph of {outputs}: {counted(len(self.drawing.cards), 'card')}, {counted(backward, 'backward edge')}"

    def _titles(self) -> dict[str, str]:
        names = {card.key: card.title for card in self.drawing.cards}
        titles = {card.key: card.whole_title or card.title for card in self.drawing.cards}
        for edge in self.drawing.edges:
            ends = names[edge.source], names[edge.target]
            titles[edge_id(edge)] = f"gradient: {ends[1]} → {ends[0]}" if edge.backward else f"value: {ends[0]} → {ends[1]}"
        return titles

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file in the format of its ending: .svg, .png, .pdf, .dot or .html; returns the path.

        A .pdf needs Graphviz or the extra `export`, and for a tall picture, like a .png of one, that extra. Raises ValueError for
        another ending and for the .dot of a tall picture, LayoutError where the layout fails, ImportError, with the line to
        install it, without what writes the format.
        """
        return files.save(self, path, WRITERS)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        self._failed = False
        try:
            return {"text/html": shrinking(self.svg), "image/svg+xml": self.svg, "text/plain": repr(self)}
        except LayoutError as error:
            self._failed = True
            return {"text/plain": f"{error}\n\n{self.graph!r}"}

    def _repr_svg_(self) -> str | None:
        try:
            return None if self._failed else self.svg
        except LayoutError:
            return None

    def __getattr__(self, name: str) -> NoReturn:
        raise missing_attribute("picture", name)

    def __repr__(self) -> str:
        return f"<picture: {self.label}>"


def _png(picture: Picture) -> bytes:
    return files.png(picture.svg) if picture.direction == TALL else picture._laid_out("png")


def _pdf(picture: Picture) -> bytes:
    return picture._laid_out("pdf") if picture.direction != TALL and draws_pdf() else files.pdf(picture.svg)


def _page(picture: Picture) -> str:
    from tinygraph.draw.view import page

    return page(picture)


WRITERS: files.Writers[Picture] = {
    ".svg": lambda picture: picture.svg,
    ".png": _png,
    ".pdf": _pdf,
    ".dot": lambda picture: picture.dot,
    **dict.fromkeys(files.PAGES, _page),
}
