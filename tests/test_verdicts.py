"""The quiz of a page, in a real browser: its verdicts are those of the kernel, on one table and on random answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.answers import CASES, GRAPHS, Case, at, unit_upstream
from tests.browser import Visit
from tests.drawings import logistic, neuron, perceptron
from tests.live_programs import PROGRAMS
from tests.random_formulas import random_answer
from tests.test_quiz import printed
from tinygraph.express.interpreter import is_spelled
from tinygraph.ops import Op
from tinygraph.referee.redrawn import uniform
from tinygraph.stepping.grammar import body_of, readable
from tinygraph.stepping.messages import OF_ANSWERS, OF_FORMULAS
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.quiz import Answer, Quiz
from tinygraph.stepping.vocabulary import functions

RANDOM = 2000
# Where the kernel says what Python, NumPy or a search for a like name says, a page says as much in its own words.
OWN_WORDS = (
    "invalid syntax", "was never closed", "did you mean", "np.split(", "matmul: ", "index: ", "broadcast_like: ", "negative: ",
    "only the last formula",
)  # fmt: skip


def opened(visit: Visit, graph: tg.Graph) -> Any:
    """The page of a graph's quiz, whose model a test can reach."""
    return visit.show_with_model(page_of(graph.stepper(), quiz=True))


def verdicts(page: Any, name: str, texts: Sequence[str], number: int = 0) -> list[Answer]:
    """What the page says of answers to one of the questions about a step."""
    judge = """([name, number, texts]) => texts.map(text => {
        model.set('answer', { name, number, text, turn: 1 });
        return model.get('verdict');
    })"""
    return [Answer(x["right"], x["message"], x["counted"]) for x in page.evaluate(judge, [name, number, texts])]


def asked(page: Any) -> list[str]:
    """The questions of a page to the end, each given up."""
    found = []
    while "first try" not in page.inner_text(".quiz [role=status]"):
        if page.locator(".quiz input").count():
            found.append(page.locator(".quiz").evaluate("quiz => quiz.firstChild.textContent").strip())
            page.click("text=Reveal")
        else:
            page.click("button[aria-label=Step]")
    return found


def judged(quiz: Quiz, text: str) -> Answer:
    """What the kernel says; the quiz stays where it is."""
    left, position = [*quiz._left], quiz.stepper.position
    found = quiz.answer(text)
    quiz._left, quiz.stepper.position = left, position
    return found


def agree(found: Answer, kernel: Answer) -> bool:
    """Whether two verdicts are one: the words too, but where Python or NumPy have their own about what is no answer."""
    has_own_words = not kernel.counted and any(words in kernel.message for words in OWN_WORDS)
    return found[::2] == kernel[::2] and (found.message == kernel.message or has_own_words)


@pytest.mark.parametrize(
    ("make", "cases"), [(make, [*x]) for make, x in groupby(sorted(CASES, key=lambda x: x.make.__name__), lambda x: x.make)]
)
def test_the_page_says_what_the_kernel_says(visit: Visit, make: Callable[[], tg.Graph], cases: Sequence[Case]) -> None:
    page = opened(visit, make())
    quizzes = {name: at(make(), name) for name in {case.name for case in cases}}
    for case in cases:
        (found,) = verdicts(page, case.name, [case.text])
        assert (found.right, found.counted) == (case.right, case.counted), (case, found)
        assert agree(found, judged(quizzes[case.name], case.text)), (case, found)


@pytest.mark.parametrize("make", sorted(GRAPHS, key=lambda x: x.__name__))
def test_random_answers_get_the_same_verdict(visit: Visit, make: Callable[[], tg.Graph]) -> None:
    page, quiz, rng = opened(visit, make()), make().quiz(), np.random.default_rng(list(make.__name__.encode()))
    count = 1 + RANDOM // len(GRAPHS) // sum(not x.choices for x in quiz._left)
    kinds = set()
    while not quiz.done:
        texts = [random_answer(rng, quiz) for _ in range(0 if quiz.choices else count)]
        for text, found in zip(texts, verdicts(page, str(quiz.name), texts), strict=True):
            kernel = judged(quiz, text)
            assert found[::2] == kernel[::2], (quiz.name, text, found, kernel)
            assert found.message == kernel.message or not kernel.counted, (quiz.name, text, found, kernel)
            kinds.add(kernel[::2])
        quiz.reveal()
    assert len(kinds) == 3  # right, wrong, and no answer


