"""What is flagged on cards without asking, in pictures and, wherever the leaves are, in the page of a walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tests.drawings import neuron
from tinygraph.draw.cards import Card
from tinygraph.express.table import LARGE
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.pictures import drawing
from tinygraph.stepping.stepper import Stepper

TINY, HUGE = 1e-200, 1e200


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


def graph_of(build: Callable[[Any, Any], Any], a: Any, b: Any, **names: Any) -> tg.Graph:
    x, y = tg.parameter(a), tg.parameter(b)
    z = build(x, y)
    graph = tg.Graph(L := z if not z.shape else np.sum(z), names={"x": x, "y": y, "z": z, "L": L, **names})
    graph.backprop()
    return graph


def line(graph: tg.Graph, name: str) -> str:
    """The line of a card that begins with this name."""
    cards = graph.draw().drawing.cards
    return next(line.text for card in cards for line in card.results if line.text.split(" ")[0] == name)


VALUES: dict[str, tuple[Callable[[Any, Any], Any], Any, Any, str]] = {
    "a product": (lambda x, y: x * y, TINY, TINY, " ⚠ underflow"),
    "a product of what is 0": (lambda x, y: x * y, 0.0, TINY, ""),
    "a small one that is none": (lambda x, y: x * y, TINY, 1.0, ""),
    "a product inside": (lambda x, y: 1 + x * y, TINY, TINY, " ⚠ underflow"),
    "with a number": (lambda x, y: x * 1e-300 + y, TINY, 1.0, " ⚠ underflow"),
    "with the number 0": (lambda x, y: x * 0.0 + y, TINY, 1.0, ""),
    "a quotient": (lambda x, y: x / y, TINY, HUGE, " ⚠ underflow"),
    "one entry": (lambda x, y: x * y, [1.0, TINY], TINY, " ⚠ underflow"),
    "one entry, broadcast": (lambda x, y: x[:, None] * y, [1.0, TINY], [1.0, 2.0, TINY], " ⚠ underflow"),
    "entries that are 0 by right": (lambda x, y: x * y, [0.0, 1.0], [TINY, 0.0], ""),
    "infinity": (lambda x, y: x * y, HUGE, HUGE, " ⚠"),
    "less than infinity": (lambda x, y: np.log(x) + y, 0.0, 1.0, " ⚠"),
    "no number": (lambda x, y: np.log(x) + y, -1.0, 1.0, " ⚠"),
    "no number in an array": (lambda x, y: np.log(x) + y, [1.0, -1.0, 2.0, 3.0], 1.0, " ⚠"),
}


@pytest.mark.parametrize(("build", "a", "b", "flag"), VALUES.values(), ids=VALUES)
def test_a_value_is_flagged(build: Callable[[Any, Any], Any], a: Any, b: Any, flag: str) -> None:
    text = line(graph_of(build, a, b), "z")
    assert text.partition(" ⚠")[1] + text.partition(" ⚠")[2] == flag


def test_a_gradient_is_flagged() -> None:
    graph = graph_of(lambda x, y: x * y, TINY, 0.0)
    with_it = tg.Graph(L := graph["L"] * TINY, names={"x": graph["x"], "y": graph["y"], "z": graph["z"], "L": L})
    with_it.backprop()
    assert line(with_it, "dz") == "dz = 1.00e−200"
    assert line(with_it, "dy") == "dy = 0.000 ⚠ underflow"
    assert line(with_it, "dx") == "dx = 0.000"  # since y is 0


def marked(graph: tg.Graph, **settings: Any) -> list[Card]:
    return [card for card in graph.draw(**settings).drawing.cards if card.mark == "bad"]


class TestPictures:
    def test_a_flagged_card_has_a_red_border_and_others_have_not(self) -> None:
        assert [card.title for card in marked(graph_of(lambda x, y: np.log(x) + y, 0.0, 1.0))] == ["x", "z = ln(x) + y"]
        assert marked(neuron()) == []

    def test_a_folded_card_counts_the_flags_inside(self) -> None:
        h = x = tg.parameter(HUGE)
        for _ in range(5):
            h = h * x
        graph = tg.Graph(h, names={"x": x, "h": h})
        (card,) = (card for card in graph.draw(fold=True).drawing.cards if card.stands_for)
        assert card.mark == "bad"
        assert card.results[-1].text.startswith("5 with ⚠: h")

    def test_without_values_nothing_is_said_of_them(self) -> None:
        assert marked(graph_of(lambda x, y: np.log(x) + y, 0.0, 1.0), values=False) == []

    def test_lines_of_code_count_the_values_that_are_not_finite(self) -> None:
        h = w = tg.parameter(10.0)
        for _ in range(LARGE):
            h = h * w
        card = marked(tg.Graph(h, names={"w": w}))[0]
        assert card.results[-1].text == f"⚠ NaN or infinity: {LARGE - 307:,} values"

    def test_the_panel_of_the_view_says_it(self) -> None:
        assert '"lines":["z = −inf ⚠"]' in graph_of(lambda x, y: np.log(x) + y, 0.0, 1.0).view().html


INACTIVE: dict[str, tuple[Callable[[Any, Any], Any], Any, Any, list[str]]] = {
    "relu below 0": (lambda x, y: tg.relu(x) + y, -1.0, 1.0, ["x"]),
    "relu above 0": (lambda x, y: tg.relu(x) + y, 1.0, 1.0, []),
    "the smaller one": (np.maximum, 1.0, 2.0, ["x"]),
    "the one beside 0": (lambda x, y: x * y, 0.0, 2.0, ["y"]),
    "no entry of an array": (lambda x, y: tg.relu(x) + y, [-1.0, -2.0], 1.0, ["x"]),
    "an entry of an array": (lambda x, y: tg.relu(x) + y, [-1.0, 2.0], 1.0, []),
}


@pytest.mark.parametrize(("build", "a", "b", "dimmed"), INACTIVE.values(), ids=INACTIVE)
def test_an_input_with_a_local_derivative_of_0_is_dimmed(
    build: Callable[[Any, Any], Any], a: Any, b: Any, dimmed: list[str]
) -> None:
    cards = graph_of(build, a, b).draw().drawing.cards
    weak = [row.lines[0].text.split(" ")[0] for card in cards for row in card.rows if {x.mark for x in row.lines} == {"weak"}]
    assert weak == dimmed


def test_what_gets_no_gradient_from_above_is_not_dimmed() -> None:
    u = (x := tg.parameter(1.0)) * 2
    v = u * 3
    graph = tg.Graph(L := tg.relu(v - 10), names={"x": x, "u": u, "v": v, "L": L})
    graph.backprop()
    inactive = {card.title: [bool(row.inactive) for row in card.rows] for card in graph.draw().drawing.cards if card.rows}
    assert inactive == {"u = x·2": [False], "v = u·3": [False], "L = relu(v − 10)": [True]}


LEAVES = (0.0, 1.0, -1.0, TINY, -TINY, HUGE, -HUGE)


class TestPage:
    def graph(self) -> tg.Graph:
        x, y = tg.parameter(0.5), tg.parameter([1.0, -2.0, 0.25])
        p = x * x
        q = x[None] * y
        a = tg.relu(q)
        L = np.log(p + 1) + np.sum(a) * p
        graph = tg.Graph(L, names=locals())
        graph.backprop()
        return graph

    def expected(self, stepper: Stepper) -> dict[str, list[str]]:
        cards = drawing(stepper.chapters[0]).cards
        flagged = [line.text for card in cards for line in card.results if line.flag is not None and str(line.flag)]
        inactive = [line.text for card in cards for row in card.rows if row.inactive for line in row.lines]
        return {"flagged": sorted(flagged), "inactive": sorted(inactive)}

    def test_it_follows_the_leaves(self) -> None:
        stepper = self.graph().stepper()
        stepper.run()
        with browser() as visit:
            page = visit.show_with_model(page_of(stepper))
            for x in LEAVES:
                for y in LEAVES:
                    stepper.set(x=x, y=[y, 0.5, -0.5])
                    page.evaluate(f"model.set('new_leaves', [['x', [{x!r}]], ['y', [{y!r}, 0.5, -0.5]]])")
                    assert {
                        kind: sorted(
                            text.replace("\u00a0", " ") for text in page.locator(f".view text.{kind}").all_text_contents()
                        )
                        for kind in ("flagged", "inactive")
                    } == self.expected(stepper), (x, y)
            assert not visit.trouble

    def test_a_card_is_flagged_once_its_line_is_shown_and_no_longer_when_the_leaf_moved_away(self) -> None:
        stepper = graph_of(lambda x, y: np.log(x) + y, 0.0, 1.0).stepper()
        with browser() as visit:
            page = visit.show_with_model(page_of(stepper))
            flagged = page.locator(".card.flagged")
            assert flagged.count() == 0
            page.evaluate("model.set('position', 1)")
            assert flagged.count() == 1
            assert flagged.locator("text.flagged").text_content() == "z = −inf ⚠"
            widths = flagged.evaluate("card => [...card.children].map(x => getComputedStyle(x).strokeWidth)")
            assert widths.count("2.5px") == 1
            page.evaluate("model.set('new_leaves', [['x', [1]]])")
            assert flagged.count() == 0
            assert not visit.trouble


def failing() -> tg.OpError:
    X, w = tg.constant(np.ones((6, 2))), tg.parameter(np.ones(3))
    h = X * 2
    try:
        z = h @ w
    except tg.OpError as error:
        return error
    raise AssertionError(z)


class TestFailure:
    def test_the_op_that_failed_is_a_card_with_the_words_of_the_error(self) -> None:
        error = failing()
        assert error.graph is not None
        picture = error.graph.draw()
        (card,) = (card for card in picture.drawing.cards if card.kind == "failed")
        assert (card.title, card.mark) == ("✗ matmul(h, w)", "bad")
        assert [line.text for row in card.rows for line in row.lines] == ["h (6, 2)", "w (3,)"]
        said = " ".join(line.text for line in card.results)
        assert "(size 3 is different from 2)" in said
        assert "z = h @ w" in said
        assert "fix: the last axis" in said
        sources = {card.key: card.title for card in picture.drawing.cards}
        assert {sources[edge.source] for edge in picture.drawing.edges if edge.target == card.key} == {"h = X·2", "w"}
        assert not [card for card in picture.drawing.cards if card.kind == "loss"]

    def test_an_operand_that_was_not_recorded_is_described(self) -> None:
        with pytest.raises(tg.OpError) as raised:
            tg.parameter(np.ones(2)) + np.ones(3)
        (card,) = (card for card in raised.value.graph.draw().drawing.cards if card.kind == "failed")
        assert card.rows[1].lines[0].text == "operand 2: an array of shape (3,), float64"
        assert raised.value.graph.draw(fold=True).svg.count("<g") > 3

    @pytest.mark.parametrize("level", ["named", "op"])
    def test_it_is_there_at_each_level_and_where_lines_are_folded(self, level: Any) -> None:
        for fold in (None, True):
            assert "failed" in {card.kind for card in failing().graph.draw(level=level, fold=fold).drawing.cards}

    def test_it_is_in_the_view_too(self) -> None:
        with browser() as visit:
            page = visit.show(failing().graph.view().html)
            page.locator(".card.failed").click()
            assert "fix: the last axis" in page.inner_text("#panel")
            assert "z = h @ w" in page.inner_text("#panel")
            assert not visit.trouble

    def test_the_page_of_the_walk_marks_its_line(self) -> None:
        with browser() as visit:
            page = visit.show(page_of(failing().graph.stepper()))
            assert "z = h @ w" in page.inner_text(".code .failed")
            assert "(size 3 is different from 2)" in page.inner_text(".code .failure")
            assert page.locator(".card.failed.future").count() == 0
            page.keyboard.press("End")
            assert page.locator(".card.failed.future").count() == 0
            assert not visit.trouble

    def test_the_walk_to_an_op_that_failed_on_leaves_has_no_step(self) -> None:
        with pytest.raises(tg.OpError) as raised:
            tg.parameter(np.ones(2)) + np.ones(3)
        with browser() as visit:
            page = visit.show(page_of(raised.value.graph.stepper()))
            assert page.locator(".card.failed").count() == 1
            assert not visit.trouble
