"""Compare tinygraph with its peers: `python -m benchmarks [--rounds N] [--only WORKLOAD ...] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.data import CLASSIFICATIONS
from benchmarks.printing import printing
from benchmarks.runner import compare
from benchmarks.size import sizes

PACKAGES = ["numpy", "tinygraph-autodiff", "torch", "jax", "autograd", "mygrad", "micrograd", "scikit-learn"]
ARRAYS = ["by_hand", "tinygraph_arrays", "tinygraph_nodes", "torch_eager", "jax_jit", "autograd_numpy", "mygrad_tensors"]
BY_TORCH = ["torch_eager", *(peer for peer in ARRAYS if peer != "torch_eager")]
SMALL = ("logistic 100x2", "logistic 1000x20", "logistic 1000x1000")
# Each workload with its peers, the first of which the others are measured by.
COMPARISONS = {
    "chain": BY_TORCH,
    "moons": ["micrograd_scalars", "tinygraph_arrays", "tinygraph_nodes"],
    **dict.fromkeys(SMALL, BY_TORCH),
    **dict.fromkeys(("logistic 1e5x20", "mlp 32", "mlp 256"), ARRAYS),
    **{f"fit {name}": ["sklearn_lbfgs", "tinygraph_models"] for name in CLASSIFICATIONS},
}
# What is promised, as (workload, peer, at most).
PROMISES = [
    ("chain", "tinygraph_arrays", 0.6),
    ("chain", "tinygraph_nodes", 1.0),
    ("moons", "tinygraph_arrays", 0.25),
    ("logistic 1000x1000", "tinygraph_arrays", 1.0),
    ("logistic 1e5x20", "tinygraph_arrays", 1.35),
    ("mlp 256", "tinygraph_arrays", 1.35),
    ("fit breast cancer", "tinygraph_models", 0.35),
    ("fit digits", "tinygraph_models", 1.1),
    ("fit 1e5x50", "tinygraph_models", 0.85),
    ("fit 1e6x20", "tinygraph_models", 0.65),
]
FIGURES = {"size": sizes, "printing": printing}
SIZE_PROMISES = {
    "bytes a scalar node": 250,
    "slowest over fastest of these": 2,
    "seconds to draw 10 cards": 0.1,
    "seconds to draw 198 cards in layers": 0.5,
    "seconds to draw 100 steps": 1,
    "seconds to draw 100,000 nodes": 3,
    "import tinygraph over import numpy": 1.3,
    "MB of memory to fit 1 GB on disk": 200,
    "µs a statement, scalar chain": 100,
    "slowest over fastest, chains of 1e3 to 1e5 statements": 2,
    "µs of text a statement, layers": 40,
    "µs of text a statement, scalar chain": 40,
    "seconds of a stepper over 10,000 unnamed steps": 5,
    "seconds of a page of 1,000 named statements": 3,
}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(), **versions}


def markdown(report: dict[str, Any]) -> str:
    """The report as tables."""
    lines = ["# Benchmarks", "", ", ".join(f"{key} {value}" for key, value in report["machine"].items()), ""]
    lines += ["One BLAS thread; medians of ratios measured in turn, each peer in its own process.", ""]
    for workload, result in report["workloads"].items():
        base = COMPARISONS[workload][0]
        lines += [f"## {workload}", "", f"| peer | ms a step or fit | ratio to {base} |", "|---|---|---|"]
        for peer, seconds in result["seconds"].items():
            lines.append(f"| {peer} | {seconds * 1e3:.3f} | {result['ratios'].get(peer, float('nan')):.2f} |")
        lines += [f"| {peer} | missing | {why} |" for peer, why in result["missing"].items()]
        lines.append("")
    if report["sizes"]:
        lines += ["## Size", "", "| figure | value |", "|---|---|"]
        lines += [f"| {name} | {value:.3g} |" for name, value in report["sizes"].items()] + [""]
    lines += ["## Promises", "", "| figure | measured | at most | |", "|---|---|---|---|"]
    for name, measured, most in promises(report):
        lines.append(f"| {name} | {measured:.2f} | {most} | {'kept' if measured <= most else 'NOT KEPT'} |")
    return "\n".join(lines) + "\n"


def promises(report: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Each promise that was measured, with the figure and the limit."""
    kept = []
    for workload, peer, most in PROMISES:
        ratio = report["workloads"].get(workload, {"ratios": {}})["ratios"].get(peer)
        if ratio is not None:
            kept.append((f"{workload}: {peer} over {COMPARISONS[workload][0]}", ratio, most))
    return kept + [(name, report["sizes"][name], most) for name, most in SIZE_PROMISES.items() if name in report["sizes"]]


def main() -> None:
    """Run, print the tables, and write them as `benchmarks.md` and `benchmarks.json`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="timings of each peer (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=[*COMPARISONS, *FIGURES], help="these workloads alone")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the report (default: %(default)s)")
    options = parser.parse_args()
    chosen = options.only or [*COMPARISONS, *FIGURES]
    results = {name: compare(name, peers, options.rounds)._asdict() for name, peers in COMPARISONS.items() if name in chosen}
    figures = {name: figure for kind, measured in FIGURES.items() if kind in chosen for name, figure in measured().items()}
    report = {"machine": machine(), "workloads": results, "sizes": figures}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.out / "benchmarks.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))
    print(f"written to {options.out / 'benchmarks.md'} and {options.out / 'benchmarks.json'}")


if __name__ == "__main__":
    main()
