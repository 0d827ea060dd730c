"""What is recorded: a Node is one value and where it came from.

A Node supports NumPy's interface (operators, methods, `np.exp(node)`), so that evaluating an expression records it. Leaves are
the inputs: `parameter`, `constant`, and every bare array in an expression.
"""

from __future__ import annotations

import itertools
import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from tinygraph.decisions import Log, Lost, Recipe, decided, recall
from tinygraph.place import Place, place_of, user_frame
from tinygraph.sparse import Sparse, in_dtype, is_sparse, sparse_of, sparsity, stored
from tinygraph.unchanged import IN_PLACE, no_assignment, no_update

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tinygraph.ops.declare import Op

Recorded: TypeAlias = Any  # a Node, where NumPy's type stubs take np.sum(node) for an array

NUMBERING = itertools.count(1)

LONGEST = 120  # characters of an array in one line

GRAPH = "`graph = tg.Graph(L, names=locals())`"
SHOWN = (
    'write `graph.draw().save("graph.svg")` for a picture or `graph.view().save("graph.html")` for a page, where '
    f"{GRAPH}; a notebook shows what the last line of a cell returns, such as `graph`"
)
ADVICE = {
    **dict.fromkeys(("display", "plot", "render", "save", "savefig", "show", "visualize"), SHOWN),
    **{name: f"write `graph.{name}()`, where {GRAPH}" for name in ("backprop", "draw", "latex", "quiz", "source", "stepper")},
    "backward": "gradients are values here: `dw, db = tg.gradients(L, w, b)`, or `tg.Graph(L, names=locals()).backprop()`",
    "grad": "nothing is stored on a node: `(dw,) = tg.gradients(L, w)`, or `graph.backprop()[w].value`",
    "zero_grad": "nothing accumulates, so there is nothing to reset: delete the line",
    "requires_grad": "make the leaf by `tg.parameter`; `node.kind` shows what it is",
    "toarray": "write `node.value.toarray()` of a sparse node; another holds an array already",
    "detach": "write `tg.stop_gradient(node)`, or `node.value` for the array",
    "data": "write `node.value`",
    "numpy": "write `node.value`",
    "real": "a node is real, so leave it out",
    "conj": "a node is real, so leave it out",
    "conjugate": "a node is real, so leave it out",
    "imag": "a node is real: its imaginary part is 0",
    "name": "names live in a graph: `tg.Graph(L, names=locals()).name(node)`",
    **{name: f"write `tg.{name}(node)`" for name in ("log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "softplus")},
}


def missing_attribute(kind: str, name: str) -> AttributeError:
    """The error for `.name` of a node, a graph or a picture, with the line to write where people know the name from elsewhere."""
    advice = ADVICE.get(name, "")
    if not advice and name in OF_ARRAYS:
        plain = f"write `node.value.{name}`" if hasattr(np.ndarray, name) else ""
        advice = f"write `np.{name}(node)`" if ops.answers(getattr(np, name, None)) else plain
    return AttributeError(f"a tinygraph {kind} has no .{name}" + (f": {advice}" if advice else ""))


def _method(function: Callable[..., Any]) -> Callable[..., Node]:
    """The method of the same name and calling convention as a NumPy function."""

    def method(self: Node, *args: Any, **kwargs: Any) -> Node:
        result: Node = function(self, *args, **kwargs)
        return result

    method.__name__ = function.__name__
    method.__doc__ = f"Record `np.{function.__name__}(node, ...)`."
    return method


def _read_error(node: Node, frame: FrameType) -> TypeError:
    from tinygraph.reading import read_error  # which takes a while to load, and only messages need it

    return read_error(node, frame)


class _Elsewhere:
    """An attribute of other libraries' nodes; reading it raises an error that shows what to write here.

    `__getattr__` would say it too, but in a class that has one Python looks every attribute up the slow way.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: Node | None, owner: type[Node]) -> NoReturn:
        raise missing_attribute("node", self.name)

    def __set__(self, node: Node, value: Any) -> NoReturn:
        raise missing_attribute("node", self.name)


class Node:
    """One value in a computation, and the op and inputs that made it.

    `value` (read-only), `op` (None for a leaf), `inputs` (Nodes and Python numbers), `params` (the op's metadata), `number`
    (order of creation), `kind` (parameter, constant or node), `place` (the user's line). A node never changes; `==` compares
    elementwise, the hash is identity.

    >>> w = tg.parameter(3.0)
    >>> w * w + 1
    <node add: 10>
    """

    # Lets pandas give way to a node on its right, as in `series * node`.
    __pandas_priority__ = 5000

    # `value` is a property so that nobody can change it; inside the package the hot paths read `_value` itself.
    kind: str = "node"
    recipe: Recipe | Lost  # set when something is decided by this value
    __slots__ = ("_value", "code", "inputs", "instruction", "number", "op", "params", "recipe")

    def __init__(
        self,
        value: Any,
        op: Op | None,
        inputs: tuple[Any, ...],
        params: dict[str, Any],
        code: CodeType | Place,
        instruction: int,
    ) -> None:
        self._value = value
        self.op = op
        self.inputs = inputs
        self.params = params
        self.code = code
        self.instruction = instruction
        self.number = next(NUMBERING)

    @property
    def value(self) -> Any:
        """The value: a read-only array of the node's shape and dtype, or a NumPy scalar where the shape is (); if it is sparse, a
        matrix of scipy.sparse.
        """
        value = self._value
        if not value.shape:
            return value[()]
        if type(value) is Sparse:
            return value.plain()
        if value.flags.writeable:
            value = value.view()
            value.flags.writeable = False
        return value

    @value.setter
    def value(self, new: Any) -> NoReturn:
        raise no_assignment(self.kind, user_frame(sys._getframe(1)))

    @property
    def operand(self) -> Any:
        """The value as an op takes it: of a sparse matrix not SciPy's, which has operators of its own."""
        return self._value if type(self._value) is Sparse else self.value

    @property
    def place(self) -> Place:
        """The line of the user's code that made this node."""
        return place_of(self.code, self.instruction)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        shape: tuple[int, ...] = self._value.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        dtype: np.dtype[Any] = self._value.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes of the value."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries of the value."""
        return int(self._value.size)

    def item(self, *index: Any) -> Any:
        """The only entry of the value, or the one at an index, as a Python number."""
        return self._value.item(*index)

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return self._value.tolist()

    def __repr__(self) -> str:
        name = self.kind if self.op is None else f"{self.kind} {self.op.name}"
        return f"<{name}{summary(self._value)}>"

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if spec else repr(self)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "a node is never changed: build a new one with `np.where(mask, new, node)`, or change the array before it is "
            "recorded (`array[...] = ...; w = tg.parameter(array)`)"
        )

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in ADVICE and name not in OF_ARRAYS]

    def __deepcopy__(self, memo: Any) -> Node:
        return self  # it never changes, and another one would have no gradient

    def __reduce__(self) -> tuple[Any, ...]:
        from tinygraph.pickling import reduce_node

        return reduce_node(self)

    # Python's protocols

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if self._value.size != 1:
            raise ValueError(
                f"an array of shape {self.shape} is neither true nor false: write node.any() or node.all(), or record both ways "
                "entry by entry with np.where(mask, x, y), np.maximum or np.minimum"
            )
        answer: bool = decided(self, bool, sys._getframe(1), next(NUMBERING))
        return answer

    def __float__(self) -> NoReturn:
        raise _read_error(self, sys._getframe(1))

    def __complex__(self) -> NoReturn:
        raise _read_error(self, sys._getframe(1))

    def __int__(self) -> int:
        answer: int = decided(self, int, sys._getframe(1), next(NUMBERING))
        return answer

    def __index__(self) -> int:
        from tinygraph.reading import index_error

        error = index_error(self, sys._getframe(1))
        if error is not None:
            raise error
        answer: int = decided(self, operator.index, sys._getframe(1), next(NUMBERING))
        return answer

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a node of shape () has no len(): it is one number, `node.size` is 1")
        return len(self._value)

    def __iter__(self) -> Iterator[Node]:
        if not self.shape:
            raise TypeError("a node of shape () cannot be iterated over")
        return (self[ops.Visited(i)] for i in range(len(self)))

    def __reversed__(self) -> Iterator[Node]:
        return (self[ops.Visited(i)] for i in reversed(range(len(self))))

    def __getitem__(self, index: Any) -> Node:
        return ops.getitem(self, index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise _read_error(self, sys._getframe(1))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        record = ops.UFUNCS.get(ufunc)
        if record is not None and not kwargs and method == "__call__":
            return record(*inputs)
        return ops.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return ops.call_function(function, args, kwargs)

    # Operators

    def __add__(self, other: Any) -> Node:
        return ops.add.record_two(self, other)

    def __radd__(self, other: Any) -> Node:
        return ops.add.record_two(other, self)

    def __sub__(self, other: Any) -> Node:
        return ops.subtract.record_two(self, other)

    def __rsub__(self, other: Any) -> Node:
        return ops.subtract.record_two(other, self)

    def __mul__(self, other: Any) -> Node:
        return ops.multiply.record_two(self, other)

    def __rmul__(self, other: Any) -> Node:
        return ops.multiply.record_two(other, self)

    def __truediv__(self, other: Any) -> Node:
        return ops.divide.record_two(self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return ops.divide.record_two(other, self)

    def __floordiv__(self, other: Any) -> Node:
        return ops.floor_divide.record_two(self, other)

    def __rfloordiv__(self, other: Any) -> Node:
        return ops.floor_divide.record_two(other, self)

    def __mod__(self, other: Any) -> Node:
        return ops.remainder.record_two(self, other)

    def __rmod__(self, other: Any) -> Node:
        return ops.remainder.record_two(other, self)

    def __divmod__(self, other: Any) -> tuple[Node, Node]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Node, Node]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Node:
        return ops.power.record_two(self, other)

    def __rpow__(self, other: Any) -> Node:
        return ops.power.record_two(other, self)

    def __matmul__(self, other: Any) -> Node:
        return ops.matmul.record_two(self, other)

    def __rmatmul__(self, other: Any) -> Node:
        return ops.matmul.record_two(other, self)

    def __neg__(self) -> Node:
        return ops.negative.record_one(self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return ops.abs.record_one(self)

    def __round__(self, digits: int = 0) -> Node:
        return ops.round(self, decimals=digits)

    def __eq__(self, other: object) -> Node:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.equal.record_two(self, other)

    def __ne__(self, other: object) -> Node:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.not_equal.record_two(self, other)

    def __lt__(self, other: Any) -> Node:
        return ops.less.record_two(self, other)

    def __le__(self, other: Any) -> Node:
        return ops.less_equal.record_two(self, other)

    def __gt__(self, other: Any) -> Node:
        return ops.greater.record_two(self, other)

    def __ge__(self, other: Any) -> Node:
        return ops.greater_equal.record_two(self, other)

    def __and__(self, other: Any) -> Node:
        return ops.bitwise_and(self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Node:
        return ops.bitwise_or(self, other)

    __ror__ = __or__

    def __invert__(self) -> Node:
        return ops.invert(self)

    # NumPy's methods

    sum = _method(np.sum)
    mean = _method(np.mean)
    max = _method(np.max)
    min = _method(np.min)
    prod = _method(np.prod)
    var = _method(np.var)
    std = _method(np.std)
    ptp = _method(np.ptp)
    cumsum = _method(np.cumsum)
    cumprod = _method(np.cumprod)
    clip = _method(np.clip)
    copy = _method(np.copy)
    round = _method(np.round)
    dot = _method(np.dot)
    trace = _method(np.trace)
    diagonal = _method(np.diagonal)
    squeeze = _method(np.squeeze)
    ravel = flatten = _method(np.ravel)
    swapaxes = _method(np.swapaxes)
    repeat = _method(np.repeat)
    take = _method(np.take)
    astype = _method(np.astype)
    argmax = _method(np.argmax)
    argmin = _method(np.argmin)
    argsort = _method(np.argsort)
    all = _method(np.all)
    any = _method(np.any)

    @property
    def T(self) -> Node:
        """Record `np.transpose(node)`."""
        return ops.transpose(self)

    @property
    def mT(self) -> Node:
        """Record the transposed matrix, or each of a stack transposed."""
        return ops.flip_last(self)

    def transpose(self, *axes: Any) -> Node:
        """Record `np.transpose(node, axes)`; axes as one tuple or one by one."""
        return ops.transpose(self, axes=_spread(axes) if axes else None)

    def reshape(self, *shape: Any, **kwargs: Any) -> Node:
        """Record `np.reshape(node, shape)`; the shape as one tuple or one by one."""
        result: Any = np.reshape(self, _spread(shape), **kwargs) if kwargs else ops.reshape(self, shape=_spread(shape))
        return result


UFUNCS = {name for name, function in vars(np).items() if isinstance(function, np.ufunc)}
OF_ARRAYS = {name for name in UFUNCS.union(dir(np.ndarray)) if name[0] != "_" and not hasattr(Node, name)}

for _name in ADVICE | dict.fromkeys(OF_ARRAYS):
    setattr(Node, _name, _Elsewhere(_name))


class Leaf(Node):
    """A node that the user brought: a parameter, or a constant, which every bare array is too."""

    array: Any = None  # of which it is one entry
    __slots__ = ("__weakref__", "beside", "kind", "log", "stands_for")

    def __init__(self, value: Any, kind: str, code: CodeType | Place, instruction: int, stands_for: Leaf | None = None) -> None:
        super().__init__(value, None, (), {}, code, instruction)
        self.kind = kind
        self.log: Log | None = None  # of the decisions that it took part in
        self.beside: tuple[weakref.ref[Any], ...] = ()  # arrays that it was computed of, in a way that is not recorded
        self.stands_for = stands_for  # the leaf in whose place a replay reads this one, where decisions are noted there

    @property
    def decided(self) -> Leaf | None:
        """The leaf at which the decisions are noted that one in its place took part in."""
        return self if self.log is not None else self.stands_for


Leaf.__name__ = Leaf.__qualname__ = "Node"  # what Python's own messages call it; users know nodes alone


def _in_place(symbol: str) -> Callable[[Leaf, Any], Any]:
    def refuse(leaf: Leaf, other: Any) -> Any:
        if leaf.kind == "parameter":
            raise no_update(symbol, user_frame(sys._getframe(1)))
        return NotImplemented  # Python then binds the name to a new node

    return refuse


for _name, _symbol in IN_PLACE.items():
    setattr(Leaf, f"__{_name}__", _in_place(_symbol))


def _spread(sizes: tuple[Any, ...]) -> Any:
    return sizes[0] if len(sizes) == 1 and (sizes[0] is None or np.ndim(sizes[0])) else sizes


def parameter(value: Any, *, copy: bool = True) -> Node:
    """A leaf that gradients are asked for; its gradient has its shape and dtype.

    An int becomes float64; a Node gives a fresh leaf of its value, without its history. `copy=False` shares the array.
    Raises TypeError for bool, complex, object and string values.

    >>> tg.parameter([1, 2])
    <parameter (2,) float64: [1. 2.]>
    """
    array = _real("parameter", value, copy)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    elif array.dtype.kind == "b":
        raise TypeError("a parameter cannot be bool: write `value.astype(float)`, or use `tg.constant` for a mask")
    return _leaf(array, "parameter")


def constant(value: Any, *, copy: bool = True) -> Node:
    """A leaf without a gradient of its own: data, labels, a fixed number. `copy=False` shares the array.

    A matrix of scipy.sparse stays sparse, as a `csr_array`, and takes part in `X @ w`, `X.T` and `X[rows]` alone.
    Raises TypeError for complex, object and string values.

    >>> tg.constant([1, 2])
    <constant (2,) int64: [1 2]>
    """
    return _leaf(_real("constant", value, copy, may_be_sparse=True), "constant")


_leaves: WeakValueDictionary[int, Leaf] = WeakValueDictionary()


def refuse_list_of_nodes(value: Any) -> None:
    """Raise TypeError where an operand is a list or tuple, however nested, that holds a node."""
    if isinstance(value, list | tuple) and _holds_node(value):
        raise TypeError(
            f"a {type(value).__name__} of nodes cannot be an operand, because it would become an array without gradients: "
            "write np.stack([...])"
        )


def _holds_node(value: Any) -> bool:
    return isinstance(value, Node) or (isinstance(value, list | tuple) and any(map(_holds_node, value)))


def leaf_of(value: Any) -> Node:
    """The constant that stands for a bare array, the same one as long as any graph holds it; what computed it, where the user's
    expression made it of such arrays.
    """
    if isinstance(value, np.bool):  # NumPy has one True and one False, so that many names may share one
        made = written.computed(value)
        return _leaf(np.array(value), "constant") if made is None else made
    if not isinstance(value, np.ndarray | np.generic):
        refuse_list_of_nodes(value)
        return _leaf(_real("constant", value, copy=False), "constant")
    leaf = _leaves.get(id(value))
    if leaf is not None and leaf._value is value:
        return leaf
    return written.leaf_or_computed(value)


def held_leaf(value: Any) -> Leaf:
    """The constant that stands for an array that the user holds."""
    leaf = _leaves.get(id(value))
    if leaf is None or leaf._value is not value:
        leaf = _leaf(_real("constant", value, copy=False), "constant")
        if leaf._value is value:
            keep_bare(leaf)
            recall(leaf)
    return leaf


def keep_bare(leaf: Leaf) -> None:
    """Let a leaf stand for its array, or NumPy scalar, as long as any graph holds it."""
    _leaves[id(leaf._value)] = leaf


def is_bare(leaf: Node) -> bool:
    """Whether a leaf is a bare array in an expression, or an entry of one, and none that the user made."""
    return _leaves.get(id(leaf._value)) is leaf or (isinstance(leaf, Leaf) and leaf.array is not None)


def as_node(x: Any) -> Node:
    """x itself, or the constant that stands for an array, list or number."""
    return x if isinstance(x, Node) else leaf_of(as_array(x))


def as_array(x: Any) -> Any:
    """A bare operand as an array, or a NumPy scalar as it is; raises TypeError for a list of nodes."""
    refuse_list_of_nodes(x)
    return x if isinstance(x, np.generic) else np.asarray(x)


def with_value(leaf: Node, value: Any) -> Node:
    """A leaf of the same kind, dtype and place with another value; raises ValueError for another shape."""
    array = _real(leaf.kind, value, copy=True, may_be_sparse=type(leaf._value) is Sparse)
    if array.shape != leaf.shape:
        raise ValueError(f"the new value has shape {array.shape}, and {leaf!r} has shape {leaf.shape}: give it that shape")
    assert isinstance(leaf, Leaf)
    if type(leaf._value) is Sparse and type(array) is not Sparse:
        array = sparse_of(array, copy=False)
    with np.errstate(invalid="ignore"):
        cast = in_dtype(array, leaf.dtype)
    if leaf.dtype.kind in "biu" and not np.array_equal(stored(cast), stored(array)):
        raise ValueError(
            f"the new value does not fit {leaf.dtype}, the dtype of {leaf!r}: record the program again with {array.dtype}"
        )
    return Leaf(cast, leaf.kind, leaf.code, leaf.instruction, leaf.decided)


def _leaf(value: Any, kind: str) -> Leaf:
    frame = user_frame(sys._getframe(2))
    return Leaf(value, kind, frame.f_code, frame.f_lasti)


def _real(kind: str, value: Any, copy: bool, may_be_sparse: bool = False) -> Any:
    """`value` as a real array, or as a scalar where the shape is (); what is sparse as it is, where it may be."""
    if isinstance(value, Node):
        value = value.value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"a {kind} cannot be a masked array: fill it first, `value.filled(0)`, or use np.where with the mask")
    if isinstance(value, np.generic):
        array: Any = value
    else:
        try:
            array = np.array(value, copy=copy or None)
        except ValueError as error:
            raise TypeError(f"a {kind} must be one array of numbers, not rows of different lengths: {error}") from error
    fixes = {
        "c": "use `.real`, `.imag` or `np.abs(value)`",
        "O": "write `np.asarray(value, dtype=float)`",
        "U": "write `np.asarray(value, dtype=float)` if it spells numbers",
    }
    if array.dtype.kind not in "biuf":
        fix = fixes.get(array.dtype.kind, fixes["O"])
        if is_sparse(value):
            if may_be_sparse:
                return sparse_of(value, copy)
            raise TypeError(
                f"a sparse matrix ({type(value).__name__}) is no {kind}: its gradient would be dense, so write "
                "tg.parameter(X.toarray()); data is tg.constant(X)"
                if kind == "parameter"
                else f"a sparse matrix ({type(value).__name__}) becomes a node by tg.constant(X), which takes part in `X @ w`, "
                "`X.T` and `X[rows]`; for anything else write X.toarray()"
            )
        raise TypeError(f"a {kind} must be real numbers, not {array.dtype} ({type(value).__name__}): {fix}")
    return array if array.shape or not copy else array[()]


def summary(value: Any) -> str:
    """The value for one line: ` 0.574` after a colon, or shape, dtype and the outermost entries, how many it has if sparse."""
    if not np.shape(value):
        return f": {value:.4g}" if value.dtype.kind == "f" else f": {value}"
    with np.printoptions(precision=4, threshold=6, edgeitems=2, linewidth=10**6):
        text = sparsity(value) or " ".join(str(value).split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f" {value.shape} {value.dtype}: {text}"


# The ops record Nodes and a Node's operators are ops, so one of the two comes last; so does what reads source on Nodes.
from tinygraph import ops, written  # noqa: E402
