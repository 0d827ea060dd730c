"""Which dtype NumPy gives the source of an expression: literals and counts are Python numbers, which take that of an array."""

from __future__ import annotations

from collections.abc import Sequence

from tinygraph.ops import Dtype, Repetition
from tinygraph.program.value import Apply, Expression, Number


def dtype_of(x: Expression) -> Dtype | None:
    """The dtype of what an expression evaluates to, or the type of a Python number; None where an op does not say."""
    if isinstance(x, Number):
        return {"b": bool, "i": int}.get(x.kind, float)
    if not isinstance(x, Apply):
        return x.node.dtype
    found = [dtype_of(i) for i in x.inputs]
    if x.op.of_numbers and all(isinstance(dtype, type) for dtype in found):
        return {"f": float, "b": bool}.get(x.kind, int)
    if isinstance(x.op.kind, Repetition) and not x.inputs[0].shape:  # which is spelled np.full_like
        return found[1]
    if x.op.dtype is None:
        return _recorded(x, found)
    is_known = all(dtype is not None for dtype in found)  # `==` takes None for float64
    return x.op.result_dtype(found, x.params) if is_known else None


def _recorded(x: Apply, found: Sequence[Dtype | None]) -> Dtype | None:
    """The dtype that was recorded, where all operands have theirs."""
    if x.node is None:
        return None
    operands = [(dtype, i.dtype) for dtype, i in zip(found, x.node.inputs, strict=True) if hasattr(i, "dtype")]
    return x.node.dtype if all(dtype is not None and dtype == own for dtype, own in operands) else None
