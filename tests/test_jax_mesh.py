"""`graph.compile(backend="jax", mesh=...)`: the numbers of the engine on several devices and in several processes."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tinygraph as tg
from tests.compiled import MODELS

jax = pytest.importorskip("jax", reason='needs JAX: pip install -e ".[jax]"')
pytest.importorskip("safetensors", reason='needs safetensors: pip install -e ".[jax]"')
from tinygraph.bridges.processes import answered  # noqa: E402  # which needs no JAX, as the tests do

ROOT = Path(__file__).parents[1]
SECONDS = 60  # in which everything ends
STEPS, DIES = 12, 5


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def environment(**own: str) -> dict[str, str]:
    """That of a process on this computer."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PATH": path} | own


def of_devices(count: int) -> str:
    return f"--xla_force_host_platform_device_count={count}"


def ended(folder: Path, *commands: list[str], **own: str) -> list[tuple[int, str]]:
    """What each of several Python processes in a folder ended with, and what it wrote to stderr."""
    started = []
    for i, command in enumerate(commands):
        given = environment(PROCESS=str(i), **own)
        started.append(subprocess.Popen([sys.executable, *command], cwd=folder, env=given, stderr=subprocess.PIPE, text=True))
    try:
        texts = [one.communicate(timeout=SECONDS)[1] for one in started]
    finally:
        for one in started:
            one.kill()
    return [(one.returncode, text) for one, text in zip(started, texts, strict=True)]


def workers(folder: Path, count: int = 1, devices: int = 1, until: int = STEPS, dies: int = -1) -> list[tuple[int, str]]:
    """What the processes of `tests.mesh_worker` ended with."""
    port = free_port()
    arguments = [[str(x) for x in (folder, count, process, port, until, dies)] for process in range(count)]
    return ended(folder, *(["-m", "tests.mesh_worker", *own] for own in arguments), XLA_FLAGS=of_devices(devices))


