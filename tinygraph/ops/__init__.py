"""Every primitive, one declaration each; `tinygraph.ops.declare` says how."""

from tinygraph.ops.activations import log_softmax, relu, sigmoid, softmax, softplus
from tinygraph.ops.declare import BINARY, REGISTRY, UNARY, Op, op
from tinygraph.ops.elementwise import (
    abs,
    add,
    divide,
    exp,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    round,
    sign,
    sqrt,
    square,
    subtract,
    tanh,
)
from tinygraph.ops.likes import (
    ARRAY,
    alias,
    broadcast_like,
    cast,
    cast_like,
    count,
    getitem,
    index,
    one_hot_like,
    reshape_like,
    scatter_like,
    stop_gradient,
    sum_like,
)
from tinygraph.ops.linear_algebra import matmul
from tinygraph.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygraph.ops.numpy_functions import call_function, call_ufunc
from tinygraph.ops.reductions import logsumexp, max, mean, min, sum
from tinygraph.ops.selection import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from tinygraph.ops.shapes import broadcast_to, concatenate, expand_dims, part_like, reshape, squeeze, stack, transpose
