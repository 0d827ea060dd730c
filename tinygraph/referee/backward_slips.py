"""Why the gradient that an engine gave is wrong, where those of all readers are as they are.

Either one contribution is wrong, by the rule of its op; or the contributions are right and their sum is not; or a reader passed
its gradient on before it was complete. Each guess says which number would have come out, and is kept if it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, combinations, product
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygraph.ops.declare import REGISTRY
from tinygraph.referee.forward_slips import OTHERS
from tinygraph.referee.local import Edge, Local, close, fitted, size_of
from tinygraph.referee.playing import Step
from tinygraph.referee.verdicts import constant_factor, gradient_name

MOST = 5  # contributions of which all partial sums are tried
MANY, OFTEN = 3, 4  # contributions that may count more than once, and how often

About: TypeAlias = tuple[Any, ...]  # the code that a guess blames: a rule, the sum, the order


class Guess(NamedTuple):
    """A possible slip, the code that it is about, and the step whose op that is."""

    kind: str
    text: str
    of: str
    about: About


class Instead(NamedTuple):
    """What a wrong rule may pass on in place of the right contribution: `text` follows the name of the op."""

    kind: str
    text: str
    part: Any


def subject(edge: Edge) -> str:
    """The op of a reader, with the name of its result."""
    return f"{edge.reader.op_name} ({edge.reader.name})"


def rule_of(edge: Edge) -> About:
    """The rule that an edge is about."""
    return "rule", edge.reader.op_name, edge.position


class WrongGradient:
    """One wrong gradient: what readers contribute to it, and the guesses that explain it."""

    def __init__(self, local: Local, gradients: Mapping[Step, Any], step: Step, given: Any) -> None:
        self.local, self.gradients, self.step, self.given = local, gradients, step, given
        self.edges = local.edges[step]
        self.parts = self._parts_of(step)

    def _parts_of(self, step: Step) -> dict[Edge, Any]:
        found = {edge: self.local.part(edge, self.gradients[edge.reader]) for edge in self.local.edges[step]}
        return {edge: part for edge, part in found.items() if part is not None}

    @cached_property
    def right(self) -> Any:
        """The sum of all contributions; None where one cannot be computed."""
        if len(self.parts) < len(self.edges) or not self.parts:
            return None
        return sum(self.parts.values())

    def is_given(self, value: Any) -> bool:
        """Whether that is what the engine gave."""
        return close(self.given, value, self.size)

    @cached_property
    def size(self) -> float:
        """The largest entry of all contributions."""
        return size_of(*self.parts.values())

    def guesses(self) -> list[Guess]:
        """The guesses that fit, all of the likeliest way in which there are any."""
        if np.shape(self.given) != np.shape(self.right):
            return [*self._of_shape()]
        if np.isnan(self.given).any() and not np.isnan(self.right).any():
            return [Guess("nan", f"{subject(edge)} passes NaN on", edge.reader.name, rule_of(edge)) for edge in self.edges]
        ways = (
            self._of_kinks(),
            chain(self._of_sums(), self._of_order(), self._fitting(self._plain_slips)),
            self._fitting(self._wrong_factors),
            self._fitting(self._wrong_numbers),
        )
        return next(filter(None, ([*{guess.text: guess for guess in way}.values()] for way in ways)), [])

    def _replaced(self, changed: Mapping[Edge, Any]) -> Any:
        """The gradient with some contributions in place of the right ones."""
        return self.right + sum(part - self.parts[edge] for edge, part in changed.items())

    def proves(self) -> set[About]:
        """What code may be right if this gradient is."""
        telling = [edge for edge, part in self.parts.items() if not self.is_given(self.right - part)]  # not lost in rounding
        found: set[About] = {rule_of(edge) for edge in telling} | {("order", edge.reader) for edge in telling}
        return found | ({self._sum} if 1 < len(telling) == len(self.parts) else set())

    @property
    def _sum(self) -> About:
        """The sum of contributions: of one reader that reads a value twice, or of several."""
        return "sum", len({edge.reader for edge in self.parts}) > 1

    def shows(self, guess: Guess) -> bool:
        """Whether the slip of a guess, about code that this gradient proves, would have changed it."""
        if guess.about[0] in ("sum", "order") or guess.kind == "factor":
            return True
        for edge in self.parts:
            if rule_of(edge) == guess.about:
                wrong = [x.part for x in (*self._plain_slips(edge), *self._wrong_factors(edge)) if x.kind == guess.kind]
                return bool(wrong) and not any(close(self.parts[edge], part) for part in wrong)
        return False

    # Shapes

    def _of_shape(self) -> Iterator[Guess]:
        shape, wanted, name = np.shape(self.given), np.shape(self.right), gradient_name(self.step)
        raws = {edge: np.shape(self.local.raw(edge, self.gradients[edge.reader])) for edge in self.edges}
        wide = {edge: raw for edge, raw in raws.items() if raw != wanted}
        for edge in (edge for edge, raw in wide.items() if raw == shape):
            text = f"{subject(edge)} repeats {self.step.name} along an axis, and the sum over that axis is missing in {name}"
            yield Guess("not summed", text, edge.reader.name, ("broadcasting",))
        if not wide and len(wanted) == 2 and shape == wanted[::-1] and self.is_given(np.transpose(self.right)):
            yield Guess("transposed", f"{name} is transposed", self.edges[0].reader.name, rule_of(self.edges[0]))
        elif np.size(self.given) == np.size(self.right) and self.is_given(np.reshape(self.right, shape)):
            yield Guess("shape", f"{name} has the right numbers in shape {shape}, not {wanted}", self.step.name, ("shape",))

    # Sums

    def _of_sums(self) -> Iterator[Guess]:
        edges = list(self.parts)
        kept = next((some for some in _subsets(edges) if some and self.is_given(sum(self.parts[edge] for edge in some))), None)
        if kept is not None:
            lost = [edge for edge in edges if edge not in kept]
            text = f"only {self._of(kept)} arrives, and {self._of(lost)} is lost: does `=` stand where `+=` is meant?"
            yield Guess("overwritten", text, self.step.name, self._sum)
        for some in _subsets(edges, whole=True):
            if some and self.is_given(self.right + sum(self.parts[edge] for edge in some)):
                which = "everything counts" if len(some) == len(edges) else f"{self._of(some)} counts"
                yield Guess("twice", f"{which} twice", self.step.name, ("twice",))

    def _of(self, edges: Sequence[Edge]) -> str:
        """Some contributions by their readers, with the operand where a reader has several."""
        if len(edges) > MOST:
            return f"the contribution of {len(edges)} readers"
        readers = [edge.reader for edge in self.edges]
        names = [
            edge.reader.name if readers.count(edge.reader) == 1 else f"operand {edge.position + 1} of {edge.reader.name}"
            for edge in edges
        ]
        return f"the contribution of {' and of '.join(names)}"

    # Order

    def _of_order(self) -> Iterator[Guess]:
        for reader in dict.fromkeys(edge.reader for edge in self.parts):
            above = self._parts_of(reader)
            if not above:
                continue
            for words, upstream, kind in self._incomplete(reader, above):
                changed = {edge: self.local.part(edge, upstream) for edge in self.parts if edge.reader is reader}
                if all(part is not None for part in changed.values()) and self.is_given(self._replaced(changed)):
                    yield Guess(kind, f"{reader.name} passes its gradient on {words}", reader.name, ("order", reader))

    def _incomplete(self, reader: Step, above: Mapping[Edge, Any]) -> Iterator[tuple[str, Any, str]]:
        """Gradients that a reader may have had when it passed them on, with words and the kind of slip."""
        known, edges = WrongGradient(self.local, self.gradients, reader, None), list(above)
        mend = "in the right order a value comes after all its readers"
        for some in _subsets(edges):
            missing = known._of([edge for edge in edges if edge not in some])
            words = f"before {missing} has arrived: {mend}"
            yield words, sum((above[edge] for edge in some), np.zeros_like(self.local.value(reader))), "order"
        if len(edges) <= MANY:
            for counts in product(range(OFTEN + 1), repeat=len(edges)):
                if max(counts) > 1:
                    upstream = sum(n * above[edge] for n, edge in zip(counts, edges, strict=True))
                    yield f"more than once: {mend}, and passes its gradient on once", upstream, "twice"

    # Rules

    def _of_kinks(self) -> Iterator[Guess]:
        """Where there is no derivative, and all other entries are right."""
        wrong = ~np.isclose(self.given, self.right, rtol=1e-6, atol=1e-12)
        for edge in self.parts:
            op, inputs = edge.reader.op_name, [self.local.value(x) for x in edge.reader.inputs]
            at = inputs[0] == 0 if op in ("relu", "abs") else inputs[0] == inputs[-1] if op in ("maximum", "minimum") else None
            if at is None or np.shape(at) != np.shape(wrong) or not np.all(at | ~wrong):
                continue
            where = f"{self.step.name} is 0" if len(inputs) == 1 else "both operands are equal"
            text = f"where {where}, {op} has no derivative, and {edge.reader.name} passes on another number than is usual"
            yield Guess("kink", text, edge.reader.name, rule_of(edge))

    def _fitting(self, slips: Callable[[Edge], Iterator[Instead]]) -> Iterator[Guess]:
        """The slips of one rule that fit, made in one contribution or in all by that rule or by ops of its name."""
        instead = {edge: _by_kind([one for one in slips(edge) if one.part is not None]) for edge in self.parts}
        for group in self._groups():
            for key in dict.fromkeys(key for edge in group for key in instead[edge]):
                changed = {edge: instead[edge][key] for edge in group if key in instead[edge]}
                if self._explains({edge: one.part for edge, one in changed.items()}):
                    edge, one = next(iter(changed.items()))
                    yield Guess(one.kind, f"{subject(edge)} {one.text}", edge.reader.name, rule_of(edge))

    def _groups(self) -> list[list[Edge]]:
        """Each contribution alone; then those by one rule, and those by one op, where there are several."""
        groups: dict[Any, list[Edge]] = {}
        for edge in self.parts:
            groups.setdefault(rule_of(edge), []).append(edge)
            groups.setdefault(edge.reader.op_name, []).append(edge)
        return [[edge] for edge in self.parts] + [group for group in groups.values() if len(group) > 1]

    def _explains(self, changed: Mapping[Edge, Any]) -> bool:
        """Whether the engine gave what comes of some other contributions."""
        shape = np.shape(self.right)
        return all(np.shape(part) == shape for part in changed.values()) and self.is_given(self._replaced(changed))

    def _plain_slips(self, edge: Edge) -> Iterator[Instead]:
        """What a rule passes on by the usual slips."""
        part, g, local = self.parts[edge], self.gradients[edge.reader], self.local
        to, upstream = self.step.name, gradient_name(edge.reader)
        yield Instead("sign", f"passes its gradient on to {to} with the wrong sign", -part)
        yield Instead("missing", f"passes nothing on to {to}", np.zeros_like(part))
        if not np.all(np.asarray(g) == 1):
            alone = local.part(edge, np.ones_like(g))
            text = f"passes the local derivative alone on to {to}: the upstream gradient {upstream} is forgotten"
            yield Instead("upstream", text, alone)
        same = fitted(g, local.value(self.step))
        if same is not None and not close(np.abs(same), np.abs(part)):
            yield Instead("local", f"passes {upstream} on to {to} as it is: the local derivative is forgotten", same)
        if np.ndim(part) == 2 and edge.reader.op_name != "matmul":
            yield Instead("transposed", f"passes the transposed gradient on to {to}", np.transpose(part))
        yield from self._of_operands(edge, g)
        yield from self._of_axes(edge, g)
        yield from self._of_broadcasting(edge, g)

    def _of_operands(self, edge: Edge, g: Any) -> Iterator[Instead]:
        """The local derivative at other values, or by another operand."""
        reader, local, to = edge.reader, self.local, self.step.name
        op, inputs, out = reader.node.op, [local.value(x) for x in reader.inputs], local.value(reader)
        assert op is not None
        if len(inputs) == 1 and op.elementwise:
            result = f"its result {reader.name}"
            for used, wanted, change in ((to, result, {"out": inputs[0]}), (result, to, {"inputs": [out]})):
                text = f"takes the local derivative at {used}, not at {wanted}"
                yield Instead("wrong value", text, local.part(edge, g, **change))
        elif op.name == "matmul":
            yield from self._of_products(edge, g, inputs)
        elif len(inputs) == 2 and op.name not in ("add", "subtract"):
            own = local.part(edge, g, rule=op.rules_for(2)[1 - edge.position])
            swapped = local.part(edge, g, inputs=inputs[::-1])
            other = reader.inputs[1 - edge.position]
            whose = other.name if isinstance(other, Step) and other is not self.step else "its other operand"
            yield Instead("operands", f"passes on to {to} the gradient that belongs to {whose}", own)
            if not close(swapped, own):
                yield Instead("operands", f"takes its operands in the wrong order for {to}", swapped)

    def _of_products(self, edge: Edge, g: Any, inputs: Sequence[Any]) -> Iterator[Instead]:
        other = edge.reader.inputs[1 - edge.position]
        named = (
            (g, gradient_name(edge.reader)),
            (inputs[1 - edge.position], other.name if isinstance(other, Step) else f"{other}"),
        )
        ways = [((x, name), (np.transpose(x), f"{name}.T")) for x, name in named]
        for (a, left), (b, right) in chain(product(*ways), product(*ways[::-1])):
            text = f"passes {left} @ {right} on to {self.step.name}: an operand is transposed or swapped"
            yield Instead("operands", text, self.local.applied(np.matmul, [a, b], {}))

    def _of_axes(self, edge: Edge, g: Any) -> Iterator[Instead]:
        """What comes of another axis than that of the op, and of the 1/n of a mean."""
        params, part, value = edge.reader.node.params, self.parts[edge], self.local.value(self.step)
        for axis in range(np.ndim(value)) if "axis" in params else ():
            if axis != params["axis"]:
                text = f"spreads its gradient along axis {axis}, not axis {params['axis']}"
                yield Instead("axis", text, self.local.part(edge, g, axis=axis))
        count = np.size(value) // max(1, np.size(self.local.value(edge.reader)))
        if edge.reader.op_name == "mean":
            yield Instead("mean", f"leaves out the factor 1/{count} of the mean", part * count)
        elif edge.reader.op_name == "sum":
            yield Instead("mean", f"divides the gradient of a sum by {count}", part / count)

    def _of_broadcasting(self, edge: Edge, g: Any) -> Iterator[Instead]:
        """What comes of broadcasting that is not undone by a sum over the repeated axes."""
        raw, wanted = self.local.raw(edge, g), np.shape(self.local.value(self.step))
        if raw is None or np.shape(raw) == wanted:
            return
        repeats, lost = f"repeats {self.step.name}:", np.ndim(raw) - len(wanted)
        for axes in combinations(range(np.ndim(raw)), max(lost, 1)):
            kept = np.sum(raw, axis=axes)
            if np.size(kept) == np.prod(wanted):
                text = f"{repeats} its gradient is summed over axis {', '.join(map(str, axes))}, which is not the repeated one"
                yield Instead("axis", text, np.reshape(kept, wanted))
        mean = self.parts[edge] * (np.prod(wanted) / np.size(raw))
        yield Instead("mean", f"{repeats} its gradient is the mean over the repeated axes, not the sum", mean)
        for which, i in {"first": 0, "last": -1}.items() if lost == 1 else ():
            yield Instead("not summed", f"{repeats} only the {which} row of its gradient is kept, not the sum", raw[i])

    def _wrong_factors(self, edge: Edge) -> Iterator[Instead]:
        """What a rule passes on where a factor is missing or there is one too many, or by the rule of another op."""
        part, reader, to = self.parts[edge], edge.reader, self.step.name
        factors = {(x.name if isinstance(x, Step) else f"{x}"): self.local.value(x) for x in reader.inputs}
        out = self.local.value(reader)
        factors |= {reader.name: out, f"(1 - {reader.name})": 1 - out, gradient_name(reader): self.gradients[reader]}
        for name, value in factors.items():
            value = np.asarray(value, np.float64)
            if value.shape not in ((), np.shape(part)) or np.all(np.abs(value) == 1):
                continue
            passed = f"what it passes on to {to}"
            yield Instead("missing factor", f"leaves out the factor {name} in {passed}", part / value)
            yield Instead("missing factor", f"multiplies {passed} by {name} once too often", part * value)
            yield Instead("missing factor", f"multiplies {passed} by {name} where it has to divide", part * value**2)
        for name in OTHERS:
            op = REGISTRY[name]
            if op is not reader.node.op and op.elementwise and len(op.rules) == len(reader.inputs):
                other = self.local.part(edge, self.gradients[reader], rule=op.rules[edge.position])
                if other is not None:
                    yield Instead("other op", f"passes on to {to} what {name} would", other)

    def _wrong_numbers(self, edge: Edge) -> Iterator[Instead]:
        """What a rule passes on times a number."""
        part = self.parts[edge]
        others = sum((x for key, x in self.parts.items() if key != edge), np.zeros_like(part))
        factor = constant_factor(self.given - others, part)
        if factor is not None:
            yield Instead("factor", f"passes {factor:.4g} times the right gradient on to {self.step.name}", part * factor)


def _by_kind(slips: Sequence[Instead]) -> dict[tuple[str, int], Instead]:
    """Slips by their kind, and by their place among those of one kind."""
    kinds = [one.kind for one in slips]
    return {(one.kind, kinds[:i].count(one.kind)): one for i, one in enumerate(slips)}


def _subsets(edges: Sequence[Edge], whole: bool = False) -> Iterator[tuple[Edge, ...]]:
    """Some of the contributions; of many only none, one, or all but one."""
    n = len(edges)
    counts = [count for count in range(n + whole) if n <= MOST or count in (0, 1, n - 1, n)]
    return chain.from_iterable(combinations(edges, count) for count in counts)
