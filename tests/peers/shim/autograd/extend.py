"""`autograd.extend`: rules for primitives, `maker(ans, *args)(g)` an argument."""

from autograd.tracer import primitive, primitive_vjps  # noqa: F401


def defvjp(called, *makers, argnums=None):
    numbers = range(len(makers)) if argnums is None else argnums
    primitive_vjps.setdefault(called, {}).update(zip(numbers, makers, strict=True))
