"""Arrays that the user's expression computed on the way to an op: read once more, on nodes.

`y * np.log(a) + (1 - y) * np.log(1 - a)` on an array `y` gives the product an array that NumPy made of `y`. The part of the
expression that it came from is read again, with a leaf for each array that the user holds; where that gives the same bits, the
node that it gives, `1 - y`, is recorded in place of a leaf that nothing would tie to `y`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from tinygraph import leaves, ops
from tinygraph.decisions import NUMBERS, recall
from tinygraph.excerpt import excerpt, instruction_of
from tinygraph.leaves import held_leaf, new_leaf
from tinygraph.node import Leaf, Node
from tinygraph.operators import Operators
from tinygraph.ops import NUMPY, Op
from tinygraph.place import OWN, Place, variables
from tinygraph.syntax import OF_SYNTAX

PLAIN_ENTRIES = (dict.__getitem__, list.__getitem__, tuple.__getitem__)  # which run no code of the user's
MAKERS = (np.eye, np.identity, np.ones, np.zeros, np.full, np.arange)  # of arrays of numbers alone
BUILTINS = (len, abs, round)
FACTS = {"shape", "size", "ndim", "dtype"}  # of an array, which are plain answers
RECORDED = {name for name in dir(np.ndarray) if name[0] != "_"} - FACTS - {"item", "tolist"}
FUNCTIONS: tuple[type, ...] = (np.ufunc, *{type(function) for function in NUMPY})
# The arguments and keywords that a function of the package got from the user's expression, by the name of its code.
GIVEN: Mapping[str, Callable[[Mapping[str, Any]], tuple[Sequence[Any], Mapping[str, Any]]]] = {
    Node.__add__.__code__.co_name: lambda local: ((local["self"], local["other"]), {}),  # as of every operator
    Node.__radd__.__code__.co_name: lambda local: ((local["other"], local["self"]), {}),
    Node.__getitem__.__code__.co_name: lambda local: ((local["index"],), {}),
    Node.__array_function__.__code__.co_name: lambda local: (local["args"], local["kwargs"]),
    Node.__array_ufunc__.__code__.co_name: lambda local: (local["inputs"], local["kwargs"]),
    Node.sum.__code__.co_name: lambda local: (local["args"], local["kwargs"]),  # as of every method
    Op.__call__.__code__.co_name: lambda local: (local["arguments"], local["params"]),
}
MOST = 4096  # plans that are kept
SMALL = 1000  # bytes that are compared at once
FAILURES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Entry(Leaf):
    """A leaf for one entry of an array; it keeps the array, so that no other one can take its place in memory."""

    __slots__ = ("array", "index")

    def __init__(
        self, array: Any, index: tuple[int, ...], code: CodeType | Place, instruction: int, stands_for: Leaf | None = None
    ) -> None:
        super().__init__(array[index], "constant", code, instruction, stands_for)
        self.array = array
        self.index = index
        recall(self)


def entries_of(new: Mapping[Node, Node], nodes: Iterable[Node]) -> dict[Node, Node]:
    """The entries among the nodes of arrays that leaves stand for which get other values, with the leaves of their own."""
    arrays = {id(old._value): leaf._value for old, leaf in new.items()}
    entries = [node for node in nodes if isinstance(node, Entry) and node not in new and id(node.array) in arrays]
    return {node: Entry(arrays[id(node.array)], node.index, node.code, node.instruction, node.decided) for node in entries}


_entries: WeakValueDictionary[tuple[int, tuple[int, ...]], Entry] = WeakValueDictionary()


def computed(value: Any) -> Node | None:
    """The node that computes a bare array as the user's expression does; None where that is a name, or cannot be followed."""
    inside, frame = _frames(sys._getframe(1))
    plan = _plan(frame.f_code, frame.f_lasti)
    return None if plan is None else _traced(value, plan, _parts(value, plan, inside), frame)[0]


def leaf_or_computed(value: Any) -> Node:
    """The same, or the leaf of the array, which knows of the arrays that it was computed of where that cannot be followed."""
    inside, frame = _frames(sys._getframe(2))  # past `leaf_of`
    plan = _plan(frame.f_code, frame.f_lasti)
    parts = [] if plan is None else _parts(value, plan, inside)
    if plan is None or not parts:
        return new_leaf(value, frame)
    made, beside = _traced(value, plan, parts, frame)
    if made is not None:
        return made
    leaf = held_leaf(value)
    leaf.beside = tuple(map(weakref.ref, beside))
    return leaf


