"""The quiz: predict each gradient of the backward pass, its largest path, and the way of each parameter, before it is shown.

A number is right within a tolerance. A formula is right if it equals the gradient for other leaf values too: the graph is
computed again with random leaves, and the formula with the values that the names revealed so far have there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygraph.draw import files
from tinygraph.express.text import number
from tinygraph.graph import Graph
from tinygraph.program.statements import Level, Program, program_of
from tinygraph.referee.redrawn import on_other_leaves, with_other_numbers
from tinygraph.stepping.examples import batch_size
from tinygraph.stepping.formula import evaluate
from tinygraph.stepping.judging import (
    Mistake,
    allowed,
    fits,
    gradient_of,
    is_close,
    mistakes,
    tolerance,
)
from tinygraph.stepping.messages import one_of, said
from tinygraph.stepping.parsing import parse
from tinygraph.stepping.questions import questions
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.timeline import Step
from tinygraph.stepping.vocabulary import FormulaError


class Answer(NamedTuple):
    """Whether an answer is right, and the message about it; a text that cannot be read as an answer is not `counted`."""

    right: bool
    message: str
    counted: bool = True


@dataclass
class Score:
    """Questions answered right, questions that are over, hints taken, and wrong answers."""

    right: int = 0
    asked: int = 0
    hints: int = 0
    wrong: int = 0

    def __str__(self) -> str:
        said = f"{self.right} of {self.asked} right"
        extra = [f"{n} {what}{'s' * (n > 1)}" for n, what in ((self.hints, "hint"), (self.wrong, "wrong answer")) if n]
        return f"{said}, {' and '.join(extra)}" if extra else said


class Quiz:
    """Questions about the gradients of a graph, in the order of the backward pass, and about the way each parameter moves then.

    Where two to six paths of numbers lead to a parameter, the quiz also asks which of them carries most of its gradient.

    `question` is the text to show, `answer(x)` judges a number, a formula or, where the question has `choices`, one of them;
    `hint()` gives a hint, `reveal()` shows the answer;
    `score` and `done` are the progress, `state()` returns everything as plain data. A `seed` chooses other numbers for the
    parameters and the scalars with names; equal seeds give equal numbers.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> z = w * x
    >>> L = z**2
    >>> q = tg.Graph(L, names={"w": w, "x": x, "z": z, "L": L}).quiz()
    >>> q.answer(7).message
    'dz: not yet. The sign is right, the size is not'
    >>> q.answer("2 * z").message
    'dz = 2 * z = 12.000: right'
    >>> q.hint()
    'w is read by z = w * x'
    >>> q.answer("x * dz").message
    'dw = dz * x = 24.000: right'
    >>> q.choices, q.answer("down").message
    (('up', 'down', 'stays'), 'w: down, because dw = 24.000: right')
    >>> q.done, str(q.score)
    (True, '3 of 3 right, 1 hint and 1 wrong answer')
    """

    def __init__(self, graph: Graph, seed: int | None = None, level: Level = "named") -> None:
        if graph._is_partial:
            raise ValueError("this graph ends where an op failed, so that it has no gradients")
        if not graph._requests():
            graph.backprop()
        self.seed = seed
        self.stepper = Stepper(graph if seed is None else with_other_numbers(graph, seed), level)
        self.score = Score()
        chapter = self.stepper.chapter
        asked = questions(chapter.graph, chapter.graph_steps, chapter.next_updates)
        self._left = [question for question in asked if question.has_answer]  # that are not over
        self._total = len(self._left)
        self._hints = 0
        self._walk_to_question()

    def page(self) -> str:
        """The quiz as one HTML file, which takes numbers and formulas and needs neither a kernel nor a network."""
        from tinygraph.stepping.page import page

        return page(self.stepper, quiz=True)

    def save(self, path: str | Path) -> Path:
        """Write `page()` to a file, `quiz.html`; returns the path. Raises ValueError for another ending."""
        return files.save(self, path, dict.fromkeys(files.PAGES, Quiz.page))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from tinygraph.draw.view import frame
        from tinygraph.stepping.page import HEIGHT

        return {"text/html": frame(self.page(), "Quiz", HEIGHT), "text/plain": self.question}

    # The question

    @property
    def done(self) -> bool:
        """Whether every question is over."""
        return not self._left

    @property
    def name(self) -> str | None:
        """The name of the gradient to predict, or of the parameter that moves; None at the end."""
        return self._left[0].step.name if self._left else None

    @property
    def choices(self) -> tuple[str, ...]:
        """What the question may be answered by; () where it takes a number or a formula."""
        return self._left[0].choices if self._left else ()

    @property
    def entry(self) -> tuple[int, ...] | None:
        """The index of the entry that is asked for: the largest entry; () for a scalar."""
        return self._left[0].entry if self._left else None

    @property
    def known(self) -> dict[str, Any]:
        """The values of the leaves and of everything revealed so far, by name."""
        return self._values(self.stepper.graph)

    @property
    def question(self) -> str:
        """The leaves, the walk so far, and the question."""
        leaves = ", ".join(f"{self._program.name(x)} = {number(x.value)}" for x in self._program.leaves)
        return f"{leaves}\n{self.stepper}\n\n{self.ask}"

    @property
    def ask(self) -> str:
        """The question alone."""
        if not self._left:
            return f"the end: {self.score}"
        question = self._left[0]
        number = f"{self._total - len(self._left) + 1}/{self._total}"
        if question.choices:
            return f"{number}  {question.text}  {one_of(question.choices)}"
        shape = np.shape(self._step.value)
        whole = f" for all of {self.name}, {shape}," if shape else ""
        return (
            f"{number}  {question.label} = ?  "
            f"a number ({tolerance(np.asarray(self._step.value)[question.entry])}), or a formula{whole} in the names above"
        )

    def state(self) -> dict[str, Any]:
        """The state of the quiz as plain data, for a display."""
        return {
            "question": self.ask,
            "name": self.name,
            "entry": None if self.entry is None else list(self.entry),
            "position": self.stepper.position,
            "choices": list(self.choices),
            "known": list(self.known),
            "hints": [self._hint(i) for i in range(self._hints)],
            "number": self._total - len(self._left) + (not self.done),
            "total": self._total,
            "score": {"right": self.score.right, "asked": self.score.asked, "hints": self.score.hints, "wrong": self.score.wrong},
            "done": self.done,
        }

    # Answering

    def answer(self, x: Any) -> Answer:
        """Judge a number, an array of the gradient's shape, a formula in the known names, or a choice; a right answer ends the
        question."""
        if not self._left:
            return Answer(False, f"there is no question left: {self.score}", counted=False)
        try:
            with np.errstate(all="ignore"):
                wrong = self._wrong(x)
        except FormulaError as error:
            return Answer(False, str(error), counted=False)
        if wrong is not None:
            self.score.wrong += 1
            return Answer(False, said("wrong", name=self.name, why=wrong))
        self.score.right += 1
        return Answer(True, said("right", end=self._reveal()))

    def hint(self) -> str:
        """The next of the hints: for a gradient what reads the value, the local derivative, the chain rule."""
        if not self._left:
            return f"there is no question left: {self.score}"
        if self._hints == len(self._left[0].hints):
            return "there are no more hints: reveal() shows the answer"
        self._hints += 1
        self.score.hints += 1
        return self._hint(self._hints - 1)

    def reveal(self) -> str:
        """Give up this question: show its answer and go on to the next."""
        return self._reveal() if self._left else f"there is no question left: {self.score}"

    def run(self, ask: Callable[[str], str] = input, say: Callable[[str], Any] = print) -> None:
        """Ask in the terminal until all questions are over, `quit` is typed, or the input ends."""
        say(self.question)
        while not self.done:
            before = len(self._left)
            try:
                typed = ask("> ").strip()
            except (EOFError, KeyboardInterrupt):
                say("")
                return
            if typed in ("quit", "q") and typed not in self.known:
                return
            say(self._reply(typed))
            if len(self._left) != before:
                say(f"\n{self.ask}")

    def _reply(self, typed: str) -> str:
        if typed in ("hint", "?"):
            return self.hint()
        if typed == "reveal":
            return self.reveal()
        answers = ", ".join(self.choices) if self.choices else "a number, a formula"
        return self.answer(typed).message if typed else f"type {answers}, hint, reveal or quit"

    def __repr__(self) -> str:
        return f"<quiz: {self.ask}>"

    # Behind it

    @property
    def _step(self) -> Step:
        """The step of the question; where the gradient has several contributions, the last of its steps."""
        return self._left[0].step

    @property
    def _program(self) -> Program:
        return program_of(self.stepper.graph)

    def _walk_to_question(self) -> None:
        """Walk to the step before the question."""
        asked = self._left[0].step.node if self._left else None
        steps = self.stepper.steps
        while self.stepper.position < len(steps) and steps[self.stepper.position].node is not asked:
            self.stepper.step()
        self._hints = 0

    def _reveal(self) -> str:
        question = self._left.pop(0)
        self.score.asked += 1
        self._walk_to_question()
        return str(question.end)

    def _hint(self, i: int) -> str:
        return str(self._left[0].hints[i])

    def _values(self, graph: Graph) -> dict[str, Any]:
        """The values of all known names in this graph, or in the same graph with other leaves."""
        program = program_of(graph)
        names = {s.name: s.node for s in program.statements}
        known = program.numbers | {program.name(leaf): leaf.value for leaf in program.leaves}
        for step in self.stepper.steps[: self.stepper.position]:
            known[step.name] = names[step.name].value
        return known

    def _wrong(self, x: Any) -> str | None:
        """What is wrong with an answer; None if it is right."""
        question = self._left[0]
        if not question.choices:
            return self._formula(x) if isinstance(x, str) else self._number(x)
        if x not in question.choices:
            raise FormulaError(said("choice", choices=one_of(question.choices)))
        return None if x == str(question.value) else question.mistake

    def _number(self, x: Any) -> str | None:
        """What is wrong with a number, or with an array of all entries; None if it is right."""
        try:
            given = np.vectorize(float, otypes=[np.float64])(x)  # which raises for None, as asarray does not
        except (TypeError, ValueError, OverflowError):
            raise FormulaError(f"{type(x).__name__} is no answer: give a number or a formula") from None
        if not np.isfinite(given).all():
            raise FormulaError(said("finite"))
        value, label = np.asarray(self._step.value, dtype=np.float64), self._left[0].label
        if not given.shape:
            at: Any = self.entry
        elif given.shape == value.shape:
            at = ...
        else:
            raise FormulaError(said("shapes", label=label, shape=value.shape))
        if not np.isfinite(value[at]).all():
            raise FormulaError(said("infinite", label=label))

        def same(other: Any) -> bool:
            other = np.asarray(other, dtype=np.float64)
            if other.shape != value.shape:
                return False
            return bool((np.abs(given - other[at]) <= allowed(other[at])).all())

        if same(value):
            return None
        wrong = next((one.said for one in self._mistakes(self.stepper.graph) if same(one.value)), None)
        if wrong is None and not given.shape:
            sign = int(np.sign(given) * np.sign(value[at]))
            return said({1: "same sign", -1: "other sign"}.get(sign, "size"))
        return wrong or said("numbers")

    def _formula(self, text: str) -> str | None:
        """What is wrong with a formula, judged with other leaves; None if it is right. The text that the quiz prints is right."""
        name, end = self._step.name, str(self._left[0].end)
        if "".join(end.split()).startswith("".join(f"{name}={text}=".split())):
            return None
        formula = parse(text)
        if len(formula.statements) != 1 or formula.statements[0].name is not None:
            raise FormulaError(said("one"))
        known = self.known
        for free, where in formula.free.items():
            self._check_known(free, where, known)
        here = evaluate(formula, known)
        if not formula.free:
            return self._number(here)
        shape = np.shape(self._step.value)
        if not fits(np.shape(here), shape):
            return said("shape", shape=np.shape(here), name=name, wanted=shape)
        found = [(other, np.asarray(evaluate(formula, self._values(other)), dtype=np.float64)) for other in self._others]
        finite = [(other, value) for other, value in found if np.isfinite(value).all()]
        if not finite:
            raise FormulaError(said("nowhere"))
        if all(is_close(value, gradient_of(other, name).value) for other, value in finite):
            return None
        common = [{one.said: one.value for one in self._mistakes(other)} for other, _ in finite]
        for why in common[0]:
            if all(is_close(value, known.get(why)) for (_, value), known in zip(finite, common, strict=True)):
                return why
        return said("here alone" if is_close(here, self._step.value) else "other")

    def _mistakes(self, graph: Graph) -> Iterator[Mistake]:
        """The common mistakes about the gradient, in this graph or in the same with other leaves."""
        return mistakes(program_of(graph), gradient_of(graph, self._step.name), batch_size(graph))

    def _check_known(self, name: str, where: str, known: Mapping[str, Any]) -> None:
        if name in known:
            return
        if name == self.name:
            raise FormulaError(f"{where}: {said('asked', name=name)}")
        if any(step.name == name for step in self.stepper.steps):
            raise FormulaError(f"{where}: {said('later', name=name)}")

    @cached_property
    def _others(self) -> list[Graph]:
        return on_other_leaves(self.stepper.graph)
