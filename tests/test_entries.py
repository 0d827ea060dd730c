"""One entry of an array: its formula has its value, it lights what it depends on, and the page adds up the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import logistic, neuron, numbers, softmax
from tests.live_programs import PROGRAMS
from tests.programs import any_ranks
from tests.random_programs import SIZES, random_program
from tests.test_live import opened, types, with_entry
from tinygraph.express.text import number
from tinygraph.node import Node
from tinygraph.program.value import Name, evaluate
from tinygraph.stepping.entries import Entry, Read, Total, viewed
from tinygraph.stepping.examples import batch_size, example_of
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.timeline import Step

RANDOM = 40


def stretched() -> tg.Graph:
    """Rows, columns, batches and sums over each of their axes."""
    r, c, m = tg.parameter(numbers(1, 3)), tg.parameter(numbers(4, 1)), tg.parameter(numbers(2, 3, 4))
    s = r * c - c
    k = np.sum(m, axis=(0, 2)) + np.mean(s, axis=0, keepdims=True)
    B = m @ np.sum(s, axis=1)[:, None]
    E = np.einsum("bij,i->jb", m, k[0])
    t = np.squeeze(B, -1).T * r.T
    L = np.sum(np.outer(k[0], r[0])) + np.sum(E * E) + np.sum(t) / np.max(c)
    return tg.Graph(L, names=locals())


def graphs() -> Iterator[tuple[str, tg.Graph, float]]:
    for name, make in {**PROGRAMS, "stretched": stretched}.items():
        yield name, make(), 1e-6 if name == "residual" else 1e-10
    for seed in range(RANDOM):
        program = random_program(seed, 14)
        yield str(program), program.graph(program.values(SIZES[0], 0)), program.rounding


def steps() -> Iterator[tuple[str, Step, float]]:
    """Steps of all kinds of expressions, with how far rounding may take a sum of theirs."""
    with any_ranks(), np.errstate(all="ignore"):
        for name, graph, rounding in graphs():
            for step in graph.stepper().steps:
                if step.added_result.size and (
                    step.added_result.shape or any(x.shape for x, _ in Entry(step.expression).reads())
                ):
                    yield f"{step} of {name}", step, rounding


def part_value(part: Read | Total, index: dict[str, Any]) -> Any:
    """A part of a formula for the numbers that the letters stand for, or arrays of them."""
    if isinstance(part, Read):
        offset = sum(stride * index[letter] for stride, letter in zip(part.strides, part.letters, strict=True) if letter)
        value = part.node.value if isinstance(part.node.value, np.ndarray | np.generic) else part.node.value.toarray()
        return np.ravel(value)[offset]
    total = 0.0
    for run in itertools.product(*map(range, part.runs.values())):
        inner = index | dict(zip(part.runs, run, strict=True))
        total = total + reduce(np.multiply, [np.asarray(part_value(x, inner), float) for x in part.factors])
    return total


def formula_value(entry: Entry, shape: tuple[int, ...]) -> Any:
    """The formula of every entry of a result at once."""
    index = dict(zip(entry.own, np.indices(shape), strict=True))
    values = {node: part_value(part, index) for node, part in entry.parts.items()}
    return np.broadcast_to(evaluate(entry.formula, lambda node: values.get(node, node.operand)), shape)


def test_the_formula_of_every_entry_has_its_value() -> None:
    totals = said = 0
    with np.errstate(all="ignore"), any_ranks():
        for name, step, rounding in steps():
            entry, value = Entry(step.expression), np.asarray(step.added, float)
            found = np.asarray(formula_value(entry, value.shape), float)
            assert np.allclose(found, value, rtol=rounding, atol=rounding * max(1, np.max(np.abs(value))), equal_nan=True), name
            totals += any(isinstance(part, Total) for part in entry.parts.values())
            said += entry.says_something
    assert totals > 100
    assert said > 200


def test_what_an_entry_depends_on_is_lit() -> None:
    """Each entry of each operand is changed; the entries of the result that change with it are those that light it."""
    known = 0
    with np.errstate(all="ignore"), any_ranks():
        for name, step, _ in steps():
            if step.added_result.dtype.kind != "f" or step.added_result.size > 40:
                continue
            lit, unknown = lit_by(step)
            for node, places in lit.items():
                if node in unknown or node.size > 40 or node.dtype.kind != "f":
                    continue
                for place in range(node.size):
                    changed = np.ravel(changed_by(step, node, place))
                    assert not np.any(changed & ~places[:, place]), (name, place)
                    known += 1
    assert known > 3000, known


def changed_by(step: Step, node: Node, place: int) -> Any:
    """Which entries of the result of a step change with an entry of an operand; none where the op refuses the new one."""
    new = np.array(node.operand)
    new.flat[place] = new.flat[place] * 1.5 + 0.3
    before = evaluate(step.expression, lambda other: other.operand)
    try:
        after = evaluate(step.expression, lambda other: new if other is node else other.operand)
    except (ValueError, FloatingPointError):
        return np.zeros(np.shape(before), bool)
    return ~np.isclose(before, after, rtol=1e-12, atol=0, equal_nan=True)


def lit_by(step: Step) -> tuple[dict[Node, Any], set[Node]]:
    """For each array that a step reads: by entries of the result, which entries are lit; and those of which it is not known."""
    lit: dict[Node, Any] = {}
    unknown: set[Node] = set()
    entry, shape = Entry(step.expression), step.added_result.shape
    for x, index in entry.reads():
        base, strides = viewed(x)
        assert isinstance(base, Name)
        places = lit.setdefault(base.node, np.zeros((step.added_result.size, base.node.size), bool))
        if index is None:
            unknown.add(base.node)
            continue
        for row, own in enumerate(np.ndindex(*shape)):
            axes = [
                range(size) if letter and int(letter) >= len(shape) else [own[int(letter)] if letter and size > 1 else 0]
                for size, letter in zip(x.shape, index, strict=True)
            ]
            for at in itertools.product(*axes):
                places[row, sum(i * stride for i, stride in zip(at, strides, strict=True))] = True
    return lit, unknown


JAVASCRIPT = """name => {
  const found = [], data = model.get("data"), numbers = model.get("numbers"), of = parts.valuesOf(numbers, 0);
  for (const { entry } of data.steps) {
    if (!entry) { found.push(null); continue; }
    const shape = entry.result[2], size = shape.reduce((x, y) => x * y, 1), all = [];
    for (let place = 0; place < size; place++) {
      const index = parts.indexOf(place, shape);
      all.push((entry.parts ?? []).map(([first, second]) => Array.isArray(first)
        ? parts.termsOf([first, second], index, of).products.reduce((x, y) => x + y, 0)
        : of(first).data[parts.placeOf(second, index)]));
    }
    found.push(all);
  }
  return found;
}"""


def in_the_page(visit: Visit, stepper: Stepper) -> list[Any]:
    """The parts of every entry of every step as the page computes them; None for steps that have no arrays."""
    html = page_of(stepper)
    start = "const model = fixedModel("
    reached = "window.parts = { valuesOf, termsOf, placeOf, indexOf };\nconst model = window.model = fixedModel("
    assert html.count(start) == 1
    return list(visit.show(html.replace(start, reached)).evaluate(JAVASCRIPT, ""))


@pytest.mark.parametrize("name", ["logistic", "softmax", "two moons", "residual", "attention", "stretched"])
def test_the_page_adds_up_the_same(visit: Visit, name: str) -> None:
    stepper = (PROGRAMS.get(name) or stretched)().stepper()
    made = 0
    for step, found in zip(stepper.steps, in_the_page(visit, stepper), strict=False):
        entry = Entry(step.expression)
        if found is None or not entry.says_something:
            continue
        shape = step.added_result.shape
        index = dict(zip(entry.own, np.indices(shape), strict=True))
        expected = [np.broadcast_to(part_value(part, index), shape).ravel() for part in entry.parts.values()]
        assert np.allclose(np.array(found, float).T, [*expected, np.ravel(step.added)], rtol=1e-6, atol=1e-9, equal_nan=True), (
            step
        )
        made += 1
    assert made > 3


def line(page: Any) -> str:
    """The equation of the entry that is shown."""
    return str(page.locator(".entry").text_content())


def stands_at(page: Any, name: str) -> None:
    page.locator(".table li").get_by_text(name, exact=True).click()


WRITTEN: dict[str, tuple[Callable[..., Any], str]] = {
    "a sum in a product": (lambda A, v: -2 * (A @ v), "y[0]=−2\u2062(1.000·0.500+(−2.000)·(−1.000))=−5.000"),
    "a mean": (lambda A, v: np.mean(A * v, axis=0), "y[0]=1.000·0.500+3.000·0.5002=1.000"),
    "two sums": (lambda A, v: A @ v - v @ A, "y[0]=1.000·0.500+(−2.000)·(−1.000)−(0.500·1.000+(−1.000)·3.000)=5.000"),
    "a sum in a function": (lambda A, v: np.tanh(A @ v + v), "y[1]=tanh(3.000·0.500+4.000·(−1.000)+(−1.000))=−0.998"),
    "a function in a product": (lambda A, v: v * np.exp(A), "y[1,1]=−1.000·54.598=−54.598"),
    "a choice": (lambda A, v: np.where(A > 2, A, v), "y[1,1]={4.000if4.000>2−1.000otherwise=4.000"),
    "other rows": (lambda A, v: A[:, None] * v[:, None], "y[1,1,1]=4.000·(−1.000)=−4.000"),
    "no sum": (lambda A, v: np.cumsum(A, axis=0), ""),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_each_kind_of_expression_is_written_with_its_sums(visit: Visit, case: str) -> None:
    make, expected = WRITTEN[case]
    A, v = tg.parameter(np.array([[1.0, -2.0], [3.0, 4.0]])), tg.parameter(np.array([0.5, -1.0]))
    y = make(A, v)
    L = np.sum(y)
    page = opened(visit, tg.Graph(L, names={"A": A, "v": v, "y": y, "L": L}).stepper())
    page.keyboard.press("End")
    stands_at(page, "y")
    assert line(page) == expected


class TestOnThePage:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Z", "Z[5,1]=−0.281·(−0.688)+0.875·0.781+0.000=0.877"),
            ("L", ""),  # of no such form
            ("dZ", "∂L/∂Z[7,1]=0.177−1.0008=−0.103"),  # a fraction
            ("dW", "∂L/∂W[1,2]=−0.688·0.047+0.875·(−0.099)+(−0.812)·0.045+(−0.500)·0.050+4 smaller=−0.177"),
            ("db", "∂L/∂b[2]=0.052+(−0.068)+(−0.099)+0.050+4 smaller=0.074"),
        ],
    )
    def test_an_entry_is_worked_out_in_numbers(self, visit: Visit, name: str, expected: str) -> None:
        page = opened(visit, softmax().stepper())
        page.keyboard.press("End")
        stands_at(page, name)
        assert line(page) == expected

    def test_all_that_was_passed_to_a_value_arrives_at_it(self, visit: Visit) -> None:
        w = tg.parameter([0.5, -2.0])
        h = np.tanh(w)
        page = opened(visit, tg.Graph(np.sum(h * h + h), names={"w": w, "h": h}).stepper())
        page.keyboard.press("End")
        stands_at(page, "dw")
        upstream, local = 2 * np.tanh(0.5) + 1, 1 - np.tanh(0.5) ** 2
        numbers = page.locator(".chip strong").all_inner_texts()
        assert numbers == [f"{x:.3f}" for x in (upstream, local, upstream * local)]

    def test_arrows_choose_an_entry_which_stays_chosen(self, visit: Visit) -> None:
        stepper = softmax().stepper()
        dW = stepper.graph.backprop()["W"].value
        page = opened(visit, stepper)
        page.keyboard.press("End")
        stands_at(page, "dW")
        at = np.unravel_index(np.argmax(np.abs(dW)), dW.shape)
        assert line(page).startswith(f"∂L/∂W[{at[0]}, {at[1]}]=".replace(" ", ""))
        entries = page.get_by_label("Entries of dW")
        entries.focus()
        before = page.inner_text(".count")
        for _ in range(9):
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowDown")
        assert page.inner_text(".count") == before
        shown = f"{dW[1, 0]:.3f}".replace("-", "−")
        assert entries.get_attribute("aria-valuetext") == f"[1, 0] {shown}"
        assert page.inner_text(".chip.result strong") == shown
        assert page.inner_text(".chip.result .label") == "∂L/∂W[1, 0]"
        assert line(page).startswith("∂L/∂W[1,0]=")
        assert line(page).endswith(f"={shown}")
        types(page, "Value of W", "0.75")
        stepper.set(W=with_entry(stepper, "W", 0, 0.75))
        moved = f"{stepper.graph.backprop()['W'].value[1, 0]:.3f}".replace("-", "−")
        assert entries.get_attribute("aria-valuetext") == f"[1, 0] {moved}"

    def test_a_cell_under_the_pointer_can_be_chosen(self, visit: Visit) -> None:
        stepper = softmax().stepper()
        page = opened(visit, stepper)
        page.keyboard.press("End")
        stands_at(page, "dW")
        entries = page.get_by_label("Entries of dW")
        box = entries.bounding_box()
        entries.focus()
        for _ in range(9):
            page.keyboard.press("ArrowUp")
            page.keyboard.press("ArrowLeft")
        rows, columns = stepper.graph["W"].shape
        corner = box["x"] + box["width"] - box["width"] / columns / 2, box["y"] + box["height"] - box["height"] / rows / 2
        drawn = "maps => [...maps.querySelectorAll('canvas')].map(x => x.toDataURL())"
        before = page.locator(".maps").evaluate(drawn)
        page.mouse.move(*corner)
        after = page.locator(".maps").evaluate(drawn)
        assert [x != y for x, y in zip(before, after, strict=True)] == [True, True, True]
        page.mouse.click(*corner)
        assert entries.get_attribute("aria-valuetext").startswith(f"[{rows - 1}, {columns - 1}] ")

    def test_an_entry_of_a_leaf_is_chosen_in_its_map(self, visit: Visit) -> None:
        stepper = softmax().stepper()
        page = opened(visit, stepper)
        page.get_by_label("Entries of W", exact=True).focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.input_value("input[aria-label='Entry of W']") == "1, 1"
        assert float(page.input_value("input[aria-label='Value of W']")) == pytest.approx(
            stepper.graph["W"].value[1, 1], rel=1e-3
        )

    def test_each_example_is_that_of_python(self, visit: Visit) -> None:
        stepper = logistic().stepper()
        page = opened(visit, stepper)
        size = batch_size(stepper.graph)
        assert size is not None
        kinds = set()
        for step in stepper.steps:
            page.keyboard.press("ArrowRight")
            for example in (0, 3, size - 1):
                page.fill("input[aria-label='Example']", str(example))
                page.keyboard.press("Enter")
                found = example_of(stepper.graph, step, example)
                texts = [page.locator(f".factors {tag}").all_text_contents() for tag in ("dt", "dd")]
                shown = dict(zip(*texts, strict=True)).get("example")
                if found is None:
                    assert shown is None
                    continue
                name = f"{step.name} from example {example}" if found.is_contribution else f"{step.name}[{example}]"
                assert shown == f"{name} = {number(found.value)}"
                kinds.add(found.is_contribution)
            page.locator(".app").focus()
        assert kinds == {True, False}
        page.get_by_label("Next example").click()
        assert page.input_value("input[aria-label='Example']") == str(size - 1)
        page.get_by_label("Previous example").click()
        assert page.input_value("input[aria-label='Example']") == str(size - 2)

    def test_a_page_that_does_not_compute_has_no_maps(self, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tinygraph.stepping.live.MOST", 3)
        page = opened(visit, softmax().stepper())
        page.keyboard.press("End")
        assert page.locator(".heat").count() == 0
        assert page.locator(".examples").is_hidden()
        assert line(page) == ""

    def test_a_page_of_numbers_has_no_maps(self, visit: Visit) -> None:
        page = opened(visit, neuron().stepper())
        page.keyboard.press("End")
        assert page.locator(".heat").count() == 0
