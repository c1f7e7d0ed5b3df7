"""Mistakes that people make in GPT-2's formulas, computed from the reference's own values, to be recognised by their result.

Each function gets the reference trace and yields (what was done wrong, the array that this gives). To add one: compute the
mistaken value below the formula that it belongs to.
"""

import math
from collections.abc import Iterator

import numpy as np

from parity_tests.report.trace import Key, Trace

Suspects = Iterator[tuple[str, np.ndarray]]


def known_mistakes(key: Key, theirs: Trace) -> Suspects:
    """The suspects for the value at `key`."""
    place, name = key
    module, _, last = name.rpartition(".")
    kind = (module if place == "gradient" else name).rpartition(".")[2]
    if kind == "gelu" and place in ("output", "dx"):
        yield from _gelu(place, name, theirs)
    elif kind in ("ln_1", "ln_2", "ln_f") and place in ("output", "dx"):
        yield from _layer_norm(place, name, theirs)
    elif place == "gradient" and kind in ("ln_1", "ln_2", "ln_f") and last == "weight":
        yield "x stands where the normalised x̂ belongs", (theirs["dy", module] * theirs["input", module]).sum((0, 1))
    elif kind == "attn_dropout" and place == "input":
        yield from _attention_weights(module, theirs)
    elif kind == "c_attn" and place == "dy":
        yield from _attention_gradient(module, theirs)
    elif kind == "c_fc" and place == "dy":
        yield "the backward of gelu is skipped", theirs["dx", f"{module}.c_proj"]
    elif place == "gradient" and last == "bias" and kind in ("c_attn", "c_proj", "c_fc"):
        rows = theirs["dy", module].reshape(-1, theirs["dy", module].shape[-1])
        yield "a missing sum over the rows: it is the first row's alone", rows[0]
        yield "a missing sum over the rows: it is the last row's alone", rows[-1]
    elif place == "gradient" and name in ("wte.weight", "wpe.weight"):
        yield from _table(module, theirs)
    elif key == ("dx", "loss"):
        yield from _cross_entropy(theirs)


def _gelu(place: str, name: str, theirs: Trace) -> Suspects:
    x, scale, cubic = theirs["input", name].astype(np.float64), math.sqrt(2 / math.pi), 0.044715
    erf = np.vectorize(math.erf)(x / math.sqrt(2))
    t = np.tanh(scale * (x + cubic * x**3))
    if place == "output":
        yield "the erf form of GELU; GPT-2 has the tanh form", 0.5 * x * (1 + erf)
        yield "a missing term: the cubic one, 0.044715 x³", 0.5 * x * (1 + np.tanh(scale * x))
        yield "the sigmoid form of GELU; GPT-2 has the tanh form", x / (1 + np.exp(-1.702 * x))
        return
    dy = theirs["dy", name]
    slope = scale * (1 + 3 * cubic * x * x)
    yield (
        "a missing term: the derivative of the cubic one, 3 · 0.044715 x²",
        dy * 0.5 * (1 + t + x * (1 - t * t) * scale),
    )
    yield (
        "the derivative of x³ is 3 x²: the factor 3 is missing",
        dy * 0.5 * (1 + t + x * (1 - t * t) * scale * (1 + cubic * x * x)),
    )
    yield "∂tanh u/∂u is 1 - tanh² u: the square is missing", dy * 0.5 * (1 + t + x * (1 - t) * slope)
    yield "a missing term of the product rule: x · tanh'", dy * 0.5 * (1 + t)
    yield "a missing term of the product rule: (1 + tanh) / 2", dy * 0.5 * x * (1 - t * t) * slope
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    yield "the derivative of the erf form; GPT-2 has the tanh form", dy * (0.5 * (1 + erf) + x * density)


