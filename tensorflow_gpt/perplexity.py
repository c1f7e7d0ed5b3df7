"""Perplexity: among how many tokens the model might as well have guessed, at each place of a text."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.perplexity import check_text
from tensorflow_gpt.model import GPTModel


def perplexity(model: GPTModel, tokens: Sequence[int], stride: int | None = None) -> float:
    """exp of the mean of -log p(token | tokens before it), over every token of the text but the first.

    The windows are those of the twins, whose docstring states the protocol.
    """
    return math.exp(np.concatenate(list(token_losses(model, tokens, stride))).mean())


def token_losses(model: GPTModel, tokens: Sequence[int], stride: int | None = None) -> Iterator[np.ndarray]:
    """-log p in nats of every token but the first, in order, window by window."""
    context_length = model.config.context_length
    stride = max(context_length // 2, 1) if stride is None else stride
    check_text(tokens, stride, model.config)

    def windows() -> Iterator[np.ndarray]:
        predicted, last = 0, len(tokens) - 1
        while predicted < last:
            end = min(predicted + (stride if predicted else context_length), last)
            begin = max((end - context_length + stride - 1) // stride * stride, 0)
            window = np.array(tokens[begin : end + 1], np.int64)
            logits = model.logits(window[None, :-1])[0]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(window[1:], logits).numpy()[predicted - begin :]
            check_logits(float(losses.max()))
            yield losses.astype(np.float64)
            predicted = end

    return windows()
