"""`graph.source()` is a module of its own: it runs with NumPy alone, or under JAX, at any size, and equals the engine."""

import ast
import gc
import importlib.util
import inspect
import linecache
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import LAYOUTS, Case, cases
from tests.programs import (
    MODELS,
    RANDOM,
    Run,
    assert_same,
    backward,
    executed,
    hessian_vector,
    in_a_fresh_interpreter,
    perceptron,
    run_of,
)
from tests.test_contract import recorded, weights
from tinygraph.express import source as written
from tinygraph.names import RESERVED
from tinygraph.ops import REGISTRY
from tinygraph.program.statements import program_of
from tinygraph.program.value import applied

CASES = list(cases())


def lines(graph: tg.Graph) -> list[str]:
    """The body of the function, without comments."""
    body = graph.source().partition("def forward_backward")[2].splitlines()
    return [line.strip() for line in body if " = " in line and "_check(" not in line]


def canonical() -> tg.Graph:
    x1, x2, y = tg.constant(2.0), tg.constant(-1.0), tg.constant(1.0)
    w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)
    z = w1 * x1 + w2 * x2 + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names=locals())


class TestCanonicalLines:
    def test_of_a_neuron(self) -> None:
        assert lines(backward(canonical())) == [
            "z = w1 * x1 + w2 * x2 + b",
            "a = sigmoid(z)",
            "L = -(y * np.log(a) + (1 - y) * np.log(1 - a))",
            "da = -y / a + (1 - y) / (1 - a)",
            "dz = da * a * (1 - a)",
            "dw1 = dz * x1",
            "dw2 = dz * x2",
            "db = dz",
        ]

    def test_of_many_examples(self) -> None:
        assert lines(backward(MODELS["logistic"](5)))[-4:] == [
            "da = (-y / a + (1 - y) / (1 - a)) / len(y)",
            "dz = da * a * (1 - a)",
            "dw = X.T @ dz",
            "db = np.sum(dz)",
        ]

    def test_of_one_example(self) -> None:
        x, W, y = tg.constant(np.ones(3)), tg.parameter(np.ones((3, 2))), tg.constant(np.ones(2))
        z = x @ W
        L = np.sum((z - y) ** 2)
        assert lines(backward(tg.Graph(L, names=locals())))[-2:] == ["dz = 2 * (z - y)", "dW = np.outer(x, dz)"]

    def test_of_a_step_of_training(self) -> None:
        text = backward(MODELS["from_logits"](5)).source(update="gd")
        assert text.startswith('"""L and one step of gradient descent, in NumPy."""')
        assert text.partition("db = ")[2].splitlines() == [
            "np.sum(dz)",
            "    # update",
            "    w = w - learning_rate * dw",
            "    b = b - learning_rate * db",
            '    return L, {"w": w, "b": b}',
        ]

    def test_from_logits(self) -> None:
        assert lines(backward(MODELS["from_logits"](5)))[-3:] == [
            "dz = (sigmoid(z) - y) / len(z)",
            "dw = X.T @ dz",
            "db = np.sum(dz)",
        ]

    def test_of_two_layers_under_softmax(self) -> None:
        assert lines(backward(perceptron(5)))[-7:] == [
            "dZ2 = (softmax(Z2) - Y) / len(Y)",
            "dW2 = A1.T @ dZ2",
            "db2 = np.sum(dZ2, axis=0)",
            "dA1 = dZ2 @ W2.T",
            "dZ1 = dA1 * (Z1 > 0)",
            "dW1 = X.T @ dZ1",
            "db1 = np.sum(dZ1, axis=0)",
        ]

    def test_a_deep_network_stays_short(self) -> None:
        source = backward(perceptron(8, sizes=(784, 128, 64, 10))).source()
        assert len(source.splitlines()) < 60
        assert max(map(len, source.splitlines())) <= 120


