"""Paths: every way from an output to a value, by brute force in small programs; in large ones by what is known of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import neuron, softmax
from tests.live_programs import attention, residual, second_order
from tests.test_page_looks import CONTRAST, MEASURE, SMALLEST
from tests.test_picture import HOSTILE
from tinygraph.express.instructions import Instructions
from tinygraph.program.paths import Paths, many
from tinygraph.program.statements import program_of
from tinygraph.stepping.routes import carries_most
from tinygraph.stepping.stepper import Stepper

# An op on one number or two, and its partial derivatives.
OPS: dict[str, tuple[Any, Any]] = {
    "sum": (lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "difference": (lambda a, b: a - b, lambda a, b: (1.0, -1.0)),
    "product": (lambda a, b: a * b, lambda a, b: (b, a)),
    "angle": (lambda a, b: np.arctan2(a, b + 2.0), lambda a, b: ((b + 2) / (a * a + (b + 2) ** 2), -a / (a * a + (b + 2) ** 2))),
    "sine": (lambda a, _: np.sin(a), lambda a, _: (math.cos(a),)),
    "tanh": (lambda a, _: np.tanh(a), lambda a, _: (1 - math.tanh(a) ** 2,)),
}
Program = list[tuple[str, int, int]]  # an op, and the places of its operands
PROGRAMS = st.lists(st.tuples(st.sampled_from(sorted(OPS)), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12)


def recorded(program: Program) -> tg.Graph:
    """The graph of a program on three numbers, every value with a name."""
    values: list[Any] = [tg.parameter(x) for x in (0.5, -1.25, 0.75)]
    for op, i, j in program:
        values.append(OPS[op][0](values[i % len(values)], values[j % len(values)]))
    return tg.Graph(values[-1], names={f"x{i}": x for i, x in enumerate(values)})


def by_hand(program: Program) -> tuple[list[float], list[dict[int, float]]]:
    """The values of a program in Python's numbers, and the partial derivatives of each by those that it reads."""
    values, partials = [0.5, -1.25, 0.75], [{}, {}, {}]  # type: ignore[var-annotated]
    for op, i, j in program:
        a, b = i % len(values), j % len(values)
        found: dict[int, float] = {}
        for at, slope in zip((a, b), OPS[op][1](values[a], values[b]), strict=False):
            found[at] = found.get(at, 0.0) + slope
        partials.append(found)
        values.append(float(OPS[op][0](values[a], values[b])))
    return values, partials


def every_path(partials: list[dict[int, float]], start: int, end: int) -> Iterator[list[float]]:
    """The local derivatives along every path, found one by one."""
    if start == end:
        yield []
        return
    for at, slope in partials[start].items():
        yield from ([slope, *others] for others in every_path(partials, at, end))


def ladder(depth: int, left: Any, right: Any) -> tg.Graph:
    """A graph with 2 ** depth paths: in each stage a value goes through one function and through another, and both are added."""
    x = tg.parameter(0.3)
    names, y = {"x": x}, x
    for i in range(depth):
        u, v = left(y), right(y)
        y = u + v
        names |= {f"u{i}": u, f"v{i}": v, f"y{i}": y}
    return tg.Graph(y, names=names)


