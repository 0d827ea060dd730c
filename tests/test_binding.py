"""What an instruction's result is stored as, and what loops repeat, by the bytecode alone; tests of names cover the source."""

from types import CodeType
from typing import Any

import pytest

from tests.snippets import run
from tinygraph.binding import Called, bindings_of, stored

LOOP = """
x = tg.parameter(1.0)
J = 0.0
for i in range(3):
    t = x * i
    J = J + t
J = J / 3
u, v = x * 1, x * 2
class A: pass
a, p = A(), {}
a.W = y = x * 2
p["key"] = x * 3
p[0] = x * 4
_hidden = x * 5
i = 0
while i < 2:
    w = tg.parameter(i)
    i += 1
"""


@pytest.fixture(scope="module", params=[True, False], ids=["source", "bytecode"])
def names(request: Any) -> dict[str, Any]:
    return run(LOOP, with_source=request.param)


@pytest.mark.parametrize(
    ("find", "name", "repeats"),
    [
        (lambda names: names["x"], Called("x", "variable"), False),
        (lambda names: names["t"], Called("t", "variable"), True),
        (lambda names: names["J"], Called("J", "variable"), False),
        (lambda names: names["J"].inputs[0], Called("J", "variable"), True),
        (lambda names: names["a"].W, Called("W", "member"), False),
        (lambda names: names["p"]["key"], Called("key", "member"), False),
        (lambda names: names["_hidden"], None, False),
        (lambda names: names["w"], Called("w", "variable"), True),
    ],
    ids=["leaf", "loop", "behind", "sum", "attribute", "key", "hidden", "while"],
)
def test_what_a_result_is_stored_as_and_whether_a_loop_does_it_again(
    names: dict[str, Any], find: Any, name: Called | None, repeats: bool
) -> None:
    node = find(names)
    assert isinstance(node.code, CodeType)
    assert stored(node.code, node.instruction) == name
    assert bindings_of(node.code).repeats(node.instruction) is repeats


def test_a_variable_is_bound_anew_by_a_loop_or_a_second_line(names: dict[str, Any]) -> None:
    bindings = bindings_of(names["x"].code)
    assert [name for name in ("x", "t", "J", "u", "w", "nobody") if bindings.rebinds(name)] == ["t", "J", "w"]
