"""Checks for people who write their own op: what is wrong is named, what is right passes."""

import re
from typing import Any

import numpy as np
import pytest

import tinygraph as tg


@tg.op(lambda g, out, x: g * 2 * x, elementwise=True)
def wrong_cube(x: Any) -> Any:
    return x**3


@tg.op(lambda g, out, x: g * 3 * np.asarray(x.value if isinstance(x, tg.Node) else x) ** 2, elementwise=True)
def frozen_cube(x: Any) -> Any:
    """Right to first order, but its rule takes values out of nodes, so it cannot be differentiated again."""
    return x**3


@tg.op(lambda g, out, x: g * 1.001 * np.cos(x), elementwise=True)
def nearly_sine(x: Any) -> Any:
    return np.sin(x)


class TestCheckGradients:
    def test_passes_what_is_right_for_any_structure(self) -> None:
        tg.check_gradients(lambda p, x: {"y": np.tanh(p["W"] @ x), "z": [np.sum(x)]}, {"W": np.ones((2, 3)) / 3}, np.ones(3))

    def test_names_op_argument_index_and_both_numbers(self) -> None:
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda a, x: np.sum(wrong_cube(x) * a), 2.0, np.array([0.0, 3.0]), order=1)
        text = str(caught.value)
        assert re.search(r"gradient of argument 2 at index \(1,\): the rules give 12, differences give 54", text)
        assert "wrong_cube: its rule for x (argument 1) is wrong at index (1,): the rules give" in text
        assert "at test_check.py" in text
        assert isinstance(caught.value, AssertionError)

    def test_second_order_finds_a_rule_that_does_not_record(self) -> None:
        x = np.array([1.0, 2.0])
        tg.check_gradients(frozen_cube, x, order=1)
        with pytest.raises(tg.GradientError, match="second derivative of argument 1"):
            tg.check_gradients(frozen_cube, x, order=2)

    def test_says_so_where_no_op_is_wrong(self) -> None:
        with pytest.raises(tg.GradientError, match="every op by itself is right"):
            tg.check_gradients(lambda x: np.sum(tg.stop_gradient(x) * x), np.array([1.0]), order=1)

    @pytest.mark.parametrize("x", [1e-12, 1e-5, 1e-3, 1.0, 1e6])
    @pytest.mark.parametrize("function", [np.sqrt, np.log, np.tanh, np.cos, lambda x: 1 / x, lambda x: np.sum(x) * 0 + 7.0])
    def test_numbers_of_any_size_are_moved_by_their_own(self, function: Any, x: float) -> None:
        tg.check_gradients(function, np.array([x, 1.0]))

    def test_near_the_edge_of_a_domain_steps_shrink(self) -> None:

        @tg.op(lambda g, out, x: g * 123.0, elementwise=True)
        def wrong_log(x: Any) -> Any:
            return np.log(x)

        with pytest.raises(tg.GradientError, match="wrong_log"):
            tg.check_gradients(wrong_log, np.array([1e-3, 1.0]))

    def test_rounding_excuses_no_more_than_it_makes(self) -> None:
        tg.check_gradients(lambda x: np.sin(x) + 1e7, 0.5, order=1)
        with pytest.raises(tg.GradientError):
            tg.check_gradients(lambda x: nearly_sine(x) + 1e7, 0.5, order=1)

    def test_outputs_without_a_gradient_are_left_out(self) -> None:
        tg.check_gradients(lambda x: (x > 1, x), np.array([1.0, 2.0]))

    def test_small_gradients_are_held_to_their_own_size(self) -> None:
        with pytest.raises(tg.GradientError):
            tg.check_gradients(lambda w: np.mean(w * tg.stop_gradient(w)) * 1e-7, np.array([2.0]), order=1)

    @pytest.mark.parametrize("size", [6.6e-34, 1e-12, 0.5e-9])
    def test_functions_with_small_values_are_checked_to_their_own_digits(self, size: float) -> None:
        @tg.op(lambda g, out, x: g * 2 * x * size, elementwise=True)
        def small_square(x: Any) -> Any:
            return x * x * size

        @tg.op(lambda g, out, x: g * 2 * x * size * 1.001, elementwise=True)
        def almost_small_square(x: Any) -> Any:
            return x * x * size

        tg.check_gradients(small_square, 0.5)
        for check in (tg.check_gradients, lambda op, x: tg.check_op(op, x)):
            with pytest.raises(tg.GradientError, match="almost_small_square: its rule for x"):
                check(almost_small_square, 0.5)

    @pytest.mark.parametrize(
        ("function", "x"),
        [
            (np.max, [1e-6, 2e-6, 1.5e-6]),
            (tg.relu, [1e-9, -2e-9]),
            (tg.sigmoid, [40.0, -700.0, 0.3]),
            (tg.sigmoid, 40.0),
            (lambda x: np.sum(tg.softmax(x)), [0.3, 0.5, 2e-8]),
            (lambda x: np.log(1 + x), 1e-13),
        ],
    )
    def test_what_rounding_hides_and_kinks_further_off_are_no_fault(self, function: Any, x: Any) -> None:
        tg.check_gradients(function, np.array(x))

    @pytest.mark.parametrize(
        ("function", "x", "found"),
        [
            (np.exp, [1.0, 1000.0], r"gradient of argument 1 at index \(0,\): .* and no difference is finite"),
            (lambda x: x * 2, np.nan, "and no difference is finite"),
            (np.sin, 1e7 + 0.3, r"differences -?\d.* ± \d"),
            (tg.relu, 0.0, "the rules give 0, differences 0.5 ± 0.5"),
        ],
    )
    def test_says_so_where_differences_cannot_decide(self, function: Any, x: Any, found: str) -> None:
        with np.errstate(over="ignore"), pytest.raises(ValueError, match=f"differences are too inaccurate .*{found}"):
            tg.check_gradients(function, np.array(x))

    def test_integers_and_other_arguments_are_passed_on(self) -> None:
        tg.check_gradients(tg.softmax_cross_entropy, np.array([[0.3, -0.7], [1.2, 0.5]]), np.array([0, 1]))
        tg.check_gradients(lambda x, n, how: np.sum(x**n) if how == "sum" else None, np.array([0.3, 1.2]), 3, "sum")
        with pytest.raises(tg.GradientError, match="gradient of argument 2"):
            tg.check_gradients(lambda n, x: wrong_cube(x) * n, 2, np.array([3.0]), order=1)

    def test_says_so_where_nothing_is_compared(self) -> None:
        with pytest.raises(ValueError, match="no floats but NoneType: is a `return` missing"):
            tg.check_gradients(lambda x: None, np.ones(2))
        with pytest.raises(ValueError, match="no argument is a float"):
            tg.check_gradients(lambda x: x, 3)

    def test_orders_are_one_and_two(self) -> None:
        with pytest.raises(ValueError, match="to order 1 or 2"):
            tg.check_gradients(np.sin, 1.0, order=3)


