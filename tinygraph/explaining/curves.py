"""The curve of an op by one of its arguments, and that of its derivative, as data: where they break, and what is decided there.

Everything comes from calling the op and its rule. The range is where the function is finite and changes. Between two points
whose difference stands out, bisection finds the point where the function or its slope breaks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.calculus import gradients
from tinygraph.explaining.samples import FAILURES, Sample
from tinygraph.leaves import constant, parameter
from tinygraph.ops import Contraction, Op
from tinygraph.ops.kinds import KindError

POINTS = 260
HALVES = (6.5, 65.0, 650.0, 6500.0)  # half the range: the first in which the function is finite and changes
SMALLEST = 1.5  # half a range, beyond which a function that grows fast is not followed further in
STEEP = 6.0  # times that a function may grow in the outer half of its range
OTHERS = (-1.0, 0.5, 2.0)  # values of the other one of two arguments
INSIDE = (0.2, 0.5, 0.8)  # where the function is finite for one of those alone
STANDS_OUT = 4.0  # times the differences beside it
NEAR, NEARER = 1e-7, 1e-9  # how far from a point its sides are looked at, relative to it
SAME = 1e-3  # relative to the range of the values: what does not count as a break
HALVINGS = 60  # of an interval, until no number is left in it
GROWS = 3.0  # times that a value grows from near to nearer, towards a pole

Both = Callable[[Any], tuple[Any, Any]]  # of an array of arguments: the values and the slopes there
Piece = list[tuple[float, float]]


class Break(NamedTuple):
    """A point where there is no derivative: the values and the slopes to its left, at it, and to its right; NaN for no limit.

    `kind` is "kink" where the function is continuous, "jump", "pole", "point" where it has another value there alone, "end" where
    it is finite on one side alone, or "upright" where its slope is infinite.
    """

    kind: str
    at: float
    values: tuple[float, float, float]
    slopes: tuple[float, float, float]


class Curve(NamedTuple):
    """One curve with the values of the other arguments; each piece is a line from point to point."""

    others: dict[str, Any]
    values: list[Piece]
    slopes: list[Piece]
    breaks: list[Break]


class Plot(NamedTuple):
    """Curves by one argument over a range; `slopes` is False where no gradient flows into it."""

    argument: str
    ends: tuple[float, float]
    curves: list[Curve]
    slopes: bool


def plots_of(op: Op, sample: Sample | None) -> list[Plot]:
    """A plot for every argument with a gradient, or for the first of those without; none for what is no function of numbers."""
    if sample is None or not _is_of_numbers(op, len(sample.leaves), sample.params):
        return []
    rules = sample.rules()
    by = [i for i, rule in enumerate(rules) if rule is not None] or [0]
    return [plot for i in by if (plot := _plot(sample, i, rules[i] is not None)) is not None]


def _is_of_numbers(op: Op, count: int, params: Any) -> bool:
    """Whether an op is elementwise, or a function of pairs of entries, such as a loss."""
    if op.elementwise or not isinstance(op.kind, Contraction) or count < 2 or None in op.rules:
        return op.elementwise
    try:
        return op.kind.letters((0,) * count, params) == ([[]] * count, [])
    except KindError:
        return False


def _plot(sample: Sample, position: int, slopes: bool) -> Plot | None:
    return _plot_with(sample, position, slopes, OTHERS) or _plot_with(sample, position, slopes, INSIDE)


def _plot_with(sample: Sample, position: int, slopes: bool, values: Sequence[float]) -> Plot | None:
    """The plot with these values of the other argument; None where most of them give no curve."""
    fixed = list(_others(sample, position, values))
    functions = [_function(sample, position, others, slopes) for others in fixed]
    try:
        with np.errstate(all="ignore"):
            ends = _range(functions)
            likely = [[0.0, *(float(x) for x in others.values())] for others in fixed]
            found = [_curve(function, ends, at) for function, at in zip(functions, likely, strict=True)]
    except FAILURES:
        return None
    curves = [
        Curve({sample.names[i]: value for i, value in others.items()}, *curve)
        for others, curve in zip(fixed, found, strict=True)
        if curve[0]
    ]
    is_enough = len(curves) > 1 or len(fixed) == len(curves)
    return Plot(sample.names[position], ends, curves, slopes) if is_enough else None


def _others(sample: Sample, position: int, values: Sequence[float]) -> Iterator[dict[int, Any]]:
    """What the other arguments are for each curve: labels and conditions what they may be, numbers of either sign."""
    choices: dict[int, Sequence[Any]] = {}
    numbers = [i for i, x in enumerate(sample.given) if i != position and _is_number(sample, i)]
    spread = iter(np.linspace(-1, 1, len(numbers)) if len(numbers) > 1 else [1.0])
    for i in range(len(sample.given)):
        if i == position:
            continue
        if i not in numbers:
            choices[i] = (False, True) if sample.given[i].dtype.kind == "b" else np.unique(sample.given[i]).tolist()
        else:
            choices[i] = values if len(sample.given) == 2 else (float(next(spread)),)
    return (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))


def _is_number(sample: Sample, i: int) -> bool:
    """Whether any number will do: the others are conditions, and labels of what is no elementwise op."""
    return sample.given[i].dtype.kind == "f" or (sample.op.elementwise and sample.given[i].dtype.kind != "b")


def _function(sample: Sample, position: int, others: dict[int, Any], slopes: bool) -> Both:
    """The op and its derivative as a function of one argument; an op that is not elementwise is called number by number."""

    def at(x: Any) -> tuple[Any, Any]:
        leaf = parameter(x)
        given = [leaf if i == position else constant(others[i]) for i in range(len(sample.given))]
        out = sample.op.record(given, dict(sample.params))
        slope = gradients(out, leaf, seed=np.ones(out.shape, out.dtype)[()])[0] if slopes else np.zeros(np.shape(x))
        value = np.broadcast_to(np.asarray(out.value, float), np.shape(x))
        return value, np.where(np.isfinite(value), slope, np.nan)

    def each(x: Any) -> tuple[Any, Any]:
        found = [at(one) for one in x]
        return np.array([value for value, _ in found]), np.array([slope for _, slope in found])

    return at if sample.op.elementwise else each


# The range


def _grid(low: float, high: float) -> Any:
    """Points that meet no round number, where functions break."""
    step = (high - low) / POINTS
    return low + step * (np.arange(POINTS) + 0.5)


def _range(functions: Sequence[Both]) -> tuple[float, float]:
    """Where all functions are finite and one of them changes, with a margin where they end; less where they grow fast."""
    half = next((half for half in HALVES if _changes(functions, half)), HALVES[0])
    while half / 2 > SMALLEST and any(_size(f, half) > STEEP * _size(f, half / 2) > 0 for f in functions):
        half /= 2
    x = _grid(-half, half)
    finite = [np.flatnonzero(np.isfinite(f(x)[0])) for f in functions]
    inside = [(x[i[0]], x[i[-1]]) for i in finite if len(i)]
    low, high = max((a for a, _ in inside), default=-half), min((b for _, b in inside), default=half)
    if low >= high:
        return -half, half
    margin, step = 0.1 * (high - low), x[1] - x[0]
    return (-half if low < step - half else low - margin), (half if high > half - step else high + margin)


def _changes(functions: Sequence[Both], half: float) -> bool:
    values = [f(_grid(-half, half))[0] for f in functions]
    return any(np.unique(y[np.isfinite(y)]).size > 1 for y in values)


def _size(function: Both, half: float) -> float:
    y = np.abs(function(_grid(-half, half))[0])
    return float(np.quantile(y[np.isfinite(y)], 0.95)) if np.isfinite(y).any() else 0.0


# The curve


def _curve(function: Both, ends: tuple[float, float], likely: Sequence[float]) -> tuple[list[Piece], list[Piece], list[Break]]:
    x = _grid(*ends)
    values, slopes = function(x)
    breaks = _breaks(function, x, np.stack([values, slopes]), likely)
    of_values = [b for b in breaks if b.kind != "kink"]
    return _pieces(x, values, of_values, "values"), _pieces(x, slopes, breaks, "slopes"), breaks


def _spread(y: Any) -> float:
    """The range of most values, 1 for a constant."""
    y = y[np.isfinite(y)]
    spread = float(np.ptp(np.quantile(y, [0.05, 0.95]))) if y.size else 0.0
    return spread if y.size and spread > 1e-9 * np.abs(y).max() else 1.0


def _breaks(function: Both, x: Any, y: Any, likely: Sequence[float]) -> list[Break]:
    """The breaks between points, and those at likely points, where a single value would not show."""
    scale = np.array([_spread(y[0]), _spread(y[1])])
    y = y / scale[:, None]
    points = {*map(_rounded, _bisected(function, x, y, scale).tolist()), *(at for at in likely if x[0] < at < x[-1])}
    found = [_break(function, at, scale) for at in sorted(points)]
    return [b for b in found if b is not None]


def _stand_out(y: Any) -> tuple[Any, Any]:
    """For each interval between points, whether the function ends in it; of the value and the slope, whether it may break."""
    finite = np.isfinite(y).all(axis=0)
    step = np.where(finite[1:] & finite[:-1], np.diff(np.where(finite, y, 0), axis=1), 0)
    padded = np.pad(step, ((0, 0), (1, 1)))
    before, after = padded[:, :-2], padded[:, 2:]
    beside = np.maximum(np.abs(before), np.abs(after))
    back = (step * before < 0) & (step * after < 0) & (np.abs(step) > beside)  # as from one end of a pole to the other
    return finite[1:] != finite[:-1], back | (np.abs(step) > STANDS_OUT * beside + SAME)


def _bisected(function: Both, x: Any, y: Any, scale: Any) -> Any:
    """The points where the function breaks, each found by halving the interval in which it does."""
    ends, stands_out = _stand_out(y)
    where = np.flatnonzero(ends | stands_out.any(axis=0))
    low, high, left, right = x[where], x[where + 1], y[:, where], y[:, where + 1]
    for _ in range(HALVINGS if len(where) else 0):
        middle = (low + high) / 2
        here = np.stack(function(middle)) / scale[:, None]
        to_left = _is_left(left, here, right, stands_out[:, where])
        low, high = np.where(to_left, low, middle), np.where(to_left, middle, high)
        left, right = np.where(to_left, left, here), np.where(to_left, here, right)
    return (low + high) / 2


def _is_left(left: Any, here: Any, right: Any, stands_out: Any) -> Any:
    """Whether the break is in the left half: where the function ends, else where the value or the slope differs more.

    What changes its sign decides, because next to a pole the other one is as large on both sides.
    """
    ends, finite = np.isfinite(left).all(axis=0), np.isfinite(here).all(axis=0)
    below, above = np.abs(here - left), np.abs(right - here)
    rank = stands_out * (1 + (left * right < 0))
    deciding = np.argmax(np.where(rank == rank.max(axis=0), np.maximum(below, above), -1), axis=0)[None]
    differs = np.take_along_axis(below, deciding, 0)[0] >= np.take_along_axis(above, deciding, 0)[0]
    return np.where(ends & finite & np.isfinite(right).all(axis=0), differs, finite != ends)


def _rounded(x: float) -> float:
    """A number that is a round one but for the last digits of the search."""
    return round(x, 6) + 0.0 if abs(x - round(x, 6)) < 1e-8 else x


def _break(function: Both, at: float, scale: Any) -> Break | None:
    """What happens at a point; None where value and slope only change fast."""
    size = max(1.0, abs(at))
    points = [at - NEAR * size, at - NEARER * size, at, at + NEARER * size, at + NEAR * size]
    values, slopes = function(np.array(points))
    finite = np.isfinite(values)
    if not finite[1] and not finite[3]:
        return None
    limits = _limits(values, scale[0])
    grows = np.abs(values[[1, 3]]) > GROWS * np.abs(values[[0, 4]])
    if not (finite[1] and finite[3]):
        kind = "end"
    elif (grows & np.isnan(limits[::2])).any():
        kind = "pole"
    elif _apart(values, scale[0]):
        kind = "jump"
    elif not abs(values[2] - values[1]) <= SAME * scale[0]:
        kind = "point"
    elif not np.isfinite(slopes[2]):
        kind = "upright"
    elif _apart(slopes, scale[1]):
        kind = "kink"
    else:
        return None
    return Break(kind, at, limits, _limits(slopes, scale[1]))


def _apart(y: Any, scale: float) -> bool:
    """Whether the sides of a point stay apart as they come nearer."""
    return bool(abs(y[3] - y[1]) > max(SAME * scale, abs(y[4] - y[0]) / 2))


def _limits(y: Any, scale: float) -> tuple[float, float, float]:
    """The limit from the left, what is there, and the limit from the right."""
    left, right = (float(y[i]) if abs(y[i] - y[j]) <= SAME * scale else float("nan") for i, j in ((1, 0), (3, 4)))
    return _rounded(left), float(y[2]), _rounded(right)


def _pieces(x: Any, y: Any, breaks: Sequence[Break], of: str) -> list[Piece]:
    """The points as lines, which end at breaks and where there is no finite number; up to a break go the values beside it."""
    corners = [corner for b in breaks for corner in ((b.at, getattr(b, of)[0]), (b.at, np.nan), (b.at, getattr(b, of)[2]))]
    places = np.concatenate([x, [at for at, _ in corners]])
    heights = np.concatenate([y, [height for _, height in corners]])
    order = np.argsort(places, kind="stable")
    pieces: list[Piece] = [[]]
    for at, height in zip(places[order].tolist(), heights[order].tolist(), strict=True):
        if np.isfinite(height):
            pieces[-1].append((at, height))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]
