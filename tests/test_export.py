"""Pictures and walks are saved by suffix, and what is written can be read back by other programs."""

import io
import json
import re
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
from PIL import Image

import tinygraph as tg
from tests.animations import check_harmless
from tests.browser import browser, data_of
from tests.drawings import logistic, neuron, perceptron
from tinygraph.draw import files
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.picture import WRITERS as OF_A_PICTURE
from tinygraph.draw.svg import NAMESPACE
from tinygraph.draw.theme import LIGHT
from tinygraph.stepping import animation
from tinygraph.stepping.animation import HOLD, MILLISECONDS
from tinygraph.stepping.export import WRITERS as OF_A_WALK

ROOT = Path(__file__).parent.parent
SYSTEM = shutil.which("dot")
PURE = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))


def small() -> tg.Graph:
    w, x = tg.parameter(3.0), tg.constant(2.0)
    return tg.Graph(w * x, names={"w": w, "x": x})


def not_finite() -> tg.Graph:
    w, x = tg.parameter(0.0), tg.parameter([np.inf, np.nan])
    with np.errstate(all="ignore"):
        L = np.log(w) * np.sum(x)
        graph = tg.Graph(L, names={"w": w, "x": x, "L": L})
        graph.backprop()
    return graph


STARTS = {
    ".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF-", ".dot": b"digraph", ".html": b"<!doctype html>",
    ".htm": b"<!doctype html>", ".json": b'{"data": {', ".gif": b"GIF89a",
}  # fmt: skip
SAVED: dict[str, tuple[Callable[[tg.Graph], Any], Any]] = {
    "picture": (tg.Graph.draw, OF_A_PICTURE),
    "walk": (tg.Graph.stepper, OF_A_WALK),
}
CASES = [(kind, suffix) for kind, (_, writers) in SAVED.items() for suffix in writers]


@pytest.fixture(params=["dot", "graphviz-pure"])
def engine(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each layout engine in turn."""
    path = {"dot": SYSTEM, "graphviz-pure": PURE}[request.param]
    if path is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("TINYGRAPH_DOT", path)
    return str(request.param)


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """graphviz-pure lays out, which cannot write PDF."""
    if PURE is None:
        pytest.skip("graphviz-pure is not installed")
    monkeypatch.setenv("TINYGRAPH_DOT", PURE)


def colours(image: Image.Image) -> Any:
    """The colours of a picture, one in each row."""
    return np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)


def share(image: Image.Image, colour: str) -> float:
    """How much of a picture is about of a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float(np.mean(np.abs(colours(image) - wanted).max(axis=1) <= 8))


class TestEverySuffix:
    @pytest.mark.parametrize(("kind", "suffix"), CASES)
    def test_a_file_begins_as_its_format_does(self, tmp_path: Path, kind: str, suffix: str) -> None:
        made, _ = SAVED[kind]
        path = made(small()).save(tmp_path / f"file{suffix.upper()}")
        assert path.read_bytes().startswith(STARTS[suffix])

    @pytest.mark.parametrize("suffix", ["", ".bmp", ".svgz", ".py", ".txt", "."])
    @pytest.mark.parametrize("kind", SAVED)
    def test_another_one_is_refused_with_a_list_of_those_that_there_are(self, tmp_path: Path, kind: str, suffix: str) -> None:
        made, writers = SAVED[kind]
        with pytest.raises(ValueError, match=f"the file's ending is .*: choose one of {', '.join(writers)}$"):
            made(small()).save(tmp_path / f"file{suffix}")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(("kind", "suffix"), [case for case in CASES if case[1] not in (".dot", ".json", ".html", ".htm")])
    def test_without_a_layout_there_is_no_file(self, tmp_path: Path, kind: str, suffix: str, monkeypatch: Any) -> None:
        monkeypatch.setenv("TINYGRAPH_DOT", "no-such-program")
        with pytest.raises(LayoutError, match="no-such-program"):
            SAVED[kind][0](small()).save(tmp_path / f"file{suffix}")
        assert not list(tmp_path.iterdir())

    def test_the_packages_are_those_of_the_extra(self) -> None:
        declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["export"]
        named = {name for packages in files.PACKAGES.values() for name in packages.values()}
        assert {re.split(r"[<>=]", requirement)[0] for requirement in declared} == named


@pytest.mark.usefixtures("pure")
class TestMissingTools:
    @pytest.mark.parametrize(
        ("make", "name", "module", "said"),
        [
            (
                tg.Graph.draw,
                "g.pdf",
                "cairosvg",
                r"^\.pdf needs cairosvg: pip install \"tinygraph-autodiff\[export\]\"; or .*graphviz",
            ),
            (tg.Graph.stepper, "s.gif", "resvg_py", r"^\.gif needs resvg-py and pillow: pip install .*\[export\]\"$"),
            (tg.Graph.stepper, "s.gif", "PIL", r"^\.gif needs resvg-py and pillow: pip install .*\[export\]\"$"),
        ],
    )
    def test_the_extra_is_named_and_nothing_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, name: str, module: str, said: str
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=said):
            make(small()).save(tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_the_library_of_cairosvg_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(name: str) -> Any:
            raise OSError("no library called cairo-2 was found")

        monkeypatch.setattr(files, "import_module", fail)
        with pytest.raises(ImportError, match=r"needs the library cairo: `apt-get install libcairo2`.*or install Graphviz"):
            neuron().draw().save(tmp_path / "g.pdf")

    def test_a_gif_without_letters_is_not_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "FAMILIES", ("No Such Font",))
        files.font.cache_clear()
        with pytest.raises(OSError, match="a bitmap needs a font, such as No Such Font"):
            small().stepper().save(tmp_path / "s.gif")
        assert not list(tmp_path.iterdir())
        files.font.cache_clear()


