"""A failed op names itself, its operands as the user calls them, their shapes, the line and the fix."""

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


def test_numpys_floating_point_errors_are_told_too() -> None:
    w = tg.parameter(0.0)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match=r"log\(w\): divide by zero"):
        np.log(w)


def test_nothing_is_recorded_by_a_failed_op() -> None:
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(ValueError):
        w + np.ones(3)
    assert tg.gradients(np.sum(w), w)[0].tolist() == [1, 1]
