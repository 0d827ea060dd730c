"""An expression as Python: operators by precedence, NumPy functions by name, anything else as a call of the op itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygraph.node import Node
from tinygraph.ops import Op, numpy_name
from tinygraph.program.value import Apply, Expression, Name, Number, is_literal
from tinygraph.syntax import ATOM, SIGN, Operand, Operator, SourceForm, Written, constant, inside_of, is_default, literal

Spell = Callable[[Node], str]


def python(expression: Expression, name: Spell) -> str:
    """The expression as source; `name(node)` returns the name of a node."""
    return _spelled(expression, name)[0]


def _spelled(expression: Expression, name: Spell) -> Written:
    """The source and how tightly it binds."""
    if isinstance(expression, Number):
        return literal(expression.value) if expression.name is None else (expression.name, ATOM)
    if isinstance(expression, Name):
        text = name(expression.node)
        return text, SIGN if text.startswith("-") else ATOM  # as a number in place of a name may
    op, found = expression.op, [_spelled(x, name) for x in expression.inputs]
    if op.operator is not None:
        return _operated(op.operator, found)
    formed = _formed(expression, found) if op.forms else None
    return formed or (_call(expression, [text for text, _ in found]), ATOM)


def is_called(x: Apply) -> bool:
    """Whether source calls the op by its own name, so that it has to bring the definition."""
    return x.op.operator is None and numpy_function(x.op) is None and _formed(x, [("", ATOM) for _ in x.inputs]) is None


def _formed(x: Apply, written: Sequence[Written]) -> Written | None:
    """An application in the first of the forms of its op that fits."""
    values = [i.value if is_literal(i) else None for i in x.inputs]
    operands = [Operand(*text, i.shape, value) for text, i, value in zip(written, x.inputs, values, strict=True)]
    for form in x.op.forms:
        found: str | Written | None
        if isinstance(form, SourceForm):
            found = form.written(x.op.arguments, x.op.defaults, operands, x.params)
        else:
            found = form(*operands, **x.params)
        if found is not None:
            return (found, ATOM) if isinstance(found, str) else found
    return None


def _operated(operator: Operator, operands: Sequence[Written]) -> Written:
    if len(operands) == 1:
        inside = inside_of(operands[0], operator.right)
        return f"{operator.text}({inside})" if inside.startswith("-") else f"{operator.text}{inside}", operator.binds
    left, right = inside_of(operands[0], operator.left), inside_of(operands[1], operator.right)
    return f"{left} {operator.text} {right}", operator.binds


def numpy_function(op: Op) -> str | None:
    """The NumPy function that the op is, as source calls it, or None."""
    name = "" if op.numpy is None else numpy_name(op.numpy)
    return name if name.startswith("np.") else None


def given(x: Apply) -> dict[str, Any]:
    """The metadata of an op that is not what it is by default."""
    return {key: value for key, value in x.params.items() if not is_default(value, x.op.defaults.get(key))}


def _call(expression: Apply, arguments: Sequence[str]) -> str:
    numpy = numpy_function(expression.op)
    if numpy is not None and expression.op.variadic:
        arguments = [f"[{', '.join(arguments)}]"]
    metadata = [f"{key}={constant(value)}" for key, value in given(expression).items()]
    return f"{numpy or expression.op.name}({', '.join([*arguments, *metadata])})"
