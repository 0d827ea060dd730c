"""The check of one gradient rule of an op: whether it returns a gradient, and an error with its argument and its place."""

from __future__ import annotations

import inspect
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

from tinygraph.backprop import _fit, _fit_node
from tinygraph.errors import GradientError
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.place import Place


class ArgumentRule(NamedTuple):
    """The rule of an op for the argument at a position, counted from 0, of `arguments` arguments."""

    op: Op
    position: int
    arguments: int

    def gradient(self, g: Any, out: Any, *inputs: Any, **params: Any) -> Any:
        """The gradient that the rule returns."""
        rule = self.op.rules_for(self.arguments)[self.position]
        assert rule is not None
        return rule(g, out, *inputs, **params)

    @property
    def place(self) -> Place | None:
        """The place of the rule, or of the op if the rule has none; None for code that is not Python."""
        rule = self.op.rules[self.op.argument(self.position)]
        written: Any = inspect.unwrap(rule.func if isinstance(rule, partial) else rule or self.op.function)
        code = getattr(written, "__code__", None)
        return None if code is None else Place(code.co_filename, code.co_firstlineno, "<module>")

    @property
    def argument(self) -> str:
        """The name of the argument in the signature."""
        return self.op.arguments[self.op.argument(self.position)]

    def wrong(self, text: str) -> GradientError:
        """The error about this rule, with what is wrong."""
        at = "" if self.place is None else f"\n  at {self.place}"
        return GradientError(f"{self.op.name}: its rule for {self.argument} (argument {self.position + 1}) {text}{at}")


class _Blamed:
    """Turn any error of a rule into one that names the op and the argument of the rule."""

    def __init__(self, rule: ArgumentRule, reading: str) -> None:
        self.rule = rule
        self.reading = reading

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            raise self.rule.wrong(f"fails on {self.reading} with {type(error).__name__}: {error}") from error


def check_rule(rule: ArgumentRule, recorded: Node, seed: Any) -> None:
    """Raise GradientError if a rule raises an error or does not return numbers of its argument's shape, on arrays or Nodes."""
    x = recorded.inputs[rule.position]
    values = [x._value if isinstance(x, Node) else x for x in recorded.inputs]
    with _Blamed(rule, "arrays"):
        _fit(rule.gradient(seed, recorded._value, *values, **recorded.params), x)
    with _Blamed(rule, "nodes"):
        _fit_node(rule.gradient(constant(seed), recorded, *recorded.inputs, **recorded.params), x)
