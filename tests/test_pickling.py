"""Pickle and deepcopy: any depth, shared nodes stay shared, ops go by name."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import perceptron
from tinygraph.draw.picture import Picture
from tinygraph.pickling import record_of

DUPLICATES = pytest.mark.parametrize(
    "duplicate", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy], ids=["pickle", "copy"]
)


@DUPLICATES
def test_a_deep_chain_and_its_parameter_stay_connected(duplicate: Any) -> None:
    w = h = tg.parameter(2.0)
    for _ in range(20_000):
        h = h * 1.0
    w_twin, h_twin = duplicate((w, h))
    assert tg.gradients(h_twin, w_twin) == (1,)


@DUPLICATES
def test_everything_about_a_node_is_kept(duplicate: Any) -> None:
    x = tg.parameter(np.arange(6.0).reshape(2, 3))
    node = np.sum(x[np.array([0, 1, 1]), ::-1], axis=0)
    twin = duplicate(node)
    np.testing.assert_array_equal(twin.value, node.value)
    assert (twin.op, twin.params, twin.place) == (node.op, node.params, node.place)
    assert twin.inputs[0].params == node.inputs[0].params
    assert twin.inputs[0].inputs[0].kind == "parameter"


@DUPLICATES
def test_gradients_and_lists_of_nodes_keep_what_they_share(duplicate: Any) -> None:
    h = tg.parameter(0.5)
    for _ in range(3000):
        h = h * 1.0
    graph = tg.Graph(h, names=locals())
    nodes = duplicate(list(graph.nodes))
    assert nodes[-1].inputs[0] is nodes[-2]
    grads = duplicate(graph.backprop())
    assert grads["h"].value == grads["dh_1"].value == 1


def test_a_pickle_holds_all_its_nodes_whatever_another_thread_writes_meanwhile() -> None:
    h = tg.parameter(2.0)
    for _ in range(20_000):
        h = h * 1.0
    written = record_of(h.inputs[0])
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: pickle.loads(pickle.dumps(h))).result().value == written.node.value


def test_an_op_that_is_not_declared_is_named() -> None:
    @tg.op(lambda g, out, x: g)
    def passing(x: Any) -> Any:
        return x

    data = pickle.dumps(passing(tg.parameter(1.0)))
    del tg.ops.REGISTRY["passing"]
    with pytest.raises(LookupError, match="no op is called 'passing': import the module"):
        pickle.loads(data)


def stepped(until: str) -> Any:
    s = perceptron().stepper()
    s.run(until)
    s.example = 1
    return s


def failed(call: Any) -> Exception:
    with pytest.raises((ValueError, FloatingPointError)) as caught:
        call()
    return caught.value


def of_a_cell() -> dict[str, Any]:
    """Whatever a cell of a notebook can hold of tinygraph but functions, by name."""
    graph = perceptron()
    w = tg.parameter([0.0, 1.0])
    with np.errstate(divide="ignore"):
        infinite = np.log(w)
    return {
        "graph": graph, "gradients": graph.backprop(), "requests": graph._requests(), "place": w.place, "op": tg.softmax,
        "statements": graph.statements(), "statements of ops": graph.statements(level="op"), "latex": graph.latex(),
        "picture": graph.draw(), "folded picture": graph.draw(fold=True), "lens of a picture": graph.draw(lens="norm"),
        "view": graph.view(), "stepper": stepped("dW1"), "step": stepped("dW1").current, "example": stepped("dW1").lens,
        "contributions": stepped("dA1").current.contributions, "breakpoints": stepped("L").breakpoints,
        "quiz": graph.quiz(seed=1), "answer": graph.quiz().answer(1e6), "score": graph.quiz().score,
        "nonfinite": tg.find_nonfinite(tg.Graph(infinite, names={"w": w})),
        "nonfinite error": failed(lambda: tg.Graph(infinite, names={"w": w}, check_finite=True)),
        "op error": failed(lambda: w + np.ones(3)),
    }  # fmt: skip


HELD = of_a_cell()


@DUPLICATES
@pytest.mark.parametrize("name", HELD)
def test_what_a_cell_holds_looks_the_same_afterwards(duplicate: Any, name: str) -> None:
    assert repr(duplicate(HELD[name])) == repr(HELD[name])


@DUPLICATES
def test_a_picture_folds_and_a_quiz_goes_on_afterwards(duplicate: Any) -> None:
    picture, view, quiz = duplicate((perceptron().draw(), perceptron().view(), perceptron().quiz()))
    assert isinstance(picture, Picture)
    assert picture.refold is not None
    assert picture.refold(True).dot == perceptron().draw(fold=True).dot
    assert view.picture.dot == perceptron().view().picture.dot
    assert quiz.answer(quiz.known["Y"]).counted
    s = duplicate(stepped("dW1"))
    s.set(b1=np.zeros(s.graph["b1"].shape))
    assert s.current.name == "dW1"
    assert s.lens is not None


@DUPLICATES
def test_an_error_keeps_its_graph_and_its_notes(duplicate: Any) -> None:
    w = tg.parameter([0.0, 1.0])
    with np.errstate(divide="ignore"):
        error = failed(lambda: tg.Graph(np.log(w), names={"w": w}, check_finite=True))
    error.add_note("in the second cell")
    twin = duplicate(error)
    assert (str(twin), twin.graph["w"].value[1], twin.__notes__) == (str(error), 1, ["in the second cell"])
    assert duplicate(failed(lambda: w + np.ones(3))).graph is not None
