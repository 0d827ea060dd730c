"""The report that the command line prints about a trial, and the files that it writes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import tinygraph as tg
from models.saving import save
from models.trial import Trial
from models.words import counted


def describe(trial: Trial) -> str:
    """The data, why training stopped, and loss and score of both parts."""
    data, model = trial.data, trial.model
    rows = f"{len(trial.train)} training and {counted(len(trial.test), 'test example')}"
    if data.whole:
        rows = f"{len(data.y)} examples, all of which are used both to train and to test"
    target = " as is the target; loss and R² are in its own units" if data.kind == "regression" else ""
    lines = [
        f"{data.title}: {rows}, {counted(len(data.names), 'feature')}, standardised{target}",
        f"{model.solver} stopped after {counted(model.n_iter_, 'epoch')}: {model.stop_reason_}",
    ]
    for name, part in (("training", trial.train), ("test", trial.test)):
        lines.append(f"{name:>8}: loss {trial.loss(part):.4f}, {_score(trial)} {trial.score(part):.4f}")
    return "\n".join(lines)


def describe_scores(trial: Trial, scores: Sequence[float]) -> str:
    """The mean and the lowest score of all splits."""
    if trial.data.whole:
        over = counted(len(scores), "seed")
    else:
        over = counted(len(scores), f"{'random' if trial.data.kind == 'regression' else 'stratified'} split")
    return f"test {_score(trial)} over {over}: mean {np.mean(scores):.4f}, lowest {np.min(scores):.4f}"


def _score(trial: Trial) -> str:
    return "R²" if trial.data.kind == "regression" else "accuracy"


def describe_coefficients(trial: Trial) -> str:
    """The table of coefficients of a linear model, or its rows of largest z where it is long, or why there is none."""
    title = "coefficients of the standardised features"
    if trial.data.kind == "regression":
        title = f"{title}, for the standardised target"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the report says why training stopped
            table = trial.model.summary()
    except ValueError as error:
        return f"{title} have no standard errors: {error}"
    if len(table) > MOST_ROWS:
        title = f"{title}, the {MOST_ROWS} of {len(table)} with the largest z"
        table = table.loc[table["z"].abs().sort_values(ascending=False).index[:MOST_ROWS]]
    return f"{title}:\n{table.to_string(float_format='{:.3f}'.format)}"


MOST_ROWS = 40


# One example


def example(trial: Trial) -> tg.Graph:
    """The graph of the hardest test example, forward and backward, with the loss as textbooks write it."""
    X, y = trial.standardised(np.array([trial.hardest()]))
    textbook = {} if trial.data.kind == "regression" else {"from_logits": False}
    with np.errstate(all="ignore"):
        graph: tg.Graph = trial.model.graph(X.to_numpy()[0], y[0], **textbook)
    return graph


def describe_walk(trial: Trial, graph: tg.Graph) -> str:
    """The example as text: every statement with its value, and of an array the largest entry."""
    regression = trial.data.kind == "regression"
    features, label = trial.data.names, trial.data.y[trial.hardest()]
    which = "the test example of the largest error" if regression else f"the least certain test example, of class {label}"
    notes = {"z": "the prediction, for the standardised target", "L": "the loss"}
    if not regression:
        notes = {
            "z": "the logit",
            "a": f"the probability of class {trial.model.classes_[-1]}",
            "L": "the loss",
            "dz": "which is a - y",
        }
    rows = []
    for statement in graph.statements():
        value, note = statement.value, notes.get(statement.name, "")
        if statement.shape:
            where = np.unravel_index(np.argmax(np.abs(value)), statement.shape)
            value = value[where]
            named = f": {features[where[0]]}" if statement.name == "dw" else ""
            note = f"[{', '.join(map(str, where))}], the largest of {np.prod(statement.shape)}{named}"
        rows.append((f"{statement.name} = {statement.right}", value, note))
    width = max(len(left) for left, _, _ in rows)
    lines = [f"  {left:<{width}} = {value:>11.6f}   {note}".rstrip() for left, value, note in rows]
    return "\n".join([f"{which}, forward and backward through the graph:", *lines])


# Files


def write(trial: Trial, one: tg.Graph, out: Path) -> Iterator[Path]:
    """Write the graph of a training step, the example and its walk, the plots and the model; gives each path."""
    yield save(trial.raw, out / "model.safetensors")
    yield trial.model.graph(*trial.standardised(trial.train)).draw().save(out / "model.svg")
    yield one.draw().save(out / "example.svg")
    yield one.view().save(out / "example.html")
    yield one.stepper().save(out / "walk.html")
    for name, axes in plots_of(trial):
        yield _saved(axes, out / f"{name}.png")


def plots_of(trial: Trial) -> Iterator[tuple[str, Any]]:
    """The plots that this model and these data have, each with a name."""
    import matplotlib

    from models import plots

    matplotlib.use("agg")  # into files, without a window
    data = trial.data
    yield "loss", plots.loss_curves(trial.model)
    yield "network", plots.draw_network(trial.model)
    if data.kind == "classification" and len(data.names) == 2:
        yield "boundary", plots.decision_boundary(trial.raw, data.X, data.y)
    weights = getattr(trial.model, "coef_", np.zeros((0, 0)))
    if data.kind == "classification" and len(weights) == 1 and weights.any():
        yield "probability", plots.probability_by_distance(trial.model, *trial.standardised(np.arange(len(data.y))))
    if data.image is not None:
        yield "weights", plots.weights_as_images(trial.model, data.image)


def _saved(axes: Any, path: Path) -> Path:
    """Write the figure of the Axes, and close it."""
    from matplotlib import pyplot

    figure = np.ravel(axes)[0].figure
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of letters that the font lacks, and of text without room
        figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
    return path
