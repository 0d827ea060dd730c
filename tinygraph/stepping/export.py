"""A walk as a file: what each suffix holds."""

from __future__ import annotations

import json

from tinygraph.draw import files
from tinygraph.stepping.animation import animated, gif
from tinygraph.stepping.page import walk
from tinygraph.stepping.stepper import Stepper

WRITERS: files.Writers[Stepper] = {
    **dict.fromkeys(files.PAGES, Stepper.page),
    ".json": lambda stepper: json.dumps(walk(stepper)[0], allow_nan=False),
    ".svg": lambda stepper: animated(stepper.chapter),
    ".gif": lambda stepper: gif(stepper.chapter),
}
