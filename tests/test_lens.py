"""Lenses: the right cards are marked, and the notes say what was found."""

import re
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron
from tests.test_check import nearly_sine
from tinygraph.express.table import LARGE


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


def test_check_excuses_no_more_by_rounding_than_it_makes() -> None:
    x = tg.parameter(0.5)
    for function, mark in [(np.sin, "good"), (nearly_sine, "bad")]:
        (line,) = [text for text in lines(checked(function(x) + 1e7, x=x), mark) if "dx" in text]
        assert line.startswith("✓ " if mark == "good" else "✗ ")


@pytest.mark.parametrize("graph", [neuron, perceptron])
def test_check_finds_nothing_wrong_where_nothing_is(graph: Any) -> None:
    picture = graph().draw(lens="check")
    assert not lines(picture, "bad")
    assert "agree with finite differences" in picture.drawing.notes[0]


P, C = tg.parameter, tg.constant


@tg.op(lambda g, out, x: g * 0 * x, elementwise=True)  # wrong everywhere but at 0
def flat_square(x: Any) -> Any:
    return x * x


def checked(L: Any, **names: Any) -> Any:
    graph = tg.Graph(L, names={**names, "L": L})
    graph.backprop()
    return graph.draw(lens="check")


class TestRightGradientsAtAnySize:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: (w := P(np.float32(0.3)), -np.log(tg.sigmoid(w * C(np.float32(2))))),
            lambda: (w := P(np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)), np.mean(np.tanh(w) ** 2)),
            lambda: (w := P(1e-6), np.log(w)),
            lambda: (w := P(1e-150), np.log(w)),
            lambda: (w := P([1e-3, 1e3]), np.sum(np.sqrt(w))),
            lambda: (w := P(np.geomspace(1e-9, 1e9, 20)), np.sum(np.sqrt(w))),
            lambda: (w := P(1e-20), w * 3 + 1),
            lambda: (w := P(700.0), np.exp(w)),
            lambda: (w := P(1e6), np.sin(w)),
            lambda: (w := P([0.0, 0.0, 0.0]), tg.softmax_cross_entropy(w, C([1.0, 0, 0]))),
            lambda: (w := P([1e-9, 2.0]), np.sum(np.maximum(w, 0))),
            lambda: (w := P([-1.0, 0.5]), np.sum(np.where(w > 0, w, 0))),
            lambda: (w := P(np.zeros((0, 3))), np.sum(w * 2)),
            lambda: (w := P(0.7), tg.stop_gradient(w) * w),
        ],
    )
    def test_none_is_called_wrong_or_left_open(self, make: Any) -> None:
        w, L = make()
        picture = checked(L, w=w)
        assert not lines(picture, "bad") + lines(picture, "weak")
        assert lines(picture, "good")

    @pytest.mark.parametrize("w", [1e-6, 1.0, 1e6, [1e-6, 1.0], np.full(7, 1e-6), np.float32(1e-6)])
    def test_a_rule_wrong_everywhere_is_found_at_every_size(self, w: Any) -> None:
        w = P(w)
        picture = checked(np.sum(flat_square(w)), w=w)
        assert [text[:4] for text in lines(picture, "bad")] == ["✗ dw"]

    def test_small_arrays_name_the_entry(self) -> None:
        w = P([0.0, 3.0])
        (text,) = lines(checked(np.sum(flat_square(w)), w=w), "bad")
        assert text.endswith("≠ 0.000 at 1: 6.000 by differences")

    @pytest.mark.parametrize(("z", "function"), [(0.0, tg.relu), (0.0, lambda z: np.sqrt(z) * 1.0), ([0.0, 1.0], tg.relu)])
    def test_at_a_kink_differences_cannot_decide(self, z: Any, function: Any) -> None:
        with np.errstate(divide="ignore"):
            w = P(z)
            picture = checked(np.sum(function(w)), w=w)
        assert not lines(picture, "bad")
        assert [text for text in lines(picture, "weak") if text.startswith("? dw")]
        assert "could not be checked" in picture.drawing.notes[0]

    def test_a_wrong_rule_beside_a_kink_is_still_wrong(self) -> None:
        w = P([0.0, 3.0])
        assert lines(checked(np.sum(flat_square(w) + tg.relu(w)), w=w), "bad")

    def test_it_ends_in_time_and_says_what_it_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tinygraph.draw.lens.SECONDS", 0.0)
        w = P(1.0)
        assert checked(w * 2, w=w).drawing.notes == ["2 of 2 gradients not checked: 0 s were over"]

    def test_only_what_depends_on_a_value_is_computed_again(self) -> None:
        calls = []

        @tg.op(lambda g, out, x: g * 2 * x, elementwise=True)
        def counted_square(x: Any) -> Any:
            calls.append(1)
            return x * x

        w, v = P(1.0), P(2.0)
        u = counted_square(w)
        h = v * 3
        graph = tg.Graph(L := u + h, names={"w": w, "u": u, "v": v, "h": h, "L": L})
        graph.backprop()
        calls.clear()
        graph.draw(lens="check")
        assert len(calls) == 7  # w alone: here, and to either side by three steps


