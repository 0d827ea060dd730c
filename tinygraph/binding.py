"""The names of values in the user's code: the variable, attribute, key or list that stores the result of an instruction.

They are read from the source, so that they are the same on every Python; without a source, from the bytecode.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType
from typing import Literal, NamedTuple

import numpy as np

from tinygraph.excerpt import Excerpt, excerpt

Kind = Literal["variable", "member", "entry"]  # a member is an attribute or a key, an entry is one of a list or an array

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
MODULES = {"np", "numpy", "tg", "tinygraph"}  # whose functions are no methods
IN_ORDER = {"dot", "inner", "stack", "hstack", "vstack", "dstack", "column_stack"}  # that are written in an op of other name
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
FOLDS = {"sum", "reduce", "prod", "multi_dot"}  # functions that record a value for each step of theirs
METHODS = {name for name in dir(np.ndarray) if not name.startswith("_")}  # what they and `X.T` give has no name of its own


class Called(NamedTuple):
    """The name of a value in the code, and its kind."""

    name: str
    kind: Kind


@lru_cache(maxsize=4096)
def stored(code: object, instruction: int) -> Called | None:
    """The name under which the code stores the result of an instruction, or None if it does not store it."""
    found = excerpt(code, instruction)
    if found is None:
        return bindings_of(code).stored(instruction) if isinstance(code, CodeType) else None
    expression, statement = found
    if isinstance(statement, ast.AugAssign) and isinstance(expression, ast.BinOp) and expression.left is statement.target:
        return called(statement.target)
    return _targets(statement).get(expression)


@lru_cache(maxsize=4096)
def visited(code: object, instruction: int) -> tuple[tuple[str, Called | None], ...]:
    """The names that a loop, or an unpacking, gives to the entries of values: the text of each value, and the name.

    An unpacking has one name an entry, and no value.
    """
    found = excerpt(code, instruction)
    if found is None:
        return ()
    expression, statement = found
    if isinstance(expression, ast.Tuple | ast.List) and isinstance(expression.ctx, ast.Store):
        return tuple(("", called(target)) for target in expression.elts)
    if isinstance(statement, ast.For) and expression is statement.iter:
        return tuple(_each(statement.target, expression))
    for comprehension in _parts(statement):
        if isinstance(comprehension, COMPREHENSIONS) and len(comprehension.generators) == 1:
            (loop,) = comprehension.generators
            if expression in (comprehension, loop.iter):  # Python 3.13 keeps the second place, earlier ones the first
                return tuple(_each(loop.target, loop.iter))
    return ()


@lru_cache(maxsize=4096)
def read(code: object, instruction: int, position: int, count: int, op: str) -> Called | None:
    """The name under which the code reads one of the `count` operands of an op: `Y[0, i]` is an entry of Y."""
    found = excerpt(code, instruction)
    if found is None:
        return None
    operands = _operands(found, count, op)
    return called(operands[position]) if position < len(operands) else None


@lru_cache(maxsize=4096)
def function_called(code: object, instruction: int) -> str | None:
    """The name of the function that an instruction calls; "" if there is no source, None if it calls no function."""
    found = excerpt(code, instruction)
    if found is None:
        return "" if isinstance(code, CodeType) and bindings_of(code).calls(instruction) else None
    return _function(found.expression) if isinstance(found.expression, ast.Call) else None


def called(expression: ast.expr) -> Called | None:
    """The name of a value in an expression that reads or stores it.

    >>> for text in ("w", "self.W", "params['W']", "params[f'W{i}']", "Y[0, i]", "x[1]", "a + b", "_hidden"):
    ...     print(text, "is", called(ast.parse(text, mode="eval").body))
    w is Called(name='w', kind='variable')
    self.W is Called(name='W', kind='member')
    params['W'] is Called(name='W', kind='member')
    params[f'W{i}'] is Called(name='W', kind='entry')
    Y[0, i] is Called(name='Y', kind='entry')
    x[1] is Called(name='x_1', kind='member')
    a + b is None
    _hidden is None
    """
    match expression:
        case ast.Name(id=name):
            return _unless_hidden(Called(name, "variable"))
        case ast.Attribute(attr=name) if name not in METHODS:
            return _unless_hidden(Called(name, "member"))
        case ast.Subscript(slice=key) if word := _word(key):
            return _unless_hidden(word)
        case ast.Subscript(value=value, slice=key):
            whole = called(value)
            if whole is None:
                return None
            index = key.elts if isinstance(key, ast.Tuple) else [key]
            numbers = [x.value for x in index if isinstance(x, ast.Constant) and type(x.value) is int]
            if len(numbers) == len(index):
                return Called("_".join(map(str, [whole.name, *numbers])), "member")
            return Called(whole.name, "entry")
        case ast.Call(args=[value]) if _function(expression) in ("parameter", "constant"):
            return called(value)
    return None


def _word(key: ast.expr | None) -> Called | None:
    """The name of a value by its key; for a composed key its first part: W for `f"W{i}"` and `"W" + str(i)`."""
    match key:
        case ast.Constant(value=str() as word):
            return Called(word, "member")
        case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_]):
            return Called(start.rstrip("_"), "entry")
        case ast.BinOp(left=left, op=ast.Add()):
            first = _word(left)
            return None if first is None else Called(first.name.rstrip("_"), "entry")
    return None


def _unless_hidden(name: Called) -> Called | None:
    return None if name.name.startswith("_") or not name.name else name


def _function(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _parts(statement: ast.stmt) -> Iterator[ast.AST]:
    """The statement and its expressions, but not the statements inside it."""
    stack: list[ast.AST] = [statement]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(child for child in ast.iter_child_nodes(part) if not isinstance(child, ast.stmt))


# With the source


def _targets(statement: ast.stmt) -> dict[ast.expr, Called]:
    """The names under which the expressions of a statement are stored."""
    found: dict[ast.expr, Called] = {}
    for part in _parts(statement):
        match part:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _bind(target, value, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                _bind(target, value, found)
            case ast.Call(func=ast.Attribute(value=values, attr="append"), args=[value]):
                _store(value, _entry(called(values)), found)
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                for keyword in keywords:
                    if keyword.arg is not None:
                        _store(keyword.value, _unless_hidden(Called(keyword.arg, "member")), found)
    return found


def _bind(target: ast.expr, value: ast.expr, found: dict[ast.expr, Called]) -> None:
    """Take tuples on both sides apart."""
    if not isinstance(target, ast.Tuple | ast.List):
        _store(value, called(target), found)
    elif isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            _bind(one, its, found)


def _store(value: ast.expr, name: Called | None, found: dict[ast.expr, Called]) -> None:
    """Note the name of an expression, and for a list or dict those of its entries."""
    if name is not None:
        found.setdefault(value, name)
    match value:
        case ast.IfExp(body=body, orelse=orelse):
            _store(body, name, found)
            _store(orelse, name, found)
        case ast.List(elts=entries) | ast.Tuple(elts=entries) | ast.Set(elts=entries):
            for entry in entries:
                _store(entry, _entry(name), found)
        case ast.ListComp(elt=entry) | ast.SetComp(elt=entry):
            _store(entry, _entry(name), found)
        case ast.DictComp(key=word, value=entry):
            _store(entry, _keyed(word, name), found)
        case ast.Dict(keys=keys, values=entries):
            for key, entry in zip(keys, entries, strict=True):
                _store(entry, _keyed(key, name), found)


def _entry(name: Called | None) -> Called | None:
    return None if name is None else Called(name.name, "entry")


def _keyed(key: ast.expr | None, name: Called | None) -> Called | None:
    word = _word(key)
    return _entry(name) if word is None else _unless_hidden(word)


def _each(target: ast.expr, values: ast.expr) -> Iterator[tuple[str, Called | None]]:
    """The values that a loop iterates over, and the names of their entries."""
    match target, values:
        case ast.Tuple(elts=[_, one]), ast.Call(func=ast.Name(id="enumerate"), args=[value, *_]):
            yield from _each(one, value)
        case ast.Tuple(elts=several), ast.Call(func=ast.Name(id="zip"), args=zipped) if len(several) == len(zipped):
            for one, value in zip(several, zipped, strict=True):
                yield from _each(one, value)
        case _:
            yield ast.unparse(values), called(target)


def _operands(found: Excerpt, count: int, op: str) -> Sequence[ast.expr]:
    """The operands of an expression in order; none if they may not be those of the op."""
    expression, statement = found
    match expression:
        case _ if isinstance(statement, ast.For) and expression is statement.iter and op == "index":
            return [expression]  # what a loop takes apart
        case ast.Tuple(ctx=ast.Store()) if isinstance(statement, ast.Assign):
            return [statement.value]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):  # Python turns one around whose left is a list
            return [left, right] if COMPARISONS.get(type(comparison)) == op else [right, left]
        case ast.UnaryOp(operand=operand) | ast.Attribute(value=operand):
            return [operand]
        case ast.Subscript(value=value, slice=index):
            return [value, index]
        case ast.Call(func=function, args=arguments):
            if arguments and isinstance(arguments[0], ast.List | ast.Tuple):
                arguments = arguments[0].elts
            arguments = [x for x in arguments if not (isinstance(x, ast.Constant) and isinstance(x.value, str))]
            if isinstance(function, ast.Attribute) and function.attr in METHODS and not _is_of_module(function):
                arguments = [function.value, *arguments]
            return arguments if (name := _function(expression)) == op or (name in IN_ORDER and len(arguments) == count) else []
    return []


def _is_of_module(function: ast.Attribute) -> bool:
    owner = function.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return isinstance(owner, ast.Name) and owner.id in MODULES


# With bytecode alone, and what loops repeat


@lru_cache(maxsize=64)
def bindings_of(code: CodeType) -> Bindings:
    """The bindings of a function, from a cache."""
    return Bindings(code)


class Bindings:
    """The names under which a function stores results, the variables that it stores more than once, and its loops."""

    def __init__(self, code: CodeType) -> None:
        import dis  # used for a graph whose names a loop may have rebound alone

        self._instructions = list(dis.get_instructions(code))
        jumps = [x for x in self._instructions if x.opcode in dis.hasjrel or x.opcode in dis.hasjabs]
        self._loops = [(x.argval, x.offset) for x in jumps if x.argval <= x.offset]
        self._starts = [x.offset for x in self._instructions]

    def stored(self, instruction: int) -> Called | None:
        """The name under which the next instructions store the result of an instruction."""
        # A node is made while its instruction is at work, of which the inline cache behind it is a part.
        at = bisect_right(self._starts, instruction)
        if self._instructions[at - 1].opname.startswith("UNPACK"):  # gives several
            return None
        for i in range(at, len(self._instructions)):
            operation, name = self._instructions[i].opname, self._instructions[i].argval
            if operation.startswith("STORE_"):
                if operation == "STORE_SUBSCR":
                    name = self._instructions[i - 1].argval  # `values["key"]` has loaded its key just before
                (name, *_) = _names(name)
                kind: Kind = "member" if operation in ("STORE_ATTR", "STORE_SUBSCR") else "variable"
                return _unless_hidden(Called(name, kind)) if isinstance(name, str) else None
            if not operation.startswith(("LOAD_", "COPY")):  # what is loaded next may be what the result is stored in
                return None
        return None

    def calls(self, instruction: int) -> bool:
        """Whether an instruction calls a function."""
        return self._instructions[bisect_right(self._starts, instruction) - 1].opname.startswith("CALL")

    def repeats(self, instruction: int) -> bool:
        """Whether a loop of this function runs an instruction again."""
        return any(start <= instruction <= end for start, end in self._loops)

    def rebinds(self, variable: str) -> bool:
        """Whether this function stores a variable more than once."""
        stores = [x.offset for x in self._instructions if x.opname.startswith("STORE_") and variable in _names(x.argval)]
        return len(stores) > 1 or any(map(self.repeats, stores))


def _names(argument: object) -> tuple[object, ...]:
    return argument if isinstance(argument, tuple) else (argument,)  # some instructions store, or load, two variables at once
