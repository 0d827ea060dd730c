"""Right homework, computed in the many ways in which people compute: none of it may be called wrong."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from tests.homework import PROGRAMS, SQUARES, Change, Program, Values, computed, function_of, graph_of, homework


class Answer(NamedTuple):
    """Right answers to a graph's values and gradients."""

    label: str
    graph: tg.Graph
    given: Values


class Task(NamedTuple):
    """A program, its data, and one student: what is written otherwise, and other random choices."""

    program: Program
    data: Values
    changes: tuple[Change, ...]
    rng: np.random.Generator


Way = Callable[[Task], tuple[tg.Graph, Values]]


def as_written(task: Task) -> tuple[tg.Graph, Values]:
    return graph_of(task.program, task.data), homework(task.program, task.data)


def in_single_precision(task: Task) -> tuple[tg.Graph, Values]:
    single = converted(task.data, np.float32)
    answers = homework(task.program, single, task.changes)
    assert all(np.asarray(value).dtype == np.float32 for name, value in answers.items() if name.startswith("d"))
    return graph_of(task.program, converted(single, np.float64)), answers


def in_long_double(task: Task) -> tuple[tg.Graph, Values]:
    return graph_of(task.program, task.data), homework(task.program, converted(task.data, np.longdouble), task.changes)


def of_a_graph_in_single_precision(task: Task) -> tuple[tg.Graph, Values]:
    single = converted(task.data, np.float32)
    return graph_of(task.program, single), homework(task.program, converted(single, np.float64), task.changes)


def in_another_order(task: Task) -> tuple[tg.Graph, Values]:
    """The examples in another order; what there is for each of them is not given."""
    rows = task.program.rows
    if not rows:
        return otherwise(task)
    order = task.rng.permutation(next(task.data[name].shape[axis] for name, axis in rows.items()))
    data = {name: np.take(value, order, rows[name]) if name in rows else value for name, value in task.data.items()}
    answers = homework(task.program, data, task.changes)
    given = [f"d{name}" for name in task.program.parameters.split() if name not in rows]
    return graph_of(task.program, task.data), {name: answers[name] for name in [*given, task.program.loss]}


def otherwise(task: Task) -> tuple[tg.Graph, Values]:
    return graph_of(task.program, task.data), homework(task.program, task.data, task.changes)


def as_lists(task: Task) -> tuple[tg.Graph, Values]:
    graph, answers = otherwise(task)
    return graph, {name: np.asarray(value).tolist() for name, value in answers.items()}


def as_nodes(task: Task) -> tuple[tg.Graph, Values]:
    graph, answers = otherwise(task)
    return graph, {name: tg.constant(value) for name, value in answers.items() if name in computed(graph)}


def as_functions(task: Task) -> tuple[tg.Graph, Values]:
    """Each statement of a backward pass without loops as a function of the graph's values."""
    graph, answers = otherwise(task)
    known = {name: value for name, value in answers.items() if isinstance(value, int | float) and name not in graph.names}
    backward = changed(task.program.backward, task.changes)
    right = {} if "for " in task.program.backward else dict(re.findall(r"^(\w+) = (.*)$", backward, re.MULTILINE))
    return graph, {name: function_of(right[name], graph, known) if name in right else answers[name] for name in answers}


def some(task: Task) -> tuple[tg.Graph, Values]:
    """A few answers in single precision."""
    graph, answers = in_single_precision(task)
    gradients = [name for name in answers if name.startswith("d") and name in computed(graph)]
    return graph, {name: answers[name] for name in task.rng.permutation(gradients)[: task.rng.integers(1, 3)].tolist()}


WAYS: tuple[Way, ...] = (
    as_written, in_single_precision, in_long_double, of_a_graph_in_single_precision, in_another_order, otherwise, as_lists,
    as_nodes, as_functions, some,
)  # fmt: skip
SCALES = (1.0, 1e-3, 1e3)


def converted(data: Values, dtype: Any) -> Values:
    """The same data in another dtype."""
    return {name: np.asarray(value).astype(dtype)[()] for name, value in data.items()}


def changed(text: str, changes: tuple[Change, ...]) -> str:
    """The text with its changes."""
    for old, new in changes:
        text = text.replace(old, new)
    return text


def ways_of_writing(program: Program) -> Iterator[tuple[str, Change]]:
    """The statements that may be written otherwise, each with one change that does so."""
    for name, others in program.others.items():
        (line,) = re.findall(rf"^ *{re.escape(name)} = .*\n", program.backward, re.MULTILINE)
        indent = line[: -len(line.lstrip())]
        yield from ((name, (f"\n{line}", f"\n{indent}{name} = {other}\n")) for other in others)


def written_otherwise(program: Program, rng: np.random.Generator) -> tuple[Change, ...]:
    """Some statements, each written in another way."""
    by_name: dict[str, list[Change]] = {}
    for name, change in ways_of_writing(program):
        by_name.setdefault(name, []).append(change)
    return tuple(options[rng.integers(len(options))] for options in by_name.values() if rng.random() < 0.6)


def balanced(program: Program, data: Values) -> Values:
    """The data with the bias at which its own gradient is a sum of terms that cancel; the loss is convex in it."""
    name = program.balance
    size = 20 * max(1.0, float(np.max(np.abs(data[name]))))  # not so far that a sigmoid is exactly 0 or 1
    low, high = data[name] - size, data[name] + size
    for _ in range(70):
        middle = (low + high) / 2
        positive = homework(program, data | {name: middle})[f"d{name}"] > 0
        low, high = np.where(positive, low, middle)[()], np.where(positive, middle, high)[()]
    assert np.all(np.abs(homework(program, data | {name: middle})[f"d{name}"]) < 1e-12 * size)
    return data | {name: middle}


def least_squares(data: Values) -> Values:
    """The data of a linear regression at its solution, where every gradient is 0."""
    X = np.column_stack([data["X"], np.ones(len(data["y"]))])
    *w, b = np.linalg.lstsq(X, data["y"])[0]
    return data | {"w": np.array(w), "b": b}


def right_answers(count: int) -> Iterator[Answer]:
    """Random right answers: the programs in turn, each with every way and scale, some where gradients cancel."""
    programs = tuple(PROGRAMS.values())
    for i in range(count):
        rng = np.random.default_rng([11, i])
        program, way, scale = programs[i % len(programs)], WAYS[i // len(programs) % len(WAYS)], SCALES[rng.integers(3)]
        data = program.data(rng, scale)
        cancelling = rng.random() < 0.4
        if cancelling and program is SQUARES and rng.random() < 0.5:
            data = least_squares(data)
        elif cancelling and program.balance:
            data = balanced(program, data)
        graph, answers = way(Task(program, data, written_otherwise(program, rng), rng))
        label = f"{i}: {program.name} {way.__name__}, scale {scale:g}" + ", cancelling" * (cancelling and bool(program.balance))
        yield Answer(label, graph, {name: value for name, value in answers.items() if name in computed(graph)})
