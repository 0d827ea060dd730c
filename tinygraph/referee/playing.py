"""A recorded graph on another engine: every call of the engine is made here, and what it raises or returns is looked at.

The ops of the graph, applied by the engine, are the `Step`s. An op made of others that the engine does not have is several steps:
those of its body.
"""

from __future__ import annotations

import ast
import re
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from tinygraph.backprop import reached
from tinygraph.excerpt import excerpt
from tinygraph.express.text import cut
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import REGISTRY
from tinygraph.place import PACKAGE, Place, is_installed
from tinygraph.program.composed import composition_of
from tinygraph.program.statements import program_of
from tinygraph.referee.limits import StoppedError

METHODS = ("leaf", "apply", "value", "backward", "gradient")
NAME = 40  # characters of what stands for a name
PLACE = 100  # characters of a line of code
REASON = 200  # characters of the message of an error
UNKNOWN = (LookupError, AttributeError)  # what an engine raises where it looks for an op that it does not have, or else
UNKNOWN_OP = re.compile(r"unknown|unsupported|no such|no op\b|not (supported|implemented|known|found)", re.IGNORECASE)  # says


class Engine(Protocol):
    """What an engine has, or an adapter around it, to be compared."""

    def leaf(self, array: Any) -> Any:
        """The engine's own value of an array, or of a number where the shape is ()."""

    def apply(self, op_name: str, *inputs: Any, **params: Any) -> Any:
        """The result of an op, named as in `tinygraph.ops`; inputs are values of the engine or Python numbers."""

    def value(self, x: Any) -> Any:
        """The number or array that a value of the engine holds."""

    def backward(self, output: Any) -> None:
        """Compute the gradients of a scalar output, whatever was computed before."""

    def gradient(self, x: Any) -> Any:
        """The gradient of the output of the latest `backward` with respect to a value of the engine."""


class Trouble(NamedTuple):
    """What went wrong in a call of the engine: a kind of slip, and a sentence."""

    kind: str
    text: str


class CallError(Exception):
    """Ends a call of the engine that went wrong."""

    def __init__(self, trouble: Trouble, is_unknown: bool = False) -> None:
        super().__init__(trouble.text)
        self.trouble, self.is_unknown = trouble, is_unknown


@dataclass(eq=False)
class Step:
    """One leaf, or one op applied to what earlier steps gave and to Python numbers; `part_of` is the node of the graph."""

    node: Node
    inputs: tuple[Operand, ...]
    name: str
    part_of: Node

    @property
    def steps(self) -> list[Step]:
        """The inputs that are steps."""
        return [x for x in self.inputs if isinstance(x, Step)]

    @property
    def op_name(self) -> str:
        """The name of the op; of a leaf, its kind."""
        return self.node.kind if self.node.op is None else self.node.op.name


Operand: TypeAlias = "Step | int | float | bool"


@dataclass
class Run:
    """The gradients and values after one `backward`, and the objects that `gradient` returned."""

    gradients: dict[Step, Any] = field(default_factory=dict)
    values: dict[Step, Any] = field(default_factory=dict)
    given: dict[Step, Any] = field(default_factory=dict)
    troubles: dict[Step, Trouble] = field(default_factory=dict)
    trouble: Trouble | None = None  # of `backward` itself


