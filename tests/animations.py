"""Reading an animated picture back: its keyframes, and that it holds nothing but a picture."""

import re
from typing import NamedTuple
from xml.etree import ElementTree

from tinygraph.draw.svg import NAMESPACE

ELEMENTS = {"svg", "style", "g", "title", "polygon", "polyline", "path", "ellipse", "text", "rect"}


class Keyframes(NamedTuple):
    """The frames of one animation: what is set at each percentage."""

    name: str
    frames: dict[float, dict[str, str]]


def keyframes(svg: str) -> list[Keyframes]:
    """All keyframes of a picture, in their order."""
    found = []
    for name, body in re.findall(r"@keyframes (\w+)\{((?:[^{}]*\{[^{}]*\})*)\}", svg):
        frames: dict[float, dict[str, str]] = {}
        for places, rules in re.findall(r"([^{}]*)\{([^{}]*)\}", body):
            for place in places.split(","):
                at = 100.0 if place == "to" else float(place.removesuffix("%"))
                frames.setdefault(at, {}).update(rule.split(":") for rule in rules.split(";"))
        found.append(Keyframes(name, frames))
    return found


def check_harmless(svg: str) -> None:
    """Fail for anything but shapes, texts and a style sheet that loads nothing."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        assert element.tag.removeprefix(f"{{{NAMESPACE}}}") in ELEMENTS
        assert not {name for name in element.attrib if name.startswith("on") or "href" in name or name == "src"}
    (style,) = root.findall(f"{{{NAMESPACE}}}style")
    assert not re.search(r"url|@import|expression|javascript", style.text or "")
