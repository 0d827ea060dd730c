"""Every primitive op, one declaration each; `tinygraph.ops.declare` describes how to declare one.

In a docstring's `Derivative:` line, ∂/∂x is the partial derivative of an elementwise op, written as NumPy code. For all other
ops the line gives dx, the gradient of x, where g is the upstream gradient: that of the op's result.
"""

import sys

from tinygraph import operators
from tinygraph.operators import NUMPY, UFUNCS, implements
from tinygraph.ops import rearrangements
from tinygraph.ops.activations import log_softmax, relu, sigmoid, softmax, softplus
from tinygraph.ops.arithmetic import (
    abs,
    add,
    ceil,
    clip,
    copysign,
    divide,
    floor,
    floor_divide,
    fmod,
    heaviside,
    log_of_base,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    power_less_one,
    ratio,
    remainder,
    rint,
    round,
    sign,
    subtract,
    trunc,
)
from tinygraph.ops.compositions import bitwise_and, bitwise_or, invert
from tinygraph.ops.declaration import EMPTY
from tinygraph.ops.declare import OPERATORS, REGISTRY, Op, op, rerun
from tinygraph.ops.dtypes import Dtype
from tinygraph.ops.elementary import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    cos,
    cosh,
    cosine,
    deg2rad,
    exp,
    exp2,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logaddexp_weight,
    rad2deg,
    reciprocal,
    sin,
    sinc,
    sinc_derivative,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
)
from tinygraph.ops.kinds import (
    Contraction,
    Elementwise,
    EntryByEntry,
    Kind,
    KindError,
    Letter,
    Opaque,
    Place,
    Rearrangement,
    Reduction,
    Repetition,
    Same,
    Sum,
    SumOfProducts,
)
from tinygraph.ops.likes import (
    ARRAY,
    Visited,
    alias,
    broadcast_like,
    broadcast_with,
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
    visited_axes,
)
from tinygraph.ops.linear_algebra import (
    cholesky,
    cofactors,
    cofactors_along,
    cross,
    det,
    direction,
    einsum,
    flip_last,
    inv,
    log_abs_det,
    matmul,
    norm,
    outer,
    sign_of_det,
    solve,
)
from tinygraph.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygraph.ops.numpy_functions import answers, call_function, call_ufunc, known_as, numpy_name
from tinygraph.ops.order import median, median_weights, sort, sum_taken_like, take_along_axis
from tinygraph.ops.questions import (
    all,
    any,
    argmax,
    argmin,
    argsort,
    count_nonzero,
    isclose,
    isfinite,
    isinf,
    isnan,
    searchsorted,
    signbit,
)
from tinygraph.ops.reductions import deviations, logsumexp, logsumexp_weights, max, mean, min, std, sum, var
from tinygraph.ops.scans import cumprod, cumsum, prod, product_of_others, recurrence
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
from tinygraph.ops.shapes import (
    broadcast_to,
    concatenate,
    diagonal,
    diagonal_matrix,
    expand_dims,
    flip,
    merge_pairs,
    on_diagonal_like,
    on_section_like,
    pad,
    part_like,
    repeat,
    reshape,
    roll,
    section,
    squeeze,
    stack,
    sum_padding_like,
    sum_repeats_like,
    sum_tiles_like,
    tile,
    transpose,
    tril,
    triu,
)
from tinygraph.ops.singular import left_singular_vectors, right_singular_vectors, singular_values
from tinygraph.ops.spacing import linspace

operators.ops = sys.modules[__name__]
