"""Every notebook teaches, runs, grades its exercises, is kept without outputs, and as a page of HTML shows all of it offline."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.browser import browser

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
LATER = {"cdnjs.cloudflare.com"}  # where nbconvert's own pages look for MathJax and require.js
UNANSWERED = "Not answered yet: write your answer in place of None and run this cell again.\n"


class Cell(NamedTuple):
    """A cell as it is kept in the file."""

    kind: str
    source: str


class Run(NamedTuple):
    """What each code cell shows, and what each exercise printed without an answer and with the hidden one."""

    outputs: list[list[dict[str, Any]]]
    graded: list[tuple[str, str]]


def cells(path: Path) -> list[Cell]:
    kept = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [Cell(cell["cell_type"], "".join(cell["source"])) for cell in kept]


def code(path: Path) -> list[str]:
    return [cell.source for cell in cells(path) if cell.kind == "code"]


def exercises(path: Path) -> list[tuple[Cell, Cell, Cell]]:
    """Each exercise: the cell before, the cell that grades, and the cell with the hidden answer."""
    found = cells(path)
    return [(found[i - 1], found[i], found[i + 1]) for i, cell in enumerate(found) if cell.source.startswith("answer = None\n")]


def answered(exercise: tuple[Cell, Cell, Cell]) -> str:
    """The cell with the hidden answer in place of None."""
    _, cell, hidden = exercise
    (answer,) = re.findall(r"^```python\n(.*?)^```", hidden.source, re.M | re.S)
    return cell.source.replace("answer = None\n", answer, 1)


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    """Runs a notebook in this process, once for all tests; raises what a cell raises."""
    runs: dict[Path, Run] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT / "notebooks")
        patch.syspath_prepend(ROOT / "notebooks")
        yield lambda path: runs[path] if path in runs else runs.setdefault(path, _run(path))


def _run(path: Path) -> Run:
    pytest.importorskip("IPython", reason="needs IPython: pip install jupyterlab")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), user_ns={})
    answers = {exercise[1].source: answered(exercise) for exercise in exercises(path)}
    all_outputs, graded = [], []
    try:
        for source in code(path):
            printed, outputs = _outputs(shell, source)
            all_outputs.append(outputs)
            if source in answers:
                graded.append((printed, _outputs(shell, answers[source])[0]))
    finally:
        InteractiveShell.clear_instance()
    return Run(all_outputs, graded)


def _outputs(shell: Any, source: str) -> tuple[str, list[dict[str, Any]]]:
    """What a cell printed, and all that it shows; its figures too, as Jupyter shows them when a cell ends."""
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)
    result.raise_error()
    assert not captured.stderr
    outputs: list[dict[str, Any]] = []
    if captured.stdout:
        outputs.append({"output_type": "stream", "name": "stdout", "text": captured.stdout})
    bundles = [(shown.data, shown.metadata) for shown in captured.outputs]
    if result.result is not None and not source.rstrip().endswith(";"):
        bundles.append(shell.display_formatter.format(result.result))
    for data, metadata in [*bundles, *_figures()]:
        outputs.append({"output_type": "display_data", "data": data, "metadata": metadata or {}})
    return captured.stdout, outputs


def _figures() -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        png = BytesIO()
        pyplot.figure(number).savefig(png, bbox_inches="tight")
        yield {"image/png": b64encode(png.getvalue()).decode()}, {}
    pyplot.close("all")


@each_notebook
def test_it_runs_and_its_exercises_grade_themselves(path: Path, run: Any) -> None:
    graded = run(path).graded
    assert len(graded) >= 3
    assert graded == [(UNANSWERED, "Right.\n")] * len(graded)


def test_they_are_kept_without_outputs() -> None:
    pytest.importorskip("nbstripout", reason="needs nbstripout: pip install nbstripout")
    command = [sys.executable, "-m", "nbstripout", "--verify", *map(str, NOTEBOOKS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@each_notebook
def test_it_opens_with_what_the_reader_will_be_able_to_do(path: Path) -> None:
    first = cells(path)[0]
    assert first.kind == "markdown"
    assert re.match(r"# .+\n\n\w.*?\n\n\*\*You will be able to\*\*\n\n- ", first.source, re.S)


@each_notebook
def test_it_ends_with_exercises_whose_answers_are_hidden(path: Path) -> None:
    found = cells(path)
    start = next(i for i, cell in enumerate(found) if cell.source.startswith("## Exercises\n"))
    assert not any(cell.source.startswith("## ") for cell in found[start + 1 :])
    assert [cell for cell in found[start:] if cell.kind == "code"] == [cell for _, cell, _ in exercises(path)]
    for number, (question, _, hidden) in enumerate(exercises(path), 1):
        assert question.source.startswith(f"**{number}.** ")
        assert re.fullmatch(r"<details><summary>Answer</summary>\n\n.+\n\n</details>", hidden.source, re.S)


@each_notebook
def test_what_is_right_is_computed_so_that_no_exercise_gives_its_answer_away(path: Path) -> None:
    for _, cell, _ in exercises(path):
        last = ast.parse(cell.source).body[-1]
        assert isinstance(last, ast.Expr)
        assert isinstance(last.value, ast.Call)
        assert ast.unparse(last.value.func) == "check"
        answer, right = last.value.args
        assert ast.unparse(answer) == "answer"
        with pytest.raises(ValueError, match="malformed"):
            ast.literal_eval(right)


@each_notebook
def test_its_cells_are_short_and_assert_numbers(path: Path) -> None:
    assert max(text.count("\n") + 1 for text in code(path)) <= 12
    assert sum("assert " in text for text in code(path)) >= 5


@each_notebook
def test_its_text_needs_no_network_and_its_links_lead_to_files(path: Path) -> None:
    for cell in cells(path):
        if cell.kind == "markdown":
            assert not re.search(r"\$|<(?!/?(details|summary)>)\w|!\[", cell.source), "MathJax, HTML or an image"
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
                assert (path.parent / target).exists(), target


@each_notebook
def test_the_page_that_nbconvert_makes_shows_pictures_equations_and_walks_offline(path: Path, run: Any, tmp_path: Path) -> None:
    written = tmp_path / "notebook.html"
    written.write_text(_page(path, run(path).outputs), encoding="utf-8")
    with browser() as visit:
        page = visit.page
        page.goto(written.as_uri())
        steppers = 0
        for frame in page.locator("iframe[sandbox]").all():
            steppers += _steps(page, frame.content_frame)
        assert steppers >= ("step" in path.stem)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.jp-OutputArea :is(svg, img, math)')].map(x => x.getBoundingClientRect())"
            ".map(box => Math.min(box.width, box.height))"
        )
        assert sizes
        assert min(sizes) > 15
        page.set_viewport_size({"width": 400, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == 400  # what is wider scrolls inside its output
        typeset = page.evaluate("[...document.querySelectorAll('math')].filter(x => !x.closest('.tg-explained')).length")
        assert typeset == sum(".latex()" in text for text in code(path))
        assert page.locator(".tg-explained").count() == sum("tg.explain(" in text for text in code(path))
        assert {request.split("/")[2] for request in visit.requests} <= LATER
        assert not visit.dialogs
        assert not visit.errors


def _page(path: Path, all_outputs: list[list[dict[str, Any]]]) -> str:
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install jupyterlab")
    from nbformat import from_dict, read

    notebook = read(path, as_version=4)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, outputs in zip(shown, all_outputs, strict=True):
        cell.outputs = from_dict(outputs)
    return str(nbconvert.HTMLExporter().from_notebook_node(notebook)[0])


def _steps(page: Any, frame: Any) -> bool:
    """Whether a frame holds a walk; its first step is taken by a click, its second by a key, and the line of code lights up."""
    frame.locator("button").first.wait_for()  # a page unpacks its data first
    sandboxed = frame.locator("body").evaluate("() => { try { return top.document.title; } catch { return 'refused'; } }")
    assert sandboxed == "refused"
    button = frame.locator("button[aria-label=Step]")
    if not button.is_visible() or frame.locator(".quizzing").count():
        return False
    button.click()
    page.keyboard.press("ArrowRight")
    assert frame.locator(".count").inner_text().startswith("2 / ")
    assert "notebook" in frame.locator(".code .file").first.inner_text()
    assert frame.locator(".code .current").count() == 1
    return True


def test_every_item_of_the_texts_has_a_row() -> None:
    table = (ROOT / "docs" / "texts.md").read_text(encoding="utf-8")
    rows = [f"A{i}" for i in range(1, 26)] + [f"B{i}" for i in range(1, 40)]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| [AB]\d+ .*$", table, re.M)]
    assert [key for key, *_ in found] == rows
    for key, item, place, missing in found:
        assert item, key
        assert re.search(r"\d\d · |\]\(|Models", place) or missing, key


@pytest.mark.parametrize("page", ["texts.md", *(f"lessons/{path.name}" for path in ROOT.glob("docs/lessons/*.md"))])
def test_every_place_that_a_page_names_is_a_section(page: str) -> None:
    table = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert " · " in table
    for number, heading in re.findall(r"(\d\d) · ([^;|)]+?) *(?=[;|)])", table):
        (path,) = ROOT.glob(f"notebooks/{number}_*.ipynb")
        lines = [line for cell in cells(path) if cell.kind == "markdown" for line in cell.source.splitlines()]
        assert heading in [line.lstrip("# ") for line in lines if line.startswith("#")]
