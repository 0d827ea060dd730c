"""The walk: the right steps in the right order with the engine's numbers, and a cursor that never loses anything."""

import itertools
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import tinygraph as tg
from tests.browser import data_of
from tests.drawings import logistic, neuron, numbers, perceptron, softmax
from tinygraph.program.value import evaluate
from tinygraph.stepping.stepper import Stepper, WalkError

NEURON = """\
forward
  z = w1 * x1 + w2 * x2 + b = 0.300 * 2.000 + 0.500 * -1.000 + 0.200 = 0.300
  a = sigmoid(z) = 0.574
  L = -(y * np.log(a) + (1 - y) * np.log(1 - a)) = -(1.000 * -0.554 + 0.000 * -0.854) = 0.554
backward
  dL = 1 = 1.000
  da = -y / a + (1 - y) / (1 - a) = -1.000 / 0.574 + 0.000 / 0.426 = -1.741
  dz = da * a * (1 - a) = -1.741 * 0.574 * 0.426 = -0.426
  dw1 = dz * x1 = -0.426 * 2.000 = -0.851
  dw2 = dz * x2 = -0.426 * -1.000 = 0.426
  db = dz = -0.426"""


def accumulated() -> tg.Graph:
    """A value that goes into two statements."""
    w = tg.parameter(3.0)
    u, v = w * 2, np.exp(w)
    L = u * v
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    return graph


def recurrent() -> tg.Graph:
    """A cell that is unrolled: what passes through tanh is shared by three gradients."""
    w, u, h = tg.parameter(0.5), tg.parameter(0.3), tg.constant(0.1)
    for x in (1.0, -2.0, 0.5):
        h = np.tanh(w * h + u * x)
    L = (h - 1) ** 2
    return tg.Graph(L, names=locals())


def recurrent_batch() -> tg.Graph:
    """A cell with a gate, on 4 examples."""
    x, h0 = tg.constant(numbers(4, 2)), tg.constant(numbers(4, 3))
    Wz, Uz, Wn, Un = (tg.parameter(numbers(*shape)) for shape in ((2, 3), (3, 3), (2, 3), (3, 3)))
    z = tg.sigmoid(x @ Wz + h0 @ Uz)
    n = np.tanh(x @ Wn + (z * h0) @ Un)
    h = (1 - z) * n + z * h0
    L = np.mean(h**2)
    return tg.Graph(L, names=locals())


def unrolled() -> tg.Graph:
    """A cell of 12 steps, whose gradients are sums too long for one line."""
    h, W, U = tg.constant(np.zeros((4, 3))), tg.parameter(numbers(3, 3)), tg.parameter(numbers(2, 3))
    b = tg.parameter(np.zeros(3))
    for i in range(12):
        x = tg.constant(numbers(4, 2) + i)
        h = np.tanh(h @ W + x @ U + b)
    L = np.mean(h**2)
    return tg.Graph(L, names=locals())


DTYPES = [np.float16, np.float32, np.float64, np.longdouble, np.int8, np.uint8, np.int64, np.bool]


def of_dtypes(left: Any, right: Any) -> tg.Graph:
    """A product, a sum and means of two leaves of these dtypes, those of integers and bools being constants."""
    made = [tg.parameter if np.dtype(dtype).kind == "f" else tg.constant for dtype in (left, right)]
    w, x = (make(np.ones(2, dtype)) for make, dtype in zip(made, (left, right), strict=True))
    p = tg.parameter(np.float32(0.5))
    z = w * x
    u = (1 - x) * p + w if x.dtype.kind == "b" else (-x) * p + w
    L = np.mean(w * w) + np.mean(x * x) + np.sum(z * 0.5) + np.mean(u * u) * 2
    return tg.Graph(L, names={"w": w, "x": x, "p": p, "z": z, "u": u, "L": L})


