"""Which nodes are statements, what they are called, and in which order they stand."""

import gc
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import executed
from tinygraph.program.drafts import LONGEST
from tinygraph.program.statements import program_of
from tinygraph.program.value import Like, atoms


def statements(graph: tg.Graph, level: Any = "named") -> list[str]:
    return [f"{s.name} = {s.right}" for s in graph.statements(level)]


class TestStatements:
    def test_unnamed_values_are_written_into_their_reader(self) -> None:
        x = tg.constant(2.0)
        assert statements(tg.Graph(np.exp(x * 3) + 1, names={"x": x})) == ["output = np.exp(x * 3) + 1"]

    def test_shared_work_is_done_once(self) -> None:
        x = tg.constant(2.0)
        e = np.exp(x)
        assert statements(tg.Graph(e * np.sin(e), names={"x": x})) == ["t = np.exp(x)", "output = t * np.sin(t)"]

    def test_one_shared_step_of_arithmetic_is_repeated(self) -> None:
        x = tg.constant(2.0)
        e = 1 - x
        assert statements(tg.Graph(e * np.sin(e), names={"x": x})) == ["output = (1 - x) * np.sin(1 - x)"]

    @pytest.mark.parametrize("level", ["named", "op"])
    @pytest.mark.parametrize("name", ["t", "t1", "t_2"])
    def test_a_value_without_a_name_does_not_read_as_a_part_of_one_that_has_it(self, name: str, level: Any) -> None:
        x = tg.constant(2.0)
        e = np.exp(x)
        assert statements(tg.Graph(e * np.sin(e), names={name: x}), level)[0] == f"u = np.exp({name})"

    def test_a_long_expression_is_cut(self) -> None:
        x = tg.parameter(0.5)
        y: Any = x
        for _ in range(10_000):
            y = y * 0.999 + 0.1
        graph = tg.Graph(y, names={"x": x})
        graph.backprop()
        statements = graph.statements()
        assert max(getattr(s.expression, "size", 0) for s in statements) <= LONGEST + 1
        assert len(statements) < 20_000 / LONGEST * 3
        output, gradients = graph.function()(0.5)
        assert output == y.value
        np.testing.assert_allclose(gradients["dx"], graph["dx"].value, rtol=1e-12)

    @pytest.mark.parametrize(("terms", "count"), [(40, 1), (100, 1), (101, 2)])
    def test_a_wide_sum_is_one_statement(self, terms: int, count: int) -> None:
        ws = [tg.parameter(float(i)) for i in range(terms)]
        total = ws[0]
        for w in ws[1:]:
            total = total + w
        graph = tg.Graph(total / 2, names={"ws": ws})
        graph.backprop()
        forward = [s for s in graph.statements() if s.phase == "forward"]
        assert len(forward) == count
        assert forward[0].right.count(" + ws_") == min(terms, 100) - (1 if terms <= 100 else 0)
        assert graph.function()(*range(terms))[0] == sum(range(terms)) / 2
        assert graph.latex().count("ws") >= terms

    def test_every_statement_stands_behind_what_it_reads(self) -> None:
        w = tg.parameter(np.arange(1.0, 4.0))
        a = np.exp(w)
        L = np.sum(np.sort(a * w) ** 2) / np.max(a)
        graph = tg.Graph(L, names={"w": w, "a": a, "L": L})
        graph.backprop()
        known = set(program_of(graph).leaves)
        for s in graph.statements():
            assert {x for x in s.inputs if x is not s.node} <= known
            known.add(s.node)

    def test_phases_places_and_values(self) -> None:
        w = tg.parameter(3.0)
        L = w * w
        graph = tg.Graph(L, names={"w": w, "L": L})
        graph.backprop()
        forward, seed, dw = graph.statements()
        assert [s.phase for s in (forward, seed, dw)] == ["forward", "backward", "backward"]
        assert (dw.of, dw.value, dw.shape, dw.inputs) == (w, 6.0, (), (w,))
        assert seed.place == forward.place

    def test_a_request_for_more_makes_a_new_program(self) -> None:
        w, v = tg.parameter(3.0), tg.parameter(2.0)
        graph = tg.Graph(w * v, names={"w": w, "v": v})
        graph.backprop(wrt="w")
        assert "dv" not in graph.source()
        graph.backprop()
        assert statements(graph)[-2:] == ["dw = v", "dv = w"]

    def test_another_level_is_refused(self) -> None:
        with pytest.raises(ValueError, match="level='ops'"):
            tg.Graph(tg.constant(1.0) * 2).statements(level="ops")  # type: ignore[arg-type]


