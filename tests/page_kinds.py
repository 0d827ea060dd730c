"""Graphs of every kind that a page shows, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import numbers, perceptron
from tests.live_programs import PROGRAMS


def moons(examples: int) -> tuple[Any, Any]:
    """Points of two half circles, and the circle that each is of."""
    angle = np.linspace(0, np.pi, examples // 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.concatenate([upper, [1, 0.5] - upper]), np.repeat([0.0, 1.0], examples // 2)


def perceptron_on_moons() -> tg.Graph:
    """Two layers of 16 on 200 points."""
    points, labels = moons(200)
    X, y = tg.constant(points), tg.constant(labels)
    W1, b1, W2, b2 = (tg.parameter(numbers(*shape) / 2) for shape in [(2, 16), (16,), (16, 16), (16,)])
    w3, b3 = tg.parameter(numbers(16) / 2), tg.parameter(0.1)
    A1 = np.tanh(X @ W1 + b1)
    A2 = np.tanh(A1 @ W2 + b2)
    z = A2 @ w3 + b3
    L = tg.binary_cross_entropy_with_logits(z, y)
    return tg.Graph(
        L, names={"X": X, "y": y, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "w3": w3, "b3": b3, "A1": A1, "A2": A2, "z": z, "L": L}
    )


def folded() -> tg.Graph:
    """A perceptron whose layers are modules."""
    return perceptron(layers=4)


def recurrence() -> tg.Graph:
    """A loop of 30 steps."""
    w, u, h = tg.parameter(0.5), tg.parameter(0.3), tg.constant(0.1)
    for i in range(30):
        x = tg.constant(float(i % 3))
        h = np.tanh(w * h + u * x)
    L = h**2
    return tg.Graph(L, names={"w": w, "u": u, "h": h, "x": x, "L": L})


def not_a_number() -> tg.Graph:
    """A logarithm of a negative number on the way to the loss."""
    w, x = tg.parameter([-0.5, 2.0]), tg.constant([1.0, 1.5])
    z = w * x
    with np.errstate(all="ignore"):
        a = np.log(z)
        L = np.sum(a)
        return tg.Graph(L, names={"w": w, "x": x, "z": z, "a": a, "L": L})


def scalar_moons() -> tg.Graph:
    """Two moons point by point, with every weight a scalar."""
    points, labels = moons(10)
    w = [[tg.parameter(0.3 * i - 0.4 * j) for i in range(2)] for j in range(3)]
    v, c = [tg.parameter(0.5 - 0.4 * j) for j in range(3)], tg.parameter(0.1)
    L: Any = 0.0
    for (p, q), y in zip(points, labels, strict=True):
        h = [np.tanh(w[j][0] * p + w[j][1] * q) for j in range(3)]
        z = v[0] * h[0] + v[1] * h[1] + v[2] * h[2] + c
        L = L + np.logaddexp(0.0, z) - y * z
    return tg.Graph(L, names={"w": w, "v": v, "c": c, "L": L})


def failed() -> tg.Graph:
    """What was recorded before a product of matrices that do not fit."""
    X, w = tg.constant(numbers(6, 2)), tg.parameter(numbers(3))
    h = np.tanh(X * 2)
    with pytest.raises(tg.OpError) as raised:
        h @ w
    graph = raised.value.graph
    assert graph is not None
    return graph


KINDS: dict[str, Callable[[], tg.Graph]] = {
    **{name: PROGRAMS[name] for name in ("neuron", "logistic", "softmax", "residual", "attention", "branch", "second order")},
    "perceptron on moons": perceptron_on_moons, "folded": folded, "recurrence": recurrence, "not a number": not_a_number,
    "moons in scalars": scalar_moons, "failed op": failed,
}  # fmt: skip
