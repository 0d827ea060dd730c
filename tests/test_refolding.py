"""The foldings of a page: which there are, and which a folded card or an open module leads to."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron
from tests.page_kinds import recurrence
from tinygraph.draw import refolding
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.picture import Picture
from tinygraph.draw.refolding import Folding, Ways, foldings_of, refoldings


def late() -> float:
    """A time that no test comes to."""
    return time.monotonic() + 600


def labels(picture: Picture) -> list[str]:
    return [folding.label for folding in foldings_of(picture)[0]]


def nested() -> tg.Graph:
    w = tg.parameter(2.0)
    y = w * 3
    u = y + 1
    return tg.Graph(L := u * y, names={"w": w, "L": L, "outer": {"u": u, "inner": {"y": y}}})


class TestWhichThereAre:
    def test_without_modules_only_what_was_drawn(self) -> None:
        assert foldings_of(neuron().draw()) == ([Folding((), "all open")], True)

    def test_lines_of_code_that_were_folded_open_together(self) -> None:
        assert labels(recurrence().draw()) == ["as drawn", "all open"]

    def test_of_few_modules_all_combinations(self) -> None:
        foldings, independent = foldings_of(perceptron(2).draw())
        assert independent
        assert {folding.label: folding.folded for folding in foldings} == {
            "all open": (), "all folded": ("layer1", "layer2"), "layer1 folded": ("layer1",), "layer2 folded": ("layer2",),
        }  # fmt: skip
        assert foldings[0].label == "all open"

    def test_the_first_is_that_of_the_picture(self) -> None:
        assert labels(perceptron(2).draw(fold=["layer2"]))[0] == "layer2 folded"
        assert labels(perceptron(5).draw(fold=["layer2"]))[:2] == ["as drawn", "all folded"]

    def test_of_many_modules_each_alone(self) -> None:
        foldings, independent = foldings_of(perceptron(5).draw())
        assert not independent
        assert [folding.label for folding in foldings] == [
            "all open",
            "all folded",
            *(f"only layer{i} open" for i in range(1, 6)),
        ]
        assert foldings[3].folded == ("layer1", "layer3", "layer4", "layer5")

    def test_a_module_inside_another_is_folded_with_it(self) -> None:
        assert {folding.folded for folding in foldings_of(nested().draw())[0]} == {(), ("outer",), ("outer/inner",)}


class TestWays:
    @pytest.mark.parametrize("make", [lambda: perceptron(3), nested])
    def test_where_each_module_folds_by_itself_the_others_stay_as_they_are(self, make: object) -> None:
        assert callable(make)
        foldings, independent = foldings_of(make().draw())
        ways = Ways(foldings, independent)
        for at in foldings:
            for module in at.folded:
                to = ways.opening(at, module)
                assert to is not None
                assert set(foldings[to].folded) == set(at.folded) - {module}
                assert ways.closing(foldings[to], module) == foldings.index(at)

    def test_of_many_modules_one_opens_alone_and_folds_again(self) -> None:
        foldings, independent = foldings_of(perceptron(5).draw())
        ways = Ways(foldings, independent)
        (folded,) = (one for one in foldings if one.label == "all folded")
        opened = ways.opening(folded, "layer3")
        assert opened is not None
        assert foldings[opened].label == "only layer3 open"
        assert ways.closing(foldings[opened], "layer3") == foldings.index(folded)
        assert ways.closing(foldings[0], "layer3") is None

    def test_what_is_no_module_opens_nothing_by_itself(self) -> None:
        foldings, independent = foldings_of(recurrence().draw())
        ways = Ways(foldings, independent)
        assert ways.opening(foldings[0], "x × 30") is None
        assert ways.labelled("all open") == 1
        assert ways.labelled("all folded") is None


class TestLimits:
    def test_layouts_end_with_so_many_cards(self) -> None:
        picture = perceptron(5).draw()
        foldings, _ = foldings_of(picture)
        sizes = [len(one.picture.drawing.cards) for one in refoldings(picture, foldings[1:], 1000, late())]
        assert len(sizes) == 6
        total = len(picture.drawing.cards)
        for few, more in pairwise([total + sum(sizes[:i]) for i in range(7)]):
            found = list(refoldings(picture, foldings[1:], more - 1, late()))
            assert total + sum(len(one.picture.drawing.cards) for one in found) == few

    def test_large_ones_are_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = perceptron(5).draw(fold=["layer1", "layer2", "layer3", "layer4", "layer5"])
        foldings, _ = foldings_of(picture)
        monkeypatch.setattr(refolding, "is_quick", lambda drawing: len(drawing.cards) < 20)
        found = [one.folding.label for one in refoldings(picture, foldings[1:], 1000, late())]
        assert found == [folding.label for folding in foldings[1:] if folding.label != "all open"]

    def test_the_rest_is_left_out_where_a_layout_fails_or_it_is_late(self, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = perceptron(5).draw()
        foldings, _ = foldings_of(picture)
        assert list(refoldings(picture, foldings[1:], 1000, end=0.0)) == []
        calls = []

        def fails(picture: Picture, prefix: str, seconds: float) -> str:
            calls.append(prefix)
            if len(calls) > 2:
                raise LayoutError("took longer")
            return "<svg></svg>"

        monkeypatch.setattr(Picture, "part_of_page", fails)
        assert len(list(refoldings(picture, foldings[1:], 1000, late(), "d{}-"))) == 2
        assert calls == ["d1-", "d2-", "d3-"]
