"""Groups of scalar nodes: the numbers of the engine, by few calls of NumPy."""

import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tinygraph.backprop import reached, sweep
from tinygraph.compiler.grouping import Recorded, Sums, count_groups
from tinygraph.compiler.groups import Groups
from tinygraph.compiler.scalars import reason_against
from tinygraph.ops.declaration import EMPTY
from tinygraph.ops.declare import REGISTRY

Function = Callable[..., Any]


def recorded(function: Function, values: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """The outputs of a function of parameters, and those."""
    leaves = [tg.parameter(value) for value in values]
    outputs = function(*leaves)
    return (outputs if isinstance(outputs, tuple) else (outputs,)), leaves


def grouped(function: Function, values: Sequence[Any]) -> Groups:
    outputs, leaves = recorded(function, values)
    nodes = reached([*outputs, *leaves])
    assert reason_against(nodes) == ""
    return Groups(nodes, outputs, leaves, leaves)


def by_the_engine(function: Function, values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    outputs, leaves = recorded(function, values)
    found = sweep(outputs[0], leaves, np.ones_like(outputs[0].value))
    return [x.value for x in outputs], [found.get(leaf, np.zeros_like(leaf.value)) for leaf in leaves]


def check(function: Function, *several: Sequence[Any]) -> Groups:
    """Check that groups recorded at the first of several values compute what the engine computes at each of them, twice."""
    step = grouped(function, several[0])
    precision = 1e-12 if all(np.asarray(x).dtype == np.float64 for x in several[0]) else 1e-5
    for values in [*several, *several]:
        expected = by_the_engine(function, values)
        found = step(*values)
        assert [x.dtype for part in found for x in part] == [x.dtype for part in expected for x in part]
        assert all(isinstance(x, np.generic) for part in found for x in part)
        scale = max([1.0, *(abs(x) for part in expected for x in part if np.isfinite(x))])
        for part, exact in zip(found, expected, strict=True):
            np.testing.assert_allclose(part, exact, rtol=0, atol=scale * precision)
    return step


def neurons(*values: Any) -> Any:
    """The loss of a little network, neuron by neuron, as micrograd has it; three weights each."""
    first, second, last = values[:3], values[3:6], values[6:9]
    losses = []
    for x, y, label in ((0.5, -1.0, 1), (2.0, 0.25, -1), (-0.75, 1.5, 1), (0.1, 0.2, -1)):
        hidden = [tg.relu(w * x + v * y + b) for w, v, b in (first, second)]
        score = sum((w * h for w, h in zip(last, hidden, strict=False)), last[2])
        losses.append(tg.relu(1 + -label * score))
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in values)


FIRST, OTHER = (0.7, -1.3, 2.1), (-0.4, 0.9, 1.7)
FUNCTIONS: dict[str, Function] = {
    "a product": lambda x, y, z: x * y + z,
    "a node read twice by one reader": lambda x, y, z: x * x + (y + y) * z,
    "a leaf as the output": lambda x, y, z: x,
    "a leaf as a further output": lambda x, y, z: (x * y, z, y),
    "an output inside a sum": lambda x, y, z: (lambda s: (s + z, s))(x + y),
    "leaves that are not reached": lambda x, y, z: np.exp(y),
    "no gradient at all": lambda x, y, z: tg.stop_gradient(x) * 2,
    "a branch without a gradient": lambda x, y, z: tg.stop_gradient(np.log(x * x)) * y + z,
    "numbers on either side": lambda x, y, z: (2 - x) * 3 + 1 / (y * y + 1) - z / 4 + (5 - z) + 2**x,
    "powers": lambda x, y, z: x**2 + y**3 + (x * x) ** 0.5 + z**0 + (y * y + 1) ** x,
    "negation": lambda x, y, z: -x * -(y - z),
    "a running difference": lambda x, y, z: x - y - z - x * y - 2 - y * z,
    "sums in sums": lambda x, y, z: (x + y) + (z + (x * y + (y * z + x))) + ((x - y) - (z - x)),
    "a sum that two nodes read": lambda x, y, z: (lambda s: s * x + s)(x + y + z),
    "a total on the right": lambda x, y, z: x + (y + (z + (x * y + (x * z + 1)))),
    "maxima": lambda x, y, z: np.maximum(x, y) + np.minimum(y, z) + np.maximum(0, z) + np.clip(x, -1, 1),
    "ties": lambda x, y, z: np.maximum(x, x * 1) + np.minimum(y, y + 0) + tg.relu(z - z) + abs(x - x),
    "where": lambda x, y, z: np.where(x > y, x * y, z) + np.where((y > 0) & (z > 1), 1.0, x),
    "functions": lambda x, y, z: np.exp(x) + np.log(y * y) + np.tanh(z) + tg.sigmoid(x) + np.sqrt(abs(y)) + tg.softplus(z),
    "functions of two": lambda x, y, z: np.hypot(x, y) + np.arctan2(y, z) + np.logaddexp(x, z) + np.copysign(x, y),
    "metadata": lambda x, y, z: np.round(x, 1) * y + np.round(y, 2) * z + np.round(z, 1) * x,
    "integers": lambda x, y, z: x * tg.constant(3) + y / tg.constant(2) + z * (tg.constant(3) // 2) + (x > 0) * y,
    "a loss": lambda x, y, z: sum(np.maximum(s, 0) - t * s + np.log1p(np.exp(-abs(s))) for s, t in ((x, 1), (y * z, 0))),
    "sums of different lengths": lambda x, y, z: sum(np.exp(sum([x * i + y for i in range(n)], z)) for n in range(7)),
    "an outer product": lambda x, y, z: sum(np.tanh(a * b) for a in (x, y, z) for b in (x + 1, y - 1)),
    "one factor for all": lambda x, y, z: sum(np.sin(x * b) for b in (y, z, y + z, y - z)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_the_engine(name: str) -> None:
    check(FUNCTIONS[name], FIRST, OTHER)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_keeps_float32(name: str) -> None:
    check(FUNCTIONS[name], np.array(FIRST, np.float32), np.array(OTHER, np.float32))


ELEMENTWISE = [name for name, op in REGISTRY.items() if op.built_in and op.elementwise]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("values", [(0.3, -0.6, 0.9), (1.5, 2.5, -3.25)])
def test_has_every_elementwise_op(name: str, values: Sequence[float]) -> None:
    op = REGISTRY[name]
    params = {key: 1 for key, value in op.defaults.items() if value is EMPTY}

    def function(*leaves: Any) -> Any:
        return sum(op(*[*leaves, *leaves][i : i + len(op.rules)], **params) * (i + 0.5) for i in range(3))

    step, expected = grouped(function, (0.1, 0.2, 0.4)), by_the_engine(function, values)
    for part, exact in zip(step(*values), expected, strict=True):
        np.testing.assert_allclose(part, exact, rtol=1e-11, atol=1e-13)


def test_keeps_a_mixture_of_dtypes() -> None:
    values = np.float32(0.5), 1.5, np.float16(2)
    check(lambda x, y, z: x * y + np.exp(z) * x + (z + 1) * (x - 2) + x * x, values, [-x for x in values])


def test_equals_the_engine_for_a_network_of_neurons() -> None:
    random = np.random.default_rng(0)
    step = check(neurons, random.normal(size=9), random.normal(size=9))
    assert step.count < 15


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["a product", "sums in sums", "maxima", "where", "functions", "a loss", "an outer product"])
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 0.0, -0.0])
def test_equals_the_engine_at_special_values(name: str, special: float) -> None:
    function, values = FUNCTIONS[name], (special, 0.5, special)
    step, expected = grouped(function, FIRST), by_the_engine(function, values)
    for part, exact in zip(step(*values), expected, strict=True):
        np.testing.assert_allclose(part, exact, rtol=1e-12)


VOCABULARY: list[Function] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / (1 + y * y), lambda x, y: x + 0.5,
    lambda x, y: x + y + x * y, lambda x, y: 1 - x, lambda x, y: x * 0.3, lambda x, y: -2 * y, lambda x, y: -x,
    lambda x, y: x**2, lambda x, y: (abs(x) + 0.5) ** np.tanh(y), lambda x, y: np.exp(np.tanh(x)),
    lambda x, y: np.log(x * x + 0.5), lambda x, y: tg.relu(x), lambda x, y: tg.sigmoid(y), lambda x, y: np.tanh(x),
    lambda x, y: np.maximum(x, y), lambda x, y: np.minimum(x, 0.25), lambda x, y: np.where(x > y, x, 0.1 * y),
    lambda x, y: np.clip(x, -1, 1), lambda x, y: abs(x - y), lambda x, y: np.arctan2(x, 0.5 + y * y),
    lambda x, y: tg.stop_gradient(x) * y, lambda x, y: np.logaddexp(x, y), lambda x, y: (x > 0) * y, lambda x, y: np.sin(x),
    lambda x, y: x * tg.constant(2) + y, lambda x, y: np.float32(0.5) * x + y,
]  # fmt: skip
numbers = st.floats(-2, 2).map(lambda x: round(x, 3))
places = st.integers(0, 30)


