"""What a program reads of plain data beside the record: followed in a replay, or refused, and never the old number."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygraph as tg

A = np.array
Program = Callable[[Any, Any], Any]  # of a parameter and an array, which computes a loss


class Batch(NamedTuple):
    y: Any


def with_flags(w: Any, y: Any) -> Any:
    return np.sum(w * y) + w[0] * (y[0] > 0) + w[1] * (y[1] > 0)


def at_integers_of_numpy(w: Any, y: Any) -> Any:
    loss = np.sum(w * y)
    for i in np.arange(2):
        loss = loss + (w[0] - y[i]) ** 2
    return loss


def of_a_named_tuple(w: Any, y: Any) -> Any:
    batch = Batch(y)
    return np.sum(w * y) + np.sum(w * (1 - batch.y))


def at_an_index_that_is_computed(w: Any, y: Any) -> Any:
    return np.sum(w * y) + w[np.argmax(y)]


def in_a_slice_that_is_computed(w: Any, y: Any) -> Any:
    return np.sum(w * y) + np.sum(w[: np.argmax(y) + 1])


def moved_by_what_is_computed(w: Any, y: Any) -> Any:
    return np.sum(np.roll(w, np.argmax(y)) * y)


def in_a_branch_by_an_entry(w: Any, y: Any) -> Any:
    loss = np.sum(w * y)
    return loss * 2 if w[0] * y[0] > 0 else loss


def beside_the_identity(w: Any, y: Any) -> Any:
    return np.sum(w @ (np.outer(y, y) + 0.1 * np.eye(2)))


def through_a_function_of_the_users(w: Any, y: Any) -> Any:
    return np.sum(w * squares(y))


def through_a_fancy_index(w: Any, y: Any) -> Any:
    return np.sum(w * (1 - y[[1, 0]]))


def squares(y: Any) -> Any:
    return y * y


FOLLOWED = [beside_the_identity, with_flags, at_integers_of_numpy, of_a_named_tuple]
DECIDED = [at_an_index_that_is_computed, in_a_slice_that_is_computed, moved_by_what_is_computed, in_a_branch_by_an_entry]
W, Y, OTHER = A([1.0, 2.0]), A([2.0, 1.0]), A([-1.0, 3.0])


@pytest.fixture(autouse=True)
def _a_flag_of_another_graph() -> Iterator[None]:
    """NumPy has one True, which another graph must not share with these."""
    kept = tg.Graph(tg.parameter(1.0) * np.bool_(True))
    yield
    assert kept.outputs


def recorded(program: Program) -> tg.Graph:
    w, y = tg.parameter(W), Y.copy()
    return tg.Graph(program(w, y), names={"w": w, "y": y})


@pytest.mark.parametrize("program", FOLLOWED)
def test_follows_the_array(program: Program) -> None:
    graph = recorded(program)
    again = graph.with_leaves({"y": OTHER})
    assert again.outputs[0].value == program(W, OTHER)
    assert again.with_leaves({"y": Y}).outputs[0].value == program(W, Y)


@pytest.mark.parametrize("program", DECIDED)
def test_raises_where_python_would_read_otherwise(program: Program) -> None:
    graph = recorded(program)
    for start in (graph, graph.with_leaves({"w": W * 2})):
        with pytest.raises(tg.DecisionError):
            start.with_leaves({"y": OTHER})
    with pytest.raises(ValueError, match=r"argmax|was .* recorded|must have the value"):
        graph.function()(w=W, y=OTHER)
    assert graph.with_leaves({"w": W * 2}).outputs[0].value == program(W * 2, Y)


@pytest.mark.parametrize("program", [through_a_function_of_the_users, through_a_fancy_index])
def test_raises_where_an_array_was_computed_in_a_way_that_is_not_followed(program: Program) -> None:
    graph = recorded(lambda w, y: program(w, y) + np.sum(w * y))
    with pytest.raises(ValueError, match=r"was computed of y by code that the graph cannot follow"):
        graph.with_leaves({"y": OTHER})


def test_an_array_that_is_not_followed_takes_a_value_beside_its_source() -> None:
    w, y = tg.parameter(W), Y.copy()
    graph = tg.Graph(np.sum(w * y) + np.sum(w * squares(y)), names={"w": w, "y": y})
    with pytest.raises(
        ValueError, match=r"c_1 was computed of y .*\n.*\n  fix: give c_1 a value too, or .* y = tg\.constant\(y\)"
    ):
        graph.with_leaves({"y": OTHER})
    assert graph.with_leaves({"y": OTHER, "c_1": squares(OTHER)}).outputs[0].value == W @ OTHER + W @ squares(OTHER)
    assert graph.with_leaves({"w": W * 2}).with_leaves({"w": W}).outputs[0].value == W @ Y + W @ squares(Y)


def test_a_flag_of_numpy_is_a_number() -> None:
    w, flag = tg.parameter(2.0), np.bool_(True)
    graph = tg.Graph(w * flag + w * flag, names={"w": w, "flag": flag})
    assert [graph.name(node) for node in graph.forward if node.op is None] == ["w"]


def test_a_node_as_metadata_is_a_decision() -> None:
    w = tg.parameter([3.0, 1.0])
    graph = tg.Graph(np.sum(w.reshape(np.argmax(w) + 1, 2)), names={"w": w})
    assert graph.function()(A([3.0, 1.0])) == 4
    with pytest.raises(tg.DecisionError):
        graph.with_leaves({"w": [1.0, 3.0]})


def test_the_builtins_that_go_through_an_expression_print_source_that_runs() -> None:
    w = tg.parameter([3.0, 1.0])
    loss = np.sum(w) if any(w > 2.5) else w[0]
    assert tg.Graph(loss, names={"w": w}).function()(A([3.0, 1.0])) == 4


def test_an_array_that_is_filled_again_has_decisions_of_its_own() -> None:
    buffer, w = np.zeros(1), tg.parameter(5.0)
    loss = w * 0
    for content in (0.5, 3.0):
        buffer[:] = content
        loss = loss + w if np.sum(w - buffer) > 0 else loss - w
    with pytest.raises(tg.DecisionError):
        tg.Graph(loss, names={"w": w}).with_leaves({"w": 1.0})


@pytest.mark.parametrize(
    ("recorded", "other"), [(A([1, 0, 1]), [0.5, 0.5, 0.5]), (np.uint8(3), 300), (A([True, False, True]), 2)]
)
def test_a_value_that_the_dtype_does_not_hold_is_refused(recorded: Any, other: Any) -> None:
    w = tg.parameter([1.0, 2.0, 3.0])
    graph = tg.Graph(np.sum(w * recorded), names={"w": w, "y": recorded})
    with pytest.raises(ValueError, match="does not fit"):
        graph.with_leaves({"y": np.broadcast_to(other, recorded.shape)})


def test_what_goes_backwards_through_a_value_keeps_its_size() -> None:
    w = tg.parameter([1.0, 2.0, 3.0])
    function = tg.Graph(sum(i * x for i, x in enumerate(reversed(w))), names={"w": w}).function()
    assert function(A([1.0, 2.0, 3.0])) == 4
    with pytest.raises(ValueError, match="size"):
        function(A([1.0, 2.0, 3.0, 4.0]))


# Trees of parameters


class AttributeDict(dict[str, Any]):
    def __init__(self, *entries: Any, **more: Any) -> None:
        super().__init__(*entries, **more)
        self.__dict__ = self


@dataclasses.dataclass
class Model:
    w: Any

    @cached_property
    def half(self) -> Any:
        return self.w / 2


@dataclasses.dataclass
class Prepared:
    w: Any

    def __post_init__(self) -> None:
        self.half = self.w / 2


def test_attributes_of_a_dict_are_its_entries() -> None:
    gradient = tg.grad(lambda p: np.sum(p.w**2) + np.sum(p["w"]))(AttributeDict(w=A([3.0, 4.0])))
    np.testing.assert_array_equal(gradient.w, [7, 9])


def test_a_cached_property_is_computed_anew() -> None:
    model = Model(A([3.0, 4.0]))
    assert model.half[0] == 1.5
    np.testing.assert_array_equal(tg.grad(lambda p: np.sum(p.half**2))(model).w, [1.5, 2])


def test_an_array_beside_the_fields_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Prepared\.half is an array beside the parts"):
        tg.grad(lambda p: np.sum(p.half * p.w))(Prepared(A([3.0, 4.0])))


def test_a_deep_copy_of_a_node_keeps_its_gradient() -> None:
    gradient = tg.grad(lambda p: np.sum(copy.deepcopy(p)["w"] ** 2))({"w": A([3.0, 4.0])})
    np.testing.assert_array_equal(gradient["w"], [6, 8])
