"""The referee, examined: 60 planted slips are named, no other statement is blamed, and right answers are right."""

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.homework import PROGRAMS, Program, computed, graph_of, homework
from tests.planted_slips import SEEDS, SLIPS, Case, Judged, cases, judged
from tests.right_answers import right_answers, ways_of_writing

each_seed = pytest.mark.parametrize("seed", SEEDS)
each_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


def differs(given: Any, right: Any) -> bool:
    """Whether an answer is another one than the graph's, far above rounding."""
    given, right = np.asarray(given), np.asarray(right)
    return given.shape != right.shape or not np.allclose(given, right, rtol=1e-6, atol=1e-12)


@each_program
def test_homework_without_a_slip_has_the_values_of_the_graph(program: Program) -> None:
    for seed in range(3):
        data = program.data(np.random.default_rng(seed), 1.0)
        graph, answers = graph_of(program, data), homework(program, data)
        assert {f"d{name}" for name in program.parameters.split()} <= answers.keys()
        for name in answers.keys() & set(computed(graph)):
            assert np.shape(answers[name]) == graph[name].shape, name
            np.testing.assert_allclose(answers[name], graph[name].value, rtol=1e-11, atol=1e-13, err_msg=name)


@each_program
def test_what_may_be_written_otherwise_has_the_same_values(program: Program) -> None:
    data = program.data(np.random.default_rng(5), 1.0)
    expected = homework(program, data)
    for name, change in ways_of_writing(program):
        answers = homework(program, data, (change,))
        for gradient in (name for name in expected if name.startswith("d")):
            np.testing.assert_allclose(answers[gradient], expected[gradient], rtol=1e-11, atol=1e-13, err_msg=f"{name} {change}")


def test_there_are_sixty_slips_in_every_program_and_of_many_kinds() -> None:
    assert len(SLIPS) == 60
    assert min(Counter(slip.program.name for slip in SLIPS).values()) >= 4
    assert {slip.program.name for slip in SLIPS} == PROGRAMS.keys()
    assert sum(slip.at not in given for slip, _, given in cases()) >= 12
    assert len({kind for slip in SLIPS for kind in slip.kinds}) >= 18


@each_seed
def test_a_slip_is_where_it_is_said_to_be(seed: int) -> None:
    """The first answer that differs from the graph's is the one to blame."""
    for case in cases(seed):
        check_place(case)


def check_place(case: Case) -> None:
    wrong = [name for name in computed(case.graph) if name in case.given and is_wrong(case, name)]
    assert wrong[:1] == [case.slip.blamed], case.slip.label
    assert len(wrong) == 1 or not case.slip.called, case.slip.label


def is_wrong(case: Case, name: str) -> bool:
    answer = case.given[name]
    if callable(answer):
        parameters = answer.__code__.co_varnames[: answer.__code__.co_argcount]
        answer = answer(*(case.graph[parameter].value for parameter in parameters))
    return differs(answer, case.graph[name].value)


@cache
def examined(seed: int) -> tuple[Judged, ...]:
    return tuple(judged(case) for case in cases(seed))


def listed(some: list[Judged]) -> str:
    return "\n\n".join(map(str, some))


@each_seed
def test_slips_are_named(seed: int) -> None:
    unnamed = [one for one in examined(seed) if not one.named]
    assert len(unnamed) <= 8, f"{len(unnamed)} of 60 are not named\n\n{listed(unnamed)}"


@each_seed
def test_no_statement_is_blamed_for_the_slip_of_another(seed: int) -> None:
    astray = [one for one in examined(seed) if one.astray]
    assert not astray, f"{len(astray)} of 60 go astray\n\n{listed(astray)}"


@each_seed
def test_no_slip_is_called_right(seed: int) -> None:
    missed = [one for one in examined(seed) if one.missed]
    assert not missed, f"{len(missed)} of 60 are missed\n\n{listed(missed)}"


@each_seed
def test_all_that_is_handed_in_is_judged(seed: int) -> None:
    """Except what is computed from a NaN."""
    for one in examined(seed):
        judged_so = {verdict.name: verdict.status for verdict in one.report.verdicts}
        assert judged_so.keys() == one.case.given.keys(), str(one)
        assert "nan" in one.case.slip.kinds or set(judged_so.values()) <= {"right", "wrong", "follows"}, str(one)


def test_right_answers_are_right() -> None:
    wrong = []
    for label, graph, given in right_answers(1000):
        referee: Any = graph
        report = referee.compare(**given)
        if not report.right or any(verdict.status != "right" for verdict in report.verdicts):
            wrong.append(f"{label}\n{report}")
    assert not wrong, f"{len(wrong)} of 1000 right answers are called wrong\n\n" + "\n\n".join(wrong[:20])
