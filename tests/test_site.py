"""The site builds strictly, has everything public and every op, and needs no network, not even to search."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import tinygraph as tg
from tests.browser import Visit
from tests.test_docs import PUBLIC
from tinygraph.explaining.sheet import body
from tinygraph.ops import REGISTRY

ROOT = Path(__file__).parent.parent
BUILD = ["-m", "sphinx", "-W", "--keep-going", "-j", "auto", "-c", "docs", "."]  # as README says
NOTEBOOKS = sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb"))
PAGES = [  # one of each kind
    "index.html", "docs/index.html", "docs/graphs.html", "docs/gallery.html", "docs/neighbours.html",
    "docs/reference/package.html", "docs/reference/elementary.html", "docs/reference/linear_algebra.html",
    "docs/courses/otter/logistic.html", "docs/lessons/1_neuron.html", "tinygraph/node.html", "search.html", "genindex.html",
    *(f"notebooks/{name}.html" for name in NOTEBOOKS),
]  # fmt: skip
OF_THE_PAGE = ("#", "mailto:", "data:", "http:", "https:")


class Page(HTMLParser):
    """What a page leads to and loads, and the places on it that links may lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if "href" in found:
            (self.links if tag == "a" else self.loads).append(found["href"])
        if "src" in found:
            self.loads.append(found["src"])


@cache
def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in ("sphinx", "myst_nb", "furo"):
        pytest.importorskip(module, reason="needs Sphinx: pip install tinygraph-autodiff[docs]")
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, *BUILD, "-d", str(built / "doctrees"), str(built / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built / "html"


@pytest.fixture(scope="module")
def reference(site: Path) -> str:
    """The pages of the reference, one after the other."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(site.glob("docs/reference/*.html")))


def test_readme_says_how_it_is_built() -> None:
    said = re.search(r"python (-m sphinx .*?) out/site", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert said is not None
    assert said[1].split() == BUILD


@pytest.mark.parametrize("section", PUBLIC)
def test_every_public_name_is_in_the_reference_and_nothing_else(reference: str, section: str) -> None:
    prefix = "tinygraph." if section == "The package" else f"tinygraph.{section}."
    assert sorted(re.findall(rf'<dt [^>]*id="{re.escape(prefix)}(\w+)"', reference)) == sorted(PUBLIC[section]())


def test_no_text_of_the_reference_is_of_python_itself(reference: str) -> None:
    assert "Alias for field number" not in reference


def test_every_op_is_in_the_reference_as_its_declaration_explains_it(reference: str) -> None:
    ops = [op for op in REGISTRY.values() if op.built_in]
    assert len(ops) > 100
    for op in ops:
        assert f'id="op-{op.name.replace("_", "-")}"' in reference, op.name
        assert body(tg.explain(op)) in reference, op.name


def test_a_sheet_has_formula_derivative_and_plot(reference: str) -> None:
    sheet = body(tg.explain("tanh"))
    assert sheet.count("<math") == 2
    assert sheet.count("tg-title") == 2
    assert sheet in reference


def test_every_document_and_notebook_has_a_page(site: Path) -> None:
    sources = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]
    assert [path.name for path in sources if not (site / path.relative_to(ROOT)).with_suffix(".html").exists()] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_shown_with_what_its_cells_show(site: Path, name: str) -> None:
    html = (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    assert "<svg" in html
    assert "Not answered yet" in html


def local(site: Path) -> Iterator[tuple[Path, str]]:
    """Every page of the site, with each of its links to a page or a file of the site."""
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            for link in {*read(path).links, *read(path).loads}:
                if not link.startswith(OF_THE_PAGE[1:]):
                    yield path, link


def test_no_link_of_the_site_is_dead(site: Path) -> None:
    dead, count = [], 0
    for path, link in local(site):
        target, _, place = unquote(link).partition("#")
        leads_to = (path.parent / target.partition("?")[0]).resolve() if target else path
        count += 1
        if not leads_to.is_file() or (place and leads_to.suffix == ".html" and place not in read(leads_to).places):
            dead.append((path.relative_to(site).as_posix(), link))
    assert count > 1000
    assert dead == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert [(path.name, load) for path in pages for load in read(path).loads if load.startswith(("http:", "https:", "//"))] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves_a_page_which_fits_a_narrow_window(site: Path, visit: Visit, name: str) -> None:
    visit.page.set_viewport_size({"width": 400, "height": 900})
    visit.goto((site / name).as_uri())
    visit.page.locator("article").wait_for(state="attached")
    visit.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    visit.page.wait_for_load_state("networkidle")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert visit.trouble == []


def found(site: Path, visit: Visit, words: str) -> Any:
    """The titles of what the search finds, by the box on a page that was opened from its file."""
    visit.goto((site / "docs" / "index.html").as_uri())
    box = visit.page.locator("input[name=q]").first
    box.fill(words)
    box.press("Enter")
    visit.page.locator("#search-results li").first.wait_for()
    visit.page.wait_for_function("document.querySelector('#search-results p')?.innerText.includes('finished')")
    return visit.page.locator("#search-results li a")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("check_gradients", "tinygraph.check_gradients"), ("log_softmax", "log_softmax"), ("nan", "Find where a NaN comes from"),
        ("optimisers", "Use SciPy’s optimisers"), ("worksheet", "Worksheets"), ("xor", "From a neuron to a network"),
    ],
)  # fmt: skip
def test_the_search_finds_pages_without_a_server(site: Path, visit: Visit, words: str, title: str) -> None:
    visit.page.set_viewport_size({"width": 1400, "height": 900})
    results = found(site, visit, words)
    assert any(title in text for text in results.all_inner_texts()), results.all_inner_texts()
    results.first.click()
    visit.page.locator("h1").first.wait_for()
    assert "search.html" not in visit.page.url
