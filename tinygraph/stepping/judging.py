"""Judging an answer of the quiz: tolerances, common mistakes, and other leaf values to test a formula on."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from tinygraph.decisions import DecisionError
from tinygraph.express.text import SMALLEST
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import SumOfProducts
from tinygraph.program.statements import program_of
from tinygraph.sparse import stored, with_entries
from tinygraph.stepping.examples import batch_size

DRAWS = 5  # of other leaves on which a formula must hold
SIGNS = (1, -1, 1, 0)  # of the leaves in successive draws: their own, the opposite, their own, random
TRIES = 40  # to find leaves on which everything is finite
RELATIVE, ABSOLUTE = 1e-2, 5e-4  # the tolerance of a number; the latter is half of the last decimal
ROUNDING = 1e-12  # the rounding error where numbers cancel
TOLERANCE = {"relative": RELATIVE, "absolute": ABSOLUTE, "smallest": SMALLEST, "rounding": ROUNDING}  # for a page


def gradient_of(graph: Graph, name: str) -> Any:
    """The value of the gradient of that name."""
    return next(s.value for s in program_of(graph).backward if s.name == name)


def mistakes_with(graph: Graph, name: str) -> Iterator[tuple[str, Any]]:
    """Common mistakes: the message about each, and the value that it leads to."""
    right = gradient_of(graph, name)
    yield "The sign is wrong", -right
    program = program_of(graph)
    passes = program.flow.passes(next(s.node for s in program.backward if s.name == name))
    if len(passes) > 1:  # first, because with an upstream gradient of 1 this would count as a forgotten one
        for p in passes:
            yield f"That is what comes through {p.reader.name} alone: the other readers contribute too", p.value
    for p in passes:
        of = f" through {p.reader.name}" if len(passes) > 1 else ""
        if p.is_factor:
            local, upstream = p.local_value, p.upstream.value
            yield f"That is the local derivative{of} alone: the upstream gradient is forgotten", local
            yield f"That is the local derivative{of} with the wrong sign, and the upstream gradient is forgotten", -local
            yield f"That is the upstream gradient{of} alone: the local derivative is forgotten", upstream
    size = batch_size(graph)
    if size is not None and size > 1:
        yield f"It is {size} times too large: is the mean forgotten?", right * size
        yield f"It is {size} times too small: is it a sum, not a mean?", right / size


def fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a value of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def allowed(value: Any) -> Any:
    """The tolerance of each entry; for entries that print with an exponent it is relative alone."""
    size = np.abs(value)
    return np.maximum(RELATIVE * size, np.where((size > ROUNDING) & (size < SMALLEST), 0, ABSOLUTE))


def tolerance(value: Any) -> str:
    """The tolerance of one number in words."""
    return f"within {RELATIVE:.0%}" if allowed(value) < ABSOLUTE else f"within {RELATIVE:.0%} or {ABSOLUTE:g}"


def is_close(value: Any, right: Any) -> bool:
    """Whether two values are equal up to rounding."""
    if right is None or not fits(np.shape(value), np.shape(right)):
        return False
    relative = 1e-3 if np.asarray(right).dtype.itemsize < 8 else 1e-6
    size = np.max(np.abs(right), initial=0)
    return bool((np.abs(np.asarray(value, dtype=np.float64) - right) <= relative * size + ROUNDING).all())


# Other numbers


def on_other_leaves(graph: Graph) -> list[Graph]:
    """The same graph with other leaf values on which all gradients are finite; if none are found, the graph itself."""
    rng = np.random.default_rng(0)
    found: list[Graph] = []
    numbers = _read_as_numbers(graph)
    for i in range(TRIES):
        try:
            other = graph.with_leaves({x: _redrawn(x, rng, SIGNS[i % len(SIGNS)], x in numbers) for x in _free_leaves(graph)})
        except DecisionError:  # with these numbers the program would take another branch
            continue
        if _is_finite(other):
            found.append(other)
        if len(found) == DRAWS:
            break
    return found or [graph]


def _is_finite(graph: Graph) -> bool:
    return all(np.isfinite(stored(s.value)).all() for s in program_of(graph).statements)


def _free_leaves(graph: Graph) -> list[Node]:
    """The leaves that may get other values: neither scalar constants without a name, which formulas have as literals, nor the
    seed of an earlier backward pass, which formulas have as a number."""
    free = [x for x in graph.forward if x.op is None and x.kind != "seed"]
    return [x for x in free if x.shape or x.kind == "parameter" or graph._is_named_by_user(x)]


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


def _redrawn(leaf: Node, rng: np.random.Generator, sign: int, is_number: bool) -> Any:
    """A random value for a leaf: probabilities are permuted in each row, indices are permuted; other numbers get the signs of the
    leaf times `sign`, or random signs where `sign` is 0."""
    value = stored(leaf.value)
    return with_entries(leaf.value, _entries_redrawn(leaf, value, rng, sign, is_number))


def _entries_redrawn(leaf: Node, value: Any, rng: np.random.Generator, sign: int, is_number: bool) -> Any:
    if leaf.dtype.kind == "b" or (leaf.dtype.kind != "f" and not is_number):
        return rng.permutation(value) if value.shape else value
    if leaf.dtype.kind != "f":
        return rng.integers(2, 9, value.shape)
    if _is_distribution(leaf):
        return rng.permuted(value, axis=-1)
    if _is_label(leaf):
        return rng.uniform(0.05, 0.95, value.shape)
    signs = sign * np.sign(value)
    signs = np.where(signs == 0, rng.choice([-1, 1], value.shape), signs)
    inside = np.abs(value) < 1
    return signs * np.where(inside, rng.uniform(0.05, 0.95, value.shape), rng.uniform(1, 2.5, value.shape))


def with_other_numbers(graph: Graph, seed: int) -> Graph:
    """The graph with other values of parameters and scalar leaves, of one or two decimals and the same sign; labels stay 0 or 1.

    Raises ValueError for a seed that is not a whole number from 0 on, where there are no such leaves, and where all gradients
    tried have entries that are not finite.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed={seed!r:.50} must be a whole number from 0 on, such as seed=7")
    rng = np.random.default_rng(int(seed))
    given = [x for x in _free_leaves(graph) if x.dtype.kind == "f" and not (_is_label(x) or (x.shape and x.kind == "constant"))]
    if not given:
        raise ValueError(f"seed={seed}: there is no parameter and no scalar with a name to give another number")
    for _ in range(TRIES):
        try:
            with np.errstate(all="ignore"):
                other = graph.with_leaves({leaf: _rounded(leaf, rng) for leaf in given})
        except DecisionError:  # with these numbers the program would take another branch
            continue
        if _is_finite(other):
            return other
    raise ValueError(f"seed={seed}: no numbers were found on which every gradient is finite")


def _rounded(leaf: Node, rng: np.random.Generator) -> Any:
    signs = np.where(leaf.value == 0, rng.choice([-1, 1], leaf.shape), np.sign(leaf.value))
    small, large = rng.uniform(0.05, 0.95, leaf.shape), rng.uniform(1, 3, leaf.shape)
    return signs * np.where(np.abs(leaf.value) < 1, np.round(small, 2), np.round(large, 1))
