"""What a maintainer runs: Makefile, hooks, `.ci/run` and workflow check the same, and files that programs read are valid."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> Any:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML: pip install pyyaml")
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def lint() -> list[str]:
    """The commands of `make lint`."""
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    return re.findall(r"^\t\$\(PYTHON\) -m (.+)$", rule, re.M)


def test_lint_is_what_everything_checks() -> None:
    everything = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in everything if line.partition(" ")[0] in ("ruff", "mypy")] == lint() != []


def test_a_commit_checks_what_lint_checks_and_the_notebooks() -> None:
    (local,) = read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    entries = [hook["entry"].removeprefix("python -m ").removesuffix(" --force-exclude") for hook in local["hooks"]]
    assert entries == [*(command.removesuffix(" .") for command in lint()), "nbstripout"]


def test_a_commit_runs_the_versions_that_pyproject_pins() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pinned = {requirement.partition("==")[0] for requirement in extras["test"] if "==" in requirement}
    hooks = {hook["entry"].split()[2] for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"]}
    assert pinned == hooks
    assert all(hook["language"] == "unsupported" for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"])


def test_every_target_of_the_makefile_is_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.M)
    assert re.findall(r"^(\w+): ## \w", text, re.M) == phony.split()
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in phony.split() if f"`make {name}`" not in page] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_valid_and_have_no_more_rights_than_to_read(path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema: pip install check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert read(str(path))["permissions"] == {"contents": "read"}
    assert "secrets" not in path.read_text(encoding="utf-8")


def test_the_oldest_python_of_the_matrix_is_the_one_that_is_required() -> None:
    versions = read(".github/workflows/tests.yml")["jobs"]["matrix"]["strategy"]["matrix"]["python"]
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert required == f">={versions[0]}"


def test_the_citation_has_what_its_format_wants_and_the_license_of_the_package() -> None:
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["license"] == project["license"]
    assert citation["authors"] == [{"name": author["name"].capitalize()} for author in project["authors"]]
    assert "version" not in citation  # which is said once
