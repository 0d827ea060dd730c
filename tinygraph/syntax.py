"""Python's syntax, as ops are spelled in it: its operators, and forms such as `{}.T` and `len({})`. It knows no op.

A form is text with a place for each operand, `{}` or `{1}`, and for metadata: `{axis}` stands for its value, and `{axis=}` for
`, axis=value` where that is not the default. `{*}` stands for all operands that have no place of their own.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import RLock
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# How tightly Python binds; what is inside binds at least as tightly, or stands in parentheses.
COMPARISON, OR, AND, SUM, PRODUCT, SIGN, POWER, ATOM = range(8)


class Operator(NamedTuple):
    """An operator, how tightly it binds and its operands must bind, Python's class of it, and the function that computes it."""

    text: str
    binds: int
    left: int
    right: int
    syntax: type[ast.AST]
    function: Callable[..., Any]


def _left(text: str, binds: int, syntax: type[ast.AST], function: Callable[..., Any]) -> Operator:
    """An operator of which several in a row are read from the left."""
    return Operator(text, binds, binds, binds + 1, syntax, function)


def _comparison(text: str, syntax: type[ast.AST], function: Callable[..., Any]) -> Operator:
    """A comparison, of which several in a row mean something else."""
    return Operator(text, COMPARISON, COMPARISON + 1, COMPARISON + 1, syntax, function)


BINARY = {
    x.text: x
    for x in (
        _left("+", SUM, ast.Add, operator.add),
        _left("-", SUM, ast.Sub, operator.sub),
        _left("*", PRODUCT, ast.Mult, operator.mul),
        _left("/", PRODUCT, ast.Div, operator.truediv),
        _left("@", PRODUCT, ast.MatMult, operator.matmul),
        _left("//", PRODUCT, ast.FloorDiv, operator.floordiv),
        _left("%", PRODUCT, ast.Mod, operator.mod),
        _left("&", AND, ast.BitAnd, operator.and_),
        _left("|", OR, ast.BitOr, operator.or_),
        # Read from the right, and tighter than a sign on its left.
        Operator("**", POWER, ATOM, SIGN, ast.Pow, operator.pow),
        _comparison(">", ast.Gt, operator.gt),
        _comparison(">=", ast.GtE, operator.ge),
        _comparison("<", ast.Lt, operator.lt),
        _comparison("<=", ast.LtE, operator.le),
        _comparison("==", ast.Eq, operator.eq),
        _comparison("!=", ast.NotEq, operator.ne),
    )
}
UNARY = {
    x.text: x
    for x in (
        Operator("-", SIGN, ATOM, SIGN, ast.USub, operator.neg),
        Operator("+", SIGN, ATOM, SIGN, ast.UAdd, operator.pos),
        Operator("~", SIGN, ATOM, SIGN, ast.Invert, operator.invert),
    )
}
OF_SYNTAX: Mapping[type[ast.AST], Operator] = {x.syntax: x for x in (*BINARY.values(), *UNARY.values())}


_PARSING = RLock()


def parsed(text: str, filename: str = "<unknown>", mode: str = "exec") -> Any:
    """The syntax tree of a text, in one thread at a time: Python 3.11 raises a SystemError where several take turns at it.

    >>> ast.unparse(parsed("x=1"))
    'x = 1'
    """
    with _PARSING:
        return ast.parse(text, filename, mode)


def operator_of(text: str, operands: int) -> Operator:
    """The operator that a declaration names; raises ValueError where Python has none of that name for so many operands."""
    known = {1: UNARY, 2: BINARY}.get(operands, {})
    if text not in known:
        there = f"those are {' '.join(known)}" if known else "operators take one or two"
        raise ValueError(f"operator={text!r}: Python has no such operator for {operands} operands; {there}")
    return known[text]


def literal(value: Any) -> tuple[str, int]:
    """A number, and how tightly it binds."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return ("np.nan", ATOM) if math.isnan(value) else ("np.inf", ATOM) if value > 0 else ("-np.inf", SIGN)
    text = repr(value.item() if isinstance(value, np.generic) else value)
    if text.removeprefix("-") == repr(math.pi):
        text = text.replace(repr(math.pi), "np.pi")
    return text, SIGN if text.startswith("-") else ATOM


def constant(value: Any) -> str:
    """Metadata as source: numbers, text, tuples, slices, dtypes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(constant, value))}{',' * (len(value) == 1)})"
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return dtype_name(np.dtype(value))
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return literal(value)[0]
    if value is None or isinstance(value, bool | str | slice) or value is Ellipsis:
        return "..." if value is Ellipsis else repr(value)
    return repr(value)


def dtype_name(dtype: np.dtype[Any]) -> str:
    """A dtype as source: `bool`, `np.float32`; one of the other byte order by its code."""
    if not dtype.isnative:
        return f'np.dtype("{dtype.str}")'
    names = {"?": "bool", "g": "np.longdouble"}  # whose NumPy name has the number of bits, which depends on the machine
    return names.get(dtype.char, f"np.{dtype.name}")


