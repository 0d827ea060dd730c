"""Engines that someone else wrote: right ones are found right, and each broken one is diagnosed by its own fault."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import any_ranks
from tests.random_programs import random_program
from tinygraph.backprop import sweep
from tinygraph.leaves import constant
from tinygraph.ops.declare import REGISTRY
from tinygraph.slips import ENGINE_SLIPS

ROOT = Path(__file__).parents[1]
SOURCES = {
    "ScalarEngine": ROOT / "docs" / "scalar_engine.py",
    "MicrogradEngine": ROOT / "docs" / "adapters.py",
    "TorchEngine": ROOT / "docs" / "adapters.py",
    "ArrayEngine": ROOT / "tests" / "array_engine.py",
}
RUNGS = {str(rung): rung for rung in tg.ladder()}
SCALARS = [rung for rung in RUNGS.values() if rung.part == "scalars"]
Change = tuple[str, str]


def engine(name: str, *changes: Change) -> Any:
    """An engine of this repository, with some of its code replaced by other code."""
    source = SOURCES[name].read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names: dict[str, Any] = {"__name__": "engine"}
    exec(compile(source, f"<{name}>", "exec"), names)
    return names[name]()


class OwnEngine:
    """tinygraph itself, without some of its ops."""

    def __init__(self, *without: str) -> None:
        self.without = without

    def leaf(self, array: Any) -> Any:
        return tg.parameter(array) if np.asarray(array).dtype.kind == "f" else tg.constant(array)

    def apply(self, op_name: str, *inputs: Any, **params: Any) -> Any:
        if op_name in self.without:
            raise NotImplementedError
        return REGISTRY[op_name](*inputs, **params)

    def value(self, x: Any) -> Any:
        return x.value

    def backward(self, output: Any) -> None:
        self.output = output

    def gradient(self, x: Any) -> Any:
        return sweep(self.output, [x], constant(1.0)._value).get(x, np.zeros(x.shape))


# Right engines


def needed(name: str) -> Any:
    module = {"TorchEngine": "torch", "MicrogradEngine": "micrograd"}.get(name)
    missing = module is not None and importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


MICROGRAD = {"add", "subtract", "multiply", "divide", "power", "negative", "relu"}
CLIMBS = [
    pytest.param(name, rung, id=f"{name}, {rung}", marks=needed(name))
    for name in SOURCES
    for rung in RUNGS.values()
    if (rung.part == "scalars" or name in ("ArrayEngine", "TorchEngine")) and (name != "MicrogradEngine" or rung.ops <= MICROGRAD)
]


@pytest.mark.parametrize(("name", "rung"), CLIMBS)
def test_a_right_engine_climbs_the_ladder(name: str, rung: Any) -> None:
    report = tg.compare_engines(rung.graph, engine(name))
    assert report.right, report
    assert report.first is None
    assert {verdict.status for verdict in report.verdicts} == {"right"}
    assert {verdict.phase for verdict in report.verdicts} == {"forward", "backward"}


def test_micrograd_climbs_most_of_the_scalars() -> None:
    assert sum(rung.ops <= MICROGRAD for rung in SCALARS) >= len(SCALARS) - 6


@pytest.mark.parametrize("rung", RUNGS.values(), ids=str)
def test_every_value_of_a_rung_has_a_name(rung: Any) -> None:
    assert all(node.op is None or rung.graph.name(node) for node in rung.graph.forward)
    assert rung.catches


def test_the_ladder_by_parts() -> None:
    assert [*tg.ladder("scalars"), *tg.ladder("arrays")] == [*tg.ladder()]
    with pytest.raises(ValueError, match="part='scalar': did you mean scalars"):
        tg.ladder("scalar")  # type: ignore[arg-type]


# Broken engines


PREORDER = (
    """                for y in x.inputs:
                    visit(y)
                order[x] = None
""",
    """                order[x] = None
                for y in x.inputs:
                    visit(y)
""",
)
BREADTH_FIRST = (
    "        visit(output)\n",
    """        order = {output: None}
        for x in (queue := [output]):
            for y in x.inputs:
                if y not in order:
                    order[y] = None
                    queue.append(y)
""",
)
RECURSION = (
    """        for x in reversed(order):
            for y, part in zip(x.inputs, x.rule(x.gradient) if x.inputs else ()):
                y.gradient += part
""",
    """        def go(x):
            for y, part in zip(x.inputs, x.rule(x.gradient) if x.inputs else ()):
                y.gradient += part
            for y in x.inputs:
                go(y)

        go(output)
