"""An expression as Python: operators by precedence, NumPy functions by name, anything else as a call of the op itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinygraph.express.expression import Apply, Expression, Name, Number, is_literal
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.ops.syntax import ATOM, Form, Operand, Operator, Written, constant, is_default, literal

Spell = Callable[[Node], str]


def python(expression: Expression, name: Spell) -> str:
    """The expression as source; `name(node)` returns the name of a node."""
    return _spelled(expression, name)[0]


def _spelled(expression: Expression, name: Spell) -> Written:
    """The source and how tightly it binds."""
    if isinstance(expression, Number):
        return literal(expression.value) if expression.name is None else (expression.name, ATOM)
    if isinstance(expression, Name):
        return name(expression.node), ATOM
    operands = [Operand(*_spelled(x, name), x.shape, x.value if is_literal(x) else None) for x in expression.inputs]
    if expression.op.operator is not None:
        return _operated(expression.op.operator, operands)
    return _formed(expression, operands) or (_call(expression, operands), ATOM)


def is_called(x: Apply) -> bool:
    """Whether source calls the op by its own name, so that it has to bring the definition."""
    operands = [Operand("", ATOM, i.shape, i.value if is_literal(i) else None) for i in x.inputs]
    return x.op.operator is None and numpy_name(x.op) is None and _formed(x, operands) is None


def _formed(x: Apply, operands: Sequence[Operand]) -> Written | None:
    """An application in the first of the forms of its op that fits."""
    for form in x.op.forms:
        found: str | Written | None
        if isinstance(form, Form):
            found = form.written(x.op.arguments, x.op.defaults, operands, x.params)
        else:
            found = form(*operands, **x.params)
        if found is not None:
            return (found, ATOM) if isinstance(found, str) else found
    return None


def _operated(operator: Operator, operands: Sequence[Operand]) -> Written:
    if len(operands) == 1:
        inside = operands[0].inside(operator.right)
        return f"{operator.text}({inside})" if inside.startswith("-") else f"{operator.text}{inside}", operator.binds
    left, right = operands
    return f"{left.inside(operator.left)} {operator.text} {right.inside(operator.right)}", operator.binds


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


def _params(expression: Apply) -> list[str]:
    defaults = expression.op.defaults
    return [f"{key}={constant(value)}" for key, value in expression.params.items() if not is_default(value, defaults.get(key))]


def _call(expression: Apply, operands: Sequence[Operand]) -> str:
    numpy = numpy_name(expression.op)
    arguments = [x.text for x in operands]
    if numpy is not None and expression.op.variadic:
        arguments = [f"[{', '.join(arguments)}]"]
    return f"{numpy or expression.op.name}({', '.join([*arguments, *_params(expression)])})"