class TestWalk:
    @pytest.mark.parametrize(("left", "right"), list(itertools.product(DTYPES, repeat=2)))
    def test_of_leaves_of_any_two_dtypes_has_the_numbers_of_the_engine(self, left: Any, right: Any) -> None:
        s = of_dtypes(left, right).stepper()
        s.run()
        assert s.page()
        for step in s.steps:
            if step.is_complete:
                parts = [part.expression for part in step.contributions] or [step.expression]
                value = sum(np.broadcast_to(evaluate(part, lambda node: node.value), step.node.shape) for part in parts)
                np.testing.assert_allclose(np.float64(value), np.float64(step.node.value), rtol=2e-3, err_msg=step.text)

    def test_of_the_neuron(self) -> None:
        s = neuron().stepper()
        s.run()
        assert str(s) == NEURON

    def test_has_the_numbers_of_the_engine(self) -> None:
        graph = logistic()
        for step in graph.stepper().steps:
            np.testing.assert_array_equal(step.value, graph[step.name].value)

    def test_a_step_has_upstream_and_local(self) -> None:
        step = neuron().stepper().run(until="dz")
        assert step is not None
        assert (step.phase, step.name, step.upstream) == ("backward", "dz", "da")
        assert (step.local, step.contribution) == ("∂a/∂z = a * (1 - a) = 0.244", None)
        assert step.place.text.startswith("z = w1 * x1")

    def test_a_step_without_a_local_derivative_of_its_own_shows_the_contribution(self) -> None:
        step = logistic().stepper().run(until="dw")
        assert step is not None
        assert (step.upstream, step.local, step.contribution) == ("dz", None, "dw = X.T @ dz")

    @pytest.mark.parametrize("make", [neuron, accumulated, logistic, softmax, perceptron, recurrent])
    def test_no_local_derivative_contains_the_upstream_gradient_and_each_contribution_does(self, make: Any) -> None:
        steps = [step for step in make().stepper().steps if step.upstream is not None]
        assert steps
        for step in steps:
            assert (step.local is None) != (step.contribution is None)
            if step.local is not None:
                assert step.local.startswith("∂")
                assert not re.search(rf"\b{step.upstream}\b", step.local)
            if step.contribution is not None:
                assert re.match(rf"{step.name} \+?= ", step.contribution)

    def test_contributions_are_steps_of_their_own_and_add_up(self) -> None:
        graph = accumulated()
        parts = [step for step in graph.stepper().steps if step.name == "dw"]
        assert [step.title for step in parts] == ["dw (1/2)", "dw (2/2)"]
        assert [step.equation for step in parts] == ["2 * du", "dv * v"]
        assert [len(step.contributions) for step in parts] == [1, 2]
        assert parts[0].value == pytest.approx(2 * math.exp(3))
        assert parts[1].value == graph["dw"].value
        assert parts[0].text == "dw (1/2) += 2 * du = 2 * 20.086 = 40.171, so far 40.171"
        assert parts[1].text == "dw (2/2) += dv * v = 6.000 * 20.086 = 120.513, together 160.684"

    def test_contributions_read_what_the_gradient_reads(self) -> None:
        steps = recurrent().stepper().steps
        assert [step.equation for step in steps if step.name == "dw"] == ["t_3 * h_0", "t_2 * h_1", "t * h_2"]
        assert [step.equation for step in steps if step.name == "du"] == ["t_3", "-2 * t_2", "0.5 * t"]

    def test_a_long_sum_that_is_cut_into_parts_is_shown_by_its_contributions(self) -> None:
        steps = unrolled().stepper().steps
        assert [step.equation for step in steps if step.name == "db"] == [
            f"np.sum({t}, axis=0)" for t in (*(f"t_{i}" for i in range(12, 1, -1)), "t")
        ]
        assert [step.name for step in steps if step.name.startswith("t")] == ["t", *(f"t_{i}" for i in range(2, 13))]

    def test_a_part_that_gradients_share_belongs_to_the_value_that_it_goes_back_through(self) -> None:
        graph = recurrent()
        steps = {step.name: step for step in graph.stepper().steps}
        for name, value in (("t", "h"), ("t_2", "h_2"), ("t_3", "h_1")):
            assert steps[name].of is graph[value]
            assert steps[name].place.text == "h = np.tanh(w * h + u * x)"

    def test_a_single_way_back_adds_nothing(self) -> None:
        x, h = tg.constant(numbers(4, 2)), tg.constant(numbers(4, 3))
        W, U = tg.parameter(numbers(2, 3)), tg.parameter(numbers(3, 3))
        n = np.tanh(x @ W + h @ U)
        steps = {step.name: step for step in tg.Graph(np.sum(n**2), names=locals()).stepper().steps}
        assert (steps["dW"].equation, steps["dW"].contribution) == ("x.T @ t", "dW = x.T @ t")

    @pytest.mark.parametrize("seed", [1.0, 1e-12])
    def test_a_gradient_of_a_gradient_has_contributions_of_its_own(self, seed: float) -> None:
        x = tg.parameter(0.7)
        t = np.sin(x)
        y = t * x
        graph = tg.Graph(y, names=locals())
        dx = graph.backprop()[x]
        graph.backprop(of=dx, seed=seed)
        steps = graph.stepper().steps
        second = [step for step in steps if step.name == "ddx_dx"]
        assert second[-1].value == pytest.approx(seed * (2 * math.cos(0.7) - 0.7 * math.sin(0.7)))
        assert [step.upstream for step in second] == ["ddx_dt", "ddx_ddt", "ddx_ddx"]
        assert [step.local for step in second] == [
            "∂t/∂x = np.cos(x) = 0.765", "∂dt/∂x = 1", "∂dx/∂x = -dt * np.sin(x) = -0.451"
        ]  # fmt: skip
        by_name = {step.name: step for step in steps}
        assert (by_name["ddx_dt"].upstream, by_name["ddx_dt"].local) == ("ddx_ddx", "∂dx/∂t = 1")

    def test_unnamed_values_that_several_statements_share_have_gradients(self) -> None:
        w = tg.parameter([1.0, 2.0])
        L = np.mean((w * 3 - 1) ** 2)
        steps = tg.Graph(L, names={"w": w, "L": L}).stepper().steps
        assert [step.name for step in steps] == ["t", "L", "dL", "dt", "dw"]

    def test_a_sum_of_arrays_passes_its_gradient_on(self) -> None:
        z, c = tg.parameter(np.ones(3)), tg.constant(np.ones(3))
        u = z + c
        L = np.sum(u * u)
        steps = tg.Graph(L, names={"z": z, "c": c, "u": u, "L": L}).stepper().steps
        assert (steps[-1].name, steps[-1].equation, steps[-1].local) == ("dz", "du", "∂u/∂z = 1")

    @pytest.mark.parametrize("make", [neuron, logistic, softmax, perceptron])
    def test_every_graph_can_be_walked_op_by_op(self, make: Any) -> None:
        graph = make()
        s = graph.stepper(level="op")
        s.run()
        for name in ("dL", "dW", "db", "dw", "dz"):
            if name in graph:
                np.testing.assert_array_equal(s.graph[name].value, graph[name].value)

    def test_op_by_op(self) -> None:
        s = neuron().stepper(level="op")
        assert [step.name for step in s.steps][:6] == ["t", "t_2", "t_3", "z", "a", "t_4"]
        assert all(step.equation.count(" ") <= 4 for step in s.steps if step.phase == "forward")
        s.run()
        assert s.steps[-1].value == pytest.approx(neuron()["dw1"].value)

    def test_numbers_are_worked_out_in_brackets_alone(self) -> None:
        x, y, z = (tg.parameter(v) for v in (1.0, 2.0, 3.0))
        steps = tg.Graph(x + y - z, (x - y) * z, names={"x": x, "y": y, "z": z}).stepper().steps
        assert steps[0].numbers == "1.000 + 2.000 - 3.000"
        assert steps[1].numbers == "-1.000 * 3.000"

    def test_how_many_there_are_is_a_whole_number(self) -> None:
        x = tg.parameter([1.0, 2.0, 4.0, 5.0, 8.0])
        step = tg.Graph(np.sum(x**2) / len(x), names={"x": x, "n": x * 1}).stepper().run(until="output")
        assert step is not None
        w = tg.parameter(2.0)
        z = w * tg.constant(np.ones(5))
        step = tg.Graph(np.mean(z**2), names={"w": w, "z": z}).stepper().run(until="dz")
        assert step is not None
        assert step.numbers == "2 * (5,) / 5"

    def test_zero_has_no_sign(self) -> None:
        w = tg.parameter(-0.0)
        u, v = w * 2, w * 3
        texts = [step.text for step in tg.Graph(u * -v, names=locals()).stepper().steps]
        assert "u = w * 2 = 0.000 * 2 = 0.000" in texts
        assert "du = -v = 0.000" in texts
        assert "dw (1/2) += 2 * du = 2 * 0.000 = 0.000, so far 0.000" in texts

    def test_levels_that_there_are_not(self) -> None:
        with pytest.raises(ValueError, match="level='ops'"):
            neuron().stepper(level="ops")  # type: ignore[arg-type]  # a wrong word is the point

    def test_arrays_stand_as_shapes(self) -> None:
        step = logistic().stepper().run(until="dz")
        assert step is not None
        assert step.text == "dz = da * a * (1 - a) = (8,) * (8,) * (8,) = min -0.072  max 0.074"

    def test_backprop_is_done_where_it_was_not(self) -> None:
        w = tg.parameter(2.0)
        assert [step.name for step in tg.Graph(w * w, names={"w": w}).stepper().steps] == ["output", "doutput", "dw"]


