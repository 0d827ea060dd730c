"""Values as data that a page computes again: slots, what is in them at first, and instructions for the rest.

A value has one slot, however often it was recorded. An instruction is a slot, an op, the slots of its operands, and metadata;
what JavaScript has no spelling of is taken from the body of the op, and else from the recording.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from tinygraph.decisions import NUMBERS
from tinygraph.express.interpreter import dtypes, is_spelled
from tinygraph.node import Node
from tinygraph.ops import ARRAY, Op
from tinygraph.ops.dtypes import together
from tinygraph.program.composed import Composition, composition_of
from tinygraph.program.value import Apply, Expression, Name, Number, evaluate, exact
from tinygraph.sparse import is_sparse

Slot: TypeAlias = int
LARGEST = 2**53 - 1  # of the integers that are exact in a page


class Instructions:
    """The instructions that compute some values: `slot(x)` adds a node, an expression or a number with all that it takes.

    >>> import tinygraph as tg
    >>> w = tg.parameter(3.0)
    >>> program = Instructions()
    >>> program.slot(w * w + 1), program.slot(w)
    (3, 0)
    >>> print(program.json)
    {"types":[["f8",[]]],"slots":[0,0,0,0],"init":{"0":3,"2":1},"code":[[1,"multiply",[0,0]],[3,"add",[1,2]]]}
    """

    def __init__(self) -> None:
        self.ops: set[Op] = set()  # that the page computes with
        self._types: dict[tuple[str, tuple[int, ...]], int] = {}
        self._slots: list[int] = []  # the type of each
        self._dtypes: list[np.dtype[Any]] = []  # the same in full
        self._fits: list[bool] = []  # whether the page computes with what is in it
        self._init: dict[Slot, Any] = {}
        self._code: list[list[Any]] = []
        self._known: dict[Node, Slot] = {}
        self._made: dict[Hashable, Slot] = {}  # by what a value is made of
        self._bodies: dict[Hashable, Composition | None] = {}

    @property
    def data(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        init = {str(slot): value for slot, value in self._init.items()}
        return {
            "types": [[name, list(shape)] for name, shape in self._types],
            "slots": self._slots,
            "init": init,
            "code": self._code,
        }

    @property
    def json(self) -> str:
        """The data as text without spaces."""
        return json.dumps(self.data, separators=(",", ":"), allow_nan=False)

    def slot(self, x: Expression | Node | Any) -> Slot:
        """Where the page has a value."""
        if isinstance(x, Number | Name | Apply):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # the user was warned where it was recorded
                x = evaluate(x, lambda node: node)
        return self._computed(x, self._known) if isinstance(x, Node) else self._constant(np.asarray(x))

    def fits(self, x: Expression | Node) -> bool:
        """Whether a page has room for a value, in its dtype."""
        return self._fits[self.slot(x)]

    def _computed(self, node: Node, known: dict[Node, Slot]) -> Slot:
        """The slot of a node, after those of all that it is made of; `known` has some already."""
        stack = [node]
        while stack:
            x = stack[-1]
            missing = [] if x in known else [i for i in x.inputs if isinstance(i, Node) and i not in known]
            stack += missing[::-1]
            if not missing:
                stack.pop()
                if x not in known:
                    known[x] = self._of(x, known)
        return known[node]

    def _of(self, node: Node, known: Mapping[Node, Slot]) -> Slot:
        """The slot of a node whose operands have theirs."""
        if node.op is None:  # what the user brought may be changed, unlike the constants of a body
            return self._recorded(node) if known is self._known else self._constant(node.value)
        operands = self._operands(node, known)
        metadata = tuple((name, exact(x)) for name, x in node.params.items()) if node.params else ()
        key = node.op, operands, metadata
        if key not in self._made:
            self._made[key] = self._instruction(node, operands, metadata)
        return self._made[key]

    def _operands(self, node: Node, known: Mapping[Node, Slot]) -> tuple[Slot, ...]:
        if any(type(x) in NUMBERS for x in node.inputs):
            beside = [type(x) if type(x) in NUMBERS else self._dtypes[known[x]] for x in node.inputs]
            return tuple(self._number(x, beside) if type(x) in NUMBERS else known[x] for x in node.inputs)
        return tuple([known[x] for x in node.inputs])

    def _number(self, x: Any, beside: Sequence[Any]) -> Slot:
        """A Python number, which takes the dtype of the arrays beside it where that has room for it."""
        key = exact(x), *beside
        if key not in self._made:
            try:
                self._made[key] = self._constant(np.asarray(x, together(*beside)))
            except OverflowError:
                self._made[key] = self._constant(np.asarray(x))
        return self._made[key]

    def _instruction(self, node: Node, operands: tuple[Slot, ...], metadata: Hashable) -> Slot:
        """The slot of a result, by an instruction for the op or those that its body takes."""
        op = node.op
        assert op is not None
        if _fits(node._value) and all(self._fits[slot] for slot in operands):
            if is_spelled(op):
                self.ops.add(op)
                slot = self._new(node._value)
                self._code.append([slot, op.name, list(operands), *_metadata(node.params)])
                return slot
            body = self._body(node, metadata)
            if body is not None:
                inside = {leaf: slot for leaf, slot in zip(body.operands, operands, strict=True) if isinstance(leaf, Node)}
                return self._computed(body.result, inside)
        slot = self._recorded(node)  # and an instruction, which says what the value depends on
        self._code.append([slot, op.name, list(operands)])
        return slot

    def _body(self, node: Node, metadata: Hashable) -> Composition | None:
        """What the body of an op is made of on such operands; None where it is no composition of other ops."""
        types = tuple((x.dtype, x.shape) if isinstance(x, Node) else exact(x) for x in node.inputs)
        key = node.op, types, metadata
        if key not in self._bodies:
            self._bodies[key] = composition_of(node)
        return self._bodies[key]

    def _recorded(self, node: Node) -> Slot:
        """A slot that has the recorded value at first."""
        value = _dense(node.value)
        slot = self._new(value)
        self._init[slot] = written(value)
        return slot

    def _constant(self, value: Any) -> Slot:
        value = np.asarray(value)
        key = value.dtype, value.shape, value.tobytes()
        if key not in self._made:
            self._made[key] = slot = self._new(value)
            self._init[slot] = written(value)
        return self._made[key]

    def _new(self, value: Any) -> Slot:
        kind = _code_of(value.dtype), value.shape
        self._slots.append(self._types.setdefault(kind, len(self._types)))
        self._dtypes.append(value.dtype)
        self._fits.append(_fits(value))
        return len(self._slots) - 1


@cache
def _code_of(dtype: np.dtype[Any]) -> str:
    return dtype.str[1:]


def _fits(value: Any) -> bool:
    """Whether a page computes with such a value: in its dtype, and exactly where it is of integers."""
    code = _code_of(value.dtype)
    return code in dtypes() and (code not in ("i8", "u8") or not np.any((value > LARGEST) | (value < -LARGEST)))


def _dense(value: Any) -> Any:
    return value.toarray() if is_sparse(value) else value


# As JSON has it


def written(value: Any) -> Any:
    """A value as data: a number, or the entries in one row."""
    flat = [_entry(x, value.dtype) for x in np.ravel(value).tolist()]
    return flat if value.shape else flat[0]


def _entry(x: Any, dtype: np.dtype[Any]) -> Any:
    """A number as short as it reads back exactly; text where JSON or JavaScript has no such number."""
    if dtype.kind != "f":
        return int(x) if abs(x) <= LARGEST else str(x)
    if not math.isfinite(x):
        return str(float(x))
    if dtype == np.float32:
        x = float(str(np.float32(x)))  # the digits that no other number of its dtype has
    short = int(x)
    return short if short == x and abs(short) < LARGEST and (short or math.copysign(1, x) > 0) else float(x)


def _metadata(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metadata of an instruction without what is None or False; nothing where that is all."""
    said = {name: as_data(value) for name, value in params.items() if value is not None and value is not False}
    return [said] if said else []


def as_data(value: Any) -> Any:
    """Metadata as data: lists for tuples and slices, codes for dtypes."""
    if isinstance(value, tuple | list):
        return [as_data(x) for x in value]
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    if value is ARRAY or value is Ellipsis:
        return "array" if value is ARRAY else "..."
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).str[1:]
    if isinstance(value, float | np.floating):
        return _entry(float(value), np.dtype(float))
    return value
