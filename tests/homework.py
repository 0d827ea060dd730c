"""Homework: programs of courses, and their backward passes as students write them in NumPy, statement by statement."""

import ast
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg

Values = dict[str, Any]
Change = tuple[str, str]


class Program(NamedTuple):
    """A forward pass, which computes on arrays and records on nodes, and a student's backward pass.

    Each line of `backward` reads what the student computed before it, so that a slip spreads as it does in homework. `others` has
    statements that may also be written otherwise, `rows` the axis of the examples in the data that have one, and `balance` the
    name of a bias that can be put where its own gradient is 0.
    """

    forward: Callable[..., Values]
    data: Callable[[np.random.Generator, float], Values]
    parameters: str
    backward: str
    others: Mapping[str, tuple[str, ...]] = {}
    rows: Mapping[str, int] = {}
    balance: str = ""

    @property
    def name(self) -> str:
        """The name of the function of the forward pass."""
        return self.forward.__name__

    @property
    def loss(self) -> str:
        """The name of the output."""
        return "J" if "J" in self.forward.__code__.co_varnames else "L"


def neuron(x1: Any, x2: Any, w1: Any, w2: Any, b: Any, y: Any) -> Values:
    z = w1 * x1 + w2 * x2 + b
    a = 1 / (1 + np.exp(-z))
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return locals()


def neuron_data(rng: np.random.Generator, scale: float) -> Values:
    x1, x2 = rng.normal(size=2) * scale
    w1, w2 = rng.uniform(0.2, 1.0, 2) / scale
    return {"x1": x1, "x2": x2, "w1": w1, "w2": w2, "b": np.float64(0.2), "y": np.float64(1.0)}


NEURON = Program(
    neuron, neuron_data, "w1 w2 b",
    """
da = -y / a + (1 - y) / (1 - a)
dz = da * a * (1 - a)
dw1 = dz * x1
dw2 = dz * x2
db = dz
""",
    {
        "da": ("(a - y) / (a * (1 - a))", "-(y / a - (1 - y) / (1 - a))"),
        "dz": ("a - y", "da * np.exp(-z) / (1 + np.exp(-z)) ** 2", "da * sigmoid(z) * (1 - sigmoid(z))", "da * (a - a**2)"),
        "dw1": ("x1 * (a - y)",),
        "db": ("a - y", "da * a * (1 - a)"),
    },
)  # fmt: skip


def loop_over_examples(X: Any, y: Any, w1: Any, w2: Any, b: Any) -> Values:
    m = len(y)
    J: Any = 0
    for i in range(m):
        z = w1 * X[i, 0] + w2 * X[i, 1] + b
        a = 1 / (1 + np.exp(-z))
        J += -(y[i] * np.log(a) + (1 - y[i]) * np.log(1 - a))
    J = J / m
    return locals()


def loop_data(rng: np.random.Generator, scale: float) -> Values:
    X, y = rng.normal(size=(5, 2)) * scale, rng.permutation([1.0, 0.0, 1.0, 0.0, 1.0])
    w1, w2 = rng.uniform(0.2, 1.0, 2) / scale
    return {"X": X, "y": y, "w1": w1, "w2": w2, "b": np.float64(0.2)}


LOOP = Program(
    loop_over_examples, loop_data, "w1 w2 b",
    """
dw1 = dw2 = db = X[0, 0] * 0
for i in range(m):
    z = w1 * X[i, 0] + w2 * X[i, 1] + b
    a = 1 / (1 + np.exp(-z))
    dz = (a - y[i]) / m
    if i < m - 1:
        each[f"dz_{i + 1}"] = dz
    dw1 += dz * X[i, 0]
    dw2 += dz * X[i, 1]
    db += dz
""",
    {"dz": ("1 / m * (a - y[i])", "(-y[i] / a + (1 - y[i]) / (1 - a)) / m * a * (1 - a)")},
    {"X": 0, "y": 0},
    "b",
)  # fmt: skip


