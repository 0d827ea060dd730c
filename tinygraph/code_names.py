"""What the nodes of a graph are called in the user's code, of which `tinygraph.naming` makes one name each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CodeType
from typing import NamedTuple

from tinygraph.binding import FOLDS, Called, bindings_of, function_called, read, stored, visited
from tinygraph.leaves import is_bare
from tinygraph.node import Node
from tinygraph.ops import Op, Visited, visited_axes


class CodeName(NamedTuple):
    """A name that the code has for what it makes, or reads, at one spot, the same object for all values that it made there."""

    called: Called
    spot: tuple[int, int, int | None] | None  # the code object, its instruction, and the operand where it is read
    in_loop: bool  # whether a loop of that function comes there again


class _Instruction:
    """What the nodes that one instruction of the user's code made have in common."""

    def __init__(self, node: Node) -> None:
        code, instruction = node.code, node.instruction
        self.code, self.instruction = code, instruction
        self.in_loop = isinstance(code, CodeType) and bindings_of(code).repeats(instruction)
        self.stored = stored(code, instruction)
        self.function = function_called(code, instruction) if self.stored is not None else None
        self.result = node.op  # the op of the last node, where a call makes several
        self.taken_apart: dict[Node, None] = {}  # the values whose entries a loop visits here
        self._kept: dict[Called, CodeName] = {}
        self.own = None if self.stored is None else self.wanted(self.stored)

    def folds(self, op: Op) -> bool:
        """Whether a function such as `sum` is called here, which takes a step with each of these ops."""
        by_operator = self.function == "" and op.operator is not None and op.operator.text in ("+", "*")
        return op.name != self.function and (self.function in FOLDS or by_operator)

    def wanted(self, called: Called) -> CodeName:
        """The name of a node that was made here."""
        return self._kept.setdefault(called, CodeName(called, (id(self.code), self.instruction, None), self.in_loop))


def made(nodes: Sequence[Node], name: Callable[[Node], str | None]) -> dict[Node, CodeName]:
    """What the code stores nodes as where it makes them; `name` is what a node is called already.

    Bare arrays, which are made where they are read, and what an earlier backward pass recorded have no such name.
    """
    instructions, steps = _instructions(nodes)
    swept = {(id(node.code), node.instruction) for node in nodes if node.kind == "seed"}
    found: dict[Node, CodeName] = {}

    def name_of(node: Node) -> str | None:
        return name(node) or (found[node].called.name if node in found else None)

    for node in nodes:
        spot = id(node.code), node.instruction
        at = instructions[spot]
        wanted = at.own
        if at.taken_apart and visited_axes(node.op, node.params):
            called = _entry(node, at, name_of)
            wanted = None if called is None else at.wanted(called)
        elif at.function is not None and node.op is not at.result:
            continue
        if wanted is not None and node not in steps and spot not in swept and not (node.op is None and is_bare(node)):
            found[node] = wanted
    return found


def brought(leaves: Iterable[Node], nodes: Sequence[Node]) -> dict[Node, CodeName]:
    """What the code reads leaves as, each by the expression of the first reader that has a name for it."""
    nameless = {leaf for leaf in leaves if leaf.kind != "seed"}
    found: dict[Node, CodeName] = {}
    for node in nodes:
        if not nameless:
            break
        for position, leaf in enumerate(node.inputs):
            if isinstance(leaf, Node) and leaf in nameless:
                wanted = _reading(node, position)
                if wanted is not None:
                    nameless.remove(leaf)
                    found[leaf] = wanted
    return found


def _reading(reader: Node, position: int) -> CodeName | None:
    code, instruction, op = reader.code, reader.instruction, reader.op
    called = None if op is None else read(code, instruction, position, len(reader.inputs), op.name)
    if called is None or not isinstance(code, CodeType):
        return None
    return CodeName(called, (id(code), instruction, position), bindings_of(code).repeats(instruction))


def _instructions(nodes: Sequence[Node]) -> tuple[dict[tuple[int, int], _Instruction], set[Node]]:
    """The instructions that made the nodes, and the steps of functions such as `sum` before their last one."""
    found: dict[tuple[int, int], _Instruction] = {}
    steps: set[Node] = set()
    for node in nodes:
        spot = id(node.code), node.instruction
        at = found.get(spot)
        if at is None:
            at = found[spot] = _Instruction(node)
        if node.op is None:
            continue
        at.result = node.op
        if at.function is not None and at.folds(node.op):
            steps.update(x for x in node.inputs if isinstance(x, Node) and x.code is node.code and x.instruction == spot[1])
        if visited_axes(node.op, node.params):
            at.taken_apart[node.inputs[0]] = None
    return found, steps


def _entry(node: Node, at: _Instruction, name: Callable[[Node], str | None]) -> Called | None:
    """What a loop or an unpacking calls an entry of the value that it takes apart."""
    choices = visited(at.code, at.instruction)
    if not choices:
        return None if at.stored is None else Called(at.stored.name, "entry")
    if not choices[0][0]:  # an unpacking
        number = next(part for part in node.params["template"] if isinstance(part, Visited))
        return choices[number][1] if number < len(choices) else None
    whole = node.inputs[0]
    for written, called in choices:
        if len(choices) == 1 or written == name(whole):
            return called
    order = list(at.taken_apart)
    return choices[order.index(whole)][1] if len(order) == len(choices) else None
