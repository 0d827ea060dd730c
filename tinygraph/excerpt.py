"""The user's source at an instruction: the expression that was evaluated there, and the statement around it."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import CodeType
from typing import NamedTuple

from tinygraph.syntax import parsed

Span = tuple[int, int, int, int]  # first and last line, first and last column in bytes of UTF-8, as Python counts them


class Excerpt(NamedTuple):
    """An expression of the user's source and the statement that it is part of."""

    expression: ast.expr
    statement: ast.stmt


def excerpt(code: object, instruction: int) -> Excerpt | None:
    """The expression that an instruction evaluates, or None if there is no source.

    `code` and `instruction` are those of a node. A node that was loaded from a pickle has no code object, and so no excerpt.
    Of `h *= 2` the expression is `h * 2`; of an entry that a loop takes, what the loop goes through.

    >>> def product(w, x):
    ...     return w * x + 1
    >>> node = product(tg.parameter(3.0), 2.0)
    >>> found = excerpt(node.code, node.instruction)
    >>> ast.unparse(found.expression), ast.unparse(found.statement)
    ('w * x + 1', 'return w * x + 1')
    """
    span = span_of(code, instruction) if isinstance(code, CodeType) else None
    if span is None:
        return None
    assert isinstance(code, CodeType)
    return _excerpts(code.co_filename, tuple(linecache.getlines(code.co_filename))).get(span)


@lru_cache(maxsize=4096)
def span_of(code: CodeType, instruction: int) -> Span | None:
    """The position of the expression of an instruction in the source, or None if Python did not keep it."""
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if first is None or last is None or start is None or end is None:
        return None
    return first, last, start, end


def instruction_of(code: CodeType, expression: ast.expr) -> int | None:
    """The instruction that evaluates an expression of the code, or None."""
    end = expression.end_lineno or 0, expression.end_col_offset or 0
    return _instructions(code).get((expression.lineno, end[0], expression.col_offset, end[1]))


@lru_cache(maxsize=64)
def _instructions(code: CodeType) -> Mapping[tuple[int | None, ...], int]:
    """The first instruction of each position in the source."""
    found: dict[tuple[int | None, ...], int] = {}
    for i, place in enumerate(code.co_positions()):
        found.setdefault(place, 2 * i)
    return found


@lru_cache(maxsize=32)
def _excerpts(filename: str, lines: tuple[str, ...]) -> Mapping[Span, Excerpt]:
    """Every expression of a file by its position."""
    found: dict[Span, Excerpt] = {}
    try:
        module = parsed("".join(lines), filename)
    except (SyntaxError, ValueError):
        return found
    stack: list[tuple[ast.AST, ast.stmt | None]] = [(module, None)]
    while stack:
        node, statement = stack.pop()
        if isinstance(node, ast.stmt):
            statement = node
        if statement is not None:
            for span, expression in _places(node):
                found.setdefault(span, Excerpt(expression, statement))
        stack.extend((child, statement) for child in ast.iter_child_nodes(node))
    return found


def _places(node: ast.AST) -> Iterator[tuple[Span, ast.expr]]:
    """The position, in the form that Python uses, of the expression that a node of the syntax tree is or evaluates."""
    if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
        return
    span = node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
    match node:
        case ast.AugAssign(target=ast.expr() as target, op=operator, value=value):
            yield span, ast.copy_location(ast.BinOp(target, operator, value), node)
        case ast.For(iter=values):  # as Python 3.11 and 3.12 have it for what takes the next value
            yield span, values
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test) | ast.IfExp(test=test):  # which decides there
            yield span, test
        case ast.expr() as expression:
            yield span, expression
    match node:
        case ast.Call(func=ast.Attribute() as attribute) | (ast.Attribute() as attribute):
            last, end = attribute.end_lineno, attribute.end_col_offset
            if last is not None and end is not None and last != attribute.lineno:  # Python keeps where the last call starts
                yield (last, node.end_lineno, end - len(attribute.attr.encode()), node.end_col_offset), node
