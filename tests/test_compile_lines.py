"""Scalars one after the other: the engine's numbers, whichever statements are one function; a loop is few functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import reaches
from tests.test_groups import FIRST, FUNCTIONS, OTHER, VOCABULARY

Function = Callable[..., Any]


@pytest.fixture(params=[1, 2, 5, 12])
def _short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of few statements, for graphs of any size."""
    monkeypatch.setattr("tinygraph.compiler.lowered.LONG", 0)
    monkeypatch.setattr("tinygraph.compiler.lines.STATEMENTS", request.param)


def check(function: Function, first: Any, *others: Any) -> Any:
    """Compare a step that was recorded at the first of several values with the engine at all of them, twice."""
    leaves = [tg.parameter(value) for value in first]
    outputs = function(*leaves)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    names = {f"p{i}": leaf for i, leaf in enumerate(leaves)}
    graph = tg.Graph(*outputs, names=names)
    wrt = [name for name, leaf in names.items() if reaches(outputs[0], leaf)]
    step = graph.compile(wrt=wrt, strategy="whole")
    assert step.plan.why.startswith("scalars one after the other")
    for values in [first, *others] * 2:
        given = {name: graph[name].value for name in step.plan.arguments}
        given |= {f"p{i}": value for i, value in enumerate(values) if leaves[i] in graph}
        again = graph.with_leaves(given)
        found, gradients = step(**given)
        expected = tg.gradients(again.outputs[0], *(again[name] for name in wrt)) if wrt else ()
        same(found if len(outputs) > 1 else (found,), [x.value for x in again.outputs])
        same([gradients[name] for name in wrt], expected)
    return step


def same(found: Any, expected: Any) -> None:
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def functions(step: Any) -> tuple[int, int]:
    """How many calls a step is, and of how many functions."""
    scripts = step._program.whole.scripts
    return len(scripts), len(set(scripts))


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equal_the_engine(name: str, dtype: Any) -> None:
    check(FUNCTIONS[name], np.array(FIRST, dtype), np.array(OTHER, dtype))


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("seed", range(30))
def test_of_random_loops_equal_the_engine(seed: int) -> None:
    chosen = random.Random(seed)
    body = [(chosen.choice(VOCABULARY), chosen.randrange(3), chosen.randrange(3)) for _ in range(chosen.randint(1, 6))]

    def loop(*state: Any) -> Any:
        values, numbers = list(state), random.Random(seed)
        for _ in range(8):
            for line, i, j in body:
                values[i] = np.tanh(line(values[i], values[j])) * numbers.choice([0.5, -0.25, 1.0, 1, 2, 12, True])
        return sum(values)

    step = check(loop, FIRST, OTHER)
    calls, own = functions(step)
    assert own <= calls


@pytest.mark.usefixtures("_short")
def test_of_numbers_that_are_equal_and_not_the_same() -> None:
    def function(x: Any, y: Any, z: Any) -> Any:
        divided = [y / (x * number) for number in (1, 1.0, True, 0.0, -0.0, 0, 10, 10.0, 2**70, float("inf"), -float("inf"))]
        return np.float32(2) * x + sum(np.arctan(y) for y in divided) + x * 10**30 - z * -3 + x * np.nan

    with np.errstate(all="ignore"):
        check(function, FIRST, OTHER)


@pytest.mark.usefixtures("_short")
def test_of_truth_values_and_numbers_are_not_the_same() -> None:
    def function(x: Any, y: Any, z: Any) -> Any:
        for number in (1, True, True, 1):
            x = x + ((y > 0) + number) * z
        return x

    check(function, FIRST, OTHER)


@pytest.mark.usefixtures("_short")
def test_return_those_values_that_others_read() -> None:
    def function(x: Any, y: Any, z: Any) -> Any:
        chosen = []
        for i in range(24):
            first = x + y
            second = first * 0.75
            x = second - z
            chosen.append(first if i // 4 % 2 else second)
        return sum(chosen, x)

    check(function, FIRST, OTHER)


@pytest.mark.usefixtures("_short")
def test_of_ops_of_the_user_with_metadata_and_shapes() -> None:
    @tg.op(lambda g, out, x, *, n: g * n, elementwise=True)
    def times(x: Any, *, n: int) -> Any:
        return x * n

    @tg.op(lambda g, out, x, like: g, None, shape_only=("like",), dtype="like")
    def as_dtype_of(x: Any, like: Any) -> Any:
        return np.asarray(x).astype(like.dtype)

    def function(x: Any, y: Any, z: Any) -> Any:
        like = tg.constant(np.float32(1)), tg.constant(1.0)
        for i in range(12):
            x = np.tanh(times(x, n=i % 3) + as_dtype_of(y, like[i % 2])) - z
        return x

    check(function, FIRST, OTHER)


def test_of_a_loop_are_few_functions_however_often_it_runs() -> None:
    def chain(rounds: int, number: Function) -> Function:
        def function(x: Any, y: Any, z: Any) -> Any:
            for i in range(rounds):
                x = np.tanh(x * y + number(i)) * z
            return x

        return function

    for number in (lambda i: 0.5, lambda i: i / 7, lambda i: 1000 * i, lambda i: np.float64(i / 7), lambda i: 3):
        few, many = (functions(check(chain(rounds, number), FIRST, OTHER)) for rounds in (1000, 2000))
        assert few[0] * 1.9 < many[0]
        assert few[1] == many[1] < 12


def test_source_is_a_program_that_computes_the_same() -> None:
    h = w = tg.parameter(0.5)
    for i in range(1000):
        h = np.tanh(h * w + i / 1000)
    step: Any = tg.Graph(h, names={"w": w, "h": h}).compile()
    assert "    # h = np.tanh(h * w + i / 1000)\n    t2 = tanh(a0 * a0 + c0)\n    t5 = tanh(t2 * a0 + c1)\n" in step.source
    scope: dict[str, Any] = {"tanh": np.tanh}
    exec(step.source, scope)
    value, gradients = step(w=0.3)
    assert scope["step"](np.float64(0.3)) == (value, gradients["w"])
    assert sum("    v += " in line for line in step.source.splitlines()) == functions(step)[0]
    assert len(step.profile(w=0.3).costs) == step.plan.statements
