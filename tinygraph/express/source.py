"""A graph as a NumPy module: one function, forward and backward, that runs without tinygraph at any batch size."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy

from tinygraph.express.checks import Checks, preamble, wrapped
from tinygraph.express.helpers import Helpers
from tinygraph.express.python import is_called, python
from tinygraph.node import Node
from tinygraph.ops import Op, Repetition
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Apply, Expression, Number, applied
from tinygraph.syntax import literal

Update: TypeAlias = Literal["gd"]


def source(program: Program, update: Update | None = None) -> str:
    """The module as text; with `update` its function is one step of training, which returns the new parameters."""
    helpers = Helpers(_called(program))
    descended = _descended(program, update)
    function = "\n".join(_function(program, descended))
    title = ", ".join(program.name(output) for output in program.outputs)
    more = " and one step of gradient descent" if descended else " and gradients" if program.backward else ""
    parts = [
        f'"""{title}{more}, in NumPy."""',
        _imports(program, helpers),
        preamble(program, function),
        *helpers.definitions,
        function,
    ]
    return "\n\n".join(parts) + "\n"


def _imports(program: Program, helpers: Helpers) -> str:
    warns = any(not count.certain for count in program.counts)
    own = ["import hashlib"] * bool(program.checks[1]) + ["import warnings"] * warns
    return "\n".join([*own, *([""] if own else []), "import numpy as np", *helpers.imports])


def _called(program: Program) -> list[Op]:
    """The ops that the program calls by their own names, in order."""
    checked = [expression for check in program.checks[0] for expression in check.expressions]
    applications = [x for expression in [*(s.expression for s in program.statements), *checked] for x in applied(expression)]
    return list(dict.fromkeys(x.op for x in applications if is_called(x)))


def function_name(program: Program) -> str:
    """What the module's function is called."""
    name = "forward_backward" if program.backward else "forward"
    return f"{name}_" if any(op.name == name for op in _called(program)) else name


def _descended(program: Program, update: Update | None) -> Mapping[Node, Node]:
    """The parameters that a step of gradient descent changes, with the gradients that were asked for first."""
    if update not in (None, "gd"):
        raise ValueError(f'update={update!r}: choose "gd" (gradient descent) or None')
    requests = program.graph._requests()
    if update is None:
        return {}
    gradients = requests[0].gradients if requests else {}
    found = {leaf: gradients[leaf] for leaf in program.leaves if leaf in gradients and leaf.kind == "parameter"}
    if not found:
        raise ValueError('update="gd" needs the gradient of a parameter: call `graph.backprop()` first')
    if any(output in found for output in program.outputs):
        raise ValueError('update="gd" needs an output that is computed from the parameters: this one is a parameter')
    return found


def _learning_rate(program: Program) -> str:
    """What the length of a step is called."""
    taken = {*program.numbers, *(op.name for op in _called(program))}
    taken |= {program.name(node) for node in (*program.leaves, *(s.node for s in program.statements))}
    name = "learning_rate"
    while name in taken:
        name += "_"
    return name


def _function(program: Program, descended: Mapping[Node, Node]) -> Iterator[str]:
    names = [program.name(leaf) for leaf in program.leaves]
    arguments = [*names, _learning_rate(program)] if descended else names
    yield f"def {function_name(program)}{wrapped('(', arguments, '):')}"
    checked = wrapped("_check(", [f"{name}={name}" for name in names], ")", "    ")
    yield f"    {wrapped('[', names, ']', '    ')} = {checked}"
    yield from (f"    {name} = {literal(value)[0]}" for name, value in program.numbers.items())
    checks = Checks(program)
    yield "    # forward"
    yield from checks.behind(None)
    for statement in program.forward:
        yield from (*checks.before(statement), _line(statement), *checks.behind(statement.node))
    outputs = ", ".join(_own(checks, output) for output in program.outputs)
    if not program.backward:
        yield f"    return {outputs}"
        return
    yield "    # backward"
    for statement in program.backward:
        if statement.node not in program.passed_on:
            yield from (*checks.before(statement), _line(statement))
    outputs = f"({outputs})" if len(program.outputs) > 1 else outputs
    if descended:
        yield "    # update"
        for node, gradient in descended.items():
            name = program.name(node)
            yield f"    {name} = {name} - {_learning_rate(program)} * {program.name(gradient)}"
        returned = {node: program.name(node) for node in descended}
    else:
        asked = [s.node for s in program.backward if s.of is not None and s.of not in program.temporaries]
        returned = {node: _own(checks, node) for node in asked if node not in program.units}
    items = [f'"{program.name(node)}": {text}' for node, text in returned.items()]
    yield f"    {wrapped(f'return {outputs}, {{', items, '}', '    ')}"


def _own(checks: Checks, node: Node) -> str:
    """What is returned of a value: the caller's own to change, so a copy of what shows the entries of another value."""
    name, expression = checks.program.name(node), checks.program.expression(node)
    if node in checks.numbers:  # of Python's, which have neither shape nor dtype
        return f"np.{node.dtype}({name})"
    return f"{name}.copy()" if node.shape and is_view(expression) else name


def is_view(expression: Expression) -> bool:
    """Whether a value may show the entries of another one, rather than have its own."""
    if not isinstance(expression, Apply):
        return True
    op = expression.op
    values = [x for i, x in enumerate(expression.inputs) if not op.reads_shape_at(i)]
    if op.variadic and op.view and len(values) > 1:  # what puts several arrays together makes a new one
        return False
    if isinstance(op.kind, Repetition) and not values[0].shape:  # which is spelled np.full_like
        return False
    return op.view is not False


def _line(statement: Statement) -> str:
    expression = statement.expression
    if isinstance(expression, Number) and statement.of is not None:  # a float, as arrays are made from it
        expression = Number(float(expression.value))
    return f"    {statement.name} = {python(expression, statement.program.name)}"


_counter = itertools.count(1)


def function(program: Program, np: Any) -> Callable[..., Any]:
    """The function of a module's text, with `np` bound to any module with NumPy's interface; `source` is its text."""
    if getattr(np, "__name__", "") == "jax.numpy":
        _check_traceable(program)
    text = source(program)
    filename = f"<tinygraph {next(_counter)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)  # for tracebacks and inspect
    module: dict[str, Any] = {"__name__": f"tinygraph_{function_name(program)}"}
    exec(compile(text, filename, "exec"), module)
    module["np"] = numpy if np is None else np
    made: Any = module[function_name(program)]
    made.source = text
    weakref.finalize(made, linecache.cache.pop, filename, None).atexit = False
    return made


def _check_traceable(program: Program) -> None:
    decided, held = program.checks
    for text in [*(check.text for check in decided), *(one.text for one in held)]:
        raise TypeError(f"JAX cannot trace a program in which Python decided by a value ({text}): write np.where there")
    for statement in program.statements:
        for x in applied(statement.expression):
            reason = x.op.untraceable(x.inputs, x.params)
            if reason:
                raise TypeError(f"JAX cannot trace {x.op.name}, which {statement.name} = {statement.right} calls: {reason}")
