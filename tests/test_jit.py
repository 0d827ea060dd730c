"""`tg.jit`: a function of arrays, recorded again for arrays of another kind, sizes that do not fit, and other decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.compiled import assert_same

OWN = tg.parameter(3.0)


class Counted:
    """A function that counts how often it ran."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.calls += 1
        return self.function(*arguments, **keywords)


def logistic(parameters: Any, X: Any, y: Any) -> Any:
    return tg.binary_cross_entropy_with_logits(X @ parameters["w"] + parameters["b"], y)


def test_gives_what_the_function_does() -> None:
    both = tg.value_and_grad(logistic)
    counted = Counted(both)
    fast = tg.jit(counted)
    rng = np.random.default_rng(0)
    for rows in (5, 5, 8):
        X, y, parameters = rng.normal(size=(rows, 3)), np.ones(rows), {"w": rng.normal(size=3), "b": rng.normal()}
        loss, gradient = fast(parameters, X, y)
        expected, expected_gradient = both(parameters, X, y)
        assert_same(loss, expected)
        assert gradient.keys() == {"w", "b"}
        for name, x in gradient.items():
            assert_same(x, expected_gradient[name])
    assert counted.calls == 2  # once for each number of rows


def test_composes_with_derivatives() -> None:
    f = lambda x: np.sum(np.tanh(x) ** 3)
    x = np.array([0.3, -0.2])
    assert_same(tg.jit(tg.hessian(f))(x), tg.hessian(f)(x))
    assert_same(tg.grad(tg.jit(f))(x), tg.grad(f)(x))  # given nodes it records
    assert_same(tg.jit(tg.grad(tg.jit(f)))(x), tg.grad(f)(x))


def test_warns_once() -> None:
    fast = tg.jit(np.log)
    for x in (np.zeros(2), np.zeros(2), np.zeros(3)):
        with pytest.warns(RuntimeWarning, match="divide by zero") as warned:
            fast(x)
        assert len(warned) == 1


def test_may_take_nothing() -> None:
    w = tg.parameter(2.0)
    fast = tg.jit(lambda: 3.0 * w)
    assert [fast(), fast()] == [6.0, 6.0]


@dataclass
class Parameters:
    w: Any
    b: Any


def test_takes_and_returns_trees() -> None:
    update = tg.jit(lambda p, rates: Parameters(p.w * rates[0], [p.b - rates[1], {"same": p.w}]))
    found = update(Parameters(np.ones(2), 3.0), (2.0, 1))
    assert isinstance(found, Parameters)
    np.testing.assert_array_equal(found.w, [2.0, 2.0])
    assert found.b[0] == 2.0
    np.testing.assert_array_equal(found.b[1]["same"], np.ones(2))


@pytest.mark.parametrize(
    "other",
    [np.ones((3, 1)), np.ones(3, np.float32), np.ones(3, int), np.ones(1), 1.0, [1.0, 2.0, 3.0]],
    ids=lambda x: f"{type(x)}",
)
def test_is_recorded_again_for_another_kind(other: Any) -> None:
    counted = Counted(lambda x: x * 2 if not isinstance(x, list) else [2 * i for i in x])
    fast = tg.jit(counted)
    fast(np.ones(3))
    found = fast(other)
    assert counted.calls == 2
    np.testing.assert_array_equal(found, np.asarray(other) * 2)
    fast(np.ones(3))
    fast(other)
    assert counted.calls == 2


def test_is_recorded_again_where_python_decides_otherwise() -> None:
    counted = Counted(lambda x: x * x if x > 0 else -x)
    fast = tg.jit(counted)
    assert [fast(x) for x in (2.0, -3.0, 4.0, -1.0)] == [4.0, 3.0, 16.0, 1.0]
    assert counted.calls == 2


def test_is_compiled_once_for_a_decision_of_several_arguments() -> None:
    fast = tg.jit(lambda x, limit: 2 * x if x > limit else x)
    assert fast(2.0, 1.0) == 4.0
    step = fast.step
    assert fast(0.5, 0.1) == 1.0
    assert fast.step is step
    assert fast(5.0, 7.0) == 5.0
    assert fast(0.5, 0.1) == 1.0
    assert fast.step is step


def test_is_recorded_again_for_sizes_that_do_not_fit() -> None:
    fast = tg.jit(lambda x: np.sum(x) / len(x))
    assert [fast(np.arange(float(n))) for n in (3, 5, 3)] == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(x[: len(x) // 2]),
        lambda x: sum(x[i] * x[i] for i in range(len(x))),
        lambda x: np.sum(x) / np.sqrt(len(x)),
        lambda x: np.sum(x) if len(x) > 5 else -np.sum(x),
        lambda x: np.sum(x * np.linspace(0, 1, len(x))),
        lambda x: x[len(x) - 1] * 2,
        lambda x: (np.sum(x), len(x))[1],
    ],
    ids=["half", "loop", "root", "branch", "array", "last", "size"],
)
def test_takes_from_sizes_what_the_function_does(function: Any) -> None:
    fast = tg.jit(function)
    for n in (4, 6, 8, 4, 2):
        x = np.arange(1.0, n + 1)
        assert_same(fast(x), function(x))


