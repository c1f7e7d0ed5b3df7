"""Checks of generation: its prompts, its settings, and the logits that tokens are chosen from."""

from collections.abc import Sequence
from typing import Any

from shared_gpt.checks.tokens import check_range
from shared_gpt.config import GPTConfig


def check_prompts(ids: Any, config: GPTConfig) -> list[list[int]]:
    """Prompts as lists of ids, from such lists or from an array (B, T). Refuse empty ones and ids of no token."""
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


def check_sampling(
    config: GPTConfig,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    repetition_penalty: float | None,
    eos_id: int | None,
) -> None:
    """Refuse settings of generation that make no sense."""
    if isinstance(max_new_tokens, bool) or not hasattr(max_new_tokens, "__index__") or max_new_tokens < 0:
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}; give a whole number of at least 0.")
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature is {temperature!r}; give 0 for the likeliest token, or a number such as 0.8.")
    if top_k is not None and (isinstance(top_k, bool) or not hasattr(top_k, "__index__") or top_k < 1):
        raise ValueError(f"top_k is {top_k!r}; give a whole number of at least 1, or None for the whole vocabulary.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p!r}; give a probability above 0 and up to 1, or None for no cut.")
    if repetition_penalty is not None and not 0 < repetition_penalty < float("inf"):
        raise ValueError(f"repetition_penalty is {repetition_penalty!r}; give a number above 0, such as 1.2, or None.")
    if eos_id is not None:
        check_range("eos_id", eos_id, eos_id, config.vocab_size)


def check_logits(largest: float) -> None:
    """Refuse logits whose largest is not finite: a token drawn from them would be meaningless."""
    if not abs(largest) < float("inf"):
        raise ValueError(f"The model's logits hold {largest}; its weights are damaged or its training diverged.")
