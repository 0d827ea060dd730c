"""The words of formulas: what can be called and with what, and what a value may be called."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph import ops
from tinygraph.express.python import numpy_name
from tinygraph.express.text import printable
from tinygraph.names import LONGEST, identifier
from tinygraph.ops import Op
from tinygraph.ops.declare import EMPTY

MODULES = {"np", "tg"}
HOMES = {*MODULES, "np.linalg"}  # of functions


class FormulaError(ValueError):
    """Text that is no formula, or one that cannot be computed; the message names the piece and its column."""


class Function(NamedTuple):
    """What can be called: with how many values (in a list, where NumPy takes one), and which metadata in which order."""

    call: Callable[..., Any]
    least: int
    most: int
    metadata: tuple[str, ...]
    needed: frozenset[str] = frozenset()  # of the metadata
    takes_list: bool = False


def functions() -> dict[str, Function]:
    """Everything that a formula may call, by name: every op by its own name and by that of the NumPy function that it is."""
    found: dict[str, Function] = {}
    for name, op in ops.REGISTRY.items():
        if op.numpy is not None or not (op.built_in and op.forms):  # else source has another form for it
            function = _function(op)
            found[name] = found[(numpy_name(op) or name).rpartition(".")[2]] = function
    for name, known in (("ln", "log"), ("σ", "sigmoid"), ("absolute", "abs"), ("pow", "power"), ("amax", "max"), ("amin", "min")):
        found[name] = found[known]
    return found | {
        "dot": Function(np.dot, 2, 2, ()), "outer": Function(np.outer, 2, 2, ()),
        "prod": Function(np.prod, 1, 1, ("axis", "keepdims")), "len": Function(_length, 1, 1, ()),
        "asarray": Function(_itself, 1, 1, ()),
    }  # fmt: skip


def _function(op: Op) -> Function:
    count = len(op.arguments)
    needed = frozenset(key for key, value in op.defaults.items() if value is EMPTY)
    takes_list = op.variadic and op.numpy is not None
    return Function(
        op, count - (op.variadic and count > 1), 100 if op.variadic else count, tuple(op.defaults), needed, takes_list
    )


def _length(x: Any) -> Any:
    if not np.shape(x):
        raise TypeError("a single number has no length")
    return ops.count(x, axis=0)


def _itself(x: Any) -> Any:
    return x


def name_error(name: str, taken: Collection[str] = ()) -> str | None:
    """What is wrong with a name for a value, which a graph must be able to show as it is; None if nothing."""
    if name.startswith("_") or len(name) > LONGEST:
        return f"`{short(name)}` is no name here: take up to {LONGEST} letters, the first no underscore"
    if not name.isidentifier():
        return f"`{short(name)}` is no name: take letters, digits and underscores"
    if identifier(name) != name or name in (taken or functions()) or name in MODULES:
        return f"`{short(name)}` has a meaning of its own: take another name"
    return None


def unknown(name: str, known: Sequence[str]) -> str:
    """What to say about a name that has no value."""
    if name in functions() or name in MODULES:
        return f"`{name}` is a function, not a value: call it, as in exp(x)"
    close = difflib.get_close_matches(name[:LONGEST], known, n=1)
    there = f"there are {', '.join(known[:20])}" if known else "no name has one"
    return f"`{short(name)}` has no value: {f'did you mean {close[0]}?' if close else there}"


def short(text: str) -> str:
    """A piece of the text on one line."""
    text = printable(text, " ")
    return text if len(text) <= 40 else f"{text[:37]}..."
