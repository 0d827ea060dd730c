"""tinygraph: reverse-mode autodiff in which every step can be seen."""

from typing import TYPE_CHECKING, Any

from tinygraph.calculus import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygraph.decisions import DecisionError
from tinygraph.errors import GradientError, NonFiniteError, OpError
from tinygraph.leaves import constant, parameter
from tinygraph.node import Node
from tinygraph.ops import (
    Op,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    log_softmax,
    logsumexp,
    mean_squared_error,
    op,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softplus,
    stop_gradient,
)
from tinygraph.place import Place

if TYPE_CHECKING:
    from tinygraph import bridges
    from tinygraph.check import NonFinite, check_gradients, check_op, find_nonfinite
    from tinygraph.faces import assert_gradients, compare_engines, explain, jit, ladder
    from tinygraph.graph import Graph
    from tinygraph.requested import Gradients

__version__ = "0.1.0"

__all__ = [
    "DecisionError",
    "GradientError",
    "Gradients",
    "Graph",
    "Node",
    "NonFinite",
    "NonFiniteError",
    "Op",
    "OpError",
    "Place",
    "assert_gradients",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "bridges",
    "check_gradients",
    "check_op",
    "compare_engines",
    "constant",
    "explain",
    "find_nonfinite",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "ladder",
    "log_softmax",
    "logsumexp",
    "mean_squared_error",
    "op",
    "parameter",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

# What computing a gradient does not need is loaded when it is first read.
_LATER = {
    "Graph": "graph",
    "Gradients": "requested",
    "NonFinite": "check",
    "assert_gradients": "faces",
    "check_gradients": "check",
    "check_op": "check",
    "compare_engines": "faces",
    "explain": "faces",
    "jit": "faces",
    "ladder": "faces",
    "find_nonfinite": "check",
}

if not TYPE_CHECKING:  # a type checker knows that what is not listed is not there

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "bridges":
            return import_module("tinygraph.bridges")
        if name in _LATER:
            found = globals()[name] = getattr(import_module(f"tinygraph.{_LATER[name]}"), name)
            return found
        if name.startswith("_"):  # Python asks for many of these
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tinygraph.missing import missing_function

        raise missing_function(name, __all__)

    def __dir__() -> list[str]:
        return sorted({*(name for name in globals() if name not in ("TYPE_CHECKING", "Any")), *__all__})
