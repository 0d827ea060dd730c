"""What all models share as scikit-learn estimators: checked input, training, prediction, and the graph of examples."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state

import tinygraph as tg
from models import saving, validation
from models.chunked import is_chunked
from models.chunked import mapped as mapped_rows
from models.fitted import as_fitted
from models.objective import Examples, Objective
from models.settings import Settings
from models.solvers import UPDATES
from models.stopping import HistoryRow
from models.trainer import INTERRUPTED, Training
from models.tree import Tree, last, mapped, paths
from models.watching import CallbackSupport, Watch, with_callbacks
from models.words import counted


def moves_by_batches(estimator: Any) -> bool:
    """Whether the solver updates after each batch; raises AttributeError if not, so that the method seems not to exist."""
    if estimator.solver not in UPDATES:
        raise AttributeError(f"partial_fit needs solver= one of {', '.join(UPDATES)}, not {estimator.solver!r}")
    return True


@dataclass(kw_only=True, eq=False, repr=False)
class Estimator(CallbackSupport, Settings, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A model that trains.

    After `fit` it has `parameters_` (nested dicts of arrays), `n_iter_` (epochs), `stop_reason_` and
    `history_`, a dict of lists with an entry for the start and for each epoch: "loss", "held_out_loss", "accuracy",
    "held_out_accuracy", "gradient_norm" (largest entry of the gradient) and "time" (seconds); NaN where one does not apply.
    """

    model: ClassVar[ModuleType]
    target: ClassVar[str] = "y"
    linear: ClassVar[bool] = False

    # What a kind of model adds

    def _start(self, features: int, random: np.random.RandomState) -> Tree:
        """Initial parameters; every kind of model has its own."""
        raise NotImplementedError

    def _targets(self, y: Any, dtype: Any) -> Any:
        """The checked targets as the loss takes them."""
        return y.astype(dtype, copy=False)

    def _forward(self, X: Any, parameters: Tree) -> dict[str, Any]:
        """The named values of the forward pass; the last one is the outputs."""
        values: dict[str, Any] = self.model.forward(X, **parameters)
        return values

    def _shown(self, parameters: Tree) -> dict[str, Any]:
        """The parameters as the attributes that scikit-learn's users know."""
        return {}

    def _verdict(self, training: Training, data: Examples) -> str:
        """The reason why the training stopped, or a more important warning."""
        return training.reason

    # Training

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X of shape (m, n), an array, data frame or sparse matrix, and targets y of shape (m,).

        X and y may be dask arrays, for the solver "lbfgs", which "auto" means then, without weights and `early_stopping`.

        `sample_weight` of shape (m,) weighs the examples in the mean loss; a weight counts as so many repetitions. An interrupt
        (Ctrl-C) leaves the model of the last finished epoch. Raises ValueError for input that does not fit; warns where the loss
        diverges or has no finite minimum.
        """
        self._check()
        new = self._unfitted()
        X, y = new._checked(X, y)
        data = new._data(X, y, sample_weight)
        random = check_random_state(self.random_state)
        data, held_out = new._divided(data, y, random) if self.early_stopping else (data, None)
        size, data = data.size, data.normalised()
        watch = Watch(self, lambda training: new.__dict__ | new._learned(training, training.reason), X, y)
        best: Training | None = None
        reason = INTERRUPTED
        try:
            for _ in range(self.restarts):
                training = Training(new._objective(), data, new._first(self, X, random), self, held_out, watch)
                best = best or training  # what an interrupt of the first one leaves
                training.run(None if self._batch is None else _shuffled(data, self._batch, random))
                best = training if training.rank < best.rank else best
            assert best is not None  # restarts is at least 1
            reason = new._verdict(best, data)
        except KeyboardInterrupt:
            self._take(new, best, reason)
            raise
        finally:
            watch.close()
        self._take(new, best, reason)
        self._keep(best, data, size)
        return self._warned()

    @available_if(moves_by_batches)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue from the current parameters with one pass over these examples, for the solvers "gd", "momentum" and "adam"."""
        return self._partial_fit(X, y, None, sample_weight)

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Self:
        self._check()
        self._check_stream("partial_fit")
        first = not hasattr(self, "parameters_")
        new = self._unfitted() if first else copy.copy(self)
        X, y = new._checked(X, y, reset=first)
        data = new._data(X, y, sample_weight, classes)
        random = check_random_state(self.random_state)
        start = self._cast(new._start(X.shape[1], random), X) if first else self.parameters_
        training = Training(new._objective(), data, start, self, stop=False)
        update = copy.deepcopy(getattr(self, "update_", None))
        new.update_ = update if type(update) is UPDATES[self.solver] else UPDATES[self.solver]()
        done = 0 if first else self.n_iter_
        training.run(itertools.islice(_shuffled(data, self.batch_size or len(y), random), 1), new.update_, done)
        learned = new._learned(training, f"partial_fit: one pass over {counted(len(y), 'example')}")
        if not np.isfinite(learned["history_"]["loss"][-1]) or not all(
            np.isfinite(array).all() for _, array in paths(learned["parameters_"])
        ):
            raise ValueError("diverged: the parameters are no longer finite, and stay as they were. Lower learning_rate")
        learned["n_iter_"] += done
        if hasattr(self, "history_"):
            learned["history_"] = {name: self.history_[name] + rows[1:] for name, rows in learned["history_"].items()}
        new.__dict__.update(learned)
        self.__dict__ = new.__dict__
        return self

    def _check_chunked(self, sample_weight: Any) -> None:
        """Raise ValueError for settings that dask arrays are not supported with."""
        if self.solver not in ("lbfgs", "auto"):
            raise ValueError(f'solver={self.solver!r} does not take dask arrays: set solver="lbfgs"')
        if sample_weight is not None or getattr(self, "class_weight", None) is not None or self.early_stopping:
            raise ValueError("weights and early_stopping do not work with dask arrays: leave them out")

    def _check_stream(self, method: str) -> None:
        """Raise ValueError for settings that need all examples at once."""
        if self.early_stopping:
            raise ValueError(f"{method} holds no examples out: set early_stopping=False")

    @with_callbacks
    def fit_batches(self, batches: Iterable[Any], classes: Any = None) -> Self:
        """Fit to batches (X, y) or (X, y, sample_weight), of which one at a time is in memory, with one update a batch.

        A list or a data loader, which can be iterated again, is used at most `max_iter` times; an iterator is used once. A
        classifier finds its `classes` in the first batch if they are not given. Weights multiply the losses of a batch as they
        are, so their mean should be about 1. The settings `batch_size`, `restarts` and `warm_start` have no effect. Raises
        ValueError for settings that need all examples at once.
        """
        self._check()
        if self.solver not in UPDATES:
            raise ValueError(f"solver={self.solver!r} needs all examples at once: choose one of {', '.join(UPDATES)}")
        self._check_stream("fit_batches")
        new = self._unfitted()
        iterator = iter(batches)
        first = next(iterator, None)
        if first is None:
            raise ValueError("there is no batch: pass an iterable of (X, y) with at least one")
        X, y, *_ = first
        X, y = new._checked(X, y)
        new._data(X, y, None, classes)
        start = self._cast(new._start(X.shape[1], check_random_state(self.random_state)), X)
        again: Iterable[Any] = () if iterator is batches else itertools.repeat(batches, self.max_iter - 1)
        epochs = itertools.chain([itertools.chain([first], iterator)], again)
        watch = Watch(self, lambda training: new.__dict__ | new._learned(training, training.reason), None, None)
        training = Training(new._objective(), None, start, self, watch=watch)
        try:
            training.run(map(new._batches, epochs))
        except KeyboardInterrupt:
            self._take(new, training, training.reason)
            raise
        finally:
            watch.close()
        self._take(new, training, training.reason)
        return self._warned()

    def _unfitted(self) -> Self:
        """A copy with the settings alone."""
        new = object.__new__(type(self))  # `copy.copy` would take much longer
        new.__dict__ = {name: value for name, value in vars(self).items() if name != "_training_data" and not name.endswith("_")}
        return new

    def _checked(self, X: Any, y: Any, reset: bool = True) -> tuple[Any, Any]:
        """X and y as arrays, or X as a sparse `csr_array`; `reset` learns the number and the names of the features."""
        return validation.examples(self, X, y, reset)

    def _data(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Examples:
        """Checked examples as the objective takes them."""
        if is_chunked(y):
            self._check_chunked(sample_weight)
            return Examples(X, mapped_rows(lambda rows: self._targets(rows, X.dtype), y))
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
            if not np.any(weights):
                raise ValueError("every sample_weight is 0: at least one example must count")
        return Examples(X, self._targets(y, X.dtype), weights)

    def _batches(self, batches: Iterable[Any]) -> Iterator[Examples]:
        """The batches of one epoch, each checked when its turn comes."""
        for X, y, *weights in batches:
            yield self._data(*self._checked(X, y, reset=False), *(weights or [None]))

    def _divided(self, data: Examples, y: Any, random: np.random.RandomState) -> tuple[Examples, Examples]:
        """The examples to train on and those held out; of every class the same share."""
        rows = np.arange(len(y)) if data.weights is None else np.flatnonzero(data.weights)
        classes = np.asarray(y)[rows] if hasattr(self, "classes_") else None
        share = self.validation_fraction
        try:
            train, test = train_test_split(rows, test_size=share, stratify=classes, random_state=random)
        except ValueError as error:
            raise ValueError(
                f"early_stopping holds out validation_fraction={share:g} of {counted(len(rows), 'example')}: {error}"
            ) from None
        return data.rows(train), data.rows(test).normalised()

    def _first(self, old: Self, X: Any, random: np.random.RandomState) -> Tree:
        """The parameters that training starts from."""
        start = self._cast(self._start(X.shape[1], random), X)
        if not (self.warm_start and hasattr(old, "parameters_")):
            return start
        shapes = [mapped(np.shape, tree) for tree in (start, old.parameters_)]
        if shapes[0] != shapes[1] or not np.array_equal(getattr(self, "classes_", 0), getattr(old, "classes_", 0)):
            raise ValueError("warm_start=True needs the features and classes of the last fit: set warm_start=False")
        return self._cast(old.parameters_, X)

    @staticmethod
    def _cast(parameters: Tree, X: Any) -> Tree:
        """The parameters in the dtype of X."""
        return mapped(lambda leaf: np.asarray(leaf, X.dtype), parameters)

    def _objective(self) -> Objective:
        outputs = lambda parameters, X: last(self._forward(X, parameters))
        return Objective(outputs, self._loss, self._right, self.l2, self.linear, self._key())

    def _key(self) -> Any:
        """What determines the functions of the objective: the settings of the model. None where they may depend on more."""
        if not type(self).__module__.startswith("models."):
            return None
        own = {field.name for field in fields(self)} - {field.name for field in fields(Settings)} - {"class_weight"}
        return type(self), *(f"{name}={getattr(self, f'{name}_', getattr(self, name))!r}" for name in sorted(own))

    def _loss(self, outputs: Any, y: Any, reduction: str = "mean") -> Any:
        return self.model.loss(outputs, y, reduction)

    def _right(self, outputs: Any, y: Any) -> Any:
        """Which answers are right; regression has none."""
        return None

    def _learned(self, training: Training, reason: str) -> dict[str, Any]:
        """The attributes of the estimator fitted by a training."""
        state, latest = training.state(), training.latest
        assert state is not None
        assert latest is not None
        rows = training.rows[: latest.epoch + 1]
        return {
            "parameters_": state.parameters,
            "n_iter_": latest.epoch,
            "stop_reason_": reason,
            "history_": dict(zip(HistoryRow._fields, map(list, zip(*rows, strict=True)), strict=True)),
            **self._shown(state.parameters),
        }

    def _take(self, new: Self, training: Training | None, reason: str) -> None:
        """Become what training made of `new`, in one assignment, so that no interrupt can leave a mixture."""
        if training is not None and training.latest is not None:
            new.__dict__.update(new._learned(training, reason))
            self.__dict__ = new.__dict__

    def _keep(self, training: Training, data: Examples, size: float) -> None:
        """Remember what statistics of the fit need: the examples, and the sum of their weights."""

    def _warned(self) -> Self:
        norms = self.history_["gradient_norm"]
        stuck = self.stop_reason_.startswith("rounding") and norms[-1] > 1e-3 * norms[0]
        if stuck or self.stop_reason_.startswith(("diverged", "no finite optimum")):
            warnings.warn(f"{type(self).__name__}: {self.stop_reason_}", ConvergenceWarning, stacklevel=4)
        return self

    # Use

    def _outputs(self, X: Any) -> Any:
        """The outputs of the forward pass for examples X of shape (m, n)."""
        check_is_fitted(self)
        return self._outputs_of(validation.features(self, X))

    def _outputs_of(self, X: Any) -> Any:
        """Those of checked examples."""
        return last(self._forward(X, self.parameters_))

    def graph(self, X: Any, y: Any, from_logits: bool = True) -> tg.Graph:
        """The recorded graph of the mean loss of these examples, forward and backward, to draw, step, print and quiz.

        X of shape (m, n) with targets of shape (m,), or one example of shape (n,) with its target. The penalty is left out.
        `from_logits=False` writes the loss of a classifier from its probabilities, as textbooks do; it is infinite where the
        model is sure and wrong.
        """
        check_is_fitted(self)
        single = np.ndim(X) == 1
        if single and hasattr(X, "to_frame"):
            X = X.to_frame().T  # a row of a data frame knows its columns
        if single:
            X, y = X if np.ndim(X) == 2 else as_fitted(self, np.reshape(X, (1, -1))), np.asarray(y)[np.newaxis]
        X, target, _ = self._data(*self._checked(X, y, reset=False), None)
        X, target = tg.constant(X[0] if single else X), tg.constant(target[0] if single else target)
        parameters = mapped(tg.parameter, self.parameters_)
        values = self._forward(X, parameters)
        if from_logits:
            L = self._loss(last(values), target)
        else:
            losses = self._textbook_loss(values, target)
            L = losses if single else np.mean(losses)
        examples = {"x" if single else "X": X, self.target.lower() if single else self.target: target}
        graph = tg.Graph(L, names=examples | _together(parameters, values) | {"L": L})
        graph.backprop()
        return graph

    def save(self, path: Any) -> Any:
        """Write the fitted model to a file of safetensors: its parameters, settings and classes, and no code. Returns the path.

        Raises SavedModelError for a setting that a file cannot hold, such as a function.
        """
        return saving.save(self, path)

    @classmethod
    def load(cls, path: Any) -> Self:
        """The model of a file that `save` wrote; raises SavedModelError for any other file."""
        loaded: Self = saving.load(cls, path)
        return loaded

    def _textbook_loss(self, values: dict[str, Any], y: Any) -> Any:
        raise ValueError(f"{type(self).__name__} has no logits: leave from_logits out")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        state.pop("_training_data", None)
        return state


def _shuffled(data: Examples, size: int, random: np.random.RandomState) -> Iterator[Iterator[Examples]]:
    """Endless passes over the examples, in batches of `size` and each time in another order."""
    m = data.y.shape[0]
    while True:
        order = random.permutation(m)
        yield (data.rows(order[start : start + size]) for start in range(0, m, size))


def _together(parameters: Tree, values: Tree) -> Tree:
    """Parameters and values by name. Those of a layer are in a scope of their own and have its number: W1, b1, Z1, A1."""
    names = parameters | values
    for number, (layer, part) in enumerate(parameters.items(), start=1):
        if isinstance(part, dict):
            names[layer] = {f"{name}{number}": value for name, value in (part | values[layer]).items()}
    return names
