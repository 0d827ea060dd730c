"""What the nodes of one graph are called: the user's names first, then names made from them; each a Python identifier."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import REGISTRY
from tinygraph.place import bindings_of

HISTORY = {"In", "Out"}  # IPython's own lists of what was typed and shown
RESERVED = {
    "np",
    "len",
    "bool",
    "slice",
    "ARRAY",
    "SHAPES",
    "DTYPES",
    "_check",
    "_check_loop",
    *keyword.kwlist,
}  # what the source of a graph needs for itself
LONGEST = 60  # characters


class Names:
    """A name for every node that has one, and the nodes that names and their aliases stand for."""

    def __init__(self, nodes: Sequence[Node], given: Mapping[str, Any], code: CodeType) -> None:
        self._name: dict[Node, str] = {}
        self._node: dict[str, Node] = {}
        self._counts: dict[str, int] = {}  # how often each name was wanted that was taken
        self.invented: set[Node] = set()  # the nodes whose names are not the user's
        self.scopes: dict[Node, tuple[str, ...]] = {}  # the nested dicts that a named node was found in, outermost first
        if not given:
            return
        known = set(nodes)
        self._named_by_array: set[Node] = set()
        arrays = {id(node._value): node for node in nodes if node.op is None}
        spellings = list(spelled(given))
        for wanted, fallback, value, scope in spellings:
            if isinstance(value, Node) and value in known:
                self._give(value, wanted, fallback)
                self._place(value, scope)
        for wanted, fallback, value, scope in spellings:  # an array names a leaf that has no name of its own
            leaf = None if isinstance(value, Node) else arrays.get(id(value))
            if leaf is not None and (leaf not in self._name or leaf in self._named_by_array):
                self._named_by_array.add(leaf)
                self._give(leaf, wanted, fallback)
                self._place(leaf, scope)
        self._number_rebound(nodes, code)

    def __getitem__(self, name: str) -> Node:
        return self._node[name]

    def __contains__(self, name: object) -> bool:
        return name in self._node

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def get(self, name: str) -> Node | None:
        """The node of that name, or None."""
        return self._node.get(name)

    def of(self, node: Node) -> str | None:
        """The node's name, or None."""
        return self._name.get(node)

    def translated(self, new: Mapping[Node, Node], named: Iterable[Node] = ()) -> Names:
        """The same names for the nodes that stand for these, and names `t`, `t_2`, ... for those of `named` that have none."""
        letter = temporary(self._node)
        names = Names.__new__(Names)
        names._name = {new[node]: name for node, name in self._name.items() if node in new}
        names._node = {name: new[node] for name, node in self._node.items() if node in new}
        names._counts = {}
        names.invented = {new[node] for node in self.invented if node in new}
        names.scopes = {new[node]: scope for node, scope in self.scopes.items() if node in new}
        for node in named:
            names.invent(node, letter)
        return names

    def invent(self, node: Node, wanted: str) -> None:
        """Name a node that the user gave no name."""
        if node not in self._name:
            self.claim(node, wanted)
            self.invented.add(node)

    def claim(self, node: Node, wanted: str) -> str:
        """Name a node that has no name yet."""
        if node not in self._name:
            name = self.free(wanted)
            self._name[node] = name
            self._node[name] = node
        return self._name[node]

    def free(self, wanted: str) -> str:
        """The wanted name as an identifier, with a number behind it where it is taken."""
        name = wanted = identifier(wanted)
        while name in self._node:
            self._counts[wanted] = count = self._counts.get(wanted, 1) + 1
            name = f"{wanted}_{count}"
        return name

    def _give(self, node: Node, wanted: str, fallback: str | None) -> None:
        """A node's first name is its name; a further one, or the user's own spelling of it, is an alias."""
        taken = fallback is not None and identifier(wanted) in self._node
        name = self.claim(node, fallback if taken and fallback is not None else wanted)
        for alias in (identifier(wanted), wanted):
            if alias != name:
                self._node.setdefault(alias, node)

    def _place(self, node: Node, scope: tuple[str, ...]) -> None:
        if not self.scopes.get(node):
            self.scopes[node] = scope

    def _number_rebound(self, nodes: Sequence[Node], code: CodeType) -> None:
        """Call what a name stood for earlier, made by the same place in the code, `h_1`, `h_2`, ... before `h`.

        A sum that a loop of this code built up is numbered too where its name got another value after the loop: `J = J / m`.
        """
        bindings = bindings_of(code)
        earlier: dict[Any, list[Node]] = {}
        for node, place in _places(nodes, code):
            name = self._name.get(node)
            if name is None and (node.code is not code or bindings.repeats(node.instruction)):
                earlier.setdefault(place, []).append(node)
            if name is not None:
                self._number(earlier.pop(place, ()), name)
        for unnamed in earlier.values():
            last = unnamed[-1]
            variable = bindings.variable(last.instruction) if last.op is not None and last.code is code else None
            bound = None if variable is None else self._node.get(identifier(variable))
            if bound is not None and bound.code is code and not bindings.repeats(bound.instruction):
                self._number(unnamed, self._name[bound])

    def _number(self, nodes: Iterable[Node], name: str) -> None:
        for count, node in enumerate(nodes, 1):
            self.claim(node, f"{name}_{count}")


