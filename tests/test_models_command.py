"""The command line of the models: what it reports and writes, and one line about each wrong option."""

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from models import command, saving
from models.command import MODELS, main
from models.data import load

QUICK = ["--splits", "2"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command in a folder of its own; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *argv: str) -> tuple[Any, str, str]:
        code = None
        try:
            main(name, argv)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def report_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes no files, which takes longer than the rest."""
    monkeypatch.setattr(command, "write", lambda *_: [])


CHURN = "age,calls,churned\n" + "".join(
    f"{30 + i},{(i * 7) % 11},{'yes' if (i * 7) % 11 > 5 + i % 3 else 'no'}\n" for i in range(60)
)


# What is reported and written

PLOTS = {
    "LinearRegression": {"loss", "network"},
    "LogisticRegression": {"loss", "network", "probability"},
    "MLPClassifier": {"loss", "network", "boundary"},
    "MLPRegressor": {"loss", "network"},
    "SoftmaxRegression": {"loss", "network", "weights"},
}


@pytest.mark.parametrize("name", MODELS)
def test_each_model_trains_on_its_own_data_reports_and_writes(name: str, run: Any, tmp_path: Path) -> None:
    code, out, err = run(name, *QUICK, "--out", "new/folder")
    assert code is None
    data = load(MODELS[name].data)
    score = "R²" if data.kind == "regression" else "accuracy"
    test = -(-len(data.y) // 4)
    for line in (
        rf"^{data.title}: {len(data.y) - test} training and {test} test examples, {len(data.names)} features, standardised.*$",
        r"^lbfgs stopped after \d+ epochs: [a-z-]+.*$",
        rf"^training: loss \d+\.\d+, {score} \d\.\d+$",
        rf"^    test: loss \d+\.\d+, {score} \d\.\d+$",
        rf"^test {score} over 2 .* splits: mean \d\.\d+, lowest \d\.\d+$",
    ):
        assert re.search(line, out, re.M), line
    assert re.search(r"lbfgs: .*epoch/s, loss=", err)
    assert "splits: " in err
    written = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    pictures = {f"{plot}.png" for plot in PLOTS[name]}
    assert written == {"model.svg", "example.svg", "example.html", "walk.html", "model.safetensors"} | pictures
    assert all(str(Path("new/folder") / file) in out.splitlines()[-1] for file in written)

    model = saving.load(getattr(models, name), "new/folder/model.safetensors")  # which takes the columns as they are
    assert list(model.feature_names_in_) == data.names
    assert model.score(data.X, data.y) > (0.4 if data.kind == "regression" else 0.95)


def test_a_table_of_ones_own(run: Any, tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_text(CHURN)
    code, out, _ = run("LogisticRegression", "--data", "churn.csv", "--target", "churned", *QUICK)
    assert code is None
    assert "churn.csv: 45 training and 15 test examples, 2 features, standardised" in out
    model = saving.load(models.LogisticRegression, "out/model.safetensors")
    assert model.classes_.tolist() == ["no", "yes"]
    assert (tmp_path / "out" / "boundary.png").exists()


HOSTILE = {
    "constant columns": ("a,b,y\n" + "1,2,0\n1,2,1\n" * 8, []),
    "early stopping with a handful": ("a,b,y\n" + "".join(f"{i},{-i},{i % 2}\n" for i in range(12)), ["--early-stopping"]),
    "separable without a penalty": ("a,y\n" + "".join(f"{i},{int(i > 9)}\n" for i in range(20)), ["--l2", "0"]),
    "columns called like formulas": ("$x_1$,<b>,y\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(20)), []),
    "huge and tiny numbers": ("a,b,y\n" + "".join(f"{i}e300,{i}e-300,{i % 2}\n" for i in range(20)), []),
    "words that look alike": ("a,y\n" + "".join(f"{i},{'$no$' if i % 2 else '<no>'}\n" for i in range(20)), []),
    "a class of two": ("a,y\n" + "".join(f"{i},{int(i > 17)}\n" for i in range(20)), []),
}


@pytest.mark.parametrize(("text", "typed"), HOSTILE.values(), ids=HOSTILE)
def test_odd_tables_end_in_a_report_or_in_one_line(text: str, typed: list[str], run: Any, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text(text)
    code, out, err = run("LogisticRegression", "--data", "odd.csv", "--target", "y", "--max-iter", "20", *QUICK, *typed)
    if code is None:
        assert "written: " in out
    else:
        assert code == 2
        assert err.splitlines()[-1].startswith("python -m models.")


@pytest.mark.usefixtures("report_only")
def test_the_same_seed_gives_the_same_report(run: Any) -> None:
    outs = [run("MLPClassifier", "--data", "spector", *QUICK, "--seed", seed, "--max-iter", "5")[1] for seed in ("3", "3", "4")]
    assert outs[0] == outs[1] != outs[2]


@pytest.mark.usefixtures("report_only")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LinearRegression", "a,b,y\n" + "".join(f"{i},{2 * i},{i % 7}\n" for i in range(30))),
        ("LogisticRegression", "a,b,y\n" + "".join(f"{i},{2 * i},{i % 2}\n" for i in range(30))),
        ("LinearRegression", "a,b,y\n" + "".join(f"{i},5,{i % 7}\n" for i in range(30))),
    ],
    ids=["twice the same column", "twice the same column, classes", "a constant column"],
)
def test_where_there_are_no_standard_errors_the_report_says_why_and_goes_on(
    name: str, text: str, run: Any, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    code, out, _ = run(name, "--data", "t.csv", "--target", "y", "--l2", "0", *QUICK)
    assert code is None
    assert re.search(r"^coefficients of the standardised features.* have no standard errors: ", out, re.M)
    assert "written: " in out


@pytest.mark.usefixtures("report_only")
def test_xor_trains_and_tests_on_its_four_points(run: Any) -> None:
    out = run("LogisticRegression", "--data", "xor", *QUICK)[1]
    assert "xor: 4 examples, all of which are used both to train and to test, 2 features" in out
    assert float(re.search(r"over 2 seeds: mean (\d\.\d+)", out)[1]) <= 0.75  # type: ignore[index]


@pytest.mark.parametrize("solver", ["gd", "momentum", "adam", "cg", "newton-cg", "newton", "auto"])
@pytest.mark.usefixtures("report_only")
def test_other_solvers(solver: str, run: Any) -> None:
    code, out, _ = run("LogisticRegression", "--data", "spector", "--solver", solver, "--splits", "1", "--max-iter", "5")
    assert code is None
    assert f"{solver} stopped after " in out


@pytest.mark.usefixtures("report_only")
def test_a_learning_rate_alone_asks_for_gradient_descent(run: Any) -> None:
    out = run("LogisticRegression", "--learning-rate", "0.1", "--max-iter", "3", "--splits", "1")[1]
    assert "gd stopped after 3 epochs: epochs: " in out


def test_layers_and_activation_of_a_network(run: Any) -> None:
    code, _, _ = run("MLPClassifier", "--hidden", "3", "2", "--activation", "relu", "--splits", "1", "--max-iter", "5")
    assert code is None
    model = saving.load(models.MLPClassifier, "out/model.safetensors")
    assert (model.hidden_layer_sizes, model.activation) == ((3, 2), "relu")
    assert model.parameters_["layer2"]["W"].shape == (3, 2)


# Wrong options

WRONG = {
    "unknown data": (["--data", "brest_cancer"], "no data set or file 'brest_cancer': did you mean 'breast_cancer'"),
    "no such file": (["--data", "nowhere.csv", "--target", "y"], "nowhere.csv: no such file"),
    "a folder": (["--data", ".", "--target", "y"], ". is a folder"),
    "a name too long for a file": (["--data", "a" * 5000], "no data set or file 'aaa"),
    "a file name too long": (["--data", "a" * 5000 + ".csv", "--target", "y"], "aaa"),
    "no target": (["--data", "churn.csv"], "churn.csv: name the target, the column to be predicted: there are 'age', 'calls'"),
    "another target": (["--data", "churn.csv", "--target", "Churn"], "churn.csv: no column 'Churn': did you mean 'churned'"),
    "a target of a named data set": (["--target", "y"], "the data set breast_cancer has its own target: leave out"),
    "amounts": (["--data", "diabetes"], "diabetes holds amounts for a regression, and this model needs classes"),
    "three classes": (["--data", "iris"], "iris has 3 classes, and this model takes 2"),
    "a small class": (["--data", "small.csv", "--target", "y"], "small.csv: class 1 has one example"),
    "few examples": (["--data", "few.csv", "--target", "y"], "few.csv has 4 examples, and 2 classes need at least 8"),
    "unknown solver": (["--solver", "sgd"], "argument --solver: invalid choice: 'sgd'"),
    "unknown option": (["--hidden", "3"], "unrecognized arguments: --hidden 3"),
    "half an option": (["--learn", "3"], "unrecognized arguments: --learn 3"),
    "words for a number": (["--l2", "much"], "argument --l2: invalid float value: 'much'"),
    "learning rate 0": (["--learning-rate", "0"], "--learning-rate 0.0 must be a finite number above 0"),
    "negative learning rate": (["--learning-rate", "-1"], "--learning-rate -1.0 must be a finite number above 0"),
    "learning rate NaN": (["--learning-rate", "nan"], "--learning-rate nan must be a finite number above 0"),
    "infinite learning rate": (["--learning-rate", "inf"], "--learning-rate inf must be a finite number above 0"),
    "absurd learning rate": (["--learning-rate", "1e9"], "diverged: "),
    "a learning rate that overflows": (["--learning-rate", "1e308"], "diverged: "),
    "a learning rate without use": (["--learning-rate", "0.1", "--solver", "lbfgs"], "--learning-rate is for --solver gd"),
    "no splits": (["--splits", "0"], "--splits 0 must be a whole number above 0"),
    "no epochs": (["--max-iter", "0"], "--max-iter 0 must be a whole number above 0"),
    "negative tolerance": (["--tol", "-1"], "--tol -1.0 must be a finite number of at least 0"),
    "negative penalty": (["--l2", "-1"], "--l2 -1.0 must be a finite number of at least 0"),
    "negative seed": (["--seed", "-1"], "--seed -1 must be at least 0"),
    "a seed too large": (["--seed", "4294967296"], "--seed 4294967296 must be at least 0 and below 2**32"),
    "a file for a folder": (["--out", "churn.csv"], "--out churn.csv: File exists"),
    "a folder in a file": (["--out", "churn.csv/out"], "--out churn.csv/out: Not a directory"),
}


@pytest.mark.parametrize(("typed", "said"), WRONG.values(), ids=WRONG)
def test_one_line_about_a_wrong_option(typed: list[str], said: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_text(CHURN)
    (tmp_path / "few.csv").write_text("x,y\n1,0\n2,0\n3,1\n4,1\n")
    (tmp_path / "small.csv").write_text("x,y\n" + "1,0\n" * 20 + "2,1\n")
    code, out, err = run("LogisticRegression", *QUICK, *typed)
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if "python -m" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"python -m models.logistic_regression: {said}")
    assert err.endswith(f"{lines[0]}\n")


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("LinearRegression", ["--data", "iris"], "iris holds classes for a classifier, and this model needs amounts"),
        ("MLPRegressor", ["--data", "words.csv", "--target", "y"], "words.csv: the target 'y' holds 'no' in line 2"),
        ("MLPClassifier", ["--hidden", "0"], "--hidden 0: a layer has 1 to 4096 units here"),
        ("MLPClassifier", ["--hidden", "4097"], "--hidden 4097: a layer has 1 to 4096 units here"),
        ("MLPClassifier", ["--hidden"], "argument --hidden: expected at least one argument"),
        ("MLPClassifier", ["--activation", "gelu"], "argument --activation: invalid choice: 'gelu'"),
        ("SoftmaxRegression", ["--data", "fractions.csv", "--target", "y"], "fractions.csv: the target 'y' holds 0.5 in line 2"),
    ],
)
def test_one_line_about_options_of_other_models(name: str, typed: list[str], said: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("x,y\n1,no\n2,yes\n")
    (tmp_path / "fractions.csv").write_text("x,y\n1,0.5\n2,0.25\n")
    code, out, err = run(name, *typed)
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if "python -m" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"python -m models.{MODELS[name].module}: {said}")
    assert err.endswith(f"{lines[0]}\n")


def test_faces_without_scikit_image(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, _, err = run("LogisticRegression", "--data", "faces")
    assert (code, err.count("\n")) == (2, 1)
    assert "pip install scikit-image" in err


def test_without_a_layout_engine_there_is_one_line_before_the_training(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", "/nowhere/dot")
    code, out, err = run("LogisticRegression", "--data", "xor", *QUICK)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("python -m models.logistic_regression: TINYGRAPH_DOT='/nowhere/dot' is no program")


def test_a_folder_that_may_not_be_written_to(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    code, _, err = run("LogisticRegression", "--out", "closed")
    assert (code, err.count("\n")) == (2, 1)
    assert "--out closed: Permission denied" in err


def test_an_interrupt_is_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "fitted_trial", interrupted)
    assert run("LogisticRegression") == (130, "", "\ninterrupted\n")


def test_a_full_disk_is_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write", full)
    code, _, err = run("LogisticRegression", "--data", "spector", "--splits", "1")
    assert code == 2
    assert err.endswith("--out out: No space left on device (--help lists the options)\n")


def test_in_a_pipe_that_closes_there_is_no_traceback_and_no_warning(tmp_path: Path) -> None:
    typed = f"{sys.executable} -W error -m models.logistic_regression --data spector --splits 1 --out {tmp_path} | head -1"
    done = subprocess.run(typed, shell=True, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parent.parent)
    assert done.stdout == "spector: 24 training and 8 test examples, 3 features, standardised\n"
    assert "Error" not in done.stderr
    assert "Warning" not in done.stderr


def test_help_lists_the_options_that_the_model_has(run: Any) -> None:
    code, out, _ = run("LogisticRegression", "--help")
    assert code == 0
    assert "--learning-rate" in out
    assert "--hidden" not in out
    assert "--hidden" in run("MLPRegressor", "--help")[1]


@pytest.mark.usefixtures("report_only")
def test_an_example_is_walked_forward_and_backward(run: Any) -> None:
    out = run("LogisticRegression", *QUICK)[1]
    label = r"of class (benign|malignant)"
    assert re.search(rf"^the least certain test example, {label}, forward and backward through the graph:$", out, re.M)
    assert re.search(r"dw = dz \* x +=.*\[\d+\], the largest of 30: [a-z ]+$", out, re.M)
    values = {name: float(value) for name, value in re.findall(r"^  (\w+) = .* = +(-?\d+\.\d+)", out, re.M)}
    assert values["a"] == pytest.approx(1 / (1 + np.exp(-values["z"])), abs=1e-5)
    assert values["da"] * values["a"] * (1 - values["a"]) == pytest.approx(values["dz"], abs=1e-4)
