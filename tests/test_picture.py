"""The picture: what it shows of a graph, the same by every engine, as kept in `docs/pictures`."""

import os
import re
import shutil
import sysconfig
import time
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tests.drawings import KEPT, curves, elements, logistic, neuron, perceptron, text_boxes
from tinygraph.draw.cards import Card, CardLine
from tinygraph.draw.engine import LayoutError, lay_out
from tinygraph.draw.label import label, width
from tinygraph.draw.svg import finished
from tinygraph.draw.theme import DARK, LIGHT, Theme

HERE = Path(__file__).parent.parent / "docs" / "pictures"
PURE = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
SYSTEM = shutil.which("dot")


@pytest.fixture(autouse=True)
def same_engine_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    if PURE is None:
        pytest.skip("graphviz-pure is not installed")
    monkeypatch.setenv("TINYGRAPH_DOT", PURE)


@pytest.mark.parametrize("name", KEPT)
def test_pictures_are_those_that_were_looked_at(name: str) -> None:
    svg = KEPT[name]().svg
    path = HERE / f"{name}.svg"
    if os.environ.get("TINYGRAPH_KEEP_PICTURES"):
        path.write_text(svg, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == svg


@pytest.mark.parametrize("name", [name for name in KEPT if name != "neuron-forward"])
class TestEdges:
    def test_forward_ones_are_solid_and_backward_ones_dashed_and_red(self, name: str) -> None:
        red = DARK.red if "dark" in name else LIGHT.red
        edges = [e for e in elements(KEPT[name]().svg) if "edge" in e.classes]
        assert {"forward", "backward"} <= {c for e in edges for c in e.classes}
        for edge in edges:
            assert edge.dashed == ("backward" in edge.classes)
            assert (edge.strokes == {red}) == ("backward" in edge.classes)

    def test_each_is_there_exactly_once(self, name: str) -> None:
        picture = KEPT[name]()
        ids = [e.id for e in elements(picture.svg)]
        assert len(set(ids)) == len(ids)
        wanted = [f"{'backward' if e.backward else 'forward'}-{e.source}-{e.target}-{e.row}" for e in picture.drawing.edges]
        assert sorted(i for i in ids if "-" in i) == sorted(wanted)

    def test_no_text_overlaps_another_card_or_leaves_its_own(self, name: str) -> None:
        svg = KEPT[name]().svg
        cards = {e.id: e.boxes for e in elements(svg) if "card" in e.classes}
        outer = {
            key: (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
            for key, boxes in cards.items()
        }
        for key, (left, top, right, bottom) in text_boxes(svg):
            own = outer[key]
            assert own[0] <= left
            assert right <= own[2] + 1
            assert own[1] - 1 <= top
            assert bottom <= own[3] + 1
            for other, box in outer.items():
                apart = right <= box[0] or box[2] <= left or bottom <= box[1] or box[3] <= top
                assert other == key or apart


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
@pytest.mark.parametrize(("graph", "lens"), [(neuron, None), (logistic, None), (logistic, "saturation"), (logistic, "check")])
@pytest.mark.parametrize("engine", [PURE, SYSTEM])
def test_edges_end_at_cards_and_cross_none(
    graph: Any, lens: Any, direction: str, engine: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine is None:
        pytest.skip("Graphviz is not installed: there is no `dot`")
    monkeypatch.setenv("TINYGRAPH_DOT", engine)
    svg = graph().draw(direction=direction, lens=lens).svg
    cards = [max(e.boxes, key=lambda box: box[2] - box[0]) for e in elements(svg) if "card" in e.classes]
    for edge, points in curves(svg):
        for left, top, right, bottom in cards:
            assert not [x for x, y in points if left + 2 < x < right - 2 and top + 2 < y < bottom - 2], edge


def test_every_value_gradient_and_local_derivative_of_the_neuron_is_there() -> None:
    texts = {text for e in elements(neuron().draw().svg) for text in e.texts}
    assert {
        "z = w₁x₁ + w₂x₂ + b", "a = σ(z)", "L = −(y ln(a) + (1 − y) ln(1 − a))", "z = 0.300", "dz = −0.426", "a = 0.574",
        "da = −1.741", "L = 0.554", "dL = 1.000", "∂z/∂w₁ = x₁ = 2.000", "∂z/∂w₂ = x₂ = −1.000", "∂z/∂b = 1",
        "∂a/∂z = a(1 − a) = 0.244", "∂L/∂a = −y/a + (1 − y)/(1 − a) = −1.741", "dw₁ = −0.851", "dw₂ = 0.426", "db = −0.426",
    } <= texts  # fmt: skip


def test_arrays_show_shapes_norms_and_products() -> None:
    texts = {text for e in elements(logistic().draw().svg) for text in e.texts}
    assert {"dw = Xᵀ·dz", "db = Σᵢ dzᵢ", "∂a/∂z = a ⊙ (1 − a)", "X (8, 2)"} <= texts
    assert any(re.fullmatch(r"dz \(8,\)  norm 0\.\d{3}", text) for text in texts)


def test_letters_for_sizes_are_explained_and_mean_the_same_on_every_card() -> None:
    picture = logistic().draw()
    assert picture.drawing.notes == ["m = 8"]
    m = tg.parameter(np.ones((6, 3)))
    total = np.mean(m)
    other = np.mean(m[:3]) + total
    assert tg.Graph(other, names={"m": m, "total": total, "other": other}).draw().drawing.notes == ["n = 6, u = 3, v = 3"]


def titles(graph: tg.Graph) -> set[str]:
    return {card.title for card in graph.draw().drawing.cards}


def test_a_card_shows_the_index_of_the_entry_in_its_equation() -> None:
    x = tg.parameter(np.ones((4, 3)))
    share = x / np.sum(x, axis=0)
    assert titles(tg.Graph(share, names=locals())) == {"x", "shareᵢⱼ = xᵢⱼ/(Σₖ xₖⱼ)"}


def test_names_that_would_look_alike_stay_apart_on_cards() -> None:
    names = {"w1": tg.parameter(1.0), "w_1": tg.parameter(2.0)}
    assert titles(tg.Graph(names["w1"] * names["w_1"], names=names)) == {"w₁", "w_1", "output = w₁·w_1"}


def test_the_gradients_that_were_asked_for_last_are_shown() -> None:
    w = tg.parameter(2.0)
    u = w * 3
    L = u * u
    graph = tg.Graph(L, names={"w": w, "u": u, "L": L})

    def shown() -> tuple[list[str], str]:
        drawing = graph.draw().drawing
        return drawing.notes, next(
            line.text for card in drawing.cards if card.node is w for line in card.results if line.backward
        )

    graph.backprop(of="u")
    assert shown() == (["gradients of u"], "du_dw = 3.000")
    graph.backprop()
    assert shown() == (["gradients of L; also computed, not shown: those of u"], "dw = 36.000")
    graph.backprop(of="u")
    assert shown() == (["gradients of u; also computed, not shown: those of L"], "du_dw = 3.000")


def rows(graph: tg.Graph) -> set[str]:
    return {line.text for card in graph.draw().drawing.cards for row in card.rows for line in row.lines if line.backward}


def test_every_gradient_that_is_differentiated_has_a_card() -> None:
    w, x = tg.parameter(0.5 * np.eye(2)), tg.constant(np.ones(2))
    L = np.sum(np.exp(z := w @ x) * np.sum(w))
    graph = tg.Graph(L, names=locals())
    dw = graph.backprop()["w"]
    assert not graph.draw().drawing.notes
    graph.backprop(of=dw, seed=np.ones((2, 2)))
    drawing = graph.draw().drawing
    assert drawing.notes == ["gradients of dw; also computed, not shown: those of L"]
    assert [card.title for card in drawing.cards[-4:]] == [
        "dt₂ = Σᵢ tᵢ",
        "dt = t₂·ones_like(t)",
        "dz = dt ⊙ t",
        "dw = dz·xᵀ + dt₂",
    ]
    backward = {(edge.source, edge.target) for edge in drawing.edges if edge.backward}
    keys = {card.title.split(" ")[0]: card.key for card in drawing.cards}
    assert {(keys["dz"], keys["dw"]), (keys["dt₂"], keys["dw"]), (keys["t"], keys["dz"]), (keys["w"], keys["z"])} <= backward


def test_what_gradients_share_is_written_out_on_their_cards() -> None:
    x = tg.parameter(0.5)
    t = np.sin(x)
    y = t * x
    graph = tg.Graph(y, names=locals())
    graph.backprop(of=graph.backprop()["x"])
    assert graph.draw().drawing.cards[-1].title == "dx = dt cos(x) + t"
    assert "∂dx/∂dt = cos(x) = 0.878" in rows(graph)


def test_where_gradients_are_read_too_a_card_only_adds_to_what_comes_back() -> None:
    w, x = tg.parameter(0.5 * np.eye(2)), tg.parameter(np.ones(2))
    z = w @ x
    L = np.sum(np.exp(z))
    graph = tg.Graph(L, names=locals())
    dx = graph.backprop()["x"]
    assert "dw = dz·xᵀ" in rows(graph)
    graph.backprop(of=dx, seed=np.ones(2))
    assert "ddx_dw += ddx_dz·xᵀ" in rows(graph)


def test_what_is_only_compared_with_gives_no_second_way_back() -> None:
    x, A = tg.parameter([1.0, -2.0]), tg.constant(np.eye(2))
    mask = x > 0.5
    L = np.sum(np.where(mask, A @ x, 0.0))
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    assert rows(graph) == {"dx = Aᵀ·[mask]"}


def test_a_seed_is_no_card() -> None:
    W, x = tg.parameter(np.eye(2)), tg.constant([1.0, 2.0])
    y = W @ x
    graph = tg.Graph(y, names=locals())
    graph.backprop(seed=np.array([1.0, -2.0]))
    drawing = graph.draw().drawing
    assert [card.title.partition(" ")[0] for card in drawing.cards] == ["W", "x", "y"]
    assert any(line.text.startswith("dy (2,)") for line in drawing.cards[-1].results)


def test_a_graph_of_a_gradient_is_drawn_without_the_1_that_the_walk_back_began_with() -> None:
    x = tg.parameter(0.5)
    y = x**3
    d = tg.Graph(y, names=locals()).backprop()[x]
    q = d**2
    graph = tg.Graph(q, names={"x": x, "q": q})
    graph.backprop()
    assert [card.title for card in graph.draw().drawing.cards] == ["x", "t = 3x²", "q = t²"]
    assert len(elements(graph.draw(lens="check").svg)) == 3 + 2 * 2


def test_no_zero_has_a_sign() -> None:
    w = tg.parameter(-0.0)
    L = w * 2
    assert "w = 0.000" in {text for e in elements(tg.Graph(L, names=locals()).draw().svg) for text in e.texts}
    v = tg.parameter([-0.0, -1.0])
    picture = tg.Graph(np.sum(v), names={"v": v}).draw()
    assert picture.drawing.cards[0].results[0].text == "v (2,)  [0.000, −1.000]"


def test_before_backprop_and_without_backward_nothing_is_red() -> None:
    x = tg.parameter(2.0)
    for picture in (tg.Graph(x * x, names={"x": x}).draw(), neuron().draw(backward=False)):
        assert LIGHT.red not in picture.dot
        assert not [e for e in elements(picture.svg) if "backward" in e.classes]


def test_without_values_no_number_is_shown() -> None:
    assert "0.300" not in neuron().draw(values=False).svg
    assert "−0.426" not in neuron().draw(values=False).svg


def test_kinds_of_cards_have_their_classes() -> None:
    kinds = [c for e in elements(neuron().draw().svg) for c in e.classes & {"input", "parameter", "op", "loss"}]
    assert sorted(kinds) == ["input"] * 3 + ["loss"] + ["op"] * 2 + ["parameter"] * 3


@pytest.mark.skipif(SYSTEM is None, reason="Graphviz is not installed: there is no `dot`")
@pytest.mark.parametrize("name", KEPT)
def test_graphviz_draws_the_same_cards_edges_and_texts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pure = {(e.id, e.classes, e.texts, e.dashed, e.strokes) for e in elements(KEPT[name]().svg)}
    monkeypatch.setenv("TINYGRAPH_DOT", str(SYSTEM))
    assert {(e.id, e.classes, e.texts, e.dashed, e.strokes) for e in elements(KEPT[name]().svg)} == pure


class TestFiles:
    @pytest.mark.parametrize(
        ("call", "said"),
        [
            (lambda g, path: g.draw().save(path / "g.gif"), r"'.gif': choose one of .svg, .png, .pdf, .dot, .html, .htm"),
            (lambda g, path: g.draw(theme="sepia"), r"theme is 'sepia': choose one of auto, light, dark"),
            (lambda g, path: g.draw(values="no"), r"values is 'no': choose one of True, False"),
            (lambda g, path: g.draw(values=np.array([1, 2])), r"values is array\(\[1, 2\]\): choose one of True, False"),
            (lambda g, path: g.draw(backward="no"), r"backward is 'no': choose one of True, False"),
            (lambda g, path: g.draw(direction="up"), r"direction is 'up': choose one of LR, TB, RL, BT, tall"),
            (lambda g, path: g.draw(lens="x-ray"), r"lens is 'x-ray': choose one of check, finite, saturation, norm"),
            (lambda g, path: g.draw(fold=["layer9"]), r"no module is called 'layer9'; there are layer1, layer2"),
            (lambda g, path: g.draw(fold=3), r"fold takes names of modules.* not 3; there are layer1, layer2"),
            (lambda g, path: g.draw(level="bit"), r"level='bit'"),
            (lambda g, path: g.view().save(path / "v.svg"), r"'.svg': choose one of .html, .htm"),
        ],
    )
    def test_what_does_not_exist_is_refused_with_what_does(self, tmp_path: Path, call: Any, said: str) -> None:
        with pytest.raises((ValueError, TypeError), match=said):
            call(perceptron(), tmp_path)


class TestThemes:
    def test_auto_follows_the_reader_and_the_others_do_not(self) -> None:
        assert "prefers-color-scheme: dark" in neuron().draw().svg
        assert "prefers-color-scheme" not in neuron().draw(theme="light").svg + neuron().draw(theme="dark").svg

    def test_no_two_light_colours_are_the_same(self) -> None:
        paints = [LIGHT.cluster, *LIGHT.kinds.values()]
        colours = [LIGHT.text, LIGHT.weak, LIGHT.red, LIGHT.good, LIGHT.page, *(c for paint in paints for c in paint)]
        assert len(set(colours)) == len(colours)

    def test_an_auto_picture_leaves_those_beside_it_as_they_are(self) -> None:
        auto, light = neuron().draw().svg, neuron().draw(theme="light").svg
        with browser() as visit:
            visit.page.emulate_media(color_scheme="dark")
            page = visit.show(f"<body>{auto}{light}</body>")
            fills = page.locator("svg .loss polygon:first-of-type").evaluate_all("all => all.map(x => getComputedStyle(x).fill)")
        assert fills == [rgb(DARK.kinds["loss"].fill), rgb(LIGHT.kinds["loss"].fill)]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("around", ["white", "black"])
    def test_a_picture_has_a_page_of_its_own_whatever_colour_is_around_it(self, scheme: Any, around: str) -> None:
        pages = {"light": LIGHT.page, "dark": DARK.page}
        svgs = "".join(neuron().draw(theme=theme).svg for theme in ("auto", "light", "dark"))
        with browser() as visit:
            visit.page.emulate_media(color_scheme=scheme)
            page = visit.show(f'<body style="background: {around}">{svgs}</body>')
            fills = page.locator("svg > g > polygon").evaluate_all("all => all.map(x => getComputedStyle(x).fill)")
        assert fills == [rgb(pages[scheme]), rgb(LIGHT.page), rgb(DARK.page)]

    def test_bitmaps_have_a_background(self, tmp_path: Path) -> None:
        for theme, colour in (("auto", (255, 255, 255)), ("light", (255, 255, 255)), ("dark", (13, 17, 23))):
            assert corner(neuron().draw(theme=theme).save(tmp_path / "g.png").read_bytes()) == colour

    @pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
    def test_every_text_has_a_contrast_of_at_least_4_5(self, theme: Theme) -> None:
        surfaces = [paint.fill for paint in theme.kinds.values()] + [theme.page, theme.cluster.fill]
        for colour in (theme.text, theme.red, theme.good):
            assert min(contrast(colour, surface) for surface in surfaces) >= 4.5


def corner(png: bytes) -> tuple[int, ...]:
    """The colour of the first pixel of a bitmap; it must be opaque."""
    at, data, kind = 8, b"", 0
    while at < len(png):
        size, name = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        if name == b"IHDR":
            kind = png[at + 8 + 9]
        data += png[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += 12 + size
    row = zlib.decompress(data)[1:5]
    assert kind == 2 or (kind == 6 and row[3] == 255)
    return tuple(row[:3])


def contrast(one: str, other: str) -> float:
    """After WCAG 2.2: the ratio of relative luminances."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def rgb(colour: str) -> str:
    """A colour as browsers write it."""
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_notebook_gets_svg() -> None:
    bundle = neuron()._repr_mimebundle_()
    assert ElementTree.fromstring(bundle["image/svg+xml"]).get("role") == "img"


@pytest.mark.parametrize(("window", "share"), [(1400, 1.0), (1000, None), (400, 0.85)])
def test_in_a_notebook_it_shrinks_with_the_window_while_it_can_be_read_and_then_scrolls(window: int, share: float | None) -> None:
    graph = neuron()
    natural = float(ElementTree.fromstring(graph.draw().svg).get("width", 0))
    with browser() as visit:
        visit.page.set_viewport_size({"width": window, "height": 600})
        page = visit.show(graph._repr_mimebundle_()["text/html"])
        picture = page.get_by_role("img", name=graph.draw().label)
        width, height = picture.evaluate("x => [x.getBoundingClientRect().width, x.getBoundingClientRect().height]")
        body, content = page.evaluate("[document.body.clientWidth, document.documentElement.scrollWidth]")
        assert not visit.trouble
    assert width == pytest.approx(body if share is None else share * natural, abs=1)
    assert width / height == pytest.approx(natural / float(ElementTree.fromstring(graph.draw().svg).get("height", 0)), rel=0.01)
    assert content == window  # the page around it does not scroll


def test_nothing_of_an_engine_but_known_elements_and_attributes_comes_into_a_page() -> None:
    foreign = (
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="a()"><script>a()</script><g id="node" onclick="a()"><title>n</title>'
        b'<foreignObject><div>a</div></foreignObject><image href="http://a"/><a href="javascript:a()"><text>a</text></a>'
        b'<text x="1" style="fill: red">known</text><style>*</style></g></svg>'
    )
    svg = finished(foreign, "light", "a picture", {"node": "a card"})
    for word in ("onload", "script", "onclick", "foreignObject", "div", "image", "href", "fill: red", "*"):
        assert word not in svg.partition("<style>")[0] + svg.partition("</style>")[2]
    assert ">known</text>" in svg


class TestEngines:
    def test_without_an_engine_both_fixes_are_named_and_a_notebook_gets_the_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TINYGRAPH_DOT")
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        with pytest.raises(LayoutError, match=r"pip install.*\[draw\].*apt-get install graphviz"):
            _ = neuron().draw().svg
        bundle = neuron()._repr_mimebundle_()
        assert "dz = da * a * (1 - a)" in bundle["text/plain"]
        assert "image/svg+xml" not in bundle
        assert neuron().draw()._repr_svg_() is None

    def test_one_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TINYGRAPH_DOT", "no-such-program")
        with pytest.raises(LayoutError, match="TINYGRAPH_DOT='no-such-program' is no program"):
            _ = neuron().draw().svg

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("echo broken >&2; exit 3", "exit code 3.*broken"),
            ("exit 0", "said nothing"),
            ("exec sleep 59.83", "took longer than 0.3 s"),
        ],
    )
    def test_one_that_fails_or_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
        engine = tmp_path / "dot"
        engine.write_text(f"#!/bin/sh\n{script}\n")
        engine.chmod(0o755)
        monkeypatch.setenv("TINYGRAPH_DOT", str(engine))
        with pytest.raises(LayoutError, match=said):
            lay_out("digraph {}", seconds=0.3)
        assert list(tmp_path.iterdir()) == [engine]
        running = [Path(p, "cmdline").read_bytes() for p in Path("/proc").glob("[0-9]*") if Path(p, "cmdline").exists()]
        assert not [line for line in running if str(tmp_path).encode() in line or b"sleep\x0059.83" in line]

    def test_one_that_gives_broken_svg(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = tmp_path / "dot"
        engine.write_text("#!/bin/sh\ncat > /dev/null; echo '<svg>'\n")
        engine.chmod(0o755)
        monkeypatch.setenv("TINYGRAPH_DOT", str(engine))
        with pytest.raises(LayoutError, match=f"{engine} gave no SVG that can be read: no element found"):
            _ = neuron().draw().svg
        assert "dz = da * a * (1 - a)" in neuron()._repr_mimebundle_()["text/plain"]

    def test_the_children_of_a_wrapper_end_with_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = tmp_path / "dot"
        engine.write_text(f"#!/bin/sh\nsleep 61 & echo $! > {tmp_path}/child\nwait\n")
        engine.chmod(0o755)
        monkeypatch.setenv("TINYGRAPH_DOT", str(engine))
        begin = time.monotonic()
        with pytest.raises(LayoutError, match=r"took longer than 0\.5 s"):
            lay_out("digraph {}", seconds=0.5)
        assert time.monotonic() - begin < 30
        state = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":  # it ends a moment after the signal
            assert time.monotonic() - begin < 30
            time.sleep(0.01)

    @pytest.mark.parametrize(
        ("graph", "said"), [(neuron, r"over 9 cards$"), (perceptron, r"over 10 cards: fold modules by fold=")]
    )
    def test_the_time_limit_counts_cards_and_advises_what_helps(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: Any, said: str
    ) -> None:
        engine = tmp_path / "dot"
        engine.write_text("#!/bin/sh\nexec sleep 60\n")
        engine.chmod(0o755)
        monkeypatch.setenv("TINYGRAPH_DOT", str(engine))
        with pytest.raises(LayoutError, match=said):
            graph().draw().part_of_page("", 0.2)

    def test_what_would_take_longer_is_not_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TINYGRAPH_DOT", "no-such-program")
        w = h = tg.parameter(0.5)
        names = {"w": w}
        for i in range(130):
            h = names[f"h{i}"] = h * w
        graph = tg.Graph(h, names=names)
        graph.backprop()
        with pytest.raises(
            LayoutError, match=r"may take longer than 20 s over 131 cards: leave `fold` out, and the picture folds by itself"
        ):
            _ = graph.draw(fold=False).svg

    def test_the_system_engine_comes_before_the_embedded_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tinygraph.draw.engine import find_engine

        monkeypatch.delenv("TINYGRAPH_DOT")
        monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/found/{name}")
        assert find_engine() == "/found/dot"
        monkeypatch.setattr(shutil, "which", lambda name, path=None: None if name == "dot" else f"/found/{name}")
        assert find_engine() == "/found/graphviz-pure"


HOSTILE = [
    "a\\Nb", "\\G", "<b>", "&amp;", '"', "'", "\\", "]]>", "<!--", "-->", "{x|y}", "a:b", "graph", "node", "%s", "\x00", "a\nb",
    "\u202eevil", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</svg><script>alert(1)</script>",
    "é", "数", "🎉", "x" * 10_000, "javascript:alert(1)", "${x}", "`x`", "</TABLE>", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("engine", ["pure", "system"])
def test_hostile_names_and_modules_are_text(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "system":
        if SYSTEM is None:
            pytest.skip("Graphviz is not installed: there is no `dot`")
        monkeypatch.setenv("TINYGRAPH_DOT", SYSTEM)
    plain = tg.parameter(1.0)
    expected = len(elements(tg.Graph(plain * 2, names={"w": plain}).draw().svg))
    for name in HOSTILE:
        w = tg.parameter(1.0)
        y = w * 2
        graph = tg.Graph(y, names={name: {name: w, "out": y}})
        graph.backprop()
        root = ElementTree.fromstring(graph.draw().svg)
        assert {child.tag.rpartition("}")[2] for child in root.iter()} <= {
            "svg", "g", "title", "style", "polygon", "polyline", "path", "ellipse", "text",
        }  # fmt: skip
        assert len(elements(graph.draw(backward=False).svg)) == expected
        assert not [a for child in root.iter() for a in child.attrib if a.startswith("on") or "href" in a]


def test_the_picture_of_nothing_but_a_leaf() -> None:
    x = tg.parameter(np.zeros((0, 3)))
    assert "(0, 3)" in tg.Graph(x, names={"x": x}).draw().svg


@pytest.mark.parametrize(("mark", "colour"), [("good", LIGHT.good), ("weak", LIGHT.weak), ("bad", LIGHT.red), ("", "")])
def test_a_marked_line_has_its_colour_and_a_bad_card_a_red_border(mark: str, colour: str) -> None:
    text = label(Card("n0", "op", "z = w", results=[CardLine("what was found", mark=mark)], mark=mark), LIGHT, "LR")
    assert (f'<FONT COLOR="{colour}">what was found</FONT>' in text) == bool(colour)
    border = re.findall(r'BORDER="(\d)"[^>]* COLOR="([^"]*)"', text)
    assert border == [("2", LIGHT.red) if mark == "bad" else ("1", LIGHT.kinds["op"].line)]


@pytest.mark.parametrize(("wide", "narrow"), [("数", "n"), ("W", "i"), ("e", "\u0301")])
def test_a_card_has_room_for_wide_letters(wide: str, narrow: str) -> None:
    assert width(20 * wide) > 1.5 * width(20 * narrow)


def test_gradients_go_back_to_the_values_that_a_card_only_counts() -> None:
    w = [tg.parameter(float(i)) for i in range(15)]
    graph = tg.Graph(np.sum(np.stack(w)), names={"w": w})
    graph.backprop()
    drawing = graph.draw(fold=False).drawing
    backward = {edge.source for edge in drawing.edges if edge.backward}
    assert {card.key for card in drawing.cards if card.kind == "parameter"} <= backward