def assert_the_callers_own(result: Any, leaves: list[Any]) -> None:
    """What is returned can be written to, and shares no memory with an argument or with another result."""
    output, gradients = result if isinstance(result, tuple) else (result, {})
    arrays = [x for x in (output, *gradients.values()) if np.shape(x)]
    others = [x for x in leaves if np.shape(x)]
    for i, x in enumerate(arrays):
        assert x.flags.writeable
        assert not any(np.shares_memory(x, other) for other in (*arrays[:i], *others))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op_prints_as_what_it_computes_and_returns_what_is_the_callers_own(case: Case) -> None:
    out, wrt = recorded(case)
    graph = tg.Graph(out)
    if wrt:
        graph.backprop(wrt=wrt, seed=weights(out.shape))
    leaves = [leaf.value for leaf in program_of(graph).leaves]
    for level in ("named", "op"):
        result = executed(graph.source(level=level))(*leaves)
        assert_the_callers_own(result, leaves)
        output, gradients = result if wrt else (result, {})
        np.testing.assert_array_equal(output, out.value)
        assert not wrt or gradients
        for name, value in gradients.items():
            np.testing.assert_allclose(value, graph[name].value, rtol=1e-12, atol=0)
            assert (np.shape(value), np.result_type(value)) == (graph[name].shape, graph[name].dtype)


def computes_in_float32(case: Case) -> bool:
    out, wrt = recorded(case, np.float32)
    return out.dtype == np.float32 and bool(wrt)


@pytest.mark.parametrize("case", [case for case in CASES if case.note not in LAYOUTS and computes_in_float32(case)], ids=str)
def test_every_op_keeps_float32(case: Case) -> None:
    out, wrt = recorded(case, np.float32)
    graph = tg.Graph(np.sum(out))
    graph.backprop(wrt=wrt)
    for level in ("named", "op"):
        _, gradients = executed(graph.source(level=level))(*[leaf.value for leaf in program_of(graph).leaves])
        assert {np.result_type(value).name for value in gradients.values()} <= {"float32"}


def test_modules_run_in_a_fresh_interpreter_at_any_batch_size(tmp_path: Path) -> None:
    runs = []
    for label, build in {**MODELS, **RANDOM}.items():
        for make in (backward, hessian_vector):
            runs.append(run_of(f"{label} {make.__name__}", make(build(5))))
            runs.append(run_of(f"{label} {make.__name__}, more examples", make(build(8)), runs[-1].source))
    for run, result in zip(runs, in_a_fresh_interpreter(runs, tmp_path), strict=True):
        assert_same(run, result)


@pytest.mark.parametrize("name", MODELS)
def test_both_levels_have_the_same_numbers(name: str) -> None:
    graph = backward(MODELS[name](5))
    atoms = {s.name: s for s in graph.statements(level="op")}
    for statement in graph.statements():
        if statement.name in graph.names:
            assert atoms[statement.name].value.tobytes() == statement.value.tobytes()
    run = run_of(name, graph)
    atomic = {s.name: s.value for s in atoms.values() if s.of is not None} | {"": graph.outputs[0].value}
    assert_same(run, executed(graph.source())(*run.leaves))
    assert_same(Run(name, "", [], atomic), executed(graph.source(level="op"))(*run.leaves))


