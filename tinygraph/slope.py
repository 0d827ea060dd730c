"""The slope of a function along a direction by central differences, and an estimate of its error.

Differences of three steps are extrapolated to step 0; how far the extrapolations are apart, and the rounding of the function's
value and of numbers around 1 on the way to it, are the error. Steps are relative to the size of what is moved, and smaller or
larger where that is more accurate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

STEPS = (2e-3, 2e-5, 2e-7)  # relative; smaller ones where larger ones meet a kink or the end of the domain
CLOSE = 1e-6  # a relative error that needs no other step
TRUSTED = 1e-3  # the largest relative error of differences that still decide
ROUNDING = 1e-15  # relative, of the function's value
CERTAIN = 10  # times better than needed: differences that agree so well were not made of rounding
UNSEEN = 1.0  # a size of numbers on the way to a smaller value, whose rounding the value may have kept
FLAT = 1e-6  # a slope this small relative to the function's value cannot be distinguished from 0


class Slope(NamedTuple):
    """A derivative along `direction`: `value`, `error`, and what shows a kink."""

    value: float
    error: float
    flat: float  # what cannot be distinguished from 0 relative to the function's values
    gap: float  # between the slopes to either side
    stays: bool  # whether that gap does as the step shrinks
    direction: Any

    @property
    def kink(self) -> bool:
        """Whether the slopes on the two sides differ by more than the error of the differences."""
        return self.stays and self.gap > 4 * self.error


def slope_along(phi: Callable[[Any], Any], x: Any, pattern: Any) -> Slope | None:
    """The slope of phi at x along a pattern, scaled to the size of each entry of x; None where no difference is finite.

    >>> slope = slope_along(np.log, np.float64(1e-5), 1.0)
    >>> round(slope.value / slope.direction)
    100000
    """
    best: Slope | None = None
    least = (True, math.inf, math.inf)
    own = np.where(x == 0, 1.0, np.abs(x))
    here = float(phi(x[()]))
    for scale in (own, 100 * own, np.maximum(own, 1.0)):
        direction = pattern * scale
        reach = float(np.max(np.abs(direction), initial=0.0))
        flat = FLAT * max(abs(here), UNSEEN) * float(np.max(np.abs(direction) / np.maximum(own, 1.0), initial=0.0))
        for step in STEPS:
            slope = _difference(phi, x, here, direction, step)
            if not math.isfinite(slope.value):
                continue
            if 0 < CERTAIN * slope.error <= CLOSE * abs(slope.value) and not slope.kink:
                return slope
            unseen = ROUNDING * UNSEEN / step
            slope = slope._replace(error=slope.error + unseen, flat=slope.flat + unseen)
            size = max(abs(slope.value), flat)
            doubt = slope.error / size if size else 0.0
            rank = slope.kink, doubt if doubt <= TRUSTED else math.inf, slope.error / reach if reach else 0.0
            if best is None or rank < least:
                best, least = slope, rank
            if least[:2] <= (False, CLOSE):
                return best
            if not slope.kink and slope.error <= 4 * unseen * max(1.0, abs(here)):
                break  # it is all rounding, of which smaller steps have more
        if least[:2] <= (False, TRUSTED):
            return best
    return best


def _difference(phi: Callable[[Any], Any], x: Any, here: Any, direction: Any, step: float) -> Slope:
    steps = (step, step / 2, step / 4)
    ends = [(float(phi((x + h * direction)[()])), float(phi((x - h * direction)[()]))) for h in steps]
    a, b, c = ((up - down) / (2 * h) for (up, down), h in zip(ends, steps, strict=True))
    first, second = (4 * b - a) / 3, (4 * c - b) / 3
    value = (16 * second - first) / 15
    size = max(map(abs, (here, *ends[0], *ends[1], *ends[2])))
    gaps = [abs(up - 2 * here + down) / h for (up, down), h in zip(ends, steps, strict=True)]
    error = abs(second - first) + abs(value - second) + ROUNDING * size / step
    return Slope(value, error, FLAT * size, gaps[2], gaps[2] > gaps[0] / 2, direction)
