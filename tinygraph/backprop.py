"""The reverse sweep: the chain rule applied once to every node between the inputs asked for and the output, latest first.

One sweep serves two readings of the rules. On arrays it computes the numbers; on Nodes it records them, so that a gradient is
a graph again. Broadcasting and promotion are undone here and nowhere else. Nothing is stored on the nodes.
"""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy import float64, ndarray

from tinygraph.decisions import NUMBERS
from tinygraph.node import NUMBERING, Node, constant
from tinygraph.ops import alias, broadcast_like, cast_like, sum_like
from tinygraph.place import told_by_caller, warn_at
from tinygraph.sparse import holds_sparse
from tinygraph.warned import heard

Path: TypeAlias = dict[Node, None]  # a set that keeps its order

by_number = attrgetter("number")

IN_SILENCE = nullcontext()


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
    for node in nodes or reached([of], min((node.number for node in wrt), default=0)):
        op = node.op
        if op is not None and not misses(node.inputs):
            ends = ends or op.partial
            if not op.partial or node in wanted or _passes(node, path):
                path[node] = None
        elif node in wanted:
            path[node] = None
    return _fed(of, path) if ends else path


def _fed(of: Node, path: Path) -> Path:
    """The nodes of a path that a gradient gets to from `of`."""
    fed = {of}
    for node in reversed(path):
        if node in fed and node.op is not None:
            rules = node.op.rules_for(len(node.inputs))
            fed.update(x for rule, x in zip(rules, node.inputs, strict=True) if rule is not None and isinstance(x, Node))
    return {node: None for node in path if node in fed}


def _passes(node: Node, needed: Path) -> bool:
    """Whether a rule leads from the node to an input that is needed."""
    assert node.op is not None
    rules = node.op.rules_for(len(node.inputs))
    return any(rule is not None and x in needed for rule, x in zip(rules, node.inputs, strict=True))


class Noted:
    """Which node's rule recorded each node of a sweep, by the numbers at which the sweep came to the nodes of its path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.starts: list[int] = []  # in the order of the sweep, which is that of the path reversed

    def origin(self, number: int) -> Node | None:
        """The node whose rule recorded the one of a number, or None for what no rule did."""
        i = bisect_right(self.starts, number)
        return self._nodes[i - 1] if i else None

    @cached_property
    def _nodes(self) -> list[Node]:
        return list(reversed(self._path))


class Retraced:
    """The same of a sweep that noted nothing: a second one, when it is asked for, records as many nodes at every step.

    Where another thread recorded meanwhile, the answer may be another node.
    """

    def __init__(self, sweep_again: Callable[..., Any], path: Path) -> None:
        self._sweep_again = sweep_again
        self._path = path
        self._first = next(NUMBERING)

    def end(self) -> None:
        """Note that the first sweep is over."""
        self._last = next(NUMBERING)

    def origin(self, node: Node) -> Node | None:
        """The node whose rule recorded this one, or None for what no rule of this sweep did."""
        return self._noted.origin(node.number - self._first) if self._first < node.number < self._last else None

    @cached_property
    def _noted(self) -> Noted:
        noted = Noted(self._path)
        first = next(NUMBERING)
        with np.errstate(all="ignore"):  # the first one warned
            self._sweep_again(noted=noted)
        noted.starts = [start - first - i for i, start in enumerate(noted.starts)]  # without the numbers that noting takes
        return noted


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
        return _swept(of, wrt, seed, on_nodes, named, known, path, noted, ends)
    except RuntimeWarning:  # by the filter in tinygraph.warned
        return _swept(of, wrt, seed, on_nodes, named, known, path, noted, ends, aloud=True)


def _swept(
    of: Node,
    wrt: Collection[Node],
    seed: Any,
    on_nodes: bool,
    named: Collection[Node],
    known: Mapping[Node, Any],
    path: Path,
    noted: Noted | None,
    ends: bool,
    aloud: bool = False,
) -> dict[Node, Any]:
    """What `sweep` gives. A warning by NumPy ends it, or is issued at the user's line if `aloud`."""
    wanted, named, taken = set(wrt), set(named), set(known.values())
    kept = wanted | named
    inner = {node for node in kept if node.op is not None}
    pending = {of: seed} if of in path else {}
    starts: list[int] | None = None
    if noted is not None:
        starts = noted.starts = []
    found: dict[Node, Any] = {}
    fit = _fit_node if on_nodes else _fit

    # No inner function reads a variable of the loop, which would then be slower to read.
    def settle(node: Node, g: Any, fit: Callable[[Any, Node], Any] = fit) -> Any:
        """The complete gradient of a node that is kept, in its byte order too, which arithmetic does not keep."""
        g = known[node] if node in known else fit(g, node)
        if node in named and node not in known:
            # A gradient that is only repeated is given to each reader on its own: 1, rather than another value's gradient.
            g = alias(g) if g in taken or g.op is broadcast_like else g
            taken.add(g)
        if node in wanted:
            found[node] = g
        return g

    current = [of]

    def warn(kind: str) -> None:
        op, place = current[0].op, current[0].place
        assert op is not None
        warn_at(user, f"{kind} encountered in the gradient of {op.name}, recorded at {place}", RuntimeWarning)

    node = of
    with (
        collector_paused(),
        told_by_caller() as user,
        np.errstate(under="ignore"),  # a gradient that is too small for a float is 0
        heard(warn) if aloud else IN_SILENCE,
    ):
        try:
            for node in _noting(path, current) if aloud else reversed(path):
                if starts is not None:
                    starts.append(next(NUMBERING))
                op = node.op
                if op is None:
                    continue
                g = pending.pop(node, None)
                if g is None:  # the output reads the node's shape alone
                    continue
                if inner and node in inner:
                    g = settle(node, g)
                    if ends and node in wanted:
                        continue
                # The last input gets its contribution first, so that contributions add up in reading order. Long graphs consist
                # of ops of one and two operands, whose calls take half the time when they are written out, and what a rule
                # records is near to the user's frame when it is called here.
                inputs, rules = node.inputs, op.rules
                out = node if on_nodes else node._value
                if op.arity == 1:
                    x = inputs[0]
                    if x in path:
                        part = rules[0](g, out, x if on_nodes else x._value)
                        part = part if op.keeps_shape else fit(part, x)
                        pending[x] = part + pending[x] if x in pending else part
                elif op.arity == 2 and type(inputs[1]) in NUMBERS:
                    x, y = inputs
                    if x in path:
                        part = rules[0](g, out, x if on_nodes else x._value, y)
                        part = part if op.keeps_shape else fit(part, x)
                        pending[x] = part + pending[x] if x in pending else part
                elif op.arity == 2:
                    x, y = inputs
                    left = x if on_nodes or type(x) in NUMBERS else x._value
                    right = y if on_nodes else y._value
                    fits = op.keeps_shape and (type(x) in NUMBERS or _alike(x._value, y._value))
                    if y in path:
                        part = rules[1](g, out, left, right)
                        part = part if fits else fit(part, y)
                        pending[y] = part + pending[y] if y in pending else part
                    if x in path:
                        part = rules[0](g, out, left, right)
                        part = part if fits else fit(part, x)
                        pending[x] = part + pending[x] if x in pending else part
                else:
                    own = op.rules_for(len(inputs))
                    arguments = inputs if on_nodes else [x._value if isinstance(x, Node) else x for x in inputs]
                    for rule, x in zip(reversed(own), reversed(inputs), strict=True):
                        if rule is not None and x in path:
                            part = fit(rule(g, out, *arguments, **node.params), x)
                            pending[x] = part + pending[x] if x in pending else part
        except Exception as error:
            if node.op is not None:
                error.add_note(f"in a gradient rule of {node.op.name}, recorded at {node.place}")
            raise
        for node in reversed(path):
            if node.op is None and node in pending:
                settle(node, pending[node])
    return found


