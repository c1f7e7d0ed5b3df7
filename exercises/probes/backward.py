"""Trials of the backward exercises. Beside each gradient stands what central differences of the forward pass give."""

import numpy as np

from exercises.probes.attention import small_config
from exercises.probes.writing import whole_model
from exercises.trial import Trial
from numpy_gpt import attention, block, functional, layers, loss
from numpy_gpt.module import Parameter


def softmax_backward(t: Trial) -> None:
    for shape in ((t.size("N", 2, 3), t.size("S", 4, 6)), (2, 2, 3, 4)):
        x, dp = t.normal(*shape), t.normal(*shape)
        when = f" for shape {shape}"
        p = functional.softmax(x)
        dx = t.call("softmax_backward", functional.softmax_backward, dp, p, gives=("dx",), when=when)
        t.slopes("softmax_backward", f"dx{when}", functional.softmax, x, dp)
    t.law("softmax_backward", "each row of dx sums to 0", 1 + dx.sum(axis=-1), np.ones(dx.shape[:-1]))


def gelu_backward(t: Trial) -> None:
    for shape in ((t.size("T", 3, 4), t.size("F", 5, 7)), (2, 3, 4)):
        x, dy, when = 2 * t.normal(*shape), t.normal(*shape), f" for shape {shape}"
        t.call("gelu_backward", functional.gelu_backward, dy, x, gives=("dx",), when=when)
        t.slopes("gelu_backward", f"dx{when}", functional.gelu, x, dy)


def layer_norm_backward(t: Trial) -> None:
    C = t.size("C", 6, 8)
    t.sizes["rows"] = 3
    for shape in ((3, C), (2, 2, C)):
        x, dy, gain, bias = t.normal(*shape), t.normal(*shape), 1 + t.normal(C), t.normal(C)
        gives = ("dx", "dweight", "dbias")
        when = f" for x of shape {shape}"
        t.call("layer_norm_backward", functional.layer_norm_backward, dy, x, gain, gives=gives, when=when)
        title = "layer_norm_backward"
        t.slopes(title, f"dx{when}", lambda at, g=gain, b=bias: functional.layer_norm(at, g, b), x, dy)
        t.slopes(title, f"dweight{when}", lambda at, x=x, b=bias: functional.layer_norm(x, at, b), gain, dy)
        t.slopes(title, f"dbias{when}", lambda at, x=x, g=gain: functional.layer_norm(x, g, at), bias, dy)
    dx = functional.layer_norm_backward(dy, x, gain)[0]
    t.law(title, "each row of dx sums to 0", 1 + dx.sum(axis=-1), np.ones(dx.shape[:-1]))
    x = t.normal(2, C) * t.dtype.type(1e-2)
    gives = ("dx", "dweight", "dbias")
    t.call(
        "layer_norm_backward", functional.layer_norm_backward, t.normal(2, C), x, gain, gives=gives, when=" for tiny x"
    )


def linear_backward(t: Trial) -> None:
    n_in, n_out, rows = t.size("in", 3, 4), t.size("out", 5, 7), t.size("rows", 8, 9)
    t.backward("Linear.backward", t.randomized(layers.Linear(n_in, n_out, dtype=t.dtype)), t.normal(rows, n_in))
    layer = t.randomized(layers.Linear(n_in, n_out, dtype=t.dtype))
    x = t.normal(2, 3, n_in)
    dy = t.normal(*layer(x).shape)
    t.call("Linear.backward", layer.backward, dy, gives=("dx",), when=" for a batch of sequences")
    t.put("Linear.backward", "weight's gradient for a batch of sequences", layer.weight.grad)
    layer(x)
    layer.backward(dy)
    t.put("Linear.backward", "weight's gradient after a second pass", layer.weight.grad)
    bare = t.randomized(layers.Linear(n_in, n_out, False, t.dtype))
    bare.weight.requires_grad = False
    t.call(
        "Linear.backward",
        bare.backward,
        t.normal(*bare(x).shape),
        gives=("dx",),
        when=" of a frozen layer without bias",
    )
    t.put("Linear.backward", "whether a frozen weight got a gradient", "no" if bare.weight.grad is None else "yes")


def embedding_backward(t: Trial) -> None:
    ids = t.rng.integers(0, 5, (2, 6))
    ids[:, -2:] = ids[:, :2]
    t.backward("Embedding.backward", t.randomized(layers.Embedding(8, 4, t.dtype)), ids)


