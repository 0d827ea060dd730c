"""The evaluation of parsed formulas: each is computed on a stack of arrays or nodes, with a limit on the work."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import NUMPY, Op, work
from tinygraph.stepping.messages import said
from tinygraph.stepping.parsing import (
    FunctionCall,
    Literal,
    ParsedProgram,
    ParsedStatement,
    Parser,
    Variable,
    lines_of,
    parse,
    parsed,
)
from tinygraph.stepping.vocabulary import FormulaError, one_line, unknown

AXES = 32  # the most that NumPy can broadcast
WORK = 10_000_000  # entries that one program may compute, which limits time and memory


def evaluate(formula: str | ParsedProgram | ParsedStatement, values: Mapping[str, Any]) -> Any:
    """The value of a formula, or of the last statement of a program: an array or number, or a Node if one of `values` is a Node.

    Raises FormulaError for a name without a value, for shapes that do not fit, and for too much work.

    >>> evaluate("da * a * (1 - a)", {"da": -2.0, "a": 0.5})
    -0.5
    >>> evaluate("log(w)", {"w": tg.parameter(1.0)})
    <node log: 0>
    """
    program = parse(formula) if isinstance(formula, str) else formula
    statements = program.statements if isinstance(program, ParsedProgram) else (program,)
    values = dict(values)
    result = None
    left = WORK
    for statement in statements:
        result, left = _computed(statement, values, left)
        values[statement.name or ""] = result
    return result


def data(text: str) -> Any:
    """A number or nested lists of numbers, each of which may be a formula without names.

    >>> data("[1, 2, 1/4]")
    array([1.  , 2.  , 0.25])
    """
    source = lines_of(text)
    body = parsed(source).body
    if not body:
        raise FormulaError("there is no number: write one such as 0.3, or a list such as [1, 2, 3]")
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise FormulaError(f"`{one_line(source)}` is no number: write one such as 0.3, or a list such as [1, 2, 3]")
    read = Parser(source)
    try:
        return np.array(_nested(body[0].value, read), dtype=np.float64)[()]
    except FormulaError:
        raise
    except ValueError:
        raise FormulaError(f"`{one_line(source)}` has rows of different lengths") from None


def _nested(x: ast.expr, read: Parser) -> Any:
    """Nested lists of numbers; the scan has limited their depth."""
    if isinstance(x, ast.List):
        return [_nested(entry, read) for entry in x.elts]
    return evaluate(ParsedStatement(None, read.pieces(x), ""), {})


def _computed(statement: ParsedStatement, values: Mapping[str, Any], left: int) -> tuple[Any, int]:
    """The value of a statement, and the work that is left for the others."""
    stack: list[Any] = []
    for piece in statement.pieces:
        if isinstance(piece, Literal):
            stack.append(piece.value)
        elif isinstance(piece, Variable):
            if piece.name not in values:
                raise FormulaError(f"{piece.where}: {unknown(piece.name, [name for name in values if name])}")
            stack.append(values[piece.name])
        else:
            arguments = stack[len(stack) - piece.operands :]
            with _located(piece):
                left -= _work(piece, arguments)
            if left < 0:
                raise FormulaError(f"{piece.where}: {said('work')}")
            with _located(piece), np.errstate(all="ignore"):
                result = _plain(piece.function(*_operands(piece, arguments), **piece.params))
            if np.ndim(result) > AXES:
                raise FormulaError(f"{piece.where}: {said('axes', most=AXES)}")
            stack[len(stack) - piece.operands :] = [result]
    return stack[0], left


def _work(piece: FunctionCall, operands: Sequence[Any]) -> int:
    """An upper bound on the number of entries that a call computes."""
    function = piece.function
    bound: work.Work = getattr(NUMPY.get(function, function), "work", work.entry_by_entry)
    return bound(operands, piece.params)


@contextmanager
def _located(piece: FunctionCall) -> Iterator[None]:
    """Put the position in the formula before the message of an error."""
    try:
        yield
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError, RuntimeError, MemoryError) as error:
        cause = error.__cause__ or error  # an op's own message names a line of Python code, and there is none
        raise FormulaError(f"{piece.where}: {getattr(piece.function, '__name__', '').strip('_')}: {cause}") from None


def _operands(piece: FunctionCall, arguments: Sequence[Any]) -> Iterator[Any]:
    """Operands with literals in their final type: beside nodes of floats a whole number becomes an int, and prints as one."""
    op, first = piece.function, len(arguments)
    if isinstance(op, Op) and op.variadic and "template" in op.defaults:  # the further arguments are indices
        first = len(op.arguments) - 1
    yield from _numbers(arguments[:first])
    yield from map(_place, arguments[first:])


def _place(x: Any) -> Any:
    """An index as integers, because the numbers of formulas are floats."""
    is_whole = not isinstance(x, Node) and np.asarray(x).dtype.kind == "f" and np.all(np.mod(x, 1) == 0)
    return np.asarray(x, np.intp) if is_whole else x


def _numbers(arguments: Sequence[Any]) -> Iterator[Any]:
    nodes = [x for x in arguments if isinstance(x, Node)]
    whole = bool(nodes) and all(x.dtype.kind == "f" for x in nodes)
    alone = all(isinstance(x, float) for x in arguments)
    for x in arguments:
        if type(x) is not float:
            yield x
        elif alone:
            yield np.float64(x)  # overflows to infinity, where Python's own float raises
        else:
            is_signed_zero = x == 0 and np.signbit(x)  # whole numbers have none
            yield int(x) if whole and x.is_integer() and abs(x) < 2**53 and not is_signed_zero else x


def _plain(value: Any) -> Any:
    """A scalar as a float: Python's ints have no largest value."""
    if isinstance(value, Node) or np.shape(value) or isinstance(value, bool | np.bool_):
        return value
    return float(value)