class TestPictures:
    def test_png(self, tmp_path: Path, engine: str) -> None:
        image = Image.open(io.BytesIO(neuron().draw().save(tmp_path / "g.png").read_bytes()))
        assert image.width > 2 * image.height > 200
        for colour in (LIGHT.page, LIGHT.kinds["op"].fill, LIGHT.kinds["parameter"].fill, LIGHT.kinds["loss"].fill):
            assert share(image, colour) > 0.01
        assert share(image, LIGHT.red) > 0.001

    def test_pdf(self, tmp_path: Path, engine: str) -> None:
        document = pypdfium2.PdfDocument(neuron().draw().save(tmp_path / "g.pdf"))
        (page,) = document
        text = page.get_textpage().get_text_range()
        assert all(word in text for word in ("0.574", "1.741", "value forward", "gradient backward"))
        image = page.render(scale=3).to_pil()
        assert image.width > 2 * image.height
        assert share(image, LIGHT.page) > 0.5
        assert share(image, LIGHT.kinds["op"].fill) > 0.02
        assert share(image, LIGHT.red) > 0.001

    @pytest.mark.parametrize("draw", [lambda: neuron().draw(), lambda: neuron().draw(backward=False), lambda: logistic().draw()])
    def test_the_legend_needs_no_letters_for_its_lines(self, engine: str, draw: Any) -> None:
        page = ElementTree.fromstring(draw().svg)
        texts = "".join(text.text or "" for text in page.iter(f"{{{NAMESPACE}}}text"))
        assert not re.search("[━╌─▶◁]", texts)


class TestPlainData:
    @pytest.mark.parametrize("make", [neuron, logistic, perceptron, not_finite])
    def test_it_is_what_the_page_holds(self, tmp_path: Path, make: Any) -> None:
        stepper = make().stepper()
        stepper.step()
        stepper.update(0.5)
        stepper.breakpoints.add(stepper.steps[0].name)
        data = json.loads(stepper.save(tmp_path / "walk.json").read_text(encoding="ascii"), parse_constant=pytest.fail)
        html = stepper.save(tmp_path / "walk.html").read_text(encoding="utf-8")
        held = data_of(html)
        assert data == {name: value for name, value in held.items() if name not in ("style", "quiz")}
        assert {"data", "program", "live"} < data.keys()
        assert [step["name"] for step in data["data"]["steps"]] == [step.name for step in stepper.chapters[0].steps]
        assert data["position"] == stepper.position
        assert data["breakpoints"] == list(stepper.breakpoints)


