"""Pictures of a fitted model, and, re-exported, those of the ideas behind it and of its network.

Each function draws on the Axes `ax` if given, else on a new pyplot figure, which a notebook shows when the cell ends. It returns
the Axes, or an array of them where it draws several panels, and never calls `plt.show`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

import tinygraph as tg
from models.fitted import (
    Array,
    as_fitted,
    attribute,
    class_names,
    feature_names,
    hyperplane,
    inputs_of_last_step,
    labels,
    last_step,
    layers,
    matrix,
)
from models.network_drawing import draw_network
from models.plot_style import (
    BLUE,
    CLASS_COLOURS,
    INK,
    MARKERS,
    ORANGE,
    SIGNED,
    WEAK,
    dress,
    legend_below,
    pale,
    panels,
    signed,
    wrapped,
)
from models.plots_of_descent import descent_1d, descent_2d
from models.plots_of_ideas import cross_entropy_branches, loss_convexity, sigmoid_shapes

__all__ = [
    "cross_entropy_branches",
    "decision_boundary",
    "descent_1d",
    "descent_2d",
    "draw_network",
    "loss_convexity",
    "loss_curves",
    "probability_by_distance",
    "sigmoid_shapes",
    "weights_as_images",
]


def loss_curves(model: Any, ax: Axes | None = None) -> Axes:
    """The training and the held-out loss by epoch, the point where training stopped, and why it did.

    `model` has `history_` and `stop_reason_`; a Pipeline shows its last step. The axis of the loss is logarithmic where the
    losses span more than two powers of ten. Raises ValueError for a model without a history.

    >>> import matplotlib.pyplot as plt
    >>> from types import SimpleNamespace
    >>> history = {"loss": [0.69, 0.4, 0.3, 0.25], "held_out_loss": [0.69, 0.5, 0.45, 0.47]}
    >>> model = SimpleNamespace(history_=history, stop_reason_="held-out loss: it rose for 1 epoch")
    >>> ax = loss_curves(model)
    >>> ax.get_xlabel(), [float(loss) for loss in ax.lines[0].get_ydata()]
    ('epoch', [0.69, 0.4, 0.3, 0.25])
    >>> plt.close(ax.figure)
    """
    history = attribute(model, "history_", "loss_curves")
    reason = attribute(model, "stop_reason_", "loss_curves")
    loss, held_out = (np.asarray(history.get(name, []), dtype=float) for name in ("loss", "held_out_loss"))
    if not np.isfinite(loss).any():
        raise ValueError("history_['loss'] holds no finite loss, so there is no curve to draw")
    (ax,) = panels(ax, 1, (6.4, 4.8))
    ax.plot(loss, color=BLUE, linewidth=1.8, label="training loss")
    seen = loss[np.isfinite(loss)]
    if np.isfinite(held_out).any():
        ax.plot(held_out, color=ORANGE, linewidth=1.8, linestyle="--", label="held-out loss")
        best = int(np.nanargmin(held_out))
        ax.plot(best, held_out[best], "D", color=ORANGE, markersize=6, label=f"lowest held-out loss, epoch {best}")
        seen = np.concatenate([seen, held_out[np.isfinite(held_out)]])
    last = int(np.flatnonzero(np.isfinite(loss))[-1])
    ax.axvline(last, color=WEAK, linewidth=1, linestyle=":")
    why = wrapped(ax, f"stopped at epoch {len(loss) - 1}: {reason}", 0.85)
    ax.plot(last, loss[last], "o", color=INK, markersize=6, label=why)
    if 0 < 100 * seen.min() < seen.max():
        ax.set_yscale("log")
    dress(ax, "Loss during training", "epoch", "mean loss")
    legend_below(ax, columns=1)
    return ax


def decision_boundary(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Examples of two features by class, over the probabilities that the model gives to each point of the plane.

    For two classes the contours stand at probabilities .1, .2, ... .9; a linear model also shows its hyperplane w·x + b = 0, with
    the equation. For more classes each point has the colour of its most probable class. `model` is any classifier with
    `predict_proba`, or a Pipeline that ends in one; X has shape (m, 2), and a data frame names the axes.
    Raises ValueError for another number of features and for labels that the model does not know.

    >>> import matplotlib.pyplot as plt
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([0, 0, 0, 1])
    >>> ax = decision_boundary(LogisticRegression().fit(X, y), X, y)
    >>> ax.get_legend_handles_labels()[1][-1]
    'w·x + b = 0:  0.422 x₁ + 0.422 x₂ − 1.54 = 0'
    >>> plt.close(ax.figure)
    """
    points = matrix(X)
    if points.shape[1] != 2:
        raise ValueError(f"decision_boundary draws a plane, so X must have 2 features; it has {points.shape[1]}")
    of_class = labels(model, y, len(points), "decision_boundary")
    (ax,) = panels(ax, 1, (6.4, 5.2))
    lowest, highest = points.min(axis=0), points.max(axis=0)
    margin = np.where(highest > lowest, 0.1 * (highest - lowest), 1.0)
    (left, bottom), (right, top) = lowest - margin, highest + margin
    x1, x2 = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
    grid = np.column_stack([x1.ravel(), x2.ravel()])
    probability = np.asarray(model.predict_proba(as_fitted(model, grid)), dtype=float).reshape(*x1.shape, -1)
    attribute(model, "classes_", "decision_boundary")
    classes = np.array(class_names(model))
    if len(classes) == 2:
        _probabilities(ax, x1, x2, probability[..., 1], f"P(y = {classes[1]} | x)")
    else:
        _regions(ax, x1, x2, probability)
    _examples(ax, points[:, 0], points[:, 1], of_class, classes)
    plane = hyperplane(model, grid)
    if plane is not None:
        _line(ax, *plane, (left, right), (bottom, top))
    names = feature_names(model, X)
    named = ["x₁", "x₂"] if names is None else [f"{names[0]} (x₁)", f"{names[1]} (x₂)"]
    dress(ax, f"What {type(last_step(model)).__name__} predicts", *named)
    ax.grid(False)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    legend_below(ax, columns=2 if len(classes) == 2 else 4)
    return ax


