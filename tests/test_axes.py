"""What the sizes of a result follow from, read from the shapes of the leaves alone, and which axes are of one size."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import LAYOUTS, Case, cases
from tests.test_contract import recorded
from tinygraph.program.axes import Axes
from tinygraph.sizes import Demand, spelled

CASES = [case for case in cases() if case.note not in LAYOUTS]


def measured(case: Case) -> bool:
    """Whether the size of a result depends on values."""
    return case.op is tg.ops.index and any(x.dtype.kind == "b" for x in case.arguments[1:])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op_declares_its_sizes(case: Case) -> None:
    out, _ = recorded(case)
    graph = tg.Graph(out)
    axes = Axes(graph)
    leaves = {node: f"leaf_{i}" for i, node in enumerate(graph.forward) if node.op is None}
    shapes = {name: SimpleNamespace(shape=node.shape) for node, name in leaves.items()}
    shapes |= {"result": SimpleNamespace(shape=out.shape)} if measured(case) else {}
    names = {**leaves, out: "result"}
    assert tuple(eval(spelled(size, names.__getitem__), shapes) for size in axes.of(out)) == out.shape
    assert all(fulfilled(demand, names, shapes) for demand in axes.demands)


def fulfilled(demand: Demand, names: dict[tg.Node, str], shapes: dict[str, Any]) -> bool:
    """Whether what a recording demands holds for itself."""
    size, needed = (eval(spelled(x, names.__getitem__), shapes) for x in (demand.size, demand.needed))
    return bool(size == needed)


def sizes(build: Any, **shapes: tuple[int, ...]) -> list[str]:
    """The sizes of a result as source."""
    leaves = {name: tg.parameter(np.ones(shape)) for name, shape in shapes.items()}
    out = build(**leaves)
    names = {node: name for name, node in leaves.items()}
    return [spelled(size, lambda node: names.get(node, "i")) for size in Axes(tg.Graph(out, names=leaves)).of(out)]


def test_what_follows_from_many_sizes_is_measured() -> None:
    def build(x: Any) -> Any:
        y = x
        for _ in range(2000):
            y = np.array_split(np.concatenate([y, x]), 2)[0]
        return y

    assert max(map(len, sizes(build, x=(4,)))) < 100


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x, y: x + y, ["x.shape[0]", "x.shape[1]"]),
        (lambda x, y: x[1:] - x[:-1], ["max(x.shape[0] - 1, 0)", "x.shape[1]"]),
        (lambda x, y: x[1:][2:-1], ["max(x.shape[0] - 4, 0)", "x.shape[1]"]),
        (lambda x, y: x[:1], ["1", "x.shape[1]"]),
        (lambda x, y: x[::-1, ::2], ["x.shape[0]", "len(range(x.shape[1])[::2])"]),
        (lambda x, y: x.T @ x, ["x.shape[1]", "x.shape[1]"]),
        (lambda x, y: np.mean(x, axis=1, keepdims=True), ["x.shape[0]", "1"]),
        (lambda x, y: np.concatenate([x, y[None]]), ["(x.shape[0] + 1)", "x.shape[1]"]),
        (lambda x, y: np.stack([y, y], axis=1), ["y.shape[0]", "2"]),
        (lambda x, y: x.reshape(-1), ["(x.shape[0] * x.shape[1])"]),
        (lambda x, y: x.reshape(-1, 2, 2), ["x.shape[0]", "2", "2"]),
        (lambda x, y: x[:, None].reshape(-1, 1, 4), ["x.shape[0]", "1", "4"]),
        (lambda x, y: np.array_split(x, 3)[1], ["(x.shape[0] // 3 + (1 < x.shape[0] % 3))", "x.shape[1]"]),
        (lambda x, y: np.broadcast_arrays(y[:, None], x[0])[0], ["y.shape[0]", "x.shape[1]"]),
        (lambda x, y: x[np.array([[0, 1]]), None], ["1", "i.shape[1]", "1", "x.shape[1]"]),
        (lambda x, y: x[None, 0, np.array([0, 1])], ["1", "i.shape[0]"]),
        (lambda x, y: x[0, None, np.array([0, 1])], ["i.shape[0]", "1"]),
    ],
)
def test_sizes_as_source(build: Any, expected: list[str]) -> None:
    assert sizes(build, x=(6, 4), y=(4,)) == expected


def logistic(m: int, n: int) -> tuple[tg.Node, dict[str, tg.Node]]:
    leaves = {
        "X": tg.constant(np.ones((m, n))),
        "y": tg.constant(np.ones(m)),
        "w": tg.parameter(np.ones(n)),
        "b": tg.parameter(0.0),
    }
    X, y, w, b = leaves.values()
    return tg.binary_cross_entropy(tg.sigmoid(X @ w + b), y), leaves


def perceptron(m: int, n: int) -> tuple[tg.Node, dict[str, tg.Node]]:
    """A network of which all layers have n units."""
    leaves = {"X": tg.constant(np.ones((m, n))), "Y": tg.constant(np.full((m, n), 1 / n))}
    leaves |= {
        name: tg.parameter(np.full(shape, 0.1)) for name, shape in {"W": (n, n), "b": (n,), "V": (n, n), "c": (n,)}.items()
    }
    X, Y, W, b, V, c = leaves.values()
    return tg.softmax_cross_entropy(np.maximum(X @ W + b, 0) @ V + c, Y), leaves


def joined(m: int, n: int) -> tuple[tg.Node, dict[str, tg.Node]]:
    leaves = {"X": tg.constant(np.ones((m, n))), "Z": tg.constant(np.ones((m, n))), "w": tg.parameter(np.ones(2 * n))}
    X, Z, w = leaves.values()
    return np.sum(np.concatenate([X, Z], axis=1)[::-1] @ w), leaves


def attention(m: int, n: int) -> tuple[tg.Node, dict[str, tg.Node]]:
    leaves = {"X": tg.constant(np.ones((m, n))), "W": tg.parameter(np.ones((n, n)))}
    X, W = leaves.values()
    return np.sum(tg.softmax(X @ W @ X.T) @ X), leaves


def differences(m: int, n: int) -> tuple[tg.Node, dict[str, tg.Node]]:
    leaves = {"X": tg.constant(np.ones((m, n))), "w": tg.parameter(np.ones(n))}
    return np.sum((leaves["X"][1:] - leaves["X"][:-1]) @ leaves["w"]), leaves


@pytest.mark.parametrize(("m", "n"), [(3, 3), (4, 3)])
@pytest.mark.parametrize(
    ("build", "free"),
    [
        (logistic, {"X 0 y 0"}),
        (perceptron, {"X 0 Y 0"}),
        (attention, {"X 0"}),
        (joined, {"X 0 Z 0"}),
        (differences, set()),
    ],
)
def test_the_axis_of_the_examples_is_free_however_long_the_others_are(build: Any, free: set[str], m: int, n: int) -> None:
    L, leaves = build(m, n)
    graph = tg.Graph(L, names=leaves)
    assert {" ".join(f"{graph.name(leaf)} {place}" for leaf, place in axes) for axes in Axes(graph).free()} == free


def test_axes_that_never_meet_are_no_one_size_because_their_numbers_are_equal() -> None:
    x, y, z = (tg.parameter(np.ones(3)) for _ in range(3))
    axes = Axes(tg.Graph(np.sum(x * y) + np.sum(z)))
    one, same, other = (axes.identity(axes.sizes_of(node)[0]) for node in (x, y, z))
    assert one == same != other