@settings(deadline=None)
@given(
    lines=st.lists(st.tuples(st.sampled_from(range(len(VOCABULARY))), places, places), min_size=1, max_size=40),
    first=st.lists(numbers, min_size=3, max_size=3),
    other=st.lists(numbers, min_size=3, max_size=3),
    outputs=st.integers(1, 3),
    dtype=st.sampled_from(["float64", "float64", "float32"]),
)
def test_equals_the_engine_for_random_graphs(
    lines: list[tuple[int, int, int]], first: list[float], other: list[float], outputs: int, dtype: str
) -> None:
    def function(*leaves: Any) -> Any:
        found = list(leaves)
        for op, i, j in lines:
            x, y = found[-1 - i % len(found)], found[-1 - j % len(found)]
            found.append(np.tanh(VOCABULARY[op](x, y)))
        return tuple(sum(found[-1 - i :: -3]) for i in range(outputs))

    check(function, np.array(first, dtype), np.array(other, dtype))


def layers(random: np.random.Generator, leaves: Sequence[Any]) -> tuple[Any, ...]:
    """Layers of like nodes, in patterns that scalar code has: neurons on rows of data, dense ones, pairs, sums of any lengths."""
    found = list(leaves)

    def chosen(nodes: Sequence[Any] = leaves) -> Any:
        return nodes[random.integers(len(nodes))]

    for pattern in random.integers(0, 4, random.integers(1, 5)):
        width, op = int(random.integers(1, 6)), chosen(VOCABULARY)
        if pattern == 0:
            rows, shared = random.normal(size=(random.integers(1, 5), 3)).tolist(), chosen(found)
            weights = [([chosen(found) for _ in range(3)], chosen([shared, chosen(found)])) for _ in range(width)]
            new = [sum((w * x for w, x in zip(ws, row, strict=True)), b) for row in rows for ws, b in weights]
        elif pattern == 1:
            new = [sum(w * x for w, x in zip([chosen() for _ in found], found, strict=True)) for _ in range(width)]
        elif pattern == 2:
            new = [op(x, y) for x in found[-5:] for y in leaves]
        else:
            new = [sum([chosen(found) * chosen([1, -1, 0.5]) for _ in range(random.integers(0, 5))], x) for x in found]
        found = [np.tanh(x) for x in new][-40:] + found[: random.integers(0, 3)]
    return sum(found) * 0.1 + sum(p * p for p in leaves), chosen(found)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from(["float64", "float32"]))
