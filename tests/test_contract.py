"""What every op owes: right gradients of orders 1 and 2 on any layout, the same bits on Nodes, its dtype, an example."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import NO_GRADIENT, NOT_ANALYTIC, Case, cases
from tests.oracles import assert_close, complex_step
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
    out = case.op.record(arguments, case.params)
    return out, [arguments[i] for i in wrt]


def weights(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(7).uniform(0.5, 1.5, shape)[()]


@pytest.mark.parametrize("case", CASES, ids=str)
class TestEveryCase:
    def test_recording_does_not_change_the_value(self, case: Case) -> None:
        out, _ = recorded(case)
        np.testing.assert_array_equal(out.value, case.op(*case.arguments, **case.params))

    def test_a_python_number_does_as_well_as_an_array_without_axes(self, case: Case) -> None:
        likes = {i for i, name in enumerate(case.op.arguments) if name == "like"}
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

    def test_float32_stays_float32(self, case: Case) -> None:
        out, wrt = recorded(case, np.float32)
        exact_out, exact_wrt = recorded(case)
        if not wrt or case.op.name == "cast":
            return
        if case.op.name not in ("cast_like",):
            mixed = any(
                getattr(x, "dtype", None) == np.float64 for i, x in enumerate(case.arguments) if i not in differentiable(case)
            )
            assert mixed or out.dtype == np.float32
        seed = weights(out.shape)
        gradients = tg.gradients(out, *wrt, seed=seed)
        for got, expected in zip(gradients, tg.gradients(exact_out, *exact_wrt, seed=seed), strict=True):
            assert got.dtype == np.float32
            assert_close(got, expected, 2e-5)


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
class TestEveryOp:
    def test_has_cases(self, op: Op) -> None:
        assert [case for case in CASES if case.op is op]

    def test_is_documented_with_an_example(self, op: Op) -> None:
        assert ">>> " in (op.__doc__ or "")

    def test_is_found_by_its_name(self, op: Op) -> None:
        assert tg.ops.REGISTRY[op.name] is op
        assert getattr(tg.ops, op.name) is op


def test_no_gradient_is_declared_and_nothing_else_lacks_one() -> None:
    assert {op.name for op in BUILT_IN if not any(op.rules)} == NO_GRADIENT