""",
)
# Each fault with the rung that finds it, the kind of slip, the op or value that is named, and words of the sentence.
SCALAR_FAULTS: list[tuple[str, list[Change], str, str, str, str]] = [
    (
        "contributions overwrite",
        [("y.gradient += part", "y.gradient = part")],
        "a + a",
        "overwritten",
        "a",
        "`=` stand where `\\+=`",
    ),
    (
        "order from the output down",
        [PREORDER, ("reversed(order)", "order")],
        "readers of different depth",
        "order",
        "z",
        "z passes its gradient on before the contribution of s has arrived",
    ),
    ("order by breadth", [BREADTH_FIRST, ("reversed(order)", "order")], "readers of different depth", "order", "z", "before"),
    ("a walk for each reader", [RECURSION], "a value with two readers", "twice", "b", "twice"),
    ("stale gradients", [("x.gradient = 0.0", "pass")], "a + b", "stale", "b", "a second backward after a second forward pass"),
    (
        "stale gradients of inner values",
        [("x.gradient = 0.0", "x.gradient *= bool(x.inputs)")],
        "(a * b + c) * d",
        "stale",
        "s",
        "a second backward on the same output",
    ),
    ("no seed", [("output.gradient = 1.0", "pass")], "a + b", "seed", "L", "must start from 1"),
    (
        "multiply by the own operand",
        [("(g * y, g * x)", "(g * x, g * y)")],
        "a * b",
        "operands",
        "L",
        "multiply .L. passes on to b the gradient that belongs to a",
    ),
    ("no upstream gradient in multiply", [("(g * y, g * x)", "(y, x)")], "(a * b + c) * d", "upstream", "z", "dz is forgotten"),
    ("subtract without a sign", [("(g, -g)", "(g, g)")], "a - b", "sign", "L", "subtract .L. .* wrong sign"),
    ("negative without a sign", [("(-g,)", "(g,)")], "-a * b", "sign", "z", "negative"),
    ("the exponent of power", [("n * x ** (n - 1)", "n * x**n")], "a ** 3", "missing factor", "z", "by a once too often"),
    ("the factor of power", [("g * n * x", "g * x")], "a ** 3", "missing factor", "z", "leaves out the factor 3"),
    ("the sign of divide", [("-g * x / y**2", "g * x / y**2")], "a / b", "sign", "z", "divide"),
    ("the square of divide", [("-g * x / y**2", "-g * x / y")], "a / b", "missing factor", "z", "by b once too often"),
    ("no upstream gradient in exp", [("(g * e,)", "(e,)")], "exp(a) * b", "upstream", "z", "exp .z. .* dz is forgotten"),
    ("exp at its operand", [("(g * e,)", "(g * x,)")], "exp(a) * b", "wrong value", "z", "at a, not at its result z"),
    ("log multiplies", [("g / x,", "g * x,")], "log(a) * b", "missing factor", "z", "by a where it has to divide"),
    ("log of base 2", [("math.log(x),", "math.log2(x),")], "log(a) * b", "other op", "z", "that is what log2 gives, not log"),
    ("tanh at its operand", [("1 - a * a", "1 - x * x")], "tanh(a) * b", "wrong value", "z", "at a, not at its result z"),
    ("half of tanh", [("g * (1 - a * a)", "0.5 * g * (1 - a * a)")], "tanh(a) * b", "factor", "z", "0.5 times"),
    ("sigmoid at its operand", [("g * a * (1 - a)", "g * x * (1 - x)")], "sigmoid(a) * b", "wrong value", "z", "at a, not at"),
    (
        "sigmoid without the rest",
        [("g * a * (1 - a)", "g * a")],
        "sigmoid(a) * b",
        "missing factor",
        "z",
        "leaves out the factor .1 - z.",
    ),
    ("relu that is always open", [("(g * (x > 0),)", "(g,)")], "relu of both signs", "local", "p", "relu .p. .* is forgotten"),
    (
        "relu open by its result",
        [("(x > 0)", "(max(x, 0.0) >= 0)")],
        "relu of both signs",
        "local",
        "p",
        "relu .p. .* is forgotten",
    ),
    ("add passes to one", [("(x + y, lambda g: (g, g))", "(x + y, lambda g: (g,))")], "a + b", "missing", "L", "nothing on to b"),
    ("subtract the other way", [("(x - y, ", "(y - x, ")], "a - b", "operands", "L", "operands in the wrong order"),
    ("no tanh", [('    "tanh"', '    "tan"')], "tanh(a) * b", "no op", "z", "no op tanh"),
]
IN_PLACE = """def plus(old, new):
    if not old.any():
        return new
    old += unbroadcast(new, old)
    return old


