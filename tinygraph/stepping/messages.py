"""What is said of formulas and of answers: templates, which Python and a page fill alike."""

from __future__ import annotations

from typing import Any

from tinygraph.slips import SLIPS

OF_FORMULAS = {
    # Of text that is no formula
    "empty": "there is no formula: write one such as w*x + b",
    "long": "the formula has {length} characters, and at most {most} are read",
    "nested": "the formula is too long or nested too deeply: give parts of it names",
    "character": "`{text}` cannot be read: {reason}",
    "strange": "it has no place in a formula",
    "keyword": "`{text}` is a keyword of Python; formulas have no keywords",
    "product": "a product is written with *: {text}",
    "no formula": "`{text}` is no formula",
    "large": "`{text}` is too large for a number",
    "statement": "`{text}` is no statement: write name = formula",
    # Of names, functions and their arguments
    "name": "`{text}` is no name here",
    "constant": "`{text}` is no value: functions are called, as in np.exp(x), and there is np.pi",
    "attribute": "`{text}`: the only attributes are .T and .size; functions are called, as in np.sum(x)",
    "called": "`{text}` cannot be called: functions are called by name, as in np.sum(x)",
    "function": "`{text}` is no function here: {hint}",
    "functions": "there are exp, log, sigmoid, sum and the like",
    "form": "write {text}",
    "operands": "`{text}`: {name} takes {count}, not {given}",
    "no such": "`{text}`: {name} takes no {key} here",
    "needed": "`{text}`: {name} needs {keys}",
    "literal": "`{text}` must be a small whole number, True, False or None",
    "whole": "`{text}` must be a whole number",
    "small": "`{text}` must be a small whole number",
    "dtype": "`{text}` is no dtype: there are bool, np.float32 and the like, and x.dtype",
    "value": "`{text}` is a function, not a value: call it, as in exp(x)",
    "unknown": "`{text}` has no value: {hint}",
    "known": "there are {names}",
    # Of what a formula computes
    "work": "the arrays become too large",
    "axes": "the arrays get more than {most} axes",
    "length": "a single number has no length",
    # Of a formula as an answer
    "one": "give one formula, without a name before it",
    "asked": "{name} is the gradient to predict",
    "later": "{name} is not revealed yet: use what is known",
    "nowhere": "the formula is not a finite number on any leaves tried",
    "shape": "It has the shape {shape}, and {name} has {wanted}, as has the value that it belongs to",
    "here alone": SLIPS["here alone"],
    "other": "It is something else",
}

OF_ANSWERS = {
    "right": "{end}: right",
    "wrong": "{name}: not yet. {why}",
    "finite": "an answer must be finite",
    "shapes": "give one number for {label}, or an array of the shape {shape}",
    "infinite": "{label} is not finite here: answer by a formula, or reveal it",
    "sign": "The sign is wrong",
    "same sign": "The sign is right, the size is not",
    "other sign": "Even the sign is off",
    "size": "The size is not right",
    "numbers": "The numbers differ",
    "number": "write a number in digits",
    "choice": "choose {choices}",
}


def said(key: str, /, **values: Any) -> str:
    """A message with these values in its places.

    >>> said("wrong", name="dz", why=said("numbers"))
    'dz: not yet. The numbers differ'
    """
    return (OF_ANSWERS | OF_FORMULAS)[key].format(**values)


def one_of(choices: tuple[str, ...]) -> str:
    """Choices in words.

    >>> one_of(("up", "down", "stays"))
    'up, down or stays'
    """
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
