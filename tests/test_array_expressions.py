"""An array that the user's expression computed is read once more on nodes: printed as written, and computed in every replay."""

import gc
import linecache
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import log

import tinygraph as tg

Function = Callable[[Any, Any], Any]
Z = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
Y, OTHER_Y = np.array([[1.0, 2.0, 4.0], [3.0, 0.5, 1.0]]), np.array([[1.5, 1.0, 2.0], [0.75, 0.5, 3.0]])
k = 1


class Batch:
    """An object that holds an array, and computes one."""

    def __init__(self, y: Any) -> None:
        self.y = y
        self.asked = 0

    @property
    def counted(self) -> Any:
        self.asked += 1
        return self.y


def squares(y: Any) -> Any:
    return y * y


# What an expression computes of an array, and how it is printed.
COMPUTED: list[tuple[Function, str]] = [
    (lambda z, y: z * (1 - y), "z * (1 - y)"),
    (lambda z, y: (1 - y) * z, "(1 - y) * z"),
    (lambda z, y: -y * z, "-y * z"),
    (lambda z, y: z * (1 - (1 - y) * 2), "z * (1 - (1 - y) * 2)"),
    (lambda z, y: z @ y.T, "z @ y.T"),
    (lambda z, y: z * (y == 1), "z * (y == 1)"),
    (lambda z, y: (y > 0.75) * z, "(y > 0.75) * z"),
    (lambda z, y: z < (1 - y), "z < 1 - y"),
    (lambda z, y: z * y[:, 0:1], "z * y[:, 0:1]"),
    (lambda z, y: z[0] + y[k], "z[0] + y[1]"),
    (lambda z, y: z * (y - y.mean(0)), "z * (y - np.mean(y, axis=0))"),
    (lambda z, y: z + (y - y.mean(axis=0)) / y.std(axis=0), "z + (y - np.mean(y, axis=0)) / np.std(y, axis=0)"),
    (lambda z, y: z * y.sum(), "z * np.sum(y)"),
    (lambda z, y: z * y.reshape((3, 2)).T, "z * np.reshape(y, (3, 2)).T"),
    (lambda z, y: z * y.reshape(-1, 1)[: len(y)], "z * np.reshape(y, (-1, 1))[:2]"),
    (lambda z, y: z * y / y.shape[0] + 2 * y, "z * y / 2 + 2 * y"),
    (lambda z, y: np.log(y) * z, "np.log(y) * z"),
    (lambda z, y: log(y) + z, "np.log(y) + z"),
    (lambda z, y: tg.sigmoid(y) * z, "sigmoid(y) * z"),
    (lambda z, y: z * abs(1 - y), "z * np.abs(1 - y)"),
    (lambda z, y: z.dot(2 * y.T), "z @ (2 * y.T)"),
    (lambda z, y: np.maximum(z, 1 - y), "np.maximum(z, 1 - y)"),
    (lambda z, y: np.where(y == 1, z, 1 - y), "np.where(y == 1, z, 1 - y)"),
    (lambda z, y: np.stack([1 - y, z]), "np.stack([1 - y, z])"),
    (lambda z, y: np.concatenate((z, y / 2), axis=1), "np.concatenate([z, y / 2], axis=1)"),
    (lambda z, y: np.average(z, weights=y / 2), "np.sum(z * (y / 2)) / np.sum(y / 2)"),
    (lambda z, y: tg.mean_squared_error(z, 2 * y), "mean_squared_error(z, 2 * y)"),
    (lambda z, y: np.stack([z[i] * (1 - y[i]) for i in range(2)]), "np.stack([z[0] * (1 - y[0]), z[1] * (1 - y[1])])"),
    (lambda z, y: sum(z[i] @ (1 - y[i]) for i in range(2)), "out_1 + z[1] @ (1 - y[1])"),
    (lambda z, y: (lambda u: u * (1 - y))(z), "z * (1 - y)"),
]


@pytest.mark.parametrize(("f", "text"), COMPUTED, ids=[text for _, text in COMPUTED])
def test_what_an_expression_computes_of_an_array_is_printed_and_computed_in_a_replay(f: Function, text: str) -> None:
    z = tg.parameter(Z)
    out = f(z, Y)
    graph = tg.Graph(out, names={"z": z, "y": Y, "out": out})
    assert graph.statements()[-1].right == text
    assert {graph.name(node) for node in graph.forward if node.op is None} == {"z", "y"}
    anew = f(tg.parameter(Z), OTHER_Y).value
    np.testing.assert_array_equal(graph.with_leaves({graph["y"]: OTHER_Y}).outputs[0].value, anew)
    np.testing.assert_array_equal(graph.function()(z=Z, y=OTHER_Y), anew)


