"""Compare tinygraph with its peers: `python -m benchmarks [--rounds N] [--only WORKLOAD ...] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from benchmarks.compiled import compiled
from benchmarks.costs import costs
from benchmarks.data import CLASSIFICATIONS, SIZES
from benchmarks.plot import DRAWN, save
from benchmarks.printing import printing
from benchmarks.runner import CONTROL, TRIES, Result, until_steady
from benchmarks.size import sizes

PACKAGES = ["numpy", "tinygraph-autodiff", "torch", "jax", "autograd", "mygrad", "micrograd", "scikit-learn"]
TINYGRAPH = ["tinygraph_compiled", "tinygraph_arrays", "tinygraph_nodes"]
OTHERS = ["torch_eager", "jax_jit", "jax_donated", "jax_eager", "autograd_numpy", "mygrad_tensors"]
ARRAYS = ["by_hand", *TINYGRAPH, *OTHERS, "torch_compiled"]
LOGISTIC = ["by_hand", "by_hand_tuned", *ARRAYS[1:]]
LARGE = [*LOGISTIC, "tinygraph_compiled_threads"]
SHARED = [*(f"tinygraph_mesh_{kind}" for kind in (1, 2, 4, "processes")), "tinygraph_dask_threads", "tinygraph_dask_workers"]
SCALARS = ["micrograd_scalars", *TINYGRAPH]
FLOAT32 = ["by_hand", "by_hand_tuned", "tinygraph_compiled", "tinygraph_arrays", "torch_eager", "jax_jit"]
# Each workload with its peers, the first of which the others are measured by.
COMPARISONS = {
    "chain": ["by_hand", *TINYGRAPH, *OTHERS],  # torch.compile takes minutes for it
    **dict.fromkeys(("moons", "moons gc off"), SCALARS),
    **dict.fromkeys(("logistic 100x2", "logistic 1000x20", "logistic 1000x1000"), LOGISTIC),
    "logistic 1e5x20": LARGE,
    "logistic 1e6x20": [*LARGE, *SHARED],
    **{f"logistic {size} float32": FLOAT32 for size in SIZES},
    **dict.fromkeys(("mlp 32", "mlp 256"), ARRAYS),
    "mlp 2e5x20": ["by_hand", "tinygraph_compiled", "tinygraph_compiled_threads", "torch_eager", "jax_jit", *SHARED],
    **{f"fit {name}": ["sklearn_lbfgs", "tinygraph_models"] for name in CLASSIFICATIONS},
}
# What is promised for a compiled step: the ratio to each of these is at most.
COMPILED = {
    "logistic 100x2": {"by_hand": 0.62, "jax_jit": 0.25, "torch_eager": 0.85},
    "logistic 1000x20": {"by_hand": 0.70, "jax_jit": 0.45, "torch_eager": 0.85},
    "logistic 1000x1000": {"by_hand": 0.96, "jax_jit": 0.92, "torch_eager": 0.85},
    "logistic 1e5x20": {"by_hand": 0.78, "jax_jit": 0.65, "torch_eager": 0.85},
    "logistic 1e6x20": {"by_hand": 0.72, "jax_jit": 0.50, "torch_eager": 0.85},
    "mlp 32": {"by_hand": 0.95, "jax_jit": 0.95, "torch_eager": 0.85},
    "mlp 256": {"by_hand": 1.0, "jax_jit": 0.95, "torch_eager": 1.15},
    "chain": {"by_hand": 0.82, "torch_eager": 0.85},
    "moons": {"micrograd_scalars": 1 / 1000},
    "moons gc off": {"micrograd_scalars": 1 / 120},
}
# And of other peers, as (workload, peer, base, at most).
PROMISES = [
    *((workload, "tinygraph_compiled", base, most) for workload, limits in COMPILED.items() for base, most in limits.items()),
    ("logistic 1e6x20", "tinygraph_compiled_threads", "by_hand", 0.50),
    *((f"logistic {size}", "tinygraph_arrays", "torch_eager", 1.0) for size in ("100x2", "1000x20", "1000x1000")),
    ("logistic 1e5x20", "tinygraph_arrays", "by_hand", 1.35),
    ("mlp 256", "tinygraph_arrays", "by_hand", 1.35),
    ("chain", "tinygraph_arrays", "torch_eager", 0.6),
    ("chain", "tinygraph_nodes", "torch_eager", 1.0),
    ("moons", "tinygraph_arrays", "micrograd_scalars", 0.25),
    ("fit breast cancer", "tinygraph_models", "sklearn_lbfgs", 0.35),
    ("fit digits", "tinygraph_models", "sklearn_lbfgs", 1.1),
    ("fit 1e5x50", "tinygraph_models", "sklearn_lbfgs", 0.85),
    ("fit 1e6x20", "tinygraph_models", "sklearn_lbfgs", 0.65),
]
FIGURES = {"size": sizes, "printing": printing, "compiled": compiled, "costs": costs}
FIGURE_PROMISES = {
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
    "seconds to compile moons": 0.4,
    "seconds to compile 1e5 scalar nodes, wide": 0.5,
    "seconds to compile 1e5 scalar nodes, chain": 4,
    "MB to compile 1e5 scalar nodes, chain": 250,
    "slowest over fastest of these from 1000 on, wide": 2.5,
    "slowest over fastest of these from 1000 on, chain": 2.5,
    "MB that a warm step of logistic 1e6x20 allocates": 1,
}


def machine() -> dict[str, Any]:
    """What the figures were measured on; `load` is how many processes were busy before."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    load = {"load": round(os.getloadavg()[0], 1)} if hasattr(os, "getloadavg") else {}
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(), **load, **versions}


