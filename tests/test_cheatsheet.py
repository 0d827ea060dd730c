"""Every line of docs/cheatsheet.md runs, also those of the engines that readers come from."""

import contextlib
import inspect
import io
import linecache
import os
import re
from pathlib import Path
from typing import Any

import pytest

import tinygraph as tg

PAGE = (Path(__file__).parent.parent / "docs" / "cheatsheet.md").read_text(encoding="utf-8")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## "))}
ENGINES = ["PyTorch", "micrograd"]


def rows(text: str) -> list[list[list[str]]]:
    """The lines of code in each cell of each row of a table."""
    lines = [line.strip("| ").split(" | ") for line in text.split("\n") if line.startswith("| ") and "`" in line]
    return [[re.findall(r"`([^`]+)`", cell) for cell in line] for line in lines]


def run(text: str, names: dict[str, Any]) -> None:
    """Run code as a cell of a notebook is run, with its source at hand."""
    cell = f"<cheat sheet {hash(text)}>"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, cell, "exec"), names)


@pytest.fixture
def names() -> dict[str, Any]:
    """What the blocks of the page define."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run("".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)), names)
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("engine", ENGINES)
def test_the_lines_that_replace_those_of_another_engine_run(engine: str, names: dict[str, Any]) -> None:
    table = rows(SECTIONS[f"From {engine}"])
    assert len(table) > 5
    for left, right in table:
        assert left
        run("\n".join(right), names)


def test_the_ways_to_look_at_a_graph_run_and_write_files(names: dict[str, Any], folder: Path) -> None:
    for _, *cells in rows(SECTIONS["Record, differentiate, look"]):
        for lines in cells:
            run("\n".join(lines), names)
    assert sorted(os.listdir(folder)) == ["graph.html", "graph.svg", "quiz.html", "sheet.html", "walk.html"]


def test_the_lines_of_pytorch_run_and_lead_to_the_same_numbers(names: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch")
    theirs: dict[str, Any] = {"torch": torch}
    for left, right in rows(SECTIONS["From PyTorch"]):
        run("\n".join(left), theirs)
        run("\n".join(right), names)
        if "w.grad" in left:
            assert theirs["w"].grad.tolist() == pytest.approx(names["dw"].tolist(), rel=1e-6)
            assert theirs["h"].grad.tolist() == pytest.approx(names["dh"].tolist(), rel=1e-6)
    assert theirs["w"].tolist() == pytest.approx(names["w"].tolist(), rel=1e-6)


def test_the_lines_of_micrograd_run_and_lead_to_the_same_numbers(names: dict[str, Any]) -> None:
    engine = pytest.importorskip("micrograd.engine", reason="needs micrograd: pip install micrograd")
    theirs: dict[str, Any] = {"Value": engine.Value}
    for left, right in rows(SECTIONS["From micrograd"]):
        run("\n".join(left), theirs)
        run("\n".join(right), names)
        if "w.grad" in left:
            assert theirs["w"].grad == names["dw"]
    assert theirs["w"].data == pytest.approx(names["w"].item())


def test_every_function_of_the_package_is_on_it() -> None:
    functions = [name for name in tg.__all__ if not inspect.isclass(getattr(tg, name))]
    assert [name for name in functions if not re.search(rf"\b{name}\b", PAGE)] == []


def test_it_is_one_page() -> None:
    assert PAGE.count("\n") <= 100