class TestMoving:
    def test_step_and_back(self) -> None:
        s = neuron().stepper()
        assert s.current is None
        assert s.step().name == "z"
        assert s.step().name == "a"
        back = s.back()
        assert back is not None
        assert back.name == "z"
        assert s.back() is None

    def test_run_to_a_name_a_condition_a_breakpoint_or_the_end(self) -> None:
        s = neuron().stepper()
        assert s.run(until="da") is s.steps[4]
        s.rewind()
        assert s.run(until=lambda step: step.value < 0) is s.steps[4]
        s.rewind()
        s.breakpoints = ["db", "L"]
        assert s.run() is s.steps[2]
        assert s.run() is s.steps[-1]
        s.breakpoints.clear()
        s.rewind()
        assert s.run() is s.steps[-1]

    def test_run_stops_where_a_gradient_is_whole(self) -> None:
        s = accumulated().stepper()
        parts = [step for step in s.steps if step.name == "dw"]
        assert [step.is_complete for step in parts] == [False, True]
        assert s.run(until="dw") is parts[1]
        s.rewind()
        s.breakpoints = "dw"
        assert s.run() is parts[1]

    def test_breakpoints_are_a_set_that_any_names_make(self) -> None:
        s = neuron().stepper()
        s.breakpoints = "dz"
        s.breakpoints.update(["da", "dz"])
        s.breakpoints |= {"L"}
        s.breakpoints.discard("da")
        assert s.breakpoints == {"dz", "L"}
        assert repr(s.breakpoints) == "{'L', 'dz'}"
        again = pickle.loads(pickle.dumps(s))
        again.breakpoints.add("db")
        assert (len(again.breakpoints), len(s.breakpoints)) == (3, 2)

    def test_running_to_a_sum_takes_all_its_contributions(self) -> None:
        step = accumulated().stepper().run(until="dw")
        assert step is not None
        assert step.part == (2, 2)

    def test_a_nan_is_found(self) -> None:
        x = tg.parameter(-1.0)
        with np.errstate(invalid="ignore"):
            u = np.log(x)
            L = u * 2
            s = tg.Graph(L, names={"x": x, "u": u, "L": L}).stepper()
        step = s.run(until=lambda step: not np.isfinite(step.value).all())
        assert step is not None
        assert step.name == "u"

    @pytest.mark.parametrize(
        ("call", "kind", "said"),
        [
            (lambda s: s.back(), WalkError, "at its start"),
            (lambda s: [s.run(), s.step()], WalkError, "at its end"),
            (lambda s: s.run(until="nobody"), KeyError, "no step is called 'nobody': there are z, a, L"),
            (lambda s: [s.run(until="a"), s.run(until="z")], KeyError, "'z' is behind the cursor"),
            (lambda s: s.run(until=lambda step: False), ValueError, "no step ahead meets the condition"),
            (lambda s: s.set(nobody=1.0), KeyError, "no leaf is called 'nobody': there are x1"),
            (lambda s: s.set(z=1.0), KeyError, "no leaf is called 'z'"),
            (lambda s: s.set(w1=[1.0, 2.0]), ValueError, r"w1: the new value has shape \(2,\), and .* has shape \(\)"),
            (lambda s: s.set(w1="much"), TypeError, "w1: .* real numbers"),
            (lambda s: s.set(w2=2.0, w1=1j), TypeError, "real numbers"),
            (lambda s: s.update(float("nan")), ValueError, "learning_rate=nan"),
            (lambda s: s.update("fast"), ValueError, "learning_rate='fast'"),
            (lambda s: setattr(s, "example", 0), ValueError, "has no batch"),
            (lambda s: s.breakpoints.add("nobody"), KeyError, "no step is called 'nobody': there are z, a, L"),
            (lambda s: s.breakpoints.update(["da", "bd"]), KeyError, "no step is called 'bd': did you mean .*db"),
            (lambda s: setattr(s, "breakpoints", ["nobody"]), KeyError, "no step is called 'nobody'"),
            (lambda s: s.breakpoints.add(s.graph["L"]), TypeError, r"write s\.breakpoints\.add\('L'\)"),
            (lambda s: s.breakpoints.add(lambda step: True), TypeError, r"or s\.run\(until=condition\)"),
            (lambda s: s.run(3), TypeError, r"write s\.run\(until='db'\), or s\.step\(\) for the next one"),
            (lambda s: s.run(until=s.graph["L"]), TypeError, r"write s\.run\(until='L'\)"),
            (lambda s: s.run(until=["L"]), TypeError, r"write s\.run\(until='db'\), not a list"),
            (lambda s: s.save("walk.png"), ValueError, r"ending is '\.png': choose one of \.html, \.htm, \.json, \.svg, \.gif$"),
        ],
    )
    def test_what_cannot_be_done_is_said_and_changes_nothing(self, call: Any, kind: Any, said: str) -> None:
        s = neuron().stepper()
        texts = [step.text for step in s.steps]
        with pytest.raises(kind, match=said):
            call(s)
        assert [step.text for step in s.steps] == texts
        assert s.position in (0, 2, len(texts))
        assert not s.breakpoints


