"""A graph as an ONNX model: the forward pass by the operators that its ops declare, with the names of its statements."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygraph.bridges import files
from tinygraph.bridges.onnx_nodes import IR_VERSION, OPSET, NoCounterpart, Value, Writer, expressed
from tinygraph.bridges.onnx_ops import WRITERS
from tinygraph.compiler.lowering import Lowering, Rewrite
from tinygraph.compiler.request import Wanted
from tinygraph.compiler.rewrites import REWRITES
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.ops.elementary import LN_2
from tinygraph.program.statements import Program, program_of
from tinygraph.sizes import Axis, Formula, Size, axes_in
from tinygraph.sparse import Sparse

INSTALL = 'pip install "tinygraph-autodiff[onnx]"'


def export(graph: Graph, path: str | os.PathLike[str], *, bind: Mapping[str, Any] | None = None) -> Any:
    """Write the forward pass of a graph as an ONNX model of opset 18, and return it as a `ModelProto`.

    Parameters become initializers, with their values. Named constants such as data become inputs, but for those in `bind`, a
    dict of names and values, which the model holds too, as it holds arrays without a name. The outputs of the graph are those of
    the model, and every statement is a value of its name and shape. An axis of inputs that may have any size by
    `graph.source()`, such as that of the examples, is symbolic: `batch`; all others have the recorded sizes. The dtypes are those
    of the graph.

    Raises ImportError without the extra `onnx`; TypeError for an op without a counterpart, a sparse matrix, a graph in which
    Python decided by a value, two outputs of one name, a name in `bind` that there is not; ValueError for a value in `bind` of
    another shape. A file that was there before stays as it was if anything fails.

    >>> import tempfile
    >>> X, w = tg.constant([[1.0, 2.0], [3.0, 4.0]]), tg.parameter([0.5, -0.5])
    >>> graph = tg.Graph(np.tanh(X @ w), names={"X": X, "w": w})
    >>> model = tg.bridges.onnx.export(graph, f"{tempfile.mkdtemp()}/model.onnx")
    >>> [node.op_type for node in model.graph.node]
    ['MatMul', 'Tanh']
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"export takes a graph, not a {type(graph).__name__}: tg.bridges.onnx.export(tg.Graph(a), path)")
    onnx = _onnx()
    model = _Model(onnx, graph, bind or {}).proto()
    onnx.checker.check_model(model, full_check=True)
    files.write(path, model.SerializeToString())
    return model


