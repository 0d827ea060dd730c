"""What to write for `tg.exp` and other names that people bring from elsewhere."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tinygraph.errors import meant
from tinygraph.ops import answers

LEAF = "`tg.parameter(...)` for a leaf whose gradient is wanted, `tg.constant(...)` for data"
LOOP = "a loop in plain Python, with updates such as `w = tg.parameter(w.value - 0.1 * dw)`"
# By what other engines call it.
ELSEWHERE = {
    **dict.fromkeys(("Tensor", "Variable", "array", "asarray", "tensor", "variable"), LEAF),
    **dict.fromkeys(("nn", "optim", "optimizers", "SGD", "Adam", "train"), LOOP),
    "backward": "`tg.gradients(L, w, b)`, or `tg.Graph(L, names=locals()).backprop()`",
    "no_grad": "`node.value` for an array, which records nothing, or `tg.stop_gradient(node)`",
    "numpy": "`import numpy as np`, whose functions record when they are given a node",
    "jit": "`graph.function()`, the recorded program as a plain function",
    "vmap": "array expressions over all examples at once, such as `X @ w + b`",
    "cross_entropy": "`tg.softmax_cross_entropy`, or `tg.binary_cross_entropy_with_logits`",
    "one_hot": "`np.eye(classes)[labels]`",
}


def missing_function(name: str, public: Collection[str]) -> AttributeError:
    """The error for `tg.name`, with what to write instead."""
    fix = ELSEWHERE.get(name)
    for module, scope in ((np, "np"), (np.linalg, "np.linalg")):
        if fix is None and answers(vars(module).get(name)):
            fix = f"`{scope}.{name}(node)`"
    return AttributeError(f"tinygraph has no {name}: {meant(name, public) if fix is None else f'write {fix}'}")
