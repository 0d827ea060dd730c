"""The code in docs/troubleshooting.md raises the message above it, and the code below it runs."""

import linecache
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SHARED = re.findall(r"^```python\n(.*?)^```", PAGE.partition("\n## ")[0], re.M | re.S)[0]
ENTRIES = re.findall(r"^(?:<!-- without (.*?) -->\n)?### (`+) ?(.*?) ?\2\n(.*?)(?=^<!--|^#|\Z)", PAGE, re.M | re.S)


def run(text: str, names: dict[str, Any]) -> None:
    """Run code as a cell of a notebook is run, with its source at hand."""
    cell = f"<trouble {hash(text)}>"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    exec(compile(text, cell, "exec"), names)


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of log(0) before the error
@pytest.mark.parametrize(("without", "message", "text"), [(e[0], e[2], e[3]) for e in ENTRIES], ids=[e[2] for e in ENTRIES])
def test_the_code_raises_what_is_said_and_the_other_code_runs(
    without: str, message: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = without.split(", ")
    if without:
        monkeypatch.setattr(shutil, "which", lambda program, **_: None)
        for module in missing:
            monkeypatch.setitem(sys.modules, module, None)
            monkeypatch.delitem(sys.modules, "tinygraph.stepping.widget", raising=False)
    names: dict[str, Any] = {"__name__": "__main__"}
    run(SHARED, names)
    run("dw, db = tg.gradients(L, w, b)", names)
    (wrong,) = blocks(text, "py")
    with pytest.raises(Exception) as caught:  # which one is what the page says
        run(wrong, dict(names))
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(message)
    right = blocks(text, "python")
    assert len(right) == 1 or without or "KeyError" in message
    for block in right:
        run(block, dict(names))


def test_no_entry_is_missed() -> None:
    assert len(ENTRIES) == PAGE.count("\n### ") > 15
