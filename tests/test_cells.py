"""Vectors of values: the patterns in which groups read them, and contributions that are added up."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygraph.compiler.cells import Contributions, axes_of

sizes = st.integers(1, 4)


@settings(deadline=None)
@given(sizes, sizes, sizes, st.booleans(), st.randoms(use_true_random=False))
def test_axes_say_along_which_an_operand_repeats(terms: int, rows: int, columns: int, swapped: bool, random: Any) -> None:
    left = np.array(random.sample(range(100), terms * rows)).reshape(terms, rows, 1)
    right = np.array(random.sample(range(100), terms * columns)).reshape(terms, 1, columns)
    pair = [np.broadcast_to(x, (terms, rows, columns)).ravel() for x in (left, right)][:: -1 if swapped else 1]
    axes = axes_of(*pair)
    distinct = [axes.distinct(row, position) for position, row in enumerate(pair)]
    for row, own, position in zip(pair, distinct, (0, 1), strict=True):
        assert own.shape == axes.shape_of(position)
        assert np.broadcast_to(own, axes.shape).ravel().tolist() == row.tolist()
    if terms > 1 and rows > 1 and columns > 1:
        assert sorted(own.size for own in distinct) == sorted([left.size, right.size])


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_axes_fit_any_two_operands(left: list[int], right: list[int]) -> None:
    pair = [np.array(row[: min(len(left), len(right))]) for row in (left, right)]
    axes = axes_of(*pair)
    for position, row in enumerate(pair):
        assert np.broadcast_to(axes.distinct(row, position), axes.shape).ravel().tolist() == row.tolist()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 7), min_size=1, max_size=12), sizes, sizes), min_size=1, max_size=4))
def test_contributions_add_up(kind: Any, patterns: list[tuple[list[int], int, int]]) -> None:
    several = [np.tile(np.repeat(cells, length), times) for cells, length, times in patterns]
    contributions = Contributions({kind: 8})
    added = [(cells, contributions.addition(kind, cells)) for cells in several]
    contributions.start_at_0(kind, np.arange(8))
    found, expected = np.full(8, np.nan, kind), np.zeros(8)
    for name, cells in contributions.zeros():
        assert name is kind
        found[cells] = 0
    for cells, addition in added:
        part = np.arange(1.0, len(cells) + 1)
        addition.bind({kind: found})(part.astype(kind))
        np.add.at(expected, cells, part)
    assert found.tolist() == expected.tolist()


@settings(deadline=None)
@given(sizes, sizes, sizes)
def test_contributions_to_what_repeats_along_axes_add_up(terms: int, rows: int, columns: int) -> None:
    full = terms, rows, columns
    part = np.arange(float(terms * rows * columns)).reshape(full)
    for cells in (
        np.arange(terms * rows).reshape(terms, rows, 1),
        np.arange(terms * columns).reshape(terms, 1, columns)[:, :, ::-1],
    ):
        contributions = Contributions({np.float64: cells.size})
        found, expected = np.zeros(cells.size), np.zeros(cells.size)
        contributions.addition(np.float64, cells, full).bind({np.float64: found})(part)
        np.add.at(expected, np.broadcast_to(cells, full), part)
        assert found.tolist() == expected.tolist()