def test_equals_the_engine_for_layers(seed: int, count: int, dtype: str) -> None:
    values = np.random.default_rng(seed).normal(size=(2, count)).astype(dtype)
    check(lambda *leaves: layers(np.random.default_rng(seed), leaves), *values)


def test_a_wide_graph_has_few_groups_and_a_long_sum_is_one() -> None:
    def function(x: Any, y: Any) -> Any:
        return sum(np.tanh(x * i + y) * i for i in np.linspace(-1, 1, 500).tolist())

    assert check(function, (0.5, 1.5), (2.0, -1.0)).count == 3


def test_groups_may_be_as_deep_as_the_graph() -> None:
    def function(x: Any) -> Any:
        h = x
        for _ in range(3000):
            h = np.sin(h)
        return h

    assert check(function, (1.0,), (2.0,)).count == 3000


def test_counting_groups_needs_no_groups() -> None:
    h = x = tg.parameter(1.0)
    for _ in range(100):
        h = np.sin(h)
    assert count_groups(Sums(Recorded(reached([h]), [h]))) == 100
    L = sum(np.tanh(x * i) for i in np.linspace(-1, 1, 50).tolist())
    assert count_groups(Sums(Recorded(reached([L]), [L]))) == 3


def test_what_cancels_in_a_term_of_a_sum_cancels() -> None:
    def function(*logits: Any) -> Any:
        return sum(np.maximum(z, 0) - 1 * z + np.log1p(np.exp(-abs(z))) for z in logits)

    values = np.linspace(36, 40, 9)
    np.testing.assert_allclose(grouped(function, np.ones(9))(*values)[0], by_the_engine(function, values)[0], rtol=1e-12)