class TestEntry:
    @pytest.mark.parametrize(("name", "shape"), [("X", (15,)), ("y", (5, 1)), ("w", (1,)), ("b", (1,)), ("X", (1, 3))])
    def test_another_rank_or_a_size_of_1_elsewhere_is_refused(self, name: str, shape: tuple[int, ...]) -> None:
        graph = backward(MODELS["linear"](5))
        leaves = {leaf: graph[leaf].value for leaf in ("X", "y", "w", "b")}
        with pytest.raises(ValueError, match=rf"^{name} has shape \({shape[0]}, ?[0-9]*\), recorded \("):
            graph.function()(**leaves | {name: np.zeros(shape)})

    def test_an_axis_of_size_1_must_stay_one(self) -> None:
        m = tg.constant(np.ones((1, 3)))
        with pytest.raises(ValueError, match=r"^m has shape"):
            tg.Graph(np.sum(m), names={"m": m}).function()(np.ones((2, 3)))

    def test_the_function_carries_its_source(self) -> None:
        graph = backward(canonical())
        function: Any = graph.function()
        assert function.source == graph.source()
        assert function(**dict.fromkeys(("x1", "x2", "y", "w1", "w2", "b"), 1.0))[0].shape == ()

    def test_the_lines_of_a_function_are_there_for_as_long_as_it_is(self) -> None:
        w = tg.parameter([1.0, 2.0])
        function: Any = tg.Graph(np.sum(np.exp(w)), names={"w": w}).function()
        filename = function.__code__.co_filename
        assert inspect.getsource(function) in function.source
        with pytest.raises(ValueError, match=r"^w has shape") as caught:
            function(3.0)
        last = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert (last.filename, last.line) == (filename, [x.strip() for x in function.source.splitlines()][last.lineno - 1])
        del function, caught
        gc.collect()
        assert filename not in linecache.cache

    @pytest.mark.parametrize("given", [[1, 2, 3], np.array([1, 2, 3]), np.array([1, 2, 3], np.uint8)])
    def test_whole_numbers_become_those_that_have_gradients(self, given: Any) -> None:
        w = tg.parameter([0.5, 1.5, 2.0])
        _, gradients = backward(tg.Graph(np.mean(w), names={"w": w})).function()(w=given)
        np.testing.assert_array_equal(gradients["dw"], np.full(3, 1 / 3))

    def test_numbers_and_lists_take_the_recorded_dtype(self) -> None:
        w, b, m = tg.parameter(np.ones(2, "f4")), tg.parameter(np.float32(1)), tg.constant(np.array([True, False]))
        L = np.sum((w * b)[m])
        graph = backward(tg.Graph(L, names={"w": w, "b": b, "m": m}))
        output, gradients = graph.function()(w=[1.0, 2.0], b=3, m=[0, 1])
        assert (output, output.dtype, gradients["dw"].dtype) == (6, np.float32, np.float32)
        assert gradients["dw"].tolist() == [0, 3]

    @pytest.mark.parametrize(
        "loop",
        [
            lambda x: sum(r @ r for r in x),
            lambda x: sum(np.sum(r) for r in x * 2),
            lambda x: np.sum(np.unstack(x, axis=0)[1]),
        ],
    )
    def test_an_axis_that_a_loop_went_over_keeps_its_size(self, loop: Any) -> None:
        x = tg.parameter(np.ones((4, 2)))
        function = backward(tg.Graph(loop(x), names={"x": x})).function()
        assert function(np.ones((4, 3)))[1]["dx"].shape == (4, 3)
        with pytest.raises(ValueError, match=r"has size 6 along an axis .* one by one, and was recorded with size 4"):
            function(np.ones((6, 2)))

    @pytest.mark.parametrize(
        ("build", "size"),
        [
            (np.median, 5), (np.median, 6), (lambda x: np.median(x * x, keepdims=True)[0], 4),
            (lambda x: np.sum(np.split(x, 2)[0] ** 2), 6), (lambda x: np.sum(np.array_split(x, 3)[1] ** 2), 7),
            (lambda x: np.sum(np.split(x, [1, 2])[2] ** 2), 6), (lambda x: np.sum(np.hsplit(x, 2)[1] ** 2), 6),
        ],
    )  # fmt: skip
    def test_what_cuts_by_size_cuts_other_sizes_too(self, build: Any, size: int) -> None:
        x, other = tg.parameter(np.array([3.0, 1.0, 2.0, 5.0])), tg.parameter(np.arange(size)[::-1] + 0.5)
        output, gradients = backward(tg.Graph(build(x), names={"x": x})).function()(other.value)
        np.testing.assert_array_equal(output, build(other).value)
        np.testing.assert_array_equal(gradients["dx"], tg.gradients(build(other), other)[0])


@tg.op(lambda g, out, x: g)
def given_back(x: Any) -> Any:
    """A user's op that returns its argument."""
    return x


def without_a_new_array() -> Iterator[tuple[str, tg.Graph]]:
    """Graphs that say nothing by which a new array is made."""
    w, v = tg.parameter(np.ones(3)), tg.parameter(np.ones(3))
    z = w + v
    for label, L in {"product": w @ v, "sum": np.sum(z), "leaf": np.sum(z * 1.0)}.items():
        yield label, backward(tg.Graph(L, names={"w": w, "v": v, "z": z}))
    yield "given back", tg.Graph(given_back(w), names={"w": w})


