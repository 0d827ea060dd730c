"""The faces of a graph say the same: one list of statements, each right as it is printed, and one backward pass.

Table, source, steps and equations are read back, by Python and by the readers of `reading_latex` and `reading_mathml`, and every
right-hand side is evaluated for the values of the names in it. Cards, steps, quiz and equations pass the same gradients on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests import drawings, programs, reading_latex, reading_mathml
from tests.mathematics import Item, Items, Number, RangelessError, Reader, UnknownError
from tests.printed import graphs_of_every_op
from tests.random_programs import random_program
from tests.test_stepper import recurrent, recurrent_batch
from tinygraph.draw.cards import CardWriter, unfolded
from tinygraph.express.equations import Equations
from tinygraph.express.latex import latex, print_layout
from tinygraph.express.layout import symbol
from tinygraph.ops import REGISTRY
from tinygraph.program import value as expressions
from tinygraph.program.statements import Level, Program, Statement, program_of
from tinygraph.stepping.quiz import Quiz
from tinygraph.stepping.stepper import Stepper
from tinygraph.stepping.timeline import Step

RANDOM = 300
QUICK = 6  # of them, where the quick tests are asked for
EXACT = 1e-9
KINDS = ("first", "second", "unnamed")  # of random graphs, one after the other


def first(graph: tg.Graph) -> tg.Graph:
    """With its gradients."""
    graph.backprop()
    return graph


def second(graph: tg.Graph) -> tg.Graph:
    """With the gradients of a gradient too: of that by the first parameter where there are any."""
    grads = graph.backprop()
    for node in sorted((node for node in graph.forward if node.kind == "parameter"), key=lambda node: node.ndim):
        try:
            graph.backprop(of=grads[node], seed=np.ones(node.shape) if node.shape else None)
        except (KeyError, ValueError):  # no gradient reaches it, or that depends on nothing
            continue
        break
    return graph


def outer_product() -> tg.Graph:
    """What its statements share gets names, beside which further values are worth one."""
    a = tg.parameter([1.0, 2.0])
    return first(tg.Graph(np.sum(np.outer(a, a)), names={"a": a}))


def passed_on() -> tg.Graph:
    """The gradient of a is passed on to that of b, unless a - b has a name, and so a gradient of its own between them."""
    a, b = tg.parameter([1.0, -2.0]), tg.parameter(0.3)
    return second(tg.Graph(np.sum(np.sin(np.abs(a - b))), names={"a": a, "b": b}))


MADE: dict[str, Callable[[], tg.Graph]] = {
    "neuron": drawings.neuron,
    "second neuron": lambda: second(drawings.neuron()),
    "layers": drawings.perceptron,
    "outer product": outer_product,
    "passed on": passed_on,
    "recurrent": lambda: first(recurrent()),
    "a batch, recurrent": lambda: first(recurrent_batch()),
}
for make in (programs.logistic, programs.from_logits, programs.linear, programs.softmax, programs.perceptron_tanh):
    MADE[make.__name__] = lambda make=make: first(make(5))
    MADE[f"second {make.__name__}"] = lambda make=make: programs.hessian_vector(make(5))


def random_graph(seed: int) -> tuple[tg.Graph, float] | None:
    """The graph of a random program, every second of which steers Python, and how far its numbers may be off; None where the
    program ends in an error."""
    kind = KINDS[seed % 3]
    random = random_program(seed, 7, steering=seed % 2 == 1, length=5 if kind == "second" else 7)
    values = random.values(4, 1)
    if not random.on_arrays(values)[0]:
        return None
    graph = tg.Graph(random.run(random.arguments(values))["L"]) if kind == "unnamed" else random.graph(values)
    return second(graph) if kind == "second" else first(graph), random.rounding


@cache
def graphs(count: int) -> list[tuple[str, tg.Graph, float]]:
    """The documents' graphs and so many random ones, with how far their numbers may be off."""
    with np.errstate(all="ignore"), programs.any_ranks():
        found = [(name, make(), EXACT) for name, make in MADE.items()]
        random = {f"random program {seed}, {KINDS[seed % 3]}": random_graph(seed) for seed in range(count)}
    return found + [(name, *made) for name, made in random.items() if made is not None]


