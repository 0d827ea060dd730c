"""How an op is declared, and how calling one records a node.

An op is a NumPy function under its derivative: one rule per array argument, `rule(g, out, *inputs, **params)`, which turns
the upstream gradient `g` into that argument's contribution. The same rule runs on arrays, where it computes, and on Nodes,
where it records, because everything it calls does so too.
"""

from __future__ import annotations

import ast
import inspect
import operator
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.decisions import NUMBERS
from tinygraph.errors import TOLD, counted, op_error
from tinygraph.leaves import as_array, leaf_of
from tinygraph.node import NUMBERING, Node
from tinygraph.ops.dtypes import Dtype, of_ufunc, together
from tinygraph.ops.kinds import Elementwise, Kind, Opaque, Params, Reduction
from tinygraph.ops.passing import pass_to_any, pass_to_one, pass_to_two
from tinygraph.ops.syntax import Form, Operator, Written, operator_of
from tinygraph.ops.work import Work, entry_by_entry
from tinygraph.place import CALLERS, OWN, user_frame
from tinygraph.ranks import warn_of_ranks
from tinygraph.sparse import OPS, Sparse, refuse
from tinygraph.warned import computed_again

Array: TypeAlias = Any  # an ndarray or NumPy scalar when an op computes, a Node when a rule records
Rule: TypeAlias = Callable[..., Array]
Spelled: TypeAlias = str | Form | Callable[..., "str | Written | None"]  # how source writes an op
Untraceable: TypeAlias = "str | Callable[[Sequence[Any], Params], str]"

REGISTRY: dict[str, Op] = {}
NUMPY: dict[Any, Callable[..., Any]] = {}  # what answers a NumPy function that is given a Node
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}  # the quick way of recording the ufuncs among those
OPERATORS: dict[type[ast.AST], Op] = {}  # the ops that operators of Python are, by their class in its syntax tree
NO_PARAMS: dict[str, Any] = {}
allocate = object.__new__
EMPTY = inspect.Parameter.empty
STOPPED = (RuntimeWarning, *TOLD)  # what ends a computation: `tinygraph.warned` says when a warning does


