"""The multilayer perceptron as a classifier: its last layer gives K logits, whose loss is that of softmax regression.

`python -m models.mlp_classifier` fits it to two moons.
"""

from models.multilayer_perceptron import forward, parameters
from models.softmax_regression import loss, probabilities, textbook_loss

__all__ = ["forward", "loss", "parameters", "probabilities", "textbook_loss"]

if __name__ == "__main__":
    from models.extras import main

    main("MLPClassifier")
