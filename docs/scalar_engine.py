"""An engine for scalars in forty lines: each op with its rule, and one walk from the last value to the first."""

import math

OPS = {  # the result of each op, and what it passes on to its inputs of the gradient g of its result
    "add": lambda x, y: (x + y, lambda g: (g, g)),
    "subtract": lambda x, y: (x - y, lambda g: (g, -g)),
    "multiply": lambda x, y: (x * y, lambda g: (g * y, g * x)),
    "divide": lambda x, y: (x / y, lambda g: (g / y, -g * x / y**2)),
    "power": lambda x, n: (x**n, lambda g: (g * n * x ** (n - 1),)),
    "negative": lambda x: (-x, lambda g: (-g,)),
    "exp": lambda x: (e := math.exp(x), lambda g: (g * e,)),
    "log": lambda x: (math.log(x), lambda g: (g / x,)),
    "tanh": lambda x: (a := math.tanh(x), lambda g: (g * (1 - a * a),)),
    "sigmoid": lambda x: (a := 1 / (1 + math.exp(-x)), lambda g: (g * a * (1 - a),)),
    "relu": lambda x: (max(x, 0.0), lambda g: (g * (x > 0),)),
}


class Value:
    def __init__(self, data, inputs=(), rule=None):
        self.data, self.inputs, self.rule, self.gradient = data, inputs, rule, 0.0


class ScalarEngine:
    def leaf(self, array):
        return Value(float(array))

    def apply(self, op_name, *inputs):
        inputs = [x if isinstance(x, Value) else Value(x) for x in inputs]
        data, rule = OPS[op_name](*(x.data for x in inputs))
        return Value(data, inputs, rule)

    def value(self, x):
        return x.data

    def backward(self, output):
        order = {}  # each value after its inputs

        def visit(x):
            if x not in order:
                for y in x.inputs:
                    visit(y)
                order[x] = None

        visit(output)
        for x in order:
            x.gradient = 0.0
        output.gradient = 1.0
        for x in reversed(order):
            for y, part in zip(x.inputs, x.rule(x.gradient) if x.inputs else ()):
                y.gradient += part

    def gradient(self, x):
        return x.gradient
