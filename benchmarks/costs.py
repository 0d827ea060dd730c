"""What limits a step on many rows: a model of its time by operations, bytes read and bytes added up over machines.

`python -m benchmarks --only costs` measures what this machine does in a second, and compares measured steps with the model.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from benchmarks.data import NETWORKS, SIZES
from benchmarks.peers import tinygraph_compiled
from benchmarks.runner import Worker, timed
from benchmarks.size import measure
from tinygraph.compiler.step import Step

# Large workloads, with their arrays of rows.
ROWS = {"logistic 1e6x20": ("X", "y"), "mlp 2e5x20": ("X", "Y")}
FEW = 4096  # rows that stay in the cache, with all that is computed of them
REPEAT = 7


class Work(NamedTuple):
    """What a step takes: operations on numbers, bytes of the rows, and bytes of the gradients, which are added up over rows."""

    operations: float
    read: float
    added: float


class Machine(NamedTuple):
    """How fast a machine is: operations a second on a core, bytes a second from where the rows are and over the network.

    `latency` is the seconds that a message takes.
    """

    core_speed: float
    read_speed: float
    cores: int = 1
    network_speed: float = math.inf
    latency: float = 0.0


def work(step: Step, rows: float, of_rows: Sequence[str]) -> Work:
    """The work on that many rows of a step that was called on fewer; `of_rows` are its arguments with an entry for each row.

    Raises ValueError for a graph of scalars, whose plan does not count operations.
    """
    plan = step.plan
    if plan.operations is None:
        raise ValueError("the plan of a graph of scalars does not count operations: record the graph on arrays")
    sizes = {name: math.prod(shape) * np.dtype(dtype).itemsize for name, (shape, dtype) in plan.arguments.items()}
    factor = rows / plan.arguments[of_rows[0]][0][0]
    read = sum(sizes[name] for name in of_rows)
    return Work(plan.operations * factor, read * factor, sum(sizes.values()) - read)


def limits(work: Work, machine: Machine, machines: int = 1) -> dict[str, float]:
    """The seconds that each part of a step takes; the longest of them limits it."""
    messages, share = 2 * (machines - 1), 2 * (machines - 1) / machines  # of an all-reduce in a ring
    return {
        "computing": work.operations / (machines * machine.cores * machine.core_speed),
        "reading": work.read / (machines * machine.read_speed),
        "adding up": messages * machine.latency + share * work.added / machine.network_speed,
    }


def seconds(work: Work, machine: Machine, machines: int = 1) -> float:
    """The seconds of a step by the model."""
    return sum(limits(work, machine, machines).values())


# What this machine does


def costs() -> dict[str, float]:
    """All figures: how fast this machine is, and of some steps on one and two cores the measured time over that of the model.

    Figures of peers that are not installed are left out.
    """
    read = [_measured(f"reading({threads})") for threads in (1, 2)]
    chunks = _timed("tinygraph_dask_threads", "logistic 100x2")
    one, many = (_timed("tinygraph_mesh_processes", name) for name in ("add 1", "add 1e6"))
    network, latency = 8e6 / (many - one), one / 2
    figures = {
        "GB a second that one core reads": read[0] / 1e9,
        "GB a second that two cores read": read[1] / 1e9,
        "GB a second between two processes": network / 1e9,
        "ms of a message between two processes": latency * 1e3,
        "ms of a step on 8 small chunks of dask": chunks * 1e3,
    }
    for name, of_rows in ROWS.items():
        speed = _measured(f"computing({name!r})")
        figures[f"million operations a second on one core, {name}"] = speed / 1e6
        own = work(few(name)[0], rows_of(name), of_rows)
        one_core, two_cores = (Machine(speed, x, n, network, latency) for n, x in zip((1, 2), read, strict=True))
        modelled = {
            "tinygraph_compiled": seconds(own, one_core),
            "tinygraph_compiled_threads": seconds(own, two_cores),
            "tinygraph_dask_threads": seconds(own, two_cores) + chunks,
            "tinygraph_mesh_processes": _timed("tinygraph_mesh_1", name) / 2 + limits(own, one_core, 2)["adding up"],
        }
        figures |= {f"measured over modelled, {name}, {peer}": _timed(peer, name) / x for peer, x in modelled.items()}
    return {name: x for name, x in figures.items() if not math.isnan(x)}


def rows_of(workload: str) -> int:
    """How many rows a workload has."""
    return NETWORKS[workload][0] if workload in NETWORKS else SIZES[workload.removeprefix("logistic ")][0]


def _measured(call: str) -> float:
    """The result of a function of this module in a process of its own, with one thread of BLAS."""
    return measure(f"from benchmarks import costs; print(costs.{call})")


def _timed(peer: str, workload: str) -> float:
    """The median seconds of a step of a peer in its own process; prints why a peer is missing, and returns NaN for it."""
    worker = Worker(peer, workload)
    try:
        if missing := worker.read():
            print(f"{peer} is missing: {missing}", file=sys.stderr)
            return math.nan
        return statistics.median([float(worker.ask(workload)) for _ in range(REPEAT + 1)][1:])  # the first one warms up
    finally:
        worker.close()


# What is measured in a process of its own


def few(workload: str, rows: int = FEW) -> tuple[Step, Callable[[], Any]]:
    """The step of a workload on few rows, and what calls it, once it was called."""
    made: list[Step] = []

    def compiled(graph: tg.Graph, arrays: dict[str, Any]) -> Callable[..., Any]:
        made.append(graph.compile())
        return partial(made[0], **arrays)

    if workload in NETWORKS:
        call = tinygraph_compiled.mlp(compiled, rows, NETWORKS[workload][1])
    else:
        call = tinygraph_compiled.logistic(compiled, rows, SIZES[workload.removeprefix("logistic ")][1], "float64")
    call()
    return made[0], call


def computing(workload: str) -> float:
    """The operations of a workload that one core does in a second, where what it reads is in the cache."""
    step, call = few(workload)
    return work(step, FEW, ROWS[workload]).operations / min(timed(call) for _ in range(REPEAT))


def reading(threads: int) -> float:
    """The bytes that some threads read from memory in a second, as a product of a matrix and a vector does."""
    X, w = np.ones((2_000_000, 20)), np.ones(20)
    parts = np.array_split(X, threads)
    with ThreadPoolExecutor(threads) as pool:
        return X.nbytes / min(timed(lambda: list(pool.map(lambda part: part @ w, parts))) for _ in range(REPEAT))
