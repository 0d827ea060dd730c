"""A replay: the same ops with other values of some leaves. It raises an error where Python would have decided otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygraph.array_expressions import entries_of
from tinygraph.decisions import check_decisions, same_bits
from tinygraph.leaves import with_value
from tinygraph.node import Leaf, Node
from tinygraph.ops import rerun

Naming = Callable[[Node], str | None]


def replayed(nodes: Sequence[Node], values: Mapping[Node, Any], until: int, name: Naming) -> dict[Node, Node]:
    """For each node, the node that takes its place when leaves have these values.

    `until` is the number up to which decisions are part of the computation; `name` gives the names that an error shows.
    """
    leaves = [node for node in nodes if isinstance(node, Leaf)]
    for node in values.keys() - set(leaves):
        raise ValueError(f"{node!r} is no leaf of this graph, and only leaves are given other values")
    new: dict[Node, Node] = {leaf: with_value(leaf, values[leaf]) for leaf in leaves if leaf in values}
    new |= entries_of(new, leaves)
    _check_beside(new, leaves, name)
    check_decisions({leaf: new.get(leaf, leaf)._value for leaf in leaves}, until)
    for node in nodes:
        if node.op is None:
            new.setdefault(node, node)
        else:
            new[node] = rerun(node, [new[x] if isinstance(x, Node) else x for x in node.inputs])
    return new


def _check_beside(new: Mapping[Node, Node], leaves: Sequence[Leaf], name: Naming) -> None:
    """Raise an error for a new value of an array from which another leaf was computed without recording."""
    changed = {id(old._value): old for old, leaf in new.items() if not same_bits(old._value, leaf._value)}
    for leaf in leaves if changed else ():
        if leaf not in new:
            old = next((changed[id(x)] for ref in leaf.beside if id(x := ref()) in changed), None)
            if old is not None:
                own, of = name(leaf), name(old)
                raise ValueError(
                    f"{own} was computed of {of} by code that the graph cannot follow, so that it would keep its old value\n"
                    f"  at {leaf.place}\n  fix: give {own} a value too, or make {of} a node first: {of} = tg.constant({of})"
                )
