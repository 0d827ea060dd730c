"""The wheel, installed far from the checkout with what it declares and nothing else: it computes, draws, steps, has a widget."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from typing import Any
from zipfile import Path as PathInZip
from zipfile import ZipFile

import pytest

from tests.browser import Visit
from tests.test_stepper_page import count, red
from tests.test_widget import TRAITS, faked_from

ROOT = Path(__file__).parent.parent
RECORD = """
import json, sys, numpy as np, tinygraph as tg
x, y, w = tg.constant([2.0, -1.0]), tg.constant(1.0), tg.parameter([0.3, 0.5])
a = tg.sigmoid(w @ x)
L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
graph = tg.Graph(L, names={"x": x, "y": y, "w": w, "a": a, "L": L})
graph.backprop()
assert "models" not in sys.modules and not any("site-packages" not in path for path in tg.__path__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, which therefore has all that it takes; without a network."""
    for module in ("build", "hatchling"):
        pytest.importorskip(module, reason=f"needs {module}: pip install {module}")
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)], ROOT)
    (found,) = folder.glob("*.whl")
    return found


def run(command: list[str], folder: Path, path: str = os.defpath) -> str:
    """What a command prints, in a folder and without the settings of this process."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TINYGRAPH"))}
    done = subprocess.run(
        command, cwd=folder, env={**settings, "PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Clean:
    """An environment with the wheel and the packages that it declares, as they are installed here."""

    def __init__(self, wheel: Path, extras: set[str], folder: Path) -> None:
        venv.create(folder / "venv", symlinks=os.name != "nt")
        self.folder = folder
        self.scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        python = str(self.scripts / "python")
        self.packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
        with ZipFile(wheel) as zipped:
            (metadata,) = {name.partition("/")[0] for name in zipped.namelist() if ".dist-info/" in name}
        self.brought: dict[str, Distribution] = {}
        self._bring(PathDistribution(PathInZip(wheel, f"{metadata}/")), extras)
        for other in self.brought.values():
            self._copy(other)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
        run(pip, folder)

    def _bring(self, needing: Distribution, extras: set[str]) -> None:
        from packaging.requirements import Requirement

        for need in map(Requirement, needing.requires or ()):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras or {""}):
                found = distribution(need.name)
                assert need.specifier.contains(found.version)
                if need.name not in self.brought:
                    self.brought[need.name] = found
                    self._bring(found, set(need.extras))

    def _copy(self, other: Distribution) -> None:
        for file in other.files or ():
            is_script = file.parent.name == self.scripts.name
            if is_script or not {"..", "__pycache__"} & set(file.parts):
                target = self.scripts / file.name if is_script else self.packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(other.locate_file(file)), target)

    def python(self, code: str) -> str:
        """What a program prints, where no other program is on the path."""
        return run([str(self.scripts / "python"), "-I", "-c", RECORD + code], self.folder, str(self.scripts))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return Clean(wheel, set(), tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return Clean(wheel, {"draw", "widget"}, tmp_path_factory.mktemp("full"))


def test_it_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with ZipFile(wheel) as zipped:
        shipped = {name for name in zipped.namelist() if ".dist-info/" not in name}
    package = (path for path in (ROOT / "tinygraph").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert shipped == {path.relative_to(ROOT).as_posix() for path in package}


def test_alone_it_needs_numpy_and_graphviz(bare: Clean) -> None:
    assert set(bare.brought) == {"numpy", "graphviz"}
    said = bare.python("s = graph.stepper(); s.run(); print(graph['dw'].value.round(3), s.page()[:15], s, sep='\\n')")
    numbers, page, *walk = said.splitlines()
    assert (numbers, page.lower()) == ("[-0.95   0.475]", "<!doctype html>")
    assert [line.split()[0] for line in walk if line.startswith("  ")] == ["a", "L", "dL", "da", "dw"]


def test_without_a_layout_engine_it_says_what_to_install(bare: Clean) -> None:
    said = bare.python("try: graph.draw().svg\nexcept tg.draw.engine.LayoutError as error: print(error)")
    assert 'pip install "tinygraph-autodiff[draw]"' in said


def test_with_the_extra_it_draws(full: Clean) -> None:
    run_here = "graph.draw().save('graph.svg'); graph.view().save('view.html'); graph.stepper().save('walk.svg')"
    full.python(run_here)
    for name, wanted in {"graph.svg": "dw", "view.html": "<script", "walk.svg": "@keyframes"}.items():
        text = (full.folder / name).read_text(encoding="utf-8")
        assert "<svg" in text
        assert wanted in text


def test_the_page_of_its_walk_steps(full: Clean, visit: Visit) -> None:
    full.python("s = graph.stepper(); s.run(until='da'); s.save('walk.html')")
    visit.page.goto((full.folder / "walk.html").as_uri())
    gradient = "dw = da·a(1 − a)x"
    assert gradient not in red(visit.page)
    visit.page.click("button[aria-label=Step]")
    assert gradient in red(visit.page)


def test_it_shows_the_widget(full: Clean, visit: Visit) -> None:
    widget = (
        f"shown = graph.stepper().widget(); print(json.dumps([shown._esm, {{key: getattr(shown, key) for key in {TRAITS}}}]))"
    )
    module, traits = json.loads(full.python(widget))
    page = faked_from(visit, module, traits)
    page.click("button[aria-label=Step]")
    assert count(page).startswith("1 / ")
    assert page.evaluate("sent.at(-1).position") == 1
    assert page.locator("svg").count() > 0


def test_the_command_is_the_module(full: Clean) -> None:
    typed: list[Any] = ["step", "z = w*x; L = z**2", "w=3", "x=2", "--wrt=w"]
    command, python = str(full.scripts / "tinygraph"), str(full.scripts / "python")
    walk = run([command, *typed], full.folder)
    assert "  dw = dz * x = 12.000 * 2.000 = 24.000\n" in walk
    assert walk == run([python, "-I", "-m", "tinygraph", *typed], full.folder)
    for called in ([command], [python, "-I", "-m", "tinygraph"]):
        assert run([*called, "--version"], full.folder).startswith("tinygraph ")
    for called, name in (([command], "tinygraph"), ([python, "-m", "tinygraph"], "python -m tinygraph")):
        assert run([*called, "step", "--help"], full.folder).startswith(f"usage: {name} step ")
