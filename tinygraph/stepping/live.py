"""The program of a page: the instructions that give all numbers of a walk, and what a reader may change.

Where a page cannot compute, there is a reason instead, and the page shows what was recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.express.holes import Hole
from tinygraph.express.instructions import Instructions, written
from tinygraph.node import Leaf, Node
from tinygraph.ops import Op
from tinygraph.program.statements import Program, program_of
from tinygraph.sparse import is_sparse
from tinygraph.stepping.rubric import proof, rubric
from tinygraph.stepping.stepper import RATE, Stepper
from tinygraph.wording import counted

MOST = 100_000  # instructions, and entries of all leaves


class Live(NamedTuple):
    """The state of a page that computes, the ops of its program, and those of formulas that are typed there."""

    data: dict[str, Any]
    ops: Collection[Op]


def live(stepper: Stepper, holes: Sequence[Hole], slots: Iterable[Node] = ()) -> Live | str:
    """The program of a walk with the slots of values that it looks up, or why a page does not compute it."""
    first = stepper.chapters[0]
    program = program_of(first.graph)
    entries = sum(leaf.size for leaf in program.leaves if not is_sparse(leaf.value))
    if len(first.graph) > MOST or entries > MOST:
        large = counted(len(first.graph), "op") if len(first.graph) > MOST else f"{entries:,} numbers in its leaves"
        return f"These are the recorded values: the program has {large}, too many to compute in a page."
    instructions = Instructions()
    leaves = [[program.name(leaf), instructions.slot(leaf), leaf.kind] for leaf in program.leaves]
    updates = first.updates or first.next_updates
    manners: dict[tuple[str, int, bool], int] = {}  # in which values are shown
    checks, _ = program.checks
    data = {
        "holes": [instructions.slot(x.node) for x in holes],
        "manners": [manners.setdefault((x.shown, x.brackets, x.is_math), len(manners)) for x in holes],
        "known_manners": list(manners),
        "beside": {str(i): [instructions.slot(node) for node in x.beside] for i, x in enumerate(holes) if x.beside},
        "kept": {str(i): str(x) for i, x in enumerate(holes) if not instructions.fits(x.node) or is_sparse(x.node.value)},
        "slots": [instructions.slot(node) for node in slots],
        "leaves": leaves,
        "rate": RATE,
        "rates": sorted({instructions.slot(step.rate) for step in updates if step.rate is not None}),
        "updates": [[instructions.slot(step.node), instructions.slot(step.result)] for step in updates],
        "checks": [
            [check.text, instructions.slot(x), int(answer)]
            for check in checks
            for x, answer in zip(check.expressions, check.answers, strict=True)
        ],
        "held": [[text, instructions.slot(leaf)] for leaf, text in _held(program).items()],
        "chapters": _chapters(stepper),
    }
    judged = rubric(first, instructions)
    if len(instructions.data["code"]) > MOST:
        count = counted(len(instructions.data["code"]), "instruction")
        return f"These are the recorded values: the program has {count}, too many to compute in a page."
    state = {"program": instructions.data, "live": data, "rubric": judged, "proof": proof(first, instructions)}
    return Live(state, instructions.ops)


def _held(program: Program) -> dict[Node, str]:
    """The leaves that keep their values, and why: a decision, or another leaf that was computed of them, would not follow."""
    found = {one.leaf: one.text for one in program.checks[1]}
    arrays = {id(leaf._value): leaf for leaf in program.leaves}
    for leaf in program.leaves:
        for array in leaf.beside if isinstance(leaf, Leaf) else ():
            if (source := arrays.get(id(array()))) is not None:
                found.setdefault(source, f"{program.name(leaf)} was computed of it by code that the graph cannot follow")
    return found


def _chapters(stepper: Stepper) -> list[dict[str, Any]]:
    """The leaves of each chapter that differ from those of the one before, by their places, and the rate of its update."""
    found: list[dict[str, Any]] = []
    before = program_of(stepper.chapters[0].graph).leaves
    for chapter in stepper.chapters:
        after = program_of(chapter.graph).leaves
        pairs = enumerate(zip(before, after, strict=True))
        changed = {str(i): written(np.asarray(new.value)) for i, (old, new) in pairs if _differ(old.value, new.value)}
        rates = [float(step.rate.value) for step in chapter.updates[:1] if step.rate is not None]
        found.append({"leaves": changed, "rate": rates[0] if rates else RATE})
        before = after
    return found


def _differ(old: Any, new: Any) -> bool:
    if is_sparse(old):
        return False
    return not np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
