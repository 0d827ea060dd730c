"""The widget: its traits from both sides, its module against a model without a kernel, and both outputs in JupyterLab."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import Visit, browser, needs_chromium
from tests.drawings import neuron, numbers
from tests.test_stepper_page import count, red
from tinygraph.draw.theme import DARK, LIGHT
from tinygraph.stepping.widget import Widget

ROOT = Path(__file__).parent.parent


def gradient(shown: Widget, name: str) -> str:
    (hole,) = next(step["shown"] for step in shown.data["steps"] if step["name"] == name)
    return str(shown.texts[-1][hole])


class TestTraits:
    def test_the_kernel_moves_it(self) -> None:
        stepper = neuron().stepper()
        shown = stepper.widget()
        assert shown.position == 0
        stepper.step()
        assert shown.position == 1
        stepper.run(until="da")
        assert shown.position == 5
        stepper.breakpoints.add("dz")
        stepper.rewind()
        assert (shown.position, shown.breakpoints) == (0, ["dz"])

    def test_the_browser_moves_the_kernel(self) -> None:
        stepper = neuron().stepper()
        shown = stepper.widget()
        shown.position = 5
        assert stepper.current is not None
        assert stepper.current.name == "da"
        shown.breakpoints = ["dw1", "dz"]
        assert stepper.breakpoints == {"dw1", "dz"}
        stepper.run()
        assert shown.position == 6

    def test_breakpoints_reach_the_browser_at_once_and_none_is_lost(self) -> None:
        stepper = neuron().stepper()
        shown, second = stepper.widget(), stepper.widget()
        stepper.breakpoints.add("da")
        assert shown.breakpoints == ["da"]
        shown.breakpoints = [*shown.breakpoints, "L"]
        assert stepper.breakpoints == {"da", "L"}
        assert second.breakpoints == ["L", "da"]
        stepper.breakpoints.clear()
        assert (shown.breakpoints, second.breakpoints) == ([], [])

    @pytest.mark.parametrize("place", [-1, 10, 10**6])
    def test_a_place_that_is_not_there_is_corrected(self, place: int) -> None:
        stepper = neuron().stepper()
        shown = stepper.widget()
        shown.position = 3
        shown.position = place
        assert (shown.position, stepper.position) == (3, 3)

    def test_moving_does_not_send_the_walk_again(self) -> None:
        shown = neuron().stepper().widget()
        before = shown.data
        shown.position = 4
        shown.stepper.step()
        assert shown.data is before

    def test_leaves_change_from_either_side(self) -> None:
        stepper = neuron().stepper()
        shown = stepper.widget()
        stepper.run(until="dw1")
        assert gradient(shown, "dw1") == "-0.851"
        shown.new_value = {"name": "w1", "value": 0.9, "turn": 1}
        assert stepper.graph["w1"].value == 0.9
        assert gradient(shown, "dw1") == f"{stepper.graph['dw1'].value:.3f}" != "-0.851"
        assert stepper.position == shown.position == 7
        place = next(i for i, leaf in enumerate(shown.data["leaves"]) if leaf["name"] == "w1")
        assert shown.leaves[0][place] == [0.9]
        stepper.set(w1=0.3)
        assert gradient(shown, "dw1") == "-0.851"
        stepper.update(learning_rate=0.1)
        assert len(shown.texts) == len(shown.leaves) == 2
        assert len(stepper.steps) == 2 * len(shown.data["steps"]) - shown.data["updates"]

    @pytest.mark.parametrize(
        ("new_value", "problem"),
        [
            ({"name": "w9", "value": 1}, "no leaf is called 'w9'"), ({"name": "w1", "value": "much"}, "much"),
            ({"name": "w1", "value": float("nan")}, "not finite"), ({"name": "w1", "value": [1]}, "list"), ({"value": 1}, "name"),
            ({"name": "w1", "value": None}, "NoneType"),
        ],
    )  # fmt: skip
    def test_a_bad_value_is_reported_and_changes_nothing(self, new_value: Any, problem: str) -> None:
        shown = neuron().stepper().widget()
        shown.new_value = new_value
        assert problem in shown.problem
        assert shown.stepper.graph["w1"].value == 0.3
        shown.new_value = {"name": "w1", "value": 0.5}
        assert shown.problem == ""

    def test_leaves_have_their_entries_but_large_ones(self) -> None:
        shown = neuron().stepper().widget()
        assert [leaf["name"] for leaf in shown.data["leaves"]] == ["x1", "x2", "y", "w1", "w2", "b"]
        X, w = tg.constant(numbers(600, 2)), tg.parameter([0.5, -0.25])
        shown = tg.Graph(np.sum(X @ w), names={"X": X, "w": w}).stepper().widget()
        assert shown.leaves == [[[], [0.5, -0.25]]]
        shown.new_value = {"name": "w", "place": 1, "value": 2.0}
        assert shown.leaves == [[[], [0.5, 2.0]]]

    def test_updates_are_asked_for_by_the_browser(self) -> None:
        shown = neuron().stepper().widget()
        shown.update = {"rate": 0.1, "times": 3, "turn": 1}
        assert len(shown.stepper.chapters) == len(shown.texts) == 4
        assert shown.position == shown.stepper.position == 36
        shown.update = {"rate": float("nan"), "times": 3, "turn": 2}
        assert "finite" in shown.problem
        assert len(shown.texts) == 4

    def test_answers_are_judged_here(self) -> None:
        shown = neuron().stepper().widget()
        for text, right, counted in [
            ("da * a * (1 - a)", True, True), ("a * da - a * a * da", True, True), ("da * a", False, True),
            ("-0.426", True, True), ("dz", False, False), ("__import__('os')", False, False),
        ]:  # fmt: skip
            shown.answer = {"name": "dz", "text": text, "turn": 7}
            assert (shown.verdict["right"], shown.verdict["counted"], shown.verdict["turn"]) == (right, counted, 7)
        shown.answer = {"name": "no such gradient", "text": "1"}
        assert shown.verdict["right"] is False

    def test_two_widgets_follow_one_stepper_until_closed(self) -> None:
        stepper = neuron().stepper()
        first, second = stepper.widget(), stepper.widget()
        stepper.step()
        first.close()
        stepper.step()
        assert (first.position, second.position) == (1, 2)

    def test_without_the_extra_the_error_has_the_line_to_install_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tinygraph.stepping.widget", None)
        with pytest.raises(ImportError, match=r'pip install "tinygraph-autodiff\[widget\]"'):
            neuron().stepper().widget()


FAKE = """
<div id="host"></div>
<script type="module">
SCRIPT
const state = STATE, listeners = {};
window.sent = [];
window.model = {
  get: key => state[key],
  set: (key, value) => {
    if (JSON.stringify(state[key]) === JSON.stringify(value)) return;
    state[key] = value;
    (listeners[`change:${key}`] || []).forEach(call => call());
  },
  on: (event, call) => (listeners[event] ||= []).push(call),
  off: (event, call) => { listeners[event] = listeners[event].filter(other => other !== call); },
  save_changes: () => window.sent.push(structuredClone({ ...state, data: null, style: null })),
};
window.listeners = listeners;
window.leave = render({ model: window.model, el: document.getElementById("host") });
</script>
"""


TRAITS = (
    "data", "texts", "leaves", "position", "breakpoints", "style", "new_value", "problem", "answer", "verdict", "program", "live",
)  # fmt: skip


def faked(visit: Visit, shown: Widget) -> Any:
    """The module in a blank page with a model that nobody answers."""
    return faked_from(visit, Widget._esm, {key: getattr(shown, key) for key in TRAITS})


def faked_from(visit: Visit, module: str, traits: dict[str, Any]) -> Any:
    """The same of a module and traits that may come from another process."""
    text = json.dumps(traits).replace("<", "\\u003c")
    return visit.show(FAKE.replace("SCRIPT", module.replace("export default { render };", "")).replace("STATE", text))


class TestModule:
    def test_moves_and_breakpoints_are_sent_once(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        page.click("button[aria-label=Step]")
        page.click("button[aria-label='Breakpoint at dz']")
        sent = page.evaluate("sent")
        assert [message["position"] for message in sent] == [1, 1]
        assert sent[-1]["breakpoints"] == ["dz"]

    def test_it_follows_the_kernel_without_answering(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        page.evaluate("model.set('position', 5)")
        assert count(page) == "5 / 9"
        assert "da = −1.741" in red(page)
        page.evaluate("model.set('breakpoints', ['da'])")
        assert page.locator("button[aria-label='Breakpoint at da']").get_attribute("aria-pressed") == "true"
        assert page.evaluate("sent") == []

    def test_a_slider_asks_for_a_value_and_stays_in_hand(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        stepper.run(until="dw1")
        shown = stepper.widget()
        page = faked(visit, shown)
        slider = page.locator("input[aria-label=w1]")
        slider.fill("0.9")
        page.wait_for_function("sent.length === 1")
        new_value = page.evaluate("sent[0].new_value")
        assert new_value["name"] == "w1"
        assert new_value["value"] == pytest.approx(0.9, abs=0.01)
        shown.new_value = new_value
        slider.focus()
        page.evaluate("texts => model.set('texts', texts)", shown.texts)
        assert page.inner_text(".table .current .shown") == gradient(shown, "dw1") != "-0.851"
        assert page.evaluate("document.getElementById('host').shadowRoot.activeElement.getAttribute('aria-label')") == "w1"
        page.keyboard.press("ArrowRight")
        assert count(page) == "7 / 9"
        page.wait_for_function("sent.length === 2")

    def test_reset_gives_the_recorded_values_back(self, visit: Visit) -> None:
        stepper = neuron().stepper()
        shown = stepper.widget()
        recorded = stepper.graph["L"].value
        stepper.set(w1=0.9)
        stepper.update()
        page = faked(visit, shown)
        page.click("text=Reset")
        shown.reset = page.evaluate("sent.at(-1).reset")
        assert (len(stepper.chapters), stepper.graph["L"].value) == (1, recorded)

    def test_a_problem_shows_as_text(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        assert not page.locator("[role=alert]").is_visible()
        page.evaluate("model.set('problem', 'no <b>leaf</b> is called w9')")
        assert page.inner_text("[role=alert]") == "no <b>leaf</b> is called w9"
        page.evaluate("model.set('problem', '')")
        assert not page.locator("[role=alert]").is_visible()

    def test_a_formula_is_judged_by_the_kernel(self, visit: Visit) -> None:
        shown = neuron().stepper().widget()
        page = faked(visit, shown)
        page.click("text=Quiz")
        assert "or a formula" in page.inner_text(".quiz")

        def answer(text: str) -> None:
            page.fill(".quiz input", text)
            page.keyboard.press("Enter")
            shown.answer = page.evaluate("sent.at(-1).answer")
            page.evaluate("verdict => model.set('verdict', verdict)", shown.verdict)

        answer("y / a")
        assert "not yet" in page.inner_text(".quiz [role=status]")
        assert "What is da?" in page.inner_text(".quiz")
        answer("(a - y) / (a * (1 - a))")
        assert "right" in page.inner_text(".quiz [role=status]")
        assert "What is dz?" in page.inner_text(".quiz")
        assert count(page) == "5 / 9"

    def test_a_verdict_that_another_answer_overtook_says_nothing(self, visit: Visit) -> None:
        shown = neuron().stepper().widget()
        page = faked(visit, shown)
        page.click("text=Quiz")
        for text in ("y / a", "-y / a"):
            page.fill(".quiz input", text)
            page.keyboard.press("Enter")
        for turn, said in ((-2, False), (-1, True)):
            shown.answer = page.evaluate(f"sent.at({turn}).answer")
            page.evaluate("verdict => model.set('verdict', verdict)", shown.verdict)
            assert ("not yet" in page.inner_text(".quiz [role=status]")) == said

    def test_keys_stay_in_the_widget(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        page.evaluate("window.heard = []; document.addEventListener('keydown', event => heard.push(event.key))")
        page.click("text=Quiz")
        page.keyboard.type("-0.00dd")
        page.keyboard.press("Control+s")
        assert page.evaluate("heard") == ["Control", "s"]
        page.evaluate("heard.length = 0; document.body.tabIndex = 0; document.body.focus()")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("heard") == ["ArrowRight"]

    def test_it_is_as_dark_as_what_it_stands_on(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        for background, scheme in [("#111111", "dark"), ("#fafafa", "light")]:
            page.evaluate("colour => { document.body.style.background = colour; }", background)
            page.wait_for_function(
                "new_value => getComputedStyle(document.getElementById('host')).colorScheme === new_value", arg=scheme
            )
            text = page.evaluate("getComputedStyle(document.getElementById('host').shadowRoot.querySelector('.app')).color")
            assert (
                "#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", text))) == {"dark": DARK, "light": LIGHT}[scheme].text
            )

    def test_it_leaves_nothing_behind(self, visit: Visit) -> None:
        page = faked(visit, neuron().stepper().widget())
        page.click("button[aria-label=Play]")
        page.evaluate("leave()")
        assert page.evaluate("Object.values(listeners).flat().length") == 0
        before = page.evaluate("model.get('position')")
        page.wait_for_timeout(1100)
        assert page.evaluate("model.get('position')") == before


# In JupyterLab, with the kernel running

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"autoStartDefaultKernel": True},
}
MODEL = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.drawings import neuron
s = neuron().stepper()
"""
STATE = "print('kernel:', s.position, sorted(s.breakpoints), round(s.graph['w1'].item(), 2), round(s.graph['dw1'].item(), 3))"
NOTEBOOKS = {"page.ipynb": [MODEL + "s"], "widget.ipynb": [MODEL + "s.run(until='dw1')\ns.widget()", STATE, "s.step();", STATE]}


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """A server of JupyterLab for a folder, with a home of its own; gives its address and its token as an address to fill in."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install jupyterlab")
    needs_chromium()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    for name, settings in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    places = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    settings_dir = {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    token = secrets.token_hex(16)
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        environment = os.environ | places | settings_dir | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield f"{address}/doc/tree/{{}}?token={token}&reset"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    nbformat = pytest.importorskip("nbformat", reason="needs JupyterLab: pip install jupyterlab")
    folder = tmp_path_factory.mktemp("lab")
    for name, cells in NOTEBOOKS.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / name)
    with lab(folder) as found:
        yield found


@contextmanager
def in_lab(address: str, name: str) -> Iterator[Any]:
    """A notebook in JupyterLab with its kernel ready, in a browser that reaches nothing but this machine."""
    left: list[str] = []

    def local_only(route: Any) -> None:
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            route.continue_()
        else:
            left.append(url)
            route.abort()

    with browser() as visit:
        page = visit.page
        page.unroute("**/*")
        page.route("**/*", local_only)
        page.on("websocket", lambda socket: None if socket.url.startswith("ws://127.0.0.1:") else left.append(socket.url))
        page.goto(address.format(name))
        page.wait_for_function(
            "window.jupyterapp && jupyterapp.shell.currentWidget && jupyterapp.shell.currentWidget.sessionContext"
            " && jupyterapp.shell.currentWidget.sessionContext.session"
            " && jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
            timeout=60_000,
        )
        yield page
        assert left == []
        assert visit.dialogs == []


def run_cell(page: Any, i: int) -> Any:
    """Run one cell; gives its output."""
    page.evaluate(
        "i => { const notebook = jupyterapp.shell.currentWidget.content; notebook.activeCellIndex = i;"
        " jupyterapp.commands.execute('notebook:run-cell'); }",
        i,
    )
    return page.locator(".jp-CodeCell").nth(i).locator(".jp-OutputArea-output")


def run_until(page: Any, i: int, pattern: str) -> None:
    """Run one cell until all that it prints matches: the kernel gets a second click when it has answered the first."""
    printed = ""
    for _ in range(20):
        output = run_cell(page, i)
        page.wait_for_timeout(500)
        printed = output.inner_text(timeout=20_000)
        if re.fullmatch(pattern, printed.strip()):
            return
    raise AssertionError(f"cell {i} prints {printed!r}, not {pattern!r}")


class TestJupyterLab:
    def test_the_page_steps_in_its_frame(self, address: str) -> None:
        with in_lab(address, "page.ipynb") as page:
            output = run_cell(page, 0)
            output.locator("iframe").wait_for(timeout=60_000)
            frame = page.frame_locator("iframe[sandbox]")
            frame.locator("button[aria-label=Step]").click()
            page.keyboard.press("ArrowRight")
            assert frame.locator(".count").inner_text() == "2 / 9"
            frame.locator("text=Quiz").click()
            frame.locator(".quiz input").fill("-1.741")
            page.keyboard.press("Enter")
            assert frame.locator(".quiz [role=status]").inner_text().endswith("-1.741: right")

    def test_the_widget_and_the_kernel_follow_each_other(self, address: str) -> None:
        from playwright.sync_api import expect

        with in_lab(address, "widget.ipynb") as page:
            output = run_cell(page, 0)
            row = output.locator(".table .current")
            expect(row.locator(".shown")).to_have_text("-0.851", timeout=60_000)
            output.locator("input[aria-label=w1]").fill("0.9")
            expect(row.locator(".shown")).not_to_have_text("-0.851", timeout=20_000)
            output.locator("button[aria-label='Breakpoint at dw2']").click()
            run_until(page, 1, re.escape(f"kernel: 7 ['dw2'] 0.9 {row.locator('.shown').inner_text()}"))
            run_cell(page, 2)
            expect(output.locator(".count")).to_have_text("8 / 9", timeout=20_000)
            output.locator("button[aria-label=Back]").click()
            output.locator("button[aria-label=Back]").click()
            run_until(page, 3, r"kernel: 6 \['dw2'\] 0\.9.*")
            output.locator("text=Quiz").click()
            output.locator(".quiz input").press_sequentially("00 + (a - y) / (a * (1 - a))")
            page.keyboard.press("Enter")
            expect(output.locator(".quiz [role=status]")).to_contain_text("right", timeout=20_000)
            assert page.locator(".jp-Dialog").count() == 0
