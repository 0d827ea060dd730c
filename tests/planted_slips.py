"""Slips of known kinds, planted in homework, and what the referee has to say of each.

`python -m tests.planted_slips [part of a program's name]` prints what `graph.compare` says of them.
"""

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import tinygraph as tg
from tests.homework import (
    BATCH,
    BROADCAST,
    CONVOLUTION,
    HALF,
    LOGISTIC,
    LOOP,
    NEURON,
    RECURRENCE,
    RELU,
    SHARED,
    SOFTMAX,
    SQUARES,
    TANH,
    Change,
    Program,
    Values,
    computed,
    function_of,
    graph_of,
    homework,
)

MOST = 3  # more explanations than these explain nothing
SEEDS = (7, 21, 40)  # of data in which every slip shows


class Slip(NamedTuple):
    """One mistake: the changed pieces of a program's text, the statement that they are in, and the kinds that name it exactly.

    `given` says what the student hands in: all "gradients"; "all" values and gradients; or these names. `first` is the first
    given statement that is wrong, where that is not `at`; `called` one that is given as a function.
    """

    program: Program
    at: str
    changes: tuple[Change, ...]
    kinds: tuple[str, ...]
    given: str = "gradients"
    first: str = ""
    called: str = ""

    @property
    def blamed(self) -> str:
        """The name of the first wrong verdict."""
        return self.first or self.at

    @property
    def label(self) -> str:
        """Program, statement, and the text that the slip changed."""
        return f"{self.program.name}, {self.at}: " + "; ".join(f"{old} → {new}" for old, new in self.changes)


def slip(program: Program, at: str, old: str, new: str, kinds: str, **more: str) -> Slip:
    """A slip in one piece of the text."""
    return Slip(program, at, ((old, new),), tuple(kinds.split(", ")), **more)


