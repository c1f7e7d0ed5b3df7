"""What a block is made of: Keras' Dense, LayerNormalization and Dropout, put together as in GPT-2."""

import math

import numpy as np
import tensorflow as tf
from keras import KerasTensor, layers, ops

from shared_gpt.config import GPTConfig

EPSILON = 1e-5  # of LayerNormalization; Keras' own default is 1e-3


def gelu(x: KerasTensor) -> KerasTensor:
    """The tanh form, as a sigmoid: (1 + tanh u) / 2 = σ(2u).

    keras.activations.gelu(x, approximate=True) rounds 0.044715 to float32 even where x is float64.
    """
    return x * ops.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


class Dropout(layers.Dropout):
    """Keras' own; `reseed`, called before a step, has a NumPy generator choose the seed of the masks.

    So a run that is taken up again drops what it would have dropped. The masks are TensorFlow's, not those of the twins.
    """

    def __init__(self, rate: float, rng: np.random.Generator, **kwargs):
        super().__init__(rate, seed=0, **kwargs)
        self.rng = rng

    def reseed(self) -> None:
        if self.rate > 0:
            self.seed_generator.state.assign(self.rng.integers(2**32, size=2, dtype=np.uint32))


class LoRADense(layers.Layer):
    """y = base(x) + alpha / rank · B(A(dropout(x))): two thin Dense layers beside a frozen one (Hu et al. 2021).

    Dense.enable_lora, which Keras has, keeps A and B in float32 and knows no dropout.
    """

    def __init__(self, base: layers.Dense, rank: int, alpha: float, dropout: float, rng: np.random.Generator):
        super().__init__(dtype=base.dtype)
        self.base, self.rank, self.alpha, self.merged = base, rank, alpha, False
        self.lora_A = layers.Dense(rank, use_bias=False, kernel_initializer="zeros", dtype=base.dtype)
        self.lora_B = layers.Dense(base.units, use_bias=False, kernel_initializer="zeros", dtype=base.dtype)
        self.dropout = Dropout(dropout, rng, dtype=base.dtype)
        in_features = base.kernel.shape[0]
        self.lora_A.build((None, in_features))
        self.lora_B.build((None, rank))
        bound = 1 / math.sqrt(in_features)
        self.lora_A.kernel.assign(rng.uniform(-bound, bound, (rank, in_features)).T)

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        y = self.base(x)
        if self.merged:
            return y
        return y + self.alpha / self.rank * self.lora_B(self.lora_A(self.dropout(x, training=training)))

    @property
    def weight(self) -> tf.Tensor:
        """The base's kernel as the twins hold it, (out, in)."""
        return tf.transpose(self.base.kernel)

    def merge(self, sign: int) -> None:
        """Add the branch to the base's kernel (+1), or take it out again (-1)."""
        self.base.kernel.assign_add(sign * self.alpha / self.rank * (self.lora_A.kernel @ self.lora_B.kernel))
        self.merged = sign > 0


class CausalSelfAttention(layers.Layer):
    """Every position asks all positions up to its own what they know."""

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: str, name: str):
        super().__init__(dtype=dtype, name=name)
        self.n_heads, self.head_dim = config.n_heads, config.head_dim
        self.c_attn = layers.Dense(
            3 * config.emb_dim, use_bias=config.qkv_bias, kernel_initializer="zeros", dtype=dtype, name="c_attn"
        )
        self.attn_dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="attn_dropout")
        self.c_proj = layers.Dense(config.emb_dim, kernel_initializer="zeros", dtype=dtype, name="c_proj")
        self.resid_dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="resid_dropout")

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        B, T, C = ops.shape(x)
        qkv = ops.reshape(self.c_attn(x, training=training), (B, T, 3, self.n_heads, self.head_dim))
        q, k, v = ops.unstack(qkv, axis=2)
        scores = ops.einsum("bthd,bshd->bhts", q, k) / math.sqrt(self.head_dim)
        visible = ops.tril(ops.ones((T, T), "bool"))
        p = tf.nn.softmax(ops.where(visible, scores, -math.inf))  # Keras' own warns of a sequence of one token
        context = ops.einsum("bhts,bshd->bthd", self.attn_dropout(p, training=training), v)
        y = self.c_proj(ops.reshape(context, (B, T, C)), training=training)
        return self.resid_dropout(y, training=training)


class FeedForward(layers.Layer):
    """Each position on its own, four times as wide inside."""

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: str, name: str):
        super().__init__(dtype=dtype, name=name)
        self.c_fc = layers.Dense(4 * config.emb_dim, kernel_initializer="zeros", dtype=dtype, name="c_fc")
        self.c_proj = layers.Dense(config.emb_dim, kernel_initializer="zeros", dtype=dtype, name="c_proj")
        self.dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="dropout")

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        x = gelu(self.c_fc(x, training=training))
        return self.dropout(self.c_proj(x, training=training), training=training)


class TransformerBlock(layers.Layer):
    """LayerNormalization before attention and before feed-forward; each adds to its input."""

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: str, name: str):
        super().__init__(dtype=dtype, name=name)
        self.ln_1 = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_1")
        self.attn = CausalSelfAttention(config, rng, dtype=dtype, name="attn")
        self.ln_2 = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_2")
        self.mlp = FeedForward(config, rng, dtype=dtype, name="mlp")

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        x += self.attn(self.ln_1(x), training=training)
        return x + self.mlp(self.ln_2(x), training=training)
