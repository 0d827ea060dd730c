"""Answers to questions of the quiz, and what is said of them: one table, for the kernel's quiz and for that of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from tests.drawings import logistic, neuron, numbers, perceptron, softmax
from tests.live_programs import PROGRAMS
from tinygraph.stepping.quiz import Quiz


def shared() -> tg.Graph:
    """A value that two others read."""
    w, x = tg.parameter(0.5), tg.constant(2.0)
    u = w * x
    v = u**2
    L = v * 3 - np.sin(u)
    return tg.Graph(L, names={"w": w, "x": x, "u": u, "v": v, "L": L})


def unit_upstream() -> tg.Graph:
    p = tg.parameter(1.5)
    q, r = p * 2, p**2
    L = q + r * 3
    return tg.Graph(L, names=locals())


def decayed() -> tg.Graph:
    """A weight that goes into a product and into its own decay."""
    X, W = tg.constant(numbers(4, 2)), tg.parameter(numbers(2, 3))
    Z = X @ W
    L = np.sum(np.tanh(Z)) + 0.01 * np.sum(W**2)
    return tg.Graph(L, names=locals())


def unbatched() -> tg.Graph:
    """One example, a vector of features."""
    x, y, w = tg.constant([1.0, 2.0, 3.0]), tg.constant(1.0), tg.parameter([0.1, 0.2, 0.3])
    z = w @ x
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names=locals())


def mixed() -> tg.Graph:
    """Truth values, integers and single precision."""
    m, k = tg.constant([True, False, True]), tg.constant([2, 0, 1])
    w, x = tg.parameter([0.5, -1.5, 2.0]), tg.parameter(np.array([0.25, 3.0, -0.75], np.float32))
    u = w[k] * m
    v = x * k
    L = np.sum(u * v)
    return tg.Graph(L, names=locals())


class Case(NamedTuple):
    """An answer to the question of that name about a graph; what is said of it begins or ends with `said`, or has it."""

    make: Callable[[], Any]
    name: str
    text: str
    right: bool
    said: str = ""
    counted: bool = True


def _right() -> Iterator[Case]:
    for text in (
        "a - y", "-y + a", "da*a*(1-a)", "da * sigmoid(z) * (1 - np.exp(np.log(a)))", "(a*a - y*a)/a", "dL*(a-y)**3/(a-y)**2",
        "-0.426", "-1.741*0.2445", "a − y", "a - y;", "(a - y).T", "np.sum(a - y)", "  a\t- y ", "(a\n - y)", "tg.sigmoid(z) - y",
        "np.subtract(a, y)", "a - y + 0*1e3.T", "(a - y) * 0x10 / 16", "+a - +y",
        "σ(z) - y", "ln(exp(a - y))", "pow(a, 1) - y", "(a - y) * (2**-1 + .5)", "np.reshape(a - y, ())", "max(a - y)",
    ):  # fmt: skip
        yield Case(neuron, "dz", text, True, "dz = da * a * (1 - a) = -0.426: right")
    for text in ("a" + " - 0" * 900 + " - y", "-" * 1800 + "a - y", "(" * 90 + "a" + ")" * 90 + " - y", "1**" * 900 + "1*a - y"):
        yield Case(neuron, "dz", text, True, ": right")
    for make, name, text in (
        (logistic, "dz", "(a - y) / len(y)"), (logistic, "dz", "(a - y) / y.size"), (logistic, "dz", "(a - y) / y.shape[0]"),
        (logistic, "dz", "(a - y).astype(np.float32) / len(y)"), (logistic, "dz", "(a[::-1] - y[::-1])[::-1] / 8"),
        (logistic, "dz", "np.concatenate([a[:3] - y[:3], a[3:] - y[3:]]) / 8"),
        (logistic, "dz", "np.stack([a, y])[0] / 8 - y / 8"),
        (logistic, "dz", "da * a * (1 - a) * np.ones_like(y)"), (logistic, "dw", "dot(dz, X)"), (logistic, "dw", "X.T @ dz"),
        (logistic, "dw", "np.einsum('i,ij->j', dz, X)"), (logistic, "dw", "np.sum(np.reshape(dz, (8, 1)) * X, 0)"),
        (logistic, "dw", "np.sum(dz[:, None] * X, axis=0)"), (logistic, "dw", "np.transpose(X) @ dz"),
        (logistic, "db", "mean(a - y)"), (softmax, "dZ", "(exp(Z) / np.sum(exp(Z), axis=1, keepdims=True) - Y) / len(X)"),
        (softmax, "dZ", "(softmax(Z) - Y) / len(Y)"), (softmax, "dZ", "(exp(log_softmax(Z, axis=1)) - Y) / len(Y)"),
        (softmax, "dZ", "(exp(Z - logsumexp(Z, axis=-1, keepdims=True)) - Y) / 8"),
        (perceptron, "dZ1", "dA1 * (1 - A1) * (1 + A1)"), (perceptron, "dA1", "(W2 @ dZ2.T).T"), (shared, "du", "6*u - cos(u)"),
        (decayed, "dW", "np.dot(X.T, dZ) + W / 50"), (unit_upstream, "dp", "2 + 6*p"), (unit_upstream, "dq", "dL / dL"),
        (mixed, "dw", "scatter_like(du * m, w, k, template=(ARRAY,))"), (mixed, "dx", "dv * k"), (mixed, "dv", "u + 0 * (x > 1)"),
    ):  # fmt: skip
        yield Case(make, name, text, True, ": right")
    yield Case(neuron, "w1", "up", True, "w1: up, because dw1 = -0.851: right")
    yield Case(neuron, "w2", "down", True, "w2: down, because dw2 = 0.426: right")
    yield Case(logistic, "w", "up", True, "w[0]: up, because dw[0] = -0.08046603422: right")


def _wrong() -> Iterator[Case]:
    for make, name, text, said in (
        (neuron, "dz", "0.426", "The sign is wrong"),
        (neuron, "dz", "y - a", "The sign is wrong"),
        (neuron, "dz", "0.2445", "It is the local derivative alone: the upstream gradient is forgotten"),
        (neuron, "dz", "a * (1 - a)", "It is the local derivative alone: the upstream gradient is forgotten"),
        (neuron, "dz", "-0.2445", "the upstream gradient is forgotten; also, the sign is wrong"),
        (neuron, "dz", "da", "It is the upstream gradient alone: the local derivative is forgotten"),
        (neuron, "dz", "-5", "The sign is right, the size is not"),
        (neuron, "dz", "5", "Even the sign is off"),
        (neuron, "dz", "0", "The size is not right"),
        (neuron, "dz", "-0.43", "The sign is right, the size is not"),
        (neuron, "dz", "a - 1", "It is right for these numbers only"),
        (neuron, "dz", "(a - y) * x1 / 2", "It is right for these numbers only"),
        (neuron, "dz", "a - y + 0*x1 + 1e-4", "It is something else"),
        (neuron, "dz", "-0.426 * a / a", "It is something else"),
        (neuron, "dz", "da * a", "It is something else"),
        (unit_upstream, "dp", "2 * dq", "It counts the use of p in q alone: add its other uses"),
        (decayed, "dW", "X.T @ dZ", "It counts the use of W in Z alone: add its other uses"),
        (shared, "du", "6*u", "It counts the use of u in v alone: add its other uses"),
        (unbatched, "dz", "3 * (a - y)", "It is something else"),
        (logistic, "dz", "a - y", "It is 8 times too large: is a division by len(y) missing?"),
        (logistic, "dw", "dz @ X * 8", "It is 8 times too large"),
        (logistic, "dw", "X @ w", "It has the shape (8,), and dw has (2,)"),
        (logistic, "dz", "X", "It has the shape (8, 2), and dz has (8,)"),
        (logistic, "dz", "(a - y)[:, None] / 8", "It has the shape (8, 1), and dz has (8,)"),
        (softmax, "dZ", "(softmax(Z, axis=0) - Y) / 8", "It is something else"),
        (mixed, "dx", "-dv * k", "The sign is wrong"),
        (neuron, "w1", "down", "w1: not yet. The update subtracts: w1 := w1 - η * dw1"),
        (neuron, "w1", "stays", "w1: not yet. The update subtracts: w1 := w1 - η * dw1"),
    ):
        yield Case(make, name, text, False, said)


def _not_counted() -> Iterator[Case]:
    for text, said in (
        ("", "there is no formula"), ("   ", "there is no formula"), ('__import__("os")', "`__import__` is no function here"),
        ("1e999", "column 1: `1e999` is too large for a number"), ("nan", "column 1: `nan` has no value"),
        ("np.nan", "an answer must be finite"), ("1/0", "an answer must be finite"), ("x" * 10_000, "has no value"),
        ("x+" * 9_000, "at most 10,000"), ("(" * 500, "too long or nested too deeply"), ("-" * 5000 + "a", "too long or nested"),
        ("dz", "column 1: dz is the gradient to predict"), ("dz + 0", "column 1: dz is the gradient to predict"),
        ("dw1 / x1", "column 1: dw1 is not revealed yet"), ("2 * q", "column 5: `q` has no value: there are x1, x2, y"),
        ("dz = a - y", "give one formula, without a name before it"), ("u = a; u - y", "give one formula"),
        ("log(-a*a)", "not a finite number on any leaves"),
        ("a @ y", "column 1: matmul"), ("sum(a, axis=3)", "axis 3 is out of bounds"),
        ("exp + 1", "column 1: `exp` is a function, not a value"), ("np * 2", "column 1: `np` is a function"),
        ("2w1", "column 1: a product is written with *: 2*w1"), ("w1 ^ 2", "column 4: `^` cannot be read: a power is written **"),
        ("a.__class__", "column 1: `a.__class__`: the only attributes are .T and .size"), ("a.sum()", "`a.sum` cannot be called"),
        ("np.load(a)", "column 1: `load` is no function here"), ("constructor", "column 1: `constructor` has no value"),
        ("__proto__", "column 1: `__proto__` is no name here"), ("toString + a", "column 1: `toString` has no value"),
        ("valueOf(a)", "column 1: `valueOf` is no function here"),
        ("np.constructor(a)", "column 1: `constructor` is no function here"),
        ("sum(a, constructor=1)", "sum takes no constructor here"), ("sum(a, __proto__=1)", "sum takes no __proto__ here"),
        ("lambda: 1", "column 1: `lambda` is a keyword of Python"), ("a if y else 2", "column 3: `if` is a keyword of Python"),
        ("a + 'b'", "column 5: `'b'` is no formula"), ("[a, a]", "column 1: `[a, a]` is no formula"),
        ("(a, y)", "`(a, y)` is no formula"),
        ("1 < a < 3", "`1 < a < 3` is no formula"), ("1j", "column 1: `1j` is no formula"),
        ("True", "column 1: `True` is no formula"),
        ("log()", "`log()`: log takes 1 value, not 0"), ("power(1, 2, 3)", "power takes 2 values, not 3"),
        ("sum(a, axis=y)", "column 13: `y` must be a small whole number"), ("reshape(a)", "reshape needs shape"),
        ("np.split(a, 3)", "`split` is no function here"),
        ("a[y]", "column 1: index"), ("a['...']", "column 3: `'...'` is no formula"), ("a[True]", "column 3: `True` is no"),
        ("a.astype(+np.float32)", "`+np.float32` is no dtype"), ("sum(a, axis=+0)", "`+0` must be a small"),
         ("a[1:y]", "column 5: `y` must be a small whole number"), ("sum(*a)", "`*a` is no formula"),
        ("sum(a, **y)", "takes no such thing"), ("len(a)", "a single number has no length"),
        ("np.full_like(a*1, y > 2)", "column 1: broadcast_like"), ("a\nb", ""),
        ("a +", "column 4"), ("(a", "column 1"), ("a b", "column"), ("a..b", "column"), ("a[", "column"),
        ("a[:0.5]", "column 4: `0.5` must be"),
        ("np.tile(x1, 9999999) + np.tile(x1, 9999999)", "the arrays become too large"), ("-True", "`True` is no formula"),
        ("-(y > 0)", "column 1: negative"), ("a.astype(np.object_)", "`np.object_` is no dtype"), ("π + a.q", "column 5: `a.q`"),
    ):  # fmt: skip
        yield Case(neuron, "dz", text, False, said, counted=False)
    yield Case(neuron, "w1", "left", False, "choose up, down or stays", counted=False)
    yield Case(neuron, "w1", "", False, "choose up, down or stays", counted=False)


CASES = [*_right(), *_wrong(), *_not_counted()]
GRAPHS = list(dict.fromkeys([*(x.make for x in CASES), PROGRAMS["second order"], PROGRAMS["attention"]]))


def at(graph: tg.Graph, name: str) -> Quiz:
    """The quiz of a graph when it asks for that gradient, or about that parameter."""
    quiz = graph.quiz()
    while quiz.name != name:
        quiz.reveal()
    return quiz
