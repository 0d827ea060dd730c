"""The drawing of a network has a line for each weight that is drawn, with its sign and size, and the names of its parts."""

import re
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, FancyBboxPatch
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import models
from models.network_drawing import draw_network
from models.plot_style import NEGATIVE, POSITIVE, WEAK
from tests import figures


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    yield from figures.drawn_and_closed()


def linear(W: Any, b: Any, **attributes: Any) -> Any:
    """A model with weights of shape (classes, features), one row for two classes."""
    W = np.atleast_2d(W)
    return SimpleNamespace(coef_=W, intercept_=np.atleast_1d(b), classes_=np.arange(max(2, len(W))), **attributes)


def perceptron(*sizes: int, activation: str = "tanh") -> Any:
    random = np.random.default_rng(0)
    layers = {
        f"layer{k}": {"W": random.normal(size=(inputs, units)), "b": random.normal(size=units)}
        for k, (inputs, units) in enumerate(pairwise(sizes), start=1)
    }
    return SimpleNamespace(parameters_=layers, classes_=np.arange(max(2, sizes[-1])), activation=activation)


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def circles(ax: Any) -> list[Circle]:
    return [patch for patch in ax.patches if isinstance(patch, Circle)]


def lines(ax: Any) -> dict[str, Any]:
    return {line.get_gid(): line for line in ax.lines}


def test_each_weight_and_the_bias_is_a_line_that_shows_its_sign_and_size() -> None:
    drawn = lines(draw_network(linear([2.0, -1.0, 0.0], -4.0)))
    assert list(drawn) == ["W[0, 0]", "W[1, 0]", "W[2, 0]", "b[0]"]
    assert [line.get_color() for line in drawn.values()] == [POSITIVE, NEGATIVE, WEAK, NEGATIVE]
    assert [line.get_linestyle() for line in drawn.values()] == ["-", "--", "-", "--"]
    widths = [line.get_linewidth() - 0.6 for line in drawn.values()]
    np.testing.assert_allclose(np.array(widths) / widths[0], [1, 0.5, 0, 2])


def test_a_line_joins_the_circle_of_its_input_to_the_sum() -> None:
    ax = draw_network(linear([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.zeros(3)))
    centre = {(text.get_text(), round(text.get_position()[1], 6)): text.get_position() for text in ax.texts}
    sums = sorted((place for (text, _), place in centre.items() if text == "Σ"), key=lambda place: -place[1])
    inputs = [next(place for (text, _), place in centre.items() if text == name) for name in ("x₁", "x₂")]
    for i, start in enumerate(inputs):
        for k, end in enumerate(sums):
            np.testing.assert_allclose(lines(ax)[f"W[{i}, {k}]"].get_xydata(), [start, end])


def test_the_values_of_a_small_model_stand_on_its_lines() -> None:
    shown = texts(draw_network(linear([0.3, -0.5], 0.2)))
    assert [text for text in shown if "=" in text and "P(" not in text] == ["w₁ = 0.3", "w₂ = −0.5", "b = 0.2"]


def test_without_weights_the_lines_have_symbols_and_no_sign() -> None:
    ax = draw_network((3, 2))
    assert {"w₁₁", "w₃₂", "b₁", "b₂", "z₁", "a₂"} <= set(texts(ax))
    assert {line.get_color() for line in ax.lines} == {WEAK}
    assert ax.get_legend() is None
    assert len(circles(ax)) == 3 + 1 + 2 * 2  # inputs, the 1 of the bias, Σ and σ of each output


@pytest.mark.parametrize(
    ("labels", "headings"),
    [
        ("network", ["inputs", "weights", "weighted sum", "activation", "output"]),
        (
            "neuron",
            ["dendrites\n(inputs)", "synapses\n(weights)", "cell body\n(sum)", "cell body\n(activation)", "axon\n(output)"],
        ),
    ],
)
def test_the_parts_are_named_as_of_a_network_or_of_a_nerve_cell(labels: str, headings: list[str]) -> None:
    ax = draw_network((2, 1), labels=labels)
    found = [text for text in ax.texts if text.get_text() in headings]
    assert [text.get_text() for text in found] == headings
    assert [text.get_position()[0] for text in found] == sorted(text.get_position()[0] for text in found)
    bodies = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(bodies) == (labels == "neuron")


@pytest.mark.parametrize(
    ("model", "shown", "missing"),
    [
        (linear([1.0, 2.0], 0.0), {"Σ", "σ", "P(y = 1 | x)"}, {"softmax", "P(y = 0 | x)"}),
        (linear(np.ones((3, 2)), np.zeros(3)), {"Σ", "softmax", "P(y = 0 | x)", "P(y = 2 | x)"}, {"σ"}),
        (linear(np.ones((3, 2)), np.zeros(3), multi="ovr"), {"Σ", "σ", "P(y = 0 | x)"}, {"softmax"}),
        (models.SoftmaxRegression(l2=1.0).fit(np.eye(3), [0, 1, 2]), {"Σ", "softmax", "P(y = 2 | x)"}, {"σ"}),
        (models.SoftmaxRegression(l2=1.0, multi="ovr").fit(np.eye(3), [0, 1, 2]), {"Σ", "σ"}, {"softmax"}),
        (models.LogisticRegression(l2=1.0, fit_intercept=False).fit(np.eye(2), [0, 1]), {"σ", "b = 0"}, {"softmax"}),
        (models.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), {"Σ", "ŷ"}, {"σ", "z", "activation", "softmax"}),
        (models.MLPRegressor(hidden_layer_sizes=(2, 2), max_iter=2).fit([[0.0], [1.0]], [0.0, 1.0]), {"tanh", "Σ", "ŷ"}, {"σ"}),
        (LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), {"Σ", "ŷ"}, {"σ", "z", "activation", "softmax"}),
        (perceptron(2, 4, 1), {"tanh", "σ", "P(y = 1 | x)", "hidden layer 1"}, {"softmax", "Σ"}),
        (perceptron(2, 4, 3, activation="relu"), {"relu", "Σ", "softmax", "P(y = 2 | x)"}, {"σ"}),
    ],
)
def test_the_activation_and_the_outputs_are_those_of_the_model(model: Any, shown: set[str], missing: set[str]) -> None:
    found = set(texts(draw_network(model)))
    assert shown <= found
    assert not missing & found


