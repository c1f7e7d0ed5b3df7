"""Trials of the forward exercises: every part of the model from softmax up, and choosing the next token."""

import importlib

import numpy as np

import numpy_gpt
from exercises import ladder
from exercises.trial import Trial
from numpy_gpt import GPTConfig, attention, block, functional, kv_cache, layers, loss, model, sampling

generate = importlib.import_module("numpy_gpt.generate")  # numpy_gpt.generate is the function


def softmax(t: Trial) -> None:
    N, S = t.size("N", 2, 4), t.size("S", 5, 7)
    x = t.normal(N, S)
    t.call("softmax", functional.softmax, x)
    t.call("softmax", functional.softmax, t.normal(2, N, 3, S), when=" for four axes")
    for shift in (1e4, -1e4):
        t.call("softmax", functional.softmax, x + x.dtype.type(shift), when=f" for numbers near {shift:g}")
    hidden = np.where(np.arange(S) < np.minimum(np.arange(N)[:, None], S), -np.inf, x).astype(t.dtype)
    t.call("softmax", functional.softmax, hidden, when=" where keys are hidden by -inf")
    hidden[0] = -np.inf
    t.call("softmax", functional.softmax, hidden, when=" for a row of -inf alone")


def logsumexp(t: Trial) -> None:
    x = t.normal(t.size("N", 9, 12), t.size("V", 5, 7))
    for shift in (0, 1e4, -1e4):
        t.call("logsumexp", functional.logsumexp, x + x.dtype.type(shift), when=f" for numbers near {shift:g}" if shift else "")
    rows = x + 2000 * np.arange(len(x))[:, None].astype(t.dtype)
    t.call("logsumexp", functional.logsumexp, rows, when=" for rows far from one another")


def gelu(t: Trial) -> None:
    for shape in ((t.size("T", 3, 5), t.size("F", 6, 9)), (2, 3, 4)):
        t.call("gelu", functional.gelu, 3 * t.normal(*shape), when=f" for x of shape {shape}")
    t.call("gelu", functional.gelu, np.array([-1000, -10, 0, 10, 1000], t.dtype), when=" for large numbers")


def layer_norm(t: Trial) -> None:
    C = t.size("C", 6, 9)
    gain, bias = t.normal(C), t.normal(C)
    for shape in ((3, C), (2, 3, C)):
        t.call("layer_norm", functional.layer_norm, 2 * t.normal(*shape) + 1, gain, bias, when=f" for x of shape {shape}")
    tiny = t.normal(2, C) * t.dtype.type(1e-3)
    t.call("layer_norm", functional.layer_norm, tiny, gain, bias, when=" for tiny numbers, where eps counts")
    t.call("layer_norm", functional.layer_norm, np.zeros((2, C), t.dtype), gain, bias, when=" for equal numbers")
    if t.dtype == np.float64:
        far = t.normal(2, C) + 8192
        t.call("layer_norm", functional.layer_norm, far, gain, bias, when=" for numbers near 8192")


def linear(t: Trial) -> None:
    n_in, n_out = t.size("in", 3, 5), t.size("out", 6, 8)
    for shape in ((4, n_in), (2, 3, n_in), (n_in,)):
        layer = t.randomized(layers.Linear(n_in, n_out, dtype=t.dtype))
        t.forward("Linear.forward", layer, t.normal(*shape))
    t.forward("Linear.forward", t.randomized(layers.Linear(n_in, n_out, False, t.dtype)), t.normal(2, n_in))


def embedding(t: Trial) -> None:
    for shape in ((2, 5), (7,)):
        layer = t.randomized(layers.Embedding(6, 4, t.dtype))
        t.forward("Embedding.forward", layer, t.rng.integers(0, 6, shape))


def dropout(t: Trial) -> None:
    """Forward in training, its backward, and evaluation, from one stream of random numbers."""
    rate = 0.25
    layer = layers.Dropout(rate, np.random.default_rng(int(t.rng.integers(2**31))))
    t.sizes |= {"1 - drop_rate": 1 - rate, "drop_rate": rate}
    for shape in ((4, 6), (2, 3, 5)):
        x = t.normal(*shape)
        t.call("Dropout.forward", layer, x, gives=("its output in training",), when=f" for x of shape {shape}")
        t.call("Dropout.backward", layer.backward, t.normal(*shape), gives=("dx in training",), when=f" for shape {shape}")
    layer.eval()
    t.call("Dropout.forward", layer, x, gives=("its output in evaluation",))
    t.call("Dropout.backward", layer.backward, t.normal(*x.shape), gives=("dx in evaluation",))
    waiting = [t.normal(2, 3) for _ in range(2)]
    for x in waiting:
        layer.train()(x)
    for x in waiting:
        t.put("Dropout.backward", "dx where two passes wait", layer.backward(x))


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
            later = np.abs(function(moved, *matrices)[:-1] - y[:-1]).max()
            t.put(name, "how much earlier positions change with the last", later)

    return run


