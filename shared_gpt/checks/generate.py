"""Checks of generation: its prompts, its settings, and the logits that tokens are chosen from."""

import sys
from collections.abc import Sequence
from typing import Any

from shared_gpt.checks.model import check_rng
from shared_gpt.checks.numbers import is_number, is_whole
from shared_gpt.checks.tokens import check_range
from shared_gpt.config import GPTConfig


def check_prompts(ids: Any, config: GPTConfig) -> list[list[int]]:
    """Prompts as lists of ids, from such lists or from an array (B, T). Refuse empty ones and ids of no token."""
    if hasattr(ids, "numpy") and not hasattr(ids, "tolist"):  # a tensor of TensorFlow
        ids = ids.numpy()
    rows = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    if not rows or not all(isinstance(row, Sequence) or hasattr(row, "tolist") for row in rows):
        raise ValueError(f"Prompts are {str(ids)[:60]}; give a list of id lists, for one prompt [ids].")
    rows = [row.tolist() if hasattr(row, "tolist") else list(row) for row in rows]
    for i, row in enumerate(rows):
        if not row:
            raise ValueError(f"Prompt {i} holds no token; begin with at least one, such as <|endoftext|>.")
        for token in row:
            if isinstance(token, bool) or not hasattr(token, "__index__"):
                raise ValueError(
                    f"Prompt {i} holds {token!r}; give integers, the positions of tokens in the vocabulary."
                )
        check_range(f"the ids of prompt {i}", min(row), max(row), config.vocab_size)
    return [[int(token) for token in row] for row in rows]


def check_length(max_new_tokens: Any) -> None:
    if not is_whole(max_new_tokens, 0):
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}; give a whole number of at least 0.")


def check_window(max_new_tokens: Any, context_size: Any, config: GPTConfig) -> None:
    """Refuse a window over the text that shows nothing, or more than the model has positions for."""
    check_length(max_new_tokens)
    if not is_whole(context_size, 1) or context_size > config.context_length:
        raise ValueError(
            f"context_size is {context_size!r}; give a whole number from 1 to the context_length of {config.context_length}."
        )


def check_sampling(settings: Any, max_new_tokens: Any, candidates: Any, config: GPTConfig) -> None:
    """Refuse settings of generation (SamplingSettings) that make no sense."""
    check_length(max_new_tokens)
    if not is_whole(candidates, 0):
        raise ValueError(f"candidates is {candidates!r}; give a whole number of at least 0.")
    temperature, top_k, top_p = settings.temperature, settings.top_k, settings.top_p
    if not (is_number(temperature) and temperature >= 0):
        raise ValueError(f"temperature is {temperature!r}; give 0 for the likeliest token, or a number such as 0.8.")
    if top_k is not None and not is_whole(top_k, 1):
        raise ValueError(f"top_k is {top_k!r}; give a whole number of at least 1, or None for the whole vocabulary.")
    if top_p is not None and not (is_number(top_p) and 0 < top_p <= 1):
        raise ValueError(f"top_p is {top_p!r}; give a probability above 0 and up to 1, or None for no cut.")
    penalty = settings.repetition_penalty
    if penalty is not None and not (is_number(penalty) and penalty > 0):
        raise ValueError(f"repetition_penalty is {penalty!r}; give a number above 0, such as 1.2, or None.")
    if settings.eos_id is not None:
        if not is_whole(settings.eos_id, -sys.maxsize):
            raise ValueError(f"eos_id is {settings.eos_id!r}; give the number of a token, or None.")
        check_range("eos_id", settings.eos_id, settings.eos_id, config.vocab_size)
    check_rng(settings.rng)


def check_lookup(num_tokens: Any, ngram: Any) -> None:
    """Refuse a look-up that guesses or looks for nothing."""
    for name, value, usual in (("num_tokens", num_tokens, 10), ("ngram", ngram, 3)):
        if not is_whole(value, 1):
            raise ValueError(f"{name} is {value!r}; give a whole number of at least 1, such as {usual}.")


def check_logits(largest: float) -> None:
    """Refuse logits whose largest is not finite: a token drawn from them would be meaningless."""
    if not abs(largest) < float("inf"):
        raise ValueError(f"The model's logits hold {largest}; its weights are damaged or its training diverged.")
