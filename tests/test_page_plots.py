"""What the page plots is what Python computes: slopes of steps, the loss, its surface and the decision boundary."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import logistic, neuron, numbers, softmax
from tests.live_programs import PROGRAMS, two_moons
from tests.test_live import opened, until
from tests.test_widget import faked
from tinygraph.draw.theme import CLASSES, RAMP
from tinygraph.stepping.boundary import boundary_of

WIDTH, HEIGHT, EDGE = 150, 100, 6  # of a curve in its own units
NODES = 33  # of the surface along an axis
DIFFERENCES = """() => {
    const numbers = model.get("numbers"), found = [], of = place => numbers.what(0, numbers.slot(place));
    const entry = (value, place) => typeof value === "number" ? value : value.data[place];
    for (const { slopes } of model.get("data").steps.filter(step => step.slopes)) {
        const [by, reader, local, output, gradient, ...held] = slopes, value = of(by), slot = numbers.slot(by);
        const fixed = Object.fromEntries(held.map(other => [numbers.slot(other), of(other)]));
        const sizes = Array.from(of(gradient ?? local).data ?? [0], Math.abs), place = sizes.indexOf(Math.max(...sizes));
        const moved = h => typeof value === "number" ? value + h : Array.from(value.data, (x, i) => i === place ? x + h : x);
        for (const [target, slope, beside] of [[reader, local, fixed], [output, gradient, {}]]) {
            if (target === null) continue;
            const at = h => entry(numbers.what(0, numbers.slot(target), { ...beside, [slot]: moved(h) }), place);
            found.push([(at(1e-4) - at(-1e-4)) / 2e-4, entry(of(slope), place)]);
        }
    }
    return found;
}"""
HOST = "document.getElementById('host').shadowRoot"
ROOT = "document.querySelector('#stepper').shadowRoot"
PIXELS = """(canvas, places) => {
    const at = (part, size) => Math.min(size - 1, Math.round(part * size)), to = canvas.getContext("2d");
    return places.map(([x, y]) => Array.from(to.getImageData(at(x, canvas.width), at(1 - y, canvas.height), 1, 1).data));
}"""


def at_step(visit: Visit, graph: tg.Graph, name: str) -> Any:
    """The page at the first step of this name."""
    stepper = graph.stepper()
    while stepper.current is None or stepper.current.name != name:
        stepper.step()
    return opened(visit, stepper)


def settled(page: Any, title: str) -> Any:
    """A panel whose plot is finished."""
    until(page, f"{ROOT}.querySelector('section[aria-label=\"{title}\"]')?.ariaBusy === 'false'")
    return page.locator(f"section[aria-label='{title}']")


def points(path: str) -> Any:
    return np.array([[float(x) for x in pair.split()] for pair in re.findall(r"[ML]([^ML]+)", path)])


def figure(page: Any, kind: str) -> tuple[Any, Any, str]:
    """A curve and its tangent, as points in its own units, and what is written below."""
    found = settled(page, "Slopes").locator(f".{kind}")
    curve, tangent = (points(found.locator(f"path.{part}").get_attribute("d")) for part in ("curve", "tangent"))
    return curve, tangent, found.locator("figcaption").text_content()


def assert_curve(found: tuple[Any, Any, str], of: Callable[[Any], Any], x: float, slope: float, caption: str) -> None:
    """The curve is that of a function about x, and the tangent touches it with this slope."""
    curve, tangent, said = found
    reach = max(5, 2 * abs(x))
    xs = np.linspace(x - reach, x + reach, 61)
    ys = np.array([of(x) for x in xs])
    scale = (HEIGHT - 2 * EDGE) / (ys.max() - ys.min())
    expected = np.column_stack([np.linspace(0, WIDTH, 61), HEIGHT - EDGE - (ys - ys.min()) * scale])
    np.testing.assert_allclose(curve, expected, atol=0.051)
    (x1, y1), (x2, y2) = tangent
    assert -(y2 - y1) / scale / ((x2 - x1) * 2 * reach / WIDTH) == pytest.approx(slope, rel=1e-6)
    middle = [(x1 + x2) / 2, (y1 + y2) / 2]
    np.testing.assert_allclose(middle, [WIDTH / 2, HEIGHT - EDGE - (of(x) - ys.min()) * scale], atol=1e-6)
    assert said == f"{caption}, slope {slope:.3f}".replace("slope -", "slope −")


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def loss_by(graph: tg.Graph, name: str) -> Callable[[Any], Any]:
    return lambda x: graph.with_leaves({name: x})["L"].value


class TestSlopes:
    def test_the_reader_by_the_value_and_the_loss_by_it(self, visit: Visit) -> None:
        graph = neuron()
        page = at_step(visit, graph, "dz")
        z, a = graph["z"].value, graph["a"].value
        assert_curve(figure(page, "local"), sigmoid, z, a * (1 - a), "a by z")
        assert_curve(figure(page, "gradient"), lambda z: -np.log(sigmoid(z)), z, graph["dz"].value, "L by z")

    def test_they_follow_a_leaf(self, visit: Visit) -> None:
        graph = neuron()
        page = at_step(visit, graph, "dw1")
        page.evaluate("model.set('new_value', { name: 'w1', value: -1.25 })")
        moved = graph.with_leaves({"w1": -1.25})
        assert_curve(figure(page, "local"), lambda w: 2 * w - 0.3, -1.25, 2.0, "z by w₁")
        assert_curve(figure(page, "gradient"), loss_by(moved, "w1"), -1.25, moved["dw1"].value, "L by w₁")

    def test_a_value_that_the_reader_reads_in_two_ways_is_held_in_the_other(self, visit: Visit) -> None:
        w = tg.parameter(3.0)
        y = w * 2
        L = y * w
        page = at_step(visit, tg.Graph(L, names={"w": w, "y": y, "L": L}), "dw")
        assert_curve(figure(page, "local"), lambda w: 2 * w, 3.0, 2.0, "y by w")
        page.keyboard.press("ArrowRight")  # to the contribution of L, which reads w itself and y
        assert_curve(figure(page, "local"), lambda w: 6 * w, 3.0, 6.0, "L by w")
        assert_curve(figure(page, "gradient"), lambda w: 2 * w * w, 3.0, 12.0, "L by w")

    def test_of_an_array_those_of_its_largest_gradient(self, visit: Visit) -> None:
        graph = logistic()
        page = at_step(visit, graph, "dw")
        gradient = graph["dw"].value
        place = int(np.argmax(np.abs(gradient)))

        def loss(x: float) -> Any:
            w = graph["w"].value.copy()
            w[place] = x
            return graph.with_leaves({"w": w})["L"].value

        assert page.locator(".slopes .local").count() == 0  # X.T @ dz is no product with a local derivative
        assert_curve(figure(page, "gradient"), loss, graph["w"].value[place], gradient[place], f"L by w[{place}]")

    def test_the_entry_that_is_chosen_has_the_curve(self, visit: Visit) -> None:
        graph = logistic()
        page = at_step(visit, graph, "da")
        place = int(np.argmax(np.abs(graph["da"].value)))
        assert figure(page, "gradient")[2].startswith(f"L by a[{place}], slope ")
        key, by = ("ArrowRight", 1) if place < 7 else ("ArrowLeft", -1)
        page.locator("canvas[aria-label='Entries of da']").press(key)
        until(page, f"{ROOT}.querySelector('.slopes').textContent.includes('L by a[{place + by}]')")

    def test_a_forward_step_of_one_value_has_the_curve_of_its_function(self, visit: Visit) -> None:
        graph = neuron()
        page = at_step(visit, graph, "a")
        a = graph["a"].value
        assert_curve(figure(page, "local"), sigmoid, graph["z"].value, a * (1 - a), "a by z")
        assert page.locator(".slopes .gradient").count() == 0
        page.keyboard.press("ArrowLeft")
        settled(page, "Slopes")
        until(page, f"{ROOT}.querySelector('.slopes svg') === null")

    def test_a_curve_is_drawn_where_its_function_has_values(self, visit: Visit) -> None:
        page = at_step(visit, neuron(), "da")
        curve, _, said = figure(page, "gradient")
        assert said == "L by a, slope −1.741"
        assert len(curve) > 30  # of 61, though ln(a) has values for a twentieth of 5 to either side
        low, high = (float(x.replace("−", "-")) for x in settled(page, "Slopes").locator(".ends span").all_text_contents())
        assert -0.2 < low <= 0 < 1 <= high < 1.2

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_each_is_the_slope_of_its_curve(self, visit: Visit, name: str) -> None:
        page = opened(visit, PROGRAMS[name]().stepper())
        found = np.array(page.evaluate(DIFFERENCES), float)
        assert len(found) >= 5
        np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=2e-3, atol=1e-6)

    def test_a_value_that_was_computed_twice_has_none(self, visit: Visit) -> None:
        w, x = tg.parameter(3.0), tg.constant(2.0)
        a = w * x
        b = w * x
        L = a * b * b
        page = opened(visit, tg.Graph(L, names={"w": w, "x": x, "a": a, "b": b, "L": L}).stepper())
        found = np.array(page.evaluate(DIFFERENCES), float)  # of dw by a, dw by b, and of the update
        np.testing.assert_allclose(found, [[2, 2], [216, 216], [2, 2], [216, 216], [216, 216]], rtol=1e-6)

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_every_step_of_every_program_has_its_plots_without_an_error(self, visit: Visit, name: str) -> None:
        stepper = PROGRAMS[name]().stepper()
        page = opened(visit, stepper)
        for _ in stepper.steps:
            page.keyboard.press("ArrowRight")
            settled(page, "Slopes")

    def test_an_infinite_value_is_no_point(self, visit: Visit) -> None:
        said = []
        visit.page.on("console", lambda message: said.append(message.text))
        w = tg.parameter(np.inf)
        page = at_step(visit, tg.Graph(tg.sigmoid(w * 2.0), names={"w": w}), "dw")
        assert settled(page, "Slopes").locator("circle, .tangent").count() == 0
        assert said == []

    def test_nan_has_a_caption_and_no_tangent(self, visit: Visit) -> None:
        w = tg.parameter(-1.0)
        with pytest.warns(RuntimeWarning):
            L = np.log(w) * 2
        page = at_step(visit, tg.Graph(L, names={"w": w, "L": L}), "dw")
        panel = settled(page, "Slopes")
        assert panel.locator("figcaption").text_content() == "L by w, slope −2.000"
        assert panel.locator("circle, .tangent").count() == 0
        assert panel.locator("path.curve").get_attribute("d") == ""
        assert "L = nan after 0 updates" in settled(page, "Loss").inner_text()


class TestLoss:
    def test_it_has_each_chapter_and_a_click_goes_there(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        page = opened(visit, stepper)
        assert "L = 0.554 after 0 updates" in settled(page, "Loss").inner_text()
        page.evaluate("model.set('update', { rate: 0.5, times: 8 })")
        losses = [stepper.graph["L"].value]
        for _ in range(8):
            stepper.update(0.5)
            losses.append(stepper.graph["L"].value)
        panel = settled(page, "Loss")
        curve = points(panel.locator("path.curve").get_attribute("d"))
        share = (losses[0] - np.array(losses)) / (losses[0] - losses[-1])
        np.testing.assert_allclose(curve, np.column_stack([np.linspace(0, 320, 9), 80 * share]), atol=0.051)
        assert f"L = {losses[-1]:.3f} after 8 updates" in panel.inner_text()
        box = panel.locator("svg").bounding_box()
        panel.locator("svg").click(position={"x": box["width"] * 0.38, "y": box["height"] / 2})
        assert page.inner_text(".chapter") == "iteration 4 of 9"
        assert f"L = {losses[3]:.3f} after 3 updates" in settled(page, "Loss").inner_text()

    def test_what_is_no_number_is_no_point(self, visit: Visit) -> None:
        w = tg.parameter(2.0)
        page = opened(visit, tg.Graph(np.log(w), names={"w": w}).stepper())
        page.evaluate("model.set('update', { rate: 10, times: 1 })")
        assert settled(page, "Loss").locator("path.curve").get_attribute("d") == "M0.0 40.0"

    def test_many_decades_are_logarithmic(self, visit: Visit) -> None:
        w = tg.parameter(1.0)
        page = opened(visit, tg.Graph(w**2, names={"w": w}).stepper())
        page.evaluate("model.set('update', { rate: 0.25, times: 12 })")
        panel = settled(page, "Loss")
        assert "logarithmic" in panel.inner_text()
        curve = points(panel.locator("path.curve").get_attribute("d"))
        np.testing.assert_allclose(curve[:, 1], np.linspace(0, 80, 13), atol=0.051)  # a fourth each time


def with_names(L: Any, **names: Any) -> tg.Graph:
    return tg.Graph(L, names={**names, "L": L})


X, LABELS = tg.constant(numbers(8, 2)), np.array([0.0, 1, 1, 0, 1, 0, 0, 1])


def from_logits() -> tg.Graph:
    w, y = tg.parameter(np.zeros(2)), tg.constant(LABELS)
    z = X @ w
    return with_names(tg.binary_cross_entropy_with_logits(z, y), X=X, w=w, y=y, z=z)


def in_columns() -> tg.Graph:
    W, y = tg.parameter(numbers(2, 1)), tg.constant(LABELS[:, None])
    p = 1 / (1 + np.exp(-(X @ W)))
    return with_names(np.mean((p - y) ** 2), X=X, W=W, y=y, p=p)


def by_sign() -> tg.Graph:
    w, s = tg.parameter(numbers(2)), tg.constant(2 * LABELS - 1)
    h = np.tanh(X @ w)
    return with_names(np.mean((h - s) ** 2), X=X, w=w, s=s, h=h)


def numbered() -> tg.Graph:
    W, k = tg.parameter(numbers(2, 3)), tg.constant(np.array([0, 1, 2, 0, 1, 2, 0, 1]))
    Z = X @ W
    return with_names(-np.mean(tg.log_softmax(Z)[np.arange(8), k]), X=X, W=W, k=k, Z=Z)


def unnamed() -> tg.Graph:
    W, v, y = tg.parameter(numbers(2, 2)), tg.parameter(numbers(2)), tg.constant(LABELS)
    H = np.tanh(X @ W)
    return with_names(tg.binary_cross_entropy_with_logits(H @ v, y), X=X, W=W, v=v, y=y, H=H)


def normalised() -> tg.Graph:
    """What becomes of a point depends on the others."""
    w, y = tg.parameter(numbers(2)), tg.constant(LABELS)
    z = (X - np.mean(X, axis=0)) @ w
    return with_names(tg.binary_cross_entropy_with_logits(z, y), X=X, w=w, y=y, z=z)


def of_no_classes() -> tg.Graph:
    points, w = tg.constant(numbers(12, 2)), tg.parameter(numbers(2))
    y = tg.constant(numbers(12) * 1.7)
    f = points @ w
    return with_names(np.mean((f - y) ** 2), X=points, w=w, y=y, f=f)


BOUNDARIES: dict[Any, Any] = {
    logistic: ("X", "y", "a", 0.5),
    softmax: ("X", "Y", "Z", None),
    two_moons: ("X", "y", "p", 0.5),
    from_logits: ("X", "y", "z", 0.0),  # though all are 0 at first, and so between 0 and 1
    in_columns: ("X", "y", "p", 0.5),
    by_sign: ("X", "s", "h", 0.0),
    numbered: ("X", "k", "Z", None),
    unnamed: ("X", "y", None, 0.0),  # not H, which has two columns as there are two classes, but what is made of it
    normalised: None,
    of_no_classes: None,
    neuron: None,
}


def colours(page: Any, title: str, places: Any) -> Any:
    """The colours of a map where it is drawn, at places given as parts of its width and height from below."""
    settled(page, title)
    canvas = page.locator(f"section[aria-label='{title}'] canvas")
    found = canvas.evaluate(PIXELS, [list(map(float, place)) for place in places])
    return np.array(found)[:, :3]


def of_numbered(logits: Any) -> tg.Graph:
    """Three classes, of the second of which there is no point."""
    X, y = tg.constant(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])), tg.constant(np.array([0, 2, 2, 0]))
    W = tg.parameter(logits)
    Z = X @ W
    L = -np.mean(np.log(tg.softmax(Z, axis=1))[np.arange(4), y])
    return tg.Graph(L, names={"X": X, "y": y, "W": W, "Z": Z, "L": L})


def channels(colour: str) -> Any:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


class TestBoundary:
    @pytest.mark.parametrize("make", BOUNDARIES, ids=lambda make: make.__name__)
    def test_it_is_found_by_dependence(self, make: Callable[[], tg.Graph]) -> None:
        graph = make()
        found = boundary_of(graph, graph["L"])
        known = found and (graph.name(found.points), graph.name(found.labels), graph.name(found.target), found.level)
        assert known == BOUNDARIES[make]

    @pytest.mark.parametrize("make", [logistic, softmax, two_moons, from_logits], ids=lambda make: make.__name__)
    def test_a_place_has_the_colour_of_its_class(self, visit: Visit, make: Callable[[], tg.Graph]) -> None:
        graph = make()
        if make in (logistic, from_logits):
            graph = graph.with_leaves({"w": np.array([6.0, -3.0])})  # certain almost everywhere
        page = opened(visit, graph.stepper())
        data = graph["X"].value
        low, high = data.min(axis=0), data.max(axis=0)
        low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
        steps = (np.arange(40) + 0.5) / 40
        places = np.array([(x, y) for x in steps for y in steps])
        _, _, target, level = BOUNDARIES[make]
        parts = np.array_split(low + places * (high - low), len(places) / len(data))
        scores = np.concatenate([graph.with_leaves({"X": part})[target].value for part in parts])
        classes = np.argmax(scores, axis=1) if level is None else (scores > level).astype(int)
        pixels = colours(page, "Decision boundary", places)
        fills = np.array([channels(colour) for colour in CLASSES[: classes.max() + 1]])
        hues = (255 - fills) / np.linalg.norm(255 - fills, axis=1, keepdims=True)
        seen = np.argmax((255 - pixels) @ hues.T, axis=1)
        is_faint = np.ptp(pixels, axis=1) < 12  # close to the boundary, on it, or the border of a point
        assert is_faint.mean() < 0.25
        assert np.mean(seen[~is_faint] == classes[~is_faint]) > 0.97  # but where a point of the other class lies

    def test_a_point_has_the_colour_of_its_number(self, visit: Visit) -> None:
        page = opened(visit, of_numbered(numbers(2, 3)).stepper())
        corners = (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) + 0.08) / 1.16
        expected = [channels(CLASSES[kind]) for kind in (0, 2, 2, 0)]
        np.testing.assert_array_equal(colours(page, "Decision boundary", corners), expected)

    def test_what_is_no_number_is_of_no_class(self, visit: Visit) -> None:
        page = opened(visit, of_numbered(np.full((2, 3), np.nan)).stepper())
        np.testing.assert_array_equal(colours(page, "Decision boundary", np.array([[0.3, 0.6]])), [[255, 255, 255]])

    def test_the_example_that_is_chosen_has_a_ring(self, visit: Visit) -> None:
        graph = logistic()
        page = opened(visit, graph.stepper())
        data = graph["X"].value
        low, high = data.min(axis=0), data.max(axis=0)
        places = (data - low + 0.08 * (high - low)) / (1.16 * (high - low)) + [18 / 640, 0]  # to the right of each point
        for example in (3, 5):
            page.evaluate("i => model.set('example', i)", example)
            rings = np.flatnonzero(colours(page, "Decision boundary", places).max(axis=1) < 60)
            assert rings.tolist() == [example]

    def test_its_title_says_what_is_shown(self, visit: Visit) -> None:
        page = opened(visit, logistic().stepper())
        assert settled(page, "Decision boundary").inner_text().split("\n") == ["Decision boundary", "a = 0.5"]


def neuron_loss(w1: Any, w2: Any) -> Any:
    return np.log1p(np.exp(-(2 * w1 - w2 + 0.2)))


def ramp(heights: Any) -> Any:
    places = np.linspace(0, 1, len(RAMP))
    stops = np.array([channels(colour) for colour in RAMP])
    return np.stack([np.interp(heights, places, stops[:, i]) for i in range(3)], axis=-1)


class TestSurface:
    def test_its_colours_are_those_of_the_loss(self, visit: Visit) -> None:
        page = opened(visit, neuron().stepper())
        parts = np.arange(NODES) / (NODES - 1)
        w1, w2 = np.meshgrid(0.3 - 2 + 4 * parts, 0.5 - 2 + 4 * parts)
        losses = neuron_loss(w1, w2)
        heights = np.sqrt((losses - losses.min()) / np.ptp(losses))
        places = np.array([(x, y) for y in parts for x in parts])
        pixels = colours(page, "Loss surface", places).reshape(NODES, NODES, 3)
        distance = np.abs(pixels - ramp(heights)).max(axis=2)
        assert np.mean(distance < 6) > 0.7  # between the contours
        assert [distance[y, x] < 6 for x, y in [(0, 32), (32, 0), (3, 20)]] == [True] * 3

    def test_a_click_and_an_arrow_key_go_there(self, visit: Visit) -> None:
        page = opened(visit, neuron().stepper())
        canvas = settled(page, "Loss surface").locator("canvas")
        box = canvas.bounding_box()
        canvas.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.25})
        x1, x2, y, w1, w2, b = page.evaluate("model.get('leaves').at(0)")
        assert (x1, x2, y, b) == (2, -1, 1, 0.2)
        assert (w1, w2) == (pytest.approx(1.3, abs=0.02), pytest.approx(1.5, abs=0.02))
        label = settled(page, "Loss surface").locator("canvas").get_attribute("aria-label")
        assert f"w₁ = {w1:.3f}, w₂ = {w2:.3f}, L = {neuron_loss(w1, w2):.3f}" in label
        canvas.press("ArrowLeft")
        assert page.evaluate("model.get('leaves').at(0)[3]") == pytest.approx(w1 - 4 / 32)
        assert page.evaluate("model.get('position')") == 0  # the key is no step

    def test_any_two_entries_are_its_axes(self, visit: Visit) -> None:
        graph = logistic()
        page = opened(visit, graph.stepper())
        panel = settled(page, "Loss surface")
        assert panel.locator("select").first.locator("option").all_text_contents() == ["w[0]", "w[1]", "b"]
        panel.get_by_label("→ axis").select_option("w[1]")
        panel.get_by_label("↑ axis").select_option("b")
        parts = np.arange(NODES) / (NODES - 1)
        losses = np.array([
            [graph.with_leaves({"w": [0.5, w], "b": b})["L"].value for w in -0.25 - 2 + 4 * parts[::8]]
            for b in 0.125 - 2 + 4 * parts[::8]
        ])  # fmt: skip
        places = np.array([(x, y) for y in parts[::8] for x in parts[::8]])
        pixels = colours(page, "Loss surface", places).astype(float)
        redness = pixels[:, 0] - pixels[:, 2]  # grows along the ramp
        order = np.argsort(losses.ravel())
        assert np.mean(np.diff(redness[order]) > -25) > 0.85
        assert redness[order[-1]] > 50 > -50 > redness[order[0]]

    def test_the_way_of_the_chapters_stays_on_it(self, visit: Visit) -> None:
        page = opened(visit, neuron().stepper())
        page.evaluate("model.set('update', { rate: 3, times: 10 })")
        w1 = page.evaluate("model.get('leaves').at(10)[3]")
        assert w1 > 2.3  # farther than a slider goes
        canvas = settled(page, "Loss surface").locator("canvas")
        box = canvas.bounding_box()
        canvas.click(position={"x": box["width"] - 1, "y": box["height"] / 2})
        assert page.evaluate("model.get('leaves').at(10)[3]") > w1

    def test_a_reset_does_not_stop_it(self, visit: Visit) -> None:
        w, b, x = tg.parameter(0.5), tg.parameter(0.25), tg.constant(numbers(20000))
        page = opened(visit, tg.Graph(np.mean((w * x + b - 1) ** 2), names={"w": w, "b": b, "x": x}).stepper())
        page.evaluate("model.set('update', { rate: 0.1, times: 2 })")
        settled(page, "Loss surface")
        page.get_by_label("→ axis").select_option("b")
        page.get_by_label("↑ axis").select_option("w")
        page.get_by_role("button", name="Reset").click()
        label = settled(page, "Loss surface").locator("canvas").get_attribute("aria-label")
        assert "b = 0.250, w = 0.500" in label

    def test_axes_swap_where_one_is_to_be_of_what_the_other_is_of(self, visit: Visit) -> None:
        w, b = tg.parameter(0.5), tg.parameter(0.25)
        page = opened(visit, tg.Graph(w * b, names={"w": w, "b": b}).stepper())
        settled(page, "Loss surface")
        page.get_by_label("→ axis").select_option("b")
        label = settled(page, "Loss surface").locator("canvas").get_attribute("aria-label")
        assert "b = 0.250, w = 0.500" in label
        page.get_by_label("↑ axis").select_option("b")
        label = settled(page, "Loss surface").locator("canvas").get_attribute("aria-label")
        assert "w = 0.500, b = 0.250" in label
        assert visit.trouble == []


class TestWidget:
    def test_it_plots_the_numbers_of_the_kernel_and_asks_it_for_others(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        stepper.run(until="dz")
        shown = stepper.widget()
        page = faked(visit, shown)
        page.wait_for_function(f"{HOST}.querySelectorAll('figcaption').length === 2")
        canvas = page.locator("section[aria-label='Loss surface'][aria-busy=false] canvas")
        box = canvas.bounding_box()
        canvas.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.25})
        for message in page.evaluate("sent"):
            shown.new_value = message["new_value"]
        w1, w2 = (stepper.graph[name].value for name in ("w1", "w2"))
        assert (w1, w2) == (pytest.approx(1.3, abs=0.02), pytest.approx(1.5, abs=0.02))
        for key in ("program", "live", "texts", "leaves", "data"):
            page.evaluate("([key, value]) => model.set(key, value)", [key, getattr(shown, key)])
        slope = f"{stepper.graph['dz'].value:.3f}".replace("-", "−")
        page.wait_for_function(f"{HOST}.querySelector('.slopes').textContent.includes('L by z, slope {slope}')")

    def test_what_it_cannot_compute_it_does_not_plot(self, visit: Visit) -> None:
        shown = neuron().stepper().widget()
        shown.program, shown.live = {}, {}
        page = faked(visit, shown)
        page.keyboard.press("End")
        for title in ("Slopes", "Loss", "Loss surface", "Decision boundary"):
            assert not page.locator(f"section[aria-label='{title}']").is_visible()


class TestNeed:
    def test_a_page_has_the_plots_that_apply_to_its_graph(self, visit: Visit) -> None:
        w = tg.parameter(0.5)
        page = opened(visit, tg.Graph(w * 2, names={"w": w}).stepper())
        titles = f"[...{ROOT}.querySelectorAll('.panel:not([hidden]) h2')].map(x => x.firstChild.textContent)"
        settled(page, "Loss")
        assert not {"Decision boundary", "Loss surface"} & set(page.evaluate(titles))

    def test_a_graph_without_a_number_as_its_output_has_slopes_alone(self, visit: Visit) -> None:
        w = tg.parameter([0.5, 1.0])
        graph = tg.Graph(np.tanh(w), names={"w": w})
        graph.backprop(seed=np.ones(2))
        page = opened(visit, graph.stepper())
        page.keyboard.press("End")
        assert settled(page, "Slopes").locator("figcaption").count() == 1
        assert not page.locator("section[aria-label='Loss']").is_visible()

    def test_what_shows_recorded_numbers_has_none(self, visit: Visit) -> None:
        points, w = tg.constant(np.ones((60_000, 2))), tg.parameter([0.5, 0.25])
        page = opened(visit, tg.Graph(np.sum(points @ w), names={"X": points, "w": w}).stepper())
        page.keyboard.press("End")
        titles = page.locator(".panel h2").all()
        assert [title.text_content() for title in titles if title.is_visible()] == ["LeavesReset", "This step"]
