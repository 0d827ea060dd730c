"""The function that a step is called by: it takes arrays of known shapes to the program without a detour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.compiler.script import loaded
from tinygraph.node import Node
from tinygraph.sparse import Sparse

Given = Mapping[str, Any]


def entry(
    names: Sequence[str],
    leaves: Sequence[Node],
    known: Mapping[Any, Any],
    latest: list[Any],
    slow: Callable[[Given], Any],
    outputs: int,
    gradients: Mapping[str, Any],
) -> Callable[[Given], Any]:
    """A function of the arguments by name: where each is an array of the dtype of its leaf, and `known` has a program for the
    shapes of those with axes, it runs that, and notes it in `latest`; else it calls `slow`. `gradients` has the place of each
    gradient, nested as it is returned.

    It reads the arguments from a dict, as Python takes quadratic time to pass several hundred of them by keyword.
    """
    arguments = [f"a{i}" for i in range(len(names))]
    shapes = "".join(f"{x}.shape, " for x, leaf in zip(arguments, leaves, strict=True) if leaf.shape)
    taken = "; ".join(f"{x} = given[{name!r}]" for x, name in zip(arguments, names, strict=True))
    text = f"""def enter(given):
    found = None
    try:
        {taken or "pass"}
    except KeyError:
        return slow(given)
    if {" and ".join([f"len(given) == {len(names)}", *_conditions(arguments, leaves)])}:
        found = known.get(({shapes}))
    if found is None:
        return slow(given)
    latest[0] = found
    out = found.run({", ".join(arguments)})
    return {_outputs(outputs)}, {_nested(gradients)}"""
    functions = {"known": known, "latest": latest, "slow": slow, "array": np.ndarray}
    functions |= {f"type{i}": leaf.dtype.type for i, leaf in enumerate(leaves)}
    functions |= {f"dtype{i}": leaf.dtype for i, leaf in enumerate(leaves)}
    return loaded("enter", text, functions)


def _conditions(arguments: Sequence[str], leaves: Sequence[Node]) -> list[str]:
    """That each argument is as its leaf: an array of its dtype, or a number of NumPy's."""
    found = []
    for i, (x, leaf) in enumerate(zip(arguments, leaves, strict=True)):
        if type(leaf._value) is Sparse:
            found.append("False")
        elif leaf.shape:
            found.append(f"type({x}) is array and {x}.dtype is dtype{i}")
        else:
            found.append(f"type({x}) is type{i}")
    return found


def _outputs(count: int) -> str:
    return "out[0]" if count == 1 else f"out[:{count}]"


def _nested(gradients: Mapping[str, Any]) -> str:
    parts = (f"{name!r}: {_nested(x) if isinstance(x, dict) else f'out[{x}]'}" for name, x in gradients.items())
    return f"{{{', '.join(parts)}}}"
