"""The definitions that a printed program needs beside NumPy: the functions of ops, and whatever those call, as source."""

from __future__ import annotations

import ast
import dis
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygraph.express.python import numpy_function
from tinygraph.names import RESERVED
from tinygraph.ops import ARRAY, Op
from tinygraph.place import is_installed
from tinygraph.syntax import constant, parsed


class Helpers:
    """Definitions gathered from the ops that a program calls, each once, callees first."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self.definitions: list[str] = []
        self.imports: list[str] = []
        self._names: dict[Any, str] = {}  # what each function and module is called, by identity
        self._called: dict[str, Op] = {}  # what the program calls by its own name
        for op in ops:
            if op.name in RESERVED or self._called.setdefault(op.name, op) is not op:
                why = "source needs that name itself" if op.name in RESERVED else "another op of the graph has the same name"
                raise ValueError(f"{op!r} cannot be written as source: {why}; call the op something else")
        self._taken = {*RESERVED, *self._called}.union(*(_locals(f.__code__) for f in _reached(self._called.values())))
        for op in ops:
            self.name(op, op)

    def free(self, wanted: str) -> str:
        """The wanted name, with a number behind it where it is taken."""
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name

    def name(self, thing: Any, op: Op) -> str:
        """What a function is called in the program; defines it if it is not there yet. `op` is the one that needs it."""
        numpy = numpy_function(thing) if isinstance(thing, Op) else None
        if numpy is not None:
            return numpy
        function = thing.function if isinstance(thing, Op) else thing
        if function not in self._names:
            wanted = function.__name__
            self._names[function] = name = wanted if self._called.get(wanted) is thing else self.free(wanted)
            self.definitions.append(self._definition(function, name, op))
        return self._names[function]

    def _definition(self, function: Callable[..., Any], name: str, op: Op) -> str:
        tree = _tree(function, op)
        assert isinstance(function, FunctionType)
        tree.name = name
        tree.decorator_list = []
        if ast.get_docstring(tree) is not None and len(tree.body) > 1:
            del tree.body[0]
        _Globals(self, function, op).visit(tree)
        tree.args.defaults = [self.spelling(x, "a default", op) for x in function.__defaults__ or ()]
        only = function.__kwdefaults__ or {}
        keywords = [x.arg for x in tree.args.kwonlyargs]
        tree.args.kw_defaults = [self.spelling(only[x], x, op) if x in only else None for x in keywords]
        return ast.unparse(ast.fix_missing_locations(tree))

    def spelling(self, value: Any, name: str, op: Op) -> ast.expr:
        """How a global of a function is written in the program."""
        if isinstance(value, Op) or (isinstance(value, FunctionType) and not _is_installed(value.__module__)):
            return _parsed(self.name(value, op))
        if isinstance(value, ModuleType):
            return _parsed("np" if value is np else self._import(f"import {value.__name__}", value, name))
        if _is_constant(value):
            return _parsed(constant(value))
        if value is ARRAY:
            if value not in self._names:
                self._names[value] = "ARRAY"
                self.definitions.append("ARRAY = object()  # the place of an index array")
            return _parsed("ARRAY")
        home, known = getattr(value, "__module__", None), getattr(value, "__name__", "")
        if getattr(np, known, None) is value:
            return _parsed(f"np.{known}")
        if home not in (None, "__main__") and getattr(sys.modules.get(home), known, None) is value:
            return _parsed(known if home == "builtins" else self._import(f"from {home} import {known}", value, name))
        raise ValueError(
            f"{op!r} cannot be written as source: it reads {name}, a {type(value).__name__}. Build it inside the function, "
            "or make it an argument of the op"
        )

    def _import(self, line: str, value: Any, name: str) -> str:
        """Import a module or a part of one, under the name that the function knows it by where that is free."""
        if value not in self._names:
            self._names[value] = own = self.free(name)
            self.imports.append(line if line.split()[-1] == own else f"{line} as {own}")
        return self._names[value]


class _Globals(ast.NodeTransformer):
    """Spell the globals and closed-over variables of a function as the program calls them, and drop annotations."""

    def __init__(self, helpers: Helpers, function: FunctionType, op: Op) -> None:
        self.helpers = helpers
        self.op = op
        self.variables = _variables(function)
        self.locals = set(_locals(function.__code__))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.variables or isinstance(node.ctx, ast.Store):
            return node
        return self._spelled(self.variables[node.id], node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A part of tinygraph, as in `tg.sigmoid`, is the op itself: the program must do without tinygraph."""
        found = self._part_of_tinygraph(node)
        if found is None or isinstance(found, ModuleType):
            return self.generic_visit(node)  # type: ignore[return-value]  # it returns what it is given
        return self._spelled(found, node.attr)

    def _part_of_tinygraph(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            home = self.variables.get(node.id)
            return home if isinstance(home, ModuleType) and home.__name__.partition(".")[0] == "tinygraph" else None
        return getattr(self._part_of_tinygraph(node.value), node.attr, None) if isinstance(node, ast.Attribute) else None

    def _spelled(self, value: Any, name: str) -> ast.expr:
        spelling = self.helpers.spelling(value, name, self.op)
        if isinstance(spelling, ast.Name) and spelling.id in self.locals:
            raise ValueError(
                f"{self.op!r} cannot be written as source: it has a variable {spelling.id} and reads something else "
                "that is called so in the program; rename the variable"
            )
        return spelling

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], node.value)


