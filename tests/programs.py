"""Graphs whose source is put to the test: models, and random compositions that are the same at any batch size."""

import itertools
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg

Build = Callable[[int], tg.Graph]


@contextmanager
def any_ranks() -> Iterator[None]:
    """Without the warning of operands of different rank that make a larger result, where they are meant to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* every entry of one meets every entry of the other", UserWarning)
        yield


def logistic(n: int) -> tg.Graph:
    rng = np.random.default_rng(n)
    X, y = tg.constant(rng.normal(size=(n, 3))), tg.constant(rng.integers(0, 2, n).astype(float))
    w, b = tg.parameter(rng.normal(size=3)), tg.parameter(0.2)
    z = X @ w + b
    a = tg.sigmoid(z)
    L = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names={"X": X, "y": y, "w": w, "b": b, "z": z, "a": a, "L": L})


def from_logits(n: int) -> tg.Graph:
    rng = np.random.default_rng(n)
    X, y = tg.constant(rng.normal(size=(n, 3))), tg.constant(rng.integers(0, 2, n))
    w, b = tg.parameter(rng.normal(size=3)), tg.parameter(0.2)
    z = X @ w + b
    L = tg.binary_cross_entropy_with_logits(z, y)
    return tg.Graph(L, names={"X": X, "y": y, "w": w, "b": b, "z": z, "L": L})


def linear(n: int) -> tg.Graph:
    rng = np.random.default_rng(n)
    X, y = tg.constant(rng.normal(size=(n, 3))), tg.constant(rng.normal(size=n))
    w, b = tg.parameter(rng.normal(size=3)), tg.parameter(0.2)
    e = X @ w + b - y
    L = np.mean(e**2)
    return tg.Graph(L, names={"X": X, "y": y, "w": w, "b": b, "e": e, "L": L})


def softmax(n: int) -> tg.Graph:
    rng = np.random.default_rng(n)
    X, y = tg.constant(rng.normal(size=(n, 3))), tg.constant(rng.integers(0, 4, n))
    W, b = tg.parameter(rng.normal(size=(3, 4))), tg.parameter(rng.normal(size=4))
    Z = X @ W + b
    L = tg.softmax_cross_entropy(Z, y)
    return tg.Graph(L, names={"X": X, "y": y, "W": W, "b": b, "Z": Z, "L": L})


def perceptron(n: int, activation: Any = tg.relu, sizes: tuple[int, ...] = (3, 6, 4)) -> tg.Graph:
    rng = np.random.default_rng(n)
    names: dict[str, Any] = {"X": tg.constant(rng.normal(size=(n, sizes[0])))}
    names["Y"] = tg.constant(np.eye(sizes[-1])[rng.integers(0, sizes[-1], n)])
    A = names["X"]
    for i, shape in enumerate(itertools.pairwise(sizes), 1):
        W, b = tg.parameter(rng.normal(size=shape)), tg.parameter(rng.normal(size=shape[1]))
        Z = A @ W + b
        names |= {f"W{i}": W, f"b{i}": b, f"Z{i}": Z}
        if i < len(sizes) - 1:
            names[f"A{i}"] = A = activation(Z)
    names["L"] = tg.softmax_cross_entropy(Z, names["Y"])
    return tg.Graph(names["L"], names=names)


def perceptron_tanh(n: int) -> tg.Graph:
    return perceptron(n, np.tanh)


MODELS: dict[str, Build] = {f.__name__: f for f in (logistic, from_logits, linear, softmax, perceptron, perceptron_tanh)}

UNARY: list[Callable[[Any], Any]] = [
    tg.sigmoid, tg.relu, tg.softplus, np.tanh, np.sin, np.abs, lambda x: -x, lambda x: 1 - x, lambda x: x**2, lambda x: 3 * x / 2,
    lambda x: np.exp(np.tanh(x)), lambda x: np.log(1 + x * x), lambda x: np.sqrt(x * x + 0.5), lambda x: np.clip(x, -1, 1),
    lambda x: np.where(x > 0, x, 0.1 * x), lambda x: x + x, lambda x: x * 1.0, lambda x: -(x * -1) / -4, lambda x: x / 0.5,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / (1 + y * y), lambda x, y: np.maximum(x, y),
    lambda x, y: np.where(x > y, x, -y), lambda x, y: x * (y > 0), lambda x, y: x * y - y,
]  # fmt: skip
SHAPED: list[Callable[[Any], Any]] = [
    lambda x: np.sum(x, 0), lambda x: np.mean(x, 0), lambda x: np.sum(x, 0, keepdims=True),
    lambda x: np.mean(x, 1, keepdims=True),
    np.mean, np.sum, tg.softmax, lambda x: tg.logsumexp(x, axis=1, keepdims=True), lambda x: x[::-1], lambda x: x[:, [2, 0, 0]],
    lambda x: x[:, :1], lambda x: np.cumsum(x, 1), lambda x: x.T.T, lambda x: np.max(x, 0), lambda x: np.var(x, axis=0),
    lambda x: np.concatenate([x[:, 1:], x[:, :1]], axis=1), lambda x: np.stack([x[0], x[1], x[0]], axis=1),
    lambda x: np.einsum("ij,kj->ik", x, x[:3]), lambda x: x - np.mean(x, 0), lambda x: np.reshape(x, (-1, 3)), lambda x: x[1],
]  # fmt: skip


def random_graph(seed: int) -> Build:
    """A graph of about 20 random ops on matrices, vectors and numbers; which ops they are does not depend on the batch size."""

    @any_ranks()
    def build(n: int) -> tg.Graph:
        values, choose = np.random.default_rng([seed, n]), np.random.default_rng(seed)
        p = [tg.parameter(values.normal(size=shape)) for shape in ((3,), (), (1, 3), (3, 3))]
        X, mask = tg.constant(values.normal(size=(n, 3))), tg.constant(values.normal(size=(n, 1)) > 0)
        *small, W = p
        pool: list[Any] = [X, *small, X @ W, W @ small[0] * X]
        for _ in range(12):
            kind, x, y = choose.integers(4), *(pool[choose.integers(len(pool))] for _ in range(2))
            if kind == 0:
                new = UNARY[choose.integers(len(UNARY))](x)
            elif kind == 1 or x.ndim != 2 or len(x) != n:
                new = BINARY[choose.integers(len(BINARY))](x, y)
            elif kind == 2 and x.shape[1] == 3:
                new = SHAPED[choose.integers(len(SHAPED))](x)
            else:
                new = np.where(mask, x, y) @ W if x.shape[1] == 3 else x * y
            if new.shape in ((n, 3), (n, 1), (1, 3), (3,), ()):
                pool.append(new)
        L = np.sum(np.tanh(pool[-1])) + sum(np.mean(np.tanh(x)) for x in pool[1:])
        names = {f"v{i}": x for i, x in enumerate(pool) if x.op is not None and choose.random() < 0.4}
        return tg.Graph(L, names=names | {"X": X, "W": W, "b": small[0], "L": L})

    return build


RANDOM = {f"random {seed}": random_graph(seed) for seed in range(40)}


def backward(graph: tg.Graph) -> tg.Graph:
    graph.backprop()
    return graph


def hessian_vector(graph: tg.Graph) -> tg.Graph:
    """The graph of the gradients, weighted and summed, with its own gradients."""
    parameters = [node for node in graph.forward if node.kind == "parameter"]
    grads = graph.backprop(wrt=parameters)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=node.shape)[()] for node in parameters]
    s = sum(np.sum(grads[node] * tg.constant(v)) for node, v in zip(parameters, weights, strict=True))
    names = {name: graph[name] for name in graph.names}
    second = tg.Graph(s, names=names)
    tied = [node for node in parameters if node in second]
    second.backprop(wrt=[node for node in tied if reaches(s, node)])
    return second


def reaches(output: tg.Node, node: tg.Node) -> bool:
    """Whether a gradient flows from an output to a node."""
    try:
        tg.gradients(output, node)
    except ValueError:
        return False
    return True


class Run(NamedTuple):
    """The source of one graph, the leaves that it is given, and what the engine makes of those."""

    label: str
    source: str
    leaves: list[Any]
    expected: dict[str, Any]


def run_of(label: str, graph: tg.Graph, source: str | None = None) -> Run:
    from tinygraph.program.statements import program_of

    program = program_of(graph)
    expected = {"": program.outputs[0].value} | {s.name: s.value for s in program.backward if s.of is not None}
    return Run(label, source or graph.source(), [leaf.value for leaf in program.leaves], expected)


def executed(source: str) -> Any:
    """The function of a printed program."""
    module: dict[str, Any] = {}
    exec(compile(source, "emitted", "exec"), module)
    return module.get("forward_backward") or module["forward"]


RUNNER = """
import pickle, sys, warnings
warnings.simplefilter("error")
results = []
for source, leaves in pickle.load(open(sys.argv[1], "rb")):
    module = {"__name__": "emitted"}
    exec(compile(source, "emitted", "exec"), module)
    made = module.get("forward_backward") or module["forward"]
    results.append(made(*leaves))
assert "tinygraph" not in sys.modules
pickle.dump(results, open(sys.argv[2], "wb"))
"""


def in_a_fresh_interpreter(runs: list[Run], folder: Path) -> list[tuple[Any, dict[str, Any]]]:
    """What each source returns where there is NumPy but no tinygraph."""
    (folder / "in").write_bytes(pickle.dumps([(run.source, run.leaves) for run in runs]))
    subprocess.run([sys.executable, "-I", "-c", RUNNER, folder / "in", folder / "out"], check=True)
    results: list[tuple[Any, dict[str, Any]]] = pickle.loads((folder / "out").read_bytes())
    return results


def assert_same(run: Run, result: tuple[Any, dict[str, Any]], tolerance: float = 1e-12) -> None:
    """The results of a source equal the engine's, relative to the largest entry of all."""
    output, gradients = result
    scale = max(float(np.max(np.abs(run.expected[name]), initial=0.0)) for name in ("", *gradients))
    for name, value in {"": output, **gradients}.items():
        expected = run.expected[name]
        assert np.shape(value) == np.shape(expected), (run.label, name)
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * scale, err_msg=f"{run.label} {name}")
