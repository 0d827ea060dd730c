"""A worked example of an op that is no function of one number: its operands, its result, and the matrix of its derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygraph.calculus import gradients
from tinygraph.explaining.examples import FAILURES, Example

LARGEST = 12  # entries of an array


class Derivatives(NamedTuple):
    """The derivative of every entry of the result, by row, by every entry of an operand, by column."""

    operand: str
    matrix: Any


class Worked(NamedTuple):
    """Operands by name, the result, and the derivatives by those that have a gradient."""

    operands: dict[str, Any]
    result: Any
    derivatives: list[Derivatives]


def worked(example: Example) -> Worked | None:
    """The example in numbers; None where that is too large."""
    if max(x.size for x in (*example.leaves, example.out)) > LARGEST:
        return None
    out = example.out
    found = []
    for name, leaf, rule in zip(example.names, example.leaves, example.rules(), strict=True):
        if rule is None or out.dtype.kind != "f":
            continue
        rows = []
        for i in range(out.size):
            seed = np.zeros(out.size, out.dtype)
            seed[i] = 1
            try:
                with np.errstate(all="ignore"):
                    rows.append(np.ravel(gradients(out, leaf, seed=seed.reshape(out.shape)[()])[0]))
            except FAILURES:
                return None
        found.append(Derivatives(name, np.array(rows).reshape(out.size, leaf.size)))
    given = dict(zip(example.names, example.given, strict=True))
    return Worked(given, out.value, found)


def entries(shape: tuple[int, ...]) -> list[str]:
    """The index of every entry, as code writes it; empty for a number."""
    return [f"[{', '.join(map(str, index))}]" if index else "" for index in np.ndindex(shape)]
