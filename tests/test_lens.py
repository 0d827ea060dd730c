"""Lenses: the right cards are marked, and the notes say what was found."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron


def lines(picture: Any, mark: str) -> list[str]:
    return [line.text for card in picture.drawing.cards for line in card.results if line.mark == mark]


def test_check_marks_right_gradients_and_wrong_ones() -> None:
    @tg.op(lambda g, out, x: g * 3 * x, elementwise=True)  # wrong: it should be 2
    def badly_squared(x: Any) -> Any:
        return x * x

    x = tg.parameter(2.0)
    y = badly_squared(x)
    L = y * 2
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    picture = graph.draw(lens="check")
    assert lines(picture, "good") == ["✓ dy = 2.000", "✓ dL = 1.000"]
    assert lines(picture, "bad") == ["✗ dx = 12.000  ≠ 8.000 by differences"]
    assert picture.drawing.notes == ["2 of 3 gradients agree with finite differences"]


@pytest.mark.parametrize("graph", [neuron, perceptron])
def test_check_finds_nothing_wrong_where_nothing_is(graph: Any) -> None:
    picture = graph().draw(lens="check")
    assert not lines(picture, "bad")
    assert "agree with finite differences" in picture.drawing.notes[0]


@pytest.mark.parametrize("lens", ["check", "norm"])
def test_before_backprop_there_is_nothing_to_look_at(lens: str) -> None:
    x = tg.parameter(1.0)
    with pytest.raises(ValueError, match=r"call graph.backprop\(\) first"):
        tg.Graph(x * 2).draw(lens=lens)


def test_finite_marks_the_first_op_that_made_a_nan_with_its_inputs() -> None:
    x = tg.constant([1.0, 0.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.log(x)
        v = u * 0
    graph = tg.Graph(np.sum(v), names={"x": x, "u": u, "v": v})
    picture = graph.draw(lens="finite")
    assert [card.title for card in picture.drawing.cards if card.mark == "bad"] == ["u = ln(x)"]
    assert "made by log" in picture.drawing.notes[0]
    assert neuron().draw(lens="finite").drawing.notes == ["every value and gradient is finite"]


def test_finite_tells_an_op_inside_a_statement() -> None:
    x = tg.constant(-1.0)
    with np.errstate(invalid="ignore"):
        y = 2 * np.sqrt(x) + 1
    picture = tg.Graph(y, names={"x": x, "y": y}).draw(lens="finite")
    assert lines(picture, "bad") == ["first NaN or infinity: sqrt"]


@pytest.mark.parametrize(
    ("activation", "z", "said", "mark"),
    [
        (tg.sigmoid, [-100.0, 0.0, 100.0, 50.0], "σ′ < 0.01: 75%", "bad"),
        (np.tanh, [0.0, 0.1, 0.2, 100.0], "tanh′ < 0.01: 25%", "weak"),
        (tg.relu, [[-1.0, 1.0], [-2.0, -1.0]], "dead units: 50%", "bad"),
    ],
)
def test_saturation_tells_the_share(activation: Any, z: Any, said: str, mark: str) -> None:
    x = tg.parameter(z)
    a = activation(x)
    picture = tg.Graph(np.sum(a), names={"x": x, "a": a}).draw(lens="saturation")
    assert lines(picture, mark) == [said]


def test_saturation_sees_an_activation_inside_a_statement() -> None:
    x = tg.parameter([100.0, 100.0])
    L = np.sum(tg.sigmoid(x) * 2)
    assert lines(tg.Graph(L, names={"x": x, "L": L}).draw(lens="saturation"), "bad") == ["σ′ < 0.01: 100%"]


def test_norm_draws_larger_gradients_wider() -> None:
    x, y = tg.parameter(1.0), tg.parameter(1.0)
    u, v = x * 1000.0, y * 0.001
    L = u + v
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    picture = graph.draw(lens="norm")
    weights = {card.title: edge.weight for edge in picture.drawing.edges for card in picture.drawing.cards
               if edge.backward and card.key == edge.source}  # fmt: skip
    assert weights["x"] == 4
    assert weights["y"] == 1
    assert 1 < weights["u = x·1000"] < 4
    assert "1.0e−03 (thin) to 1.0e+03 (wide)" in picture.drawing.notes[0]


def test_a_lens_works_on_a_folded_picture() -> None:
    for lens in ("check", "finite", "saturation", "norm"):
        assert perceptron().draw(lens=lens, fold=True).svg
