"""Curves break where the function does, and nowhere else; what is taken there is what the rule gives."""

import math
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest

import tinygraph as tg
from tests.op_edges import DIGITS, EXACT, values
from tinygraph.explaining.curves import Break, Plot
from tinygraph.ops import REGISTRY, Op

NAMES = [op.name for op in REGISTRY.values() if op.built_in and op.elementwise]
explained = lru_cache(tg.explain)
OF_ONE = [name for name, op in REGISTRY.items() if name in EXACT and len(op.arguments) == 1]
SIMPLE = [x / 4 + 0.0 for x in range(-12, 13)]


def breaks(name: str) -> list[Break]:
    return [b for plot in explained(name).plots for curve in plot.curves for b in curve.breaks]


def arguments(op: Op, plot: Plot, others: dict[str, Any], x: Any) -> list[Any]:
    return [x if name == plot.argument else others[name] for name in op.arguments]


def slopes_beside(name: str, at: float) -> list[mpmath.mpf | None]:
    """The exact slopes of a function to the left and to the right of a point; None where there is no real number."""
    step = mpmath.mpf(10) ** -300
    here, *beside = (values(lambda x: [EXACT[name](*x)], [mpmath.mpf(at) + move]) for move in (0, -step, step))
    return [
        None if side is None or here is None else (side[0] - here[0]) / way
        for side, way in zip(beside, (-step, step), strict=True)
    ]


@pytest.mark.parametrize("name", OF_ONE)
def test_a_curve_breaks_where_the_exact_slopes_beside_it_differ_and_nowhere_else(name: str) -> None:
    plot = explained(name).plots[0]
    found = {b.at for b in plot.curves[0].breaks}
    wrong = []
    for x in SIMPLE:
        with mpmath.workdps(DIGITS):
            left, right = slopes_beside(name, x)
            is_outside = left is None and right is None and x not in found
            is_smooth = left is not None and right is not None and abs(left - right) < 1e-6
        if plot.ends[0] < x < plot.ends[1] and not is_outside and is_smooth == (x in found):
            wrong.append(x)
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_taken_at_a_break_is_what_the_rule_gives(name: str) -> None:
    op = REGISTRY[name]
    params = (explained(name).sample or pytest.fail("there is no sample")).params
    for plot in explained(name).plots:
        for curve in plot.curves if plot.slopes else ():
            for b in curve.breaks:
                leaf = tg.parameter(b.at)
                with np.errstate(all="ignore"):
                    out = op(*arguments(op, plot, curve.others, leaf), **params)
                    (taken,) = tg.gradients(out, leaf)
                np.testing.assert_array_equal(b.values[1], out.value)
                if np.isfinite(out.value):
                    np.testing.assert_array_equal(b.slopes[1], taken)


@pytest.mark.parametrize("name", NAMES)
def test_the_sides_of_a_kink_are_the_slopes_of_the_function(name: str) -> None:
    op = REGISTRY[name]
    for plot in explained(name).plots:
        for curve in plot.curves if plot.slopes else ():
            for b in [b for b in curve.breaks if b.kind == "kink"]:
                step = 1e-5
                at = [op(*arguments(op, plot, curve.others, b.at + move)) for move in (-step, 0, step)]
                slopes = (at[1] - at[0]) / step, (at[2] - at[1]) / step
                np.testing.assert_allclose(slopes, (b.slopes[0], b.slopes[2]), atol=1e-4)
                assert abs(slopes[1] - slopes[0]) > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_the_points_of_a_curve_are_values_of_the_op(name: str) -> None:
    op = REGISTRY[name]
    params = (explained(name).sample or pytest.fail("there is no sample")).params
    for plot in explained(name).plots:
        for curve in plot.curves:
            known = {b.at for b in curve.breaks}
            points = [(x, y) for piece in curve.values for x, y in piece if x not in known]
            x, y = np.array(points).T
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(op(*arguments(op, plot, curve.others, x), **params), y)
            assert len(points) > 20


@pytest.mark.parametrize(
    ("name", "kind", "points"),
    [
        ("relu", "kink", [0]), ("abs", "kink", [0]), ("maximum", "kink", [-1, -1, 0.5, 0.5, 2, 2]), ("sign", "jump", [0]),
        ("reciprocal", "pole", [0]), ("tan", "pole", [n * math.pi / 2 for n in (-3, -1, 1, 3)]), ("log", "end", [0]),
        ("arcsin", "end", [-1, 1]), ("cbrt", "upright", [0]), ("equal", "point", [-1, 0.5, 2]), ("floor", "jump", range(-6, 7)),
    ],
)  # fmt: skip
def test_breaks_are_told_apart(name: str, kind: str, points: Any) -> None:
    found = breaks(name)
    assert {b.kind for b in found} == {kind}
    np.testing.assert_allclose(sorted(b.at for b in found), sorted(points), atol=1e-12)


@pytest.mark.parametrize(
    "name",
    ["sigmoid", "softplus", "tanh", "exp", "sin", "cos", "square", "arctan", "sinc", "hypot", "logaddexp", "add", "arcsinh"],
)
def test_a_smooth_function_has_no_breaks(name: str) -> None:
    assert breaks(name) == []


@tg.op(lambda g, out, x: g * np.where(x > 0, 1, 0.1), elementwise=True)
def own_leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * x)


@tg.op(lambda g, out, x: -2 * g / (x - 0.3123) ** 3, elementwise=True)
def own_pole(x: Any) -> Any:
    return 1 / (x - 0.3123) ** 2


@tg.op(lambda g, out, x: g * np.where(np.abs(x) < 1, x, np.sign(x)), elementwise=True)
def own_huber(x: Any) -> Any:
    return np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5)


@pytest.mark.parametrize(
    ("op", "expected"), [(own_leaky, [("kink", 0.0)]), (own_pole, [("pole", 0.3123)]), (own_huber, [])], ids=str
)
def test_breaks_of_an_op_of_the_user_are_found(op: Op, expected: Any) -> None:
    assert [(b.kind, b.at) for plot in tg.explain(op).plots for b in plot.curves[0].breaks] == expected


@tg.op(lambda g, out, x: g * np.where(x > 80, 1.0, 0.0), elementwise=True)
def own_far(x: Any) -> Any:
    return np.maximum(x, 80) - 80


@pytest.mark.parametrize(
    ("op", "inside"), [(own_far, 80), (tg.ops.log, 1), (tg.ops.arccosh, 2), (tg.ops.arctanh, 0), (tg.ops.exp, 0)], ids=str
)
def test_the_range_is_where_the_function_is_finite_and_changes(op: Op, inside: float) -> None:
    (plot,) = tg.explain(op).plots
    low, high = plot.ends
    assert low < inside < high
    y = np.array([y for piece in plot.curves[0].values for _, y in piece])
    assert np.ptp(y) > 0
    x = np.array([x for piece in plot.curves[0].values for x, _ in piece])
    assert np.ptp(x) > 0.4 * (high - low)
