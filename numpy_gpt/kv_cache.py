"""KVCache: the keys and values of the tokens already seen, so that generation computes each only once."""

import numpy as np

from numpy_gpt.config import GPTConfig
from numpy_gpt.shapes import Array, DType, Float, float32


class LayerCache:
    """Keys and values of one attention layer, in arrays (B, H, context_length, D) allocated once and filled from the left."""

    def __init__(self, config: GPTConfig, batch_size: int, dtype: DType = float32):
        shape = (batch_size, config.n_heads, config.context_length, config.head_dim)
        self.keys = np.zeros(shape, dtype)
        self.values = np.zeros(shape, dtype)
        self.length = 0

    def append(
        self, k: Float[Array, "B H T D"], v: Float[Array, "B H T D"]
    ) -> tuple[Float[Array, "B H S D"], Float[Array, "B H S D"]]:
        """Add T positions; all S keys and values so far, as views."""
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end] = k
        self.values[:, :, self.length : end] = v
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class KVCache:
    """One LayerCache for each block of a model; `cache[i]` serves block i. Memory: 2 · n_layers · B · context_length · C numbers."""

    def __init__(self, config: GPTConfig, batch_size: int, dtype: DType = float32):
        self.layers = [LayerCache(config, batch_size, dtype) for _ in range(config.n_layers)]

    def __getitem__(self, index: int) -> LayerCache:
        return self.layers[index]

    @property
    def length(self) -> int:
        """How many positions are cached."""
        return self.layers[0].length

    def reset(self) -> None:
        """Forget all positions and keep the memory."""
        for layer in self.layers:
            layer.length = 0
