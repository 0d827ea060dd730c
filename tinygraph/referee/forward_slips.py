"""Why the value that an engine gave for one op is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygraph.ops.declare import REGISTRY
from tinygraph.referee.local import ROUNDING, Local, close, size_of
from tinygraph.referee.playing import Step
from tinygraph.referee.verdicts import constant_factor, is_plain
from tinygraph.slips import Slip

OTHERS = [  # ops that may be meant for one another
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "matmul", "negative", "exp", "log", "tanh", "sigmoid",
    "relu", "softplus", "square", "sqrt", "abs", "reciprocal", "sin", "cos", "log2", "log10", "log1p", "expm1", "sum", "mean",
    "max", "min", "prod",
]  # fmt: skip


def is_right(local: Local, step: Step, value: Any, right: Any) -> bool:
    """Whether a value is what the op gives, up to its rounding and apart from the dtype."""
    op = step.node.op
    assert op is not None
    adds = not op.elementwise or op.name in ("add", "subtract")
    inputs = size_of(*map(local.value, step.inputs))
    return close(value, right, inputs if adds else ROUNDING * inputs)


def dtype_slip(step: Step, value: Any, wanted: Any) -> Slip | None:
    """The slip of a value in floats of another size than the right one, or in no floats."""
    dtype, right = np.asarray(value).dtype, np.asarray(wanted).dtype
    if right.kind != "f" or dtype == right:
        return None
    return Slip("dtype", f"{step.op_name} gives {dtype} where NumPy gives {right}", step.name)


def forward_slips(local: Local, step: Step, value: Any, right: Any) -> Iterator[Slip]:
    """Every explanation of a wrong value of an op that fits."""
    right = np.asarray(right, np.float64) if np.asarray(right).dtype.kind == "b" else right
    same = np.shape(value) == np.shape(right)
    found = dict.fromkeys((_of_numbers if same else _of_shape)(local, step, value, right))
    for kind, text in found or (dict.fromkeys(_of_factors(step, value, right)) if same else ()):
        yield Slip(kind, text, step.name)


def _of_shape(local: Local, step: Step, value: Any, right: Any) -> Iterator[tuple[str, str]]:
    op, shape, wanted = step.op_name, np.shape(value), np.shape(right)
    for params, words in _other_axes(local, step):
        other = local.computed(step, **params)
        if other is not None and close(value, other):
            yield "axis", f"that is {op} {words}"
    inputs = [np.shape(local.value(x)) for x in step.inputs]
    assert step.node.op is not None
    if step.node.op.elementwise and len(set(inputs)) > 1:
        shapes = " and ".join(map(str, inputs))
        yield "broadcasting", f"{op} gives shape {shape}, but operands of shapes {shapes} are broadcast to {wanted}"
    elif np.size(value) == np.size(right) and close(np.ravel(value), np.ravel(right)):
        yield "shape", f"{op} gives the right numbers in shape {shape}, not {wanted}"


def _other_axes(local: Local, step: Step) -> Iterator[tuple[dict[str, Any], str]]:
    """Other settings of axis and keepdims than those of a step, with words for what they are."""
    params = step.node.params
    if "axis" in params and step.inputs:
        own, ndim = params["axis"], np.ndim(local.value(step.inputs[0]))
        for axis in (None, *range(ndim)):
            if axis != own and not (isinstance(own, int) and axis == own % ndim):
                words = f"over {_over(axis)}, not {_over(own)}"
                yield {"axis": axis}, words
                if "keepdims" in params:
                    yield {"axis": axis, "keepdims": not params["keepdims"]}, words
    if "keepdims" in params:
        kept = "without" if params["keepdims"] else "with"
        yield {"keepdims": not params["keepdims"]}, f"{kept} keepdims=True"


def _over(axis: Any) -> str:
    return "all axes" if axis is None else f"axis {axis}"


def _of_numbers(local: Local, step: Step, value: Any, right: Any) -> Iterator[tuple[str, str]]:
    op, inputs = step.node.op, [local.value(x) for x in step.inputs]
    assert op is not None
    if np.isnan(value).any() and not np.isnan(right).any():
        yield "nan", f"{op.name} gives NaN"
        return
    if close(value, -right):
        yield "sign", f"{op.name} gives the wrong sign"
    if len(inputs) == 2 and close(value, local.applied(op.function, inputs[::-1], step.node.params)):
        yield "operands", f"{op.name} takes its operands in the wrong order"
    for params, words in _other_axes(local, step):
        other = local.computed(step, **params)
        if other is not None and close(value, other):
            yield "axis", f"that is {op.name} {words}"
    if np.ndim(right) == 2 and close(value, np.transpose(right)):
        yield "transposed", f"{op.name} gives the transposed result"
    yield from _of_other_ops(local, step, value, inputs)


def _of_factors(step: Step, value: Any, right: Any) -> Iterator[tuple[str, str]]:
    factor = constant_factor(value, right)
    if factor is not None and factor != -1 and (np.size(value) > 1 or is_plain(factor)):
        yield "factor", f"{step.op_name} gives {factor:.4g} times the right result"
    wrong = ~np.isclose(value, right, rtol=1e-6)
    if np.size(value) > 2 and 0 < np.count_nonzero(wrong) <= np.size(value) // 3:
        at = ", ".join(str(list(map(int, i))) for i in np.argwhere(wrong)[:3])
        yield "entry", f"{step.op_name} is wrong at {at} alone"


def _of_other_ops(local: Local, step: Step, value: Any, inputs: list[Any]) -> Iterator[tuple[str, str]]:
    assert step.node.op is not None
    for name in OTHERS:
        op = REGISTRY[name]
        params = {key: x for key, x in step.node.params.items() if key in op.defaults}
        if op is not step.node.op and len(op.rules) == len(inputs):
            other = local.applied(op.function, inputs, params)
            if other is not None and other.dtype.kind == "f" and close(value, other):
                is_mean = {name, step.op_name} == {"sum", "mean"}
                yield "mean" if is_mean else "other op", f"that is what {name} gives, not {step.op_name}"