def reported(workload: str, result: Result) -> dict[str, Any]:
    """What the report says of a workload; of one that was not measured, no ratios but that of the control."""
    base = COMPARISONS[workload][0]
    limits = [(peer, to, most) for name, peer, to, most in PROMISES if name == workload]
    steady = result.steady(base)
    return {
        "seconds": {peer: statistics.median(times) for peer, times in result.times.items()},
        "ratios": {peer: result.ratios(peer, base) for peer in result.times if steady or peer == CONTROL},
        "promises": {
            f"{workload}: {peer} over {to}": (ratios[1], most)
            for peer, to, most in limits
            if steady and (ratios := result.ratios(peer, to))
        },
        "measured": steady,
        "missing": result.missing,
    }


def markdown(report: dict[str, Any]) -> str:
    """The report as tables."""
    lines = ["# Benchmarks", "", ", ".join(f"{key} {value}" for key, value in report["machine"].items()), ""]
    lines += ["One BLAS thread; medians and quartiles of ratios measured in turn, each peer in its own process.", ""]
    for workload, result in report["workloads"].items():
        lines += [f"## {workload}", ""]
        if not result["measured"]:
            lines += [f"**Not measured**: the control, which does the same as the first peer, was off in {TRIES} tries.", ""]
        lines += [f"| peer | ms a step or fit | ratio to {COMPARISONS[workload][0]} | quartiles |", "|---|---|---|---|"]
        for peer, seconds in result["seconds"].items():
            lower, middle, upper = result["ratios"].get(peer) or [float("nan")] * 3
            lines.append(f"| {peer} | {seconds * 1e3:.3f} | {middle:.3g} | {lower:.3g} to {upper:.3g} |")
        lines += [f"| {peer} | missing | {why} | |" for peer, why in result["missing"].items()]
        lines.append("")
    if report["figures"]:
        lines += ["## Figures", "", "| figure | value |", "|---|---|"]
        lines += [f"| {name} | {value:.3g} |" for name, value in report["figures"].items()] + [""]
    lines += ["## Promises", "", "| figure | measured | at most | |", "|---|---|---|---|"]
    for name, (measured, most) in promises(report).items():
        lines.append(f"| {name} | {measured:.3g} | {most:.3g} | {'kept' if measured <= most else 'NOT KEPT'} |")
    return "\n".join(lines) + "\n"


def promises(report: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Each promise that was measured, with the figure and the limit."""
    figures = report["figures"]
    found = {name: limits for result in report["workloads"].values() for name, limits in result["promises"].items()}
    return found | {name: (figures[name], most) for name, most in FIGURE_PROMISES.items() if name in figures}


def main() -> None:
    """Run, print the tables, and write them as `benchmarks.md` and `benchmarks.json`, and as a picture, `benchmarks.svg`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="timings of each peer (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=[*COMPARISONS, *FIGURES], help="these workloads alone")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the report (default: %(default)s)")
    options = parser.parse_args()
    chosen = options.only or [*COMPARISONS, *FIGURES]
    measured_on = machine()
    compared = {name: peers for name, peers in COMPARISONS.items() if name in chosen}
    results = {name: reported(name, until_steady(name, peers, options.rounds)) for name, peers in compared.items()}
    figures = {name: figure for kind, measured in FIGURES.items() if kind in chosen for name, figure in measured().items()}
    report = {"machine": measured_on, "workloads": results, "figures": figures}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.out / "benchmarks.md").write_text(markdown(report), encoding="utf-8")
    if any(result["ratios"].keys() & DRAWN.keys() for result in results.values()):
        save(report, options.out / "benchmarks.svg")
    print(markdown(report))
    print(f"written to {options.out}: benchmarks.md, benchmarks.json, and benchmarks.svg where peers were compared")


if __name__ == "__main__":
    main()
