"""The page to explore, in a real browser with no network: choose, search, fold, keyboard, and nothing executed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tests.drawings import neuron, perceptron
from tests.test_picture import HOSTILE, PURE, SYSTEM
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.picture import Picture
from tinygraph.draw.view import script_json

SCALE = "Number(document.querySelector('.drawing:not([hidden])').style.transform.match(/scale\\((.*)\\)/)[1])"
ENGINES = [engine for engine in (PURE, SYSTEM) if engine is not None]


def test_it_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    html = neuron().view().save(tmp_path / "g.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=|url\(|https?://(?!www\.w3\.org)""", html)
    assert "default-src 'none'" in html


def test_notebooks_get_it_in_a_frame_without_rights() -> None:
    html = neuron().view()._repr_html_()
    assert html is not None
    assert html.startswith('<iframe sandbox="allow-scripts allow-downloads" srcdoc="')


def test_json_cannot_leave_its_script() -> None:
    data = {"</script>": "<!-- <Script> & \u2028 -->", "b": "\ud800 <b>"}
    text = script_json(data)
    assert text == '{"<\\/script>":"\\u003c!-- \\u003cScript> & \u2028 -->","b":"\\ud800 <b>"}'
    assert json.loads(text) == data


def test_names_that_look_like_places_in_the_page_stay_names(tmp_path: Path) -> None:
    x = tg.parameter(2.0)
    places = ["/* script */", "/* data */", "/* style */", "/* colours */"]
    y = x * x
    with browser() as visit:
        for name in places:
            visit.page.goto(tg.Graph(y, names={name: x}).view().save(tmp_path / "g.html").as_uri())
            visit.page.fill("#search", name[3:6])
            assert name[3:-3] in visit.page.inner_text("#panel")
        assert visit.trouble == []


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
        page.click("#fit")
        fitted = page.locator(".drawing").first.get_attribute("style")
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
        size = "Number(document.querySelector('.drawing').style.transform.match(/scale\\((.*)\\)/)[1])"
        for smaller in (lambda: page.keyboard.press("-"), lambda: page.click("#out")):
            before = page.evaluate(size)
            smaller()
            assert page.evaluate(size) == pytest.approx(0.8 * before)
        page.locator("#stage").focus()
        for larger in (lambda: page.keyboard.press("+"), lambda: page.click("#in")):
            before = page.evaluate(size)
            larger()
            assert page.evaluate(size) == pytest.approx(1.25 * before)
        page.locator("#stage").focus()
        for key, moved in {"ArrowLeft": (40, 0), "ArrowRight": (-40, 0), "ArrowUp": (0, 40), "ArrowDown": (0, -40)}.items():
            start = card.bounding_box()
            page.keyboard.press(key)
            end = card.bounding_box()
            assert (end["x"] - start["x"], end["y"] - start["y"]) == pytest.approx(moved, abs=0.1)
        page.keyboard.press("0")
        assert page.locator(".drawing").first.get_attribute("style") == fitted
        assert not visit.trouble


BORDERS = """cards => cards.map(card => {
  const shapes = [...card.children].filter(shape => shape.matches("polygon, path"));
  const sizes = shapes.map(shape => shape.getBBox().width * shape.getBBox().height);
  const shown = shapes.map(shape => getComputedStyle(shape)).map(style => style.stroke === "none" ? "" : style.strokeWidth);
  return [shown.filter((_, i) => sizes[i] > 0.9 * Math.max(...sizes)).join(""), shown.filter((_, i) => sizes[i] === 0)];
})"""


