"""The ops of a walk, explained on its page where the reader asks what one is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import tinygraph as tg
from tests.browser import Visit
from tests.drawings import neuron, softmax
from tinygraph.stepping.explained import explained, ops_of

DANGEROUS = "</script><img src=x onerror=alert(1)>"


def opened(visit: Visit, folder: Path, graph: tg.Graph, steps: int) -> Any:
    page = visit.open_saved(graph.stepper(), folder)
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    return page


def test_a_step_has_the_ops_that_it_goes_through_but_no_arithmetic() -> None:
    found = {step.name: [op.name for op in ops_of(step)] for step in neuron().stepper().steps}
    assert found == {
        "z": [], "a": ["sigmoid"], "L": ["log"], "dL": [], "da": ["log"], "dz": ["sigmoid"], "dw1": [], "dw2": [], "db": [],
    }  # fmt: skip
    assert [op.name for op in ops_of(softmax().stepper().step())] == ["matmul"]


def test_a_page_is_made_where_the_room_that_explains_was_taken_out(tmp_path: Path) -> None:
    assert set(explained(neuron().stepper())) == {"sigmoid", "log"}
    home = Path(tg.__file__).parent
    shutil.copytree(home, tmp_path / "tinygraph", ignore=shutil.ignore_patterns("__pycache__", "explaining"))
    code = "import tinygraph as tg; x = tg.parameter(0.5); s = tg.Graph(tg.sigmoid(x)).stepper(); print(s.save('walk.html').name)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert (run.stdout, run.stderr) == ("walk.html\n", "")


class TestOnThePage:
    def test_a_click_opens_what_it_is_and_escape_closes_it(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron(), 2)
        button = page.get_by_role("button", name="sigmoid")
        button.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        assert "The logistic function" in dialog.inner_text()
        assert dialog.locator("math").count() == 2
        assert dialog.locator("svg path.value, svg path.slope").count() == 2
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".count").startswith("2 /")
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        assert button.evaluate("button => button.getRootNode().activeElement === button")

    def test_a_click_beside_it_closes_it(self, visit: Visit, tmp_path: Path) -> None:
        page = opened(visit, tmp_path, neuron(), 3)
        page.click(".what")
        page.mouse.click(5, 5)
        assert page.locator("dialog[open]").count() == 0

    def test_fits_a_phone(self, visit: Visit, tmp_path: Path) -> None:
        visit.page.set_viewport_size({"width": 400, "height": 800})
        try:
            page = opened(visit, tmp_path, softmax(), 2)
            page.click(".what")
            box = page.locator("dialog[open]").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 400
            assert page.evaluate("document.documentElement.scrollWidth") == 400
        finally:
            visit.page.set_viewport_size({"width": 1200, "height": 900})

    def test_what_a_user_says_of_an_op_is_text(self, visit: Visit, tmp_path: Path) -> None:
        def hostile(x: Any) -> Any:
            return x * 1.0

        hostile.__doc__ = f"{DANGEROUS} & more."
        op = tg.op(lambda g, out, x: g, elementwise=True)(hostile)
        L = op(np.sin(tg.parameter(0.5)))
        page = opened(visit, tmp_path, tg.Graph(L, names={"L": L}), 1)
        page.get_by_role("button", name="hostile").click()
        assert DANGEROUS in page.get_by_role("dialog").inner_text()
        assert page.locator("img, parsererror").count() == 0
