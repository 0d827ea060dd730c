"""Random answers to the questions of a quiz: formulas in the names known then, some near the right one, some spoilt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygraph.stepping.quiz import Quiz

UNARY = [
    "exp", "log", "sin", "cos", "tanh", "sqrt", "abs", "square", "sigmoid", "relu", "softplus", "np.sign", "np.floor", "-",
    "np.log1p",    "np.expm1", "np.round", "np.isfinite", "np.logical_not", "np.cbrt", "np.arctan", "np.negative", "σ", "ln",
]  # fmt: skip
BINARY = [*"+-*/@%<>+-*/*", "**", "//", ">=", "<=", "==", "!="]
CALLS = [
    "np.maximum", "np.minimum", "power", "np.arctan2", "dot", "outer", "np.logaddexp", "np.heaviside", "np.copysign", "np.hypot",
]  # fmt: skip
WHOLE = [
    "np.sum", "np.mean", "np.max", "np.min", "np.prod", "np.var", "np.std", "np.argmax", "np.median", "softmax", "log_softmax",
    "np.cumsum", "np.sort", "np.any", "np.flip", "logsumexp",
]  # fmt: skip
FORMS = [
    "{}.T", "{}.size", "len({})", "{}[0]", "{}[:, None]", "{}[::-1]", "{}[1:]", "{}[..., 0]", "{}.shape[0]", "np.asarray({})",
    "{}.astype(np.float32)", "{}.astype(int)", "{}.astype(bool)", "{}.astype(np.int64)", "np.ones_like({})", "{}[{} > 0]",
    "{}[{}]", "np.transpose({})", "np.expand_dims({}, 0)", "np.squeeze({})", "np.tile({}, 2)", "np.repeat({}, 2, axis=0)",
    "np.diag({})",
    "np.concatenate([{}, {}])", "where({} > 0, {}, {})", "np.clip({}, 0, 1)", "np.full_like({}, {})", "np.stack([{}, {}])",
    "np.einsum('i,i->', {}, {})", "np.einsum('ij,jk->ik', {}, {})", "np.broadcast_to({}, {}.shape)", "np.linalg.norm({})",
    "np.tril({})", "np.roll({}, 1)", "np.linalg.inv({})", "mean_squared_error({}, {})", "({}).T @ {}", "np.reshape({}, (-1,))",
]  # fmt: skip
NUMBERS = ["0", "1", "2", "-1", "0.5", "3", "1e-3", "1e3", ".25", "2.", "0x10", "1_000", "np.pi", "1e3.T", "7"]
AXES = ("", ", axis=0", ", axis=1", ", axis=-1", ", 0", ", axis=0, keepdims=True", ", axis=(0, 1)", ", axis=None")
NOISE = (
    *"+-*/()[].,:='\"@ \n;_^&",
    "**",
    "dz",
    "q",
    "True",
    "None",
    "lambda",
    "__proto__",
    "constructor",
    "np.",
    "1j",
    "in",
    "0",
    "é",
    "²",
    "..",
)


def formula(rng: np.random.Generator, names: Sequence[str], depth: int) -> str:
    """A formula in these names."""

    def inner() -> str:
        return formula(rng, names, depth - 1)

    if depth == 0 or rng.random() < 0.15:
        return str(rng.choice(NUMBERS)) if rng.random() < 0.25 else str(rng.choice(names))
    kind = rng.random()
    if kind < 0.45:
        return (
            f"({inner()}) {rng.choice(BINARY)} ({inner()})" if rng.random() < 0.4 else f"{inner()} {rng.choice(BINARY)} {inner()}"
        )
    if kind < 0.65:
        return f"{rng.choice(UNARY)}({inner()})"
    if kind < 0.72:
        return f"{rng.choice(CALLS)}({inner()}, {inner()})"
    if kind < 0.82:
        return f"{rng.choice(WHOLE)}({inner()}{rng.choice(AXES)})"
    form = str(rng.choice(FORMS))
    while "{}" in form:
        form = form.replace("{}", f"({inner()})" if rng.random() < 0.5 else str(rng.choice(names)), 1)
    return form


def near(rng: np.random.Generator, right: str, names: Sequence[str]) -> str:
    """The right answer written otherwise, or changed a little."""
    other = formula(rng, names, 1)
    ways = [
        f"0 + ({right})", f"({right}) * 1", f"-({right})", f"({right}) + 0 * {other}", f"2 * ({right})", f"({right}) + {other}",
        f"({right}) * {other} / {other}", right.replace("1", "2", 1), f"np.asarray({right})", f"({right}).astype(np.float32)",
    ]  # fmt: skip
    return str(rng.choice(ways))


def noisy(rng: np.random.Generator, text: str) -> str:
    """Text with one piece more, or one fewer."""
    place = int(rng.integers(len(text) + 1))
    return text[:place] + (str(rng.choice(NOISE)) + text[place:] if rng.random() < 0.6 else text[place + 1 :])


def random_answer(rng: np.random.Generator, quiz: Quiz) -> str:
    """An answer to the question that a quiz asks."""
    names = list(quiz.known)
    _, right, *_ = str(quiz._left[0].end).split(" = ")
    text = near(rng, right, names) if rng.random() < 0.4 else formula(rng, names, int(rng.integers(1, 4)))
    return noisy(rng, text) if rng.random() < 0.2 else text
