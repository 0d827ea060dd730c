"""`tg.bridges.dask`: the numbers of the engine chunk by chunk, what is no sum or mean over rows, and workers that die."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tinygraph as tg
from models import LinearRegression, LogisticRegression, MLPClassifier, SoftmaxRegression
from models.chunked import is_chunked
from tests.compiled import MODELS, Model

dask = pytest.importorskip("dask", reason='needs dask: pip install -e ".[dask]"')
da = pytest.importorskip("dask.array", reason='needs dask: pip install -e ".[dask]"')

SPLIT = [
    "columns",
    "logistic regression",
    "logistic regression by hand",
    "softmax",
    "softmax of labels",
    "two layers",
    "rows that look alike",
]
CHUNKS = [(11,), (4, 4, 3), (1, 9, 1), (1,) * 11, (2, 0, 9)]
ROWS = 11


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes that listen on the loopback address alone."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as workers,
        distributed.Client(workers) as client,
    ):
        yield client


def in_chunks(arrays: dict[str, Any], chunks: tuple[int, ...]) -> dict[str, Any]:
    return {name: da.from_array(x, chunks=(chunks, *x.shape[1:])) for name, x in arrays.items()}


def both(model: Model, chunks: tuple[int, ...], scheduler: Any = "threads") -> None:
    """Compare a step over chunks with the engine."""
    values = model.values(ROWS, 5)
    data = {name: x for name, x in values.items() if name in model.data(np.random.default_rng(0), 1)}
    parameters = {name: x for name, x in values.items() if name not in data}
    graph, nodes = model.recorded(values)
    step = tg.bridges.dask.step(model.recorded(model.values(6))[0], **in_chunks(data, chunks))
    with dask.config.set(scheduler=scheduler):
        loss, gradients = step(**parameters)
    np.testing.assert_allclose(loss, graph.outputs[0].value, rtol=1e-12)
    for node, gradient in zip(nodes, tg.gradients(graph.outputs[0], *nodes), strict=True):
        found = gradients[graph.name(node)]
        assert found.dtype == gradient.dtype
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", SPLIT)
def test_has_the_numbers_of_the_engine_over_any_chunks(name: str, chunks: tuple[int, ...]) -> None:
    both(MODELS[name], chunks)


@pytest.mark.parametrize("name", ["logistic regression", "softmax", "two layers"])
def test_has_the_numbers_of_the_engine_in_worker_processes(name: str, cluster: Any) -> None:
    both(MODELS[name], (4, 4, 3), cluster)


def points(rows: int = 5) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {"X": random.normal(size=(rows, 3)), "y": random.normal(size=rows)}


def recorded(loss: Callable[..., Any], **given: Any) -> tg.Graph:
    nodes = {name: tg.constant(value) for name, value in (points() | given).items()} | {"w": tg.parameter(np.ones(3))}
    return tg.Graph(loss(**nodes), names=nodes)


SUMS = {
    "a sum": lambda X, y, w: np.sum((X @ w - y) ** 2),
    "a product of rows": lambda X, y, w: -2 * np.dot(X @ w, y),
    "a mean and a penalty": lambda X, y, w: np.mean(y * (X @ w) ** 2) / 3 - np.sum(w**2),
    "weighted": lambda X, y, w: np.mean(y * tg.softplus(X @ w)),
    "several outputs": lambda X, y, w: (np.mean(np.exp(X @ w)), np.sum(y * (X @ w)), np.sum(w)),
    "gradients": lambda X, y, w: tg.grad(lambda w: np.mean(tg.softplus(X @ w) * y) + np.sum(w**2))(w),
    "a transposed sum": lambda X, y, w: np.sum(X.T @ X),
    "right answers": lambda X, y, w: (
        np.mean(tg.softplus(-y * (X @ w))),
        np.mean((X @ w > 0) == (y > 0)),
        np.count_nonzero(X @ w > y),
    ),
    "what no row decides": lambda X, y, w: (np.mean((X @ w - y) ** 2), w > 0, np.argmax(w)),
    "casts": lambda X, y, w: np.mean((y > 0).astype(float) * (X @ w) + (X @ w * y * 9).astype(int)),
    "columns": lambda X, y, w: np.mean((X[:, 0] * w[0] - X[:, 1:] @ w[1:] - X[..., ::-1] @ w) ** 2 * y),
    "new axes": lambda X, y, w: np.mean((X @ w[:, None] - y[:, None]) ** 2) + np.mean((y.reshape(-1, 1) * X) @ w),
    "joined columns": lambda X, y, w: np.mean(
        np.concatenate([X, X**2], axis=1) @ np.stack([w, w]).ravel() * np.stack([y, y], 1)[:, 0]
    ),
    "entries of sums": lambda X, y, w: (X.T @ y)[0] * w[0] + np.trace(X.T @ X) * w[1] + np.sum(np.stack([X.T @ y, y @ X]) * w),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_and_means_are_added_up(name: str) -> None:
    def graph(rows: int) -> tg.Graph:
        nodes = {name: tg.constant(x) for name, x in points(rows).items()} | {"w": tg.parameter(np.ones(3))}
        found = SUMS[name](**nodes)
        return tg.Graph(*(found if isinstance(found, tuple) else (found,)), names=nodes)

    w, wrt = np.array([0.1, -0.2, 0.3]), [] if name in ("gradients", "a transposed sum") else None
    values = points(ROWS)
    few = graph(5)
    used = [name for name in ("X", "y") if any(few.name(x) == name for x in few.forward)]
    data = {name: values[name] for name in used}
    rest = {"w": w} if name != "a transposed sum" else {}
    expected = graph(ROWS).compile(wrt=wrt)(**data, **rest)
    found = tg.bridges.dask.step(few, wrt, **in_chunks(data, (1, 7, 3)))(**rest)
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-12, atol=1e-12)
    assert [x.dtype for x in entries(found)] == [x.dtype for x in entries(expected)]


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
def test_whole_numbers_are_exact(chunks: tuple[int, ...]) -> None:
    large = 2**53 + 1  # which no float64 is
    k, n = tg.constant(np.full(5, large)), tg.constant(np.array([large, -large]))
    graph = tg.Graph(np.sum(k), n, np.sum(k[:, None] * np.array([1, 2]), axis=0), n > 0, names={"k": k, "n": n})
    step = tg.bridges.dask.step(graph, [], **in_chunks({"k": np.full(ROWS, large)}, chunks))
    (total, same, columns, truths), _ = step(n=n.value)
    assert (int(total), same.tolist(), truths.tolist()) == (ROWS * large, [large, -large], [True, False])
    assert columns.tolist() == [ROWS * large, 2 * ROWS * large]
    assert [x.dtype for x in (total, same, columns, truths)] == [np.int64, np.int64, np.int64, np.bool_]


def entries(results: Any) -> list[Any]:
    """The outputs and the gradients."""
    outputs, gradients = results
    return [*(outputs if isinstance(outputs, tuple) else [outputs]), *gradients.values()]


def flat(results: Any) -> Any:
    """All their entries."""
    return np.concatenate([np.ravel(x) for x in entries(results)])


COUPLED = {
    "divide is not linear in a sum over all rows": lambda X, y, w: np.sum(y * (X @ w)) / np.sum(y**2),
    "log is not linear in a sum over all rows": lambda X, y, w: np.log(np.mean((X @ w - y) ** 2)),
    "multiply is not linear in a sum over all rows": lambda X, y, w: np.mean(X @ w) * np.mean(y * (X @ w)),
    "subtract of each row needs a sum over all of them": lambda X, y, w: np.var(X @ w - y),
    "max of all rows is no sum": lambda X, y, w: np.max(X @ w - y),
    "cumsum is not known to compute each row from the same row": lambda X, y, w: np.mean(np.cumsum(X @ w, axis=0) * y),
    "a sum over rows and a value that is none are added": lambda X, y, w: np.sum((X @ w - y) ** 2) + np.sum(w**2),
    "values that depend differently on how many rows there are": lambda X, y, w: np.sum(X @ w) + np.mean(y * (X @ w)),
    "a value with an entry for each row is returned": lambda X, y, w: X @ w - y,
    "an array without a name has an entry for each row": lambda X, y, w: np.mean((X @ w - np.arange(5.0)) ** 2 * y),
    "nothing in the graph says that y has the rows of X": lambda X, y, w: np.mean(X @ w) + np.mean(y),
    "cast is not linear in a sum over all rows": lambda X, y, w: np.sum(y * (X @ w)).astype(int) * np.sum(w),
    "stack is not linear in a sum over all rows": lambda X, y, w: np.sum(np.stack([np.sum(X @ w * y), np.sum(w)])),
    "index is not known to compute each row from the same row": lambda X, y, w: np.mean(X[::-1] @ w * y),
    "concatenate is not known to compute each row": lambda X, y, w: np.mean(np.concatenate([X @ w, y])),
    "reshape is not known to compute each row": lambda X, y, w: np.mean(np.reshape(X * w, -1)) + np.mean(X @ w * y),
    "each axis of the arguments has the size of a parameter's axis, or": lambda X, y, w: np.mean(X @ w - y.reshape(5, 1)[:, 0]),
    "Python decided by a value": lambda X, y, w: np.mean(X @ w * y) if np.sum(w) > 0 else np.mean(y),
}


@pytest.mark.parametrize("reason", COUPLED)
def test_what_couples_rows_raises_the_reason(reason: str) -> None:
    graph = recorded(COUPLED[reason])
    with pytest.raises(ValueError, match=rf"the graph cannot be computed chunk by chunk: {reason}"):
        tg.bridges.dask.step(graph, **in_chunks(points(ROWS), (4, 7)))


@pytest.mark.parametrize("wrt", ["X", "z", ["w", "y"], "L"])
def test_what_depends_on_rows_has_no_gradient_chunk_by_chunk(wrt: Any) -> None:
    nodes = {name: tg.constant(x) for name, x in points().items()} | {"w": tg.parameter(np.ones(3))}
    nodes["z"] = z = nodes["X"] @ nodes["w"]
    nodes["L"] = L = np.mean((z - nodes["y"]) ** 2)
    graph = tg.Graph(L, names=nodes)
    with pytest.raises(ValueError, match="depends on the rows, and a gradient is taken with respect to it"):
        tg.bridges.dask.step(graph, wrt, **in_chunks(points(8), (4, 4)))


def test_gradients_of_bound_and_computed_values_that_no_row_decides() -> None:
    nodes = {name: tg.constant(x) for name, x in points().items()} | {"w": tg.parameter(np.ones(3)), "l2": tg.constant(0.1)}
    nodes["size"] = np.sum(nodes["w"] ** 2)
    L = np.mean((nodes["X"] @ nodes["w"] - nodes["y"]) ** 2) + nodes["l2"] * nodes["size"]
    graph, wrt, bind = tg.Graph(L, names=nodes), ["w", "size", "l2"], {"w": np.array([0.1, 0.2, 0.3])}
    found = tg.bridges.dask.step(graph, wrt, bind, **in_chunks(points(ROWS), (4, 7)))(l2=0.5)
    expected = graph.compile(wrt=wrt, bind=bind)(**points(ROWS), l2=0.5)
    assert list(found[1]) == list(expected[1])
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-12)


def over_rows(X: Any, y: Any, w: Any) -> Any:
    m = len(y)
    return np.sum((X @ w - y) ** 2) / m


@pytest.mark.parametrize(
    ("loss", "number"),
    [
        (over_rows, "m"),
        (lambda X, y, w: np.mean((X @ w - y) ** 2) + np.sum(w**2) / (2 * len(y)), r"2 \* len\(y\)"),
        (lambda X, y, w: np.sum((X @ w - y) ** 2) / np.sqrt(y.size), r"np.sqrt\(y.size\)"),
    ],
)
def test_a_recorded_number_of_rows_raises_an_error(loss: Callable[..., Any], number: str) -> None:
    with pytest.raises(ValueError, match=rf"and {number} at test_dask.py:.* stays the number that was recorded"):
        tg.bridges.dask.step(recorded(loss), **in_chunks(points(5), (5,)))


def squares(X: Any, y: Any, w: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def test_a_parameter_may_have_as_many_entries_as_there_were_rows() -> None:
    graph = recorded(squares, **points(3))
    step = tg.bridges.dask.step(graph, **in_chunks(points(ROWS), (4, 7)))
    for w in (np.zeros(3), graph["w"].value):
        expected = recorded(squares).compile()(**points(ROWS), w=w)
        np.testing.assert_allclose(flat(step(w=w)), flat(expected), rtol=1e-12)


def test_the_largest_array_has_the_chunks_that_are_computed() -> None:
    data = in_chunks(points(ROWS), (4, 4, 3))
    step = tg.bridges.dask.step(recorded(squares), y=data["y"].rechunk(-1), X=data["X"])
    assert "on 3 chunks of dask" in repr(step)


def test_what_is_given_is_checked() -> None:
    graph, data = recorded(squares), in_chunks(points(ROWS), (4, 7))
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (TypeError, "X has dtype float32, and was recorded with float64: pass", {"X": data["X"].astype(np.float32)}),
        (TypeError, "X is not a dask array", {"X": points(ROWS)["X"]}),
        (TypeError, "the graph has no leaf Z", {"Z": data["X"]}),
        (ValueError, r"chunks of unknown sizes: call X.compute_chunk_sizes\(\)", {"X": data["X"][data["y"] > 0]}),
        (ValueError, "y has 11 rows, and X has 5", {"X": data["X"][:5]}),
        (ValueError, r"chunks along axis 1, .* X.rechunk\(\{1: -1\}\)", {"X": data["X"].rechunk((4, 2))}),
        (ValueError, "X has 1 axes, and was recorded with 2", {"X": data["y"]}),
        (ValueError, "X has no rows", {"X": data["X"][:0], "y": data["y"][:0]}),
    ]
    for error, match, changed in wrong:
        with pytest.raises(error, match=match):
            tg.bridges.dask.step(graph, **data | changed)
    with pytest.raises(TypeError, match="give the arrays"):
        tg.bridges.dask.step(graph)
    with pytest.raises(TypeError, match="takes a graph, not a Node"):
        tg.bridges.dask.step(graph.outputs[0], **data)
    with pytest.raises(TypeError, match="X was recorded sparse, and chunks are dense"):
        tg.bridges.dask.step(recorded(squares, X=sparse.csr_array(points()["X"])), **data)
    with pytest.raises(ValueError, match="y has an entry for each row, and is not given"):
        tg.bridges.dask.step(graph, X=data["X"])
    with pytest.raises(TypeError, match="the step needs w"):
        tg.bridges.dask.step(graph, **data)()


@tg.op(lambda g, out, x: 2 * g)
def doubled(x: Any) -> Any:
    return 2 * x


def test_an_op_of_the_user_that_is_not_known_to_split_raises_an_error_with_the_declaration() -> None:
    data = in_chunks(points(ROWS), (4, 7))
    with pytest.raises(ValueError, match=r"doubled is not known .* tg.op\(..., elementwise=True\)"):
        tg.bridges.dask.step(recorded(lambda X, y, w: np.mean(doubled(X @ w) * y)), **data)
    step = tg.bridges.dask.step(recorded(lambda X, y, w: np.mean((X @ doubled(w)) * y)), **data)  # it reads no rows
    expected = np.mean((points(ROWS)["X"] @ np.full(3, 2.0)) * points(ROWS)["y"])
    np.testing.assert_allclose(step(w=np.ones(3))[0], expected, rtol=1e-12)


def test_labels_are_checked_in_every_chunk() -> None:
    model = MODELS["softmax of labels"]
    values = model.values(ROWS)
    narrow = in_chunks({"X": values["X"], "y": values["y"].astype(np.int8)}, (4, 7))
    tg.bridges.dask.step(model.recorded(model.values(6))[0], **narrow)(W=values["W"], b=values["b"])
    wrong = values["y"].copy()
    wrong[-1] = 9
    step = tg.bridges.dask.step(model.recorded(model.values(6))[0], **in_chunks({"X": values["X"], "y": wrong}, (4, 7)))
    with pytest.raises(ValueError, match="do not fit 4 classes"):
        step(W=values["W"], b=values["b"])


def test_without_dask_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"pip install .*\[dask\]"):
        tg.bridges.dask.step(recorded(squares), X=np.ones((3, 3)))


def test_files_are_read_by_dask(tmp_path: Path) -> None:
    dataframe, zarr = pytest.importorskip("dask.dataframe"), pytest.importorskip("zarr")
    import pandas as pd

    values = points(ROWS)
    np.save(tmp_path / "X.npy", values["X"])
    store = zarr.create_array(str(tmp_path / "X.zarr"), shape=(ROWS, 3), chunks=(4, 3), dtype="f8")
    store[:] = values["X"]
    pd.DataFrame(values["X"], columns=list("abc")).to_parquet(tmp_path / "X.parquet")
    readers = {
        "memory map": da.from_array(np.load(tmp_path / "X.npy", mmap_mode="r"), chunks=(4, 3)),
        "zarr": da.from_zarr(str(tmp_path / "X.zarr")),
        "parquet": dataframe.read_parquet(tmp_path / "X.parquet").to_dask_array(lengths=True),
    }
    expected = recorded(squares).compile()(**values, w=np.ones(3))
    for X in readers.values():
        loss, gradients = tg.bridges.dask.step(recorded(squares), X=X, y=da.from_array(values["y"], chunks=5))(w=np.ones(3))
        np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
        np.testing.assert_allclose(gradients["w"], expected[1]["w"], rtol=1e-12)


def test_a_data_frame_is_not_read_into_memory() -> None:
    frame = pytest.importorskip("dask.dataframe").from_array(da.from_array(points(ROWS)["X"], chunks=(4, 3)))
    y = da.from_array(points(ROWS)["y"], chunks=4)
    fitted = LinearRegression().fit(points(ROWS)["X"], points(ROWS)["y"])
    for of_frame in (
        lambda: tg.bridges.dask.step(recorded(squares), X=frame, y=y),
        lambda: LinearRegression().fit(frame, y),
        lambda: LinearRegression().fit(points(ROWS)["X"], frame),
        lambda: LogisticRegression().fit(points(ROWS)["X"], frame),
        lambda: fitted.predict(frame),
    ):
        with pytest.raises(TypeError, match=r"to_dask_array\(lengths=True\)"):
            of_frame()
    assert not is_chunked(frame)


def one_chunk(rows: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return rows


def test_the_result_is_the_same_when_a_worker_is_killed(cluster: Any) -> None:
    values = points(40)
    data = in_chunks(values, (2,) * 20)
    data["X"] = data["X"].map_blocks(one_chunk, 0.1, dtype=float)
    step = tg.bridges.dask.step(recorded(squares), **data)
    with dask.config.set(scheduler=cluster):
        loss, gradients = step(w=np.ones(3))
        workers = cluster.run(os.getpid)
        threading.Timer(0.3, os.kill, (min(workers.values()), signal.SIGKILL)).start()
        again = step(w=np.ones(3))
        assert cluster.run(os.getpid) != workers
    assert again[0] == loss
    np.testing.assert_array_equal(again[1]["w"], gradients["w"])


def test_without_workers_there_is_an_error_after_a_while(cluster: Any) -> None:
    step = tg.bridges.dask.step(recorded(squares), **in_chunks(points(ROWS), (4, 7)))
    workers = len(cluster.scheduler_info()["workers"])
    cluster.cluster.scale(0)
    try:
        for _ in range(300):
            if not cluster.nthreads():
                break
            time.sleep(0.1)
        with (
            dask.config.set({"scheduler": cluster, "distributed.scheduler.no-workers-timeout": "2s"}),
            pytest.raises(RuntimeError, match="no worker for 2 s"),
        ):
            step(w=np.ones(3))
    finally:
        cluster.cluster.scale(workers)


# Estimators

FITS = {
    "logistic": (lambda: LogisticRegression(solver="lbfgs", l2=0.01, random_state=0), lambda z: np.where(z > 0, "yes", "no")),
    "softmax": (lambda: SoftmaxRegression(l2=0.01, random_state=0), lambda z: np.digitize(z, [-1, 1])),
    "linear": (lambda: LinearRegression(solver="lbfgs", random_state=0), lambda z: z),
    "mlp": (lambda: MLPClassifier(solver="lbfgs", max_iter=5, random_state=0), lambda z: np.digitize(z, [-1, 1])),
}


def examples(target: Callable[[Any], Any]) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3))
    return X, target(X @ np.array([1.0, -1.0, 0.5]) + random.normal(size=90))


@pytest.mark.parametrize("name", FITS)
def test_estimators_fit_and_predict_dask_arrays(name: str) -> None:
    estimator, target = FITS[name]
    X, y = examples(target)
    chunked = {"X": da.from_array(X, chunks=(25, 2)), "y": da.from_array(y, chunks=40)}
    on_arrays = estimator().set_params(solver="lbfgs").fit(X, y)
    on_dask = estimator().fit(chunked["X"], chunked["y"])
    assert on_dask.n_iter_ == on_arrays.n_iter_
    np.testing.assert_allclose(on_dask.history_["loss"], on_arrays.history_["loss"], rtol=1e-9)
    np.testing.assert_allclose(on_dask.history_["accuracy"], on_arrays.history_["accuracy"], rtol=1e-12)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(on_dask, method):
            lazy = getattr(on_dask, method)(chunked["X"])
            assert lazy.chunks[0] == (25, 25, 25, 15)
            expected = getattr(on_dask, method)(X)
            assert lazy.dtype == expected.dtype
            assert lazy.shape == expected.shape
            found = lazy.compute()
            if found.dtype.kind == "f":
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
            else:
                np.testing.assert_array_equal(found, expected)


def test_chunks_without_rows_have_no_predictions() -> None:
    X, y = examples(lambda z: z > 0)
    chunked = da.from_array(X, chunks=(25, 3))
    model = LogisticRegression(l2=0.1).fit(chunked, da.from_array(y, chunks=40))
    chosen = X[:, 0] > np.sort(X[:, 0])[-3]
    rows = chunked[da.from_array(chosen, chunks=25)].compute_chunk_sizes()
    assert 0 in rows.chunks[0]
    np.testing.assert_allclose(model.predict_proba(rows).compute(), model.predict_proba(X[chosen]), rtol=1e-12)


def test_what_estimators_do_not_do_with_dask_arrays_raises_an_error() -> None:
    X, y = examples(lambda z: z > 0)
    X, y = da.from_array(X, chunks=(25, 3)), da.from_array(y, chunks=40)
    for settings in ({"solver": "adam"}, {"early_stopping": True}, {"class_weight": "balanced"}):
        with pytest.raises(ValueError, match="dask arrays"):
            LogisticRegression(**settings).fit(X, y)
    with pytest.raises(ValueError, match="dask arrays"):
        LogisticRegression().fit(X, y, sample_weight=np.ones(90))
    with pytest.raises(ValueError, match="dask arrays"):
        LogisticRegression(solver="adam").partial_fit(X, y)
    with pytest.raises(TypeError, match="must both be dask arrays"):
        LogisticRegression().fit(X, y.compute())
    with pytest.raises(ValueError, match="unknown sizes"):
        LogisticRegression().fit(X[X[:, 0] > 0], y)
    with pytest.raises(ValueError, match="contains NaN"):
        LogisticRegression().fit(X * np.nan, y)
    for wrong in (X + 0j, X.astype(str), X.map_blocks(sparse.csr_array)):
        with pytest.raises(ValueError, match="X must hold dense real numbers"):
            LogisticRegression().fit(wrong, y)
    for targets in (y + 0j, y.astype(str)):
        with pytest.raises(ValueError, match="y must hold real numbers"):
            LinearRegression().fit(X, targets)
    for few in (X[:1], X[:, :0]):
        with pytest.raises(ValueError, match="two rows or more, and a column"):
            LinearRegression().fit(few, y[: len(few)])
    fitted = LogisticRegression(l2=0.1).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        fitted.predict(X[:, :2])
    with pytest.raises(AttributeError, match="standard errors need the examples"):
        _ = fitted.standard_errors_
