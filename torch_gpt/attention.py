"""MultiHeadAttention: every position asks all positions up to its own what they know."""

import math
import threading

import numpy as np
import torch

from shared_gpt.config import GPTConfig
from torch_gpt.functional import softmax
from torch_gpt.kv_cache import LayerCache
from torch_gpt.layers import Dropout, Linear
from torch_gpt.module import Module
from torch_gpt.shapes import Array, Bool, DType, Float, Int, float32


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
    hidden = torch.arange(S) > torch.arange(T)[:, None] + (S - T)
    if padding is not None:
        hidden = hidden.to(padding.device)
        hidden = hidden | (torch.arange(S).to(padding.device) < padding[:, None, None, None])
    return hidden


def split_heads(x: Float[Array, "B T C"], n_heads: int) -> Float[Array, "B H T D"]:
    """Head h gets features h D to (h + 1) D."""
    B, T, C = x.shape
    return x.reshape(B, T, n_heads, C // n_heads).transpose(1, 2)


def merge_heads(x: Float[Array, "B H T D"]) -> Float[Array, "B T C"]:
    """The inverse of split_heads."""
    B, H, T, D = x.shape
    return x.transpose(1, 2).reshape(B, T, H * D)


class MultiHeadAttention(Module):
    """y = c_proj(merge(softmax(q kᵀ / √D, future masked) v)), with q, k, v = split(c_attn(x)).

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
        scores = q @ k.transpose(-1, -2)  # (B, H, T, S)
        scores = scores * (1 / math.sqrt(D))
        if T > 1 or padding is not None:  # a single query is the last position, which sees all
            scores = scores.masked_fill(hidden_keys(T, S, padding).to(x.device), -math.inf)
        p = softmax(scores)  # (B, H, T, S)
        if attention_record.maps is not None:
            attention_record.maps.append(p)
        dropped = self.attn_dropout(p)  # (B, H, T, S)
        context = dropped @ v  # (B, H, T, D)
        merged = merge_heads(context)  # (B, T, C)
        y = self.c_proj(merged)  # (B, T, C)
        return self.resid_dropout(y)
