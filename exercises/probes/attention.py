"""Trials of attention, from its first step to the block around it."""

import numpy as np

import numpy_gpt
from exercises import ladder
from exercises.trial import Trial
from numpy_gpt import GPTConfig, attention, block, kv_cache

# Laws
CAUSALITY = "causality (no position sees a later one)"
CACHED = "in pieces through a cache as at once"


def attention_ladder(name: str, weights: int):
    def run(t: Trial) -> None:
        function = getattr(ladder, name)
        T, C, D = t.size("T", 4, 6), t.size("C", 7, 9), t.size("D", 3, 5)
        x, matrices = t.normal(T, C), [t.normal(D, C) for _ in range(weights)]
        y = t.call(name, function, x, *matrices)
        t.call(name, function, t.normal(1, C), *matrices, when=" for a single position")
        if name == "causal_attention":
            moved = x.copy()
            moved[-1] += 1
            t.law(name, CAUSALITY, function(moved, *matrices)[:-1], y[:-1])

    return run


attention_without_weights = attention_ladder("attention_without_weights", 0)
attention_with_one_head = attention_ladder("attention_with_one_head", 3)
causal_attention = attention_ladder("causal_attention", 3)


def hidden_keys(t: Trial) -> None:
    for T, S in ((4, 4), (2, 5), (1, 3), (t.size("T", 3, 6),) * 2):
        t.call("hidden_keys", attention.hidden_keys, T, S, when=f" for T = {T}, S = {S}")
    padding = np.array([0, 2, 1])
    t.call("hidden_keys", attention.hidden_keys, 4, 4, padding, when=" with padding")
    t.call("hidden_keys", attention.hidden_keys, 2, 4, padding, when=" with padding and a cache")


def heads(t: Trial) -> None:
    B, T, H, D = 2, t.size("T", 3, 5), t.size("H", 2, 3), t.size("D", 4, 6)
    x = np.arange(B * T * H * D, dtype=t.dtype).reshape(B, T, H * D)
    t.call("split_heads", attention.split_heads, x, H)
    t.call("merge_heads", attention.merge_heads, t.normal(B, H, T, D))
    t.law("merge_heads", "merging undoes splitting", attention.merge_heads(attention.split_heads(x, H)), x)


def small_config(t: Trial, drop_rate: float = 0.0) -> GPTConfig:
    """Sizes that all differ."""
    H, D = t.size("H", 2, 3), t.size("D", 4, 5)
    t.sizes |= {"C": H * D}
    return GPTConfig(t.size("V", 11, 13), 9, H * D, H, 2, drop_rate)


def multi_head_attention(t: Trial) -> None:
    config = small_config(t)
    x = t.normal(2, t.size("T", 6, 7), config.emb_dim)
    layer = t.randomized(attention.MultiHeadAttention(config, np.random.default_rng(0), t.dtype))
    y = t.forward("MultiHeadAttention.forward", layer, x)
    moved = x.copy()
    moved[:, -1] += 1
    with numpy_gpt.no_grad():
        t.law("MultiHeadAttention.forward", CAUSALITY, layer(moved)[:, :-1], y[:, :-1])
        cache = kv_cache.LayerCache(9)
        pieces = [layer(x[:, :4], cache), layer(x[:, 4:5], cache), layer(x[:, 5:], cache)]
        t.put("MultiHeadAttention.forward", "its output in pieces through a cache", np.concatenate(pieces, axis=1))
        t.law("MultiHeadAttention.forward", CACHED, np.concatenate(pieces, axis=1), y)
        padded = layer(x, None, np.array([0, 2]))
        t.put("MultiHeadAttention.forward", "its output with padding", padded[:, 2:])


def feed_forward(t: Trial) -> None:
    config = small_config(t)
    layer = t.randomized(block.FeedForward(config, np.random.default_rng(0), t.dtype))
    t.forward("FeedForward.forward", layer, t.normal(2, 3, config.emb_dim))


def transformer_block(t: Trial) -> None:
    config = small_config(t)
    layer = t.randomized(block.TransformerBlock(config, np.random.default_rng(0), t.dtype))
    x = t.normal(2, 5, config.emb_dim)
    y = t.forward("TransformerBlock.forward", layer, x)
    moved = x.copy()
    moved[:, -1] += 1
    with numpy_gpt.no_grad():
        t.law("TransformerBlock.forward", CAUSALITY, layer(moved)[:, :-1], y[:, :-1])
        cache = kv_cache.LayerCache(9)
        pieces = [layer(x[:, :3], cache), layer(x[:, 3:], cache)]
        t.put("TransformerBlock.forward", "its output in pieces through a cache", np.concatenate(pieces, axis=1))
        t.law("TransformerBlock.forward", CACHED, np.concatenate(pieces, axis=1), y)
        t.put("TransformerBlock.forward", "its output with padding", layer(x, None, np.array([0, 2]))[:, 2:])
