"""Mistakes in numpy_gpt/layers.py: Linear and Dropout."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "dW reshaped",
        "xᵀ dy has the other shape, and a reshape makes the error message go away",
        "layers.py",
        "self.weight.accumulate(dy.T @ rows)",
        "self.weight.accumulate((rows.T @ dy).reshape(self.weight.shape))",
        "the same numbers in other places",
    ),
    Mistake(
        "db averaged",
        "the loss is a mean, but its 1/n is in dy already",
        "layers.py",
        "self.bias.accumulate(dy.sum(axis=0))",
        "self.bias.accumulate(dy.mean(axis=0))",
        "1/(B T)",
    ),
    Mistake(
        "db of one row",
        "the shape fits, and for a batch of one vector it is right",
        "layers.py",
        "self.bias.accumulate(dy.sum(axis=0))",
        "self.bias.accumulate(dy[0].copy())",
        "a missing sum over the rows",
    ),
    Mistake(
        "dropout's scale missing in backward",
        "the mask is remembered, its factor is not",
        "layers.py",
        "        return dy if keep is None else self._drop(dy, keep)",
        "        return dy if keep is None else dy * keep",
        "1 - drop_rate",
    ),
    Mistake(
        "a fresh mask in backward",
        "calling the same helper again draws again",
        "layers.py",
        "        return dy if keep is None else self._drop(dy, keep)",
        "        return dy if keep is None else self._drop(dy, self.rng.random(dy.shape, np.float32) >= self.drop_rate)",
        "another mask",
    ),
    Mistake(
        "dropout by 1 - p",
        "at test time the original dropout multiplies by 1 - p; inverted dropout divides, in training",
        "layers.py",
        "        y *= 1 / (1 - self.drop_rate)",
        "        y *= 1 - self.drop_rate\n",
        "(1 - drop_rate)²",
    ),
    Mistake(
        "dropout keeps the share p",
        "drop_rate is taken for the share that is kept",
        "layers.py",
        "np.float32) >= self.drop_rate",
        "np.float32) < self.drop_rate",
        "another mask",
    ),
    Mistake(
        "dropout in evaluation",
        "training and evaluation give the same numbers on average",
        "layers.py",
        "        if self.training and self.drop_rate > 0:\n",
        "        if self.drop_rate > 0:\n",
        "dropout that should be off",
    ),
]
