"""A matrix of scipy.sparse as a constant: the numbers of the dense one in every face, and a refusal by all other ops."""

import gc
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests import op_cases
from tests.browser import data_of
from tests.oracles import assert_close, complex_step
from tinygraph import ops
from tinygraph.draw.engine import LayoutError
from tinygraph.sparse import OPS, Sparse, sparsity

sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")

RNG = np.random.default_rng(5)
D = np.where(RNG.random((6, 4)) < 0.4, RNG.normal(size=(6, 4)), 0.0)
C = sparse.csr_array(D)
Y, W0, ROWS = RNG.normal(size=6), RNG.normal(size=4), np.array([5, 0, 0, 3])
ROUNDING = 1e-12


def dense(value: Any) -> Any:
    return value.toarray() if sparse.issparse(value) else value


def logistic(X: Any, w0: Any = W0) -> tg.Graph:
    """A model of some of the rows, with the gradients."""
    X, w, b = tg.constant(X), tg.parameter(w0), tg.parameter(0.2)
    rows, y = ROWS, Y[ROWS]
    batch = X[rows]
    z = batch @ w + b
    a = tg.sigmoid(z)
    L = np.mean((a - y) ** 2) + 0.01 * np.sum(w**2)
    graph = tg.Graph(L, names={"X": X, "w": w, "b": b, "rows": rows, "y": y, "batch": batch, "z": z, "a": a, "L": L})
    graph.backprop()
    return graph


# The leaf


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "dok", "lil"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_format_becomes_a_csr_array(form: str, kind: str) -> None:
    node = tg.constant(getattr(sparse, f"{form}_{kind}")(D))
    assert isinstance(node.value, sparse.csr_array)
    np.testing.assert_array_equal(node.value.toarray(), D)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "?"])
def test_the_dtypes_are_those_of_dense_constants_and_of_what_is_computed_with_them(dtype: str) -> None:
    values = D.astype(dtype)
    node, same = tg.constant(sparse.csr_array(values)), tg.constant(values)
    assert node.dtype == same.dtype
    for factor in (np.ones(4, np.float32), np.ones((4, 2))):
        w = tg.parameter(factor)
        assert (node @ w).dtype == (same @ w).dtype
        assert tg.gradients(np.sum(node @ w), w)[0].dtype == factor.dtype


def test_a_leaf_has_the_facts_of_the_dense_array_and_says_how_far_it_is_filled() -> None:
    node = tg.constant(C)
    assert (node.shape, node.ndim, node.size, len(node), node.dtype) == ((6, 4), 2, 24, 6, np.float64)
    assert (np.shape(node), np.ndim(node), np.size(node)) == ((6, 4), 2, 24)
    assert (node.kind, node.op, node.inputs) == ("constant", None, ())
    assert repr(node) == f"{node}" == f"<constant (6, 4) float64: sparse, {round(100 * np.mean(D != 0))} % filled>"


@pytest.mark.parametrize(
    ("shape", "entries", "text"),
    [
        ((10, 10), 3, "sparse, 3 % filled"),
        ((2, 2), 4, "sparse, 100 % filled"),
        ((1000, 100), 30, "sparse, 0.03 % filled"),
        ((10**5, 10**5), 3, "sparse, less than 0.001 % filled"),
        ((3, 2), 0, "sparse, 0 % filled"),
        ((0, 4), 0, "sparse, 0 % filled"),
        ((4, 0), 0, "sparse, 0 % filled"),
    ],
)
def test_the_share_of_stored_entries(shape: tuple[int, int], entries: int, text: str) -> None:
    places = np.unravel_index(np.arange(entries), shape)
    matrix = sparse.coo_array((np.ones(entries), places), shape=shape)
    assert sparsity(tg.constant(matrix).value) == text
    assert sparsity(np.ones(3)) == ""


def test_a_leaf_copies_unless_it_is_to_share() -> None:
    own = C.copy()
    copied, shared = tg.constant(own), tg.constant(own, copy=False)
    own.data[:] = 7
    np.testing.assert_array_equal(copied.value.toarray(), D)
    np.testing.assert_array_equal(shared.value.toarray(), 7 * (D != 0))
    assert own.data.flags.writeable


