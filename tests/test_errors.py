"""A failed op names itself, its operands as the user calls them, their shapes, the line and the fix."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg


def test_a_shape_mismatch_says_everything() -> None:
    w, X = tg.parameter([1.0, 2.0]), np.ones((4, 3))
    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        w * X  # it must fail
    error = caught.value
    assert isinstance(error, tg.OpError)
    lines = str(error).splitlines()
    assert lines[0].startswith("multiply(w, X): operands could not be broadcast together")
    assert lines[1:3] == ["  w is a parameter of shape (2,), float64", "  X is an array of shape (4, 3), float64"]
    assert "in test_a_shape_mismatch_says_everything: w * X" in lines[3]
    assert lines[4].startswith("  fix: ")
    assert (error.op, error.operands[0]) == (tg.ops.multiply, w)
    assert error.place.filename == __file__


def test_matmul_suggests_a_transpose() -> None:
    W, X = tg.parameter(np.ones((3, 2))), np.ones((4, 2))
    with pytest.raises(ValueError, match=r"missing a `\.T`"):
        X @ W


def test_an_index_error_stays_one() -> None:
    with pytest.raises(IndexError, match="index 5 is out of bounds") as caught:
        tg.parameter([1.0])[5]
    assert isinstance(caught.value, tg.OpError)


def test_a_type_error_stays_one() -> None:
    w = tg.parameter([1.0])
    with pytest.raises(TypeError, match=r"add\(w, operand 2\): a constant must be real numbers"):
        w + "one"


def test_numpys_floating_point_errors_name_the_op_too() -> None:
    w = tg.parameter(0.0)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match=r"log\(w\): divide by zero"):
        np.log(w)


def test_nothing_is_recorded_by_a_failed_op() -> None:
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(ValueError):
        w + np.ones(3)
    assert tg.gradients(np.sum(w), w)[0].tolist() == [1, 1]


def two(*values: Any) -> tuple[tg.Node, ...]:
    return tuple(map(tg.parameter, values))


@pytest.mark.parametrize(
    ("program", "advice"),
    [
        (lambda: tg.mean_squared_error(*two([1.0, 2.0], [[1.0], [2.0]])), "reshape the targets"),
        (lambda: np.dot(tg.parameter([1.0, 2.0]), [*two(1.0, 2.0)]), "np.stack"),
        (lambda: np.inner(tg.parameter([1.0, 2.0]), [*two(1.0, 2.0)]), "np.stack"),
        (lambda: np.tensordot(tg.parameter([1.0, 2.0]), [*two(1.0, 2.0)], 1), "np.stack"),
        (lambda: np.einsum("i,i", tg.parameter([1.0, 2.0]), [*two(1.0, 2.0)]), "np.stack"),
        (lambda: tg.parameter([1.0, 2.0]) @ [[*two(1.0, 2.0)]], "np.stack"),
        (lambda: tg.parameter([1.0, 2.0]) @ np.array(["1", "2"]), "dtype=float"),
        (lambda: np.stack([tg.parameter(1.0), 1j]), "use `.real`"),
        (lambda: tg.softmax_cross_entropy(tg.parameter([1.0, 2.0]), np.array([1])), "need integer labels of shape"),
    ],
)
def test_an_error_that_names_its_fix_gets_no_other(program: Callable[[], Any], advice: str) -> None:
    with pytest.raises(tg.OpError, match=advice) as caught:
        program()
    assert "fix:" not in str(caught.value)


@pytest.mark.parametrize(
    ("program", "advice"),
    [
        (lambda: tg.parameter([1.0, 2.0]) + np.ones(3), "shapes are compared from the right"),
        (lambda: np.broadcast_to(tg.parameter([1.0, 2.0]), (3,)), "shapes are compared from the right"),
        (lambda: tg.parameter([[1.0, 2.0]])[np.array([0, 0]), np.array([0, 1, 1])], "shapes are compared from the right"),
        (lambda: tg.parameter([1.0, 2.0]) @ np.ones(3), r"missing a `\.T`"),
        (lambda: np.stack([tg.parameter([1.0]), np.ones(2)]), "all arrays need the same shape"),
    ],
)
def test_an_error_by_numpy_gets_a_fix(program: Callable[[], Any], advice: str) -> None:
    with pytest.raises(tg.OpError, match=f"fix: .*{advice}"):
        program()


def test_a_check_speaks_for_itself_and_a_hint_for_what_is_computed() -> None:
    def positive(x: Any) -> None:
        if np.any(x <= 0):
            raise ValueError("own_root takes positive numbers")

    @tg.op(lambda g, out, x: g / (2 * out), check=positive, hint="give it a matrix")
    def own_root(x: Any) -> Any:
        return np.linalg.cholesky(x)

    with pytest.raises(ValueError, match="takes positive numbers") as caught:
        own_root(tg.parameter([-1.0]))
    assert "fix:" not in str(caught.value)
    with pytest.raises(ValueError, match="takes positive numbers"):
        own_root(np.array([-1.0]))
    with pytest.raises(ValueError, match="fix: give it a matrix"):
        own_root(tg.parameter([1.0]))


def alone() -> tg.Graph:
    graph = tg.Graph(tg.parameter(2.0))
    graph.backprop()
    return graph


def single() -> tg.Graph:
    w = tg.parameter(2.0)
    graph = tg.Graph(w * 3)
    graph.backprop()
    return graph


@pytest.mark.parametrize(
    ("show", "text"),
    [
        (lambda: repr(single().draw()), "2 cards, 1 backward edge>"),
        (lambda: repr(single().view()), "2 cards, 1 backward edge>"),
        (lambda: repr(tg.Graph(tg.parameter(2.0)).draw()), "1 card, 0 backward edges>"),
        (lambda: repr(tg.Graph(tg.constant(2.0) * 3, names={})), "1 leaf, 1 statement forward, 0 backward"),
        (lambda: alone().draw(lens="check").drawing.notes[0], "1 of 1 gradient agrees with finite differences"),
        (lambda: str(tg.find_nonfinite(tg.Graph(np.log(tg.parameter([-1.0]))))), "1 of 1 entry"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_thing_is_counted_in_the_singular(show: Any, text: str) -> None:
    assert text in show()


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize(
    "use",
    [
        lambda w, graph: tg.parameter(MASKED),
        lambda w, graph: w * MASKED,
        lambda w, graph: w[MASKED > 1],
        lambda w, graph: tg.gradients(w, w, seed=MASKED),
        lambda w, graph: tg.Graph(w).backprop(seed=MASKED),
        lambda w, graph: tg.vjp(lambda x: x * x, w.value)[1](MASKED),
        lambda w, graph: tg.grad(np.sum)(MASKED),
        lambda w, graph: tg.jit(np.sum)(MASKED),
        lambda w, graph: tg.check_gradients(np.sum, MASKED),
        lambda w, graph: tg.check_op(tg.sigmoid, MASKED),
        lambda w, graph: graph.compile()(w=MASKED),
        lambda w, graph: graph.with_leaves({"w": MASKED}),
    ],
)
def test_a_masked_array_is_no_array_of_numbers(use: Callable[..., Any]) -> None:
    """Its masked entries would count as data."""
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(TypeError, match=r"cannot be a masked array: fill it first, `\w+.filled\(0\)`, or use np.where"):
        use(w, tg.Graph(np.sum(w), names={"w": w}))


def test_a_masked_array_is_no_answer() -> None:
    w = tg.parameter([1.0, 2.0])
    graph = tg.Graph(np.sum(w), names={"w": w})
    graph.backprop()
    assert "an answer cannot be a masked array" in str(graph.compare(dw=np.ma.array([1.0, 1.0])))
