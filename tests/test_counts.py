"""A number that the source takes from a shape holds for that size alone: at another one an error says where it stands."""

import math
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.program.statements import program_of

two, four = 2, 4
SETTINGS = SimpleNamespace(rate=0.25)
RATES = {"rate": 0.25}
Build = Callable[[Any], Any]


def recorded(build: Build, m: int = 4, n: int = 3) -> tg.Graph:
    """The graph of a loss on X (m, n), y (m) and w (n)."""
    leaves = {"X": tg.constant(np.ones((m, n))), "y": tg.constant(np.ones(m)), "w": tg.parameter(np.full(n, 0.5))}
    L = build(SimpleNamespace(**leaves))
    graph = tg.Graph(L, names={**leaves, "L": L})
    graph.backprop()
    return graph


def run(graph: tg.Graph, m: int, n: int = 3) -> Any:
    given = {"X": np.ones((m, n)), "y": np.ones(m), "w": np.ones(n)}
    return graph.function()(**{name: given[name] for name in given if name in graph.names})


def by_name(v: Any) -> Any:
    m = len(v.y)
    return 1 / m * np.sum((v.X @ v.w - v.y) ** 2)


def in_a_quotient(v: Any) -> Any:
    m, rate = len(v.y), -0.1
    return rate / (2 * m) * np.sum((v.X @ v.w - v.y) ** 2)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (by_name, "m"),
        (lambda v: np.sum(v.X @ v.w - v.y) / len(v.y), r"len\(v.y\)"),
        (lambda v: np.sum(v.X @ v.w - v.y) * (1 / len(v.y)), r"1 / len\(v.y\)"),
        (lambda v: -(1 / v.X.shape[0]) * np.sum(v.X @ v.w - v.y), r"-\(1 / v.X.shape\[0\]\)"),
        (lambda v: np.multiply(np.sum(v.X @ v.w), len(v.y)), r"len\(v.y\)"),
        (lambda v: np.sum(v.X * v.w) / v.X.size, r"v.X.size"),
        (lambda v: 1 / (2 * len(v.y)) * np.sum(v.X @ v.w), r"1 / \(2 \* len\(v.y\)\)"),
        (lambda v: np.sum(v.X @ v.w) / (len(v.y) - 1), r"len\(v.y\) - 1"),
        (in_a_quotient, r"rate / \(2 \* m\)"),
        (lambda v: np.sum(v.w) * np.sum(v.X) / np.concatenate([v.y, v.y]).shape[0], r"np.concatenate\(\[v.y, v.y\]\).shape\[0\]"),
    ],
)
def test_another_size_is_refused_with_the_line(build: Build, text: str) -> None:
    graph = recorded(build)
    run(graph, 4)
    with pytest.raises(
        ValueError, match=rf"size \d+ along ax.*, and {text} at test_counts.py:\d+, in .* stays the number .* np.mean"
    ):
        run(graph, 5)


@pytest.mark.parametrize(
    "build",
    [
        lambda v: np.sum((v.X @ v.w - v.y) ** 2) / 4,
        lambda v: np.sum((v.X @ v.w - v.y) ** 4) * (1 / 4),
        lambda v: np.sum(np.where(v.X @ v.w > 4, 4, v.y)) * -4 + np.sum(v.w),
        lambda v: np.mean((v.X @ v.w - v.y) ** 2),
        lambda v: np.var(v.X @ v.w, ddof=0) + np.average(v.X @ v.w),
        lambda v: np.sum(v.X @ v.w) * 0.1 * two,
        lambda v: np.sum(v.X @ v.w) * four,
        lambda v: np.sum(v.X @ v.w) * SETTINGS.rate,
        lambda v: np.sum(v.X @ v.w) * RATES["rate"],
        lambda v: tg.binary_cross_entropy_with_logits(v.X @ v.w, v.y),
        lambda v: np.sum(v.X @ v.w) / math.sqrt(v.X.shape[1]),
    ],
)
def test_a_literal_and_what_follows_the_size_never_are(build: Build) -> None:
    graph = recorded(build)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output, _ = run(graph, 5)
    fresh = recorded(build, 5)
    again, _ = run(fresh, 5)
    assert output == again


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda v: np.sum(v.X @ v.w) / np.sqrt(len(v.y)), r"np.sqrt\(len\(v.y\)\)"),
        (lambda v: np.float64(v.y.size) * np.sum(v.X @ v.w * v.y), r"np.float64\(v.y.size\)"),
        (lambda v: np.sum(v.X @ v.w) / np.log(v.X.shape[0]), r"np.log\(v.X.shape\[0\]\)"),
    ],
)
def test_a_number_of_numpy_that_a_step_keeps_is_one_too(build: Build, text: str) -> None:
    graph = recorded(build)
    data = {name: np.ones((5, 3) if name == "X" else 5) for name in ("X", "y") if name in graph.names}
    with pytest.raises(
        ValueError, match=rf"size 5 along .* where it had 4, and {text} at test_counts.py:\d+, in .* stays the .* np.mean"
    ):
        graph.compile()(**data, w=np.ones(3))


