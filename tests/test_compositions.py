"""NumPy functions that are written in other ops: the same values as NumPy's, in every calling convention, and right gradients."""

import itertools
import re
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.oracles import assert_close
from tinygraph.check import numerical_gradient

X = np.array([[1.5, -2.0, 0.7], [0.3, 4.1, -1.2]])
V = np.array([0.9, -1.4, 2.2])
S = np.array([[2.0, 0.5, 0.1], [0.4, 1.5, -0.3], [0.2, 0.6, 3.0]])
T = np.arange(1.0, 25.0).reshape(2, 3, 4) ** 1.1

CALLS: list[tuple[Any, Any]] = [
    (X, lambda x: np.positive(x)),
    (X, lambda x: np.fabs(x)),
    (X, lambda x: np.degrees(x) + np.radians(x)),
    (X, lambda x: np.float_power(np.abs(x), 1.5)),
    (X, lambda x: np.clip(x, -1, None)),
    (X, lambda x: np.clip(x, None, 1)),
    (X, lambda x: np.clip(x, min=-1, max=1)),
    (X, lambda x: x.clip(-1, 1)),
    (X, lambda x: np.nan_to_num(x)),
    (X, lambda x: np.fmax(x, 1) + np.fmin(0.5, x)),
    (X, lambda x: np.select([x > 1, x > 0], [x, 2 * x], 3 * x)),
    (X, lambda x: x // 1 + x % 1),
    (X, lambda x: divmod(x, 1.9)[1]),
    (X, lambda x: np.amax(x, 1) + np.amin(x, axis=1)),
    (X, lambda x: np.ptp(x, axis=0)),
    (X, lambda x: np.prod(x)),
    (X, lambda x: np.prod(x, 0, keepdims=True)),
    (T, lambda x: x.prod(axis=(0, -1))),
    (X, lambda x: np.cumsum(x)),
    (X, lambda x: x.cumsum(-1)),
    (X, lambda x: np.cumprod(x, axis=0)),
    (X, lambda x: x.var(axis=0, ddof=1)),
    (X, lambda x: np.std(x, 1)),
    (X, lambda x: np.average(x, 0)),
    (X, lambda x: np.average(x, axis=1, weights=np.abs(X))),
    (X, lambda x: np.average(x, axis=1, weights=[1, 2, 3])),
    (T, lambda x: np.average(x, axis=(2, 0), weights=np.arange(1.0, 9.0).reshape(4, 2), keepdims=True)),
    (V, lambda x: np.average(X, axis=1, weights=np.abs(x))),
    (X, lambda x: np.diff(x)),
    (T, lambda x: np.diff(x, 2, axis=0) if len(x) > 2 else np.diff(x, axis=1)),
    (X, lambda x: np.trapezoid(x)),
    (X, lambda x: np.trapezoid(x, V, axis=1)),
    (X, lambda x: np.trapezoid(x, dx=0.5, axis=0)),
    (V, lambda x: np.linalg.norm(x)),
    (X, lambda x: np.linalg.norm(x, axis=1)),
    (X, lambda x: np.linalg.norm(x, 1, axis=0, keepdims=True)),
    (X, lambda x: np.linalg.norm(x, 3, axis=1)),
    (X, lambda x: np.linalg.norm(x, np.inf, 1) + np.linalg.norm(x, -np.inf, 1)),
    (X, lambda x: np.linalg.norm(x, "fro")),
    *((S, lambda x, o=o: np.linalg.norm(x, o)) for o in (1, -1, 2, -2, "nuc", np.inf, -np.inf)),
    *((X, lambda x, o=o: np.linalg.norm(x, o)) for o in (1, -1, 2, -2, "nuc", np.inf, -np.inf)),
    *((T, lambda x, o=o: np.linalg.norm(x, o, (2, 0), keepdims=True)) for o in (1, -np.inf, 2, "nuc")),
    *((T, lambda x, o=o: np.linalg.norm(x, o, (0, 1))) for o in (-1, np.inf, -2, "nuc")),
    (X, lambda x: np.copy(x) * x.copy()),
    (X, lambda x: np.heaviside(x, 0.5) * x),
    (np.array([0.0, 1.0]), lambda x: np.heaviside([0.0, 0.0], x)),
    (X, lambda x: np.copysign(x, V) + np.copysign(V, x)),
    (X, lambda x: np.nansum(np.where(X > 1, np.nan, x), axis=0)),
    (X, lambda x: np.nansum(x, 1, keepdims=True) + np.nansum(x)),
    (X, lambda x: np.nanmean(np.where(X > 1, np.nan, x), axis=1)),
    (X, lambda x: np.nanmean(x, keepdims=True)),
    (X, lambda x: np.block([[x, 2 * x], [np.zeros((1, 4)), x[:1, 1:]]])),
    (V, lambda x: np.block([x, x[:1], 5.0])),
    (V, lambda x: np.block([[x], [1 - x]])),
    (V, lambda x: np.block(x)),
    (V, lambda x: np.linspace(0, x, 4)),
    (V, lambda x: np.linspace(x, 2, 4, endpoint=False)),
    (V, lambda x: np.linspace(x, x[:, None] + 1, 3, axis=-1)),
    (V, lambda x: np.linspace(x[0], x[1], num=5)),
    (V, lambda x: np.linspace(0, x, 4, retstep=True)[0] * np.linspace(0, x, 4, retstep=True)[1]),
    (X, lambda x: np.ravel(x)),
    (X, lambda x: x.ravel()),
    (T, lambda x: np.swapaxes(x, 0, -1)),
    (T, lambda x: np.moveaxis(x, 0, -1)),
    (T, lambda x: np.moveaxis(x, (0, 1), (2, 0))),
    (T, lambda x: np.rollaxis(x, 2)),
    (T, lambda x: np.rollaxis(x, 0, 3)),
    (T, lambda x: np.matrix_transpose(x)),
    (T, lambda x: x.mT),
    (X, lambda x: np.fliplr(x) + np.flipud(x)),
    (T, lambda x: np.flip(x, (0, 2))),
    (S, lambda x: np.rot90(x)),
    (S, lambda x: np.rot90(x, -1, (1, 0))),
    (X, lambda x: np.roll(x, 1)),
    (X, lambda x: np.roll(x, (1, -2), axis=(0, 1))),
    (V, lambda x: np.atleast_1d(x) * np.atleast_2d(x) * np.atleast_3d(x)),
    (V, lambda x: np.broadcast_arrays(x, np.ones((2, 3)))[0]),
    (V, lambda x: np.meshgrid(x, x[:2])[0]),
    (V, lambda x: np.meshgrid(x, x[:2], indexing="ij")[1]),
    (V, lambda x: np.meshgrid(x, x[:2], sparse=True)[1]),
    (X, lambda x: np.tile(x, 2)),
    (X, lambda x: np.tile(x, (2, 1, 2))),
    (X, lambda x: np.repeat(x, 2)),
    (X, lambda x: x.repeat([1, 2], axis=0)),
    (X, lambda x: np.pad(x, 1)),
    (X, lambda x: np.pad(x, ((1, 0), (0, 2)), "edge")),
    (X, lambda x: np.pad(x, (1, 1), mode="wrap")),
    (X, lambda x: np.concatenate([x, np.ones((1, 3))], 0)),
    (V, lambda x: np.stack([x, V, x], axis=1)),
    (V, lambda x: np.vstack([x, V])),
    (V, lambda x: np.hstack([x, V, 1.0])),
    (X, lambda x: np.hstack([x, x])),
    (X, lambda x: np.dstack([x, x])),
    (V, lambda x: np.column_stack([x, S])),
    (X, lambda x: np.append(x, 1.0)),
    (X, lambda x: np.append(x, X, axis=0)),
    (T, lambda x: np.split(x, 2)[1]),
    (V, lambda x: np.array_split(x, 2)[0]),
    (X, lambda x: np.split(x, [1], axis=1)[1]),
    (T, lambda x: np.hsplit(x, 3)[1]),
    (T, lambda x: np.vsplit(x, 2)[0]),
    (T, lambda x: np.dsplit(x, [1, 3])[1]),
    (X, lambda x: np.unstack(x, axis=1)[2]),
    (X, lambda x: np.take(x, [0, 5, 5])),
    (X, lambda x: np.take(x, np.array([[0, 2]]), axis=1)),
    (X, lambda x: x.take(1, axis=0)),
    (X, lambda x: np.compress([True, False, True], x, axis=1)),
    (X, lambda x: np.delete(x, 1, axis=1)),
    (X, lambda x: np.take_along_axis(x, np.array([[2, 0], [1, 1]]), 1)),
    (X, lambda x: np.sort(x)),
    (X, lambda x: np.sort(x, axis=None)),
    (X, lambda x: np.sort(x, 0)),
    (X, lambda x: np.median(x)),
    (X, lambda x: np.median(x, axis=1, keepdims=True)),
    (X, lambda x: np.dot(x, V)),
    (V, lambda x: np.dot(2.0, x)),
    (T, lambda x: np.dot(x, np.ones((2, 4, 3)))),
    (X, lambda x: x.dot(S)),
    (X, lambda x: np.inner(x, V)),
    (X, lambda x: np.inner(X, x)),
    (X, lambda x: np.vdot(x, X)),
    (X, lambda x: np.outer(x, V)),
    (S, lambda x: np.cross(x, V)),
    (S, lambda x: np.cross(V[:, None], x, axis=0)),
    (X, lambda x: np.kron(x, V)),
    (X, lambda x: np.kron(V, x)),
    (T, lambda x: np.tensordot(x, S, axes=([1], [0]))),
    (T, lambda x: np.tensordot(x, S, axes=(1, 1))),
    (T, lambda x: np.tensordot(V, x, axes=(0, 1))),
    (T, lambda x: np.tensordot(x, T, axes=3)),
    (X, lambda x: np.tensordot(x, V, 0)),
    (X, lambda x: np.einsum("ij,jk", x, S)),
    (X, lambda x: np.einsum("ij->ji", x)),
    (X, lambda x: np.einsum("ij", x)),
    (S, lambda x: np.einsum("ii", x)),
    (S, lambda x: np.einsum("ii->i", x)),
    (T, lambda x: np.einsum("...j,j->...", x, np.ones(4))),
    (T, lambda x: np.einsum("i...,...->...i", x, np.ones((3, 4)))),
    (T, lambda x: np.einsum("...ij,...jk->...ik", x, np.ones((1, 4, 2)))),
    (X, lambda x: np.einsum(x, [0, 1], V, [1], [0])),
    (X, lambda x: np.einsum("ij,ij->j", x[:1], X)),
    (S, lambda x: np.trace(x)),
    (T, lambda x: np.trace(x, 1, 2, 1)),
    (S, lambda x: x.trace() * x.diagonal(1)),
    (S, lambda x: np.diag(x, -1)),
    (V, lambda x: np.diag(x, 1)),
    (S, lambda x: np.tril(x, -1) + np.triu(x)),
    (S, lambda x: np.linalg.slogdet(x)[1]),
    (S, lambda x: np.linalg.slogdet(x).logabsdet * np.linalg.slogdet(x).sign),
    (S, lambda x: np.linalg.solve(x, V)),
    (S, lambda x: np.linalg.inv(x) * np.linalg.det(x)),
    (S, lambda x: np.linalg.cholesky(x @ x.T)),
    (X, lambda x: np.where(np.logical_xor(x > 0, x > 1), x, 2 * x)),
]  # fmt: skip


@pytest.mark.parametrize(("at", "call"), CALLS, ids=[str(i) for i in range(len(CALLS))])
def test_agrees_with_numpy_and_with_numerical_gradient(at: Any, call: Any) -> None:
    x = tg.parameter(at)
    result = call(x)
    assert isinstance(result, tg.Node)
    np.testing.assert_allclose(result.value, call(at), rtol=1e-14, strict=True)
    seed = np.random.default_rng(5).uniform(0.5, 1.5, result.shape)
    assert_close(tg.gradients(result, x, seed=seed)[0], numerical_gradient(call, (at,), 0, seed), 1e-7)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.prod(x, out=None),
        lambda x: np.prod(x, 1, None, None, True),
        lambda x: np.amax(x, 1, None, True),
        lambda x: x.cumsum(axis=0, dtype=None),
        lambda x: np.clip(x, 1, 2, None),
        lambda x: np.trace(x, 0, 0, 1, None),
        lambda x: np.concatenate([x, x], 0, None),
        lambda x: np.take(x, [0], 0, None, "raise"),
        lambda x: np.sort(x, -1, "stable"),
        lambda x: np.median(x, 0, None, False, True),
        lambda x: np.einsum("ij->i", x, optimize=True),
        lambda x: np.std(x, correction=1),
        lambda x: np.reshape(x, (3, 2), order="C"),
        lambda x: np.trapezoid(x, np.array([[0.0, 1.0, 2.0], [10.0, 20.0, 5.0]]), axis=0),
        lambda x: np.median(x * np.nan),
        lambda x: np.take_along_axis(x, np.array([[0, 1, 1]]), axis=0),
        lambda x: np.take_along_axis(x, np.array([0, 5, 5]), axis=None),
    ],
)
def test_arguments_that_change_nothing_are_accepted(call: Any) -> None:
    x = tg.parameter(X)
    result = call(x)
    np.testing.assert_allclose(result.value, call(X))
    assert tg.gradients(result, x, seed=np.ones(result.shape))[0].shape == X.shape