class TestCheckOp:
    def test_refuses_a_rule_that_is_not_linear_in_the_upstream_gradient(self) -> None:
        @tg.op(lambda g, out, x: abs(g) * 3 * x**2, elementwise=True)
        def unsigned_cube(x: Any) -> Any:
            return x**3

        with pytest.raises(tg.GradientError, match="unsigned_cube"):
            tg.check_op(unsigned_cube, np.array([1.0, 2.0]))

    def test_names_the_slip_in_a_rule(self) -> None:
        x, y = np.array([1.0, -2.0, 0.5]), np.array([3.0, 4.0, -1.5])
        square = np.array([[1.0, -2.0], [3.0, 4.5]])
        slips: list[tuple[Any, Any, list[Any], str]] = [
            (lambda x: x**3, lambda g, out, x: 3 * x**2, [x], "the upstream gradient is forgotten"),
            (lambda x: x**3, lambda g, out, x: g, [x], "the local derivative is forgotten"),
            (lambda x: x**3, lambda g, out, x: -g * 3 * x**2, [x], "The sign is wrong"),
            (lambda x: x**2, lambda g, out, x: g * x, [x], "2 times too small"),
            (lambda x: x**3, lambda g, out, x: g * 3 * x, [x], "The factor x is missing"),
            (lambda x: np.exp(x), lambda g, out, x: g * out * x, [x], "The factor x is one too many"),
            (lambda x: np.tanh(x), lambda g, out, x: g * (1 - x**2), [x], "x is used where out belongs"),
            (
                lambda x: np.mean(x),
                lambda g, out, x: g * np.ones_like(x),
                [x],
                "is a division by len(x) missing",
            ),
        ]
        for function, rule, arguments, said in slips:
            op = tg.op(rule)(function)
            with pytest.raises(tg.GradientError) as caught:
                tg.check_op(op, *arguments)
            assert said in str(caught.value), said

        @tg.op(lambda g, out, a, b: g * a, lambda g, out, a, b: g * b, elementwise=True)
        def product(a: Any, b: Any) -> Any:
            return a * b

        with pytest.raises(tg.GradientError, match="a is used where b belongs"):
            tg.check_op(product, x, y)

        @tg.op(lambda g, out, a, b: g @ b, lambda g, out, a, b: a.T @ g)
        def matrix_product(a: Any, b: Any) -> Any:
            return a @ b

        with pytest.raises(tg.GradientError, match=r"b is used where b\.T belongs"):
            tg.check_op(matrix_product, square, square + 1)

    def test_says_so_where_nothing_would_be_checked(self) -> None:
        with pytest.raises(ValueError, match="nothing would be checked"):
            tg.check_op(wrong_cube, np.float32([1, 2]))
        with pytest.raises(tg.GradientError):
            tg.check_op(wrong_cube, [1.0, 2.0])

    @pytest.mark.parametrize("op", [tg.sigmoid, tg.softplus, tg.softmax, tg.ops.matmul], ids=lambda op: op.name)
    def test_passes_built_in_ops(self, op: Any) -> None:
        x = np.array([[0.3, -0.7], [1.2, 0.5]])
        tg.check_op(op, *([x, x + 0.1] if op.name == "matmul" else [x]))

    def test_metadata_and_index_arrays_may_be_given(self) -> None:
        tg.check_op(tg.softmax, np.array([[0.3, -0.7], [1.2, 0.5]]), axis=0)
        tg.check_op(tg.ops.take_along_axis, np.array([0.3, -0.7]), np.array([0, 0]), axis=0)

    def test_refuses_what_is_right_in_one_order_of_memory_alone(self) -> None:
        def by_rows(g: Any, out: Any, x: Any) -> Any:
            values = x.value if isinstance(x, tg.Node) else x
            return g * (2 if values.flags.c_contiguous else 3) * x

        @tg.op(by_rows, elementwise=True)
        def squared_by_rows(x: Any) -> Any:
            return x * x

        with pytest.raises(tg.GradientError, match="is wrong at index"):
            tg.check_op(squared_by_rows, np.array([[0.3, -0.7], [1.2, 0.5]]))

    def test_refuses_a_wrong_rule(self) -> None:
        with pytest.raises(tg.GradientError, match=r"its rule for x \(argument 1\) is wrong at index \(0,\)"):
            tg.check_op(wrong_cube, np.array([1.0, 2.0]))

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            (lambda g, out, x, y: g * y[:1], "is wrong at index"),
            (lambda g, out, x, y: np.sum(g * y), r"fails on arrays with ValueError: .* shape \(\) for a value of shape \(2,\)"),
            (lambda g, out, x, y: None, "fails on arrays with TypeError: a rule gave NoneType, not real numbers"),
            (lambda g, out, x, y: g * z, "fails on arrays with NameError: name 'z' is not defined"),  # noqa: F821  # it must fail
            (lambda g, out, x, y: g * np.array([float(a) for a in y]), "fails on nodes with TypeError"),
            (lambda g, out, x, y: g * (y.value if isinstance(y, tg.Node) else y), "reads the value of y, so that nothing"),
            (None, "is None, but the result changes with it"),
        ],
    )
    def test_names_op_argument_and_line_of_a_faulty_rule(self, rule: Any, said: str) -> None:
        @tg.op(rule, lambda g, out, x, y: g * x, elementwise=True)
        def faulty_product(x: Any, y: Any) -> Any:
            return x * y

        with pytest.raises(tg.GradientError, match=said) as caught:
            tg.check_op(faulty_product, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        text = str(caught.value)
        assert text.startswith("faulty_product: its rule for x (argument 1) ")
        written = (rule or faulty_product.function).__code__
        assert f"  at test_check.py:{written.co_firstlineno}" in text.splitlines()[-1]

    def test_data_has_no_rule(self) -> None:
        @tg.op(lambda g, out, x, y: g * y, None, elementwise=True)
        def weighed(x: Any, y: Any) -> Any:
            return x * y

        x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        tg.check_op(weighed, x, tg.constant(y))
        tg.check_op(weighed, x, np.array([3, 4]))
        with pytest.raises(tg.GradientError, match=r"its rule for y \(argument 2\) is None, but .* tg\.constant"):
            tg.check_op(weighed, x, y)

    def test_a_rule_for_any_number_of_arguments_is_named_by_its_own(self) -> None:
        @tg.op(lambda g, out, *arrays, position: g * (position + 1))
        def faulty_sum(*arrays: Any) -> Any:
            return sum(arrays)

        with pytest.raises(tg.GradientError, match=r"faulty_sum: its rule for arrays \(argument 2\) is wrong"):
            tg.check_op(faulty_sum, np.array([1.0]), np.array([2.0]))

    def test_refuses_a_rule_that_changes_what_others_read(self) -> None:
        def in_place(g: Any, out: Any, x: Any) -> Any:
            g *= 3 * x**2
            return g

        @tg.op(in_place, elementwise=True)
        def careless_cube(x: Any) -> Any:
            return x**3

        with pytest.raises(tg.GradientError, match="careless_cube: a rule changes an array that it is given"):
            tg.check_op(careless_cube, np.array([1.0, 2.0]))

    def test_refuses_other_bits_on_nodes(self) -> None:
        @tg.op(lambda g, out, x: g * (1 / x if isinstance(x, tg.Node) else x**-1.0000000000001), elementwise=True)
        def two_faced(x: Any) -> Any:
            return np.log(x)

        with pytest.raises(tg.GradientError, match="other bits on Nodes"):
            tg.check_op(two_faced, np.array([1.5, 2.0]))

    def test_takes_ops_alone(self) -> None:
        with pytest.raises(TypeError, match="takes an op"):
            tg.check_op(np.sin, np.ones(2))  # type: ignore[arg-type]  # what must not work


class TestFindNonfinite:
    def test_names_the_first_op_its_inputs_and_the_line(self) -> None:
        x = tg.parameter([1.0, 0.0, -1.0])
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.log(x)
            L = np.sum(z * 2)
        found = tg.find_nonfinite(tg.Graph(L, names=locals()))
        assert found is not None
        assert (found.node, found.name, found.inputs) == (z, "z", (x,))
        assert found.place.text == "z = np.log(x)"
        assert str(found).startswith("z = -inf at (1,), 2 of 3 entries, made by log\n  at test_check.py")

    def test_looks_at_gradients_too(self) -> None:
        x = tg.parameter(0.0)
        graph = tg.Graph(np.sqrt(x), names=locals())
        with np.errstate(divide="ignore"):
            graph.backprop()
        found = tg.find_nonfinite(graph)
        assert found is not None
        assert found.name == "dx"

    def test_the_input_is_called_by_its_name(self) -> None:
        zz = tg.parameter(-2.0)
        with np.errstate(invalid="ignore"):
            aa = np.log(zz)
            bb = np.log(zz * 1)
        assert str(tg.find_nonfinite(tg.Graph(aa, names={"zz": zz, "aa": aa}))).splitlines()[-1] == "  from zz: -2"
        assert str(tg.find_nonfinite(tg.Graph(bb, names={"zz": zz}))).splitlines()[-1] == "  from <node multiply: -2>"

    def test_a_leaf_is_reported_as_given(self) -> None:
        found = tg.find_nonfinite(tg.Graph(tg.parameter(np.nan) * 2))
        assert "brought by the user" in str(found)

    def test_is_none_where_all_is_finite(self) -> None:
        assert tg.find_nonfinite(tg.Graph(tg.parameter(1.0) * 2)) is None
