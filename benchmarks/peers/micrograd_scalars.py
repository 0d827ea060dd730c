"""micrograd's two-moons demo, as its notebook has it."""

from micrograd.nn import MLP

from benchmarks import data


def moons():
    X, y = data.moons()
    model = MLP(2, [16, 16, 1])

    def step():
        scores = [model(row) for row in X]
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        return total.data

    return step


WORKLOADS = data.moons_workloads(moons)
