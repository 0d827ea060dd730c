"""The inputs at which every op is held to its contract; an op without an entry here fails the contract."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygraph.ops import ARRAY, REGISTRY, Op
from tinygraph.ops.shapes import PADDINGS


class Case(NamedTuple):
    op: Op
    arguments: tuple[Any, ...]
    params: dict[str, Any]
    note: str

    def __str__(self) -> str:
        return f"{self.op.name} {self.note}"


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    """Numbers that are the same for the same shape, nowhere near each other's ties nor near 0."""
    size = int(np.prod(shape))
    order = np.random.default_rng(size).permutation(size)
    values = low + (high - low) * (order + 0.37) / max(size, 1)
    return values.reshape(shape)[()]


def positive(*shape: int) -> Any:
    return real(*shape, low=0.2, high=1.8)


def probability(*shape: int) -> Any:
    return real(*shape, low=0.1, high=0.9)


UNARY_SHAPES: list[tuple[int, ...]] = [(), (1,), (0,), (2, 3), (2, 0, 3)]
BINARY_SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((1,), (1,)),
    ((0,), (0,)),
    ((2, 3), (2, 3)),
    ((2, 1), (3,)),
    ((), (2,)),
    ((3, 1, 2), (4, 1)),
    ((1, 0), (3, 1)),
]

# Ops whose NumPy function is not analytic (it branches, compares or takes |x|): differences are their oracle.
NOT_ANALYTIC = {
    "abs", "maximum", "minimum", "where", "sigmoid", "relu", "softplus", "softmax", "log_softmax", "logsumexp", "max", "min",
    "cast", "cast_like", "clip", "var", "remainder", "fmod", "logaddexp", "logaddexp2", "arctan2", "hypot", "cbrt", "rad2deg",
    "deg2rad", "std", "sort", "sinc", "take_along_axis", "sum_padding_like", "recurrence", "sum_repeats_like", "sum_taken_like",
    "on_diagonal_like", "median", "log_abs_det", "cholesky", "det", "exp2", "binary_cross_entropy", "sinc_derivative",
    "binary_cross_entropy_with_logits", "softmax_cross_entropy", "cofactors", "cofactors_along", "direction", "deviations",
    "norm", "logsumexp_weights", "logaddexp_weight", "cosine",
    "copysign", "heaviside", "linspace", "singular_values", "left_singular_vectors", "right_singular_vectors",
    "power_less_one", "log_of_base", "ratio",
}  # fmt: skip
POSITIVE = {"log", "log1p", "log2", "log10", "sqrt", "power", "reciprocal", "cbrt"}
SMALL = {"tan", "arcsin", "arccos", "arctanh"}
# What a gradient never passes through.
NO_GRADIENT = {
    "sign", "round", "floor", "ceil", "trunc", "rint", "floor_divide", "median_weights", "sign_of_det",
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_and", "logical_or",
    "logical_not", "stop_gradient", "count", "one_hot_like", "isnan", "isinf", "isfinite", "signbit", "isclose", "all", "any",
    "count_nonzero", "argmax", "argmin", "argsort", "searchsorted",
}  # fmt: skip

REDUCED = [((), None), ((1,), 0), ((2, 3), None), ((2, 3), 0), ((2, 3), -1), ((2, 3, 4), (0, 2)), ((3, 1), (0, 1))]
LABELS = np.array([2, 0])
ONE_HOT = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
A = (ARRAY,)
FACTORS = [real(4), real(2, 3), real(1), np.array([2.0, 0.0, 3.0]), np.array([[0.0, 2.0], [0.0, 0.0], [1.0, 3.0]])]
REGULAR = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.6], [-0.2, 0.5, 1.8]])
STACK = np.stack([REGULAR, REGULAR.T + 0.2])
SINGULAR = [  # of every rank below the full one
    np.zeros((1, 1)), np.zeros((3, 3)), np.ones((3, 3)), np.arange(9.0).reshape(3, 3), np.diag([1.0, 0, 0, 2]),
    np.zeros((2, 2, 2)),
]  # fmt: skip

