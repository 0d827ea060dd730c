"""Names are data: whatever a user calls things, no printer breaks, and nothing in a name is ever code or markup."""

import ast
from functools import partial
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser, katex_script
from tests.test_mathml import ELEMENTS, MATH
from tinygraph.draw.folding import modules_of
from tinygraph.draw.refolding import foldings_of
from tinygraph.express.table import WIDTH
from tinygraph.express.text import width
from tinygraph.program.statements import program_of

HOSTILE = [
    "lambda", "class", "None", "np", "len", "print", "__import__", "exp", "sigmoid", "dL", "t", "_check", "SHAPES",
    "return", "'", '"', '"""', '\\', "\\'", "a'); import os; os.system('true'); ('", '"""\x0aimport os\x0a"""',
    "x = 1\x0araise SystemExit", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>',
    "</math><script>alert(1)</script>", "&lt;b&gt;", "&amp", "]]>", "<!--", "-->", "<?xml?>", "javascript:alert(1)",
    "a\x0ab", "a\x09b", "\x00", "a\x00b", "\x1b[31mred", "\u202eabc", "\u200fabc", "\u2066x\u2069", "a\u200db",
    "a\u200cb", "\ufeffw", "x" * 10_000, "é" * 10_000, "🙂", "👩\u200d👩\u200d👧", "${x}", "{x}", "%s", "%(x)s",
    "{0.__class__}", "\\N", "\\N{BULLET}", "\\input{x}", "\\end{align}", "\\href{javascript:alert(1)}{x}", '\\\\',
    "%", "#", "&", "{", "}", "}}", "$", "$$", "^", "_", "__", "~", "--", ";", "`", "a\u0301", "á", "e҉\u0301\u0301",
    "\u0301", "Å", "\u212b", "ﬁ", "fi", "\ud800", "a\udfffb", "ſ", "a b", "a-b", "a_b", "a.b", "w1", "w_1", "ᵃ", "𝐰", "w",
    "重み", "\u0648\u0632\u0646", "\u05de\u05e9\u05e7\u05dc", "น\u0e49ำหนัก", "वज\u093cन", "", " ", "\u3000", "0", "1x",
    "ⅷ", "²", "x²", "\u2028", "\u2029", "\x85", "\x0d\x0a", "[[", "'''", "f'{1}'", "#{x}", "<%=1%>", "{{x}}",
    "\\u0041", "\\x41",
]  # fmt: skip


def graph_of(names: list[str], nested: bool) -> tg.Graph:
    """A sum of values under hostile names, directly or in nested dicts, with its gradients."""
    given: dict[str, Any] = {}
    total: Any = 0.0
    for i, name in enumerate(names):
        w = tg.parameter([1.0 + i, 2.0])
        z = np.sum(w * w[::-1]) / (1 + i)
        given |= {name: {name: {f"{name}z": z}, "w": [w]}} if nested else {name: w, f"{name}z": z}
        total = total + z
    graph = tg.Graph(total, names=given)
    graph.backprop()
    return graph


GRAPHS = {
    "all": partial(graph_of, HOSTILE, nested=False),
    "nested": partial(graph_of, HOSTILE, nested=True),
    **{f"one {i}": partial(graph_of, [name], nested=i % 2 == 0) for i, name in enumerate(HOSTILE)},
}


@pytest.fixture(params=GRAPHS, scope="module")
def graph(request: Any) -> tg.Graph:
    return GRAPHS[request.param]()


