"""Where a number in the user's source comes from: a literal, a shape, or something that the file does not show.

Names are followed to what their function or, for arguments, the file assigns to them anywhere. An attribute such as `self.rate`
and an entry such as `settings["rate"]` are settings, and count as literals; so does what a loop goes through, which no size
follows from, and the length of a list of results that the file shows. That of other lists may be one of data.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import linecache
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from tinygraph.program.spelling import CONSTANTS
from tinygraph.syntax import parsed

Scope = tuple[int, int]  # first and last line of a function or of the file
Bindings = Mapping[str, list[tuple[Scope, ast.expr | None]]]
STEP = ast.Constant(0)  # what stands for the values of a loop
DEEPEST, MOST = 4, 16  # names that are followed one from another, and values that are tried of each
SEQUENCES = {"enumerate", "list", "reversed", "sorted", "tuple"}  # functions of sequences that are as long


class Provenance(IntEnum):
    """What a number is computed from; of several parts, the one that decides."""

    LITERAL = 0
    UNKNOWN = 1
    SHAPE = 2


def provenance_of(x: ast.expr, filename: str) -> Provenance:
    """What the number of this expression in a file is computed from."""
    found = Provenance.LITERAL
    for shape in _sources(x, _bindings_in(filename)):
        if shape is not None:
            return Provenance.SHAPE
        found = Provenance.UNKNOWN
    return found


def shapes_of(x: ast.expr, filename: str) -> list[tuple[ast.expr, int | None]]:
    """The arrays whose shapes the number of this expression is computed from, and along which axis; None for all axes."""
    return [_taken_apart(shape) for shape in _sources(x, _bindings_in(filename)) if shape is not None]


def _sources(x: ast.expr, bindings: Bindings) -> Iterator[ast.expr | None]:
    """The shapes, and entries of shapes, that an expression is computed from; None for what the file does not show."""
    names = set[str]()
    rest: list[tuple[ast.expr, bool]] = [(x, False)]  # and whether it is what an entry is taken of
    while rest:
        y, whole = rest.pop()
        match y:
            case _ if _is_shape(y):
                if not _is_listed(y, bindings):
                    yield y
            case ast.Name(id=name) if name not in names:
                names.add(name)
                values = _bound_to(y, bindings)
                if None in values and not whole:
                    yield None
                rest += [(value, whole) for value in values if value is not None]
            case ast.Subscript(value=value):
                if _is_shape(value):
                    yield y
                else:
                    rest.append((value, True))
            case ast.Call(args=args, keywords=keywords):
                rest += [(part, whole) for part in (*args, *(word.value for word in keywords))]
            case _ if not isinstance(y, ast.Name | ast.Attribute):
                rest += [(part, whole) for part in ast.iter_child_nodes(y) if isinstance(part, ast.expr)]


def _taken_apart(shape: ast.expr) -> tuple[ast.expr, int | None]:
    """The array of a shape, and the axis of an entry of it."""
    match shape:
        case ast.Call(func=ast.Name(), args=[array, *_]):
            return array, 0
        case ast.Subscript(value=whole, slice=ast.Constant(value=int() as axis)):
            return _taken_apart(whole)[0], axis
        case ast.Subscript(value=whole, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as axis))):
            return _taken_apart(whole)[0], -axis
        case ast.Subscript(value=whole):
            return _taken_apart(whole)[0], None
        case ast.Call(args=[array, *_]) | ast.Attribute(value=array):
            return array, None
    return shape, None


def _is_shape(x: ast.AST) -> bool:
    match x:
        case ast.Call(func=ast.Name(id="len")) | ast.Attribute(attr="shape" | "size"):
            return True
        case ast.Call(func=ast.Attribute(attr="shape" | "size")):
            return True
    return False


def _is_listed(shape: ast.expr, bindings: Bindings) -> bool:
    """Whether it is the length of what is written there, or of a list that is no data, as its entries are computed."""
    match shape:
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name() as name]):
            return all(map(_is_computed, _bound_to(name, bindings)))
        case ast.Call(func=ast.Name(id="len"), args=[ast.Constant()]):
            return True
    return False


def _is_computed(x: ast.expr | None) -> bool:
    match x:
        case ast.List(elts=entries) | ast.Tuple(elts=entries) | ast.Dict(values=entries):
            plain = (ast.Constant, ast.UnaryOp, ast.List, ast.Tuple)
            return not all(isinstance(y, plain) for y in entries) and not any(isinstance(y, ast.Starred) for y in entries)
    return False


def _lengths(x: ast.expr | None, bindings: Bindings, depth: int) -> set[int]:
    """How many entries a sequence may have, where the file shows it."""
    match x:
        case ast.Constant(value=str() | bytes() as text):
            return {len(text)}
        case ast.Call(func=ast.Name(id="range"), args=limits):
            lengths = _applied(lambda *ends: len(range(*map(int, ends))), limits, bindings, None, depth)
            return {int(y.number) for y in lengths}
        case ast.List(elts=entries) | ast.Tuple(elts=entries) | ast.Set(elts=entries):
            return set() if any(isinstance(y, ast.Starred) for y in entries) else {len(entries)}
        case ast.ListComp(generators=[ast.comprehension(iter=sequence, ifs=[])]):
            return _lengths(sequence, bindings, depth)
        case ast.Call(func=ast.Name(id=name), args=[sequence]) if name in SEQUENCES:
            return _lengths(sequence, bindings, depth)
        case ast.Name() if depth < DEEPEST:
            return {n for y in _bound_to(x, bindings)[:MOST] for n in _lengths(y, bindings, depth + 1)}
    return set()


class Value(NamedTuple):
    """What a number may be, and whether a shape is in it."""

    number: float
    of_shape: bool


ARITHMETIC: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: math.pow,
    ast.FloorDiv: operator.floordiv, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": float,
    "float32": np.float32,
    "float64": float,
    "int": int,
    "max": lambda *numbers: max(numbers),
    "min": lambda *numbers: min(numbers),
    "prod": lambda *numbers: math.prod(numbers),
    "round": round,
}


def values_at(x: ast.expr, filename: str, size: int) -> set[Value]:
    """What a number that a file writes as this expression may be where all shapes in it have one size."""
    try:
        with np.errstate(all="ignore"):
            return set(_values(x, _bindings_in(filename), size, 0))
    except (RecursionError, OverflowError):  # no number that anyone computes is as long
        return set()


def _values(x: ast.expr, bindings: Bindings, size: int | None, depth: int) -> Iterable[Value]:
    if _is_shape(x):
        lengths = _lengths(x.args[0], bindings, depth) if isinstance(x, ast.Call) and x.args else ()
        shapes = () if size is None or _is_listed(x, bindings) else [Value(size, True)]
        return [*shapes, *(Value(n, False) for n in lengths)]
    match x:
        case ast.Constant(value=int() | float() as value):
            return [Value(float(value), False)]
        case ast.Attribute(attr=name) if name in CONSTANTS:
            return [Value(CONSTANTS[name], False)]
        case ast.Name() if depth < DEEPEST:
            values = [y for y in _bound_to(x, bindings) if y is not None]
            return [z for y in values[:MOST] for z in _values(y, bindings, size, depth + 1)][:MOST]
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in ARITHMETIC:
            return _applied(ARITHMETIC[type(operation)], [left, right], bindings, size, depth)
        case ast.UnaryOp(op=operation, operand=operand) if type(operation) in ARITHMETIC:
            return _applied(ARITHMETIC[type(operation)], [operand], bindings, size, depth)
        case ast.Subscript(value=value) if _is_shape(value):
            return _values(value, bindings, size, depth)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=operands, keywords=[]):
            return [] if (function := _function(name)) is None else _applied(function, operands, bindings, size, depth)
    return []


def _function(name: str) -> Callable[..., Any] | None:
    known = vars(np).get(name)
    return FUNCTIONS.get(name, known if isinstance(known, np.ufunc) else None)


def _applied(
    function: Callable[..., Any], operands: Iterable[ast.expr], bindings: Bindings, size: int | None, depth: int
) -> list[Value]:
    found: list[Value] = []
    several = itertools.product(*(_values(x, bindings, size, depth) for x in operands))
    for values in itertools.islice(several, MOST * MOST):
        with contextlib.suppress(ArithmeticError, TypeError, ValueError):  # it is none of these values
            found.append(Value(float(function(*(y.number for y in values))), any(y.of_shape for y in values)))
    return found[:MOST]


def _bound_to(x: ast.Name, bindings: Bindings) -> list[ast.expr | None]:
    """What is assigned to a name in the innermost function that does so, and anywhere to the name of an argument."""
    known = bindings.get(x.id, [])
    scopes = [scope for scope, _ in known if scope[0] <= x.lineno <= scope[1]]
    innermost = min(scopes, key=lambda scope: scope[1] - scope[0], default=None)
    values = [value for scope, value in known if scope == innermost]
    return values if values and None not in values else [value for _, value in known] or [None]


def _bindings_in(filename: str) -> Bindings:
    return _bindings(filename, tuple(linecache.getlines(filename)))


@lru_cache(maxsize=32)
def _bindings(filename: str, lines: tuple[str, ...]) -> Bindings:
    """What a file assigns to each name, and where; None for what it does not show, such as an argument."""
    found: dict[str, list[tuple[Scope, ast.expr | None]]] = {}
    whole = 1, len(lines)
    try:
        rest: list[tuple[ast.AST, Scope, set[str]]] = [(parsed("".join(lines), filename), whole, set())]
    except (SyntaxError, ValueError):
        return found
    while rest:
        node, scope, outer = rest.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            scope = node.lineno, node.end_lineno or node.lineno
            outer = {name for x in ast.walk(node) if isinstance(x, ast.Global | ast.Nonlocal) for name in x.names}
        for name, value in _bound(node):
            found.setdefault(name, []).append((whole if name in outer else scope, value))
        rest += [(x, scope, outer) for x in ast.iter_child_nodes(node)]
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
            if isinstance(node, ast.For):
                yield from _filled(node)
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from _each(target, None)
        case ast.arg(arg=name):
            yield name, None


def _filled(loop: ast.For) -> Iterator[tuple[str, ast.expr | None]]:
    """The lists to which a loop appends, each as the comprehension that it amounts to."""
    for node in ast.walk(loop):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend" | "insert")):
                yield name, ast.ListComp(STEP, [ast.comprehension(loop.target, loop.iter, [], 0)])


def _each(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """The names of a target with their values; those of a shape that is taken apart have it all."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        apart = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        if isinstance(value, ast.Attribute) and value.attr == "shape":
            apart = [ast.Subscript(value, ast.Constant(i)) for i in range(len(target.elts))]
        for i, part in enumerate(target.elts):
            yield from _each(part, apart[i] if apart is not None else value)
