"""The definitions that a printed program needs beside NumPy: the functions of ops, and whatever those call, as source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tinygraph.express.python import constant, numpy_name
from tinygraph.ops import Op


class Helpers:
    """Definitions gathered from the ops that a program calls, each once, callees first."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self.definitions: list[str] = []
        self.imports: dict[str, None] = {}
        self._names: dict[int, str] = {}
        self._taken = {op.name for op in ops}
        for op in ops:
            self.name(op, op)

    def name(self, thing: Any, op: Op) -> str:
        """What a function is called in the program; defines it if it is not there yet. `op` is the one that needs it."""
        if isinstance(thing, Op):
            numpy = numpy_name(thing)
            if numpy is not None:
                return numpy
        function = thing.function if isinstance(thing, Op) else thing
        if id(function) not in self._names:
            name = wanted = function.__name__
            count = 1
            while name in self._taken and not isinstance(thing, Op):
                count += 1
                name = f"{wanted}_{count}"
            self._taken.add(name)
            self._names[id(function)] = name
            self.definitions.append(self._definition(function, name, op))
        return self._names[id(function)]

    def _definition(self, function: Callable[..., Any], name: str, op: Op) -> str:
        tree = _tree(function, op)
        tree.name = name
        tree.decorator_list = []
        tree.returns = None
        for argument in ast.walk(tree.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        if ast.get_docstring(tree) is not None:
            del tree.body[0]
        return ast.unparse(ast.fix_missing_locations(_Globals(self, function, op).visit(tree)))

    def spelling(self, value: Any, name: str, op: Op) -> ast.expr:
        """How a global of a function is written in the program."""
        if isinstance(value, Op | FunctionType):
            return _parsed(self.name(value, op))
        if isinstance(value, ModuleType):
            plain = value.__name__ == name
            self.imports[f"import {name}" if plain else f"import {value.__name__} as {name}"] = None
            return ast.Name(name, ast.Load())
        if isinstance(value, int | float | str | tuple | frozenset | type(None)):
            return _parsed(constant(value))
        if isinstance(value, type) and value.__module__ not in ("builtins", "__main__"):
            self.imports[f"from {value.__module__} import {value.__qualname__}"] = None
            return ast.Name(name, ast.Load())
        raise ValueError(
            f"{op!r} cannot be written as source: it reads {name}, a {type(value).__name__}. Build it inside the function, "
            "or make it an argument of the op"
        )


class _Globals(ast.NodeTransformer):
    """Spell the globals and closed-over variables of a function as the program calls them."""

    def __init__(self, helpers: Helpers, function: Callable[..., Any], op: Op) -> None:
        assert isinstance(function, FunctionType)
        self.helpers = helpers
        self.op = op
        self.variables = dict(function.__globals__)
        cells = function.__closure__ or ()
        self.variables |= {name: cell.cell_contents for name, cell in zip(function.__code__.co_freevars, cells, strict=True)}
        self.read = set(_names_read(function.__code__))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.read or node.id not in self.variables or isinstance(node.ctx, ast.Store):
            return node
        return self.helpers.spelling(self.variables[node.id], node.id, self.op)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], node.value)


def _names_read(code: CodeType) -> Iterator[str]:
    """The globals and closed-over variables that a function reads, inner functions included."""
    yield from code.co_names
    yield from code.co_freevars
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_read(inner)


def _tree(function: Callable[..., Any], op: Op) -> ast.FunctionDef:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise ValueError(f"{op!r} cannot be written as source: that of {function.__name__} is not to be found") from error
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"{op!r} cannot be written as source: {function.__name__} is not a `def`")
    return tree


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
