"""Perplexity: among how many tokens the model might as well have guessed, at each place of a text."""

import math

import numpy as np
import tensorflow as tf

from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.perplexity import check_text


def perplexity(model, tokens, stride=None):
    """exp of the mean of -log p(token | tokens before it), over every token of the text but the first.

    The windows are those of the twins, whose docstring states the protocol.
    """
    return math.exp(np.concatenate(list(token_losses(model, tokens, stride))).mean())


def token_losses(model, tokens, stride=None):
    """-log p in nats of every token but the first, in order, window by window."""
    context_length, last = model.config.context_length, len(tokens) - 1
    stride = max(context_length // 2, 1) if stride is None else stride
    check_text(tokens, stride, model.config)
    begins = range(0, max(last - context_length, 0) + stride, stride)
    ends = [0, *(min(begin + context_length, last) for begin in begins)]
    places = zip(begins, ends[1:], ends)
    return (window_losses(model, tokens[begin : end + 1], end - before) for begin, end, before in places)


def window_losses(model, window, n):
    """-log p of the last n tokens of a window."""
    window = np.array(window, np.int64)
    logits = model.logits(window[None, :-1])[0]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(window[1:], logits).numpy()[-n:]
    check_logits(float(losses.max()))
    return losses.astype(np.float64)
