"""A sample in numbers of an op that is no function of one: its operands, its result, and the matrices of its derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygraph.calculus import gradients
from tinygraph.explaining.samples import FAILURES, LARGEST, Sample
from tinygraph.node import Node


class Derivatives(NamedTuple):
    """The derivative of every entry of the result, by row, by every entry of an operand, by column."""

    operand: str
    matrix: Any


class Numbers(NamedTuple):
    """Operands by name, the result, and the derivatives by those that have a gradient."""

    operands: dict[str, Any]
    result: Any
    derivatives: list[Derivatives]


def in_numbers(sample: Sample) -> Numbers | None:
    """The numbers of a sample; None where those are too many."""
    if max(x.size for x in (*sample.leaves, sample.out)) > LARGEST:
        return None
    out = sample.out
    operands = zip(sample.names, sample.leaves, sample.rules(), strict=True)
    with np.errstate(all="ignore"):
        found = [(name, _jacobian(out, leaf)) for name, leaf, rule in operands if rule is not None and out.dtype.kind == "f"]
    derivatives = [Derivatives(name, matrix) for name, matrix in found if matrix is not None]
    return Numbers(dict(zip(sample.names, sample.given, strict=True)), out.value, derivatives)


def _jacobian(out: Node, leaf: Node) -> Any:
    """A row for each entry of the result; None where there is no derivative, as by a singular matrix."""
    seeds = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
    try:
        rows = [np.ravel(gradients(out, leaf, seed=seed[()])[0]) for seed in seeds]
    except FAILURES:
        return None
    return np.array(rows).reshape(out.size, leaf.size)


def entries(shape: tuple[int, ...]) -> list[str]:
    """The index of every entry, as code writes it; empty for a number."""
    return [f"[{', '.join(map(str, index))}]" if index else "" for index in np.ndindex(shape)]
