"""A graph as a NumPy module: one function, forward and backward, that runs without tinygraph at any batch size."""

from __future__ import annotations

import itertools
import linecache
import textwrap
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy

from tinygraph import ops
from tinygraph.backprop import by_number
from tinygraph.express.helpers import Helpers
from tinygraph.express.python import is_called, numpy_name, python
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.ops.sizes import Demand, spelled
from tinygraph.ops.syntax import dtype_name, literal
from tinygraph.program.decided import Check, compared
from tinygraph.program.drafts import looped_axes
from tinygraph.program.dtypes import dtype_of
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Apply, Expression, Name, Number, applied
from tinygraph.sparse import holds_sparse

WIDTH = 110

Update: TypeAlias = Literal["gd"]

CHECK = """
def _check(**leaves):
    for name, value in leaves.items():
        value = value if hasattr(value, "dtype") and value.dtype.kind == "f" else np.asarray(value, DTYPE)[()]
        if [min(n, 2) for n in value.shape] != [min(n, 2) for n in SHAPES[name]]:
            raise ValueError(f"{name} has shape {value.shape}, recorded {SHAPES[name]}: keep rank and sizes 0 and 1")
        yield value
"""
# What comes before the check of a leaf's dtype where some of the leaves are sparse.
CHECK_SPARSE = """
        if hasattr(value, "tocsr"):
            if name not in SPARSE:
                raise TypeError(f"{name} is sparse, and was recorded dense: pass {name}.toarray()")
            value = value.tocsr() if value.dtype.kind == "f" else value.tocsr().astype(KEPT)
        else:
    """
CHECK_LOOP = """
def _check_loop(name, size, recorded):
    if size != recorded:
        raise ValueError(f"{name} has size {size} along an axis that was gone through one by one, and was recorded "
                         f"with size {recorded}: record it again for another size")
"""
CHECK_SIZE = """
def _check_size(what, axes, size, needed, why=""):
    if size != needed:
        raise ValueError(f"{what} has size {size} along {axes}, where what was recorded holds for size {needed} alone"
                         f"{why}: record it again for other sizes")
"""
CHECK_NUMBER = """
def _check_number(text, place, what, axes, size, needed):
    if size != needed:
        raise ValueError(f"{what} has size {size} along {axes}, where it had {needed}, and {text} at {place} stays the number "
                         "that was recorded then: write np.mean, which follows the size, or record it again")
"""
WARN_OF_NUMBER = """
def _warn_of_number(text, place, what, axes, size, needed):
    if size != needed:
        warnings.warn(f"{what} has size {size} along {axes}, where it had {needed}: if {text} at {place} was computed of "
                      "that, the result is wrong, as it stays the number that was recorded (np.mean follows it)", stacklevel=3)
"""
CHECK_DIVISOR = """
def _check_divisor(what, divisor):
    if divisor == 0:
        raise ValueError(f"{what} is 0 where a number is divided by it: nothing can be computed at this size")
"""

CHECK_DECIDED = """
def _decided(text, recorded, now, *of):
    if now != recorded:
        now = np.array(now).tolist()
        given = f", of {', '.join(map(str, of))}" if of else ""
        raise ValueError(f"{text} was {recorded} when this program was recorded, and is {now} now{given}: write np.where, "
                         "np.maximum or np.minimum, which compute both branches, or record it again")
"""
CHECK_HELD = """
def _held(name, value, recorded, text):
    if hashlib.sha256(repr(value.shape).encode() + np.ascontiguousarray(value).tobytes()).hexdigest() != recorded:
        raise ValueError(f"{name} must have the value that it was recorded with, because Python decided by it ({text}): decide "
                         "by a plain number, as in `if loss.item() < best`, where nothing depends on it, or record it again")
"""
# How a leaf that may be sparse is recognised.
BITS = "np.ascontiguousarray(value).tobytes()"
BITS_OF_SPARSE = """
    parts = (value.data, value.indices, value.indptr) if hasattr(value, "indptr") else (value,)
    bits = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    if"""


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
        _entry(program, function),
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


def _entry(program: Program, function: str) -> str:
    """What is known of the leaves, and the functions that check them and make them arrays of numbers."""
    shapes = [f'"{program.name(leaf)}": {leaf.shape}' for leaf in program.leaves]
    dtypes = [f'"{program.name(leaf)}": {_dtype(leaf)}' for leaf in program.leaves if _dtype(leaf) != "float"]
    facts = f"SHAPES = {_wrapped('{', shapes, '}')}\n"
    if dtypes:
        facts += f"DTYPES = {_wrapped('{', dtypes, '}')}  # what is no array of floats becomes one, except for these\n"
    sparse = [f'"{program.name(leaf)}"' for leaf in program.leaves if holds_sparse(leaf)]
    check = CHECK
    if sparse:
        facts += f"SPARSE = {_wrapped('{', sparse, '}')}\n"
        check = check.replace("\n        value = value if", f"{CHECK_SPARSE}        value = value if", 1)
    dtype = "DTYPES.get(name, float)" if dtypes else "float"
    check = check.replace("KEPT", f"{dtype} or value.dtype" if dtypes else dtype).replace("DTYPE)", f"{dtype})")
    called = {
        "_check_loop(": CHECK_LOOP,
        "_check_size(": CHECK_SIZE,
        "_check_number(": CHECK_NUMBER,
        "_warn_of_number(": WARN_OF_NUMBER,
        "_check_divisor(": CHECK_DIVISOR,
        "_decided(": CHECK_DECIDED,
        "_held(": CHECK_HELD.replace(BITS, "bits").replace("\n    if", BITS_OF_SPARSE, 1) if sparse else CHECK_HELD,
    }
    return (facts + check + "".join(text for call, text in called.items() if f"\n    {call}" in function)).rstrip()


