"""Pickle and deepcopy: any depth, shared nodes stay shared, ops go by name."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

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


def test_an_op_that_is_not_declared_is_named() -> None:
    @tg.op(lambda g, out, x: g)
    def passing(x: Any) -> Any:
        return x

    data = pickle.dumps(passing(tg.parameter(1.0)))
    del tg.ops.REGISTRY["passing"]
    with pytest.raises(LookupError, match="no op is called 'passing': import the module"):
        pickle.loads(data)