# Most of them are those of forums: community.deeplearning.ai, the issues of repositories of course work, Stack Overflow.
SLIPS: tuple[Slip, ...] = (
    # One neuron, in scalars
    slip(NEURON, "da", "da = -y / a + (1 - y) / (1 - a)", "da = y / a - (1 - y) / (1 - a)", "sign"),
    slip(NEURON, "dz", "dz = da * a * (1 - a)", "dz = da * sigmoid(a) * (1 - sigmoid(a))", "wrong value"),
    slip(NEURON, "dw1", "dw1 = dz * x1", "dw1 = dz * w1", "wrong value"),
    slip(NEURON, "dz", "dz = da * a * (1 - a)", "dz = da", "local", given="dw1 dw2 db", first="dw1"),
    slip(NEURON, "a", "np.exp(-z)", "np.exp(z)", "sign, wrong value", given="all"),
    # A loop that accumulates
    slip(LOOP, "dw1", "dw1 += dz * X[i, 0]", "dw1 = dz * X[i, 0]", "overwritten"),
    slip(LOOP, "dw2", "dw2 += dz * X[i, 1]", "dw2 += dz * X[i, 1] * m", "mean, factor"),
    slip(LOOP, "dw2", "dw2 += dz * X[i, 1]", "dw2 += dz * X[i, 1] * (2 if i == 2 else 1)", "twice"),
    slip(LOOP, "dw1", "dw1 += dz * X[i, 0]", "dw1 += dz", "local, missing factor, other gradient", given="dw1 dw2 db"),
    # Logistic regression, an example a column
    slip(LOGISTIC, "dA", "dA = (-Y / A + (1 - Y)", "dA = (-Y / A - (1 - Y)", "term"),
    Slip(LOGISTIC, "dZ", (  # right where 1/m is left to the parameters, as in some courses; but then dZ is not ∂J/∂Z
        ("dZ = dA * A * (1 - A)", "dZ = A - Y"), ("X @ dZ.T", "X @ dZ.T / m"), ("db = np.sum(dZ)", "db = np.sum(dZ) / m"),
    ), ("mean", "factor")),
    slip(LOGISTIC, "dZ", "dZ = dA * A * (1 - A)", "dZ = A * (1 - A)", "upstream", given="dw db", first="dw"),
    slip(LOGISTIC, "dw", "dw = X @ dZ.T", "dw = dZ @ X.T", "transposed, shape", called="dw"),
    slip(LOGISTIC, "db", "db = np.sum(dZ)", "db = (loss(b=b + 1e-3) - loss()) / 1e-3", "digits"),
    slip(LOGISTIC, "Z", "Z = w.T @ X + b", "Z = w.T @ X", "term", given="all"),
    # Softmax regression
    slip(SOFTMAX, "dE", "dE = dP / S + dS", "dE = dP / S", "overwritten"),
    slip(SOFTMAX, "dZ", "dZ = dE * E", "dZ = P / len(Y)", "term", given="dW db", first="dW"),
    slip(SOFTMAX, "db", "db = np.sum(dZ, axis=0)", "db = np.sum(dZ, axis=1)", "axis"),
    slip(SOFTMAX, "dW", "dW = X.T @ dZ", "dW = X.T @ dZ; dW[1] = 0", "entry"),
    slip(SOFTMAX, "S", "S = np.sum(E, axis=1, keepdims=True)", "S = np.sum(E, axis=0)", "axis", given="Z E S P L"),
    # A network with tanh, an example a column
    slip(TANH, "dZ1", "dZ1 = dA1 * (1 - A1**2)", "dZ1 = dA1 * (1 - Z1**2)", "wrong value"),
    slip(TANH, "dA1", "dA1 = W2.T @ dZ2", "dA1 = dW2.T @ dZ2", "wrong value"),
    slip(TANH, "dZ1", "dZ1 = dA1 * (1 - A1**2)", "dZ1 = dA1 * (1 - A1**2) / m", "mean, factor"),
    slip(TANH, "dZ1", "dZ1 = dA1 * (1 - A1**2)", "dZ1 = dA1", "local", given="dW2 db2 dW1 db1", first="dW1"),
    slip(TANH, "dW1", "dW1 = dZ1 @ X.T", "dW1 = np.float16(dZ1 @ X.T)", "digits"),
    # A network with relu: four of everything, so that no shape shows a slip
    slip(RELU, "dZ1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (Z2 > 0)", "wrong value"),
    slip(RELU, "dW1", "dW1 = X.T @ dZ1", "dW1 = dZ1.T @ X", "transposed, operands", called="dW1"),
    slip(RELU, "dZ1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = (Z1 > 0) * 1.0", "upstream"),
    slip(RELU, "dA1", "dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2", "operands", given="dW1", first="dW1"),
    slip(RELU, "db1", "db1 = np.sum(dZ1, axis=0)", "db1 = np.sum(dZ1, axis=1)", "axis"),
    slip(RELU, "dZ1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (A1 / A1)", "nan"),
    # Linear regression, squared errors
    slip(SQUARES, "dyhat", "dyhat = 2 * (yhat - y)", "dyhat = (yhat - y)", "factor"),
    slip(SQUARES, "dyhat", "dyhat = 2 * (yhat - y)", "dyhat = 2 * (y - yhat)", "sign", given="dw db", first="dw"),
    slip(SQUARES, "db", "db = np.sum(dyhat)", "db = dyhat", "not summed"),
    slip(SQUARES, "dw", "dw = X.T @ dyhat", "dw = X.T @ dyhat[:, None]", "shape"),
    # With a half, and a penalty
    slip(HALF, "dyhat", "dyhat = (yhat - y) / m", "dyhat = 2 * (yhat - y) / m", "factor", given="dw db", first="dw"),
    slip(HALF, "db", "db = np.sum(dyhat)", "db = np.mean(dyhat)", "mean, factor"),
    slip(HALF, "dw", "dw = X.T @ dyhat + lam / m * w", "dw = X.T @ dyhat", "overwritten, term"),
    slip(HALF, "dw", "dw = X.T @ dyhat + lam / m * w", "dw = X.T @ dyhat - lam / m * w", "term"),
    # A value that is read twice
    slip(SHARED, "du", "du = dp * np.cos(u) + dq * 2 * u", "du = dq * 2 * u", "overwritten", given="dw dx", first="dw"),
    slip(SHARED, "du", "du = dp * np.cos(u) + dq * 2 * u", "du = -dp * np.cos(u) + dq * 2 * u", "term"),
    slip(SHARED, "du", "du = dp * np.cos(u) + dq * 2 * u", "du = dp * np.cos(u) + dq", "local"),
    slip(SHARED, "dp", "dp = q", "dp = p", "wrong value, other gradient"),
    # Biases along both axes
    slip(BROADCAST, "dc", "dc = np.sum(dS, axis=1, keepdims=True)", "dc = np.sum(dS, axis=0, keepdims=True)", "axis"),
    slip(BROADCAST, "db", "db = np.sum(dS, axis=0)", "db = np.sum(dS, axis=0, keepdims=True)", "shape"),
    slip(BROADCAST, "dS", "2 * (S - T) / S.size", "2 * (S - T) / len(S)", "mean, factor", given="dg db dc", first="dg"),
    slip(BROADCAST, "dg", "dg = np.sum(dS * X, axis=0)", "dg = np.sum(dS, axis=0)", "local, missing factor, other gradient"),
    # A convolution by slices
    slip(CONVOLUTION, "dx", "dx[k : k + n] += dz * w[k]", "dx[k : k + n] = dz * w[k]", "overwritten, entry"),
    slip(CONVOLUTION, "dw", "np.sum(dz * x[k : k + n])", "np.sum(dz[1:] * x[k : k + n - 1])", "wrong value, entry"),
    slip(CONVOLUTION, "dw", "np.sum(dz * x[k : k + n])", "np.sum(da * x[k : k + n])", "wrong value, local"),
    slip(CONVOLUTION, "dz", "dz = da * (z > 0)", "dz = da", "local", given="dw dx db", first="db"),
    # Through time
    slip(RECURRENCE, "dh1", "dh1 = (h1 - y1) + W.T @ dz2", "dh1 = W.T @ dz2", "overwritten"),
    slip(RECURRENCE, "dh2", "dh2 = (h2 - y2) + W.T @ dz3", "dh2 = h2 - y2", "overwritten", given="dW dU db", first="dW"),
    slip(RECURRENCE, "dW", "np.outer(dz1, h0) + np.outer(dz2, h1) + ", "", "overwritten"),
    slip(RECURRENCE, "dh2", "dh2 = (h2 - y2) + W.T @ dz3", "dh2 = (h2 - y2) + W @ dz3", "operands"),
    # Batch normalisation
    slip(BATCH, "dC", "dC = dN / s + 2 * C * dv / len(X)", "dC = dN / s", "overwritten", given="dX dgamma dbeta", first="dX"),
    slip(BATCH, "ds", "ds = np.sum(-dN", "ds = np.sum(dN", "sign"),
    slip(BATCH, "dv", "dv = ds / (2 * s)", "dv = ds / s", "factor"),
    slip(BATCH, "dgamma", "np.sum(dout * N, axis=0)", "np.sum(dout * X, axis=0)", "wrong value"),
    slip(BATCH, "v", "v = np.mean(C**2, axis=0)", "v = np.sum(C**2, axis=0)", "mean, factor", given="all"),
)  # fmt: skip


