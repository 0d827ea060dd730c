"""The code beside a walk: the statements that made the graph, by function, and nothing else of the file."""

import pickle
from typing import Any

import pytest

import tinygraph as tg
from tests.snippets import run
from tinygraph.stepping.listing import LONGEST, listing

CASES = {
    "statements and leaves of the same function": (
        """
        w, x = tg.parameter(3.0), tg.constant(2.0)

        # a comment
        print("no statement of the graph", end="")
        z = w * x
        L = z**2
        """,
        ["", "w, x = tg.parameter(3.0), tg.constant(2.0)", "z = w * x", "L = z**2"],
    ),
    "a function without its head, its documentation and its indentation": (
        '''
        def forward(x):
            """Says a lot."""
            z = x * 2
            return {"z": z}
        L = np.exp(forward(tg.parameter(1.0))["z"])
        ''',
        [", in forward", "z = x * 2", "", 'L = np.exp(forward(tg.parameter(1.0))["z"])'],
    ),
    "all lines of a long statement": (
        """
        w = tg.parameter(3.0)
        L = np.sum(
            w
            * 2
        )
        """,
        ["", "w = tg.parameter(3.0)", "L = np.sum(", "    w", "    * 2", ")"],
    ),
    "loops and conditions around a statement": (
        """
        h = tg.parameter(0.5)
        for i in range(3):
            total = 0
            if i % 2 == 0:
                h = h * 2
            else:
                pass
        L = h + 1
        """,
        ["", "h = tg.parameter(0.5)", "for i in range(3):", "    if i % 2 == 0:", "        h = h * 2", "L = h + 1"],
    ),
    "of a loop over a node the first line": (
        """
        w = tg.parameter([1.0, 2.0])
        L = 0
        for v in w:
            print("no statement of the graph", end="")
            L = L + v * v
        """,
        ["", "w = tg.parameter([1.0, 2.0])", "for v in w:", "    L = L + v * v"],
    ),
}


def shown(variables: dict[str, Any], graph: tg.Graph | None = None) -> list[str]:
    """Titles without the file's name, and the lines under each."""
    stepper = (tg.Graph(variables["L"]) if graph is None else graph).stepper()
    found = []
    for function in listing(stepper.chapters[0].graph, stepper.steps).values():
        found += [function["name"].partition(">")[2], *(text for _, text in function["lines"])]
    return found


@pytest.mark.parametrize(("code", "expected"), CASES.values(), ids=CASES)
def test_what_is_shown(code: str, expected: list[str]) -> None:
    assert shown(run(code)) == expected


def test_leaves_of_other_functions_are_not_shown() -> None:
    code = """
    def make():
        return tg.parameter(3.0)
    def forward(w):
        return w * 2
    L = forward(make())
    """
    assert shown(run(code)) == [", in forward", "return w * 2"]


def test_numbers_are_those_of_the_file() -> None:
    variables = run("w = tg.parameter(3.0)\nL = w * 2")
    stepper = tg.Graph(variables["L"], names=variables).stepper()
    (function,) = listing(stepper.graph, stepper.steps).values()
    assert [number for number, _ in function["lines"]] == [variables["w"].place.line, variables["L"].place.line]


def test_a_loaded_graph_shows_the_lines_that_it_remembers() -> None:
    variables = run("w = tg.parameter(3.0)\nL = (\n    w\n    * 2\n)")
    graph = pickle.loads(pickle.dumps(tg.Graph(variables["L"], names=variables)))
    assert shown(variables, graph) == ["", "w = tg.parameter(3.0)", "    w"]


def test_without_source_nothing_is_shown() -> None:
    assert shown(run("w = tg.parameter(3.0)\nL = w * 2", with_source=False)) == []


def test_long_lines_are_cut() -> None:
    assert [len(line) for line in shown(run(f"L = tg.parameter(3.0) * 2  # {'x' * 500}"))] == [0, LONGEST]