def _probabilities(ax: Axes, x1: Array, x2: Array, p: Array, label: str) -> None:
    levels = np.linspace(0, 1, 11)
    surface = ax.contourf(x1, x2, p, levels=levels, cmap=SIGNED, alpha=0.45, vmin=0, vmax=1)
    crossed = [level for level in levels[1:-1] if p.min() < level < p.max()]
    if crossed:
        ax.contour(x1, x2, p, levels=crossed, colors=WEAK, linewidths=[1.6 if level == 0.5 else 0.6 for level in crossed])
    bar = ax.figure.colorbar(surface, ax=ax, ticks=levels, pad=0.02)
    bar.set_label(label, color=INK, parse_math=False)
    bar.ax.tick_params(colors=WEAK, labelsize="small")
    bar.outline.set_visible(False)


def _regions(ax: Axes, x1: Array, x2: Array, probability: Array) -> None:
    """Each class is drawn by how far it leads the best other one, which is smooth where three regions meet."""
    for k in range(probability.shape[-1]):
        lead = probability[..., k] - np.delete(probability, k, axis=-1).max(axis=-1)
        if lead.max() <= 0:
            continue
        ax.contourf(x1, x2, lead, levels=[0, 2], colors=[pale(CLASS_COLOURS[k % len(CLASS_COLOURS)])])
        if lead.min() < 0:
            ax.contour(x1, x2, lead, levels=[0], colors=WEAK, linewidths=0.8)


def _examples(ax: Axes, across: Array, up: Array, of_class: Array, classes: Array) -> None:
    for k, name in enumerate(classes):
        mine = of_class == k
        look: dict[str, Any] = {"color": CLASS_COLOURS[k % len(CLASS_COLOURS)], "marker": MARKERS[k % len(MARKERS)]}
        size = 34 if len(across) <= 300 else 18
        ax.scatter(across[mine], up[mine], s=size, edgecolors="white", linewidths=0.6, zorder=3, label=f"y = {name}", **look)


def _line(ax: Axes, w: Array, b: float, across: tuple[float, float], up: tuple[float, float]) -> None:
    """The line w·x + b = 0 from edge to edge of the panel, along the axis to which it is less steep."""
    (left, right), (bottom, top) = across, up
    if abs(w[1]) * (top - bottom) >= abs(w[0]) * (right - left):
        x1 = np.array([left, right])
        x2 = -(w[0] * x1 + b) / w[1]
    else:
        x2 = np.array([bottom, top])
        x1 = -(w[1] * x2 + b) / w[0]
    terms = [f"{signed(w[0])} x₁", f"{signed(w[1])} x₂", signed(b)]
    equation = " + ".join(terms).replace("+ −", "− ")
    ax.plot(x1, x2, color=INK, linewidth=2, linestyle="--", zorder=2, label=f"w·x + b = 0:  {equation} = 0")


