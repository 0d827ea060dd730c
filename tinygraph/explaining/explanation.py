"""What `tg.explain` gives: an op as a page of a textbook, printed by a terminal, shown by a notebook, read by a page as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from textwrap import wrap
from typing import Any

import numpy as np

from tinygraph.explaining.curves import Break, Plot, plots_of
from tinygraph.explaining.deciding import decided
from tinygraph.explaining.formulas import Formula, Formulas
from tinygraph.explaining.jacobians import Numbers, entries, in_numbers
from tinygraph.explaining.samples import Sample, sample_by, sample_of
from tinygraph.explaining.words import words
from tinygraph.express.latex import aligned
from tinygraph.express.python import numpy_function
from tinygraph.express.table import WIDTH
from tinygraph.node import Node
from tinygraph.operators import NUMPY
from tinygraph.ops import REGISTRY, Op
from tinygraph.wording import suggestion

DIGITS = 6  # of a number in the data


class Explanation:
    """An op explained: `str()` for a terminal, shown by a notebook with plots, and `data()` as plain JSON.

    `formula` and `derivatives` have their `text`, `latex` and `mathml`; `decided` says where there is no derivative, and what is
    taken there. Without `curves` none are looked for, which takes long for an op that is not elementwise.
    """

    def __init__(self, op: Op, sample: Sample | None, curves: bool = True) -> None:
        said = words(op)
        formulas = Formulas(op, said, sample)
        rules = op.rules if sample is None else sample.rules()
        self.op = op
        self.sample = sample
        self._curves = curves
        self.sentence = said.sentence
        self.shape = said.shape
        self.remarks = said.remarks
        self.signature = op.signature()
        self.numpy = numpy_function(op)
        self.formula: Formula = formulas.formula()
        self.derivatives: Mapping[str, Formula | None] = {
            name: formulas.derivative(name) for name, rule in zip(formulas.leaves, rules, strict=True) if rule is not None
        }
        self.without = tuple(name for name, rule in zip(formulas.leaves, rules, strict=True) if rule is None)

    @cached_property
    def plots(self) -> list[Plot]:
        """The curves of a function of numbers, by each argument that has a gradient; empty for any other op."""
        return plots_of(self.op, self.sample) if self._curves else []

    @cached_property
    def numbers(self) -> Numbers | None:
        """The sample in numbers, where there are no curves."""
        return None if self.plots or self.sample is None else in_numbers(self.sample)

    @cached_property
    def decided(self) -> tuple[str, ...]:
        """Where there is no derivative, in sentences, and what tinygraph takes there."""
        return decided(self.plots)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is said beside the formulas; what the curve of one argument shows is not said twice."""
        is_shown = len(self.op.arguments) == 1 and self.decided
        found = [*(() if is_shown else self.remarks), *self.decided]
        if self.derivatives and not self.op.elementwise:
            found.append("Here g is the upstream gradient, that of the result.")
        if self.without and "no gradient" not in " ".join((self.sentence, *self.remarks)).lower():
            found.append(f"No gradient flows into {', '.join(self.without)}.")
        return tuple(found)

    def __str__(self) -> str:
        head = self.signature + (f", as {self.numpy}" if self.numpy else "")
        formulas = [self.formula.text, *(formula.text for formula in self.derivatives.values() if formula is not None)]
        lines = [head, *wrap(self.sentence, WIDTH), "", *(f"  {text}" for text in formulas), ""]
        for note in (*self.notes, *([f"Shape: {self.shape}"] if self.shape else [])):
            lines += wrap(note, WIDTH)
        return "\n".join([*lines, *self._lines_of_numbers()]).rstrip()

    __repr__ = __str__

    def _lines_of_numbers(self) -> list[str]:
        if self.numbers is None:
            return []
        lines = ["", "For example:"]
        arrays = {**self.numbers.operands, "result": self.numbers.result}
        arrays |= {f"d result / d {name}": matrix for name, matrix in self.numbers.derivatives}
        for name, array in arrays.items():
            lead = f"  {name} = "
            lines += (lead + np.array2string(np.asarray(array), precision=4)).replace("\n", f"\n{' ' * len(lead)}").splitlines()
        return lines

    def _repr_html_(self) -> str:
        from tinygraph.explaining.sheet import html

        return html(self)

    def _repr_latex_(self) -> str:
        rows = []
        for formula in (self.formula, *self.derivatives.values()):
            if formula is not None:
                left, _, right = formula.latex.partition(" = ") if len(formula.sides) > 1 else ("", "", formula.latex)
                rows.append((left, right) if left else (right, ""))
        return aligned(rows)

    def data(self) -> dict[str, Any]:
        """All of it as plain JSON: text, formulas, curves as lists of points, the sample in numbers."""
        return {
            "name": self.op.name,
            "signature": self.signature,
            "numpy": self.numpy,
            "sentence": self.sentence,
            "shape": self.shape,
            "formula": _formula(self.formula),
            "derivatives": {name: None if x is None else _formula(x) for name, x in self.derivatives.items()},
            "notes": list(self.notes),
            "plots": [_plot(plot) for plot in self.plots],
            "numbers": None if self.numbers is None else _numbers(self.numbers),
        }


