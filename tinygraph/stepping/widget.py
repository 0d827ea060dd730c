"""The stepper as a widget: the page's module with a kernel behind it, so that leaves move and `s.current` follows the browser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import anywidget
import numpy as np
import traitlets

from tinygraph.node import Node
from tinygraph.program.statements import program_of
from tinygraph.sparse import is_sparse
from tinygraph.stepping.page import leaves_of, script, style, texts, walk
from tinygraph.stepping.quiz import Answer, Quiz
from tinygraph.stepping.stepper import Stepper

MOST = 1000  # entries of a leaf


class Widget(anywidget.AnyWidget):
    """A stepper shown with its kernel: moving, breakpoints, leaves and answers work from either side."""

    _esm = f"{script()}export default {{ render }};"
    data = traitlets.Dict().tag(sync=True)
    texts: traitlets.List[Any] = traitlets.List().tag(sync=True)  # the numbers of each chapter
    leaves: traitlets.List[Any] = traitlets.List().tag(sync=True)  # the entries of each leaf, by chapter
    program = traitlets.Dict().tag(sync=True)  # for what the browser computes: plots, and one entry of an array
    live = traitlets.Dict().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    breakpoints = traitlets.List(traitlets.Unicode()).tag(sync=True)
    style = traitlets.Unicode(style()).tag(sync=True)
    new_value = traitlets.Dict().tag(sync=True)  # from the browser: a leaf, the place of one of its entries, and a new value
    update = traitlets.Dict().tag(sync=True)  # from the browser: a learning rate, and how many updates to make
    reset = traitlets.Dict().tag(sync=True)  # from the browser: the recorded values are wanted again
    problem = traitlets.Unicode("").tag(sync=True)  # what is wrong with that value
    answer = traitlets.Dict().tag(sync=True)  # from the browser: the name of a gradient, and an answer
    verdict = traitlets.Dict().tag(sync=True)  # whether that answer is right

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        super().__init__(position=stepper.position, breakpoints=sorted(stepper.breakpoints), **self._numbers())
        stepper.watchers.append(self.refresh)

    def close(self) -> None:
        """Stop following the stepper."""
        if self.refresh in self.stepper.watchers:
            self.stepper.watchers.remove(self.refresh)
        super().close()

    def _numbers(self) -> dict[str, Any]:
        """What changes with the leaves."""
        state, ops = walk(self.stepper)
        if not all(op.built_in for op in ops):
            state |= {"program": {}, "live": {}}  # the script knows no other ops
        computed = {key: state.get(key, {}) for key in ("program", "live")}
        return computed | {
            "data": state["data"] | {"kernel": True},
            "texts": texts(self.stepper),
            "leaves": entries(self.stepper),
        }

    def refresh(self, changed: bool = True) -> None:
        """Show the stepper's present state; `changed` is True for new numbers, False if only the cursor moved."""
        with self.hold_sync():
            if changed:
                for name, value in self._numbers().items():
                    setattr(self, name, value)
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
        self._carry_out(lambda: self._set(**{"place": 0, "turn": 0} | change["new"]))

    @traitlets.observe("update")
    def _update(self, change: Any) -> None:
        self._carry_out(lambda: self._make_updates(**{"turn": 0} | change["new"]))

    @traitlets.observe("reset")
    def _reset(self, change: Any) -> None:
        self._carry_out(self.stepper.reset)

    def _carry_out(self, request: Callable[[], None]) -> None:
        """Do what the browser asks for, or say what is wrong with it."""
        try:
            request()
            self.problem = ""
        except (KeyError, TypeError, ValueError) as error:
            self.problem = str(error.args[0])

    def _set(self, name: str, place: int, value: Any, turn: int) -> None:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{name} = {number} is not finite")
        leaf = dict(leaves_of(self.stepper)).get(name)
        new: Any = number
        if leaf is not None and leaf.shape:
            new = np.array(leaf.value)
            new.flat[place] = number
        self.stepper.set(**{name: new})

    def _make_updates(self, rate: Any, times: int, turn: int) -> None:
        self.stepper.watchers.remove(self.refresh)
        try:
            for _ in range(times):
                self.stepper.update(rate)
        finally:
            self.stepper.watchers.append(self.refresh)
            self.refresh()

    @traitlets.observe("answer")
    def _judge(self, change: Any) -> None:
        typed = change["new"]
        verdict = judged(self.stepper, str(typed.get("name")), str(typed.get("text")), int(typed.get("number", 0)))
        self.verdict = {**verdict._asdict(), "turn": typed.get("turn")}


def judged(stepper: Stepper, name: str, text: str, number: int = 0) -> Answer:
    """The verdict on an answer to one of the questions about the step of that name."""
    quiz = Quiz(stepper.graph)
    while quiz.name not in (name, None):
        quiz.reveal()
    for _ in range(number):
        quiz.reveal()
    return quiz.answer(text)


def entries(stepper: Stepper) -> list[list[list[Any]]]:
    """The entries of the leaves in each chapter, of those that are not too large to change one by one."""
    return [[_entries(leaf) for leaf in program_of(chapter.graph).leaves] for chapter in stepper.chapters]


def _entries(leaf: Node) -> list[Any]:
    is_listed = leaf.size <= MOST and not is_sparse(leaf.value)
    return np.ravel(leaf.value).tolist() if is_listed else []
