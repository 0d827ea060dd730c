"""Memory and time a node, of an import and of pictures, and the memory of a fit, each in a fresh process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.runner import ONE_THREAD

MEMORY = """
import tracemalloc, tinygraph as tg
w = tg.parameter(0.5)
count = 100_000
tracemalloc.start()
h = w
for _ in range(count // 2):
    h = h * w
    h = h + 0.5
print(tracemalloc.get_traced_memory()[0] / count)
"""

DEPTH = """
import time, tinygraph as tg
def once(count):
    start = time.perf_counter()
    w = h = tg.parameter(0.5)
    for _ in range(count // 2):
        h = h * w
        h = h + 0.5
    tg.gradients(h, w)
    return (time.perf_counter() - start) / count
once(1000)
print(min(once({count}) for _ in range(5 if {count} < 10**6 else 2)))
"""

IMPORT = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


DRAWN = """
import time, numpy as np, tinygraph as tg
def neuron():
    x1, x2, y = tg.constant(2.0), tg.constant(-1.0), tg.constant(1.0)
    w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)
    u = w1 * x1 + w2 * x2
    z = u + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names=locals())
def layers():
    h = x = tg.constant(np.ones((4, 3)))
    names = {{"x": x}}
    for i in range(49):
        W = tg.parameter(np.eye(3))
        b = tg.parameter(np.zeros(3))
        z = h @ W + b
        h = np.tanh(z)
        names |= {{f"W{{i}}": W, f"b{{i}}": b, f"z{{i}}": z, f"h{{i}}": h}}
    return tg.Graph(np.sum(h), names=names)
def recurrence():
    w, u, c, h = tg.parameter(0.5), tg.parameter(0.3), tg.constant(1.0), tg.constant(0.1)
    names = {{"w": w, "u": u, "c": c}}
    for i in range(100):
        h = names[f"h{{i}}"] = np.tanh(w * h + u * c)
    return tg.Graph(h, names=names)
def chain():
    h = w = tg.parameter(0.5)
    for _ in range(50_000):
        h = np.tanh(h * 1.01)
    return tg.Graph(h, names={{"w": w, "h": h}})
neuron().draw().svg
graph = {graph}()
graph.backprop()
start = time.perf_counter()
graph.draw().svg
print(time.perf_counter() - start)
"""

FIT = """
import os, tempfile, threading, numpy as np
from models import LogisticRegression
def megabytes():  # of memory that is not a file's
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024
with tempfile.TemporaryDirectory() as folder:
    m, n, block = 1_250_000, 100, 12_500
    X = np.lib.format.open_memmap(os.path.join(folder, "X.npy"), "w+", shape=(m, n))
    random = np.random.default_rng(0)
    for start in range(0, m, block):
        X[start : start + block] = random.normal(size=(block, n))
    y = (X[:, 0] + random.normal(size=m) > 0).astype(int)
    peak, done = [megabytes()], threading.Event()
    def watch():
        while not done.wait(0.002):
            peak.append(megabytes())
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    LogisticRegression(l2=1e-3, tol=1e-3).fit(X, y)
    done.set()
    thread.join()
print(max(peak))
"""


def measure(code: str) -> float:
    """The number that a program prints; compiled modules are kept, as they are on a user's machine."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | ONE_THREAD
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def sizes() -> dict[str, float]:
    """All figures, in bytes, seconds and ratios."""
    depth = {count: measure(DEPTH.format(count=count)) for count in (10**3, 10**4, 10**5, 10**6)}
    measure(IMPORT.format(module="tinygraph"))
    pairs = [(measure(IMPORT.format(module="tinygraph")), measure(IMPORT.format(module="numpy"))) for _ in range(11)]
    return {
        "bytes a scalar node": measure(MEMORY),
        **{f"seconds a node, {count} nodes": seconds for count, seconds in depth.items()},
        "slowest over fastest of these": max(depth.values()) / min(depth.values()),
        **{
            f"seconds to draw {what}": statistics.median(measure(DRAWN.format(graph=graph)) for _ in range(3))
            for what, graph in (
                ("10 cards", "neuron"),
                ("198 cards in layers", "layers"),
                ("100 steps", "recurrence"),
                ("100,000 nodes", "chain"),
            )
        },
        "import tinygraph over import numpy": statistics.median(a / b for a, b in pairs),
        "MB of memory to fit 1 GB on disk": measure(FIT),
    }
