"""The page of terms in CONTRIBUTING.md: every name in it is in the code, and every term stands there once."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text().partition("## Terms")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")][1:]


def found(path: str) -> object:
    """A module of the package, or what a module or class has by that name."""
    try:
        return importlib.import_module(f"tinygraph.{path}")
    except ModuleNotFoundError:
        owner, _, name = path.rpartition(".")
        thing = found(owner)
        return getattr(thing, "__annotations__", {}).get(name) or getattr(thing, name)


@pytest.mark.parametrize(("term", "meaning", "names"), ROWS)
def test_every_term_is_where_the_page_says(term: str, meaning: str, names: str) -> None:
    assert meaning
    for name in re.findall(r"`([^`]+)`", names):
        assert found(name) is not None


def test_every_term_stands_once_and_the_page_is_short() -> None:
    terms = [word for term, *_ in ROWS for word in term.split(", ")]
    assert len(terms) == len(set(terms)) > 50
    assert len(PAGE.splitlines()) <= 80
