"""The error for code that reads a node's value: what the user calls the node, who reads it, and what keeps the gradient."""

from __future__ import annotations

import ast
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.errors import describe, name_in
from tinygraph.excerpt import Excerpt, excerpt
from tinygraph.place import is_installed, place_of, user_frame
from tinygraph.syntax import parsed

if TYPE_CHECKING:
    from tinygraph.node import Node

LONGEST = 80  # characters of the user's code in one line

# What to write, by the module that reads a node; the first that fits.
INSTEAD = {
    "numpy.random": "draw numbers without the node and compute with them, as in mean + spread * rng.normal(size=3)",
    "pandas": "write x.to_numpy() for the pandas object, so that the op is tinygraph's",
    "scipy.sparse": "write tg.constant(X) for a sparse matrix X in X @ node, and X.toarray() for one in any other op",
    "scipy.optimize": "give SciPy plain numbers, and the gradient beside them: minimize(tg.value_and_grad(loss), x0, jac=True)",
    "scipy": "write the function with those of NumPy and tinygraph, or declare it with @tg.op and its derivative",
    "torch": "write x.numpy() for the tensor, so that the op is tinygraph's",
    "jax": "write np.asarray(x) for the JAX array, so that the op is tinygraph's",
    "statistics": "write np.mean, np.median, np.var or np.std of the node",
}
NEEDS_NO_GRADIENT = ("matplotlib", "sklearn", "numpy.testing", "_pytest", "logging")
RECORD = (
    "write it with NumPy functions that record: np.stack([...]) makes one node of several, and np.where(mask, node, array) "
    "puts a node's entries among others"
)
CONVERSIONS = {"float", "complex", "array", "asarray", "asanyarray", "ascontiguousarray", "float64", "float32", "longdouble"}


def read_error(node: Node, frame: FrameType) -> TypeError:
    """The error for `frame`, which reads the value of a node: what it computes would have no gradient."""
    user, library = _user_and_library(frame)
    index = index_error(node, user)  # NumPy reads an index whose `__index__` raises as an array
    if index is not None:
        return index
    found = excerpt(user.f_code, user.f_lasti)
    reader = None if found is None else _reader(found)
    node = _given(node, user)
    name = name_in(user, node) or _spelled(node, user, reader) or "node"
    home = _home(user, library, reader)
    read, kind = (f"{_whole(name)}.value", "array") if node.shape else (f"{_whole(name)}.item()", "number")
    if _is_text(reader):
        fix = f"write {read}, or an f-string, which formats a node as it is: f'{{node:.3f}}'"
    elif _is_of(home, *NEEDS_NO_GRADIENT):
        fix = f"write {read}"
    else:
        fix = f"for a gradient, {_keeping(name, user, reader, home)}"
    lines = [
        f"{read} is the plain {kind}, for logs, plots and metrics; {_shown(reader)} reads the value of a node, so that its "
        "result would have no gradient",
        f"  {name} is {describe(node)}",
        *([f"  read in {home}.{library.f_code.co_name}"] if library is not None else []),
        f"  at {place_of(user.f_code, user.f_lasti)}",
        f"  fix: {fix}",
    ]
    return TypeError("\n".join(lines))


def _user_and_library(frame: FrameType) -> tuple[FrameType, FrameType | None]:
    """The first frame outside this package and every installed library, and the library's frame that it called, if any."""
    library = None
    frame = user_frame(frame)
    while frame.f_back is not None and is_installed(frame.f_code.co_filename):
        library, frame = frame, user_frame(frame.f_back)
    return frame, library


def _reader(found: Excerpt) -> ast.AST:
    """The expression that reads; the whole assignment where that is its target."""
    is_target = isinstance(getattr(found.expression, "ctx", None), ast.Store)
    return found.statement if is_target and isinstance(found.statement, ast.Assign) else found.expression


def _shown(reader: ast.AST | None) -> str:
    if reader is None:
        return "this line"
    text = " ".join(ast.unparse(reader).split())
    return f"`{text if len(text) <= LONGEST else f'{text[: LONGEST - 1]}…'}`"


def _given(node: Node, user: FrameType) -> Node:
    """The node that the user gave, where the reader made another one of it: matplotlib adds an axis, a loop visits entries."""
    queue, seen = [node], {node}
    for x in queue:  # grows as it is walked
        if name_in(user, x):
            return x
        if is_installed(x.place.filename) or (x.code is user.f_code and x.instruction == user.f_lasti):
            fresh = [i for i in x.inputs if hasattr(i, "_value") and i not in seen]
            queue += fresh
            seen.update(fresh)
    return node


def _spelled(node: Node, frame: FrameType, reader: ast.AST | None) -> str | None:
    """How the user's code spells a node that no variable holds: a part of the reader, or the expression that made the node."""
    for part in ast.walk(reader) if reader is not None else ():
        if isinstance(part, ast.Attribute | ast.Subscript) and _looked_up(part, frame) is node:
            return ast.unparse(part)
    made = excerpt(node.code, node.instruction)
    if made is None or is_installed(node.place.filename) or isinstance(made.expression, ast.Name):  # over which a loop runs
        return None
    if node.op is None and not ast.unparse(made.expression).startswith(("tg.parameter(", "tg.constant(")):
        return None  # a function made it, such as the one that tg.grad gives
    text = ast.unparse(made.expression)
    return text if len(text) <= LONGEST else None


