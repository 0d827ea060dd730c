"""The same graph with other leaf values: to test a formula on, and to give every learner numbers of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from numbers import Integral
from typing import Any

import numpy as np

from tinygraph.decisions import DecisionError
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import SumOfProducts
from tinygraph.program.statements import program_of
from tinygraph.sparse import stored, with_entries

DRAWS = 5  # of other leaves on which a formula must hold
SIGNS = (1, -1, 1, 0)  # of the leaves in successive draws: their own, the opposite, their own, random
TRIES = 40  # to find leaves on which everything is finite


def on_other_leaves(graph: Graph) -> list[Graph]:
    """The same graph with other leaf values on which all gradients are finite; if none are found, the graph itself."""
    ways = [*manners(graph).items()]
    draws = ({x: _redrawn(x, how, i, place) for place, (x, how) in enumerate(ways)} for i in range(TRIES))
    return [*islice(_finite(graph, draws), DRAWS)] or [graph]


def _finite(graph: Graph, draws: Iterable[Mapping[Node, Any]]) -> Iterator[Graph]:
    """The graphs with other leaf values on which everything is finite, and which take the same branches."""
    for leaves in draws:
        try:
            with np.errstate(all="ignore"):
                other = graph.with_leaves(leaves)
        except DecisionError:  # with these numbers the program would take another branch
            continue
        if all(np.isfinite(stored(s.value)).all() for s in program_of(other).statements):
            yield other


def _free_leaves(graph: Graph) -> list[Node]:
    """The leaves that may get other values: neither scalar constants without a name, which formulas have as literals, nor the
    seed of an earlier backward pass, which formulas have as a number.

    Where an array has no name, constants stay as they are: it may be computed from them, as 1 - y is, by code without a source.
    """
    free = [
        x
        for x in graph.forward
        if x.op is None and x.kind != "seed" and (x.shape or x.kind == "parameter" or graph._is_named_by_user(x))
    ]
    all_named = all(x.kind == "parameter" or graph._is_named_by_user(x) for x in free)
    return [x for x in free if x.kind == "parameter" or all_named]


def _read_as_numbers(graph: Graph) -> set[Node]:
    """The leaves that only elementwise ops and matmul read, so that any number of their dtype is valid."""
    leaves = {x for x in graph.forward if x.op is None}
    for node in graph.forward:
        if node.op is not None and not node.op.elementwise and not isinstance(node.op.kind, SumOfProducts):
            leaves.difference_update(x for x in node.inputs if isinstance(x, Node))
    return leaves


def _is_label(leaf: Node) -> bool:
    return leaf.kind == "constant" and bool(np.isin(stored(leaf.value), (0, 1)).all())


def _is_distribution(leaf: Node) -> bool:
    """Whether the rows of a constant are probabilities, as one-hot labels are."""
    value = stored(leaf.value)
    return leaf.kind == "constant" and value.ndim and value.shape[-1] > 1 and np.allclose(value.sum(-1), 1) and (value >= 0).all()


def manner(leaf: Node, is_number: bool) -> str:
    """How a leaf gets other values: probabilities are permuted in each row, indices are permuted; other numbers keep their size,
    within or beyond 1, and get signs as a draw wants them."""
    if leaf.dtype.kind == "b" or (leaf.dtype.kind != "f" and not is_number):
        return "permuted" if leaf.shape else "kept"
    if leaf.dtype.kind != "f":
        return "counts"
    return "distributions" if _is_distribution(leaf) else "labels" if _is_label(leaf) else "numbers"


def manners(graph: Graph) -> dict[Node, str]:
    """The manner of each leaf that may get other values."""
    numbers = _read_as_numbers(graph)
    return {leaf: manner(leaf, leaf in numbers) for leaf in _free_leaves(graph)}


def uniform(draw: int, place: int, count: int) -> np.ndarray[Any, Any]:
    """Numbers from 0 to 1 for the leaf at a place in one of the draws: `javascript/proving.js` draws the same."""
    start = np.uint32((draw * 0x9E3779B1 + place * 0x85EBCA6B) % 2**32)
    with np.errstate(over="ignore"):
        x = start + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        x = (x ^ (x >> 15)) * (x | 1)
        x ^= x + (x ^ (x >> 7)) * (x | 61)
        return np.asarray((x ^ (x >> 14)) / 2**32)


def _redrawn(leaf: Node, how: str, draw: int, place: int) -> Any:
    """A random value for a leaf, whose numbers get its signs times that of the draw, or random signs where this is 0."""
    value = stored(leaf.value)
    first, second = uniform(draw, place, 2 * value.size).reshape(2, *value.shape)
    return with_entries(leaf.value, _entries_redrawn(value, first, second, SIGNS[draw % len(SIGNS)], how))


def _entries_redrawn(value: Any, first: Any, second: Any, sign: int, how: str) -> Any:
    match how:
        case "kept":
            return value
        case "permuted":
            return value.ravel()[np.argsort(first, axis=None, kind="stable")].reshape(value.shape)
        case "distributions":
            return np.take_along_axis(value, np.argsort(first, axis=-1, kind="stable"), axis=-1)
        case "counts":
            return np.asarray(2 + 7 * first, value.dtype)
        case "labels":
            return 0.05 + 0.9 * first
    signs = sign * np.sign(value)
    signs = np.where(signs == 0, np.where(second < 0.5, -1, 1), signs)
    return signs * np.where(np.abs(value) < 1, 0.05 + 0.9 * first, 1 + 1.5 * first)


def with_other_numbers(graph: Graph, seed: int) -> Graph:
    """The graph with other values of parameters and scalar leaves, of one or two decimals and the same sign; labels stay 0 or 1.

    Raises ValueError for a seed that is not a whole number from 0 on, where there are no such leaves, and where all gradients
    tried have entries that are not finite.
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"seed={seed!r:.50} must be a whole number from 0 on, such as seed=7")
    rng = np.random.default_rng(int(seed))
    given = [x for x in _free_leaves(graph) if x.dtype.kind == "f" and not (_is_label(x) or (x.shape and x.kind == "constant"))]
    if not given:
        raise ValueError(f"seed={seed}: there is no parameter and no scalar with a name to give another number")
    found = next(_finite(graph, ({leaf: _rounded(leaf, rng) for leaf in given} for _ in range(TRIES))), None)
    if found is None:
        raise ValueError(f"seed={seed}: no numbers were found on which every gradient is finite")
    return found


def _rounded(leaf: Node, rng: np.random.Generator) -> Any:
    signs = np.where(leaf.value == 0, rng.choice([-1, 1], leaf.shape), np.sign(leaf.value))
    small, large = rng.uniform(0.05, 0.95, leaf.shape), rng.uniform(1, 3, leaf.shape)
    return signs * np.where(np.abs(leaf.value) < 1, np.round(small, 2), np.round(large, 1))
