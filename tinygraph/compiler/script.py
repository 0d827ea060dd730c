"""Primitive nodes as the source of a Python function, which computes them into buffers that it is given."""

from __future__ import annotations

import itertools
import linecache
import math
import time
import weakref
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygraph.compiler.memory import Memory
from tinygraph.compiler.primitives import (
    FLOATS,
    function_of,
    is_product,
    is_short_extreme,
    is_ufunc,
    owns,
    reads,
    summed_axes,
    sums_matrix,
)
from tinygraph.compiler.sizes import of_shape
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.ops.declare import scalar
from tinygraph.place import Place

LONGEST = 100  # characters of a line of the user's that stands above what it computes
INSIDE = 60  # characters of an expression, up to which it stands inside another

KEYWORD = ("maximum", "minimum")  # which NumPy wants to be given the array of the result by keyword


class Like(NamedTuple):
    """A constant: a value of which the shape and dtype alone are read."""

    node: Node


class Literal(NamedTuple):
    """A constant: a number beside arrays, as an array without axes of their dtype, which NumPy takes in less time."""

    value: Any
    dtype: np.dtype[Any]
    text: str  # by which -0.0 is not 0.0


class Number(NamedTuple):
    """A constant: a number of the user's, by a text that shows its type and sign."""

    value: Any
    text: str


class Beside(NamedTuple):
    """A constant: a number that is read beside arrays, in the same way."""

    node: Node


class Ones(NamedTuple):
    """A constant: a one for each entry of a matrix along an axis, as a row or column where the sum keeps it; of any value for all
    of its entries where it is None.
    """

    node: Node
    axis: int | None
    keepdims: bool = False


@dataclass(frozen=True)  # so that it is not equal to a `Like`
class Expected:
    """A constant: the shape that the result of a user's op has to have, and the node that it is the value of."""

    node: Node


class Script:
    """The function of some nodes, in order: `text` is its source, `function` is compiled from it.

    It takes the values of `inputs`, the `constants` (by what they are, with their names), and arrays for the values of `buffers`.
    It returns the values of `outputs`, and keeps none of them; where they are lent, the next call may change them.
    """

    def __init__(self, name: str, written: Written, places: Places | None = None) -> None:
        self.name, self.nodes, self.inputs, self.outputs = name, written.nodes, written.inputs, written.outputs
        self.lines, self.constants, self.buffers = written.lines, written.constants, written.memory.buffers
        self._functions = written.functions
        self._end = f"    return {written.returned()}"  # which may read constants
        self._head = [f"def {name}({', '.join([*written.arguments, 'constants', 'buffers'])}):", *written.unpacking()]
        self.text = self._whole(_with_places(self.lines, places or Places()))
        self.function = loaded(name, self.text, self._functions)

    def timed(self, spent: list[float]) -> Callable[..., Any]:
        """The same function, which adds the seconds that each of the `lines` takes to `spent`."""
        lines = ["before = clock()"]
        for i, (line, _) in enumerate(self.lines):
            lines += [line, f"now = clock(); spent[{i}] += now - before; before = clock()"]
        return loaded(self.name, self._whole(lines), self._functions | {"spent": spent, "clock": time.perf_counter})

    def _whole(self, lines: Iterable[str]) -> str:
        return "\n".join([*self._head, *(f"    {line}" for line in lines), self._end])


