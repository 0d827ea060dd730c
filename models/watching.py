"""What is notified while a model trains: a progress bar, and the callbacks of scikit-learn where its version has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tqdm import tqdm

__all__ = ["CallbackSupport", "Watch", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupport:  # type: ignore[no-redef]  # it stands in for the other
        """Estimators without callbacks."""

    def with_callbacks(method: Any) -> Any:
        """The method, one call deeper as with callbacks, so that warnings point at the user's line."""
        return wraps(method)(lambda *arguments, **settings: method(*arguments, **settings))


class Watch:
    """Shows each epoch of a training, and asks the estimator's callbacks whether to stop."""

    def __init__(self, estimator: Any, learned: Callable[[Any], dict[str, Any]], X: Any, y: Any) -> None:
        self.estimator = estimator
        self.learned = learned
        self.data = {"X": X, "y": y}
        self.bar = tqdm(total=estimator.max_iter, desc=estimator.solver, unit="epoch") if estimator.verbose else None
        self.context = None
        if hasattr(estimator, "_skl_callbacks"):
            self.context = estimator._init_callback_context(max_subtasks=None)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def __call__(self, training: Any) -> bool:
        """Show the latest epoch; whether a callback wants to stop."""
        if self.bar is not None:
            self.bar.update(len(training.rows) - 1 - self.bar.n)
            self.bar.set_postfix(loss=f"{training.rows[-1].loss:.4g}", refresh=False)
        if self.context is None:
            return False
        epoch = self.context.subcontext(task_name="epoch")
        state = {"estimator": self.estimator, **self.data, "reconstruction_attributes": lambda: self.learned(training)}
        epoch.call_on_fit_task_begin(**state)
        return bool(epoch.call_on_fit_task_end(**state))

    def close(self) -> None:
        """End the bar, and the callbacks' task."""
        if self.bar is not None:
            self.bar.close()
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator, **self.data)
