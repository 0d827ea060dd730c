"""The stepper: a cursor in a walk, and the methods that move it or change the walk."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, MutableSet
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.backprop import CollectorPaused
from tinygraph.draw.files import save
from tinygraph.graph import Graph
from tinygraph.leaves import with_value
from tinygraph.node import Node
from tinygraph.program.statements import Level, program_of
from tinygraph.stepping.timeline import Step, steps_of, update_steps
from tinygraph.wording import counted, suggestion

if TYPE_CHECKING:
    from tinygraph.stepping.examples import Example

RATE = 0.1  # of learning, unless another is given

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
        """Stop at this name from now on; raises KeyError for a name that no step has."""
        self.set_to([*self._names, value])

    def discard(self, value: str) -> None:
        """Do not stop at this name any more."""
        self.set_to(self._names - {value})

    def update(self, names: Iterable[str]) -> None:
        """Stop at all of these from now on."""
        self.set_to([*self._names, *names])

    def clear(self) -> None:
        """Stop nowhere."""
        self.set_to(())

    def set_to(self, names: Iterable[str]) -> None:
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
    """The steps for one set of leaf values: forward, backward and, once there is one, the update."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        with CollectorPaused(), np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            self.graph_steps = steps_of(program_of(graph))
        self.updates: list[Step] = []

    @cached_property
    def next_updates(self) -> list[Step]:
        """The update that a page may make, where each parameter has one gradient."""
        try:
            with np.errstate(all="ignore"):
                return update_steps(self.graph, RATE)
        except ValueError:
            return []

    @property
    def steps(self) -> list[Step]:
        """All steps in order."""
        return [*self.graph_steps, *self.updates]


