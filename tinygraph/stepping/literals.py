"""The literals in a formula: metadata of calls, parts of an index, dtypes. None of them contains a formula.

An error has the key of the message about it.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from types import EllipsisType
from typing import Any

import numpy as np

from tinygraph.ops import ARRAY

SMALL = 100  # the largest number, and the longest tuple, of metadata such as an axis
LARGE = 10_000_000  # the largest size, shift or position: their work is counted
SIZES = {"shape", "reps", "repeats", "shift", "k", "offset", "sections", "position", "template"}
DTYPES = {"longdouble", "float16", "float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
CODE = re.compile(r"[<>=|]?([fiu]\d{1,2}|b1|\?)")


def literal(x: ast.expr, key: str) -> Any:
    """The metadata `key`; raises ValueError for anything else, and for a number that is too large."""
    if key == "dtype":
        return dtype(x)
    most = LARGE if key in SIZES else SMALL
    match x:
        case ast.Constant(value=None | bool() | EllipsisType() | str()):
            return x.value
        case ast.Constant(value=int() | float() as value) if abs(value) <= most:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if abs(value) <= most:
            return -value
        case ast.Tuple(elts=parts) if len(parts) <= SMALL:
            return tuple(literal(part, key) for part in parts)
        case ast.Call(func=ast.Name(id="slice"), args=[_, *_] as ends, keywords=[]) if len(ends) <= 3:
            return slice(*(literal(end, key) for end in ends))
        case ast.Name(id="ARRAY"):
            return ARRAY
    with suppress(ValueError):
        return dtype(x)
    raise ValueError("literal")


def dtype(x: ast.expr) -> np.dtype[Any]:
    """The dtype that `bool`, `np.float32` or `np.dtype(">f8")` stands for; raises ValueError for anything else."""
    match x:
        case ast.Name(id="bool"):
            return np.dtype(bool)
        case ast.Attribute(value=ast.Name(id="np"), attr=name) if name in DTYPES:
            return np.dtype(name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="dtype"), args=[ast.Constant(value=str() as code)]):
            with suppress(TypeError):  # which NumPy raises for a size that it does not have
                if CODE.fullmatch(code):
                    return np.dtype(code)
    raise ValueError("dtype")


def end(x: ast.expr) -> int | None:
    """A bound of a slice; raises ValueError for anything else."""
    value = literal(x, "template")
    if value is None or type(value) is int:
        return value
    raise ValueError("whole")


def whole(x: ast.expr) -> int:
    """A whole number in square brackets; raises ValueError for anything else."""
    value = literal(x, "axis")
    if type(value) is int:
        return value
    raise ValueError("small")


def place(x: ast.expr) -> int | EllipsisType | None:
    """A part of an index that is not an array; raises ValueError for anything else."""
    value = literal(x, "template")
    if value is None or value is ... or type(value) is int:
        return value
    raise ValueError("literal")
