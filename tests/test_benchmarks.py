"""The workloads compute the same for every peer, and the runner times them and reports who is missing."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

import tinygraph as tg
from benchmarks import __main__ as command
from benchmarks import costs, data, runner
from benchmarks.compiled import GRAPHS, SECONDS
from benchmarks.costs import Machine, Work, limits, seconds
from benchmarks.plot import save
from benchmarks.runner import Result, compare
from benchmarks.size import measure

PEERS = [
    "tinygraph_compiled",
    "tinygraph_arrays",
    "tinygraph_nodes",
    "torch_eager",
    "jax_jit",
    "autograd_numpy",
    "mygrad_tensors",
]
VARIANTS = ["by_hand_tuned", "tinygraph_compiled_threads", "jax_eager", "jax_donated"]
ON_ROWS = {"tinygraph_mesh_1": "jax", "tinygraph_dask_threads": "dask"}
EQUAL = {"float64": 1e-9, "float32": 1e-5}


def peer(name: str) -> Any:
    libraries = {"torch": "torch", "jax": "jax", "autograd": "autograd", "mygrad": "mygrad"}
    needed = ON_ROWS.get(name) or libraries.get(name.split("_")[0])
    if needed:
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    return importlib.import_module(f"benchmarks.peers.{name}").WORKLOADS


@pytest.mark.filterwarnings("default")  # what peers warn about is theirs
@pytest.mark.parametrize(
    ("workload", "name"),
    [(workload, name) for workload in ("chain", "logistic 100x2", "mlp 32") for name in PEERS]
    + [(f"logistic 100x2{ending}", name) for ending in ("", " float32") for name in VARIANTS]
    + [("logistic 100x2 float32", name) for name in PEERS]
    + [(workload, name) for workload in ("logistic 100x2", "mlp 32") for name in ON_ROWS],
)
def test_every_peer_does_the_same_work(workload: str, name: str) -> None:
    by_hand = importlib.import_module("benchmarks.peers.by_hand").WORKLOADS[workload]()
    step = peer(name)[workload]()
    for _ in range(3):
        expected, found = by_hand(), step()
    equal = EQUAL["float32" if workload.endswith("float32") else "float64"]
    np.testing.assert_allclose(np.ravel(np.asarray(found)), np.ravel(expected), rtol=equal)


def test_the_compiled_demo_of_scalars_has_the_gradients_of_the_recorded_one() -> None:
    expected, found = (peer(f"tinygraph_{kind}")["moons"]() for kind in ("arrays", "compiled"))
    np.testing.assert_allclose(found(), expected(), rtol=1e-10, atol=1e-12)


def test_every_workload_has_its_peers() -> None:
    for workload, peers in command.COMPARISONS.items():
        for name in {*peers} & {"by_hand", "by_hand_tuned", *command.TINYGRAPH}:
            assert workload in peer(name)


@pytest.mark.parametrize("workload", ["fit breast cancer", "fit digits", "fit 1e5x50"])
def test_both_fits_reach_the_same_loss_and_a_gradient_as_small(workload: str) -> None:
    X, y = data.classification(workload.removeprefix("fit "))
    losses = []
    for name in ("sklearn_lbfgs", "tinygraph_models"):
        model = importlib.import_module(f"benchmarks.peers.{name}").WORKLOADS[workload]()()
        A = model.predict_proba(X)
        losses.append(log_loss(y, A) + data.L2 / 2 * np.sum(model.coef_**2))
        errors = (A - (y[:, np.newaxis] == model.classes_))[:, -len(model.coef_) :]  # of two classes, those of the second
        assert np.max(np.abs(errors.T @ X / len(y) + data.L2 * model.coef_)) <= data.TOL
        assert np.max(np.abs(np.mean(errors, axis=0))) <= data.TOL
    assert losses[1] == pytest.approx(losses[0], abs=1e-10)


@pytest.mark.parametrize("graph", ["wide", "chain", "moons"])
def test_compiling_is_timed_in_a_process_of_its_own(graph: str) -> None:
    assert measure((GRAPHS + SECONDS).format(graph=graph, count=60, repeat=1)) > 0


def test_timing_in_turn_gives_ratios_and_reports_who_is_missing() -> None:
    result = compare("logistic 100x2", ["by_hand", "tinygraph_compiled", "micrograd_scalars", "nobody"], rounds=2)
    assert set(result.times) == {"by_hand", "tinygraph_compiled", "control"}
    assert result.ratios("by_hand", "by_hand") == [1, 1, 1]
    assert min(result.times["tinygraph_compiled"]) > 0
    assert "not installed" in result.missing["nobody"]
    assert result.missing["micrograd_scalars"]


def test_peers_of_several_processes_are_timed_too() -> None:
    pytest.importorskip("jax", reason="jax is not installed")
    pytest.importorskip("distributed", reason="distributed is not installed")
    result = compare("logistic 100x2", ["tinygraph_mesh_processes", "tinygraph_dask_workers"], rounds=1)
    assert not result.missing


@pytest.mark.parametrize("workload", costs.ROWS)
def test_the_work_of_a_step_grows_with_its_rows(workload: str) -> None:
    small, large = (costs.few(workload, rows)[0] for rows in (500, 4000))
    expected = costs.work(large, 4000, costs.ROWS[workload])
    np.testing.assert_allclose(costs.work(small, 4000, costs.ROWS[workload]), expected, rtol=0.01)


def test_the_parts_of_a_step_add_up() -> None:
    machine = Machine(core_speed=1e9, read_speed=1e9, cores=4, network_speed=1e8, latency=1e-4)
    own = Work(operations=8e9, read=3e9, added=1e6)
    assert limits(own, machine) == {"computing": 2, "reading": 3, "adding up": 0}
    assert seconds(own, machine) == 5
    messages, share = 2 * 3, 2 * 3 / 4  # of a ring of 4 machines
    expected = {"computing": 0.5, "reading": 0.75, "adding up": messages * 1e-4 + share * 1e6 / 1e8}
    assert limits(own, machine, machines=4) == pytest.approx(expected)


def test_the_operations_of_scalars_are_not_counted() -> None:
    x = tg.parameter(2.0)
    step = tg.Graph(x * x, names={"x": x}).compile(strategy="groups")
    step(x=2.0)
    with pytest.raises(ValueError, match="record the graph on arrays"):
        costs.work(step, 1, ["x"])


def test_a_ratio_is_the_median_of_the_rounds_between_its_quartiles() -> None:
    result = Result({"fast": [1, 1, 1, 1, 1], "slow": [2, 8, 3, 4, 6]}, {})
    assert result.ratios("slow", "fast") == [3, 4, 6]
    assert result.ratios("nobody", "fast") == []


@pytest.mark.parametrize(("second", "tries"), [(1.04, 1), (1.06, 2)])
def test_a_workload_is_timed_again_where_the_control_is_off_by_more_than_5_percent(
    monkeypatch: pytest.MonkeyPatch, second: float, tries: int
) -> None:
    results = [Result({"by_hand": [1.0], "control": [seconds]}, {}) for seconds in (second, 1.0)]
    left = list(results)
    monkeypatch.setattr(runner, "compare", lambda *_: left.pop(0))
    assert runner.until_steady("chain", ["by_hand"], 1) is results[tries - 1]


def test_a_workload_whose_control_stays_off_is_reported_as_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    times = {"by_hand": [1.0], "tinygraph_compiled": [0.5], "control": [1.2]}
    monkeypatch.setattr(runner, "compare", lambda *_: tried.append(1) or Result(times, {}))
    report = report_of("chain", runner.until_steady("chain", ["by_hand"], 1))
    assert len(tried) == 5
    assert report["workloads"]["chain"]["ratios"] == {"control": [1.2, 1.2, 1.2]}
    assert command.promises(report) == {}
    assert "Not measured" in command.markdown(report)


def report_of(workload: str, result: Result, figures: Any = ()) -> dict[str, Any]:
    return {"machine": {"cores": 2}, "workloads": {workload: command.reported(workload, result)}, "figures": dict(figures)}


def test_the_report_says_which_promises_are_kept() -> None:
    times = {"by_hand": [1.0, 1.0], "tinygraph_compiled": [0.5, 0.7], "torch_eager": [0.5, 0.5], "control": [1.0, 1.0]}
    result = Result(times, {"jax_jit": "not installed"})
    text = command.markdown(report_of("chain", result, {"bytes a scalar node": 200.0}))
    assert "| tinygraph_compiled | 600.000 | 0.6 | 0.55 to 0.65 |" in text
    assert "| jax_jit | missing | not installed | |" in text
    assert "| chain: tinygraph_compiled over by_hand | 0.6 | 0.82 | kept |" in text
    assert "| chain: tinygraph_compiled over torch_eager | 1.2 | 0.85 | NOT KEPT |" in text
    assert "| bytes a scalar node | 200 | 250 | kept |" in text


def test_the_picture_has_a_row_for_each_workload_that_was_measured(tmp_path: Path) -> None:
    def workload(measured: bool) -> dict[str, Any]:
        ratios = {"by_hand": [1, 1, 1], "tinygraph_compiled": [0.5, 0.6, 0.7], "jax_jit": [2, 20, 30]}
        return {"measured": measured, "seconds": dict.fromkeys(ratios, 1.0), "ratios": ratios if measured else {}}

    report = {"workloads": {"chain": workload(True), "mlp 32": workload(False)}}
    path = tmp_path / "benchmarks.svg"
    save(report, path)
    text = path.read_text(encoding="utf-8")
    assert ">chain<" in text
    assert "mlp" not in text
    assert ">tinygraph, compiled<" in text
    assert "autograd" not in text  # which was not measured
    save(report, path)
    assert path.read_text(encoding="utf-8") == text
