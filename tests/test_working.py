"""A gradient worked out further: every line is the gradient, and it ends as a textbook does, or not at all."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.programs import MODELS, RANDOM, Build
from tests.random_programs import SIZES, random_program
from tests.test_graph import neuron
from tests.test_latex import refused
from tinygraph.express.reasoned import Derivation
from tinygraph.program import working
from tinygraph.program.statements import Program, program_of
from tinygraph.program.value import evaluate
from tinygraph.program.working import Change, Terms

NEURON = """\
1  dz = da * a * (1 - a)                                        chain rule
2     = (-y / a + (1 - y) / (1 - a)) * a * (1 - a)              put in da
3     = -y / a * a * (1 - a) + (1 - y) / (1 - a) * a * (1 - a)  multiply out
4     = -y * (1 - a) + (1 - y) * a                              cancel, where a ≠ 0 and 1 - a ≠ 0
5     = -y + y * a + a - y * a                                  multiply out
6     = a - y                                                   collect"""
HAND_WRITTEN = """\
1  dz = -dt * t                                                 chain rule
2     = da * a / (1 + t) * t                                    put in dt
3     = da * a * a * (1 - a) / a                                as a = 1 / (1 + t), where a ≠ 0
4     = da * a * (1 - a)                                        cancel, where a ≠ 0
5     = (-y / a + (1 - y) / (1 - a)) * a * (1 - a)              put in da
6     = -y / a * a * (1 - a) + (1 - y) / (1 - a) * a * (1 - a)  multiply out
7     = -y * (1 - a) + (1 - y) * a                              cancel, where a ≠ 0 and 1 - a ≠ 0
8     = -y + y * a + a - y * a                                  multiply out
9     = a - y                                                   collect"""
TARGETS = np.array([1.0, 0.0, 1.0, 0.25])


def canonical() -> tg.Graph:
    names = neuron()
    graph = tg.Graph(names["L"], names=names)
    graph.backprop()
    return graph


def of_logits(loss: Any, activation: Any, logits: Any = (0.3, -0.8, 1.4, 0.1), y: Any = TARGETS) -> tg.Graph:
    """The graph of a loss of an activation of logits, with its gradients."""
    z = tg.parameter(logits)
    y = tg.constant(y)
    with np.errstate(all="ignore"):
        a = activation(z)
        L = loss(a, y)
        graph = tg.Graph(L, names={"z": z, "y": y, "a": a, "L": L})
        graph.backprop()
    return graph


def by_hand(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def cross_entropy(a: Any, y: Any) -> Any:
    return -(y * np.log(a) + (1 - y) * np.log(1 - a))


def mean_cross_entropy(a: Any, y: Any) -> Any:
    return np.mean(cross_entropy(a, y))


def with_names(a: Any, y: Any) -> Any:
    p = 1 - a
    return -np.sum(y * np.log(a) + (1 - y) * np.log(p))


def squared_error(a: Any, y: Any) -> Any:
    return np.mean((a - y) ** 2)


def check(found: Derivation, gradient: Any, tolerance: float) -> None:
    """Raise an AssertionError unless every line is the gradient wherever it says that it was checked."""
    scale = np.max(np.abs(gradient), initial=1.0)
    for line in found.lines:
        assert "differs" not in line.note
        with np.errstate(all="ignore"):
            value = np.broadcast_to(evaluate(line.expression, lambda node: node.value), np.shape(gradient))
        np.testing.assert_allclose(value[line.checked], gradient[line.checked], rtol=0, atol=tolerance * scale)


def evaluated(graph: tg.Graph, text: str) -> Any:
    """A line as Python runs it, with the values of the graph."""
    return eval(text, {"np": np, **{name: graph[name].value for name in graph.names}})


class TestLines:
    def test_of_the_canonical_neuron_end_in_a_minus_y(self) -> None:
        assert repr(canonical().derivation("dz")) == NEURON

    def test_of_a_sigmoid_written_by_hand_go_on_to_its_derivative_in_terms_of_itself(self) -> None:
        assert repr(of_logits(cross_entropy, by_hand, 0.3, 1.0).derivation("dz")) == HAND_WRITTEN

    @pytest.mark.parametrize(
        ("loss", "activation", "last"),
        [
            (mean_cross_entropy, tg.sigmoid, "(a - y) / len(y)"),
            (mean_cross_entropy, by_hand, "(a - y) / len(y)"),
            (mean_cross_entropy, lambda z: 1 / (np.exp(-z) + 1), "(a - y) / len(y)"),
            (tg.binary_cross_entropy, tg.sigmoid, "(a - y) / len(a)"),
            (with_names, tg.sigmoid, "a - y"),
            (squared_error, by_hand, "da * a * (1 - a)"),
            (lambda a, y: -np.sum(np.log(1 - a**2)), np.tanh, "2 * a"),
            (lambda a, y: np.sum(np.log(a) * y), np.exp, "y"),
            (lambda a, y: np.sum(y * np.log(a)), by_hand, "y * (1 - a)"),
        ],
    )
    def test_end_where_they_are_shortest(self, loss: Any, activation: Any, last: str) -> None:
        graph = of_logits(loss, activation)
        found = graph.derivation("dz")
        assert found.lines[-1].text == last
        assert len(found.lines) > 1
        for line in found.lines:
            assert line.checked.all()
            assert line.note == ""

    @pytest.mark.parametrize(
        ("loss", "activation"),
        [
            (squared_error, tg.sigmoid),
            (squared_error, lambda z: z),
            (mean_cross_entropy, lambda z: np.exp(z) / np.sum(np.exp(z))),  # which needs that the labels add up to 1
        ],
    )
    def test_are_one_where_they_get_no_shorter(self, loss: Any, activation: Any) -> None:
        found = of_logits(loss, activation).derivation("dz")
        assert len(found.lines) == 1
        assert repr(found).endswith("\n(it gets no shorter by putting in, multiplying out, cancelling and collecting)")

    def test_of_a_weight_end_with_its_feature_taken_out(self) -> None:
        line = canonical().derivation("dw1").lines[-1]
        assert (line.text, line.reason) == ("(a - y) * x1", "take out x1")

    def test_of_the_output_say_where_the_backward_pass_starts(self) -> None:
        (line,) = canonical().derivation("dL").lines
        assert (line.text, line.reason) == ("1", "start of the backward pass")

    def test_open_no_sum_over_axes(self) -> None:
        X, y = tg.constant(np.ones((3, 2))), tg.constant([1.0, 0.0, 1.0])
        w = tg.parameter([0.3, 0.5])
        z = X @ w
        a = tg.sigmoid(z)
        L = mean_cross_entropy(a, y)
        graph = tg.Graph(L)
        graph.backprop()
        assert [line.text for line in graph.derivation("dw").lines] == ["X.T @ dz"]


class TestConditions:
    def test_are_what_a_line_cancels(self) -> None:
        conditions = [line.conditions for line in canonical().derivation("dz").lines]
        assert conditions == [(), (), (), ("a ≠ 0", "1 - a ≠ 0"), (), ()]

    def test_say_where_they_do_not_hold_and_nothing_is_checked_there(self) -> None:
        graph = of_logits(mean_cross_entropy, tg.sigmoid, [0.0, 800.0, -800.0, 1.0], [1.0, 0.0, 0.5, 0.0])
        assert (graph["a"].value[1:3] == [1, 0]).all()
        lines = graph.derivation("dz").lines
        assert lines[-1].text == "(a - y) / len(y)"
        assert lines[0].note == "not finite at 2 of 4 entries: not checked there"
        assert lines[3].note == "not so at 2 of 4 entries: not checked there"
        for line in lines:
            assert line.checked.tolist() == [True, False, False, True]

    def test_that_do_not_hold_where_the_gradient_is_finite_are_not_checked_there(self) -> None:
        graph = of_logits(tg.binary_cross_entropy, tg.sigmoid, [0.0, 800.0], [1.0, 1.0])
        lines = graph.derivation("dz").lines
        assert np.isfinite(graph["dz"].value).all()
        assert lines[0].checked.all()
        assert [line.note for line in lines if line.note] == ["not so at 1 of 2 entries: not checked there"] * 2
        assert lines[-1].checked.tolist() == [True, False]

    def test_of_a_number_that_do_not_hold(self) -> None:
        graph = of_logits(tg.binary_cross_entropy, tg.sigmoid, 800.0, 1.0)
        assert "where a ≠ 0 and 1 - a ≠ 0 (not so: not checked there)" in repr(graph.derivation("dz"))


class TestEveryLine:
    def test_is_the_gradient_as_python_reads_it(self) -> None:
        graph = of_logits(mean_cross_entropy, tg.sigmoid)
        for line in graph.derivation("dz").lines:
            np.testing.assert_allclose(evaluated(graph, line.text), graph["dz"].value, rtol=1e-12)

    def test_that_is_not_the_gradient_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def first_factor_alone(terms: Terms, of: Program) -> Change | None:
            return Change((terms[0]._replace(factors=terms[0].factors[:1]),), "forget the rest")

        monkeypatch.setattr(working, "RULES", [first_factor_alone])
        first, *wrong = canonical().derivation("dz").lines
        assert first.note == ""
        assert wrong
        for line in wrong:
            assert line.note.startswith("differs by ")

    @pytest.mark.parametrize("build", [*MODELS.values(), *RANDOM.values()], ids=[*MODELS, *RANDOM])
    def test_is_the_gradient(self, build: Build) -> None:
        graph = build(5)
        graph.backprop()
        check_all(graph, 1e-10)

    @given(st.integers(0, 10**6))
    @settings(max_examples=15, deadline=None)
    def test_of_any_program_is_the_gradient(self, seed: int) -> None:
        random = random_program(seed, without=frozenset({"singular"}))
        graph = random.graph(random.values(SIZES[0], 0))
        graph.backprop()
        check_all(graph, max(random.rounding, 1e-8))


def check_all(graph: tg.Graph, tolerance: float) -> None:
    """Check the lines of every gradient that has a name, and that they end no longer than the first but by one op."""
    for statement in program_of(graph).backward:
        if statement.of is not None:
            found = graph.derivation(statement.name)
            check(found, statement.value, tolerance)
            assert found.lines[-1].expression.size <= found.lines[0].expression.size + 1


class TestTypeset:
    def test_katex_takes_it(self) -> None:
        graphs = [canonical(), of_logits(mean_cross_entropy, tg.sigmoid, [0.0, 800.0, -800.0, 1.0])]
        assert refused([str(graph.derivation("dz").latex()) for graph in graphs]) == []

    def test_in_latex(self) -> None:
        first, second, _, fourth, *_, last = str(canonical().derivation("dz").latex()).splitlines()[1:-1]
        assert first.endswith(r"\frac{\partial L}{\partial a} \, a \, (1 - a) && \text{1. chain rule} \\")
        assert second.endswith(r"&& \text{2. put in }\frac{\partial L}{\partial a} \\")
        assert fourth == r"   &= -y \, (1 - a) + (1 - y) a && \text{4. cancel, where }a \ne 0\text{ and }1 - a \ne 0 \\"
        assert last == r"   &= a - y && \text{6. collect}"

    def test_says_what_the_letters_of_sizes_are(self) -> None:
        lines = str(of_logits(mean_cross_entropy, tg.sigmoid).derivation("dz").latex()).splitlines()
        assert lines[-3:-1] == [r"   &= \frac{a - y}{m} && \text{6. collect} \\", "  m &= 4"]

    def test_in_mathml_that_a_notebook_shows(self) -> None:
        found = canonical().derivation("dz")
        html = found._repr_html_()
        assert found.latex().mathml in html
        assert found._repr_latex_() == found.latex()
        assert html.count("<mtr>") == 6
        assert "<mtext>6.\u00a0collect</mtext>" in html


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("dq", KeyError, "no node is called 'dq'"),
        ("a", ValueError, "'a' is no gradient: choose one of dL, da, dz, dw1, dw2, db"),
    ],
)
def test_other_names_raise_an_error(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        canonical().derivation(name)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("dL", KeyError, "'dL' is not computed: call graph.backprop() first"),
        ("L", ValueError, "'L' is no gradient: call graph.backprop() first"),
    ],
)
def test_without_a_backward_pass_there_is_nothing_to_work_out(name: str, error: type[Exception], message: str) -> None:
    names = neuron()
    with pytest.raises(error, match=re.escape(message)):
        tg.Graph(names["L"], names=names).derivation(name)
