"""The reference of the ops, written from their declarations alone: `.. ops:: activations` describes those of one module."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import tinygraph as tg
from tinygraph.explaining.sheet import body, style
from tinygraph.ops import REGISTRY, Op


def ops_of(module: str) -> list[Op]:
    """The built-in ops that a module of `tinygraph.ops` declares, in the order of the alphabet."""
    return sorted((op for op in REGISTRY.values() if op.__module__ == f"tinygraph.ops.{module}"), key=name)


def name(op: Op) -> str:
    """What an op is called."""
    return op.name


def section(op: Op) -> Iterator[str]:
    """The lines that describe an op: its sheet, and the example of its docstring."""
    title = f"``{op.name}``"
    yield from ("", f".. _op-{op.name}:", "", title, "-" * len(title), "")
    described = [".. raw:: html", "", indent(body(tg.explain(op)), "   "), "", *example(op), ""]
    if op.name in tg.__all__:
        yield from (f".. py:function:: tinygraph.{op.signature()}", "   :no-contents-entry:", "")
        yield from (indent(line, "   ") for line in "\n".join(described).splitlines())
    else:
        yield from "\n".join(described).splitlines()


def example(op: Op) -> list[str]:
    """The example of a docstring."""
    _, prompt, rest = inspect.cleandoc(op.__doc__ or "").partition(">>> ")
    return (prompt + rest).splitlines()


class Ops(SphinxDirective):
    """The ops of a module, a section each."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the lines of all sections."""
        ops = ops_of(self.arguments[0])
        if not ops:
            raise self.error(f"no op is declared in {self.arguments[0]}")
        return self.parse_text_to_nodes("\n".join(line for op in ops for line in section(op)), allow_section_headings=True)


def write_style(app: Sphinx, failure: Exception | None) -> None:
    """The style of the sheets, once for all pages."""
    if failure is None:
        (Path(app.outdir) / "_static" / "explained.css").write_text(style(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("ops", Ops)
    app.connect("build-finished", write_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