def subscript(part: Any) -> str:
    """A part of an index as source, `1:` for a slice."""
    if not isinstance(part, slice):
        return constant(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


Written: TypeAlias = tuple[str, int]  # source, and how tightly it binds


def inside_of(written: Written, least: int) -> str:
    """Source, in parentheses where it binds less tightly than `least`."""
    text, binds = written
    return text if binds >= least else f"({text})"


class Operand(NamedTuple):
    """An operand as source: its text, how tightly that binds, its shape, and its value where it is a literal."""

    text: str
    binds: int
    shape: tuple[int, ...]
    value: Any = None

    def inside(self, least: int) -> str:
        """The text, in parentheses where it binds less tightly than `least`."""
        return inside_of((self.text, self.binds), least)

    @property
    def array(self) -> str:
        """What stands before a dot or a bracket; a literal, or a value that may be a Python number, becomes an array."""
        return self.inside(ATOM) if self.shape else f"np.asarray({self.text})"


PLACE = r"\{(\w*|\*)(=?)\}"
NAMED = "_place_"  # how the syntax tree of a form calls its places
FACTS = ("shape", "dtype", "size")  # of which a number has its own


class SourceForm:
    """A form in which source writes an op.

    It is right where `when(*operands, **metadata)` says so and where metadata, and literals as operands, are as given by name.
    """

    def __init__(self, text: str, when: Callable[..., bool] | None = None, **fixed: Any) -> None:
        self.text = text
        self.when = when
        self.fixed = fixed

    def check(self) -> None:
        """Raise an error for a form that is no Python, or that names what a program does not know."""
        unknown = {x.id for x in ast.walk(self.pattern) if isinstance(x, ast.Name) and not x.id.startswith(NAMED)}
        if not all(name == "np" or hasattr(builtins, name) for name in unknown):
            raise ValueError(f"source={self.text!r}: a form may name np and Python's own functions alone, as in 'np.exp(-{{}})'")

    # What follows from the text is found when a program is written or read: parsing takes a while.

    @cached_property
    def found(self) -> list[tuple[str, bool]]:
        """What stands at its places, and whether by name."""
        count = itertools.count()
        return [(key or str(next(count)), bool(named)) for key, named in re.findall(PLACE, self.text)]

    @cached_property
    def between(self) -> list[str]:
        """The text around its places."""
        return re.split(PLACE, self.text)[::3]

    @cached_property
    def rest(self) -> int:
        """Where the operands begin that have no place of their own."""
        return sum(key.isdigit() for key, _ in self.found)

    @cached_property
    def pattern(self) -> ast.expr:
        """Its syntax tree."""
        tree: ast.expr = parsed(with_names(self.between, self.found), mode="eval").body
        return tree

    @cached_property
    def binds(self) -> int:
        """How tightly it binds."""
        return _binds(self.pattern)

    @cached_property
    def places(self) -> list[tuple[str, bool, int | None]]:
        """Its places: what stands there, whether by name, and how tightly that has to bind."""
        levels = [level for _, level in sorted(_levels(self.pattern))]
        return [(key, named, level) for (key, named), level in zip(self.found, levels, strict=True)]

    @cached_property
    def indices(self) -> set[str]:
        """The places that are read as an index."""
        slices = [x.slice for x in ast.walk(self.pattern) if isinstance(x, ast.Subscript)]
        return {place for x in slices if (place := _place(x)) is not None}

    @cached_property
    def is_readable(self) -> bool:
        """Whether an expression can be read in this form."""
        return _place(self.pattern) is None and len({key for key, _ in self.found}) == len(self.found)

    def written(
        self, arguments: Sequence[str], defaults: Mapping[str, Any], operands: Sequence[Operand], params: Mapping[str, Any]
    ) -> Written | None:
        """The op in this form; None where that would say something else."""
        given = {**dict(zip(arguments, (x.value for x in operands), strict=False)), **params}
        if not all(given[key] is value or (given[key] is not None and given[key] == value) for key, value in self.fixed.items()):
            return None
        if self.when is not None and not self.when(*operands, **params):
            return None
        text = self.between[0]
        for (key, named, level), after in zip(self.places, self.between[1:], strict=True):
            if key == "*":
                text += ", ".join(x.text for x in operands[self.rest :])
            elif key.isdigit():
                text += operands[int(key)].array if level is None else operands[int(key)].inside(level)
            elif not named:
                text += constant(params[key])
            elif not is_default(params[key], defaults.get(key)):
                text += f", {key}={constant(params[key])}"
            text += after
        return text, self.binds

    def shown(self, arguments: Sequence[str]) -> str:
        """The form with the names of operands and metadata."""
        names = [arguments[int(key)] if key.isdigit() else arguments[-1] if key == "*" else key for key, *_ in self.places]
        texts = [f", {key}={key}" if named else name for name, (key, named, _) in zip(names, self.places, strict=True)]
        return "".join(itertools.chain.from_iterable(itertools.zip_longest(self.between, texts, fillvalue="")))

    def calls(self, name: str) -> bool:
        """Whether a function of NumPy's of that name stands in the form."""
        return any(isinstance(x, ast.Attribute) and ast.unparse(x) == f"np.{name}" for x in ast.walk(self.pattern))

    def read(self, x: ast.expr) -> dict[str, Any] | None:
        """What stands at each place of an expression in this form, a list at `*`; None for any other expression."""
        found: dict[str, Any] = {}
        return found if _matches(self.pattern, x, found) else None


def is_default(value: Any, default: Any) -> bool:
    """Whether metadata is what it is by default."""
    return type(default) in (bool, type(value)) and bool(value == default)


def with_names(between: Sequence[str], places: Sequence[tuple[str, bool]]) -> str:
    """A form with a name at each place, which Python parses."""
    names = ["*" * (key == "*") + NAMED + key.replace("*", "rest") for key, _ in places]
    texts = [f", {key}={name}" if named else name for (key, named), name in zip(places, names, strict=True)]
    return "".join(itertools.chain.from_iterable(itertools.zip_longest(between, texts, fillvalue="")))


def _place(x: ast.AST) -> str | None:
    """Which place a name stands for, if any."""
    if not isinstance(x, ast.Name) or not x.id.startswith(NAMED):
        return None
    return x.id.removeprefix(NAMED).replace("rest", "*")


def _binds(x: ast.expr) -> int:
    """How tightly the outermost part of an expression binds."""
    syntax = x.op if isinstance(x, ast.BinOp | ast.UnaryOp) else x.ops[0] if isinstance(x, ast.Compare) else None
    if isinstance(x, ast.BoolOp | ast.IfExp | ast.Lambda):
        return COMPARISON - 1
    return OF_SYNTAX[type(syntax)].binds if syntax is not None else ATOM


def _levels(tree: ast.expr) -> Iterator[tuple[int, int | None]]:
    """Where each place of a form is, and how tightly its operand has to bind; None where it has to be an array."""
    if _place(tree) is not None:
        yield 0, ATOM
    for x in ast.walk(tree):
        for child in ast.iter_child_nodes(x):
            if _place(child) is None:
                continue
            level: int | None = COMPARISON
            if isinstance(x, ast.BinOp):
                level = OF_SYNTAX[type(x.op)].left if child is x.left else OF_SYNTAX[type(x.op)].right
            elif isinstance(x, ast.Compare):
                level = OF_SYNTAX[type(x.ops[0])].left
            elif isinstance(x, ast.UnaryOp):
                level = OF_SYNTAX[type(x.op)].right
            elif isinstance(x, ast.Attribute):
                level = ATOM if x.attr in FACTS else None
            elif isinstance(x, ast.Subscript) and child is x.value:
                level = None
            yield child.col_offset, level  # type: ignore[attr-defined]  # a name has a place


def _matches(pattern: Any, x: Any, found: dict[str, Any]) -> bool:
    """Whether an expression has a form; what stands at its places is put into `found`."""
    place = _place(pattern) if isinstance(pattern, ast.AST) else None
    if place is not None:
        found[place] = x
        return isinstance(x, ast.expr)
    if isinstance(pattern, ast.Call) and isinstance(x, ast.Call):
        return _matches(pattern.func, x.func, found) and _matches_arguments(pattern, x, found)
    if isinstance(pattern, ast.Attribute) and isinstance(pattern.value, ast.Name) and isinstance(x, ast.Name):
        return pattern.value.id == "np" and pattern.attr == x.id  # NumPy's functions go by their own names too
    if isinstance(pattern, list) and isinstance(x, list):
        return len(pattern) == len(x) and all(_matches(p, y, found) for p, y in zip(pattern, x, strict=True))
    if not isinstance(pattern, ast.AST) or type(pattern) is not type(x):
        return type(pattern) is type(x) and bool(pattern == x)
    return all(_matches(getattr(pattern, key), getattr(x, key), found) for key in pattern._fields if key not in ("ctx", "kind"))


def _matches_arguments(pattern: ast.Call, x: ast.Call, found: dict[str, Any]) -> bool:
    """Whether a call has the arguments of a form, of which the metadata that has a default may be left out."""
    first, given = pattern.args, x.args
    if first and isinstance(first[-1], ast.Starred):
        found["*"] = given[len(first) - 1 :]
        first, given = first[:-1], given[: len(first) - 1]
        if not found["*"]:
            return False
    named = {key.arg: key.value for key in pattern.keywords}
    known = all(key.arg in named and _matches(named[key.arg], key.value, found) for key in x.keywords)
    return known and _matches(first, given, found)
