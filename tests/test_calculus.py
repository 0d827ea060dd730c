"""Functions of arrays turned into their derivatives: any structure of arguments, any composition, exact."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, rosen, rosen_der, rosen_hess, rosen_hess_prod

import tinygraph as tg
from tests.oracles import assert_close


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


X = np.array([0.3, -0.7, 1.2, 0.9])


class TestAgainstScipy:
    def test_value_and_gradient(self) -> None:
        value, gradient = tg.value_and_grad(rosenbrock)(X)
        assert value == pytest.approx(rosen(X), rel=1e-14)
        assert_close(gradient, rosen_der(X), 1e-14)

    def test_hessian_and_hvp(self) -> None:
        v = np.array([1.0, -2.0, 0.5, 3.0])
        assert_close(tg.hessian(rosenbrock)(X), rosen_hess(X), 1e-14)
        assert_close(tg.hvp(rosenbrock)(X, v), rosen_hess_prod(X, v), 1e-14)

    def test_jacobian(self) -> None:
        def f(x: Any) -> Any:
            return np.stack([np.sum(np.sin(x)), x[0] * x[1], np.exp(x[2])])

        assert_close(tg.jacobian(f)(X), approx_fprime(X, lambda x: np.asarray(f(x))), 1e-6)


class Point(NamedTuple):
    x: Any
    y: Any


class TestStructures:
    def test_gradients_have_the_structure_of_the_argument(self) -> None:
        parameters = {"W": [np.ones(2), (np.float32(2.0),)], "p": Point(3.0, np.ones((1, 1)))}
        gradient = tg.grad(lambda p: np.sum(p["W"][0]) * p["W"][1][0] * p["p"].x + np.sum(p["p"].y))(parameters)
        assert gradient["W"][0].tolist() == [6, 6]
        assert gradient["W"][1][0].dtype == np.float32
        assert isinstance(gradient["p"], Point)
        assert gradient["p"].y.tolist() == [[1]]

    def test_argnums_and_keywords(self) -> None:
        def f(a: Any, b: Any, *, scale: float) -> Any:
            return scale * a * b

        assert tg.grad(f, 1)(2.0, 3.0, scale=10) == 20
        assert tg.grad(f, argnums=(1, 0))(2.0, 3.0, scale=10) == (20, 30)
        assert tg.grad(f, -1)(2.0, 3.0, scale=1) == 2

    def test_aux_comes_along_as_values(self) -> None:
        (value, aux), gradient = tg.value_and_grad(lambda x: (x**2, {"twice": 2 * x}), has_aux=True)(3.0)
        assert (value, aux, gradient) == (9, {"twice": 6}, 6)
        assert tg.grad(lambda x: (x**2, "note"), has_aux=True)(3.0) == (6, "note")

    def test_what_the_result_does_not_depend_on_has_zeros(self) -> None:
        assert tg.grad(lambda x, y: x * 1.0, 1)(1.0, np.ones(2)).tolist() == [0, 0]
        assert tg.grad(lambda x: 5.0)(1.0) == 0
        assert tg.hessian(lambda x: np.sum(3 * x))(np.ones(2)).tolist() == [[0, 0], [0, 0]]
        assert tg.hvp(lambda x: np.sum(x))(np.ones(2), np.ones(2)).tolist() == [0, 0]

    def test_jacobians_of_trees_are_trees_of_trees(self) -> None:
        jacobian = tg.jacobian(lambda p: {"u": p["a"] * p["b"], "v": [np.sum(p["b"])]})({"a": 2.0, "b": np.array([1.0, 3.0])})
        assert jacobian["u"]["a"].tolist() == [1, 3]
        assert jacobian["u"]["b"].tolist() == [[2, 0], [0, 2]]
        assert jacobian["v"][0]["b"].tolist() == [1, 1]

    def test_integers_become_floats(self) -> None:
        assert tg.grad(lambda x: x**2)(3) == 6

    def test_empty_jacobian(self) -> None:
        assert tg.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)

    def test_integer_nodes_become_floats_too(self) -> None:
        assert tg.grad(lambda s: tg.grad(lambda n: s * n * n)(tg.constant(3)))(2.0) == 6
        with pytest.raises(TypeError, match="is a mask"):
            tg.grad(lambda x: np.sum(x))(tg.constant([True]))


class TestReadingValues:
    @pytest.mark.parametrize(
        ("function", "at"),
        [
            (lambda w: float(w) * w, 3.0),
            (lambda w: np.mean([w * 2]), 2.0),
            (lambda p: p["a"] * float(p["b"]), {"a": 1.0, "b": 2.0}),
            (lambda x: tg.grad(lambda w: w * float(x))(1.0), 2.0),
        ],
    )
    @pytest.mark.parametrize("transform", [tg.grad, tg.jacobian, tg.hessian])
    def test_is_refused_in_a_function_that_is_differentiated(self, transform: Any, function: Any, at: Any) -> None:
        with pytest.raises(TypeError, match=r"\.item\(\) is the plain number"):
            transform(function)(at)

    def test_has_no_gradient_where_it_is_written_out(self) -> None:
        assert tg.grad(lambda x: x * x.item())(3.0) == 3
        assert tg.grad(lambda x: (x * 3).item())(2.0) == 0


class TestProducts:
    def test_dicts_are_paired_by_key_not_by_order(self) -> None:
        hessian_row = tg.hvp(lambda p: p["a"] ** 3 * p["b"] ** 2)({"a": 3.0, "b": 2.0}, {"b": 1.0, "a": 0.0})
        assert hessian_row == {"a": 108, "b": 54}
        assert tg.vjp(lambda x: {"a": x * 2, "b": x * 3}, 1.0)[1]({"b": 10.0, "a": 0.0}) == (30,)
        at = {"a": 1.0, "b": 1.0}
        assert tg.jvp(lambda p: p["a"] * 2 + p["b"] * 3, (at,), ({"b": 10.0, "a": 0.0},)) == (5, 30)

    def test_a_pull_may_be_used_again_and_skips_masks(self) -> None:
        _, pull = tg.vjp(lambda x: (x > 1, x**2), X)
        assert isinstance(pull((None, tg.constant(X)))[0], tg.Node)
        np.testing.assert_allclose(pull((None, X))[0], 2 * X * X)

    def test_hvp_passes_other_arguments_on(self) -> None:
        assert tg.hvp(lambda x, y, *, c: c * y * x**2)(1.0, 2.0, 3.0, c=5) == 60

    def test_vjp_pulls_a_seed_back_to_every_argument(self) -> None:
        value, pull = tg.vjp(lambda x, p: [x * p["w"], np.sum(x)], np.array([1.0, 2.0]), {"w": 3.0})
        assert [v.tolist() for v in value] == [[3, 6], 3]
        dx, dp = pull([np.array([1.0, 10.0]), 100.0])
        assert (dx.tolist(), dp["w"]) == ([103, 130], 21)

    def test_jvp_is_exact_and_transposes_vjp(self) -> None:
        def f(x: Any) -> Any:
            return np.tanh(x[:2]) * np.exp(x[2:])

        t, u = np.array([1.0, -1.0, 0.5, 2.0]), np.array([0.7, -1.3])
        value, tangent = tg.jvp(f, (X,), (t,))
        _, pull = tg.vjp(f, X)
        np.testing.assert_allclose(value, f(X))
        np.testing.assert_allclose(tangent, tg.jacobian(f)(X) @ t, rtol=1e-14)
        assert tangent @ u == pytest.approx(pull(u)[0] @ t, rel=1e-14)

    def test_jvp_of_a_scalar_is_finite_where_its_gradient_is(self) -> None:
        def saturated(x: Any) -> Any:
            return np.tanh(x * 1e200 * 1e200)

        with np.errstate(over="ignore"):
            assert tg.grad(saturated)(1.0) == 0 == tg.jvp(saturated, (1.0,), (2.0,))[1]

    def test_jvp_of_a_constant_and_of_a_mask_is_zero(self) -> None:
        assert tg.jvp(lambda x: 3.0, (1.0,), (1.0,)) == (3, 0)
        value, tangent = tg.jvp(lambda x: (x * 2, x > 1), (np.ones(2),), (np.ones(2),))
        assert [v.tolist() for v in value] == [[2, 2], [False, False]]
        assert [t.tolist() for t in tangent] == [[2, 2], [0, 0]]


class TestComposition:
    @pytest.mark.parametrize(
        "call",
        [
            lambda: tg.jacobian(lambda x: tg.jvp(lambda y: np.sin(y) * y, (x,), (X,))[1])(X),
            lambda: tg.jvp(lambda x: tg.jvp(lambda y: y**3, (x,), (X,))[1], (X,), (X,))[1],
            lambda: tg.grad(lambda b: tg.value_and_grad(lambda a: a * a * b)(3.0)[0])(2.0),
            lambda: tg.grad(lambda b: tg.grad(lambda a: (a * a * b, a * b), has_aux=True)(3.0)[1])(2.0),
            lambda: tg.grad(lambda b: b * tg.parameter(2.0))(2.0),
        ],
    )
    def test_arrays_in_arrays_out(self, call: Any) -> None:
        assert isinstance(call(), np.ndarray | np.generic)

    def test_any_order_of_derivative(self) -> None:
        f = np.sin
        for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
            f = tg.grad(f)
            assert f(0.5) == pytest.approx(expected, rel=1e-14)

    def test_an_inner_derivative_reads_outer_variables(self) -> None:
        def outer(w: Any) -> Any:
            return tg.grad(lambda x: w * x**2)(3.0)

        assert tg.grad(outer)(2.0) == 6

    def test_only_the_inner_variable_is_differentiated_inside(self) -> None:
        assert tg.grad(lambda x: tg.grad(lambda y: x * y)(x))(5.0) == 1

    def test_a_gradient_penalty_trains(self) -> None:
        def penalty(w: Any) -> Any:
            return np.sum(tg.grad(lambda x: np.sum(np.tanh(w @ x)))(np.array([0.2, 0.4])) ** 2)

        W = np.array([[1.0, -2.0], [0.5, 0.3]])
        tg.check_gradients(penalty, W)

    def test_all_transformations_compose(self) -> None:
        def f(x: Any) -> Any:
            return np.sum(np.exp(x) * x[::-1])

        x, v = np.array([0.1, 0.5, -0.3]), np.array([1.0, 2.0, -1.0])
        H = tg.hessian(f)(x)
        for other in (
            tg.jacobian(tg.jacobian(f))(x),
            tg.jacobian(lambda x: tg.jvp(tg.grad(f), (x,), (np.eye(3)[0],))[0])(x),
            np.stack([tg.hvp(f)(x, row) for row in np.eye(3)]),
            np.stack([tg.jvp(tg.grad(f), (x,), (row,))[1] for row in np.eye(3)]),
            np.stack([tg.vjp(tg.grad(f), x)[1](row)[0] for row in np.eye(3)]),
        ):
            np.testing.assert_allclose(other, H, rtol=1e-13, atol=1e-14)
        third = tg.jacobian(tg.hessian(f))(x)
        np.testing.assert_allclose(tg.grad(lambda x: v @ tg.hvp(f)(x, v))(x), np.einsum("ijk,i,j", third, v, v), rtol=1e-12)
        np.testing.assert_allclose(tg.grad(lambda x: np.sum(tg.jvp(tg.grad(f), (x,), (v,))[1]))(x), third.sum(0) @ v, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.grad(lambda x: x)(np.ones(2)), ValueError, r"returned shape \(2,\), not a scalar"),
        (lambda: tg.grad(lambda x: x, 1)(1.0), TypeError, "argnums=1, but the function was called with 1"),
        (lambda: tg.grad(lambda x: None)(X), TypeError, "returned NoneType, not a number"),
        (lambda: tg.grad(lambda a, b: a * b, (0, -2))(1.0, 2.0), ValueError, "names an argument twice"),
        (lambda: tg.grad(lambda x: x, has_aux=True)(1.0), TypeError, "returns a pair"),
        (lambda: tg.hvp(lambda x: np.sum(x**3))(X, np.ones((2, 4))), ValueError, r"the vector has shape \(2, 4\)"),
        (lambda: tg.grad(lambda x: x)(True), TypeError, "cannot be bool"),
        (lambda: tg.vjp(lambda x: x, np.ones(2))[1](np.ones(3)), ValueError, r"the seed has shape \(3,\)"),
        (lambda: tg.vjp(lambda x: [x, x], 1.0)[1](1.0), ValueError, r"structure of the result: \[array, array\]"),
        (lambda: tg.jvp(lambda x: x, (1.0,), (1.0, 2.0)), ValueError, "the tangents must have the structure of the arguments"),
        (lambda: tg.jvp(lambda x: x, (np.ones(2),), (1.0,)), ValueError, r"a tangent has shape \(\)"),
        (
            lambda: tg.hvp(lambda x: np.sum(x["a"]))({"a": 1.0}, 1.0),
            ValueError,
            "the vector must have the structure of the argument",
        ),
        (lambda: tg.jacobian(lambda x: None)(np.ones(2)), TypeError, "returned NoneType, not a number"),
        (lambda: tg.jacobian(lambda x: [x, "x"])(np.ones(2)), TypeError, "returned str, not a number"),
        (lambda: tg.vjp(lambda x: None, np.ones(2)), TypeError, "returned NoneType, not a number"),
        (lambda: tg.jvp(lambda x: None, (1.0,), (1.0,)), TypeError, "returned NoneType, not a number"),
        (lambda: tg.hvp(np.sum)(np.ones(2)), TypeError, r"tg.hvp\(f\)\(x, v\)"),
        (lambda: tg.gradients(np.float64(3.0), tg.parameter(1.0)), TypeError, "not float64, which no tg.parameter went into"),
    ],
)
def test_bad_input(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


SMOOTH: dict[str, Any] = {
    "tanh": np.tanh, "sin": np.sin, "exp": lambda x: np.exp(x / 4), "square": np.square, "reverse": lambda x: x[::-1],
    "scale": lambda x: 1.5 * x, "logsumexp": lambda x: x - tg.logsumexp(x), "cumsum": lambda x: np.cumsum(x) / 2,
    "sqrt": lambda x: np.sqrt(1 + x * x), "divide": lambda x: x / (2 + np.cos(x)), "sum": lambda x: x + np.sum(x) / 3,
}  # fmt: skip


@pytest.mark.parametrize("peer", ["jax", "torch"])
@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(list(SMOOTH)), min_size=1, max_size=5))
def test_second_and_third_derivatives_agree_with(peer: str, names: list[str]) -> None:
    module = pytest.importorskip(peer, reason=f"{peer} is not installed")
    x = np.array([0.3, -0.8, 1.1])

    def ours(x: Any) -> Any:
        for name in names:
            x = SMOOTH[name](x)
        return np.sum(x * x[0])

    H, third = tg.hessian(ours)(x), tg.jacobian(tg.hessian(ours))(x)
    theirs = (of_jax if peer == "jax" else of_torch)(module, names, x)
    assert_close(H, theirs[0], 1e-10)
    assert_close(third, theirs[1], 1e-10)


def of_jax(jax: Any, names: list[str], x: Any) -> tuple[Any, Any]:
    np_ = jax.numpy
    same = {
        "tanh": np_.tanh, "sin": np_.sin, "exp": lambda x: np_.exp(x / 4), "square": np_.square, "reverse": lambda x: x[::-1],
        "scale": lambda x: 1.5 * x, "logsumexp": lambda x: x - jax.nn.logsumexp(x), "cumsum": lambda x: np_.cumsum(x) / 2,
        "sqrt": lambda x: np_.sqrt(1 + x * x), "divide": lambda x: x / (2 + np_.cos(x)), "sum": lambda x: x + np_.sum(x) / 3,
    }  # fmt: skip

    def f(x: Any) -> Any:
        for name in names:
            x = same[name](x)
        return np_.sum(x * x[0])

    with jax.enable_x64(True):
        return np.asarray(jax.hessian(f)(x)), np.asarray(jax.jacfwd(jax.hessian(f))(x))


def of_torch(torch: Any, names: list[str], x: Any) -> tuple[Any, Any]:
    same = {
        "tanh": torch.tanh, "sin": torch.sin, "exp": lambda x: torch.exp(x / 4), "square": torch.square,
        "reverse": lambda x: torch.flip(x, [0]), "scale": lambda x: 1.5 * x, "logsumexp": lambda x: x - torch.logsumexp(x, 0),
        "cumsum": lambda x: torch.cumsum(x, 0) / 2, "sqrt": lambda x: torch.sqrt(1 + x * x),
        "divide": lambda x: x / (2 + torch.cos(x)), "sum": lambda x: x + torch.sum(x) / 3,
    }  # fmt: skip

    def f(x: Any) -> Any:
        for name in names:
            x = same[name](x)
        return torch.sum(x * x[0])

    at = torch.tensor(x)
    H = torch.autograd.functional.hessian(f, at)
    third = torch.autograd.functional.jacobian(lambda x: torch.autograd.functional.hessian(f, x, create_graph=True), at)
    return H.numpy(), third.numpy()
