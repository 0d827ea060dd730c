"""A worksheet: blanks in the order of the walk, the key that fills them, numbers by seed, and a page that prints on A4."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import logistic, neuron, perceptron
from tests.live_programs import residual
from tinygraph.express.equations import equations_of
from tinygraph.express.mathml import print_layout
from tinygraph.program.statements import program_of
from tinygraph.referee.rounding import value_of
from tinygraph.referee.worksheet import BLANK, LONG

GRAPHS = {"neuron": neuron, "logistic": logistic, "perceptron": perceptron}


def leaves(graph: tg.Graph) -> dict[str, Any]:
    return {name: graph[name].value for name in graph.names if graph[name].op is None}


def blanks(text: str) -> int:
    """How many numbers are to be found."""
    return text.replace(LONG, "").count(BLANK)


class TestSheet:
    @pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
    def test_every_entry_of_every_value_and_gradient_has_a_blank(self, make: Any) -> None:
        graph = make()
        wanted = sum(s.node.size for s in graph.statements() if s.name != "dL")
        assert blanks(str(graph.worksheet())) == wanted

    @pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
    def test_it_has_the_statements_in_their_order_and_no_gradient(self, make: Any) -> None:
        graph = make()
        text = str(graph.worksheet())
        for s in graph.statements():
            assert f"  {s.name} = {s.right if s.phase == 'forward' or s.name == 'dL' else LONG}" in text
        names = re.findall(r"^  (\w+) = ", text.partition("Forward")[2], re.M)
        assert names == [s.name for s in graph.statements()]

    @pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
    def test_the_page_says_no_answer_either(self, make: Any) -> None:
        graph = make()
        sheet, key = graph.worksheet(seed=3), graph.worksheet(seed=3).key
        assert blanks(sheet.page()) == blanks(str(sheet))
        for s in sheet.graph.statements():
            if not s.shape and s.name != "dL":
                assert f"{s.value:.3f}" in key.page()
                assert f"{s.value:.3f}" not in sheet.page().partition("Forward")[2]

    def test_the_key_has_no_blank_and_every_number(self) -> None:
        key = logistic().worksheet().key
        assert "_" * 3 not in str(key) + key.page().partition("</style>")[2]
        assert "dw = X.T @ dz = [-0.0805 -0.0442]" in str(key)
        assert key.title == "Key to the worksheet of L"

    def test_a_value_with_several_readers_is_one_blank(self) -> None:
        x = tg.parameter(2.0)
        a = x * x
        L = a * x + a
        sheet = tg.Graph(L, names={"x": x, "a": a, "L": L}).worksheet()
        assert [line for line in str(sheet).splitlines() if line.startswith("  dx")] == [f"  dx = {LONG} = {BLANK}"]

    def test_plain_numbers_with_names_are_given(self) -> None:
        w, rate = tg.parameter(2.0), 0.25
        L = rate * w**2
        assert "  rate = 0.25\n" in str(tg.Graph(L, names=locals()).worksheet())

    def test_a_part_that_gradients_share_is_given(self) -> None:
        text = str(residual().worksheet())
        assert "  u = (h == t_4).astype(h.dtype)\n    = [[________" in text
        assert f"  dh = {LONG}\n" in text

    def test_a_number_of_single_precision_is_given_as_it_was_typed(self) -> None:
        w = tg.parameter(np.float32(0.64))
        assert "  w = 0.64\n" in str(tg.Graph(w * w, names={"w": w}).worksheet())

    def test_sparse_data_are_written_out(self) -> None:
        X, w = tg.constant(sparse.csr_array(np.eye(2))), tg.parameter([1.0, 2.0])
        L = np.sum(X @ w)
        assert "  X = [[1.0 0.0]\n       [0.0 1.0]]\n" in str(tg.Graph(L, names=locals()).worksheet())


class TestSeeds:
    @pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
    def test_the_numbers_are_those_of_the_quiz(self, make: Any) -> None:
        sheet, quiz = make().worksheet(seed=7), make().quiz(seed=7)
        mine, other = leaves(sheet.graph), leaves(quiz.stepper.graph)
        assert mine.keys() == other.keys()
        for name, value in mine.items():
            np.testing.assert_array_equal(value, other[name])

    def test_each_seed_has_others_and_the_same_again(self) -> None:
        sheets = [str(neuron().worksheet(seed)) for seed in (1, 2, 3, 1)]
        assert len(set(sheets)) == 3
        assert sheets[0] == sheets[3]

    def test_without_a_seed_the_numbers_are_the_recorded_ones(self) -> None:
        assert "  w1 = 0.3\n" in str(neuron().worksheet())

    def test_answers_of_the_key_are_right_by_the_referee(self) -> None:
        sheet = perceptron().worksheet(seed=5)
        tg.assert_gradients(sheet.graph, **{s.name: s.value for s in sheet.graph.statements()})


def by_hand(graph: tg.Graph) -> dict[str, Any]:
    """Every statement to three decimals, computed from the numbers before it as they were written down."""
    values: dict[Any, Any] = {}
    for s in graph.statements():
        values[s.node] = np.round(value_of(s.expression, values), 3)
    return {s.name: values[s.node] for s in graph.statements()}


class TestCompare:
    @pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
    @pytest.mark.parametrize("seed", range(12))
    def test_numbers_to_three_decimals_are_right_and_so_is_what_is_computed_from_them(self, make: Any, seed: int) -> None:
        sheet = make().worksheet(seed)
        answers = by_hand(sheet.graph)
        assert str(sheet.compare(**answers)).count("right") == len(answers)
        assert not sheet.graph.compare(**answers).right

    @pytest.mark.parametrize("seed", range(12))
    def test_a_slip_is_named_although_the_numbers_are_rounded(self, seed: int) -> None:
        sheet = neuron().worksheet(seed)
        answers = by_hand(sheet.graph)
        a, x1 = answers["a"], sheet.graph["x1"].value
        dz = np.round(a * (1 - a), 3)
        report = sheet.compare(**(answers | {"dz": dz, "dw1": np.round(dz * x1, 3), "db": dz}))
        assert report["dz"].slips[0].kind == "upstream"
        assert (report["dw1"].status, report["db"].status) == ("follows", "follows")
        wrong = sheet.compare(**(answers | {"dw1": -answers["dw1"]}))
        assert (wrong.first and wrong.first.name, wrong["dw1"].slips[0].kind) == ("dw1", "sign")

    def test_a_number_that_is_not_rounded_but_wrong(self) -> None:
        sheet = neuron().worksheet()
        assert not sheet.compare(L=sheet.graph["L"].value + 0.01).right


class TestErrors:
    def test_more_than_can_be_filled_in(self) -> None:
        w = tg.parameter(np.ones(300))
        with pytest.raises(ValueError, match="w has 300 entries: record the graph of fewer examples"):
            tg.Graph(np.sum(w * w), names={"w": w}).worksheet()

    @pytest.mark.parametrize("seed", [-1, 0.5, "7"])
    def test_what_is_no_seed(self, seed: Any) -> None:
        with pytest.raises(ValueError, match="must be a whole number"):
            neuron().worksheet(seed)

    def test_a_graph_that_ends_where_an_op_failed(self) -> None:
        w = tg.parameter([1.0, 2.0])
        with pytest.raises(tg.OpError) as failed:
            w + tg.constant([1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="ends where an op failed"):
            failed.value.graph.worksheet()

    def test_another_ending(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"\.html"):
            neuron().worksheet().save(tmp_path / "sheet.pdf")


class TestPage:
    def test_names_are_escaped(self) -> None:
        w = tg.parameter(2.0)
        page = tg.Graph(w * w, names={"<i>w": w}).worksheet().page()
        assert "<i>w" not in page

    def test_the_key_has_the_equations_of_the_graph(self) -> None:
        key = logistic().worksheet().key
        for sides in equations_of(program_of(key.graph)):
            for side in sides:
                assert print_layout(side) in key.page()

    def test_a_notebook_typesets_it(self) -> None:
        shown = neuron().worksheet()._repr_mimebundle_()
        assert shown["text/html"].count("<math") == 6 + 3 + 6
        assert shown["text/plain"] == str(neuron().worksheet())

    def test_a_saved_page_is_read_without_a_network_and_prints_on_a4(self, visit: Visit, tmp_path: Path) -> None:
        import pypdfium2 as pdfium

        sheet = logistic().worksheet(seed=7)
        for one, name in ((sheet, "sheet.html"), (sheet.key, "key.html")):
            path = one.save(tmp_path / name)
            visit.page.goto(path.as_uri())
            assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            printed = pdfium.PdfDocument(visit.page.pdf(prefer_css_page_size=True))
            assert [round(x) for x in printed[0].get_size()] == [595, 842]
            assert len(printed) <= 2
        assert visit.requests == []
        assert visit.errors == []
