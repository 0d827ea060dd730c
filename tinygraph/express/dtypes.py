"""Which dtype NumPy gives the source of an expression: literals and counts are Python numbers, which take that of an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygraph import ops
from tinygraph.express.expression import Apply, Expression, Number
from tinygraph.ops import Op

Dtype: TypeAlias = Any  # a dtype, or the type of a Python number

ARITHMETIC: set[Op] = {
    ops.add,
    ops.subtract,
    ops.multiply,
    ops.divide,
    ops.negative,
    ops.power,
}  # of two Python numbers: another one


FLOAT = np.dtype(float)


def dtype_of(x: Expression) -> Dtype:
    """The dtype of what an expression evaluates to, or the type of a Python number."""
    if isinstance(x, Number):
        return {"b": bool, "i": int}.get(x.kind, float)
    if not isinstance(x, Apply):
        return x.node.dtype
    form = FORMS.get(x.op)
    if form is not None:
        return form(x)
    found = [dtype_of(i) for i in x.inputs]
    if x.op in ARITHMETIC and all(isinstance(dtype, type) for dtype in found):
        return float if x.kind == "f" else int
    if not x.op.elementwise and x.op not in (ops.matmul, ops.cross, ops.einsum, ops.concatenate, ops.stack):
        found = found[:1]  # what else there is are indices, and arrays of which the shape is read
    return _in_kind(_together(found), x.kind)


def _together(found: list[Dtype]) -> np.dtype[Any]:
    """The dtype of an array made of these."""
    arrays = {dtype for dtype in found if not isinstance(dtype, type)}
    if arrays == {FLOAT}:  # mostly; whatever Python number is beside it
        return FLOAT
    return np.result_type(*[np.zeros((), dtype)[()].item() if isinstance(dtype, type) else dtype for dtype in found])


def _in_kind(dtype: np.dtype[Any], kind: str) -> np.dtype[Any]:
    """The dtype of an op's result, of which the kind is known: NumPy computes what has a fraction of integers in float64."""
    return dtype if dtype.kind == kind else np.dtype({"b": bool, "f": float}.get(kind, np.int64))


def _broadcast(x: Apply) -> Dtype:
    value, like = x.inputs
    return _together([dtype_of(value)]) if value.shape else dtype_of(like)


def _chosen(x: Apply) -> Dtype:
    return _together([dtype_of(i) for i in x.inputs[1:]])


FORMS: dict[Op, Callable[[Apply], Dtype]] = {
    ops.count: lambda x: int,
    ops.broadcast_like: _broadcast,
    ops.cast_like: lambda x: dtype_of(x.inputs[1]),
    ops.one_hot_like: lambda x: dtype_of(x.inputs[1]),
    ops.scatter_like: lambda x: _together([dtype_of(i) for i in x.inputs[:2]]),
    ops.cast: lambda x: np.dtype(x.params["dtype"]),
    ops.where: _chosen,
}
