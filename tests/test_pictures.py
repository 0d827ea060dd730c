"""The pictures of a walk, wide and tall: one script writes numbers into both, and moves dots along their edges."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser import Visit, browser
from tests.drawings import logistic, neuron, perceptron
from tests.test_keys import lines
from tests.test_picture import rgb
from tinygraph.draw.engine import VARIABLE
from tinygraph.draw.theme import DARK, LIGHT
from tinygraph.draw.view import script_json
from tinygraph.stepping import pictures
from tinygraph.stepping.page import HOME
from tinygraph.stepping.pictures import drawing, laid_out, line_texts

SCRIPT = "".join(HOME.joinpath(f"javascript/{name}.js").read_text(encoding="utf-8") for name in ("elements", "picture"))

INSIDE = """all => all.map(x => {
  const own = x.getBBox(), card = x.closest(".card").querySelector("path, polygon, rect").getBBox();
  return own.x > card.x && own.x + own.width < card.x + card.width;
})"""


@pytest.fixture
def visit() -> Iterator[Visit]:
    with browser() as visit:
        yield visit
        assert visit.trouble == []


def shown(visit: Visit, *svgs: str) -> Any:
    """A page with pictures; `pictures` are what the script makes of them."""
    return visit.show(
        f"<body><script type=module>{SCRIPT}\nwindow.pictures = {script_json(list(svgs))}.map(pictureOf);"
        "document.body.append(...pictures.map(picture => picture.svg));</script></body>"
    )


@pytest.mark.parametrize("make", [neuron, logistic, perceptron])
def test_both_have_a_place_for_each_line(make: Any) -> None:
    stepper = make().stepper()
    wanted = set(line_texts(drawing(stepper.chapter)))
    assert set(lines(laid_out(stepper).svg)) == set(lines(laid_out(stepper).tall)) == wanted


def test_a_large_graph_has_no_tall_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    assert laid_out(neuron().stepper()).tall
    monkeypatch.setattr(pictures, "MOST", 8)  # of the neuron's nine cards
    large = laid_out(neuron().stepper())
    assert (bool(large.svg), large.tall, large.trouble) == (True, "", "")


def test_without_an_engine_there_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "no-such-program")
    found = laid_out(neuron().stepper())
    assert (found.svg, found.tall) == ("", "")
    assert "no-such-program" in found.trouble


def test_the_tall_one_costs_little() -> None:
    found = laid_out(neuron().stepper())
    assert len(script_json(found.tall)) < 10_500
    assert len(found.tall) < len(found.svg)


def test_a_text_is_written_into_its_line_and_condensed_only_where_it_is_longer_than_its_cell(visit: Visit) -> None:
    stepper = neuron().stepper()
    page = shown(visit, laid_out(stepper).svg, laid_out(stepper).tall)
    keys = {text: key for key, text in line_texts(drawing(stepper.chapter)).items()}
    new = {keys["w₁ = 0.300"]: "w₁ = −0.305", keys["dz = −0.426"]: f"dz = {'9' * 40}", keys["z = w₁x₁ + w₂x₂ + b"]: "title"}
    page.evaluate("new_ => pictures.forEach(picture => picture.write(key => new_[key] ?? ''))", new)
    for key, text in new.items():
        places = page.locator(f'[data-line="{key}"]')
        assert places.all_text_contents() == [text, text]
        condensed = places.evaluate_all("all => all.map(x => x.hasAttribute('textLength'))")
        assert condensed == [len(text) > 40] * 2
        assert places.evaluate_all(INSIDE) == [True, True]


def test_pictures_are_as_dark_as_the_page_that_they_are_in(visit: Visit) -> None:
    found = laid_out(neuron().stepper())
    page = shown(visit, found.svg, found.tall)
    for scheme, theme in {"light": LIGHT, "dark": DARK}.items():
        page.evaluate("scheme => document.body.style.colorScheme = scheme", scheme)
        fill = "all => all.map(x => getComputedStyle(x).fill)"
        fills = page.locator('.op > [fill="#fff4cc"]').evaluate_all(fill)
        assert set(fills) == {rgb(theme.kinds["op"].fill)}


class TestFlow:
    """A dot on each edge that a step follows."""

    WHERE = """([i, id]) => {
      const dot = pictures[i].svg.getElementById(id).querySelector("circle");
      const path = dot.parentNode.querySelector("path"), length = path.getTotalLength(), at = x => path.getPointAtLength(x);
      const far = p => Math.hypot(p.x - dot.cx.baseVal.value, p.y - dot.cy.baseVal.value);
      let best = 0; for (let k = 0; k <= 400; k += 1) if (far(at(length * k / 400)) < far(at(length * best / 400))) best = k;
      return [best / 400, far(at(length * best / 400))]; }"""

    @pytest.mark.parametrize(("edge", "runs"), [("forward-n6-n7-0", 1), ("backward-n6-n7-0", -1)])
    def test_it_runs_along_the_edge_to_the_reader_or_back_to_the_value(self, visit: Visit, edge: str, runs: int) -> None:
        found = laid_out(neuron().stepper())
        page = shown(visit, found.svg, found.tall)
        page.emulate_media(reduced_motion="no-preference")
        page.evaluate("id => pictures.forEach(picture => picture.flow([id, 'n6', 'no-such-edge']))", edge)
        for i in (0, 1):
            page.wait_for_selector(f"svg:nth-of-type({i + 1}) circle", state="attached")
            places = []
            for _ in range(6):
                page.wait_for_timeout(60)
                places.append(page.evaluate(self.WHERE, [i, edge]))
            assert max(away for _, away in places) < 2
            steps = np.diff([place for place, _ in places]) * runs
            assert np.sum(steps < 0) <= 1  # where a run begins anew
            assert np.sum(steps > 0) >= 2
        assert page.locator("circle").count() == 2

    def test_it_ends_by_itself_and_with_the_next_call(self, visit: Visit) -> None:
        page = shown(visit, laid_out(neuron().stepper()).tall)
        page.emulate_media(reduced_motion="no-preference")
        page.evaluate("pictures[0].flow(['forward-n6-n7-0'])")
        page.wait_for_selector("circle", state="attached")
        page.evaluate("pictures[0].flow(['forward-n7-n8-1'])")
        page.wait_for_selector("#forward-n7-n8-1 circle", state="attached")
        assert page.locator("circle").count() == 1
        page.wait_for_selector("circle", state="detached", timeout=10_000)
        page.evaluate("pictures[0].flow(['forward-n6-n7-0'])")
        page.wait_for_selector("circle", state="attached")
        page.evaluate("pictures[0].flow([])")
        assert page.locator("circle").count() == 0

    def test_nothing_moves_for_who_prefers_that(self, visit: Visit) -> None:
        page = shown(visit, laid_out(neuron().stepper()).svg)
        page.emulate_media(reduced_motion="reduce")
        page.evaluate("pictures[0].flow(['forward-n6-n7-0'])")
        page.wait_for_timeout(200)
        assert page.locator("circle").count() == 0


def test_on_a_phone_the_walk_shows_the_tall_one_in_letters_that_can_be_read(visit: Visit, tmp_path: Path) -> None:
    stepper = neuron().stepper()
    stepper.run()
    visit.page.set_viewport_size({"width": 360, "height": 740})
    visit.page.goto(stepper.save(tmp_path / "walk.html").as_uri())
    natural, width = visit.page.locator(".stage .view > svg").evaluate(
        "x => [+x.getAttribute('width'), x.getBoundingClientRect().width]"
    )
    assert f'width="{natural:g}"' in laid_out(stepper).tall
    assert 13 * width / natural >= 11
    assert width <= 360
    texts = set(visit.page.locator(".stage .card text").all_text_contents())
    assert {"∂a/∂z = a(1 − a) = 0.244", "dw₁ = −0.851"} <= texts
