"""The programs of two introductory texts, typed as their readers would: plain arrays, `m = len(y)`, `1 / m`, a sigmoid by hand.

Each records, steps, computes anew on other data as a fresh recording does, and prints what was typed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygraph as tg

Build = Callable[[Any, Any], tg.Graph]


class Data(NamedTuple):
    """Four examples in rows, and their labels."""

    X: Any
    y: Any


def data(seed: int) -> Data:
    rng = np.random.default_rng(seed)
    return Data(rng.normal(size=(4, 2)), rng.permutation([1.0, 0.0, 1.0, 0.0]))


def one_example(X: Any, y: Any) -> tg.Graph:
    x, y = X[0], y[0]
    w, b = tg.parameter([0.3, 0.5]), tg.parameter(0.2)
    z = w @ x + b
    a = 1 / (1 + np.exp(-z))
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names=locals())


def features_by_examples(X: Any, y: Any) -> tg.Graph:
    X = X.T
    m = X.shape[1]
    W, b = tg.parameter([[0.3], [0.5]]), tg.parameter(0.2)
    Z = W.T @ X + b
    A = 1 / (1 + np.exp(-Z))
    J = -(1 / m) * np.sum(y * np.log(A) + (1 - y) * np.log(1 - A))
    return tg.Graph(J, names=locals())


def loop_over_examples(X: Any, y: Any) -> tg.Graph:
    w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)
    m = len(y)
    J = 0
    for i in range(m):
        z = w1 * X[i, 0] + w2 * X[i, 1] + b
        a = 1 / (1 + np.exp(-z))
        J += -(y[i] * np.log(a) + (1 - y[i]) * np.log(1 - a))
    J = J / m
    return tg.Graph(J, names=locals())


def cross_entropy_of_targets(X: Any, t: Any) -> tg.Graph:
    w = tg.parameter([0.3, 0.5])
    y = tg.sigmoid(X @ w)
    E = -np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))
    return tg.Graph(E, names=locals())


def likelihood(X: Any, t: Any) -> tg.Graph:
    w = tg.parameter([0.3, 0.5])
    y = tg.sigmoid(X @ w)
    P = np.prod(y**t * (1 - y) ** (1 - t))
    return tg.Graph(P, names=locals())


def penalised_squares(X: Any, y: Any) -> tg.Graph:
    w, b = tg.parameter([0.3, 0.5]), tg.parameter(0.2)
    m, lam = len(y), 0.1
    yhat = (X - X.mean(axis=0)) / X.std(axis=0) @ w + b
    J = 1 / (2 * m) * np.sum((yhat - y) ** 2) + lam / (2 * m) * np.sum(w**2)
    return tg.Graph(J, names=locals())


# What was typed, as it prints, and what its gradients read.
PROGRAMS: list[tuple[Build, dict[str, str]]] = [
    (one_example, {
        "z": "w @ x + b",
        "a": "1 / (1 + t)",
        "L": "-(y * np.log(a) + (1 - y) * np.log(1 - a))",
        "da": "-y / a + (1 - y) / (1 - a)",
        "dw": "dz * x",
        "db": "dz",
    }),
    (features_by_examples, {
        "Z": "W.T @ X + b",
        "A": "1 / (1 + t)",
        "J": "-(1 / m) * np.sum(y * np.log(A) + (1 - y) * np.log(1 - A))",
        "dA": "(-y / A + (1 - y) / (1 - A)) / m",
        "dW": "X @ dZ.T",
        "db": "np.sum(dZ)",
    }),
    (loop_over_examples, {
        "z_1": "w1 * X_1 + w2 * X_2 + b",
        "a_1": "1 / (1 + t)",
        "J_1": "0 + -(y_1 * np.log(a_1) + (1 - y_1) * np.log(1 - a_1))",
        "J": "J_4 / m",
        "dJ_4": "1 / m",
        "dw1": "dz_1 * X_1 + dz_2 * X_3 + dz_3 * X_5 + dz * X_7",
        "db": "dz_1 + dz_2 + dz_3 + dz",
    }),
    (cross_entropy_of_targets, {
        "y": "sigmoid(X @ w)",
        "E": "-np.sum(t * np.log(y) + (1 - t) * np.log(1 - y))",
        "dy": "-t / y + (1 - t) / (1 - y)",
    }),
    (likelihood, {
        "y": "sigmoid(X @ w)",
        "u": "(1 - y) ** (1 - t)",
        "u_2": "y ** t * u",
        "P": "np.prod(u_2, axis=0)",
    }),
    (penalised_squares, {
        "t": "(X - np.mean(X, axis=0)) / np.std(X, axis=0)",
        "yhat": "t @ w + b",
        "J": "1 / (2 * m) * np.sum((yhat - y) ** 2) + lam / (2 * m) * np.sum(w ** 2)",
        "dyhat": "(yhat - y) / m",
        "db": "np.sum(dyhat)",
    }),
]  # fmt: skip
CASES = pytest.mark.parametrize(("build", "typed"), PROGRAMS, ids=[build.__name__ for build, _ in PROGRAMS])


@CASES
def test_prints_what_was_typed(build: Build, typed: dict[str, str]) -> None:
    graph = build(*data(1))
    graph.backprop()
    printed = {statement.name: statement.right for statement in graph.statements()}
    assert {name: printed.get(name) for name in typed} == typed


@CASES
def test_steps_through_every_statement(build: Build, typed: dict[str, str]) -> None:
    graph = build(*data(1))
    graph.backprop()
    walk = graph.stepper()
    walk.run()
    assert walk.position == len(walk.steps)
    assert {step.name for step in walk.steps} >= typed.keys()


@CASES
def test_computes_on_other_data_as_a_fresh_recording_does(build: Build, typed: dict[str, str]) -> None:
    graph, fresh = build(*data(1)), build(*data(2))
    graph.backprop()
    expected = fresh.backprop()
    old, new = ([node for node in g.forward if node.op is None] for g in (graph, fresh))
    names = [graph.name(leaf) or "" for leaf in old]
    values = dict(zip(names, (leaf.value for leaf in new), strict=True))
    replay = graph.with_leaves(dict(zip(old, values.values(), strict=True)))
    walk = graph.stepper()
    walk.set(**values)
    output, gradients = graph.function()(**values)
    assert replay.outputs[0].value == walk.graph.outputs[0].value == output == fresh.outputs[0].value
    again = replay.backprop()
    for name, gradient in expected.items():
        np.testing.assert_array_equal(again[name].value, gradient.value)
        np.testing.assert_array_equal(walk.graph.backprop()[name].value, gradient.value)
        if f"d{name}" in gradients:
            np.testing.assert_allclose(gradients[f"d{name}"], gradient.value, rtol=1e-12, atol=1e-15)
