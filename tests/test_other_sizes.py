"""A program that was recorded at one size and runs at another gives what a recording at that size gives, or names the size."""

import os
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import executed, reaches
from tinygraph.program.statements import program_of

Build = Callable[[Any], Any]
LEAVES: dict[str, Callable[[int], tuple[int, ...]]] = {
    "X": lambda n: (n, 3), "y": lambda n: (n,), "b": lambda n: (3,), "r": lambda n: (1, 3),
}  # fmt: skip
FUZZ = int(os.environ.get("TINYGRAPH_FUZZ", "100"))  # programs; 5000 for the full run


def at(build: Build, n: int) -> tg.Graph:
    """The graph of a program on X (n rows of 3), y (n), b (3) and r (1 row of 3), with its gradients."""
    rng = np.random.default_rng(n)
    leaves = {name: tg.parameter(rng.normal(size=shape)) for name, shape in LEAVES.items() for shape in [shape(n)]}
    L = build(SimpleNamespace(**leaves))
    graph = tg.Graph(L, names={**leaves, "L": L})
    graph.backprop(wrt=[leaf for leaf in leaves.values() if reaches(L, leaf)])
    return graph


def run(recorded: tg.Graph, fresh: tg.Graph) -> None:
    """Run the source of one recording on the leaves of another one, to the numbers of that."""
    leaves = [leaf for leaf in program_of(recorded).leaves if recorded.name(leaf) in LEAVES]
    for level in ("named", "op"):
        names = [recorded.name(leaf) for leaf in leaves]
        output, gradients = executed(recorded.source(level))(**{name: fresh[name].value for name in names if name is not None})
        assert same(output, fresh.outputs[0].value)
        assert all(same(value, fresh[name].value) for name, value in gradients.items() if name[1:] in LEAVES)


@tg.op(lambda g, out, x: tg.ops.broadcast_like(g, x))
def row_sums(x: Any) -> Any:
    """An op of which nothing is known but what it gave."""
    return np.sum(x, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("build", "recorded"),
    [
        (lambda v: np.sum(np.broadcast_arrays(v.X, v.r)[1] ** 2), 4),
        (lambda v: np.sum(np.broadcast_arrays(v.b, v.y[:, None])[0] ** 2), 4),
        (lambda v: np.sum(np.multiply(*np.meshgrid(v.y, v.b)) ** 2), 4),
        (lambda v: np.sum(np.meshgrid(v.y, v.y, v.b, indexing="ij")[0] ** 2), 2),
        (lambda v: np.sum(np.diff(v.X, axis=0) * v.b), 2),
        (lambda v: np.sum(np.diff(v.X, axis=0) ** 2), 2),
        (lambda v: np.sum(np.array_split(v.y, 3)[1] ** 2), 4),
        (lambda v: np.sum(v.X[:1] * v.r), 2),
        (lambda v: np.sum(v.X[1:] * v.r), 3),
        (lambda v: np.sum(v.X[1:] @ v.b - v.y[1:]), 3),
        (lambda v: np.sum(v.X.reshape(-1, 3) * v.b), 2),
        (lambda v: np.sum(v.X.reshape(-1, 3, 1) @ v.r), 2),
        (lambda v: np.sum(np.max(v.X, axis=1, keepdims=True) * v.X), 2),
        (lambda v: np.sum(np.concatenate([v.y[1:], v.y[:1]]) * v.y), 3),
        (lambda v: np.sum(np.repeat(v.y, 7) ** 2) + np.sum(np.tile(v.y, 7) ** 2), 2),
        (lambda v: np.sum(row_sums(v.X) * v.r), 2),
        (lambda v: np.sum(np.squeeze(v.X[:1] * v.X)), 3),
    ],
)
def test_what_follows_from_the_ops_is_right_at_any_size(build: Build, recorded: int) -> None:
    for n in (2, 3, 5, 8):
        run(at(build, recorded), at(build, n))


