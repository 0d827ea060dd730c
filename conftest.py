"""How the tests run: on all cores, quickly by `-m quick`, and without skips where everything is installed."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the tests use all cores already; NumPy reads it when it is imported

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

collect_ignore = [] if find_spec("dask") else ["tinygraph/bridges/dask.py"]  # its example needs the extra
TESTS = Path(__file__).parent / "tests"

# A test is quick unless its file is listed here: one that takes more than about three seconds by itself on one core.
SLOW = {
    "test_accuracy", "test_against_torch", "test_animation", "test_benchmarks", "test_calculus", "test_cheatsheet",
    "test_compile", "test_compile_lines", "test_compile_random", "test_contract", "test_courses", "test_curves", "test_dask",
    "test_decisions", "test_drawn", "test_engines", "test_entries", "test_estimators", "test_explained", "test_explanation",
    "test_export", "test_flags", "test_flow", "test_folding", "test_form", "test_formula", "test_formulas", "test_fuzz",
    "test_groups", "test_hostile_names", "test_interpreter", "test_jax_mesh", "test_latex", "test_live", "test_mathml",
    "test_model_files", "test_models_command", "test_network_drawing", "test_notation", "test_notebooks", "test_onnx",
    "test_other_sizes", "test_page_foldings", "test_page_looks", "test_page_plots", "test_page_tools", "test_paths",
    "test_picture", "test_pictures", "test_planted_slips", "test_plots", "test_rewrites", "test_rooms", "test_saving",
    "test_scale", "test_sheet", "test_site", "test_source", "test_sparse", "test_stepper", "test_stepper_page", "test_tall",
    "test_trainer", "test_verdicts", "test_view", "test_wheel", "test_widget", "test_working",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _names_in_docstrings(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace.update(np=np, tg=tg)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run files that are named on the command line in this process, which starts at once; everything else on all cores."""
    paths = [Path(argument.partition("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in paths) else None


def is_quick(path: Path) -> bool:
    """Whether the tests of a file are quick."""
    return not (path.parent == TESTS and path.stem in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read the slow files where the quick tests are asked for."""
    return True if config.option.markexpr == "quick" and not is_quick(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of quick files."""
    for item in items:
        if is_quick(item.path):
            item.add_marker("quick")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Under TINYGRAPH_NO_SKIPS a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("TINYGRAPH_NO_SKIPS"):
        report.outcome = "failed"
    return report
