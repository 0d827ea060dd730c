"""What a NumPy function does when it is given a Node: it records an op, answers a question, or is refused by name."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinygraph.errors import TOLD, OpError, call_error
from tinygraph.node import Node
from tinygraph.ops.declare import NUMPY, Op
from tinygraph.place import user_frame

# Questions about values: no gradient is meant, so they get the values and give plain NumPy answers.
QUERIES: set[Callable[..., Any]] = {
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argsort, np.argwhere, np.array2string, np.array_equal,
    np.array_repr, np.array_str, np.can_cast, np.count_nonzero, np.empty_like, np.flatnonzero, np.full_like,
    np.isclose, np.iscomplex, np.iscomplexobj, np.isfinite, np.isinf, np.isnan, np.isreal, np.isrealobj,
    np.may_share_memory, np.ndim, np.nonzero, np.ones_like, np.result_type, np.searchsorted, np.shape,
    np.shares_memory, np.signbit, np.size, np.unique, np.zeros_like,
}  # fmt: skip


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ufunc(*inputs)` where at least one input is a Node."""
    if method != "__call__":
        raise refusal(f"np.{ufunc.__name__}.{method}", "write np.sum, np.max or np.min" if method == "reduce" else "")
    if kwargs.get("out") is not None:
        raise TypeError(
            f"np.{ufunc.__name__} cannot write a node into an array: write `a = a + node` in place of `a += node` or `out=a`"
        )
    if kwargs:
        raise TypeError(f"np.{ufunc.__name__} of a node takes no {', '.join(kwargs)}")
    return call_function(ufunc, inputs, kwargs)


def call_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`function(*args, **kwargs)` where a Node is somewhere among the arguments."""
    if function in QUERIES:
        return function(*(_value(x) for x in args), **{name: _value(x) for name, x in kwargs.items()})
    own = NUMPY.get(function)
    if own is None:
        raise refusal(numpy_name(function))
    if isinstance(own, Op):
        if len(args) != len(own.rules) or not kwargs.keys() <= own.defaults.keys():
            args, kwargs = _by_numpy_signature(own, function, args, kwargs)
        return own(*args, **kwargs)
    name = numpy_name(function)
    try:
        inspect.signature(own).bind(*args, **kwargs)
    except TypeError as error:
        args, kwargs = (), _kept(own, function, args, kwargs, error)
    try:
        return own(*args, **kwargs)
    except OpError:
        raise
    except TOLD as error:
        if str(error).startswith("np."):
            raise
        operands = [x for x in (*args, *kwargs.values()) if isinstance(x, Node | np.ndarray)]
        raise call_error(name, operands, error, user_frame(sys._getframe(1))) from error


def _kept(
    own: Callable[..., Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: TypeError
) -> dict[str, Any]:
    """The arguments that a composition knows, where those that it does not know say nothing."""
    name = numpy_name(function)
    try:
        signature = _signature(function)
    except ValueError:  # some of NumPy's compiled functions have none
        signature = inspect.signature(own)
        while args and args[-1] is None:
            args = args[:-1]
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:
        raise TypeError(f"{name} of a node: {error}") from None
    known = {p.name for p in inspect.signature(own).parameters.values() if p.kind is not p.POSITIONAL_ONLY}
    for key, value in bound.items():
        if key not in known and not _neutral(key, value, signature):
            raise TypeError(f"{name} of a node takes no {key}")
    return {key: value for key, value in bound.items() if key in known}


def _neutral(key: str, value: Any, signature: inspect.Signature) -> bool:
    """Whether an argument changes nothing: NumPy's own default, or the choice of a sorting algorithm."""
    default = signature.parameters[key].default
    return value is None or value is np._NoValue or value is default or key == "kind" or (type(value) is str and value == default)


def refusal(name: str, advice: str = "") -> TypeError:
    """Say that a NumPy function has no gradient here, and what is near."""
    if not advice:
        near = difflib.get_close_matches(name, [numpy_name(known) for known in NUMPY], n=3, cutoff=0.6)
        advice = f"near it are {', '.join(near)}; " if near else ""
        advice += "declare it with @tg.op, or use node.value if no gradient is needed"
    return TypeError(f"{name} does not take a node: {advice}")


def numpy_name(function: Callable[..., Any]) -> str:
    """What a user writes to reach a NumPy function: `np.sum`, `np.linalg.norm`; others by their own module."""
    name = {"absolute": "abs"}.get(function.__name__, function.__name__)
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{name}".replace("numpy.", "np.", 1) if module.startswith("numpy") else f"{module}.{name}"


def _value(x: Any) -> Any:
    if isinstance(x, Node):
        return x.value
    return type(x)(map(_value, x)) if isinstance(x, list | tuple) else x


_signature = lru_cache(inspect.signature)


def _by_numpy_signature(
    own: Op, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read a call the way NumPy does: arrays first, then its own order of metadata, the op's share of which is kept."""
    name = numpy_name(function)
    if isinstance(function, np.ufunc) or not own.defaults:
        raise TypeError(f"{name} of a node takes {len(own.rules)} operands, not {len(args)}")
    try:
        bound = _signature(function).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    count = len(own.rules)
    arrays = tuple(bound.values())[:count]
    params = {}
    for key, value in tuple(bound.items())[count:]:
        key = {"newshape": "shape", "correction": "ddof"}.get(key, key)
        if key in own.defaults and value is not np._NoValue:
            params[key] = value
        elif key not in own.defaults and not _neutral(key, value, _signature(function)):
            raise TypeError(f"{name} of a node takes no {key}: write {own.signature()}")
    return arrays, params