def test_the_verdict_is_about_the_numbers_of_now(visit: Visit) -> None:
    page = opened(visit, neuron())
    page.evaluate("model.set('new_value', { name: 'w1', value: -2 })")
    stepper = neuron().stepper()
    stepper.set(w1=-2.0)
    for text in (f"{stepper.graph['dz'].value:.4f}", "-0.4256", "a - y", "y - a"):
        (found,) = verdicts(page, "dz", [text])
        assert found == at(stepper.graph, "dz").answer(text), text
    before = page.evaluate("model.get('texts').at(0)")
    verdicts(page, "dz", ["a - 1"])
    assert page.evaluate("model.get('texts').at(0)") == before  # other leaves were tried in between
    assert verdicts(page, "w1", ["up"])[0].right is bool(stepper.graph["dw1"].value < 0)


@pytest.mark.parametrize(
    ("make", "moved", "right"),
    [
        (unit_upstream, {"p": 1.5}, {"dp": "path 2"}),
        (unit_upstream, {"p": 0.1}, {"dp": "path 1"}),
        (unit_upstream, {"p": 1 / 3}, {}),
        (PROGRAMS["recurrence"], {"u": 0.5}, {"dw": "path 3", "du": "path 2"}),
        (PROGRAMS["recurrence"], {"u": 3.0}, {"dw": "path 4", "du": "path 4"}),
        (
            PROGRAMS["second order"],
            {"x": 0.1},
            {"dy": "path 2", "dx": "path 1", "ddx_dx": "path 1", "ddx_dy": "path 1"},
        ),
        (neuron, {"w1": 0.9}, {}),
    ],
)
def test_page_and_kernel_ask_alike_which_path_carries_most(
    visit: Visit, make: Callable[[], tg.Graph], moved: dict[str, float], right: dict[str, str]
) -> None:
    page = opened(visit, make())
    for name, value in moved.items():
        page.evaluate("ask => model.set('new_value', ask)", {"name": name, "value": value})
    quiz = Quiz(make().with_leaves(moved))
    carrying = [one for one in quiz._left if one.choices and one.choices[0] == "path 1"]
    assert {one.step.name: str(one.value) for one in carrying} == right
    for one in carrying:
        while quiz._left[0] is not one:
            quiz.reveal()
        answers = [*one.choices, "path 0", "1"]
        assert verdicts(page, one.step.name, answers, number=1) == [judged(quiz, text) for text in answers]
    assert asked(page) == [str(one.text) for one in Quiz(make().with_leaves(moved))._left]


def test_names_that_every_object_of_javascript_has_are_names_as_others(visit: Visit) -> None:
    w, x = tg.parameter(3.0), tg.constant(2.0)
    z = w * x
    graph = tg.Graph(z**2, names={"constructor": w, "toString": x, "valueOf": z})
    page, quiz = opened(visit, graph), at(graph, "dconstructor")
    for text in (
        "dvalueOf * toString",
        "dvalueOf * constructor",
        "hasOwnProperty * 2",
        "toString.constructor",
        "valueOf(1)",
        "dtoString",
    ):
        (found,) = verdicts(page, "dconstructor", [text])
        assert agree(found, judged(quiz, text)), (text, found)


def test_every_message_is_said() -> None:
    home = files("tinygraph.stepping")
    modules = [x for x in home.iterdir() if x.name.endswith(".py") and x.name != "messages.py"]
    text = "".join(x.read_text(encoding="utf-8") for x in [*modules, *home.joinpath("javascript").iterdir()])
    assert [key for key in OF_FORMULAS | OF_ANSWERS if f'"{key}"' not in text and f"'{key}'" not in text] == []


def test_page_and_kernel_draw_the_same_numbers(visit: Visit) -> None:
    script = page_of(neuron().stepper(), quiz=True)
    html = script.replace("const model = fixedModel(", "window.uniform = uniform; const model = fixedModel(")
    page = visit.show(html)
    for draw, place, count in ((0, 0, 5), (3, 70_000, 10_000), (39, 1, 100)):
        found = uniform(draw, place, count)
        assert page.evaluate("asked => window.uniform(...asked)", [draw, place, count]) == found.tolist()
    found = uniform(3, 70_000, 10_000)
    assert 0 <= found.min() < 0.001 < 0.999 < found.max() < 1
    assert abs(found.mean() - 0.5) < 0.01