def end(folder: Path) -> dict[str, Any]:
    parameters, state = tg.bridges.checkpoint.load(folder / "run.safetensors")
    assert state == {"step": STEPS}
    return parameters


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same training by the step that NumPy runs."""
    from tests import mesh_worker

    folder = tmp_path_factory.mktemp("uninterrupted")
    mesh_worker.train(None, folder / "run.safetensors", STEPS, -1)
    return end(folder)


def assert_found(path: Path, counts: list[int]) -> None:
    found = json.loads(path.read_text())
    assert [int(n) for n in found] == counts
    for n, models in found.items():
        assert len(models) == (9 if int(n) == counts[-1] else 3)
        for name, (error, reductions, gathers) in models.items():
            assert error < 5e-13, name
            assert (reductions, gathers) == (1, 0), name


def assert_ends_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12)


def test_one_two_and_four_devices(tmp_path: Path, uninterrupted: Any) -> None:
    ((code, text),) = workers(tmp_path, devices=4)
    assert not code, text
    assert_found(tmp_path / "found-0.json", [1, 2, 4])
    assert_ends_equal(end(tmp_path), uninterrupted)


def test_two_processes_one_of_which_dies_and_both_go_on(tmp_path: Path, uninterrupted: Any) -> None:
    (survived, text), (died, _) = workers(tmp_path, count=2, dies=DIES)
    assert (survived, died) == (75, 1), text
    assert "a process of the mesh has ended" in text
    for process in range(2):
        assert_found(tmp_path / f"found-{process}.json", [2])
    assert tg.bridges.checkpoint.load(tmp_path / "run.safetensors")[1] == {"step": DIES}
    assert [code for code, _ in workers(tmp_path, count=2, devices=2)] == [0, 0]
    assert_ends_equal(end(tmp_path), uninterrupted)


# The script of the documentation

SCRIPT, SHELL, SLURM = re.findall(
    r"```(?:py|bash)\n(.*?)```", (ROOT / "docs" / "bridges.md").read_text().partition("This is `train.py`")[2], re.S
)


def test_the_shell_starts_all_again_when_one_is_killed_and_the_end_is_the_same(tmp_path: Path) -> None:
    dies = "    if i == 50 and process == 1 and state['step'] == 0:\n        os.kill(os.getpid(), 9)\n    loss, grads"
    (tmp_path / "train.py").write_text(SCRIPT.replace("    loss, grads", dies))
    shell = SHELL.replace("127.0.0.1:5000", f"127.0.0.1:{free_port()}")
    run = subprocess.run(["bash", "-c", shell], cwd=tmp_path, env=environment(), timeout=SECONDS, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert b"LostProcessError" in run.stderr
    found, state = tg.bridges.checkpoint.load(tmp_path / "run.safetensors")
    assert state == {"step": 100}

    text = re.sub(r"^jax.distributed.*$", "", SCRIPT, flags=re.M).partition("\npath = ")[0].partition("random = ")[2]
    scope: dict[str, Any] = {"np": np, "tg": tg}
    exec(f"random = {text.partition('step = ')[0]}", scope)
    step: Any = tg.Graph(scope["L"], names=scope["names"]).compile(bind={"X": scope["X"], "y": scope["y"]})
    parameters = {"w": np.zeros(3), "b": np.float64(0)}
    for _ in range(100):
        _, gradients = step(**parameters)
        parameters = {name: parameters[name] - 2.0 * gradients[name] for name in parameters}
    assert_ends_equal(found, parameters)


def test_the_shell_starts_all_five_times_in_all(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('started')\nexit(75)\n")
    run = subprocess.run(["bash", "-c", SHELL], cwd=tmp_path, env=environment(), timeout=SECONDS, capture_output=True, text=True)
    assert (run.returncode, run.stdout.count("started")) == (1, 10)


@pytest.mark.parametrize(("status", "restarts", "said"), [(1, "", "requeue 7"), (1, "3", "requeue 7"), (1, "4", ""), (0, "", "")])
def test_slurm_starts_all_again_when_a_process_has_failed(status: int, restarts: str, said: str) -> None:
    commands = f'srun() {{ return {status}; }}\nscontrol() {{ [ "$1" = show ] && echo node || echo "$@"; }}\n'
    own = environment(SLURM_JOB_ID="7", SLURM_NTASKS="4", SLURM_JOB_NODELIST="node", SLURM_RESTART_COUNT=restarts)
    run = subprocess.run(["bash", "-c", commands + SLURM], env=own, timeout=SECONDS, capture_output=True, text=True)
    assert (run.stdout.strip(), run.returncode == 0) == (said, bool(said) or status == 0), run.stderr


CHANGES = {
    "an exception in one process": ("    loss, grads", "    if i == process * 5 > 0:\n        bad\n    loss, grads"),
    "parameters of each process": (
        '"w": np.zeros(3), "b": np.float64(0.0)}, {',
        '"w": np.full(3, 1.0 * process), "b": np.zeros(())}, {',
    ),
    "data of each process": ("default_rng(0)", "default_rng(process)"),
    "a number of each process": ('names["b"], names', 'names["b"] * (process + 1.5), names'),
}
SAID = {
    "an exception in one process": ["a process of the mesh has ended", "name 'bad' is not defined"],
    "parameters of each process": ["the processes have different w:"] * 2,
    "data of each process": ["the processes have different X, y:"] * 2,
    "a number of each process": ["the processes have different step.source:"] * 2,
}


def of_two_processes(folder: Path) -> list[tuple[int, str]]:
    """What the processes of the script in a folder ended with."""
    return ended(folder, ["train.py"], ["train.py"], MESH_ADDRESS=f"127.0.0.1:{free_port()}", PROCESSES="2")


@pytest.mark.parametrize("name", CHANGES)
def test_all_processes_end_with_the_reason(tmp_path: Path, name: str) -> None:
    before, after = CHANGES[name]
    assert before in SCRIPT
    (tmp_path / "train.py").write_text(SCRIPT.replace(before, after))
    for (code, text), said in zip(of_two_processes(tmp_path), SAID[name], strict=True):
        assert code == 75, text
        assert said in text


def test_the_first_row_is_compared_along_any_axis(tmp_path: Path) -> None:
    of_columns = SCRIPT.replace("X[:8]", "X.T[:, :8]").replace('names["X"] @ names["w"]', 'names["w"] @ names["X"]')
    differing = of_columns.replace('bind={"X": X,', 'bind={"X": X.T,').replace("\nnames =", "\nX[0, 1] += process\nnames =")
    (tmp_path / "train.py").write_text(differing)
    for code, text in of_two_processes(tmp_path):
        assert code == 75, text
        assert "the processes have different X:" in text


LISTENING = """
    if i == 0:
        own = {os.readlink(f"/proc/self/fd/{x}") for x in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{x}")}
        lines = [line.split() for kind in ("tcp", "tcp6") for line in open(f"/proc/self/net/{kind}")]
        for line in lines:
            if line[3] == "0A" and f"socket:[{line[9]}]" in own:
                print("listens at", ".".join(str(x) for x in bytes.fromhex(line[1].split(":")[0][-8:])[::-1]), file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads the sockets of Linux")
def test_processes_listen_at_the_address_given_and_that_of_the_name_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.replace("    parameters = {name:", f"{LISTENING}    parameters = {{name:"))
    gloo = f"listens at {socket.gethostbyname(socket.gethostname())}"
    (first, one), (second, other) = of_two_processes(tmp_path)
    assert (first, second) == (0, 0), one + other
    assert sorted(re.findall("listens at .*", one)) == sorted(["listens at 127.0.0.1", gloo])
    assert re.findall("listens at .*", other) == [gloo]


def test_an_error_that_is_no_loss_of_a_process_stays_as_it_is() -> None:
    several = SimpleNamespace(process_count=lambda: 2, block_until_ready=lambda x: x, errors=jax.errors)

    def run(message: str) -> None:
        raise jax.errors.JaxRuntimeError(message)

    for message in ("RESOURCE_EXHAUSTED: Out of memory", "INVALID_ARGUMENT: wrong", "INTERNAL: a kernel failed"):
        with pytest.raises(jax.errors.JaxRuntimeError, match=message):
            answered(several, lambda message=message: run(message))
    for message in ("UNKNOWN: Gloo all-reduce failed: Connection closed by peer", "UNAVAILABLE: Socket closed"):
        with pytest.raises(tg.bridges.jax.LostProcessError):
            answered(several, lambda message=message: run(message))


def test_an_infinite_row_stays_so_where_the_last_device_is_filled(tmp_path: Path) -> None:
    script = """
import jax, numpy as np, tinygraph as tg
X, w = tg.constant(np.ones((8, 2))), tg.parameter(np.ones(2))
step = tg.Graph(np.sum(X @ w) + np.sum(np.exp(X) * np.log(X)), names={"X": X, "w": w}).compile(
    backend="jax", mesh=tg.bridges.jax.mesh(batch=jax.devices()))
rows = np.ones((9, 2))
print(float(step(X=rows, w=np.ones(2))[0]))
rows[-1] = np.inf
print(step(X=rows, w=np.ones(2))[1]["w"])
"""
    own = environment(XLA_FLAGS=of_devices(4))
    run = subprocess.run([sys.executable, "-c", script], env=own, timeout=SECONDS, capture_output=True, text=True)
    assert run.stdout == "18.0\n[inf inf]\n", run.stderr


# In this process


@pytest.fixture
def mesh() -> Any:
    return tg.bridges.jax.mesh(batch=jax.devices())


def recorded(name: str, rows: int = 6) -> tg.Graph:
    return MODELS[name].recorded(MODELS[name].values(rows))[0]


COUPLED = {
    "variance": "subtract of each row needs a sum over all of them",
    "normalised": "std of all rows is no sum of what it gives of some of them",
    "a running sum": "cumsum is not known to compute each row from the same row",
}


@pytest.mark.parametrize(("name", "reason"), COUPLED.items(), ids=COUPLED)
def test_what_couples_rows_raises_the_reason(mesh: Any, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"the graph does not split over rows: {reason}"):
        recorded(name).compile(backend="jax", mesh=mesh)


def test_a_value_for_each_row_raises_an_error(mesh: Any) -> None:
    with pytest.raises(ValueError, match="a value with an entry for each row is returned"):
        recorded("logistic regression").compile(backend="jax", mesh=mesh, wrt=["X"])


def test_an_op_without_a_counterpart_is_named(mesh: Any) -> None:
    with pytest.raises(TypeError, match="JAX cannot trace scatter_like"):
        recorded("an entry of each row").compile(backend="jax", mesh=mesh)


def test_a_sparse_matrix_raises_an_error(mesh: Any) -> None:
    S = tg.constant(sparse.csr_array(np.eye(3)))
    w = tg.parameter(np.ones(3))
    with pytest.raises(TypeError, match=r"S: a sparse matrix.*S.toarray\(\)"):
        tg.Graph(np.sum(S @ w), names={"S": S, "w": w}).compile(backend="jax", mesh=mesh)


def test_rows_may_lie_along_another_axis_and_constants_without_a_name_are_shared_too(mesh: Any) -> None:
    W = tg.parameter(np.ones((3, 3)))
    away = W @ np.random.default_rng(0).normal(size=(3, 6)) - np.random.default_rng(1).normal(size=(3, 6))
    graph = tg.Graph(np.mean(away**2) + 0.1 * np.max(W), names={"W": W})
    value = np.arange(9.0).reshape(3, 3)
    (loss, gradients), (expected, theirs) = (
        graph.compile(**setting)(W=value) for setting in ({"backend": "jax", "mesh": mesh}, {})
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-13)
    np.testing.assert_allclose(gradients["W"], theirs["W"], rtol=1e-12)


def test_the_mesh_is_shown(mesh: Any) -> None:
    counted = "1 device" if len(jax.devices()) == 1 else f"{len(jax.devices())} devices"
    assert repr(recorded("logistic regression").compile(backend="jax", mesh=mesh)).endswith(f"on {counted} of JAX>")


def test_the_mesh_is_checked() -> None:
    with pytest.raises(ValueError, match=r"batch=\[\] has no device: give it jax.devices\(\)"):
        tg.bridges.jax.mesh(batch=[])
    for no_devices in (8, "cpu", None, jax.devices()[0]):
        with pytest.raises(TypeError, match=r"is not a list of devices: give it jax.devices\(\)"):
            tg.bridges.jax.mesh(batch=no_devices)
    with pytest.raises(ValueError, match="a device twice"):
        tg.bridges.jax.mesh(batch=jax.devices()[:1] * 2)
    graph = recorded("logistic regression")
    other = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("model",))
    for wrong in (other, jax.devices()):
        with pytest.raises(ValueError, match=r"give tg.bridges.jax.mesh\(batch=jax.devices\(\)\)"):
            graph.compile(backend="jax", mesh=wrong)
    with pytest.raises(ValueError, match='mesh= is a setting of backend="jax"'):
        graph.compile(mesh=other)