class TestChanging:
    def test_a_leaf_and_everything_after_it(self) -> None:
        s = neuron().stepper()
        s.run(until="dz")
        s.set(w1=0.9, x1=1.0)
        a = 1 / (1 + math.exp(-(0.9 - 0.5 + 0.2)))
        assert s.current is not None
        assert s.current.name == "dz"
        assert s.current.value == pytest.approx(a - 1)
        assert s.graph["w1"].value == 0.9

    @pytest.mark.parametrize("level", ["named", "op"])
    def test_on_the_same_numbers_the_walk_prints_the_same(self, level: Any) -> None:
        p = tg.parameter(0.5)
        v = p * p + 1
        u = np.tanh(v) - p + 1  # its tanh has no name, and its gradient is another one's
        s = tg.Graph(u * 1.0 + p, names={"p": p, "v": v, "u": u}).stepper(level)
        s.run()
        before = str(s)
        s.set(p=0.5)
        assert str(s) == before

    def test_the_graph_that_was_given_stays_as_it_is(self) -> None:
        graph = neuron()
        graph.stepper().set(w1=5.0)
        assert graph["w1"].value == 0.3
        assert graph["z"].value == pytest.approx(0.3)

    def test_dtype_and_place_stay(self) -> None:
        w = tg.parameter(np.float32(2))
        s = tg.Graph(w * 2, names={"w": w}).stepper()
        s.set(w=3)
        assert s.graph["w"].dtype == np.float32
        assert s.graph["output"].place == s.chapters[0].graph["output"].place

    def test_updates_make_gradient_descent(self) -> None:
        s = neuron().stepper()
        w = np.array([0.3, 0.5])
        b, x = 0.2, np.array([2.0, -1.0])
        for _ in range(5):
            last = s.update(learning_rate=0.1)
            dz = 1 / (1 + math.exp(-(w @ x + b))) - 1
            w, b = w - 0.1 * dz * x, b - 0.1 * dz
            assert last.text.startswith("b := b - 0.1 * db = ")
        s.run()
        assert s.graph["w1"].value == pytest.approx(w[0])
        assert s.graph["b"].value == pytest.approx(b)
        assert len(s.steps) == 6 * 9 + 5 * 3

    def test_a_parameter_of_two_outputs_is_not_updated_twice(self) -> None:
        w = tg.parameter(1.0)
        L, M = w * 2, w * 3
        graph = tg.Graph(L, M, names={"w": w, "L": L, "M": M})
        graph.backprop(of=L)
        graph.backprop(of=M)
        with pytest.raises(ValueError, match="two outputs have gradients with respect to w"):
            graph.stepper().update()

    @pytest.mark.parametrize("rate", [True, 10**400, float("inf"), None])
    def test_rates_that_are_none(self, rate: Any) -> None:
        with pytest.raises(ValueError, match="must be a finite number"):
            neuron().stepper().update(rate)

    def test_rates_of_numpy_do(self) -> None:
        s = neuron().stepper()
        s.update(np.float32(0.5))
        assert s.graph["b"].value == pytest.approx(0.2 + 0.5 * 0.42556, rel=1e-4)

    def test_one_can_go_back_through_an_update(self) -> None:
        s = neuron().stepper()
        s.update(learning_rate=0.1)
        assert s.step().phase == "forward"
        assert [getattr(s.back(), "phase", None) for _ in range(4)] == ["update"] * 3 + ["backward"]

    def test_another_update_drops_later_iterations(self) -> None:
        s = neuron().stepper()
        s.update()
        s.update()
        s.rewind()
        s.update(learning_rate=1.0)
        assert len(s.chapters) == 2
        s.run()
        assert s.current is s.chapters[1].steps[-1]

    def test_setting_a_leaf_drops_later_iterations(self) -> None:
        s = neuron().stepper()
        s.update()
        s.update()
        s.rewind()
        s.step()
        s.set(b=0.0)
        assert len(s.steps) == 9


