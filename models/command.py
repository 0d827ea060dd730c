"""The command line of the models: it reads the options, trains, reports, and writes pictures, pages and the saved model.

`python -m models.logistic_regression --data churn.csv --target churned --out report` fits the model to your own table.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from sklearn.base import ClassifierMixin
from tqdm import tqdm

import tinygraph as tg
from models.data import NAMED, Data, Kind, load
from models.multilayer_perceptron import ACTIVATIONS
from models.report import describe, describe_coefficients, describe_scores, describe_walk, example, write
from models.settings import VALUES
from models.solvers import SOLVERS, UPDATES
from models.trial import fitted_trial, parts

MOST_UNITS = 4096  # of a layer: the plots ask the network at 40,000 points at once


class Model(NamedTuple):
    """An entry for one estimator: its module, its default data set, its default options."""

    module: str
    data: str
    defaults: dict[str, Any] = {}
    most_classes: int | None = None


MODELS = {
    "LinearRegression": Model("linear_regression", "diabetes"),
    "LogisticRegression": Model("logistic_regression", "breast_cancer", {"l2": 1e-3}, most_classes=2),
    "MLPClassifier": Model("mlp_classifier", "moons", {"l2": 1e-3}),
    "MLPRegressor": Model("mlp_regressor", "diabetes", {"l2": 0.1}),
    "SoftmaxRegression": Model("softmax_regression", "digits", {"l2": 1e-3}),
}


class Parser(argparse.ArgumentParser):
    """A parser that prints an error in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and the message."""
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def arguments(name: str, argv: Sequence[str] | None) -> tuple[Parser, argparse.Namespace]:
    """The parsed options, and the parser, which prints errors."""
    model = MODELS[name]
    defaults = estimator(name)().get_params() | model.defaults
    parser = Parser(
        prog=f"python -m models.{model.module}",
        description=import_module(f"models.{model.module}").__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    rates = ", ".join(f"{solver} (default: {update.usual_rate})" for solver, update in UPDATES.items())
    add("--data", default=model.data, metavar="NAME_OR_FILE", help=f"{', '.join(NAMED)}, or a CSV file (default: %(default)s)")
    add("--target", metavar="COLUMN", help="the column of the CSV file that is to be predicted")
    add("--solver", choices=SOLVERS, help=f"how the parameters move (default: {defaults['solver']})")
    add("--learning-rate", type=float, help=f"size of a step of {rates}")
    add("--l2", type=float, default=defaults["l2"], help="strength of the penalty on squared weights (default: %(default)s)")
    add("--max-iter", type=int, default=defaults["max_iter"], help="epochs at most (default: %(default)s)")
    add("--tol", type=float, default=defaults["tol"], help="largest gradient entry at which to stop (default: %(default)s)")
    add("--early-stopping", action="store_true", help="hold out examples, and stop when their loss rises")
    if "hidden_layer_sizes" in defaults:
        hidden = defaults["hidden_layer_sizes"]
        units = f"units of each hidden layer (default: {' '.join(map(str, hidden))})"
        add("--hidden", type=int, nargs="+", default=hidden, metavar="UNITS", help=units)
        add("--activation", choices=list(ACTIVATIONS), default=defaults["activation"], help="(default: %(default)s)")
    add("--seed", type=int, default=0, help="of splits and initial weights (default: %(default)s)")
    add("--splits", type=int, default=10, help="random splits to average over (default: %(default)s)")
    add("--out", type=Path, default=Path("out"), metavar="DIR", help="folder for what is written (default: %(default)s)")
    options = parser.parse_args(argv)
    _check_numbers(parser, options)
    _choose_solver(parser, options, defaults)
    return parser, options


def _check_numbers(parser: Parser, options: argparse.Namespace) -> None:
    for name in ("learning_rate", "l2", "max_iter", "tol", "splits"):
        value = getattr(options, name)
        fits, wanted = VALUES["max_iter" if name == "splits" else name]
        if not fits(value):
            parser.error(f"--{name.replace('_', '-')} {value} must be {wanted.removesuffix(', or None')}")
    if not 0 <= options.seed < 2**32 - options.splits:
        parser.error(f"--seed {options.seed} must be at least 0 and below 2**32 - {options.splits}")
    if not all(1 <= units <= MOST_UNITS for units in getattr(options, "hidden", [1])):
        parser.error(f"--hidden {' '.join(map(str, options.hidden))}: a layer has 1 to {MOST_UNITS} units here")


def _choose_solver(parser: Parser, options: argparse.Namespace, defaults: dict[str, Any]) -> None:
    """Choose gradient descent if only a learning rate was given; the other solvers have none."""
    if options.learning_rate is not None and options.solver in set(SOLVERS) - set(UPDATES):
        parser.error(
            f"--learning-rate is for --solver {', '.join(UPDATES)}; {options.solver} finds the size of its steps: leave one out"
        )
    if options.solver is None:
        options.solver = defaults["solver"] if options.learning_rate is None else "gd"


def estimator(name: str) -> Any:
    """The class of that name."""
    return getattr(import_module("models"), name)


def made(name: str, options: argparse.Namespace, seed: int, verbose: bool = False) -> Any:
    """The estimator with the options of the command line."""
    names = ("solver", "learning_rate", "l2", "max_iter", "tol", "early_stopping", "activation")
    chosen = {option: getattr(options, option) for option in names if hasattr(options, option)}
    if hasattr(options, "hidden"):
        chosen["hidden_layer_sizes"] = tuple(options.hidden)
    return estimator(name)(**chosen, random_state=seed, verbose=verbose)


def data_of(name: str, options: argparse.Namespace) -> Data:
    """The data that the options name; raises DataError if the model cannot learn them."""
    kind: Kind = "classification" if issubclass(estimator(name), ClassifierMixin) else "regression"
    return load(options.data, options.target, kind, MODELS[name].most_classes)


def main(model: str | type[Any], argv: Sequence[str] | None = None) -> None:
    """Run the command line of an estimator; if an option is wrong, print one line and exit with code 2."""
    name = model if isinstance(model, str) else model.__name__
    parser, options = arguments(name, argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not have every letter
    try:
        run(name, parser, options)
        sys.stdout.flush()
    except ValueError as error:  # data or options that the model cannot take
        parser.error(" ".join(str(error).split()))
    except MemoryError as error:
        parser.error(f"there is not enough memory: {error}")
    except KeyboardInterrupt:
        parser.exit(130, "\ninterrupted\n")
    except BrokenPipeError:  # whoever read the report has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(name: str, parser: Parser, options: argparse.Namespace) -> None:
    """Train, report and write."""
    data = data_of(name, options)
    train, test = next(parts(data, 1, options.seed))
    _make_folder(parser, options.out)
    _check_layout(parser)
    trial = fitted_trial(made(name, options, options.seed, verbose=True), data, train, test)
    if trial.model.stop_reason_.startswith("diverged"):
        parser.error(trial.model.stop_reason_)
    print(describe(trial))
    print(describe_scores(trial, scores(name, options, data)))
    if hasattr(trial.model, "summary"):
        print(f"\n{describe_coefficients(trial)}")
    one = example(trial)
    if tg.find_nonfinite(one) is not None:
        parser.error("the model is so sure of each test example that a logarithm is infinite: add --l2 1e-3")
    print(f"\n{describe_walk(trial, one)}")
    try:
        files = list(write(trial, one, options.out))
    except OSError as error:
        parser.error(f"--out {options.out}: {error.strerror}")
    print(f"\nwritten: {', '.join(map(str, files))}")


def _make_folder(parser: Parser, folder: Path) -> None:
    """Make the folder, and check that files can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        parser.error(f"--out {folder}: {error.strerror}")


def _check_layout(parser: Parser) -> None:
    """Draw a small graph before the training: without Graphviz no picture could be written after it."""
    try:
        tg.Graph(tg.constant(0.0)).draw().svg  # noqa: B018  (the property does the work)
    except RuntimeError as error:  # the base of tinygraph's LayoutError, which is not public
        parser.exit(2, f"{parser.prog}: {' '.join(str(error).split())}\n")


def scores(name: str, options: argparse.Namespace, data: Data) -> list[float]:
    """The test score of each split, from a fit with a seed of its own."""
    splits = tqdm(parts(data, options.splits, options.seed), desc="splits", total=options.splits, leave=False)
    return [fitted_trial(made(name, options, options.seed + i), data, *split).score(split[1]) for i, split in enumerate(splits)]
