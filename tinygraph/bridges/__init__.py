"""Graphs on other engines; each bridge is imported at its first use.

>>> tg.bridges.__all__
['checkpoint', 'dask', 'jax', 'onnx']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygraph.bridges import checkpoint, dask, jax, onnx

__all__ = ["checkpoint", "dask", "jax", "onnx"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}: there are {', '.join(__all__)}")
        return import_module(f"{__name__}.{name}")

    def __dir__() -> list[str]:
        return [*globals(), *__all__]
