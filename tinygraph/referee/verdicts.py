"""What is found of one value or gradient of an engine, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygraph.express.text import number
from tinygraph.referee.playing import Step, Trouble
from tinygraph.referee.report import Status, Verdict
from tinygraph.slips import NEAR, Slip, ratio_of

EXPLAINED = 3  # explanations in one sentence
PLAIN = 12  # the largest factor of a single number that means something

Phase: TypeAlias = Literal["forward", "backward", "second backward"]


@dataclass(frozen=True)
class StepVerdict(Verdict):
    """The verdict on one value (`phase` "forward") or gradient of a step that an engine made."""

    phase: Phase = "forward"
    step: Step = field(kw_only=True, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {**super().to_dict(), "phase": self.phase}


def gradient_name(step: Step) -> str:
    """What the gradient of the value of a step is called."""
    return f"d{step.name}" if step.name.isidentifier() else f"d({step.name})"


def name_of(step: Step, phase: Phase) -> str:
    """What a verdict is about: the value of a step, or its gradient."""
    return step.name if phase == "forward" else gradient_name(step)


def agreed(step: Step, phase: Phase) -> StepVerdict:
    """The verdict on what is right."""
    return _verdict(step, phase, "right", "")


def following(step: Step, phase: Phase, value: Any, recorded: Any) -> StepVerdict:
    """The verdict on what is computed correctly from earlier wrong values."""
    return _verdict(step, phase, "follows", f"{name_of(step, phase)} {seen(value, recorded)}")


def unjudged(step: Step, phase: Phase, reason: str) -> StepVerdict:
    """The verdict on what there is nothing to judge of."""
    return _verdict(step, phase, "not judged", reason)


def wrong(step: Step, phase: Phase, found: str, slips: Sequence[Slip]) -> StepVerdict:
    """The verdict on a wrong number, with what was `found` after its name, and every explanation."""
    reasons = "; or ".join(slip.text for slip in slips[:EXPLAINED])
    return _verdict(step, phase, "wrong", f"{name_of(step, phase)} {found}{': ' * bool(slips)}{reasons}", slips)


def other_dtype(step: Step, phase: Phase, value: Any, right: Any, text: str) -> StepVerdict:
    """The verdict on right numbers in another dtype."""
    return wrong(step, phase, f"is {np.asarray(value).dtype}, not {np.asarray(right).dtype}", [Slip("dtype", text, step.name)])


def failed(step: Step, phase: Phase, trouble: Trouble, before: str = "") -> StepVerdict:
    """The verdict on a call of the engine that went wrong."""
    text = f"{before}{trouble.text}"
    return _verdict(step, phase, "wrong", text, [Slip(trouble.kind, text, step.name)])


def _verdict(step: Step, phase: Phase, status: Status, text: str, slips: Sequence[Slip] = ()) -> StepVerdict:
    node, is_gradient = step.part_of, phase != "forward"
    return StepVerdict(name_of(step, phase), status, text, tuple(slips), node, is_gradient, phase, step=step)


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
    """The number by which a right value was multiplied to a wrong one; None where there is none.

    Any number is some multiple of another: for one alone the factor, or 1 over it, is a small whole number.
    """
    factor = ratio_of(value, right, lambda x, y: bool(np.max(np.abs(x - y)) <= 1e-6 * np.max(np.abs(x))))
    if factor is None or abs(factor - 1) <= NEAR:
        return None
    is_plain = any(abs(x - round(x)) < 1e-6 and 2 <= abs(round(x)) <= PLAIN for x in (factor, 1 / factor))
    return factor if is_plain or np.size(value) > 1 else None
