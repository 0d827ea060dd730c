"""The pictures of docs/gallery.md are those that the lines above them draw."""

import linecache
import os
import re
import shutil
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")
GRAPHS = {
    link: block
    for section in PAGE.split("\n## ")[1:]
    for block, link in re.findall(r"^```python\n(.*?)^```\n\n!\[.*?\]\((.*?)\)$", section, re.M | re.S)
}
PURE = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))


def drawn(block: str, name: str) -> str:
    """The picture that a block draws, in a namespace of its own."""
    cell = f"<{name}>"  # whose source is at hand, as that of a notebook's cell is
    linecache.cache[cell] = (len(block), None, block.splitlines(keepends=True), cell)
    names: dict[str, Any] = {"__name__": "__main__", "np": np, "tg": tg}
    exec(compile(block, cell, "exec"), names)
    return str(names["picture"].svg)


@pytest.mark.skipif(PURE is None, reason="graphviz-pure is not installed")
@pytest.mark.parametrize(("link", "block"), GRAPHS.items(), ids=[Path(link).stem for link in GRAPHS])
def test_a_picture_is_the_one_that_the_lines_draw(link: str, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", str(PURE))
    svg = drawn(block, Path(link).stem)
    if os.environ.get("TINYGRAPH_KEEP_PICTURES"):
        (DOCS / link).write_text(svg, encoding="utf-8")
    assert (DOCS / link).read_text(encoding="utf-8") == svg


def test_there_are_twelve_of_at_most_twelve_lines() -> None:
    assert len(GRAPHS) == PAGE.count("\n## ") == 12
    assert max(block.count("\n") for block in GRAPHS.values()) <= 12


def test_each_picture_is_small_and_shown() -> None:
    files = sorted((DOCS / "pictures" / "gallery").iterdir())
    assert files == sorted(DOCS / link for link in GRAPHS)
    assert max(path.stat().st_size for path in files) < 40_000
