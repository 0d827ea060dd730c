"""A graph: an ordered, named view; gradients under names; nothing shared between two views but the nodes."""

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np
import pytest

import tinygraph as tg


def neuron() -> dict[str, Any]:
    """The neuron of the texts."""
    x1, x2, y = tg.constant(2.0), tg.constant(-1.0), tg.constant(1.0)
    w1, w2, b = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2)
    z = w1 * x1 + w2 * x2 + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return locals()


class TestBackprop:
    def test_gives_the_numbers_of_the_texts(self) -> None:
        names = neuron()
        grads = tg.Graph(names["L"], names=names).backprop()
        z, x1, x2 = 0.3, 2.0, -1.0
        a = 1 / (1 + np.exp(-z))
        expected = {"dL": 1, "da": -1 / a, "dz": a - 1, "dw1": (a - 1) * x1, "dw2": (a - 1) * x2, "db": a - 1}
        assert {name: grads[name].value for name in expected} == pytest.approx(expected)

    def test_order_is_that_of_the_backward_pass_and_of_the_inputs(self) -> None:
        names = neuron()
        assert list(tg.Graph(names["L"], names=names).backprop()) == ["L", "a", "z", "w1", "w2", "b"]

    def test_a_gradient_is_found_by_node_name_and_own_name(self) -> None:
        names = neuron()
        grads = tg.Graph(names["L"], names=names).backprop()
        assert grads[names["w1"]] is grads["w1"] is grads["dw1"]
        assert "dw1" in grads
        assert "y" not in grads
        assert len(grads) == 6

    def test_every_named_value_has_a_gradient_node_of_its_own(self) -> None:
        names = neuron()
        grads = tg.Graph(names["L"], names=names).backprop()
        assert grads["db"] is not grads["dz"]
        assert grads["db"].op is tg.ops.alias

    def test_the_same_request_gives_the_same_nodes_and_a_larger_one_keeps_them(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        first = graph.backprop(wrt="w1")
        assert list(first) == ["w1"]
        count = len(graph)
        assert graph.backprop(wrt=[names["w1"]])["w1"] is first["w1"]
        assert len(graph) == count
        everything = graph.backprop()
        assert everything["w1"] is first["w1"]
        assert graph.name(everything["w2"]) == "dw2"

    def test_another_output_names_both(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        graph.backprop()
        assert graph.backprop(of="z", wrt="w1")["dz_dw1"].value == 2
        assert graph["dz_dw1"].value == 2

    def test_gradients_are_graphs_again(self) -> None:
        x = tg.parameter(2.0)
        y = x**3
        graph = tg.Graph(y, names=locals())
        graph.backprop()
        assert graph.backprop(of="dx", wrt="x")["x"].value == 12
        assert graph.backprop(of="ddx_dx", wrt="x")["x"].value == 6

    def test_a_seed_for_an_array_output(self) -> None:
        w = tg.parameter([1.0, 2.0])
        z = w * w
        graph = tg.Graph(z, names=locals())
        assert graph.backprop(seed=[1, 10])["w"].tolist() == [2, 40]
        assert graph.backprop(seed=np.array([1.0, 10.0]))["w"] is graph["dw"]
        assert graph.backprop(seed=[1, 0])["w"].tolist() == [2, 0]

    def test_the_latest_is_shown_and_a_refused_one_leaves_nothing_behind(self) -> None:
        w, other = tg.parameter(2.0), tg.parameter(1.0)
        u = w * 3
        graph = tg.Graph(u * u, other, names={"w": w, "u": u, "other": other})
        assert graph._latest_request is None
        with pytest.raises(ValueError, match="does not depend"):
            graph.backprop(wrt="other")
        assert graph._latest_request is None
        assert graph._requests() == []
        graph.backprop(of="u")
        graph.backprop()
        graph.backprop(of="u")
        for same in (graph, pickle.loads(pickle.dumps(graph)), graph.with_leaves({w: 3.0})):
            assert same._latest_request is not None
            assert same._latest_request.output is same["u"]
            assert [request.output is same["u"] for request in same._requests()] == [True, False]

    def test_each_request_answers_to_d_and_a_name(self) -> None:
        w = tg.parameter([1.0, 2.0])
        graph = tg.Graph(w * w, names=locals())
        first, second = graph.backprop(seed=[1, 1]), graph.backprop(seed=[1, 2])
        assert first["dw"] is first["w"] is not second["w"]
        assert second["dw"] is second["dw_2"] is second["w"]

    def test_unnamed_nodes_are_listed_by_the_names_of_their_gradients(self) -> None:
        a, b = tg.parameter(1.0), tg.parameter(2.0)
        left, right = a + 1, b + 1
        grads = tg.Graph(left * right).backprop(wrt=[left, right])
        assert len(dict(grads)) == 2
        assert (grads[left].item(), grads[right].item()) == (3, 2)

    def test_a_seed_takes_the_dtype_of_the_output(self) -> None:
        p = tg.parameter(np.ones(2, np.float32))
        y = p * 2
        graph = tg.Graph(y, names=locals())
        assert graph.backprop(seed=tg.constant([1, 1]))["y"].dtype == np.float32
        with pytest.raises(TypeError, match="a seed must be real numbers"):
            graph.backprop(seed=[1j, 1])

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda g: g[g["z"]], TypeError, r"takes a name, not Node"),
            (lambda g: g.backprop(wrt=[3]), TypeError, "takes nodes and names, not int"),
            (lambda g: tg.Graph(g["L"], names=[g["z"]]), TypeError, "must map names to nodes"),
            (lambda g: g.backprop(wrt="q"), KeyError, "no node is called 'q'"),
            (lambda g: g.backprop(wrt=tg.parameter(1.0)), ValueError, "not a node of this graph"),
            (lambda g: g.backprop(wrt="y", of="z"), ValueError, "does not depend on <constant: 1>"),
            (lambda g: g.backprop(seed=[1, 2]), ValueError, r"seed has shape \(2,\)"),
            (lambda g: g.backprop()["q"], KeyError, r"no gradient for 'q': there are L \(dL\), a \(da\), z \(dz\), w1 \(dw1\)"),
            (lambda g: g["dw1"], KeyError, "'dw1' is not computed: call graph.backprop"),
            (lambda g: g["w3"], KeyError, "did you mean w"),
            (lambda g: tg.Graph(3.0), TypeError, "from nodes, not float"),
            (lambda g: tg.Graph(), TypeError, "needs an output"),
            (lambda g: tg.Graph(tg.constant(1.0) * 2).backprop(), ValueError, "no tg.parameter"),
        ],
    )
    def test_bad_requests(self, call: Any, error: type[Exception], message: str) -> None:
        names = neuron()
        with pytest.raises(error, match=message):
            call(tg.Graph(names["L"], names=names))


