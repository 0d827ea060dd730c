"""What to write for `tg.exp`, `node.grad` and other names that people bring from elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

import numpy as np

from tinygraph.wording import suggestion

LEAF = "`tg.parameter(...)` for a leaf whose gradient is wanted, `tg.constant(...)` for data"
LOOP = "a loop in plain Python, with updates such as `w = tg.parameter(w.value - 0.1 * dw)`"
# By what other engines call it.
ELSEWHERE = {
    **dict.fromkeys(("Tensor", "Variable", "array", "asarray", "tensor", "variable"), LEAF),
    **dict.fromkeys(("nn", "optim", "optimizers", "SGD", "Adam", "train"), LOOP),
    "backward": "`tg.gradients(L, w, b)`, or `tg.Graph(L, names=locals()).backprop()`",
    "no_grad": "`node.value` for an array, which records nothing, or `tg.stop_gradient(node)`",
    "numpy": "`import numpy as np`, whose functions record when they are given a node",
    "vmap": "array expressions over all examples at once, such as `X @ w + b`",
    "cross_entropy": "`tg.softmax_cross_entropy`, or `tg.binary_cross_entropy_with_logits`",
    "one_hot": "`np.eye(classes)[labels]`",
}


GRAPH = "`graph = tg.Graph(L, names=locals())`"
SHOWN = (
    'write `graph.draw().save("graph.svg")` for a picture or `graph.view().save("graph.html")` for a page, where '
    f"{GRAPH}; a notebook shows what the last line of a cell returns, such as `graph`"
)
# Attributes that nodes of other engines and arrays have.
ATTRIBUTES = {
    **dict.fromkeys(("display", "plot", "render", "save", "savefig", "show", "visualize"), SHOWN),
    **{name: f"write `graph.{name}()`, where {GRAPH}" for name in ("backprop", "draw", "latex", "quiz", "source", "stepper")},
    "backward": "gradients are values here: `dw, db = tg.gradients(L, w, b)`, or `tg.Graph(L, names=locals()).backprop()`",
    "grad": "nothing is stored on a node: `(dw,) = tg.gradients(L, w)`, or `graph.backprop()[w].value`",
    "zero_grad": "nothing accumulates, so there is nothing to reset: delete the line",
    "retain_grad": "every value has a gradient: `(dh,) = tg.gradients(L, h)`, or `graph.backprop()[h].value`",
    "requires_grad": "make the leaf by `tg.parameter`; `node.kind` shows what it is",
    "toarray": "write `node.value.toarray()` of a sparse node; another holds an array already",
    "detach": "write `tg.stop_gradient(node)`, or `node.value` for the array",
    "data": "write `node.value`",
    "numpy": "write `node.value`",
    "real": "a node is real, so leave it out",
    "conj": "a node is real, so leave it out",
    "conjugate": "a node is real, so leave it out",
    "imag": "a node is real: its imaginary part is 0",
    "name": "names live in a graph: `tg.Graph(L, names=locals()).name(node)`",
    **{name: f"write `tg.{name}(node)`" for name in ("log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "softplus")},
}
UFUNCS = {name for name, function in vars(np).items() if isinstance(function, np.ufunc)}
OF_ARRAYS = {name for name in UFUNCS.union(dir(np.ndarray)) if name[0] != "_"}


def missing_function(name: str, public: Collection[str]) -> AttributeError:
    """The error for `tg.name`, with what to write instead."""
    from tinygraph.ops import answers  # which are made of nodes

    fix = ELSEWHERE.get(name)
    for module, scope in ((np, "np"), (np.linalg, "np.linalg")):
        if fix is None and answers(vars(module).get(name)):
            fix = f"`{scope}.{name}(node)`"
    return AttributeError(f"tinygraph has no {name}: {suggestion(name, public) if fix is None else f'write {fix}'}")


def missing_attribute(kind: str, name: str) -> AttributeError:
    """The error for `.name` of a node, a graph or a picture, with what to write where people know the name from elsewhere."""
    from tinygraph.ops import answers

    advice = ATTRIBUTES.get(name, "")
    if not advice and name in OF_ARRAYS:
        plain = f"write `node.value.{name}`" if hasattr(np.ndarray, name) else ""
        advice = f"write `np.{name}(node)`" if answers(getattr(np, name, None)) else plain
    return AttributeError(f"a tinygraph {kind} has no .{name}" + (f": {advice}" if advice else ""))


class ForeignAttribute:
    """An attribute that nodes have elsewhere; reading it raises an error that shows what to write here.

    `__getattr__` would say it too, but in a class that has one Python looks every attribute up the slow way.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: Any, owner: type) -> NoReturn:
        raise missing_attribute("node", self.name)

    def __set__(self, node: Any, value: Any) -> NoReturn:
        raise missing_attribute("node", self.name)


def add_foreign_attributes(node: type) -> None:
    """Let every attribute that nodes have elsewhere raise its error."""
    OF_ARRAYS.difference_update(dir(node))
    for name in OF_ARRAYS.union(ATTRIBUTES):
        setattr(node, name, ForeignAttribute(name))
