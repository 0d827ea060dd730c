"""What a NumPy function does when it is given a Node: it records an op, answers a question, or raises TypeError."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinygraph.errors import EXPLAINED, OpError, call_error
from tinygraph.node import Node
from tinygraph.operators import NUMPY
from tinygraph.ops.declare import REGISTRY, Op
from tinygraph.place import user_frame
from tinygraph.sparse import SparseError
from tinygraph.wording import counted

# Questions about shape and dtype, which a node answers as its array does.
QUERIES: set[Callable[..., Any]] = {
    np.can_cast, np.empty_like, np.full_like, np.iscomplex, np.iscomplexobj, np.isreal, np.isrealobj, np.may_share_memory,
    np.ndim, np.ones_like, np.result_type, np.shape, np.shares_memory, np.size, np.zeros_like,
}  # fmt: skip
# The arguments of ufuncs that change nothing.
UNCHANGED = {"out": None, "where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}

KEYWORDS = {
    "dtype": "x.astype(dtype) to cast",
    "where": "np.where(mask, x, 0) to leave entries out",
    "order": "np.reshape(x.T, shape[::-1]).T for order='F'",
}
# What to write for functions that NumPy calls on somebody's behalf.
INSTEAD: dict[Callable[..., Any], str] = {
    np.copyto: "an array holds numbers; write np.broadcast_to(node, shape) for np.full, np.full_like or np.copyto",
    np.full_like: "write np.broadcast_to(node, np.shape(array))",
    **dict.fromkeys(
        (np.unique, np.nonzero, np.flatnonzero, np.argwhere),
        "how many entries the result has depends on values, so it cannot be recorded: write node.value for the node; "
        "node[mask] and np.where(mask, x, y) record",
    ),
    **dict.fromkeys((np.array2string, np.array_repr, np.array_str), "write node.value for the array, or print the node"),
}

# What to write for ufuncs of scipy.special.
OF_SCIPY = {
    "expit": "write tg.sigmoid(node)",
    "log_expit": "write -tg.softplus(-node)",
    "logit": "write np.log(node) - np.log1p(-node)",
    "entr": "write -node * np.log(node)",
    "rel_entr": "write x * np.log(x / y)",
    "xlogy": "write np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y)))",
    "xlog1py": "write np.where(x == 0, 0, x * np.log1p(np.where(x == 0, 0, y)))",
    "exp10": "write 10.0 ** node",
    "erf": "declare it with @tg.op: its rule is g * 2 / np.sqrt(np.pi) * np.exp(-(x**2))",
    "erfc": "declare it with @tg.op: its rule is g * -2 / np.sqrt(np.pi) * np.exp(-(x**2))",
    "gamma": "declare it with @tg.op: its rule is g * out * scipy.special.psi(x)",
    "gammaln": "declare it with @tg.op: its rule is g * scipy.special.psi(x)",
}


def answers(function: Any) -> bool:
    """Whether a NumPy function can be given a node."""
    return function in QUERIES or function in NUMPY


def known_as(name: str) -> str | None:
    """The function of that name which a node can be given, as a user writes it: `np.exp`, `np.linalg.inv`, `tg.sigmoid`."""
    import tinygraph

    function = getattr(np, name, None) or getattr(np.linalg, name, None)
    if function is not None:
        return numpy_name(function) if function in NUMPY else None
    return f"tg.{name}" if name in REGISTRY and hasattr(tinygraph, name) else None


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`ufunc(*inputs)` where at least one input is a Node."""
    if method != "__call__":
        raise refusal(f"{numpy_name(ufunc)}.{method}", "write np.sum, np.max or np.min" if method == "reduce" else "")
    refused = [key for key, value in kwargs.items() if key not in UNCHANGED or value is not UNCHANGED[key]]
    if refused:
        error = TypeError(_no_array_for_a_node(ufunc, inputs, kwargs["out"][0]) if "out" in refused else _without(refused))
        raise call_error(numpy_name(ufunc), inputs, error, user_frame(sys._getframe(1)))
    return call_function(ufunc, inputs, {})


def _no_array_for_a_node(ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any) -> str:
    symbol = getattr(NUMPY.get(ufunc), "operator", None)
    if symbol is not None and inputs[0] is out:
        return f"cannot write a node into an array: write `a = a {symbol.text} node` in place of `a {symbol.text}= node`"
    return "cannot write a node into an array: use the result in place of `out=`"


def _without(keys: list[str]) -> str:
    instead = [f"; write {KEYWORDS[key]}" for key in keys if key in KEYWORDS]
    return f"leave out {', '.join(f'{key}=' for key in keys)}, which a node does not take{''.join(instead)}"


def call_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`function(*args, **kwargs)` where a Node is somewhere among the arguments."""
    if function in QUERIES and not (function is np.full_like and _is_filled_with_node(*args, **kwargs)):
        return _answer(function, args, kwargs)
    own = NUMPY.get(function)
    if own is None:
        raise refusal(numpy_name(function), INSTEAD.get(function, ""))
    try:
        if isinstance(own, Op):
            if len(args) != len(own.rules) or not kwargs.keys() <= own.defaults.keys():
                args, kwargs = _by_numpy_signature(own, function, args, kwargs)
        else:
            args, kwargs = _by_own_signature(own, function, args, kwargs)
        return own(*args, **kwargs)
    except OpError:
        raise
    except EXPLAINED as error:
        raise _stopped(function, args, kwargs, error) from error


def _answer(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a NumPy function about shape or dtype; some of these functions do not work on sparse matrices."""
    try:
        return function(*(_value(x) for x in args), **{name: _value(x) for name, x in kwargs.items()})
    except SparseError as error:
        raise _stopped(function, args, kwargs, error) from error