class Stepper:
    """A walk through a graph, forward and then backward, one statement at a time.

    `current` is the step just taken, None at the start; `position` is the number of steps taken; `steps` are all steps;
    `breakpoints` are the names at which `run` stops. A step has `phase`, `name`, `equation`, `numbers`, `value`, `upstream`,
    `local`, `contribution`, `contributions` and `place`. Computes the gradients of the parameters if the graph has none yet.

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
        self._first = Chapter(program_of(graph, level).graph)  # in which every statement has a name
        self._set_chapters([self._first])
        self.position = 0
        self._breakpoints = Breakpoints(self._check_name, self._marked)
        self.watchers: list[Callable[[bool], None]] = []  # called when the walk moved (False) or its numbers changed (True)
        self._example: int | None = None

    def _set_chapters(self, chapters: list[Chapter]) -> None:
        self.chapters = chapters
        self._steps = tuple(step for chapter in chapters for step in chapter.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, also those not yet taken."""
        return self._steps

    @property
    def chapter(self) -> Chapter:
        """The chapter that the cursor is in."""
        position = self.position
        for chapter in self.chapters[:-1]:
            if position < len(chapter.steps):
                return chapter
            position -= len(chapter.steps)
        return self.chapters[-1]

    @property
    def graph(self) -> Graph:
        """The graph with the leaf values of the current chapter."""
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
        self._breakpoints.set_to([names] if isinstance(names, str) else names)

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
        """Undo the last step and return the one before it; raises WalkError at the start."""
        if not self.position:
            raise WalkError("the walk is at its start: call step() or run()")
        self._move(self.position - 1)
        return self.current

    def rewind(self) -> None:
        """Go back to the start."""
        self._move(0)

    def run(self, until: Until = None) -> Step | None:
        """Step to the step of a name, to the first step for which a function is true, or to the next breakpoint or the end.

        Raises KeyError for a name that no step ahead has, ValueError for a condition that no step ahead meets, TypeError for
        anything else; the cursor then does not move.
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
        return f"no step is called {name!r}: {suggestion(name, (step.name for step in self.steps))}"

    def _check_name(self, name: Any) -> None:
        """Raise a KeyError for a breakpoint at which `run` would never stop."""
        if not isinstance(name, str):
            raise TypeError(self._no_name(name, "breakpoints.add({})"))
        if all(step.name != name for step in self.steps):
            raise KeyError(self._not_ahead(name))

    def _no_name(self, given: Any, call: str) -> str:
        """The message for a node, a number or a function in place of a step's name."""
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
        """Give leaves other values, `s.set(w1=0.9)`, and recompute everything; the cursor stays, later chapters are dropped.

        Raises KeyError for a name that no leaf has, ValueError for another shape, TypeError for a value that is not real.
        """
        graph = self.graph
        leaf_names = {program_of(graph).name(leaf): leaf for leaf in program_of(graph).leaves}
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
        earlier = self.chapters[: self.chapters.index(self.chapter)]
        changed = Chapter(graph.with_leaves(values))
        self._set_chapters([*earlier, changed])
        self._move(min(self.position, sum(len(x.steps) for x in self.chapters)), changed=True)

    def update(self, learning_rate: float = RATE) -> Step:
        """Finish the chapter with `w := w - learning_rate * dw` for every parameter, and add the next one.

        The cursor is then behind the last update; `run()` walks through the next chapter. Raises ValueError for a learning rate
        that is not a finite number, and where no parameter has a gradient.
        """
        rate = _finite(learning_rate)
        chapter = self.chapter
        with np.errstate(all="ignore"):  # a rate that is too large shows in the walk
            updates = update_steps(chapter.graph, rate)
        if not updates:
            raise ValueError("no tg.parameter has a gradient here, so there is nothing to update")
        following = Chapter(chapter.graph.with_leaves({step.node: step.value for step in updates}))
        walked = self.chapters[: self.chapters.index(chapter) + 1]
        chapter.updates = updates
        self._set_chapters([*walked, following])
        self._move(sum(len(x.steps) for x in walked), changed=True)
        return updates[-1]

    def reset(self) -> None:
        """Give all leaves their recorded values again, and drop all updates."""
        self._first.updates = []
        self._set_chapters([self._first])
        self._move(min(self.position, len(self.steps)), changed=True)

    # Looking

    @property
    def example(self) -> int | None:
        """The one example to show, counted from 0 along the first axis; None for the whole batch."""
        return self._example

    @example.setter
    def example(self, index: int | None) -> None:
        from tinygraph.stepping.examples import check_example

        check_example(self.graph, index)
        self._example = None if index is None else operator.index(index)
        self._move(self.position, changed=True)

    @property
    def lens(self) -> Example | None:
        """The result of the current step for the example `example`; None where there is none."""
        from tinygraph.stepping.examples import example_of

        current = self.current
        return None if current is None or self._example is None else example_of(self.graph, current, self._example)

    def page(self) -> str:
        """The walk as one HTML file, which computes with other leaves too and needs neither a kernel nor a network."""
        from tinygraph.stepping.page import page

        return page(self)

    def widget(self) -> Any:
        """The walk as a notebook widget: leaves change in the kernel, and `current` follows the browser.

        Needs the extra `widget`; without it raises ImportError with the line to install it.
        """
        try:
            from tinygraph.stepping.widget import Widget
        except ImportError as error:
            raise ImportError('the widget needs anywidget: pip install "tinygraph-autodiff[widget]"') from error
        return Widget(self)

    def save(self, path: str | Path) -> Path:
        """Write the walk to a file in the format of its ending; returns the path.

        - .html: the page, as `page()` gives it
        - .json: what the page holds, as plain data
        - .svg: one pass through the graph as an animated picture, without a script
        - .gif: the same for places that show no SVG; needs the extra `export`

        Raises ValueError for another ending, LayoutError where a picture is needed and its layout fails, ImportError, with the
        line to install it, without the extra.
        """
        from tinygraph.stepping.export import WRITERS

        return save(self, path, WRITERS)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from tinygraph.draw.view import frame
        from tinygraph.stepping.page import HEIGHT
        from tinygraph.stepping.pictures import laid_out, picture

        pictured = picture(self.chapter)._repr_mimebundle_() if laid_out(self).svg else {}
        return {**pictured, "text/html": frame(self.page(), repr(self), HEIGHT), "text/plain": str(self)}

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
    """A learning rate as a number; raises ValueError for anything that is not a finite number."""
    try:
        value = float(rate) if isinstance(rate, Real) and not isinstance(rate, bool) else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"learning_rate={rate!r:.50} must be a finite number")
    return value