class TestOfNumbers:
    def test_prints_as_a_product(self) -> None:
        assert str(neuron().paths("L", "w1")) == "∂L/∂a · ∂a/∂z · ∂z/∂w1 = -1.741 · 0.244 · 2.000 = -0.851"

    @given(PROGRAMS, st.integers(0, 2), st.integers(0, 6))
    @settings(max_examples=150, deadline=None)
    def test_are_the_largest_of_all(self, program: Program, end: int, most: int) -> None:
        graph = recorded(program)
        last = len(program) + 2
        values, partials = by_hand(program)
        assume(all(map(math.isfinite, values)) and max(map(abs, values)) < 1e3)
        every = sorted((math.prod(path) for path in every_path(partials, last, end)), key=abs, reverse=True)
        if not every:
            return
        paths = graph.paths(f"x{last}", f"x{end}", most=most)
        scale = 1e-12 * max(1.0, *map(abs, every))
        assert paths.count == len(every)
        assert [abs(path.product or 0.0) for path in paths] == pytest.approx([abs(x) for x in every[:most]], rel=1e-9, abs=scale)
        assert math.fsum([*(path.product or 0.0 for path in paths), paths.rest or 0.0]) == pytest.approx(
            math.fsum(every), abs=scale
        )
        assert paths.gradient == pytest.approx(graph.backprop()[f"x{end}"].item(), abs=scale)

    @given(PROGRAMS)
    @settings(max_examples=50, deadline=None)
    def test_lead_from_each_value_to_one_that_it_reads(self, program: Program) -> None:
        graph, (_, partials) = recorded(program), by_hand(program)
        for end in range(3):
            if f"x{end}" not in graph or not any(True for _ in every_path(partials, len(partials) - 1, end)):
                continue
            for path in graph.paths(f"x{len(partials) - 1}", f"x{end}"):
                places = [int(name[1:]) for name in path.nodes]
                assert path.locals == pytest.approx([partials[a][b] for a, b in pairwise(places)], abs=1e-12)

    def test_a_number_behind_an_array_without_a_name_has_a_local_derivative(self) -> None:
        w = tg.parameter(3.0)
        L = np.sum(w * np.array([1.0, 2.0, 5.0]))
        [path] = tg.Graph(L, names={"w": w, "L": L}).paths("L", "w")
        assert path.locals == (8.0,)

    def test_of_second_order(self) -> None:
        graph = second_order()
        for y in ("x", "y"):
            assert graph.paths("dx", y).gradient == pytest.approx(graph.backprop("dx")[y].item())

    def test_of_every_op(self) -> None:
        graph = neuron()
        assert graph.paths("L", "w1", level="op").count == 2  # L reads a twice
        assert graph.paths("L", "w1", level="op").gradient == pytest.approx(graph.paths("L", "w1").gradient)

    def test_to_the_output_itself_is_the_one_of_length_0(self) -> None:
        paths = neuron().paths("L", "L")
        assert (paths.count, [path.product for path in paths], paths.gradient) == (1, [1.0], 1.0)


class TestOfManyPaths:
    def test_are_not_looked_at(self) -> None:
        graph = ladder(200, lambda y: y * 0.5, np.sin)
        gradient = graph.backprop()["x"].item()
        before = time.perf_counter()
        paths = graph.paths("y199", "x", most=50)
        found = [path.product for path in paths]
        assert time.perf_counter() - before < 5
        assert paths.count == 2**200
        assert paths.gradient == pytest.approx(gradient, rel=1e-12)
        assert [abs(x) for x in found] == pytest.approx(sorted(map(abs, found), reverse=True), rel=1e-12)
        assert len({path.nodes for path in paths}) == 50
        slopes = [sum(map(abs, (0.5, math.cos(graph[f"y{i}"].item())))) for i in range(199)]
        assert max(map(abs, found)) == pytest.approx(math.prod(max(0.5, abs(x - 0.5)) for x in slopes) * math.cos(0.3), rel=1e-9)

    def test_of_equal_size_are_the_first(self) -> None:
        paths = ladder(60, lambda y: y * 0.5, lambda y: 0.5 * y).paths("y59", "x")
        assert [path.product for path in paths] == [0.5**60] * 50
        assert (paths.gradient, paths.rest) == (1.0, 1 - 50 * 0.5**60)
        assert str(paths).splitlines()[50:] == [
            "the other about 10^18 paths = 1.000",
            "∂y59/∂x = 1.000, the sum of about 10^18 paths",
        ]

    def test_the_rest_is_small_where_it_is_small(self) -> None:
        paths = ladder(3, lambda y: y * 1e-30, lambda y: y * 1.0).paths("y2", "x", most=1)
        assert paths.rest == pytest.approx(3e-30)

    @pytest.mark.parametrize(("factor", "first"), [(np.inf, [np.inf]), (np.nan, [np.nan]), (0.0, [1.0, 0.0])])
    def test_what_is_not_finite_comes_first_and_what_is_zero_last(self, factor: float, first: list[float]) -> None:
        x, k = tg.parameter(0.0), tg.constant(factor)
        with np.errstate(invalid="ignore"):
            u, v = x + 0.0, x * k
            L = u + v
        paths = tg.Graph(L, names={"x": x, "k": k, "u": u, "v": v, "L": L}).paths("L", "x")
        np.testing.assert_equal([path.product for path in paths][: len(first)], first)

    def test_a_count_is_written_out_or_its_power_of_ten(self) -> None:
        assert [many(n) for n in (1, 2**30, 10**15 - 1, 2**10_000)] == [
            "1",
            "1,073,741,824",
            "999,999,999,999,999",
            "about 10^3010",
        ]


