"""The slope of a function along a direction, by central differences, and how far they can be trusted.

Differences of three steps are extrapolated to step 0; how far the extrapolations are apart, and the rounding of the function's
value, are the error. Steps are relative to the size of what is moved, and smaller or larger where that tells more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

STEPS = (2e-3, 2e-5, 2e-7)  # relative; smaller ones where larger ones meet a kink or the end of the domain
CLOSE = 1e-6  # a relative error that needs no other step
TRUSTED = 1e-3  # the largest relative error of differences that still decide
ROUNDING = 1e-15  # of the function's value, or of numbers around 1 on the way to it
FLAT = 1e-6  # a slope so small beside the value of the function is not told from 0


class Slope(NamedTuple):
    """A derivative along `direction`: `value`, `error`, and what tells a kink."""

    value: float
    error: float
    gap: float  # between the slopes to either side
    kink: bool  # whether that gap stays as the step shrinks
    direction: Any


def slope_along(phi: Callable[[Any], Any], x: Any, pattern: Any) -> Slope | None:
    """The slope of phi at x along a pattern, scaled to the size of each entry of x; None where no difference is finite.

    >>> slope = slope_along(np.log, np.float64(1e-5), 1.0)
    >>> round(slope.value / slope.direction)
    100000
    """
    best, least = None, np.inf
    own = np.where(x == 0, 1.0, np.abs(x))
    here = phi(x[()])
    for scale in (own, 100 * own, np.maximum(own, 1.0)):
        direction = pattern * scale
        flat = FLAT * max(abs(here), 1.0) * np.max(np.abs(direction) / np.maximum(own, 1.0), initial=0.0)
        for step in STEPS:
            slope = _difference(phi, x, here, direction, step)
            size = max(abs(slope.value), flat)
            doubt = slope.error / size if size else 0.0
            if np.isfinite(slope.value) and (best is None or doubt < least):
                best, least = slope, doubt
            if best is not None and least <= CLOSE:
                return best
        if best is not None and least <= TRUSTED:
            return best
    return best


def _difference(phi: Callable[[Any], Any], x: Any, here: Any, direction: Any, step: float) -> Slope:
    steps = (step, step / 2, step / 4)
    ends = [(phi((x + h * direction)[()]), phi((x - h * direction)[()])) for h in steps]
    a, b, c = ((up - down) / (2 * h) for (up, down), h in zip(ends, steps, strict=True))
    first, second = (4 * b - a) / 3, (4 * c - b) / 3
    value = (16 * second - first) / 15
    noise = ROUNDING * max(abs(here), 1.0) / step
    gaps = [abs(up - 2 * here + down) / h for (up, down), h in zip(ends, steps, strict=True)]
    error = abs(second - first) + abs(value - second) + noise
    return Slope(float(value), float(error), float(gaps[2]), bool(gaps[2] > gaps[0] / 2 and gaps[2] > 4 * error), direction)
