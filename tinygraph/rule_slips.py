"""Which slip in a rule of an op explains that it returns a wrong gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import Any

import numpy as np

from tinygraph.backprop import _fit
from tinygraph.node import Node
from tinygraph.rules import ArgumentRule
from tinygraph.slips import Close, Right, Slip, of_numbers, slip

Others = Mapping[str, Callable[[], Any]]


def of_rule(rule: ArgumentRule, recorded: Node, seed: Any, right: Any, others: Others, close: Close) -> str:
    """The slip that explains what a rule returned, in words; an empty text if none does.

    `right` is the gradient of the argument, and `others` return those of the other arguments, by their names.
    """
    found = next(_slips(rule, recorded, seed, Right(rule.argument, right, close, _sizes(recorded)), others), None)
    return "" if found is None else f". {found.text}"


def _slips(rule: ArgumentRule, recorded: Node, seed: Any, right: Right, others: Others) -> Iterator[Slip]:
    values = [x._value if isinstance(x, Node) else x for x in recorded.inputs]
    x = recorded.inputs[rule.position]
    names = dict(zip(("out", *_arguments(rule)), (recorded._value, *values), strict=True))

    def gradient(known: Mapping[str, Any]) -> Any:
        """What the rule returns for such values; None where it fails."""
        try:
            return _fit(rule.gradient(seed, *known.values(), **recorded.params), x)
        except Exception:  # a rule may raise anything on other values than its own
            return None

    given = gradient(names)
    yield from of_numbers(given, right)
    if np.shape(given) == np.shape(seed):
        if right.close(given * seed, right.value):
            yield slip("upstream", right.name, through="")
        if right.close(given, seed):
            yield slip("local", right.name, through="")
    pairs = permutations(names.items(), 2)
    alike = [(used, wanted, y) for (used, one), (wanted, y) in pairs if np.shape(one) == np.shape(y)]
    turned = [(name, f"{name}.T", np.transpose(value)) for name, value in names.items() if np.ndim(value) == 2]
    for used, wanted, value in alike + turned:
        found = gradient({**names, used: value})
        if found is not None and right.close(found, right.value):
            yield slip("wrong value", right.name, used=used, wanted=wanted)
    for name, value in names.items():
        if np.shape(value) == np.shape(given):
            if right.close(given * value, right.value):
                yield slip("missing factor", right.name, factor=name, what="is missing")
            if right.close(given, right.value * value):
                yield slip("missing factor", right.name, factor=name, what="is one too many")
    for name, other in others.items():
        if right.close(given, other()):
            yield slip("other gradient", right.name, other=f"the gradient of {name}")


def _arguments(rule: ArgumentRule) -> list[str]:
    if rule.op.variadic:
        return [f"argument {k + 1}" for k in range(rule.arguments)]
    return [ArgumentRule(rule.op, k, rule.arguments).argument for k in range(rule.arguments)]


def _sizes(recorded: Node) -> dict[str, int]:
    """The sizes of the operands of a node, by its place among them."""
    found: dict[str, int] = {}
    for k, x in enumerate(recorded.inputs):
        for axis, n in enumerate(np.shape(x._value if isinstance(x, Node) else x)):
            name = recorded.op.arguments[recorded.op.argument(k)] if recorded.op is not None else ""
            if n > 1 and n not in found.values():
                found[f"{name}.shape[{axis}]" if axis else f"len({name})"] = n
    return found
