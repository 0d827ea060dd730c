"""Trees of arrays: what a function takes and gives back, in the same form."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.tree import arrays_of, map_arrays, matching, rebuild


@dataclass
class Layer:
    W: Any
    b: Any = None


@dataclass(frozen=True, slots=True)
class Model:
    layers: list[Layer]
    scale: Any = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.layers, list):
            raise TypeError("layers must be a list")


class Pair(NamedTuple):
    first: Any
    second: Any = None


class Named(dict[str, Any]):
    name = "mine"


TREES: list[tuple[Any, list[Any]]] = [
    (3.0, [3.0]),
    (None, []),
    ({}, []),
    ({"b": 1.0, "a": [2.0, (3.0,)]}, [1.0, 2.0, 3.0]),
    ({"w": 1.0, "b": None}, [1.0]),
    (OrderedDict(z=1.0, a=2.0), [1.0, 2.0]),
    (defaultdict(list, x=1.0), [1.0]),
    (Named(x=1.0), [1.0]),
    (Pair(1.0, Pair(2.0)), [1.0, 2.0]),
    (Layer(1.0, 2.0), [1.0, 2.0]),
    (Model([Layer(1.0), Layer(2.0, 3.0)], scale=4.0), [1.0, 2.0, 3.0, 4.0]),
    ((None, [None, 1.0]), [1.0]),
]


@pytest.mark.parametrize(("tree", "flat"), TREES, ids=lambda x: type(x).__name__)
class TestEveryKind:
    def test_leaves_in_order(self, tree: Any, flat: list[Any]) -> None:
        assert arrays_of(tree) == flat

    def test_is_built_again(self, tree: Any, flat: list[Any]) -> None:
        again = rebuild(tree, flat)
        assert again == tree
        assert type(again) is type(tree)

    def test_is_not_changed_by_another_with_its_structure(self, tree: Any, flat: list[Any]) -> None:
        doubled = map_arrays(lambda x: 2 * x, tree)
        assert arrays_of(doubled) == [2 * x for x in flat]
        assert arrays_of(tree) == flat

    def test_matches_itself(self, tree: Any, flat: list[Any]) -> None:
        assert matching(tree, tree, "the seed", "the result") == flat

    def test_gradients_come_in_its_form(self, tree: Any, flat: list[Any]) -> None:
        def loss(tree: Any) -> Any:
            return sum((x**2 for x in arrays_of(tree)), start=tg.constant(0.0))

        value, slopes = tg.value_and_grad(loss)(tree)
        assert slopes == map_arrays(lambda x: 2 * x, tree)
        assert isinstance(slopes, type(tree))
        assert tg.jvp(loss, (tree,), (tree,))[1] == 2 * value
        assert tg.hvp(loss)(tree, tree) == map_arrays(lambda x: 2 * x, tree)
        (pulled,) = tg.vjp(loss, tree)[1](1.0)
        assert pulled == slopes
        assert tg.vjp(lambda x: [x], tree)[0] == [tree]


def test_what_a_subclass_knows_beside_its_entries_is_kept() -> None:
    again = rebuild(defaultdict(list, x=1.0), [2.0])
    assert again["new"] == []
    named = Named(x=1.0)
    named.name = "other"
    assert rebuild(named, [2.0]).name == "other"


@pytest.mark.parametrize(
    ("tree", "like"),
    [
        (1.0, None),
        (None, {}),
        ({}, None),
        ([], None),
        ({"w": 1.0}, {"w": None}),
        ({"w": 1.0}, {"v": 1.0}),
        ({"w": 1.0}, [1.0]),
        ((1.0,), (1.0, 2.0)),
        ((1.0, 2.0), Layer(1.0, 2.0)),
        (1.0, Layer(1.0)),
    ],
)
def test_other_structures_do_not_match(tree: Any, like: Any) -> None:
    with pytest.raises(ValueError, match="the seed must have the structure of the result"):
        matching(tree, like, "the seed", "the result")


def test_the_error_about_a_structure_has_its_own_words() -> None:
    with pytest.raises(ValueError, match=r"the result: Layer\(W=array, b=None\), not array"):
        matching(1.0, Layer(1.0), "the seed", "the result")


@pytest.mark.parametrize("derivative", [tg.grad, tg.jacobian, tg.hessian, lambda f: lambda x: tg.vjp(f, x)])
def test_a_function_that_returns_none_misses_a_return(derivative: Any) -> None:
    with pytest.raises(TypeError, match="returned NoneType, not a number: is a `return` missing"):
        derivative(lambda x: None)(1.0)


def test_a_class_is_no_tree() -> None:
    assert arrays_of(Layer) == [Layer]


def test_arrays_in_a_dataclass_train() -> None:
    def loss(layer: Layer) -> Any:
        return np.sum((X @ layer.W - 1) ** 2)

    X, layer = np.eye(2), Layer(np.zeros(2))
    for _ in range(50):
        layer = Layer(layer.W - 0.25 * tg.grad(loss)(layer).W)
    np.testing.assert_allclose(layer.W, 1)
