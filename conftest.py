"""What docstring examples use without importing it, and the rule that nothing is skipped where everything is installed."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygraph as tg


@pytest.fixture(autouse=True)
def _names_in_docstrings(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace.update(np=np, tg=tg)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Under TINYGRAPH_NO_SKIPS a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("TINYGRAPH_NO_SKIPS"):
        report.outcome = "failed"
    return report
