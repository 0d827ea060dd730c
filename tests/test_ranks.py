"""Operands of different rank that make a larger result are warned of, unless the expression itself says that it is meant."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

z, y, table = tg.parameter(np.ones((4, 1))), np.arange(4.0), tg.constant(np.ones((3, 4)))
labels = tg.constant(y)
cube = tg.constant(np.ones((3, 1, 1)))
LATER = z.reshape(4, 1)


@pytest.mark.parametrize(
    "program",
    [
        lambda: z - y,
        lambda: y - z,
        lambda: z - labels,
        lambda: np.subtract(z, y),
        lambda: np.maximum(z, labels),
        lambda: z > y,
        lambda: LATER * y,
        lambda: (z - y) ** 2,
        lambda: cube + labels,
        lambda: np.log(z) * labels,
    ],
)
def test_they_are_warned_of(program: Callable[[], Any]) -> None:
    with pytest.warns(UserWarning, match="every entry of one meets every entry of the other") as found:
        program()
    (warning,) = found
    assert (warning.filename, warning.lineno) == (sys._getframe().f_code.co_filename, program.__code__.co_firstlineno)


def test_the_warning_has_the_names_the_shapes_and_the_fix() -> None:
    with pytest.warns(UserWarning, match="shape") as found:
        z - labels
    assert str(found[0].message) == (
        "z of shape (4, 1) and labels of shape (4,) make a result of shape (4, 4), in which every entry of one meets every entry "
        "of the other: give them one shape, as in y.reshape(z.shape), or write the new axis where they meet, as in z[:, None] - y"
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda: table + labels,  # a bias
        lambda: table * 2,
        lambda: 2 / z,
        lambda: z - z,
        lambda: z - y[:, None],
        lambda: labels[:, None] * np.arange(3),
        lambda: y[:, None] * labels,
        lambda: -labels[:, np.newaxis] * y,
        lambda: np.expand_dims(labels, 1) * y,
        lambda: labels.reshape(4, 1) - y,
        lambda: np.sum(table, axis=1, keepdims=True) - y,
        lambda: np.multiply(labels[:, None], y),
        lambda: 2 * labels[:, None] ** 2 - y,
        lambda: np.abs(labels[:, np.newaxis] - y),
        lambda: labels[:, None] > y,
        lambda: np.outer(labels, y),
        lambda: z - tg.parameter(2.0),
        lambda: z - np.ones(1),
        lambda: z @ np.ones((1, 4)),
        lambda: np.add(z, np.ones((1, 4))),  # of one rank
        lambda: np.where(y > 1, z, y),
        lambda: np.linalg.norm(table, axis=0),
        lambda: tg.softmax(table),
    ],
)
def test_what_is_meant_is_not_warned_of(program: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program()


def test_a_line_warns_once() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        for _ in range(3):
            z - y
    assert len(found) == 1


def test_gradients_do_not_warn_again() -> None:
    with pytest.warns(UserWarning, match="shape"):
        L = np.sum((z - y) ** 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tg.gradients(L, z)
        tg.Graph(L, names={"z": z, "y": y, "L": L}).backprop()


def test_without_source_a_line_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="make a result of shape"):
        eval("z - y", {"z": z, "y": y})
