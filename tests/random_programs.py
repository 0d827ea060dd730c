"""Random programs: small Python functions of leaves, written line by line from a vocabulary of lines.

A line is a template with slots (`np.exp({x} * 0.3)`). Its slots are filled with variables that fit, and the line is tried on
plain arrays at two batch sizes; one that fails there, or gives numbers that are too large, is left out. So nothing here knows a
rule about shapes, and every program runs with NumPy alone: on plain arrays it says what the recorded program must say.

What Python decides by goes through `seen(...)`, which notes it in a run on plain arrays: two runs went the same way if they saw
the same.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg

SIZES = (3, 5)  # the batch sizes at which each line is tried
LARGEST = 30.0  # numbers beyond it are not kept, so that differences can be taken
REFUSED = (ValueError, TypeError, IndexError, AttributeError, ArithmeticError, np.linalg.LinAlgError, AssertionError)


class Line(NamedTuple):
    """A template, and what it has that some property cannot cope with or must see often."""

    template: str
    tags: frozenset[str] = frozenset()


class Leaf(NamedTuple):
    """An argument: a parameter, a constant, a bare array (or NumPy scalar), or a Python number."""

    role: str
    shape: tuple[int | str, ...]  # "n" is the batch size
    dtype: str


def lines(*templates: str, tags: str = "") -> list[Line]:
    """Lines that have the same tags."""
    return [Line(template, frozenset(tags.split())) for template in templates]


# The vocabulary. Slots: x, y any floats; v, u floats with axes; m, p matrices; s, t scalars; w a vector; k a mask; i indices;
# A, B bare arrays; c a literal; axis an axis of v. `new` is the variable that the line makes. Bare arrays stand where they are an
# operand of something recorded, but for the lines that compute with them beside the record (BESIDE).
ELEMENTWISE = lines(
    "{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / (1 + {y} * {y})", "{c} - {x}", "{x} * {c}", "{c} / (2 + {x} ** 2)", "-{x}",
    "+{x}", "{x} ** 2", "{x} ** 3 / 5", "(np.abs({x}) + 0.1) ** {y}", "2 ** np.tanh({x})", "{x} // 1 + {x} % 1",
    "np.fmod({x}, 1.5) * {y}", "np.exp({x} * 0.3)", "np.log({x} * {x} + 0.5)", "np.sqrt(np.abs({x}) + 0.1)",
    "np.sin({x}) * np.cos({y})", "np.tan(np.tanh({x}))", "np.tanh({x})", "np.arctan({x})", "np.arctan2({x}, 0.5 + {y} ** 2)",
    "np.arcsinh({x})", "np.arcsin(np.tanh({x}) * 0.9)", "np.log1p({x} ** 2)", "np.expm1({x} * 0.2)", "np.sinc({x})",
    "np.cbrt({x} + 3)", "np.logaddexp({x}, {y})", "np.square({x})", "np.reciprocal(2 + np.cos({x}))",
    "np.cosh({x} * 0.2) + np.sinh({y} * 0.2)", "np.exp2({x} * 0.2)", "np.log2({x} ** 2 + 1)", "tg.sigmoid({x})", "tg.relu({x})",
    "tg.softplus({x})", "np.sign({x}) * {y}", "np.rint({x}) * {y}", "np.floor({x}) + {y}", "abs({x})", "round({x}, 1) * {y}",
)  # fmt: skip
CHOOSING = lines(
    "np.where({x} > {y}, {x}, 0.1 * {y})", "np.where({x} > 0, {x}, {c})", "np.maximum({x}, {y})", "np.minimum({x}, {c})",
    "np.maximum(0, {x})", "np.clip({x}, -1, 1)", "np.clip({x}, -0.5, None)", "np.abs({x} - {y})", "({x} > 0) * {y}",
    "np.where({k}, {x}, {y})", "np.where(({x} > 0) & ({y} < 1), {x}, {y} * 2)", "np.where(~({x} > 0), {x}, -{x})",
)  # fmt: skip
REDUCTIONS = lines(
    "np.sum({v})", "np.mean({v})", "np.sum({v}, axis={axis})", "np.mean({v}, axis={axis}, keepdims=True)", "{v}.sum({axis})",
    "{v}.mean()", "np.max({v}, axis={axis})", "np.min({v})", "np.prod(np.tanh({v}) + 1.2, axis={axis})",
    "np.var({v}, axis={axis})", "tg.logsumexp({v}, axis={axis})", "np.cumsum({v}, axis={axis})", "np.median({v}, axis={axis})",
    "np.ptp({v}, axis={axis})", "np.average({v}, axis={axis})", "{v} - np.max({v}, axis={axis}, keepdims=True)",
    "np.cumprod(np.tanh({v}) + 1, axis={axis})",
)  # fmt: skip
SINGULAR = lines(
    "np.linalg.norm({v})", "np.linalg.norm({v}, axis={axis}, keepdims=True)", "np.std({v} + 0, axis={axis}, keepdims=True)",
    "np.std({v}, ddof=0) * {x}", "np.hypot({x}, {y})", tags="singular",
)  # fmt: skip
SHAPES = lines(
    "{v}[::-1]", "{v}[1:] - {v}[:-1]", "{v}[0]", "{v}[-1] * {c}", "{v}[:2]", "{v}[..., 0]", "{v}[..., None] * {c}",
    "{v}[None] + {x}", "{m}[:, [1, 0, 0]]", "{m}[1:, :2]", "{m}.T", "np.transpose({m}) @ {m}", "np.reshape({v}, -1)",
    "{v}.reshape(1, -1)", "{m}.ravel()", "np.concatenate([{v}, {u}])", "np.concatenate([{m}[:, :1], {m}], axis=1)",
    "np.stack([{v}, {u}], axis={axis})", "np.stack([{s}, {t}, {s} * {t}])", "np.expand_dims({v}, 0)",
    "np.squeeze({v}[..., None], -1)", "np.swapaxes({m}, 0, 1)", "np.flip({v}, {axis})", "np.roll({v}, 1, axis={axis})",
    "np.tile({w}, 2)", "np.repeat({v}, 2, axis={axis})", "np.pad({w}, (1, 2))", "np.diff({v}, axis={axis})",
    "np.atleast_2d({w})", "np.vstack([{w}, {w} * 2])", "np.hstack([{v}, {u}])", "np.triu({m})", "np.diag({w})",
    "np.split({v}, [1])[1]", "np.ravel({v})[:3]", "np.moveaxis({m}, 0, 1) * {c}", "np.stack([{w}, {w} ** 2])",
)  # fmt: skip
PRODUCTS = lines(
    "{m} @ {p}", "{m} @ {w}", "{w} @ {m}", "np.dot({m}, {w})", "np.dot({v}, {s})", "{m} @ {p}.T", "{v} @ {u}",
    "np.outer({w}, {w})", "np.inner({w}, {w})", "np.einsum('ij,kj->ik', {m}, {p})", "np.einsum('i,i->', {w}, {w})",
    "np.tensordot({m}, {p}, axes=1)", "np.trace({m})", "np.matmul({v}, {m})", "np.vdot({v}, {u})",
)  # fmt: skip
SOLVING = lines(
    "np.linalg.inv({m}.T @ {m} + np.eye({m}.shape[1]))", "np.linalg.det(np.tanh({m}.T @ {m}) + 2 * np.eye({m}.shape[1]))",
    "np.linalg.solve({m}.T @ {m} + 2 * np.eye({m}.shape[1]), {m}.T @ {m}[:, 0])", tags="float64 length",
)  # fmt: skip
LOSSES = lines(
    "tg.softmax({v})", "tg.log_softmax({v}, axis={axis})", "tg.mean_squared_error({v}, {u})", "np.mean(({v} - {u}) ** 2)",
    "tg.binary_cross_entropy_with_logits({v}, tg.sigmoid({u}))", "tg.binary_cross_entropy(tg.sigmoid({v}), {labels})",
    "tg.binary_cross_entropy_with_logits({w}, {labels})", "tg.softmax_cross_entropy({m}, {classes})",
    "-np.mean({labels} * np.log(tg.sigmoid({w})))", "np.exp({v} - np.max({v}, axis={axis}, keepdims=True))",
    "tg.mean_squared_error({v}, {u}, reduction='none')", "tg.softmax_cross_entropy({m}, {classes}, reduction='sum')",
)  # fmt: skip
LOOPS = lines(
    "{x}\nfor step in range(3):\n    {new} = {new} * 0.5 + np.tanh({y})",
    "{s} * 0\nfor row in {v}:\n    {new} = {new} + np.sum(row ** 2) * 0.1", "sum(np.sum({m}[j]) * 0.5 ** j for j in range(2))",
    "[np.tanh({x}), {y}]\n{new} = {new}[0] * {new}[1] + {new}[0]", "scaled({x}, by={c}) + scaled({y})",
    "scaled(scaled({x}), {y})", "gated({x}, {y})",
)  # fmt: skip
STOPPED = lines(
    "{x} - tg.stop_gradient({y})", "np.log(np.sum(np.exp({v} - tg.stop_gradient(np.max({v}))), axis={axis}))",
    "tg.stop_gradient({x})", "(tg.stop_gradient({x}) > 0) * {y}", tags="stopped",
)  # fmt: skip
LENGTHS = lines(
    "np.sum({v}) / len({v})", "sum({v}[j] for j in range(len({v}))) / len({v})", "np.arange(len({w})) * {w}",
    "{v} / {v}.shape[0]", "np.sum({v} ** 2) * (1 / {v}.size)", "np.broadcast_to({s}, np.shape({v})) * {v}",
    "np.zeros_like({v}) + {s}", tags="length",
)  # fmt: skip
DECISIONS = lines(
    "{x}\nif seen({s} > {t}):\n    {new} = {x} * 2", "{x} * 2 if seen({s} * {t} > 0) else {x} * 3",
    "max({s}, {t})\nseen({new} is {s})", "min({s}, {t}, -{s})\nseen({t} < {s})\nseen({new} is {s} or {new} is {t})",
    "sorted([{s}, {t}])[0] * {c}\nseen({t} < {s})", "{x}\nwhile seen(np.sum({new} ** 2) > 1.0):\n    {new} = {new} * 0.5",
    "{x} * seen(int({s} * 3))", "[{x}, {y}][seen(int(np.argmax({v}[:2].ravel()) == 0))]",
    "[{x}, {y}, {x} * {y}][np.argmin(np.ravel({v})[:3])]\nseen(int(np.argmin(np.ravel({v})[:3])))",
    "{x} if seen(np.allclose({v}, {u}, atol=0.5)) else {y}", "{x} if seen(np.array_equal({v} > 0, {u} > 0)) else {x} * {y}",
    "sum([r * r for r in np.ravel({v}) if seen(r > 0)], start=0.0) + {s}", "{x} * 0.5\nassert seen(np.sum({v} ** 2) > 1e-3)",
    "{x} if seen({s} > 0) and seen({t} > 0) else {y}", "{x} if seen({s} > 0.5) or not seen({t} < 0) else {y} * 2",
    "{s} if seen({s} in [0.0, {t}]) else {x}\nseen({s} == 0.0)", "leaky({s}) * {x}",
    "np.sum({v})\nfor r in np.ravel({v}):\n    if seen(r < 0):\n        {new} = {new} - r",
    "{x}\nfor j in range(seen(int(np.sum({v} > 0)))):\n    {new} = {new} * 0.9 + 0.1",
    "np.abs({x})\nif seen(np.any({v} > 1)) and seen(not np.all({v} > 0)):\n    {new} = {new} + {s}",
    "{x} if seen({s}) else {y}", tags="decision",
)  # fmt: skip
ANSWERS = lines(
    "{w}[np.argsort({w})] * np.sin({w})", "{w}[np.argmax({w})]",
    "np.take_along_axis({m}, np.argsort({m}, axis=0), axis=0) * {s}", "np.sort({w})", "{w}[np.argsort(-{w})][:2]",
    "np.count_nonzero({v} > 0) * {x}", "np.isclose({x}, {y}, atol=0.3) * {x}", "np.where(np.isnan({x}), 0, {x}) * {y}",
    "np.where(np.signbit({x}), {y}, {x})", "{x} * np.any({v} > 1.5)", "np.searchsorted(np.array([-1.0, 0.0, 1.0]), {x}) * {y}",
    "{x}.astype(int) * {y}", "{m}[np.argmin({m}, axis=0), [0, 1, 1]]", "np.all({v} > -1, axis={axis}) * {s}",
    "{m}[:, np.argsort(np.sum({m}, axis=0))]", "np.take({w}, np.argmin({w})) * {x}", tags="answer",
)  # fmt: skip
MASKS = lines(
    "np.sum({v}[{v} > 0])", "np.sum({m}[{m}[:, 0] > 0])", "np.sum({v}[{v} > {s}] ** 2)", "{v}[{i}]", "{m}[{i}, {i}]",
    "np.sum({x}[{k}])", "({k} & ({x} > 0)) * {y}", "np.where(np.logical_and({k}, {x} < 1), {x}, 0)", tags="mask",
)  # fmt: skip
BESIDE = lines(
    "(1 - {A}) * {x}", "{A} * np.log(tg.sigmoid({x})) + (1 - {A}) * np.log(1 - tg.sigmoid({x}))", "{A}[1:] * {x}",
    "({A} > 0) * {x}", "{A}.T @ {m}", "np.exp({A} * 0.1) * {x} - {A}", "{x} / (1 + {A} ** 2)", "{A}[:, 0] * {w}",
    "({A} - {A}.mean()) * {x}", "np.where({A} > 0, {x}, {y})", "{A}[0] * {x}", "{x} + {A} * {B}", "{x} * {i}[0]",
    "np.where(~{k}, {x}, {y})", tags="beside",
)  # fmt: skip
BARE = lines(
    "{A} + {x}", "{x} * {A}", "{A} - {x} * {B}", "{m} @ {A}", "{A} @ {m}", "np.maximum({x}, {A})",
    "np.where({x} > {A}, {x}, {A})", "{A} / (2 + {x} ** 2)", "np.concatenate([{w}, {A}])", "np.dot({A}, {w})",
    "np.stack([{w}, {A}, {w}])", "{x} + {A} + {A}", "np.where({k}, {x}, {A})", "np.exp({A} * {x} * 0.2)",
    "np.einsum('ij,kj->ik', {m}, {A})",
)  # fmt: skip
CASTS = lines(
    "{x}.astype(np.float32) * {y}", "{x} * np.float32(0.5)", "{x} + np.float64(1.5)", "np.float32(0.5) * {x}",
    "{x} * np.int64(2)", "({x} > 0).astype(np.float32) * {y}", "{x} * {i}", "{k} * {x}", "{x} * True", "({x} > 0) + {y}",
    tags="mixed",
)  # fmt: skip

USUAL = [ELEMENTWISE, CHOOSING, REDUCTIONS + SINGULAR, SHAPES, PRODUCTS, LOSSES, LOOPS, BARE, SOLVING, STOPPED, LENGTHS]
STEERING = [DECISIONS, ANSWERS, MASKS, BESIDE, CASTS]
LITERALS = ["0.5", "-1.5", "2", "3", "1", "1 / 3", "0.1", "-1", "2.5", "-0.25"]

# Lines whose numbers may overflow, divide by 0 or leave a function's domain.
UNSAFE = lines(
    "{x} / {y}", "1 / {x}", "{x} * {y}", "{x} + {y}", "{x} - {y}", "np.log({x})", "np.sqrt({x})", "np.exp({x})", "{x} ** 2",
    "{x} ** {y}", "{x} ** -1", "{x} ** 0.5", "np.square({x})", "np.reciprocal({x})", "np.log1p({x})", "np.expm1({x})",
    "np.log2({x})", "np.log10({x})", "np.sinh({x})", "np.cosh({x})", "np.tanh({x})", "np.arctanh({x})", "np.arcsin({x})",
    "np.arccosh({x})", "np.sin({x})", "np.tan({x})", "np.sum({v})", "np.mean({v})", "np.prod({w})", "np.cumsum({v})",
    "np.max({v})", "np.hypot({x}, {y})", "{x} // {y}", "{x} % {y}", "np.abs({x})", "np.maximum({x}, {y})",
    "np.where({x} > 0, {x}, 0)", "{m} @ {m}.T", "np.arctan2({x}, {y})", "np.exp2({x})", "{v}[1:]", "np.var({v})", "np.std({v})",
    "np.linalg.norm({v})", "np.outer({w}, {w})", "-{x}", "{x} > {y}", "np.clip({x}, -1, 1)", "np.concatenate([{v}, {v}])",
    "np.arctan({x})", "np.cbrt({x})", "np.sign({x})", "np.arcsinh({x})", "np.sort({v})", "{c} * {x}", "{x}.astype(np.float32)",
)  # fmt: skip

HELPERS = {
    "scaled": "def scaled(p, by=2):\n    return p * by\n",
    "gated": "def gated(p, q):\n    gate = tg.sigmoid(q)\n    return scaled(gate, p) + (1 - gate) * q\n",
    "leaky": "def leaky(p):\n    if seen(p > 0):\n        return p\n    return 0.1 * p\n",
}
FILENAME = "<random program>"


@dataclass(frozen=True)
class Program:
    """A function of `leaves`, whose last lines add up a loss `L` from `terms`; `hidden` variables get no name in a graph."""

    seed: tuple[int, ...]
    leaves: Mapping[str, Leaf]
    body: tuple[Line, ...]
    terms: tuple[str, ...]
    hidden: frozenset[str] = frozenset()

    @property
    def tags(self) -> frozenset[str]:
        """What some line of it has."""
        return frozenset().union(*(line.tags for line in self.body))

    @property
    def rounding(self) -> float:
        """How far two ways of computing the same may be apart."""
        single = "mixed" in self.tags or any(leaf.dtype == "float32" for leaf in self.leaves.values())
        return 1e-3 if single else 1e-10

    @cached_property
    def source(self) -> str:
        """The module: the helpers that it calls, and `program`, which returns all its variables."""
        text = "\n".join(line.template for line in self.body)
        called = [name for name in HELPERS if re.search(rf"\b{name}\(", text)]
        called = [name for name in HELPERS if name in called or ("gated" in called and name == "scaled")]
        inner = [*text.splitlines(), f"L = {' + '.join(self.terms)}", "return locals()"]
        function = "\n".join([f"def program({', '.join(self.leaves)}):", *(f"    {line}" for line in inner)])
        return "\n\n".join([*(HELPERS[name] for name in called), function]) + "\n"

    def __str__(self) -> str:
        return f"random program {self.seed}, hidden {sorted(self.hidden)}, leaves {dict(self.leaves)}:\n{self.source}"

    @cached_property
    def _module(self) -> dict[str, Any]:
        module: dict[str, Any] = {"np": np, "tg": tg, "seen": lambda x: x}
        linecache.cache[FILENAME] = (len(self.source), None, self.source.splitlines(keepends=True), FILENAME)
        exec(compile(self.source, FILENAME, "exec"), module)
        return module

    def run(self, arguments: Mapping[str, Any], seen: Callable[[Any], Any] = lambda x: x) -> dict[str, Any]:
        """All variables of the program on nodes, arrays, or both."""
        self._module["seen"] = seen
        variables: dict[str, Any] = self._module["program"](**arguments)
        return variables

    def on_arrays(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """All variables of the program on plain arrays, and what Python decided by; none, and how it ended, where it fails."""
        decided: list[Any] = []

        def seen(x: Any) -> Any:
            decided.append(bool(x) if isinstance(x, float | np.floating | np.bool | bool) else int(x))
            return x

        try:
            return self.run(values, seen), decided
        except REFUSED as error:
            return {}, [*decided, type(error)]

    def values(self, n: int, draw: int) -> dict[str, Any]:
        """Arrays and numbers for the leaves at batch size n; Python numbers are the same in each draw."""
        return {
            name: leaf_value(leaf, n, np.random.default_rng([*self.seed, i, 0 if leaf.role == "number" else draw]))
            for i, (name, leaf) in enumerate(self.leaves.items())
        }

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as what the leaves are: parameters, constants, bare arrays, numbers."""
        make: dict[str, Callable[[Any], Any]] = {"parameter": tg.parameter, "constant": tg.constant}
        return {name: make.get(leaf.role, lambda x: x)(values[name]) for name, leaf in self.leaves.items()}

    def names(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that are named in a graph."""
        return {name: x for name, x in variables.items() if name not in self.hidden}

    def graph(self, values: Mapping[str, Any]) -> tg.Graph:
        """The program recorded on these values of its leaves."""
        variables = self.run(self.arguments(values))
        return tg.Graph(variables["L"], names=self.names(variables))


def leaf_value(leaf: Leaf, n: int, rng: np.random.Generator) -> Any:
    """A random value: floats of about 1, integers that index an axis of 2, bools, labels of 0 and 1."""
    shape = tuple(n if size == "n" else int(size) for size in leaf.shape)
    if leaf.role == "number":
        return round(float(rng.normal()), 2) if leaf.dtype == "float64" else int(rng.integers(1, 4))
    if leaf.dtype == "labels":
        return rng.integers(0, 2, shape).astype(float)[()]
    if leaf.dtype == "int64":
        return rng.integers(0, 2, shape)[()]
    if leaf.dtype == "bool":
        return np.asarray(rng.random(shape) > 0.5)[()]
    return np.asarray(rng.normal(size=shape)).astype(leaf.dtype)[()]


# Making one

SHAPES_OF_LEAVES: list[tuple[int | str, ...]] = [(), (3,), ("n",), ("n", 3), (3, 3), (1, 3), ("n", 1), (2, 3), ("n", 2, 3), (1,)]


def _random_leaves(rng: np.random.Generator, single: bool) -> dict[str, Leaf]:
    """A matrix of data, labels, weights and a bias, and a few leaves of any role and shape; some float32 where `single`."""
    roles = ["parameter", "parameter", "constant", "array", "number"]
    small = "float32" if single and rng.random() < 0.3 else "float64"
    leaves = {
        "X": Leaf(str(rng.choice(["constant", "array"])), ("n", 3), "float64"),
        "labels": Leaf(str(rng.choice(["constant", "array"])), ("n",), "labels"),
        "W": Leaf("parameter", (3, 3), small),
        "b": Leaf("parameter", (), "float64"),
        "a": Leaf("parameter", (3,), small),
        "classes": Leaf(str(rng.choice(["constant", "array"])), ("n",), "int64"),
        "chosen": Leaf(str(rng.choice(["constant", "array"])), ((3,), ("n",))[rng.integers(2)], "int64"),
        "mask": Leaf(str(rng.choice(["constant", "array"])), ((3,), ("n",), ("n", 1))[rng.integers(3)], "bool"),
    }
    for i in range(rng.integers(1, 4)):
        role = str(rng.choice(roles))
        shape = () if role == "number" else SHAPES_OF_LEAVES[rng.integers(len(SHAPES_OF_LEAVES))]
        integer = role != "parameter" and rng.random() < 0.2
        leaves[f"q{i}"] = Leaf(role, shape, "int64" if integer else "float64" if rng.random() < 0.7 else small)
    return leaves


NDIM = {"m": 2, "p": 2, "w": 1, "s": 0, "t": 0}  # of what fills these slots


def _fits(slot: str, value: Any, leaf: Leaf | None) -> bool:
    """Whether a variable may fill a slot, by its value at the first of SIZES; `leaf` is None for what a line made."""
    kind, ndim = np.asarray(value).dtype.kind, np.ndim(value)
    if slot in ("k", "i"):
        return kind == {"k": "b", "i": "i"}[slot] and leaf is not None and ndim > 0
    is_bare = leaf is not None and leaf.role in ("array", "number")
    if slot in ("A", "B"):
        return kind == "f" and leaf is not None and leaf.role == "array"
    return kind == "f" and not is_bare and ndim == NDIM.get(slot, ndim) and (slot not in "vu" or ndim > 0)


def _is_recorded(name: str, leaves: Mapping[str, Leaf]) -> bool:
    return name not in leaves or leaves[name].role in ("parameter", "constant")


def _filled(template: str, new: str, tried: dict[str, Any], leaves: Mapping[str, Leaf], rng: np.random.Generator) -> str | None:
    """A template with variables in its slots; None where there is none that fits."""
    numbers = [name for name, leaf in leaves.items() if leaf.role == "number"]
    chosen = {"new": new, "labels": "labels", "classes": "classes", "c": str(rng.choice(LITERALS + 3 * numbers))}
    latest = list(tried)[::-1]
    for slot in dict.fromkeys(re.findall(r"{(\w+)}", template)):
        if slot == "axis":
            ndim = np.ndim(tried[chosen["v"]])
            chosen[slot] = str(rng.integers(-ndim, ndim))
        elif slot not in chosen:
            fitting = [x for x in latest if _fits(slot, tried[x], leaves.get(x))]
            if slot == "u":
                fitting = [x for x in fitting if np.shape(tried[x]) == np.shape(tried[chosen["v"]])]
            if not fitting:
                return None
            recent = fitting[:4] if rng.random() < 0.5 else fitting
            chosen[slot] = recent[rng.integers(len(recent))]
    recorded = any(_is_recorded(name, leaves) for slot, name in chosen.items() if slot not in FIXED)
    return re.sub(r"{(\w+)}", lambda match: chosen[match[1]], "{new} = " + template) if recorded else None


FIXED = ("new", "labels", "classes", "c", "axis")


def _is_usable(value: Any) -> bool:
    """Whether a result may go into further lines."""
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.kind not in "biuf" or value.size > 80 or value.ndim > 4:
        return False
    return bool(np.all(np.isfinite(value)) and np.max(np.abs(value), initial=0) < LARGEST) and value.size > 0


def _try(text: str, new: str, tried: Sequence[dict[str, Any]], check: Callable[[Any], bool]) -> list[Any] | None:
    """What a line gives at each size, or None where it fails."""
    code = compile(text, FILENAME, "exec")
    results = []
    for variables in tried:
        scope = _HELPERS | variables
        try:
            with np.errstate(all="ignore"):
                exec(code, scope)
        except REFUSED:
            return None
        if not check(scope[new]):
            return None
        results.append(scope[new])
    return results


_HELPERS: dict[str, Any] = {"np": np, "tg": tg, "seen": lambda x: x}
exec("\n".join(HELPERS.values()), _HELPERS)


def random_program(
    *seed: int,
    steering: bool = False,
    without: frozenset[str] = frozenset(),
    length: int = 8,
    vocabulary: Sequence[Sequence[Line]] = USUAL,
    check: Callable[[Any], bool] = _is_usable,
) -> Program:
    """The program of a seed; one that is `steering` has decisions, answers, masks, arrays beside the record, mixed dtypes.

    `without` are tags that none of its lines may have; "single" leaves float32 leaves out.
    """
    rng = np.random.default_rng(seed)
    leaves = _random_leaves(rng, steering and "single" not in without)
    empty = Program(seed, leaves, (), ("b",))
    tried = [empty.values(n, 0) for n in SIZES]
    body: list[Line] = []
    made: list[str] = []
    for _ in range(40 * length):
        if len(body) == length:
            break
        kinds = STEERING if steering and rng.random() < 0.5 else vocabulary
        group = [line for line in kinds[rng.integers(len(kinds))] if not line.tags & without]
        if not group:
            continue
        line = group[rng.integers(len(group))]
        new = f"v{len(body) + 1}"
        text = _filled(line.template, new, tried[0], leaves, rng)
        results = None if text is None else _try(text, new, tried, check)
        if text is not None and results is not None:
            for variables, result in zip(tried, results, strict=True):
                variables[new] = result
            body.append(Line(text, line.tags))
            made.append(new)
    floats = [name for name in made if np.asarray(tried[0][name]).dtype.kind == "f"]
    parts = ["np.mean({})", "np.sum(np.tanh({}))", "np.mean({} ** 2)", "np.sum(np.sin({}))"]
    chosen = [name for i, name in enumerate(floats) if i >= len(floats) - 2 or rng.random() < 0.5]
    terms = [parts[rng.integers(len(parts))].format(name) for name in [*chosen, "W"]]
    hidden = frozenset(name for name in made if rng.random() < 0.4)
    return Program(seed, leaves, tuple(body), tuple(terms), hidden)


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The program with as few lines, terms and hidden variables as still fail."""
    smaller = True
    while smaller:
        smaller = False
        attempts = [replace(program, body=program.body[:i] + program.body[i + 1 :]) for i in reversed(range(len(program.body)))]
        attempts += [
            replace(program, terms=program.terms[:i] + program.terms[i + 1 :])
            for i in range(len(program.terms))
            if len(program.terms) > 1
        ]
        attempts += [replace(program, hidden=program.hidden - {name}) for name in program.hidden]
        attempts += [replace(program, leaves={k: v for k, v in program.leaves.items() if k != name}) for name in program.leaves]
        for attempt in attempts:
            if fails(attempt):
                program, smaller = attempt, True
                break
    return program
