"""The interpreter of instructions in a real browser: each op has NumPy's values and gradients there, and programs have too."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import Visit
from tests.interpreting import POLICY, Job, Unknown, in_the_page
from tests.op_cases import LAYOUTS, Case, cases
from tests.op_edges import points
from tests.programs import any_ranks
from tests.random_programs import Program, random_program
from tests.test_contract import differentiable, recorded, refuses, weights
from tests.test_declarations import CANNOT, in_dtypes
from tinygraph.backprop import sweep
from tinygraph.express.instructions import LARGEST, Instructions
from tinygraph.express.interpreter import script, structural
from tinygraph.ops import REGISTRY, Op

OPS = [op for op in REGISTRY.values() if op.built_in]
CASES = list(cases())
# What has neither an expression nor a function, and whose body is no composition: LAPACK chooses the signs of those vectors.
NOT_IN_A_PAGE = {"left_singular_vectors", "right_singular_vectors"}
TOLERANCE = {"f8": 1e-12, "f4": 1e-6}
RANDOM = 200


@contextmanager
def silent() -> Iterator[None]:
    """Without the warnings of NumPy and of ranks, which edges and random operands give."""
    with np.errstate(all="ignore"), any_ranks(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


class Expected(NamedTuple):
    """What a slot must hold, how large the operands were that made it, and whether it may be refused."""

    what: str
    value: Any
    scale: Any
    may_be_refused: bool = False


def wrong(found: Any, expected: Expected) -> str | None:
    """How a value differs from the one expected, within rounding of the scale of its operands; integers are equal."""
    value = np.asarray(expected.value)
    if value.dtype.kind in "iu" and np.any(np.abs(value.astype(float)) > LARGEST):
        return None if isinstance(found, Unknown) else f"{expected.what}: {found} is not exact"
    if isinstance(found, Unknown):
        return None if expected.may_be_refused else f"{expected.what}: {found.reason}"
    if np.shape(found) != value.shape:
        return f"{expected.what}: shape {np.shape(found)} where {value.shape} was expected"
    if value.dtype.kind != "f":
        same = np.equal(found, value)
    else:
        tolerance = TOLERANCE.get(value.dtype.str[1:], 1e-12)  # others were recorded
        with np.errstate(all="ignore"):
            value = value.astype(float)
            near = np.abs(found - value) <= tolerance * np.maximum(expected.scale, np.abs(value))
            same = (found == value) | (np.isnan(found) & np.isnan(value)) | (np.isfinite(found) & np.isfinite(value) & near)
    found, value = np.asarray(found)[~same], value[~same]
    return f"{expected.what}: {found} where {value} was expected, at a scale of {expected.scale}" if len(value) else None


def scale(*arrays: Any) -> float:
    """The largest finite size among operands."""
    return max([0.0, *(float(np.max(np.abs(x), initial=0, where=np.isfinite(x))) for x in map(np.asarray, arrays))])


def with_gradients(case: Case, dtype: Any = np.float64) -> tuple[list[tg.Node], list[tg.Node]]:
    """The parameters of a recorded case, and its result with its recorded gradients."""
    out, wrt = recorded(case, dtype)
    gradients = sweep(out, wrt, tg.constant(weights(out.shape)), on_nodes=True) if wrt else {}
    return wrt, [out, *(gradients[x] for x in wrt)]


class Trial(NamedTuple):
    """A job and what it must give: at first and after every change."""

    job: Job
    expected: list[list[Expected]]

    def wrong(self, found: list[list[Any]]) -> list[str]:
        pairs = [pair for have, want in zip(found, self.expected, strict=False) for pair in zip(have, want, strict=True)]
        return [text for have, want in pairs if (text := wrong(have, want))]


# Ops at their cases, and at other operands

EDGES = np.array([*points(np.float64), np.nan])
LAPACK = ("linear_algebra", "singular")  # which may not come back from infinities, or be right at huge numbers


def module_of(op: Op) -> str:
    return op.__module__.rpartition(".")[2]


DRAWS: dict[str, Callable[[Any, Any], Any]] = {
    "random": lambda rng, shape: rng.normal(size=shape),
    "tied": lambda rng, shape: np.round(rng.normal(size=shape)),
    "large": lambda rng, shape: 1e9 * rng.normal(size=shape),
    "at edges": lambda rng, shape: rng.choice(EDGES, size=shape),
}


def redrawn(case: Case) -> Iterator[tuple[str, Case]]:
    """The case with other numbers for what has a gradient."""
    rng = np.random.default_rng(1)
    for name, draw in DRAWS.items():
        if name == "random" or name == "tied" or module_of(case.op) not in LAPACK:
            wrt = differentiable(case)
            new = [np.asarray(draw(rng, np.shape(x)))[()] if i in wrt else x for i, x in enumerate(case.arguments)]
            yield name, case._replace(arguments=tuple(new))


def trial_of(case: Case) -> Trial:
    """The case, its gradients, and both again with other numbers."""
    with silent():
        wrt, read = with_gradients(case)
        job = Job(Instructions(), read)
        expected = [_expected(case, read, str(case))]
        for name, other in redrawn(case) if wrt else ():
            try:
                new, found = with_gradients(other)
            except CANNOT:  # a singular matrix
                continue
            job.change({leaf: x.value for leaf, x in zip(wrt, new, strict=True)})
            expected.append(_expected(other, found, f"{case} {name}"))
    return Trial(job, expected)


def _expected(case: Case, read: Sequence[tg.Node], what: str) -> list[Expected]:
    size = scale(*case.arguments)
    return [Expected(f"{what}, {'value' if i == 0 else f'gradient {i}'}", x.value, size) for i, x in enumerate(read)]


@cache
def trials() -> dict[str, list[Trial]]:
    """Those of every case, by op."""
    found: dict[str, list[Trial]] = {op.name: [] for op in OPS}
    for case in CASES:
        found[case.op.name].append(trial_of(case))
    return found


def results(visit: Visit, trials: dict[str, list[Trial]]) -> dict[str, list[str]]:
    """What is wrong in each group of trials, all of which are run in one page."""
    pairs = [(name, trial) for name, group in trials.items() for trial in group]
    found = in_the_page(visit, [trial.job for _, trial in pairs])
    texts: dict[str, list[str]] = {name: [] for name in trials}
    for (name, trial), have in zip(pairs, found, strict=True):
        texts[name] += trial.wrong(have)
    return texts


@pytest.fixture(scope="module")
def at_cases(visit: Visit) -> dict[str, list[str]]:
    return results(visit, trials())


@pytest.mark.parametrize("op", [op for op in OPS if op.name not in NOT_IN_A_PAGE], ids=str)
def test_an_op_and_its_gradients_have_numpys_values_at_its_cases_and_elsewhere(op: Op, at_cases: dict[str, list[str]]) -> None:
    found = [text for text in at_cases[op.name] if "not computed in a page" not in text]
    assert found == []
    assert len(at_cases[op.name]) == 0 or op.name in USING_THEM


USING_THEM = {"singular_values"}  # whose gradient is of the vectors


def test_at_most_one_op_in_twenty_is_not_computed_in_a_page_and_those_are_named() -> None:
    def is_computed(trial: Trial) -> bool:
        data = trial.job.instructions.data
        return not any(slot == trial.job.read[0] for slot, *_ in data["code"] if str(slot) in data["init"])

    assert {name for name, group in trials().items() if not all(map(is_computed, group))} == NOT_IN_A_PAGE
    assert len(NOT_IN_A_PAGE) <= 0.05 * len(OPS)


# Indices

FIRST, LAST = np.array([0, 3, 3, -1]), np.array([[4, 0, -5, 1]])
INDICES: list[Any] = [
    np.s_[FIRST, :, LAST], np.s_[:, 1, LAST], np.s_[2, :, FIRST], np.s_[FIRST, None, 0], np.s_[FIRST, 1, LAST], np.s_[..., LAST],
    np.s_[None, FIRST, ..., 0], np.s_[1, ..., None], np.s_[::-1, 1:], np.s_[-1:-4:-2, :-1], np.s_[3:1], np.s_[-9:9:3, 0],
    np.s_[9:-9:-1], np.s_[np.array([True, False, True, True])], np.s_[:, np.array([True, False, False]), FIRST[:1]],
    np.s_[np.arange(12).reshape(4, 3) % 5 == 0], np.s_[np.arange(12).reshape(4, 3) % 5 == 0, 1], np.s_[np.zeros(4, bool)],
    np.s_[:, np.arange(15).reshape(3, 5) % 4 == 1], np.s_[np.array(2), :, np.array([1])], np.s_[FIRST[:, None], 1:, FIRST[:2]],
]  # fmt: skip


def test_every_kind_of_index_takes_and_adds_up_the_same_entries_as_numpy(visit: Visit) -> None:
    trials: dict[str, list[Trial]] = {}
    for index in INDICES:
        x = tg.parameter(np.arange(60.0).reshape(4, 3, 5))
        out = x[index]
        gradient = sweep(out, [x], tg.constant(weights(out.shape)), on_nodes=True)[x]
        expected = [Expected("entries", out.value, 0), Expected("gradient", gradient.value, 1)]
        trials[str(index)] = [Trial(Job(Instructions(), [out, gradient]), [expected])]
    assert {name: texts for name, texts in results(visit, trials).items() if texts} == {}


def test_einsum_repeats_an_axis_of_one_entry(visit: Visit) -> None:
    column, matrix = tg.parameter([[2.0], [3.0]]), tg.parameter(np.arange(12.0).reshape(3, 4))
    out = tg.ops.einsum(column, matrix, subscripts="ij,jk->ik")
    found, _ = in_the_page(visit, [Job(Instructions(), [out])])[0]
    np.testing.assert_array_equal(found[0], out.value)


# Order

UNORDERED = [
    [2.0, np.nan, -np.inf, np.nan, 3.0], [np.nan, 1.0], [1.0, np.nan], [np.inf, np.inf, -np.inf, -np.inf], [0.0, -0.0, 0.0],
    [3.0, 1.0, 3.0, 1.0], [-0.0], [np.nan, np.nan],
]  # fmt: skip
OF_ORDER: dict[str, Callable[[Any], Any]] = {
    "argmax": np.argmax, "argmin": np.argmin, "sort": np.sort, "max": np.max, "min": np.min, "median": np.median, "any": np.any,
    "all": np.all, "count_nonzero": np.count_nonzero, "argsort": lambda x: np.argsort(x, stable=True),
    "searchsorted": lambda x: np.searchsorted(np.sort(x), x), "from the right": lambda x: np.searchsorted(np.sort(x), x, "right"),
}  # fmt: skip


def test_nan_ties_and_infinities_have_numpys_order(visit: Visit) -> None:
    trials: dict[str, list[Trial]] = {name: [] for name in OF_ORDER}
    for (name, function), row in itertools.product(OF_ORDER.items(), UNORDERED):
        with silent():
            node = function(tg.constant(row))
            expected = Expected(f"{name} of {row}", function(np.array(row)), 0)
        trials[name].append(Trial(Job(Instructions(), [node]), [[expected]]))
    assert {name: texts for name, texts in results(visit, trials).items() if texts} == {}


# Entry by entry, at every combination of edges

ELEMENTWISE = [op for op in OPS if op.elementwise]
METADATA: dict[str, dict[str, Any]] = {"round": {"decimals": 1}, "sinc_derivative": {"order": 2}}


def at_edges(op: Op, dtype: Any) -> Trial:
    """One vector an operand, so that every entry is a combination of their edges; each counts by its own scale."""
    edges = np.array([*points(dtype), dtype(np.nan)])
    edges = edges[:: max(1, len(op.arguments) - 1)]
    operands = np.array(list(itertools.product(edges, repeat=len(op.arguments))), dtype).T
    given = tuple(x > 0 if op.name == "where" and i == 0 else x.copy() for i, x in enumerate(operands))
    with silent():
        leaves = [tg.constant(x) if x.dtype == bool else tg.parameter(x) for x in given]
        out = op.record(leaves, METADATA.get(op.name, {}))
        wrt = [leaf for leaf, rule in zip(leaves, op.rules, strict=True) if rule and leaf.kind == "parameter"]
        gradients = sweep(out, wrt, tg.constant(np.ones(out.shape, out.dtype)), on_nodes=True) if wrt else {}
        read = [out, *gradients.values()]
        # In float32 what is e ** 40 has lost the digits that 40 takes, and the sine of πx those of πx.
        least = 1 if op.name == "sinc" else np.finfo(dtype).tiny
        scales = [0 if dtype is np.float64 else 8 * np.abs(x.value) + least for x in read]
    expected = [Expected(f"{op.name} {i}", x.value, own) for i, (x, own) in enumerate(zip(read, scales, strict=True))]
    return Trial(Job(Instructions(), read), [expected])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_elementwise_ops_have_numpys_values_and_gradients_at_edges(visit: Visit, dtype: Any) -> None:
    found = results(visit, {op.name: [at_edges(op, dtype)] for op in ELEMENTWISE})
    assert {name: texts for name, texts in found.items() if texts} == {}


# In other dtypes


def in_float32(case: Case) -> Trial:
    with silent():
        _, read = with_gradients(case, np.float32)
    return Trial(Job(Instructions(), read), [_expected(case, read, f"{case} in float32")])


def test_ops_and_their_gradients_in_float32_are_those_of_numpy(visit: Visit) -> None:
    chosen = [case for case in CASES if case.note not in LAYOUTS and differentiable(case) and not refuses(case, "f4")]
    chosen = [case for case in chosen if case.op.name not in NOT_IN_A_PAGE | USING_THEM]
    trials: dict[str, list[Trial]] = {case.op.name: [] for case in chosen}
    for case in chosen:
        trials[case.op.name].append(in_float32(case))
    assert {name: texts for name, texts in results(visit, trials).items() if texts} == {}


def is_beyond(case: Case, given: Sequence[Any], node: tg.Node) -> bool:
    """Whether an integer wraps around that a page cannot even count up to."""
    if not case.op.elementwise or node.dtype.kind not in "iu":
        return False
    with silent():
        return bool(np.max(np.abs(case.op(*(np.asarray(x, float) for x in given), **case.params))) > LARGEST)


RARE = {"float16", "longdouble", "float128", "int32", "uint64"}  # tried alone and beside float64, as all are of other ops


def of_larger_numbers(case: Case) -> Case:
    """The case with floats that are not all 0 as integers."""
    return case._replace(arguments=tuple(5 * x if getattr(x, "dtype", int) == np.float64 else x for x in case.arguments))


def in_any_dtype(case: Case) -> Iterator[Trial]:
    """The op on every pair of dtypes, where NumPy takes them; a value without a gradient."""
    of_ties = {"stable": True} if case.op.name == "argsort" else {}  # else NumPy may leave them in any order
    for given in in_dtypes(case):
        found = {x.dtype.name for x in given if hasattr(x, "dtype")}
        if len(found) > 1 and "float64" not in found and (found & RARE or not case.op.elementwise):
            continue
        if case.op.name == "reciprocal" and given[0].dtype.kind != "f" and not np.all(given[0]):
            continue  # an integer has no infinity, and NumPy leaves what the processor makes of it
        try:
            with silent():
                node = case.op.record([tg.constant(x) if hasattr(x, "dtype") else x for x in given], case.params | of_ties)
        except CANNOT:
            continue
        what = f"{case.op.name} of {[getattr(x, 'dtype', type(x)) for x in given]}"
        # NumPy decomposes a matrix of float32 in float32, even where the result is of float64.
        rounded = any(getattr(x, "dtype", None) == np.float32 for x in given) and module_of(case.op) in LAPACK
        size = scale(*given) * (TOLERANCE["f4"] / TOLERANCE["f8"] if rounded else 1)
        beyond = is_beyond(case, given, node)
        yield Trial(Job(Instructions(), [node]), [[Expected(what, node.value, size, beyond)]])


def test_ops_on_integers_and_truth_values_are_those_of_numpy(visit: Visit) -> None:
    trials: dict[str, list[Trial]] = {}
    for op in OPS:
        own = [case for case in CASES if case.op is op and case.note not in LAYOUTS]
        largest = max(own, key=lambda case: sum(np.size(x) for x in case.arguments))
        trials[op.name] = list(in_any_dtype(of_larger_numbers(largest)))
    assert {name: texts for name, texts in results(visit, trials).items() if texts} == {}


# Programs


def random_trial(seed: int) -> Trial:
    """A random program with its gradients, computed again on other values of its leaves."""
    program = random_program(seed, 14)
    first, second = program.values(4, 1), program.values(4, 2)
    second |= {name: first[name] for name, leaf in program.leaves.items() if leaf.role in ("array", "number")}
    leaves, read = variables_of(program, first)
    others, expected = variables_of(program, second)
    job = Job(Instructions(), list(read.values()))
    job.change({node: others[name].value for name, node in leaves.items()})
    values = [{**leaves, **read}, {**others, **expected}]
    return Trial(
        job,
        [
            [Expected(f"{name} of {program}", found[name].value, scale(*(x.value for x in found.values()))) for name in read]
            for found in values
        ],
    )


def variables_of(program: Program, values: dict[str, Any]) -> tuple[dict[str, tg.Node], dict[str, tg.Node]]:
    """The leaves of a program, and its other variables and gradients."""
    with silent():
        arguments = program.arguments(values)
        variables = program.run(arguments)
        leaves = {name: x for name, x in arguments.items() if isinstance(x, tg.Node)}
        found = {name: x for name, x in variables.items() if isinstance(x, tg.Node) and name not in leaves}
        parameters = {name: x for name, x in leaves.items() if x.kind == "parameter"}
        gradients = sweep(variables["L"], list(parameters.values()), tg.constant(1.0), on_nodes=True)
        found |= {f"d{name}": gradients[x] for name, x in parameters.items() if x in gradients}
    return leaves, found


def test_random_programs_have_numpys_values_and_gradients(visit: Visit) -> None:
    trials = {str(seed): [random_trial(seed)] for seed in range(RANDOM)}
    found = results(visit, trials)
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_metadata_of_the_same_op_is_kept_apart(visit: Visit) -> None:
    x = tg.constant([1234.5678, -0.25, 0.35])
    rounded = [np.round(x, decimals) for decimals in (0, 1, 2, -2)]
    found, _ = in_the_page(visit, [Job(Instructions(), rounded)])[0]
    for have, node in zip(found, rounded, strict=True):
        np.testing.assert_array_equal(have, node.value)


@pytest.mark.parametrize("refused", [np.inf, np.nan, 1e20])
def test_what_is_no_integer_is_refused_where_one_is_made_of_it(visit: Visit, refused: float) -> None:
    x = tg.constant([1.5, -2.7])
    whole = x.astype(np.int64)
    job = Job(Instructions(), [whole])
    job.change({x: [0.0, refused]})
    before, after, _ = in_the_page(visit, [job])[0]
    assert before[0].tolist() == [1, -2]
    assert isinstance(after[0], Unknown)


def test_integers_are_exact_up_to_2_to_the_53_and_refused_beyond(visit: Visit) -> None:
    n, x = tg.constant(np.int64(2**52)), tg.constant(0.5)
    product, half = n * 3, (n + (n - 1)) * x
    job = Job(Instructions(), [product, half, tg.constant(np.int64(2**62)) * x])
    job.change({n: 2})
    before, after, _ = in_the_page(visit, [job])[0]
    assert isinstance(before[0], Unknown)  # recorded exactly, and no double
    assert before[1:] == [2**52 - 0.5, 2.0**61]
    assert isinstance(after[0], Unknown)
    assert after[1:] == [1.5, 2.0**61]


def test_sums_of_integers_are_not_rounded_on_the_way(visit: Visit) -> None:
    x = tg.constant(np.array([2**53 - 1, 2, -2]))
    ones = np.ones(3, int)
    ways = [np.sum(x), x @ ones, np.einsum("i,i->", x, ones), np.cumsum(x)[-1:]]
    small = Job(Instructions(), ways)
    small.change({x: [3, 2, -2]})
    large, after, _ = in_the_page(visit, [small])[0]
    assert [isinstance(found, Unknown) for found in large] == [True, True, True, False]  # the last holds what was recorded
    assert [np.ravel(found).tolist() for found in after[:3]] == [[3.0]] * 3


# What a page does with a program


def neuron() -> dict[str, tg.Node]:
    w, b, x = tg.parameter(0.5), tg.parameter(-1.0), tg.constant([1.0, 2.0, 3.0])
    z = w * x + b
    a = tg.sigmoid(z)
    return {"w": w, "b": b, "x": x, "z": z, "a": a, "L": np.mean(a * a)}


def test_what_a_value_would_be_is_computed_of_others_and_changes_nothing(visit: Visit) -> None:
    at, then = neuron(), {"w": 2.0, "z": np.array([0.0, 1.0, -1.0])}
    job = Job(Instructions(), list(at.values()))
    job.ask(at["z"], {at["w"]: then["w"]})
    job.ask(at["L"], {at["w"]: then["w"]})
    job.ask(at["L"], {at["z"]: then["z"]})
    job.ask(at["L"], {at["z"]: then["z"], at["w"]: then["w"]})  # what is given is not computed
    job.ask(at["L"], {})
    job.ask(at["b"], {at["w"]: then["w"]})
    before, answers = in_the_page(visit, [job])[0]
    z = then["w"] * at["x"].value - 1
    of_z = np.mean(tg.sigmoid(then["z"]) ** 2)
    expected = [z, np.mean(tg.sigmoid(z) ** 2), of_z, of_z, at["L"].value, -1.0]
    for found, value in zip(answers, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-15)
    for found, node in zip(before, at.values(), strict=True):
        np.testing.assert_allclose(found, node.value, rtol=1e-15)


def test_asking_leaves_a_program_as_it_was(visit: Visit) -> None:
    at = neuron()
    one, other = Job(Instructions(), list(at.values())), Job(Instructions(), list(at.values()))
    one.ask(at["L"], {at["w"]: 7.0})
    for job in (one, other):
        job.change({at["b"]: 0.25})
    pages = in_the_page(visit, [one, other])
    assert str(pages[0][:2]) == str(pages[1][:2])


def test_another_number_of_examples_may_be_asked_about(visit: Visit) -> None:
    x, w = tg.constant(np.ones((2, 3))), tg.parameter([1.0, 2.0, 3.0])
    a = tg.sigmoid(x @ w - np.mean(x, axis=0) @ w)
    new = np.arange(12.0).reshape(4, 3) / 10
    job = Job(Instructions(), [a])
    job.ask(a, {x: new})
    (found,) = in_the_page(visit, [job])[0][-1]
    np.testing.assert_allclose(found, tg.sigmoid(new @ w.value - np.mean(new, axis=0) @ w.value), rtol=1e-14)


def test_of_what_is_refused_all_that_depends_on_it_is_unknown_for_the_same_reason_and_known_again_later(visit: Visit) -> None:
    A, y = tg.parameter([[2.0, 1.0], [1.0, 2.0]]), tg.parameter(3.0)
    x = np.linalg.inv(A)
    total, apart = np.sum(x) * y, y * y
    job = Job(Instructions(), [x, total, apart])
    job.change({A: np.ones((2, 2))})
    job.change({A: np.eye(2)})
    _, refused, again, _ = in_the_page(visit, [job])[0]
    assert refused == [Unknown("the matrix is singular"), Unknown("the matrix is singular"), 9.0]
    assert again[1:] == [6.0, 9.0]


def test_a_recorded_value_holds_until_what_it_depends_on_is_changed(visit: Visit) -> None:
    A, y = tg.parameter([[2.0, 1.0], [1.0, 3.0]]), tg.parameter(3.0)
    U = tg.ops.left_singular_vectors(A)
    total = np.sum(U * U) * y
    job = Job(Instructions(), [total])
    job.change({y: 1.0})
    job.change({A: np.eye(2)})
    first, scaled, moved, _ = in_the_page(visit, [job])[0]
    assert [float(x) for x in (*first, *scaled)] == pytest.approx([6.0, 2.0])
    assert "left_singular_vectors is not computed in a page" in moved[0].reason


@tg.op(lambda g, out, x, y, by: g * by, None, elementwise=True, javascript="{1} + {0} * {by}")
def shifted(x: Any, y: Any, *, by: float) -> Any:
    return y + x * by


@tg.op(lambda g, out, x: g * np.cos(x) * np.exp(x))
def composed(x: Any) -> Any:
    return np.sin(x) * np.exp(x) if x.ndim else x


@tg.op(lambda g, out, x: g)
def opaque(x: Any) -> Any:
    return np.array(sorted(float(entry) for entry in x))


def test_a_users_op_is_computed_by_its_expression_or_by_its_body_and_else_recorded(visit: Visit) -> None:
    x = tg.parameter([0.5, -1.0, 2.0])
    values = [shifted(x, 2.0, by=3.0), composed(x), opaque(x)]
    job = Job(Instructions(), values)
    new = np.array([1.0, 2.0, -3.0])
    job.change({x: new})
    before, after, _ = in_the_page(visit, [job])[0]
    for found, node in zip(before, values, strict=True):
        np.testing.assert_allclose(found, node.value, rtol=1e-15)
    np.testing.assert_allclose(after[0], 2 + 3 * new, rtol=1e-15)
    np.testing.assert_allclose(after[1], np.sin(new) * np.exp(new), rtol=1e-14)
    assert after[2] == Unknown("opaque is not computed in a page: its value was recorded")


# What declarations and files say


def test_every_function_of_the_interpreter_is_that_of_a_built_in_op_without_an_expression() -> None:
    known = {op.name for op in OPS if not op.javascript}
    assert structural() <= known


def test_an_elementwise_op_has_an_expression_or_a_body() -> None:
    assert not {op.name for op in OPS if op.elementwise} & structural()


@pytest.mark.parametrize("javascript", ["{} + {} + {}", "{2}", "{sign}", "Math.{}({rate})"])
def test_an_expression_that_names_what_the_op_has_not_is_an_error(javascript: str) -> None:
    def unnamed(x: Any, y: Any, *, by: float = 1.0) -> Any:
        return x + y

    op = Op(unnamed, [None, None], {"elementwise": True, "javascript": javascript})
    with pytest.raises(ValueError, match="op unnamed has no operand or metadata for"):
        script([op])


def test_only_an_elementwise_op_has_an_expression() -> None:
    with pytest.raises(TypeError, match="is not elementwise"):
        Op(lambda x: x, [None], {"javascript": "{} + 1"})


def test_a_page_of_the_interpreter_makes_no_code(visit: Visit) -> None:
    (policy,) = POLICY
    page = visit.show(
        f"{policy}<output></output><script>"
        "try { new Function('return 1'); } catch (error) { document.querySelector('output').textContent = error.name; }"
        "</script>"
    )
    assert page.locator("output").text_content() == "EvalError"