class TestGIF:
    def test_each_step_is_seen_as_long_as_the_others_and_the_end_longer(self, tmp_path: Path) -> None:
        stepper = small().stepper()
        image = Image.open(io.BytesIO(stepper.save(tmp_path / "walk.gif").read_bytes()))
        times = []
        for i in range(image.n_frames):  # type: ignore[attr-defined]  # of the frames of a GIF
            image.seek(i)
            times.append(image.info["duration"])
        assert image.info["loop"] == 0
        assert len(stepper.steps) < len(times) <= len(stepper.steps) * len(MILLISECONDS)  # equal ones are joined
        assert sum(times) == len(stepper.steps) * sum(MILLISECONDS.values()) + 1000 * HOLD

    def test_it_begins_without_gradients_and_ends_with_all_of_them(self, tmp_path: Path) -> None:
        image = Image.open(io.BytesIO(small().stepper().save(tmp_path / "walk.gif").read_bytes()))
        first = share(image, LIGHT.red)
        paler = share(image, LIGHT.kinds["loss"].fill)
        image.seek(image.n_frames - 1)  # type: ignore[attr-defined]  # of the frames of a GIF
        assert share(image, LIGHT.red) > 4 * first
        assert share(image, LIGHT.page) > 0.5
        assert share(image, LIGHT.kinds["loss"].fill) > 10 * paler

    def test_a_wide_one_is_made_narrower(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "walk.gif"
        small().stepper().save(path)
        whole = Image.open(io.BytesIO(path.read_bytes())).size
        monkeypatch.setattr(animation, "WIDEST", 200)
        small().stepper().save(path)
        width, height = Image.open(io.BytesIO(path.read_bytes())).size
        assert width == 200
        assert height == pytest.approx(200 * whole[1] / whole[0], abs=1)


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>", "-->", "&lt;b&gt;", "&amp", "a\x00b", "\x1b[31mred",
    "\\", "\\N", "\u202eabc", "\ud800", "🙂", "重み", "javascript:alert(1)", "</svg>", "}*{}", "</style><b>", "\u2028",
]  # fmt: skip


@cache
def hostile(count: int) -> tg.Graph:
    """A sum of products under hostile names, in modules of hostile names."""
    given: dict[str, Any] = {}
    total: Any = 0.0
    for i, name in enumerate(HOSTILE[:count]):
        w = tg.parameter(1.0 + i)
        z = w * w
        given |= {f"{name}{i}": {name: w, f"{name}z": z}}
        total = total + z
    graph = tg.Graph(total, names=given)
    graph.backprop()
    return graph


@pytest.mark.parametrize(("kind", "suffix"), CASES)
def test_hostile_names_are_data_in_every_format(tmp_path: Path, kind: str, suffix: str) -> None:
    count = 1 if suffix == ".gif" else len(HOSTILE)  # of which each step is drawn three times
    path = SAVED[kind][0](hostile(count)).save(tmp_path / f"file{suffix}")
    content = path.read_bytes()
    if suffix == ".pdf":
        assert len(pypdfium2.PdfDocument(content)) == 1
    elif suffix in (".png", ".gif"):
        image = Image.open(io.BytesIO(content))
        assert share(image, LIGHT.kinds["parameter"].fill) > 0.01
    elif suffix == ".json":
        json.loads(content)
    elif suffix == ".svg":
        check_harmless(content.decode())
    if suffix not in (".dot", ".json"):
        with browser() as visit:
            visit.page.goto(path.as_uri())
            assert visit.trouble == []
