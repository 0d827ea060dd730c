"""Mathematics as one line of plain text: σ, subscripts, ᵀ, a fraction with a slash."""

from __future__ import annotations

from tinygraph.express.layout import (
    Cases,
    Digits,
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sigma,
    Sign,
    Symbol,
    Times,
    Word,
    end,
)

BELOW = dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
TRANSPOSES = (Word("T"), Word("⊤"), Sign("⊤", tight=True))
REPEATED: dict[Layout, str] = {Word("1"): "ones_like", Word("0"): "zeros_like"}
ABOVE = dict(zip("0123456789−+ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿⁱ", strict=True))


def plain(x: Layout) -> str:
    """A layout as text."""
    if isinstance(x, Symbol):
        return _symbol(x)
    if isinstance(x, Word | Digits):
        return x.text
    if isinstance(x, Sign):
        return ", " if x.text == "," else x.text if x.tight else f" {x.text} "
    if isinstance(x, Times):
        return "·"
    if isinstance(x, Row):
        return _row(x)
    if isinstance(x, Fraction):
        return f"{_whole(x.top)}/{_whole(x.bottom, below=True)}"
    if isinstance(x, Raised):
        return f"{_whole(x.base)}{raised(x.above)}"
    if isinstance(x, Lowered) and x.base in REPEATED:
        return f"{REPEATED[x.base]}({plain(x.below)})"
    if isinstance(x, Lowered):
        return f"{_whole(x.base)}{lowered(plain(x.below))}"
    if isinstance(x, Root):
        return f"{'√' if x.degree == 2 else '∛'}{_whole(x.body)}"
    if isinstance(x, Fence) and isinstance(x.body, Cases):  # on one line they are a call
        return plain(x.body)
    if isinstance(x, Fence):
        return f"{x.left}{plain(x.body)}{x.right}"
    return f"Σ{lowered(''.join(x.index))} {plain(x.body)}"


def _symbol(x: Symbol) -> str:
    """A variable with what is below it; as it is called and indexed in code where that would be hard to read."""
    own, close = ",".join(x.below), "".join(x.index)
    if not _is_lowered(x):
        return f"{x.name}[{close}]" if close else x.name
    if own and close and not own.isdigit():
        return f"{x.text}{lowered(own)}[{close}]"
    return x.text + lowered(own + close)


def _is_lowered(x: Symbol) -> bool:
    """Whether Unicode can write a variable's subscript, and so that it is read at a glance: digits, or a letter or two."""
    own = ",".join(x.below)
    return own.isdigit() or (len(own) <= 2 and all(c in BELOW and not c.isdigit() for c in own))


def lowered(text: str) -> str:
    """Text below the line, where Unicode has all of it there."""
    if all(c in BELOW for c in text):
        return "".join(BELOW[c] for c in text)
    return f"_{text}" if text.isalnum() else f"[{text}]"


def raised(x: Layout) -> str:
    """A layout above the line, where Unicode has all of it there."""
    if x in TRANSPOSES:
        return "ᵀ"
    if isinstance(x, Row) and x.items[0] == Sign("⊙", tight=True):  # elementwise, as the shape beside it shows
        x = Row(x.items[1:])
    text = plain(x)
    return "".join(ABOVE[c] for c in text) if all(c in ABOVE for c in text) else f"^{_whole(x)}"


def _row(x: Row) -> str:
    """Items in a line; a product of short factors is written without a dot."""
    texts = [plain(item) for item in x.items]
    for i, item in enumerate(x.items):
        if isinstance(item, Times) and not item.dot and 0 < i < len(texts) - 1:
            texts[i] = _between(x.items[i - 1], x.items[i + 1])
            if isinstance(x.items[i - 1], Fraction):
                texts[i - 1] = f"({texts[i - 1]})"
    return "".join(texts)


def _between(left: Layout, right: Layout) -> str:
    """What stands between two factors: nothing where both are short, a space before a function or a sum, else a dot."""
    first = end(right, 0)
    if isinstance(left, Lowered) and left.under:
        return " "
    if isinstance(first, Word | Sigma) and first not in REPEATED:
        return " "
    if isinstance(first, Fence) and first.left == "[" and not isinstance(end(left, -1), Digits):
        return "·"  # x[x > 0] would read as a part of x
    return "" if _is_short(end(left, -1)) and _is_short(first) else "·"


def _is_short(x: Layout) -> bool:
    """Whether a factor is one letter, a number, or something in brackets."""
    return len(x.text) == 1 and _is_lowered(x) if isinstance(x, Symbol) else isinstance(x, Digits | Fence)


def _whole(x: Layout, below: bool = False) -> str:
    """A part that a slash or an exponent belongs to, in parentheses where it could be misread."""
    text = plain(x)
    if isinstance(x, Row) and any(isinstance(item, Sign | Sigma) and not getattr(item, "tight", False) for item in x.items):
        return f"({text})"
    if isinstance(x, Sigma | Fraction) or (below and isinstance(x, Row) and any(isinstance(item, Times) for item in x.items)):
        return f"({text})"
    return text
