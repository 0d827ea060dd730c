"""A tall layout written as SVG, as layout engines write theirs: groups with ids and classes, each with the curve of its edge."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, tostring

from tinygraph.draw.cards import LONGEST, Drawing
from tinygraph.draw.keys import edge_id, frame_ids
from tinygraph.draw.label import PADDING, border, colour, is_rounded, thickness, width
from tinygraph.draw.tall import FRAME, HEADING, LINE, Box, Frame, Point, Route, column
from tinygraph.draw.theme import Theme
from tinygraph.express.text import cut, printable

MARGIN = 10
BELOW = 4.5  # from the middle of a line to the feet of its letters
ROUND = 12  # the radius of the corners of cards
CORNER = 5  # that of the corners of edges
PLAIN: Mapping[str, str] = MappingProxyType({})  # the look of most text
HEAD = 8  # the length of an arrow
NARROW = 300  # the least width of a picture


def tall(drawing: Drawing, theme: Theme) -> bytes:
    """The picture of a drawing in one column."""
    made = column(drawing)
    middle = (made.left + made.right) / 2
    wide = max(math.ceil(made.right - made.left) + 2 * MARGIN, NARROW)
    letters = int(wide / width("n"))
    notes = [line for note in drawing.notes for line in textwrap.wrap(printable(note), letters)]
    high = math.ceil(made.bottom) + LINE * (2 + len(notes)) + MARGIN
    size = {"width": str(wide), "height": str(high)}
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {wide} {high}"} | size)
    SubElement(root, "rect", size | {"fill": theme.page})
    moved = f"translate({wide / 2 - middle:g} {MARGIN})"
    graph = SubElement(root, "g", {"id": "graph0", "class": "graph", "transform": moved, "fill": theme.text})
    ids = frame_ids(drawing.cards)
    for frame in made.frames:
        _frame(graph, frame, ids.pop(frame.module, ""), theme)  # of several frames of a module, the first has its id
    for box in made.boxes.values():
        _card(graph, box, theme)
    kinds = {backward: SubElement(graph, "g", paint) for backward, paint in _paints(theme).items()}
    for route in made.routes:
        _edge(kinds[route.edge.backward], route, theme)
    _legend(graph, middle, made.bottom + LINE, theme, has_gradients=any(edge.backward for edge in drawing.edges))
    for i, note in enumerate(notes):
        _text(graph, note, middle, made.bottom + LINE * (2 + i), "middle")
    return tostring(root)


def _group(graph: Element, key: str, classes: str) -> Element:
    group = SubElement(graph, "g", {"id": key, "class": classes})
    SubElement(group, "title")
    return group


def _rectangle(parent: Element, place: tuple[float, ...], paint: dict[str, str], is_round: bool) -> None:
    shape = dict(zip(("x", "y", "width", "height"), (f"{x:g}" for x in place), strict=True))
    SubElement(parent, "rect", shape | ({"rx": str(ROUND)} if is_round else {}) | paint)


def _text(parent: Element, text: str, x: float, middle: float, anchor: str, look: Mapping[str, str] = PLAIN) -> None:
    element = SubElement(parent, "text", {"x": f"{x:g}", "y": f"{middle + BELOW:g}", "text-anchor": anchor, **look})
    element.text = printable(text).replace("  ", "\xa0 ")


def _frame(graph: Element, frame: Frame, key: str, theme: Theme) -> None:
    group = SubElement(graph, "g", {"id": key, "class": "module"} if key else {"class": "module"})
    place = (frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)
    _rectangle(group, place, {"fill": theme.cluster.fill, "stroke": theme.cluster.line}, is_round=True)
    middle = frame.top + FRAME / 2 + HEADING / 2
    _text(group, cut(" / ".join(frame.module), LONGEST), frame.left + FRAME, middle, "start")


def _card(graph: Element, box: Box, theme: Theme) -> None:
    card, stroke = box.card, border(box.card, theme)
    group = _group(graph, card.key, " ".join(filter(None, ("node card", card.kind, card.mark))))
    look = {"fill": theme.kinds[card.kind].fill, "stroke": stroke}
    look |= {"stroke-width": str(wide)} if (wide := thickness(card)) > 1 else {}
    _rectangle(group, (box.x, box.y, box.width, box.height), look, is_rounded(card))
    rules = "".join(_straight((box.x + a, box.y + b), (box.x + c, box.y + d)) for (a, b), (c, d) in box.rules)
    if rules:
        SubElement(group, "path", {"d": rules, "stroke": stroke})
    for line, x, y, room, anchor in box.cells:
        at = {"start": PADDING, "middle": room / 2, "end": room - PADDING}[anchor]
        more = {"data-line": line.key, "data-room": f"{room - 2 * PADDING:g}"}
        more |= {"font-weight": "bold"} if line.is_title else {}
        more |= {"fill": paint} if (paint := colour(line.shown, theme)) else {}
        _text(group, line.shown.text, box.x + x + at, box.y + y + LINE / 2, anchor, more)


def _edge(graph: Element, route: Route, theme: Theme) -> None:
    edge, points = route.edge, list(route.points)
    tip, before = (points[0], points[1]) if edge.backward else (points[-1], points[-2])
    if route.is_direct:
        before = before[0], tip[1]  # it ends horizontally
    far = math.dist(before, tip)
    along = (tip[0] - before[0]) / far, (tip[1] - before[1]) / far
    points[0 if edge.backward else -1] = tip[0] - along[0] * HEAD, tip[1] - along[1] * HEAD
    shade = theme.red if edge.backward else theme.text
    group = _group(graph, edge_id(edge), f"edge {'backward' if edge.backward else 'forward'}")
    weight = {} if edge.weight == 1 else {"stroke-width": f"{1.4 * edge.weight:.3g}"}
    SubElement(group, "path", {"d": _curve(points) if route.is_direct else _rounded(points)} | weight)
    SubElement(group, "polygon", {"points": _head(tip, along), "fill": shade})


def _paints(theme: Theme) -> dict[bool, dict[str, str]]:
    """How edges forward and backward are drawn."""
    backward = {"fill": "none", "stroke": theme.red, "stroke-width": "1.4", "stroke-dasharray": "5,2"}
    return {False: {"fill": "none", "stroke": theme.text, "stroke-width": "1.3"}, True: backward}


def _head(tip: Point, along: Point) -> str:
    """An arrow with its tip at a point."""
    (x, y), (a, b) = tip, along
    corners = [tip, *((x - HEAD * a - 3.5 * side * b, y - HEAD * b + 3.5 * side * a) for side in (1, -1))]
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _curve(points: Sequence[Point]) -> str:
    (x, y), (end, low) = points
    middle = (x + end) / 2
    return _straight(*points) if y == low else f"M{x:g},{y:g}C{middle:g},{y:g} {middle:g},{low:g} {end:g},{low:g}"


def _straight(start: Point, end: Point) -> str:
    """A line along one of the axes."""
    return f"M{start[0]:g},{start[1]:g}" + (f"H{end[0]:g}" if start[1] == end[1] else f"V{end[1]:g}")


def _rounded(points: Sequence[Point]) -> str:
    """A way through corners, which are made round."""
    pieces = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        (x, y), (a, b) = (_towards(at, other) for other in (before, after))
        pieces.append(f"L{x:g},{y:g}Q{at[0]:g},{at[1]:g} {a:g},{b:g}")
    return "".join(pieces) + f"L{points[-1][0]:g},{points[-1][1]:g}"


def _towards(at: Point, other: Point) -> Point:
    far = math.dist(at, other)
    share = min(CORNER, far / 2) / far if far else 0.0
    return at[0] + share * (other[0] - at[0]), at[1] + share * (other[1] - at[1])


def _legend(graph: Element, middle: float, y: float, theme: Theme, has_gradients: bool) -> None:
    """What the two kinds of edges mean."""
    kinds = [("value forward", False), ("gradient backward", True)][: 1 + has_gradients]
    x = middle - 69 * len(kinds)
    for words, backward in kinds:
        paint = _paints(theme)[backward]
        start, end = (x + HEAD, x + 22) if backward else (x, x + 22 - HEAD)
        SubElement(graph, "path", {"d": _straight((start, y), (end, y))} | paint)
        head = _head((x, y), (-1, 0)) if backward else _head((x + 22, y), (1, 0))
        SubElement(graph, "polygon", {"points": head, "fill": paint["stroke"]})
        _text(graph, words, x + 28, y, "start", {"fill": paint["stroke"]})
        x += 130
