"""The SVG of an engine made ready for pages: parsed, with known elements only, with titles for screen readers, and styled."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from base64 import b64encode
from collections.abc import Mapping
from html import escape

from tinygraph.draw.engine import LayoutError, find_engine
from tinygraph.draw.theme import style_sheet

NAMESPACE = "http://www.w3.org/2000/svg"
ELEMENTS = {"svg", "g", "title", "polygon", "polyline", "path", "ellipse", "text"}
ATTRIBUTES = {
    "id", "class", "transform", "points", "d", "fill", "stroke", "stroke-width", "stroke-dasharray", "cx", "cy", "rx", "ry",
    "x", "y", "text-anchor", "font-family", "font-weight", "font-size", "width", "height", "viewBox", "fill-opacity",
}  # fmt: skip

SMALLEST = 0.75  # the smallest scale at which the text of a picture is readable


def finished(svg: bytes, theme: str, label: str, titles: Mapping[str, str], prefix: str = "", role: str = "img") -> str:
    """The picture as text: `label` describes it, `titles` has the tooltip of each id.

    `prefix` is put before every id of a part of a page; the `role` is "group" where the cards can be selected. Raises LayoutError
    for text that is not SVG.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise LayoutError(f"{find_engine()} gave no SVG that can be read: {error}") from error
    _keep_known(root)
    root.set("class", "tinygraph tinygraph-auto" if theme == "auto" else "tinygraph")
    root.set("role", role)
    root.set("aria-label", label)
    for name in ("width", "height"):
        root.set(name, re.sub("pt$", "", root.get(name, "")))
    for group in root.iter(f"{{{NAMESPACE}}}g"):
        title = group.find(f"{{{NAMESPACE}}}title")
        if title is not None:
            title.text = titles.get(group.get("id", ""))
            if not title.text:
                group.remove(title)
    for element in root.iter() if prefix else ():
        if "id" in element.attrib:
            element.set("id", prefix + element.attrib["id"])
    style = ElementTree.Element(f"{{{NAMESPACE}}}style")
    style.text = style_sheet(theme, in_page=bool(prefix))
    root.insert(0, style)
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(root, encoding="unicode")


def shrinking(svg: str) -> str:
    """The picture for a notebook: in a narrow window it shrinks to `SMALLEST` of its size, and scrolls if that is too wide."""
    root = ElementTree.fromstring(svg)
    size = float(root.get("width", 0))
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return (
        f'<div style="overflow-x: auto"><img src="{source}" alt="{escape(root.get("aria-label", ""), quote=True)}" '
        f'style="width: clamp({size * SMALLEST:g}px, 100%, {size:g}px); max-width: none; height: auto"></div>'
    )


def _keep_known(element: ElementTree.Element) -> None:
    for name in list(element.attrib):
        if name not in ATTRIBUTES:
            del element.attrib[name]
        elif element.attrib[name] == "transparent":  # as older engines write "none"
            element.attrib[name] = "none"
    for child in list(element):
        if child.tag.removeprefix(f"{{{NAMESPACE}}}") in ELEMENTS:
            _keep_known(child)
        else:
            element.remove(child)
