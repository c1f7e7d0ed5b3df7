"""Trials of the first forward exercises: softmax up to the layers."""

import numpy as np

from exercises.trial import Trial
from numpy_gpt import functional, layers

SUM_TO_1 = "each row sums to 1"


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
    t.law("softmax", SUM_TO_1, functional.softmax(x).sum(axis=-1), np.ones(N))
    t.law("softmax", "a number added to a row changes nothing", functional.softmax(x + 1), functional.softmax(x))


def logsumexp(t: Trial) -> None:
    x = t.normal(t.size("N", 9, 12), t.size("V", 5, 7))
    for shift in (0, 1e4, -1e4):
        t.call(
            "logsumexp",
            functional.logsumexp,
            x + x.dtype.type(shift),
            when=f" for numbers near {shift:g}" if shift else "",
        )
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
        t.call(
            "layer_norm", functional.layer_norm, 2 * t.normal(*shape) + 1, gain, bias, when=f" for x of shape {shape}"
        )
    tiny = t.normal(2, C) * t.dtype.type(1e-3)
    t.call("layer_norm", functional.layer_norm, tiny, gain, bias, when=" for tiny numbers, where eps counts")
    t.call("layer_norm", functional.layer_norm, np.zeros((2, C), t.dtype), gain, bias, when=" for equal numbers")
    x, ones = t.normal(3, C), np.ones(C, t.dtype)
    y = functional.layer_norm(x, ones, ones)
    t.law("layer_norm", "each row has the bias for its mean", y.mean(axis=-1), np.ones(3))
    t.law("layer_norm", "a number added to a row changes nothing", functional.layer_norm(x + 1, ones, ones), y)
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
        t.call(
            "Dropout.backward", layer.backward, t.normal(*shape), gives=("dx in training",), when=f" for shape {shape}"
        )
    layer.eval()
    t.call("Dropout.forward", layer, x, gives=("its output in evaluation",))
    t.call("Dropout.backward", layer.backward, t.normal(*x.shape), gives=("dx in evaluation",))
    waiting = [t.normal(2, 3) for _ in range(2)]
    for x in waiting:
        layer.train()(x)
    for x in waiting:
        t.put("Dropout.backward", "dx where two passes wait", layer.backward(x))
