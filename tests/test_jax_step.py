"""`graph.compile(backend="jax")`: the numbers of the engine, by JAX, at any number of rows."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.compiled import MODELS, Model

jax = pytest.importorskip("jax", reason='needs JAX: pip install -e ".[jax]"')
TRACEABLE = ["logistic regression", "two layers", "softmax of labels", "normalised", "products of rows"]


@pytest.mark.parametrize("model", [MODELS[name] for name in TRACEABLE], ids=TRACEABLE)
def test_has_the_numbers_of_a_recording(model: Model) -> None:
    step = model.recorded(model.values(6))[0].compile(backend="jax")
    for rows in (6, 9):
        values = model.values(rows, rows)
        graph, parameters = model.recorded(values)
        loss, gradients = step(**values)
        np.testing.assert_allclose(loss, graph.outputs[0].value, rtol=1e-12)
        for node, gradient in zip(parameters, tg.gradients(graph.outputs[0], *parameters), strict=True):
            np.testing.assert_allclose(gradients[graph.name(node)], gradient, rtol=1e-9, atol=1e-12)
            assert gradients[graph.name(node)].dtype == np.float64


def test_labels_are_checked_in_every_call() -> None:
    model = MODELS["softmax of labels"]
    step = model.recorded(model.values(6))[0].compile(backend="jax")
    for rows in (6, 9):
        step(**model.values(rows))
        for label in (9, -1):
            with pytest.raises(ValueError, match=f"labels from {label} to {label} do not fit 4 classes"):
                step(**model.values(rows) | {"y": np.full(rows, label)})


def test_float32_stays_float32() -> None:
    w = tg.parameter(np.ones(3, np.float32))
    _, gradients = tg.Graph(np.sum(np.tanh(w)), names={"w": w}).compile(backend="jax")(w=np.ones(3, np.float32))
    assert gradients["w"].dtype == np.float32


def test_takes_the_same_settings() -> None:
    w, x = tg.parameter(3.0), tg.constant(2.0)
    graph = tg.Graph(w * x, names={"w": w, "x": x})
    step = graph.compile(backend="jax", bind={"x": 4.0}, wrt=["w"])
    loss, gradients = step(w=1.0)
    assert (loss.item(), gradients["w"].item()) == (4.0, 4.0)
    loss, gradients = graph.compile(backend="jax", wrt=[])(w=1.0, x=3.0)
    assert (loss.item(), gradients) == (3.0, {})
    assert "def forward_backward(" in step.source
    with pytest.raises(TypeError, match=r"the step needs w: it is called as step\(w=\.\.\.\)"):
        step()
    with pytest.raises(TypeError, match="w has dtype <U1"):
        step(w="a")


def test_an_array_in_which_jax_has_lost_digits_is_not_taken() -> None:
    w = tg.parameter(np.ones(3))
    step = tg.Graph(np.sum(w**3), names={"w": w}).compile(backend="jax")
    with pytest.raises(TypeError, match=r"w is an array of JAX with dtype float32.*np.asarray\(grads\[...\]\)"):
        step(w=jax.numpy.ones(3, np.float32))
    _, gradients = step(w=np.ones(3))
    step(w=gradients["w"])


def test_sizes_that_do_not_fit_have_the_error_of_the_engine() -> None:
    values = {"X": np.ones((4, 3)), "w": np.ones(3)}
    X, w = tg.constant(values["X"]), tg.parameter(values["w"])
    graph = tg.Graph(np.sum(X @ w), names={"X": X, "w": w})
    said = []
    for setting in ({}, {"backend": "jax"}):
        with pytest.raises(ValueError) as error:
            graph.compile(**setting)(**values | {"w": np.ones(5)})  # type: ignore[arg-type]
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_dtype_that_jax_makes_narrower_raises() -> None:
    X, w = tg.constant(np.ones((4, 3), np.float32)), tg.parameter(np.ones(3))
    graph = tg.Graph(np.sum(np.maximum(X @ w, 0.5)), names={"X": X, "w": w})
    with pytest.raises(TypeError, match=r"dw is of dtype float32 in JAX.*one dtype"):
        graph.compile(backend="jax")(X=X.value, w=w.value)


def test_what_cannot_be_traced_raises() -> None:
    w = tg.parameter(3.0)
    L = w * w if w > 0 else w
    with pytest.raises(TypeError, match="JAX cannot trace a program in which Python decided by a value"):
        tg.Graph(L, names={"w": w}).compile(backend="jax")


def test_settings_of_numpy_alone_raise() -> None:
    w = tg.parameter(3.0)
    graph = tg.Graph(w * w, names={"w": w})
    with pytest.raises(ValueError, match="backend='torch': choose 'numpy' or 'jax'"):
        graph.compile(backend="torch")
    for setting in ({"threads": 2}, {"strategy": "rows"}, {"copy": False}):
        settings: dict[str, Any] = setting
        with pytest.raises(ValueError, match="JAX decides"):
            graph.compile(backend="jax", **settings)


def test_without_jax_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    w = tg.parameter(3.0)
    with pytest.raises(ImportError, match=r'needs JAX: pip install "tinygraph-autodiff\[jax\]"'):
        tg.Graph(w * w, names={"w": w}).compile(backend="jax")