def test_the_error_of_a_failing_composition_is_that_of_an_op() -> None:
    x = tg.parameter(X)
    with pytest.raises(ValueError, match=r"np.swapaxes\(x\): axis 5 is out of bounds") as caught:
        np.swapaxes(x, 0, 5)
    assert "x is a parameter of shape (2, 3), float64" in str(caught.value)
    assert "np.swapaxes(x, 0, 5)" in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.linalg.norm(x),
        lambda x: np.linalg.norm(x, 1, axis=0),
        lambda x: np.linalg.norm(x, np.inf, axis=0),
        lambda x: np.linalg.norm(x, -1, axis=-1),
        lambda x: np.average(x, weights=x),
        lambda x: np.average(x, axis=0, weights=x[:, 0]),
        lambda x: np.dot(x, 3),
        lambda x: np.inner(3, x),
        lambda x: np.dot(x, 0.5),
        lambda x: np.clip(x, 50, None),
        lambda x: x.clip(max=50),
        lambda x: np.clip(x, 50.5, None),
        lambda x: np.float_power(x, -1),
        lambda x: np.float_power(2, x),
        lambda x: np.nan_to_num(x),
        lambda x: np.take(x, [True, False, True]),
        lambda x: np.take(x, x > 50, axis=0),
        lambda x: np.diff(x > 50, axis=0),
        lambda x: np.nan_to_num(x > 50),
        lambda x: np.cumprod(x[0, 0], axis=0) + np.cumsum(x[0, 0]),
    ],
)
def test_integers_and_masks_give_what_numpy_gives(call: Any) -> None:
    at = np.array([[100, 100], [3, 100]], np.uint8)
    np.testing.assert_array_equal(call(tg.constant(at)).value, call(at), strict=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_absolute_values_of_integers_may_be_floats(dtype: Any) -> None:
    assert np.fabs(tg.constant(np.array([3], dtype))).dtype == np.float64


def test_python_numbers_leave_float32_alone() -> None:
    x = tg.parameter(np.float32([0.2, np.nan]))
    for result in (np.fmax(x, 0.3), np.fmin(0.3, x), np.clip(x, 0.1, None), np.dot(x, 0.5)):
        assert result.dtype == np.float32
    np.testing.assert_array_equal(np.fmax(x, 0.3).value, np.float32([0.3, 0.3]))
    np.testing.assert_array_equal(np.fmax(x, np.nan).value, x.value)
    assert np.float_power(x, 2).dtype == np.float64


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32, np.int64])
def test_weights_have_as_many_digits_as_numpy_gives_them(dtype: Any) -> None:
    at, weights = np.float32([0.2, 0.3]), np.array([1, 1], dtype)
    np.testing.assert_array_equal(
        np.average(tg.constant(at), weights=weights).value, np.average(at, weights=weights), strict=True
    )


