"""An expression printed as Python reads back as itself: parentheses, signs, literals, metadata."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.syntax import constant, literal


def printed(build: Any, **values: Any) -> str:
    """The right-hand side of an expression over named constants, once it has run."""
    nodes = {name: tg.constant(value) for name, value in values.items()}
    out = build(**nodes)
    graph = tg.Graph(out, names=nodes)
    leaves = {name: nodes[name].value for name in nodes if nodes[name] in graph}
    np.testing.assert_array_equal(graph.function()(**leaves), out.value)
    return graph.statements()[-1].right


@pytest.mark.parametrize(
    ("build", "source"),
    [
        (lambda a, b, c: a - (b - c), "a - (b - c)"),
        (lambda a, b, c: a - b - c, "a - b - c"),
        (lambda a, b, c: a / (b * c), "a / (b * c)"),
        (lambda a, b, c: a * b / c, "a * b / c"),
        (lambda a, b, c: (a**b) ** c, "(a ** b) ** c"),
        (lambda a, b, c: a ** (b**c), "a ** b ** c"),
        (lambda a, b, c: (-a) ** 2 + b + c, "(-a) ** 2 + b + c"),
        (lambda a, b, c: -(a**2) + b + c, "-a ** 2 + b + c"),
        (lambda a, b, c: a**-b + c, "a ** -b + c"),
        (lambda a, b, c: (-2.0) ** (a * 0) + b + c, "(-2.0) ** (a * 0) + b + c"),
        (lambda a, b, c: -(a + b) * c, "-(a + b) * c"),
        (lambda a, b, c: a - -b + c, "a - -b + c"),
        (lambda a, b, c: (a > b) * c, "(a > b) * c"),
        (lambda a, b, c: (a > b) == (b > c), "(a > b) == (b > c)"),
        (lambda a, b, c: a + (b > c), "a + (b > c)"),
        (lambda a, b, c: a % b // c, "a % b // c"),
        (lambda a, b, c: a // (b % c), "a // (b % c)"),
        (lambda a, b, c: np.where(a > b, -np.inf, c), "np.where(a > b, -np.inf, c)"),
        (lambda a, b, c: a * -0.0 + b * np.inf + c, "a * -0.0 + b * np.inf + c"),
        (lambda a, b, c: a * True + b - 1e-300 + c, "a * True + b - 1e-300 + c"),
    ],
)
def test_operators(build: Any, source: str) -> None:
    assert printed(build, a=1.5, b=2.5, c=0.7) == source


M = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("build", "source"),
    [
        (lambda M: (M + 1).T, "(M + 1).T"),
        (lambda M: M.T @ M, "M.T @ M"),
        (lambda M: (M @ M.T) @ M, "M @ M.T @ M"),
        (lambda M: M @ (M.T @ M), "M @ (M.T @ M)"),
        (lambda M: (2 * M)[0], "(2 * M)[0]"),
        (lambda M: M[:, 1:3], "M[:, 1:3]"),
        (lambda M: M[::-1, ..., None], "M[::-1, ..., None]"),
        (lambda M: M[-1, 2], "M[-1, 2]"),
        (lambda M: M[...], "M[...]"),
        (lambda M: np.sum(M), "np.sum(M)"),
        (lambda M: np.sum(M, (0, -1)), "np.sum(M, axis=(0, -1))"),
        (lambda M: np.mean(M, 0, keepdims=True), "np.mean(M, axis=0, keepdims=True)"),
        (lambda M: np.reshape(M, (4, -1)), "np.reshape(M, (4, -1))"),
        (lambda M: np.transpose(M, (1, 0)), "np.transpose(M, axes=(1, 0))"),
        (lambda M: np.concatenate([M, -M], axis=1), "np.concatenate([M, -M], axis=1)"),
        (lambda M: np.einsum("ij,kj->ik", M, M), "np.einsum('ij,kj->ik', M, M)"),
        (lambda M: M.astype(np.float32), "M.astype(np.float32)"),
        (lambda M: np.pad(M, ((1, 0), (0, 2))), "np.pad(M, pad_width=((1, 0), (0, 2)))"),
        (lambda M: tg.softmax(M, axis=0), "softmax(M, axis=0)"),
        (lambda M: tg.softmax(M), "softmax(M)"),
    ],
)
def test_calls_and_forms(build: Any, source: str) -> None:
    assert printed(build, M=M) == source


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        1e300,
        5e-324,
        np.inf,
        -np.inf,
        np.nan,
        True,
        -3,
        10**30,
        np.float64(-1.5),
        np.float32(0.1),
        np.int64(4),
        np.bool_(True),
    ],
)
def test_literals_read_back(value: Any) -> None:
    text, _ = literal(value)
    back = eval(text, {"np": np})
    np.testing.assert_array_equal(back, value)
    assert np.signbit(float(back)) == np.signbit(float(value))


@pytest.mark.parametrize(
    "value",
    [
        None,
        ...,
        (),
        (1,),
        (1, (2, -3)),
        slice(None),
        slice(1, None, -1),
        "a'\"\\\n",
        np.dtype("float32"),
        np.dtype(">f4"),
        np.dtype("<i2"),
        np.dtype(np.float16),
        np.dtype(np.longdouble),
        np.dtype(np.longdouble).newbyteorder(),
        np.uint8,
        np.dtype(bool),
        True,
        2.5,
    ],
)
def test_metadata_reads_back(value: Any) -> None:
    assert eval(constant(value), {"np": np}) == value
