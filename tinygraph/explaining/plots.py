"""Curves as SVG: a panel of the function or of its derivative, with axes, and dots at what is decided where it breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Literal, NamedTuple

import numpy as np

from tinygraph.explaining.curves import Break, Curve, Piece, Plot
from tinygraph.explaining.deciding import written
from tinygraph.express.text import cut

WIDTH, HEIGHT = 320, 236
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 42, 40  # margins
TICKS = 5
DOTS = 40  # at most, on a curve
TITLE = 40  # characters
FAR = 4.0  # times the range of most values: what is farther out is cut off

Of = Literal["values", "slopes"]


class Frame(NamedTuple):
    """What a panel shows, from corner to corner."""

    low: float
    high: float
    bottom: float
    top: float

    def x(self, x: float) -> float:
        """Where a point of the axis stands."""
        return (x - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def y(self, y: float) -> float:
        """How far below the upper edge a value stands."""
        return (self.top - y) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)


def panel(plot: Plot, of: Of, title: str) -> str:
    """One panel; colours come from the style sheet of what it stands in."""
    frame = Frame(*plot.ends, *span(plot, of))
    inner = "".join(
        [
            *_lines(frame),
            *(part for i, curve in enumerate(plot.curves) for part in _curve(frame, curve, getattr(curve, of), of, i)),
        ]
    )
    parts = [
        f'<text class="tg-title" x="{LEFT}" y="15">{escape(cut(title, TITLE))}</text>',
        *_legend(plot.curves),
        *_labels(frame, plot.argument),
        f'<svg x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}">{inner}</svg>',
        f'<g transform="translate({LEFT} {TOP})">{"".join(_dots(frame, plot, of))}</g>',
    ]
    label = escape(f"Plot of {title} for {plot.argument} from {written(frame.low)} to {written(frame.high)}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">{"".join(parts)}</svg>'
    )


def span(plot: Plot, of: Of) -> tuple[float, float]:
    """The range of the values, without what is far from most of them."""
    pieces: list[Piece] = [piece for curve in plot.curves for piece in getattr(curve, of)]
    taken = [getattr(b, of)[1] for curve in plot.curves for b in curve.breaks if b.kind != "pole"]
    y = np.array([y for piece in pieces for _, y in piece] or [0.0])
    low, high = float(y.min()), float(y.max())
    few, most = (float(x) for x in np.quantile(y, [0.1, 0.9]))
    if most > few and high - low > FAR * (most - few):
        low, high = max(low, few - 0.5 * (most - few)), min(high, most + 0.5 * (most - few))
    else:
        low, high = min([low, *filter(math.isfinite, taken)]), max([high, *filter(math.isfinite, taken)])
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = min(low, 0.0) - 0.5, max(high, 0.0) + 0.5
    margin = 0.08 * (high - low)
    return low - margin, high + margin


def ticks(low: float, high: float) -> list[float]:
    """A few round numbers between two ends."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(i * step, 12) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _lines(frame: Frame) -> Iterator[str]:
    """The grid, with the axes stronger."""
    right, bottom = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    yield f'<rect class="tg-frame" x="0.5" y="0.5" width="{right - 1}" height="{bottom - 1}"/>'
    for x in ticks(frame.low, frame.high):
        yield f'<path class="{"tg-grid" if x else "tg-axis"}" d="M{frame.x(x):.1f} 0V{bottom}"/>'
    for y in ticks(frame.bottom, frame.top):
        yield f'<path class="{"tg-grid" if y else "tg-axis"}" d="M0 {frame.y(y):.1f}H{right}"/>'


def _labels(frame: Frame, argument: str) -> Iterator[str]:
    for x in ticks(frame.low, frame.high):
        yield f'<text x="{LEFT + frame.x(x):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{written(x)}</text>'
    for y in ticks(frame.bottom, frame.top):
        yield f'<text x="{LEFT - 6}" y="{TOP + frame.y(y) + 4:.1f}" text-anchor="end">{written(y)}</text>'
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    yield f'<text class="tg-name" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(cut(argument, TITLE))}</text>'


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    """The values of the other arguments: those that differ in the colours of the curves, then those that are the same."""
    same = {name: x for name, x in curves[0].others.items() if len(curves) == 1 or all(c.others[name] == x for c in curves)}
    differ = [name for name in curves[0].others if name not in same]
    spans = [_span_of("", f"{', '.join(differ)} = ")] if differ else []
    for i, curve in enumerate(curves if differ else ()):
        spans.append(_span_of(f"tg-word{i % 3}", ", ".join(written(curve.others[name]) for name in differ), 8 * (i > 0)))
    if same:
        spans.append(_span_of("", ", ".join(f"{name} = {written(x)}" for name, x in same.items()), 12 * bool(spans)))
    if spans:
        yield f'<text x="{LEFT}" y="33">{"".join(spans)}</text>'


def _span_of(colour: str, text: str, before: int = 0) -> str:
    return f'<tspan class="{colour}" dx="{before}">{escape(cut(text, TITLE))}</tspan>'


def _curve(frame: Frame, curve: Curve, pieces: Sequence[Piece], of: Of, i: int) -> Iterator[str]:
    for piece in pieces:
        points = [f"{frame.x(x):.1f} {_within(frame.y(y)):.1f}" for x, y in piece]
        yield f'<path class="tg-curve tg-curve{i % 3}" d="M{"L".join(points)}{"h0.01" if len(points) == 1 else ""}"/>'


def _within(y: float) -> float:
    """A place that is not so far out that a browser would lose it."""
    return min(max(y, -10.0 * HEIGHT), 10.0 * HEIGHT)


def _dots(frame: Frame, plot: Plot, of: Of) -> Iterator[str]:
    """A full dot at what holds where a curve breaks, an empty one at the limits that do not."""
    for i, curve in enumerate(plot.curves):
        for b in curve.breaks[:DOTS]:
            yield from _dots_of(frame, b, of, f"tg-dot{i % 3}")


def _dots_of(frame: Frame, b: Break, of: Of, colour: str) -> Iterator[str]:
    left, here, right = getattr(b, of)
    if b.kind == "kink" and of == "values":
        left = right = here
    limits = {limit for limit in (left, right) if math.isfinite(limit) and not math.isclose(limit, here, abs_tol=1e-3)}
    for y, kind in (*((limit, "tg-empty") for limit in sorted(limits)), (here, "tg-full")):
        if math.isfinite(y) and frame.bottom <= y <= frame.top and frame.low <= b.at <= frame.high:
            yield f'<circle class="{kind} {colour}" cx="{frame.x(b.at):.1f}" cy="{frame.y(y):.1f}" r="3.5"/>'
