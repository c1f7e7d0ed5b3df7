"""Mistakes in attention: the weights p = softmax(q kᵀ / √D, future masked), and the gradients of q, k and v."""

import math

import numpy as np

from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Trace


def attention_weights(attn: str, theirs: Trace) -> Suspects:
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
    yield (
        "softmax runs over the queries, where the keys belong",
        _softmax(masked(scores / math.sqrt(D)), -2),
    )
    mixed = q @ k.reshape(B, H, D, T) / math.sqrt(D)
    yield "k is reshaped to (B, H, D, T) where its last two axes should be swapped", _softmax(masked(mixed))
    late = np.triu(np.ones((T, T), bool), 2)
    yield "the mask is off by one: each position sees the next", _softmax(masked(scores / math.sqrt(D), late))
    with np.errstate(invalid="ignore"):
        early = _softmax(masked(scores / math.sqrt(D), np.triu(np.ones((T, T), bool))))
    yield "the mask is off by one: no position sees itself", np.nan_to_num(early)
    yield (
        "the mask comes after the softmax, whose rows then do not sum to 1",
        np.where(future, 0, _softmax(scores / math.sqrt(D))),
    )
    whole = np.exp(masked(scores / math.sqrt(D)))
    yield (
        "the maximum of each row is not taken off first, so that its sum can be below 1",
        whole / np.maximum(whole.sum(axis=-1, keepdims=True), 1),
    )
    yield (
        "a row whose keys are all hidden is divided by its sum, 0",
        np.where(p.any(axis=-1, keepdims=True), p, np.nan),
    )
    each = [part.reshape(B, H, T, D) for part in np.split(qkv, 3, axis=-1)]
    for q, k, _ in (each, np.split(qkv.reshape(B, 3 * H, T, D), 3, axis=1)):
        mixed = _softmax(masked(q @ k.swapaxes(-1, -2) / math.sqrt(D)))
        yield "the heads are split by a reshape to (B, H, T, D); it takes (B, T, H, D) and then swapped axes", mixed


def attention_gradient(attn: str, theirs: Trace) -> Suspects:
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
    yield "softmax's backward is dp p (1 - p), the diagonal of its Jacobian alone", dqkv(dp * p * (1 - p) / root)
    yield (
        "1/√D is missing in dq alone",
        np.concatenate([_merged(da @ k) * root, dqkv(da)[..., q.shape[1] * q.shape[-1] :]], -1),
    )
    yield "softmax's backward sums dp where dp p belongs", dqkv(p * (dp - dp.sum(axis=-1, keepdims=True)) / root)
    yield "softmax's backward takes p before dropout, and has p after", dqkv(through_softmax(dp, dropped))
    yield "the backward of attn_dropout is skipped", dqkv(through_softmax(theirs["dy", f"{attn}.attn_dropout"], p))
    dq, dk, dv = np.split(dqkv(da), 3, axis=-1)
    yield "dq and dk are swapped", np.concatenate([dk, dq, dv], axis=-1)


def _heads(x: np.ndarray, H: int) -> np.ndarray:
    B, T, C = x.shape
    return x.reshape(B, T, H, C // H).swapaxes(1, 2)


def _merged(x: np.ndarray) -> np.ndarray:
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


def _softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
