"""Train on rows that do not fit in the memory of two dask workers, and kill one: `python -m benchmarks.out_of_core`.

The rows are made by a block with a seed each, written to a file and read back through a memory map by dask. The first run reports
the time and the peak memory of the workers; in the second a worker is killed, and it must end at the same numbers.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import tinygraph as tg

FEATURES, ROWS = 20, 100_000  # of a block
RATE = 0.5
LIMIT = "400MB"  # of each worker


def block(seed: int) -> Any:
    """The rows of one block: features, and the target as the last column."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(ROWS, FEATURES))
    y = X @ np.linspace(-1, 1, FEATURES) + random.logistic(size=ROWS) > 0
    return np.column_stack([X, y])


def write(path: Path, blocks: int) -> None:
    """All blocks as one file, of which one block at a time is in memory."""
    rows = np.lib.format.open_memmap(path, "w+", np.float64, (blocks * ROWS, FEATURES + 1))
    for i in range(blocks):
        rows[i * ROWS : (i + 1) * ROWS] = block(i)
        rows.flush()


def read(path: str, block_info: Any = None) -> Any:
    """The rows of a chunk, of which the worker maps no others."""
    start, stop = block_info[None]["array-location"][0]
    return np.array(np.load(path, mmap_mode="r")[start:stop])


def graph() -> tg.Graph:
    """Logistic regression, recorded on a few rows."""
    rows = block(0)[:4]
    X, y = tg.constant(rows[:, :-1]), tg.constant(rows[:, -1])
    w, b = tg.parameter(np.zeros(FEATURES)), tg.parameter(0.0)
    L = tg.binary_cross_entropy_with_logits(X @ w + b, y) + 1e-4 * np.sum(w**2)
    return tg.Graph(L, names={"X": X, "y": y, "w": w, "b": b, "L": L})


def train(step: Any, steps: int) -> dict[str, Any]:
    """The parameters after some steps of gradient descent."""
    values: dict[str, Any] = {"w": np.zeros(FEATURES), "b": np.float64(0)}
    for _ in range(steps):
        _, gradients = step(**values)
        values = {name: value - RATE * gradients[name] for name, value in values.items()}
    return values


def peak() -> tuple[int, float]:
    """The process of a worker, and the most megabytes that it has used."""
    status = Path("/proc/self/status").read_text()  # `resource` counts the process that started it too
    return os.getpid(), int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Write the rows, train on them twice, and print what it took."""
    import dask.array as da
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.6, help="the size of the rows")
    parser.add_argument("--steps", type=int, default=3, help="of gradient descent")
    chosen = parser.parse_args()
    blocks, steps = max(2, round(chosen.gigabytes * 1e9 / (ROWS * (FEATURES + 1) * 8))), chosen.steps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write(path, blocks)
        print(f"{blocks * ROWS:,} rows, {path.stat().st_size / 1e9:.2f} GB on disk; two workers of {LIMIT}")
        chunks = ((ROWS // 2,) * (2 * blocks), (FEATURES + 1,))
        rows = da.map_blocks(read, str(path), chunks=chunks, dtype=np.float64, meta=np.empty((0, 0)))
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=LIMIT, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        )
        with cluster, Client(cluster) as client:
            step = tg.bridges.dask.step(graph(), X=rows[:, :-1], y=rows[:, -1])
            before = dict(client.run(peak).values())
            start = time.perf_counter()
            found = train(step, steps)
            spent = time.perf_counter() - start
            after = dict(client.run(peak).values())
            print(f"{steps} steps in {spent:.1f} s; memory of a worker: {_span(before)} at the start, {_span(after)} at its peak")
            victim = min(after)
            threading.Timer(spent / 3, os.kill, (victim, signal.SIGKILL)).start()
            start = time.perf_counter()
            again = train(step, steps)
            spent = time.perf_counter() - start
            workers = dict(client.run(peak).values())
            assert victim not in workers, "the worker was to be killed"
            difference = max(float(np.max(np.abs(again[name] - found[name]))) for name in found)
            print(f"a worker killed: {spent:.1f} s; largest difference of a parameter {difference:.1e}; peak {_span(workers)}")
        assert difference < 1e-12


def _span(memory: dict[int, float]) -> str:
    return f"{min(memory.values()):.0f} to {max(memory.values()):.0f} MB"


if __name__ == "__main__":
    main()
