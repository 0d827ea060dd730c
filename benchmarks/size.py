"""Memory and time a node from small to large graphs, and the time of an import; each in a fresh process."""

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
        "import tinygraph over import numpy": statistics.median(a / b for a, b in pairs),
    }
