"""The grammar of formulas as data: what Python's parser reads, for the parser of a page to read the same.

Nothing here is a fact of its own. Operators and how they bind come from `syntax`, functions from `vocabulary`, forms, dtypes and
bodies from the declarations of ops, limits and messages from where Python's parser has them.
"""

from __future__ import annotations

import itertools
import keyword
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from string import ascii_letters
from typing import Any

import numpy as np

from tinygraph import ops
from tinygraph.express.instructions import as_data
from tinygraph.express.interpreter import dtypes as computed_dtypes
from tinygraph.express.interpreter import is_spelled
from tinygraph.leaves import constant
from tinygraph.node import Leaf, Node
from tinygraph.ops import EMPTY, NUMPY, OPERATORS, Op, work
from tinygraph.ops.dtypes import together
from tinygraph.stepping import formula, literals, parsing
from tinygraph.stepping.messages import OF_FORMULAS
from tinygraph.stepping.vocabulary import HOMES, MODULES, Function, functions
from tinygraph.syntax import BINARY, UNARY, Operator, with_names

NUMBER = "float"  # the type of a literal, which takes the dtype of the array beside it
HALF = "f2"  # in which a page rounds what it computed in single precision
# How much an op computes, where it is not entry by entry; a page bounds all others by their operands and metadata.
WORK: Mapping[work.Work, int] = {work.entry_by_entry: 0, work.each_with_each: 1, work.product: 2}


@cache
def grammar() -> dict[str, Any]:
    """All of it."""
    types = [*sorted(computed_dtypes() | {HALF}), NUMBER]
    return {
        "limits": {
            "characters": parsing.CHARACTERS, "tokens": parsing.TOKENS, "depth": parsing.DEPTH, "small": literals.SMALL,
            "large": literals.LARGE, "axes": formula.AXES, "work": formula.WORK,
        },
        "keywords": " ".join(word for word in keyword.kwlist if word not in ("True", "False", "None")),
        "strange": parsing.STRANGE,
        "binary": [[x.text, _operator(x), x.binds, x.left, x.right] for x in BINARY.values() if x.syntax in OPERATORS],
        "unary": [[x.text, _operator(x), x.binds, x.right] for x in UNARY.values()],
        "modules": " ".join(sorted(MODULES)),
        "homes": " ".join(sorted(HOMES)),
        "constants": [[name, value if np.isfinite(value) else str(value)] for name, value in parsing.CONSTANTS.items()],
        "sizes": " ".join(sorted(literals.SIZES)),
        "dtypes": [[name, np.dtype(name).str[1:]] for name in sorted(literals.DTYPES)],
        "types": types,
        "together": _table(lambda *found: together(*found), 2, types),
        "ops": _ops(types),
        "others": [
            [name, x.least, [[key, None] for key in x.metadata]] for name, x in functions().items() if _op_of(x.call) is None
        ],
        "bodies": {op.name: body for op in readable() if (body := body_of(op))},
        "axes": _axes(),
        "forms": [[op.name, with_names(form.between, form.found), *_fixed(op, form), sorted(form.indices), form.rest]
                  for op, form in parsing.forms() if op in readable()],
        "messages": OF_FORMULAS,
    }  # fmt: skip


@cache
def readable() -> tuple[Op, ...]:
    """The ops that a formula can write and a page can compute."""
    found = {op for x in functions().values() if (op := _op_of(x.call)) is not None}
    found |= {*OPERATORS.values(), *(op for op, _ in parsing.forms()), ops.index}
    found |= {ops.outer, ops.prod}  # which NumPy's functions of these names call
    kept = {op for op in found if op.built_in and (is_spelled(op) or body_of(op))}
    kept |= {ops.REGISTRY[step[0]] for op in kept for step in body_of(op) or ()}
    return tuple(sorted(kept, key=lambda op: op.name))


def _op_of(function: Any) -> Op | None:
    own = NUMPY.get(function, function)
    return own if isinstance(own, Op) else None


# Types


def _dtype(name: str) -> Any:
    return float if name == NUMBER else np.dtype(name)


def _code(dtype: Any) -> str:
    return NUMBER if isinstance(dtype, type) and not issubclass(dtype, np.generic) else str(np.dtype(dtype).str[1:])


def _attempted(rule: Any, types: Sequence[str]) -> str | None:
    try:
        return _code(rule(*map(_dtype, types)))
    except TypeError:
        return None


def _table(rule: Any, arguments: int, types: Sequence[str]) -> str:
    """The types of the results for all types of the arguments, a letter each."""
    letters = dict(zip(types, ascii_letters, strict=False))
    return "".join(letters.get(_attempted(rule, x) or "", "-") for x in itertools.product(types, repeat=arguments))


