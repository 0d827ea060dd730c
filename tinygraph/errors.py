"""Error messages of failed ops: the op, its operands by the user's names, their shapes, the line of code and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.place import OWN, Place, place_of
from tinygraph.sparse import SparseError, sparsity

if TYPE_CHECKING:
    from tinygraph.graph import Graph
    from tinygraph.node import Node
    from tinygraph.ops import Op


@dataclass(frozen=True)
class Failure:
    """What failed, where and why, as the message of the error has it.

    `names` are what the user calls the operands, `described` what they are; `reads` has the places of those that were recorded
    among the outputs of the graph that leads up to it, and None for the others.
    """

    called: str
    names: tuple[str, ...]
    described: tuple[str, ...]
    reads: tuple[int | None, ...]
    reason: str
    place: Place
    fix: str

    @property
    def call(self) -> str:
        """The call as it may stand in source."""
        return f"{self.called}({', '.join(self.names)})"

    def __str__(self) -> str:
        lines = [f"{self.call}: {self.reason}"]
        lines += [f"  {name} is {described}" for name, described in zip(self.names, self.described, strict=True)]
        lines += [f"  at {self.place}"]
        return "\n".join([*lines, *([f"  fix: {self.fix}"] if self.fix else [])])


class OpError(Exception):
    """An op failed for its operands; the error is also the ValueError, TypeError, ... that NumPy would raise.

    `op` is the op (None for a NumPy function of several ops), `operands` what it was given, `place` the user's line.

    `graph` leads up to it: `error.graph.draw()` shows what failed in red, and `error.graph.stepper()` walks there.

    >>> try:
    ...     tg.parameter([1.0, 2.0]) + np.ones(3)
    ... except ValueError as error:
    ...     print(error.op.name, isinstance(error, tg.OpError))
    add True
    """

    op: Op | None
    operands: tuple[Any, ...]
    failure: Failure

    @property
    def place(self) -> Place:
        """The user's line."""
        return self.failure.place

    @property
    def graph(self) -> Graph | None:
        """The graph up to the failing op, named by what was in reach when it failed; None where no operand was recorded.

        `error.graph.stepper()` walks through it, forward.
        """
        from tinygraph.graph import partial_graph

        nodes = _recorded(self.operands)
        names: dict[str, Any] = {}
        trace = self.__traceback__
        while trace is not None:
            if not OWN[trace.tb_frame.f_code.co_filename]:
                names = trace.tb_frame.f_locals | {k: x for k, x in names.items() if k not in trace.tb_frame.f_locals}
            trace = trace.tb_next
        return partial_graph(nodes, names, self.failure) if nodes else None


class OpValueError(OpError, ValueError):
    """An operand has a value or shape that the op does not support."""


class OpTypeError(OpError, TypeError):
    """An operand has a type that the op does not support."""


class OpIndexError(OpError, IndexError):
    """An index is out of bounds."""


class OpOverflowError(OpError, OverflowError):
    """A Python number is too large for the dtype that it meets."""


class OpFloatingPointError(OpError, FloatingPointError):
    """A floating-point error in an op, where `np.errstate` is set to raise."""


class GradientError(AssertionError):
    """A gradient that differs from the difference quotient, or breaks another rule that every op keeps."""


class NonFiniteError(FloatingPointError):
    """A value that was to be finite is NaN or infinite; `graph` leads up to it."""

    def __init__(self, message: str, graph: Graph) -> None:
        super().__init__(message)
        self.graph = graph

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.graph), vars(self)


BROADCASTING = (
    "shapes are compared from the right, where sizes must be equal or 1; "
    "give one operand the missing axis (x[:, None]) or transpose it (x.T)"
)
NUMPY_CANNOT_BROADCAST = ("could not be broadcast", "cannot be broadcast")
EXPLAINED = (ValueError, TypeError, IndexError, FloatingPointError, OverflowError)


def op_error(op: Op, operands: Sequence[Any], cause: Exception, frame: FrameType, hint: str = "") -> OpError:
    """Describe `cause`, which kept `op` from running on behalf of `frame`; `hint` is a fix where `cause` names none."""
    error = call_error(op.name, operands, cause, frame, hint)
    error.op = op
    return error


def call_error(called: str, operands: Sequence[Any], cause: Exception, frame: FrameType, hint: str = "") -> OpError:
    """The same for any function by its name."""
    kind = next(kind for kind in OpError.__subclasses__() if isinstance(cause, kind.__bases__[1]))
    names = [name_in(frame, x) or f"operand {i}" for i, x in enumerate(operands, 1)]
    hint = cause.fix if isinstance(cause, SparseError) else hint
    hint = hint or (BROADCASTING if any(words in str(cause) for words in NUMPY_CANNOT_BROADCAST) else "")
    places = {id(node): i for i, node in enumerate(_recorded(operands))}
    reads = tuple(places.get(id(x)) for x in operands)
    place = place_of(frame.f_code, frame.f_lasti)
    failure = Failure(called, tuple(names), tuple(map(describe, operands)), reads, str(cause), place, hint)
    error = kind(str(failure))
    error.op, error.operands, error.failure = None, tuple(operands), failure
    return error


def _recorded(operands: Sequence[Any]) -> list[Node]:
    """The operands that were recorded, each once."""
    return list(dict.fromkeys(x for x in operands if hasattr(x, "_value")))


def name_in(frame: FrameType, value: Any) -> str | None:
    """What the user calls `value` in that frame, if anything."""
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return None
    for scope in (frame.f_locals, frame.f_globals):
        for name, held in scope.items():
            if held is value and not name.startswith("_"):
                return name
    return None


def describe(x: Any) -> str:
    """One operand in words: a number as itself, else its kind, shape and dtype.

    >>> describe(2), describe(np.ones((2, 3)))
    ('the number 2', 'an array of shape (2, 3), float64')
    """
    if isinstance(x, int | float):
        return f"the number {x}"
    kind = x.kind if hasattr(x, "kind") else "array" if isinstance(x, np.ndarray | np.generic) else type(x).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    if not hasattr(x, "shape"):
        return f"{article} {kind}: {x!r:.60}"
    parts = (f"{article} {kind} of shape {x.shape}", f"{getattr(x, 'dtype', '')}", sparsity(getattr(x, "_value", x)))
    return ", ".join(filter(None, parts))