def _dtype(leaf: Node) -> str:
    """The dtype of a leaf as source; whole numbers keep the one that they are given."""
    if leaf.dtype.kind != "f":
        return "bool" if leaf.dtype.kind == "b" else "None"
    return "float" if leaf.dtype == float else dtype_name(leaf.dtype)


def _looped(program: Program) -> dict[Node, dict[int, None]]:
    """The named values of which loops visited every entry, with the axes."""
    found: dict[Node, dict[int, None]] = {}
    for x in (x for s in program.statements for x in applied(s.expression) if x.op is ops.index):
        of = x.inputs[0]
        for axis in looped_axes(x.params["template"]):
            if isinstance(of, Name):
                found.setdefault(of.node, {})[axis] = None
    return found


def _loop_checks(program: Program, node: Node, axes: Iterable[int]) -> Iterator[str]:
    name = program.name(node)
    for axis in axes:
        yield f'    _check_loop("{name}", {name}.shape[{axis}], {node.shape[axis]})'


def _size_checks(program: Program) -> dict[Node | None, list[str]]:
    """The checks of sizes behind the statement after which all that they read is known; under None those of leaves alone."""
    checks: dict[Node | None, list[str]] = {}
    for demand in program.demands:
        last = max((node for node in demand.read() if node.op is not None), key=by_number, default=None)
        arguments = _demanded(program, demand)
        if demand.taker is not None:
            arguments.append(f'", as {numpy_name(demand.taker)} was given a number"')
        checks.setdefault(last, []).append(f"    {_wrapped('_check_size(', arguments, ')', '    ')}")
    for count in program.counts:
        arguments = [repr(count.text), repr(count.place), *_demanded(program, count.demand)]
        check = "_check_number(" if count.certain else "_warn_of_number("
        checks.setdefault(None, []).append(f"    {_wrapped(check, arguments, ')', '    ')}")
    return checks


def _demanded(program: Program, demand: Demand) -> list[str]:
    """What must have which size, and along which axes, as arguments."""
    axes = f"axis {demand.places[0]}" if len(demand.places) == 1 else f"axes {', '.join(map(str, demand.places))}"
    sizes = [spelled(size, program.name) for size in (demand.size, demand.needed)]
    return [repr(program.text(demand.node)), f'"{axes}"', *sizes]


class _Divisors:
    """The counts that may be 0, by which a gradient of nothing would be divided.

    A recording gives 0 where a sum over nothing is divided inside and NaN where it is divided outside; NumPy warns of a division
    by 0 where Python raises an error.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.numbers: set[Node] = set()  # the statements that are numbers of Python's

    def checks(self, statement: Statement) -> Iterator[str]:
        """A line for every such count that a statement divides by."""
        divisors = (x.inputs for x in applied(statement.expression) if x.op is ops.divide and self.is_number(x.inputs[1]))
        found = {python(y, self.program.name): None for x, y in divisors if self.may_be_zero(y, self.is_number(x))}
        for text in found:
            yield f"    _check_divisor({text!r}, {text})"
        if self.is_number(statement.expression):
            self.numbers.add(statement.node)

    def may_be_zero(self, divisor: Expression, of_number: bool) -> bool:
        """Whether a divisor other than a literal can be 0 although no leaf is empty."""
        if isinstance(divisor, Apply) and divisor.op is ops.count:
            return not self.program.is_filled(divisor.inputs[0])
        return of_number and not isinstance(divisor, Number)

    def is_number(self, x: Expression) -> bool:
        """Whether an expression is a number of Python's: made of literals and counts alone."""
        if isinstance(x, Apply):
            return x.op is ops.count or (x.op.of_numbers and all(map(self.is_number, x.inputs)))
        return isinstance(x, Number) or x.node in self.numbers


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
    yield f"def {function_name(program)}{_wrapped('(', arguments, '):')}"
    checked = _wrapped("_check(", [f"{name}={name}" for name in names], ")", "    ")
    yield f"    {_wrapped('[', names, ']', '    ')} = {checked}"
    looped = _looped(program)
    for leaf in program.leaves:
        yield from _loop_checks(program, leaf, looped.get(leaf, ()))
    yield from (f"    {name} = {literal(value)[0]}" for name, value in program.numbers.items())
    size_checks, decision_checks = _size_checks(program), _decision_checks(program)
    yield from size_checks.get(None, ())
    yield "    # forward"
    yield from decision_checks.get(None, ())
    divisors = _Divisors(program)
    for statement in program.forward:
        yield from divisors.checks(statement)
        yield _line(statement)
        yield from _loop_checks(program, statement.node, looped.get(statement.node, ()))
        yield from size_checks.get(statement.node, ())
        yield from decision_checks.get(statement.node, ())
    outputs = ", ".join(_own(program, output) for output in program.outputs)
    if not program.backward:
        yield f"    return {outputs}"
        return
    yield "    # backward"
    for statement in program.backward:
        if statement.node not in program.passed_on:
            yield from divisors.checks(statement)
            yield _line(statement)
    outputs = f"({outputs})" if len(program.outputs) > 1 else outputs
    if descended:
        yield "    # update"
        for node, gradient in descended.items():
            name = program.name(node)
            yield f"    {name} = {name} - {_learning_rate(program)} * {program.name(gradient)}"
        updated = [f'"{program.name(node)}": {program.name(node)}' for node in descended]
        yield f"    {_wrapped(f'return {outputs}, {{', updated, '}', '    ')}"
        return
    asked = [s.node for s in program.backward if s.of is not None and s.of not in program.temporaries]
    told = [node for node in asked if node not in program.units]
    gradients = [f'"{program.name(node)}": {_own(program, node)}' for node in told]
    yield f"    {_wrapped(f'return {outputs}, {{', gradients, '}', '    ')}"


