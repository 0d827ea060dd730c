"""Instructions computed by the interpreter in a real browser, from a file and under the content security policy of a page.

All jobs of a test go into one page: a script in it runs them and writes what it found into the page, as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from tests.browser import Visit
from tinygraph.draw.view import script_json
from tinygraph.express.instructions import Instructions, written
from tinygraph.express.interpreter import script
from tinygraph.ops import Op

POLICY = re.findall(r"<meta[^>]*Content-Security-Policy[^>]*>", files("tinygraph.stepping").joinpath("page.html").read_text())

HARNESS = """
const { prepare, run, what, valueFrom, Unknown } = interpreter;

function shown(x) {
  if (x instanceof Unknown) return { unknown: x.reason };
  const entry = (number) => (Object.is(number, -0) ? "-0" : Number.isFinite(number) ? number : String(number));
  return typeof x === "number" ? entry(x) : { shape: x.shape, entries: Array.from(x.data, entry) };
}

function done({ program: data, runs, asks, read }) {
  const program = prepare(data);
  const values = () => read.map((slot) => shown(program.values[slot]));
  const decoded = (changes) => {
    const values = Object.entries(changes).map(([slot, [shape, value]]) => [slot, valueFrom(program.types[slot], shape, value)]);
    return Object.fromEntries(values);
  };
  const found = [values()];
  for (const changes of runs) {
    run(program, decoded(changes));
    found.push(values());
  }
  return [...found, asks.map(([target, changes]) => shown(what(program, target, decoded(changes))))];
}

const jobs = JSON.parse(document.getElementById("jobs").textContent);
document.getElementById("results").textContent = JSON.stringify(
  jobs.map((job) => {
    try {
      return done(job);
    } catch (error) {
      return String(error.stack);
    }
  }),
);
"""


class Unknown(NamedTuple):
    """Why the page has no value."""

    reason: str


class Job:
    """Instructions, the slots that are read of them, and changes after each of which they are read again.

    `asks` are pairs of a slot and changes, of which `what` gives the value.
    """

    def __init__(self, instructions: Instructions, read: Sequence[Any], ops: Sequence[Op] = ()) -> None:
        self.instructions = instructions
        self.read = [instructions.slot(x) for x in read]
        self.runs: list[dict[int, Any]] = []
        self.asks: list[tuple[int, dict[int, Any]]] = []

    def change(self, changes: Mapping[Any, Any]) -> None:
        """Run with new values of some nodes, and read again."""
        self.runs.append(self._changes(changes))

    def ask(self, target: Any, changes: Mapping[Any, Any]) -> None:
        """Ask for the value of a node with new values of others."""
        self.asks.append((self.instructions.slot(target), self._changes(changes)))

    def _changes(self, changes: Mapping[Any, Any]) -> dict[int, Any]:
        return {self.instructions.slot(x): (np.shape(value), written(np.asarray(value))) for x, value in changes.items()}


def in_the_page(visit: Visit, jobs: Sequence[Job]) -> list[list[list[Any]]]:
    """For each job what its slots hold at first and after each run, and what was asked: arrays, or why there is none."""
    data = [{"program": x.instructions.data, "runs": x.runs, "asks": x.asks, "read": x.read} for x in jobs]
    ops = {op for job in jobs for op in job.instructions.ops}
    (policy,) = POLICY
    page = visit.show(
        f'{policy}<script type="application/json" id="jobs">{script_json(data)}</script><output id="results"></output>'
        f"<script>{script(ops)}{HARNESS}</script>"
    )
    text = page.locator("#results").text_content()
    assert visit.trouble == [], visit.trouble
    found = json.loads(text)
    failed = [(job.instructions.json[:500], x) for job, x in zip(jobs, found, strict=True) if isinstance(x, str)]
    assert failed == [], failed
    return [[[_read(x) for x in values] for values in job] for job in found]


def _read(found: Any) -> Any:
    if not isinstance(found, dict):
        return np.float64(found)
    if "unknown" in found:
        return Unknown(found["unknown"])
    return np.array(found["entries"], float).reshape(found["shape"])