def logistic_regression(X: Any, Y: Any, w: Any, b: Any) -> Values:
    m = X.shape[1]
    Z = w.T @ X + b
    A = 1 / (1 + np.exp(-Z))
    J = -(1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return locals()


def logistic_data(rng: np.random.Generator, scale: float) -> Values:
    X, Y = rng.normal(size=(3, 7)) * scale, rng.permutation([[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]], axis=1)
    return {"X": X, "Y": Y, "w": rng.uniform(-1, 1, (3, 1)) / scale, "b": np.float64(0.3)}


LOGISTIC = Program(
    logistic_regression, logistic_data, "w b",
    """
dA = (-Y / A + (1 - Y) / (1 - A)) / m
dZ = dA * A * (1 - A)
dw = X @ dZ.T
db = np.sum(dZ)
""",
    {
        "dA": ("-(1 / m) * (Y / A - (1 - Y) / (1 - A))", "(A - Y) / (A * (1 - A)) / m"),
        "dZ": ("(A - Y) / m", "1 / m * (A - Y)", "dA * np.exp(-Z) / (1 + np.exp(-Z)) ** 2", "dA * sigmoid(Z) * (1 - sigmoid(Z))"),
        "dw": ("X @ (A - Y).T / m", "np.sum(X * dZ, axis=1, keepdims=True)", "(dZ @ X.T).T",
               "np.einsum('ni,ki->nk', X, dZ)", "sum(X[:, [i]] * dZ[0, i] for i in range(m))"),
        "db": ("np.mean(A - Y)", "(1 / m) * np.sum(A - Y)", "np.cumsum(dZ[0, ::-1])[-1]"),
    },
    {"X": 1, "Y": 1},
    "b",
)  # fmt: skip


def softmax_regression(X: Any, Y: Any, W: Any, b: Any) -> Values:
    Z = X @ W + b
    E = np.exp(Z)
    S = np.sum(E, axis=1, keepdims=True)
    P = E / S
    L = -np.mean(np.sum(Y * np.log(P), axis=1))
    return locals()


def softmax_data(rng: np.random.Generator, scale: float) -> Values:
    X, Y = rng.normal(size=(6, 4)) * scale, np.eye(3)[rng.permutation([0, 1, 2, 2, 1, 1])]
    return {"X": X, "Y": Y, "W": rng.normal(size=(4, 3)) * 0.6 / scale, "b": rng.normal(size=3) * 0.5}


SOFTMAX = Program(
    softmax_regression, softmax_data, "W b",
    """
dP = -Y / P / len(Y)
dS = -np.sum(dP * E, axis=1, keepdims=True) / S**2
dE = dP / S + dS
dZ = dE * E
dW = X.T @ dZ
db = np.sum(dZ, axis=0)
""",
    {
        "dP": ("-(1 / len(Y)) * Y / P", "np.where(Y == 1, -1 / P, 0 * P) / len(Y)"),
        "dS": ("np.sum(Y, axis=1, keepdims=True) / S / len(Y)",),
        "dE": ("(1 / S - Y / E) / len(Y)",),
        "dZ": ("(P - Y) / len(Y)", "P * (dP - np.sum(dP * P, axis=1, keepdims=True))",
               "(np.exp(Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))) - Y) / len(Y)",
               "(np.exp(Z - Z.max(axis=1, keepdims=True) - np.log(np.sum(np.exp(Z - Z.max(axis=1, keepdims=True)), axis=1, "
               "keepdims=True))) - Y) / len(Y)"),
        "dW": ("X.T @ (P - Y) / len(Y)", "np.einsum('mn,mk->nk', X, dZ)", "sum(np.outer(x, d) for x, d in zip(X, dZ))"),
        "db": ("np.mean(P - Y, axis=0)", "dZ[::-1].sum(0)"),
    },
    {"X": 0, "Y": 0},
)  # fmt: skip


def tanh_network(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Values:
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    J = -(1 / m) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return locals()


def tanh_data(rng: np.random.Generator, scale: float) -> Values:
    X, Y = rng.normal(size=(3, 6)) * scale, rng.permutation([[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]], axis=1)
    W1, W2 = rng.normal(size=(5, 3)) * 0.6 / scale, rng.normal(size=(1, 5)) * 0.6
    return {"X": X, "Y": Y, "W1": W1, "b1": rng.normal(size=(5, 1)) * 0.3, "W2": W2, "b2": np.array([[0.2]])}


TANH = Program(
    tanh_network, tanh_data, "W1 b1 W2 b2",
    """
dA2 = (-Y / A2 + (1 - Y) / (1 - A2)) / m
dZ2 = dA2 * A2 * (1 - A2)
dW2 = dZ2 @ A1.T
db2 = np.sum(dZ2, axis=1, keepdims=True)
dA1 = W2.T @ dZ2
dZ1 = dA1 * (1 - A1**2)
dW1 = dZ1 @ X.T
db1 = np.sum(dZ1, axis=1, keepdims=True)
""",
    {
        "dA2": ("(A2 - Y) / (A2 * (1 - A2)) / m", "-(1 / m) * (np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))"),
        "dZ2": ("(A2 - Y) / m", "1 / m * (A2 - Y)"),
        "dW2": ("1 / m * np.dot(A2 - Y, A1.T)", "(A1 @ dZ2.T).T"),
        "db2": ("np.mean(A2 - Y, axis=1, keepdims=True)",),
        "dA1": ("np.outer(W2, dZ2)", "W2.T * dZ2", "np.dot(W2.T, A2 - Y) / m"),
        "dZ1": ("dA1 * (1 - np.power(A1, 2))", "dA1 * (1 - A1) * (1 + A1)", "dA1 / np.cosh(Z1) ** 2",
                "dA1 * (1 - np.tanh(Z1) ** 2)", "dA1 * 4 * sigmoid(2 * Z1) * (1 - sigmoid(2 * Z1))"),
        "dW1": ("np.einsum('hm,nm->hn', dZ1, X)", "sum(np.outer(dZ1[:, i], X[:, i]) for i in reversed(range(m)))"),
        "db1": ("dZ1[:, ::-1].sum(1, keepdims=True)", "(dZ1 @ (X[:1].T * 0 + 1))"),
    },
    {"X": 1, "Y": 1},
)  # fmt: skip


def relu_network(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Values:
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ W2 + b2
    L = np.mean(tg.logsumexp(Z2, axis=1) - np.sum(Y * Z2, axis=1))
    return locals()


def relu_data(rng: np.random.Generator, scale: float) -> Values:
    """Four of everything: examples, features, hidden units and classes."""
    X, Y = rng.normal(size=(4, 4)) * scale, np.eye(4)[rng.permutation([0, 1, 2, 2])]
    W1, W2 = rng.normal(size=(4, 4)) / scale, rng.normal(size=(4, 4)) * 0.8
    return {"X": X, "Y": Y, "W1": W1, "b1": rng.normal(size=4) * 0.3, "W2": W2, "b2": rng.normal(size=4) * 0.3}


RELU = Program(
    relu_network, relu_data, "W1 b1 W2 b2",
    """
dZ2 = (softmax(Z2) - Y) / len(Y)
dW2 = A1.T @ dZ2
db2 = np.sum(dZ2, axis=0)
dA1 = dZ2 @ W2.T
dZ1 = dA1 * (Z1 > 0)
dW1 = X.T @ dZ1
db1 = np.sum(dZ1, axis=0)
""",
    {
        "dZ2": ("(np.exp(Z2 - np.log(np.sum(np.exp(Z2), axis=1, keepdims=True))) - Y) / len(Y)",
                "(np.exp(Z2) / np.exp(Z2).sum(1, keepdims=True) - Y) / len(Y)"),
        "dW2": ("(dZ2.T @ A1).T", "np.einsum('mh,mk->hk', A1, dZ2)"),
        "db2": ("len(Y) * np.mean(dZ2, axis=0)",),
        "dA1": ("(W2 @ dZ2.T).T", "np.einsum('mk,hk->mh', dZ2, W2)"),
        "dZ1": ("np.where(Z1 > 0, dA1, 0 * dA1)", "dA1 * (A1 > 0)", "dA1 * np.sign(A1)"),
        "dW1": ("sum(np.outer(x, d) for x, d in zip(X[::-1], dZ1[::-1]))",),
        "db1": ("dZ1[::-1].sum(0)",),
    },
    {"X": 0, "Y": 0},
)  # fmt: skip


def mean_squared_error(X: Any, y: Any, w: Any, b: Any) -> Values:
    yhat = X @ w + b
    J = np.mean((yhat - y) ** 2)
    return locals()


def regression_data(rng: np.random.Generator, scale: float) -> Values:
    X, w = rng.normal(size=(7, 3)) * scale, rng.normal(size=3)
    return {"X": X, "y": X @ w + rng.normal(size=7) * scale, "w": rng.normal(size=3), "b": np.float64(0.4) * scale}


SQUARES = Program(
    mean_squared_error, regression_data, "w b",
    """
dyhat = 2 * (yhat - y) / len(y)
dw = X.T @ dyhat
db = np.sum(dyhat)
""",
    {
        "dyhat": ("-2 / len(y) * (y - yhat)", "(yhat - y) / (len(y) / 2)"),
        "dw": ("2 / len(y) * X.T @ (yhat - y)", "dyhat @ X", "2 * np.mean((yhat - y)[:, None] * X, axis=0)",
               "sum(d * x for d, x in zip(dyhat, X))"),
        "db": ("2 * np.mean(yhat - y)", "2 * (np.mean(yhat) - np.mean(y))", "np.sum(dyhat[::-1])"),
    },
    {"X": 0, "y": 0},
    "b",
)  # fmt: skip


def half_squared_error(X: Any, y: Any, w: Any, b: Any) -> Values:
    m, lam = len(y), 0.7
    yhat = X @ w + b
    J = 1 / (2 * m) * np.sum((yhat - y) ** 2) + lam / (2 * m) * np.sum(w**2)
    return locals()


def half_data(rng: np.random.Generator, scale: float) -> Values:
    X, w = rng.normal(size=(8, 3)) * scale, rng.normal(size=3)
    return {"X": X, "y": X @ w + rng.normal(size=8) * scale, "w": rng.normal(size=3), "b": np.float64(0.4) * scale}


HALF = Program(
    half_squared_error, half_data, "w b",
    """
dyhat = (yhat - y) / m
dw = X.T @ dyhat + lam / m * w
db = np.sum(dyhat)
""",
    {
        "dyhat": ("-(y - yhat) / m", "1 / m * (yhat - y)"),
        "dw": ("(X.T @ (yhat - y) + lam * w) / m", "lam * w / m + dyhat @ X"),
        "db": ("np.mean(yhat - y)", "np.mean(yhat) - np.mean(y)"),
    },
    {"X": 0, "y": 0},
    "b",
)  # fmt: skip


def shared_value(x: Any, w: Any) -> Values:
    u = w * x
    p = np.sin(u)
    q = u**2 + 1
    L = np.sum(p * q)
    return locals()


def shared_data(rng: np.random.Generator, scale: float) -> Values:
    return {"x": rng.normal(size=5) * scale, "w": (rng.normal(size=5) + 0.3) / scale}


SHARED = Program(
    shared_value, shared_data, "x w",
    """
dp = q
dq = p
du = dp * np.cos(u) + dq * 2 * u
dw = du * x
dx = du * w
""",
    {
        "dp": ("1 + u**2",),
        "dq": ("np.sin(u)",),
        "du": ("2 * u * p + q * np.cos(u)", "np.cos(u) * (1 + u**2) + 2 * u * np.sin(u)",
               "p * (u + u) + q * np.sin(u + np.pi / 2)"),
        "dw": ("x * (q * np.cos(u) + 2 * u * p)",),
    },
)  # fmt: skip


def broadcast_bias(X: Any, T: Any, g: Any, b: Any, c: Any) -> Values:
    S = X * g + b + c
    L = np.mean((S - T) ** 2)
    return locals()


def broadcast_data(rng: np.random.Generator, scale: float) -> Values:
    X, T = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)) * scale
    return {
        "X": X,
        "T": T,
        "g": rng.normal(size=3) * scale,
        "b": rng.normal(size=3) * scale,
        "c": rng.normal(size=(5, 1)) * scale,
    }


BROADCAST = Program(
    broadcast_bias, broadcast_data, "g b c",
    """
dS = 2 * (S - T) / S.size
dg = np.sum(dS * X, axis=0)
db = np.sum(dS, axis=0)
dc = np.sum(dS, axis=1, keepdims=True)
""",
    {
        "dS": ("2 / (S.shape[0] * S.shape[1]) * (S - T)", "-(2 * T - 2 * S) / S.size"),
        "dg": ("np.einsum('ij,ij->j', dS, X)", "np.diag(X.T @ dS)"),
        "db": ("2 / 3 * np.mean(S - T, axis=0)", "dS[::-1].sum(0)"),
        "dc": ("2 / 5 * np.mean(S - T, axis=1, keepdims=True)", "dS[:, ::-1].sum(1)[:, None]"),
    },
    balance="b",
)  # fmt: skip


def convolution(x: Any, t: Any, w: Any, b: Any) -> Values:
    n = len(x) - 2
    z = w[0] * x[0:n] + w[1] * x[1 : n + 1] + w[2] * x[2 : n + 2] + b
    a = tg.relu(z)
    L = 0.5 * np.sum((a - t) ** 2)
    return locals()


def convolution_data(rng: np.random.Generator, scale: float) -> Values:
    x, w = rng.normal(size=9) * scale, rng.normal(size=3)
    return {"x": x, "t": rng.normal(size=7) * scale, "w": w, "b": np.float64(0.3) * scale}


CONVOLUTION = Program(
    convolution, convolution_data, "x w b",
    """
da = a - t
dz = da * (z > 0)
dw = np.zeros_like(w)
dx = np.zeros_like(x)
for k in range(3):
    dw[k] = np.sum(dz * x[k : k + n])
    dx[k : k + n] += dz * w[k]
db = np.sum(dz)
""",
    {
        "da": ("-(t - a)",),
        "dz": ("np.where(z > 0, da, 0 * da)", "da * (a > 0)"),
        "dw[k]": ("dz[::-1] @ x[k : k + n][::-1]",),
        "db": ("sum(dz)", "np.sum(dz[::-1])"),
    },
)  # fmt: skip


def recurrence(x1: Any, x2: Any, x3: Any, y1: Any, y2: Any, y3: Any, h0: Any, W: Any, U: Any, b: Any) -> Values:
    z1 = W @ h0 + U @ x1 + b
    h1 = np.tanh(z1)
    z2 = W @ h1 + U @ x2 + b
    h2 = np.tanh(z2)
    z3 = W @ h2 + U @ x3 + b
    h3 = np.tanh(z3)
    L = 0.5 * (np.sum((h1 - y1) ** 2) + np.sum((h2 - y2) ** 2) + np.sum((h3 - y3) ** 2))
    return locals()


def recurrence_data(rng: np.random.Generator, scale: float) -> Values:
    xs = {f"x{i}": rng.normal(size=2) * scale for i in (1, 2, 3)}
    ys = {f"y{i}": rng.uniform(-1, 1, 3) for i in (1, 2, 3)}
    W, U = rng.normal(size=(3, 3)) * 0.6, rng.normal(size=(3, 2)) * 0.6 / scale
    return xs | ys | {"h0": rng.uniform(-1, 1, 3), "W": W, "U": U, "b": rng.normal(size=3) * 0.3}


RECURRENCE = Program(
    recurrence, recurrence_data, "W U b",
    """
dh3 = h3 - y3
dz3 = dh3 * (1 - h3**2)
dh2 = (h2 - y2) + W.T @ dz3
dz2 = dh2 * (1 - h2**2)
dh1 = (h1 - y1) + W.T @ dz2
dz1 = dh1 * (1 - h1**2)
dW = np.outer(dz1, h0) + np.outer(dz2, h1) + np.outer(dz3, h2)
dU = np.outer(dz1, x1) + np.outer(dz2, x2) + np.outer(dz3, x3)
db = dz1 + dz2 + dz3
""",
    {
        "dz3": ("dh3 / np.cosh(z3) ** 2", "dh3 * (1 - h3) * (1 + h3)"),
        "dh2": ("dz3 @ W + h2 - y2",),
        "dz2": ("(1 - np.tanh(z2) ** 2) * dh2",),
        "dh1": ("W.T @ (dh2 * (1 - h2**2)) + (h1 - y1)",),
        "dW": ("np.outer(dz3, h2) + np.outer(dz2, h1) + np.outer(dz1, h0)",
               "np.stack([dz1, dz2, dz3]).T @ np.stack([h0, h1, h2])"),
        "dU": ("np.stack([dz3, dz2, dz1]).T @ np.stack([x3, x2, x1])",),
        "db": ("dz3 + dz2 + dz1", "np.sum([dz1, dz2, dz3], axis=0)"),
    },
)  # fmt: skip


def batch_normalisation(X: Any, T: Any, gamma: Any, beta: Any) -> Values:
    mu = np.mean(X, axis=0)
    C = X - mu
    v = np.mean(C**2, axis=0)
    s = np.sqrt(v + 1e-5)
    N = C / s
    out = gamma * N + beta
    L = 0.5 * np.sum((out - T) ** 2)
    return locals()


def batch_data(rng: np.random.Generator, scale: float) -> Values:
    X, T = rng.normal(size=(6, 4)) * max(scale, 0.1), rng.normal(size=(6, 4))
    return {"X": X, "T": T, "gamma": rng.uniform(0.5, 1.5, 4), "beta": rng.normal(size=4)}


BATCH = Program(
    batch_normalisation, batch_data, "X gamma beta",
    """
dout = out - T
dbeta = np.sum(dout, axis=0)
dgamma = np.sum(dout * N, axis=0)
dN = dout * gamma
ds = np.sum(-dN * C / s**2, axis=0)
dv = ds / (2 * s)
dC = dN / s + 2 * C * dv / len(X)
dmu = -np.sum(dC, axis=0)
dX = dC + dmu / len(X)
""",
    {
        "dbeta": ("dout[::-1].sum(0)",),
        "dgamma": ("np.einsum('ij,ij->j', dout, N)", "np.sum(dout * (X - X.mean(axis=0)) / s, axis=0)"),
        "ds": ("-np.sum(dN * N, axis=0) / s",),
        "dv": ("0.5 * ds * (v + 1e-5) ** -0.5", "-0.5 * np.sum(dN * C, axis=0) * (v + 1e-5) ** -1.5"),
        "dC": ("(dN - N * np.mean(dN * N, axis=0)) / s",),
        "dX": ("dC - np.mean(dC, axis=0)", "(dN - np.mean(dN, axis=0) - N * np.mean(dN * N, axis=0)) / s"),
    },
    {"X": 0, "T": 0},
)  # fmt: skip

EVERY = (NEURON, LOOP, LOGISTIC, SOFTMAX, TANH, RELU, SQUARES, HALF, SHARED, BROADCAST, CONVOLUTION, RECURRENCE, BATCH)
PROGRAMS = {program.name: program for program in EVERY}


def graph_of(program: Program, data: Values) -> tg.Graph:
    """The graph that the program records, with its gradients."""
    parameters = program.parameters.split()
    leaves = {name: (tg.parameter if name in parameters else tg.constant)(value) for name, value in data.items()}
    values = program.forward(**leaves)
    graph = tg.Graph(values[program.loss], names=values)
    graph.backprop()
    return graph


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(Z: Any) -> Any:
    E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
    return E / np.sum(E, axis=1, keepdims=True)


def logsumexp(Z: Any, axis: int) -> Any:
    return np.log(np.sum(np.exp(Z), axis=axis))


def relu(z: Any) -> Any:
    return np.maximum(0, z)


# What a student has beside NumPy: nothing of tinygraph.
HELPERS = {"np": np, "sigmoid": sigmoid, "softmax": softmax}
OWN_OPS = SimpleNamespace(sigmoid=sigmoid, relu=relu, logsumexp=logsumexp)


def homework(program: Program, data: Values, changes: tuple[Change, ...] = ()) -> Values:
    """What the student computes, value by value and gradient by gradient, from a text in which some pieces are replaced.

    Gradients, and nothing else, have names that begin with d.
    """
    texts = [inspect.getsource(program.forward), program.backward]
    for old, new in changes:
        assert sum(text.count(old) for text in texts) == 1, (program.name, old)
        texts = [text.replace(old, new) for text in texts]
    each: Values = {}
    scope: Values = HELPERS | {"tg": OWN_OPS, "Any": Any, "Values": Values, "each": each}
    with np.errstate(all="ignore"):
        exec(texts[0], scope)
        forward = scope[program.name]
        values: Values = forward(**data)
        scope["loss"] = lambda **changed: forward(**data | changed)[program.loss]
        scope |= values
        before = set(scope)
        exec(texts[1], scope)
    return values | each | {name: value for name, value in scope.items() if name not in before and name.startswith("d")}


def function_of(expression: str, graph: tg.Graph, known: Values) -> Any:
    """An expression as a function of the values of a graph that it reads; other names are those of the student."""
    used = dict.fromkeys(node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name))
    reads = [name for name in used if name in graph.names and name not in known]
    return eval(f"lambda {', '.join(reads)}: {expression}", HELPERS | known)


def computed(graph: tg.Graph) -> list[str]:
    """The names of the values and gradients that a student may give, in the order of the walk."""
    return [statement.name for statement in graph.statements() if statement.name in graph.names]