class Player:
    """Plays a graph on an engine; everything that the engine gave is kept, and where it failed why."""

    def __init__(self, graph: Graph, engine: Engine) -> None:
        self.graph = graph
        self._engine = engine
        self._program = program_of(graph)
        self.steps: list[Step] = []
        self.values: dict[Step, Any] = {}
        self.troubles: dict[Step, Trouble] = {}
        self.runs: list[Run] = []
        self.lowered: list[str] = []  # the names of ops whose bodies were played
        self._doing = ""  # the call of the engine that was made last
        self._at: Step | None = None  # the step that was made last
        self.over = threading.Event()  # set when the time is over
        self._made: dict[Step, Any] = {}
        self._of: dict[Node, Step] = {}

    @property
    def output(self) -> Step | None:
        """The step of the graph's output, once it is played."""
        return self._of.get(self.graph.outputs[0])

    def name(self, node: Node) -> str:
        """What the user calls a value, else how the user's code or the program computes it."""
        found = None if self._is_named(node) or is_installed(node.place.filename) else excerpt(node.code, node.instruction)
        return cut(self._program.text(node) if found is None else ast.unparse(found.expression), NAME)

    def _is_named(self, node: Node) -> bool:
        return node.op is None or self.graph.name(node) is not None

    def has_made(self, step: Step) -> bool:
        """Whether the engine made the value of a step."""
        return step in self._made

    def play(self) -> None:
        """Forward and backward; then forward again from the same leaves, and backward twice."""
        for node in self.graph.forward:
            step = Step(node, self._inputs(node, self._of), self.name(node), node)
            self._of[node] = self._make(step)
            self._read_value(self._of[node])
        again = dict(self._made)
        if self._backward(self._made) and self._forward_again(again) and self._backward(again):
            self._backward(again)

    def cut_off(self, seconds: float) -> None:
        """Note the trouble with the call in which the time was over, and add a step for each node that was not come to."""
        trouble = Trouble("time", f"{self._doing} did not end, and the {seconds:g} s of timeout= are over: does it loop?")
        for node in self.graph.forward:
            if node not in self._of:
                self._of[node] = Step(node, self._inputs(node, self._of), self.name(node), node)
                self.steps.append(self._of[node])
        if not self.runs:
            at = None if self._at is None else self._at.part_of
            undone = [step for step in self.steps if step.part_of is at and step not in self.values]
            self.troubles |= dict.fromkeys(undone, trouble)
            return
        run = self.runs[-1]
        unread = [step for step in self.path if step not in run.gradients and step not in run.troubles]
        if len(self.runs) > 1 or not run.given:
            run.trouble = trouble
        elif unread:
            run.troubles[unread[0]] = trouble
        else:
            self.runs.append(Run(trouble=trouble))

    @staticmethod
    def _inputs(node: Node, steps: dict[Node, Step]) -> tuple[Operand, ...]:
        return tuple(steps[x] if isinstance(x, Node) else x for x in node.inputs)

    def _make(self, step: Step) -> Step:
        """Let the engine make the value of a step; returns the step that has it, another one where a body is played."""
        self._at = step
        known, lowered = len(self.steps), len(self.lowered)
        try:
            if step.node.op is None or all(map(self.has_made, step.steps)):
                self._made[step] = self._called(step, self._made)
        except CallError as error:
            last = self._lowered(step) if error.is_unknown else None
            if last is not None:
                return last
            del self.steps[known:], self.lowered[lowered:]
            self.troubles[step] = error.trouble
        self.steps.append(step)
        return step

    def _called(self, step: Step, made: dict[Step, Any]) -> Any:
        node = step.node
        if node.op is None:
            given = node.value if not isinstance(node.value, np.ndarray) else node.value.copy()
            shape = f" of shape {node.shape}" if node.shape else ""
            return self._not_none(self._call("leaf", f"leaf({step.name}{shape})", given), f"leaf({step.name})")
        own = [made[x] if isinstance(x, Step) else x for x in step.inputs]
        params = {key: value for key, value in node.params.items() if node.op.defaults.get(key, step) != value}
        names = [x.name if isinstance(x, Step) else f"{x}" for x in step.inputs]
        keywords = [f"{key}={value!r}" for key, value in params.items()]
        text = cut(f"apply({', '.join([repr(node.op.name), *names, *keywords])})", 2 * NAME)
        return self._not_none(self._call("apply", text, node.op.name, *own, **params), text, node.op.name)

    def _not_none(self, made: Any, text: str, op_name: str = "") -> Any:
        if made is None or made is NotImplemented:
            why = f"is the op {op_name} missing, or a `return`?" if op_name else "is a `return` missing?"
            raise CallError(Trouble("none", f"{text} returned {made}: {why}"), bool(op_name))
        return made

    def _lowered(self, step: Step) -> Step | None:
        """The last step of the body of an op that the engine does not have; None without a body, or without an op of it."""
        found = composition_of(step.node)
        if found is None:
            return None
        stands = {x: y for x, y in zip(found.operands, step.inputs, strict=True) if isinstance(x, Node)}
        of: dict[Node, Step] = {x: y for x, y in stands.items() if isinstance(y, Step)}
        *inner, result = (x for x in reached([found.result]) if x not in of)
        for node in (*inner, result):
            name = step.name if node is result else f"{node.op.name if node.op is not None else 'a number'} in {step.name}"
            of[node] = self._make(Step(node, self._inputs(node, of), name, step.part_of))
            if not self.has_made(of[node]):
                return self._half_lowered(step, of[node])
            if node is not result:
                self._read_value(of[node])
        self.lowered.append(step.op_name)
        return of[result]

    def _half_lowered(self, step: Step, missing: Step) -> Step | None:
        """What stands for an op of whose body one failed: None where the engine does not have that one either."""
        trouble = self.troubles.get(missing)
        if trouble is not None and trouble.kind in ("no op", "none"):
            del self.troubles[missing]
            return None
        last = missing if missing.name == step.name else Step(step.node, (missing,), step.name, step.part_of)
        if last is not missing:
            self.steps.append(last)
        return last

    def _read_value(self, step: Step) -> None:
        if step in self._made:
            try:
                self.values[step] = self._value(step)
            except CallError as error:
                self.troubles[step] = error.trouble

    def _value(self, step: Step) -> Any:
        text = f"value({step.name})"
        return as_array(self._call("value", text, self._made[step]), step.node, text)

    def _forward_again(self, made: dict[Step, Any]) -> bool:
        """Apply all ops again, to the same leaves; says whether that succeeded as before."""
        for step in self.steps:
            if step.node.op is not None and step in made:
                try:
                    made[step] = self._called(step, made)
                except CallError as error:
                    self.runs.append(Run(trouble=error.trouble))
                    return False
        return True

    def _backward(self, made: dict[Step, Any]) -> bool:
        """Run `backward` and read all gradients; says whether that is possible and succeeded."""
        output = self.output
        path = self.path
        if output not in made or output not in path or not all(self._has(name) for name in ("backward", "gradient")):
            return False
        run = Run()
        self.runs.append(run)
        try:
            self._call("backward", f"backward({output.name})", made[output])
        except CallError as error:
            run.trouble = error.trouble
            return False
        for step in path:
            text = f"gradient({step.name})"
            try:
                given = run.given[step] = self._call("gradient", text, made[step])
                run.gradients[step] = as_array(given, step.node, text)
            except CallError as error:
                run.troubles[step] = error.trouble
        for step in self.values:
            with suppress(CallError):  # it gave a value before
                run.values[step] = self._value(step)
        return True

    def _has(self, name: str) -> bool:
        return callable(getattr(self._engine, name, None))

    @property
    def path(self) -> list[Step]:
        """The steps between the parameters and the output, in backward order."""
        found: set[Step] = set()
        for step in self.steps:
            if step in self._made and (step.node.kind == "parameter" or not found.isdisjoint(ruled(step))):
                found.add(step)
        fed = {self.output}
        ordered = []
        for step in reversed(self.steps):
            if step in fed and step in found:
                ordered.append(step)
                fed.update(ruled(step))
        return ordered

    def _call(self, method: str, text: str, *arguments: Any, **params: Any) -> Any:
        self._doing = text
        try:
            returned = getattr(self._engine, method)(*arguments, **params)
            if self.over.is_set():  # and the engine caught what was to stop it
                raise StoppedError
            return returned
        except (StoppedError, KeyboardInterrupt):
            raise
        except BaseException as error:
            op_name = arguments[0] if method == "apply" else ""
            raise CallError(*_failure(error, text, op_name, self._engine)) from None


