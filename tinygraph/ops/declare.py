"""How an op is declared, and how calling one records a node.

An op is a NumPy function under its derivative: one rule per array argument, `rule(g, out, *inputs, **params)`, which turns
the upstream gradient `g` into that argument's contribution. The same rule runs on arrays, where it computes, and on Nodes,
where it records, because everything it calls does so too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any, Unpack

import numpy as np
from numpy import ndarray

from tinygraph.decisions import NUMBERS
from tinygraph.errors import EXPLAINED, op_error
from tinygraph.leaves import as_array, leaf_of
from tinygraph.node import NUMBERING, Node
from tinygraph.operators import NUMPY, UFUNCS, answer
from tinygraph.ops.declaration import Declaration, Rule, Settings
from tinygraph.ops.passing import pass_to_any, pass_to_one, pass_to_two
from tinygraph.place import CALLERS, OWN, user_frame
from tinygraph.ranks import warn_of_ranks
from tinygraph.sparse import OPS, Sparse, refuse
from tinygraph.warned import computed_again
from tinygraph.wording import counted

REGISTRY: dict[str, Op] = {}
OPERATORS: dict[type[ast.AST], Op] = {}  # the ops that operators of Python are, by their class in its syntax tree
REAL = "biuf"  # the kinds of dtypes of real numbers
NO_PARAMS: dict[str, Any] = {}
allocate = object.__new__
STOPPED = (RuntimeWarning, *EXPLAINED)  # what ends a computation: `tinygraph.warned` says when a warning does


class Op(Declaration):
    """A differentiable function: call it on arrays and it computes, on at least one Node and it records.

    `name`, `rules` (one per array argument, None where there is no gradient), `elementwise`, `hint`, `numpy`, `notation`,
    `arguments` (the names of the array arguments), `variadic` (whether the last of them takes any number), `defaults` (of the
    keyword metadata), `operator` and `forms` (how source writes it), `kind` (how its axes arise), `reads_shape` (of each array
    argument, whether its shape and dtype alone are read), `dtype` (of its result), `view`, `untraceable`, `steps`, `work`,
    `squashes`, `javascript`, `onnx`: see `tg.op`.
    """

    # Python reads the dictionary of an object with so many attributes the slow way.
    __slots__ = (
        "arity", "arrays_only", "built_in", "check", "compute", "defaults", "elementwise", "keeps_shape", "partial", "pass_on",
        "rules", "takes_sparse", "variadic",
    )  # fmt: skip

    def __init__(self, function: Callable[..., Any], rules: Sequence[Rule | None], settings: Settings) -> None:
        super().__init__(function, rules, settings)
        # What runs on arrays: the operator or ufunc that a built-in function consists of saves its Python frame, and NumPy's
        # scalars are ten times as fast by an operator.
        quickest = self.operator.function if self.of_numbers and self.operator is not None else self.numpy
        self.compute: Callable[..., Any] = quickest if self.built_in and isinstance(self.numpy, np.ufunc) else function
        if settings.get("quiet", False):
            self.compute = _quiet(self.compute)
        self.check = settings.get("check")
        self.takes_sparse = self.name in OPS
        self.partial = None in self.rules
        # Only entry by entry, and where a shape is given apart, does a Python number do as an array.
        self.arrays_only = not self.elementwise and True not in self.reads_shape[1:]
        plain = not (self.variadic or self.defaults or self.partial or self.check or len(self.rules) > 2)
        self.arity = len(self.rules) if plain else 0
        self.pass_on = (pass_to_any, pass_to_one, pass_to_two)[self.arity]
        # A rule of a built-in elementwise op gives the shape of the result, which is that of a lone array operand.
        self.keeps_shape = self.elementwise and self.built_in

    def __call__(self, *arguments: Any, **params: Any) -> Any:
        """Compute on arrays; record where one of the arguments is a Node."""
        if len(arguments) > len(self.rules) and not self.variadic:
            arguments, params = self.split(arguments, params)
        values: Sequence[Any] = arguments
        for x in arguments:
            if type(x) is ndarray:
                continue
            if isinstance(x, Node):
                alone = self.arity == 1 and not params and self.built_in
                return self.record_one(x) if alone else self.record(arguments, params)
            if not isinstance(x, np.generic):
                values = ()
        values = values or [*map(self._array, arguments)]
        if self.check is not None:
            self.check(*values, **(self.defaults | params))
        try:
            value = self.compute(*values, **params)
            return value[()] if type(value) is ndarray and not value.shape else value
        except RuntimeWarning as warning:
            return scalar(self._warned(warning, values, params, user_frame(sys._getframe(1))))

    def _warned(self, warning: RuntimeWarning, values: Sequence[Any], params: dict[str, Any], frame: FrameType) -> Any:
        """The result of a computation that a warning ended, after a warning at the user's line; a user's op warns at its own."""
        if not self.built_in:
            raise warning
        return computed_again(partial(self.compute, *values, **params), warning, frame)

    def _stopped(
        self, error: Exception, operands: Sequence[Any], values: Sequence[Any], params: dict[str, Any], frame: FrameType
    ) -> Any:
        """The result of a recorded computation that a warning ended; an error is raised with all that is known of the op."""
        try:
            if isinstance(error, RuntimeWarning):
                return self._warned(error, values, params, frame)
            raise error
        except EXPLAINED as cause:
            raise op_error(self, operands, cause, frame, self.hint) from cause

    def _array(self, x: Any) -> Any:
        """An operand as NumPy would take it; a Python number only where it may stay one."""
        if not isinstance(x, list | tuple) and not (type(x) in NUMBERS and self.arrays_only):
            return x
        try:
            return as_array(x)[()]
        except EXPLAINED as error:
            raise op_error(self, (x,), error, user_frame(sys._getframe(1))) from error

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return op_named, (self.name,)

    def rules_for(self, count: int) -> Sequence[Rule | None]:
        """One rule for each of `count` inputs; a rule shared by several inputs gets the index of its input as `position`."""
        if not self.variadic:
            return self.rules
        *fixed, shared = self.rules
        extra = range(count - len(fixed))
        return [*fixed, *(None if shared is None else partial(shared, position=position) for position in extra)]

    def record(self, arguments: Sequence[Any], params: dict[str, Any]) -> Node:
        """Run the op on the values of its inputs and keep the result with where it came from."""
        inputs: list[Any] = []
        values: list[Any] = []
        try:
            for x in arguments:
                node = x if isinstance(x, Node) else self._input(x)
                # A user's op gets read-only arrays.
                value = node if type(node) in NUMBERS else node._value if self.built_in else node.operand
                if type(value) is Sparse and not self.takes_sparse:  # not all ops compute with what they are given
                    refuse()
                inputs.append(node)
                values.append(value)
            if self.defaults or params:
                params = self.complete(params)
            if self.check is not None:
                self.check(*values, **params)
        except EXPLAINED as error:  # the operands are refused in words that name the fix
            raise op_error(self, arguments, error, user_frame(sys._getframe(1))) from error
        try:
            value = self.compute(*values, **params)
            value = scalar(value) if self.built_in else result_of(self, value)
        except STOPPED as error:
            value = scalar(self._stopped(error, arguments, values, params, user_frame(sys._getframe(1))))
        return self._recorded(value, tuple(inputs), params or NO_PARAMS, arguments, sys._getframe(1))

    def _input(self, x: Any) -> Any:
        """The node that stands for a bare operand; NumPy's one True and one False, which many names share, are numbers."""
        if type(x) in NUMBERS and not self.arrays_only:
            return x
        if type(x) is np.bool and not self.arrays_only:
            from tinygraph import array_expressions  # which reads the ops

            made = array_expressions.computed(x)
            return bool(x) if made is None else made
        return leaf_of(x)

    def record_one(self, x: Node) -> Node:
        """Do what `record` does for the operand of a unary operator or ufunc, in half the time."""
        try:
            value = self.compute(x._value)
        except STOPPED as error:
            value = self._stopped(error, (x,), (x._value,), NO_PARAMS, user_frame(sys._getframe(2)))
        return self._recorded(value, (x,), NO_PARAMS, (x,), sys._getframe(2))

    def record_two(self, x: Any, y: Any) -> Node:
        """Do what `record` does for the operands of a binary operator or ufunc, in half the time."""
        given = x, y
        if not isinstance(x, Node) and type(x) not in NUMBERS:
            if type(x) is not ndarray or x.dtype.kind not in REAL:
                return self.record(given, NO_PARAMS)
            x = leaf_of(x)
        if not isinstance(y, Node) and type(y) not in NUMBERS:
            if type(y) is not ndarray or y.dtype.kind not in REAL:
                return self.record(given, NO_PARAMS)
            y = leaf_of(y)
        left = x if type(x) in NUMBERS else x._value
        right = y if type(y) in NUMBERS else y._value
        try:
            value = self.compute(left, right)
        except STOPPED as error:
            value = self._stopped(error, given, (left, right), NO_PARAMS, user_frame(sys._getframe(2)))
        return self._recorded(value, (x, y), NO_PARAMS, given, sys._getframe(2))

    def _recorded(
        self, value: Any, inputs: tuple[Any, ...], params: dict[str, Any], given: Sequence[Any], frame: FrameType
    ) -> Node:
        """The node of a result; its attributes are set here because a call of the class takes longer."""
        if type(value) is ndarray and value.ndim > 1 and self.elementwise:
            warn_of_ranks(value, given, frame)
        code = frame.f_code
        if OWN[code.co_filename]:
            back = frame.f_back  # mostly what a sweep calls a rule by
            frame = CALLERS.get(back and back.f_back) or user_frame(frame)
            code = frame.f_code
        node = allocate(Node)
        node._value = value
        node.op = self
        node.inputs = inputs
        node.params = params
        node.code = code
        node.instruction = frame.f_lasti
        node.number = next(NUMBERING)
        return node