@pytest.mark.parametrize(
    ("build", "recorded", "n", "said"),
    [
        (lambda v: np.sum(np.diff(v.X, axis=0) * v.r), 2, 5, r" has size 4 along axis 0, where .* holds for size 1 alone: "),
        (lambda v: np.sum(v.X[1:] * v.r), 2, 5, r"^X\[1:\] has size 4 along axis 0, where .* holds for size 1 alone: "),
        (lambda v: np.sum(v.X[2:3] * v.r), 3, 2, r"^X\[2:3\] has size 0 along axis 0, where .* holds for size 1 alone: "),
        (lambda v: np.sum(v.X[1:], axis=0) @ v.b, 2, 3, r"^X\[1:\] has size 2 along axis 0, "),
        (lambda v: np.sum(v.X[1:] * v.y[:3, None]), 4, 2, r" has size (1|2) along axis 0, where .* for size (2|1) alone"),
        (lambda v: tg.mean_squared_error(v.y[1:], v.y[:4]), 5, 2, r" has size (1|2) along axis 0, where .* for size (2|1) alone"),
        (lambda v: np.sum(np.squeeze(v.X[1:])), 4, 2, r"^X\[1:\] has size 1 along axis 0, where .* holds for size 3 alone"),
        (lambda v: np.sum(np.broadcast_to(v.r, v.X.shape) * v.X), 4, 2, r"^X has size 2 .*, as np.broadcast_to was given"),
        (lambda v: np.sum(np.broadcast_to(v.r, v.X[1:].shape)) + v.y @ v.y, 4, 2, r"^y has size 2 .* np.broadcast_to was given"),
        (lambda v: np.sum(np.broadcast_to(v.r, v.X[1:].shape)) + np.sum(v.X[1:]), 2, 4, r"^X.* has size 3 .* np.broadcast_to"),
        (lambda v: np.sum(np.tile(v.r, (len(v.X), 1)) * v.X), 4, 2, r"^X has size 2 .*, as np.tile was given a number: "),
        (lambda v: np.sum(np.repeat(v.r, len(v.X), axis=0) ** 2 * v.X), 4, 2, r"^X has size 2 .* np.repeat was given a number: "),
        (lambda v: np.sum(np.repeat(v.y, [1, 2, 0, 3])), 4, 5, r" has size 5 .* for size 4 alone, as np.repeat was given a"),
        (lambda v: np.sum(v.X[:, None].reshape(len(v.X), -1) ** 2), 4, 6, r"has size 6 .*, as np.reshape was given a number: "),
        (lambda v: np.sum(v.b.reshape(len(v.y), -1)[0]) + np.sum(v.y), 3, 2, r"^y has size 2 .*, as np.reshape was given"),
        (lambda v: np.sum(v.X.ravel().reshape(len(v.X), -1) ** 2), 4, 6, r"^X has size 6 .*, as np.reshape was given a number: "),
        (lambda v: np.sum(v.y), 4, 0, r"^y has shape \(0,\), recorded \(4,\): keep rank and sizes 0 and 1"),
        (lambda v: np.mean(v.y[2:]), 4, 2, r"^len\(t\) is 0 where a number is divided by it: .* size$"),
        (lambda v: np.mean(v.X[2:] * v.b), 4, 2, r"^t.size is 0 where a number is divided by it: .* size$"),
        (lambda v: sum(np.sum(row) for row in v.X), 4, 2, r"^X has size 2 along an axis that was gone .* size$"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the mean of nothing
def test_what_was_taken_for_granted_is_refused_with_the_size(build: Build, recorded: int, n: int, said: str) -> None:
    graph = at(build, recorded)
    leaves = {name: np.ones(shape(n)) for name, shape in LEAVES.items() if name in graph.names}
    with pytest.raises(ValueError, match=said):
        graph.function()(**leaves)


# Random programs

ONE: list[Callable[[Any], Any]] = [
    lambda x: x[1:], lambda x: x[:-1], lambda x: x[:1], lambda x: x[-1:], lambda x: x[:2], lambda x: x[-2:], lambda x: x[::2],
    lambda x: x[1:-1], lambda x: x[::-1], lambda x: x[:, 1:], lambda x: x[..., :1], lambda x: x[0], lambda x: x[-1],
    lambda x: x[None], lambda x: x[:, None], lambda x: x[..., None], lambda x: x[[0, -1]], lambda x: x[:, [0, 0]],
    lambda x: np.diff(x, axis=0), lambda x: np.diff(x), lambda x: np.sum(x, 0), lambda x: np.sum(x, -1),
    lambda x: np.mean(x, 0, keepdims=True), lambda x: np.mean(x, -1, keepdims=True), lambda x: np.sum(x, keepdims=True),
    lambda x: np.mean(x), lambda x: np.max(x, 0), lambda x: np.min(x, -1, keepdims=True), lambda x: np.var(x, axis=0),
    lambda x: tg.softmax(x), lambda x: tg.logsumexp(x, axis=0), lambda x: np.cumsum(x, 0), lambda x: np.sort(x, axis=0),
    lambda x: x.T, lambda x: np.reshape(x, -1), lambda x: np.reshape(x, (-1, 3)), lambda x: np.reshape(x, (len(x), -1)),
    lambda x: np.reshape(x, (1, -1)), lambda x: np.reshape(x, (-1, 1)), lambda x: np.squeeze(x), lambda x: np.expand_dims(x, 0),
    lambda x: sum(np.tanh(row) for row in x), lambda x: np.stack([row * row for row in x]),
    lambda x: np.concatenate([x[1:], x[:1]]), lambda x: np.pad(x, 1), lambda x: np.tile(x, 2),
    lambda x: np.repeat(np.atleast_1d(x), 2, 0), lambda x: np.roll(x, 1), lambda x: np.diagonal(x), lambda x: np.diag(x),
    lambda x: np.array_split(x, 2)[0], lambda x: np.array_split(x, 2)[1], lambda x: x[x > 0],
    lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.tanh(x) - x, lambda x: 2 * x / 3, lambda x: np.median(x, axis=0),
    lambda x: np.prod(np.tanh(x), axis=0), lambda x: np.einsum("i...->...", x), lambda x: x - np.mean(x, 0),
    lambda x: np.linalg.norm(x, axis=-1, keepdims=True), lambda x: np.atleast_2d(x), np.ravel,
    np.max, np.median, np.prod, np.var, tg.logsumexp, np.linalg.norm, lambda x: np.mean(x[..., 1:]),
    lambda x: np.mean(x[1:], axis=0), lambda x: np.var(x[:-1], axis=0, ddof=1), lambda x: np.mean(x[2:]),
]  # fmt: skip
TWO: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y, lambda x, y: x / (2 + np.tanh(y)),
    lambda x, y: np.maximum(x, y), lambda x, y: np.where(x > y, x, -y), lambda x, y: x @ y, lambda x, y: x @ y.T,
    lambda x, y: x.T @ y, lambda x, y: np.concatenate([x, y]), lambda x, y: np.concatenate([x, y], axis=-1),
    lambda x, y: np.stack([x, y]), lambda x, y: np.stack([x, y], axis=-1), np.outer, lambda x, y: np.broadcast_arrays(x, y)[0],
    lambda x, y: np.broadcast_arrays(x, y)[1], lambda x, y: np.meshgrid(x, y)[0] * 2, lambda x, y: np.broadcast_to(x, y.shape),
    lambda x, y: x[1:] * y[:-1], lambda x, y: np.einsum("ij,ij->i", x, y), lambda x, y: np.einsum("ij,kj->ik", x, y),
    lambda x, y: np.tile(x, (len(y), 1)), lambda x, y: np.vdot(x, y), lambda x, y: np.vstack([x, y]),
    lambda x, y: tg.mean_squared_error(x, y, reduction="none"), lambda x, y: x * np.sum(y, -1, keepdims=True),
]  # fmt: skip
Step = tuple[int, int, int]


class RefusedError(Exception):
    """A step that cannot be taken at a size."""


def leaves_at(n: int, seed: int, other: int) -> dict[str, tg.Node]:
    rng = np.random.default_rng([seed, n])
    shapes = {"X": (n, 3), "v": (n,), "W": (3, 3), "b": (3,), "r": (1, 3), "c": (n, 1), "s": (), "Z": (other, 3)}
    return {name: tg.parameter(rng.normal(size=shape)[()]) for name, shape in shapes.items()}


def taken(step: Step, pool: list[Any]) -> Any:
    """One step on the values that there are; small, finite and with entries, or refused."""
    function, i, j = step
    new = TWO[function - len(ONE)](pool[i], pool[j]) if function >= len(ONE) else ONE[function](pool[i])
    if not isinstance(new, tg.Node):
        raise RefusedError
    return np.tanh(new) if function % 3 == 0 else new


def steps(n: int, seed: int) -> Iterator[Step]:
    """Steps that can be taken where there are n rows."""
    choose = np.random.default_rng(seed)
    pool: list[Any] = list(leaves_at(n, seed, n).values())
    for _ in range(40):
        late = [int(i) for i in len(pool) - 1 - choose.geometric(0.2, 2) % len(pool)]
        step = (int(choose.integers(len(ONE) + len(TWO))), late[0], late[1])
        try:
            new = taken(step, pool)
        except (RefusedError, ValueError, TypeError, IndexError):
            continue
        if new.ndim <= 3 and 0 < new.size <= 60 and np.all(np.isfinite(new.value)):
            pool.append(new)
            yield step
        if len(pool) > 14:
            return


def graph_of(chosen: list[Step], leaves: dict[str, tg.Node], seed: int) -> tg.Graph:
    """The graph of a program: the mean and the sum of everything, with some of the values named."""
    choose = np.random.default_rng([seed, 1])
    pool: list[Any] = list(leaves.values())
    for step in chosen:
        pool.append(taken(step, pool))
    L = sum(np.mean(np.tanh(x)) if choose.random() < 0.5 else np.sum(np.sin(x)) for x in pool)
    names = {f"h{i}": x for i, x in enumerate(pool) if x.op is not None and choose.random() < 0.3}
    graph = tg.Graph(L, names={**leaves, **names, "L": L})
    gradients = graph.backprop()
    if choose.random() < 0.15:  # the gradients of gradients
        again = sum(np.sum(np.sin(gradients[x])) for x in leaves.values())
        graph = tg.Graph(again, names={**leaves, **names, "L": again})
        graph.backprop(wrt=[x for x in leaves.values() if x in graph and reaches(again, x)])
    return graph


def outcome(seed: int) -> Iterator[tuple[str, str]]:
    """What becomes of one random program at each of several sizes: right, refused, or what is wrong with it."""
    choose = np.random.default_rng([seed, 2])
    n = int(choose.choice([1, 2, 2, 3, 4, 5]))
    level: Any = "op" if choose.random() < 0.2 else "named"
    chosen = list(steps(n, seed))
    recorded = graph_of(chosen, leaves_at(n, seed, n), seed)
    function = executed(recorded.source(level))
    names = {name for name in recorded.names if not recorded[name].op or name.startswith("h")}
    indices = {name: recorded[name].value for name in recorded.names if name.startswith("c_")}
    for size in (0, 1, 2, 3, 5, 8):
        other = size if choose.random() < 0.8 else int(choose.choice([1, 2, 4]))
        leaves = leaves_at(size, seed, other)
        given = {name: node.value for name, node in leaves.items()} | indices
        label = f"seed {seed}: recorded with {n}, run with {size} and {other}"
        try:
            fresh: Any = graph_of(chosen, leaves, seed)
        except (RefusedError, ValueError, TypeError, IndexError) as error:
            fresh = error
        try:
            output, gradients = function(**given)
        except ValueError as error:
            fine = "size" in str(error) or isinstance(fresh, Exception)
            yield label, "refused" if fine else f"refused without a size: {error}"
            continue
        except Exception as error:  # anything but a ValueError is wrong, unless the recording fails too
            yield label, "refused" if isinstance(fresh, Exception) else f"{type(error).__name__}: {error}"
            continue
        if isinstance(fresh, Exception):
            yield label, f"a number where a recording gives {type(fresh).__name__}: {fresh}"
            continue
        wrong = [name for name in gradients if name[1:] in names and not same(gradients[name], fresh[name].value)]
        yield label, "right" if same(output, fresh.outputs[0].value) and not wrong else f"wrong {wrong or 'L'}"


def same(got: Any, expected: Any) -> bool:
    return np.shape(got) == np.shape(expected) and np.allclose(got, expected, rtol=1e-9, atol=1e-11, equal_nan=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.* make a result of shape:UserWarning")
def test_random_programs_at_other_sizes() -> None:
    outcomes = [found for seed in range(FUZZ) for found in outcome(seed)]
    wrong = [f"{label}: {what}" for label, what in outcomes if what not in ("right", "refused")]
    assert not wrong, "\n".join(wrong[:20])
    assert sum(what == "right" for _, what in outcomes) > len(outcomes) / 4


if __name__ == "__main__":  # seeds to try
    import collections
    import sys
    import traceback

    warnings.simplefilter("ignore")
    first, last = int(sys.argv[1]), int(sys.argv[2])
    tally: Any = collections.Counter()
    for seed in range(first, last):
        try:
            for label, what in outcome(seed):
                tally[what if what in ("right", "refused") else "wrong"] += 1
                if what not in ("right", "refused"):
                    print(label, what[:300], flush=True)
        except Exception:
            print("seed", seed)
            traceback.print_exc(limit=-2)
    print(tally)