class Written:
    """The `lines` of a script, each with the node that it computes, and what they read beside nodes.

    The first constants are what is `kept`: a `Number` there does not stand in the text. The nodes `inside` others have no line of
    their own, unless it is long.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        names: Callable[[Node], str],
        sizes: Callable[[Node], Hashable],
        lent: bool = False,
        kept: Sequence[Any] = (),
        inside: Collection[Node] = (),
    ) -> None:
        self.nodes, self.inputs, self.outputs, self.arguments = nodes, inputs, outputs, [*map(names, inputs)]
        self._names, self._lent = names, lent
        self._own = set(nodes)
        self._known = {*inputs, *nodes}
        # Numbers that are read beside arrays, where NumPy takes them in less time as arrays without axes.
        self._beside = {x for node in nodes if node.shape and is_ufunc(node) for x in reads(node) if not x.shape} & self._known
        self.constants: dict[Any, str] = {what: f"c{i}" for i, what in enumerate(kept)}
        self.functions: dict[str, Any] = {}  # what the source calls, by name
        self._forms: dict[Op, str | None] = {}
        self._inside: dict[Node, str] = {}  # the expressions that stand in others
        self.memory = Memory(nodes, outputs, sizes, lent)
        self.lines: list[tuple[str, Node | None]] = [(self._as_array(x), None) for x in inputs if x in self._beside]
        for i, node in enumerate(nodes):
            buffer = self.memory.place(i, node)
            text = self._expression(node, [] if buffer is None else [f"u{buffer}"])
            if node in inside and len(text) < INSIDE:
                self._inside[node] = text
                continue
            self.lines.append((f"{names(node)} = {text}", node))
            if node in self._beside:
                self.lines.append((self._as_array(node), None))

    def unpacking(self) -> Iterator[str]:
        """The lines that give constants and buffers their names."""
        if self.constants:
            yield f"    {''.join(f'{x}, ' for x in self.constants.values())}= constants"
        if self.memory.buffers:
            yield f"    {''.join(f'u{i}, ' for i in range(len(self.memory.buffers)))}= buffers"

    def returned(self) -> str:
        """The outputs, each as an array of the caller's own unless it is lent."""
        taken: set[Node] = set()
        parts = []
        for x in self.outputs:
            is_own = x in self._own and owns(x) and x not in taken
            taken.add(x)
            parts.append(self._value(x) if is_own or self._lent else self._copy(x))
        return f"({''.join(f'{part}, ' for part in parts)})"

    def _copy(self, x: Node) -> str:
        self.functions["array"] = np.array
        return f"array({self._value(x)}){'' if x.shape else '[()]'}"

    def _as_array(self, node: Node) -> str:
        return f"{self._names(node)}_0 = {self._called('asarray', np.asarray)}({self._names(node)})"

    # Operands

    def _constant(self, what: Any) -> str:
        return self.constants.setdefault(what, f"c{len(self.constants)}")

    def _value(self, x: Node) -> str:
        return self._names(x) if x in self._known else self._constant(x)

    def _operand(self, node: Node, i: int) -> str:
        x, op = node.inputs[i], node.op
        assert op is not None
        if not isinstance(x, Node):
            return self._number(node, x)
        if True in op.reads_shape and op.reads_shape_at(i):
            return self._constant(Like(x))
        if x.shape or not node.shape or not is_ufunc(node):
            return self._value(x)
        return f"{self._names(x)}_0" if x in self._known else self._constant(Beside(x))

    def _number(self, node: Node, x: Any) -> str:
        if node.shape and type(x) in (int, float) and is_ufunc(node):
            dtypes = {i.dtype for i in node.inputs if isinstance(i, Node)}
            if len(dtypes) == 1 and dtypes <= {*FLOATS}:
                return self._constant(Literal(x, dtypes.pop(), repr(float(x))))
        if (number := Number(x, repr(x))) in self.constants:
            return self.constants[number]
        text = repr(x) if isinstance(x, int) or math.isfinite(x) else f'float("{x}")'
        return f"({text})" if text.startswith("-") else text  # before a power

    # Expressions

    def _expression(self, node: Node, out: list[str]) -> str:
        op = node.op
        assert op is not None
        form = None if node.shape else self._form(node, op)
        if form is not None:
            inputs = enumerate(node.inputs)
            return form.format(*[self._inner(x, op, i) if isinstance(x, Node) else self._number(node, x) for i, x in inputs])
        if op.name == "sum" and (text := self._sum(node, out)) is not None:
            return text
        return self._applied(node, op, [self._operand(node, i) for i in range(len(node.inputs))], out)

    def _form(self, node: Node, op: Op) -> str | None:
        """How an op of numbers is written, with holes for these; None where the op is not all that this depends on."""
        if op not in self._forms:
            self._forms[op] = self._applied(node, op, ["{}"] * len(node.inputs), []) if is_plain(op) else None
        return self._forms[op]

    def _inner(self, x: Node, op: Op, i: int) -> str:
        """What stands for an operand of an op of numbers: its name or, where it stands inside, its expression."""
        text = self._inside.get(x)
        if text is None:
            return self._value(x)
        own, outer = None if x.op is None else x.op.operator, op.operator
        if own is None or outer is None:
            return text
        is_tight = own.binds >= (outer.left if i == 0 and len(op.rules) == 2 else outer.right)
        return text if is_tight else f"({text})"

    def _applied(self, node: Node, op: Op, operands: list[str], out: list[str]) -> str:
        if op.name == "matmul" and is_product(node):
            return f"{operands[0]}.dot({', '.join([*operands[1:], *out])})"
        if is_short_extreme(node):
            columns = f"{self._called('array', np.array)}({operands[0]}.T, order='C')"
            text = f"{self._called(f'{op.name}imum', getattr(np, f'{op.name}imum'))}.reduce({columns})"
            return f"{text}[:, None]" if node.params["keepdims"] else text
        if op.is_operand:
            return operands[0]
        if op.name == "transpose" and node.params["axes"] is None:
            return f"{operands[0]}.T"
        if not node.shape and op.of_numbers and op.operator is not None:
            return f" {op.operator.text} ".join(operands) if len(operands) == 2 else f"{op.operator.text}{operands[0]}"
        function = op.numpy if is_ufunc(node) else function_of(op)
        called = self._called(function.__name__ if is_ufunc(node) else op.name, function)
        metadata = [f"{key}={self._metadata(value)}" for key, value in node.params.items()]
        if called in KEYWORD:
            out = [f"out={x}" for x in out]
        text = f"{called}({', '.join([*operands, *out, *metadata])})"
        if not op.built_in and not op.elementwise:
            text = f"{self._called('of_shape', of_shape)}({text}, {self._constant(Expected(node))})"
        return text if node.shape or is_ufunc(node) else f"{self._called('scalar', scalar)}({text})"

    def _called(self, name: str, function: Any) -> str:
        self.functions[name] = function
        return name

    def _metadata(self, value: Any) -> str:
        is_plain = isinstance(value, int | str | bool | None) or (
            isinstance(value, tuple) and all(isinstance(i, int) for i in value)
        )
        return repr(value) if is_plain else self._called(f"m{len(self.functions)}", value)

    def _sum(self, node: Node, out: list[str]) -> str | None:
        """A sum along an axis of a matrix, or over all entries, as a product with ones or, of bools, as their number, which takes
        less time.
        """
        x, axes = node.inputs[0], summed_axes(node)
        if x.dtype == bool and x.shape and not node.shape:
            return f"{self._called('intp', np.intp)}({self._called('count_nonzero', np.count_nonzero)}({self._value(x)}))"
        if sums_matrix(node) and axes is not None:
            ones = self._constant(Ones(x, axes[0], node.params["keepdims"]))
            left, right = (ones, self._value(x)) if axes == (0,) else (self._value(x), ones)
            return f"{left}.dot({', '.join([right, *out])})"
        if axes is None or node.shape or len(axes) < x.ndim or not (x.ndim == 1 or self.memory.has(x)):  # entries out of order
            return None
        return f"{self._constant(Ones(x, None))}.dot({self._value(x)}{'' if x.ndim == 1 else '.ravel()'})"


