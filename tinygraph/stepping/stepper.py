"""The cursor: where in the walk the reader is, and what can be done there."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, MutableSet
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.draw.picture import PAGES, one_of
from tinygraph.errors import counted, meant
from tinygraph.graph import Graph
from tinygraph.leaves import with_value
from tinygraph.node import Node
from tinygraph.program.statements import Level, program
from tinygraph.stepping.timeline import Step, steps_of, update_steps

if TYPE_CHECKING:
    from tinygraph.stepping.lens import Example

Until = str | Callable[[Step], Any] | None


class WalkError(IndexError):
    """A move past either end of the walk."""


class Breakpoints(MutableSet[str]):
    """Names at which `run` stops; calls `check` with each new one, which may raise, and `changed` after each change."""

    def __init__(self, check: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._names: set[str] = set()
        self._check = check
        self._changed = changed

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def add(self, value: str) -> None:
        """Stop there from now on; raises KeyError for a name that no step has."""
        self.become([*self._names, value])

    def discard(self, value: str) -> None:
        """Stop there no longer."""
        self.become(self._names - {value})

    def update(self, names: Iterable[str]) -> None:
        """Stop at all of these from now on."""
        self.become([*self._names, *names])

    def clear(self) -> None:
        """Stop nowhere."""
        self.become(())

    def become(self, names: Iterable[str]) -> None:
        """Stop at these and nowhere else."""
        given = list(names)
        for name in given:
            if not isinstance(name, str) or name not in self._names:
                self._check(name)
        wanted = set(given)
        if wanted != self._names:
            self._names = wanted
            self._changed()

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"


class Chapter:
    """One pass through the graph on one set of leaves, forward and backward, and the update at its end if there is one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            self.passed = steps_of(program(graph))
        self.updates: list[Step] = []

    @property
    def steps(self) -> list[Step]:
        """All steps in order."""
        return [*self.passed, *self.updates]


