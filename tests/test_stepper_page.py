"""The page that walks, in a real browser with no network: moving, what is lit, the quiz, several readers, hostile names."""

from __future__ import annotations

import datetime
import json
import math
import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tinygraph as tg
from tests.browser import Visit, data_of
from tests.drawings import logistic, neuron, numbers, perceptron
from tests.page_kinds import scalar_moons
from tests.test_picture import HOSTILE
from tests.test_stepper import recurrent
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.picture import Picture
from tinygraph.express.holes import Blanks, Text
from tinygraph.express.latex import print_layout
from tinygraph.express.layout import symbol
from tinygraph.express.plain import plain
from tinygraph.stepping.highlights import Highlights
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.pictures import drawing, laid_out, line_texts
from tinygraph.stepping.shown import StepWriter
from tinygraph.stepping.stepper import Stepper

WALK = ["z", "a", "L", "dL", "da", "dz", "dw1", "dw2", "db"]
FAST = 300  # milliseconds between steps


def two_layers() -> tg.Graph:
    """A perceptron of two layers on 32 examples."""
    X, Y = tg.constant(numbers(32, 2)), tg.constant(np.eye(2)[np.arange(32) % 2])
    W1, b1 = tg.parameter(numbers(2, 8)), tg.parameter(np.zeros(8))
    W2, b2 = tg.parameter(numbers(8, 2)), tg.parameter(np.zeros(2))
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    L = tg.softmax_cross_entropy(Z2, Y)
    return tg.Graph(L, names=locals())


def leaf() -> tg.Node:
    return tg.parameter(3.0)


def two_readers() -> tg.Graph:
    w, x = tg.parameter(3.0), tg.constant(2.0)
    y = w * x
    L = y * w
    return tg.Graph(L, names=locals())


def two_requests() -> tg.Graph:
    """A gradient of a gradient, which the picture shows in place of the first."""
    x = tg.parameter(0.5)
    t = np.sin(x)
    y = t * x
    graph = tg.Graph(y, names=locals())
    graph.backprop(of=graph.backprop()[x])
    return graph


def two_outputs() -> tg.Graph:
    a = tg.parameter(0.5)
    b, c = a**2, a * 3
    graph = tg.Graph(b, c, names=locals())
    graph.backprop("b")
    graph.backprop("c")
    return graph


def long_recurrence() -> tg.Graph:
    """A graph that folds by itself: a loop, and more parameters of one line than are shown."""
    w, u = tg.parameter(0.5), tg.parameter(0.3)
    h = tg.constant(0.1)
    ws = [tg.parameter(0.1 * i) for i in range(6)]
    for i in range(60):
        x = tg.constant(float(i % 3))
        h = np.tanh(w * h + u * x)
    L = sum(v * h for v in ws)
    return tg.Graph(L, names={"w": w, "u": u, "h": h, "ws": ws, "x": x, "L": L})


def opened(visit: Visit, path: Path, stepper: Stepper) -> Any:
    visit.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return visit.open_saved(stepper, path)


def count(page: Any) -> str:
    return str(page.inner_text(".count"))


def wait(page: Any, wanted: str) -> None:
    """Until the walk is there."""
    from playwright.sync_api import expect

    expect(page.locator(".count")).to_have_text(wanted)


@contextmanager
def still(page: Any) -> Iterator[Any]:
    """A page whose time only goes on by `run_for`, in milliseconds."""
    page.clock.install()
    page.clock.pause_at(datetime.datetime.now() + datetime.timedelta(minutes=1))
    try:
        yield page.clock
    finally:
        page.clock.resume()


def seen(page: Any) -> Any:
    """All that is visible once the plots are there: the marked-up page, with sorted classes, the slider, and what is scrolled."""
    return page.evaluate(
        """async () => {
          const app = document.getElementById("stepper").shadowRoot.querySelector(".app");
          while (app.querySelector("[aria-busy=true]")) await new Promise(done => setTimeout(done, 5));
          for (const _ of "12") await new Promise(done => requestAnimationFrame(done)); // the picture fits a window of a new size
          const sorted = (_, names) => `class="${names.split(" ").filter(Boolean).sort().join(" ")}"`;
          const scrolled = [...app.querySelectorAll("div, ol, dl")].map(x => [Math.round(x.scrollLeft), Math.round(x.scrollTop)]);
          return JSON.stringify([app.outerHTML.replace(/class="([^"]*)"/g, sorted), app.querySelector("input").value, scrolled]);
        }"""
    )


def lit(page: Any) -> tuple[str, str, str, str]:
    """The four views of the current step: the row, the line of code, the title of the card, and what the equation begins with."""
    card = page.locator(".card.now title").text_content()
    return (
        page.inner_text(".table .current .name"), code_of(page.locator(".code .current")),
        card, page.locator(".equation").text_content(),
    )  # fmt: skip


def code_of(line: Any) -> str:
    """What a line of the code says, without its number."""
    return str(line.evaluate("line => line.lastChild.textContent")).strip()


