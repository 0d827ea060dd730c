"""The page that computes, in a real browser with no network: its numbers are, character by character, those of Python's page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import logistic, neuron, softmax
from tests.live_programs import PROGRAMS
from tests.test_replays_of_data import squares
from tinygraph.program.statements import program_of
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.page import texts, walk_data
from tinygraph.stepping.stepper import Stepper

SETTINGS = 20


def opened(visit: Visit, stepper: Stepper) -> Any:
    """The page of a walk, whose model a test can reach."""
    return visit.show_with_model(page_of(stepper))


def settings(stepper: Stepper, rng: np.random.Generator) -> Iterator[tuple[str, int, float]]:
    """A leaf, one of its entries, and a value for it, again and again; none so large that differences lose their digits."""
    program = program_of(stepper.graph)
    leaves = [leaf for leaf in program.leaves if leaf.size]
    for _ in range(SETTINGS):
        leaf = leaves[rng.integers(len(leaves))]
        new = rng.normal() * rng.uniform(0.01, 1.5) if leaf.dtype.kind == "f" else float(rng.integers(-9, 9))
        yield program.name(leaf), int(rng.integers(leaf.size)), float(np.asarray(new).astype(leaf.dtype))


def with_entry(stepper: Stepper, name: str, place: int, value: float) -> Any:
    graph = stepper.graph
    leaf = next(leaf for leaf in program_of(graph).leaves if program_of(graph).name(leaf) == name)
    new = np.array(leaf.value)
    new.flat[place] = value
    return new[()]


def pieces(stepper: Stepper) -> Any:
    return {key: value for key, value in walk_data(stepper)[0].items() if key != "svg"}


def moved(stepper: Stepper, name: str, place: int, value: float) -> str:
    """Give an entry of a leaf a value; what Python says of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stepper.set(**{name: with_entry(stepper, name, place, value)})
    except ValueError as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_python_s_wherever_the_leaves_are(visit: Visit, name: str) -> None:
    stepper = PROGRAMS[name]().stepper()
    leaf = program_of(stepper.graph).leaves[0]
    stepper.set(**{program_of(stepper.graph).name(leaf): leaf.value})
    page = opened(visit, stepper)
    before = pieces(stepper)
    assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
    made = 0
    for leaf, place, value in settings(stepper, np.random.default_rng(5)):
        said = moved(stepper, leaf, place, value)
        if said == "ValueError":  # such as labels that do not sum to 1
            continue
        page.evaluate("ask => model.set('new_value', ask)", {"name": leaf, "place": place, "value": value})
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0], (leaf, place, value)
        assert bool(page.inner_text(".problem")) == (said == "DecisionError")
        assert pieces(stepper) == before
        made += not said
    assert made > SETTINGS / 2


def lines(page: Any) -> list[str]:
    return [str(text) for text in page.locator(".card text").all_text_contents()]


def until(page: Any, wanted: str) -> None:
    """Wait until something holds; the page's policy forbids the browser driver to do so itself."""
    for _ in range(200):
        if page.evaluate(wanted):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never: {wanted}")


def types(page: Any, field: str, text: str) -> str:
    """Type into a field; the problem that the page reports."""
    page.fill(f"input[aria-label='{field}']", text)
    page.keyboard.press("Enter")
    return str(page.inner_text(".problem"))


