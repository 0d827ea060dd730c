"""A graph over dask arrays: its compiled step on each chunk of rows, and the sums of what the chunks give, added up as a tree."""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from tinygraph.backprop import reached
from tinygraph.bridges.totals import split
from tinygraph.compiler.arguments import Arguments, check_dtype, fitted
from tinygraph.compiler.planning import NoRowsError
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.compiler.step import KNOWN, Step, decides
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.sparse import Sparse
from tinygraph.tree import arrays_of, rebuild
from tinygraph.wording import counted, suggestion

INSTALL = 'pip install "tinygraph-autodiff[dask]"'
TOGETHER = 8  # results that one task adds
NO_WORKERS = 60  # seconds that a cluster may be without a worker
LOOK = 1  # second between two looks at the workers


class Part(NamedTuple):
    """What a worker needs to compute a chunk: the pickled step, and the axis of the rows of each array by name."""

    step: bytes
    axis: dict[str, int]
    is_mean: list[bool]
    rows: int


class DaskStep:
    """A graph as a function of its leaves without the rows, as `tinygraph.compiler.step.Step` is one of all; see `step`."""

    def __init__(self, graph: Graph, wrt: Wrt, bind: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
        if not isinstance(graph, Graph):
            raise TypeError(f"step takes a graph, not a {type(graph).__name__}: tg.bridges.dask.step(tg.Graph(L), X=...)")
        dask = _dask()
        self._wanted = wanted = Wanted(graph, wrt, bind)
        given = _leaves(wanted, rows)
        for leaf, array in given.items():
            _check(leaf, graph.name(leaf) or "", array)
        for x in wanted.wrt:
            if any(leaf in given for leaf in reached([x])):
                raise ValueError(f"{_PREFIX}: {graph.name(x)} depends on the rows, and a gradient is taken with respect to it")
        if decides(graph):
            raise ValueError(f"{_PREFIX}: Python decided by a value, and would have to decide the same for every chunk")
        try:
            axis, is_mean = split(wanted, given)
        except NoRowsError as reason:
            raise ValueError(f"{_PREFIX}: {reason}") from None
        self._arguments = Arguments(graph, [x for x in wanted.arguments.leaves if x not in given])
        arrays = _aligned({graph.name(x) or "": (array, axis[x]) for x, array in given.items()})
        names = [graph.name(x) or "" for x in wanted.wrt]
        places = {graph.name(x) or "": place for x, place in axis.items()}
        count = sum(next(iter(arrays.values())).chunks[next(iter(places.values()))])
        part = Part(_pickled(graph, names, bind), places, is_mean, int(count))
        self._step = _OWN[part.step] = Step(graph, names, bind)
        _check_sizes(self._step, wanted, axis)
        self._arrays, self._rows = arrays, places
        self._part = dask.delayed(part, traverse=False, pure=True)

    def __call__(self, /, **leaves: Any) -> Any:
        """The outputs and the gradients by name, of NumPy, as `graph.compile()` would give for all rows at once."""
        dask, wanted = _dask(), self._wanted
        flat = self._arguments.flat(leaves)
        values = {(name := wanted.graph.name(x) or ""): fitted(x, name, value) for x, value in flat.items()}
        beside = dask.delayed(values, traverse=False, pure=False)
        add = dask.delayed(_added, pure=False)
        found = chunks = self._on_chunks(part=self._part, beside=beside, errors=np.geterr(), names=list(self._arrays))
        while len(found) > 1 or found is chunks:
            found = [add(found[i : i + TOGETHER]) for i in range(0, len(found), TOGETHER)]
        results = _result(dask, found[0])
        outputs = [_cast(x, result) for x, result in zip(wanted.graph.outputs, results, strict=False)]
        gradients = rebuild(wanted.arguments.nested(dict.fromkeys(wanted.wrt, ...)), results[len(outputs) :])
        return outputs[0] if len(outputs) == 1 else tuple(outputs), gradients

    def _on_chunks(self, **given: Any) -> list[Any]:
        """A task for each chunk, into which dask fuses those that read it."""
        blockwise = _dask().array.blockwise
        arrays, axes = [], [0]  # the axes of the result: that of the rows, and all others
        for name, array in self._arrays.items():
            others = [len(axes) + i for i in range(array.ndim - 1)]
            axes += others
            arrays += [array, (*others[: self._rows[name]], 0, *others[self._rows[name] :])]
        like = np.empty((0,) * len(axes), object)
        single = dict.fromkeys(axes, 1)
        found = blockwise(_computed, axes, *arrays, dtype=object, meta=like, adjust_chunks=single, align_arrays=False, **given)
        return list(found.to_delayed().reshape(-1))

    def __repr__(self) -> str:
        (name, array), *_ = self._arrays.items()
        return f"<{self._arguments.call} on {counted(len(array.chunks[self._rows[name]]), 'chunk')} of dask>"


def step(graph: Graph, wrt: Wrt = None, bind: Mapping[str, Any] | None = None, /, **rows: Any) -> DaskStep:
    """The step of a graph whose leaves `rows` are dask arrays: called with the other leaves, it returns outputs and gradients.

    Each chunk is computed by the step of `graph.compile(wrt=wrt, bind=bind)`, on dask's scheduler, so that each worker has a few
    chunks in memory. The arrays have the dtypes and ranks of their leaves, any number of rows, and chunks along the axis of the
    rows alone, which are made equal in all of them. Outputs must be sums or means over rows.

    Raises ImportError without dask, TypeError for another dtype, and ValueError for chunks of unknown sizes, for outputs that
    couple rows otherwise, with the reason, and for a recording that holds for its own number of rows alone.

    >>> import dask.array as da
    >>> X, w = tg.constant(np.ones((2, 3))), tg.parameter(np.zeros(3))
    >>> graph = tg.Graph(np.mean((X @ w - 1) ** 2), names={"X": X, "w": w})
    >>> step = tg.bridges.dask.step(graph, X=da.ones((1000, 3), chunks=(300, 3)))
    >>> loss, gradients = step(w=np.zeros(3))
    >>> print(loss.round(12), gradients["w"])
    1.0 [-2. -2. -2.]
    """
    return DaskStep(graph, wrt, bind or {}, rows)


_PREFIX = "the graph cannot be computed chunk by chunk"


def _dask() -> Any:
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise ImportError(f"tg.bridges.dask needs dask: {INSTALL}") from error
    return dask


# What is given


def _leaves(wanted: Wanted, rows: Mapping[str, Any]) -> dict[Node, Any]:
    """The leaf of each array."""
    if not rows:
        raise TypeError("give the arrays with an entry for each row by name: tg.bridges.dask.step(graph, X=..., y=...)")
    known = dict(zip(wanted.arguments.names, wanted.arguments.leaves, strict=True))
    for name in rows:
        if name not in known:
            raise TypeError(f"the graph has no leaf {name}: {suggestion(name, wanted.arguments.names)}")
    return {known[name]: array for name, array in rows.items()}


def _check(leaf: Node, name: str, array: Any) -> None:
    """Raise an error for an array that is none of dask, or not of the leaf's kind, dtype, rank, and known sizes."""
    if not hasattr(array, "dask") or not hasattr(array, "chunks"):
        is_frame = hasattr(array, "to_dask_array")
        fix = f"{name}.to_dask_array(lengths=True)" if is_frame else f"dask.array.from_array({name}, chunks=...)"
        raise TypeError(f"{name} is not a dask array: pass {fix}")
    if type(leaf._value) is Sparse:
        raise TypeError(f"{name} was recorded sparse, and chunks are dense: record it dense")
    check_dtype(leaf, name, array)
    if np.isnan(np.sum([size for sizes in array.chunks for size in sizes])):
        raise ValueError(f"{name} has chunks of unknown sizes: call {name}.compute_chunk_sizes() first")
    if array.ndim != leaf.ndim:
        raise ValueError(f"{name} has {array.ndim} axes, and was recorded with {leaf.ndim}")


def _aligned(arrays: Mapping[str, tuple[Any, int]]) -> dict[str, Any]:
    """The arrays with the chunks of the largest along their rows, and one along any other axis."""
    found: dict[str, Any] = {}
    first, (model, place) = max(arrays.items(), key=lambda item: item[1][0].nbytes)
    chunks = tuple(n for n in model.chunks[place] if n)
    if not chunks:
        raise ValueError(f"{first} has no rows")
    for name, (array, axis) in arrays.items():
        if array.shape[axis] != sum(chunks):
            raise ValueError(f"{name} has {array.shape[axis]} rows, and {first} has {sum(chunks)}")
        split_axes = [i for i, sizes in enumerate(array.chunks) if i != axis and len(sizes) > 1]
        if split_axes:
            raise ValueError(
                f"{name} has chunks along axis {split_axes[0]}, and its rows are along axis {axis}: pass "
                f"{name}.rechunk({{{split_axes[0]}: -1}})"
            )
        found[name] = array.rechunk({axis: chunks})
    return found


def _check_sizes(step: Step, wanted: Wanted, axis: Mapping[Node, int]) -> None:
    """Raise SizeError where the recording holds for its own number of rows alone: compute it with one row more."""
    leaves = wanted.arguments.leaves
    names = [wanted.graph.name(x) or "" for x in leaves]
    values = [np.concatenate([x._value, x._value.take([-1], axis[x])], axis[x]) if x in axis else x._value for x in leaves]
    with np.errstate(all="ignore"):
        step(**dict(zip(names, values, strict=True)))


def _pickled(*step: Any) -> bytes:
    import cloudpickle  # which dask needs too; it pickles ops of the user's program

    pickled: bytes = cloudpickle.dumps(step)
    return pickled


# What a worker computes


_OWN: WeakValueDictionary[bytes, Step] = WeakValueDictionary()  # the steps that were made in this process


@lru_cache(maxsize=KNOWN)
def _unpickled(step: bytes) -> Step:
    """The compiled step in a worker's process."""
    # A pickled graph does not know the source, and takes any number for a size. Where the step was made, it was checked.
    warnings.filterwarnings("ignore", message=".* has size .*, where it had", category=UserWarning)
    return Step(*pickle.loads(step))


def _computed(*blocks: Any, part: Part, beside: Mapping[str, Any], errors: Any, names: Sequence[str]) -> Any:
    """What a chunk adds to the outputs and gradients, under the caller's `np.errstate`: a list as an entry of an array."""
    rows = dict(zip(names, blocks, strict=True))
    first = names[0]
    count = rows[first].shape[part.axis[first]]
    repeats = 2 if count == 1 else 1  # the sizes of a recording hold for two rows and more
    if repeats > 1:
        rows = {name: np.repeat(block, repeats, part.axis[name]) for name, block in rows.items()}
    compiled = _OWN.get(part.step) or _unpickled(part.step)
    with np.errstate(**errors):
        outputs, gradients = compiled(**rows, **beside)
    shares = [Fraction(count, part.rows) if is_mean else Fraction(1, repeats) for is_mean in part.is_mean]
    slopes = arrays_of(gradients)
    results = zip([*shares, *shares[:1] * len(slopes)], [*(outputs if len(shares) > 1 else [outputs]), *slopes], strict=True)
    entry = np.empty((1,) * (1 + sum(x.ndim - 1 for x in blocks)), object)
    entry[(0,) * entry.ndim] = [_share(x, share) for share, x in results]
    return entry


def _share(x: Any, share: Fraction) -> Any:
    """A part of a value, which of a whole number or a truth value is exact, as a Fraction or an array of these."""
    return x if share == 1 else x * float(share) if x.dtype.kind == "f" else x.astype(object) * share


def _added(results: Sequence[Any]) -> list[Any]:
    """The sums of some results, in their order, so that they do not depend on when each was computed."""
    results = [x.item() if isinstance(x, np.ndarray) else x for x in results]
    return [sum(parts[1:], parts[0]) for parts in zip(*results, strict=True)]


def _cast(output: Node, total: Any) -> Any:
    """A sum of shares in the dtype of the output."""
    return np.asarray(total, output.dtype)[()]


def _result(dask: Any, total: Any) -> list[Any]:
    """The value of a task; raises RuntimeError where a cluster loses all its workers and gets no others."""
    client = getattr(dask.base.get_scheduler(collections=[total]), "__self__", None)
    if not hasattr(client, "scheduler_info"):
        found: list[Any] = total.compute()
        return found
    return _from_cluster(dask, client, total)


def _from_cluster(dask: Any, client: Any, total: Any) -> list[Any]:
    from distributed import wait

    patience = dask.utils.parse_timedelta(dask.config.get("distributed.scheduler.no-workers-timeout", None) or NO_WORKERS)
    future, seen = client.compute(total), time.monotonic()
    while not future.done():
        try:
            wait(future, timeout=LOOK)  # type: ignore[no-untyped-call]
        except TimeoutError:
            if client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > patience:
                future.cancel()
                lost = f"the cluster has had no worker for {patience:g} s"
                raise RuntimeError(f"{lost}: start some, and call the step again") from None
    found: list[Any] = future.result()
    return found
