"""The reverse sweep: what is asked for, what is refused, and the decided meanings at ties and edges."""

import pickle
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.backprop import sweep
from tinygraph.calculus import owned


class TestAskingForGradients:
    def test_gives_plain_arrays_of_the_callers_own(self) -> None:
        w, b = tg.parameter([1.0, 2.0]), tg.parameter([3.0, 4.0])
        dw, db = tg.gradients(np.sum(w + b), w, b)
        dw += 1
        assert (dw.tolist(), db.tolist()) == ([2, 2], [1, 1])

    def test_shares_no_memory_with_anything(self) -> None:
        kept = np.ones(2)

        @tg.op(lambda g, out, x: kept)
        def with_a_kept_gradient(x: Any) -> Any:
            return np.sum(x)

        w, b, seed = tg.parameter([1.0, 2.0]), tg.parameter([3.0, 4.0]), np.ones(2)
        for first, second in (
            tg.gradients(w + b, w, b, seed=seed),
            tg.gradients(w * w, w, w, seed=seed),
            (*tg.gradients(w * 1, w, seed=seed), seed),
            (*tg.gradients(with_a_kept_gradient(w), w), kept),
            tg.grad(lambda p: np.sum(p[0] + p[1]))([np.ones(2), np.ones(2)]),
        ):
            assert not np.shares_memory(first, second)
            assert first.flags.writeable

    def test_a_large_gradient_made_for_the_caller_is_not_copied(self) -> None:
        w = tg.parameter([1.0, 2.0])
        found = {w: np.ones(2)}
        assert owned(found, w) is found[w]

    def test_does_not_accumulate(self) -> None:
        w = tg.parameter(3.0)
        L = w * w
        assert tg.gradients(L, w) == tg.gradients(L, w) == (6,)

    def test_intermediate_values_and_float_constants_may_be_asked_for(self) -> None:
        x, w = tg.constant(2.0), tg.parameter(3.0)
        z = x * w
        assert tg.gradients(z * z, z, x) == (12, 36)

    def test_every_use_of_a_value_adds_to_its_gradient(self) -> None:
        x = tg.parameter(3.0)
        assert tg.gradients(x * x + x / x + x, x) == (7,)

    def test_a_seed_weighs_the_entries_of_the_output(self) -> None:
        w = tg.parameter([1.0, 2.0])
        assert tg.gradients(w * w, w, seed=[1, 10])[0].tolist() == [2, 40]
        assert tg.gradients(w * w, w, seed=tg.constant([1.0, 10.0]))[0].tolist() == [2, 40]

    def test_dtype_and_shape_are_those_of_the_value(self) -> None:
        w = tg.parameter(np.ones((3, 1), np.float32))
        (dw,) = tg.gradients(np.sum(w * np.ones((2, 3, 4))), w)
        assert (dw.dtype, dw.shape) == (np.float32, (3, 1))
        assert dw.tolist() == [[8], [8], [8]]

    @pytest.mark.parametrize(
        "loss", [lambda w: np.sum(np.exp(w)), lambda w: np.sum(w * w), lambda w: w[0] + w[1], lambda w: w @ w]
    )
    def test_the_byte_order_too_is_that_of_the_value(self, loss: Any) -> None:
        w = tg.parameter(np.array([1, 2], ">f8"))
        (dw,) = tg.gradients(loss(w), w)
        assert (dw.dtype.str, tg.Graph(loss(w), names={"w": w}).backprop()["w"].dtype.str) == (">f8", ">f8")


w = tg.parameter([1.0, 2.0])


def gate() -> dict[str, tg.Node]:
    x = tg.constant(np.ones((3, 2)))
    V, W = tg.parameter(np.ones((2, 2))), tg.parameter(np.ones((2, 2)))
    gate = x @ V
    return {"V": V, "gate": gate, "W": W, "out": np.sum((x @ W) * (gate > 0))}


def log_sum_exp() -> dict[str, tg.Node]:
    z = tg.parameter([0.5, -1.0, 2.0])
    top = np.max(z)
    c = tg.stop_gradient(top)
    return {"z": z, "top": top, "c": c, "L": np.log(np.sum(np.exp(z - c))) + c}