def test_entries_that_are_stored_in_parts_are_added_up_and_stay_so_for_the_user() -> None:
    parts = sparse.csr_array((np.ones(3), np.array([1, 0, 1]), np.array([0, 3])), shape=(1, 2))
    node, shared = tg.constant(parts), tg.constant(parts, copy=False)
    assert sparsity(node.value) == "sparse, 100 % filled"
    for own in (node, shared):
        np.testing.assert_array_equal((own @ np.array([1.0, 10.0])).value, [21.0])
    assert parts.nnz == 3


@pytest.mark.parametrize(
    "node", [tg.constant(C), tg.constant(C).T, tg.constant(C)[1:3], pickle.loads(pickle.dumps(tg.constant(C)))]
)
def test_a_value_that_was_read_cannot_change_the_node(node: tg.Node) -> None:
    before = node.value.toarray()
    with pytest.raises(ValueError, match="read-only"):
        node.value.data[0] = 1
    value = node.value
    value.data = np.zeros(value.nnz)
    np.testing.assert_array_equal(node.value.toarray(), before)


def test_a_leaf_can_be_made_of_a_node() -> None:
    again = tg.constant(tg.constant(C)[:2])
    assert again.op is None
    np.testing.assert_array_equal(again.value.toarray(), D[:2])


@pytest.mark.parametrize(
    "matrix",
    [
        sparse.csr_array(D.astype(complex)),
        sparse.coo_array(np.array([0.0, 1.0])),
    ],
    ids=["complex", "a vector"],
)
def test_what_is_no_real_matrix_is_no_leaf(matrix: Any) -> None:
    with pytest.raises(TypeError, match="a sparse constant is a matrix of real numbers"):
        tg.constant(matrix)


# What it takes part in, against NumPy on the dense array

BATCH = np.array([2, 2, -1])
PRODUCTS: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {
    "X @ w": (lambda X, w: X @ w, (4,)),
    "X @ W": (lambda X, w: X @ w, (4, 3)),
    "X @ W, of one column": (lambda X, w: X @ w, (4, 1)),
    "np.matmul(X, w)": (lambda X, w: np.matmul(X, w), (4,)),
    "np.dot(X, w)": (lambda X, w: np.dot(X, w), (4,)),
    "np.dot(X, W)": (lambda X, w: np.dot(X, w), (4, 3)),
    "X.T @ v": (lambda X, w: X.T @ w, (6,)),
    "X.T @ V": (lambda X, w: X.T @ w, (6, 2)),
    "np.transpose(X) @ v": (lambda X, w: np.transpose(X) @ w, (6,)),
    "X.T.T @ w": (lambda X, w: X.T.T @ w, (4,)),
    "X.transpose(1, 0) @ v": (lambda X, w: X.transpose(1, 0) @ w, (6,)),
    "w @ X": (lambda X, w: w @ X, (6,)),
    "W @ X": (lambda X, w: w @ X, (2, 6)),
    "W @ X.T": (lambda X, w: w @ X.T, (2, 4)),
    "X[1:4] @ w": (lambda X, w: X[1:4] @ w, (4,)),
    "X[::-2] @ w": (lambda X, w: X[::-2] @ w, (4,)),
    "X[4:, :] @ w": (lambda X, w: X[4:, :] @ w, (4,)),
    "X[1:3, ...] @ w": (lambda X, w: X[1:3, ...] @ w, (4,)),
    "X[[]] @ w": (lambda X, w: X[[]] @ w, (4,)),
    "X[[3, 0]] @ w": (lambda X, w: X[[3, 0]] @ w, (4,)),
    "X[range(2)] @ w": (lambda X, w: X[range(2)] @ w, (4,)),
    "X[batch] @ W": (lambda X, w: X[BATCH] @ w, (4, 2)),
    "X[mask] @ w": (lambda X, w: X[Y > 0] @ w, (4,)),
    "X[batch][1:].T @ v": (lambda X, w: X[BATCH][1:].T @ w, (2,)),
    "X.T[[1, 3]] @ v": (lambda X, w: X.T[[1, 3]] @ w, (6,)),
    "tanh(X @ w) @ X": (lambda X, w: np.tanh(X @ w) @ X, (4,)),
}
NAMED = [pytest.param(compute, shape, id=name) for name, (compute, shape) in PRODUCTS.items()]


