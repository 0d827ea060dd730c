"""What the nodes of a graph are called in the user's code, which `Names` then makes one name each of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType
from typing import NamedTuple

from tinygraph import ops
from tinygraph.binding import FOLDS, Called, bindings_of, function_called, read, stored, visited
from tinygraph.node import Node, is_bare

Spot = tuple[int, int, int]  # a code object, one of its instructions, and an operand of that


class Wanted(NamedTuple):
    """A name that the code has for a node, and whether a loop of that function comes to the same spot again."""

    node: Node
    called: Called
    spot: Spot
    in_loop: bool


class _Instruction:
    """What the nodes that one instruction of the user's code made have in common."""

    def __init__(self, node: Node) -> None:
        code, instruction = node.code, node.instruction
        self.code, self.instruction = code, instruction
        self.is_known = isinstance(code, CodeType)  # a node from a pickle has a line alone
        self.in_loop = isinstance(code, CodeType) and bindings_of(code).repeats(instruction)
        self.stored = stored(code, instruction) if self.is_known else None
        self.function = function_called(code, instruction) if self.stored is not None else None
        self.folds = self.function in FOLDS
        self.result = node.op  # the op of the last node, where a call makes several
        self.taken_apart: dict[Node, None] = {}  # the values whose entries a loop visits here


def made(nodes: Sequence[Node], name: Callable[[Node], str | None]) -> Iterator[Wanted]:
    """What the code stores nodes as where it makes them, in order of creation; `name` is what a node is called already.

    Bare arrays, which are made where they are read, and what an earlier backward pass recorded have no such name.
    """
    instructions, steps = _instructions(nodes)
    swept = {(id(node.code), node.instruction) for node in nodes if node.kind == "seed"}
    found: dict[Node, str] = {}
    for node in nodes:
        spot = id(node.code), node.instruction
        at = instructions[spot]
        if not at.is_known or spot in swept or node in steps or (node.op is None and is_bare(node)):
            continue
        called = at.stored
        if _is_visit(node):
            called = _entry(node, at, lambda x: name(x) or found.get(x))
        elif at.function is not None and node.op is not at.result:
            continue
        if called is not None:
            found[node] = called.name
            yield Wanted(node, called, (*spot, 0), at.in_loop)


def brought(leaves: Iterable[Node], nodes: Sequence[Node]) -> Iterator[Wanted]:
    """What the code reads leaves as, each by the expression of its first reader."""
    pending = {leaf for leaf in leaves if leaf.kind != "seed"}
    for node in nodes if pending else ():
        for position, leaf in enumerate(node.inputs):
            if isinstance(leaf, Node) and leaf in pending:
                pending.remove(leaf)
                code = node.code
                if isinstance(code, CodeType) and node.op is not None:
                    called = read(code, node.instruction, position, len(node.inputs), node.op.name)
                    if called is not None:
                        spot = id(code), node.instruction, position
                        yield Wanted(leaf, called, spot, bindings_of(code).repeats(node.instruction))
        if not pending:
            return


def _instructions(nodes: Sequence[Node]) -> tuple[dict[tuple[int, int], _Instruction], set[Node]]:
    """The instructions that made the nodes; and of functions such as `sum`, which record a node a step, all steps but the last."""
    found: dict[tuple[int, int], _Instruction] = {}
    steps: set[Node] = set()
    for node in nodes:
        spot = id(node.code), node.instruction
        at = found.get(spot)
        if at is None:
            at = found[spot] = _Instruction(node)
        at.result = node.op
        if at.folds and node.op is not None and node.op.name != at.function:
            steps.update(x for x in node.inputs if isinstance(x, Node) and x.code is node.code and x.instruction == spot[1])
        if _is_visit(node):
            at.taken_apart[node.inputs[0]] = None
    return found, steps


def _is_visit(node: Node) -> bool:
    return node.op is ops.index and any(isinstance(part, ops.Visited) for part in node.params["template"])


def _entry(node: Node, at: _Instruction, name: Callable[[Node], str | None]) -> Called | None:
    """What a loop or an unpacking calls an entry of the value that it takes apart."""
    choices = visited(at.code, at.instruction)
    if not choices:
        return None if at.stored is None else Called(at.stored.name, "entry")
    if not choices[0][0]:  # an unpacking
        number = next(part for part in node.params["template"] if isinstance(part, ops.Visited))
        return choices[number][1] if number < len(choices) else None
    whole = node.inputs[0]
    for written, called in choices:
        if len(choices) == 1 or written == name(whole):
            return called
    order = list(at.taken_apart)
    return choices[order.index(whole)][1] if len(order) == len(choices) else None