leaves.leaf_or_computed = leaf_or_computed


def _frames(frame: FrameType) -> tuple[FrameType, FrameType]:
    """The frame of this package that the user's frame called, and the user's frame."""
    inside = frame
    while OWN[frame.f_code.co_filename]:
        inside, back = frame, frame.f_back
        if back is None:
            break
        frame = back
    return inside, frame


def _traced(value: Any, plan: _Plan, parts: Sequence[ast.expr], frame: FrameType) -> tuple[Node | None, list[Any]]:
    """The node that computes a bare array, or the arrays that it was computed of in a way that cannot be followed."""
    beside: list[Any] = []
    for operand in parts:
        node = _recorded(operand, frame, plan)
        if node is not None and _same(node._value, value):
            return node, []
        names = {part.id for part in ast.walk(operand) if isinstance(part, ast.Name)}
        held = variables(frame, names).values()
        if not any(isinstance(x, Node) for x in held):  # of which NumPy computes no array
            beside += [x for x in held if isinstance(x, np.ndarray)]
    return None, beside


class _Plan(NamedTuple):
    """An expression that computes operands: these by position or keyword, the names in it, the instructions of its parts."""

    expression: ast.expr
    computed: Mapping[int | str, ast.expr]
    names: Collection[str]
    instructions: Mapping[ast.AST, int]


_plans: dict[tuple[int, int], tuple[CodeType, _Plan | None]] = {}


def _plan(code: CodeType, instruction: int) -> _Plan | None:
    """What there is to read at an instruction; None where its operands are names."""
    key = id(code), instruction  # a code object takes as long to hash as it is
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= MOST:
            _plans.clear()
        found = _plans[key] = code, _planned(code, instruction)
    return found[1]


def _planned(code: CodeType, instruction: int) -> _Plan | None:
    found = excerpt(code, instruction)
    computed = {} if found is None else {key: x for key, x in _operands(found.expression).items() if _computes(x)}
    if found is None or not computed:
        return None
    parts = [part for part in ast.walk(found.expression) if isinstance(part, ast.expr)]
    places = {part: instruction_of(code, part) for part in parts}
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return _Plan(found.expression, computed, names, {part: place for part, place in places.items() if place is not None})


def _operands(x: ast.expr) -> dict[int | str, ast.expr]:
    """What the last step of an expression works on, by position or keyword."""
    if isinstance(x, ast.BinOp):
        return {0: x.left, 1: x.right}
    if isinstance(x, ast.Compare):
        return {0: x.left, 1: x.comparators[0]} if len(x.ops) == 1 else {}
    if isinstance(x, ast.Call):
        written = [] if any(isinstance(argument, ast.Starred) for argument in x.args) else x.args
        return {**dict(enumerate(written)), **{keyword.arg: keyword.value for keyword in x.keywords if keyword.arg is not None}}
    return {0: x.slice} if isinstance(x, ast.Subscript) else {}


def _computes(x: ast.expr) -> bool:
    """Whether an operand is more than a name, an attribute or a literal."""
    if isinstance(x, ast.Attribute):
        return x.attr in RECORDED or _computes(x.value)
    if isinstance(x, ast.List | ast.Tuple):
        return any(map(_computes, x.elts))
    if isinstance(x, ast.Slice):
        return any(end is not None and _computes(end) for end in (x.lower, x.upper, x.step))
    return isinstance(x, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call | ast.Subscript)


def _parts(value: Any, plan: _Plan, inside: FrameType) -> list[ast.expr]:
    """The expressions that may have given the array."""
    given = _given(plan.expression, inside)
    if isinstance(plan.expression, ast.Compare) and any(x is value for x in given.values()):
        given = {0: value, 1: value}  # Python may have turned it round
    parts: list[ast.expr] = []
    for key, written in plan.computed.items():
        found = given.get(key)
        if not isinstance(found, Node):
            parts += filter(_computes, _at(value, found, written))
    return parts


def _given(x: ast.expr, inside: FrameType) -> Mapping[Any, Any]:
    """What the last step of an expression works on, by position or keyword, as the package got it."""
    read = GIVEN.get(inside.f_code.co_name)
    if read is None:
        return {}
    arguments, keywords = read(inside.f_locals)
    if isinstance(x, ast.Call) and len(arguments) != len(x.args):
        return keywords
    return {**dict(enumerate(arguments)), **keywords}


