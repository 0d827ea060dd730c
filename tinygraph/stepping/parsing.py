"""A safe parser of typed formulas and small programs: it reads Python's syntax tree and never executes any of it.

Text is checked in three steps. A scan accepts only the names, numbers and signs of formulas, and limits their number and their
nesting, so that Python's own parser never receives a text that could crash it. The syntax tree is then turned into a list of
pieces in postfix order (operands first); a syntax that is not allowed raises an error. `formula` evaluates this list, with a
limit on the work. Literals are floats, so `9**9**9` is infinite at once.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import keyword
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygraph import ops, syntax
from tinygraph.names import LONGEST
from tinygraph.ops import OPERATORS
from tinygraph.stepping.literals import end, literal, place, whole
from tinygraph.stepping.messages import said
from tinygraph.stepping.vocabulary import HOMES, MODULES, FormulaError, functions, name_error, one_line
from tinygraph.syntax import SourceForm

CHARACTERS = 10_000  # of one text
TOKENS = 2_000  # names, numbers and signs in it
DEPTH = 100  # of parentheses in parentheses

TOKEN = re.compile(
    r"\s+|(?P<name>[^\W\d]\w*)|(?P<number>\.?\d(?:[eE][+-]|[\w.])*)|[()\[\]]|\*\*|//|[<>=!]=|[-+*/%@<>=,;.]|(?P<colon>:)"
    r"|'[\w<>=|,. -]{0,60}'|\"[\w<>=|,. -]{0,60}\""
)
PRODUCT = re.compile(r"([\d.]+(?:[eE][+-]?\d+)?)([^\W\d_]\w*)")  # as people write 2w
STRANGE = {
    "'": "text has no place in a formula", '"': "text has no place in a formula", "^": "a power is written **",
    "{": "sets and dicts are not read", "#": "comments are not read", ":": "only names get values: name = formula",
    "&": "combine conditions by *", "|": "combine conditions by maximum(...)", "~": "a condition is turned round by 1 - (...)",
}  # fmt: skip

CONSTANTS = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan}


class Literal(NamedTuple):
    """A number."""

    value: float


class Variable(NamedTuple):
    """A name, and its position in the text."""

    name: str
    where: str


class FunctionCall(NamedTuple):
    """A function applied to the `operands` values before it."""

    function: Callable[..., Any]
    operands: int
    params: Mapping[str, Any]
    where: str


Piece: TypeAlias = Literal | Variable | FunctionCall


@dataclass(frozen=True)
class ParsedStatement:
    """`name = formula`, the formula as pieces in postfix order; `name` is None for a formula alone."""

    name: str | None
    pieces: tuple[Piece, ...]
    text: str


@dataclass(frozen=True)
class ParsedProgram:
    """Statements; each can read the ones before it."""

    statements: tuple[ParsedStatement, ...]

    @property
    def free(self) -> dict[str, str]:
        """The names that are read before a statement assigns them, with the position of their first use."""
        known: set[str] = set()
        found: dict[str, str] = {}
        for statement in self.statements:
            for piece in statement.pieces:
                if isinstance(piece, Variable) and piece.name not in known:
                    found.setdefault(piece.name, piece.where)
            known.add(statement.name or "")
        return found


def forms() -> Iterator[tuple[ops.Op, SourceForm]]:
    """The forms of all ops that can be parsed."""
    return ((op, form) for op in ops.REGISTRY.values() for form in op.forms if isinstance(form, SourceForm) and form.is_readable)


def parse(text: str) -> ParsedProgram:
    """Read statements `name = formula`, separated by `;` or on lines of their own; the last may be a formula alone.

    Raises FormulaError for anything else.

    >>> [statement.name for statement in parse("z = w*x + b; a = sigmoid(z)").statements]
    ['z', 'a']
    >>> parse('w + "os"')
    Traceback (most recent call last):
    tinygraph.stepping.vocabulary.FormulaError: column 5: `"os"` is no formula
    """
    source = lines_of(text)
    body = parsed(source).body
    if not body:
        raise FormulaError(said("empty"))
    read = Parser(source)
    statements = [read.statement(x, is_last=x is body[-1]) for x in body]
    taken: set[str] = set()
    for x, statement in zip(body, statements, strict=True):
        if statement.name in taken:
            raise read.error(x, f"`{statement.name}` has a value already: give this one another name")
        taken.add(statement.name or "")
    return ParsedProgram(tuple(statements))


def lines_of(text: str) -> str:
    """The text without common indentation, with Python's line ends and minus signs."""
    return inspect.cleandoc(text.replace("\r\n", "\n").replace("\r", "\n").replace("−", "-"))