def test_a_number_of_numpy_that_holds_for_other_sizes_is_none() -> None:
    graph = recorded(lambda v: np.sum(v.X @ v.w) * np.float64(4) / np.sqrt(len(v.w)))
    assert graph.compile()(X=np.ones((9, 3)), w=np.ones(3))[0] == pytest.approx(27 * 4 / np.sqrt(3))


def test_a_name_inside_of_a_number_may_be_one() -> None:
    x = tg.parameter(np.ones(4))
    m, rate = len(x), 0.1
    L = rate / (2 * m) * np.sum(x**2)
    function = tg.Graph(L, names=locals()).function()
    assert function(x=np.ones(4)) == L.value
    with pytest.raises(ValueError, match=r"^x has size 5 along axis 0, where it had 4, and m at test_counts.py:"):
        function(x=np.ones(5))


def test_the_size_of_the_axis_that_may_be_meant_is_the_one_that_is_kept() -> None:
    graph = recorded(lambda v: np.sum((v.X[:, : two + 1] @ v.w[:3]) ** 2) / len(v.w))
    run(graph, 9)
    with pytest.raises(ValueError, match=r"w has size 4 along axis 0, where it had 3, and len\(v.w\)"):
        run(graph, 9, 4)


def averaged(v: Any, count: int) -> Any:
    return np.sum(v.X @ v.w - v.y) / count


def test_of_what_the_source_does_not_show_another_size_is_warned_of() -> None:
    graph = recorded(lambda v: averaged(v, 4))
    run(graph, 4)
    with pytest.warns(
        UserWarning, match=r"^X has size 5 along axis 0, where it had 4: if count at test_counts.py:\d+, in averaged"
    ):
        run(graph, 5)


@pytest.mark.parametrize(("build", "free"), [(by_name, []), (lambda v: np.mean((v.X @ v.w - v.y) ** 2), [["X", "y"]])])
def test_the_axis_that_a_number_was_taken_from_is_not_free(build: Build, free: list[list[str]]) -> None:
    graph = recorded(build)
    assert [[graph.name(leaf) for leaf, place in axes if place == 0] for axes in program_of(graph).free_axes()] == free


def test_without_source_another_size_is_warned_of() -> None:
    names: dict[str, Any] = {"recorded": recorded, "np": np}
    exec("graph = recorded(lambda v: np.sum(v.X @ v.w - v.y) / len(v.y))", names)
    run(names["graph"], 4)
    with pytest.warns(UserWarning, match=r"X has size 5 along axis 0, where it had 4: if 4 at <string>:1"):
        run(names["graph"], 5)


def test_a_size_in_a_rule_of_the_users_is_refused_with_its_line() -> None:
    @tg.op(lambda g, out, x: 2 * g * x / len(x))
    def mean_square(x: Any) -> Any:
        return np.sum(x * x) / len(x)

    w = tg.parameter(np.ones(3))
    graph = tg.Graph(mean_square(w), names={"w": w})
    graph.backprop()
    assert graph.function()(w=np.ones(3))[1]["dw"].tolist() == [2 / 3] * 3
    with pytest.raises(ValueError, match=r"w has size 4 .* len\(x\) at test_counts.py:\d+, in <lambda> stays the number"):
        graph.function()(w=np.ones(4))


Shapes = dict[str, tuple[int, ...]]


def of_shapes(build: Build, shapes: Shapes) -> tuple[tg.Graph, dict[str, Any]]:
    """The graph of a loss on leaves of these shapes, and their values."""
    values = {name: np.random.default_rng(0).uniform(0.5, 1.5, shape) for name, shape in shapes.items()}
    leaves = {name: tg.parameter(x) if name == "w" else tg.constant(x) for name, x in values.items()}
    graph = tg.Graph(build(SimpleNamespace(**leaves)), names=leaves)
    graph.backprop()
    return graph, {name: x for name, x in values.items() if name in graph.names}