# Ops that are not simply elementwise: (arguments, params) each.
SPECIAL: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "power": [
        ((real(2, 3), 2), {}),
        ((real(2, 3), 0), {}),
        ((real(2, 3), 3.0), {}),
        ((positive(3), -0.5), {}),
        ((2.0, real(3)), {}),
        ((positive(2, 1), real(3)), {}),
        ((positive(), real()), {}),
        ((positive(0), real(0)), {}),
    ],
    "power_less_one": [
        ((positive(2, 1), real(3)), {}),
        ((positive(), real()), {}),
        ((positive(0), real(0)), {}),
        ((np.array([0.0, 0.5, -1.5]), 3.0), {}),
    ],
    "log_of_base": [((positive(2, 1), real(3)), {}), ((positive(), real()), {}), ((positive(0), real(0)), {})],
    "ratio": [((real(2, 1), positive(3)), {}), ((real(), positive()), {}), ((real(0), positive(0)), {})],
    "where": [
        ((np.array([True, False, True]), real(2, 3), real(3)), {}),
        ((np.array([[True], [False]]), real(3), real()), {}),
        ((np.bool_(True), real(), real()), {}),
        ((np.zeros(0, bool), real(0), real(0)), {}),
    ],
    "round": [((real(3),), {"decimals": 1})],
    "sinc_derivative": [((real(*s),), {"order": n}) for s in UNARY_SHAPES for n in (1, 2)] + [((real(3) / 9,), {"order": 5})],
    "cast": [((real(2, 3),), {"dtype": np.dtype(np.float64)})],
    "broadcast_like": [((real(3), np.zeros((2, 3))), {}), ((real(), np.zeros((2,))), {}), ((real(2, 1), np.zeros((2, 0))), {})],
    "broadcast_with": [((real(3), np.zeros((2, 1))), {}), ((real(2, 1), np.zeros((1, 3)), np.zeros((4, 1, 1))), {})]
    + [((real(), np.zeros(())), {}), ((real(2, 3),), {})],
    "sum_like": [((real(2, 3), np.zeros(s)), {}) for s in [(3,), (2, 1), (), (1, 1), (2, 3)]]
    + [((real(0, 3), np.zeros(3)), {})],
    "reshape_like": [((real(2, 3), np.zeros(6)), {}), ((real(), np.zeros((1, 1))), {}), ((real(0, 2), np.zeros(0)), {})],
    "cast_like": [((real(2, 3), np.zeros(2)), {}), ((real(), np.zeros(())), {})],
    "count": [((real(2, 3),), {"axis": None}), ((real(2, 3),), {"axis": (0, -1)}), ((real(),), {"axis": ()})],
    "one_hot_like": [((LABELS, np.zeros((2, 3))), {})],
    "index": [
        ((real(4, 3),), {"template": (slice(None, None, -2),)}),
        ((real(4, 3),), {"template": (Ellipsis, None, 1)}),
        ((real(4, 3),), {"template": (-1, 2)}),
        ((real(4, 3), np.array([0, 0, -1])), {"template": A}),
        ((real(4, 3), np.array([[0, 1], [3, 0]]), np.array([2, 0])), {"template": (ARRAY, ARRAY)}),
        ((real(4, 3), np.array([2, 2])), {"template": (slice(1, 3), ARRAY)}),
        ((real(4, 3), np.array([True, False, True, True])), {"template": A}),
        ((real(2, 2), np.array([[True, False], [True, True]])), {"template": A}),
        ((real(3), np.zeros(0, int)), {"template": A}),
        ((real(0, 3),), {"template": (slice(None), 1)}),
        ((real(),), {"template": (None,)}),
    ],
    "scatter_like": [
        ((real(3), np.zeros((3, 2))), {"template": (slice(None), 1)}),
        ((real(3, 2), np.zeros((2, 2)), np.array([0, 0, 1])), {"template": A}),
        ((real(2), np.zeros(3), np.array([True, False, True])), {"template": A}),
        ((real(), np.zeros(3)), {"template": (1,)}),
    ],
    "sum": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((0, 3), 0), ((0,), None)] for k in (0, 1)],
    "mean": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((0, 3), 1)] for k in (0, 1)],
    "max": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((0, 3), 1)] for k in (0, 1)],
    "min": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((0, 3), 1)] for k in (0, 1)],
    "logsumexp": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((0, 3), 1)] for k in (0, 1)],
    "logsumexp_weights": [((real(*s),), {"axis": axis}) for s, axis in [*REDUCED, ((0, 3), 1)]],
    "softmax": [((real(*s),), {"axis": a}) for s, a in [((3,), -1), ((1,), 0), ((2, 3), 0), ((2, 3), -1), ((0, 3), -1)]],
    "log_softmax": [((real(*s),), {"axis": a}) for s, a in [((3,), -1), ((1,), 0), ((2, 3), 0), ((2, 3), -1), ((0, 3), -1)]],
    "reshape": [((real(2, 3),), {"shape": s}) for s in [(3, 2), (-1,), (1, 6, 1)]]
    + [((real(),), {"shape": (1, 1)}), ((real(0, 2),), {"shape": (2, 0)}), ((real(1),), {"shape": ()})],
    "transpose": [((real(*s),), {"axes": None}) for s in [(), (2, 3), (0, 2)]]
    + [((real(2, 3, 4),), {"axes": axes}) for axes in [(1, 2, 0), (-1, 0, 1)]],
    "broadcast_to": [((real(3),), {"shape": (2, 3)}), ((real(2, 1),), {"shape": (2, 3)}), ((real(),), {"shape": (2,)})]
    + [((real(1),), {"shape": (0,)})],
    "expand_dims": [((real(2, 3),), {"axis": a}) for a in (0, -1, (0, 2))]
    + [((real(),), {"axis": 0}), ((real(0),), {"axis": 0})],
    "squeeze": [((real(1, 3, 1),), {"axis": a}) for a in (None, 0, (0, -1))] + [((real(1),), {"axis": None})],
    "concatenate": [
        ((real(2), real(3)), {"axis": 0}),
        ((real(2, 1), real(2, 2), real(2, 3)), {"axis": -1}),
        ((real(0, 2), real(1, 2)), {"axis": 0}),
        ((real(2),), {"axis": 0}),
    ],
    "part_like": [
        ((real(5), np.zeros(2), np.zeros(3)), {"position": 1, "axis": 0}),
        ((real(2, 4), np.zeros((2, 3)), np.zeros((2, 1))), {"position": 0, "axis": -1}),
    ],
    "stack": [((real(2), real(2) + 1), {"axis": 0}), ((real(2, 3), real(2, 3)), {"axis": -1}), ((real(), real()), {"axis": 0})]
    + [((real(0), real(0)), {"axis": 1})],
    "arccosh": [((real(*s, low=1.5, high=3.0),), {}) for s in UNARY_SHAPES],
    "remainder": [((real(2, 3, low=2.0, high=9.0), real(3, low=3.1, high=3.9)), {}), ((real(), 0.7), {})],
    "fmod": [((real(2, 3, low=-9.0, high=9.0), real(3, low=3.1, high=3.9)), {}), ((real(), 0.7), {})],
    "clip": [
        ((real(2, 3), -0.5, 1.0), {}),
        ((real(2, 3), real(3) - 0.4, real(2, 1) + 0.4), {}),
        ((real(3), 1.0, -0.5), {}),
        ((real(), 0.0, 1.0), {}),
        ((real(0), real(0), real(0)), {}),
    ],
    "var": [((real(*s),), {"axis": a, "keepdims": k, "ddof": d}) for s, a in REDUCED[2:] for k in (0, 1) for d in (0, 0.5)],
    "std": [((real(*s),), {"axis": a, "keepdims": k, "ddof": 0.5}) for s, a in REDUCED[2:5] for k in (0, 1)],
    "prod": [((x,), {"axis": a, "keepdims": k}) for x in FACTORS for a in range(-1, x.ndim) for k in (0, 1)],
    "product_of_others": [((x,), {"axis": a}) for x in FACTORS for a in range(-1, x.ndim)],
    "cumprod": [((x,), {"axis": a}) for x in FACTORS for a in range(-1, x.ndim)],
    "cumsum": [((x,), {"axis": a}) for x in FACTORS for a in range(-1, x.ndim)],
    "recurrence": [((x, x + 0.3), {"axis": a}) for x in FACTORS for a in range(-1, x.ndim)],
    "flip": [((real(2, 3),), {"axis": a}) for a in (None, 0, -1, (0, 1))] + [((real(),), {"axis": None})],
    "roll": [((real(2, 3),), {"shift": s, "axis": a}) for s, a in [(1, None), (-4, 1), ((1, 2), (0, 1)), ((1, 1), (0, 0))]],
    "tril": [((real(*s),), {"k": k}) for s in [(3, 3), (2, 4), (2, 3, 3), (0, 2)] for k in (0, -1, 1)],
    "triu": [((real(*s),), {"k": k}) for s in [(3, 3), (2, 4), (2, 3, 3), (0, 2)] for k in (0, -1, 1)],
    "diagonal": [((real(*s),), {"offset": k}) for s in [(3, 3), (2, 4), (4, 2)] for k in (0, -1, 1)]
    + [((real(2, 3, 3),), {"axis1": -1, "axis2": 1}), ((real(0, 0),), {})],
    "on_diagonal_like": [((real(3), np.zeros((3, 3))), {}), ((real(2), np.zeros((3, 3))), {"offset": -1})]
    + [((real(2, 3), np.zeros((3, 2, 3))), {"axis1": 0, "axis2": 2})],
    "diagonal_matrix": [((real(3),), {"k": k}) for k in (0, -1, 2)] + [((real(0),), {"k": 0})],
    "tile": [((real(2, 3),), {"reps": r}) for r in (2, (2, 1), (3, 1, 2), (0,))] + [((real(),), {"reps": 2})],
    "sum_tiles_like": [((real(4, 6), np.zeros((2, 3))), {"reps": (2, 2)}), ((real(2, 6), np.zeros(3)), {"reps": (2, 2)})],
    "repeat": [((real(2, 3),), {"repeats": r, "axis": a}) for r, a in [(2, 0), ((1, 0, 3), -1), (0, 1)]],
    "sum_repeats_like": [((real(4, 3), np.zeros((2, 3))), {"repeats": 2, "axis": 0})],
    "pad": [((real(3, 4),), {"pad_width": w, "mode": m}) for w in (1, [[0, 2], [1, 0]]) for m in sorted(PADDINGS)]
    + [((real(),), {"pad_width": 1})],
    "sum_padding_like": [((real(5), np.zeros(3)), {"pad_width": 1, "mode": m}) for m in sorted(PADDINGS)],
    "merge_pairs": [((real(2, 3),), {}), ((real(2, 3, 1, 2),), {}), ((real(0, 2),), {})],
    "median": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in [*REDUCED, ((3, 0), 0)] for k in (0, 1)],
    "median_weights": [((real(4),), {"axis": None}), ((real(2, 3),), {"axis": (0, 1)}), ((real(2, 3),), {"axis": -1})],
    "section": [((real(2, 5),), {"sections": 3, "position": p, "axis": -1}) for p in (0, 1, -1)]
    + [((real(4),), {"sections": 2, "position": 1, "equal": True})],
    "on_section_like": [((real(2, 1), np.zeros((2, 5))), {"sections": 3, "position": p, "axis": 1}) for p in (2, -1)],
    "sort": [((real(2, 3),), {"axis": a}) for a in (0, -1)] + [((real(0),), {"axis": 0})],
    "all": [((np.array([[1.0, 0.0], [2.0, 3.0]]),), {"axis": a, "keepdims": k}) for a in (None, 1, (0, 1)) for k in (0, 1)],
    "any": [((np.array([[0.0, 0.0], [2.0, 0.0]]),), {"axis": a, "keepdims": k}) for a in (None, 1, (0, 1)) for k in (0, 1)],
    "count_nonzero": [((np.array([[0.0, 1.0], [2.0, 3.0]]),), {"axis": a, "keepdims": k}) for a in (None, 0) for k in (0, 1)],
    "argmax": [((real(2, 3),), {"axis": a, "keepdims": k}) for a in (None, 0, -1) for k in (0, 1)],
    "argmin": [((real(2, 3),), {"axis": a, "keepdims": k}) for a in (None, 0, -1) for k in (0, 1)],
    "argsort": [((real(2, 3),), {"axis": a}) for a in (None, 0, -1)] + [((real(0),), {"stable": True})],
    "searchsorted": [((np.arange(3.0), real(2, 3)), {"side": s}) for s in ("left", "right")] + [((np.arange(3.0), 1.0), {})],
    "take_along_axis": [((real(2, 3), np.array([[0, 0], [2, 1]])), {"axis": 1}), ((real(3), np.array([1, 1])), {"axis": -1})]
    + [((real(1, 3), np.array([[0], [2], [2]])), {"axis": 1}), ((real(4, 3), np.array([[2, 1]])), {"axis": -1})],
    "sum_taken_like": [((real(2, 2), np.zeros((2, 3)), np.array([[0, 0], [2, 1]])), {"axis": 1})],
    "cross": [((real(*a), real(*b) + 0.5), {}) for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((0, 3), (3,))]],
    "einsum": [
        ((real(2, 3), real(3, 4)), {"subscripts": "ij,jk->ik"}),
        ((real(2, 3),), {"subscripts": "ij->j"}),
        ((real(2, 3),), {"subscripts": "ij->ji"}),
        ((real(2, 3),), {"subscripts": "ij->"}),
        ((real(2, 3), real(4)), {"subscripts": "ij,k->ki"}),
        ((real(2, 3), real(3), real(2, 3)), {"subscripts": "ij,j,ij->i"}),
        ((real(2, 3), real(3, 4), real(4)), {"subscripts": "ij,jk,k->i", "optimize": True}),
        ((real(0, 3), real(3)), {"subscripts": "ij,j->i"}),
        ((real(), real(2)), {"subscripts": ",i->i"}),
    ],
    "heaviside": [((real(2, 3), real(3)), {}), ((np.array([0.0, 1.0, -2.0]), real(3)), {}), ((0.0, real(2)), {})]
    + [((real(), real()), {}), ((real(0), real(0)), {})],
    "copysign": [((real(2, 3), real(3) + 0.01), {}), ((real(2, 3), -0.7), {}), ((real(), real()), {}), ((real(0), real(0)), {})],
    "linspace": [
        ((real(), real() + 3), {"num": 4}),
        ((real(2), real() + 3), {"num": 3}),
        ((real(3), real(2, 1) + 3), {"num": 1}),
        ((real(), real(2) + 3), {"num": 0}),
        ((real(2), real(2) + 3), {"num": 3, "endpoint": True, "axis": -1}),
        ((real(2), real(2) + 3), {"num": 3, "endpoint": False, "axis": -1}),
    ],
    **{name: [((REGULAR,), {}), ((REGULAR[:2],), {}), ((REGULAR[:, :2],), {}), ((STACK,), {}), ((real(1, 1),), {})]
       for name in ("singular_values", "left_singular_vectors", "right_singular_vectors")},
    "solve": [((REGULAR, real(3)), {}), ((REGULAR, real(3, 2)), {}), ((STACK, real(2, 3, 2)), {}), ((STACK, real(3)), {})]
    + [((REGULAR, real(2, 3, 2)), {})],
    "inv": [((REGULAR,), {}), ((STACK,), {}), ((real(1, 1),), {}), ((real(0, 0),), {})],
    "det": [((A,), {}) for A in [REGULAR, STACK, real(1, 1), real(0, 0), *SINGULAR]],
    "cofactors": [((A,), {}) for A in [REGULAR, STACK, real(1, 1), real(0, 0)]],
    "cofactors_along": [((real(*A.shape, low=0.2, high=0.5), A), {}) for A in [REGULAR, STACK, real(1, 1)]],
    "direction": [((real(*s),), {"axis": axis}) for s, axis in REDUCED[2:]],
    "deviations": [((real(*s),), {"axis": axis}) for s, axis in [*REDUCED[1:], ((0, 3), 1)]],
    "norm": [((real(*s),), {"axis": axis, "keepdims": k}) for s, axis in REDUCED[1:] for k in (0, 1)]
    + [((real(2, 3),), {"ord": p, "axis": 1}) for p in (3, 2, 1.5, -1)],
    "log_abs_det": [((REGULAR,), {}), ((STACK,), {}), ((real(1, 1),), {})],
    "sign_of_det": [((REGULAR,), {}), ((STACK,), {})],
    "cholesky": [((REGULAR @ REGULAR.T,), {}), ((STACK @ np.swapaxes(STACK, 1, 2),), {}), ((positive(1, 1),), {})],
    "outer": [((real(*a), real(*b)), {}) for a, b in [((3,), (2,)), ((3,), (3,)), ((1,), (3,)), ((3,), (1,)), ((0,), (2,))]],
    "matmul": [
        ((real(*a), real(*b)), {})
        for a, b in [
            ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((5, 1, 2, 3), (4, 3, 2)), ((1, 1), (1, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
        ]
    ],
    "binary_cross_entropy": [
        ((probability(2, 3), np.array([[0, 1, 1], [1, 0, 0]])), {"reduction": r}) for r in ("mean", "sum", "none")
    ]
    + [((probability(2), probability(2) / 2), {"reduction": "mean"}), ((probability(), 1), {"reduction": "mean"})]
    + [((probability(3), np.array([0.0, 1.0, 0.3])), {"reduction": "sum"})],
    "binary_cross_entropy_with_logits": [
        ((real(2, 3), np.array([[0, 1, 1], [1, 0, 0]])), {"reduction": r}) for r in ("mean", "sum", "none")
    ]
    + [((real(2), probability(2)), {"reduction": "mean"}), ((real(), 1), {"reduction": "mean"})]
    + [((real(3), np.array([0.0, 1.0, 0.3])), {"reduction": "sum"})],
    "softmax_cross_entropy": [((real(2, 3), y), {"reduction": r}) for y in (LABELS, ONE_HOT) for r in ("mean", "sum", "none")]
    + [((real(3), np.array(1)), {"reduction": "mean"}), ((real(3), np.array([0.2, 0.3, 0.5])), {"reduction": "none"})],
    "mean_squared_error": [((real(2, 3), positive(2, 3)), {"reduction": r}) for r in ("mean", "sum", "none")]
    + [((real(), 1), {"reduction": "mean"})],
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Every case: the special ones as listed, elementwise ops over all shapes and pairs of shapes, then other memory layouts."""
    for op in REGISTRY.values():
        if not op.built_in:
            continue
        number = positive if op.name in POSITIVE else probability if op.name in SMALL else real
        if op.name in SPECIAL:
            own = SPECIAL[op.name]
        elif len(op.arguments) == 1:
            own = [((number(*shape),), {}) for shape in UNARY_SHAPES]
        else:
            own = [((number(*left), number(*right) + 0.01), {}) for left, right in BINARY_SHAPES]
            own += [((number(2, 3), 0.7), {}), ((0.7, number(2, 3)), {})]
        for arguments, params in own:
            shapes = ", ".join(str(np.shape(x)) for x in arguments)
            yield Case(op, arguments, params, f"{shapes} {params or ''}")
        for layout, change in LAYOUTS.items():
            arguments, params = next((a, p) for a, p in own if np.ndim(a[0]) == max(np.ndim(b[0]) for b, _ in own))
            yield Case(op, tuple(map(change, arguments)), params, layout)


def reversed_strides(x: Any) -> Any:
    return np.flip(np.flip(x).copy()) if np.ndim(x) else x


LAYOUTS = {"negative strides": reversed_strides, "Fortran order": lambda x: np.asfortranarray(x) if np.ndim(x) else x}