class TestOfArrays:
    @pytest.mark.parametrize("build", [softmax, residual, attention])
    def test_contribute_what_adds_up_to_the_gradient(self, build: Any) -> None:
        graph = build()
        for name, gradient in graph.backprop().items():
            if graph[name].kind != "parameter":
                continue
            paths = graph.paths("L", name)
            total = sum(np.asarray(path.contribution) for path in paths)
            np.testing.assert_allclose(total, gradient.value, rtol=1e-6, atol=1e-8)
            assert (paths.gradient, paths.rest) == (None, None)
            assert all(path.product is None for path in paths)

    def test_each_contributes_the_derivative_with_all_other_paths_cut(self) -> None:
        def parts(cut_first: bool, cut_second: bool) -> tg.Graph:
            w = tg.parameter([1.0, 2.0])
            u, v = np.sin(w), w**2
            a = tg.stop_gradient(u) if cut_first else u
            b = tg.stop_gradient(v) if cut_second else v
            L = np.sum(a * b)
            return tg.Graph(L, names={"w": w, "u": u, "v": v, "L": L})

        found = {path.nodes[1]: path.contribution for path in parts(False, False).paths("L", "w")}
        np.testing.assert_allclose(found["u"], parts(False, True).backprop()["w"].value)
        np.testing.assert_allclose(found["v"], parts(True, False).backprop()["w"].value)

    @pytest.mark.parametrize("build", [neuron, softmax, residual, attention])
    def test_are_listed_without_a_search_as_with_one(self, build: Any) -> None:
        for routes in program_of(build()).routes:
            for end in routes.gradients:
                every, searched = routes.every(end), Paths(routes, end)
                assert {path.passes for path in every} == {path.passes for path in searched}
                if not searched.is_numeric:  # else the largest is first
                    assert [path.passes for path in every] == [path.passes for path in searched]
                numbers = [routes.number(one) for path in every for one in path.passes]
                assert routes.is_numeric(end) == all(x is not None for x in numbers)

    def test_say_that_there_is_no_product(self) -> None:
        assert str(softmax().paths("L", "b")).splitlines() == [
            "∂L/∂Z · ∂Z/∂b: [-0.039, -0.035, 0.074]",
            "∂L/∂b is the sum of 1 path; no product of numbers, since arrays lie on the way",
        ]


class TestRefused:
    def test_an_unknown_name(self) -> None:
        with pytest.raises(KeyError, match="did you mean w1"):
            neuron().paths("L", "w11")

    def test_a_derivative_that_was_not_computed(self) -> None:
        with pytest.raises(ValueError, match=r"no derivative of L with respect to x1 was computed: call graph.backprop\(of='L'"):
            neuron().paths("L", "x1")

    def test_a_negative_count(self) -> None:
        with pytest.raises(ValueError, match="must not be negative"):
            neuron().paths("L", "w1", most=-1)


