"""`graph.compile()`: the numbers of the engine at any size, arrays of the caller's own, and errors that name the argument."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.compiled import MODELS, Model, assert_same
from tinygraph.compiler.step import KNOWN

by_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def compared(model: Model, step: Any, values: dict[str, Any]) -> None:
    """Call a step and compare with a recording of the same values."""
    graph, parameters = model.recorded(values)
    loss, gradients = step(**values)
    assert_same(loss, graph.outputs[0].value)
    for node, gradient in zip(parameters, tg.gradients(graph.outputs[0], *parameters), strict=True):
        assert_same(gradients[graph.name(node)], gradient)


class TestNumbers:
    @by_model
    def test_are_those_of_a_recording_at_any_size_in_every_call(self, model: Model) -> None:
        graph, _ = model.recorded(model.values(6))
        step = graph.compile()
        for rows, seed in ((6, 0), (6, 2), (9, 3), (6, 4), (2, 5)):
            compared(model, step, model.values(rows, seed))

    @by_model
    def test_are_the_same_block_by_block_and_in_threads(self, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("FEWEST", "FEWEST_IN_THREADS"):
            monkeypatch.setattr(f"tinygraph.compiler.executors.{name}", 2)
        monkeypatch.setattr("tinygraph.compiler.executors.BLOCK", 1)
        graph, _ = model.recorded(model.values(6))
        for threads in (1, 2, 3):
            try:
                step = graph.compile(strategy="rows", threads=threads)
            except ValueError as error:
                assert "does not apply" in f"{error}"  # noqa: PT017  # which models have no rows is tested below
                return
            for rows in (6, 7, 2, 11):
                compared(model, step, model.values(rows, rows))

    def test_only_what_rows_do_apart_is_computed_block_by_block(self) -> None:
        whole = set()
        for name, model in MODELS.items():
            try:
                model.recorded(model.values(6))[0].compile(strategy="rows")
            except ValueError:
                whole.add(name)
        assert whole == {"variance", "normalised", "an entry of each row", "a running sum"}

    def test_large_data_are_computed_block_by_block(self) -> None:
        model = MODELS["logistic regression"]
        values = model.values(300_000)
        step = model.recorded(model.values(6))[0].compile()
        compared(model, step, values)
        assert "of 300,000 rows at a time" in f"{step.plan}"
        compared(model, step, model.values(5))
        assert step.plan.strategy == "whole"
        compared(model, step, values)  # of sizes that it had before
        assert step.plan.strategy == "blocks of rows"
        assert "def rows(" in step.source

    @by_model
    def test_four_threads_may_call_at_the_same_time(self, model: Model) -> None:
        step = model.recorded(model.values(6))[0].compile()
        failures: list[BaseException] = []

        def call(seed: int) -> None:
            try:
                for rows in (6, 8, 6):
                    compared(model, step, model.values(rows, seed))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures

    @pytest.mark.parametrize("name", ["logistic regression", "two layers", "linear regression", "products of rows"])
    def test_are_those_of_pytorch(self, name: str) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        losses = {
            "logistic regression": lambda X, y, w, b: torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y),
            "two layers": lambda X, Y, W1, b1, W2, b2: torch.nn.functional.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, Y),
            "linear regression": lambda X, y, w, b: ((X @ w + b - y) ** 2).sum() / 7 + 0.1 * (w**2).sum(),
            "products of rows": lambda X, y, w, b: ((X @ w) ** 2).sum() + b * torch.outer(y, w).sum(),
        }
        model = MODELS[name]
        graph, parameters = model.recorded(model.values(6))
        loss, gradients = graph.compile()(**model.values(9, 1))
        tensors = {key: torch.tensor(x, dtype=torch.float64) for key, x in model.values(9, 1).items()}
        for node in parameters:
            tensors[graph.name(node)].requires_grad_()
        expected = losses[name](**tensors)
        expected.backward()
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        for node in parameters:
            assert_same(gradients[graph.name(node)], tensors[graph.name(node)].grad.numpy()[()])

    def test_of_gradients_of_gradients_need_no_seed(self) -> None:
        w = tg.parameter(np.array([1.0, 2.0]))
        d = tg.grad(lambda w: np.sum(np.tanh(w) ** 2))(w)
        graph = tg.Graph(np.sum(d * d), names={"w": w, "d": d})
        _, gradients = graph.compile()(w=np.array([0.5, 1.0]))
        again = graph.with_leaves({"w": np.array([0.5, 1.0])})
        assert_same(gradients["w"], tg.gradients(again.outputs[0], again["w"])[0])

    def test_of_a_graph_of_scalars_are_the_same_in_groups_and_one_after_the_other(self) -> None:
        rng = np.random.default_rng(0)
        values = {f"w{i}": np.float64(x) for i, x in enumerate(rng.normal(size=40))}
        leaves = {name: tg.parameter(x) for name, x in values.items()}
        rows = [list(leaves.values())[i::8] for i in range(8)]
        points = rng.normal(size=(12, 5)).tolist()
        scores = [sum(tg.relu(sum(w * x for w, x in zip(row, p, strict=True))) for row in rows) for p in points]
        L = sum(tg.softplus(-score) for score in scores) * (1 / 12) + 1e-3 * sum(w * w for w in leaves.values())
        graph = tg.Graph(L, names=leaves)
        steps = [graph.compile(strategy=strategy) for strategy in (None, "groups", "whole")]
        assert [step.plan.strategy for step in steps] == ["groups", "groups", "whole"]
        for other in (values, {name: 0.5 * x for name, x in values.items()}):
            again = graph.with_leaves(other)
            expected = tg.gradients(again.outputs[0], *(again[name] for name in values))
            for step in steps:
                loss, gradients = step(**other)
                assert_same(loss, again.outputs[0].value)
                assert_same(list(gradients.values()), list(expected))

    @pytest.mark.parametrize("keepdims", [False, True])
    def test_of_the_largest_entries_of_many_short_rows(self, keepdims: bool) -> None:
        rng = np.random.default_rng(0)
        X, W = tg.constant(rng.normal(size=(50, 3))), tg.parameter(rng.normal(size=(3, 4)))
        L = np.mean(np.max(X @ W, axis=1, keepdims=keepdims) * np.min(X @ W, -1, keepdims=keepdims))
        graph = tg.Graph(L, names={"X": X, "W": W})
        step = graph.compile()
        assert "maximum.reduce(" in step.source
        for rows in (50, 7):
            values = {"X": rng.normal(size=(rows, 3)), "W": rng.normal(size=(3, 4))}
            values["X"][1, 1] = np.nan if rows == 7 else 1.0
            A = values["X"] @ values["W"]
            loss, _ = step(**values)
            assert_same(loss, np.mean(np.max(A, axis=1) * np.min(A, axis=1)))

    @pytest.mark.parametrize("number", [np.count_nonzero, np.sum])
    @pytest.mark.parametrize("strategy", ["whole", "rows"])
    def test_a_number_of_true_entries(self, number: Any, strategy: str) -> None:
        X = np.random.default_rng(0).normal(size=(50, 3))
        leaves = {"X": tg.constant(X), "w": tg.parameter(np.ones(3))}
        step = tg.Graph(number(leaves["X"] @ leaves["w"] > 0), names=leaves).compile(wrt=[], strategy=strategy)
        assert "intp(count_nonzero(" in step.source
        assert_same(step(X=X, w=np.ones(3))[0], number(X @ np.ones(3) > 0))

    def test_of_a_long_chain_of_scalars_are_those_of_a_recording(self) -> None:
        w, x = tg.parameter(0.5), tg.constant(0.3)
        h = w
        for _ in range(1500):
            h = np.tanh(1.01 * h + x)
        graph = tg.Graph(h * w, names={"w": w, "x": x})
        step = graph.compile()
        assert "functions" in step.plan.why
        again = graph.with_leaves({"w": 0.7, "x": 0.1})
        for _ in range(2):
            loss, gradients = step(w=0.7, x=0.1)
            assert_same(loss, again.outputs[0].value)
            assert_same(gradients["w"], tg.gradients(again.outputs[0], again["w"])[0])
        assert len(step.profile(w=0.7, x=0.1).costs) == step.plan.statements

    def test_float32_stays_float32(self) -> None:
        model = MODELS["two layers"]
        values = {name: value.astype(np.float32) for name, value in model.values(8).items()}
        graph, parameters = model.recorded(values)
        loss, gradients = graph.compile()(**values)
        assert_same(loss, graph.outputs[0].value, 1e-6)
        for node, gradient in zip(parameters, tg.gradients(graph.outputs[0], *parameters), strict=True):
            assert_same(gradients[graph.name(node)], gradient, 1e-5)

    def test_rows_and_columns_of_the_same_number_are_not_confused(self) -> None:
        model = MODELS["logistic regression"]
        step = model.recorded(model.values(3))[0].compile(strategy="rows")
        for rows in (3, 7):
            compared(model, step, model.values(rows))

    def test_nan_and_infinity_pass(self) -> None:
        for name in ("logistic regression", "two layers", "from probabilities"):
            model = MODELS[name]
            values = model.values(6)
            values["X"][1, 1], values["X"][2, 0] = np.nan, 1000.0
            step = model.recorded(model.values(6))[0].compile()
            with np.errstate(all="ignore"):
                compared(model, step, values)

    def test_sparse_data(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        X = sparse.random_array((7, 3), density=0.5, rng=np.random.default_rng(0), format="csr")
        node, w = tg.constant(X), tg.parameter([1.0, 2.0, 3.0])
        step = tg.Graph(np.mean(tg.softplus(node @ w)), names={"X": node, "w": w}).compile()
        loss, gradients = step(X=2 * X, w=np.ones(3))
        z = 2 * X.toarray() @ np.ones(3)
        assert_same(loss, np.mean(np.log1p(np.exp(z))))
        assert_same(gradients["w"], 2 * X.toarray().T @ (1 / (1 + np.exp(-z)) / 7))
        with pytest.raises(TypeError, match="X is dense, and was recorded sparse"):
            step(X=X.toarray(), w=np.ones(3))

    def test_sparse_data_that_were_bound_may_change_afterwards(self) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        X, w = sparse.csr_array(np.eye(3)), tg.parameter(np.ones(3))
        node = tg.constant(X)
        step = tg.Graph(np.sum(node @ w), names={"X": node, "w": w}).compile(bind={"X": X})
        X.data[:] = 7.0
        assert step(w=np.ones(3))[0] == 3.0

    @pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], [1.0, -3.0, -2.0], [1.0, 1.0, -2.0]], ids=str)
    def test_a_mask_may_select_another_number_of_entries(self, values: list[float]) -> None:
        w = tg.parameter([3.0, 1.0, 2.0])
        step = tg.Graph(np.mean(np.exp(w[w > 0])), names={"w": w}).compile()
        other = tg.parameter(values)
        expected = np.mean(np.exp(other[other > 0]))
        loss, gradients = step(w=np.array(values))
        assert_same(loss, expected.value)
        assert_same(gradients["w"], tg.gradients(expected, other)[0])

    def test_a_number_may_be_negative_or_huge(self) -> None:
        w = tg.parameter(2.0)
        outputs, _ = tg.Graph((-2.0) ** w, -2 * w, w * 10**300, names={"w": w}).compile(wrt=[])(w=2.0)
        assert outputs == (4.0, -4.0, 2e300)

    def test_a_sum_of_what_was_divided_fits_half_precision(self) -> None:
        w = tg.parameter(np.full(200, 1000, np.float16))
        loss, _ = tg.Graph(np.sum(w / 200), names={"w": w}).compile()(w=w.value)
        assert loss == 1000

    def test_a_graph_of_gradients(self) -> None:
        w = tg.parameter([1.0, 2.0])
        graph = tg.Graph(np.sum(w**3), names={"w": w})
        graph.backprop()
        loss, gradients = tg.Graph(np.sum(graph["dw"] ** 2), names={"w": w}).compile()(w=np.array([2.0, 1.0]))
        assert loss == 9 * (16 + 1)
        assert_same(gradients["w"], 36 * np.array([8.0, 1.0]))


class TestWarnings:
    def test_are_those_of_the_call(self) -> None:
        x = tg.constant(np.ones(3, np.float32))
        with np.errstate(all="ignore"):
            graph = tg.Graph(np.sum(x * 1e300), names={"x": x})
        step = graph.compile(wrt=[])  # warns of nothing
        with np.errstate(all="ignore"):
            assert step(x=x.value)[0] == np.inf

    def test_are_errors_in_every_thread_where_the_caller_wants(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tinygraph.compiler.executors.FEWEST_IN_THREADS", 2)
        X, w = tg.constant(np.ones((8, 3))), tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(np.exp(X @ w)), names={"X": X, "w": w}).compile(strategy="rows", threads=2)
        values = np.ones((8, 3))
        values[7] = 1000.0
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            step(X=values, w=np.ones(3))


class TestOpsOfTheUser:
    def test_may_return_what_becomes_an_array(self) -> None:
        @tg.op(lambda g, out, x: g * 2)
        def doubled_in_a_list(x: Any) -> Any:
            return [2 * float(i) for i in x]

        w = tg.parameter(np.ones(3))
        loss, gradients = tg.Graph(np.sum(np.exp(doubled_in_a_list(w))), names={"w": w}).compile()(w=np.zeros(3))
        assert loss == 3.0
        assert_same(gradients["w"], np.full(3, 2.0))

    def test_whose_shape_depends_on_values_raise(self) -> None:
        @tg.op(None)
        def positive(x: Any) -> Any:
            return x[x > 0]

        w = tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(np.exp(positive(w))), names={"w": w}).compile(wrt=[])
        assert_same(step(w=np.full(3, 2.0))[0], 3 * np.exp(2.0))
        with pytest.raises(ValueError, match=r"positive returned an array of shape \(1,\), and one of \(3,\)"):
            step(w=np.array([1.0, -1.0, -1.0]))

    @pytest.mark.parametrize(
        "rule",
        [
            lambda g, out, x: g * 2 * x / len(x),
            lambda g, out, x: g * 2 * x / x.shape[0],
            lambda g, out, x: np.broadcast_to(g, x.shape) * 2 * x / tg.ops.count(x, axis=None),
            lambda g, out, x: g * np.full(x.shape, 2.0) * x / tg.ops.count(x, axis=None),
        ],
    )
    def test_whose_rules_take_sizes_raise_at_other_sizes(self, rule: Any) -> None:
        @tg.op(rule)
        def mean_square(x: Any) -> Any:
            return np.sum(x * x) / len(x)

        w = tg.parameter(np.ones(3))
        step = tg.Graph(mean_square(w), names={"w": w}).compile()
        assert_same(step(w=np.ones(3))[1]["w"], np.full(3, 2 / 3))
        with pytest.raises(ValueError, match=r"mean_square or its gradient takes a number, a shape or an array") as raised:
            step(w=np.ones(6))
        assert "step = tg.Graph(mean_square(w)" in str(raised.value)
        assert "tg.ops.count(x, axis=0) in place of len(x)" in str(raised.value)

    def test_whose_rules_no_gradient_flows_through_may_take_sizes(self) -> None:
        def for_data(g: Any, out: Any, p: Any, y: Any) -> Any:
            raise NotImplementedError

        @tg.op(lambda g, out, x: g / len(x))
        def center(x: Any) -> Any:
            return np.mean(x)

        @tg.op(lambda g, out, p, y: 2 * g * (p - y) / tg.ops.count(y, axis=0), lambda g, out, p, y: -2 * g * (p - y) / len(y))
        def squares(p: Any, y: Any) -> Any:
            return np.mean((p - y) ** 2)

        @tg.op(lambda g, out, x, c: g * c, lambda g, out, x, c: np.sum(g * x) / len(x))
        def scaled(x: Any, c: Any) -> Any:
            return x * c

        @tg.op(lambda g, out, p, y: g * y, for_data)
        def weighted(p: Any, y: Any) -> Any:
            return p * y

        def loss(X: Any, y: Any, w: Any) -> Any:
            p = X @ w
            return center(X) * squares(p, y) + np.sum(scaled(p, 2.0)) + np.sum(weighted(p, y))

        def data(n: int) -> dict[str, Any]:
            return {"X": np.arange(n * 3.0).reshape(n, 3), "y": np.arange(n) / 2}

        leaves: dict[str, Any] = {name: tg.constant(value) for name, value in data(6).items()} | {"w": tg.parameter(np.ones(3))}
        step = tg.Graph(loss(**leaves), names=leaves).compile()
        outputs, gradients = step(**data(4), w=np.ones(3))
        w = tg.parameter(np.ones(3))
        again = loss(**data(4), w=w)
        assert outputs == again.value
        np.testing.assert_allclose(gradients["w"], tg.gradients(again, w)[0])

    def test_whose_rules_raise_at_other_sizes_are_named(self) -> None:
        def rule(g: Any, out: Any, x: Any) -> Any:
            if len(x) > 3:
                raise NotImplementedError("long ones")
            return 2 * g * x

        @tg.op(rule)
        def square_sum(x: Any) -> Any:
            return np.sum(x * x)

        w = tg.parameter(np.ones(3))
        step = tg.Graph(square_sum(w), names={"w": w}).compile()
        with pytest.raises(ValueError, match=r"square_sum or its gradient raised NotImplementedError: long ones") as raised:
            step(w=np.ones(4))
        assert "for operands of shapes (4,), at test_compile.py" in str(raised.value)

    def test_whose_rules_read_a_variable_that_changes_hold_at_other_sizes(self) -> None:
        rate = 2.0

        @tg.op(lambda g, out, x: rate * g * x)
        def halved_later(x: Any) -> Any:
            return np.sum(x * x)

        w = tg.parameter(np.ones(3))
        step = tg.Graph(halved_later(w), names={"w": w}).compile()
        step(w=np.ones(4))
        rate = 1.0
        assert_same(step(w=np.ones(5))[1]["w"], np.full(5, 2.0))  # the rule that was recorded

    def test_whose_rules_are_checked_once_for_each_size(self) -> None:
        sizes = []

        def rule(g: Any, out: Any, x: Any) -> Any:
            sizes.append(len(x))
            return 2 * g * x

        @tg.op(rule)
        def energy(x: Any) -> Any:
            return np.sum(x * x)

        w = tg.parameter(np.arange(1.0, 7.0))
        step = tg.Graph(energy(w[w > 2]), names={"w": w}).compile()  # a mask, whose size each call has to measure
        sizes.clear()
        for count in (5, 3, 5, 3):
            assert step(w=np.arange(6) + 3.0 * (np.arange(6) >= 6 - count))[0] > 0
        assert sorted(sizes) == [3, 4, 5]  # 4 was recorded

    def test_whose_rules_count_entries_hold_at_other_sizes(self) -> None:
        @tg.op(lambda g, out, x: tg.ops.broadcast_like(g, x) * 2 * x / tg.ops.count(x, axis=None))
        def mean_square(x: Any) -> Any:
            return np.sum(x * x) / len(x)

        w = tg.parameter(np.ones(3))
        step = tg.Graph(mean_square(w), names={"w": w}).compile()
        assert_same(step(w=np.ones(6))[1]["w"], np.full(6, 2 / 6))

    def test_whose_body_makes_arrays_hold_at_other_sizes(self) -> None:
        @tg.op(lambda g, out, x: g * tg.stop_gradient(out) / x, elementwise=True)
        def ranked(x: Any) -> Any:
            return x * np.arange(len(x))

        w = tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(ranked(w)), names={"w": w}).compile()
        assert_same(step(w=np.ones(5))[1]["w"], np.arange(5.0))

    def test_whose_body_takes_sizes_are_traced_again(self) -> None:
        @tg.op(lambda g, out, x: g / len(x), elementwise=True)
        def share(x: Any) -> Any:
            return x / len(x)

        w = tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(share(w)), names={"w": w}).compile(wrt=[])
        with pytest.raises(ValueError, match="share or its gradient takes a number,"):
            step(w=np.ones(6))
        fast = tg.jit(share)
        for n in (3, 6, 3):
            assert_same(fast(np.ones(n)), np.full(n, 1 / n))

    def test_write_to_no_argument(self) -> None:
        is_writing = False

        @tg.op(lambda g, out, x: g * 2)
        def doubled_at_times_in_place(x: Any) -> Any:
            if is_writing:
                x *= 2
            return 2 * x

        w = tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(doubled_at_times_in_place(w)), names={"w": w}).compile()
        is_writing, given = True, np.ones(3)
        with pytest.raises(ValueError, match="read-only"):
            step(w=given)
        np.testing.assert_array_equal(given, np.ones(3))


class TestResults:
    def test_belong_to_the_caller(self) -> None:
        model = MODELS["two layers"]
        step = model.recorded(model.values(6))[0].compile()
        _, gradients = step(**model.values(6))
        before = {name: x.copy() for name, x in gradients.items()}
        step(**model.values(6, 9))
        for name, x in gradients.items():
            np.testing.assert_array_equal(x, before[name])
            x += 1  # writeable

    def test_share_no_memory_with_arguments_or_each_other(self) -> None:
        x, w = tg.constant(np.ones(3)), tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(x * w) + np.sum(w), w, w.T, names={"x": x, "w": w}).compile()
        given = {"x": np.ones(3), "w": np.ones(3)}
        (loss, *others), gradients = step(**given)
        arrays = [*others, *gradients.values(), *given.values()]
        assert loss == 6.0
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])

    def test_may_be_lent(self) -> None:
        model = MODELS["two layers"]
        step = model.recorded(model.values(6))[0].compile(copy=False)
        _, first = step(**model.values(6))
        compared(model, step, model.values(6, 9))
        _, second = step(**model.values(6))
        assert any(np.shares_memory(first[name], second[name]) for name in first)

    def test_that_are_lent_are_whole_at_the_end_of_a_call(self) -> None:
        w = tg.parameter(np.ones(3))
        z = np.tanh(w)
        (_, found), _ = tg.Graph(np.sum(np.exp(z) * np.cos(z)), z, names={"w": w}).compile(copy=False)(w=np.arange(3.0))
        assert_same(found, np.tanh(np.arange(3.0)))

    def test_of_several_outputs_are_a_tuple(self) -> None:
        w = tg.parameter(3.0)
        L, z = w * w, 2 * w
        outputs, gradients = tg.Graph(L, z, names={"w": w}).compile()(w=4.0)
        assert outputs == (16.0, 8.0)
        assert gradients == {"w": 8.0}

    def test_are_nested_as_the_names_are(self) -> None:
        layers = {name: {"W": tg.parameter(np.ones((2, 2))), "b": tg.parameter(0.0)} for name in ("first", "second")}
        x = tg.constant(np.ones(2))
        h = np.tanh(x @ layers["first"]["W"] + layers["first"]["b"])
        L = np.sum(h @ layers["second"]["W"] + layers["second"]["b"])
        step = tg.Graph(L, names={"x": x, **layers}).compile()
        given = {name: {"W": np.eye(2), "b": 0.5} for name in layers}
        loss, gradients = step(x=np.ones(2), **given)
        assert loss == pytest.approx(2 * np.tanh(1.5) + 1)
        assert gradients["second"]["b"] == 2.0
        assert gradients["first"].keys() == {"W", "b"}

    @pytest.mark.parametrize(
        "named",
        [
            lambda v, w: {"a": {"b": v}, "a_b": w},
            lambda v, w: {"p_0": {"w": v}, "p": {"0": {"w": w}}},
            lambda v, w: {"p": {"w b": v, "w_b": w}},
            lambda v, w: {"p": {"w": v, "p_w": w}},
        ],
    )
    def test_are_nested_so_where_names_collide(self, named: Callable[..., dict[str, Any]]) -> None:
        v, w = tg.parameter(2.0), tg.parameter(3.0)
        names = named(v, w)
        assert tg.Graph(v * w, names=names).compile()(**names) == (6.0, _of_arrays(names, {v: 3.0, w: 2.0}))

    def test_have_the_keys_of_the_dict_where_variables_are_called_otherwise(self) -> None:
        params = {"weights": tg.parameter(3.0)}
        w = params["weights"]
        step = tg.Graph(w * w, names={"w": w, "params": params}).compile()
        assert step(params={"weights": 2.0}) == (4.0, {"params": {"weights": 4.0}})

    def test_are_those_that_are_asked_for(self) -> None:
        w, x = tg.parameter(3.0), tg.constant(2.0)
        z = w * x
        graph = tg.Graph(z * z, names={"w": w, "x": x, "z": z})
        assert graph.compile(wrt=["x", "z"])(w=1.0, x=5.0) == (25.0, {"x": 10.0, "z": 10.0})
        assert graph.compile(wrt=[])(w=1.0, x=5.0) == (25.0, {})
        assert graph.compile(wrt=w)(w=1.0, x=5.0) == (25.0, {"w": 50.0})

    def test_leave_the_graph_as_it_was(self) -> None:
        w = tg.parameter(3.0)
        graph = tg.Graph(w * w, names={"w": w})
        before = str(graph)
        graph.compile()(w=2.0)
        assert str(graph) == before


def _of_arrays(names: Any, values: dict[tg.Node, float]) -> Any:
    return {key: _of_arrays(x, values) if isinstance(x, dict) else values[x] for key, x in names.items()}


class TestArguments:
    def step(self, **settings: Any) -> Any:
        model = MODELS["logistic regression"]
        return model.recorded(model.values(6))[0].compile(**settings)

    def given(self, **changes: Any) -> dict[str, Any]:
        return MODELS["logistic regression"].values(6) | changes

    def test_are_made_to_fit_where_nothing_is_lost(self) -> None:
        step = self.step()
        expected = step(**self.given(b=1.0, w=np.ones(3)))
        for changes in (
            {"b": 1, "w": [1, 1, 1]},
            {"b": np.array(1.0), "w": np.ones(3, int)},
            {"b": True, "w": tg.constant(np.ones(3))},
        ):
            loss, gradients = step(**self.given(**changes))
            assert loss == expected[0]
            np.testing.assert_array_equal(gradients["w"], expected[1]["w"])

    @pytest.mark.parametrize(
        ("changes", "error", "said"),
        [
            ({"z": 1.0}, TypeError, r"the step takes no z: there are w, b, X, y; it is called as step\(w=\.\.\., b=\.\.\., "),
            (
                {"w": np.ones(3, np.float32)},
                TypeError,
                r"w has dtype float32, .* recorded with float64: pass w.astype\(np.float64\)",
            ),
            ({"w": np.ones(3, complex)}, TypeError, "w has dtype complex128"),
            ({"w": np.ma.array(np.ones(3))}, TypeError, r"w cannot be a masked array: fill it first, `w.filled\(0\)`"),
            ({"w": "ones"}, TypeError, "w has dtype <U4"),
            ({"w": [[1.0], [2.0, 3.0]]}, TypeError, "w must be one array of numbers"),
            ({"X": np.ones(3)}, ValueError, r"X has shape \(3,\), and was recorded with \(6, 3\): give it 2 axes"),
            ({"X": np.ones((6, 1))}, ValueError, r"X has shape \(6, 1\), and was recorded with \(6, 3\)"),
            ({"y": np.ones(5)}, ValueError, r"must have the same shape|has size"),
            ({"w": np.ones(4)}, ValueError, r"size 4.*\n.* with the shapes w \(4,\), b \(\), X \(6, 3\), y \(6,\)"),
        ],
    )
    def test_that_do_not_fit_are_named(self, changes: dict[str, Any], error: type[Exception], said: str) -> None:
        step = self.step()
        with pytest.raises(error, match=said):
            step(**self.given(**changes))
        compared(MODELS["logistic regression"], step, self.given())  # nothing is lost

    def test_that_are_missing_are_named(self) -> None:
        with pytest.raises(
            TypeError, match=r"the step needs w, b: it is called as step\(w=\.\.\., b=\.\.\., X=\.\.\., y=\.\.\.\)"
        ):
            self.step()(X=np.ones((6, 3)), y=np.ones(6))

    def test_may_be_bound(self) -> None:
        values = self.given()
        step = self.step(bind={"X": values["X"], "y": values["y"]})
        loss, gradients = step(w=values["w"], b=values["b"])
        expected = self.step()(**values)
        assert loss == pytest.approx(expected[0])
        np.testing.assert_allclose(gradients["w"], expected[1]["w"])
        with pytest.raises(TypeError, match="takes no X: keeps its value"):
            step(**values)

    def test_may_be_the_recorded_array_itself_beside_others_of_new_sizes(self) -> None:
        value = np.ones(3)
        X, w = tg.constant(np.ones((3, 3))), tg.parameter(value, copy=False)
        step = tg.Graph(np.mean(X @ w), names={"X": X, "w": w}).compile()
        assert step(X=np.ones((5, 3)), w=value)[0] == 3.0

    def test_may_all_be_bound(self) -> None:
        w = tg.parameter(3.0)
        assert tg.Graph(w * w, names={"w": w}).compile(bind={"w": 2.0})() == (4.0, {"w": 4.0})

    def test_that_were_bound_may_change_afterwards(self) -> None:
        X, w = np.ones((4, 3)), tg.parameter(np.ones(3))
        x = tg.constant(X)
        step = tg.Graph(np.sum(x @ w), names={"X": x, "w": w}).compile(bind={"X": X})
        X[:] = 5.0
        assert step(w=np.ones(3))[0] == 12.0

    def test_may_be_called_as_parameters_of_a_call_are(self) -> None:
        w, x = tg.parameter(3.0), tg.constant(2.0)
        assert tg.Graph(w * x, names={"self": w, "given": x}).compile()(self=1.0, given=4.0) == (4.0, {"self": 4.0})

    def test_may_be_bound_to_more_rows_than_were_recorded(self) -> None:
        model = MODELS["softmax"]
        values = model.values(50)
        step = model.recorded(model.values(2))[0].compile(bind={"X": values["X"], "Y": values["Y"]})
        loss, _ = step(W=values["W"], b=values["b"])
        assert_same(loss, model.recorded(values)[0].outputs[0].value)

    def test_labels_are_checked_in_every_call(self) -> None:
        model = MODELS["softmax of labels"]
        step = model.recorded(model.values(6))[0].compile()
        step(**model.values(6))
        with pytest.raises(ValueError, match="labels from 9 to 9 do not fit 4 classes"):
            step(**model.values(6) | {"y": np.full(6, 9)})

    def test_labels_that_are_bound_are_checked(self) -> None:
        model = MODELS["softmax of labels"]
        step = model.recorded(model.values(6))[0].compile(bind={"y": np.full(6, 9)})
        with pytest.raises(ValueError, match="labels from 9 to 9 do not fit 4 classes"):
            step(**{name: x for name, x in model.values(6).items() if name != "y"})

    def test_constants_without_a_name_keep_their_value(self) -> None:
        w = tg.parameter(np.ones(3))
        step = tg.Graph(np.sum(w[[2, 0]] * 2.0), names={"w": w}).compile()
        assert_same(step(w=np.arange(3.0))[1]["w"], np.array([2.0, 0.0, 2.0]))


class TestOtherRuns:
    def test_that_python_would_decide_otherwise_raise(self) -> None:
        w = tg.parameter(3.0)
        L = w * w if w > 0 else -w
        step = tg.Graph(L, names={"w": w}).compile()
        assert step(w=2.0) == (4.0, {"w": 4.0})
        with pytest.raises(ValueError, match="w > 0"):
            step(w=-2.0)

    def test_of_sizes_that_the_recording_does_not_hold_for_raise(self) -> None:
        X = tg.constant(np.ones((4, 3)))
        w = tg.parameter(np.ones(3))
        L = sum(np.tanh(row @ w) for row in X) / X.shape[0]
        step = tg.Graph(L, names={"X": X, "w": w}).compile()
        with pytest.raises(ValueError, match="X has size 5"):
            step(X=np.ones((5, 3)), w=np.ones(3))

    def test_a_number_taken_from_a_size_raises_at_another_size(self) -> None:
        X, w = tg.constant(np.ones((4, 3))), tg.parameter(np.ones(3))
        m = X.shape[0]
        step = tg.Graph(np.sum(X @ w) / m, names={"X": X, "w": w}).compile()
        assert step(X=np.ones((4, 3)), w=np.ones(3))[0] == 3.0
        with pytest.raises(ValueError, match="stays the number"):
            step(X=np.ones((5, 3)), w=np.ones(3))

    def test_of_many_sizes_keep_few(self) -> None:
        model = MODELS["linear regression"]
        step = model.recorded(model.values(6))[0].compile()
        for rows in range(2, 2 + 2 * KNOWN):
            step(**model.values(rows))
        assert len(step._runs) == KNOWN

    def test_of_forgotten_sizes_leave_no_buffers(self) -> None:
        model = MODELS["logistic regression"]
        step = model.recorded(model.values(6))[0].compile()
        step(**model.values(6))
        forgotten = weakref.ref(step._last.prepared._ready)
        gc.disable()
        try:
            for rows in range(7, 8 + KNOWN):
                step(**model.values(rows))
            assert forgotten() is None
        finally:
            gc.enable()

    def test_begin_their_buffers_where_a_line_of_the_cache_does(self) -> None:
        for model in MODELS.values():
            step = model.recorded(model.values(6))[0].compile(strategy="whole")
            buffers = step._last.prepared._ready.buffers()
            assert [x.__array_interface__["data"][0] % 64 for x in buffers if x.size] == [0 for x in buffers if x.size]

    def test_that_are_interrupted_leave_the_step_usable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = MODELS["logistic regression"]
        step = model.recorded(model.values(6))[0].compile()
        step(**model.values(6))
        with monkeypatch.context() as patch:
            patch.setitem(step._last.prepared._ready._function.__globals__, "exp", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                step(**model.values(6))
        compared(model, step, model.values(6, 3))


def _interrupted(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_a_step_is_not_pickled() -> None:
    w = tg.parameter(3.0)
    with pytest.raises(TypeError, match="pickle its graph, and compile that where it is loaded"):
        pickle.dumps(tg.Graph(w * w, names={"w": w}).compile())


class TestSettings:
    def test_that_are_unknown_raise(self) -> None:
        w = tg.parameter(3.0)
        graph = tg.Graph(w * w, names={"w": w})
        with pytest.raises(ValueError, match="strategy='fast': choose 'whole' or 'rows' or 'groups'"):
            graph.compile(strategy="fast")
        with pytest.raises(ValueError, match="threads=0: give a whole number, 1 or more"):
            graph.compile(threads=0)
        with pytest.raises(TypeError, match="takes no x: there are w"):
            graph.compile(bind={"x": 1.0})
        with pytest.raises(KeyError, match="no node is called 'v'"):
            graph.compile(wrt=["v"])
        with pytest.raises(ValueError, match='strategy="rows" does not apply: there are scalars alone'):
            graph.compile(strategy="rows")
        X, v = tg.constant(np.ones((40, 3))), tg.parameter(np.ones(3))
        with pytest.raises(ValueError, match="no value of a row is read, but only how many there are"):
            tg.Graph(np.sum(tg.ops.broadcast_like(v, X)), names={"X": X, "v": v}).compile(strategy="rows")

    def test_a_graph_without_gradients_raises(self) -> None:
        x = tg.constant(3.0)
        with pytest.raises(ValueError, match=r"depends on no tg.parameter: .* compile\(wrt=\[\]\)"):
            tg.Graph(x * x, names={"x": x}).compile()

    def test_a_node_of_another_graph_raises(self) -> None:
        w, other = tg.parameter(3.0), tg.parameter(1.0)
        with pytest.raises(ValueError, match="is not a node of this graph"):
            tg.Graph(w * w, names={"w": w}).compile(wrt=[other])


class TestShowing:
    def test_the_source_has_the_users_names_and_lines(self) -> None:
        X, w = tg.constant(np.ones((4, 3))), tg.parameter(np.ones(3))
        z = X @ w
        step = tg.Graph(np.mean(np.tanh(z)), names={"X": X, "w": w, "z": z}).compile()
        assert step.source.startswith("def step(X, w, constants, buffers):\n")
        assert "    # z = X @ w\n    z = X.dot(w, u0)\n" in step.source
        assert "    dw = " in step.source

    def test_the_plan_says_what_was_done_and_why(self) -> None:
        model = MODELS["logistic regression"]
        step = model.recorded(model.values(6))[0].compile()
        plan = step.plan
        assert plan.strategy == "whole"
        assert plan.why == "the data are small"
        assert "a mean is a sum over a count" in [x.name for x in plan.rewrites]
        assert plan.arguments["X"] == ((6, 3), "float64")
        assert plan.buffers < plan.statements
        assert "mean(x) → sum(x) / n" in str(plan)

    def test_the_plan_names_what_runs_as_it_is(self) -> None:
        model = MODELS["a running sum"]
        plan = model.recorded(model.values(6))[0].compile().plan
        assert "cumsum" in plan.opaque
        assert "cumsum" in plan.why

    def test_the_profile_has_each_statement(self) -> None:
        model = MODELS["logistic regression"]
        step = model.recorded(model.values(6))[0].compile()
        profile = step.profile(**model.values(50))
        assert len(profile.costs) >= step.plan.statements
        assert sum(x.seconds for x in profile.costs) <= profile.seconds
        assert any("= exp(" in x.statement and x.bytes == 400 for x in profile.costs)
        assert "statement" in str(profile)

    def test_a_hostile_name_is_no_code(self) -> None:
        w = tg.parameter(3.0)
        names = {
            "__import__('os')": w,
            "c0": tg.constant(1.0),
            "run_": tg.constant(2.0),
            "u0": tg.constant(2.0),
            "known": tg.constant(1.0),
        }
        L = w
        for node in names.values():
            L = L * node
        graph = tg.Graph(L, names=names | {"step": L})
        step = graph.compile()
        assert step(**{graph.name(x): x.value for x in names.values()})[0] == L.value
