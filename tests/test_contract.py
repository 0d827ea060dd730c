"""What every op owes: right gradients of orders 1 and 2 on any layout and at the edges of the floats, the same bits on Nodes,
its dtype, the floating-point errors of NumPy, an example."""

import inspect
import itertools
import re
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import NO_GRADIENT, NOT_ANALYTIC, Case, cases
from tests.op_edges import (
    DIGITS,
    ELSEWHERE,
    EXACT,
    IN_TORCH,
    PROMISED,
    RIGHT_TO_AN_ULP_OF_1,
    ROWS,
    VECTORS,
    exact_gradient,
    operands,
    points,
)
from tests.oracles import assert_close, complex_step
from tests.programs import any_ranks
from tinygraph.backprop import sweep
from tinygraph.check import numerical_gradient
from tinygraph.ops import REGISTRY, Op

CASES = list(cases())
BUILT_IN = [op for op in REGISTRY.values() if op.built_in]


def differentiable(case: Case) -> list[int]:
    """The positions of the arguments that have a gradient."""
    rules = case.op.rules_for(len(case.arguments))
    return [i for i, x in enumerate(case.arguments) if rules[i] is not None and getattr(x, "dtype", None) == np.float64]


def recorded(case: Case, dtype: Any = np.float64) -> tuple[tg.Node, list[tg.Node]]:
    """The op on parameters, and those parameters."""
    wrt = differentiable(case)
    arguments = [tg.parameter(np.asarray(x, dtype)[()], copy=False) if i in wrt else x for i, x in enumerate(case.arguments)]
    with any_ranks():
        out = case.op.record(arguments, case.params)
    return out, [arguments[i] for i in wrt]


DTYPES = {"f2": 2e-2, "f4": 2e-5, ">f8": 1e-14, "longdouble": 1e-14}


def refuses(case: Case, dtype: str) -> bool:
    """Whether NumPy itself does not compute this in that dtype."""
    wrt = differentiable(case)
    try:
        case.op(*(np.asarray(x, dtype)[()] if i in wrt else x for i, x in enumerate(case.arguments)), **case.params)
    except TypeError as error:
        return "linalg" in str(error)
    return False