class Case(NamedTuple):
    """A slip, the graph of its program, and what the student hands in."""

    slip: Slip
    graph: tg.Graph
    given: Values


class Judged(NamedTuple):
    """What was said of a case: whether it names the slip exactly, and the statements that it blames instead."""

    case: Case
    report: Any
    named: bool
    astray: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """Whether everything was called right."""
        return bool(self.report.right)

    def __str__(self) -> str:
        s, case = self.case.slip, self.case
        blamed = f"ASTRAY in {' '.join(self.astray)}" if self.astray else "NAMED" if self.named else "UNNAMED"
        verdict = "MISSED" if self.missed else blamed
        lines = [f"{verdict}: {s.label}", f"  given {', '.join(case.given)}: expects {' or '.join(s.kinds)} in {s.at}"]
        lines += [f"  | {line}" for line in str(self.report).splitlines()]
        lines += [f"  - {v.name} {v.status}: {e.kind} in {e.of}: {e.text}" for v in self.report.verdicts for e in v.slips]
        return "\n".join(lines)


def cases(seed: int = SEEDS[0], part: str = "") -> Iterator[Case]:
    """The slips in programs whose name has a part, with the data of a seed."""
    for s in SLIPS:
        if part in s.program.name:
            data = s.program.data(np.random.default_rng(seed), 1.0)
            graph = graph_of(s.program, data)
            yield Case(s, graph, handed_in(s, homework(s.program, data, s.changes), graph))


def handed_in(s: Slip, answers: Values, graph: tg.Graph) -> Values:
    """The part of the homework that the student hands in."""
    every = [name for name in answers if name in computed(graph)]
    some = {"all": every, "gradients": [name for name in every if name.startswith("d")]}
    names = some.get(s.given) or s.given.split()
    functions = {new.partition(" = ")[0]: new.partition(" = ")[2] for _, new in s.changes if s.called}
    return {name: function_of(functions[name], graph, {}) if name in functions else answers[name] for name in names}


def judged(case: Case) -> Judged:
    """What the referee says of a case, judged."""
    graph: Any = case.graph
    try:
        report = graph.compare(**case.given)
    except Exception as error:
        error.add_note(f"in {case.slip.label}")
        raise
    s = case.slip
    slips = report[s.blamed].slips
    named = len(slips) <= MOST and any(explained.kind in s.kinds and explained.of == s.at for explained in slips)
    return Judged(case, report, named and report.first is not None and report.first.name == s.blamed, tuple(astray(report, s)))


def astray(report: Any, s: Slip) -> Iterator[str]:
    """The names of verdicts that are wrong beside the one to blame, unless all their slips are in its statement."""
    for verdict in report.verdicts:
        first = report.first is not None and report.first.name == verdict.name
        own = not verdict.slips or any(explained.of != s.at for explained in verdict.slips)
        if verdict.status == "wrong" and verdict.name != s.blamed and (first or own):
            yield verdict.name


def main() -> None:
    """Print every slip, what it is, and what is said of it."""
    every = [judged(case) for case in cases(part="".join(sys.argv[1:2]))]
    for one in every:
        print(one, end="\n\n")
    print(f"{sum(one.named for one in every)} of {len(every)} named, {sum(bool(one.astray) for one in every)} astray")


if __name__ == "__main__":
    main()
