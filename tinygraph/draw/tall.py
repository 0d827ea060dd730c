"""A layout for narrow windows: cards in one column, with the leaves that each is the first to read beside it.

Leaves are on the left, where their edges are straight, or above a card that is too wide for that. Edges from other cards run in
lanes on the right of the column, those to further readers of a leaf in lanes on its left; the edges of one source share a lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tinygraph.draw.cards import Card, Drawing, Edge
from tinygraph.draw.keys import Line, lines_of
from tinygraph.draw.label import room

# All in points.
WIDEST = 370  # of a card with leaves beside it, so that with lanes and margins all fits 420
LINE = 20  # the height of a line
TITLE = 24
ABREAST = 240  # of results that are side by side, even where the rest of the card is narrower
PITCH = 24  # of the lines of a leaf, and of a row that it is beside
GAP = 40  # below a card
BESIDE = 34  # between a card and its leaves
APART = 6  # between leaves
OUT = 15  # from the bottom of a card to the first edge that turns there
CLEAR = 6  # beside a card, for arrows
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
        self.beside = beside or {}  # the leaves there, by row
        self.lines = lines_of(card)
        self.x = self.y = self.height = 0.0
        self.cells: list[Cell] = []
        self.rules: list[tuple[Point, Point]] = []
        self.tops: list[float] = []  # of the rows
        self.enters: list[float] = []  # the heights at which edges forward end at the rows
        self.leaves: list[float] = []  # those at which edges backward start there
        self.value: Point = (0.0, 0.0)  # where edges forward start
        self.gradient: Point = (0.0, 0.0)  # where edges backward end
        value, gradient = (_widest(group) for group in (self.lines.value, self.lines.gradient))
        rest = max(map(_widest, (self.lines.title, *self.lines.rows)))
        self.is_low = bool(card.rows) and value + gradient <= max(rest, ABREAST)  # where its results are side by side
        self.width = max(rest, value + gradient if self.is_low else max(value, gradient))
        self._stack(self.lines.title, TITLE, "middle")
        for i, row in enumerate(self.lines.rows):
            self._row(row, self.beside.get(i, ()), "end" if i in from_right else "start")
        if self.is_low:
            self._results_side_by_side(value + (self.width - value - gradient) / 2 if gradient else self.width)
        else:
            self._results_in_a_stack()

    def _stack(
        self, lines: Sequence[Line], height: float, anchor: str = "start", pad: float = 2, pitch: int = LINE, width: float = 0
    ) -> list[Cell]:
        """Put lines below what is there, with a rule between."""
        if self.height and lines:
            self.rules.append(((0, self.height), (self.width, self.height)))
        cells = [Cell(line, 0, self.height + pad + pitch * i, width or self.width, anchor) for i, line in enumerate(lines)]
        self.cells += cells
        self.height += height if lines else 0
        return cells

    def _row(self, row: Sequence[Line], beside: Sequence[Box], anchor: str) -> None:
        """Put a row there, as high as the leaves beside it."""
        self.tops.append(self.height + APART / 2)
        if beside:
            high = max(PITCH * len(row), sum(leaf.height + APART for leaf in beside) - APART)
            cells = self._stack(row, high + APART, anchor, 2 + APART / 2, PITCH)
        else:
            cells = self._stack(row, LINE * len(row) + 4, anchor)
        self.enters.append(cells[0].middle)
        self.leaves.append(next((cell.middle for cell in cells if cell.line.shown.backward), cells[-1].middle))

    def _results_side_by_side(self, left: float) -> None:
        """The gradient is beside the value, so many points from the left; edges leave and reach the card below them."""
        value, gradient, top = self.lines.value, self.lines.gradient, self.height
        self._stack(value, LINE * max(len(value), len(gradient)) + 4, width=left)
        self.cells += [Cell(line, left, top + 2 + LINE * i, self.width - left) for i, line in enumerate(gradient)]
        self.rules += [((left, top), (left, self.height))] if gradient else []
        self.value, self.gradient = (left / 2, self.height), ((left + self.width) / 2, self.height)

    def _results_in_a_stack(self) -> None:
        """The gradient is below the value; edges leave and reach the card beside them."""
        value, gradient = (self._stack(lines, PITCH * len(lines)) for lines in (self.lines.value, self.lines.gradient))
        self.value = self.width, value[0].middle if value else self.height / 2
        self.gradient = self.width, gradient[0].middle if gradient else self.value[1]

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
        return self.y + (self.leaves if edge.backward else self.enters)[row_of(edge, self.card)]


def _widest(lines: Sequence[Line]) -> int:
    return max(map(room, lines), default=0)


def row_of(edge: Edge, target: Card) -> int:
    """The row that an edge leads to, which may be one for many."""
    return min(edge.row, len(target.rows) - 1)


class Frame(NamedTuple):
    """A part of the column whose cards are of one module."""

    module: tuple[str, ...]
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
    runs: list[list[_Block]] = []
    for block in _blocks(drawing, firsts):
        if runs and runs[-1][-1].module == block.module and not block.foreign:
            runs[-1].append(block)
        else:
            runs.append([block])
    for blocks in runs:
        _stand(made, blocks)
    _Lanes(made, drawing, firsts).route()
    return made


class _Block(NamedTuple):
    """A card of the column with the leaves above it, from the top; those of other modules are above the frame of its module."""

    box: Box
    foreign: list[Box]
    own: list[Box]

    @property
    def module(self) -> tuple[str, ...]:
        """The module of the card."""
        return self.box.card.module

    @property
    def beside(self) -> list[tuple[int, Box]]:
        """The leaves beside the card, with their rows."""
        return [(row, leaf) for row, leaves in self.box.beside.items() for leaf in leaves]

    @property
    def left(self) -> float:
        """Where it ends on the left, without leaves of other modules."""
        is_own = all(leaf.card.module == self.module for _, leaf in self.beside)
        return min([self.box.x, *(leaf.x for _, leaf in self.beside)] if is_own else [self.box.x])


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
    cards = {card.key: card for card in drawing.cards}
    beside: dict[str, dict[int, list[Box]]] = defaultdict(lambda: defaultdict(list))
    sources: dict[str, dict[int, set[bool]]] = defaultdict(lambda: defaultdict(set))
    for edge in drawing.edges:
        sources[edge.target][row_of(edge, cards[edge.target])].add(edge.source in firsts)
    for key, first in firsts.items():
        beside[first.target][row_of(first, cards[first.target])].append(Box(cards[key]))
    for card in drawing.cards:
        if card.key in firsts:
            continue
        from_right = [row for row, kinds in sources[card.key].items() if kinds == {False}]
        leaves = [leaf for row in beside[card.key].values() for leaf in row]
        box = Box(card, beside[card.key], from_right)
        if leaves and box.width + BESIDE + max(leaf.width for leaf in leaves) > WIDEST:
            own = [leaf for leaf in leaves[::-1] if leaf.card.module == card.module]
            yield _Block(Box(card, {}, from_right), [leaf for leaf in leaves[::-1] if leaf not in own], own)
        else:
            yield _Block(box, [], [])


def _stand(made: Column, blocks: Sequence[_Block]) -> None:
    """Put cards of one module below those that stand; all end at the same place on the right."""
    module = blocks[0].module
    y = made.bottom + GAP * bool(made.boxes)
    y = top = _stand_above(made, blocks[0], blocks[0].foreign, y)
    if module:
        y += HEADING + FRAME
    for i, block in enumerate(blocks):
        box = block.box
        box.x = -box.width
        box.y = _stand_above(made, block, block.own, y + GAP * bool(i))
        made.boxes[box.card.key] = box
        heights = {row: box.y + box.tops[row] for row in box.beside}
        for row, leaf in block.beside:
            leaf.x, leaf.y = box.x - BESIDE - leaf.width, heights[row]
            heights[row] += leaf.height + APART
            made.boxes[leaf.card.key] = leaf
        y = box.bottom
    made.bottom = y
    if module:
        made.bottom += FRAME
        left, right = min(block.left for block in blocks), max(box.right for block in blocks for box in (block.box, *block.own))
        made.frames.append(Frame(module, left - FRAME, right + FRAME, top, made.bottom))


def _stand_above(made: Column, block: _Block, leaves: Sequence[Box], y: float) -> float:
    """Put leaves below each other, from a height on; gives the height that is free below them."""
    for leaf in leaves:
        leaf.x, leaf.y = -block.box.width, y
        y += leaf.height + 1.5 * APART
        made.boxes[leaf.card.key] = leaf
    return y


class _Lanes:
    """Finds a lane for each source: the innermost that is free where its edges run."""

    def __init__(self, made: Column, drawing: Drawing, firsts: Mapping[str, Edge]) -> None:
        self.made = made
        self.firsts = firsts
        self.edges: dict[tuple[str, bool], list[Edge]] = defaultdict(list)
        for edge in drawing.edges:
            self.edges[edge.source, edge.backward].append(edge)
        self.taken = [(box.x - CLEAR, box.right + CLEAR, box.y, box.bottom) for box in made.boxes.values()]
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
            points.append((x, y + OUT + LANE * (not backward)))  # the edges of the value turn into the inner lane
        if edges:
            yield edges, points, [points[-1][1], *(self.made.boxes[edge.target].end(edge) for edge in edges)]

    def _free(self, top: float, bottom: float, is_left: bool) -> float:
        beside = [(left, right) for left, right, high, low in self.taken if high <= bottom + 1 and low >= top - 1]
        x = min(left for left, _ in beside) - LANE if is_left else max(right for _, right in beside) + LANE
        self.taken.append((x, x, top, bottom))
        return x
