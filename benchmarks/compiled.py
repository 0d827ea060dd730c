"""Time and memory that compiling takes, how they grow with the graph, and what a step then allocates, each in a fresh process."""

from __future__ import annotations

import statistics

from benchmarks.size import measure

# `count` is the number of nodes; the memory of a process at most, in MB, is from its start on.
GRAPHS = """
import resource, time, numpy as np, tinygraph as tg
def chain(count):
    h = w = tg.parameter(0.5)
    for _ in range(count // 2):
        h = np.tanh(h * w)
    return h, {{"w": w}}
def wide(count):
    weights = [tg.parameter(0.5) for _ in range(10)]
    terms = [np.tanh(weights[i % 10] * (i / count)) for i in range(count // 3)]
    return sum(terms), {{f"w{{i}}": w for i, w in enumerate(weights)}}
def moons(count):
    from benchmarks import data
    from benchmarks.peers.tinygraph_arrays import MLP, moons_loss
    model = MLP(2, [16, 16, 1])
    return moons_loss(model, *data.moons(count)), {{f"p{{i}}": p for i, p in enumerate(model.parameters())}}
def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def compile(make, count):
    output, names = make(count)
    start, before = time.perf_counter(), megabytes()
    tg.Graph(output, names=names).compile()(**{{name: x.value for name, x in names.items()}})
    return time.perf_counter() - start, megabytes() - before
compile({graph}, 100)
"""
SECONDS = "print(min(compile({graph}, {count})[0] for _ in range({repeat})))"
MEGABYTES = "print(compile({graph}, {count})[1])"

WARM = """
import tracemalloc, numpy as np
from benchmarks.peers.tinygraph_compiled import WORKLOADS
step = WORKLOADS["logistic 1e6x20"]()
step()
step()
tracemalloc.start()
step()
print(tracemalloc.get_traced_memory()[1] / 2**20)
"""


def _seconds(graph: str, count: int, repeat: int) -> float:
    """The median of three processes, in each the fastest of some times."""
    code = (GRAPHS + SECONDS).format(graph=graph, count=count, repeat=repeat)
    return statistics.median(measure(code) for _ in range(3))


def compiled() -> dict[str, float]:
    """All figures: seconds from a recorded graph to the result of its first call, microseconds of it a node, and MB."""
    counts = (10**2, 10**3, 10**4, 10**5)
    growth = {graph: [_seconds(graph, count, max(1, 5000 // count)) for count in counts] for graph in ("wide", "chain")}
    figures = {"seconds to compile moons": _seconds("moons", 100, 1)}
    for graph, seconds in growth.items():
        figures[f"seconds to compile 1e5 scalar nodes, {graph}"] = seconds[-1]
        micro = [1e6 * x / count for x, count in zip(seconds, counts, strict=True)]
        figures |= {f"µs a node to compile {count} scalar nodes, {graph}": x for count, x in zip(counts, micro, strict=True)}
        figures[f"slowest over fastest of these from 1000 on, {graph}"] = max(micro[1:]) / min(micro[1:])
        figures[f"MB to compile 1e5 scalar nodes, {graph}"] = measure((GRAPHS + MEGABYTES).format(graph=graph, count=10**5))
    return figures | {"MB that a warm step of logistic 1e6x20 allocates": measure(WARM)}