class _Model:
    """What is written of a graph: its leaves, its primitive nodes, and the shapes of all that has a name."""

    def __init__(self, onnx: Any, graph: Graph, bind: Mapping[str, Any]) -> None:
        self._onnx = onnx
        self._program = program = program_of(graph, "named")
        _check_decisions(program)
        self._wanted = wanted = Wanted(graph, [], bind)
        _check_shapes(wanted)
        self._inputs = [x for x in wanted.arguments.leaves if x.kind != "parameter"]
        self._given = set(self._inputs)
        self._shapes = Shapes(program, self._given)
        self._write = Writer(onnx, {program.name(x) for x in (*program.leaves, *(s.node for s in program.forward))})
        lowering = Lowering(TABLE, wanted.entries, has_counterpart)
        self._lowered = dict(zip(graph.forward, lowering.of(graph.forward), strict=True))
        self._values: dict[Node, Value] = {}

    def proto(self) -> Any:
        """The model."""
        import tinygraph as tg

        for x in dict.fromkeys(self._lowered.values()):
            self._compute(x)
        own = set(self._wanted.graph.forward)
        named = {s.node: self._called(s.node, s.name) for s in self._program.forward if s.node in own}
        outputs = [self._output(x, named) for x in self._wanted.graph.outputs]
        known = {value.name for _, value in outputs}
        if len(known) < len(outputs):
            names = [value.name for _, value in outputs]
            raise TypeError(
                f"two outputs are {next(x for x in names if names.count(x) > 1)}: ONNX needs outputs of different names"
            )
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._write.finished(),
            ", ".join(value.name for _, value in outputs),
            [self._info(x, Value(self._program.name(x), x.dtype)) for x in self._inputs],
            [self._info(x, value) for x, value in outputs],
            self._write.initializers,
            value_info=[self._info(x, value) for x, value in named.items() if value.name not in known],
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="tinygraph",
            producer_version=tg.__version__,
        )

    def _compute(self, x: Node) -> None:
        """The value of a primitive node, after those of its inputs."""
        stack = [x]
        while stack:
            node = stack[-1]
            missing = [y for y in node.inputs if isinstance(y, Node) and y not in self._values]
            stack += missing
            if not missing:
                stack.pop()
                if node not in self._values:
                    self._values[node] = self._leaf(node) if node.op is None else written(self._write, node, self._values)

    def _leaf(self, leaf: Node) -> Value:
        value = self._wanted.bound.get(leaf, leaf._value)
        name = self._program.name(leaf) if self._program.is_named(leaf) else ""
        if type(value) is Sparse:
            raise TypeError(f"{name} is a sparse matrix, which ONNX does not have: record its `.toarray()`")
        try:
            self._write.element(leaf.dtype)
        except NoCounterpart as reason:
            raise TypeError(f"{name} cannot be exported: {reason}") from None
        return Value(name, leaf.dtype) if leaf in self._given else self._write.array(value, leaf.dtype, name)

    def _called(self, node: Node, name: str) -> Value:
        return self._write.called(self._values[self._lowered[node]], name)

    def _output(self, node: Node, named: dict[Node, Value]) -> tuple[Node, Value]:
        """An output; a leaf is one by a name of its own."""
        if node in named:
            return node, named[node]
        return node, self._called(node, self._write.free(f"{self._program.name(node)}_output"))

    def _info(self, node: Node, value: Value) -> Any:
        element = self._write.element(value.dtype)
        return self._onnx.helper.make_tensor_value_info(value.name, element, self._shapes.of(node))


class Shapes:
    """The shapes of values: a number for each size, or a name where the inputs may have any."""

    def __init__(self, program: Program, inputs: set[Node]) -> None:
        self._axes = program._axes
        self._symbols: dict[Hashable, str] = {}
        groups = [group for group in program.free_axes() if inputs.issuperset(x for x, _ in group)]
        batch = next((group for every in (all, any) for group in groups if every(i == 0 for _, i in group)), None)
        for group in groups:
            leaf, axis = group[0]
            name = "batch" if group is batch else f"{program.name(leaf)}_axis_{axis}"
            self._symbols[self._axes.identity_of(leaf, axis)] = name

    def of(self, node: Node) -> list[int | str | None]:
        """The shape of a value of the forward pass; None for a size that the values decide."""
        return [self._size(size, n) for size, n in zip(self._axes.sizes_of(node), node.shape, strict=True)]

    def _size(self, size: Size, recorded: int) -> int | str | None:
        identity = self._axes.identity(size)
        if identity in self._symbols:
            return self._symbols[identity]
        parts = [(x, self._axes.identity(x)) for x in axes_in(size)]
        if any(isinstance(one, Axis) and one.node.op is not None for _, one in parts):
            return None
        return self._text(size) if any(one in self._symbols for _, one in parts) else recorded

    def _text(self, size: Size) -> str:
        """A size as a formula of others."""
        if isinstance(size, Formula):
            return size.form.format(*map(self._text, size.parts))
        one = self._axes.identity(size)
        return (
            self._symbols[one] if one in self._symbols else f"{size.node.shape[size.place] if isinstance(size, Axis) else size}"
        )


def has_counterpart(op: Op) -> bool:
    """Whether ONNX has the op, by its declaration or by a writer."""
    return bool(op.onnx) or (op.built_in and op.name in WRITERS)


def written(write: Writer, node: Node, values: Mapping[Node, Value]) -> Value:
    """The value of a primitive node; raises TypeError, with the user's line, where ONNX has nothing to compute it."""
    op = node.op
    assert op is not None
    try:
        if not has_counterpart(op):
            raise NoCounterpart(f"opset {OPSET} has no counterpart")
        return write.cast(_written(write, node, op, values), node.dtype)
    except (NoCounterpart, OverflowError) as reason:  # a number may be beyond what it is compared with
        raise TypeError(
            f"{op.name} cannot be exported to ONNX: {reason}. Declare what it is there, @tg.op(..., onnx=...), or export an "
            f"output that does not need it\n  at {node.place}"
        ) from None


