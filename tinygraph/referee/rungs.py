"""Programs to test an engine with, each a little harder than the one before: first in scalars, then in arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygraph.graph import Graph
from tinygraph.leaves import constant, parameter
from tinygraph.ops import relu, sigmoid
from tinygraph.wording import suggestion

Part: TypeAlias = Literal["scalars", "arrays"]
Step: TypeAlias = Callable[[Any], Any]  # of the values so far, which are read as attributes


@dataclass(frozen=True, eq=False)
class Rung:
    """One program of the ladder: its `name`, what it `catches`, the `part` it belongs to, and its `graph`."""

    name: str
    catches: str
    part: Part
    leaves: Mapping[str, Any]
    steps: Mapping[str, Step]

    @cached_property
    def graph(self) -> Graph:
        """The recorded program: `X`, `Y` and `y` are constants, the other leaves parameters."""
        known = SimpleNamespace()
        for name, value in self.leaves.items():
            setattr(known, name, (constant if name in DATA else parameter)(value))
        for name, step in self.steps.items():
            setattr(known, name, step(known))
        return Graph(known.L, names=vars(known))

    @property
    def ops(self) -> frozenset[str]:
        """The names of the ops of the program."""
        return frozenset(node.op.name for node in self.graph.forward if node.op is not None)

    def __str__(self) -> str:
        return f"{self.part}: {self.name}"

    def __repr__(self) -> str:
        return f"<rung {self}, which catches {self.catches}>"


DATA = ("X", "Y", "y")


def rungs(part: str | None = None) -> tuple[Rung, ...]:
    """All rungs, or those of one part; `tg.ladder` documents it."""
    if part not in (None, "scalars", "arrays"):
        raise ValueError(f"part={part!r}: {suggestion(str(part), ('scalars', 'arrays'))}")
    return tuple(rung for rung in LADDER if part in (None, rung.part))


def _scalars(name: str, catches: str, leaves: Mapping[str, Any], **steps: Step) -> Rung:
    return Rung(name, catches, "scalars", leaves, steps)


def _arrays(name: str, catches: str, leaves: Mapping[str, Any], **steps: Step) -> Rung:
    return Rung(name, catches, "arrays", {key: np.asarray(x) for key, x in leaves.items()}, steps)


AB = {"a": 2.0, "b": -3.0}
ROWS = [[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]]
SQUARE = [[0.5, -1.2, 2.0], [1.5, 0.3, -0.7], [-0.4, 0.9, 1.1]]
OTHER = np.transpose(SQUARE) + 1
VECTORS = {"a": [1.0, 2.0, 3.0], "b": [4.0, -5.0, 6.0]}
X = [[0.5, -1.2], [1.5, 0.3], [-0.4, 0.9], [1.1, -0.6]]
W = [[0.2, -0.5, 0.8], [0.7, 0.1, -0.3]]
NEURON = {"w1": 0.7, "x1": 1.5, "w2": -0.4, "x2": 2.0, "b": 0.3}

LADDER = (
    _scalars("a + b", "a backward pass that does not start from 1", AB, L=lambda v: v.a + v.b),
    _scalars("a - b", "a missing sign", AB, L=lambda v: v.a - v.b),
    _scalars("a * b", "a derivative by the wrong operand", AB, L=lambda v: v.a * v.b),
    _scalars("(a * b + c) * d", "a forgotten upstream gradient", AB | {"c": 10.0, "d": -2.0},
        z=lambda v: v.a * v.b, s=lambda v: v.z + v.c, L=lambda v: v.s * v.d),
    _scalars("a + a", "contributions that overwrite each other, in one op", {"a": 3.0}, L=lambda v: v.a + v.a),
    _scalars("a value with two readers", "contributions that overwrite each other", AB,
        z=lambda v: v.a * v.b, s=lambda v: v.z + v.a, L=lambda v: v.s * v.z),
    _scalars("readers of different depth", "a gradient that is passed on before it is complete", {"a": 2.0, "b": 0.5},
        z=lambda v: v.a * v.b, s=lambda v: v.z * v.a, t=lambda v: v.s + v.b, u=lambda v: v.t * v.s, L=lambda v: v.z + v.u),
    _scalars("2 * a + 1", "numbers that are no leaves", {"a": 3.0}, z=lambda v: 2 * v.a, L=lambda v: v.z + 1),
    _scalars("1 - a", "a number as the first operand", {"a": 3.0, "b": 0.5}, z=lambda v: 1 - v.a, L=lambda v: v.z * v.b),
    _scalars("-a * b", "the sign of a negative", AB, z=lambda v: -v.a, L=lambda v: v.z * v.b),
    _scalars("a ** 3", "the factor and the exponent of a power", {"a": 1.7, "b": 0.4},
        z=lambda v: v.a**3, L=lambda v: v.z * v.b),
    _scalars("a / b", "the derivative by a denominator", {"a": 2.0, "b": -4.0, "c": 3.0},
        z=lambda v: v.a / v.b, L=lambda v: v.z * v.c),
    _scalars("exp(a) * b", "the derivative of exp", {"a": 0.6, "b": -2.0}, z=lambda v: np.exp(v.a), L=lambda v: v.z * v.b),
    _scalars("log(a) * b", "the derivative of log", {"a": 2.5, "b": -2.0}, z=lambda v: np.log(v.a), L=lambda v: v.z * v.b),
    _scalars("tanh(a) * b", "a derivative at z in place of tanh(z)", {"a": 0.8, "b": 3.0},
        z=lambda v: np.tanh(v.a), L=lambda v: v.z * v.b),
    _scalars("sigmoid(a) * b", "a derivative at z in place of σ(z)", {"a": 0.8, "b": 3.0},
        z=lambda v: sigmoid(v.a), L=lambda v: v.z * v.b),
    _scalars("relu of both signs", "a gradient that passes where relu is 0", {"a": -1.5, "b": 2.5, "c": 3.0},
        p=lambda v: relu(v.a), q=lambda v: relu(v.b), s=lambda v: v.p + v.q, L=lambda v: v.s * v.c),
    _scalars("a neuron", "slips that show in longer chains alone", NEURON,
        p=lambda v: v.w1 * v.x1, q=lambda v: v.w2 * v.x2, s=lambda v: v.p + v.q, z=lambda v: v.s + v.b, L=lambda v: np.tanh(v.z)),
    _scalars("the loss of a neuron", "slips at the end of a chain", NEURON | {"y": 0.8},
        p=lambda v: v.w1 * v.x1, q=lambda v: v.w2 * v.x2, s=lambda v: v.p + v.q, z=lambda v: v.s + v.b, a=lambda v: sigmoid(v.z),
        l=lambda v: np.log(v.a), r=lambda v: 1 - v.a, k=lambda v: np.log(v.r), t=lambda v: v.y * v.l, n=lambda v: 1 - v.y,
        u=lambda v: v.n * v.k, c=lambda v: v.t + v.u, L=lambda v: -v.c),
    _scalars("a network of two layers", "gradients that meet again", NEURON | {"u1": -0.9, "u2": 0.6, "y": 0.5},
        p=lambda v: v.w1 * v.x1, q=lambda v: v.w2 * v.x1, z1=lambda v: v.p + v.b, z2=lambda v: v.q - v.b, h1=lambda v: relu(v.z1),
        h2=lambda v: relu(v.z2), s=lambda v: v.h1 * v.u1, t=lambda v: v.h2 * v.u2, o=lambda v: v.s + v.t, e=lambda v: v.o - v.y,
        L=lambda v: v.e**2),
    _arrays("sum(a + b)", "a sum that does not pass its gradient on to all entries", VECTORS,
        z=lambda v: v.a + v.b, L=lambda v: np.sum(v.z)),
    _arrays("sum(a * b)", "a product of matrices in place of entries", {"a": SQUARE, "b": OTHER},
        z=lambda v: v.a * v.b, L=lambda v: np.sum(v.z)),
    _arrays("an array with two readers", "one array as the gradient of two values", VECTORS,
        s=lambda v: v.a + v.b, t=lambda v: v.s + v.a, z=lambda v: v.t * v.s, L=lambda v: np.sum(v.z)),
    _arrays("a number and an array", "a broadcast number whose gradient is not summed", {"a": 1.5, "b": [4.0, -5.0, 6.0]},
        z=lambda v: v.a * v.b, L=lambda v: np.sum(v.z)),
    _arrays("a bias for each column", "a broadcast row whose gradient is not summed", {"a": ROWS, "b": [0.1, 0.2, -0.3]},
        z=lambda v: v.a + v.b, q=lambda v: v.z * v.z, L=lambda v: np.sum(v.q)),
    _arrays("a bias for each row of a square", "a sum over the wrong axis", {"a": SQUARE, "b": [[0.1], [0.2], [-0.3]]},
        z=lambda v: v.a + v.b, q=lambda v: v.z * v.z, L=lambda v: np.sum(v.q)),
    _arrays("sums of columns", "a gradient that is spread along the wrong axis", {"a": SQUARE, "c": [1.0, -2.0, 0.5]},
        s=lambda v: np.sum(v.a, axis=0), z=lambda v: v.s * v.c, L=lambda v: np.sum(v.z)),
    _arrays("means of rows", "the 1/n of a mean", {"a": ROWS},
        m=lambda v: np.mean(v.a, axis=1, keepdims=True), d=lambda v: v.a - v.m, q=lambda v: v.d * v.d, L=lambda v: np.mean(v.q)),
    _arrays("X @ w", "the product of a matrix and a vector", {"X": X, "w": [0.7, -0.4], "c": [1.0, -2.0, 0.5, 3.0]},
        z=lambda v: v.X @ v.w, p=lambda v: v.z * v.c, L=lambda v: np.sum(v.p)),
    _arrays("A @ B of squares", "transposed or swapped operands", {"A": SQUARE, "B": OTHER, "c": np.flip(SQUARE)},
        z=lambda v: v.A @ v.B, p=lambda v: v.z * v.c, L=lambda v: np.sum(v.p)),
    _arrays("a @ b of vectors", "a product of vectors", VECTORS, L=lambda v: v.a @ v.b),
    _arrays("a transpose", "a gradient that is not transposed back", {"A": SQUARE, "c": np.flip(SQUARE)},
        T=lambda v: v.A.T, p=lambda v: v.T * v.c, L=lambda v: np.sum(v.p)),
    _arrays("exp, log and tanh", "ops that work on numbers alone", {"a": [0.5, 1.5, 2.5]},
        n=lambda v: -v.a, p=lambda v: np.exp(v.n),
        q=lambda v: np.log(v.a), r=lambda v: np.tanh(v.q), z=lambda v: v.p * v.r, L=lambda v: np.sum(v.z)),
    _arrays("relu and sigmoid", "a choice that is made for the whole array", {"a": ROWS},
        p=lambda v: relu(v.a), q=lambda v: sigmoid(v.a), z=lambda v: v.p * v.q, L=lambda v: np.sum(v.z)),
    _arrays("float32", "results in another dtype", {"a": np.array(ROWS, np.float32), "b": np.array([0.1, 0.2, -0.3], np.float32)},
        p=lambda v: 2 * v.a, s=lambda v: v.p + v.b, z=lambda v: np.tanh(v.s), L=lambda v: np.sum(v.z)),
    _arrays("linear regression", "the factors of a mean of squares",
        {"X": X, "w": [0.7, -0.4], "b": 0.3, "y": [1.0, 0.0, 2.0, -1.0]},
        s=lambda v: v.X @ v.w, z=lambda v: v.s + v.b, e=lambda v: v.z - v.y, q=lambda v: v.e**2, L=lambda v: np.mean(v.q)),
    _arrays("logistic regression", "slips in a cross-entropy",
        {"X": X, "w": [0.7, -0.4], "b": 0.3, "y": [1.0, 0.0, 1.0, 0.0]},
        s=lambda v: v.X @ v.w, z=lambda v: v.s + v.b, a=lambda v: sigmoid(v.z), l=lambda v: np.log(v.a), r=lambda v: 1 - v.a,
        k=lambda v: np.log(v.r), t=lambda v: v.y * v.l, n=lambda v: 1 - v.y, u=lambda v: v.n * v.k, c=lambda v: v.t + v.u,
        m=lambda v: np.mean(v.c), L=lambda v: -v.m),
    _arrays("softmax regression", "a denominator that is one value with many readers",
        {"X": X, "W": W, "Y": np.eye(3)[[0, 2, 1, 0]]},
        Z=lambda v: v.X @ v.W, E=lambda v: np.exp(v.Z), S=lambda v: np.sum(v.E, axis=1, keepdims=True), P=lambda v: v.E / v.S,
        l=lambda v: np.log(v.P), t=lambda v: v.Y * v.l, c=lambda v: np.sum(v.t, axis=1), m=lambda v: np.mean(v.c),
        L=lambda v: -v.m),
    _arrays("a network of two layers", "everything together",
        {"X": X, "W1": W, "b1": [0.1, 0.2, -0.3], "W2": [[0.4], [-0.6], [0.9]], "b2": 0.2, "Y": [[1.0], [0.0], [1.0], [0.0]]},
        S1=lambda v: v.X @ v.W1, Z1=lambda v: v.S1 + v.b1, H=lambda v: np.tanh(v.Z1), S2=lambda v: v.H @ v.W2,
        Z2=lambda v: v.S2 + v.b2, E=lambda v: v.Z2 - v.Y, Q=lambda v: v.E**2, L=lambda v: np.mean(v.Q)),
)  # fmt: skip
