"""Which values have the same shape in any run of a program, so that source can read a shape from a name that has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tinygraph.node import Node
from tinygraph.ops import Same

if TYPE_CHECKING:
    from tinygraph.program.drafts import Draft


class Shapes:
    """Which values have provably the same shape: by what the ops do, never because two numbers happen to be equal.

    An axis has size 1 in the recording exactly where it has in any run, so an operand of an elementwise op that has the shape of
    the result in the recording always has.
    """

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._readers: dict[Node, list[Node]] | None = None

    def witness(self, node: Node, reader: Node) -> Node | None:
        """A named value of the shape and dtype of `node` that is known when `reader` is computed, first in reading order."""
        seen = {node}
        queue = [node]
        downward = True
        while queue:
            x = queue.pop(0)
            if self._is_known(x, reader) and x.dtype == node.dtype:
                return x
            near = self._inputs(x) if downward else self._readers_of(x)
            queue[:0] = [y for y in near if y not in seen and y.shape == node.shape]
            seen.update(queue)
            if not queue and downward:
                downward = False
                queue = [y for x in list(seen) for y in self._readers_of(x) if y not in seen]
                seen.update(queue)
        # In want of a value of the forward pass: the node itself, once it is a statement.
        draft = self.draft
        return node if node in draft.arrays or (node in draft.statements and node.number < reader.number) else None

    def _is_known(self, x: Node, reader: Node) -> bool:
        draft = self.draft
        if x.op is None:
            return x in draft.forward
        if x not in draft.statements or x is reader:
            return False
        return x in draft.forward and (reader not in draft.forward or x.number < reader.number)

    def _inputs(self, node: Node) -> Iterable[Node]:
        of = self.draft.gradient_of.get(node)
        if of is not None:
            return (of,)
        if node.op is None:
            return ()
        op, inputs = node.op, node.inputs
        if isinstance(op.kind, Same):
            inputs = (inputs[op.kind.argument],)
        elif not op.elementwise:
            inputs = tuple(x for i, x in enumerate(inputs) if op.reads_shape[op.argument(i)])
        return [x for x in inputs if isinstance(x, Node) and x.shape == node.shape]

    def _readers_of(self, node: Node) -> Iterable[Node]:
        if self._readers is None:
            self._readers = {}
            for reader in self.draft.graph.forward:
                for x in self._inputs(reader):
                    self._readers.setdefault(x, []).append(reader)
        return self._readers.get(node, ())
