"""Size and time: nothing recurses, nothing leaks, threads agree."""

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import tinygraph as tg


def test_a_chain_of_a_million_nodes_records_differentiates_and_frees() -> None:
    w = h = tg.parameter(1.0)
    for _ in range(1_000_000):
        h = h + 1e-6
    assert tg.gradients(h, w) == (1,)
    graph = tg.Graph(h, names={"w": w})
    assert graph.backprop()["w"].value == 1
    assert "1,000,001 nodes forward" in repr(graph)
    del graph, h


def test_a_long_chain_pickles_as_a_graph() -> None:
    w = h = tg.parameter(1.0)
    for _ in range(30_000):
        h = h * 1.0
    graph = tg.Graph(h, names={"w": w})
    graph.backprop()
    assert pickle.loads(pickle.dumps(graph))["dw"].value == 1


def test_doubling_sixty_times_gives_two_to_the_sixty() -> None:
    w = h = tg.parameter(1.0)
    for _ in range(60):
        h = h + h
    assert tg.gradients(h, w) == (2.0**60,)
    assert tg.Graph(h, names={"w": w}).backprop()["w"].value == 2.0**60


def train(steps: int, seed: int = 0) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    X, w, b = random.normal(size=(8, 2)), np.zeros(2), 0.0
    y = (X[:, 0] > 0).astype(float)
    for _ in range(steps):
        w_node, b_node = tg.parameter(w), tg.parameter(b)
        L = tg.binary_cross_entropy_with_logits(X @ w_node + b_node, y)
        dw, db = tg.gradients(L, w_node, b_node)
        w, b = w - 0.1 * dw, b - 0.1 * db
    return float(w[0]), float(b)


def test_training_with_the_collector_off_leaves_nothing_behind() -> None:
    train(10)
    for _ in range(2):
        tg.Graph(np.exp(tg.parameter(1.0)), names={}).backprop()  # what is read of this file is kept
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        train(20_000)
        after = len(gc.get_objects())
        graphs_before = len(gc.get_objects())
        for _ in range(200):
            w = tg.parameter(1.0)
            tg.Graph(np.exp(w) * w, names={"w": w}).backprop()
        graphs_after = len(gc.get_objects())
    finally:
        gc.enable()
    assert after - before < 50
    assert graphs_after - graphs_before < 50


def test_the_collector_is_as_it_was_after_a_sweep() -> None:
    w = tg.parameter(1.0)
    for switch in (gc.disable, gc.enable):
        switch()
        enabled = gc.isenabled()
        tg.gradients(w * w, w)
        assert gc.isenabled() == enabled


def test_four_threads_agree_with_one() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(train, [300] * 4, range(4))) == [train(300, seed) for seed in range(4)]
