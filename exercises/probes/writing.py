"""Trials of the whole model, its loss, and choosing the next token."""

import importlib

import numpy as np

import numpy_gpt
from exercises.probes.attention import CACHED, CAUSALITY, small_config
from exercises.probes.forward import SUM_TO_1
from exercises.trial import Trial
from numpy_gpt import GPTConfig, functional, kv_cache, loss, model, sampling

generate = importlib.import_module("numpy_gpt.generate")  # numpy_gpt.generate is the function


def whole_model(t: Trial, config: GPTConfig | None = None) -> model.GPTModel:
    config = config or small_config(t)
    return t.randomized(model.GPTModel(config, dtype=t.dtype.type, initialize=False)).eval()


def gpt_model(t: Trial) -> None:
    own = whole_model(t)
    ids = t.rng.integers(0, own.config.vocab_size, (2, 6))
    with numpy_gpt.no_grad():
        logits = t.call("GPTModel.forward", own, ids, gives=("its logits",))
        cache = numpy_gpt.KVCache(own.config)
        pieces = [own(ids[:, :4], cache), own(ids[:, 4:], cache)]
        t.put("GPTModel.forward", "its logits in pieces through a cache", np.concatenate(pieces, axis=1))
        t.put("GPTModel.forward", "its logits with padding", own(ids, None, np.array([0, 2]))[:, 2:])
        t.put("GPTModel.forward", "the logits of the last two positions", own(ids, last=2))
        moved = ids.copy()
        moved[:, -1] = (moved[:, -1] + 1) % own.config.vocab_size
        t.law("GPTModel.forward", CAUSALITY, own(moved)[:, :-1], logits[:, :-1])
        t.law("GPTModel.forward", CACHED, np.concatenate(pieces, axis=1), logits)


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
        value = t.call(
            "CrossEntropy.forward", criterion, logits + t.dtype.type(shift), targets, gives=("the loss",), when=when
        )
        if value is not None:
            t.put("CrossEntropy.forward", f"what backward makes of the values it saved{when}", criterion.backward())
    targets[1::3] = -100
    for chosen, when in ((targets, " with ignored targets"), (np.full(n, -100), " where all targets are ignored")):
        t.call("CrossEntropy.forward", loss.CrossEntropy(), logits, chosen, gives=("the loss",), when=when)
    stacked = t.normal(2, 3, V)
    t.call(
        "CrossEntropy.forward",
        loss.CrossEntropy(),
        stacked,
        t.rng.integers(0, V, (2, 3)),
        gives=("the loss",),
        when=" for a batch",
    )
    even = loss.CrossEntropy()(np.zeros((2, V), t.dtype), np.array([0, 1]))
    t.law("CrossEntropy.forward", "equal logits cost log V", even, np.log(V))


def generate_text_simple(t: Trial) -> None:
    own = whole_model(t)
    for B, T, new, window in ((1, 3, 4, 9), (2, 2, 12, 9), (2, 7, 5, 4), (1, 1, 0, 9)):
        ids = t.rng.integers(0, own.config.vocab_size, (B, T))
        when = f" after {T} tokens, {new} new ones, context {window}"
        t.call(
            "generate_text_simple", generate.generate_text_simple, own, ids, new, window, gives=("its text",), when=when
        )


def layer_cache(t: Trial) -> None:
    B, H, D = 2, t.size("H", 2, 3), t.size("D", 4, 5)
    cache = kv_cache.LayerCache(8)
    for T in (3, 1, 4):
        gives = ("the keys", "the values")
        t.call(
            "LayerCache.append",
            cache.append,
            t.normal(B, H, T, D),
            t.normal(B, H, T, D),
            gives=gives,
            when=f" after {T} more",
        )
        t.put("LayerCache.append", f"the length after {T} more", float(cache.length))
    t.raises(
        "LayerCache.append", cache.append, t.normal(B, H, 1, D), t.normal(B, H, 1, D), when="for one position too many"
    )


def probabilities(t: Trial) -> None:
    z = 2 * t.normal(3, t.size("V", 9, 12))
    for temperature in (1.0, 0.5, 3.0, 1e-306):
        t.call("probabilities", sampling.probabilities, z, temperature, when=f" at temperature {temperature:g}")
    t.call("probabilities", sampling.probabilities, z, 0.8, 6, 0.7, when=" with top_k = 6 and top_p = 0.7")
    t.law("probabilities", SUM_TO_1, sampling.probabilities(z, 2.0).sum(axis=-1), np.ones(3))


def keep_top_k(t: Trial) -> None:
    z = t.normal(3, t.size("V", 9, 12))
    for k in (1, 4, 99):
        t.call("keep_top_k", sampling.keep_top_k, z, k, when=f" for k = {k}")
    t.call("keep_top_k", sampling.keep_top_k, np.array([[1, 2, 2, 0]], t.dtype), 1, when=" where two are equally large")


def keep_top_p(t: Trial) -> None:
    p = functional.softmax(2 * t.normal(3, t.size("V", 9, 12)))
    for share in (0.1, 0.6, 0.95):
        t.call("keep_top_p", sampling.keep_top_p, p, share, when=f" for p = {share}")
    t.call(
        "keep_top_p",
        sampling.keep_top_p,
        np.array([[0.25, 0.5, 0.25]], t.dtype),
        0.6,
        when=" where two are equally likely",
    )
    t.law("keep_top_p", SUM_TO_1, sampling.keep_top_p(p, 0.5).sum(axis=-1), np.ones(3))
