"""One process of a mesh, as a user's script is: `mesh_worker.py FOLDER COUNT PROCESS PORT UNTIL DIES`.

It compares the steps of some models with the engine, on 1, 2, ... devices, and writes what it found; then it trains from the last
checkpoint until a number of steps, and ends in the middle where it shall die.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

import tinygraph as tg
from tests.compiled import MODELS

COMPARED = ["logistic regression", "softmax of labels", "two layers"]
ROWS = [24, 23, 3]  # which divide, do not, and are fewer than the devices
LOST = 75


def errors(mesh: Any, rows_of: list[int]) -> dict[str, Any]:
    """The largest difference of each model from the engine, relative to the largest entry, and the reductions of its program."""
    found = {}
    for name in COMPARED:
        step: Any = MODELS[name].recorded(MODELS[name].values(6))[0].compile(backend="jax", mesh=mesh)
        for rows in rows_of:
            values = MODELS[name].values(rows, rows)
            graph, parameters = MODELS[name].recorded(values)
            loss, gradients = step(**values)
            pairs = [(loss, graph.outputs[0].value)]
            exact = tg.gradients(graph.outputs[0], *parameters)
            pairs += [(gradients[graph.name(x)], value) for x, value in zip(parameters, exact, strict=True)]
            worst = max(np.max(np.abs(np.asarray(x) - y)) / np.max(np.abs(y)) for x, y in pairs)
            text = step.compiled(**values)
            found[f"{name}, {rows} rows"] = [float(worst), text.count(" all-reduce("), text.count("all-gather")]
    return found


def train(mesh: Any, path: Path, until: int, dies: int) -> None:
    """Descend from the last checkpoint, by batches of which the last is ragged."""
    import jax  # here, so that pytest reads this file where JAX is not installed

    data = MODELS["two layers"].values(50)
    X, Y = data.pop("X"), data.pop("Y")
    parameters, state = tg.bridges.checkpoint.load(path) if path.exists() else (data, {"step": 0})
    graph = MODELS["two layers"].recorded(MODELS["two layers"].values(6))[0]
    step = graph.compile(backend="jax", mesh=mesh) if mesh is not None else graph.compile()
    for i in range(state["step"], until):
        if i == dies and jax.process_index() == 1:
            os._exit(1)
        rows = slice(i % 3 * 20, i % 3 * 20 + 20)  # 20, 20 and 10
        try:
            _, gradients = step(X=X[rows], Y=Y[rows], **parameters)
        except tg.bridges.jax.LostProcessError as error:
            print(error, file=sys.stderr)
            os._exit(LOST)
        parameters = {name: parameters[name] - 0.5 * np.asarray(gradients[name]) for name in parameters}
        if jax.process_index() == 0:
            tg.bridges.checkpoint.save(path, parameters, step=i + 1)


def main(folder: str, count: int, process: int, port: int, until: int, dies: int) -> None:
    """Everything, in a process of several."""
    import jax

    if count > 1:
        jax.distributed.initialize(
            f"127.0.0.1:{port}", count, process, coordinator_bind_address=f"127.0.0.1:{port}", initialization_timeout=60
        )
    devices = jax.devices()
    numbers = [len(devices)] if count > 1 else [n for n in (1, 2, 4) if n <= len(devices)]
    meshes = {n: tg.bridges.jax.mesh(batch=devices[:n]) for n in numbers}
    path, most = Path(folder, "run.safetensors"), max(numbers)
    if not path.exists():
        found = {n: errors(mesh, ROWS if n == most else ROWS[1:2]) for n, mesh in meshes.items()}
        Path(folder, f"found-{process}.json").write_text(json.dumps(found))
    train(meshes[most], path, until, dies)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
