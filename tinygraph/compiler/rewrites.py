"""The table of rewrites: what a compiled step computes in place of an op. Each keeps the value to rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygraph.compiler import hoisting
from tinygraph.compiler.lowering import Lowering, Rewrite
from tinygraph.compiler.primitives import FMAX, FMIN
from tinygraph.decisions import NUMBERS
from tinygraph.node import Node
from tinygraph.ops import REGISTRY, Op
from tinygraph.requested import is_unit

Params = Mapping[str, Any]
Inputs = tuple[Any, ...]
ARITHMETIC = ("add", "subtract", "multiply", "divide")


@dataclass(frozen=True)
class Named:
    """A rewrite with its name, and how it is shown: what was there, and what comes in its place."""

    name: str
    before: str
    after: str
    function: Rewrite

    def __call__(self, make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
        """What comes in the place of the op on these inputs, or None where it does not apply."""
        found = self.function(make, op, inputs, params)
        if found is not None:
            make.applied[self.name] = make.applied.get(self.name, 0) + 1
        return found


ALL: dict[str, Named] = {}
REWRITES: dict[str, list[Named]] = {}  # by the name of the op


def rewrite(name: str, before: str, after: str, *ops: str) -> Callable[[Rewrite], Rewrite]:
    """Add a function to the table, for some ops or, where none is named, for all elementwise ones of several arguments."""

    def add(function: Rewrite) -> Rewrite:
        ALL[name] = Named(name, before, after, function)
        elementwise = [op.name for op in REGISTRY.values() if op.built_in and op.elementwise and len(op.rules) > 1]
        for op in ops or elementwise:
            REWRITES.setdefault(op, []).append(ALL[name])
        return function

    return add


def _made_by(x: Any, op: str) -> bool:
    return isinstance(x, Node) and x.op is not None and x.op.name == op


def _is_number(x: Any, value: float) -> bool:
    """Whether an operand is a number of the user's or the 1 that a backward pass starts from."""
    return (type(x) in NUMBERS and type(x) is not bool and x == value) or (value == 1 and isinstance(x, Node) and is_unit(x))


