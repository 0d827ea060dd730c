"""The animated picture shows each step in its time, with CSS alone, and stands still as the whole picture."""

import io
import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import tinygraph as tg
from tests.animations import check_harmless, keyframes
from tests.browser import browser
from tests.drawings import SVG, logistic, neuron, perceptron
from tinygraph.draw.theme import DARK, LIGHT
from tinygraph.stepping.animation import HALF, HOLD, SECONDS, animated, length
from tinygraph.stepping.pictures import line_texts, picture
from tinygraph.stepping.stepper import Stepper

DOCS = Path(__file__).parent.parent / "docs"
PURE = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))


def accumulated() -> tg.Graph:
    """A weight that is read twice, so that its gradient has two steps."""
    w = tg.parameter(3.0)
    y = w * 2
    L = y * w
    return tg.Graph(L, names={"w": w, "y": y, "L": L})


def second_order() -> tg.Graph:
    w = tg.parameter(2.0)
    y = w**3
    graph = tg.Graph(y, names={"w": w, "y": y})
    graph.backprop(of=graph.backprop()[w])
    return graph


GRAPHS: dict[str, Callable[[], tg.Graph]] = {
    "neuron": neuron, "logistic": logistic, "perceptron": perceptron, "accumulated": accumulated, "second order": second_order,
}  # fmt: skip


@pytest.fixture(params=GRAPHS)
def stepper(request: Any) -> Stepper:
    return GRAPHS[request.param]().stepper()


def test_it_is_a_picture_without_a_script(stepper: Stepper) -> None:
    check_harmless(animated(stepper.chapter))


def test_each_step_has_its_keyframes_once_and_they_fill_the_time(stepper: Stepper) -> None:
    found = keyframes(animated(stepper.chapter))
    count = len(stepper.steps)
    assert sorted(name for name, _ in found) == sorted(f"{kind}{i}" for kind in ("from", "at") for i in range(count))
    seconds = count * SECONDS + HOLD
    seen = {name: [at for at, rules in frames.items() if rules.get("opacity") == "1"] for name, frames in found}
    for i in range(count):
        begin = 100 * i * SECONDS / seconds
        assert begin < min(seen[f"at{i}"]) < min(seen[f"from{i}"]) < 100 * (i + 1) * SECONDS / seconds
        assert max(seen[f"from{i}"]) == 100
    for i in range(count):
        begins = min(seen[f"at{i}"])
        hidden = max(at for at, rules in dict(found)[f"at{i}"].items() if rules.get("opacity") == "0" and at < begins)
        assert hidden == (max(seen[f"at{i - 1}"]) if i else 0)  # one ends where the next one begins
    assert max(seen[f"at{count - 1}"]) == 100


def test_every_class_that_is_animated_is_that_of_an_element(stepper: Stepper) -> None:
    svg = animated(stepper.chapter)
    classes = {name for element in ElementTree.fromstring(svg).iter() for name in element.get("class", "").split()}
    animations = {name for name, _ in keyframes(svg)}
    assert {f"at{i}" for i in range(len(stepper.steps))} <= classes
    assert {name for name in classes if name.startswith(("at", "from"))} <= animations


def test_standing_still_it_is_the_whole_picture_and_the_last_step(stepper: Stepper) -> None:
    root = ElementTree.fromstring(animated(stepper.chapter))
    assert not [
        text for group in root.iter(f"{SVG}g") if "card" in group.get("class", "") for text in group.iter() if text.get("opacity")
    ]
    texts = [text for text in root.iter(f"{SVG}text") if "at" in text.get("class", "")]
    assert [text.text for text in texts] == [step.text for step in stepper.steps]
    assert [text.get("opacity") for text in texts] == ["0"] * (len(texts) - 1) + [None]
    shown = {(text.text or "").replace("\xa0", " ") for text in root.iter(f"{SVG}text")}
    assert set(line_texts(picture(stepper.chapter).drawing).values()) <= shown


def test_it_shows_the_chapter_that_the_cursor_is_in() -> None:
    stepper = neuron().stepper()
    stepper.run()
    stepper.update(0.5)
    stepper.run()
    svg = animated(stepper.chapter)
    last = stepper.chapter.graph_steps[-1]
    assert last.text in svg
    assert last.text != stepper.chapters[0].graph_steps[-1].text


