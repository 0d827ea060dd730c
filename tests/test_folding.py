"""Folding: modules, repeated structure and large graphs as single cards, of which every edge is still there."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron
from tinygraph.draw.cards import Card
from tinygraph.draw.large import LARGE


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
        assert len(drawing.cards) < 10
        assert {card.title for card in drawing.cards} >= {"▸ h = tanh(z) × 150", "L = (1/(mn)) Σᵢⱼ hᵢⱼ"} or any(
            card.title.endswith("× 150") for card in drawing.cards
        )

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
