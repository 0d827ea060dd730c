"""In words, what happens where an op has no derivative, and what tinygraph takes there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tinygraph.explaining.curves import Break, Plot
from tinygraph.express.layout import signed

LISTED = 3  # points of one kind


def decided(plots: Sequence[Plot]) -> tuple[str, ...]:
    """A sentence for every point where a curve breaks, or for points alike; of several curves one stands for all."""
    return tuple(sentence for plot in plots for sentence in _of_plot(plot))


def _of_plot(plot: Plot) -> Iterator[str]:
    curve = next((curve for curve in plot.curves if curve.breaks), None)
    if curve is None:
        return
    where = " and ".join(f"{name} = {written(value)}" for name, value in curve.others.items())
    alike: dict[tuple[object, ...], list[Break]] = {}
    for b in curve.breaks:
        own = b.slopes if b.kind == "kink" else b.slopes[1] if b.kind != "pole" else None
        alike.setdefault((b.kind, str(own)), []).append(b)
    for group in alike.values():
        near = sorted(sorted(group, key=lambda b: abs(b.at))[:LISTED], key=lambda b: b.at)
        points = ", ".join(written(b.at) for b in near)
        rest = len(group) - len(near)
        more = f" and {rest} more {'points' if rest > 1 else 'point'}" if rest else ""
        alone = " alone" if group[0].kind == "point" else ""
        place = f"At {plot.argument} = {points}{more}{alone}{f', where {where},' if where else ''}"
        yield f"{place} {_event(group[0], plot.slopes, alone=len(group) == 1)}."


def _event(b: Break, slopes: bool, alone: bool) -> str:
    left, here, right = (written(x) for x in b.slopes)
    taken = f"; it is taken as {here}" if slopes else ""
    if b.kind == "kink":
        return f"the slope jumps from {left} to {right}{taken}"
    if b.kind == "jump":
        ends = f" from {written(b.values[0])} to {written(b.values[2])}" if alone else ""
        return f"the value jumps{ends}" + (f", and the slope is taken as {here}" if slopes else "")
    if b.kind == "point":
        return f"the value is {written(b.values[1])}"
    if b.kind == "pole":
        return "there is a pole"
    value = f" the value is {written(b.values[1])}" if not math.isnan(b.values[1]) else " there is no value"
    slope = f" and the slope {here}" if slopes and not math.isnan(b.slopes[1]) else ""
    return f"{'the function ends;' if b.kind == 'end' else ''}{value}{slope}".strip()


def written(x: float) -> str:
    """A number as people write it."""
    if isinstance(x, bool):
        return str(x)
    return "NaN" if math.isnan(x) else signed("∞" if x == math.inf else "-∞" if x == -math.inf else f"{x + 0.0:.4g}")
