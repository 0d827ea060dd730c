"""The browser that tests share: one page a file, on which nothing may go wrong, and one process of Chromium."""

from collections.abc import Iterator

import pytest

from tests.browser import Visit, browser, close_browsers


@pytest.fixture(scope="session", autouse=True)
def _browsers_end() -> Iterator[None]:
    yield
    close_browsers()


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    """The page of a file, in a context of its own."""
    with browser() as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_leaves(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test of a page leaves the machine, opens a dialog or raises an error there."""
    visit = request.getfixturevalue("visit") if "visit" in request.fixturenames else None
    yield
    assert visit is None or visit.trouble == []