class TestNames:
    def test_the_users_names_win_over_gradient_names(self) -> None:
        x = tg.parameter(3.0)
        dx = x * 2
        graph = tg.Graph(dx * dx, names=locals())
        assert graph["dx"] is dx
        assert graph.name(graph.backprop()["x"]) == "dx_2"

    def test_arrays_are_found_by_identity(self) -> None:
        X, w = np.ones((2, 3)), tg.parameter(np.ones(3))
        graph = tg.Graph(np.sum(X @ w), names=locals())
        assert graph["X"].value.shape == (2, 3)
        assert graph.name(graph.outputs[0]) == "output"

    def test_leaves_that_the_code_has_no_name_for_are_numbered(self) -> None:
        graph = tg.Graph(tg.parameter(1.0) * tg.parameter(2.0) * tg.constant(3.0))
        assert [graph.name(node) for node in graph.nodes] == ["p_1", "p_2", None, "c_1", "output"]

    def test_containers_are_entered(self) -> None:
        params: dict[str, Any] = {"W1": tg.parameter(1.0), "layers": [tg.parameter(2.0), (tg.parameter(3.0),)]}
        params["params"] = params
        L = params["W1"] * params["layers"][0] * params["layers"][1][0]
        graph = tg.Graph(L, names=locals())
        assert [graph.name(node) for node in graph.nodes[:3]] == ["W1", "params_layers_0", "params_layers_1_0"]

    def test_a_key_that_is_taken_gets_the_containers_name(self) -> None:
        w = tg.parameter(1.0)
        old = {"w": tg.parameter(2.0)}
        graph = tg.Graph(w * old["w"], names=locals())
        assert graph["old_w"] is old["w"]

    def test_a_second_name_is_an_alias(self) -> None:
        w = weight = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names=locals())
        assert graph.name(w) == "w"
        assert graph["weight"] is w is weight

    def test_a_node_has_its_own_name_before_that_of_its_array(self) -> None:
        array = np.ones(3)
        W = tg.parameter(array, copy=False)
        graph = tg.Graph(np.sum(W * W), names={"array": array, "W": W})
        assert graph.name(W) == "W"

    def test_leaves_beside_a_name_or_made_by_a_helper_are_called_as_they_are_read(self) -> None:
        def init() -> tg.Node:
            return tg.parameter(1.0)

        X, Y, others, w = np.ones(3), np.ones(3), [init(), init()], init()
        mask = X > 0
        L = np.sum(np.where(mask, Y, others[0] * others[1] * w))
        graph = tg.Graph(L, names={"X": X, "Y": Y, "w": w})
        leaves = [graph.name(node) or "" for node in graph.nodes if node.op is None]
        assert sorted(leaves) == ["Y", "mask", "others_0", "others_1", "w"]

    def test_underscores_and_ipythons_history_are_skipped(self) -> None:
        w = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names={"_": w, "_5": w, "Out": {3: w}, "In": ["w"], "w": w})
        assert graph.name(w) == "w"

    def test_a_name_rebound_in_a_loop_is_numbered(self) -> None:
        h = x = tg.parameter(0.5)
        for _ in range(3):
            h = np.tanh(h * 2)
        graph = tg.Graph(h, names=locals())
        assert [graph.name(node) for node in graph.nodes] == ["x", None, "h_1", None, "h_2", None, "h"]
        assert graph["x"] is x

    def test_what_a_loop_built_up_is_numbered_where_its_name_is_rebound_behind_it(self) -> None:
        w, J = tg.parameter(0.5), 0.0
        for x in (1.0, 2.0, 3.0):
            J += (w * x) ** 2
        J = J / 3
        graph = tg.Graph(J, names=locals())
        assert [name for name in graph.names if name.startswith("J")] == ["J", "J_1", "J_2", "J_3"]
        assert graph["J_3"].item() == 3.5

    def test_parts_of_a_gradient_are_not_earlier_values_of_it(self) -> None:
        def penalty(x: tg.Node, w: tg.Node) -> dict[str, Any]:
            y = np.sum(np.tanh(x * w))
            G = tg.Graph(y, names=locals()).backprop(wrt=[x])["x"]
            P = np.sum(G**2)
            return locals()

        names = penalty(tg.parameter([1.0, 2.0]), tg.parameter([3.0, 4.0]))
        assert {"G", "P"} < set(tg.Graph(names["P"], names=names).names) <= {"x", "w", "G", "P", "c_1"}

    def test_several_nodes_of_one_line_that_no_loop_repeats_are_not_numbered(self) -> None:
        x = tg.parameter(np.ones((2, 3)))
        L = np.prod(x)
        G = tg.Graph(L, names=locals()).backprop()["x"]
        s = np.sum(G * G)
        assert set(tg.Graph(s, names=locals()).names) <= {"x", "L", "G", "s", "c_1"}

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("lambda", "lambda_"),
            ("np", "np_"),
            ("exp", "exp_"),
            ("a b", "a_b"),
            ("1x", "_1x"),
            ("<script>", "_script_"),
            ("α", "α"),
        ],
    )
    def test_names_are_identifiers_and_the_given_spelling_finds_them(self, given: str, name: str) -> None:
        w = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names={given: w})
        assert graph.name(w) == name
        assert graph[given] is graph[name] is w

    def test_other_values_and_unrelated_nodes_are_ignored(self) -> None:
        w = tg.parameter(1.0)
        graph = tg.Graph(w * 2, names={"w": w, "other": tg.parameter(2.0), "text": "w", "number": 3, "nothing": None})
        assert "other" not in graph

    def test_two_graphs_may_name_the_same_nodes_differently(self) -> None:
        w = tg.parameter(1.0)
        L = w * 2
        first, second = tg.Graph(L, names={"u": w}), tg.Graph(L, names={"v": w})
        first.backprop()
        assert (first.name(w), second.name(w)) == ("u", "v")
        assert "du" not in second


