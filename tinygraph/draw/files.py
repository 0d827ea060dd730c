"""Files by suffix: what is saved, and the packages that write what tinygraph and its layout engine do not."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from tinygraph.draw.choice import one_of
from tinygraph.draw.svg import NAMESPACE

Saved = TypeVar("Saved")
Writers = Mapping[str, Callable[[Saved], str | bytes]]  # by suffix
PAGES = (".html", ".htm")

# By what each suffix is written, by the names of modules and of packages: those of the extra `export`.
RESVG = {"resvg_py": "resvg-py"}
PACKAGES = {".png": RESVG, ".pdf": {"cairosvg": "cairosvg"}, ".gif": RESVG | {"PIL": "pillow"}}
OTHERWISE = {".pdf": "; or install Graphviz (`apt-get install graphviz`, `brew install graphviz`), unless it is tall"}
# resvg takes no other font where those of a picture are missing: the first of these that is there stands for them.
FAMILIES = ("Helvetica", "Arial", "Liberation Sans", "Nimbus Sans", "FreeSans", "Noto Sans", "DejaVu Sans")
COLOURS = 128  # of a GIF: those that cover most of it, exactly


def save(what: Saved, path: str | Path, writers: Writers[Saved]) -> Path:
    """Write a file by the writer of its suffix; raises ValueError for another suffix, with a list of those that there are."""
    path = Path(path)
    content = writers[one_of("the file's ending", path.suffix.lower(), tuple(writers))](what)
    path.write_bytes(content.encode(errors="replace") if isinstance(content, str) else content)
    return path


def packages(suffix: str) -> list[Any]:
    """The modules that write a suffix; raises ImportError, with the line that installs them, where one is missing."""
    try:
        return [import_module(module) for module in PACKAGES[suffix]]
    except ImportError as error:
        needed = f'{" and ".join(PACKAGES[suffix].values())}: pip install "tinygraph-autodiff[export]"'
        raise ImportError(f"{suffix} needs {needed}{OTHERWISE.get(suffix, '')}") from error


def pdf(svg: str) -> bytes:
    """A picture as a PDF of one page."""
    try:
        (cairosvg,) = packages(".pdf")
    except OSError as error:  # cairosvg is there, and what it draws with is not
        cairo = "the library cairo: `apt-get install libcairo2`, `brew install cairo`"
        raise ImportError(f".pdf needs {cairo}{OTHERWISE['.pdf']}") from error
    content: bytes = cairosvg.svg2pdf(bytestring=svg.encode())
    return content


def gif(frames: Iterable[tuple[str, int]]) -> bytes:
    """Pictures of one size, each with its milliseconds, as a GIF that starts again at its end."""
    packages(".gif")
    from PIL import Image

    pngs, times = zip(*((png(svg), time) for svg, time in frames), strict=True)
    images = [Image.open(io.BytesIO(png)) for png in pngs]  # decoded one at a time
    shown = Counter[Any]()
    for image in (images[0], images[-1]):  # the frames between have no other colours
        shown.update({colour: count for count, colour in image.convert("RGB").getcolors(image.width * image.height) or ()})
    colours = Image.new("P", (1, 1))
    colours.putpalette([level for colour, _ in shown.most_common(COLOURS) for level in colour])
    first, *others = (x.convert("RGB").quantize(palette=colours, dither=Image.Dither.NONE) for x in images)
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=times, loop=0, optimize=True)
    return content.getvalue()


def png(svg: str) -> bytes:
    """A picture as a PNG, one pixel for each point."""
    (resvg,) = packages(".png")
    content: bytes = resvg.svg_to_bytes(svg_string=svg, sans_serif_family=font())
    return content


@cache
def font() -> str:
    """The font that stands for those of a picture; raises OSError where there is none, since its letters would be left out."""
    (resvg,) = packages(".png")
    letter = f'<svg xmlns="{NAMESPACE}" width="9" height="9"><text y="9" font-family="sans-serif">{{}}</text></svg>'
    empty = resvg.svg_to_bytes(svg_string=letter.format(""))
    for family in FAMILIES:
        if resvg.svg_to_bytes(svg_string=letter.format("x"), sans_serif_family=family) != empty:
            return family
    raise OSError(f"a bitmap needs a font, such as {FAMILIES[-1]}: `apt-get install fonts-dejavu`")