def is_plain(op: Op) -> bool:
    """Whether all that the expression of an op of numbers depends on is the op."""
    return op.built_in and op.elementwise and not (op.is_operand or op.variadic or op.defaults or True in op.reads_shape)


class Places:
    """The places of nodes, of which many have the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Place] = {}

    def of(self, node: Node) -> Place:
        """The place of a node, which has to be kept as long as this is."""
        key = id(node.code), node.instruction
        if key not in self._known:
            self._known[key] = node.place
        return self._known[key]


def _with_places(lines: Sequence[tuple[str, Node | None]], places: Places) -> Iterator[str]:
    """The lines, below each line of the user's what it computes."""
    before = None
    for line, node in lines:
        place = before if node is None else places.of(node)
        if place is not None and (before is None or place[:2] != before[:2]):
            before, text = place, place.text
            if text.isprintable() and text:
                yield f"# {text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}"
        yield line


_counter = itertools.count(1)


def loaded(name: str, text: str, functions: dict[str, Any]) -> Callable[..., Any]:
    """The function of a source, whose lines tracebacks and NumPy's warnings show."""
    filename = f"<tinygraph step {next(_counter)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = dict(functions)
    exec(compile(text, filename, "exec"), module)
    function: Callable[..., Any] = module[name]
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function
