"""The table that print(graph) shows: 80 columns, folded where it is long, and honest about what was not computed."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tests.test_graph import neuron
from tinygraph.express.table import LARGE, WIDTH
from tinygraph.express.text import cut, number, padded, width

NEURON = """
Graph of L: 6 leaves, 3 statements forward, 6 backward
leaves
  x1 constant                                       2.000
  x2 constant                                       -1.000
  y constant                                        1.000
  w1 parameter                                      0.300
  w2 parameter                                      0.500
  b parameter                                       0.200
forward
  z = w1 * x1 + w2 * x2 + b                         0.300
  a = sigmoid(z)                                    0.574
  L = -(y * np.log(a) + (1 - y) * np.log(1 - a))    0.554
backward
  dL = 1                                            1.000
  da = -y / a + (1 - y) / (1 - a)                   -1.741
  dz = da * a * (1 - a)                             -0.426
  dw1 = dz * x1                                     -0.851
  dw2 = dz * x2                                     0.426
  db = dz                                           -0.426
"""


def lines(graph: tg.Graph) -> list[str]:
    """The table, of which no line is too wide."""
    found = str(graph).splitlines()
    assert max(map(width, found)) <= WIDTH
    return found


def chain(length: int) -> tg.Node:
    h = tg.parameter(1.0)
    for _ in range(length):
        h = h * 1.0
    return h


class TestTable:
    def test_the_canonical_neuron(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        graph.backprop()
        assert lines(graph) == NEURON.strip().splitlines()

    def test_gradients_that_were_not_asked_for_are_no_zeros(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        found = lines(graph)
        assert found[-2:] == ["backward", "  not computed: call graph.backprop()"]
        assert not any(line.lstrip().startswith("d") for line in found)
        graph.backprop(wrt="w1")
        found = lines(graph)
        assert any(line.split()[0] == "dw1" for line in found)
        assert not any(line.split()[0] == "dw2" for line in found)

    def test_a_network_of_three_layers_fits_a_screen(self) -> None:
        random = np.random.default_rng(0)
        X, Y = random.normal(size=(8, 784)), np.eye(10)[random.integers(0, 10, 8)]
        W1, W2, W3 = (tg.parameter(random.normal(size=size) / 30) for size in ((784, 128), (128, 64), (64, 10)))
        b1, b2, b3 = (tg.parameter(np.zeros(size)) for size in (128, 64, 10))
        Z1 = X @ W1 + b1
        A1 = tg.relu(Z1)
        Z2 = A1 @ W2 + b2
        A2 = tg.relu(Z2)
        Z3 = A2 @ W3 + b3
        L = tg.softmax_cross_entropy(Z3, Y)
        graph = tg.Graph(L, names=locals())
        graph.backprop()
        assert len(lines(graph)) <= 45

    def test_a_long_graph_folds_with_a_count(self) -> None:
        h = tg.parameter(1.0)
        names = {}
        for i in range(1000):
            names[f"h{i}"] = h = h * 1.0
        found = lines(tg.Graph(h, names=names))
        assert len(found) < 45
        assert "  ... 970 more ..." in found

    def test_a_large_graph_goes_by_the_users_lines(self) -> None:
        graph = tg.Graph(chain(300_000), names={})
        found = lines(graph)
        assert found[0] == "Graph of output: 300,001 nodes forward, 0 gradients"
        assert any(line.split()[-2:] == ["300,000", "nodes"] for line in found)
        assert found[-1] == "  not computed: call graph.backprop()"

    def test_a_large_graph_shows_its_gradients(self) -> None:
        w = h = tg.parameter(2.0)
        for _ in range(LARGE):
            h = h * 1.0
        graph = tg.Graph(h, names={"w": w})
        graph.backprop()
        assert lines(graph)[-1].split() == ["dw", "1.000"]

    @pytest.mark.parametrize("name", ["重み" * 20, "ｗ" * 30, "e\u0301\u0489" * 15, "ab" * 40, "ก็" * 30])
    def test_long_and_wide_names_are_cut(self, name: str) -> None:
        w = tg.parameter(np.ones((2, 3)))
        loss = np.sum(w * w)
        graph = tg.Graph(loss, names={name: w, "loss": loss})
        graph.backprop()
        found = lines(graph)
        leaf, other = (next(line for line in found if start in line) for start in ("2, 3)", "loss ="))
        assert leaf.endswith("min 1.000  max 1.000")
        assert other.endswith("6.000")

    def test_shapes_and_values_of_many_axes_leave_room_for_the_statement(self) -> None:
        w = tg.parameter(np.full((1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2), 1e300))
        found = lines(tg.Graph(np.sum(w * 1e-300), names={"w": w}))
        assert any("w parameter" in line and "(1, 2, 1" in line and "…" in line for line in found)
        assert any(line.split()[0] == "output" and line.endswith("64.000") for line in found)

    def test_what_is_no_number_shows(self) -> None:
        w = tg.parameter([1.0, np.nan, 2.0, np.inf, -np.inf, 3.0])
        with np.errstate(invalid="ignore"):
            nothing, zero = w * np.zeros(6), tg.parameter(np.nan) * 1
        empty, flags, whole = tg.constant(np.zeros((0, 3))), w > 1, tg.constant([1, 2, 3, 4])
        total = np.sum(nothing) + zero + np.sum(empty) + np.sum(flags * whole[0])  # NaN, and so is what follows
        found = "\n".join(lines(tg.Graph(total, names=locals())))
        assert "min 1.000  max 3.000, 1 nan, 1 inf, 1 -inf" in found
        assert "min 0.000  max 0.000, 3 nan" in found
        assert "3 of 6 true" in found
        assert "min 1  max 4" in found
        assert "[]" in found
        assert any(line.split()[0] == "zero" and line.endswith("nan") for line in found.splitlines())


class TestText:
    @pytest.mark.parametrize(
        ("text", "columns"),
        [("abc", 3), ("重み", 4), ("e\u0301", 1), ("한", 2), ("ｗ", 2), ("a\u200db", 2), ("σ", 1), ("", 0), ("\u0301", 0)],
    )
    def test_the_width_of_a_text(self, text: str, columns: int) -> None:
        assert width(text) == columns

    @pytest.mark.parametrize(
        ("text", "columns", "short"),
        [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("重み重み", 4, "重…"),
            ("a\nb", 4, "a�b"),
            ("\x00\u202e", 4, "��"),
            ("ab", 1, "…"),
        ],
    )
    def test_text_is_cut_to_one_line(self, text: str, columns: int, short: str) -> None:
        assert cut(text, columns) == short
        assert width(padded(short, columns)) == max(columns, width(short))

    def test_a_notebook_shows_the_same_rows(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        for _ in range(2):
            rows = [[cell.text for cell in row] for row in ElementTree.fromstring(graph.table()._repr_html_()).iter("tr")]
            words = [" ".join(text or "" for text in row).split() for row in rows]
            assert words == [line.split() for line in str(graph).splitlines()]
            graph.backprop()

    def test_in_a_narrow_window_a_long_statement_wraps_and_its_value_is_seen(self) -> None:
        x = tg.parameter(np.ones(3))
        J = np.sum(np.exp(x) * x - np.exp(x * 2) * x + np.exp(x * 3) * x - np.exp(x * 4) * x)
        graph = tg.Graph(J, names={"x": x, "J": J})
        (statement,) = graph.statements()
        assert "…" in str(graph)
        with browser() as visit:
            visit.page.set_viewport_size({"width": 400, "height": 600})
            cells = visit.show(graph.table()._repr_html_()).locator("tr", has_text="J = ").locator("td")
            left, _, right = (cells.nth(i).bounding_box() or {} for i in range(3))
            assert cells.nth(0).inner_text() == f"J = {statement.right}"
            assert left["height"] > 30
            assert right["x"] + right["width"] <= 400

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (np.float64(0.5744), "0.574"), (np.float64(0), "0.000"), (np.float64(-0.0), "0.000"), (np.float64(1e-9), "1.00e-09"),
            (np.float64(123456), "1.23e+05"),
            (np.float64(np.nan), "nan"), (np.float64(-np.inf), "-inf"), (np.bool_(True), "True"), (np.int64(7), "7"),
            (np.array([1.0, 2.0]), "[1.000, 2.000]"), (np.zeros(0), "[]"), (np.zeros((0, 2), bool), "[]"),
            (np.array([np.nan] * 4), "4 nan"), (np.array([True] * 4), "4 of 4 true"), (np.float32(1.5), "1.500"),
        ],
    )  # fmt: skip
    def test_values_in_a_few_characters(self, value: Any, text: str) -> None:
        assert number(value) == text


def test_gradients_list_one_line_each() -> None:
    w = tg.parameter(np.ones((400, 300)))
    s = np.sum(w * 2)
    grads = tg.Graph(s, names=locals()).backprop()
    found = repr(grads).splitlines()
    assert found[0] == "<gradients"
    assert [line.split()[0] for line in found[1:]] == ["ds", "dw"]
    assert "(400, 300) float64" in found[2]


@pytest.mark.parametrize("value", [1.5, np.ones((500, 500)), np.zeros((0, 3)), [np.nan], [True, False], np.ones((2,) * 6)])
def test_a_node_is_one_line(value: Any) -> None:
    text = repr(tg.constant(value))
    assert "\n" not in text
    assert len(text) < 1200