def error(v: Any) -> Any:
    return np.mean((v.X @ v.w) ** 2)


def entropy(v: Any) -> Any:
    return -np.sum(v.X * np.log(v.X) * v.w) / np.log(v.X.shape[1])


def attention(v: Any) -> Any:
    return np.sum(tg.softmax(v.Q @ v.K.T / np.sqrt(v.K.shape[1])) @ v.K @ v.w)


def attention_with_a_number(v: Any) -> Any:
    d = v.K.shape[1]
    return np.sum(tg.softmax(v.Q @ v.K.T / d) @ v.K @ v.w)


def attention_with_both_sizes(v: Any) -> Any:
    T, d = v.K.shape
    assert T
    return np.sum(tg.softmax(v.Q @ v.K.T / d) @ v.K @ v.w)


def attention_by_a_transposed_matrix(v: Any) -> Any:
    return np.sum(tg.softmax(v.Q @ v.K.T / np.sqrt(len(v.K.T))) @ v.K @ v.w)


def with_ones(rows: Any) -> Any:
    rows = np.hstack([np.ones((rows.shape[0], 1)), rows])
    return rows  # noqa: RET504  # the name is the subject


def in_steps(rows: Any) -> Any:
    X, w, rows = rows.X, rows.w, 0.0
    for step in range(3):
        rows = rows + np.mean(X @ w) * step
    return rows


def of_several(v: Any) -> Any:
    several = [error(v), error(v), 2 * error(v), 1.0]
    return sum(several) / len(several)


def of_appended(v: Any) -> Any:
    rates, appended = (0.1, 0.2), []
    for rate in rates:
        appended.append(error(v) * rate)  # noqa: PERF401
    return sum(appended) / len(appended) / len(rates)


def of_comprehended(v: Any) -> Any:
    comprehended = [error(v) * k for k in range(1, two + 1)]
    return sum(comprehended) / len(comprehended)


def of_words(v: Any) -> Any:
    words = ["one", "two"]
    return error(v) / len(words)


def of_one_branch(v: Any) -> Any:
    factor = 0.7
    if len(v.X) > 100:
        factor = float(np.sum(np.ones(v.X.shape)))
    return error(v) * factor


ROWS: tuple[Shapes, Shapes] = {"X": (4, 3), "w": (3,)}, {"X": (5, 3), "w": (3,)}
SQUARE: tuple[Shapes, Shapes] = {"X": (3, 3), "w": (3,)}, {"X": (5, 3), "w": (3,)}
TWO: tuple[Shapes, Shapes] = {"Q": (2, 4), "K": (2, 4), "w": (4,)}, {"Q": (3, 4), "K": (3, 4), "w": (4,)}
FOUR: tuple[Shapes, Shapes] = {"Q": (4, 4), "K": (4, 4), "w": (4,)}, {"Q": (3, 4), "K": (3, 4), "w": (4,)}


