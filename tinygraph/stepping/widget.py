"""The stepper as a widget: the page's module with a kernel behind it, so that leaves move and `s.current` follows the browser."""

from __future__ import annotations

import math
from typing import Any

import anywidget
import numpy as np
import traitlets

from tinygraph.program.statements import program
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
    wanted = traitlets.Dict().tag(sync=True)  # from the browser: a leaf and its new value
    problem = traitlets.Unicode("").tag(sync=True)  # what is wrong with that
    asked = traitlets.Dict().tag(sync=True)  # from the browser: the name of a gradient, and an answer
    verdict = traitlets.Dict().tag(sync=True)  # on that answer

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        super().__init__(data=self._data(), position=stepper.position, breakpoints=sorted(stepper.breakpoints))
        stepper.watchers.append(self.refresh)

    def close(self) -> None:
        """Follow the stepper no longer."""
        if self.refresh in self.stepper.watchers:
            self.stepper.watchers.remove(self.refresh)
        super().close()

    def _data(self) -> dict[str, Any]:
        return walk_data(self.stepper) | {"leaves": knobs(self.stepper), "kernel": True}

    def refresh(self, changed: bool = True) -> None:
        """Show the stepper's present state; `changed` is True for new numbers, False if only the cursor moved."""
        with self.hold_sync():
            if changed:
                self.data = self._data()
            self.position = self.stepper.position
            self.breakpoints = sorted(self.stepper.breakpoints)

    @traitlets.observe("position")
    def _moved(self, change: Any) -> None:
        """Follow the browser; a place that is not there is corrected."""
        if 0 <= change["new"] <= len(self.stepper.steps):
            self.stepper.position = change["new"]
        else:
            self.position = self.stepper.position

    @traitlets.observe("breakpoints")
    def _marked(self, change: Any) -> None:
        self.stepper.breakpoints = change["new"]

    @traitlets.observe("wanted")
    def _asked_for_a_value(self, change: Any) -> None:
        try:
            name, value = str(change["new"]["name"]), float(change["new"]["value"])
            if not math.isfinite(value):
                raise ValueError(f"{name} = {value} is not finite")
            self.stepper.set(**{name: value})
            self.problem = ""
        except (KeyError, TypeError, ValueError) as error:
            self.problem = str(error.args[0])

    @traitlets.observe("asked")
    def _asked_for_a_verdict(self, change: Any) -> None:
        asked = change["new"]
        answer = judged(self.stepper, str(asked.get("name")), str(asked.get("text")))
        self.verdict = {**answer._asdict(), "turn": asked.get("turn")}


def judged(stepper: Stepper, name: str, text: str) -> Answer:
    """What an answer to the question for one gradient is worth: a number, or a formula in what is known before it."""
    quiz = Quiz(stepper.graph)
    while quiz.name not in (name, None):
        quiz.reveal()
    return quiz.answer(text)


def knobs(stepper: Stepper) -> list[dict[str, Any]]:
    """The scalar leaves, each with a range to move it in."""
    told = program(stepper.graph)
    found = []
    for leaf in told.leaves:
        if not leaf.shape and leaf.dtype.kind == "f" and np.isfinite(leaf.value):
            value = float(leaf.value)
            reach = max(2.0, 2 * abs(value))
            found.append({"name": told.name(leaf), "value": value, "low": value - reach, "high": value + reach})
    return found
