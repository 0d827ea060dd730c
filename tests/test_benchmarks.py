"""The workloads compute the same for every peer, and the runner times them and reports who is missing."""

import importlib
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from benchmarks import __main__ as command
from benchmarks import data
from benchmarks.runner import compare

PEERS = ["tinygraph_arrays", "tinygraph_nodes", "torch_eager", "jax_jit", "autograd_numpy", "mygrad_tensors"]


def peer(name: str) -> Any:
    needed = {"torch_eager": "torch", "jax_jit": "jax", "autograd_numpy": "autograd", "mygrad_tensors": "mygrad"}
    if name in needed:
        pytest.importorskip(needed[name], reason=f"{needed[name]} is not installed")
    return importlib.import_module(f"benchmarks.peers.{name}").WORKLOADS


@pytest.mark.filterwarnings("default")  # what peers warn about is theirs
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("workload", ["chain", "logistic 100x2", "mlp 32"])
def test_every_peer_does_the_same_work(name: str, workload: str) -> None:
    by_hand = importlib.import_module("benchmarks.peers.by_hand").WORKLOADS[workload]()
    step = peer(name)[workload]()
    for _ in range(3):
        expected, found = by_hand(), step()
    np.testing.assert_allclose(np.ravel(np.asarray(found)), np.ravel(expected), rtol=1e-9)


@pytest.mark.parametrize("workload", ["fit breast cancer", "fit digits", "fit 1e5x50"])
def test_both_fits_reach_the_same_loss(workload: str) -> None:
    X, y = data.classification(workload.removeprefix("fit "))
    losses = []
    for name in ("sklearn_lbfgs", "tinygraph_models"):
        model = importlib.import_module(f"benchmarks.peers.{name}").WORKLOADS[workload]()()
        losses.append(log_loss(y, model.predict_proba(X)) + data.L2 / 2 * np.sum(model.coef_**2))
    assert losses[1] == pytest.approx(losses[0], abs=1e-10)


def test_timing_in_turn_gives_ratios_and_reports_who_is_missing(tmp_path: Any) -> None:
    result = compare("logistic 100x2", ["by_hand", "tinygraph_arrays", "micrograd_scalars", "nobody"], rounds=2)
    assert set(result.ratios) == {"by_hand", "tinygraph_arrays"}
    assert result.ratios["by_hand"] == 1
    assert result.seconds["tinygraph_arrays"] > 0
    assert "not installed" in result.missing["nobody"]
    assert result.missing["micrograd_scalars"]


def test_the_report_says_which_promises_are_kept() -> None:
    seconds = {"torch_eager": 1.0, "tinygraph_arrays": 0.5}
    chain = {"seconds": seconds, "ratios": seconds, "missing": {"jax_jit": "not installed"}}
    text = command.markdown({"machine": {"cores": 2}, "workloads": {"chain": chain}, "sizes": {"bytes a scalar node": 300.0}})
    assert "| jax_jit | missing | not installed |" in text
    assert "| chain: tinygraph_arrays over torch_eager | 0.50 | 0.6 | kept |" in text
    assert "| bytes a scalar node | 300.00 | 250 | NOT KEPT |" in text