attention_without_weights = attention_ladder("attention_without_weights", 0)
attention_with_one_head = attention_ladder("attention_with_one_head", 3)
causal_attention = attention_ladder("causal_attention", 3)


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
        later = np.abs(layer(moved)[:, :-1] - y[:, :-1]).max()
        t.put("MultiHeadAttention.forward", "how much earlier positions change with the last", later)
        cache = kv_cache.LayerCache(9)
        pieces = [layer(x[:, :4], cache), layer(x[:, 4:5], cache), layer(x[:, 5:], cache)]
        t.put("MultiHeadAttention.forward", "its output in pieces through a cache", np.concatenate(pieces, axis=1))
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
    t.forward("TransformerBlock.forward", layer, x)
    with numpy_gpt.no_grad():
        cache = kv_cache.LayerCache(9)
        pieces = [layer(x[:, :3], cache), layer(x[:, 3:], cache)]
        t.put("TransformerBlock.forward", "its output in pieces through a cache", np.concatenate(pieces, axis=1))
        t.put("TransformerBlock.forward", "its output with padding", layer(x, None, np.array([0, 2]))[:, 2:])


def whole_model(t: Trial, config: GPTConfig | None = None) -> model.GPTModel:
    config = config or small_config(t)
    return t.randomized(model.GPTModel(config, dtype=t.dtype.type, initialize=False)).eval()


def gpt_model(t: Trial) -> None:
    own = whole_model(t)
    ids = t.rng.integers(0, own.config.vocab_size, (2, 6))
    with numpy_gpt.no_grad():
        t.call("GPTModel.forward", own, ids, gives=("its logits",))
        cache = numpy_gpt.KVCache(own.config)
        pieces = [own(ids[:, :4], cache), own(ids[:, 4:], cache)]
        t.put("GPTModel.forward", "its logits in pieces through a cache", np.concatenate(pieces, axis=1))
        t.put("GPTModel.forward", "its logits with padding", own(ids, None, np.array([0, 2]))[:, 2:])
        t.put("GPTModel.forward", "the logits of the last two positions", own(ids, last=2))


def initial_weights(t: Trial) -> None:
    config = small_config(t)
    own = model.GPTModel(config, dtype=t.dtype.type, initialize=False)
    own.initialize(np.random.default_rng(int(t.rng.integers(2**31))))
    for name, array in own.state_dict().items():
        t.put("GPTModel.initialize", name, array)


def cross_entropy(t: Trial) -> None:
    V, n = t.size("V", 6, 8), t.size("n", 5, 6)
    logits, targets = t.normal(n, V), t.rng.integers(0, V, n)
    for shift in (0, 1e3):
        criterion = loss.CrossEntropy()
        when = f" for logits near {shift:g}" if shift else ""
        value = t.call("CrossEntropy.forward", criterion, logits + t.dtype.type(shift), targets, gives=("the loss",), when=when)
        if value is not None:
            t.put("CrossEntropy.forward", f"what backward makes of the values it saved{when}", criterion.backward())
    targets[1::3] = -100
    for chosen, when in ((targets, " with ignored targets"), (np.full(n, -100), " where all targets are ignored")):
        t.call("CrossEntropy.forward", loss.CrossEntropy(), logits, chosen, gives=("the loss",), when=when)
    stacked = t.normal(2, 3, V)
    t.call("CrossEntropy.forward", loss.CrossEntropy(), stacked, t.rng.integers(0, V, (2, 3)), gives=("the loss",), when=" for a batch")


def generate_text_simple(t: Trial) -> None:
    own = whole_model(t)
    for B, T, new, window in ((1, 3, 4, 9), (2, 2, 12, 9), (2, 7, 5, 4), (1, 1, 0, 9)):
        ids = t.rng.integers(0, own.config.vocab_size, (B, T))
        when = f" after {T} tokens, {new} new ones, context {window}"
        t.call("generate_text_simple", generate.generate_text_simple, own, ids, new, window, gives=("its text",), when=when)


def layer_cache(t: Trial) -> None:
    B, H, D = 2, t.size("H", 2, 3), t.size("D", 4, 5)
    cache = kv_cache.LayerCache(8)
    for T in (3, 1, 4):
        gives = ("the keys", "the values")
        t.call("LayerCache.append", cache.append, t.normal(B, H, T, D), t.normal(B, H, T, D), gives=gives, when=f" after {T} more")
        t.put("LayerCache.append", f"the length after {T} more", float(cache.length))
    t.raises("LayerCache.append", cache.append, t.normal(B, H, 1, D), t.normal(B, H, 1, D), when="for one position too many")


def probabilities(t: Trial) -> None:
    z = 2 * t.normal(3, t.size("V", 9, 12))
    for temperature in (1.0, 0.5, 3.0, 1e-306):
        t.call("probabilities", sampling.probabilities, z, temperature, when=f" at temperature {temperature:g}")
    t.call("probabilities", sampling.probabilities, z, 0.8, 6, 0.7, when=" with top_k = 6 and top_p = 0.7")


def keep_top_k(t: Trial) -> None:
    z = t.normal(3, t.size("V", 9, 12))
    for k in (1, 4, 99):
        t.call("keep_top_k", sampling.keep_top_k, z, k, when=f" for k = {k}")
    t.call("keep_top_k", sampling.keep_top_k, np.array([[1, 2, 2, 0]], t.dtype), 1, when=" where two are equally large")


def keep_top_p(t: Trial) -> None:
    p = functional.softmax(2 * t.normal(3, t.size("V", 9, 12)))
    for share in (0.1, 0.6, 0.95):
        t.call("keep_top_p", sampling.keep_top_p, p, share, when=f" for p = {share}")
    t.call("keep_top_p", sampling.keep_top_p, np.array([[0.25, 0.5, 0.25]], t.dtype), 0.6, when=" where two are equally likely")