def op(*rules: Rule | None, **settings: Unpack[Settings]) -> Callable[[Callable[..., Any]], Op]:
    """Declare a NumPy function as an op, with one gradient rule per array argument.

    `rule(g, out, *inputs, **params)` gets the upstream gradient `g` (shape of `out`), the result and the inputs, and returns the
    contribution to its argument; broadcasting is undone for it. It must be written with operators, NumPy functions and ops, so
    that it can record as well as compute. None stands for an argument without a gradient. For a function of `*inputs` the last
    rule serves all of them and takes the keyword `position`. `elementwise` means that each entry of the result depends on the
    same entry of the inputs alone; `hint` is the fix that an error in computing shows; `numpy` is the NumPy function that the op
    is, which records it when it is given a Node, and as which it prints. `notation` is how mathematics writes it: a function's
    name such as `σ`, or a form with `{}` for each argument, such as `|{}|`, `{} ⊕ {}`, `{}/{}`, `{}²`, `√{}` or
    `{1} if {0}, {2} otherwise`; that of a reduction may have a big operator, as in `Σ {}²`, `max {}` or `1/n Σ {}`, where n is
    how many entries there are. `operator` is the operator of Python that the op is, such as `+`, and `source` another form in
    which source writes it, such as `np.minimum({}, 1)`: text as `syntax.py` describes, a function of the operands and the
    metadata that returns the text, or several of those, of which the first that fits is written. `check(*inputs, **params)`
    raises an error for wrong inputs before anything is computed, and is no part of the function that `graph.source()` prints;
    neither is `quiet`, which means that overflow and underflow inside the function leave its result right, and are not to be
    raised as `np.errstate` may want.

    The rest is what programs read of an op; what they do without it is safe. `kind` is how the axes of the result arise:
    `Elementwise`, `Reduction`, `Same`, `Contraction`, `Rearrangement` or `Opaque`, all of `tg.ops`; else the result is measured.
    `EntryByEntry`, `Sum`, `SumOfProducts` and `Repetition` are kinds that say what the entries are as well, so that gradients are
    written in fewer words, and large arrays are computed in parts.
    `shape_only` names the arguments of which the shape and dtype alone are read. `dtype` is that of the result: the
    name of an argument or of metadata, names of arguments for the dtype that they have together, a dtype, or a function of the
    dtypes of the arguments; else a program casts the result where an argument has another dtype than it was recorded with.
    `view=False` says that the result never shows the entries of an argument; a program copies what may. `untraceable` is why JAX
    cannot trace the op. `steps` is how many steps of arithmetic it takes to compute the result again, 0 or 1: readers that share
    the result, and have no name for it, then compute it each. `work(operands, params)` is how many entries it computes, or more,
    which bounds what a typed formula may ask for; else as many as the operands have, broadcast together. `squashes` means that
    an elementwise op of one argument is flat in both tails, as σ is: a picture can count the entries there. `javascript` is the
    expression by which a page computes an elementwise op of numbers, such as `Math.exp({})` or `{0} * {0}`, with names of
    metadata in braces too; without it a page computes the ops that the function is made of, and shows the recorded value where it
    is not made of ops. `onnx` is what the op is in ONNX: an operator such as `Exp`, operators within each other such as
    `Log(Add({}, 1))`, or a function `(write, node, *inputs)` that writes nodes; see `docs/bridges.md`.

    Raises TypeError where rules and array arguments do not match, ValueError for the name of a built-in op.

    >>> @tg.op(lambda g, out, x: g * np.cos(x), elementwise=True)
    ... def sine(x):
    ...     return np.sin(x)
    >>> x = tg.parameter(0.0)
    >>> tg.gradients(sine(x), x)
    (np.float64(1.0),)
    """

    def declare(function: Callable[..., Any]) -> Op:
        if not callable(function):  # what `op` was given was the function itself, which is called now
            raise TypeError("write @tg.op(rule), with one rule an array argument in the parentheses, above the function")
        new = Op(function, rules, settings)
        old = REGISTRY.get(new.name)
        if old is not None and old.built_in:
            raise ValueError(f"{new.name} is the name of a built-in op: call yours something else")
        REGISTRY[new.name] = new
        if new.operator is not None and new.built_in:
            OPERATORS[new.operator.syntax] = new
            answer(new.operator, new.record_one if len(rules) == 1 else new.record_two)
        if new.numpy is not None:
            NUMPY[new.numpy] = new
            if isinstance(new.numpy, np.ufunc) and new.built_in and not new.defaults and new.check is None:
                UFUNCS[new.numpy] = new.record_one if new.numpy.nin == 1 else new.record_two
        return new

    return declare


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function without NumPy's errors of overflow and underflow, at no cost where there are none."""

    def run(*inputs: Any, **params: Any) -> Any:
        try:
            return function(*inputs, **params)
        except (FloatingPointError, RuntimeWarning):  # a warning that the user's filter turns into an error
            with np.errstate(over="ignore", under="ignore"):
                return function(*inputs, **params)

    return run