def red(page: Any) -> list[str]:
    """The gradients that can be seen in the picture."""
    return [str(text) for text in page.locator('.card text[fill="#b3261e"]:not(.unknown)').all_text_contents()]


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as the accessibility guidelines define it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_contribution_shows_the_index_of_its_entry() -> None:
    x, b = tg.constant(np.ones((3, 2))), tg.parameter(np.ones(2))
    a = x + b
    c = x * b
    L = np.sum(a * c)
    s = tg.Graph(L, names=locals()).stepper()
    s.run()
    written = [StepWriter(s.chapters[0], None, []).sides(step, Blanks()) for step in s.steps if step.name == "db"]
    assert [[print_layout(side) for side in names] for names, _ in written] == [
        [
            r"\frac{\partial L}{\partial a} \cdot \frac{\partial a}{\partial b_{j}}",
            r"\sum_{i} \frac{\partial L}{\partial a_{ij}}",
        ],
        [
            r"\frac{\partial L}{\partial c} \cdot \frac{\partial c}{\partial b_{j}}",
            r"\sum_{i} \frac{\partial L}{\partial c_{ij}} \, x_{ij}",
        ],
    ]


def test_a_number_is_written_once_and_as_it_is_elsewhere() -> None:
    w = tg.parameter(2.0)
    z = w * 1
    s = tg.Graph(z * 1e-7, names={"w": w, "z": z}).stepper()
    written = Text(*StepWriter(s.chapters[0], None, []).data(s.run())["mathml"])
    assert re.sub("<[^>]*>", "", written) == "∂output∂w=∂output∂z·∂z∂w=∂output∂z=1.00·10−7"


@pytest.mark.parametrize(
    ("reader", "function"),
    [(np.tanh, "tanh"), (lambda w: 2 * (w + 1), None), (lambda w: w * 2, None)],
)
def test_a_factor_goes_through_a_function_that_is_all_of_its_reader(reader: Any, function: str | None) -> None:
    w = tg.parameter(2.0)
    z = reader(w)
    s = tg.Graph(z**2, names={"w": w, "z": z}).stepper()
    step = s.run(until="dw")
    assert StepWriter(s.chapters[0], None, []).data(step)["chain"]["factor"]["through"] == function


