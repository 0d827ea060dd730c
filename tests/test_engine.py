"""The program of docs/engine.md has at most a hundred lines, and computes the gradients that tinygraph computes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import tinygraph as tg

PAGE = (Path(__file__).parent.parent / "docs" / "engine.md").read_text(encoding="utf-8")
PROGRAM, _, REST = PAGE.partition("\n## Gradients of gradients\n")
Loss: TypeAlias = Callable[..., Any]  # of the sigmoid that it is to use, and its parameters

X = np.array([[2.0, -1.0], [1.0, 3.0], [-0.5, 0.25], [0.0, 1.5]])
y = np.array([1.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def engine() -> dict[str, Any]:
    """What the program defines."""
    names: dict[str, Any] = {}
    exec("".join(blocks()), names)
    return names


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PROGRAM, re.M | re.S)


def neuron(sigmoid: Any, w1: Any, w2: Any, b: Any) -> Any:
    z = w1 * 2.0 + w2 * -1.0 + b
    a = sigmoid(z)
    return -(y[0] * np.log(a) + (1 - y[0]) * np.log(1 - a))


def logistic_regression(sigmoid: Any, w: Any, b: Any) -> Any:
    a = sigmoid(X @ w + b)
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def layer(sigmoid: Any, W: Any, b: Any) -> Any:
    return np.sum(np.tanh(X @ W + b))


def reductions(sigmoid: Any, W: Any, b: Any) -> Any:
    return np.sum(np.exp(np.sum(W.T / b, axis=0)) - np.mean(W, axis=1) * b)


W, b = np.array([[0.3, -0.5], [0.25, 0.75]]), np.array([0.5, 1.5])
CASES = {
    "neuron": (neuron, (0.3, 0.5, 0.2)),
    "vectorised logistic regression": (logistic_regression, (np.array([0.3, 0.5]), 0.2)),
    "layer with a broadcast bias": (layer, (W, b)),
    "layer with a bias of one row": (layer, (W, b[np.newaxis])),
    "reductions along an axis": (reductions, (W, b)),
}


def test_it_has_at_most_a_hundred_lines() -> None:
    assert "".join(blocks()).count("\n") <= 100


def test_each_section_links_to_the_file_that_does_it_in_full() -> None:
    for section in PROGRAM.split("\n## ")[1:]:
        assert re.search(r"^In full: \[.*\]\(\.\./tinygraph/\S+\.py\)", section, re.M), section.partition("\n")[0]


@pytest.mark.parametrize(("loss", "values"), CASES.values(), ids=CASES)
def test_its_gradients_are_those_of_tinygraph_to_the_bit(engine: dict[str, Any], loss: Loss, values: tuple[Any, ...]) -> None:
    small, large = [engine["Node"](value) for value in values], [tg.parameter(value) for value in values]
    L, recorded = loss(engine["sigmoid"], *small), loss(tg.sigmoid, *large)
    assert L.value == recorded.value
    for own, expected in zip(engine["gradients"](L, *small), tg.gradients(recorded, *large), strict=True):
        np.testing.assert_array_equal(own.value, expected, strict=True)


@pytest.mark.parametrize(("loss", "values"), CASES.values(), ids=CASES)
def test_its_second_derivatives_are_those_of_tinygraph(engine: dict[str, Any], loss: Loss, values: tuple[Any, ...]) -> None:
    nodes = [engine["Node"](value) for value in values]
    (first,) = engine["gradients"](loss(engine["sigmoid"], *nodes), nodes[-1])
    (second,) = engine["gradients"](np.sum(first * first), nodes[-1])

    def squared_length(last: Any) -> Any:
        return np.sum(tg.grad(lambda x: loss(tg.sigmoid, *values[:-1], x))(last) ** 2)

    np.testing.assert_allclose(second.value, tg.grad(squared_length)(values[-1]), rtol=1e-13)


def test_a_long_graph_needs_no_recursion(engine: dict[str, Any]) -> None:
    x = engine["Node"](1.0)
    total = x
    for _ in range(5000):
        total = total + x
    assert engine["gradients"](total, x)[0].value == 5001


def test_a_function_without_a_rule_raises(engine: dict[str, Any]) -> None:
    for function in (np.sin, np.cumsum):
        with pytest.raises(TypeError):
            function(engine["Node"](1.0))
