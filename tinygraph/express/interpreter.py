"""The script that computes instructions in a page: a few files of JavaScript, and how each op is spelled there.

How an op is computed stands in its declaration, as an expression of its operands, or in those files, as the function of its
name. No code is made in the page, whose content security policy forbids that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import ascii_lowercase

from tinygraph.ops import Op

HOME = files("tinygraph.express").joinpath("javascript")
FILES = ("numbers", "arrays", "shapes", "reductions", "matrices", "run")  # each before those that it is read by
DEFINITION = re.compile(r"^(?=(?:function|class|const) |structural\.)", re.MULTILINE)
KEYWORDS = ("function", "class", "const")
NAME = re.compile(r"structural\.\w+|\w+")
PUBLIC = "prepare, run, what, valueFrom, applied, broadcastShape, broadcastData, shapeOf, sizeOf, NDArray, Unknown"


def script(ops: Iterable[Op], further: Iterable[Op] = ()) -> str:
    """The object `interpreter` of a page, for programs of these ops: it has what `PUBLIC` names.

    `further` ops are computed too, in a shorter and slower way.
    """
    own = set(ops)
    used = sorted(own.union(further), key=lambda op: op.name)
    rules = [(op.name, rule_of(op) if op in own else short_rule_of(op)) for op in used if op.javascript]
    table = "".join(f"[{json.dumps(name)}, {rule}],\n" for name, rule in rules)
    needed = _needed([PUBLIC, table, *(f"structural.{op.name}" for op in used if op.built_in and not op.javascript)])
    return f"const interpreter = (() => {{\n{needed}const elementwise = new Map([\n{table}]);\nreturn {{ {PUBLIC} }};\n}})();\n"


def _needed(texts: Iterable[str]) -> str:
    """The definitions that some texts need, and those that these need, in the order of the files."""
    found: set[str] = set()
    names = [name for text in texts for name in NAME.findall(text)]
    while names:
        name = names.pop()
        if name in _definitions() and name not in found:
            found.add(name)
            names += NAME.findall(_definitions()[name])
    return "".join(text for name, text in _definitions().items() if name in found)


@cache
def _definitions() -> Mapping[str, str]:
    """The functions, classes and constants of the files by their names."""
    found: dict[str, str] = {}
    for file in FILES:
        for part in DEFINITION.split(_text(file))[1:]:
            found[next(x for x in NAME.findall(part) if x not in KEYWORDS)] = bare(part)
    return found


def is_spelled(op: Op) -> bool:
    """Whether JavaScript has an expression or a function for an op."""
    return bool(op.javascript) or (op.built_in and op.name in structural())


@cache
def structural() -> frozenset[str]:
    """The ops that have a function of their name."""
    return frozenset(name for file in FILES for name in re.findall(r"^structural\.(\w+) = ", _text(file), re.MULTILINE))


@cache
def dtypes() -> frozenset[str]:
    """The codes of the dtypes in which a page computes."""
    return frozenset(re.findall(r'^\s*\["(\w\d)", \{ Buffer', _text("arrays"), re.MULTILINE))


def rule_of(op: Op) -> str:
    """What makes the rule of an elementwise op for its metadata and the type of the result: a function of numbers, and a loop.

    >>> from tinygraph.ops import negative
    >>> print(rule_of(negative))
    (params, type) => ({
      one: (a) => -a,
      all: ([as], [stepA], result) => {
        for (let i = 0; i < result.length; i++) {
          const a = as[i * stepA];
          result[i] = -a;
        }
      },
    })
    """
    letters = ascii_lowercase[: len(op.arguments)]
    expression = _expression(op, letters)
    steps = [f"step{x.upper()}" for x in letters]
    entries = ", ".join(f"{x} = {x}s[i * {step}]" for x, step in zip(letters, steps, strict=True))
    return (
        "(params, type) => ({\n"
        f"  one: ({', '.join(letters)}) => {expression},\n"
        f"  all: ([{', '.join(f'{x}s' for x in letters)}], [{', '.join(steps)}], result) => {{\n"
        "    for (let i = 0; i < result.length; i++) {\n"
        f"      const {entries};\n"
        f"      result[i] = {expression};\n"
        "    }\n"
        "  },\n"
        "})"
    )


def short_rule_of(op: Op) -> str:
    """The same with the loop that many ops share, which a browser makes less fast.

    >>> from tinygraph.ops import negative
    >>> short_rule_of(negative)
    '(params, type) => ruleOf((a) => -a)'
    """
    letters = ascii_lowercase[: len(op.arguments)]
    return f"(params, type) => ruleOf(({', '.join(letters)}) => {_expression(op, letters)})"


def _expression(op: Op, letters: str) -> str:
    """The expression that an op declares, with letters for its operands."""
    operands = iter(letters)
    places = {str(i): x for i, x in enumerate(letters)} | {x: f"params.{x}" for x in op.defaults} | {"dtype": "type"}

    def put_in(found: re.Match[str]) -> str:
        text = places.get(found[1]) if found[1] else next(operands, None)
        if text is None:
            raise ValueError(f"javascript={op.javascript!r}: op {op.name} has no operand or metadata for {found[0]}")
        return text

    return re.sub(r"\{(\w*)\}", put_in, op.javascript)


def _text(name: str) -> str:
    return HOME.joinpath(f"{name}.js").read_text(encoding="utf-8")


def bare(script: str) -> str:
    """A script without its comments and indentation."""
    return re.sub(r"^\s*//.*\n|(?<=[;,{([]) +// .*$|^\s+", "", script, flags=re.MULTILINE)