def rounded() -> dict[str, tg.Node]:
    w = tg.parameter(2.7)
    whole, part = w // 1, w % 1
    return {"w": w, "whole": whole, "L": part * whole.astype(int)}


def argument_of_the_largest() -> dict[str, tg.Node]:
    w, scores = tg.parameter([1.0, 5.0, 2.0]), tg.parameter([0.1, 0.7, 0.2])
    sharp = scores * 10
    return {"w": w, "scores": scores, "sharp": sharp, "L": w[np.argmax(sharp)]}


class TestValuesThatNoGradientComesBackTo:
    """The output reads them through comparisons, stop_gradient, whole numbers and the like alone."""

    @pytest.mark.parametrize(
        ("program", "unreached"),
        [
            (gate, ["V", "gate"]),
            (log_sum_exp, ["top", "c"]),
            (rounded, ["whole"]),
            (argument_of_the_largest, ["scores", "sharp"]),
        ],
    )
    def test_have_no_gradient_and_are_shown_so(self, program: Any, unreached: list[str]) -> None:
        names = program()
        graph = tg.Graph(list(names.values())[-1], names=names)
        grads = graph.backprop()
        assert not set(unreached) & set(grads)
        assert set(names) - set(unreached) == set(grads)
        assert f"# no gradient reaches {', '.join(unreached)}" in repr(graph)
        assert graph.draw().svg.count("no gradient") >= len(unreached)
        graph.stepper().run()
        assert graph.quiz()

    @pytest.mark.parametrize("program", [gate, log_sum_exp, rounded, argument_of_the_largest])
    def test_leave_the_gradients_of_the_others_as_they_are(self, program: Any) -> None:
        names = program()
        output = list(names.values())[-1]
        grads = tg.Graph(output, names=names).backprop()
        for name, gradient in grads.items():
            np.testing.assert_array_equal(gradient.value, tg.gradients(output, names[name])[0])

    def test_are_an_error_where_they_are_named(self) -> None:
        names = gate()
        graph = tg.Graph(names["out"], names=names)
        for wrt in ("gate", ["W", "V"]):
            with pytest.raises(ValueError, match=r"does not depend on .*comparisons"):
                graph.backprop(wrt=wrt)

    def test_an_output_without_any_gradient_is_an_error(self) -> None:
        w = tg.parameter(2.0)
        with pytest.raises(ValueError, match="does not depend on"):
            tg.Graph(np.sign(w) * 1.0, names={"w": w}).backprop()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.gradients(w * w, w), ValueError, r"shape \(2,\).*np.sum or np.mean, or pass seed="),
        (lambda: tg.gradients(w * w, w, seed=np.ones(3)), ValueError, r"the seed has shape \(3,\), but .*has shape \(2,\)"),
        (lambda: tg.gradients(w * w, w, seed=1.0), ValueError, r"the seed has shape \(\)"),
        (lambda: tg.gradients(np.sum(w), tg.parameter(1.0)), ValueError, "does not depend on <parameter: 1>"),
        (lambda: tg.gradients(np.sum(tg.stop_gradient(w)), w), ValueError, "does not depend on"),
        (lambda: tg.gradients(np.sum(w), np.ones(2)), TypeError, "with respect to nodes, not ndarray"),
        (lambda: tg.gradients(np.sum(w)), TypeError, "name the nodes"),
        (lambda: tg.gradients(3.0, w), TypeError, "of a node, not float"),
        (lambda: tg.gradients(np.sum(w * tg.constant([1, 2])), tg.constant([1, 2])), TypeError, "dtype int64"),
        (lambda: tg.gradients(w > 1, w, seed=[1, 1]), TypeError, "dtype bool"),
    ],
)
def test_bad_requests(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("function", "at", "gradient"),
    [
        (lambda x: np.maximum(x, 0), 0.0, 0.5),
        (lambda x: np.minimum(0, x), 0.0, 0.5),
        (lambda x: tg.relu(x), 0.0, 0),
        (lambda x: abs(x), 0.0, 0),
        (lambda x: x**2, 0.0, 0),
        (lambda x: x**0, 0.0, 0),
        (lambda x: x**1, 0.0, 1),
        (lambda x: x**True, 3.0, 1),
        (lambda x: True**x, 3.0, 0),
        (lambda x: 0.0**x, 2.0, 0),
        (lambda x: x**x, 1.0, 1),
        (lambda x: np.max(np.stack([x, x, x])), 1.0, 1),
        (lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1)), 0), -1.0, 0),
        (lambda x: 1e300 / x, 1e200, -1e-100),
    ],
)
def test_decided_gradients_at_edges(function: Any, at: float, gradient: float) -> None:
    x = tg.parameter(at)
    assert tg.gradients(function(x), x) == (pytest.approx(gradient, rel=1e-15),)