class TestMoving:
    def test_buttons_keys_and_slider(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        assert count(page) == "0 / 9"
        names = []
        for _ in WALK:
            page.click("button[aria-label=Step]")
            names.append(page.inner_text(".table .current .name"))
        assert names == WALK
        page.click("button[aria-label=Step]")
        assert count(page) == "9 / 9"
        page.click("button[aria-label=Back]")
        assert count(page) == "8 / 9"
        page.click("button[aria-label=Rewind]")
        assert count(page) == "0 / 9"
        page.click("button[aria-label=Back]")
        assert count(page) == "0 / 9"
        for key, wanted in [("End", "9 / 9"), ("ArrowLeft", "8 / 9"), ("Home", "0 / 9"), ("ArrowRight", "1 / 9")]:
            page.keyboard.press(key)
            assert count(page) == wanted
        slider = page.locator("input[aria-label=Step]")
        slider.fill("6")
        assert count(page) == "6 / 9"
        assert slider.get_attribute("aria-valuetext") == "backward: dz"
        page.keyboard.press("ArrowRight")
        assert count(page) == "7 / 9"
        page.locator(".table li", has_text="dz").first.click()
        assert count(page) == "6 / 9"

    def test_keys_work_before_anything_has_the_focus(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.keyboard.press("ArrowRight")
        assert count(page) == "1 / 9"

    def test_play_pause_and_speed(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        with still(page) as clock:
            page.select_option("select[aria-label=Speed]", label="fast")
            page.click("button[aria-label=Play]")
            assert count(page) == "1 / 9"
            clock.run_for(2 * FAST)
            assert count(page) == "3 / 9"
            page.click("button[aria-label=Pause]")
            clock.run_for(2 * FAST)
            assert count(page) == "3 / 9"
            page.click("button[aria-label=Back]")
            page.locator(".stage").click()
            page.keyboard.press("Space")
            assert page.locator("button[aria-label=Pause]").count() == 1
            clock.run_for(9 * FAST)
            assert count(page) == "9 / 9"
            assert page.locator("button[aria-label=Pause]").count() == 0

    def test_breakpoints_by_click_stop_play(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        mark = page.locator("button[aria-label='Breakpoint at da']")
        mark.click()
        assert mark.get_attribute("aria-pressed") == "true"
        assert count(page) == "0 / 9"
        with still(page) as clock:
            page.select_option("select[aria-label=Speed]", label="fast")
            page.click("button[aria-label=Play]")
            clock.run_for(9 * FAST)
        assert count(page) == "5 / 9"
        assert page.locator("button[aria-label=Play]").count() == 1
        mark.click()
        assert mark.get_attribute("aria-pressed") == "false"
        page.click("button[aria-label=Play]")
        wait(page, "9 / 9")

    def test_space_plays_where_a_breakpoint_has_the_focus_and_arrows_move_between_breakpoints(
        self, visit: Visit, tmp_path: Path
    ) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.locator("button[aria-label='Breakpoint at z']").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        with still(page) as clock:
            page.keyboard.press("Space")
            clock.run_for(900 * 9)
        assert count(page) == "2 / 9"
        assert page.locator(".breakpoint[aria-pressed=true]").get_attribute("aria-label") == "Breakpoint at a"

    def test_a_card_leads_to_its_step(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.locator(".card", has_text="a = σ(z)").click()
        assert count(page) == "2 / 9"

    def test_play_stops_where_a_gradient_is_whole(self, visit: Visit, tmp_path: Path) -> None:
        stepper = two_readers().stepper()
        stepper.breakpoints.add("dw")
        page = opened(visit, tmp_path, stepper)
        with still(page) as clock:
            page.select_option("select[aria-label=Speed]", label="fast")
            page.click("button[aria-label=Play]")
            clock.run_for(5 * FAST)
            assert count(page) == "6 / 6"

    @pytest.mark.parametrize("make", [neuron, logistic, two_layers, two_readers])
    def test_back_restores_everything_that_is_visible(self, visit: Visit, tmp_path: Path, make: Any) -> None:
        page = opened(visit, tmp_path, make().stepper())
        page.emulate_media(reduced_motion="reduce")
        page.set_viewport_size({"width": 700, "height": 700})
        page.keyboard.press("Home")
        states = [seen(page)]
        total = page.locator(".table li").count()
        for _ in range(total):
            page.keyboard.press("ArrowRight")
            states.append(seen(page))
        assert len(set(states)) == total + 1
        for state in reversed(states[:-1]):
            page.keyboard.press("ArrowLeft")
            assert seen(page) == state
        page.set_viewport_size({"width": 1200, "height": 900})

    def test_a_page_begins_where_the_stepper_is(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        stepper.run(until="da")
        stepper.breakpoints.add("dz")
        page = opened(visit, tmp_path, stepper)
        assert count(page) == "5 / 9"
        assert page.locator("button[aria-label='Breakpoint at dz']").get_attribute("aria-pressed") == "true"


class TestShowing:
    def test_four_views_are_lit_together(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        found = []
        for _ in range(9):
            page.keyboard.press("ArrowRight")
            found.append(lit(page))
        leaves = "w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)"
        loss = "L = -(y * np.log(a) + (1 - y) * np.log(1 - a))"
        assert [(name, line) for name, line, _, _ in found] == [
            ("z", "z = w1 * x1 + w2 * x2 + b"), ("a", "a = tg.sigmoid(z)"), ("L", loss), ("dL", loss),
            ("da", "a = tg.sigmoid(z)"), ("dz", "z = w1 * x1 + w2 * x2 + b"), ("dw1", leaves), ("dw2", leaves), ("db", leaves),
        ]  # fmt: skip
        assert [card[0] for _, _, card, _ in found] == ["z", "a", "L", "L", "a", "z", "w", "w", "b"]
        assert found[5][3].replace("\u2062", "") == "∂L∂z=∂L∂a·∂a∂z=∂L∂aa(1−a)=−1.741·0.574·0.426=−0.426"
        assert page.locator(".equation").bounding_box()["width"] > 20

    def test_it_opens_with_the_statements_of_the_forward_pass_and_without_numbers(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        rights = page.locator(".table .right").all()
        visible = [x.inner_text() for x in rights if x.evaluate("x => getComputedStyle(x).visibility") == "visible"]
        assert visible == ["= w1 * x1 + w2 * x2 + b", "= sigmoid(z)", "= -(y * np.log(a) + (1 - y) * np.log(1 - a))"]
        numbers = page.locator(".table .shown").evaluate_all("all => all.map(x => getComputedStyle(x).visibility)")
        assert set(numbers) == {"hidden"}
        assert not page.locator(".card text:not(.unknown)", has_text=re.compile("^[zaL] = .*[0-9]{3}$")).count()

    def test_a_gradient_of_a_leaf_made_elsewhere_lights_the_statement_that_reads_it(self, visit: Visit, tmp_path: Path) -> None:
        w = leaf()
        L = w * 2
        page = opened(visit, tmp_path, tg.Graph(L).stepper())
        page.keyboard.press("End")
        assert lit(page)[:2] == ("dw", "L = w * 2")
        assert page.locator(".code .line").count() == 1

    def test_a_part_that_gradients_share_lights_the_card_it_goes_back_through(self, visit: Visit, tmp_path: Path) -> None:
        stepper = recurrent().stepper()
        stepper.run(until="t_2")
        page = opened(visit, tmp_path, stepper)
        name, line, card, _ = lit(page)
        assert (name, line) == ("t_2", "h = np.tanh(w * h + u * x)")
        assert card.startswith("h₂ = ")
        assert page.locator(".backward.now").count() == 0

    def test_gradients_stay_hidden_until_their_step(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        shown = [red(page)]
        for _ in range(9):
            page.keyboard.press("ArrowRight")
            shown.append(red(page))
        assert shown[:4] == [[]] * 4
        assert shown[4] == ["dL = 1.000"]
        assert set(shown[5]) == {"da = −1.741", "dL = 1.000", "∂L/∂a = −y/a + (1 − y)/(1 − a) = −1.741"}
        assert set(shown[6]) - set(shown[5]) == {"dz = −0.426", "∂a/∂z = a(1 − a) = 0.244"}
        assert len(shown[9]) == 11
        page.emulate_media(color_scheme="dark")
        page.keyboard.press("Home")
        hidden = page.locator('.card text[fill="#b3261e"]')
        assert hidden.count() == 11
        assert not any(text.is_visible() for text in hidden.all())

    def test_a_contribution_reveals_the_line_of_its_own_reader(self) -> None:
        stepper = two_readers().stepper()
        highlights = Highlights(stepper.chapter)
        cards = {step.name: card.key for step in stepper.steps if (card := highlights.card(step)) is not None}
        parts = [step for step in stepper.steps if step.name == "dw"]
        revealed = [{key.partition("-")[0] for key in highlights.revealed(step)} - {cards["dw"]} for step in parts]
        assert revealed == [{cards[step.contributions[-1].reader]} for step in parts]

    @pytest.mark.parametrize(
        ("make", "shown", "dark"),
        [(two_requests, "ddx_dx", ("dy",)), (two_outputs, "dc_da", ("db", "da"))],
    )
    def test_gradients_that_the_picture_does_not_show_light_nothing_of_others(self, make: Any, shown: str, dark: Any) -> None:
        stepper = make().stepper()
        highlights = Highlights(stepper.chapter)
        steps = {step.name: step for step in stepper.steps}
        assert [highlights.revealed(steps[name]) for name in dark] == [[]] * len(dark)
        assert [edge for name in dark for edge in highlights.highlighted(steps[name]) if edge.startswith("backward")] == []
        names = [line_texts(drawing(stepper.chapter))[key].partition(" =")[0] for key in highlights.revealed(steps[shown])]
        assert plain(symbol(shown)) in names
        assert any(edge.startswith("backward") for edge in highlights.highlighted(steps[shown]))

    def test_a_gradient_that_is_differentiated_lights_its_own_card(self) -> None:
        stepper = two_requests().stepper()
        highlights = Highlights(stepper.chapter)
        texts = line_texts(drawing(stepper.chapter))
        step = {step.name: step for step in stepper.steps}["dt"]
        card = highlights.card(step)
        assert card is not None
        assert card.node is step.node
        assert [texts[key] for key in highlights.revealed(step)] == ["dt = 0.500"]
        assert [edge.rpartition("-")[0].endswith(f"-{card.key}") for edge in highlights.highlighted(step)[1:]] == [True]

    def test_the_number_of_a_later_gradient_stays_hidden_behind_an_earlier_one_of_the_same_value(
        self, visit: Visit, tmp_path: Path
    ) -> None:
        stepper = two_requests().stepper()
        stepper.run(until="dx")
        page = opened(visit, tmp_path, stepper)
        assert red(page) == []
        page.keyboard.press("End")
        assert len(red(page)) == 9

    def test_lines_of_folded_cards_stay_hidden_until_all_values_on_them_are_known(self, visit: Visit, tmp_path: Path) -> None:
        stepper = long_recurrence().stepper()
        page = opened(visit, tmp_path, stepper)

        def shows(text: str, name: str) -> tuple[bool, bool]:
            """Just before the last step of that name, and then."""
            last = max(i for i, step in enumerate(stepper.steps) if step.name == name)
            line = page.locator(".card text", has_text=re.compile(f"^{text}"))
            found = []
            for position in (last, last + 1):
                page.locator("input[aria-label=Step]").fill(str(position))
                found.append(line.is_visible())
            return found[0], found[1]

        assert page.locator(".card text", has_text="tanh").text_content().endswith("× 60")
        assert shows("h = ", "h") == (False, True)
        assert shows("dh = ", "dh") == (False, True)
        assert shows("dw = .*, du = ", "du") == (False, True)

    def test_an_update_writes_the_line_of_its_parameter(self, visit: Visit, tmp_path: Path) -> None:
        stepper = long_recurrence().stepper()
        stepper.run()
        stepper.update()
        page = opened(visit, tmp_path, stepper)
        texts = page.locator(".card text").all_text_contents()
        assert "▸ ws₅ × 6" in texts
        assert f"ws₅ = {stepper.chapters[1].graph['ws_5'].value:.3f}" in texts

    def test_values_stay_hidden_until_their_step(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        value = page.locator(".card text", has_text="a = 0.574")
        given = page.locator(".card text", has_text="w₁ = 0.300")
        assert not value.is_visible()
        assert given.is_visible()
        page.keyboard.press("ArrowRight")
        assert not value.is_visible()
        page.keyboard.press("ArrowRight")
        assert value.is_visible()

    def test_nothing_jumps(self, visit: Visit, tmp_path: Path) -> None:
        for make in (neuron, logistic, two_layers, two_readers):
            page = opened(visit, tmp_path, make().stepper())
            heights = set()
            for _ in range(page.locator(".table li").count() + 1):
                heights.add(page.evaluate("document.documentElement.scrollHeight"))
                heights.add(page.locator(".controls").bounding_box()["y"] * 1000)
                page.keyboard.press("ArrowRight")
            assert len(heights) == 2

    def test_large_pictures_scroll_to_the_card(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, two_layers().stepper())
        page.set_viewport_size({"width": 700, "height": 800})
        size = page.locator(".card text").first.evaluate("x => x.getBoundingClientRect().height")
        assert size > 9
        for _ in range(12):
            page.keyboard.press("ArrowRight")
            card, stage = page.locator(".card.now").bounding_box(), page.locator(".stage").bounding_box()
            assert card["x"] + card["width"] / 2 > stage["x"]
            assert card["x"] + card["width"] / 2 < stage["x"] + stage["width"]
        page.set_viewport_size({"width": 1200, "height": 900})

    def test_each_reader_contributes_in_a_step_of_its_own(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, two_readers().stepper())
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        assert page.inner_text(".table .current .name") == "dw (1/2)"
        assert page.locator(".backward.now").count() == 1
        first = page.locator(".backward.now").get_attribute("id")
        assert page.locator(".equation").text_content().replace("\u2062", "") == "∂L∂y·∂y∂w=∂L∂yx=3.000·2.000=6.000"
        assert page.locator(".equation").get_attribute("data-part") == "1 of 2"
        assert "dw = 12.000" not in red(page)
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".table .current .name") == "dw (2/2)"
        assert page.locator(".backward.now").get_attribute("id") != first
        assert "6.000 + 6.000 = 12.000" in page.inner_text(".factors")
        assert "dw = 12.000" in red(page)

    def test_each_iteration_has_its_numbers_and_an_update_leaves_the_new_one(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        stepper.run()
        stepper.update(learning_rate=0.1)
        page = opened(visit, tmp_path, stepper)
        written = page.locator(".card text").all_text_contents()

        def shows(text: str) -> bool:
            return bool(page.locator(".card text", has_text=text).count())

        assert page.inner_text(".table .current .name") == "b"
        assert page.inner_text(".table .current .right").startswith(":= b - 0.1 * db")
        equation = page.locator(".equation").text_content().replace("\u2062", "")
        assert equation == "b:=b−0.1∂L∂b=0.200−0.1·(−0.426)=0.243"
        assert (shows("b = 0.243"), shows("db = −0.426"), shows("z = 0.300")) == (True, True, True)
        page.keyboard.press("ArrowLeft")
        assert (shows("b = 0.200"), shows("w₁ = 0.385")) == (True, True)
        for _ in range(2):
            page.keyboard.press("ArrowLeft")
        assert shows("w₁ = 0.300")
        page.keyboard.press("End")
        assert (shows("w₁ = 0.385"), shows("z = 0.555"), shows("z = 0.300")) == (True, True, False)
        for _ in range(9):
            page.keyboard.press("ArrowLeft")
        assert page.locator(".card text").all_text_contents() == written

    def test_numbers_that_are_longer_than_their_room_are_set_closer(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        assert laid_out(stepper).svg
        stepper.set(w1=-1.23456e-9, x1=-1.5e7)
        page = opened(visit, tmp_path, stepper)
        widths = page.evaluate(
            """() => [...document.getElementById("stepper").shadowRoot.querySelectorAll(".card")].map(card => {
              const end = x => x.getBBox().x + x.getBBox().width;
              return Math.max(...[...card.querySelectorAll("text")].map(end)) - end(card.querySelector("path, polygon"));
            })"""
        )
        assert page.locator("text[textLength]").count() > 0
        assert max(widths) < 0

    def test_one_example_of_the_batch(self, visit: Visit, tmp_path: Path) -> None:
        stepper = logistic().stepper()
        stepper.example = 3
        stepper.run(until="dw")
        page = opened(visit, tmp_path, stepper)
        assert stepper.lens is not None
        assert stepper.lens.equation in page.inner_text(".factors")

    def test_a_step_shows_its_local_derivative_or_else_its_contribution(self, visit: Visit, tmp_path: Path) -> None:
        stepper = logistic().stepper()
        page = opened(visit, tmp_path, stepper)
        for step in stepper.steps:
            page.keyboard.press("ArrowRight")
            known = [("upstream", step.upstream), ("local", step.local), ("contribution", step.contribution)]
            expected = [text for name, value in known if value is not None for text in (name, value)]
            assert page.locator(".factors dt, .factors dd").all_text_contents()[: len(expected)] == expected
        assert any(step.contribution for step in stepper.steps)

    def test_dark_and_light(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        found = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[scheme] = page.locator(".app").evaluate("x => [getComputedStyle(x).color, getComputedStyle(x).backgroundColor]")
        assert found == {"light": ["rgb(27, 31, 36)", "rgb(255, 255, 255)"], "dark": ["rgb(230, 237, 243)", "rgb(13, 17, 23)"]}


class TestFiles:
    def test_a_picture_needs_no_style_sheet_and_has_nothing_that_moves(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        stepper.run()
        page = opened(visit, tmp_path, stepper)
        page.emulate_media(color_scheme="dark")
        page.keyboard.press("ArrowLeft")
        page.locator(".view .dot").first.wait_for()
        with page.expect_download() as found:
            page.get_by_role("button", name="SVG").click()
        made = ElementTree.parse(found.value.path()).getroot()
        assert "background: rgb(13, 17, 23)" in made.get("style", "")
        assert not [x for x in made.iter() if x.get("class") == "dot" or x.tag.endswith("}style") or "var(" in str(x.attrib)]
        fills = {"".join(x.itertext()): x.get("style", "") for x in made.iter("{http://www.w3.org/2000/svg}text")}
        assert "fill: rgb(230, 237, 243)" in fills["L = 0.554"]
        with page.expect_download() as found:
            page.get_by_role("button", name="PNG").click()
        image = Image.open(found.value.path())
        assert image.size == tuple(math.ceil(2 * float(made.attrib[side])) for side in ("width", "height"))
        assert image.getpixel((0, 0))[:3] == (13, 17, 23)

    def test_a_sheet_has_nothing_that_moves(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        stepper.run()
        page = opened(visit, tmp_path, stepper)
        page.keyboard.press("ArrowLeft")
        page.locator(".view .dot").first.wait_for()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".sheet svg").count() == 1
        assert page.locator(".sheet .dot").count() == 0


class TestForEverybody:
    def test_labels_and_order_of_the_focus(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        order = []
        for _ in range(24):
            page.keyboard.press("Tab")
            order.append(
                page.evaluate(
                    "(() => { const x = document.getElementById('stepper').shadowRoot.activeElement;"
                    " return x && (x.getAttribute('aria-label') || x.textContent); })()"
                )
            )
        assert order == [
            *("Sheet", "Blank sheet", "PNG", "SVG", "Link", "Dark or light", "Picture", "Zoom in", "Zoom out", "Fit"),
            *("Rewind", "Back", "Play", "Step", "Step", "Speed", "Statements and code", "Breakpoint at z", "Source"),
            *("Reset", "x1", "Value of x1", "x2", "Value of x2"),
        ]
        tree = page.locator("#stepper").aria_snapshot()
        assert 'region "Stepper"' in tree
        assert "Computation graph of L" in tree
        assert not re.findall(r"- (?:button|slider|combobox)$", tree, re.MULTILINE)

    def test_a_step_is_spoken_once(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.keyboard.press("ArrowRight")
        assert page.locator("[aria-live]").all_text_contents() == [
            "z = w1 * x1 + w2 * x2 + b = 0.300 * 2.000 + 0.500 * -1.000 + 0.200 = 0.300"
        ]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_names_can_be_read_before_their_step_too(self, visit: Visit, tmp_path: Path, scheme: Any) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.emulate_media(color_scheme=scheme)
        page.keyboard.press("ArrowRight")
        for name in page.locator(".table .name").all():
            colours = name.evaluate(
                """x => {
                  const [own, around] = [x, x.closest(".table")].map(x => getComputedStyle(x));
                  return [own.color, around.backgroundColor, own.opacity];
                }"""
            )
            assert colours.pop() == "1"
            light, dark = sorted(map(luminance, colours), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5  # AA of the accessibility guidelines

    def test_reduced_motion(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        moving = "getComputedStyle(document.querySelector('#stepper').shadowRoot.querySelector('.card')).transitionDuration"
        assert page.evaluate(moving) == "0.15s"
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(moving) == "0s"


class TestQuiz:
    def answer(self, page: Any, text: str) -> str:
        page.fill(".quiz input", text)
        page.keyboard.press("Enter")
        return str(page.inner_text(".quiz [role=status]"))

    def test_right_and_wrong_answers_hints_and_score(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.click("text=Quiz")
        assert page.inner_text(".quiz label").startswith("What is da?")
        assert count(page) == "4 / 9"
        assert red(page) == ["dL = 1.000"]
        assert not page.locator(".table").is_visible()
        assert self.answer(page, "").startswith("there is no formula")
        for text in ("__import__('os')", "1e999", "constructor", "da"):
            assert self.answer(page, text).startswith("column 1: ")
        assert self.answer(page, "3") == "da: not yet. Even the sign is off"
        assert self.answer(page, "1.741") == "da: not yet. The sign is wrong"
        for hint in ("a is read by L", "local derivative: ∂L/∂a", "chain rule: da = dL · ∂L/∂a", "chain rule: da = dL · ∂L/∂a"):
            page.click("text=Hint")
            assert hint in page.inner_text(".quiz [role=status]")
            assert "1.741" not in page.inner_text(".quiz [role=status]")
        assert self.answer(page, "−1.741") == "da = -y / a + (1 - y) / (1 - a) = -1.741: right"
        assert page.inner_text(".quiz label").startswith("What is dz?")
        assert self.answer(page, "-0.4256").endswith("right")
        assert self.answer(page, "-0.85").endswith("right")
        page.click("text=Reveal")
        assert self.answer(page, "-0.426").endswith("right")
        for way in ("up", "down", "up"):
            page.get_by_role("radio", name=way).check()
            page.click("text=Check")
        assert page.inner_text(".quiz [role=status]").endswith("6 of 8 right at the first try, 3 hints.")
        assert count(page) == "9 / 9"

    def test_the_focus_stays_in_the_stepper_behind_the_last_answer(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, two_readers().stepper())
        page.click("text=Quiz")
        self.answer(page, "3")
        self.answer(page, "12")
        page.click("text=Reveal")
        focus = "document.getElementById('stepper').shadowRoot.activeElement?.getAttribute('aria-label')"
        assert page.evaluate(focus) == "Stepper"

    @pytest.mark.parametrize(("wrong", "hints"), [("", "1 hint."), ("-3", "0 hints."), ("7", "0 hints.")])
    def test_behind_a_hint_or_a_wrong_answer_none_is_right_at_the_first_try(
        self, visit: Visit, tmp_path: Path, wrong: str, hints: str
    ) -> None:
        page = opened(visit, tmp_path, two_readers().stepper())
        page.click("text=Quiz")
        if wrong:
            self.answer(page, wrong)
        else:
            page.click("text=Hint")
        self.answer(page, "3")
        self.answer(page, "12")
        page.click("text=Reveal")
        assert page.inner_text(".quiz [role=status]").endswith(f"1 of 3 right at the first try, {hints}")

    def test_stepping_waits_for_the_answer(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper())
        page.click("text=Quiz")
        page.click("button[aria-label=Step]")
        page.click("button[aria-label=Play]")
        assert count(page) == "4 / 9"
        assert page.locator("button[aria-label=Pause]").count() == 0
        page.click("text=Statements")
        page.click("button[aria-label=Step]")
        assert count(page) == "5 / 9"
        assert not page.locator(".quiz").is_visible()

    def test_of_an_array_an_entry_is_asked_for_and_contributions_go_together(self, visit: Visit, tmp_path: Path) -> None:
        graph = logistic()
        page = opened(visit, tmp_path, graph.stepper())
        page.click("text=Quiz")
        label = page.inner_text(".quiz label")
        entry = int(re.findall(r"da\[(\d)\]", label)[0])
        assert self.answer(page, str(graph["da"].value[entry])).startswith("da = ")
        page = opened(visit, tmp_path, two_readers().stepper())
        page.click("text=Quiz")
        assert self.answer(page, "3") == "dy = w = 3.000: right"
        assert "What is dw?" in page.inner_text(".quiz label")
        assert self.answer(page, "12").startswith("dw = ")
        assert count(page) == "6 / 6"

    def test_a_page_can_begin_with_the_quiz(self, visit: Visit) -> None:
        page = visit.show(page_of(neuron().stepper(), quiz=True))
        assert page.inner_text(".quiz label").startswith("What is da?")


class TestFile:
    def test_it_is_one_file_that_asks_for_nothing(self, tmp_path: Path) -> None:
        html = neuron().stepper().save(tmp_path / "walk.html").read_text(encoding="utf-8")
        assert not re.findall(r"""(?:src|href)\s*=\s*["']|url\(|@import|https?://(?!www\.w3\.org)""", html)
        assert "default-src 'none'" in html

    def test_names_of_pieces_and_ends_of_scripts_are_text(self, visit: Visit, tmp_path: Path) -> None:
        w = tg.parameter(2.0)
        y = w * 3  # </script><script>alert(1)</script> <!--
        stepper = tg.Graph(y, names={"/* data */": y, "<!-- title -->": w}).stepper()
        page = opened(visit, tmp_path, stepper)
        page.keyboard.press("ArrowRight")
        assert page.title() == f"Walk through {stepper.graph.name(y)}"
        assert "</script><script>alert(1)</script> <!--" in page.locator(".code .current").text_content()

    def test_notebooks_get_it_in_a_frame_without_rights_and_a_picture(self) -> None:
        bundle = neuron().stepper()._repr_mimebundle_()
        assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
        assert bundle["text/html"].startswith('<iframe sandbox="allow-scripts allow-downloads" srcdoc="')
        assert bundle["image/svg+xml"].startswith("<svg")

    @pytest.mark.parametrize("window", [1400, 1000, 700, 400])
    @pytest.mark.parametrize("make", [neuron, perceptron, recurrent])
    def test_a_frame_shows_the_step_and_scrolls_downwards_alone(self, visit: Visit, make: Any, window: int) -> None:
        visit.page.set_viewport_size({"width": window, "height": 900})
        frame = visit.show(make().stepper()._repr_mimebundle_()["text/html"]).locator("iframe").content_frame
        for tab in ("Statements and code", "Quiz"):
            frame.locator(f"role=tab[name='{tab}']").click()
            width, height, scrolled = frame.locator("html").evaluate(
                "x => [innerWidth - x.scrollWidth, innerHeight, x.scrollHeight]"
            )
            assert width == 0
            assert window < 1100 or scrolled == height  # all of it, beside the frame's own edge
            frame.locator("html").evaluate("x => { x.scrollTop = 0; }")
            for part in ("stage", "controls", "sum"):
                top, bottom = frame.locator(f".{part}").evaluate(
                    "x => [x.getBoundingClientRect().top, x.getBoundingClientRect().bottom]"
                )
                assert 0 <= top < bottom <= height

    def test_without_a_picture_everything_else_works(self, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TINYGRAPH_DOT", "/no/such/dot")
        stepper = neuron().stepper()
        assert set(stepper._repr_mimebundle_()) == {"text/html", "text/plain"}
        page = opened(visit, tmp_path, stepper)
        assert page.inner_text(".stage").startswith("There is no picture: TINYGRAPH_DOT='/no/such/dot' is no program")
        for name in WALK:
            page.keyboard.press("ArrowRight")
            assert page.inner_text(".table .current .name") == name
            assert page.locator(".equation math").count() > 1
            assert page.locator(".code .current").count() == 1
        page.click("text=Quiz")
        assert page.inner_text(".quiz label").startswith("What is da?")

    def test_a_layout_that_failed_is_not_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried = []

        def fail(*_: Any) -> Any:
            tried.append(1)
            raise LayoutError("dot took longer than 20 s")

        monkeypatch.setattr(Picture, "part_of_page", fail)
        stepper = neuron().stepper()
        for _ in range(3):
            assert "dot took longer than 20 s" in data_of(stepper.page())["data"]["trouble"]
            stepper.update()
        assert len(tried) == 1

    def test_graphs_of_every_kind_have_pages(self) -> None:
        empty, x = tg.parameter(np.zeros((0, 3))), tg.parameter([1.0, 2.0])
        infinite = tg.parameter(np.inf)
        seeded = tg.Graph(x**2, names={"x": x})
        seeded.backprop(seed=[1.0, 2.0])
        graphs = [
            tg.Graph(np.sum(empty * 2), names={"w": empty}), tg.Graph(infinite - 1, names={"w": infinite}),
            tg.Graph(infinite, names={"w": infinite}), seeded,
        ]  # fmt: skip
        for graph in graphs:
            assert "</html>" in page_of(graph.stepper())
        assert "t_2" in [step["name"] for step in data_of(page_of(neuron().stepper("op")))["data"]["steps"]]

    def test_two_layers_on_32_examples(self, visit: Visit, tmp_path: Path, record_property: Any) -> None:
        stepper = two_layers().stepper()
        page = opened(visit, tmp_path, stepper)
        size = (tmp_path / "walk.html").stat().st_size
        assert size < 2_000_000
        times = []
        for _ in stepper.steps:
            before = time.perf_counter()
            page.evaluate(
                "() => new Promise(done => { document.getElementById('stepper').shadowRoot"
                ".querySelector('button[aria-label=Step]').click(); requestAnimationFrame(() => setTimeout(done)); })"
            )
            times.append(1000 * (time.perf_counter() - before))
        record_property("page in bytes", size)
        record_property("slowest step in ms", round(max(times)))
        print(f"page of {size} bytes, a step takes {np.median(times):.0f} ms, the slowest {max(times):.0f} ms")

    def test_a_further_iteration_adds_its_numbers_alone(self) -> None:
        stepper = two_layers().stepper()
        sizes = []
        for _ in range(3):
            sizes.append(len(json.dumps(data_of(stepper.page()))))
            stepper.update()
        assert sizes[2] - sizes[1] < sizes[0] / 4

    def test_what_is_written_of_a_step_is_written_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written = []
        entry = StepWriter.data
        monkeypatch.setattr(StepWriter, "data", lambda self, step: [written.append(step), entry(self, step)][1])
        stepper = neuron().stepper()
        for _ in range(3):
            stepper.page()
            stepper.update()
        assert len(written) == len(set(written)) == 9 + 3 * 2  # of the first chapter, and of each update of it

    def test_the_same_graph_gives_the_same_page(self) -> None:
        assert page_of(scalar_moons().stepper()) == page_of(scalar_moons().stepper())

    def test_a_picture_of_large_arrays_holds_excerpts(self, tmp_path: Path) -> None:
        X = tg.constant(np.zeros((2000, 300)))
        w = tg.parameter(np.zeros(300))
        L = np.sum(X @ w)
        assert tg.Graph(L, names=locals()).stepper().save(tmp_path / "walk.html").stat().st_size < 200_000

    def test_hostile_names_execute_nothing(self, visit: Visit, tmp_path: Path) -> None:
        names: dict[str, object] = {}
        total = tg.parameter(0.0) * 1
        for i, name in enumerate(HOSTILE):
            w = tg.parameter(float(i))
            total = total + w * 2
            names[name] = w
        stepper = tg.Graph(total, names=names).stepper()
        page = opened(visit, tmp_path, stepper)
        page.click("text=Quiz")
        page.click("text=Hint")
        page.click("text=Quiz")
        page.keyboard.press("Home")
        for _ in stepper.steps:
            page.keyboard.press("ArrowRight")
            assert page.locator("parsererror").count() == 0
        assert page.locator("script").count() == 2  # that of the file, and the program that it unpacks
        assert page.locator("img, iframe, a, object").count() == 0
