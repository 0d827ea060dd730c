"""The flow: every statement says what it adds to the gradients of what it reads, and all of that together is the gradient."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.programs import MODELS, RANDOM, Build, any_ranks
from tests.random_programs import SIZES, random_program
from tinygraph.express.python import python
from tinygraph.express.text import number
from tinygraph.node import Node
from tinygraph.program.statements import Level, Program, program_of
from tinygraph.program.value import evaluate
from tinygraph.stepping.quiz import Quiz


def check_sums(program: Program, tolerance: float = 1e-10) -> None:
    """Raise an AssertionError unless the contributions to each gradient add up to it, in numbers and as they are written."""
    for request in program.graph._requests():
        for x, gradient in request.gradients.items():
            passes = program.flow.passes(gradient)
            if x is request.output:
                assert not passes
                continue
            for p in passes:
                assert p.of is x
                assert p.upstream is request.gradients[p.reader.node]
                written = evaluate(p.contribution, lambda node: node.value)
                close(written, p.value, x, tolerance)
                if p.is_factor:
                    close(p.local_value * p.upstream.value, p.value, x, tolerance)
            close(sum(np.broadcast_to(p.value, x.shape) for p in passes), gradient.value, x, tolerance)


def close(value: Any, right: Any, x: Node, tolerance: float) -> None:
    scale = np.max(np.abs(right), initial=1.0)
    np.testing.assert_allclose(np.broadcast_to(value, x.shape), right, rtol=0, atol=tolerance * scale)


class TestContributions:
    @pytest.mark.parametrize("build", [*MODELS.values(), *RANDOM.values()], ids=[*MODELS, *RANDOM])
    def test_add_up_to_the_gradient(self, build: Build) -> None:
        graph = build(5)
        graph.backprop()
        check_sums(program_of(graph), 1e-12)

    @given(st.integers(0, 10**6), st.sampled_from(["named", "op"]))
    @settings(max_examples=25, deadline=None)
    def test_of_any_program_add_up_to_the_gradient(self, seed: int, level: Level) -> None:
        random = random_program(seed, without=frozenset({"singular"}))
        with any_ranks():
            graph = random.graph(random.values(SIZES[0], 0))
            graph.backprop()
            check_sums(program_of(graph, level), max(random.rounding, 1e-8))

    @given(st.integers(0, 10**6))
    @settings(max_examples=10, deadline=None)
    def test_of_second_order_add_up_too(self, seed: int) -> None:
        random = random_program(seed, without=frozenset({"singular"}), length=4)
        with any_ranks():
            graph = random.graph(random.values(SIZES[0], 0))
            first = graph.backprop()
            try:
                graph.backprop(of=first["W"], wrt=["W"], seed=np.ones((3, 3)))
            except ValueError:  # the gradient does not depend on W
                return
            check_sums(program_of(graph), max(random.rounding, 1e-7))


def locals_of(L: Node, **names: Node) -> dict[str, str]:
    """What the statement of L passes on to each of its inputs: the local derivative, or else the contribution."""
    graph = tg.Graph(L, names={**names, "L": L})
    gradients = graph.backprop()
    program = program_of(graph)
    passed = program.flow.passed(gradients["L"])
    return {program.name(x): python(p.local if p.is_factor else p.contribution, program.name) for x, p in passed.items()}


def test_the_count_of_an_inner_sum_is_that_of_a_named_value() -> None:
    Y, S = tg.constant(np.eye(3)), tg.parameter(np.full((3, 3), 0.3))
    assert locals_of(-np.mean(np.sum(Y * np.log(S), axis=1)), Y=Y, S=S)["S"] == "-Y / S / len(Y)"


def test_a_value_that_leads_to_another_input_passes_on_nothing_by_itself() -> None:
    w = tg.parameter(3.0)
    z = w * 2
    L = z * w
    graph = tg.Graph(L, names={"w": w, "z": z, "L": L})
    grads = graph.backprop()
    assert [(p.reader.name, p.value) for p in program_of(graph).flow.passes(grads["w"])] == [("z", 6.0), ("L", 6.0)]


def test_a_shared_value_without_a_name_has_a_gradient_in_every_face() -> None:
    w, x = tg.parameter(np.array([0.3, 0.2])), tg.constant(np.array([0.5, 1.2]))
    s = np.sin(x * w)
    L = np.sum(s * s * w)
    graph = tg.Graph(L, names={"w": w, "x": x, "L": L})
    graph.backprop()
    right = {"t": "np.sin(x * w)", "L": "np.sum(t * t * w)", "dL": "1", "dt": "2 * w * t", "dw": "dt * np.cos(x * w) * x + t * t"}
    assert {s.name: s.right for s in graph.statements()} == right
    assert all(f"{name} = {text}" in repr(graph) for name, text in right.items())
    assert all(f"    {name} = {text}\n" in graph.source() for name, text in right.items() if name != "dL")
    assert list(dict.fromkeys(step.name for step in graph.stepper().steps)) == list(right)
    assert r"\frac{\partial L}{\partial t}" in graph.latex().partition(r"\frac{\partial L}{\partial w}")[0]
    shown = [line.text for card in graph.draw().drawing.cards for line in card.results]
    assert Counter(text.split()[0] for text in shown) == Counter(["w", "dw", "x", "t", "dt", "L", "dL"])


@pytest.mark.parametrize("ask", [lambda g, u, v: g.backprop(of=v), lambda g, u, v: g.backprop(wrt=[u, v, "w"])])
def test_a_value_without_a_name_is_a_statement_where_it_has_a_gradient(ask: Any) -> None:
    w = tg.parameter(0.3)
    u = w * 2
    v = np.sin(u) + w
    graph = tg.Graph(v * v, names={"w": w})
    ask(graph, u, v)
    program = program_of(graph)
    check_sums(program)
    assert all(
        request.gradients.keys() <= {*program.leaves, *(s.node for s in program.forward)} for request in program.graph._requests()
    )
    assert "None" not in repr(graph)


def test_the_gradient_of_a_part_of_a_gradient_has_a_step_but_no_contributions() -> None:
    w = tg.parameter(0.3)
    z = w * w
    graph = tg.Graph(np.sin(z), names={"w": w, "z": z})
    first = graph.backprop()
    parts = [x for x in first["z"].inputs if isinstance(x, Node) and graph.name(x) is None and x.op is not None]
    graph.backprop(of=parts[0], wrt=["w"])
    step = graph.stepper().steps[-1]
    assert (step.of, step.part, step.upstream) == (w, None, None)


def test_only_gradients_that_were_asked_for_are_returned_by_source() -> None:
    w = tg.parameter(0.3)
    s = np.sin(w)
    graph = tg.Graph(s * s * w, names={"w": w})
    graph.backprop()
    assert "dt" in graph.source()
    assert list(graph.function()(0.3)[1]) == ["dw"]


def test_a_local_derivative_may_be_a_division_by_0() -> None:
    x = tg.parameter([0.0, 2.0])
    with np.errstate(all="ignore"):
        n = x / 0.0
        L = np.sum(n)
        graph = tg.Graph(L, names={"x": x, "n": n, "L": L})
        graph.backprop()
    assert [step.local for step in graph.stepper().steps if step.name == "dx"] == ["∂n/∂x = 1 / 0 = [inf, inf]"]


def test_a_perceptron_of_three_layers_is_swept_once_a_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygraph.program import flow

    count = []
    sweep = flow.sweep
    monkeypatch.setattr(flow, "sweep", lambda *args, **kwargs: count.append(args[0]) or sweep(*args, **kwargs))
    names: dict[str, Any] = {"A0": tg.constant(np.ones((4, 3)))}
    for i in (1, 2, 3):
        names[f"W{i}"], names[f"b{i}"] = tg.parameter(np.full((3, 3), 0.1 * i)), tg.parameter(np.zeros(3))
        names[f"Z{i}"] = names[f"A{i - 1}"] @ names[f"W{i}"] + names[f"b{i}"]
        names[f"A{i}"] = np.tanh(names[f"Z{i}"])
    names["L"] = np.mean(names["A3"] ** 2)
    graph = tg.Graph(names["L"], names=names)
    stepper = graph.stepper()
    stepper.run()
    stepper.page()
    assert Counter(count) == Counter(names[name] for name in ("Z1", "A1", "Z2", "A2", "Z3", "A3", "L"))


def last_number(equation: str) -> str:
    """The number that an equation ends with, as all faces print it."""
    return equation.rpartition(" = ")[2].replace("−", "-")


def check_faces(graph: tg.Graph, level: Level) -> None:
    """Raise an AssertionError unless cards, steps and quiz show the same passes as the flow."""
    program = program_of(graph, level)
    backward = [s for s in program.backward if s.of is not None]
    passes = {(p.reader.name, program.name(p.of)): p for s in backward for p in program.flow.passes(s.node)}

    cards = [card for card in graph.draw(level=level, fold=False).drawing.cards if card.statement is not None]
    drawn = [(card.node, x) for card in cards for row in card.rows for x in row.gradients_of]
    assert Counter(drawn) == Counter((p.reader.node, p.of) for p in passes.values())
    for card in cards:
        assert card.statement is not None
        for row in card.rows:
            for x in row.gradients_of:
                p = passes[card.statement.name, program.name(x)]
                assert card.gradient is p.upstream
                if p.is_factor and not x.shape and len(row.nodes) == 1 and "…" not in row.lines[1].text:
                    assert last_number(row.lines[1].text) in (number(p.local_value), python(p.local, program.name))

    steps = [step for step in graph.stepper(level).steps if step.phase == "backward" and step.reader is not None]
    for step, p in zip(steps, passes.values(), strict=True):
        assert (step.reader, step.of) == (p.reader.node, p.of)
        assert step.upstream == program.name(p.upstream)
        assert step.node is p.gradient
        np.testing.assert_array_equal(step.added, p.value if step.part else p.gradient.value)
        if p.is_factor:
            assert step.local is not None
            assert step.local.startswith(f"∂{p.reader.name}/∂{program.name(p.of)} = {python(p.local, program.name)}")

    quiz = Quiz(graph, level=level)
    while quiz.name is not None:
        of = [p for p in passes.values() if program.name(p.gradient) == quiz.name]
        if of and not quiz.choices:
            readers, local, together = quiz.hint(), quiz.hint(), quiz.hint()
            assert all(f" by {p.reader.name} = " in readers for p in of)
            if all(p.is_factor for p in of):
                partials = [f"∂{p.reader.name}/∂{program.name(p.of)}" for p in of]
                assert all(partial in local for partial in partials)
                terms = [f"{program.name(p.upstream)} · {partial}" for p, partial in zip(of, partials, strict=True)]
                assert together == f"chain rule: {quiz.name} = {' + '.join(terms)}"
        quiz.reveal()


class TestFaces:
    @pytest.mark.parametrize("level", ["named", "op"])
    @pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
    def test_show_the_same_passes(self, build: Build, level: Level) -> None:
        graph = build(3)
        graph.backprop()
        check_faces(graph, level)

    @given(st.integers(0, 10**6), st.sampled_from(["named", "op"]))
    @settings(max_examples=15, deadline=None)
    def test_of_any_program_show_the_same_passes(self, seed: int, level: Level) -> None:
        random = random_program(seed)
        graph = random.graph(random.values(SIZES[0], 0))
        graph.backprop()
        check_faces(graph, level)
