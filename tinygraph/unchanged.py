"""The errors for statements that would change a parameter in place, with what to write instead: a node never changes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tinygraph.place import place_of, user_frame
from tinygraph.syntax import parsed

# The operators that assign, by the names of their methods.
IN_PLACE = {
    "iadd": "+=", "isub": "-=", "imul": "*=", "itruediv": "/=", "ifloordiv": "//=", "imod": "%=", "ipow": "**=",
    "imatmul": "@=", "iand": "&=", "ior": "|=", "ixor": "^=", "ilshift": "<<=", "irshift": ">>=",
}  # fmt: skip


def in_place(symbol: str) -> Callable[[Any, Any], Any]:
    """The method of an in-place operator such as `+=`."""

    def refuse(leaf: Any, other: Any) -> Any:
        if leaf.kind == "parameter":
            raise no_update(symbol, user_frame(sys._getframe(1)))
        return NotImplemented  # Python then binds the name to a new node

    return refuse


def no_update(symbol: str, frame: FrameType) -> TypeError:
    """The error for `w -= step`, where w is a parameter."""
    place = place_of(frame.f_code, frame.f_lasti)
    return TypeError(
        f"`{symbol}` does not change a parameter: for an update write `{instead(place.text)}`; for a value computed from it, "
        f"write `{symbol[:-1]}` and give the result a name of its own\n  at {place}"
    )


def no_assignment(kind: str, frame: FrameType) -> AttributeError:
    """The error for `w.value = array`."""
    place = place_of(frame.f_code, frame.f_lasti)
    fix = f"for an update write `{instead(place.text)}`" if kind == "parameter" else "compute a new node"
    return AttributeError(f"the value of a {kind} never changes: {fix}\n  at {place}")


def instead(text: str) -> str:
    """The line to write, which makes a new parameter.

    >>> instead("w -= 0.1 * dw"), instead("self.w.value = w0")
    ('w = tg.parameter(w.value - 0.1 * dw)', 'self.w = tg.parameter(w0)')
    """
    match _statement(text):
        case ast.AugAssign(target=ast.Attribute(value=owner, attr="value") | owner, op=operator, value=step):
            new: ast.expr = ast.BinOp(ast.Attribute(owner, "value"), operator, step)
        case ast.Assign(targets=[ast.Attribute(value=owner, attr="value")], value=new):
            pass
        case _:
            return "w = tg.parameter(w.value - 0.1 * dw)"
    return f"{ast.unparse(owner)} = tg.parameter({ast.unparse(new)})"


def _statement(text: str) -> ast.stmt | None:
    """The statement of a line, or None if the line is not one statement."""
    try:
        (statement,) = parsed(text).body
    except (SyntaxError, ValueError):  # a part of a statement, or several
        return None
    return statement
