"""`tinygraph step`: records a typed program as a graph; then a walk, a quiz or a page of it."""

from __future__ import annotations

import argparse
import linecache
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.draw.engine import LayoutError
from tinygraph.draw.files import PAGES
from tinygraph.express.text import number
from tinygraph.graph import Graph
from tinygraph.leaves import as_node, constant, parameter
from tinygraph.node import Leaf, Node
from tinygraph.place import Place
from tinygraph.stepping.export import WRITERS
from tinygraph.stepping.formula import data, evaluate
from tinygraph.stepping.parsing import ParsedProgram, parse
from tinygraph.stepping.pictures import laid_out
from tinygraph.stepping.quiz import Quiz
from tinygraph.stepping.stepper import Stepper, WalkError
from tinygraph.stepping.vocabulary import FormulaError, name_error, one_line, unknown
from tinygraph.wording import counted

TYPED = "<typed program>"
EXAMPLE = '"z = w*x + b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))" w=0.3 x=2 b=0.2 y=1'
KEYS = "Enter step, b back, r rewind, c run on, run NAME, q quit"
DESCRIPTION = """\
Walk through a program, forward and then backward, one step at a time.

In a terminal: KEYS.
Elsewhere the whole walk is printed.

example:
  CALLED EXAMPLE
"""