class TestSecondDerivatives:
    """A request about a gradient survives in graphs with other leaves or more names, and so do the names."""

    def test_names_are_those_of_the_graph(self) -> None:
        x = tg.parameter(0.7)
        y = np.sin(x) * x
        graph = tg.Graph(y, names={"x": x, "y": y})
        graph.backprop(of=graph.backprop()["x"])
        assert set(graph.names) == {"x", "y", "dx", "dy", "ddx_dx", "ddx_ddx"}
        twin = graph._with_named(graph.forward)
        assert {"ddx_dt", "ddx_ddt", "ddx_dx"} <= set(twin.names)
        assert twin["ddx_dx"].item() == pytest.approx(2 * np.cos(0.7) - 0.7 * np.sin(0.7), rel=1e-15)

    def test_other_leaves(self) -> None:
        x = tg.parameter(2.0)
        y = x**3
        graph = tg.Graph(y, names={"x": x, "y": y})
        second = graph.backprop(of=graph.backprop()["x"])["x"]
        graph.backprop(of=second)
        twin = graph.with_leaves({x: 5.0})
        assert [twin[name].item() for name in ("dx", "ddx_dx", "dddx_dx_dx")] == [75, 30, 6]


class TestListing:
    def test_shows_forward_and_backward(self) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        assert "not computed: call graph.backprop()" in repr(graph)
        graph.backprop()
        text = repr(graph)
        assert "not computed" not in text
        assert any(row.split() == ["db", "=", "dz", "-0.426"] for row in text.splitlines())

    def test_folds_a_long_graph(self) -> None:
        h = tg.parameter(1.0)
        for _ in range(1000):
            h = h * 1.5 / 1.5
        assert len(repr(tg.Graph(h)).splitlines()) < 60
        assert "more" in repr(tg.Graph(h))


