"""Each peer in a process of its own, timed in turn: every round gives one ratio, and the median of the ratios counts."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

import numpy as np

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
AT_LEAST = 0.05  # seconds that one timing of a workload takes
# The C library gives arrays of this size back to the system in each step, or keeps them, by chance: here it keeps them.
KEEP_MEMORY = {"mlp 32": {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}}
TWO_CORES = ("_threads", "_mesh_2", "_mesh_4", "_processes", "_workers")  # ends of the names of peers that use them
CONTROL = "control"  # the first peer once more
STEADY, TRIES = 0.05, 5  # how far the control may be off; how often a workload is timed until it is not


class Result(NamedTuple):
    """The seconds that a step of each peer took, round by round, and why peers are missing."""

    times: dict[str, list[float]]
    missing: dict[str, str]

    def ratios(self, peer: str, base: str) -> list[float]:
        """The lower quartile, the median and the upper quartile of the ratios of a round; empty where one is missing."""
        own, others = self.times.get(peer, []), self.times.get(base, [])
        return np.quantile(np.divide(own, others), (0.25, 0.5, 0.75)).tolist() if own and others else []

    def steady(self, base: str) -> bool:
        """Whether the first peer and the control, which do the same, took the same time."""
        ratios = self.ratios(CONTROL, base)
        return not ratios or abs(ratios[1] - 1) <= STEADY


class Worker:
    """A peer in its own process, answering `workload` with the seconds a step took."""

    def __init__(self, peer: str, workload: str) -> None:
        command = [sys.executable, "-m", "benchmarks.runner", peer]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ONE_THREAD | KEEP_MEMORY.get(workload, {}) | {"JAX_PLATFORMS": "cpu"},
        )

    def read(self) -> str:
        """The next answer; the first is why the peer is missing, or nothing."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, workload: str) -> str:
        """Seconds a step, or why there are none."""
        assert self.process.stdin is not None
        print(workload, file=self.process.stdin, flush=True)
        return self.read()

    def close(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.communicate()


def until_steady(workload: str, peers: list[str], rounds: int) -> Result:
    """The first of at most `TRIES` comparisons in which the control agrees, or the last one."""
    for _ in range(TRIES):
        result = compare(workload, peers, rounds)
        if result.steady(peers[0]):
            break
    return result


def compare(workload: str, peers: list[str], rounds: int) -> Result:
    """Time one workload for all peers in turn, at the end of each turn the first peer again, as a control."""
    workers = {name: Worker(peer, workload) for name, peer in [*zip(peers, peers, strict=True), (CONTROL, peers[0])]}
    missing = {peer: why for peer, worker in workers.items() if (why := worker.read())}
    times: dict[str, list[float]] = {peer: [] for peer in workers if peer not in missing}
    try:
        for round_number in range(rounds + 1):
            for peer in tuple(times):
                answer = workers[peer].ask(workload)
                try:
                    seconds = float(answer)
                except ValueError:
                    missing[peer] = answer or "its process ended"
                    del times[peer]
                    continue
                if round_number:  # the first round warms up
                    times[peer].append(seconds)
    finally:
        for worker in workers.values():
            worker.close()
    return Result(times, missing)


def serve(peer: str) -> None:
    """Time the workloads that arrive on standard input, one a line; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _keep_to_cores(2 if peer.endswith(TWO_CORES) else 1)
    steps: dict[str, Any] = {}
    try:
        module = importlib.import_module(f"benchmarks.peers.{peer}")
    except ImportError as error:
        print(f"not installed: {error}", file=answers, flush=True)
        return
    print(file=answers, flush=True)
    for line in sys.stdin:
        workload = line.strip()
        if workload not in module.WORKLOADS:
            print("has no such workload", file=answers, flush=True)
            continue
        if workload not in steps:
            steps[workload] = module.WORKLOADS[workload]()
            steps[workload]()
        print(timed(steps[workload]), file=answers, flush=True)


def _keep_to_cores(count: int) -> None:
    """Let the process use some cores alone, where the system can: JAX and dask take all, whatever their settings are."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def timed(step: Any) -> float:
    """Seconds a step, over as many steps as take `AT_LEAST` seconds."""
    gc.collect()
    count, start = 0, time.perf_counter()
    while True:
        step()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= AT_LEAST:
            return elapsed / count


if __name__ == "__main__":
    serve(sys.argv[1])