class Op:
    """A differentiable function: call it on arrays and it computes, on at least one Node and it records.

    `name`, `rules` (one per array argument, None where there is no gradient), `elementwise`, `hint`, `numpy`, `notation`,
    `arguments` (the names of the array arguments), `variadic` (whether the last of them takes any number), `defaults` (of the
    keyword metadata), `operator` and `forms` (how source writes it), `kind` (how its axes arise), `reads_shape` (of each array
    argument, whether its shape and dtype alone are read), `dtype` (of its result), `view`, `untraceable`, `steps`, `work`,
    `squashes`, `javascript`: see `tg.op`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        rules: Sequence[Rule | None],
        elementwise: bool = False,
        hint: str = "",
        numpy: Any = None,
        notation: str | Callable[..., str] = "",
        check: Callable[..., None] | None = None,
        quiet: bool = False,
        operator: str = "",
        source: Spelled | Sequence[Spelled] = (),
        kind: Kind | None = None,
        shape_only: Sequence[str] = (),
        dtype: Any = None,
        view: bool | None = None,
        untraceable: Untraceable = "",
        steps: int | None = None,
        work: Work = entry_by_entry,
        squashes: bool = False,
        javascript: str = "",
    ) -> None:
        self.function = function
        self.rules: tuple[Any, ...] = tuple(rules)
        module = function.__module__ or "__main__"  # exec in a namespace without __name__ sets it to None
        self.built_in = module.startswith("tinygraph.ops.")
        self.operator: Operator | None = operator_of(operator, len(self.rules)) if operator else None
        # What runs on arrays: the operator or ufunc that a built-in function consists of saves its Python frame, and NumPy's
        # scalars are ten times as fast by an operator.
        is_ufunc = self.built_in and isinstance(numpy, np.ufunc)
        self.elementwise = elementwise or isinstance(kind, Elementwise)
        quickest = self.operator.function if self.operator is not None and self.elementwise else numpy
        self.compute: Callable[..., Any] = quickest if is_ufunc else function
        self.of_numbers = self.operator is not None and self.elementwise  # whether it makes a Python number of Python numbers
        self.hint = hint
        self.numpy = numpy
        forms = [source] if isinstance(source, str | Form) or callable(source) else source
        self.forms = tuple(Form(form) if isinstance(form, str) else form for form in forms)
        for form in () if self.built_in else self.forms:
            if isinstance(form, Form):
                form.check()
        self.notation = notation or function.__name__
        self.name = self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__doc__, self.__module__ = function.__doc__, module
        self.__wrapped__ = function  # doctest and inspect read the function through it
        kinds = inspect.signature(function).parameters.values()
        self.arguments = tuple(p.name for p in kinds if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD))
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in kinds)
        self.defaults = {p.name: p.default for p in kinds if p.kind is p.KEYWORD_ONLY}
        if quiet:
            self.compute = _quiet(self.compute)
        self.check = check
        self.takes_sparse = self.name in OPS
        self.partial = None in self.rules
        self.reads_shape = tuple(name in shape_only for name in self.arguments)
        # Only entry by entry, and where a shape is given apart, does a Python number do as an array.
        self.arrays_only = not self.elementwise and True not in self.reads_shape[1:]
        self.kind = self._usual_kind() if kind is None else kind
        self.dtype = self._usual_dtype() if dtype is None else np.dtype(dtype) if isinstance(dtype, type) else dtype
        self.view = view if view is not None or not self.built_in else False
        self._untraceable = untraceable
        self.steps = steps
        self.work = work
        self.squashes = squashes
        self.javascript = javascript
        plain = not (self.variadic or self.defaults or self.partial or self.check or len(self.rules) > 2)
        self.arity = len(self.rules) if plain else 0
        self.pass_on = (pass_to_any, pass_to_one, pass_to_two)[self.arity]
        # A rule of a built-in elementwise op gives the shape of the result, which is that of a lone array operand.
        self.keeps_shape = self.elementwise and self.built_in
        if len(self.rules) != len(self.arguments):
            raise TypeError(
                f"op {self.name} has {counted(len(self.arguments), 'array argument')} ({', '.join(self.arguments)}) but "
                f"{counted(len(self.rules), 'rule')}: give one rule per array argument, None where there is no gradient, and put "
                "metadata such as axis behind a `*`"
            )
        unknown = set(shape_only) - set(self.arguments)
        if unknown or (self.elementwise and self.kind != Elementwise()):
            wrong = (
                f"no array argument {', '.join(sorted(unknown))}" if unknown else f"no kind but Elementwise(): not {self.kind}"
            )
            raise TypeError(f"op {self.name} has {wrong}")

    def _usual_kind(self) -> Kind:
        if self.elementwise:
            return Elementwise()
        return Reduction() if self.built_in and {"axis", "keepdims"} <= self.defaults.keys() else Opaque()

    def _usual_dtype(self) -> Any:
        """What NumPy's function gives, or what the values have together; of a user's op nothing is known but what it gave."""
        if isinstance(self.numpy, np.ufunc):
            return of_ufunc(self.numpy)
        values = tuple(name for name, shape_alone in zip(self.arguments, self.reads_shape, strict=True) if not shape_alone)
        return values if self.built_in else None

    def __call__(self, *arguments: Any, **params: Any) -> Any:
        """Compute on arrays; record where one of the arguments is a Node."""
        if self.arity == 1 and len(arguments) == 1 and not params and self.built_in and isinstance(arguments[0], Node):
            return self.record_one(arguments[0])
        if len(arguments) > len(self.rules) and not self.variadic:
            arguments, params = self._split(arguments, params)
        for x in arguments:
            if isinstance(x, Node):
                return self.record(arguments, params)
        values = [*map(self._array, arguments)]
        if self.check is not None:
            self.check(*values, **(self.defaults | params))
        try:
            return scalar(self.compute(*values, **params))
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
        except TOLD as cause:
            raise op_error(self, operands, cause, frame, self.hint) from cause

    def _array(self, x: Any) -> Any:
        """An operand as NumPy would take it; a Python number only where it may stay one."""
        if not isinstance(x, list | tuple) and not (type(x) in NUMBERS and self.arrays_only):
            return x
        try:
            return as_array(x)[()]
        except TOLD as error:
            raise op_error(self, (x,), error, user_frame(sys._getframe(1))) from error

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return op_named, (self.name,)

    def _split(self, arguments: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Read positional metadata, as in `softmax(z, 1)`, by the order of the signature."""
        count = len(self.rules)
        extra = dict(zip(self.defaults, arguments[count:], strict=False))
        if len(arguments) > count + len(self.defaults) or extra.keys() & params.keys():
            raise TypeError(f"{self.signature()} was given {len(arguments)} positional arguments")
        return arguments[:count], extra | params

    def signature(self) -> str:
        """The call to write, for error messages: `sum(x, axis=None, keepdims=False)`."""
        names = ["*" * (self.variadic and name == self.arguments[-1]) + name for name in self.arguments]
        names += [name if value is EMPTY else f"{name}={value!r}" for name, value in self.defaults.items()]
        return f"{self.name}({', '.join(names)})"

    def argument(self, position: int) -> int:
        """Which of the arguments of the signature one of those that a call gives is."""
        return min(position, len(self.arguments) - 1)

    def reads_shape_at(self, position: int) -> bool:
        """Whether the shape and dtype alone are read of one of the arguments that a call gives."""
        return self.reads_shape[position if position < len(self.reads_shape) else -1]

    def result_dtype(self, found: Sequence[Dtype], params: Params) -> Dtype | None:
        """The dtype of the result for arguments of some dtypes; None where nothing is declared."""
        if isinstance(self.dtype, str) and self.dtype in params:
            return np.dtype(params[self.dtype])
        return _result_dtype(self, tuple(found))

    def untraceable(self, inputs: Sequence[Any], params: Params) -> str:
        """Why JAX cannot trace the op with these inputs, which have a shape and a kind of dtype; empty where it can."""
        return self._untraceable if isinstance(self._untraceable, str) else self._untraceable(inputs, params)

    def rules_for(self, count: int) -> Sequence[Rule | None]:
        """One rule for each of `count` inputs; a rule shared by several inputs gets the index of its input as `position`."""
        if not self.variadic:
            return self.rules
        *fixed, shared = self.rules
        extra = range(count - len(fixed))
        return [*fixed, *(None if shared is None else partial(shared, position=position) for position in extra)]

    def record(self, arguments: Sequence[Any], params: dict[str, Any]) -> Node:
        """Run the op on the values of its inputs and keep the result with where it came from."""
        frame = user_frame(sys._getframe(1))
        try:
            inputs = tuple([x if isinstance(x, Node) or self._stays_number(x) else self._leaf(x) for x in arguments])
            if self.defaults or params:
                params = self._complete(params)
            if self.built_in:
                values = [x._value if isinstance(x, Node) else x for x in inputs]
            else:  # gets read-only arrays, and its result is checked
                values = [x.operand if isinstance(x, Node) else x for x in inputs]
            for x in values:
                if type(x) is Sparse and not self.takes_sparse:  # not all ops compute with what they are given
                    refuse()
            if self.check is not None:
                self.check(*values, **params)
        except TOLD as error:  # the operands are refused in words that name the fix
            raise op_error(self, arguments, error, frame) from error
        try:
            value = self.compute(*values, **params)
            value = scalar(value) if self.built_in else result_of(self, value)
        except STOPPED as error:
            value = scalar(self._stopped(error, arguments, values, params, frame))
        if self.elementwise and type(value) is ndarray and value.ndim > 1:
            warn_of_ranks(value, arguments, sys._getframe(1))
        return Node(value, self, inputs, params or NO_PARAMS, frame.f_code, frame.f_lasti)

    def _leaf(self, x: Any) -> Any:
        """The node that stands for a bare operand; NumPy's one True and one False, which many names share, are numbers."""
        if type(x) is np.bool and not self.arrays_only:
            from tinygraph import written  # which reads the ops

            made = written.computed(x)
            return bool(x) if made is None else made
        return leaf_of(x)

    def _stays_number(self, x: Any) -> bool:
        return type(x) in NUMBERS and not self.arrays_only

    def record_one(self, x: Node) -> Node:
        """Do what `record` does for the operand of a unary operator or ufunc, in half the time."""
        try:
            value = self.compute(x._value)
        except STOPPED as error:
            value = self._stopped(error, (x,), (x._value,), NO_PARAMS, user_frame(sys._getframe(2)))
        return self._recorded(value, (x,), sys._getframe(2))

    def record_two(self, x: Any, y: Any) -> Node:
        """Do what `record` does for the operands of a binary operator or ufunc, in half the time."""
        if isinstance(x, Node):
            left = x._value
        elif type(x) in NUMBERS:
            left = x
        else:
            return self.record((x, y), NO_PARAMS)
        if isinstance(y, Node):
            right = y._value
        elif type(y) in NUMBERS:
            right = y
        else:
            return self.record((x, y), NO_PARAMS)
        try:
            value = self.compute(left, right)
        except STOPPED as error:
            value = self._stopped(error, (x, y), (left, right), NO_PARAMS, user_frame(sys._getframe(2)))
        return self._recorded(value, (x, y), sys._getframe(2))

    def _recorded(self, value: Any, inputs: tuple[Any, ...], frame: FrameType) -> Node:
        """The node of a result without metadata; its attributes are set here because a call of the class takes longer."""
        code = frame.f_code
        if OWN[code.co_filename]:
            back = frame.f_back  # mostly what a sweep calls a rule by
            frame = CALLERS.get(back and back.f_back) or user_frame(frame)
            code = frame.f_code
        elif type(value) is ndarray and value.ndim > 1 and self.elementwise:
            warn_of_ranks(value, inputs, frame)
        node = allocate(Node)
        node._value = value
        node.op = self
        node.inputs = inputs
        node.params = NO_PARAMS
        node.code = code
        node.instruction = frame.f_lasti
        node.number = next(NUMBERING)
        return node

    def _complete(self, params: dict[str, Any]) -> dict[str, Any]:
        unknown = params.keys() - self.defaults.keys()
        if unknown:
            raise TypeError(f"{self.signature()} takes no {', '.join(sorted(unknown))}")
        complete = {name: settled(value) for name, value in (self.defaults | params).items()}
        missing = [name for name, value in complete.items() if value is EMPTY]
        if missing:
            raise TypeError(f"{self.signature()} needs {', '.join(missing)}")
        return complete


