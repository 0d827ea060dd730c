"""The reverse sweep: the chain rule applied once to every node between the inputs asked for and the output, latest first.

One sweep serves two readings of the rules. On arrays it computes the numbers; on Nodes it records them, so that a gradient is
a graph again. Broadcasting and promotion are undone here and nowhere else. Nothing is stored on the nodes.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy import float64, ndarray

from tinygraph.node import Node, constant
from tinygraph.ops import alias, cast_like, sum_like

by_number = attrgetter("number")


def ancestors(*outputs: Node) -> list[Node]:
    """All nodes that the outputs are made of, themselves included, in order of creation."""
    return sorted(_reach(outputs, 0), key=by_number)


def _reach(outputs: Sequence[Node], oldest: int) -> set[Node]:
    """The nodes upstream of the outputs that are not older than the number `oldest`."""
    seen = set(outputs)
    stack = list(outputs)
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Node) and x.number >= oldest and x not in seen:
                seen.add(x)
                stack.append(x)
    return seen


def between(of: Node, wrt: Collection[Node]) -> list[Node]:
    """The nodes on a differentiable path from any of `wrt` to `of`, both included, in order of creation."""
    reached = sorted(_reach([of], min(node.number for node in wrt)), key=by_number)
    needed = set(wrt)
    for node in reached:
        op = node.op
        if op is not None and not needed.isdisjoint(node.inputs) and (not op.partial or _passes(node, needed)):
            needed.add(node)
    return [node for node in reached if node in needed]


def _passes(node: Node, needed: set[Node]) -> bool:
    """Whether a rule leads from the node to an input that is needed."""
    assert node.op is not None
    rules = node.op.rules_for(len(node.inputs))
    return any(rule is not None and x in needed for rule, x in zip(rules, node.inputs, strict=True))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a graph that is only growing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def sweep(
    of: Node,
    wrt: Collection[Node],
    seed: Any,
    *,
    on_nodes: bool = False,
    named: Collection[Node] = (),
    known: Mapping[Node, Any] = MappingProxyType({}),
) -> dict[Node, Any]:
    """The gradient of `of`, weighted by `seed`, with respect to each of `wrt`: arrays, or Nodes if `on_nodes`.

    A node in `named` gets a gradient Node of its own, even where a rule only passes it through; one in `known` has it already. A
    node of `wrt` that `of` does not depend on is missing from the result.
    """
    path = between(of, wrt)
    needed, wanted, named = set(path), set(wrt), set(named)
    kept = wanted | named
    pending = {of: seed} if of in needed else {}
    taken = set(known.values())
    found = {}
    with collector_paused():
        for node in reversed(path):
            g = pending.pop(node, None)
            if g is None:  # the output reads the node's shape alone
                continue
            if node in kept:
                g = known.get(node, g)
                if node in named and node not in known:
                    g = alias(g) if g in taken else g
                    taken.add(g)
                if node in wanted:
                    found[node] = g
            if node.op is not None:
                _push(node, g, pending, needed, on_nodes)
    return found


def _push(node: Node, g: Any, pending: dict[Node, Any], needed: set[Node], on_nodes: bool) -> None:
    """Hand the gradient of one node to its inputs, the last first, so that contributions add up in reading order."""
    op, inputs, params = node.op, node.inputs, node.params
    assert op is not None
    out: Any = node
    arguments: Sequence[Any] = inputs
    if not on_nodes:
        out = node._value
        arguments = [x._value if isinstance(x, Node) else x for x in inputs]
    rules = op.rules_for(len(inputs)) if op.variadic else op.rules
    position = len(inputs)
    for x in reversed(inputs):
        position -= 1
        rule = rules[position]
        if rule is None or x not in needed:
            continue
        try:
            contribution = rule(g, out, *arguments, **params) if params else rule(g, out, *arguments)
            if on_nodes:
                contribution = contribution if isinstance(contribution, Node) else constant(contribution)
                contribution = _fit(contribution, contribution._value, x, x._value)
            else:
                value = x._value
                if not (type(contribution) is type(value) is float64):
                    contribution = _fit(contribution, contribution, value, value)
        except Exception as error:
            error.add_note(f"in the gradient rule of {op.name} for its argument {position + 1}, recorded at {node.place}")
            raise
        previous = pending.get(x)
        pending[x] = contribution if previous is None else contribution + previous


def _fit(contribution: Any, actual: Any, like: Any, value: Any) -> Any:
    """Undo broadcasting and promotion: give a contribution, whose value is `actual`, the shape and dtype of `value`."""
    if type(actual) is ndarray and actual.shape == value.shape and actual.dtype is value.dtype:
        return contribution
    shape = np.shape(actual)
    if shape != value.shape:
        try:
            stretched = np.broadcast_shapes(shape, value.shape) == shape
        except ValueError:
            stretched = False
        if not stretched:
            raise ValueError(f"a rule gave a gradient of shape {shape} for a value of shape {value.shape}")
        contribution = sum_like(contribution, like)
    elif not hasattr(actual, "dtype"):
        contribution = actual = np.asarray(actual)
    return contribution if actual.dtype == value.dtype else cast_like(contribution, like)


def seed_for(of: Node, seed: Any) -> Any:
    """The upstream gradient that a sweep starts from: 1 for a scalar output, else what the user gives, checked."""
    value = of._value
    if value.dtype.kind != "f":
        raise TypeError(f"{of!r} has dtype {value.dtype}: only an output of real floating-point numbers has a gradient")
    if seed is None:
        if value.shape:
            raise ValueError(
                f"{of!r} has shape {value.shape}, and only a scalar has one gradient: reduce it, for example by np.sum or "
                f"np.mean, or pass seed= an array of shape {value.shape} that weighs its entries"
            )
        return value.dtype.type(1)
    if np.shape(seed) != value.shape:
        raise ValueError(
            f"the seed has shape {np.shape(seed)}, but the output {of!r} has shape {value.shape}: give it that shape"
        )
    if isinstance(seed, Node):
        return seed
    return np.array(seed, dtype=value.dtype)[()]


def check_wrt(wrt: Sequence[Node]) -> None:
    """Refuse what no gradient can be asked for."""
    for node in wrt:
        if not isinstance(node, Node):
            raise TypeError(
                f"a gradient is taken with respect to nodes, not {type(node).__name__}: make it a tg.parameter before it is used"
            )
        if node._value.dtype.kind != "f":
            raise TypeError(f"{node!r} has dtype {node._value.dtype}: only real floating-point numbers have a gradient")


def independent(of: Node, missing: Sequence[Node]) -> ValueError:
    """The error for a `wrt` that the output does not depend on."""
    return ValueError(
        f"{of!r} does not depend on {', '.join(map(repr, missing))}: was it made before a new `tg.parameter`, from `.value`, or "
        "only through comparisons or tg.stop_gradient? Use the very node that went into the expression"
    )