def probability_by_distance(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """The probability of each example against its signed distance from the hyperplane w·x + b = 0.

    The distance is (w·x + b) / ‖w‖, in the units of the features that the model is given: of the scaled ones in a Pipeline with
    a scaler. The curve is σ(‖w‖ · distance); the ticks above and below it are the examples of each class.
    Raises ValueError for a model that is not linear, has not two classes, or whose probability is not σ(w·x + b).

    >>> import matplotlib.pyplot as plt
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> ax = probability_by_distance(LogisticRegression().fit(X, y), X, y)
    >>> [(collection.get_label(), len(collection.get_offsets())) for collection in ax.collections]
    [('y = 0', 2), ('y = 1', 2)]
    >>> plt.close(ax.figure)
    """
    plot = "probability_by_distance"
    attribute(model, "classes_", plot)
    classes = np.array(class_names(model))
    inputs = matrix(inputs_of_last_step(model, X))
    of_class = labels(model, y, len(inputs), plot)
    plane = hyperplane(last_step(model), inputs)
    if plane is None:
        raise ValueError(f"{plot} needs a hyperplane: a linear model of two classes, whose weights are not all 0")
    w, b = plane
    length = float(np.linalg.norm(w))
    distance = (inputs @ w + b) / length
    probability = np.asarray(model.predict_proba(X))[:, 1]
    if not np.allclose(probability, tg.sigmoid(length * distance), atol=1e-4):
        raise ValueError(
            f"{plot} needs a model whose probability is σ(w·x + b); {type(last_step(model)).__name__} computes it in another way"
        )
    (ax,) = panels(ax, 1, (6.4, 4.8))
    farthest = 1.1 * float(np.max(np.abs(distance))) or 1.0
    reach = np.linspace(-farthest, farthest, 401)
    ax.axhline(0.5, color=WEAK, linewidth=0.8, linestyle=":")
    ax.axvline(0, color=WEAK, linewidth=0.8, linestyle=":")
    ax.plot(reach, tg.sigmoid(length * reach), color=INK, linewidth=1.4, label=f"σ(‖w‖ · distance), ‖w‖ = {signed(length)}")
    _examples(ax, distance, probability, of_class, classes)
    for k, height in enumerate((-0.09, 1.09)):
        mine = distance[of_class == k]
        ax.plot(mine, np.full(len(mine), height), "|", color=CLASS_COLOURS[k], alpha=0.6, markersize=9)
    dress(
        ax,
        "The farther from the hyperplane, the surer",
        "signed distance (w·x + b) / ‖w‖",
        f"P(y = {classes[1]} | x)",
    )
    ax.set(ylim=(-0.15, 1.15), yticks=np.linspace(0, 1, 6))
    legend_below(ax, columns=2)
    return ax


def weights_as_images(model: Any, shape: tuple[int, int], ax: Any = None, most: int = 16) -> np.ndarray[Any, Any]:
    """The weights of each class as an image of `shape` (rows, columns), or of each hidden unit of a multilayer perceptron.

    Positive weights are blue and negative ones vermilion, on one scale that has 0 in its middle. At most the first `most` images
    are drawn. Returns the array of their Axes; `ax` takes as many. Raises ValueError where the weights do not fill the shape.

    >>> import matplotlib.pyplot as plt
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0]]), ["bottom", "top", "middle"]
    >>> axes = weights_as_images(LogisticRegression().fit(X, y), shape=(2, 2))
    >>> [ax.get_title() for ax in axes]
    ['y = bottom', 'y = middle', 'y = top']
    >>> plt.close(axes[0].figure)
    """
    network = layers(model, "weights_as_images")
    W = network[0].W
    if int(np.prod(shape)) != len(W) or len(shape) != 2:
        raise ValueError(f"shape={shape} must be (rows, columns) with {len(W)} entries, one for each feature of the model")
    drawn = min(W.shape[1], most)
    axes = panels(ax, drawn, (1.5, 1.7) if drawn > 1 else (3.6, 3.0), columns=min(drawn, 5 if drawn <= 10 else 8))
    limit = float(np.max(np.abs(W))) or 1.0
    for panel, weights, title in zip(axes, W.T, _image_titles(model, network), strict=False):
        image = panel.imshow(weights.reshape(shape), cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_color(WEAK)
        panel.set_title(title, fontsize="medium", color=INK, parse_math=False)
    bar = axes[0].figure.colorbar(image, ax=axes, pad=0.02, shrink=0.9)
    unscaled = "weight" if drawn == W.shape[1] else f"weight ({drawn} of {W.shape[1]} units)"
    bar.set_label(unscaled, color=INK, parse_math=False)
    bar.ax.tick_params(colors=WEAK, labelsize="small")
    return np.array(axes, dtype=object)


def _image_titles(model: Any, network: list[Any]) -> list[str]:
    units = network[0].W.shape[1]
    if len(network) > 1:
        return [f"unit {k}" for k in range(1, units + 1)]
    classes = class_names(model)
    if not classes:
        return ["weights"] * units
    return [f"y = {name}" for name in (classes if units > 1 else classes[1:])]
