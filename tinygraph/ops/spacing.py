"""Numbers at equal distances between two others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygraph.decisions import NUMBERS
from tinygraph.leaves import as_array
from tinygraph.node import Node
from tinygraph.operators import implements
from tinygraph.ops import work
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating
from tinygraph.ops.kinds import Opaque, Params
from tinygraph.sizes import Sizes, Sizing


def _shares(g: Array, num: int, endpoint: bool) -> Any:
    """How far each number is on the way from the start to the stop."""
    return (np.arange(num) / max(num - endpoint, 1)).astype(g.dtype)


def _start_rule(g: Array, out: Array, start: Array, stop: Array, num: int, endpoint: bool, axis: int) -> Array:
    return np.moveaxis(g, axis, -1) @ (1 - _shares(g, num, endpoint))


def _stop_rule(g: Array, out: Array, start: Array, stop: Array, num: int, endpoint: bool, axis: int) -> Array:
    return np.moveaxis(g, axis, -1) @ _shares(g, num, endpoint)


def _spaced(axes: Sizing, node: Node) -> Sizes:
    """The number of places may be a size that was given."""
    sizes = list(axes.met(node.inputs))
    sizes.insert(normalize_axis_index(node.params["axis"], node.ndim), node.params["num"])
    axes.keep(node.params["num"], node.op)
    return tuple(sizes)


def _places(operands: Sequence[Any], params: Params) -> int:
    """As many as wanted, for each pair of a start and a stop."""
    return work.entry_by_entry(operands, params) * int(params.get("num", linspace.defaults["num"]))


@op(_start_rule, _stop_rule, numpy=np.linspace, kind=Opaque(_spaced), dtype=floating, work=_places)
def linspace(start: Array, stop: Array, *, num: int = 50, endpoint: bool = True, axis: int = 0) -> Array:
    """`num` evenly spaced numbers from start to stop, along a new axis; without the stop if not `endpoint`.

    Shape: that of start and stop, broadcast together, with `num` inserted at `axis`.
    Derivative: dstart = sum(g * (1 - t)); dstop = sum(g * t), where t runs from 0 to 1 in `num` equal steps.

    >>> np.linspace(0, tg.constant(1.0), 3)
    <node linspace (3,) float64: [0. 0.5 1. ]>
    """
    return np.linspace(start, stop, num, endpoint=endpoint, axis=axis)


@implements(np.linspace)
def _linspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, retstep: bool = False, *, axis: int = 0) -> Any:
    start, stop = _beside(start, stop), _beside(stop, start)
    samples = linspace(start, stop, num=num, endpoint=endpoint, axis=axis)
    return (samples, (stop - start) / (num - endpoint)) if retstep else samples


def _beside(x: Array, other: Array) -> Array:
    """A number in the dtype of the node beside it, as NumPy has it here."""
    if type(x) not in NUMBERS:
        return x if isinstance(x, Node) else as_array(x)
    return np.asarray(x, other.dtype if other.dtype.kind == "f" else np.float64)
