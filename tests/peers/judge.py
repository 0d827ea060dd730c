"""Run HIPS/autograd's own tests against tinygraph and hold the result to a list: `python tests/peers/judge.py SDIST_FOLDER`.

A pass is genuine if the test compared something and did not need what the list of unsupported tests names. The run fails if a
test outside the list does not pass, or if one inside it does, so the list is exact and nothing regresses unseen.
"""

import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "shim"))
UNSUPPORTED = HERE / "unsupported.txt"
# Modules about complex numbers, Fourier transforms, SciPy or autograd's own speed.
NOT_ASKED = {"test_complex.py", "test_fft.py", "test_scipy.py", "test_performance.py", "_test_complexity.py"}


class Judge:
    """Collects which tests passed and whether they compared anything."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.empty: set[str] = set()
        self.failed: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "setup" and report.passed:
            item.checks = self._count()
        elif report.when == "call":
            name = item.nodeid.split("/")[-1]
            if not report.passed:
                self.failed[name] = str(call.excinfo.value).splitlines()[0][:100] if call.excinfo else report.outcome
            elif self._count() > item.checks or self._asserts(item):
                self.passed.add(name)
            else:
                self.empty.add(name)
        return report

    def _count(self) -> int:
        from autograd.test_util import CHECKS

        return CHECKS["count"]

    def _asserts(self, item) -> bool:
        import inspect

        source = inspect.getsource(item.function)
        helpers = [item.module.__dict__.get(name) for name in set(re.findall(r"\b(\w+)\(", source))]
        own = [inspect.getsource(f) for f in helpers if inspect.isfunction(f) and f.__module__ == item.module.__name__]
        return any(re.search(r"\bassert\b|raises\(|assert_|check_close\(", text) for text in [source, *own])


def main(folder: str, *options: str) -> int:
    judge = Judge()
    tests = [str(path) for path in sorted(Path(folder, "tests").glob("test_*.py")) if path.name not in NOT_ASKED]
    pytest.main(
        ["-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore", "--rootdir", folder,
         "-c", "/dev/null", *tests],
        plugins=[judge],
    )  # fmt: skip
    listed = {line.split("  #")[0].strip() for line in UNSUPPORTED.read_text().splitlines() if line and line[0] != "#"}
    for name, why in judge.failed.items():
        if name not in listed or "--why" in options:
            print(f"fails: {name}  # {why}")
    better = listed & judge.passed
    for name in sorted(better):
        print(f"passes now, take it off the list: {name}")
    total = len(judge.passed) + len(judge.failed) + len(judge.empty)
    print(f"autograd's own tests: {len(judge.passed)} genuine passes, {len(judge.failed)} not supported, "
          f"{len(judge.empty)} that compare nothing here, of {total}")  # fmt: skip
    return 1 if better or set(judge.failed) - listed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