def _written(write: Writer, node: Node, op: Op, values: Mapping[Node, Value]) -> Value:
    own = _own_dtypes(node) if isinstance(op.onnx, str) and op.onnx else None
    inputs = []
    for i, x in enumerate(node.inputs):
        if isinstance(x, Node):
            inputs.append(values[x] if own is None else write.cast(values[x], own[i]))
        else:
            inputs.append(write.array(x, node.dtype if own is None else own[i]))
    if own is not None:
        return expressed(write, node, tuple(inputs))
    writer: Callable[..., Value] = op.onnx if callable(op.onnx) else WRITERS[op.name]
    return writer(write, node, *inputs)


def _own_dtypes(node: Node) -> Sequence[np.dtype[Any]]:
    """The dtypes in which NumPy computes an op, which ONNX does not choose by itself."""
    assert node.op is not None
    if isinstance(node.op.numpy, np.ufunc):
        types = [x.dtype if isinstance(x, Node) else np.dtype(bool) if isinstance(x, bool) else type(x) for x in node.inputs]
        return node.op.numpy.resolve_dtypes((*types, None))[:-1]
    together = np.result_type(*(x.dtype if isinstance(x, Node) else x for x in node.inputs))
    return [together if node.dtype.kind == "b" else node.dtype] * len(node.inputs)


def _deviation(make: Lowering, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    return make.made("sqrt", make.made("var", *inputs, **params))


def _of_floats(make: Lowering, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The variance of whole numbers."""
    (x,) = inputs
    return make.made("var", make.made("cast", x, dtype=np.dtype(float)), **params) if x.dtype.kind in "biu" else None


def _sum_of_powers(make: Lowering, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """`logaddexp` and `logaddexp2`: the larger operand and what the other adds, which is small; equal ones may be infinite."""
    x, y = inputs
    away = make.made("negative", make.made("abs", make.made("subtract", x, y)))
    more = make.made("log1p", make.made("exp2" if op.name == "logaddexp2" else "exp", away))
    if op.name == "logaddexp2":
        more = make.made("divide", more, LN_2)
    twice = make.made("add", x if isinstance(x, Node) else y, 1 if op.name == "logaddexp2" else LN_2)
    return make.made("where", make.made("equal", x, y), twice, make.made("add", make.made("maximum", x, y), more))


def _over_axes(make: Lowering, op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """By its body, where it is not along one axis, as in ONNX."""
    return None if isinstance(params["axis"], int) else op.function(*inputs, **params)


# What is simpler than the body of an op, or takes no number from a shape where the body does.
TABLE: dict[str, Sequence[Rewrite]] = {
    **{name: REWRITES[name] for name in ("softmax_cross_entropy", "sum_like", "reshape_like")},
    "var": [*REWRITES["var"], _of_floats],
    "std": [_deviation],
    "logaddexp": [_sum_of_powers],
    "logaddexp2": [_sum_of_powers],
    "softmax": [_over_axes],
}


def _check_decisions(program: Program) -> None:
    """Raise TypeError where Python decided by a value, which a model would not do again."""
    checks, fixed = program.checks
    if checks or fixed:
        text = (checks or fixed)[0].text.rstrip(",")
        raise TypeError(
            f"ONNX cannot decide as Python did by a value, {text}: write np.where in place of `if`, np.maximum in place of max"
        )


def _check_shapes(wanted: Wanted) -> None:
    """Raise ValueError for a bound value whose shape is not that of the recording, which has the shapes of all else."""
    for x, value in wanted.bound.items():
        if np.shape(value) != x.shape:
            name = wanted.graph.name(x)
            raise ValueError(
                f"bind has {name} of shape {np.shape(value)}, and the graph of shape {x.shape}: record it with that value"
            )


def _onnx() -> Any:
    """The library, which has types for a part of itself alone."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError(f"tg.bridges.onnx.export needs onnx: {INSTALL}") from error
    return onnx