class TestShapes:
    """A shape is read from a named value that has it in every run, not from one that happens to have it."""

    def test_a_count_is_that_of_a_value_of_equal_shape(self) -> None:
        x, other = tg.parameter(np.ones(4)), tg.constant(np.ones(4))
        graph = tg.Graph(np.mean(np.exp(x) * 2) + np.sum(other), names={"other": other, "x": x})
        graph.backprop()
        assert statements(graph)[-2:] == ["dt = np.full_like(t, 2 / len(t))", "dx = 2 * t / len(t)"]

    def test_a_value_that_is_nowhere_named_gets_a_name_for_its_shape(self) -> None:
        x, i = tg.parameter(np.arange(4.0)), tg.constant(np.array([0, 2, 2]))
        graph = tg.Graph(np.mean(x[i]), names={"x": x, "i": i})
        graph.backprop()
        assert statements(graph)[0] == "t = x[i]"
        assert graph.function()(np.arange(5.0), np.array([0, 1, 2, 4]))[1]["dx"].tolist() == [0.25, 0.25, 0.25, 0, 0.25]

    def test_shapes_that_only_the_backward_pass_has_come_to_an_end(self) -> None:
        x = tg.parameter(np.arange(1.0, 5.0))
        graph = tg.Graph(np.sum(np.cumprod(x)), names={"x": x})
        graph.backprop()
        statements = graph.statements()
        assert not any(isinstance(x, Like) for s in statements for x in atoms(s.expression))
        _, gradients = graph.function()(np.arange(1.0, 6.0))
        np.testing.assert_allclose(
            gradients["dx"], tg.gradients(np.sum(np.cumprod(y := tg.parameter(np.arange(1.0, 6.0)))), y)[0]
        )

    def test_of_a_graph_of_gradients(self) -> None:
        x = tg.parameter(np.arange(1.0, 4.0))
        L = np.mean(x**3)
        graph = tg.Graph(L, names={"x": x, "L": L})
        s = np.sum(graph.backprop()["x"])
        second = tg.Graph(s, names={"x": x, "s": s})
        second.backprop()
        np.testing.assert_allclose(second.function()(x=np.arange(1.0, 5.0))[1]["dx"], 6 * np.arange(1.0, 5.0) / 4, rtol=1e-14)

    @pytest.mark.parametrize("level", ["named", "op"])
    def test_the_seed_of_an_earlier_walk_back_is_a_literal(self, level: Any) -> None:
        x, v = tg.parameter([1.0, 2.0, 3.0]), tg.constant([1.0, 0.0, 2.0])
        gx = tg.Graph(np.sum(x**3), names={"x": x}).backprop()["x"]
        s = -gx @ v
        second = tg.Graph(s, names={"x": x, "v": v, "gx": gx, "s": s})
        second.backprop()
        _, gradients = executed(second.source(level))(x.value, v.value)
        np.testing.assert_allclose(gradients["dx"], -6 * x.value * v.value, rtol=1e-14)
        if level == "named":
            assert [line for line in statements(second) if line.startswith(("gx", "s "))] == ["gx = 3 * x ** 2", "s = -gx @ v"]