def test_sqrt_at_0_has_an_infinite_gradient() -> None:
    x = tg.parameter(0.0)
    with np.errstate(divide="ignore"):
        assert tg.gradients(np.sqrt(x), x) == (np.inf,)
        assert tg.gradients(np.sqrt(-x), x) == (np.inf,)  # its root is -0, and the slope of -x is -1


@pytest.mark.parametrize("z", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_extreme_logits_are_finite_right_and_silent(z: float, y: float) -> None:
    node = tg.parameter(z)
    L = tg.binary_cross_entropy_with_logits(node, tg.constant(y))
    wrong = -z if y else z
    assert L.item() == pytest.approx(wrong if wrong > 40 else np.log1p(np.exp(wrong)), rel=1e-14)
    assert tg.gradients(L, node)[0] == pytest.approx(tg.sigmoid(np.float64(z)) - y, abs=1e-16)
    for smooth in (tg.sigmoid, tg.softplus, lambda x: tg.logsumexp(x * np.array([1, -1]))):
        assert np.isfinite(tg.gradients(smooth(node), node)[0])
    Z = tg.parameter([z, -z])
    assert np.isfinite(tg.gradients(tg.softmax_cross_entropy(Z, np.array(0)), Z)[0]).all()
    assert np.isfinite(tg.gradients(tg.log_softmax(Z), Z, seed=[1, 2])[0]).all()


class TestUsersOp:
    def test_a_gradient_of_the_wrong_shape_names_the_op(self) -> None:
        @tg.op(lambda g, out, x: np.ones(7))
        def wrong_rule(x: Any) -> Any:
            return x * 1

        x = tg.parameter([1.0, 2.0])
        with pytest.raises(ValueError, match=r"gradient of shape \(7,\) for a value of shape \(2,\)") as caught:
            tg.gradients(np.sum(wrong_rule(x)), x)
        assert "in a gradient rule of wrong_rule, recorded at test_backprop.py" in caught.value.__notes__[0]

    def test_a_rule_that_returns_its_input_does_not_hand_it_out(self) -> None:
        @tg.op(lambda g, out, x: x)
        def half_square(x: Any) -> Any:
            return x**2 / 2

        x = tg.parameter([1.0, 2.0])
        (dx,) = tg.gradients(np.sum(half_square(x)), x)
        dx[0] = 9
        assert x.tolist() == [1, 2]

    @pytest.mark.parametrize("on_nodes", [False, True])
    def test_a_rule_that_returns_nothing_names_the_op(self, on_nodes: bool) -> None:
        @tg.op(lambda g, out, x: None, elementwise=True)
        def silent(x: Any) -> Any:
            return 2 * x

        x = tg.parameter([1.0, 2.0])
        L = np.sum(silent(x))
        with pytest.raises(TypeError, match="a rule gave NoneType, not real numbers: is a `return` missing") as caught:
            tg.Graph(L).backprop(wrt=[x]) if on_nodes else tg.gradients(L, x)
        assert "in a gradient rule of silent, recorded at test_backprop.py" in caught.value.__notes__[0]

    @pytest.mark.parametrize("argument", [3.0, np.ones(2), tg.parameter(3.0)])
    def test_needs_its_rules_in_parentheses(self, argument: Any) -> None:
        @tg.op
        def bare(x: Any) -> Any:
            return x

        with pytest.raises(TypeError, match=r"write @tg.op\(rule\)"):
            bare(argument)

    def test_may_be_declared_by_exec_in_a_namespace_without_a_name(self) -> None:
        module: dict[str, Any] = {"tg": tg}
        exec("@tg.op(lambda g, out, x: 2 * g * x, elementwise=True)\ndef squared(x): return x**2", module)
        op, x = module["squared"], tg.parameter([1.0, 2.0])
        assert (op.built_in, op.__module__) == (False, "__main__")
        np.testing.assert_array_equal(tg.gradients(np.sum(op(x)), x)[0], [2.0, 4.0])
        tg.check_op(op, np.array([1.0, 2.0]))
        graph = tg.Graph(op(x), names={"x": x})
        assert str(pickle.loads(pickle.dumps(graph))) == str(graph)

    def test_has_one_result(self) -> None:
        @tg.op(lambda g, out, x: g)
        def both(x: Any) -> Any:
            return x, x

        with pytest.raises(TypeError, match=r"both\(.*\): both returned 2 results: an op has one"):
            both(tg.parameter(1.0))

    def test_needs_one_rule_an_argument(self) -> None:
        with pytest.raises(TypeError, match=r"op f has 2 array arguments \(x, y\) but 1 rule:"):

            @tg.op(lambda g, out, x: g)
            def f(x: Any, y: Any) -> Any:
                return x

    def test_cannot_take_the_name_of_a_built_in_one(self) -> None:
        with pytest.raises(ValueError, match="exp is the name of a built-in op"):

            @tg.op(lambda g, out, x: g)
            def exp(x: Any) -> Any:
                return x

    def test_may_take_any_number_of_inputs_under_one_rule(self) -> None:
        @tg.op(lambda g, out, *xs, position, scale: g * scale * (position + 1))
        def ranked(*xs: Any, scale: float = 1.0) -> Any:
            return sum(scale * (i + 1) * x for i, x in enumerate(xs))

        a, b = tg.parameter(1.0), tg.parameter(2.0)
        L = ranked(a, 5.0, b, scale=2.0)
        assert (L.item(), tg.gradients(L, a, b)) == (34, (2, 6))

    def test_gets_read_only_arrays_and_returns_numbers(self) -> None:
        @tg.op(lambda g, out, x: g)
        def listed(x: Any) -> Any:
            return [1.0, 2.0]

        @tg.op(None)
        def nothing(x: Any) -> Any:
            return None

        @tg.op(lambda g, out, x: g)
        def greedy(x: Any) -> Any:
            x[0] = 9
            return x

        x = tg.parameter([3.0, 4.0])
        assert listed(x).value.tolist() == [1, 2]
        with pytest.raises(TypeError, match="nothing returned NoneType"):
            nothing(x)
        with pytest.raises(ValueError, match="read-only"):
            greedy(x)


class TestScalarsHaveTheSameBitsOnNodes:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_powers(self, dtype: Any) -> None:
        random = np.random.default_rng(0)
        for _ in range(200):
            a, b = tg.parameter(dtype(random.uniform(0.1, 5))), tg.parameter(dtype(random.uniform(-3, 3)))
            recorded = tg.Graph(a**b).backprop(wrt=[a, b])
            for node, g in zip((a, b), tg.gradients(a**b, a, b), strict=True):
                assert recorded[node].value.tobytes() == g.tobytes()


class TestLosses:
    def test_integer_targets_keep_float32_and_count_right(self) -> None:
        f = tg.parameter(np.ones((2, 3), np.float32))
        assert tg.softmax_cross_entropy(f, np.eye(2, 3, dtype=int)).dtype == np.float32
        assert tg.mean_squared_error(f, np.zeros((2, 3), int)).dtype == np.float32
        for dtype in (np.uint8, bool):
            p = tg.parameter(np.ones(300))
            np.testing.assert_allclose(tg.gradients(tg.mean_squared_error(np.zeros(300, dtype), p), p)[0], 2 / 300)

    def test_a_mean_over_more_entries_than_float16_counts(self) -> None:
        h = tg.parameter(np.ones(70_000, np.float16))
        assert tg.gradients(np.mean(h), h)[0][0] == np.float16(1 / 70_000)

    def test_numbers_and_lists_are_arrays(self) -> None:
        s = tg.parameter(0.5)
        assert tg.gradients(tg.mean_squared_error(1.0, s), s) == (-1,)
        assert tg.softmax_cross_entropy(np.zeros((2, 3)), [0, 1]) == pytest.approx(np.log(3))
        assert tg.sigmoid([0.0, 0.0]).tolist() == [0.5, 0.5]

    def test_an_unsigned_exponent(self) -> None:
        p = tg.parameter([1000.0, 2.0])
        assert tg.gradients(np.sum(p ** np.array([0, 2], np.uint8)), p)[0].tolist() == [0, 4]

    def test_masked_logits_are_silent(self) -> None:
        Z = tg.parameter([0.0, -np.inf])
        assert tg.gradients(tg.softmax_cross_entropy(Z, np.array([1.0, 0.0])), Z)[0].tolist() == [0, 0]

    z = tg.parameter(np.zeros(3, np.float32))

    def test_integer_and_bool_labels_keep_float32(self) -> None:
        for y in (np.array([0, 1, 1]), np.array([False, True, True])):
            for loss in (tg.binary_cross_entropy_with_logits(self.z, y), tg.binary_cross_entropy(tg.sigmoid(self.z), y)):
                assert loss.dtype == np.float32
                np.testing.assert_allclose(tg.gradients(loss, self.z)[0], [1 / 6, -1 / 6, -1 / 6], rtol=1e-6)

    def test_a_sure_and_right_answer_costs_nothing(self) -> None:
        a = tg.parameter([0.0, 1.0])
        L = tg.binary_cross_entropy(a, np.array([0.0, 1.0]))
        assert (L.item(), tg.gradients(L, a)[0].tolist()) == (0, [0.5, -0.5])

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda z: tg.binary_cross_entropy_with_logits(z, np.zeros((3, 1))),
                ValueError,
                r"\(3,\) and targets of shape \(3, 1\)",
            ),
            (lambda z: tg.mean_squared_error(z, 0.0), ValueError, "must have the same shape"),
            (lambda z: tg.mean_squared_error(z, np.zeros(3), reduction="max"), ValueError, "choose one of mean, sum, none"),
            (lambda z: tg.softmax_cross_entropy(z, np.array(3)), ValueError, "do not fit 3 classes"),
            (lambda z: tg.softmax_cross_entropy(z, np.array(-1)), ValueError, "do not fit 3 classes"),
            (lambda z: tg.softmax_cross_entropy(z, np.array(1.0)), TypeError, "must be integers"),
            (lambda z: tg.softmax_cross_entropy(z, np.array([1, 0, 1])), ValueError, "sum to 1"),
            (lambda z: tg.softmax_cross_entropy(z, np.array([1, 0])), ValueError, r"integer labels of shape \(\)"),
        ],
    )
    def test_labels_that_do_not_fit(self, call: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            call(self.z)


@pytest.mark.parametrize("on_nodes", [False, True])
def test_contributions_add_up_in_reading_order_within_an_op_too(on_nodes: bool) -> None:
    @tg.op(lambda g, out, x, y: g * 1e16, lambda g, out, x, y: g * 1.0, elementwise=True)
    def lopsided(x: Any, y: Any) -> Any:
        return x + y

    x = tg.parameter(1.0)
    L = lopsided(x, x) + x * -1e16
    gradient = sweep(L, [x], tg.constant(1.0) if on_nodes else np.float64(1), on_nodes=on_nodes)[x]
    assert gradient == 1e16 + (1.0 + -1e16) != 1.0 + (1e16 + -1e16)