def rerun(node: Node, inputs: Sequence[Any]) -> Node:
    """The op that made a node, on other inputs: a node with the same place in the user's code."""
    op = node.op
    assert op is not None
    values = [x.operand if isinstance(x, Node) else x for x in inputs]
    if op.check is not None:
        op.check(*values, **node.params)
    try:
        value = op.compute(*values, **node.params)
    except RuntimeWarning as warning:
        value = op._warned(warning, values, node.params, user_frame(sys._getframe(1)))
    value = scalar(value) if op.built_in else result_of(op, value)
    return Node(value, op, tuple(inputs), node.params, node.code, node.instruction)


def scalar(value: Any) -> Any:
    """A result of shape () as a NumPy scalar, whichever way it was computed."""
    return value[()] if type(value) is np.ndarray and not value.shape else value


def result_of(op: Op, value: Any) -> Any:
    """What a user's op returned, as an array of numbers."""
    if isinstance(value, tuple):
        results = counted(len(value), "result")
        raise TypeError(f"{op.name} returned {results}: an op has one; write an op for each, or return np.stack([...])")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{op.name} returned {type(value).__name__} of dtype {array.dtype}: an op returns one array of real numbers"
        )
    return array if array.shape else array[()]


def op_named(name: str) -> Op:
    """Find an op by name, as a loaded graph must."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise LookupError(f"no op is called {name!r}: import the module that declares it, then load again") from None
