"""Requests of gradients: the seed and the nodes that may be asked for, and the mapping that answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.backprop import typed
from tinygraph.names import Names
from tinygraph.node import Node, summary
from tinygraph.pickling import pack, unpack
from tinygraph.sparse import holds_sparse


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
        return typed(seed, of)
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


class Request(NamedTuple):
    """One output whose gradients were computed: its own gradient, and all gradients in order."""

    output: Node
    seed: Node
    gradients: dict[Node, Node]

    @property
    def unit(self) -> bool:
        """Whether they are derivatives of the output, not of a weighted sum of its entries."""
        return is_unit(self.seed)


def is_unit(node: Node) -> bool:
    """Whether a node is the 1 that a backward pass starts from, which is written as a literal."""
    return node.kind == "seed" and not node.shape and bool(node.item() == 1)


class Gradients(Mapping[str, Node]):
    """Gradient nodes by what they belong to: `grads[w1]`, `grads["w1"]` and `grads["dw1"]` are the same node.

    As a mapping it goes from the names of the values to their gradient nodes, in order of the backward pass.
    """

    def __init__(self, nodes: dict[Node, Node], names: Names) -> None:
        self._nodes = nodes
        self._names = names
        self._of = {names.of(node) or names.of(g) or "": g for node, g in nodes.items()}

    def __getitem__(self, key: str | Node) -> Node:
        found = self._find(key)
        if found is None:
            there = ", ".join(f"{name} ({self._names.of(g)})" for name, g in self._of.items())
            raise KeyError(f"no gradient for {key!r}: there are {there}; ask for more by backprop(wrt=[...])")
        return found

    def _find(self, key: object) -> Node | None:
        """By the node, by any of its names, by the gradient's own name, or by `d` and a name."""
        if isinstance(key, Node):
            return self._nodes.get(key)
        if not isinstance(key, str):
            return None
        node = self._names.get(key)
        if node is not None and node in self._nodes:
            return self._nodes[node]
        own = next((g for g in self._of.values() if g is node), None)
        return self._of.get(key[1:]) if own is None and key.startswith("d") else own

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return self._find(key) is not None

    def __getstate__(self) -> Any:
        return pack(self)

    def __setstate__(self, state: Any) -> None:
        unpack(self, state)

    def __repr__(self) -> str:
        rows = [f"  {self._names.of(g)} = {summary(g._value).lstrip(' :')}" for g in self._nodes.values()]
        return "\n".join(["<gradients", *rows]) + ">"
