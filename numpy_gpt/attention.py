"""MultiHeadAttention: every position asks all positions up to its own what they know."""

import math
import threading

import numpy as np

from numpy_gpt.functional import softmax, softmax_backward
from numpy_gpt.kv_cache import LayerCache
from numpy_gpt.layers import Dropout, Linear
from numpy_gpt.module import Module
from numpy_gpt.shapes import Array, Bool, DType, Float, Int, float32
from shared_gpt.config import GPTConfig


class AttentionRecord(threading.local):
    """Where the running thread's forward passes leave their attention weights, if someone
    looks."""

    maps: list[Array] | None = None


attention_record = AttentionRecord()


def hidden_keys(
    T: int, S: int, padding: Int[Array, " B"] | None = None
) -> Bool[Array, "*B T S"]:
    """True where query t must not see key s: a key of its future, or padding, with which a row
    begins.

    The last query belongs to the last key, also when earlier keys come from a cache. So the
    future is counted from the lower right.
    """
    hidden = np.arange(S) > np.arange(T)[:, None] + (S - T)
    if padding is not None:
        hidden = hidden | (np.arange(S) < padding[:, None, None, None])
    return hidden


def split_heads(x: Float[Array, "B T C"], n_heads: int) -> Float[Array, "B H T D"]:
    """Head h gets features h D to (h + 1) D."""
    B, T, C = x.shape
    return x.reshape(B, T, n_heads, C // n_heads).swapaxes(1, 2)


def merge_heads(x: Float[Array, "B H T D"]) -> Float[Array, "B T C"]:
    """The inverse of split_heads. Each is the other's backward: both only move numbers."""
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


class MultiHeadAttention(Module):
    """y = c_proj(merge(softmax(q kᵀ / √D, future masked) v)), with q, k, v = split(c_attn(x)).

    Saved: q, k, v for the two products; p, which is all that the softmax's backward needs; and
    p after dropout, the left factor of the second product. For each head, dropout aside, with c
    for the context and a for the scores,

        c_td = Σ_s p_ts v_sd:         dp_ts = Σ_d dc_td v_sd          dp = dc vᵀ
                                      dv_sd = Σ_t p_ts dc_td          dv = pᵀ dc
        a_ts = Σ_d q_td k_sd / √D:    dq_td = Σ_s da_ts k_sd / √D     dq = da k / √D
                                      dk_sd = Σ_t da_ts q_td / √D     dk = daᵀ q / √D

    and da = softmax_backward(dp, p), which is zero wherever a key was hidden. A bias on k adds
    one number to a whole row of a, which softmax does not feel: its gradient is zero in exact
    arithmetic.

    Source: Vaswani et al. 2017, section 3.2; one projection for q, k and v as in GPT-2.
    """

    def __init__(self, config: GPTConfig, rng: np.random.Generator, dtype: DType = float32):
        super().__init__()
        self.n_heads = config.n_heads
        self.c_attn = Linear(config.emb_dim, 3 * config.emb_dim, config.qkv_bias, dtype)
        self.c_proj = Linear(config.emb_dim, config.emb_dim, dtype=dtype)
        self.attn_dropout = Dropout(config.drop_rate, rng)
        self.resid_dropout = Dropout(config.drop_rate, rng)

    def forward(
        self,
        x: Float[Array, "B T C"],
        cache: LayerCache | None = None,
        padding: Int[Array, " B"] | None = None,
    ) -> Float[Array, "B T C"]:
        H = self.n_heads
        qkv = self.c_attn(x)  # (B, T, 3C)
        heads = split_heads(qkv, 3 * H)  # (B, 3H, T, D)
        q, k, v = heads[:, :H], heads[:, H : 2 * H], heads[:, 2 * H :]  # (B, H, T, D) each
        if cache is not None:
            k, v = cache.append(k, v)  # (B, H, S, D) each
        T, S, D = q.shape[2], k.shape[2], q.shape[3]
        scores = q @ k.swapaxes(-1, -2)  # (B, H, T, S)
        scores *= 1 / math.sqrt(D)
        if T > 1 or padding is not None:  # a single query is the last position, which sees all
            np.copyto(scores, -np.inf, where=hidden_keys(T, S, padding))
        p = softmax(scores)  # (B, H, T, S)
        if attention_record.maps is not None:
            attention_record.maps.append(p)
        dropped = self.attn_dropout(p)  # (B, H, T, S)
        context = dropped @ v  # (B, H, T, D)
        self.save_for_backward(q, k, v, p, dropped)
        merged = merge_heads(context)  # (B, T, C)
        y = self.c_proj(merged)  # (B, T, C)
        return self.resid_dropout(y)

    def backward(self, dy: Float[Array, "B T C"]) -> Float[Array, "B T C"]:
        q, k, v, p, dropped = self.pop_saved()
        D = q.shape[-1]
        dy = self.resid_dropout.backward(dy)  # (B, T, C)  forward: resid_dropout(y)
        dmerged = self.c_proj.backward(dy)  # (B, T, C)  forward: y = c_proj(merged)
        dcontext = split_heads(dmerged, self.n_heads)  # (B, H, T, D)  forward: merge_heads
        dv = dropped.swapaxes(-1, -2) @ dcontext  # (B, H, S, D)  forward: context = dropped @ v
        ddropped = dcontext @ v.swapaxes(-1, -2)  # (B, H, T, S)  forward: context = dropped @ v
        dp = self.attn_dropout.backward(ddropped)  # (B, H, T, S)  forward: attn_dropout(p)
        dscores = softmax_backward(dp, p)  # (B, H, T, S)  forward: p = softmax(scores)
        dscores *= 1 / math.sqrt(D)  # forward: scores *= 1 / √D
        dq = dscores @ k  # (B, H, T, D)  forward: scores = q @ kᵀ
        dk = dscores.swapaxes(-1, -2) @ q  # (B, H, S, D)  forward: scores = q @ kᵀ
        dheads = np.concatenate([dq, dk, dv], axis=1)  # (B, 3H, T, D)  forward: q, k, v = heads
        dqkv = merge_heads(dheads)  # (B, T, 3C)  forward: heads = split_heads(qkv)
        return self.c_attn.backward(dqkv)  # (B, T, C)  forward: qkv = c_attn(x)
