"""An expression as Python: operators by precedence, NumPy functions by name, anything else as a call of the op itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygraph import ops
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Op
from tinygraph.program.value import Apply, Expression, Name, Number, is_literal

# How tightly Python binds; what is inside binds at least as tightly, or stands in parentheses.
COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)

BINARY: dict[Op, tuple[str, int]] = {
    ops.add: ("+", SUM), ops.subtract: ("-", SUM), ops.multiply: ("*", PRODUCT), ops.divide: ("/", PRODUCT),
    ops.matmul: ("@", PRODUCT), ops.floor_divide: ("//", PRODUCT), ops.remainder: ("%", PRODUCT), ops.power: ("**", POWER),
    ops.greater: (">", COMPARISON), ops.greater_equal: (">=", COMPARISON), ops.less: ("<", COMPARISON),
    ops.less_equal: ("<=", COMPARISON), ops.equal: ("==", COMPARISON), ops.not_equal: ("!=", COMPARISON),
}  # fmt: skip

Spell = Callable[[Node], str]


def python(expression: Expression, name: Spell) -> str:
    """The expression as source; `name(node)` returns the name of a node."""
    return _spelled(expression, name)[0]


def _spelled(expression: Expression, name: Spell) -> tuple[str, int]:
    """The source and how tightly it binds."""
    if isinstance(expression, Number):
        return literal(expression.value) if expression.name is None else (expression.name, ATOM)
    if isinstance(expression, Name):
        return name(expression.node), ATOM
    op = expression.op
    if op in BINARY:
        return _binary(expression, name)
    if op is ops.negative:
        inside = _inside(expression.inputs[0], SIGN, name)
        return f"-({inside})" if inside.startswith("-") else f"-{inside}", SIGN
    form = FORMS.get(op)
    return form(expression, name) if form is not None else (_call(expression, name), ATOM)


def _inside(expression: Expression, least: int, name: Spell) -> str:
    text, binds = _spelled(expression, name)
    return text if binds >= least else f"({text})"


def _binary(expression: Apply, name: Spell) -> tuple[str, int]:
    symbol, binds = BINARY[expression.op]
    left, right = expression.inputs
    if expression.op is ops.power:  # binds to the right, and tighter than a sign on its left
        return f"{_inside(left, ATOM, name)} ** {_inside(right, SIGN, name)}", POWER
    least = binds + 1 if binds == COMPARISON else binds
    return f"{_inside(left, least, name)} {symbol} {_inside(right, binds + 1, name)}", binds


def literal(value: Any) -> tuple[str, int]:
    """A number, and how tightly it binds."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return ("np.nan", ATOM) if math.isnan(value) else ("np.inf", ATOM) if value > 0 else ("-np.inf", SIGN)
    text = repr(value.item() if isinstance(value, np.generic) else value)
    if text.removeprefix("-") == repr(math.pi):
        text = text.replace(repr(math.pi), "np.pi")
    return text, SIGN if text.startswith("-") else ATOM