def arguments(argv: Sequence[str], called: str) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The argument parser, and the arguments that it found."""
    parser = argparse.ArgumentParser(
        called,
        description=DESCRIPTION.replace("KEYS", KEYS).replace("CALLED", called).replace("EXAMPLE", EXAMPLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("program", help='statements "name = formula" separated by ";", or one formula, which is walked op by op')
    parser.add_argument(
        "leaves", nargs="*", default=[], metavar="name=value", help="numbers such as w=0.3 or w=1/3, or lists: x=[1,2,3]"
    )
    parser.add_argument("--wrt", metavar="NAMES", help="the parameters, such as w,b (default: every leaf)")
    parser.add_argument("--level", choices=["named", "op"], help="a step for every statement, or for every op")
    kinds = "a page (.html), data (.json), or a moving picture (.svg, .gif)"
    parser.add_argument("--save", "--html", metavar="FILE", type=Path, help=f"write the walk to a file: {kinds}")
    parser.add_argument(
        "--quiz", action="store_true", help="ask for each gradient before it is shown; with --save: a page that asks"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="with --quiz: other numbers, the same for all who take this seed")
    # A formula may begin with a minus; behind a space argparse does not take it for an option.
    spaced = [f" {x}" if x[:1] == "-" and x[:2] != "--" and x != "-h" else x for x in argv]
    return parser, parser.parse_intermixed_args(spaced)


def main(argv: Sequence[str], called: str = "tinygraph step") -> None:
    """Run the command that the user calls so; for wrong arguments it prints a message and exits with code 2."""
    parser, typed = arguments(argv, called)
    if typed.seed is not None and not typed.quiz:
        parser.error("--seed goes with --quiz")
    if typed.save and typed.save.suffix.lower() not in WRITERS:
        parser.error(f"--save writes {', '.join(WRITERS)}: give it a name such as {typed.save.stem or 'walk'}.html")
    if typed.quiz and typed.save and typed.save.suffix.lower() not in PAGES:
        parser.error("--quiz --save writes a page: give it a name such as quiz.html")
    with np.errstate(all="ignore"):
        try:
            program = parse(typed.program)
            graph = graph_of(
                program, leaves_of(typed.leaves), None if typed.wrt is None else [name.strip() for name in typed.wrt.split(",")]
            )
            only = len(program.statements) == 1 and program.statements[0].name is None
            show(graph, typed.level or ("op" if only else "named"), typed)
        except BrokenPipeError:
            raise
        except (FormulaError, OSError, ImportError, LayoutError) as error:
            parser.error(str(error))


def show(graph: Graph, level: Any, typed: argparse.Namespace) -> None:
    """Show the quiz, the page, or the walk."""
    if typed.quiz:
        try:
            quiz = Quiz(graph, seed=typed.seed, level=level)
        except ValueError as error:
            raise FormulaError(str(error)) from None
        if typed.save is None:
            quiz.run()
        else:
            print(f"wrote {quiz.save(typed.save)}: {counted(quiz.state()['total'], 'question')}")
        return
    stepper = Stepper(graph, level)
    if typed.save is not None:
        print(f"wrote {stepper.save(typed.save)}: {counted(len(stepper.steps), 'step')}")
        if trouble := laid_out(stepper).trouble:
            print(trouble, file=sys.stderr)
    elif sys.stdin.isatty():
        walk(stepper)
    else:
        stepper.run()
        print(stepper)


def leaves_of(typed: Sequence[str]) -> dict[str, Any]:
    """The values of `name=value` arguments by name."""
    found: dict[str, Any] = {}
    for text in typed:
        name, equals, value = (part.strip() for part in text.partition("="))
        wrong = f"`{one_line(text)}` is no name=value, such as w=0.3" if not equals else name_error(name)
        if name in found:
            wrong = f"`{name}` is given twice"
        if wrong is not None:
            raise FormulaError(wrong)
        try:
            found[name] = data(value)
        except FormulaError as error:
            raise FormulaError(f"{name}={one_line(value)}: {error}") from None
    return found


def graph_of(program: ParsedProgram, leaves: Mapping[str, Any], wrt: Sequence[str] | None = None) -> Graph:
    """The graph of a program with these leaf values, and its gradients with respect to `wrt`, by default all leaves.

    Raises FormulaError for leaves that the program does not read, and for names without a value.

    >>> graph_of(parse("y = w * x; L = y ** 2"), {"w": 2.0, "x": 3.0}, wrt=["w"])["dw"].value
    np.float64(36.0)
    """
    _check_leaves(program, leaves, wrt)
    nodes = {name: (parameter if wrt is None or name in wrt else constant)(value) for name, value in leaves.items()}
    made = list(nodes.values())
    for statement in program.statements:
        value = as_node(evaluate(statement, nodes))
        made.append(value)
        if statement.name is not None:
            nodes[statement.name] = value
    if value.shape:
        name = program.statements[-1].name or "the formula"
        raise FormulaError(f"{name} has the shape {value.shape}: the backward pass starts from a scalar, such as its sum or mean")
    placed = _placed(made, [*(f"{name} = {_text(x)}" for name, x in leaves.items()), *(s.text for s in program.statements)])
    names = {name: placed[node] for name, node in nodes.items()}
    graph = Graph(placed[value], names=names)
    lost = [name for name, node in names.items() if node not in graph]
    if lost:
        raise FormulaError(f"`{lost[0]}` does not come into the last statement")
    if not leaves:
        raise FormulaError("there are no gradients: the program has no leaves to take them by, such as w in w*x")
    try:
        graph.backprop()
    except (ValueError, TypeError):
        name = program.statements[-1].name or "the formula"
        through = "only through what has no derivative, such as comparisons and round"
        raise FormulaError(f"there are no gradients: {name} depends on {', '.join(wrt or leaves)} {through}") from None
    return graph


def _check_leaves(program: ParsedProgram, leaves: Mapping[str, Any], wrt: Sequence[str] | None) -> None:
    for name, where in program.free.items():
        if name not in leaves:
            known = [*leaves, *(s.name for s in program.statements if s.name)]
            raise FormulaError(f"{where}: {unknown(name, known)}; give it one by {name}=...")
    assigned = {statement.name for statement in program.statements}
    for name in leaves:
        if name in assigned:
            raise FormulaError(f"`{name}` is computed by the program, so it takes no value")
        if name not in program.free:
            raise FormulaError(f"{name}=... is not used: the program reads {', '.join(program.free) or 'no names'}")
    for name in wrt or ():
        if name not in leaves:
            raise FormulaError(f"--wrt {name}: the leaves are {', '.join(leaves) or 'none'}")


def _text(value: Any) -> str:
    return str(np.asarray(value).tolist())


def _placed(made: Sequence[Node], lines: Sequence[str]) -> dict[Node, Node]:
    """The same nodes, each with the line of the typed program that made it.

    Each gets a position of its own in its line, because a position that makes several nodes counts as a loop.
    """
    text = [" ".join(line.split()) + "\n" for line in lines]
    linecache.cache[TYPED] = (sum(map(len, text)), None, text, TYPED)
    ends = np.maximum.accumulate([node.number for node in made])
    placed: dict[Node, Node] = {}
    for i, node in enumerate(reached(made)):
        place = Place(TYPED, 1 + bisect_left(ends, node.number), "<module>")
        inputs = tuple(placed[x] if isinstance(x, Node) else x for x in node.inputs)
        leaf = node.op is None
        placed[node] = (
            Leaf(node._value, node.kind, place, i) if leaf else Node(node._value, node.op, inputs, node.params, place, i)
        )
    return placed


# Walking in a terminal


def walk(stepper: Stepper) -> None:
    """Walk by typed commands until `quit` or the end of the input."""
    graph = stepper.graph
    leaves = [f"{graph.name(node)} = {number(node.value)}" for node in graph.forward if node.op is None]
    print(*leaves, sep=", ", end="\n" if leaves else "")
    print(f"{counted(len(stepper.steps), 'step')}: {KEYS}")
    while True:
        try:
            typed = input("> ").split()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if typed in (["q"], ["quit"]):
            return
        try:
            print(carry_out(stepper, typed))
        except WalkError:
            print(f"at the {'end' if stepper.position else 'start'}: {KEYS}")
        except KeyError as error:
            print(error.args[0])


def carry_out(stepper: Stepper, typed: Sequence[str]) -> str:
    """Carry out a typed command; the text to print then."""
    start = stepper.position
    match list(typed):
        case [] | ["s"] | ["step"]:
            stepper.step()
        case ["b"] | ["back"]:
            stepper.back()
            start = max(stepper.position - 1, 0)
        case ["r"] | ["rewind"]:
            stepper.rewind()
        case ["c"] | ["run"]:
            stepper.run()
        case ["c" | "run", name]:
            stepper.run(until=name)
        case _:
            return f"{' '.join(typed)!r} is no command: {KEYS}"
    if not stepper.position:
        return "at the start"
    return "\n".join(step_lines(stepper, i) for i in range(start, stepper.position)) or "at the end"


def step_lines(stepper: Stepper, i: int) -> str:
    """A step with its number in the walk; below it the upstream gradient and the local derivative or the contribution."""
    step = stepper.steps[i]
    lines = [f"{i + 1:>3}/{len(stepper.steps)} {step.phase:<8}  {step.text}"]
    if step.upstream is not None:
        second = f"contribution {step.contribution}" if step.local is None else f"local {step.local}"
        lines.append(f"{'':16}upstream {step.upstream}, {second}")
    return "\n".join(lines)
