"""Nested dicts, lists and tuples of arrays, such as the parameters of a model, read as one flat list and built again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """The arrays of a tree, dicts in their own order.

    >>> leaves({"W": 1, "layers": [2, (3,)]})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def rebuild(like: Any, flat: Sequence[Any]) -> Any:
    """The tree of the same structure with other leaves.

    >>> rebuild({"W": 1, "layers": [2, (3,)]}, "abc")
    {'W': 'a', 'layers': ['b', ('c',)]}
    """
    return _fill(like, iter(flat))


def _fill(like: Any, flat: Iterator[Any]) -> Any:
    if isinstance(like, dict):
        return {key: _fill(value, flat) for key, value in like.items()}
    if isinstance(like, list | tuple):
        values = [_fill(value, flat) for value in like]
        return type(like)(*values) if hasattr(like, "_fields") else type(like)(values)
    return next(flat)


def map_leaves(change: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with every leaf changed.

    >>> map_leaves(lambda x: 2 * x, [1, {"b": 2}])
    [2, {'b': 4}]
    """
    return rebuild(tree, [change(leaf) for leaf in leaves(tree)])


def matching(tree: Any, like: Any, what: str, owner: str) -> list[Any]:
    """The leaves of a tree in the order of another of the same structure; raises ValueError where structures differ.

    >>> matching({"b": 1, "a": 2}, {"a": 0, "b": 0}, "the seed", "the result")
    [2, 1]
    """
    found = _paired(tree, like)
    if found is None:
        raise ValueError(f"{what} must have the structure of {owner}: {_shape(like)}, not {_shape(tree)}")
    return found


def _paired(tree: Any, like: Any) -> list[Any] | None:
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            return None
        pairs = [(tree[key], like[key]) for key in like]
    elif isinstance(like, list | tuple):
        if not isinstance(tree, list | tuple) or len(tree) != len(like):
            return None
        pairs = list(zip(tree, like, strict=True))
    else:
        return None if isinstance(tree, dict | list | tuple) else [tree]
    parts = [_paired(*pair) for pair in pairs]
    return None if any(part is None for part in parts) else [leaf for part in parts if part is not None for leaf in part]


def _shape(tree: Any) -> str:
    return repr(map_leaves(lambda leaf: "array", tree)).replace("'array'", "array")
