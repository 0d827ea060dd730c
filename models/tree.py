"""Parameters as nested dicts of arrays, and as one flat vector."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.floating[Any]]]
Tree = dict[str, Any]
Path = tuple[str, ...]


def paths(tree: Tree, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each array of nested dicts with the keys that lead to it, in order."""
    for key, branch in tree.items():
        if isinstance(branch, dict):
            yield from paths(branch, (*above, key))
        else:
            yield (*above, key), branch


def from_paths(arrays: Iterable[tuple[Path, Any]]) -> Tree:
    """The nested dicts of which `paths` gives these.

    >>> from_paths([(("layer1", "W"), 1), (("layer1", "b"), 2)])
    {'layer1': {'W': 1, 'b': 2}}
    """
    tree: Tree = {}
    for path, array in arrays:
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = array
    return tree


def mapped(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """The nested dicts with `function` of each array."""
    return {key: mapped(function, branch) if isinstance(branch, dict) else function(branch) for key, branch in tree.items()}


def last(tree: Any) -> Any:
    """The last value of nested dicts."""
    while isinstance(tree, dict):
        tree = list(tree.values())[-1]
    return tree


class Layout:
    """Where each array of a parameter tree stands in one flat vector."""

    def __init__(self, tree: Tree, dtype: Any) -> None:
        shapes = [(path, np.shape(array)) for path, array in paths(tree)]
        ends = list(itertools.accumulate((math.prod(shape) for _, shape in shapes), initial=0))
        self._places = [(*x, start, end) for x, start, end in zip(shapes, ends, ends[1:], strict=False)]
        self.dtype = np.dtype(dtype)

    def vector(self, tree: Tree) -> Vector:
        """All numbers of the tree, one array after the other."""
        return np.concatenate([array for _, array in paths(tree)], axis=None, dtype=self.dtype)

    def tree(self, vector: Any) -> Tree:
        """The arrays of the tree, cut out of the vector without a copy; a Node is cut into Nodes."""
        return from_paths(
            [(path, vector[start:end].reshape(shape) if shape else vector[start]) for path, shape, start, end in self._places]
        )