def weights(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(7).uniform(0.5, 1.5, shape)[()]


@pytest.mark.parametrize("case", CASES, ids=str)
class TestEveryCase:
    def test_recording_does_not_change_the_value(self, case: Case) -> None:
        out, _ = recorded(case)
        np.testing.assert_array_equal(out.value, case.op(*case.arguments, **case.params))

    def test_a_python_number_does_as_well_as_an_array_without_axes(self, case: Case) -> None:
        likes = {i for i in range(len(case.arguments)) if case.op.reads_shape[case.op.argument(i)]}
        numbers = [x if np.shape(x) or i in likes else np.asarray(x).item() for i, x in enumerate(case.arguments)]
        np.testing.assert_array_equal(case.op(*numbers, **case.params), case.op(*case.arguments, **case.params))

    def test_first_order(self, case: Case) -> None:
        out, wrt = recorded(case)
        seed = weights(out.shape)
        for k, gradient in zip(differentiable(case), tg.gradients(out, *wrt, seed=seed) if wrt else (), strict=True):

            def plain(*arguments: Any) -> Any:
                return case.op(*arguments, **case.params)

            if case.op.name in NOT_ANALYTIC:
                assert_close(gradient, numerical_gradient(plain, case.arguments, k, seed), 1e-7)
            else:
                assert_close(gradient, complex_step(plain, case.arguments, k, seed), 1e-9)

    def test_second_order_is_the_difference_of_the_exact_first(self, case: Case) -> None:
        wrt = differentiable(case)
        if not wrt:
            assert case.op.name in NO_GRADIENT
            return
        out, parameters = recorded(case)
        seed = tg.parameter(weights(out.shape))
        values = tuple(case.arguments[i] for i in wrt) + (seed.value,)

        def first_gradients(*values: Any) -> Any:
            changed = list(case.arguments)
            for i, x in zip(wrt, values[:-1], strict=True):
                changed[i] = x
            out, parameters = recorded(case._replace(arguments=tuple(changed)))
            return np.concatenate([np.ravel(g) for g in tg.gradients(out, *parameters, seed=values[-1])])

        nodes = sweep(out, parameters, seed, on_nodes=True)
        flat: Any = np.concatenate([np.reshape(nodes[p], -1) for p in parameters])
        np.testing.assert_array_equal(flat.value, first_gradients(*values))
        direction = weights(flat.shape)
        inputs = [*parameters, seed]
        second = sweep(flat, inputs, direction)
        for k, node in enumerate(inputs):
            exact = second.get(node, np.zeros(node.shape))
            assert_close(exact, numerical_gradient(first_gradients, values, k, direction), 1e-7)

    def test_gradients_on_nodes_have_the_same_bits(self, case: Case) -> None:
        out, wrt = recorded(case)
        seed = weights(out.shape)
        if wrt:
            nodes = sweep(out, wrt, tg.constant(seed), on_nodes=True)
            for node, array in zip(wrt, tg.gradients(out, *wrt, seed=seed), strict=True):
                assert nodes[node].value.tobytes() == array.tobytes()
                assert (nodes[node].dtype, nodes[node].shape) == (array.dtype, array.shape) == (node.dtype, node.shape)

    def test_any_float_stays_what_it_is(self, case: Case) -> None:
        positions = differentiable(case)
        if not positions or case.op.name == "cast":
            return
        exact_out, exact_wrt = recorded(case)
        seed = weights(exact_out.shape)
        exact = tg.gradients(exact_out, *exact_wrt, seed=seed)
        mixed = any(getattr(x, "dtype", None) == np.float64 for i, x in enumerate(case.arguments) if i not in positions)
        for dtype, tolerance in DTYPES.items():
            if refuses(case, dtype):
                continue
            native = np.dtype(dtype).newbyteorder("=")  # in which NumPy computes
            out, wrt = recorded(case, dtype)
            assert mixed or case.op.name == "cast_like" or out.dtype.newbyteorder("=") == native
            for got, expected in zip(tg.gradients(out, *wrt, seed=seed), exact, strict=True):
                assert got.dtype.newbyteorder("=") == native
                assert_close(got, expected, tolerance)


def derivatives_in(op: Op) -> dict[str, str]:
    """The partial derivatives that the docstring gives: Python code for each argument."""
    _, found, text = (inspect.getdoc(op) or "").partition("\nDerivative: ")
    assert found, f"{op.name} has no line `Derivative:`"
    return dict(re.findall(r"∂/∂(\w+) = (.+?)[;.](?:\s|$)", " ".join(text.split("\n\n")[0].split())))


@pytest.mark.parametrize("case", [case for case in CASES if case.op.elementwise and differentiable(case)], ids=str)
def test_the_derivative_in_the_docstring_of_an_elementwise_op_is_its_derivative(case: Case) -> None:
    known = {**vars(np), **REGISTRY, **case.op.defaults, **case.params}
    known |= dict(zip(case.op.arguments, case.arguments, strict=True))
    out, wrt = recorded(case)
    known["w"], seed = out.value, weights(out.shape)
    for k, gradient in zip(differentiable(case), tg.gradients(out, *wrt, seed=seed), strict=True):
        partial = eval(derivatives_in(case.op)[case.op.arguments[k]], known)
        assert_close(gradient, REGISTRY["sum_like"](seed * partial, case.arguments[k]), 1e-9)


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
class TestEveryOp:
    def test_has_its_shapes_and_derivative_in_its_docstring(self, op: Op) -> None:
        if any(rule is not None for rule in op.rules):
            assert "\nShape: " in (inspect.getdoc(op) or "")
            assert derivatives_in(op) or not op.elementwise

    def test_has_cases(self, op: Op) -> None:
        assert [case for case in CASES if case.op is op]

    def test_is_documented_with_an_example(self, op: Op) -> None:
        assert ">>> " in (op.__doc__ or "")

    def test_is_found_by_its_name(self, op: Op) -> None:
        assert tg.ops.REGISTRY[op.name] is op
        assert getattr(tg.ops, op.name) is op


def test_no_gradient_is_declared_and_nothing_else_lacks_one() -> None:
    assert {op.name for op in BUILT_IN if not any(op.rules)} == NO_GRADIENT


def raises(function: Callable[[], Any]) -> bool:
    """Whether a floating-point error comes out where NumPy is to raise all of them."""
    with np.errstate(all="raise"):
        try:
            function()
        except FloatingPointError:
            return True
    return False


def leaves_at(function: Callable[..., Any], at: tuple[Any, ...]) -> list[tg.Node]:
    """The arguments as nodes: parameters where the function has a gradient by them."""
    rules = function.rules if isinstance(function, Op) else [True] * len(at)
    return [tg.parameter(x) if rule else tg.constant(x) for rule, x in zip(rules, at, strict=True)]


def gradients_at(function: Callable[..., Any], at: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients of a function by those of its arguments that have one."""
    nodes = leaves_at(function, at)
    with np.errstate(all="ignore"):
        return tg.gradients(function(*nodes), *(node for node in nodes if node.kind == "parameter"))


def agrees(got: Any, exact: float, dtype: Any, floor: float = 0.0) -> bool:
    """Whether a number is right but for its last digits (where it is too small to have them, to the smallest numbers); `floor`
    is what is good to an ulp in it. Beyond the largest number it is inf.
    """
    with np.errstate(over="ignore"):
        expected = dtype(exact)
    limits = np.finfo(dtype)
    allowed = limits.eps * (1000 * abs(expected) + floor) + 8 * limits.tiny
    return bool(got == expected or abs(got - expected) <= allowed)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_gradients_at_the_edges_are_those_of_mpmath(name: str, dtype: Any) -> None:
    op, wrong = REGISTRY[name], []
    for at in operands(op, dtype):
        if not np.all(np.isfinite(at)) or (name == "sinc" and abs(at[0]) > 1e15):  # where NumPy rounds πx by more than a turn
            continue
        exact = [e for rule, e in zip(op.rules, exact_gradient(lambda x: [EXACT[name](*x)], at, [1]), strict=True) if rule]
        got = gradients_at(op, at)
        floor = float(name in RIGHT_TO_AN_ULP_OF_1)
        wrong += [(at, g, e) for g, e in zip(got, exact, strict=True) if e is not None and not agrees(g, e, dtype, floor)]
    assert wrong == []


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("name", VECTORS)
def test_gradients_of_vectors_at_the_edges_are_those_of_mpmath(name: str, row: list[float]) -> None:
    function, exact = VECTORS[name]
    x = tg.parameter(row)
    with np.errstate(all="ignore"):
        out = function(x)
        seed = weights(out.shape)
        (got,) = tg.gradients(out, x, seed=seed)
    expected = exact_gradient(exact, row, np.ravel(seed).tolist())
    floor = 64 * max([1.0 if name in RIGHT_TO_AN_ULP_OF_1 else 0.0, *(abs(e) for e in expected if e is not None)])
    wrong = [(g, e) for g, e in zip(got, expected, strict=True) if e is not None and not agrees(g, e, np.float64, floor)]
    assert wrong == []


# Where PyTorch decides otherwise: it extends arccosh beyond its domain, gives the angle at the origin a derivative, and gives NaN
# to hypot at the origin, to copysign of infinity and to logaddexp of two equal infinities.
NOT_AS_IN_TORCH = {
    "arccosh": lambda x: x < 1,
    "arctan2": lambda y, x: y == x == 0,
    "hypot": lambda x, y: x == y == 0,
    "copysign": lambda x, y: np.isinf(x),
    "logaddexp": lambda x, y: x == y and np.isinf(x),
    "logaddexp2": lambda x, y: x == y and np.isinf(x),
}
AT_ZERO_AND_INFINITY = [np.float64(x) for x in (-np.inf, -2.5, -0.0, 0.0, 0.3, np.inf)]


@pytest.mark.parametrize("name", [name for name in EXACT if IN_TORCH.get(name, name)])
def test_gradients_at_0_and_infinity_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    op, wrong = REGISTRY[name], []
    theirs = torch.nn.functional.softplus if name == "softplus" else getattr(torch, IN_TORCH.get(name, name))
    for at in itertools.product(AT_ZERO_AND_INFINITY, repeat=len(op.arguments)):
        if name in NOT_AS_IN_TORCH and NOT_AS_IN_TORCH[name](*at):
            continue
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in at]
        expected = [float(g) for rule, g in zip(op.rules, torch.autograd.grad(theirs(*tensors), tensors), strict=True) if rule]
        got = gradients_at(op, at)
        same = np.isclose(got, expected, rtol=1e-12, atol=0, equal_nan=True)
        wrong += [(at, g, e) for g, e, agree in zip(got, expected, same, strict=True) if not agree]
    assert wrong == []


@pytest.mark.parametrize("op", [op for op in BUILT_IN if op.elementwise and not op.defaults], ids=lambda op: op.name)
class TestFloatingPointErrors:
    """Under `np.errstate(all="raise")`, by which people look for a NaN."""

    def test_a_numpy_function_raises_where_numpys_own_does(self, op: Op) -> None:
        if op.numpy is None:
            assert op.name in PROMISED or not any(op.rules) or op.name in WITHOUT_A_NUMPY_FUNCTION
            return
        wrong = []
        for at in operands(op, np.float64):
            nodes = [tg.constant(x) for x in at]
            own = [op.numpy, *([] if op.operator is None else [op.operator.function])]  # which differ on some processors
            if raises(lambda: op(*nodes)) not in [raises(lambda f=f: f(*at)) for f in own]:  # noqa: B023  # called at once
                wrong.append(at)
        assert wrong == []

    def test_a_gradient_raises_only_where_it_is_not_finite(self, op: Op) -> None:
        wrong = []
        for at in operands(op, np.float64):
            nodes = leaves_at(op, at)
            with np.errstate(all="ignore"):
                out = op(*nodes)
            if not any(op.rules) or np.isnan(out.value) or not np.all(np.isfinite(gradients_at(op, at))):
                continue
            for on_nodes, seed in [(False, np.float64(1)), (True, tg.constant(1.0))]:
                if raises(lambda: sweep(out, nodes, seed, on_nodes=on_nodes)):  # noqa: B023  # called at once
                    wrong.append((at, on_nodes))
        assert wrong == []


WITHOUT_A_NUMPY_FUNCTION = {"alias", "cosine", "logaddexp_weight", "power_less_one", "log_of_base", "ratio"}


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_what_promises_to_be_finite_is_and_never_raises(name: str) -> None:
    rows = [[x] for x in points(np.float64) if np.isfinite(x)] if name in EXACT else ROWS
    function = REGISTRY[name] if name in EXACT else VECTORS[name][0]
    for row in rows:
        x = tg.parameter(row)
        with np.errstate(all="raise"):
            out = function(x)
            (gradient,) = tg.gradients(out, x, seed=weights(out.shape))
            recorded_gradient = sweep(out, [x], tg.constant(weights(out.shape)), on_nodes=True)[x]
        assert np.all(np.isfinite(out.value)) or np.ptp(row) > np.finfo(float).max / 2, row
        assert np.all(np.isfinite(gradient)), row
        np.testing.assert_array_equal(recorded_gradient.value, gradient)


@pytest.mark.parametrize("name", sorted(PROMISED - {"tanh"}))
def test_what_promises_to_be_finite_is_right(name: str) -> None:
    rows = [[x] for x in points(np.float64) if np.isfinite(x)] if name in EXACT else ROWS
    for row in rows:
        function, exact = VECTORS.get(name) or (REGISTRY[name], lambda x: [EXACT[name](*x)])
        with mpmath.workdps(DIGITS), np.errstate(all="raise"):
            expected = [float(x) for x in exact([mpmath.mpf(x) for x in row])]
            got = np.ravel(function(tg.constant(row)).value)
        atol = np.finfo(float).eps if name == "log_softmax" else 1e-307  # the largest is 0 minus next to nothing
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=atol)


@pytest.mark.parametrize(
    ("function", "at", "gradient"),
    [
        (np.linalg.norm, np.zeros(3), 0),
        (lambda x: np.linalg.norm(x) ** 2, np.zeros(3), 0),
        (lambda x: np.linalg.norm(x, 3), np.zeros(3), 0),
        (lambda x: np.sum(np.linalg.norm(x, axis=1)), np.array([[0.0, 0.0], [3.0, 4.0]]), [[0, 0], [0.6, 0.8]]),
        (np.std, np.full(3, 2.0), 0),
        (np.std, np.full(3, 0.1), 0),  # their mean is another number
        (lambda x: np.sum(np.std(x, axis=0, ddof=1)), np.full((3, 2), 0.1), 0),
        (lambda x: np.hypot(x[0], x[1]), np.zeros(2), 0),
        (lambda x: np.exp(tg.logsumexp(x)), np.full(3, -np.inf), 0),
        (lambda x: np.sum(np.exp(tg.logsumexp(x, axis=1))), np.array([[-np.inf, -np.inf], [0.0, -np.inf]]), [[0, 0], [1, 0]]),
        (lambda x: np.exp(np.logaddexp(x[0], x[1])), np.full(2, -np.inf), 0),
        (lambda x: np.exp2(np.logaddexp2(x[0], x[1])), np.full(2, -np.inf), 0),
        (tg.logsumexp, np.full(2, 1e17), 0.5),  # a difference from the result would have no digits
        (lambda x: np.arctan2(1e200, x), np.array(1e200), -5e-201),  # a Python number has no square either
        (lambda x: np.arctan2(x, 1e200), np.array(1e200), 5e-201),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_what_is_decided_at_an_edge(function: Any, at: Any, gradient: Any) -> None:
    with np.errstate(all="raise"):
        got = tg.grad(function)(at)
    np.testing.assert_allclose(got, np.broadcast_to(gradient, at.shape), rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "at", "seed", "gradient"),
    [
        (lambda x: np.where(x > 1, x, 0.0), [0.0, 4.0], [np.inf, 1.0], [0, 1]),  # the branch not taken gets 0, never NaN
        (lambda x: np.where(x > 1, 0.0, x), [0.0, 4.0], [1.0, np.nan], [1, 0]),
        (np.median, [1.0, np.nan, 3.0], 1.0, [0, 1, 0]),  # all on the NaN
    ],
)
def test_what_is_decided_beside_nan_and_infinity(function: Any, at: Any, seed: Any, gradient: Any) -> None:
    x = tg.parameter(at)
    np.testing.assert_array_equal(tg.gradients(function(x), x, seed=seed)[0], gradient)


PAIRS = [op for op in BUILT_IN if op.elementwise and len(op.arguments) == 2 and all(op.rules) and not op.defaults]


@pytest.mark.parametrize("op", PAIRS, ids=lambda op: op.name)
def test_operands_of_different_dtypes_have_gradients_of_their_own(op: Op) -> None:
    at = np.array([2.5, 0.3]), np.array([0.75, 1.25])
    expected = gradients_at(lambda x, y: np.sum(op(x, y)), at)
    for dtypes in itertools.product(["f2", "f4", ">f8", "longdouble"], repeat=2):
        got = gradients_at(lambda x, y: np.sum(op(x, y)), tuple(x.astype(dtype) for x, dtype in zip(at, dtypes, strict=True)))
        for g, e, dtype in zip(got, expected, dtypes, strict=True):
            assert g.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
            assert_close(g, e, 2e-2 if "f2" in dtypes else 2e-5 if "f4" in dtypes else 1e-14)


@pytest.mark.parametrize("op", PAIRS, ids=lambda op: op.name)
def test_a_python_number_beside_a_node_changes_no_gradient(op: Op) -> None:
    for x, y in operands(op, np.float64):
        on_nodes = gradients_at(op, (x, y))
        beside_numbers = gradients_at(lambda x: op(x, float(y)), (x,)) + gradients_at(lambda y: op(float(x), y), (y,))  # noqa: B023
        np.testing.assert_allclose(beside_numbers, on_nodes, rtol=1e-15, err_msg=f"{x}, {y}")


def test_every_elementwise_op_with_a_gradient_has_its_exact_function() -> None:
    assert {op.name for op in BUILT_IN if op.elementwise and any(op.rules)} == EXACT.keys() | ELSEWHERE
