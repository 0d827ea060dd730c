"""The gradients that a graph was asked for: each request, and the mapping that answers one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tinygraph.names import Names
from tinygraph.node import Node, summary
from tinygraph.pickling import pack, unpack


class Request(NamedTuple):
    """One output whose gradients were computed: its own gradient, and all gradients in order."""

    output: Node
    seed: Node
    gradients: dict[Node, Node]

    @property
    def unit(self) -> bool:
        """Whether they are derivatives of the output, not of a weighted sum of its entries."""
        return is_unit(self.seed)


def is_unit(node: Node) -> bool:
    """Whether a node is the 1 that a backward pass starts from, which is written as a literal."""
    return node.kind == "seed" and not node.shape and bool(node.item() == 1)


def in_backward_order(nodes: Sequence[Node]) -> list[Node]:
    """Statements from last to first; behind each the leaves that it is the first to read, in reading order."""
    wanted = set(nodes)
    read: set[Node] = set()
    order: list[list[Node]] = []
    for node in nodes:
        if node.op is None:
            continue
        leaves = []
        stack = [node]
        while stack:
            x = stack.pop()
            if x is not node and x.op is None and x in wanted:
                leaves.append(x)
            elif x is node or x not in wanted:
                unread = [i for i in x.inputs if isinstance(i, Node) and i not in read]
                read.update(unread)
                stack.extend(reversed(unread))
        order.append([node, *leaves])
    direct = [node for node in nodes if node.op is None and node not in read]
    return direct + [node for group in reversed(order) for node in group]


class Gradients(Mapping[str, Node]):
    """Gradient nodes by what they belong to: `grads[w1]`, `grads["w1"]` and `grads["dw1"]` are the same node.

    As a mapping it goes from the names of the values to their gradient nodes, in order of the backward pass.
    """

    def __init__(self, nodes: dict[Node, Node], names: Names) -> None:
        self._nodes = nodes
        self._names = names
        self._of = {names.of(node) or names.of(g) or "": g for node, g in nodes.items()}

    def __getitem__(self, key: str | Node) -> Node:
        found = self._find(key)
        if found is None:
            there = ", ".join(f"{name} ({self._names.of(g)})" for name, g in self._of.items())
            raise KeyError(f"no gradient for {key!r}: there are {there}; ask for more by backprop(wrt=[...])")
        return found

    def _find(self, key: object) -> Node | None:
        """By the node, by any of its names, by the gradient's own name, or by `d` and a name."""
        if isinstance(key, Node):
            return self._nodes.get(key)
        if not isinstance(key, str):
            return None
        node = self._names.get(key)
        if node is not None and node in self._nodes:
            return self._nodes[node]
        own = next((g for g in self._of.values() if g is node), None)
        return self._of.get(key[1:]) if own is None and key.startswith("d") else own

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return self._find(key) is not None

    def __getstate__(self) -> Any:
        return pack(self)

    def __setstate__(self, state: Any) -> None:
        unpack(self, state)

    def __repr__(self) -> str:
        rows = [f"  {self._names.of(g)} = {summary(g._value).lstrip(' :')}" for g in self._nodes.values()]
        return "\n".join(["<gradients", *rows]) + ">"