def test_arguments_are_checked(mesh: Any) -> None:
    step: Any = recorded("softmax of labels").compile(backend="jax", mesh=mesh)
    values = MODELS["softmax of labels"].values(9)
    with pytest.raises(ValueError, match=r"the numbers of rows differ: X has 9, y has 8"):
        step(**values | {"y": values["y"][:8]})
    with pytest.raises(ValueError, match=r"W has shape \(3, 5\).*only the number of rows may differ"):
        step(**values | {"W": np.ones((3, 5))})
    with pytest.raises(TypeError, match=r"X has dtype float32, and was recorded with float64: pass X.astype\(np.float64\)"):
        step(**values | {"X": values["X"].astype(np.float32)})
    for label in (9, -1):
        with pytest.raises(ValueError, match=f"labels from {label} to {label} do not fit 4 classes"):
            step(**values | {"y": np.full(9, label)})


@pytest.mark.parametrize("on_mesh", [True, False])
def test_bound_labels_are_checked(mesh: Any, on_mesh: bool) -> None:
    values = MODELS["softmax of labels"].values(6)
    graph = recorded("softmax of labels")
    setting = {"mesh": mesh} if on_mesh else {}
    step: Any = graph.compile(backend="jax", bind={"y": np.full(6, 9)}, **setting)
    with pytest.raises(ValueError, match="labels from 9 to 9 do not fit 4 classes"):
        step(X=values["X"], W=values["W"], b=values["b"])


