"""A number prints as the user wrote it where that is the very number, in values and gradients, and source binds its names."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.program.spelling import numbers_read

X = np.array([1.0, -2.0, 0.5])
half = 0.5


def mean_by_hand() -> tg.Graph:
    x, m = tg.parameter(X), 3
    L = -(1 / m) * np.sum(x**2)
    return tg.Graph(L, names=locals())


def divided() -> tg.Graph:
    x, m = tg.parameter(X), len(X)
    L = np.sum(x**2) / m
    return tg.Graph(L, names=locals())


def sign_within() -> tg.Graph:
    x, m = tg.parameter(X), 3
    L = (-1 / m) * np.sum(np.sin(x))
    return tg.Graph(L, names=locals())


def penalty() -> tg.Graph:
    x, m, lam = tg.parameter(X), 3, 0.25
    L = lam / (2 * m) * np.sum(x**2)
    return tg.Graph(L, names=locals())


def halves() -> tg.Graph:
    x, m = tg.parameter(X), 3
    L = 1 / (2 * m) * np.sum(np.sin(x))
    return tg.Graph(L, names=locals())


def bare_name() -> tg.Graph:
    x, rate = tg.parameter(X), 0.1
    L = np.sum(x * rate)
    return tg.Graph(L, names=locals())


def power() -> tg.Graph:
    x, n = tg.parameter(X), 3
    L = np.sum(x**n)
    return tg.Graph(L, names=locals())


def product_of_literals() -> tg.Graph:
    x = tg.parameter(X)
    L = np.sum(x * (2 / 3))
    return tg.Graph(L, names={"x": x, "L": L})


def of_the_module() -> tg.Graph:
    x = tg.parameter(X)
    L = np.sum(x) * half
    return tg.Graph(L, names={"x": x, "L": L})


def argument() -> tg.Graph:
    x, low = tg.parameter(X), -0.75
    L = np.sum(np.maximum(x, low))
    return tg.Graph(L, names={"x": x, "L": L})


def turned_round() -> tg.Graph:
    x, low = tg.parameter(X), -0.75
    L = np.sum(np.where(low < x, x, 2 * low))
    return tg.Graph(L, names={"x": x, "L": L})


def whole_number() -> tg.Graph:
    x, m = tg.parameter(X), 3
    s = np.sum(x)
    L = m * s
    return tg.Graph(L, names=locals())


def literal() -> tg.Graph:
    x = tg.parameter(X)
    L = np.sum(x * -2.5) + np.sum(x**2)
    return tg.Graph(L, names={"x": x, "L": L})


def rebound() -> tg.Graph:
    x, m = tg.parameter(X), 3
    L = np.sum(x) / m
    m = 4
    return tg.Graph(L, names=locals())


def differs_in_a_loop() -> tg.Graph:
    x, L = tg.parameter(X), 0.0
    for m in (1, 2, 3):
        L = L + np.sum(x) / m
    return tg.Graph(L, names=locals())


def same_in_a_loop() -> tg.Graph:
    x, L, m = tg.parameter(X), tg.constant(0.0), 3
    for i in range(2):
        L = L + x[i] / m
    return tg.Graph(L, names={"x": x, "L": L})


def name_of_a_value() -> tg.Graph:
    x, m = tg.parameter(X), 3
    L = np.sum(x) / m
    return tg.Graph(L, names={"x": x, "L": L, "m": x})


def name_of_an_op() -> tg.Graph:
    x, exp = tg.parameter(X), 3
    L = np.sum(x) / exp
    return tg.Graph(L, names={"x": x, "L": L})


def elsewhere() -> tg.Graph:
    x = tg.parameter(X)

    def loss() -> Any:
        inner = 7
        return np.sum(x) / inner

    L = loss()
    return tg.Graph(L, names={"x": x, "L": L})


def whole_and_floating() -> tg.Graph:
    """The name holds 3.0 where the graph is built, and held 3 where it was read."""
    x, m = tg.parameter(X), 3
    L = np.sum(x) / m
    return tg.Graph(L, names={"x": x, "L": L, "m": float(m)})


WRITTEN: list[tuple[Callable[[], tg.Graph], str, str, dict[str, Any]]] = [
    (mean_by_hand, "-(1 / m) * np.sum(x ** 2)", "-2 * x / m", {"m": 3}),
    (divided, "np.sum(x ** 2) / m", "2 * x / m", {"m": 3}),
    (sign_within, "-1 / m * np.sum(np.sin(x))", "-np.cos(x) / m", {"m": 3}),
    (penalty, "lam / (2 * m) * np.sum(x ** 2)", "lam * x / m", {"lam": 0.25, "m": 3}),
    (halves, "1 / (2 * m) * np.sum(np.sin(x))", "np.cos(x) / (2 * m)", {"m": 3}),
    (bare_name, "np.sum(x * rate)", "np.full_like(x, rate)", {"rate": 0.1}),
    (power, "np.sum(x ** n)", "n * x ** 2", {"n": 3}),
    (product_of_literals, "np.sum(x * (2 / 3))", "np.full_like(x, 2 / 3)", {}),
    (of_the_module, "np.sum(x) * half", "np.full_like(x, half)", {"half": 0.5}),
    (argument, "np.sum(np.maximum(x, low))", "np.where(x > -0.75, 1.0, np.where(x == -0.75, 1 / 2, 0))", {"low": -0.75}),
    (turned_round, "np.sum(np.where(x > low, x, 2 * low))", "np.where(x > low, 1.0, 0)", {"low": -0.75}),
    (whole_number, "m * s", "np.full_like(x, ds)", {"m": 3}),
    (literal, "np.sum(x * -2.5) + np.sum(x ** 2)", "-2.5 + 2 * x", {}),
    (rebound, "np.sum(x) / 3", "np.full_like(x, 1 / 3)", {}),
    (differs_in_a_loop, "L_2 + np.sum(x) / 3", "", {}),
    (same_in_a_loop, "L_1 + x[1] / m", "", {"m": 3}),
    (name_of_a_value, "np.sum(x) / 3", "np.full_like(x, 1 / 3)", {}),
    (name_of_an_op, "np.sum(x) / 3", "np.full_like(x, 1 / 3)", {}),
    (elsewhere, "np.sum(x) / 7", "np.full_like(x, 1 / 7)", {}),
    (whole_and_floating, "np.sum(x) / 3", "np.full_like(x, 1 / 3)", {}),
]
CASES = pytest.mark.parametrize(("build", "value", "gradient", "numbers"), WRITTEN, ids=[row[0].__name__ for row in WRITTEN])


@CASES
def test_a_number_prints_as_it_was_written(
    build: Callable[[], tg.Graph], value: str, gradient: str, numbers: dict[str, Any]
) -> None:
    graph = build()
    graph.backprop()
    statements = {statement.name: statement.right for statement in graph.statements()}
    assert statements["L"] == value
    if gradient:
        assert statements["dx"] == gradient


@CASES
def test_source_binds_what_it_reads_and_runs_alone(
    build: Callable[[], tg.Graph], value: str, gradient: str, numbers: dict[str, Any]
) -> None:
    graph = build()
    (dx,) = tg.gradients(graph["L"], graph["x"])
    graph.backprop()
    source = graph.source()
    module: dict[str, Any] = {}
    exec(source, module)
    leaves = [node.value for node in graph.forward if node.op is None]
    L, gradients = module["forward_backward"](*leaves)
    assert graph["L"].value == L
    np.testing.assert_allclose(gradients["dx"], dx, rtol=1e-15)
    assert gradients["dx"].dtype == np.float64
    bound = [line.split() for line in source.splitlines() if line.startswith("    ") and line.split()[1:2] == ["="]]
    assert {name: float(x) for name, _, x in (line for line in bound if len(line) == 3) if name in numbers} == numbers
    assert build().function().source == build().function().source


@pytest.mark.parametrize("level", ["named", "op"])
@CASES
def test_a_replay_on_other_leaves_is_a_fresh_recording(
    build: Callable[[], tg.Graph], value: str, gradient: str, numbers: dict[str, Any], level: Any
) -> None:
    graph = build()
    other = graph.with_leaves({graph["x"]: X[::-1]})
    other.backprop()
    walk = graph.stepper(level)
    walk.set(x=X[::-1])
    assert other["L"].value == walk.graph["L"].value
    assert [s.right for s in other.statements(level)] == [s.right for s in _with_gradients(build()).statements(level)]


def _with_gradients(graph: tg.Graph) -> tg.Graph:
    graph.backprop()
    return graph


def test_mathematics_writes_a_fraction() -> None:
    graph = mean_by_hand()
    assert r"-\frac{1}{m} \sum_{i} x_{i}^{2}" in graph.latex()
    assert "<mfrac><mn>1</mn><mi>m</mi></mfrac>" in graph.mathml()


def test_no_size_takes_the_letter_of_a_number() -> None:
    x, y, m = tg.parameter(X), tg.parameter(np.ones(4)), 7
    L = np.sum(x) / m + np.mean(y) * np.mean(x)
    latex = tg.Graph(L, names={"x": x, "y": y, "L": L}).latex()
    assert r"\frac{1}{m} \sum_{i} x_{i}" in latex
    assert [line.split(" &= ")[0].strip() for line in latex.splitlines()[2:-1]] == ["n", "u"]


def test_a_step_shows_the_number() -> None:
    assert mean_by_hand().stepper().step().numbers == "-(1 / 3) * 5.250"


def test_a_card_and_a_contribution_show_the_name() -> None:
    graph = mean_by_hand()
    graph.backprop()
    assert "(1/m)" in graph.draw().dot
    assert next(s for s in graph.stepper().steps if s.name == "dx").contribution == "dx = -2 * x / m"


def test_the_quiz_takes_its_own_right_hand_side() -> None:
    quiz = penalty().quiz()
    assert "right" in quiz.answer("lam * x / m").message


def test_no_temporary_takes_the_name_of_a_number() -> None:
    x, t = tg.parameter(X), 3
    u = np.exp(x)
    L = np.sum(u * np.sin(u) / t + np.tanh(np.sin(u)))
    graph = tg.Graph(L, names={"x": x, "L": L})
    assert "    t = 3\n" in graph.source()
    assert graph.function()(X) == L.value


def test_a_graph_keeps_the_numbers_that_its_code_names_and_no_frame() -> None:
    unrelated_name = 12345
    graph = mean_by_hand()
    assert numbers_read(graph) == {"m": 3}
    assert unrelated_name not in numbers_read(graph).values()


def test_a_stepper_takes_what_is_written_along() -> None:
    walk = pickle.loads(pickle.dumps(mean_by_hand().stepper()))
    assert walk.step().text.startswith("L = -(1 / m) * ")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_a_graph_without_source_prints_literals(copied: Callable[[tg.Graph], tg.Graph]) -> None:
    graph = mean_by_hand()
    graph.backprop()
    again = copied(graph)
    assert again.statements()[0].right == f"-{1 / 3} * np.sum(x ** 2)"
    np.testing.assert_allclose(again.function()(X)[1]["dx"], -2 * X / 3)


@pytest.mark.parametrize(
    ("build", "printed"),
    [
        (lambda x: x * math.pi, "x * np.pi"),
        (lambda x: x / (2 * np.pi), "x / (2 * np.pi)"),
        (lambda x: x * (-np.pi), "x * -np.pi"),
        (lambda x: x / np.sqrt(2 * np.pi), "x / np.sqrt(2 * np.pi)"),
        (lambda x: x - np.log(2), "x - np.log(2)"),
        (lambda x: x * np.exp(-half), "x * np.exp(-half)"),
        (lambda x: np.power(x, half + 1), "x ** (half + 1)"),
        (lambda x: x * half**2 % 0.3, "x * half ** 2 % 0.3"),
    ],
)
def test_constants_and_functions_of_numbers_print_too(build: Callable[[Any], Any], printed: str) -> None:
    x = tg.parameter(np.abs(X))
    L = build(x)
    graph = tg.Graph(L, names={"x": x, "L": L})
    assert graph.statements()[0].right == printed
    np.testing.assert_array_equal(graph.function()(np.abs(X)), build(np.abs(X)))
    assert [leaf for leaf in graph.forward if leaf.op is None] == [x]
