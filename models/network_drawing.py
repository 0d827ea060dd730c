"""The neuron diagram of the textbooks: inputs, weights, Σ, σ, output, and the layered network of such neurons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch

from models.fitted import Layer, class_names, feature_names, last_step, layers
from models.plot_style import BLUE, FAINT, INK, NEGATIVE, ORANGE, POSITIVE, WEAK, legend, pale, panels, signed, subscript

RADIUS = 0.3
ROW, COLUMN = 0.85, 2.9  # between units of a layer, and between layers
ACTIVATION, END = 1.35, 2.3  # how far right of its Σ the activation and the output of a neuron stand
INCH, LETTER, LEGEND = 0.72, 0.125, 6.2  # inches of a unit of length; in that unit, the width of a letter and of the legend
SMALL = 0.83  # the size of secondary letters
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "boxstyle": "round,pad=0.1"}
HEADINGS = {
    "network": ("inputs", "weights", "weighted sum", "activation", "output"),
    "neuron": ("dendrites\n(inputs)", "synapses\n(weights)", "cell body\n(sum)", "cell body\n(activation)", "axon\n(output)"),
}
SYMBOLS = {"logistic": "σ", "sigmoid": "σ", "identity": "Σ"}

Point = tuple[float, float]


class Diagram(NamedTuple):
    """What is drawn."""

    sizes: tuple[int, ...]  # of the inputs and of each layer
    layers: list[Layer] | None  # None where only the sizes are known
    inputs: list[str] | None  # the names of the features, where they have names
    hidden: str  # the activation of hidden units, as their circles show it
    activation: str  # that of the outputs: "σ", "softmax", or "" for none
    outputs: list[str]


class Position(NamedTuple):
    """Where a unit of a layer stands; `unit` is None for the ellipsis."""

    unit: int | None
    y: float


def draw_network(model_or_sizes: Any, labels: str = "network", ax: Axes | None = None, most: int = 6) -> Axes:
    """Draw a fitted model, or a network of the given sizes, as circles and weighted connections.

    `model_or_sizes` is a linear model, a multilayer perceptron, a Pipeline that ends in one, or sizes such as (3, 2), three
    inputs and two outputs, or (2, 4, 1). One layer is drawn as neurons in full: inputs x and 1, weights w and b, the weighted sum
    Σ, the activation, the output. `labels="neuron"` heads it with the parts of a nerve cell. More layers have one circle a unit.
    A positive (excitatory) weight is a solid blue line, a negative (inhibitory) one a dashed vermilion line, and a larger weight
    has a wider line. If a layer has more than `most` units, the picture shows the first `most` of them and an ellipsis; of the
    inputs of a fitted model it shows those with the largest absolute weights.
    Raises ValueError for other sizes and labels, and for the labels of a neuron on several layers.

    >>> import matplotlib.pyplot as plt
    >>> ax = draw_network((3, 1))
    >>> [line.get_gid() for line in ax.lines]
    ['W[0, 0]', 'W[1, 0]', 'W[2, 0]', 'b[0]']
    >>> plt.close(ax.figure)
    """
    if labels not in HEADINGS:
        raise ValueError(f'labels={labels!r} must be "network" or "neuron"')
    if most < 1:
        raise ValueError(f"most={most} must be at least 1")
    network = _read(model_or_sizes)
    single = len(network.sizes) == 2
    if labels == "neuron" and not single:
        raise ValueError(f'labels="neuron" names the parts of one layer of neurons; this network has {len(network.sizes) - 1}')
    shown = [_shown(network, depth, most) for depth in range(len(network.sizes))]
    columns = [
        _places(units, size, free=int(single and depth == 0))
        for depth, (units, size) in enumerate(zip(shown, network.sizes, strict=True))
    ]
    left = -RADIUS - 0.3 - LETTER * max((len(name) for name in network.inputs or ()), default=0)
    end = COLUMN * (len(columns) - 1) + (END if network.activation and (single or network.activation == "softmax") else 1.0)
    right = max(end + 0.8, end + 0.2 + LETTER * max(len(name) for name in network.outputs), left + LEGEND)
    top = max(column[0].y for column in columns) + 1.3
    bottom = min(column[-1].y for column in columns) - (ROW if single else 0.6) - RADIUS - 0.1
    given = ax is not None  # its size is not chosen here, so the letters must suit it
    (ax,) = panels(ax, 1, (INCH * (right - left), INCH * (top - bottom) + (0.4 if network.layers else 0)))
    ax.set_aspect("equal")
    ax.axis("off")
    ax.set(xlim=(left, right), ylim=(bottom, top))
    arrays = [array for layer in network.layers or [] for array in layer]
    largest = max((float(np.max(np.abs(array))) for array in arrays), default=1.0) or 1.0
    inches = min(ax.bbox.width / (right - left), ax.bbox.height / (top - bottom)) / ax.figure.dpi
    pen = Pen(ax, largest, plt.rcParams["font.size"] * (min(1.0, inches / INCH) if given else 1.0))
    _draw_inputs(pen, network, columns[0])
    if single:
        _draw_neurons(pen, network, labels, *columns)
    else:
        _draw_layers(pen, network, columns)
    _draw_outputs(pen, network, columns[-1], end, width=3.0 if labels == "neuron" else 1.2)
    if network.layers:
        _explain_signs(ax)
    return ax


def _read(given: Any) -> Diagram:
    if isinstance(given, (tuple, list, np.ndarray)):
        sizes = tuple(given)
        if len(sizes) < 2 or not all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes):
            raise ValueError(f"sizes={sizes} must be at least two whole numbers above 0, such as (3, 2) or (2, 4, 1)")
        return Diagram(sizes, None, None, "σ", "σ", [_nth("a", k, sizes[-1]) for k in range(sizes[-1])])
    network = layers(given, "draw_network")
    sizes = (len(network[0].W), *(len(b) for _, b in network))
    fitted = last_step(given)
    names = feature_names(given, None)
    if names is not None and len(names) != sizes[0]:
        names = None  # a Pipeline that makes other features of its columns
    hidden = str(getattr(fitted, "activation", ""))
    classes = class_names(given)
    if not classes:
        activation, outputs = "", [_nth("ŷ", k, sizes[-1]) for k in range(sizes[-1])]
    else:
        activation = "σ" if sizes[-1] == 1 or getattr(fitted, "multi", "softmax") == "ovr" else "softmax"
        outputs = [f"P(y = {name} | x)" for name in (classes if sizes[-1] > 1 else classes[1:])]
    return Diagram(sizes, network, names, SYMBOLS.get(hidden, hidden), activation, outputs)


def _nth(letter: str, k: int, count: int) -> str:
    """The letter of one of several with its subscript, that of a single one without."""
    return letter if count == 1 else f"{letter}{subscript(k + 1)}"


def _shown(network: Diagram, depth: int, most: int) -> list[int]:
    """The units of a layer that are drawn: all of them, the inputs with the largest weights, or the first units."""
    size = network.sizes[depth]
    if depth or not network.layers or size <= most:
        return list(range(min(size, most)))
    largest = np.max(np.abs(network.layers[0].W), axis=1)
    return sorted(np.argsort(-largest, kind="stable")[:most].tolist())


def _places(shown: Sequence[int], size: int, free: int) -> list[Position]:
    """The rows of a layer, top to bottom, around 0: the units that are drawn, an ellipsis for others, above `free` rows."""
    units: list[int | None] = [*shown] if len(shown) == size else [*shown, None]
    top = (len(units) + free - 1) / 2
    return [Position(unit, ROW * (top - row)) for row, unit in enumerate(units)]


class Pen(NamedTuple):
    """Draws the parts of a network on `ax`, with lines as wide as weights are beside the `largest`, and letters of a `size`."""

    ax: Axes
    largest: float
    size: float

    def text(self, x: float, y: float, text: str, share: float = 1.0, **settings: Any) -> None:
        """A text, centred unless the settings say otherwise, in letters of a share of the common size."""
        look = {"ha": "center", "va": "center", "color": INK, "zorder": 4, "fontsize": share * self.size, "parse_math": False}
        self.ax.text(x, y, text, **{**look, **settings})

    def circle(self, x: float, y: float, text: str, colour: str) -> None:
        """A unit."""
        self.ax.add_patch(Circle((x, y), RADIUS, facecolor=pale(colour, 0.2), edgecolor=colour, linewidth=1.4, zorder=3))
        self.text(x, y, text, 1.0 if len(text) <= 2 else SMALL)

    def box(self, left: float, right: float, low: float, high: float, colour: str, zorder: float) -> None:
        """A rounded box around circles whose centres lie between these edges."""
        width, height = right - left + 2 * RADIUS, high - low + 2 * RADIUS
        look: dict[str, Any] = {"facecolor": pale(colour, 0.2), "edgecolor": colour, "zorder": zorder}
        rounded = f"round,pad=0,rounding_size={RADIUS}"
        self.ax.add_patch(FancyBboxPatch((left - RADIUS, low - RADIUS), width, height, boxstyle=rounded, **look))

    def ellipsis(self, x: float, y: float, text: str) -> None:
        """What stands for the units that are not drawn: dots, and a text below them."""
        self.text(x, y + 0.16, "⋮", 1.2, color=WEAK)
        self.text(x, y - 0.03, text, share=SMALL, color=WEAK, bbox=ON_WHITE, va="top")

    def arrow(self, x: float, end: float, y: float, width: float = 1.2) -> None:
        """A value on its way to the right."""
        look = {"arrowstyle": "-|>", "color": INK, "lw": width, "shrinkA": 0, "shrinkB": 0}
        self.ax.annotate("", xy=(end, y), xytext=(x, y), arrowprops=look)

    def connection(self, start: Point, end: Point, weight: float | None, gid: str) -> None:
        """A line that shows the sign of the weight by colour and dashes, its size by width; grey where there is no sign."""
        colour, dashes, width = WEAK, "-", 1.0
        if weight is not None:
            width = 0.6 + 3.4 * abs(weight) / self.largest
            if weight:
                colour, dashes = (POSITIVE, "-") if weight > 0 else (NEGATIVE, "--")
        self.ax.plot(*zip(start, end, strict=True), color=colour, linestyle=dashes, linewidth=width, zorder=1, gid=gid)

    def beside(self, start: Point, end: Point, share: float, text: str) -> None:
        """A text on a connection, at a share of the way."""
        x, y = (one + share * (other - one) for one, other in zip(start, end, strict=True))
        self.text(x, y, text, SMALL, bbox=ON_WHITE, zorder=2)


def _drawn(places: Sequence[Position]) -> list[tuple[int, float]]:
    """The units that are drawn, with their heights."""
    return [(place.unit, place.y) for place in places if place.unit is not None]


def _draw_inputs(pen: Pen, network: Diagram, places: Sequence[Position]) -> None:
    for unit, y in _drawn(places):
        pen.circle(0, y, f"x{subscript(unit + 1)}", WEAK)
        if network.inputs:
            pen.text(-RADIUS - 0.12, y, network.inputs[unit], ha="right", share=SMALL)
    if places[-1].unit is None:
        size, largest = network.sizes[0], ":\nlargest weights" if network.layers else ""
        pen.ellipsis(0, places[-1].y, f"{len(places) - 1} of {size} inputs{largest}")


def _draw_neurons(pen: Pen, network: Diagram, labels: str, inputs: Sequence[Position], outputs: Sequence[Position]) -> None:
    """One layer in full. The bias is the weight of a further input that is always 1."""
    one, count = inputs[-1].y - ROW, network.sizes[1]
    pen.circle(0, one, "1", WEAK)
    for k, y in _drawn(outputs):
        if labels == "neuron" and network.activation != "softmax":
            pen.box(COLUMN - 0.12, COLUMN + (ACTIVATION if network.activation else 0) + 0.12, y - 0.06, y + 0.06, FAINT, 0)
        layer = network.layers[0] if network.layers else None
        rows = [(f"W[{i}, {k}]", f"w{_index(i, k, count)}", height, layer and layer.W[i, k]) for i, height in _drawn(inputs)]
        rows.append((f"b[{k}]", _nth("b", k, count), one, layer and layer.b[k]))
        for gid, name, height, weight in rows:
            pen.connection((0, height), (COLUMN, y), weight, gid)
            if count == 1 or (layer is None and len(inputs) * len(outputs) <= 8):
                text = name if weight is None else f"{name} = {signed(weight)}"
                pen.beside((0, height), (COLUMN, y), 0.42 if count == 1 else 0.28 + 0.24 * k, text)
        pen.circle(COLUMN, y, "Σ", ORANGE)
        if network.activation:
            pen.arrow(COLUMN + RADIUS, COLUMN + ACTIVATION - RADIUS, y)
            pen.text(COLUMN + ACTIVATION / 2, y + 0.15, _nth("z", k, count), share=SMALL)
        if network.activation == "σ":
            pen.circle(COLUMN + ACTIVATION, y, "σ", ORANGE)
    end = COLUMN + (END if network.activation else 1.0) + 0.2
    top = max(inputs[0].y, outputs[0].y) + 0.6
    for x, text in zip((0, 0.45 * COLUMN, COLUMN, COLUMN + ACTIVATION, end), HEADINGS[labels], strict=True):
        if network.activation or "activation" not in text:
            pen.text(x, top, text, va="bottom", color=WEAK, share=SMALL)


def _index(i: int, k: int, units: int) -> str:
    """The subscript of the weight from input i to output k: w₂ for the only output, w₂₁ for the first of several."""
    return subscript(i + 1) + (subscript(k + 1) if units > 1 else "")


def _draw_layers(pen: Pen, network: Diagram, columns: Sequence[Sequence[Position]]) -> None:
    """Several layers, with one circle a unit."""
    names = ["inputs", *(f"hidden layer {depth}" for depth in range(1, len(columns) - 1)), "outputs"]
    for depth, (before, after) in enumerate(pairwise(columns), start=1):
        x, last = COLUMN * depth, depth == len(columns) - 1
        symbol = network.hidden if not last else network.activation if network.activation == "σ" else "Σ"
        for k, y in _drawn(after):
            for i, height in _drawn(before):
                weight = network.layers[depth - 1].W[i, k] if network.layers else None
                pen.connection((x - COLUMN, height), (x, y), weight, f"layer{depth}: W[{i}, {k}]")
            pen.circle(x, y, symbol, ORANGE if last else BLUE)
    top = max(column[0].y for column in columns) + 0.6
    for depth, name in enumerate(names):
        pen.text(COLUMN * depth, top, name, va="bottom", color=WEAK, share=SMALL)
        if depth and columns[depth][-1].unit is None and depth < len(columns) - 1:
            pen.ellipsis(COLUMN * depth, columns[depth][-1].y, f"{network.sizes[depth]} in all")
    low = min(column[-1].y for column in columns) - 0.75
    pen.text(COLUMN * (len(columns) - 1) / 2, low, "Each unit also adds its bias b.", color=WEAK, share=SMALL)


def _draw_outputs(pen: Pen, network: Diagram, places: Sequence[Position], end: float, width: float) -> None:
    """What follows the units of the last layer: the softmax that they share, and the arrow to the name of each output."""
    x = COLUMN * (len(network.sizes) - 1)
    if network.activation == "softmax":
        pen.box(x + ACTIVATION, x + ACTIVATION, places[-1].y, places[0].y, ORANGE, 3)
        pen.text(x + ACTIVATION, (places[0].y + places[-1].y) / 2, "softmax", rotation=90)
    several = network.activation == "softmax" or (len(network.sizes) == 2 and network.activation == "σ")
    for unit, y in _drawn(places):
        if network.activation == "softmax" and len(network.sizes) > 2:
            pen.arrow(x + RADIUS, x + ACTIVATION - RADIUS, y)
        pen.arrow(x + (ACTIVATION if several else 0) + RADIUS, end, y, width)
        pen.text(end + 0.1, y, network.outputs[unit], ha="left")
    if places[-1].unit is None:
        pen.ellipsis(x, places[-1].y, f"{network.sizes[-1]} in all")


def _explain_signs(ax: Axes) -> None:
    handles = [
        Line2D([], [], color=POSITIVE, linewidth=2.5, label="positive weight: excitatory"),
        Line2D([], [], color=NEGATIVE, linewidth=2.5, linestyle="--", label="negative weight: inhibitory"),
    ]
    legend(ax, "upper center", handles=handles, bbox_to_anchor=(0.5, 0), ncols=2, borderaxespad=0.2)