@rewrite("the value itself", "alias(x)", "x", "alias", "stop_gradient")
def _itself(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    return inputs[0] if isinstance(inputs[0], Node) else None


@rewrite("no cast to its own dtype", "x.astype(x.dtype)", "x", "cast_like", "cast")
def _uncast(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, *like = inputs
    dtype = like[0].dtype if like else np.dtype(params["dtype"])
    return x if isinstance(x, Node) and x.dtype == dtype else None


@rewrite("a mean is a sum over a count", "mean(x)", "sum(x) / n", "mean")
def _mean(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    (x,) = inputs
    if x.dtype.kind in "biu":  # NumPy adds them up as floats, too
        x = make.made("cast", x, dtype=np.dtype(np.float64))
    if x.dtype not in (np.float64, np.float32) or not x.shape:
        return None
    return make.made("divide", make.made("sum", x, **params), make.made("count", x, axis=params["axis"]))


@rewrite("a number of entries is a sum", "count_nonzero(x)", "sum(x != 0)", "count_nonzero")
def _count(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    (x,) = inputs
    return make.made("sum", x if x.dtype == bool else make.made("not_equal", x, 0), **params)


@rewrite("a variance is a mean of squares", "var(x)", "sum((x - mean(x)) ** 2) / n", "var")
def _variance(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    (x,), axis, ddof = inputs, params["axis"], params["ddof"]
    if x.dtype not in (np.float64, np.float32) or not x.shape or isinstance(ddof, Node):
        return None
    away = make.made("subtract", x, make.made("mean", x, axis=axis, keepdims=True))
    total = make.made("sum", make.made("square", away), axis=axis, keepdims=params["keepdims"])
    count = make.made("count", x, axis=axis)
    return make.made("divide", total, make.made("maximum", make.made("subtract", count, ddof), 0) if ddof else count)


@rewrite(
    "labels are rows with a 1", "softmax_cross_entropy(Z, y)", "softmax_cross_entropy(Z, one_hot(y))", "softmax_cross_entropy"
)
def _labels(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    """The body of the op takes the number of classes from a shape, as a number."""
    Z, y = inputs
    return None if y.ndim == Z.ndim else make.made(op, Z, make.made("one_hot_like", y, Z), **params)


@rewrite("broadcasting is undone by a sum", "sum_like(x, y)", "sum(x, axis=0)", "sum_like")
def _sum_like(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, like = inputs
    extra = x.ndim - like.ndim
    stretched = tuple(i for i, n in enumerate(like.shape) if n == 1 != x.shape[extra + i])
    if extra:
        x = make.made("sum", x, axis=tuple(range(extra)) if like.ndim else None, keepdims=False)
    return make.made("sum", x, axis=stretched, keepdims=True) if stretched else x


@rewrite("new axes of size 1", "reshape_like(x, y)", "expand_dims(x, axis=1)", "reshape_like")
def _reshape_like(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, like = inputs
    if [n for n in x.shape if n != 1] != [n for n in like.shape if n != 1]:
        return None
    gone, new = (tuple(i for i, n in enumerate(y.shape) if n == 1) for y in (x, like))
    x = make.made("squeeze", x, axis=gone) if gone else x
    return make.made("expand_dims", x, axis=new) if new else x


@rewrite("a factor of 1", "1 * x", "x", "multiply")
def _times_one(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    for one, x in (inputs, inputs[::-1]):
        if _is_number(one, 1) and isinstance(x, Node) and x.dtype.kind == "f" and _keeps(x, one):
            return x
    return None


@rewrite("a divisor of 1", "x / 1", "x", "divide")
def _over_one(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, one = inputs
    return x if _is_number(one, 1) and isinstance(x, Node) and x.dtype.kind == "f" and _keeps(x, one) else None


def _keeps(x: Node, one: Any) -> bool:
    """Whether a product with a 1 has the dtype of the other factor."""
    return not isinstance(one, Node) or np.result_type(x.dtype, one.dtype) == x.dtype


@rewrite("a power of 1", "x ** 1", "x", "power")
def _first_power(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, exponent = inputs
    return x if isinstance(x, Node) and x.dtype.kind == "f" and type(exponent) in NUMBERS and exponent == 1 else None


@rewrite("a square", "x ** 2", "square(x)", "power")
def _square(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, exponent = inputs
    return make.made("square", x) if isinstance(x, Node) and x.dtype.kind == "f" and _is_number(exponent, 2) else None


@rewrite("a sign in a sum", "x + -y", "x - y", "add")
def _subtract(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    for x, y in (inputs, inputs[::-1]):
        if _made_by(y, "negative") and y.dtype.kind == "f":  # an unsigned number wraps around
            return make.made("subtract", x, y.inputs[0])
    return None


@rewrite("a sign in a difference", "x - -y", "x + y", "subtract")
def _add(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, y = inputs
    return make.made("add", x, y.inputs[0]) if _made_by(y, "negative") and y.dtype.kind == "f" else None


@rewrite("no transpose before a vector", "X.T @ v", "v @ X", "matmul")
def _vector(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    x, v = inputs
    if not _made_by(x, "transpose") or not isinstance(v, Node) or (x.ndim, v.ndim) != (2, 1) or x.dtype != v.dtype:
        return None
    return make.made("matmul", v, x.inputs[0]) if type(x._value) is np.ndarray and x.dtype.kind == "f" else None


@rewrite("minus an absolute value", "-abs(x)", "copysign(x, -1)", "negative")
def _minus_abs(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    (x,) = inputs
    return make.made("copysign", x.inputs[0], -1.0) if _made_by(x, "abs") and x.dtype.kind == "f" else None


@rewrite("the numerator of a sigmoid", "maximum(e, z >= 0)", "maximum(e, copysign(1, z))", "maximum")
def _numerator(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    """For e = exp(-|z|), which is between 0 and 1, and 1 where z is 0: a comparison would be cast to a float entry by entry."""
    e, positive = inputs
    if not (_made_by(e, "exp") and (_made_by(positive, "greater_equal") or _made_by(positive, "less_equal"))):
        return None
    z, zero = positive.inputs if positive.op.name == "greater_equal" else positive.inputs[::-1]
    below = e.inputs[0]  # -|z|, as it is rewritten
    if not (_is_number(zero, 0) and _made_by(below, "copysign") and below.inputs[0] is z and _is_number(below.inputs[1], -1)):
        return None
    return make.made("maximum", e, make.made("copysign", 1.0, z))


@rewrite("a maximum beside what is NaN too", "maximum(z, 0) - y * z", "fmax(z, 0) - y * z", *ARITHMETIC)
def _beside_nan(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    """NumPy's maximum and minimum pass NaN on, which takes time; where the result is NaN by the other operand they need not."""
    for i, x in enumerate(inputs):
        other = inputs[1 - i]
        is_extreme = _made_by(x, "maximum") or _made_by(x, "minimum")
        if not is_extreme or not isinstance(other, Node) or not x.shape or x.dtype.kind != "f":
            continue
        if all(_is_never_nan(z) or (z.shape == other.shape and _spreads(z, other)) for z in x.inputs):
            freed = make.made(FMAX if x.op.name == "maximum" else FMIN, *x.inputs)
            return make.made(op, *((freed, other) if i == 0 else (other, freed)))
    return None


SPREADS = {*ARITHMETIC, "exp", "log1p", "negative", "abs"}  # NaN from any operand to the result
DEEPEST = 4  # ops through which NaN is followed


def _spreads(z: Node, to: Any, depth: int = 0) -> bool:
    """Whether a value is NaN wherever `z` is."""
    if z is to or not isinstance(to, Node) or to.op is None or to.shape != z.shape or depth == DEEPEST:
        return z is to
    inputs = to.inputs if to.op.name in SPREADS else to.inputs[:1] if to.op.name == "copysign" else ()
    return any(_spreads(z, x, depth + 1) for x in inputs)


def _is_never_nan(x: Any) -> bool:
    return (type(x) in NUMBERS and x == x) or (_made_by(x, "copysign") and _is_never_nan(x.inputs[0]))


@rewrite("no broadcast before an op that broadcasts", "broadcast_like(x, y) * y", "x * y")
def _unbroadcast(make: Lowering, op: Op, inputs: Inputs, params: Params) -> Any:
    """Operands lose what repeats them where another operand has all axes; where all are repeated, the result is."""
    repeated = [x for x in inputs if _made_by(x, "broadcast_like") and isinstance(x.inputs[0], Node)]
    if not repeated:
        return None
    shape = np.broadcast_shapes(*(x.shape for x in inputs if isinstance(x, Node)))
    whole = [x for x in inputs if isinstance(x, Node) and x not in set(repeated) and x.shape == shape]
    if whole:
        freed = [x.inputs[0] if isinstance(x, Node) and x in set(repeated) else x for x in inputs]
        return make.made(op, *freed, **params)
    largest = [x for x in repeated if x.shape == shape]
    others = [x for x in inputs if isinstance(x, Node) and x not in set(repeated)]
    if largest and all(not x.shape for x in others) and all(not x.inputs[0].shape for x in repeated):
        freed = [x.inputs[0] if isinstance(x, Node) and x in set(repeated) else x for x in inputs]
        return make.made("broadcast_like", make.made(op, *freed, **params), largest[0].inputs[1])
    return None


def shown(name: str) -> tuple[str, str, str]:
    """A rewrite by its name: the name, what there was, and what comes in its place."""
    if name == hoisting.NAME:
        return name, hoisting.BEFORE, hoisting.AFTER
    return name, ALL[name].before, ALL[name].after
