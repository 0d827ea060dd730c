"""A real browser for tests: Debian's Chromium, driven by playwright, with fresh contexts and no way out of this machine."""

from __future__ import annotations

import base64
import json
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
KATEX = Path("/usr/share/javascript/katex/katex.min.js")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOCAL = ("file:", "data:", "about:", "blob:", "chrome:", "chrome-extension:")  # the last two in the viewer of a PDF


def data_of(html: str) -> Any:
    """The data of the page of a walk, which has them compressed."""
    _, packed = re.findall(r'await unpacked\("([^"]*)"\)', html)
    return json.loads(zlib.decompress(base64.b64decode(packed)))


class Visit:
    """A page, and what must not happen there: `requests` that left the machine, `dialogs` and `errors`, as text."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        self._goto, page.goto = page.goto, self.goto
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self._route)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def goto(self, url: str, **settings: Any) -> Any:
        """Open a page; that of a walk is open when its data are unpacked."""
        found = self._goto(url, **settings)
        self.page.wait_for_function("() => { const x = document.getElementById('stepper'); return !x || x.shadowRoot; }")
        return found

    def show(self, html: str) -> Any:
        """Open a page of this body and head from a file, so that it may load files; gives the page."""
        with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8", errors="replace", delete=False) as file:
            file.write(f"<!doctype html><meta charset=utf-8>{html}")  # without a doctype KaTeX refuses
        try:
            self.page.goto(f"file://{file.name}")
        finally:
            Path(file.name).unlink()
        return self.page

    def show_with_model(self, html: str) -> Any:
        """Open the page of a walk so that a test reaches its `model`; gives the page."""
        assert html.count("const model =") == 1
        return self.show(html.replace("const model =", "const model = window.model ="))

    def open_saved(self, stepper: Any, folder: Path) -> Any:
        """Open the file of a walk; gives the page."""
        self.page.goto(stepper.save(folder / "walk.html").as_uri())
        return self.page

    @property
    def trouble(self) -> list[str]:
        """All that must not have happened."""
        return self.requests + self.dialogs + self.errors


def needs_chromium() -> None:
    """Skip the test where there is no browser."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs a browser: apt-get install chromium, for {CHROMIUM}")


@cache
def _driver() -> Any:
    """Playwright, which one process starts once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    return playwright.sync_playwright().start()


@cache
def _chromium(*flags: str) -> Any:
    """The browser of this process that was started with more flags: to start one takes longer than most tests."""
    needs_chromium()
    return _driver().chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])


def close_browsers() -> None:
    """End what was started here."""
    if _driver.cache_info().currsize:
        _driver().stop()  # which closes its browsers
        _chromium.cache_clear()
        _driver.cache_clear()


@contextmanager
def browser(*flags: str) -> Iterator[Visit]:
    """One page in a context of its own, which shares nothing with others; skips the test where there is no browser."""
    context = _chromium(*flags).new_context(viewport={"width": 1200, "height": 900})
    try:
        yield Visit(context.new_page())
    finally:
        context.close()


def katex_script() -> str:
    """The element that loads Debian's KaTeX."""
    if not KATEX.exists():
        pytest.skip(f"needs KaTeX: apt-get install libjs-katex, for {KATEX}")
    return f'<link rel="stylesheet" href="{KATEX.with_name("katex.min.css").as_uri()}"><script src="{KATEX.as_uri()}"></script>'