def test_a_page_reads_every_function_that_it_computes() -> None:
    """And names of functions that a formula may call, but that a page does not compute."""
    own = {name: x.call for name, x in functions().items() if isinstance(x.call, Op) and x.call.built_in}
    missing = {name for name, op in own.items() if op not in readable()}
    assert missing == {
        "left_singular_vectors", "logaddexp_weight", "logsumexp_weights", "median_weights", "merge_pairs", "on_section_like",
        "one_hot_like", "part_like", "product_of_others", "right_singular_vectors", "sinc_derivative", "softmax_cross_entropy",
        "sum_tiles_like",
    }  # fmt: skip
    assert all(is_spelled(op) or body_of(op) for op in readable())


class TestAsking:
    def answer(self, page: Any, text: str) -> str:
        page.fill(".quiz input", text)
        page.keyboard.press("Enter")
        return str(page.inner_text(".quiz [role=status]"))

    def test_formulas_are_answers(self, visit: Visit) -> None:
        page = visit.show(page_of(neuron().stepper(), quiz=True))
        assert "or a formula" in page.inner_text(".quiz .hint")
        assert self.answer(page, "y/a").startswith("da: not yet.")
        assert self.answer(page, "(a - y) / (a * (1 - a))").startswith("da = -y / a + (1 - y) / (1 - a) = -1.741: right")
        assert page.inner_text(".quiz label").startswith("What is dz?")
        assert self.answer(page, "dz") == "column 1: dz is the gradient to predict"

    def test_choices_are_a_group_of_radio_buttons_for_the_keyboard(self, visit: Visit) -> None:
        page = visit.show(page_of(neuron().stepper(), quiz=True))
        for _ in range(5):
            page.click("text=Reveal")
        assert page.get_by_role("radiogroup", name="Which way will w1 move?").count() == 1
        assert [x.get_attribute("value") for x in page.get_by_role("radio").all()] == ["up", "down", "stays"]
        page.keyboard.press("Enter")
        assert page.inner_text(".quiz [role=status]") == "choose up, down or stays"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".quiz [role=status]") == "choose up, down or stays"
        page.get_by_role("radio", name="down").check()
        page.keyboard.press("Enter")
        assert page.inner_text(".quiz [role=status]") == "w1: not yet. The update subtracts: w1 := w1 - η * dw1"
        page.keyboard.press("ArrowUp")
        page.click("text=Check")
        assert page.inner_text(".quiz [role=status]") == "w1: up, because dw1 = -0.851: right"
        assert page.get_by_role("radiogroup", name="Which way will w2 move?").count() == 1
        page.click("text=Reveal")
        page.click("text=Reveal")
        assert "0 of 8 right at the first try" in page.inner_text(".quiz [role=status]")

    def test_behind_an_update_the_way_is_asked_before_it(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        stepper.update(0.1)
        stepper.rewind()
        page = visit.show(page_of(stepper, quiz=True))
        for _ in range(5):
            page.click("text=Reveal")
        page.get_by_role("radio", name="up").check()
        page.click("text=Check")
        assert page.get_by_role("radiogroup", name="Which way will w2 move?").count() == 1

    @pytest.mark.parametrize("make", [neuron, logistic, perceptron])
    def test_the_page_s_hints_are_the_kernel_s(self, visit: Visit, make: Callable[[], tg.Graph]) -> None:
        page, quiz = visit.show(page_of(make().stepper(), quiz=True)), make().quiz()
        while not quiz.done:
            hints = [quiz.hint() for _ in quiz._left[0].hints]
            for _ in hints:
                page.click("text=Hint")
            assert page.text_content(".quiz [role=status]") == "; ".join(hints)
            page.click("text=Reveal")
            end = quiz.reveal()
            assert str(page.text_content(".quiz [role=status]")).startswith(f"{end}.")


def test_right_answers_are_accepted_as_they_are_printed(visit: Visit) -> None:
    for make in GRAPHS:
        page, quiz = opened(visit, make()), make().quiz()
        while not quiz.done:
            name = str(quiz.name)
            if quiz.choices:
                quiz.reveal()
                continue
            (found,) = verdicts(page, name, [printed(quiz)])
            assert found.right, (name, found)
