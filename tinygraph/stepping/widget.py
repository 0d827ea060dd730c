"""The stepper as a widget: the page's module with a kernel behind it, so that leaves move and `s.current` follows the browser."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from tinygraph.express.program import program
from tinygraph.stepping.page import script, style, walk_data
from tinygraph.stepping.stepper import Stepper


class Widget(anywidget.AnyWidget):
    """A stepper shown with its kernel: moving, breakpoints and leaves work from either side."""

    _esm = script()
    data = traitlets.Dict().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)
    breakpoints = traitlets.List(traitlets.Unicode()).tag(sync=True)
    wanted = traitlets.Dict().tag(sync=True)  # a leaf and the value that the browser asks for
    problem = traitlets.Unicode("").tag(sync=True)
    style = traitlets.Unicode(style()).tag(sync=True)

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        super().__init__(data=self._data(), position=stepper.position, breakpoints=sorted(stepper.breakpoints))
        stepper.watchers.append(self.refresh)

    def _data(self) -> dict[str, Any]:
        return walk_data(self.stepper) | {"leaves": knobs(self.stepper)}

    def refresh(self, changed: bool = True) -> None:
        """Show the stepper as it is; `changed` says whether its numbers are others, or only the cursor moved."""
        with self.hold_sync():
            if changed:
                self.data = self._data()
            self.position = self.stepper.position
            self.breakpoints = sorted(self.stepper.breakpoints)

    @traitlets.observe("position")
    def _moved(self, change: Any) -> None:
        if 0 <= change["new"] <= len(self.stepper.steps):
            self.stepper.position = change["new"]

    @traitlets.observe("breakpoints")
    def _marked(self, change: Any) -> None:
        self.stepper.breakpoints = set(change["new"])

    @traitlets.observe("wanted")
    def _asked(self, change: Any) -> None:
        wanted = change["new"]
        if not wanted:
            return
        try:
            self.stepper.set(**{str(wanted["name"]): float(wanted["value"])})
            self.problem = ""
        except (KeyError, TypeError, ValueError) as error:
            self.problem = str(error)


def knobs(stepper: Stepper) -> list[dict[str, Any]]:
    """The scalar leaves, each with a range to move it in."""
    told = program(stepper.graph)
    found = []
    for leaf in told.leaves:
        if not leaf.shape and leaf.dtype.kind == "f" and np.isfinite(leaf.value):
            value = float(leaf.value)
            reach = max(2.0, 2 * abs(value))
            found.append({"name": told.name(leaf), "value": value, "low": value - reach, "high": value + reach})
    return found