def _at(value: Any, given: Any, written: ast.expr) -> Iterator[ast.expr]:
    """The expression of the array in what was given, where lists and tuples are written out."""
    if given is value:
        yield written
    elif isinstance(given, slice) and isinstance(written, ast.Slice):
        for end, x in ((given.start, written.lower), (given.stop, written.upper), (given.step, written.step)):
            if end is value and x is not None:
                yield x
    elif isinstance(given, list | tuple) and isinstance(written, ast.List | ast.Tuple):
        if len(given) != len(written.elts) or any(isinstance(x, ast.Starred) for x in written.elts):
            return
        for part, x in zip(given, written.elts, strict=True):
            yield from _at(value, part, x)


def _recorded(x: ast.expr, frame: FrameType, plan: _Plan) -> Node | None:
    """The node that an expression of arrays gives when it is read on their leaves."""
    try:
        with np.errstate(all="ignore"):  # whatever there is to warn of NumPy said when it computed the array
            found = _Reading(plan, variables(frame, plan.names), frame.f_lasti).read(x)
    except FAILURES:
        return None
    return found if isinstance(found, Node) else None


def _same(x: Any, y: Any) -> bool:
    """Whether two arrays have the same dtype, shape and bits."""
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.nbytes < SMALL and x.dtype.itemsize <= 8:
        return bool(x.tobytes() == y.tobytes())
    if x.dtype.itemsize > 8:  # a longdouble has bits that mean nothing
        return bool(np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x), np.signbit(y)))
    bits = f"u{x.dtype.itemsize}"
    return np.array_equal(x.view(bits), y.view(bits))


class _Reading:
    """Expressions without side effects on the arrays and numbers of a frame: a leaf for an array, else the value itself.

    What is not followed raises LookupError.
    """

    def __init__(self, plan: _Plan, names: Mapping[str, Any], instruction: int) -> None:
        self.plan = plan
        self.names = names
        self.instruction = instruction

    def read(self, x: ast.expr) -> Any:
        """What an expression gives, a node if it computes with an array."""
        follow = self._FOLLOWED.get(type(x))
        if follow is None:
            raise LookupError(f"{type(x).__name__} is not followed")
        found = follow(self, x)
        if isinstance(found, Node) and found.op is not None and found.instruction == self.instruction:
            found.instruction = self.plan.instructions.get(x, self.instruction)
        return found

    def _literal(self, x: ast.Constant) -> Any:
        return x.value

    def _name(self, x: ast.Name) -> Any:
        return _on_a_leaf(self.names[x.id])

    def _attribute(self, x: ast.Attribute) -> Any:
        of = self.read(x.value)
        if isinstance(of, Node):
            if x.attr in FACTS or (x.attr in RECORDED and not callable(vars(Operators).get(x.attr))):
                return getattr(of, x.attr)
            raise LookupError(x.attr)
        if isinstance(of, ModuleType):
            return _on_a_leaf(vars(of)[x.attr])
        fields = getattr(type(of), "_fields", ())
        if isinstance(of, tuple) and x.attr in fields:
            return _on_a_leaf(of[fields.index(x.attr)])
        return _on_a_leaf(inspect.getattr_static(of, x.attr))  # which runs no property

    def _unary(self, x: ast.UnaryOp) -> Any:
        return OF_SYNTAX[type(x.op)].function(self._operand(x.operand))

    def _binary(self, x: ast.BinOp) -> Any:
        return OF_SYNTAX[type(x.op)].function(self._operand(x.left), self._operand(x.right))

    def _compare(self, x: ast.Compare) -> Any:
        if len(x.ops) > 1:
            raise LookupError("a chain of comparisons is a decision")
        return OF_SYNTAX[type(x.ops[0])].function(self._operand(x.left), self._operand(x.comparators[0]))

    def _operand(self, x: ast.expr) -> Any:
        found = self.read(x)
        if not isinstance(found, Node) and type(found) not in NUMBERS:
            raise LookupError(f"{type(found).__name__} is no operand")
        return found

    def _sequence(self, x: ast.Tuple | ast.List) -> Any:
        return (list if isinstance(x, ast.List) else tuple)(map(self.read, x.elts))

    def _slice(self, x: ast.Slice) -> slice:
        return slice(*(None if end is None else self.read(end) for end in (x.lower, x.upper, x.step)))

    def _subscript(self, x: ast.Subscript) -> Any:
        of, index = self.read(x.value), self._index(x.slice)
        if type(of).__getitem__ in PLAIN_ENTRIES and type(index) in (int, str):
            return _on_a_leaf(of[index])
        parts = index if isinstance(index, tuple) else (index,)
        if not isinstance(of, Node) or not all(part is None or type(part) in (int, slice, type(...)) for part in parts):
            raise LookupError("only plain indices are followed")
        entry = _entry(of, parts)
        return of[parts] if entry is None else entry

    def _index(self, x: ast.expr) -> Any:
        """What stands in brackets, a NumPy integer as Python's."""
        if isinstance(x, ast.Tuple):
            return tuple(map(self._index, x.elts))
        named = self.names.get(x.id) if isinstance(x, ast.Name) else None
        return int(named) if isinstance(named, np.integer) else self.read(x)

    def _call(self, x: ast.Call) -> Any:
        if any(isinstance(argument, ast.Starred) for argument in x.args) or any(keyword.arg is None for keyword in x.keywords):
            raise LookupError("a call with arguments that are not written out")
        method = self._method(x.func)
        function = self.read(x.func) if method is None else method
        if any(function is maker for maker in MAKERS):
            return _on_a_leaf(
                function(*map(self._argument, x.args), **{k.arg or "": self._argument(k.value) for k in x.keywords})
            )
        if method is None and not _is_followed(function):
            raise LookupError("only functions of arrays that record are followed")
        arguments = [self._argument(argument) for argument in x.args]
        keywords = {keyword.arg or "": self._argument(keyword.value) for keyword in x.keywords}
        op = NUMPY.get(function) if isinstance(function, np.ufunc) else None
        if isinstance(op, Op) and all(type(argument) in NUMBERS for argument in arguments):  # as in np.sqrt(2)
            made = op.record(arguments, keywords)
            if not isinstance(made._value, np.generic):  # Python's own number, as 2 + 3 in place of np.add(2, 3)
                return _on_a_leaf(function(*arguments, **keywords))
            return made
        return function(*arguments, **keywords)

    def _argument(self, x: ast.expr) -> Any:
        found = self.read(x)
        if not _is_data(found):
            raise LookupError(f"{type(found).__name__} is no argument that is followed")
        return found

    def _method(self, x: ast.expr) -> Callable[..., Any] | None:
        """The method of an array that records, or None where it is a function that is called."""
        if not isinstance(x, ast.Attribute) or x.attr not in RECORDED:
            return None
        of = self.read(x.value)
        return getattr(of, x.attr) if isinstance(of, Node) else None

    _FOLLOWED: Mapping[type[ast.expr], Callable[..., Any]] = {
        ast.Constant: _literal, ast.Name: _name, ast.Attribute: _attribute, ast.UnaryOp: _unary, ast.BinOp: _binary,
        ast.Compare: _compare, ast.Tuple: _sequence, ast.List: _sequence, ast.Slice: _slice, ast.Subscript: _subscript,
        ast.Call: _call,
    }  # fmt: skip


