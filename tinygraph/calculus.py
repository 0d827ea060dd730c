"""Derivatives as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygraph.backprop import check_wrt, independent, seed_for, sweep
from tinygraph.node import Node, Recorded


def gradients(of: Recorded, *wrt: Recorded, seed: Any = None) -> tuple[Any, ...]:
    """The gradients of `of` with respect to each node of `wrt`: a tuple of arrays (NumPy scalars for shape ()).

    Each has the shape and dtype of its node's value and is the caller's own. An output that is not a scalar needs a `seed` of
    its shape, the upstream gradient. Raises ValueError for a missing or misshapen seed and for a node that `of` does not depend
    on, TypeError for what has no gradient.

    >>> w, b = tg.parameter(3.0), tg.parameter(1.0)
    >>> tg.gradients(w * w + b, w, b)
    (np.float64(6.0), np.float64(1.0))
    """
    if not isinstance(of, Node):
        raise TypeError(f"gradients are taken of a node, not {type(of).__name__}: none of its inputs was a tg.parameter")
    if not wrt:
        raise TypeError("name the nodes to differentiate with respect to: tg.gradients(L, w, b)")
    check_wrt(wrt)
    if isinstance(seed, Node):
        seed = seed._value
    found = sweep(of, wrt, seed_for(of, seed))
    missing = [node for node in wrt if node not in found]
    if missing:
        raise independent(of, missing)
    return tuple(owned(found[node]) for node in wrt)


def owned(g: Any) -> Any:
    """A gradient that shares memory with nothing, because sweeps pass arrays along and repeat entries by strides."""
    return np.array(g) if np.ndim(g) else g[()]
