"""Other libraries as engines that `tg.compare_engines` takes."""


class MicrogradEngine:
    OPS = {
        "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y,
        "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y,
        "power": lambda x, n: x**n,
        "negative": lambda x: -x,
        "relu": lambda x: x.relu(),
    }

    def leaf(self, array):
        from micrograd.engine import Value

        return Value(float(array))

    def apply(self, op_name, *inputs):
        return self.OPS[op_name](*inputs)

    def value(self, x):
        return x.data

    def backward(self, output):
        values = [output]
        for x in values:  # grows as it is walked
            x.grad = 0
            values += [y for y in x._prev if y not in values]
        output.backward()

    def gradient(self, x):
        return x.grad


class TorchEngine:
    def __init__(self):
        self.tensors = []

    def leaf(self, array):
        import torch

        tensor = torch.tensor(array)
        return self.kept(tensor.requires_grad_(tensor.is_floating_point()))

    def kept(self, tensor):
        if tensor.requires_grad:
            tensor.retain_grad()
            self.tensors.append(tensor)
        return tensor

    def apply(self, op_name, *inputs, axis=None, keepdims=False):
        import torch

        function = getattr(torch, {"power": "pow", "transpose": "t"}.get(op_name, op_name))
        return self.kept(function(*inputs) if axis is None else function(*inputs, dim=axis, keepdim=keepdims))

    def value(self, x):
        return x.detach().numpy()

    def backward(self, output):
        for tensor in self.tensors:
            tensor.grad = None
        output.backward(retain_graph=True)

    def gradient(self, x):
        return None if x.grad is None else x.grad.numpy()
