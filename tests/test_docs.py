"""Every Python block of the documents runs, and prints the text block that follows it."""

import contextlib
import inspect
import io
import linecache
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LESSONS = sorted((ROOT / "docs" / "lessons").glob("*.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_blocks_run_and_print_what_is_shown(path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    blocks = re.findall(r"^```(python|text)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
    for i, (kind, block) in enumerate(blocks):
        if kind == "text":
            assert printed == block
            continue
        cell = f"<block {i} of {path.name}>"  # whose source is at hand, as that of a notebook's cell is
        linecache.cache[cell] = (len(block), None, block.splitlines(keepends=True), cell)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block, cell, "exec"), names)
        printed = out.getvalue()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target, section in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose):
        leads_to = path.parent / target if target else path
        assert leads_to.exists(), target
        assert not section or section in sections(leads_to), f"{target}#{section}"


def sections(path: Path) -> set[str]:
    """The anchors of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_takes_90_minutes_and_has_what_a_teacher_needs(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert sum(int(minutes) for minutes in re.findall(r"^\| (\d+) \|", page, re.M)) == 90
    for part in ("**Goal.** ", "**Before.** ", "**Shown.** ", "## Worksheet and key", ".worksheet(seed=1)", "print(sheet.key)"):
        assert part in page


def test_the_readme_has_the_two_commands() -> None:
    commands = re.findall(r"^```sh\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert [command.rsplit(" -m ", 1)[1] for command in commands] == ["models.logistic_regression", "pytest"]


def test_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project.get("dynamic", [])
    assert re.fullmatch(r"\d+\.\d+\.\d+", tg.__version__)


def test_everything_public_is_documented_with_an_example_where_it_is_called() -> None:
    for name in tg.__all__:
        public = getattr(tg, name)
        assert public.__doc__, name
        if not isinstance(public, type):
            assert ">>> " in public.__doc__, name


def test_the_table_of_numpy_functions_is_what_the_registry_says() -> None:
    table = runpy.run_path(str(ROOT / "docs" / "numpy_table.py"))
    assert (ROOT / "docs" / "numpy.md").read_text(encoding="utf-8") == table["table"]()


def _asks_a_node(function: Any) -> bool:
    return isinstance(function, np.ufunc) or hasattr(function, "_implementation")


def refused() -> list[Any]:
    pages = runpy.run_path(str(ROOT / "docs" / "numpy_table.py"))
    return [function for function in pages["functions"]() if pages["entry"](function).startswith("raises TypeError")]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("function", refused(), ids=lambda function: function.__name__)
def test_what_the_table_calls_refused_is_refused(function: Any) -> None:
    if isinstance(function, np.ufunc):
        count = function.nin
    elif not _asks_a_node(function):
        count = 1
    else:
        known = {np.copyto: 2}  # compiled, and without a signature before NumPy 2.4
        count = known.get(function) or sum(p.default is p.empty for p in inspect.signature(function).parameters.values())
    node = tg.parameter(np.eye(3))
    with pytest.raises(TypeError, match=f"{function.__name__} does not take a node|^node.value is the plain array"):
        function(*[node] * count)


PUBLIC = {
    "The package": lambda: set(tg.__all__),
    "Node": lambda: {name for name in dir(tg.parameter(1.0) * 2) if name[0] != "_"} - OF_THE_IMPLEMENTATION,
    "Graph": lambda: {name for name in dir(tg.Graph(tg.parameter(1.0) * 2)) if name[0] != "_"},
}
OF_THE_IMPLEMENTATION = {"code", "instruction", "operand", "recipe"}


@pytest.mark.parametrize("section", PUBLIC)
def test_every_public_name_is_listed_and_nothing_else(section: str) -> None:
    page = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page.partition(f"\n## {section}\n")[2].partition("\n## ")[0], re.M)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(PUBLIC[section]())


def test_a_node_has_no_attribute_that_is_neither_listed_nor_said_to_be_of_the_implementation() -> None:
    page = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    said = re.search(r"^(.*) of a node belong to the implementation", page, re.M)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) == OF_THE_IMPLEMENTATION