Check = Callable[[tg.Graph, Program, Level, float], None]


def of_every_graph(check: Check) -> Callable[[Level, pytest.FixtureRequest], None]:
    """A test that looks at every graph at each level, and says at which one it failed."""

    @pytest.mark.parametrize("level", ["named", "op"])
    def test(level: Level, request: pytest.FixtureRequest) -> None:
        for name, graph, rounding in graphs(QUICK if request.config.option.markexpr == "quick" else RANDOM):
            try:
                with np.errstate(all="ignore"), programs.any_ranks():
                    check(graph, program_of(graph, level), level, rounding)
            except Exception as error:
                error.add_note(f"in {name}, level {level}:\n{graph}")
                raise

    return test


def assert_near(actual: Any, expected: Any, rounding: float, what: str) -> None:
    """Equal in NaN and infinities, and within rounding of the largest number there; axes of size 1 are not compared."""
    actual, expected = np.squeeze(np.asarray(actual, float)), np.squeeze(np.asarray(expected, float))
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))))
    np.testing.assert_allclose(actual, expected, rtol=rounding, atol=rounding * scale, err_msg=what, strict=True)


# One list of statements.


@of_every_graph
def test_the_table_has_the_statements(graph: tg.Graph, program: Program, level: Level, rounding: float) -> None:
    if level == "op":
        return  # a table has no level
    lines = str(graph).splitlines()
    for phase, statements in (("forward", program.forward), ("backward", program.backward)):
        rows = lines[lines.index(phase) + 1 :] if statements else []
        for row, statement in zip(rows, statements, strict=False):
            if row.endswith(" more ..."):
                break
            text, shown = f"{statement.name} = {statement.right}", row.strip().partition("…")[0]
            assert text.startswith(shown) or shown.startswith(f"{text} "), row


def run(graph: tg.Graph, program: Program, level: Level) -> tuple[list[tuple[str, str, Any]], dict[str, Any]]:
    """The assignments of the source with what each amounts to when it is run, and the functions that it calls."""
    module = ast.parse(graph.source(level=level))
    *before, function = module.body
    assert isinstance(function, ast.FunctionDef)
    scope: dict[str, Any] = {}
    exec(compile(ast.Module(before, []), "<source>", "exec"), scope)
    called = dict(scope)
    scope |= {program.name(leaf): leaf.operand for leaf in program.leaves}
    found = []
    for line in function.body:
        if isinstance(line, ast.Assign):
            exec(compile(ast.Module([line], []), "<source>", "exec"), scope)
            (target,) = line.targets
            if isinstance(target, ast.Name) and target.id not in program.numbers:
                found.append((target.id, ast.unparse(line.value), scope[target.id]))
    return found, called


def in_source(statement: Statement) -> str:
    """The right-hand side as source has it, where a gradient that is a number is a float."""
    if statement.of is not None and isinstance(statement.expression, expressions.Number) and not statement.expression.name:
        return repr(float(statement.expression.value))
    return ast.unparse(ast.parse(statement.right))


@of_every_graph
def test_the_source_has_the_statements_and_computes_their_values(
    graph: tg.Graph, program: Program, level: Level, rounding: float
) -> None:
    expected = [s for s in program.statements if s.node not in program.passed_on]
    found, _ = run(graph, program, level)
    assert [(name, right) for name, right, _ in found] == [(s.name, in_source(s)) for s in expected]
    for (name, right, value), statement in zip(found, expected, strict=True):
        assert_near(value, statement.value, rounding, f"{name} = {right}")