def _on_a_leaf(value: Any) -> Any:
    """What a name holds, an array as its leaf; a node is no array that NumPy computed with."""
    if isinstance(value, Node) or (isinstance(value, np.ndarray) and (type(value) is not np.ndarray or not value.size)):
        raise LookupError("not a plain array")
    if isinstance(value, np.bool):
        return bool(value)
    return held_leaf(value) if isinstance(value, np.ndarray | np.generic) else value


def _is_data(x: Any) -> bool:
    """Whether an argument is an array on nodes, a number or metadata."""
    if type(x) in (list, tuple):
        return all(map(_is_data, x))
    return x is None or isinstance(x, Node | np.dtype) or type(x) in (*NUMBERS, str, type)


def _is_followed(function: Any) -> bool:
    """Whether a function computes with arrays and does nothing else."""
    if any(function is one for one in BUILTINS):
        return True
    own = NUMPY.get(function) if isinstance(function, FUNCTIONS) else function
    return own is not None and (own.built_in if isinstance(own, Op) else own is not function)


def _entry(of: Node, index: tuple[Any, ...]) -> Entry | None:
    """The leaf for an entry of an array that the user holds, the same one each time; None for another part of it."""
    while of.op is ops.index and all(type(part) is int for part in of.params["template"]):
        of, index = of.inputs[0], (*of.params["template"], *index)
    if of.op is not None or of.kind != "constant" or len(index) != of.ndim or any(type(part) is not int for part in index):
        return None
    array = of._value
    value = array[index]
    key = id(array), tuple(i % n for i, n in zip(index, array.shape, strict=True))
    leaf = _entries.get(key)
    if leaf is None or not _same(leaf._value, value):
        leaf = _entries[key] = Entry(array, key[1], of.code, of.instruction)
    return leaf