@pytest.mark.parametrize(("label", "graph"), list(without_a_new_array()), ids=lambda x: x if isinstance(x, str) else "")
def test_what_no_statement_makes_anew_is_the_callers_own(label: str, graph: tg.Graph) -> None:
    leaves = [np.array(leaf.value)[()] for leaf in program_of(graph).leaves]
    for level in ("named", "op"):
        result = executed(graph.source(level=level))(*leaves)
        assert_the_callers_own(result, leaves)


class TestRequests:
    def test_a_seed_is_an_argument(self) -> None:
        w = tg.parameter(np.arange(3.0))
        z = w**2
        graph = tg.Graph(z, names={"w": w, "z": z})
        graph.backprop(seed=np.ones(3))
        _, gradients = graph.function()(w=np.arange(4.0), dz=2 * np.ones(4))
        np.testing.assert_array_equal(gradients["dw"], 4 * np.arange(4.0))

    def test_several_outputs_and_requests(self) -> None:
        w = tg.parameter([1.0, 2.0])
        s, p = np.sum(w), np.prod(w)
        graph = tg.Graph(s, p, names={"w": w, "s": s, "p": p})
        graph.backprop()
        graph.backprop(of="p", wrt="w")
        outputs, gradients = graph.function()(np.array([3.0, 5.0]))
        assert [float(x) for x in outputs] == [8, 15]
        np.testing.assert_array_equal(gradients["dw"], [1, 1])
        np.testing.assert_array_equal(gradients["dp_dw"], [5, 3])

    def test_an_output_that_is_a_leaf(self) -> None:
        w = tg.parameter(3.0)
        output, gradients = backward(tg.Graph(w, names={"w": w})).function()(4.0)
        assert (output, list(gradients.values())) == (4, [1] if gradients else [])

    def test_an_array_that_a_rule_brings_along_is_an_argument(self) -> None:
        M = np.array([2.0, 3.0])

        @tg.op(lambda g, out, x: g * M)
        def scaled(x: Any) -> Any:
            return x * np.array([2.0, 3.0])

        w = tg.parameter([1.0, 1.0])
        graph = backward(tg.Graph(np.sum(scaled(w)), names={"w": w}))
        np.testing.assert_array_equal(graph.function()(w.value, M)[1]["dw"], M)

    def test_what_a_users_op_passes_on_is_the_callers_own(self) -> None:
        @tg.op(lambda g, out, x: g)
        def same(x: Any) -> Any:
            return x

        w = tg.parameter([1.0, 2.0])
        graph = tg.Graph(same(w), names={"w": w})
        given = np.array([3.0, 4.0])
        assert not np.shares_memory(graph.function()(given), given)

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
    def test_labels_of_any_dtype(self, dtype: Any) -> None:
        y, a = tg.constant(np.array([0, 1, 1], dtype)), tg.parameter([0.2, 0.4, 0.9])
        L = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)) + np.mean(a * y - y / a)
        run = run_of("labels", backward(tg.Graph(L, names={"y": y, "a": a, "L": L})))
        assert_same(run, executed(run.source)(*run.leaves))

    @pytest.mark.parametrize("dtype", [">f2", "f4", ">f4", "f8", ">f8", "longdouble", np.dtype(np.longdouble).newbyteorder()])
    @pytest.mark.parametrize("other", ["i1", ">i4", ">u2", "bool", ">f4", ">f8"])
    def test_gradients_have_the_dtype_of_their_value_whatever_that_is(self, dtype: Any, other: str) -> None:
        w, X = tg.parameter(np.ones(2, dtype)), tg.constant(np.ones((3, 2), other))
        v = X.T[::-1]
        L = np.sum(np.exp(w) * X) + np.sum(w * v[:, 0]) + np.mean(w[1:])
        graph = backward(tg.Graph(L, names={"w": w, "X": X, "v": v, "L": L}))
        output, gradients = graph.function()(**{name: graph[name].value for name in ("w", "X")})
        assert (output.dtype, gradients["dw"].dtype) == (L.dtype, w.dtype) == (L.dtype, graph["dw"].dtype)
        assert tg.gradients(L, w)[0].dtype == w.dtype
        np.testing.assert_allclose(np.float64(gradients["dw"]), np.float64(graph["dw"].value), rtol=1e-3)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("level", ["named", "op"])
    def test_gradients_that_are_numbers_have_a_dtype(self, level: Any, dtype: Any) -> None:
        b, y = tg.parameter(dtype(2)), tg.parameter(np.ones(3, dtype))
        v = b + 1
        u = v - y[0]
        L = u + np.mean(y)
        graph = tg.Graph(L, names={"b": b, "y": y, "v": v, "u": u, "L": L})
        graph.backprop()
        module: dict[str, Any] = {}
        exec(graph.source(level=level), module)
        _, gradients = module["forward_backward"](b.value, y.value)
        assert {name: getattr(value, "dtype", None) for name, value in gradients.items()} == dict.fromkeys(gradients, dtype)

    def test_float32_stays_float32(self) -> None:
        X, w = tg.constant(np.ones((4, 3), np.float32)), tg.parameter(np.ones(3, np.float32))
        graph = backward(tg.Graph(np.mean(tg.sigmoid(X @ w * 2) ** 2), names={"X": X, "w": w}))
        output, gradients = graph.function()(X.value, w.value)
        assert (output.dtype, gradients["dw"].dtype) == (np.float32, np.float32)


