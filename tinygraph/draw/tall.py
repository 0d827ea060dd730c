"""A layout for narrow windows: cards in one column, with the leaves that each is the first to read beside it.

Leaves are on the left, where their edges are straight, or above a card that is too wide for that. Edges from other cards run in
lanes on the right of the column, those to further readers of a leaf in lanes on its left; the edges of one source share a lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from tinygraph.draw.cards import Card, Drawing, Edge
from tinygraph.draw.keys import Line, lines_of
from tinygraph.draw.label import room

# All in points.
WIDEST = 370  # of a card with leaves beside it, so that with lanes and margins all fits 420
LINE = 20  # the height of a line
TITLE = 24
GAP = 34  # below a card
BESIDE = 34  # between a card and its leaves
APART = 6  # between leaves
LANE = 9  # between edges that run beside each other
FRAME = 8  # from a card to the frame of its module
HEADING = 16  # the height of the name of a module

Point = tuple[float, float]


class Cell(NamedTuple):
    """A line and its place on a card."""

    line: Line
    x: float
    y: float
    width: float
    anchor: str = "start"

    @property
    def middle(self) -> float:
        """How far below the top of the card its middle is."""
        return self.y + LINE / 2


class Box:
    """A card with the places of its lines, and of the rules between them; `x` and `y` are its place in the picture."""

    def __init__(self, card: Card, beside: Mapping[int, Sequence[Box]] | None = None, from_right: Iterable[int] = ()) -> None:
        self.card = card
        self.beside = beside or {}
        self.lines = lines_of(card)
        self.x = self.y = 0.0
        self.cells: list[Cell] = []
        self.rules: list[tuple[Point, Point]] = []
        self.tops: list[float] = []  # of the rows
        self.enters: list[float] = []  # the heights at which edges forward end at the rows
        self.leaves: list[float] = []  # those at which edges backward start there
        values, gradients = ([room(line) for line in group] for group in (self.lines.value, self.lines.gradient))
        rest = max((room(line) for group in (self.lines.title, *self.lines.rows) for line in group), default=0)
        self._value = max(values, default=0)
        self.is_low = bool(card.rows) and self._value + max(gradients, default=0) <= max(rest, 240)  # with results side by side
        self.width = max(rest, self._value + max(gradients, default=0) if self.is_low else max([*values, *gradients], default=0))
        self.height = 0.0
        self._stack(self.lines.title, TITLE, "middle")
        for i, row in enumerate(self.lines.rows):
            self._row(i, row, "end" if i in from_right else "start")
        self._results()

    def _stack(self, lines: Sequence[Line], height: float, anchor: str = "start", pad: float = 2) -> list[Cell]:
        """Lines below what is there, with a rule between."""
        if not lines:
            return []
        if self.height:
            self.rules.append(((0, self.height), (self.width, self.height)))
        cells = [Cell(line, 0, self.height + pad + LINE * i, self.width, anchor) for i, line in enumerate(lines)]
        self.cells += cells
        self.height += height
        return cells

    def _row(self, i: int, row: Sequence[Line], anchor: str) -> None:
        beside = self.beside.get(i, ())
        high = max(LINE * len(row) + 4 + APART * bool(beside), sum(leaf.height + APART for leaf in beside))
        self.tops.append(self.height + APART / 2)
        cells = self._stack(row, high, anchor, 2 + APART / 2 * bool(beside))
        self.enters.append(cells[0].middle)
        self.leaves.append(next((cell.middle for cell in cells if cell.line.shown.backward), cells[-1].middle))

    def _results(self) -> None:
        value, gradient = self.lines.value, self.lines.gradient
        if not (self.is_low and gradient):
            stacks = [self._stack(lines, LINE * len(lines) + 4) for lines in (value, gradient)]
            self.value, self.gradient = ((self.width, (cells or stacks[0])[0].middle) for cells in stacks)
            return
        top, left = self.height, self._value + (self.width - self._value - max(map(room, gradient))) / 2
        self._stack(value, LINE * max(len(value), len(gradient)) + 4)
        self.cells += [Cell(line, left, top + 2 + LINE * i, self.width - left) for i, line in enumerate(gradient)]
        self.rules.append(((left, top), (left, self.height)))
        self.value, self.gradient = (left / 2, self.height), ((left + self.width) / 2, self.height)

    @property
    def right(self) -> float:
        """Where it ends on the right."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Where it ends below."""
        return self.y + self.height

    def start(self, backward: bool) -> Point:
        """Where edges forward leave the card, or edges backward reach it."""
        x, y = self.gradient if backward else self.value
        return self.x + x, self.y + y

    def end(self, edge: Edge) -> float:
        """The height at which an edge reaches the row that it leads to."""
        row = min(edge.row, len(self.tops) - 1)
        return self.y + (self.leaves if edge.backward else self.enters)[row]


class Frame(NamedTuple):
    """A part of the column whose cards are of one module."""

    name: str
    left: float
    right: float
    top: float
    bottom: float


class Route(NamedTuple):
    """An edge and the corners of its way from the value to the reader; a direct one is a curve between two points."""

    edge: Edge
    points: Sequence[Point]
    is_direct: bool = False


@dataclass
class Column:
    """Where everything is."""

    boxes: dict[str, Box] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    left: float = 0
    right: float = 0
    bottom: float = 0


def column(drawing: Drawing) -> Column:
    """The layout of a drawing."""
    made = Column()
    firsts = _first_readers(drawing)
    blocks = list(_blocks(drawing, firsts))
    for module, group in groupby(blocks, key=lambda block: block.module):
        _stand(made, list(group), module)
    _Lanes(made, drawing, firsts).route()
    return made