def accumulate(t: Trial) -> None:
    title, own = "Parameter.accumulate", Parameter(t.normal(6, 4))
    ids = np.array([[0, 2, 2], [5, 2, 0]])
    own.accumulate(t.normal(2, 3, 4), rows=ids)
    t.put(title, "the gradient with repeated rows", own.grad)
    own.accumulate(t.normal(2, 3, 4), rows=ids)
    t.put(title, "the gradient after a second pass with rows", own.grad)
    own.accumulate(t.normal(6, 4))
    t.put(title, "the gradient after a whole array is added to rows", own.grad)
    tied = Parameter(t.normal(6, 4))
    tied.accumulate(t.normal(6, 4))
    tied.accumulate(t.normal(3, 4), rows=np.array([1, 1, 4]))
    t.put(title, "the gradient after rows are added to a whole array, as with a tied head", tied.grad)
    tied.accumulate(t.normal(6, 4))
    t.put(title, "the gradient after two whole arrays", tied.grad)
    for wrong, when in (
        (t.normal(4, 6), "for a transposed gradient"),
        (t.normal(6, 4).astype(np.float16), "for another dtype"),
    ):
        t.raises(title, tied.accumulate, wrong, when=when)


def attention_backward(t: Trial) -> None:
    config = small_config(t)
    rng = np.random.default_rng(0)
    layer = t.randomized(attention.MultiHeadAttention(config, rng, t.dtype))
    t.backward("MultiHeadAttention.backward", layer, t.normal(1, 4, config.emb_dim))
    dropping = attention.MultiHeadAttention(config.replace(drop_rate=0.25), np.random.default_rng(1), t.dtype)
    x = t.normal(2, 5, config.emb_dim)
    y = t.randomized(dropping)(x)
    t.call("MultiHeadAttention.backward", dropping.backward, t.normal(*y.shape), gives=("dx",), when=" with dropout on")
    for name, parameter in dropping.named_parameters():
        t.put("MultiHeadAttention.backward", f"{name}'s gradient with dropout on", parameter.grad)


def feed_forward_backward(t: Trial) -> None:
    config = small_config(t)
    layer = t.randomized(block.FeedForward(config, np.random.default_rng(0), t.dtype))
    t.backward("FeedForward.backward", layer, t.normal(1, 2, config.emb_dim))


def block_backward(t: Trial) -> None:
    config = small_config(t)
    layer = t.randomized(block.TransformerBlock(config, np.random.default_rng(0), t.dtype))
    x = t.normal(1, 3, config.emb_dim)
    dy = t.normal(*layer(x).shape)
    t.call("TransformerBlock.backward", layer.backward, dy, gives=("dx",))
    for name, parameter in layer.named_parameters():
        t.put("TransformerBlock.backward", f"{name}'s gradient", parameter.grad)
    t.slopes("TransformerBlock.backward", "dx", layer, x, dy)
    t.parameter_slopes("TransformerBlock.backward", layer, lambda: layer(x), dy)


def model_backward(t: Trial) -> None:
    title, own = "GPTModel.backward", whole_model(t)
    ids = t.rng.integers(0, own.config.vocab_size, (2, 5))
    dlogits = t.normal(*own(ids).shape)
    own.backward(dlogits)
    for name, parameter in own.named_parameters():
        t.put(title, f"{name}'s gradient", np.zeros_like(parameter.data) if parameter.grad is None else parameter.grad)
    t.parameter_slopes(title, own, lambda: own(ids), dlogits)
    frozen = whole_model(t, own.config)
    for part in (frozen.wte, frozen.wpe, frozen.h[0]):
        for parameter in part.parameters():
            parameter.requires_grad = False
    frozen.backward(t.normal(*frozen(ids).shape))
    for name, parameter in frozen.named_parameters():
        if parameter.grad is not None:
            t.put(title, f"{name}'s gradient where the first block is frozen", parameter.grad)


def cross_entropy_backward(t: Trial) -> None:
    V, n = t.size("V", 6, 8), t.size("rows", 7, 7)
    logits, targets = t.normal(n, V), t.rng.integers(0, V, n)
    targets[2] = targets[4] = -100
    t.sizes["n, the number of counted targets,"] = n - 2
    criterion = loss.CrossEntropy()
    criterion(logits, targets)
    t.call("CrossEntropy.backward", criterion.backward, gives=("dlogits",))
    t.slopes(
        "CrossEntropy.backward", "dlogits", lambda at: np.asarray(loss.CrossEntropy()(at, targets)), logits, np.ones(())
    )
    for chosen, when in (
        (targets, " as a quarter of a larger loss"),
        (np.full(n, -100), " where all targets are ignored"),
    ):
        criterion(logits + 1000, chosen)
        t.call("CrossEntropy.backward", criterion.backward, 0.25, gives=("dlogits",), when=when)
    stacked = t.normal(2, 3, V)
    criterion(stacked, t.rng.integers(0, V, (2, 3)))
    dlogits = t.call("CrossEntropy.backward", criterion.backward, gives=("dlogits",), when=" for a batch")
    t.law("CrossEntropy.backward", "each row of dlogits sums to 0", 1 + dlogits.sum(axis=-1), np.ones((2, 3)))
