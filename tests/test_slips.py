"""The slips that numbers alone give away."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygraph.slips import SLIPS, Right, not_finite, of_numbers, slip, times, unexplained

VALUE = np.array([[1.0, -2.0, 3.5], [0.25, 5.0, -1.5]])
SQUARE = np.array([[1.0, -2.0], [3.5, 0.25]])
ROW = np.array([1.0, -2.0, 3.5])


def close(x: Any, y: Any) -> bool:
    return np.shape(x) == np.shape(y) and bool(np.allclose(x, y, rtol=1e-6))


def right(value: Any) -> Right:
    return Right("dw", value, close, {"m": 6, "X.shape[1]": 3}, {"learning_rate": 0.1})


class Case(NamedTuple):
    """An answer, the right value, and the sentence about it."""

    answer: Any
    value: Any
    kind: str
    said: str


CASES = [
    Case(-VALUE, VALUE, "sign", "The sign is wrong"),
    Case(6 * VALUE, VALUE, "mean", "It is 6 times too large: is a division by m missing?"),
    Case(VALUE / 3, VALUE, "mean", "It is 3 times too small: is one division by X.shape[1] too many?"),
    Case(-6 * VALUE, VALUE, "mean", "The sign is wrong, and it is 6 times too large: is a division by m missing?"),
    Case(2 * VALUE, VALUE, "factor", "It is 2 times too large: is a ½ missing, or a use counted twice?"),
    Case(VALUE / 2, VALUE, "factor", "It is 2 times too small: is the 2 from the derivative of a square missing?"),
    Case(0.1 * VALUE, VALUE, "factor", "It is 10 times too small: learning_rate is 0.1"),
    Case(1.7 * VALUE, VALUE, "factor", "It is 1.7 times too large"),
    Case(12.0, 2.0, "mean", "It is 6 times too large: is a division by m missing?"),
    Case(VALUE.T, VALUE, "transposed", "It is transposed"),
    Case(SQUARE.T, SQUARE, "transposed", "It is transposed"),
    Case(VALUE, VALUE.sum(0), "not summed", "Sum it over axis 0: dw should have the shape (3,)"),
    Case(VALUE, VALUE.sum(1), "not summed", "Sum it over axis 1: dw should have the shape (2,)"),
    Case(VALUE, VALUE.sum(), "not summed", "Sum it over the axes 0 and 1: dw should be a number"),
    Case(VALUE, VALUE.sum(0, keepdims=True), "not summed", "Sum it over axis 0: dw should have the shape (1, 3)"),
    Case(-VALUE, VALUE.sum(0), "not summed", "Sum it over axis 0: dw should have the shape (3,); also, the sign is wrong"),
    Case(VALUE.sum(0), VALUE, "axis", "Do not sum it over axis 0: dw should have the shape (2, 3)"),
    Case(ROW[:, None], ROW, "shape", "The numbers are right, but the shape is (3, 1): dw should have the shape (3,)"),
    Case(np.array([2.0]), 2.0, "shape", "The numbers are right, but the shape is (1,): dw should be a number"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.said[:50])
def test_what_is_said(case: Case) -> None:
    (found,) = of_numbers(case.answer, right(case.value))
    assert (found.kind, found.text, found.of) == (case.kind, case.said, "dw")


@pytest.mark.parametrize(
    ("answer", "value"),
    [(VALUE + 1, VALUE), (3.3, 2.0), (ROW, np.zeros(3)), (np.zeros((0, 3)), np.zeros((0, 3)))],
)
def test_nothing_is_said_where_nothing_is_known(answer: Any, value: Any) -> None:
    assert of_numbers(answer, right(value)) == []


def test_an_answer_of_zeros() -> None:
    assert [one.text for one in of_numbers(np.zeros(3), right(ROW))] == ["It is 0 everywhere"]
    assert [one.text for one in of_numbers(1e-17 * ROW, right(ROW))] == ["It is 0 everywhere"]  # but for rounding
    assert of_numbers(ROW, right(np.array([np.inf, 0, 0]))) == []


@pytest.mark.parametrize("factor", [1 + 5e-6, 0.999, 1.00001])
def test_a_factor_near_1_is_lost_digits(factor: float) -> None:
    assert of_numbers(factor * ROW, right(ROW)) == []
    assert unexplained(factor * ROW, right(ROW))[0].kind == "digits"


def test_equal_entries_are_no_multiples_of_others() -> None:
    assert of_numbers(np.full(3, 0.7), right(np.full(3, 0.31))) == []


def test_a_number_that_is_a_size_and_a_usual_factor_is_said_to_be_both() -> None:
    kinds = [one.kind for one in times(2, Right("dw", 1.0, close, {"n": 2}))]
    assert kinds == ["mean", "factor"]


@pytest.mark.parametrize(("digits", "decimals"), [(5, 5), (4, 4), (3, 3)])
def test_lost_digits(digits: int, decimals: int) -> None:
    value = np.array([1.23456789, -0.87654321])
    (found,) = unexplained(np.round(value, decimals), right(value))
    assert found.kind == "digits"
    assert f"right to {digits} digits" in found.text


def test_another_shape_that_no_slip_explains() -> None:
    assert of_numbers(np.ones(4), right(ROW)) == []
    assert [one.text for one in unexplained(np.ones(4), right(ROW))] == ["The shape is (4,): dw should have the shape (3,)"]


def test_single_entries_are_named() -> None:
    answer = VALUE.copy()
    answer[1, 0] = 7
    (found,) = unexplained(answer, right(VALUE))
    assert found.text == "It is wrong at dw[1, 0], and right elsewhere"
    answer[0] = 7
    assert unexplained(answer, right(VALUE)) == []  # most entries are wrong


def test_entries_that_are_not_finite_are_named() -> None:
    answer = np.array([np.nan, 1.0, np.inf])
    assert [one.text for one in not_finite(answer, right(ROW))] == ["It is NaN or infinite at dw[0], dw[2]"]
    assert not_finite(answer, right(answer)) == []  # as the right value is not
    assert not_finite(np.nan, right(2.0))[0].text == "It is NaN or infinite at dw"


def test_every_kind_has_a_sentence_that_its_words_fill() -> None:
    words = dict.fromkeys(("be", "size", "than", "hint", "through", "used", "wanted", "axis", "name", "term", "what"), "x")
    words |= dict.fromkeys(("op", "factor", "other", "entries", "digits", "shape", "value", "reader"), "x")
    for key in SLIPS:
        found = slip(key, "dw", **words)
        assert found.text
        assert found.kind in SLIPS  # the first of its kind
