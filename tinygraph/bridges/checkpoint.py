"""Parameters and the state of a training loop in a safetensors file, which is whole or not there; no pickle is written or read.

The metadata of the file holds a JSON header and a SHA-256 digest over header and arrays, so that a file either gives what was
saved or raises CheckpointError.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygraph.bridges import files

INSTALL = 'pip install "tinygraph-autodiff[jax]"'
FORMAT = 1
RESERVED = "__metadata__"  # by safetensors
Tree = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


class CheckpointError(ValueError):
    """A file that is not what it should be, or arrays that such a file cannot hold."""


def save(path: str | Path, parameters: Mapping[str, Any], **state: Any) -> Path:
    """Write nested dicts of arrays and a `state` that JSON can hold in place of the file, which stays as it was if that fails.

    Raises CheckpointError for arrays of other dtypes than float32 and float64, for lists, and for entries that are not finite,
    TypeError or ValueError for a state that JSON cannot hold, ImportError without safetensors.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = save(f"{folder}/run.safetensors", {"w": np.array([1.0, 2.0])}, step=40)
    ...     load(path)
    ({'w': array([1., 2.])}, {'step': 40})
    """
    return write(path, dict(parameters), state, "checkpoint")


def load(path: str | Path) -> tuple[Tree, Tree]:
    """The parameters and the state that `save` wrote; raises CheckpointError for any other file, OSError for none."""
    return read(path, "checkpoint")


def write(path: str | Path, parameters: Tree, header: Mapping[str, Any], kind: str) -> Path:
    """Write nested dicts of arrays and a header, as a file of some kind; gives the path."""
    to_bytes = _safetensors().numpy.save
    arrays = {}
    for name, leaf in dotted(parameters):
        array = np.array(leaf, order="C")  # safetensors writes the memory as it lies
        if array.dtype not in (np.float32, np.float64):
            raise CheckpointError(f"the parameter {name} is of dtype {array.dtype}: float32 and float64 can be saved")
        if not np.isfinite(array).all():
            raise CheckpointError(f"the parameter {name} is not finite")
        arrays[name] = array
    text = json.dumps(header, allow_nan=False, default=_no_json)
    metadata = {"format": f"tinygraph {kind} {FORMAT}", "header": text, "sha256": digest(text, arrays)}
    return files.write(path, to_bytes(arrays, metadata))


def read(path: str | Path, kind: str) -> tuple[Tree, Tree]:
    """The parameters and the header that `write` wrote for this kind."""
    safetensors = _safetensors()
    with open(path, "rb"):
        pass  # whatever the system says of the path is an OSError of its own
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata, kind)
            dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118  # it is no dict
            for name, dtype in dtypes.items():
                if dtype not in ("F32", "F64"):
                    raise CheckpointError(f"{path}: the parameter {name} is of dtype {dtype}, and a {kind} has F32 or F64")
            arrays = {name: file.get_tensor(name) for name in sorted(dtypes)}
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is cut short, damaged, or no safetensors file: {error}") from None
    if metadata["sha256"] != digest(metadata["header"], arrays):
        raise CheckpointError(f"{path} is damaged: its contents do not fit its digest")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise CheckpointError(f"{path}: the parameter {name} is not finite")
    try:
        header = json.loads(metadata["header"])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its header is not JSON: {error}") from None
    return _nested(path, arrays), header


def _no_json(value: Any) -> Any:
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be saved in JSON: write int(...), float(...) or .tolist()")


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f"a checkpoint needs safetensors: {INSTALL}") from error
    return safetensors


def _check_format(path: str | Path, metadata: Mapping[str, str], kind: str) -> None:
    found = re.fullmatch(rf"tinygraph {kind} (\d{{1,9}})", metadata.get("format", ""))
    if not found or not {"header", "sha256"} <= set(metadata):
        raise CheckpointError(f"{path} is a safetensors file of another program, not a {kind} that tinygraph saved")
    if int(found[1]) != FORMAT:
        import tinygraph as tg

        raise CheckpointError(
            f"{path} is of format {found[1]}, and tinygraph {tg.__version__} reads format {FORMAT}: "
            + ("upgrade tinygraph" if int(found[1]) > FORMAT else f"save the {kind} again")
        )


def digest(header: str, arrays: Mapping[str, Array]) -> str:
    """What changes with any bit of a header and arrays."""
    found = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        found.update(json.dumps([name, arrays[name].dtype.str, arrays[name].shape]).encode())
        found.update(arrays[name].tobytes())
    return found.hexdigest()


def dotted(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Each array under the names that lead to it, such as layer1.W."""
    for key, branch in tree.items():
        if not isinstance(key, str) or "." in key or f"{above}{key}" == RESERVED:
            raise CheckpointError(f"the name {key!r} cannot be saved: use strings without a dot, other than {RESERVED}")
        if isinstance(branch, list | tuple):
            raise CheckpointError(f"{above}{key} is a {type(branch).__name__}: save a dict of its entries, or np.array of it")
        if isinstance(branch, dict):
            yield from dotted(branch, f"{above}{key}.")
        else:
            yield f"{above}{key}", branch


def _nested(path: str | Path, arrays: Mapping[str, Array]) -> Tree:
    """The tree whose arrays these are."""
    tree: Tree = {}
    for name, array in arrays.items():
        *scope, key = name.split(".")
        branch = tree
        for level in scope:
            branch = branch.setdefault(level, {})
            if not isinstance(branch, dict):
                break
        if not isinstance(branch, dict) or key in branch:
            raise CheckpointError(f"{path}: one of the parameters {', '.join(arrays)} is a part of another")
        branch[key] = array
    return tree