def parsed(source: str) -> ast.Module:
    """Python's syntax tree of a text that passes the scan."""
    _scan(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return syntax.parsed(source, "")  # for a syntax error Python reads the file, so there must be none
    except SyntaxError as error:
        _refuse_products(source)
        where = _where(source, error.lineno or 1, max((error.offset or 1) - 1, 0))
        raise FormulaError(f"{where}: {(error.msg or 'no formula').partition(';')[0][:200]}") from None
    except (RecursionError, MemoryError):
        raise FormulaError(said("nested")) from None
    except ValueError as error:
        raise FormulaError(f"the formula cannot be read: {error}") from None


def _scan(source: str) -> None:
    """Raise an error for text that no formula contains, and for one that is too long."""
    if len(source) > CHARACTERS:
        raise FormulaError(said("long", length=f"{len(source):,}", most=f"{CHARACTERS:,}"))
    place = depth = inside = count = 0  # `depth` counts all open brackets, `inside` the square ones
    while place < len(source):
        token = TOKEN.match(source, place)
        if token is None or (token["colon"] and not inside):
            wrong = source[place]
            reason = STRANGE.get(wrong, said("strange"))
            raise FormulaError(f"{_at(source, place)}: {said('character', text=one_line(wrong), reason=reason)}")
        if token["name"] and keyword.iskeyword(token["name"]) and token["name"] not in ("True", "False", "None"):
            raise FormulaError(f"{_at(source, place)}: {said('keyword', text=token['name'])}")
        depth += token[0] in ("(", "[")
        depth -= token[0] in (")", "]")
        inside += (token[0] == "[") - (token[0] == "]")
        count += not token[0].isspace()
        if depth > DEPTH or count > TOKENS:
            raise FormulaError(f"{_at(source, place)}: {said('nested')}")
        place = token.end()


def _refuse_products(source: str) -> None:
    """Raise an error that says what to write for a number directly before a name, as in 2w."""
    for token in TOKEN.finditer(source):
        product = PRODUCT.fullmatch(token["number"] or "")
        if product is not None and not _is_number(token[0]):
            fixed = one_line(f"{product[1]}*{product[2]}")
            raise FormulaError(f"{_at(source, token.start())}: {said('product', text=fixed)}")


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return re.fullmatch(r"0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+", text) is not None
    return True


def _at(source: str, place: int) -> str:
    before = source[:place]
    return _where(source, before.count("\n") + 1, place - before.rfind("\n") - 1)


def _where(source: str, line: int, column: int) -> str:
    """A position in words; the line is named if there are several."""
    return f"line {line}, column {column + 1}" if "\n" in source else f"column {column + 1}"


class Parser:
    """Turns Python's syntax tree into pieces; raises an error for what is not allowed."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = [line.encode() for line in source.split("\n")]  # Python counts bytes
        self.functions = functions()

    def error(self, x: ast.AST, reason: str) -> FormulaError:
        """The error for a piece."""
        return FormulaError(f"{self.where(x)}: {reason}")

    def where(self, x: Any) -> str:
        """The position of a piece in the text."""
        before = self.lines[x.lineno - 1][: x.col_offset]
        return _where(self.source, x.lineno, len(before.decode(errors="replace")))

    def text(self, x: Any) -> str:
        """How a piece was typed."""
        lines = self.lines[x.lineno - 1 : x.end_lineno]
        lines[-1] = lines[-1][: x.end_col_offset]
        lines[0] = lines[0][x.col_offset :]
        return b"\n".join(lines).decode(errors="replace")

    def quoted(self, x: Any) -> str:
        """A piece as it was typed, on one line, for a message."""
        return one_line(self.text(x))

    def statement(self, x: ast.stmt, is_last: bool) -> ParsedStatement:
        """`name = formula`, or the formula at the end."""
        text = self.text(x)
        if isinstance(x, ast.Expr):
            if not is_last:
                raise self.error(x, f"only the last formula goes without a name: write name = {one_line(self.text(x))}")
            return ParsedStatement(None, self.pieces(x.value), text)
        if not isinstance(x, ast.Assign) or len(x.targets) != 1 or not isinstance(x.targets[0], ast.Name):
            raise self.error(x, said("statement", text=self.quoted(x)))
        name = x.targets[0]
        wrong = name_error(name.id, self.functions)
        if wrong:
            raise self.error(name, wrong)
        return ParsedStatement(name.id, self.pieces(x.value), text)

    def pieces(self, root: ast.expr) -> tuple[Piece, ...]:
        """All pieces of a formula in postfix order."""
        found: list[Piece] = []
        stack = [root]
        while stack:
            piece, operands = self.piece(stack.pop())
            found.append(piece)
            stack.extend(operands)
        return tuple(reversed(found))

    def piece(self, x: ast.expr) -> tuple[Piece, Sequence[ast.expr]]:
        """One piece, and its operands."""
        while isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.UAdd):
            x = x.operand
        match x:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.number(x, value), ()
            case ast.Name(id=name):
                if name.startswith("__"):
                    raise self.error(x, said("name", text=one_line(name)))
                return Variable(name, self.where(x)), ()
            case ast.BinOp(op=sign, left=left, right=right) if type(sign) in OPERATORS:
                return FunctionCall(OPERATORS[type(sign)], 2, {}, self.where(x)), (left, right)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in OPERATORS:
                return FunctionCall(OPERATORS[type(sign)], 1, {}, self.where(x)), (operand,)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in OPERATORS:
                return FunctionCall(OPERATORS[type(sign)], 2, {}, self.where(x)), (left, right)
        formed = self.formed(x)
        if formed is not None:
            return formed
        match x:
            case ast.Attribute():
                return self.attribute(x)
            case ast.Subscript():
                return self.subscript(x)
            case ast.Call():
                return self.call(x)
        raise self.error(x, said("no formula", text=self.quoted(x)))

    def formed(self, x: ast.expr) -> tuple[Piece, Sequence[ast.expr]] | None:
        """An op in one of the forms in which source prints it, such as `x.T`."""
        wrong: FormulaError | None = None
        for op, form in forms():
            found = form.read(x)
            try:
                formed = None if found is None else self._in_form(x, op, form, found)
            except FormulaError as error:
                wrong = error
            else:
                if formed is not None:
                    return formed
        if wrong is not None:
            raise wrong
        return None

    def _in_form(
        self, x: ast.expr, op: ops.Op, form: SourceForm, found: Mapping[str, Any]
    ) -> tuple[Piece, Sequence[ast.expr]] | None:
        """An op with the operands in one of its forms; None where operands are missing."""
        names = op.arguments[: form.rest] if "*" in found else op.arguments
        given = {key: ast.copy_location(ast.Constant(value), x) for key, value in form.fixed.items() if key in names}
        operands: list[Any] = [found.get(str(i), given.get(key)) for i, key in enumerate(names)] + found.get("*", [])
        if any(i is None or (isinstance(i, ast.Name) and i.id in MODULES) for i in operands):
            return None
        params = {key: value for key, value in form.fixed.items() if key not in names}
        for key in op.defaults.keys() & found.keys():
            params[key] = self.read(found[key], whole) if key in form.indices else self.metadata(found[key], key)
        return FunctionCall(op, len(operands), params, self.where(x)), operands

    def number(self, x: ast.Constant, constant: float) -> Literal:
        """A literal as a float."""
        try:
            value = float(constant)
        except OverflowError:
            value = np.inf
        if not np.isfinite(value):
            raise self.error(x, said("large", text=self.quoted(x)))
        return Literal(value)

    def attribute(self, x: ast.Attribute) -> tuple[Piece, Sequence[ast.expr]]:
        """A constant such as `np.pi`; there are no other attributes than these and the forms of ops."""
        if isinstance(x.value, ast.Name) and x.value.id in MODULES:
            if x.value.id == "np" and x.attr in CONSTANTS:
                return Literal(CONSTANTS[x.attr]), ()
            raise self.error(x, said("constant", text=self.quoted(x)))
        raise self.error(x, said("attribute", text=self.quoted(x)))

    def call(self, x: ast.Call) -> tuple[Piece, Sequence[ast.expr]]:
        """A function applied to its operands; further arguments, positional or by name, are metadata."""
        name = self.called(x.func)
        function = self.functions[name]
        given = [*x.args]
        if function.takes_list and given and isinstance(given[0], ast.List):
            given[:1], most = given[0].elts, len(given[0].elts)
        else:
            most = function.most
        operands, further = given[:most], given[most:]
        named = [(key.arg, key.value) for key in x.keywords]
        if len(operands) < function.least or len(operands) > function.most or len(further) > len(function.metadata):
            count = f"{function.least} value{'s' * (function.least > 1)}"
            raise self.error(x, said("operands", text=self.quoted(x), name=name, count=count, given=len(x.args)))
        params: dict[str, Any] = {}
        for key, value in [*zip(function.metadata, further, strict=False), *named]:
            if key not in function.metadata or key in params:
                raise self.error(value, said("no such", text=self.quoted(x), name=name, key=one_line(key or "such thing")))
            params[key] = self.metadata(value, key)
        if not function.needed <= params.keys():
            keys = ", ".join(sorted(function.needed - params.keys()))
            raise self.error(x, said("needed", text=self.quoted(x), name=name, keys=keys))
        return FunctionCall(function.call, len(operands), params, self.where(x)), operands

    def subscript(self, x: ast.Subscript) -> tuple[Piece, Sequence[ast.expr]]:
        """`x[1:, None, i]`: numbers and slices are metadata; anything else is a formula."""
        parts = x.slice.elts if isinstance(x.slice, ast.Tuple) else [x.slice]
        template: list[Any] = []
        arrays: list[ast.expr] = []
        for part in parts:
            if isinstance(part, ast.Slice):
                template.append(slice(*(i and self.read(i, end) for i in (part.lower, part.upper, part.step))))
                continue
            try:
                template.append(place(part))
            except ValueError:
                template.append(ops.ARRAY)
                arrays.append(part)
        return FunctionCall(ops.index, 1 + len(arrays), {"template": tuple(template)}, self.where(x)), (x.value, *arrays)

    def called(self, x: ast.expr) -> str:
        """The name of a known function."""
        if isinstance(x, ast.Attribute) and isinstance(x.value, ast.Name | ast.Attribute) and self.text(x.value) in HOMES:
            name = x.attr
        elif isinstance(x, ast.Name):
            name = x.id
        else:
            raise self.error(x, said("called", text=self.quoted(x)))
        if name not in self.functions:
            close = difflib.get_close_matches(name[:LONGEST], self.functions, n=1)
            hint = f"did you mean {close[0]}?" if close else said("functions")
            hint = next((said("form", text=form.shown(op.arguments)) for op, form in forms() if form.calls(name)), hint)
            raise self.error(x, said("function", text=one_line(name), hint=hint))
        return name

    def metadata(self, x: ast.expr, key: str) -> Any:
        """The value of the metadata `key`, which is a literal."""
        return self.read(x, literal, key)

    def read(self, x: ast.expr, reader: Callable[..., Any], *further: Any) -> Any:
        """A literal, as `reader` reads it."""
        try:
            return reader(x, *further)
        except ValueError as error:
            raise self.error(x, said(str(error), text=self.quoted(x))) from None
