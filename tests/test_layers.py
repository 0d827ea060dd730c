"""A room imports only rooms above it; `import tinygraph` brings NumPy alone."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import conftest
import tinygraph

ROOT = Path(tinygraph.__file__).parent
ROOMS = [
    {
        "place",
        "syntax",
        "wording",
        "warned",
        "unchanged",
        "ranks",
        "excerpt",
        "binding",
        "decisions",
        "sparse",
        "errors",
        "reading",
        "missing",
        "operators",
        "node",
        "jitted",
        "leaves",
        "sizes",
        "ops",
        "array_expressions",
    },
    {
        "code_names",
        "given_names",
        "names",
        "naming",
        "requests",
        "requested",
        "replay",
        "origins",
        "faces",
        "graph",
        "backprop",
        "pickling",
    },
    {"slips", "tree", "calculus", "slope", "rules", "rule_slips", "check"},
    {"program"},
    {"compiler"},
    {"express"},
    {"bridges"},
    {"referee"},
    {"draw"},
    {"explaining"},
    {"stepping"},
    {"__main__"},
]
# Imports of a room below, each inside the function that needs it: (importer, imported).
INSIDE_FUNCTIONS = {
    ("node", "pickling"),
    ("errors", "graph"),
    ("graph", "check"),
    ("program", "express"),
    ("referee", "draw"),
    ("faces", "program"),
    ("faces", "compiler"),
    ("faces", "bridges"),
    ("faces", "express"),
    ("faces", "referee"),
    ("faces", "draw"),
    ("faces", "explaining"),
    ("faces", "stepping"),
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" if node.module == "tinygraph" else node.module for alias in node.names)


def room(module: str) -> int:
    return next(i for i, names in enumerate(ROOMS) if module in names)


def test_rooms_import_only_rooms_above() -> None:
    below = set()
    for path in ROOT.rglob("*.py"):
        importer = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if importer == "__init__":
            continue
        for name in imports(path):
            if name.startswith("tinygraph."):
                imported = name.split(".")[1]
                if room(imported) > room(importer):
                    below.add((importer, imported))
    assert below == INSIDE_FUNCTIONS


def test_contributing_lists_every_module_and_room() -> None:
    table = (ROOT.parent / "CONTRIBUTING.md").read_text()
    there = {
        path.name + "/" * path.is_dir() for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__.py"} == set(re.findall(r"^\| `tinygraph/(\S+)` ", table, re.MULTILINE))


def test_no_module_has_the_name_of_a_public_function() -> None:
    modules = {path.stem for path in ROOT.rglob("*.py")}
    assert not modules & set(tinygraph.__all__)


def test_importing_brings_numpy_alone() -> None:
    code = (
        "import sys, tinygraph; "
        "names = {m.partition('.')[0] for m in sys.modules if not m.startswith('_')}; "
        "print(*sorted(names - sys.stdlib_module_names))"
    )
    found = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    before = subprocess.run(
        [sys.executable, "-I", "-c", code.replace("sys, tinygraph", "sys")], capture_output=True, text=True, check=True
    )
    assert set(found.stdout.split()) - set(before.stdout.split()) == {"numpy", "tinygraph"}


def test_slow_test_files_are_there() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert set(conftest.SLOW) <= files


def test_python_is_parsed_in_one_thread_at_a_time() -> None:
    """Python 3.11 raises a SystemError where threads take turns at `ast.parse`, which `syntax.parsed` prevents."""
    parsing = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for x in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(x, ast.Call) and ast.unparse(x.func) == "ast.parse"
    }
    assert parsing == {"syntax.py"}