class Stepper:
    """A walk through a graph, forward and then backward, one statement at a time.

    `current` is the step just taken, None at the start; `position` how many were taken; `steps` all there are; `breakpoints` the
    names at which `run` stops. A step has `phase`, `name`, `equation`, `numbers`, `value`, `upstream`, `local`,
    `contribution`, `contributions` and `place`. Computes the gradients of the parameters if the graph has no gradients yet.

    >>> w = tg.parameter(3.0)
    >>> y = w * 2
    >>> L = y * w
    >>> graph = tg.Graph(L, names={"w": w, "y": y, "L": L})
    >>> s = graph.stepper()
    >>> s.run(until="dw")
    <step dw (2/2) += y = 6.000, together 12.000>
    >>> print(s)
    forward
      y = w * 2 = 3.000 * 2 = 6.000
      L = y * w = 6.000 * 3.000 = 18.000
    backward
      dL = 1 = 1.000
      dy = w = 3.000
      dw (1/2) += 2 * dy = 2 * 3.000 = 6.000, so far 6.000
      dw (2/2) += y = 6.000, together 12.000
    """

    def __init__(self, graph: Graph, level: Level = "named") -> None:
        if not graph._requests() and not graph._is_partial:
            graph.backprop()
        self.level = level
        self._become([Chapter(program(graph, level).graph)])  # in which every statement has a name
        self.position = 0
        self._breakpoints = Breakpoints(self._check_name, self._marked)
        self.watchers: list[Callable[[bool], None]] = []  # called when the walk moved (False) or its numbers changed (True)
        self._example: int | None = None

    def _become(self, chapters: list[Chapter]) -> None:
        self.chapters = chapters
        self._steps = tuple(step for chapter in chapters for step in chapter.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step that is known, those not yet taken too."""
        return self._steps

    @property
    def chapter(self) -> Chapter:
        """The pass that the cursor is in."""
        left = self.position
        for chapter in self.chapters[:-1]:
            if left < len(chapter.steps):
                return chapter
            left -= len(chapter.steps)
        return self.chapters[-1]

    @property
    def graph(self) -> Graph:
        """The graph on the leaves as they are at the cursor."""
        return self.chapter.graph

    @property
    def current(self) -> Step | None:
        """The step just taken, or None before the first."""
        return self.steps[self.position - 1] if self.position else None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"watchers": []}

    @property
    def breakpoints(self) -> Breakpoints:
        """The names at which `run` stops; names of steps may be assigned."""
        return self._breakpoints

    @breakpoints.setter
    def breakpoints(self, names: Iterable[str]) -> None:
        self._breakpoints.become([names] if isinstance(names, str) else names)

    def _marked(self) -> None:
        self._move(self.position)

    # Moving

    def step(self) -> Step:
        """Take the next step; raises WalkError at the end of the walk."""
        if self.position == len(self.steps):
            raise WalkError("the walk is at its end: call back(), rewind(), or update(learning_rate=0.1) for another iteration")
        self._move(self.position + 1)
        return self.steps[self.position - 1]

    def back(self) -> Step | None:
        """Take the last step back, and show the one before; raises WalkError at the start."""
        if not self.position:
            raise WalkError("the walk is at its start: call step() or run()")
        self._move(self.position - 1)
        return self.current

    def rewind(self) -> None:
        """Go back to the start."""
        self._move(0)

    def run(self, until: Until = None) -> Step | None:
        """Step on to a name, or to the first step for which a function is true, else to a breakpoint or to the end.

        Raises KeyError for a name that no step ahead has, ValueError for a condition that none meets, TypeError for anything
        else; the cursor stays.
        """
        ahead = self.steps[self.position :]
        if until is None:
            hits = [i for i, step in enumerate(ahead, 1) if step.name in self.breakpoints and step.is_complete]
            self._move(self.position + (hits[0] if hits else len(ahead)))
            return self.current
        if isinstance(until, str):
            hits = [i for i, step in enumerate(ahead, 1) if step.name == until and step.is_complete]
            if not hits:
                raise KeyError(self._not_ahead(until))
        else:
            if not callable(until):
                raise TypeError(self._no_name(until, "run(until={})"))
            hits = [i for i, step in enumerate(ahead, 1) if until(step)][:1]
            if not hits:
                raise ValueError("no step ahead meets the condition; rewind() first if it may be met behind")
        self._move(self.position + hits[0])
        return self.current

    def _move(self, position: int, changed: bool = False) -> None:
        self.position = position
        for watch in self.watchers:
            watch(changed)

    def _not_ahead(self, name: str) -> str:
        if any(step.name == name for step in self.steps):
            return f"{name!r} is behind the cursor: rewind first"
        return f"no step is called {name!r}: {meant(name, (step.name for step in self.steps))}"

    def _check_name(self, name: Any) -> None:
        """Raise a KeyError for a breakpoint at which `run` would never stop."""
        if not isinstance(name, str):
            raise TypeError(self._no_name(name, "breakpoints.add({})"))
        if all(step.name != name for step in self.steps):
            raise KeyError(self._not_ahead(name))

    def _no_name(self, given: Any, call: str) -> str:
        """What to write where a node, a number or a function stands in place of a step's name."""
        name = self.graph.name(given) if isinstance(given, Node) else None
        example = call.format(repr(name or (self.steps[-1].name if self.steps else "z")))
        if isinstance(given, Node):
            return f"steps are named: write s.{example}"
        if isinstance(given, int):
            return f"steps are named: write s.{example}, or s.step() for the next one"
        if callable(given):
            return f"a breakpoint is a name: write s.{example}, or s.run(until=condition)"
        return f"steps are named: write s.{example}, not a {type(given).__name__}"

    # Changing

    def set(self, **leaves: Any) -> None:
        """Give leaves other values, `s.set(w1=0.9)`, and recompute everything; the cursor stays, later iterations are dropped.

        Raises KeyError for a name that no leaf has, ValueError for another shape, TypeError for what is no real number.
        """
        graph = self.graph
        leaf_names = {program(graph).name(leaf): leaf for leaf in program(graph).leaves}
        aliases = {name: graph[name] for name in graph.names if graph[name].op is None}
        known = aliases | leaf_names
        values: dict[Node, Any] = {}
        for name, value in leaves.items():
            if name not in known:
                raise KeyError(f"no leaf is called {name!r}: there are {', '.join(leaf_names)}")
            try:
                with_value(known[name], value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{name}: {error}") from None
            values[known[name]] = value
        here = next(i for i, chapter in enumerate(self.chapters) if chapter is self.chapter)
        changed = Chapter(graph.with_leaves(values))
        before = sum(len(chapter.steps) for chapter in self.chapters[:here])
        self._become([*self.chapters[:here], changed])
        self._move(min(self.position, before + len(changed.steps)), changed=True)

    def update(self, learning_rate: float = 0.1) -> Step:
        """Finish the iteration with `w := w - learning_rate * dw` for every parameter, and go on to the next one.

        The cursor is then behind the last update; `run()` walks through the next pass. Raises ValueError for a learning rate that
        is no finite number, and where there is no parameter with a gradient.
        """
        rate = _finite(learning_rate)
        chapter = self.chapter
        with np.errstate(all="ignore"):  # a rate that is too large shows in the walk
            updates = update_steps(chapter.graph, rate)
        if not updates:
            raise ValueError("no tg.parameter has a gradient here, so there is nothing to update")
        following = Chapter(chapter.graph.with_leaves({step.node: step.value for step in updates}))
        here = next(i for i, known in enumerate(self.chapters) if known is chapter)
        chapter.updates = updates
        self._become([*self.chapters[: here + 1], following])
        self._move(sum(len(known.steps) for known in self.chapters[: here + 1]), changed=True)
        return updates[-1]

    # Looking

    @property
    def example(self) -> int | None:
        """The example that is looked at on its own, counted from 0 along the first axis; None for all."""
        return self._example

    @example.setter
    def example(self, index: int | None) -> None:
        from tinygraph.stepping.lens import check_example

        check_example(self.graph, index)
        self._example = None if index is None else operator.index(index)
        self._move(self.position, changed=True)

    @property
    def lens(self) -> Example | None:
        """What the current step amounts to for the one example that is looked at; None where it has none."""
        from tinygraph.stepping.lens import example_of

        current = self.current
        return None if current is None or self._example is None else example_of(self.graph, current, self._example)

    def page(self) -> str:
        """The walk as a page in one file: stepper, player and quiz without a kernel or network."""
        from tinygraph.stepping.page import page

        return page(self)

    def widget(self) -> Any:
        """The walk as a widget with the kernel behind it: sliders for scalar leaves, and `current` follows the browser.

        Needs the extra `widget`; raises ImportError, with the line to install it, without.
        """
        try:
            from tinygraph.stepping.widget import Widget
        except ImportError as error:
            raise ImportError('the widget needs anywidget: pip install "tinygraph-autodiff[widget]"') from error
        return Widget(self)

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, `walk.html`; returns the path. Raises ValueError for another ending."""
        path = Path(path)
        one_of("the file's ending", path.suffix.lower(), PAGES)
        path.write_text(self.page(), encoding="utf-8", errors="replace")
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from tinygraph.stepping.page import frame
        from tinygraph.stepping.pictures import laid_out, picture

        pictured = picture(self.chapter)._repr_mimebundle_() if laid_out(self).svg else {}
        return {**pictured, "text/html": frame(self.page(), repr(self)), "text/plain": str(self)}

    def __str__(self) -> str:
        lines: list[str] = []
        phase = None
        for step in self.steps[: self.position]:
            if step.phase != phase:
                phase = step.phase
                lines.append(phase)
            lines.append(f"  {step.text}")
        return "\n".join(lines) or "at the start: step() takes the first step"

    def __repr__(self) -> str:
        here = "" if self.current is None else f", at {self.current.text}"
        return f"<stepper: {self.position} of {counted(len(self.steps), 'step')}{here}>"


def _finite(rate: Any) -> float:
    """A learning rate as a number; raises ValueError for what is none."""
    try:
        value = float(rate) if isinstance(rate, Real) and not isinstance(rate, bool) else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"learning_rate={rate!r:.50} must be a finite number")
    return value