def _variables(function: FunctionType) -> dict[str, Any]:
    """What a function reads from its module and from the functions around it."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    values = function.__globals__ | {name: cell.cell_contents for name, cell in cells}
    return {name: values[name] for name in _names_read(function.__code__) if name in values}


def _reached(ops: Iterable[Op]) -> list[FunctionType]:
    """The functions of ops and all that those call."""
    found = dict.fromkeys(op.function for op in ops if isinstance(op.function, FunctionType))
    stack = list(found)
    while stack:
        for x in _variables(stack.pop()).values():
            function = x.function if isinstance(x, Op) and numpy_function(x) is None else x
            if isinstance(function, FunctionType) and not _is_installed(function.__module__) and function not in found:
                found[function] = None
                stack.append(function)
    return list(found)


def _locals(code: CodeType) -> Iterator[str]:
    """The variables that a function has of its own, inner functions included."""
    yield from (*code.co_varnames, *code.co_cellvars)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _locals(inner)


@lru_cache(maxsize=1024)  # the same ops are written again and again
def _names_read(code: CodeType) -> tuple[str, ...]:
    """The globals and closed-over variables that a function reads, inner functions included."""
    names = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    names += code.co_freevars
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names += [name for name in _names_read(inner) if name not in code.co_cellvars]
    return tuple(names)


def _is_constant(value: Any) -> bool:
    """Whether a value can be written as a literal."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return value is None or value is Ellipsis or type(value) in (bool, int, float, str, bytes, slice) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, np.number | np.bool_ | np.dtype) or (isinstance(value, type) and issubclass(value, np.generic))


def _is_installed(name: str | None) -> bool:
    """Whether a module can be imported wherever the program runs: it belongs to Python or to a package that is installed.

    None is the module of a function that `exec` made in a namespace without `__name__`.
    """
    if name is None:
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    if name.partition(".")[0] == "tinygraph":
        return False
    if file is None:
        return name != "__main__"
    return is_installed(file)


def _tree(function: Callable[..., Any], op: Op) -> ast.FunctionDef:
    if hasattr(function, "__wrapped__"):
        raise ValueError(f"{op!r} cannot be written as source: {function.__name__} is wrapped by a decorator")
    try:
        tree = parsed(_text(function)).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise ValueError(f"{op!r} cannot be written as source: that of {function.__name__} is not to be found") from error
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"{op!r} cannot be written as source: {function.__name__} is not a `def`")
    return tree


@lru_cache(maxsize=1024)  # likewise
def _text(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))


def _parsed(text: str) -> ast.expr:
    tree: ast.expr = parsed(text, mode="eval").body
    return tree
