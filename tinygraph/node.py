"""What is recorded: a Node is one value and where it came from.

It supports NumPy's interface (`tinygraph.operators`), so that evaluating an expression records it. A Leaf is an input.
"""

from __future__ import annotations

import itertools
import operator
import sys
import weakref
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from tinygraph.decisions import Log, LostRecipe, Recipe, decided
from tinygraph.missing import ForeignAttribute, add_foreign_attributes
from tinygraph.operators import Operators
from tinygraph.place import Place, place_of, user_frame
from tinygraph.sparse import Sparse, sparsity
from tinygraph.unchanged import IN_PLACE, in_place, no_assignment

if TYPE_CHECKING:
    from types import CodeType

    from tinygraph.ops import Op

Recorded: TypeAlias = Any  # a Node, where NumPy's type stubs take np.sum(node) for an array

NUMBERING = itertools.count(1)

LONGEST = 120  # characters of an array in one line


class Node(Operators):
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
    recipe: Recipe | LostRecipe  # set when something is decided by this value
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
        return [name for name in super().__dir__() if not isinstance(vars(Node).get(name), ForeignAttribute)]

    def __deepcopy__(self, memo: Any) -> Node:
        return self  # it never changes, and another one would have no gradient

    def __reduce__(self) -> tuple[Any, ...]:
        from tinygraph.pickling import reduce_node

        return reduce_node(self)

    # Python's protocols

    def __bool__(self) -> bool:
        if self._value.size != 1:
            raise ValueError(
                f"an array of shape {self.shape} is neither true nor false: write node.any() or node.all(), or record both ways "
                "entry by entry with np.where(mask, x, y), np.maximum or np.minimum"
            )
        answer: bool = decided(self, bool, sys._getframe(1), next(NUMBERING))
        return answer

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

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        from tinygraph.reading import read_error  # which takes a while to load, and only messages need it

        raise read_error(self, sys._getframe(1))

    __float__ = __complex__ = __array__


add_foreign_attributes(Node)


class Leaf(Node):
    """A node that the user brought: a parameter, or a constant, which every bare array is too."""

    array: Any = None  # of which it is one entry
    __slots__ = ("__weakref__", "beside", "kind", "log", "stands_for")

    def __init__(self, value: Any, kind: str, code: CodeType | Place, instruction: int, stands_for: Leaf | None = None) -> None:
        self._value = value  # as in Node, without a call
        self.op = None
        self.inputs = ()
        self.params = {}
        self.code = code
        self.instruction = instruction
        self.number = next(NUMBERING)
        self.kind = kind
        self.log: Log | None = None  # of the decisions that it took part in
        self.beside: tuple[weakref.ref[Any], ...] = ()  # arrays that it was computed of, in a way that is not recorded
        self.stands_for = stands_for  # the leaf in whose place a replay reads this one, where decisions are noted there

    @property
    def decided(self) -> Leaf | None:
        """The leaf at which the decisions are noted that one in its place took part in."""
        return self if self.log is not None else self.stands_for


Leaf.__name__ = Leaf.__qualname__ = "Node"  # what Python's own messages call it; users know nodes alone


for _name, _symbol in IN_PLACE.items():
    setattr(Leaf, f"__{_name}__", in_place(_symbol))


def summary(value: Any) -> str:
    """The value for one line: ` 0.574` after a colon, or shape, dtype and the outermost entries, how many it has if sparse."""
    if not np.shape(value):
        return f": {value:.4g}" if value.dtype.kind == "f" else f": {value}"
    with np.printoptions(precision=4, threshold=6, edgeitems=2, linewidth=10**6):
        text = sparsity(value) or " ".join(str(value).split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f" {value.shape} {value.dtype}: {text}"