def _type_rule(op: Op, types: Sequence[str]) -> str:
    """How the type of a result arises: `=` its letter, `+` the places of the arguments that have it together, or a table."""
    if isinstance(op.dtype, str) and op.dtype in op.defaults:
        return op.dtype
    if isinstance(op.dtype, str | tuple):
        named = (op.dtype,) if isinstance(op.dtype, str) else op.dtype
        return "+" + "".join(str(i) for i, name in enumerate(op.arguments) if name in named)
    if callable(op.dtype):
        return _table(op.dtype, len(op.arguments), types)
    return "=" + ascii_letters[types.index(_code(op.dtype))]


# Ops and forms


def _operator(x: Operator) -> str:
    return OPERATORS[x.syntax].name if x.syntax in OPERATORS else ""


def _ops(types: Sequence[str]) -> list[list[Any]]:
    """The ops, those that are alike together, with their names: of each its own, after a comma where it is not called so."""
    alike: dict[str, tuple[list[Any], list[str]]] = {}
    known = functions()
    for op in readable():
        names = [name for name, x in known.items() if _op_of(x.call) is op]
        function = known[names[0]] if names else Function(op, len(op.arguments), len(op.arguments), ())
        metadata = [[key, *([] if value is EMPTY else [as_data(value)])] for key, value in op.defaults.items()]
        row = [len(op.arguments), function.least, function.most, int(function.takes_list), metadata]
        row += [WORK.get(op.work, 3), _type_rule(op, types)]
        own = [op.name] if op.name in names else ["", op.name]
        alike.setdefault(repr(row), (row, []))[1].append(",".join([*own, *(name for name in names if name != op.name)]))
    return [[*row, " ".join(names)] for row, names in alike.values()]


def _axes() -> dict[str, list[int]]:
    """Of each op along axes: how many axes a number has behind it, -1 where that is refused, and whether several axes go."""
    found = {}
    for op in readable():
        if "axis" in op.defaults and len(op.arguments) == 1 and not op.variadic:
            rest = {key: 1 for key, value in op.defaults.items() if value is EMPTY and key != "axis"}
            number = _shape_of(op, np.float64(0.5), axis=0, **rest)
            found[op.name] = [
                -1 if number is None else len(number),
                int(_shape_of(op, np.ones((1, 1)), axis=(0, 1), **rest) is not None),
            ]
    return found


def _shape_of(op: Op, x: Any, **params: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(op(x, **params))
    except (ValueError, TypeError, IndexError):
        return None


def _fixed(op: Op, form: Any) -> tuple[list[list[Any]], dict[str, Any]]:
    """The operands that a form fixes, by their places, and the metadata."""
    operands = [[op.arguments.index(key), value] for key, value in form.fixed.items() if key in op.arguments]
    return operands, {key: value for key, value in form.fixed.items() if key not in op.arguments}


# Bodies

SAMPLES = np.array([[0.25, 0.5, 0.75], [0.5, 0.25, 0.125]])


class _Axis(int):
    """An axis that can be found again in the metadata of what a body records."""


AXIS = _Axis(-1)


@cache
def body_of(op: Op) -> list[list[Any]] | None:
    """The ops that an op without a spelling is made of, on floats of any shape; a reduction keeps its axes, a loss its entries.

    Each is an op, its operands (places among the operands and the results so far, or a number in a list), and metadata, where
    "axis" stands for that of the whole. None where the op is spelled, or its body is not made of ops that are.
    """
    if is_spelled(op) or not op.built_in or op.variadic or isinstance(op.kind, ops.Opaque):
        return None
    params: dict[str, Any] = {"axis": AXIS} if "axis" in op.defaults else {}
    params |= {key: value for key, value in (("keepdims", True), ("reduction", "none")) if key in op.defaults}
    if op.defaults.keys() - params.keys():
        return None
    operands = [constant(SAMPLES) for _ in op.arguments]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = op.function(*operands, **params)
    has_decided = any(isinstance(x, Leaf) and x.log and x.log.decisions for x in operands)
    return _steps(operands, result) if isinstance(result, Node) and not has_decided else None


def _steps(operands: Sequence[Node], result: Node) -> list[list[Any]] | None:
    places = {x: i for i, x in enumerate(operands)}
    found: list[list[Any]] = []
    stack = [result]
    while stack:
        x = stack[-1]
        missing = [i for i in x.inputs if isinstance(i, Node) and i not in places]
        stack += missing
        if missing:
            continue
        stack.pop()
        if x in places:
            continue
        if x.op is None or not is_spelled(x.op):
            return None
        inputs = [places[i] if isinstance(i, Node) else [as_data(i)] for i in x.inputs]
        params = {
            key: "axis" if value is AXIS else as_data(value) for key, value in x.params.items() if value not in (None, False)
        }
        places[x] = len(places)
        found.append([x.op.name, inputs, *([params] if params else [])])
    return found
