"""The graphs whose pictures are kept, and reading a picture back."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg

SVG = "{http://www.w3.org/2000/svg}"


def neuron() -> tg.Graph:
    x1, x2, y = tg.constant(2.0), tg.constant(-1.0), tg.constant(1.0)
    w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)
    z = w1 * x1 + w2 * x2 + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph


def numbers(*shape: int) -> Any:
    """Numbers that are the same everywhere."""
    size = int(np.prod(shape))
    return (np.arange(1, size + 1) * 37 % 64 / 32 - 1).reshape(shape)


def logistic() -> tg.Graph:
    X, y = tg.constant(numbers(8, 2)), tg.constant(np.array([0.0, 1, 1, 0, 1, 0, 0, 1]))
    w, b = tg.parameter([0.5, -0.25]), tg.parameter(0.125)
    z = X @ w + b
    a = tg.sigmoid(z)
    L = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph


def softmax() -> tg.Graph:
    X, Y = tg.constant(numbers(8, 2)), tg.constant(np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]])
    W, b = tg.parameter(numbers(2, 3)), tg.parameter(np.zeros(3))
    Z = X @ W + b
    L = tg.softmax_cross_entropy(Z, Y)
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph


def perceptron(layers: int = 2, width: int = 3) -> tg.Graph:
    """Layers of tanh, each a module of its own."""
    names: dict[str, Any] = {"X": tg.constant(numbers(4, 2)), "Y": tg.constant(np.eye(2)[[0, 1, 1, 0]])}
    h = names["X"]
    for i in range(1, layers + 1):
        rows, columns = h.shape[1], 2 if i == layers else width
        W, b = tg.parameter(numbers(rows, columns) / 2), tg.parameter(np.zeros(columns))
        Z = h @ W + b
        names[f"layer{i}"] = {f"W{i}": W, f"b{i}": b, f"Z{i}": Z}
        h = Z
        if i < layers:
            h = names[f"layer{i}"][f"A{i}"] = np.tanh(Z)
    names["L"] = tg.softmax_cross_entropy(h, names["Y"])
    graph = tg.Graph(names["L"], names=names)
    graph.backprop()
    return graph


KEPT: dict[str, Callable[[], Any]] = {
    "neuron": lambda: neuron().draw(),
    "neuron-dark": lambda: neuron().draw(theme="dark"),
    "neuron-forward": lambda: neuron().draw(backward=False),
    "neuron-ops": lambda: neuron().draw(level="op", direction="TB"),
    "logistic": lambda: logistic().draw(),
    "softmax": lambda: softmax().draw(),
    "perceptron": lambda: perceptron().draw(),
    "perceptron-folded": lambda: perceptron().draw(fold=True),
}


class Element(NamedTuple):
    """A card or an edge in a picture: id, classes, texts, and whether its line is dashed and in which colour."""

    id: str
    classes: frozenset[str]
    texts: tuple[str, ...]
    dashed: bool
    strokes: frozenset[str]
    boxes: tuple[tuple[float, float, float, float], ...]


def elements(svg: str) -> list[Element]:
    """The cards and edges of a picture."""
    root = ElementTree.fromstring(svg)
    found = []
    for group in root.iter(f"{SVG}g"):
        classes = frozenset(group.get("class", "").split())
        if classes & {"node", "edge"}:
            shapes = [shape for shape in group if shape.tag in (f"{SVG}path", f"{SVG}polygon", f"{SVG}polyline")]
            texts = tuple((text.text or "").replace("\xa0", " ") for text in group.iter(f"{SVG}text"))
            dashed = any(shape.get("stroke-dasharray") for shape in shapes)
            strokes = frozenset(shape.get("stroke", "") for shape in shapes)
            found.append(Element(group.get("id", ""), classes, texts, dashed, strokes, tuple(_boxes(shapes))))
    return found


def _boxes(shapes: list[ElementTree.Element]) -> Iterator[tuple[float, float, float, float]]:
    for shape in shapes:
        pairs = re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.get("points") or shape.get("d") or "")
        xs, ys = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
        yield min(xs), min(ys), max(xs), max(ys)


def curves(svg: str) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Points along each edge, by its id."""
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if "edge" in group.get("class", "").split():
            path = group.find(f"{SVG}path")
            assert path is not None
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d") or "")]
            knots = list(zip(numbers[::2], numbers[1::2], strict=True))
            yield group.get("id", ""), [_bezier(knots[i : i + 4], t / 8) for i in range(0, len(knots) - 3, 3) for t in range(9)]


def _bezier(knots: list[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(w * x for w, (x, _) in zip(weights, knots, strict=True)),
        sum(w * y for w, (_, y) in zip(weights, knots, strict=True)),
    )


def text_boxes(svg: str) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Where each text of a card stands, by the card's id; widths as `tinygraph.draw.dot` measures them."""
    from tinygraph.draw.label import width

    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if "card" not in group.get("class", "").split():
            continue
        for text in group.iter(f"{SVG}text"):
            long = width(text.text or "", bold=text.get("font-weight") == "bold")
            anchor = {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor", "start"), 0.0)
            x, y = float(text.get("x", 0)) - anchor * long, float(text.get("y", 0))
            yield group.get("id", ""), (x, y - 10, x + long, y + 3)
