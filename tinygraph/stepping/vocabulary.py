"""The names in formulas: the functions, with the arguments that they take, and the names that values may have."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph import ops
from tinygraph.express.python import numpy_function
from tinygraph.express.text import printable
from tinygraph.names import LONGEST, identifier
from tinygraph.ops import EMPTY, Op
from tinygraph.stepping.messages import said

MODULES = {"np", "tg"}
HOMES = {*MODULES, "np.linalg"}  # where functions are found


class FormulaError(ValueError):
    """A text is not a formula, or the formula cannot be computed; the message has the piece of text and its column."""


class Function(NamedTuple):
    """A function: how many arrays it takes (in a list, where NumPy takes one), and its metadata in order."""

    call: Callable[..., Any]
    least: int
    most: int
    metadata: tuple[str, ...]
    needed: frozenset[str] = frozenset()  # of the metadata
    takes_list: bool = False


def functions() -> dict[str, Function]:
    """All functions that a formula may call, by name: each op by its own name and by the name of its NumPy function."""
    found: dict[str, Function] = {}
    for name, op in ops.REGISTRY.items():
        if op.numpy is not None or not (op.built_in and op.forms):  # else source has another form for it
            function = _function(op)
            found[name] = found[(numpy_function(op) or name).rpartition(".")[2]] = function
    for name, known in (("ln", "log"), ("σ", "sigmoid"), ("absolute", "abs"), ("pow", "power"), ("amax", "max"), ("amin", "min")):
        found[name] = found[known]
    return found | {
        "dot": Function(np.dot, 2, 2, ()), "outer": Function(np.outer, 2, 2, ()),
        "prod": Function(np.prod, 1, 1, ("axis", "keepdims")), "len": Function(_len, 1, 1, ()),
        "asarray": Function(_itself, 1, 1, ()),
    }  # fmt: skip


def _function(op: Op) -> Function:
    count = len(op.arguments)
    needed = frozenset(key for key, value in op.defaults.items() if value is EMPTY)
    takes_list = op.variadic and op.numpy is not None
    return Function(
        op, count - (op.variadic and count > 1), 100 if op.variadic else count, tuple(op.defaults), needed, takes_list
    )


def _len(x: Any) -> Any:
    if not np.shape(x):
        raise TypeError(said("length"))
    return ops.count(x, axis=0)


def _itself(x: Any) -> Any:
    return x


def name_error(name: str, taken: Collection[str] = ()) -> str | None:
    """What is wrong with a name for a value, which a graph must be able to show unchanged; None if nothing is."""
    if name.startswith("_") or len(name) > LONGEST:
        return f"`{one_line(name)}` is no name here: take up to {LONGEST} letters, the first no underscore"
    if not name.isidentifier():
        return f"`{one_line(name)}` is no name: take letters, digits and underscores"
    if identifier(name) != name or name in (taken or functions()) or name in MODULES:
        return f"`{one_line(name)}` has a meaning of its own: take another name"
    return None


def unknown(name: str, known: Sequence[str]) -> str:
    """The message about a name that has no value."""
    if name in functions() or name in MODULES:
        return said("value", text=name)
    close = difflib.get_close_matches(name[:LONGEST], known, n=1)
    there = said("known", names=", ".join(known[:20])) if known else "no name has one"
    return said("unknown", text=one_line(name), hint=f"did you mean {close[0]}?" if close else there)


def one_line(text: str) -> str:
    """A text on one line, cut to 40 characters."""
    text = printable(text, " ")
    return text if len(text) <= 40 else f"{text[:37]}..."