class TestBatch:
    def test_a_contribution_is_what_one_example_adds(self) -> None:
        s = logistic().stepper()
        s.example = 3
        s.run(until="dw")
        X, dz = s.graph["X"].value, s.graph["dz"].value
        assert s.lens is not None
        np.testing.assert_allclose(s.lens.value, X[3] * dz[3])
        assert s.lens.is_contribution
        total = 0
        for i in range(8):
            s.example = i
            total = total + s.lens.value
        np.testing.assert_allclose(total, s.graph["dw"].value)

    def test_a_row_is_the_examples_own(self) -> None:
        s = logistic().stepper()
        s.example = 5
        s.run(until="a")
        assert s.lens is not None
        assert s.lens.value == s.graph["a"].value[5]
        assert s.lens.equation == "a[5]"

    def test_a_gradient_of_parameters_is_no_row_even_if_it_is_as_long(self) -> None:
        X, y = tg.constant(numbers(3, 3)), tg.constant([1.0, 0.0, 1.0])
        w = tg.parameter([0.1, 0.2, 0.3])
        z = X @ w
        L = np.mean((z - y) ** 2)
        s = tg.Graph(L, names={"X": X, "y": y, "w": w, "z": z, "L": L}).stepper()
        s.run(until="dw")
        s.example = 1
        assert s.lens is not None
        assert s.lens.is_contribution
        np.testing.assert_allclose(s.lens.value, X.value[1] * s.graph["dz"].value[1])

    def test_a_gradient_with_several_readers_has_rows_too(self) -> None:
        X, y, W = tg.constant(numbers(5, 3)), tg.constant(numbers(5, 3)), tg.parameter(numbers(3, 3) / 2)
        Z = X @ W
        R = np.tanh(Z) + Z
        L = np.mean((R - y) ** 2)
        s = tg.Graph(L, names=locals()).stepper("op")
        s.run(until="dZ")
        s.example = 4
        assert s.current is not None
        assert s.current.part == (2, 2)
        assert s.lens is not None
        assert (s.lens.equation, s.lens.is_contribution) == ("dZ[4]", False)
        np.testing.assert_array_equal(s.lens.value, s.graph["dZ"].value[4])

    @pytest.mark.parametrize("level", ["named", "op"])
    def test_the_result_for_one_example_is_right(self, level: Any) -> None:
        X, A, V = tg.constant(numbers(3, 3)), tg.constant(numbers(3, 3) + 1), tg.parameter(numbers(3, 3))
        H = X @ V
        Q = H @ A  # as many rows as there are examples, which are no examples
        L = np.mean((Q - X) ** 2)
        graphs = [logistic(), softmax(), perceptron(), recurrent_batch(), tg.Graph(L, names=locals())]
        for graph in graphs:
            s = graph.stepper(level)
            values = {name: s.graph[name].value for name in s.graph.names} | {step.name: step.value for step in s.steps}
            s.example = 2
            for _ in s.steps:
                step = s.step()
                if s.lens is not None and not s.lens.is_contribution:
                    np.testing.assert_array_equal(s.lens.value, step.value[2])
                elif s.lens is not None:
                    found = eval(s.lens.equation, {"np": np, "softmax": tg.softmax, **values})
                    np.testing.assert_allclose(found, s.lens.value)

    def test_how_many_examples_there_are_is_not_a_row(self) -> None:
        X, y, w = tg.constant(numbers(4, 2)), tg.constant(numbers(4)), tg.parameter([0.5, 1.0])
        L = np.mean((X @ w - y) ** 2)
        s = tg.Graph(L, names=locals()).stepper()
        s.run(until="dw")
        total = 0
        for i in range(4):
            s.example = i
            assert s.lens is not None
            total = total + s.lens.value
        np.testing.assert_allclose(total, s.graph["dw"].value)

    def test_features_are_no_examples(self) -> None:
        X, Y, W = tg.constant(numbers(2, 5)), tg.constant(numbers(2, 5)), tg.parameter(numbers(2, 2))
        Z = W @ X
        L = np.mean((Z - Y) ** 2)
        with pytest.raises(ValueError, match=r"no batch: .* write examples as rows"):
            tg.Graph(L, names=locals()).stepper().example = 1
        x, w = tg.constant([1.0, 2.0, 3.0]), tg.parameter([0.1, 0.2, 0.3])
        with pytest.raises(ValueError, match="no batch"):
            tg.Graph(tg.sigmoid(w @ x), names={"x": x, "w": w}).stepper().example = 1

    def test_examples_may_be_counted_by_numpy(self) -> None:
        s = logistic().stepper()
        s.example = np.int64(2)
        assert s.example == 2

    @pytest.mark.parametrize("index", [-1, 8, True, 1.5])
    def test_examples_that_are_not_there(self, index: Any) -> None:
        with pytest.raises(IndexError, match="there are 8 examples"):
            logistic().stepper().example = index

    def test_the_textbook_loop_ends_in_the_vectorised_numbers(self) -> None:
        X, y = numbers(4, 2), np.array([0.0, 1, 1, 0])
        w, b = tg.parameter([0.5, -0.25]), tg.parameter(0.125)
        J: Any = 0.0
        for x_i, y_i in zip(X, y, strict=True):
            a_i = tg.sigmoid(x_i @ w + b)
            J = J + -(y_i * np.log(a_i) + (1 - y_i) * np.log(1 - a_i))
        J = J / 4
        s = tg.Graph(J, names={"w": w, "b": b, "J": J}).stepper()
        s.run()
        z = X @ w + b
        L = tg.binary_cross_entropy_with_logits(z, y)
        for name, expected in zip(("dw", "db"), tg.gradients(L, w, b), strict=True):
            np.testing.assert_allclose(s.graph[name].value, expected, rtol=1e-12)
        parts = [step for step in s.steps if step.name == "dw"]
        assert [step.part for step in parts] == [(i, 4) for i in range(1, 5)]


