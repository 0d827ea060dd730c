"""What emitted source checks as it runs: leaves, sizes, divisors, and that Python decides as it did in the recording."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from typing import Any

from tinygraph.backprop import by_number
from tinygraph.express.python import numpy_function, python
from tinygraph.node import Node
from tinygraph.ops import visited_axes
from tinygraph.program.counts import STAYS
from tinygraph.program.decided import Check, compared
from tinygraph.program.statements import Program, Statement
from tinygraph.program.terms import is_scale
from tinygraph.program.value import Apply, Expression, Name, Number, applied, is_operator
from tinygraph.sizes import Demand, spelled
from tinygraph.sparse import holds_sparse
from tinygraph.syntax import dtype_name

WIDTH = 110

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
CHECK_NUMBER = f"""
def _check_number(text, place, what, axes, size, needed):
    if size != needed:
        raise ValueError(f"{STAYS[0]}"
                         "{STAYS[1]}")
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


class Checks:
    """The lines that check a program, by the statement that they stand behind; None for those of leaves alone."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._behind: dict[Node | None, list[str]] = {}
        self._add_loops()
        self._add_sizes()
        self._add_decisions()
        # Numbers of Python's: NumPy warns of a division by 0 where Python raises an error.
        self.numbers: set[Node] = set()
        for statement in program.statements:
            if is_scale(statement.expression, self.numbers):
                self.numbers.add(statement.node)

    def behind(self, node: Node | None) -> list[str]:
        """The lines behind a statement."""
        return self._behind.get(node, [])

    def before(self, statement: Statement) -> Iterator[str]:
        """A line for every count that a statement divides by, where that may be 0: a gradient of nothing would be divided by it.

        A recording gives 0 where a sum over nothing is divided inside and NaN where it is divided outside.
        """
        divisions = [x.inputs for x in applied(statement.expression) if is_operator(x, ast.Div)]
        texts = {python(y, self.program.name): None for x, y in divisions if self._may_be_zero(x, y)}
        return (f"    _check_divisor({text!r}, {text})" for text in texts)

    def _may_be_zero(self, x: Expression, divisor: Expression) -> bool:
        """Whether a divisor that is a number of Python's, other than a literal, can be 0 although no leaf is empty."""
        if not is_scale(divisor, self.numbers):
            return False
        if isinstance(divisor, Apply) and not divisor.op.reads_values:
            return not self.program.is_filled(divisor.inputs[0])
        return is_scale(x, self.numbers) and not isinstance(divisor, Number)

    def _add(self, behind: Node | None, check: str, arguments: list[str]) -> None:
        self._behind.setdefault(behind, []).append(f"    {wrapped(check, arguments, ')', '    ')}")

    def _add_loops(self) -> None:
        """What loops visited entry by entry has to be as long as it was."""
        seen: dict[tuple[Node, int], None] = {}
        for x in (x for s in self.program.statements for x in applied(s.expression)):
            if isinstance(x.inputs[0], Name):
                seen |= dict.fromkeys((x.inputs[0].node, axis) for axis in visited_axes(x.op, x.params))
        leaves = {leaf: i for i, leaf in enumerate(self.program.leaves)}
        for node, axis in sorted(seen, key=lambda one: leaves.get(one[0], len(leaves))):
            name = self.program.name(node)
            arguments = [f'"{name}"', f"{name}.shape[{axis}]", str(node.shape[axis])]
            self._add(None if node in leaves else node, "_check_loop(", arguments)

    def _add_sizes(self) -> None:
        """Sizes are checked where all that they are read of is known."""
        for demand in self.program.demands:
            last = max((node for node in demand.read() if node.op is not None), key=by_number, default=None)
            arguments = self._demanded(demand)
            if demand.taker is not None:
                arguments.append(f'", as {numpy_function(demand.taker)} was given a number"')
            self._add(last, "_check_size(", arguments)
        for count in self.program.counts:
            check = "_check_number(" if count.certain else "_warn_of_number("
            self._add(None, check, [repr(count.text), repr(count.place), *self._demanded(count.demand)])

    def _demanded(self, demand: Demand) -> list[str]:
        """What must have which size, and along which axes, as arguments."""
        sizes = [spelled(size, self.program.name) for size in (demand.size, demand.needed)]
        return [repr(self.program.text(demand.node)), f'"{demand.along}"', *sizes]

    def _add_decisions(self) -> None:
        """Decisions are made again behind the last statement that they read."""
        decided, held = self.program.checks
        for one in held:
            name = self.program.name(one.leaf)
            self._add(None, "_held(", [f'"{name}"', name, f'"{one.digest}"', repr(one.text)])
        for check in decided:
            reads = check.reads
            last = next((s.node for s in reversed(self.program.forward) if s.node in reads), None)
            for text, size, recorded in dict.fromkeys(self._entries(check)):
                self._add(last, "_check_loop(", [repr(text), size, str(recorded)])
            self._add(last, "_decided(", [repr(check.text), *self._answers(check)])

    def _entries(self, check: Check) -> Iterator[tuple[str, str, int]]:
        """The items of a check, one by one: its text, that of its size along the axis, and the size recorded."""
        for x in (x for expression in check.expressions for x in applied(expression)):
            text = python(x.inputs[0], self.program.name)
            text = text if text.isidentifier() else f"({text})"
            for axis in visited_axes(x.op, x.params):
                yield text, f"{text}.shape[{axis}]", x.inputs[0].shape[axis]

    def _answers(self, check: Check) -> list[str]:
        """The answers of then, those of now, and for a single one what it compared."""
        now = [self._asked(answer, x) for answer, x in zip(check.answers, check.expressions, strict=True)]
        then = [repr(answer) for answer in check.answers]
        if len(now) == 1:
            return [*then, *now, *(python(x, self.program.name) for x in compared(check.expressions[0]))]
        return [item for x in (then, now) for item in (f"[{x[0]}", *x[1:-1], f"{x[-1]}]")]

    def _asked(self, answer: Any, expression: Expression) -> str:
        """An expression as the number that Python wanted."""
        text = python(expression, self.program.name)
        return text if isinstance(answer, bool) and expression.kind == "b" else f"{type(answer).__name__}({text})"


def preamble(program: Program, function: str) -> str:
    """What is known of the leaves, and the functions that check them and make them arrays of numbers."""
    shapes = [f'"{program.name(leaf)}": {leaf.shape}' for leaf in program.leaves]
    dtypes = [f'"{program.name(leaf)}": {_dtype(leaf)}' for leaf in program.leaves if _dtype(leaf) != "float"]
    facts = f"SHAPES = {wrapped('{', shapes, '}')}\n"
    if dtypes:
        facts += f"DTYPES = {wrapped('{', dtypes, '}')}  # what is no array of floats becomes one, except for these\n"
    sparse = [f'"{program.name(leaf)}"' for leaf in program.leaves if holds_sparse(leaf)]
    check = CHECK
    if sparse:
        facts += f"SPARSE = {wrapped('{', sparse, '}')}\n"
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


def wrapped(opening: str, items: list[str], closing: str, indent: str = "") -> str:
    """Items between brackets, over several lines where one is too short."""
    line = f"{opening}{', '.join(items)}{closing}"
    if len(indent) + len(line) <= WIDTH:
        return line
    whole = [item.replace(" ", "\0") for item in items]
    inner = f"{indent}    "
    lines = textwrap.wrap(", ".join(whole) + ",", WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False)
    body = "\n".join(lines)
    return f"{opening}\n{body}\n{indent}{closing}".replace("\0", " ")