def test_a_multilayer_perceptron_has_a_circle_a_unit_and_a_line_a_weight() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = models.MLPClassifier(hidden_layer_sizes=(4, 3), max_iter=5, random_state=0).fit(X, X[:, 0] > 0)
    ax = draw_network(model)
    assert len(circles(ax)) == 2 + 4 + 3 + 2
    drawn = lines(ax)
    assert len(drawn) == 2 * 4 + 4 * 3 + 3 * 2
    for k, sizes in ((1, (2, 4)), (2, (4, 3)), (3, (3, 2))):
        for i, j in np.ndindex(sizes):
            weight = model.parameters_[f"layer{k}"]["W"][i, j]
            assert drawn[f"layer{k}: W[{i}, {j}]"].get_color() == (POSITIVE if weight > 0 else NEGATIVE)


def test_of_many_units_some_are_drawn_and_an_ellipsis_says_how_many_there_are() -> None:
    ax = draw_network(perceptron(64, 30, 10), most=4)
    assert len(circles(ax)) == 12
    assert len(ax.lines) == 4 * 4 + 4 * 4
    assert texts(ax).count("⋮") == 3
    assert {"4 of 64 inputs:\nlargest weights", "30 in all", "10 in all"} <= set(texts(ax))


@pytest.mark.parametrize("model", [linear(np.random.default_rng(1).normal(size=(3, 20)), np.zeros(3)), perceptron(20, 9, 2)])
def test_the_inputs_that_are_drawn_have_the_largest_weights(model: Any) -> None:
    W = model.coef_.T if hasattr(model, "coef_") else model.parameters_["layer1"]["W"]
    drawn = {int(found[1]) for gid in lines(draw_network(model, most=5)) if (found := re.match(r"(?:layer1: )?W\[(\d+), ", gid))}
    left = set(range(20)) - drawn
    assert len(drawn) == 5
    assert min(np.abs(W[i]).max() for i in drawn) >= max(np.abs(W[i]).max() for i in left)


def test_inputs_without_weights_are_drawn_from_the_first() -> None:
    shown = texts(draw_network((9, 1), most=3))
    assert [text for text in shown if text.startswith("x")] == ["x₁", "x₂", "x₃"]
    assert "3 of 9 inputs" in shown


def test_the_columns_of_a_data_frame_are_named_beside_their_inputs() -> None:
    data = load_breast_cancer(as_frame=True)
    X = data.data[["mean radius", "mean texture"]].rename(columns={"mean radius": "radius in $"})
    shown = texts(draw_network(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, data.target)))
    assert {"radius in $", "mean texture"} <= set(shown)


def test_columns_are_not_named_where_a_pipeline_makes_other_features_of_them() -> None:
    X = pd.DataFrame({"height": [0.0, 1.0, 2.0], "age": [1.0, 0.0, 5.0]})
    ax = draw_network(make_pipeline(PolynomialFeatures(2), LogisticRegression()).fit(X, [0, 1, 1]))
    assert "height" not in texts(ax)
    assert "x₆" in texts(ax)


def test_long_names_of_classes_and_columns_stay_in_the_figure() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = [f"a rather long name of a column, the number {k}" for k in range(4)]
    names = np.array(["a class with a long name", "another class with a much longer name", "c"])[y]
    draw_network(LogisticRegression(max_iter=1000).fit(X, names))  # the fixture measures the figure


def test_the_legend_explains_colour_and_dashes() -> None:
    box = draw_network(linear([1.0, -1.0], 0.0)).get_legend()
    found = {
        text.get_text(): (to_rgb(line.get_color()), line.get_linestyle())
        for text, line in zip(box.texts, box.get_lines(), strict=True)
    }
    assert found == {
        "positive weight: excitatory": (to_rgb(POSITIVE), "-"),
        "negative weight: inhibitory": (to_rgb(NEGATIVE), "--"),
    }


@pytest.mark.parametrize(
    ("given", "settings", "message"),
    [
        ((3,), {}, "at least two whole numbers above 0"),
        ((3, 0), {}, "at least two whole numbers above 0"),
        ((3.5, 1), {}, "at least two whole numbers above 0"),
        ((), {}, "at least two whole numbers above 0"),
        ((3, 1), {"labels": "biology"}, 'must be "network" or "neuron"'),
        ((2, 4, 1), {"labels": "neuron"}, "one layer of neurons; this network has 2"),
        ((2, 1), {"most": 0}, "most=0 must be at least 1"),
        (LogisticRegression(), {}, "draw_network needs coef_, which LogisticRegression does not have"),
        ("3-2", {}, "draw_network needs coef_, which str does not have"),
    ],
)
def test_bad_input(given: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_network(given, **settings)