def objective(compute: Callable[[Any, Any], Any], X: Any) -> Callable[[Any], Any]:
    def loss(w: Any) -> Any:
        out = compute(X, w)
        return np.sum(np.sin(out) * np.cos(np.arange(1.0, 1 + out.size)).reshape(out.shape))

    return loss


@pytest.mark.parametrize(("compute", "shape"), NAMED)
def test_values_gradients_and_curvature_are_those_of_the_dense_matrix(compute: Any, shape: tuple[int, ...]) -> None:
    w = np.random.default_rng(1).normal(size=shape)
    v = np.random.default_rng(2).normal(size=shape)
    plain, own = objective(compute, D), objective(compute, tg.constant(C))
    value, gradient = tg.value_and_grad(own)(w)
    assert_close(value, plain(w), ROUNDING)
    assert_close(gradient, complex_step(plain, (w,), 0, 1.0), ROUNDING)
    assert_close(tg.hvp(own)(w, v), tg.hvp(plain)(w, v), ROUNDING)
    assert_close(tg.hessian(own)(w), tg.hessian(plain)(w), ROUNDING)


@pytest.mark.parametrize(("compute", "shape"), NAMED)
def test_the_printed_source_runs_with_the_sparse_matrix_and_with_the_dense_one(compute: Any, shape: tuple[int, ...]) -> None:
    node, w = tg.constant(C), tg.parameter(np.random.default_rng(1).normal(size=shape))
    graph = tg.Graph(objective(compute, node)(w), names={"X": node, "w": w})
    dw = graph.backprop()["w"].value
    function = graph.function()
    names = list(inspect.signature(function).parameters)
    for X in (C, sparse.coo_matrix(D), D):
        known = {"X": X, "w": w.value}
        given = [known[name] if name in known else graph[name].value for name in names]
        value, gradients = function(*given)
        assert_close(value, graph.outputs[0].value, ROUNDING)
        assert_close(gradients["dw"], dw, ROUNDING)


def test_the_gradient_comes_from_the_rule_of_dense_products() -> None:
    found = [
        tg.Graph(np.sum(X @ w), names={"X": X, "w": w}) for w in [tg.parameter(W0)] for X in (tg.constant(C), tg.constant(D))
    ]
    for graph in found:
        graph.backprop()
    ours, theirs = ([s.right for s in graph.statements("op")] for graph in found)
    assert ours == theirs
    assert ops.REGISTRY.keys() >= OPS


def test_a_sparse_matrix_gets_no_gradient() -> None:
    X, w = tg.constant(C), tg.parameter(W0)
    L = np.sum((X @ w) ** 2)
    graph = tg.Graph(L, names={"X": X, "w": w, "L": L})
    for asks in (lambda: tg.gradients(L, X), lambda: tg.gradients(L, w, X), lambda: graph.backprop(wrt="X")):
        with pytest.raises(TypeError, match=r"is sparse and has no gradient.*tg\.parameter\(X\.toarray\(\)\)"):
            asks()
    assert set(graph.backprop()) == {"L", "w"}


@pytest.mark.parametrize("given", [C, tg.constant(C), sparse.lil_matrix(D)])
def test_there_is_no_sparse_parameter(given: Any) -> None:
    loss = lambda X, w: np.sum(X @ w)
    for asks in (lambda: tg.parameter(given), lambda: tg.grad(loss)(given, W0), lambda: tg.vjp(loss, given, W0)):
        with pytest.raises(TypeError, match=r"a sparse matrix .* is no parameter.*tg\.parameter\(X\.toarray\(\)\)"):
            asks()


