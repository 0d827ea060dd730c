"""What a page needs to judge answers as the kernel does: the common mistakes and, for formulas, the values that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygraph.express.instructions import Instructions
from tinygraph.node import Node
from tinygraph.program.statements import Program, program_of
from tinygraph.referee.redrawn import DRAWS, SIGNS, TRIES, manners
from tinygraph.sparse import is_sparse
from tinygraph.stepping.examples import batch_size
from tinygraph.stepping.grammar import grammar
from tinygraph.stepping.judging import EQUAL, mistakes
from tinygraph.stepping.questions import asked
from tinygraph.stepping.stepper import Chapter


def rubric(chapter: Chapter, instructions: Instructions) -> dict[str, Any]:
    """The slot of each gradient that is asked for, and the mistakes about it: a text, a slot and a factor."""
    program, slot = program_of(chapter.graph), instructions.slot
    texts: dict[str, int] = {}
    size = batch_size(chapter.graph)
    judged = {
        step.name: [
            slot(step.node),
            [[texts.setdefault(one.said, len(texts)), slot(one.node), one.factor] for one in mistakes(program, step.node, size)],
        ]
        for step in asked(chapter.graph, chapter.graph_steps)
    }
    return {"questions": judged, "texts": list(texts)}


def proof(chapter: Chapter, instructions: Instructions) -> dict[str, Any]:
    """What a page reads formulas with: the slots of values by name, in the order in which they become known, the statements that
    must be finite on other leaves, and how leaves get other values."""
    program, slot = program_of(chapter.graph), instructions.slot
    names = dict(_known(chapter, program))
    return {
        "names": [[name, slot(x)] if isinstance(x, Node) else [name, None, x] for name, x in names.items()],
        "statements": sorted({slot(s.node) for s in program.statements}),
        "leaves": [[slot(x), "kept" if is_sparse(x.value) else how] for x, how in manners(chapter.graph).items()],
        "draws": DRAWS,
        "tries": TRIES,
        "signs": SIGNS,
        "equal": [EQUAL[False], EQUAL[True]],
        "grammar": grammar(),
    }


def _known(chapter: Chapter, program: Program) -> Iterator[tuple[str, Any]]:
    """Named numbers, leaves, and what the steps compute."""
    nodes = {s.name: s.node for s in program.statements}
    yield from program.numbers.items()
    yield from ((program.name(leaf), leaf) for leaf in program.leaves)
    yield from ((step.name, nodes[step.name]) for step in chapter.graph_steps)
