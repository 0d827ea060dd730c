"""The reverse sweep: the chain rule applied once to every node between the inputs asked for and the output, latest first.

One sweep serves two readings of the rules. On arrays it computes the numbers; on Nodes it records them, so that a gradient is
a graph again. Broadcasting and promotion are undone here and nowhere else. Nothing is stored on the nodes.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from types import FrameType, MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy import float64, ndarray

from tinygraph.leaves import constant
from tinygraph.node import NUMBERING, Node
from tinygraph.ops import Repetition, alias, cast_like, sum_like
from tinygraph.origins import Noted
from tinygraph.place import FixedUserFrame, user_frame
from tinygraph.warned import warn_at, warnings_reported

Path: TypeAlias = dict[Node, None]  # a set that keeps its order

by_number = attrgetter("number")


def reached(outputs: Collection[Node], oldest: int = 0) -> list[Node]:
    """The nodes that the outputs are made of, themselves included and none older than `oldest`, in order of creation."""
    found = list(dict.fromkeys(outputs))
    seen = set(found)
    for node in found:  # grows as it is walked, almost from the latest to the oldest, which sorts fast
        for x in node.inputs:
            if isinstance(x, Node) and x not in seen and x.number >= oldest:
                seen.add(x)
                found.append(x)
    found.sort(key=by_number)
    return found


def between(of: Node, wrt: Collection[Node], nodes: Sequence[Node] = ()) -> Path:
    """The nodes on a differentiable path from any of `wrt` to `of`, both included, in order of creation.

    `nodes` is what `reached([of])` gives, where that is at hand.
    """
    wanted = set(wrt)
    path: Path = {}
    misses = path.keys().isdisjoint
    ends = False  # whether some op may keep a gradient from what it reads
    for node in nodes or reached([of], min(map(by_number, wrt), default=0)):
        op = node.op
        if op is None or misses(node.inputs):
            if node in wanted:
                path[node] = None
        elif not op.partial:
            path[node] = None
        else:
            ends = True
            if node in wanted or not path.keys().isdisjoint(ruled(node)):
                path[node] = None
    return _fed(of, path) if ends else path


def _fed(of: Node, path: Path) -> Path:
    """The nodes of a path that a gradient gets to from `of`."""
    fed = {of}
    for node in reversed(path):
        if node in fed:
            fed.update(ruled(node))
    return {node: None for node in path if node in fed}


def ruled(node: Node) -> list[Node]:
    """The inputs of a node to which a rule passes its gradient."""
    if node.op is None:
        return []
    rules = node.op.rules_for(len(node.inputs))
    return [x for rule, x in zip(rules, node.inputs, strict=True) if rule is not None and isinstance(x, Node)]


class CollectorPaused:
    """Keep the garbage collector from walking a graph that is only growing."""

    __slots__ = ("_enabled",)

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._enabled:
            gc.enable()


def sweep(
    of: Node,
    wrt: Collection[Node],
    seed: Any,
    *,
    on_nodes: bool = False,
    named: Collection[Node] = (),
    known: Mapping[Node, Any] = MappingProxyType({}),
    path: Path | None = None,
    noted: Noted | None = None,
    ends: bool = False,
) -> dict[Node, Any]:
    """The gradient of `of`, weighted by `seed`, with respect to each of `wrt`: arrays, or Nodes if `on_nodes`.

    A node in `named` gets a gradient Node of its own, even where a rule only passes it through; one in `known` has it already.
    `path` is what `between(of, wrt)` gives, where that is at hand; `noted` learns what recorded the gradients. With `ends` the
    sweep ends at the nodes of `wrt`, so that none passes its gradient on to another. A node of `wrt` that `of` does not depend on
    is missing from the result.
    """
    path = between(of, wrt) if path is None else path
    try:
        return _swept(of, seed, path, _Kept(wrt, named, known, on_nodes, ends), noted)
    except RuntimeWarning:  # by the filter in tinygraph.warned
        at = [of]
        with warnings_reported(partial(_warn, at, user_frame(sys._getframe()))):
            return _swept(of, seed, path, _Kept(wrt, named, known, on_nodes, ends), noted, at)


def _warn(at: Sequence[Node], user: FrameType, kind: str) -> None:
    """Warn at the user's line of what NumPy warned of in the gradient of a node."""
    op, place = at[0].op, at[0].place
    assert op is not None
    warn_at(user, f"{kind} encountered in the gradient of {op.name}, recorded at {place}", RuntimeWarning)


