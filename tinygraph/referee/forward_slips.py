"""Why the value that an engine gave for one op is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygraph.ops.declare import REGISTRY
from tinygraph.referee.local import ROUNDING, Local, close, size_of
from tinygraph.referee.playing import Step
from tinygraph.referee.verdicts import constant_factor
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


def forward_slips(local: Local, step: Step, value: Any, right: Any) -> Iterator[Slip]:
    """Every explanation of a wrong value of an op that fits."""
    right = np.asarray(right, np.float64) if np.asarray(right).dtype.kind == "b" else right
    same = np.shape(value) == np.shape(right)
    found = dict.fromkeys((_of_numbers if same else _of_shape)(local, step, value, right))
    for kind, text in found or (dict.fromkeys(_of_factors(step, value, right)) if same else ()):
        yield Slip(kind, text, step.name)


def _of_shape(local: Local, step: Step, value: Any, right: Any) -> Iterator[tuple[str, str]]:
    op, shape, wanted = step.op_name, np.shape(value), np.shape(right)
    yield from _of_axes(local, step, value)
    inputs = [np.shape(local.value(x)) for x in step.inputs]
    assert step.node.op is not None
    if step.node.op.elementwise and len(set(inputs)) > 1:
        shapes = " and ".join(map(str, inputs))
        yield "broadcasting", f"{op} gives shape {shape}, but operands of shapes {shapes} are broadcast to {wanted}"
    elif np.size(value) == np.size(right) and close(np.ravel(value), np.ravel(right)):
        yield "shape", f"{op} gives the right numbers in shape {shape}, not {wanted}"


def _of_axes(local: Local, step: Step, value: Any) -> Iterator[tuple[str, str]]:
    """Another axis, or another keepdims, than those of a step."""
    params, changes = step.node.params, []
    if "axis" in params:
        own, ndim = params["axis"], np.ndim(local.value(step.inputs[0]))
        others = [axis for axis in (None, *range(ndim)) if axis != (own % ndim if isinstance(own, int) else own)]
        kept = [{"keepdims": keepdims} for keepdims in (False, True)] if "keepdims" in params else [{}]
        words = [(axis, f"over {_over(axis)}, not {_over(own)}") for axis in others]
        changes += [({"axis": axis, **keepdims}, text) for axis, text in words for keepdims in kept]
    if "keepdims" in params:
        changes.append(({"keepdims": not params["keepdims"]}, f"{'without' if params['keepdims'] else 'with'} keepdims=True"))
    for change, text in changes:
        if close(value, local.computed(step, **change)):
            yield "axis", f"that is {step.op_name} {text}"


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
    yield from _of_axes(local, step, value)
    if np.ndim(right) == 2 and close(value, np.transpose(right)):
        yield "transposed", f"{op.name} gives the transposed result"
    for name in OTHERS:
        other = REGISTRY[name]
        if other is not op and len(other.rules) == len(inputs):
            params = {key: x for key, x in step.node.params.items() if key in other.defaults}
            found = local.applied(other.function, inputs, params)
            if np.asarray(found).dtype.kind == "f" and close(value, found):
                is_mean = {name, op.name} == {"sum", "mean"}
                yield "mean" if is_mean else "other op", f"that is what {name} gives, not {op.name}"


def _of_factors(step: Step, value: Any, right: Any) -> Iterator[tuple[str, str]]:
    factor = constant_factor(value, right)
    if factor is not None:
        yield "factor", f"{step.op_name} gives {factor:.4g} times the right result"
    wrong = ~np.isclose(value, right, rtol=1e-6)
    if np.size(value) > 2 and 0 < np.count_nonzero(wrong) <= np.size(value) // 3:
        at = ", ".join(str(list(map(int, i))) for i in np.argwhere(wrong)[:3])
        yield "entry", f"{step.op_name} is wrong at {at} alone"
