"""The size of a drawing: how many ranks its edges cross, wherever the cards stand best."""

from itertools import pairwise

from tinygraph.draw.cards import Card, Drawing, Edge
from tinygraph.draw.size import is_small, length


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


def test_many_cards_and_long_edges_do_not_fit() -> None:
    keys = [chr(0x4E00 + i) for i in range(300)]
    chain = [f"{a}{b}" for a, b in pairwise(keys)]
    assert is_small(drawing("".join(keys[:200]), *chain[:199]))
    assert not is_small(drawing("".join(keys[:201]), *chain[:200]))
    assert not is_small(drawing("".join(keys[:100]), *chain[:99], *(f"{keys[0]}{key}" for key in keys[1:100])))
