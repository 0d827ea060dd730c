"""Several processes of one mesh: what they have to agree on, and that one of them is lost."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygraph.bridges.jax import BATCH, LostProcessError

# How the libraries that processes exchange arrays by, and the service that starts them, say that there is no answer.
LOST = re.compile(r"gloo|nccl|^(UNAVAILABLE|ABORTED|CANCELLED|DEADLINE_EXCEEDED)", re.IGNORECASE)


def answered(jax: Any, run: Callable[[], Any]) -> Any:
    """What devices compute, when it is there: until then they read the caller's arrays, which may change afterwards.

    Raises LostProcessError where another process does not answer.
    """
    try:
        return jax.block_until_ready(run())
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1 or not LOST.search(f"{error}"):  # such as that this process has no memory left
            raise
        raise LostProcessError(
            "a process of the mesh has ended, or cannot be reached: end this one too by os._exit(75), as JAX waits for the "
            "others when Python ends, and start all of them again from the last checkpoint"
        ) from error


def check_agreement(jax: Any, mesh: Any, of_rows: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """Raise ValueError, in all processes, where these arrays differ between them.

    Of arrays whose first axis is that of the rows the shape, the first and the last row are compared, so that no other is read.
    """
    if jax.process_count() == 1:
        return
    marks = [_mark(x, x[:1], x[-1:]) for x in of_rows.values()] + [_mark(x, x) for x in whole.values()]
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(BATCH))
    own = np.array([marks], np.uint32)
    all_marks = jax.make_array_from_callback((mesh.devices.size, len(marks)), sharding, lambda index: own)
    replicated = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    compare = jax.jit(lambda x: (x == x[:1]).all(axis=0), out_shardings=replicated)
    same = np.asarray(answered(jax, lambda: compare(all_marks)))
    different = [name for name, is_same in zip([*of_rows, *whole], same, strict=True) if not is_same]
    if different:
        raise ValueError(
            f"the processes have different {', '.join(different)}: give all of them the same graph, the same whole arrays, of "
            "which each reads its rows by itself, and the same parameters, such as those of np.random.default_rng(0)"
        )


def _mark(array: Any, *parts: Any) -> int:
    """A number that differs where the shapes do, or the entries of these parts."""
    found = zlib.crc32(f"{np.shape(array)} {array.dtype}".encode())
    for part in parts:
        found = zlib.crc32(np.ascontiguousarray(part).tobytes(), found)
    return found