@pytest.mark.parametrize("wanted", [tg.value_and_grad, tg.jacobian, tg.hessian, tg.grad])
def test_a_sparse_node_may_be_a_later_argument_of_a_function_and_gives_arrays(wanted: Any) -> None:
    loss = lambda w, X, y: np.mean((X @ w - y) ** 2)
    found, expected = wanted(loss)(W0, tg.constant(C)[ROWS], Y[ROWS]), wanted(loss)(W0, D[ROWS], Y[ROWS])
    for own, other in zip(found, expected, strict=True):
        assert not isinstance(own, tg.Node)
        assert_close(own, other, ROUNDING)
    assert_close(tg.hvp(loss)(W0, tg.constant(C), Y, W0), tg.hvp(loss)(W0, D, Y, W0), ROUNDING)


def test_gradients_of_functions_of_sparse_data_are_checked() -> None:
    loss = lambda w, X: np.mean(tg.sigmoid(X @ w) ** 2)
    tg.check_gradients(loss, W0, tg.constant(C))
    tg.check_gradients(lambda w: loss(w, tg.constant(C)), W0)


def test_a_wrong_rule_is_found_behind_a_sparse_product() -> None:
    @tg.op(lambda g, out, x: 2.1 * g * x, elementwise=True)
    def badly_squared(x: Any) -> Any:
        return x**2

    X = tg.constant(C)
    try:
        with pytest.raises(tg.GradientError, match=r"badly_squared: its rule for x .* is wrong"):
            tg.check_gradients(lambda w: np.sum(badly_squared(X @ w)), W0)
    finally:
        del ops.REGISTRY["badly_squared"]


# What is refused

REFUSED = [case for case in op_cases.cases() if case.op.name not in OPS and case.arguments]


@pytest.mark.parametrize("name", sorted({case.op.name for case in REFUSED}))
def test_every_other_op_raises_what_to_write(name: str) -> None:
    X = tg.constant(sparse.csr_array(np.array([[0.5, 0.0], [0.0, 0.25]])))
    for case in (case for case in REFUSED if case.op.name == name):
        for i in range(len(case.arguments)):
            arguments = [*case.arguments[:i], X, *case.arguments[i + 1 :]]
            with pytest.raises(tg.OpError) as caught:
                case.op(*arguments, **case.params)
            assert_names(caught.value, name)


def assert_names(error: BaseException, name: str) -> None:
    """The error names the op, the operand, the user's line and the fix."""
    assert isinstance(error, TypeError)
    first, *lines = str(error).splitlines()
    assert first.startswith(f"{name}(")
    assert "a sparse matrix" in first
    assert any(re.fullmatch(r"  (X|operand \d) is a \w+ of shape .*, sparse, \d+ % filled", line) for line in lines)
    assert any(line.startswith("  at test_sparse.py:") for line in lines)
    assert lines[-1].startswith("  fix: ")
    assert ".toarray()" in lines[-1]


def test_the_table_of_refusals_misses_no_op() -> None:
    built_in = {op.name for op in vars(ops).values() if isinstance(op, ops.Op) and op.arguments}
    assert {case.op.name for case in REFUSED} == built_in - OPS