class Tensor:"""
UNBROADCAST = "y.gradient + unbroadcast(part, y.data)"
ARRAY_FAULTS: list[tuple[str, list[Change], str, str, str, str]] = [
    (
        "no sum after broadcasting",
        [(UNBROADCAST, "y.gradient + part")],
        "a number and an array",
        "not summed",
        "z",
        "the sum over that axis is missing in da",
    ),
    (
        "a mean over repeated rows",
        [("    g = np.sum(g, axis=tuple(range", "    g = np.mean(g, axis=tuple(range")],
        "a number and an array",
        "mean",
        "z",
        "the mean over the repeated axes, not the sum",
    ),
    (
        "the first repeated row",
        [("    g = np.sum(g, axis=tuple(range(g.ndim - x.ndim)))", "    g = g[0] if g.ndim > x.ndim else g")],
        "a number and an array",
        "not summed",
        "z",
        "only the first row",
    ),
    (
        "a sum over the other axis",
        [("g.shape[i] != 1), keepdims=True)", "g.shape[i] != 1), keepdims=True) if x.shape != (3, 1) else sum(g)[:, None]")],
        "a bias for each row of a square",
        "axis",
        "z",
        "summed over axis 0",
    ),
    (
        "one array for two gradients",
        [(f"y.gradient = {UNBROADCAST}", "y.gradient = plus(y.gradient, part)"), ("class Tensor:", IN_PLACE)],
        "an array with two readers",
        "shared",
        "t",
        "dt and da are one array",
    ),
    (
        "sum over the other axis",
        [("np.sum(x, axis=axis,", "np.sum(x, axis=None if axis is None else 1 - axis,")],
        "sums of columns",
        "axis",
        "s",
        "sum over axis 1, not axis 0",
    ),
    (
        "sum without its axis",
        [("np.sum(x, axis=axis, keepdims", "np.sum(x, keepdims")],
        "sums of columns",
        "axis",
        "s",
        "over all axes",
    ),
    (
        "sum spread along the other axis",
        [("np.expand_dims(g, axis)", "np.expand_dims(g, -1 - axis)")],
        "sums of columns",
        "axis",
        "s",
        "spreads its gradient along axis 1",
    ),
    (
        "sum with 1/n",
        [("spread(g, x, axis, keepdims),)", "spread(g, x, axis, keepdims) / x.size,)")],
        "sum(a + b)",
        "mean",
        "L",
        "divides the gradient of a sum by 3",
    ),
    (
        "sum times n",
        [("spread(g, x, axis, keepdims),)", "spread(g, x, axis, keepdims) * x.size,)")],
        "sum(a + b)",
        "factor",
        "L",
        "passes 3 times the right gradient on to z$",
    ),
    ("mean without 1/n", [(" * out.size / x.size,", ",")], "means of rows", "mean", "L", "the factor 1/6 of the mean"),
    ("mean that is a sum", [("out = np.mean(", "out = np.sum(")], "means of rows", "mean", "m", "what sum gives, not mean"),
    (
        "mean without keepdims",
        [("np.mean(x, axis=axis, keepdims=keepdims)", "np.mean(x, axis=axis)")],
        "means of rows",
        "axis",
        "m",
        "without keepdims=True",
    ),
    (
        "mean in another shape",
        [("np.mean(x, axis=axis, keepdims=keepdims)", "np.mean(x, axis=axis, keepdims=keepdims).T")],
        "means of rows",
        "shape",
        "m",
        "in shape .1, 2., not .2, 1.",
    ),
    (
        "matmul without a transpose",
        [("return g @ y.T, x.T @ g", "return g @ y, x.T @ g")],
        "A @ B of squares",
        "operands",
        "z",
        "passes dz @ B on to A",
    ),
    ("matmul swapped", [("return g @ y.T, x.T @ g", "return y.T @ g, x.T @ g")], "A @ B of squares", "operands", "z", "B.T @ dz"),
    (
        "matmul for multiply",
        [("(x * y, lambda g", "(x @ y if np.ndim(x) == 2 else x * y, lambda g")],
        "sum(a * b)",
        "other op",
        "z",
        "what matmul gives, not multiply",
    ),
    ("transpose that is not undone", [("(g.T,)", "(g,)")], "a transpose", "transposed", "T", "transposed gradient"),
    (
        "a transposed product",
        [("    return x @ y, rule", "    return (x @ y).T, rule")],
        "A @ B of squares",
        "transposed",
        "z",
        "matmul",
    ),
    (
        "relu of the sum",
        [("np.maximum(x, 0), lambda", "x if x.sum() > 0 else 0 * x, lambda")],
        "relu and sigmoid",
        "entry",
        "p",
        r"relu is wrong at \[0, 1\], \[1, 2\] alone",
    ),
    (
        "half a broadcasting",
        [('"add": lambda x, y: (x + y,', '"add": lambda x, y: ((x + y)[0] if np.shape(x) != np.shape(y) else x + y,')],
        "a bias for each column",
        "broadcasting",
        "z",
        "are broadcast to .2, 3.",
    ),
    (
        "leaves in float64",
        [("np.asarray(data), inputs", "np.asarray(data, float), inputs")],
        "float32",
        "dtype",
        "a",
        "float64, not float32",
    ),
    ("tanh in float64", [("np.tanh(x)", "np.tanh(np.float64(x))")], "float32", "dtype", "z", "tanh gives float64"),
    (
        "gradients in float64",
        [("np.zeros_like(x.data)", "np.zeros(x.data.shape)")],
        "float32",
        "dtype",
        "z",
        "has the dtype of its value",
    ),
    ("exp in float32", [("np.exp(x), lambda", "np.exp(np.float32(x)), lambda")], "exp, log and tanh", "dtype", "p", "float32"),
    (
        "exp to the digits of float32",
        [("np.exp(x), lambda", "np.float64(np.exp(np.float32(x))), lambda")],
        "exp, log and tanh",
        "dtype",
        "p",
        "digits of float32",
    ),
    (
        "a rule that writes into its operand",
        [
            (
                '"exp": lambda x: (e := np.exp(x), lambda g: (g * e,))',
                '"exp": lambda x: (e := np.exp(x), lambda g: (np.multiply(g, e, out=e),))',
            )
        ],
        "exp, log and tanh",
        "changed",
        "p",
        "after backward: backward writes into the array",
    ),
    ("NaN", [("(g / x,)", "(g / np.where(x > 1, np.nan, x),)")], "exp, log and tanh", "nan", "q", "NaN"),
    (
        "a seed of another shape",
        [("np.ones_like(output.data)", "np.ones(1)")],
        "sum(a + b)",
        "seed",
        "L",
        "has shape .1,., not ..:",
    ),
]
FAULTS = [("ScalarEngine", "scalars", *fault) for fault in SCALAR_FAULTS] + [("ArrayEngine", "arrays", *f) for f in ARRAY_FAULTS]


@pytest.mark.parametrize(("name", "part", "fault", "changes", "rung", "kind", "of", "words"), FAULTS, ids=[f[2] for f in FAULTS])
def test_a_broken_engine_is_diagnosed_by_its_own_fault(
    name: str, part: Any, fault: str, changes: list[Change], rung: str, kind: str, of: str, words: str
) -> None:
    for each in tg.ladder(part):
        report = tg.compare_engines(each.graph, engine(name, *changes))
        if not report.right:
            break
    assert each.name == rung, report
    first = report.first
    assert first is not None, report
    assert kind in {slip.kind for slip in first.slips}, report
    assert of in {slip.of for slip in first.slips}, report
    assert re.search(words, first.text), report
    assert str(report).startswith(f"{name} parts from the graph of L at {first.name}, in the ")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("g / x,", "g / math.log(x),"), "wrong value", r"log \(z\) takes the local derivative at its result z, not at x"),
        (
            ("(g / y, -g * x / y**2)", "(g / x, -g * y / x**2)"),
            "operands",
            r"divide \(a\) takes its operands in the wrong order for z",
        ),
    ],
)
def test_a_rule_that_takes_other_values_is_named(change: Change, kind: str, words: str) -> None:
    x, y = tg.parameter(3.0), tg.parameter(-5.0)
    z = np.log(x)
    a = z / y
    L = 7 * a
    report = tg.compare_engines(tg.Graph(L), engine("ScalarEngine", change))
    found = [slip for verdict in report.verdicts for slip in verdict.slips]
    assert kind in {slip.kind for slip in found}, report
    assert re.search(words, str(report))


def test_faults_are_diagnosed_in_random_programs_too() -> None:
    named, blamed, found = 0, 0, []
    for _, changes, rung, kind, _, _ in SCALAR_FAULTS:
        ops = RUNGS[f"scalars: {rung}"].ops
        for seed in range(20):
            report = tg.compare_engines(random_scalars(seed), engine("ScalarEngine", *changes))
            if report.first is not None:
                kinds = {slip.kind for slip in report.first.slips}
                named += kind in kinds
                blamed += kind not in kinds and set(re.findall(r"(\w+) \(", report.first.text)).isdisjoint(ops)
                found.append(kinds)
    assert len(found) > 200
    assert named >= 0.95 * len(found)
    assert blamed <= 0.02 * len(found)
    assert sum(len(kinds) == 1 for kinds in found) >= 0.7 * len(found)


def test_what_is_right_elsewhere_is_not_blamed() -> None:
    a, b, c = tg.parameter(2.0), tg.parameter(-3.0), tg.parameter(10.0)
    z = a * b
    s = z + c
    L = s * z
    report = tg.compare_engines(tg.Graph(L), engine("ScalarEngine", ("(x + y, lambda g: (g, g))", "(x + y, lambda g: (g,))")))
    assert report.first is not None
    # That s passes its gradient on too early is no explanation: dz has all of it.
    assert [(v.name, [slip.kind for slip in v.slips]) for v in report.verdicts if v.status == "wrong"] == [("dc", ["missing"])]


def test_what_follows_from_a_slip_is_right_as_far_as_it_follows() -> None:
    graph = neuron()
    report = tg.compare_engines(graph, engine("ScalarEngine", ("1 - a * a", "1 - x * x")))
    assert [v.name for v in report.verdicts if v.status == "wrong"] == ["dz"]
    assert [v.name for v in report.verdicts if v.status == "follows"] == ["d(w * x)", "db", "dw"]
    forward = tg.compare_engines(graph, engine("ScalarEngine", ("math.tanh(x)", "math.sin(x)")))
    assert [v.name for v in forward.verdicts if v.status == "wrong"] == ["a"]
    assert {v.name for v in forward.verdicts if v.status == "follows"} >= {"a - y", "L", "da", "dw"}


def test_a_wrong_value_without_a_name_has_its_line() -> None:
    x, y = tg.parameter(2.0), tg.parameter(3.0)
    L = np.exp(x * y) + x
    report = tg.compare_engines(tg.Graph(L), engine("ScalarEngine", ("(x * y, ", "(x * y + 0.1, ")))
    assert report.first is not None
    assert report.first.name == "x * y"
    assert "x * y is 6.100, not 6.000: look at multiply (test_engines.py:" in str(report)
    assert str(report).count("L = np.exp(x * y) + x") == 1


# Where there is no derivative


def test_another_choice_where_there_is_no_derivative_is_named() -> None:
    z = tg.parameter([0.0, -1.0, 2.0])
    a = tg.relu(z)
    L = np.sum(a * a + a)
    report = tg.compare_engines(tg.Graph(L), engine("ArrayEngine", ("(x > 0)", "(x >= 0)")))
    assert report.first is not None
    assert [slip.kind for slip in report.first.slips] == ["kink"]
    assert "where z is 0, relu has no derivative" in report.first.text
    assert tg.compare_engines(tg.Graph(L), engine("ArrayEngine")).right


# Engines that fail


def neuron() -> tg.Graph:
    w, x, b, y = tg.parameter(0.7), tg.constant(1.5), tg.parameter(0.3), tg.constant(1.0)
    z = w * x + b
    a = np.tanh(z)
    L = (a - y) ** 2
    return tg.Graph(L)


def failing(method: str, does: Callable[..., Any], when: Callable[..., bool] = lambda *_: True) -> Any:
    """The forty-line engine with another method in some calls."""
    made = engine("ScalarEngine")
    own = getattr(made, method)
    setattr(made, method, lambda *inputs, **params: does(*inputs) if when(*inputs) else own(*inputs, **params))
    return made


def raises(*_: Any) -> None:
    raise ValueError("not today")


def unknown(op_name: str, *_: Any) -> None:
    raise ValueError(f"unknown op {op_name}")


def deeper(*_: Any) -> None:
    deeper()


def leaves(*_: Any) -> None:
    raise SystemExit(3)


def without_numpy(_: str, z: Any) -> Any:
    return own_tanh(z)


def own_tanh(z: Any) -> Any:
    return z.data.tanh()


def is_tanh(op_name: str, *_: Any) -> bool:
    return op_name == "tanh"


SENTENCES: list[tuple[str, Any, str, str]] = [
    (
        "leaf raises",
        failing("leaf", raises),
        "raised",
        r"leaf\(w\) raised ValueError: not today, at test_engines.py:\d+, in raises",
    ),
    ("leaf returns None", failing("leaf", lambda x: None), "none", r"leaf\(w\) returned None: is a `return` missing\?"),
    ("an op raises", failing("apply", raises, is_tanh), "raised", r"apply\('tanh', z\) raised ValueError: not today"),
    ("an op leaves Python", failing("apply", leaves, is_tanh), "raised", r"apply\('tanh', z\) raised SystemExit: 3"),
    ("an op returns None", failing("apply", lambda *_: None, is_tanh), "none", r"is the op tanh missing, or a `return`\?"),
    ("an op that is not implemented", failing("apply", lambda *_: NotImplemented, is_tanh), "none", "returned NotImplemented"),
    ("value returns None", failing("value", lambda x: None), "none", r"value\(w\) returned None"),
    ("value returns text", failing("value", lambda x: "0.7"), "type", r"value\(w\) returned a str: it returns a number"),
    ("value returns objects", failing("value", lambda x: x), "type", r"value\(w\) returned a Value: it returns a number"),
    (
        "value returns ragged lists",
        failing("value", lambda x: [[1], [1, 2]]),
        "type",
        r"value\(w\) returned a list, which is no array",
    ),
    ("value has another shape", failing("value", lambda x: [x.data]), "shape", r"w has shape \(1,\), not \(\)"),
    ("value is another number", failing("value", lambda x: x.data + 1), "wrong value", "value.x. of a leaf is the array"),
    ("an op is unknown", failing("apply", unknown, is_tanh), "no op", "has no op tanh .ValueError: unknown op tanh"),
    (
        "an op is no attribute",
        failing("apply", lambda name, *_: getattr(1, name), is_tanh),
        "no op",
        "has no op tanh .AttributeError",
    ),
    (
        "an op reads an attribute that is not there",
        failing("apply", without_numpy, is_tanh),
        "raised",
        r"apply\('tanh', z\) raised AttributeError: 'float' object has no attribute 'tanh', at test_engines.py:\d+, in own_tanh",
    ),
    (
        "an op looks for another op",
        failing("apply", lambda name, z: {}[f"arc{name}"], is_tanh),
        "raised",
        r"apply\('tanh', z\) raised KeyError: 'arctanh'",
    ),
    (
        "an op misspells a function",
        failing("apply", lambda name, z: getattr(np, f"{name}h"), is_tanh),
        "raised",
        r"apply\('tanh', z\) raised AttributeError: module 'numpy' has no attribute 'tanhh'",
    ),
    ("backward raises", failing("backward", raises), "raised", r"backward\(L\) raised ValueError: not today"),
    ("backward never returns", failing("backward", deeper), "raised", r"backward\(L\) raised RecursionError"),
    ("gradient raises", failing("gradient", raises), "raised", r"gradient\(L\) raised ValueError"),
    ("gradient returns None", failing("gradient", lambda x: None), "none", r"gradient\(b\) returned None"),
    ("gradient returns text", failing("gradient", lambda x: "1"), "type", r"gradient\(L\) returned a str"),
    (
        "gradient is not there",
        failing("gradient", lambda x: x.grad),
        "raised",
        "AttributeError: 'Value' object has no attribute 'grad'",
    ),
]


@pytest.mark.parametrize(("case", "broken", "kind", "words"), SENTENCES, ids=[case for case, *_ in SENTENCES])
def test_what_fails_is_one_sentence(case: str, broken: Any, kind: str, words: str) -> None:
    report = tg.compare_engines(neuron(), broken)
    assert report.first is not None
    assert not report.right
    assert [slip.kind for slip in report.first.slips] == [kind]
    assert re.search(words, report.first.text)
    assert "\n" not in report.first.text


def test_what_does_not_depend_on_a_failure_is_still_judged() -> None:
    report = tg.compare_engines(neuron(), failing("apply", raises, is_tanh))
    assert {v.name: v.status for v in report.verdicts} == {
        **dict.fromkeys(("w", "x", "b", "y", "w * x", "z"), "right"),
        "a": "wrong",
        **dict.fromkeys(("a - y", "L", "dw", "db"), "not judged"),
    }
    assert "not judged: a - y, L (a is missing)" in str(report)


def test_a_second_backward_that_raises() -> None:
    calls = []
    broken = failing("backward", raises, lambda *_: bool(calls.append(1)) or len(calls) > 1)
    report = tg.compare_engines(neuron(), broken)
    assert report.first is not None
    assert report.first.text.startswith("a second backward after a second forward pass: backward(L) raised ValueError: not today")
    assert [v.phase for v in report.verdicts if v.status == "wrong"] == ["second backward"]


def test_gradients_of_leaves_are_judged_where_no_others_are_kept() -> None:
    graph = neuron()
    keeps = failing("gradient", lambda x: None, lambda x: bool(x.inputs))
    report = tg.compare_engines(graph, keeps)
    assert report.right
    assert {v.name: v.status for v in report.verdicts if v.phase == "backward"} == {
        **dict.fromkeys(("dL", "d(a - y)", "da", "dz", "d(w * x)"), "not judged"),
        **dict.fromkeys(("dw", "db"), "right"),
    }
    lost = failing("gradient", lambda x: None if x.inputs else 2 * x.gradient, lambda x: True)
    assert [v.name for v in tg.compare_engines(graph, lost).verdicts if v.status == "wrong"] == ["db", "dw"]


class ForwardAlone:
    """An engine whose backward pass is still to be written."""

    def __init__(self) -> None:
        own = engine("ScalarEngine")
        self.leaf, self.apply, self.value = own.leaf, own.apply, own.value


def test_values_alone_are_judged_without_backward() -> None:
    report = tg.compare_engines(neuron(), ForwardAlone())
    assert report.first is None
    assert not report.right
    assert str(report).splitlines() == [
        "ForwardAlone agrees with the graph of L as far as it was compared",
        "right: w, x, b, y, w * x, z, a, a - y, L",
        "ForwardAlone has no backward and gradient, so that no gradient is compared",
    ]


def test_a_graph_of_constants_has_values_alone() -> None:
    x = tg.constant(2.0)
    L = x * x
    report = tg.compare_engines(tg.Graph(L), engine("ScalarEngine"))
    assert report.right
    assert report.notes == ("there is no tg.parameter in the graph, so that no gradient is compared",)


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: tg.compare_engines(neuron(), object()),
        TypeError,
        "object has no leaf, apply, value, backward and gradient: an engine",
    ),
    (lambda: tg.compare_engines(neuron(), OwnEngine), TypeError, r"an engine, not its class: write OwnEngine\(\)"),
    (lambda: tg.compare_engines(tg.parameter(1.0), OwnEngine()), TypeError, r"takes a graph, not a Node: write .*tg.Graph\(L\)"),
    (lambda: tg.compare_engines(tg.Graph(tg.parameter([1.0, 2.0]) * 2), OwnEngine()), ValueError, r"output has shape \(2,\)"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_compared_is_refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# Engines that do not end


def loops(*_: Any) -> None:
    while True:
        pass


def catches_all(*_: Any) -> None:
    for _ in range(5):
        try:
            loops()
        except BaseException:
            continue


def sleeps(*_: Any) -> None:
    time.sleep(2)


ENDLESS: list[tuple[str, Any, str]] = [
    ("leaf", failing("leaf", loops), "leaf(w) did not end"),
    ("an op", failing("apply", loops, is_tanh), "apply('tanh', z) did not end"),
    ("backward", failing("backward", loops), "backward(L) did not end"),
    ("backward that catches errors", failing("backward", catches_all), "backward(L) did not end"),
    ("backward outside Python", failing("backward", sleeps), "backward(L) did not end"),
    ("gradient", failing("gradient", loops, lambda x: not x.inputs), "gradient(b) did not end"),
]


@pytest.mark.parametrize(("case", "endless", "words"), ENDLESS, ids=[case for case, *_ in ENDLESS])
def test_an_engine_that_does_not_end_is_stopped(case: str, endless: Any, words: str) -> None:
    start = time.monotonic()
    report = tg.compare_engines(neuron(), endless, timeout=0.5)
    assert time.monotonic() - start < 5
    assert report.first is not None
    assert report.first.text == f"{words}, and the 0.5 s of timeout= are over: does it loop?"
    assert [slip.kind for slip in report.first.slips] == ["time"]
    names = {v.name for v in report.verdicts}
    assert names >= {"w", "x", "b", "y", "w * x", "z", "a", "a - y", "L"}


def test_a_second_backward_that_does_not_end_is_stopped() -> None:
    calls = []
    report = tg.compare_engines(neuron(), failing("backward", loops, lambda *_: bool(calls.append(1)) or len(calls) > 1), 0.5)
    assert report.first is not None
    assert report.first.phase == "second backward"
    assert report.first.text.startswith("a second backward after a second forward pass: backward(L) did not end")


def test_an_engine_is_stopped_off_the_main_thread_too() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(tg.compare_engines(neuron(), failing("backward", loops), timeout=0.5)))
    thread.start()
    thread.join(10)
    assert "did not end" in found[0].first.text


def test_without_a_limit_the_engine_runs_in_the_calling_thread() -> None:
    threads: set[int] = set()
    seen = failing("backward", raises, lambda *_: bool(threads.add(threading.get_ident())))
    assert tg.compare_engines(neuron(), seen, timeout=None).right
    assert threads == {threading.get_ident()}
    assert tg.compare_engines(neuron(), seen).right
    assert len(threads) == 2


@pytest.mark.parametrize("timeout", [None, 10])
def test_the_user_interrupts_an_engine(timeout: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    if timeout is not None:  # the signal comes to the thread that waits
        monkeypatch.setattr(threading.Thread, "join", lambda self, seconds: interrupted() if seconds == timeout else None)
    with pytest.raises(KeyboardInterrupt):
        tg.compare_engines(neuron(), failing("backward", loops if timeout else interrupted), timeout=timeout)


def test_an_engine_handles_errors_of_numpy_as_the_caller_does() -> None:
    x = tg.parameter([0.0, 1.0])
    with np.errstate(divide="ignore"):
        L = np.sum(1 / x)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert tg.compare_engines(tg.Graph(L), engine("ArrayEngine")).right
    with np.errstate(divide="raise"):
        report = tg.compare_engines(tg.Graph(L), engine("ArrayEngine"))
    assert report.first is not None
    assert "raised FloatingPointError: divide by zero" in report.first.text


def test_a_stopped_engine_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    tg.compare_engines(neuron(), failing("backward", loops), timeout=0.5)
    assert set(threading.enumerate()) <= before


# Ops made of others


def test_an_op_that_is_missing_is_played_by_those_that_it_is_made_of() -> None:
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    W = tg.parameter([[0.2, 0.3], [0.1, -0.5]])
    P = tg.softmax(X @ W)
    L = -np.mean(np.log(P))
    graph = tg.Graph(L)
    report = tg.compare_engines(graph, OwnEngine("softmax"))
    assert report.right
    assert report.notes == ("OwnEngine has no op softmax: judged are the ops that tinygraph makes it of",)
    assert report["exp in P"].status == "right"
    broken = OwnEngine("softmax")
    own = broken.apply
    broken.apply = lambda name, *inputs, **params: own("cosh" if name == "exp" else name, *inputs, **params)  # type: ignore[method-assign]
    report = tg.compare_engines(graph, broken)
    assert report.first is not None
    assert report.first.name == "exp in P"
    broken.apply = lambda name, *inputs, **params: raises() if name == "exp" else own(name, *inputs, **params)  # type: ignore[method-assign]
    report = tg.compare_engines(graph, broken)
    assert {v.name: v.status for v in report.verdicts if v.phase == "forward" and v.status != "right"} == {
        "exp in P": "wrong",
        **dict.fromkeys(("P", "np.log(P)", "np.mean(np.log(P))", "L"), "not judged"),
    }
    missing = tg.compare_engines(graph, OwnEngine("softmax", "exp"))
    assert missing.first is not None
    assert (missing.first.name, missing.first.slips[0].kind) == ("P", "no op")
    assert missing.first.text == "OwnEngine has no op softmax (NotImplementedError)"


@pytest.mark.parametrize("method", ["{}_forward", "do{}", "do_{}", "{}Forward", "forward_{}_of_rows"])
def test_an_op_that_a_method_of_its_name_computes_is_made_of_others_too(method: str) -> None:
    class Dispatching(OwnEngine):
        def apply(self, op_name: str, *inputs: Any, **params: Any) -> Any:
            return getattr(self, method.format(op_name))(*inputs, **params)

    for name in ("matmul", "subtract", "max", "exp", "sum", "divide", "log", "mean", "negative"):
        setattr(Dispatching, method.format(name), staticmethod(REGISTRY[name]))
    P = tg.softmax(tg.constant(np.eye(3, 2)) @ tg.parameter(np.array([[0.2, -0.1], [0.4, 0.3]])))
    report = tg.compare_engines(tg.Graph(-np.mean(np.log(P))), Dispatching())
    assert report.right, report
    assert report.notes == ("Dispatching has no op softmax: judged are the ops that tinygraph makes it of",)


# Reports


def test_a_report_as_json() -> None:
    report = tg.compare_engines(neuron(), engine("ScalarEngine", ("1 - a * a", "1 - x * x")))
    data = json.loads(report.to_json())
    assert data == report.to_dict()
    assert (data["engine"], data["right"], data["notes"]) == ("ScalarEngine", False, [])
    assert [verdict["name"] for verdict in data["verdicts"]] == [verdict.name for verdict in report.verdicts]
    assert data["first"] == "dz"
    assert next(verdict for verdict in data["verdicts"] if verdict["name"] == "dz") == {
        "name": "dz",
        "phase": "backward",
        "status": "wrong",
        "text": report["dz"].text,
        "slips": [{"kind": "wrong value", "text": "tanh (a) takes the local derivative at z, not at its result a", "of": "a"}],
    }
    with pytest.raises(KeyError, match="dq was not judged: did you mean"):
        report["dq"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (("1 - a * a", "1 - x * x"), "z"),
        (("math.tanh(x)", "math.sin(x)"), "a"),
        (("(x * y, ", "(x + y, "), "t"),
    ],
    ids=["a gradient", "a value", "a value without a name"],
)
def test_the_picture_has_the_wrong_card_in_red(change: Change, name: str) -> None:
    report = tg.compare_engines(neuron(), engine("ScalarEngine", change))
    drawing = report.draw().drawing
    assert [card.title.partition(" ")[0] for card in drawing.cards if card.mark == "bad"] == [name]
    assert report.first is not None
    written = " ".join(line.text for card in drawing.cards for line in card.results if line.mark == "bad")
    assert written == f"✗ {report.first.text}"
    assert str(report) == report._repr_mimebundle_()["text/plain"]


def test_the_picture_of_a_right_engine_has_no_red_card() -> None:
    report = tg.compare_engines(neuron(), engine("ScalarEngine"))
    assert not any(card.mark for card in report.draw(direction="tall").drawing.cards)


def test_what_an_engine_does_to_its_arrays_leaves_the_graph_as_it_is() -> None:
    w = tg.parameter([1.0, 2.0])
    L = np.sum(w * w)
    doubling = engine("ArrayEngine", ("return Tensor(array)", "array *= 2\n        return Tensor(array)"))
    assert tg.compare_engines(tg.Graph(L), doubling)["w"].status == "wrong"
    assert w.tolist() == [1.0, 2.0]


# Right answers are never called wrong


OPS: list[tuple[str, Callable[..., Any]]] = [
    ("add", lambda x, y: x + y),
    ("subtract", lambda x, y: x - y),
    ("multiply", lambda x, y: x * y),
    ("divide", lambda x, y: x / (1.5 + y * y)),
    ("power", lambda x, y: x**3),
    ("number", lambda x, y: 2 * x - 1),
    ("negative", lambda x, y: -y),
    ("exp", lambda x, y: np.exp(-x * x)),
    ("log", lambda x, y: np.log(1 + x * x)),
    ("tanh", lambda x, y: np.tanh(x)),
    ("sigmoid", lambda x, y: tg.sigmoid(x + y)),
    ("relu", lambda x, y: tg.relu(x)),
    ("sum", lambda x, y: np.sum(x, axis=0, keepdims=True) + y if x.ndim else x),
    ("mean", lambda x, y: np.mean(x, axis=-1, keepdims=True) * y if x.ndim else x),
    ("matmul", lambda x, y: np.tanh(x @ x.T) if x.ndim == 2 else x),
    ("transpose", lambda x, y: x.T if x.shape == (3, 3) else x),
]

ON_ARRAYS = [name for name, _ in OPS].index("sum")  # and those that follow


def random_scalars(seed: int) -> tg.Graph:
    rng = np.random.default_rng(seed)
    values: list[Any] = [tg.parameter(x) for x in rng.uniform(-2, 2, 3)]
    for _ in range(rng.integers(5, 12)):
        x, y = (values[i] for i in rng.integers(len(values), size=2))
        values.append(OPS[rng.integers(ON_ARRAYS)][1](x, y))
    return tg.Graph(values[-1] * values[-2] + values[-3])


def random_graph(seed: int) -> tg.Graph:
    rng = np.random.default_rng(seed)
    dtype = np.float32 if seed % 4 == 0 else np.float64
    shapes = [(), (3,), (3, 3), (1, 3), (3, 1)] if seed % 2 else [()]
    values: list[Any] = [
        tg.parameter(np.asarray(rng.uniform(-2, 2, shapes[i]), dtype)) for i in rng.integers(len(shapes), size=3)
    ]
    for _ in range(rng.integers(2, 10)):
        x, y = (values[i] for i in rng.integers(len(values), size=2))
        values.append(OPS[rng.integers(len(OPS))][1](x, y))
    return tg.Graph(sum(np.mean(x) for x in values[-3:]) + np.mean(values[0]))


@pytest.mark.parametrize("name", ["ArrayEngine", pytest.param("TorchEngine", marks=needed("TorchEngine"))])
def test_right_answers_are_never_called_wrong(name: str) -> None:
    for seed in range(500):
        with any_ranks():
            graph = random_graph(seed)
        report = tg.compare_engines(graph, engine(name))
        assert report.right, f"{seed}: {report}"


COMPOSED = (
    "softmax", "log_softmax", "logsumexp", "mean_squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "softmax_cross_entropy", "relu", "sigmoid", "softplus",
)  # fmt: skip


@pytest.mark.parametrize("without", [(), COMPOSED], ids=["with all ops", "with the ops that others are made of"])
def test_tinygraph_agrees_with_itself(without: tuple[str, ...]) -> None:
    for seed in range(100):
        program = random_program(seed, steering=bool(seed % 2), without=frozenset(["singular"]))
        with any_ranks():
            graph = program.graph(program.values(3, 0))
            report = tg.compare_engines(graph, OwnEngine(*without))
        assert report.right, f"{program}\n{report}"


def kinds() -> Iterator[str]:
    yield from (fault[5] for fault in FAULTS)
    yield from (kind for _, _, kind, _ in SENTENCES)
    yield from ("time", "kink")


COMMON = {  # to engines and to gradients that are computed by hand
    "sign", "factor", "mean", "upstream", "local", "wrong value", "transposed", "operands", "not summed", "axis", "overwritten",
    "twice", "missing factor", "entry", "shape", "nan",
}  # fmt: skip


def test_every_kind_of_slip_of_an_engine_is_found_by_some_test() -> None:
    assert set(kinds()) == set(ENGINE_SLIPS) | COMMON


# The page


def test_the_page_has_the_engine_the_adapters_and_the_ladder() -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    for path in {SOURCES["ScalarEngine"], SOURCES["TorchEngine"]}:
        code = path.read_text(encoding="utf-8").partition('"""\n')[2].strip()
        pieces = code.split("\n\n\nclass Torch")
        for i, piece in enumerate(pieces):
            assert ("class Torch" * bool(i) + piece + "\n") in blocks
    rows = re.findall(r"^\| (\w+): `(.*)` \| (.*) \|$", page, re.M)
    assert rows == [(rung.part, rung.name, rung.catches) for rung in tg.ladder()]


def test_the_engine_has_forty_lines_of_code() -> None:
    lines = SOURCES["ScalarEngine"].read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith(('"""', "#"))]
    assert len(code) <= 42


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "1"])
def test_a_timeout_is_a_positive_number(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout="):
        tg.compare_engines(neuron(), engine("ScalarEngine"), timeout=timeout)


def test_an_engine_that_keeps_the_gradients_of_leaves_alone_may_be_wrong_in_an_op_behind() -> None:
    leaves = ("return x.gradient", "return x.gradient if not x.inputs else None")
    report = tg.compare_engines(neuron(), engine("ScalarEngine", ("g * (1 - a * a)", "-g * (1 - a * a)"), leaves))
    assert report.first is not None
    assert "or an op behind is wrong, as the engine gives no " in report.first.text