def _swept(of: Node, seed: Any, path: Path, kept: _Kept, noted: Noted | None, at: list[Node] | None = None) -> dict[Node, Any]:
    """What `sweep` gives. A warning by NumPy ends it where it is not reported, with the node that it is `at`."""
    fit, inner, on_nodes = kept.fit, kept.inner, kept.on_nodes
    pending = {of: seed} if of in path else {}
    node = of
    with CollectorPaused(), FixedUserFrame(), np.errstate(under="ignore"):  # a gradient that is too small for a float is 0
        try:
            for node in reversed(path) if at is None and noted is None else _watched(path, noted, at or [of]):
                op = node.op
                if op is None:
                    continue
                g = pending.pop(node, None)
                if g is None:  # the output reads the node's shape alone
                    continue
                if inner and node in inner:
                    g = kept.settled(node, g)
                    if kept.ends and node in kept.wanted:
                        continue
                op.pass_on(op, node, g, pending, path, fit, on_nodes)
        except Exception as error:
            if node.op is not None:
                error.add_note(f"in a gradient rule of {node.op.name}, recorded at {node.place}")
            raise
        for node in reversed(path):
            if node.op is None and node in pending:
                kept.settled(node, pending[node])
    return kept.found


def _watched(path: Path, noted: Noted | None, at: list[Node]) -> Iterator[Node]:
    """The nodes of a path from the last to the first, each in `at` meanwhile, its number noted."""
    for node in reversed(path):
        at[0] = node
        if noted is not None:
            noted.starts.append(next(NUMBERING))
        yield node


class _Kept:
    """The gradients that a sweep keeps: those of the nodes asked for, and one of its own for each named node."""

    def __init__(
        self, wrt: Collection[Node], named: Collection[Node], known: Mapping[Node, Any], on_nodes: bool, ends: bool
    ) -> None:
        self.found: dict[Node, Any] = {}
        self.wanted, self._named, self._known, self.on_nodes, self.ends = set(wrt), set(named), known, on_nodes, ends
        self.fit = _fit_node if on_nodes else _fit
        self._taken = set(known.values())
        self.inner = {node for node in self.wanted | self._named if node.op is not None}

    def settled(self, node: Node, g: Any) -> Any:
        """The complete gradient of a node that is kept, in its byte order too, which arithmetic does not keep."""
        if node in self._known:
            g = self._known[node]
        else:
            g = self.fit(g, node)
            if node in self._named:
                # A gradient that is only repeated is given to each reader on its own: 1, rather than another value's gradient.
                g = alias(g) if g in self._taken or (g.op is not None and isinstance(g.op.kind, Repetition)) else g
                self._taken.add(g)
        if node in self.wanted:
            self.found[node] = g
        return g


def _fit(contribution: Any, x: Node) -> Any:
    """Undo broadcasting and promotion: give a contribution the shape and dtype of the value that it belongs to."""
    value = x._value
    if type(contribution) is ndarray:
        if contribution.shape == value.shape and contribution.dtype is value.dtype:
            return contribution
    elif type(contribution) is type(value) is float64:
        return contribution
    else:
        contribution = _numbers(contribution)
    if _stretched(contribution, value):
        contribution = sum_like(contribution, value)
    return typed(contribution, value)


def _fit_node(contribution: Any, x: Node) -> Node:
    """Do the same on Nodes."""
    node = contribution if isinstance(contribution, Node) else constant(_numbers(contribution))
    if type(node._value) is type(x._value) is float64:
        return node
    if _stretched(node._value, x._value):
        node = sum_like(node, x)
    return typed(node, x)


def typed(gradient: Any, x: Any) -> Any:
    """A gradient in the dtype of the value that it belongs to; both are arrays, or both are nodes."""
    return gradient if gradient.dtype == x.dtype else cast_like(gradient, x)


def _numbers(contribution: Any) -> Any:
    """What a rule gave as an array or a NumPy scalar."""
    array = np.asarray(contribution)[()]
    if array is None or array.dtype.kind not in "biuf":
        kind = type(contribution).__name__
        raise TypeError(f"a rule gave {kind}, not real numbers" + (": is a `return` missing?" if contribution is None else ""))
    return array


def _stretched(contribution: Any, value: Any) -> bool:
    """Whether a contribution has the entries of a value more than once."""
    shape, own = contribution.shape, value.shape
    if shape == own:
        return False
    lacks = len(shape) - len(own)
    met = shape[lacks:]
    if lacks < 0 or (met != own and any(n not in (1, m) for m, n in zip(met, own, strict=True))):
        raise ValueError(f"a rule gave a gradient of shape {shape} for a value of shape {own}")
    return True
