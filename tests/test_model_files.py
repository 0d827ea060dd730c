"""The file of a model is its forward pass: short, and built on what tinygraph and the models beside it offer everyone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import models
import tinygraph as tg

ROOT = Path(models.__file__).parent
FORWARD_PASSES = [
    "linear_regression",
    "logistic_regression",
    "softmax_regression",
    "multilayer_perceptron",
    "mlp_classifier",
    "mlp_regressor",
]


def lines_without_docstrings(path: Path) -> int:
    source = path.read_text()
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return len(source.splitlines()) - len(docstrings)


@pytest.mark.parametrize("name", FORWARD_PASSES)
def test_a_student_reads_it_in_two_minutes(name: str) -> None:
    assert lines_without_docstrings(ROOT / f"{name}.py") <= 60


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=lambda path: path.stem)
def test_only_the_public_interface_is_used(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("tinygraph.")]
        elif isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("tinygraph")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tg":
            assert node.attr in {*tg.__all__, "__version__"}


@pytest.mark.parametrize(
    "name", ["linear_regression", "logistic_regression", "softmax_regression", "mlp_classifier", "mlp_regressor"]
)
def test_running_a_model_warns_of_nothing(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"models.{name}", "--help"], capture_output=True, text=True, cwd=ROOT.parent
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"python -m models.{name}" in ran.stdout


def test_importing_the_package_brings_no_estimator() -> None:
    code = "import sys, models; print([name for name in sys.modules if name.startswith(('models.', 'sklearn', 'tinygraph'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert ran.stdout == "[]\n"


def test_an_unknown_name_is_answered_with_the_estimators() -> None:
    with pytest.raises(AttributeError, match="its estimators are LinearRegression, LogisticRegression"):
        models.Perceptron  # noqa: B018  # looking it up is what is tested