def test_the_largest_of_no_entries_has_a_norm_of_nothing() -> None:
    assert np.linalg.norm(tg.parameter(np.zeros(0)), np.inf).item() == 0


def test_products_over_one_axis_are_matrix_products() -> None:
    A, B = tg.parameter(X), tg.parameter(S)
    assert np.tensordot(A, B, 1).op is np.inner(A, B).op is tg.ops.matmul
    assert np.einsum("ij,jk,kl", A, B, B, optimize="greedy").params["optimize"] is True


def test_where_with_a_condition_alone_has_a_size_that_depends_on_values() -> None:
    with pytest.raises(TypeError, match=r"np.nonzero does not take a node: how many entries .* write node.value"):
        np.where(tg.constant([0, 1, 1]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: np.linalg.norm(x, 3), TypeError, "the norm of a matrix takes ord=None, 'fro', 'nuc', 1, -1, 2, -2"),
        (lambda x: np.linalg.norm(x[None], 2), TypeError, "over 3 axes there is no norm of ord=2: name one axis, or two"),
        (lambda x: np.block([[x], x]), ValueError, "nested to the same depth"),
        (lambda x: np.block([[x], []]), ValueError, "none be empty"),
        (lambda x: np.block([(x, x), x]), TypeError, "no tuples"),
        (lambda x: np.linspace(x, 1, dtype=int), TypeError, "leave out dtype="),
        (lambda x: np.linalg.norm(x[0], 0), TypeError, "does not support ord=0"),
        (lambda x: np.pad(x, 1, constant_values=3), TypeError, "np.concatenate"),
        (lambda x: np.pad(x, 1, mode="mean"), ValueError, "choose one of constant, edge"),
        (lambda x: np.split(x, 2, axis=1), ValueError, "do not divide into 2 equal parts"),
        (lambda x: np.delete(x, tg.constant(1)), TypeError, "reads the value of a node"),
        (lambda x: np.average(x, weights=[1, 2], axis=1), ValueError, r"weights have the shape \(2, 3\), or that of the axes"),
        (lambda x: np.einsum("...i->i", x), ValueError, "has no '...' for the axes that '...i' leaves unnamed"),
        (lambda x: np.einsum("ii", x), ValueError, "a diagonal of axes of sizes 2 and 3"),
        (lambda x: np.einsum("ii", x[:1]), ValueError, "a diagonal of axes of sizes 1 and 3"),
        (lambda x: np.where(x > 0, 1), ValueError, "give both branches"),
        (lambda x: np.ravel(x, order="F"), TypeError, "the order is 'C', not 'F'"),
        (lambda x: np.cross(x[:, :2], x[:, :2]), ValueError, "of length 3, not 2"),
        (lambda x: np.einsum("ij,jk", x), ValueError, "names 2 operands, and np.einsum was given 1 operand"),
        (lambda x: np.linalg.svd(x), TypeError, "np.linalg.svd does not take a node"),
        (lambda x: np.tensordot(x[:, :1], x, 1), ValueError, r"summed axes of sizes \[1\] and \[2\]"),
        (lambda x: np.einsum("ij->i", x[0]), ValueError, "names 2 axes of an operand that has 1"),
        (lambda x: np.einsum("i,i", x[0], x), ValueError, "names 1 axis of an operand that has 2"),
        (lambda x: np.array_split(x, 0), ValueError, "at least 1"),
        (lambda x: np.tensordot(x, x, 3), ValueError, "axis -3 is out of bounds for array of dimension 2"),
        (lambda x: np.tensordot(x, x, (0, 5)), ValueError, "axis 5 is out of bounds for array of dimension 2"),
        (lambda x: np.vsplit(x[0], 3), ValueError, "a vector has no rows to split: write np.split"),
        (lambda x: np.split(x, [1.5]), TypeError, "'float' object cannot be interpreted as an integer"),
        (lambda x: np.linalg.norm(x, axis=()), ValueError, "at least one axis"),
        (lambda x: np.average(x, axis=0, weights=[1, -1]), ValueError, "the weights sum to 0"),
        (lambda x: np.average(x[:0], axis=0, weights=np.ones(0)), ValueError, "the weights sum to 0"),
        (lambda x: np.diff(x, -1), ValueError, "at least 0"),
        (lambda x: np.linalg.inv(x), ValueError, "fix: A must be square"),
    ],
)
def test_what_is_not_supported_says_so(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call(tg.parameter(X))
    lines = [line for line in str(caught.value).splitlines() if not line.startswith("  at ")]  # where the message stands too
    assert re.search(message, "\n".join(lines))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x * [x[0], x[1], 1.0],
        lambda x: [x[0], x[1], 1.0] + x,
        lambda x: x @ (x[0], x[1], x[2]),
        lambda x: np.where(x > 0, [x[0], 1.0, 1.0], x),
        lambda x: np.clip(x, [x[0]] * 3, 5),
        lambda x: np.average(x, weights=[x[0], x[1], x[2]]),
        lambda x: np.einsum("i,i", x, [x[0], x[1], x[2]]),
        lambda x: np.trapezoid(x, [x[0], x[1], x[2]]),
        lambda x: np.stack([x, x]) * [[x[0]] * 3, [1.0] * 3],
        lambda x: tg.sigmoid([x[0], x[1]]),
    ],
)
def test_a_list_of_nodes_is_no_operand(call: Any) -> None:
    with pytest.raises(TypeError, match=r"\(.*: a (list|tuple) of nodes cannot be .* write np.stack\(\[...\]\)\n") as caught:
        call(tg.parameter([1.0, 2.0, 3.0]))
    assert isinstance(caught.value, tg.OpError)