class TestNames:
    def test_two_graphs_name_shared_nodes_differently(self) -> None:
        x = tg.constant(2.0)
        y = np.exp(x)
        one, two = tg.Graph(y, names={"x": x, "y": y}), tg.Graph(y * 2, names={"u": x, "v": y})
        assert statements(one) == ["y = np.exp(x)"]
        assert statements(two) == ["v = np.exp(u)", "output = v * 2"]

    def test_a_rebound_name_numbers_its_nodes(self) -> None:
        h: Any = tg.constant(2.0)
        for _ in range(3):
            h = np.exp(h * 0.1)
        assert [s.name for s in tg.Graph(h, names=locals()).statements()] == ["h_1", "h_2", "h"]

    def test_aliases_find_the_node_by_its_first_name(self) -> None:
        x = tg.constant(2.0)
        graph = tg.Graph(x * 2, names={"x": x, "also": x})
        assert statements(graph) == ["output = x * 2"]
        assert graph["also"] is graph["x"]

    def test_nested_names_are_modules(self) -> None:
        x, W = tg.constant(np.ones(2)), tg.parameter(np.ones((2, 2)))
        z = W @ x
        L = np.sum(z)
        graph = tg.Graph(L, names={"L": L, "x": x, "layer1": {"W": W, "z": z}})
        graph.backprop()
        assert {s.name: s.module for s in graph.statements()} == {
            "z": ("layer1",), "L": (), "dL": (), "dz": ("layer1",), "dW": ("layer1",),
        }  # fmt: skip

    @pytest.mark.parametrize("level", ["named", "op"])
    def test_unnamed_values_belong_to_the_module_of_their_readers(self, level: Any) -> None:
        h: Any = tg.constant(np.ones((2, 2)))
        names: dict[str, Any] = {"x": h}
        for i in range(3):
            W = tg.parameter(np.eye(2))
            r = tg.relu(h @ W)
            h = h + r
            names[f"block{i}"] = {"W": W, "r": r, "h": h}
        graph = tg.Graph(np.sum(h), names=names)
        graph.backprop()
        shared = [s.module for s in graph.statements(level) if s.right.endswith("W") and "@" in s.right]
        assert shared == [("block0",), ("block1",), ("block2",)]

    def test_what_two_modules_share_belongs_to_neither(self) -> None:
        x = tg.parameter(2.0)
        e = np.exp(x)
        a, b = np.sin(e), np.cos(e)
        graph = tg.Graph(a * b, names={"x": x, "left": {"a": a}, "right": {"b": b}})
        assert {s.name: s.module for s in graph.statements()} == {"t": (), "a": ("left",), "b": ("right",), "output": ()}

    @pytest.mark.parametrize(
        ("name", "printed"), [("len", "len_"), ("np", "np_"), ("lambda", "lambda_"), ("exp", "exp_"), ("slice", "slice_")]
    )
    def test_names_that_source_needs_get_an_underscore(self, name: str, printed: str) -> None:
        assert statements(tg.Graph(tg.constant(2.0) * 2, names={name: tg.constant(1.0)})) == ["output = c_1 * 2"]
        x = tg.constant(2.0)
        assert statements(tg.Graph(x * 2, names={name: x})) == [f"output = {printed} * 2"]


def right(output: tg.Node, **nodes: Any) -> dict[str, str]:
    """The right-hand sides of a graph, by name."""
    graph = tg.Graph(output, names=nodes)
    graph.backprop()
    return {statement.name: statement.right for statement in graph.statements()}


