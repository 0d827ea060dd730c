"""Folding: modules, repeated structure and large graphs as single cards, of which every edge is still there."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron
from tinygraph.draw.cards import Card
from tinygraph.express.table import LARGE


def cards(picture: Any) -> dict[str, Card]:
    return {card.title: card for card in picture.drawing.cards}


def texts(card: Card) -> list[str]:
    return [line.text for row in card.rows for line in row.lines] + [line.text for line in card.results]


def rollout(steps: int) -> tg.Graph:
    """A loop that makes two values at every turn."""
    W = tg.parameter(np.eye(2) / 2)
    h = tg.constant(np.ones((3, 2)))
    for _ in range(steps):
        z = h @ W
        h = np.tanh(z)
    L = np.mean(h)
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph


def layers_in_one_line(count: int) -> tg.Graph:
    """Layers of which one line makes both statements."""
    h = tg.constant(np.ones((3, 2)))
    names: dict[str, Any] = {"x": h}
    for i in range(1, count + 1):
        W, b = tg.parameter(np.eye(2) / 2), tg.parameter(np.zeros(2))
        h = np.tanh(z := h @ W + b)
        names |= {f"W{i}": W, f"b{i}": b, f"z{i}": z, f"h{i}": h}
    graph = tg.Graph(L := np.mean(h), names={**names, "L": L})
    graph.backprop()
    return graph


@tg.op(lambda g, out, x: g * 3, elementwise=True)  # wrong: it should be 2
def badly_doubled(x: Any) -> Any:
    return 2 * x


class TestLensesOnFoldedCards:
    def wrong(self, count: int) -> tg.Graph:
        x = tg.parameter(0.5)
        h, layer = x, {}
        for i in range(1, 6):
            h = layer[f"h{i}"] = badly_doubled(h) if i <= count else h * 2
        graph = tg.Graph(L := h * 1.0, names={"x": x, "layer": layer, "L": L})
        graph.backprop()
        return graph

    def test_many_wrong_gradients_are_counted_and_named(self) -> None:
        card = cards(self.wrong(5).draw(fold=True, lens="check"))["▸ layer"]
        assert card.mark == "bad"
        assert {"5 of 6 gradients wrong: dx, dh₁, dh₂, …", "1 of 6 gradients right"} <= set(texts(card))

    def test_right_ones_are_counted(self) -> None:
        card = cards(self.wrong(0).draw(fold=True, lens="check"))["▸ layer"]
        assert card.mark == ""
        assert "6 of 6 gradients right" in texts(card)

    def test_the_first_nan_inside_is_told(self) -> None:
        x = tg.constant(0.0)
        with np.errstate(divide="ignore"):
            u = np.log(x)
            v = u * 2
        card = cards(tg.Graph(v * 1, names={"x": x, "m": {"u": u, "v": v}}).draw(fold=["m"], lens="finite"))["▸ m"]
        assert card.mark == "bad"
        assert "u: first NaN or infinity: log" in texts(card)

    def test_saturated_values_are_counted_and_named(self) -> None:
        x = tg.parameter(50.0)
        a, b, c = tg.sigmoid(x), tg.sigmoid(x * 2), tg.sigmoid(x * 0)
        graph = tg.Graph(a + b + c, names={"x": x, "m": {"a": a, "b": b, "c": c}})
        card = cards(graph.draw(fold=["m"], lens="saturation"))["▸ m"]
        assert card.mark == "bad"
        assert "2 of 3 with σ′ < 0.01 for half or more: a, b" in texts(card)

    def test_norm_draws_the_edges_of_folded_cards_by_their_gradient(self) -> None:
        x, y = tg.parameter(1.0), tg.parameter(1.0)
        u = x * 2.0
        L = (v := u * 1.0) * 1000.0 + y
        graph = tg.Graph(L, names={"x": x, "y": y, "L": L, "m": {"u": u, "v": v}})
        graph.backprop()
        drawing = graph.draw(fold=["m"], lens="norm").drawing
        weights = {
            card.title: edge.weight
            for card in drawing.cards
            for edge in drawing.edges
            if card.key == edge.source and edge.backward
        }
        assert weights == {"▸ m": 4.0, "y": 1.0}


class TestModules:
    def test_a_folded_one_tells_what_comes_in_what_it_holds_and_what_goes_out(self) -> None:
        found = texts(cards(perceptron().draw(fold=["layer1"]))["▸ layer1"])
        assert "X 4×2" in found
        assert "W₁ 2×3, b₁ 3" in found
        assert any(text.startswith("‖dW₁‖ = ") for text in found)
        assert any(text.startswith("A₁ 4×3") for text in found)
        assert any(text.startswith("dA₁ 4×3  ‖·‖ = ") for text in found)

    def test_folding_keeps_the_others(self) -> None:
        titles = set(cards(perceptron().draw(fold=["layer1"])))
        assert "Z₂ = A₁W₂ + b₂" in titles
        assert not titles & {"A₁ = tanh(Z₁)", "W₁"}

    def test_a_name_alone_is_a_list_of_one(self) -> None:
        assert set(cards(perceptron().draw(fold="layer2"))) == set(cards(perceptron().draw(fold=["layer2"])))

    def test_all_and_none(self) -> None:
        graph = perceptron()
        assert {"▸ layer1", "▸ layer2"} <= set(cards(graph.draw(fold=True)))
        assert len(graph.draw(fold=False).drawing.cards) == len(graph.draw().drawing.cards) == 10

    def test_nested_ones_fold_inside_and_outside(self) -> None:
        w = tg.parameter(2.0)
        y = w * 3
        L = y * y
        graph = tg.Graph(L, names={"w": w, "L": L, "outer": {"inner": {"y": y}}})
        assert "▸ outer/inner" in cards(graph.draw(fold=["outer/inner"]))
        assert "▸ outer" in cards(graph.draw(fold=["outer"]))
        with pytest.raises(ValueError, match="there are outer, outer/inner"):
            graph.draw(fold=["inner"])

    def test_a_dict_of_parameters_alone_is_no_module(self) -> None:
        params = {"w": tg.parameter(2.0)}
        graph = tg.Graph(params["w"] * 2, names={"params": params})
        with pytest.raises(ValueError, match="there are none"):
            graph.draw(fold=["params"])

    def test_edges_lead_to_rows_that_are_there_and_none_is_lost_or_doubled(self) -> None:
        for fold in (["layer1"], ["layer2"], True):
            drawing = perceptron(4).draw(fold=fold if fold is True else list(fold)).drawing
            rows = {card.key: len(card.rows) for card in drawing.cards}
            assert all(edge.source in rows and edge.row < rows[edge.target] for edge in drawing.edges)
            assert len(set(drawing.edges)) == len(drawing.edges)
            reached = {edge.target for edge in drawing.edges} | {edge.source for edge in drawing.edges}
            assert reached == set(rows)


class TestSize:
    def test_layers_of_one_structure_become_one_card(self) -> None:
        drawing = perceptron(80).draw().drawing
        assert any(card.title == "▸ layer2 … layer79 × 78" for card in drawing.cards)
        assert any("cards folded into" in note and "draw(fold=False)" in note for note in drawing.notes)

    def test_an_unrolled_loop_becomes_one_card_a_line(self) -> None:
        drawing = rollout(150).draw().drawing
        assert {card.title for card in drawing.cards} == {
            "c₁", "▸ z = h₁₄₉W × 150", "▸ h = tanh(z) × 150", "L = (1/(mn)) Σᵢⱼ hᵢⱼ",
        }  # fmt: skip

    def test_statements_of_one_line_fold_each_by_itself(self) -> None:
        graph = layers_in_one_line(60)
        found = cards(graph.draw())
        assert {title.rpartition(" ")[0][:4] for title in found if title.endswith(" 60")} == {"▸ W₆", "▸ b₆", "▸ z₆", "▸ h₆"}
        assert "W₁ … W₆₀ (60)" in texts(next(card for title, card in found.items() if title.startswith("▸ z")))

    def test_steps_that_read_other_entries_are_the_same_line(self) -> None:
        X, h = tg.constant(np.ones((250, 3))), tg.parameter(np.ones(3))
        for i in range(250):
            h = h + X[i]
        assert len(tg.Graph(np.sum(h), names=locals()).draw(fold=None).drawing.cards) < 10

    def test_folding_all_of_a_graph_without_modules_folds_its_lines(self) -> None:
        assert len(rollout(150).draw(fold=True).drawing.cards) < 10

    def test_what_has_neither_modules_nor_lines_is_cut_into_stretches(self) -> None:
        names: dict[str, Any] = {}
        code = "\n".join(f"h{i + 1} = h{i} * 2.0" for i in range(300))
        exec(compile(code, "<written>", "exec"), {"h0": (w := tg.parameter(1.0))}, names)
        drawing = tg.Graph(names["h300"], names={"w": w, **names}).draw().drawing
        assert len(drawing.cards) <= 42
        assert drawing.notes

    def test_a_huge_graph_is_drawn_by_lines_of_code(self) -> None:
        h = w = tg.parameter(1.0)
        for _ in range(LARGE):
            h = h * 1.0
        graph = tg.Graph(h, names={"w": w, "h": h})
        graph.backprop()
        picture = graph.draw()
        assert [card.title for card in picture.drawing.cards][1].endswith(f"× {LARGE:,}")
        assert {edge.backward for edge in picture.drawing.edges} == {False, True}
        assert "dw = 1.000" in picture.svg

    def test_small_graphs_are_drawn_whole(self) -> None:
        assert not neuron().draw().drawing.notes

    def test_many_inputs_of_one_statement_share_a_row(self) -> None:
        terms = {f"x{i}": tg.parameter(float(i)) for i in range(30)}
        total = np.stack(list(terms.values())).sum()
        picture = tg.Graph(total, names={**terms, "total": total}).draw()
        assert len(cards(picture)[next(t for t in cards(picture) if t.startswith("total"))].rows) < 20
        assert len([edge for edge in picture.drawing.edges if not edge.backward]) == 30