def test_minus_0_is_a_number_of_its_own() -> None:
    check(lambda x, y: sum(1 / (np.exp(a) * n) for a in (x, y) for n in (0.5, 2.0, 2.0, 0.5)), (1.0, 2.0))
    assert grouped(lambda x, y: (np.copysign(x, 0.0), np.copysign(y, -0.0)), (1.0, 2.0))(3.0, 4.0)[0] == (3, -4)


@pytest.mark.parametrize("value", [np.array(2.0), np.array(2.0, ">f8"), np.array(2.0, ">f4"), np.int8(2), True])
def test_leaves_may_be_stored_in_any_way(value: Any) -> None:
    x, c = tg.parameter(1.5), tg.constant(value, copy=False)
    L = np.exp(x) * c + c
    step = Groups(reached([L]), [L], [x], [x, c])
    assert step(1.5, value) == ((L.value,), tg.gradients(L, x))


def test_integers_meet_numbers_that_they_cannot_be() -> None:
    c, x = tg.constant(np.uint8(3)), tg.parameter(2.0)
    L = (c < 300) * x + (c < 2) * x + (c + 1) * x
    assert Groups(reached([L]), [L], [x], [x])(5.0) == ((25,), (5,))


def test_leaves_that_are_no_arguments_keep_their_values() -> None:
    x, y = tg.parameter(2.0), tg.constant(3.0)
    L = x * y
    step = Groups([x, y, L], [L], [x, y], [x])
    assert step(5.0) == ((15,), (3, 5))


def test_gradients_are_left_out_where_none_are_wanted() -> None:
    x = tg.parameter(2.0)
    L = x * x
    assert Groups([x, L], [L], [], [x])(5.0) == ((25,), ())


def test_a_call_needs_a_value_for_each_argument() -> None:
    with pytest.raises(TypeError, match="give 2 values, one for each argument, not 1"):
        grouped(lambda x, y: x * y, (1.0, 2.0))(3.0)


