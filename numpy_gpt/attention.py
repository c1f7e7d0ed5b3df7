"""MultiHeadAttention: every position asks all positions up to its own what they know."""

import math

import numpy as np
from shared_gpt.config import GPTConfig

from numpy_gpt.functional import softmax, softmax_backward
from numpy_gpt.kv_cache import LayerCache
from numpy_gpt.layers import Dropout, Linear
from numpy_gpt.module import Module
from numpy_gpt.shapes import Array, Bool, DType, Float, Int, float32


def hidden_keys(
    T: int, S: int, padding: Int[Array, " B"] | None = None
) -> Bool[Array, "*B T S"]:
    """True where query t must not see key s: in its future, counted from the lower right because the last query belongs
    to the last key also when earlier keys come from a cache, or among the padding tokens that a row begins with."""
    hidden = np.arange(S) > np.arange(T)[:, None] + (S - T)
    if padding is not None:
        hidden = hidden | (np.arange(S) < padding[:, None, None, None])
    return hidden


def split_heads(x: Float[Array, "B T C"], n_heads: int) -> Float[Array, "B H T D"]:
    """Head h gets features h D to (h + 1) D; contiguous, so that each head's matrix products are fast."""
    B, T, C = x.shape
    return np.ascontiguousarray(x.reshape(B, T, n_heads, C // n_heads).swapaxes(1, 2))


def merge_heads(x: Float[Array, "B H T D"]) -> Float[Array, "B T C"]:
    """The inverse of split_heads. Each is the other's backward: both only move numbers."""
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


class MultiHeadAttention(Module):
    """y = c_proj(merge(softmax(q kᵀ / √D, future masked) v)), with q, k, v = split(c_attn(x)).

    Saved: q, k, v for the two products; the softmax's output p, which is all its backward needs; and p after dropout,
    the left factor of the second product. For each head, dropout aside,

        c_td = Σ_s p_ts v_sd:         dp_ts = Σ_d dc_td v_sd          dp = dc vᵀ
                                      dv_sd = Σ_t p_ts dc_td          dv = pᵀ dc
        a_ts = Σ_d q_td k_sd / √D:    dq_td = Σ_s da_ts k_sd / √D     dq = da k / √D
                                      dk_sd = Σ_t da_ts q_td / √D     dk = daᵀ q / √D

    with da = softmax_backward(dp, p), zero wherever a key was hidden. A bias on k shifts a row of a by one number,
    which softmax does not feel: its gradient is zero in exact arithmetic.

    Source: Vaswani et al. 2017, section 3.2; one projection for q, k and v as in GPT-2.
    """

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: DType = float32):
        super().__init__()
        self.n_heads = config.n_heads
        self.c_attn = Linear(config.emb_dim, 3 * config.emb_dim, config.qkv_bias, dtype)
        self.c_proj = Linear(config.emb_dim, config.emb_dim, dtype=dtype)
        self.attn_dropout = Dropout(config.drop_rate, rng)
        self.resid_dropout = Dropout(config.drop_rate, rng)
        self.maps: list[Array] | None = (
            None  # where forward leaves its attention weights, if someone looks
        )

    def forward(
        self,
        x: Float[Array, "B T C"],
        cache: LayerCache | None = None,
        padding: Int[Array, " B"] | None = None,
    ) -> Float[Array, "B T C"]:
        H = self.n_heads
        heads = split_heads(self.c_attn(x), 3 * H)
        q, k, v = heads[:, :H], heads[:, H : 2 * H], heads[:, 2 * H :]
        if cache is not None:
            k, v = cache.append(k, v)
        scores = q @ k.swapaxes(-1, -2)  # (B, H, T, S)
        scores *= 1 / math.sqrt(q.shape[-1])
        if (
            q.shape[2] > 1 or padding is not None
        ):  # a single query is the last position, which sees all
            np.copyto(scores, -np.inf, where=hidden_keys(q.shape[2], k.shape[2], padding))
        p = softmax(scores)
        if self.maps is not None:
            self.maps.append(p)
        dropped = self.attn_dropout(p)
        context = merge_heads(dropped @ v)
        self.save_for_backward(q, k, v, p, dropped)
        return self.resid_dropout(self.c_proj(context))

    def backward(self, dy: Float[Array, "B T C"]) -> Float[Array, "B T C"]:
        q, k, v, p, dropped = self.saved()
        dcontext = self.c_proj.backward(self.resid_dropout.backward(dy))
        dcontext = split_heads(dcontext, self.n_heads)  # context = merge_heads(…)
        dv = dropped.swapaxes(-1, -2) @ dcontext  # context = dropped v, by v
        dp = self.attn_dropout.backward(
            dcontext @ v.swapaxes(-1, -2)
        )  # context = dropped v, by dropped
        dscores = softmax_backward(dp, p)
        dscores *= 1 / math.sqrt(q.shape[-1])  # scores *= 1 / √D
        dq = dscores @ k  # scores = q kᵀ, by q
        dk = dscores.swapaxes(-1, -2) @ q  # scores = q kᵀ, by k
        dqkv = np.concatenate(
            [merge_heads(dq), merge_heads(dk), merge_heads(dv)], axis=-1
        )  # q, k, v = split(…)
        return self.c_attn.backward(dqkv)