def test_what_was_recorded_as_a_number_holds_for_its_rows_alone(mesh: Any) -> None:
    w, X = tg.parameter(np.ones(3)), tg.constant(np.ones((6, 3)))
    graph = tg.Graph(np.sum(X @ w) / len(X), names={"w": w, "X": X})
    step: Any = graph.compile(backend="jax", mesh=mesh)
    assert float(step(X=np.ones((6, 3)), w=np.ones(3))[0]) == 3
    with pytest.raises(ValueError, match=r"len\(X\).*stays the number"):
        step(X=np.ones((7, 3)), w=np.ones(3))


def test_what_is_bound_is_a_copy_on_the_devices(mesh: Any) -> None:
    values = MODELS["logistic regression"].values(6)
    graph = recorded("logistic regression")
    expected = graph.compile()(**values)[0]
    X, y = values.pop("X"), values.pop("y")
    step: Any = graph.compile(backend="jax", mesh=mesh, bind={"X": X, "y": y})
    X[:], y[:] = 7, 1
    np.testing.assert_allclose(step(**values)[0], expected, rtol=1e-14)


@pytest.mark.parametrize("on_mesh", [True, False])
def test_arrays_may_change_after_a_call(mesh: Any, on_mesh: bool) -> None:
    memory = np.zeros(400_001 * 8)
    X = memory[-memory.ctypes.data % 64 // 8 :][: 400_000 * 8].reshape(-1, 8)  # which JAX reads in place
    names = {"X": tg.constant(np.ones((4, 8))), "w": tg.parameter(np.ones(8))}
    graph = tg.Graph(np.mean(np.tanh(names["X"] @ names["w"])), names=names)
    step: Any = graph.compile(backend="jax", **{"mesh": mesh} if on_mesh else {})
    for _ in range(3):
        X[:] = 0
        loss, _ = step(X=X, w=np.ones(8))
        X[:] = 1
        assert float(loss) == 0


def test_float32_stays_float32(mesh: Any) -> None:
    values = {name: np.float32(x) for name, x in MODELS["logistic regression"].values(6).items()}
    graph = MODELS["logistic regression"].recorded(values)[0]
    loss, gradients = graph.compile(backend="jax", mesh=mesh)(**values)
    assert {loss.dtype, *(x.dtype for x in gradients.values())} == {np.dtype(np.float32)}
    np.testing.assert_allclose(loss, graph.outputs[0].value, rtol=1e-6)


def test_nested_parameters_and_several_outputs(mesh: Any) -> None:
    X = tg.constant(np.arange(12.0).reshape(4, 3))
    layer = {"w": tg.parameter(np.ones(3)), "b": tg.parameter(0.5)}
    z = X @ layer["w"] + layer["b"]
    graph = tg.Graph(np.mean(z**2), np.sum(z), names={"layer": layer, "X": X})
    values = {"X": X.value, "layer": {"w": np.full(3, 2.0), "b": 1.0}}
    (first, second), gradients = graph.compile(backend="jax", mesh=mesh)(**values)
    expected, theirs = graph.compile()(**values)
    np.testing.assert_allclose([first, second], expected)
    np.testing.assert_allclose(gradients["layer"]["w"], theirs["layer"]["w"])


@pytest.mark.parametrize("dtype", [np.bool_, np.int32, np.float32])
def test_dtypes_are_those_of_numpy(mesh: Any, dtype: Any) -> None:
    values = {"X": np.array([[0.1, 0.7], [0.3, 0.2], [1, 3]]), "w": np.array([0.1, 0.3]), "k": np.array([0, 1, 1], dtype)}
    nodes = {name: (tg.parameter if name == "w" else tg.constant)(value) for name, value in values.items()}
    z, k = nodes["X"] @ nodes["w"], nodes["k"]
    graph = tg.Graph(np.sum((z - k / np.float64(3)) ** 2), np.mean((z > 0.2) == (k > 0)), names=nodes)
    expected, theirs = graph.compile()(**values)
    for setting in ({}, {"mesh": mesh}):
        found, gradients = graph.compile(backend="jax", **setting)(**values)  # type: ignore[arg-type]
        for x, y in zip([*found, gradients["w"]], [*expected, theirs["w"]], strict=True):
            assert x.dtype == y.dtype == np.float64
            np.testing.assert_allclose(x, y, rtol=1e-14)


@tg.op(lambda g, out, x: g * np.array([1.0, 2, 3]), elementwise=True)
def weighted(x: Any) -> Any:
    return x * np.array([1.0, 2, 3])


@tg.op(lambda g, out, x: g * np.full(len(x), 2.0), elementwise=True)
def doubled(x: Any) -> Any:
    return 2 * x


def test_a_rule_may_have_an_array_of_its_own(mesh: Any) -> None:
    values = {"X": np.arange(12.0).reshape(4, 3), "w": np.array([0.1, 0.3, -0.2])}
    nodes = {name: (tg.parameter if name == "w" else tg.constant)(value) for name, value in values.items()}
    graph = tg.Graph(np.sum(weighted(nodes["X"] * nodes["w"]) ** 2), names=nodes)
    for setting in ({}, {"mesh": mesh}):
        _, gradients = graph.compile(backend="jax", **setting)(**values)  # type: ignore[arg-type]
        np.testing.assert_allclose(gradients["w"], graph.compile()(**values)[1]["w"], rtol=1e-14)
    of_rows = tg.Graph(np.sum(doubled(nodes["X"] @ nodes["w"]) ** 2), names=nodes)
    with pytest.raises(ValueError, match="the rule of an op has an array with an entry for each row"):
        of_rows.compile(backend="jax", mesh=mesh)


def test_a_softmax_by_hand_splits_over_rows(mesh: Any) -> None:
    values = MODELS["softmax"].values(5)
    nodes = {name: (tg.parameter if name in "Wb" else tg.constant)(value) for name, value in values.items()}
    Z = nodes["X"] @ nodes["W"] + nodes["b"]
    E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
    graph = tg.Graph(-np.mean(np.sum(nodes["Y"] * np.log(E / np.sum(E, axis=1, keepdims=True)), axis=1)), names=nodes)
    _, gradients = graph.compile(backend="jax", mesh=mesh)(**values)
    np.testing.assert_allclose(gradients["W"], graph.compile()(**values)[1]["W"], rtol=1e-12, atol=1e-15)


# Checkpoints


def test_a_damaged_checkpoint_raises_an_error(tmp_path: Path) -> None:
    checkpoint = tg.bridges.checkpoint
    path = checkpoint.save(tmp_path / "run", {"layer": {"w": np.arange(3.0)}, "b": np.float32(2)}, step=3)
    parameters, state = checkpoint.load(path)
    assert (parameters["layer"]["w"].tolist(), parameters["b"].dtype, state) == ([0, 1, 2], np.float32, {"step": 3})
    raw = path.read_bytes()
    for damaged in (raw[:-1], raw[:-8] + bytes(8), b"", raw[:-3] + b"\1" + raw[-2:]):
        assert damaged != raw
        path.write_bytes(damaged)
        with pytest.raises(checkpoint.CheckpointError, match=r"damaged"):
            checkpoint.load(path)
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none")


def test_a_failed_save_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tg.bridges.checkpoint
    path = checkpoint.save(tmp_path / "run", {"w": np.ones(3)}, step=1)
    wrong: list[dict[str, Any]] = [{"w": np.array([1, np.nan])}, {"w": np.ones(3, int)}, {"a.b": np.ones(3)}]
    wrong += [{"w": [np.ones(2), np.ones(2)]}, {"__metadata__": np.ones(3)}]
    for parameters in wrong:
        with pytest.raises(checkpoint.CheckpointError):
            checkpoint.save(path, parameters, step=2)
    with pytest.raises(TypeError, match=r"np.int64\(2\) of type int64 cannot be saved in JSON: write int\(...\)"):
        checkpoint.save(path, {"w": np.ones(3)}, step=np.int64(2))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        checkpoint.save(path, {"w": np.zeros(3)}, step=2)
    assert checkpoint.load(path)[1] == {"step": 1}
    assert [x.name for x in tmp_path.iterdir()] == ["run"]


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    devices = jax.devices()
    calls: dict[str, Callable[[], Any]] = {
        "safetensors": lambda: tg.bridges.checkpoint.save(tmp_path / "run", {}),
        "jax": lambda: tg.bridges.jax.mesh(batch=devices),
    }
    for name, call in calls.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=r'needs \w+: pip install "tinygraph-autodiff\[jax\]"'):
            call()
