"""What stands around the walk of a page: the sheet that prints, pictures as files, zoom, the theme, and *Reset*."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.browser import Visit
from tests.drawings import neuron, softmax
from tests.test_page_looks import opened
from tinygraph.stepping.stepper import Stepper


def printed(page: Any, blank: bool = False) -> list[list[str]]:
    """The rows of the sheet: each with the numbers in it."""
    page.evaluate("window.print = () => dispatchEvent(new Event('beforeprint'))")
    page.get_by_role("button", name="Blank sheet" if blank else "Sheet", exact=True).click()
    cells = "row => [...row.querySelectorAll('.number')].map(cell => cell.textContent.replaceAll('−', '-'))"
    rows: list[list[str]] = page.evaluate(
        f"[...document.getElementById('stepper').shadowRoot.querySelectorAll('.sheet tbody tr')].map({cells})"
    )
    return rows


def factors(stepper: Stepper) -> list[list[str]]:
    """Upstream gradient, local derivative and value of each step of scalars."""
    values = {step.name: float(step.value) for step in stepper.steps}
    rows = []
    for step in stepper.steps:
        pair = [values[step.upstream], float(step.passes[0].local_value)] if step.upstream else []
        rows.append([f"{x:.3f}" for x in pair] if pair else ["", ""])
        rows[-1].append(f"{float(step.value):.3f}")
    return rows


class TestSheet:
    def test_it_has_a_row_for_each_step_in_the_numbers_of_now(self, visit: Visit, tmp_path: Path) -> None:
        stepper = neuron().stepper()
        page = opened(visit, tmp_path, stepper, 1400)
        assert printed(page) == factors(stepper)
        page.fill("input[aria-label='Value of w1']", "0.9")
        page.keyboard.press("Enter")
        stepper.set(w1=0.9)
        assert printed(page) == factors(stepper)

    def test_a_blank_one_has_the_numbers_of_the_leaves_alone(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        page.keyboard.press("End")
        assert printed(page, blank=True) == [["", "", ""]] * 9
        lines = page.locator(".sheet svg text:not(.unknown)").all_text_contents()
        numbered = {line.partition(" ")[0] for line in lines if re.search(r"= −?\d", line)}
        assert numbered == {"x₁", "x₂", "w₁", "w₂", "b", "y"}
        assert not page.locator(".stage text.unknown").count()  # the picture on the screen is as it was

    def test_it_alone_is_printed_on_white(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400, "dark")
        printed(page)
        page.emulate_media(media="print", color_scheme="dark")
        assert not page.locator(".stage").is_visible()
        assert page.locator(".sheet table").is_visible()
        fills = page.locator(".sheet .card.input > [stroke]").evaluate_all("all => all.map(x => getComputedStyle(x).fill)")
        assert "rgb(238, 240, 243)" in fills  # of the light theme
        page.emulate_media(media="screen")


class TestFiles:
    def saved(self, page: Any, name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(download.value.path()).read_bytes()

    def test_an_svg_needs_no_style_sheet(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400, "dark")
        page.keyboard.press("End")
        content = self.saved(page, "SVG")
        tree = ElementTree.fromstring(content)
        tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
        assert "style" not in tags
        assert "circle" not in tags
        assert b"light-dark" not in content
        texts = [element for element in tree.iter() if element.tag.endswith("}text") and element.text == "dz = −0.426"]
        assert ["fill: rgb(255, 138, 128)" in element.get("style", "") for element in texts] == [True]

    def test_a_png_shows_the_same(self, visit: Visit, tmp_path: Path) -> None:
        image = pytest.importorskip("PIL.Image")
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        page.keyboard.press("End")
        picture = image.open(io.BytesIO(self.saved(page, "PNG"))).convert("RGB")
        natural = page.locator(".view svg").evaluate("x => [x.getAttribute('width'), x.getAttribute('height')].map(Number)")
        assert picture.size == tuple(2 * side for side in natural)
        colours = {colour for _, colour in picture.getcolors(1 << 24)}
        assert {(255, 255, 255), (255, 244, 204), (179, 38, 30)} <= colours  # paper, an op, a gradient


class TestView:
    def width(self, page: Any) -> float:
        return float(page.locator(".view svg").evaluate("x => x.getBoundingClientRect().width"))

    def test_zoom(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, softmax().stepper(), 1400)
        first = self.width(page)
        page.click("button[aria-label='Zoom in']")
        assert self.width(page) == pytest.approx(1.25 * first, rel=0.01)
        for _ in range(20):
            page.click("button[aria-label='Zoom out']")
        assert self.width(page) < 0.5 * first
        page.click("button[aria-label=Fit]")
        assert self.width(page) == pytest.approx(first)

    def test_the_picture_turns_where_more_of_it_can_be_seen_so(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        page.keyboard.press("End")
        texts = sorted(page.locator(".view text[data-line]").all_text_contents())
        wide = self.width(page)
        page.set_viewport_size({"width": 400, "height": 860})
        page.wait_for_selector(".stage.tall svg")
        assert self.width(page) <= 400 < wide
        assert sorted(page.locator(".view text[data-line]").all_text_contents()) == texts
        assert not page.locator(".view text.unknown").count()

    def test_dragging_moves_the_picture_and_is_no_click(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, softmax().stepper(), 1400)
        page.click("button[aria-label='Zoom in']")
        card = page.locator(".view .card.op").first.bounding_box()
        x, y = card["x"] + card["width"] / 2, card["y"] + card["height"] / 2
        before = page.locator(".view").evaluate("x => x.scrollLeft")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 90, y, steps=4)
        page.mouse.up()
        assert page.locator(".view").evaluate("x => x.scrollLeft") == pytest.approx(before + 90, abs=2)
        assert page.inner_text(".count").startswith("0 /")
        page.mouse.click(x - 90, y)
        assert page.inner_text(".count").startswith("1 /")

    def test_the_theme_is_chosen_against_the_system_s(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        colours = """() => [".app", ".view .card.op > [stroke]"].map(which => {
          const style = getComputedStyle(document.getElementById("stepper").shadowRoot.querySelector(which));
          return [style.backgroundColor, style.fill];
        })"""
        light = page.evaluate(colours)
        page.click("button[aria-label='Dark or light']")
        dark = page.evaluate(colours)
        assert dark[0][0] != light[0][0]
        assert dark[1][1] != light[1][1]
        page.click("button[aria-label='Dark or light']")
        assert page.evaluate(colours) == light

    def test_reset_gives_the_recorded_values_back(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron().stepper(), 1400)
        page.keyboard.press("End")
        before = page.locator(".view text").all_text_contents()
        page.click("button[aria-label='Update 10 times']")
        page.fill("input[aria-label='Value of x1']", "7")
        page.keyboard.press("Enter")
        page.click("text=Reset")
        page.locator(".app").focus()
        page.keyboard.press("End")
        assert page.locator(".view text").all_text_contents() == before
        assert page.locator(".chapters").is_hidden()
