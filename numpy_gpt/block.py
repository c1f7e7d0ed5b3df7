"""FeedForward, TransformerBlock: attention mixes positions, feed-forward works on each
alone."""

import numpy as np

from numpy_gpt.attention import MultiHeadAttention
from numpy_gpt.kv_cache import LayerCache
from numpy_gpt.layers import GELU, Dropout, LayerNorm, Linear
from numpy_gpt.module import Module
from numpy_gpt.shapes import Array, DType, Float, Int, float32
from shared_gpt.config import GPTConfig


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

    def backward(self, dy: Float[Array, "B T C"]) -> Float[Array, "B T C"]:
        dx = self.dropout.backward(dy)  # (B, T, C)  forward: dropout(x)
        dx = self.c_proj.backward(dx)  # (B, T, F)  forward: x = c_proj(x)
        dx = self.gelu.backward(dx)  # (B, T, F)  forward: x = gelu(x)
        return self.c_fc.backward(dx)  # (B, T, C)  forward: x = c_fc(x)


class TransformerBlock(Module):
    """x = x + attn(ln_1(x)), then x = x + mlp(ln_2(x)): pre-norm, as in GPT-2.

    Backward: y = x + f(x) gives dx = dy + f_backward(dy). The first summand is why deep stacks
    learn: dy reaches every block undiminished. Source: Radford et al. 2019, section 2.3.
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

    def backward(self, dy: Float[Array, "B T C"]) -> Float[Array, "B T C"]:
        dx = dy + self.ln_2.backward(self.mlp.backward(dy))  # forward: x = x + mlp(ln_2(x))
        dx = dx + self.ln_1.backward(self.attn.backward(dx))  # forward: x = x + attn(ln_1(x))
        return dx