def _layer_norm(place: str, name: str, theirs: Trace) -> Suspects:
    x, eps = theirs["input", name].astype(np.float64), 1e-5
    weight, bias = theirs["parameter", f"{name}.weight"], theirs["parameter", f"{name}.bias"]
    C = x.shape[-1]
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt(variance + eps)
    if place == "output":
        unbiased = variance * C / max(C - 1, 1)
        yield (
            "the unbiased variance, divided by C - 1; LayerNorm divides by C",
            centred / np.sqrt(unbiased + eps) * weight + bias,
        )
        yield "eps is added outside the root", centred / (np.sqrt(variance) + eps) * weight + bias
        yield "eps is missing", centred / np.sqrt(variance) * weight + bias
        yield "a missing term: the mean is not taken off x", x * r * weight + bias
        yield "a missing term: the bias", centred * r * weight
        yield "the gain (weight) is missing", centred * r + bias
        return
    x_hat, dy = centred * r, theirs["dy", name]
    g = dy * weight

    def along(v: np.ndarray) -> np.ndarray:
        return x_hat * (v * x_hat).mean(axis=-1, keepdims=True)

    yield "a missing term: mean(g)", r * (g - along(g))
    yield "a missing term: x̂ mean(g x̂)", r * (g - g.mean(axis=-1, keepdims=True))
    yield "both mean terms are missing", r * g
    yield "g = dy · weight: the weight is missing in mean(g x̂)", r * (g - g.mean(axis=-1, keepdims=True) - along(dy))
    yield "g = dy · weight: the weight is missing", r * (dy - dy.mean(axis=-1, keepdims=True) - along(dy))
    yield "the factor 1/σ is missing", (g - g.mean(axis=-1, keepdims=True) - along(g))