class TestWhatTextbooksPrint:
    def test_counts_of_different_axes_are_distinguished(self) -> None:
        a, b, s = tg.constant(np.ones(4)), tg.constant(np.ones(3)), tg.parameter(2.0)
        v = b * s
        L = np.mean(a * np.mean(v)) + np.mean(v)
        assert right(L, a=a, b=b, s=s, v=v, L=L)["ds"] == "np.sum(dv * b)"

    def test_cross_entropy_by_hand(self) -> None:
        Y, P = tg.constant(np.eye(3)), tg.parameter(np.full((3, 3), 0.3))
        L = -np.mean(np.sum(Y * np.log(P), axis=1))
        assert right(L, Y=Y, P=P, L=L) == {
            "L": "-np.mean(np.sum(Y * np.log(P), axis=1))", "dL": "1", "dP": "-Y / P / len(Y)",
        }  # fmt: skip

    def test_root_mean_square_error(self) -> None:
        p, y = tg.parameter([0.5, 0.25]), tg.constant([1.0, 0.0])
        L = np.sqrt(np.mean((p - y) ** 2))
        assert right(L, p=p, y=y, L=L)["dp"] == "(p - y) / L / len(p)"

    def test_powers_by_products(self) -> None:
        x = tg.parameter(3.0)
        assert right(x * x * x, x=x)["dx"] == "3 * x * x"

    def test_powers_of_a_value_to_a_value(self) -> None:
        a, b = tg.parameter(2.0), tg.parameter(3.0)
        assert right(a**b, a=a, b=b)["da"] == "b * power_less_one(a, b)"
        assert right(a**b, a=a, b=b)["db"] == "output * log_of_base(a, b)"

    def test_inner_products_have_the_other_factor_as_gradient(self) -> None:
        w, v, A = tg.parameter(np.ones(3)), tg.parameter(np.ones(3)), tg.parameter(np.eye(2))
        L = np.einsum("i,i->", w, v) + np.tensordot(A, A) + np.einsum("ij->", A)
        rights = right(L, w=w, v=v, A=A, L=L)
        assert (rights["dw"], rights["dv"], rights["dA"]) == ("v", "w", "2 * A + 1")

    def test_traces_are_of_floats(self) -> None:
        A = tg.parameter(np.eye(2))
        assert right(np.trace(A), A=A)["dA"] == "on_diagonal_like(np.ones_like(t), A)"

    def test_standard_deviation(self) -> None:
        W = tg.parameter(np.arange(6.0).reshape(2, 3))
        L = np.std(W)
        assert right(L, W=W, L=L)["dW"] == "direction(deviations(W)) / np.sqrt(W.size)"

    @pytest.mark.parametrize("outer", [lambda x: x, np.mean])
    def test_a_number_summed_along_its_axis(self, outer: Any) -> None:
        s = tg.parameter(3.0)
        L = outer(np.sum(s * s, axis=0))
        assert right(L, s=s, L=L)["ds"] == "2 * s"


@pytest.mark.parametrize("level", ["named", "op"])
def test_float32_programs_give_float32(level: Any) -> None:
    w = tg.parameter(np.ones(3, np.float32))
    A = np.mean(w)
    L = A + 1
    graph = tg.Graph(L, names={"w": w, "A": A, "L": L})
    graph.backprop()
    _, gradients = executed(graph.source(level))(w.value)
    assert {name: g.dtype.name for name, g in gradients.items()} == dict.fromkeys(gradients, "float32")


def test_a_graph_that_was_printed_can_be_freed() -> None:
    w = tg.parameter(1.0)
    graph = tg.Graph(w * 2, names={"w": w})
    repr(graph)
    held = weakref.ref(graph)
    del graph
    gc.collect()
    assert held() is None


@pytest.mark.parametrize(("reduce", "deta"), [(np.sum, "dlam * lam - y"), (np.mean, "dlam * lam - y / len(lam)")])
def test_a_gradient_is_not_written_with_that_of_a_value_it_does_not_go_through(reduce: Any, deta: str) -> None:
    eta, y = tg.parameter(np.array([0.1, 0.2])), tg.constant(np.array([1.0, 2.0]))
    lam = np.exp(eta)
    L = reduce(lam - y * eta)
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    assert {s.name: s.right for s in graph.statements()}["deta"] == deta


def test_what_an_earlier_gradient_is_made_of_is_simplified_too() -> None:
    x = tg.parameter([1.0, 2.0])
    gx = tg.Graph(np.sum(x**2 * np.sin(x)), names={"x": x}).backprop()["x"]
    [statement, _] = tg.Graph(np.sum(gx), names={"x": x, "gx": gx}).statements()
    assert statement.right == "2 * np.sin(x) * x + x ** 2 * np.cos(x)"