EXPRESSIONS: list[tuple[str, Callable[[Any], Any]]] = [
    ("add", lambda X: X + 1),
    ("add", lambda X: np.ones((6, 4)) + X),
    ("subtract", lambda X: 1 - X),
    ("multiply", lambda X: 2 * X),
    ("multiply", lambda X: X * X),
    ("multiply", lambda X: X * tg.parameter(W0)),
    ("divide", lambda X: X / 2),
    ("power", lambda X: X**2),
    ("negative", lambda X: -X),
    ("abs", lambda X: abs(X)),
    ("greater", lambda X: X > 0),
    ("equal", lambda X: X == 0),
    ("floor_divide", lambda X: X // 2),
    ("remainder", lambda X: X % 2),
    ("exp", lambda X: np.exp(X)),
    ("exp", lambda X: np.exp(X.T)),
    ("exp", lambda X: np.exp(X[1:])),
    ("sum", lambda X: np.sum(X)),
    ("mean", lambda X: X.mean(axis=0)),
    ("max", lambda X: X.max()),
    ("reshape", lambda X: X.reshape(4, 6)),
    ("cast", lambda X: X.astype(np.float32)),
    ("softmax", lambda X: tg.softmax(X)),
    ("relu", lambda X: tg.relu(X)),
    ("stop_gradient", lambda X: tg.stop_gradient(X)),
    ("np.zeros_like", lambda X: np.zeros_like(X)),
    ("concatenate", lambda X: np.concatenate([X, X])),
    ("einsum", lambda X: np.einsum("ij,j->i", X, W0)),
    ("where", lambda X: np.where(Y[:, None] > 0, X, 0)),
    ("section", lambda X: np.array_split(X, 2)),
    ("matmul", lambda X: X @ X.T),
    ("matmul", lambda X: X @ np.ones((2, 4, 3))),
    ("matmul", lambda X: np.ones((2, 3, 6)) @ X),
    ("transpose", lambda X: np.transpose(X, (0, 1))),
    ("index", lambda X: X[0]),
    ("index", lambda X: next(iter(X))),
    ("index", lambda X: X[:, 1]),
    ("index", lambda X: X[0, 1]),
    ("index", lambda X: X[[0, 1], [1, 0]]),
    ("index", lambda X: X[None]),
    ("index", lambda X: X[np.array([[0, 1]])]),
    ("index", lambda X: X[1:3, 2:]),
    ("index", lambda X: X[D > 0]),
]


@pytest.mark.parametrize(("name", "compute"), EXPRESSIONS)
def test_expressions_of_other_ops_raise_what_to_write(name: str, compute: Callable[[Any], Any]) -> None:
    X = tg.constant(C)
    with pytest.raises(tg.OpError) as caught:
        compute(X)
    assert_names(caught.value, name)


def test_an_op_of_the_users_raises_what_to_write() -> None:
    @tg.op(None)
    def doubled_matrix(x: Any) -> Any:
        return 2 * x

    try:
        with pytest.raises(tg.OpError) as caught:
            doubled_matrix(tg.constant(C))
    finally:
        del ops.REGISTRY["doubled_matrix"]
    assert_names(caught.value, "doubled_matrix")


@pytest.mark.parametrize(
    ("asks", "advice"),
    [
        (lambda X: X.item(), "takes part in"),
        (lambda X: X.tolist(), "takes part in"),
        (lambda X: f"{X:.3f}", "takes part in"),
        (lambda X: bool(X[:1].T[:1]), "takes part in"),
        (lambda X: X.toarray(), r"node\.value\.toarray\(\)"),
        (lambda X: np.asarray(X), r"X\.value is the plain"),
    ],
)
def test_what_reads_the_entries_raises(asks: Callable[[Any], Any], advice: str) -> None:
    with pytest.raises((TypeError, AttributeError), match=advice):
        asks(tg.constant(C))


@pytest.mark.parametrize("given", [C, sparse.csr_matrix(D), sparse.coo_array(D)])
def test_a_matrix_that_is_no_node_raises_with_the_constant_to_write(given: Any) -> None:
    w, v = tg.parameter(W0), tg.parameter(Y)
    for compute in (lambda: given @ w, lambda: given.dot(w), lambda: v @ given, lambda: np.matmul(v, given)):
        with pytest.raises(TypeError, match=r"tg\.constant\(X\).*X\.toarray\(\)"):
            compute()


def test_a_shape_that_does_not_fit_raises_as_with_dense_operands() -> None:
    with pytest.raises(tg.OpError, match="fix: the last axis of the left operand") as caught:
        tg.constant(C) @ np.ones(5)
    assert isinstance(caught.value, ValueError)
    assert caught.value.graph is not None
    assert "filled" in repr(caught.value.graph)


# The faces


def test_the_table_says_how_far_matrices_are_filled() -> None:
    rows = repr(logistic(C)).splitlines()
    share, of_batch = round(100 * np.mean(D != 0)), round(100 * np.mean(D[ROWS] != 0))
    assert any(re.fullmatch(rf"  X constant +\(6, 4\) +sparse, {share} % filled", row) for row in rows)
    assert any(re.fullmatch(rf"  batch = X\[rows\] +\(4, 4\) +sparse, {of_batch} % filled", row) for row in rows)


def test_equations_are_those_of_the_dense_matrix() -> None:
    assert str(logistic(C).latex()) == str(logistic(D).latex())
    assert logistic(C).mathml() == logistic(D).mathml()
    assert r"^{\top}" in str(logistic(C).latex())


@pytest.mark.parametrize("level", ["named", "op"])
def test_the_picture_says_how_far_matrices_are_filled(level: Any) -> None:
    picture = logistic(C).draw(level=level)
    assert picture.dot.count("% filled") == 2
    try:
        assert picture.svg.count("% filled") >= 2
    except LayoutError:
        pytest.skip("no layout engine is installed")


@pytest.mark.parametrize("lens", ["check", "finite", "saturation", "norm"])
def test_lenses_say_of_the_numbers_what_they_say_of_dense_ones(lens: str) -> None:
    assert logistic(C).draw(lens=lens).drawing.notes == logistic(D).draw(lens=lens).drawing.notes


def test_lenses_check_float32_in_float64() -> None:
    notes = logistic(C.astype(np.float32), W0.astype(np.float32)).draw(lens="check").drawing.notes
    assert re.match(r"(\d) of \1 gradients agree with finite differences$", notes[0])


def test_the_page_to_explore_says_how_far_matrices_are_filled() -> None:
    try:
        page = logistic(C).view().html
    except LayoutError:
        pytest.skip("no layout engine is installed")
    assert f'"text":"sparse, {round(100 * np.mean(D != 0))} % filled"' in page


@pytest.mark.parametrize("level", ["named", "op"])
def test_the_stepper_walks_recomputes_and_updates(level: Any) -> None:
    ours, theirs = logistic(C).stepper(level), logistic(D).stepper(level)
    for stepper in (ours, theirs):
        stepper.set(w=np.ones(4))
        stepper.update(0.1)
        stepper.run()
    assert "batch = X[rows] = (4, 4) = sparse, " in str(ours)
    assert len(ours.steps) == len(theirs.steps)
    for own, other in zip(ours.steps, theirs.steps, strict=True):
        assert (own.name, own.equation) == (other.name, other.equation)
        assert_close(dense(own.value), other.value, ROUNDING)


def test_the_stepper_looks_at_one_example() -> None:
    X, w = tg.constant(C), tg.parameter(W0)
    same = tg.constant(D)
    found = []
    for data in (X, same):
        held = data[:]
        L = np.mean((held @ w - Y) ** 2)
        stepper = tg.Graph(L, names={"X": data, "held": held, "w": w, "y": Y, "L": L}).stepper()
        stepper.example = 2
        lenses = []
        for _ in stepper.steps:
            stepper.step()
            lens = stepper.lens
            lenses.append(None if lens is None else (lens.equation, np.ravel(dense(lens.value)), lens.is_contribution))
        assert f"{lenses[0][0]} = " in [
            step["example"][0] for step in data_of(stepper.page())["data"]["steps"] if "example" in step
        ]
        found.append(lenses)
    assert any(found[0])
    for own, other in zip(*found, strict=True):
        assert (own is None) == (other is None)
        if own is not None:
            assert own[::2] == other[::2]
            assert_close(own[1], other[1], ROUNDING)


def test_the_page_of_the_stepper_says_how_far_matrices_are_filled() -> None:
    kept = data_of(logistic(C).stepper().page())["live"]["kept"]
    of_batch = round(100 * np.mean(D[ROWS] != 0))
    assert [kept["0"], kept["1"]] == [f"sparse, {of_batch} % filled"] * 2  # in the table and in full


def test_the_quiz_asks_and_judges_as_for_the_dense_matrix() -> None:
    for seed in (None, 3):
        ours, theirs = logistic(C).quiz(seed), logistic(D).quiz(seed)
        asked = 0
        while ours.name is not None:
            assert ours.name == theirs.name
            for answer in ("2 * w", "dz", "batch.T @ dz + 0.02 * w"):
                if ours.name == theirs.name and ours.name is not None:
                    assert ours.answer(answer).message == theirs.answer(answer).message
            if ours.name is not None:
                ours.reveal()
                theirs.reveal()
            asked += 1
        assert asked > 0


# Replays and bytes


@pytest.mark.parametrize("new", [2 * C, (2 * C).tocsc(), 2 * D])
def test_a_graph_runs_again_on_another_matrix(new: Any) -> None:
    again = logistic(C).with_leaves({"X": new})
    assert isinstance(again["X"].value, sparse.csr_array)
    for name in ("batch", "z", "L", "dw"):
        assert_close(dense(again[name].value), logistic(2 * D)[name].value, ROUNDING)


def test_another_matrix_must_have_the_shape_and_a_dense_leaf_stays_dense() -> None:
    with pytest.raises(ValueError, match=r"shape \(5, 4\)"):
        logistic(C).with_leaves({"X": C[:5]})
    with pytest.raises(TypeError, match="sparse"):
        logistic(D).with_leaves({"X": C})


def test_whole_numbers_are_not_given_others() -> None:
    X, w = tg.constant(sparse.csr_array(np.eye(2, dtype=int))), tg.parameter([1.0, 2.0])
    graph = tg.Graph(np.sum(X @ w), names={"X": X, "w": w})
    assert graph.with_leaves({"X": sparse.csr_array(2 * np.eye(2))})["X"].dtype == np.int64
    with pytest.raises(ValueError, match="does not fit int64"):
        graph.with_leaves({"X": sparse.csr_array(0.5 * np.eye(2))})


def decided(X: Any) -> tg.Graph:
    """Python decides by a value behind the matrix."""
    X, w = tg.constant(X), tg.parameter(np.ones(4))
    L = np.sum(X @ w)
    if L > 0:
        L = 2 * L
    return tg.Graph(L, names={"X": X, "w": w, "L": L})


@pytest.mark.parametrize("size", [1, 40], ids=["small", "larger than what a recipe copies"])
def test_a_decision_by_a_sparse_matrix_is_made_again(size: int) -> None:
    positive = sparse.csr_array(np.tile(np.abs(D), (size, 1)))
    graph = decided(positive)
    assert graph.with_leaves({"X": 2 * positive})["L"].item() == pytest.approx(2 * graph["L"].item())
    with pytest.raises(ValueError, match="would take another branch"):
        graph.with_leaves({"X": -positive})
    function = graph.function()
    assert function(positive, np.ones(4)) == graph["L"].value
    with pytest.raises(ValueError, match="was True when this program was recorded"):
        function(-positive, np.ones(4))


def test_source_holds_a_sparse_leaf_to_its_value_where_a_decision_cannot_be_written() -> None:
    X, w = tg.constant(C), tg.parameter(W0)
    z = np.sum(X @ w)
    L = 2 * z
    for _ in range(30):
        z = np.sin(z) + 1
    if z > 0:
        L = L + 1
    function = tg.Graph(L, names={"X": X, "w": w}).function()
    assert function(C, W0) == L.value
    for other in (2 * C, sparse.csr_array(np.roll(D, 1, axis=1))):
        with pytest.raises(ValueError, match="X must have the value that it was recorded with"):
            function(other, W0)


def test_a_graph_pickles() -> None:
    graph = pickle.loads(pickle.dumps(logistic(C)))
    assert repr(graph) == repr(logistic(C))
    np.testing.assert_array_equal(graph["X"].value.toarray(), D)
    assert_close(graph.with_leaves({"w": np.ones(4)})["dw"].value, logistic(D, np.ones(4))["dw"].value, ROUNDING)


def test_the_source_checks_shapes_and_dtypes() -> None:
    X, w, mask = tg.constant(sparse.csr_array(D > 0)), tg.parameter(W0), tg.constant(np.ones(6))
    L = np.sum((X @ w) * mask)
    graph = tg.Graph(L, names={"X": X, "w": w, "mask": mask, "L": L})
    function = graph.function()
    given = {"X": sparse.csr_array(D > 0), "w": W0, "mask": np.ones(6)}
    order = list(inspect.signature(function).parameters)
    run = lambda **other: function(*[(given | other)[name] for name in order])
    assert_close(run(), L.value, ROUNDING)
    assert_close(run(X=sparse.csr_array((D > 0).astype(int))), L.value, ROUNDING)
    with pytest.raises(ValueError, match="X has shape"):
        run(X=sparse.csr_array((6, 0)))
    with pytest.raises(TypeError, match=r"mask is sparse, and was recorded dense: pass mask\.toarray\(\)"):
        run(mask=sparse.csr_array(np.ones((6, 1))))


def test_the_source_runs_at_any_number_of_rows() -> None:
    X, w, y = tg.constant(C), tg.parameter(W0), tg.constant(Y)
    L = np.mean((X @ w - y) ** 2)
    graph = tg.Graph(L, names={"X": X, "w": w, "y": y, "L": L})
    graph.backprop()
    value, gradients = graph.function()(C[:3], W0, Y[:3])
    expected, slope = tg.value_and_grad(lambda w: np.mean((D[:3] @ w - Y[:3]) ** 2))(W0)
    assert_close(value, expected, ROUNDING)
    assert_close(gradients["dw"], slope, ROUNDING)


def test_a_stored_nan_is_found_where_it_stands() -> None:
    broken = D.copy()
    broken[4, 2] = np.nan
    X, w = tg.constant(sparse.csr_array(broken)), tg.parameter(W0)
    found = tg.find_nonfinite(tg.Graph(np.sum(X @ w), names={"X": X, "w": w}))
    assert str(found).startswith("X = nan at (4, 2), 1 of 24 entries, brought by the user")
    assert tg.find_nonfinite(logistic(C)) is None


def test_matrices_that_are_no_nodes_may_be_among_the_names() -> None:
    X, w = tg.constant(C), tg.parameter(W0)
    raw = C
    L = np.sum(X @ w)
    graph = tg.Graph(L, names=locals())
    assert set(graph.names) == {"X", "w", "L"}
    assert raw is C


# Memory and imports


def nodes() -> int:
    for _ in range(3):  # what one collection frees may be what held the next
        gc.collect()
    return sum(issubclass(type(x), tg.Node | Sparse) for x in gc.get_objects())


def test_mini_batches_leave_nothing_behind() -> None:
    X, w = tg.constant(C, copy=False), W0
    counts: list[int] = []
    order = np.random.default_rng(0)
    for _ in range(3):
        for _ in range(20):
            rows = order.permutation(6)[:3]
            leaf = tg.parameter(w)
            L = np.mean((X[rows] @ leaf - Y[rows]) ** 2)
            w = w - 0.1 * tg.gradients(L, leaf)[0]
        del L, leaf, rows
        counts.append(nodes())
    assert counts[0] == counts[1] == counts[2]


def test_a_large_matrix_is_never_made_dense() -> None:
    n = 10**6
    X = tg.constant(sparse.eye_array(n, format="csr"), copy=False)
    w = tg.parameter(np.ones(n))
    L = np.mean((X[: n // 2] @ w - X.T[: n // 2] @ w) ** 2) + np.mean(X @ w)
    graph = tg.Graph(L, names={"X": X, "w": w, "L": L})
    assert_close(graph.backprop()["w"].value, np.full(n, 1 / n), ROUNDING)
    assert "sparse, less than 0.001 % filled" in repr(graph)
    assert "sparse, less than 0.001 % filled" in graph.draw().dot


def run_apart(code: str) -> Iterator[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    yield from done.stdout.splitlines()


def test_scipy_is_loaded_by_who_brings_a_matrix_alone() -> None:
    code = (
        "import sys, tinygraph as tg, numpy as np; w = tg.parameter([1.0]); g = tg.Graph(np.sum(w * w)); g.backprop(); repr(g); "
        "g.stepper().page(); g.function(); g.latex(); print('scipy' in sys.modules)"
    )
    assert list(run_apart(code)) == ["False"]
