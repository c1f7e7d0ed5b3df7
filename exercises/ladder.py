"""The first steps to attention, each a function of its own: without weights, with one head, causal. The last step,
many heads, is numpy_gpt's MultiHeadAttention."""

import math

import numpy as np

from numpy_gpt.functional import softmax
from numpy_gpt.shapes import Array, Float


def attention_without_weights(x: Float[Array, "T C"]) -> Float[Array, "T C"]:
    """Each row becomes a mixture of all rows: the more of another row the larger their dot product, softmax(x xᵀ) x."""
    scores = x @ x.T
    return softmax(scores) @ x


def attention_with_one_head(
    x: Float[Array, "T C"],
    W_query: Float[Array, "D C"],
    W_key: Float[Array, "D C"],
    W_value: Float[Array, "D C"],
) -> Float[Array, "T D"]:
    """softmax(q kᵀ / √D) v with q = x W_queryᵀ, k = x W_keyᵀ and v = x W_valueᵀ."""
    q, k, v = x @ W_query.T, x @ W_key.T, x @ W_value.T
    scores = q @ k.T / math.sqrt(q.shape[-1])
    return softmax(scores) @ v


def causal_attention(
    x: Float[Array, "T C"],
    W_query: Float[Array, "D C"],
    W_key: Float[Array, "D C"],
    W_value: Float[Array, "D C"],
) -> Float[Array, "T D"]:
    """As with one head, but position t sees only the positions up to t."""
    q, k, v = x @ W_query.T, x @ W_key.T, x @ W_value.T
    scores = q @ k.T / math.sqrt(q.shape[-1])
    positions = np.arange(len(x))
    scores[positions > positions[:, None]] = -np.inf
    return softmax(scores) @ v