def test_calls_from_several_threads_do_not_mix() -> None:
    step = grouped(neurons, np.zeros(9))
    random = np.random.default_rng(1)
    cases = [random.normal(size=9) for _ in range(20)]
    expected = [step(*values) for values in cases]
    barrier = threading.Barrier(4)

    def work(_: int) -> list[Any]:
        barrier.wait()
        return [[step(*values) for values in cases] for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            assert found == [expected] * 20


def test_an_interrupted_call_leaves_the_function_usable() -> None:
    step = grouped(lambda x, y: np.log(x) * y, (1.0, 2.0))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        step(0.0, 1.0)
    assert step(1.0, 3.0) == ((0,), (3, 0))


class TestWarnings:
    def test_are_issued_once_at_the_line_of_the_call(self) -> None:
        step = grouped(lambda x, y: np.log(x) + np.log(y), (1.0, 2.0))
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            step(0.0, 0.0)
        texts = [str(warning.message) for warning in found]
        assert [text.partition(", recorded at test_groups.py:")[0] for text in texts] == [
            "divide by zero encountered in log",
            "divide by zero encountered in the gradient of log",
        ]
        assert {warning.filename for warning in found} == {__file__}

    def test_name_the_op_whose_gradient_they_are_about(self) -> None:
        step = grouped(lambda x: np.sqrt(x), (1.0,))
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in the gradient of sqrt"):
            step(0.0)

    def test_are_not_issued_for_what_the_engine_does_not_compute(self) -> None:
        step = grouped(lambda x, y: tg.stop_gradient(np.sqrt(x)) + np.sqrt(y), (1.0, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert step(0.0, 4.0) == ((2,), (0, 0.25))


class TestUsersOps:
    def test_are_called_on_arrays(self) -> None:
        sizes = []

        @tg.op(lambda g, out, x, rate: g * rate * np.cos(x), elementwise=True)
        def sine_wave(x: Any, *, rate: float = 1.0) -> Any:
            sizes.append(np.shape(x))
            return rate * np.sin(x)

        step = check(lambda x, y, z: sum(sine_wave(a, rate=2.0) * a for a in (x, y, z)) + sine_wave(x), FIRST, OTHER)
        sizes.clear()
        step(*FIRST)
        assert sorted(sizes) == [(1,), (3,)]

    def test_get_arrays_that_they_cannot_write_to(self) -> None:
        @tg.op(lambda g, out, x: g, elementwise=True)
        def reading_op(x: Any) -> Any:
            flags.append(np.asarray(x).flags.writeable)
            return x + 1

        flags: list[bool] = []
        step = grouped(lambda x, y: reading_op(x) * reading_op(y), (1.0, 2.0))
        flags.clear()
        step(1.0, 2.0)
        assert flags == [False]

    def test_that_cannot_compute_arrays_are_refused(self) -> None:
        import math

        @tg.op(lambda g, out, x: g * math.cos(x), elementwise=True)
        def python_sine(x: Any) -> Any:
            return math.sin(x)

        x = tg.parameter(1.0)
        assert reason_against([x, python_sine(x)]).startswith("python_sine, recorded at ")

    def test_that_are_not_elementwise_on_arrays_are_refused(self) -> None:
        @tg.op(lambda g, out, x: g, elementwise=True)
        def centred(x: Any) -> Any:
            return x - np.mean(x)

        x, y = tg.parameter(1.0), tg.parameter(2.0)
        nodes = [x, y, centred(x), centred(y)]
        assert reason_against(nodes).endswith("is not elementwise: its result is another one on arrays.")


class TestReasonsAgainst:
    def test_a_value_with_a_shape(self) -> None:
        x = tg.parameter([1.0, 2.0])
        assert reason_against([x]) == "<parameter (2,) float64: [1. 2.]> has shape (2,), and groups consist of scalars."

    def test_an_op_that_is_not_elementwise(self) -> None:
        x = tg.parameter(1.0)
        assert reason_against([x, np.sum(x)]).endswith("is not elementwise.")

    def test_an_op_that_checks_its_inputs(self) -> None:
        def positive(x: Any) -> None:
            if x <= 0:
                raise ValueError

        @tg.op(lambda g, out, x: g / x, elementwise=True, check=positive)
        def checked_log(x: Any) -> Any:
            return np.log(x)

        x = tg.parameter(1.0)
        assert reason_against([x, checked_log(x)]).endswith("checks its inputs one by one.")


def test_source_says_what_is_computed_group_by_group() -> None:
    source = grouped(neurons, np.arange(9.0)).source
    assert "relu of" in source
    assert "matrices" in source
