"""Graphs on other engines; each bridge is imported where it is asked for."""

from importlib import import_module
from typing import Any

BRIDGES = ("jax", "onnx")


def __getattr__(name: str) -> Any:
    if name in BRIDGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"tg.bridges has no {name}: there are {', '.join(BRIDGES)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *BRIDGES})
