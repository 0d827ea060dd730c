"""The tall picture has all cards, lines and edges of the wide one, in a column that fits a phone, and no edge crosses a card."""

import itertools
import random
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import elements, logistic, neuron, perceptron, softmax
from tests.test_keys import lines
from tests.test_picture import HOSTILE, corner
from tinygraph.draw import files
from tinygraph.draw.cards import Card, CardLine, CardRow, Drawing, Edge
from tinygraph.draw.keys import edge_id
from tinygraph.draw.tall import Box, Column, Point, column, row_of
from tinygraph.draw.theme import DARK, LIGHT

PHONE = 360  # points, the width of a small one
READABLE = 11  # points, the least size of letters
SIZE = 13  # points, their size in a picture


def residual() -> tg.Graph:
    """Blocks whose values are read further down too, and a weight that all of them read."""
    w, x = tg.parameter(0.5), tg.constant(2.0)
    names: dict[str, Any] = {"w": w, "x": x}
    h = x * w
    for i in range(4):
        names[f"h{i}"] = h
        names[f"r{i}"] = r = np.tanh(h * w)
        h = h + r * names["h0"]
    names["L"] = h * w
    graph = tg.Graph(names["L"], names=names)
    graph.backprop()
    return graph


GRAPHS: dict[str, Callable[[], tg.Graph]] = {
    "neuron": neuron, "logistic": logistic, "softmax": softmax, "perceptron": perceptron, "residual": residual,
}  # fmt: skip


def drawings() -> Iterator[Drawing]:
    """Those of known graphs, by name and by op, folded and not, and with cards that read each other."""
    for make, level, fold in itertools.product(GRAPHS.values(), ("named", "op"), (False, True)):
        yield make().draw(level=level, fold=fold).drawing
    generator = random.Random(0)
    for count in (2, 5, 10, 20):
        keys = [f"n{i}" for i in range(count)]
        rows = {key: generator.randrange(4) for key in keys}
        edges = [
            Edge(generator.choice(keys), key, row, backward=False) for key in keys for row in range(rows[key])
        ]  # some lead upwards
        edges += [edge._replace(backward=True) for edge in edges if generator.random() < 0.7]
        yield Drawing([a_card(key, rows[key]) for key in keys], edges)


def a_card(key: str, rows: int) -> Card:
    lines = [CardLine("w"), CardLine(f"∂{key}/∂w = 2", backward=True)]
    return Card(
        key, "op", f"{key} = w", [CardRow(lines) for _ in range(rows)], [CardLine("z = 1"), CardLine("dz = 1", backward=True)]
    )


def pieces(made: Column) -> Iterator[tuple[Edge, Point, Point]]:
    """The straight pieces of all edges; one that is a curve between a leaf and its card has one piece."""
    for route in made.routes:
        for start, end in itertools.pairwise(route.points):
            yield route.edge, start, end


@pytest.fixture(scope="module", params=list(drawings()), ids=lambda drawing: f"{len(drawing.cards)} cards")
def made(request: Any) -> tuple[Drawing, Column]:
    return request.param, column(request.param)


def test_each_card_and_each_edge_is_there_once(made: tuple[Drawing, Column]) -> None:
    drawing, layout = made
    assert sorted(layout.boxes) == sorted(card.key for card in drawing.cards)
    assert sorted(edge_id(route.edge) for route in layout.routes) == sorted(map(edge_id, drawing.edges))


def test_no_card_is_on_another(made: tuple[Drawing, Column]) -> None:
    for one, other in itertools.combinations(made[1].boxes.values(), 2):
        assert one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y


def test_edges_run_from_a_border_to_a_border_and_cross_no_card(made: tuple[Drawing, Column]) -> None:
    boxes = made[1].boxes

    def is_on_border(box: Box, point: Point) -> bool:
        x, y = point
        return (x in (box.x, box.right) and box.y < y < box.bottom) or (y == box.bottom and box.x < x < box.right)

    for route in made[1].routes:
        assert is_on_border(boxes[route.edge.source], route.points[0])
        assert is_on_border(boxes[route.edge.target], route.points[-1])
    for edge, start, end in pieces(made[1]):
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(start, end, strict=True))
        for box in boxes.values():
            apart = right <= box.x or box.right <= left or bottom <= box.y or box.bottom <= top
            assert apart, (edge, box.card.key)


def test_edges_of_two_sources_do_not_run_in_one_lane(made: tuple[Drawing, Column]) -> None:
    down = [(edge, a[0], *sorted((a[1], b[1]))) for edge, a, b in pieces(made[1]) if a[0] == b[0] and a[1] != b[1]]
    for (one, x, top, bottom), (other, at, high, low) in itertools.combinations(down, 2):
        if (one.source, one.backward) != (other.source, other.backward):
            assert x != at or bottom <= high or low <= top, (one, other)


def test_a_row_begins_or_ends_where_its_edges_are(made: tuple[Drawing, Column]) -> None:
    layout = made[1]
    for box in layout.boxes.values():
        anchors = {cell.line.key: cell.anchor for cell in box.cells}
        for i, row in enumerate(box.lines.rows):
            ends = {r.points[-1][0] for r in layout.routes if r.edge.target == box.card.key and row_of(r.edge, box.card) == i}
            assert {anchors[line.key] for line in row} == {"end" if ends == {box.right} else "start"}


