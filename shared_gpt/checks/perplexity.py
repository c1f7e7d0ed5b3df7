"""Checks of perplexity: the text and the stride."""

from typing import Any

from shared_gpt.checks.tokens import check_range
from shared_gpt.config import GPTConfig


def check_text(tokens: Any, stride: int, config: GPTConfig) -> None:
    """Refuse tokens, or a stride over them, that give no perplexity."""
    if len(getattr(tokens, "shape", [0])) != 1:
        raise ValueError(f"tokens have shape {tuple(tokens.shape)}; give one row of ids.")
    if hasattr(tokens, "dtype") and "int" not in str(tokens.dtype):
        raise ValueError(f"tokens are {tokens.dtype}; give integers, the positions of tokens in the vocabulary.")
    if len(tokens) < 2:
        raise ValueError(
            f"The text holds {len(tokens)} tokens; give at least 2, the first of which is never predicted."
        )
    low, high = (tokens.min(), tokens.max()) if hasattr(tokens, "min") else (min(tokens), max(tokens))
    check_range("tokens", int(low), int(high), config.vocab_size)
    if isinstance(stride, bool) or not hasattr(stride, "__index__") or not 1 <= stride <= config.context_length:
        raise ValueError(
            f"stride is {stride!r}; give a whole number from 1 to the context_length of {config.context_length}, "
            "so that every token is counted."
        )