def _places(nodes: Sequence[Node], code: CodeType) -> Iterator[tuple[Node, Any]]:
    """Each node with what must be the same when a loop makes it again: its place, op and metadata; for a leaf, which a helper
    may make for many names, also that it was made where the names are, and as which operand of its reader.
    """
    operand: dict[Node, tuple[Any, int]] = {}
    for node in nodes:
        for i, x in enumerate(node.inputs):
            if isinstance(x, Node) and x.op is None:
                operand.setdefault(x, (node.op, i))
    swept = {(node.code, node.instruction) for node in nodes if node.kind == "seed"}  # each by one walk back
    for node in nodes:
        if (node.op is not None or node.code is code) and (node.code, node.instruction) not in swept:
            yield node, (node.code, node.instruction, node.op, repr(node.params) if node.params else "", operand.get(node))


def spelled(given: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any, tuple[str, ...]]]:
    """Each array and node among the names with its name, the longer name it takes where that one is gone, and its scope.

    Direct names come first. In a dict, `params["W1"]` is W1, else params_W1; `layers[0]` of a list, tuple or dict is layers_0.
    """
    queue: deque[tuple[str, str | None, Any, tuple[str, ...]]] = deque((str(name), None, x, ()) for name, x in given.items())
    entered = set()
    while queue:
        name, fallback, value, scope = queue.popleft()
        if name.startswith("_") or (fallback is None and name in HISTORY):
            continue
        if isinstance(value, Node | np.ndarray | np.generic):
            yield name, fallback, value, scope
        elif isinstance(value, dict | list | tuple) and id(value) not in entered:
            entered.add(id(value))
            path = fallback or name
            if isinstance(value, dict):
                inner = (*scope, *levels(name))
                for key, item in value.items():
                    queue.append((key if isinstance(key, str) else f"{path}_{key}", f"{path}_{key}", item, inner))
            else:
                queue.extend((f"{path}_{i}", f"{path}_{i}", item, scope) for i, item in enumerate(value))


def temporary(taken: Iterable[str]) -> str:
    """The letter of values without a name: `t`, or another one beside a `t`, of which `t_2` would read as a part."""
    heads = {re.sub(r"_?\d*$", "", name) for name in taken}
    return next((letter for letter in "tuvsrq" if letter not in heads), "temporary")


def levels(name: str) -> tuple[str, ...]:
    """The scopes that the name of a dict stands for, without what cannot be printed: a path reads as nested dicts do.

    >>> levels("encoder"), levels("encoder/layer 1"), levels(""), levels("/ /")
    (('encoder',), ('encoder', 'layer 1'), (), ())
    """
    readable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return tuple(level for level in readable.split("/") if not level.isspace() and level)


def identifier(name: str) -> str:
    """The name as a Python identifier of bearable length that hides neither a keyword, nor `np`, nor an op.

    >>> identifier("lambda"), identifier("layer 1/w"), identifier("exp"), identifier("2x")
    ('lambda_', 'layer_1_w', 'exp_', '_2x')
    """
    name = unicodedata.normalize("NFKC", name)  # as Python reads it
    if not name.isidentifier():
        name = re.sub(r"\W", "_", name)
        name = name if name.isidentifier() else f"_{name}"
    name = name[:LONGEST]
    return f"{name}_" if name in RESERVED or name in REGISTRY else name
