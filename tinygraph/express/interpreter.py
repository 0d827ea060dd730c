"""The script that computes instructions in a page: a few files of JavaScript, and how each op is spelled there.

How an op is computed stands in its declaration, as an expression of its operands, or in those files, as the function of its
name. No code is made in the page, whose content security policy forbids that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import ascii_lowercase

from tinygraph.ops import Op

HOME = files("tinygraph.express").joinpath("javascript")
FILES = ("numbers", "arrays", "shapes", "reductions", "matrices", "run")  # each before those that it is read by
PUBLIC = "prepare, run, what, valueFrom, applied, broadcastShape, broadcastData, shapeOf, sizeOf, NDArray, Unknown"


def script(ops: Iterable[Op]) -> str:
    """The object `interpreter` of a page, for programs of these ops: it has what `PUBLIC` names."""
    spelled = sorted((op for op in ops if op.javascript), key=lambda op: op.name)
    table = "".join(f"[{json.dumps(op.name)}, {rule_of(op)}],\n" for op in spelled)
    files = "".join(bare(_text(file)) for file in FILES)
    return f"const interpreter = (() => {{\n{files}const elementwise = new Map([\n{table}]);\nreturn {{ {PUBLIC} }};\n}})();\n"


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