@pytest.mark.parametrize(
    ("compute", "right"),
    [
        (lambda n: np.sum(np.mean(n.A, axis=0)), "np.full_like(A, 1 / len(A))"),
        (lambda n: np.sum(np.exp(-((n.x[:, None] - n.x) ** 2))), "np.sum(dt, axis=1) - np.sum(dt, axis=0)"),
        (lambda n: np.linalg.norm(n.x), "direction(x)"),
        (lambda n: n.x[0] * 2, "scatter_like(2.0, x, template=(0,))"),
    ],
)
def test_gradients_of_everyday_functions(compute: Any, right: str) -> None:
    names = SimpleNamespace(A=tg.parameter(np.eye(3)[:2]), x=tg.parameter(np.array([1.0, 2.0, 3.0])))
    graph = tg.Graph(compute(names), names=vars(names))
    graph.backprop()
    assert graph.statements()[-1].right == right


@pytest.mark.parametrize(
    ("times", "right", "literal"),
    [
        (lambda r: r, "1", "1.0"),
        (lambda r: 2.0 * r, "2", "2.0"),
        (lambda r: -3 * r, "-3", "-3.0"),
        (lambda r: 0.5 * r, "0.5", "0.5"),
        (lambda r: 1e300 * r, "1e+300", "1e+300"),
        (lambda r: -0.0 * r, "-0.0", "-0.0"),
        (lambda r: np.inf * r, "np.inf", "np.inf"),
        (lambda r: np.nan * r, "np.nan", "np.nan"),
    ],
)
def test_a_gradient_that_is_a_number_is_written_as_the_seed_is_and_in_source_as_a_float(
    times: Callable[[Any], Any], right: str, literal: str
) -> None:
    r, s = tg.parameter(2.0), tg.parameter(3.0)
    out = times(r) + s
    graph = tg.Graph(out, names={"r": r, "s": s, "out": out})
    graph.backprop()
    rights = {s.name: s.right for s in program_of(graph).backward}
    assert rights == {"dout": "1", "dr": right, "ds": "1"}
    rows = [" ".join(line.split()) for line in str(graph).splitlines()]
    assert any(row.startswith(f"dr = {right} ") for row in rows)
    steps = graph.stepper().steps
    assert {step.name: step.equation for step in steps if step.phase == "backward"} == rights
    assert f"\n    dr = {literal}\n" in graph.source()
    gradient = graph.function()(r=2.0, s=3.0)[1]["dr"]
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, times(1.0))


@pytest.mark.parametrize(
    ("v", "dt", "dx"),
    [
        (lambda t: 2 + t, "dv", "dv * (1 - t ** 2)"),
        (lambda t: 2 - t, "-dv", "-dv * (1 - t ** 2)"),
        (lambda t: 3 * t, "3 * dv", "dt * (1 - t ** 2)"),
    ],
)
def test_a_gradient_of_a_value_without_a_name_that_has_one_elsewhere_is_read_by_that(
    v: Callable[[Any], Any], dt: str, dx: str
) -> None:
    x = tg.parameter([0.5, -0.3, 0.2])
    t = np.tanh(x)
    values = {"x": x, "v": v(t), "m": t > 0}
    graph = tg.Graph(np.sum(values["v"] ** 2 * values["m"]), names=values)
    graph.backprop()
    right = {s.name: s.right for s in graph.statements()}
    assert right["dt"] == dt
    assert right["dx"] == dx
    assert ("dt = " in graph.source()) == ("dt" in dx)


def test_what_a_second_backward_pass_computes_again_is_read_by_its_name() -> None:
    x = tg.parameter(0.7)
    graph = tg.Graph(np.sin(np.sin(x)), names={"x": x})
    graph.backprop()
    graph.backprop(of="dx")
    lines = {s.name: s for s in graph.statements()}
    assert lines["u"].right == "np.cos(x)"
    assert lines["ddx_dx"].right == "ddx_dt * u - dt * np.sin(x)"
    assert lines["dt"].right == "np.cos(t)"  # not the name of a gradient that has this value
    assert lines["ddx_dt"].right == "-ddx_ddt * np.sin(t)"
