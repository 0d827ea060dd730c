"""What a learner gives for a value: an array, a list, a number, a Node, or a function of other values, as an array of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygraph.leaves import refuse_masked
from tinygraph.node import Node
from tinygraph.sparse import holds_sparse, is_sparse
from tinygraph.wording import suggestion

MORE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)  # which need not be given


class UnreadableError(ValueError):
    """What was given is no value that can be judged; the message says why."""


def array_of(given: Any, value: Callable[[str], Any], names: list[str]) -> Any:
    """What was given as an array of floats; a function is called with the values that its parameters name.

    Raises UnreadableError for what is no array of real numbers, and for a function that raises or has other parameters.
    """
    if isinstance(given, Node):
        given = given._value
    elif callable(given):
        given = _called(given, value, names)
    if is_sparse(given) or holds_sparse(given):
        given = given.toarray()
    try:
        refuse_masked(given, "an answer")
    except TypeError as error:
        raise UnreadableError(str(error)) from None
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = np.vectorize(float, otypes=[np.float64])(array)  # fractions, decimals
    except Exception as error:  # what is given may raise anything
        raise UnreadableError(f"{_type(given)} is no array of real numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise UnreadableError(f"{_type(given)} is no array of real numbers: give an array, a number, or a function of values")
    return array.astype(np.float64)[()]


def with_data_of_its_own(function: Callable[..., Any]) -> bool:
    """Whether a function reads arrays that it does not take, so that it belongs to the recorded numbers alone."""
    if not inspect.isfunction(function):
        return False
    found = inspect.getclosurevars(function)
    return any(isinstance(x, np.ndarray | Node | list | tuple) for x in (*found.nonlocals.values(), *found.globals.values()))


def _called(function: Callable[..., Any], value: Callable[[str], Any], names: list[str]) -> Any:
    called = getattr(function, "__name__", "the function")
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise UnreadableError(f"the parameters of {called} are not known: write lambda X, dz: X.T @ dz") from None
    needed = [name for name, one in parameters.items() if one.default is one.empty and one.kind not in MORE]
    wanted = [name for name in parameters if name in names or name in needed]
    for name in wanted:
        if name not in names:
            raise UnreadableError(f"{called} takes {name}, which is no value of this graph: {suggestion(name, names)}")
    try:
        with np.errstate(all="ignore"):
            found = function(**{name: value(name) for name in wanted})
    except (Exception, SystemExit) as error:  # a learner's function may raise anything
        raise UnreadableError(f"{called} raises {type(error).__name__}: {error}") from None
    if found is None:
        raise UnreadableError(f"{called} returns None: is a `return` missing?")
    return found._value if isinstance(found, Node) else found


def _type(x: Any) -> str:
    return f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
