"""Random programs: what holds of every program, shown on thousands that nobody wrote.

Each property has programs of its own, a third of which steer Python or take answers out of values. What is right is what NumPy
makes of the same program on plain arrays, or what a fresh recording gives. A failure shows the program and its seed;
`TINYGRAPH_FUZZ` is the number of programs for each property.
"""

from __future__ import annotations

import os
import pickle
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import any_ranks
from tests.random_programs import FILENAME, UNSAFE, Program, lines, random_program
from tinygraph.program.statements import program_of as printed

OUTCOMES: Counter[str] = Counter()  # how programs ended, so that no property holds because nothing was compared
FUZZ = int(os.environ.get("TINYGRAPH_FUZZ", "100"))  # programs for each property; 5000 for the full run


@contextmanager
def shown(program: Program) -> Iterator[None]:
    """Show the program where something is wrong with it, and leave warnings of numbers to the last property."""
    try:
        with any_ranks(), np.errstate(all="ignore"), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            # An argument such as `by=2` may have been computed of a size that it is equal to.
            warnings.filterwarnings("ignore", ".* stays the number that was recorded", UserWarning)
            yield
    except BaseException as error:
        error.add_note(str(program))
        raise


def programs(number: int, **settings: Any) -> Iterator[Program]:
    """The programs of one property."""
    for seed in range(FUZZ):
        yield random_program(number, seed, steering=seed % 3 == 0, **settings)


def bits(x: Any) -> tuple[Any, ...]:
    """Shape, dtype and bytes."""
    array = np.asarray(x)
    return array.shape, array.dtype.str, array.tobytes()


def parameters(graph: tg.Graph) -> list[tg.Node]:
    """The parameters that the output depends on."""
    grads = graph.backprop()
    return [node for node in graph.forward if node.kind == "parameter" and node in grads]


def by_name(graph: tg.Graph) -> dict[str, Any]:
    """Every named value and gradient."""
    return {name: graph[name].value for name in graph.names}


