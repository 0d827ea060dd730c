"""What a page needs to judge answers as the kernel does: where the values are that formulas name, and the common mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygraph.express.instructions import Instructions
from tinygraph.node import Node
from tinygraph.program.statements import Program, program_of
from tinygraph.sparse import is_sparse
from tinygraph.stepping.examples import batch_size
from tinygraph.stepping.judging import DRAWS, EQUAL, SIGNS, TRIES, manners, mistakes
from tinygraph.stepping.questions import questions
from tinygraph.stepping.stepper import Chapter


def referee(chapter: Chapter, instructions: Instructions) -> dict[str, Any]:
    """The slots of values by name, in the order in which they become known; of each gradient its slot, how many names are known
    before it, and the mistakes about it: a text, a slot and a factor."""
    program, slot = program_of(chapter.graph), instructions.slot
    known = dict(_known(chapter, program))
    places = {name: i for i, name in enumerate(known)}
    texts: dict[str, int] = {}
    size = batch_size(chapter.graph)
    asked = {
        x.step.name: [
            slot(x.step.node),
            places[x.step.name],
            [[texts.setdefault(one.said, len(texts)), slot(one.node), one.factor] for one in mistakes(program, x.step.node, size)],
        ]
        for x in questions(chapter.graph, chapter.graph_steps, ())
    }
    return {
        "names": [[name, slot(x)] if isinstance(x, Node) else [name, None, x] for name, x in known.items()],
        "questions": asked,
        "texts": list(texts),
        "statements": sorted({slot(s.node) for s in program.statements}),
        "leaves": [[slot(x), how] for x, how in manners(chapter.graph).items() if how != "kept" and not is_sparse(x.value)],
        "draws": DRAWS,
        "tries": TRIES,
        "signs": SIGNS,
        "equal": [EQUAL[False], EQUAL[True]],
    }


def _known(chapter: Chapter, program: Program) -> Iterator[tuple[str, Any]]:
    """Named numbers, leaves, and what the steps compute."""
    nodes = {s.name: s.node for s in program.statements}
    yield from program.numbers.items()
    yield from ((program.name(leaf), leaf) for leaf in program.leaves)
    yield from ((step.name, nodes[step.name]) for step in chapter.graph_steps)