def _heads(x: np.ndarray, H: int) -> np.ndarray:
    B, T, C = x.shape
    return x.reshape(B, T, H, C // H).swapaxes(1, 2)


def _merged(x: np.ndarray) -> np.ndarray:
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _attention_weights(attn: str, theirs: Trace) -> Suspects:
    """p = softmax(q kᵀ / √D, future masked)."""
    p = theirs["input", f"{attn}.attn_dropout"]
    B, H, T, _ = p.shape
    qkv = theirs["output", f"{attn}.c_attn"].astype(np.float64)
    q, k, _ = (_heads(part, H) for part in np.split(qkv, 3, axis=-1))
    D, C = q.shape[-1], q.shape[-1] * H
    scores = q @ k.swapaxes(-1, -2)
    future = np.triu(np.ones((T, T), bool), 1)

    def masked(scores: np.ndarray, hidden: np.ndarray = future) -> np.ndarray:
        return np.where(hidden, -np.inf, scores)

    yield "the scores are not divided by √D", _softmax(masked(scores))
    yield "the scores are divided by √C where √D belongs", _softmax(masked(scores / math.sqrt(C)))
    yield "the scores are divided by D where √D belongs", _softmax(masked(scores / D))
    yield "the scores are transposed", _softmax(masked(scores.swapaxes(-1, -2) / math.sqrt(D)))
    yield "the future is not masked", _softmax(scores / math.sqrt(D))
    late = np.triu(np.ones((T, T), bool), 2)
    yield "the mask is off by one: each position sees the next", _softmax(masked(scores / math.sqrt(D), late))
    with np.errstate(invalid="ignore"):
        early = _softmax(masked(scores / math.sqrt(D), np.triu(np.ones((T, T), bool))))
    yield "the mask is off by one: no position sees itself", np.nan_to_num(early)
    yield (
        "the mask comes after the softmax, whose rows then do not sum to 1",
        np.where(future, 0, _softmax(scores / math.sqrt(D))),
    )
    each = [part.reshape(B, H, T, D) for part in np.split(qkv, 3, axis=-1)]
    for q, k, _ in (each, np.split(qkv.reshape(B, 3 * H, T, D), 3, axis=1)):
        mixed = _softmax(masked(q @ k.swapaxes(-1, -2) / math.sqrt(D)))
        yield "the heads are split by a reshape to (B, H, T, D); it takes (B, T, H, D) and then swapped axes", mixed


def _attention_gradient(attn: str, theirs: Trace) -> Suspects:
    """dq, dk and dv side by side."""
    p, dropped = (theirs[place, f"{attn}.attn_dropout"].astype(np.float64) for place in ("input", "output"))
    H = p.shape[1]
    q, k, _ = (_heads(part, H) for part in np.split(theirs["output", f"{attn}.c_attn"].astype(np.float64), 3, axis=-1))
    dcontext = _heads(theirs["dx", f"{attn}.c_proj"].astype(np.float64), H)
    dp = theirs["dx", f"{attn}.attn_dropout"].astype(np.float64)
    root = math.sqrt(q.shape[-1])

    def through_softmax(dp: np.ndarray, p: np.ndarray) -> np.ndarray:
        return p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / root

    def dqkv(da: np.ndarray, dk: np.ndarray | None = None, dv: np.ndarray | None = None) -> np.ndarray:
        dk = da.swapaxes(-1, -2) @ q if dk is None else dk
        dv = dropped.swapaxes(-1, -2) @ dcontext if dv is None else dv
        return np.concatenate([_merged(da @ k), _merged(dk), _merged(dv)], axis=-1)

    da = through_softmax(dp, p)
    yield "dk takes the transposed daᵀ q, and has da q", dqkv(da, dk=da @ q)
    yield "dv takes the transposed pᵀ dc, and has p dc", dqkv(da, dv=dropped @ dcontext)
    yield "dv takes the weights after dropout, and has those before", dqkv(da, dv=p.swapaxes(-1, -2) @ dcontext)
    yield "1/√D is missing: off by a factor of √D in dq and dk", dqkv(da * root)
    yield "1/√D is missing in dk alone", dqkv(da, dk=da.swapaxes(-1, -2) @ q * root)
    yield "softmax's backward lacks a term: the sum over dp p", dqkv(p * dp / root)
    yield "softmax's backward sums dp where dp p belongs", dqkv(p * (dp - dp.sum(axis=-1, keepdims=True)) / root)
    yield "softmax's backward takes p before dropout, and has p after", dqkv(through_softmax(dp, dropped))
    yield "the backward of attn_dropout is skipped", dqkv(through_softmax(theirs["dy", f"{attn}.attn_dropout"], p))
    dq, dk, dv = np.split(dqkv(da), 3, axis=-1)
    yield "dq and dk are swapped", np.concatenate([dk, dq, dv], axis=-1)


def _table(module: str, theirs: Trace) -> Suspects:
    """An embedding's rows, each the sum over its ids; of a tied wte, the head's gradient too."""
    ids, dy = theirs["input", module], theirs["dy", module].astype(np.float64)
    whole = theirs["gradient", f"{module}.weight"]
    rows, last = np.zeros_like(whole, np.float64), np.zeros_like(whole, np.float64)
    np.add.at(rows, ids, dy)
    last[ids] += dy
    rest = whole - rows
    yield "only repeated ids differ: `grad[ids] += g` keeps one of several equal rows, np.add.at adds all", rest + last
    if module == "wte" and rest.any():
        yield "a gradient is overwritten: of the tied weight's two, the head's is lost", rows
        yield "a missing term: of the tied weight's two gradients, the embedding's", rest


def _cross_entropy(theirs: Trace) -> Suspects:
    """(softmax(z) - onehot) / n, and 0 where the target is ignored."""
    logits, dlogits = theirs["input", "loss"].astype(np.float64), theirs["dx", "loss"]
    counted = dlogits.any(axis=-1, keepdims=True)
    p = _softmax(logits)
    yield "a missing term: the one-hot of the targets", np.where(counted, p / counted.sum(), 0)
    ignored = p.copy()
    ignored[..., 0] -= 1
    yield "ignored targets get a gradient", np.where(counted, dlogits, ignored / counted.sum())
