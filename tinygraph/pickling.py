"""Pickling and deep copies of nodes without recursion: one flat list of records, inputs before readers, with ops by name.

A record stands for its node while a pickle is written, so nodes that are pickled together stay the same nodes when loaded.
Numbers are given anew in the old order; file, line and function of the user's code are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any
from weakref import WeakValueDictionary

from tinygraph.array_expressions import Entry
from tinygraph.backprop import by_number, reached
from tinygraph.decisions import Log, LostRecipe, Recipe
from tinygraph.names import Names
from tinygraph.node import Leaf, Node
from tinygraph.ops import Op
from tinygraph.place import Place


class Record:
    """One node, without its history."""

    __slots__ = ("__weakref__", "node")

    def __init__(self, node: Node) -> None:
        self.node = node

    def __deepcopy__(self, memo: Any) -> Record:
        return self  # for a node, which is not copied either

    def __reduce__(self) -> tuple[Any, ...]:
        node, place = self.node, tuple(self.node.place)
        recipe = getattr(node, "recipe", None)
        if isinstance(node, Leaf):
            older = None if node.stands_for is None else record_of(node.stands_for)
            entry = (node.array, node.index) if isinstance(node, Entry) else None
            return _restored_leaf, (node.kind, node._value, entry, place, node.instruction, node.log, older, recipe)
        inputs = tuple(record_of(x) if isinstance(x, Node) else x for x in node.inputs)
        return _restored, (node.op, inputs, node.params, node._value, place, node.instruction, recipe)


class _Writing(threading.local):
    """The records of the nodes that this thread is pickling; the pickle of another thread does not hold them."""

    def __init__(self) -> None:
        self.records: WeakValueDictionary[int, Record] = WeakValueDictionary()


_writing = _Writing()


def record_of(node: Node) -> Record:
    """The record of a node, the same one as long as a pickle in progress holds it."""
    return _writing.records.setdefault(node.number, Record(node))


def _restored(
    op: Op,
    inputs: tuple[Any, ...],
    params: dict[str, Any],
    value: Any,
    place: tuple[str, int, str],
    instruction: int,
    recipe: Recipe | LostRecipe | None,
) -> Record:
    nodes = tuple(x.node if isinstance(x, Record) else x for x in inputs)
    node = Node(value, op, nodes, params, Place(*place), instruction)
    if recipe is not None:
        node.recipe = recipe
    return Record(node)


def _restored_leaf(
    kind: str,
    value: Any,
    entry: tuple[Any, tuple[int, ...]] | None,
    place: tuple[str, int, str],
    instruction: int,
    log: Log | None,
    older: Record | None,
    recipe: Recipe | LostRecipe | None,
) -> Record:
    leaf = Leaf(value, kind, Place(*place), instruction) if entry is None else Entry(*entry, Place(*place), instruction)
    leaf.log = log
    if older is not None and isinstance(older.node, Leaf):
        leaf.stands_for = older.node
    if recipe is not None:
        leaf.recipe = recipe
    return Record(leaf)


def reduce_node(node: Node) -> tuple[Callable[..., Node], tuple[list[Record]]]:
    """The result of `Node.__reduce__`: the records that this pickle does not hold yet, inputs first, the node last."""
    fresh = {node}
    stack = [node]
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Node) and x not in fresh and x.number not in _writing.records:
                fresh.add(x)
                stack.append(x)
    return _last, ([record_of(x) for x in sorted(fresh, key=by_number)],)


def _last(records: Sequence[Record]) -> Node:
    return records[-1].node


def pack(holder: Any, without: Collection[str] = ()) -> Any:
    """The state of an object that holds nodes: all their records, inputs first, and then its attributes except for some."""
    kept = {name: value for name, value in vars(holder).items() if name not in without}
    held: list[Node] = []
    _exchange(kept, Node, held.append)
    records = [record_of(x) for x in reached(held)]
    return records, _exchange(kept, Node, record_of)


def unpack(holder: Any, state: Any) -> None:
    """Set the attributes of an object from the state that `pack` returned."""
    holder.__dict__.update(_exchange(state[1], Record, lambda record: record.node))


def _exchange(state: Any, old: type, new: Callable[[Any], Any]) -> Any:
    if isinstance(state, old):
        return new(state)
    if isinstance(state, dict):
        return {_exchange(key, old, new): _exchange(value, old, new) for key, value in state.items()}
    if isinstance(state, Names):
        twin = Names.__new__(Names)
        twin.__dict__.update(_exchange(vars(state), old, new))
        return twin
    if isinstance(state, list | tuple | set):
        return type(state)(_exchange(item, old, new) for item in state)
    return state
