"""The part of HIPS/autograd's interface that its own tests import, on tinygraph. Complex numbers are not supported."""

from builtins import dict, isinstance, list, tuple, type  # noqa: F401, UP029  # its tests import these names from here

import numpy as np

import tinygraph as tg
from tinygraph.tree import map_arrays


def one_argument(fun, argnum, args, kwargs):
    """`fun` as a function of the argument, or tuple of arguments, that is differentiated by; and its value."""
    numbers = (argnum,) if isinstance(argnum, int) else tuple(argnum)

    def unary(x):
        filled = list(args)
        for i, value in zip(numbers, (x,) if isinstance(argnum, int) else x, strict=True):
            filled[i] = value
        return fun(*filled, **kwargs)

    return unary, args[argnum] if isinstance(argnum, int) else tuple(args[i] for i in numbers)


def nary(operator):
    """Let an operator on functions of one argument take functions of several, as autograd does."""

    def wrapped(fun, argnum=0, *rest, **options):
        def derivative(*args, **kwargs):
            unary, x = one_argument(fun, argnum, args, kwargs)
            unary.__name__ = getattr(fun, "__name__", "function")
            return operator(unary, x, *rest, **options)

        return derivative

    return wrapped


def real_scalar(fun):
    def checked(x):
        y = fun(x)
        if np.size(y) != 1 or getattr(y, "dtype", np.dtype(float)).kind != "f":
            raise TypeError("Grad only applies to real scalar-output functions.")
        return np.reshape(y, ())  # autograd takes any array of one entry for a scalar

    return checked


def vjp_of(fun, x):
    y, pull = tg.vjp(fun, x)
    return (lambda g: pull(g)[0]), y


def ones_like(y):
    return map_arrays(lambda leaf: np.ones(np.shape(leaf), getattr(leaf, "dtype", float))[()], y)


@nary
def grad(fun, x):
    return tg.grad(real_scalar(fun))(x)


@nary
def value_and_grad(fun, x):
    return tg.value_and_grad(real_scalar(fun))(x)


@nary
def grad_and_aux(fun, x):
    return tg.grad(fun, has_aux=True)(x)


@nary
def jacobian(fun, x):
    return tg.jacobian(fun)(x)


@nary
def hessian(fun, x):
    return tg.hessian(fun)(x)


@nary
def elementwise_grad(fun, x):
    pull, y = vjp_of(fun, x)
    return pull(ones_like(y))


@nary
def deriv(fun, x):
    return tg.jvp(fun, (x,), (ones_like(x),))[1]


@nary
def make_vjp(fun, x):
    return vjp_of(fun, x)


@nary
def make_jvp(fun, x):
    return lambda v: tg.jvp(fun, (x,), (v,))


@nary
def make_hvp(fun, x):
    return lambda v: tg.hvp(fun)(x, v), None


def with_vector(operator):
    """Operators whose last argument is the vector."""

    def wrapped(fun, argnum=0):
        def product(*args, **kwargs):
            *args, vector = args
            return operator(*one_argument(fun, argnum, args, kwargs), vector)

        return product

    return wrapped


@with_vector
def hessian_tensor_product(fun, x, v):
    return tg.hvp(fun)(x, v)


@with_vector
def tensor_jacobian_product(fun, x, v):
    """The vector may have the first axes of the result alone: the rest is left over in front of the argument's axes."""
    J = tg.jacobian(fun)(x)
    return np.tensordot(v, J, axes=np.ndim(v))


hessian_vector_product = hessian_tensor_product
vector_jacobian_product = tensor_jacobian_product


def make_ggnvp(f, g=lambda x: 0.5 * np.sum(x**2, axis=-1), f_argnum=0):
    def product_of(*args, **kwargs):
        unary, x = one_argument(f, f_argnum, args, kwargs)

        def product(v):
            y, tangent = tg.jvp(unary, (x,), (v,))
            return tg.vjp(unary, x)[1](tg.hvp(lambda y: np.sum(g(y)))(y, tangent))[0]

        return product

    return product_of


def multigrad_dict(fun):
    import inspect

    signature = inspect.signature(fun)

    def gradient(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_names(named):
            again = signature.bind(*args, **kwargs)
            again.arguments.update(named)
            return fun(*again.args, **again.kwargs)

        return tg.grad(of_names)(dict(bound.arguments))

    return gradient


def grad_named(fun, argname):
    import inspect

    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def checkpoint(fun):
    return fun


def holomorphic_grad(fun):
    raise NotImplementedError("complex numbers")


def unary_to_nary(operator):
    return nary(operator)