@st.composite
def graphs(draw: Any) -> tg.Graph:
    """Random graphs of scalars: every value is made from earlier ones."""
    values: list[Any] = [tg.parameter(draw(st.floats(-2, 2))) for _ in range(draw(st.integers(1, 3)))]
    leaves = len(values)
    for _ in range(draw(st.integers(1, 5))):
        x, y = draw(st.sampled_from(values)), draw(st.sampled_from(values))
        make = draw(st.sampled_from([lambda x, y: x * y, lambda x, y: x + y, lambda x, y: np.tanh(x) - y, lambda x, y: x]))
        values.append(make(x, y) + 1)
    names = {f"p{i}" if i < leaves else f"v{i}": value for i, value in enumerate(values)}
    total = values[-1] * 1.0
    for leaf in values[:leaves]:
        total = total + leaf
    return tg.Graph(total, names={**names, "L": total})


class Walks(RuleBasedStateMachine):
    """Whatever is done, the walk is what a fresh one of the same leaves would be."""

    @initialize(graph=graphs())
    def start(self, graph: tg.Graph) -> None:
        self.s: Stepper = graph.stepper()
        self.position = 0

    @rule()
    def step(self) -> None:
        if self.position < len(self.s.steps):
            self.s.step()
            self.position += 1

    @rule()
    def back(self) -> None:
        if self.position:
            before = str(self.s)
            self.s.back()
            self.s.step()
            assert str(self.s) == before
            self.s.back()
            self.position -= 1

    @rule()
    def run_on(self) -> None:
        self.s.run()
        self.position = len(self.s.steps)

    @rule()
    def rewind(self) -> None:
        self.s.rewind()
        self.position = 0

    @rule(value=st.floats(-2, 2))
    def set(self, value: float) -> None:
        self.s.set(p0=value)

    @precondition(lambda self: len(self.s.chapters) < 3)
    @rule()
    def update(self) -> None:
        self.s.update(0.01)
        self.position = self.s.position
        self.s.run()
        self.position = len(self.s.steps)

    @invariant()
    def it_agrees_with_a_fresh_walk(self) -> None:
        if not hasattr(self, "s"):
            return
        self.position = min(self.position, len(self.s.steps))
        assert self.s.position == self.position
        graph = self.s.graph
        for step in graph.stepper().steps:
            if step.part is None:
                np.testing.assert_array_equal(step.value, graph[step.name].value)
        fresh = [step.text for step in graph.with_leaves({}).stepper().steps]
        assert [step.text for step in self.s.chapter.graph_steps] == fresh