def _formula(formula: Formula) -> dict[str, str]:
    return {"text": formula.text, "latex": formula.latex, "mathml": formula.mathml}


def _number(x: Any) -> Any:
    """A number in a few digits; None for what JSON has no number for."""
    if isinstance(x, bool | int | np.bool | np.integer):
        return bool(x) if isinstance(x, bool | np.bool) else int(x)
    return float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None


def _plot(plot: Plot) -> dict[str, Any]:
    curves = [
        {
            "others": {name: _number(value) for name, value in curve.others.items()},
            "values": [[[_number(x), _number(y)] for x, y in piece] for piece in curve.values],
            "slopes": [[[_number(x), _number(y)] for x, y in piece] for piece in curve.slopes] if plot.slopes else [],
            "breaks": [_break(b) for b in curve.breaks],
        }
        for curve in plot.curves
    ]
    return {"argument": plot.argument, "range": [_number(x) for x in plot.ends], "curves": curves, "has_slopes": plot.slopes}


def _break(b: Break) -> dict[str, Any]:
    return {
        "kind": b.kind, "at": _number(b.at), "values": [_number(x) for x in b.values], "slopes": [_number(x) for x in b.slopes],
    }  # fmt: skip


def _numbers(x: Numbers) -> dict[str, Any]:
    arrays = {**x.operands, "result": x.result}
    return {
        "arrays": {name: _array(array) for name, array in arrays.items()},
        "derivatives": {
            name: {
                "rows": entries(np.shape(x.result)),
                "columns": entries(np.shape(x.operands[name])),
                "matrix": [[_number(entry) for entry in row] for row in matrix.tolist()],
            }
            for name, matrix in x.derivatives
        },
    }


def _array(x: Any) -> Any:
    return [_array(part) for part in x] if np.ndim(x) else _number(np.asarray(x).item())


def explanation(what: Any) -> Explanation:
    """The explanation of an op, of the NumPy function that it is, of the op that made a node, or of one by its name."""
    if isinstance(what, Node):
        if what.op is None:
            raise TypeError(f"a {what.kind} is no result of an op: explain a node that one made, or an op")
        return Explanation(what.op, sample_by(what))
    op = _op_of(what)
    return Explanation(op, sample_of(op))


def _op_of(what: Any) -> Op:
    if isinstance(what, Op):
        return what
    if isinstance(what, str):
        name = what.rpartition(".")[2]
        if name not in REGISTRY and not callable(getattr(np, name, None)):
            raise LookupError(f"no op is called {what!r}: {suggestion(name, REGISTRY)}")
        return REGISTRY[name] if name in REGISTRY else _op_of(getattr(np, name))
    if not callable(what):
        raise TypeError(f"explain takes an op, a NumPy function, a node or a name, not {type(what).__name__}")
    answer, name = NUMPY.get(what), getattr(what, "__name__", str(what))
    if isinstance(answer, Op):
        return answer
    if answer is not None and name in REGISTRY and REGISTRY[name].built_in:
        return REGISTRY[name]
    if answer is not None:
        raise TypeError(f"{name} is made of other ops: explain the node that it gives, as in tg.explain(np.{name}(x))")
    raise TypeError(f"{name} is no op: give one, such as tg.sigmoid, or a NumPy function that records, such as np.tanh")
