"""`tg.bridges.onnx.export`: a model that two runtimes compute as the engine does, with the names and shapes of the statements."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from models import linear_regression, logistic_regression, mlp_classifier, mlp_regressor, softmax_regression
from models.multilayer_perceptron import ACTIVATIONS
from tests.compiled import MODELS, Model, assert_same
from tests.op_cases import Case, cases
from tests.random_programs import random_program

onnx = pytest.importorskip("onnx", reason='needs onnx: pip install -e ".[onnx]"')
ort = pytest.importorskip("onnxruntime", reason='needs onnxruntime: pip install -e ".[onnx]"')
from onnx.reference import ReferenceEvaluator  # noqa: E402

ort.set_default_logger_severity(4)
NAME = "model.onnx"
TOLERANCES = {"float64": 1e-12, "float32": 1e-6}

# What opset 18 has no operator for, of which no formula is written either.
NO_COUNTERPART = {
    "cholesky", "cumprod", "direction", "deviations", "inv", "log_abs_det", "median", "sign_of_det", "singular_values", "solve",
    "left_singular_vectors", "right_singular_vectors", "cofactors", "cofactors_along", "recurrence", "product_of_others",
    # which backward passes alone record
    "median_weights", "merge_pairs", "on_diagonal_like", "on_section_like", "part_like", "scatter_like", "sinc_derivative",
    "sum_padding_like", "sum_repeats_like", "sum_taken_like", "sum_tiles_like",
}  # fmt: skip
# The cases of other ops that have none, by a part of the error.
NOT_EVERY_CASE = {"take_along_axis": "its indices are broadcast", "pad": "Pad of ONNX has no mode"}
# Of which onnxruntime has a kernel for float32 alone.
NO_DOUBLE_KERNEL = {"arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh", "arctanh", "det"}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def by_onnxruntime(model: Any, given: Mapping[str, Any]) -> list[Any]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, given))


def by_reference(model: Any, given: Mapping[str, Any]) -> list[Any]:
    with np.errstate(all="ignore"):
        return list(ReferenceEvaluator(model).run(None, given))


RUNTIMES: list[Callable[[Any, Mapping[str, Any]], list[Any]]] = [by_onnxruntime, by_reference]


def given(model: Any, graph: tg.Graph) -> dict[str, Any]:
    """The values that a graph has for the inputs of a model."""
    return {x.name: np.asarray(graph[x.name].value) for x in model.graph.input}


def check(model: Any, graph: tg.Graph, tolerance: float, runtimes: Any = RUNTIMES) -> None:
    """Compare the outputs of a model with those of a recording."""
    onnx.checker.check_model(model, full_check=True)
    for run in runtimes:
        found = run(model, given(model, graph))
        for x, output in zip(found, graph.outputs, strict=True):
            assert_same(x, output.value, tolerance)


def shapes(values: Any) -> dict[str, list[int | str]]:
    """The shapes of values of a model by name."""
    return {x.name: [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] for x in values}


def check_statements(model: Any, graph: tg.Graph) -> None:
    """Every statement is a value of the model, with its name, shape and numbers."""
    values = {x.name: x for x in (*model.graph.value_info, *model.graph.output)}
    statements = {s.name: s for s in graph.statements() if s.phase == "forward"}
    assert values.keys() == statements.keys()
    assert values.keys() <= {name for node in model.graph.node for name in node.output}
    sizes = {name: [d if isinstance(d, int) else None for d in shape] for name, shape in shapes(values.values()).items()}
    for name, statement in statements.items():
        assert [n if m is not None else None for n, m in zip(statement.shape, sizes[name], strict=True)] == sizes[name]
    everything = onnx.ModelProto()
    everything.CopyFrom(model)
    del everything.graph.output[:]
    everything.graph.output.extend(values.values())
    for name, x in zip(values, by_onnxruntime(everything, given(model, graph)), strict=True):
        assert_same(x, statements[name].value, 1e-12 if x.dtype != np.float32 else 1e-6)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_has_the_numbers_of_recordings_at_any_number_of_rows(model: Model) -> None:
    values = model.values(6)
    graph = model.recorded(values)[0]
    exported = tg.bridges.onnx.export(graph, NAME)
    assert onnx.load(NAME) == exported
    check_statements(exported, graph)
    assert shapes(exported.graph.input)["X"] == ["batch", 3]
    for rows in (6, 9, 4):
        check(exported, model.recorded(values | model.data(np.random.default_rng(rows), rows))[0], 1e-12)


def _data(classes: int, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(classes)
    X, labels = rng.normal(size=(7, 3)), rng.integers(0, max(classes, 2), 7)
    y = np.eye(classes)[labels] if classes > 1 else labels[:, None] if classes else labels
    return X.astype(dtype), y.astype(dtype)


def forward_models() -> Iterator[tuple[str, Any, int, str]]:
    """Every model of `models/`: its name, its module, its number of outputs, its activation."""
    yield "linear regression", linear_regression, 0, ""
    yield "logistic regression", logistic_regression, 0, ""
    yield "softmax regression", softmax_regression, 4, ""
    for activation in ACTIVATIONS:
        yield f"MLP classifier {activation}", mlp_classifier, 4, activation
        yield f"MLP regressor {activation}", mlp_regressor, 1, activation


def recorded(module: Any, outputs: int, activation: str, dtype: str) -> tg.Graph:
    """A model with its probabilities and its loss, on random data."""
    X, y = (tg.constant(x) for x in _data(outputs, dtype))
    random = np.random.RandomState(0)
    sizes = [[3, 5, outputs], 1.0] if activation else [3, outputs] if outputs else [3]
    made = module.parameters(*sizes, random)
    parameters = {
        name: {key: tg.parameter(x.astype(dtype)) for key, x in layer.items()}
        if isinstance(layer, dict)
        else tg.parameter(layer.astype(dtype))
        for name, layer in made.items()
    }
    values = module.forward(X, **parameters, **({"activation": activation} if activation else {}))
    last = list(values.values())[-1]
    Z = last["Z"] if isinstance(last, dict) else last
    names = {"X": X, "y": y, **parameters, **values}
    shown = [Z]
    if hasattr(module, "probabilities"):
        names |= module.probabilities(Z)
        shown = list(module.probabilities(Z).values())
    return tg.Graph(*shown, module.loss(Z, y), names=names)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("name", "module", "outputs", "activation"), list(forward_models()))
def test_all_models(name: str, module: Any, outputs: int, activation: str, dtype: str) -> None:
    graph = recorded(module, outputs, activation, dtype)
    model = tg.bridges.onnx.export(graph, NAME)
    assert {x.name for x in model.graph.input} == {"X", "y"}
    assert shapes(model.graph.input)["X"] == ["batch", 3]
    check(model, graph, TOLERANCES[dtype])
    check_statements(model, graph)


def test_softmax_as_several_logistic_regressions() -> None:
    X, Y = (tg.constant(x) for x in _data(4, "float64"))
    W = tg.parameter(np.random.default_rng(0).normal(size=(3, 4)))
    Z = softmax_regression.forward(X, W)["Z"]
    graph = tg.Graph(softmax_regression.sigmoids(Z)["A"], softmax_regression.loss_of_sigmoids(Z, Y))
    check(tg.bridges.onnx.export(graph, NAME), graph, 1e-12)


def node_of(case: Case, dtype: str) -> tg.Graph:
    """The op of a case on constants, in a dtype."""

    def operand(x: Any) -> Any:
        if type(x) in (int, float, bool):
            return x
        x = np.asarray(x)
        return tg.constant(x.astype(dtype) if x.dtype == np.float64 else x)

    operands = [operand(x) for x in case.arguments]
    params = case.params | ({"dtype": np.dtype(dtype)} if case.op.name == "cast" else {})
    out = case.op(*operands, **params)
    return tg.Graph(out, names={**{f"x{i}": x for i, x in enumerate(operands) if isinstance(x, tg.Node)}, "out": out})


BY_OP = {name: list(group) for name, group in groupby(cases(), lambda case: case.op.name)}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("op", sorted(BY_OP.keys() - NO_COUNTERPART))
def test_every_op(op: str, dtype: str) -> None:
    runtimes = RUNTIMES[1:] if op in NO_DOUBLE_KERNEL and dtype == "float64" else RUNTIMES
    exported = 0
    for case in BY_OP[op]:
        graph = node_of(case, dtype)
        try:
            model = tg.bridges.onnx.export(graph, NAME)
        except TypeError as error:
            assert NOT_EVERY_CASE.get(op, "no") in str(error), f"{case}: {error}"  # noqa: PT017  (or it is exported)
            continue
        exported += 1
        check(model, graph, TOLERANCES[dtype], runtimes)
    assert exported >= len(BY_OP[op]) / 2


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("op", sorted(NO_COUNTERPART))
def test_an_op_without_a_counterpart_is_named(op: str) -> None:
    names = {"sinc_derivative": 2}  # of a number, it runs as it is
    for case in BY_OP[op][names.get(op, 0) :]:
        with pytest.raises(TypeError, match=f"^{op} cannot be exported to ONNX: opset 18 has no counterpart"):
            tg.bridges.onnx.export(node_of(case, "float64"), NAME)


@pytest.mark.parametrize("op", sorted(NO_DOUBLE_KERNEL))
def test_onnxruntime_has_no_double_kernel(op: str) -> None:
    graph = node_of(BY_OP[op][0], "float64")
    with pytest.raises(Exception, match="Could not find an implementation"):
        by_onnxruntime(tg.bridges.onnx.export(graph, NAME), given(onnx.load(NAME), graph))


@pytest.mark.parametrize("function", [tg.softplus, np.log1p, np.expm1, np.logaddexp, np.logaddexp2, np.hypot, np.sinh])
def test_small_results_have_all_their_digits(function: Any) -> None:
    x = tg.constant(np.array([1e-20, -1e-20, 1e-9, -1e-9, 0.3, 0.0, 30.0, 700.0, -0.4]))
    other = [tg.constant(np.array([-30.0, -40.0, 2e-9, 1e-9, 1e-5, 0.0, 1.0, 700.0, -50.0]))]
    y = function(x, *(other if function in (np.logaddexp, np.logaddexp2, np.hypot) else []))
    graph = tg.Graph(y, names={"x": x, "other": other[0], "y": y})
    model = tg.bridges.onnx.export(graph, NAME)
    assert not {"Softplus", "Sinh"} & {node.op_type for node in model.graph.node}
    for run in RUNTIMES:
        np.testing.assert_allclose(run(model, given(model, graph))[0], y.value, rtol=1e-12)


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, -30.0, 40.0, -100.0, -700.0, 1e300, -1e300, np.inf, -np.inf, np.nan])
PAIRS = list(np.meshgrid(EDGES, EDGES))
SINGLE = np.meshgrid(*[EDGES[abs(EDGES) != 1e300].astype(np.float32)] * 2)
TRUTHS = np.array([[True, False], [True, True], [False, False]])
NUMBERS = np.array([[3.0, -0.5], [np.nan, 2.0], [np.inf, -np.inf]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "arrays", "runtimes"),
    [
        (tg.sigmoid, [EDGES], RUNTIMES),
        (lambda z: np.log(tg.sigmoid(z)), [EDGES], RUNTIMES),
        (lambda z: tg.log_softmax(z), [np.outer(EDGES[:10], [1.0, 500.0])], RUNTIMES),
        (np.cosh, [np.array([*EDGES, 710.0, -710.0, 1e-3])], RUNTIMES),
        (np.sinh, [np.array([*EDGES, 710.0, -710.0, 1e-3])], RUNTIMES),
        (np.hypot, PAIRS, RUNTIMES),
        (np.floor_divide, PAIRS, RUNTIMES),
        (np.remainder, PAIRS, RUNTIMES),
        (lambda x, y: 1 / np.copysign(x, y), PAIRS, RUNTIMES),
        (np.arctan2, PAIRS, RUNTIMES[1:]),
        (np.arctan2, SINGLE, RUNTIMES),
        (lambda x: np.searchsorted(np.array([-1.0, 0.0, 1.0]), x), [EDGES], RUNTIMES),
        (lambda x: np.searchsorted(np.array([-1.0, 0.0, 1.0]), x, side="right"), [EDGES], RUNTIMES),
        (lambda x: np.max(x, axis=1), [NUMBERS], RUNTIMES),
        (lambda x: np.min(x, keepdims=True), [NUMBERS], RUNTIMES),
        (lambda x: np.linalg.norm(x, np.inf, axis=0), [NUMBERS], RUNTIMES),
        (lambda x: np.argmax(x, axis=1), [NUMBERS[:, ::-1]], RUNTIMES),
        (lambda x: np.argmin(x, keepdims=True), [NUMBERS], RUNTIMES),
        (np.linalg.norm, [np.array(-2.5)], RUNTIMES),
        (lambda x: np.isclose(x, 0.5, rtol=np.float64(0.1)), [EDGES], RUNTIMES),
        (np.any, [np.zeros((0, 2), bool)], RUNTIMES),
        (np.all, [np.zeros((0, 2), bool)], RUNTIMES),
        (lambda x: np.var(x, axis=0, ddof=1), [np.array([[3, 4], [5, -7], [0, 2]])], RUNTIMES),
        (np.std, [TRUTHS], RUNTIMES),
        (lambda x, y: x + y, [TRUTHS, TRUTHS[::-1]], RUNTIMES),
        (lambda x, y: x * y, [TRUTHS, TRUTHS[::-1]], RUNTIMES),
        (np.maximum, [TRUTHS, TRUTHS[::-1]], RUNTIMES),
        (np.minimum, [TRUTHS, TRUTHS[::-1]], RUNTIMES),
        (lambda c, x: np.where(c, x, np.array([[True, False]])), [TRUTHS, TRUTHS[::-1]], RUNTIMES),
    ],
)
def test_edges(function: Any, arrays: list[Any], runtimes: Any) -> None:
    inputs = [tg.constant(x) for x in arrays]
    y = function(*inputs)
    graph = tg.Graph(y, names={**{f"x{i}": x for i, x in enumerate(inputs)}, "y": y})
    model = tg.bridges.onnx.export(graph, NAME)
    tolerance = 1e-6 if any(x.dtype == np.float32 for x in inputs) else 1e-12
    for run in runtimes:
        (found,) = run(model, given(model, graph))
        assert (found.shape, found.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(found, y.value, rtol=tolerance)


PLACES = {"i": np.array([1, -1, 0]), "j": np.array([[0], [-2]]), "k": np.array(1)}
MASKS = {
    "m": np.array([True, False, True, True]),
    "n": np.array([[True, False, True], [False, False, True]]),
    "l": np.eye(4, 2) > 0,
}


@pytest.mark.parametrize(
    "index",
    [
        "1, -2", "..., 1, None", "None, 0, ..., None, 1", "::-1, 1:, None", "-2::-1", "-6::-2, 0", "-3:-4:-1", "-2:-1:-1", "i",
        ":, i", "j, i", "i, 1", "1, i", ":, i, j", "i, :, j", ":, 1, :, i", "None, i, None, j", "..., i, 1:, j", "k, i",
        "1:, ::-1, None, i, j", "m", "m, 1", "m, ..., 0", ":, n", "1, n", ":, n, ..., 1", "l, 0",
    ],
)  # fmt: skip
def test_indices(index: str) -> None:
    x = tg.constant(np.random.default_rng(0).normal(size=(4, 2, 3, 3)))
    y = eval(f"x[{index}]", {"x": x, **PLACES, **MASKS})
    graph = tg.Graph(y, names={"x": x, "y": y})
    check(tg.bridges.onnx.export(graph, NAME), graph, 0)


def test_the_axes_of_arrays_apart_come_first() -> None:
    x = tg.constant(np.ones((5, 4, 3)))
    i = PLACES["i"]
    for y, shape in ((x[:, i, 0], ["batch", 3]), (x[:, i, ..., 0], [3, "batch"]), (x[0, :, i], [3, "x_axis_1"])):
        model = tg.bridges.onnx.export(tg.Graph(y, names={"x": x, "y": y}), NAME)
        assert shapes(model.graph.output)["y"] == shape


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_random_programs() -> None:
    compared = 0
    for seed in range(40):
        program = random_program(seed)
        graph = program.graph(program.values(3, 0))
        try:
            model = tg.bridges.onnx.export(graph, NAME)
        except TypeError as error:
            assert "cannot be exported to ONNX: opset 18 has no counterpart" in str(error)  # noqa: PT017  (or it is exported)
            continue
        check(model, graph, program.rounding, RUNTIMES[1:])
        compared += 1
    assert compared > 15


def test_parameters_are_kept_and_constants_are_given() -> None:
    X, w, scale = tg.constant(np.ones((4, 2))), tg.parameter(np.array([0.5, -1.0])), tg.constant(3.0)
    z = X @ w * scale + np.arange(4)
    graph = tg.Graph(z, names={"X": X, "w": w, "scale": scale, "z": z})
    model = tg.bridges.onnx.export(graph, NAME)
    assert [x.name for x in model.graph.input] == ["X", "scale"]
    assert shapes(model.graph.input) == {"X": [4, 2], "scale": []}  # an array of 4 entries is in the model
    assert {"w", "c_1"} <= {x.name for x in model.graph.initializer}
    bound = tg.bridges.onnx.export(graph, NAME, bind={"scale": 2.0})
    assert [x.name for x in bound.graph.input] == ["X"]
    np.testing.assert_allclose(by_onnxruntime(bound, {"X": np.ones((4, 2))})[0], -1.0 + np.arange(4))
    with pytest.raises(TypeError, match="the step takes no scal"):
        tg.bridges.onnx.export(graph, NAME, bind={"scal": 2.0})
    with pytest.raises(ValueError, match=r"bind has X of shape \(3, 2\), and the graph of shape \(4, 2\)"):
        tg.bridges.onnx.export(graph, NAME, bind={"X": np.ones((3, 2))})


def test_the_batch_is_the_first_axis_of_all_that_have_it() -> None:
    w, X = tg.constant(np.ones(3)), tg.constant(np.ones((4, 3)))
    model = tg.bridges.onnx.export(tg.Graph(w @ X.T, names={"w": w, "X": X}), NAME)
    assert shapes(model.graph.input) == {"w": ["w_axis_0"], "X": ["batch", "w_axis_0"]}
    A, x = tg.constant(np.ones((4, 4))), tg.constant(np.ones(4))
    model = tg.bridges.onnx.export(tg.Graph(A @ x + x, names={"A": A, "x": x}), NAME)
    assert shapes(model.graph.input) == {"A": ["batch", "batch"], "x": ["batch"]}


def test_float32_beside_float64() -> None:
    x, w = tg.constant(np.ones(3, np.float32)), tg.parameter(np.array([0.1, 0.2, 0.3]))
    y = np.exp(x) * 2
    graph = tg.Graph(y, np.sum(y * w), names={"x": x, "w": w, "y": y})
    model = tg.bridges.onnx.export(graph, NAME)
    double = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    assert [x.type.tensor_type.elem_type for x in model.graph.output] == [double[1], double[0]]
    check(model, graph, 1e-6)


def test_integers_and_truth_values() -> None:
    n, x = tg.constant(np.array([7, -7, 4])), tg.parameter(np.array([0.5, -0.5, 2.0]))
    graph = tg.Graph(n // 2, n % 3, np.sum(x > 0), (x > 0) & (n > 0), np.sqrt(n * n), n / 2, names={"n": n, "x": x})
    check(tg.bridges.onnx.export(graph, NAME), graph, 1e-12)


def test_a_name_for_what_is_there_already() -> None:
    x = tg.parameter(np.ones(2))
    y = np.exp(x)
    z = np.exp(x)
    graph = tg.Graph(y, z, y, names={"x": x, "y": y, "z": z})
    with pytest.raises(TypeError, match="two outputs are y"):
        tg.bridges.onnx.export(graph, NAME)
    graph = tg.Graph(y, z, x, names={"x": x, "y": y, "z": z})
    model = tg.bridges.onnx.export(graph, NAME)
    assert [x.name for x in model.graph.output] == ["y", "z", "x_output"]
    assert [node.op_type for node in model.graph.node] == ["Exp", "Identity", "Identity"]
    check(model, graph, 1e-12)


def test_gradients_are_left_out() -> None:
    w = tg.parameter(np.ones(2))
    graph = tg.Graph(np.sum(w * w), names={"w": w})
    graph.backprop()
    assert [node.op_type for node in tg.bridges.onnx.export(graph, NAME).graph.node] == ["Mul", "ReduceSum"]


@tg.op(lambda g, out, x: g * np.cos(x), elementwise=True, onnx="Sin")
def onnx_sine(x: Any) -> Any:
    return np.asarray(np.sin(x))


@tg.op(None, onnx=lambda write, node, x: write("Gather", x, write.integers(0, 0), axis=0))
def onnx_first_twice(x: Any) -> Any:
    return x[[0, 0]]


@tg.op(lambda g, out, x: g * np.cos(x), elementwise=True)
def onnx_composed(x: Any) -> Any:
    return np.sin(x) * 1.0


@tg.op(None)
def onnx_unknown(x: Any) -> Any:
    return np.asarray(np.sort(np.asarray(x))[::-1])


def onnx_misspelled(onnx: Any) -> tg.Op:
    @tg.op(None, elementwise=True, onnx=onnx)
    def onnx_wrong(x: Any) -> Any:
        return np.asarray(np.sin(np.asarray(x)))

    return onnx_wrong


@pytest.mark.parametrize(
    "declared",
    ["Transpose({}, perm=[1, 0])", lambda write, node, x: write("Transpose", write("Transpose", x, perm=[0, 1]), perm=[1, 0])],
)
def test_an_attribute_may_be_a_list(declared: Any) -> None:
    @tg.op(None, onnx=declared)
    def onnx_transposed(x: Any) -> Any:
        return np.asarray(x).T

    x = tg.constant(np.arange(6.0).reshape(2, 3))
    graph = tg.Graph(onnx_transposed(x), names={"x": x})
    check(tg.bridges.onnx.export(graph, NAME), graph, 0)


def test_ops_of_the_user() -> None:
    x = tg.constant(np.array([0.5, -0.5, 2.0]))
    graph = tg.Graph(onnx_sine(x), onnx_first_twice(x), onnx_composed(x), names={"x": x})
    check(tg.bridges.onnx.export(graph, NAME), graph, 1e-12)


def test_an_error_has_the_line_and_what_to_do() -> None:
    x = tg.constant(np.array([0.5, -0.5, 2.0]))
    y = onnx_unknown(x)
    with pytest.raises(TypeError) as error:
        tg.bridges.onnx.export(tg.Graph(y, names={"x": x}), NAME)
    assert "onnx_unknown cannot be exported to ONNX: opset 18 has no counterpart" in str(error.value)
    assert "@tg.op(..., onnx=...)" in str(error.value)
    assert "test_onnx.py" in str(error.value)
    assert "y = onnx_unknown(x)" in str(error.value)
    for wrong in ("Sin({}, {})", "Sin({x", "Sin(", "Sin({}) + 1", "Sin({y})"):
        with pytest.raises(TypeError, match=rf"onnx_wrong .* '{re.escape(wrong)}' is not operators within each other"):
            tg.bridges.onnx.export(tg.Graph(onnx_misspelled(wrong)(x), names={"x": x}), NAME)
    with pytest.raises(TypeError, match="opset 18 has no operator Sine"):
        tg.bridges.onnx.export(tg.Graph(onnx_misspelled("Sine({})")(x), names={"x": x}), NAME)
    assert not Path(NAME).exists()


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("Sin({0}, {0})", "Sin does not follow its schema in ONNX: .* has input size 2"),
        ("Add({})", "Add does not follow its schema in ONNX: .* has input size 1"),
        ("Sin({}, axis=1)", "Sin does not follow its schema in ONNX: Unrecognized attribute: axis"),
        ("Concat({})", "Concat does not follow its schema in ONNX: Required attribute 'axis' is missing"),
        ("Sin({}, axis=[1, 'a'])", "Sin of ONNX has no such attribute"),
        (
            lambda write, node, x: write("TopK", x, write.integers(1)),
            "TopK does not follow its schema in ONNX: .* has output size 1",
        ),
    ],
)
def test_an_operator_that_does_not_follow_its_schema_raises_an_error_with_the_line(declared: Any, reason: str) -> None:
    x = tg.constant(np.ones((2, 3)))
    with pytest.raises(TypeError, match=rf"(?s)onnx_wrong cannot be exported to ONNX: {reason}.*test_onnx.py:"):
        tg.bridges.onnx.export(tg.Graph(onnx_misspelled(declared)(x), names={"x": x}), NAME)


def test_dtypes_that_an_operator_does_not_take() -> None:
    x, y = tg.constant(np.array([1, 2])), tg.constant(np.array([1, 2], np.uint64))
    with pytest.raises(TypeError, match="isnan cannot be exported to ONNX: IsNaN of ONNX takes no int64"):
        tg.bridges.onnx.export(tg.Graph(np.isnan(x), names={"x": x}), NAME)
    with pytest.raises(TypeError, match="less cannot be exported to ONNX: Less of ONNX takes no uint64 beside int64"):
        tg.bridges.onnx.export(tg.Graph(y < x, names={"x": x, "y": y}), NAME)
    with pytest.raises(TypeError, match="greater cannot be exported to ONNX: Python integer -1 out of bounds for uint64"):
        tg.bridges.onnx.export(tg.Graph(y > -1, names={"y": y}), NAME)


def test_what_is_no_graph_and_a_dtype_that_onnx_does_not_have() -> None:
    x = tg.constant(np.ones(2, np.longdouble))
    with pytest.raises(TypeError, match="export takes a graph, not a Node"):
        tg.bridges.onnx.export(x, NAME)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"x cannot be exported: ONNX has no (float128|float96|longdouble)"):
        tg.bridges.onnx.export(tg.Graph(np.exp(x), names={"x": x}), NAME)


def test_names_of_operators_are_names_too() -> None:
    MatMul, Add, constant = tg.constant(np.ones((4, 3))), tg.parameter(np.ones(3)), tg.constant(np.ones(4))
    Exp = np.exp(MatMul @ Add + constant)
    graph = tg.Graph(np.log(Exp) + 1.5)
    check(tg.bridges.onnx.export(graph, NAME), graph, 1e-12)


def test_decisions_and_sparse_matrices_raise_an_error() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    w = tg.parameter(2.0)
    L = w * w if w > 0 else w
    with pytest.raises(TypeError, match=r"ONNX cannot decide as Python did by a value, line .*: w > 0, of 2.0: write np.where"):
        tg.bridges.onnx.export(tg.Graph(L, names={"w": w}), NAME)
    X, v = tg.constant(sparse.csr_array(np.eye(3))), tg.parameter(np.ones(3))
    with pytest.raises(TypeError, match="X is a sparse matrix"):
        tg.bridges.onnx.export(tg.Graph(X @ v, names={"X": X, "v": v}), NAME)


def test_an_export_that_fails_leaves_the_file_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    Path(NAME).write_bytes(b"a model")
    x = tg.constant(np.ones(3))
    graph = tg.Graph(np.exp(x), names={"x": x})
    with pytest.raises(TypeError, match="opset 18 has no counterpart"):
        tg.bridges.onnx.export(tg.Graph(np.cumprod(x), names={"x": x}), NAME)
    with pytest.raises(FileNotFoundError, match=f"missing.{NAME} cannot be written: there is no folder missing"):
        tg.bridges.onnx.export(graph, f"missing/{NAME}")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        tg.bridges.onnx.export(graph, NAME)
    assert [path.name for path in Path().iterdir()] == [NAME]
    assert Path(NAME).read_bytes() == b"a model"


def test_without_onnx_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    w = tg.parameter(2.0)
    with pytest.raises(ImportError, match=r'export needs onnx: pip install "tinygraph-autodiff\[onnx\]"'):
        tg.bridges.onnx.export(tg.Graph(w * w, names={"w": w}), NAME)


def test_bridges_are_imported_when_they_are_asked_for() -> None:
    assert "onnx" in dir(tg.bridges)
    with pytest.raises(AttributeError, match=r"no attribute 'onyx': there are .*onnx"):
        tg.bridges.onyx  # noqa: B018  (reading it raises)
