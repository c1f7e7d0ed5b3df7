"""What a block is made of: Keras' Dense, LayerNormalization and Dropout, put together as in GPT-2.

Nobody hands on `training`: Keras does, from the model's call to every layer within.
"""

import math

import tensorflow as tf
from keras import layers, ops

from tensorflow_gpt.parameters import Parameter

EPSILON = 1e-5  # of LayerNormalization; Keras' own default is 1e-3


def gelu(x):
    """The tanh form, as a sigmoid: (1 + tanh u) / 2 = σ(2u).

    keras.activations.gelu(x, approximate=True) rounds 0.044715 to float32 even where x is float64.
    """
    return x * ops.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


class Dropout(layers.Dropout):
    """Keras' own, and the NumPy generator that chooses its seed before each step of `train`.

    So a run that is taken up again drops what it would have dropped. The masks are TensorFlow's, not those of the twins.
    """

    def __init__(self, rate, rng, **kwargs):
        super().__init__(rate, seed=0, **kwargs)
        self.rng = rng


class Dense(layers.Dense):
    """Keras' own, of zeros, which may get a branch: y + alpha / rank · dropout(x) A B, with A, B thin (Hu et al. 2021).

    Dense.enable_lora, which Keras has, keeps A and B in float32 and knows no dropout.
    """

    rank, merged = 0, False  # no branch

    def __init__(self, units, **kwargs):
        super().__init__(units, kernel_initializer="zeros", **kwargs)

    def add_branch(self, rank, alpha, dropout, rng):
        """A is uniform within ±1/√in, B zero."""
        in_features, out_features = self.kernel.shape
        bound = 1 / math.sqrt(in_features)
        A = rng.uniform(-bound, bound, (rank, in_features)).T
        self._tracker.unlock()  # Keras closes the list of what a layer is made of once it is built
        self.rank, self.alpha, self.dropout = rank, alpha, Dropout(dropout, rng, dtype=self.dtype)
        self.lora_A = self.add_weight(name="lora_A", shape=A.shape, initializer=A)
        self.lora_B = self.add_weight(name="lora_B", shape=(rank, out_features), initializer="zeros")
        self._tracker.lock()

    def call(self, x):
        y = super().call(x)
        if self.merged or not self.rank:
            return y
        return y + self.alpha / self.rank * (self.dropout(x) @ self.lora_A @ self.lora_B)

    @property
    def weight(self):
        """The kernel as the twins see it."""
        return Parameter(self.kernel)


class CausalSelfAttention(layers.Layer):
    """Every position asks all positions up to its own what they know."""

    def __init__(self, config, rng, dtype, name):
        super().__init__(dtype=dtype, name=name)
        self.n_heads, self.head_dim = config.n_heads, config.head_dim
        self.c_attn = Dense(3 * config.emb_dim, use_bias=config.qkv_bias, dtype=dtype, name="c_attn")
        self.attn_dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="attn_dropout")
        self.c_proj = Dense(config.emb_dim, dtype=dtype, name="c_proj")
        self.resid_dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="resid_dropout")

    def call(self, x):
        B, T, C = ops.shape(x)
        qkv = ops.reshape(self.c_attn(x), (B, T, 3, self.n_heads, self.head_dim))
        q, k, v = ops.unstack(qkv, axis=2)
        scores = ops.einsum("bthd,bshd->bhts", q, k) / math.sqrt(self.head_dim)
        visible = ops.tril(ops.ones((T, T), "bool"))
        p = tf.nn.softmax(ops.where(visible, scores, -math.inf))  # Keras' own warns of a sequence of one token
        context = ops.einsum("bhts,bshd->bthd", self.attn_dropout(p), v)
        return self.resid_dropout(self.c_proj(ops.reshape(context, (B, T, C))))


class FeedForward(layers.Layer):
    """Each position on its own, four times as wide inside."""

    def __init__(self, config, rng, dtype, name):
        super().__init__(dtype=dtype, name=name)
        self.c_fc = Dense(4 * config.emb_dim, dtype=dtype, name="c_fc")
        self.c_proj = Dense(config.emb_dim, dtype=dtype, name="c_proj")
        self.dropout = Dropout(config.drop_rate, rng, dtype=dtype, name="dropout")

    def call(self, x):
        return self.dropout(self.c_proj(gelu(self.c_fc(x))))


class TransformerBlock(layers.Layer):
    """LayerNormalization before attention and before feed-forward; each adds to its input."""

    def __init__(self, config, rng, dtype, name):
        super().__init__(dtype=dtype, name=name)
        self.ln_1 = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_1")
        self.attn = CausalSelfAttention(config, rng, dtype=dtype, name="attn")
        self.ln_2 = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_2")
        self.mlp = FeedForward(config, rng, dtype=dtype, name="mlp")

    def call(self, x):
        x += self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))
