"""The arguments of a step: arrays by the names of the graph's leaves, in nested dicts and lists too, checked and made to fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.leaves import refuse_masked
from tinygraph.node import Node
from tinygraph.sparse import Sparse, is_sparse, sparse_of
from tinygraph.wording import suggestion


class Arguments:
    """The leaves of a graph that a call gives values of, in order."""

    def __init__(self, graph: Graph, leaves: Sequence[Node]) -> None:
        self._graph = graph
        self.leaves = list(leaves)
        self.names = [graph.name(leaf) or "" for leaf in leaves]
        self._paths = {leaf: self._path(leaf) for leaf in leaves}
        self._leaves = {path: leaf for leaf, path in self._paths.items()}

    @property
    def call(self) -> str:
        """What to write: `step(X=..., w=...)`."""
        shown: dict[str, str] = {}
        for name, *inner in self._paths.values():
            shown.setdefault(name, f"{name}={{...}}" if inner else f"{name}=...")
        return f"step({', '.join(shown.values())})"

    def flat(self, given: Mapping[str, Any], required: bool = True) -> dict[Node, Any]:
        """The value of each leaf; raises TypeError for what is missing or unknown."""
        found: dict[Node, Any] = {}
        known = set(self.leaves)
        for name, value in given.items():
            for path, one in self._spread(name, value, ()):
                leaf = self._leaf(path)
                if leaf is None or leaf not in known:
                    spelled = ".".join(path)
                    why = "keeps its value" if leaf is not None else suggestion(path[-1], self.names)
                    raise TypeError(f"the step takes no {spelled}: {why}; it is called as {self.call}")
                found[leaf] = one
        missing = [name for leaf, name in zip(self.leaves, self.names, strict=True) if leaf not in found]
        if missing and required:
            raise TypeError(f"the step needs {', '.join(missing)}: it is called as {self.call}")
        return found

    def _spread(self, name: Any, value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        """The values in an argument, each with its path; a list that is the value of a leaf is one."""
        here = (*path, str(name))
        is_dict = isinstance(value, dict)
        if not is_dict and (not isinstance(value, list | tuple) or self._leaf(here) is not None):
            yield here, value
            return
        for key, item in value.items() if is_dict else enumerate(value):
            yield from self._spread(key, item, here)

    def _leaf(self, path: tuple[str, ...]) -> Node | None:
        """The leaf at a path of names and keys."""
        if path in self._leaves:
            return self._leaves[path]
        for name in ("_".join(path), path[-1] if len(path) > 1 else ""):
            node = self._graph._names.get(name)
            is_whole = len(path) == 1 or name != path[-1]
            if node is not None and node.op is None and (is_whole or self._graph._names.scopes.get(node)):
                return node
        return None

    def nested(self, values: Mapping[Node, Any]) -> dict[str, Any]:
        """Values of leaves by name, in dicts nested as those that the names came from."""
        found: dict[str, Any] = {}
        for leaf, value in values.items():
            *scope, key = self._path(leaf)
            inner = found
            for level in scope:
                inner = inner.setdefault(level, {})
            inner[key] = value
        return found

    def _path(self, leaf: Node) -> tuple[str, ...]:
        """The names of the dicts that a leaf was found in, and its key there."""
        names = self._graph._names
        scope = names.scopes.get(leaf, ())
        return *scope, names.keys[leaf] if scope else names.of(leaf) or ""


def fitted(leaf: Node, name: str, value: Any) -> Any:
    """A value as the array of a leaf: of its dtype, rank and kind; raises TypeError or ValueError that names the leaf."""
    if isinstance(value, Node):
        value = value.operand
    if type(leaf._value) is Sparse or is_sparse(value) or type(value) is Sparse:
        return _sparse(leaf, name, value)
    refuse_masked(value, name, name)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name} must be one array of numbers: {error}") from error
    check_dtype(leaf, name, array)
    _check_shape(leaf, name, array.shape)
    array = array.astype(leaf.dtype, copy=False)
    return array if array.shape else array[()]


def check_dtype(leaf: Node, name: str, array: Any) -> None:
    """Raise TypeError for an array that cannot be cast to the dtype of its leaf without loss."""
    if array.dtype == leaf.dtype:
        return
    if array.dtype.kind in "biu" and (leaf.dtype.kind == "f" or np.can_cast(array.dtype, leaf.dtype)):
        return
    fix = f"pass {name}.astype(np.{leaf.dtype}), or record the graph with {array.dtype}"
    raise TypeError(f"{name} has dtype {array.dtype}, and was recorded with {leaf.dtype}: {fix}")


def _check_shape(leaf: Node, name: str, shape: tuple[int, ...]) -> None:
    if [min(n, 2) for n in shape] != [min(n, 2) for n in leaf.shape]:
        raise ValueError(
            f"{name} has shape {shape}, and was recorded with {leaf.shape}: give it {len(leaf.shape)} axes, with size 0 or 1 "
            "where it had that; or record the graph again"
        )


def _sparse(leaf: Node, name: str, value: Any) -> Any:
    if type(leaf._value) is not Sparse:
        raise TypeError(f"{name} is sparse, and was recorded dense: pass {name}.toarray()")
    if not is_sparse(value) and type(value) is not Sparse:
        raise TypeError(f"{name} is dense, and was recorded sparse: pass scipy.sparse.csr_array({name})")
    value = value if type(value) is Sparse else sparse_of(value, copy=False)
    _check_shape(leaf, name, value.shape)
    check_dtype(leaf, name, value)
    return value
