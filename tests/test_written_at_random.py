"""Random expressions that compute with data: a replay on other data is a fresh recording, bit for bit.

`TINYGRAPH_FUZZ=5000` tries so many of them; without it there are a few.
"""

import linecache
import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

PROGRAMS = int(os.environ.get("TINYGRAPH_FUZZ", "60"))
DTYPES = (float, int, np.float32, np.uint8)

# What an expression of a matrix (m), a vector (v) or a number (s) may be, over {m}, {v} and {s} of its own.
LEAVES = {
    "m": ["Y", "X", "P"],
    "v": ["v", "X[1]", "Y[k]", "u", 'd["w"]'],
    "s": ["m", "2", "0.5", "1 / m", "n", "len(X)", "X.shape[0]"],
}
FORMS = {
    "m": [
        "({m} + {m})", "({m} * {m})", "({s} - {m})", "({m} - {v})", "np.exp(-{m} ** 2)", "({m} > {s})", "({m} == {s})",
        "np.where({m} > {s}, {m}, {m})", "({m} / (1 + {m} ** 2))", "({m} @ np.outer({v}, {v}))", "np.maximum({m}, {s})",
        "({m}).astype(float)", "abs({m})", "np.concatenate([{m}[:2], {m}[2:]])", "({m}.T).T", "({m} - ({m}).mean(axis=0))",
        "{m}[::-1]", "np.stack([{v}, {v}, {v}, {v}])",
    ],
    "v": [
        "({v} - {v})", "({s} - {v})", "({m}).mean(0)", "np.sum({m}, axis=0)", "({m} * 1.0)[0]", "({v})[::-1]", "np.tanh({v})",
        "({v} @ ({m}).T @ {m})", "-{v}", "np.sort({v})", "np.cumsum({v})",
    ],
    "s": ["({s} - {s})", "({s} * {s})", "({v}).sum()", "np.mean({m})", "({v} @ {v})", "np.sqrt(1 + {s} ** 2)"],
}  # fmt: skip
READERS = [
    "Z * {m}", "{m} * Z", "{m} @ Z.T", "np.where({m} > 0, Z, {m})", "Z - {v}", "Z * {s}", "{s} / (2 + Z ** 2)",
    "np.maximum({m}, Z)", "np.dot(Z, {v})", "np.stack([Z, {m}])", "tg.mean_squared_error(Z, {m} * 1.0)",
    "np.average(Z, weights=1 + ({m}) ** 2)", "np.stack([z * {s} for z in Z])", "Z * {m} + (1 - Z) * {m}",
    "np.clip(Z, -1, 1) * {m} + {s} * Z", "Z.dot({v}) + {s}",
]  # fmt: skip
MODULE = """import numpy as np
import tinygraph as tg

def f(X, Y, P, v, u, d, k, m, n, Z):
    a = {0}
    b = {1}
    L = np.sum(np.sin(a * 1.0)) + 1 / m * np.sum(b * 1.0)
    return tg.Graph(L, names={{"Z": Z, "X": X, "Y": Y, "P": P, "v": v, "u": u, "w": d["w"], "a": a, "b": b, "L": L}})
"""


def filled(form: str, draw: random.Random, depth: int) -> str:
    """A form with random expressions in its gaps."""
    while "{" in form:
        before, _, rest = form.partition("{")
        kind, _, after = rest.partition("}")
        inner = (
            draw.choice(LEAVES[kind]) if not depth or draw.random() < 0.2 else filled(draw.choice(FORMS[kind]), draw, depth - 1)
        )
        form = before + inner + after
    return form


def data(seed: int, dtype: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    given = {"X": rng.normal(size=(4, 3)), "Y": rng.integers(0, 2, (4, 3)).astype(dtype), "P": rng.uniform(size=(4, 3))}
    return given | {"v": rng.normal(size=3), "u": rng.integers(1, 4, 3), "d": {"w": rng.normal(size=3)}}


def recorded(source: str, filename: str) -> Callable[..., tg.Graph]:
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), module)
    f: Callable[..., tg.Graph] = module["f"]
    return f


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_replay_on_other_data_is_a_fresh_recording(seed: int) -> None:
    draw = random.Random(seed)
    source = MODULE.format(*(filled(draw.choice(READERS), draw, depth=3) for _ in range(2)))
    filename = f"<random {seed}>"
    f = recorded(source, filename)
    dtype, settings = draw.choice(DTYPES), {"k": draw.randrange(3), "m": 4, "n": draw.choice([0.25, 3])}
    Z = np.random.default_rng(seed).normal(size=(4, 3))
    one, other = data(2 * seed, dtype), data(2 * seed + 1, dtype)
    graph, fresh = (f(**given, **settings, Z=tg.parameter(Z)) for given in (one, other))
    values = {"Z": Z, **other, "w": other["d"]["w"]}
    leaves = [graph.name(node) or "" for node in graph.forward if node.op is None]
    assert not [name for name in leaves if name.startswith("c_")], source
    replay = graph.with_leaves({graph[name]: values[name] for name in leaves})
    assert replay.outputs[0].value.tobytes() == fresh.outputs[0].value.tobytes(), source
    dZ = graph.with_leaves({graph[name]: values[name] for name in leaves}).backprop()["dZ"].value
    np.testing.assert_array_equal(dZ, fresh.backprop()["dZ"].value, err_msg=source)
    graph.backprop()
    output, gradients = graph.function()(**{name: values[name] for name in leaves})
    np.testing.assert_allclose(output, fresh.outputs[0].value, rtol=1e-9, err_msg=source)
    np.testing.assert_allclose(gradients["dZ"], dZ, rtol=1e-6, atol=1e-9, err_msg=source)
    del linecache.cache[filename]
