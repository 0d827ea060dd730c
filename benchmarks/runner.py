"""Each peer in a process of its own, timed in turn: every round gives one ratio, and the median of the ratios is reported."""

from __future__ import annotations

import importlib
import os
import statistics
import subprocess
import sys
import time
from typing import Any, NamedTuple

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
AT_LEAST = 0.05  # seconds that one timing of a workload takes


class Result(NamedTuple):
    """Median seconds a step of each peer, and its median ratio to the first one listed."""

    seconds: dict[str, float]
    ratios: dict[str, float]
    missing: dict[str, str]


class Worker:
    """A peer in its own process, answering `workload` with the seconds a step took."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        command = [sys.executable, "-m", "benchmarks.runner", peer]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ONE_THREAD | {"JAX_PLATFORMS": "cpu"},
        )
        self.missing = self._read()

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, workload: str) -> str:
        """Seconds a step, or why there are none."""
        assert self.process.stdin is not None
        print(workload, file=self.process.stdin, flush=True)
        return self._read()

    def close(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.communicate()


def compare(workload: str, peers: list[str], rounds: int) -> Result:
    """Time one workload for all peers in turn; the first peer is what the others are measured by."""
    workers = [Worker(peer) for peer in peers]
    missing = {worker.peer: worker.missing for worker in workers if worker.missing}
    times: dict[str, list[float]] = {worker.peer: [] for worker in workers if not worker.missing}
    try:
        for round_number in range(rounds + 1):
            for worker in workers:
                if worker.peer in missing:
                    continue
                answer = worker.ask(workload)
                try:
                    seconds = float(answer)
                except ValueError:
                    missing[worker.peer] = answer
                    del times[worker.peer]
                    continue
                if round_number:  # the first round warms up
                    times[worker.peer].append(seconds)
    finally:
        for worker in workers:
            worker.close()
    base = times.get(peers[0])
    ratios = (
        {peer: statistics.median(a / b for a, b in zip(own, base, strict=True)) for peer, own in times.items()} if base else {}
    )
    return Result({peer: statistics.median(own) for peer, own in times.items()}, ratios, missing)


def serve(peer: str) -> None:
    """Time the workloads that arrive on standard input, one a line."""
    steps: dict[str, Any] = {}
    try:
        module = importlib.import_module(f"benchmarks.peers.{peer}")
    except ImportError as error:
        print(f"not installed: {error}", flush=True)
        return
    print(flush=True)
    for line in sys.stdin:
        workload = line.strip()
        if workload not in module.WORKLOADS:
            print("has no such workload", flush=True)
            continue
        if workload not in steps:
            steps[workload] = module.WORKLOADS[workload]()
            steps[workload]()
        print(timed(steps[workload]), flush=True)


def timed(step: Any) -> float:
    """Seconds a step, over as many steps as take `AT_LEAST` seconds."""
    count, start = 0, time.perf_counter()
    while True:
        step()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= AT_LEAST:
            return elapsed / count


if __name__ == "__main__":
    serve(sys.argv[1])