@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (entropy, ROWS),
        (lambda v: error(v) * np.exp(-np.log(10000.0) / v.w.size), ROWS),
        (lambda v: error(v) + np.log(np.prod(v.w.shape)) * np.sum(v.w * v.w), ROWS),
        (lambda v: error(v) + np.sum(np.full(3, 0.5)) / np.float64(v.w.size) * np.sum(v.w * v.w), ROWS),
        (lambda v: error(v) * np.sin(np.pi / max(len(v.w), 1)) * np.float64(math.comb(len(v.w), 2)), ROWS),
        (lambda v: error(v) / np.log(len("four")), ROWS),
        (lambda v: error(v) + float(np.sum(np.zeros(v.X.shape))), ROWS),
        (attention, TWO),
        (attention_by_a_transposed_matrix, TWO),
        (attention, FOUR),
        (attention_with_a_number, FOUR),
        (attention_with_both_sizes, FOUR),
        (lambda v: error(v) + 0.5 / len(v.w) * np.sum(v.w**2), SQUARE),
        (lambda v: error(v) + np.float64(0.5) / len(v.w) * np.sum(v.w**2), SQUARE),
        (in_steps, ROWS),
        (of_several, ROWS),
        (of_appended, ROWS),
        (of_comprehended, ROWS),
        (of_words, ROWS),
        (of_one_branch, ROWS),
    ],
)
def test_a_number_of_what_keeps_its_size_holds_at_another_one(build: Build, shapes: tuple[Shapes, Shapes]) -> None:
    step = of_shapes(build, shapes[0])[0].compile()
    fresh, values = of_shapes(build, shapes[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output, gradients = step(**values)
    expected, expected_gradients = fresh.compile()(**values)
    assert output == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradients["w"], expected_gradients["w"], rtol=1e-12)


def of_rows(v: Any) -> Any:
    of_each = []
    for i in range(len(v.X)):
        of_each.append(v.X[i] @ v.w)  # noqa: PERF401
    return sum(of_each) / len(of_each)


def of_comprehended_rows(v: Any) -> Any:
    of_all = [v.X[i] @ v.w for i in range(v.X.shape[0])]
    return sum(of_all) / len(of_all)


def of_rows_of_a_range(v: Any) -> Any:
    in_order = range(4)
    return np.sum((v.X @ v.w) * np.array(in_order)[0]) / np.sqrt(len(in_order))


def by_a_number_of_the_function_around(v: Any) -> Any:
    y = v.X
    outer = len(y)

    def inner(y: Any) -> Any:
        return np.sum(v.w @ y) / outer

    return inner(v.X.T)


def of_all_rows_but_one(v: Any) -> Any:
    z = v.X[1:] @ v.w
    return np.sum(z) / len(z)


def with_a_name_of_literals(v: Any) -> Any:
    four = len(v.X)
    return np.sum(v.X @ v.w) / four


def mean_of(y: Any) -> Any:
    return np.sum(y) / len(y)


@pytest.mark.parametrize(
    ("build", "shapes", "text"),
    [
        (lambda v: np.sum(v.X @ v.w) * np.exp(-np.log(10000.0) / len(v.X)), ROWS, r"np.exp\(-np.log\(10000.0\) / len\(v.X\)\)"),
        (lambda v: np.sum(v.X @ v.w) / np.log(np.prod(v.X.shape)), ROWS, r"np.log\(np.prod\(v.X.shape\)\)"),
        (lambda v: np.sum(v.X @ v.w) / np.float64(math.comb(len(v.X), 2)), ROWS, r"np.float64\(math.comb\(len\(v.X\), 2\)\)"),
        (lambda v: np.sum(v.X @ v.w) / np.sqrt(v.X.size * v.w.size), ROWS, r"np.sqrt\(v.X.size \* v.w.size\)"),
        (lambda v: np.sum(v.X @ v.w) / np.sqrt(len(v.X)), SQUARE, r"np.sqrt\(len\(v.X\)\)"),
        (lambda v: np.sum(v.X @ v.w) / len(v.X), SQUARE, r"len\(v.X\)"),
        (lambda v: np.sum(v.X @ v.w) / len(v.X @ v.w), SQUARE, r"len\(v.X @ v.w\)"),
        (lambda v: mean_of(v.X @ v.w), SQUARE, r"len\(y\)"),
        (of_rows, ROWS, r"len\(of_each\)"),
        (of_comprehended_rows, ROWS, r"len\(of_all\)"),
        (of_rows_of_a_range, ROWS, r"np.sqrt\(len\(in_order\)\)"),
        (by_a_number_of_the_function_around, SQUARE, "outer"),
        (of_all_rows_but_one, ROWS, r"len\(z\)"),
        (lambda v: np.sum(v.X @ v.w) * (len(v.X) - 4), ROWS, r"len\(v.X\) - 4"),
        (with_a_name_of_literals, ROWS, "four"),
    ],
)
def test_a_number_of_what_has_another_size_raises_an_error(build: Build, shapes: tuple[Shapes, Shapes], text: str) -> None:
    step = of_shapes(build, shapes[0])[0].compile()
    with pytest.raises(ValueError, match=rf"has size \d+ along .*, and {text} at test_counts.py:\d+, in .* stays the number"):
        step(**of_shapes(build, shapes[1])[1])


def test_the_length_of_a_list_of_data_is_a_number_of_a_shape() -> None:
    data = [0.1, 0.2, 0.3, 0.4]
    w, y = tg.parameter(np.ones(4)), tg.constant(data)
    step = tg.Graph(np.sum((w - y) ** 2) / len(data), names={"w": w, "y": y}).compile()
    with pytest.raises(ValueError, match=r"w has size 5 along axis 0, where it had 4, and len\(data\) at test_counts.py"):
        step(w=np.ones(5), y=np.ones(5))
