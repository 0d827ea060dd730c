"""Which gradients may be asked for: the seed, and the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygraph.backprop import typed
from tinygraph.leaves import refuse_masked
from tinygraph.node import Node
from tinygraph.sparse import Sparse


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
    refuse_masked(seed, "a seed")
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
        if type(node._value) is Sparse:
            raise TypeError(f"{node!r} is sparse and has no gradient: make a dense leaf, tg.parameter(X.toarray())")
        if node._value.dtype.kind != "f":
            raise TypeError(f"{node!r} has dtype {node._value.dtype}: only real floating-point numbers have a gradient")


def independent(of: Node, missing: Sequence[Node]) -> ValueError:
    """The error for a `wrt` that the output does not depend on."""
    return ValueError(
        f"{of!r} does not depend on {', '.join(map(repr, missing))}: was it made before a new `tg.parameter`, from `.value` or "
        "`.item()`, or only through comparisons or tg.stop_gradient? Use the very node that went into the expression"
    )
