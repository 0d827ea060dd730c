"""Folding on the page of a walk, in a real browser: by mouse and keyboard, with every step lit on the drawing that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import Visit, browser, data_of
from tests.drawings import neuron, perceptron
from tests.page_kinds import KINDS
from tests.test_page_looks import CONTRAST, MEASURE, SMALLEST, opened
from tests.test_page_tools import TestFiles, printed
from tests.test_picture import HOSTILE
from tests.test_pictures import INSIDE
from tests.test_widget import faked
from tinygraph.draw.svg import SMALLEST as READABLE

FOLD = "select[aria-label=Fold]"
OWNER = """x => { const [a, b] = [x, x.closest(".view")].map(y => y.getBoundingClientRect());
  return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom; }"""


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    with browser() as found:
        yield found
        assert found.trouble == []


def shown(page: Any) -> str:
    """The label of the folding that is shown."""
    return str(page.locator(f"{FOLD} option:checked").inner_text())


def titles(cards: Any) -> set[str]:
    """The first lines of cards."""
    return set(cards.evaluate_all("all => all.map(x => x.querySelector('text').textContent)"))


def handle(page: Any, says: str) -> Any:
    """The handle whose label begins so."""
    return page.locator(f".handle[aria-label^='{says}:']")


def scale(page: Any) -> float:
    return float(page.locator(".view svg").evaluate("x => x.getBoundingClientRect().width / x.getAttribute('width')"))


# What is lit at each position of the walk: the ids of cards.
WALKED = """(slider, last) => Array.from({ length: last + 1 }, (_, position) => {
  slider.value = position;
  slider.dispatchEvent(new Event("input"));
  return [...slider.getRootNode().querySelectorAll(".view .card.now")].map(card => card.id);
})"""


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("kind", ["folded", "recurrence"])
def test_in_every_folding_every_step_lights_its_card(visit: Visit, tmp_path: Path, kind: str, width: int) -> None:
    stepper = KINDS[kind]().stepper()
    total = len(stepper.steps)
    page = opened(visit, tmp_path, stepper, width)
    foldings = data_of((tmp_path / "walk.html").read_text())["data"]["foldings"]
    assert page.locator(f"{FOLD} option").all_inner_texts() == [one["label"] for one in foldings]
    for one in foldings:
        page.select_option(FOLD, label=one["label"])
        lit = page.locator(".track input").evaluate(WALKED, total)
        assert lit == [[], *(keys[:1] for keys in one["highlighted"][:total])]
        assert page.locator(".view .unknown").count() == 0  # at the end


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("kind", ["folded", "recurrence"])
def test_in_every_folding_texts_can_be_read_and_nothing_is_cut_off(visit: Visit, tmp_path: Path, kind: str, width: int) -> None:
    stepper = KINDS[kind]().stepper()
    for scheme in ("light", "dark"):
        page = opened(visit, tmp_path, stepper, width, scheme)
        for label in page.locator(f"{FOLD} option").all_inner_texts():
            page.select_option(FOLD, label=label)
            for position in (0, 2, len(stepper.steps)):
                page.locator(".track input").fill(str(position))
                texts = page.evaluate(MEASURE)
                assert [x for x in texts if x["size"] < SMALLEST] == [], (label, position)
                assert [x for x in texts if x["contrast"] < CONTRAST] == [], (label, position)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            inside = page.locator(".view .card text").evaluate_all(f"all => [({INSIDE})(all), all.map(x => x.textContent)]")
            assert [text for is_inside, text in zip(*inside, strict=True) if not is_inside] == []


class TestHandles:
    def test_a_click_opens_a_folded_card_and_another_folds_the_module_again(self, visit: Visit, tmp_path: Path) -> None:
        stepper = perceptron(3).stepper()
        stepper.run(until="Z2")
        page = opened(visit, tmp_path, stepper, 1400)
        assert page.locator(".handle").count() == 3
        handle(page, "Fold layer2").click()
        assert shown(page) == "layer2 folded"
        assert "▸ layer2" in titles(page.locator(".view .card"))
        assert page.locator(".card.now").evaluate("x => x.querySelector('text').textContent") == "▸ layer2"
        handle(page, "Fold layer1").click()
        assert {"▸ layer1", "▸ layer2"} <= titles(page.locator(".view .card"))
        handle(page, "Unfold layer2").click()
        assert shown(page) == "layer1 folded"
        assert page.locator(".card.now").evaluate("x => x.querySelector('text').textContent").startswith("Z₂ =")
        assert page.inner_text(".count").startswith("3 ")  # no click on a card went through

    @pytest.mark.parametrize("key", ["Enter", " "])
    def test_the_keyboard_does_the_same_and_keeps_its_place(self, visit: Visit, tmp_path: Path, key: str) -> None:
        page = opened(visit, tmp_path, perceptron(5).stepper(), 1400)
        page.select_option(FOLD, label="all folded")
        before = page.inner_text(".count")
        handle(page, "Unfold layer3").focus()
        page.keyboard.press(key)
        assert shown(page) == "only layer3 open"
        focus = "document.getElementById('stepper').shadowRoot.activeElement.getAttribute('aria-label')"
        assert page.evaluate(focus) == "Fold layer3: all folded"
        page.keyboard.press(key)
        assert shown(page) == "all folded"
        assert page.evaluate(focus) == "Unfold layer3: only layer3 open"
        assert page.inner_text(".count") == before

    def test_lines_of_code_open_together(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, KINDS["recurrence"]().stepper(), 1400)
        assert page.locator(".view .card").count() == 4
        page.locator(".handle").first.click()
        assert shown(page) == "all open"
        assert page.locator(".view .card").count() == 64
        assert page.locator(".handle").count() == 0

    @pytest.mark.parametrize("width", [1400, 800, 400])
    def test_the_card_of_the_step_can_be_seen_and_read(self, visit: Visit, tmp_path: Path, width: int) -> None:
        stepper = KINDS["folded"]().stepper()
        for name in ("Z4", "A1", "dZ2", "dW1"):
            stepper.rewind()
            stepper.run(until=name)
            page = opened(visit, tmp_path, stepper, width)
            for _ in range(4):
                page.get_by_role("button", name="Zoom out").click()
            assert scale(page) < READABLE
            for label in page.locator(f"{FOLD} option").all_inner_texts()[::-1]:
                page.select_option(FOLD, label=label)
                assert scale(page) >= READABLE - 1e-3
                card = page.locator(".card.now")
                assert card.evaluate("x => x.checkVisibility()")
                assert card.locator("text").first.evaluate(OWNER), (name, label)

    def test_a_finger_can_touch_them(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, KINDS["folded"]().stepper(), 400)
        page.select_option(FOLD, label="only layer2 open")
        sizes = page.locator(".handle .reach").evaluate_all("all => all.map(x => x.getBoundingClientRect().width)")
        assert len(sizes) == 4
        assert min(sizes) >= 44

    def test_a_picture_with_one_folding_has_neither_handles_nor_a_choice(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        assert page.locator(".handle").count() == 0
        assert not page.locator(FOLD).is_visible()


class TestEverythingOnThePictureFollows:
    def test_the_path_that_is_kept_stays_lit(self, visit: Visit, tmp_path: Path) -> None:
        w = tg.parameter(0.5)
        a = w * 3
        b = a * a
        L = b + w
        graph = tg.Graph(L, names={"w": w, "L": L, "m": {"a": a, "b": b}})
        page = opened(visit, tmp_path, graph.stepper(), 1400)
        page.get_by_role("tab", name="Paths").click()
        page.locator(".way").filter(has_text="∂L/∂b").first.click()
        traced = page.locator(".view .card.traced")
        assert titles(traced) == {"w = 0.500", "a = w·3", "b = aa", "L = b + w"}
        handle(page, "Fold m").click()
        assert titles(traced) == {"w = 0.500", "▸ m", "L = b + w"}
        page.keyboard.press("Escape")
        page.locator(".way[aria-pressed=true]").click()
        assert traced.count() == 0

    def test_edges_are_as_wide_as_the_gradients_along_them(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, KINDS["folded"]().stepper(), 1400)
        for label in page.locator(f"{FOLD} option").all_inner_texts():
            page.select_option(FOLD, label=label)
            widths = page.locator(".view .backward").evaluate_all(
                "all => all.map(x => parseFloat(x.style.getPropertyValue('--width')))"
            )
            assert max(widths) == 4.5
            assert all(1.2 <= x <= 4.5 for x in widths)

    def test_flags_and_inputs_that_get_nothing_are_marked(self, visit: Visit, tmp_path: Path) -> None:
        w, v, x = tg.parameter(-2.0), tg.parameter(-1.0), tg.constant(3.0)
        with np.errstate(all="ignore"):
            z = w * x
            a = np.log(z)
            b = tg.relu(v)
            L = a + b
            graph = tg.Graph(L, names={"w": w, "v": v, "x": x, "m": {"z": z, "a": a}, "b": b, "L": L})
            stepper = graph.stepper()
            page = opened(visit, tmp_path, stepper, 1400)
        page.keyboard.press("End")
        flagged, inactive = page.locator(".view .card.flagged"), page.locator(".view text.inactive")
        assert titles(flagged) == {"a = ln(z)", "L = a + b"}
        assert [text.partition(" =")[0] for text in inactive.all_text_contents()] == ["v", "∂b/∂v"]
        handle(page, "Fold m").click()
        assert titles(flagged) == {"▸ m", "L = a + b"}
        assert [text.partition(" =")[0] for text in inactive.all_text_contents()] == ["v", "∂b/∂v"]

    def test_files_and_sheets_have_the_drawing_that_is_shown(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, KINDS["folded"]().stepper(), 1400)
        page.keyboard.press("End")
        page.select_option(FOLD, label="all folded")
        content = ElementTree.fromstring(TestFiles().saved(page, "SVG"))
        drawn = {x.text for x in content.iter() if x.tag.endswith("}text")}
        assert {f"▸ layer{i}" for i in range(1, 5)} <= drawn
        assert not [x for x in content.iter() if "handle" in x.get("class", "")]
        printed(page, blank=True)
        sheet = page.locator(".sheet svg")
        assert {f"▸ layer{i}" for i in range(1, 5)} <= set(sheet.locator("text").all_text_contents())
        assert sheet.locator(".handle").count() == 0
        assert sheet.locator("text.unknown").count() > 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")

    def test_numbers_follow_a_leaf_in_every_folding(self, visit: Visit, tmp_path: Path) -> None:
        w, x = tg.parameter(0.5), tg.constant(3.0)
        z = w * x
        graph = tg.Graph(L := z * z, names={"w": w, "x": x, "m": {"z": z}, "L": L})
        page = opened(visit, tmp_path, graph.stepper(), 1400)
        page.keyboard.press("End")
        page.fill("input[aria-label='Value of w']", "2")
        page.keyboard.press("Enter")
        for label in page.locator(f"{FOLD} option").all_inner_texts():
            page.select_option(FOLD, label=label)
            assert "z = 6.000" in page.locator(".view .card text").all_text_contents()


def test_hostile_names_of_modules_execute_nothing(visit: Visit, tmp_path: Path) -> None:
    names: dict[str, object] = {}
    total = tg.parameter(0.0) * 1
    for i, name in enumerate(HOSTILE):
        w = tg.parameter(float(i))
        total = total + (v := w * 2)
        names[name] = {"w": w, "v": v}
    page = opened(visit, tmp_path, tg.Graph(total, names=names).stepper(), 1400)
    options = page.locator(f"{FOLD} option").all_inner_texts()
    assert len(options) > 2
    page.select_option(FOLD, label="all folded")
    count = page.locator(".handle").count()
    assert count > 2
    for i in range(count):
        page.select_option(FOLD, label="all folded")
        page.locator(".handle").nth(i).dispatch_event("click")
        page.keyboard.press("ArrowRight")
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    assert visit.trouble == []


class TestWidget:
    def test_it_folds_and_keeps_its_folding_when_the_kernel_sends_new_numbers(self, visit: Visit) -> None:
        w, x = tg.parameter(0.5), tg.constant(3.0)
        z = w * x
        graph = tg.Graph(L := z * z, names={"w": w, "x": x, "m": {"z": z}, "L": L})
        stepper = graph.stepper()
        stepper.run()
        widget = stepper.widget()
        page = faked(visit, widget)
        handle(page, "Fold m").click()
        assert "z = 1.500" in page.locator(".view .card text").all_text_contents()
        widget.new_value = {"name": "w", "value": 2.0}
        page.evaluate("([data, texts]) => { model.set('data', data); model.set('texts', texts); }", [widget.data, widget.texts])
        assert shown(page) == "all folded"
        assert "z = 6.000" in page.locator(".view .card text").all_text_contents()
        assert page.evaluate("sent") == []
