"""The verdicts on what an engine gave: each value judged by the values before it, and each gradient by those of its readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygraph.referee.backward_slips import About, Guess, WrongGradient, rule_of, subject
from tinygraph.referee.forward_slips import forward_slips, is_right
from tinygraph.referee.local import Local, close
from tinygraph.referee.playing import Player, Run, Step
from tinygraph.referee.verdicts import StepVerdict, agreed, failed, following, gradient_name, other_dtype, seen, unjudged, wrong
from tinygraph.slips import Slip
from tinygraph.sparse import is_sparse
from tinygraph.wording import listed

EXAMINED = 20  # wrong gradients that are explained
WITNESSES = 20  # right gradients that a slip is held against
SINGLE = 1e-6  # how far float32 is off, relative to the largest entry
SECOND = "a second backward "


class Judge:
    """All verdicts on one engine, in the order of the walk."""

    def __init__(self, player: Player, engine: str, missing: Sequence[str]) -> None:
        self.engine, self.player = engine, player
        self._lacking = [name for name in missing if name in ("backward", "gradient")]
        self.path = player.path
        self.local = Local(player.steps, self.path, player.values)
        self.notes: list[str] = []
        self.verdicts = [*self._forward()]
        self.verdicts += self._backward()
        known = [v.status == "right" for v in self.verdicts if v.phase == "backward" and v.step.node.kind == "parameter"]
        self.is_whole = all(known) and not self._lacking  # whether no gradient of a parameter is unknown
        self.verdicts += self._again()
        if player.lowered:
            names = listed(list(dict.fromkeys(player.lowered)))
            self.notes.append(f"{engine} has no op {names}: judged are the ops that tinygraph makes it of")

    # Forward

    def _forward(self) -> Iterator[StepVerdict]:
        tainted: set[Step] = set()  # what is wrong, and what follows from it
        for step in self.player.steps:
            verdict = self._of_value(step, tainted)
            if verdict.status != "right":
                tainted.add(step)
            yield verdict

    def _of_value(self, step: Step, tainted: set[Step]) -> StepVerdict:
        trouble = self.player.troubles.get(step)
        if trouble is not None:
            return failed(step, "forward", trouble)
        if step not in self.player.values:
            return unjudged(step, "forward", self._why_unmade(step))
        value, recorded = self.player.values[step], step.node.value
        if step.node.op is None:
            return _of_leaf(step, value, recorded)
        computed = self.local.computed(step)
        if computed is None:
            return unjudged(step, "forward", f"{step.op_name} is not defined for such operands")
        if is_right(self.local, step, value, computed):
            dtypes = [np.asarray(x).dtype for x in (value, computed)]
            if dtypes[1].kind == "f" and dtypes[0] != dtypes[1]:
                text = f"{step.op_name} gives {dtypes[0]} where NumPy gives {dtypes[1]}"
                return other_dtype(step, "forward", value, computed, text)
            follows = not tainted.isdisjoint(step.steps) and not is_right(self.local, step, value, recorded)
            return following(step, "forward", value, recorded) if follows else agreed(step, "forward")
        if _is_single(value, computed):
            slips = [Slip("dtype", f"{step.op_name} is right to the digits of float32 alone", step.name)]
        else:
            slips = [*forward_slips(self.local, step, value, computed)]
        return wrong(step, "forward", seen(value, computed) + ("" if slips else f": look at {step.op_name}"), slips)

    def _why_unmade(self, step: Step) -> str:
        while missing := [x for x in step.steps if not self.player.has_made(x)]:  # back to the first that is
            step = missing[0]
        return f"{step.name} is missing" if step in self.player.troubles else "the time was over"

    # Backward

    def _backward(self) -> Iterator[StepVerdict]:
        parameters = [step for step in self.player.steps if step.node.kind == "parameter"]
        if not parameters:
            self.notes.append("there is no tg.parameter in the graph, so that no gradient is compared")
        elif self._lacking:
            self.notes.append(f"{self.engine} has no {listed(self._lacking)}, so that no gradient is compared")
        elif not self.player.runs:
            yield from (unjudged(step, "backward", "the value of the output is missing") for step in parameters)
        else:
            yield from self._of_run(self.player.runs[0])

    def _of_run(self, run: Run) -> Iterator[StepVerdict]:
        if run.trouble is None:
            yield from self._changed(run)
            is_clean = all(verdict.status == "right" for verdict in self.verdicts)
            yield from Gradients(self.local, run, is_clean).verdicts()
            return
        output, *rest = self.path
        yield failed(output, "backward", run.trouble)
        yield from (unjudged(step, "backward", f"{output.name} has no gradients") for step in rest)

    def _changed(self, run: Run) -> Iterator[StepVerdict]:
        """The values that the backward pass wrote into."""
        for step, value in run.values.items():
            if not close(value, self.player.values[step]):
                slip = Slip("changed", "backward writes into the array of a value", step.name)
                found = f"{seen(value, self.player.values[step])} after backward"
                verdict = wrong(step, "backward", found, [slip])
                yield replace(verdict, name=step.name, text=f"{step.name} {found}: {slip.text}", is_gradient=False)

    # Once more

    def _again(self) -> Iterator[StepVerdict]:
        """A second backward pass gives the gradients of the first, on a new output and on the same one."""
        if not self.player.runs or self.player.runs[0].trouble is not None:
            return
        first, *others = self.player.runs
        for run, when in zip(others, ("after a second forward pass", "on the same output"), strict=False):
            if run.trouble is not None:
                yield failed(self.path[0], "second backward", run.trouble, f"{SECOND}{when}: ")
                return
            both = [step for step in self.path if step in run.gradients and step in first.gradients]
            parted = next((step for step in both if not close(run.gradients[step], first.gradients[step])), None)
            if parted is not None:
                yield self._of_second(parted, run, first, when)
                return

    def _of_second(self, step: Step, run: Run, first: Run, when: str) -> StepVerdict:
        given, before = run.gradients[step], first.gradients[step]
        new = WrongGradient(self.local, self.local.gradients() | run.gradients, step, given).right
        is_stale = close(given, before + before) or (new is not None and close(given, before + new)) or step is self.path[0]
        mend = "the gradients of the first are still there: backward must set all gradients to 0 before it starts"
        slips = [Slip("stale", mend, step.name)] if is_stale else []
        return wrong(step, "second backward", f"{seen(given, before)} in {SECOND}{when}", slips)


class Gradients:
    """The verdicts on the gradients after one backward pass."""

    def __init__(self, local: Local, run: Run, is_clean: bool) -> None:
        self.local, self.run, self._is_clean = local, run, is_clean
        self._held = local.gradients() | run.gradients  # the right one where the engine gave none
        self._recorded = Local(local.steps, local.path, {}).gradients()
        self._right: dict[About, list[WrongGradient]] = {}  # gradients that turned out right, by what they prove
        self._guesses: dict[Step, list[Guess]] = {}

    def verdicts(self) -> Iterator[StepVerdict]:
        """In backward order; what is wrong is explained when it is known what is right."""
        tainted: set[Step] = set()
        for verdict in [self._of(step) for step in self.local.path]:
            step = verdict.step
            if verdict.status == "follows" and self._is_clean and not tainted:  # off by rounding that added up
                verdict = agreed(step, "backward")
            if verdict.status == "wrong" or not tainted.isdisjoint(edge.reader for edge in self.local.edges[step]):
                tainted.add(step)
            yield self._explained(verdict)

    def _of(self, step: Step) -> StepVerdict:
        if step not in self.run.gradients:
            return self._of_none(step)
        given = self.run.gradients[step]
        suspect = WrongGradient(self.local, self._held, step, given)
        is_output = step is self.local.path[0]
        summed = np.ones_like(self.local.value(step))[()] if is_output else suspect.right
        if summed is None:
            return unjudged(step, "backward", "the contributions to it are not defined for such values")
        if not close(given, summed, suspect.size):
            if is_output:
                slip = Slip("seed", "backward must start from 1, the gradient of the output with respect to itself", step.name)
                return wrong(step, "backward", seen(given, summed), [slip])
            return self._of_wrong(step, suspect, summed)
        if self._changes_dtype(step, given):
            return other_dtype(step, "backward", given, step.node.value, f"a gradient has the dtype of its value {step.name}")
        for about in suspect.proves():
            self._right.setdefault(about, []).append(suspect)
        recorded = self._recorded[step]
        agrees = close(given, recorded, suspect.size)
        return agreed(step, "backward") if agrees else following(step, "backward", given, recorded)

    def _of_none(self, step: Step) -> StepVerdict:
        trouble = self.run.troubles.get(step)
        if trouble is None:
            return unjudged(step, "backward", "the time was over")
        if trouble.kind == "none" and step.node.op is not None:  # many engines keep the gradients of leaves alone
            return unjudged(step, "backward", "gradient returned None")
        return failed(step, "backward", trouble)

    def _changes_dtype(self, step: Step, given: Any) -> bool:
        """Whether a gradient has a dtype that neither its value nor any reader brought."""
        found, readers = np.asarray(given).dtype, [edge.reader for edge in self.local.edges[step]]
        brought = [self._held[reader] for reader in readers] + [self.local.value(x) for x in (step, *readers)]
        return found != step.node.dtype and all(found != np.asarray(x).dtype for x in brought)

    def _of_wrong(self, step: Step, suspect: WrongGradient, summed: Any) -> StepVerdict:
        given = self.run.given
        shared = [x for x in given if x is not step and _share(given[x], given[step])]
        if shared:
            both = f"{gradient_name(step)} and {gradient_name(shared[0])} are one array"
            text = f"{both}, so that `+=` changes both: copy the upstream gradient before adding to it"
            self._guesses[step] = [Guess("shared", text, step.name, ("shared",))]
        elif len(self._guesses) < EXAMINED:
            self._guesses[step] = suspect.guesses()
        return wrong(step, "backward", seen(suspect.given, summed), [])

    def _explained(self, verdict: StepVerdict) -> StepVerdict:
        """A verdict with its explanations, but those by code that is right elsewhere if there are others."""
        step, found = verdict.step, verdict.text.removeprefix(f"{verdict.name} ")
        guesses = self._guesses.get(step)
        if guesses is None:
            return verdict
        plausible = [guess for guess in guesses if not self._is_refuted(guess)] or guesses
        slips = [Slip(guess.kind, guess.text, guess.of) for guess in plausible]
        verdict = wrong(step, "backward", found if slips else f"{found}: {self._blamed(step)}", slips)
        unknown = [gradient_name(edge.reader) for edge in self.local.edges[step] if edge.reader not in self.run.gradients]
        if not slips or not unknown:
            return verdict
        return replace(verdict, text=f"{verdict.text}; or an op behind is wrong, as the engine gives no {listed(unknown)}")

    def _is_refuted(self, guess: Guess) -> bool:
        """Whether a slip would have changed a gradient that is right."""
        return any(one.shows(guess) for one in self._right.get(guess.about, [])[:WITNESSES])

    def _blamed(self, step: Step) -> str:
        """The rules of which one must be wrong where no usual slip explains a gradient."""
        edges = self.local.edges[step]
        suspected = [edge for edge in edges if rule_of(edge) not in self._right] or edges
        rules = list(dict.fromkeys(subject(edge) for edge in suspected))
        order = ", or at the order of the walk" if any(len(known) > 1 for known in self.local.edges.values()) else ""
        return f"look at {'the gradient' if len(rules) == 1 else 'the gradients'} of {listed(rules)} by {step.name}{order}"


def _of_leaf(step: Step, value: Any, recorded: Any) -> StepVerdict:
    if is_sparse(recorded):  # which is not compared
        return agreed(step, "forward")
    if recorded.dtype.kind == "f" and np.asarray(value).dtype != recorded.dtype:
        return other_dtype(step, "forward", value, recorded, "a leaf keeps the dtype that it is given")
    if close(value, recorded):
        return agreed(step, "forward")
    kind = "shape" if np.shape(value) != np.shape(recorded) else "wrong value"
    slip = Slip(kind, "value(x) of a leaf is the array that leaf(array) was given", step.name)
    return wrong(step, "forward", seen(value, recorded), [slip])


def _is_single(value: Any, right: Any) -> bool:
    """Whether a value is right to the digits of float32 where more are due."""
    if np.shape(value) != np.shape(right) or np.asarray(right).dtype != np.float64:
        return False
    return bool(np.max(np.abs(value - right), initial=0.0) <= SINGLE * np.max(np.abs(right), initial=0.0))


def _share(x: Any, y: Any) -> bool:
    """Whether two gradients are one array."""
    return isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and bool(np.shares_memory(x, y))
