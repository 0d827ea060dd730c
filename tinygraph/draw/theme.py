"""The colours of cards and edges in a light and a dark theme, and the style sheet that switches between them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple


class Paint(NamedTuple):
    """The border and the background of one kind of card."""

    line: str
    fill: str


class Theme(NamedTuple):
    """One palette; each pair of text and background has a contrast of at least 4.5 to 1.

    All colours of LIGHT differ, because the theme `auto` replaces each by the dark one by its value.
    """

    text: str
    weak: str
    red: str
    good: str
    page: str
    focus: str
    highlight: str  # the background of the current step of a walk
    cluster: Paint
    kinds: dict[str, Paint]


LIGHT = Theme(
    text="#1b1f24",
    weak="#57606a",
    red="#b3261e",
    good="#0f6b2f",
    page="#ffffff",
    focus="#0969da",
    highlight="#fff1a8",
    cluster=Paint("#c5ccd3", "#f6f8fa"),
    kinds={
        "input": Paint("#57606b", "#eef0f3"),
        "parameter": Paint("#0a4b8c", "#ddf0ff"),
        "op": Paint("#7a5b00", "#fff4cc"),
        "module": Paint("#7a5b01", "#fff4cd"),
        "loss": Paint("#8a1152", "#fde7f3"),
        "failed": Paint("#b3261f", "#fff0ee"),
    },
)
DARK = Theme(
    text="#e6edf3",
    weak="#9da7b1",
    red="#ff8a80",
    good="#7ee2a0",
    page="#0d1117",
    focus="#58a6ff",
    highlight="#4d3d00",
    cluster=Paint("#3d444d", "#161b22"),
    kinds={
        "input": Paint("#8b949e", "#21262d"),
        "parameter": Paint("#79c0ff", "#0c2d4f"),
        "op": Paint("#e3b341", "#3a2d0c"),
        "module": Paint("#e3b341", "#3a2d0d"),
        "loss": Paint("#ff9bce", "#42142f"),
        "failed": Paint("#ff8a81", "#3f1512"),
    },
)
THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK}
FONT = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', 'DejaVu Sans Condensed', sans-serif"
CLASSES = ("#0a4b8c", "#c2410c", "#0f6b2f", "#8a1152", "#7a5b00", "#57606a")  # of points on a map, which is light in both themes
RAMP = ("#1f5f8f", "#3f9aa0", "#f0d27c", "#dd6a4a")  # of a map, from low to high


def style_sheet(theme: str, used: Collection[tuple[str, str]], in_page: bool = False) -> str:
    """The rules for one picture that has these fills and strokes; for `auto`, it is dark where the reader prefers dark.

    As a part of a page, the picture is dark where the page is.
    """
    base = f"svg.tinygraph text {{ font-family: {FONT}; white-space: pre; }}"
    if theme != "auto":
        return base
    if in_page:
        return f"{base}\n{_exchanged(used, lambda light, dark: f'light-dark({light}, {dark})')}"
    return f"{base}\n@media (prefers-color-scheme: dark) {{\n{_exchanged(used, lambda light, dark: dark)}\n}}"


def variables() -> str:
    """The colours of a page for its style sheet: `color-scheme` selects one of each pair."""
    names = ("text", "weak", "page", "red", "good", "focus", "highlight")
    pairs = {name: (getattr(LIGHT, name), getattr(DARK, name)) for name in names}
    pairs |= {"line": (LIGHT.cluster.line, DARK.cluster.line), "panel": (LIGHT.cluster.fill, DARK.cluster.fill)}
    for kind in ("input", "parameter", "op", "loss"):
        light, dark = LIGHT.kinds[kind], DARK.kinds[kind]
        pairs |= {kind: (light.line, dark.line), f"{kind}-fill": (light.fill, dark.fill)}
    return " ".join(f"--{name}: light-dark({light}, {dark});" for name, (light, dark) in pairs.items())


def _exchanged(used: Collection[tuple[str, str]], colour: Callable[[str, str], str]) -> str:
    """Rules that replace each colour of the light palette in this picture; other pictures keep their colours."""
    names = ("text", "weak", "red", "good", "page")
    pairs = [*((getattr(LIGHT, name), getattr(DARK, name)) for name in names), *_paints()]
    return "\n".join(
        f'svg.tinygraph-auto [{name}="{light}"] {{ {name}: {colour(light, dark)}; }}'
        for light, dark in dict(pairs).items()
        for name in ("fill", "stroke")
        if (name, light) in used
    )


def _paints() -> list[tuple[str, str]]:
    paints = [(LIGHT.cluster, DARK.cluster), *((paint, DARK.kinds[kind]) for kind, paint in LIGHT.kinds.items())]
    return [pair for light, dark in paints for pair in ((light.line, dark.line), (light.fill, dark.fill))]