def bad_literals() -> list[Any]:
    return [
        lambda w: w / 0, lambda w: w * np.inf, lambda w: w * -np.inf, lambda w: w * np.nan, lambda w: w * -0.0,
        lambda w: (-w) ** 2,
        lambda w: w * (-2) ** 3, lambda w: 0 * w, lambda w: (-2.0) ** (w * 0 + 2), lambda w: w * True, lambda w: w - -3,
        lambda w: w / -0.0, lambda w: np.where(w > 0, np.inf, w), lambda w: 2.0 ** -w, lambda w: w ** -1, lambda w: w ** 1,
    ]  # fmt: skip


@pytest.mark.parametrize("function", bad_literals())
@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_of_all_kinds_are_literals(function: Any, shape: tuple[int, ...]) -> None:
    w = tg.parameter(np.full(shape, 1.5)[()])
    run = run_of("literal", backward(tg.Graph(np.sum(function(w)), names={"w": w})))
    assert_same(run, executed(run.source)(*run.leaves))


SHIFT = 0.5
SCALES = (1.0, 2.0)


def module_helper(x: Any, factor: Any = SHIFT) -> Any:
    return x * factor + SCALES[1]


def user_module(folder: Path) -> ModuleType:
    text = """
import math
import numpy
from numpy import exp
from math import sqrt

ROOT = 2

def shape(x: 'int', k=ROOT):
    return exp(x) * math.pi * sqrt(k) * numpy.ones_like(x)
"""
    (folder / "of_the_user.py").write_text(text)
    spec = importlib.util.spec_from_file_location("of_the_user", folder / "of_the_user.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["of_the_user"] = module
    spec.loader.exec_module(module)
    return module


class TestOpsOfTheUser:
    def test_bring_their_constants_helpers_closures_and_modules(self, tmp_path: Path) -> None:
        other = user_module(tmp_path).shape
        inner = 3.0

        @tg.op(lambda g, out, x, times: g * np.cos(x), elementwise=True)
        def elaborate(x: Any, *, times: int = 2) -> Any:
            """Documented."""
            shape: Any = [module_helper(x) for _ in range(times)]

            def closing(y: Any) -> Any:
                return y * inner - SHIFT

            return closing(shape[0]) + other(x) + tg.sigmoid(x) + tg.ops.tanh(x) + np.sum(shape[0] * 0, axis=tuple(range(x.ndim)))

        w = tg.parameter([0.1, 0.2])
        run = run_of("elaborate", backward(tg.Graph(np.sum(elaborate(w)), names={"w": w, "index_of": np.sum(w)})))
        assert "tinygraph" not in run.source
        for result in in_a_fresh_interpreter([run], tmp_path):
            assert_same(run, result)

    def test_without_source_are_refused_by_name(self) -> None:
        module: dict[str, Any] = {"tg": tg, "__name__": "typed"}
        exec("@tg.op(lambda g, out, x: g)\ndef typed(x): return x + 0", module)
        with pytest.raises(ValueError, match="<op typed> cannot be written as source: that of typed is not to be found"):
            tg.Graph(module["typed"](tg.parameter(1.0))).source()

    def test_of_exec_in_a_nameless_namespace_are_refused_by_name_too(self) -> None:
        code = "def twice(x): return 2 * x\n@tg.op(lambda g, out, x: 2 * g)\ndef typed(x): return twice(x)"
        module: dict[str, Any] = {"tg": tg}
        exec(code, module)
        assert module["typed"].__wrapped__.__module__ is None
        with pytest.raises(ValueError, match=r"<op typed> cannot be written as source: that of .* is not to be found"):
            tg.Graph(module["typed"](tg.parameter(1.0))).source()

    def test_that_read_an_object_are_refused_by_name(self) -> None:
        table = {"a": 1}

        @tg.op(lambda g, out, x: g)
        def reads_a_dict(x: Any) -> Any:
            return x * table["a"]

        with pytest.raises(ValueError, match="<op reads_a_dict> cannot be written as source: it reads table, a dict"):
            tg.Graph(reads_a_dict(tg.parameter(1.0))).source()

    def test_may_have_the_name_of_the_printed_function(self) -> None:
        @tg.op(lambda g, out, x: 3 * g)
        def forward(x: Any) -> Any:
            return 3 * x

        assert tg.Graph(forward(tg.parameter(1.0))).function()(2.0) == 6

    def test_two_of_one_name_are_refused(self) -> None:
        def made(factor: float) -> Any:
            @tg.op(lambda g, out, x: g * factor)
            def twice_named(x: Any) -> Any:
                return x * factor

            return twice_named

        w = tg.parameter(1.0)
        with pytest.raises(ValueError, match="another op of the graph has the same name"):
            tg.Graph(made(2.0)(w) + made(3.0)(w)).source()


def brought_along() -> set[str]:
    """The functions that source defines for its checks, and the modules that these read."""
    texts = [text for name, text in vars(written).items() if name.startswith(("CHECK", "WARN"))]
    trees = [ast.parse(text) for text in texts if text.startswith("\ndef")]
    return {x.name for tree in trees for x in ast.walk(tree) if isinstance(x, ast.FunctionDef)} | {"np", "hashlib", "warnings"}


def test_the_names_that_source_needs_are_reserved() -> None:
    assert brought_along() <= RESERVED


HOSTILE = [
    "lambda", "np", "len", "bool", "slice", "t", "t_2", "_check", "<check", "SHAPES", "ARRAY", "sigmoid", "exp", "forward", "dL",
    "L", 'a"; import os; "', "a\\", "<script>alert(1)</script>", "x\ny", "\u202exyz", "a" * 10_000, "", "None", "ﬁ", "名前",
    "1x", "self", "index_of",
]  # fmt: skip


def test_hostile_names_neither_break_nor_inject() -> None:
    names: dict[str, Any] = {name: tg.parameter(float(i + 1)) for i, name in enumerate(HOSTILE)}
    L = sum(tg.sigmoid(x) * x for x in names.values())
    for given in (names, {f"{name} node": node for name, node in names.items()}, dict(list(names.items())[::-1])):
        run = run_of("hostile", backward(tg.Graph(L, names=given)))
        assert_same(run, executed(run.source)(*run.leaves))
        assert "import os" not in run.source
        assert "<script>" not in run.source
        assert "\u202e" not in run.source


class TestUnderJax:
    @pytest.fixture
    def jax(self) -> Any:
        jax = pytest.importorskip("jax", reason="the extra `jax` is not installed")
        with jax.enable_x64(True):
            yield jax

    @pytest.mark.parametrize("name", MODELS)
    @pytest.mark.parametrize("make", [backward, hessian_vector])
    def test_models_are_equal(self, jax: Any, name: str, make: Any) -> None:
        graph = make(MODELS[name](5))
        run = run_of(name, graph)
        assert_same(run, jax.jit(graph.function(np=jax.numpy))(*run.leaves), 1e-10)

    def test_every_op_is_traced_or_refused_by_name(self, jax: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        traced: dict[str, tuple[Any, Run]] = {}
        named: set[str] = set()
        failed: set[str] = set()
        for label, graph in forward_and_backward():
            called = [x for s in program_of(graph).statements for x in applied(s.expression)]
            refused = {x.op.name for x in called if x.op.untraceable(x.inputs, x.params)}
            run = run_of(label, graph)
            if refused:
                with pytest.raises(TypeError, match=rf"JAX cannot trace ({'|'.join(refused)}), which"):
                    graph.function(np=jax.numpy)
                named |= refused
            with monkeypatch.context() as patch:
                patch.setattr("tinygraph.express.source._check_traceable", lambda program: None)
                function = graph.function(np=jax.numpy)
            try:
                jax.make_jaxpr(function)(*run.leaves)
            except (TypeError, NotImplementedError, IndexError):
                assert refused
                failed |= refused if len(refused) == 1 else set()
            else:
                traced[run.label.split()[0]] = function, run
        assert failed == named == {op.name for op in REGISTRY.values() if op.built_in and op._untraceable}
        functions = [function for function, _ in traced.values()]
        runs = [run for _, run in traced.values()]
        together = jax.jit(lambda leaves: [f(*x) for f, x in zip(functions, leaves, strict=True)])
        for run, result in zip(runs, together([run.leaves for run in runs]), strict=True):
            assert_same(run, result if isinstance(result, tuple) else (result, {}), 1e-10)


def forward_and_backward() -> Iterator[tuple[str, tg.Graph]]:
    """Every case of every op as a graph, without its gradients and with them."""
    for case in CASES:
        if case.note not in LAYOUTS:
            out, wrt = recorded(case)
            yield str(case), tg.Graph(out)
            if wrt:
                graph = tg.Graph(out)
                graph.backprop(wrt=wrt, seed=weights(out.shape))
                yield f"{case} backward", graph


class TestStepsOfTraining:
    """`source(update="gd")`."""

    @pytest.mark.parametrize("model", MODELS)
    def test_moves_each_parameter_down_its_gradient(self, model: str) -> None:
        graph = backward(MODELS[model](5))
        leaves = {graph.name(leaf): leaf.value for leaf in program_of(graph).leaves}
        output, new = executed(graph.source(update="gd"))(**leaves, learning_rate=0.1)
        assert output == graph.outputs[0].value
        grads = graph.backprop()
        parameters = [node for node in graph.forward if node.kind == "parameter"]
        assert list(new) == [graph.name(node) for node in parameters]
        for node in parameters:
            np.testing.assert_allclose(new[graph.name(node)], node.value - 0.1 * grads[node].value, rtol=1e-12, atol=1e-15)

    def test_the_learning_rate_has_a_name_of_its_own(self) -> None:
        learning_rate = tg.parameter(2.0)
        graph = backward(tg.Graph(learning_rate**2, names=locals()))
        assert "    learning_rate = learning_rate - learning_rate_ * dlearning_rate\n" in graph.source(update="gd")
        assert executed(graph.source(update="gd"))(2.0, 0.25) == (4.0, {"learning_rate": 1.0})

    def test_single_precision_stays(self) -> None:
        w = tg.parameter(np.array([1, 2], np.float32))
        _, new = executed(backward(tg.Graph(np.sum(w * w), names={"w": w})).source(update="gd"))(w.value, 0.1)
        assert new["w"].dtype == np.float32

    @pytest.mark.parametrize(
        ("build", "why"),
        [
            (lambda w, c: tg.Graph(w * c), "needs the gradient of a parameter"),
            (lambda w, c: tg.Graph(c * c), "needs the gradient of a parameter"),
            (lambda w, c: backward(tg.Graph(w)), "this one is a parameter"),
        ],
    )
    def test_needs_gradients_of_parameters(self, build: Any, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            build(tg.parameter(2.0), tg.constant(3.0)).source(update="gd")

    def test_other_updates_are_refused(self) -> None:
        with pytest.raises(ValueError, match='choose "gd"'):
            backward(canonical()).source(update="adam")  # type: ignore[arg-type]  # what is tested