@pytest.mark.parametrize("engine", ENGINES)
def test_the_card_that_is_chosen_or_has_the_focus_has_a_thick_border(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", engine)
    path = neuron().view().save(tmp_path / "g.html")
    with browser() as visit:
        page = visit.page
        page.goto(path.as_uri())
        cards = page.locator(".card")
        before = cards.evaluate_all(BORDERS)
        assert {border for border, _ in before} == {"1px", "2px"}
        for i in range(cards.count()):
            wanted = [["4px" if i == j else border, rules] for j, (border, rules) in enumerate(before)]
            page.keyboard.press("Tab")  # what has the focus after a key shows that it has
            cards.nth(i).focus()
            assert cards.evaluate_all(BORDERS) == wanted
            cards.nth(i).click()
            page.locator("#stage").focus()
            assert cards.evaluate_all(BORDERS) == wanted
            page.fill("#search", "no such name")
            page.fill("#search", "")
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


class TestFoldingControls:
    def test_closing_one_of_many_closes_no_other(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(perceptron(3).view().save(tmp_path / "g.html").as_uri())
            buttons = page.locator("#modules button")
            shown = page.locator(".drawing:not([hidden])")
            assert buttons.all_inner_texts() == ["▾ layer1", "▾ layer2", "▾ layer3"]
            buttons.nth(1).click()
            assert buttons.all_inner_texts() == ["▾ layer1", "▸ layer2", "▾ layer3"]
            assert shown.locator(".card", has_text="▸ layer2").count() == 1
            buttons.nth(0).click()
            assert buttons.all_inner_texts() == ["▸ layer1", "▸ layer2", "▾ layer3"]
            buttons.nth(1).click()
            assert buttons.all_inner_texts() == ["▸ layer1", "▾ layer2", "▾ layer3"]
            assert not visit.trouble

    def test_of_many_modules_a_list_says_what_is_open(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(perceptron(5).view().save(tmp_path / "g.html").as_uri())
            choice = page.locator("#modules select")
            labels = ["all open", "all folded", *(f"only layer{i} open" for i in range(1, 6))]
            assert page.locator("#modules option").all_inner_texts() == labels
            assert page.locator("#modules button").count() == 0
            choice.select_option(label="only layer2 open")
            shown = page.locator(".drawing:not([hidden])")
            assert shown.locator(".card.module").count() == 4
            assert shown.locator(".card", has_text="A₂ = tanh(Z₂)").count() == 1
            shown.locator(".card", has_text="▸ layer4").click()
            page.click("text=Open layer4 alone")
            assert choice.locator("option:checked").inner_text() == "only layer4 open"
            assert not visit.trouble

    def test_ways_to_fold_that_are_left_out_are_counted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tinygraph.draw.view.CARDS", 50)
        with browser() as visit:
            page = visit.page
            page.goto(perceptron(5).view().save(tmp_path / "g.html").as_uri())
            assert page.locator("#modules option").all_inner_texts() == ["all open", "all folded", "only layer1 open"]
            assert "4 more: choose by view(fold=[...])" in page.inner_text("#modules")
            assert not visit.trouble

    def test_a_group_of_repeated_modules_has_no_dead_button(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(perceptron(5).view(fold=True).save(tmp_path / "g.html").as_uri())
            shown = page.locator(".drawing:not([hidden])")
            assert page.locator("#modules option:checked").inner_text() == "as drawn"
            shown.locator(".card", has_text="× 3").click()
            assert page.locator("#panel button").count() == 0
            page.fill("#search", "W3")
            assert page.inner_text("#found") == "1 found"
            assert "× 3" in page.inner_text("#panel h2")
            assert not visit.trouble

    def test_nested_modules_open_inside_each_other(self, tmp_path: Path) -> None:
        w = tg.parameter(2.0)
        y = w * 3
        u = y + 1
        graph = tg.Graph(L := u * y, names={"w": w, "L": L, "outer": {"u": u, "inner": {"y": y}}})
        with browser() as visit:
            page = visit.page
            page.goto(graph.view(fold=["outer"]).save(tmp_path / "g.html").as_uri())
            buttons = page.locator("#modules button")
            shown = page.locator(".drawing:not([hidden])")
            assert buttons.all_inner_texts() == ["▸ outer"]
            buttons.nth(0).click()
            assert buttons.all_inner_texts() == ["▾ outer", "▾ outer/inner"]
            buttons.nth(1).click()
            assert buttons.all_inner_texts() == ["▾ outer", "▸ outer/inner"]
            shown.locator(".card.module").click()
            assert "y = 6.000" in page.inner_text("#panel")
            page.click("text=Open outer/inner")
            assert shown.locator(".card.module").count() == 0
            assert not visit.trouble

    def test_long_names_keep_their_button(self, tmp_path: Path) -> None:
        w = tg.parameter(2.0)
        y = w * 3
        long = "encoder_" * 8
        graph = tg.Graph(L := y * y, names={"w": w, "L": L, long: {"y": y}})
        with browser() as visit:
            page = visit.page
            page.goto(graph.view(fold=[long]).save(tmp_path / "g.html").as_uri())
            page.locator(".drawing:not([hidden]) .card.module").click()
            page.click(f"text=Open {long}")
            assert page.locator(".drawing:not([hidden]) .card.module").count() == 0
            assert not visit.trouble


def test_search_knows_gradients_and_modules_and_clears_what_is_not_found(tmp_path: Path) -> None:
    with browser() as visit:
        page = visit.page
        page.goto(perceptron().view().save(tmp_path / "g.html").as_uri())
        page.fill("#search", "dW2")
        assert page.inner_text("#found") == "1 found"
        assert page.inner_text("#panel h2") == "W₂"
        page.fill("#search", "layer1")
        assert page.inner_text("#found") == "4 found"
        page.fill("#search", "no such name")
        assert page.locator(".chosen").count() == 0
        assert "Choose a card" in page.inner_text("#panel")


def test_no_id_is_there_twice_and_the_picture_is_a_group() -> None:
    html = perceptron().view().html
    ids = re.findall(r'\sid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert html.count('role="group" aria-label="Computation graph') == html.count("<svg") == 4
    assert 'role="img"' not in html


def test_without_an_engine_a_notebook_gets_the_error_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", "no-such-program")
    bundle = neuron().view()._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "no-such-program" in bundle["text/plain"]
    assert "dz = da * a * (1 - a)" in bundle["text/plain"]
    monkeypatch.delenv("TINYGRAPH_DOT")
    assert set(neuron().view()._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_notebook_waits_once_for_an_engine_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = tmp_path / "dot"
    engine.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\nexit 3\n")
    engine.chmod(0o755)
    monkeypatch.setenv("TINYGRAPH_DOT", str(engine))
    view, picture = neuron().view(), neuron().draw()
    assert "text/html" not in view._repr_mimebundle_()
    assert view._repr_html_() is None
    assert "image/svg+xml" not in picture._repr_mimebundle_()
    assert picture._repr_svg_() is None
    assert (tmp_path / "runs").read_text().count("run") == 2


def test_all_layouts_of_a_page_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    now = [0.0]

    def slow(picture: Picture, prefix: str, seconds: float) -> str:
        given.append(seconds)
        now[0] += 8
        if seconds < 8:
            raise LayoutError("took longer")
        return "<svg></svg>"

    monkeypatch.setattr(Picture, "part_of_page", slow)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    html = perceptron(3).view().html
    assert given == [20, 12, 4]
    assert html.count("<svg>") == 2
    assert '"independent":false' in html


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


def test_what_is_found_comes_to_the_middle_large_enough_to_read(tmp_path: Path) -> None:
    with browser() as visit:
        page = visit.page
        page.goto(perceptron(5).view().save(tmp_path / "g.html").as_uri())
        page.click("#fit")
        assert page.locator(".card").first.bounding_box()["height"] < 20
        page.fill("#search", "dW2")
        card, stage = page.locator(".card.chosen").bounding_box(), page.locator("#stage").bounding_box()
        assert card["height"] > 25
        assert abs(card["x"] + card["width"] / 2 - stage["x"] - stage["width"] / 2) < 2
        assert not visit.trouble


@pytest.mark.parametrize("level", ["named", "op"])
def test_the_panel_shows_the_statement_of_the_gradient_too(level: Any, tmp_path: Path) -> None:
    graph = neuron()
    backward = {s.of: f"{s.name} = {s.right}" for s in graph.statements(level) if s.of is not None}
    with browser() as visit:
        page = visit.page
        page.goto(graph.view(level=level).save(tmp_path / "g.html").as_uri())
        for name in ("w1", "z", "L"):
            page.fill("#search", name)
            assert backward[graph[name]] in page.locator("#panel code.backward").all_inner_texts()
        page.fill("#search", "x1")
        assert page.locator("#panel code.backward").count() == 0
        assert not visit.trouble


def test_the_panel_of_a_folded_picture_shows_the_gradients_of_leaves_outside() -> None:
    """Where a part is folded, the cards that are left show what they did."""
    text = perceptron().view(fold=True).html
    assert '"gradient_source":"d' in text


class TestReading:
    def test_text_opens_large_enough_to_read_and_the_rest_is_beside_it(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(perceptron(5).view().save(tmp_path / "g.html").as_uri())
            letters = page.locator(".drawing:not([hidden]) .card text").first
            assert letters.evaluate(f"x => parseFloat(getComputedStyle(x).fontSize) * {SCALE}") > 11
            first, stage = page.locator(".card").first.bounding_box(), page.locator("#stage").bounding_box()
            assert stage["x"] <= first["x"] < stage["x"] + stage["width"]
            page.set_viewport_size({"width": 500, "height": 600})
            assert page.evaluate(SCALE) == pytest.approx(0.85)
            assert not visit.trouble

    def test_escape_chooses_nothing(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(neuron().view().save(tmp_path / "g.html").as_uri())
            page.locator(".card", has_text="a = σ(z)").click()
            assert page.locator(".chosen").count() == 1
            page.keyboard.press("Escape")
            assert page.locator(".chosen").count() == 0
            assert "Choose a card" in page.inner_text("#panel")
            assert not visit.trouble

    def test_search_fades_the_edges_of_other_cards_too(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(neuron().view().save(tmp_path / "g.html").as_uri())
            edges = page.locator(".drawing .forward, .drawing .backward")
            page.fill("#search", "w1")
            shown = [edge for edge in edges.all() if "faded" not in (edge.get_attribute("class") or "")]
            assert len(shown) == 2  # the edge of its value and that of its gradient
            page.fill("#search", "no such name")
            assert page.locator(".forward.faded, .backward.faded").count() == edges.count()
            page.fill("#search", "")
            assert page.locator(".faded").count() == 0
            assert not visit.trouble

    def test_what_is_found_where_it_can_be_read_stays_there(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.set_viewport_size({"width": 1900, "height": 900})
            page.goto(neuron().view().save(tmp_path / "g.html").as_uri())
            before = page.locator(".drawing").first.get_attribute("style")
            for name in ("w1", "z", "L"):
                page.fill("#search", name)
                assert page.locator(".chosen").count() == 1
                assert page.locator(".drawing").first.get_attribute("style") == before
            assert not visit.trouble

    def test_two_fingers_zoom_around_what_is_between_them(self, tmp_path: Path) -> None:
        with browser() as visit:
            page = visit.page
            page.goto(neuron().view().save(tmp_path / "g.html").as_uri())
            device = page.context.new_cdp_session(page)

            def touch(kind: str, *places: tuple[float, float]) -> None:
                device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in places]})

            before, card = page.evaluate(SCALE), page.locator(".card", has_text="z =").first.bounding_box()
            x, y = card["x"] + card["width"] / 2, card["y"] + card["height"] / 2
            touch("touchStart", (x - 50, y), (x + 50, y))
            touch("touchMove", (x - 75, y), (x + 75, y))
            touch("touchMove", (x - 100, y), (x + 100, y))
            touch("touchEnd")
            assert page.evaluate(SCALE) == pytest.approx(2 * before, rel=0.02)
            larger = page.locator(".card", has_text="z =").first.bounding_box()
            assert (larger["x"] + larger["width"] / 2, larger["y"] + larger["height"] / 2) == pytest.approx((x, y), abs=3)
            assert page.locator(".chosen").count() == 0
            assert not visit.trouble
