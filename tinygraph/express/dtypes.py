"""Which dtype NumPy gives the source of an expression: literals and counts are Python numbers, which take that of an array."""

from __future__ import annotations

from tinygraph import ops
from tinygraph.ops import Op
from tinygraph.ops.dtypes import Dtype
from tinygraph.program.value import Apply, Expression, Number

ARITHMETIC: set[Op] = {
    ops.add,
    ops.subtract,
    ops.multiply,
    ops.divide,
    ops.negative,
    ops.power,
}  # of two Python numbers: another one


def dtype_of(x: Expression) -> Dtype | None:
    """The dtype of what an expression evaluates to, or the type of a Python number; None where an op does not say."""
    if isinstance(x, Number):
        return {"b": bool, "i": int}.get(x.kind, float)
    if not isinstance(x, Apply):
        return x.node.dtype
    found = [dtype_of(i) for i in x.inputs]
    if x.op in ARITHMETIC and all(isinstance(dtype, type) for dtype in found):
        return float if x.kind == "f" else int
    if x.op is ops.broadcast_like and not x.inputs[0].shape:  # which is spelled np.full_like
        return found[1]
    if x.op.dtype is None or any(dtype is None for dtype in found):  # `==` takes None for float64
        return x.recorded
    return x.op.result_dtype(found, x.params)
