"""What stands on each drawing of a walk: its cards are those of the steps, and its numbers those of the graph."""

from __future__ import annotations

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import perceptron
from tests.page_kinds import KINDS
from tinygraph.draw.keys import edge_id
from tinygraph.express.holes import Text
from tinygraph.program.statements import program_of
from tinygraph.stepping.drawn import drawn, lit
from tinygraph.stepping.page import texts, walk_data
from tinygraph.stepping.pictures import drawings, foldings
from tinygraph.stepping.stepper import Stepper


@pytest.fixture(params=["folded", "recurrence", "moons in scalars"])
def stepper(request: pytest.FixtureRequest) -> Stepper:
    return KINDS[request.param]().stepper()


def test_a_walk_has_the_foldings_that_the_rule_of_pictures_gives() -> None:
    labels = [one.folding.label for one in foldings(KINDS["folded"]().stepper())]
    assert labels == ["all open", "all folded", *(f"only layer{i} open" for i in range(1, 5))]
    assert [one.folding.label for one in foldings(KINDS["recurrence"]().stepper())] == ["as drawn", "all open"]
    assert [one.folding.label for one in foldings(KINDS["neuron"]().stepper())] == ["all open"]


def test_what_is_too_large_to_lay_out_stays_folded() -> None:
    w, h = tg.parameter(0.5), tg.constant(0.1)
    names = {"w": w}
    for i in range(210):
        h = names[f"h{i}"] = np.tanh(w * h)
    (one,) = foldings(tg.Graph(h, names=names).stepper())
    assert one.handles == []


def test_every_folding_has_a_card_for_the_same_steps_and_it_has_the_value_of_the_step(stepper: Stepper) -> None:
    chapter = stepper.chapter
    shown = drawings(chapter, foldings(stepper))
    assert len(shown) > 1
    lights = [lit(chapter, drawing, chapter.graph_steps)["highlighted"] for drawing in shown]
    for drawing, highlighted in zip(shown, lights, strict=True):
        cards = {card.key: card for card in drawing.cards}
        ids = {*cards, *map(edge_id, drawing.edges)}
        assert {key for keys in highlighted for key in keys} <= ids
        for step, keys in zip(chapter.graph_steps, highlighted, strict=True):
            assert bool(keys) == bool(lights[0][chapter.graph_steps.index(step)])
            assert not keys or cards[keys[0]].members & {step.node, step.of}


@pytest.mark.parametrize("layers", [3, 5])
def test_where_a_module_is_folded_its_steps_light_its_card(layers: int) -> None:
    stepper = perceptron(layers).stepper()
    chapter, folded = stepper.chapter, foldings(stepper)
    program = program_of(chapter.graph)
    seen = set()
    for drawing, (folding, _, _) in zip(drawings(chapter, folded), folded, strict=True):
        cards = {card.key: card for card in drawing.cards}
        for step, keys in zip(chapter.graph_steps, lit(chapter, drawing, chapter.graph_steps)["highlighted"], strict=True):
            node = step.node if step.phase == "forward" else step.of
            module = "/".join(program.module(node))
            assert cards[keys[0]].stands_for == (module if module in folding.folded else "")
            seen.add(cards[keys[0]].stands_for)
    assert len(seen) == layers + 1


def test_an_edge_to_a_folded_card_has_the_sizes_of_the_gradients_along_it() -> None:
    stepper = perceptron(3).stepper()
    graph = stepper.graph
    for drawing, (folding, _, _) in zip(drawings(stepper.chapter, foldings(stepper)), foldings(stepper), strict=True):
        if folding.label != "all folded":
            continue
        widths = drawn(stepper.chapter, drawing)["widths"]
        assert len(widths) == 3  # of A1, A2 and Z3
        sizes = {str(Text(*pieces)) for several in widths.values() for pieces in several}
        wanted = {float(np.sqrt(np.mean(graph[f"d{name}"].value ** 2))) for name in ("A1", "A2", "Z3")}
        assert sorted(map(float, sizes)) == pytest.approx(sorted(wanted), abs=6e-4)


def test_every_chapter_has_the_same_places_for_its_numbers_in_every_folding() -> None:
    stepper = KINDS["recurrence"]().stepper()
    stepper.run()
    stepper.update(0.1)
    _, templates = walk_data(stepper)
    first, second = texts(stepper)
    assert len(first) == len(second) == len(templates.holes)
    chapter = stepper.chapters[1]
    for drawing, data in zip(drawings(chapter, foldings(stepper)), walk_data(stepper)[0]["foldings"], strict=True):
        found = {key: "".join(second[x] if isinstance(x, int) else x for x in line) for key, line in data["lines"].items()}
        assert found == {key: str(line) for key, line in drawn(chapter, drawing)["lines"].items()}