class _Block(NamedTuple):
    """A card of the column with the leaves above it; those that are not of its module are above the frame."""

    box: Box
    above: list[Box]

    @property
    def module(self) -> tuple[str, ...]:
        return self.box.card.module


def _first_readers(drawing: Drawing) -> dict[str, Edge]:
    """By the key of each leaf the edge to the card that is the first to read it."""
    leaves = {card.key for card in drawing.cards if not card.rows}
    place = {card.key: i for i, card in enumerate(drawing.cards)}
    firsts: dict[str, Edge] = {}
    for edge in sorted(drawing.edges, key=lambda edge: place[edge.target]):
        if edge.source in leaves and not edge.backward:
            firsts.setdefault(edge.source, edge)
    return firsts


def _blocks(drawing: Drawing, firsts: Mapping[str, Edge]) -> Iterable[_Block]:
    beside: dict[str, dict[int, list[Box]]] = defaultdict(lambda: defaultdict(list))
    sources: dict[str, dict[int, set[bool]]] = defaultdict(lambda: defaultdict(set))
    for edge in drawing.edges:
        sources[edge.target][edge.row].add(edge.source in firsts)
    for card in drawing.cards:
        if edge := firsts.get(card.key):
            beside[edge.target][edge.row].append(Box(card))
    for card in drawing.cards:
        if card.key in firsts:
            continue
        from_right = [row for row, kinds in sources[card.key].items() if kinds == {False}]
        leaves = [leaf for row in beside[card.key].values() for leaf in row]
        box = Box(card, beside[card.key], from_right)
        if leaves and box.width + BESIDE + max(leaf.width for leaf in leaves) > WIDEST:
            yield _Block(Box(card, {}, from_right), leaves[::-1])
        else:
            yield _Block(box, [])


def _stand(made: Column, blocks: Sequence[_Block], module: Sequence[str]) -> None:
    """Put the cards of one module below those that stand; all end at the same place on the right."""
    top = made.bottom + GAP * bool(made.boxes)
    if module:
        top += FRAME + HEADING
    y = top
    for i, (box, above) in enumerate(blocks):
        box.x = -box.width
        y += GAP * bool(i)
        for leaf in above:
            leaf.x, leaf.y = box.x, y
            y += leaf.height + 2 * APART
        box.y = y
        for row, leaves in box.beside.items():
            high = box.y + box.tops[row]
            for leaf in leaves:
                leaf.x, leaf.y = box.x - BESIDE - leaf.width, high
                high += leaf.height + APART
        y = box.bottom
        made.boxes |= {one.card.key: one for one in (box, *above, *(leaf for row in box.beside.values() for leaf in row))}
    made.bottom = y
    if module:
        left = min(block.box.x for block in blocks) - FRAME
        made.frames.append(Frame(" / ".join(module), left, FRAME, top - FRAME - HEADING, y + FRAME))
        made.bottom += FRAME


class _Lanes:
    """Finds a lane for each source: the innermost that is free where its edges run."""

    def __init__(self, made: Column, drawing: Drawing, firsts: Mapping[str, Edge]) -> None:
        self.made = made
        self.firsts = firsts
        self.edges: dict[tuple[str, bool], list[Edge]] = defaultdict(list)
        for edge in drawing.edges:
            self.edges[edge.source, edge.backward].append(edge)
        self.taken = [(box.x, box.right, box.y, box.bottom) for box in made.boxes.values()]
        self.taken += [(frame.left, frame.right, frame.top, frame.bottom) for frame in made.frames]

    def route(self) -> None:
        """Route all edges, those with a short way first, and measure the picture."""
        trunks = [trunk for (source, backward), edges in self.edges.items() for trunk in self._trunk(source, backward, edges)]
        for edges, points, heights in sorted(trunks, key=lambda trunk: max(trunk[2]) - min(trunk[2])):
            is_left = edges[0].source in self.firsts
            x = self._free(min(heights), max(heights), is_left)
            for edge in edges:
                target = self.made.boxes[edge.target]
                end = target.end(edge)
                corners = [*points, (x, points[-1][1]), (x, end), (target.x if is_left else target.right, end)]
                self.made.routes.append(Route(edge, corners))
        self.made.left = min(left for left, *_ in self.taken)
        self.made.right = max(right for _, right, *_ in self.taken)

    def _trunk(self, source: str, backward: bool, edges: list[Edge]) -> Iterable[tuple[list[Edge], list[Point], list[float]]]:
        """The edges of a source that share a lane, where they start, and the heights at which they enter or leave the lane."""
        box = self.made.boxes[source]
        x, y = box.start(backward)
        points = [(x, y)]
        if source in self.firsts:
            first = self.firsts[source]
            target = self.made.boxes[first.target]
            if target.x >= box.right:
                direct = [edge for edge in edges if (edge.target, edge.row) == (first.target, first.row)]
                self.made.routes += [Route(edge, [(x, y), (target.x, target.end(edge))], is_direct=True) for edge in direct]
                edges = [edge for edge in edges if edge not in direct]
            points = [(box.x, y)]
        elif box.is_low:
            points.append((x, y + LANE * (1 if backward else 2)))  # the edges of the value turn into the inner lane
        if edges:
            yield edges, points, [points[-1][1], *(self.made.boxes[edge.target].end(edge) for edge in edges)]

    def _free(self, top: float, bottom: float, is_left: bool) -> float:
        beside = [(left, right) for left, right, high, low in self.taken if high <= bottom + 1 and low >= top - 1]
        x = min(left for left, _ in beside) - LANE if is_left else max(right for _, right in beside) + LANE
        self.taken.append((x, x, top, bottom))
        return x