@pytest.mark.parametrize("lens", ["check", "norm"])
def test_before_backprop_there_is_nothing_to_look_at(lens: str) -> None:
    x = tg.parameter(1.0)
    with pytest.raises(ValueError, match=r"call graph.backprop\(\) first"):
        tg.Graph(x * 2).draw(lens=lens)


@pytest.mark.parametrize("lens", ["check", "norm"])
def test_without_backward_there_is_nothing_to_look_at_either(lens: str) -> None:
    with pytest.raises(ValueError, match=f'lens="{lens}" .*: leave backward=False out'):
        neuron().draw(lens=lens, backward=False)


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


def test_finite_names_an_op_inside_a_statement() -> None:
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
        (tg.relu, [[-1.0, 1.0], [-2.0, -1.0], [-3.0, 2.0]], "dead units: 50%", "bad"),
    ],
)
def test_saturation_shows_the_share(activation: Any, z: Any, said: str, mark: str) -> None:
    x = tg.parameter(z)
    a = activation(x)
    picture = tg.Graph(np.sum(a), names={"x": x, "a": a}).draw(lens="saturation")
    assert lines(picture, mark) == [said]


def test_saturation_sees_an_activation_inside_a_statement() -> None:
    x = tg.parameter([100.0, 100.0])
    L = np.sum(tg.sigmoid(x) * 2)
    assert lines(tg.Graph(L, names={"x": x, "L": L}).draw(lens="saturation"), "bad") == ["σ′ < 0.01: 100%"]


@pytest.mark.parametrize(
    "function", [lambda z: np.maximum(z, 0), lambda z: np.maximum(0.0, z), lambda z: np.where(z > 0, z, 0), tg.relu]
)
def test_relu_is_known_however_it_is_spelled(function: Any) -> None:
    x = tg.parameter([[-1.0, 1.0], [-2.0, -1.0]])
    a = function(x)
    assert lines(tg.Graph(np.sum(a), names={"x": x, "a": a}).draw(lens="saturation"), "bad") == ["dead units: 50%"]


@pytest.mark.parametrize("function", [lambda z: np.maximum(z, 1), lambda z: np.where(z > 1, z, 0), np.abs])
def test_other_functions_are_no_relu(function: Any) -> None:
    x = tg.parameter([[-1.0, 1.0], [-2.0, -1.0]])
    picture = tg.Graph(np.sum(function(x)), names={"x": x}).draw(lens="saturation")
    assert picture.drawing.notes == ["there is no sigmoid, tanh or relu in this graph"]


@pytest.mark.parametrize("function", [tg.relu, tg.sigmoid, np.tanh])
def test_empty_arrays_do_not_saturate(function: Any) -> None:
    x = tg.parameter(np.zeros((0, 3)))
    a = function(x)
    picture = tg.Graph(np.sum(a), names={"x": x, "a": a}).draw(lens="saturation")
    assert not lines(picture, "bad") + lines(picture, "weak")