def _stopped(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception) -> OpError:
    """The error for a NumPy function that raised for its arguments; the message shows their names."""
    given = [x for group in (*args, *kwargs.values()) for x in (group if isinstance(group, list | tuple) else (group,))]
    operands = [x for x in given if isinstance(x, Node | np.ndarray)]
    return call_error(numpy_name(function), operands, error, user_frame(sys._getframe(1)))


def _is_filled_with_node(a: Any, fill_value: Any, *_: Any, **__: Any) -> bool:
    return isinstance(fill_value, Node)


def _by_own_signature(
    own: Callable[..., Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that a composition knows, where those that it does not know say nothing."""
    mine = _signature(own)
    try:
        mine.bind(*args, **kwargs)
    except TypeError as error:
        cause = error
    else:
        return args, kwargs
    try:
        signature = _signature(function)
    except ValueError:  # some of NumPy's compiled functions have none
        signature = mine
        while args and args[-1] is None:
            args = args[:-1]
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:
        raise cause from None
    given = dict(bound)
    for key, p in signature.parameters.items():
        if p.kind is p.VAR_KEYWORD:
            given |= given.pop(key, {})
    several = next((key for key, p in mine.parameters.items() if p.kind is p.VAR_POSITIONAL), None)
    arrays = given.pop(several, ()) if several is not None else ()
    known = {key for key, p in mine.parameters.items() if p.kind is not p.POSITIONAL_ONLY}
    refused = [key for key, value in given.items() if key not in known and not _neutral(key, value, signature)]
    if refused:
        raise TypeError(f"{_without(refused)}. It is {numpy_name(function)}{_bare(mine)}")
    return arrays, {key: value for key, value in given.items() if key in known}


def _bare(signature: inspect.Signature) -> str:
    """A signature without its types."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(parameters))


def _neutral(key: str, value: Any, signature: inspect.Signature) -> bool:
    """Whether an argument changes nothing: NumPy's own default, or the choice of a sorting algorithm."""
    default = signature.parameters[key].default if key in signature.parameters else None
    return value is None or value is np._NoValue or value is default or key == "kind" or (type(value) is str and value == default)


def refusal(name: str, advice: str = "") -> TypeError:
    """The TypeError for an unsupported NumPy function; the message names the function and an alternative."""
    if not advice and name.startswith("scipy."):
        bare = name.rpartition(".")[2]
        advice = OF_SCIPY.get(bare, f"write np.{bare}(node)" if answers(getattr(np, bare, None)) else "")
    if not advice:
        near = ", ".join(_near(name))
        advice = f"similar functions are {near}; " if near else ""
        advice += "declare it with @tg.op, or use node.value if no gradient is needed"
    return TypeError(f"{name} does not take a node: {advice}")


def _near(name: str) -> list[str]:
    """Functions of that name elsewhere or for arrays without NaN, else of a name like it."""
    import difflib  # for messages alone

    known: dict[str, list[str]] = {}
    for function in NUMPY:
        known.setdefault(numpy_name(function).rpartition(".")[2], []).append(numpy_name(function))
    bare = name.rpartition(".")[2]
    same = known.get(bare) or known.get(bare.removeprefix("nan"))
    return same or [near for match in difflib.get_close_matches(bare, known, n=3, cutoff=0.8) for near in known[match]]


def numpy_name(function: Callable[..., Any]) -> str:
    """What a user writes to reach a NumPy function: `np.sum`, `np.linalg.norm`; others by their own module."""
    name = {"absolute": "abs"}.get(function.__name__, function.__name__)
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:  # a ufunc does not know whose it is
        return f"scipy.special.{name}" if getattr(sys.modules.get("scipy.special"), name, None) is function else name
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{name}".replace("numpy.", "np.", 1) if module.startswith("numpy") else f"{module}.{name}"


def _value(x: Any) -> Any:
    if isinstance(x, Node):
        return x.operand
    return type(x)(map(_value, x)) if isinstance(x, list | tuple) else x


_signature = lru_cache(inspect.signature)


def _by_numpy_signature(
    own: Op, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read a call the way NumPy does: arrays first, then its own order of metadata, the op's share of which is kept."""
    if isinstance(function, np.ufunc) or not own.defaults:
        raise TypeError(f"give it {counted(len(own.rules), 'operand')}, not {len(args)}")
    bound = _signature(function).bind(*args, **kwargs).arguments
    count = len(own.rules)
    arrays = tuple(bound.values())[:count]
    params = {}
    for key, value in tuple(bound.items())[count:]:
        key = {"newshape": "shape", "correction": "ddof"}.get(key, key)
        if key in own.defaults and value is not np._NoValue:
            params[key] = value
        elif key not in own.defaults and not _neutral(key, value, _signature(function)):
            raise TypeError(f"{_without([key])}. It is {own.signature().replace(own.name, numpy_name(function), 1)}")
    return arrays, params
