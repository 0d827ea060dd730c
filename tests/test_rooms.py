"""A room can be taken out of the package; what is left imports, records, differentiates and passes its own tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each room with a call that needs it, and tests that need neither it nor what was taken away before it.
ROOMS = {
    "stepping": ("graph.stepper()", ["test_size", "test_lens"]),
    "explaining": ("tg.explain(np.tanh)", ["test_size"]),
    "draw": ("graph.view()", ["test_graph", "test_plain"]),
    "referee": ("graph.compare(dw=6.0)", ["test_graph", "test_plain"]),
    "bridges": ("graph.compile(backend='jax')", ["test_axes"]),
    "compiler": ("graph.compile()", ["test_axes"]),
    "express": ("graph.source()", ["test_axes", "test_provenance", "test_value"]),
    "program": ("graph.statements()", ["test_node", "test_check", "test_elementary", "test_tree"]),
}
IMPORT_ALL = """
import pkgutil, tinygraph
for module in pkgutil.walk_packages(tinygraph.__path__, "tinygraph."):
    if module.name != "tinygraph.__main__":
        __import__(module.name)
"""
SHOW = (
    "import numpy as np, tinygraph as tg; w = tg.parameter(3.0); "
    "graph = tg.Graph(w * w); assert graph.backprop()['w'].value == 6; {}"
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    for name in ("tinygraph", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "peers"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.parametrize("room", ROOMS)
def test_the_rest_works_without_a_room_and_those_that_build_on_it(copy: Path, room: str) -> None:
    call, tests = ROOMS[room]
    for gone in list(ROOMS)[: list(ROOMS).index(room) + 1]:
        shutil.rmtree(copy / "tinygraph" / gone, ignore_errors=True)
    imported = run(copy, "-c", IMPORT_ALL)
    assert not imported.stderr
    shown = run(copy, "-c", SHOW.format(call))
    called = call.partition("(")[0].replace("graph", "Graph")
    assert shown.stderr.splitlines()[-1] == f"ImportError: {called} needs tinygraph/{room}/, which is not installed"
    passed = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}.py" for name in tests))
    assert passed.returncode == 0, passed.stdout
