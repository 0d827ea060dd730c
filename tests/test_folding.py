"""Folding: modules, repeated structure and large graphs as single cards, of which every edge is still there."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import elements, neuron, perceptron
from tinygraph.draw.cards import Card
from tinygraph.draw.folding import modules_of
from tinygraph.draw.size import is_quick
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


def recurrence(steps: int) -> tg.Graph:
    """A loop in which every step reads the same three leaves, and makes a value that has a name of its own."""
    w, u, c, h = tg.parameter(0.5), tg.parameter(0.3), tg.constant(1.0), tg.constant(0.1)
    names = {"w": w, "u": u, "c": c, "h": h}
    for i in range(steps):
        h = names[f"h{i}"] = np.tanh(w * h + u * c)
    graph = tg.Graph(h, names=names)
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

    def test_the_first_nan_inside_is_shown(self) -> None:
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
    def test_a_folded_card_shows_its_inputs_its_parameters_and_its_outputs(self) -> None:
        found = texts(cards(perceptron().draw(fold=["layer1"]))["▸ layer1"])
        assert "X (4, 2)" in found
        assert "W₁ (2, 3), b₁ (3,)" in found
        assert any(text.startswith("dW₁  norm ") for text in found)
        assert any(text.startswith("A₁ (4, 3)") for text in found)
        assert any(text.startswith("dA₁ (4, 3)  norm ") for text in found)

    def test_folding_keeps_the_others(self) -> None:
        titles = set(cards(perceptron().draw(fold=["layer1"])))
        assert "Z₂ = A₁W₂ + b₂" in titles
        assert not titles & {"A₁ = tanh(Z₁)", "W₁"}

    def test_the_gradients_of_numbers_that_it_holds_keep_their_sign(self) -> None:
        w, x = tg.parameter(2.0), tg.constant(-3.0)
        a = w * x
        graph = tg.Graph(L := a * 2, names={"x": x, "L": L, "m": {"w": w, "a": a}})
        graph.backprop()
        assert "dw = −6.000" in texts(cards(graph.draw(fold=["m"]))["▸ m"])

    def test_one_that_holds_the_output_looks_like_it(self) -> None:
        assert cards(perceptron().draw(fold=["layer2"]))["▸ layer2"].kind == "module"
        w = tg.parameter(2.0)
        graph = tg.Graph(L := w * 3, names={"w": w, "m": {"L": L}})
        assert cards(graph.draw(fold=["m"]))["▸ m"].kind == "loss"

    def test_a_value_that_it_alone_reads_has_its_gradient_and_one_that_others_read_too_has_a_contribution(self) -> None:
        w, x = tg.parameter(2.0), tg.parameter(3.0)
        u = x * 2
        a = w * u
        c = a * w + a
        graph = tg.Graph(L := c * c, names={"w": w, "x": x, "u": u, "c": c, "L": L, "m": {"a": a}})
        graph.backprop()
        assert [[line.text for line in row.lines] for row in cards(graph.draw(fold=["m"]))["▸ m"].rows] == [
            ["w", "dw += …"], ["u", "du = 432.000"],
        ]  # fmt: skip

    def test_names_come_in_any_iterable(self) -> None:
        assert "▸ layer1" in cards(perceptron().draw(fold=(name for name in ["layer1"])))

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

    @pytest.mark.parametrize("fold", ["enc", True])
    def test_one_that_holds_others_has_no_frame_of_its_own(self, fold: Any) -> None:
        x = tg.constant(2.0)
        u = x * 3
        v = np.sin(u)
        graph = tg.Graph(L := v * 2, names={"x": x, "L": L, "enc": {"l0": {"u": u}, "l1": {"v": v}}})
        assert cards(graph.draw(fold=fold))["▸ enc"].module == ()
        assert cards(graph.draw(fold="enc/l1"))["▸ enc/l1"].module == ("enc",)

    def test_one_whose_name_has_a_slash_is_the_one_inside_another(self) -> None:
        x = tg.constant(2.0)
        u, v = x * 3, x * 4
        graph = tg.Graph(u * v, names={"x": x, "a/b": {"u": u}, "a": {"b": {"v": v}}})
        assert modules_of(graph.draw().drawing) == ["a", "a/b"]
        (folded,) = (card for card in graph.draw(fold="a/b").drawing.cards if card.stands_for)
        assert (folded.stands_for, folded.module, len(folded.members)) == ("a/b", ("a",), 2)

    @pytest.mark.parametrize("name", ["", " ", "/", "//", " / "])
    def test_one_called_nothing_is_none(self, name: str) -> None:
        x = tg.constant(2.0)
        u = x * 3
        graph = tg.Graph(u * u, names={"x": x, name: {"u": u}})
        assert modules_of(graph.draw().drawing) == []
        assert graph["u"] is u
        assert graph.view().html

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
            "h₀", "▸ z = h₁₄₉W × 150", "▸ h = tanh(z) × 150", "L = (1/(mn)) Σᵢⱼ hᵢⱼ",
        }  # fmt: skip

    def test_statements_of_one_line_fold_each_by_itself(self) -> None:
        graph = layers_in_one_line(60)
        found = cards(graph.draw())
        assert {title.rpartition(" ")[0][:4] for title in found if title.endswith(" 60")} == {"▸ W₆", "▸ b₆", "▸ z₆", "▸ h₆"}
        assert "W₁ … W₆₀ (60)" in texts(next(card for title, card in found.items() if title.startswith("▸ z")))

    def test_different_statements_of_one_line_stay_apart(self) -> None:
        a, b = tg.parameter(2.0), tg.parameter(3.0)
        p = a * 2.0; q = np.sin(p); r = q * b  # fmt: skip  # noqa: E702
        drawing = tg.Graph(r, names=locals()).draw(fold=True).drawing
        assert not [card for card in drawing.cards if card.stands_for]

    def test_steps_that_read_other_entries_are_the_same_line(self) -> None:
        X, h = tg.constant(np.ones((250, 3))), tg.parameter(np.ones(3))
        for i in range(250):
            h = h + X[i]
        assert len(tg.Graph(np.sum(h), names=locals()).draw(fold=None).drawing.cards) < 10

    def test_folding_all_folds_repeated_lines_at_any_size(self) -> None:
        assert len(rollout(150).draw(fold=True).drawing.cards) == 4
        assert len(rollout(3).draw().drawing.cards) == 9
        assert {card.title for card in rollout(3).draw(fold=True).drawing.cards} == {
            "h₀", "▸ z = h₂W × 3", "▸ h = tanh(z) × 3", "L = (1/(mn)) Σᵢⱼ hᵢⱼ",
        }  # fmt: skip

    def test_edges_too_long_for_an_engine_fold_a_picture_of_few_cards(self) -> None:
        whole, drawn = recurrence(100).draw(fold=False), recurrence(100).draw()
        assert len(whole.drawing.cards) == 104
        assert len(drawn.drawing.cards) == 3
        assert drawn.drawing.notes[0] == "104 cards folded into 3"  # all of them cannot be laid out, so nobody is sent there
        assert len(recurrence(5).draw().drawing.cards) == 9

    def test_a_recurrence_that_fills_many_screens_opens_folded(self) -> None:
        drawing = recurrence(30).draw().drawing
        assert {card.title for card in drawing.cards} == {"c", "h", "▸ h₂₉ = tanh(wh₂₈ + uc) × 30"}
        assert drawing.notes[0] == "34 cards folded into 3; draw(fold=False) shows them all"

    def test_as_many_stretches_are_drawn_as_fit(self) -> None:
        names: dict[str, Any] = {}
        leaves = {f"w{i}": tg.parameter(1.0) for i in range(10)}
        code = "\n".join(f"h{i + 1} = h{i} + {' + '.join(leaves)}" for i in range(100))
        exec(compile(code, "<written>", "exec"), {"h0": tg.parameter(1.0), **leaves}, names)
        graph = tg.Graph(names["h100"], names={**leaves, **names})
        graph.backprop()
        drawing = graph.draw().drawing
        assert 15 < len(drawing.cards) <= 20
        assert is_quick(drawing)

    def test_leaves_of_a_loop_become_one_that_looks_like_a_leaf(self) -> None:
        xs = [tg.constant(float(i)) for i in range(12)]
        ws = [tg.parameter(float(i)) for i in range(12)]
        h = tg.constant(0.0)
        for x, w in zip(xs, ws, strict=True):
            h = h + np.tanh(x) * w + w
        folded = cards(tg.Graph(h, names={"xs": xs, "ws": ws, "h": h}).draw(fold=True))
        assert {title: card.kind for title, card in folded.items() if card.stands_for} == {
            "▸ xs₁₁ × 12": "input", "▸ ws₁₁ × 12": "parameter", "▸ h = h₁₁ + tanh(xs₁₁)·ws₁₁ + ws₁₁ × 12": "loss",
        }  # fmt: skip
        assert "▸ xs₁₁ × 12" in {
            text for e in elements(tg.Graph(h, names={"xs": xs, "ws": ws, "h": h}).draw(fold=True).svg) for text in e.texts
        }

    def test_leaves_that_one_line_made_stay_apart_where_they_are_few_or_differ_in_shape(self) -> None:
        a, b, c = (tg.parameter(float(i)) for i in range(3))
        arrays = [tg.parameter(np.ones(i)) for i in range(6)]
        L = a * b * c + np.sum(np.concatenate(arrays))
        drawing = tg.Graph(L, names=locals()).draw(fold=True).drawing
        assert not [card for card in drawing.cards if card.stands_for]

    def test_what_has_neither_modules_nor_lines_is_cut_into_stretches(self) -> None:
        names: dict[str, Any] = {}
        code = "\n".join(f"h{i + 1} = h{i} * 2.0" for i in range(300))
        exec(compile(code, "<written>", "exec"), {"h0": (w := tg.parameter(1.0))}, names)
        drawing = tg.Graph(names["h300"], names={"w": w, **names}).draw().drawing
        assert len(drawing.cards) <= 42
        assert drawing.notes

    def test_stretches_of_long_names_have_different_titles(self) -> None:
        names: dict[str, Any] = {}
        code = "\n".join(f"h{i + 1} = h{i} * 2.0" for i in range(300))
        exec(compile(code, "<written>", "exec"), {"h0": tg.parameter(1.0)}, names)
        long = {f"{'long' * 20}{name}": node for name, node in names.items()}
        drawing = tg.Graph(names["h300"], names=long).draw().drawing
        assert len({card.title for card in drawing.cards}) == len(drawing.cards) <= 41

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

    def test_lines_of_code_show_variables_and_which_gradients_are_not_kept(self) -> None:
        h = w_1 = tg.parameter(1.0)
        for _ in range(LARGE):
            h = h * 1.0
        L = h * w_1
        graph = tg.Graph(L, names={"w_1": w_1, "L": L})
        graph.backprop()
        w, line, last = graph.draw().drawing.cards
        assert texts(w) == ["w₁ = 1.000", "dw₁ = 2.000"]
        assert texts(line) == ["w₁", "dw₁ += …", "last = 1.000", "gradient: name it to see it"]
        assert texts(last)[:2] == ["h = h * 1.0", "gradient"]

    def test_lines_of_code_leave_out_the_1_that_an_earlier_walk_back_began_with(self) -> None:
        h = w = tg.parameter(1.0)
        for _ in range(LARGE):
            h = h * 1.0
        d = tg.Graph(h, names={"w": w, "h": h}).backprop()[w]
        graph = tg.Graph(q := d * w, names={"w": w, "q": q})
        graph.backprop()
        assert [card.kind for card in graph.draw().drawing.cards] == ["parameter", "module", "loss"]

    def test_no_gradient_comes_to_lines_of_code_behind_what_it_is_of(self) -> None:
        u = w = tg.parameter(1.0)
        for _ in range(LARGE):
            u = u * 1.0
        L = u * 2
        graph = tg.Graph(L, names={"w": w, "u": u, "L": L})
        graph.backprop(of="u")
        first, line, last = graph.draw().drawing.cards
        passed = [(edge.source, edge.target) for edge in graph.draw().drawing.edges if edge.backward]
        assert passed == [(first.key, line.key)]
        assert texts(last) == ["u", "L = 2.000"]

    def test_more_cards_than_can_be_drawn_are_refused_at_once(self) -> None:
        h = w = tg.parameter(1.0)
        for _ in range(LARGE):
            h = h * 1.0
        graph = tg.Graph(h, names={"w": w})
        said = r"5,001 cards are more than the 5,000 .*: leave `fold` out, and they are drawn by lines of code"
        with pytest.raises(ValueError, match=said):
            graph.draw(level="op", fold=False)
        assert len(graph.draw(fold=False).drawing.cards) < LARGE

    def test_small_graphs_are_drawn_whole(self) -> None:
        assert not neuron().draw().drawing.notes

    def test_many_inputs_of_one_statement_share_a_row(self) -> None:
        terms = {f"x{i}": tg.parameter(float(i)) for i in range(30)}
        total = np.stack(list(terms.values())).sum()
        picture = tg.Graph(total, names={**terms, "total": total}).draw()
        assert len(cards(picture)[next(t for t in cards(picture) if t.startswith("total"))].rows) < 20
        assert len([edge for edge in picture.drawing.edges if not edge.backward]) == 30
