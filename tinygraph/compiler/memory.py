"""Which values of a script are in which buffer: one that nothing reads any more is used again for a value of its sizes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

from tinygraph.compiler.primitives import is_buffered, is_ufunc, owns, reads
from tinygraph.node import Node


class Memory:
    """The buffers of some nodes, in order; `buffers` has of each the node that it has the sizes of.

    `sizes` gives what nodes of the same sizes have in common, at any size of their leaves. The `outputs` are read
    behind the last line; unless they are `lent` they are in no buffer, as their values outlive a call.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Collection[Node], sizes: Callable[[Node], Hashable], lent: bool = False
    ) -> None:
        self.buffers: list[Node] = []
        self._sizes, self._kept = sizes, set(() if lent else outputs)
        self._place: dict[Node, int] = {}
        self._free: dict[Hashable, list[int]] = {}
        self._ends: dict[int, dict[Node, None]] = {}  # the values that nothing reads behind a line
        if not any(node.shape for node in nodes):
            return
        last: dict[Node, int] = {}
        holds: dict[Node, frozenset[Node]] = {}  # the nodes in whose memory a value may be
        for i, node in enumerate(nodes):
            holds[node] = frozenset([node]) if owns(node) else _union(holds.get(x) for x in reads(node))
            for x in (node, *reads(node)):
                last |= dict.fromkeys(holds.get(x, ()), i)
        needed = _union(holds.get(x) for x in outputs)
        for node, i in last.items():
            if node not in needed:
                self._ends.setdefault(i, {})[node] = None

    def place(self, i: int, node: Node) -> int | None:
        """The buffer that line i writes its value into; None where it makes an array or a number."""
        if not node.shape and i not in self._ends:
            return None
        ends = self._ends.get(i, {})
        dead = [self._place[x] for x in ends if x in self._place]
        found = None
        if is_buffered(node) and node not in self._kept:
            found = self._place[node] = self._chosen(node, dead)
            if node in ends:  # nothing reads it
                dead.append(found)
        for k in dead:
            self._free.setdefault(self._key(self.buffers[k]), []).append(k)
        return found

    def _chosen(self, node: Node, dead: list[int]) -> int:
        key = self._key(node)
        operand = next((k for k in dead if is_ufunc(node) and self._key(self.buffers[k]) == key), None)
        if operand is not None:  # entry by entry onto an operand
            dead.remove(operand)
            return operand
        free = self._free.get(key)
        if free:
            return free.pop()
        self.buffers.append(node)
        return len(self.buffers) - 1

    def has(self, node: Node) -> bool:
        """Whether a value is in a buffer."""
        return node in self._place

    def _key(self, node: Node) -> Hashable:
        return node.dtype, self._sizes(node)


def _union(sets: Iterable[frozenset[Node] | None]) -> frozenset[Node]:
    return frozenset().union(*(x for x in sets if x))
