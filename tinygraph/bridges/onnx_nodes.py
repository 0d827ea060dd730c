"""Nodes of an ONNX graph, one after the other: values with their dtypes, arrays as initializers, expressions of operators."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph.node import Node
from tinygraph.syntax import parsed

OPSET = 18  # of 2022, which has the axes of all reductions as inputs
IR_VERSION = 8  # the format of the file that came with the opset
LOGICAL = ("And", "Or", "Not")  # which take truth values
OF_TRUTH = {"Add": "Or", "Max": "Or", "Mul": "And", "Min": "And"}  # what arithmetic is in NumPy, of truth values alone


class NoCounterpart(Exception):  # noqa: N818 - it is caught where the op is known
    """What ONNX cannot compute of an op."""


class Value(NamedTuple):
    """What a node of an ONNX graph gives: its name and its dtype."""

    name: str
    dtype: np.dtype[Any]


class Writer:
    """Writes nodes: `write("Add", x, y)` is the value of a new node, or of the one that computes the same already."""

    def __init__(self, onnx: Any, taken: set[str]) -> None:
        self._onnx = onnx
        self._context = onnx.checker.C.CheckerContext()
        self._context.ir_version, self._context.opset_imports = IR_VERSION, {"": OPSET}
        self._taken = taken
        self._counts: dict[str, int] = {}  # the number that comes next behind a name
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._made: dict[Hashable, list[Value]] = {}
        self._outputs: set[str] = set()
        self._named: dict[str, str] = {}  # what values that were made are called in the end

    def __call__(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operator of ONNX; raises NoCounterpart where it takes no such dtypes."""
        if all(x.dtype == np.bool_ for x in inputs):
            operator = OF_TRUTH.get(operator, operator)
        if operator in LOGICAL:
            inputs = tuple(self.cast(x, np.bool_) for x in inputs)
        return self.all_of(operator, *inputs, **attributes)[0]

    def all_of(self, operator: str, *inputs: Value, outputs: int = 1, **attributes: Any) -> list[Value]:
        """The results of an operator that has several."""
        node = self._node(operator, inputs, map(str, range(outputs)), attributes)
        key = node.SerializeToString()
        if key not in self._made:
            schema = self._schema(node)
            dtypes = [self._dtype(schema, inputs, attributes, i) for i in range(outputs)]
            self._made[key] = [Value(self.free(operator), dtype) for dtype in dtypes]
            self._add(node, self._made[key])
        return self._made[key]

    def _node(self, operator: str, inputs: Iterable[Value], outputs: Iterable[str], attributes: Mapping[str, Any]) -> Any:
        try:
            return self._onnx.helper.make_node(operator, [x.name for x in inputs], list(outputs), **attributes)
        except (TypeError, ValueError) as error:
            raise NoCounterpart(f"{operator} of ONNX has no such attribute: {error}") from None

    def _add(self, node: Any, outputs: Iterable[Value]) -> None:
        node.output[:] = [x.name for x in outputs]
        self.nodes.append(node)
        self._outputs.update(node.output)

    def free(self, wanted: str) -> str:
        """A name that nothing has: the one that is wanted, or that with a number."""
        name, k = wanted, self._counts.get(wanted, 1)
        while name in self._taken:
            name, k = f"{wanted}_{k}", k + 1
        self._counts[wanted] = k
        self._taken.add(name)
        return name

    def _schema(self, node: Any) -> Any:
        """The schema of an operator; raises NoCounterpart for other numbers of inputs and outputs, and other attributes."""
        try:
            schema = self._onnx.defs.get_schema(node.op_type, OPSET)
            self._onnx.checker.check_node(node, self._context)
        except self._onnx.defs.SchemaError:
            raise NoCounterpart(f"opset {OPSET} has no operator {node.op_type}") from None
        except self._onnx.checker.ValidationError as error:
            reason = f"{error}".partition("\n")[0].rstrip(".")  # what follows is the place in the model
            raise NoCounterpart(f"{node.op_type} does not follow its schema in ONNX: {reason}") from None
        return schema

    def _dtype(self, schema: Any, inputs: Sequence[Value], attributes: Mapping[str, Any], output: int) -> np.dtype[Any]:
        """The dtype of a result, by the schema of the operator."""
        if schema.name == "Cast":
            return np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(attributes["to"]))
        letters: dict[str, np.dtype[Any]] = {}
        for i, x in enumerate(inputs):
            formal = schema.inputs[min(i, len(schema.inputs) - 1)]
            if self._type(x.dtype) not in formal.types:
                raise NoCounterpart(f"{schema.name} of ONNX takes no {x.dtype}")
            if letters.setdefault(formal.type_str, x.dtype) != x.dtype:
                raise NoCounterpart(f"{schema.name} of ONNX takes no {letters[formal.type_str]} beside {x.dtype}")
        result = schema.outputs[min(output, len(schema.outputs) - 1)]
        return letters[result.type_str] if result.type_str in letters else _numpy_type(min(result.types))

    def _type(self, dtype: np.dtype[Any]) -> str:
        """What the schemas call a dtype."""
        return f"tensor({self._onnx.TensorProto.DataType.Name(self.element(dtype)).lower()})"

    def element(self, dtype: Any) -> int:
        """The number by which ONNX knows a dtype."""
        try:
            return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        except (KeyError, ValueError):
            raise NoCounterpart(f"ONNX has no {dtype}") from None

    def array(self, value: Any, dtype: Any = None, name: str = "") -> Value:
        """An array or a number that the model holds."""
        array = np.ascontiguousarray(value, dtype).reshape(np.shape(value))
        self.element(array.dtype)
        key = name, array.dtype, array.shape, array.tobytes()
        if key not in self._made:
            self._made[key] = [Value(name or self.free("constant"), array.dtype)]
            self.initializers.append(self._onnx.numpy_helper.from_array(array, self._made[key][0].name))
        return self._made[key][0]

    def integers(self, *numbers: int) -> Value:
        """Whole numbers, as axes and shapes are given."""
        return self.array(np.array(numbers, np.int64))

    def cast(self, x: Value, dtype: Any) -> Value:
        """A value in a dtype."""
        return x if x.dtype == dtype else self("Cast", x, to=self.element(dtype))

    def size(self, x: Value, axis: int) -> Value:
        """How many entries there are along an axis, in any run of the model."""
        return self("Gather", self("Shape", x), self.array(np.int64(axis)), axis=0)

    def counting(self, size: Value) -> Value:
        """The whole numbers from 0 up to a size."""
        return self("Range", self.array(np.int64(0)), size, self.array(np.int64(1)))

    def called(self, x: Value, name: str) -> Value:
        """The value by a name of the user's: that of its node, where it has none yet."""
        if x.name not in self._outputs or x.name in self._named:
            self._add(self._node("Identity", [x], [], {}), [Value(name, x.dtype)])
            return Value(name, x.dtype)
        self._named[x.name] = name
        return Value(name, x.dtype)

    def finished(self) -> list[Any]:
        """All nodes, with the final names."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [self._named.get(name, name) for name in names]
            node.name = node.output[0]
        return self.nodes


def _numpy_type(text: str) -> np.dtype[Any]:
    return np.dtype(text.removeprefix("tensor(").removesuffix(")"))


def expressed(write: Writer, node: Node, inputs: tuple[Value, ...]) -> Value:
    """What an op is in ONNX by its declaration: an operator, or operators within each other with `{}` for each argument.

    Numbers have the dtype of the first argument; those of axes and shapes stand in `int64(...)`.
    """
    assert node.op is not None
    assert isinstance(node.op.onnx, str)
    form = node.op.onnx
    if form.isidentifier():
        return write(form, *inputs)
    names = {f"x{i}": x for i, x in enumerate(inputs)}
    try:
        params = {name: value.item() if isinstance(value, np.generic) else value for name, value in node.params.items()}
        text = form.format(*names, **{name: repr(value) for name, value in params.items()})
        return _evaluated(write, parsed(text, mode="eval").body, names, inputs[0].dtype)
    except (IndexError, KeyError, SyntaxError, ValueError) as error:
        raise NoCounterpart(f"its declaration {form!r} is not operators within each other ({error})") from None


def _evaluated(write: Writer, x: ast.expr, names: Mapping[str, Value], dtype: np.dtype[Any]) -> Value:
    match x:
        case ast.Name(id=name):
            return names[name]
        case ast.Call(func=ast.Name(id="int64"), args=[numbers]):
            return write.array(np.array(ast.literal_eval(numbers), np.int64))
        case ast.Call(func=ast.Name(id=operator), args=arguments, keywords=words):
            inputs = [_evaluated(write, y, names, dtype) for y in arguments]
            return write(operator, *inputs, **{str(word.arg): ast.literal_eval(word.value) for word in words})
    number = ast.literal_eval(x)
    return write.array(number, np.bool_ if isinstance(number, bool) else dtype)
