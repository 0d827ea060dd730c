"""A sample of an op: the example in its docstring where it is tinygraph's own, else operands of a shape that it takes."""

from __future__ import annotations

import ast
import doctest
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.errors import EXPLAINED
from tinygraph.leaves import constant, parameter
from tinygraph.node import Node
from tinygraph.ops import Contraction, Op
from tinygraph.ops.declaration import EMPTY
from tinygraph.sparse import Sparse
from tinygraph.syntax import parsed

FAILURES = (
    *EXPLAINED,
    AttributeError,
    ArithmeticError,
    LookupError,
    np.linalg.LinAlgError,
)  # of a function on what is no input of it
LARGEST = 12  # entries of an array that is shown
SHAPES = ((3,), (2, 2), (2, 3), ())  # tried in turn
SIZES = (2, 3, 2, 3)  # of the letters of a contraction


class Sample(NamedTuple):
    """An application of an op: what was given, fresh leaves of it, a name for each, metadata, and what came of it."""

    op: Op
    given: tuple[Any, ...]
    leaves: tuple[Node, ...]
    names: tuple[str, ...]
    params: Mapping[str, Any]
    out: Node

    def rules(self) -> Sequence[Any]:
        """The rule of each operand, None for one without a gradient."""
        return self.op.rules_for(len(self.leaves))


def again(op: Op, operands: Sequence[Any], params: Mapping[str, Any]) -> Sample:
    """The op on leaves of its own: parameters where they have a gradient."""
    given = tuple(np.asarray(x.value if isinstance(x, Node) else x) for x in operands)
    rules = op.rules_for(len(given))
    leaves = [parameter(x.astype(float)) if rule is not None else constant(x) for x, rule in zip(given, rules, strict=True)]
    with np.errstate(all="ignore"):
        return Sample(op, given, tuple(leaves), operand_names(op, len(leaves)), params, op.record(leaves, dict(params)))


def operand_names(op: Op, count: int) -> tuple[str, ...]:
    """The names of the arguments, those of a variadic one numbered."""
    fixed = op.arguments[: len(op.arguments) - op.variadic]
    rest = range(1, count - len(fixed) + 1)
    return (*fixed, *(op.arguments[-1] if len(rest) == 1 else f"{op.arguments[-1]}{i}" for i in rest))


def sample_of(op: Op) -> Sample | None:
    """The sample; None where nothing is known that the op takes."""
    found = _in_docstring(op) if op.built_in else None
    if found is None:
        return next(_tried(op), None)
    usual = {name: value for name, value in op.defaults.items() if value is not EMPTY}
    return of_numbers(found, {**found.params, **usual}) if op.elementwise else found


def sample_by(node: Node) -> Sample | None:
    """The application that made a node, where it is small; else a sample of its op."""
    op, values = node.op, [x.value if isinstance(x, Node) else x for x in node.inputs]
    assert op is not None
    if any(isinstance(x, Sparse) or np.size(x) > LARGEST for x in (*values, node.value)):
        return sample_of(op)
    found = again(op, values, node.params)
    return of_numbers(found, found.params) if op.elementwise else found


def of_numbers(sample: Sample, params: Mapping[str, Any]) -> Sample:
    """An elementwise op on one entry each."""
    return again(sample.op, [x.flat[0] if x.size else x.dtype.type() for x in sample.given], params)


def _tried(op: Op) -> Iterator[Sample]:
    """Examples of a user's op, of which the metadata is as usual."""
    if EMPTY in op.defaults.values():
        return
    for shapes in _shapes(op):
        operands = [np.linspace(i + 1, i + 2, int(np.prod(shape))).reshape(shape).round(2) for i, shape in enumerate(shapes)]
        try:
            yield again(op, operands, op.defaults)
        except FAILURES:
            continue


def _shapes(op: Op) -> Iterator[Sequence[tuple[int, ...]]]:
    if isinstance(op.kind, Contraction) and isinstance(op.kind.subscripts, str):
        terms = [term.replace("...", "") for term in op.kind.subscripts.partition("->")[0].split(",")]
        letters = dict(zip(dict.fromkeys("".join(terms)), itertools.cycle(SIZES), strict=False))
        yield [tuple(letters[letter] for letter in term) for term in terms]
    for shape in sorted(SHAPES, key=len) if op.elementwise else SHAPES:
        yield [shape] * len(op.arguments)


def _in_docstring(op: Op) -> Sample | None:
    """The first application of the op in the examples of its docstring, which are run: they are tinygraph's own."""
    import tinygraph

    names: dict[str, Any] = {"np": np, "tg": tinygraph}
    with np.errstate(all="ignore"):
        for given in doctest.DocTestParser().get_examples(op.__doc__ or ""):
            tree = parsed(given.source.strip())
            for x in ast.walk(tree):
                if isinstance(x, ast.expr) and (found := _applied(op, x, names)) is not None:
                    return found
            exec(compile(tree, f"<example of {op.name}>", "exec"), names)
    return None


def _applied(op: Op, x: ast.expr, names: dict[str, Any]) -> Sample | None:
    """The application that an expression is: a node that the op made, or a call of the op on arrays."""
    if not isinstance(x, ast.Call | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript | ast.Attribute):
        return None

    def value(part: ast.expr) -> Any:
        return eval(compile(ast.Expression(part), f"<example of {op.name}>", "eval"), names)

    if isinstance(x, ast.Call) and value(x.func) is op:  # on arrays, of which a node makes a record
        keywords = {keyword.arg: value(keyword.value) for keyword in x.keywords if keyword.arg is not None}
        first, *rest = map(value, x.args)
        made = op(first if isinstance(first, Node) else constant(first), *rest, **keywords)
    else:
        made = value(x)
    return again(op, made.inputs, made.params) if isinstance(made, Node) and made.op is op else None