def opened(visit: Visit, folder: File, stepper: Stepper) -> Any:
    """The page of a walk with its paths shown."""
    page = visit.open_saved(stepper, folder)
    page.click("role=tab[name=Paths]")
    return page


def rows(page: Any) -> list[str]:
    """Each path as its numbers, then the sums."""
    texts = "all => all.map(row => [...row.querySelectorAll('strong')].map(number => number.textContent).join(' '))"
    return list(page.locator(".ways > *").evaluate_all(texts))


def as_shown(paths: Any) -> list[str]:
    """The same by the kernel; of a long path the local derivatives in the middle are one number."""
    lines = []
    for path in paths:
        xs = path.locals
        shown = xs if len(xs) <= 12 else (*xs[:6], math.prod(xs[6:-6]), *xs[-6:])
        lines.append(" ".join(map(number, (*shown, path.product))))
    others = [number(paths.rest)] if paths.count > len(paths) else []
    return [*([number(paths.gradient)] if paths.count > 1 else []), *lines, *others]


def number(x: float) -> str:
    from tinygraph.express.layout import signed
    from tinygraph.express.text import number

    return signed(number(x))


class TestCarriesMost:
    def of_scalars(self) -> tg.Graph:
        x = tg.parameter(2.0)
        a, b = x * 3, np.sin(x)
        L = a * 0.5 - b
        return tg.Graph(L, names={"x": x, "a": a, "b": b, "L": L})

    def asked(self, graph: tg.Graph) -> Any:
        graph.backprop()
        [routes] = program_of(graph).routes
        return carries_most(routes, graph["x"])

    def test_is_the_largest_product_whatever_the_leaves_are(self) -> None:
        graph = self.of_scalars()
        asked = self.asked(graph)
        assert asked.ways == ("L → a → x", "L → b → x")
        assert (asked.choices, asked.value) == (("path 1", "path 2"), "path 1")  # 1.5 and -cos 2
        assert [x.value for x in asked.products] == pytest.approx([1.5, -math.cos(2)])
        program = Instructions()
        place = program.slot(asked.value.pieces[-1].node)
        assert program.data["code"][-1][0] == place  # that a page computes anew

    def test_is_not_asked_of_one_path_or_of_many(self) -> None:
        x = tg.parameter(0.5)
        L = np.sin(x * 2)
        assert self.asked(tg.Graph(L, names={"x": x, "L": L})) is None
        assert self.asked(ladder(3, lambda y: y * 0.5, np.sin)) is None

    def test_is_none_of_them_where_they_are_equal(self) -> None:
        asked = self.asked(ladder(1, lambda y: y * 0.5, lambda y: 0.5 * y))
        assert asked.value not in asked.choices