@pytest.mark.parametrize("name", GRAPHS)
def test_lines_edges_and_classes_are_those_of_the_wide_picture(name: str) -> None:
    wide, tall = (GRAPHS[name]().draw(direction=direction).svg for direction in ("LR", "tall"))
    assert {key: " ".join((x.text or "").split()) for key, x in lines(tall).items()} == {
        key: " ".join((x.text or "").split()) for key, x in lines(wide).items()
    }
    assert {(x.id, x.classes) for x in elements(tall)} == {(x.id, x.classes) for x in elements(wide)}


@pytest.mark.parametrize("name", ["neuron", "logistic", "softmax", "perceptron"])
def test_it_fits_a_phone_in_letters_that_can_be_read(name: str) -> None:
    natural = float(ElementTree.fromstring(GRAPHS[name]().draw(direction="tall").svg).get("width", 0))
    assert SIZE * PHONE / natural >= READABLE


def test_the_leaves_of_a_narrow_card_are_stacked_beside_their_rows() -> None:
    drawing = neuron().draw().drawing
    layout = column(drawing)
    z, loss = (next(box for box in layout.boxes.values() if box.card.title.startswith(f"{name} =")) for name in "zL")
    straight = [route for route in layout.routes if route.is_direct]
    assert {route.edge.target for route in straight} == {z.card.key, loss.card.key}
    direct = [route for route in straight if route.edge.target == z.card.key]
    assert len(direct) == len([edge for edge in drawing.edges if edge.target == z.card.key]) == 5 + 3
    assert all(start[1] == end[1] for start, end in (route.points for route in direct))
    tops = [layout.boxes[route.edge.source].y for route in direct if not route.edge.backward]
    assert tops == sorted(set(tops))


def test_only_what_is_of_a_module_is_in_its_frame() -> None:
    layout = column(perceptron(layers=3).draw(fold=False).drawing)
    assert [frame.module for frame in layout.frames] == [("layer1",), ("layer2",), ("layer3",)]
    for box in layout.boxes.values():
        around = [
            frame.module[-1]
            for frame in layout.frames
            if frame.top <= box.y <= box.bottom <= frame.bottom and frame.left <= box.x
        ]
        assert tuple(around) == box.card.module


def test_an_edge_is_as_wide_as_its_gradient_where_a_lens_measures_it() -> None:
    def widths(direction: str) -> dict[str, str]:
        svg = perceptron().draw(direction=direction, lens="norm").svg
        found = {}
        for group in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
            if "backward" in group.get("class", ""):
                path = group.find("{http://www.w3.org/2000/svg}path")
                found[group.get("id", "")] = "1.4" if path is None else path.get("stroke-width", "1.4")
        return found

    assert {key: float(x) for key, x in widths("tall").items()} == {key: float(x) for key, x in widths("LR").items()}


@pytest.mark.parametrize(("theme", "page"), [("light", LIGHT.page), ("dark", DARK.page)])
def test_it_has_the_colours_of_its_theme(theme: str, page: str) -> None:
    svg = neuron().draw(direction="tall", theme=theme).svg
    other = {"light": DARK, "dark": LIGHT}[theme]
    assert f'fill="{page}"' in svg
    for colour in (other.text, other.red, *(paint.fill for paint in other.kinds.values())):
        assert colour not in svg


def test_hostile_names_are_text() -> None:
    for name in HOSTILE:
        w = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names={name: {name: w}})
        root = ElementTree.fromstring(graph.draw(direction="tall").svg)
        assert {child.tag.rpartition("}")[2] for child in root.iter()} <= {
            "svg", "g", "title", "style", "rect", "polygon", "path", "text",
        }  # fmt: skip
        assert not [a for child in root.iter() for a in child.attrib if a.startswith("on") or "href" in a]


def test_it_needs_no_layout_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = neuron().draw(direction="tall").svg
    monkeypatch.delenv("TINYGRAPH_DOT", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert neuron().draw(direction="tall").svg == wanted
    bundle = neuron().draw(direction="tall")._repr_mimebundle_()
    assert bundle["image/svg+xml"] == wanted


class TestFiles:
    def test_bitmaps_and_pages(self, tmp_path: Path) -> None:
        pytest.importorskip("resvg_py")
        picture = neuron().draw(direction="tall", theme="dark")
        assert corner(picture.save(tmp_path / "g.png").read_bytes()) == (13, 17, 23)
        assert 'class="drawing"' in picture.save(tmp_path / "g.html").read_text(encoding="utf-8")

    def test_pdf(self, tmp_path: Path) -> None:
        pytest.importorskip("cairosvg")
        assert neuron().draw(direction="tall").save(tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")

    def test_what_cannot_be_written_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match=r"a tall picture has no DOT: draw it in one of the directions LR, TB, RL, BT$"):
            neuron().draw(direction="tall").save(tmp_path / "g.dot")
        monkeypatch.setitem(files.PACKAGES, ".png", {"no_such_module": "resvg-py"})
        with pytest.raises(ImportError, match=r'\.png needs resvg-py: pip install "tinygraph-autodiff\[export\]"$'):
            neuron().draw(direction="tall").save(tmp_path / "g.png")
        assert neuron().draw().save(tmp_path / "g.png").exists()
