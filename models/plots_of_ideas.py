"""Pictures of the ideas behind the models: the sigmoid and the two losses.

Every derivative comes from tinygraph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

import tinygraph as tg
from models import logistic_regression
from models.fitted import Array
from models.plot_style import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, WEAK, dress, legend, note, panels, signed

Function = Callable[[Any], Any]


def slopes(function: Function, x: Array) -> Array:
    """The derivative of an elementwise function at each entry of x: the gradient of the sum of its values."""
    return np.asarray(tg.grad(lambda x: np.sum(function(x)))(x))


def curvatures(function: Function, x: Array) -> Array:
    """The second derivative of an elementwise function at each entry of x: its Hessian is diagonal, so H·1 is the diagonal."""
    return np.asarray(tg.hvp(lambda x: np.sum(function(x)))(x, np.ones_like(x)))


def step(z: Any) -> Any:
    """1 where z > 0, else 0: recorded with its gradient, which is 0 on both sides."""
    return np.where(z > 0, 1 + 0 * z, 0 * z)


def sigmoid_shapes(ax: Any = None) -> np.ndarray[Any, Any]:
    """Three panels: the sigmoid with its derivative; shifted by the bias and steepened by the weight; beside a step.

    Returns the array of the three Axes; `ax` takes as many.

    >>> import matplotlib.pyplot as plt
    >>> axes = sigmoid_shapes()
    >>> [line.get_label() for line in axes[0].lines if not line.get_label().startswith("_")]
    ['σ(z) = 1 / (1 + e⁻ᶻ)', 'σ′(z) = σ(z) (1 − σ(z))']
    >>> plt.close(axes[0].figure)
    """
    shape, moved, beside = panels(ax, 3, (4.4, 3.9))
    z = np.linspace(-6, 6, 481)
    shape.plot(z, tg.sigmoid(z), color=BLUE, linewidth=2, label="σ(z) = 1 / (1 + e⁻ᶻ)")
    shape.plot(z, slopes(tg.sigmoid, z), color=VERMILION, linewidth=2, linestyle="--", label="σ′(z) = σ(z) (1 − σ(z))")
    note(shape, 0.4, 0.29, "at most ¼, at z = 0")
    dress(shape, "The sigmoid and its derivative", "z")

    for w, b, colour, line in ((1, 0, BLUE, "-"), (1, -3, ORANGE, "--"), (1, 3, GREEN, "-."), (4, 0, PURPLE, ":")):
        label = f"w = {w}, b = {signed(b)}"
        moved.plot(z, tg.sigmoid(w * z + b), color=colour, linewidth=2, linestyle=line, label=label)
    dress(moved, "σ(w x + b): b shifts it, w makes it steeper", "x")

    for k, colour, line in ((1, BLUE, "-"), (4, GREEN, "-."), (16, ORANGE, "--")):
        beside.plot(z, tg.sigmoid(k * z), color=colour, linewidth=1.6, linestyle=line, label=f"σ({k}z)" if k > 1 else "σ(z)")
    beside.plot([-6, 0, 0, 6], [0, 0, 1, 1], color=INK, linewidth=1.2, label="step")
    away = np.where(z == 0, np.nan, z)
    beside.plot(away, slopes(step, away), color=VERMILION, linewidth=2.4, linestyle=(0, (1, 1)), label="derivative of the step")
    dress(beside, "A step cannot be learned", "z")
    why = "Its derivative is 0\nwherever it exists,\nso every gradient is 0\nand no weight moves."
    note(beside, 5.9, 0.5, why, ha="right", va="center")
    for panel in (shape, moved, beside):
        panel.set_ylim(-0.05, 1.55 if panel is not shape else 1.4)
        panel.set_yticks([0, 0.25, 0.5, 0.75, 1])
        legend(panel, "upper left", ncols=2 if panel is not shape else 1)
    return np.array([shape, moved, beside], dtype=object)


def cross_entropy_branches(ax: Axes | None = None) -> Axes:
    """The loss of one example against its probability a: −log a where y = 1, −log(1 − a) where y = 0.

    >>> import matplotlib.pyplot as plt
    >>> ax = cross_entropy_branches()
    >>> [line.get_label() for line in ax.lines]
    ['y = 1:  L = −log a', 'y = 0:  L = −log(1 − a)']
    >>> plt.close(ax.figure)
    """
    (ax,) = panels(ax, 1, (6.4, 4.2))
    a = np.linspace(0.005, 0.995, 397)
    for y, label, colour, line in ((1, "y = 1:  L = −log a", BLUE, "-"), (0, "y = 0:  L = −log(1 − a)", VERMILION, "--")):
        losses = logistic_regression.textbook_loss(a, y)
        ax.plot(a, losses, color=colour, linewidth=2, linestyle=line, label=label)
    dress(ax, "L = −(y log a + (1 − y) log(1 − a)): y keeps one of the two terms", "a = σ(z), the probability of y = 1", "loss L")
    ax.set(xlim=(0, 1), ylim=(0, 5.4))
    note(ax, 0.06, 3.6, "y = 1, but a is near 0:\nthe loss grows without bound", color=BLUE)
    note(ax, 0.94, 3.0, "y = 0, but a is near 1:\nthe loss grows without bound", color=VERMILION, ha="right")
    note(ax, 0.5, 1.7, "a = ½: L = log 2 ≈ 0.693 either way", ha="center")
    ax.annotate("", xy=(0.5, 0.72), xytext=(0.5, 1.6), arrowprops={"arrowstyle": "-", "color": WEAK, "lw": 0.8})
    legend(ax, "upper center", ncols=2)
    return ax


def loss_convexity(
    X: Any = None, y: Any = None, ax: Any = None, weights: tuple[float, float] = (-6.0, 8.0)
) -> np.ndarray[Any, Any]:
    """Two panels over one weight w: the squared error of σ(w x) and its cross-entropy, and the second derivative of each.

    A second derivative that is negative anywhere, as that of the squared error, means that the loss is not convex.
    X holds one feature, of shape (m,) or (m, 1), and y labels 0 and 1; without them, six examples of which one lies on the wrong
    side. Returns the array of the two Axes; `ax` takes as many. Raises ValueError for other shapes and labels.

    >>> import matplotlib.pyplot as plt
    >>> axes = loss_convexity()
    >>> bool(min(axes[1].lines[0].get_ydata()) < 0 < min(axes[1].lines[1].get_ydata()))
    True
    >>> plt.close(axes[0].figure)
    """
    if (X is None) != (y is None):
        raise ValueError("give both X and y, or neither")
    x = np.asarray([-2.0, -1.5, -1.0, -0.4, 1.0, 2.0] if X is None else X, dtype=float)
    labels = np.asarray([0, 0, 0, 1, 1, 1] if y is None else y)
    if x.shape not in (labels.shape, (*labels.shape, 1)) or labels.ndim != 1:
        raise ValueError(
            f"X must hold one feature of each example, and y its label: their shapes are {x.shape} and {labels.shape}"
        )
    if not np.isin(labels, [0, 1]).all():
        raise ValueError("the labels must be 0 and 1, as in the formulas of both losses")

    targets = labels[:, np.newaxis]  # one row an example, one column a value of w

    def squared(w: Any) -> Any:
        return np.mean((tg.sigmoid(np.outer(x, w)) - targets) ** 2, axis=0)

    def entropy(w: Any) -> Any:
        z = np.outer(x, w)
        return np.mean(logistic_regression.loss(z, np.broadcast_to(targets, z.shape), "none"), axis=0)

    value, bend = panels(ax, 2, (5.4, 4.2))
    w = np.linspace(*weights, 401)
    for loss, label, colour, line in ((squared, "squared error", VERMILION, "--"), (entropy, "cross-entropy", BLUE, "-")):
        value.plot(w, loss(w), color=colour, linewidth=2, linestyle=line, label=label)
        second = curvatures(loss, w)
        bend.plot(w, second, color=colour, linewidth=2, linestyle=line, label=label)
        bend.fill_between(w, second, 0, where=second < 0, color=colour, alpha=0.3, linewidth=0)
    bend.axhline(0, color=WEAK, linewidth=0.8)
    _note_plateau(value, w, squared)
    dress(value, "Mean loss of a = σ(w x)", "weight w", "L(w)")
    dress(bend, "Its second derivative: below 0 is not convex", "weight w", "d²L / dw²")
    legend(value, "upper right")
    legend(bend, "upper right")
    return np.array([value, bend], dtype=object)


def _note_plateau(ax: Axes, w: Array, squared: Function) -> None:
    """Cut the panel off above the squared error, which would look flat beside cross-entropy, and say where it really is."""
    losses, steepness = squared(w), np.abs(slopes(squared, w))
    top = 3 * losses.max()
    ax.set_ylim(-0.03 * top, top)
    end, side = (0, "left") if losses[0] > losses[-1] else (-1, "right")
    if steepness[end] < 0.05 * steepness.max() and losses[end] > 2 * losses.min():
        note(ax, w[end], losses[end] + 0.04 * top, "nearly flat,\nfar from the minimum", ha=side, va="bottom", bbox=None)
