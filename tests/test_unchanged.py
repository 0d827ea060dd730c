"""A parameter is not changed by an assignment, which says what to write; other names are bound anew."""

import operator
import re
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.unchanged import IN_PLACE, instead

dw = np.array([1.0, 2.0])


def test_an_update_in_place_says_what_to_write_and_where() -> None:
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(TypeError, match=r"`w = tg\.parameter\(w\.value - 0\.1 \* dw\)`") as caught:
        w -= 0.1 * dw
    assert f"test_unchanged.py:{sys._getframe().f_lineno - 1}, in test_an_update_in_place" in str(caught.value)


@pytest.mark.parametrize("method", IN_PLACE)
def test_every_operator_that_assigns_is_refused_for_a_parameter(method: str) -> None:
    with pytest.raises(TypeError, match=f"`{re.escape(IN_PLACE[method])}` does not change a parameter"):
        getattr(operator, f"__{method}__")(tg.parameter(2.0), 1)


def test_every_operator_that_assigns_is_listed() -> None:
    known = {name.strip("_") for name in vars(operator) if re.fullmatch(r"__i[a-z]+__", name)}
    assert known - set(IN_PLACE) == {"index", "inv", "invert", "iconcat"}  # which are no operators that assign to numbers


@pytest.mark.parametrize("start", [lambda w: 0.0, lambda w: tg.constant(0.0), lambda w: w * 0.0])
def test_a_sum_in_a_loop_is_bound_anew(start: Callable[[tg.Node], Any]) -> None:
    w = tg.parameter(3.0)
    J = start(w)
    for k in range(3):
        J += w * k
    J *= 2
    assert J.value == 18
    assert tg.gradients(J, w) == (6,)


def test_a_new_value_says_what_to_write() -> None:
    layer = SimpleNamespace(w=tg.parameter(1.0))
    with pytest.raises(AttributeError, match=r"`layer\.w = tg\.parameter\(layer\.w\.value - 0\.1\)`"):
        layer.w.value -= 0.1
    with pytest.raises(AttributeError, match=r"`layer\.w = tg\.parameter\(2\.0\)`"):
        layer.w.value = 2.0


def test_the_array_of_a_value_is_not_written_to() -> None:
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        w.value -= 0.1
    assert w.value.tolist() == [1, 2]


def test_the_value_of_another_node_is_computed_anew() -> None:
    with pytest.raises(AttributeError, match="the value of a node never changes: compute a new node"):
        (tg.parameter(1.0) * 2).value = 3.0


@pytest.mark.parametrize(
    ("line", "new"),
    [
        ("w -= 0.1 * dw", "w = tg.parameter(w.value - 0.1 * dw)"),
        ("w *= a + b", "w = tg.parameter(w.value * (a + b))"),
        ("params['w'] @= R", "params['w'] = tg.parameter(params['w'].value @ R)"),
        ("self.w.value **= 2", "self.w = tg.parameter(self.w.value ** 2)"),
        ("w.value = w0", "w = tg.parameter(w0)"),
        ("w.value = f(1,", "w = tg.parameter(w.value - 0.1 * dw)"),
        ("w -= 1; b -= 1", "w = tg.parameter(w.value - 0.1 * dw)"),
        ("", "w = tg.parameter(w.value - 0.1 * dw)"),
    ],
)
def test_the_line_to_write_follows_from_the_line_that_is_there(line: str, new: str) -> None:
    assert instead(line) == new