def _whole(name: str) -> str:
    """An expression to which `.value` can be added."""
    is_whole = isinstance(parsed(name, mode="eval").body, ast.Name | ast.Call | ast.Subscript | ast.Attribute)
    return name if is_whole else f"({name})"


def _home(frame: FrameType, library: FrameType | None, reader: ast.AST | None) -> str:
    """The module that reads: that of the library's outermost frame, else of the compiled function that was called."""
    if library is not None:
        return str(library.f_globals.get("__name__", ""))
    function = _looked_up(reader.func, frame) if isinstance(reader, ast.Call) else None
    owner = getattr(function, "__self__", None)
    found = function if owner is None or isinstance(owner, ModuleType) else type(owner)
    return str(getattr(found, "__module__", None) or "")


def _is_of(module: str, *homes: str) -> bool:
    return any(f"{module}.".startswith(f"{home}.") for home in homes)


def _is_text(reader: ast.AST | None) -> bool:
    """Whether the reader formats a text: `"%f" % w`."""
    return isinstance(reader, ast.BinOp) and isinstance(reader.left, ast.Constant) and isinstance(reader.left.value, str)


def _keeping(name: str, frame: FrameType, reader: ast.AST | None, home: str) -> str:
    """What to write in place of the code that reads a node, so that the result has a gradient."""
    if isinstance(reader, ast.BinOp) and any(_is_list_of_nodes(_looked_up(x, frame)) for x in (reader.left, reader.right)):
        return "pass np.array([...]) in place of a list of numbers, or write np.stack(...) of a list of nodes, which is one node"
    called = _instead_of_call(name, frame, reader) if isinstance(reader, ast.Call) else None
    return called or next((text for key, text in INSTEAD.items() if _is_of(home, key)), RECORD)


def _is_list_of_nodes(held: Any) -> bool:
    return isinstance(held, list | tuple) and any(hasattr(x, "_value") for x in held)


def _instead_of_call(name: str, frame: FrameType, call: ast.Call) -> str | None:
    """What to write in place of a call that reads a node or a list of nodes, where that follows from the function's name."""
    from tinygraph.ops import known_as

    function = ast.unparse(call.func)
    short = function.rpartition(".")[2]
    arguments = [ast.unparse(x) for x in call.args]
    if short in CONVERSIONS and name in arguments:
        return f"leave {function}() out, because a node takes part in arithmetic as it is"
    if short == "full":
        return f"write np.broadcast_to({name}, shape)"
    for x in (*call.args, *(keyword.value for keyword in call.keywords)):
        held = x.elts if isinstance(x, ast.List) else [x.elt] if isinstance(x, ast.ListComp) else []
        if name in map(ast.unparse, held):
            return f"write np.stack({ast.unparse(x)}), which is one node"
    own = known_as(short)
    if own is None or own == function:
        return None
    owner = _looked_up(call.func.value, frame) if isinstance(call.func, ast.Attribute) else None
    if isinstance(owner, np.ndarray):
        return f"write {own}({', '.join([function.rpartition('.')[0], *arguments])})"
    if owner is not None and not isinstance(owner, ModuleType):
        return None
    return f"write {own}({name})" if arguments == [name] and not call.keywords else f"write {own} in place of {function}"


def index_error(node: Node, frame: FrameType) -> TypeError | None:
    """The error where the source shows that a plain array is read at a node, so that a replay would read the old entry."""
    found = None if is_installed(frame.f_code.co_filename) else excerpt(frame.f_code, frame.f_lasti)
    if found is None or not isinstance(found.expression, ast.Subscript) or isinstance(found.expression.ctx, ast.Store):
        return None
    array = _looked_up(found.expression.value, frame)
    if isinstance(array, np.ndarray) and array.dtype.kind in "biuf":
        table, name = ast.unparse(found.expression.value), name_in(frame, node) or "node"
        return TypeError(
            f"a plain array cannot be read at a node, because a replay on other values would read the old entry\n"
            f"  {name} is {describe(node)}\n"
            f"  at {place_of(frame.f_code, frame.f_lasti)}\n"
            f"  fix: write tg.constant({table}){ast.unparse(found.expression).removeprefix(table)}"
        )
    return None


def _looked_up(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, an attribute of one, or an entry of a list or dict stands for in a frame; None where it is anything else."""
    if isinstance(expression, ast.Name):
        return frame.f_locals.get(expression.id, frame.f_globals.get(expression.id, frame.f_builtins.get(expression.id)))
    if isinstance(expression, ast.Attribute):
        return getattr(_looked_up(expression.value, frame), expression.attr, None)
    if isinstance(expression, ast.Subscript) and isinstance(expression.slice, ast.Constant):
        held, key = _looked_up(expression.value, frame), expression.slice.value
        if isinstance(held, dict):
            return held.get(key)
        if isinstance(held, list | tuple) and isinstance(key, int) and -len(held) <= key < len(held):
            return held[key]
    return None