def ruled(step: Step) -> list[Step]:
    """The steps to which a rule of the op passes its gradient."""
    if step.node.op is None:
        return []
    rules = step.node.op.rules_for(len(step.inputs))
    return [x for rule, x in zip(rules, step.inputs, strict=True) if rule is not None and isinstance(x, Step)]


def _failure(error: BaseException, text: str, op_name: str, engine: Engine) -> tuple[Trouble, bool]:
    """What an error of the engine means, and whether it means that the engine does not have an op."""
    said = cut(" ".join(f"{error}".split()), REASON)
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    is_said = UNKNOWN_OP.search(said) and _names(op_name, said)
    if op_name and (is_said or _is_looked_up(error, op_name, said) or isinstance(error, NotImplementedError)):
        return Trouble("no op", f"{type(engine).__name__} has no op {op_name} ({reason})"), True
    if not op_name and isinstance(error, NotImplementedError):
        return Trouble("raised", f"{text} is not implemented"), False
    return Trouble("raised", f"{text} raised {reason}{_where(error)}"), False


def _is_looked_up(error: BaseException, op_name: str, said: str) -> bool:
    """Whether an error is of a name that is made of an op's, which the code that raised it has as a value to look the op up."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    values = [x for x in frame.f_locals.values() if isinstance(x, str)]
    return isinstance(error, UNKNOWN) and _is_part(op_name, said) and any(_is_part(op_name, x) for x in values)


def _is_part(op_name: str, text: str) -> bool:
    """Whether a text has the name of an op, or a compound of it such as `do_tanh` or `tanhForward` that is no other op."""
    names = re.findall(rf"\w*{re.escape(op_name)}(?![a-z0-9])\w*", text)
    return any(name == op_name or name not in REGISTRY for name in names)


def _names(op_name: str, text: str) -> bool:
    """Whether a text has the name of an op, also behind a prefix such as `op_`, but not as the beginning of another name."""
    return re.search(rf"(?<![a-zA-Z0-9]){re.escape(op_name)}(?!\w)", text) is not None


def _where(error: BaseException) -> str:
    """The innermost line of code of the engine's author."""
    frames = [
        Place(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(PACKAGE) and not is_installed(frame.f_code.co_filename)
    ]
    return f", at {cut(str(frames[-1]), PLACE)}" if frames else ""


def as_array(given: Any, node: Node, text: str) -> Any:
    """A copy of what an engine returned, as NumPy has it; a Python number has the dtype of the recorded value."""
    if given is None:
        raise CallError(Trouble("none", f"{text} returned None: is a `return` missing?"))
    held = given.value if isinstance(given, Node) else given
    try:
        array = np.array(held)
    except Exception as error:
        reason = cut(str(error), REASON)
        raise CallError(Trouble("type", f"{text} returned {_kind(given)}, which is no array: {reason}")) from None
    if array.dtype.kind not in "biuf":
        raise CallError(Trouble("type", f"{text} returned {_kind(given)}: it returns a number or an array of numbers"))
    has_dtype = hasattr(held, "dtype")
    if not has_dtype and node.dtype.kind == "f":
        array = array.astype(node.dtype)
    return array[()]


def _kind(given: Any) -> str:
    name = type(given).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def missing_methods(engine: Any) -> Sequence[str]:
    """The methods that an engine lacks."""
    return [name for name in METHODS if not callable(getattr(engine, name, None))]
