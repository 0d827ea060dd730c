"""The function that a step is called by: it takes arrays of known shapes to the program without a detour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.compiler.script import loaded
from tinygraph.node import Node
from tinygraph.sparse import Sparse

Slow = Callable[[Mapping[str, Any]], Any]


def entry(
    names: Sequence[str], leaves: Sequence[Node], known: Mapping[Any, Any], slow: Slow, outputs: int, gradients: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function of keyword arguments: where each is an array of the dtype of its leaf, and `known` has the function for their
    shapes, it calls that; else `slow`. `gradients` has the place of each gradient, as nested as it is returned.
    """
    end = "_" * (1 + max([0, *(len(name) - len(name.rstrip("_")) for name in names)]))  # no name ends like that
    run, more, out = f"run{end}", f"more{end}", f"out{end}"
    given = "".join(f'"{name}": {name}, ' for name in names)
    taken = "".join(f"{name}=None, " for name in names)
    shapes = "".join(f"{name}.shape, " for name in names)
    text = f"""def enter({"*, " if names else ""}{taken}**{more}):
    {run} = None
    if not {more}{"".join(_conditions(names, leaves, end))}:
        {run} = known{end}.get(({shapes}))
    if {run} is None:
        return slow{end}({{{given}**{more}}})
    {out} = {run}({", ".join(names)})
    return {_outputs(out, outputs)}, {_nested(gradients, out)}"""
    functions = {f"known{end}": known, f"slow{end}": slow, f"array{end}": np.ndarray}
    functions |= {f"type{i}{end}": leaf.dtype.type for i, leaf in enumerate(leaves)}
    functions |= {f"dtype{i}{end}": leaf.dtype for i, leaf in enumerate(leaves)}
    return loaded("enter", text, functions)


def _conditions(names: Sequence[str], leaves: Sequence[Node], end: str) -> list[str]:
    """That each argument is as its leaf: an array of its dtype, or a number of NumPy's."""
    found = []
    for i, (name, leaf) in enumerate(zip(names, leaves, strict=True)):
        if type(leaf._value) is Sparse:
            found.append(" and False")
        elif leaf.shape:
            found.append(f" and type({name}) is array{end} and {name}.dtype is dtype{i}{end}")
        else:
            found.append(f" and type({name}) is type{i}{end}")
    return found


def _outputs(out: str, count: int) -> str:
    return f"{out}[0]" if count == 1 else f"{out}[:{count}]"


def _nested(gradients: Mapping[str, Any], out: str) -> str:
    parts = (f"{name!r}: {_nested(x, out) if isinstance(x, dict) else f'{out}[{x}]'}" for name, x in gradients.items())
    return f"{{{', '.join(parts)}}}"
