"""What the nodes of one graph are called: the user's names first, then names made from them; each a Python identifier."""

from __future__ import annotations

import keyword
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import REGISTRY

HISTORY = {"In", "Out"}  # IPython's own lists of what was typed and shown


class Names:
    """A name for every node that has one, and the nodes that names and their aliases stand for."""

    def __init__(self, nodes: Sequence[Node], given: Mapping[str, Any]) -> None:
        self._name: dict[Node, str] = {}
        self._node: dict[str, Node] = {}
        if not given:
            return
        by_identity = {id(node): node for node in nodes}
        by_identity |= {id(node._value): node for node in nodes if node.op is None}
        for wanted, fallback, value in spelled(given):
            node = by_identity.get(id(value))
            if node is not None:
                self._give(node, wanted if fallback is None or identifier(wanted) not in self._node else fallback, wanted)
        self._number_rebound(nodes)

    def __getitem__(self, name: str) -> Node:
        return self._node[name]

    def __contains__(self, name: object) -> bool:
        return name in self._node

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def of(self, node: Node) -> str | None:
        """The node's name, or None."""
        return self._name.get(node)

    def claim(self, node: Node, wanted: str) -> str:
        """Name a node that has no name yet, with a number behind the wanted name where it is taken."""
        if node not in self._name:
            name = wanted = identifier(wanted)
            count = 1
            while name in self._node:
                count += 1
                name = f"{wanted}_{count}"
            self._name[node] = name
            self._node[name] = node
        return self._name[node]

    def _give(self, node: Node, wanted: str, spelling: str) -> None:
        """A node's first name is its name; a further one, or the user's own spelling of it, is an alias."""
        name = self.claim(node, wanted)
        for alias in (identifier(wanted), spelling):
            if alias != name:
                self._node.setdefault(alias, node)

    def _number_rebound(self, nodes: Sequence[Node]) -> None:
        """Call what a name stood for earlier, made by the same place in the code, `h_1`, `h_2`, ... before `h`."""
        places: dict[Any, list[Node]] = {}
        for node in nodes:
            places.setdefault((node.code, node.instruction, node.op), []).append(node)
        for node, name in list(self._name.items()):
            count = 0
            for earlier in places[node.code, node.instruction, node.op]:
                if earlier.number < node.number and earlier not in self._name:
                    count += 1
                    self.claim(earlier, f"{name}_{count}")


def spelled(given: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """Each array and node among the names with its name, and the longer name it takes where that one is gone.

    Direct names come first. In a dict, `params["W1"]` is W1, else params_W1; in a list or tuple, `layers[0]` is layers_0.
    """
    queue: deque[tuple[str, str | None, Any]] = deque((str(name), None, value) for name, value in given.items())
    entered = set()
    while queue:
        name, fallback, value = queue.popleft()
        if name.startswith("_") or (fallback is None and name in HISTORY):
            continue
        if isinstance(value, Node | np.ndarray | np.generic):
            yield name, fallback, value
        elif isinstance(value, dict | list | tuple) and id(value) not in entered:
            entered.add(id(value))
            path = fallback or name
            if isinstance(value, dict):
                queue.extend((str(key), f"{path}_{key}", item) for key, item in value.items())
            else:
                queue.extend((f"{path}_{i}", f"{path}_{i}", item) for i, item in enumerate(value))


def identifier(name: str) -> str:
    """The name as a Python identifier that hides neither a keyword, nor `np`, nor an op.

    >>> identifier("lambda"), identifier("layer 1/w"), identifier("exp"), identifier("2x")
    ('lambda_', 'layer_1_w', 'exp_', '_2x')
    """
    if not name.isidentifier():
        name = re.sub(r"\W", "_", name)
        name = name if name.isidentifier() else f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name == "np" or name in REGISTRY else name
