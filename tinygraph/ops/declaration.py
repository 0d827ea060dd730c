"""What an op says about itself, which programs read: how it is called, how its axes and its dtype arise, how it is written."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any, TypeAlias, TypedDict

import numpy as np

from tinygraph.node import Node
from tinygraph.ops.dtypes import Dtype, of_ufunc, together
from tinygraph.ops.kinds import Elementwise, Kind, Opaque, Params, Reduction, Repetition, Sum, SumOfProducts
from tinygraph.ops.work import Work, entry_by_entry
from tinygraph.syntax import Operator, SourceForm, Written, operator_of
from tinygraph.wording import counted, suggestion

Array: TypeAlias = Any  # an ndarray or NumPy scalar when an op computes, a Node when a rule records
Rule: TypeAlias = Callable[..., Array]
Spelled: TypeAlias = str | SourceForm | Callable[..., "str | Written | None"]  # how source writes an op
Untraceable: TypeAlias = "str | Callable[[Sequence[Any], Params], str]"
EMPTY = inspect.Parameter.empty
PLAIN = (bool, int, float, str, type(None))  # metadata that is kept as it is


class Settings(TypedDict, total=False):
    """What `tg.op` takes beside the rules, and describes."""

    # How it computes
    elementwise: bool
    check: Callable[..., None]
    quiet: bool
    hint: str
    # How it is written
    numpy: Any
    operator: str
    source: Spelled | Sequence[Spelled]
    notation: str | Callable[..., str]
    # What programs read of it
    kind: Kind
    shape_only: Sequence[str]
    dtype: Any
    view: bool
    untraceable: Untraceable
    steps: int
    work: Work
    squashes: bool
    javascript: str
    onnx: str | Callable[..., Any]


class Declaration:
    """A function with its rules and its settings, and what follows from them."""

    def __init__(self, function: Callable[..., Any], rules: Sequence[Rule | None], settings: Settings) -> None:
        self.function = function
        self.rules: tuple[Any, ...] = tuple(rules)
        module = function.__module__ or "__main__"  # exec in a namespace without __name__ sets it to None
        self.built_in = module.startswith("tinygraph.ops.")
        self.name = self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__doc__, self.__module__ = function.__doc__, module
        self.__wrapped__ = function  # doctest and inspect read the function through it
        self.arguments, self.variadic, self.defaults = _parameters(function)
        shape_only, kind = settings.get("shape_only", ()), settings.get("kind")
        _refuse_types(self.name, shape_only, kind)
        self.is_settled = all(isinstance(value, PLAIN) for value in self.defaults.values())
        self.elementwise = settings.get("elementwise", False) or isinstance(kind, Elementwise)
        self.reads_shape = tuple(name in shape_only for name in self.arguments)
        self.reads_values = False in self.reads_shape
        self.hint = settings.get("hint", "")

        self.numpy: Any = settings.get("numpy")
        symbol, source = settings.get("operator"), settings.get("source", ())
        self.operator: Operator | None = operator_of(symbol, len(self.rules)) if symbol else None
        self.of_numbers = self.operator is not None and self.elementwise  # whether it makes a Python number of Python numbers
        forms = [source] if isinstance(source, str | SourceForm) or callable(source) else source
        self.forms = tuple(SourceForm(form) if isinstance(form, str) else form for form in forms)
        # Whether source writes it as its operand.
        self.is_operand = self.elementwise and [x.text for x in self.forms if isinstance(x, SourceForm)] == ["{}"]
        self.notation = settings.get("notation") or self.name

        self.kind = kind or self._usual_kind()
        dtype = settings.get("dtype")
        self.dtype = self._usual_dtype() if dtype is None else np.dtype(dtype) if isinstance(dtype, type) else dtype
        self.view = settings.get("view", False if self.built_in else None)
        self._untraceable = settings.get("untraceable", "")
        self.steps = settings.get("steps")
        self.work = settings.get("work", entry_by_entry)
        self.squashes = settings.get("squashes", False)
        self.javascript = settings.get("javascript", "")
        self.onnx = settings.get("onnx", "")
        self._refuse_contradictions(settings.keys() - Settings.__annotations__.keys(), set(shape_only) - set(self.arguments))

    def _refuse_contradictions(self, settings: Collection[str], arguments: Collection[str]) -> None:
        """Raise TypeError for settings and arguments that there are not, and for what does not fit together."""
        if settings:
            wrong = sorted(settings)
            raise TypeError(f"tg.op has no setting {', '.join(wrong)}: {suggestion(wrong[0], Settings.__annotations__)}")
        if len(self.rules) != len(self.arguments):
            raise TypeError(
                f"op {self.name} has {counted(len(self.arguments), 'array argument')} ({', '.join(self.arguments)}) but "
                f"{counted(len(self.rules), 'rule')}: give one rule per array argument, None where there is no gradient, and put "
                "metadata such as axis behind a `*`"
            )
        if arguments:
            raise TypeError(f"op {self.name} has no array argument {', '.join(sorted(arguments))}")
        if self.elementwise and self.kind != Elementwise():
            raise TypeError(f"op {self.name} has no kind but Elementwise(): not {self.kind}")
        if self.javascript and not self.elementwise:
            raise TypeError(f"op {self.name} has javascript=, an expression of numbers, and is not elementwise")
        self._refuse_what_is_not_said()
        for form in () if self.built_in else self.forms:
            if isinstance(form, SourceForm):
                form.check()

    def _refuse_what_is_not_said(self) -> None:
        """Raise TypeError where an operator or a kind says all that an op computes, and its signature says more."""
        says_all = self.operator is not None or isinstance(self.kind, Sum | SumOfProducts | Repetition)
        if self.built_in or not says_all:
            return
        said = f"operator={self.operator.text!r}" if self.operator is not None else f"kind={type(self.kind).__name__}"
        is_sum = self.operator is None and isinstance(self.kind, Sum)
        more = self.defaults.keys() - ({"axis", "keepdims"} if is_sum else ())
        if more:
            raise TypeError(
                f"op {self.name} has metadata ({', '.join(sorted(more))}) that {said} says nothing of: leave one of them out"
            )
        if isinstance(self.kind, Repetition) and len(self.arguments) != 2:
            raise TypeError(f"op {self.name} has more arguments than the two of {said}: declare Same(argument, fits=True)")

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

    def split(self, arguments: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
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
        return self.reads_shape[self.argument(position)]

    def result_dtype(self, found: Sequence[Dtype], params: Params) -> Dtype | None:
        """The dtype of the result for arguments of some dtypes; None where nothing is declared."""
        if isinstance(self.dtype, str) and self.dtype in params:
            return np.dtype(params[self.dtype])
        return _result_dtype(self, tuple(found))

    def untraceable(self, inputs: Sequence[Any], params: Params) -> str:
        """Why JAX cannot trace the op with these inputs, which have a shape and a kind of dtype; empty where it can."""
        return self._untraceable if isinstance(self._untraceable, str) else self._untraceable(inputs, params)

    def complete(self, params: dict[str, Any]) -> dict[str, Any]:
        """All metadata of a call, with what it leaves out."""
        if not params and self.is_settled:
            return self.defaults
        unknown = params.keys() - self.defaults.keys()
        if unknown:
            raise TypeError(f"{self.signature()} takes no {', '.join(sorted(unknown))}")
        complete = {name: settled(value) for name, value in (self.defaults | params).items()}
        missing = [name for name, value in complete.items() if value is EMPTY]
        if missing:
            raise TypeError(f"{self.signature()} needs {', '.join(missing)}")
        return complete


def _refuse_types(name: str, shape_only: Any, kind: Any) -> None:
    """Raise TypeError for settings of the wrong type."""
    if isinstance(shape_only, str):
        raise TypeError(f"op {name}: write shape_only=({shape_only!r},), a tuple of names")
    if kind is not None and not isinstance(kind, Kind):
        write = f"{kind.__name__}()" if isinstance(kind, type) and issubclass(kind, Kind) else "one such as tg.ops.Elementwise()"
        raise TypeError(f"op {name} has no kind {getattr(kind, '__name__', repr(kind))}: write {write}")


def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], bool, dict[str, Any]]:
    """The array arguments of a function, whether the last of them takes any number, and the defaults of its metadata."""
    own = inspect.unwrap(function)
    if isinstance(own, FunctionType):  # whose code says it in less time
        code, defaults = own.__code__, own.__kwdefaults__ or {}
        names, first, last = code.co_varnames, code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        variadic = bool(code.co_flags & inspect.CO_VARARGS)
        arguments = names[:first] + names[last : last + variadic]
        return arguments, variadic, {name: defaults.get(name, EMPTY) for name in names[first:last]}
    found = inspect.signature(function).parameters.values()
    return tuple(p.name for p in found if p.kind is not p.KEYWORD_ONLY), False, {}


@lru_cache(maxsize=4096)
def _result_dtype(op: Declaration, found: tuple[Dtype, ...]) -> Dtype | None:
    if isinstance(op.dtype, str | tuple):
        named = (op.dtype,) if isinstance(op.dtype, str) else op.dtype
        return together(*(dtype for i, dtype in enumerate(found) if op.arguments[op.argument(i)] in named))
    return op.dtype(*found) if callable(op.dtype) else op.dtype


def whole(value: Any) -> int:
    """A whole number for Python; where it is a node, or the user's expression computes it of an array, that is a decision."""
    from tinygraph import array_expressions  # which reads the ops

    made = array_expressions.computed(value) if isinstance(value, np.integer) else None
    return operator.index(value if made is None else made)


def settled(value: Any) -> Any:
    """Metadata that nobody can change afterwards: lists and arrays of numbers become tuples, NumPy's integers Python's."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Node | np.integer):
        return whole(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(settled, value)) if isinstance(value, list | tuple) else value