def assert_near(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    """Equal in shape, NaN and infinities, and within the tolerance of the largest number there."""
    assert np.shape(actual) == np.shape(expected), what
    finite = np.abs(np.where(np.isfinite(expected), expected, 0))
    scale = max(1.0, float(np.max(finite, initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what)


# 1. Gradients are those of differences, taken in long doubles.

STENCIL = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))


class Differences:
    """The loss of a program on plain arrays, and its derivatives by differences."""

    def __init__(self, program: Program, values: Mapping[str, Any]) -> None:
        self._program = program
        exact = np.float64 if "float64" in program.tags else np.longdouble  # LAPACK has no more
        self._values = {name: x.astype(exact) if getattr(x, "dtype", "") in ("f4", "f8") else x for name, x in values.items()}
        self.step, self.tolerance = (1e-4, 1e-9) if exact is np.longdouble else (1e-3, 1e-6)

    def loss(self, moved: Mapping[str, Any]) -> Any:
        """The loss where some leaves have moved."""
        values = {name: x + moved[name] if name in moved else x for name, x in self._values.items()}
        return self._program.run(values)["L"]

    def slope(self, direction: Mapping[str, Any]) -> float | None:
        """The derivative in a direction, or None at or near a kink, where differences cannot decide."""

        def along(step: float) -> Any:
            return self.loss({name: step * x for name, x in direction.items()})

        here = along(0.0)
        found, bends = [], []
        for step in (self.step, self.step / 4):
            ends = {k: along(k * step) for k, _ in STENCIL}
            found.append(sum(weight * ends[k] for k, weight in STENCIL) / step)
            bends.append(abs(ends[1] - 2 * here + ends[-1]) / step)
        smooth = bends[1] < max(0.5 * bends[0], 1e3 * self.tolerance * max(1.0, abs(found[1])) * self.step + 1e-7)
        agree = abs(found[1] - found[0]) <= self.tolerance * max(1.0, abs(found[1]))
        return float(found[1]) if smooth and agree and np.isfinite(found[1]) else None

    def bend(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
        """The second derivative in two directions, or None where differences cannot decide."""

        def slope(step: float) -> Any:
            corners = [(i, j) for i in (1, -1) for j in (1, -1)]
            ends = [i * j * self.loss({name: step * (i * one[name] + j * other[name]) for name in one}) for i, j in corners]
            return sum(ends) / (4 * step**2)

        found = [(4 * slope(step) - slope(2 * step)) / 3 for step in (10 * self.step, 5 * self.step)]
        smooth = self.slope(one) is not None and self.slope(other) is not None
        agree = abs(found[1] - found[0]) <= 1e-6 * max(1.0, abs(found[1]))
        return float(found[1]) if smooth and agree and np.isfinite(found[1]) else None


def gradients_are_those_of_differences(program: Program) -> None:
    values = program.values(4, 1)
    if not program.on_arrays(values)[0]:
        return  # the values that it was made on took another way
    graph = program.graph(values)
    grads = graph.backprop()
    differences = Differences(program, values)
    rng = np.random.default_rng(program.seed)
    rounded = 2e-3 if any(leaf.dtype == "float32" for leaf in program.leaves.values()) else 0.0
    names = [graph.name(node) for node in parameters(graph)]
    for name in names:
        assert name is not None
        gradient = grads[name].value
        assert bits(gradient)[:2] == bits(values[name])[:2]
        for entry in [tuple(map(int, rng.integers(np.shape(gradient)))) for _ in range(2)]:
            direction = np.zeros(np.shape(gradient))
            direction[entry] = 1
            slope = differences.slope({name: direction[()]})
            OUTCOMES["a kink" if slope is None else "a slope compared"] += 1
            if slope is not None:
                assert_near(gradient[entry], slope, max(rounded, 50 * differences.tolerance), f"d{name}{list(entry)}")
    if program.seed[-1] % 4 == 0 and not rounded:
        bends_are_those_of_differences(program, graph, differences, [name for name in names if name is not None])


def bends_are_those_of_differences(program: Program, graph: tg.Graph, differences: Differences, names: list[str]) -> None:
    rng = np.random.default_rng([*program.seed, 2])
    one, other = ({name: rng.normal(size=graph[name].shape)[()] for name in names} for _ in range(2))
    grads = graph.backprop()
    slope: Any = sum(np.sum(grads[name] * one[name]) for name in names)
    expected = differences.bend(one, other)
    second = 0.0
    for name in names:
        try:
            (g,) = tg.gradients(slope, graph[name])
        except ValueError:  # the slope does not depend on it
            continue
        second += float(np.sum(g * other[name]))
    if "singular" in program.tags and np.isnan(second):  # as that of a norm at 0 is
        expected = None
    OUTCOMES["a kink" if expected is None else "a second derivative compared"] += 1
    if expected is not None:
        assert_near(second, expected, 1e-4, "the second derivative")


def executed(graph: tg.Graph, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The output and the gradients by the printed function of a graph, or none and why it is refused."""
    try:
        output, gradients = graph.function()(**given)
    except ValueError as error:
        return {}, str(error)
    return {"L": output, **gradients}, ""


# 2. A printed program is the same at another batch size, or says that it is not.


def function_holds_at_other_sizes(program: Program) -> None:
    rng = np.random.default_rng(program.seed)
    sizes = rng.permutation(7) + 1 if rng.random() < 0.5 else rng.permutation(4) + 2
    recorded, other = (int(n) for n in sizes[:2])
    values = program.values(recorded, 1)
    before = program.on_arrays(values)
    if not before[0]:
        return  # it takes no such batch
    graph = program.graph(values)
    graph.backprop()
    drawn = program.values(other, 2)
    read = {name for name in program.leaves if name in graph and graph[name].op is None}
    given = {printed(graph).name(leaf): leaf.value for leaf in printed(graph).leaves} | {name: drawn[name] for name in read}
    # What the graph does not read keeps the value by which Python decided, unless that is of the recorded size.
    drawn |= {name: values[name] for name in program.leaves if name not in read and "n" not in program.leaves[name].shape}
    after = program.on_arrays(drawn)
    if not after[0]:
        return
    fresh = program.graph(drawn)
    fresh.backprop()
    # An entry of an array, such as `labels[0]`, is a leaf of its own.
    entries = {printed(fresh).name(leaf): leaf.value for leaf in printed(fresh).leaves}
    given |= {name: entries[name] for name in given.keys() & entries.keys() - read}
    results, refusal = executed(graph, given)
    OUTCOMES["refused at another size" if refusal else "run at another size"] += 1
    if refusal:
        assert re.search("size|shape|entries along an axis|recorded", refusal), refusal
        return
    if before[1] != after[1]:
        assert any("n" in program.leaves[name].shape for name in program.leaves if name not in read), "it decided otherwise"
        return
    for name, x in results.items():
        assert_near(x, fresh[name].value, program.rounding, name)


# 3. A replay on other values is a fresh recording of the program on these values, to the last bit, or says that Python would
#    decide otherwise.


def other_values(program: Program, values: Mapping[str, Any], graph: tg.Graph) -> dict[str, Any]:
    """Other values for all the leaves of a graph, for one, or nearly the same ones for all."""
    rng = np.random.default_rng([*program.seed, 3])
    drawn = program.values(4, 2)
    names = [name for name in program.leaves if name in graph and graph[name].op is None]
    kind = rng.integers(4) if rng.random() < 0.5 else 0
    if kind == 0:
        return {name: drawn[name] for name in names}
    if kind == 1:
        name = names[rng.integers(len(names))]
        return {name: drawn[name]}
    floats = [name for name in names if np.asarray(values[name]).dtype.kind == "f" and name != "labels"]
    scale = (0.3, 0.01)[kind - 2]
    return {name: (values[name] + scale * drawn[name]).astype(values[name].dtype) for name in floats}


def replays_are_fresh_recordings(program: Program) -> None:
    values = program.values(4, 1)
    before = program.on_arrays(values)
    if not before[0]:
        return  # the values that it was made on took another way
    graph = program.graph(values)
    graph.backprop()
    changed = other_values(program, values, graph)
    after = program.on_arrays(values | changed)
    same_way = before[1] == after[1]
    OUTCOMES["replayed the same way" if same_way else "refused to replay another way"] += 1
    expected = None
    if same_way:
        fresh = program.graph(values | changed)
        fresh.backprop()
        expected = by_name(fresh)
        for name, x in program.names(after[0]).items():
            if name in expected and name not in program.leaves:
                assert expected[name].dtype == np.asarray(x).dtype, f"{name} on nodes and on arrays"
                assert_near(expected[name], x, program.rounding, f"{name} on nodes and on arrays")
    loaded = pickle.loads(pickle.dumps(graph))
    for label, start in (("", graph), ("pickled: ", loaded)):
        replay(label + "with_leaves", lambda start=start: start.with_leaves({start[k]: x for k, x in changed.items()}), expected)
    replay("stepper.set", lambda: stepped(graph, changed), expected)
    replay("a replay of a replay", lambda: graph.with_leaves({}).with_leaves({}), by_name(graph))
    printed_is_a_replay(program, graph, values | changed, expected)


def stepped(graph: tg.Graph, changed: Mapping[str, Any]) -> tg.Graph:
    stepper = graph.stepper()
    stepper.set(**changed)
    return stepper.graph


def replay(label: str, run: Callable[[], tg.Graph], expected: Mapping[str, Any] | None) -> None:
    """A replay gives what is expected, or DecisionError where nothing is."""
    if expected is None:
        with pytest.raises(tg.DecisionError):
            run()
        return
    actual = by_name(run())
    assert actual.keys() >= expected.keys(), label  # a stepper names more
    for name, x in expected.items():
        assert bits(actual[name]) == bits(x), f"{label}: {name} is {actual[name]}, not {x}"


def printed_is_a_replay(program: Program, graph: tg.Graph, values: Mapping[str, Any], expected: Mapping[str, Any] | None) -> None:
    """The printed function does the same on the recorded size; it may also hold a leaf to the value that Python decided by."""
    given = {printed(graph).name(leaf): leaf.value for leaf in printed(graph).leaves}
    if expected is not None:  # an entry of an array, such as `labels[0]`, is an argument of its own
        given |= {name: expected[name] for name in given.keys() & expected.keys()}
    results, refusal = executed(graph, {name: values.get(name, x) for name, x in given.items()})
    # How many entries a mask keeps is a size, which may have to be the recorded one.
    allowed = "decided by it" in refusal or ("mask" in program.tags and "recorded holds for size" in refusal)
    assert bool(refusal) == (expected is None) or allowed, refusal or "it decided otherwise in silence"
    for name, x in results.items():
        assert expected is not None
        assert_near(x, expected[name], program.rounding, f"function(): {name}")


# 4. Forward and reverse products agree, and gradients have the same bits on arrays and on nodes.


def products_agree(program: Program) -> None:
    values = program.values(4, 1)
    if not program.on_arrays(values)[0]:
        return  # the values that it was made on took another way
    graph = program.graph(values)
    wrt = parameters(graph)
    names = [str(graph.name(node)) for node in wrt]
    rng = np.random.default_rng([*program.seed, 4])
    for node, g in zip(wrt, tg.gradients(graph.outputs[0], *wrt), strict=True):
        assert bits(g) == bits(graph.backprop(wrt=[node])[node].value), f"d{graph.name(node)} on arrays and on nodes"
    made = [line.template.partition(" ")[0] for line in program.body]
    target = str(rng.choice(["L", *made]))

    def function(*arguments: Any) -> Any:
        given = program.arguments(values) | dict(zip(names, arguments, strict=True))
        return program.run(given)[target]

    primals = [values[name] for name in names]
    tangents = [rng.normal(size=np.shape(x)).astype(x.dtype)[()] for x in primals]
    value, tangent = tg.jvp(function, primals, tangents)
    again, pull = tg.vjp(function, *primals)
    assert bits(value) == bits(again)
    if np.asarray(value).dtype.kind != "f":
        return
    seed = rng.normal(size=np.shape(value)).astype(np.asarray(value).dtype)[()]
    OUTCOMES["products compared"] += 1
    forward = float(np.sum(np.asarray(seed, float) * tangent))
    pulled = pull(seed)
    backward = sum(float(np.sum(np.asarray(g, float) * t)) for g, t in zip(pulled, tangents, strict=True))
    parts = [np.sum(np.abs(np.asarray(g, float) * t)) for g, t in zip(pulled, tangents, strict=True)]
    assert_near(forward / max(1.0, *parts), backward / max(1.0, *parts), program.rounding, f"products of {target}")


# 5. A NumPy function raises where NumPy's own run of the program does, and nowhere else.

EDGES = [0.0, -0.0, 1e-300, -1e-300, 1e300, -1e300, 1e-160, 1e160, 5e-324, 710.0, -746.0, 1.0, -1.0, 0.5, 3.0, 1e8]


def at_edges(program: Program, draw: int) -> dict[str, Any]:
    """Values of which some are tiny, huge or 0."""
    rng = np.random.default_rng([*program.seed, draw])
    values = program.values(3, draw)
    for name, x in values.items():
        if program.leaves[name].dtype == "float64" and program.leaves[name].role != "number":
            edges = rng.choice(EDGES, size=np.shape(x))
            values[name] = np.where(rng.random(np.shape(x)) < 0.3, edges, x)[()]
    return values


def failing_line(run: Callable[[], Any]) -> tuple[int, str] | None:
    """The line of the program at which a number made NumPy raise, and which kind of number."""
    try:
        with np.errstate(all="raise"):
            run()
    except FloatingPointError as error:
        line = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILENAME][-1]
        kinds = ("divide by zero", "overflow", "underflow", "invalid value")
        return line or 0, next(kind for kind in kinds if kind in str(error) + str(error.__cause__))
    return None


def raises_where_numpy_raises(program: Program) -> None:
    values = at_edges(program, 1)
    expected = failing_line(lambda: program.run(values))
    arguments = program.arguments(values)
    OUTCOMES["raised" if expected else "did not raise"] += 1
    assert failing_line(lambda: program.run(arguments)) == expected


PROMISES = lines(
    "tg.sigmoid({x})", "tg.softplus({x})", "tg.softmax({v})", "tg.log_softmax({v})", "tg.logsumexp({v})", "tg.relu({x})",
    "tg.softmax({v}, axis=0)", "tg.logsumexp({v}, axis=-1)", "np.logaddexp({x}, {x})", "tg.log_softmax({v}, axis=0)",
    "tg.binary_cross_entropy_with_logits({w}, {labels})", "tg.softmax_cross_entropy({m}, {classes})",
    "tg.binary_cross_entropy_with_logits({w}, {labels}, reduction='none')",
    "tg.binary_cross_entropy_with_logits({w}, {labels}, reduction='sum')",
)  # fmt: skip
LOGITS = [0.0, 1000.0, -1000.0, 745.0, -745.0, 36.0, -37.0, 1e-300, 5e-324, -1e-310, 1e300, -1e300, 700.0, -708.0]


def promises_hold(program: Program) -> None:
    """The ops that promise it are finite and silent at any finite number, on arrays and on nodes, and so are their gradients."""
    rng = np.random.default_rng([*program.seed, 1])
    values = program.values(3, 1)
    for name, x in values.items():
        if program.leaves[name].dtype == "float64" and program.leaves[name].role != "number":
            values[name] = np.where(rng.random(np.shape(x)) < 0.6, rng.choice(LOGITS, size=np.shape(x)), x)[()]
    alone = replace(program, terms=("v1",))
    if not alone.on_arrays(values)[0]:
        return  # labels that do not fit
    with np.errstate(all="raise"):
        assert np.all(np.isfinite(alone.run(values)["L"]))
        output = alone.run(program.arguments(values))["L"]
        assert np.all(np.isfinite(output.value))
        wrt = [x for x in output.inputs if isinstance(x, tg.Node) and x.kind == "parameter"]
        if wrt:
            found = tg.gradients(output, *dict.fromkeys(wrt), seed=np.ones(output.shape)[()])
            assert all(np.all(np.isfinite(g)) for g in found)


def any_result(value: Any) -> bool:
    """Whether a result may go into further lines, however large it is."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f" and 0 < value.size < 60 and value.ndim < 4


STEERED = frozenset(["decision", "answer", "mask", "beside", "mixed"])
PROPERTIES: dict[str, tuple[Callable[[Program], None], dict[str, Any]]] = {
    "gradients are those of differences": (gradients_are_those_of_differences, {"without": frozenset(["mixed", "stopped"])}),
    "function() holds at other sizes": (function_holds_at_other_sizes, {"without": frozenset(["length"])}),
    "replays are fresh recordings": (replays_are_fresh_recordings, {}),
    "products agree": (products_agree, {}),
    "raises where NumPy raises": (
        raises_where_numpy_raises,
        {"vocabulary": [UNSAFE], "check": any_result, "without": frozenset(["decision"])},
    ),
    "promises hold": (promises_hold, {"vocabulary": [PROMISES], "check": any_result, "length": 1, "without": STEERED}),
}


OFTEN = {
    "gradients are those of differences": ("a slope compared", "a second derivative compared"),
    "function() holds at other sizes": ("run at another size",),
    "replays are fresh recordings": ("replayed the same way", "refused to replay another way"),
    "products agree": ("products compared",),
    "raises where NumPy raises": ("raised", "did not raise"),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_of_random_programs(name: str) -> None:
    holds, settings = PROPERTIES[name]
    OUTCOMES.clear()
    for program in programs(list(PROPERTIES).index(name), **settings):
        with shown(program):
            holds(program)
    print(f"{FUZZ:,} programs: {dict(OUTCOMES)}")
    assert all(OUTCOMES[outcome] > FUZZ / 50 for outcome in OFTEN.get(name, ()))