@pytest.mark.parametrize("function", [
    np.sum, np.mean, np.var, np.std, np.prod, np.median, np.linalg.norm, np.ptp, np.diff, np.trapezoid, np.cumsum, np.cumprod,
    np.max, np.average, np.sort, np.nan_to_num, np.fabs, lambda x: np.dot(x, x), lambda x: np.vdot(x, x),
    lambda x: np.inner(x, x), lambda x: np.linalg.norm(x, 3), lambda x: np.outer(x, x), lambda x: np.kron(x, x),
    lambda x: np.einsum("i,i", x, x), lambda x: np.fmax(x, x[::-1]), lambda x: np.float_power(x, x[::-1]),
    lambda x: np.clip(x, -1, None),
])  # fmt: skip
def test_floating_point_errors_are_raised_where_numpy_raises_them(function: Any) -> None:
    def raises(at: Any) -> bool:
        try:
            function(at)
        except FloatingPointError:
            return True
        return False

    with np.errstate(all="raise"):
        for at in itertools.product([-np.inf, -1e170, -0.3, 0.0, 1e-170, 2.0, np.nan], repeat=3):
            x = np.array(at)
            assert raises(tg.constant(x)) == raises(x), at


@pytest.mark.parametrize(
    ("y", "x", "axis"),
    [((3,), (4, 3), -1), ((2, 4, 3), (4, 3), -1), ((2, 4, 3), (4, 3), -2), ((4, 3), (4,), 0), ((4, 3), (1, 3), 1)],
)
def test_trapezoid_broadcasts_as_numpy_does(y: Any, x: Any, axis: int) -> None:
    random = np.random.default_rng(0)
    heights, places = random.uniform(size=y), np.sort(random.uniform(size=x))
    result = np.trapezoid(tg.parameter(heights), places, axis=axis)
    np.testing.assert_allclose(result.value, np.trapezoid(heights, places, axis=axis), rtol=1e-14, strict=True)
    tg.check_gradients(lambda h, p: np.sum(np.trapezoid(h, p, axis=axis) ** 2), heights, places)


