"""The quiz: numbers within the tolerance and formulas that are equal are right, and what is said to the others helps."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.answers import CASES, GRAPHS, Case, at, shared, unit_upstream
from tests.drawings import logistic, neuron, numbers, perceptron, softmax
from tests.test_formula import watched
from tests.test_stepper import unrolled
from tinygraph.express.holes import place_of_largest
from tinygraph.express.text import number
from tinygraph.program.statements import program_of
from tinygraph.stepping.quiz import Quiz

# Asking


def test_asks_for_every_gradient_in_the_order_of_the_walk() -> None:
    quiz = neuron().quiz()
    asked = []
    while not quiz.done:
        asked.append(quiz.name)
        quiz.reveal()
    assert asked == ["da", "dz", "dw1", "dw2", "db", "w1", "w2", "b"]
    assert (quiz.name, quiz.entry) == (None, None)


def test_the_question_shows_what_is_known_and_hides_the_rest() -> None:
    assert at(neuron(), "dz").question == (
        "x1 = 2.000, x2 = -1.000, y = 1.000, w1 = 0.300, w2 = 0.500, b = 0.200\n"
        "forward\n"
        "  z = w1 * x1 + w2 * x2 + b = 0.300 * 2.000 + 0.500 * -1.000 + 0.200 = 0.300\n"
        "  a = sigmoid(z) = 0.574\n" + next(f"  {s.text}\n" for s in neuron().stepper().steps if s.name == "L") + "backward\n"
        "  dL = 1 = 1.000\n"
        "  da = -y / a + (1 - y) / (1 - a) = -1.000 / 0.574 + 0.000 / 0.426 = -1.741\n"
        "\n"
        "2/8  dz = ?  a number (within 1% or 0.0005), or a formula in the names above"
    )


def test_an_array_is_asked_for_by_an_entry_or_as_a_whole() -> None:
    quiz = at(perceptron(), "dZ1")
    assert "dZ1[0, 2] = ?  a number (within 1% or 0.0005), or a formula for all of dZ1, (4, 3), in the names above" in quiz.ask
    value = quiz.stepper.graph["dZ1"].value
    assert quiz.answer(value[0, 2]).right
    assert at(perceptron(), "dZ1").answer(value).right
    assert at(perceptron(), "dZ1").answer(value[:1]).message == "give one number for dZ1[0, 2], or an array of the shape (4, 3)"


# Answering


@pytest.mark.parametrize(
    ("answer", "right"),
    [(-0.4256, True), (-0.426, True), (-0.43, False), (-0.42, False), (0.426, False), ("-0.426", True), ("-1.741*0.2445", True)],
)
def test_a_number_is_right_within_the_tolerance(answer: Any, right: bool) -> None:
    assert at(neuron(), "dz").answer(answer).right is right


@pytest.mark.parametrize("answer", [0.0, 0.0004, -0.0004])
def test_near_zero_the_tolerance_is_absolute(answer: float) -> None:
    w = tg.parameter(0.0)
    assert tg.Graph(w * w, names={"w": w}).quiz().answer(answer).right


@pytest.mark.parametrize(
    ("answer", "right"), [(0, False), (5.05e-4, False), (1e-4, True), (1.009e-4, True), (1.02e-4, False), (-1e-4, False)]
)
def test_what_prints_with_an_exponent_is_asked_for_to_its_size(answer: float, right: bool) -> None:
    w = tg.parameter(2.0)
    quiz = tg.Graph(w * 1e-4, names={"w": w}).quiz()
    assert quiz.ask.startswith("1/2  dw = ?  a number (within 1%), or a formula")
    assert quiz.answer(answer).right is right


def test_what_rounding_leaves_of_zero_is_zero() -> None:
    w, x = tg.parameter(0.1), tg.constant(0.3)
    quiz = tg.Graph((w * 3 - x) ** 2, names={"w": w, "x": x}).quiz()
    assert quiz.stepper.steps[-1].value != 0
    assert quiz.answer(0).right


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text[:40])
def test_what_is_said_of_answers(case: Case) -> None:
    quiz = at(case.make(), case.name)
    before = quiz.state()
    with watched() as seen:
        result = quiz.answer(case.text)
    assert (result.right, result.counted) == (case.right, case.counted), result
    assert case.said in result.message
    assert seen == []
    if case.right:
        assert quiz.name != case.name or quiz.choices
    elif case.counted:
        assert (quiz.name, quiz.question.endswith(before["question"]), quiz.score.wrong) == (case.name, True, 1)
    else:
        assert quiz.state() == before


@pytest.mark.parametrize("make", [neuron, logistic, softmax, perceptron, shared])
def test_the_equation_of_every_step_is_right(make: Any) -> None:
    quiz = make().quiz()
    rights = {s.name: s.right for s in program_of(quiz.stepper.graph).backward}
    while not quiz.done and not quiz.choices:
        result = quiz.answer(rights[quiz.name])
        assert result.right, result
    asked = len(quiz.stepper.graph.backprop()) - 1
    assert (quiz.score.right, quiz.score.asked, quiz.score.hints, quiz.score.wrong) == (asked, asked, 0, 0)


def test_one_number_stands_for_equal_entries() -> None:
    x = tg.parameter([1.0, 2.0])
    u = x * 3
    quiz = tg.Graph(np.sum(u), names={"x": x, "u": u}).quiz()
    assert (quiz.name, quiz.answer("dL / dL").counted) == ("du", False)
    assert quiz.answer("doutput").right


def test_an_array_may_be_wrong_entry_by_entry() -> None:
    assert "The numbers differ" in at(perceptron(), "dZ1").answer(np.zeros((4, 3))).message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.inf, "an answer must be finite"),
        (None, "NoneType is no answer"),
        (1j, "complex is no answer"),
        (object(), "object is no answer"),
        ([1, 2], "give one number for dz"),
    ],
)
def test_what_is_no_answer_changes_nothing(answer: Any, said: str) -> None:
    quiz = at(neuron(), "dz")
    before = quiz.state()
    result = quiz.answer(answer)
    assert (result.right, result.counted) == (False, False)
    assert said in result.message
    assert quiz.state() == before


def test_a_gradient_that_is_not_finite_takes_a_formula() -> None:
    w = tg.parameter(0.0)
    u = np.sqrt(w)
    with np.errstate(divide="ignore"):
        quiz = tg.Graph(u, names={"w": w, "u": u}).quiz()
        assert quiz.answer(3).message == "dw is not finite here: answer by a formula, or reveal it"
        assert quiz.answer("du / (2 * u)").right


def test_scalars_without_a_name_are_part_of_the_formula() -> None:
    w = tg.parameter(2.0)
    z = w / np.array([1.0, 2.0]).std()
    L = z**2
    graph = tg.Graph(L, names={"w": w, "z": z, "L": L})
    for answer in ("dz / 0.5", "dz / c_1"):
        assert at(graph, "dw").answer(answer).right
    assert graph.quiz(seed=4).known["c_1"] == 0.5


def test_a_constant_that_the_user_calls_c_1_has_a_name() -> None:
    w, c_1 = tg.parameter(3.0), tg.constant(2.0)
    graph = tg.Graph(w * c_1, names=locals())
    assert "for these numbers only" in graph.quiz().answer("2 * w / w").message
    assert graph.quiz(seed=4).known["c_1"] != 2.0


def test_what_an_earlier_walk_back_started_from_stays_as_it_is() -> None:
    w, x = tg.parameter([0.3, 0.5]), tg.constant([2.0, -1.0])
    s = tg.sigmoid(np.sum(w * x))
    dw = tg.Graph(s**2, names=locals()).backprop()[w]
    q = np.sum(dw * np.array([1.0, -1.0]))
    quiz = at(tg.Graph(q, names={"w": w, "x": x, "s": s, "q": q}), "ds")
    right = next(step.right for step in program_of(quiz.stepper.graph).backward if step.name == "ds")
    assert quiz.answer(f"0 + ({right})").right


def test_what_the_quiz_prints_is_right() -> None:
    X, W, k = tg.constant(numbers(4, 3)), tg.parameter(numbers(3, 3)), np.array([0, 2, 1])
    D = X @ W
    centred = D - np.mean(D, axis=1, keepdims=True)
    chosen = centred[:, k][1:]
    M = np.concatenate([chosen, np.reshape(D, (3, 4))[:, :3], D[np.array([True, False, True, True])]])
    L = np.einsum("ij,kj->", M, M.astype(np.float32)) + np.mean(np.var(D, axis=1))
    for level in ("named", "op"):
        graph = tg.Graph(L, names=locals())
        quiz, shown = Quiz(graph, level=level), Quiz(graph, level=level)
        while not quiz.done and not quiz.choices:
            answer = quiz.answer(f"0 + ({printed(shown)})")  # which is another text, so that it is read and computed
            assert answer.right, answer.message


def printed(quiz: Quiz) -> str:
    """The answer as the quiz prints it."""
    name = quiz.name
    return quiz.reveal().removeprefix(f"{name} = ").rpartition(" = ")[0]


def test_the_quiz_prints_in_the_names_of_the_walk() -> None:
    right = printed(at(unrolled(), "db"))
    assert right.count("np.sum") == 12
    assert at(unrolled(), "db").answer(f"0 + {right}").right


def test_a_value_of_zero_gives_no_sign_away() -> None:
    w = tg.parameter(0.0)
    assert tg.Graph(w * w, names={"w": w}).quiz().answer(3).message == "dw: not yet. The size is not right"


# Hints, giving up, the end


def test_hints_give_the_readers_then_the_local_derivative_then_the_chain_rule() -> None:
    quiz = at(neuron(), "dz")
    assert [quiz.hint() for _ in range(4)] == [
        "z is read by a = sigmoid(z)",
        "local derivative: ∂a/∂z = a * (1 - a)",
        "chain rule: dz = da · ∂a/∂z",
        "there are no more hints: reveal() shows the answer",
    ]
    assert quiz.score.hints == 3
    assert len(quiz.state()["hints"]) == 3
    quiz.reveal()
    assert quiz.state()["hints"] == []


def test_hints_give_every_reader() -> None:
    quiz = at(shared(), "du")
    assert quiz.hint() == "u is read by v = u ** 2 and by L = v * 3 - np.sin(u)"
    assert quiz.hint() == "local derivative: ∂v/∂u = 2 * u, ∂L/∂u = -np.cos(u)"
    assert quiz.hint() == "chain rule: du = dv · ∂v/∂u + dL · ∂L/∂u"


def test_a_gradient_of_a_gradient_has_the_same_hints() -> None:
    x = tg.parameter(0.7)
    t = np.sin(x)
    graph = tg.Graph(t * x, names={"x": x, "t": t})
    graph.backprop(of=graph.backprop()[x])
    quiz = at(graph, "ddx_dx")
    assert [quiz.hint() for _ in range(3)][1:] == [
        "local derivative: ∂t/∂x = np.cos(x), ∂dt/∂x = 1, ∂dx/∂x = -dt * np.sin(x)",
        "chain rule: ddx_dx = ddx_dt · ∂t/∂x + ddx_ddt · ∂dt/∂x + ddx_ddx · ∂dx/∂x",
    ]


def test_where_there_is_no_factor_a_hint_gives_the_shape() -> None:
    quiz = at(perceptron(), "dW2")
    assert [quiz.hint() for _ in range(3)] == [
        "W2 is read by Z2 = A1 @ W2 + b2",
        "dW2 has the shape (3, 2), as W2 has",
        "dW2 is computed of A1, dZ2",
    ]


@pytest.mark.parametrize("make", GRAPHS, ids=lambda make: make.__name__)
def test_no_hint_contains_the_answer(make: Any) -> None:
    quiz = make().quiz()
    while not quiz.done:
        name, value = quiz.name, quiz.stepper.graph[quiz.name].value if not quiz.choices else None
        hints = [quiz.hint() for _ in range(len(quiz._left[0].hints))]
        for piece in [piece.strip() for hint in hints for piece in re.split("[:=,]| and by ", hint)]:
            said = at(make(), name).answer(piece)
            assert not said.right, (name, piece, said)
        if value is not None:
            assert not any(number(value) in hint for hint in hints)
        quiz.reveal()


def test_which_way_a_parameter_moves_is_asked_behind_all_gradients() -> None:
    quiz = at(neuron(), "w1")
    assert quiz.ask == "6/8  Which way will w1 move?  up, down or stays"
    assert quiz.choices == ("up", "down", "stays")
    assert quiz.stepper.position == len(quiz.stepper.steps)
    assert [quiz.hint(), quiz.hint()] == [
        "the update is w1 := w1 - η * dw1",
        "η is positive, so that the sign of dw1 decides",
    ]
    assert quiz.reveal() == "w1: up, because dw1 = -0.851"


def test_of_an_array_the_entry_with_the_largest_gradient_moves() -> None:
    quiz = at(perceptron(), "W2")
    assert quiz.question.endswith("Which way will W2[1, 0] move?  up, down or stays")
    gradient = quiz.stepper.graph["dW2"].value
    assert abs(gradient[1, 0]) == pytest.approx(np.abs(gradient).max())
    stepper = perceptron().stepper()
    stepper.update(0.1)
    assert stepper.graph["W2"].value[1, 0] > perceptron()["W2"].value[1, 0]
    assert quiz.answer("up").message == f"W2[1, 0]: up, because dW2[1, 0] = {gradient[1, 0]:.10g}: right"


def test_of_entries_that_differ_by_rounding_the_first_is_the_largest() -> None:
    assert place_of_largest([1.0, -2.0, 2.0 + 4e-16]) == (1,)
    assert place_of_largest([[0.0, np.nan], [3.0, 3.0001]]) == (1, 1)
    assert place_of_largest(np.zeros(3)) == (0,)


def test_what_has_the_gradient_0_stays() -> None:
    w, v = tg.parameter(2.0), tg.parameter(0.0)
    quiz = at(tg.Graph(v * v + w, names={"w": w, "v": v}), "v")
    assert "η * dv" in quiz.answer("up").message
    assert quiz.answer("stays").right


def test_which_path_carries_most_is_asked_behind_the_gradient() -> None:
    quiz = at(unit_upstream(), "dp")
    assert quiz.answer("2 * dq + 2 * dr * p").right
    assert quiz.ask == ("4/5  Which path from L to p carries most of dp?  path 1: L → q → p, path 2: L → r → p  path 1 or path 2")
    assert quiz.stepper.steps[quiz.stepper.position].name == "dp"  # which is still ahead
    assert [quiz.hint(), quiz.hint()] == [
        "multiply the local derivatives along each path",
        "the sizes of the products decide, not their signs",
    ]
    assert quiz.answer("path 3") == (False, "choose path 1 or path 2", False)
    assert quiz.answer("path 1").message == "dp: not yet. Another path has a larger product"
    assert quiz.answer("path 2").message == "dp: path 2, because the products are 2.000, 9.000: right"
    assert quiz.name == "p"


@pytest.mark.parametrize(
    ("p", "right"), [(0.1, "path 1"), (-0.1, "path 1"), (-1.0, "path 2"), (1 / 3, None), (-1 / 3, None), (0.335, None)]
)
def test_of_the_paths_the_largest_in_size_is_right_and_equal_ones_are_not_asked_about(p: float, right: str | None) -> None:
    quiz = at(unit_upstream().with_leaves({"p": p}), "dp")  # 2 and 6 * p
    quiz.reveal()
    assert (quiz.name, quiz.choices) == (("p", ("up", "down", "stays")) if right is None else ("dp", ("path 1", "path 2")))
    assert right is None or quiz.answer(right).right


def test_paths_that_are_not_finite_are_compared_without_a_warning() -> None:
    w = tg.parameter(0.0)
    with np.errstate(all="ignore"):
        u = np.sqrt(w)
        graph = tg.Graph(u + w * 3, names={"w": w, "u": u})
        graph.backprop()
    quiz = at(graph, "dw")  # infinity and 3
    quiz.reveal()
    assert quiz.reveal() == "dw: path 1, because the products are inf, 3.000"


def test_paths_are_asked_about_to_parameters_alone_and_each_output_has_its_own() -> None:
    w, x = tg.parameter(2.0), tg.constant(5.0)
    a, b = w * x + np.sin(w) * x, w**2
    c = b * w
    graph = tg.Graph(a, c, names=locals())
    graph.backprop(of=a, wrt=[w, x])
    graph.backprop(of=c, wrt=[w, b])
    asked = [str(one.text) for one in graph.quiz()._left if one.choices]
    assert [text.partition("  ")[0] for text in asked] == [
        "Which path from a to w carries most of dw?",
        "Which path from c to w carries most of dc_dw?",
    ]


def test_where_nothing_is_updated_no_way_is_asked_for() -> None:
    x = tg.constant([1.0, 2.0])
    graph = tg.Graph(np.sum(x**2), names={"x": x})
    graph.backprop(wrt=x)
    quiz = graph.quiz()
    quiz.reveal()
    assert quiz.done


def test_the_end_says_how_it_went() -> None:
    quiz = neuron().quiz()
    assert "no question left" not in quiz.hint()
    assert quiz.answer("da").counted is False
    quiz.answer(7)
    assert quiz.reveal() == "da = -y / a + (1 - y) / (1 - a) = -1.741"
    for answer in ("a - y", "dz * x1", "dz * x2", "dz", "up", "down", "up"):
        assert quiz.answer(answer).right
    assert quiz.done
    assert quiz.ask == "the end: 7 of 8 right, 1 hint and 1 wrong answer"
    for said in (quiz.hint(), quiz.reveal(), quiz.answer(1).message):
        assert said == "there is no question left: 7 of 8 right, 1 hint and 1 wrong answer"
    assert repr(quiz) == f"<quiz: {quiz.ask}>"


def test_the_state_is_plain_data() -> None:
    quiz = at(perceptron(), "dA1")
    quiz.hint()
    state = json.loads(json.dumps(quiz.state(), allow_nan=False))
    assert state == {
        "question": quiz.ask, "name": "dA1", "entry": [0, 0], "position": 8, "hints": ["A1 is read by Z2 = A1 @ W2 + b2"],
        "known": ["X", "Y", "W1", "b1", "W2", "b2", "Z1", "A1", "Z2", "L", "dL", "dZ2", "dW2", "db2"],
        "choices": [], "number": 4, "total": 11, "score": {"right": 0, "asked": 3, "hints": 1, "wrong": 0}, "done": False,
    }  # fmt: skip


# Other numbers


def test_a_seed_gives_all_who_take_it_the_same_other_numbers() -> None:
    one, same, other = neuron().quiz(seed=7), neuron().quiz(seed=7), neuron().quiz(seed=8)
    assert one.question == same.question != other.question
    graph = one.stepper.graph
    for name in ("x1", "x2", "w1", "w2", "b"):
        value, before = graph[name].value, neuron()[name].value
        assert value == round(value, 2)
        assert np.sign(value) == np.sign(before)
        assert value != 0
    assert graph["y"].value == neuron()["y"].value  # a label
    assert all(one.answer(x).right for x in ("-y/a + (1-y)/(1-a)", "a - y", "dz*x1", "dz*x2", "dz"))


def test_a_seed_gives_arrays_of_parameters_other_numbers_too() -> None:
    one, same, other = (perceptron().quiz(seed=seed).stepper.graph for seed in (3, 3, 4))
    for name in ("W1", "b1", "W2", "b2"):
        value, before = one[name].value, perceptron()[name].value
        np.testing.assert_array_equal(value, same[name].value)
        assert not (value == other[name].value).all()
        np.testing.assert_array_equal(value, value.round(2))
        np.testing.assert_array_equal(np.sign(value)[before != 0], np.sign(before)[before != 0])
    np.testing.assert_array_equal(one["X"].value, perceptron()["X"].value)


@pytest.mark.parametrize("seed", [-1, 1.5, "7"])
def test_seeds_that_are_none(seed: Any) -> None:
    with pytest.raises(ValueError, match=f"seed={seed!r} must be a whole number from 0 on, such as seed=7"):
        neuron().quiz(seed=seed)


def test_a_seed_is_refused_where_there_is_nothing_to_give_another_number() -> None:
    x = tg.constant([1.0, 2.0])
    graph = tg.Graph(np.sum(x**2), names={"x": x})
    graph.backprop(wrt=x)
    with pytest.raises(ValueError, match="no parameter and no scalar with a name"):
        graph.quiz(seed=1)


def test_a_seed_keeps_to_numbers_on_which_everything_is_finite() -> None:
    x, w = tg.parameter(0.5), tg.parameter(-0.25)
    u = np.log(x + w)
    for seed in range(20):
        assert np.isfinite(tg.Graph(u, names={"x": x, "w": w, "u": u}).quiz(seed=seed).known["u"])
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="seed=3: no numbers were found"):
        tg.Graph(np.log(x * 0), names={"x": x}).quiz(seed=3)


# In a terminal


def played(graph: tg.Graph, *typed: str) -> str:
    answers: Iterator[str] = iter(typed)
    said: list[str] = []

    def ask(prompt: str) -> str:
        for answer in answers:
            said.append(f"{prompt}{answer}")
            return answer
        raise EOFError

    graph.quiz().run(ask, said.append)
    return "\n".join(said)


def test_run_asks_until_all_is_answered() -> None:
    text = played(
        neuron(), "hint", "?", "", "5", "-1.741", "a - y", "2*dz", "reveal", "dz", *["reveal"] * 2, "left", "down", "up"
    )
    assert text.partition("1/8")[2] == (
        "  da = ?  a number (within 1% or 0.0005), or a formula in the names above\n"
        "> hint\na is read by L = -(y * np.log(a) + (1 - y) * np.log(1 - a))\n"
        "> ?\nlocal derivative: ∂L/∂a\n"
        "> \ntype a number, a formula, hint, reveal or quit\n"
        "> 5\nda: not yet. Even the sign is off\n"
        "> -1.741\nda = -y / a + (1 - y) / (1 - a) = -1.741: right\n"
        "\n2/8  dz = ?  a number (within 1% or 0.0005), or a formula in the names above\n"
        "> a - y\ndz = da * a * (1 - a) = -0.426: right\n"
        "\n3/8  dw1 = ?  a number (within 1% or 0.0005), or a formula in the names above\n"
        "> 2*dz\ndw1: not yet. It is right for these numbers only\n"
        "> reveal\ndw1 = dz * x1 = -0.851\n"
        "\n4/8  dw2 = ?  a number (within 1% or 0.0005), or a formula in the names above\n"
        "> dz\ndw2: not yet. It is the upstream gradient alone: the local derivative is forgotten\n"
        "> reveal\ndw2 = dz * x2 = 0.426\n"
        "\n5/8  db = ?  a number (within 1% or 0.0005), or a formula in the names above\n"
        "> reveal\ndb = dz = -0.426\n"
        "\n6/8  Which way will w1 move?  up, down or stays\n"
        "> left\nchoose up, down or stays\n"
        "> down\nw1: not yet. The update subtracts: w1 := w1 - η * dw1\n"
        "> up\nw1: up, because dw1 = -0.851: right\n"
        "\n7/8  Which way will w2 move?  up, down or stays\n"
    )


def test_run_ends_quietly() -> None:
    assert played(neuron(), "quit").endswith("> quit")
    assert played(neuron()).endswith("in the names above\n")
    assert played(neuron(), *["reveal"] * 8).endswith("\n\nthe end: 0 of 8 right")


def test_a_gradient_without_entries_is_not_asked_for() -> None:
    w, b = tg.parameter(np.zeros((0, 2))), tg.parameter(1.0)
    q = tg.Graph(np.sum(w) + b * 2, names={"w": w, "b": b}).quiz()
    assert q.name == "db"


def test_a_quiz_is_saved_as_its_page(tmp_path: Path) -> None:
    quiz = neuron().quiz(seed=3)
    assert quiz.save(tmp_path / "quiz.html").read_text(encoding="utf-8") == quiz.page()
    with pytest.raises(ValueError, match=r"\.html"):
        quiz.save(tmp_path / "quiz.json")


def test_a_notebook_shows_the_page_with_the_first_question() -> None:
    w = tg.parameter(2.0)
    bundle = tg.Graph(w * w, names={"w": w}).quiz()._repr_mimebundle_()
    assert bundle["text/html"].startswith('<iframe sandbox="allow-scripts allow-downloads"')
    assert "dw" in bundle["text/plain"]


@pytest.mark.parametrize(("x", "wrong"), [(1.0, "dz * x**2"), (3, "dz * 3 + 0 * x")])
def test_a_formula_that_fits_these_numbers_alone_is_not_right(x: float, wrong: str) -> None:
    w, data = tg.parameter(2.0), tg.constant(x)
    z = w * data
    q = tg.Graph(z**2, names={"w": w, "x": data, "z": z}).quiz()
    q.reveal()
    assert not q.answer(wrong).right
    assert q.answer("dz * x").right


def test_a_formula_that_fits_these_signs_alone_is_not_right() -> None:
    w = tg.parameter(2.0)
    quiz = tg.Graph(w * w, names={"w": w}).quiz()
    assert not quiz.answer("2 * abs(w)").right
    assert quiz.answer("2 * w").right


def test_hints_belong_to_the_output_that_is_asked_about() -> None:
    w = tg.parameter(2.0)
    z = w * 3
    a = z**2
    b = z * 5
    graph = tg.Graph(a, b, names={"w": w, "z": z, "a": a, "b": b})
    graph.backprop(of=a)
    graph.backprop(of=b)
    steps = {step.name: step for step in graph.stepper().steps}
    assert (steps["dw"].upstream, steps["dz"].upstream) == ("dz", "da")
    assert (steps["db_dw"].upstream, steps["db_dz"].upstream) == ("db_dz", "db_db")


def test_a_graph_that_ends_at_a_failure_has_no_quiz() -> None:
    with pytest.raises(tg.OpError) as raised:
        tg.parameter(np.ones(2)) + np.ones(3)
    graph = raised.value.graph
    assert graph is not None
    with pytest.raises(ValueError, match="ends where an op failed"):
        graph.quiz()
