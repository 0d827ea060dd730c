"""`tg.jit`: a function of arrays, recorded again for arrays of another kind, sizes that do not fit, and other decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.compiled import assert_same


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
    assert counted.calls == 1


def test_composes_with_derivatives() -> None:
    f = lambda x: np.sum(np.tanh(x) ** 3)
    x = np.array([0.3, -0.2])
    assert_same(tg.jit(tg.hessian(f))(x), tg.hessian(f)(x))
    assert_same(tg.grad(tg.jit(f))(x), tg.grad(f)(x))  # given nodes it records


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
    fast(np.ones(7))
    fast(other)
    assert counted.calls == 2


def test_is_recorded_again_where_python_decides_otherwise() -> None:
    counted = Counted(lambda x: x * x if x > 0 else -x)
    fast = tg.jit(counted)
    assert [fast(x) for x in (2.0, -3.0, 4.0, -1.0)] == [4.0, 3.0, 16.0, 1.0]
    assert counted.calls == 2


def test_is_recorded_again_for_sizes_that_do_not_fit() -> None:
    fast = tg.jit(lambda x: np.sum(x) / len(x))
    assert [fast(np.arange(float(n))) for n in (3, 5, 3)] == [1.0, 2.0, 1.0]


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
