"""One look for all pictures: colours that colour-blind readers can distinguish, and the frame of a panel.

The colours are those of Okabe and Ito. Positive is blue and negative vermilion, of a weight and of a binary class alike.
Texts are set as they are, so that a `$` in the name of a column is a dollar sign. Nothing global changes: a function dresses
its own Axes.
"""

from __future__ import annotations

import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.legend import Legend
from matplotlib.transforms import ScaledTranslation

INK, WEAK, FAINT = "#1b1f24", "#57606a", "#d0d7de"
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, YELLOW = (
    *("#0072b2", "#d55e00", "#009e73", "#e69f00"),
    *("#cc79a7", "#56b4e9", "#f0e442"),
)
POSITIVE, NEGATIVE = BLUE, VERMILION
SIGNED = LinearSegmentedColormap.from_list("signed", [NEGATIVE, "white", POSITIVE])
CLASS_COLOURS = (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p")  # one more than colours, so that 56 classes differ


def pale(colour: str, strength: float = 0.35) -> tuple[float, float, float]:
    """The colour mixed with white, as a surface behind marks of the colour itself."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def panels(ax: Any, count: int, size: tuple[float, float], columns: int | None = None) -> list[Axes]:
    """The Axes to draw on: those given, or new ones of `size` inches each in a pyplot figure, which a notebook shows.

    Raises ValueError if another number of Axes is given.
    """
    if ax is None:
        columns = min(count, columns or count)
        rows = -(-count // columns)
        figure, grid = plt.subplots(
            rows, columns, figsize=(size[0] * columns, size[1] * rows), layout="constrained", squeeze=False
        )
        figure.set_facecolor("white")
        for unused in grid.flat[count:]:
            unused.remove()
        return list(grid.flat[:count])
    given = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(given) != count or not all(isinstance(one, Axes) for one in given):
        what = "one Axes" if count == 1 else f"{count} Axes, as plt.subplots(1, {count})[1] returns them"
        raise ValueError(f"ax must be {what}; it holds {len(given)} {'object' if len(given) == 1 else 'objects'}")
    return given


def dress(ax: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Give a panel its title, its labels and the common frame."""
    ax.set_facecolor("white")
    ax.set_title(title, fontsize="medium", color=INK, parse_math=False)
    ax.set_xlabel(x, color=INK, parse_math=False)
    ax.set_ylabel(y, color=INK, parse_math=False)
    ax.tick_params(colors=WEAK, labelsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(WEAK)
    ax.set_axisbelow(True)
    ax.grid(True, color=FAINT, linewidth=0.6)


def legend(ax: Axes, place: Any, **settings: Any) -> Legend:
    """The legend at a place that the caller knows to be free."""
    box = ax.legend(loc=place, fontsize="small", framealpha=0.9, edgecolor=FAINT, labelcolor=INK, **settings)
    for text in box.get_texts():
        text.set_parse_math(False)
    return box


def legend_below(ax: Axes, columns: int) -> Legend:
    """The legend under the panel and its label, where it covers nothing."""
    label = ScaledTranslation(0, -3.8 * plt.rcParams["font.size"] / 72, ax.figure.dpi_scale_trans)
    return legend(
        ax, "upper center", bbox_to_anchor=(0.5, 0), bbox_transform=ax.transAxes + label, borderaxespad=0, ncols=columns
    )


def note(ax: Axes, x: float, y: float, text: str, **settings: Any) -> None:
    """A text in the panel, on white so that it is readable over lines."""
    on_white = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "boxstyle": "round,pad=0.2"}
    ax.text(x, y, text, **{"fontsize": "small", "color": INK, "parse_math": False, "bbox": on_white, **settings})


def wrapped(ax: Axes, text: str, share: float) -> str:
    """The text in lines that fit in a share of the width of the Axes."""
    points = ax.get_window_extent().width * 72 / ax.figure.dpi
    letter = 0.55 * plt.rcParams["font.size"]
    return textwrap.fill(text, max(12, int(share * points / letter)))


def subscript(number: int) -> str:
    """The number as Unicode subscripts: 12 as ₁₂."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def signed(number: float) -> str:
    """Three digits with the minus sign of mathematics: −0.426."""
    return f"{number:.3g}".replace("-", "−")
