"""What cards say: short numbers, names that fit, and all of it in the tooltip."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import SVG
from tinygraph.draw.cards import NAME, Card
from tinygraph.express.text import cut_inside, width


def texts(card: Card) -> list[str]:
    return [line.text for row in card.rows for line in row.lines] + [line.text for line in card.results]


def tooltips(svg: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "shown"),
        [
            (0.1 + 0.2, "0.300"), (1 / 3, "0.333"), (0.044715, "0.044715"), (2.0, "2"), (-1.702, "−1.702"), (1e-5, "10⁻⁵"),
            (1 / 3e7, "3.33·10⁻⁸"), (1234567.891, "1.23·10⁶"), (-1 / 7, "−0.143"), (np.pi, "π"),
        ],
    )  # fmt: skip
    def test_a_number_is_as_the_user_wrote_it_or_as_short_as_the_others(self, number: float, shown: str) -> None:
        x = tg.parameter(2.0)
        y = np.add(x, float(f"{number!r}"))  # which has no name
        (card,) = [card for card in tg.Graph(y, names={"x": x, "y": y}).draw().drawing.cards if card.kind == "loss"]
        assert card.title.replace("(", "").replace(")", "").replace(" − ", " + −") == f"y = x + {shown}"

    def test_what_a_rule_computed_has_no_seventeen_digits(self) -> None:
        losses = [tg.parameter(float(i)) for i in range(12)]
        L = sum(losses) * float("0.08333333333333333")
        graph = tg.Graph(L, names={"losses": losses, "L": L})
        graph.backprop()
        for card in graph.draw().drawing.cards:
            assert not re.search(r"\d{7}", "".join([card.title, *texts(card)]))


LONG = "the_weight_of_the_first_feature_of_the_first_layer"


class TestLongNames:
    def graph(self) -> tg.Graph:
        w, x = tg.parameter(0.3), tg.constant(2.0)
        a = tg.sigmoid(z := w * x)
        graph = tg.Graph(L := (a - 1) ** 2, names={LONG: w, f"{LONG}_input": x, f"{LONG}_before": z, f"{LONG}_after": a, "L": L})
        graph.backprop()
        return graph

    def test_both_sides_of_an_equation_are_on_the_card(self) -> None:
        equation = next(card.title for card in self.graph().draw().drawing.cards if "σ" in card.title)
        name, _, right = equation.partition(" = ")
        assert width(name) <= NAME
        assert right.startswith("σ(the_weight_o")

    def test_the_picture_is_not_wide(self) -> None:
        wide = float(re.findall(r'width="([\d.]+)"', self.graph().draw().svg)[0])
        assert wide < 2800  # 4,200 with whole names

    def test_the_tooltip_has_all_of_it(self) -> None:
        assert LONG in tooltips(self.graph().draw().svg)
        assert f"{LONG}_after = σ({LONG}_before)" in tooltips(self.graph().draw().svg)

    def test_names_that_would_look_alike_keep_more_letters(self) -> None:
        words = [f"{'a' * 30}{letter}{'z' * 30}" for letter in "bcd"]
        leaves = {word: tg.parameter(1.0) for word in words}
        total = np.stack(list(leaves.values())).sum()
        shown = [card.title for card in tg.Graph(total, names=leaves).draw().drawing.cards]
        assert len(set(shown)) == 4
        assert all("…" in title for title in shown[:2])


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 5, "short"),
        ("abcdefghij", 7, "abc…hij"),
        ("abcdefghij", 6, "ab…hij"),
        ("漢字漢字漢字", 7, "漢…字"),
        ("a\nb", 3, "a�b"),
    ],
)
def test_what_does_not_fit_is_cut_inside(text: str, columns: int, shown: str) -> None:
    assert cut_inside(text, columns) == shown
    assert width(shown) <= columns
