"""The page to explore, in a real browser with no network: choose, search, fold, keyboard, and nothing executed."""

import re
from pathlib import Path

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tests.drawings import neuron, perceptron
from tests.test_picture import HOSTILE
from tinygraph.draw.view import script_json


def test_it_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    html = neuron().view().save(tmp_path / "g.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=|url\(|https?://(?!www\.w3\.org)""", html)
    assert "default-src 'none'" in html


def test_notebooks_get_it_in_a_frame_without_rights() -> None:
    html = neuron().view()._repr_html_()
    assert html is not None
    assert html.startswith('<iframe sandbox="allow-scripts" srcdoc="')


def test_json_cannot_leave_its_script() -> None:
    assert script_json({"</script>": "<!-- & \u2028 -->"}) == '{"\\u003c/script\\u003e": "\\u003c!-- \\u0026 \\u2028 --\\u003e"}'


def test_choosing_searching_and_the_keyboard(tmp_path: Path) -> None:
    graph = neuron()
    path = graph.view().save(tmp_path / "g.html")
    with browser() as visit:
        page = visit.page
        page.goto(path.as_uri())
        page.locator(".card", has_text="a = σ(z)").click()
        panel = page.inner_text("#panel")
        assert "a = sigmoid(z)" in panel
        assert f"{graph['a'].value:.5f}" in panel
        assert f"{graph['da'].value:.5f}" in panel
        assert Path(__file__).parent.joinpath("drawings.py").name in panel
        assert page.locator("#panel math").bounding_box()["width"] > 20
        page.fill("#search", "w2")
        assert page.inner_text("#found") == "1 found"
        assert "0.5" in page.inner_text("#panel pre")
        assert page.locator(".faded").count() > 0
        page.fill("#search", "no such name")
        assert page.inner_text("#found") == "0 found"
        page.fill("#search", "")
        card = page.locator(".card").first
        card.focus()
        page.keyboard.press("Enter")
        assert page.locator(".card.chosen").count() == 1
        assert card.get_attribute("role") == "button"
        before = page.locator(".drawing").first.get_attribute("style")
        page.locator("#stage").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("+")
        assert page.locator(".drawing").first.get_attribute("style") != before
        assert not visit.trouble


def test_modules_fold_and_open(tmp_path: Path) -> None:
    path = perceptron().view(fold=["layer1"]).save(tmp_path / "g.html")
    with browser() as visit:
        page = visit.page
        page.goto(path.as_uri())
        shown = page.locator(".drawing:not([hidden])")
        buttons = page.locator("#modules button")
        assert buttons.all_inner_texts() == ["▸ layer1", "▾ layer2"]
        assert shown.locator(".card", has_text="A₁ = tanh(Z₁)").count() == 0
        buttons.nth(0).click()
        assert shown.locator(".card", has_text="A₁ = tanh(Z₁)").count() == 1
        buttons.nth(0).click()
        buttons.nth(1).click()
        assert shown.locator(".card").count() == 5
        shown.locator(".card", has_text="▸ layer2").click()
        page.click("text=Open layer2")
        assert buttons.all_inner_texts() == ["▸ layer1", "▾ layer2"]
        assert not visit.trouble


def test_large_values_are_excerpts_with_statistics(tmp_path: Path) -> None:
    x = tg.parameter(np.linspace(0, 1, 2001))
    with browser() as visit:
        page = visit.page
        page.goto(tg.Graph(np.sum(x), names={"x": x}).view().save(tmp_path / "g.html").as_uri())
        page.fill("#search", "x")
        panel = page.inner_text("#panel")
        assert "min 0, max 1, mean 0.5" in panel
        assert "..." in panel
        assert not visit.trouble


@pytest.mark.parametrize("where", ["names", "modules"])
def test_hostile_names_execute_nothing(tmp_path: Path, where: str) -> None:
    names: dict[str, object] = {}
    total = tg.parameter(0.0) * 1
    for i, name in enumerate(HOSTILE):
        w = tg.parameter(float(i))
        v = w * 2
        total = total + v
        names[name] = v if where == "names" else {"w": w, "v": v}
    graph = tg.Graph(total, names=names)
    graph.backprop()
    with browser() as visit:
        page = visit.page
        page.goto(graph.view().save(tmp_path / "g.html").as_uri())
        for card in page.locator(".drawing:not([hidden]) .card").all()[:12]:
            card.dispatch_event("click")
        page.fill("#search", "<script>")
        assert page.locator("script").count() == 2
        assert page.locator("img").count() == 0
        assert not visit.trouble
