"""Randomly built graphs agree with PyTorch, forward and gradients, and their gradients on arrays and Nodes bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.programs import any_ranks
from tinygraph.backprop import sweep

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

UNARY: dict[str, tuple[Any, Any]] = {
    "tanh": (np.tanh, torch.tanh),
    "sigmoid": (tg.sigmoid, torch.sigmoid),
    "softplus": (tg.softplus, torch.nn.functional.softplus),
    "relu": (tg.relu, torch.relu),
    "negative": (lambda x: -x, lambda x: -x),
    "square": (np.square, torch.square),
    "exp of tanh": (lambda x: np.exp(np.tanh(x)), lambda x: torch.exp(torch.tanh(x))),
    "log1p of square": (lambda x: np.log1p(x * x), lambda x: torch.log1p(x * x)),
    "sqrt": (lambda x: np.sqrt(1 + x * x), lambda x: torch.sqrt(1 + x * x)),
    "power": (lambda x: (1 + abs(x)) ** 1.5, lambda x: (1 + torch.abs(x)) ** 1.5),
    "transpose": (lambda x: x.T if x.ndim == 2 else x, lambda x: x.T if x.ndim == 2 else x),
    "reverse": (lambda x: x[::-1] if x.ndim else x, lambda x: torch.flip(x, [0]) if x.ndim else x),
    "sum": (lambda x: np.sum(x, 0) if x.ndim else x, lambda x: torch.sum(x, 0) if x.ndim else x),
    "mean": (
        lambda x: np.mean(x, -1, keepdims=True) if x.ndim else x,
        lambda x: torch.mean(x, -1, keepdim=True) if x.ndim else x,
    ),
    "softmax": (lambda x: tg.softmax(x) if x.ndim else x, lambda x: torch.softmax(x, -1) if x.ndim else x),
    "logsumexp": (lambda x: tg.logsumexp(x, axis=-1) if x.ndim else x, lambda x: torch.logsumexp(x, -1) if x.ndim else x),
    "max": (lambda x: np.max(x, 0) if x.ndim else x, lambda x: torch.amax(x, 0) if x.ndim else x),
}
BINARY: dict[str, tuple[Any, Any]] = {
    "add": (lambda x, y: x + y, lambda x, y: x + y),
    "subtract": (lambda x, y: x - y, lambda x, y: x - y),
    "multiply": (lambda x, y: x * y, lambda x, y: x * y),
    "divide": (lambda x, y: x / (1 + y * y), lambda x, y: x / (1 + y * y)),
    "maximum": (np.maximum, torch.maximum),
    "where": (lambda x, y: np.where(x > y, x, 2 * y), lambda x, y: torch.where(x > y, x, 2 * y)),
    "matmul": (lambda x, y: np.tanh(x @ y), lambda x, y: torch.tanh(x @ y)),
}
SHAPES = [(), (1,), (3,), (3, 3), (1, 3), (3, 1)]


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[Any], list[tuple[str, tuple[int, ...]]]]:
    """Leaf values, and a list of (op, operand numbers) over them and earlier results."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=2, max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    steps = []
    for count in range(len(shapes), len(shapes) + draw(st.integers(1, 12))):
        pick = st.integers(max(0, count - 4), count - 1) | st.integers(0, count - 1)
        name = draw(st.sampled_from([*UNARY, *BINARY]))
        steps.append((name, (draw(pick),) if name in UNARY else (draw(pick), draw(pick))))
    return [random.uniform(-2, 2, shape) for shape in shapes], steps


def run(leaves: list[Any], steps: list[tuple[str, tuple[int, ...]]], which: int) -> list[Any]:
    values = list(leaves)
    for name, operands in steps:
        operands_ = [values[i] for i in operands]
        if name == "matmul" and (
            min(x.ndim for x in operands_) == 0 or operands_[0].shape[-1] != operands_[1].shape[-min(2, operands_[1].ndim)]
        ):
            name = "multiply"
        values.append((UNARY | BINARY)[name][which](*operands_))
    return values


@settings(max_examples=300, deadline=None)
@given(programs())
def test_random_graphs(program: tuple[list[Any], list[tuple[str, tuple[int, ...]]]]) -> None:
    leaves, steps = program
    nodes = [tg.parameter(x) for x in leaves]
    tensors = [torch.tensor(x, requires_grad=True) for x in leaves]
    with any_ranks():
        ours, theirs = run(nodes, steps, 0), run(tensors, steps, 1)
    for node, tensor in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(node.value, tensor.detach().numpy(), rtol=1e-11, atol=1e-11, strict=True)
    L, loss = np.sum(ours[-1]), theirs[-1].sum()
    expected = torch.autograd.grad(loss, tensors, allow_unused=True)
    used = [(node, g) for node, g in zip(nodes, expected, strict=True) if g is not None]
    if not used:
        return
    gradients = tg.gradients(L, *(node for node, _ in used))
    recorded = sweep(L, [node for node, _ in used], tg.constant(1.0), on_nodes=True)
    for (node, theirs_), g in zip(used, gradients, strict=True):
        scale = max(1.0, float(theirs_.abs().max()))
        np.testing.assert_allclose(g, theirs_.numpy(), rtol=0, atol=1e-10 * scale, strict=True)
        assert recorded[node].value.tobytes() == g.tobytes()
