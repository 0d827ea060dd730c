"""The names of one graph: each is a Python identifier of one node; a node may have further names, its aliases."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator, KeysView, Mapping

from tinygraph.node import Node
from tinygraph.ops import REGISTRY

SOURCE = (
    "np len bool slice max min range hashlib warnings ARRAY SHAPES SPARSE DTYPES _check "
    "_check_divisor _check_loop _check_number _check_size _decided _held _warn_of_number"
)
RESERVED = {*keyword.kwlist, *SOURCE.split()}  # what the source of a graph needs for itself
LONGEST = 60  # characters


class Names:
    """The name of each node that has one, and the node of each name and alias."""

    def __init__(self) -> None:
        self._name: dict[Node, str] = {}
        self._node: dict[str, Node] = {}
        self._counts: dict[str, int] = {}  # how often each name was wanted that was taken
        self.invented: set[Node] = set()  # the nodes whose names are not the user's
        self.scopes: dict[Node, tuple[str, ...]] = {}  # the nested dicts that a named node was found in, outermost first
        self.keys: dict[Node, str] = {}  # what the innermost of these calls it

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

    @property
    def nodes(self) -> KeysView[Node]:
        """The nodes that have a name."""
        return self._name.keys()

    def translated(self, new: Mapping[Node, Node], named: Iterable[Node] = ()) -> Names:
        """The same names for the nodes in place of these, and names `t`, `t_2`, ... for those of `named` that have none."""
        letter = temporary(self._node)
        names = Names()
        names._name = {new[node]: name for node, name in self._name.items() if node in new}
        names._node = {name: new[node] for name, node in self._node.items() if node in new}
        names.invented = {new[node] for node in self.invented if node in new}
        names.scopes = {new[node]: scope for node, scope in self.scopes.items() if node in new}
        names.keys = {new[node]: key for node, key in self.keys.items() if node in new}
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
        """The wanted name as an identifier, followed by a number if it is taken."""
        name = wanted = identifier(wanted)
        while name in self._node:
            self._counts[wanted] = count = self._counts.get(wanted, 1) + 1
            name = f"{wanted}_{count}"
        return name

    def give(self, node: Node, wanted: str, fallback: str | None, scope: tuple[str, ...]) -> None:
        """A node's first name is its name; a further one, or the user's own spelling of it, is an alias."""
        taken = fallback is not None and identifier(wanted) in self._node
        name = self.claim(node, fallback if taken and fallback is not None else wanted)
        for alias in (identifier(wanted), wanted):
            if alias != name:
                self._node.setdefault(alias, node)
        if not self.scopes.get(node):
            self.scopes[node] = scope
            self.keys[node] = wanted.removeprefix(f"{'_'.join(scope)}_") if wanted == fallback else wanted


def temporary(taken: Iterable[str]) -> str:
    """The letter for values without a name: `t`, or another letter if a name begins with `t`, so that `t_2` cannot be misread."""
    heads = {re.sub(r"_?\d*$", "", name) for name in taken}
    return next((letter for letter in "tuvsrq" if letter not in heads), "temporary")


def identifier(name: str) -> str:
    """The name as a Python identifier of at most `LONGEST` characters that is neither a keyword, nor `np`, nor an op.

    >>> identifier("lambda"), identifier("layer 1/w"), identifier("exp"), identifier("2x")
    ('lambda_', 'layer_1_w', 'exp_', '_2x')
    """
    name = unicodedata.normalize("NFKC", name)  # as Python reads it
    if not name.isidentifier():
        name = re.sub(r"\W", "_", name)
        name = name if name.isidentifier() else f"_{name}"
    name = name[:LONGEST]
    return f"{name}_" if name in RESERVED or name in REGISTRY else name
