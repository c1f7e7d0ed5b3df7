"""Perplexity: among how many tokens the model might as well have guessed, at each place of a
text."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from numpy_gpt.functional import logsumexp
from numpy_gpt.model import GPTModel
from numpy_gpt.module import evaluation, no_grad
from numpy_gpt.shapes import Array, Float, Int
from shared_gpt.array_types import Integer
from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.perplexity import check_text

Tokens = Sequence[int] | Integer[np.ndarray, " N"] | Integer[Array, " N"]


def perplexity(model: GPTModel, tokens: Tokens, stride: int | None = None) -> float:
    """exp of the mean of -log p(token | tokens before it), over every token of the text but the
    first.

    Protocol: windows of context_length tokens begin every `stride` tokens (None: half a
    context_length). Each token is counted once, in the first window that predicts it. Behind
    the first window, every counted token has at least context_length - stride + 1 tokens before
    it. So a small stride takes more passes and gives a lower, truer figure; stride =
    context_length is quick, and some tokens are guessed from almost nothing.

    This is the protocol of Hugging Face's guide "Perplexity of fixed-length models", but for
    one thing. There a window of n tokens predicts n - 1 of them, so that stride = n leaves out
    the first of each; here it also predicts the one behind its end. Perplexities compare only
    under one tokenizer, one context_length and one stride.
    """
    losses = list(token_losses(model, tokens, stride))
    return math.exp(
        sum(float(loss.sum()) for loss in losses) / sum(len(loss) for loss in losses)
    )


def token_losses(
    model: GPTModel, tokens: Tokens, stride: int | None = None
) -> Iterator[Float[Array, " n"]]:
    """-log p in nats of every token but the first, in order, window by window; `perplexity`
    states the protocol."""
    context_length = model.config.context_length
    stride = max(context_length // 2, 1) if stride is None else stride
    check_text(tokens, stride, model.config)

    def windows() -> Iterator[Float[Array, " n"]]:
        predicted, last = 0, len(tokens) - 1
        with evaluation(model):
            for begin in range(0, last, stride):
                end = min(begin + context_length, last)
                window = np.array(tokens[begin : end + 1], np.int64)
                yield last_losses(model, window[:-1], window[1:], end - predicted)
                predicted = end
                if end == last:
                    return

    return windows()


@no_grad()
def last_losses(
    model: GPTModel, inputs: Int[Array, " T"], targets: Int[Array, " T"], n: int
) -> Float[Array, " n"]:
    """-log p of the last n targets."""
    logits = model(inputs[None], last=n)[0]
    losses = logsumexp(logits) - logits[np.arange(n), targets[-n:]]
    check_logits(float(losses.max()))
    return losses.astype(np.float64)