@pytest.mark.parametrize(
    "f",
    [
        lambda z, y: z * squares(y),
        lambda z, y: np.where(squares(y) > 1, z, 1.0),
        lambda z, y: z * (kept := 1 - y) + 0 * kept.sum(),
        lambda z, y: z * np.random.default_rng(0).permutation(y),
        lambda z, y: z * np.array([y[0], y[1]]),
        lambda z, y: z * (y if k else 1 - y),
        lambda z, y: z * Batch(y).y,
        lambda z, y: z * (1 - tg.constant(y).value),
        lambda z, y: z * y.tolist()[0],
        lambda z, y: z * y[[0, 1]],
        lambda z, y: z * y[0, 1],
        lambda z, y: eval("z * (1 - y)"),
        lambda z, y: np.stack([1 - y, *[z]]),
    ],
)
def test_what_cannot_be_followed_is_a_leaf_of_its_own(f: Function) -> None:
    z = tg.parameter(Z)
    out = f(z, Y)
    graph = tg.Graph(out, names={"z": z})
    (leaf,) = (node for node in graph.forward if node.op is None and node is not z)
    assert leaf.value is not Y
    np.testing.assert_array_equal(out.value, f(Z, Y))


@pytest.mark.parametrize(
    "f",
    [
        lambda z, y: z * np.add(2, 3),
        lambda z, y: z - np.negative(2),
        lambda z, y: z * (y * np.power(10, -2.0)),
        lambda z, y: z * np.maximum(y, np.divide(1, 2)),
        lambda z, y: z / np.sqrt(np.add(len(y), 1)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_number_that_numpy_computed_of_numbers_is_its_own(f: Function, dtype: Any) -> None:
    z, y, other = tg.parameter(Z.astype(dtype)), Y.astype(dtype), OTHER_Y.astype(dtype)
    out = f(z, y)
    assert out.dtype == f(z.value, y).dtype
    np.testing.assert_array_equal(out.value, f(z.value, y))
    graph = tg.Graph(out, names={"z": z, "y": y})
    given = {name: value for name, value in {"z": z.value, "y": other}.items() if name in graph.names}
    np.testing.assert_array_equal(graph.compile(wrt=[])(**given)[0], f(z.value, other))


def test_no_property_runs() -> None:
    z, batch = tg.parameter(Z), Batch(Y)
    out = z * (1 - batch.counted) + z * (1 - batch.y)
    assert batch.asked == 1
    assert [x.op is None for x in (out.inputs[0].inputs[1], out.inputs[1].inputs[1])] == [True, False]


def test_an_array_that_a_dict_or_an_object_holds_is_a_leaf_where_one_computes_with_it() -> None:
    z, batch, data = tg.parameter(Z), Batch(Y), {"y": OTHER_Y}
    out = np.sum(z * (1 - batch.y) + z * (1 - data["y"]))
    graph = tg.Graph(out, names={"z": z, "y": batch.y, "v": data})
    assert graph.statements()[-1].right == "np.sum(z * (1 - y) + z * (1 - v_y))"


def test_the_place_of_what_is_read_again_is_its_own_expression() -> None:
    z = tg.parameter(Z)
    out = z * (1 - Y)
    inner = out.inputs[1]
    assert inner.place == out.place
    assert inner.instruction < out.instruction


def test_an_array_that_changed_since_is_a_leaf() -> None:
    z, y = tg.parameter(Z), Y.copy()

    def changed() -> tg.Node:
        y[:] = OTHER_Y
        return z

    out = (1 - y) * changed()
    assert out.inputs[0].op is None
    np.testing.assert_array_equal(out.value, (1 - Y) * Z)


def test_a_result_that_has_only_the_same_numbers_is_no_twin() -> None:
    """The second argument is a user's function of the array, the third an expression with the same bits."""
    z = tg.parameter(Z)

    def same() -> Any:
        return 1 - Y

    out = np.where(same() > 0, same(), 1 - Y) * z
    chosen = np.where(z > 0, same(), 1 - Y)
    assert [x.op is None for x in chosen.inputs[1:]] == [True, False]
    np.testing.assert_array_equal(out.value, (1 - Y) * Z)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.int64, np.uint8, bool])
def test_dtype_and_bits_are_those_that_numpy_computed(dtype: Any) -> None:
    y = np.array([0, 1, 1]).astype(dtype)
    z = tg.parameter([0.5, 1.5, -2.0])
    out = z * (y == 1) + z * (y * y)
    computed = out.inputs[1].inputs[1]
    assert computed.op is not None
    assert computed.dtype == (y * y).dtype
    np.testing.assert_array_equal(out.value, z.value * (y == 1) + z.value * (y * y))


def test_a_warning_of_numpy_comes_once() -> None:
    z, y = tg.parameter([1.0, 2.0]), np.array([0.0, 1.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = z * np.log(y)
    assert out.inputs[1].op is not None
    assert [str(w.message) for w in caught] == ["divide by zero encountered in log"]


def test_gradients_are_those_of_a_leaf_bit_for_bit() -> None:
    z, known = tg.parameter(Z), 1 - Y
    (inline,) = tg.gradients(np.sum(tg.sigmoid(z) * (1 - Y)), z)
    (beside,) = tg.gradients(np.sum(tg.sigmoid(z) * known), z)
    assert inline.tobytes() == beside.tobytes()


def test_an_array_computed_on_an_earlier_line_is_a_leaf_of_its_own_name() -> None:
    z, u = tg.parameter(Z), 1 - Y
    out = z * u
    assert tg.Graph(out, names=locals()).statements()[0].right == "z * u"


class TestEntries:
    """Entries of an array that one expression reads again are one leaf."""

    def test_an_entry_is_one_leaf_however_often_it_is_read(self) -> None:
        z, y = tg.parameter(0.5), Y.copy()
        out = y[0, k] * z + (1 - y[0, k]) * (1 - z) + y[0][1] * y[-2, -2] * z
        leaves = {x for x in tg.Graph(out).forward if x.op is None} - {z}
        assert len(leaves) == 1
        assert leaves.pop().value == Y[0, 1]

    def test_two_entries_are_two_leaves(self) -> None:
        z = tg.parameter(0.5)
        out = sum(Y[0, i] * z + (1 - Y[0, i]) * (1 - z) for i in range(3))
        assert len([x for x in tg.Graph(out).forward if x.op is None]) == 4

    @pytest.mark.parametrize("first", [True, False])
    def test_an_entry_follows_its_array_where_that_is_a_leaf_too(self, first: bool) -> None:
        z = tg.parameter(0.5)

        def f(y: Any) -> Any:
            return y[0, k] * z + np.sum(z * y) if first else np.sum(z * y) + (1 - y[0, k]) * z

        graph = tg.Graph(f(Y), names={"z": z, "y": Y})
        walk = graph.stepper()
        for y in (OTHER_Y, Y, OTHER_Y):
            walk.set(y=y)
            assert walk.graph.outputs[0].value == f(y).value

    def test_an_entry_that_changed_is_another_leaf(self) -> None:
        z, y = tg.parameter(0.5), Y.copy()
        first = y[0, 0] * z
        y[0, 0] = 7.0
        second = y[0, 0] * z
        assert first.inputs[0] is not second.inputs[0]
        assert (first + second).item() == 4.0

    def test_an_entry_of_another_array_in_the_same_place_of_memory_is_another_leaf(self) -> None:
        z = tg.parameter(0.5)
        kept = []
        for _ in range(5):
            y = np.array([1.0, 2.0])
            kept.append((y[0] * z).inputs[0])
            del y
        assert len(set(kept)) == 5

    def test_no_array_outlives_the_leaves_of_its_entries(self) -> None:
        z, y = tg.parameter(0.5), np.array([1.0, 2.0]).view()
        seen = weakref.ref(y)
        out = y[0] * z
        del y, out
        gc.collect()
        assert seen() is None


def test_a_sum_that_is_built_in_place_is_read_like_any_other() -> None:
    z, total = tg.parameter(Z), tg.constant(0.0)
    total += 1 - Y
    total = total * z
    assert tg.Graph(total, names={"z": z, "y": Y, "total": total}).statements()[0].right == "(total_0 + (1 - y)) * z"


@pytest.mark.parametrize("terms", [10, 2000])
def test_an_expression_of_any_depth_records(terms: int) -> None:
    """One that is nested too deeply to be read again is a leaf."""
    lines = ["def f(z, y):\n", f"    return z * ({' + '.join(['y'] * terms)}) / ({' + '.join(['2'] * terms)})\n"]
    filename = f"<an expression of {terms} terms>"
    linecache.cache[filename] = (1, None, lines, filename)
    module: dict[str, Any] = {}
    exec(compile("".join(lines), filename, "exec"), module)
    out = module["f"](tg.parameter(Z), Y)
    del linecache.cache[filename]
    np.testing.assert_array_equal(out.value, module["f"](Z, Y))
    assert tg.Graph(out).statements()[-1].right.endswith(f" / {2 * terms}")
