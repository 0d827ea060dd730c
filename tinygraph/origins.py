"""Which node's rule recorded each node of a backward pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from tinygraph.node import NUMBERING, Node


class Noted:
    """Which node's rule recorded each node of a sweep, by the numbers at which the sweep reached the nodes of its path."""

    def __init__(self, path: dict[Node, None]) -> None:
        self._path = path
        self.starts: list[int] = []  # in the order of the sweep, from the last node of the path to the first

    def origin(self, number: int) -> Node | None:
        """The node whose rule recorded the node of this number, or None if no rule recorded it."""
        i = bisect_right(self.starts, number)
        return self._nodes[i - 1] if i else None

    @cached_property
    def _nodes(self) -> list[Node]:
        return list(reversed(self._path))


class Retraced:
    """The same for a sweep that noted nothing: a second sweep, made when needed, records the same number of nodes at each step.

    If another thread recorded at the same time, the answer may be another node.
    """

    def __init__(self, sweep_again: Callable[..., Any], path: dict[Node, None]) -> None:
        self._sweep_again = sweep_again
        self._path = path
        self._first = next(NUMBERING)

    def end(self) -> None:
        """Note that the first sweep is over."""
        self._last = next(NUMBERING)

    def origin(self, node: Node) -> Node | None:
        """The node whose rule recorded this node, or None if no rule of this sweep recorded it."""
        return self._noted.origin(node.number - self._first) if self._first < node.number < self._last else None

    @cached_property
    def _noted(self) -> Noted:
        noted = Noted(self._path)
        first = next(NUMBERING)
        with np.errstate(all="ignore"):  # the first one warned
            self._sweep_again(noted=noted)
        noted.starts = [start - first - i for i, start in enumerate(noted.starts)]  # without the numbers that noting takes
        return noted
