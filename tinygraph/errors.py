"""How a failed op is told: the op, its operands by the user's own names, their shapes, the line and the fix."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.excerpt import excerpt
from tinygraph.place import OWN, Place, place_of, user_and_library

if TYPE_CHECKING:
    from tinygraph.graph import Graph
    from tinygraph.node import Node
    from tinygraph.ops.declare import Op


class OpError(Exception):
    """An op refused its operands; it is also the ValueError, TypeError, ... that NumPy would have raised.

    `op` is the op (None for a NumPy function of several ops), `operands` what it was given, `place` the user's line.

    `graph` leads up to it: `error.graph.stepper()` walks there.

    >>> try:
    ...     tg.parameter([1.0, 2.0]) + np.ones(3)
    ... except ValueError as error:
    ...     print(error.op.name, isinstance(error, tg.OpError))
    add True
    """

    op: Op | None
    operands: tuple[Any, ...]
    place: Place

    @property
    def graph(self) -> Graph | None:
        """The graph up to the failing op, named by what was in reach when it failed; None where no operand was recorded.

        `error.graph.stepper()` walks through it, forward.
        """
        from tinygraph.graph import partial_graph

        nodes = [x for x in self.operands if hasattr(x, "_value")]
        names: dict[str, Any] = {}
        trace = self.__traceback__
        while trace is not None:
            if not OWN[trace.tb_frame.f_code.co_filename]:
                names = trace.tb_frame.f_locals | {k: x for k, x in names.items() if k not in trace.tb_frame.f_locals}
            trace = trace.tb_next
        return partial_graph(list(dict.fromkeys(nodes)), names) if nodes else None


class OpValueError(OpError, ValueError):
    """An op was given values or shapes that it cannot take."""


class OpTypeError(OpError, TypeError):
    """An op was given something of a kind that it cannot take."""


class OpIndexError(OpError, IndexError):
    """An index reaches past the end of what it reads."""


class OpOverflowError(OpError, OverflowError):
    """A Python number is too large for the dtype that it meets."""


class OpFloatingPointError(OpError, FloatingPointError):
    """NumPy was told by `np.errstate` to raise, and an op met such a number."""


class GradientError(AssertionError):
    """A gradient that differs from the difference quotient, or breaks another rule that every op keeps."""


class NonFiniteError(FloatingPointError):
    """A value that was to be finite is NaN or infinite; `graph` leads up to it."""

    def __init__(self, message: str, graph: Graph) -> None:
        super().__init__(message)
        self.graph = graph


BROADCASTING = (
    "shapes are compared from the right, where sizes must be equal or 1; "
    "give one operand the missing axis (x[:, None]) or transpose it (x.T)"
)
NUMPY_CANNOT_BROADCAST = ("could not be broadcast", "cannot be broadcast")
TOLD = (ValueError, TypeError, IndexError, FloatingPointError, OverflowError)


def op_error(op: Op, operands: Sequence[Any], cause: Exception, frame: FrameType, hint: str = "") -> OpError:
    """Describe `cause`, which kept `op` from running on behalf of `frame`; `hint` is a fix where `cause` names none."""
    error = call_error(op.name, operands, cause, frame, hint)
    error.op = op
    return error


def call_error(called: str, operands: Sequence[Any], cause: Exception, frame: FrameType, hint: str = "") -> OpError:
    """The same for any function by its name."""
    kinds = {
        ValueError: OpValueError,
        TypeError: OpTypeError,
        IndexError: OpIndexError,
        FloatingPointError: OpFloatingPointError,
        OverflowError: OpOverflowError,
    }
    kind = next(own for builtin, own in kinds.items() if isinstance(cause, builtin))
    names = [name_in(frame, x) or f"operand {i}" for i, x in enumerate(operands, 1)]
    place = place_of(frame.f_code, frame.f_lasti)
    lines = [f"{called}({', '.join(names)}): {cause}"]
    lines += [f"  {name} is {describe(x)}" for name, x in zip(names, operands, strict=True)]
    lines += [f"  at {place}"]
    hint = hint or (BROADCASTING if any(words in str(cause) for words in NUMPY_CANNOT_BROADCAST) else "")
    lines += [f"  fix: {hint}"] if hint else []
    error = kind("\n".join(lines))
    error.op, error.operands, error.place = None, tuple(operands), place
    return error


# What keeps the gradient, by the library that reads a node.
KEEPS = {
    "pandas": "write `x.to_numpy()` for the pandas object, so that the op is tinygraph's",
    "xarray": "write `x.to_numpy()` for the xarray object, so that the op is tinygraph's",
    "scipy": "write `X.toarray()` for a sparse matrix, and a function of NumPy or tinygraph (`tg.logsumexp`) for one of SciPy",
    "torch": "write `x.numpy()` for the tensor, so that the op is tinygraph's",
    "jax": "write `np.asarray(x)` for the JAX array, so that the op is tinygraph's",
}
COMBINES = "np.stack([...]) of nodes is one node, and np.where(mask, new, node) has other entries in some places"


def read_error(node: Node, frame: FrameType) -> TypeError:
    """The error for code that reads the value of a node unasked, called by `frame`: no gradient would come back through it."""
    user, library = user_and_library(frame)
    index = index_error(node, user)  # NumPy reads an index whose `__index__` raises as an array
    if index is not None:
        return index
    name = name_in(user, node) or "node"
    found = excerpt(user.f_code, user.f_lasti)
    reader = "this call"
    if found is not None:
        is_assigned = isinstance(getattr(found.expression, "ctx", None), ast.Store)
        reader = f"`{ast.unparse(found.statement if is_assigned else found.expression)[:80]}`"
    home = "" if library is None else library.f_globals.get("__name__", "")
    lines = [
        f"{name}.{'value' if node.shape else 'item()'} is the plain {'array' if node.shape else 'number'}, for logs, plots and "
        f"metrics: {reader} reads a node itself, and no gradient would come back",
        f"  {name} is {describe(node)}",
        *([f"  read in {home}.{library.f_code.co_name}"] if library is not None else []),
        f"  at {place_of(user.f_code, user.f_lasti)}",
        f"  fix: for a gradient, {_keeping(found.expression if found else None, name, home.partition('.')[0])}",
    ]
    return TypeError("\n".join(lines))


def _keeping(reader: ast.expr | None, name: str, home: str) -> str:
    """What to write in place of an expression that reads a node, so that a gradient comes back."""
    from tinygraph.ops import known_as

    if isinstance(reader, ast.Call):
        called = ast.unparse(reader.func).rpartition(".")[2]
        if called in ("float", "complex"):
            return f"leave {called}() out: a node takes part in arithmetic as it is"
        own = known_as(called)
        if own and ast.unparse(reader.func) != own:
            return f"write {own}({name})"
    return KEEPS.get(home, COMBINES)


def index_error(node: Node, frame: FrameType) -> TypeError | None:
    """The error where the source shows that a plain array is read at a node, so that a replay would read the old entry."""
    found = excerpt(frame.f_code, frame.f_lasti)
    if found is None or not isinstance(found.expression, ast.Subscript) or isinstance(found.expression.ctx, ast.Store):
        return None
    array = _looked_up(found.expression.value, frame)
    if isinstance(array, np.ndarray) and array.dtype.kind in "biuf":
        table, name = ast.unparse(found.expression.value), name_in(frame, node) or "node"
        return TypeError(
            f"a plain array cannot be read at a node, because a replay on other values would read the old entry\n"
            f"  {name} is {describe(node)}\n"
            f"  at {place_of(frame.f_code, frame.f_lasti)}\n"
            f"  fix: write tg.constant({table})[{ast.unparse(found.expression.slice)}]"
        )
    return None


def _looked_up(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of one, stands for in a frame; None where it is anything else."""
    if isinstance(expression, ast.Name):
        return frame.f_locals.get(expression.id, frame.f_globals.get(expression.id))
    if isinstance(expression, ast.Attribute):
        return getattr(_looked_up(expression.value, frame), expression.attr, None)
    return None


def name_in(frame: FrameType, value: Any) -> str | None:
    """What the user calls `value` in that frame, if anything."""
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return None
    for scope in (frame.f_locals, frame.f_globals):
        for name, held in scope.items():
            if held is value and not name.startswith("_"):
                return name
    return None


def meant(name: str, known: Iterable[str]) -> str:
    """What to say after a name that is not known: the known ones like it, or which there are.

    >>> meant("sigmiod", ["relu", "sigmoid"]), meant("foo", ["relu", "sigmoid"])
    ('did you mean sigmoid?', 'there are relu, sigmoid')
    """
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names[:20])}"


def describe(x: Any) -> str:
    """One operand in words: a number as itself, else its kind, shape and dtype.

    >>> describe(2), describe(np.ones((2, 3)))
    ('the number 2', 'an array of shape (2, 3), float64')
    """
    if isinstance(x, int | float):
        return f"the number {x}"
    kind = x.kind if hasattr(x, "kind") else "array" if isinstance(x, np.ndarray | np.generic) else type(x).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    if not hasattr(x, "shape"):
        return f"{article} {kind}: {x!r:.60}"
    return f"{article} {kind} of shape {x.shape}, {x.dtype}"
