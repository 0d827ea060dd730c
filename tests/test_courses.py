"""The example assignment: graders give its solution full marks, and a wrong submission fewer, with the slip in the feedback."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

COURSES = Path(__file__).parents[1] / "docs" / "courses"
NBGRADER = COURSES / "nbgrader" / "source" / "logistic" / "logistic.ipynb"
OTTER = COURSES / "otter" / "logistic.ipynb"
SLIPS = {"(a - y) / len(y)": "a - y", "np.sum(dz)": "-np.sum(dz)"}  # made in the wrong submission: 3 of 5 points
DIAGNOSES = ["It is 6 times too large: is a division by len(y) missing?", "db  The sign is wrong"]


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def sources(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == kind]


def submitted(solution: Path, to: Path, slips: dict[str, str]) -> Path:
    text = solution.read_text(encoding="utf-8")
    for right, wrong in slips.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
    return to


def run(folder: Path, *command: str) -> str:
    """Run a grader as a teacher does, with tinygraph of this tree and no settings of this user."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader calls alembic by its name
    here = {"HOME": str(folder), "PATH": path, "PYTHONPATH": str(COURSES.parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env={**os.environ, **here}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needs(module: str) -> Any:
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


@needs("nbgrader")
def test_nbgrader_gives_the_solution_full_marks_and_a_wrong_one_its_diagnosis(tmp_path: Path) -> None:
    shutil.copytree(COURSES / "nbgrader", tmp_path, dirs_exist_ok=True)
    run(tmp_path, "nbgrader", "generate_assignment", "logistic")
    release = tmp_path / "release" / "logistic" / "logistic.ipynb"
    released = release.read_text(encoding="utf-8")
    assert "NotImplementedError" in released
    assert not any(right in released for right in SLIPS)
    assert "range(3)" not in released  # the hidden tests
    for student, solution, slips in (("right", NBGRADER, {}), ("wrong", NBGRADER, SLIPS), ("none", release, {})):
        submitted(solution, tmp_path / "submitted" / student / "logistic" / "logistic.ipynb", slips)
    run(tmp_path, "nbgrader", "autograde", "logistic")
    run(tmp_path, "nbgrader", "generate_feedback", "logistic")
    run(tmp_path, "nbgrader", "export")
    with (tmp_path / "grades.csv").open() as file:
        points = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert points == {"right": 5.0, "wrong": 2.0, "none": 0.0}
    feedback = {
        student: unescape(re.sub("<[^>]*>", "", path.read_text(encoding="utf-8")))
        for student in points
        for path in (tmp_path / "feedback" / student / "logistic").glob("*.html")
    }
    for diagnosis in DIAGNOSES:
        assert diagnosis in feedback["wrong"]
        assert diagnosis not in feedback["right"]
    assert "dz  not judged: dz raises NotImplementedError" in feedback["none"]


@needs("otter")
def test_otter_gives_the_solution_full_marks_and_a_wrong_one_its_diagnosis(tmp_path: Path) -> None:
    shutil.copy(OTTER, tmp_path)
    run(tmp_path, "otter", "assign", OTTER.name, "dist", "--no-pdfs", "--no-run-tests")
    released = (tmp_path / "dist" / "student" / OTTER.name).read_text(encoding="utf-8")
    assert 'grader.check(\\"dz\\")' in released
    assert not any(right in released for right in SLIPS)
    (grader,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    solution = tmp_path / "dist" / "autograder" / OTTER.name
    found = {}
    for student, slips in {"right": {}, "wrong": SLIPS}.items():
        notebook = submitted(solution, tmp_path / f"{student}.ipynb", slips)
        (tmp_path / student).mkdir()
        run(tmp_path, "otter", "run", "--no-logo", "-a", str(grader), "-o", student, str(notebook))
        found[student] = json.loads((tmp_path / student / "results.json").read_text(encoding="utf-8"))["tests"]
    points = {student: sum(test.get("score", 0) for test in tests) for student, tests in found.items()}
    assert points == {"right": 5.0, "wrong": 2.0}
    feedback = {student: "\n".join(test["output"] for test in tests) for student, tests in found.items()}
    for diagnosis in DIAGNOSES:
        assert diagnosis in feedback["wrong"]
        assert diagnosis not in feedback["right"]


class TestNotebooks:
    def test_both_ask_the_same(self) -> None:
        assert sources(NBGRADER, "markdown") == sources(OTTER, "markdown")
        solutions = [
            [re.sub(r"\n *#+ (BEGIN|END) SOLUTION", "", text) for text in sources(path, "code") if text.startswith("def d")]
            for path in (NBGRADER, OTTER)
        ]
        assert len(solutions[0]) == 3
        assert solutions[0] == solutions[1]

    @pytest.mark.parametrize("path", [NBGRADER, OTTER], ids=["nbgrader", "otter"])
    def test_they_are_kept_without_outputs(self, path: Path) -> None:
        assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells(path))

    def test_the_folder_has_nothing_that_is_made(self) -> None:
        kept = {path.relative_to(COURSES).as_posix() for path in COURSES.rglob("*") if path.is_file()}
        assert kept == {"nbgrader/nbgrader_config.py", "nbgrader/source/logistic/logistic.ipynb", "otter/logistic.ipynb"}

    def test_the_cells_run_in_order(self) -> None:
        names: dict[str, Any] = {}
        for source in sources(NBGRADER, "code"):
            exec(source, names)
        assert names["db"](names["np"].ones(2)) == 2