def _noting(path: Path, current: list[Node]) -> Iterator[Node]:
    """The nodes of a path from the last to the first, each in `current` meanwhile."""
    for node in reversed(path):
        current[0] = node
        yield node


def _alike(left: Any, right: Any) -> bool:
    """Whether the operands of an elementwise op have its shape and dtype, so that contributions fit as they are."""
    return left.dtype is right.dtype and left.shape == right.shape


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
    return contribution if contribution.dtype == value.dtype else cast_like(contribution, value)


def _fit_node(contribution: Any, x: Node) -> Node:
    """Do the same on Nodes."""
    node = contribution if isinstance(contribution, Node) else constant(_numbers(contribution))
    if type(node._value) is type(x._value) is float64:
        return node
    if _stretched(node._value, x._value):
        node = sum_like(node, x)
    return node if node._value.dtype == x._value.dtype else cast_like(node, x)


def _numbers(contribution: Any) -> Any:
    """What a rule gave as an array or a NumPy scalar."""
    array = np.asarray(contribution)[()]
    if array is None or array.dtype.kind not in "biuf":
        kind = type(contribution).__name__
        raise TypeError(f"a rule gave {kind}, not real numbers" + (": is a `return` missing?" if contribution is None else ""))
    return array


def _stretched(contribution: Any, value: Any) -> bool:
    """Whether a contribution has the entries of a value more than once."""
    if contribution.shape == value.shape:
        return False
    try:
        stretched = np.broadcast_shapes(contribution.shape, value.shape) == contribution.shape
    except ValueError:
        stretched = False
    if not stretched:
        raise ValueError(f"a rule gave a gradient of shape {contribution.shape} for a value of shape {value.shape}")
    return True


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
    given = seed if isinstance(seed, Node) else np.asarray(seed)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"a seed must be real numbers, not {given.dtype}")
    if isinstance(seed, Node):
        return seed if seed._value.dtype == value.dtype else cast_like(seed, of)
    return np.array(seed, dtype=value.dtype)[()]


def check_wrt(wrt: Sequence[Node]) -> None:
    """Raise an error for a `wrt` that cannot have a gradient."""
    for node in wrt:
        if not isinstance(node, Node):
            raise TypeError(
                f"a gradient is taken with respect to nodes, not {type(node).__name__}: make it a tg.parameter before it is used"
            )
        if holds_sparse(node):
            raise TypeError(f"{node!r} is sparse and has no gradient: make a dense leaf, tg.parameter(X.toarray())")
        if node._value.dtype.kind != "f":
            raise TypeError(f"{node!r} has dtype {node._value.dtype}: only real floating-point numbers have a gradient")


def independent(of: Node, missing: Sequence[Node]) -> ValueError:
    """The error for a `wrt` that the output does not depend on."""
    return ValueError(
        f"{of!r} does not depend on {', '.join(map(repr, missing))}: was it made before a new `tg.parameter`, from `.value` or "
        "`.item()`, or only through comparisons or tg.stop_gradient? Use the very node that went into the expression"
    )
