"""What the tests of pictures share: figures are drawn, so that a warning or something cut off fails, and closed."""

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def drawn_and_closed() -> Iterator[None]:
    """For a fixture around each test: draw every figure that the test opened, without a display, and close it."""
    mpl.use("agg")
    yield
    try:
        for number in plt.get_fignums():
            figure = plt.figure(number)
            figure.canvas.draw()
            assert cut_off(figure) <= 0.02
    finally:
        plt.close("all")


def cut_off(figure: Figure) -> float:
    """How far, in inches, anything that is drawn reaches out of the figure; below 0 if nothing does."""
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return float(max(-drawn.x0, -drawn.y0, drawn.x1 - width, drawn.y1 - height))