def test_a_norm_over_no_columns_or_of_a_number() -> None:
    for at in (np.zeros((3, 0)), np.float64(-3.0)):
        assert np.linalg.norm(tg.constant(at)).value == np.linalg.norm(at)


def test_numbers_in_linspace_and_blocks_have_numpys_dtype() -> None:
    x = tg.parameter(np.float32([1.0, 2.0]))
    assert np.linspace(0, x, 3).dtype == np.float32
    assert np.linspace(0, tg.constant([1, 2]), 3).dtype == np.float64
    assert np.nanmean(x).dtype == np.float32
    assert np.nanmean(tg.constant([1, 2])).value == 1.5


def test_a_copy_is_the_node_itself() -> None:
    x = tg.parameter([1.0, 2.0])
    assert np.copy(x) is x
    assert x.copy() is x


def test_norms_of_matrices_whose_singular_values_are_equal_share_the_gradient() -> None:
    x = tg.parameter(np.eye(2))
    np.testing.assert_allclose(tg.gradients(np.linalg.norm(x, 2), x)[0], np.eye(2) / 2)
    np.testing.assert_allclose(tg.gradients(np.linalg.norm(x, "nuc"), x)[0], np.eye(2))


@pytest.mark.parametrize(
    ("subscripts", "shape"),
    [("ij,kj->ik", (2, 1)), ("ij,jj->i", (3, 3)), ("ij,j->i", (3,)), ("ij,...j->i...", (2, 1)), ("ij,i->j", (1,))],
)
def test_a_bare_operand_of_einsum_is_a_leaf_of_its_own(subscripts: str, shape: tuple[int, ...]) -> None:
    w, array, other = (
        tg.parameter(np.arange(6.0).reshape(2, 3)),
        np.ones(shape),
        np.arange(1.0, 1 + np.prod(shape)).reshape(shape),
    )
    L = np.sum(np.einsum(subscripts, w, array) ** 2)
    graph = tg.Graph(L, names={"array": array, "L": L})
    expected = np.sum(np.einsum(subscripts, w.value, other) ** 2)
    assert graph.with_leaves({graph["array"]: other})["L"].value == pytest.approx(expected)


@pytest.mark.parametrize("label", [0.0, 0.25, 1.0])
def test_the_mixed_derivative_of_the_binary_cross_entropy_is_the_same_in_either_order(label: float) -> None:
    a, y = tg.parameter([0.3]), tg.parameter([label])
    grads = tg.Graph(L := tg.binary_cross_entropy(a, y), names={"a": a, "y": y, "L": L}).backprop()
    (by_a,), (by_y,) = tg.gradients(np.sum(grads["a"]), y), tg.gradients(np.sum(grads["y"]), a)
    np.testing.assert_allclose(by_a, by_y, rtol=1e-14)
    np.testing.assert_allclose(by_a, [-1 / 0.7 - 1 / 0.3], rtol=1e-14)
