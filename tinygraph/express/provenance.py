"""Where a number in the user's source comes from: a literal, a shape, or something that the file does not show.

Names are followed to what the file assigns to them anywhere. An attribute such as `self.rate` and an entry such as
`settings["rate"]` are settings, and count as literals; so does what a loop goes through, which no size follows from.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import lru_cache

Bindings = Mapping[str, list[ast.expr | None]]
STEP = ast.Constant(0)  # what stands for the values of a loop


class Origin(IntEnum):
    """What a number is made of, the most telling part of it."""

    LITERAL = 0
    UNKNOWN = 1
    SHAPE = 2


def origin(x: ast.expr, filename: str) -> Origin:
    """What a number that a file writes as this expression is made of."""
    return _origin(x, _bindings(filename, tuple(linecache.getlines(filename))), frozenset())


def _origin(x: ast.expr, bindings: Bindings, seen: frozenset[str]) -> Origin:
    match x:
        case ast.Call(func=ast.Name(id="len")) | ast.Attribute(attr="shape" | "size" | "ndim"):
            return Origin.SHAPE
        case ast.Call(func=ast.Attribute(attr="shape" | "size")):
            return Origin.SHAPE
        case ast.Name(id=name) if name in seen:
            return Origin.LITERAL
        case ast.Name(id=name):
            values = bindings.get(name, [None])
            return max(Origin.UNKNOWN if y is None else _origin(y, bindings, seen | {name}) for y in values)
        case ast.Attribute():
            return Origin.LITERAL
        case ast.Subscript(value=value):
            return Origin.SHAPE if _origin(value, bindings, seen) is Origin.SHAPE else Origin.LITERAL
    parts = [*x.args, *(word.value for word in x.keywords)] if isinstance(x, ast.Call) else ast.iter_child_nodes(x)
    return max((_origin(part, bindings, seen) for part in parts if isinstance(part, ast.expr)), default=Origin.LITERAL)


@lru_cache(maxsize=32)
def _bindings(filename: str, lines: tuple[str, ...]) -> Bindings:
    """What a file assigns to each name; None for what it does not show, such as an argument."""
    found: dict[str, list[ast.expr | None]] = {}
    try:
        module = ast.parse("".join(lines), filename)
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