def test_is_compiled_once_for_sizes_for_which_the_function_records_the_same() -> None:
    fast = tg.jit(lambda x, y: np.mean(np.tanh(x) * y))
    fast(np.ones(3), np.ones(3))
    step = fast.step
    for n in (5, 4, 3):
        assert fast(np.zeros(n), np.ones(n)) == 0.0
        assert fast.step is step


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (lambda x, axis: np.sum(x, axis=axis), (0, 1)),
        (lambda x, n: sum(x[0] * i for i in range(n)), (3, 5)),
        (lambda x, is_doubled: 2 * x if is_doubled else x, (True, False)),
        (lambda x, limit: 2 * x if limit > 1 else x, (0.5, 2.0)),
    ],
    ids=["axis", "range", "bool", "comparison"],
)
def test_is_recorded_again_for_numbers_that_python_reads(function: Any, settings: tuple[Any, ...]) -> None:
    fast = tg.jit(function)
    x = np.arange(6.0).reshape(2, 3)
    for setting in (*settings, settings[0]):
        assert_same(fast(x, setting), function(x, setting))


def test_returns_arrays_of_the_callers_own() -> None:
    fast = tg.jit(lambda x: [2 * x, np.zeros(2)])
    first = fast(np.ones(2))
    for x in first:
        x += 9
    np.testing.assert_array_equal(fast(np.ones(2)), [[2.0, 2.0], [0.0, 0.0]])


def test_of_many_settings_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygraph.compiler.tracing.KINDS", 3)
    fast = tg.jit(lambda x, setting: (x * 2, setting))
    for setting in "abcdea":
        assert fast(1.0, setting) == (2.0, setting)
    assert len(fast._traces) == 3


def test_settings_have_to_be_hashable() -> None:
    with pytest.raises(TypeError, match=r"tg\.jit takes arrays, trees of arrays, and settings that can be keys of a dict"):
        tg.jit(lambda x, setting: x)(1.0, {"a"})


def test_returns_what_depends_on_no_array() -> None:
    assert tg.jit(lambda x: 3)(np.ones(2)) == 3
    assert tg.jit(lambda x: (x, None, 2.0))(1.0) == (1.0, None, 2.0)


def test_keeps_what_it_reads_from_elsewhere() -> None:
    scale = np.array([1.0, 2.0])
    fast = tg.jit(lambda x: np.sum(scale * x))
    assert fast(np.ones(2)) == 3.0
    assert fast(np.array([2.0, 2.0])) == 6.0


def test_shows_its_step() -> None:
    fast = tg.jit(lambda x: np.exp(x) + 1)
    fast(np.ones(3))
    assert "exp(" in fast.step.source
    assert fast.__name__ == "<lambda>"
    with pytest.raises(ValueError, match="choose 'whole' or 'rows' or 'groups'"):
        tg.jit(lambda x: x + 1, strategy="fast")(1.0)


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda w, X: np.sum(X @ tg.parameter(w)), r"tg.parameter\(node\)"),
        (lambda w, X: np.sum(X @ w) * tg.constant(np.max(w)), r"tg.constant\(node\)"),
        (lambda w, X: tg.gradients(np.sum(np.exp(X @ w)), w)[0], "tg.gradients"),
        (lambda w, X: tg.gradients(np.exp(OWN), OWN, seed=w[0])[0], "tg.gradients"),
        (lambda w, X: tg.gradients(np.sum(OWN * X), OWN)[0], "tg.gradients"),
        (lambda w, X: tg.jit(lambda x: tg.gradients(np.sum(x * X), X)[0])(np.ones((2, 3))), "tg.gradients"),
    ],
)
def test_keeps_no_value_of_one_call(function: Any, what: str) -> None:
    with pytest.raises(TypeError, match=rf"{what} takes a value out of the record.* write tg.jit\(tg.value_and_grad\(loss\)\)"):
        tg.jit(function)(np.ones(3), np.ones((2, 3)))


def test_may_keep_what_depends_on_no_argument() -> None:
    def scaled(x: Any) -> Any:
        v = tg.parameter(OWN)
        return x * tg.gradients(v * v, v)[0]

    fast = tg.jit(scaled)
    assert [fast(1.0), fast(2.0)] == [6.0, 12.0]


def test_may_keep_anything_where_recording_has_ended() -> None:
    kept: list[Any] = []

    def failing(x: Any) -> None:
        kept.append(x)
        raise LookupError

    with pytest.raises(LookupError):
        tg.jit(failing)(3.0)
    (x,) = kept
    assert tg.gradients(x * tg.constant(x), x) == (3.0,)