class TestOnThePage:
    def test_are_those_of_the_kernel_and_follow_the_leaves(self, visit: Visit, tmp_path: File) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        assert rows(page) == [row for w in ("w1", "w2", "b") for row in as_shown(neuron().paths("L", w))]
        page.get_by_label("Value of w1").fill("1.5")
        page.keyboard.press("Enter")
        moved = neuron().with_leaves({"w1": 1.5})
        assert rows(page) == [row for w in ("w1", "w2", "b") for row in as_shown(moved.paths("L", w))]

    def test_are_the_largest_of_exponentially_many(self, visit: Visit, tmp_path: File) -> None:
        graph = ladder(30, lambda y: y * 0.5, np.sin)
        page = opened(visit, tmp_path, graph.stepper())
        expected = as_shown(graph.paths("y29", "x"))
        assert rows(page) == expected
        assert len(expected) == 52
        assert "the other 1,073,741,774 paths" in page.inner_text(".ways")

    @pytest.mark.parametrize("reach", ["hover", "focus", "click"])
    def test_light_their_cards_and_edges(self, visit: Visit, tmp_path: File, reach: str) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        row = page.locator(".way").nth(1)
        getattr(row, reach)()
        titles = page.locator(".card.traced title").all_text_contents()
        assert sorted(title.split()[0] for title in titles) == ["L", "a", "w₂", "z"]
        assert page.locator(".forward.traced").count() == page.locator(".backward.traced").count() == 3

    def test_keep_lit_until_escape(self, visit: Visit, tmp_path: File) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.locator(".way").first.focus()
        page.keyboard.press("Enter")
        page.get_by_label("To", exact=True).focus()
        assert page.locator(".way[aria-pressed=true]").count() == 1
        assert page.locator(".card.traced").count() == 4
        page.keyboard.press("Escape")
        assert page.locator(".traced").count() == 0

    def test_of_arrays_are_in_symbols_with_the_contribution_to_one_entry(self, visit: Visit, tmp_path: File) -> None:
        graph = residual()
        page = opened(visit, tmp_path, graph.stepper())
        page.get_by_label("To", exact=True).select_option("W")
        page.get_by_label("Entry of ∂L/∂W").fill("2, 1")
        page.keyboard.press("Enter")
        paths = graph.paths("L", "W")
        found = [row.split()[-1] for row in rows(page)]
        assert found == [number(x) for x in (graph.backprop()["W"].value[2, 1], *(path.contribution[2, 1] for path in paths))]
        assert "no product of numbers" in page.inner_text(".paths")
        assert "xᵀ□" in page.inner_text(".ways")

    def test_of_two_outputs_are_apart(self, visit: Visit, tmp_path: File) -> None:
        w = tg.parameter(0.5)
        a, b = np.sin(w), w * 3
        graph = tg.Graph(a, b, names={"w": w, "a": a, "b": b})
        graph.backprop("a")
        graph.backprop("b")
        page = opened(visit, tmp_path, graph.stepper())
        assert rows(page) == as_shown(graph.paths("a", "w"))
        page.get_by_label("From", exact=True).select_option("b")
        assert rows(page) == as_shown(graph.paths("b", "w")) == ["3.000 3.000"]

    def test_of_a_page_that_does_not_compute_are_the_recorded_ones(self, visit: Visit, tmp_path: File, monkeypatch: Any) -> None:
        monkeypatch.setattr("tinygraph.stepping.live.MOST", 1)
        page = opened(visit, tmp_path, neuron().stepper())
        assert rows(page) == [row for w in ("w1", "w2", "b") for row in as_shown(neuron().paths("L", w))]

    def test_hostile_names_are_text(self, visit: Visit, tmp_path: File) -> None:
        ws = [tg.parameter(0.1 * i) for i in range(len(HOSTILE))]
        graph = tg.Graph(np.sin(sum(ws[1:], ws[0])), names=dict(zip(HOSTILE, ws, strict=True)))
        page = opened(visit, tmp_path, graph.stepper())
        assert page.locator(".paths select").nth(1).locator("option").count() == len(HOSTILE)
        page.get_by_label("To", exact=True).select_option(str(HOSTILE.index("<script>alert(1)</script>")))
        page.locator(".way").first.hover()
        assert page.locator(".paths script, .paths img").count() == 0

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1400, 400])
    def test_can_be_read(self, visit: Visit, tmp_path: File, width: int, scheme: Any) -> None:
        visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.emulate_media(color_scheme=scheme)
        page = opened(visit, tmp_path, softmax().stepper())
        texts = page.evaluate(MEASURE.replace('querySelectorAll("*")', 'querySelectorAll(".paths *")'))
        assert len(texts) >= 10
        assert [x for x in texts if x["size"] < SMALLEST or x["contrast"] < CONTRAST] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_the_quiz_is_off_while_they_are_shown(self, visit: Visit, tmp_path: File) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.click("role=tab[name=Quiz]")
        page.click("role=tab[name=Paths]")
        assert page.locator(".quizzing").count() == 0