@pytest.mark.parametrize(
    ("duplicate", "is_shared"),
    [(lambda g: pickle.loads(pickle.dumps(g)), False), (copy.deepcopy, True)],  # a node never changes
    ids=["pickle", "deepcopy"],
)
def test_a_copied_graph_keeps_names_order_and_gradients(duplicate: Any, is_shared: bool) -> None:
    names = neuron()
    graph = tg.Graph(names["L"], names=names)
    grads = graph.backprop()
    twin = duplicate(graph)
    assert (twin["z"] is graph["z"]) is is_shared
    assert [twin.name(node) for node in twin.nodes] == [graph.name(node) for node in graph.nodes]
    assert twin.backprop()["w1"] is twin["dw1"]
    assert twin["dw1"].value == grads["dw1"].value
    assert twin["z"].place == graph["z"].place
    assert (min(node.number for node in twin.nodes) > max(node.number for node in graph.nodes)) is not is_shared


def test_of_two_scopes_that_hold_a_value_the_first_wins() -> None:
    w = tg.parameter(2.0)
    z = w * 3
    graph = tg.Graph(z * 2, names={"w": w, "first": {"z": z}, "second": {"z": z, "again": {"y": z}}})
    assert graph._names.scopes[z] == ("first",)


class TestThreads:
    """Several threads that ask one graph get the same answers."""

    THREADS = 8

    @pytest.fixture
    def interleaved(self) -> Iterator[None]:
        """Threads that take turns after every few instructions."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(interval)

    def asked_at_once(self, ask: Callable[[], Any]) -> list[Any]:
        """What each of the threads gets that ask at the same time."""
        start = Barrier(self.THREADS)

        def wait_and_ask(_: int) -> Any:
            start.wait()
            return ask()

        with ThreadPoolExecutor(self.THREADS) as pool:
            return list(pool.map(wait_and_ask, range(self.THREADS)))

    def test_one_sweep_is_recorded_at_a_time(self) -> None:
        meeting = Barrier(2)

        def met(g: Any, out: Any, x: Any) -> Any:
            with suppress(BrokenBarrierError):
                meeting.wait(0.2)  # for another thread in the same rule, which there is none where a sweep has the graph alone
            return g * 2

        @tg.op(met)
        def twice(x: Any) -> Any:
            return x * 2

        w = tg.parameter(3.0)
        graph = tg.Graph(twice(w) ** 2, names={"w": w})
        found = self.asked_at_once(lambda: graph.backprop()["w"])
        assert all(g is graph["dw"] for g in found)
        assert meeting.broken
        assert [name for name in graph.names if "dw" in name] == ["dw"]

    @pytest.mark.usefixtures("interleaved")
    def test_the_same_request_gives_the_same_nodes_whatever_else_is_asked(self) -> None:
        for _ in range(10):
            w, v = tg.parameter(0.5), tg.parameter(0.3)
            h = [w]
            for _ in range(20):
                h.append(np.tanh(h[-1] * w + v))
            graph = tg.Graph(h[-1], h[5] * 2, names={"w": w, "v": v, "h": h})

            def ask(graph: tg.Graph = graph) -> Any:
                grads = [graph.backprop()["w"], graph.backprop(wrt="w")["w"], graph.backprop(of=graph.outputs[1])["w"]]
                graph.with_leaves({graph["w"]: 0.1})
                pickle.loads(pickle.dumps(graph))
                return grads, graph.statements()[0].program, graph.names, str(graph), len(graph)

            (grads, program, *looks), *others = self.asked_at_once(ask)
            for their_grads, their_program, *their_looks in others:
                assert all(mine is theirs for mine, theirs in zip(grads, their_grads, strict=True))
                assert their_program is program
                assert their_looks == looks

    @pytest.mark.parametrize("duplicate", [lambda g: pickle.loads(pickle.dumps(g)), copy.deepcopy, lambda g: g._with_named([])])
    def test_a_copy_has_a_lock_of_its_own(self, duplicate: Any) -> None:
        names = neuron()
        graph = tg.Graph(names["L"], names=names)
        with graph._lock, ThreadPoolExecutor(1) as pool:
            assert pool.submit(duplicate(graph).backprop).result(timeout=60)["w1"].value < 0
