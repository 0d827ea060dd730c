"""The warning about operands of different rank whose result is larger than both: (200, 1) and (200,) give (200, 200).

In a loss this compares every example with every other, which is seldom intended. It is intended where the expression itself shows
it: a new axis (`x[:, None] * y`, `np.expand_dims`), `reshape`, `keepdims=True`. So no warning is given there, nor for what this
package computes.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType
from typing import Any

import numpy as np

from tinygraph.errors import name_in
from tinygraph.excerpt import excerpt
from tinygraph.place import OWN, PACKAGE
from tinygraph.warned import warn_at

# The modules between the user's operator and the op.
BETWEEN = {f"{PACKAGE}{name}" for name in ("operators.py", "ops/declare.py", "ops/numpy_functions.py")}
NEW_AXIS = {"None", "newaxis"}
RESHAPING = {"reshape", "expand_dims", "atleast_2d", "ravel", "outer"}


def warn_of_ranks(value: Any, operands: Sequence[Any], frame: FrameType) -> None:
    """Warn at the user's line if `value` is larger than each of its operands, and their ranks differ."""
    for x in operands:
        if getattr(x, "size", 1) >= value.size:
            return
    shapes = [np.shape(x) for x in operands]
    if () in shapes or len({len(shape) for shape in shapes}) == 1:
        return
    while frame.f_code.co_filename in BETWEEN and frame.f_back is not None:
        frame = frame.f_back
    if OWN[frame.f_code.co_filename] or _is_meant(frame):
        return
    met = " and ".join(f"{name_in(frame, x) or 'an operand'} of shape {shape}" for x, shape in zip(operands, shapes, strict=True))
    warn_at(
        frame,
        f"{met} make a result of shape {value.shape}, in which every entry of one meets every entry of the other: give them one "
        "shape, as in y.reshape(z.shape), or write the new axis where they meet, as in z[:, None] - y",
        UserWarning,
    )


def _is_meant(frame: FrameType) -> bool:
    """Whether the user's expression adds an axis, so that the larger result is intended."""
    found = excerpt(frame.f_code, frame.f_lasti)
    return found is not None and any(map(_new_axis, ast.walk(found.expression)))


def _new_axis(part: ast.AST) -> bool:
    """Whether a part of an expression is an index with None, a call that changes the shape, or `keepdims=True`."""
    match part:
        case ast.Subscript(slice=ast.Tuple(elts=indices)):
            return any(_word(x) in NEW_AXIS for x in indices)
        case ast.Call(func=function):
            return _word(function) in RESHAPING
        case ast.keyword(arg="keepdims"):
            return True
    return False


def _word(part: ast.AST) -> str | None:
    """The last part of a dotted name, or "None" for None."""
    match part:
        case ast.Attribute(attr=word) | ast.Name(id=word):
            return word
        case ast.Constant(value=None):
            return "None"
    return None