def _decision_checks(program: Program) -> dict[Node | None, list[str]]:
    """The lines that make decisions again, by the last statement that must come before them."""
    decided, held = program.checks
    found: dict[Node | None, list[str]] = {}
    for one in held:
        items = [f'"{program.name(one.leaf)}"', program.name(one.leaf), f'"{one.digest}"', repr(one.text)]
        found.setdefault(None, []).append(f"    {_wrapped('_held(', items, ')', '    ')}")
    for check in decided:
        reads = check.reads
        last = next((s.node for s in reversed(program.forward) if s.node in reads), None)
        found.setdefault(last, []).extend(_decision(program, check))
    return found


def _decision(program: Program, check: Check) -> Iterator[str]:
    """The lines that make the decisions of one place in the code again, after the number of entries that a loop decided by."""
    for text, size, recorded in dict.fromkeys(_entries(program, check)):
        yield f"    {_wrapped('_check_loop(', [repr(text), size, str(recorded)], ')', '    ')}"
    now = [_asked(answer, x, program) for answer, x in zip(check.answers, check.expressions, strict=True)]
    answers = [repr(answer) for answer in check.answers]
    if len(now) == 1:
        items = [*answers, *now, *(python(x, program.name) for x in compared(check.expressions[0]))]
    else:
        items = [*_listed(answers), *_listed(now)]
    yield f"    {_wrapped('_decided(', [repr(check.text), *items], ')', '    ')}"


def _entries(program: Program, check: Check) -> Iterator[tuple[str, str, int]]:
    """The items of a check, one by one: its text, that of its size along the axis, and the size recorded."""
    for x in (x for expression in check.expressions for x in applied(expression) if x.op is ops.index):
        text = python(x.inputs[0], program.name)
        text = text if text.isidentifier() else f"({text})"
        for axis in looped_axes(x.params["template"]):
            yield text, f"{text}.shape[{axis}]", x.inputs[0].shape[axis]


def _asked(answer: Any, expression: Expression, program: Program) -> str:
    """An expression as the number that Python wanted."""
    text = python(expression, program.name)
    return text if isinstance(answer, bool) and expression.kind == "b" else f"{type(answer).__name__}({text})"


def _listed(items: list[str]) -> list[str]:
    """The items of a list in brackets."""
    return [f"[{items[0]}", *items[1:-1], f"{items[-1]}]"]


def _own(program: Program, node: Node) -> str:
    """What is returned of a value: the caller's own to change, so a copy of what shows the entries of another value."""
    name, expression = program.name(node), program.expression(node)
    if isinstance(dtype_of(expression), type):  # a Python number has neither shape nor dtype
        return f"np.float64({name})"
    return f"{name}.copy()" if node.shape and is_view(expression) else name


def is_view(expression: Expression) -> bool:
    """Whether a value may show the entries of another one, rather than have its own."""
    if not isinstance(expression, Apply):
        return True
    op = expression.op
    values = [x for i, x in enumerate(expression.inputs) if not op.reads_shape_at(i)]
    if op.variadic and op.view and len(values) > 1:  # what puts several arrays together makes a new one
        return False
    if op is ops.broadcast_like and not values[0].shape:  # which is spelled np.full_like
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