class TestChanging:
    def test_a_slider_moves_everything_at_once(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        stepper.run()
        page = opened(visit, stepper)
        widths = (
            "[...document.getElementById('stepper').shadowRoot.querySelectorAll('.backward')]"
            ".map(x => x.style.getPropertyValue('--width'))"
        )
        before = page.evaluate(widths)
        page.fill("input[aria-label=w1]", "0.9")
        until(page, "model.get('leaves').at(0)[3] === 0.9")
        stepper.set(w1=0.9)
        assert page.inner_text(".table .current .shown") == f"{stepper.graph['db'].value:.3f}"
        assert f"z = {stepper.graph['z'].value:.3f}" in lines(page)
        assert page.locator(".equation").text_content().endswith(f"{stepper.graph['db'].value:.3f}".replace("-", "−"))
        assert page.locator("[aria-live]").text_content() == stepper.steps[-1].text
        assert page.evaluate(widths) != before
        assert page.inner_text(".count") == "9 / 9"

    def test_an_entry_of_an_array_is_typed(self, visit: Visit) -> None:
        stepper = softmax().stepper()
        page = opened(visit, stepper)
        types(page, "Entry of W", "1, 2")
        assert page.input_value("input[aria-label='Value of W']") == str(float(f"{stepper.graph['W'].value[1, 2]:.4g}"))
        assert types(page, "Value of W", "−2.5") == ""
        stepper.set(W=with_entry(stepper, "W", 5, -2.5))
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
        types(page, "Entry of W", "7, 7")
        assert page.input_value("input[aria-label='Entry of W']") == "1, 2"

    def test_a_leaf_that_is_not_a_number_has_a_field_and_no_slider(self, visit: Visit) -> None:
        w = tg.parameter(np.nan)
        page = opened(visit, tg.Graph(w * 2, names={"w": w}).stepper())
        slider = page.locator("input[aria-label=w]")
        assert page.input_value("input[aria-label='Value of w']") == "NaN"
        assert slider.is_hidden()
        assert types(page, "Value of w", "0.5") == ""
        until(page, "model.get('leaves').at(0)[0] === 0.5")
        assert slider.is_visible()
        assert [slider.get_attribute(name) for name in ("min", "max")] == ["-1.5", "2.5"]

    def test_an_entry_moves_beside_one_that_is_not_finite(self, visit: Visit) -> None:
        w = tg.parameter([np.nan, 2.0, 3.0])
        stepper = tg.Graph(np.sum(w * 2), names={"w": w}).stepper()
        page = opened(visit, stepper)
        types(page, "Entry of w", "1")
        assert types(page, "Value of w", "0.5") == ""
        stepper.set(w=[np.nan, 0.5, 3.0])
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]

    @pytest.mark.parametrize(
        "text", ["", "abc", "1e999", "constructor", "__proto__", "alert(1)", "<img src=x onerror=alert(1)>", "1;2", "0x10", "NaN"]
    )
    def test_what_is_no_number_changes_nothing(self, visit: Visit, text: str) -> None:
        page = opened(visit, neuron().stepper())
        before = page.evaluate("model.get('texts').at(0)")
        for field in ("Value of w1", "Learning rate"):
            said = types(page, field, text)
            if field == "Learning rate":
                page.click("button[aria-label='Update 1 times']")
                said = page.inner_text(".problem")
            assert said
        assert page.evaluate("model.get('texts').at(0)") == before
        assert page.evaluate("model.get('texts').length") == 1
        assert page.locator("img").count() == 0
        assert types(page, "Value of w1", "0.5") == ""

    @pytest.mark.parametrize("name", ["neuron", "softmax", "residual", "scalars"])
    def test_updates_are_those_of_python(self, visit: Visit, name: str) -> None:
        stepper = PROGRAMS[name]().stepper()
        page = opened(visit, stepper)
        page.fill("input[aria-label='Learning rate']", "0.05")
        page.click("button[aria-label='Update 10 times']")
        for _ in range(10):
            stepper.update(0.05)
        assert page.evaluate("[model.get('texts').length, model.get('position')]") == [11, stepper.position]
        found = [page.evaluate("i => model.get('texts').at(i)", i) for i in range(11)]
        assert found == texts(stepper)
        assert page.inner_text(".chapters .chapter") == "iteration 10 of 11"

    def test_a_new_leaf_drops_the_iterations_behind_it(self, visit: Visit) -> None:
        page = opened(visit, neuron().stepper())
        page.click("button[aria-label='Update 100 times']")
        assert page.inner_text(".chapters .chapter") == "iteration 100 of 101"
        page.evaluate("model.set('position', 14)")
        assert (page.inner_text(".chapters .chapter"), page.inner_text(".count")) == ("iteration 2 of 101", "2 / 12")
        assert types(page, "Value of b", "0.25") == ""
        assert (page.inner_text(".chapters .chapter"), page.inner_text(".count")) == ("iteration 2 of 2", "2 / 9")

    def test_a_page_of_iterations_has_the_numbers_of_each(self, visit: Visit) -> None:
        stepper = logistic().stepper()
        for rate in (0.5, 0.25):
            stepper.update(rate)
        page = opened(visit, stepper)
        assert [page.evaluate("i => model.get('texts').at(i)", i) for i in range(3)] == texts(stepper)

    def test_the_quiz_asks_for_the_numbers_of_now(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        page = opened(visit, stepper)
        types(page, "Value of w1", "0.9")
        stepper.set(w1=0.9)
        page.click("text=Quiz")
        page.fill(".quiz input", f"{stepper.graph['da'].value:.3f}")
        page.keyboard.press("Enter")
        assert page.inner_text(".quiz [role=status]").startswith("da = -y / a + (1 - y) / (1 - a) = ")

    def test_an_open_question_is_about_the_numbers_of_now(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        page = opened(visit, stepper)
        page.click("text=Quiz")
        page.fill(".quiz input", "12")
        types(page, "Value of w1", "1.9")
        stepper.set(w1=1.9)
        assert page.input_value(".quiz input") == "12"
        page.click("text=Reveal")
        assert page.inner_text(".quiz [role=status]").endswith(f" = {stepper.graph['da'].value:.3f}.")


class TestLimits:
    def test_a_leaf_that_leads_to_another_path_stays(self, visit: Visit) -> None:
        page = opened(visit, PROGRAMS["branch"]().stepper())
        before = page.evaluate("model.get('texts').at(0)")
        assert "another path than the recorded one" in types(page, "Value of w", "-0.5")
        assert page.evaluate("model.get('texts').at(0)") == before
        assert types(page, "Value of w", "0.75") == ""

    def test_a_leaf_takes_no_number_that_its_dtype_cannot_hold(self, visit: Visit) -> None:
        n, is_on, w = tg.constant(3), tg.constant(True), tg.parameter(0.5)
        L = np.where(is_on, w * n, w)
        page = opened(visit, tg.Graph(L, names={"n": n, "is_on": is_on, "w": w, "L": L}).stepper())
        before = page.evaluate("model.get('texts').at(0)")
        assert types(page, "Value of is_on", "0.5") == "is_on = 0.5 is neither 0 nor 1"
        assert types(page, "Value of n", "9007199254740994").startswith("n = 9007199254740994 is beyond 2 ** 53")
        assert page.evaluate("model.get('texts').at(0)") == before
        assert types(page, "Value of is_on", "0") == ""
        assert "L = 0.500" in lines(page)

    def test_a_leaf_that_others_were_computed_of_keeps_its_value(self, visit: Visit) -> None:
        w, y = tg.parameter(1.5), np.array([1.0, 2.0])
        stepper = tg.Graph(np.sum(w * y) + np.sum(w * squares(y)), names={"w": w, "y": y}).stepper()
        page = opened(visit, stepper)
        assert types(page, "Value of y", "3").startswith("y keeps its value: c_1 was computed of it by code")
        assert types(page, "Value of w", "2.5") == ""

    def test_what_a_page_cannot_compute_is_as_recorded_until_its_leaf_moves(self, visit: Visit) -> None:
        @tg.op(lambda g, out, x: 2 * g * x)
        def squared(x: Any) -> Any:
            return np.array([entry**2 for entry in x.tolist()])

        W, b = tg.parameter([2.0, 0.5, 0.25, 1.0]), tg.parameter(1.5)
        L = np.sum(squared(W)) * b
        stepper = tg.Graph(L, names={"W": W, "b": b, "L": L}).stepper()
        page = opened(visit, stepper)
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
        assert not page.locator(".notice").is_visible()
        assert types(page, "Value of b", "2.5") == ""
        stepper.set(b=2.5)
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
        types(page, "Value of W", "3")
        assert "?" in page.evaluate("model.get('texts').at(0)")
        assert "not computed in a page" in page.inner_text(".notice")

    def test_sparse_leaves_and_large_integers_print_as_in_python(self, visit: Visit) -> None:
        X, n = tg.constant(sparse.csr_array(np.eye(3))), tg.constant(2**60)
        w = tg.parameter([0.5, 0.25, 1.0])
        stepper = tg.Graph(np.sum(X @ w) * 2, n * 2, names={"X": X, "w": w, "n": n}).stepper()
        page = opened(visit, stepper)
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
        assert types(page, "Value of w", "1.5") == ""
        stepper.set(w=[1.5, 0.25, 1.0])
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]

    def test_a_program_that_is_too_large_for_a_page_shows_what_was_recorded(self, visit: Visit) -> None:
        X, w = tg.constant(np.ones((60_000, 2))), tg.parameter([0.5, 0.25])
        stepper = tg.Graph(np.sum(X @ w), names={"X": X, "w": w}).stepper()
        stepper.update(1e-6)
        page = opened(visit, stepper)
        assert page.inner_text(".notice").startswith("These are the recorded values: the program has 120,002 numbers")
        assert page.locator(".leaf").count() == 0
        page.keyboard.press("End")
        assert page.inner_text(".table .current .shown") == "[60000.000, 60000.000]"

    def test_pages_are_small(self) -> None:
        assert len(page_of(neuron().stepper()).encode()) < 150_000
        w = h = tg.parameter(0.3)
        names = {"w": w}
        for i in range(500):
            h = names[f"h{i}"] = np.tanh(h)
        stepper = tg.Graph(h**2, names=names).stepper()  # of 1,003 statements
        assert len(page_of(stepper).encode()) < 400_000

    def test_a_large_page_opens_as_others_do(self, visit: Visit) -> None:
        w = h = tg.parameter(0.3)
        for _ in range(400):
            h = np.tanh(h + w)
        stepper = tg.Graph(h**2, names={"w": w, "</script>": h}).stepper()
        page = opened(visit, stepper)
        page.wait_for_selector(".count")
        page.keyboard.press("End")
        assert page.inner_text(".table .current .shown") == f"{stepper.graph['dw'].value:.3f}"


class TestAddress:
    def url(self, path: Path, stepper: Stepper) -> str:
        html = page_of(stepper).replace("const model = fixedModel(", "const model = window.model = fixedModel(")
        (path / "walk.html").write_text(html, encoding="utf-8")
        return (path / "walk.html").as_uri()

    def test_a_moment_is_in_the_address(self, visit: Visit, tmp_path: Path) -> None:
        page, url = visit.page, self.url(tmp_path, softmax().stepper())
        page.goto(url)
        page.keyboard.press("End")
        types(page, "Value of W", "0.9")
        until(page, "location.hash.includes('W=')")
        there, numbers = page.url, page.evaluate("model.get('texts').at(0)")
        page.goto("about:blank")
        page.goto(there)
        assert page.evaluate("model.get('texts').at(0)") == numbers
        assert page.evaluate("model.get('position')") == len(softmax().stepper().steps)

    def test_a_leaf_that_is_called_step_leaves_the_step_in_it(self, visit: Visit, tmp_path: Path) -> None:
        w = tg.parameter(0.5)
        page, url = visit.page, self.url(tmp_path, tg.Graph(w**2, names={"step": w}).stepper())
        page.goto(url)
        page.keyboard.press("ArrowRight")
        types(page, "Value of step", "0.9")
        page.wait_for_timeout(500)
        assert page.url.endswith("#step=1")

    def test_an_update_is_in_it_as_its_leaves(self, visit: Visit, tmp_path: Path) -> None:
        page, url = visit.page, self.url(tmp_path, neuron().stepper())
        page.goto(url)
        page.click("button[aria-label='Update 10 times']")
        page.keyboard.press("ArrowRight")
        until(page, "location.hash.includes('step=1&') && location.hash.includes('w1=')")  # the address follows after a moment
        there, numbers = page.url, page.evaluate("model.get('texts').at(10)")
        page.goto("about:blank")
        page.goto(there)
        assert page.evaluate("model.get('texts').at(0)")[:10] == numbers[:10]
        assert page.inner_text(".count") == "1 / 9"

    @pytest.mark.parametrize(
        "hash",
        ["step=-1", "step=1e9", "step=99999999999", "step=alert(1)", "w1=alert(1)", "w1=", "w1=1,2", "constructor=1",
         "__proto__=1",
         "w1=%3Cimg%20src=x%20onerror=alert(1)%3E", "w1=Infinity", "w1=1e999", "%", "&&&===", "toString=2&w9=3", "X=1"],
    )  # fmt: skip
    def test_hostile_addresses_do_nothing(self, visit: Visit, tmp_path: Path, hash: str) -> None:
        page, url = visit.page, self.url(tmp_path, neuron().stepper())
        page.goto("about:blank")
        page.goto(url)
        before = page.evaluate("model.get('texts').at(0)")
        page.goto("about:blank")
        page.goto(f"{url}#{hash}")
        assert page.evaluate("model.get('texts').at(0)") == before
        assert page.locator("img").count() == 0
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".count") == "1 / 9"
