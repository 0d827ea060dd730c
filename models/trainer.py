"""The training of any model: a loss of a parameter tree and data, a solver that moves the parameters, rules that stop it."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from models.objective import Evaluation, Examples, Objective
from models.settings import Settings
from models.solvers import SCIPY, UPDATES, Update, chosen, descend, descend_in_batches, newton, with_scipy
from models.stopping import Diverged, EpochsUsedUp, HeldOut, HistoryRow, Plateau, Rule, SmallGradient
from models.tree import Layout, Tree, Vector, paths
from models.whitening import axes, is_worth_it, sample

INTERRUPTED = "interrupted"


OVERSHOOT = 10  # how many times longer the loss of momentum and Adam may rise on its way down


def rules(settings: Settings, in_batches: bool) -> list[Rule]:
    """The stopping rules, in the order in which they are called."""
    patience = settings.n_iter_no_change
    steady = settings.solver not in ("momentum", "adam")
    found: list[Rule] = [Diverged(patience, 1.0 if steady and not in_batches else 2.0), SmallGradient(settings.tol)]
    if settings.early_stopping:
        found.append(HeldOut("accuracy" if settings.early_stopping == "accuracy" else "loss", patience))
    plateau = Plateau(patience if steady else OVERSHOOT * patience, settings.loss_tol)
    return [*found, plateau, EpochsUsedUp(settings.max_iter)]


class State(NamedTuple):
    """The parameters after an epoch, as one thing: an interrupt leaves one epoch's or another's, never a mixture."""

    epoch: int
    parameters: Tree
    rank: float


class Training:
    """One run of a solver: what it has seen, and the states it may end in."""

    def __init__(
        self,
        objective: Objective,
        data: Examples | None,
        start: Tree,
        settings: Settings,
        held_out: Examples | None = None,
        watch: Callable[[Training], bool] = lambda training: False,
        stop: bool = True,
    ) -> None:
        self.objective = objective
        self.data = data
        self.held_out = held_out
        self.settings = settings
        self.rules = rules(settings, data is None or settings._batch is not None) if stop else []
        self.watch = watch
        self.layout = Layout(start, np.result_type(*(leaf for _, leaf in paths(start))))
        self.start = self.layout.vector(start)
        self.solver = chosen(settings.solver, objective.linear, len(self.start), data)
        self.rows: list[HistoryRow] = []
        self.latest: State | None = None
        self.best: State | None = None
        self.reason = INTERRUPTED
        self._began = time.perf_counter()

    def evaluate(self, vector: Vector, data: Examples | None = None) -> Evaluation:
        """Loss, gradient and accuracy at the parameters, on a batch or on all examples."""
        batch = self.data if data is None else data
        assert batch is not None  # a run without data of its own is given batches
        found = self.objective.evaluate(self._tree(vector), batch)
        return found._replace(gradient=self.layout.vector(found.gradient))

    def evaluate_with_hessian(self, vector: Vector) -> tuple[Evaluation, Any]:
        """The same on all examples, and the Hessian."""
        assert self.data is not None
        found, hessian = self.objective.evaluate_with_hessian(self._tree(vector), self.data)
        return found._replace(gradient=self.layout.vector(found.gradient)), hessian

    def product(self, vector: Vector, direction: Vector) -> Vector:
        """The product of the Hessian with a direction."""
        assert self.data is not None
        return self.layout.vector(self.objective.product(self._tree(vector), self.data, self._tree(direction)))

    def _tree(self, vector: Vector) -> Tree:
        """The vector as parameters, in their dtype: SciPy computes in float64."""
        return self.layout.tree(vector.astype(self.layout.dtype, copy=False))

    def start_over(self, loss: float, accuracy: float) -> None:
        """Put the loss and accuracy of all batches at the start where those of the first batch stood."""
        self.rows[0] = self.rows[0]._replace(loss=loss, accuracy=accuracy)

    def measure(self, vector: Vector, data: Examples) -> tuple[float, float]:
        """Loss and accuracy at the parameters on a batch."""
        return self.objective.measure(self._tree(vector), data)

    def report(self, vector: Vector, found: Evaluation) -> bool:
        """Add an epoch to the history; whether to stop."""
        parameters = self._tree(vector)
        nothing = (np.nan, np.nan)
        held_out = nothing if self.held_out is None else self.objective.measure(parameters, self.held_out)
        norm = float(np.abs(found.gradient).max(initial=0))
        row = HistoryRow(found.loss, held_out[0], found.accuracy, held_out[1], norm, time.perf_counter() - self._began)
        self.rows.append(row)
        self.latest = State(len(self.rows) - 1, parameters, self._rank(row))
        if self.best is None or self.latest.rank < self.best.rank:
            self.best = self.latest
        since_best = self.latest.epoch - self.best.epoch
        reason = next((reason for rule in self.rules if (reason := rule(self.rows, since_best))), "")
        if self.watch(self):
            reason = reason or "callback: one of them stopped the training"
        self.reason = reason or self.reason
        return bool(reason)

    def _rank(self, row: HistoryRow) -> float:
        """What is smallest at the best epoch."""
        if self.settings.early_stopping == "accuracy":
            return -row.held_out_accuracy
        return row.held_out_loss if self.settings.early_stopping else row.loss

    @property
    def rank(self) -> float:
        """What is smallest at the best of several trainings."""
        state = self.state()
        return np.inf if state is None else state.rank

    def state(self) -> State | None:
        """The state that the training ends in: the best where the latest need not be as good, else the latest."""
        ends_in_best = self.reason.startswith(("held-out", "diverged", "plateau"))
        return self.best if ends_in_best else self.latest

    def loss(self) -> float:
        """The loss of the state that the training ends in, on all its examples."""
        state = self.state()
        assert state is not None
        assert self.data is not None
        in_batches = self.settings._batch is not None  # each row of the history has the loss of several states then
        return self.objective.measure(state.parameters, self.data)[0] if in_batches else self.rows[state.epoch].loss

    def run(self, epochs: Iterable[Iterable[Examples]] | None = None, update: Update | None = None, done: int = 0) -> None:
        """Train until a rule or a callback stops it, or the epochs end.

        `epochs` are passes over batches, for an update after each batch. `update` goes on from an earlier run, of `done` epochs.
        It runs in a context of its own, so that an interrupt inside `np.errstate` does not silence NumPy's warnings for good.
        """
        contextvars.copy_context().run(self._run, epochs, update, done)

    def _run(self, epochs: Iterable[Iterable[Examples]] | None, update: Update | None, done: int) -> None:
        solver, vector = self.solver, self.start
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the rule on divergence speaks of these
            if solver in SCIPY:
                ended = with_scipy(self, vector, solver) if self.settings.solver != "auto" else self._whitened(vector)
            elif solver == "newton":
                ended = newton(self, vector)
            elif epochs is None:
                ended = descend(self, vector, update or UPDATES[solver](), self.settings._rate)
            else:
                rate = lambda epoch: self.settings._rate(epoch + done)
                ended = descend_in_batches(self, vector, update or UPDATES[solver](), rate, epochs)
        if self.reason == INTERRUPTED:
            self.reason = ended
        if self.reason.startswith("diverged: the loss rose") and solver in UPDATES:
            self.reason += f". Try learning_rate={self._smaller_rate():g}"

    def _whitened(self, vector: Vector) -> str:
        """L-BFGS from the minimum of a sample, in its coordinates, where the loss is convex and these help; else without."""
        few = sample(self.data, len(vector)) if self.objective.linear and self.data is not None else None
        if few is None or not is_worth_it(self.objective.hessian(self._tree(vector), few)):
            return with_scipy(self, vector, self.solver)
        found = self.evaluate(vector)
        if self.report(vector, found):
            return ""
        sampled = Training(self.objective, few, self._tree(vector), self.settings)  # by Newton's method
        sampled.run()
        assert sampled.latest is not None
        there = self.layout.vector(sampled.latest.parameters)
        directions = axes(self.objective.hessian(sampled.latest.parameters, few))
        return with_scipy(self, there if self.evaluate(there).loss < found.loss else vector, self.solver, directions)

    def _smaller_rate(self) -> float:
        """A learning rate that does not diverge: below 2 over the largest curvature, which a step across a parabola must be."""
        rate = self.settings.learning_rate or UPDATES[self.settings.solver].usual_rate
        largest = max(self.settings._rate(epoch) for epoch in range(len(self.rows))) / rate
        curvature = self._steepest_curvature() if self.data is not None and self.settings.solver != "adam" else 0.0
        if 0 < curvature * largest < np.inf:
            return float(f"{min(1 / (curvature * largest), rate / 2):.1g}")
        return min(rate / 10, UPDATES[self.settings.solver].usual_rate)

    def _steepest_curvature(self) -> float:
        """The largest eigenvalue of the Hessian at the start, by power iteration on Hessian-vector products."""
        direction: Any = np.random.default_rng(0).normal(size=self.start.shape)
        size = 0.0
        for _ in range(30):
            direction = self.product(self.start, (direction / np.linalg.norm(direction)).astype(self.start.dtype))
            size = float(np.linalg.norm(direction))
            if not 0 < size < np.inf:
                break
        return size