def equations_are_right(
    rows: Callable[[str], list[list[Items]]], graph: tg.Graph, program: Program, level: Level, rounding: float
) -> None:
    """Every equation has its statement's value on the left, and on the right what amounts to it."""
    text, equations = latex(program), Equations(program)
    found = rows(text if rows is reading_latex.rows else text.mathml)
    known: dict[Item, Any] = {}
    for node in (*program.leaves, *(s.node for s in program.statements)):
        (item,) = reading_latex.read(print_layout(equations.name(node)))
        assert item not in known, f"two values are called {item}"
        known[item] = node.value
    known |= {reading_latex.read(print_layout(symbol(name)))[0]: x for name, x in program.numbers.items()}
    count = len(program.statements)
    sizes: dict[Item, int] = {}
    for (letter,), (size,) in found[count:]:
        assert isinstance(size, Number)
        sizes[letter] = int(size.text)
    reader = Reader(known, sizes)
    for statement, (left, *rights) in zip(program.statements, found[:count], strict=True):
        name, letters = reader.variable(left)
        np.testing.assert_array_equal(known[name], statement.value, statement.name)
        value = np.squeeze(statement.value) if letters else statement.value
        for i, side in enumerate(rights, 1):
            try:
                amount = reader.amount(side, letters)
            except UnknownError:  # ∂a/∂z, in a step of the chain rule
                assert i < len(rights)
                continue
            except RangelessError:  # Σ_i 1/m, which the values are not lost in: 1
                continue
            shown = f"{statement.name} = {side}"
            assert_near(np.broadcast_to(amount, np.shape(value)) if letters else amount, value, rounding, shown)


test_the_latex_has_the_statements_and_amounts_to_their_values = of_every_graph(partial(equations_are_right, reading_latex.rows))
test_the_mathml_has_the_statements_and_amounts_to_their_values = of_every_graph(partial(equations_are_right, reading_mathml.rows))


@pytest.mark.parametrize("rows", [reading_latex.rows, reading_mathml.rows])
def test_the_mathematics_of_every_op_amounts_to_its_value(rows: Callable[[str], list[list[Items]]]) -> None:
    for name, graph in graphs_of_every_op():
        try:
            with np.errstate(all="ignore"):
                equations_are_right(rows, graph, program_of(graph), "named", EXACT)
        except Exception as error:
            error.add_note(f"in {name}:\n{graph.latex()}")
            raise


@of_every_graph
def test_the_steps_are_the_statements_and_right(graph: tg.Graph, program: Program, level: Level, rounding: float) -> None:
    stepper = walk(graph, level)
    steps, walked = stepper.steps, program_of(stepper.graph)
    whole = [step for step in steps if step.is_complete]
    stepped = {step.node for step in whole}  # what gradients share is a step where their contributions read it
    statements = [s for s in program.statements if s.node in stepped or s.of is not None or s.phase == "forward"]
    assert [step.name for step in whole] == [s.name for s in statements]
    assert all(step.equation == s.right for step, s in zip(whole, statements, strict=True) if step.part is None)
    known = run(walked.graph, walked, "named")[1]
    known |= {walked.name(x): x.operand for x in (*walked.leaves, *(s.node for s in walked.statements))} | walked.numbers
    for step in steps:
        added = step.contributions[-1].value if step.part is not None else step.value
        assert_near(as_large_as(added, evaluated(step.equation, known)), added, rounding, step.text)
        if step.part is not None and step.is_complete:
            assert_near(sum(part.value for part in step.contributions), step.value, 10 * rounding, step.text)
        if step.local is not None:
            local = evaluated(step.local.split(" = ")[1], known)
            passed = local * np.asarray(known[str(step.upstream)])
            assert_near(as_large_as(added, passed), added, rounding, f"{step.text}, {step.local}")
        if step.contribution is not None:
            passed = evaluated(re.split(r" \+?= ", step.contribution)[1], known)
            assert_near(as_large_as(added, passed), added, rounding, f"{step.text}, {step.contribution}")


@cache
def walk(graph: tg.Graph, level: Level) -> Stepper:
    """The stepper of a graph, which no test moves."""
    return Stepper(graph, level)


