"""A graph as a NumPy module: one function, forward and backward, that runs without tinygraph at any batch size."""

from __future__ import annotations

import itertools
import linecache
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from tinygraph import ops
from tinygraph.express.expression import Apply, applied
from tinygraph.express.helpers import Helpers
from tinygraph.express.program import Program, Statement
from tinygraph.express.python import BINARY, FORMS, numpy_name
from tinygraph.ops import Op

WIDTH = 100

# What JAX cannot trace, and why; everything else that prints runs under jax.jit with `np` bound to jax.numpy.
NOT_TRACEABLE = {
    ops.scatter_like: "it adds in place",
    ops.sum_taken_like: "it adds in place",
    ops.sum_repeats_like: "it adds in place",
    ops.on_diagonal_like: "it writes in place",
    ops.recurrence: "it writes in place",
    ops.sum_padding_like: "the number of its bins is not static",
}

CHECK = """
def _check(**leaves):
    for name, value in leaves.items():
        if [n == 1 for n in np.shape(value)] != [n == 1 for n in SHAPES[name]]:
            raise ValueError(f"{name} has shape {np.shape(value)}: other sizes than the recorded {SHAPES[name]} "
                             "are fine, but not another number of axes, nor size 1 elsewhere")
"""


def source(program: Program) -> str:
    """The module as text."""
    helpers = Helpers(_called(program))
    title = ", ".join(program.name(output) for output in program.outputs)
    parts = [
        f'"""{title}{" and gradients" if program.backward else ""}, in NumPy."""',
        "\n".join(["import numpy as np", *helpers.imports]),
        _shapes(program),
        CHECK.strip(),
        *helpers.definitions,
        "\n".join(_function(program)),
    ]
    return "\n\n".join(parts) + "\n"


def _called(program: Program) -> list[Op]:
    """The ops that the program calls by their own names, in order."""
    found = {x.op: None for s in program.statements for x in applied(s.expression)}
    return [op for op in found if not (op in BINARY or op in FORMS or op is ops.negative or numpy_name(op))]


def _shapes(program: Program) -> str:
    entries = [f'"{program.name(leaf)}": {leaf.shape}' for leaf in program.leaves]
    comment = "# The recorded shapes: the number of axes and those of size 1 stay, other sizes are free."
    return f"{comment}\nSHAPES = {_wrapped('{', entries, '}')}"


def _wrapped(opening: str, items: list[str], closing: str, indent: str = "") -> str:
    """Items between brackets, over several lines where one is too short."""
    line = f"{opening}{', '.join(items)}{closing}"
    if len(indent) + len(line) <= WIDTH:
        return line
    whole = [item.replace(" ", "\0") for item in items]
    inner = f"{indent}    "
    lines = textwrap.wrap(", ".join(whole) + ",", WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False)
    body = "\n".join(lines)
    return f"{opening}\n{body}\n{indent}{closing}".replace("\0", " ")


def function_name(program: Program) -> str:
    """What the module's function is called."""
    name = "forward_backward" if program.backward else "forward"
    return f"{name}_" if any(op.name == name for op in _called(program)) else name


def _function(program: Program) -> Iterator[str]:
    names = [program.name(leaf) for leaf in program.leaves]
    yield f"def {function_name(program)}{_wrapped('(', names, '):')}"
    yield f"    {_wrapped('_check(', [f'{name}={name}' for name in names], ')', '    ')}"
    yield "    # forward"
    yield from map(_line, program.forward)
    outputs = ", ".join(program.name(output) for output in program.outputs)
    if not program.backward:
        yield f"    return {outputs}"
        return
    yield "    # backward"
    yield from (_line(s) for s in program.backward if not is_unit_seed(s))
    several = len(program.outputs) > 1
    gradients = [f'"{s.name}": {s.name}' for s in program.backward if s.of is not None and not is_unit_seed(s)]
    outputs = f"({outputs})" if several else outputs
    yield f"    {_wrapped(f'return {outputs}, {{', gradients, '}', '    ')}"


def _line(statement: Statement) -> str:
    return f"    {statement.name} = {statement.right}"


def is_unit_seed(statement: Statement) -> bool:
    """Whether a statement is the `dL = 1` that a walk back starts from, which source reads as a literal."""
    return statement.phase == "backward" and statement.node.op is None and statement.right == "1"


_counter = itertools.count(1)


def function(program: Program, np: Any) -> Callable[..., Any]:
    """The function of a module's text, with `np` bound to any module that speaks NumPy; `source` is its text."""
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
    return made


def _check_traceable(program: Program) -> None:
    for statement in program.statements:
        for x in applied(statement.expression):
            reason = untraceable(x)
            if reason is not None:
                raise TypeError(f"JAX cannot trace {x.op.name}, which {statement.name} = {statement.right} calls: {reason}")


def untraceable(x: Apply) -> str | None:
    """Why JAX cannot trace an application, or None."""
    if x.op is ops.index and any(array.kind == "b" for array in x.inputs[1:]):
        return "the size of what a boolean mask selects is not static"
    if x.op is ops.repeat and isinstance(x.params["repeats"], tuple):
        return "it takes one number of repeats"
    return NOT_TRACEABLE.get(x.op)
