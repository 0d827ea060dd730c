"""Trees of arrays, such as the parameters of a model, read as one flat list and built again.

A tree is an array, or None, or a dict, list, tuple, named tuple or dataclass of trees; subclasses of dict stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np


def arrays_of(tree: Any) -> list[Any]:
    """The arrays of a tree, dicts in their own order.

    >>> arrays_of({"W": 1, "layers": [2, (3,)], "b": None})
    [1, 2, 3]
    """
    parts = _parts(tree)
    return [tree] if parts is None else [array for part in parts.values() for array in arrays_of(part)]


def _parts(tree: Any) -> Mapping[Any, Any] | None:
    """What a tree consists of, by key, place or name; None for an array."""
    if tree is None:
        return {}
    if isinstance(tree, dict):
        return tree
    if isinstance(tree, list | tuple):
        return dict(enumerate(tree))
    if hasattr(type(tree), "__dataclass_fields__"):
        import dataclasses  # which who has one has loaded

        return {field.name: getattr(tree, field.name) for field in dataclasses.fields(tree)}
    return None


def rebuild(like: Any, flat: Sequence[Any]) -> Any:
    """The tree of the same structure with other arrays.

    >>> rebuild({"W": 1, "layers": [2, (3,)], "b": None}, "abc")
    {'W': 'a', 'layers': ['b', ('c',)], 'b': None}
    """
    return _fill(like, iter(flat))


def _fill(like: Any, flat: Iterator[Any]) -> Any:
    parts = _parts(like)
    if parts is None:
        return next(flat)
    return _joined(like, {key: _fill(part, flat) for key, part in parts.items()})


def _joined(like: Any, parts: Mapping[Any, Any]) -> Any:
    """A tree of the kind of `like` with other parts."""
    if like is None:
        return None
    if isinstance(like, list | tuple):
        return type(like)(*parts.values()) if hasattr(like, "_fields") else type(like)(parts.values())
    import copy  # which takes a while to load

    new = copy.copy(like)  # which keeps what a subclass of dict knows beside its entries, and runs no __init__
    _check_the_rest(new, like, parts)
    for key, part in parts.items():
        if isinstance(new, dict):
            new[key] = part
        else:
            object.__setattr__(new, key, part)  # of a frozen dataclass too
    return new


def _check_the_rest(new: Any, like: Any, parts: Mapping[Any, Any]) -> None:
    """Raise an error for attributes computed from the parts, which would keep their old values and have no gradient."""
    rest = getattr(new, "__dict__", {})
    if rest is not None and getattr(like, "__dict__", None) is like:  # whose attributes are its entries
        object.__setattr__(new, "__dict__", new)
        return
    for name in [name for name in rest if name not in parts or isinstance(new, dict)]:
        if isinstance(getattr(type(new), name, None), cached_property):
            del rest[name]  # is computed anew
        elif isinstance(rest[name], np.ndarray | np.floating):
            raise TypeError(
                f"{type(like).__name__}.{name} is an array beside the parts, and would have no gradient: make it "
                "a property, which is computed of them, or a part itself"
            )


def map_arrays(change: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with `change` applied to each array.

    >>> map_arrays(lambda x: 2 * x, [1, {"b": 2}])
    [2, {'b': 4}]
    """
    return rebuild(tree, [change(array) for array in arrays_of(tree)])


def matching(tree: Any, like: Any, what: str, owner: str) -> list[Any]:
    """The arrays of a tree in the order of another tree; raises ValueError if their structures differ.

    >>> matching({"b": 1, "a": 2}, {"a": 0, "b": 0}, "the seed", "the result")
    [2, 1]
    """
    found = _paired(tree, like)
    if found is None:
        raise ValueError(f"{what} must have the structure of {owner}: {_shape(like)}, not {_shape(tree)}")
    return found


def _paired(tree: Any, like: Any) -> list[Any] | None:
    own, parts = _parts(tree), _parts(like)
    if parts is None:  # None is a seed too, for what has no gradient
        return [tree] if own is None or tree is None else None
    if own is None or own.keys() != parts.keys() or (tree is None) != (like is None):
        return None
    paired = [_paired(own[key], part) for key, part in parts.items()]
    return None if any(part is None for part in paired) else [x for part in paired if part is not None for x in part]


def _shape(tree: Any) -> str:
    return repr(map_arrays(lambda array: "array", tree)).replace("'array'", "array")
