"""Graphs to compile, and what a compiled one is compared with: the values and gradients of a recording at other sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg


class Model(NamedTuple):
    """A loss of some parameters and data, and what these are for a number of rows."""

    loss: Callable[..., Any]
    parameters: Callable[[np.random.Generator], dict[str, Any]]
    data: Callable[[np.random.Generator, int], dict[str, Any]]

    def values(self, rows: int, seed: int = 0) -> dict[str, Any]:
        """Parameters and data."""
        return self.parameters(np.random.default_rng(seed)) | self.data(np.random.default_rng(seed + 1), rows)

    def recorded(self, values: Mapping[str, Any]) -> tuple[tg.Graph, list[tg.Node]]:
        """The graph at these values, and its parameters."""
        names = self.parameters(np.random.default_rng(0))
        nodes = {name: (tg.parameter if name in names else tg.constant)(value) for name, value in values.items()}
        L = self.loss(**nodes)
        return tg.Graph(L, names=nodes | {"L": L}), [nodes[name] for name in names]


def points(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    X = rng.normal(size=(rows, 3))
    return {"X": X, "y": (X[:, 0] > 0).astype(float)}


def classes(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    return {"X": rng.normal(size=(rows, 3)), "y": rng.integers(0, 4, rows)}


def rows_of_classes(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    return {"X": rng.normal(size=(rows, 3)), "Y": np.eye(4)[rng.integers(0, 4, rows)]}


def line(rng: np.random.Generator) -> dict[str, Any]:
    return {"w": rng.normal(size=3), "b": rng.normal()}


def layers(rng: np.random.Generator) -> dict[str, Any]:
    shapes = {"W1": (3, 5), "b1": (5,), "W2": (5, 4), "b2": (4,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def matrix(rng: np.random.Generator) -> dict[str, Any]:
    return {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}


def hand_written(X: Any, y: Any, w: Any, b: Any) -> Any:
    a = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def two_layers(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return tg.softmax_cross_entropy(tg.relu(X @ W1 + b1) @ W2 + b2, Y)


def recurrence(X: Any, y: Any, w: Any, b: Any) -> Any:
    h = b * y
    for _ in range(5):
        h = np.tanh(h + X @ w)
    return np.mean((h - y) ** 2)


def normalised(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Needs sums over all rows before it computes a row."""
    return np.mean(tg.softplus(((X - np.mean(X, axis=0)) / np.std(X, axis=0)) @ w + b) * y)


def columns(X: Any, y: Any, w: Any, b: Any) -> Any:
    """Takes columns and puts them together, and casts."""
    Z = np.concatenate([X[:, :1], np.stack([X[:, 1], X[:, 2] ** 2], axis=1)], axis=1)
    right = (Z @ w > 0) == (y > 0.5)
    return np.mean((Z @ w[:, None] + b - y.reshape(-1, 1)) ** 2) + np.mean(right) + np.mean((X[:, 0] > 0).astype(float) * y)


MODELS = {
    "columns": Model(columns, line, points),
    "logistic regression": Model(lambda X, y, w, b: tg.binary_cross_entropy_with_logits(X @ w + b, y), line, points),
    "logistic regression by hand": Model(hand_written, line, points),
    "from probabilities": Model(lambda X, y, w, b: tg.binary_cross_entropy(tg.sigmoid(X @ w + b), y), line, points),
    "linear regression": Model(lambda X, y, w, b: np.sum((X @ w + b - y) ** 2) / 7 + 0.1 * np.sum(w**2), line, points),
    "softmax": Model(lambda X, Y, W, b: tg.softmax_cross_entropy(X @ W + b, Y), matrix, rows_of_classes),
    "softmax of labels": Model(lambda X, y, W, b: tg.softmax_cross_entropy(X @ W + b, y), matrix, classes),
    "two layers": Model(two_layers, layers, rows_of_classes),
    "variance": Model(lambda X, y, w, b: np.var(np.tanh(X * w), axis=0, ddof=1) @ w + b * np.std(y), line, points),
    "rows that look alike": Model(recurrence, line, points),
    "normalised": Model(normalised, line, points),
    "an entry of each row": Model(lambda X, y, W, b: np.mean(tg.logsumexp(X @ W + b, axis=1) - W[0][y]), matrix, classes),
    "products of rows": Model(lambda X, y, w, b: np.einsum("ij,ik,j,k->", X, X, w, w) + b * np.sum(np.outer(y, w)), line, points),
    "a running sum": Model(lambda X, y, w, b: np.mean(np.cumsum(X @ w, axis=0) * y) + b, line, points),
}  # fmt: skip


def assert_same(found: Any, expected: Any, tolerance: float = 1e-10) -> None:
    """Equal to rounding of the largest entry, with equal shapes and dtypes."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)
