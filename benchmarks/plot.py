"""A report as a picture: for each workload the time of each peer over that of the first, with quartiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from benchmarks.runner import CONTROL

# Each peer that is drawn, with its name and mark; those of tinygraph are filled and blue.
DRAWN = {
    "tinygraph_compiled": ("tinygraph, compiled", {"marker": "o", "color": "#1f5fbf"}),
    "tinygraph_arrays": ("tinygraph, arrays", {"marker": "s", "color": "#1f5fbf", "fillstyle": "none"}),
    "by_hand_tuned": ("NumPy with out=", {"marker": "|", "color": "#444444"}),
    "torch_eager": ("PyTorch, eager", {"marker": "^", "color": "#c8502d", "fillstyle": "none"}),
    "jax_jit": ("jax.jit", {"marker": "D", "color": "#2d8a57", "fillstyle": "none"}),
    "autograd_numpy": ("autograd", {"marker": "x", "color": "#8a6d2d"}),
    "mygrad_tensors": ("MyGrad", {"marker": "+", "color": "#8a2d7c"}),
}


def plotted(report: dict[str, Any], base: str = "by_hand") -> Figure:
    """The workloads of a report that were measured against a peer, one row each, the first at the top."""
    rows = {
        name: found["ratios"] for name, found in report["workloads"].items() if found["measured"] and base in found["seconds"]
    }
    figure = Figure(figsize=(8, 0.9 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color="#444444", linewidth=1)
    for peer, (label, style) in DRAWN.items():
        found = [(i, ratios[peer]) for i, ratios in enumerate(rows.values()) if peer in ratios and peer != CONTROL]
        if found:
            places = [i for i, _ in found]
            lower, middle, upper = zip(*(ratio for _, ratio in found), strict=True)
            spread = [[m - q for m, q in zip(middle, lower, strict=True)], [q - m for m, q in zip(middle, upper, strict=True)]]
            axes.errorbar(middle, places, xerr=spread, linestyle="", label=label, markersize=6, elinewidth=1, **style)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)
    axes.set_xlabel("time over that of NumPy by hand (further left is faster)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def save(report: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG, the same bytes for the same report."""
    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        plotted(report).savefig(path, metadata={"Date": None})
