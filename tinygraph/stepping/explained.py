"""The ops of a page explained, by their names; a page does without where the room that explains is not installed."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tinygraph.ops import Op
from tinygraph.program.value import applied
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.timeline import Step

PLAIN = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.UAdd)  # what nobody asks about


def ops_of(step: Step) -> list[Op]:
    """The ops of a step: of what it computes, or of the statement that it goes back through."""
    if step.phase == "update":
        return []
    expression = step.passes[step.position].reader.expression if step.passes else step.expression
    ops = dict.fromkeys(x.op for x in applied(expression))
    return [op for op in ops if op.operator is None or not issubclass(op.operator.syntax, PLAIN)]


def explained(stepper: Stepper) -> dict[str, str]:
    """Each op of a walk as markup, which is parsed as XML."""
    try:
        from tinygraph.explaining.little import little
    except ModuleNotFoundError as error:
        if error.name != "tinygraph.explaining":
            raise
        return {}
    ops: Iterable[Op] = dict.fromkeys(op for step in stepper.chapters[0].graph_steps for op in ops_of(step))
    return {op.name: little(op) for op in ops}
