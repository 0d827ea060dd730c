"""Colours: what each kind of card and edge looks like in light and in dark, and the style sheet that switches between them."""

from __future__ import annotations

from typing import NamedTuple


class Paint(NamedTuple):
    """The line and the surface of one kind of card."""

    line: str
    fill: str


class Theme(NamedTuple):
    """One palette; each pair of text and surface has a contrast of at least 4.5 to 1.

    No two colours of LIGHT are the same, because `auto` exchanges each for the dark one by its value.
    """

    text: str
    weak: str
    red: str
    good: str
    page: str
    cluster: Paint
    kinds: dict[str, Paint]


LIGHT = Theme(
    text="#1b1f24",
    weak="#57606a",
    red="#b3261e",
    good="#0f6b2f",
    page="#ffffff",
    cluster=Paint("#c5ccd3", "#f6f8fa"),
    kinds={
        "input": Paint("#57606b", "#eef0f3"),
        "parameter": Paint("#0a4b8c", "#ddf0ff"),
        "op": Paint("#7a5b00", "#fff4cc"),
        "module": Paint("#7a5b01", "#fff4cd"),
        "loss": Paint("#8a1152", "#fde7f3"),
    },
)
DARK = Theme(
    text="#e6edf3",
    weak="#9da7b1",
    red="#ff8a80",
    good="#7ee2a0",
    page="#0d1117",
    cluster=Paint("#3d444d", "#161b22"),
    kinds={
        "input": Paint("#8b949e", "#21262d"),
        "parameter": Paint("#79c0ff", "#0c2d4f"),
        "op": Paint("#e3b341", "#3a2d0c"),
        "module": Paint("#e3b341", "#3a2d0d"),
        "loss": Paint("#ff9bce", "#42142f"),
    },
)
THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK}
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def style_sheet(theme: str) -> str:
    """The rules for one picture: those of its palette, and for `auto` those of the dark one where the reader prefers it."""
    base = f"svg.tinygraph text {{ font-family: {FONT}; }}"
    if theme != "auto":
        return base
    return f"{base}\n@media (prefers-color-scheme: dark) {{\n{_dark_rules()}\n}}"


def _dark_rules() -> str:
    """Exchange each colour of the light palette for its dark one, wherever the picture has it."""
    pairs = [(LIGHT.text, DARK.text), (LIGHT.weak, DARK.weak), (LIGHT.red, DARK.red), (LIGHT.good, DARK.good), *_paints()]
    rules = []
    for light, dark in dict(pairs).items():
        rules.append(f'svg.tinygraph [fill="{light}"] {{ fill: {dark}; }}')
        rules.append(f'svg.tinygraph [stroke="{light}"] {{ stroke: {dark}; }}')
    return "\n".join(rules)


def _paints() -> list[tuple[str, str]]:
    paints = [(LIGHT.cluster, DARK.cluster), *((paint, DARK.kinds[kind]) for kind, paint in LIGHT.kinds.items())]
    return [pair for light, dark in paints for pair in ((light.line, dark.line), (light.fill, dark.fill))]
