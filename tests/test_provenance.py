"""Whether a number in a file is a literal, is taken from a shape, or comes from what the file does not show."""

import ast
import linecache

import pytest

from tinygraph.program.provenance import Origin, origin, values_at

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
def f(x, width, *, scale=2):
    for step in range(3): pass
    inner = scale * 2
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", Origin.LITERAL),
        ("-(1 / 3)", Origin.LITERAL),
        ("rate * 2", Origin.LITERAL),
        ("math.pi", Origin.LITERAL),
        ("self.rate / 2", Origin.LITERAL),
        ("settings['rate']", Origin.LITERAL),
        ("float(rate)", Origin.LITERAL),
        ("half", Origin.LITERAL),
        ("turn", Origin.LITERAL),
        (" + ".join(["rate"] * 400), Origin.LITERAL),
        (" + ".join(["rate"] * 400 + ["m"]), Origin.SHAPE),
        ("step", Origin.LITERAL),
        ("len(y)", Origin.SHAPE),
        ("1 / m", Origin.SHAPE),
        ("rate / (2 * m)", Origin.SHAPE),
        ("X.shape[0]", Origin.SHAPE),
        ("float(np.shape(X)[1])", Origin.SHAPE),
        ("np.size(X)", Origin.SHAPE),
        ("rows * columns", Origin.SHAPE),
        ("last", Origin.SHAPE),
        ("total", Origin.SHAPE),
        ("count", Origin.SHAPE),
        ("several", Origin.SHAPE),
        ("width", Origin.UNKNOWN),
        ("inner", Origin.UNKNOWN),
        ("elsewhere", Origin.UNKNOWN),
    ],
)
def test_it_is_followed_through_the_file(text: str, expected: Origin) -> None:
    linecache.cache["<numbers>"] = (len(FILE), None, FILE.splitlines(keepends=True), "<numbers>")
    expression = ast.parse(text, mode="eval").body
    assert origin(expression, "<numbers>") is expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 / m", {0.25}),
        ("rate / (2 * len(y))", {0.0625}),
        ("-(count - 1)", {-3, 0}),  # which is assigned twice
        ("X.shape[0] ** 2", {16}),
        ("half", {0.5}),
        ("self.rate", set()),
        ("width * m", set()),
        ("turn", set()),
        ("1 / (m - 4)", set()),
    ],
)
def test_its_values_at_a_size(text: str, values: set[float]) -> None:
    linecache.cache["<numbers>"] = (len(FILE), None, FILE.splitlines(keepends=True), "<numbers>")
    assert values_at(ast.parse(text, mode="eval").body, "<numbers>", 4) == values


def test_in_a_file_that_is_gone_every_name_is_unknown() -> None:
    assert origin(ast.parse("m", mode="eval").body, "gone.py") is Origin.UNKNOWN
