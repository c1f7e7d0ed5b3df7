"""FeedForward, TransformerBlock: attention mixes positions, feed-forward works on each
alone."""

import numpy as np

from shared_gpt.config import GPTConfig
from torch_gpt.attention import MultiHeadAttention
from torch_gpt.kv_cache import LayerCache
from torch_gpt.layers import GELU, Dropout, LayerNorm, Linear
from torch_gpt.module import Module
from torch_gpt.shapes import Array, DType, Float, Int, float32


class FeedForward(Module):
    """y = dropout(c_proj(gelu(c_fc(x)))), four times as wide inside."""

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: DType = float32):
        super().__init__()
        self.c_fc = Linear(config.emb_dim, 4 * config.emb_dim, dtype=dtype)
        self.gelu = GELU()
        self.c_proj = Linear(4 * config.emb_dim, config.emb_dim, dtype=dtype)
        self.dropout = Dropout(config.drop_rate, rng)

    def forward(self, x: Float[Array, "B T C"]) -> Float[Array, "B T C"]:
        x = self.c_fc(x)  # (B, T, F)
        x = self.gelu(x)  # (B, T, F)
        x = self.c_proj(x)  # (B, T, C)
        return self.dropout(x)


class TransformerBlock(Module):
    """x = x + attn(ln_1(x)), then x = x + mlp(ln_2(x)): pre-norm, as in GPT-2.

    Source: Radford et al. 2019, section 2.3.
    """

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: DType = float32):
        super().__init__()
        self.ln_1 = LayerNorm(config.emb_dim, dtype=dtype)
        self.attn = MultiHeadAttention(config, rng, dtype)
        self.ln_2 = LayerNorm(config.emb_dim, dtype=dtype)
        self.mlp = FeedForward(config, rng, dtype)

    def forward(
        self,
        x: Float[Array, "B T C"],
        cache: LayerCache | None = None,
        padding: Int[Array, " B"] | None = None,
    ) -> Float[Array, "B T C"]:
        x = x + self.attn(self.ln_1(x), cache, padding)
        x = x + self.mlp(self.ln_2(x))
        return x
