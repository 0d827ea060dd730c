"""Whether a number in a file is a literal, is taken from a shape, or comes from what the file does not show."""

import ast
import linecache

import pytest

from tinygraph.program.provenance import Provenance, provenance_of, values_at

FILE = """
import math
rate = 0.5
m = len(y)
rows, columns = X.shape
half, last = 1 / 2, X.shape[-1]
total: int = X.size
count = m
count += 1
turn = turn + 1
if (several := len(z)) > 2: pass
steps, losses, appended = [1, 2, 3], [f(1), f(2)], []
for k in steps: appended.append(f(k))
def g(): rate = len(y)
def f(x, width, *, scale=2):
    for step in range(3): pass
    inner = scale * 2
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", Provenance.LITERAL),
        ("-(1 / 3)", Provenance.LITERAL),
        ("rate * 2", Provenance.LITERAL),
        ("math.pi", Provenance.LITERAL),
        ("self.rate / 2", Provenance.LITERAL),
        ("settings['rate']", Provenance.LITERAL),
        ("float(rate)", Provenance.LITERAL),
        ("half", Provenance.LITERAL),
        ("turn", Provenance.LITERAL),
        (" + ".join(["rate"] * 400), Provenance.LITERAL),
        (" + ".join(["rate"] * 400 + ["m"]), Provenance.SHAPE),
        ("step", Provenance.LITERAL),
        ("len('abc') + len(losses)", Provenance.LITERAL),
        ("len(steps)", Provenance.SHAPE),
        ("len(y)", Provenance.SHAPE),
        ("1 / m", Provenance.SHAPE),
        ("rate / (2 * m)", Provenance.SHAPE),
        ("X.shape[0]", Provenance.SHAPE),
        ("float(np.shape(X)[1])", Provenance.SHAPE),
        ("np.size(X)", Provenance.SHAPE),
        ("rows * columns", Provenance.SHAPE),
        ("last", Provenance.SHAPE),
        ("total", Provenance.SHAPE),
        ("count", Provenance.SHAPE),
        ("several", Provenance.SHAPE),
        ("width", Provenance.UNKNOWN),
        ("inner", Provenance.UNKNOWN),
        ("elsewhere", Provenance.UNKNOWN),
    ],
)
def test_it_is_followed_through_the_file(text: str, expected: Provenance) -> None:
    linecache.cache["<numbers>"] = (len(FILE), None, FILE.splitlines(keepends=True), "<numbers>")
    expression = ast.parse(text, mode="eval").body
    assert provenance_of(expression, "<numbers>") is expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 / m", {0.25}),
        ("rate / (2 * len(y))", {0.0625}),
        ("-(count - 1)", {-3, 0}),  # which is assigned twice
        ("X.shape[0] ** 2", {16}),
        ("half", {0.5}),
        ("np.log2(X.size) + 0 * np.pi", {2}),
        ("max(len(y), rate, 3)", {4}),
        ("len('abc')", {3}),
        ("len(steps)", {3, 4}),  # which may be data
        ("len(losses)", {2}),
        ("len(appended)", {0, 3, 4}),
        ("self.rate", set()),
        ("width * m", set()),
        ("turn", set()),
        ("1 / (m - 4)", set()),
    ],
)
def test_its_values_at_a_size(text: str, values: set[float]) -> None:
    linecache.cache["<numbers>"] = (len(FILE), None, FILE.splitlines(keepends=True), "<numbers>")
    assert {value.number for value in values_at(ast.parse(text, mode="eval").body, "<numbers>", 4)} == values


def test_in_a_file_that_is_gone_every_name_is_unknown() -> None:
    assert provenance_of(ast.parse("m", mode="eval").body, "gone.py") is Provenance.UNKNOWN
