"""Programs whose pages compute: of scalars and arrays, with shared values, a branch, integers, and of second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygraph as tg
from tests.drawings import logistic, neuron, numbers, softmax


def two_moons() -> tg.Graph:
    """A perceptron of two layers on points of two half circles."""
    angle = np.linspace(0, np.pi, 10)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    X, y = tg.constant(np.vstack([upper, [1, 0.5] - upper])), tg.constant(np.repeat([0.0, 1.0], 10))
    W1, b1 = tg.parameter(numbers(2, 4)), tg.parameter(np.zeros(4))
    w2, b2 = tg.parameter(numbers(4)), tg.parameter(0.1)
    Z = X @ W1 + b1
    A = np.tanh(Z)
    p = tg.sigmoid(A @ w2 + b2)
    L = tg.binary_cross_entropy(p, y)
    return tg.Graph(L, names=locals())


def recurrence() -> tg.Graph:
    w, u, h = tg.parameter(0.5), tg.parameter(0.3), tg.constant(0.1)
    states = []
    for x in (1.0, -2.0, 0.5, 0.25):
        h = np.tanh(w * h + u * x)
        states.append(h)
    L = (h - 1) ** 2
    return tg.Graph(L, names={"w": w, "u": u, "h": states, "L": L})


def residual() -> tg.Graph:
    x, W, g = tg.constant(numbers(3, 4)), tg.parameter(numbers(4, 4) / 2), tg.parameter(np.float32(0.75))
    h = x + g * tg.relu(x @ W)
    n = (h - np.mean(h, axis=1, keepdims=True)) / np.std(h, axis=1, keepdims=True)
    L = np.mean(n**3) + np.max(h)
    return tg.Graph(L, names=locals())


def attention() -> tg.Graph:
    X = tg.constant(numbers(3, 4))
    Q, K, V = (tg.parameter(numbers(4, 2) * scale) for scale in (1.0, 0.5, -0.75))
    S = (X @ Q) @ (X @ K).T / np.sqrt(2)
    P = tg.softmax(S, axis=1)
    O = P @ (X @ V)
    L = np.sum(O**2)
    return tg.Graph(L, names=locals())


def branch() -> tg.Graph:
    x, w, n = tg.constant(1.5), tg.parameter(0.5), tg.constant(3)
    z = w * x
    a = z * n if z > 0 else z * 0.1
    hit = a > 2
    L = (a - 1) ** 2 + tg.mean_squared_error(np.where(hit, a, 0.0), 1.0)
    return tg.Graph(L, names=locals())


def second_order() -> tg.Graph:
    x, y = tg.parameter(0.7), tg.parameter(-1.2)
    f = np.sin(x) * y**2 + np.exp(x * y)
    graph = tg.Graph(f, names={"x": x, "y": y, "f": f})
    graph.backprop(of=graph.backprop()[x])
    return graph


def scalars() -> tg.Graph:
    a, b, c = tg.parameter(1.25), tg.parameter(-0.5), tg.constant(4.0)
    d = a * b
    e = d / (c - d) - np.log(c + a)
    f = np.maximum(e, d) * np.abs(b)
    L = f**2 + d * e
    return tg.Graph(L, names=locals())


PROGRAMS: dict[str, Callable[[], Any]] = {
    "neuron": neuron, "logistic": logistic, "softmax": softmax, "two moons": two_moons, "recurrence": recurrence,
    "residual": residual, "attention": attention, "branch": branch, "second order": second_order, "scalars": scalars,
}  # fmt: skip