def constant(value: Any) -> str:
    """Metadata as source: numbers, text, tuples, slices, dtypes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(constant, value))}{',' * (len(value) == 1)})"
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return dtype_name(np.dtype(value))
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return literal(value)[0]
    if value is None or isinstance(value, bool | str | slice) or value is Ellipsis:
        return "..." if value is Ellipsis else repr(value)
    return repr(value)


def dtype_name(dtype: np.dtype[Any]) -> str:
    """A dtype as source: `bool`, `np.float32`; one of the other byte order by its code."""
    if not dtype.isnative:
        return f'np.dtype("{dtype.str}")'
    names = {"?": "bool", "g": "np.longdouble"}  # whose NumPy name has the number of bits, which depends on the machine
    return names.get(dtype.char, f"np.{dtype.name}")


def numpy_name(op: Op) -> str | None:
    """The NumPy function that the op is, as source calls it, or None."""
    function = op.numpy
    if function is None:
        return None
    for home, prefix in ((np, "np"), (np.linalg, "np.linalg")):
        for name in (op.name, function.__name__):
            if getattr(home, name, None) is function:
                return f"{prefix}.{name}"
    return None


def _arguments(expression: Apply, name: Spell) -> list[str]:
    return [_inside(x, COMPARISON, name) for x in expression.inputs]


def _params(expression: Apply) -> list[str]:
    defaults = expression.op.defaults
    return [f"{key}={constant(value)}" for key, value in expression.params.items() if not _is_default(value, defaults.get(key))]


def _is_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _call(expression: Apply, name: Spell) -> str:
    numpy = numpy_name(expression.op)
    arguments = _arguments(expression, name)
    if numpy is not None and expression.op.variadic:
        arguments = [f"[{', '.join(arguments)}]"]
    return f"{numpy or expression.op.name}({', '.join([*arguments, *_params(expression)])})"


# What neither an operator nor a call spells best.


def _receiver(expression: Expression, name: Spell) -> str:
    """What stands before a dot or a bracket; a literal, or a value that may be a Python number, becomes an array."""
    if expression.shape:
        return _inside(expression, ATOM, name)
    return f"np.asarray({_inside(expression, COMPARISON, name)})"


def _transpose(expression: Apply, name: Spell) -> tuple[str, int]:
    if expression.params["axes"] is None:
        return f"{_receiver(expression.inputs[0], name)}.T", ATOM
    return _call(expression, name), ATOM


def _index(expression: Apply, name: Spell) -> tuple[str, int]:
    x, *arrays = expression.inputs
    rest = iter(arrays)
    template = expression.params["template"]
    parts = [_inside(next(rest), COMPARISON, name) if part is ARRAY else _subscript(part) for part in template]
    text = ", ".join(parts) + "," * (len(parts) == 1 and isinstance(template[0], tuple))
    return f"{_receiver(x, name)}[{text or '()'}]", ATOM


def _subscript(part: Any) -> str:
    if not isinstance(part, slice):
        return constant(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def _section(expression: Apply, name: Spell) -> tuple[str, int]:
    params = expression.params
    axis = f", axis={params['axis']}" if params["axis"] else ""
    split = "np.split" if params["equal"] else "np.array_split"
    return f"{split}({_inside(expression.inputs[0], COMPARISON, name)}, {params['sections']}{axis})[{params['position']}]", ATOM


def _count(expression: Apply, name: Spell) -> tuple[str, int]:
    x, axis = expression.inputs[0], expression.params["axis"]
    text = _inside(x, ATOM, name)
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(i % len(x.shape) for i in axes)
    if axes == (0,):
        return f"len({text})", ATOM
    if len(axes) == len(x.shape):
        return f"{text}.size", ATOM
    sizes = " * ".join(f"{text}.shape[{i}]" for i in axes) or "1"
    return sizes, ATOM if len(axes) < 2 else PRODUCT


def _broadcast(expression: Apply, name: Spell) -> tuple[str, int]:
    x, like = expression.inputs[0], _inside(expression.inputs[1], ATOM, name)
    if is_literal(x) and x.value in (0, 1):
        return f"np.{'ones' if x.value else 'zeros'}_like({like})", ATOM
    text = _inside(x, COMPARISON, name)
    return f"np.broadcast_to({text}, {like}.shape)" if x.shape else f"np.full_like({like}, {text})", ATOM


def _broadcast_with(expression: Apply, name: Spell) -> tuple[str, int]:
    return f"np.broadcast_arrays({', '.join(_arguments(expression, name))})[0]", ATOM


def _einsum(expression: Apply, name: Spell) -> tuple[str, int]:
    subscripts = constant(expression.params["subscripts"])
    optimize = ["optimize=True"] if expression.params["optimize"] else []
    return f"np.einsum({', '.join([subscripts, *_arguments(expression, name), *optimize])})", ATOM


def _reshape(expression: Apply, name: Spell) -> tuple[str, int]:
    return f"np.reshape({_inside(expression.inputs[0], COMPARISON, name)}, {constant(expression.params['shape'])})", ATOM


def _reshape_like(expression: Apply, name: Spell) -> tuple[str, int]:
    x, like = _inside(expression.inputs[0], COMPARISON, name), _inside(expression.inputs[1], ATOM, name)
    return f"np.reshape({x}, {f'{like}.shape' if expression.shape else '()'})", ATOM


def _cast_like(expression: Apply, name: Spell) -> tuple[str, int]:
    x, like = expression.inputs
    return f"{_receiver(x, name)}.astype({_inside(like, ATOM, name)}.dtype)", ATOM


def _cast(expression: Apply, name: Spell) -> tuple[str, int]:
    return f"{_receiver(expression.inputs[0], name)}.astype({constant(expression.params['dtype'])})", ATOM


FORMS: dict[Op, Callable[[Apply, Spell], tuple[str, int]]] = {
    ops.transpose: _transpose,
    ops.index: _index,
    ops.section: _section,
    ops.count: _count,
    ops.broadcast_like: _broadcast,
    ops.broadcast_with: _broadcast_with,
    ops.einsum: _einsum,
    ops.reshape: _reshape,
    ops.reshape_like: _reshape_like,
    ops.cast_like: _cast_like,
    ops.cast: _cast,
}
