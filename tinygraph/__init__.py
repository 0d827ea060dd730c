"""tinygraph: reverse-mode autodiff in which every step can be seen."""

from typing import TYPE_CHECKING, NoReturn

from tinygraph.calculus import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygraph.check import NonFinite, check_gradients, check_op, find_nonfinite
from tinygraph.decisions import DecisionError
from tinygraph.errors import GradientError, NonFiniteError, OpError
from tinygraph.faces import explain
from tinygraph.graph import Graph
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
from tinygraph.requests import Gradients

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
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "check_gradients",
    "check_op",
    "constant",
    "explain",
    "find_nonfinite",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
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

if not TYPE_CHECKING:  # a type checker knows that what is not listed is not there

    def __getattr__(name: str) -> NoReturn:
        if name.startswith("_"):  # Python asks for many of these
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tinygraph.missing import missing_function

        raise missing_function(name, __all__)
