"""Every notebook runs, is kept without outputs, and as a page of HTML still steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
LATER = {"cdnjs.cloudflare.com"}  # where nbconvert's own pages look for MathJax and require.js


def cells(path: Path) -> list[Any]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An IPython of its own, in this process."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    pytest.importorskip("IPython", reason="needs IPython: pip install jupyterlab")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}), user_ns={})


def executed(shell: Any, path: Path) -> Any:
    """The notebook with its outputs, run in this process; raises what a cell raises."""
    from IPython.utils.capture import capture_output
    from nbformat import v4

    notebook = v4.new_notebook()
    for cell in cells(path):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            notebook.cells.append(v4.new_markdown_cell(source))
            continue
        with capture_output() as captured:
            result = shell.run_cell(source, store_history=True)
        result.raise_error()
        outputs = [v4.new_output("stream", text=captured.stdout)] if captured.stdout else []
        if result.result is not None:
            data, metadata = shell.display_formatter.format(result.result)
            outputs.append(v4.new_output("display_data", data=data, metadata=metadata))
        notebook.cells.append(v4.new_code_cell(source, outputs=outputs))
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_is_kept_without_outputs(path: Path, shell: Any) -> None:
    executed(shell, path)
    pytest.importorskip("nbstripout", reason="needs nbstripout: pip install nbstripout")
    command = [sys.executable, "-m", "nbstripout", "--verify", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_cells_are_short(path: Path) -> None:
    code = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    assert max(text.count("\n") + 1 for text in code) <= 12
    assert any("assert " in text for text in code)


def test_a_walk_still_steps_in_the_page_that_nbconvert_makes(shell: Any, tmp_path: Path) -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install jupyterlab")
    notebook = executed(shell, ROOT / "notebooks" / "step_through_backprop.ipynb")
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    with browser() as visit:
        page = visit.page
        page.goto(path.as_uri())
        frames = page.locator("iframe[sandbox=allow-scripts]")
        assert frames.count() == 2
        for i in range(2):
            frame = frames.nth(i).content_frame
            frame.locator("button[aria-label=Step]").click()
            page.keyboard.press("ArrowRight")
            assert frame.locator(".count").inner_text().startswith("2 / ")
            assert "notebook" in frame.locator(".code .file").first.inner_text()
            assert frame.locator(".code .current").count() == 1
        assert (
            frame.locator("body").evaluate("() => { try { return top.document.title; } catch { return 'refused'; } }")
            == "refused"
        )
        assert {request.split("/")[2] for request in visit.requests} <= LATER
        assert not visit.dialogs
        assert not visit.errors
