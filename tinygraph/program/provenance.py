"""Where a number in the user's source comes from: a literal, a shape, or something that the file does not show.

Names are followed to what the file assigns to them anywhere. An attribute such as `self.rate` and an entry such as
`settings["rate"]` are settings, and count as literals; so does what a loop goes through, which no size follows from.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from functools import lru_cache

import numpy as np

from tinygraph.syntax import parsed

Bindings = Mapping[str, list[ast.expr | None]]
STEP = ast.Constant(0)  # what stands for the values of a loop
DEEPEST, MOST = 4, 16  # names that are followed one from another, and values that are tried of each


class Provenance(IntEnum):
    """What a number is computed from; of several parts, the one that decides."""

    LITERAL = 0
    UNKNOWN = 1
    SHAPE = 2


def provenance_of(x: ast.expr, filename: str) -> Provenance:
    """What the number of this expression in a file is computed from."""
    bindings = _bindings(filename, tuple(linecache.getlines(filename)))
    found, names = Provenance.LITERAL, set[str]()
    rest: list[tuple[ast.AST, bool]] = [(x, False)]  # and whether it is what an entry is taken of
    while rest:
        y, whole = rest.pop()
        if _is_shape(y):
            return Provenance.SHAPE
        match y:
            case ast.Name(id=name) if name not in names:
                names.add(name)
                values = bindings.get(name, [None])
                found = Provenance.UNKNOWN if None in values and not whole else found
                rest += [(value, whole) for value in values if value is not None]
            case ast.Subscript(value=value):
                rest.append((value, True))
            case ast.Call(args=args, keywords=keywords):
                rest += [(part, whole) for part in (*args, *(word.value for word in keywords))]
            case ast.expr() if not isinstance(y, ast.Name | ast.Attribute):
                rest += [(part, whole) for part in ast.iter_child_nodes(y)]
    return found


def _is_shape(x: ast.AST) -> bool:
    match x:
        case ast.Call(func=ast.Name(id="len")) | ast.Attribute(attr="shape" | "size"):
            return True
        case ast.Call(func=ast.Attribute(attr="shape" | "size")):
            return True
    return False


ARITHMETIC: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.FloorDiv: operator.floordiv, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "float": float,
    "float32": lambda x: float(np.float32(x)),
    "float64": float,
}


def values_at(x: ast.expr, filename: str, size: int) -> set[float]:
    """What a number that a file writes as this expression may be where all shapes in it have one size."""
    try:
        return set(_values(x, _bindings(filename, tuple(linecache.getlines(filename))), size, 0))
    except RecursionError:  # no number that anyone computes is as long
        return set()


def _values(x: ast.expr, bindings: Bindings, size: int, depth: int) -> Iterable[float]:
    match x:
        case ast.Constant(value=int() | float() as value):
            return [value]
        case ast.Name(id=name) if depth < DEEPEST:
            values = [y for y in bindings.get(name, ()) if y is not None]
            return [z for y in values[:MOST] for z in _values(y, bindings, size, depth + 1)][:MOST]
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in ARITHMETIC:
            parts = itertools.product(_values(left, bindings, size, depth), _values(right, bindings, size, depth))
            return [z for y in parts if (z := _applied(operation, *y)) is not None][:MOST]
        case ast.UnaryOp(op=operation, operand=operand) if type(operation) in ARITHMETIC:
            return [z for y in _values(operand, bindings, size, depth) if (z := _applied(operation, y)) is not None]
        case ast.Subscript(value=value):
            return [size] if _is_shape(value) else []
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[operand]) if name in FUNCTIONS:
            return [FUNCTIONS[name](y) for y in _values(operand, bindings, size, depth) if y >= 0]
    return [size] if _is_shape(x) else []


def _applied(operation: ast.AST, *operands: float) -> float | None:
    try:
        return ARITHMETIC[type(operation)](*operands)
    except ArithmeticError:
        return None


@lru_cache(maxsize=32)
def _bindings(filename: str, lines: tuple[str, ...]) -> Bindings:
    """What a file assigns to each name; None for what it does not show, such as an argument."""
    found: dict[str, list[ast.expr | None]] = {}
    try:
        module = parsed("".join(lines), filename)
    except (SyntaxError, ValueError):
        return found
    for node in ast.walk(module):
        for name, value in _bound(node):
            found.setdefault(name, []).append(value)
    return found


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _each(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield from _each(target, value)
        case ast.AugAssign(target=target, value=value):
            yield from _each(target, value)
        case ast.For(target=target) | ast.comprehension(target=target):
            yield from _each(target, STEP)
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from _each(target, None)
        case ast.arg(arg=name):
            yield name, None


def _each(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """The names of a target with their values; those of a shape that is taken apart have it all."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        apart = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        for i, part in enumerate(target.elts):
            yield from _each(part, apart[i] if apart is not None else value)
