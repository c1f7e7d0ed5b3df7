"""The twins' names for Keras' variables: `h.0.attn.c_attn.weight` (3C, C) is the transpose of a kernel (C, 3C)."""

import numpy as np

WORDS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "embeddings": "weight"}  # the others are the twins' own


def key_of(path):
    """`gpt/h.0/attn/c_attn/kernel` as the twins write it; layers have their names all the way down."""
    *layers, last = path.removeprefix("gpt/").split("/")
    return ".".join([*layers, WORDS.get(last, last)])


class Parameter:
    """A variable as the twins see it: their key, their layout, their word for being trained."""

    def __init__(self, variable):
        self.variable, self.key, self.dtype = variable, key_of(variable.path), variable.dtype
        self.transposed = variable.name in ("kernel", "lora_A", "lora_B")
        self.shape = variable.shape[::-1] if self.transposed else variable.shape

    @property
    def requires_grad(self):
        return self.variable.trainable

    def turned(self, array):
        """From Keras' layout to ours, or back."""
        return np.ascontiguousarray(np.asarray(array).T if self.transposed else array)

    def assign(self, array):
        self.variable.assign(self.turned(array))
