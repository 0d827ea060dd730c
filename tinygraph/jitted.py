"""The arguments of functions that `tg.jit` records: a value that leaves the record would stay the same in every later call."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tinygraph.node import Node

_ARGUMENTS: ContextVar[frozenset[Node]] = ContextVar("arguments", default=frozenset())


@contextmanager
def recorded(arguments: Collection[Node]) -> Iterator[None]:
    """While a function is recorded, the leaves that stand for its arguments, beside those of functions around it."""
    token = _ARGUMENTS.set(_ARGUMENTS.get() | frozenset(arguments))
    try:
        yield
    finally:
        _ARGUMENTS.reset(token)


def refuse_jitted(node: Node, what: str) -> None:
    """Raise TypeError where a node that is computed of such arguments would give its value."""
    arguments = _ARGUMENTS.get()
    if arguments and _depends(node, arguments):
        raise TypeError(
            f"{what} takes a value out of the record, so that each later call of a function under tg.jit would give the value of "
            "this one: use the node itself, and for gradients write tg.jit(tg.value_and_grad(loss)), where loss returns L alone"
        )


def _depends(node: Node, leaves: Collection[Node]) -> bool:
    found = {node: None}
    stack = [node]
    while stack:
        fresh = {x: None for x in stack.pop().inputs if isinstance(x, Node) and x not in found}
        found |= fresh
        stack += fresh
    return not found.keys().isdisjoint(leaves)
