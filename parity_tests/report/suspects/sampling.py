"""Mistakes between the logits and the next token."""

import re

import numpy as np

from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Key, Trace


def sampling(key: Key, theirs: Trace) -> Suspects:
    """The suspects for a result of the check of sampling; the plain probabilities stand at its beginning."""
    place, name = key
    if ("probabilities", "its result") not in theirs:
        return
    plain = theirs["probabilities", "its result"]
    if place == "keep_top_p" and (found := re.search(r"p = ([\d.]+)", name)):
        top_p = float(found[1])
        order = np.argsort(-plain, axis=-1, kind="stable")
        sums = np.cumsum(np.take_along_axis(plain, order, axis=-1), axis=-1)
        mask = np.zeros_like(plain, bool)
        np.put_along_axis(mask, order, sums <= top_p, axis=-1)
        cut = np.where(mask, plain, 0)
        for mistaken in (cut / cut.sum(axis=-1, keepdims=True), cut):
            yield "the token whose probability crosses top_p is left out", mistaken
        yield "what is kept is not scaled to sum to 1", np.where(theirs[key] > 0, plain, 0)
    elif place == "probabilities" and (found := re.search(r"temperature (0\.5)", name)):
        logs = np.log(plain)
        yield "the logits are multiplied by the temperature; they are divided by it", _softmax(logs * float(found[1]))
        yield "the temperature is left out", plain
    elif place == "keep_top_k" and np.isneginf(theirs[key]).any():
        yield "what is cut is 0, where -inf belongs", np.where(np.isneginf(theirs[key]), 0, theirs[key])
    elif place == "draw" and name == "the tokens it draws":
        yield "the likeliest token, whatever u is", np.broadcast_to(plain.argmax(axis=-1), theirs[key].shape)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
