"""What is found of one value or gradient of an engine, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygraph.express.text import number
from tinygraph.referee.playing import Step, Trouble

EXPLAINED = 3  # explanations in one sentence
PLAIN = 12  # the largest number that is a plain factor

Status: TypeAlias = Literal["right", "wrong", "follows", "not judged"]
Phase: TypeAlias = Literal["forward", "backward", "second backward"]

# The kinds of slips of an engine, beside those of gradients that are computed by hand.
ENGINE_SLIPS = {
    "no op": "the engine has no such op",
    "raised": "a method of the engine raised an error",
    "time": "a method of the engine did not end in time",
    "none": "a method of the engine returned None",
    "type": "a method of the engine returned what is no array of numbers",
    "broadcasting": "the operands are not broadcast",
    "dtype": "the dtype is not that of the operands",
    "other op": "what another op gives",
    "missing": "an op passes nothing on to an operand",
    "seed": "the gradient of the output does not start at 1",
    "order": "a gradient is passed on before it is complete",
    "stale": "gradients of an earlier backward pass are still there",
    "shared": "two gradients are one array, which is changed in place",
    "changed": "the backward pass writes into a value",
    "kink": "another value than tinygraph's where there is no derivative",
}


class Slip(NamedTuple):
    """One explanation of a wrong number: a kind, a sentence, and the name of the step whose code is wrong."""

    kind: str
    text: str
    of: str


class Verdict(NamedTuple):
    """What is found of one value (`phase` "forward") or gradient: `status`, and every explanation that fits as `slips`."""

    name: str
    phase: Phase
    status: Status
    text: str
    slips: tuple[Slip, ...]
    step: Step

    def __repr__(self) -> str:
        return f"<{self.name} {self.status}>"


def gradient_name(step: Step) -> str:
    """What the gradient of the value of a step is called."""
    return f"d{step.name}" if step.name.isidentifier() else f"d({step.name})"


def name_of(step: Step, phase: Phase) -> str:
    """What a verdict is about: the value of a step, or its gradient."""
    return step.name if phase == "forward" else gradient_name(step)


def agreeing(step: Step, phase: Phase, value: Any, recorded: Any, follows: bool) -> Verdict:
    """The verdict on what is right by what the engine gave before, be that right or wrong."""
    name = name_of(step, phase)
    return Verdict(name, phase, "follows" if follows else "right", f"{name} {seen(value, recorded)}" if follows else "", (), step)


def unjudged(step: Step, phase: Phase, reason: str) -> Verdict:
    """The verdict on what there is nothing to judge of."""
    return Verdict(name_of(step, phase), phase, "not judged", reason, (), step)


def wrong(step: Step, phase: Phase, found: str, slips: Sequence[Slip]) -> Verdict:
    """The verdict on a wrong number, with what was `found` after its name, and every explanation."""
    name = name_of(step, phase)
    reasons = "; or ".join(slip.text for slip in slips[:EXPLAINED])
    return Verdict(name, phase, "wrong", f"{name} {found}{': ' * bool(slips)}{reasons}", tuple(slips), step)


def failed(step: Step, phase: Phase, trouble: Trouble, before: str = "") -> Verdict:
    """The verdict on a call of the engine that went wrong."""
    text = f"{before}{trouble.text}"
    return Verdict(name_of(step, phase), phase, "wrong", text, (Slip(trouble.kind, text, step.name),), step)


def seen(value: Any, right: Any) -> str:
    """A wrong number beside the right one; of arrays the first entry that differs, or else both shapes."""
    if np.shape(value) != np.shape(right):
        return f"has shape {np.shape(value)}, not {np.shape(right)}"
    if not np.shape(right):
        shown, wanted = number(value), number(right)
        if shown == wanted:
            shown, wanted = f"{value:.10g}", f"{right:.10g}"
        return f"is {shown}, not {wanted}"
    value, right = np.asarray(value, np.float64), np.asarray(right, np.float64)
    size = np.max(np.abs(right), initial=0.0, where=np.isfinite(right))
    differs = ~((np.abs(value - right) <= 1e-6 * size) | (np.isnan(value) & np.isnan(right)) | (value == right))
    if not differs.any():
        return "differs in the last digits"
    at = tuple(map(int, np.argwhere(differs)[0]))
    return f"is {number(value[at])} at [{', '.join(map(str, at))}], not {number(right[at])}"


def constant_factor(value: Any, right: Any) -> float | None:
    """The number by which a right value was multiplied to a wrong one; None where there is none."""
    value, right = np.asarray(value, np.float64), np.asarray(right, np.float64)
    if value.shape != right.shape or not value.size:
        return None
    at = np.unravel_index(np.argmax(np.abs(right)), right.shape)
    if not right[at] or not np.isfinite(value).all() or not np.isfinite(right).all():
        return None
    factor = float(value[at] / right[at])
    near = np.max(np.abs(value - factor * right)) <= 1e-6 * np.max(np.abs(value))
    return factor if near and factor not in (0.0, 1.0) else None


def is_plain(factor: float) -> bool:
    """Whether a factor is a small whole number, or 1 over one, so that even that of a single number means something."""
    return any(abs(x - round(x)) < 1e-6 and 2 <= abs(round(x)) <= PLAIN for x in (factor, 1 / factor))
