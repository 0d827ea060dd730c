"""Every Python block of the documents runs, and prints the text block that follows it."""

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tinygraph as tg

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_blocks_run_and_print_what_is_shown(path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for kind, block in re.findall(r"^```(python|text)\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
        if kind == "text":
            assert printed == block
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block, str(path), "exec"), names)
        printed = out.getvalue()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


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