def evaluated(text: str, known: dict[str, Any]) -> Any:
    """What an expression of a step amounts to; it calls ops by name."""
    return eval(text, {"np": np, **REGISTRY, **known})


def as_large_as(whole: Any, value: Any) -> Any:
    """A number that stands for every entry."""
    return np.broadcast_to(np.reshape(value, ()), np.shape(whole)) if np.size(value) == 1 else value


# One backward pass.


def passes_of_steps(walked: Program, steps: list[Step]) -> set[tuple[str, str, bool]]:
    """From which statement each gradient comes, and whether it is upstream gradient times local derivative."""
    found = set()
    for step in steps:
        if step.reader is not None:
            assert (step.local is None) is not (step.contribution is None)
            found.add((step.name, walked.name(step.reader), step.local is not None))
    return found


@of_every_graph
def test_cards_and_steps_pass_the_same_gradients(graph: tg.Graph, program: Program, level: Level, rounding: float) -> None:
    stepper = walk(graph, level)
    walked = program_of(stepper.graph)
    writer = CardWriter(walked)
    drawing = unfolded(writer)
    shown = {*writer.gradients.values()}  # those of the latest backward pass
    steps = [step for step in stepper.steps if step.node in shown]
    found = set()
    for card in drawing.cards:
        for row in card.rows:
            for x in row.gradients_of:
                assert card.node is not None
                gradient = walked.name(writer.gradients[x])
                found.add((gradient, walked.name(card.node), row.lines[-1].text.startswith("∂")))
    assert found == passes_of_steps(walked, steps)
    cards = {card.key: card for card in drawing.cards}
    edges = {(cards[edge.source].node, cards[edge.target].node) for edge in drawing.edges if edge.backward}
    assert edges == {(step.of, step.reader) for step in steps if step.reader is not None}


@of_every_graph
def test_the_quiz_asks_for_the_gradients_of_the_steps_and_hints_at_their_factors(
    graph: tg.Graph, program: Program, level: Level, rounding: float
) -> None:
    if level == "op":
        return  # a quiz has no level
    quiz = Quiz(graph)
    steps = quiz.stepper.steps
    asked = []
    while quiz.name is not None:
        if not quiz.choices:
            asked.append(quiz.name)
            own = [step for step in steps if step.name == quiz.name]
            readers, local, together = (quiz.hint() for _ in range(3))
            assert all(step.reader is None or f" by {quiz.stepper.graph.name(step.reader)} = " in readers for step in own)
            partials = [step.local.partition(" = ")[0] for step in own if step.local is not None]
            if partials and len(partials) == len(own):
                assert all(partial in local for partial in partials)
                terms = [f"{step.upstream} · {partial}" for step, partial in zip(own, partials, strict=True)]
                assert together == f"chain rule: {quiz.name} = {' + '.join(terms)}"
        quiz.reveal()
    given = {request.gradients[request.output] for request in quiz.stepper.graph._requests()}
    gradients = [step for step in steps if step.phase == "backward" and step.is_complete and np.size(step.value)]
    asking = (step for step in gradients if step.node not in given)
    assert asked == [step.name for step in asking if step.statement is not None and step.statement.of is not None]


@of_every_graph
def test_the_chain_rule_of_an_equation_goes_through_the_readers_of_the_steps(
    graph: tg.Graph, program: Program, level: Level, rounding: float
) -> None:
    equations = Equations(program)
    for statement in program.backward:
        sides = equations.equation(statement)
        readers = [step.reader for step in walk(graph, level).steps if step.name == statement.name and step.reader is not None]
        if len(sides) == 3:
            output, node = equations.partials[statement.node]
            index, _ = equations.notation.entrywise(statement.expression)
            terms = [print_layout(equations.chain_rule_term(output, reader, node, index)) for reader in readers]
            *written, last = print_layout(sides[1]).split(" + ")
            written += terms[len(written) :] if last == r"\dots" else [last]  # only the first of many terms are written
            assert written == terms
        elif statement.node in equations.partials:
            assert set(readers) <= {equations.partials[statement.node][0]}
