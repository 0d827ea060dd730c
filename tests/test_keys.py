"""The lines of a card are found by their keys in every picture of it, and each has room for its text whatever its numbers."""

import itertools
import shutil
import sysconfig
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest

import tinygraph as tg
from tests.browser import browser
from tests.drawings import SVG, logistic, neuron, perceptron, softmax
from tinygraph.draw.cards import Card, CardLine, CardRow
from tinygraph.draw.keys import Line, lines_of
from tinygraph.draw.label import WIDEST, room, width
from tinygraph.express.holes import Hole, Text
from tinygraph.program.statements import Level

ENGINES = (shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")), shutil.which("dot"))
DIRECTIONS = ("LR", "TB", "RL", "BT", "tall")
GRAPHS = {"neuron": neuron, "logistic": logistic, "softmax": softmax, "perceptron": perceptron}


def lines(svg: str) -> dict[str, ElementTree.Element]:
    """The texts of a picture that have a key."""
    found = [text for text in ElementTree.fromstring(svg).iter(f"{SVG}text") if text.get("data-line")]
    assert len({text.get("data-line") for text in found}) == len(found)
    return {text.get("data-line", ""): text for text in found}


def test_keys_count_the_title_then_the_inputs_and_then_the_value_before_its_gradient() -> None:
    row = CardRow([CardLine("w"), CardLine("dw", backward=True)])
    card = Card("n7", "op", "z = w", [row], [CardLine("dz", backward=True), CardLine("z")])
    assert [(line.key, line.shown.text, line.row is row, line.is_title) for line in lines_of(card)] == [
        ("n7-0", "z = w", False, True),
        ("n7-1", "w", True, False),
        ("n7-2", "dw", True, False),
        ("n7-3", "z", False, False),
        ("n7-4", "dz", False, False),
    ]


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_line_has_its_key_in_every_layout(engine: str | None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine is None:
        pytest.skip("this layout engine is not installed")
    monkeypatch.setenv("TINYGRAPH_DOT", engine)
    levels: tuple[Level, ...] = ("named", "op")
    for direction, level in itertools.product(DIRECTIONS, levels):
        picture = GRAPHS[name]().draw(direction=direction, level=level)
        wanted = {line.key: " ".join(line.shown.text.split()) for card in picture.drawing.cards for line in lines_of(card)}
        assert {key: " ".join((text.text or "").split()) for key, text in lines(picture.svg).items()} == wanted


PLACES = """() => [...document.querySelectorAll(".card")].map(card => {
  const box = x => x.getBoundingClientRect(), frame = box(card.querySelector("path, polygon, rect"));
  return [...card.querySelectorAll("text")].map(text => {
    const own = box(text), isTitle = text.getAttribute("font-weight") === "bold";
    return { off: isTitle ? (own.left + own.right - frame.left - frame.right) / 2 : 0,
      spare: text.dataset.room - text.getComputedTextLength(), left: own.left - frame.left, right: frame.right - own.right };
  });
}).flat()"""


@pytest.mark.parametrize("make", [neuron, logistic, perceptron])
def test_in_a_browser_titles_are_centred_and_no_text_comes_near_a_border(make: Callable[[], tg.Graph]) -> None:
    with browser() as visit:
        for direction in DIRECTIONS:
            visit.show(make().draw(direction=direction).svg)
            places = visit.page.evaluate(PLACES)
            assert max(abs(place["off"]) for place in places) < 1
            assert min(place["spare"] for place in places) >= 0
            assert min(min(place["left"], place["right"]) for place in places) >= 3


def test_a_line_has_room_for_the_longest_number_of_middling_size() -> None:
    w = tg.parameter(0.5)
    short, long = (room(Line("n0-0", CardLine(text))) for text in (Text("w = ", Hole(w, "signed")), f"w = {WIDEST}"))
    assert short >= long > width(f"w = {WIDEST}")
    assert room(Line("n0-0", CardLine("w = 0.500"))) < short
