"""The names that a user gives: a mapping of arrays and nodes, with dicts, lists and tuples in it, as one flat list."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from tinygraph.node import Node
from tinygraph.place import variables

HISTORY = {"In", "Out"}  # IPython's own lists of what was typed and shown
ARRAYS = (Node, np.ndarray, np.generic)
CONTAINERS = (dict, list, tuple)
NAMED = ARRAYS + CONTAINERS  # what `names` are for; everything else is passed over


class GivenName(NamedTuple):
    """A node or array among the user's names: its name, the longer one that it takes where that is gone, and its scope."""

    wanted: str
    fallback: str | None
    value: Any
    scope: tuple[str, ...]


def given_names(given: Mapping[str, Any]) -> Iterator[GivenName]:
    """Each array and node among the names.

    Direct names come first. In a dict, `params["W1"]` is W1, else params_W1; `layers[0]` of a list, tuple or dict is layers_0.
    """
    queue: deque[GivenName] = deque(GivenName(str(name), None, x, ()) for name, x in given.items())
    entered = set()
    while queue:
        name, fallback, value, scope = queue.popleft()
        if name.startswith("_") or (fallback is None and name in HISTORY):
            continue
        if isinstance(value, ARRAYS):
            yield GivenName(name, fallback, value, scope)
        elif isinstance(value, CONTAINERS) and id(value) not in entered:
            entered.add(id(value))
            path = fallback or name
            if isinstance(value, dict):
                inner = (*scope, *levels(name))
                queue.extend(
                    GivenName(key if isinstance(key, str) else f"{path}_{key}", f"{path}_{key}", item, inner)
                    for key, item in value.items()
                    if isinstance(item, NAMED)
                )
            else:
                queue.extend(
                    GivenName(f"{path}_{i}", f"{path}_{i}", item, scope)
                    for i, item in enumerate(value)
                    if isinstance(item, NAMED)
                )


def levels(name: str) -> tuple[str, ...]:
    """The scopes that the name of a dict stands for, without what cannot be printed: a path reads as nested dicts do.

    >>> levels("encoder"), levels("encoder/layer 1"), levels(""), levels("/ /")
    (('encoder',), ('encoder', 'layer 1'), (), ())
    """
    readable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return tuple(level for level in readable.split("/") if not level.isspace() and level)


def plain_numbers(names: Mapping[str, Any], frame: FrameType) -> dict[str, Any]:
    """The plain numbers among the names, and among the variables of the frame."""
    found = {**variables(frame, {*frame.f_globals, *names_in(frame.f_code)}), **names}
    return {name: value for name, value in found.items() if type(value) in (int, float)}


def names_in(code: CodeType) -> tuple[str, ...]:
    """The names that a piece of code reads or binds."""
    return code.co_names + code.co_varnames + code.co_cellvars + code.co_freevars