TestWalks = Walks.TestCase
TestWalks.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)


class TestFailures:
    def test_an_error_holds_the_graph_up_to_the_failing_op(self) -> None:
        def model(X: Any, w: Any) -> Any:
            hidden = np.tanh(X * 2)
            return hidden @ w

        inputs, weights = tg.constant(numbers(2, 3)), tg.parameter(np.ones(4))
        with pytest.raises(tg.OpError) as raised:
            model(inputs, weights)
        graph = raised.value.graph
        assert graph is not None
        assert {"X", "w", "hidden", "inputs", "weights"} <= set(graph.names)
        s = graph.stepper()
        s.run()
        assert str(s).startswith("forward\n  hidden = np.tanh(X * 2) = (2, 3) = ")
        assert s.steps[-1].name == "hidden"
        assert "<svg" in graph.draw().svg
        assert [step["name"] for step in data_of(s.page())["data"]["steps"]] == [step.name for step in s.steps]
        assert not graph._requests()

    def test_an_error_over_plain_arrays_has_none(self) -> None:
        error = tg.OpError("no operand was recorded")
        error.operands = (np.ones(2),)
        assert error.graph is None

    def test_a_checked_graph_raises_at_a_nan_and_leads_up_to_it(self) -> None:
        x = tg.parameter([1.0, -1.0])
        with np.errstate(invalid="ignore"):
            root = np.sqrt(x)
            L = np.sum(root * 2)
        with pytest.raises(tg.NonFiniteError, match="made by sqrt") as raised:
            tg.Graph(L, names=locals(), check_finite=True)
        s = raised.value.graph.stepper()
        s.run()
        assert [step.name for step in s.steps] == ["root"]

    def test_and_at_a_gradient(self) -> None:
        x = tg.parameter(0.0)
        L = np.sqrt(x)
        graph = tg.Graph(L, names={"x": x, "L": L}, check_finite=True)
        with np.errstate(divide="ignore"), pytest.raises(tg.NonFiniteError, match="dx") as raised:
            graph.backprop()
        assert raised.value.graph is graph
        assert [step.name for step in graph.stepper().steps] == ["L", "dL", "dx"]