@lru_cache(maxsize=4096)
def _result_dtype(op: Op, found: tuple[Dtype, ...]) -> Dtype | None:
    if isinstance(op.dtype, str | tuple):
        named = (op.dtype,) if isinstance(op.dtype, str) else op.dtype
        return together(*(dtype for i, dtype in enumerate(found) if op.arguments[op.argument(i)] in named))
    return op.dtype(*found) if callable(op.dtype) else op.dtype


def op(
    *rules: Rule | None,
    elementwise: bool = False,
    hint: str = "",
    numpy: Any = None,
    notation: str | Callable[..., str] = "",
    check: Callable[..., None] | None = None,
    quiet: bool = False,
    operator: str = "",
    source: Spelled | Sequence[Spelled] = (),
    kind: Kind | None = None,
    shape_only: Sequence[str] = (),
    dtype: Any = None,
    view: bool | None = None,
    untraceable: Untraceable = "",
    steps: int | None = None,
    work: Work = entry_by_entry,
    squashes: bool = False,
    javascript: str = "",
) -> Callable[[Callable[..., Any]], Op]:
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
    which source writes it, such as `np.minimum({}, 1)`: text as `ops/syntax.py` describes, a function of the operands and the
    metadata that returns the text, or several of those, of which the first that fits is written. `check(*inputs, **params)`
    raises an error for wrong inputs before anything is computed, and is no part of the function that `graph.source()` prints;
    neither is `quiet`, which means that overflow and underflow inside the function leave its result right, and are not to be
    raised as `np.errstate` may want.

    The rest is what programs read of an op; what they do without it is safe. `kind` is how the axes of the result arise:
    `Elementwise`, `Reduction`, `Same`, `Contraction`, `Rearrangement` or `Opaque`, all of `tg.ops`; else the result is
    measured. `shape_only` names the arguments of which the shape and dtype alone are read. `dtype` is that of the result: the
    name of an argument or of metadata, names of arguments for the dtype that they have together, a dtype, or a function of
    the dtypes of the arguments; else a program casts the result where an argument has another dtype than it was recorded
    with. `view=False` says that the result never shows the entries of an argument; a program copies what may. `untraceable`
    is why JAX cannot trace the op. `steps` is how many steps of arithmetic it takes to compute the result again, 0 or 1:
    readers that share the result, and have no name for it, then compute it each. `work(operands, params)` is how many entries
    it computes, or more, which bounds what a typed formula may ask for; else as many as the operands have, broadcast
    together. `squashes` means that an elementwise op of one argument is flat in both tails, as σ is: a picture can count the
    entries there. `javascript` is the expression by which a page computes an elementwise op of numbers, such as `Math.exp({})` or
    `{0} * {0}`, with names of metadata in braces too; without it a page computes the ops that the function is made of, and
    shows the recorded value where it is not made of ops.

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
        new = Op(
            function, rules, elementwise, hint, numpy, notation, check, quiet, operator, source, kind, shape_only, dtype, view,
            untraceable, steps, work, squashes, javascript,
        )  # fmt: skip
        old = REGISTRY.get(new.name)
        if old is not None and old.built_in:
            raise ValueError(f"{new.name} is the name of a built-in op: call yours something else")
        REGISTRY[new.name] = new
        if new.operator is not None and new.built_in:
            OPERATORS[new.operator.syntax] = new
        if numpy is not None:
            NUMPY[numpy] = new
            if isinstance(numpy, np.ufunc) and new.built_in and not new.defaults and new.check is None:
                UFUNCS[numpy] = new.record_one if numpy.nin == 1 else new.record_two
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


def implements(*functions: Any, operator: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function that NumPy functions call when they are given a Node; `operator` is the operator that it answers."""

    def declare(own: Callable[..., Any]) -> Callable[..., Any]:
        if operator:
            vars(own)["operator"] = operator_of(operator, 2)
        for function in functions:
            NUMPY[function] = own
        return own

    return declare


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


def whole(value: Any) -> int:
    """A whole number for Python; where it is a node, or the user's expression computes it of an array, that is a decision."""
    from tinygraph import written  # which reads the ops

    made = written.computed(value) if isinstance(value, np.integer) else None
    return operator.index(value if made is None else made)


def settled(value: Any) -> Any:
    """Metadata that nobody can change afterwards: lists and arrays of numbers become tuples, NumPy's integers Python's."""
    if isinstance(value, Node | np.integer):
        return whole(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(settled, value)) if isinstance(value, list | tuple) else value


def op_named(name: str) -> Op:
    """Find an op by name, as a loaded graph must."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise LookupError(f"no op is called {name!r}: import the module that declares it, then load again") from None
