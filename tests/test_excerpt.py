"""The expression of the user's source that an instruction evaluates, and the statement around it."""

import ast

import numpy as np
import pytest

import tinygraph as tg
from tests.snippets import run
from tinygraph.excerpt import excerpt

CASES = {
    "operator": ("node = x * 2 + 1", "x * 2 + 1", "node = x * 2 + 1"),
    "call": ("node = np.sum(\n    x * 2\n)", "np.sum(x * 2)", "node = np.sum(x * 2)"),
    "method on a line of its own": ("node = (x\n    .sum())", "x.sum()", "node = x.sum()"),
    "method behind a call over two lines": ("node = np.exp(\n    x).sum()", "np.exp(x).sum()", "node = np.exp(x).sum()"),
    "attribute on a line of its own": ("node = x \\\n  .T", "x.T", "node = x.T"),
    "augmented": ("node = x * 1; node *= 3", "node * 3", "node *= 3"),
    "an entry that a loop takes": ("for node in x * 2: pass", "x * 2", "for node in x * 2:\n    pass"),
    "unpacked": ("node, rest = x", "(node, rest)", "node, rest = x"),
    "behind letters of several bytes": ("é = 'é'; node = x * 2", "x * 2", "node = x * 2"),
}


@pytest.mark.parametrize(("text", "expression", "statement"), CASES.values(), ids=CASES)
def test_of_a_node(text: str, expression: str, statement: str) -> None:
    node = run(f"x = tg.parameter([1.0, 2.0])\n{text}")["node"]
    found = excerpt(node.code, node.instruction)
    assert found is not None
    assert (ast.unparse(found.expression), ast.unparse(found.statement)) == (expression, statement)


def test_without_source_there_is_none() -> None:
    node = run("node = np.exp(tg.parameter(1.0))", with_source=False)["node"]
    assert excerpt(node.code, node.instruction) is None


def test_source_that_no_longer_fits_gives_none() -> None:
    from linecache import cache

    node = run("node = np.exp(tg.parameter(1.0))")["node"]
    cache[node.place.filename] = 2, None, ["(\n"], node.place.filename
    assert excerpt(node.code, node.instruction) is None


def test_a_place_that_was_pickled_has_no_source() -> None:
    node = tg.parameter(np.ones(2))
    assert excerpt(node.place, node.instruction) is None
