"""The size of a drawing: how many ranks its edges cross, wherever the cards stand best, and how many screens it fills."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

import tinygraph as tg
from tests.drawings import neuron, perceptron
from tests.test_folding import recurrence
from tinygraph.draw.cards import Card, Drawing, Edge
from tinygraph.draw.size import is_quick, length, screens


def drawing(cards: str, *edges: str) -> Drawing:
    """Cards of one letter each, and an edge from the first letter to the second of each of the others."""
    return Drawing([Card(key, "op", key) for key in cards], [Edge(a, b, 0, backward=False) for a, b in edges])


def test_an_edge_of_a_chain_crosses_one_rank() -> None:
    assert length(drawing("abcd", "ab", "bc", "cd")) == 3


def test_an_edge_past_others_crosses_theirs() -> None:
    assert length(drawing("abcd", "ab", "bc", "cd", "ad")) == 6


def test_what_is_read_late_stands_late() -> None:
    assert length(drawing("wabcd", "ab", "bc", "cd", "wd")) == 4


def test_what_is_read_late_takes_along_what_it_is_made_of() -> None:
    assert length(drawing("vwabcd", "ab", "bc", "cd", "vw", "wd")) == 5


def test_an_edge_and_the_one_back_count_twice() -> None:
    two = drawing("ab", "ab")
    two.edges.append(Edge("a", "b", 0, backward=True))
    assert length(two) == 2


def test_the_cards_of_each_module_have_ranks_of_their_own() -> None:
    modules = drawing("wabcd", "wa", "ab", "wb", "bc", "wc", "cd", "wd")
    assert length(modules) == 13
    for card in modules.cards[1:3]:
        card.module = ("one",)
    for card in modules.cards[3:]:
        card.module = ("two",)
    assert length(modules) == 5


def test_folded_cards_may_read_each_other() -> None:
    assert length(drawing("abc", "ab", "ba", "bc")) == 3


def test_many_cards_and_long_edges_take_an_engine_long() -> None:
    keys = [chr(0x4E00 + i) for i in range(300)]
    chain = [f"{a}{b}" for a, b in pairwise(keys)]
    assert is_quick(drawing("".join(keys[:200]), *chain[:199]))
    assert not is_quick(drawing("".join(keys[:201]), *chain[:200]))
    assert not is_quick(drawing("".join(keys[:100]), *chain[:99], *(f"{keys[0]}{key}" for key in keys[1:100])))


@pytest.mark.parametrize("graph", [neuron, perceptron, lambda: perceptron(6), lambda: recurrence(5), lambda: recurrence(30)])
def test_the_screens_that_a_picture_fills_are_about_those_of_its_layout(graph: Callable[[], tg.Graph]) -> None:
    picture = graph().draw(fold=False)
    wide, high = (float(re.findall(rf'{name}="([\d.]+)"', picture.svg)[0]) for name in ("width", "height"))
    laid_out = max(wide / 1400, 1) * max(high / 900, 1)
    assert 0.5 * laid_out < screens(picture.drawing) < 1.5 * laid_out


def test_an_edge_takes_room_in_each_rank_that_it_passes() -> None:
    keys = [chr(0x4E00 + i) for i in range(100)]
    chain = [f"{a}{b}" for a, b in pairwise(keys)]
    assert screens(drawing("".join(keys), *chain)) < screens(drawing("".join(keys), *chain, *(f"{keys[0]}{k}" for k in keys[2:])))
