"""Without the packages that the models need there is one line with the command that installs them."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import models
from models import extras

ROOT = Path(__file__).parent.parent


def test_the_packages_are_those_of_the_extra() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["models"]
    assert {re.split(r"[<>=]", requirement)[0] for requirement in declared} == set(extras.PACKAGES.values())


def test_nothing_is_said_where_all_are_installed() -> None:
    assert extras.advice() == ""


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["sklearn"], "scikit-learn is not installed"),
        (["matplotlib", "safetensors"], "matplotlib, safetensors are not installed"),
        (list(extras.PACKAGES), f"{', '.join(extras.PACKAGES.values())} are not installed"),
    ],
)
class TestMissing:
    def test_a_command_prints_one_line(self, missing: list[str], said: str, monkeypatch: Any, capsys: Any) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else sys)
        monkeypatch.setattr(sys, "argv", [str(ROOT / "models" / "logistic_regression.py")])
        with pytest.raises(SystemExit) as end:
            extras.main("LogisticRegression")
        assert end.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == (
            f"python -m models.logistic_regression: {said}: "
            'the extra "models" brings what the models need, pip install -e ".[models]"\n'
        )

    def test_an_estimator_names_the_extra(self, missing: list[str], said: str, monkeypatch: Any) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else sys)
        with pytest.raises(ImportError, match=re.escape(f"models.MLPClassifier: {said}")):
            models.MLPClassifier  # noqa: B018  (reading it imports it)
