"""How Sphinx makes the site: `python -m sphinx -W --keep-going -j auto -c docs . out/site`, without a network.

The sources are the repository itself, so that the notebooks and the documents are read where they are, and their links lead to
each other as they do there.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.parsers import Parser

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # for the notebooks' kernels

import tinygraph as tg
from tinygraph.draw.theme import DARK, LIGHT
from tinygraph.missing import ForeignAttribute

DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
]


def linked_code() -> list[str]:
    """The Python files that a document links to: each has a page, which shows it."""
    found = set()
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([\w./]+\.py)\)", document.read_text(encoding="utf-8")):
            found.add((document.parent / target).resolve().relative_to(ROOT).as_posix())
    return sorted(found)


project = "tinygraph"
author = "the tinygraph contributors"
project_copyright = author
version = release = tg.__version__
root_doc = "docs/index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "reference"]
ASSIGNMENTS = "docs/courses/"  # notebooks that a page links to, and that stand outside the order of the site
include_patterns = [
    "*.md", "docs/*.md", "docs/lessons/*.md", "docs/reference/*.rst", "notebooks/*.ipynb",
    f"{ASSIGNMENTS}**/*.ipynb", *linked_code(),
]  # fmt: skip
exclude_patterns = [".*", "out", "build", "dist"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!tinygraph\.).*|tinygraph\.[a-z]\w*\..*")]  # Python's, NumPy's, the implementation's
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext", ".py": "code"}

myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_excludepatterns = [f"{ASSIGNMENTS}**/*"]
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

default_role = "code"  # docstrings have `code` as Markdown writes it
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
add_module_names = False

html_theme = "furo"
html_title = "tinygraph"
html_theme_options = {  # the backgrounds are those of pictures
    f"{name}_css_variables": {"color-background-primary": theme.page, "color-background-secondary": theme.cluster.fill}
    for name, theme in (("light", LIGHT), ("dark", DARK))
}
html_static_path = ["static"]
html_css_files = ["site.css", "explained.css"]
html_js_files = ["offline.js"]
html_show_sphinx = False
html_copy_source = False
html_permalinks_icon = "#"


class Code(Parser):
    """A file of Python as a page that shows it."""

    supported = ("code",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Make a section with the path of the file as its title."""
        env = document.settings.env
        path = f"{env.docname}.py"
        section = nodes.section("", nodes.title(path, path), ids=["code"], names=["code"])
        section += nodes.literal_block(inputstring, inputstring, language="python", linenos=True)
        document += section
        env.metadata[env.docname] |= {"orphan": True, "nosearch": True}


def skip_foreign(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """What nodes have elsewhere raises an error here, and is no part of the reference."""
    return isinstance(obj, ForeignAttribute) or None


def set_apart(app: Sphinx, doctree: nodes.document) -> None:
    """Assignments are reached by links alone, and a search does not find what has changed."""
    docname = app.env.current_document.docname
    if docname.startswith(ASSIGNMENTS):
        app.env.metadata[docname]["orphan"] = True
    if docname == "CHANGELOG":
        app.env.metadata[docname]["nosearch"] = True


def lead_to_the_start(app: Sphinx, failure: Exception | None) -> None:
    """The first page lies in a folder: index.html leads there."""
    if failure is None:
        target = f"{root_doc}.html"
        text = f'<!doctype html><meta charset=utf-8><title>tinygraph</title><meta http-equiv=refresh content="0; url={target}">'
        (Path(app.outdir) / "index.html").write_text(f'{text}<a href="{target}">tinygraph</a>\n', encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add what is made here."""
    app.add_source_parser(Code)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("doctree-read", set_apart)
    app.connect("build-finished", lead_to_the_start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