def test_the_table_keeps_its_lines(graph: tg.Graph) -> None:
    lines = str(graph).splitlines()
    assert max(map(width, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
    assert str(graph).split("\n") == lines  # nothing in a name counts as the end of a line


def test_the_table_of_a_notebook_is_nothing_but_a_table(graph: tg.Graph) -> None:
    html = ElementTree.fromstring(graph.table()._repr_html_())
    assert {x.tag for x in html.iter()} == {"div", "table", "tr", "th", "td"}
    assert {name for x in html.iter() for name in x.attrib} == {"style", "colspan"}


def test_the_source_has_only_the_statements_of_the_graph(graph: tg.Graph) -> None:
    text = graph.source()
    tree = ast.parse(text)
    kinds = [type(x) for x in tree.body]
    assert set(kinds) <= {ast.Expr, ast.Import, ast.Assign, ast.FunctionDef}
    assert [x.names[0].name for x in tree.body if isinstance(x, ast.Import)] == ["numpy"]
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    assert {type(x) for x in function.body} == {ast.Assign, ast.Return}
    read = program_of(graph)
    lines = [s for s in graph.statements() if s.node not in read.passed_on]
    # The numbers of the code that made the graph are bound in a line each; check and return come on top.
    assert len(function.body) == len(lines) + len(read.numbers) + 2
    leaves = [node.value for node in graph.forward if node.op is None]
    output, gradients = graph.function()(*leaves)
    assert output == graph.outputs[0].value
    assert len(gradients) == len(graph.backprop()) - 1


def test_mathml_holds_nothing_but_mathematics(graph: tg.Graph) -> None:
    for x in ElementTree.fromstring(graph.mathml()).iter():
        assert x.tag.removeprefix(MATH) in ELEMENTS
        assert not {name for name in x.attrib if name.startswith("on") or name in ("href", "src", "id", "class")}


def test_latex_is_one_environment(graph: tg.Graph) -> None:
    text = graph.latex()
    assert text.count(r"\begin{align}") == text.count(r"\end{align}") == 1
    assert "\\input" not in text
    assert "\\href" not in text
    assert "%" not in text.replace(r"\%", "")
    assert text.isprintable() or "\n" in text
    assert text.encode()  # no lone surrogates


def test_statements_and_gradients_have_one_line_each(graph: tg.Graph) -> None:
    assert all(len(repr(s).splitlines()) == 1 for s in graph.statements())
    grads = graph.backprop()
    assert len(repr(grads).splitlines()) == len(grads) + 1


def test_modules_fold_and_open_by_the_names_they_are_listed_with(graph: tg.Graph) -> None:
    picture = graph.draw(fold=False)
    modules = modules_of(picture.drawing)
    assert all("" not in name.split("/") and name.isprintable() for name in modules)
    for name in modules[:20]:
        assert any(card.stands_for == name for card in graph.draw(fold=[name]).drawing.cards)
    foldings, _ = foldings_of(picture)
    assert {name for folding in foldings for name in folding.folded} == set(modules)


def test_every_spelling_finds_its_node() -> None:
    for name in HOSTILE:
        if name.startswith("_"):
            continue
        w = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names={name: w})
        assert graph[name] is w
        assert (graph.name(w) or "").isidentifier()


SHOW = """texts => texts.map(text => {
  const place = document.body.appendChild(document.createElement('div'))
  const strict = code => code === 'unknownSymbol' ? 'ignore' : 'error'  // a letter that KaTeX has no font for
  try { katex.render(text, place, {displayMode: true, throwOnError: true, strict, maxExpand: 1e6}); return null }
  catch (error) { return text.slice(0, 2000) + "\\n" + error }
}).filter(error => error)"""


WATCH = "<script>window.called = []; window.alert = x => window.called.push(x)</script>"
FOREIGN = "document.querySelectorAll('img, iframe, object, embed, body script, body a').length"


def test_in_a_browser_nothing_runs_and_katex_takes_everything() -> None:
    graphs = [make() for make in GRAPHS.values()]
    with browser() as visit:
        page = visit.show(WATCH + "".join(g.mathml() for g in graphs))
        assert page.evaluate("document.querySelectorAll('body > math').length") == len(graphs)
        assert page.evaluate(f"[window.called, {FOREIGN}]") == [[], 0]
        page = visit.show(WATCH + katex_script())
        assert page.evaluate(SHOW, [str(g.latex()) for g in graphs]) == []
        assert page.evaluate(f"[window.called, {FOREIGN}]") == [[], 0]
        assert visit.trouble == []
