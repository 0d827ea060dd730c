"""When training stops: each rule reads the history and returns a reason to stop, or None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from models.words import counted


class HistoryRow(NamedTuple):
    """One line of the history, after an epoch; NaN where a figure does not apply."""

    loss: float
    held_out_loss: float
    accuracy: float
    held_out_accuracy: float
    gradient_norm: float
    time: float


class Rule(Protocol):
    """A stopping rule."""

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop after the last of the rows, the best of which is `since_best` rows old."""


class Diverged(NamedTuple):
    """The loss is not finite, or for `patience` epochs (at least three) was above `factor` times that of the start."""

    patience: int
    factor: float

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop, if the loss rises without end."""
        start, latest = rows[0].loss, rows[-1].loss
        if not math.isfinite(start):
            return f"diverged: the loss is {start:.3g} before the first update; scale X and y"
        patience = max(self.patience, 3)
        recent = [row.loss for row in rows[1:][-patience:]]
        if math.isfinite(latest) and (len(recent) < patience or min(recent) <= self.factor * start):
            return None
        return f"diverged: the loss rose from {start:.3g} to {latest:.3g} in {counted(len(rows) - 1, 'epoch')}"


class SmallGradient(NamedTuple):
    """No entry of the gradient is above `tol`, or `tol` times the largest at the start where that is below 1.

    Otherwise data in small units, whose gradients are small everywhere, would stop the training at its start.
    """

    tol: float

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop, if the gradient is small."""
        norm, start = rows[-1].gradient_norm, rows[0].gradient_norm
        if start < 1:
            within, words = norm <= self.tol * start, f"tol={self.tol:g} of that of the start, {start:.2e}"
        else:  # or the start's is not known
            within, words = norm <= self.tol, f"tol={self.tol:g}"
        return f"gradient: its largest entry, {norm:.2e}, is within {words}" if within else None


class HeldOut(NamedTuple):
    """The loss of the held-out examples has not fallen, or their accuracy has not risen, for `patience` epochs."""

    figure: str
    patience: int

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop, if the held-out figure no longer improves."""
        if since_best < self.patience:
            return None
        best = getattr(rows[-1 - since_best], f"held_out_{self.figure}")
        ago = counted(since_best, "epoch")
        return f"held-out {self.figure}: its best value, {best:.4g}, was {ago} ago; the parameters of that epoch are restored"


class Plateau(NamedTuple):
    """The training loss of the last `patience` epochs is lower than before them by no more than the share `loss_tol`."""

    patience: int
    loss_tol: float

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop, if the training loss no longer falls."""
        if len(rows) < 2 * self.patience:
            return None
        losses = [row.loss for row in rows[-2 * self.patience :]]
        before, recent = min(losses[: self.patience]), min(losses[self.patience :])
        if recent < before - self.loss_tol * abs(before):
            return None
        epochs = counted(self.patience, "epoch")
        return f"plateau: the training loss, {recent:.4g}, fell by no more than loss_tol={self.loss_tol:g} in {epochs}"


class EpochsUsedUp(NamedTuple):
    """The number of epochs that was set is reached."""

    max_iter: int

    def __call__(self, rows: Sequence[HistoryRow], since_best: int) -> str | None:
        """The reason to stop, if no epoch is left."""
        return f"epochs: all max_iter={self.max_iter} are used up" if len(rows) > self.max_iter else None