VISIBLE = """() => {
  const seen = x => { let all = 1; for (; x; x = x.parentElement) all *= getComputedStyle(x).opacity; return all > 0.9 }
  return [...document.querySelectorAll('text')].filter(seen).map(x => x.textContent.replaceAll('\\u00a0', ' '))
}"""
TO = "time => document.getAnimations().forEach(x => { x.pause(); x.currentTime = 1000 * time })"


@pytest.mark.parametrize("name", ["neuron", "accumulated"])
def test_in_a_browser_each_step_shows_its_text_and_the_lines_up_to_it(tmp_path: Path, name: str) -> None:
    stepper = GRAPHS[name]().stepper()
    path = stepper.save(tmp_path / "walk.svg")
    texts = [step.text for step in stepper.steps]
    with browser() as visit:
        visit.page.emulate_media(reduced_motion="no-preference")
        visit.page.goto(path.as_uri())
        before: set[str] = set()
        for i, text in enumerate(texts):
            visit.page.evaluate(TO, (i + (1 + HALF) / 2) * SECONDS)
            seen = set(visit.page.evaluate(VISIBLE))
            assert seen & set(texts) == {text}
            assert before < seen - {text}  # and at least one line more
            before = seen - {text}
        assert set(line_texts(picture(stepper.chapter).drawing).values()) <= before
        assert visit.trouble == []


def test_a_dot_runs_to_the_card_with_a_value_and_away_with_a_gradient(tmp_path: Path) -> None:
    stepper = neuron().stepper()
    path = stepper.save(tmp_path / "walk.svg")
    names = [step.name for step in stepper.steps]
    offset = "i => parseFloat(getComputedStyle(document.querySelector(`g.at${i} path`)).strokeDashoffset)"
    with browser() as visit:
        visit.page.emulate_media(reduced_motion="no-preference")
        visit.page.goto(path.as_uri())
        for name, forward in (("a", True), ("dz", False)):
            i = names.index(name)
            places = []
            for part in (0.1, 0.3, 0.9):
                visit.page.evaluate(TO, (i + part) * SECONDS)
                places.append(visit.page.evaluate(offset, i))
            assert places == sorted(places, reverse=forward)
            assert len(set(places)) == 3
            assert min(places) > -1
            assert max(places) < 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_as_an_image_it_has_the_colours_of_the_reader_and_keeps_still_for_who_prefers_that(tmp_path: Path, scheme: Any) -> None:
    path = neuron().stepper().save(tmp_path / "walk.svg")
    colours = {"light": LIGHT, "dark": DARK}[scheme]
    with browser("--force-prefers-reduced-motion") as visit:  # what playwright emulates does not reach into images
        visit.page.emulate_media(color_scheme=scheme)
        page = visit.show(f'<body style="margin: 0; background: lime"><img src="{path.as_uri()}"></body>')
        page.locator("img").evaluate("image => image.decode()")
        first, later = (page.locator("img").screenshot() for _ in range(2))
    assert first == later
    pixels = _pixels(first)
    for colour, part in ((colours.page, 0.4), (colours.kinds["op"].fill, 0.05), (colours.red, 0.001)):
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.mean(np.abs(pixels - wanted).max(axis=1) <= 24) > part
    assert not np.any(np.all(pixels == [0, 255, 0], axis=1))  # the page behind it is not seen


def _pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(int)


@pytest.mark.parametrize(
    ("curve", "long"),
    [
        ("M0,0C1,0 2,0 3,0", 3),
        ("M3,4C2,2.6667 1,1.3333 0,0", 5),
        ("M0,0C0,0.5523 0.4477,1 1,1", np.pi / 2),  # a quarter of a circle, as drawing programs write it
        ("M-1.5,0C-1,0 -.5,0 0,0 0,1 0,2 0,3", 4.5),
    ],
)
def test_the_length_of_a_curve(curve: str, long: float) -> None:
    assert length(curve) == pytest.approx(long, rel=2e-3)


@pytest.mark.skipif(PURE is None, reason="graphviz-pure is not installed")
def test_the_picture_of_the_readme_is_the_walk_through_its_neuron(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", str(PURE))
    svg = animated(neuron().stepper().chapter)
    path = DOCS / "pictures" / "neuron-walk.svg"
    if os.environ.get("TINYGRAPH_KEEP_PICTURES"):
        path.write_text(svg, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == svg
    assert len(svg) < 30_000
    assert "(docs/pictures/neuron-walk.svg)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
