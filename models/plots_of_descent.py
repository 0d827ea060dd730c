"""Pictures of gradient descent on a curve and on a surface, with gradients from tinygraph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

import tinygraph as tg
from models.fitted import Array
from models.plot_style import BLUE, GREEN, INK, PURPLE, VERMILION, WEAK, dress, legend_below, panels, signed

Loss = Callable[[Any], Any]


def parabola(w: Any) -> Any:
    """The loss that `descent_1d` draws by default; its minimum is at w = 1."""
    return (w - 1) ** 2 / 2 + 0.5


def valley(w: Any) -> Any:
    """The loss that `descent_2d` draws by default: four times as steep along w₂ as along w₁, with its minimum at (1, 0.5)."""
    return (w[0] - 1) ** 2 / 2 + 2 * (w[1] - 0.5) ** 2


class Run(NamedTuple):
    """One gradient descent: the weights from the start on, and what became of it."""

    path: Array
    end: str


def descend(loss: Loss, start: Any, learning_rate: float, steps: int) -> Run:
    """Gradient descent. It stops earlier where a weight or its loss leaves the floats.

    It diverges if it ends above its start, and converges if the slope fell to a hundredth.

    >>> descend(parabola, 3.0, 0.5, 3).path
    array([3.  , 2.  , 1.5 , 1.25])
    """
    path = [np.asarray(start, dtype=float)]
    with np.errstate(all="ignore"):  # a run that diverges may overflow, which is what it shows
        for _ in range(steps):
            w = path[-1] - learning_rate * np.asarray(tg.grad(loss)(path[-1]))
            if not (np.isfinite(w).all() and np.isfinite(loss(w))):
                return Run(np.array(path), "diverges")
            path.append(w)
    if loss(path[-1]) > loss(path[0]):
        return Run(np.array(path), "diverges")
    first, last = (np.max(np.abs(tg.grad(loss)(w))) for w in (path[0], path[-1]))
    return Run(np.array(path), "converges" if last <= 0.01 * first else "has not converged")


def _check_descent(
    loss: Loss, learning_rates: Sequence[float], starts: Sequence[Any], steps: int, shape: tuple[int, ...]
) -> None:
    if not learning_rates or not all(np.isfinite(rate) and rate > 0 for rate in learning_rates):
        raise ValueError(f"learning_rates={learning_rates} must be finite numbers above 0, at least one")
    if not starts or any(np.shape(start) != shape or not np.isfinite(start).all() for start in starts):
        what = "finite numbers" if shape == () else "pairs of finite numbers"
        raise ValueError(f"starts={starts} must be {what}, at least one")
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1")
    if np.isnan(_heights(loss, np.array(starts, dtype=float))).any():
        raise ValueError(f"the loss must be finite at each of starts={starts}")


def _picture(runs: Sequence[Sequence[Run]], starts: Sequence[Any]) -> tuple[Array, Array]:
    """The lowest and the highest weights of the picture: a square around the starts and the paths that do not diverge."""
    kept = [run.path for of_rate in runs for run in of_rate if run.end != "diverges"]
    points = np.concatenate([np.array(starts, dtype=float), *kept])
    lowest, highest = points.min(axis=0), points.max(axis=0)
    reach = 0.7 * (np.max(highest - lowest) or 2.0)
    centre = (lowest + highest) / 2
    return centre - reach, centre + reach


def _heights(loss: Loss, weights: Array) -> Array:
    """The loss at each of the weights; NaN, which is not drawn, where it has no finite value."""
    with np.errstate(all="ignore"):
        values = np.array([float(loss(w)) for w in weights])
    return np.where(np.isfinite(values), values, np.nan)


def _until_outside(path: Array, lowest: Array, highest: Array) -> Array:
    """The path as far as the first point outside of the picture, which shows where it leaves."""
    outside = ((path < lowest) | (path > highest)).reshape(len(path), -1).any(axis=1)
    return path[: int(np.argmax(outside)) + 1] if outside.any() else path


def _rate_title(learning_rate: float, runs: Sequence[Run], steps: int) -> str:
    ends = list(dict.fromkeys(run.end for run in runs))
    return f"learning rate {learning_rate:g}: {' or '.join(ends)}\n{steps} steps of w := w − {learning_rate:g} · ∂L/∂w"


def _arrows(ax: Axes, path: Array, colour: str) -> None:
    """An arrow for each step of a path of shape (points, 2), at most five times as long as the panel is wide or high."""
    panel = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    for tail, head in pairwise(path):
        head = tail + (head - tail) / max(1.0, np.max(np.abs(head - tail) / panel) / 5)  # floats of 1e100 pixels draw as wedges
        ax.add_patch(
            FancyArrowPatch(
                tuple(tail), tuple(head), arrowstyle="-|>", mutation_scale=9, color=colour, linewidth=1.3, shrinkA=0, shrinkB=0
            )
        )


def descent_1d(
    loss: Loss | None = None,
    starts: Sequence[float] = (-2.0, 4.0),
    learning_rates: Sequence[float] = (0.1, 0.6, 2.1),
    steps: int = 12,
    ax: Any = None,
) -> np.ndarray[Any, Any]:
    """Gradient descent on a curve, one panel a learning rate, from each start: left of the minimum and right of it.

    At each start stand the tangent, the sign of its slope and the way that w moves. `loss` takes a number or a Node and is made
    of NumPy functions or ops; without it, a parabola. A run that ends above its start is said to diverge, and is drawn as far as
    it leaves the picture. Returns the array of the Axes; `ax` takes as many. Raises ValueError for rates that are not above 0.

    >>> import matplotlib.pyplot as plt
    >>> axes = descent_1d()
    >>> [axis.get_title().partition("\\n")[0] for axis in axes]
    ['learning rate 0.1: has not converged', 'learning rate 0.6: converges', 'learning rate 2.1: diverges']
    >>> plt.close(axes[0].figure)
    """
    loss = loss or parabola
    _check_descent(loss, learning_rates, starts, steps, ())
    axes = panels(ax, len(learning_rates), (4.6, 4.2))
    runs = [[descend(loss, start, rate, steps) for start in starts] for rate in learning_rates]
    lowest, highest = _picture(runs, starts)
    curve = np.linspace(lowest, highest, 301)
    heights = _heights(loss, curve)
    for panel, rate, of_rate in zip(axes, learning_rates, runs, strict=True):
        margin = 0.08 * (np.nanmax(heights) - np.nanmin(heights)) or 1.0
        panel.set(xlim=(lowest, highest), ylim=(np.nanmin(heights) - margin, np.nanmax(heights) + margin))
        panel.plot(curve, heights, color=INK, linewidth=1.4)
        for run, colour in zip(of_rate, cycle((BLUE, VERMILION, GREEN, PURPLE)), strict=False):
            shown = _until_outside(run.path, lowest, highest)
            points = np.column_stack([shown, _heights(loss, shown)])
            panel.plot(points[:, 0], points[:, 1], "o", color=colour, markersize=4.5)
            _arrows(panel, points, colour)
            _tangent(panel, loss, float(run.path[0]), colour, 0.12 * float(highest - lowest))
        dress(panel, _rate_title(rate, of_rate, steps), "weight w", "L(w)")
        legend_below(panel, columns=1)
    return np.array(axes, dtype=object)


def _tangent(ax: Axes, loss: Loss, w: float, colour: str, half: float) -> None:
    value, slope = (float(number) for number in tg.value_and_grad(loss)(w))
    ends = np.array([w - half, w + half])
    way = "is 0: w stays" if slope == 0 else "< 0: w rises →" if slope < 0 else "> 0: w falls ←"
    label = f"start w = {signed(w)}: slope {signed(slope)} {way}"
    ax.plot(ends, value + slope * (ends - w), color=colour, linewidth=5, alpha=0.35, label=label, zorder=1)
    ax.plot(w, value, "o", color=colour, markeredgecolor=INK, markersize=8)


def descent_2d(
    loss: Loss | None = None,
    starts: Sequence[Sequence[float]] = ((-3.0, 2.0),),
    learning_rates: Sequence[float] = (0.03, 0.3, 0.52),
    steps: int = 15,
    ax: Any = None,
) -> np.ndarray[Any, Any]:
    """Gradient descent on a surface over two weights: its contours and the path from each start, one panel a learning rate.

    `loss` takes an array or a Node of two weights; without it, a valley that is steeper along w₂. Both axes have one scale, so
    that each step stands at a right angle to the contour where it begins. Diverging runs are drawn as by `descent_1d`.
    Returns the array of the Axes; `ax` takes as many. Raises ValueError for rates that are not above 0.

    >>> import matplotlib.pyplot as plt
    >>> axes = descent_2d(learning_rates=[0.3])
    >>> axes[0].lines[0].get_xydata()[:2].round(2).tolist()
    [[-3.0, 2.0], [-1.8, 0.2]]
    >>> plt.close(axes[0].figure)
    """
    loss = loss or valley
    _check_descent(loss, learning_rates, starts, steps, (2,))
    axes = panels(ax, len(learning_rates), (4.6, 4.2))
    runs = [[descend(loss, start, rate, steps) for start in starts] for rate in learning_rates]
    lowest, highest = _picture(runs, starts)
    across, up = np.linspace(lowest[0], highest[0], 81), np.linspace(lowest[1], highest[1], 81)
    heights = np.array([_heights(loss, np.column_stack([across, np.full_like(across, w2)])) for w2 in up])
    rise = np.nanmax(heights) - np.nanmin(heights)
    levels = np.nanmin(heights) + (rise or 1.0) * np.linspace(0, 1, 13) ** 2
    for panel, rate, of_rate in zip(axes, learning_rates, runs, strict=True):
        panel.set(xlim=(lowest[0], highest[0]), ylim=(lowest[1], highest[1]), aspect="equal")
        if rise:
            panel.contour(across, up, heights, levels=levels[1:-1], colors=WEAK, linewidths=0.7)
        panel.contourf(across, up, heights, levels=levels, cmap="Greys", alpha=0.35)
        for run, colour in zip(of_rate, cycle((BLUE, VERMILION, GREEN, PURPLE)), strict=False):
            shown = _until_outside(run.path, lowest, highest)
            panel.plot(shown[:, 0], shown[:, 1], "o", color=colour, markersize=4.5)
            _arrows(panel, shown, colour)
            panel.plot(*shown[0], "o", color=colour, markeredgecolor=INK, markersize=8)
            panel.annotate("start", shown[0], (0, 8), textcoords="offset points", ha="center", fontsize="small", color=colour)
        dress(panel, _rate_title(rate, of_rate, steps), "weight w₁", "weight w₂")
        panel.grid(False)
    return np.array(axes, dtype=object)
