"""The SVG of an engine made ready for pages: parsed, with known elements only, with titles for screen readers, and styled."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from base64 import b64encode
from collections.abc import Mapping
from html import escape

from tinygraph.draw.engine import LayoutError, find_engine
from tinygraph.draw.label import PADDING, SIZE
from tinygraph.draw.theme import style_sheet

NAMESPACE = "http://www.w3.org/2000/svg"
ELEMENTS = {"svg", "g", "title", "rect", "polygon", "polyline", "path", "ellipse", "text"}
ATTRIBUTES = {
    "id", "class", "transform", "points", "d", "fill", "stroke", "stroke-width", "stroke-dasharray", "cx", "cy", "rx", "ry",
    "x", "y", "text-anchor", "font-weight", "font-size", "width", "height", "viewBox", "fill-opacity", "data-line", "data-room",
}  # fmt: skip
DEFAULTS = {("text-anchor", "start"), ("font-size", f"{SIZE}.00")}
ARROWS = {"►": 1, "◄": -1}  # of the legend, by where they point

SMALLEST = 0.85  # the smallest scale at which the text of a picture is readable: it has letters of 11 pixels


def finished(svg: bytes, theme: str, label: str, titles: Mapping[str, str], prefix: str | None = None) -> str:
    """The picture as text: `label` describes it, `titles` has the tooltip of each id.

    In a page, where cards can be selected, it has a `prefix` before every id. Raises LayoutError for text that is not SVG.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise LayoutError(f"{find_engine()} gave no SVG that can be read: {error}") from error
    _find_lines(root)
    _keep_known(root)
    _join_outlines(root)
    root.set("font-size", str(SIZE))
    root.set("class", "tinygraph tinygraph-auto" if theme == "auto" else "tinygraph")
    root.set("role", "img" if prefix is None else "group")
    root.set("aria-label", label)
    for name in ("width", "height"):
        root.set(name, re.sub("pt$", "", root.get(name, "")))
    for group in root.iter(_tag("g")):
        title = group.find(_tag("title"))
        if title is not None:
            title.text = titles.get(group.get("id", ""))
            if not title.text:
                group.remove(title)
    for element in root.iter() if prefix else ():
        if "id" in element.attrib:
            element.set("id", f"{prefix}{element.attrib['id']}")
    style = ElementTree.Element(_tag("style"))
    used = {(name, element.get(name, "")) for element in root.iter() for name in ("fill", "stroke")}
    style.text = style_sheet(theme, used, in_page=prefix is not None)
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


def _find_lines(element: ElementTree.Element) -> None:
    """Take the texts of lines out of the links that have their ids, each with its key, the room that it has, and its place."""
    for i, child in enumerate(element):
        link = child.find(_tag("a")) if child.get("id", "").startswith("a_") else None
        if link is None:
            _find_lines(child)
            continue
        cell, text = link.find(_tag("polygon")), link.find(_tag("text"))
        if cell is None or text is None:
            raise LayoutError(f"{find_engine()} gave a line of a card without its place")
        xs = [float(point.partition(",")[0]) for point in cell.get("points", "").split()]
        text.set("data-line", child.get("id", "").removeprefix("a_"))
        text.set("data-room", f"{max(xs) - min(xs) - 2 * PADDING:g}")
        if text.get("font-weight"):  # engines centre by the width of another font
            text.set("text-anchor", "middle")
            text.set("x", f"{(min(xs) + max(xs)) / 2:g}")
        element[i] = text


def _keep_known(element: ElementTree.Element) -> None:
    _draw_arrow(element)
    for name in list(element.attrib):
        if name not in ATTRIBUTES or (name, element.attrib[name]) in DEFAULTS:
            del element.attrib[name]
        elif element.attrib[name] == "transparent":  # as older engines write "none"
            element.attrib[name] = "none"
    for child in list(element):
        if child.tag in map(_tag, ELEMENTS):
            _keep_known(child)
        else:
            element.remove(child)


def _join_outlines(root: ElementTree.Element) -> None:
    """Draw a card once that engines draw twice, filled and then with its border."""
    for group in root.iter(_tag("g")):
        shapes = [child for child in group if child.tag == _tag("path")]
        if len(shapes) > 1 and shapes[0].get("d") == shapes[-1].get("d") and shapes[0].get("stroke") == "none":
            shapes[0].attrib |= {key: value for key, value in shapes[-1].attrib.items() if key != "fill"}
            group.remove(shapes[-1])


def _draw_arrow(element: ElementTree.Element) -> None:
    """An arrow of the legend as a shape, because fonts may lack it as a letter."""
    if element.tag == _tag("text") and (way := ARROWS.get(element.text or "")):
        x, y = float(element.get("x", 0)) + 4, float(element.get("y", 0)) - 4
        element.tag, element.text = _tag("path"), None
        element.set("d", f"M{x - 4 * way:g},{y - 4:g}l{8 * way},4 {-8 * way},4z")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