def test_a_nan_inside_a_gradient_marks_the_card_of_the_gradient() -> None:
    x = tg.parameter(0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.sqrt(x)
        L = y * 3
        graph = tg.Graph(L, names={"x": x, "L": L, "y": y})
        graph.backprop()
    picture = graph.draw(lens="finite")
    assert [card.title for card in picture.drawing.cards if card.mark == "bad"] == ["x"]


def test_the_notes_of_a_nan_are_short_lines() -> None:
    x = tg.constant(np.zeros(3))
    long = "much_longer_name_than_anybody_would_like_to_see_in_a_picture_of_a_graph"
    with np.errstate(divide="ignore"):
        u = np.log(x)
    notes = tg.Graph(np.sum(u), names={"x": x, long: u}).draw(lens="finite").drawing.notes
    assert len(notes) == 3
    assert all(len(note) <= 60 and "\n" not in note for note in notes)


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
    edges = {f"backward-{edge.source}-{edge.target}-{edge.row}": edge.weight for edge in picture.drawing.edges if edge.backward}
    drawn = {name: float(width) for name, width in re.findall(r'id="(backward-[^"]*)"[^\n]*penwidth="?([\d.]+)', picture.dot)}
    assert drawn == pytest.approx({name: 1.4 * weight for name, weight in edges.items()}, rel=5e-3)


def backward_weights(picture: Any) -> dict[str, float]:
    """How wide the backward edges are, by the title of the card that each leads to."""
    titles = {card.key: card.title for card in picture.drawing.cards}
    return {titles[edge.source]: edge.weight for edge in picture.drawing.edges if edge.backward}


def test_norm_draws_gradients_that_are_not_finite_as_wide_as_the_largest() -> None:
    w = tg.parameter(1e-310)
    with np.errstate(all="ignore"):
        u = 1 / w
        v = u * 2.0
        L = v * 0.5
        graph = tg.Graph(L, names=locals())
        graph.backprop()
    picture = graph.draw(lens="norm")
    assert backward_weights(picture) == {"w": 4.0, "u = 1/w": 4.0, "v = u·2": 1.0}
    assert picture.drawing.notes[1] == "NaN or infinity, as wide as the largest: 1 of 3 gradients"


def test_norm_compares_gradients_of_any_magnitude() -> None:
    x, y, z = tg.parameter([1.0, 1.0]), tg.parameter([1.0, 1.0]), tg.parameter([1.0, 1.0])
    L = np.sum(x * 1e250 + y + z * 1e-250)
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    picture = graph.draw(lens="norm")
    assert backward_weights(picture) == {"x": 4.0, "y": 2.5, "z": 1.0}
    assert "dx (2,)  norm 1.41e+250" in {line.text.replace("−", "-") for card in picture.drawing.cards for line in card.results}


def test_norm_draws_each_edge_out_of_a_folded_card_by_its_own_gradient() -> None:
    x = tg.parameter(1.0)
    a, b = x * 2.0, x * 3.0
    p, q = a * 1000.0, b * 0.001
    L = p + q
    graph = tg.Graph(L, names={"x": x, "m": {"a": a, "b": b}, "p": p, "q": q, "L": L})
    graph.backprop()
    drawing = graph.draw(fold=["m"], lens="norm").drawing
    folded, titles = next(card.key for card in drawing.cards if card.stands_for), {card.key: card.title for card in drawing.cards}
    weights = {titles[edge.target]: edge.weight for edge in drawing.edges if edge.backward and edge.source == folded}
    assert weights == {"p = a·1000": 4.0, "q = b·0.001": 1.0}


def test_a_lens_works_on_a_folded_picture() -> None:
    for lens in ("check", "finite", "saturation", "norm"):
        assert perceptron().draw(lens=lens, fold=True).svg


class TestLargeGraphs:
    """Their cards are lines of code, and say together what a lens found in the many values they stand for."""

    @staticmethod
    def graph(first: float = 1.0) -> tg.Graph:
        w = tg.parameter(first)
        with np.errstate(over="ignore"):
            h = w * 1e300 * 1e300
            for _ in range(LARGE):
                h = np.tanh(h)
            L = h * 2
        graph = tg.Graph(L, names={"w": w, "L": L})
        with np.errstate(invalid="ignore", over="ignore"):
            graph.backprop()
        return graph

    def test_all_lenses_and_fold_go_by_lines_of_code(self) -> None:
        for settings in ({"fold": True}, {"lens": "finite"}, {"lens": "saturation"}, {"lens": "norm"}):
            assert len(self.graph().draw(**settings).drawing.cards) < 8

    def test_the_line_that_made_the_first_infinity_is_marked(self) -> None:
        drawing = self.graph().draw(lens="finite").drawing
        [card] = [card for card in drawing.cards if card.mark == "bad"]
        assert "w * 1e300 * 1e300" in card.title
        assert any("first NaN or infinity: multiply" in line.text for line in card.results)

    def test_flat_values_are_counted(self) -> None:
        drawing = self.graph(0.0).draw(lens="saturation").drawing
        [found] = [line.text for card in drawing.cards for line in card.results if line.mark]
        assert found == f"{LARGE:,} of {LARGE:,} with tanh′ < 0.01 for less than half"

    def test_what_takes_too_long_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tinygraph.draw.lens.SECONDS", 0)
        notes = self.graph().draw(lens="check").drawing.notes
        assert "2 of 2 gradients not checked: 0 s were over" in notes
