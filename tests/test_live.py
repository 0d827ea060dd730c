"""The page that computes, in a real browser with no network: its numbers are, character by character, those of Python's page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser import Visit, browser
from tests.live_programs import PROGRAMS
from tinygraph.program.statements import program_of
from tinygraph.stepping.page import page as page_of
from tinygraph.stepping.page import texts, walk_data
from tinygraph.stepping.stepper import Stepper

SETTINGS = 20


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    with browser() as found:
        yield found


def opened(visit: Visit, stepper: Stepper) -> Any:
    """The page of a walk, whose model a test can reach."""
    html = page_of(stepper)
    assert html.count("render({ model: fixedModel(") == 1
    return visit.show(html.replace("render({ model: fixedModel(", "render({ model: window.model = fixedModel("))


def settings(stepper: Stepper, rng: np.random.Generator) -> Iterator[tuple[str, int, float]]:
    """A leaf, one of its entries, and a value for it, again and again; none so large that differences lose their digits."""
    program = program_of(stepper.graph)
    leaves = [leaf for leaf in program.leaves if leaf.size]
    for _ in range(SETTINGS):
        leaf = leaves[rng.integers(len(leaves))]
        new = rng.normal() * rng.uniform(0.01, 1.5) if leaf.dtype.kind == "f" else float(rng.integers(-9, 9))
        yield program.name(leaf), int(rng.integers(leaf.size)), float(np.asarray(new).astype(leaf.dtype))


def with_entry(stepper: Stepper, name: str, place: int, value: float) -> Any:
    graph = stepper.graph
    leaf = next(leaf for leaf in program_of(graph).leaves if program_of(graph).name(leaf) == name)
    new = np.array(leaf.value)
    new.flat[place] = value
    return new[()]


def pieces(stepper: Stepper) -> Any:
    return {key: value for key, value in walk_data(stepper)[0].items() if key != "svg"}


def moved(stepper: Stepper, name: str, place: int, value: float) -> str:
    """Give an entry of a leaf a value; what Python says of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stepper.set(**{name: with_entry(stepper, name, place, value)})
    except ValueError as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_python_s_wherever_the_leaves_are(visit: Visit, name: str) -> None:
    stepper = PROGRAMS[name]().stepper()
    leaf = program_of(stepper.graph).leaves[0]
    stepper.set(**{program_of(stepper.graph).name(leaf): leaf.value})
    page = opened(visit, stepper)
    before = pieces(stepper)
    assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0]
    made = 0
    for leaf, place, value in settings(stepper, np.random.default_rng(5)):
        said = moved(stepper, leaf, place, value)
        if said == "ValueError":  # such as labels that do not sum to 1
            continue
        page.evaluate("ask => model.set('new_value', ask)", {"name": leaf, "place": place, "value": value})
        assert page.evaluate("model.get('texts').at(0)") == texts(stepper)[0], (leaf, place, value)
        assert bool(page.inner_text(".problem")) == (said == "DecisionError")
        assert pieces(stepper) == before
        made += not said
    assert made > SETTINGS / 2
    assert visit.trouble == []
