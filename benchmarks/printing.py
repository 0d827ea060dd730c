"""How long a graph takes to become statements, their text, steps and a page, each in a fresh process."""

from __future__ import annotations

import statistics

from benchmarks.size import measure

# `count` is the number of statements, forward and backward; of `unnamed`, the number of ops.
GRAPHS = """
import os, tempfile, time, numpy as np, tinygraph as tg
def layers(count):
    h = x = tg.constant(np.ones((4, 3)))
    names = {{"x": x}}
    for i in range(count // 6):
        W, b = tg.parameter(np.eye(3)), tg.parameter(np.zeros(3))
        z = h @ W + b
        h = np.tanh(z)
        names |= {{f"W{{i}}": W, f"b{{i}}": b, f"z{{i}}": z, f"h{{i}}": h}}
    return tg.Graph(np.sum(h), names=names)
def chain(count):
    h = w = tg.parameter(0.5)
    names = {{"w": w}}
    for i in range(count // 2):
        h = names[f"h{{i}}"] = np.tanh(h * w)
    return tg.Graph(h, names=names)
def unnamed(count):
    h = w = tg.parameter(0.5)
    for _ in range(count // 2):
        h = np.tanh(h * 1.01)
    return tg.Graph(h, names={{"w": w, "h": h}})
def page(stepper):
    with tempfile.TemporaryDirectory() as folder:
        stepper.save(os.path.join(folder, "walk.html"))
chain(10).statements()
graph = {graph}({count})
graph.backprop()
"""
STATEMENTS = """
start = time.perf_counter()
found = graph.statements()
print((time.perf_counter() - start) / len(found))
"""
TEXT = """
found = graph.statements()
start = time.perf_counter()
for statement in found:
    statement.right
print((time.perf_counter() - start) / len(found))
"""
STEPPER = """
start = time.perf_counter()
graph.stepper()
print(time.perf_counter() - start)
"""
PAGE = """
start = time.perf_counter()
page(graph.stepper())
print(time.perf_counter() - start)
"""


def _timed(graph: str, count: int, code: str) -> float:
    return statistics.median(measure((GRAPHS + code).format(graph=graph, count=count)) for _ in range(3))


def printing() -> dict[str, float]:
    """All figures: microseconds a statement, seconds, and how the time a statement grows."""
    growth = [_timed("chain", count, STATEMENTS) for count in (10**3, 10**4, 10**5)]
    return {
        "µs a statement, layers": 1e6 * _timed("layers", 1000, STATEMENTS),
        "µs a statement, scalar chain": 1e6 * growth[1],
        "slowest over fastest, chains of 1e3 to 1e5 statements": max(growth) / min(growth),
        "µs of text a statement, layers": 1e6 * _timed("layers", 1000, TEXT),
        "µs of text a statement, scalar chain": 1e6 * _timed("chain", 10**4, TEXT),
        "seconds of a stepper over 10,000 unnamed steps": _timed("unnamed", 10_000, STEPPER),
        "seconds of a page of 1,000 named statements": _timed("layers", 1000, PAGE),
    }
