"""An explanation in little, for a page that has its own style: the formulas, a sentence, and one small plot of both curves."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape

from tinygraph.explaining.curves import Curve, Piece, Plot
from tinygraph.explaining.deciding import written
from tinygraph.explaining.explanation import Explanation
from tinygraph.explaining.plots import span, ticks
from tinygraph.explaining.samples import sample_of
from tinygraph.express.plain import plain
from tinygraph.express.text import printable
from tinygraph.ops import Op

WIDTH, HEIGHT = 300, 150  # of the plot
LEFT, BOTTOM = 40, 18  # room for the numbers at its ends
NEAR = 0.2  # how far a curve may be from the line that is drawn


@lru_cache
def little(op: Op) -> str:
    """An op as XHTML. Of a user's op it has what is declared: it is not called to be drawn."""
    x = Explanation(op, sample_of(op) if op.built_in else None, curves=op.elementwise)
    formulas = [formula.mathml for formula in (x.formula, *x.derivatives.values()) if formula is not None]
    notes = [*x.notes, *([f"Shape: {x.shape}"] if x.shape and not op.elementwise else [])]
    parts = [
        f"<h2><code>{_text(x.signature)}</code>{_text(f' as {x.numpy}') if x.numpy else ''}</h2><p>{_prose(x.sentence)}</p>",
        *formulas,
        *(_both(x.plots[0], plain(x.formula.sides[0])) if x.plots else ()),
        *(f"<p>{_prose(note)}</p>" for note in notes),
    ]
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'


def _text(text: str) -> str:
    return escape(printable(text))


def _prose(text: str) -> str:
    """Text, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _both(plot: Plot, name: str) -> Iterator[str]:
    """The function and its derivative by one argument, with one value of each other argument."""
    curve = plot.curves[len(plot.curves) // 2]
    alone = plot._replace(curves=[curve])
    spans = [span(alone, "values"), *([span(alone, "slopes")] if plot.slopes else [])]
    low, high, bottom, top = *plot.ends, min(a for a, _ in spans), max(b for _, b in spans)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point
        across, down = (x - low) / (high - low) * (WIDTH - LEFT), (top - y) / (top - bottom) * (HEIGHT - BOTTOM)
        return across, min(max(down, -float(HEIGHT)), 2.0 * HEIGHT)

    rows, columns = ticks(bottom, top), ticks(low, high)
    inner = [*_axes(place((0.0, 0.0))), *_lines(map(place, piece) for piece in curve.values)]
    if plot.slopes:
        inner += [*_lines((map(place, piece) for piece in curve.slopes), "slope"), *_dots(curve, place)]
    fixed = "".join(f", for {other} = {written(value)}" for other, value in curve.others.items())
    said = f"{name}{' and its derivative' * plot.slopes}{fixed}, for {plot.argument} from {written(low)} to {written(high)}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_text(said)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<svg x="{LEFT}" width="{WIDTH - LEFT}" height="{HEIGHT - BOTTOM}">{"".join(inner)}</svg>'
        f"{_numbers((LEFT - 4, place((low, y))[1] + 4, y) for y in (rows[0], rows[-1]))}"
        f"{_numbers((LEFT + place((x, top))[0], HEIGHT - 4, x) for x in (columns[0], columns[-1]))}</svg>"
    )
    slope = f', its derivative <b class="slope">∂/∂{_text(plot.argument)}</b>' if plot.slopes else ""
    yield f'<p class="legend"><b class="value">{_text(name)}</b>{slope}{_text(fixed)}</p>'


def _numbers(places: Iterable[tuple[float, float, float]]) -> str:
    return "".join(f'<text x="{x:.0f}" y="{y:.0f}">{written(value)}</text>' for x, y, value in places)


def _axes(origin: tuple[float, float]) -> Iterator[str]:
    x, y = origin
    yield f'<path class="axis" d="M{x:.1f} 0V{HEIGHT}M0 {y:.1f}H{WIDTH}"/>'


def _lines(pieces: Iterable[Iterable[tuple[float, float]]], of: str = "value") -> Iterator[str]:
    drawn = "".join(f"M{'L'.join(f'{x:.1f} {y:.1f}' for x, y in thinned([*piece]))}" for piece in pieces)
    yield f'<path class="{of}" d="{drawn}"/>'


def _dots(curve: Curve, place: Callable[[tuple[float, float]], tuple[float, float]]) -> Iterator[str]:
    """What is taken where there is no derivative."""
    for b in curve.breaks[:9]:
        if math.isfinite(b.slopes[1]):
            x, y = place((b.at, b.slopes[1]))
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def thinned(piece: Sequence[tuple[float, float]]) -> Piece:
    """The points of a line without those near which it passes anyway."""
    kept = {0, len(piece) - 1}
    stack = [(0, len(piece) - 1)]
    while stack:
        first, last = stack.pop()
        (x0, y0), (x1, y1) = piece[first], piece[last]
        run, rise = x1 - x0, y1 - y0
        length = math.hypot(run, rise) or 1.0
        far = [abs(rise * (x - x0) - run * (y - y0)) / length for x, y in piece[first + 1 : last]]
        if far and max(far) > NEAR:
            middle = first + 1 + far.index(max(far))
            kept.add(middle)
            stack += [(first, middle), (middle, last)]
    return [piece[i] for i in sorted(kept)]
