"""Slopes by differences: right at any size, honest about what they cannot decide."""

from typing import Any

import numpy as np
import pytest

from tinygraph.slope import TRUSTED, slope_along


@pytest.mark.parametrize("x", [1e-12, 1e-5, 0.3, 1e6])
@pytest.mark.parametrize(("function", "exact"), [(np.log, lambda x: 1 / x), (np.sqrt, lambda x: 0.5 / np.sqrt(x))])
def test_steps_are_relative(function: Any, exact: Any, x: float) -> None:
    slope = slope_along(function, np.float64(x), 1.0)
    assert slope is not None
    assert slope.value / slope.direction == pytest.approx(exact(x), rel=1e-6)
    assert slope.error <= TRUSTED * abs(slope.value)


@pytest.mark.parametrize("x", [1e-9, 1e-6, 1e-3])
def test_steps_grow_where_rounding_hides_the_slope(x: float) -> None:
    slope = slope_along(lambda x: np.log(1 + x * x), np.float64(x), 1.0)
    assert slope is not None
    assert abs(slope.value - 2 * x * slope.direction) <= 4 * slope.error + 1e-5 * abs(slope.value)


def test_a_kink_is_reported() -> None:
    at_0, beside = slope_along(abs, np.float64(0), 1.0), slope_along(abs, np.float64(1e-4), 1.0)
    assert at_0 is not None
    assert at_0.kink
    assert beside is not None
    assert not beside.kink
    assert beside.value / beside.direction == pytest.approx(1)


def test_a_flat_function_takes_one_step_size() -> None:
    calls = []
    slope = slope_along(lambda x: calls.append(x) or 5.0, np.float64(1), 1.0)
    assert slope is not None
    assert slope.value == 0
    assert len(calls) == 7  # here, and both ends of three steps


@pytest.mark.parametrize("x", [1e-9, 1e-3, 1.0])
def test_a_slope_of_nothing_but_rounding_takes_one_step_size_a_scale(x: float) -> None:
    calls = []
    slope = slope_along(lambda x: calls.append(x) or 5.0, np.float64(x), 1.0)
    assert slope is not None
    assert slope.value == 0
    assert len(calls) <= 1 + 3 * 6


def test_a_function_of_small_values_has_a_slope_of_as_many_digits() -> None:
    slope = slope_along(lambda x: 1e-30 * x**2, np.float64(0.5), 1.0)
    assert slope is not None
    assert slope.value / slope.direction == pytest.approx(1e-30, rel=1e-9)
    assert slope.error <= 1e-9 * slope.value


def test_a_kink_that_a_step_meets_is_not_preferred_to_a_smaller_step() -> None:
    slope = slope_along(lambda x: max(x, 2e-6), np.float64(1e-6), 1.0)
    assert slope is not None
    assert slope.value == 0


def test_there_is_none_outside_the_domain() -> None:
    with np.errstate(invalid="ignore"):
        assert slope_along(np.log, np.float64(-1), 1.0) is None
