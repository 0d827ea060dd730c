"""One chapter of a walk as a moving picture: each step reveals its lines, and a dot runs along the edges that it follows.

CSS alone moves it. Where nothing moves, in a viewer that shows it still or for a reader who prefers that, it is the whole picture
above the text of the last step.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tinygraph.draw import files
from tinygraph.draw.label import SIZE, width
from tinygraph.draw.svg import NAMESPACE
from tinygraph.draw.theme import LIGHT
from tinygraph.express.text import cut
from tinygraph.stepping.highlights import Highlights
from tinygraph.stepping.pictures import picture
from tinygraph.stepping.stepper import Chapter
from tinygraph.stepping.timeline import Step

SECONDS = 1.8  # for a step
HALF = 0.5  # of a step, when the dot has arrived and the lines appear
HOLD = 4.0  # seconds at the end
FADE = 0.2  # seconds
UNREACHED = {"card": 0.5, "forward": 0.25, "backward": 0.15}  # how visible a card or an edge is before the first step to it
DOT = 9  # points, its diameter
ROUND = 12  # points, the radius of a card's corners
END = 0.01  # of an edge, how near to its ends the dot comes
LETTERS = 16  # points, the size of the text of a step
BAND = 32  # points, the height of what is below the picture
LONGEST = 110  # characters of a text
WIDEST = 1600  # pixels of a GIF, whose frames are all held in memory
MILLISECONDS = {0.35: 150, 0.7: 150, 1.0: 1500}  # of a GIF's frames, by how far the dot is


class Cue(NamedTuple):
    """An element that is visible from a step on, or during that step alone."""

    element: Element
    step: int
    stays: bool
    before: float = 0.0  # how visible it is before the step


class Scene:
    """The picture of a chapter with all that its steps show."""

    def __init__(self, chapter: Chapter) -> None:
        self.steps = chapter.graph_steps
        self.root = ElementTree.fromstring(picture(chapter).svg)
        self._groups = {group.get("id", ""): group for group in self.root.iter(_tag("g"))}
        self._highlights = Highlights(chapter)
        self.dots: list[Element] = []
        self.cues = [*self._revealed(chapter), *self._pointed(), *self._texts()]

    def _revealed(self, chapter: Chapter) -> Iterator[Cue]:
        """Lines are visible once all steps that reveal them are taken, cards and edges from the first step to them."""
        last = {key: i for i, step in enumerate(self.steps) for key in self._highlights.revealed(step)}
        first = {key: i for i, step in reversed([*enumerate(self.steps)]) for key in self._highlights.highlighted(step)}
        for text in self.root.iter(_tag("text")):
            if (key := text.get("data-line")) in last:
                yield Cue(text, last[key], stays=True)
        for key, i in first.items():
            classes = _classes(self._groups[key])
            if classes.isdisjoint(("input", "parameter")):
                (kind,) = classes & UNREACHED.keys()
                yield Cue(self._groups[key], i, stays=True, before=UNREACHED[kind])

    def _pointed(self) -> Iterator[Cue]:
        """During a step its card has a frame, and dots run along its edges."""
        for i, step in enumerate(self.steps):
            lit = [self._groups[key] for key in self._highlights.highlighted(step)]
            paint = {"fill": "none", "stroke": _colour(step), "stroke-width": "3"}
            pointer = ElementTree.SubElement(self._groups["graph0"], _tag("g"), paint)
            for card in lit[:1]:
                ElementTree.SubElement(pointer, _tag("rect"), _around(card))
            dash = {"stroke-width": str(DOT), "stroke-linecap": "round", "stroke-dasharray": "0 2"}
            dots = ElementTree.SubElement(pointer, _tag("g"), dash)
            for edge in lit[1:]:
                (curve,) = edge.findall(_tag("path"))
                dot = ElementTree.SubElement(dots, _tag("path"), {"d": curve.get("d", ""), "pathLength": "1"})
                self.dots.append(dot)
            yield Cue(pointer, i, stays=False)

    def _texts(self) -> Iterator[Cue]:
        """The text of each step in a band below the picture, which is made as wide as the longest of them."""
        texts = [cut(step.text, LONGEST) for step in self.steps]
        left, top, wide, high = map(float, self.root.get("viewBox", "").split())
        wider = max(0.0, max(map(width, texts), default=0) * LETTERS / SIZE + 2 * LETTERS - wide)
        box = (left - wider / 2, top, wide + wider, high + BAND)
        self.root.set("viewBox", " ".join(f"{x:g}" for x in box))
        self.root.set("width", f"{box[2]:g}")
        self.root.set("height", f"{box[3]:g}")
        page = dict(zip(("x", "y", "width", "height"), (f"{x:g}" for x in box), strict=True))
        self.root.insert(1, Element(_tag("rect"), page | {"fill": LIGHT.page}))
        band = ElementTree.SubElement(self.root, _tag("g"), {"text-anchor": "middle", "font-size": str(LETTERS)})
        for i, (step, text) in enumerate(zip(self.steps, texts, strict=True)):
            place = {"x": f"{left + wide / 2:g}", "y": f"{top + high + LETTERS:g}", "fill": _colour(step)}
            element = ElementTree.SubElement(band, _tag("text"), place)
            element.text = text
            yield Cue(element, i, stays=False)


def animated(chapter: Chapter) -> str:
    """A chapter as SVG, which starts again at its end."""
    scene = Scene(chapter)
    for element, i, stays, _ in scene.cues:
        element.set("class", f"{element.get('class', '')} {'from' if stays else 'at'}{i}".strip())
        if not stays and not (i == len(scene.steps) - 1 and element.tag == _tag("text")):
            element.set("opacity", "0")
    style = scene.root[0]
    moves = "\n".join(_rules(scene.steps))
    style.text = f"{style.text}\n@media (prefers-reduced-motion: no-preference) {{\n{moves}\n}}"
    return _written(scene.root)


def _rules(steps: Sequence[Step]) -> Iterator[str]:
    """What moves: for each step the keyframes of what is visible from it on and of what is visible during it."""
    seconds = len(steps) * SECONDS + HOLD
    yield f".tinygraph * {{ animation: {seconds:g}s linear infinite; }}"  # the frames of an element follow by its class
    yield from (f".tinygraph .{kind} {{ --before: {opacity:g}; }}" for kind, opacity in UNREACHED.items())
    yield ".tinygraph text { --before: 0; }"
    for i, step in enumerate(steps):
        times = [SECONDS * (i + part) + late for part in (0, HALF, 1) for late in (0, FADE)]
        begin, begun, arrival, arrived, end, ended = (f"{100 * time / seconds:.4g}%" for time in times)
        start, stop = (f"stroke-dashoffset:{_offset(step, moved):g}" for moved in (0, 1))
        gone = f"{end}{{opacity:1}}{ended},to{{opacity:0;{stop}}}" if i < len(steps) - 1 else f"to{{opacity:1;{stop}}}"
        for name, frames in {
            f"from{i}": f"0%,{arrival}{{opacity:var(--before)}}{arrived},to{{opacity:1}}",
            f"at{i}": f"0%,{begin}{{opacity:0;{start}}}{begun}{{opacity:1}}{arrival}{{{stop}}}{gone}",
        }.items():
            yield f"@keyframes {name}{{{frames}}}.tinygraph .{name}{{animation-name:{name}}}"


def _offset(step: Step, moved: float) -> float:
    """The offset of a dash that has moved so far along an edge, in lengths of the edge: a gradient runs backward."""
    at = END + (1 - 2 * END) * moved
    return at - 1 if step.phase == "backward" else -at


def gif(chapter: Chapter) -> bytes:
    """A chapter as GIF, made narrower where it is too wide."""
    scene = Scene(chapter)
    wide, high = (float(scene.root.get(name, 0)) for name in ("width", "height"))
    scene.root.set("width", f"{min(wide, WIDEST):g}")
    scene.root.set("height", f"{high * min(wide, WIDEST) / wide:g}")
    return files.gif(_frames(scene))


def _frames(scene: Scene) -> Iterator[tuple[str, int]]:
    """Each step as pictures, with the milliseconds of each."""
    lengths = [length(dot.get("d", "")) for dot in scene.dots]
    for i, step in enumerate(scene.steps):
        for moved, milliseconds in MILLISECONDS.items():
            for element, at, stays, before in scene.cues:
                seen = at < i or (at == i and moved == 1) if stays else at == i
                element.set("opacity", "1" if seen else f"{before:g}")
            for dot, long in zip(scene.dots, lengths, strict=True):  # resvg does not know pathLength
                dot.set("stroke-dasharray", f"0 {2 * long:.1f}")
                dot.set("stroke-dashoffset", f"{_offset(step, moved) * long:.1f}")
            is_last = step is scene.steps[-1] and moved == 1
            yield _written(scene.root), milliseconds + (int(1000 * HOLD) if is_last else 0)


def _written(root: Element) -> str:
    """A picture without what only a pointer resting on it shows, and without what only a script reads."""
    for element in root.iter():
        for name in ("data-line", "data-room"):
            element.attrib.pop(name, None)
        for title in element.findall(_tag("title")):
            element.remove(title)
    return ElementTree.tostring(root, encoding="unicode")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _colour(step: Step) -> str:
    return LIGHT.red if step.phase == "backward" else LIGHT.text


def _classes(group: Element) -> set[str]:
    return set(group.get("class", "").split())


def _points(text: str) -> list[tuple[float, float]]:
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", text)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _around(card: Element) -> dict[str, str]:
    """The place of a frame around a card, which is as round as the card."""
    xs, ys = zip(*(point for shape in card for point in _points(shape.get("points") or shape.get("d") or "")), strict=True)
    corner = 0 if card.find(_tag("path")) is None else ROUND
    place = {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys), "rx": corner}
    return {name: f"{value:g}" for name, value in place.items()}


def length(curve: str) -> float:
    """The length of a path of cubic curves.

    >>> round(length("M0,0C1,0 2,0 3,0 3,1 3,2 3,3"), 6)
    6.0
    """
    points = _points(curve)
    on_it = [points[0]]
    for k in range(0, len(points) - 3, 3):
        on_it += [_on_curve(points[k : k + 4], (j + 1) / 16) for j in range(16)]
    return sum(map(math.dist, on_it, on_it[1:]))


def _on_curve(knots: list[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * knot[axis] for w, knot in zip(weights, knots, strict=True)) for axis in (0, 1))
    return x, y
