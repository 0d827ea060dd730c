"""The stepper as a widget: the page's module with a kernel behind it, so that leaves move and `s.current` follows the browser."""

from __future__ import annotations

import math
from typing import Any

import anywidget
import numpy as np
import traitlets

from tinygraph.program.statements import program_of
from tinygraph.stepping.page import script, style, walk_data
from tinygraph.stepping.quiz import Answer, Quiz
from tinygraph.stepping.stepper import Stepper


class Widget(anywidget.AnyWidget):
    """A stepper shown with its kernel: moving, breakpoints, leaves and answers work from either side."""

    _esm = script()
    data = traitlets.Dict().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    breakpoints = traitlets.List(traitlets.Unicode()).tag(sync=True)
    style = traitlets.Unicode(style()).tag(sync=True)
    new_value = traitlets.Dict().tag(sync=True)  # from the browser: a leaf and its new value
    problem = traitlets.Unicode("").tag(sync=True)  # what is wrong with that value
    answer = traitlets.Dict().tag(sync=True)  # from the browser: the name of a gradient, and an answer
    verdict = traitlets.Dict().tag(sync=True)  # whether that answer is right

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        super().__init__(data=self._data(), position=stepper.position, breakpoints=sorted(stepper.breakpoints))
        stepper.watchers.append(self.refresh)

    def close(self) -> None:
        """Stop following the stepper."""
        if self.refresh in self.stepper.watchers:
            self.stepper.watchers.remove(self.refresh)
        super().close()

    def _data(self) -> dict[str, Any]:
        return walk_data(self.stepper) | {"leaves": sliders(self.stepper), "kernel": True}

    def refresh(self, changed: bool = True) -> None:
        """Show the stepper's present state; `changed` is True for new numbers, False if only the cursor moved."""
        with self.hold_sync():
            if changed:
                self.data = self._data()
            self.position = self.stepper.position
            self.breakpoints = sorted(self.stepper.breakpoints)

    @traitlets.observe("position")
    def _moved(self, change: Any) -> None:
        """Follow the browser; a position outside the walk is corrected."""
        if 0 <= change["new"] <= len(self.stepper.steps):
            self.stepper.position = change["new"]
        else:
            self.position = self.stepper.position

    @traitlets.observe("breakpoints")
    def _marked(self, change: Any) -> None:
        self.stepper.breakpoints = change["new"]

    @traitlets.observe("new_value")
    def _set_leaf(self, change: Any) -> None:
        try:
            name, value = str(change["new"]["name"]), float(change["new"]["value"])
            if not math.isfinite(value):
                raise ValueError(f"{name} = {value} is not finite")
            self.stepper.set(**{name: value})
            self.problem = ""
        except (KeyError, TypeError, ValueError) as error:
            self.problem = str(error.args[0])

    @traitlets.observe("answer")
    def _judge(self, change: Any) -> None:
        typed = change["new"]
        verdict = judged(self.stepper, str(typed.get("name")), str(typed.get("text")))
        self.verdict = {**verdict._asdict(), "turn": typed.get("turn")}


def judged(stepper: Stepper, name: str, text: str) -> Answer:
    """The verdict on an answer to the question about one gradient: a number, or a formula in the names known before it."""
    quiz = Quiz(stepper.graph)
    while quiz.name not in (name, None):
        quiz.reveal()
    return quiz.answer(text)


def sliders(stepper: Stepper) -> list[dict[str, Any]]:
    """The scalar leaves, each with a range to move it in."""
    program = program_of(stepper.graph)
    found = []
    for leaf in program.leaves:
        if not leaf.shape and leaf.dtype.kind == "f" and np.isfinite(leaf.value):
            value = float(leaf.value)
            reach = max(2.0, 2 * abs(value))
            found.append({"name": program.name(leaf), "value": value, "low": value - reach, "high": value + reach})
    return found
